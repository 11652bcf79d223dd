"""Chats and threads as web pages: of QQ's exporter by its classes, of any other by what comes back.

A page of Telegram is refused by html.py: its JSON says what was forwarded, and so on.
"""

import re
from collections.abc import Iterator
from html import unescape
from typing import NamedTuple

from ....text.inputs.encoding import Unreadable
from ....text.inputs.filename import title_of
from ....text.inputs.input_file import File, Options
from .. import dates, html, page_messages
from ..html_to_markdown import text_of, tree
from . import chat_text, whatsapp
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
_POST = 200  # characters of a paragraph that is no message: what follows are comments on it
_OWN = {"self", "own", "mine", "me", "outgoing", "sent"}  # further classes of the owner's messages


def looks_like(file: File) -> bool:
    """Whether it is a web page of messages that have sender, time and text."""
    if b"<" not in file.head[:1000]:
        return False
    if _layout(file):
        return True
    if not html.looks_like(file) or b"from_name" in file.data or b"js_content" in file.data:
        return False
    return page_messages.may_have(file.data) and bool(_thread(file) or _flat(file))


def _flat(file):
    """(reader, the page as a text file) where its lines are those of a chat; else None.

    As on pages whose messages are no elements of their own: lines of names, times and words.
    """
    try:
        text = page_messages.lines(tree(file.text))
    except Unreadable:
        return None
    flat = File(f"{title_of(file.name) or 'chat'}.md", text.encode())
    return next(((r, flat) for r in (whatsapp, chat_text) if r.looks_like(flat)), None)


def _thread(file):
    """The messages of a page that hold most of its words, or []."""
    try:
        soup = tree(file.text, styled=True)
    except Unreadable:
        return []
    said = page_messages.messages(soup)
    if not said:
        return []
    letters = sum(len(message.text) for message in said)
    for message in said:
        message.tag.extract()
    html.remove_furniture(soup)
    rest = [text_of(tag) for tag in soup.find_all(["p", "article", "blockquote", "pre"])]
    is_post = max(map(len, rest), default=0) > _POST
    return [] if is_post or len(text_of(soup.body or soup)) > letters else said


def _layout(file):
    for layout in _LAYOUTS:
        names = (layout.sender, layout.time, layout.text)
        shown = [len(re.findall(rf'class="{name}"'.encode(), file.data)) for name in names]
        if min(shown) > 1:
            return layout
    return None


def conversations(file: File, options: Options) -> Iterator[Conversation]:
    """Yield the page's one Conversation. Raises Unreadable."""
    layout = _layout(file)
    if not layout and not _thread(file):
        reader, flat = _flat(file)
        file.broken = "…" if _breaks_off(file.text) else ""
        yield from reader.conversations(flat, options)
        return
    found = _by_layout(layout, tree(file.text)) if layout else _found(_thread(file))
    if not found:
        raise Unreadable("index")
    if _breaks_off(file.text):
        file.broken = "…" if file.text.rstrip().endswith("</div>") else found.pop()[1][:200]
    times = dates.times([time for _, _, time, _, _ in found])
    marked = any(own for *_, own, _ in found)
    messages = [
        Message(sender, words, time, bool(own) if marked else None, "", answers or None)
        for (sender, words, _, own, answers), time in zip(found, times)
        if words
    ]
    title = re.search(r"<title[^>]*>([^<]*)", file.text, re.IGNORECASE)
    title = " ".join(unescape(title[1]).split()) if title else ""
    yield Conversation(title or title_of(file.name), messages)


def _breaks_off(text):
    """Whether a page that begins as a whole one has no end."""
    begins = re.search(r"<(?:html|body)\b", text[:5000], re.IGNORECASE)
    return bool(begins) and not re.search(r"</(?:html|body)\s*>", text[-5000:], re.IGNORECASE)


def _found(said):
    return [(m.sender, m.text, m.time, m.own or None, m.answers) for m in said]


def _by_layout(layout, soup):
    """[(sender, text, time, whether it is the owner's, what it answers)] of a known layout."""
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
    return found
