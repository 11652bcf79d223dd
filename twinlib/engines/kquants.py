"""llama.cpp's K-quants Q4_K, Q5_K and Q6_K encoded by torch, on a CPU or a GPU: the `gguf` package only decodes them.

A block is 256 numbers of a row, cut into groups. Q4_K and Q5_K: 8 groups of 32, a number is
d · scale · code − dmin · low with codes of 4 or 5 bits and scale and low of 6. Q6_K: 16 groups of 16, a number is
d · scale · code with codes from −32 to 31 and scales from −128 to 127. d and dmin are float16.

Each group is rounded to nine grids a little wider or narrower than its range; least squares gives each rounding its
best scale and low, and the one with the least squared error stays. Then scale and low are rounded to their bits, and
the codes are taken anew with what was stored. Not here: importance matrices, other K-quants.
"""

from ..language import t
from ..twin import TwinError

MIXTURES = {"Q4_K_M": "Q4_K", "Q5_K_M": "Q5_K", "Q6_K": "Q6_K", "Q8_0": "Q8_0", "F16": "F16", "BF16": "BF16",
            "F32": "F32"}  # what most tensors of a file get
FALLBACKS = {"Q4_K": "Q5_0", "Q5_K": "Q5_1", "Q6_K": "Q8_0"}  # blocks of 32 for rows that blocks of 256 don't fit
BLOCK = 256  # numbers
CHUNK = {"cpu": 2**18}  # numbers encoded at a time: on a CPU what its caches hold, elsewhere under 0.5 GB
CHUNK_ELSEWHERE = 2**23
GRIDS = 9
HALF_MAX = 65504.0  # the largest float16
LARGEST = 1e9  # more than a block can hold, little enough for float32 to add up
SMALLEST = 1e-12  # the width of a group below which it is one number: far less than a float16 can tell


# Which type a tensor gets


def tensor_type(mixture, name, shape, layers, tied, architecture):
    """The GGMLQuantizationType that llama.cpp's quantizer gives a tensor in a file of kind `mixture`.

    `shape` is row-major, `layers` their number in the model, `tied` whether the embedding is also the output,
    `architecture` the GGUF one. Holds for Qwen2, Qwen3, Llama (from 2 on) and Gemma 3, without importance matrix.
    """
    from gguf import GGML_QUANT_SIZES, GGMLQuantizationType

    kind, columns = MIXTURES[mixture], shape[-1]
    if len(shape) == 1 or name.endswith("_norm.weight"):
        return GGMLQuantizationType.F32
    if kind in ("F32", "F16", "BF16"):
        return GGMLQuantizationType[kind]
    if name == "output.weight" or tied and name == "token_embd.weight":
        kind = "Q8_0" if kind == "Q8_0" or columns % BLOCK else "Q6_K"
    elif mixture.endswith("_M"):
        kind = _in_mixture(kind, name, layers, architecture)
    for fallback in (kind, FALLBACKS.get(kind, kind)):
        if columns % GGML_QUANT_SIZES[GGMLQuantizationType[fallback]][0] == 0:
            return GGMLQuantizationType[fallback]
    return GGMLQuantizationType.F16


def _in_mixture(kind, name, layers, architecture):
    """Some layers' values and down-projections get 6 bits: the first and last eighth and every third between."""
    if not name.endswith(("attn_v.weight", "ffn_down.weight")):
        return kind
    layer = int(name.split(".")[1])
    if layer < layers // 8 or layer >= 7 * layers // 8 or (layer - layers // 8) % 3 == 2:
        return "Q6_K"
    # In 70-billion models eight heads share their values.
    shared = layers == 80 and architecture in ("llama", "qwen2") and "attn_v" in name
    return "Q5_K" if shared and kind == "Q4_K" else kind


# Encoding


