"""Whether anything is lost when training is killed: kill -9 at random moments, then the same again.

    python benchmarks/kills.py [--kills 10] [--seed 1] [--only persona|reasoning] [--folder FOLDER]

A random model of two layers, the sample blog, the real commands in child processes on this CPU.
Each step of notebooks 02 and 03 runs once undisturbed, and once killed at random moments (while it
loads, trains, writes checkpoints or answers) and started again each time; once a checkpoint that is
only half written lies beside the whole ones. Printed: the step at which each kill came, the one
from which the next start went on, the largest difference between both runs in the loss of a step,
and the validation loss at the end of both, which may differ by 0.5 % at most, while no more than
one interval between checkpoints is done twice and what is half written is passed over.
"""

import argparse
import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import random_models  # noqa: F401 (it finds twinlib)

ROOT = Path(__file__).parent.parent
STEPS = {"persona": 200, "reasoning": 12}
TOLERANCE = 0.005
_GOES_ON = re.compile(r"Going on from the checkpoint at step (\d+)")


def command(twin, step, *options):
    return [sys.executable, "-m", "twinlib", step, "--twin", str(twin), *map(str, options)]


def environment():
    paths = {"PYTHONPATH": str(ROOT), "TWINLIB_LANG": "en", "TWINLIB_CACHE": _CACHE.name}
    return {**os.environ, **paths, "OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""}


_CACHE = tempfile.TemporaryDirectory()


def options_of(step, folder):
    if step == "persona":
        chosen = {"base": folder / "base", "batch": 4, "accumulation": 1, "length": 192}
        chosen |= {"steps": STEPS[step], "learning_rate": 0.003, "replay_share": 0, "patience": 20}
    else:
        chosen = {"task": "file", "problems": folder / "problems.jsonl", "steps": STEPS[step]}
        chosen |= {"generations": 8, "batch": 32, "completion_tokens": 24, "held_out": 8}
        chosen |= {"learning_rate": 0.001, "probe": 0}
    named = [(f"--{name.replace('_', '-')}", value) for name, value in chosen.items()]
    return ["--effort", "smoke", *(part for pair in named for part in pair)]


def prepare(folder):
    """A random base, a twin of the sample blog, and problems that the base solves by chance."""
    sys.path.insert(0, str(ROOT / "tests"))
    from conftest import build_tiny_base

    folder.mkdir(parents=True, exist_ok=True)
    build_tiny_base(folder / "base")
    rng = random.Random(1)
    pairs = [(a, 7 - a, rng.randrange(100)) for a in range(8) for _ in range(12)]
    problems = [
        {"question": f"No. {n}: {a} + {b} = ?", "steps": f"{a} and {b}.", "answer": "7"}
        for a, b, n in pairs
    ]
    lines = [json.dumps(problem) + "\n" for problem in problems]
    (folder / "problems.jsonl").write_text("".join(lines))
    run(command(folder / "demo", "corpus"))


def run(line):
    done = subprocess.run(line, capture_output=True, text=True, env=environment())
    if done.returncode:
        sys.exit(done.stdout[-1000:] + done.stderr[-2000:])
    return done.stdout


def last_step(twin, step):
    """The last training step in the history; 0 without one."""
    path = Path(twin) / step / "history.jsonl"
    records = [] if not path.exists() else path.read_text(encoding="utf-8").splitlines()
    done = [0]
    for line in records:
        try:
            record = json.loads(line)
        except ValueError:
            continue
        if "tokens_s" in record or "memory_gb" in record:
            done.append(record["done"])
    return max(done)


def steps_of(twin, step):
    """{training step: (time, loss)} of the history."""
    lines = (Path(twin) / step / "history.jsonl").read_text(encoding="utf-8").splitlines()
    records = [r for r in map(json.loads, lines) if "tokens_s" in r or "memory_gb" in r]
    return {record["done"]: (record["time"], record.get("loss")) for record in records}


def killed(twin, step, line, kills, rng, loading, training):
    """Kill and start the command again; [(step at a kill, step then gone on from)], kills, and the
    step of the half-written checkpoint that was left.

    `loading` and `training` are the seconds that these take undisturbed.
    """
    found, at, half, count = [], None, 0, 0
    for number in range(kills + 1):
        with open(Path(twin) / "out.txt", "w") as out:
            child = subprocess.Popen(line, stdout=out, stderr=out, env=environment())
            ended = number == kills
            if not ended:
                if number % 5:
                    steps = rng.randint(0, STEPS[step] // 6)
                    reach(child, twin, step, steps)
                    seconds = rng.uniform(0, 2 * training / STEPS[step])
                else:
                    seconds = rng.uniform(0, loading)
                ended = kill(child, seconds)
            code = child.wait()
        went_on = _GOES_ON.search((Path(twin) / "out.txt").read_text())
        if went_on:
            print(f"          gone on from step {went_on[1]}", flush=True)
        if at is not None and (went_on or last_step(twin, step) < at):
            found.append((at, int(went_on[1]) if went_on else 0))
            at = None  # else killed before it had loaded anything: nothing was done twice
        if ended:
            if code:
                sys.exit((Path(twin) / "out.txt").read_text()[-2000:])
            return found, count, half
        at = last_step(twin, step)
        count += 1
        print(f"  kill {number + 1:2}: step {at}, {moment(twin, step)}", flush=True)
        half = half or leave_half(twin, step)


def reach(child, twin, step, steps):
    """Wait until a child that has just started has trained so many steps beyond its first."""
    since, first = time.time(), None
    while child.poll() is None and time.time() - since < 900:
        if moved(twin, step, since):
            done = last_step(twin, step)
            first = done if first is None else first
            if done >= min(first + steps, STEPS[step]):
                return
        time.sleep(0.02)


def kill(child, seconds):
    """Kill the child after so many seconds; returns whether it had ended before."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if child.poll() is not None:
            return True
        time.sleep(0.01)
    child.send_signal(signal.SIGKILL)
    return False


def interval_of(twin, step):
    """Steps between two checkpoints: in step 02 one follows each evaluation."""
    if step == "reasoning":
        return max(1, min(50, STEPS[step] // 4))
    lines = (Path(twin) / step / "history.jsonl").read_text(encoding="utf-8").splitlines()
    at = [record["done"] for record in map(json.loads, lines) if "eval_loss" in record]
    return at[1] - at[0]


def moved(twin, step, since):
    """Whether training has written a record since then."""
    path = Path(twin) / step / "history.jsonl"
    if not path.exists() or path.stat().st_mtime < since:
        return False
    return '"tokens_s"' in (path.read_text(encoding="utf-8").splitlines() or [""])[-1]


def moment(twin, step):
    """What the checkpoints' folder holds."""
    folder = Path(twin) / step / "checkpoints"
    names = sorted(folder.glob("checkpoint-*"), key=lambda p: int(p.name.split("-")[1]))
    whole = [(p / "manifest.json").exists() for p in names]
    texts = [f"{p.name[11:]}{'' if w else ' (half written)'}" for p, w in zip(names, whole)]
    return "checkpoints " + (", ".join(texts) or "none")


def leave_half(twin, step):
    """Leave a newer checkpoint with a cut file and without its manifest; its step or 0."""
    folder = Path(twin) / step / "checkpoints"
    whole = [p for p in folder.glob("checkpoint-*") if (p / "manifest.json").exists()]
    if not whole:
        return 0
    newest = max(whole, key=lambda p: int(p.name.split("-")[1]))
    half = folder / f"checkpoint-{int(newest.name.split('-')[1]) + 1}"
    shutil.copytree(newest, half, dirs_exist_ok=True)
    (half / "manifest.json").unlink()
    weights = half / "adapter_model.safetensors"
    os.truncate(weights, weights.stat().st_size // 2)
    print(f"          left a half-written {half.name}", flush=True)
    return int(half.name.split("-")[1])


def loss_of(twin, step, base):
    """Nats a token of the validation rows' answers by the adapter of a step."""
    from twinlib import Twin
    from twinlib.models import generate, load

    opened = Twin.open(twin, create=False)
    model, tokenizer = load.load(load.prepare(str(base)), opened.adapter(step), "32-bit")
    texts = [row["messages"][-1]["content"] for row in opened.records("val")]
    found = generate.nll(model, tokenizer, texts)
    return sum(nats for nats, _ in found) / sum(tokens for _, tokens in found)


def measure(step, folder, start, kills, seed):
    """Run a step both ways from copies of the twin `start`; the folder of the undisturbed one."""
    whole, broken = (folder / f"{step}-{name}" for name in ("whole", "killed"))
    for twin in (whole, broken):
        shutil.rmtree(twin, ignore_errors=True)
        shutil.copytree(start, twin)
    rest = options_of(step, folder)
    began = time.time()
    run(command(whole, step, *rest))
    times = [at for at, _ in steps_of(whole, step).values()]
    loading, training = times[0] - began, times[-1] - times[0]
    print(
        f"{step}: {time.time() - began:.0f} s undisturbed, {training:.0f} s of them "
        f"{STEPS[step]} steps",
        flush=True,
    )
    line = command(broken, step, *rest)
    found, count, half = killed(broken, step, line, kills, random.Random(seed), loading, training)
    losses = [loss_of(twin, step, folder / "base") for twin in (whole, broken)]
    before = loss_of(start, "persona", folder / "base") if step == "reasoning" else None
    interval = interval_of(whole, step)
    twice = [at - on for at, on in found]
    passed_over = half > 0 and half not in [on for _, on in found]
    off = losses[1] / losses[0] - 1
    print(
        f"{step}: {count} kills, at most {max(twice)} steps done twice (checkpoints every "
        f"{interval}), half-written checkpoint {half} {'passed over' if passed_over else 'USED'}, "
        f"loss of a step {largest_difference(whole, broken, step):.5f} apart at most, "
        f"validation loss {losses[0]:.5f} undisturbed, {losses[1]:.5f} killed ({off:+.3%})"
        + (f", {before:.5f} before the step" if before else ""),
        flush=True,
    )
    ok = count == kills and abs(off) <= TOLERANCE and max(twice) <= interval and passed_over
    print(f"{step}: {'nothing lost' if ok else 'NOT AS IT SHOULD BE'}", flush=True)
    return whole, ok


def largest_difference(one, other, step):
    """Between the losses of the same step of two runs, each of which has every step."""
    first, second = (steps_of(twin, step) for twin in (one, other))
    if first.keys() != second.keys():
        sys.exit(f"steps of one run only: {sorted(first.keys() ^ second.keys())}")
    return max(abs((first[at][1] or 0) - (second[at][1] or 0)) for at in first)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", choices=STEPS)
    parser.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()) / "kills")
    options = parser.parse_args()
    folder, sound = options.folder, []
    if not (folder / "demo" / "corpus" / "report.json").exists():
        prepare(folder)
    persona = folder / "persona-whole"
    if options.only != "reasoning" or not persona.exists():
        persona, ok = measure("persona", folder, folder / "demo", options.kills, options.seed)
        sound.append(ok)
    if options.only != "persona":
        sound.append(measure("reasoning", folder, persona, options.kills, options.seed)[1])
    sys.exit(not all(sound))


if __name__ == "__main__":
    main()
