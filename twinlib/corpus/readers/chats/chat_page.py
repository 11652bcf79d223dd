"""Chats and threads as web pages.

Those of QQ's exporter, Instagram and Messenger, Google Voice and iMessage's exporter are read by
their classes, any other by what comes back in it.

A page of Telegram is refused by html.py: its JSON says what was forwarded, and so on.
"""

import re
from collections.abc import Iterator
from html import unescape
from typing import NamedTuple

from ....text.inputs.encoding import Unreadable
from ....text.inputs.filename import title_of
from ....text.inputs.input_file import File, Options
from ....text.inputs.json_values import start
from .. import dates, html, page_messages
from ..html_to_markdown import BREAK, text_of, tree
from . import chat_text, untimed, whatsapp
from .message_json import said_by_app, undone
from .messages import Conversation, Message, oldest_first


class _Layout(NamedTuple):
    """The classes of a message and, in it, of its sender, time and text.

    '<q' is an element, '+p' one that follows the message.

    `quoted` is another's, `aside` are the classes of what was passed on; `mark` is in the page.
    `fewest` messages make a page; where `marked`, it always says which are the owner's.
    """

    mark: bytes
    message: str
    sender: str
    time: str
    text: str
    quoted: str = ""
    aside: tuple[str, ...] = ()
    dropped: str = ""  # reactions
    fewest: int = 2
    marked: bool = False


_LAYOUTS = (
    _Layout(
        rb'class="message-sender"',
        "message",
        "message-sender",
        "message-time",
        "message-content",
        "reply-content",
    ),
    _Layout(
        rb'class="message (?:self|other)"',
        "message",
        "sender",
        "time",
        "content",
        "reply-content",
        ("json-card", "forward-card"),
    ),
    _Layout(rb'class="[^"]*_a6-h[ "]', "_a6-g", "_a6-h", "_a6-o", "_a6-p", dropped="_a6-q"),
    _Layout(rb'class="message_header"', "message", "user", "meta", "+p"),  # of Facebook, to 2018
    _Layout(rb'class="hChatLog', "message", "sender", "dt", "<q", fewest=1, marked=True),
    _Layout(
        rb'class="(?:sent|received)[ "]',
        "message",
        "sender",
        "timestamp",
        "message_part",
        aside=("app",),
        fewest=1,
        marked=True,
    ),
)
_CALLS = b'class="haudio"'  # a call, or a voice message, in Google Voice
_SENT = {"MMS Sent", "MMS Received"}  # what Google Voice writes in place of a picture
_TAG = re.compile(r"\s*<[^>]*>\s*")
_MISREAD = re.compile(r"[\u00c2-\u00f4][\u0080-\u00bf]+")
_POST = 200  # characters of a paragraph that is no message: what follows are comments on it
_OWN = {"self", "own", "mine", "me", "outgoing", "sent"}  # further classes of the owner's messages


def looks_like(file: File) -> bool:
    """Whether it is a web page of messages that have sender, time and text."""
    if b"<" not in file.head[:1000]:
        return False
    if _layout(file) or _CALLS in file.data:
        return True
    if (
        not html.looks_like(file)
        or b'<div class="from_name"' in file.data
        or b"js_content" in file.data
    ):
        return False
    if page_messages.may_have(file.data):
        return bool(_thread(file) or _flat(file))
    return untimed.may_be(_TAG.sub("\n", start(file))) and bool(_flat(file))


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
        if len(re.findall(layout.mark, file.data)) < layout.fewest:
            continue
        names = (layout.message, layout.sender, layout.time, layout.text)
        shown = [len(re.findall(_written(name), file.data)) for name in names]
        if min(shown) >= layout.fewest:
            return layout
    return None


def _written(name):
    """A pattern of the tag of an element, or of any with a class."""
    is_tag = name[0] in "<+"
    pattern = f"<{name[1:]}\\b" if is_tag else rf'class="(?:[^"]* )?{name}[ "]'
    return pattern.encode()


