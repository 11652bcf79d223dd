"""What practice costs the voice, by how much it is held: twins before and after step 03.

    python benchmarks/kept_voice.py OUT RUN [--weights 0 0.3 1 3] [--seeds 1] [--steps 0]
                                            [--jobs 1] [--table] [--smoke]

RUN is a finished twin of `recipes.py … --keep`, such as OUT/ours-1, with its score card. For each
weight (the setting keep_voice of step 03) and seed a copy practises comparing decimals on RUN's
adapter and is measured as RUN was: problems right before and after, answers_the_question,
sounds_like_me, prediction_gain, picks, broken answers. `--jobs` runs side by side, spread over the
GPUs. A finished run is not repeated; `--table` prints those that are there.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import recipes

from twinlib import Twin
from twinlib.files import write_json

FIGURES = (
    "answers_the_question",
    "sounds_like_me",
    "prediction_gain",
    "pick_my_reply",
    "copied",
    "nonsense",
    "forgetting",
)
KEPT = FIGURES[:3]  # that may fall by LOSS of their size at most
LOSS = 0.05
EXAM = "accuracy_before", "accuracy_after"


def run(folder, options):
    """Practise on a copy of RUN's adapter and measure it, in a process of its own."""
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(options.run, folder)
    twin = Twin(folder)
    recipes._leave_out_samples()
    wanted = {"task": "decimals", "keep_voice": options.weight, "seed": options.seed, "probe": 0}
    if options.smoke:
        wanted |= {"effort": "smoke", "steps": 2}
    elif options.steps:
        wanted |= {"effort": "standard", "held_out": 400, "steps": options.steps}
    else:
        wanted |= {"effort": "standard", "held_out": 400}
    recipes._step("reasoning", twin, **wanted)
    asked = Twin(options.run).report("evaluate").settings
    names = ("effort", "questions", "answer_tokens", "picks")
    recipes._step("evaluate", twin, **{name: asked[name] for name in names})
    practised, measured = twin.report("reasoning"), twin.report("evaluate")
    figures = {**measured.figures, **{name: practised.figures[name] for name in EXAM}}
    seconds = round(practised.finished - practised.started)
    result = {"weight": options.weight, "seed": options.seed, "figures": figures}
    write_json(folder / "kept.json", {**result, "seconds": seconds})


def run_all(options):
    """Start the missing runs, so many at a time, each on the next GPU."""
    import torch

    options.out.mkdir(parents=True, exist_ok=True)
    gpus, running, began, number = torch.cuda.device_count(), {}, time.time(), 0
    waiting = [(w, s) for s in range(1, options.seeds + 1) for w in options.weights]
    while waiting or running:
        while waiting and len(running) < options.jobs:
            weight, seed = waiting.pop(0)
            folder = options.out / f"voice-{weight:g}-{seed}"
            if (folder / "kept.json").exists():
                continue
            command = [sys.executable, __file__, str(options.out), str(options.run), "--one"]
            command += ["--weight", str(weight), "--seed", str(seed), "--steps", str(options.steps)]
            command += ["--smoke"] * options.smoke
            environment = dict(os.environ)
            if gpus:
                environment["CUDA_VISIBLE_DEVICES"] = str(number % gpus)
            number += 1
            with (options.out / f"{folder.name}.log").open("w") as log:
                running[folder] = subprocess.Popen(command, stdout=log, stderr=log, env=environment)
        for folder, process in list(running.items()):
            if process.poll() is not None:
                del running[folder]
                word = "done" if process.returncode == 0 else "failed, see its .log"
                print(f"{time.time() - began:5.0f} s  {folder.name}: {word}", flush=True)
        time.sleep(0.5)


def table(options):
    """One line a run, as Markdown; what fell by more than LOSS is marked."""
    before = Twin(options.run).report("evaluate").figures
    head = ["held by", "seed", "right before", "right after", *FIGURES]
    lines = ["| " + " | ".join(head) + " |", "|---" * len(head) + "|"]
    values = [_value(before, name) for name in FIGURES]
    lines.append("| before practice | | | | " + " | ".join(map(_number, values)) + " |")
    for path in sorted(options.out.glob("voice-*/kept.json")):
        result = json.loads(path.read_text(encoding="utf-8"))
        found = result["figures"]
        cells = [f"{result['weight']:g}", str(result["seed"])]
        cells += [f"{_value(found, name):.1%}" for name in EXAM]
        for name, old in zip(FIGURES, values):
            new = _value(found, name)
            lost = name in KEPT and old and new is not None and new < old * (1 - LOSS)
            cells.append(_number(new) + (f" ({new / old - 1:+.0%})" if lost else ""))
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def _value(figures, name):
    return figures.get(name, {}).get("value")


def _number(value):
    return "–" if value is None else f"{value:.3f}"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("out", type=Path)
    parser.add_argument("run", type=Path)
    parser.add_argument("--weights", type=float, nargs="+", default=[0.0, 0.3, 1.0, 3.0])
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--steps", type=int, default=0)
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--table", action="store_true")
    parser.add_argument("--smoke", action="store_true", help="to try the benchmark itself")
    parser.add_argument("--one", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--weight", type=float, help=argparse.SUPPRESS)
    parser.add_argument("--seed", type=int, default=1, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        return run(options.out / f"voice-{options.weight:g}-{options.seed}", options)
    if not options.table:
        run_all(options)
    print(table(options))


if __name__ == "__main__":
    main()
