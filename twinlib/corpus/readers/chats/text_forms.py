"""The forms in which chats in plain text write who spoke and when: the first line of a message.

    2023-05-06 10:00:20 Name(12345678)      QQ, exporters of WeChat; the text is on the next lines
    Name 2023/5/6 10:00                     copied from WeChat or Feishu; likewise
    Name 10:00, Name 昨天 10:00             the same on one day; Slack, DingTalk; likewise
    [08-Oct-24 02:40 PM] Name               Discord; likewise
    10:01<tab>Name<tab>text                 LINE and KakaoTalk, under lines with the day; also with
    [Name] [오후 2:30] text                  spaces, or with the name first
    2024-05-01 15:14, Name : text           KakaoTalk, Teams, Zoom ('From Name to Everyone: text')
    Name 00:00:01, 00:00:01 Name: text      transcripts
    Name: text                              interviews; messages copied from WeChat, below a name
    a line with the time over or under one  iMessage, Teams, Feishu; the text is below both
    with the name
    (10.02) <Name> text, Name @ 10h02: text any other program: times and names in one order
    <Name> text, Name with text below       likewise without a clock

A file is of the first form whose heads fit it: names that come back, with text, and times as a
chat has them. Layouts are those of the programs' own exports and of public converters of them.
"""

import re
from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta
from itertools import takewhile
from typing import NamedTuple

from .. import dates
from . import any_order, record_grammar, untimed
from .form_parts import (
    ANY_CLOCK,
    ANY_DAY,
    CLOCK,
    DAY,
    LABELS,
    NAMED,
    NEAR_DAY,
    PHONE,
    STAMP,
    Head,
    is_short,
    name_of,
)

# Not behind '<', as in '<Ole> Kim: done?', where it stands before the colon of what is said.
_NAME = r"(?P<name>(?!<|\*{3})[^\s:：][^\t:：]{0,39}?)"
_SPOKEN_NAME = r"(?P<name>(?!<|\*{3})[^\s:：\[\]][^\t:：\n\]]{0,79}?)"
_ELAPSED = r"[\[(]?(?P<time>(?:\d{1,2}:)?\d{1,2}:\d{2})(?:[.,]\d{1,3})?[\])]?"
_TO = r"(?:\s+to\s+[^:：\n]{1,60}?)?"  # Zoom's receivers
# A time alone on its line, with what iMessage, Teams and QQ's exporter write around it.
_ALONE = re.compile(
    rf"(?:时间[:：]\s*)?(?P<time>{STAMP}|(?:{NEAR_DAY}\s+)?{CLOCK})"
    r"(?:\s*\((?:Read|Delivered|Edited)\b[^()]*\)|\s*→\s*\S+)?"
)
NAMED_STAMP = rf"{NAMED}\s+{CLOCK}"  # as iMessage writes it
# Zoom's words for 'from' and 'to' in the languages of its users: 'Von Ole an Alle: ja'.
SENDER = (
    r"(?:(?i:from|de|von|da|van|od|från|fra|от|від)|从|從|自|来自|來自|开始|開始|보낸 사람)"
    r"\s+(?=\S)"
)
_SENDER = re.compile(SENDER)
_RECEIVER = re.compile(
    r"\s+(?:(?i:to|a|à|an|para|naar|do|till|til|для|кому)|到|至|给|給|に|에게)\s+\S.*$"
)
_LONGEST_NAME = 40
_ANY_CLOCK = re.compile(rf"{ANY_CLOCK}(?:\s?[AaPp]\.?\s?[Mm]\b\.?)?")
_BESIDE = (0, 1, 2, 3, -1, -2, -3)  # lines that are not blank, from a head
_LONGEST = 80  # characters of a line with a time and what programs write beside it
_COLON = re.compile(r"(?<=\d)[h点點]")  # for the sign between hours and minutes
_HAS_CLOCK = re.compile(r"\d:\d\d")
LINE_DAY = re.compile(
    rf"-*\s*(?:[A-Z][a-z]+day, |[A-Z][a-z]{{2}}, )?(?P<day>{DAY})\s*"
    r"(?:[(（]\S{1,9}[)）]|\S*曜日|\w{3,9}|(?:星期|周|週)\w)?\s*-*"
)
_IS_DAY = re.compile(rf"\W*(?:#?\d+\s+)?{ANY_DAY}\W*|[AaPp]\.?\s?[Mm]\.?")  # which is no name
_REPORTED = re.compile(r".+(?:说|道|问|答|想|喊|said|says|asked)")  # 'he said: …' is a story
_STAGE = re.compile(
    r"\s*(?:(?:act|scene|epilogue|prologue)\b.{0,40}|第.{1,3}[幕场].{0,20}|"
    r"[(（\[【][^()（）]+[)）\]】][.。]?|"
    r"(?:enter|exit|exeunt)\b.{0,60}|[^\s:：]{1,24} ?[(（][^()（）:：]{1,30}[)）][:：].*|"
    r"[^:：]{1,24}[:：]\s*[(（][^()（）\d]{1,40}[)）].*)",
    re.IGNORECASE,
)
_ENDS = re.compile(r"[。！？!?…]|[^\W\d]\.")
_WORD = re.compile(r"[^\W_]")
_FIELD = re.compile(r"[:：]\s?\S")  # in what is no name: 'To: Ole (read'
_DAY = timedelta(days=1)
_NEAR = timedelta(hours=1)  # most messages of a chat are closer than this, unlike diary entries


