"""Whether a GGUF file says what the trained twin says: its header, its weights, its predictions, and llama.cpp's.

The header is compared with what the writer is asked for, every tensor with the merged 16-bit twin, and on held-out text
the predictions of the weights as they are in the file with those of the twin: the exact Kullback-Leibler divergence
over the whole vocabulary, in float32. One module's weights are in memory at a time, and of the vocabulary one piece.
Each check gives the reason why a file fails, or ''. Not here: what is answered, and what the figures mean to people.
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
from typing import NamedTuple

from ..i18n import t
from . import k_quants, writer

# The largest share of a tensor's length (root of the sum of squares) that its type may change; about three times what
# trained weights show. Another tensor in its place is 140 % away.
ROUNDING = {
    "F32": 1e-6,
    "F16": 2e-3,
    "BF16": 8e-3,
    "Q8_0": 0.02,
    "Q6_K": 0.06,
    "Q5_K": 0.12,
    "Q5_0": 0.12,
    "Q5_1": 0.12,
    "Q4_K": 0.24,
}
PIECES = 3  # of a large tensor, 16 million numbers each, that are compared; predictions take the whole vocabulary
SAMPLE = 2**14  # numbers of a tensor in which the delta is looked for
DELTA_OFF = 0.1  # by how much the share of the delta that is found may differ from what the type leaves of it
TOKENS = {"cpu": (384, 96), "cuda": (8192, 1024)}  # of held-out text: in all, and of one row
ASKED = 200  # positions at which llama.cpp is asked
PATIENCE, LEAST = 120, 5  # seconds after which it is asked no more; positions of a row all the same


class Text(NamedTuple):
    """Held-out text as a batch: `rows` of ids, and the places (row, position) whose next token an author wrote."""

    rows: list
    places: list


class Meaning(NamedTuple):
    """Predictions at each place of a Text: divergence from the twin's in nats, the likeliest token, the twin's."""

    divergence: list
    best: list
    wanted: list


# The header


def open_file(path, header_only=False):
    """gguf's reader of a file, whose arrays (a vocabulary, for one) come as bytes: item by item takes 15 seconds.

    Its `header` is {name: bytes} of all metadata and of each tensor's entry. Raises ValueError and others when the file
    is cut off.
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


def headers(files, source, vocabulary, card):
    """({type: reader or None}, {type: reason}) of {type: path}: each file whole, all metadata and each tensor's name,
    shape and type as they are meant."""
    with tempfile.TemporaryDirectory() as folder:
        parts = {kind: Path(folder) / kind for kind in files}
        with ExitStack() as stack:
            writer.writers(parts, source, vocabulary, card, stack)
        found = {
            kind: _header(path, open_file(parts[kind], header_only=True).header)
            for kind, path in files.items()
        }
    return {kind: reader for kind, (reader, _) in found.items()}, {
        kind: reason for kind, (_, reason) in found.items()
    }


def _header(path, meant):
    try:
        reader = open_file(path)
    except (ValueError, IndexError, KeyError, struct.error) as error:
        return None, t("gguf.cut_off_damaged", error=error)
    wrong = sorted(
        name
        for name in meant.keys() | reader.header.keys()
        if meant.get(name) != reader.header.get(name)
    )
    if wrong:
        more = f" (+{len(wrong) - 3})" if len(wrong) > 3 else ""
        return None, t("gguf.header_isnt_meant", wrong=", ".join(wrong[:3]), more=more)
    return reader, ""


# The weights


class Weights:
    """The twin's weights in transformers' names and layout, computed when they are asked for: the merged ones, or those
    of a file. `ids` are the only rows of the embedding that there are."""

    def __init__(self, source, reader=None, device="cpu", ids=None):
        self.source, self.device, self.ids = source, device, ids
        self.tensors = {tensor.source: tensor for tensor in source.tensors}
        self.found = {found.name: found for found in reader.tensors} if reader else None

    def rows(self, tensor, start, stop):
        """Some rows of a tensor in float32 and llama.cpp's layout: one of the source's `pieces`."""
        if self.found is None:
            return self.source.merged_rows(tensor, start, stop, self.device)
        found = self.found[tensor.name]
        data = found.data if (start, stop) == (0, tensor.shape[0]) else found.data[start:stop]
        return k_quants.decode(
            data, found.tensor_type, (stop - start, *tensor.shape[1:]), self.device
        )

    def __getitem__(self, name):
        import torch

        tensor = self.tensors[f"model.{name}"]
        if name == "embed_tokens.weight":
            return self._embedding(tensor)
        values = torch.cat([self.rows(tensor, *rows) for rows in self.source.pieces(tensor)])
        return writer.base_layout(self.source.config, tensor, values)

    def _embedding(self, tensor):
        import torch

        if self.found is None:
            return torch.cat(
                [
                    self.rows(tensor, start, stop)[
                        [i - start for i in self.ids if start <= i < stop]
                    ]
                    for start, stop in self.source.pieces(tensor)
                ]
            )
        found = self.found[tensor.name]
        return k_quants.decode(
            found.data[self.ids], found.tensor_type, (len(self.ids), tensor.shape[1]), self.device
        )


