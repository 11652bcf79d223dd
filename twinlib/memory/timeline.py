"""How an author's mind changed about something: his own sentences on it, by date.

The dates of the documents that have the subject are cut into periods with as many documents each;
of every period the sentence is shown that says most of what the author thought.
"""

import functools
import re
from collections.abc import Iterable
from typing import NamedTuple

from ..i18n import data
from ..text.script import CLAUSE
from . import lexical
from .communities import Quote
from .graph import Graph, relevances
from .index import Index

_PERIODS = 5
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
    names = graph.named(question)
    if names:
        subject, places = graph.entities[names[0]].name, graph.held[:, names[0]].nonzero()[0]
    else:
        subject, places = _by_word(index, question, allowed)
    dated = sorted(
        (place for place in places if allowed[place] and index.passages[place].date),
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
        near = sorted((p for p in dated if graph.documents[p] in within), key=lambda p: -fit[p])
        told = []
        for place in near:
            told += [
                Quote(int(place), part)
                for text in _on(index, graph, place, subject, names[:1])
                if (part := _part(text, subject))
            ]
        if told:
            quotes.append(max(told, key=lambda quote: _says(quote, fit[quote.passage])))
    return Timeline(subject, quotes) if len(quotes) > 1 else None


def _by_word(index, question, allowed):
    """The rarest word of a question that several documents have, and the passages with it."""
    found, asking = {}, set(lexical.words(" ".join(data("question_kinds")["asking"].values())))
    for word in lexical.subject_words(question):
        places = [place for place in index.lexical.texts_with(word) if allowed[place]]
        if word not in asking and len({index.passages[place].document for place in places}) > 1:
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
