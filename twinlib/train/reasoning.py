"""Step 03: GRPO with TRL on problems that have one right answer, continuing a copy of the persona adapter.

Judged by accuracy before and after on the same held-out problems, greedy, with one lenient extractor, paired.
Left out on purpose: reward models, vLLM, and format rewards large enough to be learnt instead of the sum.
"""

import shutil
from dataclasses import asdict
from pathlib import Path

from ..models import estimate, plan as hardware
from ..i18n import t
from ..settings import resolve, stop, warning
from . import rewards
from ..text.statistics import mcnemar, wilson
from ..twin import Outcome, TwinError, figure, read_records, write_records

FEW_PROBLEMS = 8
SMALL = 1.0  # billions of parameters: below this, GRPO has little to reinforce


def plan(settings, twin):
    return hardware.plan("reasoning", settings, hardware.machine(), {"base": _base_name(twin)})


def _base_name(twin):
    return twin.facts.get("base", {}).get("name") or hardware.recommended_base(hardware.machine())[0]


def problems(settings, twin):
    """What stands in the way: no readable problems, batch sizes that don't divide, a base too small to gain."""
    wanted = resolve(settings, plan(settings, twin).values)
    found = _file_problems(settings) if settings.task == "file" else []
    if wanted.batch % wanted.generations:
        found.append(stop(
            f"Answers at once ({wanted.batch}) must be a multiple of the answers per problem ({wanted.generations}).",
            f"每批回答数（{wanted.batch}）必须是每题作答次数（{wanted.generations}）的倍数。"))
    if not hardware.machine()["gpu"] and wanted.engine == "unsloth":
        found.append(stop("Unsloth needs an NVIDIA GPU. Set the engine to auto.", "Unsloth 需要英伟达显卡。请把引擎设为 auto。"))
    if twin.state("persona").name != "done":
        found.append(warning("There is no fresh persona adapter (step 02): reasoning starts from the base itself.",
                             "没有最新的口吻适配器（第 02 步）：将直接从基础模型开始。"))
    size = estimate.shape(_base_name(twin))
    if size and size.parameters < SMALL:
        found.append(warning("A base this small rarely learns to reason: 1.5 billion parameters or more is where it "
                             "starts. The step runs and reports what it finds.",
                             "这么小的基础模型很难学会推理：15 亿参数以上才开始有效。这一步照样会跑，并如实报告。"))
    if wanted.steps < 300:
        found.append(warning(f"{wanted.steps} steps show that it works; rewards start to rise after about 300.",
                             f"{wanted.steps} 步只能看出跑得通；奖励大约 300 步以后才上升。"))
    return found


