"""Our trainer on one GPU and data-parallel on several: tokens a second and loss of the same steps.

    python benchmarks/several_gpus.py [--base qwen2.5-1.5b] [--processes 1 2] [--steps 60]

The same rows, the same rows a step, the same number of steps; random weights. The steps are those
of `accelerate launch -m twinlib persona`.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from dataclasses import replace

import random_models


def measure(base, steps):
    """Prints what was measured, in the first process."""
    import torch

    from twinlib.models import plan
    from twinlib.progress import Progress
    from twinlib.train import callbacks, processes

    torch.cuda.set_device(int(os.environ["LOCAL_RANK"]))
    wanted, _ = random_models.planned(base, "16-bit", plan.machine(), batch=8)
    trainer = random_models.trainer(base, replace(wanted, steps=steps), tempfile.mkdtemp())
    callbacks.attach_callback(trainer, Progress(None, "persona"), {"loss": "loss"})
    times = random_models.step_times(trainer)
    warm, size = random_models.WARM, wanted.accumulation * processes.count()
    if processes.is_main():
        print(
            "RESULT "
            + json.dumps(
                {
                    "tokens_s": sum(trainer.train_dataset.tokens[warm * size :])
                    / (times[-1] - times[warm]),
                    "loss": trainer.state.log_history[-1]["train_loss"],
                    "accumulation": wanted.accumulation,
                }
            ),
            flush=True,
        )


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--base", default="qwen2.5-1.5b")
    parser.add_argument("--processes", type=int, nargs="*", default=[1, 2])
    parser.add_argument("--steps", type=int, default=60)
    parser.add_argument("--one", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        return measure(options.base, options.steps)
    found = {}
    for count in options.processes:
        command = [
            sys.executable,
            "-m",
            "torch.distributed.run",
            "--nproc_per_node",
            str(count),
            __file__,
            "--one",
            "--base",
            options.base,
            "--steps",
            str(options.steps),
        ]
        done = subprocess.run(command, capture_output=True, text=True)
        line = next((line for line in done.stdout.splitlines() if line.startswith("RESULT ")), None)
        if line is None:
            print(f"{count} processes failed: {done.stderr[-600:]}", flush=True)
            continue
        found[count] = r = json.loads(line[7:])
        print(
            f"{count} GPU: {r['tokens_s']:8.0f} tokens/s  {r['accumulation']} batches a step each  "
            f"mean loss of all steps {r['loss']:.4f}",
            flush=True,
        )
    if 1 in found:
        for count in found:
            speed = found[count]["tokens_s"] / found[1]["tokens_s"]
            loss = found[count]["loss"] / found[1]["loss"] - 1
            print(f"{count} / 1: {speed:.2f} times the tokens a second, loss {loss:+.2%}")


if __name__ == "__main__":
    main()