class Form(NamedTuple):
    """A form: the `pattern` of a first line, and the `check` of (lines, heads) of the file.

    `has_day`: the time is with its day; `under_days`: lines between the messages name the day.
    """

    pattern: re.Pattern | None
    check: Callable
    has_day: bool = False
    under_days: bool = False


def _are_close(lines, heads):
    """Whether at least half of the messages follow the one before within an hour.

    Or precede it, in a file with the newest message first.
    """
    times = [
        datetime.fromisoformat(time) for time in dates.times([head.time for head in heads]) if time
    ]
    steps = [after - before for before, after in zip(times, times[1:])]
    near = _most_one_way(steps, timedelta(0), _NEAR)
    return bool(steps) and near * 2 >= len(steps)


def _are_close_or_all(lines, heads):
    """The same, or whether each message is a paragraph below a time with its seconds."""
    starts = {head.line for head in heads}
    begun = [n for n, line in enumerate(lines) if line and not (n and lines[n - 1])]
    exact = sum(bool(re.search(r":\d\d:\d\d", head.time)) for head in heads) == len(heads)
    filled = not any(head.text for head in heads) and min(starts) in begun
    late = [n for n in begun if n >= min(starts)]
    return _are_close(lines, heads) or exact and filled and starts == set(late)


def _most_one_way(steps, none, limit):
    """The number of steps on by `limit` at most, or of those back, whichever are more."""
    return max(
        sum(none <= step <= limit for step in steps), sum(-limit <= step <= none for step in steps)
    )


def _seconds(heads):
    """The time of each head in seconds, as a clock or a recording counts them."""
    found = [re.search(r"(\d{1,2}):(\d\d)(?::(\d\d))?", head.time) for head in heads]
    return [sum(int(n or 0) * 60**p for n, p in zip(m.groups(), (2, 1, 0))) for m in found if m]


def goes_back(lines: list[str], heads: list[Head]) -> bool:
    """Whether the clocks of messages mostly go back, whatever the day: the newest stands first.

    Where the heads have none, those of the lines that stand at one place beside nearly all of them.
    From one minute before midnight to midnight is a step on.
    """
    clocks = [_clock(head.time) for head in heads]
    if not any(clocks):
        beside = (_clocks_beside(lines, heads, step) for step in _BESIDE)
        clocks = next((found for found in beside if 5 * len(found) >= 4 * len(heads)), [])
    on_one_day = dates.times([f"2000-01-01 {clock}" for clock in clocks if clock])
    times = [datetime.fromisoformat(time) for time in on_one_day if time]
    steps = [(b - a + _DAY / 2) % _DAY - _DAY / 2 for a, b in zip(times, times[1:])]
    none = timedelta(0)
    return sum(step < none for step in steps) > sum(step > none for step in steps)


