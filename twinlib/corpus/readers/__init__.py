"""Read a folder, a zip or a file into Documents; what is left out is logged with a reason.

FORMATS is the one list of readers. A reader is a module with `looks_like(file)`, which looks at the
content, and either `read(file)`, which yields Documents, or, for chats and tables of messages,
`conversations(file, options)`, which yields Conversations. Both raise Unreadable with a key of
data/reasons.yaml. To add a reader, write its module, put it into FORMATS, and its label into
data/formats.yaml.
"""

import re
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

from ...text.inputs import spreadsheets
from ...text.inputs.encoding import Unreadable
from ...text.inputs.input_file import File, Options
from ...text.inputs.json_values import start
from .. import conversations
from ..records import Document
from . import (
    chatgpt,
    dayone,
    docx,
    epub,
    evernote,
    feed,
    ghost,
    html,
    mail,
    markdown,
    odt,
    pdf,
    plain,
    qa_tables,
    rtf,
    subtitles,
    wordpress,
)
from .archive import ReadLog, has_files, kind_of, refused_archives, walk
from .chats import (
    chat_document,
    chat_page,
    chat_table,
    chat_text,
    message_json,
    sms_xml,
    telegram,
    twitter,
    whatsapp,
)

__all__ = [
    "FORMATS",
    "Options",
    "ReadLog",
    "Survey",
    "format_of",
    "has_files",
    "has_text",
    "is_prose",
    "kind_of",
    "read",
    "refused_archives",
    "survey",
]
# The first whose looks_like is true reads the file, except the last two: see `format_of`.
FORMATS = {
    "chatdocument": chat_document,
    "pdf": pdf,
    "docx": docx,
    "odt": odt,
    "rtf": rtf,
    "epub": epub,
    "mail": mail,
    "evernote": evernote,
    "wordpress": wordpress,
    "feed": feed,
    "subtitles": subtitles,
    "chatgpt": chatgpt,
    "dayone": dayone,
    "ghost": ghost,
    "answers": qa_tables,
    "chatpage": chat_page,
    "html": html,
    "twitter": twitter,
    "telegram": telegram,
    "sms": sms_xml,
    "messages": message_json,
    "whatsapp": whatsapp,
    "chat": chat_text,
    "table": chat_table,
    "markdown": markdown,
    "text": plain,
}
# Formats of texts that somebody may have pasted a chat into. Books have dialogues.
_MAY_HOLD_CHATS = {"html", "evernote", "dayone", "wordpress", "ghost", "feed"}
_PLAIN = {".txt", ".text", ""}
_MARKDOWN = markdown.SUFFIXES | {".rst", ".org", ".tex"}
_DATA = {".json", ".jsonl", ".ndjson", ".csv", ".tsv", ".xlsx", ".xls", ".xml", ".rss", ".opml"}
# Formats of other programs that nothing here reads: the reason says what to do.
_FOREIGN = dict.fromkeys((".pst", ".ost", ".olm"), "outlook") | dict.fromkeys(
    (".mobi", ".azw", ".azw3", ".one", ".ppt", ".pptx", ".odp", ".ods", ".xmind", ".key"), "foreign"
)
# Names that programs give to the chats that they export as text.
_CHAT_NAME = re.compile(
    r"(?:^|/)(?:WhatsApp[ -]Chat\b|_chat\.txt$|KakaoTalk_|\[LINE\]|"
    r"(?:Chat de|Discussion|Conversa do) WhatsApp\b|[与與].+的 ?WhatsApp)|"
    r"(?:聊天|消息)[记記][录錄][^/]*$",
    re.IGNORECASE,
)
_NO_OPTIONS = Options()


class Survey(NamedTuple):
    """An overview of a source, made without Documents.

    `formats`: files by format. `senders`: messages by sender. `files`: chats and tables, as
    ReadLog.chats. `skipped`: files not opened, by kind. `refused`: {unreadable file: reason}.
    """

    formats: Counter[str]
    senders: Counter[str]
    files: dict[str, dict]
    skipped: Counter[str]
    refused: dict[str, str]


