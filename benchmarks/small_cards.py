"""Training on the cards that people have, emulated on a larger one: does each size fit and learn?

    python benchmarks/small_cards.py OUT [--gib 14.7] [--shapes 1.5b,3b,7b,14b] [--length 2048]
                                     [--longest 14b] [--batch N] [--steps 20] [--limit 400] [--cpu]
                                     [--engine unsloth]

An emulation, not the card: torch may take no more than `--gib` GiB (14.7 is a T4's, 11 and 5.5 are
smaller ones), computes in float16 with a loss scaler, attends without flash attention and compiles
nothing, as the plan has it on a card of compute capability 7.5. The speed is that of the GPU it
runs on, and what the driver takes beside torch is not in the cap. Weights are random, in the real
shapes, and made on the GPU; rows are made-up chats, of which every tenth is as long as `--length`.

Each shape trains in a process of its own: our trainer, the settings of the plan (QLoRA in NF4 where
it picks that; needs bitsandbytes). For 11 GiB the shapes 1.5b,3b,7b are those to ask for, for 5.5
0.5b,1.5b,3b. OUT gets a JSON line as soon as one is done: losses, scale of
the loss and steps it left out, memory at its peak (estimated, allocated, reserved), seconds a step,
parts that a batch was taken in after it ran out of memory. For the shapes in `--longest` the
longest length that fits is looked for first, with one row at a time. `--batch` takes so many rows
at once, whatever the plan says, to see the trainer run out of memory and go on. With `--engine
unsloth` Unsloth trains, as the plan has it on such a card where it is installed. `--cpu --shapes
tiny` tries the script itself, without a card.
"""

import argparse
import json
import math
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import random_models

BASES = {
    "0.5b": "qwen2.5-0.5b",
    "1.5b": "qwen2.5-1.5b",
    "3b": "qwen2.5-3b",
    "4b": "qwen3-4b",
    "7b": "qwen2.5-7b",
    "8b": "qwen3-8b",
    "14b": "qwen2.5-14b",
}
TINY = {
    "num_hidden_layers": 2,
    "hidden_size": 256,
    "intermediate_size": 512,
    "num_attention_heads": 2,
    "head_dim": 128,
    "num_key_value_heads": 1,
    "vocab_size": 50_000,
}
LENGTHS = (512, 768, 1024, 1536, 2048, 3072, 4096, 6144, 8192)
VALIDATED = 8  # rows


def card(gib, engine):
    """The machine for the plan: a T4 in all but its memory."""
    from twinlib.models.plan import machine

    t4 = {"gpu": "Tesla T4", "gpu_gb": gib, "gpu_capability": 7.5, "gpus": 1, "bf16": False}
    return {**machine(), **t4, "compiles": False, "unsloth": engine == "unsloth", "mps": False}


def emulate(gib, engine):
    """Keep torch to what such a card has and can."""
    import torch

    total = torch.cuda.get_device_properties(0).total_memory
    torch.cuda.set_per_process_memory_fraction(min(1.0, gib * 2**30 / total))
    if engine != "unsloth":  # whose kernels would be compiled for such a card
        torch.cuda.get_device_capability = lambda *_: (7, 5)
    torch.cuda.is_bf16_supported = lambda *_, **__: False
    torch.backends.cuda.enable_flash_sdp(False)
    torch.backends.cuda.enable_cudnn_sdp(False)


def measure(shape, length, steps, options):
    """One shape trained: what OUT gets."""
    import torch

    from twinlib.models import load
    from twinlib.models.encode import Encoded
    from twinlib.models.plan import machine
    from twinlib.train.callbacks import silence_logging
    from twinlib.train.trainer import packed_trainer, unsloth_trainer

    if not options.cpu:
        emulate(options.gib, options.engine)
    if options.engine == "unsloth":
        import unsloth  # noqa: F401 (before transformers' trainer)
    silence_logging()
    base, engine = _base(shape), options.engine
    where = machine() if options.cpu else card(options.gib, engine)
    typed = {"batch": options.batch, "accumulation": 1} if options.batch else {}
    typed |= {"length": length, "rank": "auto"}
    settings, plan = random_models.planned(base, "auto", where, **typed, engine=engine)
    settings = replace(settings, steps=steps)
    began = time.perf_counter()
    device, dtype = ("cpu", torch.float32) if options.cpu else ("cuda", torch.float16)
    lora = load.Lora(settings.rank, checkpointing=settings.checkpointing == "full")
    if engine == "unsloth":
        saved = load.Base(base, random_models.save(base, tempfile.gettempdir()), "", None)
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats()
        model = load._load_unsloth(saved, None, settings.precision, lora, length)
    else:
        bits = 4 if settings.precision == "4-bit" else 16
        model = random_models.build(base, bits, device, dtype)
        model = load.with_adapter(model, None, lora)
        model.config.use_cache = False
    built, peaks = time.perf_counter() - began, _peaks(options.cpu)
    rows = [Encoded(*row, False) for row in random_models.rows(length=length)]
    data = {"train": rows[VALIDATED:], "val": rows[:VALIDATED]}
    folder = tempfile.mkdtemp()
    make = unsloth_trainer if engine == "unsloth" else packed_trainer
    trainer = make(model, random_models.tokenizer(), data, settings, folder, steps)
    watch = Watch(trainer, options.cpu)
    trainer.add_callback(watch.callback)
    trainer.train()
    state = trainer.state.log_history
    losses = [record["loss"] for record in state if "loss" in record]
    names = (
        "engine",
        "precision",
        "batch",
        "accumulation",
        "checkpointing",
        "packing",
        "compile",
        "rank",
    )
    return {
        "plan": {name: getattr(settings, name) for name in names},
        "build_s": round(built, 1),
        "built_gib": peaks[0],
        "steps": len(losses),
        "finite": all(map(math.isfinite, losses)),
        "losses": [round(loss, 4) for loss in losses],
        "eval_losses": [round(r["eval_loss"], 4) for r in state if "eval_loss" in r],
        "scales": watch.scales,
        "steps_left_out": watch.left_out,
        "parts": getattr(trainer, "parts", 1),
        "estimated_gib": plan.memory_gb,
        "peak_gib": _peaks(options.cpu)[0],
        "reserved_gib": _peaks(options.cpu)[1],
        "step_s": round(statistics.median(watch.seconds[1:] or watch.seconds), 3),
        "tokens_a_step": sum(getattr(trainer.train_dataset, "tokens", [])) // steps,
    }


