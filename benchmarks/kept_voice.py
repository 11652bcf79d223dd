"""What practice costs the voice, by how much it is held: twins before and after step 03.

    python benchmarks/kept_voice.py OUT RUN [--weights 0 0.3 1 3] [--seeds 1] [--steps 0]
                                            [--samples 8] [--keep]
                                            [--jobs 1] [--table] [--smoke]

RUN is a finished twin of `recipes.py … --keep`, such as OUT/ours-1, with its score card. For each
weight (the setting keep_voice of step 03) and seed a copy practises comparing decimals on RUN's
adapter and is measured as RUN was: problems right before and after, answers_the_question,
sounds_like_me, prediction_gain, picks, broken answers. Since the two figures on answers differ from
one drawing of them to the next, each question is answered `--samples` times, before practice and
after, and their means are shown. `--jobs` runs side by side, spread over the GPUs. A finished run
is not repeated; `--table` prints those that are there; adapters are removed without --keep.
"""

import argparse
import dataclasses
import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import recipes

from twinlib import Twin, settings
from twinlib.evaluate import figures as card
from twinlib.evaluate import step as evaluate
from twinlib.evaluate.outputs import Outputs
from twinlib.files import write_json
from twinlib.models import load

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
DRAWN = FIGURES[:2]  # that depend on which answers are drawn
BEFORE = "before"  # folder of the twin that doesn't practise
LOSS = 0.05
EXAM = "accuracy_before", "accuracy_after"


def run(folder, options):
    """Practise on a copy of RUN's adapter and measure it, in a process of its own."""
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(options.run, folder)
    twin = Twin(folder)
    result = {"weight": options.weight, "seed": options.seed, "figures": {}}
    if folder.name != BEFORE:
        result["figures"], result["seconds"] = practised(twin, options)
    result["figures"] |= twin.report("evaluate").figures
    result["drawn"] = drawn(twin, options.samples)
    write_json(folder / "kept.json", result)
    if not options.keep:
        shutil.rmtree(twin.adapter("reasoning"), ignore_errors=True)
        shutil.rmtree(twin.adapter("persona"), ignore_errors=True)


def practised(twin, options):
    """(accuracies before and after, seconds) of step 03; leaves the score card of the new twin."""
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
    report = twin.report("reasoning")
    return {name: report.figures[name] for name in EXAM}, round(report.finished - report.started)


def drawn(twin, samples):
    """{figure: [its value for each of so many drawings of the twin's answers]}."""
    chosen = settings.make("evaluate", **twin.report("evaluate").settings)
    sample = evaluate.draw(twin, chosen)
    outputs = Outputs(twin, chosen, lambda *_, **__: None)
    base = load.prepare(twin.facts["base"]["name"])
    outputs.use(base, twin.newest_adapter()[1], evaluate._precision(twin))
    answers = {name: outputs.answers(name, turns) for name, turns in sample.conversations.items()}
    values = {name: [] for name in DRAWN}
    for number in range(samples):
        outputs.settings = dataclasses.replace(chosen, seed=chosen.seed + number)
        answers["twin"] = outputs.answers("twin", sample.conversations["twin"])
        asked = {n: evaluate._with_questions(sample, n, found) for n, found in answers.items()}
        models = ({}, ((), ()), {}, outputs.embedder())
        evidence = card.Evidence(twin, outputs.settings, sample, asked, *models)
        found = card._answers_the_question(evidence) | card._sounds_like_me(evidence)
        for name in DRAWN:
            values[name].append(found[name]["value"])
    return values


def run_all(options):
    """Start the missing runs, so many at a time, each on the next GPU."""
    import torch

    options.out.mkdir(parents=True, exist_ok=True)
    gpus, running, began, number = torch.cuda.device_count(), {}, time.time(), 0
    waiting = [(w, s) for s in range(1, options.seeds + 1) for w in options.weights]
    waiting.append((0.0, 0))
    while waiting or running:
        while waiting and len(running) < options.jobs:
            weight, seed = waiting.pop(0)
            folder = _folder(options, weight, seed)
            if (folder / "kept.json").exists():
                continue
            command = [sys.executable, __file__, str(options.out), str(options.run), "--one"]
            command += ["--weight", str(weight), "--seed", str(seed), "--steps", str(options.steps)]
            command += ["--samples", str(options.samples), *["--smoke"] * options.smoke]
            command += ["--keep"] * options.keep
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


def _folder(options, weight, seed):
    """Of a run; seed 0 is the twin before practice."""
    return options.out / (f"voice-{weight:g}-{seed}" if seed else BEFORE)


def table(options):
    """One line a run, as Markdown; what fell by more than LOSS is marked."""
    head = ["held by", "seed", "right before", "right after", *FIGURES]
    lines = ["| " + " | ".join(head) + " |", "|---" * len(head) + "|"]
    path = options.out / BEFORE / "kept.json"
    old = _values(path) if path.exists() else dict.fromkeys(FIGURES)
    lines.append("| before practice | | | | " + " | ".join(map(_number, old.values())) + " |")
    for path in sorted(options.out.glob("voice-*/kept.json")):
        result = json.loads(path.read_text(encoding="utf-8"))
        cells = [f"{result['weight']:g}", str(result["seed"])]
        cells += [f"{result['figures'][name]['value']:.1%}" for name in EXAM]
        for name, new in _values(path).items():
            lost = name in KEPT and old[name] and new is not None and new < old[name] * (1 - LOSS)
            cells.append(_number(new) + (f" ({new / old[name] - 1:+.0%})" if lost else ""))
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def _values(path):
    """{figure: value} of a run, of those that are drawn the mean."""
    result = json.loads(path.read_text(encoding="utf-8"))
    values = {name: result["figures"].get(name, {}).get("value") for name in FIGURES}
    for name, drawings in result["drawn"].items():
        known = [value for value in drawings if value is not None]
        values[name] = sum(known) / len(known) if known else None
    return values


def _number(value):
    return "–" if value is None else f"{value:.3f}"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("out", type=Path)
    parser.add_argument("run", type=Path)
    parser.add_argument("--weights", type=float, nargs="+", default=[0.0, 0.3, 1.0, 3.0])
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--steps", type=int, default=0)
    parser.add_argument("--samples", type=int, default=8)
    parser.add_argument("--keep", action="store_true", help="keep the adapters")
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--table", action="store_true")
    parser.add_argument("--smoke", action="store_true", help="to try the benchmark itself")
    parser.add_argument("--one", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--weight", type=float, help=argparse.SUPPRESS)
    parser.add_argument("--seed", type=int, default=1, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        return run(_folder(options, options.weight, options.seed), options)
    if not options.table:
        run_all(options)
    print(table(options))


if __name__ == "__main__":
    main()
