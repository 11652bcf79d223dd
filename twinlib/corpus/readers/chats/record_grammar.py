"""Records that come back, and the place in them that holds the name of who speaks.

A log or a conversation of any program repeats one frame: signs, times and words of the program, and
two kinds of slots. One holds ever new text; one holds a few short values that come back in no fixed
order: the speakers. No layout is listed here. Lines are compared by their skeletons (a sign each
for times and numbers), every place of a frame is a slot, and a slot's values tell what it holds.
Prose of one author has places that come back, too (days, refrains, headings, places of a log), but
their values come in a fixed order, are few of many lines, or stand hours and days apart.
"""

import re
from collections import Counter, defaultdict
from functools import lru_cache
from operator import ne
from typing import NamedTuple

from .form_parts import ANY_CLOCK, ANY_DAY, LABELS, NO_SIGN, Head

_FEWEST, _FEWEST_UNTIMED = 6, 8  # records
_FRONT, _END = 90, 90  # characters of a line in which a name is looked for
_LONGEST = 60  # characters of a line that comes back
_MOST_SEGMENTS = 5
_NEAR_LINES = 5  # filled lines between a line that comes back and the name
_TIME, _NUMBER = "\x01", "\x02"
_ANY_TIME = re.compile(
    rf"(?:{ANY_DAY}\W{{0,3}}(?:\s?(?:T|at|um|à|às|a las)\s?)?)?(?<!\d){ANY_CLOCK}"
    rf"(?:\s?[AaPp]\.?[Mm]\b\.?)?(?:,?\s{ANY_DAY})?|(?<!\d)\d{{8}}T\d{{6}}|(?<!\d){ANY_DAY}"
)
_CLOCKS = [
    re.compile(r"(?<!\d)(\d{1,2})[:h时時点點](\d\d)(?!\d)|\d{8}T(\d\d)(\d\d)\d\d"),
    re.compile(r"(?<!\d)(\d{1,2})\.(\d\d)(?!\d)()()"),
]
_A_NUMBER = re.compile(r"(?<![\w+])(?<!\d )#?\d{1,6}(?:[.,]\d+)?(?![\w]| \d)")
_DIGITS, _WORDS = re.compile(r"\d+"), re.compile(r"[^\W\d_]+")
_SEVERAL = re.compile(rf"([{_TIME}{_NUMBER}])\1+")
# What stands between two segments of a line: signs that names don't have, times, two spaces.
_SEPARATOR = re.compile(
    rf"(?:\s*(?:[{_TIME}{_NUMBER}/()]|[^\w\s.'’&@+#()/-]|(?<!\w)[-–—~_]+|[-–—~_]+(?!\w))\s*"
    r"|\s{2,}|\t)+"
)
_EDGES = re.compile(rf"^(?:[^{NO_SIGN}@]|_)+|(?:[^{NO_SIGN}.]|_)+$")
_ENDS = re.compile(r"[。！？!?…;；,，]$|[^\W\d]{2}\.$")


class Slot(NamedTuple):
    """Where names stand: the frame's `key`, and {line number: (name, its start, end)}.

    The end is where the signs behind the name end. `nameless` are lines of the same frame in which
    no name stands.
    """

    key: tuple
    lines: dict[int, tuple[str, int, int]]
    nameless: frozenset[int] = frozenset()


def find(lines: list[str]) -> Slot | None:
    """The slot of the speakers' names, or None where the lines are no conversation."""
    return _find(tuple(lines))


@lru_cache(maxsize=2)  # asked before a file is read, and when it is
def _find(lines):
    if sum(map(bool, lines)) < _FEWEST:
        return None
    masked = [_masked(line) for line in lines]
    found = []
    for key, hits in _slots(lines, masked).items():
        names = take_turns([hit[1] for hit in hits]) if len(hits) >= _FEWEST else ()
        named = {n: (value, start, end) for n, value, start, end in hits if value in names}
        if len(named) >= _FEWEST and _is_framed(key, named, masked):
            empty = {n for n, *_ in hits if n not in named} if key[0] == "line" else set()
            found.append(Slot(key, named, frozenset(empty)))
    found.sort(key=lambda slot: -len(slot.lines))
    fits = (x for x in found if _are_most(lines, masked, x) and _go_on(lines, masked, x))
    slot = next(fits, None)
    if not slot or slot.key[0] != "front" or not slot.key[1].strip():
        return slot
    begins = re.compile(re.escape(slot.key[1].rstrip()))
    empty = {n for n, x in enumerate(masked) if n not in slot.lines and begins.match(_shape(x))}
    return slot._replace(nameless=frozenset(empty))