def conversations(file: File, options: Options) -> Iterator[Conversation]:
    """Yield the page's one Conversation. Raises Unreadable."""
    layout = _layout(file)
    if not layout and _CALLS in file.data:
        raise Unreadable("index")
    if not layout and not _thread(file):
        reader, flat = _flat(file)
        file.broken = "…" if _breaks_off(file.text) else ""
        yield from reader.conversations(flat, options)
        return
    found = _by_layout(layout, tree(_mended(file.text))) if layout else _found(_thread(file))
    if not found:
        raise Unreadable("index")
    if _breaks_off(file.text):
        file.broken = "…" if file.text.rstrip().endswith("</div>") else found.pop()[1][:200]
    times = dates.times([time for _, _, time, *_ in found])
    marked = bool(layout and layout.marked) or any(own for _, _, _, own, *_ in found)
    messages = [
        Message(sender, words, time, bool(own) if marked else None, reason, answers or None)
        for (sender, words, _, own, answers, reason), time in zip(found, times)
        if words
    ]
    title = re.search(r"<title[^>]*>([^<]*)", file.text, re.IGNORECASE)
    title = " ".join(unescape(title[1]).split()) if title else ""
    yield Conversation(title or title_of(file.name), oldest_first(messages), unmarked=True)


def _mended(text):
    """A page in which UTF-8 that was read as Latin-1 is read as UTF-8, as Instagram writes it."""
    return _MISREAD.sub(lambda match: undone(match[0]), text) if "Ã" in text else text


def _breaks_off(text):
    """Whether a page that begins as a whole one has no end."""
    begins = re.search(r"<(?:html|body)\b", text[:5000], re.IGNORECASE)
    return bool(begins) and not re.search(r"</(?:html|body)\s*>", text[-5000:], re.IGNORECASE)


def _found(said):
    return [(m.sender, m.text, m.time, m.own or None, m.answers, "") for m in said]


def _by_layout(layout, soup):
    """[(sender, text, time, whether it is the owner's, what it answers, why it is left out)]."""
    found = []
    for tag in soup.find_all(class_=layout.message):
        for reply in tag.find_all(class_=layout.message):  # it comes by itself
            reply.extract()
        sender, time = (_first(tag, name) for name in (layout.sender, layout.time))
        parts = _parts(tag, layout)
        if not (sender and parts):
            continue
        head = (_name(sender), re.sub(r"\s*\([^()]*\)$", "", text_of(time)) if time else "")
        own = True if _is_own(tag) or layout.marked and head[0] == "Me" else None
        answers, said = None, []
        for text in parts:
            quoted = layout.quoted and text.find(class_=layout.quoted)
            answers = _answered(quoted.extract()) if quoted else answers
            for name in layout.aside:
                for card in text.find_all(class_=name):
                    found.append((head[0], _words(card.extract()), head[1], own, None, "repost"))
            for reactions in text.find_all(class_=layout.dropped) if layout.dropped else ():
                reactions.extract()
            said.append(_words(_last_version(text)))
        words = "\n".join(filter(None, said))
        reason = "platform" if layout.dropped and said_by_app(words) else ""
        reason = "platform" if layout.marked and words in _SENT else reason
        found.append((head[0], words, head[1], own, answers, reason))
    return found


def _first(tag, name):
    if name[0] == "+":
        return tag.find_next_sibling()
    return tag.find(name[1:]) if name[0] == "<" else tag.find(class_=name)


def _parts(tag, layout):
    """The elements with a message's text: the first, or all where the layout has parts."""
    if layout.text == "message_part":
        return tag.find_all(class_=layout.text)
    text = _first(tag, layout.text)
    return [text] if text else []


def _name(sender):
    """A sender's name, or the number that a link without a text calls."""
    link = sender.find("a") if not text_of(sender) else None
    return text_of(sender) or (link or {}).get("href", "").removeprefix("tel:")


def _is_own(tag):
    """Whether a message, or an element right in it, has a class of the owner's messages."""
    tags = [tag, *tag.find_all(True, recursive=False)]
    return any(_OWN & set(each.get("class") or ()) for each in tags)


def _last_version(text):
    """A text without its earlier versions, which iMessage's exporter writes in a table."""
    for edited in text.find_all(class_="edited"):
        for part in edited.find_all(["tbody", "span"]):
            part.extract()
    return text


def _answered(quoted):
    """What was said in a quotation, without who said it."""
    said = quoted.find(class_="reply-content-text")
    return text_of(said) if said else text_of(quoted).partition(":")[2].strip()


def _words(tag):
    """The text of an element, with the line breaks that it has."""
    for block in tag.find_all(["div", "li", "p"]):
        block.insert_before(BREAK)
    lines = tag.get_text("").replace(BREAK, "\n").split("\n")
    lines = [" ".join(line.split()) for line in lines]
    return re.sub(r"\n\n+", "\n", "\n".join(lines)).strip()