def _clocks_beside(lines, heads, step):
    """The clocks in the lines that are `step` from the heads, blank ones not counted."""
    filled = [number for number, line in enumerate(lines) if line]
    places = {number: place + step for place, number in enumerate(filled)}
    at = [places[head.line] for head in heads if 0 <= places[head.line] < len(filled)]
    return list(filter(None, (_clock(lines[filled[place]]) for place in at)))


def _clock(text):
    """The clock in a short text, beside a day or not; '' without one."""
    short = text.replace("：", ":") if len(text) <= _LONGEST else ""
    found = [match[0] for match in _ANY_CLOCK.finditer(short)]
    clock = next((each for each in found if "." not in each), found[-1] if found else "")
    return _COLON.sub(":", clock)  # with a point it may be a day: 27.10. 9:45


def _run_from_zero(lines, heads):
    """Whether times start at 0 and never go back, as in a recording."""
    times = [[int(number) for number in head.time.split(":")] for head in heads]
    seconds = [
        sum(number * 60**power for power, number in enumerate(reversed(time))) for time in times
    ]
    return times[0][0] == 0 and all(a <= b for a, b in zip(seconds, seconds[1:]))


def _run_on(lines, heads):
    """Whether the clock mostly goes on, or back, by less than two hours each time."""
    steps = [b - a for a, b in zip(_seconds(heads), _seconds(heads)[1:])]
    return _most_one_way(steps, 0, 7200) * 4 >= len(steps) * 3


def _run_on_or_close(lines, heads):
    dated = sum(bool(re.search(DAY, head.time)) for head in heads)
    return (_are_close if dated * 2 > len(heads) else _run_on)(lines, heads)


def fill(lines: list[str], heads: list[Head]) -> bool:
    """Whether messages are most of the text: half of its paragraphs, or a third of its lines."""
    blocks = sum(bool(line) and not above for above, line in zip(["", *lines], lines))
    # A heading with its text below a blank line is one message.
    blocks -= sum(not head.text and lines[head.body : head.body + 1] == [""] for head in heads)
    if blocks >= len(heads):
        return len(heads) * 2 > blocks
    return len(heads) * 3 >= sum(bool(_WORD.search(line)) for line in lines)


def _is_regular(lines, heads):
    """Whether most lines or paragraphs begin with a name of a few that take turns, as time goes on.

    Or goes back, where the newest message stands first. For programs that are not known: a diary or
    a log has no few names in turn.
    """
    names, seconds = Counter(head.name for head in heads), _seconds(heads)
    changes = sum(a.name != b.name for a, b in zip(heads, heads[1:]))
    back = sum(b < a for a, b in zip(seconds, seconds[1:]))
    forward = sum(b > a for a, b in zip(seconds, seconds[1:]))
    twice = sum(count for count in names.values() if count > 1)
    days = [match[0] for head in heads if (match := re.search(ANY_DAY, head.time))]
    sure = sum(
        bool(head.text or re.search(ANY_DAY, head.time) or lines[head.line].endswith((":", "：")))
        for head in heads
    )
    # Two to four names alone, eight messages or more: no diary's first words.
    surely = len(heads) >= 8 and 1 < len(names) <= 4 and changes * 3 >= len(heads)
    often = untimed.furniture(lines, heads)
    said = ["" if line in often else line for line in lines] if often else lines
    return (
        len(heads) >= 4
        and fill(said, heads)
        and len(names) * 2 <= len(heads)
        and twice * 4 >= len(heads) * 3
        and changes * 4 >= len(heads)
        and min(back, forward) * 4 <= len(heads)
        and (surely or sure * 2 > len(heads))
        and len(set(days)) * 4 <= max(len(days) * 3, 4)  # a diary has one entry a day
        and all(map(is_short, names))
    )


