"""Checkpoints that are checked by a manifest and resumed, and the saving of the finished adapter.

A manifest of hashes is written last, because not every disk renames atomically (Google Drive's
mount does not). Resuming falls back to the newest checkpoint that is whole. Where a checkpoint
can't be written, because the disk is full or was unmounted, training goes on, and the checkpoint
is kept in this machine's own cache until the disk takes one again.
"""

import errno
import os
import re
import shutil
import time
from dataclasses import asdict, fields
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from ..files import json_or, sha256_of, write_json
from ..i18n import t
from ..models import load
from ..progress import duration
from ..settings import Persona, Reasoning, as_asked, with_saved
from ..twin import AUTO, Twin
from . import processes, rescue

if TYPE_CHECKING:
    from peft import PeftModel

MANIFEST = "manifest.json"
EVERY = 300.0  # seconds between two checkpoints at most, beside those after so many steps
_SHARE = 0.1  # of the time: what saving may take on a slow disk
_SLOW = 30.0  # seconds after which saving is called slow
RUN, SETTINGS = "run.json", "settings.json"  # what belongs to all checkpoints of a run
_NAME = re.compile(r"checkpoint-\d+")
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
    manifest = json_or(checkpoint / MANIFEST, {})
    try:
        return bool(manifest) and all(
            sha256_of(checkpoint / name) == digest for name, digest in manifest.items()
        )
    except (OSError, ValueError):
        return False


def newest_whole(folder: Path, run: dict, settings: Persona | Reasoning) -> Path | None:
    """The newest whole checkpoint of this `run` (its settings and inputs, as JSON), or None.

    Checkpoints of another run and damaged ones are deleted: they can't be continued. A checkpoint
    knows its run, so that a damaged run.json beside it costs nothing. `settings` are of the step's
    kind, whose fields tell the same run as another version of the library wrote it.
    """
    run_file = folder / RUN
    of_all = json_or(run_file, {})
    is_known = _is_same(of_all, run, settings)
    for checkpoint in in_order(folder):
        of_this = json_or(checkpoint / RUN, {}) or (of_all if is_known else {})
        if _is_same(of_this, run, settings) and is_whole(checkpoint):
            if not is_known:
                write_json(run_file, run)
            return checkpoint
        shutil.rmtree(checkpoint, ignore_errors=True)
    if not is_known:
        shutil.rmtree(folder, ignore_errors=True)
        write_json(run_file, run)
    return None


def _is_same(saved, run, settings):
    """Whether a saved run was asked for the same, by this version of the library or another."""
    asked = saved.get("asked")
    if not isinstance(asked, dict):
        return False
    return {**saved, "asked": as_asked(settings, asked)} == {
        **run,
        "asked": as_asked(settings, run["asked"]),
    }


def base_begun_with(folder: Path) -> str | None:
    """The base that a stopped run was planned with, which asked for 'auto'; None without one."""
    asked = json_or(folder / RUN, {}).get("asked")
    if not in_order(folder) or not isinstance(asked, dict) or asked.get("base") != AUTO:
        return None
    base = json_or(folder / SETTINGS, {}).get("base")
    return base if isinstance(base, str) and base != AUTO else None


def in_order(folder: Path) -> list[Path]:
    """The checkpoints in a folder, the newest first; other folders and copies are passed over."""
    found = (path for path in folder.glob("checkpoint-*") if _NAME.fullmatch(path.name))
    return sorted(found, key=step_of, reverse=True)


def step_of(checkpoint: Path) -> int:
    """The training step after which a checkpoint was written."""
    return int(checkpoint.name.split("-")[1])


