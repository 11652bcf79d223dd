"""Automatic micro-batching: where the memory runs out, a batch is learnt in parts, one by one.

What a step learns stays the same: the trainers' losses are sums over the step's learnt tokens
divided by their number, so the gradients of the parts add up to those of the batch.
"""

from functools import partial

from ..files import TwinError
from ..i18n import t
from ..models.free_memory import ran_out
from . import processes


class MicroBatches:
    """What lets a transformers Trainer go on after its memory ran out: a base class before it.

    `most` is how much a part may hold, in the unit of `size`; None until the memory runs out. It is
    halved each time, for all later batches too, and a sentence is said; `sentence` is the last one.
    With several processes nothing is cut: the others would wait.
    """

    most = sentence = None
    parts = 1  # of the last batch
    say = print
    _kept = None  # the parts of the batch, while a step learns them
    _part = 0

    def size(self, inputs: dict) -> int:
        """How much a batch holds: its rows."""
        return len(inputs["completion_ids" if "completion_ids" in inputs else "input_ids"])

    def cut(self, inputs: dict, most: int) -> list[dict]:
        """The parts of a batch, each of size `most` at most, or as small as a part can be."""
        rows = self.size(inputs)
        return [
            {
                name: value[start : start + most] if _length(value) == rows else value
                for name, value in inputs.items()
            }
            for start in range(0, rows, most)
        ]

    def training_step(self, model, inputs, num_items_in_batch=None):
        """Forward and backward pass of a batch, in parts if it doesn't fit."""
        if processes.count() > 1:
            return super().training_step(model, inputs, num_items_in_batch)
        trained = [p for p in model.parameters() if p.requires_grad]
        before = [p.grad for p in trained]
        model.train()
        # GRPOTrainer answers here. Where the memory runs out for that, it is no matter of parts.
        whole, loss = super()._prepare_inputs(inputs), None
        while loss is None:
            for parameter in trained:
                parameter.grad = None
            try:
                loss = self._by_parts(model, whole, num_items_in_batch)
            finally:
                self._kept = None
            if loss is None:  # outside of the exception, which holds the tensors
                self._free()
        _add(trained, before)
        return loss

    def _by_parts(self, model, whole, num_items_in_batch):
        """The loss of the batch, or None when the memory ran out: then `most` is halved."""
        from transformers import Trainer

        fits = self.most is None or self.size(whole) <= self.most
        self._kept = [whole] if fits else self.cut(whole, self.most)
        loss, last = 0, len(self._kept) - 1
        for part in range(last + 1):
            self._part = part
            # A trainer that counts its steps counts the last part alone, once it has fitted.
            step = super().training_step if part == last else partial(Trainer.training_step, self)
            try:
                loss = loss + step(model, whole, num_items_in_batch)
            except (RuntimeError, MemoryError) as error:
                if not ran_out(error):
                    raise
                self._halve(self._kept[part])
                return None
        self.parts = last + 1
        return loss

    def _prepare_inputs(self, inputs):
        """The part of the batch that is learnt just now; elsewhere what the trainer prepares."""
        return super()._prepare_inputs(inputs) if self._kept is None else self._kept[self._part]

    def _halve(self, part):
        size = self.size(part)
        self.most = size // 2
        if self.most < 1 or len(self.cut(part, self.most)) == 1:
            raise TwinError(t("train.one_row_does_not_fit")) from None
        self.sentence = t("train.memory_ran_out", step=self.state.global_step + 1)
        self.say(self.sentence)

    def _free(self):
        from accelerate.utils.memory import clear_device_cache

        clear_device_cache(garbage_collection=True)


def _length(value):
    """The number of rows of a tensor or a list; None for other values."""
    if isinstance(value, list):
        return len(value)
    return value.shape[0] if getattr(value, "ndim", 0) else None


def _add(parameters, gradients):
    """Add gradients, of which some are None, to those of the parameters."""
    import torch

    pairs = [(p, g) for p, g in zip(parameters, gradients) if g is not None]
    for parameter, gradient in pairs:
        if parameter.grad is None:
            parameter.grad = torch.zeros_like(gradient)
    if pairs:
        torch._foreach_add_([p.grad for p, _ in pairs], [g for _, g in pairs])
