"""The author's own sentences that answer a question best, of the passages that were found.

A sentence is judged by the question's words in it, above it and in its title, by nearness in
meaning, and by whether it has what is asked for: a number in its unit, or a time. The weights are
those of a logistic choice among the sentences of the passages found, fitted on the questions of
benchmarks/memory_questions/ that are not kept (336 of readers and 34 others of three authors),
rounded. It also gives each sentence a chance to be the answer: what is shown are the neighbouring
sentences of one paragraph that have most of it, most often the whole paragraph, and, where others
have not far less, those as well: up to four places, rather than a wrong one. Only sentences that
are likely by all but their own meaning are embedded, since that takes most of the time.
"""

import math
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from ..text import script
from ..text.script import language_of
from ..text.style import tidy
from . import agree, lexical
from .index import Index, Passage, shortened

if TYPE_CHECKING:
    import numpy

LONGEST = {"zh": 100, "en": 300}  # characters of sentences that are shown together
PLACES = 4  # at most
_ANOTHER = 0.05  # share of the first place's chance from which another place is shown
_CORE = {"zh": 60, "en": 180}  # characters of those of a place that are likeliest
_EMBEDDED = 20  # sentences that are embedded for a question, of so many characters together, of
_CHARACTERS = 3000  # which a Chinese one counts as three: embedding takes time by their length
# By what a sentence is judged, with meaning and by words alone. How many of the question's words,
# each counting as much as it is rare, it has itself, only the one before it has, only the title and
# heading, and the whole passage.
_WEIGHTS = {
    "words": (0.8, 2.7),
    "words_before": (1.3, 1.9),
    "words_of_title": (2.0, 1.8),
    "words_of_passage": (0.3, 0.3),
    "search_by_words": (1.7, 3.1),  # BM25 of the passage, as a share of the highest
    "meaning": (47.0, 0.0),  # cosine of sentence and question
    "meaning_before": (10.0, 0.0),  # of the sentence before it, where it is likely itself
    "meaning_of_passage": (33.0, 0.0),
    "number": (2.3, 2.4),  # it has one, in the unit that is asked for
    "no_number": (-1.2, -1.6),  # it has none, and one is asked for
    "time": (3.9, 4.2),
    "time_in_numbers": (4.0, 3.6),
    "length": (0.4, 0.6),  # logarithm of its characters
}
# Not "what were you doing when it rang?", which tells the time instead of asking for it.
_WHEN = re.compile(
    r"(?:^|[,.;!?] |\b(?:since|until|till|so|and|but|by) )when\b"
    r"|\bwhen (?:did|do|does|was|were|is|are|will|would|can|could|should|have|has|had)\b"
    r"|\b(?:what|which) (?:time|day|year|month)\b"
    r"|什么时候|何时|哪一?[年天日月]|几[点号月]|[周星期]几"
)
_TIME = re.compile(
    r"\d|o['’]clock|\b(?:morning|noon|evening|night|afternoon|day|week|month|year|spring|summer"
    r"|autumn|winter|january|february|march|april|may|june|july|august|september|october|november"
    r"|december|\w+day|once|when|past|every|ago)s?\b"
    r"|[年月日号点钟早晚夜春夏秋冬昨初前]|上午|下午|星期|时候|以后"
)


class Place(NamedTuple):
    """Neighbouring sentences of a paragraph: `passage` is the number of theirs.

    `core` are those of them that are likeliest to be the answer.
    """

    passage: int
    text: str
    core: str


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
    """Up to four places where the author answers a question; none without passages.

    By words, weighted by their rarity in the index, and where it has an embedder by meaning. The
    likeliest comes first; the others, those of its text before any, are in the author's order.
    """
    told = [each for number, passage in enumerate(passages) for each in _told(number, passage)]
    if not told:
        return []
    scores = _scores(question, passages, told, index, vector)
    highest = max(scores)
    chances = [math.exp(score - highest) for score in scores]
    runs = list(_runs(passages, told))

    def chance(run, offset=0):
        return sum(chances[offset + run[0] : offset + run[1]])

    chosen = []
    while runs and len(chosen) < PLACES:
        best = max(runs, key=chance)
        if chosen and chance(best) < _ANOTHER * chance(chosen[0]):
            break
        chosen.append(best)
        runs = [run for run in runs if run[1] <= best[0] or best[1] <= run[0]]
    texts = [passages[told[start].passage].document for start, _ in chosen]

    def in_order(run):
        passage = passages[told[run[0]].passage]
        place = index.place(passage) if index else told[run[0]].passage
        return run != chosen[0], texts.index(passage.document), place, run

    places = []
    for start, end in sorted(chosen, key=in_order):
        number = told[start].passage
        inner = max(_runs(passages, told[start:end], _CORE), key=lambda run: chance(run, start))
        parts = [(start, end), (start + inner[0], start + inner[1])]
        shown = [passages[number].text[told[a].start : told[b - 1].end] for a, b in parts]
        places.append(Place(number, *shown))
    return places


