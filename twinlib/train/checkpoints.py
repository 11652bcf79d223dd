"""Checkpoints on disk, proven whole by a manifest and resumed; and the finished adapter.

A manifest of hashes is written last, because not every disk renames atomically (Google Drive's
mount does not). Resuming falls back to the newest checkpoint that is whole.
"""

import json
import shutil
from dataclasses import asdict, fields, replace
from pathlib import Path

from ..files import sha256_of, write_json

MANIFEST = "manifest.json"
# Settings that belong to the machine: after a disconnect the next GPU may be another.
_OF_THE_MACHINE = (
    "engine",
    "precision",
    "packing",
    "batch",
    "accumulation",
    "checkpointing",
    "compile",
)


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


def newest_whole(folder: Path, run) -> Path | None:
    """The newest whole checkpoint of this `run` (JSON of its settings and inputs), or None.

    Checkpoints of another run and damaged ones are deleted: they can't be continued.
    """
    run_file = folder / "run.json"
    try:
        same = json.loads(run_file.read_text(encoding="utf-8")) == run
    except (OSError, ValueError):
        same = False
    if not same:
        shutil.rmtree(folder, ignore_errors=True)
        write_json(run_file, run)
        return None
    for checkpoint in sorted(folder.glob("checkpoint-*"), key=lambda p: -int(p.name.split("-")[1])):
        if is_whole(checkpoint):
            return checkpoint
        shutil.rmtree(checkpoint, ignore_errors=True)
    return None


def resume(folder: Path, run, settings):
    """(newest whole checkpoint of this run or None, settings).

    When there is a checkpoint, the settings are those that the run began with, except for the ones
    that this machine decides.
    """
    file = folder / "settings.json"
    checkpoint = newest_whole(folder, run)
    if checkpoint and file.exists():
        names = {field.name for field in fields(settings)}.intersection(_OF_THE_MACHINE)
        here = {name: getattr(settings, name) for name in names}
        began_with = json.loads(file.read_text(encoding="utf-8"))
        return checkpoint, replace(settings, **{**began_with, **here})
    write_json(file, asdict(settings))
    return checkpoint, settings


def save_adapter(twin, step: str, model, base) -> None:
    """Save the trained adapter of 'persona' or 'reasoning' in the place of an earlier one."""
    from ..models import load

    new = twin.folder(step) / "adapter.new"
    shutil.rmtree(new, ignore_errors=True)
    load.save_adapter(model, base, new)
    _replace_folder(new, twin.adapter(step))


def _replace_folder(new, old):
    backup = old.with_name(old.name + ".old")
    shutil.rmtree(backup, ignore_errors=True)
    if old.exists():
        old.rename(backup)
    new.rename(old)
    shutil.rmtree(backup, ignore_errors=True)
