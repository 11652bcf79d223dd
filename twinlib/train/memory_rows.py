"""Training rows that show the twin passages of its author before the question.

So it learns to use its memory in its own voice. Two in three of these rows have the passage that
answers among others, and are answered by its sentences nearest to the question; one in three has
only passages of other texts, which the answer must not use: it is the same either way. A share of
such rows keeps a model from reciting whatever it is shown, as in RAFT (Zhang et al. 2024, arXiv
2403.10131). They look as in a conversation with memory (memory/recall.py), and nothing held out is
shown.
"""

from collections.abc import Callable
from itertools import islice

from ..files import content_id
from ..memory.index import Index, Passage
from ..memory.own_words import own_words
from ..memory.recall import SHOWN, with_passages
from ..text.samples import FROM_TITLES
from ..text.script import tokens_estimate
from ..twin import Twin

_WRONG = 3  # every third row has only wrong passages
_FOUND = 12  # passages that are looked at for each row


def eligible(rows: list[dict], index: Index) -> list[dict]:
    """The rows that ask for a passage of the index and answer with it, in a fixed random order.

    Those whose questions are made from a title, which ask for no sentence in it, come last.
    """
    texts = {passage.id: passage.text for passage in index.passages}
    found = [
        row
        for row in rows
        if row["kind"] == "qa" and row["messages"][-1]["content"] == texts.get(row["passage"])
    ]
    return sorted(
        found, key=lambda row: (row["source"] in FROM_TITLES, content_id(f"memory row {row['id']}"))
    )


def with_memory(
    rows: list[dict], index: Index, share: float, progress: Callable[[int, int], None]
) -> list[dict]:
    """The rows, of which a share of those that ask show passages before the question.

    `index` holds training passages alone. Such a row has `shown`, 'right' or 'wrong', and as
    `plain` the row that it replaces, for where it is too long. progress(done, total) is called
    before each.
    """
    asking = sum(row["kind"] == "qa" for row in rows)
    chosen = eligible(rows, index)[: round(share * asking)]
    changed, by_id = {}, {passage.id: passage for passage in index.passages}
    for number, row in enumerate(chosen):
        progress(number, len(chosen))
        own, wrong = by_id[row["passage"]], number % _WRONG == _WRONG - 1
        changed[row["id"]] = _changed(row, own, index, wrong)
    return [changed.get(row["id"], row) for row in rows]


def _changed(row, own, index, wrong):
    *before, answer = row["messages"]
    shown = passages_for(before[-1]["content"], own, index, wrong)
    words = "\n\n".join(place.text for place in own_words(before[-1]["content"], [own]))
    if not shown or not words:
        return row
    messages = [*with_passages(shown, before), {**answer, "content": words}]
    return {**row, "messages": messages, "shown": "wrong" if wrong else "right", "plain": row}


def passages_for(question: str, own: Passage, index: Index, wrong: bool) -> list[Passage]:
    """The passages that the index finds for a question that `own` answers, the best first.

    With `wrong` only such of other texts; else `own` is among them, where the search missed it in
    any of the places.
    """
    found = [index.passages[place] for place in index.search(question, _FOUND).found]
    # After those that the search finds, any: words alone may find none.
    others = dict.fromkeys((*found, *(p for p in index.passages if p.language == own.language)))
    if wrong:
        return list(islice((p for p in others if p.document != own.document), SHOWN))
    if own in found[:SHOWN]:
        return list(islice(others, SHOWN))
    shown = list(islice((p for p in others if p != own), SHOWN - 1))
    shown.insert(int(content_id(f"place {question}"), 16) % SHOWN, own)
    return shown


def more_tokens(twin: Twin, share: float) -> int:
    """About how many tokens the passages add to the training rows, for the plan."""
    asking = sum(row["kind"] == "qa" for row in twin.records("train"))
    passages = [p["text"] for p in twin.records("passages") if p["split"] == "train"]
    if not passages:
        return 0
    mean = sum(map(tokens_estimate, passages)) / len(passages)
    # The answer becomes shorter by about half a passage.
    return round(share * asking * (SHOWN - 0.5) * mean)
