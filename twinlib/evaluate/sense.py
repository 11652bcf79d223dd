"""Whether answers make sense, as far as words can tell: text.variety beside the author's own.

An answer counts unless it has a flaw (style.FLAWS: empty, in another language, going in circles) or
says less than nine in ten of the author's passages of the same length do. That is how a parrot
sounds: fluent, and made of few words or of words that are everywhere.

The figure has no good side. A low value shows a parrot, but sentences that are rich in words and
don't belong together pass, and in English single answers of good twins are told from a parrot's
with an AUC under 0.9 (benchmarks/sense_calibration.py). Other measures did worse there: repeated
words and phrases, the nearness of neighbouring sentences, what a 0.5B model gains from their true
order, its likelihood, and 0.5B and 1.5B models that were asked. So people read answers first.
"""

import functools
from bisect import bisect_left
from collections.abc import Sequence

from ..i18n import both
from ..text import style
from ..text.statistics import share_of_documents
from ..text.variety import variety
from ..twin import figure
from .ratings import Threshold, level, noted, percent, rated, too_few

LENGTHS = {"zh": 120, "en": 360}  # characters of an answer that are compared: about 80 tokens
SHORTEST = {"zh": 60, "en": 180}  # shorter answers can't be told from the author's
POOREST = 0.1  # share of the author's passages that an answer must be above
MIN_PASSAGES = 20  # of the author, of the same length, to compare with
MIN_ANSWERS = 12  # of the author, to be shown beside the others
# The bounds were set on recorded twins of three authors: parrots reached 0.06 to 0.25, twins of
# 1.5B 0.36 to 0.92, authors 0.90 to 0.95. The answers of the parrot in five bits were recorded
# later.
NOT_A_PARROT = Threshold(0.45, at_least=True, form="{:.0%}")
_MOST_PASSAGES = 400  # evenly from all; more change nothing and take seconds
# Characters: lengths are rounded down to multiples, so that few of them are compared.
_STEPS = {language: length // 6 for language, length in LENGTHS.items()}


class Author:
    """What the author's training passages, {language, text}, say in as many characters."""

    def __init__(self, passages: Sequence[dict]):
        self._texts = {}
        for language in LENGTHS:
            texts = [p["text"] for p in passages if p["language"] == language]
            self._texts[language] = texts[:: len(texts) // _MOST_PASSAGES + 1]
        self._varieties = functools.cache(self._measure)

    def _measure(self, language, length):
        pieces = [piece for text in self._texts[language] for piece in style.windows(text, length)]
        return sorted(variety(piece, language) for piece in pieces)

    def rank(self, text: str, language: str) -> float | None:
        """The share of the author's passages of a text's length that say less than the text.

        Of a longer text the first LENGTHS characters count. None for a text under SHORTEST and
        where there are fewer than MIN_PASSAGES.
        """
        text = style.tidy(text)[: LENGTHS[language]]
        length = len(text) // _STEPS[language] * _STEPS[language]
        if length < SHORTEST[language]:
            return None
        varieties = self._varieties(language, length)
        if len(varieties) < MIN_PASSAGES:
            return None
        return bisect_left(varieties, variety(text[:length], language)) / len(varieties)


def makes_sense(answer: dict, author: Author) -> bool | None:
    """Whether an answer {language, prompt, text} has no flaw and isn't among the poorest.

    None for one that can't be compared, see Author.rank.
    """
    language, prompt = answer["language"], answer["prompt"]
    if style.flaws(answer["text"], language, prompt):
        return False
    rank = author.rank(style.without_echo(answer["text"], prompt, language), language)
    return None if rank is None else rank >= POOREST


def figures(answers: dict[str, list], passages: Sequence[dict]) -> dict[str, dict]:
    """{variant: figure} of the share of answers that make sense, and the author's as 'author'.

    `answers` are {variant: [{document, language, prompt, real, text}]}, `passages` the author's
    training passages; `real` is '' for a question that no passage belongs to.
    """
    author = Author(passages)
    own = [{**a, "text": a["real"], "prompt": ""} for a in answers["twin"] if a["real"]]
    found = {
        variant: (
            [makes_sense(answer, author) for answer in each],
            [answer["document"] for answer in each],
        )
        for variant, each in {**answers, "author": own}.items()
    }
    return rated_shares(found)


def rated_shares(found: dict[str, tuple[list, list]]) -> dict[str, dict]:
    """{variant: figure} of {variant: (what `makes_sense` found of each answer, documents)}."""
    measured = {variant: _share(*each) for variant, each in found.items()}
    author = measured["author"]
    known = author["value"] is not None and author["n"] >= MIN_ANSWERS
    rated_figures = {
        variant: _noted(each, variant, author if known else None)
        for variant, each in measured.items()
    }
    if author["value"] is not None:
        rated_figures["author"] = noted(author, both("evaluate.sense_ceiling"))
    return rated_figures


def _share(verdicts, documents):
    """The figure of one variant, without a note."""
    known = [pair for pair in zip(verdicts, documents) if pair[0] is not None]
    if not known:
        return figure(None, n=0)
    hits, sources = map(list, zip(*known))
    return figure(*share_of_documents(hits, sources), len(hits))


def _noted(measured, variant, author):
    if measured["value"] is None:
        return too_few(both("evaluate.sense_nothing_to_compare", least=MIN_PASSAGES), 0)
    details = both(
        "evaluate.makes_sense",
        share=percent(measured["value"]),
        n=measured["n"],
        author=percent(author["value"]) if author else both("evaluate.not_known"),
    )
    if not variant.startswith("twin"):
        return noted(measured, details)
    if level(measured, NOT_A_PARROT) in ("so-so", "bad"):
        return rated(measured, NOT_A_PARROT, both("evaluate.makes_sense_advice"), details)
    return noted(measured, both("evaluate.sense_unseen"), details)
