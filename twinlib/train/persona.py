"""Step 02: train a LoRA adapter on the owner's rows, and show what it changed.

Left out on purpose: full fine-tuning, adapters on the embeddings, and loss on prompts.
"""

import contextlib
import os
import shutil
from dataclasses import asdict

from .. import catalogue
from ..models import estimate, plan as hardware
from ..i18n import t
from ..settings import resolve, stop, warning
from ..corpus import sufficiency
from ..text import templates
from ..models.encode import encode_row, end_is_learnt, pieces
from .everyday import EVERYDAY
from ..corpus.passages import tokens_estimate
from ..twin import Outcome, Problem, TwinError, content_id, figure, read_records, write_records

WATCHED = {"smoke": 8, "quick": 40}  # validation rows at most: watching must not cost more than learning
ANSWERS = {"smoke": (3, 80), "quick": (4, 120), "standard": (6, 200), "thorough": (8, 250)}  # how many, tokens


def facts(twin):
    """What the plan needs to know of the training rows: {rows, tokens}, tokens by estimate."""
    try:
        rows = twin.records("train")
    except TwinError:
        return {}
    return {"rows": len(rows), "tokens": round(sum(tokens_estimate(m["content"]) + 6 for row in rows
                                                   for m in row["messages"]))} if rows else {}


def plan(settings, twin):
    return hardware.plan("persona", settings, hardware.machine(), facts(twin))


def problems(settings, twin):
    """What stands in the way of training: no rows, a base that does not fit, no disk, an engine without its GPU."""
    found = _corpus_problems(twin)
    planned = plan(settings, twin)
    wanted = resolve(settings, planned.values)
    machine = hardware.machine()
    room = machine["gpu_gb"] if machine["gpu"] else machine["memory_gb"]
    if not catalogue.possible(wanted.base):
        return found + [Problem("stop", catalogue.unknown(wanted.base))]
    if planned.memory_gb > room and estimate.shape(wanted.base):
        found.append(stop(
            f"{wanted.base} needs about {planned.memory_gb:g} GB here and there are {room:g}. Choose a smaller base.",
            f"{wanted.base} 大约需要 {planned.memory_gb:g} GB，这里只有 {room:g} GB。请选小一点的基础模型。"))
    if not machine["gpu"] and "unsloth" == wanted.engine:
        found.append(stop("Unsloth needs an NVIDIA GPU. Set the engine to auto.", "Unsloth 需要英伟达显卡。请把引擎设为 auto。"))
    if "unsloth" == wanted.engine and os.environ.get("WORLD_SIZE", "1") != "1":
        found.append(stop("Unsloth trains in one process here. Set the engine to transformers, or start without "
                          "accelerate launch.", "Unsloth 在这里只用一个进程训练。请把引擎设为 transformers，或不用 "
                          "accelerate launch 启动。"))
    elif machine["gpus"] > 1 and "WORLD_SIZE" not in os.environ and wanted.engine == "transformers":
        found.append(warning(
            f"This machine has {machine['gpus']} GPUs and one is used. In a terminal: accelerate launch --num_processes "
            f"{machine['gpus']} -m twinlib persona --twin {twin.path}",
            f"这台机器有 {machine['gpus']} 块显卡，现在只用一块。要全部用上，请在终端运行：accelerate launch --num_processes "
            f"{machine['gpus']} -m twinlib persona --twin {twin.path}"))
    compiles = machine["gpu_capability"] >= 8 and machine["compiles"] and wanted.engine == "transformers"
    if wanted.compile and not compiles:
        found.append(stop("Compiling the layers needs the engine transformers, an NVIDIA GPU of 2020 or newer, Triton and "
                          "a C compiler. Set compile to auto.", "编译模型的层需要引擎 transformers、2020 年以后的英伟达显卡、"
                          "Triton 和 C 编译器。请把 compile 设为 auto。"))
    elif wanted.checkpointing == "selective" and not wanted.compile:
        found.append(stop("Selective checkpointing needs compiled layers. Set checkpointing to auto.",
                          "selective 梯度检查点需要编译。请把 checkpointing 设为 auto。"))
    if not machine["gpu"] and wanted.precision == "4-bit":
        found.append(stop("4-bit needs an NVIDIA GPU. Set the precision to auto.", "4 位需要英伟达显卡。请把精度设为 auto。"))
    if wanted.epochs > 6:
        found.append(warning(
            f"{wanted.epochs:g} times through the same text memorises it: half nonsense, half quotes. 2 to 4 is enough.",
            f"同样的文字读 {wanted.epochs:g} 遍就成了死记硬背：一半胡话，一半照抄。2 到 4 遍就够。"))
    entry = catalogue.entry(wanted.base)
    if not entry.commercial and entry.parameters:
        found.append(warning(f"The licence of {wanted.base} forbids commercial use ({entry.license_link}).",
                             f"{wanted.base} 的许可证禁止商业使用（{entry.license_link}）。"))
    if not machine["gpu"] and planned.seconds > 3600:
        found.append(warning(f"This will take about {planned.seconds / 3600:.0f} hours without a GPU. Colab's free GPU "
                             "does it in minutes.", f"没有显卡大约要 {planned.seconds / 3600:.0f} 小时。Colab 的免费显卡几分钟就够。"))
    return found + _disk_problems(twin, wanted)


