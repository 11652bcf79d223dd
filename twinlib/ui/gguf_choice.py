"""Pictures and tables for choosing a GGUF file: size, KL divergence, speed, suitable devices.

Also how often each file answers correctly whether 9.9 or 9.11 is larger.
"""

import math
import re
from collections.abc import Callable
from typing import NamedTuple

from ..gguf import decimals as comparison
from ..i18n import choose, t
from ..models import device_fit, estimate
from ..text import labels
from ..twin import Report, Twin
from .display import NOTHING, Shown, caption, number, sentence, size, table
from .look import look
from .plotting import GREEN, GREY, RED, embedded, label, picture, short, two_lines

_AXIS_LIMITS = 2e-4, 0.5  # of the divergence axis, in nats a token
# Names of the ranges of the divergence axis, one for each degree of device_fit.CLOSENESS.
_RANGES = ("ui.indistinguishable", "ui.hardly_any", "ui.slight", "ui.noticeable")


class File(NamedTuple):
    """A GGUF file with its figures from the report, each {} when it was not measured.

    `fit` is None when the base's shape or the file's size is unknown; `failed` is the reason why a
    file is not offered, else ''.
    """

    kind: str
    name: str
    bytes: float
    divergence: dict
    top1: dict
    speed: dict
    fit: device_fit.Fit | None
    failed: str


@look("quantize")
def files(twin: Twin) -> Shown:
    """The GGUF files to choose from; one that failed its checks is listed with the reason."""
    report = twin.report("quantize")
    listed = measured_files(twin, report) if report else []
    if not listed:
        return caption(t("ui.no_gguf_file"))
    size = {"tall": 1.2 + 0.5 * len(listed), "wide": 3.4}
    figure = picture(files_panels(listed), columns=3, width_ratios=(1, 1.6, 1), **size)
    reasons = sum((sentence(file.failed, "stop") for file in listed if file.failed), NOTHING)
    notes = t("ui.gguf_notes", folder=twin.folder("quantize"), context=_context(report))
    shown = Shown(embedded(figure), "") + _advice(listed) + _devices(listed)
    return shown + reasons + caption(notes)


def _context(report):
    return report.settings.get("context", 4096)


def measured_files(twin: Twin, report: Report) -> list[File]:
    """The Files of a report of step 04, smallest first."""
    size = "size_mb_"
    kinds = [name.removeprefix(size) for name in report.figures if name.startswith(size)]
    failed = rf"{re.escape(twin.name)}-([A-Z0-9_]+)\.gguf\.failed"
    kinds += re.findall(failed, " ".join(report.warnings))
    shape = estimate.shape(twin.facts.get("base", {}).get("name", ""))
    measured = [_file(twin, report, kind, shape) for kind in dict.fromkeys(kinds)]
    return sorted(measured, key=lambda file: file.bytes)


def _file(twin, report, kind, shape):
    def measured(name):
        figure = report.figures.get(f"{name}_{kind}", {})
        return figure if figure.get("value") is not None else {}

    path, bytes = twin.gguf(kind), 1e6 * measured("size_mb").get("value", 0)
    return File(
        kind,
        path.name,
        bytes,
        measured("kl_divergence"),
        measured("top1"),
        measured("tokens_per_second"),
        device_fit.fit(bytes, _context(report), shape) if shape and bytes else None,
        _failed(path, report.warnings),
    )


def _failed(path, warnings):
    """The reason why a file is not offered; '' when it is."""
    if path.exists():
        return ""
    reasons = [warning for warning in warnings if f"{path.name}.failed" in warning]
    return " ".join(reasons) or t("ui.file_missing", name=path.name)


def _advice(files):
    """The file to take when in doubt: the smallest that hardly differs, else the closest."""
    offered = {file.kind: file for file in files if not file.failed and file.divergence}
    figures = {f"size_mb_{kind}": {"value": file.bytes} for kind, file in offered.items()}
    figures |= {f"kl_divergence_{kind}": file.divergence for kind, file in offered.items()}
    best = offered.get(device_fit.recommended_type(tuple(offered), figures))
    if best is None:
        return NOTHING
    good = best.divergence["value"] <= device_fit.HARDLY_DIFFERENT.divergence
    return sentence(t("ui.take_smallest" if good else "ui.take_closest", name=best.name), "good")


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
        top1 = f"{file.top1['value']:.1%}" if file.top1 else "—"
        rows.append((file.name, difference, top1, *_needs(file.fit)))
    return table(header, rows)


def _needs(fit):
    """Cells with the memory, and the smallest phone, laptop and graphics card that have it."""
    if fit is None:
        return ["?"] * 4
    phone, laptop, card = (f"≥ {gb} GB" if gb else "—" for gb in (fit.phone, fit.laptop, fit.card))
    slow = t("ui.slowly") if fit.slow and fit.laptop else ""
    return [size(fit.memory), phone, laptop + slow, card]


def files_panels(files: list[File]) -> Callable:
    """A function that draws size, divergence and speed on three axes, with a line for each file."""
    titles = (label("ui.size"), label("ui.difference_from_16_bit"), label("ui.speed_here"))

    def draw(*axes):
        for axis, text in zip(axes, titles):
            axis.set_title(two_lines(text), fontsize=10, pad=28)
            axis.set(ylim=(len(files) - 0.4, -0.6))
            axis.set_yticks(range(len(files)), [""] * len(files))
            axis.tick_params(left=False)
        axes[0].set_yticklabels(["✗ " * bool(file.failed) + file.kind for file in files])
        sizes = [size(file.bytes) if file.bytes else "?" for file in files]
        _bars(axes[0], files, [file.bytes for file in files], sizes)
        _draw_divergences(axes[1], files)
        speeds = [0 if file.failed else file.speed.get("value", 0) for file in files]
        _bars(axes[2], files, speeds, list(map(_speed_label, files)))

    return draw


def _speed_label(file):
    if file.failed:
        return "✗ " + label("ui.not_offered")
    return number(file.speed["value"]) if file.speed else label("ui.was_not_measured")


def _bars(axis, files, lengths, texts):
    colours = [GREY if file.failed else GREEN for file in files]
    bars = axis.barh(range(len(files)), lengths, color=colours, height=0.6)
    axis.bar_label(bars, list(map(two_lines, texts)), padding=3)
    axis.set(xticks=[], xlim=(0, 1.45 * max(lengths) or 1))
    axis.spines["bottom"].set_visible(False)


def _draw_divergences(axis, files):
    """KL divergences with their intervals on a logarithmic axis with named ranges."""
    lowest, highest = _AXIS_LIMITS
    upper_ends = [f.divergence.get("high") or f.divergence.get("value", 0) for f in files]
    highest = max(highest, *(2 * value for value in upper_ends))
    bounds = [grade.divergence for grade in device_fit.CLOSENESS[:-1]]
    axis.set(xscale="log", xlim=(lowest, highest), xlabel=label("ui.kl_divergence"))
    axis.set_xticks([0.001, *bounds], [f"{bound:g}" for bound in (0.001, *bounds)])
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
    marker, colour = ("X", RED) if file.failed else ("<" if below else "o", GREEN)
    axis.plot([value], [y], marker, color=colour, clip_on=False, markersize=7)
    text, side = (f"< {lowest:g}", "left") if below else (number(value), "center")
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
