"""The types of GGUF files in torch, on a CPU or a GPU, bit for bit as the `gguf` package's numpy has them.

Encoders of all types but the K-quants (those are in kquants.py), and decoders of all types that are written here.
An encoder takes float32 rows, (rows, columns), and a decoder blocks, (blocks, bytes) uint8; each gives the other.
Operations stand in gguf's order and are divided by tensors: a GPU multiplies by the inverse of a plain number.
"""

# Encoders


def _f16(rows):
    return rows.half()


def _bf16(rows):
    return rows.bfloat16()


def _q8_0(rows):
    """32 codes from −127 to 127 and the float16 by which they are multiplied; halves are rounded away from 0."""
    import torch

    x = rows.view(-1, 32)
    d = x.abs().amax(1, keepdim=True)
    d /= torch.full_like(d, 127)
    x = x * _inverse(d)
    # What is made an integer is cut, whatever its sign; on a CPU that is several times as fast as trunc.
    return _joined(d.half(), x.to(torch.int8) + x.frac().mul_(2).to(torch.int8))


def _q5_0(rows):
    """32 codes from 0 to 31, of which 16 is zero: the number farthest from it, the first of equals, gets code 0."""
    x = rows.view(-1, 32)
    d = x.gather(1, x.abs().max(1, keepdim=True).indices) / -16
    codes = (x * _inverse(d)).add_(16.5)
    return _joined(d.half(), *_five_bits(codes))


def _q5_1(rows):
    """32 codes from 0 to 31 above the least number."""
    import torch

    x = rows.view(-1, 32)
    least = x.amin(1, keepdim=True)
    d = x.amax(1, keepdim=True) - least
    d /= torch.full_like(d, 31)
    codes = ((x - least) * _inverse(d)).add_(0.5)
    return _joined(d.half(), least.half(), *_five_bits(codes))


def _inverse(d):
    """1 / d, and 0 where that isn't finite: float16 knows no such d but 0."""
    import torch

    inverse = 1 / d
    return torch.where(inverse.isfinite(), inverse, 0)


def _five_bits(codes):
    """The upper bits of 32 codes in 4 bytes, the first lowest, and the others two by two in 16."""
    import torch

    codes = codes.to(torch.uint8).clamp_(max=31)
    places = torch.arange(8, dtype=torch.uint8, device=codes.device)
    high = ((codes >> 4).view(-1, 4, 8) << places).sum(2, dtype=torch.uint8)
    low = codes & 15
    return high, low[:, :16] | low[:, 16:] << 4


def _joined(*parts):
    """(blocks, bytes): what each block consists of, one after the other."""
    import torch

    return torch.cat([part.contiguous().view(torch.uint8) for part in parts], 1)


ENCODERS = {
    "F32": lambda rows: rows,
    "F16": _f16,
    "BF16": _bf16,
    "Q8_0": _q8_0,
    "Q5_0": _q5_0,
    "Q5_1": _q5_1,
}

# Decoders


def _cut(blocks, *sizes):
    """The parts of which blocks consist, one after the other."""
    return [part.contiguous() for part in blocks.split(sizes, 1)]


def _half(part):
    import torch

    return part.view(torch.float16).float()


def _places(codes, *bits):
    """Codes (blocks, n, bytes) cut from bytes: those at the first place of all bytes of a row, then at the next."""
    import torch

    places = torch.tensor(bits, dtype=torch.uint8, device=codes.device)
    return codes[:, :, None] >> places[:, None]


def _of_f32(blocks):
    import torch

    return blocks.view(torch.float32)


def _of_bf16(blocks):
    import torch

    return blocks.view(torch.bfloat16).float()


def _of_q8_0(blocks):
    import torch

    d, codes = _cut(blocks, 2, 32)
    return codes.view(torch.int8).float() * _half(d)


def _fifth_bit(high):
    """(blocks, 32) of 4 bytes whose bits, the lowest first, are the upper bits of 32 codes."""
    import torch

    places = torch.arange(8, dtype=torch.uint8, device=high.device)
    return (high[:, :, None] >> places & 1).view(-1, 32) << 4


def _of_q5_0(blocks):
    d, high, low = _cut(blocks, 2, 4, 16)
    codes = (_places(low.view(-1, 1, 16), 0, 4) & 15).view(-1, 32) | _fifth_bit(high)
    return _half(d) * (codes.float() - 16)


def _of_q5_1(blocks):
    d, least, high, low = _cut(blocks, 2, 2, 4, 16)
    codes = (_places(low.view(-1, 1, 16), 0, 4) & 15).view(-1, 32) | _fifth_bit(high)
    return _half(d) * codes.float() + _half(least)


def _scales_and_lows(packed):
    """Two (blocks, 8) of 12 bytes that hold eight scales and eight lows of 6 bits."""
    import torch

    scales, lows, rest = packed.view(-1, 3, 4).unbind(1)
    return (
        torch.cat([scales & 63, rest & 15 | scales >> 2 & 48], 1),
        torch.cat([lows & 63, rest >> 4 | lows >> 2 & 48], 1),
    )


def _with_low(d, dmin, packed, codes):
    """Q4_K and Q5_K: each of 8 groups (blocks, 8, 32) of codes has a scale and a low."""
    scales, lows = _scales_and_lows(packed)
    step, low = _half(d) * scales.float(), _half(dmin) * lows.float()
    return (step[:, :, None] * codes.float() - low[:, :, None]).view(-1, 256)


def _of_q4_k(blocks):
    d, dmin, packed, codes = _cut(blocks, 2, 2, 12, 128)
    return _with_low(d, dmin, packed, (_places(codes.view(-1, 4, 32), 0, 4) & 15).view(-1, 8, 32))


def _of_q5_k(blocks):
    d, dmin, packed, high, low = _cut(blocks, 2, 2, 12, 32, 128)
    low = (_places(low.view(-1, 4, 32), 0, 4) & 15).view(-1, 8, 32)
    high = _places(high.view(-1, 1, 32), *range(8)).view(-1, 8, 32) & 1
    return _with_low(d, dmin, packed, low | high << 4)


def _of_q6_k(blocks):
    import torch

    low, high, scales, d = _cut(blocks, 128, 64, 16, 2)
    low = (_places(low.view(-1, 2, 64), 0, 4) & 15).view(-1, 256)
    high = (_places(high.view(-1, 2, 32), 0, 2, 4, 6) & 3).view(-1, 256)
    step = _half(d) * scales.view(torch.int8).float()
    return (step[:, :, None] * ((low | high << 4).float() - 32).view(-1, 16, 16)).view(-1, 256)


DECODERS = {
    "F32": _of_f32,
    "F16": _half,
    "BF16": _of_bf16,
    "Q8_0": _of_q8_0,
    "Q5_0": _of_q5_0,
    "Q5_1": _of_q5_1,
    "Q4_K": _of_q4_k,
    "Q5_K": _of_q5_k,
    "Q6_K": _of_q6_k,
}
