"""Step 02: train a LoRA adapter on the owner's rows, and show what it changed.

Left out on purpose: full fine-tuning, adapters on the embeddings, and loss on prompts.
"""

import contextlib
import os
import shutil
from dataclasses import asdict

from .. import catalogue
from ..files import TwinError, content_id, read_records, write_records
from ..i18n import t
from ..models import estimate, generate
from ..models import plan as hardware
from ..models.encode import encode_row, end_is_learnt, pieces
from ..settings import resolve, stop, warning
from ..text import sufficiency, templates
from ..text.script import tokens_estimate
from ..twin import Outcome, Problem, figure
from .everyday import EVERYDAY

WATCHED = {
    "smoke": 8,
    "quick": 40,
}  # validation rows at most: watching must not cost more than learning
ANSWERS = {
    "smoke": (3, 80),
    "quick": (4, 120),
    "standard": (6, 200),
    "thorough": (8, 250),
}  # how many, tokens


def facts(twin):
    """What the plan needs to know of the training rows: {rows, tokens}, tokens by estimate."""
    try:
        rows = twin.records("train")
    except TwinError:
        return {}
    return (
        {
            "rows": len(rows),
            "tokens": round(
                sum(tokens_estimate(m["content"]) + 6 for row in rows for m in row["messages"])
            ),
        }
        if rows
        else {}
    )


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
        found.append(
            stop(
                "train.needs_about_gb_here_choose",
                base=wanted.base,
                memory_gb=planned.memory_gb,
                room=room,
            )
        )
    if not machine["gpu"] and "unsloth" == wanted.engine:
        found.append(stop("train.unsloth_needs_nvidia_gpu_set"))
    if "unsloth" == wanted.engine and os.environ.get("WORLD_SIZE", "1") != "1":
        found.append(stop("train.unsloth_trains_one_process_here"))
    elif machine["gpus"] > 1 and "WORLD_SIZE" not in os.environ and wanted.engine == "transformers":
        found.append(
            warning("train.machine_gpus_one_used_terminal", gpus=machine["gpus"], path=twin.path)
        )
    compiles = (
        machine["gpu_capability"] >= 8 and machine["compiles"] and wanted.engine == "transformers"
    )
    if wanted.compile and not compiles:
        found.append(stop("train.compiling_layers_needs_engine"))
    elif wanted.checkpointing == "selective" and not wanted.compile:
        found.append(stop("train.selective_checkpointing_needs"))
    if not machine["gpu"] and wanted.precision == "4-bit":
        found.append(stop("train.4_bit_needs_nvidia_gpu"))
    if wanted.epochs > 6:
        found.append(warning("train.times_through_same_text_memorises", epochs=wanted.epochs))
    entry = catalogue.entry(wanted.base)
    if not entry.commercial and entry.parameters:
        found.append(
            warning(
                "train.licence_forbids_commercial_use",
                base=wanted.base,
                license_link=entry.license_link,
            )
        )
    if not machine["gpu"] and planned.seconds > 3600:
        found.append(warning("train.take_about_hours_without_gpu", seconds=planned.seconds / 3600))
    return found + _disk_problems(twin, wanted)


def _corpus_problems(twin):
    state = twin.state("corpus")
    if state.name in ("missing", "broken"):
        return [stop("train.no_training_rows_yet_run")]
    found = []
    if state.name == "stale":
        found.append(warning("train.step_01_older_input_run", why=state.why))
    passages, tokens, documents = (
        state.report.figures.get(name, {}).get("value") or 0
        for name in ("train_passages", "tokens", "documents")
    )
    enough = sufficiency.verdict(passages, tokens, documents, {})
    return found + [Problem(enough.level, " ".join((enough.sentence, *enough.actions)))] * (
        enough.level != "good"
    )


def _disk_problems(twin, wanted):
    size = estimate.shape(wanted.base)
    if size is None:
        return []
    needed = (
        3 * size.layers * size.edges * wanted.rank * 12 / 2**30 + 0.1
    )  # two checkpoints and the adapter
    free = hardware.free_disk(twin.path) / 2**30
    if free >= needed:
        return []
    return [stop("train.disk_gb_free_training_needs", free=free, needed=needed)]


