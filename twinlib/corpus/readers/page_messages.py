"""Messages that come back on a web page: a chat, a thread of a forum, comments; of any program.

Elements of one kind are messages where each has a time and nearly each a sender: the text at one
place in them that is short, and the same few times over. Whatever else comes back in most of them
('Reply', 'Like') is the page's.
"""

import re
from collections import Counter
from itertools import islice
from typing import TYPE_CHECKING, NamedTuple

from ...text.script import columns
from .chats.form_parts import ANY_TIME, DAY, NEAR_DAY, PHONE
from .html_to_markdown import BREAK, tags, text_of

if TYPE_CHECKING:
    from bs4 import BeautifulSoup, Tag

_FEWEST = 3  # messages of a conversation
_CUE = re.compile(rb"\d{1,2}[:.h]\d\d|\d{4}\W\d{1,2}\W\d{1,2}|<time\b| ago\b|\xe5\x89\x8d[<\s]")
_AGO = (
    r"(?:\d{1,3}|an?) ?(?:second|minute|min|hour|day|week|month|year)s? ago|yesterday|today|"
    r"just now|\d{1,3} ?(?:秒|分钟|小时|天|个月|年)前|昨天|今天|前天|刚刚"
)
_TIME = re.compile(rf"{ANY_TIME}|{DAY}|{_AGO}|{NEAR_DAY}(?: {ANY_TIME})?", re.IGNORECASE)
_NAMED = re.compile(
    r"(?:^|[-_])(?:\w*name|author|sender|from|user|nick\w*|who|speaker|by|poster)(?:[-_]|$)", re.I
)
_QUOTING = re.compile(
    r"(?:^|[-_])(?:quoted?|reply(?:-?to|-content|-?msg)?|cite|reference)(?:[-_]|$)", re.I
)
_OWN = {"self", "own", "mine", "me", "outgoing", "sent", "is-me", "right", "from-me", "me-msg"}
_SIDES = _OWN | {"received", "incoming", "other", "others", "theirs", "them", "left", "in", "out"}
_BLOCKS = ("p", "div", "li", "blockquote", "tr", "dd", "dt", "section", "article", "td", "br")
_PHONE = re.compile(PHONE)
_NAME_COLUMNS = 40


class Said(NamedTuple):
    """One message of a page; `own` where the page marks it so, `answers` what it quotes."""

    tag: "Tag"
    sender: str
    time: str
    text: str
    own: bool
    answers: str


def may_have(data: bytes) -> bool:
    """Whether a page has a few times, before it is parsed."""
    found = 0
    for _ in _CUE.finditer(data):
        found += 1
        if found == _FEWEST:
            return True
    return False


def lines(soup: "BeautifulSoup") -> str:
    """The text of a page with a line for each block."""
    return _text(soup.body or soup, set())[0]


def messages(soup: "BeautifulSoup") -> list[Said]:
    """The messages of the page's largest conversation, or []. The tree stays as it is."""
    best, most = [], 0
    groups: dict[tuple, list[Tag]] = {}
    for tag in tags(soup.body or soup):
        if tag.name not in ("span", "a", "time", "p", "td", "b", "i", "em", "strong"):
            groups.setdefault(_kind(tag), []).append(tag)
    for group in groups.values():
        if len(group) >= _FEWEST and len(text := "".join(map(text_of, group))) > most:
            found = _said(group)
            if found:
                best, most = found, len(text)
    return best


def _kind(tag):
    """What elements of one kind have in common; the owner's messages may have a class more."""
    names = [name for name in tag.get("class") or () if name.lower() not in _OWN]
    return tag.name, names[0] if names else "", tag.parent.name if not names else ""


class _Leaf(NamedTuple):
    """A text within a message, and the place of its element there."""

    place: tuple
    tag: "Tag"
    text: str


