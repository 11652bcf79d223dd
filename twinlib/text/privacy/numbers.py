r"""Numbers that point at a person: identity, cards, passports, plates, phones and network addresses.

Borders are digits and Latin letters, never word boundaries, which don't exist beside Chinese. Every pattern is tried
only near its cues, and each of its loops is bounded, so that time grows with the text and not faster.

Sources: GB 11643 (resident identity), ISO/IEC 7812 (cards), GA 36 (plates), E.164 and the libphonenumber tables
(phones), RFC 4291 (IPv6).
"""

import ipaddress
import re
from collections.abc import Callable
from typing import NamedTuple

NUMBER = re.compile(
    r"[0-9](?:[ .()（）-]{0,2}[0-9]){6,}"
)  # seven digits or more: worth a closer look
LEFT, RIGHT = r"(?<![0-9A-Za-z])", r"(?![0-9A-Za-z])"


def whole(match):
    """The span of the value: the group that matched, or all of the match."""
    return match.span(match.lastindex or 0)


class Detector(NamedTuple):
    """`pattern` is tried within `reach` characters (before, after) of the `cues`: a pattern, or small-letter words.

    `value(match)` gives the span (start, end) of what is private in a match, or None when it is no such thing.
    """

    kind: str
    cues: re.Pattern | tuple
    reach: tuple
    pattern: re.Pattern
    value: Callable = whole


def checked(right):
    """The span of the value, where right(value) holds."""
    return lambda match: whole(match) if right(match.group(match.lastindex or 0)) else None


# What a number belongs to, when that stands right before it: then it is nobody's card or phone.
LABELLED = re.compile(
    r"(?:订单|訂單|单号|單號|运单|快递|流水|编号|編號|书号|发票|税号|学号|工号|批号|串号|序列号|股票|代码|isbn|issn|order|tracking"
    r"|invoice|serial|batch|part|item|lot|commit|ref)(?:编?号码?|id|number|no\.?)?(?:是|为)?[\s:：#.]{0,3}$",
    re.IGNORECASE,
)


def _labelled(match):
    start = whole(match)[0]
    return LABELLED.search(match.string[max(0, start - 24) : start])


def _unless_labelled(right):
    def value(match):
        return (
            whole(match)
            if right(match.group(match.lastindex or 0)) and not _labelled(match)
            else None
        )

    return value


# Identity numbers

PROVINCES = {
    *range(11, 16),
    *range(21, 24),
    *range(31, 38),
    *range(41, 47),
    *range(50, 55),
    *range(61, 66),
    71,
    81,
    82,
    83,
}
IDENTITY = re.compile(LEFT + r"[1-8][0-9]{5}[ -]?[12][0-9]{7}[ -]?[0-9]{3}[0-9Xx]" + RIGHT)
DAY = r"(?:0[1-9]|1[0-2])(?:0[1-9]|[12][0-9]|3[01])"
IDENTITY_CALLED = re.compile(  # these say little by themselves: a word before must
    rf"(?:身[份分][证證]|证件)[^0-9A-Za-z]{{0,12}}([1-8][0-9]{{7}}{DAY}[0-9]{{3}}|[A-Z][12][0-9]{{8}}){RIGHT}"
    rf"|(?:ssn|social security)[^0-9\n]{{0,20}}([0-9]{{3}}-[0-9]{{2}}-[0-9]{{4}}){RIGHT}",
    re.IGNORECASE,
)
HONG_KONG = re.compile(LEFT + r"[A-Z]{1,2}[0-9]{6}[(（][0-9A][)）]")


def identity_number(number):
    """Is this a resident identity number: a province, a date inside, and the check digit of GB 11643?"""
    number = re.sub("[ -]", "", number)
    weights = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
    year, month, day = int(number[6:10]), int(number[10:12]), int(number[12:14])
    check = "10X98765432"[sum(int(d) * w for d, w in zip(number, weights)) % 11]
    return (
        int(number[:2]) in PROVINCES
        and 1850 <= year <= 2100
        and 1 <= month <= 12
        and 1 <= day <= 31
        and number[-1].upper() == check
    )


