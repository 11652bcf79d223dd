"""What the owner typed to a chat model: ChatGPT's conversations.json, Claude's, and plain lists of messages.

Only the owner's own turns are read; the model's text is nobody's question and no target. One document a conversation.
"""

import re

from ...files import content_id
from ..records import Document, Removed, Turn
from . import dates, json_values
from .chats.messages import is_short, spoken
from .filename import title_of

PASTED = 1500  # characters; nobody types that into a chat by hand
FENCE = re.compile(r"^[ \t]*```.*?(?:^[ \t]*```[ \t]*$|\Z)", re.MULTILINE | re.DOTALL)
CODE = re.compile(
    r"[;{}]\s*$|^\s*(?:def|class|import|from \S+ import|return|const|let|var|function|public|private|#include|SELECT|"
    r"Traceback|File \"|at \S+\(|<\/?\w+|\$ |>>> |#!|//|\d{4}-\d\d-\d\d[T ]\d\d:)|\w+\([^)]*\)\s*$|^\s*\w+ ?[=:]= ?\S|"
    r"^\s*\w+ = \S"
)
ROLES = re.compile(r'"(?:role|author|sender|from)"\s*:\s*(?:\{\s*"role"\s*:\s*)?"(?:user|human)"')


def looks_like(file):
    """Is it JSON of conversations with titles? (Rows of messages without one are a training set: nobody's writing.)"""
    text = json_values.start(file).lstrip()
    if not text.startswith(("[", "{")) or re.search(r"^\{.*\}[ \t]*\n\{", text):
        return False
    if re.search(r'"mapping"\s*:\s*\{', text) or re.search(r'"chat_messages"\s*:\s*\[', text):
        return True
    begun = re.search(r'"messages"\s*:\s*\[', text)
    return bool(
        begun
        and re.search(r'"(?:title|name|create_time|created_at)"\s*:', text[: begun.start()])
        and ROLES.search(text)
    )


def read(file):
    """Yield a raw document for every conversation in which the owner said something; raises Unreadable."""
    export = json_values.load(file.text)
    listed = (
        export.get("conversations")
        if isinstance(export, dict) and "conversations" in export
        else export
    )
    seen = set()
    for conversation in json_values.records(listed if isinstance(listed, list) else [listed]):
        title = json_values.string(conversation.get("title")) or json_values.string(
            conversation.get("name")
        )
        name = _identity(conversation, title)
        found = list(_own(conversation))
        if found and name not in seen:
            seen.add(name)
            yield _document(f"{file.name}#{name}", title, found, _time(conversation))


def _identity(conversation, title):
    keys = ("conversation_id", "uuid", "id")
    name = next(
        (json_values.string(conversation[key]) for key in keys if conversation.get(key)), ""
    )
    return name or content_id(
        f"{title} {_time(conversation)} {[text for text, _ in _own(conversation)][:1]}"
    )


def _document(source, title, found, time):
    turns, removed = [], []
    for text, sent in found:
        for left, piece in _pieces(text):
            if left:
                removed.append(Removed("message", left, piece))
            else:
                turns.append(Turn("", piece, sent or time))
    return Document.of_turns(
        source,
        turns,
        title=" ".join(title.split()),
        date=(time or found[0][1])[:10] or None,
        kind="chat",
        fallback_title=title_of(source.partition("#")[0]),
        removed=removed,
    )


def _pieces(text):
    """(reason or '', text) of what was typed: fenced code and pasted material apart from the words around them."""
    for code in FENCE.findall(text):
        yield "code", code.strip()
    rest = spoken(FENCE.sub("\n", text))
    if rest:
        yield "quote" if _pasted(rest) else "short" if is_short(rest) else "", rest


def _pasted(text):
    if len(text) > PASTED:
        return True
    lines = [line for line in text.split("\n") if line.strip()]
    coded = sum(bool(CODE.search(line)) for line in lines)
    return len(lines) > 2 and coded * 2 > len(lines)


def _own(conversation):
    """(text, ISO time) of the owner's turns, in order."""
    if isinstance(conversation.get("mapping"), dict):
        messages = _branch(
            conversation["mapping"], json_values.string(conversation.get("current_node"))
        )
    else:
        messages = json_values.records(conversation.get("chat_messages")) or json_values.records(
            conversation.get("messages")
        )
    for message in messages:
        author = json_values.inside(message.get("author")).get("role") or message.get("author")
        role = author or message.get("role") or message.get("sender")
        hidden = json_values.inside(message.get("metadata")).get(
            "is_visually_hidden_from_conversation"
        )
        text = _text(message)
        if role in ("user", "human") and text and not hidden:
            yield text, _time(message)


def _branch(mapping, node):
    """The messages from the root to the node that was open last; without one, to the last leaf."""
    if node not in mapping:
        node = next(
            (
                name
                for name in reversed(mapping)
                if not json_values.inside(mapping[name]).get("children")
            ),
            "",
        )
    messages, seen = [], set()
    while node in mapping and node not in seen:
        seen.add(node)
        place = json_values.inside(mapping[node])
        messages.append(json_values.inside(place.get("message")))
        node = json_values.string(place.get("parent"))
    return messages[::-1]


def _text(message):
    """The typed or spoken words of a message; pictures, files and the profile that a model is given are none."""
    content = message.get("content")
    if isinstance(content, dict):
        content = content.get("parts")
    if isinstance(content, list):
        content = "\n".join(
            filter(
                None,
                (
                    part
                    if isinstance(part, str)
                    else json_values.string(json_values.inside(part).get("text"))
                    for part in content
                ),
            )
        )
    return (json_values.string(content) or json_values.string(message.get("text"))).strip()


def _time(item):
    value = item.get("create_time") or item.get("created_at") or item.get("timestamp")
    return next(iter(dates.times([json_values.string(value)])))
