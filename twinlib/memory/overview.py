"""Answers that no single passage holds: what the author keeps coming back to, and how it changed.

They are put together of the author's own sentences; no model is asked.
"""

from collections.abc import Iterable
from typing import NamedTuple

from ..i18n import both, listed
from ..text.script import language_of
from ..twin import Twin
from . import communities, graph, kinds, timeline
from .communities import Quote
from .index import Index, Search

_MOST = 5  # passages for a question on several texts, at least


class Told(NamedTuple):
    """An answer, and the author's sentences that its numbers in brackets stand for."""

    text: str
    quotes: list[Quote]


class Overview:
    """The graph of a twin's memory and its groups, as questions need them."""

    def __init__(self, twin: Twin, index: Index):
        """Open them; without a graph, or with a damaged one, every question is one on a fact."""
        self.index = index
        self.graph = graph.load(twin, index.passages)
        self.groups = communities.load(twin, self.graph) if self.graph else []

    def kind_of(self, question: str) -> str:
        """The kind of a question, see kinds.py."""
        return kinds.kind_of(question) if self.graph else kinds.FACT

    def told(self, kind: str, question: str, splits: Iterable[str] | None = None) -> Told | None:
        """The answer to a question on all texts, on a change or on all of a subject, or None."""
        language = language_of(question)
        if kind == kinds.RETURNING:
            return self._returning(language, splits)
        if kind == kinds.CHANGE:
            return self._by_date("memory.over_time", timeline.of, language, question, splits)
        if kind == kinds.EVERYTHING:
            return self._by_date(
                "memory.all_about", timeline.everything, language, question, splits
            )
        return None

    def _returning(self, language, splits):
        found = communities.themes(self.index, self.graph, self.groups, language, splits=splits)
        if not found:
            return None
        lines = [both("memory.keeps_coming_back")[language]]
        for number, theme in enumerate(found, 1):
            years = (
                "–".join(dict.fromkeys([theme.years[0], theme.years[-1]])) if theme.years else ""
            )
            key = "memory.theme_in_years" if years else "memory.theme"
            names = listed(theme.names)[language]
            values = {"names": names, "documents": theme.documents, "years": years}
            lines.append(both(key, number=number, **values)[language])
        return Told("\n".join(lines), [theme.quote for theme in found])

    def _by_date(self, heading, find, language, question, splits):
        found = find(self.index, self.graph, question, splits)
        if found is None:
            return None
        lines = [both(heading, subject=found.subject)[language]]
        for number, quote in enumerate(found.quotes, 1):
            passage = self.index.passages[quote.passage]
            date = passage.date[:10]
            has_title = passage.title and passage.title != date
            key = "memory.at_a_time" if has_title else "memory.at_a_time_untitled"
            values = {"date": date, "title": passage.title}
            lines.append(both(key, number=number, **values)[language])
        return Told("\n".join(lines), found.quotes)

    def linked(
        self, kind: str, question: str, search: Search, splits: Iterable[str] | None = None
    ) -> list[int]:
        """The passages for a question, by position: those that were found, or by the graph as well.

        The graph takes part only where it finds more (`benchmarks/memory_graph.py`): alone for
        ELSEWHERE, as a third ranking for LINKED.
        """
        if kind not in (kinds.ELSEWHERE, kinds.LINKED):
            return search.found
        ranked = self.graph.elsewhere(self.index, question, search, splits)
        rankings = search.rankings if kind == kinds.LINKED else []
        return self.index.chosen([*rankings, ranked], max(_MOST, len(search.found))) or search.found
