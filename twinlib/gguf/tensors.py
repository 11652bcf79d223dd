"""The base's safetensors with an adapter's LoRA deltas, tensor by tensor in llama.cpp's names and layout.

Nothing is merged on disk, and of a large tensor only some rows are in memory. Names and shapes are those that
llama.cpp's own converter gives to Qwen2/2.5, Qwen3, Llama 3.x and Gemma 3 (text); what isn't supported is refused with
a sentence: other architectures, DoRA, adapters that replace whole layers.
"""

import json
import math
import re
from pathlib import Path
from typing import NamedTuple

from ..files import TwinError
from ..i18n import t

ARCHITECTURES = {"gemma3_text": "gemma3", "qwen2": "qwen2", "qwen3": "qwen3", "llama": "llama"}
DTYPES = ("F32", "F16", "BF16")
NOT_TEXT = ("vision_tower.", "multi_modal_projector.", "visual.")
LONGEST_SAME_SLIDING = 6  # llama.cpp's Gemma 3: every sixth layer sees everything
PIECE = 2**24  # numbers of a tensor that are in memory at a time


class Tensor(NamedTuple):
    """One tensor of the file: its GGUF name, its name in the base ('' when computed), its shape, row-major."""

    name: str
    source: str
    shape: tuple


class Delta(NamedTuple):
    """What LoRA adds to a weight: scale * up @ down."""

    down: object
    up: object
    scale: float


