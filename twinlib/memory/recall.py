"""What the memory has for a question: passages to answer from, or that there are none.

Whether the author wrote about it is decided before a model speaks (abstain.py). What he didn't is
refused with the nearest thing that he did, and where that is not sure with his own sentences; else
the best passages go before the question, in a layout that training rows share. Afterwards each
sentence of an answer is aligned to them (cite.py).
"""

import copy
import functools
import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from .. import catalogue
from ..i18n import LANGUAGES, both, data, listed, t
from ..text.script import language_of, not_in_capitals, tokens_unrounded
from ..text.style import tidy
from ..twin import Twin
from . import (
    abstain,
    agree,
    cite,
    going_on,
    lexical,
    other_language,
    rephrased,
    unwritten,
    written_when,
)
from .index import Index, Passage, shortened
from .overview import Overview
from .own_words import Place, own_words

SHOWN = 2  # passages before the question; a small base mixes up more
_ROOM = 220  # tokens of them together; on two cores each takes 8 ms before an answer begins
_SHARE = 0.65  # of the room that is left, for a passage before others
# How an answer with passages before it is drawn: what is most likely, and without a penalty for
# words that stand in them (benchmarks/memory_sampling.py). Under llama.cpp's and Ollama's names.
SAMPLING = {"temperature": 0.0, "repeat_penalty": 1.0}
# Billions of parameters. Of the answers of 0.5B that no passage supports most are wrong, where the
# author's sentence under them is right.
_SMALL = 1.0
_SUPPORTED = 0.5  # share of an answer's sentences from which it counts as the author's
_DECIMALS = 0.5  # share of numbers among a question's words from which it is a sum, not a memory
_COMPUTED = re.compile(r"\d ?[-+*/×÷=<>^] ?\d|\b(?:plus|minus|times|divided by)\b|[加减乘除]以?\d")
# What points back to what was said before.
_POINTS = "he him his she her hers it its they them their that this there then those these"
_BACK = re.compile(
    r"(?<![其吉维])他|她|它|^(?:那|这|还有|后来|然后|为什么|怎么)|呢[？?]?$|那(?:时|年|次|件|个|里)"
    rf"|\b(?:{not_in_capitals(_POINTS)})\b"
    r"|^(?i:and|but|so|why|how come|what else|really|when was|where was)\b"
)


class Recall(NamedTuple):
    """What the memory has for a question: passages, or a reply that needs no model, or neither.

    The reply is a `refusal`, or what is `told` by the author's own sentences, the `sources`.
    Neither is there for small talk. `question` has the subject of a question that is followed up.
    `nearly` says that a refusal is not sure: it goes on with the author's nearest sentences.
    """

    question: str
    passages: list[Passage]
    refusal: str = ""
    told: str = ""
    sources: "tuple[Source, ...]" = ()
    # What stands before and after the best passage in its text: the answer may be there.
    beside: tuple[Passage, ...] = ()
    nearly: bool = False
    # More of what was found than goes before the question.
    further: tuple[Passage, ...] = ()

    @property
    def searched(self) -> list[Passage]:
        """The passages whose sentences are looked through for the author's own answer."""
        return list(dict.fromkeys([*self.passages, *self.beside, *self.further]))


class Source(NamedTuple):
    """A passage that an answer rests on, with its id: `quote` stands in it word for word.

    `asked` is what others wrote before it, where the quotation doesn't say so itself.
    """

    title: str
    date: str
    quote: str
    passage: str = ""
    asked: str = ""

    @classmethod
    def of(cls, passage: Passage, quote: str) -> "Source":
        """The source of a quotation."""
        told = set(lexical.words(quote))
        needed = not told.issuperset(lexical.subject_words(passage.asked))
        return cls(passage.title, passage.date, quote, passage.id, passage.asked * needed)


class Cited(NamedTuple):
    """An answer beside its sources: `sentences` are [text, number of a source or None].

    `instead` says that the twin used too little of what it was given, so that the sources are what
    the author himself says.
    """

    sentences: list[tuple[str, int | None]]
    sources: list[Source]
    instead: bool


