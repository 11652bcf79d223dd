"""Compares a GGUF file with the trained twin: header, weights, predictions.

The header is compared with what the writer would write, every tensor with the merged 16-bit twin,
and on held-out text the predictions of the file's weights with the twin's: the exact
Kullback-Leibler divergence over the whole vocabulary, in float32. One module's weights are in
memory at a time, and one chunk of the vocabulary. A check returns the reason why a file fails, or
''. Not here: the file's answers, and what the figures mean to people.
"""

import itertools
import math
import struct
import tempfile
import threading
import time
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from ..i18n import t
from . import types, writer
from .tensors import Source, Tensor

if TYPE_CHECKING:
    import torch

# Of a large tensor's pieces, 16 million numbers each, so many are compared; predictions use the
# whole vocabulary.
_COMPARED_PIECES = 3
_DELTA_SAMPLE = 2**14  # numbers of a tensor in which the adapter's delta is looked for
# The share of the delta that is found may differ by this from what the type can keep of it.
_DELTA_TOLERANCE = 0.1
# Tokens of held-out text in all and in one row
_TOKENS = {"cpu": (384, 96), "cuda": (8192, 1024)}
_ASKED = 200  # positions at which llama.cpp is asked
PATIENCE = 120  # seconds after which llama.cpp is asked only the first LEAST positions of a row
LEAST = 5


class Text(NamedTuple):
    """Held-out text as token ids, and the (row, column) positions before an author's tokens."""

    rows: list[list[int]]
    positions: list[tuple[int, int]]


class Predictions(NamedTuple):
    """Divergence from the twin in nats and the likeliest tokens, at each position of a Text."""

    divergence: list[float]
    best: list[int]
    twins_best: list[int]


# The header


def open_file(path: Path, header_only=False):
    """gguf's reader of a file, with arrays as bytes: item by item, a vocabulary takes 15 seconds.

    Its `header` is {name: bytes} of all metadata and of each tensor's entry. Raises ValueError and
    others when the file is cut off.
    """
    import gguf

    class Reader(gguf.GGUFReader):
        def _get_field_parts(self, offset, kind):
            if kind != gguf.GGUFValueType.ARRAY:
                return super()._get_field_parts(offset, kind)
            view = memoryview(self.data)
            item, count = struct.unpack_from("<IQ", view, offset)
            end = offset + 12
            if item == gguf.GGUFValueType.STRING:
                for _ in range(count):
                    end += 8 + struct.unpack_from("<Q", view, end)[0]
            else:
                end += count * self.gguf_scalar_to_np[gguf.GGUFValueType(item)]().nbytes
            return end - offset, [self.data[offset:end]], [0], [gguf.GGUFValueType.ARRAY]

        def _build_tensors(self, start, fields):
            self.header = {
                field.name: b"".join(part.tobytes() for part in field.parts)
                for field in [*self.fields.values(), *fields]
            }
            if not header_only:
                super()._build_tensors(start, fields)

    return Reader(path)


def headers(files: dict[str, Path], source: Source, vocabulary, card: dict) -> tuple[dict, dict]:
    """({type: reader or None}, {type: reason}): whether files are whole with the right header."""
    readers, reasons = {}, {}
    with tempfile.TemporaryDirectory() as folder:
        parts = {kind: Path(folder) / kind for kind in files}
        with ExitStack() as stack:
            writer.open_writers(parts, source, vocabulary, card, stack)
        for kind, path in files.items():
            intended = open_file(parts[kind], header_only=True).header
            readers[kind], reasons[kind] = _check_header(path, intended)
    return readers, reasons


def _check_header(path, intended):
    try:
        reader = open_file(path)
    except (ValueError, IndexError, KeyError, struct.error) as error:
        return None, t("gguf.cut_off_damaged", error=error)
    names = sorted(intended.keys() | reader.header.keys())
    wrong = [name for name in names if intended.get(name) != reader.header.get(name)]
    if wrong:
        more = f" (+{len(wrong) - 3})" if len(wrong) > 3 else ""
        return None, t("gguf.header_isnt_meant", wrong=", ".join(wrong[:3]), more=more)
    return reader, ""


# The weights


