"""What an answer rests on: each of its sentences beside the author's own words, or none.

A sentence is supported by a passage if most of its words, or in Chinese of its pairs of
characters, stand in one or two neighbouring sentences there, and its numbers, names and negations
agree with them (agree.py). The model is not asked for citations: a small one cannot give them. What
is shown as the author's words is cut out of the passage, and compared with it once more.
"""

from collections.abc import Sequence
from typing import NamedTuple

from ..text import numerals, script
from ..text.script import language_of
from . import agree, lexical, own_words
from .index import Passage

SUPPORTED = 0.65  # share of a sentence's terms that its source must have
_FEWEST = {"zh": 3, "en": 2}  # terms of a sentence that can be judged
_SHORTEST = {"zh": 4, "en": 10}  # characters of a sentence that is cited wherever it stands
_LONGEST = 400  # characters of a quotation
_NUMBER_WANTED = 0.5  # more for a sentence with a number, where the question asks how many
_EXCERPT = {"zh": 160, "en": 480}  # characters that are shown instead of the twin's words


class Sentence(NamedTuple):
    """A sentence of an answer; `source` is the number of a passage, or None: the twin's own."""

    text: str
    source: int | None
    quote: str = ""


def align(answer: str, passages: Sequence[Passage], question: str = "") -> list[Sentence]:
    """Each sentence of an answer with the passage that supports it, and the words in it that do.

    Terms of the question count for nothing, but in a sentence of the passage itself: to repeat the
    question is to say nothing.
    """
    asked = set(own_words.terms(question))
    return [_aligned(sentence, passages, asked) for sentence in lexical.sentences(answer)]


def _aligned(sentence, passages, asked):
    if len(sentence) >= _SHORTEST[language_of(sentence)]:
        for number, passage in enumerate(passages):
            if is_verbatim(sentence, passage):
                return Sentence(sentence, number, sentence[:_LONGEST])
    terms = [term for term in own_words.terms(sentence) if term not in asked]
    if len(terms) < (1 if numerals.numbers(sentence) else _FEWEST[language_of(sentence)]):
        return Sentence(sentence, None)
    best = (0.0, None, "")
    for number, passage in enumerate(passages):
        for window in _windows(passage.text):
            held = set(own_words.terms(window))
            share = sum(term in held for term in terms) / len(terms)
            # Of two that hold as much the shorter is meant.
            shorter = share == best[0] and best[2] and len(window) < len(best[2])
            if share >= SUPPORTED and (share > best[0] or shorter):
                if agree.agrees(sentence, window, passage):
                    best = (share, number, window)
    share, number, window = best
    if number is None or not is_verbatim(window, passages[number]):
        return Sentence(sentence, None)
    return Sentence(sentence, number, window[:_LONGEST])


def joined(first: str, second: str, passage: Passage) -> str:
    """Two quotations as one where the second follows or overlaps the first, else ''."""
    text = passage.text
    start, end = text.find(first), text.find(second)
    if start < 0 or end < start or text[start + len(first) : end].strip():
        return ""
    whole = text[start : max(start + len(first), end + len(second))]
    return whole if len(whole) <= _LONGEST else ""


def is_verbatim(quote: str, passage: Passage) -> bool:
    """Whether a quotation stands in the passage, letter by letter."""
    return bool(quote) and quote in passage.text


def _windows(text):
    """Each sentence of a text, and each with the next one, as they stand in it."""
    parts = lexical.sentences(text)
    yield from parts
    start = 0
    for first, second in zip(parts, parts[1:]):
        start = text.find(first, start)
        end = text.find(second, start + len(first)) + len(second)
        yield text[start:end]
        start += len(first)


def _shares(question, windows, index=None):
    """The share of a question's terms in each window, by rarity where there is an index.

    More for a number, where one is asked for.
    """
    asked, wanted = set(own_words.terms(question)), agree.asks_number(question)
    rarity = {term: index.lexical.rarity(term) if index else 1.0 for term in asked}
    total = sum(rarity.values()) or 1.0
    return [
        sum(rarity[term] for term in asked & set(own_words.terms(window))) / total
        + _NUMBER_WANTED * (wanted and agree.answers_number(question, window))
        for window in windows
    ]


def part_for(question: str, passage: Passage, tokens: float) -> str:
    """The whole sentences of a passage in `tokens` that have most to do with a question.

    Sentences are left out at either end; at least one is kept.
    """
    text, parts = passage.text, lexical.sentences(passage.text)
    if script.tokens_unrounded(text) <= tokens or not parts:
        return text
    shares, ends, place = _shares(question, parts), [], 0
    for part in parts:
        place = text.find(part, place)
        ends.append((place, place + len(part)))
        place += len(part)
    first, last = 0, len(parts) - 1
    while first < last and script.tokens_unrounded(text[ends[first][0] : ends[last][1]]) > tokens:
        if shares[first] < shares[last]:
            first += 1
        else:
            last -= 1
    return text[ends[first][0] : ends[last][1]]


def excerpt(words: str, passage: Passage) -> str:
    """The author's words with the whole sentences around them, as much as is read at a glance."""
    most = _EXCERPT[passage.language]
    text, parts = passage.text, lexical.sentences(passage.text)
    start = text.find(words)
    end = start + len(words)
    ends, place = [], 0
    for part in parts:
        place = text.find(part, place)
        ends.append((place, place + len(part)))
        place += len(part)
    while start >= 0:
        after = next((stop for _, stop in ends if stop > end), None)
        before = next((first for first, _ in reversed(ends) if first < start), None)
        if after is not None and after - start <= most:  # what follows tells more
            end = after
        elif before is not None and end - before <= most:
            start = before
        else:
            return text[start:end]
    return words