def _corpus_problems(twin):
    state = twin.state("corpus")
    if state.name in ("missing", "broken"):
        return [stop("There are no training rows yet. Run step 01 (corpus) first.", "还没有训练数据。请先运行第 01 步（corpus）。")]
    found = []
    if state.name == "stale":
        found.append(warning(f"Step 01 is older than its input ({state.why}). Run it again to train on the newest text.",
                             f"第 01 步比输入旧（{state.why}）。想用最新的文字训练，请重新运行它。"))
    passages, tokens, documents = (state.report.figures.get(name, {}).get("value") or 0
                                   for name in ("train_passages", "tokens", "documents"))
    enough = sufficiency.verdict(passages, tokens, documents, {})
    return found + [Problem(enough.level, " ".join((enough.sentence, *enough.actions)))] * (enough.level != "good")


def _disk_problems(twin, wanted):
    size = estimate.shape(wanted.base)
    if size is None:
        return []
    needed = 3 * size.layers * size.edges * wanted.rank * 12 / 2**30 + 0.1  # two checkpoints and the adapter
    free = hardware.free_disk(twin.path) / 2**30
    if free >= needed:
        return []
    return [stop(f"The disk has {free:.1f} GB free and training needs {needed:.1f}. Free some space.",
                 f"磁盘只剩 {free:.1f} GB，训练需要 {needed:.1f} GB。请清理空间。")]


def run(twin, settings, progress):
    from ..models import load
    from . import checkpoints

    checkpoints.hush()
    asked, settings = asdict(settings), resolve(settings, plan(settings, twin).values)
    with checkpoints.main_first():
        base = load.prepare(settings.base, progress)
        twin.remember(base={"name": base.name, "revision": base.revision})
        inputs = twin.inputs(twin.file("train"), twin.file("val"), twin.file("test"), base=True)
        checkpoint, settings = checkpoints.resume(twin.checkpoints("persona"), {"asked": asked, "inputs": inputs}, settings)
    progress.say(t(f"Loading {base.name}.", f"正在加载 {base.name}。"))
    lora = load.Lora(settings.rank, checkpointing=settings.checkpointing == "full", seed=settings.seed)
    model, words = load.load(base, precision=settings.precision, lora=lora, engine=settings.engine,
                               length=settings.length)
    with checkpoints.main_first():  # the base's own answers are written once
        rows, warnings = _rows(twin, settings, base, model, words, progress)
    samples = _first_samples(twin, settings, base, model, words, rows["train"], checkpoint, progress)
    trainer, callback = _trainer(twin, settings, model, words, rows, progress)
    output = checkpoints.train(trainer, callback, checkpoint, progress)
    checkpoints.wait()
    if checkpoints.is_main():
        checkpoints.save_adapter(twin, "persona", model, base)
        samples += _answers(twin, settings, model, words, "after", progress)
        write_records(twin.file("samples"), samples)
        shutil.rmtree(twin.checkpoints("persona"), ignore_errors=True)
    figures = _figures(trainer, callback, output, rows, model)
    return Outcome(figures, inputs, warnings + _afterthoughts(figures), settings)


# Rows


