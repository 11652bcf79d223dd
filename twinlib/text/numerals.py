"""Numbers as people and models write them, in one sentence or as a whole answer.

Read are thousands (1,234), fractions, powers of ten, roots and pi, Chinese numerals and scales
(1.2万, 三分之二), full-width signs, LaTeX, currencies and units. '，' never groups digits, and ','
only before exactly three. A chain such as '3 + 4 = 7' gives what stands after its last '='.
"""

import re
from decimal import Decimal, InvalidOperation
from typing import NamedTuple

from .script import (
    FULL_WIDTH,
    HAN,
    HAN_DIGITS,
    HAN_FORMAL,
    HAN_NUMERALS,
    HAN_SCALES,
    HAN_UNITS,
    HAN_ZEROS,
)
from .style import tidy

_FULL_WIDTH = {
    ord(wide): plain
    for wide, plain in FULL_WIDTH.items()
    if plain.isalnum() or plain in "+-./%$=*^()"
}
_SUPERSCRIPT = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁻", "0123456789-")
_VULGAR = {"½": "1/2", "⅓": "1/3", "⅔": "2/3", "¼": "1/4", "¾": "3/4", "⅛": "1/8", "⅕": "1/5"}
_PI = Decimal("3.14159265358979323846")
_LARGEST_POWER = 30
_BODY = ("whole", "n", "root", "pi")

# As on cheques, and 廿, 卅 for 20 and 30
_CHEQUE = "".join(HAN_FORMAL)
_FORMAL = re.compile(  # 陆陆续续: one after the other
    f"(?!陆陆|陸陸)[{_CHEQUE}][{_CHEQUE}万萬亿億零]+|[廿卅](?=[一-龥])"
)
_FORMAL_SIGNS = str.maketrans(HAN_FORMAL | {"廿": "二十", "卅": "三十"})
_HAN = f"[{HAN_NUMERALS}]"
_MEASURES = (
    "[个個元块塊米只隻条條本张張人天年月日岁歲小分秒次倍页頁克斤公厘千里升双雙对對辆輛件支朵棵头頭匹名位间間"
    "度台套杯瓶盒箱颗顆粒片种種道层層楼樓]"
)
_WORDS = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen "
    "fifteen sixteen seventeen eighteen nineteen"
).split()
_TENS = "twenty thirty forty fifty sixty seventy eighty ninety".split()
_ENGLISH = {word: n for n, word in enumerate(_WORDS)} | {
    word: 10 * n for n, word in enumerate(_TENS, 2)
}
_SCALE_WORDS = {"hundred": 2, "thousand": 3, "million": 6, "billion": 9, "trillion": 12}

