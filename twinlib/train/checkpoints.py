"""What persona and reasoning share around a trainer: checkpoints that prove themselves, resuming, stopping.

A checkpoint carries a manifest of hashes that is written last, because not every disk renames atomically (Google
Drive's mount does not); resuming falls back to the newest checkpoint that is whole.
"""

import contextlib
import functools
import json
import logging
import os
import shutil
import time
import warnings
from dataclasses import asdict, fields, replace
from pathlib import Path

from ..files import sha256_of, write_json
from ..i18n import t
from ..twin import Stopped

MANIFEST = "manifest.json"
MACHINES_OWN = (
    "engine",
    "precision",
    "packing",
    "batch",
    "accumulation",
    "checkpointing",
    "compile",
)


def write_manifest(checkpoint):
    """Write the manifest of a checkpoint folder: {file: sha256}, last."""
    checkpoint = Path(checkpoint)
    files = [p for p in checkpoint.rglob("*") if p.is_file() and p.name != MANIFEST]
    write_json(
        checkpoint / MANIFEST,
        {p.relative_to(checkpoint).as_posix(): sha256_of(p) for p in sorted(files)},
    )


def is_whole(checkpoint):
    """Whether every file of a checkpoint is there with the bytes that its manifest names."""
    try:
        manifest = json.loads((Path(checkpoint) / MANIFEST).read_text(encoding="utf-8"))
        return bool(manifest) and all(
            sha256_of(Path(checkpoint) / name) == digest for name, digest in manifest.items()
        )
    except (OSError, ValueError, AttributeError):
        return False


def newest_whole(folder, run):
    """The newest whole checkpoint of this `run` (a JSON value that names settings and inputs), or None.

    Checkpoints of another run and broken ones are deleted: they can't be continued.
    """
    folder = Path(folder)
    marker = folder / "run.json"
    try:
        same = json.loads(marker.read_text(encoding="utf-8")) == run
    except (OSError, ValueError):
        same = False
    if not same:
        shutil.rmtree(folder, ignore_errors=True)
        write_json(marker, run)
        return None
    for checkpoint in sorted(folder.glob("checkpoint-*"), key=lambda p: -int(p.name.split("-")[1])):
        if is_whole(checkpoint):
            return checkpoint
        shutil.rmtree(checkpoint, ignore_errors=True)
    return None


def resume(folder, run, settings):
    """(newest whole checkpoint of this run or None, settings): the settings are those it began with, except for what
    this machine decides (MACHINES_OWN): after a disconnect the next GPU may be another."""
    kept = Path(folder) / "settings.json"
    checkpoint = newest_whole(folder, run)
    if checkpoint and kept.exists():
        here = {
            f.name: getattr(settings, f.name) for f in fields(settings) if f.name in MACHINES_OWN
        }
        return checkpoint, replace(
            settings, **{**json.loads(kept.read_text(encoding="utf-8")), **here}
        )
    write_json(kept, asdict(settings))
    return checkpoint, settings


def replace_folder(new, old):
    """Put the finished folder `new` in the place of `old`."""
    kept = old.with_name(old.name + ".old")
    shutil.rmtree(kept, ignore_errors=True)
    if old.exists():
        old.rename(kept)
    new.rename(old)
    shutil.rmtree(kept, ignore_errors=True)


def save_adapter(twin, step, model, base):
    """Save the trained adapter of 'persona' or 'reasoning' in the place of an earlier one."""
    from ..models import load

    new = twin.folder(step) / "adapter.new"
    shutil.rmtree(new, ignore_errors=True)
    load.save_adapter(model, base, new)
    replace_folder(new, twin.adapter(step))


# Several processes, as `accelerate launch` starts them: one a GPU, all run the same step


def processes():
    """How many processes train together."""
    return int(os.environ.get("WORLD_SIZE", 1))


def is_main():
    """Whether this process is the one that speaks, writes and answers for all."""
    return int(os.environ.get("RANK", 0)) == 0


def main_first():
    """Within it the main process goes first: what it writes, the others find."""
    return _state().main_process_first() if processes() > 1 else contextlib.nullcontext()


def _state():
    from accelerate import PartialState

    return PartialState(cpu=not on_gpu())


def wait():
    """Wait for the other processes."""
    if processes() > 1:
        _state().wait_for_everyone()


