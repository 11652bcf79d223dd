"""The checkpoints of a stopped training that another one replaces are kept beside its own.

One setting may differ by mistake, and what was trained took hours. So the checkpoints of the other
run are moved to a folder of their own (twin_folder.set_aside), from where the earlier settings
bring them back. They are deleted when a training of the same step is finished.
"""

import shutil
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

from ..i18n import both, choose, listed
from ..settings import Persona, Reasoning, as_asked, texts, value_text
from ..twin_folder import TwinFolder, set_aside

_MADE_BEFORE = ("samples", "solutions")  # answers from before the training, made with its settings


def make_room(
    folder: Path, is_own: Callable[[Path], bool], farthest: Callable[[Path], int]
) -> tuple[int, bool]:
    """Move another run's checkpoints in `folder` aside, and those of this run back.

    `is_own(folder)` says whether a folder has checkpoints of the run that starts, and
    `farthest(folder)` is the step of its newest complete checkpoint, 0 without one. Of two other
    runs the one that came further is kept. Returns (the step of what was moved aside just now or 0,
    whether this run's came back).
    """
    aside, between = set_aside(folder), set_aside(set_aside(folder))
    _end(between, aside)
    if is_own(folder):
        return 0, False
    comes_back, step = is_own(aside), farthest(folder)
    moved = step if step and (comes_back or step >= farthest(aside)) else 0
    if moved:
        folder.rename(between)
    else:
        shutil.rmtree(folder, ignore_errors=True)
    if comes_back:
        aside.rename(folder)
    elif moved:
        shutil.rmtree(aside, ignore_errors=True)
    _end(between, aside)
    return moved, comes_back


def _end(between, aside):
    """The last move, also of a run that was killed before it."""
    if between.exists() and not aside.exists():
        between.rename(aside)


def forget_answers(folder: Path) -> None:
    """Delete the answers from before the other training: those of this run are made again."""
    twin = TwinFolder(folder.parent.parent)
    for path in map(twin.file, _MADE_BEFORE):
        if path.parent == folder.parent:
            path.unlink(missing_ok=True)


def forget(folder: Path) -> None:
    """Delete what was moved aside."""
    shutil.rmtree(set_aside(folder), ignore_errors=True)
    shutil.rmtree(set_aside(set_aside(folder)), ignore_errors=True)


def differences(settings: Persona | Reasoning, asked: dict) -> str:
    """The settings that differ from those a stopped run was asked for: 'Patience: 2, now 3'."""
    step = "persona" if isinstance(settings, Persona) else "reasoning"
    kinds = {field.name: field for field in settings.__dataclass_fields__.values()}
    before, now = as_asked(settings, asked), asdict(settings)
    return choose(
        listed(
            both(
                "train.setting_differs",
                label=texts(step, name)["label"],
                before=value_text(kinds[name], before[name]),
                now=value_text(kinds[name], value),
            )
            for name, value in now.items()
            if before[name] != value
        )
    )
