"""The owner's answers to the interview and to the blind test, in the twin's folder."""

from collections import Counter
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from .. import settings as declared
from ..corpus import interview
from ..corpus.passages import passages
from ..evaluate.blind_test import pairs
from ..evaluate.blind_test import step as blind_test
from ..files import TwinError, content_id, locked, write_atomic, write_records
from ..i18n import language, t
from ..text import interview_questions, sufficiency
from ..text.interview_questions import BY_ID, QUESTIONS, Question
from ..text.script import word_count
from ..text.sufficiency import HELD_OUT
from ..twin import Twin

ENOUGH = 200  # passages of other writing: with more, the interview can't change the assessment
WANTED = 20  # answers that make a good blind test
_TRAIN = 1 - sum(HELD_OUT.values())  # share of documents to train on


class AnswerStore:
    """The answers in one file, by question id in `records`.

    `note` is a sentence after damaged lines were set aside, else ''. A subclass has `questions`, in
    the order in which they are asked, and `progress()`, a sentence about how far the owner is.
    Raises TwinError when the file can't be opened.
    """

    questions: list[Question]

    def __init__(self, path: Path, lock: Path):
        self.path, self.lock, self.records, self.note = path, lock, {}, ""
        self.read()

    def read(self) -> None:
        """Read the file, which another window may have changed; damaged lines are set aside."""
        if self._read()[1]:
            with locked(self.lock):
                self._read_whole()

    def _read(self):
        """Read the file; returns (its text, the number of damaged lines)."""
        text = _text(self.path)
        records, damaged = interview_questions.parse(text)
        self.records = {record["id"]: record for record in records}
        return text, damaged

    def _read_whole(self):
        """Read the file and set damaged lines aside, for somebody who holds the lock."""
        text, damaged = self._read()
        if damaged:
            self._set_aside(text, damaged)

    def _set_aside(self, text, damaged):
        aside = self.path.with_name(f"{self.path.name}.damaged-{content_id(repr(text))[:6]}")
        write_atomic(aside, text.encode("utf-8", "surrogateescape"))
        write_records(self.path, self.records.values())
        self.note = t(
            "ui.damaged_answers",
            damaged=damaged,
            name=self.path.name,
            aside=aside.name,
            records=len(self.records),
        )

    def keep(self, question: Question, spoken: str, **change) -> None:
        """Change fields of one record and write the file; raises OSError when that fails.

        `spoken` is the language that the question is asked in, 'en' or 'zh'.
        """
        with locked(self.lock):
            self._read_whole()
            record = self._changed(question, spoken, change)
            records = {**self.records, question.id: record}
            write_records(self.path, records.values())
        self.records = records

    def _changed(self, question, spoken, change):
        record = {
            "id": question.id,
            "question": "",
            "answer": "",
            "language": "",
            "when": "",
            "skipped": False,
            **self.records.get(question.id, {}),
        }
        record |= {"question": question.text(spoken), "language": spoken}
        record |= {key: _encodable(value) for key, value in change.items()}
        if "answer" in change or "skipped" in change:
            record["when"] = datetime.now().isoformat(timespec="seconds")
        if not record.get("draft"):
            record.pop("draft", None)
        return record

    def answer(self, name: str) -> str:
        """The saved answer to a question; '' without one."""
        return self.records.get(name, {}).get("answer", "")

    def draft(self, name: str) -> str:
        """The half-typed answer if there is one, else the saved answer."""
        return self.records.get(name, {}).get("draft") or self.answer(name)

    def skipped(self, name: str) -> bool:
        """Whether the owner passed over a question."""
        return self.records.get(name, {}).get("skipped", False)

    def opening(self) -> Question | None:
        """The question to go on with: half-typed, else the first neither answered nor skipped."""
        asked = [q for q in self.questions if not self.skipped(q.id)]
        half_typed = [q for q in asked if self.records.get(q.id, {}).get("draft")]
        unanswered = [q for q in asked if not self.answer(q.id)]
        return next(iter(half_typed + unanswered), None)


