"""The lexical arm of the memory: BM25 over words, and over pairs of Chinese characters.

Chinese is cut by rjieba, whose words miss many names; every pair of neighbouring characters is a
term as well, so that a name of two or more characters is found even if it was cut apart. English
words are taken without their endings. Scores are BM25's (Robertson and Zaragoza, "The Probabilistic
Relevance Framework", 2009) as the package bm25s computes them.
"""

import difflib
import functools
import math
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

from ..i18n import data
from ..text import script
from ..text.script import HAN, han_pairs
from ..text.style import tidy

if TYPE_CHECKING:
    import numpy

_WORDS = 2  # of which version `words` is: an index of other words finds nothing
_LONG = 7  # letters of a word that may be spelt otherwise
_MOST_SPELT = 1000  # words whose nearest spelling is kept; looking it up takes milliseconds
_ALIKE = 0.85  # how much of two spellings is the same, as difflib counts it
_PIECE = re.compile(rf"[{HAN}]+|[a-z0-9\u00c0-\u024f]+")


def sentences(text: str) -> list[str]:
    """The sentences of a text that have a word; a line break ends one."""
    found = [sentence for line in text.split("\n") for sentence in script.sentences(line)]
    return [sentence for sentence in found if re.search(r"\w", sentence)]


def words(text: str) -> list[str]:
    """The words of a text in lower case: Chinese as rjieba cuts it, English without endings."""
    import rjieba

    found = []
    for piece in _PIECE.findall(tidy(text)):
        found += rjieba.cut_for_search(piece) if _is_han(piece) else [_stem(piece)]
    return found


def latin_words(text: str) -> list[str]:
    """The words of a text but the Chinese ones, as `words` gives them."""
    return [_stem(piece) for piece in _PIECE.findall(tidy(text)) if not _is_han(piece)]


def terms(text: str) -> list[str]:
    """The words of a text, and its pairs of neighbouring Chinese characters that are no words."""
    found = words(text)
    known = set(found)
    return found + [pair for pair in han_pairs(tidy(text)) if pair not in known]


def _bm25s() -> ModuleType:
    """The package bm25s, which is kept from importing JAX.

    Where JAX is installed, as on Colab, bm25s starts it for a selection that is not used here, and
    JAX then takes three quarters of the GPU's memory.
    """
    if "bm25s" not in sys.modules:
        jax = sys.modules.get("jax")
        sys.modules["jax"] = None  # which makes "import jax" an ImportError
        try:
            import bm25s  # noqa: F401
        finally:
            del sys.modules["jax"]
            if jax is not None:
                sys.modules["jax"] = jax
    return sys.modules["bm25s"]


def subject_words(question: str) -> list[str]:
    """The different words of a question that say what it is about, in their order."""
    left_out = question_words()
    return list(dict.fromkeys(word for word in words(question) if word not in left_out))


@functools.cache
def question_words() -> frozenset[str]:
    """Words of questions that say nothing of their subject, as `words` gives them."""
    entries = data("question_words")
    return frozenset(entries["zh"].split()) | {_stem(word) for word in entries["en"].split()}


def _is_han(text):
    return re.match(f"[{HAN}]", text) is not None


def _stem(word):
    """An English word without the endings -s, -es, -ies, -ed and -ing; bought is buy."""
    word = _irregular().get(word, word)
    for ending, rest, least in (("ies", "y", 3), ("ing", "", 4), ("ed", "", 3), ("s", "", 3)):
        if word.endswith(ending) and len(word) - len(ending) >= least and not word.endswith("ss"):
            word = word[: -len(ending)] + rest
            break
    return word.rstrip("e") if len(word) > 3 else word


@functools.cache
def _irregular():
    """{form: the word that it is a form of}."""
    return {form: word for word, forms in data("irregular_words").items() for form in forms.split()}


