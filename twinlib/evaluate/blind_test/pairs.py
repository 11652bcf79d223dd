"""Questions for the blind test, and pairs of answers whose form gives no hint of who wrote them."""

import re
from collections.abc import Container, Iterable
from hashlib import sha256

from ...files import content_id
from ...progress import width
from ...text import interview_questions, style
from ...text.script import SENTENCE, language_of
from .codes import ID_ALPHABET

MAX_BYTES = 1500  # of an answer in the page, UTF-8: 500 Chinese characters, 250 English words
MAX_RATIO = 1.25  # of the longer answer's width to the shorter's
MAX_COPIED = 0.3  # share of an answer's pieces in the owner's texts, from which on it is not new
_PIECE = {"zh": 12, "en": 40}  # letters of a piece


def own_question(text: str) -> interview_questions.Question:
    """A question that the owner wrote, in the form of the interview's questions."""
    return interview_questions.Question(f"own-{content_id(text)}-00", "friends", text, text)


def letters(text: str) -> str:
    """The letters and digits of a text in lower case, to compare texts by."""
    return "".join(re.findall(r"[^\W_]+", text.lower()))


def pool(answered: Container[str], asked: Iterable[str]) -> list[interview_questions.Question]:
    """The interview's questions whose ids are not in `answered` and whose texts not in `asked`.

    They are in reverse order: the interview starts with the first, so it seldom needs the same.
    """
    known = {letters(text) for text in asked}
    return [
        question
        for question in reversed(interview_questions.QUESTIONS)
        if question.id not in answered and not {letters(question.en), letters(question.zh)} & known
    ]


def copied(answer: str, texts: list[str]) -> float:
    """The share of an answer's pieces that stand in the owner's texts word for word."""
    size = _PIECE[language_of(answer)]
    own, corpus = letters(answer), [letters(text) for text in texts]
    pieces = [own[i : i + size] for i in range(0, len(own) - size + 1, size)]
    if not pieces:
        return 0.0
    return sum(any(piece in text for text in corpus) for piece in pieces) / len(pieces)


def catch_trials(questions: list[str], most: int) -> set[str]:
    """The questions that become catch trials: at most `most` and one in five, chosen by hash."""
    ranked = sorted(questions, key=content_id)
    return set(ranked[: min(most, len(ranked) // 5)])


def plain_punctuation(text: str) -> str:
    """A text with uniform quotes, dashes, ellipses and widths, so that these give no hint."""
    text = re.sub("[“”„«»「」『』]", '"', style.punctuated_like(text, "，").strip())
    text = re.sub(r"\.{3,}|。{3,}|…+", "…", re.sub("[‘’`]", "'", text))
    dash = "——" if language_of(text) == "zh" else " — "
    return re.sub(r"\n\s*\n", "\n\n", re.sub(r" ?(?:—+|--+|(?<= )–(?= )) ?", dash, text))


def whole_sentences(text: str) -> str:
    """A text that was cut off, without its unfinished sentence; unchanged if it has no other."""
    ends = [end for end in _sentence_ends(text) if end < len(text)]
    return text[: ends[-1]].rstrip() if ends else text


def same_length(first: str, second: str) -> tuple[str, str]:
    """Both texts, the longer cut at the end of a sentence to MAX_RATIO times the shorter's width.

    At least its first sentence stays. Both are cut to MAX_BYTES in the same way.
    """
    limit = MAX_RATIO * min(width(first), width(second))
    return _cut(first, limit), _cut(second, limit)


def _cut(text, limit):
    ends = _sentence_ends(text)
    fitting = [
        end for end in ends if width(text[:end]) <= limit and len(text[:end].encode()) <= MAX_BYTES
    ]
    shortened = text[: (fitting[-1:] or ends[:1] or [0])[0]]
    return shortened.encode()[:MAX_BYTES].decode("utf-8", "ignore").rstrip()


def _sentence_ends(text):
    """Positions at which the sentences and lines of a text end, in order."""
    breaks = [*SENTENCE.finditer(text), *re.finditer(r"\n+", text)]
    return sorted({len(text), *(match.start() for match in breaks)} - {0})


def new_id(trials: list[dict], taken: Container[str] = ()) -> str:
    """An id of four characters for a test, computed from its trials, that is not in `taken`."""
    seed = repr(trials)
    while True:
        digest = sha256(seed.encode()).digest()
        name = "".join(ID_ALPHABET[byte % 32] for byte in digest[:4])
        if name not in taken:
            return name
        seed += "."
