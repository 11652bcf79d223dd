"""Word's .docx (Office Open XML), also as WPS, Pages, LibreOffice and Google Docs write it, by way of mammoth.

Headings come from styles in any of these programs' names; footnotes and captions become parts; comments, deleted text,
headers and footers are left out. Title, author and date stand in docProps/core.xml, or in the text and the file's name.
"""

import io
import re

from ..records import Document
from . import html_to_markdown, zip_package
from .encoding import Unreadable
from .filename import date_of, title_of

OLE, RTF = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", b"{\\rtf"
STREAM = "EncryptedPackage".encode("utf-16-le")  # how Word keeps a document with a password
HEADINGS = "\n".join(
    f"p[style-name='{name}'] => h{level}:fresh"
    for level in range(1, 7)
    for name in (f"标题 {level}", f"标题{level}", f"標題 {level}")
)
STYLES = (
    HEADINGS
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
p[style-name^='toc '] => !
p[style-name^='目录'] => !
p[style-name^='Contents '] => !
p[style-name='TOC Heading'] => !
"""
)
NOBODY = {
    "",
    "administrator",
    "user",
    "microsoft office user",
    "microsoft",
    "微软用户",
    "windows 用户",
    "windows user",
    "admin",
    "python-docx",
    "un-named",
    "unknown",
    "owner",
}
UNTITLED = re.compile(
    r"(microsoft word|word document|document|untitled|无标题|文档|新建|normal|template).*",
    re.IGNORECASE,
)


def looks_like(file):
    """Is it a Word file: a package with word/ inside, or one of the old or locked kinds that can only be refused?"""
    if file.data.startswith(OLE):
        return (
            file.suffix in (".doc", ".docx", ".dot", ".wps")
            or "WordDocument".encode("utf-16-le") in file.data
        )
    return file.data.startswith(RTF) or any(
        name.startswith("word/") for name in zip_package.names(file.data)
    )


def read(file):
    """Yield the one raw document of a Word file; raises Unreadable('locked', 'olddoc', 'bomb', 'entities', …)."""
    if file.data.startswith((OLE, RTF)):
        raise Unreadable("locked" if STREAM in file.data else "olddoc")
    found = zip_package.members(file.data)
    for name, data in found.items():
        if name.startswith(("word/", "docProps/", "_rels/", "[Content")):
            zip_package.check(data)
    facts = _facts(found.get("docProps/core.xml"))
    soup, removed = html_to_markdown.tree(_html(file.data)), []
    node = soup.body or soup
    title = _title(node, facts)
    text = html_to_markdown.to_markdown(node, removed)
    if not re.search(r"\w", text):
        raise Unreadable("index")
    # A name that starts with a date says more than the day on which the file was made, often from another one.
    yield Document(
        file.name,
        title=title,
        text=text,
        date=date_of(None, file.name) or date_of(facts.get("created"), ""),
        author=facts["creator"] if facts["creator"].lower() not in NOBODY else "",
        markdown=True,
        fallback_title=title_of(file.name),
        removed=removed,
    )


def _html(data):
    import mammoth

    try:
        return mammoth.convert_to_html(
            io.BytesIO(data),
            style_map=STYLES,
            include_embedded_style_map=False,
            convert_image=lambda image: [],
        ).value
    except RecursionError:
        raise Unreadable("deep") from None
    except Exception:
        # Mammoth raises whatever a file that breaks the standard makes its code trip over.
        raise Unreadable("damaged") from None


def _facts(core):
    """{title, creator, created} of docProps/core.xml."""
    facts = {"title": "", "creator": "", "created": ""}
    for element in zip_package.xml(core) if core else ():
        name = element.tag.rpartition("}")[2]
        if name in facts:
            facts[name] = " ".join((element.text or "").split())
    return facts


def _title(node, facts):
    """The paragraph in the style Title, else a heading that opens the text, else the properties; out of `node`."""
    first = node.find(True)
    found = node.find("h1", class_="title") or (first if first and first.name == "h1" else None)
    if found:
        title = html_to_markdown.words(found)
        found.decompose()
        return title
    title = "" if UNTITLED.fullmatch(facts["title"]) else facts["title"]
    if (
        title
        and first
        and html_to_markdown.letters(html_to_markdown.words(first))
        == html_to_markdown.letters(title)
    ):
        first.decompose()
    return title
