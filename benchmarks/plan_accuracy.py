"""Peak memory and time of LoRA training on one GPU, as the plan estimates them and as measured.

    python benchmarks/plan_accuracy.py [--gpus 1] [--only NAME …]

Random weights in the shapes of Qwen2.5 from 0.5B to 14B, 3,000 chats. The plan is made for GPUs of
6 to 80 GB, and the training may use no more memory than that (at the speed of this GPU). Each
configuration trains a few steps as planned, in a process of its own; from these the time of all
planned steps is computed.
"""

import argparse
import tempfile
from dataclasses import replace

import random_models

# (base, precision, gigabytes of the GPU, and 'eager' to train without compiled layers)
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


def measure(base, precision, gigabytes, mode=""):
    """{settings, memory: [estimate, measured, reserved], run: [estimate, measured], …}."""
    import torch

    from twinlib.models.plan import _job, machine

    card = {**machine(), "gpu_gb": float(gigabytes)}
    typed = {"compile": False} if mode == "eager" else {}
    planned, plan = random_models.planned(base, precision, card, **typed)
    trainer = random_models.trainer(base, replace(planned, steps=STEPS), tempfile.mkdtemp())
    torch.cuda.empty_cache()
    torch.cuda.reset_peak_memory_stats()
    share = gigabytes * 2**30 / torch.cuda.mem_get_info()[1]
    torch.cuda.set_per_process_memory_fraction(min(1.0, share))
    times = random_models.step_times(trainer)
    first, step = times[1] - times[0], (times[-1] - times[2]) / (len(times) - 3)
    names = ("batch", "accumulation", "checkpointing", "compile", "steps")
    peaks = torch.cuda.max_memory_allocated(), torch.cuda.max_memory_reserved()
    # Of the steps and the compiling, without loading, evaluating and answering.
    estimated = _job(planned, card, random_models.facts(), {}).seconds(vars(planned), planned.steps)
    return {
        "settings": {name: getattr(planned, name) for name in names},
        "memory": [plan.memory_gb, *(peak / 2**30 for peak in peaks)],
        "run": [estimated, first + step * (planned.steps - 1)],
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
        base, precision, gigabytes, *mode = options.one
        random_models.send(measure(base, precision, int(gigabytes), *mode))
        return
    names = [" ".join(map(str, configuration)) for configuration in CONFIGURATIONS]
    commands = [
        (name, [__file__, "--one", *name.split()])
        for name in names
        if not options.only or name in options.only
    ]
    errors = {"memory": [], "run": []}
    print(f"{'':30}{'GiB predicted':>14}{'measured':>9}{'':>7}{'s predicted':>13}{'measured':>9}")
    for name, r, why in random_models.side_by_side(commands, options.gpus, options.limit):
        if r is None:
            print(f"{name:30} failed: {why[:150]}", flush=True)
            continue
        ratio = {key: r[key][0] / r[key][1] - 1 for key in errors}
        for key, values in errors.items():
            values.append(abs(ratio[key]))
        print(
            f"{name:30}{r['memory'][0]:14.1f}{r['memory'][1]:9.1f}{ratio['memory']:+7.0%}"
            f"{r['run'][0]:13.0f}{r['run'][1]:9.0f}{ratio['run']:+7.0%}  "
            f"{r['tokens_s']:.0f} tokens/s, step {r['step']:.3f} s, first {r['first']:.1f} s, "
            f"reserved {r['memory'][2]:.1f}, {r['settings']}",
            flush=True,
        )
    for key, values in errors.items():
        if values:
            print(
                f"{key}: off by {max(values):.0%} at most, "
                f"{sum(values) / len(values):.0%} on average, {len(values)} configurations"
            )


if __name__ == "__main__":
    main()
