"""What of a twin's answer reaches the reader: its sentences as long as the passages bear them.

The surest answer of a small base may repeat the question, go in circles, or say a number, a name or
a thing that is in none of the passages before it. A sentence that says nothing new is left out; at
the first one that the passages contradict the answer ends. A base under a billion parameters must
also begin with one of those sentences of the author's which answer best (own_words.py), or a part
of one, where these stand in one place; where a number is asked for it may repeat the question
before that part, which has the number. Or it says in one sentence of its own what the likeliest of
these places says (rephrased.py). Where nothing is left of an answer the author's own sentences are
the answer, since they are what the twin was to answer from.
"""

import functools
import re
from collections.abc import Callable
from typing import NamedTuple

from ..i18n import data
from ..text import numerals, script
from ..text.style import tidy
from . import agree, cite, lexical, rephrased
from .recall import SHOWN, Memory, Recall

# Share of a sentence's words, but those of the question, that three sentences of a passage have.
_BORNE = 0.5
_HABIT = 0.2  # share of the passages that have a word of the author's habit
_CIRCLES = re.compile(r"\b(\w+(?: \w+){0,5})\b(?:[,，、;；] ?\1\b){2,}")  # no, no, no
_LOOP = re.compile(r"(?=.{0,40}?\w)(.{4,40}?)\1{2,}")  # 有油，不接，有油，不接，有油，不接，
_END = re.compile(rf"(?<=\n)|{script.SENTENCE.pattern}")
# A Chinese digit at the end of a sentence, without what is counted; 四米二 has it.
_HAN = f"[{script.HAN_NUMERALS}]"
_BARE_DIGIT = re.compile(rf"(?<!{_HAN})(?<!{_HAN}.)[两兩{script.HAN_TO_TEN[1:]}]\W*$")


class Enough(Exception):
    """Raised where the rest of an answer is not wanted."""


