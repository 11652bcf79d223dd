"""Rates figures good, so-so or bad by their thresholds, and puts their notes together.

A figure is *good* if its value reaches the threshold, *so-so* if only its 95 % interval does, and
*bad* otherwise. The thresholds are in figures.py. The parts of a note are {language: text}.
"""

from functools import reduce
from typing import NamedTuple

from ..i18n import LANGUAGES, both, choose, t
from ..text.statistics import wilson
from ..twin import figure

FEW = 5  # documents; an interval from fewer is unreliable
EMPTY = dict.fromkeys(LANGUAGES, "")


class Threshold(NamedTuple):
    """What a good figure reaches: at least `bound` with `at_least`, else at most `bound`.

    With `above_base` the figure must also exceed the base's by at most that much. `form` is the
    format in which the bound is written.
    """

    bound: float
    at_least: bool = False
    above_base: float | None = None
    form: str = "{:.2f}"

    def reached(self, value: float) -> bool:
        """Whether a value is on the good side of the bound."""
        return value >= self.bound if self.at_least else value <= self.bound

    def relative_to(self, base: dict | None) -> "Threshold":
        """This threshold, its bound lowered to the base's value plus `above_base` where given."""
        if self.above_base is None:
            return self
        value = (base or {}).get("value") or 0.0
        return self._replace(bound=min(self.bound, value + self.above_base))

    def text(self) -> dict[str, str]:
        """'at least 0.70' or 'at most 5%'."""
        number = self.form.format(self.bound)
        if self.at_least:
            return both("evaluate.at_least", number=number)
        return both("evaluate.at_most", number=number)


def level(measured: dict, threshold: Threshold | None, base: dict | None = None) -> str:
    """'good', 'so-so' or 'bad'; '' for a figure without a value or a threshold.

    `base` is the base's figure: a value that exceeds it by more than `above_base`, but whose
    interval overlaps the base's, is so-so.
    """
    if threshold is None or measured["value"] is None:
        return ""
    resolved = threshold.relative_to(base)
    if resolved.reached(measured["value"]):
        return "good"
    best = measured["high" if threshold.at_least else "low"]
    if best is not None and resolved.reached(best):
        return "so-so"
    return "so-so" if _above_base_by_chance(measured, threshold, base) else "bad"


def _above_base_by_chance(measured, threshold, base):
    if threshold.above_base is None or not base or None in (measured["low"], base["high"]):
        return False
    above = measured["value"] > (base["value"] or 0.0) + threshold.above_base
    return above and measured["low"] <= base["high"]


def is_certain(measured: dict, threshold: Threshold) -> bool:
    """Whether the whole interval is on one side of the threshold."""
    ends = (measured["low"], measured["high"])
    return None not in ends and len({threshold.reached(end) for end in ends}) == 1


def doubt(certain: bool) -> dict[str, str]:
    """The clause after 'good' that says the sample is small; empty if the rating is certain."""
    return EMPTY if certain else both("evaluate.not_certain")


def rating(
    measured: dict, threshold: Threshold | None, advice: dict = EMPTY, documents: int = FEW
) -> dict[str, str]:
    """The rating as a sentence that names the threshold; empty without a threshold.

    `advice` follows unless the rating is good. `documents` is how many the figure was computed
    from: with fewer than FEW a good rating is not certain.
    """
    if threshold is None:
        return EMPTY
    word, bound = level(measured, threshold), threshold.text()
    if word == "good":
        certain = is_certain(measured, threshold) and documents >= FEW
        return both("evaluate.good", bound=bound, doubt=doubt(certain))
    key = "evaluate.so_so" if word == "so-so" else "evaluate.bad"
    return joined(both(key, bound=bound), advice)


def rated(
    measured: dict,
    threshold: Threshold | None,
    advice: dict,
    *details: dict,
    documents: int = FEW,
) -> dict:
    """The figure with its rating (see `rating`) and the details as its note."""
    return noted(measured, rating(measured, threshold, advice, documents), *details)


def noted(measured: dict, *sentences: dict) -> dict:
    """The figure with these sentences as its note; empty ones are left out."""
    return {**measured, "note": choose(joined(*sentences))}


def joined(*sentences: dict) -> dict[str, str]:
    """{language: the sentences one after another}, without the empty ones."""
    filled = [sentence for sentence in sentences if any(sentence.values())]
    return reduce(_two_sentences, filled or [EMPTY])


def _two_sentences(first, second):
    return both("evaluate.two_sentences", first=first, second=second)


def too_few(reason: dict, n: int | None = None) -> dict:
    """A figure without a value; its note says that there is too little data and gives `reason`."""
    return figure(None, n=n, note=t("evaluate.too_few", reason=reason))


def not_run(effort: str, needed: str = "standard") -> dict:
    """A figure that is not computed at this effort; its note names the effort that it needs."""
    return figure(None, note=t("evaluate.not_run", effort=effort, needed=needed))


def share(hits: int, n: int, note: str = "") -> dict:
    """The figure of a share, hits of n, with Wilson's 95 % interval."""
    return figure(hits / n, *wilson(hits, n), n, note)


def percent(share: float) -> str:
    """A share as text: 0.05 is '5%'."""
    return f"{share:.0%}"


def grouped(items: list, documents: list) -> list[list]:
    """The items in one list per document; `documents` is the document of each item."""
    groups = {}
    for item, document in zip(items, documents):
        groups.setdefault(document, []).append(item)
    return list(groups.values())