class Source:
    """`with Source(folder, adapter) as source:` the tensors of a base in `folder`, `adapter` being a peft folder.

    `config` is the text model's configuration, `tensors` what a file holds, `tied` whether its embedding is also its
    output. Tensors come in float32 on any device, in llama.cpp's layout: Gemma's norms with the 1 that transformers
    adds, Llama's rotary rows side by side. Raises TwinError for what can't be written.
    """

    def __init__(self, folder, adapter=None):
        self.config = read_config(folder)
        self._stored = _stored(folder)
        self.tensors = _tensors(self.config, self._stored)
        self.tied = all(tensor.name != "output.weight" for tensor in self.tensors)
        self._deltas = (
            read_adapter(adapter, {tensor.source for tensor in self.tensors}) if adapter else {}
        )

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self._deltas.clear()

    def original(self, tensor, device="cpu"):
        """The tensor of the base alone."""
        return _laid_out(self.config, tensor, self._values(tensor, self.read(tensor), device))

    def delta(self, tensor, device="cpu"):
        """What the adapter adds to the tensor, or None."""
        found = self._delta(tensor, 0, None, device)
        return None if found is None else _interleaved(self.config, tensor, found)

    def merged(self, tensor, device="cpu"):
        """The tensor with what the adapter adds."""
        import torch

        return torch.cat([self.merged_rows(tensor, *rows, device) for rows in self.pieces(tensor)])

    def merged_rows(self, tensor, start, stop, device="cpu", stored=None):
        """Some rows of it, one of `pieces`; `stored` is what `read` gave for them, if it was called already."""
        stored = self.read(tensor, start, stop) if stored is None else stored
        values = self._values(tensor, stored, device)
        if (delta := self._delta(tensor, start, stop, device)) is not None:
            values = values + delta
        return _laid_out(self.config, tensor, values)

    def pieces(self, tensor):
        """[(start, stop)]: rows that are merged together, at most PIECE numbers unless their order changes."""
        rows = tensor.shape[0]
        step = max(1, PIECE // math.prod(tensor.shape[1:]))
        if rows <= step or _rotary_heads(self.config, tensor):
            return [(0, rows)]
        return [(start, min(start + step, rows)) for start in range(0, rows, step)]

    def read(self, tensor, start=0, stop=None, pinned=False):
        """Rows as the base has them, in their own dtype and in memory of their own, `pinned` for the way to a GPU."""
        import numpy
        import torch
        from safetensors import safe_open

        if not tensor.source:
            return torch.tensor(rope_factors(rope_of(self.config), head_dim_of(self.config)))
        path, name = self._stored[tensor.source]
        # Opened anew each time: what was read through an open file counts as this process's memory.
        with safe_open(path, framework="pt") as file:
            rows = file.get_slice(name)[start:stop]
            found = torch.empty(rows.shape, dtype=rows.dtype, pin_memory=pinned)
            # By numpy, for torch would copy with threads that get in the way of those that encode.
            numpy.copyto(found.view(torch.uint8).numpy(), rows.view(torch.uint8).numpy())
        return found

    def _values(self, tensor, stored, device):
        return stored.to(device, non_blocking=True).float()

    def _delta(self, tensor, start, stop, device):
        if (delta := self._deltas.get(tensor.source)) is None:
            return None
        return delta.scale * (
            delta.up[start:stop].to(device).float() @ delta.down.to(device).float()
        )


def read_config(folder):
    """The text model's configuration; raises TwinError for an architecture that can't be written."""
    from transformers import AutoConfig

    config = AutoConfig.from_pretrained(folder).get_text_config()
    if config.model_type not in ARCHITECTURES:
        raise TwinError(t("gguf.model_kind_cant_become_gguf", model_type=config.model_type))
    if config.model_type == "gemma3_text":
        expected = [
            "full_attention" if (i + 1) % LONGEST_SAME_SLIDING == 0 else "sliding_attention"
            for i in range(config.num_hidden_layers)
        ]
        if config.layer_types != expected:
            raise TwinError(t("gguf.gemmas_attention_pattern_isnt_one"))
    return config


# The base and the adapter


def _stored(folder):
    """{name as in a text-only model: (file, name in it)} of all safetensors of a base."""
    from safetensors import safe_open

    found = {}
    for path in sorted(Path(folder).glob("model*.safetensors")):
        with safe_open(path, framework="pt") as file:
            found.update(
                {
                    _text_name(name): (path, name)
                    for name in file.keys()
                    if not any(part in name for part in NOT_TEXT)
                }
            )
    if not found:
        raise TwinError(t("gguf.no_safetensors_choose_base_them", folder=folder))
    return found


def _text_name(name):
    """Gemma 3's image models hold the same text model one level deeper."""
    for deep, plain in (
        ("model.language_model.", "model."),
        ("language_model.model.", "model."),
        ("language_model.lm_head.", "lm_head."),
    ):
        if name.startswith(deep):
            return plain + name[len(deep) :]
    return name


def read_adapter(folder, weights):
    """{weight name: Delta} of a peft folder; raises TwinError for what can't be added to these weights of a base."""
    from safetensors.torch import load_file

    try:
        config = json.loads((Path(folder) / "adapter_config.json").read_text(encoding="utf-8"))
        stored = load_file(Path(folder) / "adapter_model.safetensors")
    except (OSError, ValueError) as error:
        raise TwinError(
            t("gguf.adapter_cant_read_train_again", folder=folder, error=error)
        ) from None
    matrices = {}
    for name, matrix in stored.items():
        found = re.fullmatch(
            r"(?:base_model\.model\.)?(.+)\.lora_([AB])(?:\.default)?\.weight", name
        )
        weight = _text_name(found[1] + ".weight") if found else name
        if (
            not found
            or weight not in weights
            or config.get("use_dora")
            or config.get("fan_in_fan_out")
        ):
            raise TwinError(t("gguf.adapter_holds_which_cant_added", name=name))
        matrices.setdefault(weight, {})[found[2]] = matrix
    return {
        weight: Delta(pair["A"], pair["B"], _scale(config, weight, pair["A"].shape[0]))
        for weight, pair in matrices.items()
    }


def _scale(config, weight, rank):
    module = weight.removesuffix(".weight")
    alpha = next(
        (
            value
            for pattern, value in (config.get("alpha_pattern") or {}).items()
            if re.match(rf"(?:.*\.)?(?:{pattern})$", module)
        ),
        config["lora_alpha"],
    )
    return alpha / (math.sqrt(rank) if config.get("use_rslora") else rank)


# Which tensors there are


def _tensors(config, stored):
    """The Tensors of a file in its order; raises TwinError for one that llama.cpp or this module doesn't know."""
    import gguf

    names, shapes, tensors = (
        gguf.get_tensor_name_map(_arch(gguf, config), config.num_hidden_layers),
        _shapes(stored),
        [],
    )
    for source, shape in shapes.items():
        if (
            source == "lm_head.weight"
            and config.tie_word_embeddings
            or source.endswith("rotary_emb.inv_freq")
        ):
            continue
        name = names.get_name(source, (".weight", ".bias"))
        if name is None:
            raise TwinError(t("gguf.base_tensor_llama_cpp_doesnt", source=source))
        tensors.append(Tensor(name, source, shape))
    if rope_of(config).get("rope_type") == "llama3":
        tensors.append(Tensor("rope_freqs.weight", "", (head_dim_of(config) // 2,)))
    return sorted(
        tensors,
        key=lambda tensor: [int(part) if part.isdigit() else -1 for part in tensor.name.split(".")],
    )


def _shapes(stored):
    """{name: shape} of what is stored; raises TwinError when it isn't of 16 or 32 bits."""
    from safetensors import safe_open

    found = {}
    for path in sorted({path for path, _ in stored.values()}):
        with safe_open(path, framework="pt") as file:
            for source, (place, name) in stored.items():
                if place == path:
                    part = file.get_slice(name)
                    if part.get_dtype() not in DTYPES:
                        raise TwinError(t("gguf.base_stored_choose_16_bit", part=part.get_dtype()))
                    found[source] = tuple(part.get_shape())
    return found


def _arch(gguf, config):
    names = {name: arch for arch, name in gguf.MODEL_ARCH_NAMES.items()}
    return names[ARCHITECTURES[config.model_type]]


def rope_of(config):
    rope = config.rope_parameters
    return rope.get("full_attention", rope)


def head_dim_of(config):
    return getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads


def rope_factors(rope, head_dim):
    """By what each rotary frequency is divided in Llama 3.1 and later (llama.cpp's rope_freqs), head_dim / 2 numbers.

    Long waves by `factor`, short ones not at all, smoothly in between.
    """
    context = rope["original_max_position_embeddings"]
    low, high, factor = rope["low_freq_factor"], rope["high_freq_factor"], rope["factor"]
    factors = []
    for i in range(0, head_dim, 2):
        turns = context / (2 * math.pi * rope["rope_theta"] ** (i / head_dim))
        smooth = min(max((turns - low) / (high - low), 0.0), 1.0)
        factors.append(1 / ((1 - smooth) / factor + smooth))
    return factors


# llama.cpp's layout


def _laid_out(config, tensor, values):
    """Values as llama.cpp wants them, of the base's."""
    if _from_zero(config, tensor):
        values = values + 1
    return _interleaved(config, tensor, values)


def base_layout(config, tensor, values):
    """Values as transformers' module wants them, of llama.cpp's."""
    if heads := _rotary_heads(config, tensor):
        values = (
            values.reshape(heads, -1, 2, *values.shape[1:]).transpose(1, 2).reshape(values.shape)
        )
    return values - 1 if _from_zero(config, tensor) else values


def _from_zero(config, tensor):
    """Gemma's norms: transformers multiplies by 1 + weight, llama.cpp by weight."""
    return config.model_type == "gemma3_text" and tensor.source.endswith("norm.weight")


def _rotary_heads(config, tensor):
    """The number of heads whose rows change places, else 0: llama.cpp's Llama turns rows 2i and 2i+1, transformers
    rows i and i + half."""
    if config.model_type != "llama" or not tensor.source:
        return 0
    return {"q_proj": config.num_attention_heads, "k_proj": config.num_key_value_heads}.get(
        tensor.source.split(".")[-2], 0
    )


def _interleaved(config, tensor, values):
    heads = _rotary_heads(config, tensor)
    if not heads:
        return values
    return values.reshape(heads, 2, -1, *values.shape[1:]).transpose(1, 2).reshape(values.shape)
