"""A table of messages or posts: what WeChat, QQ and Weibo exporters write, or any other once its columns are named.

A reply with a quotation is of WeChat's type 49, subtype 57: its title is what was said, its refermsg what was quoted.
"""

import html
import re

from .. import columns, dates, spreadsheets
from ..filename import title_of
from ..input_file import Conversation, UnknownColumns
from .messages import Said, spoken

TEXT_TYPES = {"1", "text", "文本", "文字", "文本消息", "纯文本", "txt", "plain", "message", ""}
REPLY_TYPES = {
    "引用消息",
    "引用",
    "引用回复",
    "回复消息",
    "回复",
    "quote",
    "reply",
    "244813135921",
}  # 57 * 2**32 + 49
DASHES = r"[ \t\r]*\n[ \t\r\n]*(?:[-—–─] ?){5,}[ \t\r]*\n"
INSIDE = r"(?:[^\[\]]|\[[^\[\]\n]{0,20}\])*"  # with emoticons: [捂脸]
QUOTED = re.compile(
    rf"[\[【]引用[ :：]?\s*(?:(?P<who1>[^:：\n\]】]{{1,40}})[:：])?(?P<asked1>{INSIDE}?)[\]】]\s*(?P<own1>.*)"
    rf"|「(?:(?P<who2>[^:：\n」]{{1,40}})[:：])?(?P<asked2>[^」]*)」{DASHES}(?P<own2>.*)"
    r"|(?P<own3>[^\n]+(?:\n(?![\[【「]?引用[:：])[^\n]*)*)"
    r"\n[\[【「]?引用[:：](?:(?P<who3>[^:：\n]{1,40})[:：])?(?P<asked3>.+)",
    re.DOTALL,
)
REPOST = re.compile(r"[\[【(（]转(?:载|发|帖|贴)?[\]】)）]")
CUT_OFF = re.compile(r"(?:\.{3}|…{1,2})[\s\u200b]*(?:展开)?全文c?[\s\u200b]*$")
ME = ("我", "本人", "自己", "me", "you", "myself")
SYSTEM = {"系统消息", "系统", "system", "系統訊息", "微信团队"}
UNKNOWN = (
    ".csv",
    ".tsv",
    ".tab",
    ".xlsx",
    ".jsonl",
)  # what is worth asking about when nothing tells its columns


def looks_like(file):
    """Is it a table with a known column of messages, or one that holds writing in columns nobody knows?"""
    for _, names, rows in spreadsheets.peek(file):
        known = {columns.plain(name) for name in names}
        if any({columns.plain(name) for name in listed} <= known for listed in columns.LISTS):
            return False
        if columns.answers(names):
            return False
        if columns.chat(names, {}) or file.suffix in UNKNOWN and _written(names, rows):
            return True
    return (
        file.suffix == ".xlsx"
        and spreadsheets.sort_of(file) == "xlsx"
        and not spreadsheets.peek(file)
    )


def _written(names, rows):
    """Is there a column in which most cells are sentences rather than numbers, names and links?"""
    cells = [[row[name] for row in rows if row[name].strip()] for name in names]
    return any(sum(_sentence(cell) for cell in column) * 2 > len(rows) for column in cells)


def _sentence(cell):
    words = spoken(cell)
    chinese = re.findall(r"[\u4e00-\u9fff]", words)
    return len(chinese) >= 6 or len(re.findall(r"[^\W\d_]{2,}", words)) >= 4


def conversations(file, options):
    """Yield the Conversations of a table; raises UnknownColumns when nothing tells which column is what, or Unreadable."""
    unknown, known = None, False
    for table in spreadsheets.read(file):
        roles = columns.chat(table.columns, options.columns)
        if roles:
            known = True
            yield from _conversations(table, roles, title_of(file.name))
        elif unknown is None:
            unknown = UnknownColumns(
                table.columns, [list(row.values()) for row, _ in zip(table.rows, range(3))]
            )
    if unknown and not known:
        raise unknown


def _conversations(table, roles, title):
    rows = _texts(list(table.rows), roles)
    times = _times(rows, roles)
    chats = {}
    for row, time in zip(rows, times):
        chats.setdefault(_first(row, roles.get("chat", [])), []).extend(_messages(row, time, roles))
    for name, messages in chats.items():
        if all(message.time for message in messages):
            messages.sort(key=lambda message: message.time)
        if name.isdecimal():  # a number says nobody; the others' name does
            name = next((message.sender for message in messages if message.mine is False), "")
        yield Conversation(
            name or title or table.name, messages, "post" if "post" in roles else "chat"
        )


