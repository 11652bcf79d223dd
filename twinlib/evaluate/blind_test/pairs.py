"""The blind test's questions and fair pairs: what is asked, and what gives no hint of who wrote it."""

import re
from hashlib import sha256

from ...files import content_id
from ...progress import width
from ...text import interview_questions, style
from ...text.script import SENTENCE, language_of
from .codes import ID_ALPHABET

MAX_BYTES = 1500  # of an answer in the page, UTF-8: 500 Chinese characters, 250 English words
MAX_RATIO = 1.25  # of the longer answer's length to the shorter's
MAX_COPIED = 0.3  # of an answer's pieces in the owner's texts; with more it is no new answer
_PIECE = {"zh": 12, "en": 40}  # letters


def own_question(text: str) -> interview_questions.Question:
    """A question of the owner's own, as one of the interview's kind."""
    return interview_questions.Question(f"own-{content_id(text)}-00", "friends", text, text)


def letters(text: str) -> str:
    """Letters and digits alone, in small letters: what is compared of two texts."""
    return "".join(re.findall(r"[^\W_]+", text.lower()))


def pool(answered, asked) -> list[interview_questions.Question]:
    """The interview's questions without those of ids in `answered` and of texts in `asked`.

    The last comes first: the interview begins at the other end, so the two seldom meet.
    """
    known = {letters(text) for text in asked}
    return [
        question
        for question in reversed(interview_questions.QUESTIONS)
        if question.id not in answered and not {letters(question.en), letters(question.zh)} & known
    ]


def copied(answer: str, texts: list) -> float:
    """The share of an answer's pieces that are in the owner's texts word for word."""
    size = _PIECE[language_of(answer)]
    own, corpus = letters(answer), [letters(text) for text in texts]
    pieces = [own[i : i + size] for i in range(0, len(own) - size + 1, size)]
    if not pieces:
        return 0.0
    return sum(any(piece in text for text in corpus) for piece in pieces) / len(pieces)


def catch_trials(questions: list, most: int) -> set:
    """Which questions are catch trials: at most `most` and one in five, by the hash of their text."""
    ranked = sorted(questions, key=content_id)
    return set(ranked[: min(most, len(ranked) // 5)])


def plain_punctuation(text: str) -> str:
    """A text with quotes, dashes, dots and width as everybody types them, so that they tell nothing."""
    text = re.sub("[“”„«»「」『』]", '"', style.punctuated_like(text, "，").strip())
    text = re.sub(r"\.{3,}|。{3,}|…+", "…", re.sub("[‘’`]", "'", text))
    dash = "——" if language_of(text) == "zh" else " — "
    return re.sub(r"\n\s*\n", "\n\n", re.sub(r" ?(?:—+|--+|(?<= )–(?= )) ?", dash, text))


def whole_sentences(text: str) -> str:
    """A text that broke off, up to its last whole sentence; as it is when it has none."""
    ends = [end for end in _sentence_ends(text) if end < len(text)]
    return text[: ends[-1]].rstrip() if ends else text


def same_length(one: str, other: str) -> tuple[str, str]:
    """Both texts, the longer cut at the end of a sentence to MAX_RATIO times the shorter's width.

    At least its first sentence stays. Both are cut to MAX_BYTES in the same way.
    """
    limit = MAX_RATIO * min(width(one), width(other))
    return _cut(one, limit), _cut(other, limit)


def _cut(text, limit):
    ends = _sentence_ends(text)
    fitting = [
        end for end in ends if width(text[:end]) <= limit and len(text[:end].encode()) <= MAX_BYTES
    ]
    shortened = text[: (fitting[-1:] or ends[:1] or [0])[0]]
    return shortened.encode()[:MAX_BYTES].decode("utf-8", "ignore").rstrip()


def _sentence_ends(text):
    """Where the sentences and lines of a text end; the last at its end."""
    starts = [*SENTENCE.finditer(text), *re.finditer(r"\n+", text)]
    return sorted({len(text), *(match.start() for match in starts)} - {0})


def new_id(trials: list, taken=()) -> str:
    """Four characters for a test, other than those taken."""
    seed = repr(trials)
    while True:
        digest = sha256(seed.encode()).digest()
        name = "".join(ID_ALPHABET[byte % 32] for byte in digest[:4])
        if name not in taken:
            return name
        seed += "."
