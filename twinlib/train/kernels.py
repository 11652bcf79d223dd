"""The two hand-written computations of a LoRA training step: a layer's product and the loss.

Why not Unsloth's or Liger's kernels: together with packed rows (packing.py) and compiled layers
(trainer.py), these make a step on a recent GPU two to three times as fast as Unsloth's and four
times as fast as TRL with Liger's (the table in README.md, measured by benchmarks/gpu_training.py).
Both are plain torch and run on a CPU too. On older GPUs the plan chooses Unsloth, which uses
nothing of this file.

torch is imported at the top because torch.compile traces functions of a module, not those made
inside others. Other files import this one inside functions.
"""

import functools
import inspect
import types
from collections.abc import Callable

import torch

from ..models.load import whole_tensor

# The product of a LoRA layer, W·x + s·B·A·x


def patch_lora(model: torch.nn.Module) -> None:
    """Let every LoRA layer of a peft model (without dropout) train by LoraProduct."""
    from peft.tuners.lora import LoraLayer

    for layer in model.modules():
        weight = getattr(layer, "weight", None)
        if isinstance(layer, LoraLayer) and isinstance(weight, torch.Tensor):
            _unpack_quantization(layer)
            layer.forward = types.MethodType(_lora_forward, layer)


def _unpack_quantization(layer):
    """Hold a 4-bit weight as plain tensors, so that layers can share compiled code.

    bitsandbytes quantizes the scales of the blocks as well. They are unpacked here, which costs
    half a bit of memory a weight and saves a kernel in each pass.
    """
    state = getattr(layer.base_layer.weight, "quant_state", None)
    layer.quantized = None
    if state is not None:
        from bitsandbytes.functional import dequantize_blockwise

        scales = state.absmax
        if state.nested:
            scales = dequantize_blockwise(scales, state.state2) + state.offset
        layer.register_buffer("packed", layer.base_layer.weight.data, persistent=False)
        layer.register_buffer("scales", scales.float(), persistent=False)
        layer.quantized = (state.blocksize, state.quant_type, list(state.shape), state.dtype)


def _lora_forward(self, x, *args, **kwargs):
    adapter = self.active_adapters[0] if len(self.active_adapters) == 1 else None
    plain = adapter in self.lora_A and isinstance(self.lora_dropout[adapter], torch.nn.Identity)
    if not plain or self.disable_adapters or self.merged or not torch.is_grad_enabled():
        return type(self).forward(self, x, *args, **kwargs)
    stored = [self.base_layer.weight] if self.quantized is None else [self.packed, self.scales]
    out = LoraProduct.apply(
        x,
        self.lora_A[adapter].weight,
        self.lora_B[adapter].weight,
        self.scaling[adapter],
        self.quantized,
        *stored,
    )
    return out if self.base_layer.bias is None else out + self.base_layer.bias.to(out.dtype)


class LoraProduct(torch.autograd.Function):
    """W·x + s·B·A·x for x (…, in), A (rank, in), B (out, rank); the result (…, out) has W's dtype.

    `quantized` is the 4-bit format of W or None, `stored` are the tensors that hold W. The low-rank
    product is added inside the matrix kernel of the large one, forward and backward, which saves a
    pass through the GPU's memory. A 4-bit weight is de-quantized in each pass and not kept.
    """

    @staticmethod
    def forward(ctx, x, down, up, scale, quantized, *stored):
        weight = _dequantized(quantized, stored)
        flat = x.flatten(0, -2).to(weight.dtype)
        low_rank = flat @ down.to(weight.dtype).t()
        out = low_rank @ (up * scale).to(weight.dtype).t()
        add_product(out, flat, weight.t())
        ctx.save_for_backward(flat, low_rank, down, up, *stored)
        ctx.scale, ctx.quantized, ctx.dtype = scale, quantized, x.dtype
        return out.view(*x.shape[:-1], out.shape[-1])

    @staticmethod
    def backward(ctx, upstream):
        flat, low_rank, down, up, *stored = ctx.saved_tensors
        weight = _dequantized(ctx.quantized, stored, again=True)
        upstream_flat = upstream.flatten(0, -2).to(weight.dtype)
        upstream_low_rank = upstream_flat @ (up * ctx.scale).to(weight.dtype)
        x = upstream_low_rank @ down.to(weight.dtype)
        add_product(x, upstream_flat, weight)
        return (
            x.view(*upstream.shape[:-1], x.shape[-1]).to(ctx.dtype),
            (upstream_low_rank.t() @ flat).to(down.dtype),
            ((upstream_flat.t() @ low_rank) * ctx.scale).to(up.dtype),
            *[None] * (2 + len(stored)),
        )


def _dequantized(quantized, stored, again=False):
    """The weight (out, in); `again` in the backward pass."""
    if quantized is None:
        return stored[0]
    return torch.ops.twinlib.dequantize(*stored, *quantized, again)


def add_product(onto: torch.Tensor, left: torch.Tensor, right: torch.Tensor) -> None:
    """onto += left @ right, in one matrix kernel."""
    torch.ops.twinlib.add_product(onto, left, right)


