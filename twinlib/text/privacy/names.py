"""The owner's private names, in every spelling.

A name is found whatever its case, accents, apostrophes, hyphens, spaces, line ends, full-width
letters, and Chinese script. A name that is also a word (Will, May) needs a capital. Texts are
folded character for character, so that a match keeps its position.
"""

import re
import unicodedata
from collections.abc import Iterable
from functools import lru_cache
from typing import NamedTuple

from ...i18n import data
from ..script import HAN_TO_TEN

_HAN = "\u3007\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
# Scripts without spaces or whose words end in particles: a name is found inside other letters.
_UNSPACED = f"{_HAN}\u3040-\u30ff\uac00-\ud7af\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff"
_LETTER = f"[^\\W\\d_{_UNSPACED}]"
_APOSTROPHES = "'’‘`´ʼʻ′＇ʹ‛"
_SEPARATORS = rf"\s{_APOSTROPHES}.·・•‧\-‐-―−－_\u00ad\u200b-\u200d\u2060"
_MARK = re.compile("[\u0300-\u036f]")
_MARKS = _MARK.pattern + "*"
# Letters with two ways to write them in plain ones: Müller, Mueller, Muller.
_LONG = {"ä": "ae", "ö": "oe", "ü": "ue", "ß": "ss", "ø": "oe", "å": "aa", "æ": "ae", "œ": "oe"}
_SHORT = {letter: long[0] for letter, long in _LONG.items()}
_PLAIN = {"ł": "l", "đ": "d", "ð": "d", "þ": "t", "ħ": "h", "ı": "i", "ŋ": "n", "ŧ": "t", "ς": "σ"}


# McCabe is also written Mc Cabe.
_CAPITAL_INSIDE = re.compile("(?<=[a-zß-öø-ÿ])(?=[A-ZÀ-ÖØ-Þ])")


class _Name(NamedTuple):
    """One listed name: letters that every spelling has, looked for first, and its pattern."""

    cue: str
    pattern: re.Pattern
    needs_capital: bool
    words: int


def spans(text: str, names: Iterable[str]) -> list[tuple[int, int]]:
    """The (start, end) of each name in a text, those of the longest names first."""
    rules = _rules(tuple(names))
    if not rules:
        return []
    folded = _folded(text)
    plain = folded if folded.isascii() else _MARK.sub("", folded.translate(_to_short()))
    return [
        match.span()
        for rule in rules
        if rule.cue in plain
        for match in rule.pattern.finditer(folded)
        if not rule.needs_capital or _is_name(match, text, rule.words)
    ]


def spelling(name: str) -> str:
    """What all spellings of a name have in common: small letters without signs and accents."""
    short = _folded(unicodedata.normalize("NFC", name)).translate(_to_short())
    return re.sub(rf"[{_SEPARATORS}\u0300-\u036f]", "", short)


@lru_cache(maxsize=8)
def _rules(names):
    names = {" ".join(unicodedata.normalize("NFC", name).split()) for name in names}
    names = sorted(filter(spelling, names), key=lambda name: (-len(name), name))
    return [_rule(_folded(_CAPITAL_INSIDE.sub("-", name))) for name in names]


def _rule(name):
    """The _Name of a folded name."""
    parts = re.findall(rf"[^{_SEPARATORS}]+", name)
    latin = [part for part in parts if re.match(_LETTER, part)]
    # 'OBrien' and 'JeanLuc', but not 'anne' for 'Ann E'
    initial = any(len(part) == 1 for part in latin) and not re.search(f"[{_APOSTROPHES}]", name)
    pattern = rf"[{_SEPARATORS}]{{{int(initial)},4}}".join(_part(part) for part in parts)
    before, after = _border(name[0]), _border(name[-1])
    pattern = f"(?<!{before})" * bool(before) + pattern
    pattern += f"(?!{after})" if after else _count_guard(name)
    is_word = all(len(part) == 1 or part in _words() for part in parts)
    # 'jack summers' is no phrase; 'will grant' is one, where it has no sign of a name.
    is_word &= len(latin) < 2 or len(parts[0]) == 1 or parts[0] in _common()
    cue = max(map(_shared, parts), key=len)
    return _Name(cue, re.compile(pattern), bool(latin) and is_word, len(latin))


