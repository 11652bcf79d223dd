"""Lines and paragraphs: spaces mended, hard wraps undone, the headings of plain text found.

Lines inside a paragraph are joined only where the line was full (a hard wrap); other line breaks are the author's.
Between these steps some private-use characters carry what a later one needs; `normalise` has removed any from the text.
"""

import re
import unicodedata
from typing import NamedTuple

from ...text.script import WIDE, columns, space_between

HARD = "\u2028"  # a line break that the author asked for, until the wraps are undone
LINK, LINK_END, ADDRESS = (
    "\ue002",
    "\ue003",
    "\ue004",
)  # around a linked text; where an address stood
WRAP_LIMIT, WRAP_SLACK = 130, 5  # columns; full lines end within the slack of the widest one
HEADING_WIDTH = 50  # columns
NO_ADDRESS = r"\s\u3000-\u303f\u4e00-\u9fff\uff00-\uffef<>\"'）)\]，。"
ADDRESS_BODY = rf"(?:https?://|www\.)(?=[^{NO_ADDRESS}.])(?:[^{NO_ADDRESS}.,;:!?]|[.,;:!?]+(?=[^{NO_ADDRESS}.,;:!?]))+"
URL = re.compile(rf"[(（\[<]\s{{0,3}}{ADDRESS_BODY}\s{{0,3}}[)）\]>]|{ADDRESS_BODY}")
EMPHASIS = re.compile(r"(\*\*|~~|==)(\S(?:[^\n]{0,300}?\S)?)\1")
MARKS = re.compile(f"[{LINK}{LINK_END}{ADDRESS}]")
ATTRIBUTES = re.compile(r"\s?\{[:#.][^{}\n]{0,200}\}$|\[\^[^\]\s]{1,60}\]")
NUMBER_ALONE = re.compile(
    r"[一二三四五六七八九十〇百零\d]{1,4}[、.．]?|[（(][一二三四五六七八九十\d]{1,3}[）)]|[IVX]{1,5}\.?"
)
TIMED = re.compile(r"[\[(（【]?\d{1,2}:\d{2}(?::\d{2})?\b")
NOTHING = re.compile(r"[\s*＊·.…—\-_=~#※☆★◇◆○●]+")
# Each with the sort of heading it is; two of a sort in neighbouring lines are a list.
CHAPTER = re.compile(
    r"第[一二三四五六七八九十百千零〇\d]{1,5}([章节回卷部篇讲幕])(?:[\s:：、.．]|$)|"
    r"(chapter|part|section|book|act)\s+(?:\d+|[ivxlc]+|one|two|three|four|five|six|seven|eight|nine|"
    r"ten|eleven|twelve)\b(?!\s+[a-z])",
    re.IGNORECASE,
)
NUMBERED = (
    re.compile(r"[一二三四五六七八九十]{1,3}[、.．]\s*\S"),
    re.compile(r"[（(][一二三四五六七八九十\d]{1,3}[)）]\s*\S"),
    re.compile(r"\d{1,2}[.、．]\s*[^\d\s]"),
    re.compile(r"[IVX]{1,5}\.\s+\S"),
    re.compile(r"【[^】]{1,24}】$"),
    re.compile(r"(?=(?:.*[A-Z]){4})[A-Z][A-Z\d '’&,:\-–—/()]{3,}$"),
)

MAY_HEAD = re.compile(r"[第（(【\dA-Z一二三四五六七八九十]|chap|part|sect|book|act ")


class Block(NamedTuple):
    """A paragraph, heading or item. `kind` is h1 to h6, text, line (goes on in the paragraph before), item or kept;
    `linked` is the share of it that is the text of links, 0 to 1."""

    kind: str
    text: str
    linked: float = 0.0


