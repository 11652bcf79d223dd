"""Pictures and tables for choosing a GGUF file: size, KL divergence, speed, suitable devices.

Also how often each file answers correctly whether 9.9 or 9.11 is larger.
"""

import math
from collections.abc import Callable

from ..gguf import decimal_figures as comparison
from ..i18n import choose, t
from ..models import device_fit
from ..text import labels
from ..twin import Twin
from . import summary
from .display import NOTHING, Shown, caption, noted_table, number, sentence, size, table
from .gguf_files import File, context, measured_files
from .look import look
from .plotting import (
    AMBER,
    BLUE,
    GREEN,
    GREY,
    RED,
    WIDE,
    bar_height,
    label,
    picture,
    row,
    short,
    title,
    two_lines,
)

# (marker, colour) of a file by its level, as on the score card.
_SHAPES = {"good": ("o", GREEN), "so-so": ("v", AMBER), "bad": ("X", RED), "": ("o", GREY)}
_AXIS_LIMITS = 2e-4, 0.5  # of the divergence axis, in nats a token
# Names of the ranges of the divergence axis, one for each degree of device_fit.CLOSENESS.
_RANGES = ("ui.indistinguishable", "ui.hardly_any", "ui.slight", "ui.noticeable")


@look("quantize")
def files(twin: Twin) -> Shown:
    """The GGUF files to choose from; one that failed its checks is listed with the reason."""
    report = twin.report("quantize")
    listed = measured_files(twin, report) if report else []
    if not listed:
        return caption(t("ui.no_gguf_file"))
    pictures = row(
        picture(draw, tall=0.5 + bar_height(len(listed)), wide=wide)
        for draw, wide in zip(files_panels(listed), (3.2, WIDE, 3.2))
    )
    reasons = sum((sentence(file.failed, "stop") for file in listed if file.failed), NOTHING)
    notes = t("ui.gguf_notes", folder=twin.folder("quantize"), context=context(report))
    shown = summary.shown(twin, "quantize") + reasons + Shown(pictures, "")
    return shown + _devices(listed) + caption(notes)


def _devices(files):
    """A table of the devices that can run each file."""
    header = (
        t("ui.file"),
        t("ui.compared_with_16_bit"),
        t("ui.same_first_choice"),
        t("ui.memory"),
        t("ui.phone"),
        t("ui.laptop_without_card"),
        t("ui.graphics_card"),
    )
    rows = []
    for file in files:
        closeness = device_fit.closeness_text(file.divergence.get("value"), file.top1.get("value"))
        difference = t("ui.not_offered") if file.failed else choose(closeness)
        top1 = f"{file.top1['value']:.0%}" if file.top1 else "—"
        rows.append((file.name, difference, top1, *_needs(file.fit)))
    return noted_table(header, rows)


def _needs(fit):
    """Cells with the memory, and the smallest phone, laptop and graphics card that have it."""
    if fit is None:
        return ["?"] * 4
    phone, laptop, card = (f"≥ {gb} GB" if gb else "—" for gb in (fit.phone, fit.laptop, fit.card))
    slow = t("ui.slowly") if fit.slow and fit.laptop else ""
    return [size(fit.memory), phone, laptop + slow, card]


def files_panels(files: list[File]) -> list[Callable]:
    """Functions that draw size, difference and speed on an axis each, with a line for each file."""
    sizes = [size(file.bytes) if file.bytes else "?" for file in files]
    speeds = [0 if file.failed else file.speed.get("value", 0) for file in files]

    def draw_sizes(axis):
        _lines(axis, files, label("ui.size"))
        _bars(axis, files, [file.bytes for file in files], sizes)

    def draw_differences(axis):
        _lines(axis, files, label("ui.difference_from_16_bit"))
        _draw_divergences(axis, files)

    def draw_speeds(axis):
        _lines(axis, files, label("ui.speed_here"))
        _bars(axis, files, speeds, list(map(_speed_label, files)))

    return [draw_sizes, draw_differences, draw_speeds]


def _lines(axis, files, text):
    """A line for each file, with its type, under a title."""
    title(axis, text)
    names = ["✗ " * bool(file.failed) + file.kind for file in files]
    axis.set_yticks(range(len(files)), names)
    axis.set(ylim=(len(files) - 0.4, -0.6))
    axis.tick_params(left=False)


