"""Numbers that identify a person: identity, cards, passports, plates, phones, network addresses.

A number ends where no digit or Latin letter follows: next to Chinese '\\b' is no border. Every
pattern is tried only near its cues and each of its loops is bounded, so that time grows in
proportion to the text. Full-width signs, dashes and spaces come as plain ones (see __init__.py),
and so do numbers in Chinese numerals (`with_digits`).

Sources: GB 11643 (resident identity), ISO/IEC 7812 (cards), GA 36 (plates), E.164 and the
libphonenumber tables (phones), RFC 4291 (IPv6), ISO 13616 (IBAN).
"""

import ipaddress
import re
from collections.abc import Callable
from typing import NamedTuple

from ..script import HAN_DIGITS, HAN_FORMAL, HAN_SCALES

# Seven digits or more.
NUMBER = re.compile(r"[0-9](?:[ ,./_·•・~*|()（）-]{0,3}[0-9]){6,}")
# What people put between the groups of a number.
_GAP = r"(?: ?[-./_·•・~*|] ?| {1,2})"
# Numbers with check digits may also go on in the next line.
_BREAK = rf"(?:{_GAP}|[ -]?\n)"
LEFT, RIGHT = r"(?<![0-9A-Za-z])", r"(?![0-9A-Za-z])"


def value_span(match: re.Match) -> tuple[int, int]:
    """The span of the group that matched last, or of the whole match where no group did."""
    return match.span(match.lastindex or 0)


# Chinese numerals of single digits; 幺, 洞, 拐 and 勾 are said on the phone and by soldiers.
_NUMERALS = {sign: str(digit) for sign, digit in HAN_DIGITS.items()}
_NUMERALS |= {
    sign: _NUMERALS[as_usual] for sign, as_usual in HAN_FORMAL.items() if as_usual in _NUMERALS
}
_NUMERALS |= {"幺": "1", "洞": "0", "拐": "7", "勾": "9"}
_SCALES = "".join(HAN_SCALES)
_HAN_DIGIT = f"[{''.join(_NUMERALS)}]"
_ANY_DIGIT = f"[0-9{''.join(_NUMERALS)}]"
# A numeral beside another digit, as in any such number.
_HAN_DIGITS = re.compile(rf"{_HAN_DIGIT}[ ._·-]{{0,2}}{_ANY_DIGIT}|[0-9]{_HAN_DIGIT}")
# Seven digits or more, some of them numerals; not a decimal, nor beside hundreds. What must not
# stand before comes second, which is searched faster.
_SAID = re.compile(
    rf"{_ANY_DIGIT}(?<![点點.{_SCALES}].)(?:[ ._·-]{{0,2}}{_ANY_DIGIT}){{6,39}}"
    rf"(?![{_SCALES}])"
)
_SAID_IN_GROUPS = re.compile(
    rf"[1一壹幺](?<!{_ANY_DIGIT}.){_ANY_DIGIT}{{2}}(?:[，、,]{_ANY_DIGIT}{{4}}){{2}}(?!{_ANY_DIGIT})"
)
_FIRST_OF_NUMBER = re.compile("(?<=[第唯之统統同任专專单單逐])一")
_FIRST_OF_WORD = re.compile(
    "一(?=[起下定样樣直旦般切共边邊些个個会會次天])|[两兩二三](?=[个個位次天])"
)


def with_digits(text: str) -> str:
    """The text with Chinese numerals as digits where they spell a number; of the same length."""
    if not _HAN_DIGITS.search(text):
        return text
    return _SAID.sub(_in_digits, _SAID_IN_GROUPS.sub(_in_digits, text))


def _in_digits(match):
    said, text = match.group(), match.string
    start = bool(_FIRST_OF_NUMBER.match(text, match.start()))
    end = len(said) - bool(_FIRST_OF_WORD.match(text, match.end() - 1))
    if not re.search(_HAN_DIGIT, said[start:end]):
        return said
    if len(re.findall(_HAN_DIGIT, said)) == 1 and re.search(_HAN_DIGIT, said[0] + said[-1]):
        return said  # a number in digits beside a word that begins with a numeral
    digits = "".join(_NUMERALS.get(sign, "-" if sign in "，、," else sign) for sign in said)
    return said[:start] + digits[start:end] + said[end:]


