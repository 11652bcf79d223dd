"""Conversations to documents: what the owner said, each time with what the others had said just before.

A document is one month of one conversation; its turns are the owner's bursts: messages one after the other, until
somebody else speaks or six hours pass. Posts (kind 'post') answer nobody and are never joined.
"""

import re
import unicodedata
from collections import Counter, deque
from datetime import datetime, timedelta
from itertools import chain, islice

from .readers.chats.messages import Said, is_short, spoken
from .readers.filename import title_of
from .records import Document, Removed, Turn

GAP = timedelta(hours=6)  # after this a conversation starts anew
QUESTION = 600  # characters of what others said
UNDATED = 500  # messages to a document where no message has a time


def owner(conversation, options):
    """The senders that are the owner: as the export itself says, else by options.me, else by options.author.

    An empty set means that nobody knows.
    """
    marked = {message.sender for message in conversation.messages if message.mine}
    names = {message.sender for message in conversation.messages if message.mine is None}
    chosen = {_plain(name) for name in options.me}
    return (
        marked
        or {name for name in names if _plain(name) in chosen}
        or {
            name
            for name in names
            if _plain(options.author) and _plain(name) == _plain(options.author)
        }
    )


def _plain(name):
    return unicodedata.normalize("NFKC", name).casefold().strip()


def senders(conversation):
    """{sender: messages with words}, the most frequent first: whom the owner can be picked from."""
    messages = [message for message in conversation.messages if spoken(message.text)]
    others = {message.sender for message in messages if message.mine is False} | {
        conversation.title
    }
    others.discard("")  # posts have no sender
    # Some tables name the partner in every row, and mark which rows are the owner's.
    return Counter(
        "me" if message.mine and message.sender in others else message.sender
        for message in messages
    )


def named(conversations, name):
    """Yield (name, conversation): the file's name when it holds one, else 'name#title', each only once."""
    conversations = iter(conversations)
    first = list(islice(conversations, 2))
    seen = Counter()
    for conversation in chain(first, conversations):
        full = f"{name}#{conversation.title}" if len(first) > 1 else name
        seen[full] += 1
        yield (f"{full}-{seen[full]}" if seen[full] > 1 else full), conversation


def documents(conversation, name, options):
    """Yield the raw documents of a conversation, one a month ('name#2023-05'; undated 'name#1' and so on).

    What the owner sent but didn't write, and what is too short, is in `removed`. Nothing is yielded for a
    conversation whose owner is unknown.
    """
    mine = owner(conversation, options)
    months, month = {}, ""
    for said, question, number in _utterances(conversation, mine):
        month = said.time[:7] or (month if "-" in month else str(number // UNDATED + 1))
        months.setdefault(month, []).append((said, question))
    for month, found in months.items():
        yield _document(conversation, f"{name}#{month}", month, found)


def _document(conversation, source, month, found):
    turns = [Turn(question, said.text, said.time) for said, question in found if not said.left]
    dates = [said.time[:10] for said, _ in found if said.time]
    title = f"{conversation.title} {month}".strip() if dates else conversation.title
    return Document.of_turns(
        source,
        turns,
        title=title,
        date=min(dates, default=None),
        kind=conversation.kind,
        fallback_title=title_of(source.partition("#")[0]),
        removed=[Removed("message", said.left, said.text) for said, _ in found if said.left],
    )


def _utterances(conversation, mine):
    """Yield (Said, question, number): the owner's bursts, joined, and apart what is left out (`left` says why)."""
    post, burst, question, heard, begun = conversation.kind == "post", [], "", deque(maxlen=50), 0
    for number, message in enumerate(conversation.messages):
        said = Said(*message)
        said = said._replace(text=spoken(said.text))
        own = said.sender in mine if said.mine is None else said.mine
        if not said.text or not mine:
            continue
        if own and said.left:
            yield said, "", number
            continue
        if burst and (not own or post or said.asked is not None or _apart(burst[-1], said)):
            yield _joined(burst), question, begun
            burst = []
        if not own:
            heard.append(said)
            continue
        if not burst:
            question = (
                "" if post else _end(said.asked) if said.asked is not None else _heard(heard, said)
            )
            begun = number
        heard.clear()
        burst.append(said)
    if burst:
        yield _joined(burst), question, begun


def _joined(burst):
    text = "\n".join(said.text for said in burst)
    return burst[0]._replace(text=text, left="short" if is_short(text) else "")


def _heard(heard, said):
    return _end("\n".join(other.text for other in heard if not _apart(other, said)))


def _end(text):
    """The end of a long text, from a line or a sentence on."""
    text = spoken(text)
    if len(text) <= QUESTION:
        return text
    text = text[-QUESTION:]
    start = re.search(r"\n|(?<=[。！？!?…])|(?<=[.!?])\s+", text[: QUESTION // 2])
    return text[start.end() if start else 0 :].strip()


def _apart(first, second):
    try:
        a, b = (datetime.fromisoformat(said.time).replace(tzinfo=None) for said in (first, second))
    except ValueError:  # one of them has no time
        return False
    return b - a > GAP