def _said(group):
    """The messages that the elements of a group are, or []."""
    items = [(tag, _leaves(tag)) for tag in group]
    items = [(tag, leaves) for tag, leaves in items if leaves]
    times = [next((leaf for leaf in leaves if _is_time(leaf.text)), None) for _, leaves in items]
    timed = sum(time is not None for time in times)
    once = sum(sum(_is_time(leaf.text) for leaf in leaves) < 3 for _, leaves in items)
    titled = sum(bool(tag.find(["h1", "h2"])) for tag, _ in items)
    if timed < _FEWEST or timed * 4 < len(items) * 3 or titled * 2 > len(items):
        return []
    if once * 4 < len(items) * 3:
        return []
    place = _place_of_sender(items)
    if place is None:
        return []
    common = Counter(
        leaf.text for _, leaves in items for leaf in {x.text: x for x in leaves}.values()
    )
    said, sender = [], ""
    for (tag, leaves), time in zip(items, times):
        name = next((leaf for leaf in leaves if leaf.place == place), None)
        sender = name.text.strip(" :：") if name else sender
        aside = [time, name] + [x for x in leaves if common[x.text] * 2 > len(items) > _FEWEST]
        gone = {id(leaf.tag) for leaf in aside if leaf}
        text, answers = _text(tag, gone)
        tops = [tag, *tag.find_all(True, recursive=False)]
        own = any(_OWN & {c.lower() for c in top.get("class") or ()} for top in tops)
        said.append(Said(tag, sender, time.text if time else "", text, own, answers))
    said = [message for message in said if message.sender and message.text]
    names = Counter(message.sender for message in said)
    changes = sum(a.sender != b.sender for a, b in zip(said, said[1:]))
    alike = len(said) >= _FEWEST and len(names) > 1 and changes * 4 >= len(said)
    return said if alike else []


def _leaves(tag):
    """The texts within an element: those of elements that have text of their own."""
    leaves, seen = [], set()
    for string in tag.find_all(string=True):
        parent = string.parent
        if string.strip() and id(parent) not in seen:
            seen.add(id(parent))
            leaves.append(_Leaf(_place(parent, tag), parent, text_of(parent)))
        if len(leaves) == 200:
            break
    return leaves


def _place(tag, root):
    """The way from a message to an element in it: names, classes and numbers."""
    way = []
    while tag is not root and tag is not None:
        names = [name for name in tag.get("class") or () if name.lower() not in _SIDES]
        before = (other for other in tag.previous_siblings if getattr(other, "name", None))
        number = sum(1 for _ in islice(before, 20))
        way.append((tag.name, names[0] if names else number))
        tag = tag.parent
    return tuple(way)


def _is_time(text):
    match = _TIME.search(text) if len(text) <= 60 else None
    return bool(match) and len(re.findall(r"[^\W\d_]", text.replace(match[0], ""))) <= 14


def _place_of_sender(items):
    """The place whose texts are names: short, and coming back; the one called so before others."""
    values: dict[tuple, list[str]] = {}
    for _, leaves in items:
        for leaf in leaves:
            short = columns(leaf.text) <= _NAME_COLUMNS and not re.search("[。！？!?]", leaf.text)
            is_name = re.search(r"[^\W\d_]", leaf.text) or _PHONE.fullmatch(leaf.text)
            if short and not _is_time(leaf.text) and is_name:
                values.setdefault(leaf.place, []).append(leaf.text)
    fitting = []
    for order, (place, texts) in enumerate(values.items()):
        count = Counter(texts)
        named = any(_NAMED.search(str(name)) for _, name in place)
        comes_back = len(count) * 2 <= len(texts) + 1 or named and len(texts) >= _FEWEST
        often = len(texts) * (4 if named else 2) >= len(items)
        if 1 < len(count) and comes_back and often:
            fitting.append((not named, order, place))
    return min(fitting)[2] if fitting else None


def _text(tag, gone):
    """(the words of a message, what it quotes), without the elements whose ids are `gone`."""
    parts, quoted = [], []

    def walk(node, into):
        for child in node.children:
            if getattr(child, "name", None) is None:
                into.append(" ".join(child.split("\n")) if child.strip() else " " * bool(child))
            elif id(child) not in gone:
                quotes = child.name == "blockquote" or any(
                    map(_QUOTING.search, child.get("class") or ())
                )
                target = quoted if quotes else into
                target.append("\n" * (child.name in _BLOCKS))
                walk(child, target)
                target.append("\n" * (child.name in _BLOCKS))

    walk(tag, parts)
    return _lines(parts), _lines(quoted)


def _lines(parts):
    lines = "".join(parts).replace(BREAK, "\n").split("\n")
    return "\n".join(line for line in (" ".join(line.split()) for line in lines) if line)
