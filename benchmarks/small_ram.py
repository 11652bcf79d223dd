"""Whether step 04 ends in the memory that Colab has: files of 0.5B to 14B in 12.7 GiB.

    sudo python benchmarks/small_ram.py [--sizes 1.5b 3b 7b] [--gib 12.7] [--cores 2]
                                        [--types Q4_K_M,Q5_K_M,Q8_0] [--folder FOLDER]

Linux. `twinlib quantize` runs on a twin of the sample blog in a process that may take `--gib` GiB,
counted and enforced by a control group of the kernel (version 1 or 2, as root, no swap), on two
cores, without a GPU and without arithmetic in 16 bits, as on Colab's processors. Where no such
group can be made, memory is only watched, and the first line says so. 1.5B has real weights
(Qwen2.5-Coder, from the package registry); the others have random ones in the shapes of Qwen2.5,
4B and 8B of Qwen3, with a real tokenizer, which take the same memory and time. The adapter is
random, rank 16 on every linear layer; nothing is trained.

Printed for each size: whether each file passed its checks, seconds and most memory by stage. Memory
is what the process holds for itself; beside it stand the parts of files that it has mapped, which
the system takes back when memory is short. 1.5B takes 8 GB of disk, 3B 14 and 7B 34, and with
Q4_K_M alone 7B 20, 8B 21 and 14B 39; a size's files are removed before the next, unless `--keep` is
given. `--sizes 0.5b` tries the script.
"""

import argparse
import contextlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import gguf_export
import kills
import random_models

REAL = "qwen2.5-coder-1.5b-instruct"
TOKENIZER = "qwen2.5-coder-0.5b-instruct"
SIZES = {
    "0.5b": "qwen2.5-0.5b",
    "1.5b": REAL,
    "3b": "qwen2.5-3b",
    "4b": "qwen3-4b",
    "7b": "qwen2.5-7b",
    "8b": "qwen3-8b",
    "14b": "qwen2.5-14b",
}
CGROUPS = Path("/sys/fs/cgroup")
# A learnt change of a weight, relative to its size, is about as large as with these numbers.
ADAPTER = 0.005


class Group:
    """A control group of at most `limit` bytes; without one, memory is only watched."""

    def __init__(self, limit):
        name, self.old = f"small_ram_{os.getpid()}", (CGROUPS / "memory").is_dir()
        self.path = (CGROUPS / "memory" if self.old else CGROUPS) / name
        try:
            self.path.mkdir()
            if self.old:
                (self.path / "memory.limit_in_bytes").write_text(str(limit))
                with contextlib.suppress(OSError):
                    (self.path / "memory.memsw.limit_in_bytes").write_text(str(limit))
            else:
                (self.path / "memory.max").write_text(str(limit))
                with contextlib.suppress(OSError):  # where the machine has no swap
                    (self.path / "memory.swap.max").write_text("0")
        except OSError as error:
            print(f"memory is only watched, not limited: {error}", flush=True)
            with contextlib.suppress(OSError):
                self.path.rmdir()
            self.path = None

    def enter(self):
        """Put this process into the group."""
        if self.path:
            (self.path / "cgroup.procs").write_text(str(os.getpid()))

    def used(self, process):
        """(bytes that the processes hold for themselves, mapped bytes of files)."""
        if self.path is None:
            parts = [process, *process.children(recursive=True)]
            held = [part.memory_info() for part in parts]
            return sum(m.rss - m.shared for m in held), sum(m.shared for m in held)
        names = ("total_rss", "total_mapped_file") if self.old else ("anon", "file_mapped")
        lines = (self.path / "memory.stat").read_text().splitlines()
        counts = dict(line.split() for line in lines)
        return tuple(int(counts[name]) for name in names)

    def killed(self):
        """How many processes the kernel has ended because they took too much."""
        if self.path is None:
            return 0
        file = self.path / ("memory.oom_control" if self.old else "memory.events")
        counts = dict(line.split() for line in file.read_text().splitlines())
        return int(counts.get("oom_kill", 0))

    def close(self):
        if self.path:
            self.path.rmdir()


def prepare(size, folder):
    """A twin of the sample blog whose persona step left a random adapter; (twin, base)."""
    from twinlib import Twin
    from twinlib.models import load
    from twinlib.twin import Report

    folder.mkdir(parents=True, exist_ok=True)
    path = folder / size / "demo"
    if not (path / "corpus" / "report.json").exists():
        kills.run(kills.command(path, "corpus", "--questions", "titles"))
    name = SIZES[size]
    if name != REAL:
        random_models.write(name, folder / name, load.prepare(TOKENIZER).path)
        name = str(folder / name)
    base, twin = load.prepare(name), Twin.open(path)
    shutil.rmtree(twin.adapter("persona"), ignore_errors=True)
    gguf_export.random_adapter(base.path, twin.adapter("persona"), ADAPTER)
    twin.remember(
        base={"name": base.name, "revision": base.revision},
        system_prompt="You are the twin of the author. Say what the author would say.",
    )
    twin.finish(Report("persona", {}, 0, 0, {}, {}, twin.inputs(base=True), {}, []))
    return path, base


