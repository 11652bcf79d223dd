"""Many answers at once, with the log-probability of each drawn token: the sampling half of GRPO.

Several prompts, each answered several times, are one batch. A prompt is read once, and its keys and
values are copied for its answers; so are those of a long beginning that all prompts share. They lie
in a cache of fixed size, so that on an NVIDIA GPU one step of decoding is recorded as a CUDA graph
and replayed: no kernel waits for Python. Answers that have ended leave the batch when a quarter or
half of it has. LoRA is added to each product as in
training, never merged: a merged 16-bit weight swallows small updates, and a 4-bit one all of them.
So the policy that answers is the one that trains, with any base.

Greedy answers are those of transformers' `generate`. Models of families that
models/families.py doesn't know are left to it.
"""

import contextlib
import sys
from collections.abc import Callable, Iterator
from os.path import commonprefix
from typing import TYPE_CHECKING, NamedTuple

from . import generate, load, low_rank, special_tokens
from .families import head_dim
from .rollout_buffers import Board, Reading, Rollout, Sharing, Writing

if TYPE_CHECKING:
    from peft import PeftModel
    from transformers import PretrainedConfig, PreTrainedModel, PreTrainedTokenizerBase

NAME = "rollouts"  # the attention's name in transformers
_PROMPTS = {"cuda": 16, "cpu": 48}  # read at once
_WIDTH = 32  # on a GPU prompts are padded to a multiple of this many tokens: fewer graphs
_WORTH_SHARING = 512  # tokens that need not be read again; reading a beginning alone takes a pass
_LOOK_EVERY = 8  # steps between looks at which answers have ended; each waits for the GPU
_MOST_ROWS = 256
_ROWS_ON_CPU = 24


class Ending(NamedTuple):
    """What an answer that is cut off goes on with, as token ids, and how many tokens follow it."""

    tokens: list[int]
    more: int


# Model types with one kind of keys and values in all layers, run here and compared with `generate`
_FAMILIES = ("qwen2", "qwen3", "llama", "mistral", "gemma3_text")


def fits(model: "PreTrainedModel | PeftModel") -> bool:
    """Whether Sampler can run a model; if not, transformers' `generate` has to."""
    plain = all(map(low_rank.is_plain, low_rank.lora_layers(model)))
    return plain and knows(_base(model).config)


def knows(config: "PretrainedConfig") -> bool:
    """Whether Sampler can run models of such a configuration."""
    windowed = getattr(config, "sliding_window", None) and not hasattr(config, "layer_types")
    replaced = "unsloth" in sys.modules  # it replaces the layers of transformers
    return config.model_type in _FAMILIES and not replaced and not windowed


def answers(
    model: "PreTrainedModel | PeftModel",
    tokenizer: "PreTrainedTokenizerBase",
    conversations: list[list[dict]],
    max_tokens: int = 200,
    temperature: float = 0.7,
    copies: int = 1,
    progress: Callable[[int, int], None] | None = None,
    rows: int | None = None,
) -> list[generate.Answer]:
    """Answer each conversation `copies` times, in the order of the conversations.

    Temperature 0 is greedy. `rows` are answered at once. Falls back to generate.answers.
    """
    if not fits(model):
        repeated = [turns for turns in conversations for _ in range(copies)]
        options = {"temperature": temperature, "top_p": 1.0, "progress": progress}
        return generate.answers(model.eval(), tokenizer, repeated, max_tokens, **options)
    return Sampler(model, tokenizer, max_tokens, rows).answers(
        conversations, temperature, copies, progress
    )