def _speed_label(file):
    if file.failed:
        return "✗ " + label("ui.not_offered")
    return number(file.speed["value"]) if file.speed else label("ui.was_not_measured")


def _bars(axis, files, lengths, texts):
    colours = [GREY if file.failed else BLUE for file in files]
    bars = axis.barh(range(len(files)), lengths, color=colours, height=0.6)
    axis.bar_label(bars, list(map(two_lines, texts)), padding=3)
    axis.set(xticks=[], xlim=(0, 1.45 * max(lengths) or 1))
    axis.spines["bottom"].set_visible(False)


def _draw_divergences(axis, files):
    """KL divergences with their intervals on a logarithmic axis with named ranges.

    In words that people know: a divergence of 0.03 nats a token makes a token 3 % less likely.
    """
    lowest, highest = _AXIS_LIMITS
    upper_ends = [f.divergence.get("high") or f.divergence.get("value", 0) for f in files]
    highest = max(highest, *(2 * value for value in upper_ends))
    bounds = [grade.divergence for grade in device_fit.CLOSENESS[:-1]]
    axis.set(xscale="log", xlim=(lowest, highest), xlabel=label("ui.less_likely"))
    axis.set_xticks([0.001, *bounds], [device_fit.less_likely(bound) for bound in (0.001, *bounds)])
    axis.minorticks_off()
    axis.spines["left"].set_visible(False)
    style = {"va": "bottom", "fontsize": 8, "transform": axis.get_xaxis_transform()}
    for start, end, key in zip((lowest, *bounds), (*bounds, highest), _RANGES):
        axis.axvline(start, color=GREY, linewidth=1, linestyle=":")
        axis.text(math.sqrt(start * end), 1, short(label(key)), ha="center", **style)
    for y, file in enumerate(files):
        if file.divergence:
            _draw_divergence(axis, y, file, lowest)
            continue
        text = label("ui.was_not_measured")
        if file.top1:
            text = f"{label('ui.same_first_choice_lower')} {file.top1['value']:.1%}"
        axis.text(math.sqrt(lowest * highest), y, text, ha="center", va="center")


def _draw_divergence(axis, y, file, lowest):
    """One file's divergence; a value left of the axis is a pointer at its left end."""
    measured = file.divergence
    value, low, high = (
        max(lowest, measured["value" if measured[end] is None else end])
        for end in ("value", "low", "high")
    )
    style = {"linewidth": 5, "solid_capstyle": "round", "clip_on": False}
    axis.plot([low, high], [y, y], color=GREY, **style)
    below = value == lowest
    marker, colour = _SHAPES["bad" if file.failed else file.level]
    marker = "<" if below and not file.failed else marker
    axis.plot([value], [y], marker, color=colour, clip_on=False, markersize=7)
    text, side = (
        (f"< {device_fit.less_likely(lowest)}", "left")
        if below
        else (device_fit.less_likely(value), "center")
    )
    axis.text(value, y - 0.2, text, ha=side, va="bottom", fontsize=8)


@look("quantize")
def decimals(twin: Twin) -> Shown:
    """Shares of "9.9 or 9.11?" problems that base, persona and reasoning got right, by file."""
    report = twin.report("quantize")
    figures = {
        tuple(name.split("_", 2)[1:]): figure
        for name, figure in (report.figures if report else {}).items()
        if name.startswith("decimals_") and figure.get("value") is not None
    }
    if not figures:
        return caption(t("ui.decimals_not_asked"))
    kinds = list(dict.fromkeys(kind for _, kind in figures))
    lines = []
    for variant in comparison.VARIANTS:
        shares = [figures.get((variant, kind)) for kind in kinds]
        if any(shares):
            lines.append((choose(comparison.variant_names(variant)), *map(_share, shares)))
    note = choose(labels.note(report.figures.get("decimals") or {}))
    shown = table((t("ui.decimals_right"), *kinds), lines)
    return shown + caption(note or t("ui.decimals_note"))


def _share(figure):
    """'62 % (55 … 69)'; a dash for None."""
    if figure is None:
        return "—"
    value, low, high = (
        None if figure[end] is None else f"{100 * figure[end]:.0f}"
        for end in ("value", "low", "high")
    )
    return f"{value} %" + (f" ({low} … {high})" if low and high else "")
