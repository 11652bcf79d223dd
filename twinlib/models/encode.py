"""Training rows to token ids and a mask of the tokens to learn.

Pure: the tokenizer and the chat template are passed in as functions.
"""

import re
from collections.abc import Callable
from typing import NamedTuple

from ..files import TwinError
from ..i18n import t
from ..text.script import SENTENCE
from ..text.templates import without_empty_thought


class Encoded(NamedTuple):
    """One row: token ids, a mask (1 learnt, 0 only read), and whether its text was shortened."""

    input_ids: list[int]
    completion_mask: list[int]
    cut: bool


def encode_row(
    row: dict,
    render: Callable[[list[dict], bool], str],
    tokenize: Callable[[str], list[int]],
    end: int,
    first: int | None = None,
    length: int = 1024,
) -> Encoded | None:
    """Encode one row in at most `length` tokens.

    `render(messages, generate)` gives the text of a conversation, with `generate` up to where the
    next answer begins; `tokenize(text)` gives token ids; `end` is the end-of-turn id, `first` the
    beginning-of-text id if the model has one. All tokens of raw rows that fit are learnt, and no
    end; of a conversation only the last answer and its end of turn. An answer that is too long
    ends, with its end of turn, after the last sentence that fits; None where none does. Raises
    TwinError for a chat template whose prompt is no prefix of the conversation, or that writes no
    end of turn.
    """
    if row["kind"] == "raw":
        ids = tokenize(row["messages"][0]["content"])
        opening = [] if first is None else [first]
        mask = [0] * len(opening) + [1] * len(ids)
        return Encoded((opening + ids)[:length], mask[:length], len(mask) > length)
    prompt = render(row["messages"][:-1], True)
    read = tokenize(prompt)
    *before, answer = row["messages"]
    for text in _shortened(answer["content"]):
        learnt = _answer([*before, {**answer, "content": text}], prompt, render, tokenize, end)
        if len(read) + len(learnt) <= length:
            mask = [0] * len(read) + [1] * len(learnt)
            return Encoded(read + learnt, mask, text != answer["content"])
    return None


def _shortened(text):
    """Yield a text, then what is left of it without its last sentence or line, its last two, …"""
    yield text
    ends = {match.start() for match in (*SENTENCE.finditer(text), *re.finditer("\n", text))}
    for end in sorted(ends, reverse=True):
        if (shorter := text[:end].rstrip()) and shorter != text.rstrip():
            yield shorter


def _answer(messages, prompt, render, tokenize, end):
    """The token ids of the last message, up to its end of turn."""
    text = render(messages, False)
    if not text.startswith(prompt):
        # Gemma 4's prompt ends with an empty thought, which its conversations don't have.
        prompt = without_empty_thought(prompt)
    if not text.startswith(prompt):
        raise TwinError(t("models.template_prompt_is_no_prefix"))
    learnt = tokenize(text[len(prompt) :])
    if end not in learnt:
        raise TwinError(t("models.template_without_end"))
    # What the template writes after the end of turn is left out.
    return learnt[: len(learnt) - learnt[::-1].index(end)]


def end_is_learnt(rows: list[Encoded], end: int, padding: int) -> bool:
    """Whether each conversation learns its end of turn, and padding is another token."""
    conversations = [row for row in rows if 0 in row.completion_mask[1:]]
    learnt = [row.input_ids[-1] == end and row.completion_mask[-1] == 1 for row in conversations]
    return bool(learnt) and all(learnt) and end != padding


def pieces(ids: list[int], mask: list[int], decode: Callable[[list[int]], str]) -> list[dict]:
    """[{text, learnt}]: a row decoded in runs of learnt and of only read tokens, for display."""
    runs = []
    for token, learnt in zip(ids, mask):
        if runs and runs[-1][1] == bool(learnt):
            runs[-1][0].append(token)
        else:
            runs.append(([token], bool(learnt)))
    return [{"text": decode(run), "learnt": learnt} for run, learnt in runs]
