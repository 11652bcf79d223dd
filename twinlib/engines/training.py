"""What persona and reasoning share around a TRL trainer: checkpoints that prove themselves, resuming, stopping.

A checkpoint carries a manifest of hashes that is written last, because not every disk renames atomically (Google
Drive's mount does not); resuming falls back to the newest checkpoint that is whole.
"""

import json
import logging
import shutil
import time
import warnings
from dataclasses import asdict, fields, replace
from pathlib import Path

from ..language import t
from ..twin import Stopped, sha256_of, write_json

MANIFEST = "manifest.json"
MACHINES_OWN = ("engine", "precision", "checkpointing")


def write_manifest(checkpoint):
    """Write the manifest of a checkpoint folder: {file: sha256}, last."""
    checkpoint = Path(checkpoint)
    files = [p for p in checkpoint.rglob("*") if p.is_file() and p.name != MANIFEST]
    write_json(checkpoint / MANIFEST, {p.relative_to(checkpoint).as_posix(): sha256_of(p) for p in sorted(files)})


def is_whole(checkpoint):
    """Whether every file of a checkpoint is there with the bytes that its manifest names."""
    try:
        manifest = json.loads((Path(checkpoint) / MANIFEST).read_text(encoding="utf-8"))
        return bool(manifest) and all(sha256_of(Path(checkpoint) / name) == digest for name, digest in manifest.items())
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
    this machine decides (engine, precision, checkpointing): after a disconnect the next GPU may be another."""
    kept = Path(folder) / "settings.json"
    checkpoint = newest_whole(folder, run)
    if checkpoint and kept.exists():
        here = {f.name: getattr(settings, f.name) for f in fields(settings) if f.name in MACHINES_OWN}
        return checkpoint, replace(settings, **{**json.loads(kept.read_text(encoding="utf-8")), **here})
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
    from . import models

    new = twin.folder(step) / "adapter.new"
    shutil.rmtree(new, ignore_errors=True)
    models.save_adapter(model, base, new)
    replace_folder(new, twin.adapter(step))


def precision_flags(precision):
    """The trainer's mixed-precision arguments; on a CPU the weights' own type is used as it is."""
    from .models import device, fast_bfloat16

    if device() == "cpu":
        return {"use_cpu": True, "bf16": False, "fp16": False}
    mixed = precision != "32-bit"
    return {"bf16": mixed and fast_bfloat16(), "fp16": mixed and not fast_bfloat16()}


def common_arguments(settings, folder):
    """Trainer arguments that both trainers share: quiet, local, resumable."""
    return dict(
        output_dir=str(folder), per_device_train_batch_size=settings.batch, learning_rate=settings.learning_rate,
        lr_scheduler_type="cosine", max_grad_norm=1.0, logging_steps=1, save_strategy="steps", save_total_limit=2,
        seed=settings.seed, data_seed=settings.seed, report_to="none", disable_tqdm=True, logging_nan_inf_filter=False,
        dataloader_pin_memory=False, push_to_hub=False, **precision_flags(settings.precision))


def hush():
    """Silence the trainers' own bars and advice: our callback says what matters, and a test proves that packed rows
    don't see each other under SDPA, which TRL warns about."""
    import datasets
    import transformers

    datasets.disable_progress_bars()
    transformers.logging.set_verbosity_error()
    logging.getLogger("trl").setLevel(logging.ERROR)
    warnings.filterwarnings("ignore", module=r"(peft|trl|torch)\b")


def follow(trainer, progress, numbers):
    """Attach our callback to a trainer: progress with the logged `numbers` ({our name: trainer's name}), manifests,
    and a stop that saves first. Returns the callback, whose `history` holds every logged record."""
    from transformers import PrinterCallback

    trainer.remove_callback(PrinterCallback)
    callback = _callback_class()(progress, numbers)
    trainer.add_callback(callback)
    return callback


def _callback_class():
    from transformers import TrainerCallback

    class Follower(TrainerCallback):
        def __init__(self, progress, numbers):
            self.progress, self.numbers, self.stopped, self.latest = progress, numbers, False, {}
            self.evaluations, self.started = [], time.monotonic()

        def on_log(self, args, state, control, logs=None, **_):
            logs = logs or {}
            self.latest = {ours: round(float(logs[theirs]), 6) for ours, theirs in self.numbers.items()
                           if isinstance(logs.get(theirs), (int, float))}
            if "eval_loss" in logs:
                self.evaluations.append((state.global_step, logs["eval_loss"]))
            if self.latest:
                self.progress(state.global_step, state.max_steps, raise_on_stop=False, **self.latest)

        def on_step_end(self, args, state, control, **_):
            if self.progress.wants_stop():
                self.stopped = True
                control.should_save = control.should_training_stop = True

        def on_save(self, args, state, control, **_):
            write_manifest(Path(args.output_dir) / f"checkpoint-{state.global_step}")

    return Follower


def train(trainer, callback, checkpoint, progress):
    """Train to the end, or raise Stopped once a checkpoint is saved. Returns the trainer's output."""
    if checkpoint:
        step = checkpoint.name.split("-")[1]
        progress.say(t(f"Going on from the checkpoint at step {step}.", f"从第 {step} 步的检查点继续。"))
    else:
        progress.restart()
    try:
        output = trainer.train(resume_from_checkpoint=str(checkpoint) if checkpoint else None)
    except KeyboardInterrupt:
        raise Stopped(t("Stopped at once; the last saved checkpoint stands.", "立即停止；上一个检查点还在。")) from None
    if callback.stopped:
        raise Stopped(t(f"Stopped at step {trainer.state.global_step}; the checkpoint is saved. The same command "
                        "goes on from there.", f"已停在第 {trainer.state.global_step} 步，检查点已保存。再次运行同一命令即可继续。"))
    return output
