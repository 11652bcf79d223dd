"""Characters by script: what cleaning left of each, garbled encodings mended, traditional and simplified unified."""

import re
import unicodedata
from collections import Counter
from functools import lru_cache

from ...i18n import t
from ...text.script import LABELS, commonness

NAMED = {
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
SORTS = {"L": "letters", "M": "letters", "N": "digits", "P": "punctuation", "S": "symbols"}
WORDS = list(LABELS)[: list(LABELS).index("digits")]
ENOUGH, MUCH_MORE = (
    100,
    0.2,
)  # characters of a script that make a share; shares apart that want a word
RIGHT = 0.12  # commonness of Chinese text: a right decoding has about 0.3, a wrong one hardly any


def account(text):
    """Counter {script: characters} of a text; scripts are the keys of LABELS. Add counters up for many texts."""
    found = Counter()
    for character, count in Counter(text).items():
        found[_script(character)] += count
    return found


@lru_cache(maxsize=20_000)
def _script(character):
    sort = unicodedata.category(character)
    names = unicodedata.name(character, "").split()
    if character in "々〇〆" or "CJK" in names and sort[0] in "LS" and sort != "Sk":
        return "chinese"
    if sort[0] in "LM":
        if "SELECTOR-16" in names:  # makes the character before it an emoji
            return "symbols"
        return next((NAMED[name] for name in names if name in NAMED), "letters")
    return SORTS.get(sort[0], "spaces")


def lost(before, after):
    """{script: share that is gone, 0 to 1} of each script in the account `before`."""
    return {
        script: max(0.0, 1 - after[script] / before[script]) for script in LABELS if before[script]
    }


def sentence(before, after):
    """What to tell the owner when one script lost much more than all others together; '' when none did."""
    shares = {
        script: share
        for script, share in lost(before, after).items()
        if script in WORDS and before[script] >= ENOUGH
    }
    worst = max(shares, key=shares.get, default=None)
    others = [script for script in LABELS if script not in (worst, "spaces")]
    rest, left = (sum(counts[script] for script in others) for counts in (before, after))
    share, other = shares.get(worst, 0.0), max(0.0, 1 - left / rest) if rest else 0.0
    if share < other + MUCH_MORE:
        return ""
    english, chinese = LABELS[worst]
    return t(
        "corpus.cleaning_left_out_but_everything",
        share=share,
        english=english,
        other=other,
        chinese=chinese,
    )


# Garbled encodings


def _read_as_gbk():
    """What the first two bytes of a Chinese character's UTF-8 look like when read as GBK: rare characters, mostly."""
    pairs = (
        bytes((first, second))
        for first in (*range(0xE3, 0xEA), 0xEF)
        for second in range(0x80, 0xC0)
    )
    return "".join(pair.decode("gbk", "ignore") for pair in pairs)


# The bytes 80 to BF as Windows shows them: what follows the first byte of a character in UTF-8.
FOLLOWING = "\x80-\xbf€‚ƒ„…†‡ˆ‰Š‹ŒŽ‘’“”•–—˜™š›œžŸ"
READ_AS_GBK = _read_as_gbk()
RARE = re.compile(
    f"[\x80-\x9f\xa1-\xf4{READ_AS_GBK}]"
)  # one class is looked for ten times as fast as patterns
# UTF-8 or GBK read as Latin-1, or control characters that are Windows punctuation.
LATIN = re.compile(rf"[\xc2-\xf4][{FOLLOWING}]|[\xa1-\xfe]{{4}}|[\x80-\x9f]")
GBK = re.compile(f"[{READ_AS_GBK}][^\x00-\x7f]")  # UTF-8 read as GBK
CHINESE_LINE = re.compile("[\x00-\x7f\u2010-\u203b\u3000-\u303f\u4e00-\u9fff\uff01-\uff60]*")


def mended(text):
    """A text whose garbled lines (UTF-8 read as Latin-1 or GBK, GBK as Latin-1) are mended; all others as they are.

    What a wrong decoding has thrown away can't come back: '锟斤拷' stays, a character half gone is a '\ufffd'.
    """
    if not RARE.search(text):
        return text
    return "\n".join(_mended(line) if RARE.search(line) else line for line in text.split("\n"))


def _mended(line):
    found = _read_as_latin(line) if LATIN.search(line) else line
    return _utf8_read_as_gbk(line) if found == line and GBK.search(line) else found


def _read_as_latin(line):
    import ftfy

    utf8 = ftfy.fix_encoding(line)  # that alone: no quotes, widths, entities
    try:
        data = b"".join(bytes([ord(c)]) if c < "\u0100" else c.encode("cp1252") for c in line)
        gbk = data.decode("gb18030")
    except UnicodeError:
        gbk = ""
    return gbk if commonness(gbk) > max(commonness(utf8), RIGHT) else utf8


def _utf8_read_as_gbk(line):
    # Windows' GBK has the euro sign at 80; a lost byte is lost, and the character that it belonged to.
    special = {"€": b"\x80", "\ufffd": b"\xff"}
    try:
        data = b"".join(special.get(character) or character.encode("gb18030") for character in line)
    except UnicodeEncodeError:
        return line
    found = re.sub("\ufffd+", "\ufffd", data.decode("utf-8", errors="replace"))
    # Without everyday characters, such as in a short title, it must at least be Chinese throughout.
    chinese = commonness(line) == 0 and CHINESE_LINE.fullmatch(found)
    return found if chinese or commonness(found) > max(commonness(line), RIGHT) else line


# Traditional and simplified


def unified(text, script):
    """The text in one Chinese script: 'simplified', 'traditional', or 'as written'. Only Chinese characters change.

    By phrase where one character stands for several (头发 → 頭髮, 发现 → 發現, 皇后 → 皇后), one for one, with OpenCC;
    regional words stay the author's. Lines that are in that script already stay word for word.
    """
    if script == "as written":
        return text
    there, back = _converters(script)
    return "\n".join(_unified(line, there, back) for line in text.split("\n"))


def _unified(line, there, back):
    new, old = there(line), back(line)
    changed, against = (sum(a != b for a, b in zip(line, other)) for other in (new, old))
    # In a line of the right script a conversion finds a few characters that only look like the other one.
    return line if changed * 4 < against else new


@lru_cache(maxsize=2)
def _converters(script):
    from opencc import OpenCC

    names = ("t2s", "s2t") if script == "simplified" else ("s2t", "t2s")
    return tuple(OpenCC(name).convert for name in names)
