"""Answers and log-likelihoods of a loaded transformers model, in batches.

Where the memory runs out, batches are halved.

A nucleus of 0.9 is a few dozen tokens, yet sorting Gemma's 262,144 logits and drawing from all of
them takes a CPU longer than the model itself. So only the most likely tokens are sorted, and all of
them only where these hold too little probability. Answers of GGUF files are in llama_cpp.py.
"""

import contextlib
import itertools
import weakref
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, NamedTuple

from ..twin import Stopped
from . import special_tokens
from .free_memory import ran_out
from .load import device, end_tokens, silence_logging, stop_text

if TYPE_CHECKING:
    from transformers import LogitsProcessor, PreTrainedModel, PreTrainedTokenizerBase

_MOST_LIKELY = 256  # logits that are sorted first
_RECENT = 64  # last tokens that the repeat penalty counts, as in llama.cpp and Ollama


class Answer(NamedTuple):
    """One answer: its text, whether the model ended it by itself, its length in tokens."""

    text: str
    ended: bool
    tokens: int


class Sampling(NamedTuple):
    """How tokens are drawn, under Ollama's names: see `nucleus`. Temperature 0 is greedy."""

    temperature: float = 0.7
    top_p: float = 0.9
    top_k: int = 0
    min_p: float = 0.0
    repeat_penalty: float = 1.0
    seed: int = 1

    def processors(self) -> list["LogitsProcessor"]:
        """What model.generate draws by; [] for greedy answers."""
        return [nucleus(*self[:-1])] if self.temperature else []


def answers(
    model: "PreTrainedModel",
    tokenizer: "PreTrainedTokenizerBase",
    conversations: list[list[dict]],
    max_tokens: int = 200,
    *,
    batch: int | None = None,
    starts: list[str] | None = None,
    progress: Callable[[int, int], None] | None = None,
    on_text: Callable[[str], None] | None = None,
    finished: Callable[[int, Answer], None] | None = None,
    **sampling,
) -> list[Answer]:
    """Answer each conversation (a list of messages); the answers are in the same order.

    `starts` are the words that each answer begins with, which the texts are returned without.
    `sampling` are fields of Sampling. Conversations of similar length share a batch, so the drawn
    tokens depend on the batch size.

    With a single conversation `on_text` is called with each piece of the answer as it comes; what
    it raises ends the answer. `progress(done, total)` counts answers: a batch moves it on with its
    tokens, as if every answer took `max_tokens`. What it raises ends the answers. finished(i,
    answer) is called for each conversation once its batch is answered; of a batch that `progress`
    ends, for those whose answers had ended.
    """
    import torch

    drawn = Sampling(**sampling)
    prompts = [
        special_tokens.prompt(tokenizer, conversation, start)
        for conversation, start in zip(conversations, starts or [""] * len(conversations))
    ]
    order = sorted(range(len(prompts)), key=lambda i: len(prompts[i]))
    results, stop = [None] * len(prompts), stop_text(tokenizer.chat_template or "")
    counted = Counted(progress, len(order), max_tokens) if progress else None
    torch.manual_seed(drawn.seed)
    options = _options(tokenizer, max_tokens, drawn, on_text)

    def keep(chosen, written, only_ended=False):
        for i, tokens in zip(chosen, written.tolist()):
            results[i] = as_answer(tokenizer, tokens, options["eos_token_id"], stop)
            if finished and (results[i].ended or not only_ended):
                finished(i, results[i])

    def answer(start, chosen):
        rows = [prompts[i] for i in chosen]
        width = max(map(len, rows))
        criteria = [counted.batch(start, len(rows))] if counted else []
        criteria += [_text_ends(tokenizer, stop, width)] if stop else []
        try:
            written = _written(model, rows, criteria, options)
        except (Stopped, KeyboardInterrupt):
            if counted and counted.written is not None:
                keep(chosen, counted.written[:, width:], only_ended=True)
            raise
        keep(chosen, written[:, width:])
        if counted:
            counted.reach(start + len(chosen))

    _in_batches(model, order, batch or (32 if device() == "cuda" else 24), answer)
    return results


def _options(tokenizer, max_tokens, sampling, on_text):
    """What model.generate gets for every batch; tokens are drawn by a LogitsProcessor of ours."""
    return {
        "max_new_tokens": max_tokens,
        "eos_token_id": end_tokens(tokenizer),
        "pad_token_id": tokenizer.pad_token_id,
        "streamer": _streamer(tokenizer, on_text) if on_text else None,
        "logits_processor": sampling.processors(),
        **dict.fromkeys(("temperature", "top_p", "top_k")),  # none of the model's own
        "do_sample": False,
        "use_cache": True,
    }