class Weights:
    """A mapping from transformers' names to weights in its layout, computed on access.

    The merged weights, or with a `reader` those of a file.

    The embedding has the rows `ids` only.
    """

    def __init__(self, source: Source, reader=None, device="cpu", ids: list[int] | None = None):
        self.source, self.device, self.ids = source, device, ids
        self.tensors = {tensor.source: tensor for tensor in source.tensors}
        self.stored = {entry.name: entry for entry in reader.tensors} if reader else None

    def rows(self, tensor: Tensor, start: int, stop: int) -> "torch.Tensor":
        """Some rows of a tensor in float32 and llama.cpp's layout: one of the source's `pieces`."""
        if self.stored is None:
            return self.source.merged_rows(tensor, start, stop, self.device)
        entry = self.stored[tensor.name]
        data = entry.data if (start, stop) == (0, tensor.shape[0]) else entry.data[start:stop]
        return types.decode(data, entry.tensor_type, (stop - start, *tensor.shape[1:]), self.device)

    def __getitem__(self, name):
        import torch

        tensor = self.tensors[f"model.{name}"]
        if name == "embed_tokens.weight":
            return self._embedding(tensor)
        values = torch.cat([self.rows(tensor, *rows) for rows in self.source.pieces(tensor)])
        return self.source.to_transformers(tensor, values)

    def _embedding(self, tensor):
        import torch

        if self.stored:
            entry, shape = self.stored[tensor.name], (len(self.ids), tensor.shape[1])
            return types.decode(entry.data[self.ids], entry.tensor_type, shape, self.device)
        found = []
        for start, stop in self.source.pieces(tensor):
            wanted = [i - start for i in self.ids if start <= i < stop]
            found.append(self.rows(tensor, start, stop)[wanted])
        return torch.cat(found)


def weights(source: Source, readers: dict, device, progress=None) -> tuple[dict, dict]:
    """({type: reason}, {type: share of the delta in the file}) by comparing all tensors.

    LoRA's delta must be in the file as far as its type can hold it. If a base already consists of
    the few values of a type, the nearest value often is the base's own; so the share is compared
    with that of rows encoded again.
    """
    merged = Weights(source, None, device)
    files = {kind: Weights(source, reader, device) for kind, reader in readers.items()}
    reasons, deltas = dict.fromkeys(files, ""), {kind: [] for kind in files}
    for i, tensor in enumerate(source.tensors):
        if progress:
            progress(i, len(source.tensors), t("gguf.comparing_weights"))
        for kind, reason in _wrong_tensors(tensor, merged, files).items():
            reasons[kind] = reasons[kind] or reason
        delta = source.delta(tensor, device)
        shares = {} if delta is None else _delta_shares(source, tensor, delta, files)
        for kind, (share, expected, size) in shares.items():
            deltas[kind].append((share, size))
            if abs(share - expected) > _DELTA_TOLERANCE:
                reasons[kind] = reasons[kind] or t(
                    "gguf.what_twin_learnt", name=tensor.name, share=share, expected=expected
                )
    return reasons, {
        kind: sum(share * size for share, size in pairs) / sum(size for _, size in pairs)
        for kind, pairs in deltas.items()
        if pairs
    }


def _wrong_tensors(tensor, merged, files):
    """{type: reason} of files whose tensor is too far from the merged one for its type."""
    reasons = {}
    for kind, distance in _distances(tensor, merged, files).items():
        stored = files[kind].stored[tensor.name].tensor_type.name
        rounding = types.TENSOR_TYPES[stored].rounding
        if not distance <= rounding:
            reasons[kind] = t(
                "gguf.tensor_differs_twins_may",
                name=tensor.name,
                off=distance,
                name_2=stored,
                rounding=rounding,
            )
    return reasons


