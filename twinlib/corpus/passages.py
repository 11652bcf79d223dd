"""Documents to passages: cut at headings, then where the words change; whole documents to train, val or test.

A section that is too long is cut at the ends of paragraphs (of lines, sentences, clauses where there are none) at which
the vocabulary before and after differs most: cosine of tf-idf vectors of word beginnings and Chinese character pairs,
after TextTiling, https://aclanthology.org/J97-1003. Where to cut is one shortest path over all the places.
"""

import hashlib
import math
import re
import statistics
from collections import Counter

from ..files import content_id
from ..text.script import CLAUSE, HAN, SENTENCE, language_of, tokens_estimate, tokens_unrounded
from ..text.sufficiency import HELD_OUT

SHORT_SECTION = 8  # a section under this part of the limit joins its neighbour
# "Mr. Creed" and "W. Batten" are no ends of sentences.
WINDOW = 200  # tokens before and after a place whose words are compared
SMALL = 0.6  # of the limit: shorter passages are avoided
TOPIC, CUT, EVEN = (
    0.4,
    0.1,
    0.1,
)  # what a standard deviation of likeness, one more cut, and uneven sizes weigh
DEPTHS = (
    0.0,
    0.3,
    0.6,
    2.0,
)  # and a cut at the end of a paragraph, of a line, a sentence, a clause
APART = 0.3  # of the limit: what each of two topics must have at least to be parted in a short text
CLEAR = 0.35  # and how much less alike than usual its sides must be there (one essay in twenty is cut wrongly)
FUNCTION = set(
    "的了是不我你他她它们这那在有和与就也都而之其以所于为但很更"
)  # no topic hangs on these
SEPARATORS = ("\n\n", "\n", SENTENCE, CLAUSE)


def passages(document, limit):
    """A document record's passages: dicts {id, document, text, tokens_estimate, title, heading, language, place,
    question, turn}.

    No passage is longer than `limit` tokens (by estimate), unless a single clause is; `place` counts from 0. A document
    with `turns` [{question, answer, …}] gives a passage for each, with the `question` that was asked and `turn` True.
    """
    found = {}
    for heading, question, text in _pieces(
        document, limit
    ):  # the same words twice in a document are one passage
        name = content_id(f"{document['id']} {text}")
        turn = bool(document.get("turns"))
        found.setdefault(
            name,
            {
                "id": name,
                "document": document["id"],
                "text": text,
                "tokens_estimate": tokens_estimate(text),
                "title": "" if turn else document["title"],
                "heading": heading,
                "language": language_of(text),
                "place": len(found),
                "question": question,
                "turn": turn,
            },
        )
    return list(found.values())


def _pieces(document, limit):
    """(heading, question, text) in order; what goes on under a heading or answer is not asked for a second time."""
    if document.get("turns"):
        parts = [("", turn["question"], turn["answer"].strip()) for turn in document["turns"]]
    else:
        parts = [(heading, "", text) for heading, text in _sections(document["text"], limit)]
    return [
        (heading, question, piece) if number == 0 else ("", "", piece)
        for heading, question, text in parts
        if text
        for number, piece in enumerate(_fill(text, limit))
    ]


def _sections(text, limit):
    """(heading, text) in order; a short section joins the one before it, or the first the one after."""
    found = []
    heading, first = "", True
    for block in re.split(r"^## (.*)$", "\n" + text, flags=re.MULTILINE):
        if first and block.strip():
            short = (
                found
                and min(tokens_estimate(block), tokens_estimate(found[-1][1]))
                < limit / SHORT_SECTION
            )
            if short:
                # Where two sections meet, the heading of the longer one says what they are about.
                longer = (
                    heading
                    if tokens_estimate(block) > tokens_estimate(found[-1][1])
                    else found[-1][0]
                )
                found[-1] = (longer, f"{found[-1][1]}\n\n{block.strip()}")
            else:
                found.append((heading, block.strip()))
        elif not first:
            heading = block.strip()
        first = not first
    return found


def _fill(text, limit):
    """Pieces of at most `limit` tokens, cut where topics end; a text that is short enough is one, or two clear ones."""
    units = _gathered(_units(text, limit), limit / 50)
    starts = [
        0,
        *(_path(units, limit) if tokens_estimate(text) > limit else _parting(units, limit)),
        len(units),
    ]
    return ["".join(unit for unit, *_ in units[a:b]).strip() for a, b in zip(starts, starts[1:])]


def _units(text, limit, depth=0, before=0):
    """What may be put together again by mere addition: [(unit, tokens, depth of the place before it)].

    Paragraphs (depth 0); those over the limit in lines, sentences, clauses.
    """
    if depth == len(SEPARATORS) or depth and tokens_unrounded(text) <= limit:
        return [(text, tokens_unrounded(text), before)]
    cuts = [m.end() for m in re.finditer(SEPARATORS[depth], text) if 0 < m.end() < len(text)]
    found = []
    for start, end in zip([0, *cuts], [*cuts, len(text)]):
        found += _units(text[start:end], limit, depth + 1, depth if found else before)
    return found


