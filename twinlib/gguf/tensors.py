"""The base's tensors with an adapter's LoRA deltas, in llama.cpp's names and layout.

Nothing is merged on disk, and of a large tensor only some rows are in memory at a time. Names and
shapes are those of llama.cpp's own converter; what differs between model families is in
families.py. Not supported (TwinError): other families, DoRA, adapters that replace whole layers.
"""

import math
import re
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from ..files import TwinError
from ..i18n import t
from ..models import load
from ..models.exportable import read_config, rope_of, stored, text_name
from ..models.families import family_of, head_dim

if TYPE_CHECKING:
    import torch

_LORA_NAME = re.compile(r"(?:base_model\.model\.)?(.+)\.lora_([AB])(?:\.default)?\.weight")


class Tensor(NamedTuple):
    """One tensor of a GGUF file.

    `base_name` is its name in the base, '' for one that is computed; `shape` is row-major. `parts`
    are the names of the base's tensors that it is a stack of, of which `base_name` is the first.
    """

    name: str
    base_name: str
    shape: tuple[int, ...]
    parts: tuple[str, ...] = ()


class Delta(NamedTuple):
    """What LoRA adds to a weight: scale · up @ down.

    `down` is (rank, columns), `up` is (rows, rank).
    """

    down: "torch.Tensor"
    up: "torch.Tensor"
    scale: float


