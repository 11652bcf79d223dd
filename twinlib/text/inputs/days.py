"""The day that a date names, as front matter, feeds, web pages and file names write it.

What 3/4/2021 means takes other dates of the same file: see dates.py of the readers.
"""

import re
from datetime import date
from email.utils import parsedate_to_datetime

MONTHS = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split()
# How the names of months begin in English, German, Spanish, Portuguese and French
MONTH_BEGINNINGS = {
    beginning: number
    for number, beginnings in enumerate(
        "jan jän ene,feb fev fév,mar mär mrz,apr abr avr,may mai,jun juin,jul juil,aug ago aoû aou,"
        "sep set,oct okt out,nov,dec dez dic déc".split(","),
        start=1,
    )
    for beginning in beginnings.split()
}
_BEGINNING = "|".join(sorted(MONTH_BEGINNINGS, key=len, reverse=True))
MONTH = rf"(?:{_BEGINNING})[a-zçéûüß]{{0,7}}"  # in small letters
_MONTH = rf"({_BEGINNING})[a-zçéûüß]{{0,7}}"
NUMBERED = re.compile(
    r"(?<!\d)((?:1[0-9]|20)\d\d)\s*[-_./年]?\s*(\d{1,2})\s*[-_./月]?\s*(\d{1,2})(?!\d)"
)
# 'May 17, 2024', '08-Oct-24', '8 October 2024', '8. März 2024', '8 de maio de 2024'
NAMED = re.compile(
    rf"(?<![^\W\d_]){_MONTH}\.? (\d{{1,2}}),? (\d{{4}})|"
    rf"(\d{{1,2}})(?:\.? de |[-. /]{{1,2}}){_MONTH}"
    r"(?:\.? de |[-., /]{1,2})(\d{4}|\d\d)(?![A-Za-z0-9])",
    re.IGNORECASE,
)


def day(text: str) -> str | None:
    """The ISO date that a text begins with in numbers, or has in words, else None.

    In words: 'Mon, 03 May 2021 10:02:00 GMT', 'March 3, 2021 10:00 AM', '3 Mar 2021'.
    """
    try:
        return parsedate_to_datetime(text).date().isoformat()
    except (ValueError, TypeError, IndexError):
        pass
    numbered = NUMBERED.match(text.strip())
    numbers = numbered.groups() if numbered else named(NAMED.search(text))
    try:
        return date(*map(int, numbers)).isoformat() if numbers else None
    except ValueError:
        return None


def named(match: re.Match | None) -> tuple[int, int, int] | None:
    """(year, month, day) of a match of NAMED."""
    if match is None:
        return None
    month, day, year, day2, month2, year2 = match.groups()
    number = MONTH_BEGINNINGS[(month or month2).casefold()]
    year = int(year or year2)
    return year + 2000 if year < 100 else year, number, int(day or day2)