def encode(weights, type):
    """The blocks of a tensor as numpy uint8, one row of bytes for each row of numbers.

    `weights` is a float32, float16 or bfloat16 tensor (…, columns) on any device; `type` a GGMLQuantizationType, the
    K-quants done here and others by gguf. What is larger than a block can hold is clipped. Raises TwinError when a
    number isn't finite, ValueError when the columns don't fill whole blocks.
    """
    import numpy
    from gguf import GGML_QUANT_SIZES

    block, size = GGML_QUANT_SIZES[type]
    columns = weights.shape[-1]
    if columns % block:
        raise ValueError(f"Rows of {columns} numbers can't be {type.name}: its blocks hold {block}.")
    rows = weights.reshape(-1, columns)
    blocks = numpy.empty((len(rows), columns // block * size), numpy.uint8)
    step = max(1, CHUNK.get(weights.device.type, CHUNK_ELSEWHERE) // columns)
    for start in range(0, len(rows), step):
        part = rows[start:start + step].float()
        _need_finite(part)
        blocks[start:start + step] = _encoded(part, type).reshape(len(part), -1)
    return blocks.reshape(*weights.shape[:-1], -1)


def _need_finite(part):
    # Only NaN and infinity times 0 aren't 0; that takes a third of the time of isfinite.
    if float((part * 0).sum()) != 0:
        raise TwinError(t("The weights hold numbers that aren't finite: train again with a lower learning rate.",
                          "权重里有无穷大或不是数字的值：请降低学习率，重新训练。"))


def _encoded(part, type):
    """Blocks of float32 rows, as a numpy array of bytes in their order."""
    import gguf

    if encoder := {"Q4_K": _q4, "Q5_K": _q5, "Q6_K": _q6}.get(type.name):
        return encoder(part.clamp(-LARGEST, LARGEST)).cpu().numpy()
    return gguf.quants.quantize(part.cpu().numpy(), type).view("uint8")


def _q4(numbers):
    codes, head = _with_low(numbers, 15)
    return _joined(*head, _nibbles(codes))


def _q5(numbers):
    codes, head = _with_low(numbers, 31)
    return _joined(*head, _bits(codes.view(-1, 8, 32) >> 4, 1), _nibbles(codes & 15))


def _q6(numbers):
    codes, d, scales = _signed(numbers)
    codes = codes.view(-1, 2, 4, 32)
    low = codes & 15
    return _joined(low[:, :, :2] | low[:, :, 2:] << 4, _bits(codes >> 4, 2), scales, d)


def _nibbles(codes):
    """Two groups of 32 share 32 bytes: the first group in the lower four bits."""
    pairs = codes.view(-1, 4, 2, 32)
    return pairs[:, :, 0] | pairs[:, :, 1] << 4


def _bits(codes, width):
    """Codes of `width` bits put side by side along the last dimension but one, the first lowest."""
    import torch

    places = torch.arange(0, codes.shape[-2] * width, width, dtype=torch.uint8, device=codes.device)
    return (codes << places[:, None]).sum(-2, dtype=torch.uint8)


def _joined(*parts):
    """(blocks, bytes): what each block consists of, one after the other."""
    import torch

    return torch.cat([part.contiguous().view(torch.uint8).view(len(part), -1) for part in parts], 1)


# Q4_K and Q5_K


def _with_low(numbers, top):
    """(codes (groups, 32) from 0 to top, (d, dmin, packed scales and lows)) of float32 numbers."""
    import torch

    x = numbers.view(-1, 32)
    low = x.amin(1).clamp_(max=0)
    width = x.amax(1) - low
    each = _inverse(width)
    unit = (x - low[:, None]).mul_(each[:, None])
    total = unit.sum(1)
    sums = _tried(unit, [top + 0.5 * step for step in range(-GRIDS // 2 + 1, GRIDS // 2 + 1)], 0, top, plain=True)
    slope, start, plain = _line(sums, total, -low * each)
    scales, lows = (slope * width).view(-1, 8), -(low + start * width).view(-1, 8)
    d, dmin = _half_above(scales.amax(1) / 63), _half_above(lows.amax(1).clamp_(min=0) / 63)
    step, low_step = d.float()[:, None], dmin.float()[:, None]
    scales = (scales * _inverse(step)).round_().clamp_(0, 63)
    # The low that suits the scale as it was rounded, not the one before.
    lows = (scales * step * plain.view(-1, 8) - (total * width + 32 * low).view(-1, 8)) / 32
    lows = (lows * _inverse(low_step)).round_().clamp_(0, 63)
    each = _inverse(scales * step)
    codes = torch.addcmul((lows * low_step * each).view(-1, 1), x, each.view(-1, 1)).round_().clamp_(0, top)
    return codes.to(torch.uint8), (d, dmin, _packed(scales.to(torch.uint8), lows.to(torch.uint8)))


def _line(sums, total, zero):
    """(slope, start, sum of codes), each (groups), of the grid whose line start + slope · code is nearest to the units.

    `sums` are (3, grids, groups), `total` is the sum of the units, `zero` where 0 lies among them: no line starts above.
    """
    import torch

    plain, squares, products = sums
    slope = (32 * products - total * plain) / (32 * squares - plain * plain).clamp_(min=1)
    start = (total - slope * plain) / 32
    above = start > zero
    start = torch.where(above, zero, start)
    slope = torch.where(above, (products - zero * plain) / squares.clamp(min=1), slope)
    error = slope * (slope * squares + 2 * (start * plain - products)) + start * (32 * start - 2 * total)
    best = error.argmin(0, keepdim=True)
    return (values.gather(0, best)[0] for values in (slope, start, plain))


def _packed(scales, lows):
    """12 bytes of 8 scales and 8 lows of 6 bits: the upper two bits of the last four stand over the first four."""
    import torch

    return torch.cat([scales[:, :4] | scales[:, 4:] >> 4 << 6, lows[:, :4] | lows[:, 4:] >> 4 << 6,
                      scales[:, 4:] & 15 | lows[:, 4:] << 4], 1)


# Q6_K


def _signed(numbers):
    """(codes (groups, 16) from 0 to 63, d, scales int8) of float32 numbers."""
    import torch

    x = numbers.view(-1, 16)
    far = _farthest(x)
    unit = x * -_inverse(far)[:, None]  # from −1 to 1, the farthest at −1: there is one code more below 0
    squares, products = _tried(unit, [32 + step for step in range(-GRIDS // 2 + 1, GRIDS // 2 + 1)], -32, 31)
    slope = products / squares.clamp(min=1)
    best = (slope * products).argmax(0, keepdim=True)
    scales = (slope.gather(0, best)[0] * -far).view(-1, 16)
    far = _farthest(scales)
    d = torch.where(far > 0, -1, 1) * _half_above(far.abs() / 128)
    step = d.float()[:, None]
    scales = (scales * _inverse(step)).round_().clamp_(-128, 127)
    codes = (x * _inverse(scales * step).view(-1, 1)).round_().clamp_(-32, 31).add_(32)
    return codes.to(torch.uint8), d, scales.to(torch.int8)


def _farthest(values):
    """Of each row the number with the largest magnitude."""
    import torch

    high, low = values.amax(1), values.amin(1)
    return torch.where(high > -low, high, low)


# Both


def _tried(unit, grids, least, most, plain=False):
    """(3 or 2, grids, groups): sums of codes (if `plain`), of their squares, and of codes times units, for each grid."""
    import torch

    codes, product = torch.empty_like(unit), torch.empty_like(unit)
    sums = unit.new_empty(2 + plain, len(grids), len(unit))
    for place, grid in enumerate(grids):
        torch.mul(unit, grid, out=codes).round_().clamp_(least, most)
        if plain:
            torch.sum(codes, 1, out=sums[0, place])
        torch.sum(torch.mul(codes, codes, out=product), 1, out=sums[-2, place])
        torch.sum(torch.mul(codes, unit, out=product), 1, out=sums[-1, place])
    return sums


def _inverse(values):
    """1 / values, and 0 for what is as good as 0."""
    import torch

    return torch.where(values.abs() > SMALLEST, 1 / values, 0)


def _half_above(values):
    """The next float16 that isn't below numbers ≥ 0: small ones, rounded down, would cut off the largest scale."""
    import torch

    values = values.clamp(max=HALF_MAX)
    half = values.half()
    return torch.where(half.float() < values, (half.view(torch.int16) + 1).view(torch.half), half)
