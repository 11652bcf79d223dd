"""Step 03: GRPO with TRL on problems that have one right answer, continuing a copy of the persona adapter.

Judged by accuracy before and after on the same held-out problems, greedy, with one lenient extractor, paired.
Left out on purpose: reward models, vLLM, and format rewards large enough to be learnt instead of the sum.
"""

import shutil
from dataclasses import asdict
from pathlib import Path

from ..files import TwinError, read_records, write_records
from ..i18n import t
from ..models import estimate, generate
from ..models import plan as hardware
from ..settings import resolve, stop, warning
from ..text import exercises
from ..text.statistics import mcnemar, wilson
from ..twin import Outcome, figure
from . import rewards

FEW_PROBLEMS = 8
SMALL = 1.0  # billions of parameters: below this, GRPO has little to reinforce


def plan(settings, twin):
    return hardware.plan("reasoning", settings, hardware.machine(), {"base": _base_name(twin)})


def _base_name(twin):
    return (
        twin.facts.get("base", {}).get("name") or hardware.recommended_base(hardware.machine())[0]
    )


def problems(settings, twin):
    """What stands in the way: no readable problems, batch sizes that don't divide, a base too small to gain."""
    wanted = resolve(settings, plan(settings, twin).values)
    found = _file_problems(settings) if settings.task == "file" else []
    if wanted.batch % wanted.generations:
        found.append(
            stop(
                "train.answers_once_must_multiple_answers",
                batch=wanted.batch,
                generations=wanted.generations,
            )
        )
    if not hardware.machine()["gpu"] and wanted.engine == "unsloth":
        found.append(stop("train.unsloth_needs_nvidia_gpu_set"))
    if twin.state("persona").name != "done":
        found.append(warning("train.no_fresh_persona_adapter_step"))
    size = estimate.shape(_base_name(twin))
    if size and size.parameters < SMALL:
        found.append(warning("train.base_small_rarely_learns_reason"))
    if wanted.steps < 300:
        found.append(warning("train.steps_show_works_rewards_start", steps=wanted.steps))
    return found


def _file_problems(settings):
    path = Path(settings.problems).expanduser()
    if not settings.problems or not path.is_file():
        return [stop("train.no_problem_file_give_json", problems=settings.problems)]
    readable, refused = exercises.read_problems(path.read_text(encoding="utf-8", errors="replace"))
    found = []
    if len(readable) < FEW_PROBLEMS:
        found.append(
            stop(
                "train.holds_usable_problems_least_each",
                name=path.name,
                readable=len(readable),
                few_problems=FEW_PROBLEMS,
            )
        )
    if refused:
        found.append(
            warning(
                "train.lines_passed_over_first_line",
                refused=len(refused),
                name=path.name,
                refused_2=refused[0][0],
                refused_3=refused[0][1],
            )
        )
    return found


def run(twin, settings, progress):
    from ..models import load
    from . import checkpoints

    checkpoints.hush()
    asked, settings = asdict(settings), resolve(settings, plan(settings, twin).values)
    base = load.prepare(_base_name(twin), progress)
    twin.remember(base={"name": base.name, "revision": base.revision})
    start = twin.adapter("persona") if twin.state("persona").name == "done" else None
    file = [Path(settings.problems).expanduser()] if settings.task == "file" else []
    inputs = twin.inputs(twin.adapter("persona"), *file, base=True)
    checkpoint, settings = checkpoints.resume(
        twin.checkpoints("reasoning"), {"asked": asked, "inputs": inputs}, settings
    )
    train, test = _problems(settings)
    write_records(
        twin.file("problems"),
        [{**p, "split": split} for split, part in (("train", train), ("test", test)) for p in part],
    )
    progress.say(t("train.loading", name=base.name))
    large = hardware.machine()["gpu"] is not None and base.entry.parameters > SMALL
    lora = load.Lora(
        32 if base.entry.parameters < 2.5 else 16, seed=settings.seed, checkpointing=large
    )
    model, tokenizer = load.load(
        base, start, settings.precision, lora, settings.engine, settings.completion_tokens + 512
    )
    tokenizer.eos_token = load.turn_end(tokenizer)[
        0
    ]  # the trainer knows one end: it must be the end of a turn
    tokenizer.padding_side = "left"
    before = _before(twin, settings, model, tokenizer, test, checkpoint, progress)
    trainer, callback = _trainer(twin, settings, large, model, tokenizer, train, progress)
    checkpoints.train(trainer, callback, checkpoint, progress)
    checkpoints.save_adapter(twin, "reasoning", model, base)
    after = _exam(twin, settings, model, tokenizer, test, "after", progress)
    write_records(twin.file("solutions"), before + after)
    shutil.rmtree(twin.checkpoints("reasoning"), ignore_errors=True)
    figures, warnings = _judge(before, after, trainer)
    return Outcome(figures, inputs, warnings, settings)


