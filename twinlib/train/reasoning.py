"""Step 03: GRPO with TRL on problems with one right answer, from a copy of the persona adapter.

Measured by accuracy on the same held-out problems before and after, by greedy answers, one lenient
extractor and a paired test. Left out on purpose: reward models, vLLM, and format rewards large
enough to be learnt instead of the sum.
"""

import shutil
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from ..files import TwinError, read_records, write_records
from ..i18n import both, t
from ..models import estimate, generate, letters, load
from ..models.plan import Plan, derive, machine, recommended_base
from ..progress import Progress
from ..settings import Reasoning, resolve, stop, warning
from ..text import exercises
from ..text.statistics import mcnemar, wilson
from ..twin import Outcome, Problem, Twin, figure
from . import callbacks, checkpoints, rewards
from .persona import Training
from .trainer import common_arguments

if TYPE_CHECKING:
    from transformers import Trainer

_FEWEST_PROBLEMS = 8
_SMALL = 1.0  # billions of parameters: below this, GRPO has little to reinforce


def plan(settings: Reasoning, twin: Twin) -> Plan:
    """The values for settings on 'auto' on this machine, with reasons."""
    return derive("reasoning", settings, machine(), {"base": _base_name(twin)})


def _base_name(twin):
    return twin.facts.get("base", {}).get("name") or recommended_base(machine())[0]


def problems(settings: Reasoning, twin: Twin) -> list[Problem]:
    """No readable problems, batch sizes that don't divide, a base or a run too small to gain."""
    resolved = resolve(settings, plan(settings, twin).values)
    issues = _file_problems(settings) if settings.task == "file" else []
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


def _file_problems(settings):
    path = Path(settings.problems).expanduser()
    if not settings.problems or not path.is_file():
        return [stop("train.no_problem_file", problems=settings.problems)]
    readable, refused = exercises.read_problems(path.read_text(encoding="utf-8", errors="replace"))
    issues = []
    if len(readable) < _FEWEST_PROBLEMS:
        counts = {"readable": len(readable), "fewest": _FEWEST_PROBLEMS}
        issues.append(stop("train.few_problems", name=path.name, **counts))
    if refused:
        line, reason = refused[0]
        first = {"line": line, "reason": both(reason)}
        issues.append(warning("train.lines_skipped", count=len(refused), name=path.name, **first))
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
    train, test = _train_and_test(settings)
    write_records(
        twin.file("problems"),
        [{**p, "split": split} for split, part in (("train", train), ("test", test)) for p in part],
    )
    progress.say(t("train.loading", name=base.name))
    rank = 32 if base.entry.parameters < 2.5 else 16
    lora = load.Lora(rank, checkpointing=_recomputes(base), seed=settings.seed)
    model, tokenizer = load.load(
        base, start, settings.precision, lora, settings.engine, settings.completion_tokens + 512
    )
    # GRPOTrainer looks for one end token: it must be the one that ends a turn.
    tokenizer.eos_token = load.turn_end(tokenizer)[0]
    tokenizer.padding_side = "left"
    training = Training(twin, settings, base, model, tokenizer, progress)
    before = _before(training, test, checkpoint)
    trainer, callback = _trainer(training, train)
    callbacks.train(trainer, callback, checkpoint, progress)
    checkpoints.save_adapter(twin, "reasoning", model, base)
    after = _exam(training, test, "after")
    write_records(twin.file("solutions"), before + after)
    shutil.rmtree(twin.checkpoints("reasoning"), ignore_errors=True)
    figures, warnings = judge(before, after, trainer)
    return Outcome(figures, inputs, warnings, settings)


def _recomputes(base):
    """Whether to recompute activations in the backward pass, which saves memory."""
    return machine()["gpu"] is not None and base.entry.parameters > _SMALL


# Problems


