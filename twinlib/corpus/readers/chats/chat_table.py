"""Tables of messages or posts: from exporters of WeChat, QQ and Weibo, or with known column names.

WeChat stores a reply with a quotation as type 49, subtype 57: its `title` is the reply, its
`refermsg` the quoted message.
"""

import html
import re
from collections.abc import Iterator
from itertools import islice

from ....text.inputs import columns, spreadsheets
from ....text.inputs.filename import title_of
from ....text.inputs.input_file import File, Options, UnknownColumns
from .. import dates
from . import others
from .messages import Conversation, Message, in_order, strip_placeholders

_TEXT_TYPES = {"1", "text", "文本", "文字", "文本消息", "纯文本", "txt", "plain", "message", ""}
# The last is WeChat's 57 * 2**32 + 49.
_REPLY_TYPES = set("引用消息 引用 引用回复 回复消息 回复 quote reply 244813135921".split())
_REPOST = re.compile(r"[\[【(（]转(?:载|发|帖|贴)?[\]】)）]")
_NO_COMMENT = re.compile(r"(转发微博|轉發微博|repost|转发)?[。.\s]*", re.IGNORECASE)
_CUT_OFF = re.compile(r"(?:\.{3}|…{1,2})[\s\u200b]*(?:展开)?全文c?[\s\u200b]*$")
# A number or an account, also with letters masked.
_ID = re.compile(r"\d+|(?:wxid|gh)_[\w*]+|[\w*]+@chatroom|[\w-]*\*{2,}[\w-]*")
_USEFUL = re.compile(r"\s*\(\d+ 有用\)$")  # Douban's votes
_HTML = re.compile(r"<(?:p|br|blockquote)\b[^<>]*>")
_HTML_QUOTE = re.compile(r"<blockquote\b.*?</blockquote>", re.DOTALL)
_ME = ("我", "本人", "自己", "me", "you", "myself")
_SYSTEM = {"系统消息", "系统", "system", "系統訊息", "微信团队"}
_NOTION = re.compile(r"[ _-]?[0-9a-f]{32}(?:_all)?\.csv$")
# Suffixes of tables whose columns the owner is asked for when they are unknown.
_UNKNOWN = (".csv", ".tsv", ".tab", ".xlsx", ".jsonl")


def looks_like(file: File) -> bool:
    """Whether it is a table with a known column of messages, or with prose in unknown columns."""
    for _, names, rows in spreadsheets.peek(file):
        known = {columns.plain(name) for name in names}
        if any({columns.plain(name) for name in listed} <= known for listed in columns.LISTS):
            return False
        if columns.answers(names):
            return False
        if columns.chat(names, {}) or _may_be_asked(file) and _has_prose(names, rows):
            return True
    # A workbook that can't be read is refused by `conversations`.
    is_workbook = file.suffix == ".xlsx" and spreadsheets.kind_of(file) == "xlsx"
    return is_workbook and not spreadsheets.peek(file)


def _may_be_asked(file):
    """Whether the owner is asked for unknown columns: not of Notion's, where each row is a page."""
    is_table = file.suffix in _UNKNOWN or spreadsheets.is_bare(file)
    return is_table and not _NOTION.search(file.name)


def _has_prose(names, rows):
    """Whether most cells of a column are sentences rather than numbers, names and links."""
    cells = [[row[name] for row in rows if row[name].strip()] for name in names]
    return any(sum(_is_sentence(cell) for cell in column) * 2 > len(rows) for column in cells)


def _is_sentence(cell):
    words = strip_placeholders(cell)
    chinese = re.findall(r"[\u4e00-\u9fff]", words)
    return len(chinese) >= 6 or len(re.findall(r"[^\W\d_]{2,}", words)) >= 4


def conversations(file: File, options: Options) -> Iterator[Conversation]:
    """Yield the Conversations of a table. Raises UnknownColumns or Unreadable."""
    unknown_table, has_known_columns = None, False
    for table in spreadsheets.read(file):
        roles = columns.chat(table.columns, options.columns)
        if roles:
            has_known_columns = True
            yield from _conversations(table, roles, title_of(file.name))
        elif unknown_table is None:
            first = [list(row.values()) for row in islice(table.rows, 3)]
            unknown_table = UnknownColumns(table.columns, first)
    if unknown_table and not has_known_columns:
        raise unknown_table


