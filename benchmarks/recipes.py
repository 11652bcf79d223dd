"""Training recipes side by side: the same passages, questions and measures, several seeds each.

    python benchmarks/recipes.py OUT --source FOLDER --author NAME [--base NAME] [--arms NAME …]
                                     [--seeds 3] [--jobs 1] [--minutes 0] [--keep]
                                     [--corpus NAME=VALUE …] [--settings NAME=VALUE …] [--table]

The corpus step runs once, in OUT/corpus, and asks its questions with the base. Each arm and seed
then trains a twin of its own in OUT/ARM-SEED by the persona step and is measured by the evaluate
step; all are asked the same held-out questions. A finished run is not repeated, so a stopped
benchmark goes on where it was. `--jobs` runs side by side, spread over the GPUs; after `--minutes`
no further run starts. Prints a table of the mean over the seeds and their range; `--table` only
that, from the runs that are there.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from twinlib import Twin, settings
from twinlib.__main__ import main as main_of_twinlib

EFFORT = "standard"
QUESTIONS, ANSWER_TOKENS, PICKS = 48, 160, 50
ESSAYS = 30  # that the arm 'essays' learns by heart: all of them would take hours
# How people begin; a twin that knows who it is names its author.
INTRODUCTIONS = {
    "zh": ("你是谁？", "你好，请问你是？", "能介绍一下自己吗？"),
    "en": ("Who are you?", "Hello! And you are?", "Can you introduce yourself?"),
}
FIGURES = (
    "answers_the_question",
    "makes_sense",
    "sounds_like_me",
    "prediction_gain",
    "pick_my_reply",
    "copied",
    "nonsense",
    "forgetting",
    "told_apart",
    "membership",
)
ENDED, NAMED = "ended by itself", "names its author"


class Arm(NamedTuple):
    """One recipe.

    `rows` changes the training rows, a list of records, with the passages at hand; `settings` are
    persona settings other than the planned ones, `evaluate` those of the evaluation; `trainer` are
    other arguments of the trainer, `alpha` is LoRA's alpha divided by the rank. `seeds` limits how
    often an arm runs that takes as long as ten others.
    """

    label: str
    rows: Callable = lambda rows, twin: rows
    settings: dict = {}
    rate: float = 1.0  # times the planned learning rate
    evaluate: dict = {}
    trainer: dict = {}
    alpha: float = 2.0
    seeds: int = 99


def _without(*kinds):
    return lambda rows, twin: [row for row in rows if row["kind"] not in kinds]


def _asked_by_titles(rows, twin):
    """The rows of a corpus step without a model, whose questions come from titles and terms."""
    titles = Twin(twin.path.parent / "corpus-titles")
    return [row for split in {row["split"] for row in rows} for row in titles.records(split)]


def _whole_essays(rows, twin):
    """A row for each training document: its title asks, its whole text answers."""
    train = {p["document"] for p in twin.records("passages") if p["split"] == "train"}
    essays = [
        {
            "id": document["id"],
            "passage": "",
            "kind": "qa",
            "split": "train",
            "source": "title",
            "messages": [
                {"role": "user", "content": document["title"] or document["text"][:20]},
                {"role": "assistant", "content": document["text"]},
            ],
        }
        for document in twin.records("documents")
        if document["id"] in train
    ]
    return essays[:ESSAYS]


ARMS = {
    "ours": Arm("ours"),
    "no-replay": Arm("ours, no replay rows", settings={"replay_share": 0.0}),
    "no-raw": Arm("ours, no raw rows", _without("raw")),
    "no-identity": Arm("ours, no identity rows", _without("identity")),
    "titles": Arm("ours, asked by titles", _asked_by_titles),
    "half-rate": Arm("ours, half the learning rate", rate=0.5),
    "double-rate": Arm("ours, twice the learning rate", rate=2.0),
    "quarter-rate": Arm("ours, a quarter of the learning rate", rate=0.25),
    "scale-0.5": Arm("ours, LoRA scale 0.5", settings={"lora_scale": 0.5}),
    "scale-1": Arm("ours, LoRA scale 1", settings={"lora_scale": 1.0}),
    "cool": Arm("ours, answering at temperature 0.4", evaluate={"temperature": 0.4}, seeds=2),
    "memory-rows-0.25": Arm("ours, memory rows 0.25", settings={"memory_rows": 0.25}),
    "memory-rows-0.5": Arm("ours, memory rows 0.5", settings={"memory_rows": 0.5}),
    "half-epochs": Arm("ours, half the epochs", settings={"epochs": 2.0}),
    "essays": Arm(
        f"{ESSAYS} whole essays under their titles, 100 epochs",
        _whole_essays,
        {"epochs": 100.0, "rank": 16, "learning_rate": 2e-4, "replay_share": 0.0, "length": 2048},
        trainer={"lr_scheduler_type": "linear", "weight_decay": 0.01},
        alpha=1.0,
        seeds=1,
    ),
    "unsloth": Arm(
        "Unsloth's notebook settings on our rows",
        settings={
            "rank": 16,
            "learning_rate": 2e-4,
            "replay_share": 0.0,
            "packing": False,
            "batch": 8,
            "accumulation": 1,
        },
        trainer={"lr_scheduler_type": "linear", "weight_decay": 0.001, "warmup_steps": 5},
        alpha=1.0,
    ),
}


# One run, in a process of its own


def run(folder: Path, name: str, options: argparse.Namespace) -> None:
    """Train and measure one arm; the twin's folder keeps its reports and answers."""
    from twinlib.files import read_records, write_json, write_records
    from twinlib.train import persona

    arm, base, seed, smoke = ARMS[name], options.base, options.seed, options.smoke
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(options.out / "corpus", folder)
    twin = Twin(folder)
    for split in ("train", "val"):
        changed = arm.rows(twin.records(split), twin)
        write_records(twin.file(split), changed if name != "essays" or split == "train" else [])
    _patch(arm)
    _leave_out_samples()
    wanted = {"base": base, "effort": "smoke" if smoke else EFFORT, "seed": seed}
    wanted |= {"compile": False, **arm.settings, **dict(map(_pair, options.settings))}
    if arm.rate != 1.0:
        planned = persona.plan(settings.make("persona", **wanted), twin)
        wanted["learning_rate"] = planned.values["learning_rate"] * arm.rate
    _step("persona", twin, **wanted)
    asked = {"effort": "smoke"} if smoke else {"effort": EFFORT, "questions": QUESTIONS}
    asked |= {"answer_tokens": ANSWER_TOKENS, "picks": PICKS, **arm.evaluate}
    _step("evaluate", twin, **asked)
    trained, measured = twin.report("persona"), twin.report("evaluate")
    answers = [a for a in read_records(twin.file("answers"), "evaluate") if a["row"] == "twin"]
    figures = {**measured.figures, **{f"train.{k}": v for k, v in trained.figures.items()}}
    figures[ENDED] = {"value": sum(a["ended"] for a in answers) / len(answers)}
    introductions = _introduce(twin, base)
    named = [twin.author.lower() in answer.lower() for _, answer in introductions]
    figures[NAMED] = {"value": sum(named) / len(named)}
    result = {
        "arm": name,
        "seed": seed,
        "base": base,
        "author": twin.author,
        "seconds": round(trained.finished - trained.started),
        "settings": trained.settings,
        "figures": figures,
        "introductions": introductions,
    }
    write_json(folder / "result.json", result)
    if not options.keep:
        shutil.rmtree(twin.adapter("persona"), ignore_errors=True)


