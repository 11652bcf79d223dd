"""An author's own sentences on something, by date: how his mind changed, or all that he wrote.

For a change the dates of the documents that have the subject are cut into periods with as many
documents each; of every period the sentence is shown that says most of what the author thought. For
all that he wrote it is one of every document, in whichever language, the nearest ones if they are
many.
"""

import functools
import re
from collections.abc import Iterable
from typing import NamedTuple

from ..i18n import data
from ..text.script import CLAUSE, language_of
from . import lexical, unwritten
from .communities import Quote
from .graph import Graph, relevances
from .index import Index

_PERIODS = 5
_MOST = 8  # documents of which a sentence is shown
_NEAR = 10  # passages in which the word of the other language is looked for
# Cosine of the embeddings of a word and its translation: tea and 茶 0.93, sister and 妹妹 0.89; of
# others coffee and 茶 0.87, umbrella and 雨 0.87.
_TRANSLATES = 0.88
_LONGEST = 300  # characters of a sentence that is quoted
_SHORTEST = 6


class Timeline(NamedTuple):
    """What a question is about, and sentences on it, the oldest first."""

    subject: str
    quotes: list[Quote]


def of(
    index: Index, graph: Graph, question: str, splits: Iterable[str] | None = None
) -> Timeline | None:
    """The author's sentences on what a question asks about; None without two dated documents."""
    allowed = index.allowed(splits)
    on = _subject(index, graph, question, allowed)
    dated = sorted(
        (place for place in on.places if index.passages[place].date),
        key=lambda place: index.passages[place].date,
    )
    documents = list(dict.fromkeys(graph.documents[place] for place in dated))
    if len(documents) < 2:
        return None
    fit = relevances(index.search(question, splits=splits), allowed)
    count, quotes = min(_PERIODS, len(documents)), []
    for period in range(count):
        start, end = period * len(documents) // count, (period + 1) * len(documents) // count
        within = set(documents[start:end])
        near = [place for place in dated if graph.documents[place] in within]
        quotes += _best(index, graph, near, on, fit)
    return Timeline(_as_asked(question, on.subject), quotes) if len(quotes) > 1 else None


def everything(
    index: Index, graph: Graph, question: str, splits: Iterable[str] | None = None
) -> Timeline | None:
    """A sentence of each document on what a question asks about; None for less than two.

    By date, those without one last.
    """
    allowed = index.allowed(splits)
    search = index.search(question, splits=splits)
    fit = relevances(search, allowed)
    quotes = {}
    on = _subject(index, graph, question, allowed, least=1)
    for each in (on, _translated(index, question, on, search, allowed)):
        within = {}
        for place in each.places:
            within.setdefault(graph.documents[place], []).append(place)
        for document, places in within.items():
            quotes[document] = quotes.get(document) or _best(index, graph, places, each, fit)
    found = [best[0] for best in quotes.values() if best]
    found = sorted(found, key=lambda quote: -fit[quote.passage])[:_MOST]
    found.sort(key=lambda quote: index.passages[quote.passage].date or "9999")
    return Timeline(_as_asked(question, on.subject), found) if len(found) > 1 else None


class _On(NamedTuple):
    """A `subject`, its numbers in the graph where it is a name, and the passages that have it."""

    subject: str
    names: list[int]
    places: list[int]


def _subject(index, graph, question, allowed, least=2):
    names = graph.named(question)
    if names:
        subject, places = graph.entities[names[0]].name, graph.held[:, names[0]].nonzero()[0]
    else:
        subject, places = _by_word(index, question, allowed, least)
    return _On(subject, list(names[:1]), [int(place) for place in places if allowed[place]])


def _translated(index, question, on, search, allowed):
    """The same in the author's other language: the word that means it, by its embedding.

    It is looked for among the words of the passages in that language nearest to the question.
    """
    nothing = _On("", [], [])
    if on.names or not on.subject or search.similarities is None:
        return nothing
    language = language_of(on.subject)
    near = [
        place
        for place in (-search.similarities).argsort()
        if allowed[place] and index.languages[place] != language
    ]
    words = sorted(
        {word for at in near[:_NEAR] for word in unwritten.whole_words(index.texts[at], 1)}
    )
    words = [word for word in words if language_of(word) != language]
    if not words:
        return nothing
    vectors = index.embedder.compute([_as_asked(question, on.subject), *words], False)
    similar = vectors[1:] @ vectors[0]
    best = int(similar.argmax())
    if similar[best] < _TRANSLATES:
        return nothing
    word = lexical.words(words[best])[0]
    places = [int(place) for place in index.lexical.texts_with(word) if allowed[place]]
    return _On(words[best], [], places)


def _as_asked(question, subject):
    """A word of a question as it is written there, by its stem."""
    words = re.findall(r"\w+", question)
    return next((word for word in words if lexical.words(word)[:1] == [subject]), subject)


def _best(index, graph, places, on, fit):
    """[the sentence on a subject that says most], of these passages; [] without one."""
    told = [
        Quote(place, part)
        for place in sorted(places, key=lambda place: -fit[place])
        for text in _on(index, graph, place, on.subject, on.names)
        if (part := _part(text, on.subject))
    ]
    return [max(told, key=lambda quote: _says(quote, fit[quote.passage]))] if told else []


def _by_word(index, question, allowed, least):
    """The rarest word of a question that `least` documents have, and the passages with it."""
    found, asking = {}, set(lexical.words(" ".join(data("question_kinds")["asking"].values())))
    for word in lexical.subject_words(question):
        places = [place for place in index.lexical.texts_with(word) if allowed[place]]
        if (
            word not in asking
            and len({index.passages[place].document for place in places}) >= least
        ):
            found[word] = places
    if not found:
        return "", []
    return min(found.items(), key=lambda each: len(each[1]))


def _on(index, graph, place, subject, names):
    """The sentences of a passage that mention a name of the graph, or else a word."""
    passage = index.passages[place]
    if names:
        told = graph.told(place, passage)
        return [text for text, numbers in told if names[0] in numbers and text in passage.text]
    terms = set(lexical.terms(subject))
    return [text for text in lexical.sentences(passage.text) if terms <= set(lexical.terms(text))]


def _part(text, subject):
    """A sentence, of a long one the clauses around the subject; '' for less than a few words."""
    if len(text) > _LONGEST:
        place = text.lower().find(subject.split(" ")[-1].lower())
        ends = [0, *(match.end() for match in CLAUSE.finditer(text)), len(text)]
        start = max(end for end in ends if end <= max(0, place))
        end = max([end for end in ends if start < end <= start + _LONGEST], default=0)
        text = text[start:end].strip()
    return text if len(text) >= _SHORTEST else ""


def _says(quote, fit):
    """A key: a question, or a few words, says less of what the author thought than "I like" does.

    `fit` is how well its passage fits the question.
    """
    thinks, asks = bool(_opinion().search(quote.text)), quote.text[-1] in "?？"
    return thinks - asks, fit * len(quote.text)


@functools.cache
def _opinion():
    return re.compile("|".join(data("question_kinds")["opinion"].values()), re.IGNORECASE)
