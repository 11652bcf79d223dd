"""The owner's interview answers as documents."""

import re
from collections.abc import Iterable

from ..text.interview_questions import BY_ID, TOPICS
from ..text.script import language_of
from .records import Document, Turn

# Characters without spaces: shorter answers are no texts by themselves, so they share one.
_SHORTEST = 80


def documents(answers: Iterable[dict], author: str, shortest: int = _SHORTEST) -> list[Document]:
    """A document for each long answer, and one for all short answers of a topic and language.

    `answers` are the records of answers.jsonl, see text/interview_questions.py.
    """
    groups = {}
    for answer in answers:
        turn = _turn(answer)
        if not turn.answer:
            continue
        topic, language = answer["id"].rpartition("-")[0], language_of(turn.answer)
        label = TOPICS[topic][language] if topic in TOPICS else topic
        if long_enough(turn.answer, shortest):
            name, title = answer["id"], turn.question
        else:
            name, title = f"{topic}-{language}", label
        groups.setdefault((name, title, label), []).append(turn)
    return [
        Document.of_turns(
            f"interview#{name}",
            turns,
            title=title,
            date=max(turn.time for turn in turns)[:10] or None,
            author=author,
            kind="interview",
            fallback_title=label,
        )
        for (name, title, label), turns in groups.items()
    ]


def long_enough(text: str, shortest: int = _SHORTEST) -> bool:
    """Whether a text has at least `shortest` characters without spaces: a document of its own."""
    return len(re.sub(r"\s", "", text)) >= shortest


def _turn(answer):
    """The answer with its question, in the language of the answer if the question exists in it."""
    text = answer["answer"].strip()
    question, language = answer["question"], language_of(text)
    if answer["id"] in BY_ID and answer["language"] != language:
        question = BY_ID[answer["id"]].text(language)
    return Turn(question, text, answer["when"])