def _are_fields(lines, heads):
    """Whether blocks of fields are most of the text, and no mails, which have subjects."""
    mails = sum(
        bool(re.match(r"(?:subject|betreff|asunto|assunto|objet|主题|主題)\s*[:：]", x, re.I))
        for x in lines
    )
    return len(heads) >= 4 and not mails and len(heads) * 8 >= sum(map(bool, lines))


def _have_days(lines, heads):
    return any(LINE_DAY.fullmatch(line) for line in lines)


def _are_few(lines, heads):
    """Whether a day stands above, and few first words open all lines: they are names."""
    return _have_days(lines, heads) and len({head.name for head in heads}) * 4 <= len(heads)


def _are_copied(heads, blocks):
    """Whether each paragraph begins with a name on a line of its own, as WeChat copies messages."""
    names = {head.name for head in heads}
    each = len(heads) == len(blocks) and not any(head.text for head in heads)
    return each and len(heads) >= 4 and 1 < len(names) <= len(heads) / 2


def _is_interview(lines, heads):
    """Whether most paragraphs are turns, made of sentences, of alternating speakers in no play."""
    text = "\n".join(lines)
    blocks = [block for block in re.split(r"\n\n+", text) if block]
    paragraphs = len(blocks) if len(blocks) >= len(heads) else sum(map(bool, lines))
    sentences = 0
    for head, end in zip(heads, [head.line for head in heads[1:]] + [len(lines)]):
        below = takewhile(bool, lines[head.body : end])  # its paragraph, which may be wrapped
        sentences += bool(_ENDS.search("\n".join((head.text, *below))))
    changes = sum(a.name != b.name for a, b in zip(heads, heads[1:]))
    if untimed.furniture(lines, heads):  # of a page or a program, as below comments
        return False
    if _are_copied(heads, blocks):
        return True
    return (
        len(heads) >= 6
        and len(heads) * 2 > paragraphs
        and sentences * 2 > len(heads)
        and changes * 2 >= len(heads)
        and not any(_STAGE.fullmatch(line) for line in lines)
    )


def _is_untimed(lines, heads):
    """Whether names before text or above it are those of a chat, not of a play or a story."""
    ends = sum(bool(_ENDS.search(head.text)) for head in heads)
    is_play = ends * 2 > len(heads) and any(_STAGE.fullmatch(line) for line in lines)
    firsts = [re.split("[:：]", lines[head.line])[0].strip() for head in heads]
    told = sum(map(bool, map(_REPORTED.fullmatch, firsts)))
    return not is_play and told * 2 < len(heads) and untimed.is_regular(lines, heads)


FORMS: dict[str, Form] = {
    name: Form(pattern and re.compile(pattern), *rest)
    for name, (pattern, *rest) in {
        "dated": (rf"(?P<time>{STAMP})\s+{_NAME}\s*(?P<text>)", _are_close_or_all, True),
        "signed": (rf"{_NAME}\s+(?P<time>{STAMP})(?P<text>)", _are_close, True),
        "bracketed": (
            rf"\[(?P<time>{STAMP})\]\s+{_NAME}(?: \(pinned\))?(?P<text>)",
            _are_close,
            True,
        ),
        "line": (rf"(?P<time>{CLOCK})\t(?P<name>[^\t]+)\t(?P<text>.*)", _have_days, False, True),
        "kakao": (
            rf"\[(?P<name>[^\]\n]{{1,40}})\] \[(?P<time>{CLOCK})\] (?P<text>.*)",
            _have_days,
            False,
            True,
        ),
        "line spaced": (
            rf"(?P<time>{CLOCK}) (?P<name>[^\s:：\"“]+) (?P<text>.*)",
            _are_few,
            False,
            True,
        ),
        "clocked": (rf"{_NAME}[:：]?\s+{_ELAPSED}(?P<text>)", _run_from_zero),
        "elapsed": (rf"{_ELAPSED}\s+{_NAME}(?:[:：]\s*(?P<text>.*))?", _run_from_zero),
        "spoken": (
            rf"\[?(?P<time>{STAMP}|{CLOCK},? {DAY}|{CLOCK})\]?[,;\s]\s*(?:[-–]\s+)?"
            rf"{_SPOKEN_NAME}{_TO}"
            r"\s*[:：](?:\s*(?P<text>.*))?",
            _run_on_or_close,
            True,
        ),
        "unknown": (None, _is_regular, True),
        "fields": (None, _are_fields, True),
        "today": (rf"{_NAME}\s+\[?(?P<time>(?:{NEAR_DAY}\s+)?{CLOCK})\]?(?P<text>)", _run_on),
        "stacked": (None, _run_on_or_close, True),
        "labelled": (
            rf"(?P<name>[^\W\d_][\w.'’·\- ]{{0,24}}?|{PHONE})\s?[:：](?P<time>)\s*"
            r"(?P<text>[^\s“\"「『‘].*)?",
            _is_interview,
        ),
        "untimed": (None, _is_untimed),
        "records": (None, lambda lines, heads: True, True),
    }.items()
}


