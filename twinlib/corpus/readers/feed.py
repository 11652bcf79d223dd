"""Feeds of a blog: RSS (0.9 to 2.0) and Atom, in .xml, .rss or .atom files.

An entry has the whole post (content:encoded, content) or its beginning (description, summary). A
feed mostly repeats posts whose files are there, too: those stay, their copies in it are left out as
duplicates. A feed of another blog names its author, by whom it is left out.
"""

import html
import io
import re
from collections.abc import Iterator

from ...text.inputs.encoding import Unreadable
from ...text.inputs.filename import date_of
from ...text.inputs.input_file import File
from ..records import Document, Removed
from . import wordpress
from .html_to_markdown import to_markdown, tree, without_title

_ROOT = re.compile(
    rb"\s*(?:<\?xml[^>]*>\s*|<!--.*?-->\s*|<\?[^>]*>\s*|<!DOCTYPE[^>]*>\s*)*"
    rb"<(?:rss\b|(?:\w+:)?RDF\b|(?:\w+:)?feed\b)",
    re.DOTALL,
)
_BODIES = ("encoded", "content", "description", "summary")
_DATES = ("published", "pubdate", "date", "issued", "created", "updated", "modified")
_CUT = re.compile(r"\s*(?:\\?\[(?:…|\.\.\.)\\?\]|(?:…|\.\.\.)\s*(?:read more|阅读全文))\s*$", re.I)
_MARKUP = re.compile(r"<(?:p|br|div|a|img|h[1-6]|ul|ol|em|strong|blockquote|span)\b|&\w+;", re.I)


def looks_like(file: File) -> bool:
    """Whether it begins as a feed does."""
    return bool(_ROOT.match(file.head.lstrip(b"\xef\xbb\xbf")))


def read(file: File) -> Iterator[Document]:
    """Yield a document for every entry with words; what comes after damage is a Removed part.

    Raises Unreadable('entities', 'damaged' or 'index').
    """
    documents, broken = [], False
    try:
        for number, (entry, author) in enumerate(_entries(file.data), 1):
            document = _document(file, entry, author, number)
            if document:
                documents.append(document)
    except _Broken:
        broken = True
    if not documents:
        raise Unreadable("damaged" if broken else "index")
    if broken:
        end = re.sub(rb"<[^>]*>?", b" ", file.data[file.data.rfind(b"<item") :])
        text = " ".join(end.decode("utf-8", "ignore").split())
        documents[-1].removed.append(Removed("document", "damaged", text or file.name))
    yield from documents


class _Broken(Exception):
    """The XML is damaged from here on."""


def _entries(data):
    """Yield ({name: text} of each entry, the feed's author), in order."""
    from defusedxml.common import DefusedXmlException
    from defusedxml.ElementTree import ParseError, iterparse

    depth, author, source = [], "", io.BytesIO(wordpress.without_forbidden(data))
    try:
        for event, element in iterparse(source, events=("start", "end")):
            name = _name(element)
            if event == "start":
                depth.append(name)
                continue
            depth.pop()
            if name in ("item", "entry"):
                yield _facts(element), author
                element.clear()
            elif name in ("author", "creator", "managingeditor") and not _inside(depth):
                author = author or _author(element)
    except DefusedXmlException:
        raise Unreadable("entities") from None
    except (ParseError, AttributeError, ValueError, LookupError):
        raise _Broken from None


def _inside(depth):
    return "item" in depth or "entry" in depth


def _name(element):
    return element.tag.rpartition("}")[2].lower()


def _facts(entry):
    """{name: text} of an entry; of several elements of one name the longest."""
    facts = {}
    for child in entry:
        name = _name(child)
        text = _author(child) if name in ("author", "creator") else _text(child)
        name = "creator" if name == "author" else name
        facts[name] = max(text, facts.get(name, ""), key=len)
    return facts


def _text(element):
    """An element's text, which is HTML: escaped, or as elements of XHTML."""
    if len(element):
        from xml.etree.ElementTree import tostring

        return re.sub(r"<(/?)\w+:", r"<\1", tostring(element, encoding="unicode"))
    text = (element.text or "").strip()
    return html.escape(text) if element.get("type") == "text" else text


def _author(element):
    """The name in 'ann@example.org (Ann Lee)', <author><name>…, or a plain name."""
    name = next((child.text for child in element if _name(child) == "name"), element.text) or ""
    bracketed = re.search(r"\(([^()]+)\)", name)
    name = bracketed[1] if bracketed and "@" in name else name
    return "" if "@" in name or "://" in name else " ".join(name.split())


def _document(file, entry, author, number):
    """The Document of an entry; None where it has no words."""
    body = max((entry.get(name, "") for name in _BODIES), key=len)
    title, removed = wordpress.plain(html.unescape(entry.get("title", ""))), []
    if not _MARKUP.search(body):
        body = "".join(f"<p>{part}</p>" for part in re.split(r"\n\s*\n", body))
    try:
        node = tree(f"<div>{body}</div>")
        without_title(node, title)
        text = _CUT.sub("", to_markdown(node, removed))
    except Unreadable:
        return None
    if not re.search(r"\w", text):
        return None
    return Document(
        f"{file.name}#{number}",
        title=title,
        text=text,
        date=next(filter(None, (date_of(entry.get(name), "") for name in _DATES)), None),
        author=entry.get("creator") or author,
        markdown=True,
        removed=removed,
    )
