"""Hard wraps undone: line breaks that an editor or a mail program made, not the author.

A program that wraps at a width fills every line, so that the next word would not have fitted on
it. A text counts as wrapped only where it shows this as a whole: nearly all lines are filled to one
width (or a few, in a file of many mails), they seldom end where a clause ends, and paragraphs end
in a shorter line. Verse, lists, menus, addresses, dialogue and messages do not, and keep their
lines. Two lines alone never show it.
"""

import math
import re
from collections import Counter
from itertools import accumulate, groupby
from typing import NamedTuple

from ...text.script import HAN, HAN_TO_TEN, WIDE, is_wide, space_between

HARD_BREAK = "\u2028"  # an explicit line break of Markdown, until hard wraps are undone
_NARROWEST, _WIDEST = 24, 130  # columns of a wrapped text
_SHORTEST_CUT = 15  # characters of a line of a program that counts these
_CHANGE = 2  # cost of another width from a paragraph on, in lines that are not full
# A text with fewer pairs of lines must be all of one width, and a wide one: verse is narrower.
_FEW, _WIDE, _SURELY_WIDE = 6, 36, 56
_MANY_FULL, _WIDER_THAN_VERSE = 4, 72  # lines that are all full, however they end; columns
# Shares from which on a text is wrapped: full lines of a part, of the whole text, of one that has
# one width only; lines that end a clause (up to which it is), lines with a clause's end within
# them, last lines that are short.
_FULL, _MOST, _ONE_WIDTH, _CLAUSES, _INNER, _SHORT_LAST = 0.65, 0.5, 0.95, (0.45, 0.7), 0.25, 0.5
# Where paragraphs needn't end in a short line: so many lines, of which so many end a clause, with
# so many clauses' ends in a line; all but the first need all lines full, the second wide ones.
_RUNNING = ((6, 0.2, 2), (3, 0.35, 2), (8, 0.4, 1), (6, 0.6, 2))
# A few lines, all full, with so many clauses' ends within a line and such a width, are prose though
# most of them end a clause.
_DENSE, _WIDER_THAN_LISTS = 2.5, 40
_NEARLY_ALL, _SIGN = 0.9, 3  # share of full lines; columns that rare signs may differ by
_SENTENCE_END = re.compile(r"[.!?。！？…][\"”’」』）)]*$")
_SHORTER = 0.92  # of the width: a shorter line is short
_OFTEN = 2  # ends of clauses within a line, on average, from which on the second share counts
_WIDE_SIGN = re.compile(f"[{WIDE}\u3000]")
_AMBIGUOUS = re.compile("[“”‘’…—·]")  # one column wide, or two in a Chinese font
_CLAUSE_END = re.compile(r"[,.;:!?，。；：！？、…—]['\"”’」』）)\]*_]*$")
_INNER_END = re.compile(rf"[,.;:!?](?=['\"”’)]*\s)|[,;!?](?=[{HAN}])|[，。；：！？、](?=.)")
_CLOSING = re.compile(r"[，。；：！？、…”’」』）》】!?,.;:)]{1,3}$")
_NEW_ITEM = re.compile(
    rf"(?:[-*+•·●○–—>|#]|\d{{1,3}}[.)、．]|[（(][\d{HAN_TO_TEN}a-z]{{1,3}}[)）]|"
    rf"[{HAN_TO_TEN}]{{1,3}}[、.．])(?:\s|(?<=[、．)）]))"
)
_TIMED = re.compile(r"[\[(（【]?\d{1,2}:\d{2}(?::\d{2})?(?!\d)")
_FIRST_WORD = re.compile(
    rf"[“‘「『（《【(\[\"']*(?:[{WIDE}](?=[^\w\s]|[{WIDE}]|$)|[^\s{WIDE}]+|.)"
    r"[，。；：！？、…”’」』）》】]*"
)


_BRACKETS = tuple("\"'()[]")
_CHINESE_ENDS = re.compile(rf"[{WIDE}…—][\"'!?.,;:)\]…—~]*$")  # also with narrow marks
_HYPHEN = re.compile(r"[^\W\d_]-$|\w--$|\w—$")
_DIVIDED = re.compile(r"([^\W\d_]+)-$")  # a word that may go on in the next line
_PROGRAM_DIVIDES = 0.03  # share of lines that end in a hyphen where a program puts them
_NO_HYPHEN = "\b"  # in place of what stands between two lines: the hyphen goes


class _Pair(NamedTuple):
    """Two lines in a row: the widths at which a program would have broken between them.

    `low` to `high` in columns; `characters` is the length of the first line, for programs that
    count these. `line` is its index among all lines.
    """

    line: int
    low: int
    high: int
    characters: int