class Detector(NamedTuple):
    """A pattern for one kind of personal data.

    `pattern` is tried within `reach` characters (before, after) of the `cues`: a pattern, or words
    in lower case. `value(match)` is the span (start, end) of what is private, or None. `of_digits`:
    a value has digits, so that cues far from any are passed over.
    """

    kind: str
    cues: re.Pattern | tuple
    reach: tuple[int, int]
    pattern: re.Pattern
    value: Callable[[re.Match], tuple[int, int] | None] = value_span
    of_digits: bool = False


def value_if(test: Callable[[str], object]) -> Callable[[re.Match], tuple[int, int] | None]:
    """A Detector's `value`: the span of the value if test(value) holds."""
    return lambda match: value_span(match) if test(_value_text(match)) else None


def _value_text(match):
    return match.group(match.lastindex or 0)


# Words before a number that make it neither a card nor a phone.
NUMBER_LABEL = re.compile(
    r"(?:订单|訂單|单号|單號|运单|快递|流水|编号|編號|书号|发票|税号|学号|工号|批号|串号|序列号|"
    r"股票|代码|isbn|issn|order|tracking|invoice|serial|batch|part|item|lot|commit|ref)"
    r"(?:编?号码?| ?(?:id|number|no\.?))?(?:是|为)?[\s:：#.]{0,3}$",
    re.IGNORECASE,
)


def _unless_labelled(test):
    """A Detector's `value`: as `value_if`, but None after a word such as 'order' or '快递'."""

    def value(match):
        start, end = value_span(match)
        labelled = NUMBER_LABEL.search(match.string[max(0, start - 24) : start])
        return (start, end) if test(_value_text(match)) and not labelled else None

    return value


_not_labelled = _unless_labelled(lambda number: True)


# Identity numbers

_PROVINCES = {71, 81, 82, 83}.union(
    range(11, 16), range(21, 24), range(31, 38), range(41, 47), range(50, 55), range(61, 66)
)
_IDENTITY = re.compile(LEFT + rf"[1-8](?:{_BREAK}?[0-9]){{16}}{_BREAK}?[0-9Xx]" + RIGHT)
_DAY = r"(?:0[1-9]|1[0-2])(?:0[1-9]|[12][0-9]|3[01])"
# Numbers without a check digit, taken for an identity number only after a word that names one.
_IDENTITY_AFTER_WORD = re.compile(
    rf"(?:身[份分][证證]|证件)[^0-9A-Za-z]{{0,12}}"
    rf"([1-8][0-9]{{7}}{_DAY}[0-9]{{3}}|[A-Z][12][0-9]{{8}}){RIGHT}"
    rf"|(?:ssn|social security)[^0-9\n]{{0,20}}([0-9]{{3}}[ .-][0-9]{{2}}[ .-][0-9]{{4}}){RIGHT}",
    re.IGNORECASE,
)
_HONG_KONG = re.compile(LEFT + r"[A-Z]{1,2}[0-9]{6}[(（][0-9A][)）]")


def _is_identity(number):
    """Whether a resident identity number has a province, a date and its check digit (GB 11643)."""
    number = re.sub("[^0-9Xx]", "", number)
    weights = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
    year, month, day = int(number[6:10]), int(number[10:12]), int(number[12:14])
    check = "10X98765432"[sum(int(d) * w for d, w in zip(number, weights)) % 11]
    return (
        int(number[:2]) in _PROVINCES
        and 1850 <= year <= 2100
        and 1 <= month <= 12
        and 1 <= day <= 31
        and number[-1].upper() == check
    )


def _is_hong_kong(number):
    """Whether the check digit of a Hong Kong identity card is right: 'A123456(3)'."""
    signs = re.sub("[^0-9A-Z]", "", number)
    values = [36] * (9 - len(signs)) + [int(sign, 36) for sign in signs]
    return sum(value * weight for value, weight in zip(values, range(9, 0, -1))) % 11 == 0


# Bank cards

_CARD = re.compile(rf"(?<![0-9A-Za-z.])[2-69][0-9]{{3}}(?:{_BREAK}?[0-9]){{9,15}}" + RIGHT)
_ISSUERS = re.compile(
    r"62\d{14,17}|4(?:\d{12}|\d{15}|\d{18})|5[1-5]\d{14}|2[2-7]\d{14}|3[47]\d{13}|3[0568]\d{12,14}"
    r"|6(?:011|5\d\d|4[4-9]\d)\d{12}|9558\d{15}|(?:60|68|69|94)\d{14,17}"
)


