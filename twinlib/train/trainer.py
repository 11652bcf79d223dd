"""The trainers of notebook 02: ours on packed rows, and TRL's under Unsloth's patches.

Ours is transformers' Trainer, so checkpoints, resuming, schedules and several processes are the
library's. What differs is what a step computes (packing.py, kernels.py, layers compiled on a GPU)
and a validation loss that averages over tokens, not over batches. The arguments shared with
notebook 03's GRPO trainer are here too.
"""

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from ..models import estimate, load
from ..models.encode import Encoded
from ..models.free_memory import ran_out
from ..settings import Persona, Reasoning
from . import packing, processes
from .checkpoints import CheckpointSaving
from .micro_batches import MicroBatches
from .processes import on_gpu

if TYPE_CHECKING:
    from transformers import PreTrainedModel, Trainer

# Share of a layer's activations that selective checkpointing keeps: no matmul is recomputed.
_SELECTIVE = 0.7


# Arguments


def precision_flags(precision: str, overflows: bool = False) -> dict:
    """The trainer's mixed-precision arguments; `overflows`: the model's activations do in float16.

    A CPU and Apple's GPU compute in the dtype of the weights.
    """
    if load.device() == "mps":
        return {"bf16": False, "fp16": False}
    if not on_gpu():
        return {"use_cpu": True, "bf16": False, "fp16": False}
    mixed = precision != "32-bit" and (load.fast_bfloat16() or not overflows)
    return {"bf16": mixed and load.fast_bfloat16(), "fp16": mixed and not load.fast_bfloat16()}


def common_arguments(settings: Persona | Reasoning, folder: Path, model: "PreTrainedModel") -> dict:
    """Arguments of all trainers: no progress bars, no reporting, resumable checkpoints.

    The precision is that of the loaded `model`, whatever name its base goes by.
    """
    overflows = estimate.kind_overflows(model.config.model_type)
    return dict(
        output_dir=str(folder),
        per_device_train_batch_size=settings.batch,
        learning_rate=settings.learning_rate,
        lr_scheduler_type="cosine",
        max_grad_norm=1.0,
        logging_steps=1,
        save_strategy="steps",
        seed=settings.seed,
        data_seed=settings.seed,
        report_to="none",
        disable_tqdm=True,
        logging_nan_inf_filter=False,
        dataloader_pin_memory=on_gpu(),
        push_to_hub=False,
        **precision_flags(settings.precision, overflows),
    )


