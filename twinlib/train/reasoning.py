"""Step 03: GRPO with TRL on problems with one right answer, from a copy of the persona adapter.

Problems and exams are in problems.py, training in grpo.py, its answers in rollouts.py. Left out on
purpose: reward models, vLLM, and format rewards large enough to be learnt instead of the sum.
"""

import shutil
from dataclasses import asdict
from pathlib import Path

from ..files import write_records
from ..i18n import t
from ..models import estimate, load
from ..models.plan import Plan, derive, machine, recommended_base
from ..progress import Progress
from ..settings import Reasoning, resolve, stop, warning
from ..twin import Outcome, Problem, Twin
from . import callbacks, checkpoints, grpo
from . import problems as exams
from .persona import Training

_SMALL = 1.0  # billions of parameters: below this, GRPO has little to reinforce


def plan(settings: Reasoning, twin: Twin) -> Plan:
    """The values for settings on 'auto' on this machine, with reasons."""
    return derive("reasoning", settings, machine(), {"base": _base_name(twin)})


def _base_name(twin):
    return twin.facts.get("base", {}).get("name") or recommended_base(machine())[0]


def problems(settings: Reasoning, twin: Twin) -> list[Problem]:
    """No readable problems, batch sizes that don't divide, a base or a run too small to gain."""
    resolved = resolve(settings, plan(settings, twin).values)
    issues = exams.file_problems(settings) if settings.task == "file" else []
    if resolved.batch % resolved.generations:
        sizes = {"batch": resolved.batch, "generations": resolved.generations}
        issues.append(stop("train.batch_is_no_multiple", **sizes))
    if not machine()["gpu"] and resolved.engine == "unsloth":
        issues.append(stop("train.unsloth_needs_gpu"))
    if twin.state("persona").name != "done":
        issues.append(warning("train.no_persona_adapter"))
    shape = estimate.shape(_base_name(twin))
    if shape and shape.parameters < _SMALL:
        issues.append(warning("train.base_too_small"))
    if resolved.steps < 300:
        issues.append(warning("train.few_steps", steps=resolved.steps))
    return issues


def run(twin: Twin, settings: Reasoning, progress: Progress) -> Outcome:
    """Train and save the reasoning adapter, with an exam before and after.

    Raises TwinError for too few problems, Stopped after an interrupt.
    """
    callbacks.silence_logging()
    # A run is resumed when these are the same, whatever the plan derives now.
    chosen, settings = asdict(settings), resolve(settings, plan(settings, twin).values)
    base = load.prepare(_base_name(twin), progress)
    twin.remember(base={"name": base.name, "revision": base.revision})
    start = twin.adapter("persona") if twin.state("persona").name == "done" else None
    file = [Path(settings.problems).expanduser()] if settings.task == "file" else []
    inputs = twin.inputs(twin.adapter("persona"), *file, base=True)
    checkpoint, settings = checkpoints.resume(
        twin.checkpoints("reasoning"), {"asked": chosen, "inputs": inputs}, settings
    )
    train, test = exams.train_and_test(settings)
    write_records(
        twin.file("problems"),
        [{**p, "split": split} for split, part in (("train", train), ("test", test)) for p in part],
    )
    progress.say(t("train.loading", name=base.name))
    rank = 32 if base.entry.parameters < 2.5 else 16
    _, checkpointing = grpo.learning(settings, base)
    lora = load.Lora(rank, checkpointing=checkpointing == "full", seed=settings.seed)
    model, tokenizer = load.load(
        base, start, settings.precision, lora, settings.engine, settings.completion_tokens + 512
    )
    # GRPOTrainer looks for one end token: it must be the one that ends a turn.
    tokenizer.eos_token = load.turn_end(tokenizer)[0]
    tokenizer.padding_side = "left"
    training = Training(twin, settings, base, model, tokenizer, progress)
    before = exams.before(training, test, checkpoint)
    trainer, callback = grpo.make_trainer(training, train, test, before)
    callbacks.train(trainer, callback, checkpoint, progress)
    checkpoints.save_adapter(twin, "reasoning", model, base)
    after = exams.exam(training, test, "after", trainer.sampler)
    write_records(twin.file("solutions"), before + after)
    shutil.rmtree(twin.checkpoints("reasoning"), ignore_errors=True)
    figures, warnings = exams.judge(before, after, trainer)
    return Outcome(figures, inputs, warnings + trainer.warnings, settings)
