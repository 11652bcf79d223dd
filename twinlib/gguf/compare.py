"""Compares a GGUF file with the trained twin: header, weights, predictions.

The header is compared with the one that the writer would write, every tensor with the merged
float32 one, and the predictions of the file's weights on held-out text with the twin's, by the
exact Kullback-Leibler divergence over the whole vocabulary, in float32. Only one module's weights
and one chunk of the vocabulary are in memory at a time. Not here: the file's answers, and what the
figures mean to people.
"""

import itertools
import math
import struct
import tempfile
import threading
import time
from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from contextlib import ExitStack
from pathlib import Path
from statistics import fmean
from typing import TYPE_CHECKING, NamedTuple

from ..i18n import t
from ..models.encode import Encoded
from ..models.gguf_vocabulary import Vocabulary
from ..models.llama_cpp import Llama
from ..text.spacing import evenly
from . import types, writer
from .tensors import Source, Tensor

if TYPE_CHECKING:
    import gguf
    import torch

# How many of a large tensor's pieces (Source.pieces) are compared; predictions use all of them.
_COMPARED_PIECES = 3
_DELTA_SAMPLE = 2**14  # numbers of a tensor on which the adapter's delta is checked
# The share of the delta in a file may differ by this from the share that its type can hold.
_DELTA_TOLERANCE = 0.1
# Tokens of held-out text in all and in one row
_TOKENS = {"cpu": (384, 96), "cuda": (8192, 1024)}
_ASKED = 200  # positions at which llama.cpp predicts a token
# After PATIENCE seconds llama.cpp predicts only the first LEAST positions of each row.
PATIENCE = 120
LEAST = 5
LOADED = "loaded"  # the key of the loaded twin's Predictions, next to the files' types


class Text(NamedTuple):
    """Held-out text: token ids by row, and the (row, column) positions of the predictions.

    The token after each position was written by the author.
    """

    rows: list[list[int]]
    positions: list[tuple[int, int]]


class Predictions(NamedTuple):
    """At each position of a Text: divergence from the twin in nats, and the likeliest token ids.

    `twins_best` are those of the merged twin.
    """

    divergence: list[float]
    best: list[int]
    twins_best: list[int]


# The header


