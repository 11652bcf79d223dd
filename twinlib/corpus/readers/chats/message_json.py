"""Chats and posts that programs export as JSON: an object around a list of messages, or JSON Lines.

WeFlow and EchoTrace (WeChat), ChatLab's format, QQ Chat Exporter (one file or chunks), Messenger
and Instagram, Discord (DiscordChatExporter), Slack, Google Chat, Skype, Hangouts, Teams, HipChat,
Rocket.Chat, Snapchat, Weibo's crawlers, and their like, whose lists message_lists.py finds. `ROLES`
says under which keys each of them keeps sender, text and time: another program of this kind needs a
key there and no code. Meta writes UTF-8 as if each byte were a character, which is undone.
"""

import html
import re
from collections import Counter
from collections.abc import Iterator
from itertools import takewhile
from pathlib import PurePosixPath
from typing import Any

from ....text.inputs import json_values
from ....text.inputs.columns import NO, YES
from ....text.inputs.encoding import Unreadable
from ....text.inputs.filename import title_of
from ....text.inputs.input_file import File, Options
from ....text.inputs.json_values import as_dict, as_dicts, as_str
from .. import dates
from . import message_lists
from .chat_table import own_post, unquoted
from .messages import Conversation, Message, in_order

# {role: keys, of which the first that is filled counts}; 'a.b' is b in the object a.
ROLES = {
    "text": (
        "content.text content text message.text message body.content body text_raw raw_text msg "
        "chat_message.message_content.segment"
    ).split(),
    "name": (
        "groupNickname senderDisplayName accountName sender_name senderName author.nickname "
        "sender.groupCard sender.remark sender.name sender.nickname author.name "
        "author.displayName user_profile.display_name user_profile.real_name user.name "
        "user.screen_name from.name from.user.displayName from.displayName creator.name u.name "
        "u.username displayName nickname username screen_name sender author from user"
    ).split(),
    "id": (
        "sender.uid sender.uin sender.id senderUsername sender author.id creator.email user.id "
        "user u._id from.user.id from.id sender_id.gaia_id sender_id.chat_id sender_id senderId "
        "from"
    ).split(),
    "time": (
        "formattedTime timestamp timestamp_ms time createTime create_time created_at "
        "publish_time created_date createdDateTime created originalarrivaltime composetime ts date "
        "sent_at date_unixtime"
    ).split(),
    "mine": "isSend isSelf is_send is_self is_sender isSender from_me isOwn".split(),
    "type": "type msgType messageType messagetype media_type".split(),
    "subtype": ["subtype", "t"],  # Slack's, Rocket.Chat's
    "message id": "platformMessageId id messageId message_id client_msg_id".split(),
    "answers": (
        "replyToMessageId content.reply.referencedMessageId content.reply.messageId "
        "reference.messageId"
    ).split(),
    "quoted": "quotedContent content.reply.content".split(),
    "thread": ["thread_ts"],  # the time of the message that it began with
}
_SPELLING = {
    key.lower(): key for paths in ROLES.values() for path in paths for key in path.split(".")
}
# Where an export keeps its messages, its title, and who the owner is.
_LISTS = "messages weibo statuses".split()
_TITLES = (
    "session.remark session.displayName session.nickname meta.name chatInfo.name channel.name "
    "title threadName name"
).split()
_OWNERS = (
    "meta.ownerId chatInfo.selfUid chatInfo.selfUin chatInfo.selfName userId "
    "conversation.self_conversation_state.self_read_state.participant_id.gaia_id "
    "conversation.conversation.self_conversation_state.self_read_state.participant_id.gaia_id"
).split()
# Types of messages with the sender's own words; those of ChatLab are numbers.
_OWN_TYPES = set(
    "0 2 25 text richtext reply voice default normal generic message "
    "文本消息 引用消息 语音消息".split()
)
_OWN_SUBTYPES = ("thread_broadcast", "file_share", "me_message")  # Slack's
_PASSED_ON = set("26 forward share 聊天记录合并转发 转发消息".split())
_SYSTEM = set("80 81 99 system 系统消息 recall".split())
# What Messenger and Instagram say under a member's name.
_SAID_BY_APP = re.compile(
    r"(?:you|.{1,60}) (?:sent (?:an? |\d+ )(?:attachment|photo|video|sticker|GIF|link|file|reel|"
    r"story|post|live location|voice message)s?\b.*|unsent a message|named the group .*|"
    r"changed the .*|left the group\.|missed (?:your|a) call\.|called you\.|"
    r"added .{1,80} to the group\.|set (?:the|your|his|her) .*)|"
    r"liked a message|reacted .{1,12} to (?:your|a) message\s*|"
    # The same in the account's language
    r"(?:gostou|curtiu) (?:de )?uma mensagem|(?:le gusta|le gustó) un mensaje|a aimé un message|"
    r"gefällt eine nachricht|赞了一条消息|"
    r"(?:reagiu|reaccionó|a réagi|hat) (?:com|con|avec|mit) .{1,12}? (?:à|a|auf) (?:\w+ )?"
    r"(?:mensagem|mensaje|message|nachricht)(?: reagiert)?\s*|用.{1,12}?回应了你的消息\s*",
    re.IGNORECASE | re.DOTALL,
)
_EMOJI = re.compile(r"[\u2190-\u21ff\u2600-\u27bf\ufe0f\u200d\U0001f000-\U0001faff]+")
_SENT = ("share", "photos", "videos", "audio_files", "files", "gifs", "sticker", "call_duration")
_SIGNS = re.compile(
    r'"(?:chatlab|weflow|chatInfo|guild)"\s*:\s*\{|"session"\s*:\s*\{[^{}]*"wxid"|'
    r'"participants"\s*:\s*\[.{0,4000}"messages"\s*:\s*\[|"user"\s*:\s*\{.{0,9000}"weibo"\s*:\s*\[',
    re.DOTALL,
)


