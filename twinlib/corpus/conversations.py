"""Conversations to documents: what the owner wrote, each with what the others wrote before it.

A document is one month of one conversation. Its turns are the owner's bursts: messages in a row,
until somebody else writes, a message replies to another, or six hours pass. Posts (kind 'post')
answer nobody and are not joined.
"""

import re
import unicodedata
from collections import Counter, deque
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from functools import lru_cache
from itertools import chain, islice

from ..text.inputs.filename import title_of
from ..text.inputs.input_file import Options
from .readers.chats import others as others_words
from .readers.chats.doubtful import Judge
from .readers.chats.messages import Conversation, is_short, strip_placeholders
from .readers.chats.repeats import Said, without_repeated
from .records import Document, Removed, Turn

_MOST_MEMBERS = 100  # whose names may begin what an app says
_MOST_KEPT = 30_000  # messages
_REMEMBERED = 200  # messages by others that a reply may quote
_GAP = timedelta(hours=6)  # messages further apart do not answer each other
_QUESTION_LIMIT = 600  # characters of what the others wrote
_BEFORE_WORDS = "0123456789 :.,;-/[](){}<>|«»›‹·•—–#*~=_T\t┃│"  # a time and signs
_UNDATED_SIZE = 500  # messages in a document where no message has a time


def owner(conversation: Conversation, options: Options) -> set[str]:
    """The senders that are the owner; empty if that is unknown.

    Those that the export marks, else the names in `options.me`, else `options.author`.
    """
    marked = {message.sender for message in conversation.messages if message.mine}
    names = {message.sender for message in conversation.messages if message.mine is None}
    chosen = {_normalised(name) for name in options.me}
    author = {_normalised(options.author)} - {""}
    return (
        marked
        or {name for name in names if _normalised(name) in chosen}
        or {name for name in names if _normalised(name) in author}
    )


def _normalised(name):
    """A name in one case, without signs at its ends or brackets in it, which some layouts lose."""
    name = re.sub(r"\)(?= \d)", "", unicodedata.normalize("NFKC", name).casefold().strip())
    return re.sub(r"^[\W_]+|[\W_]+$", "", name) or name


def senders(conversation: Conversation) -> Counter[str]:
    """{sender: number of messages with words}, for the owner to pick themselves from."""
    _said.cache_clear()  # of the chat before
    members = _members(conversation)
    shown = [m for m in conversation.messages if m.skip_reason != "platform"]
    messages = [m for m in shown if _shown(m, conversation, members)]
    others = {message.sender for message in messages if message.mine is False}
    others = (others | {conversation.title}) - {""}  # posts have no sender
    # Some tables name the partner in every row, and mark which rows are the owner's.
    return Counter(
        "me" if message.mine and message.sender in others else message.sender
        for message in messages
    )


def named(conversations: Iterable[Conversation], name: str) -> Iterator[tuple[str, Conversation]]:
    """Yield (source, conversation): `name` for a file's only conversation, else 'name#title'.

    A repeated title gets a number: 'name#title-2'.
    """
    conversations = iter(conversations)
    first = list(islice(conversations, 2))
    seen = Counter()
    for conversation in chain(first, conversations):
        source = f"{name}#{conversation.title}" if len(first) > 1 else name
        seen[source] += 1
        yield (f"{source}-{seen[source]}" if seen[source] > 1 else source), conversation