def _conversations(table, roles, title):
    rows = _texts(list(table.rows), roles)
    times = _times(rows, roles)
    chats = {}
    for row, time in zip(rows, times):
        chats.setdefault(_first(row, roles.get("chat", [])), []).extend(_messages(row, time, roles))
    for name, messages in chats.items():
        messages = in_order(messages)
        if _ID.fullmatch(name):  # no title, unlike the other person's name
            others = {message.sender for message in messages if message.mine is False}
            name = others.pop() if len(others) == 1 and not _ID.fullmatch(min(others)) else ""
        kind = "post" if "post" in roles else "chat"
        yield Conversation(name or title or table.name, messages, kind, unmarked=True)


def _texts(rows, roles):
    """The rows whose type is text, if there are types, without messages of the program itself."""
    for column in roles.get("type", [])[:1]:
        text_rows = [
            row
            for row in rows
            if row[column].strip().casefold() in _TEXT_TYPES or _is_reply(row, column, roles)
        ]
        rows = text_rows if any(row[column].strip() for row in text_rows) else rows
    return [row for row in rows if _first(row, roles.get("sender", [])).casefold() not in _SYSTEM]


def _is_reply(row, column, roles):
    """Whether a row is a message that quotes the one it replies to."""
    kind, subtypes = row[column].strip().casefold(), columns.find(("SubType",), row)
    return (
        kind in _REPLY_TYPES
        or kind == "49"
        and (_first(row, subtypes) == "57" or "<refermsg" in _first(row, roles["text"]))
    )


def _times(rows, roles):
    """The ISO time of every row, from the first time column that can be read."""
    for column in roles.get("time", []):
        times = dates.times([row[column] for row in rows])
        if any(times):
            return times
    return [""] * len(rows)


def _messages(row, time, roles):
    text, is_mine = _first(row, roles["text"]), _is_mine(row, roles)
    sender = _first(row, roles.get("sender", []))
    if "post" in roles:
        yield from own_post(text, time, _is_repost(row, roles))
    elif text:
        sender = sender or ("me" if is_mine else _first(row, roles.get("chat", [])))
        text, quoted_sender, quoted = unquoted(text)
        if is_mine is None and quoted_sender == sender:  # a reply to one's own message
            quoted = ""
        if is_mine is None and sender.casefold() in _ME:
            is_mine = True
        yield Message(sender, text, time, is_mine, reply_to=quoted or None)


def unquoted(text: str) -> tuple[str, str, str]:
    """(own text, whom it quotes, what it quotes) of a message, the last two '' without a quote."""
    # In groups the sender's id is written before the XML.
    text = re.sub(r"^[\w@.-]{1,60}:\s?\n(?=<)", "", text)
    if text.startswith("<") and ("<refermsg" in text or "<type>57</type>" in text):
        reply, _, quoted = text.partition("<refermsg")
        content = _element(quoted, "content")
        if content.startswith("<"):  # XML of a link or file: its title
            content = _element(content, "title")
        return _element(reply, "title"), _element(quoted, "displayname"), content
    return others.unquoted(text)


def _element(text, name):
    """The text of the first XML element of this name, without a parser: entities do no harm."""
    text = text.partition(f"<{name}>")[2].partition(f"</{name}>")[0].strip()
    bare = text.removeprefix("<![CDATA[").removesuffix("]]>")
    return (html.unescape(bare) if bare == text else bare).strip()


def own_post(text: str, time: str, reposted: bool) -> Iterator[Message]:
    """Yield the Messages of a post; Weibo's has a comment, '//@name:' and the forwarded text."""
    if _HTML.search(text):  # Zhihu's answers
        for quote in _HTML_QUOTE.findall(text):
            yield Message("", _without_tags(quote), time, True, "quote")
        text = _without_tags(_HTML_QUOTE.sub("\n", text))
    text = _USEFUL.sub("", _CUT_OFF.sub("", text)).rstrip("\u200b \n\t")
    reposted = reposted or _REPOST.match(text)
    own, mark, others = text.partition("//@")
    own = own.strip()
    if not _NO_COMMENT.fullmatch(own):
        yield Message("", own, time, True, "repost" if reposted and not mark else "")
    if mark:
        yield Message("", mark + others, time, True, "repost")


def _without_tags(text):
    text = re.sub(r"<br\s*/?>|</(?:p|li|h\d|div)>", "\n", text)
    return html.unescape(re.sub(r"<[^<>]+>", "", text)).strip()


def _is_repost(row, roles):
    # A Weibo row marked as not original is the owner's comment; elsewhere a repost is by others.
    original, repost = (
        _first(row, roles.get(role, [])).casefold() for role in ("original", "repost")
    )
    return repost in columns.YES and original not in columns.YES


def _is_mine(row, roles):
    value = _first(row, roles.get("mine", [])).casefold()
    if value in columns.YES:
        return True
    return False if value in columns.NO else None


def _first(row, names):
    return next((row[name].strip() for name in names if row[name].strip()), "")