def _distances(tensor, merged, files):
    """{type: distance of a file's tensor from the merged one, as a share of its length}."""
    total, squares = 0.0, dict.fromkeys(files, 0.0)
    pieces = merged.source.pieces(tensor)
    for start, stop in pieces[:: max(1, len(pieces) // _COMPARED_PIECES)]:
        expected = merged.rows(tensor, start, stop)
        total += float(expected.norm()) ** 2
        for kind, file in files.items():
            squares[kind] += float((file.rows(tensor, start, stop) - expected).norm()) ** 2
    return {kind: math.sqrt(value / max(total, 1e-30)) for kind, value in squares.items()}


def _delta_shares(source, tensor, delta, files):
    """{type: (share of the delta in the file, share when encoded again, delta's size)}."""
    chosen = slice(None, None, max(1, math.prod(tensor.shape) // _DELTA_SAMPLE))
    delta, original = delta[chosen], source.original(tensor, delta.device)[chosen]
    size = float((delta * delta).sum())
    if not size:
        return {}

    def share(data, kind):
        values = types.decode(data, kind, delta.shape, delta.device)
        return float(((values - original) * delta).sum()) / size

    shares = {}
    for kind, file in files.items():
        entry = file.stored[tensor.name]
        again = types.encode(original + delta, entry.tensor_type)
        found = share(entry.data[chosen], entry.tensor_type)
        shares[kind] = found, share(again, entry.tensor_type), size
    return shares


# The predictions


def held_out(rows: list, device: str) -> Text:
    """The Text of encode.Encoded rows, cut to what the device computes in seconds."""
    tokens, length = _TOKENS.get(device, _TOKENS["cpu"])
    most = max(1, tokens // length)
    spread = rows[:: max(1, len(rows) // most)]
    rows = [row for row in spread if 1 in row.completion_mask[1:length]][:most]
    positions = [
        (i, k - 1)
        for i, row in enumerate(rows)
        for k, written in enumerate(row.completion_mask[:length])
        if written and k
    ]
    return Text([row.input_ids[:length] for row in rows], positions)


def batch(rows: list[list[int]], device) -> "torch.Tensor":
    """The ids as one tensor, padded on the right, which no earlier position attends to."""
    import torch

    width = max(map(len, rows))
    return torch.tensor([row + [row[-1]] * (width - len(row)) for row in rows], device=device)


def at_positions(values: "torch.Tensor", text: Text) -> "torch.Tensor":
    """(positions, width), float32, of values (rows, columns, width)."""
    rows, columns = zip(*text.positions)
    return values[list(rows), list(columns)].float()


def model_states(model, text: Text) -> "torch.Tensor":
    """A loaded model's states before its output layer: (positions, width), float32."""
    import torch

    body = model.get_base_model() if hasattr(model, "get_base_model") else model
    with torch.inference_mode():
        states = body.model(batch(text.rows, model.device), use_cache=False).last_hidden_state
    return at_positions(states, text).clone()


def weight_states(source: Source, reader, text: Text, device, after_layer=None) -> "torch.Tensor":
    """As `model_states`, of a file's weights, or with reader None of the merged ones.

    One module is in memory at a time.

    `after_layer` is called after each layer.
    """
    import copy

    import torch
    from accelerate import init_empty_weights
    from accelerate.hooks import attach_align_device_hook
    from transformers import AutoModel

    # Only the text's own tokens have a row in the embedding.
    ids, inputs = batch(text.rows, device).unique(return_inverse=True)
    config = copy.deepcopy(source.config)
    config.vocab_size, config.pad_token_id = len(ids), None
    with init_empty_weights(include_buffers=False):
        model = AutoModel.from_config(
            config, dtype=torch.float32, attn_implementation="sdpa"
        ).eval()
    for layer in model.layers if after_layer else ():
        layer.register_forward_hook(lambda *_: after_layer())
    attach_align_device_hook(
        model,
        execution_device=device,
        offload=True,
        weights_map=Weights(source, reader, device, ids.tolist()),
    )
    # Not inference mode, which holds for one thread: weights are decoded by several.
    with torch.no_grad():
        return at_positions(model(inputs, use_cache=False).last_hidden_state, text)


def predictions(
    source: Source, readers: dict, text: Text, loaded: "torch.Tensor | None", device, progress=None
) -> dict[str, Predictions]:
    """{type: Predictions} of each file, and under '' of the loaded twin (its `model_states`).

    The vocabulary is processed in chunks: KL = E[a - b] - log sum exp a + log sum exp b, where a
    are the twin's logits, b another's, and E is over the twin's predictions; each of the three is
    updated chunk by chunk.
    """
    import torch

    output = "token_embd.weight" if source.tied else "output.weight"
    head = next(tensor for tensor in source.tensors if tensor.name == output)
    pieces, count = source.pieces(head), itertools.count(1)
    total = (len(readers) + 1) * source.config.num_hidden_layers + len(pieces)

    def advance():
        if progress:
            progress(next(count), total, t("gguf.predictions_held_out_text"))

    def softmax_of(reader):
        states = weight_states(source, reader, text, device, advance)
        return _StreamingSoftmax(source, reader, states, device)

    merged, others = softmax_of(None), {}
    if loaded is not None:
        others[""] = _StreamingSoftmax(source, None, loaded.to(device), device)
    others |= {kind: softmax_of(reader) for kind, reader in readers.items()}
    with torch.no_grad():
        for start, stop in pieces:
            _update(head, start, stop, merged, others.values())
            advance()
    twins_best = merged.best.tolist()
    return {
        kind: Predictions(
            (other.gap - merged.sum + other.sum).tolist(), other.best.tolist(), twins_best
        )
        for kind, other in others.items()
    }


def _update(head, start, stop, merged, others):
    """Add a vocabulary chunk to all sums, and to the mean gaps to the twin's logits."""
    import torch

    twins = merged.logits(head, start, stop)
    share, probabilities = merged.add(twins, start), torch.softmax(twins, 1)
    for other in others:
        logits = other.logits(head, start, stop)
        other.add(logits, start)
        gap = (probabilities * (twins - logits)).sum(1).double()
        other.gap += (gap - other.gap) * share


class _StreamingSoftmax:
    """Running statistics of the logits at all positions, over the vocabulary chunks seen so far.

    `sum` is the logarithm of the sum of exponentials, `top` and `best` the largest logit and its
    token, `gap` the mean difference from the twin's logits, weighted by the twin's probabilities.
    """

    def __init__(self, source, reader, states, device):
        import torch

        self.weights, self.states = Weights(source, reader, device), states
        self.cap = getattr(source.config, "final_logit_softcapping", None)
        self.sum = torch.full((len(states),), -math.inf, dtype=torch.float64, device=device)
        self.gap, self.top = torch.zeros_like(self.sum), self.sum.float()
        self.best = torch.zeros_like(self.sum, dtype=torch.int64)

    def logits(self, head, start, stop):
        import torch

        logits = self.states @ self.weights.rows(head, start, stop).T
        return logits if self.cap is None else self.cap * torch.tanh(logits / self.cap)

    def add(self, logits, start):
        """Add a vocabulary chunk; returns its share of the running softmax denominator."""
        import torch

        chunk = torch.logsumexp(logits, 1).double()
        self.sum = torch.logaddexp(self.sum, chunk)
        top, best = logits.max(1)
        self.best = torch.where(top > self.top, best + start, self.best)
        self.top = torch.maximum(top, self.top)
        return torch.exp(chunk - self.sum)


# llama.cpp


def llama_agrees(llama, text: Text, best: list[int], ends: list[int], progress=None) -> list[list]:
    """[whether llama.cpp's likeliest token is that of Predictions.best] at some positions, by row.

    After PATIENCE seconds a row has LEAST positions: llama.cpp is slow with a large model on two
    cores. Rows are asked in parallel, and each prefix continues the one before in llama.cpp's own
    memory.
    """
    agreed, stopped = [[] for _ in text.rows], threading.Event()
    deadline, most = time.monotonic() + PATIENCE, -(-_ASKED // len(text.rows))

    def ask(row):
        asked = [(k, best[i]) for i, (r, k) in enumerate(text.positions) if r == row][:most]
        for k, token in asked:
            late = time.monotonic() > deadline and len(agreed[row]) >= LEAST
            if stopped.is_set() or late:
                return
            answer = llama.greedy(text.rows[row][: k + 1], 1)
            agreed[row].append(answer == [token] or not answer and token in ends)

    with ThreadPoolExecutor(4) as pool:
        try:
            waiting = {pool.submit(ask, row) for row in range(len(agreed))}
            while waiting:
                finished, waiting = wait(waiting, timeout=1, return_when=FIRST_COMPLETED)
                for future in finished:
                    future.result()
                if progress:
                    done = sum(map(len, agreed))
                    progress(done, most * len(agreed), t("gguf.llama_cpp_beside_torch"))
        finally:
            stopped.set()
    return agreed
