"""Telegram Desktop's JSON export (result.json): one chat, or a whole account with `chats.list`.

The export of an account says who the owner is. That of a personal chat names the other person, so
that the rest are the owner's messages; that of a group or channel doesn't say. Format:
https://core.telegram.org/import-export.
"""

import re
from collections.abc import Iterator

from ....text.inputs.input_file import File, Options
from ....text.inputs.json_values import as_dict, as_dicts, as_str, load_file, start
from .messages import Conversation, Message

_KINDS = (
    "personal_chat|bot_chat|saved_messages|private_group|private_supergroup|public_group|"
    "public_supergroup|private_channel|public_channel"
)
_CHAT = re.compile(rf'"type"\s*:\s*"(?:{_KINDS})"')
_ACCOUNT = re.compile(r'"personal_information"\s*:\s*\{|"chats"\s*:\s*\{')
_COMMAND = re.compile(r"/[A-Za-z]\w*(?:@\w+)?(?: \S+)?")  # to a bot: '/start', '/help@somebot'
# {type of a part that isn't the sender's own text: reason to leave it out}
_NOT_OWN = {"pre": "code", "blockquote": "quote"}


def looks_like(file: File) -> bool:
    """Whether it is the JSON of one chat or of an account."""
    text = start(file).lstrip()
    if not text.startswith("{"):
        return False
    is_chat = _CHAT.search(text) and re.search(r'"messages"\s*:\s*\[', text)
    return bool(is_chat or _ACCOUNT.search(text) and (_CHAT.search(text) or '"user_id"' in text))


def conversations(file: File, options: Options) -> Iterator[Conversation]:
    """Yield each chat that has messages; channels are posts. Raises Unreadable."""
    export = as_dict(load_file(file))
    me = as_str(as_dict(export.get("personal_information")).get("user_id"))
    chats = [export] if "messages" in export else []
    for part in ("chats", "left_chats") if not chats else ():
        chats += as_dicts(as_dict(export.get(part)).get("list"))
    for chat in chats:
        messages = _messages(chat, me)
        if messages:
            kind = "post" if _is_channel(chat) else "chat"
            yield Conversation(as_str(chat.get("name")), messages, kind)


def _is_channel(chat):
    return "channel" in as_str(chat.get("type"))


def _messages(chat, me):
    listed = [m for m in as_dicts(chat.get("messages")) if m.get("type", "message") == "message"]
    is_own = _ownership(chat, listed, me)
    names = {_sender_id(message): _sender(message, chat) for message in listed}
    by_id = {id: message for message in listed if (id := as_str(message.get("id")))}
    with_bot = chat.get("type") == "bot_chat"
    messages = []
    for message in listed:
        own = is_own(message)
        if with_bot and not own:  # written by a program
            continue
        reply_to = _replied_text(by_id.get(as_str(message.get("reply_to_message_id"))), message)
        time = as_str(message.get("date"))[:19]
        for reason, text in _texts(message):
            messages.append(Message(names[_sender_id(message)], text, time, own, reason, reply_to))
    return messages


def _ownership(chat, messages, me):
    """A function that tells whether a message is the owner's: True, False or None (unknown)."""
    kind, partner = as_str(chat.get("type")), as_str(chat.get("id"))
    if kind == "saved_messages":  # its id is the owner's
        known = partner in set(map(_sender_id, messages))
        return lambda message: not known or _sender_id(message) == partner
    if me and not _is_channel(chat):
        return lambda message: _sender_id(message) == me
    if kind in ("personal_chat", "bot_chat") and partner in set(map(_sender_id, messages)):
        return lambda message: _sender_id(message) != partner
    return lambda message: None


def _sender_id(message):
    return re.sub(r"^user(?=\d)", "", as_str(message.get("from_id"))) or as_str(message.get("from"))


def _sender(message, chat):
    channel = as_str(chat.get("name")) if _is_channel(chat) else ""
    return as_str(message.get("from")) or channel or as_str(message.get("from_id"))


def _replied_text(answered, message):
    """The text that a message replies to, when it is somebody else's, else None."""
    if answered is None or _sender_id(answered) == _sender_id(message):
        return None
    return "\n".join(text for _, text in _texts(answered)) or None


def _texts(message):
    """[(reason to leave it out or '', text)] of a message; quotations and code are separate."""
    content = message.get("text")
    pieces = content if isinstance(content, list) else [content]
    pieces = [piece if isinstance(piece, dict) else {"text": piece} for piece in pieces]
    forwarded = any(message.get(key) for key in ("forwarded_from", "forwarded_from_id", "via_bot"))
    texts = {}
    for piece in pieces:
        reason = "repost" if forwarded else _NOT_OWN.get(as_str(piece.get("type")), "")
        texts[reason] = texts.get(reason, "") + as_str(piece.get("text"))
    stripped = [(reason, text.strip()) for reason, text in texts.items()]
    return [(reason, text) for reason, text in stripped if text and not _COMMAND.fullmatch(text)]
