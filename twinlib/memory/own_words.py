"""The author's own sentences that answer a question best, of the passages that were found.

A sentence is judged by the question's words in it, above it and in its title, by nearness in
meaning, and by whether it has what is asked for: a number in its unit, a time, a place, or for a
reason what stands after the words of the question. The weights are those of a logistic choice among
the sentences of the passages found, fitted on the questions of benchmarks/memory_questions/ that
are not kept (164 of readers and 34 others of three authors), rounded. It also gives each sentence a
chance to be the answer: what is shown are the neighbouring sentences of one paragraph that have
most of it, and, where others have not much less, those as well: up to three short places, rather
than a wrong one. Only sentences that are likely by all but their own meaning are embedded, since
that takes most of the time.
"""

import math
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from ..text import script
from ..text.style import tidy
from . import agree, lexical
from .index import Index, Passage, shortened

if TYPE_CHECKING:
    import numpy

LONGEST = {"zh": 60, "en": 180}  # characters of sentences that are shown together
_PLACES = 3  # at most
_ANOTHER = 0.1  # share of the first place's chance from which another place is shown
_EMBEDDED = 16  # sentences that are embedded for a question
# By what a sentence is judged, with meaning and by words alone. Of the question's words, weighted
# by rarity, the shares that it has itself, that only the one before it has, only the title and
# heading, and the whole passage.
_WEIGHTS = {
    "words": (2.5, 8.2),
    "words_before": (4.3, 5.8),
    "words_of_title": (5.2, 4.0),
    "words_of_passage": (1.0, 0.1),
    "search_by_words": (1.3, 3.1),  # BM25 of the passage, as a share of the highest
    "meaning": (44.0, 0.0),  # cosine of sentence and question
    "meaning_before": (7.3, 0.0),  # of the sentence before it
    "meaning_of_passage": (35.0, 0.0),
    "number": (2.0, 1.9),  # it has one, in the unit that is asked for
    "no_number": (-2.2, -2.7),  # it has none, and one is asked for
    "time": (2.5, 2.4),
    "time_in_numbers": (1.9, 2.0),
    "place": (5.7, 4.3),
    "reason": (5.8, 4.9),  # as words_before, where a reason is asked for
    "length": (0.3, 0.4),  # logarithm of its characters
}
_WHEN = re.compile(
    r"\bwhen\b|\b(?:what|which) (?:time|day|year|month)\b"
    r"|什么时候|何时|哪一?[年天日月]|几[点号月]|[周星期]几"
)
_WHERE = re.compile(r"\bwhere\b|哪[里儿]|什么地方|何处")
_WHY = re.compile(r"\bwhy\b|\bhow come\b|为什么|为啥|为何|怎么会")
_TIME = re.compile(
    r"\d|o['’]clock|\b(?:morning|noon|evening|night|afternoon|day|week|month|year|spring|summer"
    r"|autumn|winter|january|february|march|april|may|june|july|august|september|october|november"
    r"|december|\w+day|once|when|past|every|ago)s?\b"
    r"|[年月日号点钟早晚夜春夏秋冬昨初前]|上午|下午|星期|时候|以后"
)
_PLACE = re.compile(
    r"\b(?:in|on|at|under|behind|over|from|to|into|beside|near|by|above|below)\b"
    r"|[在里上下边旁外到处头面]"
)


class Place(NamedTuple):
    """Neighbouring sentences of a paragraph: `passage` is the number of theirs."""

    passage: int
    text: str


class _Told(NamedTuple):
    """A sentence of a passage: the passage's number, where it stands there, and its terms."""

    passage: int
    start: int
    end: int
    terms: set


def own_words(
    question: str,
    passages: Sequence[Passage],
    index: Index | None = None,
    vector: "numpy.ndarray | None" = None,
) -> list[Place]:
    """Up to three places where the author answers a question; none without passages.

    By words, weighted by their rarity in the index, and where it has an embedder by meaning. Those
    of the text that has the likeliest come first, and in a text they are in the author's order.
    """
    told = [each for number, passage in enumerate(passages) for each in _told(number, passage)]
    if not told:
        return []
    scores = _scores(question, passages, told, index, vector)
    highest = max(scores)
    chances = [math.exp(score - highest) for score in scores]
    runs = list(_runs(passages, told))

    def chance(run):
        return sum(chances[run[0] : run[1]])

    chosen = []
    while runs and len(chosen) < _PLACES:
        best = max(runs, key=chance)
        if chosen and chance(best) < _ANOTHER * chance(chosen[0]):
            break
        chosen.append(best)
        runs = [run for run in runs if run[1] <= best[0] or best[1] <= run[0]]
    texts = [passages[told[start].passage].document for start, _ in chosen]

    def in_order(run):
        passage = passages[told[run[0]].passage]
        place = index.place(passage) if index else told[run[0]].passage
        return texts.index(passage.document), place, run

    places = []
    for start, end in sorted(chosen, key=in_order):
        number = told[start].passage
        text = passages[number].text[told[start].start : told[end - 1].end]
        places.append(Place(number, text))
    return places


