"""The interview's questions, nudges after short answers, and the reader of answers.

The texts are in data/interview.yaml. A saved answer is a record {id, question, answer, language,
when, skipped}, with `draft` where an unfinished answer waits. What becomes of the answers is in
corpus/interview.py.
"""

from itertools import zip_longest
from typing import NamedTuple

from ..files import parsed_lines
from ..i18n import data
from .script import tokens_estimate

# An answer of this many tokens, about 60 words or 110 Chinese characters, gets no nudge.
_LONG_ENOUGH = 80
_EMPTY = {"id": "", "question": "", "answer": "", "language": "", "when": "", "skipped": False}


class Question(NamedTuple):
    """A question of the interview; `en` and `zh` ask the same, each in its own way."""

    id: str
    topic: str
    en: str
    zh: str

    def text(self, language: str) -> str:
        """The question in 'zh' or 'en'."""
        return self.zh if language == "zh" else self.en


def _questions() -> list[Question]:
    """All questions, one of each topic in turn, so that the first ones touch on every topic."""
    by_topic = (
        [
            Question(f"{topic}-{n:02d}", topic, **texts)
            for n, texts in enumerate(entry["questions"], 1)
        ]
        for topic, entry in data("interview").items()
    )
    return [question for turn in zip_longest(*by_topic) for question in turn if question]


TOPICS = {topic: entry["name"] for topic, entry in data("interview").items()}
QUESTIONS = tuple(_questions())
BY_ID = {question.id: question for question in QUESTIONS}


def nudge(question: Question, answer: str, language: str) -> str:
    """A follow-up question to a short answer, another one as it grows; '' if empty or long."""
    tokens = tokens_estimate(answer)
    if not tokens or tokens >= _LONG_ENOUGH:
        return ""
    choices = data("interview")[question.topic]["nudges"]
    return choices[(int(question.id[-2:]) + tokens // 20) % len(choices)][language]


def parse(text: str) -> tuple[list[dict], int]:
    """(records of answers.jsonl in the order of QUESTIONS, number of damaged lines).

    The last record of a question counts. Records of questions no longer in QUESTIONS come last.
    """
    records, damaged = {}, 0
    for _, line in parsed_lines(text):
        record = {**_EMPTY, **(line or {})}
        if _is_valid(record):
            records[record["id"]] = record
        else:
            damaged += 1
    order = {id: position for position, id in enumerate(BY_ID)}
    return sorted(records.values(), key=lambda record: order.get(record["id"], len(order))), damaged


def _is_valid(record):
    texts = ("id", "question", "answer", "language", "when", "draft")
    return bool(record["id"]) and all(isinstance(record.get(key, ""), str) for key in texts)
