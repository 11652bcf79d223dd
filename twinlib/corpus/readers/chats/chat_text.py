"""Chats and interviews in plain text: QQ, LINE, messages copied from WeChat, transcripts.

The first line of a message has one of these forms, the same throughout a file:
    2023-05-06 10:00:20 Name(12345678)      QQ, exporters of WeChat; the text is on the next lines
    Name 2023/5/6 10:00                     copied from WeChat; the text is on the next lines
    10:01<tab>Name<tab>text                 LINE, under a line with the day
    Name 00:00:01, 00:00:01 Name: text      transcripts
    Name: text                              interviews
Subtitles that name their speakers are conversations too (see subtitles.py).
"""

import re
from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import NamedTuple

from .. import dates, subtitles
from ..encoding import Unreadable
from ..filename import title_of
from ..input_file import File, Options
from ..json_values import start
from .messages import INVISIBLE, Conversation, Message

_CLOCK = (
    r"(?:(?:上午|下午|凌晨|早上|中午|晚上|午前|午後)\s?)?"
    r"\d{1,2}:\d{2}(?::\d{2})?(?:\s?[AaPp]\.?[Mm]\.?)?"
)
_DAY = r"\d{2,4}\s?[./\-年]\s?\d{1,2}\s?[./\-月]\s?\d{1,4}日?"
_NAME = r"(?P<name>[^\s:：][^\t:：]{0,39}?)"
_ELAPSED = r"[\[(]?(?P<time>(?:\d{1,2}:)?\d{1,2}:\d{2})(?:[.,]\d{1,3})?[\])]?"
_FORMS = {
    form: re.compile(pattern)
    for form, pattern in {
        "dated": rf"(?P<time>{_DAY},?\s*{_CLOCK})\s+{_NAME}\s*(?P<text>)",
        "signed": rf"{_NAME}\s+(?P<time>{_DAY},?\s*{_CLOCK})(?P<text>)",
        "line": rf"(?P<time>{_CLOCK})\t(?P<name>[^\t]+)\t(?P<text>.*)",
        "clocked": rf"{_NAME}[:：]?\s+{_ELAPSED}(?P<text>)",
        "elapsed": rf"{_ELAPSED}\s+{_NAME}(?:[:：]\s*(?P<text>.*))?",
        "labelled": r"(?P<name>[^\W\d_][\w.'’·\- ]{0,24}?)\s?[:：](?P<time>)\s*"
        r"(?P<text>[^\s“\"「『‘].*)?",
    }.items()
}
_LINE_DAY = re.compile(rf"({_DAY})\s*(?:[(（]\S{{1,9}}[)）]|\S*曜日|\w{{3,9}}|(?:星期|周|週)\w)?")
_LINE_TITLE = re.compile(
    r"\[LINE\]\s*(?:Chat (?:history )?(?:with|in) |[与與和])?(.+?)(?:とのトーク履歴|的(?:聊天|"
    r"對話).*)?"
)
_RULE = re.compile(r"={20,}|消息分组[:：].*")  # lines that QQ writes between two chats
_QQ, _OBJECT = "消息记录", re.compile(r"消息对象[:：](.*)")
_SYSTEM = {"系统消息", "system", "系統訊息"}
# Words before a colon that are no names.
_LABELS = set(
    "note notes tip tips warning caution hint example update edit ps p.s todo step mood weather "
    "date title time place name phone email address tags pros cons ingredients method serves "
    "summary source info error warn debug fatal trace critical notice sunny cloudy rain rainy home "
    "work 注 注意 提示 备注 例 例如 步骤 心得 小贴士 贴士 材料 做法 天气 心情 日期 时间 地点 "
    "标题 姓名 "
    "电话 地址 标签 优点 缺点 总结 来源 晴 阴 雨 雪 多云 小雨 大雨 中雨 阴天 晴天 雨天".split()
)
_REPORTED = re.compile(r".+(?:说|道|问|答|想|喊|said|says|asked)")  # 'he said: …' is a story
_STAGE = re.compile(
    r"\s*(?:(?:act|scene|epilogue|prologue)\b.{0,40}|第.{1,3}[幕场].{0,20}|"
    r"[(（\[【][^()（）]+[)）\]】][.。]?|"
    r"(?:enter|exit|exeunt)\b.{0,60}|[^\s:：]{1,24} ?[(（][^()（）:：]{1,30}[)）][:：].*|"
    r"[^:：]{1,24}[:：]\s*[(（][^()（）\d]{1,40}[)）].*)",
    re.IGNORECASE,
)
_ENDS = re.compile(r"[。！？!?…]|[^\W\d]\.")
_NEAR = timedelta(hours=1)  # most messages of a chat are closer than this, unlike diary entries