class Lexical:
    """A BM25 index of texts, by their positions."""

    def __init__(self, retriever):
        self._bm25 = retriever
        scores = retriever.scores
        self.size = int(scores["num_docs"])  # number of texts
        self._indices, self._starts = scores["indices"], scores["indptr"]
        self._spelt: dict[str, str] = {}

    @classmethod
    def of(cls, texts: Sequence[str]) -> "Lexical":
        """Index texts, at least one."""
        retriever = _bm25s().BM25()
        one: dict[str, str] = {}  # equal terms are one string, or a large blog takes 300 MB
        said = [[one.setdefault(term, term) for term in terms(text)] for text in texts]
        # A corpus without any word has no vocabulary.
        retriever.index([found or [""] for found in said], show_progress=False)
        return cls(retriever)

    def save(self, folder: Path) -> None:
        """Write the index into a folder."""
        self._bm25.save(folder, show_progress=False)
        (folder / "version").write_text(str(_WORDS), encoding="utf-8")

    @classmethod
    def load(cls, folder: Path) -> "Lexical":
        """Read an index; of a damaged one, or of another version's, any exception may come."""
        if (folder / "version").read_text(encoding="utf-8") != str(_WORDS):
            raise ValueError
        return cls(_bm25s().BM25.load(folder))

    def scores(self, question: str) -> "numpy.ndarray":
        """BM25 of each text for a question, of shape (texts,), at least 0."""
        import numpy

        left_out = question_words()
        known = self._bm25.vocab_dict
        joined = [term for parts in self.joined(question).values() for term in parts]
        asked = [term for term in terms(question) if term not in left_out]
        asked = [term if term in known else self._near(term) for term in asked]
        asked = [term for term in dict.fromkeys([*asked, *joined]) if term and term in known]
        if not asked:
            return numpy.zeros(self.size, numpy.float32)
        return self._bm25.get_scores(asked)

    def texts_with(self, word: str) -> "numpy.ndarray":
        """The positions of the texts with a word, in increasing order.

        A Chinese word that was cut apart everywhere is found by its pairs of characters, and a long
        word that no text has, by the spelling that is nearest (Chelsea, Chelsey).
        """
        import numpy

        found = self._column(word)
        if len(found) or (_is_han(word) and len(word) < 3):
            return found
        if not _is_han(word):
            return self._column(self._near(word))
        columns = [self._column(pair) for pair in han_pairs(word)]
        return functools.reduce(numpy.intersect1d, columns)

    def rarity(self, term: str) -> float:
        """The weight of a term by the number of texts that have it, at least 0."""
        return math.log((self.size + 1) / (len(self.texts_with(term)) + 0.5))

    def subject(self, question: str) -> list[str]:
        """The `subject_words`; one that rjieba made up and no text has is cut into what some have.

        阿蘅是 is 阿蘅, and 猫坏 is 猫 and 坏.
        """
        import rjieba

        listed, found = set(), []
        for piece in _PIECE.findall(tidy(question)):
            listed |= set(rjieba.cut(piece, False)) if _is_han(piece) else {_stem(piece)}
        for word in subject_words(question):
            parts = [word]
            if _is_han(word) and word not in listed and not len(self.texts_with(word)):
                parts = [pair for pair in han_pairs(word) if len(self._column(pair))]
                parts = parts or [each for each in word if len(self._column(each))] or [word]
            found += [part for part in parts if part not in question_words()]
        return list(dict.fromkeys(found))

    def joined(self, question: str) -> dict[str, list[str]]:
        """{word: words of the texts that are it and its neighbour in one}: coffee, house."""
        found: dict[str, list[str]] = {}
        pieces = _PIECE.findall(tidy(question))
        for first, second in zip(pieces, pieces[1:]):
            whole = _stem(first + second)
            if not _is_han(first) and whole in self._bm25.vocab_dict:
                for part in (first, second):
                    found.setdefault(_stem(part), []).append(whole)
        return found

    def _near(self, word):
        """The word of the texts that is spelt nearly so; '' without one."""
        if not _LONG <= len(word) <= 3 * _LONG or not (word.isalpha() and word.isascii()):
            return ""
        if len(self._spelt) > _MOST_SPELT:
            self._spelt.clear()
        if word not in self._spelt:
            others = [w for w in self._bm25.vocab_dict if w[:1] == word[0] and w.isascii()]
            self._spelt[word] = (difflib.get_close_matches(word, others, 1, _ALIKE) or [""])[0]
        return self._spelt[word]

    def _column(self, term):
        import numpy

        number = self._bm25.vocab_dict.get(term) if term else None  # bm25s has '' as a term
        if number is None:
            return numpy.zeros(0, numpy.int32)
        return numpy.sort(self._indices[self._starts[number] : self._starts[number + 1]])
