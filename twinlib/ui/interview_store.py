"""The interview's answers in the twin's folder, how far they are, and what they make of the corpus."""

from collections import Counter
from datetime import datetime

from .. import settings as declared
from ..corpus import interview
from ..corpus.passages import passages
from ..files import TwinError, content_id, write_atomic, write_records
from ..i18n import language, t
from ..text import interview_questions, sufficiency
from ..text.sufficiency import HELD_OUT

ENOUGH = (
    200  # passages of other writing from which the interview's own no longer change the verdict
)
TRAIN = 1 - sum(HELD_OUT.values())  # the share of documents that is learnt


class Book:
    """The answers kept in a twin's folder: `records` by question id. `note` says when damaged lines were set aside.

    `questions` leaves out what was answered for the blind test, which nothing may learn from. Raises TwinError when the
    file cannot be opened.
    """

    def __init__(self, twin):
        self.path, self.records, self.note = twin.file("interview"), {}, ""
        self.read()
        kept = answered(twin.file("blind_answers"))
        self.questions = [
            q for q in interview_questions.QUESTIONS if q.id not in kept or self.answer(q.id)
        ]

    def read(self):
        """Read the file, which another window may have changed; what is damaged goes aside and the rest stays."""
        text = _text(self.path)
        records, damaged = interview_questions.parse(text)
        self.records = {record["id"]: record for record in records}
        if damaged:
            self._set_aside(text, damaged)

    def _set_aside(self, text, damaged):
        data = text.encode("utf-8", "surrogateescape")
        aside = self.path.with_name(f"{self.path.name}.damaged-{content_id(repr(text))[:6]}")
        write_atomic(aside, data)
        write_records(self.path, self.records.values())
        self.note = t(
            "ui.damaged_line_read_file_kept",
            damaged=damaged,
            name=self.path.name,
            name_2=aside.name,
            records=len(self.records),
        )

    def keep(self, question, spoken, **change):
        """Change one record and write the file; OSError when that fails."""
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
        record |= {key: _sound(value) for key, value in change.items()}
        if "answer" in change or "skipped" in change:
            record["when"] = datetime.now().isoformat(timespec="seconds")
        if not record.get("draft"):
            record.pop("draft", None)
        records = {**self.records, question.id: record}
        write_records(self.path, records.values())
        self.records = records

    def answer(self, name):
        return self.records.get(name, {}).get("answer", "")

    def draft(self, name):
        """What waits half-typed, else the answer."""
        return self.records.get(name, {}).get("draft") or self.answer(name)

    def skipped(self, name):
        return self.records.get(name, {}).get("skipped", False)

    def opening(self):
        """The question to go on with: one half-typed, else the first neither answered nor skipped, else None."""
        free = [q for q in self.questions if not self.skipped(q.id)]
        begun = [q for q in free if self.records.get(q.id, {}).get("draft")]
        return next((q for q in begun + free if q in begun or not self.answer(q.id)), None)

    def progress(self):
        """How far it is, as a line."""
        answers = [record["answer"] for record in self.records.values() if record["answer"]]
        done, words = len(answers), sum(map(interview_questions.count, answers))
        return t("ui.answered_words_far", done=done, questions=len(self.questions), words=words)


def answered(path):
    """The ids of the questions that a file of answers holds an answer to; TwinError when it cannot be opened."""
    return {
        record["id"] for record in interview_questions.parse(_text(path))[0] if record["answer"]
    }


def _text(path):
    try:
        # Broken bytes become half characters, which no sound record holds.
        return path.read_text(encoding="utf-8", errors="surrogateescape") if path.exists() else ""
    except OSError as error:
        raise TwinError(
            t("ui.cant_opened_mend_run_again", path=path, strerror=error.strerror)
        ) from None


def _sound(value):
    """Text without halves of characters, which no file can hold."""
    return value.encode("utf-8", "replace").decode("utf-8") if isinstance(value, str) else value


def language_to_ask_in(twin):
    """The language to ask in: the reader's, and where that is both, the one the twin writes most."""
    if language() != "both":
        return language()
    return "zh" if (twin.facts.get("languages") or [""])[0] == "zh" else "en"


def corpus_of(twin):
    """(train passages, their tokens, documents, {kind: train passages}) of step 01 without the interview."""
    try:
        report = twin.report("corpus")
        if report is None:
            return 0, 0, 0, {}
        whole = [report.figures[name]["value"] or 0 for name in ("passages", "tokens", "documents")]
        if whole[0] >= ENOUGH:
            return round(TRAIN * whole[0]), TRAIN * whole[1], whole[2], {}
        kinds = {d["id"]: d["kind"] for d in twin.records("documents") if d["kind"] != "interview"}
        pieces = [
            p for p in twin.records("passages") if p["split"] == "train" and p["document"] in kinds
        ]
    except (TwinError, KeyError):  # what cannot be read does not count, and the interview goes on
        return 0, 0, 0, {}
    return (
        len(pieces),
        sum(p["tokens_estimate"] for p in pieces),
        len(kinds),
        Counter(kinds[p["document"]] for p in pieces),
    )


def verdict(book, corpus, author):
    """The sufficiency Verdict on a corpus (as of `corpus_of`) with the interview as it stands now."""
    found, tokens, documents, kinds = corpus
    raw = [
        d
        for d in interview.document(book.records.values(), author)
        if interview.long_enough(d["text"])
    ]
    limit = declared.SETTINGS["corpus"]().passage_tokens
    pieces = [p for d in raw for p in passages({**d, "id": d["source"]}, limit)]
    mine = round(TRAIN * len(pieces))
    return sufficiency.verdict(
        found + mine,
        tokens + TRAIN * sum(p["tokens_estimate"] for p in pieces),
        documents + len(raw),
        {**kinds, "interview": mine},
    )