def looks_like(file: File) -> bool:
    """Whether it is JSON of such an export, by its first keys or its first message."""
    text = json_values.start(file).lstrip()
    if text.startswith("["):
        return _is_nested_message(json_values.first(text[1:]))
    if not text.startswith("{"):
        return False
    first = json_values.first(text.partition("\n")[0])
    if as_dict(first).get("_type") == "header" or _is_nested_message(first):
        return True
    if _SIGNS.search(text):
        return True
    found = re.search(rf'"(?:{"|".join(_LISTS)})"\s*:\s*\[', text)
    if found and _is_message(json_values.first(text[found.end() :])):
        return True
    return file.suffix == ".json" and message_lists.begin(text, _is_any_message)


def _is_any_message(value):
    """Whether a JSON value is a message, with its keys in any case of letters."""
    return _is_event(value) and bool(_of(message_lists.canonical(value, _SPELLING), "text"))


def _is_event(value):
    """Whether it has a sender and a time, as a message has, or a call."""
    message = message_lists.canonical(value, _SPELLING) if isinstance(value, dict) else {}
    return bool(_of(message, "time") and (_of(message, "name") or _of(message, "id")))


def _is_message(value):
    """Whether a JSON value has a sender, a text and a time, as a turn of training data has not."""
    return isinstance(value, dict) and all(_of(value, role) for role in ("text", "name", "time"))


def _is_nested_message(value):
    """Whether it is a message with objects in it, or Slack's; flat ones are rows of a table."""
    if not _is_message(value):
        return False
    nested = any(
        isinstance(value.get(key), dict) for key in ("sender", "author", "content", "user")
    )
    return nested or value.get("type") == "message" and "ts" in value


