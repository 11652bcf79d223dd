"""A chat that WhatsApp exported as text: Android's 'date, time - Name: text', the iPhone's '[date, time] Name: text'.

The dates follow the phone's language and region, so their order is told from the whole file (see `dates`).
"""

import re
from collections import Counter
from pathlib import PurePosixPath

from .. import dates, json_values
from ..input_file import Conversation
from .messages import MARKS, Said

IPHONE = re.compile(r"\[([^\[\]\n]{8,40})\] ?")
ANDROID = re.compile(r"([\d][^\n]{8,40}?) [-–] ")
ATTACHED = re.compile(
    r"^[^\n]+\.\w{2,5} \([^()\n]{2,30}\)(?:\n|$)|<[^<>\n:：]{2,12}[:：] ?[^<>\n]+\.\w{2,5}>$"
)
LEVELS = {"info", "error", "warn", "warning", "debug", "fatal", "trace", "critical", "notice"}
TITLE = re.compile(
    r"(?:(?:Chat (?:de )?|Discussion |Conversa do )?WhatsApp(?:[ -]Chat)? (?:with|-|mit|con|avec|com) |与|與)(.+?)(?:的 ?WhatsApp ?(?:聊天|对话|對話).*)?"
)


def looks_like(file):
    """Does it begin with a dated line, and do two names come back in them? (In a diary or a log they don't.)"""
    lines = MARKS.sub("", json_values.start(file)).strip().split("\n")[:2000]
    if not _header(lines[0]):
        return False
    found = [_header(line) for line in lines]
    names = Counter(
        match.string[match.end() :].partition(": ")[0]
        for match in found
        if match and ": " in match.string
    )
    names = Counter({name: count for name, count in names.items() if len(name) <= 60})
    if not names or {name.casefold() for name in names} & LEVELS:
        return False
    named = re.search(r"whatsapp|(^|/)_chat\.txt$", file.name, re.IGNORECASE)
    spaced = sum(bool(match) and not above.strip() for above, match in zip(lines, found[1:]))
    return bool(named) or (
        len(names) > 1
        and len(names) * 2 <= sum(names.values()) + 1
        and spaced * 2 < sum(map(bool, found))
    )


def _header(line):
    """The match of a line's time, with the time as its first group; None for a line that goes on."""
    match = (IPHONE if line.startswith("[") else ANDROID).match(line)
    stamp = match and dates.STAMP.fullmatch(match[1].strip())
    return match if stamp and stamp[6] else None


def conversations(file, options):
    """Yield the file's one Conversation, without the lines that nobody said; raises Unreadable."""
    entries = list(_entries(file.text))
    times = dates.times([stamp for stamp, _ in entries])
    names = _names([text for _, text in entries])
    messages = []
    for (_, text), time in zip(entries, times):
        sender = next((name for name in names(text) if text.startswith(f"{name}:")), None)
        words = text[len(sender) + 1 :].removeprefix(" ") if sender else ""
        words = _words(words)
        messages += (
            [Said(MARKS.sub("", sender).removeprefix("~").strip(), words, time)] if words else []
        )
    yield Conversation(_title(file.name), messages)


def _words(text):
    """What somebody typed: lines that begin with a mark of direction are the app's own (a picture, a call, a poll)."""
    typed = "\n".join(line for line in text.split("\n") if not line.startswith("\u200e"))
    return ATTACHED.sub("", MARKS.sub("", typed).strip()).strip()


def _entries(text):
    """(time as written, everything after it) of every dated line with the lines that go on."""
    stamp, lines = None, []
    for line in text.split("\n"):
        bare = line.lstrip("\u200e\u200f\u202a\u202b\ufeff")
        match = _header(bare)
        if match:
            if stamp:
                yield stamp, "\n".join(lines)
            stamp, lines = match[1].strip(), [bare[match.end() :]]
        else:
            lines.append(line)
    if stamp:
        yield stamp, "\n".join(lines)


def _names(texts):
    """A function from a text to the sender's name that it starts with, as a list of one or none.

    A name may hold ': ' itself: then every line that starts with its first part goes on in the same way.
    """
    heads = [text.split("\n", 1)[0].split(": ") for text in texts]
    longer = {}
    for parts in heads:
        if len(parts) > 1:
            longer.setdefault(parts[0], set()).add(parts[1] if len(parts) > 2 else None)
    count = Counter(parts[0] for parts in heads if len(parts) > 1)

    def name(text):
        parts = text.split("\n", 1)[0].split(": ")
        if len(parts) == 1:
            short = re.match(r"([^\n:]{1,60}):(?:\n|$)", text)
            return [short[1]] if short and short[1] in count else []
        same = longer[parts[0]]
        double = len(same) == 1 and None not in same and count[parts[0]] > 2
        # 'Ann changed the subject to "a: b"' is nobody's message.
        system = count[parts[0]] == 1 and re.search('["“”„«]', parts[0])
        return [] if system else [": ".join(parts[:2]) if double else parts[0]]

    return name


def _title(name):
    path = PurePosixPath(name)
    stem = path.parent.name if path.stem == "_chat" else path.stem
    match = TITLE.fullmatch(stem.removesuffix(".zip").removesuffix(".txt"))
    return match[1].strip() if match else stem.removesuffix(".zip")