def heads(lines: list[str]) -> list[Head]:
    """The Heads of messages whose grammar is certain, or [].

    It is where each name stands before its text in the line, or above its text, and every text is
    another.
    """
    slot = find(lines)
    if not slot or slot.key[0] not in ("front", "line"):
        return []
    numbers = sorted(slot.lines)
    last = max(n for n, line in enumerate(lines) if line)
    if last == numbers[-1] and slot.lines[last][2] >= len(lines[last]):
        return []  # the name stands below its text
    inline = [lines[n][slot.lines[n][2] :].strip() for n in numbers]
    inline = _without_times(inline)
    kinds = Counter(_kind(_masked(line)) for line in lines)
    often = {kind for kind, times in kinds.items() if times * 2 > len(numbers)}
    inline = [
        "" if _kind(_masked(text)) in often or not _WORDS.search(text) else text for text in inline
    ]
    if sum(map(bool, inline)) * 2 < len(inline):
        inline = [""] * len(inline)
    found = []
    for number, text, end in zip(numbers, inline, [*numbers[1:], len(lines)]):
        below = range(number + 1, end)
        body = number + 1
        if not text:  # what stands between the name and the text comes back
            said = (n for n in below if lines[n] and _kind(_masked(lines[n])) not in often)
            body = next(said, end)
        time = _ANY_TIME.search(lines[number][:_FRONT])
        found.append(Head(number, slot.lines[number][0], time[0] if time else "", text, body))
    texts = [head.text or " ".join(lines[head.body : head.body + 1]) for head in found]
    full = sum(map(bool, texts)) * 10 >= len(texts) * 9
    return found if full and len(set(texts)) * 10 >= len(texts) * 9 else []


def _without_times(texts):
    """The texts without a time, and what stands before it, that nearly all begin with."""
    cuts = [
        next((x for x in _SEPARATOR.finditer(_masked(text[:_LONGEST])) if _TIME in x[0]), None)
        for text in texts
    ]
    if sum(map(bool, cuts)) * 5 < len(cuts) * 4:
        return texts
    return [text[cut.end() :] if cut else text for text, cut in zip(texts, cuts)]