# Custom operators, because the compiler would otherwise separate the sum from the product, and
# would keep the de-quantized weight of the forward pass for the backward pass, since both compute
# the same (`again` makes the calls differ). Declared through torch.library.Library, because
# torch.library.custom_op checks every call, which takes five times as long as the call itself.
_OPERATORS = torch.library.Library("twinlib", "DEF")
_OPERATORS.define("add_product(Tensor(a!) onto, Tensor left, Tensor right) -> ()")
_OPERATORS.define(
    "dequantize(Tensor packed, Tensor scales, int block, str kind, int[] shape, ScalarType dtype,"
    " bool again) -> Tensor"
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


# The loss over a large vocabulary. Only learnt tokens pass through the output head. The head is
# frozen and no step reports entropy or accuracy, so the logits of a chunk are computed once, give
# the loss and the gradient of the hidden states together, and are freed. The idea is that of fused
# linear cross-entropy (Liger, Cut Cross-Entropy).


def patch_loss(model: torch.nn.Module, compiled: bool = False) -> None:
    """Let a causal language model return {'loss': …} when it is given `labels` (rows, tokens).

    Its forward then also takes `learnt`, the indices of the labels other than -100 in the flattened
    labels[:, 1:], and `num_items_in_batch`, what the summed loss is divided by.
    """
    original = model.forward
    cap = getattr(model.config, "final_logit_softcapping", None)

    def forward(
        self,
        input_ids=None,
        attention_mask=None,
        labels=None,
        num_items_in_batch=None,
        learnt=None,
        **rest,
    ):
        if labels is None:
            return original(input_ids=input_ids, attention_mask=attention_mask, **rest)
        rest.pop("use_cache", None)
        outputs = self.base_model(
            input_ids=input_ids, attention_mask=attention_mask, use_cache=False, **rest
        )
        hidden, targets = outputs.last_hidden_state[:, :-1].flatten(0, 1), labels[:, 1:].flatten()
        if learnt is None:
            learnt = (targets != -100).nonzero()[:, 0]  # on a GPU this waits for all queued work
        weight = whole_tensor(self.get_output_embeddings().weight)  # of several processes
        chunk = 128 if hidden.device.type == "cpu" else 1024
        total = head_loss(hidden[learnt], weight, targets[learnt], chunk, compiled, cap)
        count = max(len(learnt), 1) if num_items_in_batch is None else num_items_in_batch
        return {"loss": total / count}

    # The trainer and `generate` read the signature to learn which arguments a model takes.
    forward.__signature__ = inspect.signature(original)
    model.forward = types.MethodType(forward, model)


def loss_fits(model: torch.nn.Module) -> bool:
    """Whether patch_loss applies: a frozen, plain output head without bias."""
    config, head = model.config, model.get_output_embeddings()
    if getattr(config, "logit_scale", 1.0) != 1.0 or head is None:
        return False
    return getattr(head, "bias", None) is None and not head.weight.requires_grad


def head_loss(
    hidden: torch.Tensor,
    weight: torch.Tensor,
    labels: torch.Tensor,
    chunk: int = 128,
    compiled: bool = False,
    cap: float | None = None,
) -> torch.Tensor:
    """Summed cross-entropy in nats, differentiable in `hidden` only.

    hidden (N, H) in any float type, weight (V, H), labels (N,) token ids. Logits are softmaxed in
    float32, `chunk` rows at a time, by compiled code if `compiled`. With `cap` they are
    cap · tanh(logits / cap) first (Gemma 4).
    """
    step = compiled_loss() if compiled else _loss_in_place
    return _HeadLoss.apply(hidden, weight, labels, chunk, step, cap)


class _HeadLoss(torch.autograd.Function):
    @staticmethod
    def forward(ctx, hidden, weight, labels, chunk, step, cap):
        total = torch.zeros((), dtype=torch.float32, device=hidden.device)
        gradient = torch.empty_like(hidden)
        for rows in torch.arange(len(labels), device=labels.device).split(chunk):
            logits, targets = hidden[rows].to(weight.dtype) @ weight.t(), labels[rows]
            if cap:
                bounded = (logits.float() / cap).tanh_()
                logits, inner = bounded * cap, 1 - bounded.square()
            if not ctx.needs_input_grad[0]:
                total += torch.nn.functional.cross_entropy(logits.float(), targets, reduction="sum")
                continue
            nats, slope = step(logits, targets[:, None])
            total += nats
            slope = (slope * inner).to(weight.dtype) if cap else slope
            gradient[rows] = (slope @ weight).to(hidden.dtype)
        ctx.save_for_backward(gradient)
        return total

    @staticmethod
    def backward(ctx, upstream):
        return ctx.saved_tensors[0] * upstream, None, None, None, None, None


def _loss_in_place(logits, targets):
    """(summed cross-entropy, its gradient) of logits (N, V) for targets (N, 1)."""
    wide = logits.float()
    level = wide.logsumexp(1, keepdim=True)
    nats = (level - wide.gather(1, targets)).sum()
    p = wide.sub_(level).exp_()
    return nats, p.scatter_add_(1, targets, p.new_full(targets.shape, -1)).to(logits.dtype)


def _loss_fused(logits, targets):
    """As _loss_in_place, written so that torch.compile reads the logits twice and writes once."""
    wide = logits.float()
    level = wide.logsumexp(1, keepdim=True)
    nats = (level - wide.gather(1, targets)).sum()
    one_hot = torch.arange(wide.shape[1], device=wide.device) == targets
    return nats, ((wide - level).exp() - one_hot.float()).to(logits.dtype)


@functools.cache
def compiled_loss() -> Callable:
    """_loss_fused, compiled once for all shapes."""
    return torch.compile(_loss_fused, dynamic=True)
