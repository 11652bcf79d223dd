"""Checkpoints that are checked by a manifest and resumed, and the saving of the finished adapter.

A manifest of hashes is written last, because not every disk renames atomically (Google Drive's
mount does not). Resuming falls back to the newest checkpoint that is whole. Where a checkpoint
can't be written, because the disk is full or was unmounted, training goes on, and the checkpoint
is kept in this machine's own cache until the disk takes one again.
"""

import errno
import json
import os
import shutil
import time
from dataclasses import asdict, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING

from ..files import sha256_of, write_json
from ..i18n import t
from ..models import load
from ..progress import duration
from ..settings import Persona, Reasoning
from ..twin import Twin
from . import processes, rescue

if TYPE_CHECKING:
    from peft import PeftModel

MANIFEST = "manifest.json"
EVERY = 300.0  # seconds between two checkpoints at most, beside those after so many steps
_SHARE = 0.1  # of the time: what saving may take on a slow disk
_SLOW = 30.0  # seconds after which saving is called slow
_RUN = ("run.json", "settings.json")  # what belongs to all checkpoints of a run
# Settings that depend on the machine: a resumed run may get another GPU.
_MACHINE_SETTINGS = "engine precision packing batch accumulation checkpointing compile".split()


def write_manifest(checkpoint: Path) -> None:
    """Write the manifest of a finished checkpoint folder: {file: sha256}."""
    files = sorted(p for p in checkpoint.rglob("*") if p.is_file() and p.name != MANIFEST)
    for file in files:
        with open(file, "rb") as written:
            os.fsync(written.fileno())  # a full disk may tell only now
    hashes = {p.relative_to(checkpoint).as_posix(): sha256_of(p) for p in files}
    write_json(checkpoint / MANIFEST, hashes)


def is_whole(checkpoint: Path) -> bool:
    """Whether every file that the manifest names exists with the same hash."""
    try:
        manifest = json.loads((checkpoint / MANIFEST).read_text(encoding="utf-8"))
        return bool(manifest) and all(
            sha256_of(checkpoint / name) == digest for name, digest in manifest.items()
        )
    except (OSError, ValueError, AttributeError):
        return False


def newest_whole(folder: Path, run: dict) -> Path | None:
    """The newest whole checkpoint of this `run` (its settings and inputs, as JSON), or None.

    Checkpoints of another run and damaged ones are deleted: they can't be continued.
    """
    run_file = folder / "run.json"
    try:
        is_this_run = json.loads(run_file.read_text(encoding="utf-8")) == run
    except (OSError, ValueError):
        is_this_run = False
    if not is_this_run:
        shutil.rmtree(folder, ignore_errors=True)
        write_json(run_file, run)
        return None
    for checkpoint in sorted(folder.glob("checkpoint-*"), key=step_of, reverse=True):
        if is_whole(checkpoint):
            return checkpoint
        shutil.rmtree(checkpoint, ignore_errors=True)
    return None


def step_of(checkpoint: Path) -> int:
    """The training step after which a checkpoint was written."""
    return int(checkpoint.name.split("-")[1])


def resume(
    folder: Path, run: dict, settings: Persona | Reasoning
) -> tuple[Path | None, Persona | Reasoning]:
    """(newest whole checkpoint of this run or None, the settings to train with).

    A resumed run keeps the settings it began with, except for those that depend on the machine.
    """
    file = folder / "settings.json"
    checkpoint = newest_whole(folder, run)
    if rescue.folder_of(folder).exists():
        other = newest_whole(rescue.folder_of(folder), run)
        if other and (not checkpoint or step_of(other) > step_of(checkpoint)):
            checkpoint, file = other, rescue.folder_of(folder) / "settings.json"
    if checkpoint and file.exists():
        names = {field.name for field in fields(settings)}.intersection(_MACHINE_SETTINGS)
        machine_settings = {name: getattr(settings, name) for name in names}
        saved = json.loads(file.read_text(encoding="utf-8"))
        return checkpoint, replace(settings, **{**saved, **machine_settings})
    write_json(file, asdict(settings))
    return checkpoint, settings


def forget_rescued(twin: Twin, step: str) -> None:
    """Delete what was kept in this machine's cache for a step, whose result is saved now."""
    shutil.rmtree(rescue.folder_of(twin.checkpoints(step)), ignore_errors=True)