def take_turns(values: list[str]) -> set[str]:
    """The values of a slot that are names: a few that come back in no fixed order; else none."""
    count = Counter(value for value in values if value)
    often = {value for value, times in count.items() if times > 1}
    known = [value for value in values if value in often]
    if len(known) < _FEWEST or not 1 < len(often) <= max(2, len(known) // 3):
        return set()
    pairs = Counter((a, b) for a, b in zip(known, known[1:]) if a != b)
    changes = pairs.total()
    back = sum(times for (a, b), times in pairs.items() if (b, a) in pairs)
    are = (
        len(known) * 5 >= len(values) * 3
        and changes * 4 >= len(known)
        and back * 2 >= changes
        and max(count.values()) * 5 <= len(known) * 4
        and not {value.casefold() for value in often} & LABELS
        and sum(map(_is_name, often)) > 1
        and not are_letters(known)
    )
    return often if are else set()


def are_letters(names: list[str]) -> bool:
    """Whether two labels of a letter or two alternate: of questions and answers, or a sketch."""
    return all(map(ne, names, names[1:])) and len(set(names)) == 2 and max(map(len, names)) < 3


def _is_name(value):
    told = value != value.lower() or not value.isascii() or value.startswith("@")
    return (told or bool(re.search(r"\d|\w[._]\w", value))) and not _ENDS.search(value)


def _masked(line):
    """The line with every character of a time, and of a number, replaced by one sign."""
    if not _DIGITS.search(line):
        return line
    line = _ANY_TIME.sub(lambda match: _TIME * len(match[0]), line)
    return _A_NUMBER.sub(lambda match: _NUMBER * len(match[0]), line)


def _kind(masked):
    """What lines that differ in their numbers alone have in common."""
    return _SEVERAL.sub(r"\1", masked)


def _shape(masked):
    return _WORDS.sub("a", _DIGITS.sub("0", _kind(masked)))


def _bare(text):
    text = _EDGES.sub("", text)
    return text if 0 < len(text) <= 40 and len(text.split()) <= 5 else ""


def _slots(lines, masked):
    """{frame: [(line number, value, its start, the end of the signs behind it)]}."""
    slots = defaultdict(list)
    filled = [n for n, line in enumerate(lines) if line]
    short = {n: _kind(masked[n]) for n in filled if len(masked[n]) <= _LONGEST}
    bare = {n: _bare(x.replace(_TIME, " ").replace(_NUMBER, " ")) for n, x in short.items()}
    kinds = defaultdict(list)
    for index, n in enumerate(filled):
        _add_places(n, masked[n], slots)
        if n in short:
            kinds[short[n]].append(index)
        if index == 0 or filled[index - 1] != n - 1:
            kinds["\n"].append(index)
    for kind, found in kinds.items():
        for offset in range(-_NEAR_LINES, _NEAR_LINES + 1) if len(found) >= _FEWEST else ():
            if offset == 0 and kind != "\n":
                continue
            at = [filled[x + offset] for x in found if 0 <= x + offset < len(filled)]
            slots["line", kind, offset] = [(n, bare.get(n, ""), 0, len(lines[n])) for n in at]
    return slots


def _add_places(number, line, slots):
    """Add what stands at each place of a line, counted from its front and from its end."""
    front, at = line[:_FRONT], 0
    cuts = list(_SEPARATOR.finditer(front))[: _MOST_SEGMENTS + 1]
    for cut in cuts:
        if cut.start() > at and (value := _bare(front[at : cut.start()])):
            key = ("front", _shape(front[:at]), _shape(cut[0]).strip()[:2])
            slots[key].append((number, value, at, cut.end()))
        at = cut.end()
    for cut in cuts[:3]:
        # Words behind a time, which only a space divides from the text
        words = front[cut.end() :].split(None, 2) if _TIME in cut[0] else []
        for several in range(1, min(3, len(words))):
            value = " ".join(words[:several])
            key = ("words", _shape(front[: cut.end()]), several)
            slots[key].append((number, value, cut.end(), cut.end() + len(value)))
    shift = max(0, len(line) - _END)
    end = line[shift:]
    cuts = list(_SEPARATOR.finditer(end))[-_MOST_SEGMENTS - 1 :]
    for before, after in zip(cuts, [*cuts[1:], None]):
        stop = after.start() if after else len(end)
        behind = _shape(end[stop:])
        if value := _bare(end[before.end() : stop]):
            key = ("end", _shape(before[0]).strip()[-2:], behind)
            slots[key].append((number, value, shift + before.start(), len(line)))
    for cut in cuts[-_MOST_SEGMENTS:]:
        # Words before signs and a time, which only a space divides from the text
        words = end[: cut.start()].rsplit(None, 3) if _TIME in end[cut.start() :] else []
        for several in range(1, min(4, len(words))):
            value = " ".join(words[-several:])
            key = ("tail", several, _shape(end[cut.start() :]))
            slots[key].append((number, value, shift + cut.start() - len(value), len(line)))


def _is_framed(key, named, masked):
    """Whether what stands before a name, or behind one at the end of a line, comes back, too."""
    if key[0] == "line":
        return True
    if key[0] in ("end", "tail"):
        beside = Counter(_kind(masked[n])[-len(x) :] if (x := key[2]) else "" for n in named)
    else:
        before = [masked[n][:start] for n, (_, start, _) in named.items()]
        beside = Counter(_DIGITS.sub("0", _kind(x)) for x in before)
    return sum(times for times in beside.values() if times > 1) * 3 >= len(named) * 2


def _are_most(lines, masked, slot):
    """Whether the records are most of the text: of its paragraphs, or of the lines said once."""
    kinds = Counter(_kind(x) for x in masked)
    fresh = sum(bool(x) and kinds[_kind(x)] * 3 < len(slot.lines) for x in masked)
    paragraphs = sum(bool(x) and not above for above, x in zip(["", *masked], masked))
    timed = len(_clocks(lines, masked)) * 2 > len(slot.lines)
    enough = len(slot.lines) >= (_FEWEST if timed else _FEWEST_UNTIMED)
    return enough and (len(slot.lines) * 3 >= fresh or len(slot.lines) * 2 >= paragraphs)


def _clocks(lines, masked):
    """[(minutes, the day or '')] of the lines that have a clock near their front or end."""
    timed = [x for x, y in zip(lines, masked) if _TIME in y[:_FRONT] or _TIME in y[-_END:]]
    for clock in _CLOCKS:
        found = [(x, match) for x in timed if (match := clock.search(x))]
        if len(found) * 2 >= len(timed):
            break
    clocks = []
    for line, m in found:
        day = re.search(ANY_DAY, line[: m.start()] + " " + line[m.end() :])
        clocks.append((int(m[1] or m[3]) * 60 + int(m[2] or m[4]), day[0] if day else ""))
    return clocks


def _go_on(lines, masked, slot):
    """Whether times, where the records have them, mostly follow one another within an hour.

    Or go on without end, as in a recording. The days with them, if there are, change seldom.
    """
    clocks = _clocks(lines, masked)
    if len(clocks) * 2 < len(slot.lines):
        return True
    steps = [b - a for (a, _), (b, _) in zip(clocks, clocks[1:])]
    near = sum(abs(step) <= 60 for step in steps) * 2 >= len(steps)
    on = sum(step >= 0 for step in steps) * 20 >= len(steps) * 19
    days = [day for _, day in clocks if day]
    changes = sum(a != b for a, b in zip(days, days[1:]))
    return (near or on) and changes * 2 <= max(len(days), 4)
