"""LoRA training on one GPU: our plan beside TRL and Unsloth, on the same tokenised rows.

    python benchmarks/gpu_training.py [--base qwen2.5-1.5b] [--bits 16] [--arms NAME …]
                                      [--seconds 60] [--gpus 1]

A model with random weights in the shape of the base; 3,000 chats of 230 tokens on average, three
fifths of each learnt; rank 16 on all seven linear layers. Every arm runs in a process of its own:
up to 60 timed steps or the given seconds, after a warm-up of 4. Prints real tokens a second
(padding doesn't count), the peak of the GPU's memory, the seconds from the trainer's start to its
first step, and for ours the share of the GPU's own matrix rate, at 4 operations a parameter and
token. With `--gpus` above 1 the arms run at the same time, each on a GPU of its own.
"""

import argparse
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import random_models

ARMS = {
    "trl": "TRL + PEFT, 2x4, not packed",
    "trl-packed": "TRL + PEFT, packed 16 x 1024, SDPA",
    "trl-liger": "TRL + PEFT, packed, SDPA, Liger",
    "trl-flex": "TRL + PEFT, packed, flex attention",
    "unsloth-notebook": "Unsloth's notebook, 4-bit, 2x4",
    "unsloth-packed": "Unsloth, packed 16 x 1024",
    "ours": "ours, as planned",
}
WARM, STEPS, LENGTH = 4, 60, random_models.LENGTH
SEQUENCES = 16  # of LENGTH tokens in a step of the packed arms


class Clock:
    """A trainer callback that counts real tokens and stops in time."""

    def __init__(self, seconds):
        import torch
        from transformers import TrainerCallback

        clock, self.limit, self.cuda = self, seconds, torch.cuda
        self.tokens = self.steps = 0
        self.first = self.began = 0.0

        class Callback(TrainerCallback):
            def on_step_end(self, args, state, control, **_):
                clock.cuda.synchronize()
                now = time.perf_counter()
                if state.global_step == 1:
                    clock.first = now - clock.start
                if state.global_step == WARM:
                    clock.tokens, clock.began = 0, now
                clock.steps = state.global_step - WARM
                if clock.steps >= STEPS or clock.began and now - clock.began > clock.limit:
                    control.should_training_stop = True
                clock.ended = now
                return control

        self.callback = Callback()

    def measure(self, trainer):
        """Train and return {tokens_s, steps, first_s, step_s, loss, peak_gib}."""
        step = trainer.training_step

        def counted(model, inputs, *rest, **options):
            real = inputs.get("attention_mask")
            real = inputs["input_ids"] != 0 if real is None or real.dim() != 2 else real
            self.tokens += int(real.sum())
            return step(model, inputs, *rest, **options)

        trainer.training_step = counted
        trainer.add_callback(self.callback)
        self.start = time.perf_counter()
        trainer.train()
        losses = [record["loss"] for record in trainer.state.log_history if "loss" in record]
        return {
            "tokens_s": self.tokens / (self.ended - self.began),
            "steps": self.steps,
            "first_s": self.first,
            "step_s": (self.ended - self.began) / max(self.steps, 1),
            "loss": losses[-1],
            "peak_gib": self.cuda.max_memory_allocated() / 2**30,
        }


def _arguments(folder, packed, **more):
    batch, accumulation = (SEQUENCES, 1) if packed else (2, 4)
    return dict(
        per_device_train_batch_size=batch,
        gradient_accumulation_steps=accumulation,
        packing=packed,
        output_dir=str(folder / "out"),
        learning_rate=2e-4,
        lr_scheduler_type="constant",
        logging_steps=1,
        bf16=True,
        report_to="none",
        save_strategy="no",
        max_steps=WARM + STEPS,
        seed=1,
        disable_tqdm=True,
        max_length=LENGTH,
        dataset_num_proc=None,
        **more,
    )


def _dataset():
    from datasets import Dataset

    ids, masks = zip(*random_models.rows())
    return Dataset.from_dict({"input_ids": list(ids), "completion_mask": list(masks)})


def trl(folder, bits, seconds, packed, attention="sdpa", liger=False):
    import torch
    from peft import LoraConfig
    from transformers import AutoModelForCausalLM, AutoTokenizer, BitsAndBytesConfig
    from trl import SFTConfig, SFTTrainer

    quantization = None
    if bits == 4:
        quantization = BitsAndBytesConfig(
            load_in_4bit=True,
            bnb_4bit_quant_type="nf4",
            bnb_4bit_use_double_quant=True,
            bnb_4bit_compute_dtype=torch.bfloat16,
        )
    model = AutoModelForCausalLM.from_pretrained(
        folder,
        dtype=torch.bfloat16,
        device_map={"": 0},
        attn_implementation=attention,
        quantization_config=quantization,
    )
    model.config.use_cache = False
    # Without checkpointing, TRL's packed step exceeds the GPU's memory, except for small models.
    large = packed and (bits == 4 or model.config.hidden_size > 2048)
    options = {"gradient_checkpointing": large, "use_liger_kernel": liger}
    trainer = SFTTrainer(
        model=model,
        args=SFTConfig(**_arguments(folder, packed, **options)),
        train_dataset=_dataset(),
        processing_class=AutoTokenizer.from_pretrained(folder),
        peft_config=LoraConfig(r=16, lora_alpha=32, target_modules="all-linear"),
    )
    return Clock(seconds).measure(trainer)


