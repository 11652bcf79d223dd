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
from ..files import TwinError, content_id, write_atomic, write_records
from ..i18n import language, t
from ..text import interview_questions, sufficiency
from ..text.interview_questions import BY_ID, QUESTIONS, Question
from ..text.script import word_count
from ..text.sufficiency import HELD_OUT
from ..twin import Twin

ENOUGH = 200  # passages of other writing from which on the interview can't change the assessment
WANTED = 20  # answers that make a good blind test
_TRAIN = 1 - sum(HELD_OUT.values())  # the share of documents that is learnt


class AnswerStore:
    """The answers in one file; `note` says when damaged lines were set aside.

    `records` is by question id. A subclass has `questions`, in the order they are asked in, and
    `progress()`. Raises TwinError when the file can't be opened.
    """

    questions: list[Question]

    def __init__(self, path: Path):
        self.path, self.records, self.note = path, {}, ""
        self.read()

    def read(self) -> None:
        """Read the file, which another window may have changed; damaged lines are set aside."""
        text = _text(self.path)
        records, damaged = interview_questions.parse(text)
        self.records = {record["id"]: record for record in records}
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
        """Change fields of one record and write the file; raises OSError when that fails."""
        self.read()
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
        records = {**self.records, question.id: record}
        write_records(self.path, records.values())
        self.records = records

    def answer(self, name: str) -> str:
        return self.records.get(name, {}).get("answer", "")

    def draft(self, name: str) -> str:
        """The half-typed answer if there is one, else the saved answer."""
        return self.records.get(name, {}).get("draft") or self.answer(name)

    def skipped(self, name: str) -> bool:
        return self.records.get(name, {}).get("skipped", False)

    def opening(self) -> Question | None:
        """The question to go on with: half-typed, else the first neither answered nor skipped."""
        free = [q for q in self.questions if not self.skipped(q.id)]
        begun = [q for q in free if self.records.get(q.id, {}).get("draft")]
        return next((q for q in begun + free if q in begun or not self.answer(q.id)), None)


class InterviewAnswers(AnswerStore):
    """Answers to the interview.

    Questions answered for the blind test are not asked again: the twin must not train on them.
    """

    def __init__(self, twin: Twin):
        super().__init__(twin.file("interview"))
        elsewhere = answered(twin.file("blind_answers"))
        self.questions = [q for q in QUESTIONS if q.id not in elsewhere or self.answer(q.id)]

    def progress(self) -> str:
        answers = [record["answer"] for record in self.records.values() if record["answer"]]
        words = sum(map(word_count, answers))
        return t("ui.interview_so_far", done=len(answers), all=len(self.questions), words=words)


class BlindTestAnswers(AnswerStore):
    """Answers to the blind test: own questions first, then interview questions not trained on."""

    def __init__(self, twin: Twin):
        super().__init__(twin.file("blind_answers"))
        free = pairs.pool(answered(twin.file("interview")), blind_test.asked_before(twin))
        self.pool = [q for q in reversed(QUESTIONS) if q in free or self.answer(q.id)]
        if not self.pool:  # the owner answered the whole interview
            self.pool = [pairs.own_question(t("ui.what_went_wrong_last_week"))]

    @property
    def questions(self) -> list[Question]:
        own = [
            Question(name, "friends", record["question"], record["question"])
            for name, record in self.records.items()
            if name not in BY_ID
        ]
        return own + self.pool

    def progress(self) -> str:
        done = sum(bool(record["answer"]) for record in self.records.values())
        return t("ui.blind_test_so_far", done=done, wanted=WANTED)


def answered(path: Path) -> set[str]:
    """Ids of the questions that are answered in a file.

    Raises TwinError when it can't be opened.
    """
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
    """The reader's language, 'en' or 'zh'; where that is 'both', the one the twin writes most."""
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
        whole = Corpus(
            *(report.figures[name]["value"] or 0 for name in ("passages", "tokens", "documents"))
        )
        if whole.passages >= ENOUGH:
            return Corpus(round(_TRAIN * whole.passages), _TRAIN * whole.tokens, whole.documents)
        kinds = {d["id"]: d["kind"] for d in twin.records("documents") if d["kind"] != "interview"}
        pieces = [
            p for p in twin.records("passages") if p["split"] == "train" and p["document"] in kinds
        ]
    except (TwinError, KeyError):
        return Corpus()
    return Corpus(
        len(pieces),
        sum(p["tokens_estimate"] for p in pieces),
        len(kinds),
        Counter(kinds[p["document"]] for p in pieces),
    )


def assessment(store: InterviewAnswers, corpus: Corpus, author: str) -> sufficiency.Assessment:
    """How sufficient a corpus is together with the interview as answered so far."""
    raw = [
        document
        for document in interview.documents(store.records.values(), author)
        if interview.long_enough(document.text)
    ]
    limit = declared.SETTINGS["corpus"]().passage_tokens
    pieces = [p for d in raw for p in passages(d, limit)]
    mine = round(_TRAIN * len(pieces))
    return sufficiency.assess(
        corpus.passages + mine,
        corpus.tokens + _TRAIN * sum(p.tokens_estimate for p in pieces),
        corpus.documents + len(raw),
        {**corpus.kinds, "interview": mine},
    )