class _Head(NamedTuple):
    """The first line of a message: its number, the sender, the time as written, the text."""

    line: int
    name: str
    time: str
    text: str


def looks_like(file: File) -> bool:
    """Whether lines of one form name two people repeatedly, closer in time than in a diary."""
    if subtitles.labelled(file):
        return True
    return file.suffix in (".txt", ".text", "") and bool(_form(_start(file)))


def conversations(file: File, options: Options) -> Iterator[Conversation]:
    """Yield the file's Conversations, one for each partner of a QQ export. Raises Unreadable."""
    if subtitles.labelled(file):
        yield subtitles.conversation(file)
        return
    form = _form(_start(file))
    if not form:
        raise Unreadable("damaged")
    for title, part in _parts(_lines(file.text)):
        messages = _messages(part, form)
        if messages:
            yield Conversation(title or title_of(file.name), messages)


def _start(file):
    return _lines(start(file))[:3000]


def _lines(text):
    return [INVISIBLE.sub("", line).strip(" \r\u3000\xa0") for line in text.split("\n")]


def _opening(lines):
    """'qq' or 'line' when the file begins as these programs begin theirs."""
    first = next((line for line in lines if line), "")
    return "qq" if first.startswith(_QQ) else "line" if first.startswith("[LINE]") else ""


def _form(lines):
    """The key of _FORMS that the file is written in, or None for what is no conversation."""
    opening = _opening(lines)
    for form in _FORMS:
        heads = _heads(lines, form)
        if heads and (form, opening) in (("dated", "qq"), ("line", "line")):
            return form
        is_chat = len(heads) > 2 and _names_repeat(heads) and _nearly_all_have_text(lines, heads)
        if is_chat and _CHECKS[form](lines, heads):
            return form
    return None


def _heads(lines, form):
    """The _Heads of all messages in this form, in order."""
    matches = [(number, _FORMS[form].fullmatch(line)) for number, line in enumerate(lines)]
    heads = [
        _Head(number, _name(match["name"]), match["time"], match["text"] or "")
        for number, match in matches
        if match
    ]
    if form == "labelled":
        heads = [
            head
            for head in heads
            if head.name.casefold() not in _LABELS and not _REPORTED.fullmatch(head.name)
        ]
        count = Counter(head.name for head in heads)
        return [head for head in heads if count[head.name] > 1]
    names = {head.name for head in heads}  # WeChat may write 'Name:' without a time later on
    alone = [
        _Head(number, line[:-1].strip(), "", "")
        for number, line in enumerate(lines)
        if form == "signed" and line[-1:] in (":", "：") and line[:-1].strip() in names
    ]
    return sorted(heads + alone)


def _name(name):
    """A name without QQ's number, address and rank, if anything is left."""
    short = re.sub(
        r"\s*(?:[(（]\d{5,12}[)）]|<[^<>\s]+>)$|^【[^【】]{1,8}】(?=.)", "", name.strip()
    )
    short = re.sub(r"\s*(?:[(（]\d{5,12}[)）]|<[^<>\s]+>)$", "", short)
    return short.strip() or name.strip()


def _names_repeat(heads):
    """Whether there are several names that are no labels, twice each on average."""
    names = Counter(head.name for head in heads)
    return (
        len(names) > 1
        and len(names) * 2 <= len(heads) + 1
        and not {name.casefold() for name in names} & _LABELS
    )


