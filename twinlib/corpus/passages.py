"""Cut documents into passages by topic; assign whole documents to train, val or test.

A section that is too long is cut at ends of paragraphs (of lines, sentences or clauses where there
are none) where the vocabulary changes most: the cosine of tf-idf vectors of word beginnings and
pairs of Chinese characters, after TextTiling, https://aclanthology.org/J97-1003. All cuts of a
section are chosen together, as a shortest path.
"""

import hashlib
import math
import re
import statistics
from collections import Counter
from collections.abc import Mapping
from typing import NamedTuple

from ..files import content_id
from ..text.script import CLAUSE, HAN, SENTENCE, language_of, tokens_estimate, tokens_unrounded
from ..text.sufficiency import HELD_OUT
from .records import Document, Passage

# Chinese characters that say nothing about the topic.
FUNCTION_CHARACTERS = set("的了是不我你他她它们这那在有和与就也都而之其以所于为但很更")

# As fractions of the limit of a passage:
_SHORT_SECTION = 1 / 8  # a shorter section is joined to its neighbour
_SHORT_PASSAGE = 0.6  # a shorter passage has a cost
_TOPIC_SIZE = 0.3  # a short text is cut in two only if each part has at least this

_KEPT_FIRST = ("test", "val", "train")  # of documents of a group that were apart before
_WINDOW = 200  # tokens before and after a cut whose vocabulary is compared
# A short text is cut where the similarity is less than this times its mean: then 1 essay in 20 is
# cut wrongly.
_CLEAR_CHANGE = 0.35

# Costs of a cut: for each standard deviation of similarity above the mean, for the cut itself, and
# by its place: at the end of a paragraph, line, sentence or clause.
_SIMILARITY_COST, _CUT_COST = 0.4, 0.1
_DEPTH_COSTS = (0.0, 0.3, 0.6, 2.0)
# Costs of a passage: for being short, and for being nearly as long as the limit.
_SHORT_COST, _LONG_COST = 2, 0.1
_SEPARATORS = ("\n\n", "\n", SENTENCE, CLAUSE)


class _Unit(NamedTuple):
    """A piece that is not cut further; `depth` is the index of the separator before it."""

    text: str
    tokens: float
    depth: int


def passages(document: Document, limit: int) -> list[Passage]:
    """The passages of a document, of at most `limit` estimated tokens unless one clause is longer.

    A document of turns gives one or more passages for each turn, the first with its question.
    Repeated texts are one passage.
    """
    is_turn = bool(document.turns)
    by_id = {}
    for section, heading, question, text in _pieces(document, limit):
        passage_id = content_id(f"{document.id} {text}")
        passage = Passage(
            id=passage_id,
            document=document.id,
            text=text,
            tokens_estimate=tokens_estimate(text),
            title="" if is_turn else document.title,
            heading=heading,
            section=section,
            language=language_of(text),
            index=len(by_id),
            question=question,
            is_turn=is_turn,
        )
        by_id.setdefault(passage_id, passage)
    return list(by_id.values())


def _pieces(document, limit):
    """[(section, heading, question, text)]; the last two only of a section's or turn's first piece.

    `section` is the heading of the section.
    """
    if document.turns:
        parts = [("", turn.question, turn.answer.strip()) for turn in document.turns]
    else:
        parts = [(heading, "", text) for heading, text in _sections(document.text, limit)]
    return [
        (heading, heading, question, piece) if number == 0 else (heading, "", "", piece)
        for heading, question, text in parts
        if text
        for number, piece in enumerate(pieces(text, limit))
    ]


def _sections(text, limit):
    """[(heading, text)]; a short section joins the one before it, a short first one the next."""
    sections = []
    first, *rest = re.split(r"^## (.*)$", "\n" + text, flags=re.MULTILINE)
    for heading, block in zip(["", *rest[::2]], [first, *rest[1::2]]):
        block, heading = block.strip(), heading.strip()
        if not block:
            continue
        size = tokens_estimate(block)
        size_before = tokens_estimate(sections[-1][1]) if sections else 0
        if sections and min(size, size_before) < limit * _SHORT_SECTION:
            # The joined section gets the heading of the longer one.
            longer = heading if size > size_before else sections[-1][0]
            sections[-1] = (longer, f"{sections[-1][1]}\n\n{block}")
        else:
            sections.append((heading, block))
    return sections


def pieces(text: str, limit: int) -> list[str]:
    """A text cut where its topic changes.

    One of over `limit` estimated tokens is cut into pieces within it, a shorter one in two at most.
    """
    units = _without_tiny_units(_units(text, limit), limit / 50)
    cut = _cheapest_cuts if tokens_estimate(text) > limit else _topic_change
    edges = [0, *cut(units, limit), len(units)]
    return ["".join(unit.text for unit in units[a:b]).strip() for a, b in zip(edges, edges[1:])]


def _units(text, limit, depth=0, depth_before=0):
    """The paragraphs of a text; those over the limit cut into lines, sentences or clauses.

    `depth` is the index of the separator to cut at, `depth_before` that before the whole text.
    """
    tokens = tokens_unrounded(text)
    if depth == len(_SEPARATORS) or depth and tokens <= limit:
        return [_Unit(text, tokens, depth_before)]
    ends = [match.end() for match in re.finditer(_SEPARATORS[depth], text)]
    edges = [0, *(end for end in ends if 0 < end < len(text)), len(text)]
    units = []
    for start, end in zip(edges, edges[1:]):
        units += _units(text[start:end], limit, depth + 1, depth if units else depth_before)
    return units


