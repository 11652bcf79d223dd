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
from ..settings import Persona, Reasoning, as_asked, make, remembered, warning, with_saved
from ..twin import AUTO, Problem, Twin
from ..twin_folder import set_aside
from . import checkpoint_fallback, other_run, processes

if TYPE_CHECKING:
    from peft import PeftModel

MANIFEST = "manifest.json"
EVERY = 300.0  # seconds between two checkpoints at most, beside those after so many steps
_SHARE = 0.1  # of the time: what saving may take on a slow disk
_SLOW = 30.0  # seconds after which saving is called slow
RUN, SETTINGS = checkpoint_fallback.RUN, "settings.json"  # what belongs to all checkpoints of a run
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

    Checkpoints of another run are moved aside, and those of this run brought back from there;
    damaged ones are deleted: they can't be continued. A checkpoint knows its run, so that a damaged
    run.json beside it costs nothing. `settings` are of the step's kind, whose fields tell the same
    run as another version of the library wrote it.
    """
    return _newest_whole(folder, run, settings)[0]


def _newest_whole(folder, run, settings):
    """(the checkpoint or None, whether this run's were brought back)."""

    def is_own(of):
        return any(_is_same(_run_of(checkpoint), run, settings) for checkpoint in in_order(of))

    moved, came_back = other_run.make_room(folder, is_own, _farthest)
    if moved and processes.is_main():
        print(t("train.other_run_kept", step=moved, path=set_aside(folder)), flush=True)
    for checkpoint in in_order(folder):
        if _is_same(_run_of(checkpoint), run, settings) and is_whole(checkpoint):
            if not _is_same(json_or(folder / RUN, {}), run, settings):
                write_json(folder / RUN, run)
            return checkpoint, came_back
        shutil.rmtree(checkpoint, ignore_errors=True)
    if not _is_same(json_or(folder / RUN, {}), run, settings):
        shutil.rmtree(folder, ignore_errors=True)
        write_json(folder / RUN, run)
    return None, came_back


def _run_of(checkpoint):
    """The settings and inputs of a checkpoint's run, which older versions wrote beside it only."""
    return json_or(checkpoint / RUN, {}) or json_or(checkpoint.parent / RUN, {})


def _farthest(folder):
    """The step of the newest checkpoint that was written to its end; 0 without one."""
    return max(map(step_of, _complete(folder)), default=0)


def _complete(folder):
    return [checkpoint for checkpoint in in_order(folder) if (checkpoint / MANIFEST).exists()]


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
    file, rescued = folder / SETTINGS, checkpoint_fallback.folder_of(folder)
    checkpoint, came_back = _newest_whole(folder, run, settings)
    if rescued.exists() or set_aside(rescued).exists():
        other, also = _newest_whole(rescued, run, settings)
        came_back |= also
        if other and (not checkpoint or step_of(other) > step_of(checkpoint)):
            checkpoint, file = other, rescued / SETTINGS
    if came_back and processes.is_main():
        other_run.forget_answers(folder)
        print(t("train.other_run_back"), flush=True)
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
    """`done` of `total` training steps are saved; `goes_on` says whether a run would use them.

    `differs` names the settings because of which it wouldn't; '' where what it learnt from changed.
    """

    done: int
    total: int
    goes_on: bool
    differs: str = ""


def stopped_at(
    twin: Twin, step: str, settings: Persona | Reasoning | None = None
) -> StoppedAt | None:
    """How far a training that was stopped or killed is saved; None without a checkpoint of it.

    It can't go on where a file that it learnt from has changed since, or with other `settings`, by
    default those that the step would run with now.
    """
    settings = settings or make(step, **remembered(step, twin))
    folder = twin.checkpoints(step)
    places = (folder, checkpoint_fallback.folder_of(folder))
    complete = [
        each for place in places for of in (place, set_aside(place)) for each in _complete(of)
    ]
    at = [_at(twin, checkpoint, settings) for checkpoint in complete]
    return max(at, key=lambda each: (each.goes_on, each.done), default=None)


def _at(twin, checkpoint, settings):
    total = json_or(checkpoint / "trainer_state.json", {}).get("max_steps") or step_of(checkpoint)
    run = _run_of(checkpoint)
    asked, inputs = (run.get(name) for name in ("asked", "inputs"))
    asked, inputs = (each if isinstance(each, dict) else {} for each in (asked, inputs))
    files = {name: value for name, value in inputs.items() if not name.startswith("base:")}
    now = twin.inputs(*(twin.path / name for name in files))
    same = all(now.get(name, value) == value for name, value in files.items())
    differs = other_run.differences(settings, asked) if asked else ""
    return StoppedAt(step_of(checkpoint), total, same and bool(asked) and not differs, differs)


def begins_anew(twin: Twin, step: str, settings: Persona | Reasoning) -> list[Problem]:
    """A warning where a stopped training would not go on with these settings."""
    found = stopped_at(twin, step, settings)
    if found is None or found.goes_on:
        return []
    values = {"done": found.done, "total": found.total, "differs": found.differs}
    key = "train.begins_anew_settings" if found.differs else "train.begins_anew_inputs"
    return [warning(key, **values)]


def forget_rescued(twin: Twin, step: str) -> None:
    """Delete what was kept in this machine's cache for a step, whose result is saved now."""
    rescued = checkpoint_fallback.folder_of(twin.checkpoints(step))
    shutil.rmtree(rescued, ignore_errors=True)
    other_run.forget(rescued)


def save_adapter(twin: Twin, step: str, model: "PeftModel", base: load.Base) -> None:
    """Save the trained adapter of step 'persona' or 'reasoning'; an earlier one is kept, and said.

    Called by all processes, of which the main one writes.
    """
    weights = load.gathered(model)
    if not processes.is_main():
        return
    adapter = twin.adapter(step)
    new, earlier = twin.new_adapter(step), twin.earlier_adapter(step)
    half = adapter.with_name("adapter.part")
    for left in (new, half):
        shutil.rmtree(left, ignore_errors=True)
    load.save_adapter(model, base, half, weights)
    half.rename(new)
    if adapter.exists():
        shutil.rmtree(earlier, ignore_errors=True)
        adapter.rename(earlier)
        print(t("train.earlier_adapter_kept", path=earlier), flush=True)
    twin.finish_saving(step)


class CheckpointSaving:
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
            self._run[checkpoint_fallback.PLACE] = checkpoint_fallback.place(folder)

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
        if checkpoint_fallback.folder_of(folder) != best.parent:
            shutil.rmtree(checkpoint_fallback.folder_of(folder), ignore_errors=True)

    def _rescue(self, error, model, trial):
        """Save the checkpoint into this machine's cache; training goes on in any case."""
        folder, name = Path(self.args.output_dir), f"checkpoint-{self.state.global_step}"
        if os.path.exists(folder / RUN):  # False for any error
            shutil.rmtree(folder / name, ignore_errors=True)  # half written
        other = checkpoint_fallback.folder_of(folder)
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
