"""Plain text: the first line is the title when it is short enough to be one."""

import re

from ..records import Document
from .encoding import Unreadable
from .filename import date_of, drafted, title_of

TITLE_WIDTH = 60  # columns; a Chinese character takes two


def looks_like(file):
    """Is this text at all?"""
    try:
        return bool(file.text)
    except Unreadable:
        return False


def read(file):
    """Yield the one raw document of a plain text file."""
    title, body = split(file.text)
    yield Document(
        file.name,
        title=title,
        text=body,
        date=date_of(None, file.name),
        draft=drafted(file.name),
        fallback_title=title_of(file.name),
    )


def split(text):
    """(title, the rest); the title is '' when the first line reads like the start of the text itself."""
    first, _, rest = text.strip().partition("\n")
    first = first.strip()
    width = sum(2 if character > "\u2e80" else 1 for character in first)
    ends = re.search(r"[。；，,;:：.]$", first)
    return (first, rest) if rest.strip() and width <= TITLE_WIDTH and not ends else ("", text)