def anyone(*flags):
    """For each flag whether it is up in any process: what one decides, all do at the same step.

    They agree beside the GPUs, whose work goes on meanwhile.
    """
    if processes() == 1:
        return flags
    import torch

    up = torch.tensor([float(flag) for flag in flags])
    torch.distributed.all_reduce(up, group=_beside())
    return tuple(bool(n) for n in up > 0)


@functools.cache
def _beside():
    """The processes' group for what they tell each other on the processor."""
    import torch

    return torch.distributed.new_group(backend="gloo")


def on_gpu():
    from ..models.load import device

    return device() == "cuda"


def precision_flags(precision, base=""):
    """The trainer's mixed-precision arguments; on a CPU the weights' own type is used as it is."""
    from ..models import estimate as cost
    from ..models.load import fast_bfloat16

    if not on_gpu():
        return {"use_cpu": True, "bf16": False, "fp16": False}
    mixed = precision != "32-bit" and (fast_bfloat16() or not cost.overflows(base))
    return {"bf16": mixed and fast_bfloat16(), "fp16": mixed and not fast_bfloat16()}


def common_arguments(settings, folder):
    """Trainer arguments that both trainers share: quiet, local, resumable."""
    return dict(
        output_dir=str(folder),
        per_device_train_batch_size=settings.batch,
        learning_rate=settings.learning_rate,
        lr_scheduler_type="cosine",
        max_grad_norm=1.0,
        logging_steps=1,
        save_strategy="steps",
        save_total_limit=2,
        seed=settings.seed,
        data_seed=settings.seed,
        report_to="none",
        disable_tqdm=True,
        logging_nan_inf_filter=False,
        dataloader_pin_memory=on_gpu(),
        push_to_hub=False,
        **precision_flags(settings.precision, getattr(settings, "base", "")),
    )


