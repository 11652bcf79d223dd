"""Bytes to text: a byte order mark, UTF-8, the Chinese encodings, then a guess."""

import codecs
import re

from ...text.script import commonness

BYTE_ORDER_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


class Unreadable(Exception):
    """A file that can't be read; the message is the reason, a key of data/reasons.yaml."""


def decode(data: bytes) -> str:
    """The text of a file's bytes, newlines as '\\n'. Raises Unreadable('empty' or 'binary')."""
    if not data.strip(b"\0 \t\r\n\f"):
        raise Unreadable("empty")
    text = _decode(data)
    # Many control characters: a binary file, whatever its name.
    if text is None or len(re.findall(r"[\x00-\x08\x0e-\x1a\x1c-\x1f]", text)) > len(text) / 500:
        raise Unreadable("binary")
    text = text.replace("\r\n", "\n").replace("\r", "\n").replace("\ufeff", "")
    if not text.strip():
        raise Unreadable("empty")
    return text


def _decode(data):
    for mark, name in BYTE_ORDER_MARKS:
        if data.startswith(mark):
            return data.decode(name, errors="replace")
    text = _strict(data, "utf-8")
    if text is not None and "\0" not in text:
        return text
    # charset-normalizer takes short GBK for Korean or Cyrillic: try the Chinese encodings first.
    chinese = [_strict(data, name) or "" for name in ("gb18030", "big5", "utf-16-le", "utf-16-be")]
    best = max(chinese, key=commonness)
    if commonness(best) > 0.12:
        return best
    return _nearly_utf8(data) or _guess(data)


def _strict(data, name):
    try:
        return data.decode(name)
    except UnicodeDecodeError:
        return None


def _nearly_utf8(data):
    """UTF-8 text without its few broken bytes (a truncated file, a bad copy); None if many."""
    if data.count(b"\0") > len(data) / 500:
        return None
    text = data.decode("utf-8", errors="replace")
    if len(text) <= 50 or text.count("\ufffd") > max(1, len(text) // 200):
        return None
    return text.replace("\ufffd", "")


def _guess(data):
    from charset_normalizer import from_bytes

    sample = data[:200_000]
    # With few non-ASCII letters the Western and Central European encodings look alike: try the
    # more frequent one first.
    best = None
    if sum(byte > 127 for byte in sample) < len(sample) * 0.15:
        best = from_bytes(sample, cp_isolation=["cp1252"]).best()
    best = best or from_bytes(sample).best()
    return data.decode(best.encoding, errors="replace") if best else None
