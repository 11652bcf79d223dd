"""Rates figures by their thresholds, and puts their notes together.

A figure is *good* if its value reaches the threshold and its 95 % interval includes no bad value,
*unsure* if the interval does or too few documents are behind it, *so-so* if the interval reaches
the threshold and the value doesn't, and *bad* otherwise. The rating is kept in the figure as
`level`; what is shown of it, a colour or the first words of the note, follows that. The thresholds
are in figures.py. The parts of a note are {language: text}.
"""

from typing import NamedTuple

from .. import twin
from ..i18n import LANGUAGES, Texts, both, listed
from ..text.statistics import share_of_documents, wilson
from ..twin import figure

FEW = 5  # documents; an interval from fewer is unreliable
EMPTY = dict.fromkeys(LANGUAGES, "")


class Threshold(NamedTuple):
    """What a good figure reaches: at least `bound` with `at_least`, else at most `bound`.

    Values beyond the bound are bad, or beyond `bad` where so few answers as there are could never
    tell the bound from what is a little worse. With `above_base` the figure must also exceed the
    base's by at most that much. With `of_author` the figure must also reach that share of the
    author's, where that was measured. `form` is the format in which the bound is written.
    """

    bound: float
    at_least: bool = False
    above_base: float | None = None
    of_author: float | None = None
    bad: float | None = None
    form: str = "{:.2f}"

    @property
    def reference(self) -> str:
        """The variant whose figure `relative_to` takes."""
        return "base" if self.of_author is None else "author"

    @property
    def limit(self) -> float:
        """The bound of bad values."""
        return self.bound if self.bad is None else self.bad

    def reached(self, value: float) -> bool:
        """Whether a value is on the good side of the bound."""
        return value >= self.bound if self.at_least else value <= self.bound

    def relative_to(self, reference: dict | None) -> "Threshold":
        """This threshold with the bound that the figure of `reference` makes it."""
        value = (reference or {}).get("value")
        if self.of_author is not None:
            bound = max(self.bound, self.of_author * (value or 0.0))
            return self._replace(bound=bound, bad=self.limit / self.bound * bound)
        if self.above_base is None:
            return self
        return self._replace(bound=min(self.bound, (value or 0.0) + self.above_base))

    def text(self) -> dict[str, str]:
        """'at least 0.70' or 'at most 5%'."""
        number = self.form.format(self.bound)
        if self.at_least:
            return both("evaluate.at_least", number=number)
        return both("evaluate.at_most", number=number)


def level(
    measured: dict,
    threshold: Threshold | None,
    reference: dict | None = None,
    documents: int = FEW,
) -> str:
    """'good', 'unsure', 'so-so' or 'bad'; '' for a figure without a value or a threshold.

    `reference` is the base's or the author's figure, see Threshold; `documents` is how many the
    figure was computed from. A value that exceeds the base's by more than `above_base`, but whose
    interval overlaps the base's, is so-so.
    """
    if threshold is None or measured["value"] is None:
        return ""
    resolved = threshold.relative_to(reference)
    if resolved.reached(measured["value"]):
        certain = documents >= FEW and is_certain(measured, resolved)
        return "good" if certain else "unsure"
    best = measured["high" if threshold.at_least else "low"]
    if best is not None and resolved.reached(best):
        return "so-so"
    return "so-so" if _above_base_by_chance(measured, threshold, reference) else "bad"


def _above_base_by_chance(measured, threshold, base):
    if threshold.above_base is None or not base or None in (measured["low"], base["high"]):
        return False
    above = measured["value"] > (base["value"] or 0.0) + threshold.above_base
    return above and measured["low"] <= base["high"]


def is_certain(measured: dict, threshold: Threshold) -> bool:
    """Whether the interval includes no bad value."""
    worst = measured["low" if threshold.at_least else "high"]
    return worst is not None and threshold._replace(bound=threshold.limit).reached(worst)


_SENTENCES = {
    "good": "evaluate.good",
    "unsure": "evaluate.unsure",
    "so-so": "evaluate.so_so",
    "bad": "evaluate.bad",
}


def rated(
    measured: dict,
    threshold: Threshold | None,
    advice: dict,
    *details: dict,
    documents: int = FEW,
    reference: dict | None = None,
) -> dict:
    """The figure with its level, and with a sentence on it and the details as its note.

    The sentence names the threshold; `advice` follows it unless the figure is good or unsure.
    Without a threshold there are only the details. `documents` and `reference` as in `level`.
    """
    word = level(measured, threshold, reference, documents)
    if not word:
        return noted(measured, *details)
    advice = advice if word in ("so-so", "bad") else EMPTY
    said = sentence(word, threshold.relative_to(reference))
    return noted(measured, said, advice, *details, level=word)


def sentence(level: str, threshold: Threshold) -> Texts:
    """What a level says beside the threshold."""
    return both(_SENTENCES[level], bound=threshold.text())


def noted(measured: dict, *sentences: Texts, level: str = "") -> dict:
    """The figure with this level and these sentences as its note; empty ones are left out."""
    # Without a level too: a figure of an old report, which has none, is rated when it is read.
    return {**twin.noted(measured, joined(*sentences)), "level": level}


def joined(*sentences: Texts) -> Texts:
    """The sentences one after another, without the empty ones."""
    filled = [sentence for sentence in sentences if any(sentence.values())]
    return listed(filled, "core.sentence_separator")


def too_few(reason: dict, n: int | None = None) -> dict:
    """A figure without a value; its note says that there is too little data and gives `reason`."""
    return figure(None, n=n, note=both("evaluate.too_few", reason=reason))


def not_run(effort: str, needed: str = "standard") -> dict:
    """A figure that is not computed at this effort; its note names the effort that it needs."""
    return figure(None, note=both("evaluate.not_run", effort=effort, needed=needed))


def share(hits: int, n: int, note: str | Texts = "") -> dict:
    """The figure of a share, hits of n, with Wilson's 95 % interval."""
    return figure(hits / n, *wilson(hits, n), n, note)


def share_by_document(hits: list, documents: list, note: str | Texts = "") -> dict:
    """The figure of a share of answers, hit i of the document documents[i].

    Several answers on one document are alike, so the interval is that of documents drawn anew, and
    at least Wilson's. Without answers the figure has no value.
    """
    if not hits:
        return figure(None, n=0, note=note)
    return figure(*share_of_documents(hits, documents), len(hits), note)


def percent(share: float) -> str:
    """A share as text: 0.05 is '5%'."""
    return f"{share:.0%}"


def grouped(items: list, documents: list) -> list[list]:
    """The items in one list per document; `documents` is the document of each item."""
    groups = {}
    for item, document in zip(items, documents):
        groups.setdefault(document, []).append(item)
    return list(groups.values())