def _problems(settings):
    """(train, held-out) problems of the chosen task."""
    if settings.task == "decimals":
        pool = exercises.decimals(settings.held_out + max(64, 2 * settings.steps), settings.seed)
        pool = [p for p in pool if p["group"] != exercises.SHOWCASE[0]["group"]]
        train, test = exercises.split_problems(
            pool, settings.held_out - len(exercises.SHOWCASE), settings.seed
        )
        return train, exercises.SHOWCASE + test
    text = Path(settings.problems).expanduser().read_text(encoding="utf-8", errors="replace")
    readable, _ = exercises.read_problems(text)
    if len(readable) < FEW_PROBLEMS:
        raise TwinError(t("train.holds_too_few_usable_problems", problems=settings.problems))
    return exercises.split_problems(
        readable, min(settings.held_out, len(readable) // 2), settings.seed
    )


def _messages(twin, problem):
    system = twin.facts.get("system_prompt")
    opening = [{"role": "system", "content": system}] if system else []
    return opening + [{"role": "user", "content": exercises.ask(problem)}]


def _before(twin, settings, model, tokenizer, test, checkpoint, progress):
    path = twin.file("solutions")
    if checkpoint and path.exists():
        return [r for r in read_records(path, "reasoning") if r["when"] == "before"]
    before = _exam(twin, settings, model, tokenizer, test, "before", progress)
    write_records(path, before)
    return before


def _exam(twin, settings, model, tokenizer, test, when, progress):
    """Answer every held-out problem greedily and mark it."""

    said = t("train.exam_before") if when == "before" else t("train.exam_after")
    answers = generate.answers(
        model.eval(),
        tokenizer,
        [_messages(twin, p) for p in test],
        settings.completion_tokens,
        temperature=0,
        progress=lambda done, total: progress(done, total, said),
    )
    return [
        {
            "when": when,
            "id": p["id"],
            "question": p["question"],
            "answer": p["answer"],
            "text": a.text,
            "ended": a.ended,
            "correct": exercises.is_correct(a.text, p["answer"]),
        }
        for p, a in zip(test, answers)
    ]


def _trainer(twin, settings, large, model, tokenizer, train, progress):
    from datasets import Dataset
    from trl import GRPOConfig, GRPOTrainer

    from ..models import load
    from . import checkpoints

    rows = [{"prompt": _messages(twin, p), "answer": p["answer"]} for p in train]
    arguments = GRPOConfig(
        **checkpoints.common_arguments(settings, twin.checkpoints("reasoning")),
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
        gradient_checkpointing=large and settings.engine != "unsloth",
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
    numbers = {
        "reward": "reward",
        **{name: f"rewards/{name}/mean" for name in rewards.REWARDS},
        "no_signal": "frac_reward_zero_std",
        "clipped": "completions/clipped_ratio",
        "length": "completions/mean_length",
        "entropy": "entropy",
    }
    return trainer, checkpoints.follow(trainer, progress, numbers)


def _for_trl(name):
    """A reward as TRL calls it, with completions as lists of messages; it is logged as rewards/NAME/mean."""

    def reward(completions, answer, **_):
        return rewards.REWARDS[name]([messages[0]["content"] for messages in completions], answer)

    reward.__name__ = name
    return reward


def _judge(before, after, trainer):
    """(figures, warnings): accuracy on the same problems before and after, and what the rewards had to teach."""
    from . import checkpoints

    n = len(after)
    right = {"before": sum(r["correct"] for r in before), "after": sum(r["correct"] for r in after)}
    gain, low, high, p = mcnemar([r["correct"] for r in before], [r["correct"] for r in after])
    figures = {
        f"accuracy_{when}": figure(round(k / n, 4), *_rounded(wilson(k, n)), n)
        for when, k in right.items()
    }
    sure = ("a real change", "确有变化") if p < 0.05 else ("may be chance", "可能只是偶然")
    figures["accuracy_gain"] = figure(
        round(gain, 4),
        *_rounded((low, high)),
        n,
        t("train.same_problems_mcnemars_exact_p", p=p, sure=sure[0], sure_2=sure[1]),
    )
    zero = checkpoints.by_step(trainer.state.log_history, "frac_reward_zero_std")
    idle = sum(zero) / max(1, len(zero))
    figures["no_signal"] = figure(
        round(idle, 3), n=len(zero), note=t("train.share_problems_whose_answers_all")
    )
    figures["steps"] = figure(trainer.state.global_step)
    return figures, _afterthoughts(figures, idle, p)


def _rounded(pair):
    return tuple(None if value is None else round(value, 4) for value in pair)


def _afterthoughts(figures, idle, p):
    gain, warnings = figures["accuracy_gain"]["value"], []
    if p >= 0.05:
        warnings.append(
            t(
                "train.accuracy_went_too_little_tell",
                value=figures["accuracy_before"]["value"],
                value_2=figures["accuracy_after"]["value"],
            )
        )
    elif gain < 0:
        warnings.append(t("train.accuracy_fell_quantize_persona"))
    if idle > 0.5:
        warnings.append(t("train.most_problems_always_right_always"))
    if figures["accuracy_before"]["value"] > 0.85:
        warnings.append(t("train.base_already_good_little_gain"))
    return warnings
