"""The picture of notebook 07: the names and topics that most texts share, year by year."""

from collections import defaultdict
from itertools import pairwise

from ..i18n import t
from ..memory import entities
from ..memory.index import Index
from ..memory.overview import Overview
from ..twin import Twin
from .display import Shown, caption
from .look import look
from .plotting import (
    ENLARGED,
    GREEN,
    NARROW,
    bar_height,
    chinese_font,
    label,
    picture,
    scrolled,
    short,
    sideways,
    title,
)

_MOST = 14  # names
_GAP = 5  # years without texts that are still drawn one by one
_YEARS = 6  # that are named below the columns, at most
_DOT = 260  # points squared of the largest
_TOUCHING = 1.5  # of the room for a year is the width of the largest dot, at most
_COLUMNS = 0.55  # of the picture's width; names take the rest


@look("memory")
def memory(twin: Twin) -> Shown:
    """Names and topics by the number of texts that have them, in each year where texts are dated.

    Empty where the memory has no graph or no two texts share a name.
    """
    counted = names_by_year(twin)
    if not counted:
        return Shown("", "")
    tall = bar_height(len(counted) + 1)
    drawn = picture(lambda axis: _draw(axis, counted), tall=tall, wide=NARROW)
    return Shown(scrolled(drawn, ENLARGED), "") + caption(t("ui.names_by_year"))


def names_by_year(twin: Twin) -> dict[str, dict[str, int]]:
    """{name: {year: documents}} of the most widespread names; '' is the year of undated texts."""
    index = Index.open(twin)
    graph = Overview(twin, index).graph
    if graph is None:
        return {}
    shared = [
        (number, entity)
        for number, entity in enumerate(graph.entities)
        if entity.documents > 1 and entity.kind != entities.YEAR
        if chinese_font() or entity.name.isascii()
    ]
    shared.sort(key=lambda each: (-each[1].documents, each[1].name))
    held, counted = graph.held.tocsc(), {}
    for number, entity in shared[:_MOST]:
        documents = defaultdict(set)
        for place in held[:, number].indices:
            passage = index.passages[place]
            documents[passage.date[:4]].add(passage.document)
        counted[entity.name] = {year: len(found) for year, found in documents.items()}
    return counted


def columns(years: list[int]) -> tuple[dict[int, int], list[int]]:
    """({year: its column}, columns of the gaps) of sorted years.

    Where nothing was written for more than _GAP years, one column stands for them, so that letters
    of 1664 and a chat of 2021 stand beside each other.
    """
    places, gaps = {years[0]: 0}, []
    for before, year in pairwise(years):
        places[year] = places[before] + (2 if year - before > _GAP else year - before)
        if year - before > _GAP:
            gaps.append(places[before] + 1)
    return places, gaps


def named(places: dict[int, int], gaps: list[int]) -> dict[int, str]:
    """{column: what stands below it}: every gap, and of the years as many as there is room for."""
    ticks = dict.fromkeys(gaps, "…")
    apart = 1 + max(places.values()) // _YEARS
    for year, place in places.items():
        if all(abs(place - other) >= apart for other, text in ticks.items() if text != "…"):
            ticks[place] = str(year)
    return dict(sorted(ticks.items()))


def _draw(axis, counted):
    names = list(counted)
    years = sorted({year for found in counted.values() for year in found} - {""})
    if len(years) < 2:
        sums = [sum(found.values()) for found in counted.values()]
        bars = axis.barh(range(len(names)), sums, color=GREEN)
        axis.set_yticks(range(len(names)), map(short, names))
        axis.bar_label(bars, padding=3)
        sideways(axis, label("ui.names_shared"))
        return
    most = max(max(found.values()) for found in counted.values())
    places, gaps = columns(list(map(int, years)))
    last = max(places.values())
    room = _COLUMNS * NARROW * 72 / (last + 1)  # points
    largest = min(_DOT, (_TOUCHING * room) ** 2)
    dots = [
        (places[int(year)], row, largest * count / most)
        for row, found in enumerate(counted.values())
        for year, count in found.items()
        if year
    ]
    axis.scatter(
        *zip(*[dot[:2] for dot in dots]), s=[dot[2] for dot in dots], color=GREEN, alpha=0.7
    )
    axis.set_yticks(range(len(names)), map(short, names))
    axis.invert_yaxis()
    ticks = named(places, gaps)
    axis.set_xticks(list(ticks), list(ticks.values()))
    axis.tick_params(axis="x", rotation=30)
    axis.tick_params(axis="y", length=0)
    axis.grid(axis="x", alpha=0.2)
    axis.margins(0.06)
    title(axis, label("ui.names_shared"))