def _is_name(match, text, words):
    """Whether what is also a word is a name here: with a capital, or two words without a space."""
    return text[match.start()].isupper() or words > 1 and not re.search(r"\s", match.group())


def _border(sign):
    """What must not stand next to a name that begins or ends with a sign: 'Ann' in 'Annual'."""
    return next((kind for kind in (_LETTER, r"\d") if re.match(kind, sign)), "")


def _part(part):
    """The pattern of a part of a name; Chinese signs and a Korean family name may stand apart."""
    pieces, at = [], 0
    while at < len(part):
        sign, two = part[at], part[at : at + 2]
        apart = at and re.match(f"[{_HAN}]", sign) or at == 1 and re.match("[\uac00-\ud7af]", sign)
        gap = rf"[{_SEPARATORS}]{{0,2}}" if apart else ""
        longs = [letter for letter, long in _LONG.items() if long == two]
        if longs:
            pieces.append(rf"(?:{two[0]}{_MARKS}{two[1]}|[{''.join(longs)}])")
        elif sign in _LONG:
            same = "".join(x for x in _LONG if _LONG[x] == _LONG[sign])
            pieces.append(rf"(?:[{same}]|{_LONG[sign]}|{_SHORT[sign]})")
        else:
            same = "".join(x for x in _SHORT if _SHORT[x] == sign and x != "ß")
            letter = f"[{sign}{same}]" if same else re.escape(sign)
            pieces.append(gap + letter)
        pieces.append(_MARKS if sign.isalpha() and not gap else "")
        at += 2 if longs else 1
    return "".join(pieces)


def _count_guard(name):
    """No match where a numeral that ends the name stands apart from it and counts something."""
    if name[-1] not in f"{HAN_TO_TEN}百千万两":
        return ""
    return rf"(?!(?<=[{_SEPARATORS}]{name[-1]})[{data('names_that_are_words')['zh']}])"


def _shared(part):
    """Letters that a part of a name has in all its spellings, in plain ones."""
    if re.match(f"[{_HAN}\uac00-\ud7af]", part):
        return part[0]
    return max(re.split("ae|oe|ue|ss|aa|[äöüßøåæœ]", part), key=len)


@lru_cache(maxsize=1)
def _words():
    return _common().union(data("names_that_are_words")["en"].split())


@lru_cache(maxsize=1)
def _common():
    return frozenset(data("common_words")["en"].split())


# Folding


def _folded(text):
    """The text with small plain letters and simplified Chinese, of the same length."""
    if text.isascii():
        return text.lower()
    return text.translate(_table())


class _Table(dict):
    """{code point: folded character}, computed as it is needed."""

    def __missing__(self, code):
        self[code] = folded = _fold(chr(code))
        return folded


@lru_cache(maxsize=1)
def _table():
    return _Table()


def _fold(sign):
    lower = unicodedata.normalize("NFKC", sign).lower()
    lower = lower if len(lower) == 1 else sign
    if lower in _LONG or lower in _PLAIN:
        return _PLAIN.get(lower, lower)
    if re.match(f"[{_HAN}]", lower):
        return _simplified().get(lower, lower)
    base = unicodedata.normalize("NFD", lower)
    is_accented = {unicodedata.category(mark) for mark in base[1:]} == {"Mn"}
    return base[0].lower() if is_accented and not "\u3040" <= lower <= "\u30ff" else lower


@lru_cache(maxsize=1)
def _to_short():
    return str.maketrans(_SHORT)


@lru_cache(maxsize=1)
def _simplified():
    """{traditional character: simplified one}."""
    from opencc import OpenCC

    signs = [chr(code) for code in range(0x3400, 0xA000)]
    converted = OpenCC("t2s").convert("\n".join(signs)).split("\n")
    return {sign: one for sign, one in zip(signs, converted) if len(one) == 1}
