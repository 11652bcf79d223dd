"""Whose writing a text resembles, whether it is nonsense, and what of it was copied: from characters alone.

Sounds-like-me: character n-grams (Chinese 1 to 3, English 2 to 5), TF-IDF weighted. A text's *margin* is its cosine to
the author's training texts less its mean cosine to the impostors: above 0 it is nearer to the author. Chosen on Lu Xun
and Pepys against voices that the fit had not seen: a linear SVM is a little better on Lu Xun (AUC 0.982 against 0.979
at 500 characters) and a little worse on Pepys and on short passages; the margin has one scale in both languages. It
also sees topics: impostors should write about what people write about. Left out on purpose: word lists and grammars.
"""

import re
import unicodedata
from typing import NamedTuple

RANGES = {"zh": (1, 3), "en": (2, 5)}
PIECE = 300  # characters; what the fit compares
PIECES = 60  # of the author's at most, spread over all: more changes nothing and costs time
ENOUGH = 4  # pieces of the author's that a fit needs
NEAR = 0.02  # margins closer than this are the same

DISTINCT = {"zh": 4, "en": 12}  # characters in the n-grams that are counted
# Below this share of different n-grams: of 6,500 Chinese and 9,000 English passages by people one in a thousand.
LOOPING = {"zh": 0.68, "en": 0.85}
HAN, LATIN = r"[\u3400-\u9fff\uf900-\ufaff]", r"[A-Za-z\u00c0-\u024f]+"
HALF, FULL = ",?!:;()", "，？！：；（）"
NEAR_COPY = 0.6  # of a continuation's characters, in one run
ECHO = {"zh": 12, "en": 40}  # characters in a row out of the prompt: said after it, not said
FLAWS = ("empty", "echo", "replacement", "script", "loop")


# Sounds like the author


class Voice(NamedTuple):
    """An author against impostors in one language: `direction` is author minus mean impostor, both of length 1."""

    vectorizer: object
    direction: object


def tidy(text):
    """A text without what only tells typists apart: full width, kinds of quotation mark, capitals, line breaks."""
    text = unicodedata.normalize("NFKC", text).lower()
    text = re.sub("[“”„«»「」『』]", '"', text)
    return re.sub(r"\s+", " ", re.sub("[‘’`]", "'", text)).strip()


def pieces(text, length=PIECE):
    """The tidied text in pieces of `length` characters; a rest of less than half is left out, unless it is all."""
    text = tidy(text)
    cut = [text[i : i + length] for i in range(0, len(text), length)]
    return cut if len(cut) < 2 or len(cut[-1]) >= length / 2 else cut[:-1]


