"""Pictures of the corpus and of training, each with a caption in the reader's language."""

import math
from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, NamedTuple

from ..corpus.reasons import KINDS, REASONS
from ..files import read_records
from ..i18n import choose, data, t
from ..progress import REWARD, names_of
from ..train import curriculum
from ..train import probe as _probes
from ..twin import Twin
from . import summary, tables
from .display import NOTHING, Shown, caption, folded, sentence
from .gguf_choice import decimals, files
from .look import look
from .memory_picture import memory
from .plotting import (
    ASIDE,
    GREEN,
    GREY,
    bar_height,
    drawable,
    label,
    legend,
    picture,
    row,
    short,
    sideways,
    title,
)
from .score_card import score_card

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = [
    "corpus",
    "curves",
    "curves_of",
    "decimals",
    "files",
    "memory",
    "nearness",
    "probe",
    "score_card",
]
# The figures that training steps record; those on the same scale share a panel.
PANELS = (
    ("loss", "eval_loss"),
    ("reward", "correct", "form"),
    ("held_out_accuracy",),
    ("no_signal", "clipped"),
    ("length",),
    ("entropy",),
    ("learning_rate",),
    ("tokens_s",),
)
_PANEL = 4.4  # inches
POINTS = 250  # in a curve: more can't be told apart and take long to draw
_CAPTIONS = {"persona": "ui.persona_curves", "reasoning": "ui.reasoning_curves"}


# 01: the corpus. A function ..._panel returns a Panel, or None where there is nothing to see.


@look("corpus")
def corpus(twin: Twin) -> Shown:
    """Pictures of the texts by format and date, what was kept, scripts, passages and rows."""
    documents, removed = twin.records("documents"), tables.dropped(twin)
    reasons = Counter(_reason(part) for part in removed if _is_document(part))
    panels = [
        formats_panel(documents, removed),
        dates_panel(documents),
        _kept_panel(len(documents), reasons),
        scripts_panel(twin),
        _passages_panel(twin),
        _rows_panel(twin),
    ]
    pictures = row(picture(panel.draw, tall=panel.tall, wide=_PANEL) for panel in panels if panel)
    counts = {"documents": len(documents), "removed": reasons.total()}
    shown = summary.shown(twin, "corpus") + Shown(pictures, "")
    return shown + caption(t("ui.texts_kept", **counts))


class Panel(NamedTuple):
    """A function that draws on an axis, and the axis's inches."""

    draw: Callable
    tall: float = 2.4


def _reason(part):
    """Why a part was put aside, in the reader's language where the reason is known."""
    key = tables.key_of(part["reason"], REASONS)
    return drawable(REASONS[key]) if key else part["reason"]


def _is_document(part):
    return tables.key_of(part["what"], KINDS) == "document"


def formats_panel(documents: list[dict], removed: list[dict]) -> Panel | None:
    """Texts kept and put aside, by format; None where there is one format: one bar says nothing."""
    kept = Counter(_suffix(document["source"]) for document in documents)
    aside = Counter(_suffix(part["document"]) for part in removed if _is_document(part))
    names = [name for name, _ in (kept + aside).most_common(8)]
    if len(names) < 2:
        return None

    def draw(axis):
        series = [
            (label("ui.kept"), kept, {"color": GREEN}),
            (label("ui.put_aside_series"), aside, ASIDE),
        ]
        _stacked(axis, names, series)
        sideways(axis, label("ui.texts_by_format"))

    return Panel(draw, bar_height(len(names) + 1))


def _stacked(axis, names, series):
    """Horizontal bars stacked from several (label, {name: count}, style), with their sums."""
    sums = Counter()
    for text, counts, style in series:
        lengths, left = [counts[name] for name in names], [sums[name] for name in names]
        bars = axis.barh(names, lengths, left=left, label=text, **style)
        sums.update(counts)
    axis.bar_label(bars, [f"{sums[name]:,}" for name in names], padding=3)
    legend(axis)


def _suffix(source):
    return PurePosixPath(source.split("#")[0]).suffix.lower() or "?"


