"""Training rows to token ids and to what is learnt of them. Pure: the tokenizer and its template come as functions."""

from typing import NamedTuple

from ..files import TwinError
from ..i18n import t


class Encoded(NamedTuple):
    """One row: token ids, and for each 1 when it is learnt, 0 when it is only read; `cut` when the end was lost."""

    input_ids: list
    completion_mask: list
    cut: bool


def encode_row(row, render, tokenize, end, first=None, length=1024):
    """Encode one row.

    `render(messages, generate)` gives the text of a conversation, `tokenize(text)` its ids, `end` is the id of the
    end of turn, `first` the id every text begins with, if the model has one. Raw rows are learnt whole, as plain
    text; of a conversation only the last answer and its end of turn. Raises TwinError for a template that won't do.
    """
    if row["kind"] == "raw":
        ids = tokenize(row["messages"][0]["content"])
        opening = [] if first is None else [first]
        return _cut(opening + ids, [0] * len(opening) + [1] * len(ids), length, row["kind"])
    prompt = render(row["messages"][:-1], True)
    whole = render(row["messages"], False)
    if not whole.startswith(prompt):
        raise TwinError(t("models.template_prompt_is_no_prefix"))
    read, learnt = tokenize(prompt), tokenize(whole[len(prompt) :])
    if end not in learnt:
        raise TwinError(t("models.template_without_end"))
    learnt = learnt[
        : len(learnt) - learnt[::-1].index(end)
    ]  # what a template writes after the turn is not learnt
    return _cut(read + learnt, [0] * len(read) + [1] * len(learnt), length, row["kind"])


def _cut(ids, mask, length, kind):
    return Encoded(ids[:length], mask[:length], len(ids) > length and kind != "raw")


def end_is_learnt(rows, end, padding):
    """Whether every whole conversation among the encoded rows learns its end of turn, and padding is another token."""
    conversations = [row for row in rows if not row.cut and 0 in row.completion_mask[1:]]
    learnt = [row.input_ids[-1] == end and row.completion_mask[-1] == 1 for row in conversations]
    return bool(learnt) and all(learnt) and end != padding


def pieces(ids, mask, decode):
    """[{text, learnt}]: a decoded sample in runs of learnt and merely read tokens, for people to look at."""
    runs = []
    for token, learnt in zip(ids, mask):
        if runs and runs[-1][1] == bool(learnt):
            runs[-1][0].append(token)
        else:
            runs.append(([token], bool(learnt)))
    return [{"text": decode(run), "learnt": learnt} for run, learnt in runs]
