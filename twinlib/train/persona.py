"""Step 02: train a LoRA adapter on the owner's rows, and show what it changed.

Left out on purpose: full fine-tuning, adapters on the embeddings, and loss on prompts.
"""

import contextlib
import os
from dataclasses import asdict, replace
from functools import partial
from typing import TYPE_CHECKING

from .. import catalogue, i18n
from ..files import Cache, TwinError, content_id, read_records, write_records
from ..i18n import both, t
from ..memory.index import Index
from ..models import estimate, exportable, generate, load, special_tokens
from ..models.encode import end_is_learnt, pieces
from ..models.plan import Plan, derive, fits, four_bits, free_disk, machine, usable
from ..progress import Progress
from ..settings import Persona, resolve, stop, warning
from ..text import sufficiency, templates
from ..text.samples import in_turn
from ..text.script import tokens_estimate
from ..text.spacing import evenly
from ..twin import AUTO, Outcome, Problem, Twin, figure
from . import callbacks, checkpoints, memory_rows, processes
from .trainer import answering, final_loss, packed_trainer, unsloth_trainer
from .training import Training

if TYPE_CHECKING:
    from peft import PeftModel

# Validation rows at most: watching the loss must not take longer than learning.
_VALIDATION_ROWS = {"smoke": 8, "quick": 40}
# (number of sample answers, tokens of each at most)
_ANSWERS = {"smoke": (3, 60), "quick": (4, 120), "standard": (6, 200), "thorough": (8, 250)}
_REPLAY_TOKENS = 160
_REPLAY_ROWS = {"smoke": 16}  # at most: answering takes a CPU as long as learning


def facts(twin: Twin) -> dict:
    """{rows, tokens} of the training rows for the plan, tokens estimated; {} without rows."""
    try:
        rows = twin.records("train")
    except TwinError:
        return {}
    if not rows:
        return {}
    messages = [message["content"] for row in rows for message in row["messages"]]
    return {"rows": len(rows), "tokens": round(sum(tokens_estimate(m) + 6 for m in messages))}


def plan(settings: Persona, twin: Twin) -> Plan:
    """The values for settings on 'auto' on this machine, with reasons.

    A stopped run goes on with its base, whatever is recommended on this machine or by now.
    """
    known = facts(twin)
    if known and settings.memory_rows:
        known["tokens"] += memory_rows.more_tokens(twin, settings.memory_rows)
    return plan_with(settings, twin, known)


def plan_with(settings: Persona, twin: Twin, known: dict) -> Plan:
    """The same for {rows, tokens} that are known."""
    begun = checkpoints.base_begun_with(twin.checkpoints("persona"))
    if settings.base == AUTO and begun:
        planned = derive("persona", replace(settings, base=begun), machine(), known)
        planned.reasons["base"] = t("models.base_of_the_stopped_run")
        return planned
    return derive("persona", settings, machine(), known)


def problems(settings: Persona, twin: Twin) -> list[Problem]:
    """No rows, a base too large, no disk space, an engine or an option that this machine lacks."""
    issues = _corpus_problems(twin)
    planned = plan(settings, twin)
    resolved = resolve(settings, planned.values)
    if not catalogue.possible(resolved.base):
        return [*issues, Problem("stop", catalogue.unknown(resolved.base))]
    if reason := load.unreachable(resolved.base) or exportable.problem(resolved.base):
        issues.append(Problem("stop", reason))
    return [
        *issues,
        *_machine_problems(twin, resolved, planned),
        *_choice_problems(resolved),
        *_time_and_disk_problems(twin, resolved, planned),
        *checkpoints.begins_anew(twin, "persona", settings),
    ]


def _corpus_problems(twin):
    state = twin.state("corpus")
    if state.name in ("missing", "broken"):
        return [stop("train.no_training_rows")]
    issues = []
    if state.name == "stale":
        issues.append(warning("train.corpus_is_stale", why=state.why))
    enough = sufficiency.of_figures(state.report.figures)
    if enough.level != "good":
        issues.append(Problem(enough.level, " ".join((enough.sentence, *enough.actions))))
    return issues


