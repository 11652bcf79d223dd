"""The score card: a summary, answers to read, and one picture of all figures against their marks.

A line of the picture is a figure of the twin, with the word, the colour and the shape of its level;
the values of other variants (base, prompt, files) are hollow markers on the same line, which show
at a glance whether training helped. The same picture goes into the model card.
"""

import math
from typing import TYPE_CHECKING

from ..evaluate import step as evaluate
from ..evaluate.figures import BY_NAME, bound, level
from ..files import write_atomic
from ..i18n import LANGUAGES, choose, language, speaking, t
from ..text import labels
from ..twin import Twin
from . import summary
from .display import (
    NOTHING,
    Shown,
    caption,
    esc,
    folded,
    noted_table,
    number,
    sentence,
    table,
    title,
)
from .look import look
from .plotting import (
    AMBER,
    ENLARGED,
    GREEN,
    GREY,
    NARROW,
    RED,
    drawable,
    label,
    legend,
    picture,
    plain,
    png,
    scrolled,
)

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_ANSWER = (
    '<div style="max-width:46em;margin:.6em 0;line-height:1.5"><b>{}</b>'
    '<div style="white-space:pre-wrap;overflow-wrap:anywhere">{}</div></div>'
)
_OWN = 7.5  # points of the twin's marker; those of the others are smaller
ANSWERS = 3  # shown before any figure: no figure reads as well as a person does
# (colour, marker, sign, darker colour of the word) of each level, so that colour is never alone.
_LEVELS = {
    "good": (GREEN, "o", "✓", "#1d6e3b"),
    "unsure": (GREY, "o", "?", "#5c636a"),
    "so-so": (AMBER, "v", "!", "#8a5d00"),
    "bad": (RED, "X", "✗", "#a12f2f"),
    "": (GREY, "o", "–", "#5c636a"),  # nothing to reach
}
# (marker, label) of the other variants.
_MARKERS = {
    "base": ("s", "ui.base"),
    "prompt": ("^", "ui.base_with_prompt"),
    "file": ("d", "ui.gguf_file"),
    "author": ("*", "ui.the_author"),
}


@look("evaluate")
def score_card(twin: Twin) -> Shown:
    """The summary, warnings, answers to read, the picture, and why others were not measured."""
    report = twin.report("evaluate")
    if not report:
        return NOTHING
    figures = report.figures
    names = [name for name in BY_NAME if name in figures]
    measured = [name for name in names if figures[name].get("value") is not None]
    shown = summary.shown(twin, "evaluate")
    shown += sum((sentence(text, "warning") for text in report.warnings), NOTHING)
    shown += first_answers(twin)
    if measured:
        drawn = scrolled(plot(measured, figures), ENLARGED)
        shown += Shown(drawn, "") + caption(t("ui.score_card_picture"))
        if _file_hardly_differs(figures):
            shown += caption(t("ui.file_differs_by_chance"))
    shown += memory_layers(figures)
    missing = [name for name in names if name not in measured]
    rows = [(choose(labels.figure(name)), choose(labels.note(figures[name]))) for name in missing]
    header = (t("ui.not_measured"), t("ui.why"))
    return shown + (folded(t("ui.not_measured"), noted_table(header, rows)) if rows else NOTHING)


def _file_hardly_differs(figures):
    """Whether a file that says what the twin says has figures beside the twin's."""
    loss = figures.get("quantization_loss", {})
    has_own = any(".twin-" in name and each["value"] is not None for name, each in figures.items())
    return (
        has_own and loss.get("value") is not None and level("quantization_loss", figures) == "good"
    )


def memory_layers(figures: dict) -> Shown:
    """A table of what each layer of the memory answers, beside what the twin knows by heart."""
    layers = {
        "ui.by_heart": ("own_facts", "never_wrote"),
        "ui.layer_passages": ("own_facts.L0", "never_wrote.L0"),
        "ui.layer_names": ("own_facts.L0+L1", "never_wrote.L0+L1"),
        "ui.layer_twin": ("own_facts.memory", "never_wrote.memory"),
    }
    rows = [
        (t(key), *(_share_text(figures.get(name)) for name in names))
        for key, names in layers.items()
        if figures.get(names[0], {}).get("value") is not None
    ]
    if len(rows) < 2:
        return NOTHING
    header = (t("ui.layer"), t("ui.facts_answered"), t("ui.made_up"))
    return title(t("ui.layers_of_memory")) + table(header, rows)


