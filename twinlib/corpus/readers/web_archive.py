"""Web pages saved with all that belongs to them: MHTML of Chrome and Edge, Safari's .webarchive."""

import email
import plistlib
import re

from ...text.inputs.encoding import Unreadable, decode
from ...text.inputs.input_file import File

_CHARSET = re.compile(r"(<meta\b[^>]*charset\s*=\s*[\"']?\s*)[\w-]+", re.IGNORECASE)


def opened(file: File) -> File:
    """The page in a saved page, as a File of the same name; any other file as it is."""
    head = file.head[:4096]
    is_mhtml = b"multipart/related" in head and (
        file.suffix in (".mht", ".mhtml") or b"Snapshot-Content-Location:" in head
    )
    if not is_mhtml and not (file.suffix == ".webarchive" and head.startswith(b"bplist")):
        return file
    data, charset = _of_mhtml(file.data) if is_mhtml else _of_safari(file.data)
    try:
        text = data.decode(charset)
    except (LookupError, ValueError):
        text = decode(data)
    page = _CHARSET.sub(r"\g<1>utf-8", text)
    return File(file.name, b"<!doctype html>\n" + page.encode(), file.near)


def _of_mhtml(data):
    """(bytes, charset) of the first page of an MHTML file. Raises Unreadable('index')."""
    for part in email.message_from_bytes(data).walk():
        if part.get_content_type() in ("text/html", "application/xhtml+xml"):
            return part.get_payload(decode=True) or b"", part.get_content_charset() or "utf-8"
    raise Unreadable("index")


def _of_safari(data):
    """(bytes, charset) of the main page of a .webarchive. Raises Unreadable('damaged')."""
    try:
        page = plistlib.loads(data)["WebMainResource"]
        return page["WebResourceData"], page.get("WebResourceTextEncodingName") or "utf-8"
    except (plistlib.InvalidFileException, ValueError, KeyError, TypeError, IndexError):
        raise Unreadable("damaged") from None