def _file_problems(settings):
    path = Path(settings.problems).expanduser()
    if not settings.problems or not path.is_file():
        return [stop(f"There is no problem file '{settings.problems}'. Give a JSON Lines file with question and answer, "
                     "or practise 'decimals'.", f"找不到题目文件“{settings.problems}”。请给一个含 question 和 answer 的 "
                     "JSON Lines 文件，或选 decimals。")]
    readable, refused = rewards.read_problems(path.read_text(encoding="utf-8", errors="replace"))
    found = []
    if len(readable) < FEW_PROBLEMS:
        found.append(stop(f"{path.name} holds {len(readable)} usable problems; {FEW_PROBLEMS} is the least. Each line "
                          'needs {"question": …, "answer": …} with a short final answer.',
                          f"{path.name} 里只有 {len(readable)} 道可用的题，至少要 {FEW_PROBLEMS} 道。每行需要 "
                          '{"question": …, "answer": …}，答案要短。'))
    if refused:
        found.append(warning(f"{len(refused)} lines of {path.name} were passed over, the first is line {refused[0][0]}: "
                             f"{refused[0][1]}.", f"{path.name} 有 {len(refused)} 行被略过，第一处是第 {refused[0][0]} 行。"))
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
    checkpoint, settings = checkpoints.resume(twin.checkpoints("reasoning"), {"asked": asked, "inputs": inputs}, settings)
    train, test = _problems(settings)
    write_records(twin.file("problems"), [{**p, "split": split} for split, part in (("train", train), ("test", test))
                                          for p in part])
    progress.say(t(f"Loading {base.name}.", f"正在加载 {base.name}。"))
    large = hardware.machine()["gpu"] is not None and base.entry.parameters > SMALL
    lora = load.Lora(32 if base.entry.parameters < 2.5 else 16, seed=settings.seed, checkpointing=large)
    model, words = load.load(base, start, settings.precision, lora, settings.engine, settings.completion_tokens + 512)
    words.eos_token = load.turn_end(words)[0]  # the trainer knows one end: it must be the end of a turn
    words.padding_side = "left"
    before = _before(twin, settings, model, words, test, checkpoint, progress)
    trainer, callback = _trainer(twin, settings, large, model, words, train, progress)
    checkpoints.train(trainer, callback, checkpoint, progress)
    checkpoints.save_adapter(twin, "reasoning", model, base)
    after = _exam(twin, settings, model, words, test, "after", progress)
    write_records(twin.file("solutions"), before + after)
    shutil.rmtree(twin.checkpoints("reasoning"), ignore_errors=True)
    figures, warnings = _judge(before, after, trainer)
    return Outcome(figures, inputs, warnings, settings)