class Memory:
    """A twin's memory while it is talked to; `note` says what it has to do without, or ''."""

    def __init__(self, twin: Twin):
        """Open it; raises TwinError where there is none or it is damaged."""
        self.index = Index.open(twin)
        self.calibrations = abstain.load(twin)
        self.overview = Overview(twin, self.index)
        self.author, self.note = twin.author, self.index.note
        base = twin.facts.get("base", {}).get("name")
        # Whether the base is one of those that mix up what they are given.
        self.small_base = bool(base) and 0 < catalogue.entry(base).parameters < _SMALL
        self._last_own: tuple = (None, None)

    def has_graph(self) -> bool:
        """Whether names link its passages."""
        return self.overview.graph is not None

    def without_graph(self) -> "Memory":
        """The same memory without the graph: passages alone."""
        plain = copy.copy(self)
        plain.overview = copy.copy(self.overview)
        plain.overview.graph = None
        return plain

    def recall(self, messages: list[dict], splits: Iterable[str] | None = None) -> Recall:
        """What there is for the question at the end of a conversation."""
        asked = [
            unwritten.to_author(turn["content"], self.author)
            for turn in messages
            if turn["role"] == "user"
        ]
        question = shortened(self._whole(asked))
        if going_on.is_asked(asked[-1]):
            if len(asked) == 1:
                return self._small_talk(question)
            if next_part := self._going_on(question, messages, splits):
                return next_part
            while len(asked) > 1 and going_on.is_asked(asked[-1]):  # so the same is asked again
                asked.pop()
            question = shortened(self._whole(asked))
        kind = self.overview.kind_of(asked[-1])
        told = written_when.told(self.index, question, splits)
        if told := told or self.overview.told(kind, question, splits):
            return self._told(question, told)
        if _is_sum(question):
            return Recall(question, [])
        is_other = other_language.is_other(self.index, asked[-1])
        if _is_small_talk(question) and not is_other:
            return self._small_talk(question)
        search = self.index.search(question, splits=splits)
        found = [self.index.passages[position] for position in search.found]
        further = tuple(self.index.further(search))
        beside = tuple(self.index.beside(found[0], splits)) if found else ()
        nearest = Recall(question, found, beside=beside, further=further)
        if is_other:
            return self._in_other_language(nearest)
        decision = abstain.decide(self.index, self.calibrations, question, search, splits)
        if decision.answer:
            linked = self.overview.linked(kind, question, search, splits)
            passages = [self.index.passages[position] for position in linked]
            beside = tuple(self.index.beside(passages[0], splits)) if passages else ()
            answer = Recall(question, passages, beside=beside, further=further)
            if self._lacks_what_is_asked(answer):
                return self._unsure(answer, both("memory.not_sure")[language_of(asked[-1])])
            return answer
        if _is_small_talk(question, "unwritten"):
            return self._small_talk(question)
        if decision.nearly and found:
            return self._unsure(nearest, both("memory.not_sure")[language_of(asked[-1])])
        return nearest._replace(refusal=_refusal(asked[-1], decision, found))

    def _unsure(self, recall, sentence):
        """The author's nearest sentences behind one that says that they may not be the answer."""
        return recall._replace(
            nearly=True, refusal=f"{sentence}\n\n{self.own_sentences(recall)}".strip()
        )

    def _lacks_what_is_asked(self, recall):
        """Whether a price, an age or so is asked for, and nothing that would be shown has one.

        That of something else does not count: its passage has to speak of what is measured.
        """
        question = recall.question
        if not recall.passages or not agree.asks_unit(question):
            return False
        measured = agree.of_what(self.index.lexical.subject(question))

        def answers(place):
            passage = recall.searched[place.passage]
            known = not measured or measured & set(lexical.terms(passage.searched))
            return known and agree.answers_number(question, place.text)

        return not any(map(answers, self.own_places(recall)))

    def _in_other_language(self, recall):
        """What is said to a question in a language that the author doesn't write in."""
        names = other_language.languages(self.index)
        nothing = other_language.says_nothing(recall.question)
        if self.index.embedder is None or not recall.passages or nothing:
            key = "memory.only_in" if names else "memory.not_in_this_language"
            values = {"languages": listed(names)} if names else {}
            return recall._replace(refusal=str(t(key, **values)))
        return self._unsure(recall, str(t("memory.not_sure_in_this_language")))

    def _small_talk(self, question):
        """Nothing for a twin to answer by itself, but what it is where its base is a small one."""
        if not self.small_base:
            return Recall(question, [])
        said = both("memory.no_question", author=self.author)
        return Recall(question, [], told=said[language_of(question)])

    def _going_on(self, question, messages, splits):
        """What follows in the text that was told of before; None where none was."""
        answers = [turn["content"] for turn in messages if turn["role"] == "assistant"]
        places = (going_on.last_told(self.index, answer) for answer in reversed(answers))
        place = next(filter(None, places), None)
        if place is None:
            turns = [n for n, turn in enumerate(messages) if turn["role"] == "user"]
            before = self.recall(messages[: turns[-2] + 1], splits)
            own = self.own_places(before) if before.passages and not before.told else []
            if not own or (before.refusal and not before.nearly):
                return None
            passage = before.searched[own[0].passage]
            answers.append(own[0].text)
            end = passage.text.find(own[0].text) + len(own[0].text)
            place = going_on.Place(passage, end)
        language = language_of(messages[-1]["content"])
        found = going_on.after(self.index, place, answers, splits)
        if found:
            source = Source.of(*found)
            return Recall(question, [found[0]], told=found[1], sources=(source,))
        title = place.passage.title
        said = both("memory.that_is_all_of", title=title) if title else both("memory.that_is_all")
        return Recall(question, [place.passage], told=said[language])

    def _told(self, question, told):
        passages = [self.index.passages[quote.passage] for quote in told.quotes]
        sources = tuple(
            Source.of(passage, quote.text)
            for passage, quote in zip(passages, told.quotes)
            if cite.is_verbatim(quote.text, passage)
        )
        return Recall(question, passages, told=told.text, sources=sources)

    def _whole(self, asked):
        """The last question, with the one that it follows up before it."""
        question, earlier = asked[-1], asked[:-1]
        subject = lexical.subject_words(question)
        if not earlier or not (_BACK.search(question.strip()) or not subject):
            return question
        if subject and not any(len(self.index.lexical.texts_with(word)) for word in subject):
            return question  # of something else, which the author never wrote about
        return f"{self._whole(earlier)} {question}"

    def cited(self, recall: Recall, answer: str) -> Cited | None:
        """Where the sentences of an answer stand; None for small talk and what is denied."""
        if recall.told:
            return Cited([], list(recall.sources), False)
        if recall.refusal:
            return Cited([], self.own_words(recall), False) if recall.nearly else None
        if not recall.passages:
            return None
        known = recall.passages + [p for p in recall.beside if p not in recall.passages]
        aligned = cite.align(answer, known, recall.question)
        sources, numbers, sentences = [], {}, []
        for sentence in aligned:
            number = None
            if sentence.source is not None:
                passage = known[sentence.source]
                key = (passage.id, sentence.quote)
                if key not in numbers:
                    # What goes on where the last quotation ended is one with it.
                    if sources and sources[-1].passage == passage.id:
                        longer = cite.joined(sources[-1].quote, sentence.quote, passage)
                    else:
                        longer = ""
                    if longer:
                        sources[-1] = Source.of(passage, longer)
                    else:
                        sources.append(Source.of(passage, sentence.quote))
                    numbers[key] = len(sources) - 1
                number = numbers[key]
            sentences.append((sentence.text, number))
        supported = sum(number is not None for _, number in sentences)
        instead = not sentences or supported < _SUPPORTED * len(sentences)
        if instead or self.small_base:  # of whose sentence the next one may be the answer
            for each in self.own_words(recall):
                within = [n for n, known in enumerate(sources) if _is_within(known, each)]
                if within:  # the sentence is shown in its paragraph
                    sources[within[0]] = each
                elif not _is_among(each, sources):
                    sources.append(each)
        # A sentence that was too short to be looked for, such as "He paid.", or in other words.
        sentences = [
            (text, self._source_of(text, recall, sources) if number is None else number)
            for text, number in sentences
        ]
        instead &= not sentences or any(number is None for _, number in sentences)
        return Cited(sentences, sources, instead)

    def _source_of(self, sentence, recall, sources):
        """The number of the quotation that has a sentence, or has it in other words; or None."""
        passages = {passage.id: passage for passage in recall.searched}
        for number, source in enumerate(sources):
            told = source.quote, passages[source.passage]
            if rephrased.said_of(sentence, recall.question, *told):
                return number
        return _quoted_in(sentence, sources)

    def given(self, recall: Recall, messages: list[dict]) -> list[dict]:
        """The conversation with what is answered from before its question: the best passages.

        A small base reads better where it sees only the sentences nearest to the question.
        """
        if self.small_base and (places := recall.passages and self.own_places(recall)):
            return _asked_of([place.text for place in reversed(places)], messages)
        return with_passages(recall.passages, messages)

    def own_sentences(self, recall: Recall) -> str:
        """The author's sentences nearest to a question; '' without passages."""
        return "\n\n".join(place.text for place in self.own_places(recall))

    def own_places(self, recall: Recall) -> list[Place]:
        """The same by their places."""
        key = recall.question, tuple(passage.id for passage in recall.searched)
        if self._last_own[0] != key:  # embedding the sentences of a passage takes a second
            self._last_own = key, own_words(recall.question, recall.searched, self.index)
        return self._last_own[1]

    def own_words(self, recall: Recall) -> list[Source]:
        """The same and where they stand; one place alone with what stands around it."""
        places, found = self.own_places(recall), []
        for place in places:
            passage = recall.searched[place.passage]
            quote = place.text if len(places) > 1 else cite.excerpt(place.text, passage)
            if cite.is_verbatim(quote, passage):
                found.append(Source.of(passage, quote))
        return found


