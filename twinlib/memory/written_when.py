"""What the author wrote in a year, first or last, and when he wrote a text: told by their dates.

Only of a question that asks for nothing else: "what did you write about tea in 2016?" is left to
the search, and of a year without a text it is denied by abstain.py. No model can tell when a text
was written, whose date no sentence of it has.
"""

import functools
import re
from collections.abc import Iterable

from ..i18n import both
from ..text.script import HAN_UNITS, HAN_ZEROS, language_of
from ..text.style import tidy
from . import lexical, unwritten
from .communities import Quote
from .index import Index
from .overview import Told

_MOST = 5  # texts of a year
_WRITE = re.compile(
    r"\b(?:writ(?:e|ten|ing)|wrote|publish(?:ed)?|post(?:ed|s)?)\b|写|发(?:表|布|过)"
)
# Words that only say what is asked for.
_THINGS = """
    first earliest oldest early old last latest newest recent most new piece post text essay article
    entry diary blog publish write wrote
    最早 最初 最先 第一篇 最近 最新 最后 一篇 文章 博客 日记 哪篇 哪一篇
    发表 发布
"""
_WHEN = re.compile(
    r"\bwhen\b|\b(?:what|which) (?:day|date|year|month)\b|什么时候|何时|哪一?[年天日月]"
)
# How an answer is wanted, which says nothing of what is asked for: 只答年份.
_HOW_TO_ANSWER = re.compile(
    r"(?<=[?？.。])\s*(?:(?:please )?answer\b[^.?!]*|请?只[^。？！]*)[.。!！]?\s*$"
)
_SIGNS = " .,;:!?，。；：！？…"
_YEARS = re.compile(rf"\d{{4}}年?|[一二][{HAN_ZEROS}{HAN_UNITS}]{{3}}年")
_FIRST = re.compile(
    r"\b(?:first|earliest|oldest)\b.{0,30}\b(?:you|your)\b"
    r"|\byour (?:very )?(?:first|earliest|oldest)"
    r"|(?:最早|最先|第一[篇次]).{0,4}(?:写|发|文|博)|写.{0,4}(?:最早|第一篇)"
)
_LAST = re.compile(
    r"\b(?:last|latest|newest|most recent)\b.{0,30}\b(?:you|your)\b"
    r"|\byour (?:very )?(?:last|latest|newest|most recent)"
    r"|(?:最近|最后|最新).{0,3}(?:一篇|的文章|的博客)"
)


def told(index: Index, question: str, splits: Iterable[str] | None = None) -> Told | None:
    """The answer to such a question, with the beginnings of the texts; None for all others."""
    asked, years = tidy(question), unwritten.years(question)
    if not _WRITE.search(asked) and not re.search("文章|博客|日记", asked):
        return None
    titled = _titled(index, question, splits)
    if not titled and set(lexical.subject_words(_YEARS.sub(" ", question))) - _things():
        return None
    texts = _texts(index, splits)
    if not texts:
        return None
    language = language_of(question)
    if titled:
        return _written_on(index, titled, language)
    if len(years) == 1:
        within = [place for place in texts if index.passages[place].date.startswith(years[0])]
        if not within:
            return None
        values = {"year": years[0], "count": len(within)}
        key = "memory.in_year" if len(within) <= _MOST else "memory.in_year_most"
        heading = both(key, **values)[language]
        return _list(index, heading, within[:_MOST], language)
    if not years and _FIRST.search(asked):
        return _list(index, both("memory.earliest")[language], texts[:1], language)
    if not years and _LAST.search(asked):
        return _list(index, both("memory.latest")[language], texts[-1:], language)
    return None


@functools.cache
def _things():
    return frozenset(lexical.words(_THINGS))


def _texts(index, splits):
    """The first passage of each dated document, by date."""
    allowed, first = index.allowed(splits), {}
    for place, passage in enumerate(index.passages):
        if allowed[place] and passage.date:
            first.setdefault(passage.document, place)
    return sorted(first.values(), key=lambda place: index.passages[place].date)


def _titled(index, question, splits):
    """The texts, by their first passages, whose title a question names that asks only for when."""
    asked = _HOW_TO_ANSWER.sub("", tidy(question))
    if not _WHEN.search(asked):
        return []
    found = []
    for place in _texts(index, splits):
        title = tidy(index.passages[place].title).strip(_SIGNS)
        if not title or title[:4].isdigit() or title not in asked:
            continue
        if not set(lexical.subject_words(asked.replace(title, " "))) - _things():
            found.append(place)
    return found


def _written_on(index, places, language):
    lines, quotes = [], []
    for number, place in enumerate(places, 1):
        passage = index.passages[place]
        date = passage.date[:10]
        key = "memory.written_on" if len(date) == 10 else "memory.written_in"
        lines.append(both(key, title=passage.title, date=date, number=number)[language])
        begin = next(iter(lexical.sentences(passage.text)), passage.text)
        quotes.append(Quote(place, begin))
    return Told("\n".join(lines), quotes)


def _list(index, heading, places, language):
    lines, quotes = [heading], []
    for number, place in enumerate(places, 1):
        passage = index.passages[place]
        date = passage.date[:10]
        has_title = passage.title and passage.title != date
        key = "memory.at_a_time" if has_title else "memory.at_a_time_untitled"
        values = {"date": date, "title": passage.title, "number": number}
        lines.append(both(key, **values)[language])
        begin = next(iter(lexical.sentences(passage.text)), passage.text)
        quotes.append(Quote(place, begin))
    return Told("\n".join(lines), quotes)
