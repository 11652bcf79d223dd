"""The loss over a large vocabulary, without what a LoRA step doesn't need.

Only learnt tokens pass through the output head, the head is frozen, and nobody reads per-step entropy or accuracy:
so each chunk's logits are made once, give the loss and the gradient of the hidden states together, and are gone.
(The idea is that of fused linear cross-entropy kernels; this is plain torch and runs everywhere.)
"""

import functools
import inspect
import types


def head_loss(hidden, weight, labels, chunk=128, compiled=False):
    """Summed cross-entropy in nats, differentiable in `hidden` only.

    hidden (N, H) in any float type, weight (V, H), labels (N,) token ids; logits are softmaxed in float32,
    `chunk` rows at a time, by compiled code if wanted.
    """
    import torch

    step = _step(compiled)

    class HeadLoss(torch.autograd.Function):
        @staticmethod
        def forward(ctx, hidden):
            total = torch.zeros((), dtype=torch.float32, device=hidden.device)
            gradient = torch.empty_like(hidden)
            for rows in torch.arange(len(labels), device=labels.device).split(chunk):
                logits, wanted = hidden[rows].to(weight.dtype) @ weight.t(), labels[rows]
                if not ctx.needs_input_grad[0]:
                    total += torch.nn.functional.cross_entropy(
                        logits.float(), wanted, reduction="sum"
                    )
                    continue
                nats, slope = step(logits, wanted[:, None])
                total += nats
                gradient[rows] = (slope @ weight).to(hidden.dtype)
            ctx.save_for_backward(gradient)
            return total

        @staticmethod
        def backward(ctx, upstream):
            return ctx.saved_tensors[0] * upstream

    return HeadLoss.apply(hidden)


@functools.cache
def _step(compiled):
    """(logits (N, V), labels (N, 1)) to their summed cross-entropy and its gradient; compiled, it passes over the logits
    twice and writes once."""
    import torch

    def fused(logits, wanted):
        wide = logits.float()
        level = wide.logsumexp(1, keepdim=True)
        nats = (level - wide.gather(1, wanted)).sum()
        hit = torch.arange(wide.shape[1], device=wide.device) == wanted
        return nats, ((wide - level).exp() - hit.float()).to(logits.dtype)

    def in_place(logits, wanted):
        wide = logits.float()
        level = wide.logsumexp(1, keepdim=True)
        nats = (level - wide.gather(1, wanted)).sum()
        chances = wide.sub_(level).exp_()
        return nats, chances.scatter_add_(1, wanted, chances.new_full(wanted.shape, -1)).to(
            logits.dtype
        )

    return torch.compile(fused, dynamic=True) if compiled else in_place


def fits(model):
    """Whether the loss can be taken from the hidden states: a frozen, plain output head without bias or logit caps."""
    config, head = model.config, model.get_output_embeddings()
    plain = (
        not getattr(config, "final_logit_softcapping", None)
        and getattr(config, "logit_scale", 1.0) == 1.0
    )
    return (
        plain
        and head is not None
        and getattr(head, "bias", None) is None
        and not head.weight.requires_grad
    )


def patch(model, compiled=False):
    """Let a causal language model return {'loss': …} from hidden states when it is given labels (rows, tokens), and
    optionally `learnt`, the places in the flattened labels[:, 1:] that hold one."""
    original, chunk = model.forward, 128 if model.device.type == "cpu" else 1024

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
        hidden = (
            self.base_model(
                input_ids=input_ids, attention_mask=attention_mask, use_cache=False, **rest
            )
            .last_hidden_state[:, :-1]
            .flatten(0, 1)
        )
        wanted = labels[:, 1:].flatten()
        if learnt is None:  # on a GPU this waits until all before it is computed
            learnt = (wanted != -100).nonzero()[:, 0]
        total = head_loss(
            hidden[learnt], self.get_output_embeddings().weight, wanted[learnt], chunk, compiled
        )
        return {
            "loss": total
            / (max(len(learnt), 1) if num_items_in_batch is None else num_items_in_batch)
        }

    # The trainer and `generate` look at the signature to see what a model takes.
    forward.__signature__ = inspect.signature(original)
    model.forward = types.MethodType(forward, model)
