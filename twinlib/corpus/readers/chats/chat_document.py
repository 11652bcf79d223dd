"""Chats that somebody pasted into a document: files of Word and OpenDocument, RTF and PDF.

Their lines are read as those of a text file. A document that is hardly prose, and whose speakers
can't be told, is refused, as such a text file is.
"""

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


def looks_like(file: File) -> bool:
    """Whether the lines of a document are a chat's. Raises Unreadable('speakers')."""
    document = next((reader for reader in _DOCUMENTS if reader.looks_like(file)), None)
    if document is None:
        return False
    flat = _flat(file, document)
    if any(reader.looks_like(flat) for reader in _READERS):
        return True
    if chat_text.is_unread(flat):
        raise Unreadable("speakers")
    return False


def conversations(file: File, options: Options) -> Iterator[Conversation]:
    """Yield the document's Conversations. Raises Unreadable."""
    document = next(reader for reader in _DOCUMENTS if reader.looks_like(file))
    flat = _flat(file, document)
    reader = next(reader for reader in _READERS if reader.looks_like(flat))
    yield from reader.conversations(flat, options)


@lru_cache(maxsize=1)  # asked before a file is read, and when it is
def _flat(file, document):
    """The document's lines as a text file, which is empty where it can't be read."""
    try:
        text = document.lines(file)
    except Unreadable:  # its own reader says so, or reads a part
        text = ""
    return File(f"{title_of(file.name) or 'chat'}.md", text.encode())
