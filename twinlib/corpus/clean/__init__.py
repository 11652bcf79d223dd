"""Cleaning: from a text with markup to the author's own prose.

Left out: pictures, code, tables, quotations, footnotes, markup, the addresses of links, and what
others wrote, by the rules of authorship.py. Kept word for word: the author's sentences, list items,
and headings as '## ' lines. Each part with words in it that is left out is recorded as a Removed,
whose id the owner restores it by.
"""

import re
from typing import NamedTuple

from .. import authorship, authorship_mail, authorship_quotes
from ..records import Removed, RemovedParts
from .footnotes import without_footnotes
from .markup import parse_markdown
from .paragraphs import (
    mark_headings,
    normalise,
    split_lines,
    strip_leftovers,
    to_text,
    without_gaps,
)
from .wrapping import HARD_BREAK, unwrap, unwrap_text


class Cleaned(NamedTuple):
    """The `title` (a level-one heading at the top, or ''), the prose, and what was left out."""

    title: str
    text: str
    removed: list[Removed]


def clean(
    text: str,
    markup: bool = True,
    restored: frozenset = frozenset(),
    author: str = "",
    wrapped: bool = True,
    on_page: bool = True,
) -> Cleaned:
    """The author's prose in a text, which is Markdown if `markup`.

    If `wrapped`, the text may have hard wraps, which are undone where it shows them; without it,
    as in messages, every line break is the author's. What web sites put around a text is looked for
    if `on_page`: a message of a chat stands on none. Parts whose ids are among `restored` stay.
    `author` is the owner's name: their byline is left out, lyrics and quotations signed by them
    are kept.
    """
    removed = RemovedParts(restored)
    text = authorship_mail.without_mails_of_others(text, removed, author, markup)
    if wrapped:
        text = authorship_quotes.without_set_off(text, removed)
    text = normalise(text if markup or not wrapped else unwrap_text(text))
    if markup:
        parsed = parse_markdown(text, removed)
    else:
        parsed = [("text", paragraph) for paragraph in re.split(r"\n[ \t]*\n", text)]
    parsed = [
        (kind, block if kind == "restored" else strip_leftovers(block, markup))
        for kind, block in parsed
    ]
    parsed = without_gaps(parsed)
    if markup and wrapped:
        parsed = unwrap(parsed)
    else:
        parsed = [(kind, block.replace(HARD_BREAK, "\n")) for kind, block in parsed]
    blocks = split_lines(parsed)
    title = blocks.pop(0).text if blocks and blocks[0].kind == "h1" else ""
    blocks = without_footnotes(mark_headings(blocks), removed)
    blocks = authorship.keep_own_blocks(blocks, removed, author, on_page)
    return Cleaned(title, to_text(blocks), removed.parts)
