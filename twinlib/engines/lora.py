"""A LoRA layer's product, W·x + s·B·A·x, as one function with its own gradient.

The small product is added inside the large one's matrix kernel, forward and backward, which saves a trip through the
GPU's memory; a 4-bit weight is de-quantised when it is needed and never kept. Answering goes the libraries' own way.
Importing this imports torch: the compiler traces functions of a module, not those made inside others.
"""

import types

import torch


def patch(model):
    """Let every LoRA layer of a peft model (without dropout) train by `Product`."""
    from peft.tuners.lora import LoraLayer

    for layer in model.modules():
        if isinstance(layer, LoraLayer) and isinstance(getattr(layer, "weight", None), torch.Tensor):
            _keep_weight(layer)
            layer.forward = types.MethodType(_forward, layer)


def _keep_weight(layer):
    """Hold a 4-bit weight as plain tensors: compiled code can be shared by layers that differ only in tensors."""
    state = getattr(layer.base_layer.weight, "quant_state", None)
    parts = [] if state is None else [("packed", layer.base_layer.weight.data), ("scales", state.absmax),
                                      ("offset", state.offset), ("scale_scales", state.state2.absmax),
                                      ("scale_code", state.state2.code)]
    for name, tensor in parts:
        layer.register_buffer(name, tensor, persistent=False)
    layer.quantized = None if state is None else (list(state.shape), state.dtype)


def _forward(self, x, *rest, **more):
    adapter = self.active_adapters[0] if len(self.active_adapters) == 1 else None
    plain = adapter in self.lora_A and isinstance(self.lora_dropout[adapter], torch.nn.Identity)
    if not plain or self.disable_adapters or self.merged or not torch.is_grad_enabled():
        return type(self).forward(self, x, *rest, **more)
    stored = [self.base_layer.weight] if self.quantized is None else [
        self.packed, self.scales, self.scale_scales, self.scale_code, self.offset]
    found = Product.apply(x, self.lora_A[adapter].weight, self.lora_B[adapter].weight, self.scaling[adapter],
                          self.quantized, *stored)
    return found if self.base_layer.bias is None else found + self.base_layer.bias.to(found.dtype)


class Product(torch.autograd.Function):
    """(x (…, in), A (rank, in), B (out, rank), s, how W is stored, *W) to (…, out), in W's type."""

    @staticmethod
    def forward(ctx, x, down, up, scale, quantized, *stored):
        weight = _whole(quantized, stored)
        flat = x.flatten(0, -2).to(weight.dtype)
        small = flat @ down.to(weight.dtype).t()
        out = small @ (up * scale).to(weight.dtype).t()
        add_product(out, flat, weight.t())
        ctx.save_for_backward(flat, small, down, up, *stored)
        ctx.scale, ctx.quantized, ctx.kind = scale, quantized, x.dtype
        return out.view(*x.shape[:-1], out.shape[-1])

    @staticmethod
    def backward(ctx, upstream):
        flat, small, down, up, *stored = ctx.saved_tensors
        weight = _whole(ctx.quantized, stored, again=True)
        given = upstream.flatten(0, -2).to(weight.dtype)
        narrow = given @ (up * ctx.scale).to(weight.dtype)
        x = narrow @ down.to(weight.dtype)
        add_product(x, given, weight)
        return (x.view(*upstream.shape[:-1], x.shape[-1]).to(ctx.kind), (narrow.t() @ flat).to(down.dtype),
                ((given.t() @ small) * ctx.scale).to(up.dtype), None, None, *[None] * len(stored))


def _whole(quantized, stored, again=False):
    """The weight (out, in)."""
    return stored[0] if quantized is None else dequantize(*stored, *quantized, again)


@torch.library.custom_op("twinlib::dequantize", mutates_args=())
def dequantize(packed: torch.Tensor, scales: torch.Tensor, scale_scales: torch.Tensor, scale_code: torch.Tensor,
               offset: torch.Tensor, shape: list[int], kind: torch.dtype, again: bool) -> torch.Tensor:
    """The weight that NF4 with double quantization stands for. `again` is for the compiler, which would keep the
    forward pass's weight for the backward pass if it saw that both ask for the same."""
    blocks = torch.ops.bitsandbytes.dequantize_blockwise(scales, scale_scales, scale_code, 256, torch.float32) + offset
    return torch.ops.bitsandbytes.dequantize_4bit(packed, blocks, 64, "nf4", shape, kind)


@dequantize.register_fake
def _(packed, scales, scale_scales, scale_code, offset, shape, kind, again):
    return packed.new_empty(shape, dtype=kind)


@torch.library.custom_op("twinlib::add_product", mutates_args={"onto"})
def add_product(onto: torch.Tensor, left: torch.Tensor, right: torch.Tensor) -> None:
    """onto += left @ right, in one matrix kernel. An operator of its own: the compiler would split it in two."""
    onto.addmm_(left, right)