def open_file(path: Path, header_only: bool = False) -> "gguf.GGUFReader":
    """Open a GGUF file with gguf's reader. `header` is {name: bytes} of metadata and tensor infos.

    Arrays are left as bytes, since reading a vocabulary item by item takes 15 seconds. Raises
    ValueError, IndexError, KeyError or struct.error for a file that is cut off or damaged.
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


def headers(
    files: dict[str, Path], source: Source, vocabulary: Vocabulary, card: dict
) -> tuple[dict[str, "gguf.GGUFReader"], dict[str, str]]:
    """({type: reader} of complete files with the right header, {type: reason} of the others)."""
    readers, reasons = {}, {}
    with tempfile.TemporaryDirectory() as folder:
        expected = {kind: Path(folder) / kind for kind in files}
        with ExitStack() as stack:
            writer.open_writers(expected, source, vocabulary, card, stack)
        for kind, path in files.items():
            try:
                reader = open_file(path)
            except (ValueError, IndexError, KeyError, struct.error) as error:
                reasons[kind] = t("gguf.file_damaged", error=error)
                continue
            header = open_file(expected[kind], header_only=True).header
            if names := sorted({name for name, _ in header.items() ^ reader.header.items()}):
                more = f" (+{len(names) - 3})" if len(names) > 3 else ""
                reasons[kind] = t("gguf.header_differs", names=", ".join(names[:3]) + more)
            else:
                readers[kind] = reader
    return readers, reasons


# The weights


class Weights:
    """A mapping from transformers' names to float32 weights in its layout, computed on access.

    They are the merged weights, or with a `reader` those of a file. Of the embeddings only the rows
    of the token ids `ids` are computed.
    """

    def __init__(
        self,
        source: Source,
        reader: "gguf.GGUFReader | None" = None,
        device: str = "cpu",
        ids: list[int] | None = None,
    ):
        self.source, self.device, self.ids = source, device, ids
        self.tensors = {
            name: tensor for tensor in source.tensors for name in tensor.parts or [tensor.base_name]
        }
        self.stored = {entry.name: entry for entry in reader.tensors} if reader else None

    def rows(self, tensor: Tensor, start: int, stop: int) -> "torch.Tensor":
        """Rows of a tensor in float32 and llama.cpp's layout; one of its `pieces`."""
        if self.stored is None:
            return self.source.merged_rows(tensor, start, stop, self.device)
        entry = self.stored[tensor.name]
        shape = (stop - start, *tensor.shape[1:])
        return types.decode(entry.data[start:stop], entry.tensor_type, shape, self.device)

    def __getitem__(self, name: str) -> "torch.Tensor":
        tensor = self.tensors[f"model.{name}"]
        if tensor.name.endswith("token_embd.weight"):
            return self._embedding(tensor)
        return self.whole(f"model.{name}")

    def whole(self, name: str) -> "torch.Tensor":
        """A weight with all of its rows, by its name in a model with an output layer."""
        import torch

        tensor = self.tensors[name]
        values = torch.cat([self.rows(tensor, *rows) for rows in self.source.pieces(tensor)])
        return self.source.to_transformers(tensor, values, name)

    def _embedding(self, tensor):
        import torch

        if self.stored:
            entry, shape = self.stored[tensor.name], (len(self.ids), tensor.shape[1])
            return types.decode(entry.data[self.ids], entry.tensor_type, shape, self.device)
        rows = []
        for start, stop in self.source.pieces(tensor):
            wanted = [i - start for i in self.ids if start <= i < stop]
            rows.append(self.rows(tensor, start, stop)[wanted])
        return torch.cat(rows)


def weights(
    source: Source, readers: dict[str, "gguf.GGUFReader"], device: str, progress: Callable
) -> tuple[dict[str, str], dict[str, float]]:
    """({type: reason} of files with a wrong tensor, {type: share of the delta in the file}).

    LoRA's delta must be in the file as far as its type can hold it. If a base already consists of
    the few values of a type, the nearest value is often the base's own; so the share is compared
    with that of rows encoded again.
    """
    merged = Weights(source, None, device)
    files = {kind: Weights(source, reader, device) for kind, reader in readers.items()}
    reasons, deltas = {}, {kind: [] for kind in files}
    for i, tensor in enumerate(source.tensors):
        progress(i, len(source.tensors), t("gguf.comparing_weights"))
        for kind, distance in _distances(tensor, merged, files).items():
            stored = files[kind].stored[tensor.name].tensor_type.name
            limit = types.TENSOR_TYPES[stored].rounding
            # "not <=" and not ">", so that NaN fails too.
            if not distance <= limit:
                values = {"name": tensor.name, "type": stored, "distance": distance}
                reasons.setdefault(kind, t("gguf.tensor_differs", limit=limit, **values))
        for kind, (share, expected, size) in _delta_shares(source, tensor, device, files).items():
            deltas[kind].append((share, size))
            if abs(share - expected) > _DELTA_TOLERANCE:
                values = {"name": tensor.name, "share": share, "expected": expected}
                reasons.setdefault(kind, t("gguf.delta_incomplete", **values))
    # The mean of the shares, weighted by size
    return reasons, {kind: fmean(*zip(*pairs)) for kind, pairs in deltas.items() if pairs}