class Sampler:
    """Answers of a model of at most `max_tokens` tokens, `rows` at once (None: what fits).

    Buffers and recorded graphs are kept from call to call, until `free`.
    """

    def __init__(self, model, tokenizer, max_tokens: int, rows: int | None = None):
        self.model, self.base, self.tokenizer = model, _base(model), tokenizer
        self.max_tokens, self.rows = max_tokens, rows
        self.ends = load.end_tokens(tokenizer)
        self.device, self.dtype = self.base.device, self.base.get_input_embeddings().weight.dtype
        self.adapters = low_rank.Adapters(model, self.dtype)
        self.records = self.device.type == "cuda"  # graphs, as long as that works
        self.fewest = 8 if self.records else 1  # fewer rows at once are hardly faster on a GPU
        self.multiple = _WIDTH if self.records else 1
        self.length, self.board = max_tokens, None

    def answers(
        self,
        conversations: list[list[dict]],
        temperature: float = 0.0,
        copies: int = 1,
        progress: Callable[[int, int], None] | None = None,
        endings: list[tuple[str, int]] | None = None,
        until: Callable[[str], bool] | None = None,
    ) -> list[generate.Answer]:
        """As the function `answers`, and with the endings of Llama.chat_many.

        Where an answer was cut off and `until` of its text is false, the text of its conversation's
        ending is written behind it, and so many more tokens.
        """
        prompts = [special_tokens.prompt(self.tokenizer, turns) for turns in conversations]
        ends = [
            Ending(special_tokens.plain(self.tokenizer, text), more)
            for text, more in endings or ()
            for _ in range(copies)
        ]

        def is_over(tokens):
            return bool(until) and until(self.tokenizer.decode(tokens, skip_special_tokens=True))

        found = self.sample(prompts, copies, temperature, 1.0, progress, ends, is_over)
        return [generate.as_answer(self.tokenizer, rollout.tokens, self.ends) for rollout in found]

    def sample(
        self,
        prompts: list[list[int]],
        copies: int = 1,
        temperature: float = 1.0,
        top_p: float = 1.0,
        progress: Callable[[int, int], None] | None = None,
        endings: "list[Ending] | tuple" = (),
        is_over: Callable[[list[int]], bool] = lambda tokens: False,
    ) -> list[Rollout]:
        """`copies` answers to each prompt (token ids), all answers to the first one first.

        `progress(done, total)` counts answers, as if each took `max_tokens`; what it raises ends
        the sampling. An answer that was cut off, and of whose tokens `is_over` is false, goes on
        with its Ending, if there are any.
        """
        import torch

        if not prompts:
            return []
        self.length = self.max_tokens + max((len(e.tokens) + e.more for e in endings), default=0)
        rows = self.rows or self._fitting_rows(max(map(len, prompts)))
        draw = _Draw(temperature, top_p)
        # The longest come first, so that the buffers of the first batch do for all.
        left = sorted(range(len(prompts)), key=lambda i: -len(prompts[i]))
        at_once, found = max(1, rows // copies), [None] * len(prompts)
        counted = generate.Counted(progress or _silent, len(prompts) * copies, self.max_tokens)
        with self._sampling(), torch.no_grad():
            while left:
                chosen, done = left[:at_once], len(prompts) - len(left)
                count = self._count(counted, done * copies, len(chosen) * copies)
                batch = None
                try:
                    answered = self._batch([prompts[i] for i in chosen], copies, draw, count)
                    if endings:
                        own = [endings[i * copies + k] for i in chosen for k in range(copies)]
                        self._end(answered, own, is_over, draw)
                    batch = answered
                except torch.OutOfMemoryError:
                    if at_once == 1:
                        raise
                if batch is None:  # behind the exception, which holds the buffers
                    self.free()
                    torch.cuda.empty_cache()
                    at_once = -(-at_once // 2)
                    continue
                for k, i in enumerate(chosen):
                    found[i] = batch[k * copies : (k + 1) * copies]
                left = left[at_once:]
                count(self.max_tokens)
        return [rollout for group in found for rollout in group]

    def _count(self, counted, done, size):
        """A function of the tokens that each of `size` answers has, after `done` whole answers."""
        return lambda tokens: counted.reach(done + size * tokens // self.max_tokens)

    def free(self) -> None:
        """Let go of the buffers and graphs."""
        self.board = None

    @contextlib.contextmanager
    def _sampling(self) -> Iterator[None]:
        """A context in which the model decodes: eval mode, our attention, LoRA in its dtype."""
        load.register_attention(NAME, attend)
        training, before = self.model.training, self.base.config._attn_implementation
        self.base.set_attn_implementation(NAME)
        self.model.eval()
        contexts = contextlib.ExitStack()
        contexts.enter_context(self.adapters.in_place())
        contexts.enter_context(generate.contiguous_head(self.base))
        if self.device.type == "cuda":
            contexts.enter_context(_one_kernel_norms(self.base))
            contexts.enter_context(_kernels_with_masks())
        try:
            with contexts:
                yield
        finally:
            self.model.train(training)
            self.base.set_attn_implementation(before)

    def _fitting_rows(self, longest):
        """How many answers at once the free memory allows."""
        if self.device.type != "cuda":
            return _ROWS_ON_CPU
        config = self.base.config
        width = head_dim(config) * config.num_key_value_heads
        token = 2 * config.num_hidden_layers * width * self.dtype.itemsize
        row = token * (longest + self.length) + 14 * config.vocab_size
        return max(1, min(_MOST_ROWS, int(load.free_gpu_bytes() * 0.6 / row)))

    def _batch(self, prompts, copies, draw, count):
        board = self._board(prompts, copies)
        board.begin(prompts, copies, self.tokenizer.pad_token_id)
        self._read(board, prompts, copies, draw)
        rows, size = list(range(len(prompts) * copies)), len(prompts) * copies
        board.answers, found = rows, [None] * size
        for step in range(1, self.max_tokens):
            if step % _LOOK_EVERY == 0 or not self.records:
                ended = board.ended[:size].tolist()
                active = [slot for slot in range(len(rows)) if not ended[slot]]
                if not active:
                    break
                smaller = _bucket(len(found), len(active), self.fewest)
                if smaller < size:
                    board.collect(rows, found, self.ends)
                    kept = (active + [s for s in range(size) if ended[s]])[:smaller]
                    board.keep(kept)
                    rows, size = [rows[slot] for slot in active], smaller
                    board.answers = rows
            self._step(board, size, draw)
            count(step)
        board.collect(rows, found, self.ends)
        return found

    def _end(self, found, endings, is_over, draw):
        """Let those of the last batch's answers `found` that were cut off go on to their ends."""
        import torch

        board = self.board
        slots = [
            slot
            for slot, row in enumerate(board.answers)
            if not found[row].ended and not is_over(found[row].tokens)
        ]
        if not slots:
            return
        size = _bucket(len(found), len(slots), self.fewest)
        rows = [board.answers[slot] for slot in slots]
        board.keep((slots + [s for s in range(board.rows) if s not in set(slots)])[:size])
        longest = max(len(endings[row].tokens) for row in rows)
        given = [endings[row].tokens + [-1] * longest for row in rows]
        given += [[-1] * longest] * (size - len(rows))
        given = torch.tensor([tokens[:longest] for tokens in given], device=self.device)
        for step in range(max(len(endings[row].tokens) + endings[row].more for row in rows)):
            self._step(board, size, draw)
            if step < longest:
                board.give(given[:, step])
        board.collect(rows, found, self.ends)
        for row in rows:
            most = self.max_tokens + len(endings[row].tokens) + endings[row].more
            tokens, logprobs, ended = found[row]
            found[row] = Rollout(tokens[:most], logprobs[:most], ended and len(tokens) <= most)

    def _board(self, prompts, copies):
        """Buffers that are large enough: those of the last call where they are."""
        rows = len(prompts) * copies
        width = -(-max(map(len, prompts)) // self.multiple) * self.multiple
        board = self.board
        small = board and (board.rows < rows or board.width < width or board.length < self.length)
        if board is None or small:
            if board is not None:
                rows, width = max(rows, board.rows), max(width, board.width)
            self.board = board = None  # its memory is free for the new one
            self.board = board = Board(self, rows, width)
        return board

    def _read(self, board, prompts, copies, draw):
        """Read the prompts, a few at once, and draw the first token of each answer."""
        import torch

        shared, last = self._read_shared(board, prompts, copies), []
        at_once = _PROMPTS.get(self.device.type, 16)
        for start in range(0, len(prompts), at_once):
            some = slice(start, min(start + at_once, len(prompts)))
            starts = board.starts[: len(prompts) * copies : copies][some]
            slots = slice(some.start * copies, some.stop * copies)
            columns = board.columns[: board.width]
            longest = max(map(len, prompts[some]))
            first = board.width - longest + shared if shared else 0
            read = columns[first:]
            # Padding sees itself, because a row of attention without any key is not a number.
            seen = columns[None, None, :] <= read[None, :, None]
            seen = seen & (columns[None, None, :] >= starts[:, None, None])
            alone = columns[None, None, :] == read[None, :, None]
            out = self.base(
                input_ids=board.prompts[some, first:],
                attention_mask=self._masks(seen, alone, read[None, :, None], columns),
                position_ids=(read[None] - starts[:, None]).clamp(min=0),
                past_key_values=Reading(board, slots, copies, first),
                use_cache=True,
                logits_to_keep=1,
            )
            last.append(out.logits[:, -1].repeat_interleave(copies, 0))
        draw(board, torch.cat(last))

    def _read_shared(self, board, prompts, copies):
        """Read what all prompts begin with, once; returns how many tokens that are, 0 for none."""
        least = min(map(len, prompts)) - 1  # the last token of each is read by itself
        count = min(len(commonprefix(prompts)), least)
        if (len(prompts) - 1) * count < _WORTH_SHARING:
            return 0
        columns = board.columns[:count]
        seen = columns[None, None, :] <= columns[None, :, None]
        self.base(
            input_ids=board.prompts[:1, board.width - len(prompts[0]) :][:, :count],
            attention_mask=self._masks(seen, None, columns[None, :, None], columns),
            position_ids=columns[None],
            past_key_values=Sharing(board, len(prompts) * copies),
            use_cache=True,
            logits_to_keep=1,
        )
        return count

    def _masks(self, seen, alone, query, columns):
        """What each layer adds to its scores: one tensor, or one for each kind of layer."""
        full = self._added(seen if alone is None else seen | alone)
        types_ = getattr(self.base.config, "layer_types", None)
        if not types_ or self.base.config.model_type in ("llama", "mistral"):
            return full
        masks = {"full_attention": full}
        if "sliding_attention" in types_:
            near = seen & (columns > query - self.base.config.sliding_window)
            masks["sliding_attention"] = self._added(near if alone is None else near | alone)
        return masks

    def _added(self, seen):
        import torch

        hidden = torch.finfo(self.dtype).min
        return torch.zeros_like(seen, dtype=self.dtype).masked_fill_(~seen, hidden)[:, None]

    def _step(self, board, size, draw):
        """Write the last drawn token of the first `size` rows into the cache, and draw the next."""
        key = size, draw
        if key in board.graphs:
            board.graphs[key].replay()
            return
        self._compute(board, size, draw)
        if self.records:
            self._record(board, size, draw)

    def _record(self, board, size, draw):
        """Record such a step, which computes nothing yet."""
        import torch

        graph = torch.cuda.CUDAGraph()
        try:
            with torch.cuda.graph(graph, pool=board.pool, capture_error_mode="thread_local"):
                self._compute(board, size, draw)
        except RuntimeError:  # an operation of this model that can't be recorded
            torch.cuda.synchronize()
            self.records = False
        else:
            board.graphs[size, draw] = graph

    def _compute(self, board, size, draw):
        starts, columns, column = board.starts[:size, None], board.columns, board.column
        seen = (columns[None] >= starts) & (columns[None] <= column)
        out = self.base(
            input_ids=board.drawn[:size],
            attention_mask=self._masks(seen[:, None], None, column[None, None], columns),
            position_ids=column[None] - starts,
            past_key_values=Writing(board, size),
            use_cache=True,
            logits_to_keep=1,
        )
        draw(board, out.logits[:, -1])
        board.column.add_(1)


def _silent(*_):
    pass


def _bucket(rows, active, fewest):
    """The least of rows, 3/4, 1/2, 3/8, 1/4 … of them that holds the active ones."""
    sizes, size = [rows], rows
    while size >= 2 * fewest:
        sizes += [size - size // 4, size // 2]
        size //= 2
    return min(size for size in sizes if size >= active)


class _Draw(NamedTuple):
    """How the next token is drawn."""

    temperature: float
    top_p: float

    def __call__(self, board, logits):
        """Draw a token for each row of logits (rows, vocabulary) and enter it in the buffers."""
        import torch

        size = len(logits)
        scores = logits.float()
        if self.temperature:
            scores = scores / self.temperature if self.temperature != 1 else scores
            kept = _nucleus(scores, self.top_p) if self.top_p < 1 else scores
            # The largest of log p + Gumbel noise is a draw from p (and, unlike torch.multinomial,
            # does not wait for the GPU).
            noise = torch.empty_like(scores).exponential_().log_()
            drawn = (kept - noise).argmax(-1, keepdim=True)
        else:
            drawn = scores.argmax(-1, keepdim=True)
        logprobs = scores.gather(-1, drawn) - scores.logsumexp(-1, keepdim=True)
        board.drawn[:size] = drawn
        board.tokens[:size].index_copy_(1, board.count, drawn)
        board.logprobs[:size].index_copy_(1, board.count, logprobs)
        board.ended[:size] |= (drawn == board.ends).any(-1)
        board.count.add_(1)


def _nucleus(scores, top_p):
    """The scores of the fewest tokens that hold `top_p` of the probability; -inf for all others."""
    import torch

    ordered, tokens = scores.sort(-1, descending=True)
    p = ordered.softmax(-1)
    ordered = ordered.masked_fill(p.cumsum(-1) - p >= top_p, -torch.inf)
    return torch.empty_like(scores).scatter_(-1, tokens, ordered)


def attend(module, query, key, value, attention_mask, scaling=None, **_):
    """(attention, None), in transformers' interface; query is (rows, heads, tokens, width).

    For a single token the query heads that share a key head are treated as tokens, so that keys are
    read once and never copied.
    """
    import torch

    attention = torch.nn.functional.scaled_dot_product_attention
    rows, heads, tokens, width = query.shape
    shared = heads // key.shape[1]
    if tokens == 1:
        query = query.reshape(rows, key.shape[1], shared, width)
        mask = attention_mask.expand(rows, 1, shared, key.shape[2])
        out = attention(query, key, value, attn_mask=mask, scale=scaling)
        return out.reshape(rows, 1, heads, width), None
    key, value = (states.repeat_interleave(shared, 1) for states in (key, value))
    out = attention(query, key, value, attn_mask=attention_mask, scale=scaling)
    return out.transpose(1, 2), None


def _kernels_with_masks():
    """A context in which attention is one kernel that takes a mask, on every NVIDIA GPU."""
    from torch.nn.attention import SDPBackend, sdpa_kernel

    return sdpa_kernel([SDPBackend.EFFICIENT_ATTENTION, SDPBackend.MATH])


def _one_kernel_norms(base):
    """A context in which an RMSNorm is one kernel, not eight, for families that scale by weight."""
    import torch

    def norm(self, states):
        shape, epsilon = self.weight.shape, self.variance_epsilon
        return torch.nn.functional.rms_norm(states, shape, self.weight, epsilon)

    # Gemma's norms scale by 1 + weight and call their epsilon otherwise.
    norms = [m for m in base.modules() if type(m).__name__.endswith("RMSNorm")]
    return low_rank.forwards([(m, norm) for m in norms if hasattr(m, "variance_epsilon")])


def _base(model):
    return model.get_base_model() if hasattr(model, "get_base_model") else model
