"""Step 03: GRPO with TRL on problems with one right answer, from a copy of the persona adapter.

Problems and exams are in problems.py, training in grpo.py, its answers in rollouts.py. It runs in
one process, on one GPU. Left out on purpose: reward models and vLLM.
"""

import shutil
from dataclasses import asdict, replace
from pathlib import Path

from ..files import TwinError, write_json, write_records
from ..i18n import choose, said, t
from ..models import estimate, load
from ..models.plan import Plan, derive, machine, recommended_base
from ..progress import Progress
from ..settings import Reasoning, resolve, stop, stops, warning
from ..twin import AUTO, Outcome, Problem, Twin, figure
from . import callbacks, checkpoints, grpo, probe, processes
from . import problems as exams
from .training import Training

_SMALL = 0.4  # billions of parameters: no smaller base has gained (benchmarks/README.md)


def plan(settings: Reasoning, twin: Twin) -> Plan:
    """The values for settings on 'auto' on this machine, with reasons."""
    return derive("reasoning", settings, machine(), {"base": _base_name(twin)})


def _base_name(twin):
    return twin.facts.get("base", {}).get("name") or recommended_base(machine())[0]


def problems(settings: Reasoning, twin: Twin) -> list[Problem]:
    """No readable problems, batch sizes that don't divide, a base or a run too small to gain."""
    resolved = resolve(settings, plan(settings, twin).values)
    if processes.count() > 1:
        return [stop("train.practice_in_one_process")]
    issues = exams.file_problems(settings)
    issues += [Problem("warning", text) for _, text in corrections(resolved).values()]
    if not machine()["gpu"] and resolved.engine == "unsloth":
        issues.append(stop("train.unsloth_needs_gpu"))
    issues += voice_problems(twin)
    if estimate.recurrent(_base_name(twin)):
        issues.append(stop("train.no_practice_for_recurrent"))
    shape = estimate.shape(_base_name(twin))
    if shape and shape.parameters < _SMALL:
        issues.append(warning("train.base_too_small"))
    if resolved.steps < 50:
        issues.append(warning("train.few_steps", steps=resolved.steps))
    return issues + checkpoints.begins_anew(twin, "reasoning", settings)


def voice_problems(twin: Twin) -> list[Problem]:
    """A stop where the voice can't be practised on; a warning where it is older or not there yet.

    Practice always starts from the persona adapter that is there, also where what it learnt from
    has changed, because the adapter that it makes is the whole twin.
    """
    state = twin.state("persona")
    if not twin.adapter("persona").exists():
        kind = warning if state.name == "missing" else stop
        return [kind("train.no_voice_yet" if state.name == "missing" else "train.voice_is_gone")]
    trained = [name for name in state.report.inputs if name[:5] == "base:"] if state.report else []
    if trained and f"base:{_base_name(twin)}" not in trained:
        names = {"trained": trained[0].removeprefix("base:"), "base": _base_name(twin)}
        return [stop("train.voice_of_another_base", **names)]
    if state.name == "done":
        return []
    return [warning("train.voice_is_older", why=state.why)]


def corrections(settings: Reasoning) -> dict[str, tuple[int, str]]:
    """{setting: (value, sentence)} of what is taken instead; `settings` without 'auto'.

    The answers at once are whole groups: a multiple of the answers per problem.
    """
    groups = max(1, round(settings.batch / settings.generations))
    taken = groups * settings.generations
    if taken == settings.batch:
        return {}
    sizes = {"taken": taken, "generations": settings.generations}
    return {"batch": (taken, t("train.batch_taken_as", **sizes))}