def conversations(file: File, options: Options) -> Iterator[Conversation]:
    """Yield the export's Conversations. Raises Unreadable."""
    head, messages = _parts(file)
    if not any(map(_is_message, messages)):
        yield from _listed(file)
        return
    if "weibo" in head or "statuses" in head:
        posts = [post for message in messages for post in _post(message)]
        yield Conversation(title_of(file.name), sorted(posts, key=lambda post: post.time), "post")
        return
    if all("sender_name" in message for message in messages[:3]):
        head, messages = undone(head), undone(messages)
    title = next(filter(None, (_at(head, path) for path in _TITLES)), "")
    folder = PurePosixPath(file.name).parent.name
    if not title and "ts" in messages[0]:  # Slack: a folder for each channel, a file for each day
        title = folder
    found = _messages(messages, _owner(head), _people(file, head, messages))
    yield Conversation(title or title_of(file.name), in_order(found))


def _listed(file):
    """The Conversations of the lists of messages that are anywhere in a file. Raises Unreadable."""
    export = json_values.load_file(file)
    found = list(message_lists.find(export, _is_any_message, _is_event))
    if not found:
        raise Unreadable("index")
    for each in found:
        messages = [message_lists.canonical(message, _SPELLING) for message in each.messages]
        around = [message_lists.canonical(value, _SPELLING) for value in each.around]
        people = message_lists.people([{**value, each.key: None} for value in each.around])
        owner = set().union(*map(_owner, around))
        titles = (_at(value, path) for value in around[:2] for path in _TITLES)
        title = next(filter(None, titles), "") or title_of(file.name)
        yield Conversation(title, in_order(_messages(messages, owner, people)))


def _parts(file):
    """(the object around the messages, the messages). Raises Unreadable."""
    text = file.text.lstrip()
    lines = [line for line in text.split("\n") if line.strip() and not line.startswith("#")]
    if len(lines) > 1 and json_values.first(lines[0]) and lines[1].lstrip().startswith("{"):
        values = [value for value in map(json_values.first, lines) if isinstance(value, dict)]
        if json_values.first(lines[-1]) is None:
            file.broken = lines[-1][:200]
        head = next((value for value in values if value.get("_type") == "header"), {})
        head = head or _manifest(file)
        members = [value for value in values if value.get("_type") == "member"]
        messages = [v for v in values if v.get("_type", "message") == "message"]
        return {**head, "members": members}, messages
    export = json_values.load_file(file, text)
    if isinstance(export, list):
        return {}, as_dicts(export)
    chunks = as_dicts(as_dict(export).get("chunks")) or [as_dict(export)]
    key = next((key for key in _LISTS if key in chunks[0]), "messages")
    messages = [message for chunk in chunks for message in as_dicts(chunk.get(key))]
    return chunks[0], [each for message in messages for each in (message, *_replies(message))]


def _replies(message):
    """The replies that some exporters of Slack and Mattermost keep in the message itself."""
    listed = (value for key, value in message.items() if key.endswith("replies"))
    return [reply for value in listed for reply in as_dicts(value) if _is_message(reply)]


def _manifest(file):
    """The manifest of an export in chunks, which says whose it is."""
    for path in ("../manifest.json", "manifest.json"):
        data = file.near(path)
        if data:
            return as_dict(json_values.first(data.decode("utf-8", "replace")))
    return {}


def _owner(head):
    return {_at(head, path) for path in _OWNERS} - {""}


def _people(file, head, messages):
    """{id: name} of the members that the export lists, or Slack's users.json."""
    listed = as_dicts(head.get("members"))
    if messages and "ts" in messages[0]:
        users = file.near("../users.json") or file.near("users.json") or b""
        listed = as_dicts(json_values.first(users.decode("utf-8", "replace")) or [])
    profiled = [message for message in messages if "user_profile" in message]
    names = {_of(message, "id"): _of(message, "name") for message in profiled}
    for person in listed:
        keys = ("groupNickname", "accountName", "profile.display_name", "real_name", "name")
        name = next(filter(None, (_at(person, key) for key in keys)), "")
        names[_at(person, "platformId") or _at(person, "id")] = name
    names.pop("", None)  # who has no id is nobody that a message could mean
    return names


