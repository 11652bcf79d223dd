"""Whether a sentence says what a passage says: their numbers, names, kin and negations.

Words in common are not enough to cite: "my brother calls from Lisbon" has nearly all words of "my
sister calls from Lisbon". What a sentence says by whom and how many must stand in the passage, and
what is denied in one must not be claimed in the other. Who did what to whom is not compared.
"""

import functools
import re
from collections.abc import Iterable

from ..text.numerals import numbers
from ..text.script import HAN, LOWER, UPPER, han_pairs, language_of
from ..text.style import tidy
from . import lexical
from .index import Passage

# Numbers

_MEASURED = "个只条张件块元年月日天岁次回遍人位本篇页颗斤里步分秒点成半毛角层周"
_ONE = re.compile(
    r"(?<!\bno )(?<!\bany )(?<!\bthe )(?<!\bthis )(?<!\bthat )\bone\b|\b(?:once|half)\b"
    rf"|\ba (?:year|month|week|day|quarter)\b|[一两半][{_MEASURED}]"
)
_HOW_MANY = re.compile(
    r"\bhow (?:many|much|long|far|old|often|tall|high|heavy|wide|deep|big|late|early)\b"
    r"|多[少长高重远深宽厚大久]|几[^乎]"
)
_COUNTED = r"\d+|[a-z]+(?:teen|ty)(?:-[a-z]+)?|one|two|three|four|five|six|seven|eight|nine|ten"
# What is asked for by the question's words, and the units that answer it.
_UNITS_ASKED = (
    (r"多重|\bhow heavy\b", "斤|两[。，；]|克|吨|kilo|gram|pound|\\bton"),
    (
        r"多少钱|\bhow much (?:money|cash)|\bhow much\b.*\b(?:cost|charge|pay|paid|price)",
        "块|元|毛|yuan|dollar|pound|shilling|pence",
    ),
    (
        r"多久|多长时间|\bhow long\b.*\b(?:tak|last|work|stay|liv|wait)",
        "[年月天日周晚]|小时|钟|秒|[上下]午"
        r"|\b(?:year|month|week|day|hour|minute|second|morning|afternoon|evening|night)s?\b",
    ),
    (
        r"几岁|多大(?:年纪|岁数|了)|\bhow old\b|\bwhat age\b",
        r"岁|[年月天]大|\b(?:year|month|week|day)s?[ -](?:old|of age)\b|\baged?\b|\bborn\b"
        rf"|\b(?:am|is|are|was|were|turn(?:s|ed)?) (?:{_COUNTED})(?: now| already)?[.,;:!?]",
    ),
    (
        r"多[高远深宽]|\bhow (?:far|tall|high|deep|wide)\b",
        "米|里|步|[寸尺]|met(?:re|er)|mile|feet|foot|inch|step",
    ),
)
# Words that say which number is asked for, and not of what.
_MEASURES = (
    "money cash cost price charge charged pay paid old age far tall high deep wide heavy long take"
    " last 钱 价钱 年纪 岁数 时间"
)


def asks_number(question: str) -> bool:
    """Whether a question wants a number: how many, how long, 多少, 几."""
    return bool(_HOW_MANY.search(tidy(question)))


def asks_unit(question: str) -> bool:
    """Whether a question wants a number whose unit is known: a price, a weight, an age."""
    asked = tidy(question)
    return asks_number(question) and any(re.search(words, asked) for words, _ in _UNITS_ASKED)


def answers_number(question: str, text: str) -> bool:
    """Whether a text has a number, in the unit that a question asks for where that is known."""
    asked = tidy(question)
    units = next((units for words, units in _UNITS_ASKED if re.search(words, asked)), "")
    return has_number(text) and re.search(units, tidy(text)) is not None


def of_what(words: Iterable[str]) -> set[str]:
    """Of the words that a question is about those that say what is measured, not how."""
    return set(words) - _measures()


@functools.cache
def _measures():
    return frozenset(lexical.terms(_MEASURES))


def has_number(text: str) -> bool:
    """Whether a number stands in a text, also 'one' or 一 before what is counted."""
    return bool(numbers(text) or _ONE.search(tidy(text)))


# Names and kin

KIN_EN = (
    "(?:(?:grand)?(?:mother|father|son|daughter|parent|child)|brother|sister|wife|husband|uncle"
    "|aunt|nephew|niece|cousin|twin)s?"
)
KIN_ZH = (
    "祖父|祖母|外公|外婆|爷爷|奶奶|爸爸?|妈妈?|父亲|母亲|爹|娘|哥哥?|弟弟?|姐姐?|姊姊?|妹妹?"
    "|妻子?|太太|老婆|丈夫|老公|儿子|女儿|孙子|孙女|叔叔?|伯伯|舅舅?|姑姑?|姨妈?|侄子?|外甥女?"
)
_KIN = re.compile(rf"\b{KIN_EN}\b|{KIN_ZH}|(?:星期|周)[一二三四五六日天]")
_CAPITALISED = re.compile(rf"(?<=[{LOWER},;:’'\"”)\d] )[{UPPER}][\w'’-]{{2,}}")
_NAMES = ("nr", "nrt", "nrfg", "ns", "nt")  # tags of rjieba


def names(sentence: str) -> set[str]:
    """What a sentence names: people, places, titles of works, kin and days of the week."""
    found = set(_KIN.findall(tidy(sentence))) | set(re.findall("《([^》]+)》", sentence))
    if language_of(sentence) == "en":
        return found | {tidy(name) for name in _CAPITALISED.findall(sentence)}
    import rjieba

    return found | {
        word
        for word, tag in rjieba.tag(sentence)
        if tag in _NAMES and re.fullmatch(f"[{HAN}]{{2,}}", word)
    }


# Negations

_NOT = re.compile(r"\b(?:not|never|no|nobody|none|nothing|neither|nor|without|cannot)\b|n['’]t\b")
_NOT_ZH = re.compile("不(?![过错同少仅])|没有?|未|别(?![人的处])|无(?![论数非])")
_REACH = 3  # English words after a negation that it may deny


def denied(text: str) -> set[str]:
    """The terms that a text denies: those right after a negation, as `lexical.terms` gives them."""
    text, left_out, found = tidy(text), lexical.question_words(), set()
    for match in _NOT.finditer(text):
        clause = re.split(r"[.,;:!?]", text[match.end() :])[0]
        words = [word for word in lexical.latin_words(clause) if word not in left_out]
        found |= set(words[:_REACH])
    for match in _NOT_ZH.finditer(text):
        found |= set(han_pairs(re.match(f"[{HAN}]{{0,3}}", text[match.end() :]).group()))
    return found


def agrees(sentence: str, window: str, passage: Passage, question: str = "") -> bool:
    """Whether nothing in a sentence contradicts the part of a passage that has most of its words.

    Numbers must stand in this part or be of the passage's date; names, and the first word that
    says something, which is most often who or what is spoken of, anywhere in the passage. What an
    answer repeats of its `question` need not.
    """
    dated = numbers(passage.date[:10].replace("-", " "))
    if numbers(sentence) - numbers(window) - numbers(question) - dated:
        return False
    whole = tidy(f"{passage.written}\n{question}")
    if any(name not in whole for name in names(sentence)):
        return False
    first = next((word for word in lexical.subject_words(sentence) if len(word) > 1), None)
    if first and first not in (whole if re.match(f"[{HAN}]", first) else lexical.words(whole)):
        return False
    said, there = set(lexical.terms(sentence)), set(lexical.terms(window))
    not_said, not_there = denied(sentence), denied(window)
    return not ((not_said & there) - not_there or (not_there & said) - not_said)
