"""How many different words a text says something with, beside other texts of the same length.

A model that is too small for its writing, or was trained on it too long, falls back on the words
that are everywhere: in Chinese it repeats the same few characters, in English, where a penalty
keeps it from repeating, it strings the commonest words together. So the variety of a text is the
share of the words that are not among the commonest, in which a word that was there before counts
half. It depends on the length of the text: compare texts of the same length only.
"""

import functools
import re

from ..i18n import data
from .script import HAN
from .style import tidy

# Words in English, characters in Chinese.
_WORDS = {"en": re.compile(r"[a-z]+|\d+"), "zh": re.compile(f"[{HAN}]")}


def words(text: str, language: str) -> list[str]:
    """The running words of a text, in Chinese its characters."""
    return _WORDS[language].findall(tidy(text))


def variety(text: str, language: str) -> float:
    """The share of words that aren't common, each repeated one counting half; 0 without words."""
    running = words(text, language)
    telling = [word for word in running if word not in _common(language)]
    return (len(telling) + len(set(telling))) / (2 * len(running)) if running else 0.0


@functools.cache
def _common(language):
    """The words that don't count."""
    return frozenset(data("common_words")[language].split())
