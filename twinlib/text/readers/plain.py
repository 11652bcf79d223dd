"""Plain text: the first line is the title when it is short enough to be one."""

import re

from .names import date_of, title_of

TITLE_WIDTH = 60  # columns; a Chinese character takes two


def read(text, name):
    """Yield the one raw document of a plain text file; `name` is its path inside the source."""
    title, body = split(text)
    yield {"title": title, "text": body, "date": date_of(None, name), "source": name, "author": "", "kind": "post",
           "markdown": False, "draft": "_drafts/" in f"/{name}", "fallback": title_of(name)}


def split(text):
    """(title, the rest); the title is '' when the first line reads like the start of the text itself."""
    first, _, rest = text.strip().partition("\n")
    first = first.strip()
    width = sum(2 if character > "\u2e80" else 1 for character in first)
    ends = re.search(r"[。；，,;:：.]$", first)
    return (first, rest) if rest.strip() and width <= TITLE_WIDTH and not ends else ("", text)