def _is_card(number):
    """Whether it is a known issuer's card number in one piece or in groups of 4 to 6 digits.

    Its check digit must be right, and it must not look like a resident identity number.
    """
    groups = re.split("[^0-9]+", re.sub("[ -]?\n", "", number))
    digits = "".join(groups)
    grouped = len(groups) <= 5 and all(len(group) in (4, 5, 6) for group in groups[:-1])
    if len(groups) > 1 and not grouped:
        return False
    identity = len(digits) == 18 and re.match(rf"\d{{6}}(?:19|20)\d\d{_DAY}", digits)
    return bool(_ISSUERS.fullmatch(digits)) and _luhn(digits) and not identity


def _luhn(digits):
    """Whether the check digit is right (ISO/IEC 7812): every other digit is doubled."""
    last, doubled = digits[::-2], digits[-2::-2]
    return (sum(map(int, last)) + sum(sum(divmod(2 * int(d), 10)) for d in doubled)) % 10 == 0


# International bank account numbers: the length of each country's

_IBAN_LENGTHS = {
    entry[:2]: int(entry[2:])
    for entry in (
        "AD24 AE23 AL28 AT20 AZ28 BA20 BE16 BG22 BH22 BR29 BY28 CH21 CR22 CY28 CZ24 DE22 DK18 DO28 "
        "EE20 EG29 ES24 FI18 FO18 FR27 GB22 GE22 GI23 GL18 GR27 GT28 HR21 HU28 IE22 IL23 IQ23 IS26 "
        "IT27 JO30 KW30 KZ20 LB28 LC32 LI21 LT20 LU20 LV21 LY25 MC27 MD24 ME22 MK19 MR27 MT31 MU30 "
        "NL18 NO15 PK24 PL28 PS29 PT25 QA29 RO24 RS22 SA24 SC31 SE24 SI19 SK24 SM27 ST25 SV28 TL23 "
        "TN24 TR26 UA29 VA22 VG24 XK20"
    ).split()
}
_IBAN = re.compile(rf"{LEFT}[A-Za-z]{{2}} ?[0-9]{{2}}(?:{_BREAK}?[0-9A-Za-z]){{11,30}}")


def _iban(match):
    """The span of as many signs as the country's numbers have, if their check digits are right."""
    places = [m.start() for m in re.finditer("[0-9A-Za-z]", match.group())]
    signs = "".join(match.group()[place] for place in places).upper()
    size = _IBAN_LENGTHS.get(signs[:2], 99)
    number = signs[4:size] + signs[:4]
    if len(signs) < size or int("".join(str(int(sign, 36)) for sign in number)) % 97 != 1:
        return None
    end = match.start() + places[size - 1] + 1
    return None if re.match("[0-9A-Za-z]", match.string[end : end + 1]) else (match.start(), end)


# Passports and travel permits, next to a word that names them

_LINK = r"(?:号码?|號碼?|编号|是|为|就是|上写着|was|is|numbers?|no\.?|[\s:：#(（,，.]){0,6}"
_PASSPORT = re.compile(
    rf"(?:护照|護照|passport|通行[证證]|台胞[证證]|回[乡鄉][证證]){_LINK}"
    rf"(?-i:([A-Z]{{1,2}}[0-9]{{6,9}}|[A-Z] ?[0-9]{{4}} [0-9]{{4}}|"
    rf"[CFGHJK][0-9CFGHJKLMNPRTVWXYZ]{{8}}|[0-9]{{9}}){RIGHT}"
    rf"|(?<=[号號码碼:：#.r] )([0-9]{{8}}){RIGHT}|(?<=[号號码碼:：#])([0-9]{{8}}){RIGHT})"
    rf"|(?-i:{LEFT}([EGDSPHK][A-Z]?[0-9]{{7,8}}){RIGHT})(?= ?[是为(（]?[我你他她的这]{{0,3}}护照)",
    re.IGNORECASE,
)


def _is_passport(number):
    return sum(sign.isdigit() for sign in number) >= 3


# Number plates

