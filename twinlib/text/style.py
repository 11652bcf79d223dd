"""Whose writing a text resembles, whether it is nonsense, what it copies: from characters alone.

The figure sounds_like_me: character n-grams (Chinese 1 to 3, English 2 to 5), TF-IDF weighted. A
text's *margin* is its cosine to the author's training texts minus its mean cosine to the impostors:
above 0 it is nearer to the author. Chosen on Lu Xun and Pepys against voices that the fit had not
seen: a linear SVM is a little better on Lu Xun (AUC 0.982 against 0.979 at 500 characters) and a
little worse on Pepys and on short passages; the margin has one scale in both languages. It depends
on topics too: impostors should write about everyday topics. Left out on purpose: word lists and
grammars.
"""

import re
import unicodedata
from collections.abc import Sequence
from importlib import resources
from typing import TYPE_CHECKING, NamedTuple

from .script import HAN, count_han
from .spacing import evenly

if TYPE_CHECKING:
    import numpy
    from sklearn.feature_extraction.text import TfidfVectorizer

NEAR = 0.02  # margins closer than this count as equal
QUOTED = {"zh": 30, "en": 100}  # characters in one run: from here on it counts as a quotation
FLAWS = ("empty", "echo", "replacement", "script", "loop")
_NGRAMS = {"zh": (1, 3), "en": (2, 5)}
_PIECE = 300  # characters of the texts that are compared
_MOST_PIECES = 60  # of the author's, taken evenly from all; more change nothing and cost time
_FEWEST_PIECES = 4  # of the author's, for a fit
_LOOP_NGRAM = {"zh": 4, "en": 12}  # characters
# Shares of different n-grams below which a text loops: one in a thousand of 6,500 Chinese and
# 9,000 English passages written by people.
_LOOPING = {"zh": 0.68, "en": 0.85}
_LATIN = r"[A-Za-z\u00c0-\u024f]+"
_HALF_WIDTH, _FULL_WIDTH = ",?!:;()", "，？！：；（）"
_NEAR_COPY = 0.6  # share of a text's characters that are in the source in one run
_ECHO = {"zh": 12, "en": 40}  # characters in a row that the prompt has too


# Sounds like the author


class Voice(NamedTuple):
    """An author against impostors in one language.

    `direction` (n-grams,) is the author's mean TF-IDF minus the mean of the impostors', each of
    length 1.
    """

    vectorizer: "TfidfVectorizer"
    direction: "numpy.ndarray"


def tidy(text: str) -> str:
    """A text in lower case, NFKC, with straight quotation marks and single spaces."""
    text = unicodedata.normalize("NFKC", text).lower()
    text = re.sub("[“”„«»「」『』]", '"', text)
    return re.sub(r"\s+", " ", re.sub("[‘’`]", "'", text)).strip()


def pieces(text: str, length: int = _PIECE) -> list[str]:
    """The tidied text in pieces of `length` characters; a last one under half of that is dropped.

    A text shorter than `length` is one piece.
    """
    text = tidy(text)
    cut = [text[i : i + length] for i in range(0, len(text), length)]
    return cut if len(cut) < 2 or len(cut[-1]) >= length / 2 else cut[:-1]


def fit_voice(texts: Sequence[str], others: dict[str, str], language: str) -> Voice | None:
    """Fit a Voice on the author's texts and {impostor: text}; None if the author's are too few."""
    import numpy
    from sklearn.feature_extraction.text import TfidfVectorizer

    own = evenly([piece for text in texts for piece in pieces(text)], _MOST_PIECES)
    if len(own) < _FEWEST_PIECES or not others:
        return None
    groups = [own, *(pieces(text) for text in others.values())]
    vectorizer = TfidfVectorizer(
        analyzer="char",
        ngram_range=_NGRAMS[language],
        sublinear_tf=True,
        min_df=2,
        max_features=30_000,
    )
    vectorizer.fit([piece for group in groups for piece in group])
    means = [numpy.asarray(vectorizer.transform(group).mean(axis=0)).ravel() for group in groups]
    author, *impostors = (mean / numpy.linalg.norm(mean) for mean in means)
    return Voice(vectorizer, author - numpy.mean(impostors, axis=0))


def voices(language: str) -> dict[str, str]:
    """{name: text} by the invented people of data/voices/ in a language."""
    folder = resources.files("twinlib") / "data" / "voices"
    ending = f".{language}.txt"
    return {
        file.name.removesuffix(ending): file.read_text(encoding="utf-8")
        for file in sorted(folder.iterdir(), key=lambda file: file.name)
        if file.name.endswith(ending)
    }


