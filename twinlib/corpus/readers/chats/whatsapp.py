"""A chat that WhatsApp exported as text, from Android ('date, time - Name: text') or an iPhone.

The iPhone writes '[date, time] Name: text'. Dates follow the phone's language and region, so that
dates.py infers the order of day and month from all of them.
"""

import re
from collections import Counter
from collections.abc import Iterator
from pathlib import PurePosixPath

from ....text.inputs.encoding import decode
from ....text.inputs.input_file import File, Options
from ....text.inputs.json_values import start
from .. import dates
from . import others
from .messages import INVISIBLE, Conversation, Message, oldest_first

_IPHONE = re.compile(r"\[([^\[\]\n]{8,40})\] ?")
_ANDROID = re.compile(r"([\d][^\n]{8,40}?) [-–] ")
# A comma before the clock, or brackets, and no more than a sign behind it: no diary, and no log,
# writes its days so.
_SURELY = re.compile(
    r"(?:\[?\d{1,4}[./-]\d{1,2}[./-]\d{1,4}, |\[\d{1,2}[./]\d{1,2}[./]\d{2,4} )"
    r"\d{1,2}[:.]\d\d(?:[:.]\d\d)?(?:\s?[AaPp]\.?\s?[Mm]\.?)?(?:\] ?| [-–] )"
)
_WITHIN = "\u2028"  # a line break within a message
_ATTACHED = re.compile(
    r"^[^\n]+\.\w{2,5} \([^()\n]{2,30}\)(?:\n|$)|<[^<>\n:：]{2,12}[:：] ?[^<>\n]+\.\w{2,5}>$"
)
_NAMED = re.compile(r"whatsapp|(^|/)_chat\.txt$", re.IGNORECASE)
_LEVELS = {"info", "error", "warn", "warning", "debug", "fatal", "trace", "critical", "notice"}
_TITLE = re.compile(
    r"(?:(?:Chat (?:de )?|Discussion |Conversa do )?WhatsApp(?:[ -]Chat)? "
    r"(?:with|-|mit|con|avec|com) |与|與)(.+?)(?:的 ?WhatsApp ?(?:聊天|对话|對話).*)?"
)


def looks_like(file: File) -> bool:
    """Whether it begins with a dated line and, unlike a diary, has two names repeatedly."""
    lines = INVISIBLE.sub("", start(file)).strip().split("\n")[:2000]
    if not _header(lines[0]):
        return False
    headers = [_header(line) for line in lines]
    dated = [match for match in headers if match and ": " in match.string]
    names = Counter(match.string[match.end() :].partition(": ")[0] for match in dated)
    names = Counter({name: count for name, count in names.items() if len(name) <= 60})
    if not names or {name.casefold() for name in names} & _LEVELS:
        return False
    is_named = _NAMED.search(file.name)
    spaced = sum(bool(match) and not above.strip() for above, match in zip(lines, headers[1:]))
    if spaced * 2 >= sum(map(bool, headers)):  # as the days of a diary are
        return bool(is_named)
    several = len(names) > 1 and len(names) * 2 <= sum(names.values()) + 1
    return bool(is_named) or several or _is_surely(headers, dated, names)


def _is_surely(headers, dated, names):
    """Whether nearly all heads are in WhatsApp's own form, however few messages there are."""
    heads = [match for match in headers if match]
    sure = sum(bool(_SURELY.fullmatch(match[0])) for match in heads)
    fewest = 3 if len(names) == 1 else 2  # of a chat in which one person writes
    return sure * 10 >= len(heads) * 9 and len(dated) >= max(fewest, len(heads) / 2)


def _header(line):
    """The match of a line that begins with a time (group 1), or None."""
    match = (_IPHONE if line.startswith("[") else _ANDROID).match(line)
    stamp = match and dates.STAMP.fullmatch(match[1].strip())
    return match if stamp and stamp[6] else None


def conversations(file: File, options: Options) -> Iterator[Conversation]:
    """Yield the file's one Conversation, without WhatsApp's own lines. Raises Unreadable."""
    entries = list(_entries(_text(file)))
    times = dates.times([stamp for stamp, _ in entries])
    sender_of = _sender_of([text for _, text in entries])
    messages = []
    for (_, text), time in zip(entries, times):
        sender = sender_of(text)
        typed = _typed(text[len(sender) + 1 :].removeprefix(" ")) if sender else ""
        if typed:
            name = INVISIBLE.sub("", sender).removeprefix("~").strip()
            messages.append(Message(name, typed, time))
    # Other programs write lines of the same form, but none of WhatsApp's marks.
    known = bool(_NAMED.search(file.name)) or "\u200e" in file.text
    yield Conversation(_title(file.name), oldest_first(messages), known=known, unmarked=True)