def evaluation_arguments(settings: Persona, val, every: int) -> dict:
    """Arguments to save and evaluate every `every` steps and keep the checkpoint of lowest loss.

    `val` is the validation dataset; None: no evaluation.
    """
    return {
        "max_steps": settings.steps,
        "warmup_steps": max(1, settings.steps // 20),
        "save_steps": every,
        "eval_steps": every,
        "eval_strategy": "steps" if val else "no",
        "eval_on_start": bool(val),
        "load_best_model_at_end": bool(val),
        "metric_for_best_model": "eval_loss" if val else None,
        "greater_is_better": False if val else None,
        "prediction_loss_only": True,
    }


# Unsloth's engine


def unsloth_trainer(
    model, tokenizer, rows: dict[str, list[Encoded]], settings: Persona, folder: Path, every: int
) -> "Trainer":
    """TRL's SFTTrainer with Unsloth's patches, loss and attention; arguments: packed_trainer."""
    from datasets import Dataset
    from trl import SFTConfig, SFTTrainer

    data = {
        split: Dataset.from_dict(
            {
                "input_ids": [row.input_ids for row in encoded],
                "completion_mask": [row.completion_mask for row in encoded],
            }
        )
        for split, encoded in rows.items()
        if encoded
    }
    arguments = SFTConfig(
        **common_arguments(settings, folder, model),
        **evaluation_arguments(settings, data.get("val"), every),
        gradient_accumulation_steps=settings.accumulation,
        max_length=settings.length,
        packing=settings.packing,
        eval_packing=False,
        completion_only_loss=True,
        gradient_checkpointing=settings.checkpointing != "none",
        per_device_eval_batch_size=2,
        loss_type="nll",
        dataset_num_proc=None,
    )

    class Trainer(MicroBatches, CheckpointSaving, SFTTrainer):
        pass

    return Trainer(
        model=model,
        args=arguments,
        train_dataset=data["train"],
        eval_dataset=data.get("val"),
        processing_class=tokenizer,
    )


# Our engine


def packed_trainer(
    model, tokenizer, rows: dict[str, list[Encoded]], settings: Persona, folder: Path, every: int
) -> "Trainer":
    """A transformers Trainer on packed rows.

    `rows` has the splits 'train' and 'val'; no setting is 'auto'; checkpoints are written into
    `folder`, one after each evaluation, every `every` steps.
    """
    from transformers import Trainer, TrainingArguments

    class PackedTrainer(_PackedTraining, MicroBatches, CheckpointSaving, Trainer):
        pass

    prepare(model, settings.compile, settings.checkpointing)
    capacity = settings.batch * settings.length
    train = packing.Packed(
        rows["train"],
        capacity,
        tokenizer.pad_token_id,
        count=settings.steps * settings.accumulation * processes.count(),
        seed=settings.seed,
        rows_each=None if settings.packing else settings.batch,
        fixed=settings.compile,
    )
    val = packing.Packed(rows["val"], capacity, tokenizer.pad_token_id) if rows["val"] else None
    common = {
        **common_arguments(settings, folder, model),
        **evaluation_arguments(settings, val, every),
        "per_device_train_batch_size": 1,
    }
    arguments = TrainingArguments(
        **common,
        gradient_accumulation_steps=settings.accumulation,
        train_sampling_strategy="sequential",
        remove_unused_columns=False,
        gradient_checkpointing=settings.checkpointing == "full",
        gradient_checkpointing_kwargs={"use_reentrant": False, "preserve_rng_state": False},
        optim="adamw_torch_fused" if on_gpu() else "adamw_torch",
        ddp_find_unused_parameters=False,
        ddp_broadcast_buffers=False,
        accelerator_config={"non_blocking": on_gpu()},
    )
    arguments._n_gpu = min(1, arguments.n_gpu)  # several GPUs: one process each, no DataParallel
    return PackedTrainer(
        model=model,
        args=arguments,
        train_dataset=train,
        eval_dataset=val,
        data_collator=lambda batch: batch[0],  # a batch is one packed sequence
        processing_class=tokenizer,
    )


def prepare(
    model: "PreTrainedModel", compiled: bool = False, checkpointing: str = "none"
) -> "PreTrainedModel":
    """Patch a LoRA model to train on packed sequences, and return its base model.

    With `compiled` its layers are compiled on first use; with selective checkpointing the compiler
    then chooses which cheap activations to recompute.
    """
    from . import kernels

    base_model = model.get_base_model() if hasattr(model, "get_base_model") else model
    if kernels.loss_fits(base_model):
        kernels.patch_loss(base_model, compiled)
    packing.register()
    packing.separate_rows(base_model)
    # On a CPU LoraProduct saves nothing.
    if compiled or base_model.device.type == "cuda":
        kernels.patch_lora(model)
    if compiled:
        _compile_layers(base_model, checkpointing)
    return base_model


def _compile_layers(model, checkpointing):
    import torch

    # dynamo's DDP optimizer is for models compiled as a whole; ours is compiled layer by layer.
    torch._dynamo.config.optimize_ddp = False
    budget = _SELECTIVE if checkpointing == "selective" else 1.0
    torch._functorch.config.activation_memory_budget = budget
    # Layers differ in constants (sliding window, layer number): each needs a cache entry.
    torch._dynamo.config.cache_size_limit = max(64, torch._dynamo.config.cache_size_limit)
    # Otherwise the first layer, whose input needs no gradient, is compiled a second time.
    model.enable_input_require_grads()
    for layer in model.base_model.layers:
        if not packing.recurrent(layer):  # whose work depends on the rows' lengths
            layer.compile(dynamic=False)


class _PackedTraining:
    """What differs from transformers' Trainer, which packed_trainer adds as a base class."""

    # The loss is divided by the number of learnt tokens in all sequences of a step, on all GPUs.
    model_accepts_loss_kwargs = True

    def train(self, *args, **kwargs):
        with attention(self.model, packing.NAME):
            return super().train(*args, **kwargs)

    def size(self, inputs):
        return inputs["input_ids"].shape[1]

    def cut(self, inputs, most):
        return self.train_dataset.cut(inputs, most)

    def compute_loss(self, model, inputs, return_outputs=False, num_items_in_batch=None):
        outputs = model(**inputs, num_items_in_batch=num_items_in_batch, use_cache=False)
        # Gradients are averaged over processes, while each has only its part of the step's tokens.
        factor = 1 if num_items_in_batch is None else self.accelerator.num_processes
        loss = outputs["loss"] * factor
        return (loss, outputs) if return_outputs else loss

    def _nats(self, data, inputs):
        """[summed loss, learnt tokens] of one item of `data`, in parts where it doesn't fit."""
        inputs = self._prepare_inputs(inputs)
        count = int((inputs["labels"] != -100).sum())
        try:
            with self.compute_loss_context_manager():
                return [count * float(self.compute_loss(self.model, inputs)), count]
        except RuntimeError as error:
            parts = data.cut(inputs, self.size(inputs) // 2)
            # Processes that share the weights compute each batch together.
            if not ran_out(error) or len(parts) == 1 or estimate.shards() > 1:
                raise
        self._free()
        return list(map(sum, zip(*(self._nats(data, part) for part in parts))))

    def evaluate(self, eval_dataset=None, ignore_keys=None, metric_key_prefix="eval"):
        """The mean loss of a learnt token over the validation rows, in nats."""
        import torch

        data = self.eval_dataset if eval_dataset is None else eval_dataset
        sums = torch.zeros(2, dtype=torch.float64)
        self.model.eval()
        with attention(self.model, packing.NAME), uncompiled(), torch.no_grad():
            for first in range(0, len(data), self.args.world_size):
                index = first + self.args.process_index
                if index < len(data):
                    sums += torch.tensor(self._nats(data, data[index]))
                elif estimate.shards() > 1:
                    self._nats(data, data[first])  # the others need this process's weights
        self.model.train()
        sums = self.accelerator.reduce(sums.to(self.args.device, torch.float32), "sum")
        nats, tokens = sums.tolist()
        metrics = {f"{metric_key_prefix}_loss": nats / max(tokens, 1)}
        self.log(metrics)
        self.control = self.callback_handler.on_evaluate(
            self.args, self.state, self.control, metrics
        )
        return metrics


def final_loss(trainer: "Trainer") -> float:
    """The validation loss of the model as it is after training, of which no callback hears.

    It is neither logged nor kept in the trainer's history, which is that of the training alone.
    """
    handler, history = trainer.callback_handler, list(trainer.state.log_history)
    callbacks, handler.callbacks = handler.callbacks, []
    try:
        return trainer.evaluate()["eval_loss"]
    finally:
        handler.callbacks, trainer.state.log_history = callbacks, history


# Answering in the middle of training


def uncompiled() -> contextlib.AbstractContextManager:
    """A context in which compiled layers run eagerly, for shapes that occur once."""
    import torch

    return torch.compiler.set_stance("force_eager")


@contextlib.contextmanager
def attention(model: "PreTrainedModel", name: str) -> Iterator[None]:
    """A context in which the model uses the attention implementation `name`."""
    before = model.config._attn_implementation
    model.set_attn_implementation(name)
    try:
        yield
    finally:
        model.set_attn_implementation(before)


@contextlib.contextmanager
def answering(model: "PreTrainedModel") -> Iterator["PreTrainedModel"]:
    """A context in which a model in training generates: eval mode, SDPA, uncompiled layers."""
    training = model.training
    with attention(model, "sdpa"), uncompiled():
        model.eval()
        try:
            yield model
        finally:
            model.train(training)
