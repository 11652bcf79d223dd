"""Chats that programs export as web pages, read by the classes of their elements (QQ's exporter).

A page of another program is refused by html.py where it looks like a chat.
"""

import re
from collections.abc import Iterator
from typing import NamedTuple

from .. import dates
from ..encoding import Unreadable
from ..filename import title_of
from ..html_to_markdown import text_of, tree
from ..input_file import File, Options
from .messages import Conversation, Message

_BREAK = "\u2028"  # a <br> in a tree of html_to_markdown


class _Layout(NamedTuple):
    """The classes of a message and, in it, of its sender, time and text; `quoted` is another's."""

    message: str
    sender: str
    time: str
    text: str
    quoted: str


_LAYOUTS = (
    _Layout("message", "message-sender", "message-time", "message-content", "reply-content"),
)
_OWN = {"self", "own", "mine", "me", "outgoing", "sent"}  # further classes of the owner's messages


def looks_like(file: File) -> bool:
    """Whether it is a web page in which two messages or more have sender, time and text."""
    return b"<" in file.head[:1000] and _layout(file) is not None


def _layout(file):
    for layout in _LAYOUTS:
        names = (layout.sender, layout.time, layout.text)
        shown = [len(re.findall(rf'class="{name}"'.encode(), file.data)) for name in names]
        if min(shown) > 1:
            return layout
    return None


def conversations(file: File, options: Options) -> Iterator[Conversation]:
    """Yield the page's one Conversation. Raises Unreadable."""
    layout, soup = _layout(file), tree(file.text)
    found = []
    for tag in soup.find_all(class_=layout.message):
        sender, time, text = (
            tag.find(class_=name) for name in (layout.sender, layout.time, layout.text)
        )
        if sender and text:
            quoted = text.find(class_=layout.quoted)
            answers = text_of(quoted.extract()).partition(":")[2].strip() if quoted else None
            own = True if _OWN & set(tag.get("class")) else None
            lines = text.get_text("").replace(_BREAK, "\n").split("\n")
            words = "\n".join(" ".join(line.split()) for line in lines).strip()
            found.append((text_of(sender), words, text_of(time), own, answers))
    if not found:
        raise Unreadable("index")
    times = dates.times([time for _, _, time, _, _ in found])
    marked = any(own for *_, own, _ in found)
    messages = [
        Message(sender, words, time, bool(own) if marked else None, "", answers or None)
        for (sender, words, _, own, answers), time in zip(found, times)
        if words
    ]
    yield Conversation(text_of(soup.title) or title_of(file.name), messages)
