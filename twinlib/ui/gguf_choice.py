"""What helps to choose a GGUF file: its size, its distance from the 16-bit twin, its speed, the devices it suits; and
the seed's question, 9.9 or 9.11, asked of every file."""

import math
import re
from typing import NamedTuple

from ..gguf import decimals as comparison
from ..i18n import choose, t
from ..models import device_fit, estimate
from .display import NOTHING, Shown, caption, number, sentence, size, table
from .plotting import GREEN, GREY, RED, embedded, picture, short, words

EDGES = 2e-4, 0.5  # of the divergences drawn
# Names of the stretches of the divergence axis, one a degree of device_fit.CLOSENESS.
STRETCHES = (
    ("indistinguishable", "分不出"),
    ("hardly any", "几乎没有"),
    ("slight", "略有"),
    ("noticeable", "明显"),
)


class File(NamedTuple):
    """A GGUF file: its type, name, bytes, the report's figures on it ({} for one that isn't there), the Fit of devices
    or None, and why it isn't offered, '' when it is."""

    kind: str
    name: str
    bytes: float
    divergence: dict
    top1: dict
    speed: dict
    fit: device_fit.Fit | None
    failed: str


def files(twin):
    """The GGUF files, so that one can be chosen: how large, how different from the 16-bit twin, how fast, and where
    they run. One that failed its checks stands there with the reason."""
    report = twin.report("quantize")
    found = _files(twin, report) if report else []
    if not found:
        return caption(t("ui.no_gguf_file_yet_run"))
    figure = picture(
        _choice(found), columns=3, tall=1.2 + 0.5 * len(found), wide=3.4, width_ratios=(1, 1.6, 1)
    )
    context = report.settings.get("context", 4096)
    said = t("ui.disk_grey_bar_95_interval", twin=twin.folder("quantize"), context=context)
    reasons = sum((sentence(file.failed, "stop") for file in found if file.failed), NOTHING)
    return Shown(embedded(figure), "") + _advice(found) + _suits(found) + reasons + caption(said)


def _files(twin, report):
    """The report's Files, smallest first."""
    shape, figures = estimate.shape(twin.facts.get("base", {}).get("name", "")), report.figures

    def measured(name):
        return figures[name] if figures.get(name, {}).get("value") is not None else {}

    found, kinds = (
        [],
        [name.removeprefix("size_mb_") for name in figures if name.startswith("size_mb_")],
    )
    kinds += re.findall(
        rf"{re.escape(twin.name)}-([A-Z0-9_]+)\.gguf\.failed", " ".join(report.warnings)
    )
    for kind in dict.fromkeys(kinds):
        path, bytes = twin.gguf(kind), 1e6 * (measured(f"size_mb_{kind}").get("value") or 0)
        fit = (
            device_fit.fit(bytes, report.settings.get("context", 4096), shape)
            if shape and bytes
            else None
        )
        found.append(
            File(
                kind,
                path.name,
                bytes,
                *(
                    measured(f"{name}_{kind}")
                    for name in ("kl_divergence", "top1", "tokens_per_second")
                ),
                fit,
                _failed(path, report.warnings),
            )
        )
    return sorted(found, key=lambda file: file.bytes)


def _failed(path, warnings):
    """Why a file isn't offered, '' when it is."""
    if path.exists():
        return ""
    said = [warning for warning in warnings if f"{path.name}.failed" in warning]
    return " ".join(said) or t("ui.disk_run_step_above_make", name=path.name)


def _advice(found):
    """The file to take when in doubt: the smallest that hardly differs, else the nearest."""
    offered = {file.kind: file for file in found if not file.failed and file.divergence}
    figures = {f"size_mb_{kind}": {"value": file.bytes} for kind, file in offered.items()}
    figures |= {f"kl_divergence_{kind}": file.divergence for kind, file in offered.items()}
    best = offered.get(device_fit.recommended_type(tuple(offered), figures))
    if best is None:
        return NOTHING
    good = best.divergence["value"] <= device_fit.HARDLY_DIFFERENT.divergence
    said = (
        (
            f"When in doubt, take {best.name}: the smallest that hardly differs from the 16-bit twin.",
            f"拿不准就用 {best.name}：与量化前的分身几乎没有差别的文件里，它最小。",
        )
        if good
        else (
            f"When in doubt, take {best.name}: the nearest to the 16-bit twin.",
            f"拿不准就用 {best.name}：它最接近量化前的分身。",
        )
    )
    return sentence(t(*said), "good")


def _suits(found):
    """Where each file runs, as a table."""
    header = (
        t("ui.file"),
        t("ui.compared_16_bit_twin"),
        t("ui.same_first_choice"),
        t("ui.memory"),
        t("ui.phone"),
        t("ui.laptop_without_card"),
        t("ui.graphics_card"),
    )
    rows = []
    for file in found:
        fit = file.fit
        needs = (
            ["?"] * 4
            if fit is None
            else [size(fit.memory), *(f"≥ {gb} GB" if gb else "—" for gb in fit[1:4])]
        )
        needs[2] += t("ui.slowly") if fit and fit.slow and fit.laptop else ""
        same = f"{file.top1['value']:.1%}" if file.top1 else "—"
        near = device_fit.closeness_text(file.divergence.get("value"), file.top1.get("value"))
        difference = t("ui.not_offered") if file.failed else choose(near)
        rows.append((file.name, difference, same, *needs))
    return table(header, rows)


