"""The interview for people with little text: how its answers become documents."""

import re

from ..text.interview_questions import BY_ID, TOPICS
from ..text.script import language_of
from .records import Document, Turn

SHORTEST = 80  # characters without spaces: shorter answers share a document, as step 01 puts short documents aside


def document(records, author, shortest=SHORTEST):
    """Raw documents of the answers: one for each that is long enough, one for each topic and language of the others."""
    groups = {}
    for record in records:
        turn = _turn(record)
        if turn.answer:
            spoken, topic = language_of(turn.answer), record["id"].rpartition("-")[0]
            long = long_enough(turn.answer, shortest)
            groups.setdefault(
                (topic, record["id"] if long else f"{topic}-{spoken}", spoken, long), []
            ).append(turn)
    return [
        _document(turns, topic, name, spoken, long, author)
        for (topic, name, spoken, long), turns in groups.items()
    ]


def long_enough(text, shortest=SHORTEST):
    """Whether a text can be a document of its own."""
    return len(re.sub(r"\s", "", text)) >= shortest


def _turn(record):
    """Question, answer and time; the question in the answer's language, because a twin is asked in one."""
    answer = record["answer"].strip()
    known, spoken = BY_ID.get(record["id"]), language_of(answer)
    other = known and record["language"] != spoken
    return Turn(known.text(spoken) if other else record["question"], answer, record["when"])


def _document(turns, topic, name, spoken, long, author):
    label = TOPICS[topic][spoken] if topic in TOPICS else topic
    return Document.of_turns(
        f"interview#{name}",
        turns,
        title=turns[0].question if long else label,
        date=max(turn.time for turn in turns)[:10] or None,
        author=author,
        kind="interview",
        fallback_title=label,
    )