# {program that the file shows itself to be of: the forms that it writes}
OPENINGS = {
    "qq": ("dated",),
    "line": ("line", "line spaced"),
    "kakao": ("spoken", "kakao"),
    "zoom": ("spoken",),
}


def form_of(lines: list[str], opening: str = "") -> str | None:
    """The key of FORMS that the lines are written in, or None for what is no conversation.

    `opening` is a key of OPENINGS where the file is surely of that program.
    """
    clocks = [number for number, line in enumerate(lines) if _HAS_CLOCK.search(line)]
    for form in FORMS:
        if form not in ("labelled", "unknown", "untimed", "records") and len(clocks) < 2:
            continue
        found = heads(lines, form, clocks)
        if found and form in OPENINGS.get(opening, ()):
            return form
        is_chat = (
            len(found) > 2
            and _names_repeat(found)
            and not _are_cues(found)
            and _nearly_all_have_text(lines, found)
        )
        if is_chat and FORMS[form].check(lines, found):
            return form
    return None


def heads(lines: list[str], form: str, clocks: list[int] | None = None) -> list[Head]:
    """The Heads of all messages in this form, in order; `clocks` are the lines with a time."""
    if clocks is None:
        clocks = [number for number, line in enumerate(lines) if _HAS_CLOCK.search(line)]
    if form == "stacked":
        return any_order.without_common_words(_stacked(lines, clocks))
    if form == "unknown":
        return any_order.without_common_words(any_order.of_one_order(lines))
    if form == "records":
        return any_order.without_common_words(record_grammar.heads(lines))
    if form == "untimed":
        return any_order.without_common_words(untimed.heads(lines))
    if form == "fields":
        return max(any_order.of_fields(lines), any_order.of_records(lines), key=len)
    pattern, numbers = FORMS[form].pattern, range(len(lines)) if form == "labelled" else clocks
    matches = [(number, pattern.fullmatch(lines[number])) for number in numbers]
    found = [
        Head(
            number,
            name_of(match["name"].strip("*")),
            match["time"],
            match["text"] or "",
            number + 1,
        )
        for number, match in matches
        if match and not _IS_DAY.fullmatch(match["name"])
    ]
    if form == "labelled":
        found = [
            head
            for head in found
            if head.name.casefold() not in LABELS and not _REPORTED.fullmatch(head.name)
        ]
        count = Counter(head.name for head in found)
        return [head for head in found if count[head.name] > 1]
    if form == "line spaced":
        return _with_whole_names(found)
    if form == "spoken":
        found, _ = _without_receivers(found)
        found = [head for head in found if len(head.name) <= _LONGEST_NAME]
    names = {head.name for head in found}  # WeChat may write 'Name:' without a time later on
    alone = [
        Head(number, line[:-1].strip(), "", "", number + 1)
        for number, line in enumerate(lines)
        if form == "signed" and line[-1:] in (":", "：") and line[:-1].strip() in names
    ]
    return any_order.without_common_words(sorted(found + alone))


