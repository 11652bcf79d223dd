"""What is good: the mark of each figure, and whether a figure reaches it, surely or perhaps.

A figure is *good* when its value is on the right side of its mark, *so-so* when it is not but its interval reaches the
mark, *bad* when even its interval does not.
"""

from typing import NamedTuple

from ..i18n import t
from ..models.device_fit import HARDLY_DIFFERENT
from ..twin import figure

FEW = 5  # documents; with fewer an interval says little


class Mark(NamedTuple):
    """`bound` is reached by at least so much when `more` is better, else by at most so much."""

    bound: float
    more: bool


MARKS = {
    "prediction_gain": Mark(0.01, True),
    "sounds_like_me": Mark(0.7, True),
    "told_apart": Mark(0.75, False),
    "pick_my_reply": Mark(0.47, True),
    "copied": Mark(0.05, False),
    "copied.exact": Mark(0.01, False),
    "membership": Mark(0.65, False),
    "personal_data": Mark(0, False),
    "forgetting": Mark(0.05, False),
    "forgetting.problems": Mark(0.05, False),
    "own_facts.memory": Mark(0.8, True),
    "never_wrote": Mark(0.2, False),
    "never_wrote.false_premises": Mark(0.2, False),
    "never_wrote.refused_wrongly": Mark(0.1, False),
    "quantization_loss": Mark(HARDLY_DIFFERENT.divergence, False),
}
ROWS = (
    "sounds_like_me",
    "told_apart",
    "pick_my_reply",
    "nonsense",
)  # measured of each row, marked for the twin's
NONSENSE = 0.02  # more than the base's is too much,
MOST_NONSENSE = 0.1  # and so is this, whatever the base says


def mark(name, base_nonsense=0.0):
    """The Mark of a figure NAME or NAME.ROW; None where there is none, as for the rows that are not the twin's."""
    first, _, row = name.partition(".")
    if first in ROWS and row and not row.startswith("twin"):
        return None
    if first == "nonsense":
        return Mark(min(base_nonsense + NONSENSE, MOST_NONSENSE), False)
    return MARKS.get(name) or (MARKS[first] if first in (*ROWS, "quantization_loss") else None)


def level(found, mark):
    """'good', 'so-so' or 'bad' of a figure; '' when it was not measured or has no mark."""
    if mark is None or found["value"] is None:
        return ""
    if _reaches(found["value"], mark):
        return "good"
    best = found["high" if mark.more else "low"]
    return "so-so" if best is not None and _reaches(best, mark) else "bad"


def of(name, figures):
    """The level of figure NAME among a report's: of nonsense, one that may be worse than the base's by chance is
    so-so."""
    base = figures.get("nonsense.base") or figure(0.0, 0.0, 0.0)
    found = level(figures[name], mark(name, base["value"] or 0.0))
    if (
        found == "bad"
        and name.startswith("nonsense")
        and None not in (figures[name]["low"], base["high"])
    ):
        worse = figures[name]["value"] > (base["value"] or 0.0) + NONSENSE
        return "so-so" if worse and figures[name]["low"] <= base["high"] else found
    return found


def sure(found, mark):
    """Whether the whole interval is on one side of the mark."""
    ends = (found["low"], found["high"])
    return None not in ends and len({_reaches(end, mark) for end in ends}) == 1


def _reaches(value, mark):
    return value >= mark.bound if mark.more else value <= mark.bound


def doubt(certain):
    """What follows 'good' where it is not certain, as (English, Chinese)."""
    return ("", "") if certain else (", so far as so few can tell", "，但样本少，说不准")


def said(name, value, low, high, form="{:.2f}", advice=("", ""), documents=FEW):
    """The verdict on a figure of so many documents as (English, Chinese), with its mark; `advice` is for those who
    miss it."""
    found, wanted = figure(value, low, high), mark(name)
    number = form.format(wanted.bound)
    bound = (
        f"{'at least' if wanted.more else 'at most'} {number}",
        f"{'至少' if wanted.more else '最多'} {number}",
    )
    word = level(found, wanted)
    if word == "good":
        unsure = doubt(sure(found, wanted) and documents >= FEW)
        return f"Good ({bound[0]}){unsure[0]}.", f"好（标准：{bound[1]}）{unsure[1]}。"
    if word == "so-so":
        return (
            f"So-so: it misses the mark ({bound[0]}), which may be chance. {advice[0]}".strip(),
            f"一般：没达到标准（{bound[1]}），也可能是巧合。{advice[1]}",
        )
    return (
        f"Bad: the mark is {bound[0]}. {advice[0]}".strip(),
        f"不好：标准是{bound[1]}。{advice[1]}",
    )


def too_few(what, n=None):
    """The figure that has no value because there is too little of `what` (English, Chinese)."""
    return figure(None, n=n, note=t("evaluate.too_few_tell", what=what[0], what_2=what[1]))


def not_run(effort, needed="standard"):
    """The figure of a measure that this effort leaves out."""
    return figure(None, note=t("evaluate.run_effort_choose_more", effort=effort, needed=needed))


def percent(share):
    return f"{share:.0%}"


def grouped(items, documents):
    """Items in one list per document."""
    found = {}
    for item, document in zip(items, documents):
        found.setdefault(document, []).append(item)
    return list(found.values())
