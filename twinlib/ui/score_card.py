"""The score card as one picture: each figure against its mark, in the colour of its verdict; and what was not measured.

A line is a figure of the twin; its other rows (base, prompt, files) stand on the same line as hollow marks, so that
one sees at a glance whether training paid.
"""

from ..evaluate import ratings
from ..i18n import choose, t
from ..text import labels
from ..text.labels import SCORES
from .display import NOTHING, interval, number, sentence, table
from .plotting import GREEN, GREY, RED, legend, picture, plain, shown, words

AMBER = "#d99a1c"
COLOURS = {"good": GREEN, "so-so": AMBER, "bad": RED, "": GREY}
HOLLOW = {
    "base": ("s", ("base", "基础模型")),
    "prompt": ("^", ("base with prompt", "基础模型加提示词")),
    "file": ("d", ("GGUF file", "GGUF 文件")),
}


def score_card(twin):
    """The picture, the sentences that come first, and what was not measured and why."""
    report = twin.report("evaluate")
    if not report:
        return NOTHING
    figures = report.figures
    measured = [name for name in SCORES if figures.get(name, {}).get("value") is not None]
    missing = [
        (choose(labels.figure(name)), figures[name]["note"])
        for name in SCORES
        if name in figures and figures[name]["value"] is None
    ]
    said = sum((sentence(text, "warning") for text in report.warnings), NOTHING)
    size = {"rows": len(measured), "tall": 0.46 + 0.6 / max(1, len(measured)), "wide": 7.5}
    drawn = (
        shown(
            picture(lambda *axes: _draw(axes, measured, figures), **size),
            t("ui.dot_twin_line_95_interval"),
        )
        if measured
        else NOTHING
    )
    left = table((t("ui.measured"), t("ui.why")), missing) if missing else NOTHING
    return said + drawn + left


def _draw(axes, names, figures):
    base = (figures.get("nonsense.base") or {}).get("value") or 0.0
    for axis, name in zip(axes, names):
        _line(axis, name, figures, ratings.mark(name, base))
    for kind, (marker, label) in HOLLOW.items():
        axes[0].plot(
            [],
            [],
            marker,
            color=GREY,
            markerfacecolor="none",
            linestyle="none",
            label=words(*label),
        )
    legend(axes[0])


def _line(axis, name, figures, mark):
    found, rows = figures[name], _rows(name, figures)
    ends = [found[end] for end in ("value", "low", "high") if found[end] is not None]
    ends += [one["value"] for one in rows.values()]
    shares = name not in ("prediction_gain", "quantization_loss")
    low, high = (
        min(0.0, *ends),
        max([1.0] if shares else [mark.bound if mark else 0.0, *ends, 1e-6]),
    )
    room = 0.03 * (high - low)
    low, high = low - room, max(high, *ends) + room
    if mark:
        good = (max(mark.bound, low), high) if mark.more else (low, min(mark.bound, high))
        axis.axvspan(*good, color=GREEN, alpha=0.12, linewidth=0)
    if None not in (found["low"], found["high"]):
        axis.plot(
            [found["low"], found["high"]], [0, 0], color=GREY, linewidth=4, solid_capstyle="round"
        )
    for kind, one in rows.items():
        axis.plot(
            [one["value"]],
            [0],
            HOLLOW[kind][0],
            color="#444444",
            markerfacecolor="none",
            markersize=6,
        )
    axis.plot([found["value"]], [0], "o", color=COLOURS[ratings.of(name, figures)], markersize=8)
    axis.set(yticks=[0], ylim=(-1, 1), xlim=(low, high))
    axis.set_yticklabels([plain(words(*labels.figure(name).values())).replace(" · ", "\n")])
    axis.tick_params(labelsize=8)
    says = f"{number(found['value'])}  {interval(found)}".strip()
    axis.annotate(says, (1.01, 0.5), xycoords="axes fraction", va="center")


def _rows(name, figures):
    """{kind of row: figure} of the other rows of a figure; of several files the worst to look at, the smallest type."""
    found = {}
    for row in (rest for key in figures if (rest := key.removeprefix(f"{name}.")) != key):
        kind = "file" if row.startswith("twin-") or name == "quantization_loss" else row
        if kind in HOLLOW and figures[f"{name}.{row}"]["value"] is not None:
            found[kind] = figures[f"{name}.{row}"]
    return found
