"""LoRA training on a CPU: our packed step and two of TRL's on the same rows and model.

    python benchmarks/cpu_training.py [STEPS]

Gemma 3 270M, rank 32, 2 rows of the invented voices a step, 24 to 512 tokens long, three fifths of
each learnt; every arm in a process of its own, after one warm-up step. Compare the ratios of one
run. Prints real tokens a second, the peak memory and the mean loss.
"""

import multiprocessing
import random
import resource
import statistics
import sys
import time
from importlib import resources

ARMS = {
    "TRL, float32, chunked loss": ("32-bit", "chunked"),
    "transformers' loss, bfloat16": ("16-bit", "plain"),
    "TRL, bfloat16, chunked loss": ("16-bit", "chunked"),
    "ours": ("16-bit", "ours"),
}
ROWS, LENGTH = 2, 512


def batches(tokenizer, steps):
    """`steps` + 1 batches of ROWS rows (ids, learnt) from the voices, of lognormal length, three
    fifths learnt."""
    text = "\n".join(
        f.read_text(encoding="utf-8")
        for f in (resources.files("twinlib") / "data" / "voices").iterdir()
        if f.name.endswith(".txt")
    )
    ids, rng, found, start = (
        tokenizer(text, add_special_tokens=False)["input_ids"],
        random.Random(1),
        [],
        0,
    )
    for _ in range((steps + 1) * ROWS):
        length = max(24, min(LENGTH, int(rng.lognormvariate(5.22, 0.7))))
        found.append(
            (
                ids[start : start + length],
                [int(place >= length * 2 // 5) for place in range(length)],
            )
        )
        start += length
    return [found[k : k + ROWS] for k in range(0, len(found), ROWS)]


def padded(rows):
    """The batch as trainers that pad make it."""
    import torch

    width = max(len(ids) for ids, _ in rows)
    filled = [
        (
            ids + [0] * (width - len(ids)),
            [1] * len(ids) + [0] * (width - len(ids)),
            [token if learnt else -100 for token, learnt in zip(ids, mask)]
            + [-100] * (width - len(ids)),
        )
        for ids, mask in rows
    ]
    return dict(zip(("input_ids", "attention_mask", "labels"), map(torch.tensor, zip(*filled))))


def measure(precision, kind, steps):
    """(tokens a second, peak GiB, mean loss) of one arm."""
    import torch
    from trl.trainer.sft_trainer import _CHUNKED_LM_HEAD_CHUNK_SIZE, _patch_chunked_ce_lm_head

    from twinlib.models import load
    from twinlib.train import packing, trainer

    model, tokenizer = load.load(
        load.prepare("gemma-3-270m"), precision=precision, lora=load.Lora(32)
    )
    if kind == "ours":
        trainer.prepare(model)
        model.set_attn_implementation(packing.NAME)
    elif kind == "chunked":
        _patch_chunked_ce_lm_head(model.get_base_model(), _CHUNKED_LM_HEAD_CHUNK_SIZE)
    optimizer = torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], lr=4e-4)
    seconds, losses, tokens = [], [], []
    for rows in batches(tokenizer, steps):
        tokens.append(sum(len(ids) for ids, _ in rows))
        started = time.perf_counter()
        inputs = packing.pack(rows, tokens[-1], 0) if kind == "ours" else padded(rows)
        value = model(**inputs)["loss"]
        value.backward()
        optimizer.step()
        optimizer.zero_grad()
        seconds.append(time.perf_counter() - started)
        losses.append(value.item())
    rate = sum(tokens[1:]) / sum(seconds[1:])
    return (
        rate,
        resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20,
        statistics.mean(losses[1:]),
    )


def main(steps):
    found = {}
    for name, (precision, kind) in ARMS.items():
        with multiprocessing.get_context("spawn").Pool(1) as pool:  # its own process: its own peak
            found[name] = pool.apply(measure, (precision, kind, steps))
        print(
            f"{name:30} {found[name][0]:7.1f} tokens/s {found[name][1]:5.1f} GiB"
            f"  loss {found[name][2]:.4f}",
            flush=True,
        )
    ours = found.pop("ours")[0]
    for name, (rate, _, _) in found.items():
        print(f"ours / {name}: {ours / rate:.2f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 6)
