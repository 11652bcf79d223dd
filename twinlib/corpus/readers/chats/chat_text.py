"""Chats and interviews in plain text: QQ's and LINE's exports, messages copied from WeChat, transcripts with speakers.

A message begins with who says it, in one of these forms, the same all through a file:
    2023-05-06 10:00:20 Name(12345678)      QQ, exporters of WeChat; the words stand below
    Name 2023/5/6 10:00                     copied from WeChat; the words stand below
    10:01<tab>Name<tab>words                LINE, under a line with the day
    Name 00:00:01, 00:00:01 Name: words     transcripts
    Name: words                             interviews
Subtitles that name their speakers are conversations too (see `subtitles`).
"""

import re
from collections import Counter
from datetime import datetime, timedelta
from typing import NamedTuple

from .. import dates, json_values, subtitles
from ..encoding import Unreadable
from ..filename import title_of
from ..input_file import Conversation
from .messages import MARKS, Said

CLOCK = r"(?:(?:上午|下午|凌晨|早上|中午|晚上|午前|午後)\s?)?\d{1,2}:\d{2}(?::\d{2})?(?:\s?[AaPp]\.?[Mm]\.?)?"
DAY = r"\d{2,4}\s?[./\-年]\s?\d{1,2}\s?[./\-月]\s?\d{1,4}日?"
NAME = r"(?P<name>[^\s:：][^\t:：]{0,39}?)"
ELAPSED = r"[\[(]?(?P<time>(?:\d{1,2}:)?\d{1,2}:\d{2})(?:[.,]\d{1,3})?[\])]?"
FORMS = {
    form: re.compile(pattern)
    for form, pattern in {
        "dated": rf"(?P<time>{DAY},?\s*{CLOCK})\s+{NAME}\s*(?P<text>)",
        "signed": rf"{NAME}\s+(?P<time>{DAY},?\s*{CLOCK})(?P<text>)",
        "line": rf"(?P<time>{CLOCK})\t(?P<name>[^\t]+)\t(?P<text>.*)",
        "clocked": rf"{NAME}[:：]?\s+{ELAPSED}(?P<text>)",
        "elapsed": rf"{ELAPSED}\s+{NAME}(?:[:：]\s*(?P<text>.*))?",
        "labelled": r"(?P<name>[^\W\d_][\w.'’·\- ]{0,24}?)\s?[:：](?P<time>)\s*(?P<text>[^\s“\"「『‘].*)?",
    }.items()
}
LINE_DAY = re.compile(rf"({DAY})\s*(?:[(（]\S{{1,9}}[)）]|\S*曜日|\w{{3,9}}|(?:星期|周|週)\w)?")
LINE_TITLE = re.compile(
    r"\[LINE\]\s*(?:Chat (?:history )?(?:with|in) |[与與和])?(.+?)(?:とのトーク履歴|的(?:聊天|對話).*)?"
)
RULE = re.compile(r"={20,}|消息分组[:：].*")  # what QQ writes between two chats
QQ, OBJECT = "消息记录", re.compile(r"消息对象[:：](.*)")
SYSTEM = {"系统消息", "system", "系統訊息"}
LABELS = set(
    """note notes tip tips warning caution hint example update edit ps p.s todo step mood weather date title time
place name phone email address tags pros cons ingredients method serves summary source info error warn debug fatal trace
critical notice 注 注意 提示 备注 例 例如 步骤 心得 小贴士 贴士 材料 做法 天气 心情 日期 时间 地点 标题 姓名 电话 地址 标签 优点 缺点
总结 来源 晴 阴 雨 雪 多云 小雨 大雨 中雨 阴天 晴天 雨天 sunny cloudy rain rainy home work""".split()
)
TOLD = re.compile(r".+(?:说|道|问|答|想|喊|said|says|asked)")  # 'he said: …' is a story
STAGE = re.compile(
    r"\s*(?:(?:act|scene|epilogue|prologue)\b.{0,40}|第.{1,3}[幕场].{0,20}|[(（\[【][^()（）]+[)）\]】][.。]?|"
    r"(?:enter|exit|exeunt)\b.{0,60}|[^\s:：]{1,24} ?[(（][^()（）:：]{1,30}[)）][:：].*|"
    r"[^:：]{1,24}[:：]\s*[(（][^()（）\d]{1,40}[)）].*)",
    re.IGNORECASE,
)
ENDS = re.compile(r"[。！？!?…]|[^\W\d]\.")
NEAR = timedelta(hours=1)  # messages are mostly closer than this, entries of a diary are not


class Head(NamedTuple):
    """Where a message begins: the line's number, who says it, the time as written, the words on the same line."""

    line: int
    name: str
    time: str
    text: str


def looks_like(file):
    """Do lines of one form name two people or more who come back, closer in time than the entries of a diary?"""
    if subtitles.labelled(file):
        return True
    return file.suffix in (".txt", ".text", "") and bool(_form(_start(file)))


def conversations(file, options):
    """Yield the Conversations of the file, one for each partner that a QQ export names; raises Unreadable."""
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
    return _lines(json_values.start(file))[:3000]


def _lines(text):
    return [MARKS.sub("", line).strip(" \r\u3000\xa0") for line in text.split("\n")]


def _opening(lines):
    """'qq' or 'line' when the file begins as these programs begin theirs."""
    first = next((line for line in lines if line), "")
    return "qq" if first.startswith(QQ) else "line" if first.startswith("[LINE]") else ""