def margins(voice: Voice, texts: Sequence[str]) -> list[float]:
    """Each text's margin: above 0 if nearer to the author; shorter texts have smaller ones."""
    if not texts:
        return []
    return (voice.vectorizer.transform([tidy(text) for text in texts]) @ voice.direction).tolist()


def cut_to_same_length(*texts: str) -> list[str]:
    """The tidied texts, cut to the length of the shortest, as margins depend on the length."""
    tidied = [tidy(text) for text in texts]
    length = min(map(len, tidied))
    return [text[:length] for text in tidied]


def likeness(triples: Sequence[tuple[float, float, float]]) -> float:
    """Mean margin of a variant on a scale from the base's (0) to the author's (1).

    From triples (variant, base, author) of margins; nan unless the author's is NEAR above the
    base's.
    """
    variant, base, author = (sum(values) / len(triples) for values in zip(*triples))
    return (variant - base) / (author - base) if author - base >= NEAR else float("nan")


def punctuated_like(text: str, sample: str) -> str:
    """A text whose punctuation after Chinese has the width, full or half, that `sample` prefers."""
    full = sample.count("，") >= sample.count(",")
    old, new = (_HALF_WIDTH, _FULL_WIDTH) if full else (_FULL_WIDTH, _HALF_WIDTH)
    return re.sub(f"(?<=[{HAN}])[{re.escape(old)}]", lambda m: new[old.index(m.group())], text)


# Nonsense


def flaws(text: str, language: str, prompt: str = "") -> list[str]:
    """What is wrong with an answer to `prompt` in `language`: names from FLAWS, [] for nothing."""
    if not re.search(r"\w", text):
        return ["empty"]
    checks = {
        "echo": len(without_echo(text, prompt, language)) < 0.5 * len(tidy(text)),
        "replacement": "\ufffd" in text,
        "script": script_share(text, language) < 0.5,
        "loop": is_looping(text, language),
    }
    return [name for name in FLAWS if checks.get(name)]


def without_echo(text: str, prompt: str, language: str) -> str:
    """The tidied text without longer runs of characters that are in its prompt as well."""
    text, prompt, size = tidy(text), tidy(prompt), _ECHO[language]
    characters, start = [], 0
    while start < len(text):
        end = start + size
        if end <= len(text) and text[start:end] in prompt:
            while end < len(text) and text[start : end + 1] in prompt:
                end += 1
            start = end
        else:
            characters.append(text[start])
            start += 1
    return "".join(characters)


def script_share(text: str, language: str) -> float:
    """The share of the language's script: Chinese characters, or Latin words, of all writing."""
    chinese, latin = count_han(text), len(re.findall(_LATIN, text))
    other_letters = sum(map(str.isalpha, re.sub(f"{_LATIN}|[{HAN}]", "", text)))
    written = chinese + latin + other_letters
    return (chinese if language == "zh" else latin) / written if written else 1.0


def is_looping(text: str, language: str) -> bool:
    """Whether the text, its second half or its last third repeats itself."""
    size, text = _LOOP_NGRAM[language], tidy(text)
    lengths = (len(text), len(text) // 2, len(text) // 3)
    parts = (text[-length:] for length in lengths if length >= 3 * size)
    return any(_distinct_share(part, size) < _LOOPING[language] for part in parts)


def _distinct_share(text, size):
    grams = [text[i : i + size] for i in range(len(text) - size + 1)]
    return len(set(grams)) / len(grams)


# Copies


def longest_run(text: str, source: str) -> int:
    """The length of the longest run of characters of `text` that is in `source`. Both tidied."""
    low, high = 0, len(text)
    while low < high:  # a run of some length contains runs of every smaller one
        middle = (low + high + 1) // 2
        low, high = (middle, high) if _has_run(text, source, middle) else (low, middle - 1)
    return low


def _has_run(text, source, length):
    return any(text[i : i + length] in source for i in range(len(text) - length + 1))


def is_near_copy(text: str, source: str) -> bool:
    """Whether 60 % of the text's characters are in the source in one run. Both tidied."""
    return bool(text) and _has_run(text, source, max(1, round(_NEAR_COPY * len(text))))


def is_exact_copy(text: str, true: str) -> bool:
    """Whether a continuation equals the true one, up to the end of the shorter. Both tidied."""
    length = min(len(text), len(true))
    return length > 0.8 * len(true) and text[:length] == true[:length]


def windows(text: str, length: int) -> list[str]:
    """The tidied text in whole windows of `length` characters, without the rest."""
    text = tidy(text)
    return [text[i : i + length] for i in range(0, len(text) - length + 1, max(1, length))]
