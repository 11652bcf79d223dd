"""A zip that is one document (Word's .docx, EPUB): opened within limits, its XML read without entities."""

import io
import lzma
import zipfile
import zlib

from .encoding import Unreadable

MEMBER_LIMIT, TEXT_LIMIT, RATIO_LIMIT = (
    20_000,
    64 * 2**20,
    200,
)  # members, bytes of text unpacked, times smaller
TEXT = (".xml", ".rels", ".opf", ".ncx", ".xhtml", ".html", ".htm")
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


def names(data):
    """The members' names, or () when it is no zip."""
    try:
        return zipfile.ZipFile(io.BytesIO(data)).namelist() if data[:2] == b"PK" else ()
    except BROKEN:
        return ()


def members(data):
    """{name: bytes} of the members that hold text; raises Unreadable('damaged', 'locked', 'bomb').

    The sizes are what the directory says: zipfile never unpacks more, and a member that lies fails its checksum.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            infos = [info for info in archive.infolist() if info.filename.lower().endswith(TEXT)]
            _check(infos, len(archive.infolist()))
            return {info.filename: archive.read(info) for info in infos}
    except BROKEN:
        raise Unreadable("damaged") from None


def _check(infos, count):
    if any(info.flag_bits & 1 for info in infos):
        raise Unreadable("locked")
    if (
        count > MEMBER_LIMIT
        or sum(info.file_size for info in infos) > TEXT_LIMIT
        or any(info.file_size > max(2**20, RATIO_LIMIT * info.compress_size) for info in infos)
    ):
        raise Unreadable("bomb")


def xml(data):
    """The root element of an XML file; raises Unreadable('entities', 'deep' or 'damaged')."""
    from defusedxml.common import DefusedXmlException
    from defusedxml.ElementTree import ParseError, fromstring

    check(data)
    try:
        return fromstring(data)
    except DefusedXmlException:
        raise Unreadable("entities") from None
    except (ParseError, ValueError, LookupError, RecursionError):
        raise Unreadable("damaged") from None


def check(data):
    """Raise Unreadable for XML that defines entities, is nested too deeply or is broken, without building a tree."""
    from xml.parsers import expat

    parser, depth = expat.ParserCreate(), [0]

    def deeper(name, attributes):
        depth[0] += 1
        if depth[0] > 200:
            raise Unreadable("deep")

    def higher(name):
        depth[0] -= 1

    def refuse(*entity):
        raise Unreadable("entities")

    parser.StartElementHandler, parser.EndElementHandler, parser.EntityDeclHandler = (
        deeper,
        higher,
        refuse,
    )
    try:
        parser.Parse(data, True)
    except (expat.ExpatError, ValueError, LookupError):
        raise Unreadable("damaged") from None