def _machine_problems(twin, resolved, planned):
    host, issues = machine(), []
    ours = resolved.engine == "transformers"
    if not fits(planned, host) and estimate.shape(resolved.base):
        sizes = {"needed": planned.memory_gb, "gb": round(usable(host), 1)}
        issues.append(stop("train.base_too_large", base=resolved.base, **sizes))
    if not host["gpu"] and resolved.engine == "unsloth":
        issues.append(stop("train.unsloth_needs_gpu"))
    if processes.wrong_sharding():
        issues.append(stop("train.wrong_sharding"))
    if estimate.shards() > 1 and resolved.precision == "4-bit":
        issues.append(stop("train.no_4_bit_spread"))
    if resolved.engine == "unsloth" and processes.count() > 1:
        issues.append(stop("train.unsloth_in_one_process"))
    elif host["gpus"] > 1 and "WORLD_SIZE" not in os.environ and ours:
        issues.append(warning("train.unused_gpus", gpus=host["gpus"], path=twin.path))
    if resolved.compile and not (ours and host["compiles"] and host["gpu_capability"] >= 8):
        issues.append(stop("train.compiling_needs_modern_gpu"))
    elif resolved.checkpointing == "selective" and not resolved.compile:
        issues.append(stop("train.selective_needs_compiling"))
    if not four_bits(host) and resolved.precision == "4-bit":
        issues.append(stop("train.4_bit_needs_gpu"))
    if estimate.recurrent(resolved.base):
        wrong = {"engine": "unsloth", "precision": "4-bit", "compile": True}
        found = [name for name, value in wrong.items() if getattr(resolved, name) == value]
        issues += [stop("train.not_for_recurrent", setting=setting) for setting in found]
    return issues


def _choice_problems(resolved):
    issues, entry = [], catalogue.entry(resolved.base)
    if resolved.epochs > 6:
        issues.append(warning("train.too_many_epochs", epochs=resolved.epochs))
    if not entry.commercial and entry.parameters:
        license = {"base": resolved.base, "license_link": entry.license_link}
        issues.append(warning("train.no_commercial_use", **license))
    return issues


def _time_and_disk_problems(twin, resolved, planned):
    issues, shape = [], estimate.shape(resolved.base)
    if not machine()["gpu"] and planned.seconds > 3600:
        issues.append(warning("train.hours_without_gpu", hours=planned.seconds / 3600))
    if shape:
        adapter_and_three_checkpoints = 4 * shape.layers * shape.edges * resolved.rank * 12  # bytes
        needed = adapter_and_three_checkpoints / 2**30 + 0.1
        free = free_disk(twin.path) / 2**30
        if free < needed:
            issues.append(stop("train.disk_full", free=free, needed=needed))
    return issues


def run(twin: Twin, settings: Persona, progress: Progress) -> Outcome:
    """Train and save the persona adapter, with answers from before and after.

    Raises TwinError for rows that can't be trained on, Stopped after an interrupt.
    """
    callbacks.silence_logging()
    # A run is resumed when these are the same, whatever the plan derives now.
    chosen, name = asdict(settings), resolve(settings, plan(settings, twin).values).base
    with processes.main_first():
        base = load.prepare(name, progress)
        settings = replace(settings, base=name)  # whose shape is known once it is here
        settings = resolve(settings, plan(settings, twin).values)
        exportable.check(base.path)
        twin.remember(base={"name": base.name, "revision": base.revision})
        inputs = twin.inputs(twin.file("train"), twin.file("val"), twin.file("test"), base=True)
        checkpoint, settings = checkpoints.resume(
            twin.checkpoints("persona"), {"asked": chosen, "inputs": inputs}, settings
        )
    progress.say(t("train.loading", name=base.name))
    lora = load.Lora(
        settings.rank, checkpointing=settings.checkpointing == "full", seed=settings.seed
    )
    model, tokenizer = load.load(
        base, None, settings.precision, lora, settings.engine, settings.length
    )
    exportable.check_tokenizer(tokenizer, twin.facts.get("system_prompt") or "")
    training = Training(twin, settings, base, model, tokenizer, progress)
    with processes.main_first():  # it writes the base's answers, which the others read
        rows, warnings = _rows(training)
    samples = _samples_before(training, rows["train"], checkpoint)
    trainer, callback = _trainer(training, rows)
    output = callbacks.train(trainer, callback, checkpoint, progress)
    scale_adapter(model, settings.lora_scale)
    val_loss = final_loss(trainer) if rows["val"] else None
    processes.wait()
    checkpoints.save_adapter(twin, "persona", model, base)
    if processes.is_main():
        write_records(twin.file("samples"), samples + _answers(training, "after"))
        checkpoints.forget_rescued(twin, "persona")
    figures = _figures(trainer, callback, output, rows, model, val_loss)
    warnings += [trainer.sentence] * bool(trainer.sentence) + _loss_warnings(figures)
    return Outcome(figures, inputs, warnings, settings)


