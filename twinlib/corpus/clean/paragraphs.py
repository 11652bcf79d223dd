"""Lines and paragraphs: spaces normalised, headings of plain text marked.

Between the steps a few private-use characters mark links and addresses; `normalise`
first removes any that the text had.
"""

import re
import unicodedata
from collections.abc import Collection
from typing import NamedTuple

from ...text.script import HAN_TO_TEN, STRAY, WIDE, columns
from .wrapping import HARD_BREAK

# The first two are put around the text of a link, ADDRESS stands for a bare address.
LINK, LINK_END, ADDRESS = "\ue002", "\ue003", "\ue004"
GAP = "…"  # stands where a picture or a quotation was that a line may announce, until the end
NOTHING = re.compile(r"[\s*＊·.…—\-_=~#※☆★◇◆○●]+")
NUMBER_ALONE = re.compile(
    rf"[{HAN_TO_TEN}〇百零\d]{{1,4}}[、.．]?|[（(][{HAN_TO_TEN}\d]{{1,3}}[）)]|[IVX]{{1,5}}\.?"
)
_ANNOUNCES = re.compile(r"[：:—－–]\s*$")
_HEADING_LIMIT = 50  # columns
_NO_ADDRESS = r"\s\u3000-\u303f\u4e00-\u9fff\uff00-\uffef<>\"'）)\]，。"
_ADDRESS_BODY = (
    rf"(?:https?://|www\.)(?=[^{_NO_ADDRESS}.])"
    rf"(?:[^{_NO_ADDRESS}.,;:!?]|[.,;:!?]+(?=[^{_NO_ADDRESS}.,;:!?]))+"
)
_URL = re.compile(rf"[(（\[<]\s{{0,3}}{_ADDRESS_BODY}\s{{0,3}}[)）\]>]|{_ADDRESS_BODY}")
_EMPHASIS = re.compile(r"(\*\*|~~|==)(\S(?:[^\n]{0,300}?\S)?)\1")
_LINK_MARKS = re.compile(f"[{LINK}{LINK_END}{ADDRESS}]")
_ATTRIBUTES = re.compile(r"\s?\{[:#.][^{}\n]{0,200}\}$|\[\^[^\]\s]{1,60}\]")
_INVISIBLE = re.compile(
    rf"[\u200b-\u200f\u2060\ufeff\u00ad\u202a-\u202e\x00-\x08\x0b-\x1f\x7f\ue000-\uf8ff]{STRAY}"
)
_INDENTATION = re.compile(
    r"(?m)^[ \t]*\u3000[\u3000 \t]*|(?<![\u3000 \t\u00a0])[\u3000 \t\u00a0]+$"
)
# Styles of headings; two lines of one style next to each other are a list.
_CHAPTER = re.compile(
    rf"第[{HAN_TO_TEN}百千零〇\d]{{1,5}}([章节回卷部篇讲幕])(?:[\s:：、.．]|$)|"
    r"(chapter|part|section|book|act)\s+(?:\d+|[ivxlc]+|one|two|three|four|five|six|seven|eight|"
    r"nine|ten|eleven|twelve)\b(?!\s+[a-z])",
    re.IGNORECASE,
)
_NUMBERED = (
    re.compile(rf"[{HAN_TO_TEN}]{{1,3}}[、.．]\s*\S"),
    re.compile(rf"[（(][{HAN_TO_TEN}\d]{{1,3}}[)）]\s*\S"),
    re.compile(r"\d{1,2}[.、．]\s*[^\d\s]"),
    re.compile(r"[IVX]{1,5}\.\s+\S"),
    re.compile(r"【[^】]{1,24}】$"),
    re.compile(r"(?=(?:.*[A-Z]){4})[A-Z][A-Z\d '’&,:\-–—/()]{3,}$"),
)
_HEADING_START = re.compile(rf"[第（(【\dA-Z{HAN_TO_TEN}]|chap|part|sect|book|act ")
_NOT_A_HEADING = re.compile(r"[。；，,;:：…!！.]$|。|[\u4e00-\u9fff]；")


class Block(NamedTuple):
    """A paragraph, a heading, a list item or a line of a paragraph.

    `kind` is h1 to h6, text, item, line (a further line of the paragraph before it), or restored
    (the owner wants it back, no rule touches it). `linked` is the share of links in it, 0 to 1.
    """

    kind: str
    text: str
    linked: float = 0.0

    @property
    def is_heading(self) -> bool:
        """Whether it is a heading, of any level."""
        return self.kind[0] == "h"


def normalise(text: str) -> str:
    """A text in NFC with plain spaces; no indents, control, invisible or private-use characters."""
    text = unicodedata.normalize("NFC", text)
    if text.isascii():
        return re.sub(r"[\x00-\x08\x0b-\x1f\x7f]", "", text)
    text = _INDENTATION.sub("", _INVISIBLE.sub("", text))
    text = re.sub(r"[\u00a0\u2000-\u200a\u202f\u3000]", " ", text)
    return text.replace(HARD_BREAK, "\n").replace("\u2029", "\n\n")


