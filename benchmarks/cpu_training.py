"""LoRA training on a CPU: our packed step against TRL's two losses on the same rows and model.

    python benchmarks/cpu_training.py [STEPS]

Qwen2.5-Coder 0.5B, rank 32, 2 rows of the invented voices a step, 24 to 512 tokens long, three
fifths of each learnt; every arm in a process of its own, after one warm-up step. Compare the
ratios of one run. Prints real tokens a second, the peak memory and the mean loss.
"""

import argparse
import multiprocessing
import random
import resource
import statistics
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
    """`steps` + 1 batches of ROWS rows (token ids, mask) of lognormal length from the voices.

    The last three fifths of each row are learnt.
    """
    files = (resources.files("twinlib") / "data" / "voices").iterdir()
    texts = [f.read_text(encoding="utf-8") for f in files if f.name.endswith(".txt")]
    ids = tokenizer("\n".join(texts), add_special_tokens=False)["input_ids"]
    rng, rows, start = random.Random(1), [], 0
    for _ in range((steps + 1) * ROWS):
        length = max(24, min(LENGTH, int(rng.lognormvariate(5.22, 0.7))))
        mask = [int(position >= length * 2 // 5) for position in range(length)]
        rows.append((ids[start : start + length], mask))
        start += length
    return [rows[k : k + ROWS] for k in range(0, len(rows), ROWS)]


def padded(rows):
    """The batch as tensors {input_ids, attention_mask, labels}, padded to the longest row."""
    import torch

    width, batch = max(len(ids) for ids, _ in rows), []
    for ids, mask in rows:
        labels = [token if learnt else -100 for token, learnt in zip(ids, mask)]
        columns = ((ids, 0), ([1] * len(ids), 0), (labels, -100))
        batch.append([values + [fill] * (width - len(ids)) for values, fill in columns])
    return dict(zip(("input_ids", "attention_mask", "labels"), map(torch.tensor, zip(*batch))))


def measure(precision, kind, steps):
    """(tokens a second, peak GiB, mean loss) of one arm."""
    import torch
    from trl.trainer.sft_trainer import _CHUNKED_LM_HEAD_CHUNK_SIZE, _patch_chunked_ce_lm_head

    from twinlib.models import load
    from twinlib.train import packing, trainer

    base = load.prepare("qwen2.5-coder-0.5b-instruct")
    model, tokenizer = load.load(base, precision=precision, lora=load.Lora(32))
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
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    return rate, peak, statistics.mean(losses[1:])


def main(steps):
    rates = {}
    for name, (precision, kind) in ARMS.items():
        # A process of its own, so that the peak memory is that of one arm.
        with multiprocessing.get_context("spawn").Pool(1) as pool:
            rate, peak, loss = pool.apply(measure, (precision, kind, steps))
        rates[name] = rate
        print(f"{name:30} {rate:7.1f} tokens/s {peak:5.1f} GiB  loss {loss:.4f}", flush=True)
    ours = rates.pop("ours")
    for name, rate in rates.items():
        print(f"ours / {name}: {ours / rate:.2f}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("steps", type=int, nargs="?", default=6)
    main(parser.parse_args().steps)