# Rows


def _rows(training):
    """({'train': [Encoded], 'val': [Encoded]}, warnings); 'train' includes the replay rows."""
    twin, settings, base, _, tokenizer, progress = training
    end_text, end = load.turn_end(tokenizer)
    texts = {split: twin.records(split) for split in ("train", "val")}
    # Evenly, so that all validation documents are represented.
    texts["val"] = evenly(texts["val"], _VALIDATION_ROWS.get(settings.effort, len(texts["val"])))
    if settings.memory_rows:
        note = t("train.looking_up_passages")
        texts["train"] = memory_rows.with_memory(
            texts["train"],
            Index.of(twin, ["train"]),
            settings.memory_rows,
            lambda done, total: progress(done, total, note),
        )
    texts["train"] = texts["train"] + replay_rows(training, len(texts["train"]))

    def encoded(row):
        found = special_tokens.row(tokenizer, row, end, settings.length)
        if "plain" in row and (found is None or found.cut):  # the passages leave no room
            return encoded(row["plain"])
        return found

    rows = {split: [encoded(row) for row in texts[split]] for split in texts}
    if not rows["train"]:
        raise TwinError(t("train.rows_are_empty"))
    too_long = rows["train"].count(None)
    rows = {split: list(filter(None, encoded)) for split, encoded in rows.items()}
    if too_long and not any(0 in row.completion_mask[1:] for row in rows["train"]):
        raise TwinError(t("train.every_row_is_cut", length=settings.length))
    if not end_is_learnt(rows["train"], end, tokenizer.pad_token_id):
        raise TwinError(t("train.end_not_learnt", end_text=end_text, name=base.name))
    progress.say(t("train.rows_and_end_of_turn", rows=len(rows["train"]), end_text=end_text))
    return rows, _said_of_cut(rows["train"], too_long, settings.length)


def _said_of_cut(rows, left_out, length):
    """The warnings that answers or passages are too long to be learnt whole."""
    answers = sum(row.cut and 0 in row.completion_mask[1:] for row in rows)
    passages = sum(row.cut for row in rows) - answers
    warnings = []
    if answers or left_out:
        warnings.append(t("train.rows_cut", cut=answers, left_out=left_out, length=length))
    if passages:
        warnings.append(t("train.passages_cut", cut=passages, length=length))
    return warnings


def everyday_requests() -> list[str]:
    """The requests of data/everyday.yaml, the languages alternating."""
    requests = i18n.data("everyday")
    return [text for pair in zip(*(requests[code] for code in i18n.LANGUAGES)) for text in pair]


