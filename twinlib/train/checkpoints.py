"""Checkpoints that are checked by a manifest and resumed, and the saving of the finished adapter.

A manifest of hashes is written last, because not every disk renames atomically (Google Drive's
mount does not). Resuming falls back to the newest checkpoint that is whole.
"""

import json
import shutil
from dataclasses import asdict, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING

from ..files import sha256_of, write_json
from ..models import load
from ..settings import Persona, Reasoning
from ..twin import Twin

if TYPE_CHECKING:
    from peft import PeftModel

MANIFEST = "manifest.json"
# Settings that depend on the machine: a resumed run may get another GPU.
_MACHINE_SETTINGS = "engine precision packing batch accumulation checkpointing compile".split()


def write_manifest(checkpoint: Path) -> None:
    """Write the manifest of a finished checkpoint folder: {file: sha256}."""
    files = sorted(p for p in checkpoint.rglob("*") if p.is_file() and p.name != MANIFEST)
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
    for checkpoint in sorted(folder.glob("checkpoint-*"), key=lambda p: -int(p.name.split("-")[1])):
        if is_whole(checkpoint):
            return checkpoint
        shutil.rmtree(checkpoint, ignore_errors=True)
    return None


def resume(
    folder: Path, run: dict, settings: Persona | Reasoning
) -> tuple[Path | None, Persona | Reasoning]:
    """(newest whole checkpoint of this run or None, the settings to train with).

    A resumed run keeps the settings it began with, except for those that depend on the machine.
    """
    file = folder / "settings.json"
    checkpoint = newest_whole(folder, run)
    if checkpoint and file.exists():
        names = {field.name for field in fields(settings)}.intersection(_MACHINE_SETTINGS)
        machine_settings = {name: getattr(settings, name) for name in names}
        saved = json.loads(file.read_text(encoding="utf-8"))
        return checkpoint, replace(settings, **{**saved, **machine_settings})
    write_json(file, asdict(settings))
    return checkpoint, settings


def save_adapter(twin: Twin, step: str, model: "PeftModel", base: load.Base) -> None:
    """Save the trained adapter of step 'persona' or 'reasoning', replacing an earlier one."""
    adapter = twin.adapter(step)
    new, backup = adapter.with_name("adapter.new"), adapter.with_name("adapter.old")
    shutil.rmtree(new, ignore_errors=True)
    load.save_adapter(model, base, new)
    shutil.rmtree(backup, ignore_errors=True)
    if adapter.exists():
        adapter.rename(backup)
    new.rename(adapter)
    shutil.rmtree(backup, ignore_errors=True)