class Spoken:
    """Passes on the pieces of an answer, each sentence once it is whole.

    Call it with each piece, which may raise Enough, and `end()` when no more come: it gives the
    text of the answer, `text` all that was passed on.
    """

    def __init__(self, memory: Memory, recall: Recall, on_text: Callable[[str], None]):
        self.text, self._waiting, self._said = "", "", set()
        self._memory, self._recall, self._on_text = memory, recall, on_text
        passages = recall.passages[:SHOWN]
        self._whole = tidy("\n".join(f"{p.written}\n{p.date[:10]}" for p in passages))
        self._places = [place for passage in passages for place in _places(passage)]
        self._dates = set().union(
            *(numerals.numbers(p.date[:10].replace("-", " ")) for p in passages)
        )
        self._asked = set(lexical.words(recall.question))

    def __call__(self, piece: str) -> None:
        self._waiting += piece
        if _LOOP.search(self._waiting):
            self._waiting = ""
            raise Enough
        ends = [match.end() for match in _END.finditer(self._waiting)]
        start = 0
        for end in ends:
            if start < end < len(self._waiting):  # what comes next may belong to it
                self._pass_on(self._waiting[start:end])
                start = end
        self._waiting = self._waiting[start:]

    def end(self) -> str:
        """Judge what is left; the author's own sentences where nothing was passed on."""
        try:
            self._pass_on(self._waiting)
        except Enough:
            pass
        self._waiting = ""
        if not self.text.strip() and (own := self._memory.own_sentences(self._recall)):
            self._give(own)
        return self.text.strip()

    def _pass_on(self, sentence):
        said = tidy(sentence).strip()
        if not re.search(r"\w", said):
            if self.text:
                self._give(sentence)
            return
        if own := self._rephrased(sentence):
            self._give(own)
            self._waiting = ""
            raise Enough
        if (said in self._said and len(said) > 9) or not self._is_borne(sentence):
            self._waiting = ""
            raise Enough
        self._said.add(said)
        if self._says_nothing(sentence):
            return
        if self._memory.small_base and not self.text and not self._may_begin(sentence):
            self._waiting = ""
            raise Enough
        self._give(sentence)

    def _give(self, text):
        self._on_text(text)
        self.text += text

    def _says_nothing(self, sentence):
        """Whether a sentence before any other only asks, or tells of the question's words alone."""
        if self.text:
            return False
        words = set(lexical.subject_words(sentence))
        return sentence.strip()[-1] in "?？" or (
            bool(words) and words <= self._asked and not self._stands(sentence)
        )

    def _may_begin(self, sentence):
        """Whether it is one of the author's sentences that answer best, or a part of one, and says
        a number where one is asked for."""
        recall = self._recall
        if agree.asks_number(recall.question) and not agree.has_number(sentence):
            return False
        places = self._memory.own_places(recall)
        if len(places) > 1:  # which of them answers a small base can't tell
            return False
        own = [tidy(text) for place in places for text in lexical.sentences(place.core)]
        told = [text for text in own if _bare(sentence) in text]
        if self._stands(sentence) and told:
            asks = agree.asks_number(recall.question)
            return not asks or not rephrased.is_of_another(told[0], recall.question, own)
        return agree.asks_number(recall.question) and self._repeats_and_answers(sentence, own)

    def _rephrased(self, sentence):
        """A first sentence of a small base that says in its own words what answers best, or ''."""
        if not self._memory.small_base or self.text:
            return ""
        recall, places = self._recall, self._memory.own_places(self._recall)
        if not places or any(_bare(sentence) in tidy(place.text) for place in places):
            return ""  # it is the author's, whose other sentences may be the answer
        if self._is_borne(sentence) and self._may_begin(sentence):
            return ""
        best = places[0]
        passage = recall.searched[best.passage]
        return rephrased.said_of(sentence, recall.question, best.text, passage)

    def _repeats_and_answers(self, sentence, own):
        """Whether all but the question's words in a sentence is a part of that one of `own` which
        has most of its words: 三号码头租一块地，一个月一百二."""
        words = set(lexical.words(sentence))
        nearest = max(own, key=lambda text: len(words & set(lexical.words(text))), default="")
        parts = [part for part in re.split("[,，、;；:：]", _bare(sentence)) if part.strip()]
        new = [part for part in parts if not set(lexical.words(part)) <= self._asked]
        return bool(new) and all(part.strip() in nearest for part in new)

    def _stands(self, sentence):
        """Whether a passage has a sentence, or it is a part of one there."""
        said = _bare(sentence)
        return len(said) > 2 and said in self._whole

    def _is_borne(self, sentence):
        """Whether the passages have what a sentence says: its numbers, names and other words."""
        question = self._recall.question
        if _CIRCLES.search(tidy(sentence)):
            return False
        if agree.asks_number(question) and _BARE_DIGIT.search(sentence):
            return False
        known = f"{self._whole}\n{tidy(question)}"
        if any(name not in known for name in agree.names(sentence)):
            return False
        words = {w for w in lexical.subject_words(sentence) if w not in _everyday()}
        nearest = max(self._places, key=lambda place: len(words & place.words))
        numbers = numerals.numbers(sentence) - numerals.numbers(question) - self._dates
        if numbers - (nearest.numbers or nearest.numbers_beside):
            return False
        asked = words & self._asked
        new = {word for word in words - self._asked if not self._is_habit(word)}
        return not new or any(
            len(new & place.beside) >= _BORNE * len(new) and (not asked or asked & place.beside)
            for place in self._places
        )

    def _is_habit(self, word):
        """Whether many passages have a word, as "neighbour" or 街坊: it says nothing."""
        held = self._memory.index.lexical.texts_with(word)
        return len(held) > _HABIT * len(self._memory.index.passages)


def _bare(sentence):
    return tidy(sentence).strip(" .。!！")


class _Place(NamedTuple):
    """A sentence of a passage: its words and numbers, and with those of its neighbours."""

    words: set
    numbers: set
    beside: set
    numbers_beside: set


def _places(passage):
    told = lexical.sentences(passage.text) or [passage.text]
    title = set(lexical.words(f"{passage.title}\n{passage.heading}"))
    words, numbers = [set(lexical.words(s)) for s in told], [numerals.numbers(s) for s in told]
    for at in range(len(told)):
        near = slice(max(0, at - 1), at + 2)
        yield _Place(words[at], numbers[at], title.union(*words[near]), set().union(*numbers[near]))


def whole(memory: Memory, recall: Recall, answer: str) -> str:
    """What reaches the reader of an answer that is given at once."""
    spoken = Spoken(memory, recall, lambda _: None)
    try:
        spoken(answer)
    except Enough:
        pass
    return spoken.end()


def is_of_its_own(recall: Recall, answer: str) -> bool:
    """Whether an answer from passages begins with a sentence that stands in none of them."""
    begin = next(iter(lexical.sentences(answer)), "")
    return bool(begin) and not any(cite.is_verbatim(begin, each) for each in recall.searched)


@functools.cache
def _everyday():
    return frozenset(lexical.words(data("common_words")["en"]))