def _quoted_in(sentence, sources):
    """The number of the quotation that a sentence is one of; None without one."""
    places = enumerate(lexical.sentences(source.quote) for source in sources)
    return next((number for number, quoted in places if sentence in quoted), None)


def _is_within(source, longer):
    return source.passage == longer.passage and source.quote in longer.quote


def _is_among(source, sources):
    """Whether a quotation has a sentence of others, so that it would be shown twice."""
    known = [each.quote for each in sources if each.passage == source.passage]
    sentences = lexical.sentences(source.quote)
    return any(sentence in quote for quote in known for sentence in sentences)


def _is_small_talk(question, kind="always"):
    """Whether a question is about nothing that an author writes of: a greeting, the twin.

    With the kind 'unwritten' also about what a twin is, which an author may have written about.
    """
    return set(lexical.subject_words(question)) <= _small_talk(kind)


def _is_sum(question):
    """Whether numbers are compared or computed; a year alone is no number of a sum."""
    words, years = lexical.subject_words(question), unwritten.years(question)
    numbers = [word for word in words if word.isdigit() and word not in years]
    if _COMPUTED.search(tidy(question)):
        return len(numbers) + len(years) > _DECIMALS * len(words)
    return len(numbers) > max(1, _DECIMALS * len(words))


@functools.cache
def _small_talk(kind):
    """The words of data/small_talk.yaml and of the questions of data/identity.yaml."""
    about_itself = [entry["question"] for entries in data("identity").values() for entry in entries]
    said = data("small_talk")["always"] + (data("small_talk")["unwritten"] * (kind != "always"))
    return {word for text in about_itself + said for word in lexical.subject_words(text)}