def _problems(settings):
    """(train, held-out) problems of the chosen task."""
    if settings.task == "decimals":
        pool = rewards.decimals(settings.held_out + max(64, 2 * settings.steps), settings.seed)
        pool = [p for p in pool if p["group"] != rewards.SHOWCASE[0]["group"]]
        train, test = rewards.split_problems(pool, settings.held_out - len(rewards.SHOWCASE), settings.seed)
        return train, rewards.SHOWCASE + test
    text = Path(settings.problems).expanduser().read_text(encoding="utf-8", errors="replace")
    readable, _ = rewards.read_problems(text)
    if len(readable) < FEW_PROBLEMS:
        raise TwinError(t(f"{settings.problems} holds too few usable problems.", f"{settings.problems} 里可用的题太少。"))
    return rewards.split_problems(readable, min(settings.held_out, len(readable) // 2), settings.seed)


def _messages(twin, problem):
    system = twin.facts.get("system_prompt")
    opening = [{"role": "system", "content": system}] if system else []
    return opening + [{"role": "user", "content": rewards.ask(problem)}]


def _before(twin, settings, model, words, test, checkpoint, progress):
    path = twin.file("solutions")
    if checkpoint and path.exists():
        return [r for r in read_records(path, "reasoning") if r["when"] == "before"]
    before = _exam(twin, settings, model, words, test, "before", progress)
    write_records(path, before)
    return before


def _exam(twin, settings, model, words, test, when, progress):
    """Answer every held-out problem greedily and mark it."""
    from ..models import load

    said = t("exam before", "训练前考试") if when == "before" else t("exam after", "训练后考试")
    answers = load.generate(model.eval(), words, [_messages(twin, p) for p in test], settings.completion_tokens,
                              temperature=0, progress=lambda done, total: progress(done, total, said))
    return [{"when": when, "id": p["id"], "question": p["question"], "answer": p["answer"], "text": a.text,
             "ended": a.ended, "correct": rewards.is_correct(a.text, p["answer"])} for p, a in zip(test, answers)]


def _trainer(twin, settings, large, model, words, train, progress):
    from datasets import Dataset
    from trl import GRPOConfig, GRPOTrainer

    from ..models import load
    from . import checkpoints

    def correctness(completions, answer, **_):
        return rewards.correctness([c[0]["content"] for c in completions], answer)

    def form(completions, **_):
        return rewards.form([c[0]["content"] for c in completions])

    rows = [{"prompt": _messages(twin, p), "answer": p["answer"]} for p in train]
    arguments = GRPOConfig(
        **checkpoints.common_arguments(settings, twin.checkpoints("reasoning")), max_steps=settings.steps,
        num_generations=settings.generations, max_completion_length=settings.completion_tokens, loss_type="dapo",
        beta=0.0, epsilon_high=0.28, scale_rewards="group", temperature=1.0, warmup_steps=max(1, settings.steps // 20),
        save_steps=max(1, min(50, settings.steps // 4)), gradient_checkpointing=large and settings.engine != "unsloth",
        generation_kwargs={"eos_token_id": load.end_tokens(words)}, chat_template_kwargs={"enable_thinking": False})
    trainer = GRPOTrainer(model=model.train(), reward_funcs=[correctness, form], args=arguments,
                          train_dataset=Dataset.from_list(rows), processing_class=words)
    numbers = {"reward": "reward", "correct": "rewards/correctness/mean", "form": "rewards/form/mean",
               "no_signal": "frac_reward_zero_std", "clipped": "completions/clipped_ratio",
               "length": "completions/mean_length", "entropy": "entropy"}
    return trainer, checkpoints.follow(trainer, progress, numbers)


def _judge(before, after, trainer):
    """(figures, warnings): accuracy on the same problems before and after, and what the rewards had to teach."""
    from . import checkpoints

    n = len(after)
    right = {"before": sum(r["correct"] for r in before), "after": sum(r["correct"] for r in after)}
    gain, low, high, p = mcnemar([r["correct"] for r in before], [r["correct"] for r in after])
    figures = {f"accuracy_{when}": figure(round(k / n, 4), *_rounded(wilson(k, n)), n) for when, k in right.items()}
    sure = ("a real change", "确有变化") if p < 0.05 else ("may be chance", "可能只是偶然")
    figures["accuracy_gain"] = figure(round(gain, 4), *_rounded((low, high)), n, t(
        f"the same problems, McNemar's exact p = {p:.2g}: {sure[0]}", f"同一套题，McNemar 精确检验 p = {p:.2g}：{sure[1]}"))
    zero = checkpoints.by_step(trainer.state.log_history, "frac_reward_zero_std")
    idle = sum(zero) / max(1, len(zero))
    figures["no_signal"] = figure(round(idle, 3), n=len(zero), note=t(
        "share of problems whose answers all earned the same: nothing to learn from", "所有回答得分相同的题的比例：学不到东西"))
    figures["steps"] = figure(trainer.state.global_step)
    return figures, _afterthoughts(figures, idle, p)


def _rounded(pair):
    return tuple(None if value is None else round(value, 4) for value in pair)


def _afterthoughts(figures, idle, p):
    gain, warnings = figures["accuracy_gain"]["value"], []
    if p >= 0.05:
        warnings.append(t(
            f"Accuracy went from {figures['accuracy_before']['value']:.0%} to {figures['accuracy_after']['value']:.0%}: "
            "too little to tell from chance on this many problems. Don't claim a gain.",
            f"正确率从 {figures['accuracy_before']['value']:.0%} 到 {figures['accuracy_after']['value']:.0%}："
            "题数不多，分不清是不是偶然。请不要说有提高。"))
    elif gain < 0:
        warnings.append(t("Accuracy fell. Quantize the persona adapter instead: delete the reasoning folder.",
                          "正确率下降了。请改用口吻适配器：删掉 reasoning 文件夹。"))
    if idle > 0.5:
        warnings.append(t("Most problems were always right or always wrong: choose problems the model solves sometimes, "
                          "or a larger base.", "大多数题全对或全错：请选模型时对时错的题，或换大一点的基础模型。"))
    if figures["accuracy_before"]["value"] > 0.85:
        warnings.append(t("The base is already good at this; there is little to gain.", "基础模型本来就会，提升空间很小。"))
    return warnings