_DIGITS = r"(?:\d{1,3}(?:,\d{3})+(?![\d,]?\d)|\d+)(?:\.\d+)?|\.\d+"
_SCALE = r"(?: ?(?P<scale>[十百千万萬亿億]+)(?![克米瓦卡字赫帕焦伏吨])|(?P<k>[kK])(?![A-Za-z])" + (
    rf"| (?P<word>{'|'.join(_SCALE_WORDS)})s?(?![A-Za-z]))?"
)
# A pattern put before that of a minus sign: it fits where the sign makes a number negative, as in
# 等于-5, and not where it is a hyphen or subtracts, as in 3-5, x-5 and 3元-5元.
NO_MINUS = rf"(?<![^\W{HAN}])(?<![)）])(?<!\d[{HAN}])(?<!\d[{HAN}]{{2}})(?<!\d[{HAN}]{{3}})"
_NUMBER = re.compile(
    rf"(?P<sign>{NO_MINUS}(?<!\.)[-−–+]|(?<![A-Za-z0-9)）.正胜勝])[负負])?\s?"
    r"(?:(?:US|HK|RMB|CNY|USD|EUR)?\s?(?:[$€£¥￥]\s?(?P<sign2>[-−])?)?\s?)?"
    rf"(?:(?P<whole>\d+) (?P<over2>\d+)/(?P<under2>\d+)|(?<![\d.])(?P<n>{_DIGITS})?"
    r"(?P<root>√\(?(?P<radicand>\d+(?:\.\d+)?)\)?)?)"
    r"(?P<pi> ?(?:π|pi)(?![A-Za-z]))?"
    r"(?:/(?P<under>\d+(?:\.\d+)?))?"
    r"(?: ?[x×*·] ?(?P<ten>10)\^(?P<power>-?\d+)"
    r"|\^(?P<raised>-?\d+)|[eE](?P<e>[-+]?\d{1,3})(?!\d))?" + _SCALE
)
_HAN_NUMBER = re.compile(
    r"(?!十分(?![钟。，]|$))(?P<negative>[负負])?"
    rf"(?:百分之(?P<percent>{_HAN}{{1,20}}(?:点{_HAN}{{1,20}})?)"
    rf"|(?P<part>{_HAN}{{1,20}})分之(?P<count>{_HAN}{{1,20}})"
    rf"|(?P<plain>{_HAN}{{1,20}}(?:[点點]{_HAN}{{1,20}})?))"
    rf"(?=$|[\s。，,.!！?？;；、)）=]|和|或|{_MEASURES})"
)
WORD = "|".join((*_ENGLISH, *_SCALE_WORDS))  # of an English number
_ENGLISH_NUMBER = re.compile(  # "one of them" says no number
    rf"(?<![A-Za-z-])(?!one(?! (?:hundred|thousand|million|billion)| *\W*$))"
    rf"(?:{'|'.join(_ENGLISH)})"
    rf"(?:(?:[- ]| and )(?:{WORD}))*(?![A-Za-z])",
    re.IGNORECASE,
)
# What may stand between two numbers of one chain.
_UNIT = r" ?(?:[%％‰°℃$€£¥￥]|[\u4e00-\u9fff]{1,3}|[A-Za-z]{2,12}|[A-Za-wyz](?![A-Za-z]))? ?"
_NEXT = r" ?[(（]? ?[-−–+]? ?(?:[A-Z]{2,3})?[$€£¥￥]? ?-?"
_EQUALS = re.compile(rf"{_UNIT}[)）]? ?(?:=|≈|[，,]? ?等于|is equal to|equals){_NEXT}")
_OPERATOR = re.compile(
    rf"{_UNIT}[)）]? ?(?:[-+−–*×·/÷x^]|加上?|减去?|減|乘以?|除以?|plus|minus|times|divided by)"
    rf"{_NEXT}"
)
# After a sum, '=' in words.
_GIVES = re.compile(rf"{_UNIT}[)）]? ?(?:is|gives?|makes?|得到?|是|为){_NEXT}")
# After the number of an answer.
_LAST_UNIT = re.compile(
    r" ?(?!and(?![A-Za-z])|or(?![A-Za-z])|[和或与])"
    r"(?:[%％‰°℃$€£¥￥]|[\u4e00-\u9fff]{1,3}(?![\u4e00-\u9fff])|[A-Za-z]{3,12}"
    r"|[kcmd]?m|k?g|m?[lL]|[shx])(?:\^[23])?(?![A-Za-z])"
)
_MIXED = re.compile(r"(\d+)([亿億万萬]) ?(\d+)([万萬千])(?![克米瓦卡])")  # 12万3千
_SENTENCE_END = re.compile(r"[。！？!?\n]|\.(?=\s|$)|[;；]")
# Numbers in prose. A circle after another digit is a zero: 二○一九.
_CIRCLE = re.compile(f"(?<=[{HAN_UNITS}{HAN_ZEROS}])○")
_WORDED = re.compile(rf"(?<![a-z])(?:{WORD})(?:(?:[\s-]|\sand\s)(?:{WORD}))*(?![a-z])")
_WRITTEN = re.compile(rf"(?P<n>\d{{1,3}}(?:,\d{{3}})+(?:\.\d+)?|\d+(?:\.\d+)?){_SCALE}")
# 两 is a weight of 50 grams, but before a scale or what is counted: 七斤二两.
_SIGN = f"(?:[{HAN_NUMERALS.replace('两', '').replace('兩', '')}]|[两兩](?=[百千万萬亿億]))"
# After a decimal, which else is a time of day: 三点五公里, but 三点一起走.
_MEASURED = r"(?=[万萬亿億]*(?:$|[\s。，,.!！?？;；、)）%]|[倍米公里千克斤吨元块塊度秒年毫厘]))"
# Decimals, several digits, or one but 一 before what is counted.
_IN_HAN = re.compile(
    rf"(?<!\d)(?:{_SIGN}+[点點][{HAN_UNITS}零〇]+{_MEASURED}[万萬亿億]*|{_SIGN}{{2,}}"
    f"|[{HAN_NUMERALS[3:]}]"
    "(?=[个個只隻条條张張件块塊元年月日天岁歲次回遍人位本篇页頁颗顆斤两兩里步分秒点點毫厘公克吨噸米升]))"
)
_NO_NUMBERS = re.compile(
    f"(?<!{_HAN})(?:十分|[万萬]一|千[万萬]|亿万|億萬|三三[两兩]{{2}}|一一(?!{_HAN}))+"
    "|四面八方|[乱亂]七八糟|九死一生|百分之"
)
_ALONE = {"one", "hundred", "thousand", "million", "billion", "trillion"}  # say no number


