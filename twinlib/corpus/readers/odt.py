"""OpenDocument texts (.odt) of LibreOffice, OpenOffice, Word and Google Docs.

content.xml has paragraphs and headings; a style's parents tell titles, quotations and code.
Footnotes, comments, contents and captions are Removed parts; deleted text is ignored.
Source: OASIS OpenDocument 1.3, part 3.
"""

import html
import re
from collections.abc import Iterator
from xml.etree.ElementTree import Element

from ...text.inputs import zip_package
from ...text.inputs.encoding import Unreadable
from ...text.inputs.filename import date_of, title_of
from ...text.inputs.input_file import File
from ..records import Document, Removed
from .html_to_markdown import BREAK, to_markdown, tree, without_title

_TYPE = b"application/vnd.oasis.opendocument.text"
_UNSEEN = set(
    "tracked-changes sequence-decls user-field-decls variable-decls forms annotation-end "
    "table-of-content-source bookmark note-citation ruby-text".split()
)
_INDEXES = set("table-of-content alphabetical-index illustration-index bibliography".split())
_TAGS = {"list": "ul", "list-item": "li", "table": "table", "table-row": "tr", "table-cell": "td"}
_BY_STYLE = {
    "Title": "h1",
    "Quotations": "blockquote",
    "Preformatted Text": "pre",
    "Caption": "figcaption",
    "Illustration": "figcaption",
}


def looks_like(file: File) -> bool:
    """Whether it is an OpenDocument text, by its mimetype."""
    return file.data[:4] == b"PK\3\4" and _TYPE in file.data[:200]


def read(file: File) -> Iterator[Document]:
    """Yield the one document. Raises Unreadable('locked', 'bomb', 'damaged' or 'index')."""
    members, root, body = _parts(file)
    removed, styles = [], _styles(root) | _styles(_root(members.get("styles.xml")))
    node = tree(f"<div>{_inside(body, styles, removed)}</div>")
    facts = {_name(e): e.text or "" for e in _root(members.get("meta.xml")).iter()}
    first = node.find("h1")
    title = " ".join((first.get_text() if first else facts.get("title", "")).split())
    without_title(node, title)
    text = to_markdown(node.body or node, removed)
    if not re.search(r"\w", text):
        raise Unreadable("index")
    yield Document(
        file.name,
        title=title,
        text=text,
        date=date_of(None, file.name) or date_of(facts.get("creation-date"), ""),
        author=facts.get("initial-creator") or facts.get("creator", ""),
        markdown=True,
        fallback_title=title_of(file.name),
        removed=removed,
    )


def lines(file: File) -> str:
    """The text as it stands there, a paragraph a line. Raises Unreadable."""
    *_, body = _parts(file)
    found = []
    for element in body.iter():
        if _name(element) in ("p", "h"):
            text = tree(f"<div>{_inside(element, {}, [])}</div>").get_text("").strip()
            found += text.replace(BREAK, "\n").split("\n")
    return "\n".join(found)


def _parts(file):
    """(the members of the package, the root of its content, the element with the text)."""
    members, _ = zip_package.members(file.data)
    if b"encryption-data" in members.get("META-INF/manifest.xml", b""):
        raise Unreadable("locked")
    if "content.xml" not in members:
        raise Unreadable("damaged")
    root = _root(members["content.xml"])
    body = next((e for e in root.iter() if _name(e) == "text" and len(e)), None)
    if body is None:
        raise Unreadable("index")
    return members, root, body


def _root(data):
    if data is None:
        return Element("none")
    zip_package.check_xml(data)
    return zip_package.xml(data)


def _name(element):
    return element.tag.rpartition("}")[2]


def _attribute(element, name):
    return next((v for key, v in element.attrib.items() if key.rpartition("}")[2] == name), "")


def _styles(root):
    """{style: the style that it is made from}; '_20_' stands for a space in their names."""
    found = {}
    for element in root.iter():
        if _name(element) == "style":
            parent = _attribute(element, "parent-style-name") or _attribute(element, "name")
            found[_attribute(element, "name")] = parent
    return found


def _tag_of(paragraph, styles):
    """The HTML tag of a paragraph, by its style or one that it is made from."""
    style = _attribute(paragraph, "style-name")
    for _ in range(4):
        tag = _BY_STYLE.get(style.replace("_20_", " "))
        if tag or style not in styles:
            break
        style = styles[style]
    return tag or "p"


def _inside(element, styles, removed):
    """What stands in an element, as HTML."""
    parts = [html.escape(element.text or "")]
    for child in element:
        parts += [_as_html(child, styles, removed), html.escape(child.tail or "")]
    return "".join(parts)


def _as_html(element, styles, removed):
    name = _name(element)
    if name in _UNSEEN:
        return ""
    if name in ("annotation", *_INDEXES):
        kind = ("comment", "comment") if name == "annotation" else ("list", "contents")
        words = " ".join(" ".join(element.itertext()).split())
        removed += [Removed(*kind, words)] if re.search(r"\w", words) else []
        return ""
    if name in ("s", "tab"):
        return " "
    if name == "line-break":
        return "<br>"
    inside = _inside(element, styles, removed)
    if name == "note":
        return f'<aside class="footnote">{inside}</aside>'
    if name == "h":
        level = _attribute(element, "outline-level")
        level = level if re.fullmatch("[1-6]", level) else "6"
        return f"<h{level}>{inside}</h{level}>"
    if name == "p":
        tag = _tag_of(element, styles)
        return f"<{tag}>{inside}</{tag}>"
    tag = _TAGS.get(name)
    return f"<{tag}>{inside}</{tag}>" if tag else inside
