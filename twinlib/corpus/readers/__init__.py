"""From a folder or a zip of anything to documents, chosen by content, with a reason for whatever is left out.

A raw document is a dict {id, title, text, date, source, author, kind, markdown, draft, fallback, format}: `text` still
has its markup when `markdown` is true, `date` is ISO or None, `source` is the path relative to the folder
('archive.zip/inner.md' inside an archive, 'chat.json#2023-05' for a part of a file). One that is made of separate
utterances (chats, short posts, answers) has `turns`: [{question, answer, time}], what was said before and the owner's
own words; `text` is then the answers. `parts` are what the reader itself left out: (what, reason, text); a `reason`
is why the whole document is to be put aside.

The id is the content id of `source` alone, so that editing a text or its title keeps the id, its split and what
the owner decided about it; moving the file makes a new document.
"""

import re
from collections import Counter
from typing import NamedTuple

from ...files import content_id
from .. import conversations
from . import chatgpt, docx, epub, html, markdown, pdf, plain, qa_tables, subtitles, wordpress
from .archive import Dropped, Found, anything, walk
from .chats import chat_table, chat_text, telegram, twitter, whatsapp
from .encoding import Unreadable
from .input_file import Columns, Options

__all__ = ["Dropped", "Found", "Options", "Survey", "anything", "format_of", "read", "survey"]
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


def read(source, options=Options(), found=None, progress=None):
    """Yield every raw document under a folder, a zip or a single file; `found` gathers the rest (see Found).

    Raises TwinError when there is no such folder. `progress(done, total)` counts files.
    """
    found = Found() if found is None else found
    for file in walk(source, found, progress):
        try:
            for document in _documents(file, options, found):
                yield {"id": content_id(document["source"]), **document}
        except Columns as table:
            found.chats[file.name] = {
                "format": "table",
                "senders": {},
                "columns": table.names,
                "rows": table.rows,
            }
            found.drop(file.name, "columns")
        except Unreadable as error:
            found.drop(file.name, str(error))


def survey(source, options=Options(), progress=None):
    """Look without reading everything: formats by content, and who wrote in the chats."""
    found = Found()
    for file in walk(source, found, progress):
        try:
            kind = format_of(file)
            found.formats[kind] += 1
            for conversation in CHATS[kind].conversations(file, options) if kind in CHATS else ():
                _count(file, kind, conversation, found)
        except Columns as table:
            found.chats[file.name] = {
                "format": "table",
                "senders": {},
                "columns": table.names,
                "rows": table.rows,
            }
        except Unreadable as error:
            found.drop(file.name, str(error))
    found.passed["data"] += found.formats.pop(None, 0)
    senders = Counter()
    for chat in found.chats.values():
        senders.update(chat["senders"])
    return Survey(
        found.formats, senders, found.chats, found.passed, Counter(d.reason for d in found.dropped)
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


def _documents(file, options, found):
    kind = format_of(file)
    if kind is None:
        found.passed["data"] += 1
        return
    found.formats[kind] += 1
    if kind in CHATS:
        yield from _chats(file, kind, options, found)
        return
    reader = DOCUMENTS.get(kind) or (plain if kind == "text" else markdown)
    for document in reader.read(file):
        yield {**document, "format": kind}


def _chats(file, kind, options, found):
    for name, conversation in conversations.named(
        CHATS[kind].conversations(file, options), file.name
    ):
        _count(file, kind, conversation, found)
        if conversations.owner(conversation, options):
            for document in conversations.documents(conversation, name, options):
                yield {**document, "format": kind}
        else:
            found.drop(
                name, "whose", "\n".join(message.text for message in conversation.messages[:20])
            )


def _count(file, kind, conversation, found):
    chat = found.chats.setdefault(file.name, {"format": kind, "senders": {}})
    if any(message.mine is not None for message in conversation.messages):
        chat["mine"] = True  # the export itself says whose each message is
    for sender, messages in conversations.senders(conversation).items():
        chat["senders"][sender] = chat["senders"].get(sender, 0) + messages