def _rows(twin, settings, base, model, words, progress):
    """({'train': [Encoded], 'val': [Encoded]}, warnings), with the everyday rows of an instruct base in 'train'."""
    from ..models import load

    end_text, end = load.turn_end(words)
    texts = {split: twin.records(split) for split in ("train", "val")}
    every = -(-len(texts["val"]) // WATCHED.get(settings.effort, 10**9)) or 1
    texts["val"] = texts["val"][::every]  # from all along the held-out documents
    texts["train"] = texts["train"] + _replay(twin, settings, base, model, words, len(texts["train"]), progress)

    def encode(row):
        return encode_row(row, lambda m, generate: load.render(words, m, generate),
                          lambda text: words(text, add_special_tokens=False)["input_ids"], end, words.bos_token_id,
                          settings.length)

    rows = {split: [encode(row) for row in texts[split]] for split in texts}
    if not rows["train"]:
        raise TwinError(t("There are no training rows. Run step 01 again with more writing.",
                          "没有训练数据。请用更多的文字重新运行第 01 步。"))
    if all(row.cut for row in rows["train"] if 0 in row.completion_mask[1:]):
        raise TwinError(t(f"Every row is longer than {settings.length} tokens and loses its end: raise the length.",
                          f"每一行都超过 {settings.length} 个 token，结尾全被截掉：请把 length 调大。"))
    if not end_is_learnt(rows["train"], end, words.pad_token_id):
        raise TwinError(t(f"The end of turn {end_text} of {base.name} would not be learnt: the twin would never stop "
                          "talking. Choose another base.",
                          f"{base.name} 的结束符 {end_text} 学不到：分身会说个不停。请换一个基础模型。"))
    progress.say(t(f"{len(rows['train'])} rows to learn from; every answer ends with {end_text}, which is learnt.",
                   f"共 {len(rows['train'])} 行；每个回答都以 {end_text} 结束，它会被学到。"))
    cut = sum(row.cut for row in rows["train"])
    warnings = [t(f"{cut} rows were longer than {settings.length} tokens and lost their end.",
                  f"{cut} 行超过 {settings.length} 个 token，结尾被截掉。")] if cut else []
    return rows, warnings


def _replay(twin, settings, base, model, words, count, progress):
    """The base's own answers to everyday requests, without the twin's system prompt; kept by the base's revision."""
    wanted = min(round(count * settings.replay_share), len(EVERYDAY))
    if not base.entry.instruct or not wanted:
        return []
    from ..models import load

    path = twin.file("replay")
    kept = [r for r in read_records(path, "persona") if r["revision"] == base.revision] if path.exists() else []
    done = {record["question"] for record in kept}
    # Both languages in turn, whatever the number.
    half = len(EVERYDAY) // 2
    order = [q for pair in zip(EVERYDAY[:half], EVERYDAY[half:]) for q in pair][:wanted]
    missing = [q for q in order if q not in done]
    if missing:
        progress.say(t(f"Asking {base.name} {len(missing)} everyday questions, so that it forgets less.",
                       f"先问 {base.name} {len(missing)} 个日常问题，让它少忘一点。"))
        with model.disable_adapter():
            answers = load.generate(model.eval(), words, [[{"role": "user", "content": q}] for q in missing], 160,
                                      seed=settings.seed, progress=lambda d, n: progress(d, n, t("everyday", "日常")))
        kept += [{"id": content_id(q), "question": q, "text": a.text, "ended": a.ended, "revision": base.revision}
                 for q, a in zip(missing, answers)]
        write_records(path, kept)
    wanted = set(order)
    return [{"kind": "replay", "messages": [{"role": "user", "content": r["question"]},
                                            {"role": "assistant", "content": r["text"]}]}
            for r in kept if r["ended"] and r["text"] and r["question"] in wanted]


# What people look at


def _first_samples(twin, settings, base, model, words, rows, checkpoint, progress):
    """The learnt sample and the answers from before training; those of an interrupted run are kept."""
    from . import checkpoints

    path = twin.file("samples")
    if not checkpoints.is_main():
        return []
    if checkpoint and path.exists():
        return [r for r in read_records(path, "persona") if r.get("when") != "after"]
    shown = next((row for row in rows if 0 in row.completion_mask[1:] and not row.cut), rows[0])
    learnt = {"kind": "learnt", "tokens": pieces(shown.input_ids, shown.completion_mask,
                                                 lambda ids: words.decode(ids, skip_special_tokens=False))}
    samples = [learnt] + _answers(twin, settings, model, words, "before", progress)
    write_records(path, samples)
    return samples


def _answers(twin, settings, model, words, when, progress):
    """Answers to held-out questions (a new adapter changes nothing, so 'before' is the base)."""
    from ..models import load

    count, tokens = ANSWERS[settings.effort]
    asked = [row for row in twin.records("test") if row["kind"] == "qa"][:count]
    if not asked:
        return []
    said = t("answers before training", "训练前的回答") if when == "before" else t("answers after training", "训练后的回答")
    with _answering(settings, model) as answering:
        answers = load.generate(answering, words, [row["messages"][:-1] for row in asked], tokens, seed=settings.seed,
                                  progress=lambda done, total: progress(done, total, said), **templates.sampling())
    return [{"kind": "answer", "when": when, "question": row["messages"][-2]["content"], "text": answer.text,
             "ended": answer.ended, "author": row["messages"][-1]["content"]} for row, answer in zip(asked, answers)]


def _answering(settings, model):
    """A context in which the model answers, also in the middle of training."""
    from . import trainer as lean

    return contextlib.nullcontext(model.eval()) if settings.engine == "unsloth" else lean.answering(model)


# Training


def _trainer(twin, settings, model, words, rows, progress):
    """(trainer, callback)."""
    from . import trainer as lean, checkpoints

    at_once = settings.batch * settings.accumulation * checkpoints.processes()
    tokens = sum(len(row.input_ids) for row in rows["train"])
    per_epoch = tokens / settings.length / at_once if settings.packing else len(rows["train"]) / at_once
    # Four times an epoch, four times a run at least; but watching must not cost more than learning.
    every = max(1, -(-settings.steps // 20), min(int(per_epoch / 4), -(-settings.steps // 4)))
    make = checkpoints.unsloth_trainer if settings.engine == "unsloth" else lean.trainer
    trainer = make(model, words, rows, settings, twin.checkpoints("persona"), every)
    if rows["val"]:
        from transformers import EarlyStoppingCallback
        trainer.add_callback(EarlyStoppingCallback(settings.patience))
    numbers = {"loss": "loss", "eval_loss": "eval_loss", "learning_rate": "learning_rate"}
    sample = _sample(twin, settings, model, words) if settings.engine != "unsloth" else None
    return trainer, checkpoints.follow(trainer, progress, numbers, sample)


def _sample(twin, settings, model, words):
    """A function that answers the first held-out question as the model stands: (question, Answer); None without one."""
    from ..models import load

    asked = next((row for row in twin.records("test") if row["kind"] == "qa"), None)
    if asked is None:
        return None

    def sample():
        with _answering(settings, model) as answering:
            [answer] = load.generate(answering, words, [asked["messages"][:-1]], ANSWERS[settings.effort][1] // 2,
                                       seed=settings.seed, **templates.sampling())
        return asked["messages"][-2]["content"], answer
    return sample


def _figures(trainer, callback, output, rows, model):
    import torch

    from . import checkpoints

    state = trainer.state
    losses = checkpoints.by_step(state.log_history, "loss")
    evaluations = [record["eval_loss"] for record in state.log_history if "eval_loss" in record]
    last = losses[-max(1, len(losses) // 4):]
    seconds = output.metrics.get("train_runtime") or 0
    figures = {
        "train_loss": figure(_round(sum(last) / len(last) if last else None), n=len(last), note=t(
            "mean of the last quarter of the steps, nats a token", "最后四分之一步数的平均值，每 token 奈特")),
        "val_loss_before": figure(_round(evaluations[0] if evaluations else None), n=len(rows["val"])),
        "val_loss": figure(_round(min(evaluations) if evaluations else None), n=len(rows["val"]), note=t(
            "the checkpoint that was kept", "保留下来的检查点")),
        "steps": figure(state.global_step),
        "rows": figure(len(rows["train"])),
        "parameters_trained": figure(sum(p.numel() for p in model.parameters() if p.requires_grad)),
        "seconds": figure(_round(seconds)),
        "tokens_per_second": figure(_round(callback.tokens_per_second()), n=state.global_step - callback.first, note=t(
            "real tokens, after the first step", "实际 token，不算第一步")),
        "end_of_turn_learnt": figure(1, note=t("checked on every row before training", "训练前逐行检查")),
    }
    if torch.cuda.is_available():
        figures["gpu_memory_gb"] = figure(_round(torch.cuda.max_memory_allocated() / 2**30))
    return figures


def _round(value):
    return None if value is None else round(float(value), 4)


def _afterthoughts(figures):
    before, after = figures["val_loss_before"]["value"], figures["val_loss"]["value"]
    if before is None:
        return [t("No validation rows: nobody watched for memorising. Add more writing.",
                  "没有验证数据：没法发现死记硬背。请多加一些文字。")]
    if after >= before:
        return [t("Validation loss did not fall: the adapter learnt nothing that carries over. Add writing, or train "
                  "longer.", "验证损失没有下降：没有学到能迁移的东西。请增加文字或训练更久。")]
    return []