def weights(source, readers, device, progress=None):
    """({type: reason}, {type: share of the delta that is found}): every tensor of each file beside the merged one.

    What LoRA added must be there as far as the type leaves it: where a base already consists of a type's few values,
    the nearest one often is the base's own. So it is looked for in rows that are encoded anew.
    """
    merged = Weights(source, None, device)
    files = {kind: Weights(source, reader, device) for kind, reader in readers.items()}
    reasons, deltas = dict.fromkeys(files, ""), {kind: [] for kind in files}
    for i, tensor in enumerate(source.tensors):
        if progress:
            progress(i, len(source.tensors), t("gguf.comparing_weights"))
        off = _off(tensor, merged, files)
        for kind, file in files.items():
            name = file.found[tensor.name].tensor_type.name
            if not off[kind] <= ROUNDING[name]:
                reasons[kind] = reasons[kind] or t(
                    "gguf.tensor_differs_twins_may",
                    name=tensor.name,
                    off=off[kind],
                    name_2=name,
                    rounding=ROUNDING[name],
                )
        delta = source.delta(tensor, device)
        if delta is not None:
            for kind, (share, expected, size) in _delta_shares(
                source, tensor, delta, files
            ).items():
                deltas[kind].append((share, size))
                if abs(share - expected) > DELTA_OFF:
                    reasons[kind] = reasons[kind] or t(
                        "gguf.what_twin_learnt", name=tensor.name, share=share, expected=expected
                    )
    return reasons, {
        kind: sum(share * size for share, size in found) / sum(size for _, size in found)
        for kind, found in deltas.items()
        if found
    }