def _typed(text):
    """The text without the app's own lines, which begin with U+200E (a picture, a poll)."""
    plain = INVISIBLE.sub("", text).strip()
    if "\u200e" in text:
        if others.is_by_app(plain, ""):
            return ""
        lines = text.split("\n")
        plain = INVISIBLE.sub("", "\n".join(x for x in lines if not x.startswith("\u200e"))).strip()
    return _ATTACHED.sub("", plain).strip()


def _text(file):
    """The text of an export, whose messages end in CR LF where lines within one end in LF."""
    data = file.data
    ends, lines = data.count(b"\r\n"), data.count(b"\n")
    if not 0 < ends < lines or b"\0" in data[:1000]:
        return file.text
    within = _WITHIN.encode()
    text = decode(b"\r\n".join(part.replace(b"\n", within) for part in data.split(b"\r\n")))
    headed = sum(bool(_header(_bare(line))) for line in text.split("\n"))
    return text if headed >= 0.9 * ends else file.text


def _bare(line):
    return line.lstrip("\u200e\u200f\u202a\u202b\ufeff")


def _entries(text):
    """Yield (time as written, text) of every dated line, with the lines that follow it.

    A line in the form of the file's headers begins an entry even if its time can't be read; one in
    another form was pasted into a message.
    """
    lines = [_bare(line) for line in text.split("\n")]
    matches = [_header(line) for line in lines]
    forms = Counter(_shape(match[0]) for match in matches if match)
    brackets, total = sum(match[0][0] == "[" for match in matches if match), forms.total()
    both = min(brackets, total - brackets) * 4 >= total  # two chats in one file
    stamp, entry = None, []
    for line, match in zip(lines, matches):
        is_iphone = line[:1] == "[" if both else brackets * 2 > total
        head = (_IPHONE if is_iphone else _ANDROID).match(line)
        if head and (match or _shape(head[0]) in forms and ": " in line[head.end() :]):
            if stamp:
                yield stamp, "\n".join(entry).replace(_WITHIN, "\n")
            stamp, entry = head[1].strip(), [line[head.end() :]]
        else:
            entry.append(line)
    if stamp:
        yield stamp, "\n".join(entry).replace(_WITHIN, "\n")


def _shape(head):
    """The signs of a header without its numbers and words: '[//, ::] '."""
    return re.sub(r"[^\W_]+|[\s.]+(?=[^\W\d_])|(?<=[^\W\d_])[\s.]+", "", head)


def _sender_of(texts):
    """A function that returns the sender's name at the start of an entry's text, or ''.

    A name may have ': ' in it: then all entries that start with its first part have the same second
    part.
    """
    heads = [text.split("\n", 1)[0].split(": ") for text in texts]
    seconds = {}
    for parts in heads:
        if len(parts) > 1:
            seconds.setdefault(parts[0], set()).add(parts[1] if len(parts) > 2 else None)
    count = Counter(parts[0] for parts in heads if len(parts) > 1)

    def sender(text):
        parts = text.split("\n", 1)[0].split(": ")
        if len(parts) == 1:
            short = re.match(r"([^\n:]{1,60}):(?:\n|$)", text)
            return short[1] if short and short[1] in count else ""
        # 'Ann changed the subject to "a: b"' is WhatsApp's own line.
        if count[parts[0]] == 1 and re.search('["“”„«]', parts[0]):
            return ""
        second = seconds[parts[0]]
        is_double = len(second) == 1 and None not in second and count[parts[0]] > 2
        return ": ".join(parts[:2]) if is_double else parts[0]

    return sender


def _title(name):
    """The chat's title in the file's name ('WhatsApp Chat with Lee.txt'), or in its folder's."""
    path = PurePosixPath(name)
    stem = path.parent.name if path.stem == "_chat" else path.stem
    match = _TITLE.fullmatch(stem.removesuffix(".zip").removesuffix(".txt"))
    return match[1].strip() if match else stem.removesuffix(".zip")
