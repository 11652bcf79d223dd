"""Estimates of the plan and measurements on one GPU: peak memory and time of LoRA training.

    python benchmarks/plan_accuracy.py [--gpus 1] [--only NAME …]

Random weights in the shapes of Qwen2.5 from 0.5B to 14B, 3,000 chats; the plan is made for cards of
6 to 80 GB, and the run may use no more memory than that (at the speed of this GPU). Each
configuration trains some steps as planned, in a process of its own; the time of the run is that of
its first step and of as many more as planned.
"""

import argparse
import json
import tempfile
from dataclasses import replace

import random_models

# base, precision, gigabytes of the card, 'eager' without compiled layers
CONFIGURATIONS = (
    ("qwen2.5-0.5b", "16-bit", 80),
    ("qwen2.5-0.5b", "16-bit", 6),
    ("qwen2.5-1.5b", "16-bit", 80),
    ("qwen2.5-1.5b", "16-bit", 12),
    ("qwen2.5-1.5b", "4-bit", 6),
    ("qwen2.5-3b", "16-bit", 24),
    ("qwen2.5-3b", "4-bit", 8),
    ("qwen2.5-7b", "16-bit", 80),
    ("qwen2.5-7b", "4-bit", 80),
    ("qwen2.5-7b", "4-bit", 16),
    ("qwen2.5-7b", "4-bit", 10),
    ("qwen2.5-14b", "16-bit", 80),
    ("qwen2.5-14b", "4-bit", 24),
    ("qwen2.5-14b", "4-bit", 16),
    ("qwen2.5-1.5b", "16-bit", 80, "eager"),
)
STEPS = 6


def measure(base, precision, gigabytes, how=""):
    """One configuration: what was planned, predicted and measured."""
    import torch

    from twinlib.models.plan import machine, training_seconds

    card = {**machine(), "gpu_gb": float(gigabytes)}
    wanted, plan = random_models.planned(
        base, precision, card, **({"compile": False} if how else {})
    )
    trainer = random_models.trainer(base, replace(wanted, steps=STEPS), tempfile.mkdtemp())
    torch.cuda.empty_cache()
    torch.cuda.reset_peak_memory_stats()
    torch.cuda.set_per_process_memory_fraction(
        min(1.0, gigabytes / (torch.cuda.mem_get_info()[1] / 2**30))
    )
    times = random_models.step_times(trainer)
    first, step = times[1] - times[0], (times[-1] - times[2]) / (len(times) - 3)
    return {
        "settings": {
            n: getattr(wanted, n)
            for n in ("batch", "accumulation", "checkpointing", "compile", "steps")
        },
        "memory": [
            plan.memory_gb,
            torch.cuda.max_memory_allocated() / 2**30,
            torch.cuda.max_memory_reserved() / 2**30,
        ],
        "run": [
            training_seconds(wanted, card, random_models.facts()),
            first + step * (wanted.steps - 1),
        ],
        "step": step,
        "first": first,
        "tokens_s": sum(trainer.train_dataset.tokens) / STEPS / step,
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--gpus", type=int, default=1)
    parser.add_argument("--limit", type=float, default=150)
    parser.add_argument("--only", nargs="*", default=[])
    parser.add_argument("--one", nargs="*", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        base, precision, gigabytes, *how = options.one
        print("RESULT " + json.dumps(measure(base, precision, int(gigabytes), *how)), flush=True)
        return
    chosen = [
        c for c in CONFIGURATIONS if not options.only or " ".join(map(str, c)) in options.only
    ]
    commands = [(c, [__file__, "--one", *map(str, c)]) for c in chosen]
    off = {"memory": [], "run": []}
    print(f"{'':30}{'GiB predicted':>14}{'measured':>9}{'':>7}{'s predicted':>13}{'measured':>9}")
    for (base, precision, gigabytes, *how), result, why in random_models.side_by_side(
        commands, options.gpus, options.limit
    ):
        name = " ".join([base, precision, f"{gigabytes} GB", *how])
        if result is None:
            print(f"{name:30} failed: {why[:150]}", flush=True)
            continue
        r = json.loads(result)
        ratio = {what: r[what][0] / r[what][1] - 1 for what in off}
        for what in off:
            off[what].append(abs(ratio[what]))
        print(
            f"{name:30}{r['memory'][0]:14.1f}{r['memory'][1]:9.1f}{ratio['memory']:+7.0%}"
            f"{r['run'][0]:13.0f}{r['run'][1]:9.0f}{ratio['run']:+7.0%}  "
            f"{r['tokens_s']:.0f} tokens/s, step {r['step']:.3f} s, first {r['first']:.1f} s, "
            f"reserved {r['memory'][2]:.1f}, {r['settings']}",
            flush=True,
        )
    for what, values in off.items():
        if values:
            print(
                f"{what}: off by {max(values):.0%} at most, "
                f"{sum(values) / len(values):.0%} on average, {len(values)} configurations"
            )


if __name__ == "__main__":
    main()
