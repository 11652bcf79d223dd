"""llama.cpp's K-quants Q4_K, Q5_K and Q6_K encoded by torch, on a CPU or a GPU (the `gguf` package only decodes them).

A block is 256 numbers of a row, cut into groups. Q4_K and Q5_K: 8 groups of 32, a number is
d · scale · code − dmin · low with codes of 4 or 5 bits and scale and low of 6. Q6_K: 16 groups of 16, a number is
d · scale · code with codes from −32 to 31 and scales from −128 to 127. d and dmin are float16.

Each group is rounded to eight grids, finer and coarser than its range asks for; least squares gives each rounding its
best scale and low, and the one with the least squared error stays. Rounding once more with that scale and low often
does better. Then scale and low are rounded to their bits, and the codes are taken with what was stored.
Not here: importance matrices, other K-quants.
"""

import math
from concurrent.futures import ThreadPoolExecutor

from ..files import TwinError
from ..i18n import t
from . import codecs

MIXTURES = {
    "Q4_K_M": "Q4_K",
    "Q5_K_M": "Q5_K",
    "Q6_K": "Q6_K",
    "Q8_0": "Q8_0",
    "F16": "F16",
    "BF16": "BF16",
    "F32": "F32",
}  # what most tensors of a file get
FALLBACKS = {
    "Q4_K": "Q5_0",
    "Q5_K": "Q5_1",
    "Q6_K": "Q8_0",
}  # blocks of 32 for rows that blocks of 256 don't fit
CHUNK = {"cpu": 2**18}  # numbers that a thread encodes at a time: what a CPU's caches hold
CHUNK_ELSEWHERE = 2**23  # for under 0.5 GB
MOST_THREADS = 16
GRIDS = 8
HALF_MAX = 65504.0  # the largest float16
LARGEST = 1e9  # more than a block can hold, little enough for float32 to add up
SMALLEST = (
    1e-12  # the width of a group below which it is one number: far less than a float16 can tell
)


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
        kind = "Q8_0" if kind == "Q8_0" else "Q6_K"
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


# Blocks


def encode(weights, type):
    """The blocks of a tensor as numpy uint8, one row of bytes for each row of numbers.

    `weights` is a float32, float16 or bfloat16 tensor (…, columns) on any device; `type` a GGMLQuantizationType. What
    is larger than a block of K-quants can hold is clipped. Raises TwinError when a number isn't finite, ValueError
    when the columns don't fill whole blocks.
    """
    need_finite(weights)
    return encoded(weights, type).cpu().numpy()