def _off(tensor, merged, files):
    """{type: how far a file's tensor is from the merged one, as a share of its length}."""
    total, apart = 0.0, dict.fromkeys(files, 0.0)
    pieces = merged.source.pieces(tensor)
    for start, stop in pieces[:: max(1, len(pieces) // PIECES)]:
        wanted = merged.rows(tensor, start, stop)
        total += float(wanted.norm()) ** 2
        for kind, file in files.items():
            apart[kind] += float((file.rows(tensor, start, stop) - wanted).norm()) ** 2
    return {kind: math.sqrt(value / max(total, 1e-30)) for kind, value in apart.items()}


def _delta_shares(source, tensor, delta, files):
    """{type: (share of the delta in the file, share in the same rows encoded now, the delta's size)} in some rows."""
    chosen = slice(None, None, max(1, math.prod(tensor.shape) // SAMPLE))
    delta, original = delta[chosen], source.original(tensor, delta.device)[chosen]
    size = float((delta * delta).sum())
    if not size:
        return {}
    found = {}
    for kind, file in files.items():
        there = file.found[tensor.name]
        anew = k_quants.encode(original + delta, there.tensor_type)
        shares = [
            float(
                (
                    (k_quants.decode(data, there.tensor_type, delta.shape, delta.device) - original)
                    * delta
                ).sum()
            )
            / size
            for data in (there.data[chosen], anew)
        ]
        found[kind] = *shares, size
    return found


# The predictions


def held_out(rows, device):
    """The Text of encoded rows (`input_ids`, `completion_mask`), cut to what a CPU or a GPU computes in seconds."""
    tokens, length = TOKENS.get(device, TOKENS["cpu"])
    room = max(1, tokens // length)
    rows = [
        row for row in rows[:: max(1, len(rows) // room)] if 1 in row.completion_mask[1:length]
    ][:room]
    places = [
        (i, k - 1)
        for i, row in enumerate(rows)
        for k, learnt in enumerate(row.completion_mask[:length])
        if learnt and k
    ]
    return Text([row.input_ids[:length] for row in rows], places)


def _batch(rows, device):
    """The ids as one tensor, filled on the right: what stands there is seen by nothing before it."""
    import torch

    width = max(map(len, rows))
    return torch.tensor([row + [row[-1]] * (width - len(row)) for row in rows], device=device)


def states(model, text):
    """What a loaded model holds of each place before its output layer: (places, width), float32."""
    import torch

    body = model.get_base_model() if hasattr(model, "get_base_model") else model
    with torch.inference_mode():
        hidden = body.model(_batch(text.rows, model.device), use_cache=False).last_hidden_state
    return _at(hidden, text).clone()


def _at(hidden, text):
    rows, positions = zip(*text.places)
    return hidden[list(rows), list(positions)].float()


def _states(source, reader, text, device, after_layer=None):
    """As `states`, of the merged weights or of a file's, one module in memory at a time."""
    import copy

    import torch
    from accelerate import init_empty_weights
    from accelerate.hooks import attach_align_device_hook
    from transformers import AutoModel

    batch = _batch(text.rows, device)
    ids, batch = batch.unique(return_inverse=True)
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
    with torch.no_grad():  # inference mode holds for one thread, and weights are decoded by several
        return _at(model(batch, use_cache=False).last_hidden_state, text)


def meanings(source, readers, text, loaded, device, progress=None):
    """{type: Meaning} of each file, and under '' of the twin as it was `loaded` (its `states`), unless that is None.

    The vocabulary passes by in pieces: KL = E[a - b] - log sum exp a + log sum exp b, where a are the twin's logits,
    b another's, and E is over the twin's predictions; each of the three is carried on from piece to piece.
    """
    import torch

    head = next(
        tensor
        for tensor in source.tensors
        if tensor.name == ("token_embd.weight" if source.tied else "output.weight")
    )
    pieces, done = source.pieces(head), itertools.count(1)
    total = (len(readers) + 1) * source.config.num_hidden_layers + len(pieces)

    def tell():
        if progress:
            progress(next(done), total, t("gguf.predictions_held_out_text"))

    def running(reader):
        return Running(source, reader, _states(source, reader, text, device, tell), device)

    merged = running(None)
    others = {} if loaded is None else {"": Running(source, None, loaded.to(device), device)}
    others |= {kind: running(reader) for kind, reader in readers.items()}
    with torch.no_grad():
        for start, stop in pieces:
            _compare(head, start, stop, merged, others.values())
            tell()
    wanted = merged.best.tolist()
    return {
        kind: Meaning((other.gap - merged.sum + other.sum).tolist(), other.best.tolist(), wanted)
        for kind, other in others.items()
    }


def _compare(head, start, stop, merged, others):
    """Take a piece of the vocabulary in: each one's sums, and the mean gap to the twin's logits so far."""
    import torch

    a = merged.logits(head, start, stop)
    share, p = merged.add(a, start), torch.softmax(a, 1)
    for other in others:
        b = other.logits(head, start, stop)
        other.add(b, start)
        other.gap += ((p * (a - b)).sum(1).double() - other.gap) * share


class Running:
    """Logits at all places, piece by piece of the vocabulary: log `sum` of exponentials and `best` token so far."""

    def __init__(self, source, reader, hidden, device):
        import torch

        self.weights, self.hidden = Weights(source, reader, device), hidden
        self.cap = getattr(source.config, "final_logit_softcapping", None)
        self.sum = torch.full((len(hidden),), -math.inf, dtype=torch.float64, device=device)
        self.gap, self.top = torch.zeros_like(self.sum), self.sum.float()
        self.best = torch.zeros_like(self.sum, dtype=torch.int64)

    def logits(self, head, start, stop):
        import torch

        found = self.hidden @ self.weights.rows(head, start, stop).T
        return found if self.cap is None else self.cap * torch.tanh(found / self.cap)

    def add(self, logits, start):
        """Take a piece in; returns what share of all probability so far it has."""
        import torch

        piece = torch.logsumexp(logits, 1).double()
        self.sum = torch.logaddexp(self.sum, piece)
        top, best = logits.max(1)
        self.best = torch.where(top > self.top, best + start, self.best)
        self.top = torch.maximum(top, self.top)
        return torch.exp(piece - self.sum)


# llama.cpp


def llama_agrees(llama, text, best, ends, progress=None):
    """[whether llama.cpp finds the same token likeliest as `best`, a Meaning's] at ASKED places, row after row; fewer
    where it is slow, as with a large model on two cores.

    Each prefix goes on from the one before in llama.cpp's own memory; rows run side by side.
    """
    found, stopped, end = [[] for _ in text.rows], threading.Event(), time.monotonic() + PATIENCE
    most = -(-ASKED // len(text.rows))

    def ask(row):
        places = [(k, best[i]) for i, (r, k) in enumerate(text.places) if r == row][:most]
        for k, wanted in places:
            if stopped.is_set() or time.monotonic() > end and len(found[row]) >= LEAST:
                return
            said = llama.greedy(text.rows[row][: k + 1], 1)
            found[row].append(said == [wanted] or not said and wanted in ends)

    with ThreadPoolExecutor(4) as pool:
        try:
            waiting = {pool.submit(ask, row) for row in range(len(found))}
            while waiting:
                finished, waiting = wait(waiting, timeout=1, return_when=FIRST_COMPLETED)
                for one in finished:
                    one.result()
                if progress:
                    progress(
                        sum(map(len, found)), most * len(found), t("gguf.llama_cpp_beside_torch")
                    )
        finally:
            stopped.set()
    return found
