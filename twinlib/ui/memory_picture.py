"""The picture of notebook 07: the names and topics that most texts share, year by year."""

from collections import defaultdict

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
    first, last = int(years[0]), int(years[-1])
    room = _COLUMNS * NARROW * 72 / (last - first + 1)  # points
    largest = min(_DOT, (_TOUCHING * room) ** 2)
    dots = [
        (int(year), row, largest * count / most)
        for row, found in enumerate(counted.values())
        for year, count in found.items()
        if year
    ]
    axis.scatter(
        *zip(*[dot[:2] for dot in dots]), s=[dot[2] for dot in dots], color=GREEN, alpha=0.7
    )
    axis.set_yticks(range(len(names)), map(short, names))
    axis.invert_yaxis()
    axis.set_xticks(range(first, last + 1, 1 + (last - first) // _YEARS))
    axis.tick_params(axis="x", rotation=30)
    axis.tick_params(axis="y", length=0)
    axis.grid(axis="x", alpha=0.2)
    axis.margins(0.06)
    title(axis, label("ui.names_shared"))