def _texts(rows, roles):
    """The rows whose type is text, where there is such a type; without what the program itself says."""
    for column in roles.get("type", [])[:1]:
        written = [
            row
            for row in rows
            if row[column].strip().casefold() in TEXT_TYPES or _reply(row, column, roles)
        ]
        rows = written if any(row[column].strip() for row in written) else rows
    return [row for row in rows if _first(row, roles.get("sender", [])).casefold() not in SYSTEM]


def _reply(row, column, roles):
    """Is this a message with a quotation above it?"""
    sort, subtypes = row[column].strip().casefold(), columns.find(("SubType",), row)
    return (
        sort in REPLY_TYPES
        or sort == "49"
        and (_first(row, subtypes) == "57" or "<refermsg" in _first(row, roles["text"]))
    )


def _times(rows, roles):
    """The ISO time of every row, from the first time column that can be read."""
    for column in roles.get("time", []):
        found = dates.times([row[column] for row in rows])
        if any(found):
            return found
    return [""] * len(rows)


def _messages(row, time, roles):
    text, mine = _first(row, roles["text"]), _mine(row, roles)
    sender = _first(row, roles.get("sender", []))
    if "post" in roles:
        yield from _post(text, time, _reposted(row, roles))
    elif text:
        sender = sender or ("me" if mine else _first(row, roles.get("chat", [])))
        text, who, asked = _unquoted(text)
        asked = None if mine is None and who == sender else asked or None  # nobody asks themselves
        yield Said(
            sender,
            text,
            time,
            True if mine is None and sender.casefold() in ME else mine,
            asked=asked,
        )


def _unquoted(text):
    """(what was said, whom it quotes, what it quotes) of a message; '' for what isn't there."""
    text = re.sub(
        r"^[\w@.-]{1,60}:\s?\n(?=<)", "", text
    )  # in groups the sender stands before the markup
    if text.startswith("<") and ("<refermsg" in text or "<type>57</type>" in text):
        said, _, quoted = text.partition("<refermsg")
        return (
            _element(said, "title"),
            _element(quoted, "displayname"),
            _words(_element(quoted, "content")),
        )
    found = QUOTED.match(text)
    own, who, asked = (
        (
            next((found[f"{part}{n}"] for n in "123" if found[f"{part}{n}"]), "").strip()
            for part in ("own", "who", "asked")
        )
        if found
        else ("", "", "")
    )
    return (own, who, asked) if own else (text, "", "")


def _element(text, name):
    """The text of the first element of this name; no parser, so that nothing in it is ever resolved."""
    text = text.partition(f"<{name}>")[2].partition(f"</{name}>")[0].strip()
    bare = text.removeprefix("<![CDATA[").removesuffix("]]>")
    return (html.unescape(bare) if bare == text else bare).strip()


def _words(content):
    """What a quoted message says: of one that is itself markup only its title."""
    return _element(content, "title") if content.startswith("<") else content


def _post(text, time, reposted):
    """Weibo keeps what was forwarded behind '//@name:'; only what stands before it is the owner's."""
    text = CUT_OFF.sub("", text).rstrip("\u200b \n\t")
    reposted = reposted or REPOST.match(text)
    own, mark, others = text.partition("//@")
    own = (
        ""
        if re.fullmatch(r"(转发微博|轉發微博|repost|转发)?[。.\s]*", own.strip(), re.IGNORECASE)
        else own.strip()
    )
    if own:
        yield Said("", own, time, True, "repost" if reposted and not mark else "")
    if mark:
        yield Said("", mark + others, time, True, "repost")


def _reposted(row, roles):
    original = _first(row, roles.get("original", [])).casefold()
    # A Weibo row that isn't original holds the owner's comment; elsewhere a repost is somebody else's text.
    return (
        _first(row, roles.get("repost", [])).casefold() in columns.YES
        and original not in columns.YES
    )


def _mine(row, roles):
    value = _first(row, roles.get("mine", [])).casefold()
    return True if value in columns.YES else False if value in columns.NO else None


def _first(row, names):
    return next((row[name].strip() for name in names if row[name].strip()), "")
