"""Whether lines are a conversation, though whose each of them is can't be told.

Such a text has a time at the same place of its lines, and beside these times a few names that
come back in turn. A diary has times, too, and a timetable has words that come back, but no names
that signs set apart from several words.
"""

import re
from collections import Counter

from .form_parts import ANY_CLOCK, ANY_DAY, LABELS

_TIME = re.compile(
    rf"(?:{ANY_DAY}\W{{0,3}}(?:\s?(?:T|at|um|à|às|a las)\s?)?)?(?<!\d){ANY_CLOCK}"
    rf"(?:\s?[AaPp]\.?[Mm]\b\.?)?(?:,?\s{ANY_DAY})?|(?<!\d)\d{{8}}T\d{{6}}"
)
_HAS_CLOCK = re.compile(r"\d[:.h时時点點]\d\d|\d{8}T\d{6}")
_FEWEST = 6  # times
_AFTER = re.compile(  # a name behind the time, up to signs, a tab, two spaces or the end
    r"(?:[^\w+]|_)*(?:\w{1,12}=\W?)?(?P<name>(?:\+(?=\d))?[^\W_][^\n:：|<>\]\t\[()（）={}»/·*]{0,39}?)"
    r"(?:\s?[:：|<>\]\t\[(（=)）*_\"»·/}]|\s[-–—~]\s|\s{2}|\s\w+=|$)(?P<text>.*)"
)
_SIGNS = re.compile(r"^(?:\d+[.)]\s)?[\W_]*|[\W_]+$")


def may_be(text: str) -> bool:
    """Whether there are enough times; quick."""
    return len(_HAS_CLOCK.findall(text)) >= _FEWEST


def is_conversation(lines: list[str]) -> bool:
    """Whether most times in the lines stand beside one of a few names that take turns."""
    timed = [(n, m) for n, x in enumerate(lines) if _HAS_CLOCK.search(x) and (m := _TIME.search(x))]
    filled = sum(map(bool, lines))
    if len(timed) < _FEWEST or len(timed) * 5 < filled:
        return False
    places = (_behind, _before, _first, *map(_beside, (-1, 1, -2, 2, -3, -4, -5)))
    return any(_take_turns([name(lines, n, match) for n, match in timed]) for name in places)


def _behind(lines, number, match):
    found = _AFTER.match(lines[number][match.end() :])
    return _bare(found["name"]) if found else ""


def _before(lines, number, match):
    return _bare(lines[number][: match.start()])


def _first(lines, number, match):
    name, sign, text = re.sub("[:：>»|]", ":", lines[number][: match.start()], count=1).partition(
        ":"
    )
    return _bare(name) if sign and text.strip() else ""


def _beside(offset):
    """The line above (or below) one that has hardly more than a time, `offset` lines away."""

    def name(lines, number, match):
        at = number + offset
        return _bare(lines[at]) if 0 <= at < len(lines) and _is_alone(lines[number], match) else ""

    return name


def _is_alone(line, match):
    return sum(map(str.isalpha, line[: match.start()] + line[match.end() :])) <= 20


def _bare(name):
    name = _SIGNS.sub("", name)
    return name if len(name) <= 40 and len(name.split()) <= 5 else ""


def _take_turns(names):
    """Whether a few names that come back are most of the names, and change often."""
    count = Counter(name for name in names if name)
    often = {name for name, times in count.items() if times > 1}
    known = [name for name in names if name in often]
    changes = sum(a != b for a, b in zip(known, known[1:]))
    return (
        len(known) >= _FEWEST
        and len(known) * 2 >= len(names)
        and 1 < len(often) <= max(2, len(known) // 3)
        and changes * 4 >= len(known)
        and not {name.casefold() for name in often} & LABELS
        and sum(name != name.lower() or not name.isascii() for name in often) > 1
    )
