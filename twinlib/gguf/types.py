"""The types of GGUF files and of their tensors, one entry a type, and encoding and decoding.

A file type, such as Q4_K_M, is what people choose: most tensors get one tensor type, some a more
precise one, as in llama.cpp's quantizer without importance matrix. A tensor type, such as Q4_K, is
how numbers are stored. A new file type is an entry in FILE_TYPES, a new tensor type an entry in
TENSOR_TYPES and a codec.
"""

import math
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, NamedTuple

from ..files import TwinError
from ..i18n import t
from ..models.families import Family
from . import codecs, k_quants
from .codecs import Codec

if TYPE_CHECKING:
    import numpy
    import torch
    from gguf import GGMLQuantizationType

# Numbers encoded or decoded at a time: on a CPU, as many as fit into a thread's caches; on a GPU,
# into 0.5 GB.
CHUNKS = {"cpu": 2**18, "cuda": 2**23}
_MOST_THREADS = 16
# In nats a token: a K-quant further from the twin is damaged. The worst known is of Gemma 270M,
# whose base is in Q4_K_M already: 0.15 in 4 bits with an adapter, 0.35 in 3 bits without.
KL_LIMIT_K_QUANT = 0.5


class TensorType(NamedTuple):
    """How the numbers of a tensor are stored.

    `rounding` is the largest relative error, ‖decoded − original‖ / ‖original‖, that encoding may
    cause: about three times that of trained weights. An unrelated tensor has about 1.4. `fallback`
    is the type for rows whose length is no multiple of this type's block.
    """

    codec: Codec
    rounding: float
    fallback: str = "F16"


TENSOR_TYPES = {
    "F32": TensorType(codecs.F32, 1e-6),
    "F16": TensorType(codecs.F16, 2e-3),
    "BF16": TensorType(codecs.BF16, 8e-3),
    "Q8_0": TensorType(codecs.Q8_0, 0.02),
    "Q5_1": TensorType(codecs.Q5_1, 0.12),
    "Q5_0": TensorType(codecs.Q5_0, 0.12),
    "Q4_0": TensorType(codecs.Q4_0, 0.3),
    "Q6_K": TensorType(k_quants.Q6_K, 0.06, fallback="Q8_0"),
    "Q5_K": TensorType(k_quants.Q5_K, 0.12, fallback="Q5_1"),
    "Q4_K": TensorType(k_quants.Q4_K, 0.24, fallback="Q5_0"),
    "Q3_K": TensorType(k_quants.Q3_K, 0.5, fallback="Q4_0"),
}


class FileType(NamedTuple):
    """A type of GGUF file.

    Its tensors have the tensor type `main`, except those for which `better(part, layer, layers)`
    returns another one; the part is that in 'blk.LAYER.PART.weight'. `kl_limit`: a larger
    divergence from the 16-bit twin, in nats a token, is a fault, not rounding. `compared`: the '9.9
    or 9.11' benchmark (decimals.py) includes it.
    """

    main: str
    kl_limit: float
    better: Callable[[str, int, int], str | None] = lambda part, layer, layers: None
    compared: bool = False


def _more_bits(part, layer, layers):
    """6 bits for values and down-projections, in the first and last eighth of the layers and in
    every third one between.
    """
    eighth = layers // 8
    chosen = layer < eighth or layer >= 7 * layers // 8 or (layer - eighth) % 3 == 2
    return "Q6_K" if chosen and part in ("attn_v", "ffn_down") else None


def _more_than_3_bits(part, layer, layers):
    """The tensor types of Q3_K_M's most sensitive parts."""
    better = {
        "attn_v": "Q5_K" if layer < 2 else "Q4_K",
        "ffn_down": "Q5_K" if layer < layers // 16 else "Q4_K",
        "attn_output": "Q4_K",
    }
    return better.get(part)


# The smallest first
FILE_TYPES = {
    "Q3_K_M": FileType("Q3_K", 1.0, _more_than_3_bits),
    "Q4_K_M": FileType("Q4_K", KL_LIMIT_K_QUANT, _more_bits, compared=True),
    "Q5_K_M": FileType("Q5_K", KL_LIMIT_K_QUANT, _more_bits, compared=True),
    "Q6_K": FileType("Q6_K", KL_LIMIT_K_QUANT),
    "Q8_0": FileType("Q8_0", 0.005, compared=True),
    "BF16": FileType("BF16", 0.001),
    "F16": FileType("F16", 0.001, compared=True),
    "F32": FileType("F32", 0.001),
}


def next_larger(file_type: str) -> str:
    """The next larger file type; of the largest, F16."""
    names = list(FILE_TYPES)
    return (names[names.index(file_type) + 1 :] or ["F16"])[0]


def tensor_type(
    file_type: str,
    name: str,
    shape: tuple[int, ...],
    layers: int,
    tied: bool,
    family: Family,
    value_layers: list[int] | None = None,
) -> "GGMLQuantizationType":
    """The type that llama.cpp's quantizer gives a tensor in a file of this type.

    `shape` is row-major, `layers` the model's number of layers; `tied`: the embedding is also the
    output. `value_layers` are the layers that have values of their own, by default all.
    """
    from gguf import GGML_QUANT_SIZES, GGMLQuantizationType

    def fits(kind):
        return shape[-1] % GGML_QUANT_SIZES[GGMLQuantizationType[kind]][0] == 0

    kind = _unconstrained_type(file_type, name, shape, layers, tied, family, value_layers)
    if not fits(kind):
        kind = TENSOR_TYPES[kind].fallback
    return GGMLQuantizationType[kind if fits(kind) else "F16"]