def _pair(text):
    name, _, value = text.partition("=")
    return name, value


def _step(step, twin, **settings):
    """Run one step as its command does."""
    options = [f"--{name.replace('_', '-')}={value}" for name, value in settings.items()]
    if main_of_twinlib([step, "--twin", str(twin.path), *options]):
        raise SystemExit(f"{step} failed")


def _patch(arm):
    """Let the trainer and LoRA have the arm's arguments where no setting names them."""
    import peft

    from twinlib.train import trainer

    config, common, evaluation = (
        peft.LoraConfig,
        trainer.common_arguments,
        trainer.evaluation_arguments,
    )
    peft.LoraConfig = lambda r, lora_alpha, **rest: config(
        r=r, lora_alpha=round(arm.alpha * r), **rest
    )
    later = {"warmup_steps"}
    first = {k: v for k, v in arm.trainer.items() if k not in later}
    second = {k: v for k, v in arm.trainer.items() if k in later}
    trainer.common_arguments = lambda *a: {**common(*a), **first}
    trainer.evaluation_arguments = lambda *a: {**evaluation(*a), **second}


def _leave_out_samples():
    """Write no answers while training, and ask only what the figures of the table need."""
    from twinlib.evaluate import step as evaluate
    from twinlib.train import persona

    persona._sampler = lambda training: None
    persona._ANSWERS = dict.fromkeys(persona._ANSWERS, (1, 16))
    evaluate._MAX_FACTS = 0
    evaluate._unwritten = lambda *_: []


def _introduce(twin, base):
    """[(question, answer)] to who the twin is."""
    from twinlib.models import generate, load

    prepared = load.prepare(base)
    model, tokenizer = load.load(prepared, twin.adapter("persona"))
    system = {"role": "system", "content": twin.facts["system_prompt"]}
    questions = [q for language in twin.facts["languages"] for q in INTRODUCTIONS[language] * 3]
    answers = generate.answers(
        model, tokenizer, [[system, {"role": "user", "content": q}] for q in questions], 80
    )
    return [(question, answer.text) for question, answer in zip(questions, answers)]


# All runs


def prepare(arguments: argparse.Namespace) -> None:
    """Make the twins OUT/corpus and OUT/corpus-titles, by questions of the base and by titles.

    What the base says in training and evaluation is the same in all runs, so it is asked once: a
    run of one step leaves its answers in OUT/corpus.
    """
    out = arguments.out
    wanted = {"source": arguments.source, "author": arguments.author, "consent": "yes"}
    wanted |= dict(map(_pair, arguments.corpus))
    for name, questions in (("corpus", "local"), ("corpus-titles", "titles")):
        twin = Twin.open(out / name)
        if not twin.file("train").exists():
            twin.remember(base={"name": arguments.base})
            _step("corpus", twin, **wanted, questions=questions)
    first = out / "first-0"
    if not (first / "result.json").exists():
        process, *_ = _start(arguments, "ours", 0, 0, first, ["steps=1"])
        process.wait()
        for key in ("replay", "answers", "scores"):
            made, kept = Twin(first).file(key), Twin(out / "corpus").file(key)
            if made.exists():
                kept.parent.mkdir(exist_ok=True)
                shutil.copy(made, kept)