def unsloth(folder, bits, seconds, packed):
    from transformers import AutoTokenizer
    from trl import SFTConfig, SFTTrainer
    from unsloth import FastLanguageModel

    model, _ = FastLanguageModel.from_pretrained(
        str(folder), max_seq_length=LENGTH, dtype=None, load_in_4bit=bits == 4
    )
    small = packed and bits == 16 and model.config.hidden_size <= 2048
    model = FastLanguageModel.get_peft_model(
        model,
        r=16,
        lora_alpha=32,
        lora_dropout=0,
        random_state=1,
        use_gradient_checkpointing=False if small else "unsloth",
    )
    trainer = SFTTrainer(
        model=model,
        args=SFTConfig(**_arguments(folder, packed)),
        train_dataset=_dataset(),
        processing_class=AutoTokenizer.from_pretrained(folder),
    )
    return Clock(seconds).measure(trainer)


def ours(base, bits, seconds, folder):
    import torch

    from twinlib.models import estimate
    from twinlib.models.plan import machine

    planned, _ = random_models.planned(base, f"{bits}-bit", machine())
    settings = replace(planned, steps=WARM + STEPS)
    result = Clock(seconds).measure(random_models.trainer(base, settings, folder / "out"))
    torch.cuda.empty_cache()
    share = result["tokens_s"] * 4e9 * estimate.shape(base).parameters / matrix_rate()
    names = ("batch", "accumulation", "length", "checkpointing", "compile")
    return {**result, "plan": {name: getattr(planned, name) for name in names}, "share": share}


def matrix_rate():
    """Operations a second of a large matrix product in bfloat16 on this GPU."""
    import torch

    left = torch.randn(8192, 8192, device="cuda", dtype=torch.bfloat16)
    for _ in range(5):
        left @ left
    torch.cuda.synchronize()
    began = time.perf_counter()
    for _ in range(20):
        left @ left
    torch.cuda.synchronize()
    return 20 * 2 * 8192**3 / (time.perf_counter() - began)


def measure(name, options):
    """The result of one arm."""
    bits, seconds = options.bits, options.seconds
    if name == "ours":
        return ours(options.base, bits, seconds, Path(options.root))
    folder = random_models.save(options.base, Path(options.root) / name)
    if name.startswith("unsloth"):
        bits = 4 if name.endswith("notebook") else bits
        return unsloth(folder, bits, seconds, name.endswith("packed"))
    attention = "flex_attention" if name.endswith("flex") else "sdpa"
    return trl(folder, bits, seconds, name != "trl", attention, name.endswith("liger"))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--base", default="qwen2.5-1.5b")
    parser.add_argument("--bits", type=int, default=16, choices=(4, 16))
    parser.add_argument("--arms", nargs="*", default=list(ARMS), choices=ARMS)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--limit", type=float, default=300, help="seconds an arm may take in all")
    parser.add_argument("--gpus", type=int, default=1)
    parser.add_argument("--root", default=str(Path(tempfile.gettempdir()) / "gpu_training"))
    parser.add_argument("--one", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        random_models.send(measure(options.one, options))
        return
    speeds = {}
    print(f"{options.base}, {options.bits}-bit", flush=True)
    commands = [(name, [__file__, *sys.argv[1:], "--one", name]) for name in options.arms]
    for name, r, error in random_models.side_by_side(commands, options.gpus, options.limit):
        if r is None:
            print(f"{ARMS[name]:36} failed: {error[:160]}", flush=True)
            continue
        speeds[name] = r["tokens_s"]
        plan = f"  {r['share']:.0%} of the matrix rate  {r['plan']}" if "plan" in r else ""
        print(
            f"{ARMS[name]:36} {r['tokens_s']:8.0f} tokens/s {r['peak_gib']:6.1f} GiB  "
            f"first step {r['first_s']:6.1f} s  "
            f"step {r['step_s']:.3f} s  loss {r['loss']:.3f}  ({r['steps']} steps){plan}",
            flush=True,
        )
    ours = speeds.pop("ours", None)
    for name, speed in speeds.items() if ours else ():
        print(f"ours / {ARMS[name]}: {ours / speed:.2f}")


if __name__ == "__main__":
    main()
