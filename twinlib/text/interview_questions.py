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
    """All questions, topics in turn: whoever stops after 15 has said something about each."""
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
    """What to ask after a short answer, changing as it grows; '' after an empty or a long one."""
    tokens = tokens_estimate(answer)
    if not tokens or tokens >= _LONG_ENOUGH:
        return ""
    choices = data("interview")[question.topic]["nudges"]
    return choices[(int(question.id[-2:]) + tokens // 20) % len(choices)][language]


def parse(text: str) -> tuple[list[dict], int]:
    """The records in answers.jsonl, in the order of QUESTIONS, and the number of damaged lines.

    Of two records of one question the later counts. Questions that are in QUESTIONS no more come
    last.
    """
    found, damaged = {}, 0
    for _, line in parsed_lines(text):
        record = {**_EMPTY, **(line or {})}
        if _is_valid(record):
            found[record["id"]] = record
        else:
            damaged += 1
    order = {name: place for place, name in enumerate(BY_ID)}
    return sorted(found.values(), key=lambda record: order.get(record["id"], len(order))), damaged


def _is_valid(record):
    texts = ("id", "question", "answer", "language", "when", "draft")
    return bool(record["id"]) and all(isinstance(record.get(key, ""), str) for key in texts)
