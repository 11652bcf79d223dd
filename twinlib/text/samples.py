"""Which of a twin's questions to show and to ask where there is time for a few only."""

from .script import language_of

FROM_TITLES = ("title", "heading")  # sources of questions that were made from a title


def in_turn(*groups: list[dict]) -> list[dict]:
    """The question rows of all groups, best first, the languages of their answers in turn.

    In each language all rows of a group come before those of the next. Within a group every passage
    is asked about once, by a natural question before those by a title, before any passage is asked
    about again.
    """
    seen, by_language = {}, {}
    for number, row in ((i, row) for i, rows in enumerate(groups) for row in rows):
        if row["kind"] == "qa":
            answer = row["messages"][-1]["content"]
            passage = row.get("passage") or answer
            seen[passage] = seen.get(passage, 0) + 1
            rank = number, seen[passage], row.get("source") in FROM_TITLES
            by_language.setdefault(language_of(answer), []).append((rank, row))
    queues = [sorted(queue, key=lambda ranked: ranked[0]) for queue in by_language.values()]
    longest = max(map(len, queues), default=0)
    return [queue[i][1] for i in range(longest) for queue in queues if i < len(queue)]
