"""The base's tensors with an adapter's LoRA deltas, in llama.cpp's names and layout.

Nothing is merged on disk, and of a large tensor only some rows are in memory. Names and shapes are
those of llama.cpp's own converter; what differs between model families is in families.py. Refused
with a sentence: other families, DoRA, adapters that replace whole layers.
"""

import json
import math
import re
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from ..files import TwinError
from ..i18n import t
from .families import family_of, head_dim

if TYPE_CHECKING:
    import torch

_DTYPES = ("F32", "F16", "BF16")
_NOT_TEXT = ("vision_tower.", "multi_modal_projector.", "visual.")
# Models with images hold the text model one level deeper.
_TEXT_PREFIXES = {
    "model.language_model.": "model.",
    "language_model.model.": "model.",
    "language_model.lm_head.": "lm_head.",
}
_LORA_NAME = re.compile(r"(?:base_model\.model\.)?(.+)\.lora_([AB])(?:\.default)?\.weight")
PIECE = 2**24  # numbers of a tensor that are in memory at a time


class Tensor(NamedTuple):
    """One tensor of a GGUF file: its name there and in the base ('' if computed), its shape."""

    name: str
    source: str
    shape: tuple[int, ...]


class Delta(NamedTuple):
    """What LoRA adds to a weight: scale · up @ down."""

    down: "torch.Tensor"
    up: "torch.Tensor"
    scale: float