def replay_rows(training: Training, count: int) -> list[dict]:
    """Training rows of the base's own answers to everyday requests, so that it forgets less.

    `count` is the number of the owner's rows, of which these are settings.replay_share, with fewer
    at effort smoke. The base is asked without the twin's system prompt; answers are cached on disk
    by revision. [] for a base that is no instruct model.
    """
    twin, settings, base, model, tokenizer, progress = training
    requests = everyday_requests()
    wanted = round(count * settings.replay_share)
    requests = requests[: min(wanted, _REPLAY_ROWS.get(settings.effort, wanted))]
    if not base.entry.instruct or not requests:
        return []
    if estimate.shards() > 1 and not _precision_alone(base):
        progress.say(t("train.no_card_for_everyday", name=base.name))
        return []

    cache = Cache(twin.file("replay"), ("id", "revision"))

    def record(request, answer):
        return {"question": request, "text": answer.text, "ended": answer.ended}

    def ask(missing):
        progress.say(t("train.asking_everyday", name=base.name, missing=len(missing)))

        def keep(i, answer):  # at once, so that a stop loses only what is being answered
            key = {"id": content_id(missing[i]), "revision": base.revision}
            cache.append({**key, **record(missing[i], answer)})

        with _base_alone(training) as model:
            answers = generate.answers(
                model,
                tokenizer,
                [[{"role": "user", "content": request}] for request in missing],
                _REPLAY_TOKENS,
                seed=settings.seed,
                progress=lambda done, total: progress(done, total, t("train.everyday_requests")),
                finished=keep,
            )
        return map(record, missing, answers)

    by_id = {content_id(request): request for request in requests}
    records = cache.fill(by_id, ask, batch=len(by_id), revision=base.revision)
    return [
        {
            "kind": "replay",
            "messages": [
                {"role": "user", "content": record["question"]},
                {"role": "assistant", "content": record["text"]},
            ],
        }
        for record in records
        if record["ended"] and record["text"]
    ]


@contextlib.contextmanager
def _base_alone(training):
    """The base without its adapter, ready to answer.

    Where the weights are to be spread over several processes, another one on this process's GPU.
    """
    base, model = training.base, training.model
    if estimate.shards() == 1:
        with model.disable_adapter():
            yield model.eval()
        return
    yield load.load(base, None, _precision_alone(base), whole=True)[0]


def _precision_alone(base):
    """The precision in which one process's GPU can hold the whole base; None where it can't."""
    shape = estimate.shape(base.path) or estimate.UNKNOWN
    return load.fitting_precision(base, shape.parameters * 1e9)


# Samples for people to read


def _samples_before(training, rows, checkpoint):
    """A decoded training row and answers before training; a resumed run reads its own from disk."""
    path = training.twin.file("samples")
    if not processes.is_main():
        return []
    if checkpoint and path.exists():
        return [r for r in read_records(path, "persona") if r.get("when") != "after"]
    example = next((row for row in rows if 0 in row.completion_mask[1:] and not row.cut), rows[0])
    decode = partial(training.tokenizer.decode, skip_special_tokens=False)
    tokens = pieces(example.input_ids, example.completion_mask, decode)
    samples = [{"kind": "learnt", "tokens": tokens}, *_answers(training, "before")]
    write_records(path, samples)
    return samples


def _held_out_questions(twin):
    return in_turn(twin.records("test"))


def _generate(training, rows, tokens, progress=None):
    """Answers to the questions of `rows`, also in the middle of training."""
    settings, model = training.settings, training.model
    if settings.engine == "unsloth":
        ready = contextlib.nullcontext(model.eval())
    else:
        ready = answering(model)
    with ready as model:
        return generate.answers(
            model,
            training.tokenizer,
            [row["messages"][:-1] for row in rows],
            tokens,
            seed=settings.seed,
            progress=progress,
            **templates.sampling(),
        )


def _answers(training, when):
    """Records of answers to held-out questions, `when` 'before' or 'after' training.

    Before training the adapter is the identity, so these are the base's answers. [] where several
    processes share the weights: one that answers alone would wait for the others.
    """
    count, tokens = _ANSWERS[training.settings.effort]
    rows = _held_out_questions(training.twin)[:count]
    if not rows or estimate.shards() > 1:
        return []
    note = t("train.answers_before") if when == "before" else t("train.answers_after")
    progress = training.progress
    answers = _generate(training, rows, tokens, lambda done, total: progress(done, total, note))
    return [
        {
            "kind": "answer",
            "when": when,
            "question": row["messages"][-2]["content"],
            "text": answer.text,
            "ended": answer.ended,
            "author": row["messages"][-1]["content"],
        }
        for row, answer in zip(rows, answers)
    ]


