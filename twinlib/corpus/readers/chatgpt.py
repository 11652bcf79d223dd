"""What the owner typed to a chat model: conversations.json of ChatGPT or Claude, or similar JSON.

Only the owner's turns are read: what the model wrote is neither used as a question nor learnt.
Each conversation becomes one document.
"""

import re
from collections.abc import Iterator

from ...files import content_id
from ...text.inputs.filename import title_of
from ...text.inputs.input_file import File
from ...text.inputs.json_values import as_dict, as_dicts, as_str, load_file, start
from ..records import Document, Removed, Turn
from . import dates
from .chats.messages import is_short, strip_placeholders

_PASTED = 1500  # characters; a longer message is taken for pasted text
_FENCE = re.compile(r"^[ \t]*```.*?(?:^[ \t]*```[ \t]*$|\Z)", re.MULTILINE | re.DOTALL)
_CODE = re.compile(
    r"[;{}]\s*$|^\s*(?:def|class|import|from \S+ import|return|const|let|var|function|public|"
    r"private|#include|SELECT|"
    r"Traceback|File \"|at \S+\(|<\/?\w+|\$ |>>> |#!|//|\d{4}-\d\d-\d\d[T ]\d\d:)|"
    r"\w+\([^)]*\)\s*$|^\s*\w+ ?[=:]= ?\S|"
    r"^\s*\w+ = \S"
)
_ROLES = re.compile(r'"(?:role|author|sender|from)"\s*:\s*(?:\{\s*"role"\s*:\s*)?"(?:user|human)"')


def looks_like(file: File) -> bool:
    """Whether it is JSON of conversations with a title or time; others may be training data."""
    text = start(file).lstrip()
    if not text.startswith(("[", "{")) or re.search(r"^\{.*\}[ \t]*\n\{", text):
        return False
    if re.search(r'"mapping"\s*:\s*\{', text) or re.search(r'"chat_messages"\s*:\s*\[', text):
        return True
    messages = re.search(r'"messages"\s*:\s*\[', text)
    return bool(
        messages
        and re.search(r'"(?:title|name|create_time|created_at)"\s*:', text[: messages.start()])
        and _ROLES.search(text)
    )


def read(file: File) -> Iterator[Document]:
    """Yield a document for each conversation in which the owner wrote. Raises Unreadable."""
    export = load_file(file)
    exported = as_dict(export).get("conversations", export)
    seen = set()
    for conversation in as_dicts(exported if isinstance(exported, list) else [exported]):
        title = as_str(conversation.get("title")) or as_str(conversation.get("name"))
        name = _conversation_id(conversation, title)
        typed = list(_own_turns(conversation))
        if typed and name not in seen:
            seen.add(name)
            yield _document(f"{file.name}#{name}", title, typed, _time(conversation))


def _conversation_id(conversation, title):
    keys = ("conversation_id", "uuid", "id")
    name = next((as_str(conversation[key]) for key in keys if conversation.get(key)), "")
    return name or content_id(
        f"{title} {_time(conversation)} {[text for text, _ in _own_turns(conversation)][:1]}"
    )


def _document(source, title, typed, time):
    turns, removed = [], []
    for text, sent in typed:
        for reason, piece in _pieces(text):
            if reason:
                removed.append(Removed("message", reason, piece))
            else:
                turns.append(Turn("", piece, sent or time))
    return Document.of_turns(
        source,
        turns,
        title=" ".join(title.split()),
        date=(time or typed[0][1])[:10] or None,
        kind="chat",
        fallback_title=title_of(source.partition("#")[0]),
        removed=removed,
    )


def _pieces(text):
    """Yield (reason to leave it out or '', text) of a message; fenced code is separate."""
    for code in _FENCE.findall(text):
        yield "code", code.strip()
    rest = strip_placeholders(_FENCE.sub("\n", text))
    if rest:
        yield _reason(rest), rest


def _reason(text):
    if _is_pasted(text):
        return "quote"
    return "short" if is_short(text) else ""


def _is_pasted(text):
    if len(text) > _PASTED:
        return True
    lines = [line for line in text.split("\n") if line.strip()]
    coded = sum(bool(_CODE.search(line)) for line in lines)
    return len(lines) > 2 and coded * 2 > len(lines)


def _own_turns(conversation):
    """Yield (text, ISO time) of the owner's turns, in order."""
    if isinstance(conversation.get("mapping"), dict):
        messages = _branch(conversation["mapping"], as_str(conversation.get("current_node")))
    else:
        messages = as_dicts(conversation.get("chat_messages")) or as_dicts(
            conversation.get("messages")
        )
    for message in messages:
        author = as_dict(message.get("author")).get("role") or message.get("author")
        role = author or message.get("role") or message.get("sender")
        hidden = as_dict(message.get("metadata")).get("is_visually_hidden_from_conversation")
        text = _text(message)
        if role in ("user", "human") and text and not hidden:
            yield text, _time(message)


def _branch(mapping, node):
    """The messages from the root to the current node, or to the last leaf if that is unknown."""
    if node not in mapping:
        node = next(
            (name for name in reversed(mapping) if not as_dict(mapping[name]).get("children")), ""
        )
    messages, seen = [], set()
    while node in mapping and node not in seen:
        seen.add(node)
        entry = as_dict(mapping[node])
        messages.append(as_dict(entry.get("message")))
        node = as_str(entry.get("parent"))
    return messages[::-1]


def _text(message):
    """The typed or spoken text of a message, without pictures, files and the owner's profile."""
    content = message.get("content")
    if isinstance(content, dict):
        content = content.get("parts")
    if isinstance(content, list):
        texts = (
            part if isinstance(part, str) else as_str(as_dict(part).get("text")) for part in content
        )
        content = "\n".join(filter(None, texts))
    return (as_str(content) or as_str(message.get("text"))).strip()


def _time(item):
    value = item.get("create_time") or item.get("created_at") or item.get("timestamp")
    (time,) = dates.times([as_str(value)])
    return time
