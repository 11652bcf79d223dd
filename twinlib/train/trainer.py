"""The trainer behind the transformers engine: packed rows, the lean loss and product, compiled layers on a GPU.

Plain transformers' Trainer, so that checkpoints, resuming, schedules and several processes are its own; what is ours
is what a step computes (packing.py, loss.py, lora.py) and a validation loss that counts tokens, not batches.
"""

import contextlib

from . import loss_kernel, packing

SELECTIVE = 0.7  # the share of a layer's activations that selective checkpointing keeps: no product is taken twice


def prepare(model, compiled=False, checkpointing="none"):
    """Make a LoRA model train on packed sequences; with `compiled`, its layers are compiled once they are first used.

    Selective checkpointing leaves to the compiler which cheap values to compute again.
    """
    bare = model.get_base_model() if hasattr(model, "get_base_model") else model
    if loss_kernel.fits(bare):
        loss_kernel.patch(bare, compiled)
    packing.register()
    if (
        compiled or bare.device.type == "cuda"
    ):  # on a processor a sum inside the product saves nothing
        from . import lora_kernel

        lora_kernel.patch(model)
    if compiled:
        import torch

        torch._dynamo.config.optimize_ddp = (
            False  # it is for whole models; ours are compiled layer by layer
        )
        torch._functorch.config.activation_memory_budget = (
            SELECTIVE if checkpointing == "selective" else 1.0
        )
        # Layers differ in what they close over (sliding windows, layer numbers), one code for all of them otherwise.
        torch._dynamo.config.cache_size_limit = max(64, torch._dynamo.config.cache_size_limit)
        bare.enable_input_require_grads()  # else the first layer, whose input needs none, is compiled on its own
        for layer in bare.base_model.layers:
            layer.compile(dynamic=False)
    return bare


def trainer(model, tokenizer, rows, settings, folder, steps_between):
    """A Trainer of packed rows: `rows` are {'train': [(ids, learnt, …)], 'val': […]}, settings those of the persona
    step, all of them planned; checkpoints and evaluations come every `steps_between` steps."""
    from transformers import TrainingArguments

    from . import checkpoints

    prepare(model, settings.compile, settings.checkpointing)
    room = settings.batch * settings.length
    count = settings.steps * settings.accumulation * checkpoints.processes()
    train = packing.Packed(
        rows["train"],
        room,
        tokenizer.pad_token_id,
        count,
        settings.seed,
        None if settings.packing else settings.batch,
        settings.compile,
    )
    val = packing.Packed(rows["val"], room, tokenizer.pad_token_id) if rows["val"] else None
    common = {
        **checkpoints.common_arguments(settings, folder),
        **checkpoints.watching(settings, val, steps_between),
        "per_device_train_batch_size": 1,
    }
    arguments = TrainingArguments(
        **common,
        gradient_accumulation_steps=settings.accumulation,
        train_sampling_strategy="sequential",
        remove_unused_columns=False,
        gradient_checkpointing=settings.checkpointing == "full",
        gradient_checkpointing_kwargs={"use_reentrant": False, "preserve_rng_state": False},
        optim="adamw_torch_fused" if checkpoints.on_gpu() else "adamw_torch",
        ddp_find_unused_parameters=False,
        ddp_broadcast_buffers=False,
        accelerator_config={"non_blocking": checkpoints.on_gpu()},
    )
    arguments._n_gpu = min(
        1, arguments.n_gpu
    )  # several GPUs by several processes, never by threads of one
    return _trainer_class()(
        model=model,
        args=arguments,
        train_dataset=train,
        eval_dataset=val,
        data_collator=_first,
        processing_class=tokenizer,
    )


def _first(batch):
    """A collator: sequences come packed, one at a time."""
    [packed] = batch
    return packed


def _trainer_class():
    import torch
    from transformers import Trainer

    class LeanTrainer(Trainer):
        model_accepts_loss_kwargs = (
            True  # the loss divides by the tokens of all sequences of a step, on all GPUs
        )

        def train(self, *rest, **more):
            with attention(self.model, packing.NAME):
                return super().train(*rest, **more)

        def compute_loss(self, model, inputs, return_outputs=False, num_items_in_batch=None):
            outputs = model(**inputs, num_items_in_batch=num_items_in_batch, use_cache=False)
            # Gradients are averaged over processes, and each has its share of the step's tokens only.
            share = 1 if num_items_in_batch is None else self.accelerator.num_processes
            return (outputs["loss"] * share, outputs) if return_outputs else outputs["loss"] * share

        def evaluate(self, eval_dataset=None, ignore_keys=None, metric_key_prefix="eval"):
            """The mean loss of a token over the validation rows, in nats."""
            data = self.eval_dataset if eval_dataset is None else eval_dataset
            sums = torch.zeros(2, dtype=torch.float64)
            self.model.eval()
            with attention(self.model, packing.NAME), eagerly(), torch.no_grad():
                for index in range(self.args.process_index, len(data), self.args.world_size):
                    inputs = self._prepare_inputs(data[index])
                    count = int((inputs["labels"] != -100).sum())
                    with self.compute_loss_context_manager():
                        sums += torch.tensor(
                            [count * float(self.compute_loss(self.model, inputs)), count]
                        )
            self.model.train()
            nats, tokens = self.accelerator.reduce(
                sums.to(self.args.device, torch.float32), "sum"
            ).tolist()
            metrics = {f"{metric_key_prefix}_loss": nats / max(tokens, 1)}
            self.log(metrics)
            self.control = self.callback_handler.on_evaluate(
                self.args, self.state, self.control, metrics
            )
            return metrics

    return LeanTrainer


def eagerly():
    """Within it compiled layers run as they were written: for shapes that come once."""
    import torch

    return torch.compiler.set_stance("force_eager")


@contextlib.contextmanager
def attention(model, name):
    """Within it the model attends in this way; after it, as before."""
    before = model.config._attn_implementation
    model.set_attn_implementation(name)
    try:
        yield
    finally:
        model.set_attn_implementation(before)


@contextlib.contextmanager
def answering(model):
    """Within it a model in training answers: plain attention, no compiled code, no learning."""
    learning = model.training
    with attention(model, "sdpa"), eagerly():
        model.eval()
        try:
            yield model
        finally:
            model.train(learning)