def _sampler(training):
    """A function that returns the first held-out question and its Answer; None without a question.

    None under Unsloth too, whose model can't answer in the middle of training.
    """
    rows = _held_out_questions(training.twin)[:1]
    if not rows or training.settings.engine == "unsloth":
        return None

    def sample():
        [answer] = _generate(training, rows, _ANSWERS[training.settings.effort][1] // 2)
        return rows[0]["messages"][-2]["content"], answer

    return sample


# Training


def _trainer(training, rows):
    """(trainer, callback)."""
    twin, settings, _, model, tokenizer, progress = training
    tokens = sum(len(row.input_ids) for row in rows["train"])
    sequences = tokens / settings.length if settings.packing else len(rows["train"])
    epoch = sequences / (settings.batch * settings.accumulation * processes.count())  # in steps
    # At least four times an epoch and four times a run, at most twenty times a run.
    every = max(1, -(-settings.steps // 20), min(int(epoch / 4), -(-settings.steps // 4)))
    make = unsloth_trainer if settings.engine == "unsloth" else packed_trainer
    trainer = make(model, tokenizer, rows, settings, twin.checkpoints("persona"), every)
    if rows["val"]:
        trainer.add_callback(callbacks.early_stopping(settings.patience))
    figures = {name: name for name in ("loss", "eval_loss", "learning_rate")}
    # Where several processes share the weights, one that answered alone would wait for the others.
    sampler = _sampler(training) if estimate.shards() == 1 else None
    return trainer, callbacks.attach_callback(trainer, progress, figures, sampler)


def scale_adapter(model: "PeftModel", scale: float) -> None:
    """Multiply what the adapter adds to the base's weights by `scale`.

    Between a base and its fine-tuned model lie models that keep nearly all of what was learnt and
    more of what the base could do: "Robust fine-tuning of zero-shot models" (arXiv 2109.01903).
    """
    import torch

    with torch.no_grad():
        for name, weights in model.named_parameters():
            if ".lora_B." in name:
                weights.mul_(scale)


def _figures(trainer, callback, output, rows, model, val_loss):
    """The report's figures; `val_loss` is that of the saved adapter, None without such rows."""
    import torch

    state = trainer.state
    losses = callbacks.by_step(state.log_history, "loss")
    last = losses[-max(1, len(losses) // 4) :]
    evaluations = [record["eval_loss"] for record in state.log_history if "eval_loss" in record]
    before = evaluations[0] if evaluations else None
    validated = len(rows["val"])
    figures = {
        "train_loss": figure(
            _rounded(sum(last) / len(last) if last else None),
            n=len(last),
            note=both("train.mean_of_last_quarter"),
        ),
        "val_loss_before": figure(_rounded(before), n=validated),
        "val_loss": figure(
            _rounded(val_loss),
            n=validated,
            note=both("train.adapter_as_saved"),
            level=_level(before, val_loss),
        ),
        "steps": figure(state.global_step),
        "rows": figure(len(rows["train"])),
        "parameters_trained": figure(sum(p.numel() for p in model.parameters() if p.requires_grad)),
        "seconds": figure(_rounded(output.metrics.get("train_runtime") or 0)),
        "tokens_per_second": figure(
            _rounded(callback.tokens_per_second()),
            n=state.global_step - callback.first,
            note=both("train.real_tokens"),
        ),
        "end_of_turn_learnt": figure(1, note=both("train.checked_on_every_row")),
    }
    if torch.cuda.is_available():
        figures["gpu_memory_gb"] = figure(_rounded(torch.cuda.max_memory_allocated() / 2**30))
    return figures


def _level(before, after):
    """The level of the validation loss after training; 'unsure' where there are no rows for it."""
    if before is None or after is None:
        return "unsure"
    return "good" if after < before else "bad"


def _rounded(value):
    return None if value is None else round(float(value), 4)


def _loss_warnings(figures):
    """Warnings about a validation loss that is missing or did not fall."""
    before, after = figures["val_loss_before"]["value"], figures["val_loss"]["value"]
    if before is None:
        return [t("train.no_validation_rows")]
    return [t("train.loss_did_not_fall")] if after >= before else []