def resume(
    folder: Path, run: dict, settings: Persona | Reasoning
) -> tuple[Path | None, Persona | Reasoning]:
    """(newest whole checkpoint of this run or None, the settings to train with).

    A resumed run keeps the settings it began with, except for those that depend on the machine.
    They are in the checkpoint; older versions wrote them beside it. Where they can't be read, it
    goes on with the planned ones, and says so.
    """
    file = folder / SETTINGS
    checkpoint = newest_whole(folder, run, settings)
    if rescue.folder_of(folder).exists():
        other = newest_whole(rescue.folder_of(folder), run, settings)
        if other and (not checkpoint or step_of(other) > step_of(checkpoint)):
            checkpoint, file = other, rescue.folder_of(folder) / SETTINGS
    if checkpoint:
        saved = json_or(checkpoint / SETTINGS, {}) or json_or(file, {})
        if not saved and processes.is_main():
            print(t("train.settings_unreadable", step=step_of(checkpoint)), flush=True)
        names = {field.name for field in fields(settings)}.difference(_MACHINE_SETTINGS)
        kept = {name: value for name, value in saved.items() if name in names}
        settings = with_saved(settings, kept)
    if not checkpoint or not json_or(file, {}):
        write_json(file, asdict(settings))
    return checkpoint, settings


class StoppedAt(NamedTuple):
    """`done` of `total` training steps are saved; `goes_on` says whether a run would use them."""

    done: int
    total: int
    goes_on: bool


def stopped_at(twin: Twin, step: str) -> StoppedAt | None:
    """How far a training that was stopped or killed is saved; None without a checkpoint of it.

    It can't go on where a file that it learnt from has changed since.
    """
    folder = twin.checkpoints(step)
    found = [*in_order(folder), *in_order(rescue.folder_of(folder))]
    complete = [checkpoint for checkpoint in found if (checkpoint / MANIFEST).exists()]
    if not complete:
        return None
    newest = max(complete, key=step_of)
    total = json_or(newest / "trainer_state.json", {}).get("max_steps") or step_of(newest)
    inputs = (
        json_or(newest / RUN, {}).get("inputs") or json_or(folder / RUN, {}).get("inputs") or {}
    )
    files = {name: value for name, value in inputs.items() if not name.startswith("base:")}
    now = twin.inputs(*(twin.path / name for name in files))
    same = all(now.get(name, value) == value for name, value in files.items())
    return StoppedAt(step_of(newest), total, same)


def forget_rescued(twin: Twin, step: str) -> None:
    """Delete what was kept in this machine's cache for a step, whose result is saved now."""
    shutil.rmtree(rescue.folder_of(twin.checkpoints(step)), ignore_errors=True)


def save_adapter(twin: Twin, step: str, model: "PeftModel", base: load.Base) -> None:
    """Save the trained adapter of step 'persona' or 'reasoning'; an earlier one is kept, and said.

    Called by all processes, of which the main one writes.
    """
    weights = load.gathered(model)
    if not processes.is_main():
        return
    adapter = twin.adapter(step)
    new, earlier = adapter.with_name("adapter.new"), twin.earlier_adapter(step)
    shutil.rmtree(new, ignore_errors=True)
    load.save_adapter(model, base, new, weights)
    if adapter.exists():
        shutil.rmtree(earlier, ignore_errors=True)
        adapter.rename(earlier)
        print(t("train.earlier_adapter_kept", path=earlier), flush=True)
    new.rename(adapter)


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
        files = [folder / name for name in (RUN, SETTINGS)]
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
        if self._run and not os.path.exists(folder / RUN):
            # An unmounted disk leaves an empty folder, which must stay empty to be mounted again.
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(folder))
        super()._save_checkpoint(model, trial)
        self._complete(folder)

    def _complete(self, folder):
        newest = folder / f"checkpoint-{self.state.global_step}"
        for name in {RUN, SETTINGS}.intersection(self._run):
            (newest / name).write_bytes(self._run[name])
        self.keep_more(newest)
        write_manifest(newest)
        best = Path(self.state.best_model_checkpoint or newest)
        for checkpoint in in_order(folder):
            if checkpoint.name not in (newest.name, best.name):
                shutil.rmtree(checkpoint, ignore_errors=True)
        if rescue.folder_of(folder) != best.parent:
            shutil.rmtree(rescue.folder_of(folder), ignore_errors=True)

    def _rescue(self, error, model, trial):
        """Save the checkpoint into this machine's cache; training goes on in any case."""
        folder, name = Path(self.args.output_dir), f"checkpoint-{self.state.global_step}"
        if os.path.exists(folder / RUN):  # False for any error
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