def _gathered(units, least):
    """Units with crumbs of under `least` tokens added to the one before: there may be thousands of short lines."""
    found = []
    for unit, tokens, depth in units:
        if found and min(tokens, found[-1][1]) < least:
            found[-1] = (found[-1][0] + unit, found[-1][1] + tokens, found[-1][2])
        else:
            found.append((unit, tokens, depth))
    return found


def _path(units, limit):
    """Where to cut, as indexes of units: the cheapest way through, no piece over the limit unless it is one unit."""
    alike = _alike(units)
    middle, spread = statistics.fmean(alike or [0]), statistics.pstdev(alike or [0]) or 1
    price = [
        0,
        *(
            TOPIC * (value - middle) / spread + CUT + DEPTHS[unit[2]]
            for value, unit in zip(alike, units[1:])
        ),
    ]
    best, came = [0.0], [0]
    for end in range(1, len(units) + 1):
        size, options = 0, []
        for start in range(end - 1, -1, -1):
            size += units[start][1]
            if size > limit and start < end - 1:
                break
            small = max(0, 1 - size / (SMALL * limit))
            options.append(
                (best[start] + price[start] + 2 * small**2 + EVEN * (size / limit) ** 2, start)
            )
        cost, start = min(options)
        best.append(cost)
        came.append(start)
    cuts, end = [], came[-1]
    while end:
        cuts.append(end)
        end = came[end]
    return cuts[::-1]


def _parting(units, limit):
    """The one place where a short text goes over to another topic, as [index of the unit], else []."""
    sizes = [tokens for _, tokens, _ in units]
    places = [
        i
        for i in range(1, len(units))
        if min(sum(sizes[:i]), sum(sizes[i:])) >= APART * limit and not units[i][2]
    ]
    if not places or len(units) < 4:
        return []
    alike = _alike(units)
    place = min(places, key=lambda i: alike[i - 1])
    return [place] if alike[place - 1] < CLEAR * statistics.fmean(alike) else []


def _alike(units):
    """How alike the words before and after each unit but the first are: cosine, 0 to 1."""
    counts = [_grams(unit) for unit, *_ in units]
    spread = Counter(gram for found in counts for gram in found)
    weight = {gram: math.log((len(units) + 1) / n) for gram, n in spread.items()}
    sizes = [tokens for _, tokens, _ in units]

    def side(indexes):
        total, size = Counter(), 0
        for i in indexes:
            total.update(counts[i])
            size += sizes[i]
            if size >= WINDOW:
                break
        return {gram: (1 + math.log(n)) * weight[gram] for gram, n in total.items()}

    return [
        _cosine(side(range(i - 1, -1, -1)), side(range(i, len(units))))
        for i in range(1, len(units))
    ]


def _cosine(one, other):
    product = sum(value * other[gram] for gram, value in one.items() if gram in other)
    norms = sum(v * v for v in one.values()) * sum(v * v for v in other.values())
    return product / math.sqrt(norms) if norms else 0.0


def _grams(text):
    """Counter of the beginnings of words and of pairs of Chinese characters, without those that say nothing."""
    found = Counter(word[:6] for word in re.findall(r"[a-z]{4,}", text.lower()))
    for run in re.findall(f"[{HAN}]+", text):
        found.update(pair for pair in map(str.__add__, run, run[1:]) if FUNCTION.isdisjoint(pair))
    return found


def split_of(groups):
    """{document id: train|val|test} for {document id: group id}, by the hash of the group.

    A new document moves no other one, except where fewer than one document would be held out: then the train
    document of the smallest hash is. Under 3 groups everything is train.
    """
    place = {
        group: int(hashlib.sha256(group.encode()).hexdigest()[:8], 16) / 2**32
        for group in set(groups.values())
    }
    ordered = sorted(place, key=place.get)
    found = {
        group: "val"
        if place[group] < HELD_OUT["val"]
        else "test"
        if place[group] < sum(HELD_OUT.values())
        else "train"
        for group in ordered
    }
    if len(ordered) < 3:
        found = dict.fromkeys(ordered, "train")
    else:
        _top_up(found, ordered)
    return {document: found[group] for document, group in groups.items()}


def _top_up(found, ordered):
    for name, reverse in (("test", False), ("val", False), ("train", True)):
        if name not in found.values():
            counts = {split: sum(s == split for s in found.values()) for split in found.values()}
            free = [g for g in (ordered[::-1] if reverse else ordered) if counts[found[g]] > 1]
            found[next((g for g in free if found[g] == "train"), free[0])] = name
