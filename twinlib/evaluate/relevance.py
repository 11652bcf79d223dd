"""Whether answers answer: each must be told from others by the question it was given.

The similarity of an answer to its own question is compared with that to other questions in the same
language on other documents. From each question's column its mean over all answers is subtracted,
since some questions are near to every text. An answer that fits each question equally well, such as
a refusal or an empty one, can only be guessed: 1 in 8.
"""

import re
from collections.abc import Sequence
from math import comb

from ..i18n import both, listed
from ..models.embed import Embedder
from ..text import style
from ..text.script import language_of
from ..text.statistics import needed_to_settle, share_of_documents
from ..text.templates import without_thinking
from ..twin import figure
from .ratings import EMPTY, Threshold, level, noted, percent, rated, too_few

OTHERS = 7  # questions that an answer is told from
MIN_QUESTIONS = 12  # of which 11 answered are still above half
_FEW_OF_KIND = 5  # questions; the share of fewer is not shown apart
_MIN_CEILING = 0.5  # of the author's passages; questions that they fit worse can't measure a twin
# Sentences on the kinds of questions, by the source of the rows; others are natural.
_NATURAL, _TITLES = "evaluate.told_natural", "evaluate.told_titles"
_KINDS = {"title": _TITLES, "heading": _TITLES, "new": "evaluate.told_new"}
# Words tell a good twin's answers less often than meaning does (benchmarks/answer_calibration.py).
_BY_WORDS = {"bound": 0.6, "bad": 0.53}
_COMPARED_BY = {"e5": "evaluate.compared_by_e5", "words": "evaluate.compared_by_words"}
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
    found = chances(questions, documents, [answers, *reference], embedder)[0]
    known = [chance for chance in found if chance is not None]
    return sum(known) / len(known) if known else float("nan")


def chances(
    questions: Sequence[str],
    documents: Sequence,
    lists: Sequence[Sequence[str | None]],
    embedder: Embedder,
) -> list[list[float | None]]:
    """For each list of answers, how often each is told from OTHERS questions by its own.

    The probability that the answer's own question ranks first among itself and OTHERS questions
    drawn at random from those in its language on other documents: all draws, not a sample. None
    for a missing answer (None), and where there are fewer than OTHERS.
    """
    found = [[None] * len(questions) for _ in lists]
    languages = list(map(language_of, questions))
    for language in sorted(set(languages)):
        columns = [i for i, code in enumerate(languages) if code == language]
        # (list, question) of each answer in this language.
        places = [(n, i) for n, each in enumerate(lists) for i in columns if each[i] is not None]
        texts = [compared(lists[n][i], questions[i], language) for n, i in places]
        table = embedder.similarities([questions[i] for i in columns], texts)
        centred = table - table.mean(axis=0)
        sources = [documents[i] for i in columns]
        for (n, i), row, text in zip(places, centred, texts):
            # Nothing is as near to one question as to another.
            found[n][i] = _told(row if text else 0 * row, columns.index(i), sources)
    return found


def compared(answer: str, question: str, language: str) -> str:
    """The part of an answer that is compared: its beginning, without what the question says too.

    Or an answer that says its question again would be told by that alone. '' without a word.
    """
    text = style.without_echo(answer, question, language)
    if said := style.tidy(question).rstrip("?!。"):
        text = text.replace(said, " ")
    return text[: _LENGTHS[language]].strip() if re.search(r"\w", text) else ""


def _told(row, own, documents):
    """The chance of the column `own` to be the highest of a row, or None."""
    others = [value for value, other in zip(row, documents) if other != documents[own]]
    if len(others) < OTHERS:
        return None
    below = sum(value < row[own] - _EQUAL for value in others)
    equal = sum(abs(value - row[own]) <= _EQUAL for value in others)
    return first_of_drawn(below, equal, len(others))


def first_of_drawn(below: int, equal: int, others: int) -> float:
    """The chance to be the highest of OTHERS drawn from `others`, of which so many are lower.

    Ties are broken by lot.
    """
    ways = sum(
        comb(below, OTHERS - tied) * comb(equal, tied) / (tied + 1) for tied in range(OTHERS + 1)
    )
    return ways / comb(others, OTHERS)


# The figure


