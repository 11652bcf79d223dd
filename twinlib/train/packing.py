"""Rows packed into one sequence in which they don't see each other: no padding inside a step.

Positions start anew with each row, attention stays inside it, and no row's first token is predicted
from the row before. On a GPU of compute capability 8 or more attention is PyTorch's own
variable-length kernel, elsewhere scaled-dot-product attention row by row; both do the work of the
rows' own lengths, not of the whole sequence's.
"""

import functools
import heapq
import inspect
import itertools
import random

NAME = "packed"  # the attention's name in transformers
WINDOW = 8  # rows are drawn at random for so many sequences, and fitted together among these


def bins(lengths, room):
    """Which rows go together: lists of indices, each of at most `room` tokens together.

    The longest first, each into the emptiest sequence that has room for it.
    """
    found, open_bins = [], []  # heap of (-free, number): the sequence with most room
    for index in sorted(range(len(lengths)), key=lambda i: (-lengths[i], i)):
        if open_bins and -open_bins[0][0] >= lengths[index]:
            free, number = heapq.heappop(open_bins)
        else:
            free, number = -room, len(found)
            found.append([])
        found[number].append(index)
        heapq.heappush(open_bins, (free + lengths[index], number))
    return found


def epoch(lengths, room, seed):
    """One pass over all rows in a random order, as the sequences of `room` tokens they are packed
    into."""
    rng = random.Random(seed)
    order = rng.sample(range(len(lengths)), len(lengths))
    packed = []
    while order:
        totals = itertools.accumulate(lengths[i] for i in order)
        count = max(
            1, sum(1 for _ in itertools.takewhile(lambda total: total <= WINDOW * room, totals))
        )
        drawn, order = order[:count], order[count:]
        packed += [[drawn[k] for k in part] for part in bins([lengths[i] for i in drawn], room)]
    rng.shuffle(packed)
    return packed


