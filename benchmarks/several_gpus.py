"""Our trainer on one GPU and data-parallel on several: tokens a second and loss of the same steps.

    python benchmarks/several_gpus.py [--base qwen2.5-1.5b] [--processes 1 2] [--steps 60]

The same rows, the same rows a step, the same number of steps; random weights. The steps are those
of `accelerate launch -m twinlib persona`.
"""

import argparse
import os
import subprocess
import sys
import tempfile
from dataclasses import replace

import random_models


def measure(base, steps):
    """Train in this process, one of several; the first one sends the result."""
    import torch

    from twinlib.models import plan
    from twinlib.progress import Progress
    from twinlib.train import callbacks, processes

    torch.cuda.set_device(int(os.environ["LOCAL_RANK"]))
    planned, _ = random_models.planned(base, "16-bit", plan.machine(), batch=8)
    trainer = random_models.trainer(base, replace(planned, steps=steps), tempfile.mkdtemp())
    callbacks.attach_callback(trainer, Progress(None, "persona"), {"loss": "loss"})
    times = random_models.step_times(trainer)
    warm, sequences = random_models.WARM, planned.accumulation * processes.count()
    if processes.is_main():
        tokens = sum(trainer.train_dataset.tokens[warm * sequences :])
        loss = trainer.state.log_history[-1]["train_loss"]
        speed = tokens / (times[-1] - times[warm])
        random_models.send({"tokens_s": speed, "loss": loss, "accumulation": planned.accumulation})


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--base", default="qwen2.5-1.5b")
    parser.add_argument("--processes", type=int, nargs="*", default=[1, 2])
    parser.add_argument("--steps", type=int, default=60)
    parser.add_argument("--one", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        return measure(options.base, options.steps)
    results = {}
    for count in options.processes:
        launcher = f"-m torch.distributed.run --nproc_per_node {count}".split()
        arguments = f"--one --base {options.base} --steps {options.steps}".split()
        command = [sys.executable, *launcher, __file__, *arguments]
        done = subprocess.run(command, capture_output=True, text=True)
        r = random_models.result_in(done.stdout)
        if r is None:
            print(f"{count} processes failed: {done.stderr[-600:]}", flush=True)
            continue
        results[count] = r
        print(
            f"{count} GPU: {r['tokens_s']:8.0f} tokens/s  {r['accumulation']} batches a step each  "
            f"mean loss of all steps {r['loss']:.4f}",
            flush=True,
        )
    one = results.get(1)
    for count, r in results.items() if one else ():
        speed, loss = r["tokens_s"] / one["tokens_s"], r["loss"] / one["loss"] - 1
        print(f"{count} / 1: {speed:.2f} times the tokens a second, loss {loss:+.2%}")


if __name__ == "__main__":
    main()
