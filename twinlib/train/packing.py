"""Rows packed into one sequence without attention between them, so that a step has no padding.

Positions restart with each row, attention stays inside it, and no row's first token is predicted
from the row before. On a GPU of compute capability 8 or more attention is PyTorch's variable-length
kernel, elsewhere scaled-dot-product attention row by row. The cost of both follows from the lengths
of the rows, not from that of the whole sequence. Recurrent layers (Qwen3.5) start anew with each
row.
"""

import functools
import heapq
import inspect
import itertools
import random

from ..models import load

NAME = "packed"  # the attention's name in transformers
_SEQUENCES_PER_DRAW = 8  # rows are drawn at random for so many sequences, then fitted into them


def bins(lengths: list[int], capacity: int) -> list[list[int]]:
    """Pack rows into sequences of at most `capacity` tokens: the indices of each sequence's rows.

    The longest row comes first; each goes into the emptiest sequence if it fits there.
    """
    sequences, heap = [], []  # heap of (-free tokens, index of the sequence)
    for index in sorted(range(len(lengths)), key=lambda i: (-lengths[i], i)):
        if heap and -heap[0][0] >= lengths[index]:
            free, number = heapq.heappop(heap)
        else:
            free, number = -capacity, len(sequences)
            sequences.append([])
        sequences[number].append(index)
        heapq.heappush(heap, (free + lengths[index], number))
    return sequences


def epoch(lengths: list[int], capacity: int, seed: int) -> list[list[int]]:
    """One pass over all rows in a random order, packed into sequences of `capacity` tokens."""
    rng = random.Random(seed)
    order = rng.sample(range(len(lengths)), len(lengths))
    packed, limit = [], _SEQUENCES_PER_DRAW * capacity
    while order:
        totals = itertools.accumulate(lengths[i] for i in order)
        fitting = itertools.takewhile(lambda total: total <= limit, totals)
        count = max(1, len(list(fitting)))
        drawn, order = order[:count], order[count:]
        packed += [[drawn[k] for k in part] for part in bins([lengths[i] for i in drawn], capacity)]
    rng.shuffle(packed)
    return packed


