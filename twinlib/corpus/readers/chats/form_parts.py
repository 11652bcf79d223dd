"""The parts of which the forms of chats in plain text are made: times, days, names, heads."""

import re
from functools import lru_cache
from typing import NamedTuple

from ....text.inputs import days
from ..dates import HALVES

HALF = f"(?:{'|'.join(HALVES)})"  # of the day
CLOCK = rf"(?:{HALF}\s?)?\d{{1,2}}:\d{{2}}(?::\d{{2}})?(?:\s?[AaPp]\.?\s?[Mm]\b\.?)?"
_NUMBERS = (
    r"\d{1,4}\s?[./\-年년]\s?\d{1,2}\s?[./\-月월]\s?\d{1,4}[日일]?\.?(?:\s?(?:星期|周|週)[一-龥])?"
)
MONTH = rf"(?i:{days.MONTH})"
_OF = r"(?:\.? de |[-. /]{1,2})"
NAMED = rf"(?:{MONTH}\.? \d{{1,2}},? \d{{4}}|\d{{1,2}}{_OF}{MONTH}{_OF}\d{{2,4}})"
DAY = rf"(?:{_NUMBERS}|{NAMED})"
STAMP = rf"{DAY}(?:,| at| -|T)?\s*{CLOCK}"
NEAR_DAY = (
    r"(?:今天|昨天|前天|星期[一-龥]|周[一-龥]|週[一-龥]|\d{1,2}月\d{1,2}日|\d{1,2}[/-]\d{1,2}|"
    r"(?i:today|yesterday|(?:mon|tues|wednes|thurs|fri|satur|sun)day)(?: at)?|"
    rf"{MONTH}\.? \d{{1,2}}(?:st|nd|rd|th)?(?: at)?)"
)
# Of programs that are not known: a time with a day before or after it, in brackets or not.
ANY_CLOCK = (
    rf"(?:{HALF}\s?)?\d{{1,2}}[:.h时時点點]\d{{2}}(?:[:.分]\d{{2}}(?:[.,]\d{{1,6}})?)?[分秒]?"
    r"(?:Z|[+-]\d{2}:?\d{2})?(?![:.]?\d)"
)
# A word with a capital between two numbers may be a name: 'Comment 1 Duda 2024-02-19'.
_ANY_MONTH = (
    r"(?=[^\W\dA-ZÀ-Þ]|[JFMASONDEÉI](?:an|eb|év|ev|är|ar|br|pr|vr|ai|ay|un|ul|ui|go|ug|oû|et|ep"
    r"|kt|ct|ut|ov|ez|ec|éc|ic|ne|än)|Juill)[^\W\d\u2e80-\uffef]{3,10}"
)
ANY_DAY = (
    rf"(?:{DAY}|\d{{1,2}}月\d{{1,2}}日|\d{{1,2}}[./]\d{{1,2}}\.?(?=[ ,])"
    rf"|\d{{1,2}}\.? (?:de )?{_ANY_MONTH}\.?(?: de)? \d{{2,4}})"
)
DAY_AND_TIME = (
    rf"(?:{ANY_DAY}(?:\s+\w{{2,10}}\.?)?(?:\s?[,;|/·_-]|T| at| um| à| às| a las)?\s*)?"
    rf"{ANY_CLOCK}(?:\s?[AaPp]\.?\s?[Mm]\b\.?| Uhr)?"
    rf"(?:(?:,|\s)\s*(?:(?:on|am|le|el|em|del?) )?{ANY_DAY})?"
)
# How long ago, in place of a time: '3 days ago', 'vor 2 Std.', '5h', '3 小时前'
AGO = (
    r"(?:(?:vor|hace|há|il y a)\s\S{1,6}\s[^\W\d]{1,8}|\d+\s?(?:[a-z]{1,7}\s)ago"
    r"|\d+\s?(?:秒钟?|分钟|小时|天|周|个?月|年)前|\(?(?<!\w)\d{1,2}\s?[smhdwy]\)?(?!\w))"
)
ANY_TIME = rf"(?:[^\W\d]{{2,10}}[,.] )?{DAY_AND_TIME}"  # with a day of the week

PHONE = r"\+?\d[\d ()\-]{5,}\d"  # a number that stands for a name
# No sign: letters, digits, emoji, which names may have, and the plus of a phone number.
NO_SIGN = r"\w+\u2600-\u26ff\ufe0f\U0001f000-\U0001faff"

# Words before a colon or a time that are no names.
LABELS = set(
    "note notes tip tips warning caution hint example update edit ps p.s todo step mood weather "
    "date title time place name phone email address tags pros cons ingredients method serves "
    "summary source info error warn debug fatal trace critical notice sunny cloudy rain rainy home "
    "work morning noon afternoon evening night breakfast lunch dinner bed "
    "注 注意 提示 备注 例 例如 步骤 心得 小贴士 贴士 材料 做法 天气 心情 日期 时间 地点 "
    "标题 姓名 电话 地址 标签 优点 缺点 总结 来源 晴 阴 雨 雪 多云 小雨 大雨 中雨 阴天 晴天 雨天 "
    "早上 清晨 上午 中午 下午 傍晚 晚上 凌晨 早餐 午餐 晚餐 早饭 午饭 晚饭 起床 睡觉".split()
)


class Head(NamedTuple):
    """The first line of a message: its number, the sender, the time as written, the text.

    `body` is the number of the line where the text goes on.
    """

    line: int
    name: str
    time: str
    text: str
    body: int


def is_short(name: str) -> bool:
    """Whether a name has four words at most, the groups of a phone number not counted."""
    words = name.split()
    return len(words) <= 4 or sum(not word[-1].isdigit() for word in words) <= 4


@lru_cache(maxsize=4096)
def name_of(name: str) -> str:
    """A name without QQ's number, address and rank, or quotation marks, if anything is left."""
    short = re.sub(
        r"\s*(?:[(（]\d{5,12}[)）]|<[^<>\s]+>)$|^【[^【】]{1,8}】(?=.)", "", name.strip()
    )
    short = re.sub(r"\s*(?:[(（]\d{5,12}[)）]|<[^<>\s]+>)$", "", short)
    short = re.sub(rf"^(?:[^{NO_SIGN}\s~@(（]|_)+\s+(?=\S)", "", short)  # the sign of a list
    short = re.sub(rf"(?<=\S)\s+(?:[^{NO_SIGN}\s)）\]】'’]|_)+$", "", short)
    short = re.sub(r"(?<=\w)\[[^\[\]]{1,12}\]$", "", short)
    short = re.sub(r"\s*(?:→|➜|➔|⇒|->|=>)\s*\S.*$", "", short)  # to whom
    short = re.sub(r"^(?:\"(.+)\"|'(.+)'|“(.+)”)$", r"\1\2\3", short.strip())
    return re.sub(r"[\s,|·•~—–-]+$", "", short) or name.strip()