def run_all(arguments) -> None:
    """Start the missing runs, so many at a time, each on the next GPU."""
    prepare(arguments)
    waiting = [
        (name, seed)
        for seed in range(1, arguments.seeds + 1)
        for name in sorted(arguments.arms, key=lambda name: name != "essays")  # the longest first
        if seed <= ARMS[name].seeds
        and not (arguments.out / f"{name}-{seed}" / "result.json").exists()
    ]
    running, began, started = [], time.time(), 0
    while waiting or running:
        late = arguments.minutes and time.time() - began > 60 * arguments.minutes
        while waiting and len(running) < arguments.jobs and not late:
            name, seed = waiting.pop(0)
            folder = arguments.out / f"{name}-{seed}"
            running.append(_start(arguments, name, seed, started, folder, []))
            started += 1
        if late:
            waiting = []
        for process, name, seed, log in list(running):
            if process.poll() is not None:
                running.remove((process, name, seed, log))
                word = "done" if process.returncode == 0 else f"failed, see {log.name}"
                print(f"{time.time() - began:5.0f} s  {name}-{seed}: {word}", flush=True)
        time.sleep(0.5)


def _start(arguments, name, seed, number, folder, settings):
    command = [sys.executable, __file__, str(arguments.out), "--one", name, "--seed", str(seed)]
    command += ["--base", arguments.base, "--into", str(folder)] + ["--smoke"] * arguments.smoke
    command += ["--keep"] * arguments.keep
    command += ["--settings", *arguments.settings, *settings]
    environment = {**os.environ, "OMP_NUM_THREADS": os.environ.get("OMP_NUM_THREADS", "2")}
    if arguments.gpus:
        environment["CUDA_VISIBLE_DEVICES"] = str(number % arguments.gpus)
    log = folder.with_suffix(".log").open("w")
    return subprocess.Popen(command, stdout=log, stderr=log, env=environment), name, seed, log


# The table


def table(out: Path) -> str:
    """Mean and range over the seeds of each figure, one line an arm, as Markdown."""
    by_arm = {}
    for path in sorted(out.glob("*-[1-9]/result.json")):
        result = json.loads(path.read_text())
        by_arm.setdefault(result["arm"], []).append(result["figures"])
    names = [*FIGURES, ENDED, NAMED]
    names = [n for n in names if any(n in f for runs in by_arm.values() for f in runs)]
    lines = ["| recipe | runs | " + " | ".join(names) + " |", "|---" * (len(names) + 2) + "|"]
    for arm in [name for name in ARMS if name in by_arm]:
        cells = [_cell([run.get(name, {}).get("value") for run in by_arm[arm]]) for name in names]
        lines.append(f"| {ARMS[arm].label} | {len(by_arm[arm])} | " + " | ".join(cells) + " |")
    every = [run for runs in by_arm.values() for run in runs]
    for variant in ("base", "prompt"):
        values = [
            [run.get(f"{name}.{variant}", {}).get("value") for run in every] for name in names
        ]
        lines.append(f"| {variant} | {len(every)} | " + " | ".join(map(_cell, values)) + " |")
    return "\n".join(lines)


def _cell(values):
    known = [value for value in values if value is not None]
    if not known:
        return "—"
    mean = sum(known) / len(known)
    if max(known) - min(known) < 0.005:
        return f"{mean:.2f}"
    return f"{mean:.2f} ({min(known):.2f}–{max(known):.2f})"


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("out", type=Path)
    parser.add_argument("--source", default="")
    parser.add_argument("--author", default="")
    parser.add_argument("--base", default="qwen2.5-coder-0.5b-instruct")
    parser.add_argument("--arms", nargs="+", choices=ARMS, default=list(ARMS))
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--minutes", type=float, default=0.0)
    parser.add_argument("--table", action="store_true")
    parser.add_argument(
        "--keep", action="store_true", help="keep the adapters, for memory_training.py"
    )
    parser.add_argument("--smoke", action="store_true", help="minutes, to try the benchmark itself")
    parser.add_argument(
        "--corpus", nargs="*", default=[], help="NAME=VALUE: settings of the corpus step"
    )
    parser.add_argument(
        "--settings", nargs="*", default=[], help="NAME=VALUE: persona settings of every arm"
    )
    parser.add_argument("--one", choices=ARMS, help=argparse.SUPPRESS)
    parser.add_argument("--into", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--seed", type=int, default=1, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.one:
        return run(arguments.into, arguments.one, arguments)
    if not arguments.table:
        import torch

        arguments.gpus = torch.cuda.device_count()
        run_all(arguments)
    print(table(arguments.out))


if __name__ == "__main__":
    main()