class Packed:
    """The dataset of a run: `count` sequences from repeated passes over the rows.

    `rows` are (token ids, mask of learnt tokens, …), each of `capacity` tokens at most. A sequence
    holds `rows_each` rows, or as many as fit when that is None. With `fixed` every sequence has the
    same shapes, so that the model is compiled once. Without `count` it is a single pass, longest
    rows first. An item is what _join returns.
    """

    def __init__(
        self,
        rows,
        capacity: int,
        padding: int,
        count: int | None = None,
        seed: int = 1,
        rows_each: int | None = None,
        fixed: bool = False,
    ):
        self.rows, self.padding = [_tensors(row[0], row[1]) for row in rows], padding
        lengths = [len(ids) for ids, _ in self.rows]
        if count is None:
            self.parts = bins(lengths, capacity)
        else:
            passes = (_one_pass(lengths, capacity, rows_each, seed + k) for k in itertools.count())
            self.parts = list(itertools.islice(itertools.chain.from_iterable(passes), count))
        self.tokens = [sum(lengths[i] for i in part) for part in self.parts]
        self.capacity = self.longest = None
        self.borders = 0
        if fixed:
            self.capacity, self.longest = capacity, max(lengths)
            # The unfilled rest of a sequence becomes rows of padding.
            self.borders = max(
                len(part) + 1 + -(-(capacity - tokens) // self.longest)
                for part, tokens in zip(self.parts, self.tokens)
            )

    def __len__(self):
        return len(self.parts)

    def __getitem__(self, index):
        rows = [self.rows[i] for i in self.parts[index]]
        capacity = self.capacity or self.tokens[index]
        return _join(rows, capacity, self.padding, self.longest, self.borders)

    def cut(self, inputs: dict, most: int) -> list[dict]:
        """An item as several, each of `most` tokens, or of its longest row where that is longer.

        Rows without a learnt token are left out. Where shapes are fixed, those of the parts are.
        """
        edges = inputs["cu_seq_lens_q"].tolist()
        labels = inputs["labels"][0]
        spans = [slice(*pair) for pair in zip(edges, edges[1:])]
        spans = [span for span in spans if bool((labels[span] != -100).any())]
        rows = [(inputs["input_ids"][0, span], labels[span]) for span in spans]
        lengths = [len(ids) for ids, _ in rows]
        capacity = max(most, self.longest or max(lengths))
        parts = [[rows[i] for i in part] for part in bins(lengths, capacity)]
        if self.capacity:
            return [_join(p, capacity, self.padding, self.longest, self.borders) for p in parts]
        return [_join(p, sum(len(ids) for ids, _ in p), self.padding) for p in parts]


def _one_pass(lengths, capacity, rows_each, seed):
    if rows_each is None:
        return epoch(lengths, capacity, seed)
    order = random.Random(seed).sample(range(len(lengths)), len(lengths))
    return [order[start : start + rows_each] for start in range(0, len(order), rows_each)]


def _tensors(ids, mask):
    """(ids, labels) of one row; its first token is not learnt, as there is none before it."""
    import torch

    ids = torch.tensor(ids)
    learnt = torch.tensor(mask, dtype=torch.bool)
    learnt[0] = False
    return ids, ids.where(learnt, -100)


def pack(rows: list[tuple[list[int], list[int]]], capacity: int, padding: int) -> dict:
    """One step's inputs, as _join returns them, from rows of (token ids, mask of learnt tokens)."""
    return _join([_tensors(*row) for row in rows], capacity, padding)


def _join(rows, capacity, padding, longest=None, border_count=0):
    """One step's inputs, as a dict of tensors, from rows of (ids, labels).

    input_ids, position_ids and labels (1, capacity), with label -100 where nothing is learnt;
    `learnt`, the indices of the other labels in labels[:, 1:]; cu_seq_lens_q, the borders between
    rows, where the unfilled rest is rows of padding; max_length_q, the longest row. `longest` and
    `border_count`, when given, are those of all steps, so that shapes are the same.
    """
    import torch

    lengths = [len(ids) for ids, _ in rows]
    longest, device = longest or max(lengths), rows[0][0].device
    unfilled = capacity - sum(lengths)
    full, rest = divmod(unfilled, longest)
    lengths += [longest] * full + [rest] * (rest > 0)
    borders = [0, *itertools.accumulate(lengths)]
    borders += [capacity] * (border_count - len(borders))  # empty rows
    ids = torch.cat([*(ids for ids, _ in rows), torch.full((unfilled,), padding, device=device)])
    labels = torch.cat(
        [*(labels for _, labels in rows), torch.full((unfilled,), -100, device=device)]
    )
    positions = torch.arange(longest, device=device)
    return {
        "input_ids": ids[None],
        "position_ids": torch.cat([positions[:n] for n in lengths])[None],
        "labels": labels[None],
        "learnt": (labels[1:] != -100).nonzero()[:, 0],
        "cu_seq_lens_q": torch.tensor(borders, dtype=torch.int32, device=device),
        "max_length_q": longest,
    }


# Attention


def register() -> None:
    """Register `attend` with transformers, for model.set_attn_implementation(NAME)."""
    load.register_attention(NAME, attend)


def attend(
    module,
    query,
    key,
    value,
    attention_mask,
    scaling=None,
    dropout=0.0,
    cu_seq_lens_q=None,
    max_length_q=None,
    sliding_window=None,
    **_,
):
    """(attention of packed rows, None), in transformers' interface for attention functions.

    query is (1, heads, tokens, width), the result (1, tokens, heads, width). Without
    `cu_seq_lens_q` the batch is not packed and gets plain causal attention.
    """
    if cu_seq_lens_q is None:
        from transformers.integrations.sdpa_attention import sdpa_attention_forward

        return sdpa_attention_forward(
            module, query, key, value, attention_mask, scaling=scaling, dropout=dropout
        )
    # The kernel's heads have at most 256 numbers; those of Gemma 4's full attention have 512.
    narrow = query.shape[-1] <= 256
    by_kernel = query.is_cuda and query.element_size() == 2 and narrow and kernel_works()
    attention = _by_kernel if by_kernel else _row_by_row
    out = attention(query, key, value, cu_seq_lens_q, max_length_q, scaling, sliding_window)
    return out[None], None


@functools.cache
def kernel_works() -> bool:
    """Whether PyTorch's variable-length attention runs here: torch 2.11, capability 8."""
    import torch

    try:
        from torch.nn.attention.varlen import varlen_attn
    except ImportError:
        return False
    has_windows = "window_size" in inspect.signature(varlen_attn).parameters
    return has_windows and torch.cuda.is_available() and torch.cuda.get_device_capability()[0] >= 8


def _by_kernel(query, key, value, borders, longest, scaling, window):
    from torch.nn.attention.varlen import varlen_attn

    inputs = (x[0].transpose(0, 1).contiguous() for x in (query, key, value))
    options = {"window_size": (window - 1 if window and window < longest else -1, 0)}
    # Versions without this argument accept fewer key heads than query heads anyway.
    if "enable_gqa" in inspect.signature(varlen_attn).parameters:
        options["enable_gqa"] = True
    return varlen_attn(*inputs, borders, borders, longest, longest, scale=scaling, **options)


def _row_by_row(query, key, value, borders, longest, scaling, window):
    import torch

    edges = borders.tolist()
    copies = query.shape[1] // key.shape[1]
    if query.is_cuda and copies > 1:
        # Without flash attention fewer key heads would mean the scores of all pairs in memory.
        key, value = (x.repeat_interleave(copies, 1) for x in (key, value))
    pieces = []
    for start, end in zip(edges, edges[1:]):
        if end > start:
            q, k, v = (x[:, :, start:end] for x in (query, key, value))
            exceeds = window and end - start > window
            mask = _band(end - start, window, q.device) if exceeds else None
            out = torch.nn.functional.scaled_dot_product_attention(
                q,
                k,
                v,
                attn_mask=mask,
                is_causal=mask is None,
                scale=scaling,
                enable_gqa=q.shape[1] != k.shape[1],
            )
            pieces.append(out[0].transpose(0, 1))
    return torch.cat(pieces)


def _band(length, window, device):
    """The mask (length, length) of causal attention to the last `window` tokens."""
    import torch

    causal = torch.ones(length, length, dtype=torch.bool, device=device).tril()
    return causal & ~causal.tril(-window)


# Recurrent layers


def recurrent(layer) -> list:
    """The modules of a model or a layer whose state passes from token to token."""
    return [part for part in layer.modules() if type(part).__name__.endswith("GatedDeltaNet")]


def separate_rows(model) -> None:
    """Let recurrent layers compute each packed row by itself.

    transformers does so only where kernels of other libraries are installed.
    """
    for part in recurrent(model):
        if "forward" not in vars(part):
            part.forward = functools.partial(_apart, type(part).forward, part)


def _apart(forward, self, hidden_states, *args, cu_seq_lens_q=None, max_length_q=None, **more):
    """The layer's result for packed rows, those of about one length computed together.

    hidden_states is (1, tokens, width). Rows are filled up behind, which their own tokens don't
    see, to at most twice their length.
    """
    import torch

    if cu_seq_lens_q is None:
        return forward(self, hidden_states, *args, **more)
    edges, groups = cu_seq_lens_q.tolist(), {}
    for start, end in zip(edges, edges[1:]):
        if end > start:
            groups.setdefault((end - start - 1).bit_length(), []).append((start, end))
    places, results = [], []
    for rows in groups.values():
        parts = [hidden_states[0, start:end] for start, end in rows]
        padded = torch.nn.utils.rnn.pad_sequence(parts, batch_first=True)
        out = forward(self, padded, *args, **more)
        for (start, end), row in zip(rows, out):
            places.append(start)
            results.append(row[: end - start])
    order = sorted(range(len(places)), key=places.__getitem__)
    return torch.cat([results[k] for k in order])[None]