def _written(model, prompts, criteria, options):
    """Token ids of prompts, padded on the left, and of what the model writes behind them."""
    import torch

    ids, mask = _left_padded(prompts, options["pad_token_id"], model.device)
    options = {**options, "attention_mask": mask, "stopping_criteria": criteria or None}
    with torch.inference_mode(), silence_logging(), contiguous_head(model):
        return model.generate(input_ids=ids, **options)


# {model: {function that computes with it: rows that fit into memory}}
_fits: weakref.WeakKeyDictionary = weakref.WeakKeyDictionary()


def _in_batches(model, order, batch, compute):
    """Call compute(start, chosen) with so many of `order` at a time, fewer once memory ran out."""
    known, name = _fits.setdefault(model, {}), compute.__name__
    start, batch = 0, min(batch, known.get(name, batch))
    while start < len(order):
        chosen, fits = order[start : start + batch], True
        try:
            compute(start, chosen)
        except (RuntimeError, MemoryError) as error:
            if len(chosen) == 1 or not ran_out(error):
                raise
            fits = False
        if fits:
            start += len(chosen)
        else:  # outside of the exception, which holds the tensors
            from accelerate.utils.memory import clear_device_cache

            clear_device_cache(garbage_collection=True)
            known[name] = batch = len(chosen) // 2