def _told(number, passage):
    place = 0
    for sentence in lexical.sentences(passage.text):
        place = passage.text.find(sentence, place)
        yield _Told(number, place, place + len(sentence), set(terms(sentence)))
        place += len(sentence)


def _runs(passages, told):
    """(first, last + 1) of all neighbouring sentences of a paragraph that can be shown together."""
    for first, one in enumerate(told):
        passage = passages[one.passage]
        for last in range(first, len(told)):
            end = told[last].end
            if last > first and (
                told[last].passage != one.passage
                or end - one.start > LONGEST[passage.language]
                or "\n" in passage.text[one.start : end]
            ):
                break
            yield first, last + 1


def terms(text: str) -> list[str]:
    """Pairs of Chinese characters and English words that say something, without the everyday."""
    left_out = lexical.question_words()
    words = [word for word in lexical.words(text) if word.isascii() and word not in left_out]
    return script.han_pairs(tidy(text)) + words


def _scores(question, passages, told, index, vector):
    asked = tidy(question)
    rarity = {term: index.lexical.rarity(term) if index else 1.0 for term in set(terms(question))}
    total = sum(rarity.values()) or 1.0

    def share(found):
        return sum(rarity[term] for term in found if term in rarity) / total

    heads = [set(terms(f"{p.title}\n{p.heading}\n{p.tags}")) for p in passages]
    whole = list(heads)
    for each in told:
        whole[each.passage] = whole[each.passage] | each.terms
    texts = [passages[each.passage].text[each.start : each.end] for each in told]
    by_words = _by_words(question, passages, index)
    vector, of_passage = _meaning_of_passages(question, passages, index, vector)
    alone = int(vector is None)  # which of the weights
    wants_number, wants_time = agree.asks_number(question), bool(_WHEN.search(asked))
    wants_place, wants_reason = bool(_WHERE.search(asked)), bool(_WHY.search(asked))
    scores, firsts = [], []
    for at, (each, text) in enumerate(zip(told, texts)):
        firsts.append(at == 0 or told[at - 1].passage != each.passage)
        before = set() if firsts[at] else told[at - 1].terms
        before_alone, plain = share(before - each.terms), tidy(text)
        seen = {
            "words": share(each.terms),
            "words_before": before_alone,
            "words_of_title": share(heads[each.passage] - each.terms),
            "words_of_passage": share(whole[each.passage]),
            "search_by_words": by_words[each.passage],
            "meaning_of_passage": of_passage[each.passage],
            "number": wants_number and agree.answers_number(question, text),
            "no_number": wants_number and not agree.has_number(text),
            "time": wants_time and _TIME.search(plain) is not None,
            "time_in_numbers": wants_time and agree.has_number(text),
            "place": wants_place and _PLACE.search(plain) is not None,
            "reason": wants_reason * share(before),
            "length": math.log(len(text)),
        }
        scores.append(sum(_WEIGHTS[name][alone] * float(value) for name, value in seen.items()))
    return scores if vector is None else _with_meaning(scores, texts, firsts, index, vector)


def _by_words(question, passages, index):
    """BM25 of each passage, as a share of the highest; 0 without an index."""
    if index is None:
        return [0.0] * len(passages)
    scores = index.lexical.scores(question)[[index.place(passage) for passage in passages]]
    return scores / max(float(scores.max()), 1e-9)


def _meaning_of_passages(question, passages, index, vector):
    """(the question's embedding, cosines of it and passages); None and 0 without an embedder."""
    if index is None or index.embedder is None:
        return None, [0.0] * len(passages)
    if vector is None:
        [vector] = index.embedder.compute([shortened(question)], True)
    return vector, index.similarities(passages, vector)


def _with_meaning(scores, texts, firsts, index, vector):
    """The scores of the likeliest sentences with their cosines; of the others -inf."""
    likely = sorted(range(len(texts)), key=lambda at: -scores[at])[:_EMBEDDED]
    needed = sorted({near for at in likely for near in (at, at - (not firsts[at]))})
    found = index.embedder.compute([texts[at] for at in needed], False) @ vector
    cosines = dict(zip(needed, map(float, found)))
    lowest = min(cosines.values())
    whole = [-math.inf] * len(scores)
    for at in likely:
        before = lowest if firsts[at] else cosines[at - 1]
        whole[at] = scores[at] + _WEIGHTS["meaning"][0] * cosines[at]
        whole[at] += _WEIGHTS["meaning_before"][0] * before
    return whole