class Source:
    """The tensors of a base in `folder`, with the deltas of a peft adapter.

    `config` is the text model's configuration, `tensors` the tensors of its GGUF file in their
    order, `tied` whether the embedding is also the output, `value_layers` the layers that have
    values (or queries, keys and values in one tensor) of their own. Tensors are returned in
    float32, in llama.cpp's layout. Raises TwinError for a model or adapter that can't be written.
    """

    piece_size = 2**24  # numbers of a tensor that are in memory at a time

    def __init__(self, folder: Path, adapter: Path | None = None):
        self.config = read_config(folder)
        self.family = family_of(self.config)
        self._stored = stored(folder)
        self.tensors = _tensors(self.config, self.family, self._stored)
        self.tied = all(tensor.name != "output.weight" for tensor in self.tensors)
        self.value_layers = [
            int(tensor.name.split(".")[1])
            for tensor in self.tensors
            if tensor.name.endswith((".attn_v.weight", ".attn_qkv.weight"))
        ]
        self._computed = _computed(self.config, self.family)
        names = {tensor.base_name for tensor in self.tensors}
        self._deltas = read_adapter(adapter, names) if adapter else {}

    def original(self, tensor: Tensor, device: str = "cpu") -> "torch.Tensor":
        """The tensor of the base alone."""
        return self._to_llama_cpp(tensor, _to_float32(self.read(tensor), device))

    def delta(self, tensor: Tensor, device: str = "cpu") -> "torch.Tensor | None":
        """What the adapter adds to the tensor, or None if it leaves it unchanged."""
        delta = self._delta(tensor, 0, None, device)
        return None if delta is None else self._ordered(tensor, delta)

    def merged_rows(
        self,
        tensor: Tensor,
        start: int,
        stop: int,
        device: str = "cpu",
        stored: "torch.Tensor | None" = None,
    ) -> "torch.Tensor":
        """The rows start:stop, one of `pieces`, of the tensor with the adapter's delta.

        `stored` is the result of `read` for these rows, if it was called already.
        """
        stored = self.read(tensor, start, stop) if stored is None else stored
        values = _to_float32(stored, device)
        if (delta := self._delta(tensor, start, stop, device)) is not None:
            values = values + delta
        return self._to_llama_cpp(tensor, values)

    def pieces(self, tensor: Tensor) -> list[tuple[int, int]]:
        """[(start, stop)] of the rows that are merged together.

        A piece has up to `piece_size` numbers; a tensor whose rows are reordered is one piece.
        """
        rows = tensor.shape[0]
        step = max(1, self.piece_size // math.prod(tensor.shape[1:]))
        if rows <= step or tensor.parts or self._order(tensor) != (None, None):
            return [(0, rows)]
        return [(start, min(start + step, rows)) for start in range(0, rows, step)]

    def read(
        self, tensor: Tensor, start: int = 0, stop: int | None = None, pinned: bool = False
    ) -> "torch.Tensor":
        """A copy of the rows start:stop in the base's dtype and layout, on the CPU.

        `pinned`: in pinned memory, from which a copy to a GPU is faster.
        """
        import numpy
        import torch
        from safetensors import safe_open

        if not tensor.base_name:
            return torch.tensor(self._computed[tensor.name])
        if tensor.parts:
            names = [name for name in tensor.parts if name in self._stored]
            # Older checkpoints hold the stack itself.
            names = names or [self.family.stack(tensor.parts[0])]
            whole = [self.read(tensor._replace(base_name=name, parts=())) for name in names]
            return torch.cat([part.flatten() for part in whole]).reshape(tensor.shape)
        path, name, shape = self._stored[tensor.base_name]
        if shape[0] != tensor.shape[0]:  # of another shape, and small
            start, stop = 0, None
        # Opened each time, because pages read from a mapped file count as this process's memory.
        with safe_open(path, framework="pt") as file:
            rows = file.get_slice(name)[start:stop]
            copy = torch.empty(rows.shape, dtype=rows.dtype, pin_memory=pinned)
            # By numpy, since torch's copy uses threads, which would slow those that encode.
            numpy.copyto(copy.view(torch.uint8).numpy(), rows.view(torch.uint8).numpy())
        return copy.reshape(-1, *tensor.shape[1:])

    def _delta(self, tensor, start, stop, device):
        if tensor.parts or (delta := self._deltas.get(tensor.base_name)) is None:
            return None
        up, down = delta.up[start:stop].to(device).float(), delta.down.to(device).float()
        return delta.scale * (up @ down)

    # Layout

    def _to_llama_cpp(self, tensor, values):
        """Convert a tensor from transformers' layout to llama.cpp's."""
        if tensor.base_name.endswith(self.family.negated_exponents):
            values = -values.exp()
        if offset := self.family.offset(tensor.base_name):
            values = values + offset
        return self._ordered(tensor, values)

    def to_transformers(
        self, tensor: Tensor, values: "torch.Tensor", name: str = ""
    ) -> "torch.Tensor":
        """Convert a tensor from llama.cpp's layout to transformers'; of a stack the part `name`."""
        import torch

        if tensor.parts:
            part = values.reshape(len(tensor.parts), -1)[tensor.parts.index(name)]
            return part.reshape(self._stored[name][2] if name in self._stored else (1, 1, -1))

        for dimension, order in enumerate(self._order(tensor)):
            if order is not None:
                back = torch.empty(len(order), dtype=torch.long)
                back[torch.tensor(order)] = torch.arange(len(order))
                values = values.index_select(dimension, back.to(values.device))
        if offset := self.family.offset(tensor.base_name):
            values = values - offset
        if tensor.base_name.endswith(self.family.negated_exponents):
            values = (-values).log()
        return values.reshape(self._stored[tensor.base_name][2])

    def _order(self, tensor):
        """(rows, columns) of a stored tensor in the file's order; None where it is the same."""
        if not tensor.base_name:
            return None, None
        return self.family.order(self.config, tensor.base_name)

    def _ordered(self, tensor, values):
        """Put rows and columns into the file's order, and leave out dimensions of size 1."""
        import torch

        values = values.reshape(-1, *tensor.shape[1:])
        for dimension, order in enumerate(self._order(tensor)):
            if order is not None:
                values = values.index_select(dimension, torch.tensor(order, device=values.device))
        return values


def _to_float32(stored, device):
    return stored.to(device, non_blocking=True).float()


# The base and the adapter


def read_adapter(folder: Path, weights: set[str]) -> dict[str, Delta]:
    """{weight name: Delta} of a peft adapter's folder.

    Raises TwinError when it isn't plain LoRA on `weights`, the names of a base's weights.
    """
    config, stored = load.adapter_config(folder), load.adapter_weights(folder)
    plain_lora = not config.get("use_dora") and not config.get("fan_in_fan_out")
    matrices = {}
    for name, matrix in stored.items():
        match = _LORA_NAME.fullmatch(name)
        weight = text_name(match[1] + ".weight") if match else name
        if not (match and plain_lora and weight in weights):
            raise TwinError(t("gguf.adapter_not_plain_lora", name=name))
        matrices.setdefault(weight, {})[match[2]] = matrix
    return {
        weight: Delta(pair["A"], pair["B"], _scale(config, weight, pair["A"].shape[0]))
        for weight, pair in matrices.items()
    }


def _scale(config, weight, rank):
    """peft's scale: alpha / rank, with rsLoRA alpha / √rank."""
    module, alpha = weight.removesuffix(".weight"), config["lora_alpha"]
    for pattern, value in (config.get("alpha_pattern") or {}).items():
        if re.match(rf"(?:.*\.)?(?:{pattern})$", module):
            alpha = value
            break
    return alpha / (math.sqrt(rank) if config.get("use_rslora") else rank)


# Which tensors there are


def _tensors(config, family, stored):
    """The Tensors of a GGUF file in its order; raises TwinError for one unknown to llama.cpp."""
    import gguf

    architectures = {name: key for key, name in gguf.MODEL_ARCH_NAMES.items()}
    names = gguf.get_tensor_name_map(architectures[family.architecture], config.num_hidden_layers)
    tensors, stacked = [], family.parts(config)
    # What stands in stacks only; a first layer's v_lora is read by nothing (see `parts`).
    left_out = {part for parts in stacked.values() if len(parts) > 1 for part in parts}
    left_out |= set(map(family.stack, left_out))
    for base_name, (_, _, shape) in stored.items():
        tied_output = base_name == "lm_head.weight" and config.tie_word_embeddings
        if tied_output or base_name.endswith("rotary_emb.inv_freq"):
            continue
        known = base_name
        for ending, other in family.endings.items():
            known = known.removesuffix(ending) + other if known.endswith(ending) else known
        name = names.get_name(known, (".weight", ".bias"))
        if base_name in left_out or name in stacked:
            continue
        if name is None:
            raise TwinError(t("gguf.unknown_tensor", name=base_name))
        # A convolution over each channel alone is stored with a dimension of size 1.
        if len(shape) == 3 and shape[0] > 1 == shape[1]:
            shape = shape[0], shape[2]
        shape = (math.prod(shape),) if base_name.endswith(family.flat) else shape
        tensors.append(Tensor(name, base_name, shape))
    for name, parts in stacked.items():
        shape = stored[parts[0]][2] if len(parts) == 1 else (len(parts), 1, 1, config.hidden_size)
        tensors.append(Tensor(name, parts[0], shape, parts))
    for name, values in _computed(config, family).items():
        tensors.append(Tensor(name, "", (len(values),)))
    return sorted(tensors, key=_by_layer)


def _computed(config, family):
    """{name: numbers} of the tensors that only the file has."""
    computed = family.computed(config)
    if (rope := rope_of(config)).get("rope_type") == "llama3":
        computed["rope_freqs.weight"] = rope_factors(rope, head_dim(config))
    return computed


def _by_layer(tensor):
    """Sort key: tensors outside the layers first, then layer by layer, each in the base's order."""
    return [int(part) if part.isdigit() else -1 for part in tensor.name.split(".")]


def rope_factors(rope: dict, head_dim: int) -> list[float]:
    """llama.cpp's rope_freqs of Llama 3.1 and later: a divisor for each rotary frequency.

    Low frequencies are divided by `factor`, high ones by 1, with a smooth transition. `rope` are
    the rotary parameters of rope_type 'llama3'.
    """
    context = rope["original_max_position_embeddings"]
    low, high, factor = rope["low_freq_factor"], rope["high_freq_factor"], rope["factor"]
    factors = []
    for i in range(0, head_dim, 2):
        turns = context / (2 * math.pi * rope["rope_theta"] ** (i / head_dim))
        smooth = min(max((turns - low) / (high - low), 0.0), 1.0)
        factors.append(1 / ((1 - smooth) / factor + smooth))
    return factors
