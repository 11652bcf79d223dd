"""Good, so-so or bad: how a figure and its 95 % interval stand to the figure's threshold.

A figure is *good* when its value reaches the threshold, *so-so* when it does not but its interval
does, *bad* when even the interval does not. The thresholds themselves are in figures.py.
Texts that are put together into a note are {language: text}.
"""

from typing import NamedTuple

from ..i18n import LANGUAGES, both, choose, t
from ..twin import figure

FEW = 5  # documents; the interval of fewer says little
EMPTY = dict.fromkeys(LANGUAGES, "")


class Threshold(NamedTuple):
    """What a good figure reaches: at least `bound`, or at most where `at_least` is False.

    With `above_base` the figure may also be no more than that above the base's own. `form` writes
    the bound.
    """

    bound: float
    at_least: bool = False
    above_base: float | None = None
    form: str = "{:.2f}"

    def reached(self, value: float) -> bool:
        return value >= self.bound if self.at_least else value <= self.bound

    def beside(self, base: dict | None) -> "Threshold":
        """This threshold with the bound that follows from the base's figure."""
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


def level(found: dict, threshold: Threshold | None, base: dict | None = None) -> str:
    """'good', 'so-so' or 'bad'; '' for a figure without a value or a threshold.

    `base` is the base's figure; what is above it by more than `above_base`, but perhaps by chance,
    is so-so.
    """
    if threshold is None or found["value"] is None:
        return ""
    resolved = threshold.beside(base)
    if resolved.reached(found["value"]):
        return "good"
    best = found["high" if threshold.at_least else "low"]
    if best is not None and resolved.reached(best):
        return "so-so"
    return "so-so" if _above_base_by_chance(found, threshold, base) else "bad"


def _above_base_by_chance(found, threshold, base):
    if threshold.above_base is None or not base or None in (found["low"], base["high"]):
        return False
    above = found["value"] > (base["value"] or 0.0) + threshold.above_base
    return above and found["low"] <= base["high"]


def is_certain(found: dict, threshold: Threshold) -> bool:
    """Whether the whole interval is on one side of the threshold."""
    ends = (found["low"], found["high"])
    return None not in ends and len({threshold.reached(end) for end in ends}) == 1


def doubt(certain: bool) -> dict[str, str]:
    """What follows 'good' where it is not certain."""
    return EMPTY if certain else both("evaluate.doubt")


def rating(
    found: dict, threshold: Threshold | None, advice: dict = EMPTY, documents: int = FEW
) -> dict[str, str]:
    """The rating as a sentence, with the threshold and advice for who misses it; '' without one."""
    if threshold is None:
        return EMPTY
    word, bound = level(found, threshold), threshold.text()
    if word == "good":
        certain = is_certain(found, threshold) and documents >= FEW
        return both("evaluate.good", bound=bound, doubt=doubt(certain))
    if word == "so-so":
        return joined(both("evaluate.so_so", bound=bound), advice)
    return joined(both("evaluate.bad", bound=bound), advice)


def noted(found: dict, *sentences: dict) -> dict:
    """The figure with these sentences as its note."""
    return {**found, "note": choose(joined(*sentences))}


def joined(*texts: dict) -> dict[str, str]:
    """Sentences one after another: with spaces in English, without in Chinese."""
    return {
        code: ("" if code == "zh" else " ").join(filter(None, (text[code] for text in texts)))
        for code in LANGUAGES
    }


def too_few(what: dict, n: int | None = None) -> dict:
    """The figure that has no value because there is too little of `what`."""
    return figure(None, n=n, note=t("evaluate.too_few", what=what))


def not_run(effort: str, needed: str = "standard") -> dict:
    """The figure of a measure that this effort leaves out."""
    return figure(None, note=t("evaluate.not_run", effort=effort, needed=needed))


def percent(share: float) -> str:
    return f"{share:.0%}"


def grouped(items: list, documents: list) -> list[list]:
    """Items in one list per document."""
    groups = {}
    for item, document in zip(items, documents):
        groups.setdefault(document, []).append(item)
    return list(groups.values())