class Packed:
    """The `count` sequences of a run, made when they are asked for: one pass over the rows after
    the other.

    `rows` are (input ids, what is learnt) of at most `room` tokens each. With `together` a sequence
    holds that many rows, however short; else as many as fit. With `fixed` every sequence has the
    same shapes, so that compiled code stays. Without `count`: one pass, in order of length.
    """

    def __init__(self, rows, room, padding, count=None, seed=1, together=None, fixed=False):
        self.rows, self.padding = [_tensors(row[0], row[1]) for row in rows], padding
        lengths = [len(ids) for ids, _ in self.rows]
        self.parts = bins(lengths, room)
        if count is not None:
            passes = (
                epoch(lengths, room, seed + k)
                if together is None
                else _in_turn(len(lengths), together, seed + k)
                for k in itertools.count()
            )
            self.parts = list(itertools.islice(itertools.chain.from_iterable(passes), count))
        self.tokens = [sum(lengths[i] for i in part) for part in self.parts]
        self.room = room if fixed else None
        self.longest = max(lengths) if fixed else None
        # What is left of a sequence takes one more row of padding, or a few.
        self.borders = (
            max(
                len(part) + 1 + -(-(room - n) // max(lengths))
                for part, n in zip(self.parts, self.tokens)
            )
            if fixed
            else 0
        )

    def __len__(self):
        return len(self.parts)

    def __getitem__(self, index):
        chosen = [self.rows[i] for i in self.parts[index]]
        return _join(
            chosen, self.room or self.tokens[index], self.padding, self.longest, self.borders
        )


def _in_turn(count, together, seed):
    order = random.Random(seed).sample(range(count), count)
    return [order[start : start + together] for start in range(0, count, together)]


def _tensors(ids, mask):
    """(ids, labels) of one row; its first token has nothing before it to be predicted from."""
    import torch

    ids = torch.tensor(ids)
    learnt = torch.tensor(mask, dtype=torch.bool)
    learnt[0] = False
    return ids, ids.where(learnt, -100)


def pack(rows, room, padding):
    """One step's inputs from rows of (ids, mask of what is learnt), in a sequence of `room` tokens:
    see _join."""
    return _join([_tensors(*row) for row in rows], room, padding)


def _join(rows, room, padding, longest=None, most=0):
    """One step's inputs from rows of (ids, labels): {input_ids, position_ids, labels} of shape (1,
    room), labels -100 where nothing is learnt; `learnt`, the places of labels[:, 1:] where
    something is; cu_seq_lens_q, the rows' borders, in which what is left of the room is rows of
    padding; max_length_q. `longest` and `most` (borders) are those of all steps.
    """
    import torch

    longest = longest or max(len(ids) for ids, _ in rows)
    lengths = [len(ids) for ids, _ in rows]
    left = room - sum(lengths)
    lengths += [longest] * (left // longest) + [left % longest] * (left % longest > 0)
    borders = [0, *itertools.accumulate(lengths)]
    borders += [room] * (most - len(borders))  # empty rows
    ids = torch.cat([*(ids for ids, _ in rows), torch.full((left,), padding)])
    labels = torch.cat([*(labels for _, labels in rows), torch.full((left,), -100)])
    places = torch.arange(longest)
    return {
        "input_ids": ids[None],
        "position_ids": torch.cat([places[:n] for n in lengths])[None],
        "labels": labels[None],
        "learnt": (labels[1:] != -100).nonzero()[:, 0],
        "cu_seq_lens_q": torch.tensor(borders, dtype=torch.int32),
        "max_length_q": longest,
    }


# Attention


def register():
    """Make attention NAME known to transformers; a model takes it by
    model.set_attn_implementation(NAME)."""
    from transformers import AttentionInterface, AttentionMaskInterface

    AttentionInterface.register(NAME, attend)
    AttentionMaskInterface.register(NAME, lambda *_, **__: None)


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
    """Attention of packed rows in transformers' interface: query (1, heads, tokens, width) to (1,
    tokens, heads, width).

    Without borders the batch is no packed one: plain causal attention.
    """
    if cu_seq_lens_q is None:
        from transformers.integrations.sdpa_attention import sdpa_attention_forward

        return sdpa_attention_forward(
            module, query, key, value, attention_mask, scaling=scaling, dropout=dropout
        )
    kernel = (
        _by_kernel
        if query.is_cuda and kernel_works() and query.element_size() == 2
        else _row_by_row
    )
    return kernel(query, key, value, cu_seq_lens_q, max_length_q, scaling, sliding_window)[
        None
    ], None


@functools.cache
def kernel_works():
    """Whether PyTorch's variable-length attention runs here: torch 2.11 or newer, compute
    capability 8 or more."""
    import torch

    try:
        from torch.nn.attention.varlen import varlen_attn
    except ImportError:
        return False
    has_windows = "window_size" in inspect.signature(varlen_attn).parameters
    return has_windows and torch.cuda.is_available() and torch.cuda.get_device_capability()[0] >= 8


def _by_kernel(query, key, value, borders, longest, scaling, window):
    from torch.nn.attention.varlen import varlen_attn

    query, key, value = (x[0].transpose(0, 1).contiguous() for x in (query, key, value))
    # Before it had a name for it, the kernel took fewer key heads without being told.
    grouped = (
        {"enable_gqa": True} if "enable_gqa" in inspect.signature(varlen_attn).parameters else {}
    )
    back = -1 if not window or window >= longest else window - 1
    return varlen_attn(
        query,
        key,
        value,
        borders,
        borders,
        longest,
        longest,
        scale=scaling,
        window_size=(back, 0),
        **grouped,
    )


def _row_by_row(query, key, value, borders, longest, scaling, window):
    import torch

    edges = borders.tolist()
    pieces = []
    for start, end in zip(edges, edges[1:]):
        if end > start:
            q, k, v = (x[:, :, start:end] for x in (query, key, value))
            mask = _band(end - start, window, q.device) if window and end - start > window else None
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


def _band(length, window, where):
    import torch

    near = torch.ones(length, length, dtype=torch.bool, device=where).tril()
    return near & ~near.tril(-window)