def watching(settings, val, every):
    """Trainer arguments for watching `val` (None: nothing to watch) and keeping the best checkpoint."""
    return dict(
        max_steps=settings.steps,
        warmup_steps=max(1, settings.steps // 20),
        save_steps=every,
        eval_steps=every,
        eval_strategy="steps" if val else "no",
        eval_on_start=bool(val),
        load_best_model_at_end=bool(val),
        metric_for_best_model="eval_loss" if val else None,
        greater_is_better=False if val else None,
        prediction_loss_only=True,
    )


def unsloth_trainer(model, tokenizer, rows, settings, folder, steps_between):
    """TRL's trainer under Unsloth's patches, with its own loss and attention; arguments as lean.trainer's."""
    from datasets import Dataset
    from trl import SFTConfig, SFTTrainer

    data = {
        split: Dataset.from_dict(
            {
                "input_ids": [r.input_ids for r in rows[split]],
                "completion_mask": [r.completion_mask for r in rows[split]],
            }
        )
        for split in rows
        if rows[split]
    }
    arguments = SFTConfig(
        **common_arguments(settings, folder),
        **watching(settings, data.get("val"), steps_between),
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
    return SFTTrainer(
        model=model,
        args=arguments,
        train_dataset=data["train"],
        eval_dataset=data.get("val"),
        processing_class=tokenizer,
    )


def hush():
    """Silence the trainers' own bars and advice: our callback says what matters, and a test proves that packed rows
    don't see each other under SDPA, which TRL warns about."""
    import datasets
    import transformers

    datasets.disable_progress_bars()
    transformers.logging.set_verbosity_error()
    for name in ("trl", "torch._inductor", "torch._dynamo"):
        logging.getLogger(name).setLevel(logging.ERROR)
    warnings.filterwarnings("ignore", module=r"(peft|trl|torch)\b")


def follow(trainer, progress, numbers, sample=None):
    """Attach our callback to a trainer: progress with the logged `numbers` ({our name: trainer's name}), tokens a
    second, memory, manifests, and a stop that saves first; `sample()` gives (question, models.Answer) now and then.
    Returns the callback."""
    from transformers import PrinterCallback

    trainer.remove_callback(PrinterCallback)
    callback = _callback_class()(
        progress, numbers, sample, getattr(trainer.train_dataset, "tokens", None)
    )
    trainer.add_callback(callback)
    return callback


SAMPLES_COST = 0.05  # sample answers may take this share of the time
LOG_EVERY = 0.5  # seconds between two logs on a GPU, which has to end all its work for each


def _callback_class():
    from transformers import TrainerCallback

    class Follower(TrainerCallback):
        def __init__(self, progress, numbers, sample, tokens):
            self.progress, self.numbers, self.sample, self.tokens = (
                progress,
                numbers,
                sample,
                tokens,
            )
            self.stopped, self.counted, self.paces, self.sampled = (
                False,
                0,
                [],
                (time.monotonic(), 0.0),
            )
            self.began = None  # when the first step since the last log did

        def on_train_begin(self, args, state, control, **_):
            self.first = self.logged = state.global_step
            self.counted = state.num_input_tokens_seen

        def on_step_begin(self, args, state, control, **_):
            self.began = self.began or time.monotonic()

        def on_log(self, args, state, control, logs=None, **_):
            logs = logs or {}
            latest = {
                ours: round(float(logs[theirs]), 6)
                for ours, theirs in self.numbers.items()
                if isinstance(logs.get(theirs), (int, float))
            }
            if "loss" in logs:
                latest |= self._pace(args, state, logs)
            if latest:
                self.progress(state.global_step, state.max_steps, raise_on_stop=False, **latest)

        def _pace(self, args, state, logs):
            """{tokens_s, memory_gb} of the steps since the last log: real tokens of all processes, the peak so far of
            one."""
            if self.tokens is not None:
                size = args.gradient_accumulation_steps * args.world_size
                tokens = sum(self.tokens[self.logged * size : state.global_step * size])
            else:
                tokens, self.counted = (
                    logs.get("num_tokens", 0) - self.counted,
                    logs.get("num_tokens", 0),
                )
            seconds = time.monotonic() - self.began
            self.logged, self.began = state.global_step, None
            self.paces.append((tokens, seconds))
            pace = {"tokens_s": round(tokens / seconds, 1)} if tokens else {}
            return {**pace, "memory_gb": round(memory_gb(), 2)}

        def tokens_per_second(self):
            """Real tokens a second over all steps after the first, which compiles; None for fewer than two."""
            rest = self.paces[1:]
            return (
                sum(tokens for tokens, _ in rest) / sum(seconds for _, seconds in rest)
                if rest
                else None
            )

        def on_evaluate(self, args, state, control, **_):
            asked, cost = self.sampled
            if self.sample is None or not is_main() or not state.global_step:
                return
            if (
                time.monotonic() - asked
            ) * SAMPLES_COST < cost or state.global_step >= state.max_steps:
                return
            began = time.monotonic()
            question, answer = self.sample()
            self.progress.sample(state.global_step, question, answer.text, answer.ended)
            self.sampled = time.monotonic(), time.monotonic() - began

        def on_step_end(self, args, state, control, **_):
            due = (
                not on_gpu()
                or state.global_step < self.first + 3
                or time.monotonic() - self.began > LOG_EVERY
                or control.should_evaluate
                or control.should_save
                or state.global_step >= state.max_steps
            )
            stop, log = anyone(self.progress.wants_stop(), due)
            control.should_log = control.should_log and (log or stop)
            if stop:
                self.stopped = True
                control.should_save = control.should_training_stop = True

        def on_save(self, args, state, control, **_):
            wait()  # each process adds a file of its own
            if is_main():
                write_manifest(Path(args.output_dir) / f"checkpoint-{state.global_step}")

    return Follower


def by_step(log_history, name):
    """The values of a logged number, one a step: a log is the mean of the steps since the one before."""
    values, last = [], 0
    for record in log_history:
        if name in record:
            values += [record[name]] * (record["step"] - last)
            last = record["step"]
    return values


def memory_gb():
    """GiB at the peak so far: the GPU's where there is one, else this process's."""
    if on_gpu():
        import torch

        return torch.cuda.max_memory_allocated() / 2**30
    import psutil

    return psutil.Process().memory_info().rss / 2**30


def train(trainer, callback, checkpoint, progress):
    """Train to the end, or raise Stopped once a checkpoint is saved. Returns the trainer's output."""
    if checkpoint:
        step = checkpoint.name.split("-")[1]
        progress.say(t("train.going_checkpoint_step", step=step))
    else:
        progress.restart()
    try:
        output = trainer.train(resume_from_checkpoint=str(checkpoint) if checkpoint else None)
    except KeyboardInterrupt:
        raise Stopped(t("train.stopped_once_last_saved_checkpoint")) from None
    if callback.stopped:
        raise Stopped(
            t("train.stopped_step_checkpoint_saved_same", global_step=trainer.state.global_step)
        )
    return output
