"""A GGUF file's weights as a transformers model, which answers many questions at once.

On GPUs, and on processors that compute in bfloat16, PyTorch multiplies several times as fast as
llama.cpp, which has neither there (benchmarks/decimals_speed.py). The weights are those that the
file holds, rounded once more to the 16 bits of the device; llama.cpp rounds what it multiplies them
with instead. So single answers differ, and whoever uses this asks llama.cpp some of them, too.
"""

import math
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from ..models import load, rollouts
from . import compare
from .tensors import Source

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedModel


class Device(NamedTuple):
    """Where such a model computes, and in which dtype."""

    name: str
    dtype: "torch.dtype"


def device(base: load.Base, source: Source) -> Device | None:
    """Where a model of this base answers faster than llama.cpp; None for nowhere.

    On an NVIDIA GPU or a processor with fast bfloat16, where its 16-bit weights fit into the free
    memory, and for families that rollouts.Sampler runs.
    """
    name = load.device()
    fast = name == "cuda" or name == "cpu" and load.fast_bfloat16()
    if not fast or not rollouts.knows(source.config):
        return None
    parameters = sum(math.prod(tensor.shape) for tensor in source.tensors)
    if load.fitting_precision(base, parameters) != "auto":
        return None
    return Device(name, load.sixteen_bits(base))


@contextmanager
def opened(source: Source, path: Path, where: Device) -> Iterator["PreTrainedModel"]:
    """A context with the model that a file of this Source holds; its memory is free afterwards."""
    from accelerate.utils.memory import release_memory

    model = _filled(source, path, where)
    try:
        yield model
    finally:
        release_memory(model)


def _filled(source, path, where):
    import torch
    from accelerate import init_empty_weights
    from accelerate.utils import set_module_tensor_to_device
    from transformers import AutoModelForCausalLM

    weights = compare.Weights(source, compare.open_file(path), where.name)
    with init_empty_weights(include_buffers=False):
        model = AutoModelForCausalLM.from_config(
            source.config, dtype=where.dtype, attn_implementation="sdpa"
        ).eval()
    model.tie_weights()
    with torch.no_grad():
        for name, empty in list(model.named_parameters()):
            value = weights.whole(name).to(where.dtype)
            set_module_tensor_to_device(model, name, where.name, value.reshape(empty.shape))
        model.tie_weights()
        for name, buffer in model.named_buffers():
            if name in weights.tensors:
                buffer.copy_(weights.whole(name))
    return model.to(where.name)