def _told(number, passage):
    place = 0
    for sentence in lexical.sentences(passage.text):
        place = passage.text.find(sentence, place)
        yield _Told(number, place, place + len(sentence), set(terms(sentence)))
        place += len(sentence)


def _runs(passages, told, longest=LONGEST):
    """(first, last + 1) of all neighbouring sentences of a paragraph that can be shown together."""
    for first, one in enumerate(told):
        passage = passages[one.passage]
        for last in range(first, len(told)):
            end = told[last].end
            if last > first and (
                told[last].passage != one.passage
                or end - one.start > longest[passage.language]
                or "\n" in passage.text[one.start : end]
            ):
                break
            yield first, last + 1


def terms(text: str) -> list[str]:
    """Pairs of Chinese characters and English words that say something, without the everyday."""
    left_out = lexical.question_words()
    words = [word for word in lexical.latin_words(text) if word not in left_out]
    return script.han_pairs(tidy(text)) + words


def _asked_terms(question, index):
    """{term: how much it counts, by its rarity}, without pairs of Chinese characters that are in no
    word and between no two words that say something: of 隐鼠有多大 only 隐鼠."""
    found = dict.fromkeys(terms(question))
    cut = _pairs_of_words(question)
    kept = [term for term in found if not script.has_han(term) or term in cut]
    if index is None:
        return dict.fromkeys(kept, 1.0)
    highest = math.log((index.lexical.size + 1) / 0.5)
    return {term: index.lexical.rarity(term) / highest for term in kept}


def _pairs_of_words(question):
    import rjieba

    left_out, pairs = lexical.question_words(), set()
    for run in re.findall(f"[{script.HAN}]+", tidy(question)):
        words = rjieba.cut(run)
        for word, next_word in zip(words, [*words[1:], ""]):
            if word in left_out:
                continue
            pairs |= set(script.han_pairs(word))
            if next_word and next_word not in left_out:
                pairs.add(word[-1] + next_word[0])
    return pairs


def _scores(question, passages, told, index, vector):
    asked = tidy(question)
    counts = _asked_terms(question, index)

    def count(found):
        return sum(counts[term] for term in found if term in counts)

    heads = [set(terms(f"{p.title}\n{p.heading}\n{p.asked}\n{p.tags}")) for p in passages]
    whole = list(heads)
    for each in told:
        whole[each.passage] = whole[each.passage] | each.terms
    texts = [passages[each.passage].text[each.start : each.end] for each in told]
    by_words = _by_words(question, passages, index)
    vector, of_passage = _meaning_of_passages(question, passages, index, vector)
    alone = int(vector is None)  # which of the weights
    wants_number, wants_time = agree.asks_number(question), bool(_WHEN.search(asked))
    scores, firsts = [], []
    for at, (each, text) in enumerate(zip(told, texts)):
        firsts.append(at == 0 or told[at - 1].passage != each.passage)
        before = set() if firsts[at] else told[at - 1].terms
        plain = tidy(text)
        seen = {
            "words": count(each.terms),
            "words_before": count(before - each.terms),
            "words_of_title": count(heads[each.passage] - each.terms),
            "words_of_passage": count(whole[each.passage]),
            "search_by_words": by_words[each.passage],
            "meaning_of_passage": of_passage[each.passage],
            "number": wants_number and agree.answers_number(question, text),
            "no_number": wants_number and not agree.has_number(text),
            "time": wants_time and _TIME.search(plain) is not None,
            "time_in_numbers": wants_time and agree.has_number(text),
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
    likely, room = [], _CHARACTERS
    for at in sorted(range(len(texts)), key=lambda at: -scores[at])[:_EMBEDDED]:
        length = len(texts[at]) * (3 if language_of(texts[at]) == "zh" else 1)
        if not likely or length <= room:
            likely.append(at)
            room -= length
    found = index.embedder.compute([texts[at] for at in likely], False) @ vector
    cosines = dict(zip(likely, map(float, found)))
    lowest = min(cosines.values())
    whole = [-math.inf] * len(scores)
    for at in likely:
        before = lowest if firsts[at] else cosines.get(at - 1, lowest)
        whole[at] = scores[at] + _WEIGHTS["meaning"][0] * cosines[at]
        whole[at] += _WEIGHTS["meaning_before"][0] * before
    return whole
