"""Plain text: the first line is the title when it is short enough."""

import re
from collections.abc import Iterator

from ...text.inputs.encoding import Unreadable
from ...text.inputs.filename import date_of, is_draft, title_of
from ...text.inputs.input_file import File
from ...text.script import columns
from ..records import Document

_TITLE_COLUMNS = 60  # a Chinese character takes two
# The end of a sentence or of speech, a quotation's mark, the header of a mail.
_NO_TITLE = re.compile(
    r"[。；，,;:：.]$|[。！？!?…][”」』\"’]$|^[>＞]|^\[/?quote|"
    r"^(?:from|von|de|to|an|para|date|datum|fecha|data|subject|betreff|asunto|assunto|objet|"
    r"发件人|收件人|发送时间|主题|寄件者|主旨) ?[:：]|^From \S+@|^RT @|^//\s?@",
    re.IGNORECASE,
)


def looks_like(file: File) -> bool:
    """Whether the file is text."""
    try:
        return bool(file.text)
    except Unreadable:
        return False


def read(file: File) -> Iterator[Document]:
    """Yield the one document of a plain text file. Raises Unreadable."""
    title, body = split(file.text)
    yield Document(
        file.name,
        title=title,
        text=body,
        date=date_of(None, file.name),
        draft=is_draft(file.name),
        fallback_title=title_of(file.name),
    )


def split(text: str) -> tuple[str, str]:
    """(title, the rest) or ('', text).

    A title is a short first line that is no sentence, quotation or header of a mail.
    """
    first, _, rest = text.strip().partition("\n")
    first = first.strip()
    is_title = columns(first) <= _TITLE_COLUMNS and not _NO_TITLE.search(first)
    return (first, rest) if rest.strip() and is_title else ("", text)