class _Part(NamedTuple):
    """Pairs of which the `full` break at a `width` in columns; `exact`: at so many characters."""

    pairs: list[_Pair]
    full: set[_Pair]
    width: int
    exact: bool


def unwrap_text(text: str) -> str:
    """A plain text with its hard wraps undone; indented lines begin paragraphs."""
    if "\n" not in text:
        return text
    lines = text.split("\n")
    joins = _joins(lines)
    return _joined(lines, joins) if joins else text


def unwrap(blocks: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """The blocks (kind, text) of a document with their hard wraps undone, as `unwrap_text` does.

    Only blocks of kind text and item have any. A HARD_BREAK becomes a line break.
    """
    lines, starts = [], []
    for kind, text in blocks:
        starts.append(len(lines))
        if kind in ("text", "item") and "\n" in text:
            marker = re.match(r"\s*(?:(?:[-*+]|\d+[.)]) )?", text).group() if kind == "item" else ""
            for run in text.split(HARD_BREAK):
                first, *rest = run.split("\n")
                lines += [first, *(" " * len(marker) + line for line in rest), ""]
    joins = _joins(lines)
    return [
        (kind, _with_joins(text, start, joins) if kind != "restored" else text)
        for (kind, text), start in zip(blocks, starts)
    ]


def _with_joins(text, start, joins):
    """A block's text, whose lines have the indices from `start` on, joined as `joins` says."""
    if "\n" not in text and HARD_BREAK not in text:
        return text
    runs = []
    for run in text.split(HARD_BREAK):
        lines = run.split("\n")
        lines = [line.strip() if number or runs else line for number, line in enumerate(lines)]
        here = {n: joins[start + n] for n in range(len(lines)) if start + n in joins}
        start += len(lines) + 1
        runs.append("\n".join(line for line in _joined(lines, here).split("\n") if line.strip()))
    return "\n".join(run for run in runs if run)


def _joined(lines, joins):
    """The lines as a text; after line n of `joins` {n: space} stands that, else a line break."""
    parts = lines[:1]
    for number, line in enumerate(lines[1:]):
        between = joins.get(number, "\n")
        if number in joins:
            parts[-1], line = parts[-1].rstrip(), line.lstrip()
        if between == _NO_HYPHEN:
            parts[-1], between = parts[-1][:-1], ""
        parts += [between, line]
    return "".join(parts)


def _joins(lines):
    """{index of a line that a program wrapped: what stands between it and the next one}."""
    pairs = _pairs(lines)
    if len(pairs) < 2:
        return {}
    parts = [max(_by_columns(pairs), _by_characters(pairs), key=lambda part: len(part.full))]
    if len(pairs) >= _FEW and len(parts[0].full) < _ONE_WIDTH * len(pairs):
        parts = list(_parts(pairs))
    filled = [part for part in parts if _is_filled(lines, part)]
    full = sum(len(part.full) for part in filled)
    if full < _MOST * len(pairs) or not (_ends_short(lines, filled) or _is_running(lines, filled)):
        return {}
    parts = [part for part in parts if part in filled or _is_likely(part)]
    spaced, joins = _habits(lines), {}
    for part in parts:
        for pair in part.pairs:
            if pair in part.full:
                joins[pair.line] = _between(lines, pair.line, part.exact, spaced)
            elif _is_unfinished(lines, pair.line, part.width):
                joins[pair.line] = " "
            elif _is_nearly_full(lines, pair, part):
                joins[pair.line] = _between(lines, pair.line, part.exact, spaced)
    return joins | dict.fromkeys(_divided(lines, joins), _NO_HYPHEN)


def _divided(lines, joins):
    """The lines that end in a hyphen which a program put into a word.

    Not one of a word that the text has with its hyphen, or whose two parts are words by themselves.
    """
    ends = {n: m[1] for n in joins if (m := _DIVIDED.search(lines[n].rstrip()))}
    if len(ends) < max(2, _PROGRAM_DIVIDES * len(joins)):
        return
    whole = (
        re.sub(r"^\W*\w*", "", line) if n - 1 in ends else line for n, line in enumerate(lines)
    )
    inside = "\n".join(_DIVIDED.sub("", line.rstrip()) for line in whole).lower()
    words = set(re.findall(r"[^\W\d_]+(?:-[^\W\d_]+)*", inside))
    for number, first in ends.items():
        last = re.match(r"\W*([^\W\d_]*)", lines[number + 1])[1]
        first, last = first.lower(), last.lower()
        both = first in words and last in words
        if first + last in words or last and not both and f"{first}-{last}" not in words:
            yield number


def _pairs(lines):
    """The _Pairs of neighbouring lines of a paragraph, without items of lists and times."""
    pairs, margins = [], _margins(lines)
    for number, (line, below) in enumerate(zip(lines, lines[1:])):
        bare, bare_below = line.strip(), below.strip()
        if not bare or not bare_below or _NEW_ITEM.match(bare_below):
            continue
        indented = _indent(below) > margins[number] + 1  # the first line of a paragraph
        if indented and not _NEW_ITEM.match(bare):
            continue
        if _TIMED.match(bare) and _TIMED.match(bare_below):
            continue
        word = _width(_FIRST_WORD.match(bare_below).group())
        gap = 0 if is_wide(bare[-1]) or is_wide(bare_below[0]) else 1
        width = _width(line.expandtabs().rstrip())
        marks = _CLOSING.search(bare)
        hanging = 2 * len(marks.group()) if marks else 0  # they may stand outside the margin
        low = width - len(_AMBIGUOUS.findall(line)) - hanging
        pairs.append(_Pair(number, low, width + gap + word - 1, len(line)))
    return pairs


def _width(text):
    """The columns of a text: a letter with an accent takes one, as on the page."""
    return len(text) if text.isascii() else len(text) + len(_WIDE_SIGN.findall(text))


def _margins(lines):
    """For each line the indent of its paragraphs: the smallest down to the next blank line."""
    margins = []
    for has_text, run in groupby(lines, key=lambda line: bool(line.strip())):
        run = list(run)
        margins += [min(map(_indent, run)) if has_text else 0] * len(run)
    return margins


def _indent(line):
    return _width(line[: len(line) - len(line.lstrip())])


def _by_columns(pairs):
    """The pairs as a _Part of the width at which most of them break."""
    changes = [0] * (_WIDEST + 2)
    for pair in pairs:
        if pair.low <= _WIDEST:
            changes[max(pair.low, 0)] += 1
            changes[min(pair.high, _WIDEST) + 1] -= 1
    counts = list(accumulate(changes[:-1]))
    return _part(pairs, max(range(_NARROWEST, _WIDEST + 1), key=counts.__getitem__))


def _part(pairs, width):
    return _Part(pairs, {pair for pair in pairs if pair.low <= width <= pair.high}, width, False)


def _by_characters(pairs):
    """The pairs as a _Part of a program that cuts every so many characters, even within a word."""
    length, count = Counter(pair.characters for pair in pairs).most_common(1)[0]
    same = {pair for pair in pairs if pair.characters == length}
    width = max(pair.low for pair in same)
    return _Part(pairs, same if count >= _FULL * len(pairs) else set(), width, True)


def _parts(pairs):
    """The pairs cut into _Parts of one width each, as a file of many mails has them.

    The cheapest sequence of widths (Viterbi): a pair that doesn't break at the width of its part
    costs 1, another width after a paragraph _CHANGE.
    """
    import numpy as np

    widths = np.arange(_NARROWEST, _WIDEST + 1)
    lengths = np.arange(_SHORTEST_CUT, _WIDEST + 1)  # of programs that count characters
    states = len(widths) + len(lengths)
    costs, before = np.zeros(states), np.empty((len(pairs), states), np.int16)
    for number, pair in enumerate(pairs):
        best = int(costs.argmin())
        goes_on = number and pairs[number - 1].line + 1 == pair.line
        limit = math.inf if goes_on else costs[best] + _CHANGE
        before[number] = np.where(costs > limit, best, np.arange(states))
        costs = np.minimum(costs, limit)
        misses = (widths < pair.low) | (widths > pair.high), lengths != pair.characters
        costs += np.concatenate(misses)
    chosen = [int(costs.argmin())]
    for number in range(len(pairs) - 1, 0, -1):
        chosen.append(int(before[number, chosen[-1]]))
    runs = groupby(zip(pairs, reversed(chosen)), key=lambda item: item[1])
    for state, run in runs:
        run = [pair for pair, _ in run]
        parts = [_by_columns(run), _by_characters(run)]
        if state >= len(widths):
            same = {pair for pair in run if pair.characters == lengths[state - len(widths)]}
            parts = [_Part(run, same, max((p.low for p in same), default=0), True), *parts]
        yield max(parts, key=lambda part: len(part.full))


def _is_filled(lines, part):
    """Whether nearly all lines of a part are full, and break anywhere in a sentence."""
    few = len(part.pairs) < _FEW
    if len(part.full) < (1 if few else _FULL) * len(part.pairs) or few and part.width < _WIDE:
        return False
    full = [lines[pair.line].strip() for pair in part.full]
    clauses = sum(bool(_CLAUSE_END.search(line)) for line in full)
    inner = [len(_INNER_END.findall(line)) for line in full]
    often = sum(inner) >= _OFTEN * len(full)  # short sentences often end where a line does
    all_full = len(full) == len(part.pairs) >= _MANY_FULL
    if all_full and part.width >= _WIDER_THAN_VERSE and often:
        return True  # though each line ends a clause, as long sentences may
    dense = all_full and part.width >= _WIDER_THAN_LISTS and sum(inner) >= _DENSE * len(full)
    if dense and clauses < len(full):
        return True
    return clauses <= _CLAUSES[often] * len(full) and sum(map(bool, inner)) >= _INNER * len(full)


def _ends_short(lines, parts):
    """Whether paragraphs end in a line that is shorter than the others."""
    last = short = 0
    for part in parts:
        taken = {pair.line for pair in part.full}
        ends = [number + 1 for number in taken if number + 1 not in taken]
        last += len(ends)
        short += sum(_width(lines[number].strip()) < _SHORTER * part.width for number in ends)
    return short >= _SHORT_LAST * last


def _is_running(lines, parts):
    """Whether sentences run on over the ends of lines, which clauses end within."""
    full = [lines[pair.line].strip() for part in parts for pair in part.full]
    clauses = sum(bool(_CLAUSE_END.search(line)) for line in full)
    inner = sum(len(_INNER_END.findall(line)) for line in full)
    all_full = len(full) >= _ONE_WIDTH * sum(len(part.pairs) for part in parts)
    wide = all(part.width >= _SURELY_WIDE for part in parts)
    return any(
        len(full) >= fewest and clauses <= most * len(full) and inner >= often * len(full) and holds
        for (fewest, most, often), holds in zip(
            _RUNNING, (True, all_full and wide, all_full, all_full)
        )
    )


def _is_likely(part):
    """Whether a short part of a text that is wrapped is likely wrapped, too."""
    few = len(part.pairs) < _FEW and part.width >= _SURELY_WIDE
    return few and len(part.full) >= _FULL * len(part.pairs)


def _habits(lines):
    """Whether the text puts a space between Latin and Chinese, after a comma, beside a quote."""
    text = "\n".join(lines)
    if not re.search(f"[{WIDE}]", text):
        return True, True, True
    words = re.findall(rf"[A-Za-z0-9]( ?)(?=[{HAN}])|[{HAN}]( ?)(?=[A-Za-z0-9])", text)
    marks = re.findall(rf"[,.;:!?]( ?)(?=[{HAN}])", text)
    spaced = sum(a == " " or b == " " for a, b in words)
    quotes = re.findall(rf"[\"'()]( ?)(?=[{WIDE}])|[{WIDE}]( ?)(?=[\"'()])", text)
    apart = sum(a == " " or b == " " for a, b in quotes)
    return (
        spaced * 2 >= len(words),
        bool(marks) and sum(map(bool, marks)) * 2 >= len(marks),
        bool(quotes) and apart * 2 >= len(quotes),
    )


def _between(lines, number, exact, spaced):
    """What stands between a line and the next one: a space, or nothing."""
    line, below = lines[number], lines[number + 1]
    if exact:
        return " " * (line[-1:].isspace() or below[:1] == " ")
    line, below = line.rstrip(), below.lstrip()
    if _HYPHEN.search(line) and re.match(r"\w", below):
        return ""
    chinese = _CHINESE_ENDS.search(line)
    if chinese and re.match(r"[,.;:!?)\]]", below):
        return ""
    if chinese and not is_wide(line[-1]) and not is_wide(below[:1]):  # narrow marks in Chinese
        return " " * spaced[2 if below[:1] in _BRACKETS else 1]
    if is_wide(line[-1:]) != is_wide(below[:1]):
        if (below if is_wide(line[-1:]) else line[::-1])[:1] in _BRACKETS:
            return " " * spaced[2]
        narrow = below[:1] if is_wide(line[-1:]) else line[-1:]
        if not re.match(r"[\w,.;:!?]", narrow):  # a dash or another sign
            return ""
        return " " * spaced[bool(re.search("[,.;:!?]$", line))]
    return space_between(line, below)


def _is_nearly_full(lines, pair, part):
    """Whether a line is a sign off the width of a part that is wrapped, and ends no sentence."""
    sure = len(part.full) >= _NEARLY_ALL * len(part.pairs)
    near = pair.low - _SIGN <= part.width <= pair.high + _SIGN
    return sure and near and not _SENTENCE_END.search(lines[pair.line].strip())


def _is_unfinished(lines, number, width):
    """Whether a shorter line of a wrapped text stops within an English sentence."""
    line, below = lines[number].strip(), lines[number + 1].strip()
    stops = _width(line) > width / 2 and re.search(r"[A-Za-z,]$", line)
    return bool(stops and re.match("[a-z]", below))
