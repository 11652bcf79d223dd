"""From a folder or a zip of anything to documents, chosen by content, with a reason for whatever is left out.

A reader is a module with `looks_like(file)` and `read(file)`, which yields Documents (see records); a chat's reader
has `conversations(file, options)` instead.
"""

import re
from collections import Counter
from typing import NamedTuple

from .. import conversations
from . import chatgpt, docx, epub, html, markdown, pdf, plain, qa_tables, subtitles, wordpress
from .archive import ReadLog, anything, walk
from .chats import chat_table, chat_text, telegram, twitter, whatsapp
from .encoding import Unreadable
from .input_file import Columns, Options

__all__ = ["Options", "ReadLog", "Survey", "anything", "format_of", "read", "survey"]
# In the order they are asked; what none of them knows is Markdown, plain text, or no writing.
DOCUMENTS = {
    "pdf": pdf,
    "docx": docx,
    "epub": epub,
    "wordpress": wordpress,
    "subtitles": subtitles,
    "chatgpt": chatgpt,
    "answers": qa_tables,
    "html": html,
}
CHATS = {
    "twitter": twitter,
    "telegram": telegram,
    "whatsapp": whatsapp,
    "chat": chat_text,
    "table": chat_table,
}
PLAIN = {".txt", ".text", ""}
TEXT = {
    ".md",
    ".markdown",
    ".mdown",
    ".mkd",
    ".mdx",
    ".rmd",
    ".qmd",
    ".rst",
    ".org",
    ".tex",
} | PLAIN
DATA = {".json", ".jsonl", ".ndjson", ".csv", ".tsv", ".xlsx", ".xls", ".xml", ".rss", ".opml"}


class Survey(NamedTuple):
    """What a source holds before it is read: files by format, messages by sender, the `files` with chats or tables
    ({source: {format, senders, columns, rows}}), files passed over by sort, and those left out by reason."""

    formats: Counter
    senders: Counter
    files: dict
    passed: Counter
    skipped: Counter


def read(source, options=Options(), log=None, progress=None):
    """Yield every raw document under a folder, a zip or a single file; `log` gathers the rest (see ReadLog).

    Raises TwinError when there is no such folder. `progress(done, total)` counts files.
    """
    log = ReadLog() if log is None else log
    for file in walk(source, log, progress):
        try:
            yield from _documents(file, options, log)
        except Columns as table:
            log.chats[file.name] = {
                "format": "table",
                "senders": {},
                "columns": table.names,
                "rows": table.rows,
            }
            log.drop(file.name, "columns")
        except Unreadable as error:
            log.drop(file.name, str(error))


def survey(source, options=Options(), progress=None):
    """Look without reading everything: formats by content, and who wrote in the chats."""
    log = ReadLog()
    for file in walk(source, log, progress):
        try:
            kind = format_of(file)
            log.formats[kind] += 1
            for conversation in CHATS[kind].conversations(file, options) if kind in CHATS else ():
                _count(file, kind, conversation, log)
        except Columns as table:
            log.chats[file.name] = {
                "format": "table",
                "senders": {},
                "columns": table.names,
                "rows": table.rows,
            }
        except Unreadable as error:
            log.drop(file.name, str(error))
    log.skipped["data"] += log.formats.pop(None, 0)
    senders = Counter()
    for chat in log.chats.values():
        senders.update(chat["senders"])
    return Survey(
        log.formats,
        senders,
        log.chats,
        log.skipped,
        Counter(removed.reason for removed in log.removed),
    )


def format_of(file):
    """A key of CHATS or DOCUMENTS, 'markdown' or 'text', or None for what is no writing; raises Unreadable."""
    for kind, reader in (DOCUMENTS | CHATS).items():
        if reader.looks_like(file):
            return kind
    if file.suffix in DATA:
        return None
    if file.suffix in TEXT - PLAIN:
        return "markdown"
    if file.suffix not in PLAIN and not _prose(file.text):
        return None
    return "markdown" if markdown.looks_like(file) else "text"


def _prose(text):
    """Does the text of a file with an unknown suffix read like sentences?"""
    sample = text[:20_000]
    words = len(re.findall(r"[^\W\d_]", sample))
    ends = len(re.findall(r"[。！？]|[a-z][.!?](?=\s)", sample))
    return (
        words > len(sample) * 0.6
        and ends * 400 > len(sample)
        and len(re.findall(r"[{};=<>]", sample)) < ends
    )


def _documents(file, options, log):
    kind = format_of(file)
    if kind is None:
        log.skipped["data"] += 1
        return
    log.formats[kind] += 1
    if kind in CHATS:
        yield from _chats(file, kind, options, log)
        return
    reader = DOCUMENTS.get(kind) or (plain if kind == "text" else markdown)
    for document in reader.read(file):
        document.format = kind
        yield document


def _chats(file, kind, options, log):
    for name, conversation in conversations.named(
        CHATS[kind].conversations(file, options), file.name
    ):
        _count(file, kind, conversation, log)
        if conversations.owner(conversation, options):
            for document in conversations.documents(conversation, name, options):
                document.format = kind
                yield document
        else:
            log.drop(
                name, "whose", "\n".join(message.text for message in conversation.messages[:20])
            )


def _count(file, kind, conversation, log):
    chat = log.chats.setdefault(file.name, {"format": kind, "senders": {}})
    if any(message.mine is not None for message in conversation.messages):
        chat["mine"] = True  # the export itself says whose each message is
    for sender, messages in conversations.senders(conversation).items():
        chat["senders"][sender] = chat["senders"].get(sender, 0) + messages