class Counted:
    """Counts answers in batches for a progress(done, total): never twice the same number."""

    def __init__(self, progress, total, max_tokens):
        self.progress, self.total, self.max_tokens, self.done = progress, total, max_tokens, 0
        self.written = None  # the prompts and tokens of the batch that is being answered
        progress(0, total)

    def reach(self, done):
        """Say that so many are done, unless that is known."""
        if done > self.done:
            self.done = done
            self.progress(done, self.total)

    def batch(self, start, size):
        """A stopping criterion that never stops, and counts on with each token of a batch."""
        import torch
        from transformers import StoppingCriteria

        self.written = None
        counted, tokens = self, itertools.count(1)

        class Count(StoppingCriteria):
            def __call__(self, input_ids, scores, **more):
                counted.written = input_ids
                counted.reach(start + size * next(tokens) // counted.max_tokens)
                return torch.zeros(len(input_ids), dtype=torch.bool, device=input_ids.device)

        return Count()


def _streamer(tokenizer, on_text):
    """A streamer for model.generate that passes on whole words, and Chinese at once."""
    from transformers import TextStreamer

    class Pieces(TextStreamer):
        def on_finalized_text(self, text, stream_end=False):
            if text:
                on_text(text)

    return Pieces(tokenizer, skip_prompt=True, skip_special_tokens=True)


def _left_padded(rows, padding, device):
    """(input ids, attention mask) of shape (rows, longest row)."""
    import torch

    width = max(map(len, rows))
    ids = torch.tensor([[padding] * (width - len(row)) + row for row in rows], device=device)
    mask = torch.tensor([[0] * (width - len(row)) + [1] * len(row) for row in rows], device=device)
    return ids, mask


def _text_ends(tokenizer, stop, width):
    """A stopping criterion: a text in the last of the tokens after the first `width`."""
    import torch
    from transformers import StoppingCriteria

    class TextEnds(StoppingCriteria):
        def __call__(self, input_ids, scores, **more):
            last = input_ids[:, max(width, input_ids.shape[1] - len(stop) - 1) :].tolist()
            found = [stop in tokenizer.decode(tokens) for tokens in last]
            return torch.tensor(found, device=input_ids.device)

    return TextEnds()


def as_answer(
    tokenizer: "PreTrainedTokenizerBase", tokens: list[int], ends: list[int], stop: str = ""
) -> Answer:
    """The Answer that generated tokens are, up to the first that is among `ends`.

    A text `stop`, if given, ends it too.
    """
    length = next((k for k, token in enumerate(tokens) if token in ends), None)
    text = tokenizer.decode(tokens[:length], skip_special_tokens=True).strip()
    if stop and stop in text:
        text = text.partition(stop)[0].strip()
        return Answer(text, True, len(tokenizer(text)["input_ids"]))
    return Answer(text, length is not None, len(tokens[:length]))


def nll(
    model: "PreTrainedModel",
    tokenizer: "PreTrainedTokenizerBase",
    texts: list[str],
    length: int = 1024,
    progress: Callable[[int, int], None] | None = None,
    batch: int = 4,
) -> list[tuple[float, int]]:
    """(negative log-likelihood in nats, tokens) of each text, as plain text without a template.

    Texts are cut to `length` tokens. The first token is predicted from the beginning-of-text token,
    or from the padding token where the model has none.
    """
    import torch

    bos = tokenizer.bos_token_id
    first = tokenizer.pad_token_id if bos is None else bos
    rows = [[first] + special_tokens.plain(tokenizer, text)[:length] for text in texts]
    order = sorted(range(len(rows)), key=lambda i: len(rows[i]))
    scores = [None] * len(rows)

    def score(start, chosen):
        with torch.inference_mode():
            nats = _row_nll(model, [rows[i] for i in chosen], tokenizer.pad_token_id)
        for i, value in zip(chosen, nats):
            scores[i] = value, len(rows[i]) - 1
        if progress:
            progress(start + len(chosen), len(order))

    _in_batches(model, order, batch, score)
    return scores


def _row_nll(model, rows, padding):
    import torch

    width = max(map(len, rows))
    ids = torch.tensor([row + [padding] * (width - len(row)) for row in rows], device=model.device)
    mask = torch.tensor(
        [[1] * len(row) + [0] * (width - len(row)) for row in rows], device=model.device
    )
    logits = model(input_ids=ids, attention_mask=mask).logits
    # Row by row: a float32 copy of a batch's logits over a large vocabulary may not fit in memory.
    return [
        torch.nn.functional.cross_entropy(
            logits[i, : len(row) - 1].float(), ids[i, 1 : len(row)], reduction="sum"
        ).item()
        for i, row in enumerate(rows)
    ]


@contextlib.contextmanager
def contiguous_head(model: "PreTrainedModel") -> Iterator[None]:
    """A context in which the output head gets a contiguous copy of its input.

    transformers passes it a slice of the hidden states, for which torch's matmul copies the whole
    weight once for every row of the batch: 46 times as slow with a vocabulary of 262,144.
    `is_contiguous()` is true for a one-token slice, yet matmul still copies, hence a clone instead
    of `contiguous()`.
    """
    import torch

    def cloned(_, inputs):
        return inputs[0].clone(memory_format=torch.contiguous_format), *inputs[1:]

    hook = model.get_output_embeddings().register_forward_pre_hook(cloned)
    try:
        yield
    finally:
        hook.remove()


def nucleus(
    temperature: float,
    top_p: float,
    top_k: int = 0,
    min_p: float = 0.0,
    repeat_penalty: float = 1.0,
) -> "LogitsProcessor":
    """A LogitsProcessor that samples: it draws the next token and sets all other logits to -inf.

    For use with greedy decoding. In Ollama's order: `repeat_penalty` on tokens among the last 64,
    the `top_k` most likely (0: all), temperature, the fewest tokens that hold `top_p` of the
    probability, and of these the ones at least `min_p` times as likely as the first.
    """
    import torch
    from transformers import LogitsProcessor

    class Nucleus(LogitsProcessor):
        def __call__(self, input_ids, scores):
            logits = scores.float() / temperature
            if repeat_penalty != 1.0:
                logits = _penalised(logits, input_ids[:, -_RECENT:], repeat_penalty)
            p, tokens = _likeliest(logits, top_k, top_p)
            before = p.cumsum(-1) - p  # probability of the tokens before each; 0 for the first
            excluded = (before >= top_p) | (p < min_p * p[:, :1])
            drawn = tokens.gather(-1, torch.multinomial(p.masked_fill(excluded, 0), 1))
            return torch.full_like(scores, -torch.inf).scatter(-1, drawn, 0)

    return Nucleus()


def _penalised(logits, recent, penalty):
    values = logits.gather(-1, recent)
    return logits.scatter(-1, recent, (values / penalty).where(values > 0, values * penalty))


def _likeliest(logits, top_k, top_p):
    """(probabilities, tokens), most likely first: `top_k`, or at least as many as hold `top_p`."""
    vocabulary = logits.shape[-1]
    if top_k:
        values, tokens = logits.topk(min(top_k, vocabulary))
        return values.softmax(-1), tokens
    total = logits.logsumexp(-1, keepdim=True)
    for size in (min(_MOST_LIKELY, vocabulary), vocabulary):
        values, tokens = logits.topk(size)
        p = (values - total).exp()
        if bool((p.sum(-1) >= min(top_p, 0.9999)).all()):
            break
    return p, tokens