class InterviewAnswers(AnswerStore):
    """Answers to the interview.

    Questions answered for the blind test are not asked again: the twin must not train on them.
    """

    def __init__(self, twin: Twin):
        super().__init__(twin.file("interview"), twin.file("lock"))
        in_blind_test = answered(twin.file("blind_answers"))
        self.questions = [q for q in QUESTIONS if q.id not in in_blind_test or self.answer(q.id)]

    def progress(self) -> str:
        """A sentence on how many questions are answered, in how many words."""
        answers = [record["answer"] for record in self.records.values() if record["answer"]]
        words = sum(map(word_count, answers))
        return t("ui.interview_so_far", done=len(answers), all=len(self.questions), words=words)


class BlindTestAnswers(AnswerStore):
    """Answers for the blind test: own questions first, then interview questions not trained on."""

    def __init__(self, twin: Twin):
        super().__init__(twin.file("blind_answers"), twin.file("lock"))
        unused = pairs.pool(answered(twin.file("interview")), blind_test.asked_before(twin))
        self.pool = [q for q in reversed(QUESTIONS) if q in unused or self.answer(q.id)]
        if not self.pool:  # the owner answered the whole interview
            self.pool = [pairs.own_question(t("ui.what_went_wrong_last_week"))]

    @property
    def questions(self) -> list[Question]:
        """The owner's questions, then those of the interview."""
        own = [
            Question(name, "friends", record["question"], record["question"])
            for name, record in self.records.items()
            if name not in BY_ID
        ]
        return own + self.pool

    def progress(self) -> str:
        """A sentence on how many questions are answered, of how many wanted."""
        done = sum(bool(record["answer"]) for record in self.records.values())
        return t("ui.blind_test_so_far", done=done, wanted=WANTED)


def answered(path: Path) -> set[str]:
    """Ids of the questions answered in a file; raises TwinError when it can't be opened."""
    records, _ = interview_questions.parse(_text(path))
    return {record["id"] for record in records if record["answer"]}


def _text(path):
    try:
        # Broken bytes become lone surrogates, which no valid record contains.
        return path.read_text(encoding="utf-8", errors="surrogateescape") if path.exists() else ""
    except OSError as error:
        raise TwinError(t("ui.answers_unreadable", path=path, error=error.strerror)) from None


def _encodable(value):
    """A text without lone surrogates, which UTF-8 can't hold; other values as they are."""
    return value.encode("utf-8", "replace").decode("utf-8") if isinstance(value, str) else value


def language_to_ask_in(twin: Twin) -> str:
    """The reader's language, 'en' or 'zh'; when that is 'both', the twin's main language."""
    if language() != "both":
        return language()
    return "zh" if (twin.facts.get("languages") or [""])[0] == "zh" else "en"


class Corpus(NamedTuple):
    """The size of the corpus of step 01 without the interview; `kinds` counts train passages."""

    passages: int = 0
    tokens: float = 0
    documents: int = 0
    kinds: dict[str, int] = {}


def corpus_of(twin: Twin) -> Corpus:
    """The size of the twin's corpus; an empty Corpus where it can't be read."""
    try:
        report = twin.report("corpus")
        if report is None:
            return Corpus()
        names = ("passages", "tokens", "documents")
        count, tokens, documents = (report.figures[name]["value"] or 0 for name in names)
        if count >= ENOUGH:
            return Corpus(round(_TRAIN * count), _TRAIN * tokens, documents)
        kinds = {d["id"]: d["kind"] for d in twin.records("documents") if d["kind"] != "interview"}
        train = [p for p in twin.records("passages") if p["split"] == "train"]
        train = [passage for passage in train if passage["document"] in kinds]
    except (TwinError, KeyError):
        return Corpus()
    tokens = sum(passage["tokens_estimate"] for passage in train)
    by_kind = Counter(kinds[passage["document"]] for passage in train)
    return Corpus(len(train), tokens, len(kinds), by_kind)


def assessment(store: InterviewAnswers, corpus: Corpus, author: str) -> sufficiency.Assessment:
    """How sufficient a corpus is together with the interview as answered so far.

    Every answer counts, as in step 01, where an utterance is long enough.
    """
    documents = interview.documents(store.records.values(), author)
    limit = declared.SETTINGS["corpus"]().passage_tokens
    answers = [passage for document in documents for passage in passages(document, limit)]
    to_learn = round(_TRAIN * len(answers))
    return sufficiency.assess(
        corpus.passages + to_learn,
        corpus.tokens + _TRAIN * sum(passage.tokens_estimate for passage in answers),
        corpus.documents + len(documents),
        {**corpus.kinds, "interview": to_learn},
    )