def figures(
    answers: dict[str, list], embedder: Embedder, threshold: Threshold, effort: str
) -> dict[str, dict]:
    """{variant: figure} of the mean of `chances`, and of the author's passages as 'author'.

    `answers` are {variant: [{document, question, real, text, source}]}; the twin answers all
    questions, others the first ones or all. `real` is '' for a question that no passage belongs to.
    `effort` is the next higher one, for the note.
    """
    asked = answers["twin"]
    lists = {
        name: [without_thinking(answer["text"]) for answer in each]
        for name, each in answers.items()
    }
    lists["author"] = [answer["real"] or None for answer in asked]
    padded = [each + [None] * (len(asked) - len(each)) for each in lists.values()]
    documents = [answer["document"] for answer in asked]
    questions = [answer["question"] for answer in asked]
    told = dict(zip(lists, chances(questions, documents, padded, embedder)))
    return rated_chances(told, asked, threshold, embedder.name, effort)


def rated_chances(
    told: dict[str, list], asked: list[dict], threshold: Threshold, compared_by: str, effort: str
) -> dict[str, dict]:
    """{variant: figure} of {variant: `chances`} of the answers to the questions `asked`.

    `asked` are [{document, source}], `compared_by` is an embedder's name.
    """
    documents = [question["document"] for question in asked]
    measured = {name: _share(found, documents) for name, found in told.items()}
    author = measured["author"]
    known = author["value"] is not None and author["n"] >= MIN_QUESTIONS
    ceiling = author if known else None
    how = both(_COMPARED_BY[compared_by])
    if compared_by == "words":
        threshold = threshold._replace(**_BY_WORDS)
    rated_figures = {
        name: _noted(each, name, threshold, ceiling, told[name], asked, how, effort)
        for name, each in measured.items()
    }
    if author["value"] is not None:
        rated_figures["author"] = noted(author, both("evaluate.told_ceiling"))
    return rated_figures


def _share(found, documents):
    """The figure of one list of chances, without a note; without a value if all are None."""
    pairs = [(chance, document) for chance, document in zip(found, documents) if chance is not None]
    if not pairs:
        return figure(None, n=0)
    hits, sources = zip(*pairs)
    return figure(*share_of_documents(list(hits), list(sources)), len(hits))


def _noted(measured, variant, threshold, ceiling, found, asked, how, effort):
    if measured["value"] is None:
        return too_few(both("evaluate.few_questions", least=OTHERS + 1), 0)
    share = percent(measured["value"])
    details = both(
        "evaluate.answers_the_question",
        share=share,
        others=OTHERS + 1,
        n=measured["n"],
        guessing=percent(1 / (OTHERS + 1)),
        author=percent(ceiling["value"]) if ceiling else both("evaluate.not_known"),
    )
    if not variant.startswith("twin"):
        return noted(measured, details)
    kinds = _by_kind(found, asked)
    if ceiling and ceiling["value"] < _MIN_CEILING and not _worse(measured, ceiling, threshold):
        fault = both("evaluate.questions_do_not_fit", share=percent(ceiling["value"]))
        return noted(measured, fault, details, kinds, how, level="unsure")
    sources = {answer["document"] for answer, chance in zip(asked, found) if chance is not None}
    documents = len(sources) if measured["n"] >= MIN_QUESTIONS else 0
    more = EMPTY
    if level(measured, threshold, ceiling, documents) in ("unsure", "so-so"):
        resolved = threshold.relative_to(ceiling)
        edge = resolved.limit if resolved.reached(measured["value"]) else resolved.bound
        count = max(needed_to_settle(measured["value"], edge), MIN_QUESTIONS)
        more = both("evaluate.questions_needed", count=count, effort=effort)
    advice = both("evaluate.answers_the_question_advice")
    parts = (more, details, kinds, how)
    found = rated(measured, threshold, advice, *parts, documents=documents, reference=ceiling)
    return {**found, "bound": threshold.relative_to(ceiling).bound}


def _worse(measured, ceiling, threshold):
    """Whether even the upper end of the interval misses the share of the author's figure."""
    return (
        measured["high"] is not None and measured["high"] < threshold.of_author * ceiling["value"]
    )


def _by_kind(found, asked):
    """{language: the share of each kind of question} if two kinds or more have enough."""
    groups = {}
    for chance, answer in zip(found, asked):
        if chance is not None:
            key = _KINDS.get(answer["source"], _NATURAL)
            groups.setdefault(key, []).append(chance)
    shares = [
        both(key, share=percent(sum(each) / len(each)), n=len(each))
        for key, each in groups.items()
        if len(each) >= _FEW_OF_KIND
    ]
    if len(shares) < 2:
        return EMPTY
    return both("evaluate.told_by_kind", kinds=listed(shares, "core.clause_separator"))
