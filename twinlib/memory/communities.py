"""What an author keeps coming back to: groups of names and topics that stand together.

The groups are those of Louvain's method (Blondel et al., 2008, https://arxiv.org/abs/0803.0476) on
how often two entities share a sentence or a passage. They are found once, while the graph is made.
A question about the whole corpus is answered with the groups that are in most documents: their
names, their dates, and the author's own sentences.
"""

from collections.abc import Iterable, Sequence
from itertools import combinations
from typing import NamedTuple

from ..files import parsed_lines, write_records
from ..text.script import has_han
from ..twin import Twin
from . import entities
from .graph import Graph
from .index import Index

_LEAST = 2  # documents that have an entity of a group
_MOST = 0.5  # share of the documents from which an entity belongs to no group
_SENTENCE, _PASSAGE = 1.0, 0.3  # weight of a sentence that two entities share, and of a passage
_CROWDED = 12  # entities of a passage; from more only sentences count
_FINE = 1.5  # resolution of Louvain's method; above 1 the groups are smaller
_SHOWN = 4  # names of a group that are told
_LONGEST = 160  # characters of a sentence that is quoted


class Quote(NamedTuple):
    """A sentence of the author's: the position of its passage, and the words as they stand."""

    passage: int
    text: str


class Theme(NamedTuple):
    """What the author keeps coming back to: its first names, documents, years and a sentence."""

    names: list[str]
    documents: int
    years: list[str]
    quote: Quote


def make(twin: Twin, graph: Graph) -> list[list[int]]:
    """Find and write the groups of a graph: the numbers of their entities, the frequent first."""
    import networkx

    most = max(_LEAST, _MOST * len(set(graph.documents)))
    kept = [
        number
        for number, entity in enumerate(graph.entities)
        if _LEAST <= entity.documents <= most and entity.kind != entities.YEAR
    ]
    network = networkx.Graph()
    network.add_nodes_from(kept)
    wanted = set(kept)
    for matrix, weight in ((graph.mentions, _SENTENCE), (graph.held, _PASSAGE)):
        for start, end in zip(matrix.indptr, matrix.indptr[1:]):
            here = sorted(wanted.intersection(matrix.indices[start:end].tolist()))
            if len(here) > _CROWDED:
                continue
            for one, other in combinations(here, 2):
                shared = weight * float(graph.rarity[one] * graph.rarity[other])
                before = network.get_edge_data(one, other, {"weight": 0.0})["weight"]
                network.add_edge(one, other, weight=before + shared)
    groups = (
        networkx.community.louvain_communities(network, seed=1, resolution=_FINE) if kept else []
    )
    ordered = [sorted(group, key=lambda n: (-graph.entities[n].documents, n)) for group in groups]
    ordered.sort(key=lambda group: (-graph.entities[group[0]].documents, group))
    write_records(
        twin.file("memory_communities"),
        [{"entities": [graph.entities[number].key for number in group]} for group in ordered],
    )
    return ordered


def load(twin: Twin, graph: Graph) -> list[list[int]]:
    """The groups in the folder; [] where they are missing or damaged."""
    try:
        text = twin.file("memory_communities").read_text(encoding="utf-8", errors="replace")
        records = [record for _, record in parsed_lines(text)]
        return [[graph.number[key] for key in record["entities"]] for record in records]
    except (OSError, KeyError, TypeError):
        return []


def themes(
    index: Index,
    graph: Graph,
    groups: Sequence[Sequence[int]],
    language: str,
    most: int = 5,
    splits: Iterable[str] | None = None,
) -> list[Theme]:
    """The groups that are in most documents, each with a sentence of a document of its own.

    Names in the `language`, 'zh' or 'en', come first, and groups without any last.
    """
    import numpy

    allowed = index.allowed(splits)
    found = []
    for group in groups:
        held = numpy.asarray(graph.held[:, list(group)].sum(axis=1)).ravel() * allowed
        passages = numpy.flatnonzero(held)
        documents = {graph.documents[place] for place in passages}
        ordered = sorted(group, key=lambda n: _is_chinese(graph, n) != (language == "zh"))
        theirs = _is_chinese(graph, ordered[0]) != (language == "zh")
        if len(documents) >= _LEAST:
            found.append((theirs, len(documents), ordered, passages))
    found.sort(key=lambda each: (each[0], -each[1]))
    told, used = [], set()
    for _, count, group, passages in found:
        quote = _quote(index, graph, group, passages, used)
        if quote is None:
            continue
        used.add(graph.documents[quote.passage])
        years = sorted({index.passages[place].date[:4] for place in passages} - {""})
        names = [graph.entities[number].name for number in group[:_SHOWN]]
        told.append(Theme(names, count, years, quote))
        if len(told) == most:
            break
    return told


def _is_chinese(graph, number):
    return has_han(graph.entities[number].name)


def _quote(index, graph, group, passages, used):
    """The sentence that has most of a group's rare names, in a document that is not used yet."""
    best, chosen = 0.0, None
    weight = {number: graph.rarity[number] * graph.entities[number].documents for number in group}
    for place in passages:
        if graph.documents[place] in used:
            continue
        for text, numbers in graph.told(place, index.passages[place]):
            score = sum(weight.get(number, 0.0) for number in numbers)
            if score > best and 8 <= len(text) <= _LONGEST and text in index.passages[place].text:
                best, chosen = score, Quote(int(place), text)
    return chosen
