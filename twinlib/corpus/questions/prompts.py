"""Questions written as plain text: the prompts, and how a reply begins.

The instructions are the same for all passages of a language, so that llama.cpp computes them once.
The first words of a question are given: without them a small model copies a sentence, or its
examples, and asks everything in the same way.
"""

import hashlib
from collections.abc import Callable
from typing import TYPE_CHECKING

from ...i18n import data
from ..records import Passage
from . import titles, validate

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

TRIES = 4  # questions asked for, at most, until one passes the check
REPLY_TOKENS = 48
GPU_TOKENS, GPU_BATCH = 260, 256  # of a passage that the model reads; passages at once


def messages(passage: Passage, tokens: int) -> list[dict[str, str]]:
    """The chat that asks for one question about the first `tokens` or so of a passage."""
    title = passage.title if passage.index == 0 and titles.usable(passage.title) else ""
    text = validate.beginning(passage.text, tokens)
    return [
        {"role": "system", "content": data("question_prompts")[passage.language]["instruction"]},
        {"role": "user", "content": "\n\n".join(filter(None, (title, text)))},
    ]


def start(passage: Passage, attempt: int) -> str:
    """The first words of the question, chosen by the passage's id; other ones in the next try."""
    starts = data("question_prompts")[passage.language]["starts"]
    turn = int(hashlib.sha256(f"start {passage.id}".encode()).hexdigest()[:8], 16)
    return starts[(turn + attempt) % len(starts)]


def replies(
    model: "PreTrainedModel",
    tokenizer: "PreTrainedTokenizerBase",
    turns: list[tuple[Passage, int]],
    tokens: int = GPU_TOKENS,
    batch: int = GPU_BATCH,
    progress: Callable[[int, int], None] | None = None,
) -> list[str]:
    """The replies of a loaded model to turns (passage, attempt), in their order.

    Attempts count from 0; another one begins with other words. `tokens` of each passage are read,
    `batch` passages at once.
    """
    from ...models import generate

    starts = [start(passage, attempt) for passage, attempt in turns]
    answers = generate.answers(
        model,
        tokenizer,
        [messages(passage, tokens) for passage, _ in turns],
        max_tokens=REPLY_TOKENS,
        temperature=0,
        batch=batch,
        progress=progress,
        starts=starts,
    )
    return [begun(first, answer.text) for first, answer in zip(starts, answers)]


def begun(start: str, rest: str) -> str:
    """A question from its first words and the text that a model went on with."""
    space = " " if start.isascii() and rest[:1].isalnum() else ""
    return f"{start}{space}{rest}"