class Chain(NamedTuple):
    """A number with what it was computed from: its value (None if only a sum stands there)."""

    start: int
    end: int
    value: Decimal | None


def plainly(text: str) -> str:
    """A text without the signs of Markdown and LaTeX, and with plain digits and operators."""
    text = text.translate(_FULL_WIDTH)
    text = re.sub(r"[⁰¹²³⁴⁵⁶⁷⁸⁹⁻]+", lambda m: "^" + m.group().translate(_SUPERSCRIPT), text)
    text = re.sub(r"(\d?)([½⅓⅔¼¾⅛⅕])", _vulgar, text)
    text = re.sub(r"(?<=\d)(?:\{,\}|\\,|[\u00a0\u202f\u2009])(?=\d{3}(?!\d))", "", text)
    text = re.sub(r"(?<=\d)['’](?=\d{3}(?!\d))", "", text)  # 1'234 in Switzerland
    text = re.sub(r"零下 ?(?=\d)", "-", text)
    text = _MIXED.sub(_in_smaller_scale, text)
    text = _FORMAL.sub(lambda match: match[0].translate(_FORMAL_SIGNS), text)
    text = re.sub(r"百分之 ?(\d+(?:\.\d+)?)", r"\1%", text)
    text = re.sub(r"(\d+) ?分之 ?(\d+)", r"\2/\1", text)
    text = re.sub(r"(\d?)\\[dt]?frac\s?\{?(\d+)\}?\s?\{?(\d+)\}?", _fraction, text)
    text = re.sub(
        r"\\sqrt\s?\{?(\d+(?:\.\d+)?)\}?|(?:sqrt|根号|根號) ?\(?(\d+(?:\.\d+)?)\)?", _root, text
    )
    text = re.sub(r"\\(?:text|mathrm|mathbf|textbf|boxed)\s?\{([^{}]*)\}", r" \1 ", text)
    text = text.replace("\\times", "×").replace("\\cdot", "·").replace("\\div", "÷")
    text = text.replace("\\pi", "π").replace("\\approx", "≈").replace("\\%", "%")
    text = re.sub(r"\^\{(-?\d+)\}", r"^\1", text)
    text = re.sub(r"\\[()\[\]$,;! ]|\*\*|__|`|\\left|\\right", "", text)
    text = re.sub(r"(?<![A-Za-z0-9*)）])\*([^\s*]{1,20})\*(?![A-Za-z0-9*(（])", r"\1", text)
    text = re.sub(r"(?<![\w*])\*(?=\S)|(?<=\S)\*(?![\w*\s(])", "", text)  # *42*, but not 3 * 4
    text = re.sub(r" {2,}", " ", text)
    return re.sub(r"\$(?=[^$\n]*\$)|(?<=\S)\$", "", text)  # pairs around formulas; '$42' stays


def _in_smaller_scale(match):
    """12万3千 as 123千."""
    large, small = HAN_SCALES[match[2]], HAN_SCALES[match[4]]
    return f"{int(match[1]) * large // small + int(match[3])}{match[4]}"


def _vulgar(match):
    return f"{match[1]} {_VULGAR[match[2]]}" if match[1] else _VULGAR[match[2]]


def _fraction(match):
    return f"{match[1]} {match[2]}/{match[3]}" if match[1] else f"{match[2]}/{match[3]}"


def _root(match):
    return f"√{match[1] or match[2]}"