def _distances(tensor, merged, files):
    """{type: ‖file's tensor − merged one‖ / ‖merged one‖}, over some of the tensor's pieces."""
    total, squares = 0.0, dict.fromkeys(files, 0.0)
    pieces = merged.source.pieces(tensor)
    for start, stop in evenly(pieces, _COMPARED_PIECES):
        expected = merged.rows(tensor, start, stop)
        total += float(expected.norm()) ** 2
        for kind, file in files.items():
            squares[kind] += float((file.rows(tensor, start, stop) - expected).norm()) ** 2
    return {kind: math.sqrt(value / max(total, 1e-30)) for kind, value in squares.items()}


def _delta_shares(source, tensor, device, files):
    """{type: (share of the delta in the file, share when encoded again, delta's squared norm)}.

    {} for a tensor that the adapter doesn't change.
    """
    delta = source.delta(tensor, device)
    if delta is None:
        return {}
    chosen = slice(None, None, max(1, math.prod(tensor.shape) // _DELTA_SAMPLE))
    delta, original = delta[chosen], source.original(tensor, device)[chosen]
    size = float((delta * delta).sum())
    if not size:
        return {}

    def share(data, tensor_type):
        values = types.decode(data, tensor_type, delta.shape, device)
        return float(((values - original) * delta).sum()) / size

    shares = {}
    for kind, file in files.items():
        entry = file.stored[tensor.name]
        encoded_again = types.encode(original + delta, entry.tensor_type)
        in_file = share(entry.data[chosen], entry.tensor_type)
        shares[kind] = in_file, share(encoded_again, entry.tensor_type), size
    return shares


# The predictions


def held_out(rows: list[Encoded], device: str) -> Text:
    """The Text of some of the rows, evenly spread, as much as the device computes in seconds."""
    tokens, length = _TOKENS.get(device, _TOKENS["cpu"])
    count = max(1, tokens // length)
    rows = evenly([row for row in rows if 1 in row.completion_mask[1:length]], count)
    positions = [
        (i, k - 1)
        for i, row in enumerate(rows)
        for k, learnt in enumerate(row.completion_mask[:length])
        if learnt and k
    ]
    return Text([row.input_ids[:length] for row in rows], positions)


def batch(rows: list[list[int]], device: "str | torch.device") -> "torch.Tensor":
    """Token ids as one tensor, (rows, columns), padded on the right: no position attends there."""
    import torch

    width = max(map(len, rows))
    return torch.tensor([row + [row[-1]] * (width - len(row)) for row in rows], device=device)


def at_positions(values: "torch.Tensor", text: Text) -> "torch.Tensor":
    """(positions, width), float32, of values (rows, columns, width)."""
    rows, columns = zip(*text.positions)
    return values[list(rows), list(columns)].float()


def without_peft(model):
    """The transformers model in a peft model, or the model itself."""
    return model.get_base_model() if hasattr(model, "get_base_model") else model


def model_states(model, text: Text) -> "torch.Tensor":
    """A loaded model's hidden states before its output layer: (positions, width), float32."""
    import torch

    inputs = batch(text.rows, model.device)
    with torch.inference_mode():
        states = without_peft(model).model(inputs, use_cache=False).last_hidden_state
    return at_positions(states, text).clone()


def weight_states(
    source: Source,
    reader: "gguf.GGUFReader | None",
    text: Text,
    device: str,
    after_layer: Callable = lambda: None,
) -> "torch.Tensor":
    """As `model_states`, of a file's weights, or with reader None of the merged ones.

    One module is in memory at a time. `after_layer()` is called after each layer.
    """
    import copy

    import torch
    from accelerate import init_empty_weights
    from accelerate.hooks import attach_align_device_hook
    from transformers import AutoModel

    # Only the text's tokens get a row in the embedding.
    ids, inputs = batch(text.rows, device).unique(return_inverse=True)
    config = copy.deepcopy(source.config)
    config.vocab_size, config.pad_token_id = len(ids), None
    if hasattr(config, "vocab_size_per_layer_input"):
        config.vocab_size_per_layer_input = len(ids)
    with init_empty_weights(include_buffers=False):
        model = AutoModel.from_config(
            config, dtype=torch.float32, attn_implementation="sdpa"
        ).eval()
    for layer in model.layers:
        layer.register_forward_hook(lambda *_: after_layer())
    weights = Weights(source, reader, device, ids.tolist())
    for name, buffer in model.named_buffers():
        if f"model.{name}" in weights.tensors:
            buffer.copy_(weights[name])
    attach_align_device_hook(
        model,
        execution_device=device,
        offload=True,
        weights_map=weights,
        skip_keys=model._skip_keys_device_placement,  # Gemma 4's layers fill a dict for later ones
    )
    # Inference mode would hold in this thread only, and several threads decode weights.
    with torch.no_grad():
        return at_positions(model(inputs, use_cache=False).last_hidden_state, text)


def predictions(
    source: Source,
    readers: dict[str, "gguf.GGUFReader"],
    text: Text,
    loaded_states: "torch.Tensor | None",
    device: str,
    progress: Callable = lambda *_: None,
) -> dict[str, Predictions]:
    """{type: Predictions} of each file, and under LOADED of the loaded twin (its `model_states`).

    The vocabulary is processed in chunks: KL = E[a - b] - log sum exp a + log sum exp b, where a
    are the merged twin's logits, b the other's, and E is the mean under the merged twin's
    probabilities; each of the three terms is updated chunk by chunk.
    """
    import torch

    output = "token_embd.weight" if source.tied else "output.weight"
    head = next(tensor for tensor in source.tensors if tensor.name == output)
    pieces, count = source.pieces(head), itertools.count(1)
    total = (len(readers) + 1) * source.config.num_hidden_layers + len(pieces)

    def advance():
        progress(next(count), total, t("gguf.computing_predictions"))

    def softmax_of(reader):
        states = weight_states(source, reader, text, device, advance)
        return _StreamingSoftmax(source, reader, states, device)

    merged, others = softmax_of(None), {}
    if loaded_states is not None:
        others[LOADED] = _StreamingSoftmax(source, None, loaded_states.to(device), device)
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
    """Add the vocabulary chunk start:stop to all running statistics."""
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

    Tensors with one entry a position: `sum` is the log of the sum of exponentials, `top` and `best`
    are the largest logit and its token id, `gap` is the mean difference (twin's logit - this one's)
    under the twin's probabilities.
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


def llama_agrees(
    llama: Llama,
    text: Text,
    best: list[int],
    ends: list[int],
    progress: Callable = lambda *_: None,
) -> list[list[bool]]:
    """Whether llama.cpp's likeliest token is that of Predictions.best, at some positions by row.

    Nothing generated counts as one of the end tokens `ends`. After PATIENCE seconds a row has LEAST
    positions: llama.cpp is slow with a large model on two cores. Rows run in parallel; each prefix
    extends the one before, which llama.cpp has in its cache.
    """
    agreed, stopped = [[] for _ in text.rows], threading.Event()
    deadline, per_row = time.monotonic() + PATIENCE, -(-_ASKED // len(text.rows))

    def compare_row(row):
        positions = [(k, best[i]) for i, (r, k) in enumerate(text.positions) if r == row]
        for k, token in positions[:per_row]:
            late = time.monotonic() > deadline and len(agreed[row]) >= LEAST
            if stopped.is_set() or late:
                return
            answer = llama.greedy(text.rows[row][: k + 1], 1)
            agreed[row].append(answer == [token] or not answer and token in ends)

    with ThreadPoolExecutor(4) as pool:
        try:
            waiting = {pool.submit(compare_row, row) for row in range(len(agreed))}
            while waiting:
                finished, waiting = wait(waiting, timeout=1, return_when=FIRST_COMPLETED)
                for future in finished:
                    future.result()
                done = sum(map(len, agreed))
                progress(done, per_row * len(agreed), t("gguf.comparing_llama_cpp"))
        finally:
            stopped.set()
    return agreed
