"""Chats that somebody pasted into a document: files of Word and OpenDocument, RTF and PDF.

Their lines are read as those of a text file. A document that is hardly prose, and whose speakers
can't be told, is refused, as such a text file is.
"""

import re
from collections.abc import Iterator
from functools import lru_cache

from ....text.inputs.encoding import Unreadable
from ....text.inputs.filename import title_of
from ....text.inputs.input_file import File, Options
from .. import docx, odt, pdf, rtf
from . import chat_text, whatsapp
from .messages import Conversation

_DOCUMENTS = (pdf, docx, odt, rtf)
_READERS = (whatsapp, chat_text)
_ESCAPED = re.compile(r"\\([^\w\s])")
_FIRST_PAGES = 4  # of a PDF, which tell what it is


def looks_like(file: File) -> bool:
    """Whether the lines of a document are a chat's. Raises Unreadable('speakers')."""
    document = next((reader for reader in _DOCUMENTS if reader.looks_like(file)), None)
    if document is None:
        return False
    flat = _flat(file, document, True)
    if any(reader.looks_like(flat) for reader in _READERS):
        return True
    if chat_text.is_unread(flat):
        raise Unreadable("speakers")
    return False


def is_conversation(text: str) -> bool:
    """Whether a text, perhaps in Markdown, is a conversation as a whole."""
    text = _ESCAPED.sub(r"\1", text)
    # A line may have been made a paragraph.
    for lines in dict.fromkeys((text, text.replace("\n\n", "\n"))):
        flat = File("text.md", lines.encode())
        if any(reader.looks_like(flat) for reader in _READERS) or chat_text.is_unread(flat):
            return True
    return False


def conversations(file: File, options: Options) -> Iterator[Conversation]:
    """Yield the document's Conversations. Raises Unreadable."""
    document = next(reader for reader in _DOCUMENTS if reader.looks_like(file))
    flat = _flat(file, document, False)
    reader = next((reader for reader in _READERS if reader.looks_like(flat)), chat_text)
    yield from reader.conversations(flat, options)


@lru_cache(maxsize=1)  # asked before a file is read, and when it is
def _flat(file, document, is_start):
    """The document's lines, or those of its start, as a text file; empty where it is unreadable."""
    try:
        first_pages = (_FIRST_PAGES,) if is_start and document is pdf else ()
        text = document.lines(file, *first_pages)
    except Unreadable:  # its own reader says so, or reads a part
        text = ""
    return File(f"{title_of(file.name) or 'chat'}.md", text.encode())
