"""Postal addresses with a street number, and coordinates.

A street or a town alone identifies nobody. Chinese has no spaces: an address begins after the last
word before the street that leads up to one, such as 住在 or 位于.
"""

import re

from ..script import HAN_TO_TEN
from .numbers import DOTTED, RIGHT, Detector, value_span

# Coordinates

_DECIMAL = r"[+-]?[0-9]{1,3}\.[0-9]{2,15}+ ?[°度]?"
_SEXAGESIMAL = (
    r"[0-9]{1,3} ?[°度] ?[0-9]{1,2}(?:\.[0-9]{1,6})? ?['′’‘分]"
    r"(?: ?[0-9]{1,2}(?:\.[0-9]{1,6})? ?(?:[\"″”“]|''|′′|秒))?"
)
_DIRECTION = "(?:[北南东西][纬緯经經] ?)?"
_PAIR = re.compile(
    rf"(?<![0-9A-Za-z.])(?:[NSEW] ?)?{_DIRECTION}(?:"
    rf"{_SEXAGESIMAL} ?[NSEW]?[,，、;；和 ]{{0,3}}(?:[NSEW] ?)?{_DIRECTION}{_SEXAGESIMAL}"
    rf"(?: ?[NSEW](?![A-Za-z]))?"
    rf"|({_DECIMAL}) ?[NSEW]?[,，、;；/ ]{{1,3}}(?:[NSEW] ?)?{_DIRECTION}({_DECIMAL})"
    r"(?: ?[NSEW](?![A-Za-z]))?(?![0-9A-Za-z]|\.[0-9]))"
)
_PLACE_WORD = re.compile(
    r"坐标|座标|位置|定位|导航|经纬|gps|(?<![a-z])lat|longitude|location|coordinates", re.IGNORECASE
)


def _coordinates(match):
    """The span of two degrees with minutes, a word for a place next to them, or 4 decimals each."""
    if not match.group(1):
        return match.span()
    pair = [re.sub("[ °度]", "", match.group(group)) for group in (1, 2)]
    low, high = sorted(abs(float(degrees)) for degrees in pair)
    if low > 90 or high > 180:
        return None
    before = match.string[max(0, match.start() - 16) : match.start()]
    is_named = _PLACE_WORD.search(before) or re.search("[NSEW纬緯]", match.group())
    is_precise = min(len(degrees.split(".")[1]) for degrees in pair) >= 4 and high >= 10
    return match.span() if is_named or is_precise else None


# Chinese addresses

_NUMBER = rf"(?:[0-9]{{1,5}}(?:[-—–之][0-9]{{1,4}})?|[{HAN_TO_TEN}百〇零]{{1,6}})"
_HAN = "\u4e00-\u9fff"
_UNIT = r"号楼|號樓|号院|號院|号|號|弄|栋|棟|幢|座|单元|單元|层|層|楼|樓|室|房"
_PART = (
    rf"(?:[,， ]?(?:[{_HAN}]{{1,8}}(?:广场|廣場|大厦|大廈|中心|花园|园|苑|公寓|大楼|小区|新村|院))?"
    rf"(?:(?:{_NUMBER}|[A-Za-z][0-9]?|[甲乙丙丁东西南北]) ?(?:{_UNIT})))"
)
_LAST = r"(?:(?<=[元楼樓栋棟幢座院号號])[0-9]{3,4}(?![0-9年月日元人个页点分米]))?"
# After '12号' these make it a line, a car, a date …
_NO_ADDRESS = (
    r"(?![线線车車令球选機机桌召称稱码碼角外台臺风風文字]|公路|国道|[上下]午|晚上|那天|"
    r"以[前后後]|之[前后後]|左右|开始)"
)
_STREET = re.compile(
    rf"(?:(?<=[{_HAN}])(?:大?[路街巷村庄屯寨衖]|大道|胡同|"
    rf"(?<![铁频跑轨赛管通渠街国味知报航车频地])道|(?<=[{HAN_TO_TEN}])条)"
    rf"(?:[东西南北中]?[{HAN_TO_TEN}0-9]{{0,2}}[段巷弄]|[东西南北中]){{0,2}}[甲乙丙丁]? ?"
    rf"{_NUMBER}(?:[号號]院?|弄|巷|栋|棟|幢|衖)(?<!十号号){_NO_ADDRESS}{_PART}{{0,6}}{_LAST}"
    rf"|(?<=[{_HAN}])(?:小区|小區|花园|花園|新村|公寓|家园|大厦|大廈|广场|[里苑园府庭湾郡居城])"
    rf"{_NUMBER}(?:号楼|號樓|栋|棟|幢|座){_PART}{{0,4}}{_LAST}"
    rf"|(?<![0-9]){_NUMBER}(?:号楼|號樓|栋|棟|幢|座){_PART}{{0,2}}"
    rf"(?:{_NUMBER}(?:室|房|单元|單元)){_LAST}"
    r"|(?:邮政|郵政)?信箱(?:第 ?)?[0-9]{1,6}(?:号|號|[-分箱0-9]{1,8})?)"
)
# Words after which an address begins; the street's name is what follows the last of them.
_LEADS = re.compile(
    r".*(?:[在到去是往了的给住寄送至找写着租叫我你他她它们您这那哪跟与及或说问]|(?<!公)寓|位于|"
    r"位於|坐落|地址|从(?!化)|和(?!平|畅|义|兴|谐|睦|县|田|顺)"
    r"|老家|新家|搬[进过]|路过|经过|走过|[年月日])",
    re.DOTALL,
)
_REGION = re.compile(r"[省市区區县縣州盟旗镇鎮乡鄉村道]")
# Words before 路, 街 … that are no street's name: '这条路', '公路'.
_NO_NAME = re.compile(
    r"(?:[一这那此该每各半整几同沿顺走赶上下大条]|一?条|.*[这那整一]条|一大?|公|马|铁|半|第.{1,2})$"
)
_RUN = re.compile(rf"[{_HAN}A-Za-z0-9·]{{0,40}}\Z")