def hong_kong_number(number):
    """Does the check digit of a Hong Kong identity card hold? 'A123456(3)'."""
    signs = re.sub("[^0-9A-Z]", "", number)
    places = [36] * (9 - len(signs)) + [int(sign, 36) for sign in signs]
    return sum(place * weight for place, weight in zip(places, range(9, 0, -1))) % 11 == 0


# Bank cards

CARD = re.compile(r"(?<![0-9A-Za-z.])[2-69][0-9]{3}(?:[ -]?[0-9]){9,15}" + RIGHT)
ISSUERS = re.compile(
    r"62\d{14,17}|4(?:\d{12}|\d{15}|\d{18})|5[1-5]\d{14}|2[2-7]\d{14}|3[47]\d{13}|3[0568]\d{12,14}"
    r"|6(?:011|5\d\d|4[4-9]\d)\d{12}|9558\d{15}|(?:60|68|69|94)\d{14,17}"
)


def card_number(number):
    """Is this a card number of a known issuer, in one piece or in groups of 4 to 6, whose check digit holds?"""
    groups = re.split("[ -]", number)
    digits = "".join(groups)
    if len(groups) > 1 and not (
        all(len(group) in (4, 5, 6) for group in groups[:-1]) and len(groups) <= 5
    ):
        return False
    born = len(digits) == 18 and re.match(rf"\d{{6}}(?:19|20)\d\d{DAY}", digits)
    return bool(ISSUERS.fullmatch(digits)) and luhn(digits) and not born


def luhn(number):
    """Does a number's check digit hold? Spaces and dashes don't count."""
    digits = [int(d) for d in re.sub("[^0-9]", "", number)]
    return (
        sum(
            d if place % 2 == 0 else d * 2 - 9 * (d > 4) for place, d in enumerate(reversed(digits))
        )
        % 10
        == 0
    )


# Passports and travel permits: a word beside them says so

LINK = r"(?:号码?|號碼?|编号|是|为|就是|上写着|was|is|numbers?|no\.?|[\s:：#(（,，.]){0,6}"
PASSPORT = re.compile(
    rf"(?:护照|護照|passport|通行[证證]|台胞[证證]|回[乡鄉][证證]){LINK}"
    rf"(?-i:([A-Z]{{1,2}}[0-9]{{6,9}}|[CFGHJK][0-9CFGHJKLMNPRTVWXYZ]{{8}}|[0-9]{{9}}){RIGHT}"
    rf"|(?<=[号號码碼:：#.r] )([0-9]{{8}}){RIGHT}|(?<=[号號码碼:：#])([0-9]{{8}}){RIGHT})"
    rf"|(?-i:{LEFT}([EGDSPHK][A-Z]?[0-9]{{7,8}}){RIGHT})(?= ?[是为(（]?[我你他她的这]{{0,3}}护照)",
    re.IGNORECASE,
)


def passport_number(number):
    return sum(sign.isdigit() for sign in number) >= 3


# Number plates

PROVINCE_SIGNS = "京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼"
PLATE = re.compile(
    rf"[{PROVINCE_SIGNS}](?<![北南东]京)(?<![全最更创崭]新)[A-HJ-NP-Z][ ·•．.-]?"
    rf"(?:[A-HJ-NP-Z0-9]{{4}}[挂学警港澳领试]|[A-HJ-NP-Z0-9]{{5,6}}{RIGHT})"
)
PLATE_CALLED = re.compile(
    r"(?:车牌|車牌|牌照|(?:licen[cs]e|number|registration) plate)(?:号码?|號碼?|number|no\.?|was|是|为|is|[\s:：]){0,4}"
    rf"(?-i:([A-Z]{{1,4}}[ -]?[0-9]{{1,4}}(?:[ -]?[A-Z]{{1,3}})?|[0-9][A-Z]{{3}}[0-9]{{3}}){RIGHT})",
    re.IGNORECASE,
)