_PROVINCE_SIGNS = "京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼"
_PLATE = re.compile(
    rf"[{_PROVINCE_SIGNS}](?<![北南东]京)(?<![全最更创崭]新)[A-HJ-NP-Z][ ·•．.-]?"
    rf"(?:[A-HJ-NP-Z0-9]{{4}}[挂学警港澳领试]|[A-HJ-NP-Z0-9]{{5,6}}{RIGHT})"
)
_PLATE_AFTER_WORD = re.compile(
    r"(?:车牌|車牌|牌照|(?:licen[cs]e|number|registration) plate)"
    r"(?:号码?|號碼?|number|no\.?|was|是|为|is|[\s:：]){0,4}"
    rf"(?-i:([A-Z]{{1,4}}[ -]?[0-9]{{1,4}}(?:[ -]?[A-Z]{{1,3}})?|"
    rf"[0-9][A-Z]{{3}}[0-9]{{3}}){RIGHT})",
    re.IGNORECASE,
)


def _is_plate(plate):
    serial = plate[2:].lstrip(" ·•．.-")
    return sum(sign.isdigit() for sign in serial) >= (1 if serial[-1] > "Z" else 3)


# Phones

FREE = r"(?![0-9A-Za-z]|[.-][0-9]| ?(?:[元万亿%％块岁次]|[美港欧日]元))"
_BEFORE = (
    r"(?:(?<![0-9A-Za-z])(?<![0-9][-.+/_·])(?<![A-Fa-f]-)|(?<=[Tt]el)|(?<=TEL)|(?<=[VvWw][XxQq]))"
)
_PHONE = re.compile(
    r"(?=[0-9+(（])(?:"
    # Mainland mobile
    rf"(?:{_BEFORE}|(?=\+86))(?:(?:\+|00)?86[ .·/-]?|[(（]\+?86[)）] ?)?"
    rf"1[3-9](?:[0-9]{{9}}|[0-9]{_BREAK}[0-9]{{4}}{_BREAK}[0-9]{{4}}"
    rf"|[0-9]{{2}}{_GAP}[0-9]{{3}}{_GAP}[0-9]{{4}}|[0-9][ -][0-9]{{3}}[ -][0-9]{{5}}"
    r"|[0-9]{3}[ -][0-9]{6}"
    rf"|[0-9][ -]?[0-9]{{8}}|[0-9]{{5}}[ -][0-9]{{4}}){FREE}"
    rf"|{LEFT}1[ .·-][3-9](?:[ .·-][0-9]){{9}}(?![ .·-]?[0-9])"
    rf"|{_BEFORE}(?<![0-9][ ])(?:"
    rf"0[1-9][0-9]{{1,2}}{_GAP}[0-9]{{7,8}}(?:-[0-9]{{1,4}})?"
    rf"|0[1-9][0-9]{{2}}{_GAP}?[0-9]{{4}}{_GAP}[0-9]{{4}}"
    r"|0(?:10|2[0-9])[0-9]{8}|0[3-9][0-9]{9,10}"
    rf"|400{_GAP}?[0-9]{{3}}{_GAP}?[0-9]{{4}}|800[ -][0-9]{{3}}[ -]?[0-9]{{4}}"
    r"|400[ -][0-9]{4}[ -]?[0-9]{3}"
    rf"|85[23]{_GAP}[2-9][0-9]{{3}}{_GAP}?[0-9]{{4}}"
    rf"|886{_GAP}9[0-9]{{2}}{_GAP}?[0-9]{{3}}{_GAP}?[0-9]{{3}}"
    rf"|09[0-9]{{2}}{_GAP}?[0-9]{{3}}{_GAP}?[0-9]{{3}}"
    rf"|0[1-9][0-9]{_GAP}[0-9]{{3,4}}{_GAP}[0-9]{{4}}|0[1-9][ .·-][0-9]{{3,4}}[ .·-][0-9]{{4}}"
    # Britain, France, Germany
    rf"|0[1-9][0-9]{{3}}{_GAP}[0-9]{{6}}|07[0-9]{{3}}{_GAP}[0-9]{{3}}{_GAP}[0-9]{{3}}"
    r"|0[1-9](?:[.·-][0-9]{2}){4}|0[1-9](?=[0-9/]{0,9}/[4-9])(?:/[0-9]{2}){4}"
    r"|(?<![\u3400-\u9fff])0[1-79](?: [0-9]{2}){4}"
    r"|0[1-9][0-9]{1,3} ?/ ?(?:[0-9]{6,8}|[0-9]{3,4} [0-9]{3,5}|[0-9]{2,3}(?: [0-9]{2,3}){2,3})"
    # Japan, the Netherlands, Turkey, Germany, France; ten digits in one piece
    r"|0[1-9][0-9]{0,3}[(（][0-9]{2,4}[)）][0-9]{4}|0[67][ -](?!20[0-9]{6}(?![0-9]))[0-9]{8}"
    r"|0[1-9][0-9]{2} [0-9]{3} [0-9]{2} [0-9]{2}"
    r"|0[1-9][0-9]{2,3} ?- ?[0-9]{2,4}(?: [0-9]{2,4}){1,3}|0(?!123456789)[1-9][0-9]{8}"
    # Britain, Australia and others: a first group that begins with 0
    rf"|0[1-9][0-9]{{1,3}}(?:{_GAP}[0-9]{{3,4}}){{2}}"
    rf"|0[1-9][0-9]{{1,4}}{_GAP}(?!20[0-9]{{6}}(?![0-9]))[0-9]{{5,8}}"
    # Germany as it was, Spain
    r"|0 [1-9][0-9]{1,3} ?/ ?[0-9]{2,4}(?: [0-9]{2,4}){1,2}"
    r"|[89][0-9][ .-][0-9]{3}(?:[ .-][0-9]{2}){2}|[6-9][0-9]{2}[ .-][0-9]{2}(?:[ .-][0-9]{2}){2}"
    # India
    r"|[6-9][0-9]{4}[ .-][0-9]{5}"
    # Russia
    r"|[78][ -]?[(（]?[3489][0-9]{2}[)）]?[ -]?[0-9]{3}[ -][0-9]{2}[ -][0-9]{2}"
    # Brazil
    r"|[1-9][1-9][ .]9[0-9]{4}[.-][0-9]{4}"
    # North America
    r"|(?:1[ .-])?(?:[0-9]{3} ?- ?[0-9]{3} ?- ?[0-9]{4}"
    r"|[2-9][0-9]{2} ?[./·_•・~] ?[2-9][0-9]{2} ?[./·_•・~] ?[0-9]{4})"
    rf"){FREE}(?! [0-9]{{3}})"
    rf"|(?:1[ -]?)?[(（][0-9]{{3}}[)）] ?[-./·]? ?[0-9]{{3}} ?[-./· ] ?[0-9]{{4}}{FREE}"
    rf"|[(（]0[0-9]{{1,3}}[)）][ -]?"
    rf"(?:[0-9]{{5,8}}|[0-9]{{2,4}}(?:{_GAP}[0-9]{{2,4}}){{1,3}}){FREE})"
)
# Any length: the tables of libphonenumber know how long a country's numbers are.
_ABROAD = re.compile(
    r"(?:(?<![A-Za-z])\+(?![0-9]\.[0-9]{5})|(?<![0-9A-Za-z.-])00)"
    rf"[1-9](?:{_GAP}?(?:[(（][0-9]{{1,5}}[)）]{_GAP}?)?[0-9]){{6,14}}(?![0-9A-Za-z]|[.-][0-9])"
)
_AFTER_WORD = re.compile(
    r"(?:电话|電話|手机|手機|座机|传真|热线|联系方式|致[电電]|[拨撥]打?|联络|聯絡|"
    r"(?<![A-Za-z])(?:phone|tel|telephone|mobile|cell|fax|whatsapp))"
    r"(?:号码?|号|號碼?|是|为|就是|number|no\.?|is|at|[\s:：(（.]){0,5}"
    rf"([2-9][0-9]{{2,3}}{_GAP}?[0-9]{{4}}|[2-9][0-9]{{9}}|[2-9](?:[ .·-][0-9]){{6,7}}|"
    rf"[2-9][0-9]{{2}}{_GAP}[0-9]{{3}}{_GAP}[0-9]{{4}}){FREE}",
    re.IGNORECASE,
)


