"""Markup to the author's own prose.

What goes: pictures, code, tables, quotations, footnotes, markup, addresses of links, and whatever whose.own finds not
to be the author's. What stays, word for word: the author's sentences, list items, and headings as '## ' lines. Every
part with words in it that is left out comes back as a Part, and stays in when its id is among `restored`.
"""

import re
from typing import NamedTuple

from .. import authorship
from ..removed import Parts
from . import paragraphs
from .blocks import blocks as markdown
from .footnotes import without_notes
from .paragraphs import normalise


class Cleaned(NamedTuple):
    """`title` is a level-one heading at the top ('' when none), `text` the prose, `parts` what was left out."""

    title: str
    text: str
    parts: list


def clean(text, markup=True, restored=frozenset(), author=""):
    """The prose of a text; `markup` says that it is Markdown. `restored` are ids of parts to keep.

    `author` is the owner's name: a byline of theirs goes, and their own lyrics stay.
    """
    parts = Parts(restored)
    text = normalise(text)
    found = (
        markdown(text, parts)
        if markup
        else [("text", part) for part in re.split(r"\n[ \t]*\n", text)]
    )
    found = [
        (kind, paragraphs.polish(block, markup) if kind != "kept" else block)
        for kind, block in found
    ]
    found = paragraphs.split(paragraphs.unwrap([(kind, block) for kind, block in found if block]))
    title = found.pop(0).text if found and found[0].kind == "h1" else ""
    found = authorship.own(without_notes(paragraphs.headed(found), parts), parts, author)
    return Cleaned(title, paragraphs.joined(found), parts.found)
