"""Whether training goes on when the twin's disk is full, slow or unmounted in the middle.

    sudo python benchmarks/lost_disks.py [--only full|stays-full|unmounted|slow]

Linux, as root: the twin lies on a small file system of its own (in memory, or for `slow` an ext4 on
a loop device that is frozen, so that every write waits), and step 02 trains a random model of two
layers in a child process. `full`: the disk is filled, and emptied some steps later. `stays-full`:
it is filled until the command has ended, emptied, and the command is given again. `unmounted`: the
disk is taken away until the command has ended, mounted again, and the command is given again.
Printed: what was said, how each command ended, and the validation loss beside an undisturbed run.
"""

import argparse
import contextlib
import json
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import kills

STEPS = 60


class Disk:
    """A small file system, mounted at `path`."""

    def __init__(self, path, loop=False):
        self.path, self.image = path, path.with_suffix(".img")
        path.mkdir(parents=True, exist_ok=True)
        if loop:
            with open(self.image, "wb") as file:
                file.truncate(256 * 2**20)
            call("mkfs.ext4", "-q", self.image)
            call("mount", "-o", "loop", self.image, path)
        else:
            call("mount", "-t", "tmpfs", "-o", "size=160m", "tmpfs", path)

    def fill(self):
        with contextlib.suppress(OSError), open(self.path / "ballast", "wb", 0) as file:
            while True:
                file.write(bytes(4096))

    def empty(self):
        (self.path / "ballast").unlink()

    def take_away(self):
        """Move the mounted file system elsewhere; an empty folder is left."""
        self.away = self.path.with_name("away")
        self.away.mkdir(exist_ok=True)
        call("mount", "--move", self.path, self.away)

    def bring_back(self):
        left = sorted(str(p.relative_to(self.path)) for p in self.path.rglob("*"))
        print(f"  left in the empty folder meanwhile: {left or 'nothing'}")
        call("mount", "--move", self.away, self.path)
        return not left

    def close(self):
        for path in (self.path, self.path.with_name("away")):
            subprocess.run(["umount", "-l", path], capture_output=True)
        self.image.unlink(missing_ok=True)


def call(*command):
    subprocess.run(list(map(str, command)), check=True)


def start(line, out):
    with open(out, "w") as file:
        return subprocess.Popen(line, stdout=file, stderr=file, env=kills.environment())


def reach(twin, step, child):
    """Wait until training has done so many steps."""
    while child.poll() is None and kills.last_step(twin, "persona") < step:
        time.sleep(0.05)


def reach_text(out, text, child, seconds=120):
    until = time.monotonic() + seconds
    while child.poll() is None and text not in out.read_text() and time.monotonic() < until:
        time.sleep(0.1)


def end(child, out, seen):
    """Wait for the end, and print what was said beside the progress."""
    code = child.wait()
    words = ("could not be written", "slow", "disk", "Going on", "Error", "error")
    for line in out.read_text().splitlines():
        if any(word in line for word in words) and line not in seen:
            seen.add(line)
            print(f"  said: {line}")
    print(f"  ended with status {code}", flush=True)
    return code


def disturbed(how, folder, demo, rest):
    """The validation loss of step 02 on a disk that this happens to; None where it did not end."""
    disk = Disk(folder / "disk", loop=how == "slow")
    out, seen = folder / "out.txt", set()
    try:
        twin = disk.path / "demo"
        shutil.copytree(demo, twin)
        line = kills.command(twin, "persona", *rest)
        child = start(line, out)
        reach(twin, 10, child)
        if how == "slow":
            call("fsfreeze", "-f", disk.path)
            time.sleep(45)
            call("fsfreeze", "-u", disk.path)
        elif how == "unmounted":
            disk.take_away()
        else:
            disk.fill()
        if how == "full":
            reach_text(out, "could not be written", child)
            time.sleep(3)
            disk.empty()
        code = end(child, out, seen)
        if how in ("stays-full", "unmounted"):
            untouched = disk.bring_back() if how == "unmounted" else disk.empty() is None
            code = end(start(line, out), out, seen) or not untouched
        report = json.loads((twin / "persona" / "report.json").read_text())
        return None if code else report["figures"]["val_loss"]["value"]
    finally:
        disk.close()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    ways = ("full", "stays-full", "unmounted", "slow")
    parser.add_argument("--only", choices=ways)
    options = parser.parse_args()
    folder = Path(tempfile.mkdtemp())
    try:
        kills.prepare(folder)
        kills.STEPS["persona"] = STEPS
        rest = kills.options_of("persona", folder)
        whole = folder / "whole"
        shutil.copytree(folder / "demo", whole)
        kills.run(kills.command(whole, "persona", *rest))
        report = json.loads((whole / "persona" / "report.json").read_text())
        loss = report["figures"]["val_loss"]["value"]
        print(f"undisturbed: validation loss {loss}", flush=True)
        sound = []
        for how in (options.only,) if options.only else ways:
            print(f"{how}:", flush=True)
            found = disturbed(how, folder, folder / "demo", rest)
            sound.append(found is not None and abs(found / loss - 1) <= kills.TOLERANCE)
            print(f"  validation loss {found}: {'nothing lost' if sound[-1] else 'LOST'}")
        sys.exit(not all(sound))
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