def value(match: re.Match) -> Decimal | None:
    """The value of a match of the pattern of numbers, or None."""
    part = match.groupdict()
    try:
        if part["whole"]:
            number = Decimal(part["whole"]) + Decimal(part["over2"]) / Decimal(part["under2"])
        else:
            number = Decimal((part["n"] or "1").replace(",", ""))
        if part["root"]:
            number *= Decimal(part["radicand"]).sqrt()
        number *= _PI if part["pi"] else 1
        number /= Decimal(part["under"] or 1)
        power = int(part["power"] or part["raised"] or part["e"] or 0)
        if abs(power) > _LARGEST_POWER:
            return None
        number = number**power if part["raised"] else number * Decimal(10) ** power
    except (InvalidOperation, ArithmeticError):
        return None
    for scale in part["scale"] or "":
        number *= HAN_SCALES[scale]
    number *= 1000 if part["k"] else 10 ** _SCALE_WORDS.get(part["word"], 0)
    negative = (part["sign"] or "+") != "+" or part["sign2"]
    return -number if negative else number


def _matches(text):
    """The numbers in Arabic digits, roots or pi."""
    return [m for m in _NUMBER.finditer(text) if m["n"] or m["whole"] or m["root"] or m["pi"]]


def chains(text: str) -> list[Chain]:
    """The numbers of a text, each with the sums it was computed by; Chinese ones if none else.

    The value is what stands after the last '=', None where only a sum stands there ('3 + 4').
    """
    groups = []  # [[number, number after '=', …]], None in place of a sum
    for match in _matches(text):
        start = min(match.start(name) for name in _BODY if match[name])
        between = text[groups[-1][-1] : start] if groups else " "
        if groups and _EQUALS.fullmatch(between):
            groups[-1][1].append(value(match))
        elif groups and groups[-1][1][-1] is None and _GIVES.fullmatch(between):
            groups[-1][1].append(value(match))
        elif groups and (_OPERATOR.fullmatch(between) or _multiplies(between, text, start)):
            groups[-1][1][-1] = None
        else:
            groups.append([match.start(), [value(match)], 0])
        groups[-1][-1] = match.end()
    found = [
        Chain(start, end, next((v for v in reversed(members) if v is not None), None))
        for start, members, end in groups
    ]
    if found:
        return found
    chinese = [Chain(*m.span(), _han_value(m)) for m in _HAN_NUMBER.finditer(text)]
    return chinese or [
        Chain(*m.span(), Decimal(in_words(m[0]))) for m in _ENGLISH_NUMBER.finditer(text)
    ]


def _multiplies(between, text, start):
    """Whether a parenthesis opens a factor, as in 2(3+3) = 12, or it is a ratio, 5:8."""
    ratio = re.fullmatch(" ?: ?", between)
    return bool(ratio or between == "(" and re.match(r"\d+ ?[-+−] ?\d+\) ?=", text[start:]))


def last(text: str) -> Decimal | None:
    """The last number of a text, in a chain or not; a Chinese one where there is no other."""
    found = [value(match) for match in _matches(text)]
    return ([*(chain.value for chain in chains(text)), *found] or [None])[-1]


def numbers(text: str) -> set[Decimal]:
    """The numbers of prose by their value, in digits or in words; 'one' and 一 alone are none."""
    text = _NO_NUMBERS.sub(" ", _in_plain_signs(text))
    found = {_written(match) for match in _WRITTEN.finditer(text)}
    found |= {han(match[0]) for match in _IN_HAN.finditer(_WRITTEN.sub("0", text))}
    words = (match[0] for match in _WORDED.finditer(text))
    return found | {Decimal(in_words(run)) for run in words if run not in _ALONE}


def alone(text: str) -> Decimal | None:
    """The number that a text consists of, in digits or in words; None for any other text."""
    text = _in_plain_signs(text)
    if match := _WRITTEN.fullmatch(text):
        return _written(match)
    if re.fullmatch(f"{_HAN}+(?:[点點][{HAN_UNITS}零〇]+[万萬亿億]*)?", text):
        return han(text)
    return Decimal(in_words(text)) if _WORDED.fullmatch(text) else None


