"""A GGUF file's weights as a transformers model, which answers many questions at once.

On GPUs, and on processors that compute in bfloat16, PyTorch multiplies several times as fast as
llama.cpp, which uses neither here (benchmarks/decimals_speed.py). The weights are those that the
file holds, rounded once more to 16 bits; llama.cpp rounds what it multiplies them with instead. So
single answers differ, and whoever uses this asks llama.cpp some of them, too.

Logits are computed in float32: in bfloat16 those of two digits are often equal, and the smaller
digit would always win.
"""

import math
import types
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from ..models import estimate, load, rollouts
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
    memory, and for families that rollouts.Sampler runs. GPUs compute in float16, which rounds less,
    unless the base overflows there.
    """
    import torch

    name = load.device()
    fast = name == "cuda" or name == "cpu" and load.fast_bfloat16()
    if not fast or not rollouts.knows(source.config):
        return None
    vocabulary = max(tensor.shape[0] for tensor in source.tensors if len(tensor.shape) == 2)
    logits = 2 * vocabulary * source.config.hidden_size  # two more times 16 bits, for float32
    parameters = sum(math.prod(tensor.shape) for tensor in source.tensors) + logits
    if load.fitting_precision(base, parameters) != "auto":
        return None
    if name == "cuda" and not estimate.overflows(base.path):
        return Device(name, torch.float16)
    return Device(name, torch.bfloat16 if load.fast_bfloat16() else torch.float32)


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
        _exact_logits(model.to(where.name))
    return model


def _exact_logits(model):
    """Let the output layer compute in float32."""
    import torch

    head = model.get_output_embeddings()
    if head.weight.dtype == torch.float32:
        return
    weight = head.weight.float()

    def logits(self, states):
        bias = None if self.bias is None else self.bias.float()
        return torch.nn.functional.linear(states.float(), weight, bias)

    head.forward = types.MethodType(logits, head)
