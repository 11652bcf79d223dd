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
import json
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
        self.tokens, self.steps, self.first, self.began, self.start = (
            0,
            0,
            0.0,
            0.0,
            time.perf_counter(),
        )

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

    def attach(self, trainer):
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
    sizes = (
        {
            "per_device_train_batch_size": SEQUENCES,
            "gradient_accumulation_steps": 1,
            "packing": True,
        }
        if packed
        else {"per_device_train_batch_size": 2, "gradient_accumulation_steps": 4}
    )
    return dict(
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
        **sizes,
        **more,
    )


def _dataset():
    from datasets import Dataset

    some = random_models.rows()
    return Dataset.from_dict(
        {"input_ids": [ids for ids, _ in some], "completion_mask": [mask for _, mask in some]}
    )


def trl(folder, bits, seconds, packed, attention="sdpa", liger=False):
    import torch
    from peft import LoraConfig
    from transformers import AutoModelForCausalLM, AutoTokenizer, BitsAndBytesConfig
    from trl import SFTConfig, SFTTrainer

    extra = (
        {
            "quantization_config": BitsAndBytesConfig(
                load_in_4bit=True,
                bnb_4bit_quant_type="nf4",
                bnb_4bit_use_double_quant=True,
                bnb_4bit_compute_dtype=torch.bfloat16,
            )
        }
        if bits == 4
        else {}
    )
    model = AutoModelForCausalLM.from_pretrained(
        folder, dtype=torch.bfloat16, device_map={"": 0}, attn_implementation=attention, **extra
    )
    model.config.use_cache = False
    # Without checkpointing a packed step of TRL's takes more than the card has, except for the
    # small model.
    large = packed and (bits == 4 or model.config.hidden_size > 2048)
    arguments = SFTConfig(
        **_arguments(folder, packed, gradient_checkpointing=large, use_liger_kernel=liger)
    )
    trainer = SFTTrainer(
        model=model,
        args=arguments,
        train_dataset=_dataset(),
        processing_class=AutoTokenizer.from_pretrained(folder),
        peft_config=LoraConfig(r=16, lora_alpha=32, target_modules="all-linear"),
    )
    return Clock(seconds).attach(trainer)


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
    return Clock(seconds).attach(trainer)


def ours(base, bits, seconds, folder):
    import torch

    from twinlib.models import estimate
    from twinlib.models.plan import machine

    wanted, plan = random_models.planned(base, f"{bits}-bit", machine())
    settings = replace(wanted, steps=WARM + STEPS)
    found = Clock(seconds).attach(random_models.trainer(base, settings, folder / "out"))
    torch.cuda.empty_cache()
    share = found["tokens_s"] * 4e9 * estimate.shape(base).parameters / matrix_rate()
    names = ("batch", "accumulation", "length", "checkpointing", "compile")
    return {**found, "plan": {name: getattr(wanted, name) for name in names}, "share": share}


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


def arm(name, options):
    if name == "ours":
        return ours(options.base, options.bits, options.seconds, Path(options.root))
    folder = random_models.save(options.base, Path(options.root) / name)
    if name.startswith("unsloth"):
        return unsloth(
            folder,
            4 if name.endswith("notebook") else options.bits,
            options.seconds,
            name.endswith("packed"),
        )
    return trl(
        folder,
        options.bits,
        options.seconds,
        name != "trl",
        "flex_attention" if name.endswith("flex") else "sdpa",
        name.endswith("liger"),
    )


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
        print("RESULT " + json.dumps(arm(options.one, options)), flush=True)
        return
    found = {}
    print(f"{options.base}, {options.bits}-bit", flush=True)
    commands = [(name, [__file__, *sys.argv[1:], "--one", name]) for name in options.arms]
    for name, result, why in random_models.side_by_side(commands, options.gpus, options.limit):
        if result is None:
            print(f"{ARMS[name]:36} failed: {why[:160]}", flush=True)
            continue
        found[name] = r = json.loads(result)
        plan = f"  {r['share']:.0%} of the matrix rate  {r['plan']}" if "plan" in r else ""
        print(
            f"{ARMS[name]:36} {r['tokens_s']:8.0f} tokens/s {r['peak_gib']:6.1f} GiB  "
            f"first step {r['first_s']:6.1f} s  "
            f"step {r['step_s']:.3f} s  loss {r['loss']:.3f}  ({r['steps']} steps){plan}",
            flush=True,
        )
    for name in found:
        if name != "ours" and "ours" in found:
            print(f"ours / {ARMS[name]}: {found['ours']['tokens_s'] / found[name]['tokens_s']:.2f}")


if __name__ == "__main__":
    main()