def _phone(match):
    """The span; None after a word such as 'order', and for pairs that rise, as drawn numbers do."""
    pairs = re.fullmatch("0[1-59](?: [0-9]{2}){4}", match.group())
    if pairs and sorted(set(match.group().split())) == match.group().split():
        return None
    return _not_labelled(match)


def _abroad(match):
    """The span of a number abroad, without groups of digits after it that are not part of it."""
    if not _not_labelled(match):
        return None
    number = match.group()
    while number and not is_phone_abroad(number):
        number = re.sub(r"[^0-9]*[0-9]+$", "", number) if re.search(r"[^0-9+]", number) else ""
    return (match.start(), match.start() + len(number)) if number else None


def is_phone_abroad(number: str) -> bool:
    """Whether a number '+…' or '00…' can be one in the country of its prefix."""
    import phonenumbers

    plus = number[0] == "+"
    number = re.sub("[^0-9+]", " ", number)
    try:
        parsed = phonenumbers.parse(number if plus else "+" + number[2:])
    except phonenumbers.NumberParseException:
        return False
    return phonenumbers.is_possible_number(parsed) if plus else phonenumbers.is_valid_number(parsed)


# Network addresses

# A match includes a word before the number that makes it a section or a version; _is_ipv4 then
# refuses it.
_IPV4 = re.compile(
    r"(?:(?:第|版本|§|"
    r"(?<![A-Za-z])(?:(?:sub)?sections?|sec\.|chapters?|clauses?|appendix|versions?|ver\.?|release)"
    r"(?![A-Za-z])) ?(?:号|number)? ?(?:是|为|is|[:：=])? ?)?"
    r"(?<![0-9.vV])(?:[0-9]{1,3}\.){3}[0-9]{1,3}(?![0-9]|\.[0-9]| ?[章节])",
    re.IGNORECASE,
)
_IPV6 = re.compile(r"(?<![0-9A-Za-z:.])(?:[0-9A-Fa-f]{0,4}:){2,7}[0-9A-Fa-f]{0,4}(?![0-9A-Za-z:])")