def _choice(found):
    """Draws size, difference and speed beside each other, a file a line."""
    titles = (
        words("Size", "大小"),
        words("Difference from the 16-bit twin", "与量化前的差别"),
        words("Tokens a second, here", "在本机每秒 token 数"),
    )

    def draw(*axes):
        for axis, said in zip(axes, titles):
            axis.set_title(said.replace(" · ", "\n"), fontsize=10, pad=28)
            axis.set(
                ylim=(len(found) - 0.4, -0.6),
                yticks=range(len(found)),
                yticklabels=[""] * len(found),
            )
            axis.tick_params(left=False)
        axes[0].set_yticklabels(["✗ " * bool(file.failed) + file.kind for file in found])
        _bars(
            axes[0],
            found,
            [file.bytes for file in found],
            [size(file.bytes) if file.bytes else "?" for file in found],
        )
        speeds = [0 if file.failed else file.speed.get("value", 0) for file in found]
        _bars(
            axes[2],
            found,
            speeds,
            [
                words("✗ not offered", "✗ 不提供")
                if file.failed
                else number(speed)
                if speed
                else words("not measured", "没有量")
                for file, speed in zip(found, speeds)
            ],
        )
        _divergences(axes[1], found)

    return draw


def _bars(axis, found, lengths, labels):
    colours = [GREY if file.failed else GREEN for file in found]
    bars = axis.barh(range(len(found)), lengths, color=colours, height=0.6)
    axis.bar_label(bars, [label.replace(" · ", "\n") for label in labels], padding=3)
    axis.set(xticks=[], xlim=(0, 1.45 * max(lengths) or 1))
    axis.spines["bottom"].set_visible(False)


def _divergences(axis, found):
    """KL divergences with their intervals on a logarithmic axis, whose stretches have names."""
    marks, least = [grade.divergence for grade in device_fit.CLOSENESS[:-1]], EDGES[0]
    most = max(
        EDGES[1],
        *(2 * (file.divergence.get("high") or file.divergence.get("value", 0)) for file in found),
    )
    axis.set(
        xscale="log",
        xlim=(least, most),
        xlabel=words("KL divergence, nats a token", "KL 散度，nat/token"),
    )
    axis.set_xticks([0.001, *marks], [f"{mark:g}" for mark in (0.001, *marks)])
    axis.minorticks_off()
    axis.spines["left"].set_visible(False)
    for start, end, said in zip((least, *marks), (*marks, most), STRETCHES):
        axis.axvline(start, color=GREY, linewidth=1, linestyle=":")
        axis.text(
            math.sqrt(start * end),
            1,
            short(words(*said)),
            ha="center",
            va="bottom",
            fontsize=8,
            transform=axis.get_xaxis_transform(),
        )
    for place, file in enumerate(found):
        if file.divergence:
            _divergence(axis, place, file, least)
        else:
            said = (
                f"{words('same first choice', '首选相同')} {file.top1['value']:.1%}"
                if file.top1
                else words("not measured", "没有量")
            )
            axis.text(math.sqrt(least * most), place, said, ha="center", va="center")


def _divergence(axis, place, file, least):
    """One file's divergence; what is less than the axis has is a pointer at its left end."""
    measured = file.divergence
    value, low, high = (
        max(least, measured["value" if measured[end] is None else end])
        for end in ("value", "low", "high")
    )
    axis.plot(
        [low, high], [place, place], color=GREY, linewidth=5, solid_capstyle="round", clip_on=False
    )
    marker, colour = ("X", RED) if file.failed else ("<" if value == least else "o", GREEN)
    axis.plot([value], [place], marker, color=colour, clip_on=False, markersize=7)
    said = f"< {least:g}" if value == least else number(value)
    axis.text(
        value, place - 0.2, said, ha="left" if value == least else "center", va="bottom", fontsize=8
    )


def decimals(twin):
    """Whether 9.9 or 9.11 is larger: the share answered rightly by base, persona and reasoning, in each file."""
    report = twin.report("quantize")
    figures = {
        tuple(name.split("_", 2)[1:]): figure
        for name, figure in (report.figures if report else {}).items()
        if name.startswith("decimals_") and figure.get("value") is not None
    }
    if not figures:
        return caption(t("ui.question_9_9_9_11"))
    kinds = list(dict.fromkeys(kind for _, kind in figures))
    rows = [name for name in comparison.ROWS if any(name == row for row, _ in figures)]
    header = (t("ui.9_9_9_11_share"), *kinds)
    lines = [
        (t(*comparison.ROWS[row]), *(_share(figures.get((row, kind))) for kind in kinds))
        for row in rows
    ]
    said = t("ui.where_interval_holds_50_cant")
    return table(header, lines) + caption(
        (report.figures.get("decimals") or {}).get("note") or said
    )


def _share(figure):
    """'62 % (55 … 69)', a dash for what was not asked."""
    if figure is None:
        return "—"
    value, low, high = (
        None if figure[end] is None else f"{100 * figure[end]:.0f}"
        for end in ("value", "low", "high")
    )
    return f"{value} %" + (f" ({low} … {high})" if low and high else "")
