"""Word's document.xml as mammoth reads it: elements that it passes over give way to their content.

mammoth reads no phonetic guides (w:ruby), simple fields, text of another direction, or text boxes
without a copy for old programs; their words would vanish. A phonetic guide leaves its base. Deleted
and moved text (w:del, w:moveFrom) goes.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lxml.etree import _Element

_W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
_MC = "{http://schemas.openxmlformats.org/markup-compatibility/2006}"
_MATH = "{http://schemas.openxmlformats.org/officeDocument/2006/math}"
_TEXT, _BOX = f"{_W}t", f"{_W}txbxContent"
_GONE = (f"{_W}del", f"{_W}moveFrom")
# Elements of this namespace that mammoth reads, so that their content stays where it is.
_READ = {
    f"{_W}{name}"
    for name in (
        "document body p r t tab br tbl tr tc sdt sdtContent customXml ins moveTo object smartTag "
        "drawing pict hyperlink txbxContent footnotes footnote endnotes endnote"
    ).split()
}
_VML = "{urn:schemas-microsoft-com:vml}"
_VML_READ = {f"{_VML}{name}" for name in ("group", "rect", "roundrect", "shape", "textbox")}


def readable(data: bytes) -> tuple[bytes, list[str]]:
    """(the XML for mammoth, the paragraphs' texts in order) of document.xml or the notes."""
    from lxml import etree

    parser = etree.XMLParser(resolve_entities=False, huge_tree=True, recover=False)
    root = etree.fromstring(data, parser)
    for element in list(root.iter(*_GONE)):
        _replace(element, [])
    for element in list(root.iter(f"{_W}ruby")):
        bases = element.iter(f"{_W}rubyBase")
        _replace(element, [text for base in bases for text in base.iter(_TEXT)])
    for element in list(root.iter(f"{_MC}AlternateContent")):
        choices = [*element.iterchildren(f"{_MC}Fallback"), *element.iterchildren(f"{_MC}Choice")]
        worded = [choice for choice in choices if _has_words(choice)] or choices
        _replace(element, list(worded[0]) if worded else [])
    for element in list(root.iter(f"{_W}drawing")):
        boxes = [box for box in element.iter(_BOX) if _has_words(box)]
        if boxes:
            picture = etree.Element(f"{_W}pict")
            picture.extend(boxes)
            _replace(element, [picture])
    for element in list(root.iter(etree.Element)):
        if element.tag not in _READ | _VML_READ and element is not root and _has_words(element):
            _replace(element, list(element))
    return etree.tostring(root, xml_declaration=True, encoding="UTF-8"), _paragraphs(root)


def lines(data: bytes) -> list[str]:
    """The lines of document.xml: of each paragraph, '' for an empty one; a table's row is one."""
    from lxml import etree

    root = etree.fromstring(readable(data)[0])
    found = []
    for element in root.iter(f"{_W}p", f"{_W}tr"):
        if element.tag == f"{_W}tr":
            cells = [" ".join(map(_line, cell.iter(f"{_W}p"))) for cell in element.iter(f"{_W}tc")]
            found.append("\t".join(cells))
        elif next(element.iterancestors(f"{_W}tr"), None) is None:
            found += _line(element).split("\n")
    return found


def _line(paragraph):
    signs = {_TEXT: None, f"{_W}tab": "\t", f"{_W}br": "\n", f"{_W}cr": "\n"}
    runs = (run for run in paragraph.iter(*signs) if run.getparent().tag != f"{_W}tabs")
    return "".join(signs[run.tag] or run.text or "" for run in runs)


def words(data: bytes) -> str:
    """The text of a header, a footer or comments, a paragraph a line."""
    from lxml import etree

    root = etree.fromstring(data, etree.XMLParser(resolve_entities=False, huge_tree=True))
    return "\n".join(filter(None, _paragraphs(root)))


def _paragraphs(root):
    """The texts of all paragraphs, and of formulas; one in another, in a text box, by itself."""
    texts = {}
    for element in root.iter(f"{_W}p", _TEXT):
        if element.tag == _TEXT:
            paragraph = next(element.iterancestors(f"{_W}p"), root)
            texts[paragraph] = texts.get(paragraph, "") + (element.text or "")
    formulas = root.iter(f"{_MATH}oMath")
    return [*texts.values(), *("".join(m.itertext(f"{_MATH}t")) for m in formulas)]


def _has_words(element: "_Element") -> bool:
    return next(element.iter(_TEXT), None) is not None


def _replace(element: "_Element", children: list) -> None:
    """Put the children where the element is."""
    parent = element.getparent()
    if parent is None:
        return
    index = parent.index(element)
    parent.remove(element)
    for number, child in enumerate(children):
        child.tail = None
        parent.insert(index + number, child)