def save_adapter(twin: Twin, step: str, model: "PeftModel", base: load.Base) -> None:
    """Save the trained adapter of step 'persona' or 'reasoning', replacing an earlier one.

    Called by all processes, of which the main one writes.
    """
    weights = load.gathered(model)
    if not processes.is_main():
        return
    adapter = twin.adapter(step)
    new, backup = adapter.with_name("adapter.new"), adapter.with_name("adapter.old")
    shutil.rmtree(new, ignore_errors=True)
    load.save_adapter(model, base, new, weights)
    shutil.rmtree(backup, ignore_errors=True)
    if adapter.exists():
        adapter.rename(backup)
    new.rename(adapter)
    shutil.rmtree(backup, ignore_errors=True)


class Kept:
    """How our trainers save checkpoints: a base class before transformers' Trainer.

    The checkpoint before is deleted only when the new one has its manifest; the best one stays.
    """

    say = print
    took = 0.0  # seconds of the last saving
    _is_slow = False
    _run: dict[str, bytes] = {}  # files of the run

    def remember_run(self) -> None:
        """Read what belongs to all checkpoints of the run, for the time when the disk is gone."""
        folder = Path(self.args.output_dir)
        files = [folder / name for name in _RUN]
        self._run = {file.name: file.read_bytes() for file in files if file.exists()}
        if self._run:
            self._run[rescue.PLACE] = rescue.place(folder)

    def due(self, seconds: float) -> bool:
        """Whether a checkpoint is due `seconds` after the last one."""
        return seconds > max(EVERY, self.took / _SHARE)

    def keep_more(self, checkpoint: Path) -> None:
        """Write what else the training needs to go on."""

    def _save_checkpoint(self, model, trial):
        folder, began = Path(self.args.output_dir), time.monotonic()
        if processes.count() > 1:
            # The trainer looks for the folder of the best one, which FSDP makes too late for it.
            (folder / f"checkpoint-{self.state.global_step}").mkdir(parents=True, exist_ok=True)
            processes.wait()
            super()._save_checkpoint(model, trial)
            processes.wait()  # every process writes a file into the checkpoint
            if processes.is_main():
                self._complete(folder)
            return
        try:
            self._save_into(folder, model, trial)
        except Exception as error:
            if not could_not_write(error):
                raise
            self._rescue(error, model, trial)
        self.took = time.monotonic() - began
        if self.took > _SLOW and not self._is_slow:
            self._is_slow = True
            self.say(t("train.disk_is_slow", folder=folder, time=duration(self.took)))

    def _save_into(self, folder, model, trial):
        if self._run and not os.path.exists(folder / _RUN[0]):
            # An unmounted disk leaves an empty folder, which must stay empty to be mounted again.
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(folder))
        super()._save_checkpoint(model, trial)
        self._complete(folder)

    def _complete(self, folder):
        newest = folder / f"checkpoint-{self.state.global_step}"
        self.keep_more(newest)
        write_manifest(newest)
        best = Path(self.state.best_model_checkpoint or newest)
        for checkpoint in folder.glob("checkpoint-*"):
            if checkpoint.name not in (newest.name, best.name):
                shutil.rmtree(checkpoint, ignore_errors=True)
        if rescue.folder_of(folder) != best.parent:
            shutil.rmtree(rescue.folder_of(folder), ignore_errors=True)

    def _rescue(self, error, model, trial):
        """Save the checkpoint into this machine's cache; training goes on in any case."""
        folder, name = Path(self.args.output_dir), f"checkpoint-{self.state.global_step}"
        if os.path.exists(folder / _RUN[0]):  # False for any error
            shutil.rmtree(folder / name, ignore_errors=True)  # half written
        other = rescue.folder_of(folder)
        values = {"step": self.state.global_step, "folder": folder, "reason": reason(error)}
        try:
            other.mkdir(parents=True, exist_ok=True)
            for file, content in self._run.items():
                (other / file).write_bytes(content)
            self.args.output_dir = str(other)
            self._save_into(other, model, trial)
            self.say(t("train.checkpoint_rescued", other=other, **values))
        except Exception as second:
            if not could_not_write(second):
                raise
            shutil.rmtree(other / name, ignore_errors=True)
            self.say(t("train.checkpoint_not_written", **values))
        finally:
            self.args.output_dir = str(folder)


def could_not_write(error: BaseException) -> bool:
    """Whether an error of the system, torch or safetensors says that a file was not written."""
    from safetensors import SafetensorError

    torchs = isinstance(error, RuntimeError) and any(
        word in str(error) for word in ("PytorchStreamWriter", "inline_container", "unexpected pos")
    )
    return torchs or isinstance(error, (OSError, SafetensorError))


def reason(error: BaseException) -> str:
    """The system's words for an error in writing: 'No space left on device'."""
    words = getattr(error, "strerror", None) or str(error).splitlines()[0]
    return words.split(": ", 1)[-1] if "error" in words else words
