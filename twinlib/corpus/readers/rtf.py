"""Rich Text Format (.rtf) of TextEdit, WordPad, Scrivener and Word; read with striprtf."""

import re
from collections.abc import Iterator

from ...text.inputs.encoding import Unreadable
from ...text.inputs.filename import date_of, title_of
from ...text.inputs.input_file import File
from ..records import Document
from . import plain

_START = b"{\\rtf"
_FACT = r"\{\\%s (?P<text>(?:[^{}\\]|\\'[0-9a-f]{2}|\\u-?\d+ ?\??)*)\}"
# What a reader shows apart from the text: headers, footers, comments, lists of styles.
_ASIDE = re.compile(r"\{\\(?:\*\\annotation|header[lrf]?|footer[lrf]?)\b")


def looks_like(file: File) -> bool:
    """Whether it begins as RTF does."""
    return file.data.startswith(_START)


def read(file: File) -> Iterator[Document]:
    """Yield the one document. Raises Unreadable('damaged' or 'index')."""
    source = _without_asides(file.data.decode("latin-1"))
    text = _text(source)
    if not re.search(r"\w", text):
        raise Unreadable("index")
    title, body = plain.split(text)
    facts = {name: re.search(_FACT % name, source) for name in ("title", "author")}
    facts = {
        name: _text(f"{{\\rtf1 {m['text']}}}").strip() if m else "" for name, m in facts.items()
    }
    yield Document(
        file.name,
        title=title or facts["title"],
        text=body,
        date=date_of(None, file.name),
        author=facts["author"],
        fallback_title=title_of(file.name),
    )


def lines(file: File) -> str:
    """The text as it stands there, a paragraph a line. Raises Unreadable('damaged')."""
    return _lines(_without_asides(file.data.decode("latin-1")))


def _text(source):
    # A paragraph of RTF is one line.
    return "\n\n".join(filter(None, _lines(source).split("\n")))


def _lines(source):
    from striprtf.striprtf import rtf_to_text

    try:
        text = rtf_to_text(source, errors="ignore")
    except Exception:  # striprtf raises anything on a malformed file
        raise Unreadable("damaged") from None
    # A sign beyond the first 65,536 is written as two, as in UTF-16.
    text = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return "\n".join(line.strip() for line in text.replace("\r", "\n").split("\n"))


def _without_asides(source):
    """The source without its groups of headers, footers and comments."""
    pieces, place = [], 0
    for match in _ASIDE.finditer(source):
        if match.start() < place:
            continue
        depth, end = 0, len(source)
        for brace in re.finditer(r"\\.|[{}]", source[match.start() :]):
            depth += {"{": 1, "}": -1}.get(brace.group(), 0)
            if not depth:
                end = match.start() + brace.end()
                break
        pieces.append(source[place : match.start()])
        place = end
    return "".join([*pieces, source[place:]])