def _form(lines):
    """The key of FORMS that the file is written in, or None for what is no conversation."""
    opening = _opening(lines)
    for form in FORMS:
        heads = _heads(lines, form)
        if heads and (form, opening) in (("dated", "qq"), ("line", "line")):
            return form
        if (
            len(heads) > 2
            and _come_back(heads)
            and _worded(lines, heads)
            and CHECKS[form](lines, heads)
        ):
            return form
    return None


def _heads(lines, form):
    found = [(number, FORMS[form].fullmatch(line)) for number, line in enumerate(lines)]
    heads = [
        Head(number, _name(match["name"]), match["time"], match["text"] or "")
        for number, match in found
        if match
    ]
    if form == "labelled":
        heads = [
            head
            for head in heads
            if head.name.casefold() not in LABELS and not TOLD.fullmatch(head.name)
        ]
        count = Counter(head.name for head in heads)
        return [head for head in heads if count[head.name] > 1]
    names = {head.name for head in heads}  # after the first, WeChat may write 'Name:' alone
    alone = [
        Head(number, line[:-1].strip(), "", "")
        for number, line in enumerate(lines)
        if form == "signed" and line[-1:] in (":", "：") and line[:-1].strip() in names
    ]
    return sorted(heads + alone)


def _name(name):
    """A name without QQ's number, address and rank."""
    short = re.sub(
        r"\s*(?:[(（]\d{5,12}[)）]|<[^<>\s]+>)$|^【[^【】]{1,8}】(?=.)", "", name.strip()
    )
    short = re.sub(r"\s*(?:[(（]\d{5,12}[)）]|<[^<>\s]+>)$", "", short)
    return short.strip() or name.strip()


def _come_back(heads):
    names = Counter(head.name for head in heads)
    return (
        len(names) > 1
        and len(names) * 2 <= len(heads) + 1
        and not {name.casefold() for name in names} & LABELS
    )


def _worded(lines, heads):
    """Has nearly every head words beside or below it?"""
    taken = {head.line for head in heads}
    words = [
        head.text
        or head.line + 1 < len(lines)
        and head.line + 1 not in taken
        and lines[head.line + 1]
        for head in heads
    ]
    return sum(map(bool, words)) * 4 >= len(heads) * 3


def _close(lines, heads):
    times = [
        datetime.fromisoformat(time) for time in dates.times([head.time for head in heads]) if time
    ]
    near = [timedelta(0) <= after - before <= NEAR for before, after in zip(times, times[1:])]
    return bool(near) and sum(near) * 2 >= len(near)


def _running(lines, heads):
    """Does the clock begin with the recording and run forward? (A day's begins in the morning.)"""
    times = [[int(number) for number in head.time.split(":")] for head in heads]
    seconds = [
        sum(number * 60**place for place, number in enumerate(reversed(time))) for time in times
    ]
    return times[0][0] == 0 and all(a <= b for a, b in zip(seconds, seconds[1:]))


def _days(lines, heads):
    return any(LINE_DAY.fullmatch(line) for line in lines)


def _interview(lines, heads):
    """Are most paragraphs somebody's turn, in sentences, and is it no play?"""
    text = "\n".join(lines)
    blocks = [block for block in re.split(r"\n\n+", text) if block]
    paragraphs = len(blocks) if len(blocks) >= len(heads) else sum(map(bool, lines))
    sentences = sum(
        bool(ENDS.search(head.text or lines[head.line + 1]))
        for head in heads
        if head.line + 1 < len(lines)
    )
    changes = sum(a.name != b.name for a, b in zip(heads, heads[1:]))
    return (
        len(heads) >= 6
        and len(heads) * 2 > paragraphs
        and sentences * 2 > len(heads)
        and changes * 2 >= len(heads)
        and not any(STAGE.fullmatch(line) for line in lines)
    )


CHECKS = {
    "dated": _close,
    "signed": _close,
    "line": _days,
    "clocked": _running,
    "elapsed": _running,
    "labelled": _interview,
}


def _parts(lines):
    """Yield (title, lines): one, or one for each partner in a file of QQ's."""
    opening = _opening(lines)
    if opening != "qq":
        match = LINE_TITLE.fullmatch(next((line for line in lines if line), ""))
        yield match[1].strip() if opening and match else "", lines
        return
    title, part = "", []
    for line in lines:
        match = OBJECT.fullmatch(line)
        if match:
            yield title, part
            title, part = match[1].strip(), []
        elif not RULE.fullmatch(line):
            part.append(line)
    yield title, part


def _messages(lines, form):
    heads = _heads(lines, form)
    times = _times(lines, heads, form)
    found = []
    for head, time, end in zip(heads, times, [head.line for head in heads[1:]] + [len(lines)]):
        rest = [line for line in lines[head.line + 1 : end] if form != "line" or not _lone(line)]
        text = "\n".join([head.text, *rest]).strip()
        if (
            form == "line" and "\n" in text and text[0] == text[-1] == '"'
        ):  # LINE's mark of several lines
            text = text[1:-1]
        if text and head.name.casefold() not in SYSTEM:
            found.append(Said(head.name, text, time))
    return found


def _lone(line):
    """A line of LINE's own: a day, or what happened at a time."""
    return LINE_DAY.fullmatch(line) or re.fullmatch(rf"{CLOCK}\t[^\t]*", line)


def _times(lines, heads, form):
    if form not in ("dated", "signed", "line"):
        return [""] * len(heads)
    if form != "line":
        return dates.times([head.time for head in heads])
    days, day = {}, ""
    for number, line in enumerate(lines):
        match = LINE_DAY.fullmatch(line)
        day = days[number] = match[1] if match else day
    return dates.times([f"{days[head.line]} {head.time}" for head in heads])