def _base(shape):
    if shape != "tiny":
        return BASES[shape]
    folder = Path(tempfile.gettempdir()) / "small_cards_tiny"
    folder.mkdir(exist_ok=True)
    (folder / "config.json").write_text(json.dumps(TINY))
    return str(folder)


def _peaks(cpu):
    """GiB allocated and reserved at most; on a CPU what the process holds."""
    if cpu:
        from twinlib.train.callbacks import memory_gb

        return round(memory_gb(), 2), round(memory_gb(), 2)
    import torch

    peaks = torch.cuda.max_memory_allocated(), torch.cuda.max_memory_reserved()
    return tuple(round(peak / 2**30, 2) for peak in peaks)


class Watch:
    """A callback that keeps the seconds of each step and the scale of the loss after it."""

    def __init__(self, trainer, cpu):
        from transformers import TrainerCallback

        watch, self.trainer, self.cpu = self, trainer, cpu
        self.seconds, self.scales, self.left_out = [], [], 0

        class Callback(TrainerCallback):
            def on_step_begin(self, args, state, control, **_):
                watch.began = time.perf_counter()

            def on_step_end(self, args, state, control, **_):
                watch.note()

        self.callback = Callback()

    def note(self):
        if not self.cpu:
            import torch

            torch.cuda.synchronize()
        self.seconds.append(time.perf_counter() - self.began)
        accelerator = self.trainer.accelerator
        if accelerator.scaler is not None:
            self.scales.append(accelerator.scaler.get_scale())
            self.left_out += bool(accelerator.optimizer_step_was_skipped)


def child(shape, length, steps, options, batch):
    """What a process of its own measures, or {error} of its last line."""
    command = [sys.executable, __file__, options.out, "--gib", str(options.gib)]
    command += ["--one", shape, str(length), str(steps)] + ["--cpu"] * options.cpu
    command += ["--batch", str(batch)] if batch else []
    command += ["--engine", options.engine]
    began = time.perf_counter()
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=options.limit)
    except subprocess.TimeoutExpired:
        return {"error": f"over {options.limit:.0f} s"}
    found = random_models.result_in(done.stdout)
    errors = done.stderr.strip().splitlines() or [f"ended with status {done.returncode}"]
    found = found or {"error": errors[-1][-400:]}
    return {**found, "wall_s": round(time.perf_counter() - began, 1)}


def longest(shape, options, write):
    """The longest of LENGTHS at which two steps fit, one row at a time; None where none does."""
    low, high = -1, len(LENGTHS)
    middle = LENGTHS.index(2048)
    while high - low > 1:
        found = child(shape, LENGTHS[middle], 2, options, batch=1)
        write(shape=shape, length=LENGTHS[middle], search=True, **found)
        # Whoever takes its one row in parts has run out of memory, too.
        fits = "error" not in found and found["parts"] == 1
        low, high = (middle, high) if fits else (low, middle)
        middle = (low + high) // 2
    return LENGTHS[low] if low >= 0 else None


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("out")
    parser.add_argument("--gib", type=float, default=14.7)
    parser.add_argument("--shapes", default="1.5b,3b,7b,14b")
    parser.add_argument("--length", type=int, default=2048)
    parser.add_argument("--longest", default="14b", help="shapes to find the longest length for")
    parser.add_argument("--batch", type=int, default=0)
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--limit", type=float, default=400, help="seconds a process may take")
    parser.add_argument("--cpu", action="store_true")
    parser.add_argument("--engine", default="transformers", choices=("transformers", "unsloth"))
    parser.add_argument("--one", nargs=3, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        shape, length, steps = options.one
        random_models.send(measure(shape, int(length), int(steps), options))
        return

    def write(**record):
        record = {"gib": options.gib, "emulated": not options.cpu, **record}
        with open(options.out, "a", encoding="utf-8") as file:
            file.write(json.dumps(record) + "\n")
        print(line(record), flush=True)

    for shape in options.shapes.split(","):
        length = options.length
        if shape in options.longest.split(","):
            length = longest(shape, options, write)
            if length is None:
                continue
        found = child(shape, length, options.steps, options, options.batch)
        write(shape=shape, length=length, **found)


def line(r):
    """A record as one line."""
    head = f"{r['shape']:>5} at {r['gib']} GiB, length {r['length']}: "
    if "error" in r:
        return head + "failed: " + r["error"]
    scales = f"scale {r['scales'][0]:.0f} to {r['scales'][-1]:.0f}, " if r["scales"] else ""
    return (
        f"{head}{r['plan']['precision']}, {r['steps']} steps, losses {r['losses'][0]:.3f} to "
        f"{r['losses'][-1]:.3f}{'' if r['finite'] else ' NOT FINITE'}, {scales}"
        f"{r['steps_left_out']} left out, {r['peak_gib']} GiB at the peak (estimated "
        f"{r['estimated_gib']}), {r['step_s']} s a step, {r['parts']} parts"
    )


if __name__ == "__main__":
    main()
