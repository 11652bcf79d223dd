"""Text messages that 'SMS Backup & Restore' and its like keep as XML: <smses> of <sms> and <mms>.

It says which the owner sent. Emoji are written as two halves, which are no characters in XML, so
that it is read by its tags alone. Format:
https://synctech.com.au/sms-backup-restore/fields-in-xml-backup-files/
"""

import re
from collections.abc import Iterator
from html import unescape

from ....text.inputs.encoding import Unreadable
from ....text.inputs.input_file import File, Options
from .. import dates
from .messages import Conversation, Message, in_order

_ROOT = re.compile(rb"<smses\b|<allsms\b")
_MESSAGE = re.compile(
    r"<sms\b(?P<sms>(?:[^>\"']|\"[^\"]*\"|'[^']*')*)>|<mms\b(?P<mms>.*?)</mms>", re.DOTALL
)
_TAG = re.compile(r"<?(\w*)((?:\s+[\w:.-]+\s*=\s*(?:\"[^\"]*\"|'[^']*'))*)\s*/?>")
_FIELD = re.compile(r"([\w:.-]+)\s*=\s*(?:\"([^\"]*)\"|'([^']*)')")
_HALVES = re.compile(r"&#(5[5-6]\d{3}|57\d{3});&#(5[5-7]\d{3});")
_SENT = {"2", "4", "5", "6"}  # and what was to be sent; 3 is a draft
_FROM = "137"  # the type of a sender's address
_NOBODY = {"", "null", "(unknown)"}


def looks_like(file: File) -> bool:
    """Whether its root element is that of such a backup."""
    return bool(_ROOT.search(file.head[:4000]))


def conversations(file: File, options: Options) -> Iterator[Conversation]:
    """Yield a Conversation for each number or group. Raises Unreadable."""
    found = list(_found(file.text))
    if not found:
        raise Unreadable("index")
    names = {number: name for number, name, *_ in found if name and "~" not in number}
    times = dates.times([time for *_, time, _, _ in found])
    chats: dict[str, list[Message]] = {}
    for (number, name, sender, _, own, text), time in zip(found, times):
        who = "me" if own else names.get(sender, "") or name or sender or number
        if text:
            chats.setdefault(number, []).append(Message(who, text, time, own))
    for number, messages in chats.items():
        yield Conversation(names.get(number, "") or number, in_order(messages))


def _found(text):
    """Yield (number, its owner's name, the sender's number, time, whether sent, text)."""
    for match in _MESSAGE.finditer(text):
        if match["sms"] is not None:
            fields = _fields(match["sms"])
            kind, words, sender = fields.get("type", ""), fields.get("body", ""), ""
        else:
            tags = [(tag[1], _fields(tag[2])) for tag in _TAG.finditer("<mms" + match["mms"])]
            fields = next((each for name, each in tags if name == "mms"), {})
            parts = [x for name, x in tags if name == "part" and x.get("ct") == "text/plain"]
            words = "\n".join(filter(None, (_filled(part.get("text", "")) for part in parts)))
            kind = fields.get("msg_box", "")
            addresses = [each for name, each in tags if name == "addr"]
            sender = next((x.get("address", "") for x in addresses if x.get("type") == _FROM), "")
        if kind != "3":
            name, number = _filled(fields.get("contact_name", "")), fields.get("address", "")
            yield number, name, sender, fields.get("date", ""), kind in _SENT, _filled(words)


def _filled(value):
    return "" if value.strip().casefold() in _NOBODY else value.strip()


def _fields(text):
    """{name: value} of a tag."""
    found = {}
    for name, double, single in _FIELD.findall(text):
        value = _HALVES.sub(_whole, double or single)
        found[name.lower()] = unescape(value)
    return found


def _whole(match):
    """The character of which a match has both halves."""
    pair = b"".join(int(half).to_bytes(2, "big") for half in match.groups())
    return pair.decode("utf-16-be", "replace")