def read(
    source: str | Path,
    options: Options = _NO_OPTIONS,
    log: ReadLog | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Iterator[Document]:
    """Yield every document under a folder, a zip or a single file; `log` collects what is left out.

    Raises TwinError when there is no such source. `progress(done, total)` counts files.
    """
    log = ReadLog() if log is None else log
    for file in walk(source, log, progress):
        with log.refusals(file.name):
            name = _logged_format(file, log)
            count = 0
            try:
                for document in _documents(file, name, options, log) if name else ():
                    document.format = name
                    count += 1
                    yield document
            except Unreadable as error:
                if not count or str(error) != "damaged":
                    raise
                file.broken = file.broken or "…"
            if file.broken:
                log.breaks_off(file, log.messages.pop(file.name, count))


def has_text(source: str | Path, options: Options, log: ReadLog, seconds: float) -> bool:
    """Whether a source holds a document; also True when that takes longer than `seconds`.

    `log` says what was left out before. Raises TwinError when there is no such source.
    """
    end = time.monotonic() + seconds
    for file in walk(source, log):
        if time.monotonic() > end:
            return True
        with log.refusals(file.name):
            name = _logged_format(file, log)
            if name and any(True for _ in _documents(file, name, options, log)):
                return True
    return False


def survey(
    source: str | Path,
    options: Options = _NO_OPTIONS,
    progress: Callable[[int, int], None] | None = None,
) -> Survey:
    """Count a source's files by format and its chats' messages by sender. Raises as `read`."""
    log = ReadLog()
    for file in walk(source, log, progress):
        with log.refusals(file.name):
            name = _logged_format(file, log)
            for _ in _conversations(file, name, options, log) if _is_chat(name) else ():
                pass
    refused = {part.document: part.reason for part in log.removed if part.reason != "columns"}
    return Survey(log.formats, log.senders(), log.chats, log.skipped, refused)


def format_of(file: File) -> str | None:
    """A file's format, a key of FORMATS; None for data or code. Raises Unreadable."""
    for name, reader in FORMATS.items():
        if name not in ("markdown", "text") and reader.looks_like(file):
            return name
    if file.suffix == ".txt" and _CHAT_NAME.search(file.name):
        raise Unreadable("speakers")
    if file.suffix in _PLAIN | markdown.SUFFIXES and chat_text.is_unread(file):
        raise Unreadable("speakers")
    if file.suffix in _FOREIGN:
        raise Unreadable(_FOREIGN[file.suffix])
    if file.suffix in _MARKDOWN:
        return "markdown"
    if file.suffix in _DATA or file.suffix not in _PLAIN and not is_prose(file.text):
        return None
    if file.suffix in _PLAIN and spreadsheets.is_bare(file):
        raise Unreadable("records")
    return "markdown" if markdown.looks_like(file) else "text"


def is_prose(text):
    """Whether a text reads like sentences: no program, log or table."""
    sample = text[:20_000]
    letters = len(re.findall(r"[^\W\d_]", sample))
    ends = len(re.findall(r"[。！？]|[a-z][.!?](?=\s)", sample))
    signs = len(re.findall(r"[{};=<>]", sample))
    return letters > len(sample) * 0.6 and ends * 400 > len(sample) and signs < ends


def _logged_format(file, log):
    """`format_of` a file, counted in `log`: as a file of that format, or as left out."""
    name = format_of(file)
    if name:
        log.formats[name] += 1
    else:
        log.drop(file.name, "unknown", start(file))
    return name


def _is_chat(name):
    return name is not None and hasattr(FORMATS[name], "conversations")


def _documents(file, name, options, log):
    if not _is_chat(name):
        for document in FORMATS[name].read(file):
            if name in _MAY_HOLD_CHATS and chat_document.is_conversation(document.text):
                log.drop(document.source, "speakers", document.text)
            else:
                yield document
        return
    for source, conversation in _conversations(file, name, options, log):
        if conversations.owner(conversation, options):
            yield from conversations.documents(conversation, source, options)
        else:
            said = [m.text for m in conversation.messages[:20] if not m.skip_reason]
            first = "\n".join(said)
            others = name == "mail" and options.me  # they are known, and didn't write it
            log.drop(source, "author" if others else "whose", first)


def _conversations(file, name, options, log):
    """Yield (source, Conversation) of a chat, with its senders counted in `log.chats`."""
    exported = FORMATS[name].conversations(file, options)
    for source, conversation in conversations.named(exported, file.name):
        chat = log.chats.setdefault(file.name, {"format": name, "senders": {}})
        if any(message.mine is not None for message in conversation.messages):
            chat["mine"] = True  # the export marks the owner's messages
        log.messages[file.name] += len(conversation.messages)
        for sender, count in conversations.senders(conversation).items():
            chat["senders"][sender] = chat["senders"].get(sender, 0) + count
        yield source, conversation