def run(twin, settings, progress):
    from ..models import load
    from . import checkpoints

    checkpoints.hush()
    asked, settings = asdict(settings), resolve(settings, plan(settings, twin).values)
    with checkpoints.main_first():
        base = load.prepare(settings.base, progress)
        twin.remember(base={"name": base.name, "revision": base.revision})
        inputs = twin.inputs(twin.file("train"), twin.file("val"), twin.file("test"), base=True)
        checkpoint, settings = checkpoints.resume(
            twin.checkpoints("persona"), {"asked": asked, "inputs": inputs}, settings
        )
    progress.say(t("train.loading", name=base.name))
    lora = load.Lora(
        settings.rank, checkpointing=settings.checkpointing == "full", seed=settings.seed
    )
    model, tokenizer = load.load(
        base,
        precision=settings.precision,
        lora=lora,
        engine=settings.engine,
        length=settings.length,
    )
    with checkpoints.main_first():  # the base's own answers are written once
        rows, warnings = _rows(twin, settings, base, model, tokenizer, progress)
    samples = _first_samples(
        twin, settings, base, model, tokenizer, rows["train"], checkpoint, progress
    )
    trainer, callback = _trainer(twin, settings, model, tokenizer, rows, progress)
    output = checkpoints.train(trainer, callback, checkpoint, progress)
    checkpoints.wait()
    if checkpoints.is_main():
        checkpoints.save_adapter(twin, "persona", model, base)
        samples += _answers(twin, settings, model, tokenizer, "after", progress)
        write_records(twin.file("samples"), samples)
        shutil.rmtree(twin.checkpoints("persona"), ignore_errors=True)
    figures = _figures(trainer, callback, output, rows, model)
    return Outcome(figures, inputs, warnings + _afterthoughts(figures), settings)


# Rows


