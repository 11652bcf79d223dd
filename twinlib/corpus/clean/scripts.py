"""Count characters by script, repair garbled encodings, unify Chinese to one script."""

import re
import unicodedata
from collections import Counter
from functools import lru_cache

from ...i18n import data, t
from ...text.script import SCRIPTS, commonness

_SCRIPT_OF_NAME = {
    "CJK": "chinese",
    "LATIN": "latin",
    "HIRAGANA": "kana",
    "KATAKANA": "kana",
    "KATAKANA-HIRAGANA": "kana",
    "HANGUL": "hangul",
    "CYRILLIC": "cyrillic",
    "GREEK": "greek",
    "ARABIC": "arabic",
}
_SCRIPT_OF_CATEGORY = {
    "L": "letters",
    "M": "letters",
    "N": "digits",
    "P": "punctuation",
    "S": "symbols",
}
_LETTERS = SCRIPTS[: SCRIPTS.index("digits")]
_FEWEST = 100  # characters; the lost share of a script with fewer gets no warning
_MUCH_MORE = 0.2  # difference between the lost shares that is worth a warning
_DECODED = 0.12  # commonness of Chinese text: about 0.3 if decoded right, near 0 if not


def by_script(characters: Counter) -> Counter:
    """{script: number} of {character: number}; each character counts for one of SCRIPTS."""
    counts = Counter()
    for character, count in characters.items():
        counts[_script(character)] += count
    return counts


@lru_cache(maxsize=20_000)
def _script(character):
    category = unicodedata.category(character)
    names = unicodedata.name(character, "").split()
    if character in "々〇〆" or "CJK" in names and category[0] in "LS" and category != "Sk":
        return "chinese"
    if category[0] in "LM":
        if "SELECTOR-16" in names:  # makes the character before it an emoji
            return "symbols"
        return next((_SCRIPT_OF_NAME[name] for name in names if name in _SCRIPT_OF_NAME), "letters")
    return _SCRIPT_OF_CATEGORY.get(category[0], "spaces")


def lost_shares(before: Counter, after: Counter) -> dict[str, float]:
    """{script: share of its characters that were lost, 0 to 1} for each script in `before`."""
    return {
        script: max(0.0, 1 - after[script] / before[script]) for script in SCRIPTS if before[script]
    }


def loss_warning(before: Counter, after: Counter) -> str:
    """A warning if one script lost a far larger share of its letters than all others; else ''."""
    shares = {
        script: share
        for script, share in lost_shares(before, after).items()
        if script in _LETTERS and before[script] >= _FEWEST
    }
    worst = max(shares, key=shares.get, default=None)
    others = [script for script in SCRIPTS if script not in (worst, "spaces")]
    rest, left = (sum(counts[script] for script in others) for counts in (before, after))
    share, other = shares.get(worst, 0.0), max(0.0, 1 - left / rest) if rest else 0.0
    if share < other + _MUCH_MORE:
        return ""
    script = data("scripts")[worst]
    return t("corpus.script_lost_in_cleaning", share=share, other=other, script=script)


# Garbled encodings


def _read_as_gbk():
    """The characters, mostly rare ones, that GBK reads in the first two UTF-8 bytes of Chinese."""
    pairs = (
        bytes((first, second))
        for first in (*range(0xE3, 0xEA), 0xEF)
        for second in range(0x80, 0xC0)
    )
    return "".join(pair.decode("gbk", "ignore") for pair in pairs)


# Bytes 80 to BF, which follow the first byte of a character in UTF-8, as cp1252 shows them.
_FOLLOWING = "\x80-\xbf€‚ƒ„…†‡ˆ‰Š‹ŒŽ‘’“”•–—˜™š›œžŸ"
_READ_AS_GBK = _read_as_gbk()
# One class of characters, which is searched ten times as fast as the patterns below.
_SUSPECT = re.compile(f"[\x80-\x9f\xa1-\xf4{_READ_AS_GBK}]")
# UTF-8 or GBK read as Latin-1, or control characters that are Windows punctuation.
_LATIN = re.compile(rf"[\xc2-\xf4][{_FOLLOWING}]|[\xa1-\xfe]{{4}}|[\x80-\x9f]")
_GBK = re.compile(f"[{_READ_AS_GBK}][^\x00-\x7f]")  # UTF-8 read as GBK
_CHINESE_LINE = re.compile("[\x00-\x7f\u2010-\u203b\u3000-\u303f\u4e00-\u9fff\uff01-\uff60]*")


def repair_encoding(text: str) -> str:
    """A text with its garbled lines repaired: UTF-8 read as Latin-1 or GBK, GBK read as Latin-1.

    All other lines stay as they are. Lost bytes can't be repaired: '锟斤拷' stays, and a character
    that lacks bytes becomes '\ufffd'.
    """
    if not _SUSPECT.search(text):
        return text
    return "\n".join(map(_repaired, text.split("\n")))


def _repaired(line):
    if not _SUSPECT.search(line):
        return line
    repaired = _read_as_latin(line) if _LATIN.search(line) else line
    return _utf8_read_as_gbk(line) if repaired == line and _GBK.search(line) else repaired


def _read_as_latin(line):
    import ftfy

    # Not ftfy.fix_text, which also changes quotation marks, widths and entities.
    utf8 = ftfy.fix_encoding(line)
    try:
        raw = b"".join(bytes([ord(c)]) if c < "\u0100" else c.encode("cp1252") for c in line)
        gbk = raw.decode("gb18030")
    except UnicodeError:
        gbk = ""
    return gbk if commonness(gbk) > max(commonness(utf8), _DECODED) else utf8


def _utf8_read_as_gbk(line):
    # Windows' GBK has the euro sign at 80. FF, never valid UTF-8, stands for a lost byte.
    special = {"€": b"\x80", "\ufffd": b"\xff"}
    try:
        encoded = b"".join(special.get(c) or c.encode("gb18030") for c in line)
    except UnicodeEncodeError:
        return line
    decoded = re.sub("\ufffd+", "\ufffd", encoded.decode("utf-8", errors="replace"))
    # A short title may have no everyday character; then it must be Chinese throughout.
    chinese = commonness(line) == 0 and _CHINESE_LINE.fullmatch(decoded)
    return decoded if chinese or commonness(decoded) > max(commonness(line), _DECODED) else line


# Traditional and simplified


def unify_script(text: str, script: str) -> str:
    """The text in one Chinese script: 'simplified', 'traditional', or 'as written'.

    Only Chinese characters change, one for one, chosen by phrase where one stands for several
    (头发 → 頭髮, 发现 → 發現, 皇后 → 皇后), with OpenCC. Regional words stay, and so does each line
    that is in that script already.
    """
    if script == "as written":
        return text
    convert, revert = _converters(script)
    return "\n".join(_unified(line, convert(line), revert(line)) for line in text.split("\n"))


def _unified(line, converted, reverted):
    changed = sum(a != b for a, b in zip(line, converted))
    against = sum(a != b for a, b in zip(line, reverted))
    # In a line of the right script a few characters look like the other script's.
    return line if changed * 4 < against else converted


@lru_cache(maxsize=2)
def _converters(script):
    from opencc import OpenCC

    names = ("t2s", "s2t") if script == "simplified" else ("s2t", "t2s")
    return tuple(OpenCC(name).convert for name in names)
