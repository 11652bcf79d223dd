"""Word's .docx, also as written by WPS, Pages, LibreOffice and Google Docs; read with mammoth.

Headings are recognised by the style names of these programs; footnotes, captions, comments, tables
of contents, headers and footers are Removed parts, and so is what didn't come through mammoth.
Deleted text is ignored. Title, author and date are taken from docProps/core.xml, or the text and
the file's name.
"""

import html
import io
import re
from collections.abc import Iterator

from ...text.inputs import zip_package
from ...text.inputs.encoding import Unreadable
from ...text.inputs.filename import date_of, title_of
from ...text.inputs.input_file import File
from ..records import Document, Removed
from . import word_xml
from .html_to_markdown import letters, text_of, to_markdown, tree

OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_STREAM = "EncryptedPackage".encode("utf-16-le")  # how Word keeps a document with a password
_HEADINGS = "\n".join(
    f"p[style-name='{name}'] => h{level}:fresh"
    for level in range(1, 7)
    for name in (f"标题 {level}", f"标题{level}", f"標題 {level}")
)
_STYLES = (
    _HEADINGS
    + """
p[style-name='Title'] => h1.title:fresh
p[style-name='标题'] => h1.title:fresh
p[style-name='標題'] => h1.title:fresh
p[style-name='Subtitle'] => p:fresh
p[style-name='Quote'] => blockquote > p:fresh
p[style-name='Intense Quote'] => blockquote > p:fresh
p[style-name='Block Text'] => blockquote > p:fresh
p[style-name='引用'] => blockquote > p:fresh
p[style-name='明显引用'] => blockquote > p:fresh
p[style-name='Quotations'] => blockquote > p:fresh
p[style-name='caption'] => figcaption:fresh
p[style-name='题注'] => figcaption:fresh
p[style-name='HTML Preformatted'] => pre:separator('\\n')
p[style-name='Preformatted Text'] => pre:separator('\\n')
p[style-name^='toc '] => p.toc:fresh
p[style-name^='目录'] => p.toc:fresh
p[style-name^='Contents '] => p.toc:fresh
p[style-name='TOC Heading'] => p.toc:fresh
"""
)
_TEXT_PARTS = re.compile(r"word/(?:document\d*|footnotes|endnotes)\.xml")
_MARGINS = re.compile(r"word/(?:header|footer)\d*\.xml")
# Default author names of programs.
_NOBODY = set(
    "administrator,user,microsoft office user,microsoft,微软用户,windows 用户,windows user,admin,"
    "python-docx,un-named,unknown,owner".split(",")
)
_UNTITLED = re.compile(
    r"(microsoft word|word document|document|untitled|无标题|文档|新建|normal|template).*",
    re.IGNORECASE,
)


def looks_like(file: File) -> bool:
    """Whether it is a Word file, including the old and encrypted ones that `read` refuses."""
    if file.data.startswith(OLE):
        named = file.suffix in (".doc", ".docx", ".dot", ".wps")
        return named or "WordDocument".encode("utf-16-le") in file.data
    names = zip_package.names(file.data)
    return any(name.startswith("word/") for name in names)


def read(file: File) -> Iterator[Document]:
    """Yield the one document of a Word file. Raises Unreadable('locked', 'olddoc', 'bomb', …)."""
    if file.data.startswith(OLE):
        raise Unreadable("locked" if _STREAM in file.data else "olddoc")
    members, damaged = zip_package.members(file.data)
    if any(_TEXT_PARTS.fullmatch(name) and "document" in name for name in damaged):
        raise Unreadable("damaged")
    for name, data in members.items():
        if name.startswith(("word/", "docProps/", "_rels/", "[Content")):
            zip_package.check_xml(data)
    properties = _properties(members.get("docProps/core.xml"))
    texts = _make_readable(members)
    soup, removed = tree(_html(members)), []
    node = soup.body or soup
    title = _title(node, properties)
    for line in node.find_all("p", class_="toc"):
        removed.append(Removed("list", "contents", line.extract().get_text()))
    text = to_markdown(node, removed)
    removed += _around(members) + _lost(texts, f"{title}\n{text}", removed)
    if not re.search(r"\w", text):
        raise Unreadable("index")
    # A date in the file's name comes first, as `created` may be that of an older file it copies.
    yield Document(
        file.name,
        title=title,
        text=text,
        date=date_of(None, file.name) or date_of(properties.get("created"), ""),
        author=properties["creator"] if properties["creator"].lower() not in _NOBODY else "",
        markdown=True,
        fallback_title=title_of(file.name),
        removed=removed,
    )


def lines(file: File) -> str:
    """The text of a Word file as it stands there, a paragraph a line. Raises Unreadable."""
    if file.data.startswith(OLE):
        raise Unreadable("olddoc")
    members, _ = zip_package.members(file.data)
    parts = [name for name in members if _TEXT_PARTS.fullmatch(name) and "document" in name]
    for name in parts:
        zip_package.check_xml(members[name])
    return "\n".join(line for name in parts for line in word_xml.lines(members[name]))


def _make_readable(members):
    """Rewrite the parts with text for mammoth, in place; return the texts of their paragraphs."""
    texts = []
    for name in filter(_TEXT_PARTS.fullmatch, list(members)):
        members[name], paragraphs = word_xml.readable(members[name])
        texts += paragraphs
    return texts


def _around(members):
    """Headers, footers and comments as Removed parts."""
    parts = {}
    for name, data in members.items():
        if _MARGINS.fullmatch(name) or name == "word/comments.xml":
            kind = "comment" if "comments" in name else "navigation"
            parts.setdefault(word_xml.words(data).strip(), kind)
    return [Removed(kind, kind, text) for text, kind in parts.items() if re.search(r"\w", text)]


def _lost(texts, text, removed):
    """The paragraphs whose letters are neither in the text nor in what was removed."""
    kept = letters("\n".join([html.unescape(text), *(part.text for part in removed)]))
    missing, place = [], 0
    for paragraph in texts:
        sought = letters(paragraph)
        found = kept.find(sought, place)
        if found < 0 and kept.find(sought) < 0:
            missing.append(Removed("passage", "layout", paragraph))
        elif found >= 0:
            place = found
    return missing


def _html(members):
    import mammoth

    data = zip_package.packed(members)

    try:
        return mammoth.convert_to_html(
            io.BytesIO(data),
            style_map=_STYLES,
            include_embedded_style_map=False,
            convert_image=lambda image: [],
        ).value
    except RecursionError:
        raise Unreadable("deep") from None
    except Exception:  # mammoth raises anything on a malformed file
        raise Unreadable("damaged") from None


def _properties(core):
    """{title, creator, created} of docProps/core.xml."""
    facts = {"title": "", "creator": "", "created": ""}
    for element in zip_package.xml(core) if core else ():
        name = element.tag.rpartition("}")[2]
        if name in facts:
            facts[name] = " ".join((element.text or "").split())
    return facts


def _title(node, properties):
    """The paragraph in the style Title or a first heading, taken out of `node`; else a property."""
    first = node.find(True)
    heading = node.find("h1", class_="title") or (first if first and first.name == "h1" else None)
    if heading:
        title = text_of(heading)
        heading.decompose()
        return title
    title = "" if _UNTITLED.fullmatch(properties["title"]) else properties["title"]
    if title and first and letters(text_of(first)) == letters(title):
        first.decompose()
    return title