def _rows(twin, settings, base, model, tokenizer, progress):
    """({'train': [Encoded], 'val': [Encoded]}, warnings), with the everyday rows of an instruct base in 'train'."""
    from ..models import load

    end_text, end = load.turn_end(tokenizer)
    texts = {split: twin.records(split) for split in ("train", "val")}
    every = -(-len(texts["val"]) // WATCHED.get(settings.effort, 10**9)) or 1
    texts["val"] = texts["val"][::every]  # from all along the held-out documents
    texts["train"] = texts["train"] + _replay(
        twin, settings, base, model, tokenizer, len(texts["train"]), progress
    )

    def encode(row):
        return encode_row(
            row,
            lambda m, generate: load.render(tokenizer, m, generate),
            lambda text: tokenizer(text, add_special_tokens=False)["input_ids"],
            end,
            tokenizer.bos_token_id,
            settings.length,
        )

    rows = {split: [encode(row) for row in texts[split]] for split in texts}
    if not rows["train"]:
        raise TwinError(t("train.no_training_rows_run_step"))
    if all(row.cut for row in rows["train"] if 0 in row.completion_mask[1:]):
        raise TwinError(t("train.every_row_longer_tokens_loses", length=settings.length))
    if not end_is_learnt(rows["train"], end, tokenizer.pad_token_id):
        raise TwinError(t("train.end_turn_learnt_twin_never", end_text=end_text, name=base.name))
    progress.say(
        t("train.rows_learn_every_answer_ends", train=len(rows["train"]), end_text=end_text)
    )
    cut = sum(row.cut for row in rows["train"])
    warnings = (
        [t("train.rows_longer_tokens_lost_their", cut=cut, length=settings.length)] if cut else []
    )
    return rows, warnings


def _replay(twin, settings, base, model, tokenizer, count, progress):
    """The base's own answers to everyday requests, without the twin's system prompt; kept by the base's revision."""
    wanted = min(round(count * settings.replay_share), len(EVERYDAY))
    if not base.entry.instruct or not wanted:
        return []

    path = twin.file("replay")
    kept = (
        [r for r in read_records(path, "persona") if r["revision"] == base.revision]
        if path.exists()
        else []
    )
    done = {record["question"] for record in kept}
    # Both languages in turn, whatever the number.
    half = len(EVERYDAY) // 2
    order = [q for pair in zip(EVERYDAY[:half], EVERYDAY[half:]) for q in pair][:wanted]
    missing = [q for q in order if q not in done]
    if missing:
        progress.say(
            t("train.asking_everyday_questions_forgets", name=base.name, missing=len(missing))
        )
        with model.disable_adapter():
            answers = generate.answers(
                model.eval(),
                tokenizer,
                [[{"role": "user", "content": q}] for q in missing],
                160,
                seed=settings.seed,
                progress=lambda d, n: progress(d, n, t("train.everyday")),
            )
        kept += [
            {
                "id": content_id(q),
                "question": q,
                "text": a.text,
                "ended": a.ended,
                "revision": base.revision,
            }
            for q, a in zip(missing, answers)
        ]
        write_records(path, kept)
    wanted = set(order)
    return [
        {
            "kind": "replay",
            "messages": [
                {"role": "user", "content": r["question"]},
                {"role": "assistant", "content": r["text"]},
            ],
        }
        for r in kept
        if r["ended"] and r["text"] and r["question"] in wanted
    ]


# What people look at


def _first_samples(twin, settings, base, model, tokenizer, rows, checkpoint, progress):
    """The learnt sample and the answers from before training; those of an interrupted run are kept."""
    from . import checkpoints

    path = twin.file("samples")
    if not checkpoints.is_main():
        return []
    if checkpoint and path.exists():
        return [r for r in read_records(path, "persona") if r.get("when") != "after"]
    shown = next((row for row in rows if 0 in row.completion_mask[1:] and not row.cut), rows[0])
    learnt = {
        "kind": "learnt",
        "tokens": pieces(
            shown.input_ids,
            shown.completion_mask,
            lambda ids: tokenizer.decode(ids, skip_special_tokens=False),
        ),
    }
    samples = [learnt] + _answers(twin, settings, model, tokenizer, "before", progress)
    write_records(path, samples)
    return samples


def _answers(twin, settings, model, tokenizer, when, progress):
    """Answers to held-out questions (a new adapter changes nothing, so 'before' is the base)."""

    count, tokens = ANSWERS[settings.effort]
    asked = [row for row in twin.records("test") if row["kind"] == "qa"][:count]
    if not asked:
        return []
    said = (
        t("train.answers_before_training")
        if when == "before"
        else t("train.answers_after_training")
    )
    with _answering(settings, model) as answering:
        answers = generate.answers(
            answering,
            tokenizer,
            [row["messages"][:-1] for row in asked],
            tokens,
            seed=settings.seed,
            progress=lambda done, total: progress(done, total, said),
            **templates.sampling(),
        )
    return [
        {
            "kind": "answer",
            "when": when,
            "question": row["messages"][-2]["content"],
            "text": answer.text,
            "ended": answer.ended,
            "author": row["messages"][-1]["content"],
        }
        for row, answer in zip(asked, answers)
    ]


def _answering(settings, model):
    """A context in which the model answers, also in the middle of training."""
    from . import trainer as lean

    return (
        contextlib.nullcontext(model.eval())
        if settings.engine == "unsloth"
        else lean.answering(model)
    )


# Training


def _trainer(twin, settings, model, tokenizer, rows, progress):
    """(trainer, callback)."""
    from . import checkpoints
    from . import trainer as lean

    at_once = settings.batch * settings.accumulation * checkpoints.processes()
    tokens = sum(len(row.input_ids) for row in rows["train"])
    per_epoch = (
        tokens / settings.length / at_once if settings.packing else len(rows["train"]) / at_once
    )
    # Four times an epoch, four times a run at least; but watching must not cost more than learning.
    every = max(1, -(-settings.steps // 20), min(int(per_epoch / 4), -(-settings.steps // 4)))
    make = checkpoints.unsloth_trainer if settings.engine == "unsloth" else lean.trainer
    trainer = make(model, tokenizer, rows, settings, twin.checkpoints("persona"), every)
    if rows["val"]:
        from transformers import EarlyStoppingCallback

        trainer.add_callback(EarlyStoppingCallback(settings.patience))
    numbers = {"loss": "loss", "eval_loss": "eval_loss", "learning_rate": "learning_rate"}
    sample = _sample(twin, settings, model, tokenizer) if settings.engine != "unsloth" else None
    return trainer, checkpoints.follow(trainer, progress, numbers, sample)


def _sample(twin, settings, model, tokenizer):
    """A function that answers the first held-out question as the model stands: (question, Answer); None without one."""

    asked = next((row for row in twin.records("test") if row["kind"] == "qa"), None)
    if asked is None:
        return None

    def sample():
        with _answering(settings, model) as answering:
            [answer] = generate.answers(
                answering,
                tokenizer,
                [asked["messages"][:-1]],
                ANSWERS[settings.effort][1] // 2,
                seed=settings.seed,
                **templates.sampling(),
            )
        return asked["messages"][-2]["content"], answer

    return sample


def _figures(trainer, callback, output, rows, model):
    import torch

    from . import checkpoints

    state = trainer.state
    losses = checkpoints.by_step(state.log_history, "loss")
    evaluations = [record["eval_loss"] for record in state.log_history if "eval_loss" in record]
    last = losses[-max(1, len(losses) // 4) :]
    seconds = output.metrics.get("train_runtime") or 0
    figures = {
        "train_loss": figure(
            _round(sum(last) / len(last) if last else None),
            n=len(last),
            note=t("train.mean_last_quarter_steps_nats"),
        ),
        "val_loss_before": figure(
            _round(evaluations[0] if evaluations else None), n=len(rows["val"])
        ),
        "val_loss": figure(
            _round(min(evaluations) if evaluations else None),
            n=len(rows["val"]),
            note=t("train.checkpoint_kept"),
        ),
        "steps": figure(state.global_step),
        "rows": figure(len(rows["train"])),
        "parameters_trained": figure(sum(p.numel() for p in model.parameters() if p.requires_grad)),
        "seconds": figure(_round(seconds)),
        "tokens_per_second": figure(
            _round(callback.tokens_per_second()),
            n=state.global_step - callback.first,
            note=t("train.real_tokens_after_first_step"),
        ),
        "end_of_turn_learnt": figure(1, note=t("train.checked_every_row_before_training")),
    }
    if torch.cuda.is_available():
        figures["gpu_memory_gb"] = figure(_round(torch.cuda.max_memory_allocated() / 2**30))
    return figures


def _round(value):
    return None if value is None else round(float(value), 4)


def _afterthoughts(figures):
    before, after = figures["val_loss_before"]["value"], figures["val_loss"]["value"]
    if before is None:
        return [t("train.no_validation_rows_nobody_watched")]
    if after >= before:
        return [t("train.validation_loss_fall_adapter_learnt")]
    return []
