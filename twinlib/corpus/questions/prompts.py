"""Questions written as plain text: the prompts, and what a reply is.

Every prompt begins with the same instructions and examples for all passages of a language, so that
llama.cpp computes them once. The examples are invented.
"""

import hashlib
from collections.abc import Callable
from typing import TYPE_CHECKING

from ...i18n import data
from ..records import Passage
from . import validate

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

TRIES = 2  # questions asked for, at most, until one passes the check
REPLY_TOKENS = 48
SAMPLED = 0.7  # temperature of the second try; the first is greedy
_GPU_TOKENS, _GPU_BATCH = 260, 128  # of a passage that the model reads; passages at once


def messages(passage: Passage, tokens: int, attempt: int = 0) -> list[dict[str, str]]:
    """The chat that asks for one question about the first `tokens` or so of a passage."""
    prompt = data("question_prompts")[passage.language]
    chat = [{"role": "system", "content": prompt["instruction"]}]
    turn = int(hashlib.sha256(f"prompt {passage.id}".encode()).hexdigest()[:8], 16)
    for example in prompt["examples"]:
        question = example["questions"][(turn + attempt) % len(example["questions"])]
        chat.append({"role": "user", "content": example["passage"]})
        chat.append({"role": "assistant", "content": question})
    text = validate.beginning(passage.text, tokens)
    return [*chat, {"role": "user", "content": text}]


def temperature(attempt: int) -> float:
    """The temperature of a try: the same reply would only fail again."""
    return SAMPLED if attempt else 0.0


def replies(
    model: "PreTrainedModel",
    tokenizer: "PreTrainedTokenizerBase",
    passages: list[Passage],
    attempt: int = 0,
    tokens: int = _GPU_TOKENS,
    batch: int = _GPU_BATCH,
    progress: Callable[[int, int], None] | None = None,
) -> list[str]:
    """The replies of a loaded model, one a passage and in their order; `attempt` counts from 0.

    `tokens` of each passage are read, `batch` passages at once.
    """
    from ...models import generate

    chats = [messages(p, tokens, attempt) for p in passages]
    answers = generate.answers(
        model,
        tokenizer,
        chats,
        max_tokens=REPLY_TOKENS,
        temperature=temperature(attempt),
        seed=1 + attempt,
        batch=batch,
        progress=progress,
    )
    return [answer.text for answer in answers]
