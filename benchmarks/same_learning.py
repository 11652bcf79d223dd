"""Our trainer and plain TRL on real writing, same rows, rate and tokens: the validation loss.

    python benchmarks/same_learning.py TWIN [--base gemma-3-270m] [--epochs 2] [--arms NAME …]
                                       [--gpus 1]

TWIN is a twin whose step 01 has run. Both arms take the same number of rows a step on average, with
LoRA of the same rank and seed, AdamW and a cosine; ours packs, TRL pads. The validation loss,
printed after each quarter, is that of transformers' own forward pass, row by row, for both.
"""

import argparse
import json
import tempfile
from dataclasses import replace

import random_models

ARMS = {
    "ours": "ours, as planned",
    "trl": "TRL + PEFT, not packed",
    "ours-8": "ours, 8 rows a step",
    "trl-8": "TRL + PEFT, 8 rows a step",
}


def encoded(twin, settings, tokenizer):
    from twinlib.models import load
    from twinlib.models.encode import encode_row

    _, end = load.turn_end(tokenizer)

    def encode(row):
        return encode_row(
            row,
            lambda m, generate: load.render(tokenizer, m, generate),
            lambda text: tokenizer(text, add_special_tokens=False)["input_ids"],
            end,
            tokenizer.bos_token_id,
            settings.length,
        )

    return {split: [encode(row) for row in twin.records(split)] for split in ("train", "val")}


def val_loss(model, rows):
    """Nats a learnt token, every row by itself."""
    import torch

    from twinlib.train.trainer import answering

    nats = tokens = 0.0
    with answering(model), torch.no_grad():
        for row in rows:
            ids = torch.tensor([row.input_ids], device=model.device)
            logits = model(input_ids=ids, use_cache=False).logits[0, :-1].float()
            learnt = torch.tensor(row.completion_mask[1:], device=model.device, dtype=torch.bool)
            nats += torch.nn.functional.cross_entropy(
                logits[learnt], ids[0, 1:][learnt], reduction="sum"
            ).item()
            tokens += int(learnt.sum())
    return nats / tokens


def train(arm, path, base, epochs):
    """{before, losses by step, after, steps} of one arm."""
    from transformers import TrainerCallback

    from twinlib import Twin, settings
    from twinlib.models import load, plan
    from twinlib.train.callbacks import silence_logging
    from twinlib.train.trainer import packed_trainer

    silence_logging()
    twin = Twin.open(path, create=False)
    wanted = settings.make(
        "persona",
        base=base,
        engine="transformers",
        effort="standard",
        epochs=epochs,
        rank=16,
        learning_rate=2e-4,
        packing=True,
    )
    train_rows = twin.records("train")
    facts = {
        "rows": len(train_rows),
        "tokens": sum(len(m["content"]) for r in train_rows for m in r["messages"]) * 0.7,
    }
    wanted = settings.resolve(wanted, plan.derive("persona", wanted, plan.machine(), facts).values)
    loaded = load.prepare(base)
    model, tokenizer = load.load(loaded, precision=wanted.precision, lora=load.Lora(wanted.rank))
    rows = encoded(twin, wanted, tokenizer)
    tokens = sum(len(row.input_ids) for row in rows["train"])
    at_once = (
        8 * tokens / len(rows["train"])
        if arm.endswith("-8")
        else wanted.batch * wanted.accumulation * wanted.length
    )
    at_once = max(at_once, wanted.length)
    steps = round(tokens * epochs / at_once)
    if arm.startswith("ours"):
        batch = max(1, round(at_once / wanted.length))
        wanted = replace(
            wanted,
            batch=batch,
            accumulation=1,
            steps=round(tokens * epochs / (0.97 * batch * wanted.length)),
        )
        trainer = packed_trainer(
            model, tokenizer, {"train": rows["train"], "val": []}, wanted, tempfile.mkdtemp(), 10**6
        )
        steps = wanted.steps
    else:
        trainer = _trl(
            model,
            tokenizer,
            rows["train"],
            wanted,
            steps,
            round(at_once / tokens * len(rows["train"])),
        )
    found = {}

    class Watch(TrainerCallback):
        def on_step_end(self, args, state, control, **_):
            if state.global_step % max(1, steps // 4) == 0:
                found[state.global_step] = val_loss(model, rows["val"])

    trainer.add_callback(Watch())
    before = val_loss(model, rows["val"])
    trainer.train()
    return {
        "before": before,
        "losses": found,
        "after": val_loss(model, rows["val"]),
        "steps": steps,
    }


def _trl(model, tokenizer, rows, settings, steps, at_once):
    from datasets import Dataset
    from trl import SFTConfig, SFTTrainer

    from twinlib.train.trainer import common_arguments, evaluation_arguments

    data = Dataset.from_dict(
        {
            "input_ids": [r.input_ids for r in rows],
            "completion_mask": [r.completion_mask for r in rows],
        }
    )
    at_once = max(2, 2 * round(at_once / 2))
    common = {
        **common_arguments(settings, tempfile.mkdtemp()),
        "per_device_train_batch_size": 2,
        **evaluation_arguments(replace(settings, steps=steps), None, 10**6),
    }
    arguments = SFTConfig(
        **common,
        gradient_accumulation_steps=at_once // 2,
        max_length=settings.length,
        packing=False,
        completion_only_loss=True,
        gradient_checkpointing=False,
        dataset_num_proc=None,
    )
    return SFTTrainer(model=model, args=arguments, train_dataset=data, processing_class=tokenizer)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("twin")
    parser.add_argument("--base", default="gemma-3-270m")
    parser.add_argument("--epochs", type=float, default=2)
    parser.add_argument("--arms", nargs="*", default=list(ARMS), choices=ARMS)
    parser.add_argument("--gpus", type=int, default=1)
    parser.add_argument("--limit", type=float, default=600)
    parser.add_argument("--one", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        print(
            "RESULT " + json.dumps(train(options.one, options.twin, options.base, options.epochs)),
            flush=True,
        )
        return
    commands = [
        (
            arm,
            [
                __file__,
                options.twin,
                "--base",
                options.base,
                "--epochs",
                str(options.epochs),
                "--one",
                arm,
            ],
        )
        for arm in options.arms
    ]
    found = {}
    for arm, result, why in random_models.side_by_side(commands, options.gpus, options.limit):
        if result is None:
            print(f"{ARMS[arm]:28} failed: {why[:160]}", flush=True)
            continue
        found[arm] = r = json.loads(result)
        quarters = "  ".join(f"{step}: {value:.4f}" for step, value in r["losses"].items())
        print(
            f"{ARMS[arm]:28} {r['steps']} steps, before {r['before']:.4f}, {quarters},"
            f" after {r['after']:.4f}",
            flush=True,
        )
    for ours, peer in (("ours", "trl"), ("ours-8", "trl-8")):
        if ours in found and peer in found:
            change = found[ours]["after"] / found[peer]["after"] - 1
            print(f"{ARMS[ours]} / {ARMS[peer]}: {change:+.2%}")


if __name__ == "__main__":
    main()
