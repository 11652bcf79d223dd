"""Where checkpoints are kept in this machine's cache while the twin's folder can't be written.

Those of a twin that was deleted are deleted, too, since they learnt its owner's writing; those of a
twin whose disk is only away must stay.
"""

import hashlib
import json
import os
import shutil
from contextlib import suppress
from pathlib import Path

from ..files import read_json
from ..models import pip_base
from ..twin_folder import FILES

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
        with suppress(OSError, ValueError, KeyError, TypeError):
            about = read_json(kept / PLACE, errors="surrogateescape")
            if _is_deleted(Path(about["folder"]), about["device"]):
                shutil.rmtree(kept, ignore_errors=True)


def _is_deleted(twin, device):
    """Whether the twin is gone, and not only its disk.

    Where a disk was unmounted, the folder above is missing too, or an empty one of another disk.
    """
    above = twin.parent
    if os.path.lexists(twin) or not above.is_dir():
        return False
    return above.stat().st_dev == device or any(above.glob(f"*/{FILES['facts']}"))
