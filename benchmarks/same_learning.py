"""The validation loss of our trainer and plain TRL on real writing, with the same rows and tokens.

    python benchmarks/same_learning.py TWIN [--base qwen2.5-coder-0.5b-instruct] [--epochs 2]
                                       [--arms NAME …] [--gpus 1]

TWIN is a twin whose step 01 has run. Both arms take the same number of rows a step on average, with
LoRA of the same rank and seed, AdamW, the same learning rate and a cosine schedule; ours packs
rows, TRL pads them. The validation loss, printed after each quarter of the steps, is computed by
transformers' own forward pass, row by row, for both.
"""

import argparse
import sys
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
    from twinlib.models import load, special_tokens

    _, end = load.turn_end(tokenizer)

    def encode(rows):
        return [special_tokens.row(tokenizer, row, end, settings.length) for row in rows]

    return {split: list(filter(None, encode(twin.records(split)))) for split in ("train", "val")}


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
    """{before, losses: by step, after, steps} of one arm: validation losses in nats a token."""
    from transformers import TrainerCallback

    from twinlib import Twin, settings
    from twinlib.models import load, plan
    from twinlib.train.callbacks import silence_logging
    from twinlib.train.trainer import packed_trainer

    silence_logging()
    twin = Twin.open(path, create=False)
    typed = {"epochs": epochs, "rank": 16, "learning_rate": 2e-4, "packing": True}
    chosen = settings.make("persona", base=base, engine="transformers", effort="standard", **typed)
    train_rows = twin.records("train")
    characters = sum(len(m["content"]) for row in train_rows for m in row["messages"])
    facts = {"rows": len(train_rows), "tokens": characters * 0.7}
    chosen = settings.resolve(chosen, plan.derive("persona", chosen, plan.machine(), facts).values)
    loaded = load.prepare(base)
    model, tokenizer = load.load(loaded, precision=chosen.precision, lora=load.Lora(chosen.rank))
    rows = encoded(twin, chosen, tokenizer)
    tokens = sum(len(row.input_ids) for row in rows["train"])
    step_tokens = chosen.batch * chosen.accumulation * chosen.length
    if arm.endswith("-8"):
        step_tokens = 8 * tokens / len(rows["train"])
    step_tokens = max(step_tokens, chosen.length)
    steps = round(tokens * epochs / step_tokens)
    if arm.startswith("ours"):
        batch = max(1, round(step_tokens / chosen.length))
        steps = round(tokens * epochs / (0.97 * batch * chosen.length))
        chosen = replace(chosen, batch=batch, accumulation=1, steps=steps)
        data, folder = {"train": rows["train"], "val": []}, tempfile.mkdtemp()
        trainer = packed_trainer(model, tokenizer, data, chosen, folder, 10**6)
    else:
        step_rows = round(step_tokens / tokens * len(rows["train"]))
        trainer = _trl(model, tokenizer, rows["train"], chosen, steps, step_rows)
    losses = {}

    class Watch(TrainerCallback):
        def on_step_end(self, args, state, control, **_):
            if state.global_step % max(1, steps // 4) == 0:
                losses[state.global_step] = val_loss(model, rows["val"])

    trainer.add_callback(Watch())
    before = val_loss(model, rows["val"])
    trainer.train()
    after = val_loss(model, rows["val"])
    return {"before": before, "losses": losses, "after": after, "steps": steps}


def _trl(model, tokenizer, rows, settings, steps, step_rows):
    from datasets import Dataset
    from trl import SFTConfig, SFTTrainer

    from twinlib.train.trainer import common_arguments, evaluation_arguments

    data = Dataset.from_dict(
        {
            "input_ids": [r.input_ids for r in rows],
            "completion_mask": [r.completion_mask for r in rows],
        }
    )
    accumulation = max(1, round(step_rows / 2))
    common = {
        **common_arguments(settings, tempfile.mkdtemp(), model),
        "per_device_train_batch_size": 2,
        **evaluation_arguments(replace(settings, steps=steps), None, 10**6),
    }
    arguments = SFTConfig(
        **common,
        gradient_accumulation_steps=accumulation,
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
    parser.add_argument("--base", default="qwen2.5-coder-0.5b-instruct")
    parser.add_argument("--epochs", type=float, default=2)
    parser.add_argument("--arms", nargs="*", default=list(ARMS), choices=ARMS)
    parser.add_argument("--gpus", type=int, default=1)
    parser.add_argument("--limit", type=float, default=600)
    parser.add_argument("--one", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        random_models.send(train(options.one, options.twin, options.base, options.epochs))
        return
    command = [__file__, *sys.argv[1:], "--one"]
    commands = [(arm, [*command, arm]) for arm in options.arms]
    losses = {}
    for arm, r, error in random_models.side_by_side(commands, options.gpus, options.limit):
        if r is None:
            print(f"{ARMS[arm]:28} failed: {error[:160]}", flush=True)
            continue
        losses[arm] = r["after"]
        quarters = "  ".join(f"{step}: {value:.4f}" for step, value in r["losses"].items())
        print(
            f"{ARMS[arm]:28} {r['steps']} steps, before {r['before']:.4f}, {quarters},"
            f" after {r['after']:.4f}",
            flush=True,
        )
    for ours, peer in (("ours", "trl"), ("ours-8", "trl-8")):
        if ours in losses and peer in losses:
            change = losses[ours] / losses[peer] - 1
            print(f"{ARMS[ours]} / {ARMS[peer]}: {change:+.2%}")


if __name__ == "__main__":
    main()
