"""Quotations that fill whole paragraphs: in quotation marks, or in classical Chinese.

Marks are those of English, Chinese, German, French, Spanish and Portuguese. In a quotation of
several paragraphs each may open with a mark, and only the last one is closed. A paragraph with
words before or after the quotation is the author's, whatever it quotes.
"""

import re

from ..text.script import HAN
from . import authorship_patterns as patterns
from .clean.paragraphs import Block
from .listings import is_plain

_CLOSES = {
    "“": "”",
    "„": "“”",
    "«": "»",
    "»": "«",
    "「": "」",
    "『": "』",
    "‘": "’",
    '"': '"',
}
OPENING = frozenset(_CLOSES)
_MOST = 40  # paragraphs of one quotation
_MOST_BROKEN = 12  # of them without a mark of their own: lines cut at one width
# After the last mark: a full stop, and where the words stand.
_SOURCE = re.compile(r"[\s。.,，;；]*(?:[（(\[][^（）()\[\]]{1,80}[)）\]][\s。.]*)?")
_FEWEST_HAN = 30  # of a classical passage
_VERNACULAR = re.compile("[的了是这那们你他她着么吗呢吧很就都没]")
_CLASSICAL = re.compile("[之也其者而以於于曰矣乃焉哉則则皆亦]")


def end_of_quotation(blocks: list[Block], start: int) -> int:
    """The index after the quotation that begins with the block at `start`, or `start` if none.

    Its first block opens with a mark, and nothing of the author's stands before or after it.
    """
    mark = blocks[start].text[:1]
    if not _can_be_quoted(blocks[start]) or mark not in _CLOSES:
        return start
    closed = _closed(blocks[start].text, mark)
    if closed is not None:
        return start + closed
    broken = 0
    for end in range(start + 1, min(start + _MOST, len(blocks))):
        text = blocks[end].text
        if not _can_be_quoted(blocks[end]):
            return start
        continues = text[:1] in (mark, *_CLOSES[mark])
        broken += not continues
        closed = _closed(text if continues else mark + text, mark)
        if closed is not None:
            return end + 1 if closed else start
        if broken > _MOST_BROKEN:
            return start
    return start


def _can_be_quoted(block):
    return is_plain(block) and block.kind in ("text", "line")


def _closed(text, mark):
    """Whether a text that opens with `mark` ends where it is closed; None where it never is."""
    position = _closing(text, mark)
    return bool(_SOURCE.fullmatch(text[position + 1 :])) if position else None


def _closing(text, mark):
    """Where a text that opens with `mark` is closed; 0 where it never is."""
    depth, closing = 1, _CLOSES[mark]
    for position, sign in enumerate(text[1:], 1):
        if sign in closing and not (sign == "’" and text[position + 1 : position + 2].isalpha()):
            depth -= 1
        elif sign == mark:
            depth += 1
        if not depth:
            return position
    return 0


def begins_with_phrase(text: str) -> bool:
    """Whether a text begins with a phrase in marks that is part of its first sentence."""
    position = _closing(text, text[0])
    phrase, after = text[1:position], text[position + 1 : position + 2]
    ends = re.search(r"[。！？!?.…，,—–-]$", phrase) or after in (",", "，", "")
    return bool(phrase) and len(phrase) <= 40 and not ends


def text_before_open(text: str, mark: str) -> str:
    """What stands before the quotation that opens within a text and goes on below it, or ''."""
    closing, start = _CLOSES[mark], text.rfind(mark, 1)
    if mark in closing or start < 0 or any(sign in text[start:] for sign in closing):
        return ""
    return text[:start].rstrip()


def source(text: str) -> str:
    """What stands after the last mark of a quotation: where its words are from."""
    return re.split(f"[{''.join(_CLOSES.values())}]", text)[-1]


def several(blocks: list[Block], start: int, end: int) -> bool:
    """Whether a quotation is of paragraphs that open with a mark each, the last alone closed."""
    return end - start > 1 and all(block.text[:1] in OPENING for block in blocks[start:end])


def is_classical(text: str) -> bool:
    """Whether a text is classical Chinese, without the particles of today's."""
    characters = len(re.findall(f"[{HAN}]", text))
    if characters < _FEWEST_HAN:
        return False
    modern, ancient = (len(found.findall(text)) for found in (_VERNACULAR, _CLASSICAL))
    return modern <= 0.015 * characters and ancient >= 0.04 * characters


def writes_today(blocks: list[Block]) -> bool:
    """Whether most of a text is in today's Chinese."""
    text = "".join(block.text for block in blocks)
    characters = len(re.findall(f"[{HAN}]", text))
    return len(_VERNACULAR.findall(text)) > 0.06 * characters


def copies(text: str) -> bool:
    """Whether the last sentence of a text says that words of somebody else are copied below."""
    sentence = _last_sentence(text)
    return bool(patterns.COPIES.search(sentence)) and not patterns.OWN_COPY.search(sentence)


def names_source(text: str) -> bool:
    """Whether the last sentence of a text names a work or a text, and none of its author's."""
    sentence = _last_sentence(text)
    own = patterns.OWN_WRITING.search(sentence) or patterns.OWN_COPY.search(sentence)
    return bool(patterns.NAMES_WORK.search(sentence)) and not own


def _last_sentence(text):
    """The last sentence of a text, of its last 200 characters, without the words of titles."""
    text = re.sub("《[^》]*》", "《》", text[-200:].rstrip())
    return re.split(r"[。！？!?](?=.)|[.;]\s(?=.)", text)[-1]
