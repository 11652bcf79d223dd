"""LoRA while a model answers: added to each product in the model's own dtype, never merged.

A merged 16-bit weight swallows updates below its last digit, which those of GRPO often are, and a
4-bit weight can't hold any. The matrices lie in tensors that stay where they are, so that recorded
CUDA graphs compute with the newest ones.
"""

import contextlib
import types
from collections.abc import Iterator

# Layers of one block that get the same input.
_ONE_INPUT = (("q_proj", "k_proj", "v_proj"), ("gate_proj", "up_proj"))


class Adapters:
    """The LoRA weights in the dtype of the model, in tensors that graphs can refer to."""

    def __init__(self, model, dtype):
        import torch

        self.layers = []  # (layer, name of the adapter)
        for layers in _with_one_input(model):
            names = [layer.active_adapters[0] for layer in layers]
            downs = [layer.lora_A[name].weight for layer, name in zip(layers, names)]
            ranks = [len(down) for down in downs]
            options = {"dtype": dtype, "device": downs[0].device}
            shared = _Down(torch.empty(sum(ranks), downs[0].shape[1], **options))
            parts = shared.weight.split(ranks)
            for k, (layer, name) in enumerate(zip(layers, names)):
                columns = slice(sum(ranks[:k]), sum(ranks[: k + 1]))
                up = torch.empty(layer.lora_B[name].weight.shape, **options)
                self.layers.append((layer, name, (shared, columns, parts[k], up)))

    @contextlib.contextmanager
    def in_place(self):
        """A context in which LoRA layers compute with the newest weights."""
        import torch

        with torch.no_grad():
            for layer, name, stored in self.layers:
                _, _, down, up = layer.stored = stored
                down.copy_(layer.lora_A[name].weight)
                unused = layer.disable_adapters or layer.merged
                up.copy_(layer.lora_B[name].weight * (0 if unused else layer.scaling[name]))
        try:
            with forwards([(layer, _lora_forward) for layer, *_ in self.layers]):
                yield
        finally:
            for layer, _, (shared, *_) in self.layers:
                shared.input = shared.output = None
                del layer.stored


class _Down:
    """The first LoRA matrices of layers that get the same input, computed in one product."""

    def __init__(self, weight):
        self.weight, self.input, self.output = weight, None, None

    def __call__(self, x):
        if self.input is not x:
            self.input, self.output = x, x.flatten(0, -2) @ self.weight.t()
        return self.output


def _lora_forward(self, x, *args, **kwargs):
    shared, columns, _, up = self.stored
    out = self.base_layer(x, *args, **kwargs)
    out.view(-1, out.shape[-1]).addmm_(shared(x)[:, columns], up.t())
    return out


def _with_one_input(model):
    """The LoRA layers, those together that get the same input: queries, keys and values; …"""
    groups, lora = {}, set(lora_layers(model))
    for name, layer in model.named_modules():
        if layer in lora:
            parent, _, own = name.rpartition(".")
            kind = next((k for k in _ONE_INPUT if own in k), own)
            groups.setdefault((parent, kind), []).append(layer)
    return list(groups.values())


def lora_layers(model) -> list:
    """The LoRA layers of a peft model; none of another."""
    if not hasattr(model, "get_base_model"):
        return []
    from peft.tuners.lora import LoraLayer

    return [module for module in model.modules() if isinstance(module, LoraLayer)]


def is_plain(layer) -> bool:
    """Whether a LoRA layer is a linear one with a single adapter, without DoRA and the like."""
    import torch

    variant = getattr(layer, "lora_variant", None)
    one = len(layer.active_adapters) == 1
    return one and not variant and isinstance(layer.base_layer, torch.nn.Linear)


@contextlib.contextmanager
def forwards(replaced: list[tuple]) -> Iterator[None]:
    """A context in which each module of `replaced`, [(module, function)], computes by another."""
    before = [module.__dict__.get("forward") for module, _ in replaced]
    for module, forward in replaced:
        module.forward = types.MethodType(forward, module)
    try:
        yield
    finally:
        for (module, _), forward in zip(replaced, before):
            if forward is None:
                del module.forward
            else:
                module.forward = forward