def _without_tiny_units(units, least):
    """Units with neighbours joined where one has under `least` tokens: fewer cuts to consider."""
    joined = []
    for unit in units:
        last = joined[-1] if joined else unit
        if joined and min(unit.tokens, last.tokens) < least:
            joined[-1] = _Unit(last.text + unit.text, last.tokens + unit.tokens, last.depth)
        else:
            joined.append(unit)
    return joined


def _cheapest_cuts(units, limit):
    """Indexes of the units to cut before, at the lowest total cost (dynamic programming).

    No piece is over the limit, unless it is a single unit.
    """
    similarities = _similarities(units)
    mean, deviation = statistics.fmean(similarities or [0]), statistics.pstdev(similarities or [0])
    cut_costs = [0.0]
    for similarity, unit in zip(similarities, units[1:]):
        change = _SIMILARITY_COST * (similarity - mean) / (deviation or 1)
        cut_costs.append(change + _CUT_COST + _DEPTH_COSTS[unit.depth])
    costs, starts = [0.0], [0]
    for end in range(1, len(units) + 1):
        size, options = 0, []
        for start in range(end - 1, -1, -1):
            size += units[start].tokens
            if size > limit and start < end - 1:
                break
            short = max(0, 1 - size / (_SHORT_PASSAGE * limit))
            cost = costs[start] + cut_costs[start] + _SHORT_COST * short**2
            options.append((cost + _LONG_COST * (size / limit) ** 2, start))
        cost, start = min(options)
        costs.append(cost)
        starts.append(start)
    cuts, end = [], starts[-1]
    while end:
        cuts.append(end)
        end = starts[end]
    return cuts[::-1]


def _topic_change(units, limit):
    """[index of the unit with which a short text changes its topic], or []."""
    sizes = [unit.tokens for unit in units]
    indexes = [
        i
        for i in range(1, len(units))
        if min(sum(sizes[:i]), sum(sizes[i:])) >= _TOPIC_SIZE * limit and not units[i].depth
    ]
    if not indexes or len(units) < 4:
        return []
    similarities = _similarities(units)
    index = min(indexes, key=lambda i: similarities[i - 1])
    clear = similarities[index - 1] < _CLEAR_CHANGE * statistics.fmean(similarities)
    return [index] if clear else []


def _similarities(units):
    """Cosines of the tf-idf vectors of the _WINDOW before and after the start of units[1:]."""
    counts = [_grams(unit.text) for unit in units]
    spread = Counter(gram for count in counts for gram in count)
    weights = {gram: math.log((len(units) + 1) / n) for gram, n in spread.items()}

    def vector(indexes):
        total, size = Counter(), 0
        for i in indexes:
            total.update(counts[i])
            size += units[i].tokens
            if size >= _WINDOW:
                break
        return {gram: (1 + math.log(n)) * weights[gram] for gram, n in total.items()}

    return [
        _cosine(vector(range(i - 1, -1, -1)), vector(range(i, len(units))))
        for i in range(1, len(units))
    ]


def _cosine(first, second):
    product = sum(value * second[gram] for gram, value in first.items() if gram in second)
    norms = sum(v * v for v in first.values()) * sum(v * v for v in second.values())
    return product / math.sqrt(norms) if norms else 0.0


def _grams(text):
    """Counter of beginnings of longer words and of pairs of Chinese characters."""
    grams = Counter(word[:6] for word in re.findall(r"[a-z]{4,}", text.lower()))
    for run in re.findall(f"[{HAN}]+", text):
        pairs = map(str.__add__, run, run[1:])
        grams.update(pair for pair in pairs if FUNCTION_CHARACTERS.isdisjoint(pair))
    return grams


def split_of(
    groups: dict[str, str], lengths: Mapping[str, int] = {}, before: Mapping[str, str] = {}
) -> dict[str, str]:
    """{document id: train|val|test} for {document id: group id}.

    A group stays where its documents were `before`, {document id: split} of the last run: held out
    where one of them was, so that no text that was measured on is trained on later. The others go
    by the hash of the group. So a new document moves no other, except where val or test would be
    empty: then a group is moved there; of less than 10 groups, of which each counts, the shortest
    by `lengths` {document id: length}. With fewer than 3 groups everything is train.
    """
    position = {
        group: int(hashlib.sha256(group.encode()).hexdigest()[:8], 16) / 2**32
        for group in set(groups.values())
    }
    total, known = Counter(), {}
    for document, group in groups.items():
        total[group] += lengths.get(document, 0)
        known.setdefault(group, set()).add(before.get(document))
    ordered = sorted(position, key=position.get)
    if len(ordered) < 3:
        return dict.fromkeys(groups, "train")
    splits = {
        group: next(filter(known[group].__contains__, _KEPT_FIRST), _split_at(position[group]))
        for group in ordered
    }
    if len(ordered) * HELD_OUT["test"] < 1:
        ordered.sort(key=total.get)
    _fill_empty(splits, ordered)
    return {document: splits[group] for document, group in groups.items()}


def _split_at(position):
    if position < HELD_OUT["val"]:
        return "val"
    return "test" if position < sum(HELD_OUT.values()) else "train"


def _fill_empty(splits, ordered):
    """Move a group to each empty split, from a split with several: from train where possible.

    `ordered` are the groups, those that are moved first before the others.
    """
    for name, order in (("test", ordered), ("val", ordered), ("train", ordered[::-1])):
        if name not in splits.values():
            counts = Counter(splits.values())
            free = [group for group in order if counts[splits[group]] > 1]
            train = (group for group in free if splits[group] == "train")
            splits[next(train, free[0])] = name
