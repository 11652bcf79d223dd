"""Bytes to text: a byte order mark, UTF-8, the Chinese encodings, also damaged, then a guess."""

import codecs
import re
import unicodedata
from collections import defaultdict
from functools import lru_cache
from math import inf

from ..script import HAN, commonness

BYTE_ORDER_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_CHINESE = 0.12  # share of everyday characters from which a text is Chinese
_CHINESE_ENCODINGS = ("gb18030", "big5")
_FREQUENT = {"gb18030": (0xB0, 0xD7), "big5": (0xA4, 0xC6)}  # first bytes of frequent characters
_CONTROL = re.compile(rb"[\x01-\x08\x0e-\x1a\x1c-\x1f]")
_CONTROLS = re.compile(r"[\x00-\x08\x0e-\x1a\x1c-\x1f]")
# Colour, bold, italics and the like, as IRC programs write them into their logs.
_FORMATTING = re.compile(r"\x03(?:\d{1,2}(?:,\d{1,2})?)?|[\x02\x0f\x16\x1d\x1f]")
_FOUR = re.compile(rb"[\x81-\xfe][\x30-\x39][\x81-\xfe][\x30-\x39]")
# Costs: of a byte left out, of characters that are rare, rarer, and with an ASCII second byte.
_DROPPED, _RARE, _RARER, _RAREST = 4.0, 3.0, 4.0, 5.0
_BESIDE = 2.0  # of a letter beside Chinese


class Unreadable(Exception):
    """A file that can't be read; the message is the reason, a key of data/reasons.yaml."""


def decode(data: bytes) -> str:
    """The text of a file's bytes, newlines as '\\n'. Raises Unreadable('empty' or 'binary')."""
    if not data.strip(b"\0 \t\r\n\f"):
        raise Unreadable("empty")
    text = _decode(data)
    # Many control characters: a binary file, whatever its name.
    if text is not None and len(_CONTROLS.findall(text)) > len(text) / 500:
        text = _FORMATTING.sub("", text)
    if text is None or len(_CONTROLS.findall(text)) > len(text) / 500:
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
    if commonness(best) > _CHINESE:
        return best
    japanese = (_strict(data, name) or "" for name in ("shift_jis", "euc_jp"))
    if kana := next((text for text in japanese if _is_kana(text)), None):
        return kana
    if len(_CONTROL.findall(data)) > len(data) / 100:  # no damaged text: mending takes long
        return _guess(data)
    return _nearly_utf8(data) or _mended(data) or _sprinkled(data) or _guess(data)


def _is_kana(text):
    return len(re.findall("[\u3041-\u30fc]", text)) > len(text) / 5


def _strict(data, name):
    try:
        return data.decode(name)
    except UnicodeDecodeError:
        return None


def _nearly_utf8(data):
    """UTF-8 text without its broken bytes, which cost a character each; None if they are many."""
    if data.count(b"\0") > len(data) / 500:
        return None
    text = data.decode("utf-8", errors="replace")
    broken, letters = text.count("\ufffd"), sum(map(len, re.findall(r"[^\x00-\x7f\ufffd]+", text)))
    few = broken <= max(4, len(text) // 100) and broken * 6 <= letters
    return text.replace("\ufffd", "") if few else None


# Chinese with wrong or lost bytes


def _mended(data):
    """A Chinese text in which some bytes are wrong or lost; None if there is no such text."""
    if data.count(b"\0") > len(data) / 500:
        return None
    texts = [mended(data, name) for name in _CHINESE_ENCODINGS]
    text, dropped = max(texts, key=lambda item: commonness(item[0]))
    is_text = commonness(text) > _CHINESE and dropped <= max(3, len(text) // 50)
    return text if is_text else None


def mended(data: bytes, name: str) -> tuple[str, int]:
    """(text, bytes left out) of a text in gb18030 or big5 of which some bytes are wrong or lost.

    A lost byte puts all pairs of bytes after it out of step, so that a line with an error is read
    in the way that leaves out few bytes and has few rare characters (Viterbi's algorithm).
    """
    lines, dropped = [], 0
    for line in data.split(b"\n"):
        text = _strict(line, name)
        if text is None:
            text, missing = _in_step(line, name)
            dropped += missing
        lines.append(text)
    return "\n".join(lines), dropped


def _in_step(line, name):
    cost_of, end = _costs(name), len(line)
    costs, backs = [0.0] + [inf] * end, [0] * (end + 1)
    for index, byte in enumerate(line):
        # A letter that follows a Chinese character may be the second byte of one.
        beside = 0x40 <= byte < 0x7F and index and line[index - 1] >= 0x80
        steps = [(1, _DROPPED if byte >= 0x80 else _BESIDE if beside else 0.0)]
        if byte >= 0x81 and index + 1 < end:
            steps.append((2, cost_of[line[index : index + 2]]))
        if byte >= 0x81 and name == "gb18030" and _FOUR.match(line, index):
            steps.append((4, _RARE))
        for width, cost in steps:
            if costs[index] + cost < costs[index + width]:
                costs[index + width], backs[index + width] = costs[index] + cost, width
    pieces, dropped = [], 0
    while end > 0:
        piece = line[end - backs[end] : end]
        end -= backs[end]
        if len(piece) == 1 and piece >= b"\x80":
            dropped += 1
        else:
            pieces.append(piece)
    return b"".join(reversed(pieces)).decode(name, errors="ignore"), dropped


@lru_cache(maxsize=2)
def _costs(name):
    """{two bytes: cost of reading them as one character}; those that are none cost infinity."""
    first, last = _FREQUENT[name]
    costs = defaultdict(lambda: inf)
    for lead in range(0x81, 0xFF):
        for trail in range(0x40, 0xFF):
            pair = bytes((lead, trail))
            character = _strict(pair, name)
            if character is None or len(character) > 1 or "\ue000" <= character <= "\uf8ff":
                continue
            frequent = first <= lead <= last and (trail >= 0xA1 or name == "big5")
            if frequent or unicodedata.category(character)[0] == "P":
                costs[pair] = 1.0 - commonness(character)
            else:
                costs[pair] = _RARE if trail >= 0xA1 else _RARER if trail >= 0x80 else _RAREST
    return costs


# A few Chinese words in a text of Latin letters


def _sprinkled(data):
    """A text of Latin letters with some Chinese in GB18030 or Big5; None if it is no such text.

    In Western encodings a byte over 7F mostly stands alone and, in a word, is C0 or more; what
    they hold would be single or rare characters in Chinese.
    """
    best, most = None, 0.0
    for name in _CHINESE_ENCODINGS:
        text, dropped = mended(data, name)
        words = re.findall(f"[{HAN}\\ue000-\\uf8ff]+", text)
        characters = "".join(words)
        latin = len(re.findall(r"[A-Za-z]", text))
        if len(characters) < 2 or dropped * 8 > len(characters) or latin < 3 * len(characters):
            continue
        encoded = [character.encode(name, errors="ignore") for character in characters]
        costs = [_costs(name).get(pair, inf) for pair in encoded]
        usual, frequent = (sum(cost <= limit for cost in costs) for limit in (_RARE, 1.0))
        alone = sum(len(word) == 1 for word in words)
        low = any(byte < 0xC0 for pair in encoded for byte in pair)
        is_chinese = usual * 2 >= len(costs) and frequent >= len(costs) * (0.25 if low else 0.4)
        # What is GB18030 often reads as Big5, too, but hardly the other way round.
        share = (usual + frequent) / len(costs) - (0.4 if name == "big5" else 0.0)
        if is_chinese and alone * 2 <= len(words) and share > most:
            best, most = text, share
    return best


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
