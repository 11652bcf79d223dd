"""Our trainer on one GPU and on several: tokens a second and loss of the same steps.

    python benchmarks/several_gpus.py [--base qwen2.5-1.5b] [--processes 1 2] [--steps 60]
                                      [--spread GIB]

The same rows, the same rows a step, the same number of steps; random weights. The steps are those
of `accelerate launch -m twinlib persona`: each GPU has the whole model and a part of the rows. With
`--spread` the model is spread over them (FSDP, `accelerate launch --use_fsdp --fsdp_version 2`), of
whose memory torch may take GIB each, while the run on one GPU may take all.
"""

import argparse
import os
import subprocess
import sys
import tempfile
from dataclasses import replace

import random_models

# A sequence of 2,048 tokens a GPU at a time, eight in a step.
SPREAD = {"batch": 2, "checkpointing": "full", "compile": False, "packing": True}
SEQUENCES = 8


def measure(base, steps, spread):
    """Train in this process, one of several; the first one sends the result."""
    import torch

    from twinlib.models import estimate, plan
    from twinlib.progress import Progress
    from twinlib.train import callbacks, processes

    torch.cuda.set_device(int(os.environ["LOCAL_RANK"]))
    typed = {"batch": 8}
    if spread:
        typed = {**SPREAD, "accumulation": SEQUENCES // processes.count()}
        if estimate.shards() > 1:
            total = torch.cuda.get_device_properties(0).total_memory
            torch.cuda.set_per_process_memory_fraction(spread * 2**30 / total)
    planned, _ = random_models.planned(base, "16-bit", plan.machine(), **typed)
    trainer = random_models.trainer(base, replace(planned, steps=steps), tempfile.mkdtemp())
    trainer.args.save_strategy = "no"
    callbacks.attach_callback(trainer, Progress(None, "persona"), {"loss": "loss"})
    times = random_models.step_times(trainer)
    peak = torch.tensor(torch.cuda.max_memory_allocated() / 2**30)
    held = torch.tensor(torch.cuda.max_memory_reserved() / 2**30)
    peak, held = (trainer.accelerator.gather(x.cuda()[None]).max().item() for x in (peak, held))
    warm, sequences = random_models.WARM, planned.accumulation * processes.count()
    if processes.is_main():
        tokens = sum(trainer.train_dataset.tokens[warm * sequences :])
        speed = tokens / (times[-1] - times[warm])
        result = {"tokens_s": speed, "loss": trainer.state.log_history[-1]["train_loss"]}
        losses = callbacks.by_step(trainer.state.log_history, "loss")
        result |= {"last": losses[-1], "peak": peak, "held": held}
        random_models.send({**result, "accumulation": planned.accumulation})


def command(count, options):
    """The command line for so many processes."""
    launcher = f"-m torch.distributed.run --nproc_per_node {count}"
    if options.spread and count > 1:
        launcher = (
            f"-m accelerate.commands.launch --num_processes {count} --num_machines 1 --use_fsdp "
            "--fsdp_version 2 --fsdp_auto_wrap_policy TRANSFORMER_BASED_WRAP "
            "--mixed_precision bf16 --dynamo_backend no"
        )
    arguments = f"--one --base {options.base} --steps {options.steps} --spread {options.spread}"
    return [sys.executable, *launcher.split(), __file__, *arguments.split()]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--base", default="qwen2.5-1.5b")
    parser.add_argument("--processes", type=int, nargs="*", default=[1, 2])
    parser.add_argument("--steps", type=int, default=60)
    parser.add_argument("--spread", type=float, default=0.0, help="GiB of each GPU")
    parser.add_argument("--one", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        return measure(options.base, options.steps, options.spread)
    results = {}
    for count in options.processes:
        done = subprocess.run(command(count, options), capture_output=True, text=True)
        r = random_models.result_in(done.stdout)
        if r is None:
            print(f"{count} processes failed: {done.stderr[-600:]}", flush=True)
            continue
        results[count] = r
        print(
            f"{count} GPU: {r['tokens_s']:8.0f} tokens/s  {r['accumulation']} batches a step each  "
            f"loss: mean {r['loss']:.4f}, last step {r['last']:.4f}  "
            f"{r['peak']:.1f} GiB allocated, {r['held']:.1f} reserved on one GPU",
            flush=True,
        )
    one = results.get(1)
    for count, r in results.items() if one else ():
        speed, loss = r["tokens_s"] / one["tokens_s"], r["loss"] / one["loss"] - 1
        print(f"{count} / 1: {speed:.2f} times the tokens a second, loss {loss:+.2%}")


if __name__ == "__main__":
    main()