def _nearly_all_have_text(lines, heads):
    """Whether nearly every message has text on its first line or the next one."""
    taken = {head.line for head in heads}
    texts = [
        head.text
        or head.line + 1 < len(lines)
        and head.line + 1 not in taken
        and lines[head.line + 1]
        for head in heads
    ]
    return sum(map(bool, texts)) * 4 >= len(heads) * 3


def _are_close(lines, heads):
    """Whether at least half of the messages follow the one before within an hour."""
    times = [
        datetime.fromisoformat(time) for time in dates.times([head.time for head in heads]) if time
    ]
    near = [timedelta(0) <= after - before <= _NEAR for before, after in zip(times, times[1:])]
    return bool(near) and sum(near) * 2 >= len(near)


def _run_from_zero(lines, heads):
    """Whether times start at 0 and never go back, as in a recording."""
    times = [[int(number) for number in head.time.split(":")] for head in heads]
    seconds = [
        sum(number * 60**power for power, number in enumerate(reversed(time))) for time in times
    ]
    return times[0][0] == 0 and all(a <= b for a, b in zip(seconds, seconds[1:]))


def _have_days(lines, heads):
    return any(_LINE_DAY.fullmatch(line) for line in lines)


def _is_interview(lines, heads):
    """Whether most paragraphs are turns, made of sentences, of alternating speakers in no play."""
    text = "\n".join(lines)
    blocks = [block for block in re.split(r"\n\n+", text) if block]
    paragraphs = len(blocks) if len(blocks) >= len(heads) else sum(map(bool, lines))
    sentences = sum(
        bool(_ENDS.search(head.text or lines[head.line + 1]))
        for head in heads
        if head.line + 1 < len(lines)
    )
    changes = sum(a.name != b.name for a, b in zip(heads, heads[1:]))
    return (
        len(heads) >= 6
        and len(heads) * 2 > paragraphs
        and sentences * 2 > len(heads)
        and changes * 2 >= len(heads)
        and not any(_STAGE.fullmatch(line) for line in lines)
    )


_CHECKS = {
    "dated": _are_close,
    "signed": _are_close,
    "line": _have_days,
    "clocked": _run_from_zero,
    "elapsed": _run_from_zero,
    "labelled": _is_interview,
}


def _parts(lines):
    """Yield (title, lines): one, or one for each partner in a QQ export."""
    opening = _opening(lines)
    if opening != "qq":
        match = _LINE_TITLE.fullmatch(next((line for line in lines if line), ""))
        yield match[1].strip() if opening and match else "", lines
        return
    title, part = "", []
    for line in lines:
        match = _OBJECT.fullmatch(line)
        if match:
            yield title, part
            title, part = match[1].strip(), []
        elif not _RULE.fullmatch(line):
            part.append(line)
    yield title, part


def _messages(lines, form):
    heads = _heads(lines, form)
    times = _times(lines, heads, form)
    messages = []
    for head, time, end in zip(heads, times, [head.line for head in heads[1:]] + [len(lines)]):
        rest = [
            line for line in lines[head.line + 1 : end] if form != "line" or not _is_notice(line)
        ]
        text = "\n".join([head.text, *rest]).strip()
        # LINE quotes a message of several lines.
        if form == "line" and "\n" in text and text[0] == text[-1] == '"':
            text = text[1:-1]
        if text and head.name.casefold() not in _SYSTEM:
            messages.append(Message(head.name, text, time))
    return messages


def _is_notice(line):
    """Whether a line is LINE's own: a day, or an event with its time."""
    return _LINE_DAY.fullmatch(line) or re.fullmatch(rf"{_CLOCK}\t[^\t]*", line)


def _times(lines, heads, form):
    if form not in ("dated", "signed", "line"):
        return [""] * len(heads)
    if form != "line":
        return dates.times([head.time for head in heads])
    days, day = {}, ""
    for number, line in enumerate(lines):
        match = _LINE_DAY.fullmatch(line)
        day = days[number] = match[1] if match else day
    return dates.times([f"{days[head.line]} {head.time}" for head in heads])
