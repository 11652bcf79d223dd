"""Untrusted zip files: limits against zip bombs, and XML read without entities.

Used for archives (archive.py), Word and EPUB files (`members`) and workbooks (spreadsheets.py).
"""

import io
import lzma
import zipfile
import zlib
from xml.etree.ElementTree import Element

from .encoding import Unreadable

RATIO_LIMIT = 200  # size unpacked / size packed of a member of over a megabyte
_MEMBER_LIMIT = 20_000  # members of a document
_TEXT_LIMIT = 64 * 2**20  # bytes of a document's text, unpacked
_DEPTH_LIMIT = 200  # levels of XML elements
_TEXT = (".xml", ".rels", ".opf", ".ncx", ".xhtml", ".html", ".htm")
# What zipfile raises for a file that is damaged or packed in a way it does not know.
BROKEN = (
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    NotImplementedError,
    RuntimeError,
    EOFError,
    OSError,
    ValueError,
    KeyError,
    IndexError,
)


def check(member: zipfile.ZipInfo) -> None:
    """Raise Unreadable: 'locked' for an encrypted member, 'bomb' for a ratio over RATIO_LIMIT.

    The sizes in the zip's directory can be trusted: zipfile never unpacks more, and the checksum of
    a member that is larger fails.
    """
    if member.flag_bits & 1:
        raise Unreadable("locked")
    if member.file_size > max(2**20, RATIO_LIMIT * member.compress_size):
        raise Unreadable("bomb")


def check_all(members: list[zipfile.ZipInfo], limit: int) -> None:
    """`check` each member, and raise Unreadable('bomb') for over `limit` bytes in all."""
    for member in members:
        check(member)
    if sum(member.file_size for member in members) > limit:
        raise Unreadable("bomb")


def names(data: bytes) -> list[str]:
    """The members' names; [] when the data is no zip."""
    try:
        return zipfile.ZipFile(io.BytesIO(data)).namelist() if data[:2] == b"PK" else []
    except BROKEN:
        return []


def members(data: bytes) -> tuple[dict[str, bytes], list[str]]:
    """({name: bytes} of the members with text, names of those that are damaged).

    Raises Unreadable('damaged', 'locked' or 'bomb').
    """
    whole, damaged = {}, []
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            listed = archive.infolist()
            if len(listed) > _MEMBER_LIMIT:
                raise Unreadable("bomb")
            texts = [member for member in listed if member.filename.lower().endswith(_TEXT)]
            check_all(texts, _TEXT_LIMIT)
            for member in texts:
                try:
                    whole[member.filename] = archive.read(member)
                except BROKEN:
                    damaged.append(member.filename)
    except BROKEN:
        raise Unreadable("damaged") from None
    if damaged and not whole:
        raise Unreadable("damaged")
    return whole, damaged


def packed(members: dict[str, bytes]) -> bytes:
    """A zip of the members, not compressed."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return buffer.getvalue()


def xml(data: bytes) -> Element:
    """The root element of an XML file. Raises Unreadable('entities', 'deep' or 'damaged')."""
    from defusedxml.common import DefusedXmlException
    from defusedxml.ElementTree import ParseError, fromstring

    check_xml(data)
    try:
        return fromstring(data)
    except DefusedXmlException:
        raise Unreadable("entities") from None
    except (ParseError, ValueError, LookupError, RecursionError):
        raise Unreadable("damaged") from None


def check_xml(data: bytes) -> None:
    """Raise Unreadable for XML that defines entities, is nested too deeply or damaged.

    The parser builds no tree, so that this is safe for any input.
    """
    from xml.parsers import expat

    parser, depth = expat.ParserCreate(), 0

    def start(name, attributes):
        nonlocal depth
        depth += 1
        if depth > _DEPTH_LIMIT:
            raise Unreadable("deep")

    def end(name):
        nonlocal depth
        depth -= 1

    def refuse(*entity):
        raise Unreadable("entities")

    parser.StartElementHandler, parser.EndElementHandler = start, end
    parser.EntityDeclHandler = refuse
    try:
        parser.Parse(data, True)
    except (expat.ExpatError, ValueError, LookupError):
        raise Unreadable("damaged") from None