def plate_number(plate):
    serial = plate[2:].lstrip(" ·•．.-")
    return sum(sign.isdigit() for sign in serial) >= (1 if serial[-1] > "Z" else 3)


# Phones

FREE = r"(?![0-9A-Za-z]|[.-][0-9]| ?(?:[元万亿%％块岁次]|[美港欧日]元))"
BEFORE = (
    r"(?:(?<![0-9A-Za-z])(?<![0-9][-.+/])(?<![A-Fa-f]-)|(?<=[Tt]el)|(?<=TEL)|(?<=[VvWw][XxQq]))"
)
PHONE = re.compile(
    r"(?=[0-9+(（])(?:"
    rf"(?:{BEFORE}|(?=\+86))(?:(?:\+|00)?86[ -]?|[(（]\+?86[)）] ?)?"  # mainland mobile
    r"1[3-9](?:[0-9]{9}|[0-9][ -][0-9]{4}[ -][0-9]{4}|[0-9]{2}[ -][0-9]{3}[ -][0-9]{4}|[0-9]{3}[ -][0-9]{6}"
    rf"|[0-9][ -]?[0-9]{{8}}|[0-9]{{5}}[ -][0-9]{{4}}){FREE}"
    rf"|{LEFT}1 [3-9](?: [0-9]){{9}}(?! ?[0-9])"
    rf"|{BEFORE}(?<![0-9][ ])(?:"
    r"0[1-9][0-9]{1,2}[ -][0-9]{7,8}(?:-[0-9]{1,4})?|0[1-9][0-9]{2}[ -]?[0-9]{4}[ -][0-9]{4}"
    r"|0(?:10|2[0-9])[0-9]{8}|0[3-9][0-9]{9,10}"
    r"|400[ -]?[0-9]{3}[ -]?[0-9]{4}|800[ -][0-9]{3}[ -]?[0-9]{4}|400[ -][0-9]{4}[ -]?[0-9]{3}"
    r"|85[23][ -][2-9][0-9]{3}[ -]?[0-9]{4}|886[ -]9[0-9]{2}[ -]?[0-9]{3}[ -]?[0-9]{3}"
    r"|09[0-9]{2}[ -]?[0-9]{3}[ -]?[0-9]{3}|0[1-9][0-9]?[ -][0-9]{3,4}[ -][0-9]{4}|0[1-9][0-9]{3} [0-9]{6}"
    r"|(?:1[ .-])?(?:[0-9]{3}-[0-9]{3}-[0-9]{4}|[2-9][0-9]{2}\.[2-9][0-9]{2}\.[0-9]{4})"  # North America
    rf"){FREE}(?! [0-9]{{3}})"
    rf"|(?:1[ -]?)?[(（][0-9]{{3}}[)）] ?[0-9]{{3}}-[0-9]{{4}}{FREE}"
    rf"|[(（]0[0-9]{{1,3}}[)）][ -]?(?:[0-9]{{7,8}}|[0-9]{{3,4}}[ -][0-9]{{4}}){FREE})"
)
ABROAD = re.compile(  # the tables know how long a country's numbers are
    r"(?:(?<![A-Za-z])\+(?![0-9]\.[0-9]{5})|(?<![0-9A-Za-z.-])00)"
    r"[1-9](?:[ .-]?(?:[(（][0-9]{1,4}[)）][ .-]?)?[0-9]){6,14}(?![0-9A-Za-z]|[.-][0-9])"
)
CALLED = re.compile(
    r"(?:电话|電話|手机|手機|座机|传真|热线|联系方式|致电|拨打|(?<![A-Za-z])(?:phone|tel|telephone|mobile|cell|fax|whatsapp))"
    r"(?:号码?|号|號碼?|是|为|就是|number|no\.?|is|at|[\s:：(（.]){0,5}"
    rf"([2-9][0-9]{{2,3}}[ -]?[0-9]{{4}}|[2-9][0-9]{{9}}|[2-9][0-9]{{2}} [0-9]{{3}} [0-9]{{4}}){FREE}",
    re.IGNORECASE,
)


