"""Whether answers answer: each must be told from others by the question it was given.

The similarity of an answer to its own question is compared with that to other questions in the same
language on other documents. From each question's column its mean over all answers is subtracted,
since some questions are near to every text. An answer that fits each question equally well, such as
a refusal or an empty one, can only be guessed: 1 in 8.
"""

from collections.abc import Sequence
from math import comb

from ..models.embed import Embedder
from ..text.script import language_of

OTHERS = 7  # questions that an answer is told from
CHANCE = 1 / (OTHERS + 1)
_LENGTHS = {"zh": 150, "en": 450}  # characters of an answer that are compared: about 100 tokens
_EQUAL = 1e-5  # similarities nearer than that are a tie


def answers_the_question(
    questions: Sequence[str],
    answers: Sequence[str],
    embedder: Embedder,
    documents: Sequence | None = None,
    reference: Sequence[Sequence[str]] = (),
) -> float:
    """The mean of `chances` of answers in one language or two; nan if none can be compared.

    `documents` are the documents of the questions (by default each has its own). `reference` are
    further lists of answers to the same questions, which the questions' means are taken from too:
    with fewer than 24 questions, the author's passages and the answers of other variants.
    """
    documents = range(len(questions)) if documents is None else documents
    lists = chances(questions, documents, [answers, *reference], embedder)
    known = [chance for chance in lists[0] if chance is not None]
    return sum(known) / len(known) if known else float("nan")


def chances(
    questions: Sequence[str],
    documents: Sequence,
    lists: Sequence[Sequence[str]],
    embedder: Embedder,
) -> list[list[float | None]]:
    """For each list of answers, how often each is told from OTHERS questions by its own.

    The probability that the answer's own question ranks first among itself and OTHERS questions
    drawn at random from those in its language on other documents: all draws, not a sample. None
    where there are fewer than OTHERS.
    """
    found = [[None] * len(questions) for _ in lists]
    languages = list(map(language_of, questions))
    for language in sorted(set(languages)):
        rows = [i for i, code in enumerate(languages) if code == language]
        asked, sources = [questions[i] for i in rows], [documents[i] for i in rows]
        texts = [[_compared(answers[i], language) for i in rows] for answers in lists]
        tables = [embedder.similarities(asked, each) for each in texts]
        mean = sum(table.mean(axis=0) for table in tables) / len(tables)
        for chances_of_list, table in zip(found, tables):
            for row, chance in zip(rows, _told(table - mean, sources)):
                chances_of_list[row] = chance
    return found


def _compared(answer, language):
    return answer.strip()[: _LENGTHS[language]]


def _told(table, documents):
    """The chance of each row's own column, the one with its number, to be its highest."""
    for own, (row, document) in enumerate(zip(table, documents)):
        others = [value for value, other in zip(row, documents) if other != document]
        below = sum(value < row[own] - _EQUAL for value in others)
        equal = sum(abs(value - row[own]) <= _EQUAL for value in others)
        yield first_of_drawn(below, equal, len(others)) if len(others) >= OTHERS else None


def first_of_drawn(below: int, equal: int, others: int) -> float:
    """The chance to be the highest of OTHERS drawn from `others`, of which so many are lower.

    Ties are broken by lot.
    """
    ways = sum(
        comb(below, OTHERS - tied) * comb(equal, tied) / (tied + 1) for tied in range(OTHERS + 1)
    )
    return ways / comb(others, OTHERS)