def strip_leftovers(text: str, markup: bool = True) -> str:
    """A block without addresses, and without markup that parsers miss next to Chinese marks."""
    if markup:
        text = _ATTRIBUTES.sub("", _EMPHASIS.sub(r"\2", text.replace("\u00a0", " ")))
    if "://" in text or "www." in text:
        text = _URL.sub(ADDRESS, text)
    if ADDRESS in text:
        text = re.sub(rf"[ \t]{{1,3}}{ADDRESS}(?=[\s,.;:!?{WIDE}]|$)", ADDRESS, text)
    if "  " in text or "\t" in text:
        text = re.sub(r"(?<=\S)[ \t]{2,}", " ", text)
    if HARD_BREAK in text or any(sign in text for sign in (" \n", "\n ", "\t")):
        text = re.sub(rf"(?<![ \t])[ \t]*([\n{HARD_BREAK}])[ \t]*", r"\1", text)
    return text.strip("\n" + HARD_BREAK).rstrip()


# Blocks


def without_gaps(blocks: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """The blocks (kind, text) without empty ones and GAPs, but for those that a line announces."""
    kept = []
    for kind, text in blocks:
        if text and (text != GAP or kept and _ANNOUNCES.search(kept[-1][1])):
            kept.append((kind, text))
    return kept


def split_lines(blocks: list[tuple[str, str]]) -> list[Block]:
    """A Block for each line of the blocks (kind, text), with its share of links."""
    line_blocks, headings = [], any(kind[0] == "h" for kind, _ in blocks)
    for kind, text in blocks:
        if kind == "bold":  # a line of bold text is a heading where there are no others
            kind = "text" if headings else "h3"
        linked = LINK in text or ADDRESS in text
        for number, line in enumerate(text.split("\n") if kind in ("text", "item") else [text]):
            plain = _LINK_MARKS.sub("", line) if linked else line
            indented = kind in ("item", "restored") and not number
            plain = plain.rstrip() if indented else plain.strip()
            if plain or linked and ADDRESS in line:
                share = _link_share(line, plain) if linked else 0.0
                line_blocks.append(Block("line" if number else kind, plain, share))
    return _mend_starts(line_blocks)


def _link_share(line, plain):
    inside = sum(len(text) for text in re.findall(f"{LINK}([^{LINK_END}]*){LINK_END}", line))
    addresses = 20 * line.count(ADDRESS)  # an address counts as much as a title
    bare = re.sub(r"^\s*(?:[-*+]|\d+[.)])\s", "", plain)
    return min(1.0, (inside + addresses) / max(1, len(bare) + addresses))


def drop(blocks: list[Block], indices: Collection[int]) -> list[Block]:
    """The blocks without those at `indices`; the lines left of a paragraph are one paragraph."""
    remaining, start_lost = [], False
    for index, block in enumerate(blocks):
        if index in indices:
            start_lost = start_lost or block.kind != "line"
        else:
            starts = block.kind == "line" and start_lost
            remaining.append(block._replace(kind="text") if starts else block)
            start_lost = False
    return _mend_starts(remaining)


def _mend_starts(blocks):
    """A line at the beginning, or after an empty block, starts a paragraph."""
    before = ["", *(block.text for block in blocks)]
    return [
        block._replace(kind="text") if block.kind == "line" and not text else block
        for block, text in zip(blocks, before)
    ]


def mark_headings(blocks: list[Block]) -> list[Block]:
    """Blocks with the headings of plain text as h2, where there are no others.

    Those are '一、…', '第一章 …', 'CHAPTER ONE', 'IN CAPITALS' and underlined lines.
    """
    if any(block.is_heading for block in blocks):
        return blocks
    styles = [_heading_style(block) for block in blocks]
    candidates = [index for index in range(len(blocks) - 1) if _is_heading(blocks, styles, index)]
    repeated = {
        style for style in styles if sum(styles[index] == style for index in candidates) > 1
    }
    headings = {i for i in candidates if styles[i] in repeated or isinstance(styles[i], str)}
    return [
        block._replace(kind="h2") if index in headings else block
        for index, block in enumerate(blocks)
    ]


def _is_heading(blocks, styles, index):
    """Whether a line is a heading: not in a list of its style, and with a longer text below it."""
    block, below = blocks[index], blocks[index + 1]
    if re.fullmatch(r"[=~]{3,}|[-_]{4,}", below.text):
        styles[index] = "underlined" if _is_short(block) else None
        return styles[index] is not None
    neighbours = styles[max(0, index - 1) : index] + styles[index + 1 : index + 2]
    longer = columns(below.text) > columns(block.text) or styles[index + 1] is not None
    return styles[index] is not None and styles[index] not in neighbours and longer


def _heading_style(block):
    """The style of a heading, as a word or as its number in _NUMBERED; None for other text."""
    if not _HEADING_START.match(block.text) or not _is_short(block):
        return None
    chapter = _CHAPTER.match(block.text)
    if chapter:
        return (chapter.group(1) or chapter.group(2)).lower()
    return next((number for number, rule in enumerate(_NUMBERED) if rule.match(block.text)), None)


def _is_short(block):
    """Whether a block is a short line that does not end like a sentence and has none in it."""
    return (
        block.kind in ("text", "line")
        and columns(block.text) <= _HEADING_LIMIT
        and not _NOT_A_HEADING.search(block.text)
    )


def to_text(blocks: list[Block]) -> str:
    """The text of blocks: headings as '## ' lines, a blank line between paragraphs."""
    parts, paragraph = [], ""
    for block in blocks:
        goes_on = block.kind == "line" and paragraph in ("text", "item", "line")
        close = goes_on or block.kind == paragraph == "item"
        gap = "\n" if close else "\n\n" if parts else ""
        parts.append(gap + "## " * block.is_heading + block.text)
        paragraph = paragraph if goes_on else block.kind
    return "".join(parts)
