"""Evernote's export, .enex: an XML file with a page of ENML, a kind of XHTML, for each note.

Notes that the web clipper made hold what others wrote. Encrypted parts are Removed.
"""

import io
import re
from collections.abc import Iterator

from ...text.inputs.encoding import Unreadable
from ...text.inputs.filename import date_of
from ...text.inputs.input_file import File
from ..records import Document, Removed
from .html_to_markdown import take, to_markdown, tree, without_title
from .wordpress import without_forbidden

_CLIPPED = re.compile(r"web\.clip|mail\.|mobile\.(?:ios|android)\.share", re.IGNORECASE)


def looks_like(file: File) -> bool:
    """Whether it begins as an export of Evernote."""
    return b"<en-export" in file.head[:2000]


def read(file: File) -> Iterator[Document]:
    """Yield a document for each note with words; what comes after damage is a Removed part.

    Raises Unreadable('entities', 'damaged' or 'index').
    """
    from defusedxml.common import DefusedXmlException
    from defusedxml.ElementTree import ParseError, iterparse

    previous, broken, seen = None, False, set()
    try:
        for _, element in iterparse(io.BytesIO(without_forbidden(file.data))):
            if element.tag != "note":
                continue
            document = _document(file, element, seen)
            element.clear()
            if document and previous:
                yield previous
            previous = document or previous
    except DefusedXmlException:
        raise Unreadable("entities") from None
    except (ParseError, ValueError, LookupError):
        broken = True
    if not previous:
        raise Unreadable("damaged" if broken else "index")
    if broken:
        previous.removed.append(Removed("document", "damaged", file.name))
    yield previous


def _document(file, note, seen):
    """The Document of a <note>; None where it has no words."""
    title, removed = " ".join((note.findtext("title") or "").split()), []
    try:
        soup = tree(note.findtext("content") or "")
    except Unreadable:
        return None
    node = soup.find("en-note") or soup.body or soup
    node.name = "div"
    for tag in node.find_all("en-crypt"):
        tag.string = "en-crypt"  # not the code that it is
    take(node, node.find_all("en-crypt"), "code", removed)
    without_title(node, title)
    text = to_markdown(node, removed)
    if not re.search(r"\w", text):
        return None
    created = note.findtext("created") or ""
    name = created or title or "note"
    while f"{name}" in seen:
        name += "+"
    seen.add(name)
    source = note.findtext("note-attributes/source") or ""
    clipped = bool(_CLIPPED.match(source)) or bool(note.findtext("note-attributes/source-url"))
    return Document(
        f"{file.name}#{name}",
        title=title,
        text=text,
        date=date_of(created[:8], "") or None,
        author=" ".join((note.findtext("note-attributes/author") or "").split()),
        tags=[tag.text.strip() for tag in note.findall("tag") if tag.text],
        markdown=True,
        skip_reason="clipped" if clipped else "",
        removed=removed,
    )
