"""Pictures a person can judge by, each with a caption in the reader's language. Text inside a picture is English
unless a Chinese font is installed (drawing.py)."""

import math
from collections import Counter
from pathlib import PurePosixPath

from ..corpus.reasons import KINDS
from ..files import read_records
from ..i18n import data, t
from ..progress import REWARD, names_of
from . import tables
from .display import Shown, caption
from .gguf_choice import decimals, files
from .plotting import (
    GREEN,
    GREY,
    RED,
    embedded,
    legend,
    picture,
    row,
    short,
    sideways,
    title,
    words,
)
from .score_card import score_card

__all__ = ["corpus", "curves", "curves_of", "decimals", "embedded", "files", "row", "score_card"]
# The numbers that training steps record, those with one scale together.
PANELS = (
    ("loss", "eval_loss"),
    ("reward", "correct", "form"),
    ("no_signal", "clipped"),
    ("length",),
    ("entropy",),
    ("learning_rate",),
    ("tokens_s",),
)
POINTS = 250  # of a curve: more are not seen and take long to draw


# 01: the corpus


def corpus(twin):
    """What came in, when it was written, what was kept of it, and what is learnt: a picture each, side by side where
    there is room."""
    documents, left = twin.records("documents"), tables.dropped(twin)
    texts = Counter(part["reason"] for part in left if _is_document(part))
    drawn = [
        _formats(documents, left),
        _when(documents),
        _kept(len(documents), texts),
        _scripts(twin),
        _passages(twin),
        _kinds(twin),
    ]
    pictures = row(picture(draw, tall=2.7, wide=4.4) for draw in drawn if draw)
    lost, size = sum(texts.values()), sum(len(document["text"]) for document in documents)
    return Shown(pictures, "") + caption(
        t("ui.texts_kept_put_aside_characters", documents=len(documents), lost=lost, size=size)
    )


def _is_document(part):
    return any(name in part["what"] for name in KINDS["document"])


def _formats(documents, left):
    kept = Counter(_suffix(document["source"]) for document in documents)
    aside = Counter(_suffix(part["document"]) for part in left if _is_document(part))
    names = [name for name, _ in (kept + aside).most_common(8)]

    def draw(axis):
        axis.barh(names, [kept[name] for name in names], color=GREEN, label=words("kept", "保留"))
        bars = axis.barh(
            names,
            [aside[name] for name in names],
            left=[kept[name] for name in names],
            color=RED,
            label=words("put aside", "放到一边"),
        )
        axis.bar_label(bars, [f"{kept[name] + aside[name]:,}" for name in names], padding=3)
        legend(axis)
        sideways(axis, words("What came in: texts", "读到的文章"))

    return draw


def _suffix(source):
    return PurePosixPath(source.split("#")[0]).suffix.lower() or "?"


