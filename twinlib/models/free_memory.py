"""How much memory this process may take, and whether it ran out.

It is the machine's memory, or less in a container with a limit.

The kernel's control groups, of which Docker and Slurm make use, end a process that takes more than
its group may, however much the machine has.
"""

import ctypes
import os
from pathlib import Path, PurePosixPath

_GROUPS = Path("/sys/fs/cgroup")
_OWN = Path("/proc/self/cgroup")
# In the two versions of control groups: (folder, file of the limit, file of what is taken)
_FILES = (
    ("", "memory.max", "memory.current"),
    ("memory", "memory.limit_in_bytes", "memory.usage_in_bytes"),
)
# Of what is taken these are pages of files, which the kernel gives up when memory is short.
_PAGES = (("inactive_file", "active_file"), ("total_inactive_file", "total_active_file"))


def ran_out(error: BaseException) -> bool:
    """Whether an error says that a GPU's or the CPU's memory ran out."""
    import torch
    from accelerate.utils import memory

    if isinstance(error, (torch.OutOfMemoryError, MemoryError)):
        return True
    return isinstance(error, RuntimeError) and memory.should_reduce_batch_size(error)


def give_back() -> None:
    """Give memory of this process that was freed back to the system, with glibc.

    Tensors of many sizes leave holes in its heap, which the process keeps otherwise: twice what a
    training step takes, or a third of Colab's memory once the predictions of a large model are
    computed.
    """
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None) if os.name == "posix" else None
    if trim:
        trim(0)


def total() -> int:
    """Bytes of memory that this process may take in all."""
    import psutil

    return min([psutil.virtual_memory().total, *(limit for limit, _ in limits())])


def available() -> int:
    """Bytes of memory that this process can still take."""
    import psutil

    left = [max(0, limit - taken) for limit, taken in limits()]
    return min([psutil.virtual_memory().available, *left])


def limits(groups: Path = _GROUPS, own: Path = _OWN) -> list[tuple[int, int]]:
    """[(limit, taken)] in bytes of the control groups with a limit that this process is in.

    `own` is the kernel's list of them; in a container it may name folders that are not there.
    """
    found = []
    try:
        lines = own.read_text(encoding="utf-8").splitlines()
    except OSError:  # not Linux
        return []
    for line in lines:
        _, controllers, path = line.split(":", 2)
        if controllers and "memory" not in controllers.split(","):
            continue
        version = 1 if controllers else 0
        folder, limit, taken = _FILES[version]
        inside = PurePosixPath(path.lstrip("/"))
        for name in dict.fromkeys([inside, *inside.parents, PurePosixPath()]):
            here = groups / folder / name
            try:
                most, now = ((here / file).read_text(encoding="utf-8") for file in (limit, taken))
                if most.strip() != "max":
                    found.append((int(most), int(now) - _given_up(here, _PAGES[version])))
            except (OSError, ValueError):
                continue
    return found


def _given_up(folder, names):
    """Bytes of files' pages in a group."""
    lines = (folder / "memory.stat").read_text(encoding="utf-8").splitlines()
    counts = dict(line.split() for line in lines)
    return sum(int(counts.get(name, 0)) for name in names)