class Source:
    """The tensors of a base in `folder` with a peft adapter: `with Source(folder, adapter) as s:`.

    `config` is the text model's configuration, `tensors` what a GGUF file of it holds, `tied`
    whether the embedding is also the output. Tensors come in float32 on any device, in llama.cpp's
    layout. Raises TwinError for a model or an adapter that can't be written.
    """

    def __init__(self, folder: Path, adapter: Path | None = None):
        self.config = read_config(folder)
        self.family = family_of(self.config)
        self._stored = _stored(folder)
        self.tensors = _tensors(self.config, self.family, self._stored)
        self.tied = all(tensor.name != "output.weight" for tensor in self.tensors)
        names = {tensor.source for tensor in self.tensors}
        self._deltas = read_adapter(adapter, names) if adapter else {}

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self._deltas.clear()

    def original(self, tensor: Tensor, device="cpu") -> "torch.Tensor":
        """The tensor of the base alone."""
        return self._to_llama_cpp(tensor, self._on(device, self.read(tensor)))

    def delta(self, tensor: Tensor, device="cpu") -> "torch.Tensor | None":
        """What the adapter adds to the tensor, or None."""
        delta = self._delta(tensor, 0, None, device)
        return None if delta is None else self._interleave(tensor, delta)

    def merged(self, tensor: Tensor, device="cpu") -> "torch.Tensor":
        """The tensor with what the adapter adds."""
        import torch

        return torch.cat([self.merged_rows(tensor, *rows, device) for rows in self.pieces(tensor)])

    def merged_rows(self, tensor: Tensor, start: int, stop: int, device="cpu", stored=None):
        """Some rows of it, one of `pieces`; `stored` is what `read` returned, if called."""
        stored = self.read(tensor, start, stop) if stored is None else stored
        values = self._on(device, stored)
        if (delta := self._delta(tensor, start, stop, device)) is not None:
            values = values + delta
        return self._to_llama_cpp(tensor, values)

    def pieces(self, tensor: Tensor) -> list[tuple[int, int]]:
        """[(start, stop)]: rows merged together, up to 2**24 numbers unless reordered."""
        rows = tensor.shape[0]
        step = max(1, PIECE // math.prod(tensor.shape[1:]))
        if rows <= step or self._interleaved_heads(tensor):
            return [(0, rows)]
        return [(start, min(start + step, rows)) for start in range(0, rows, step)]

    def read(self, tensor: Tensor, start=0, stop: int | None = None, pinned=False):
        """A copy of some rows as stored, in their own dtype, `pinned` for a copy to a GPU."""
        import numpy
        import torch
        from safetensors import safe_open

        if not tensor.source:
            return torch.tensor(rope_factors(rope_of(self.config), head_dim(self.config)))
        path, name = self._stored[tensor.source]
        # Opened anew each time: pages read through an open file count as this process's memory.
        with safe_open(path, framework="pt") as file:
            rows = file.get_slice(name)[start:stop]
            copy = torch.empty(rows.shape, dtype=rows.dtype, pin_memory=pinned)
            # By numpy: torch's copying threads get in the way of those that encode.
            numpy.copyto(copy.view(torch.uint8).numpy(), rows.view(torch.uint8).numpy())
        return copy

    def _on(self, device, stored):
        return stored.to(device, non_blocking=True).float()

    def _delta(self, tensor, start, stop, device):
        if (delta := self._deltas.get(tensor.source)) is None:
            return None
        up, down = delta.up[start:stop].to(device).float(), delta.down.to(device).float()
        return delta.scale * (up @ down)

    # Layout

    def _to_llama_cpp(self, tensor, values):
        """Convert a tensor from transformers' layout to llama.cpp's."""
        if offset := self._norm_offset(tensor):
            values = values + offset
        return self._interleave(tensor, values)

    def to_transformers(self, tensor: Tensor, values: "torch.Tensor") -> "torch.Tensor":
        """Convert a tensor from llama.cpp's layout to transformers'."""
        if heads := self._interleaved_heads(tensor):
            split = values.reshape(heads, -1, 2, *values.shape[1:])
            values = split.transpose(1, 2).reshape(values.shape)
        offset = self._norm_offset(tensor)
        return values - offset if offset else values

    def _norm_offset(self, tensor):
        return self.family.norm_offset if tensor.source.endswith("norm.weight") else 0

    def _interleaved_heads(self, tensor):
        """The number of heads whose rows change places, else 0."""
        if not self.family.interleaved_rotary or not tensor.source:
            return 0
        heads = {
            "q_proj": self.config.num_attention_heads,
            "k_proj": self.config.num_key_value_heads,
        }
        return heads.get(tensor.source.split(".")[-2], 0)

    def _interleave(self, tensor, values):
        """Rows i and i + half of each head put side by side, where the family wants it."""
        heads = self._interleaved_heads(tensor)
        if not heads:
            return values
        split = values.reshape(heads, 2, -1, *values.shape[1:])
        return split.transpose(1, 2).reshape(values.shape)


def read_config(folder: Path):
    """The text model's configuration; raises TwinError for a model that can't be written."""
    from transformers import AutoConfig

    config = AutoConfig.from_pretrained(folder).get_text_config()
    family_of(config).check(config)
    return config


# The base and the adapter


def _stored(folder):
    """{name as in a text-only model: (file, name in it)} of all safetensors of a base."""
    from safetensors import safe_open

    stored = {}
    for path in sorted(Path(folder).glob("model*.safetensors")):
        with safe_open(path, framework="pt") as file:
            for name in file.keys():
                if not any(part in name for part in _NOT_TEXT):
                    stored[_text_name(name)] = path, name
    if not stored:
        raise TwinError(t("gguf.no_safetensors_choose_base_them", folder=folder))
    return stored


def _text_name(name):
    for prefix, plain in _TEXT_PREFIXES.items():
        if name.startswith(prefix):
            return plain + name[len(prefix) :]
    return name


def read_adapter(folder: Path, weights: set[str]) -> dict[str, Delta]:
    """{weight name: Delta} of a peft folder.

    Raises TwinError for what can't be added to these `weights` of a base.
    """
    from safetensors.torch import load_file

    try:
        config = json.loads((Path(folder) / "adapter_config.json").read_text(encoding="utf-8"))
        stored = load_file(Path(folder) / "adapter_model.safetensors")
    except (OSError, ValueError) as error:
        raise TwinError(
            t("gguf.adapter_cant_read_train_again", folder=folder, error=error)
        ) from None
    plain_lora = not config.get("use_dora") and not config.get("fan_in_fan_out")
    matrices = {}
    for name, matrix in stored.items():
        match = _LORA_NAME.fullmatch(name)
        weight = _text_name(match[1] + ".weight") if match else name
        if not (match and plain_lora and weight in weights):
            raise TwinError(t("gguf.adapter_holds_which_cant_added", name=name))
        matrices.setdefault(weight, {})[match[2]] = matrix
    return {
        weight: Delta(pair["A"], pair["B"], _scale(config, weight, pair["A"].shape[0]))
        for weight, pair in matrices.items()
    }


def _scale(config, weight, rank):
    """alpha / rank, as peft counts it."""
    module, alpha = weight.removesuffix(".weight"), config["lora_alpha"]
    for pattern, value in (config.get("alpha_pattern") or {}).items():
        if re.match(rf"(?:.*\.)?(?:{pattern})$", module):
            alpha = value
            break
    return alpha / (math.sqrt(rank) if config.get("use_rslora") else rank)


# Which tensors there are


def _tensors(config, family, stored):
    """The Tensors of a file in its order; raises TwinError for an unknown one."""
    import gguf

    architectures = {name: key for key, name in gguf.MODEL_ARCH_NAMES.items()}
    names = gguf.get_tensor_name_map(architectures[family.architecture], config.num_hidden_layers)
    tensors = []
    for source, shape in _shapes(stored).items():
        tied_output = source == "lm_head.weight" and config.tie_word_embeddings
        if tied_output or source.endswith("rotary_emb.inv_freq"):
            continue
        name = names.get_name(source, (".weight", ".bias"))
        if name is None:
            raise TwinError(t("gguf.base_tensor_llama_cpp_doesnt", source=source))
        tensors.append(Tensor(name, source, shape))
    if rope_of(config).get("rope_type") == "llama3":
        tensors.append(Tensor("rope_freqs.weight", "", (head_dim(config) // 2,)))
    return sorted(tensors, key=_by_layer)


def _by_layer(tensor):
    """Sort key: what belongs to no layer first, then by layer; the rest keeps the base's order."""
    return [int(part) if part.isdigit() else -1 for part in tensor.name.split(".")]


def _shapes(stored):
    """{name: shape} of what is stored; raises TwinError when it isn't of 16 or 32 bits."""
    from safetensors import safe_open

    shapes = {}
    for path in sorted({path for path, _ in stored.values()}):
        with safe_open(path, framework="pt") as file:
            for source, (holder, name) in stored.items():
                if holder != path:
                    continue
                part = file.get_slice(name)
                if part.get_dtype() not in _DTYPES:
                    raise TwinError(t("gguf.base_stored_choose_16_bit", part=part.get_dtype()))
                shapes[source] = tuple(part.get_shape())
    return shapes


def rope_of(config) -> dict:
    """The rotary parameters of full attention."""
    rope = config.rope_parameters
    return rope.get("full_attention", rope)


def rope_factors(rope: dict, head_dim: int) -> list[float]:
    """llama.cpp's rope_freqs of Llama 3.1 and later: the divisors of the rotary frequencies.

    Long waves are divided by `factor`, short ones by 1, with a smooth transition.
    """
    context = rope["original_max_position_embeddings"]
    low, high, factor = rope["low_freq_factor"], rope["high_freq_factor"], rope["factor"]
    factors = []
    for i in range(0, head_dim, 2):
        turns = context / (2 * math.pi * rope["rope_theta"] ** (i / head_dim))
        smooth = min(max((turns - low) / (high - low), 0.0), 1.0)
        factors.append(1 / ((1 - smooth) / factor + smooth))
    return factors