def phone_abroad(number):
    """Can this be a number in the country of its prefix?"""
    import phonenumbers

    plus = number[0] == "+"
    try:
        parsed = phonenumbers.parse(number if plus else "+" + number[2:])
    except phonenumbers.NumberParseException:
        return False
    return phonenumbers.is_possible_number(parsed) if plus else phonenumbers.is_valid_number(parsed)


# Network addresses

# A word before that makes it the number of a section or version belongs to the match, which is then no address.
IPV4 = re.compile(
    r"(?:(?:第|版本|§|(?<![A-Za-z])(?:(?:sub)?sections?|sec\.|chapters?|clauses?|appendix|versions?|ver\.?|release)"
    r"(?![A-Za-z])) ?(?:号|number)? ?(?:是|为|is|[:：=])? ?)?"
    r"(?<![0-9.vV])(?:[0-9]{1,3}\.){3}[0-9]{1,3}(?![0-9]|\.[0-9]| ?[章节])",
    re.IGNORECASE,
)
IPV6 = re.compile(r"(?<![0-9A-Za-z:.])(?:[0-9A-Fa-f]{0,4}:){2,7}[0-9A-Fa-f]{0,4}(?![0-9A-Za-z:])")


def network_address(number):
    if not number[0].isdigit():
        return False
    parts = number.split(".")
    return (
        max(map(int, parts)) <= 255
        and int(parts[0]) not in (0, 127, 255)
        and all(part == str(int(part)) for part in parts)
    )


def long_network_address(number):
    """An IPv6 address that isn't a time, a ratio or a C++ name."""
    try:
        address = ipaddress.IPv6Address(number)
    except ValueError:
        return False
    groups = [group for group in number.split(":") if group]
    known = groups and re.match("[23][0-9A-Fa-f]{3}$|[fF][cdeCDE]", groups[0])
    return int(address) > 1 and any(c.isdigit() for c in number) and bool(known or len(groups) > 4)


DOTTED = re.compile(r"[0-9](?:\.[0-9]+| ?[°度])")  # decimals and degrees
NEAR = (40, 24)
DETECTORS = (
    Detector("identity", NUMBER, NEAR, IDENTITY, checked(identity_number)),
    Detector("identity", NUMBER, NEAR, IDENTITY_CALLED),
    Detector("identity", NUMBER, NEAR, HONG_KONG, checked(hong_kong_number)),
    Detector("card", NUMBER, NEAR, CARD, _unless_labelled(card_number)),
    Detector("ip", DOTTED, (40, 60), IPV4, checked(network_address)),
    Detector(
        "ip", re.compile(r":[0-9A-Fa-f]{0,4}:"), (40, 44), IPV6, checked(long_network_address)
    ),
    Detector(
        "passport",
        ("passport", "护照", "護照", "通行", "台胞", "回乡", "回鄉"),
        (16, 50),
        PASSPORT,
        checked(passport_number),
    ),
    Detector("plate", tuple(PROVINCE_SIGNS), (1, 12), PLATE, checked(plate_number)),
    Detector("plate", ("plate", "车牌", "車牌", "牌照"), (16, 30), PLATE_CALLED),
    Detector("phone", NUMBER, NEAR, ABROAD, _unless_labelled(phone_abroad)),
    Detector("phone", NUMBER, NEAR, PHONE, _unless_labelled(lambda number: True)),
    Detector("phone", NUMBER, NEAR, CALLED),
)