def voice(mine, others, language):
    """The Voice fitted on the author's texts and on {impostor: text}; None when the author's are too few."""
    import numpy
    from sklearn.feature_extraction.text import TfidfVectorizer

    own = [piece for text in mine for piece in pieces(text)]
    own = [own[i * len(own) // PIECES] for i in range(PIECES)] if len(own) > PIECES else own
    if len(own) < ENOUGH or not others:
        return None
    groups = [own, *(pieces(text) for text in others.values())]
    vectorizer = TfidfVectorizer(
        analyzer="char",
        ngram_range=RANGES[language],
        sublinear_tf=True,
        min_df=2,
        max_features=30_000,
    )
    vectorizer.fit([piece for group in groups for piece in group])
    middles = [numpy.asarray(vectorizer.transform(group).mean(axis=0)).ravel() for group in groups]
    middles = [middle / numpy.linalg.norm(middle) for middle in middles]
    return Voice(vectorizer, middles[0] - numpy.mean(middles[1:], axis=0))


def margins(voice, texts):
    """Each text's margin: above 0 nearer to the author than to the impostors. Shorter texts have smaller ones."""
    return (
        (voice.vectorizer.transform([tidy(text) for text in texts]) @ voice.direction).tolist()
        if texts
        else []
    )


def same_length(*texts):
    """The tidied texts, all cut to the length of the shortest: only such margins can be compared."""
    tidied = [tidy(text) for text in texts]
    length = min(map(len, tidied))
    return [text[:length] for text in tidied]


def likeness(triples):
    """(row − base) / (author − base) of mean margins, from triples (row, base, author); nan when base is no worse."""
    row, base, author = (sum(values) / len(triples) for values in zip(*triples))
    return (row - base) / (author - base) if author - base >= NEAR else float("nan")


def typed_like(text, sample):
    """A text with Chinese punctuation of full or half width, whichever `sample` uses more: typing is no style."""
    full = sample.count("，") >= sample.count(",")
    old, new = (HALF, FULL) if full else (FULL, HALF)
    return re.sub(f"(?<={HAN})[{re.escape(old)}]", lambda m: new[old.index(m.group())], text)


# Nonsense


def flaws(text, language, prompt=""):
    """What is wrong with an answer to a prompt in `language`: a list of names out of FLAWS, empty when nothing is."""
    if not re.search(r"\w", text):
        return ["empty"]
    checks = {
        "echo": len(own_words(text, prompt, language)) < 0.5 * len(tidy(text)),
        "replacement": "\ufffd" in text,
        "script": script_share(text, language) < 0.5,
        "loop": loops(text, language),
    }
    return [name for name in FLAWS if checks.get(name)]


def own_words(text, prompt, language):
    """The tidied text without what it only says after its prompt: a model that recites its examples has no style."""
    text, prompt, size = tidy(text), tidy(prompt), ECHO[language]
    kept, i = [], 0
    while i < len(text):
        end = i + size
        if end <= len(text) and text[i:end] in prompt:
            while end < len(text) and text[i : end + 1] in prompt:
                end += 1
            i = end
        else:
            kept.append(text[i])
            i += 1
    return "".join(kept)


def script_share(text, language):
    """The share of the writing that is in the language's script: Chinese characters against Latin words and others."""
    chinese, latin = len(re.findall(HAN, text)), len(re.findall(LATIN, text))
    other = sum(c.isalpha() for c in re.sub(LATIN, "", re.sub(HAN, "", text)))
    written = chinese + latin + other
    return (chinese if language == "zh" else latin) / written if written else 1.0


def loops(text, language):
    """Does the text, its second half or its last third go round in circles?"""
    size, text = DISTINCT[language], tidy(text)
    parts = (text[-(len(text) // share) :] for share in (1, 2, 3) if len(text) // share >= 3 * size)
    return any(distinct(part, size) < LOOPING[language] for part in parts)


def distinct(text, size):
    """How many different character n-grams of this size a text has, as a share of all; 1 when it has none."""
    grams = [text[i : i + size] for i in range(len(text) - size + 1)]
    return len(set(grams)) / len(grams) if grams else 1.0


# Copies


def has_run(text, source, length):
    """Does `source` contain any `length` characters in a row of `text`? Both tidied."""
    return any(text[i : i + length] in source for i in range(len(text) - length + 1))


def longest_run(text, source):
    """The length of the longest run of characters of `text` that stands in `source`. Both tidied."""
    low, high = 0, len(text)
    while low < high:  # a run of some length contains runs of every smaller one
        middle = (low + high + 1) // 2
        low, high = (middle, high) if has_run(text, source, middle) else (low, middle - 1)
    return low


def near_copy(text, source):
    """Do at least NEAR_COPY of the text's characters stand in the source in one run? Both tidied; an empty text not."""
    return bool(text) and has_run(text, source, max(1, round(NEAR_COPY * len(text))))


def exact_copy(text, true):
    """Is a continuation the true one, as far as the shorter of both goes? Both tidied; an empty one is not."""
    length = min(len(text), len(true))
    return length > 0.8 * len(true) and text[:length] == true[:length]


def windows(text, length):
    """The tidied text in whole windows of `length` characters."""
    text = tidy(text)
    return [text[i : i + length] for i in range(0, len(text) - length + 1, max(1, length))]
