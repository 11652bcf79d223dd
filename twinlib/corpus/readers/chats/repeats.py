"""Quotations that a reply repeats of an earlier message, whole or shortened, in any wording."""

import re
from collections import deque
from collections.abc import Iterable

from .form_parts import ANY_CLOCK, ANY_DAY

_FEWEST_LETTERS = 8  # that a quotation repeats of an earlier message
_FEWEST_CHINESE = 5
_BEGINNING = 4  # characters by which an earlier message is found
_SHARE_KEPT = 0.3  # of an earlier message that a shortened quotation has at least
_LATEST = 30  # messages of which a reply may repeat even a short one
_MOST_AROUND = 60  # characters beside it: a name, signs, what announces it
# 'On …, Ole <…@…> wrote:', with a day, and a time or an address, as programs for mail write it
ATTRIBUTES = re.compile(
    rf".*<[^<>\s]+@[^<>\s]+>[^\n]{{0,20}}[:：]|"
    rf"(?=.*{ANY_DAY}|.*\d{{4}})(?=.*{ANY_CLOCK})[^\n]{{10,160}}[:：]"
)
_RULE = re.compile(r"[\W_]*")
_CUT = re.compile(r"([^…\n]{4,}?)\s?(?:…|\.\.\.)\W*")
_OPENS_MORE = re.compile(r"(?:[^\W\d]\S* (?:\S+ ){0,5}\S+|[\u4e00-\u9fff]{3,10})(?:…|\.\.\.)")
_CLOSED = re.compile(r"\W*[\])）】>》」』”\"»›⏎|]\s*(?=[^\W_])")
_OPENS = tuple('<[(（【《「『“„"«‹@>|')


class Said:
    """The latest messages of others, found by the first characters of their first lines."""

    def __init__(self, texts: Iterable[str] = (), most: int = 200):
        self._most, self._order, self._by_beginning = most, deque(), {}
        self._latest = deque(maxlen=_LATEST)  # first lines, also those that are short
        for text in texts:
            self.append(text)

    def append(self, text: str) -> None:
        """Add a message, and forget the oldest of more than `most`."""
        first = text.split("\n", 1)[0]
        self._latest.append(first)
        if len(first) < (_FEWEST_CHINESE if first > "\u2e80" else _FEWEST_LETTERS):
            return
        self._order.append(first)
        self._by_beginning.setdefault(first[:_BEGINNING], {})[first] = text
        if len(self._order) > self._most:
            oldest = self._order.popleft()
            if oldest not in self._order:
                self._by_beginning[oldest[:_BEGINNING]].pop(oldest)

    def has(self, line: str) -> bool:
        """Whether a line is the first one of one of the latest messages."""
        return bool(line) and line in self._latest

    def near(self, line: str) -> list[tuple[str, str]]:
        """[(message, its first line)] of those whose beginning stands in a line."""
        known = self._by_beginning
        pieces = [line[n : n + _BEGINNING] for n in range(min(len(line), _MOST_AROUND + 1))]
        return [(t, x) for piece in pieces if piece in known for x, t in known[piece].items()]


def without_repeated(text: str, said: "Said", members: Iterable[str] = ()) -> tuple[str, str]:
    """(own words, the earlier message that a reply repeats), or (text, '').

    The repeated line stands above the own words, under them, or before them on one line, in
    signs. Lines of signs and of the `members`' names beside it go with it.
    """
    lines = text.split("\n")
    if len(lines) == 1 and not text.startswith(_OPENS):
        return text, ""
    # Under the name of whom it answers a quotation may be of any length.
    for at in range(1, min(3, len(lines) - 1)):
        if said.has(lines[at]) and _names(lines[at - 1], members):
            if own := _below(lines, at, members):
                return own, lines[at]
    for at in [n for n in range(len(lines)) if n < 4 or n == len(lines) - 1]:
        cut = _CUT.fullmatch(lines[at]) if len(lines) > 1 else None
        for whole, first in said.near(lines[at]):
            start = lines[at].find(first)
            if start > _MOST_AROUND or start < 0 and not (cut and _ends_in(cut[1], first)):
                continue
            around = len(lines[at]) - len(first) if start >= 0 else 0
            if around <= _MOST_AROUND and len(lines) > 1:
                own = _above(lines[:at], members) if at == len(lines) - 1 else ""
                own = own or _below(lines, at, members)
                if own:
                    return own, whole
            closed = (
                _CLOSED.match(lines[at][start + len(first) :]) if start > 0 and not at else None
            )
            if closed:
                own = lines[at][start + len(first) + closed.end() :]
                return "\n".join([own, *lines[1:]]).strip(), whole
    return text, ""


def _names(line, members):
    """Whether a short line has a member's name in it."""
    line = line.casefold() if len(line) <= _MOST_AROUND else ""
    return any(len(name) > 1 and name.casefold() in line for name in members)


def _ends_in(line, first):
    """Whether a line ends in the beginning of an earlier one."""
    least = max(4, int(len(first) * _SHARE_KEPT))
    return any(
        first.startswith(line[start:])
        for start in range(max(0, min(_MOST_AROUND, len(line) - least)) + 1)
        if len(line) - start >= least
    )


def _above(lines, members):
    lines = lines[:]
    while lines and (
        _RULE.fullmatch(lines[-1])
        or is_name(lines[-1], members)
        or ATTRIBUTES.fullmatch(lines[-1].strip())
    ):
        lines.pop()
    return "\n".join(lines).strip()


def _below(lines, at, members):
    below = at + 1
    while below < len(lines) and (_RULE.fullmatch(lines[below]) or is_name(lines[below], members)):
        below += 1
    if at and below + 1 < len(lines) and _OPENS_MORE.fullmatch(lines[below]):
        below += 1  # 'Click to expand...' under a quotation with a line above it
    kept = [
        line for line in lines[:at] if len(line) > _MOST_AROUND and not ATTRIBUTES.fullmatch(line)
    ]
    return "\n".join(kept + lines[below:]).strip()


def is_name(line: str, members: Iterable[str]) -> bool:
    """Whether a line is nothing but the name of one of the members, with signs around it."""
    bare = _bare(line)
    return bool(bare) and any(bare == _bare(name) for name in members)


def _bare(line):
    return re.sub(r"^[\W_]+|[\W_]+$", "", line).casefold()