def _street(match):
    """The span of an address, from the first character of the street's name on."""
    start, first = match.start(), match.group()
    if not re.match(f"[^0-9{HAN_TO_TEN}信邮郵]", first):
        return match.span()
    run = _RUN.search(match.string, max(0, start - 40), start).group()
    led = _LEADS.match(run)
    name = run[led.end() :] if led else run
    if not name or _NO_NAME.match(name) or not re.search(f"[{_HAN}]", name):
        return None
    if len(name) > 5 and not _REGION.search(name):
        name = name[-4:]
    return start - len(name), match.end()


# English addresses

_WAY = (
    "Street|St|Road|Rd|Avenue|Ave|Lane|Ln|Drive|Dr|Boulevard|Blvd|Court|Ct|Place|Pl|Square|Sq|"
    "Terrace|Way|Close"
    "|Crescent|Gardens|Row|Highway|Hwy|Parkway|Pkwy|Mews|Quay|Circle|Walk|Alley"
)
_NAME = r"(?:[A-Z][A-Za-z'’]{0,20}\.?|[0-9]{1,3}(?:st|nd|rd|th))"
_FLAT = r"(?:Apartment|Apt|Suite|Ste|Unit|Flat|Room|Rm|Floor|#)"
_ENGLISH = re.compile(
    rf"(?:(?<![A-Za-z]){_FLAT}\.? ?[0-9]{{1,5}}[A-Za-z]?, )?"
    rf"(?<![0-9A-Za-z.,$£€/:#-])[0-9]{{1,5}}[A-Za-z]?(?:[-/][0-9]{{1,4}})? "
    rf"(?:{_NAME} ){{1,4}}(?:{_WAY})(?![A-Za-z\u00c0-\u024f])\.?"
    rf"(?:,? {_FLAT}\.? ?[0-9]{{0,5}}[A-Za-z]?(?![A-Za-z]))?"
    r"(?:,? [A-Z][A-Za-z]{1,20}(?: [A-Z][A-Za-z]{1,20})?,? "
    r"(?:[A-Z]{2} [0-9]{5}(?:-[0-9]{4})?|[A-Z]{1,2}[0-9]{1,2}[A-Z]? [0-9][A-Z]{2}))?"
)
_BOX = re.compile(rf"(?<![A-Za-z])P\.? ?O\.? ?Box ?[0-9]{{1,6}}{RIGHT}", re.IGNORECASE)
_YEAR = re.compile(r"(?:1[5-9]|20)[0-9]{2} ")
_OPENS = re.compile(
    r"(?<![A-Za-z])(?:in|the|of|since|by|from|until|till|after|before|during|spring|summer|autumn"
    r"|fall|winter|early|late|mid|January|February|March|April|May|June|July|August|September"
    r"|October|November|December) $",
    re.IGNORECASE,
)


def _english(match):
    """The span; None for a year ('in 1929 Wall Street'), a count ('the 7 …') or 'St' as Saint."""
    before = match.string[max(0, match.start() - 12) : match.start()]
    if _OPENS.search(before) and (_YEAR.match(match.group()) or re.search("(?i)the $", before)):
        return None
    # "St" or "Dr" before a name is a saint or a doctor.
    saint = re.search(r" (?:St|Dr)$", match.group())
    if saint and re.match(" [A-Z]", match.string[match.end() : match.end() + 2]):
        return None
    return value_span(match)


_STREET_CUES = ("号", "號", "弄", "栋", "棟", "幢", "座", "巷", "衖", "室", "信箱")
COORDINATES = (Detector("coordinates", DOTTED, (40, 60), _PAIR, _coordinates, of_digits=True),)
ADDRESSES = (
    Detector("address", _STREET_CUES, (50, 60), _STREET, _street),
    Detector(
        "address",
        re.compile(r"[0-9][A-Za-z]? [0-9A-Z]"),
        (20, 160),
        _ENGLISH,
        _english,
        of_digits=True,
    ),
    Detector("address", ("box",), (8, 12), _BOX),
)
