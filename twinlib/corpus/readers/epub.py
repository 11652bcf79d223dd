"""EPUB 2 and 3: one document for each chapter, in reading order (the package's spine), front matter left out.

META-INF/container.xml names the package file; its metadata give title, creator and date, its manifest the chapters, its
spine their order; chapter titles stand in the navigation document (EPUB 3) or toc.ncx (EPUB 2).
"""

import posixpath
import re
from urllib.parse import unquote

from ..records import Document
from . import html_to_markdown, zip_package
from .encoding import Unreadable, decode
from .filename import date_of

FONTS = {
    "http://www.idpf.org/2008/embedding",
    "http://ns.adobe.com/pdf/enc#RC",
}  # hidden fonts are no lock
FRONT_TYPES = {
    "cover",
    "toc",
    "landmarks",
    "copyright-page",
    "titlepage",
    "title-page",
    "halftitlepage",
    "colophon",
    "loi",
    "lot",
    "index",
    "imprint",
    "frontispiece",
}
FRONT_NAMES = re.compile(
    r"(cover|toc|nav|contents?|title-?page|copyright|colophon|imprint|half-?title)[-_]?\d*",
    re.IGNORECASE,
)
FRONT_TITLES = re.compile(
    r"(table of )?contents|copyright.*|cover|title page|colophon|目\s*[录錄次]|版\s*[权權].*|封面|扉页|"
    r"封底|书名页",
    re.IGNORECASE,
)


def looks_like(file):
    """Is it a zip whose first words, or whose container file, say EPUB?"""
    return b"mimetypeapplication/epub+zip" in file.data[
        :100
    ] or "META-INF/container.xml" in zip_package.names(file.data)


def read(file):
    """Yield a raw document for each chapter; raises Unreadable('locked', 'bomb', 'entities', 'damaged', 'index')."""
    found = zip_package.members(file.data)
    if _locked(found.get("META-INF/encryption.xml")):
        raise Unreadable("locked")
    home, root = _package(found)
    facts, kinds = _facts(root), _guide(root, home)
    titles, navigation = _titles(found, root, home)
    documents, left = [], []
    for path in (path for path in _spine(root, home) if path in found and path != navigation):
        chapter = _chapter(file, path, found[path], titles, kinds, left, facts)
        if chapter and documents and titles and not chapter.title:
            # The rest of a chapter that the book keeps in several files.
            documents[-1].text += "\n\n" + chapter.text
        elif chapter:
            documents.append(chapter)
        if documents:
            documents[-1].removed += left
            left = []
    if not documents:
        raise Unreadable("index")
    if len(documents) == 1:
        documents[0].title = documents[0].title or facts["fallback_title"]
    yield from documents


def _locked(encryption):
    methods = (
        [
            element.get("Algorithm", "")
            for element in zip_package.xml(encryption).iter()
            if element.tag.endswith("}EncryptionMethod")
        ]
        if encryption
        else []
    )
    return any(method not in FONTS for method in methods)


def _package(found):
    """(the package file's folder, its root element)."""
    container = zip_package.xml(found.get("META-INF/container.xml", b""))
    path = next((e.get("full-path") for e in container.iter() if e.tag.endswith("rootfile")), None)
    if path not in found:
        raise Unreadable("damaged")
    return posixpath.dirname(path), zip_package.xml(found[path])


def _named(root, name):
    return [
        element
        for element in root.iter()
        if isinstance(element.tag, str) and element.tag.endswith(f"}}{name}")
    ]


def _facts(root):
    words = {
        name: [" ".join((e.text or "").split()) for e in _named(root, name)]
        for name in ("title", "creator", "date")
    }
    return {
        "author": ", ".join(filter(None, words["creator"])),
        "date": date_of(next(iter(words["date"]), ""), ""),
        "fallback_title": next(iter(words["title"]), ""),
    }


def _path(home, href):
    return posixpath.normpath(posixpath.join(home, unquote((href or "").partition("#")[0])))


def _manifest(root, home):
    return {
        item.get("id"): (
            _path(home, item.get("href")),
            item.get("properties") or "",
            item.get("media-type") or "",
        )
        for item in _named(root, "item")
    }


def _spine(root, home):
    manifest = _manifest(root, home)
    found = (manifest.get(ref.get("idref"), ("",))[0] for ref in _named(root, "itemref"))
    return list(dict.fromkeys(filter(None, found)))


def _guide(root, home):
    return {
        _path(home, ref.get("href")): (ref.get("type") or "").lower()
        for ref in _named(root, "reference")
    }


def _titles(found, root, home):
    """({path of a chapter: its title}, path of the navigation document or None)."""
    manifest = _manifest(root, home).values()
    navigation = next(
        (path for path, properties, _ in manifest if "nav" in properties.split()), None
    )
    titles = {}
    if navigation in found:
        soup = html_to_markdown.tree(decode(found[navigation]))
        nav = soup.find("nav", attrs={"epub:type": "toc"}) or soup.find("nav") or soup
        pairs = [(link.get("href"), html_to_markdown.words(link)) for link in nav.find_all("a")]
        base = posixpath.dirname(navigation)
    else:
        ncx = next((path for path, _, media in manifest if "ncx" in media and path in found), None)
        points = _named(zip_package.xml(found[ncx]), "navPoint") if ncx else []
        pairs = [
            (_named(p, "content")[0].get("src"), "".join(_named(p, "text")[0].itertext()).strip())
            for p in points
            if _named(p, "content") and _named(p, "text")
        ]
        base = posixpath.dirname(ncx or "")
    for href, title in pairs:
        titles.setdefault(_path(base, href), title)
    return titles, navigation


def _chapter(file, path, data, titles, kinds, removed, facts):
    """The Document of a chapter, or None for front matter, whose words go to `removed`."""
    if b"<!ENTITY" in data:
        raise Unreadable("entities")
    try:
        soup = html_to_markdown.tree(decode(data))
    except Unreadable as error:
        if str(error) != "deep" and str(error) != "long":
            return None
        raise
    node = soup.body or soup
    heading = node.find(["h1", "h2", "h3"])
    title = titles.get(path) or html_to_markdown.words(heading)
    if _is_front(path, node, title, kinds):
        html_to_markdown.take(soup, [node], "navigation", removed)
        return None
    html_to_markdown.without_title(node, title)
    text = html_to_markdown.to_markdown(node, removed)
    if not re.search(r"\w", text):
        return None
    return Document(
        f"{file.name}#{path}", title=title, text=text, kind="book", markdown=True, **facts
    )


def _is_front(path, node, title, kinds):
    types = {*str(node.get("epub:type")).split(), kinds.get(path, "")}
    types |= {
        word
        for tag in node.find_all(["section", "div"], limit=2)
        for word in str(tag.get("epub:type")).split()
    }
    links = sum(
        len(html_to_markdown.letters(html_to_markdown.words(link))) for link in node.find_all("a")
    )
    mostly = (
        links > 0.6 * max(1, len(html_to_markdown.letters(html_to_markdown.words(node))))
        and len(node.find_all("a", limit=4)) == 4
    )
    named = (
        FRONT_NAMES.fullmatch(posixpath.basename(path).partition(".")[0])
        and len(html_to_markdown.words(node)) < 3000
    )
    return bool(types & FRONT_TYPES or FRONT_TITLES.fullmatch(title) or mostly or named)