def normalise(text):
    """NFC; every space an ordinary one; invisible, control and private-use characters out; no indentation by '　　'."""
    text = unicodedata.normalize("NFC", text)
    if text.isascii():
        return re.sub(r"[\x00-\x08\x0b-\x1f\x7f]", "", text)
    text = re.sub(
        r"[\u200b-\u200f\u2060\ufeff\u00ad\u202a-\u202e]|[\x00-\x08\x0b-\x1f\x7f\ue000-\uf8ff]",
        "",
        text,
    )
    text = re.sub(
        r"(?m)^[ \t]*\u3000[\u3000 \t]*|(?<![\u3000 \t\u00a0])[\u3000 \t\u00a0]+$", "", text
    )
    return (
        re.sub(r"[\u00a0\u2000-\u200a\u202f\u3000]", " ", text)
        .replace(HARD, "\n")
        .replace("\u2029", "\n\n")
    )


def polish(text, markup=True):
    """One block without addresses and the marks that a Markdown parser leaves behind next to Chinese punctuation."""
    if markup:
        text = ATTRIBUTES.sub("", EMPHASIS.sub(r"\2", text.replace("\u00a0", " ")))
    text = URL.sub(ADDRESS, text)
    text = (
        re.sub(rf"[ \t]{{1,3}}{ADDRESS}(?=[\s,.;:!?{WIDE}]|$)", ADDRESS, text)
        if ADDRESS in text
        else text
    )
    text = re.sub(r"(?<=\S)[ \t]{2,}", " ", text)
    return re.sub(rf"(?<![ \t])[ \t]*([\n{HARD}])[ \t]*", r"\1", text).strip("\n" + HARD).rstrip()


# Wraps


def unwrap(blocks):
    """(kind, text) with the hard wraps joined: by a space, and by nothing between two Chinese characters."""
    pairs = [
        pair
        for kind, text in blocks
        if kind in ("text", "item") and "\n" in text
        for pair in _pairs(text)
    ]
    widest = max((columns(line) for line, _ in pairs), default=0)
    forced = [_full(line, after, widest) for line, after in pairs]
    wrapped = len(pairs) > 1 and 24 <= widest <= WRAP_LIMIT and sum(forced) > len(pairs) * 0.6
    return [
        (kind, _unwrapped(text, widest if wrapped else None) if kind != "kept" else text)
        for kind, text in blocks
    ]


def _pairs(text):
    for run in text.split(HARD):
        lines = [line for line in run.split("\n") if line]
        yield from zip(lines, lines[1:])


def _full(line, after, widest):
    # Two lines that start with a time are two entries, however long they are.
    return (
        not (TIMED.match(line) and TIMED.match(after))
        and columns(line) + columns(_first_word(after)) + 1 >= widest - WRAP_SLACK
    )


def _first_word(line):
    return re.match(rf"[{WIDE}]|[^\s{WIDE}]*", line.strip()).group()


def _unwrapped(text, widest):
    if "\n" not in text and HARD not in text:
        return text
    found = []
    for run in text.split(HARD):
        lines = [line for line in run.split("\n") if line.strip()]
        lines = [line.strip() if found or number else line for number, line in enumerate(lines)]
        joined = lines[:1]
        for line, after in zip(lines, lines[1:]):
            goes_on = (
                widest
                and _full(line, after, widest)
                or _unfinished(line)
                and re.match("[a-z]", after)
            )
            joined.append((space_between(line, after) if goes_on else "\n") + after)
        found.append("".join(joined))
    return "\n".join(run for run in found if run)


def _unfinished(line):
    """Does this stop in the middle of an English sentence? Two words are a command, or a line of a poem."""
    return line.count(" ") > 1 and re.search(r"[A-Za-z,]$", line)


# Paragraphs


