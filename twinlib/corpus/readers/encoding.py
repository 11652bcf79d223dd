"""Bytes to text, whatever wrote them: marks at the start, UTF-8, then the Chinese encodings, then a guess."""

import codecs
import re

from ...text.script import commonness

BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


class Unreadable(Exception):
    """A file that holds no readable text; the message is the key of the reason."""


def decode(data):
    """The text of a file's bytes, newlines as '\\n'; raises Unreadable('empty' or 'binary')."""
    if not data.strip(b"\0 \t\r\n\f"):
        raise Unreadable("empty")
    text = _decode(data)
    # Control characters that no text has are the surest sign of a picture or a program called .md.
    if text is None or len(re.findall(r"[\x00-\x08\x0e-\x1a\x1c-\x1f]", text)) > len(text) / 500:
        raise Unreadable("binary")
    text = text.replace("\r\n", "\n").replace("\r", "\n").replace("\ufeff", "")
    if not text.strip():
        raise Unreadable("empty")
    return text


def _decode(data):
    for mark, name in BOMS:
        if data.startswith(mark):
            return data.decode(name, errors="replace")
    text = _strict(data, "utf-8")
    if text is not None and "\0" not in text:
        return text
    # charset-normalizer takes short GBK for Korean or Cyrillic, so the Chinese encodings are weighed first.
    chinese = [_strict(data, name) or "" for name in ("gb18030", "big5", "utf-16-le", "utf-16-be")]
    best = max(chinese, key=commonness)
    if commonness(best) > 0.12:
        return best
    return _mended(data) or _guessed(data)


def _strict(data, name):
    try:
        return data.decode(name)
    except UnicodeDecodeError:
        return None


def _mended(data):
    """UTF-8 with a few broken bytes (a file cut off, a bad copy), without them; None when it is something else."""
    if data.count(b"\0") > len(data) / 500:
        return None
    text = data.decode("utf-8", errors="replace")
    return (
        text.replace("\ufffd", "")
        if text.count("\ufffd") <= max(1, len(text) // 200) and len(text) > 50
        else None
    )


def _guessed(data):
    from charset_normalizer import from_bytes

    sample = data[:200_000]
    # Between the Western and the Central European tables a guess is a toss-up, and few letters decide: take the common.
    western = sum(byte > 127 for byte in sample) < len(sample) * 0.15
    best = (
        western and from_bytes(sample, cp_isolation=["cp1252"]).best() or from_bytes(sample).best()
    )
    return data.decode(best.encoding, errors="replace") if best else None
