"""Codecs of llama.cpp's K-quants Q3_K to Q6_K in torch, on a CPU or GPU.

The `gguf` package only decodes them.

A block is 256 numbers of a row in groups; d and dmin are float16.
- Q4_K, Q5_K: 8 groups of 32; a number is d · scale · quant − dmin · min with quants of 4 or 5 bits,
  scales and minimums of 6.
- Q3_K, Q6_K: 16 groups of 16; a number is d · scale · quant with signed quants of 3 or 6 bits and
  signed scales of 6 or 8.

Encoding rounds each group to eight candidate grids, finer and coarser than its range, finds the
best scale and minimum of each rounding by least squares, and takes the rounding with the smallest
squared error. Q4_K and Q5_K try one more rounding with that scale and minimum, which is often
better. Then scales and minimums are rounded to their bits, and the quants are computed again with
the rounded ones. Layouts: ggml/src/ggml-common.h of llama.cpp. Not here: importance matrices, other
K-quants.
"""

from .codecs import Codec, from_float16, join_parts, split_parts, unpack_bits

_GRIDS = 8
_FLOAT16_MAX = 65504.0
# Numbers are clipped to this: more than a block can hold, small enough for float32 sums
_LARGEST = 1e9
_SMALLEST = 1e-12  # smaller values count as 0; far below float16's resolution


# Q4_K: d, dmin, 12 bytes of scales and minimums, 128 bytes of quants


def _encode_q4_k(rows):
    quants, head = _quantize_with_min(rows, 15)
    return join_parts(*head, _pack_nibbles(quants))


def _decode_q4_k(blocks):
    d, dmin, packed, nibbles = split_parts(blocks, 2, 2, 12, 128)
    return _dequantize_with_min(d, dmin, packed, unpack_bits(nibbles, 4, 32))


Q4_K = Codec(_encode_q4_k, _decode_q4_k)

# Q5_K: as Q4_K, with 32 bytes of highest bits before the quants


def _encode_q5_k(rows):
    quants, head = _quantize_with_min(rows, 31)
    high = _pack_bits(quants.view(-1, 8, 32) >> 4, 1)
    return join_parts(*head, high, _pack_nibbles(quants & 15))


def _decode_q5_k(blocks):
    d, dmin, packed, high, nibbles = split_parts(blocks, 2, 2, 12, 32, 128)
    quants = unpack_bits(nibbles, 4, 32) | unpack_bits(high, 1, 32) << 4
    return _dequantize_with_min(d, dmin, packed, quants)


Q5_K = Codec(_encode_q5_k, _decode_q5_k)

# Q3_K: 32 bytes of highest bits, 64 bytes of low bits, 12 bytes of scales, d


def _encode_q3_k(rows):
    import torch

    # The finest grid comes first, so it wins ties: quant −4 is a power of two, exact in float16.
    quants, d, scales = _quantize_signed(rows, 4.75, -0.25, 4, 32)
    high = _pack_bits((quants >> 2).view(-1, 8, 32), 1)
    low = _pack_bits((quants & 3).view(-1, 2, 4, 32), 2)
    return join_parts(high, low, _pack_six_bits((scales + 32).to(torch.uint8)), d)


def _decode_q3_k(blocks):
    high, low, packed, d = split_parts(blocks, 32, 64, 12, 2)
    scales = from_float16(d) * (_unpack_six_bits(packed).float() - 32)
    quants = unpack_bits(low, 2, 32) | unpack_bits(high, 1, 32) << 2
    return _dequantize_signed(scales, quants, 4)


Q3_K = Codec(_encode_q3_k, _decode_q3_k)

# Q6_K: 128 bytes of low bits, 64 of high bits, 16 scales (int8), d


def _encode_q6_k(rows):
    quants, d, scales = _quantize_signed(rows, 28, 1, 32, 128)
    quants = quants.view(-1, 2, 4, 32)
    low = quants & 15
    return join_parts(low[:, :, :2] | low[:, :, 2:] << 4, _pack_bits(quants >> 4, 2), scales, d)


def _decode_q6_k(blocks):
    import torch

    low, high, scales, d = split_parts(blocks, 128, 64, 16, 2)
    scales = from_float16(d) * scales.view(torch.int8).float()
    quants = unpack_bits(low, 4, 64) | unpack_bits(high, 2, 32) << 4
    return _dequantize_signed(scales, quants, 32)


Q6_K = Codec(_encode_q6_k, _decode_q6_k)

# Bits


