"""Where checkpoints are kept in this machine's cache while the twin's folder can't be written.

Those of a twin that was deleted are deleted, too, since they learnt its owner's writing; those of a
twin whose disk is only away must stay. Where a twin's folder was renamed, they go with it: it is
the one beside which holds the same files that they learnt from.
"""

import hashlib
import json
import os
import shutil
from contextlib import suppress
from pathlib import Path

from ..files import hash_of, json_or, read_json, write_atomic
from ..models import pip_base
from ..twin_folder import FILES, TwinFolder, set_aside

RUN = "run.json"  # {asked, inputs}: the settings of a run, and the hashes of what it learns from
PLACE = "place.json"  # {folder, device}: whose checkpoints they are


def folder_of(checkpoints: Path) -> Path:
    """The folder in the cache for the checkpoints of a twin's step."""
    name = hashlib.sha256(os.fsencode(checkpoints.absolute())).hexdigest()[:16]
    return pip_base.cache() / "rescued" / name


def place(checkpoints: Path) -> bytes:
    """The content of PLACE: the twin's folder, and the disk that holds it now."""
    twin = checkpoints.absolute().parent.parent
    about = {"folder": str(twin), "device": twin.parent.stat().st_dev}
    return json.dumps(about, ensure_ascii=False).encode("utf-8", "surrogateescape")


def forget_deleted() -> None:
    """Delete what was kept for twins that were deleted; errors are passed over."""
    for kept in (pip_base.cache() / "rescued").glob("*"):
        with suppress(OSError, ValueError, KeyError, TypeError, AttributeError):
            about = read_json(kept / PLACE, errors="surrogateescape")
            if _is_deleted(Path(about["folder"]), about["device"]):
                if not _follow(kept, Path(about["folder"])):
                    shutil.rmtree(kept, ignore_errors=True)


def _follow(kept, before):
    """Move what was kept to where a twin whose folder was renamed looks for it; whether it was.

    The twin is known by the files that this training learns from: without them it could not go on.
    """
    inputs = json_or(kept / RUN, {}).get("inputs", {})
    files = {name: value for name, value in inputs.items() if not name.startswith("base:")}
    own = _places(before).get(kept.name)
    if own is None or not any(files.values()):
        return False
    for facts in before.parent.glob(f"*/{FILES['facts']}"):
        if all(_hash(facts.parent / name) == value for name, value in files.items()):
            new = _places(facts.parent)
            target = kept.with_name(next(name for name, of in new.items() if of == own))
            kept.rename(target)
            write_atomic(target / PLACE, place(TwinFolder(facts.parent).checkpoints(own[0])))
            return True
    return False


def _places(twin):
    """{name of a folder in the cache: (step, whether it is of a run that was put aside)}."""
    places = {}
    for step in ("persona", "reasoning"):
        own = folder_of(TwinFolder(twin).checkpoints(step))
        places |= {own.name: (step, False), set_aside(own).name: (step, True)}
    return places


def _hash(path):
    """A file's hash as a twin's inputs have it: '' where it is missing."""
    return hash_of(path, {}) if path.exists() else ""


def _is_deleted(twin, device):
    """Whether the twin is gone, and not only its disk.

    Where a disk was unmounted, the folder above is missing too, or an empty one of another disk.
    """
    above = twin.parent
    if os.path.lexists(twin) or not above.is_dir():
        return False
    return above.stat().st_dev == device or any(above.glob(f"*/{FILES['facts']}"))
