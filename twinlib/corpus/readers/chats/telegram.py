"""Telegram Desktop's export as JSON (result.json): one chat, or the whole account with `chats.list`.

Format: https://core.telegram.org/import-export. The account's export says who the owner is; a single personal chat
names the other person, so it does too; groups and channels don't.
"""

import re

from .. import json_values
from ..input_file import Conversation
from .messages import Said

KINDS = (
    "personal_chat|bot_chat|saved_messages|private_group|private_supergroup|public_group|public_supergroup|"
    "private_channel|public_channel"
)
CHAT = re.compile(rf'"type"\s*:\s*"(?:{KINDS})"')
WHOLE = re.compile(r'"personal_information"\s*:\s*\{|"chats"\s*:\s*\{')
COMMAND = re.compile(r"/[A-Za-z]\w*(?:@\w+)?(?: \S+)?")  # to a bot: '/start', '/help@somebot'
APART = {
    "pre": "code",
    "blockquote": "quote",
}  # parts of a message that aren't the sender's own words


def looks_like(file):
    """Is it the JSON of one chat or of an account?"""
    text = json_values.start(file).lstrip()
    if not text.startswith("{"):
        return False
    one = CHAT.search(text) and re.search(r'"messages"\s*:\s*\[', text)
    return bool(one or WHOLE.search(text) and (CHAT.search(text) or '"user_id"' in text))


def conversations(file, options):
    """Yield a Conversation for every chat with messages; channels are posts. Raises Unreadable."""
    export = json_values.inside(json_values.load(file.text))
    me = json_values.string(json_values.inside(export.get("personal_information")).get("user_id"))
    chats = (
        [export]
        if "messages" in export
        else [
            chat
            for part in ("chats", "left_chats")
            for chat in json_values.records(json_values.inside(export.get(part)).get("list"))
        ]
    )
    for chat in chats:
        messages = [
            m
            for m in json_values.records(chat.get("messages"))
            if m.get("type", "message") == "message"
        ]
        said = _said(chat, messages, me)
        if said:
            channel = "channel" in json_values.string(chat.get("type"))
            yield Conversation(
                json_values.string(chat.get("name")), said, "post" if channel else "chat"
            )


def _said(chat, messages, me):
    mine = _owners(chat, messages, me)
    names = {_sender_id(message): _sender(message, chat) for message in messages}
    whole = {json_values.string(message.get("id")): message for message in messages}
    bots = chat.get("type") == "bot_chat"
    found = []
    for message in messages:
        own = mine(message)
        if bots and not own:  # what a machine wrote is nobody's question
            continue
        asked = _asked(whole.get(json_values.string(message.get("reply_to_message_id"))), message)
        for left, text in _texts(message):
            time = json_values.string(message.get("date"))[:19]
            found.append(Said(names[_sender_id(message)], text, time, own, left, asked))
    return found


def _owners(chat, messages, me):
    """A function from a message to True, False or None (nobody knows)."""
    sort, other = json_values.string(chat.get("type")), json_values.string(chat.get("id"))
    if sort == "saved_messages":
        return lambda message: True
    if me and "channel" not in sort:
        return lambda message: _sender_id(message) == me
    if sort in ("personal_chat", "bot_chat") and other in {
        _sender_id(message) for message in messages
    }:
        return lambda message: _sender_id(message) != other
    return lambda message: None


def _sender_id(message):
    return re.sub(
        r"^user(?=\d)", "", json_values.string(message.get("from_id"))
    ) or json_values.string(message.get("from"))


def _sender(message, chat):
    channel = (
        json_values.string(chat.get("name"))
        if "channel" in json_values.string(chat.get("type"))
        else ""
    )
    return (
        json_values.string(message.get("from"))
        or channel
        or json_values.string(message.get("from_id"))
    )


def _asked(answered, message):
    """The text that a reply replies to, when it is somebody else's."""
    if answered is None or _sender_id(answered) == _sender_id(message):
        return None
    return "\n".join(text for _, text in _texts(answered)) or None


def _texts(message):
    """(reason to leave it out or '', text) of a message: its own words, and apart the quotations and listings in it."""
    content = message.get("text")
    pieces = content if isinstance(content, list) else [content]
    pieces = [piece if isinstance(piece, dict) else {"text": piece} for piece in pieces]
    forwarded = any(message.get(key) for key in ("forwarded_from", "forwarded_from_id", "via_bot"))
    found = {}
    for piece in pieces:
        left = "repost" if forwarded else APART.get(json_values.string(piece.get("type")), "")
        found[left] = found.get(left, "") + json_values.string(piece.get("text"))
    return [
        (left, text.strip())
        for left, text in found.items()
        if text.strip() and not COMMAND.fullmatch(text.strip())
    ]