def encoded(weights, type):
    """As `encode`, but a tensor on the weights' device; whether they are finite isn't asked."""
    import torch
    from gguf import GGML_QUANT_SIZES

    block, size = GGML_QUANT_SIZES[type]
    columns, device = weights.shape[-1], weights.device
    if columns % block:
        raise ValueError(
            f"Rows of {columns} numbers can't be {type.name}: its blocks hold {block}."
        )
    rows = weights.reshape(-1, columns)
    found = torch.empty(len(rows), columns // block * size, dtype=torch.uint8, device=device)
    step = max(1, CHUNK.get(device.type, CHUNK_ELSEWHERE) // columns)

    def fill(start):
        part = rows[start : start + step].float().contiguous()
        found[start : start + step] = _encoder(type)(part).view(torch.uint8).view(len(part), -1)

    _each(fill, range(0, len(rows), step), device.type)
    return found.view(*weights.shape[:-1], -1)


def decode(data, type, shape, device="cpu"):
    """The float32 tensor of `shape` that a GGUF tensor's data (a numpy array as gguf's reader gives it) stands for.

    `type` is a GGMLQuantizationType. Raises ValueError when the data isn't that of such a tensor.
    """
    import numpy
    import torch
    from gguf import GGML_QUANT_SIZES

    block, size = GGML_QUANT_SIZES[type]
    stored, count = data.reshape(-1).view(numpy.uint8), math.prod(shape)
    if type.name not in codecs.DECODERS or stored.size * block != count * size:
        raise ValueError(
            f"{stored.size} bytes of {type.name} aren't a tensor of the shape {tuple(shape)}."
        )
    stored = stored.reshape(-1, size)
    with torch.inference_mode(False):  # that mode holds for one thread, and several fill this
        values = torch.empty(len(stored), block, device=device)
    step = CHUNK.get(values.device.type, CHUNK_ELSEWHERE) // block

    def fill(start):
        # A copy: the file's own memory can't be written, which torch doesn't know of.
        part = torch.from_numpy(numpy.array(stored[start : start + step])).to(device)
        values[start : start + step] = codecs.DECODERS[type.name](part)

    _each(fill, range(0, len(stored), step), values.device.type)
    return values.view(*shape)


def _each(function, starts, device):
    """Call the function for each start; on a CPU by threads of our own."""
    import torch

    threads = torch.get_num_threads()
    if device != "cpu" or threads == 1:
        for start in starts:
            function(start)
        return
    # Torch's own threads wait for each other after every operation: one core busy elsewhere makes them crawl.
    try:
        with ThreadPoolExecutor(
            min(threads, MOST_THREADS), initializer=torch.set_num_threads, initargs=(1,)
        ) as pool:
            for _ in pool.map(function, starts):
                pass
    finally:
        torch.set_num_threads(threads)


def need_finite(weights):
    """Raise TwinError when one of the numbers is infinite or none."""
    low, high = weights.aminmax()  # NaN if one is; on a CPU isfinite takes ten times as long
    if not bool(low.isfinite() & high.isfinite()):
        raise TwinError(t("gguf.weights_hold_numbers_arent_finite"))


def _encoder(type):
    found = {"Q4_K": _q4, "Q5_K": _q5, "Q6_K": _q6}.get(type.name)
    if found is None:
        return codecs.ENCODERS[type.name]
    return lambda part: found(part.clamp(-LARGEST, LARGEST))


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
    slope, start, sums = _fitted((x - low[:, None]).mul_(each[:, None]), top, -low * each)
    scales, lows = (slope * width).view(-1, 8), -(low + start * width).view(-1, 8)
    d, dmin = _unit_of(scales, sums[1].view(-1, 8)), _unit_of(lows, 1)
    step, low_step = d.float(), dmin.float()
    scales = (scales * _inverse(step)).round_().clamp_(0, 63)
    # The low that suits the scale as it was rounded, not the one before.
    lows = ((scales * step * sums[0].view(-1, 8)) - x.sum(1).view(-1, 8)) / 32
    lows = (lows * _inverse(low_step)).round_().clamp_(0, 63)
    each = _inverse(scales * step)
    codes = (
        torch.addcmul((lows * low_step * each).view(-1, 1), x, each.view(-1, 1))
        .round_()
        .clamp_(0, top)
    )
    return codes.to(torch.uint8), (d, dmin, _packed(scales.to(torch.uint8), lows.to(torch.uint8)))


def _fitted(unit, top, zero):
    """(slope, start, sums) of each group: its units, from 0 to 1, are about start + slope · code.

    `zero` is where 0 lies among the units: no start is above, for lows have no sign.
    """
    import torch

    total = unit.sum(1)
    slope, start, best = _line(_tried(unit, top - 1.8, 0.4, (0, top)), total, zero)
    each = _inverse(slope)
    codes = torch.addcmul((-start * each)[:, None], unit, each[:, None]).round_().clamp_(0, top)
    return _line(torch.stack([best, _sums(codes, unit, torch.empty_like(codes))], 1), total, zero)


def _line(sums, total, zero):
    """(slope, start, sums) of the grid that leaves the least squared error, from sums (3, grids, groups) of all."""
    import torch

    plain, squares, products = sums
    slope = (32 * products - total * plain) / (32 * squares - plain * plain).clamp_(min=1)
    start = (total - slope * plain) / 32
    above = start > zero
    start = torch.where(above, zero, start)
    slope = torch.where(above, (products - zero * plain) / squares.clamp(min=1), slope)
    error = slope * (slope * squares + 2 * (start * plain - products)) + start * (
        32 * start - 2 * total
    )
    best = error.min(0, keepdim=True).indices  # on a CPU several times as fast as argmin
    return (
        slope.gather(0, best)[0],
        start.gather(0, best)[0],
        sums.gather(1, best.expand(3, 1, -1))[:, 0],
    )


def _unit_of(values, weights):
    """(blocks, 1): the float16 whose multiples, up to 63 times, come nearest to the values (blocks, 8)."""
    import torch

    most = values.amax(1, keepdim=True).clamp_(min=0)
    units = torch.stack([_half_above(most / times) for times in (63, 62, 61)])
    step = units.float()
    off = (values * _inverse(step)).round_().clamp_(0, 63) * step - values
    best = (weights * off * off).sum(2, keepdim=True).min(0, keepdim=True).indices
    return units.gather(0, best)[0]


def _packed(scales, lows):
    """12 bytes of 8 scales and 8 lows of 6 bits: the upper two bits of the last four stand over the first four."""
    import torch

    return torch.cat(
        [
            scales[:, :4] | scales[:, 4:] >> 4 << 6,
            lows[:, :4] | lows[:, 4:] >> 4 << 6,
            scales[:, 4:] & 15 | lows[:, 4:] << 4,
        ],
        1,
    )


# Q6_K


def _signed(numbers):
    """(codes (groups, 16) from 0 to 63, d, scales int8) of float32 numbers."""
    import torch

    x = numbers.view(-1, 16)
    far = _farthest(x)
    unit = (
        x * -_inverse(far)[:, None]
    )  # from −1 to 1, the farthest at −1: there is one code more below 0
    _, squares, products = _tried(unit, 28, 1, (-32, 31))
    slope = products / squares.clamp(min=1)
    best = (slope * products).max(0, keepdim=True).indices
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


def _tried(unit, first, gap, limits):
    """(3, grids, groups): `_sums` for the grids of `first`, `first` + `gap`, … codes in one unit, within `limits`."""
    import torch

    codes, spare, found = torch.empty_like(unit), torch.empty_like(unit), []
    for grid in range(GRIDS):
        torch.mul(unit, first + gap * grid, out=codes).round_().clamp_(*limits)
        found.append(_sums(codes, unit, spare))
    return torch.stack(found, 1)


def _sums(codes, unit, spare):
    """(3, groups): the sums of codes, of their squares, and of codes times units; `spare` is memory to work in."""
    import torch

    squares = torch.mul(codes, codes, out=spare).sum(1)
    return torch.stack([codes.sum(1), squares, torch.mul(codes, unit, out=spare).sum(1)])


def _inverse(values):
    """1 / values, and 0 for what is as good as 0."""
    import torch

    return torch.where(values.abs() > SMALLEST, 1 / values, 0)


def _half_above(values):
    """Numbers ≥ 0 as float16, the smallest rounded up: rounded down by much, they would cut off the largest scale."""
    import torch

    values = values.clamp(max=HALF_MAX)
    half = values.half()
    return torch.where(
        half.float() < 0.999 * values, (half.view(torch.int16) + 1).view(torch.half), half
    )