def dates_panel(documents: list[dict]) -> Panel | None:
    """Texts by year, or by month when they span less than two years; None for one date or none."""
    dates = [str(document["date"])[:7] for document in documents if document["date"]]
    if not dates:
        return None
    years = [int(date[:4]) for date in dates]
    first, last = min(years), max(years)
    by_month = last - first < 2 and all(len(date) == 7 for date in dates)
    if by_month:
        counts = Counter(int(date[:4]) + (int(date[5:]) - 0.5) / 12 for date in dates)
    else:
        counts = Counter(years)
    if len(counts) < 2:
        return None
    undated = len(documents) - len(dates)

    def draw(axis):
        width = 0.85 / (12 if by_month else 1)
        axis.bar(list(counts), list(counts.values()), width=width, color=GREEN)
        axis.set_xticks(range(first, last + 1 + by_month, max(1, (last - first) // 6)))
        axis.tick_params(axis="x", rotation=30)
        head = label("ui.texts_by_month" if by_month else "ui.texts_by_year")
        title(axis, head + (label("ui.undated", count=undated) if undated else ""))
        axis.yaxis.get_major_locator().set_params(integer=True)

    return Panel(draw)


def _kept_panel(kept, reasons):
    if not reasons:
        return None
    bars = [(label("ui.kept"), kept)]
    bars += [(short(reason), count) for reason, count in reasons.most_common(6)]
    rest = kept + reasons.total() - sum(count for _, count in bars)
    bars += [(label("ui.others"), rest)] if rest else []

    def draw(axis):
        names, counts = zip(*bars)
        drawn = axis.barh(range(len(bars)), counts, **ASIDE)
        axis.barh(range(len(bars)), [kept, *[0] * (len(bars) - 1)], color=GREEN)
        axis.set_yticks(range(len(bars)), names)
        axis.bar_label(drawn, [f"{count:,}" for count in counts], padding=3)
        sideways(axis, label("ui.texts_kept_and_put_aside"))

    return Panel(draw, bar_height(len(bars)))


def scripts_panel(twin: Twin) -> Panel | None:
    """Characters before and after cleaning by script, where a lost script shows at once."""
    report = twin.report("corpus")
    figures = {
        name.removeprefix("characters_"): figure
        for name, figure in (report.figures if report else {}).items()
        if name.startswith("characters_") and figure.get("n")
    }
    names = sorted(figures, key=lambda name: -figures[name]["n"])[:8]
    if not names:
        return None

    def draw(axis):
        for shift, key, colour, text in (
            (-0.2, "n", GREY, label("ui.before_cleaning")),
            (0.2, "value", GREEN, label("ui.kept")),
        ):
            positions = [y + shift for y in range(len(names))]
            lengths = [figures[name][key] for name in names]
            bars = axis.barh(positions, lengths, height=0.4, color=colour, label=text)
        shares = [figures[name]["value"] / figures[name]["n"] for name in names]
        axis.bar_label(bars, [f"{share:.0%}" for share in shares], padding=3)
        labels = [short(drawable(data("scripts")[name])) for name in names]
        axis.set_yticks(range(len(names)), labels)
        legend(axis)
        sideways(axis, label("ui.characters_by_script"))

    return Panel(draw, bar_height(len(names) + 1))


def _passages_panel(twin):
    """Those to learn from, which every sentence counts."""
    train = [passage for passage in twin.records("passages") if passage["split"] == "train"]
    lengths = [passage["tokens_estimate"] for passage in train]
    if len(lengths) < 2:
        return None

    def draw(axis):
        axis.hist(lengths, bins=min(20, max(1, len(lengths))), color=GREEN)
        axis.set(xlabel=label("ui.tokens_about"))
        title(axis, label("ui.passage_lengths", count=len(lengths)))
        axis.yaxis.get_major_locator().set_params(integer=True)

    return Panel(draw)


def _rows_panel(twin):
    """Rows to learn from, by kind: as many as the caption of the rows and the review count."""
    counts = Counter(row["kind"] for row in tables.training_rows(twin))
    kinds = [kind for kind, _ in counts.most_common()]
    if len(kinds) < 2:
        return None

    def draw(axis):
        bars = axis.barh(kinds, [counts[kind] for kind in kinds], color=GREEN)
        axis.bar_label(bars, [f"{counts[kind]:,}" for kind in kinds], padding=3)
        names = [short(drawable(tables.kind_texts(kind))) for kind in kinds]
        axis.set_yticks(range(len(kinds)), names)
        sideways(axis, label("ui.rows", count=counts.total()))

    return Panel(draw, bar_height(len(kinds)))


# 02 and 03: training


def curves(twin: Twin, step: str) -> Shown:
    """The curves of a training step's whole history."""
    return look(step)(_curves)(twin, step)


def _curves(twin, step):
    path = twin.history(step)
    figures = curves_of(read_records(path, step) if path.exists() else [])
    if not figures:
        return caption(t("ui.no_numbers_yet"))
    first, others = figures[:1], figures[1:]
    if step == "reasoning":  # its look shows problems
        first, others = [], figures
    explained = caption(t(_CAPTIONS[step]))
    if not first:
        return folded(t("ui.curves"), Shown(row(others), "") + explained)
    return Shown(row(first), "") + explained + folded(t("ui.curves"), Shown(row(others), ""))


def curves_of(records: list[dict]) -> list["Figure"]:
    """Matplotlib Figures, one for each group of PANELS that occurs in the records."""
    rewards = {name: None for record in records for name in record if name.startswith(REWARD)}
    figures = []
    for names in PANELS:
        names = (*names, *rewards) if "reward" in names else names
        points = {name: curve_points(records, name) for name in names}
        drawn = {name: curve for name, curve in points.items() if curve}
        if drawn:
            wide = 4.2 if "loss" in drawn else 2.6
            figures.append(picture(_curves_panel(drawn), wide=wide, tall=2.2))
    return figures


def _curves_panel(curves):
    def draw(axis):
        for name, points in curves.items():
            steps, means, lows, highs = zip(*points)
            text = drawable(names_of(name))
            axis.plot(steps, means, label=text, marker="." if len(steps) < 9 else None)
            if lows != highs:
                axis.fill_between(steps, lows, highs, alpha=0.25, linewidth=0)
        above = {"loc": "lower center", "bbox_to_anchor": (0.5, 1), "borderaxespad": 0}
        axis.legend(frameon=False, ncol=3, columnspacing=1, handlelength=1, **above)
        axis.set(xlabel=label("ui.step_axis"))
        axis.xaxis.get_major_locator().set_params(integer=True)

    return draw


def curve_points(records: Iterable[dict], name: str) -> list[tuple]:
    """At most POINTS points (step, mean, lowest, highest) of a figure.

    Of a step that was repeated after a resume the last value counts.
    """
    values = {
        record["done"]: record[name]
        for record in records
        if isinstance(record.get(name), (int, float))
        and "done" in record
        and math.isfinite(record[name])
    }
    points = sorted(values.items())
    stretch = max(1, math.ceil(len(points) / POINTS))
    return [_summary(points[at : at + stretch]) for at in range(0, len(points), stretch)]


def _summary(points):
    """A stretch of a curve as one point, with its extremes so that no peak is lost."""
    values = [value for _, value in points]
    return points[-1][0], sum(values) / len(values), min(values), max(values)


# 03: the probe, and answers in prose


def probe(twin: Twin) -> Shown:
    """How many problems of the probe were right how often, and what that means."""
    found = _probes.kept(twin)
    if not found or not found["problems"]:
        return caption(choose(_probes.said(found)) if found else t("practice.no_probe"))
    counts = Counter(each["right"] for each in found["problems"])
    tries = _probes.TRIES

    def draw(axis):
        heights = [counts[right] for right in range(tries + 1)]
        inside = [curriculum.LOW <= right / tries <= curriculum.HIGH for right in range(tries + 1)]
        bars = axis.bar(range(tries + 1), heights, color=[GREEN if i else GREY for i in inside])
        axis.bar_label(bars, [count or "" for count in heights])
        axis.set(xlabel=label("practice.probe_axis"), xticks=range(tries + 1))
        axis.yaxis.get_major_locator().set_params(integer=True)
        title(axis, label("practice.probe_title", n=len(found["problems"])))

    values = {"first": found["pass_at_1"], "best": found["pass_at_8"]}
    shown = Shown(row([picture(draw, wide=_PANEL, tall=2.2)]), "")
    level = "warning" if _probes.is_hopeless(found) else "good"
    said = sentence(choose(_probes.said(found)), level)
    return said + shown + caption(t("practice.probe_caption", **values))


@look("reasoning")
def nearness(twin: Twin) -> Shown:
    """Answers in prose: how near each came to the owner's, before and after; nothing without."""
    records = twin.records("solutions") if twin.file("solutions").exists() else []
    found = {}
    for record in records:
        if "near" in record:
            found.setdefault(record["id"], {})[record["when"]] = record
    pairs = [each for each in found.values() if len(each) == 2]
    report = twin.report("reasoning")
    if not pairs or not report or "length_ratio" not in report.figures:
        return NOTHING
    before, after = ([each[when]["near"] for each in pairs] for when in ("before", "after"))

    def draw(axis):
        axis.plot([0, 1], [0, 1], color=GREY, linewidth=1)
        axis.scatter(before, after, color=GREEN, s=14, alpha=0.7)
        axis.set(xlabel=label("practice.nearness_before"), ylabel=label("practice.nearness_after"))
        axis.set(xlim=(0, 1), ylim=(0, 1))
        title(axis, label("practice.nearness_title"))

    shown = Shown(row([picture(draw, wide=3.4, tall=3.2)]), "")
    ratio = report.figures["length_ratio"]["value"]
    return shown + caption(t("practice.nearness_caption", ratio=ratio))