def _messages(listed, owner, people):
    times = dates.times([_of(message, "time") for message in listed])
    # An owner of whom there is no message may be called otherwise here.
    owner = owner if any(_is_mine(message, owner, _of(message, "id")) for message in listed) else ()
    by_id = {id: message for message in listed if (id := _of(message, "message id"))}
    messages, usual, reactions = [], _usual_type(listed), _reactions(listed)
    in_threads = _asked_in_threads(listed, people)
    for number, (message, time) in enumerate(zip(listed, times)):
        sender_id, kind = _of(message, "id"), _of(message, "type").casefold()
        name = people.get(sender_id) or _of(message, "name") or sender_id
        text, _, quoted = unquoted(_without_quote(_plain(_of(message, "text"), people), message))
        answered = by_id.get(_of(message, "answers"))
        if answered and _who(answered) == _who(message):  # a reply to one's own message
            quoted = ""
        elif answered:
            quoted = quoted or _plain(_of(answered, "text"), people)
        else:
            quoted = quoted or _of(message, "quoted")
        if text:
            mine = _is_mine(message, owner, sender_id)
            reason = _reason(message, "" if kind == usual else kind)
            if kind in _SYSTEM or _is_systems(message) or said_by_app(text):
                reason = "platform"
            if sender_id and _of(message, "text").startswith(
                (f"<@{sender_id}>", f"<@{sender_id}|")
            ):
                reason = "platform"  # '@ole uploaded a file: …', as Slack says of its sender
            if _tells_what_was_sent(message, name, text) or _EMOJI.sub("", text) in reactions:
                reason = "platform"
            reply_to = in_threads.get(number, quoted or None)
            messages.append(Message(name, text, time, mine, reason, reply_to))
    return messages


def _asked_in_threads(listed, people):
    """{number of a reply in a thread of Slack's: what others wrote there since its sender did}.

    '' where that is not in the file, and for what its sender goes on with in the channel after a
    reply. A message that its sender only goes on in has no entry.
    """
    threads, asked, before = {}, {}, ("", "")
    if not any(_of(message, "thread") for message in listed):
        return asked
    for number in sorted(range(len(listed)), key=lambda number: _of(listed[number], "time")):
        message = listed[number]
        thread, time, who = _of(message, "thread"), _of(message, "time"), _who(message)
        said, is_reply = threads.setdefault(thread or time, []), thread not in ("", time)
        place = thread if is_reply else ""
        if is_reply and before != (place, who):
            asked[number] = _said_since(who, said)
        elif before[0] != place and before[1] == who:
            asked[number] = ""
        said.append((who, _plain(_of(message, "text"), people)))
        before = place, who
    return asked


def _said_since(who, said):
    """What others said, of [(who, text)], since somebody's last message."""
    texts = [text for _, text in takewhile(lambda each: each[0] != who, reversed(said))]
    return "\n".join(filter(None, reversed(texts)))


def _who(message):
    return _of(message, "id") or _of(message, "name")


def said_by_app(text: str) -> bool:
    """Whether Messenger or Instagram say this under a member's name."""
    return bool(_SAID_BY_APP.fullmatch(text))


def _tells_what_was_sent(message, name, text):
    """Whether a text of Messenger or Instagram names its sender and comes with what was sent."""
    if "sender_name" not in message:
        return False
    return "call_duration" in message or text.startswith(name) and any(k in message for k in _SENT)


def _reactions(listed):
    """What sentences about an emoji between their words are without it, which come back."""
    texts = [_of(message, "text") for message in listed if "sender_name" in message]
    count = Counter(
        _EMOJI.sub("", text)
        for text in texts
        if (parts := _EMOJI.split(text, 1))[0]
        and len(parts) > 1
        and len(text.split()) > 3
        and re.search(r"\w+\W+\w+", parts[1])
    )
    return {text for text, times in count.items() if times > 1}