def quantize(twin, types, cores):
    """Run the step in this process, on a processor like Colab's."""
    from twinlib.__main__ import main
    from twinlib.models import load

    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:cores])
    load.fast_bfloat16 = lambda: False
    sys.exit(main(["quantize", "--twin", str(twin), "--types", types]))


def measure(twin, options):
    """Run the step under the limit; (status, seconds of processors, [(time, held, mapped)])."""
    import psutil

    group, samples = Group(round(options.gib * 2**30)), []
    command = [sys.executable, __file__, "--one", str(twin), "--types", options.types]
    environment = {**os.environ, "PYTHONPATH": str(kills.ROOT), "TWINLIB_LANG": "en"}
    environment["CUDA_VISIBLE_DEVICES"] = ""
    try:
        with open(twin / "out.txt", "w") as out:
            child = subprocess.Popen(
                [*command, "--cores", str(options.cores)],
                stdout=out,
                stderr=out,
                env=environment,
                preexec_fn=group.enter,
            )
        ended, process = threading.Event(), psutil.Process(child.pid)

        def watch():
            while not ended.wait(0.1):
                with contextlib.suppress(OSError, psutil.Error):
                    samples.append((time.time(), *group.used(process)))

        watching = threading.Thread(target=watch)
        watching.start()
        _, status, used = os.wait4(child.pid, 0)
        ended.set()
        watching.join()
        killed = group.killed()
    finally:
        group.close()
    status = "ended by the kernel, out of memory" if killed else os.waitstatus_to_exitcode(status)
    return status, used.ru_utime + used.ru_stime, samples


def stages(twin, samples):
    """[(what the step said it did, seconds, most bytes held, most bytes mapped)] in their order."""
    path, starts = twin / "quantize" / "history.jsonl", [("starting", samples[0][0])]
    records = map(
        json.loads, path.read_text(encoding="utf-8").splitlines() if path.exists() else ()
    )
    for record in records:
        note = record.get("note", "")
        if note and note != starts[-1][0]:
            starts.append((note, record["time"]))
    found, ends = [], [time for _, time in starts[1:]] + [samples[-1][0]]
    for (note, start), end in zip(starts, ends):
        part = [s for s in samples if start - 0.1 <= s[0] <= end] or [(0, 0, 0)]
        found.append((note, end - start, max(s[1] for s in part), max(s[2] for s in part)))
    return found


def verdicts(twin):
    """What the report says of each file, one a line."""
    path = twin / "quantize" / "report.json"
    if not path.exists():
        return (twin / "out.txt").read_text()[-1500:].splitlines()
    report, lines = json.loads(path.read_text(encoding="utf-8")), []
    figures = report["figures"]
    for name in figures:
        if name.startswith("size_mb_"):
            kind = name.removeprefix("size_mb_")
            whole = list((twin / "quantize").glob(f"*-{kind}.gguf"))
            said = [f"{kind} {'passed' if whole else 'FAILED'}, {figures[name]['value']} MB"]
            for label, key in (
                ("KL", "kl_divergence"),
                ("same likeliest token", "top1"),
                ("llama.cpp agrees", "llama_top1"),
                ("tokens a second", "tokens_per_second"),
            ):
                if (found := figures.get(f"{key}_{kind}")) is not None:
                    said.append(f"{label} {found['value']:.3g} (n {found['n']})")
            lines.append(", ".join(said))
    warnings = [said if isinstance(said, str) else said["text"] for said in report["warnings"]]
    return lines + [f"warning: {text}" for text in warnings]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sizes", nargs="*", default=["1.5b", "3b", "7b"], choices=SIZES)
    parser.add_argument("--gib", type=float, default=12.7)
    parser.add_argument("--cores", type=int, default=2)
    parser.add_argument("--types", default="Q4_K_M,Q5_K_M,Q8_0")
    parser.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()) / "small_ram")
    parser.add_argument("--keep", action="store_true")
    parser.add_argument("--one", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        quantize(options.one, options.types, options.cores)
    for size in options.sizes:
        twin, base = prepare(size, options.folder)
        began = time.monotonic()
        status, processors, samples = measure(twin, options)
        seconds = time.monotonic() - began
        held, mapped = (max(sample[n] for sample in samples) / 2**30 for n in (1, 2))
        print(
            f"{size}: status {status}, {seconds:.0f} s, {processors:.0f} s of processors, at most "
            f"{held:.2f} GiB of {options.gib} held, {mapped:.2f} GiB of files mapped",
            flush=True,
        )
        for note, took, most, files in stages(twin, samples):
            print(f"  {took:7.1f} s {most / 2**30:6.2f} GiB, mapped {files / 2**30:5.2f}: {note}")
        print("  " + "\n  ".join(verdicts(twin)), flush=True)
        if not options.keep:
            shutil.rmtree(twin)
            if base.name != REAL:
                shutil.rmtree(base.path)


if __name__ == "__main__":
    main()