def run(twin: Twin, settings: Reasoning, progress: Progress) -> Outcome:
    """Train and save the reasoning adapter, with an exam before and after.

    Where the probe finds nothing to gain, nothing is practised, and the adapter is a copy of the
    one before. Raises TwinError for too few problems, Stopped after an interrupt.
    """
    chosen = settings
    training, parts, checkpoint, inputs = begin(twin, settings, progress)
    train, test = parts
    found = _probed(training, train, inputs, checkpoint)
    if found:
        training = training._replace(settings=_fitted(chosen, training.settings, found))
        progress.say(choose(probe.said(found)))
    if probe.is_hopeless(found) and not checkpoint:
        checkpoints.save_adapter(twin, "reasoning", training.model, training.base)
        shutil.rmtree(twin.checkpoints("reasoning"), ignore_errors=True)
        twin.file("solutions").unlink(missing_ok=True)
        return Outcome(_probe_figures(found), inputs, [said(probe.said(found))], settings)
    before = exams.before(training, test, checkpoint)
    trainer, callback = grpo.make_trainer(training, train, test, before)
    callbacks.train(trainer, callback, checkpoint, progress)
    checkpoints.save_adapter(twin, "reasoning", training.model, training.base)
    after = exams.exam(training, test, "after", trainer.sampler)
    exams.compare_prose(before, after, train, progress)
    write_records(twin.file("solutions"), before + after)
    checkpoints.forget_rescued(twin, "reasoning")
    figures, warnings = exams.judge(before, after, trainer)
    settings = replace(training.settings, batch=_as_typed(chosen.batch, training.settings.batch))
    warnings += trainer.warnings + [trainer.sentence] * bool(trainer.sentence)
    return Outcome({**figures, **_probe_figures(found)}, inputs, warnings, settings)


def _as_typed(typed, taken):
    """What a report keeps: another value than the typed one would make it stale."""
    return taken if typed == AUTO else typed


def begin(twin: Twin, settings: Reasoning, progress: Progress, is_run: bool = True) -> tuple:
    """(Training, (train, test), checkpoint or None, inputs): all that a run or a probe needs.

    Without `is_run` nothing in the twin's folder changes, and a stopped run can be continued.
    """
    callbacks.silence_logging()
    # A run is resumed when these are the same, whatever the plan derives now.
    chosen, settings = asdict(settings), resolve(settings, plan(settings, twin).values)
    settings = replace(settings, **{k: value for k, (value, _) in corrections(settings).items()})
    base = load.prepare(_base_name(twin), progress)
    twin.remember(base={"name": base.name, "revision": base.revision})
    if stopping := stops(voice_problems(twin)):
        raise TwinError(stopping[0].text)
    start = twin.adapter("persona") if twin.adapter("persona").exists() else None
    own = settings.problems and settings.task not in ("decimals", "procedural")
    file = [Path(settings.problems).expanduser()] if own else []
    inputs = twin.inputs(twin.adapter("persona"), *file, base=True)
    checkpoint = None
    if is_run:
        checkpoint, settings = checkpoints.resume(
            twin.checkpoints("reasoning"), {"asked": chosen, "inputs": inputs}, settings
        )
    train, test = exams.train_and_test(settings)
    if is_run:
        parts = (("train", train), ("test", test))
        records = [{**problem, "split": split} for split, part in parts for problem in part]
        write_records(twin.file("problems"), records)
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
    return training, (train, test), checkpoint, inputs


def _probed(training, train, inputs, checkpoint):
    """The probe of this run, None without one; a resumed run takes the one it began with."""
    twin, found, of = training.twin, None, probe.asked_for(training.settings, inputs)
    if checkpoint:
        return probe.kept(twin, of) if training.settings.probe else None
    if training.settings.probe:
        found = probe.run(training, train, of)
    write_json(twin.file("marks"), probe.marks(found))
    return found


def _fitted(chosen, settings, found):
    """The settings with answers as long as the probe's right ones, unless the owner typed it."""
    tokens = found.get("completion_tokens")
    if chosen.completion_tokens != AUTO or not tokens:
        return settings
    return replace(settings, completion_tokens=min(settings.completion_tokens, tokens))


def _probe_figures(found):
    if not found or not found["problems"]:
        return {}
    n = len(found["problems"])
    bounds = (round(found[f"pass_at_8_{end}"], 4) for end in ("low", "high"))
    return {
        "pass_at_1": figure(found["pass_at_1"], n=n),
        "pass_at_8": figure(found["pass_at_8"], *bounds, n),
    }
