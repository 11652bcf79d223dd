"""Whether a sentence of a twin's says, in other words, what the author's sentences say.

A small base that is shown the few sentences in which the answer stands often says it in a sentence
of its own: "I worked at the depot for twenty-six years". It counts only where it is put together of
the question's words and of those of one sentence there, so that nothing in it is the base's, and
where their numbers, names, persons and negations agree. A base that was asked
"who held your ladder?" says "your ladder" again: the author says "my ladder".
"""

import functools
import re

from ..text.script import HAN, language_of
from ..text.style import tidy
from . import agree, lexical
from .index import Passage

# Words that only join others, without those that deny.
_JOINING = """
    a an the this that these those is are was were be been am do does did have has had will would
    i me my mine myself we us our of for to in on at by with from and or because so which who as
    when than after before about into there yes
    的 了 是 在 我 我们 就 和 把 被 用 拿 给 到 去 从 有 也 会 要 过 着 得 地 花 因为 所以 叫
"""
_SECOND = re.compile(r"\byou(?:rs?|rsel(?:f|ves))?\b|[你您]", re.IGNORECASE)
_FIRST = re.compile(r"\b(?:I|me|my|mine|myself|we|us|our)\b|我")
# Whom a sentence speaks of by a pronoun.
_THIRD = {
    "he": re.compile(r"\b(?:he|him|his)\b|他"),
    "she": re.compile(r"\b(?:she|hers?)\b|她"),
    "it": re.compile(r"\bits?\b|它"),
    "they": re.compile(r"\b(?:they|them|their)\b|[他她它]们"),
}
_OBJECT = (
    r"\b(for|from|with|than|to|of|by|on|at|after|before|about|behind|beside) you\b"
    r"(?! (?:are|were|have|had|do|did|can|could|will|would)\b)"
)
_TO_FIRST = (
    (r"\byourself\b", "myself"),
    (r"\byours\b", "mine"),
    (r"\byour\b", "my"),
    (r"\byou are\b|\byou['’]re\b", "I am"),
    (r"\byou were\b", "I was"),
    (r"\bwere you\b", "was I"),
    (_OBJECT, r"\1 me"),
    (r"\byou(?=\s*(?:[.,;:!?]|$))", "me"),
    (r"\byou\b", "I"),
)


def in_first_person(sentence: str, question: str, told: str) -> str:
    """A sentence that calls the author you, as the question does, as he says it himself.

    What he himself says to a reader, as in `told`, stays.
    """
    if not _SECOND.search(question) or _SECOND.search(told):
        return sentence
    if language_of(sentence) == "zh":
        return re.sub("[你您]", "我", sentence)
    for pattern, word in _TO_FIRST:
        sentence = re.sub(pattern, word, sentence, flags=re.IGNORECASE)
    return re.sub(r"^(\W*)m", r"\1M", sentence)


def said_of(sentence: str, question: str, text: str, passage: Passage) -> str:
    """A sentence as the author's own where his text has it in other words; else ''.

    It is compared with that sentence of the text which has most of its words: "the pier costs
    1,800" is not told by "a shop costs 1,800. The pier costs 120."
    """
    words = _words(sentence) - lexical.question_words()
    told = max(lexical.sentences(text), key=lambda each: len(words & _words(each)), default="")
    if not told or sentence.strip()[-1:] in "?？":
        return ""
    if agree.asks_number(question) and is_of_another(told, question, lexical.sentences(text)):
        return ""
    own = in_first_person(sentence, question, told)
    return own if rests_on(own, question, told, passage) else ""


def is_of_another(told: str, question: str, sentences: list[str]) -> bool:
    """Whether another sentence with a number has more of the question's words than `told`.

    "A month on the pier?" is not told by "A shop costs 1,800 a month", where "On the pier a plot
    is 120 a month" stands beside it.
    """
    asked = _words(question) - lexical.question_words()
    numbers = [each for each in sentences if agree.answers_number(question, each)]
    most = max((len(asked & _words(each)) for each in numbers), default=0)
    return len(asked & _words(told)) < most


def rests_on(sentence: str, question: str, told: str, passage: Passage) -> bool:
    """Whether a sentence joins words of the question to words of `told`, and has no others.

    Where a number is asked for, it must have one in the unit that is asked for.
    """
    asked, there = _words(question), _words(told)
    says = set(lexical.subject_words(sentence))
    if not says - asked or not says & asked:
        return False
    if not _words(sentence) - set(_pairs(sentence)) <= asked | there | _joining():
        return False
    if agree.asks_number(question) and not agree.answers_number(question, sentence):
        return False
    return _same_persons(sentence, question, told) and agree.agrees(
        sentence, told, passage, question
    )


def _words(text):
    """Its words, and of Chinese also its characters, since each is a part of longer words."""
    return set(lexical.terms(text)) | set(re.findall(f"[{HAN}]", tidy(text)))


def _pairs(text):
    """The pairs of Chinese characters that are no words, which join what stood apart."""
    return set(lexical.terms(text)) - set(lexical.words(text))


@functools.cache
def _joining():
    return frozenset(lexical.words(_JOINING))


def _same_persons(sentence, question, told):
    known = tidy(f"{told}\n{question}")
    if any(each.search(tidy(sentence)) and not each.search(known) for each in _THIRD.values()):
        return False
    by_author = _FIRST.search(told) or _SECOND.search(question)
    return not _FIRST.search(sentence) or bool(by_author)