def _train_and_test(settings):
    """(train, held-out) problems of the chosen task."""
    if settings.task == "decimals":
        pool = exercises.decimals(settings.held_out + max(64, 2 * settings.steps), settings.seed)
        pool = [p for p in pool if p["group"] != exercises.SHOWCASE[0]["group"]]
        held_out = settings.held_out - len(exercises.SHOWCASE)
        train, test = exercises.split_problems(pool, held_out, settings.seed)
        return train, exercises.SHOWCASE + test
    text = Path(settings.problems).expanduser().read_text(encoding="utf-8", errors="replace")
    readable, _ = exercises.read_problems(text)
    if len(readable) < _FEWEST_PROBLEMS:
        raise TwinError(t("train.file_has_few_problems", problems=settings.problems))
    held_out = min(settings.held_out, len(readable) // 2)
    return exercises.split_problems(readable, held_out, settings.seed)


def _messages(twin, problem):
    system = twin.facts.get("system_prompt")
    opening = [{"role": "system", "content": system}] if system else []
    return opening + [{"role": "user", "content": exercises.ask(problem)}]


# Exams


def _before(training, test, checkpoint):
    """The exam before training; a resumed run reads it from disk."""
    path = training.twin.file("solutions")
    if checkpoint and path.exists():
        return [r for r in read_records(path, "reasoning") if r["when"] == "before"]
    before = _exam(training, test, "before")
    write_records(path, before)
    return before


def _exam(training, test, when):
    """Records of every held-out problem, answered greedily and marked."""
    twin, settings, _, model, tokenizer, progress = training
    note = t("train.exam_before") if when == "before" else t("train.exam_after")
    answers = generate.answers(
        model.eval(),
        tokenizer,
        [_messages(twin, problem) for problem in test],
        settings.completion_tokens,
        temperature=0,
        progress=lambda done, total: progress(done, total, note),
    )
    return [
        {
            "when": when,
            "id": problem["id"],
            "question": problem["question"],
            "answer": problem["answer"],
            "text": answer.text,
            "ended": answer.ended,
            "correct": exercises.is_correct(answer.text, problem["answer"]),
        }
        for problem, answer in zip(test, answers)
    ]


# Training


def _trainer(training, problems):
    """(trainer, callback)."""
    from datasets import Dataset
    from trl import GRPOConfig, GRPOTrainer

    twin, settings, base, model, tokenizer, progress = training
    # TRL's tokenizer would take a control token that a question spells for one.
    usable = [p for p in problems if not letters.has_controls(tokenizer, exercises.ask(p))]
    if left_out := len(problems) - len(usable):
        progress.say(t("train.problems_with_control_tokens", left_out=left_out))
    rows = [{"prompt": _messages(twin, p), "answer": p["answer"]} for p in usable]
    arguments = GRPOConfig(
        **common_arguments(settings, twin.checkpoints("reasoning")),
        max_steps=settings.steps,
        num_generations=settings.generations,
        max_completion_length=settings.completion_tokens,
        loss_type="dapo",
        beta=0.0,
        epsilon_high=0.28,
        scale_rewards="group",
        temperature=1.0,
        warmup_steps=max(1, settings.steps // 20),
        save_steps=max(1, min(50, settings.steps // 4)),
        gradient_checkpointing=_recomputes(base) and settings.engine != "unsloth",
        generation_kwargs={"eos_token_id": load.end_tokens(tokenizer)},
        chat_template_kwargs={"enable_thinking": False},
    )
    trainer = GRPOTrainer(
        model=model.train(),
        reward_funcs=[_for_trl(name) for name in rewards.REWARDS],
        args=arguments,
        train_dataset=Dataset.from_list(rows),
        processing_class=tokenizer,
    )
    figures = {
        "reward": "reward",
        **{name: f"rewards/{name}/mean" for name in rewards.REWARDS},
        "no_signal": "frac_reward_zero_std",
        "clipped": "completions/clipped_ratio",
        "length": "completions/mean_length",
        "entropy": "entropy",
    }
    return trainer, callbacks.attach_callback(trainer, progress, figures)


def _for_trl(name):
    """A reward as TRL calls it, on lists of messages; TRL logs it as rewards/NAME/mean."""

    def reward(completions, answer, **_):
        return rewards.REWARDS[name]([messages[0]["content"] for messages in completions], answer)

    reward.__name__ = name
    return reward


# Figures


def judge(before: list[dict], after: list[dict], trainer: "Trainer") -> tuple[dict, list[str]]:
    """(figures, warnings): accuracy on the same problems before and after, and learning signal."""
    n = len(after)
    figures = {}
    for when, solutions in (("before", before), ("after", after)):
        right = sum(solution["correct"] for solution in solutions)
        low_high = _rounded(wilson(right, n))
        figures[f"accuracy_{when}"] = figure(round(right / n, 4), *low_high, n)
    gain, low, high, p = mcnemar([r["correct"] for r in before], [r["correct"] for r in after])
    key = "train.gain_is_real" if p < 0.05 else "train.gain_may_be_chance"
    note = both(key, p=p)
    level = "unsure" if p >= 0.05 else "good" if gain > 0 else "bad"
    figures["accuracy_gain"] = figure(round(gain, 4), *_rounded((low, high)), n, note, level)
    shares = callbacks.by_step(trainer.state.log_history, "frac_reward_zero_std")
    no_signal = sum(shares) / max(1, len(shares))
    note = both("train.no_signal_note")
    figures["no_signal"] = figure(round(no_signal, 3), n=len(shares), note=note)
    figures["steps"] = figure(trainer.state.global_step)
    return figures, _warnings(figures, no_signal, p)


def _rounded(pair):
    return tuple(None if value is None else round(value, 4) for value in pair)


def _warnings(figures, no_signal, p):
    names = ("accuracy_before", "accuracy_after", "accuracy_gain")
    before, after, gain = (figures[name]["value"] for name in names)
    warnings = []
    if p >= 0.05:
        warnings.append(t("train.accuracy_unchanged", before=before, after=after))
    elif gain < 0:
        warnings.append(t("train.accuracy_fell"))
    if no_signal > 0.5:
        warnings.append(t("train.mostly_no_signal"))
    if before > 0.85:
        warnings.append(t("train.base_already_good"))
    return warnings
