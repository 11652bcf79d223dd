"""The author's own sentences that answer a question best, of the passages that were found.

A sentence is judged by the question's words in it, above it and in its title, by nearness in
meaning, and by whether it has what is asked for: a number in its unit, or a time. The weights are
those of a logistic choice among the sentences of the passages found, fitted on the questions of
benchmarks/memory_questions/ that are not kept (336 of readers and 34 others of three authors),
rounded. It also gives each sentence a chance to be the answer: what is shown are the neighbouring
sentences of one paragraph that have most of it, most often the whole paragraph, and, where others
have not far less, those as well: up to four places, rather than a wrong one. A place begins with
the sentence before where its own first one speaks of "it" or "her", and takes in the sentence
beside it that alone has a word of the question. Of two questions asked at once each has a place.
Only sentences that are likely by all but their own meaning are embedded, since that takes most of
the time.
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
_LONGER = 1.5  # by how much a place may grow by what its pronouns refer to, or a word asked for
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


# A sentence that speaks of somebody or something named before it.
_REFERS = {
    "en": re.compile(
        r"\b(?:he|she|it|they|him|her|them|his|its|their)\b"
        r"|^\W*(?:(?:and|but|so|then|or) )?(?:this|that|these|those)\b"
    ),
    "zh": re.compile(
        "^[^，。；：！？]{0,6}(?:他|她|它)|^(?:可是?|但是?|不过|于是|所以)?(?:这|那)(?![天年时次回里边晚])"
    ),
}
_BACK = 2  # sentences at most that are put before such a one
# Where a question goes over into another one.
_ASKS = "(?:what|when|where|who|why|how|which|did|do|does|is|are)"
_NEXT_QUESTION = re.compile(
    rf"(?<=[?？])|[,，;；] ?(?=(?:and|but|so|or) {_ASKS}\b)"
    r"|[,，;；](?=[^,，;；]*(?:多少|什么|怎么|哪|几|谁|吗))"
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
    """Up to four places where the author answers a question, of two questions one more for each.

    By words, weighted by their rarity in the index, and where it has an embedder by meaning. The
    likeliest comes first; the others, those of its text before any, are in the author's order.
    """
    places = _places(question, passages, index, vector)
    parts = _questions(question) if places else []
    text = passages[places[0].passage].document if parts else ""
    within = [number for number, passage in enumerate(passages) if passage.document == text]
    for part in parts:
        for found in _places(part, [passages[number] for number in within], index, None)[:1]:
            known = [sentence for each in places for sentence in lexical.sentences(each.text)]
            if not set(lexical.sentences(found.core)) & set(known):
                places.append(found._replace(passage=within[found.passage]))
    return places


def _questions(question):
    """The questions of a text that asks two or more, each of which says what it is about."""
    parts = [part.strip() for part in _NEXT_QUESTION.split(question) if part.strip()]
    return [part for part in parts if terms(part)] if len(parts) > 1 else []


def _places(question, passages, index, vector):
    """The places for one question."""
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
    cores = {}  # place of a sentence: those that are likeliest
    for run in chosen:
        inner = max(_runs(passages, told[slice(*run)], _CORE), key=lambda r: chance(r, run[0]))
        cores[run] = run[0] + inner[0], run[0] + inner[1]
    chosen = _grown(chosen, passages, told, set(_asked_terms(question, index)))
    texts = [passages[told[start].passage].document for start, _ in chosen]

    def in_order(run):
        passage = passages[told[run[0]].passage]
        place = index.place(passage) if index else told[run[0]].passage
        return run != chosen[0], texts.index(passage.document), place, run

    places = []
    for start, end in sorted(chosen, key=in_order):
        number = told[start].passage
        core = next(core for (a, b), core in cores.items() if start <= a and b <= end)
        parts = [(start, end), core]
        shown = [passages[number].text[told[a].start : told[b - 1].end] for a, b in parts]
        places.append(Place(number, *shown))
    return places


def _grown(chosen, passages, told, asked):
    """Runs of sentences with those beside them that they need, each sentence in one run."""
    grown = []
    for start, end in chosen:
        has = {word for each in told[start:end] for word in each.terms}
        start, end = _with_words(start, end, passages, told, asked - has)
        start = _with_what_is_meant(start, end, passages, told)
        grown.append((start, end))
    found = []
    for start, end in grown:
        over = [run for run in found if run[0] < end and start < run[1]]
        start, end = min([start, *(run[0] for run in over)]), max([end, *(run[1] for run in over)])
        found = [run for run in found if run not in over] + [(start, end)]

    def place(run):  # of the likeliest that it has
        return min(n for n, each in enumerate(chosen) if run[0] <= each[0] < run[1])

    return sorted(found, key=place)


def _joins(start, end, passages, told):
    """Whether sentences are of one paragraph, and not too many to be shown together."""
    if start < 0 or end > len(told) or told[start].passage != told[end - 1].passage:
        return False
    passage = passages[told[start].passage]
    text = passage.text[told[start].start : told[end - 1].end]
    return "\n" not in text and len(text) <= _LONGER * LONGEST[passage.language]


def _with_words(start, end, passages, told, missing):
    """A run with the sentence behind or before it that has a word of the question as the only."""
    if end < len(told) and told[end].terms & missing and _joins(start, end + 1, passages, told):
        end += 1
    if start and told[start - 1].terms & missing and _joins(start - 1, end, passages, told):
        start -= 1
    return start, end


def _with_what_is_meant(start, end, passages, told):
    """The beginning of a run with the sentences before it that its first one speaks of."""
    for _ in range(_BACK):
        passage = passages[told[start].passage]
        first = tidy(passage.text[told[start].start : told[start].end])
        if not _REFERS[passage.language].search(first):
            break
        if not _joins(start - 1, end, passages, told):
            break
        start -= 1
    return start


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