def _usual_type(listed):
    """The type of most messages, where none has a type that is known; else ''."""
    types = Counter(_of(message, "type").casefold() for message in listed)
    if not types or types.keys() & _OWN_TYPES:
        return ""
    usual, count = types.most_common(1)[0]
    return usual if count * 2 > len(listed) and usual not in _SYSTEM | _PASSED_ON else ""


def _is_systems(message):
    flags = ("system", "isSystemMessage", "recalled", "isRecalled", "isUnsent", "is_unsent")
    flagged = any(message.get(flag) is True for flag in flags)
    return flagged or _of(message, "subtype") not in ("", *_OWN_SUBTYPES)


def _reason(message, kind):
    """Why a message's text isn't the sender's own, or ''."""
    if as_dict(message.get("author")).get("isBot") is True or message.get("bot_id"):
        return "machine"
    if kind in _PASSED_ON or message.get("forwardedMessage"):
        return "repost"
    return "" if not kind or kind in _OWN_TYPES or kind == "share" else "platform"


def _is_mine(message, owner, sender_id):
    value = _of(message, "mine").casefold()
    if value in YES or value in NO:
        return value in YES
    if not owner:
        return None
    return bool(owner & {sender_id, *(_at(message, f"sender.{key}") for key in ("uid", "uin"))})


def _without_quote(text, message):
    """The text without a quotation that the export gives by itself, too."""
    quoted = _of(message, "quoted")
    found = quoted and re.search(
        r"\s*[\[【「（(]?引用[^\n]{0,60}?" + re.escape(quoted[:40]) + r".*", text, re.DOTALL
    )
    return text[: found.start()] if found and found.start() else text


def _plain(text, people):
    """A text without Slack's markup: '<@U1>', '<https://… | label>', '&amp;'."""
    if "<" not in text and "&" not in text:
        return text
    text = re.sub(r"<@(\w+)(?:\|[^>]*)?>", lambda m: "@" + people.get(m[1], m[1]), text)
    text = re.sub(r"<(?:#\w+|!\w+|https?://[^>|\s]+|mailto:[^>|\s]+)\|([^>]*)>", r"\1", text)
    text = re.sub(r"<(https?://[^>|\s]+)>", r"\1", text)
    return html.unescape(text) if re.search(r"&(?:amp|lt|gt);", text) else text


def _post(post):
    """The Messages of a post of Weibo; the text that it passes on is somebody else's."""
    (time,) = dates.times([_of(post, "time")])
    text = re.sub(r"<[^<>]+>", "", _of(post, "text"))
    yield from own_post(text, time, post.get("original") is False)
    passed_on = _of(as_dict(post.get("retweet") or post.get("retweeted_status")), "text")
    if passed_on:
        yield Message("", passed_on, time, True, "repost")


def _of(message: dict, role: str) -> str:
    """The first filled value of a role; a text may be in parts."""
    return next(filter(None, (_at(message, path, role == "text") for path in ROLES[role])), "")


def _at(value: Any, path: str, in_parts: bool = False) -> str:
    """The string or number at a path of keys, as a string; '' for anything else."""
    *keys, last = path.split(".")
    for key in keys:
        value = as_dict(as_dict(value).get(key))
    value = as_dict(value).get(last)
    if in_parts and isinstance(value, list):
        parts = (part if isinstance(part, str) else as_dict(part).get("text") for part in value)
        value = "".join(map(as_str, parts))
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return str(value).lower() if isinstance(value, bool) else as_str(value).strip()


def undone(value: Any) -> Any:
    """A JSON value in which UTF-8 that was read as Latin-1 is read as UTF-8."""
    if isinstance(value, dict):
        return {key: undone(item) for key, item in value.items()}
    if isinstance(value, list):
        return [undone(item) for item in value]
    if isinstance(value, str) and not value.isascii():
        try:
            return value.encode("latin-1").decode("utf-8")
        except UnicodeError:
            return value
    return value