def _unconstrained_type(file_type, name, shape, layers, tied, family, value_layers):
    """The name of a tensor's type, whatever the length of its rows."""
    main = FILE_TYPES[file_type].main
    if len(shape) == 1 or name.endswith(("_norm.weight", "ssm_conv1d.weight")):
        return "F32"
    if kept := family.kept.get(name.split(".")[-2]):
        return main if kept == "F16" and main in ("F32", "BF16") else kept
    if main in ("F32", "F16", "BF16", "Q8_0"):
        return main
    if name == "per_layer_model_proj.weight":
        return "F16"
    if name == "output.weight" or tied and name.endswith("token_embd.weight"):
        return "Q6_K"
    if not name.startswith("blk."):
        return main
    _, layer, part, _ = name.split(".")
    layer = int(layer)
    # Queries, keys and values in one tensor are as sensitive as values alone.
    if part in ("attn_v", "attn_qkv"):
        part = "attn_v"
        if value_layers:
            layer, layers = value_layers.index(layer), len(value_layers)
    kind = FILE_TYPES[file_type].better(part, layer, layers) or main
    if part == "attn_v" and layers == family.layers_70b and kind == "Q4_K":
        return "Q5_K"
    return kind


# Encoding and decoding


def encode(weights: "torch.Tensor", type: "GGMLQuantizationType") -> "numpy.ndarray":
    """Encode a tensor: uint8 blocks, (…, bytes), one row of bytes for each row of numbers.

    `weights` is float32, float16 or bfloat16, (…, columns), on any device. Numbers too large for a
    K-quant are clipped. Raises TwinError for numbers that aren't finite, ValueError when the
    columns don't fill whole blocks.
    """
    need_finite(weights)
    return encode_unchecked(weights, type).cpu().numpy()


def encode_unchecked(weights: "torch.Tensor", type: "GGMLQuantizationType") -> "torch.Tensor":
    """As `encode`, with the result on the weights' device and without `need_finite`."""
    import torch
    from gguf import GGML_QUANT_SIZES

    block, size = GGML_QUANT_SIZES[type]
    columns, device = weights.shape[-1], weights.device
    if columns % block:
        raise ValueError(
            f"Rows of {columns} numbers can't be {type.name}: its blocks hold {block}."
        )
    rows = weights.reshape(-1, columns)
    blocks = torch.empty(len(rows), columns // block * size, dtype=torch.uint8, device=device)
    step = max(1, CHUNKS.get(device.type, CHUNKS["cuda"]) // columns)
    codec = TENSOR_TYPES[type.name].codec

    def fill(start):
        part = rows[start : start + step].float().contiguous()
        blocks[start : start + step] = codec.encode(part).view(torch.uint8).view(len(part), -1)

    _run_chunks(fill, range(0, len(rows), step), device.type)
    return blocks.view(*weights.shape[:-1], -1)


def decode(
    data: "numpy.ndarray",
    type: "GGMLQuantizationType",
    shape: tuple[int, ...],
    device: "str | torch.device" = "cpu",
) -> "torch.Tensor":
    """Decode a GGUF tensor's data, as gguf's reader returns it, to a float32 tensor of `shape`.

    Raises ValueError for an unknown type or when the data's size doesn't match.
    """
    import numpy
    import torch
    from gguf import GGML_QUANT_SIZES

    block, size = GGML_QUANT_SIZES[type]
    stored, count = data.reshape(-1).view(numpy.uint8), math.prod(shape)
    if type.name not in TENSOR_TYPES or stored.size * block != count * size:
        raise ValueError(
            f"{stored.size} bytes of {type.name} aren't a tensor of the shape {tuple(shape)}."
        )
    stored, codec = stored.reshape(-1, size), TENSOR_TYPES[type.name].codec
    # In inference mode the other threads couldn't fill this tensor.
    with torch.inference_mode(False):
        values = torch.empty(len(stored), block, device=device)
    step = CHUNKS.get(values.device.type, CHUNKS["cuda"]) // block

    def fill(start):
        # A copy, since torch needs writable memory and that of the file isn't.
        part = torch.from_numpy(numpy.array(stored[start : start + step])).to(device)
        values[start : start + step] = codec.decode(part)

    _run_chunks(fill, range(0, len(stored), step), values.device.type)
    return values.view(*shape)


def _run_chunks(function, starts, device):
    """Call the function for the start of each chunk, on a CPU in several threads.

    Torch's own threads wait for each other after every operation, so one busy core slows all.
    """
    import torch

    threads = torch.get_num_threads()
    if device != "cpu" or threads == 1:
        for start in starts:
            function(start)
        return
    single = {"initializer": torch.set_num_threads, "initargs": (1,)}
    try:
        with ThreadPoolExecutor(min(threads, _MOST_THREADS), **single) as pool:
            for _ in pool.map(function, starts):
                pass
    finally:
        torch.set_num_threads(threads)


def need_finite(weights: "torch.Tensor") -> None:
    """Raise TwinError when one of the numbers is infinite or NaN."""
    # NaN makes both NaN; on a CPU isfinite() takes ten times as long.
    low, high = weights.aminmax()
    if not bool(low.isfinite() & high.isfinite()):
        raise TwinError(t("gguf.weights_not_finite"))
