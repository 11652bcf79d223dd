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
        if isinstance(layer, LoraLayer) and isinstance(
            getattr(layer, "weight", None), torch.Tensor
        ):
            _keep_weight(layer)
            layer.forward = types.MethodType(_forward, layer)


def _keep_weight(layer):
    """Hold a 4-bit weight as plain tensors: compiled code can be shared by layers that differ only in tensors. The
    scales of its blocks are quantized themselves; unpacked here, half a bit a weight, they save a kernel each time."""
    from_4bit = getattr(layer.base_layer.weight, "quant_state", None)
    layer.quantized = None
    if from_4bit is not None:
        from bitsandbytes.functional import dequantize_blockwise

        scales = from_4bit.absmax
        if from_4bit.nested:
            scales = dequantize_blockwise(scales, from_4bit.state2) + from_4bit.offset
        layer.register_buffer("packed", layer.base_layer.weight.data, persistent=False)
        layer.register_buffer("scales", scales.float(), persistent=False)
        layer.quantized = (
            from_4bit.blocksize,
            from_4bit.quant_type,
            list(from_4bit.shape),
            from_4bit.dtype,
        )


def _forward(self, x, *rest, **more):
    adapter = self.active_adapters[0] if len(self.active_adapters) == 1 else None
    plain = adapter in self.lora_A and isinstance(self.lora_dropout[adapter], torch.nn.Identity)
    if not plain or self.disable_adapters or self.merged or not torch.is_grad_enabled():
        return type(self).forward(self, x, *rest, **more)
    stored = [self.base_layer.weight] if self.quantized is None else [self.packed, self.scales]
    found = Product.apply(
        x,
        self.lora_A[adapter].weight,
        self.lora_B[adapter].weight,
        self.scaling[adapter],
        self.quantized,
        *stored,
    )
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
        return (
            x.view(*upstream.shape[:-1], x.shape[-1]).to(ctx.kind),
            (narrow.t() @ flat).to(down.dtype),
            ((given.t() @ small) * ctx.scale).to(up.dtype),
            None,
            None,
            *[None] * len(stored),
        )


def _whole(quantized, stored, again=False):
    """The weight (out, in)."""
    return (
        stored[0] if quantized is None else torch.ops.twinlib.dequantize(*stored, *quantized, again)
    )


def add_product(onto, left, right):
    """onto += left @ right, in one matrix kernel."""
    torch.ops.twinlib.add_product(onto, left, right)


# Operators of our own, because of what the compiler would do: split the sum from the product, and keep the forward
# pass's de-quantized weight for the backward pass, if it saw that both ask for the same (`again` tells them apart).
# Declared the short way: torch.library.custom_op adds five times its cost in checks to each of thousands of calls.
_OPERATORS = torch.library.Library("twinlib", "DEF")
_OPERATORS.define("add_product(Tensor(a!) onto, Tensor left, Tensor right) -> ()")
_OPERATORS.define(
    "dequantize(Tensor packed, Tensor scales, int block, str kind, int[] shape, ScalarType dtype, bool again)"
    " -> Tensor"
)


@torch.library.impl(_OPERATORS, "add_product", "CompositeExplicitAutograd")
def _(onto, left, right):
    onto.addmm_(left, right)


@torch.library.impl(_OPERATORS, "dequantize", "CompositeExplicitAutograd")
def _(packed, scales, block, kind, shape, dtype, again):
    return torch.ops.bitsandbytes.dequantize_4bit(packed, scales, block, kind, shape, dtype)


@torch.library.register_fake("twinlib::add_product")
def _(onto, left, right):
    return None


@torch.library.register_fake("twinlib::dequantize")
def _(packed, scales, block, kind, shape, dtype, again):
    return packed.new_empty(shape, dtype=dtype)
