"""EPUB 2 and 3: one document for each chapter, in reading order, without front matter.

META-INF/container.xml names the package file, which has title, creator and date (metadata), the
files (manifest) and their order (spine). Chapter titles are in the navigation document (EPUB 3) or
in toc.ncx (EPUB 2). The library EbookLib is not used because of its licence, the AGPL.
"""

import posixpath
import re
from collections.abc import Iterator
from urllib.parse import unquote
from xml.etree.ElementTree import Element

from ...text.inputs import zip_package
from ...text.inputs.encoding import Unreadable, decode
from ...text.inputs.filename import date_of
from ...text.inputs.input_file import File
from ..records import Document
from .html_to_markdown import link_share, take, text_of, to_markdown, tree, without_title

# Encryption of fonts only, which does not lock the text.
_FONTS = {"http://www.idpf.org/2008/embedding", "http://ns.adobe.com/pdf/enc#RC"}
_FRONT_TYPES = set(
    "cover toc landmarks copyright-page titlepage title-page halftitlepage colophon loi lot "
    "index imprint frontispiece".split()
)
_FRONT_NAMES = re.compile(
    r"(cover|toc|nav|contents?|title-?page|copyright|colophon|imprint|half-?title)[-_]?\d*",
    re.IGNORECASE,
)
_FRONT_TITLES = re.compile(
    r"(table of )?contents|copyright.*|cover|title page|colophon|目\s*[录錄次]|版\s*[权權].*|"
    r"封面|扉页|"
    r"封底|书名页",
    re.IGNORECASE,
)


def looks_like(file: File) -> bool:
    """Whether it is a zip that starts as EPUB, or has its container file."""
    starts = b"mimetypeapplication/epub+zip" in file.data[:100]
    return starts or "META-INF/container.xml" in zip_package.names(file.data)


def read(file: File) -> Iterator[Document]:
    """Yield a document for each chapter.

    Raises Unreadable('locked', 'bomb', 'entities', 'damaged' or 'index').
    """
    members, damaged = zip_package.members(file.data)
    if _is_locked(members.get("META-INF/encryption.xml")):
        raise Unreadable("locked")
    home, root = _package(members, damaged)
    metadata, guide_types = _metadata(root), _guide_types(root, home)
    titles, navigation = _titles(members, root, home)
    documents, refused, front_matter = [], {}, []
    for path in _spine(root, home) or sorted(filter(_is_page, [*members, *damaged])):
        if path == navigation:
            continue
        try:
            chapter = _chapter(file, path, members, titles, guide_types, front_matter, metadata)
        except Unreadable as error:
            refused[path], chapter = str(error), None
        if chapter and documents and titles and not chapter.title:
            # The continuation of a chapter that is split into several files.
            documents[-1].text += "\n\n" + chapter.text
        elif chapter:
            documents.append(chapter)
        if documents:
            documents[-1].removed += front_matter
            front_matter = []
    if not documents:
        raise Unreadable(next(iter(refused.values()), "index"))
    if len(documents) == 1 and not refused:
        documents[0].title = documents[0].title or metadata["fallback_title"]
    yield from documents
    for path, reason in refused.items():
        yield Document(f"{file.name}#{path}", title=titles.get(path, ""), skip_reason=reason)


def _is_page(path):
    return path.lower().endswith((".xhtml", ".html", ".htm"))


def _is_locked(encryption):
    methods = _tags(zip_package.xml(encryption), "EncryptionMethod") if encryption else []
    return any(method.get("Algorithm", "") not in _FONTS for method in methods)


def _package(members, damaged):
    """(the package file's folder, its root element); where it is damaged, an empty element.

    Raises Unreadable('entities', or 'damaged' where nothing says that it is a book).
    """
    try:
        container = zip_package.xml(members.get("META-INF/container.xml", b""))
        path = next(
            (e.get("full-path") for e in container.iter() if e.tag.endswith("rootfile")), None
        )
        if path in members:
            return posixpath.dirname(path), zip_package.xml(members[path])
    except Unreadable as error:
        if str(error) != "damaged":
            raise
    if not any(map(_is_page, members)):
        raise Unreadable("damaged")
    return "", Element("package")


def _tags(root, name):
    """All elements of this name below `root`, whatever their namespace."""
    return [
        element
        for element in root.iter()
        if isinstance(element.tag, str) and element.tag.endswith(f"}}{name}")
    ]


