"""The score card as one picture: each figure against its threshold, in the colour of its rating.

A line is a figure of the twin; the values of other variants (base, prompt, files) are hollow
markers on the same line, which show at a glance whether training helped.
"""

from typing import TYPE_CHECKING

from ..evaluate import step as evaluate
from ..evaluate.figures import BY_NAME, bound, level
from ..i18n import choose, t
from ..text import labels
from ..twin import Twin
from .display import NOTHING, Shown, caption, interval, number, sentence, table, title
from .look import look
from .plotting import (
    GREEN,
    GREY,
    RED,
    drawable,
    embedded,
    label,
    legend,
    picture,
    plain,
    two_lines,
)

if TYPE_CHECKING:
    from matplotlib.figure import Figure

AMBER = "#d99a1c"
ANSWERS = 3  # shown before any figure: no figure reads as well as a person does
_COLOURS = {"good": GREEN, "unsure": GREY, "so-so": AMBER, "bad": RED, "": GREY}
# The levels of display.sentence.
_SENTENCES = {"good": "good", "unsure": "note", "so-so": "warning", "bad": "stop"}
# (marker, label) of the other variants.
_MARKERS = {
    "base": ("s", "ui.base"),
    "prompt": ("^", "ui.base_with_prompt"),
    "file": ("d", "ui.gguf_file"),
    "author": ("*", "ui.the_author"),
}


@look("evaluate")
def score_card(twin: Twin) -> Shown:
    """The verdict, the warnings, answers to read, the picture, why others were not measured."""
    report = twin.report("evaluate")
    if not report:
        return NOTHING
    figures = report.figures
    names = [name for name in BY_NAME if name in figures]
    measured = [name for name in names if figures[name].get("value") is not None]
    shown = NOTHING
    if "verdict" in figures:
        text = choose(labels.verdict(figures))
        shown += sentence(text, _SENTENCES[figures["verdict"]["level"]])
    shown += sum((sentence(text, "warning") for text in report.warnings), NOTHING)
    shown += first_answers(twin)
    if measured:
        shown += Shown(embedded(plot(measured, figures)), "") + caption(t("ui.score_card_picture"))
    missing = [name for name in names if name not in measured]
    rows = [(choose(labels.figure(name)), choose(labels.note(figures[name]))) for name in missing]
    return shown + (table((t("ui.not_measured"), t("ui.why")), rows) if rows else NOTHING)


def first_answers(twin: Twin) -> Shown:
    """The twin's first ANSWERS answers of the last run, whole; not the best ones."""
    pages = [page for page in evaluate.side_by_side(twin) if "twin" in page][:ANSWERS]
    if not pages:
        return NOTHING
    rows = [(page["question"], page["twin"]) for page in pages]
    text = "\n".join(f"> {question}\n{answer}\n" for question, answer in rows)
    header = (t("ui.question"), choose(labels.variant("twin")))
    return title(t("ui.first_answers", n=len(rows))) + Shown(table(header, rows).html, text)


def plot(names: list[str], figures: dict) -> "Figure":
    """A matplotlib Figure with a line for each of these figures."""

    def draw(*axes):
        for axis, name in zip(axes, names):
            _draw_line(axis, name, figures)
        style = {"color": GREY, "markerfacecolor": "none", "linestyle": "none"}
        for marker, key in _MARKERS.values():
            axes[0].plot([], [], marker, label=label(key), **style)
        legend(axes[0])

    return picture(draw, rows=len(names), tall=0.46 + 0.6 / len(names), wide=7.5)


def _draw_line(axis, name, figures):
    figure, others = figures[name], _others(name, figures)
    good = bound(name, figures)
    edge = good.bound if good else 0.0
    low, high = _limits(name, figure, others, edge)
    if good:
        span = (max(edge, low), high) if good.at_least else (low, min(edge, high))
        axis.axvspan(*span, color=GREEN, alpha=0.12, linewidth=0)
    ends = [figure["low"], figure["high"]]
    if None not in ends:
        axis.plot(ends, [0, 0], color=GREY, linewidth=4, solid_capstyle="round")
    style = {"color": "#444444", "markerfacecolor": "none", "markersize": 6}
    for variant, other in others.items():
        axis.plot([other["value"]], [0], _MARKERS[variant][0], **style)
    axis.plot([figure["value"]], [0], "o", color=_COLOURS[level(name, figures)], markersize=8)
    axis.set(ylim=(-1, 1), xlim=(low, high))
    axis.set_yticks([0], [two_lines(plain(drawable(labels.figure(name))))])
    axis.tick_params(labelsize=8)
    text = f"{number(figure['value'])}  {interval(figure)}".strip()
    axis.annotate(text, (1.01, 0.5), xycoords="axes fraction", va="center")


def _limits(name, figure, others, bound):
    """(low, high) of an axis: 0 to 1 for shares, else 0 to the threshold, and all its points."""
    ends = [figure[end] for end in ("value", "low", "high") if figure[end] is not None]
    ends += [other["value"] for other in others.values()]
    most = 1.0 if BY_NAME[name].share else bound
    low, high = min(0.0, *ends), max(most, *ends, 1e-6)
    margin = 0.03 * (high - low)
    return low - margin, high + margin


def _others(name, figures):
    """{variant: figure} of the other variants of a figure; of several files the last listed."""
    others = {}
    for key, figure in figures.items():
        variant = key.removeprefix(f"{name}.")
        if variant == key or figure["value"] is None:
            continue
        of_file = variant.startswith("twin-") or name == "quantization_loss"
        variant = "file" if of_file else variant
        if variant in _MARKERS:
            others[variant] = figure
    return others