def documents(conversation: Conversation, source: str, options: Options) -> Iterator[Document]:
    """Yield a document for each month ('source#2023-05'; 'source#1', … without dates).

    Its `removed` are messages that the owner sent but didn't write, and those too short to learn
    from. Yields nothing for a conversation whose owner is unknown.
    """
    mine = owner(conversation, options)
    months, month = {}, ""
    for message, question, number in _utterances(conversation, mine) if mine else ():
        month = message.time[:7] or (month if "-" in month else str(number // _UNDATED_SIZE + 1))
        months.setdefault(month, []).append((message, question))
    for month, utterances in months.items():
        yield _document(conversation, f"{source}#{month}", month, utterances)


def _document(conversation, source, month, utterances):
    dates = [message.time[:10] for message, _ in utterances if message.time]
    skipped = [message for message, _ in utterances if message.skip_reason]
    return Document.of_turns(
        source,
        [Turn(question, m.text, m.time) for m, question in utterances if not m.skip_reason],
        title=f"{conversation.title} {month}".strip() if dates else conversation.title,
        date=min(dates, default=None),
        kind=conversation.kind,
        fallback_title=title_of(source.partition("#")[0]),
        removed=[Removed("message", m.skip_reason, m.text) for m in skipped],
    )


def _utterances(conversation, mine):
    """Yield (Message, question, number) of the owner's bursts, each joined to one Message.

    `question` is what it answers, `number` that of its first message. A message with a
    `skip_reason` is yielded by itself.
    """
    is_post, others = conversation.kind == "post", deque(maxlen=50)
    said = Said(most=_REMEMBERED)  # what others wrote, which a reply may repeat
    members = _members(conversation)
    texts = [] if conversation.known else [(m.sender, m.text) for m in conversation.messages]
    alone = sum(message.skip_reason == "platform" for message in conversation.messages) > 1
    judge = Judge(
        members,
        texts,
        conversation.known,
        alone,
        by_words=conversation.any_layout,
        unmarked=conversation.unmarked,
    )
    burst, question, first_number = [], "", 0
    for number, message in enumerate(conversation.messages):
        own = message.sender in mine if message.mine is None else message.mine
        text = _shown(message, conversation, members)
        message = message._replace(text=text)
        if text and not is_post and not message.skip_reason:
            message, pasted = _without_others(message, said if own else None, members)
            if own and pasted:
                yield message._replace(text=pasted, skip_reason="quote"), "", number
            if own and message.text:
                judged = judge.judge(message.text, message.sender)
                if judged.aside:
                    aside = message._replace(text=judged.aside, skip_reason=judged.reason)
                    yield aside, "", number
                message = message._replace(text=judged.own)
        if message.skip_reason == "platform":
            for line in text.split("\n")[:3]:  # whose, can't be told
                said.append(line.lstrip(_BEFORE_WORDS))
        if own and not text and _has_words(conversation.messages[number]):
            by_app = conversation.messages[number]._replace(skip_reason="platform")
            yield by_app, "", number
        if not message.text:
            continue
        if own and message.skip_reason:
            yield message, "", number
            continue
        if message.skip_reason == "platform":  # the program's, under another's name
            continue
        answers = message.reply_to is not None
        if burst and (not own or is_post or answers or _apart(burst[-1], message)):
            yield _joined(burst), question, first_number
            burst = []
        if not own:
            others.append(message)
            said.append(message.text)
            continue
        if not burst:
            question, first_number = "" if is_post else _question(others, message), number
        others.clear()
        burst.append(message)
    if burst:
        yield _joined(burst), question, first_number


def _members(conversation):
    """The names of all who wrote in a conversation, the longest first."""
    names = {message.sender for message in conversation.messages} - {""}
    return tuple(sorted(names, key=lambda name: (-len(name), name))[:_MOST_MEMBERS])


def _shown(message, conversation, members):
    """What people said in a message; '' for what is the app's: placeholders, events, polls."""
    title = None if conversation.kind == "post" else conversation.title
    return _said(message.text, message.sender, title, members)


@lru_cache(maxsize=_MOST_KEPT)  # a chat's messages are counted by sender, then read
def _said(text, sender, title, members):
    text = strip_placeholders(text)
    by_app = title is not None and others_words.is_by_app(text, sender, title, members)
    return "" if by_app else text


def _has_words(message):
    """Whether a message that is not shown is a sentence of the app, and no placeholder."""
    return bool(strip_placeholders(message.text))


def _without_others(message, said, members):
    """(the message in its sender's own words, what they pasted from elsewhere).

    `said` are earlier messages by others: a line that repeats one, above more lines, quotes it.
    """
    text, reply_to = message.text, message.reply_to
    text, quoted = others_words.without_tags(text)
    reply_to = quoted if quoted and reply_to is None else reply_to
    if said:
        own, quoted = without_repeated(text, said, members)
        if quoted and own:
            text, reply_to = own, quoted if reply_to is None else reply_to
    words = others_words.words(text)
    if words.answers and reply_to is None and words.whom != message.sender:
        reply_to = words.answers
    return message._replace(text=words.own, reply_to=reply_to), words.pasted


def _joined(burst):
    text = "\n".join(message.text for message in burst)
    return burst[0]._replace(text=text, skip_reason="short" if is_short(text) else "")


def _question(others, message):
    """What a message answers: the text it replies to, else messages of the six hours before it."""
    if message.reply_to is not None:
        return _end(message.reply_to)
    return _end("\n".join(other.text for other in others if not _apart(other, message)))


def _end(text):
    """The end of a long text, from the start of a line or a sentence."""
    text = strip_placeholders(text)
    if len(text) <= _QUESTION_LIMIT:
        return text
    text = text[-_QUESTION_LIMIT:]
    start = re.search(r"\n|(?<=[。！？!?…])|(?<=[.!?])\s+", text[: _QUESTION_LIMIT // 2])
    return text[start.end() if start else 0 :].strip()


def _apart(first, second):
    """Whether two messages are more than six hours apart; False where one has no time."""
    try:
        a, b = (
            datetime.fromisoformat(message.time).replace(tzinfo=None) for message in (first, second)
        )
    except ValueError:
        return False
    return b - a > _GAP
