"""Codecs of the simple GGUF tensor types in torch, on a CPU or GPU, with the bits of `gguf`'s.

The order of operations is that of the `gguf` package. Divisors are tensors: for a Python scalar
CUDA multiplies by the reciprocal, which can differ in the last bit. Not here: K-quants
(k_quants.py).
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import torch


class Codec(NamedTuple):
    """How blocks of one tensor type are encoded and decoded.

    `encode` takes float32 rows, (rows, columns), and returns contiguous blocks of any dtype;
    `decode` takes blocks, (blocks, bytes) uint8, and returns float32 numbers, (blocks, numbers).
    """

    encode: Callable[["torch.Tensor"], "torch.Tensor"]
    decode: Callable[["torch.Tensor"], "torch.Tensor"]


# Parts of blocks


def split_parts(blocks: "torch.Tensor", *sizes: int) -> list["torch.Tensor"]:
    """The fields of blocks, each (blocks, size), given their sizes in bytes."""
    return [part.contiguous() for part in blocks.split(sizes, 1)]


def join_parts(*parts: "torch.Tensor") -> "torch.Tensor":
    """(blocks, bytes) uint8: the fields of each block, one after the other."""
    import torch

    return torch.cat([part.contiguous().view(torch.uint8).view(len(part), -1) for part in parts], 1)


def from_float16(part: "torch.Tensor") -> "torch.Tensor":
    """Bytes of float16 numbers as float32."""
    import torch

    return part.view(torch.float16).float()


def unpack_bits(packed: "torch.Tensor", width: int, group: int) -> "torch.Tensor":
    """(blocks, numbers): numbers of 1, 2 or 4 bits, `width`, from bytes (blocks, bytes).

    Of each `group` bytes, the lowest bits of all of them come first, then the next bits.
    """
    import torch

    shifts = torch.arange(0, 8, width, dtype=torch.uint8, device=packed.device)
    groups = packed.view(len(packed), -1, 1, group)
    return (groups >> shifts[:, None] & 2**width - 1).view(len(packed), -1)


# 16 and 32 bits


def _decode_f32(blocks):
    import torch

    return blocks.view(torch.float32)


def _decode_bf16(blocks):
    import torch

    return blocks.view(torch.bfloat16).float()


F32 = Codec(lambda rows: rows, _decode_f32)
F16 = Codec(lambda rows: rows.half(), from_float16)
BF16 = Codec(lambda rows: rows.bfloat16(), _decode_bf16)

# Q8_0: d (float16) and 32 quants from −127 to 127; a number is d · quant


def _encode_q8_0(rows):
    import torch

    x = rows.view(-1, 32)
    d = x.abs().amax(1, keepdim=True)
    d /= torch.full_like(d, 127)
    x = x * _reciprocal(d)
    # Rounds halves away from 0. Conversion to int8 truncates, on a CPU much faster than trunc.
    return join_parts(d.half(), x.to(torch.int8) + x.frac().mul_(2).to(torch.int8))


def _decode_q8_0(blocks):
    import torch

    d, quants = split_parts(blocks, 2, 32)
    return quants.view(torch.int8).float() * from_float16(d)


Q8_0 = Codec(_encode_q8_0, _decode_q8_0)

# Q4_0: d and 32 quants from 0 to 15; a number is d · (quant − 8). Of the largest magnitude it is 0.


def _encode_q4_0(rows):
    import torch

    x = rows.view(-1, 32)
    d = x.gather(1, x.abs().max(1, keepdim=True).indices) / -8
    quants = (x * _reciprocal(d)).add_(8.5).to(torch.uint8).clamp_(max=15)
    return join_parts(d.half(), quants[:, :16] | quants[:, 16:] << 4)


def _decode_q4_0(blocks):
    d, nibbles = split_parts(blocks, 2, 16)
    return from_float16(d) * (unpack_bits(nibbles, 4, 16).float() - 8)


Q4_0 = Codec(_encode_q4_0, _decode_q4_0)

# Q5_0: as Q4_0, with quants from 0 to 31; a number is d · (quant − 16)


def _encode_q5_0(rows):
    x = rows.view(-1, 32)
    d = x.gather(1, x.abs().max(1, keepdim=True).indices) / -16
    quants = (x * _reciprocal(d)).add_(16.5)
    return join_parts(d.half(), *_pack_five_bits(quants))


def _decode_q5_0(blocks):
    d, high, low = split_parts(blocks, 2, 4, 16)
    return from_float16(d) * (_unpack_five_bits(high, low).float() - 16)


Q5_0 = Codec(_encode_q5_0, _decode_q5_0)

# Q5_1: d, the minimum and 32 quants from 0 to 31; a number is d · quant + minimum


def _encode_q5_1(rows):
    import torch

    x = rows.view(-1, 32)
    minimum = x.amin(1, keepdim=True)
    d = x.amax(1, keepdim=True) - minimum
    d /= torch.full_like(d, 31)
    quants = ((x - minimum) * _reciprocal(d)).add_(0.5)
    return join_parts(d.half(), minimum.half(), *_pack_five_bits(quants))


def _decode_q5_1(blocks):
    d, minimum, high, low = split_parts(blocks, 2, 2, 4, 16)
    return from_float16(d) * _unpack_five_bits(high, low).float() + from_float16(minimum)


Q5_1 = Codec(_encode_q5_1, _decode_q5_1)


def _reciprocal(d):
    """1 / d, or 0 if that is infinite or NaN."""
    import torch

    reciprocal = 1 / d
    return torch.where(reciprocal.isfinite(), reciprocal, 0)


def _pack_five_bits(quants):
    """4 bytes of the highest bits of 32 quants, lowest first, and 16 of the rest, two in a byte."""
    import torch

    quants = quants.to(torch.uint8).clamp_(max=31)
    bits = torch.arange(8, dtype=torch.uint8, device=quants.device)
    high = ((quants >> 4).view(-1, 4, 8) << bits).sum(2, dtype=torch.uint8)
    low = quants & 15
    return high, low[:, :16] | low[:, 16:] << 4


def _unpack_five_bits(high, low):
    """(blocks, 32) quants of their 4 and 16 bytes."""
    import torch

    bits = torch.arange(8, dtype=torch.uint8, device=high.device)
    fifth = (high[:, :, None] >> bits & 1).view(-1, 32) << 4
    return unpack_bits(low, 4, 16) | fifth
