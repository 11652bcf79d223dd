"""The loss over a large vocabulary, without what a LoRA step doesn't need.

Only learnt tokens pass through the output head, the head is frozen, and nobody reads per-step entropy or accuracy:
so each chunk's logits are made once, give the loss and the gradient of the hidden states together, and are gone.
(The idea is that of fused linear cross-entropy kernels; this is plain torch and runs everywhere.)
"""

import inspect
import types


def head_loss(hidden, weight, labels, chunk=128):
    """Summed cross-entropy in nats, differentiable in `hidden` only.

    hidden (N, H) in any float type, weight (V, H), labels (N,) token ids; logits are softmaxed in float32,
    `chunk` rows at a time.
    """
    import torch

    class HeadLoss(torch.autograd.Function):
        @staticmethod
        def forward(ctx, hidden):
            total = torch.zeros((), dtype=torch.float32, device=hidden.device)
            gradient = torch.empty_like(hidden)
            for rows in torch.arange(len(labels), device=labels.device).split(chunk):
                wanted = labels[rows][:, None]
                logits = (hidden[rows].to(weight.dtype) @ weight.t()).float()
                total += logits.logsumexp(1).sum() - logits.gather(1, wanted).sum()
                if ctx.needs_input_grad[0]:
                    chances = torch.softmax(logits, 1)
                    chances.scatter_add_(1, wanted, chances.new_full(wanted.shape, -1))
                    gradient[rows] = (chances.to(weight.dtype) @ weight).to(hidden.dtype)
            ctx.save_for_backward(gradient)
            return total

        @staticmethod
        def backward(ctx, upstream):
            return ctx.saved_tensors[0] * upstream

    return HeadLoss.apply(hidden)


def fits(model):
    """Whether the loss can be taken from the hidden states: a frozen, plain output head without bias or logit caps."""
    config, head = model.config, model.get_output_embeddings()
    plain = not getattr(config, "final_logit_softcapping", None) and getattr(config, "logit_scale", 1.0) == 1.0
    return plain and head is not None and getattr(head, "bias", None) is None and not head.weight.requires_grad


def patch(model):
    """Let a causal language model return {'loss': …} from hidden states when it is given labels."""
    original, chunk = model.forward, 128 if model.device.type == "cpu" else 2048

    def forward(self, input_ids=None, attention_mask=None, labels=None, num_items_in_batch=None, **rest):
        if labels is None:
            return original(input_ids=input_ids, attention_mask=attention_mask, **rest)
        rest.pop("use_cache", None)
        hidden = self.base_model(input_ids=input_ids, attention_mask=attention_mask, use_cache=False,
                                 **rest).last_hidden_state[:, :-1]
        learnt = labels[:, 1:] != -100
        total = head_loss(hidden[learnt], self.get_output_embeddings().weight, labels[:, 1:][learnt], chunk)
        return {"loss": total / (learnt.sum().clamp(min=1) if num_items_in_batch is None else num_items_in_batch)}

    # The trainer and `generate` look at the signature to see what a model takes.
    forward.__signature__ = inspect.signature(original)
    model.forward = types.MethodType(forward, model)


def trainer_class(model):
    """TRL's SFTTrainer, with the lean loss where the model allows it."""
    from trl import SFTTrainer

    bare = model.get_base_model() if hasattr(model, "get_base_model") else model
    if not fits(bare):
        return SFTTrainer
    patch(bare)

    class LeanTrainer(SFTTrainer):
        def compute_loss(self, model, inputs, return_outputs=False, num_items_in_batch=None):
            inputs.pop("_prediction_loss_only", None)
            outputs = model(**inputs, num_items_in_batch=num_items_in_batch)
            return (outputs["loss"], outputs) if return_outputs else outputs["loss"]

    return LeanTrainer