def _is_ipv4(number):
    if not number[0].isdigit():
        return False
    parts = number.split(".")
    return (
        max(map(int, parts)) <= 255
        and int(parts[0]) not in (0, 127, 255)
        and all(part == str(int(part)) for part in parts)
    )


def _is_ipv6(number):
    """Whether it is an IPv6 address, not a time, a ratio or a C++ name."""
    try:
        address = ipaddress.IPv6Address(number)
    except ValueError:
        return False
    groups = [group for group in number.split(":") if group]
    has_known_prefix = groups and re.match("[23][0-9A-Fa-f]{3}$|[fF][cdeCDE]", groups[0])
    has_digit = any(map(str.isdigit, number))
    return int(address) > 1 and has_digit and bool(has_known_prefix or len(groups) > 4)


# Decimals and degrees.
DOTTED = re.compile(r"[0-9](?:\.[0-9]+| ?[°度])")
REACH = (40, 24)
_PASSPORT_CUES = ("passport", "护照", "護照", "通行", "台胞", "回乡", "回鄉")
DETECTORS = (
    Detector("identity", NUMBER, REACH, _IDENTITY, value_if(_is_identity), of_digits=True),
    Detector("identity", NUMBER, REACH, _IDENTITY_AFTER_WORD, of_digits=True),
    Detector("identity", NUMBER, REACH, _HONG_KONG, value_if(_is_hong_kong), of_digits=True),
    Detector("card", NUMBER, REACH, _IBAN, _iban, of_digits=True),
    Detector("card", re.compile("[0-9]\n[0-9]"), REACH, _IBAN, _iban, of_digits=True),
    Detector("card", NUMBER, REACH, _CARD, _unless_labelled(_is_card), of_digits=True),
    Detector("ip", DOTTED, (40, 60), _IPV4, value_if(_is_ipv4), of_digits=True),
    Detector("ip", re.compile(r":[0-9A-Fa-f]{0,4}:"), (40, 44), _IPV6, value_if(_is_ipv6)),
    Detector("passport", _PASSPORT_CUES, (16, 50), _PASSPORT, value_if(_is_passport)),
    Detector("plate", tuple(_PROVINCE_SIGNS), (1, 12), _PLATE, value_if(_is_plate)),
    Detector("plate", ("plate", "车牌", "車牌", "牌照"), (16, 30), _PLATE_AFTER_WORD),
    Detector("phone", NUMBER, REACH, _ABROAD, _abroad, of_digits=True),
    Detector("phone", NUMBER, REACH, _PHONE, _phone, of_digits=True),
    Detector("phone", NUMBER, REACH, _AFTER_WORD, of_digits=True),
)
