"""Times in exports, in any order of day and month, 12 or 24 hours, in several languages, to ISO.

Whether 3/4 is in March or April can't be told from one line: `times` takes all those of a file.
"""

import re
from datetime import UTC, datetime

# Half of the day, in Chinese, Japanese and Korean: any short word, as phones have many of them.
STAMP = re.compile(
    r"(\d{1,4})\s?[./\-年]\s?(\d{1,2})\s?[./\-月]\s?(\d{1,4})[日号.]?[,،，]?(?:\s*(?:星期|周|"
    r"週)[一二三四五六日天])?"
    r"(?:(?:\s+|T|(?<=[日号天一二三四五六])|(?=[\u4e00-\u9fff]))(?:(?:klo|um|at|kl\.?|à|às)\s+)?"
    r"([\u4e00-\u9fff]{2,4}|오전|오후|[AP]M)?\s?"
    r"(\d{1,2})[:.时時](\d{2})(?:[:.分](\d{2}))?(?:[.,]\d{1,9})?[分秒]?\s?([ap]\.?\s?m\.?)?)?"
    r"\s*(?:Z|UTC|GMT)?(?:[+-]\d{2}:?\d{2})?",
    re.IGNORECASE,
)
_AFTERNOON = set("下午 晚上 傍晚 黄昏 黃昏 晚间 晚間 夜晚 夜里 夜裡 午後 오후".split())
_NOON = ("中午", "正午")
_MONTH = "(jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)"
NAMED_DAY = re.compile(  # 'May 17, 2024', '08-Oct-24', '8 October 2024'
    rf"{_MONTH}[a-z]{{0,6}}\.? (\d{{1,2}}),? (\d{{4}})|"
    rf"(\d{{1,2}})[-. ]{{1,2}}{_MONTH}[a-z]{{0,6}}[-., ]{{1,2}}(\d{{4}}|\d\d)(?![A-Za-z0-9])",
    re.IGNORECASE,
)
_LETTERS, _DASH = re.compile("[A-Za-z]{3}"), re.compile(r"(?<=\d)[,;]?\s+[-–]\s+(?=\d)")
_WESTERN = re.compile(
    r"\w{3},? (\w{3}) (\d{1,2}) (\d\d):(\d\d):(\d\d) (?:[+-]\d{4}|\w{3,4}) (\d{4})"
)
_MONTHS = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split()
# {order: positions of year, month and day}
_ORDERS = {"ymd": (0, 1, 2), "dmy": (2, 1, 0), "mdy": (2, 0, 1)}


def times(texts: list[str]) -> list[str]:
    """The ISO times (dates where there is no clock) of all times of a file; '' for what is none."""
    texts = [text.strip() for text in texts]
    matches = [STAMP.fullmatch(_plain(text)) for text in texts]
    order = _order_of([match for match in matches if match])
    return [
        _iso(match, order) if match else _other_time(text) for match, text in zip(matches, texts)
    ]


def _plain(text):
    """A time as STAMP reads it, from one with a named month, in Korean, or with a dash or 'at'."""
    if not text.isascii():
        text = text.replace("년", "年").replace("월", "月").replace("일", "日")
    named = NAMED_DAY.search(text) if _LETTERS.search(text) else None
    if named:
        month, day, year, day2, month2, year2 = named.groups()
        number = [name.lower() for name in _MONTHS].index((month or month2).lower()) + 1
        year = int(year or year2)
        year += 2000 if year < 100 else 0
        text = f"{year}-{number:02}-{int(day or day2):02}{text[named.end() :]}"
    return _DASH.sub(" ", text) if "-" in text or "–" in text else text


def _order_of(matches):
    """'ymd', 'dmy' or 'mdy', by fewest impossible dates, steadiest direction, then convention."""
    if not matches:
        return "ymd"
    days = list(dict.fromkeys(tuple(int(part) for part in match.groups()[:3]) for match in matches))
    first = matches[0]
    half = first[4] or first[8] or ""
    american = half in ("AM", "PM") and "." not in first[0] and "-" not in first[0]
    habit = ["mdy", "dmy"] if american else ["dmy", "mdy"]
    # Years change less often than days, so 23/12/30, 23/12/31 begin with the year.
    years = len({day[0] for day in days}) < len({day[2] for day in days})
    if years or max(day[0] for day in days) > 31 or (half and half[0] > "\u2e80"):
        habit = ["ymd", *habit]
    return min(habit, key=lambda order: (*_implausibility(days, order), habit.index(order)))


def _implausibility(days, order):
    """(impossible dates, steps against the file's direction, steps back) of days in this order.

    Most files begin with the oldest day, some with the newest.
    """
    days_read = [_day(day, order) for day in days]
    possible = [day for day in days_read if day]
    back = sum(b < a for a, b in zip(possible, possible[1:]))
    forward = sum(b > a for a, b in zip(possible, possible[1:]))
    return len(days_read) - len(possible), min(back, forward), back


def _day(numbers, order):
    year, month, day = (numbers[index] for index in _ORDERS[order])
    year += 2000 if year < 100 else 0
    try:
        return datetime(year, month, day) if 1970 <= year <= 2100 else None
    except ValueError:
        return None


def _iso(match, order):
    """The ISO time of a STAMP match, or date when it has no clock; '' for an impossible one."""
    day = _day(tuple(int(part) for part in match.groups()[:3]), order)
    if day is None or match[5] is None:
        return day.date().isoformat() if day else ""
    hour, half = int(match[5]), (match[4] or match[8] or "").lower()
    if (half[:1] == "p" or half in _AFTERNOON) and hour < 12 or half in _NOON and hour < 3:
        hour += 12
    elif half and hour == 12 and half[0] != "p" and half not in _AFTERNOON and half not in _NOON:
        hour = 0
    try:
        return day.replace(hour=hour, minute=int(match[6]), second=int(match[7] or 0)).isoformat()
    except ValueError:
        return ""


def _other_time(text):
    """The ISO time of Unix (milli-, micro-)seconds or 'Wed Oct 10 20:19:24 +0000 2018', else ''."""
    western = _WESTERN.fullmatch(text)
    if western and western[1] in _MONTHS:
        month, day, hour, minute, second, year = western.groups()
        parts = (year, _MONTHS.index(month) + 1, day, hour, minute, second)
        return _iso_or_empty(lambda: datetime(*map(int, parts)))
    number = re.fullmatch(r"(\d{9,10})(\d{3}|\d{6})?(?:\.\d*)?", text)
    return _iso_or_empty(lambda: datetime.fromtimestamp(int(number[1]), UTC)) if number else ""


def _iso_or_empty(make):
    try:
        return make().replace(tzinfo=None).isoformat()
    except (ValueError, OverflowError, OSError):
        return ""