def _metadata(root):
    """{author, date, fallback_title} of the book, fields of a Document."""
    texts = {
        name: [" ".join((e.text or "").split()) for e in _tags(root, name)]
        for name in ("title", "creator", "date")
    }
    return {
        "author": ", ".join(filter(None, texts["creator"])),
        "date": date_of(next(iter(texts["date"]), ""), ""),
        "fallback_title": next(iter(texts["title"]), ""),
    }


def _path(home, href):
    """The member's name that an href in a file of the folder `home` means."""
    return posixpath.normpath(posixpath.join(home, unquote((href or "").partition("#")[0])))


def _manifest(root, home):
    """{id: (member's name, properties, media type)} of the package's files."""
    return {
        item.get("id"): (
            _path(home, item.get("href")),
            item.get("properties") or "",
            item.get("media-type") or "",
        )
        for item in _tags(root, "item")
    }


def _spine(root, home):
    """The members' names in reading order."""
    manifest = _manifest(root, home)
    paths = (manifest.get(ref.get("idref"), ("",))[0] for ref in _tags(root, "itemref"))
    return list(dict.fromkeys(filter(None, paths)))


def _guide_types(root, home):
    """{member's name: type, such as cover or toc} of EPUB 2's guide."""
    return {
        _path(home, ref.get("href")): (ref.get("type") or "").lower()
        for ref in _tags(root, "reference")
    }


def _titles(members, root, home):
    """({path of a chapter: its title}, path of the navigation document or None)."""
    manifest, titles = _manifest(root, home).values(), {}
    documents = (path for path, properties, _ in manifest if "nav" in properties.split())
    navigation = next(documents, None)
    if navigation in members:
        soup = tree(decode(members[navigation]))
        nav = soup.find("nav", attrs={"epub:type": "toc"}) or soup.find("nav") or soup
        pairs = [(link.get("href"), text_of(link)) for link in nav.find_all("a")]
        base = posixpath.dirname(navigation)
    else:
        tables = (path for path, _, media in manifest if "ncx" in media and path in members)
        ncx = next(tables, None)
        points = _tags(zip_package.xml(members[ncx]), "navPoint") if ncx else []
        pairs = [
            (_tags(p, "content")[0].get("src"), "".join(_tags(p, "text")[0].itertext()).strip())
            for p in points
            if _tags(p, "content") and _tags(p, "text")
        ]
        base = posixpath.dirname(ncx or "")
    for href, title in pairs:
        titles.setdefault(_path(base, href), title)
    return titles, navigation


def _chapter(file, path, members, titles, guide_types, removed, metadata):
    """The Document of a chapter; None for a file without text or front matter (to `removed`).

    Raises Unreadable, also for a file that is damaged or not there.
    """
    data = members.get(path)
    if data is None:
        raise Unreadable("damaged")
    if b"<!ENTITY" in data:
        raise Unreadable("entities")
    try:
        soup = tree(decode(data))
    except Unreadable as error:
        if str(error) != "deep" and str(error) != "long":
            return None
        raise
    node = soup.body or soup
    heading = node.find(["h1", "h2", "h3"])
    title = titles.get(path) or text_of(heading)
    if _is_front(path, node, title, guide_types):
        take(soup, [node], "navigation", removed)
        return None
    without_title(node, title)
    text = to_markdown(node, removed)
    if not re.search(r"\w", text):
        return None
    return Document(
        f"{file.name}#{path}", title=title, text=text, kind="book", markdown=True, **metadata
    )


def _is_front(path, node, title, guide_types):
    """Whether a file is a cover, a table of contents, an imprint or the like."""
    types = {*str(node.get("epub:type")).split(), guide_types.get(path, "")}
    for tag in node.find_all(["section", "div"], limit=2):
        types.update(str(tag.get("epub:type")).split())
    mostly_links = len(node.find_all("a", limit=4)) == 4 and link_share(node) > 0.6
    name = posixpath.basename(path).partition(".")[0]
    by_name = _FRONT_NAMES.fullmatch(name) and len(text_of(node)) < 3000
    return bool(types & _FRONT_TYPES or _FRONT_TITLES.fullmatch(title) or mostly_links or by_name)