def _in_plain_signs(text):
    text = _FORMAL.sub(lambda match: match[0].translate(_FORMAL_SIGNS), tidy(text))
    return _MIXED.sub(_in_smaller_scale, _CIRCLE.sub("〇", text))


def _written(match):
    number = Decimal(match["n"].replace(",", ""))
    for scale in match["scale"] or "":
        number *= HAN_SCALES[scale]
    return number * (1000 if match["k"] else 10 ** _SCALE_WORDS.get(match["word"], 0))


def sentences(text: str) -> list[str]:
    """The sentences and lines of a text."""
    return [part for part in _SENTENCE_END.split(text) if part.strip()]


def first_sentence(text: str) -> str:
    """A text up to its first end of a sentence or line that follows a word or number."""
    text = text.lstrip()
    end = _SENTENCE_END.search(text, 1)
    return text[: end.start()] if end else text


def whole(text: str, units: bool = True) -> list[Decimal] | None:
    """The numbers that an answer consists of, with currencies and `units`; None for words."""
    text = plainly(text).strip().rstrip(".。")
    text = re.sub(r"^[A-Za-z] ?= ?", "", text)
    inner = text[1:-1] if re.fullmatch(r"[(（\[{].*[)）\]}]", text) else text
    values, at = [], 0
    for number in chains(inner):
        between = inner[at : number.start]
        separators = r"\s*(?:[,，、;；]|and|or|和|或|与)\s*" if values else r"\s*"
        if number.value is None or not re.fullmatch(separators, between):
            return None
        values.append(number.value)
        unit = _LAST_UNIT.match(inner, number.end) if units else None
        at = unit.end() if unit else number.end
    return values if values and not inner[at:].strip(" .。") else None


# Chinese numerals


def _han_value(match):
    sign = -1 if match["negative"] else 1
    if match["percent"]:
        return sign * han(match["percent"])
    if match["part"]:
        under = han(match["part"])
        return sign * han(match["count"]) / under if under else None
    return sign * han(match["plain"])


def in_words(text: str) -> int:
    """The value of English words: 'one hundred and twenty-four' is 124."""
    total, part, largest = 0, 0, 1
    for word in re.findall("[a-z]+", text.lower()):
        scale = 10 ** _SCALE_WORDS.get(word, 0)
        if word == "hundred":
            part = (part or 1) * 100
        elif scale > largest:  # multiplies all before it: five thousand million
            total, part, largest = (total + part or 1) * scale, 0, scale
        elif scale > 1:
            total, part = total + (part or 1) * scale, 0
        else:
            part += _ENGLISH.get(word, 0)
    return total + part


def han(text):
    """The value of Chinese numerals: 一万二千, 三百六 (360), 二〇二四, 三点五, 一点二万."""
    whole_part, _, decimals = text.replace("點", "点").partition("点")
    number = Decimal(_han_whole(whole_part))
    if decimals:
        digits = decimals.rstrip("".join(HAN_SCALES))
        number += Decimal("0." + "".join(str(HAN_DIGITS.get(sign, 0)) for sign in digits or "零"))
        for scale in decimals[len(digits) :] if digits else "":
            number *= HAN_SCALES[scale]
    return number


def _han_whole(text):
    if not any(sign in HAN_SCALES for sign in text):
        return int("".join(str(HAN_DIGITS[sign]) for sign in text) or 0)
    for large, scale in (("亿億", 10**8), ("万萬", 10**4)):
        at = max(map(text.rfind, large))
        if at >= 0:  # what stands before multiplies it: 两万五千亿
            return (_han_whole(text[:at]) or 1) * scale + _han_rest(text[at + 1 :], scale)
    return _han_rest(text, 1)


def _han_rest(text, last):
    """The value of numerals after a scale `last`: 三百六 is 360, 一万二 12,000, 三百零六 306."""
    if any(sign in "亿億万萬" for sign in text):
        return _han_whole(text)
    total, digit = 0, None
    for sign in text:
        if sign in HAN_DIGITS:
            digit = HAN_DIGITS[sign]
            last = 1 if sign in "零〇" else last
        else:
            total += (1 if digit is None else digit) * HAN_SCALES[sign]
            digit, last = None, HAN_SCALES[sign]
    return total + (digit or 0) * (last // 10 if last > 10 else 1)
