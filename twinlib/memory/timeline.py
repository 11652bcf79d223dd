"""How an author's mind changed about something: his own sentences on it, by date.

The dates of the documents that have the subject are cut into periods with as many documents each;
of every period the sentence is shown that fits the question best.
"""

import re
from collections.abc import Iterable
from typing import NamedTuple

from ..i18n import data
from . import lexical
from .communities import Quote
from .entities import sentences
from .graph import Graph, relevances
from .index import Index

_PERIODS = 5
_LONGEST = 300  # characters of a sentence that is quoted
_SHORTEST = 6
_COMPARED = 4  # passages of a period whose sentences are compared


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
        subject = graph.entities[names[0]].name
        held = graph.held[:, names[0]].toarray().ravel() > 0
        places = [place for place in held.nonzero()[0] if allowed[place]]
    else:
        subject, places = _by_word(index, question, allowed)
    dated = sorted(
        (place for place in places if index.passages[place].date),
        key=lambda place: index.passages[place].date,
    )
    documents = list(dict.fromkeys(graph.documents[place] for place in dated))
    if len(documents) < 2:
        return None
    fit = relevances(index.search(question, splits=splits), allowed)
    count = min(_PERIODS, len(documents))
    quotes = []
    for period in range(count):
        start, end = period * len(documents) // count, (period + 1) * len(documents) // count
        within = set(documents[start:end])
        quote = _best(index, [p for p in dated if graph.documents[p] in within], subject, fit)
        if quote is not None:
            quotes.append(quote)
    return Timeline(subject, quotes) if len(quotes) > 1 else None


def _by_word(index, question, allowed):
    """The rarest word of a question that several documents have, and the passages with it."""
    found = {}
    for word in lexical.subject_words(question):
        places = [place for place in index.lexical.texts_with(word) if allowed[place]]
        if len({index.passages[place].document for place in places}) > 1:
            found[word] = places
    if not found:
        return "", []
    return min(found.items(), key=lambda each: len(each[1]))


def _best(index, places, subject, fit):
    """A sentence on the subject: long, no question, in a passage that fits."""
    terms = set(lexical.terms(subject))
    told = []
    for place in sorted(places, key=lambda place: -fit[place])[:_COMPARED]:
        for text in sentences(index.passages[place].text):
            if terms <= set(lexical.terms(text)) and _SHORTEST <= len(text) <= _LONGEST:
                told.append(Quote(int(place), text))
    opinion = re.compile("|".join(data("question_kinds")["opinion"].values()), re.IGNORECASE)

    def says(quote):
        # A question, or a few words, says less of what the author thought than "I like" does.
        thinks, asks = bool(opinion.search(quote.text)), quote.text[-1] in "?？"
        return thinks - asks, fit[quote.passage] * len(quote.text)

    return max(told, key=says, default=None)