def _refusal(question, decision, found):
    """The sentence that says that the author never wrote about it, and what is the nearest."""
    language, veto = language_of(question), decision.veto
    named = veto and unwritten.is_asked_for(veto, question)
    said = both("memory.never_wrote_of", name=veto) if named else both("memory.never_wrote")
    if not found:
        return said[language]
    nearest = found[0].title or found[0].text[:30] + "…"
    date = found[0].date[:10]
    key = "memory.nearest_on" if date else "memory.nearest"
    space = " " if language == "en" else ""
    return said[language] + space + both(key, title=nearest, date=date)[language]


def with_passages(
    passages: Sequence[Passage], messages: list[dict], most: int = SHOWN
) -> list[dict]:
    """The conversation with the first passages before its last question, the best nearest to it.

    Where they take too much room, sentences at either end of a passage that have least to do with
    the question are left out. The one layout of talking, of the evaluation and of training rows.
    """
    if not passages:
        return messages
    question = messages[-1]["content"]
    language = language_of(question)
    shown, left = [], float(_ROOM)
    for number, passage in enumerate(passages[:most], 1):
        is_last = number == min(most, len(passages))
        head = _head(passage)[language]
        left -= min(left, tokens_unrounded(passage.asked))
        part = cite.part_for(question, passage, left if is_last else _SHARE * left)
        left -= min(left, tokens_unrounded(part))
        shown.append(f"{head}\n{part}" if head else part)
    return _asked_of(shown[::-1], messages)


def _asked_of(texts, messages):
    """The conversation with texts of the author's before its last question."""
    question = messages[-1]["content"]
    values = {"passages": "\n\n".join(texts), "question": question}
    text = both("memory.with_passages", **values)[language_of(question)]
    return [*messages[:-1], {"role": "user", "content": text}]


def _head(passage):
    """What stands above a passage, in both languages: its title and what it replies to."""
    title, asked = passage.title, passage.asked
    if title and asked:
        return both("memory.title_of_reply", title=title, asked=asked)
    if asked:
        return both("memory.reply", asked=asked)
    return both("memory.title", title=title) if title else dict.fromkeys(LANGUAGES, "")
