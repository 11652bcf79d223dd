"""The memory that a process may take: the machine's, or its container's."""

import json
import os
import subprocess
import sys
from pathlib import Path

import psutil
import pytest
from conftest import ROOT

from twinlib.models import free_memory

ASK = """
import json
from twinlib.models import free_memory, load, plan
held = bytearray(40_000_000)
fits = [load.fitting_precision(None, billions * 1e9) for billions in (0.005, 1)]
print(json.dumps([free_memory.total(), free_memory.available(), plan.machine()["memory_gb"], fits]))
"""


@pytest.fixture
def group():
    """A control group of at most 1 GiB; its folder."""
    old = Path("/sys/fs/cgroup/memory").is_dir()
    path = Path("/sys/fs/cgroup/memory" if old else "/sys/fs/cgroup") / f"twinlib_{os.getpid()}"
    try:
        path.mkdir()
        limit = "memory.limit_in_bytes" if old else "memory.max"
        (path / limit).write_text(str(2**30))
    except OSError:
        path.is_dir() and path.rmdir()
        pytest.skip("no control group can be made here")
    yield path
    path.rmdir()


@pytest.mark.slow
def test_the_limit_of_a_container_is_the_memory_there_is(group):
    done = subprocess.run(
        [sys.executable, "-c", ASK],
        cwd=ROOT,
        capture_output=True,
        text=True,
        preexec_fn=lambda: (group / "cgroup.procs").write_text(str(os.getpid())),
    )
    total, left, said, fits = json.loads(done.stdout)
    assert total == 2**30 and said == 1.0
    assert 0.1 * 2**30 < left < 2**30 - 40_000_000
    assert fits == ["auto", None]


def write(folder, limit, taken, **pages):
    folder.mkdir(parents=True, exist_ok=True)
    (folder / limit[0]).write_text(f"{limit[1]}\n")
    (folder / taken[0]).write_text(f"{taken[1]}\n")
    lines = [f"{name} {value}\n" for name, value in {"anon": 7, **pages}.items()]
    (folder / "memory.stat").write_text("".join(lines))


def test_the_limits_of_groups_around_count_and_pages_of_files_do_not(tmp_path):
    own = tmp_path / "own"
    own.write_text("0::/slurm/job_5/step_0\n")
    job = tmp_path / "slurm" / "job_5"
    write(job, ("memory.max", 5000), ("memory.current", 900), inactive_file=300, active_file=100)
    write(job / "step_0", ("memory.max", "max"), ("memory.current", 800))
    assert free_memory.limits(tmp_path, own) == [(5000, 500)]
    # In a container the folder that is named is outside, and the limit at the top.
    own.write_text("4:cpu,cpuacct:/docker/ab\n3:memory:/docker/ab\n0::/\n")
    old = ("memory.limit_in_bytes", 4000), ("memory.usage_in_bytes", 700)
    write(tmp_path / "memory", *old, total_inactive_file=200, total_active_file=0)
    assert free_memory.limits(tmp_path, own) == [(4000, 500)]


def test_without_limits_it_is_the_machines(tmp_path):
    assert free_memory.limits(tmp_path, tmp_path / "nothing") == []
    assert free_memory.total() <= psutil.virtual_memory().total


@pytest.mark.skipif(sys.platform != "linux", reason="glibc")
def test_freed_memory_is_given_back():
    """In a process of its own, whose heap no other test has filled."""
    code = """
import psutil
from twinlib.models import free_memory
mine = psutil.Process()
blocks = [bytearray(20_000) for _ in range(10_000)]
full, blocks[:-1] = mine.memory_info().rss, []
kept = mine.memory_info().rss
free_memory.give_back()
print(full, kept, mine.memory_info().rss)
"""
    said = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, check=True, capture_output=True, text=True
    )
    full, kept, left = map(int, said.stdout.split())
    assert full - kept < 20e6, "the heap keeps what is freed below its last block"
    assert kept - left > 150e6