def _share_text(figure):
    """'83% (66%–93%, n 30)', or '—' for what was not measured."""
    if not figure or figure.get("value") is None:
        return "—"
    low, high = figure.get("low"), figure.get("high")
    span = "" if low is None else f"{low:.0%}–{high:.0%}, "
    return f"{figure['value']:.0%} ({span}n {figure.get('n')})"


def save(twin: Twin) -> None:
    """Write the picture into the twin's folder in each language, for the model card."""
    report = twin.report("evaluate")
    figures = report.figures if report else {}
    names = [name for name in BY_NAME if figures.get(name, {}).get("value") is not None]
    for code in LANGUAGES if names else ():
        with speaking(code):
            content = png(plot(names, figures), ENLARGED)
        write_atomic(twin.file(f"score_card_{code}"), content)


def first_answers(twin: Twin) -> Shown:
    """The twin's first ANSWERS answers of the last run, whole; not the best ones."""
    pages = [page for page in evaluate.side_by_side(twin) if "twin" in page][:ANSWERS]
    if not pages:
        return NOTHING
    rows = [(page["question"], page["twin"]) for page in pages]
    text = "\n".join(f"> {question}\n{answer}\n" for question, answer in rows)
    blocks = "".join(_ANSWER.format(esc(question), esc(answer)) for question, answer in rows)
    return title(t("ui.first_answers", n=len(rows))) + Shown(blocks, text)


def plot(names: list[str], figures: dict) -> "Figure":
    """A matplotlib Figure with a line for each of these figures."""

    def draw(*axes):
        for axis, name in zip(axes, names):
            _draw_line(axis, name, figures)
        style = {"color": GREY, "markerfacecolor": "none", "linestyle": "none"}
        drawn = {variant for name in names for variant in _others(name, figures)}
        for variant in filter(drawn.__contains__, _MARKERS):
            marker, key = _MARKERS[variant]
            axes[0].plot([], [], marker, label=label(key), **style)
        axes[0].fill_between([], [], [], color=GREEN, alpha=0.15, label=label("ui.mark"))
        legend(axes[0], columns=2)

    wide = NARROW if language() in LANGUAGES else 2 * NARROW  # each label in two languages
    return picture(draw, rows=len(names), tall=0.54 + 0.5 / len(names), wide=wide)


def _draw_line(axis, name, figures):
    figure, others = figures[name], _others(name, figures)
    colour, marker, sign, dark = _LEVELS[level(name, figures)]
    low, high = _limits(name, figures, others)
    span = _good_span(name, figures, low, high)
    if span:
        axis.axvspan(*span, color=GREEN, alpha=0.15, linewidth=0)
    ends = [figure["low"], figure["high"]]
    if None not in ends:
        axis.plot(ends, [0, 0], color=GREY, linewidth=3.5, solid_capstyle="round")
    style = {"color": "#444444", "markerfacecolor": "none", "markersize": 5}
    for variant, other in others.items():
        axis.plot([other["value"]], [0], _MARKERS[variant][0], **style)
    filled = "white" if colour == GREY else colour
    axis.plot([figure["value"]], [0], marker, color=colour, markerfacecolor=filled, markersize=_OWN)
    axis.set(ylim=(-1, 1), xlim=(low, high), yticks=[])
    axis.spines["left"].set_visible(False)
    axis.tick_params(labelsize=7, colors="#5c636a", length=2)
    axis.locator_params(axis="x", nbins=5)
    text = f"{plain(drawable(labels.figure(name)))}: {number(figure['value'])}"
    axis.set_title(text, loc="left", fontsize=8.5, pad=3)
    rated = level(name, figures)
    word = drawable(labels.rating({"level": rated})) if rated else label("ui.no_mark")
    axis.set_title(f"{sign} {word}", loc="right", fontsize=8, pad=3, color=dark)


def _good_span(name, figures, low, high):
    """(from, to) of the good values on an axis; None without a threshold."""
    good = bound(name, figures)
    if good is None:
        return None
    if not good.at_least:
        return low, min(good.bound, high)
    return max(good.bound, low), min(high, figures[name].get("most") or math.inf)


def _limits(name, figures, others):
    """(low, high) of an axis: 0 to 1 for shares, else 0 to the threshold, and all its points."""
    figure, good = figures[name], bound(name, figures)
    ends = [figure[end] for end in ("value", "low", "high") if figure[end] is not None]
    ends += [other["value"] for other in others.values()]
    most = 1.0 if BY_NAME[name].share else good.bound if good else 0.0
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
