"""Whether a question is in a language that the texts are not in, as far as its words show it.

A search by meaning may still find what answers it, but that nothing was written of it can't be said
by its words. By the script, or by everyday words of the languages in data/other_languages.yaml; in
others by that no word of it is English or stands in the texts.
"""

import functools
import re

from ..i18n import both, data
from ..text import script
from ..text.script import LATIN
from ..text.style import tidy
from . import lexical
from .index import Index

_SHARE = 0.1  # of the passages that have an everyday word of a language that the author writes in
_FEWEST = 3  # words of a question of which none is known
# Letters of scripts but the Chinese and the Latin ones; a single kana stands in Chinese names.
_SCRIPTS = (
    "\u3040-\u30ff",  # kana
    "\uac00-\ud7a3\u1100-\u11ff",  # Hangul
    "\u0400-\u052f",  # Cyrillic
    "\u0370-\u03ff",  # Greek
    "\u0600-\u06ff",  # Arabic
    "\u0590-\u05ff",  # Hebrew
    "\u0900-\u0dff",  # of India
    "\u0e00-\u0e7f",  # Thai
)
_IN_SCRIPT = 0.2  # share of a question's letters
_WORD = re.compile(rf"[{LATIN}]+(?:['-][{LATIN}]+)*")


def is_other(index: Index, question: str) -> bool:
    """Whether a question is in a language that the author doesn't write in."""
    letters = [letter for letter in question if letter.isalpha()]
    for block in _SCRIPTS:
        inside = re.compile(f"[{block}]")
        found = sum(map(bool, map(inside.match, letters)))
        if found > 1 and found >= _IN_SCRIPT * len(letters):
            held = sum(len(inside.findall(text)) > 1 for text in index.texts)
            return held < _SHARE * len(index.texts)
    return script.language_of(question) == "en" and _is_other_latin(index, question)


def says_nothing(question: str) -> bool:
    """Whether a question in another language has only everyday words, as "Bonjour" has."""
    words = _WORD.findall(tidy(question))
    return bool(words) and all(word in _everyday() for word in words)


def languages(index: Index) -> list[dict[str, str]]:
    """The languages in which the author writes, of those that the product speaks."""
    enough = _SHARE * len(index.languages)
    found = []
    if (index.languages == "en").sum() >= enough <= len(index.lexical.texts_with("the")):
        found.append(both("memory.english"))
    if (index.languages == "zh").sum() >= enough:
        found.append(both("memory.chinese"))
    return found


def _is_other_latin(index, question):
    written = _WORD.findall(question)
    # Names are spelt so in every language.
    words = [tidy(word) for word in written[:1] + [each for each in written[1:] if each.islower()]]
    english, foreign = _english(), _foreign()
    known = [
        word for word in words if lexical.words(word)[:1] and lexical.words(word)[0] in english
    ]
    others = [word for word in words if word in foreign]
    if len(others) > len(known):
        held = [len(index.lexical.texts_with(lexical.words(word)[0])) for word in others]
        return sum(held) < _SHARE * len(held) * len(index.texts)
    return (
        not known
        and len(words) >= _FEWEST
        and not any(len(index.lexical.texts_with(each)) for each in lexical.words(" ".join(words)))
    )


@functools.cache
def _english():
    """English words that are no everyday words of other languages, without their endings."""
    common = lexical.words(data("common_words")["en"])
    words = lexical.question_words() | set(common)
    return frozenset(
        words - {lexical.words(word)[0] for word in _everyday() if lexical.words(word)}
    )


@functools.cache
def _foreign():
    """Everyday words of other languages that are not English."""
    common = set(data("common_words")["en"].split()) | set(data("question_words")["en"].split())
    return frozenset(_everyday() - common)


@functools.cache
def _everyday():
    return frozenset(word for words in data("other_languages").values() for word in words.split())