def _pack_nibbles(quants):
    """128 bytes of 8 groups of 32 quants; of two groups the first has the lower four bits."""
    pairs = quants.view(-1, 4, 2, 32)
    return pairs[:, :, 0] | pairs[:, :, 1] << 4


def _pack_bits(quants, width):
    """Bytes of quants of `width` bits along the last dimension but one, the first lowest."""
    import torch

    shifts = torch.arange(
        0, quants.shape[-2] * width, width, dtype=torch.uint8, device=quants.device
    )
    return (quants << shifts[:, None]).sum(-2, dtype=torch.uint8)


def _pack_scales(scales, mins):
    """12 bytes of 8 scales and 8 minimums of 6 bits.

    The upper two bits of the last four scales and minimums lie above those of the first four.
    """
    import torch

    return torch.cat(
        [
            scales[:, :4] | scales[:, 4:] >> 4 << 6,
            mins[:, :4] | mins[:, 4:] >> 4 << 6,
            scales[:, 4:] & 15 | mins[:, 4:] << 4,
        ],
        1,
    )


def _unpack_scales(packed):
    """(scales, mins), each (blocks, 8), of 12 bytes."""
    import torch

    scales, mins, low = packed.view(-1, 3, 4).unbind(1)
    return (
        torch.cat([scales & 63, low & 15 | scales >> 2 & 48], 1),
        torch.cat([mins & 63, low >> 4 | mins >> 2 & 48], 1),
    )


def _pack_six_bits(scales):
    """12 bytes of 16 scales of 6 bits: 8 bytes of their lower four bits, 4 of their upper two."""
    import torch

    low, high = scales & 15, _pack_bits((scales >> 4).view(-1, 4, 4), 2)
    return torch.cat([low[:, :8] | low[:, 8:] << 4, high], 1)


def _unpack_six_bits(packed):
    """(blocks, 16) scales of 12 bytes."""
    low, high = split_parts(packed, 8, 4)
    return unpack_bits(low, 4, 8) | unpack_bits(high, 2, 4) << 4


# Groups with a scale and a minimum: Q4_K and Q5_K


def _quantize_with_min(rows, top):
    """(quants (groups, 32) from 0 to top, (d, dmin, packed scales and minimums)) of rows."""
    import torch

    x = _bounded(rows).view(-1, 32)
    low = x.amin(1).clamp_(max=0)
    width = x.amax(1) - low
    inverse = _inverse(width)
    scaled = (x - low[:, None]).mul_(inverse[:, None])
    slope, start, sums = _fit_lines(scaled, top, -low * inverse)
    scales, mins = (slope * width).view(-1, 8), -(low + start * width).view(-1, 8)
    d, dmin = _best_step(scales, sums[1].view(-1, 8)), _best_step(mins, 1)
    step, min_step = d.float(), dmin.float()
    scales = (scales * _inverse(step)).round_().clamp_(0, 63)
    # The best minimum for the rounded scale, instead of that for the exact one.
    mins = ((scales * step * sums[0].view(-1, 8)) - x.sum(1).view(-1, 8)) / 32
    mins = (mins * _inverse(min_step)).round_().clamp_(0, 63)
    inverse = _inverse(scales * step)
    offset = (mins * min_step * inverse).view(-1, 1)
    quants = torch.addcmul(offset, x, inverse.view(-1, 1)).round_().clamp_(0, top)
    packed = _pack_scales(scales.to(torch.uint8), mins.to(torch.uint8))
    return quants.to(torch.uint8), (d, dmin, packed)


def _dequantize_with_min(d, dmin, packed, quants):
    """(blocks, 256) float32 numbers of the quants, (blocks, 256) uint8."""
    scales, mins = _unpack_scales(packed)
    scales, mins = from_float16(d) * scales.float(), from_float16(dmin) * mins.float()
    quants = quants.view(-1, 8, 32).float()
    return (scales[:, :, None] * quants - mins[:, :, None]).view(-1, 256)


def _fit_lines(scaled, top, zero):
    """(slope, start, sums) of groups scaled to 0 … 1: numbers are about start + slope · quant.

    `zero` is 0 on that scale. A start above it is not allowed, as minimums are stored unsigned.
    """
    import torch

    total = scaled.sum(1)
    slope, start, best = _best_line(_try_grids(scaled, top - 1.8, 0.4, (0, top)), total, zero)
    inverse = _inverse(slope)
    offset = (-start * inverse)[:, None]
    quants = torch.addcmul(offset, scaled, inverse[:, None]).round_().clamp_(0, top)
    again = _sums(quants, scaled, torch.empty_like(quants))
    return _best_line(torch.stack([best, again], 1), total, zero)


