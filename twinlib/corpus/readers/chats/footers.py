"""Names and times that stand below their messages, moved above them.

So that the forms of text_forms.py, in which they stand above or in front, hold.
"""

import re
from collections import Counter

from .any_order import ANY_CLOCK_NEAR, EDGES, NAME_BEGINS, of_one_order
from .form_parts import ANY_CLOCK, ANY_TIME, DAY_AND_TIME

_MOST_BELOW = 3  # lines of the program's below a name and a time
_FAR = 80  # characters of a line with a name and a time below a text


def with_heads_above(lines: list[str]) -> list[str]:
    """The lines with names and times that stand under each message moved above it.

    They do where the last line of most paragraphs, and of the text, has the time and one of a few
    names, and no first line has.
    """
    if moved := _with_last_columns_above(lines):
        return moved
    filled = [n for n, line in enumerate(lines) if line]
    if filled and _INLINE_FOOTER.fullmatch(lines[filled[-1]]):
        if moved := _with_inline_heads_above(lines):
            return moved
    below = _lines_below_footers(lines, filled)
    if below is None:
        return _with_last_heads_above(lines, filled)
    if _is_footer(lines[filled[0]]):
        return lines
    feet = [n for n in filled if _is_footer(lines[n])]
    names = Counter(_beside_time(lines[n]) for n in feet)
    starts = [0]
    for foot in feet[:-1]:
        start = foot + 1
        while lines[start] in below:
            start += 1
        starts.append(start)
    ended = sum(not lines[start] for start in starts[1:])
    alone = sum(start == foot for start, foot in zip(starts, feet))
    if not (
        len(feet) > 3
        and 1 < len(names) <= len(feet) / 2
        and (ended * 5 >= (len(feet) - 1) * 4 or ended == 0 and not alone)
        and names[""] * 4 < len(feet)
    ):
        return lines
    moved = []
    for start, foot in zip(starts, feet):
        body = lines[start:foot]
        blank = next((n for n, line in enumerate(body) if line), len(body))
        moved += [*body[:blank], lines[foot], *body[blank:]]
    return moved


def _with_last_heads_above(lines, filled):
    """The lines with heads above their texts where the text begins with a text and ends in a head.

    For heads with words of the program's behind their times.
    """
    ends = filled and ANY_CLOCK_NEAR.match(lines[filled[-1]])
    if not ends or ANY_CLOCK_NEAR.match(lines[filled[0]]):
        return lines
    heads_ = [head for head in of_one_order(lines) if not head.text]
    found = [head.line for head in heads_]
    if len({head.name for head in heads_}) < 2 or len(found) < 4:
        return lines
    if found[-1] != filled[-1] or found[0] == filled[0]:
        return lines
    under = sum(any(lines[a + 1 : b]) for a, b in zip([-1, *found], found))
    if under * 5 < len(found) * 4:  # the texts are in the lines
        return lines
    moved, start = [], 0
    for number in found:
        moved += [lines[number], *lines[start:number], ""]
        start = number + 1
    return moved


def _lines_below_footers(lines, filled):
    """The lines that come back below names and times: 'Read', 'Reply'; None without a footer."""
    last = [n for n in filled[-1 - _MOST_BELOW :] if _is_footer(lines[n])]
    if not last:
        return None
    below = {lines[n] for n in filled if n > last[-1]}
    return below if all(lines.count(line) > 3 for line in below) else None


_INLINE_FOOTER = re.compile(
    rf"(?P<text>.*\S)\s[-–—~·•|]\s?(?P<name>{NAME_BEGINS}[^:：|\n]{{0,39}}?)[\s,(\[]+"
    rf"(?P<time>{DAY_AND_TIME}|"
    rf"[^\W\d]{{3,10}}\.? \d{{1,2}}(?: at| um| à| às| a las)? {ANY_CLOCK})[\])]?"
)


def _with_inline_heads_above(lines):
    """The lines with the name and time that a message ends in above it, or []."""
    found = {n: m for n, line in enumerate(lines) if (m := _INLINE_FOOTER.fullmatch(line))}
    names = Counter(match["name"] for match in found.values())
    timed = sum(bool(ANY_CLOCK_NEAR.match(line)) for line in lines)
    several = sum(names[name] for name in names if names[name] > 1)
    if len(found) < 4 or len(found) * 5 < timed * 4 or len(names) < 2 or several * 2 < len(found):
        return []
    moved, block = [], []
    for number, line in enumerate(lines):
        match = found.get(number)
        block.append(match["text"] if match else line)
        if match:
            moved += [f"{match['name']} {match['time']}", *block]
            block = []
    return moved + block


_ROW_SIGN = re.compile(r"\d\s?[|\t;,]")
_ROW_BEGINS = re.compile(rf"{ANY_TIME}\s?(?P<sign>[|\t;,])(?P<text>.*)")


def _with_last_columns_above(lines):
    """The lines of rows of a time, a text and a name with the names before the texts, or [].

    As a query of a database prints them; a text may go on for several lines, so that the name
    stands behind the last of them.
    """
    signed = ((n, line) for n, line in enumerate(lines) if _ROW_SIGN.search(line))
    starts = {n: match for n, line in signed if (match := _ROW_BEGINS.match(line))}
    signs = Counter(match["sign"] for match in starts.values())
    sign = signs.most_common(1)[0][0] if len(starts) > 5 else ""
    starts = [n for n in starts if sign and starts[n]["sign"] == sign]
    moved, names = lines[: starts[0]] if starts else [], Counter()
    for start, end in zip(starts, [*starts[1:], len(lines)]):
        while not lines[end - 1]:
            end -= 1
        time, _, rest = "\n".join(lines[start:end]).partition(sign)
        text, _, name = rest.rpartition(sign)
        name = name.strip()
        is_name = not name or bool(re.fullmatch(NAME_BEGINS + r"[^\n]{0,39}", name))
        names[name if is_name else None] += 1
        moved += [*f"{time}{sign}{name}{sign}{text}".split("\n"), ""]
    several = [name for name, times in names.items() if name and times > 1]
    shared = sum(names[name] for name in [*several, ""])
    if not 1 < len(several) <= len(starts) / 2 or shared * 5 < len(starts) * 4:
        return []
    return moved


_NO_WEEKDAY = re.compile(rf"(?<![^\W_]){DAY_AND_TIME}")


def _is_footer(line):
    match = _NO_WEEKDAY.search(line) if len(line) <= _FAR else None
    return bool(match) and len(_beside_time(line)) <= 40 and match.end() >= len(line) - 2


def _beside_time(line):
    return EDGES.sub("", EDGES.sub("", _NO_WEEKDAY.sub(" ", line, count=1)))