def _without_receivers(found):
    """(heads without 'From' before the name and 'to Everyone' behind it, whether nearly all had).

    Zoom writes both, in the language of whoever saved the chat.
    """
    sent = [_SENDER.match(head.name) for head in found]
    count = Counter(match[0].strip().casefold() for match in sent if match)
    if not count or count.most_common(1)[0][1] * 10 < len(found) * 9:
        return found, False
    named = []
    for head, match in zip(found, sent):
        name = _RECEIVER.sub("", head.name[match.end() :]) if match else head.name
        named.append(head._replace(name=name_of(name)))
    return named, True


def _stacked(lines, clocks):
    """Heads of two lines: a time alone on its line, and a name on the line above or below it."""
    matches = [(n, match) for n in clocks if (match := _ALONE.fullmatch(lines[n].strip("*_ ")))]
    best = []
    for step in (-1, 1):
        found = []
        for n, match in matches:
            at = n + step
            if step == 1 and lines[at : at + 1] == [""]:
                at += 1  # a blank line stands between two messages
            if name := _caption(lines, at):
                found.append(Head(min(n, at), name, match["time"], "", max(n, at) + 1))
        names = {head.name for head in found}
        if len(names) > 1 and len(names) * 2 <= len(found) + 1 and len(found) > len(best):
            # With the time under the words the first message has none above its name.
            first = next((n for n, line in enumerate(lines) if line), 0)
            name = _caption(lines, first)
            if step == 1 and name in names and first < found[0].line:
                found.insert(0, Head(first, name, "", "", first + 1))
            best = found
    return best


def is_time(line: str) -> bool:
    """Whether a line is nothing but a time."""
    return bool(_ALONE.fullmatch(line))


def _caption(lines, number):
    """The line as a name; '' for one that is missing, too long, or a sentence."""
    line = lines[number] if 0 <= number < len(lines) else ""
    name = name_of(line.rstrip(":：").strip("*")) if len(line) <= 40 else ""
    return "" if re.search(r"[。！？!?…，,;；]$|:\d\d", line) else name


def _with_whole_names(found):
    """Heads whose names of several words, that only spaces divide from the text, are whole."""
    words = {}
    for head in found:
        words.setdefault(head.name, set()).add(head.text.split(" ", 1)[0])
    whole = []
    for head in found:
        second = words[head.name]
        if len(second) == 1 and sum(h.name == head.name for h in found) > 3 and " " in head.text:
            first, _, text = head.text.partition(" ")
            head = head._replace(name=f"{head.name} {first}", text=text)
        whole.append(head)
    return whole


def _names_repeat(found):
    """Whether there are several names that are no labels, twice each on average."""
    names = Counter(head.name for head in found)
    return (
        len(names) > 1
        and len(names) * 2 <= len(found) + 1
        and not {name.casefold() for name in names} & LABELS
        and sum(names[name] for name in names if _FIELD.search(name)) * 2 < len(found)
    )


def _are_cues(found):
    """Whether the names without times are letters that alternate, or three labels in one order."""
    names = [head.name for head in found]
    if any(head.time for head in found):
        return False
    return record_grammar.are_letters(names) or untimed.are_fields(names)


def _nearly_all_have_text(lines, found):
    """Whether nearly every message has text on its first line or the next one."""
    taken = {head.line for head in found}

    apart = [head for head in found if lines[head.body : head.body + 1] == [""]]
    all_apart = len(apart) * 10 > len(found) * 9

    def below(head):
        # A blank line may stand under a heading of Markdown, or under all names.
        is_apart = lines[head.body : head.body + 1] == [""]
        at = head.body + (is_apart and (all_apart or lines[head.line][:1] == "#"))
        return at < len(lines) and at not in taken and lines[at]

    texts = [head.text or below(head) for head in found]
    return sum(map(bool, texts)) * 4 >= len(found) * 3
