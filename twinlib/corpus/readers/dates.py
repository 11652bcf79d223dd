"""Times in exports, in any order of day and month, 12 or 24 hours, in several languages, to ISO.

Whether 3/4 is in March or April can't be told from one line: `times` takes all those of a file.
"""

import re
from datetime import UTC, datetime

from ...text.inputs.days import MONTHS, NAMED, named

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
_MORNING = "上午 早上 清晨 早晨 凌晨 午前 오전".split()
_AFTERNOON = "下午 傍晚 黄昏 黃昏 午後 오후".split()
# {word for an evening or a night: its first hour before midnight}; smaller ones come after it.
_NIGHT = dict.fromkeys("晚上 晚间 晚間 夜晚".split(), 5)
_NIGHT |= dict.fromkeys("夜里 夜裡 夜裏 夜间 夜間 深夜 半夜 午夜 子夜".split(), 6)
_NOON = ("中午", "正午")
HALVES = (*_MORNING, *_AFTERNOON, *_NIGHT, *_NOON)
_LETTERS, _DASH = re.compile(r"[^\W\d_]{3}"), re.compile(r"(?<=\d)[,;]?\s+[-–]\s+(?=\d)")
_CLOCK = re.compile(r"\d{1,2}[:.]\d\d(?:[:.]\d\d)?\s?(?:[ap]\.?\s?m\.?)?", re.IGNORECASE)
_WESTERN = re.compile(
    r"\w{3},? (\w{3}) (\d{1,2}) (\d\d):(\d\d):(\d\d) (?:[+-]\d{4}|\w{3,4}) (\d{4})"
)
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
    match = NAMED.search(text) if _LETTERS.search(text) else None
    if match:
        year, month, day = named(match)
        before, after = text[: match.start()].strip(" ,"), text[match.end() :]
        clock = f" {before}" if _CLOCK.fullmatch(before) and not after.strip(" ,.") else after
        text = f"{year}-{month:02}-{day:02}{clock}"
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
    if _is_after_noon(hour, half):
        hour = hour % 12 + 12
    elif half and hour == 12:
        hour = 0
    try:
        return day.replace(hour=hour, minute=int(match[6]), second=int(match[7] or 0)).isoformat()
    except ValueError:
        return ""


def _is_after_noon(hour, half):
    """Whether an hour of a half of the day, 12 at most, is one from noon to midnight."""
    if half in _NIGHT:
        return _NIGHT[half] <= hour < 12
    if half in _NOON:
        return hour < 3 or hour == 12
    return hour <= 12 and (half[:1] == "p" or half in _AFTERNOON)


def _other_time(text):
    """The ISO time of Unix (milli-, micro-)seconds or 'Wed Oct 10 20:19:24 +0000 2018', else ''."""
    western = _WESTERN.fullmatch(text)
    if western and western[1] in MONTHS:
        month, day, hour, minute, second, year = western.groups()
        parts = (year, MONTHS.index(month) + 1, day, hour, minute, second)
        return _iso_or_empty(lambda: datetime(*map(int, parts)))
    number = re.fullmatch(r"(\d{9,10})(\d{3}|\d{6})?(?:\.\d*)?", text)
    return _iso_or_empty(lambda: datetime.fromtimestamp(int(number[1]), UTC)) if number else ""


def _iso_or_empty(make):
    try:
        return make().replace(tzinfo=None).isoformat()
    except (ValueError, OverflowError, OSError):
        return ""