def _best_line(sums, total, zero):
    """(slope, start, sums) of the grid with the least squared error; `sums` as `_try_grids`."""
    import torch

    plain, squares, products = sums
    slope = (32 * products - total * plain) / (32 * squares - plain * plain).clamp_(min=1)
    start = (total - slope * plain) / 32
    above = start > zero
    start = torch.where(above, zero, start)
    slope = torch.where(above, (products - zero * plain) / squares.clamp(min=1), slope)
    error = slope * (slope * squares + 2 * (start * plain - products))
    error += start * (32 * start - 2 * total)
    best = error.min(0, keepdim=True).indices  # on a CPU several times as fast as argmin
    best_sums = sums.gather(1, best.expand(3, 1, -1))[:, 0]
    return slope.gather(0, best)[0], start.gather(0, best)[0], best_sums


def _best_step(values, weights):
    """(blocks, 1): the float16 whose multiples, up to 63, are nearest to the values (blocks, 8)."""
    import torch

    most = values.amax(1, keepdim=True).clamp_(min=0)
    steps = torch.stack([_float16_above(most / times) for times in (63, 62, 61)])
    step = steps.float()
    error = (values * _inverse(step)).round_().clamp_(0, 63) * step - values
    best = (weights * error * error).sum(2, keepdim=True).min(0, keepdim=True).indices
    return steps.gather(0, best)[0]


# Groups with a signed scale: Q3_K and Q6_K


def _quantize_signed(rows, first, gap, half, scale_half):
    """(quants (groups, 16), d, scales int8) of float32 rows.

    Tries grids of `first`, `first` + `gap`, … steps. Quants are from -half to half - 1, and half is
    added to what is returned; scales are from -scale_half to scale_half - 1.
    """
    import torch

    x = _bounded(rows).view(-1, 16)
    far = _farthest(x)
    # From −1 to 1 with the farthest at −1, since there is one quant more below 0.
    scaled = x * -_inverse(far)[:, None]
    _, squares, products = _try_grids(scaled, first, gap, (-half, half - 1))
    slope = products / squares.clamp(min=1)
    best = (slope * products).max(0, keepdim=True).indices
    scales = (slope.gather(0, best)[0] * -far).view(-1, 16)
    far = _farthest(scales)
    d = torch.where(far > 0, -1, 1) * _float16_above(far.abs() / scale_half)
    step = d.float()[:, None]
    scales = (scales * _inverse(step)).round_().clamp_(-scale_half, scale_half - 1)
    quants = (x * _inverse(scales * step).view(-1, 1)).round_().clamp_(-half, half - 1)
    return quants.add_(half).to(torch.uint8), d, scales.to(torch.int8)


def _dequantize_signed(scales, quants, half):
    """(blocks, 256) float32 numbers of the quants, (blocks, 256) uint8 with `half` added."""
    quants = (quants.float() - half).view(-1, 16, 16)
    return (scales[:, :, None] * quants).view(-1, 256)


def _farthest(values):
    """The number with the largest magnitude in each row."""
    import torch

    high, low = values.amax(1), values.amin(1)
    return torch.where(high > -low, high, low)


# Both


def _bounded(rows):
    return rows.clamp(-_LARGEST, _LARGEST)


def _try_grids(scaled, first, gap, limits):
    """(3, grids, groups): `_sums` of roundings to grids of `first`, `first` + `gap`, … steps."""
    import torch

    quants, spare, sums = torch.empty_like(scaled), torch.empty_like(scaled), []
    for grid in range(_GRIDS):
        torch.mul(scaled, first + gap * grid, out=quants).round_().clamp_(*limits)
        sums.append(_sums(quants, scaled, spare))
    return torch.stack(sums, 1)


def _sums(quants, scaled, spare):
    """(3, groups): the sums of quants, their squares and quants · numbers; `spare` is scratch."""
    import torch

    squares = torch.mul(quants, quants, out=spare).sum(1)
    return torch.stack([quants.sum(1), squares, torch.mul(quants, scaled, out=spare).sum(1)])


def _inverse(values):
    """1 / values, or 0 for values of about 0."""
    import torch

    return torch.where(values.abs() > _SMALLEST, 1 / values, 0)


def _float16_above(values):
    """Numbers ≥ 0 as float16, rounded up where rounding down loses more than 0.1 %.

    So happens with very small numbers, and would clip the largest scale.
    """
    import torch

    values = values.clamp(max=_FLOAT16_MAX)
    half = values.half()
    above = (half.view(torch.int16) + 1).view(torch.half)
    return torch.where(half.float() < 0.999 * values, above, half)