def _when(documents):
    """Texts in each year, or in each month of a short while; nothing when no text has a date."""
    dates = [str(document["date"])[:7] for document in documents if document["date"]]
    years = [int(date[:4]) for date in dates]
    if not dates:
        return None
    months = all(len(date) == 7 for date in dates) and max(years) - min(years) < 2
    places = [int(date[:4]) + (int(date[5:]) - 0.5) / 12 for date in dates] if months else years
    step, undated = 1 / 12 if months else 1, len(documents) - len(dates)

    def draw(axis):
        counts = Counter(places)
        axis.bar(list(counts), list(counts.values()), width=0.85 * step, color=GREEN)
        axis.set_xticks(
            range(min(years), max(years) + 1 + months, max(1, (max(years) - min(years)) // 6))
        )
        axis.tick_params(axis="x", rotation=30)
        without = words(f" ({undated:,} undated)", f"（{undated:,} 篇没有日期）") if undated else ""
        title(
            axis,
            (words("Texts by month", "每月篇数") if months else words("Texts by year", "每年篇数"))
            + without,
        )
        axis.yaxis.get_major_locator().set_params(integer=True)

    return draw


def _kept(count, texts):
    most = texts.most_common(6)
    rest = sum(texts.values()) - sum(number for _, number in most)
    shown = [(words("kept", "保留"), count), *((short(reason), number) for reason, number in most)]
    shown += [(words("others", "其他"), rest)] if rest else []

    def draw(axis):
        bars = axis.barh(
            range(len(shown)),
            [number for _, number in shown],
            color=[GREEN, *[RED] * (len(shown) - 1)],
        )
        axis.set_yticks(range(len(shown)), [name for name, _ in shown])
        axis.bar_label(bars, [f"{number:,}" for _, number in shown], padding=3)
        sideways(axis, words("Texts kept and put aside", "保留的和放到一边的"))

    return draw


def _scripts(twin):
    """Characters before and after, by script: a cleaner that eats one of them is seen at once."""
    report = twin.report("corpus")
    figures = {
        name[11:]: figure
        for name, figure in (report.figures if report else {}).items()
        if name.startswith("characters_") and figure.get("n")
    }
    names = sorted(figures, key=lambda name: -figures[name]["n"])[:8]
    if not names:
        return None

    def draw(axis):
        for shift, height, key, colour, label in (
            (-0.2, 0.4, "n", GREY, words("before", "之前")),
            (0.2, 0.4, "value", GREEN, words("kept", "保留")),
        ):
            bars = axis.barh(
                [place + shift for place in range(len(names))],
                [figures[name][key] for name in names],
                height=height,
                color=colour,
                label=label,
            )
        axis.bar_label(
            bars,
            [f"{figures[name]['value'] / figures[name]['n']:.0%}" for name in names],
            padding=3,
        )
        axis.set_yticks(
            range(len(names)),
            [short(words(*data("scripts")[name].values())) for name in names],
        )
        legend(axis)
        sideways(axis, words("Characters by script", "各类字符"))

    return draw


def _passages(twin):
    lengths = [passage["tokens_estimate"] for passage in twin.records("passages")]

    def draw(axis):
        axis.hist(lengths, bins=min(20, max(1, len(lengths))), color=GREEN)
        axis.set(xlabel=words("tokens, about", "token 数（估计）"))
        title(axis, words(f"Length of the {len(lengths):,} passages", f"{len(lengths):,} 段的长度"))
        axis.yaxis.get_major_locator().set_params(integer=True)

    return draw


def _kinds(twin):
    """Rows by kind and by what they are for."""
    counts = {
        split: Counter(row["kind"] for row in twin.records(split))
        for split in ("train", "val", "test")
    }
    kinds = [kind for kind, _ in sum(counts.values(), Counter()).most_common()]
    labels = {
        "train": (words("to learn", "训练"), GREEN),
        "val": (words("to watch", "验证"), GREY),
        "test": (words("exam", "考试"), "#5a78c8"),
    }

    def draw(axis):
        done = Counter()
        for split, (label, colour) in labels.items():
            bars = axis.barh(
                kinds,
                [counts[split][kind] for kind in kinds],
                left=[done[kind] for kind in kinds],
                color=colour,
                label=label,
            )
            done.update(counts[split])
        axis.bar_label(bars, [f"{done[kind]:,}" for kind in kinds], padding=3)
        axis.set_yticks(
            range(len(kinds)),
            [short(words(*tables.ROW_KINDS.get(kind, (kind, kind)))) for kind in kinds],
        )
        legend(axis)
        sideways(axis, words("Rows", "数据行"))

    return draw


# 02 and 03: training

CAPTIONS = {
    "persona": lambda: t("ui.loss_should_fall_level_out"),
    "reasoning": lambda: t("ui.reward_correct_form_should_rise"),
}


def curves(twin, step):
    """The curves of a training step's whole history."""
    path = twin.history(step)
    figures = curves_of(read_records(path, step) if path.exists() else [])
    if not figures:
        return caption(t("ui.no_numbers_draw_yet"))
    return Shown(row(figures), "") + caption(CAPTIONS[step]())


def curves_of(records):
    """A Figure for each group of PANELS that the records hold numbers of."""
    rewards = {name: None for record in records for name in record if name.startswith(REWARD)}
    groups = [(*names, *rewards) if "reward" in names else names for names in PANELS]
    found = {
        name: points for names in groups for name in names if (points := _points(records, name))
    }
    panels = [[name for name in names if name in found] for names in groups]
    return [
        picture(
            _panel({name: found[name] for name in names}),
            wide=4.2 if "loss" in names else 2.6,
            tall=2.2,
        )
        for names in panels
        if names
    ]


def _panel(curves):
    def draw(axis):
        for name, points in curves.items():
            steps, means, lows, highs = zip(*points)
            axis.plot(
                steps,
                means,
                label=words(*names_of(name).values()),
                marker="." if len(steps) < 9 else None,
            )
            if lows != highs:
                axis.fill_between(steps, lows, highs, alpha=0.25, linewidth=0)
        axis.legend(
            frameon=False,
            loc="lower center",
            bbox_to_anchor=(0.5, 1),
            borderaxespad=0,
            ncol=3,
            columnspacing=1,
            handlelength=1,
        )
        axis.set(xlabel=words("step", "步"))
        axis.xaxis.get_major_locator().set_params(integer=True)

    return draw


def _points(records, name):
    """(step, value, lowest, highest) of a figure; a step that was done again counts as it was done last."""
    found = {
        record["done"]: record[name]
        for record in records
        if isinstance(record.get(name), (int, float))
        and "done" in record
        and math.isfinite(record[name])
    }
    return _thinned(sorted(found.items()))


def _thinned(points):
    """At most POINTS points: each the mean of its stretch, with the lowest and the highest, so that no peak is lost."""
    stretch = max(1, math.ceil(len(points) / POINTS))
    parts = [points[start : start + stretch] for start in range(0, len(points), stretch)]
    values = [[value for _, value in part] for part in parts]
    return [
        (part[-1][0], sum(those) / len(those), min(those), max(those))
        for part, those in zip(parts, values)
    ]