def split(blocks):
    """Blocks of (kind, text): every line that the author broke a block of its own, the marks of links counted."""
    found, headings = [], any(kind[0] == "h" for kind, _ in blocks)
    for kind, text in blocks:
        # A line of bold text is a heading where there are no others.
        kind = ("text" if headings else "h3") if kind == "bold" else kind
        marked = LINK in text or ADDRESS in text
        for number, line in enumerate(text.split("\n") if kind in ("text", "item") else [text]):
            plain = MARKS.sub("", line) if marked else line
            plain = plain.strip() if number or kind not in ("item", "kept") else plain.rstrip()
            if plain or marked and ADDRESS in line:
                found.append(
                    Block(
                        "line" if number else kind, plain, _linked(line, plain) if marked else 0.0
                    )
                )
    return _whole(found)


def _linked(line, plain):
    inside = sum(len(text) for text in re.findall(f"{LINK}([^{LINK_END}]*){LINK_END}", line))
    addresses = 20 * line.count(ADDRESS)  # an address is worth as much as a title
    return min(
        1.0,
        (inside + addresses)
        / max(1, len(re.sub(r"^\s*(?:[-*+]|\d+[.)])\s", "", plain)) + addresses),
    )


def without(blocks, gone):
    """Blocks less those at the places in `gone`; what is left of a paragraph stays one."""
    found, lost = [], False
    for place, block in enumerate(blocks):
        if place in gone:
            lost = lost or block.kind != "line"
        else:
            found.append(block._replace(kind="text") if block.kind == "line" and lost else block)
            lost = False
    return _whole(found)


def _whole(blocks):
    before = ["", *(block.text for block in blocks)]
    return [
        block._replace(kind="text") if block.kind == "line" and not text else block
        for block, text in zip(blocks, before)
    ]


def headed(blocks):
    """Blocks in which plain subheadings ('一、…', '第一章 …', 'CHAPTER ONE', underlined lines) are headings."""
    if any(block.kind[0] == "h" for block in blocks):
        return blocks
    sorts = [_sort(block) for block in blocks]
    found = [place for place in range(len(blocks) - 1) if _heads(blocks, sorts, place)]
    often = {sort for sort in sorts if sum(sorts[place] == sort for place in found) > 1}
    found = {place for place in found if sorts[place] in often or isinstance(sorts[place], str)}
    return [
        block._replace(kind="h2") if place in found else block for place, block in enumerate(blocks)
    ]


def _heads(blocks, sorts, place):
    """Is this line a heading? Not in a list of its own sort, and with a longer text after it."""
    if place + 1 < len(blocks) and re.fullmatch(r"[=~]{3,}|[-_]{4,}", blocks[place + 1].text):
        sorts[place] = "underlined" if _short(blocks[place]) else None
        return sorts[place] is not None
    near = sorts[max(0, place - 1) : place] + sorts[place + 1 : place + 2]
    after = blocks[place + 1]
    return (
        sorts[place] is not None
        and sorts[place] not in near
        and (columns(after.text) > columns(blocks[place].text) or sorts[place + 1] is not None)
    )


def _sort(block):
    if not MAY_HEAD.match(block.text) or not _short(block):
        return None
    chapter = CHAPTER.match(block.text)
    if chapter:
        return (chapter.group(1) or chapter.group(2)).lower()
    return next((number for number, rule in enumerate(NUMBERED) if rule.match(block.text)), None)


def _short(block):
    # A heading neither ends like a sentence nor holds one.
    return (
        block.kind in ("text", "line")
        and columns(block.text) <= HEADING_WIDTH
        and not re.search(r"[。；，,;:：…!！.]$|。|[\u4e00-\u9fff]；", block.text)
    )


def joined(blocks):
    """The text of blocks: headings as '## ' lines, a blank line between paragraphs."""
    found, head = [], ""
    for kind, text, _ in blocks:
        close = kind == "line" and head in ("text", "item", "line") or kind == head == "item"
        found.append(
            ("\n" if close else "\n\n" if found else "") + ("## " if kind[0] == "h" else "") + text
        )
        head = head if kind == "line" and close else kind
    return "".join(found)
