"""Answers a second of GRPO's sampling on one GPU: our sampler beside TRL's and others.

    python benchmarks/rollouts.py [--bases qwen2.5-1.5b qwen2.5-3b] [--arms NAME …]
                                  [--answers 8 64] [--out FILE] [--limit 100] [--t4]

Models with random weights in the shape of each base, with a LoRA of rank 32 that has moved; prompts
of 60 to 180 tokens, 8 answers each, 256 tokens an answer (random weights end none). Every arm runs
in a process of its own and writes a JSON line for each measurement: seconds for so many answers
after a first, untimed call; for the TRL arms also a step of training with 64 answers, and which
share of it is sampling. With `--t4` our arm runs in float16 in 14.7 GiB of the GPU's memory, as a
T4 has, with the batches that the plan chooses for it.
"""

import argparse
import importlib.util
import json
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import random_models

ARMS = {
    "trl": "TRL, plain generation",
    "trl-continuous": "TRL, transformers' continuous batching",
    "unsloth": "Unsloth, its own generation",
    "unsloth-fast": "Unsloth, fast inference (vLLM)",
    "vllm": "TRL with vLLM, colocated",
    "ours": "ours",
}
NEEDS = {"unsloth": ["unsloth"], "unsloth-fast": ["unsloth", "vllm"], "vllm": ["vllm"]}
COPIES, TOKENS, LEARNT = 8, 256, 64  # answers a prompt, tokens an answer, answers of a step
T4 = {
    "gpu": "Tesla T4",
    "gpu_gb": 15.0,
    "gpu_capability": 7.5,
    "bf16": False,
    "memory_gb": 12.7,
    "cores": 2,
}
T4_GIB = 14.7


def prompts(count, seed=1):
    rng = random.Random(seed)
    return [[rng.randrange(10, 49_000) for _ in range(rng.randint(60, 180))] for _ in range(count)]


def adapted(model, rank=32):
    """The model with a LoRA adapter whose weights are not zero."""
    from twinlib.models import load

    model = load.with_adapter(model, None, load.Lora(rank))
    for name, weight in model.named_parameters():
        if "lora_B" in name:
            weight.data.normal_(0, 0.002)
    return model


def grpo(model, tokenizer, answers, at_once, ours, **options):
    """TRL's trainer on random prompts; `at_once` answers in a forward and backward pass."""
    from datasets import Dataset
    from trl import GRPOConfig, GRPOTrainer

    from twinlib.train import grpo as training
    from twinlib.train import trl_hooks
    from twinlib.train.callbacks import silence_logging

    silence_logging()

    class Measured(trl_hooks.Hooks, GRPOTrainer):
        """Prompts are texts of numbers, as the tokenizer has no words."""

        sampling = []

        def compared(self, sampled, trained, inputs):
            difference = training.mean_difference(sampled, trained, inputs["completion_mask"])
            self.note("sampler_difference", difference)

        def _tokenize_prompts(self, texts):
            return numbers(texts), None, {}

        def _generate_single_turn(self, rows, *rest, **more):
            began = time.perf_counter()
            made = super()._generate_single_turn(rows, *rest, **more)
            self.sampling.append(time.perf_counter() - began)
            return made

    def numbers(texts):
        return [[int(number) for number in text.split()] for text in texts]

    def rollout(texts, trainer):
        rows, began = numbers(texts), time.perf_counter()
        found = trainer.sampler.sample(rows[::COPIES], COPIES)
        trainer.sampling.append(time.perf_counter() - began)
        answers = [r.tokens for r in found], [r.logprobs for r in found]
        return dict(zip(("prompt_ids", "completion_ids", "logprobs"), (rows, *answers)))

    rng = random.Random(0)
    arguments = GRPOConfig(
        output_dir=tempfile.mkdtemp(),
        per_device_train_batch_size=at_once,
        gradient_accumulation_steps=answers // at_once,
        num_generations=COPIES,
        max_completion_length=TOKENS,
        learning_rate=1e-5,
        loss_type="dapo",
        beta=0.0,
        temperature=1.0,
        logging_steps=1,
        save_strategy="no",
        report_to="none",
        disable_tqdm=True,
        **(trl_hooks.COMPARING if ours else {}),
        **{"bf16": True, "gradient_checkpointing": False, "max_steps": 2, **options},
    )
    rows = [{"prompt": " ".join(map(str, row))} for row in prompts(64)]
    trainer = Measured(
        model=model,
        args=arguments,
        train_dataset=Dataset.from_list(rows),
        reward_funcs=[lambda prompts, **_: [rng.random() for _ in prompts]],
        processing_class=tokenizer,
        rollout_func=rollout if ours else None,
    )
    if ours:
        from twinlib.models.rollouts import Sampler
        from twinlib.train.kernels import patch_lora

        patch_lora(model)
        trainer.use_chunks()
        trainer.sampler = Sampler(model, tokenizer, TOKENS)
    return trainer


def timed(answer, rows, twice=True):
    """Seconds of answer(rows), of the second call if `twice`, and its tokens."""
    import torch

    if twice:
        answer(rows)
    torch.cuda.synchronize()
    began = time.perf_counter()
    tokens = sum(map(len, answer(rows)))
    torch.cuda.synchronize()
    return time.perf_counter() - began, tokens


class Log:
    """Writes measurements as JSON lines."""

    def __init__(self, options, base, arm):
        self.file, self.fixed = options.out, {"base": base, "arm": arm}

    def write(self, **figures):
        import torch

        if "seconds" in figures:
            figures.setdefault("tokens", figures["answers"] * TOKENS)
            for name in ("answers", "tokens"):
                figures[name + "_s"] = round(figures[name] / figures["seconds"], 2)
        if torch.cuda.is_initialized():
            figures["peak_gib"] = round(torch.cuda.max_memory_allocated() / 2**30, 2)
        append(self.file, {**self.fixed, **figures})


def append(file, record):
    with open(file, "a", encoding="utf-8") as out:
        out.write(json.dumps(record) + "\n")


def measure(base, arm, options):
    log = Log(options, base, arm)
    if arm in ("trl", "trl-continuous", "ours"):
        by_trainer(base, arm, options, log)
    elif arm == "vllm":
        by_vllm(base, options, log)
    else:
        by_unsloth(base, arm, options, log)


def by_trainer(base, arm, options, log):
    from twinlib.models import estimate
    from twinlib.models.plan import machine

    ours, continuous = arm == "ours", arm == "trl-continuous"
    model, at_once, extra = random_models.build(base), 8, {"max_steps": options.steps}
    if continuous:
        model.set_attn_implementation("paged|sdpa")
        extra["use_transformers_continuous_batching"] = True
    if ours:
        shape = estimate.shape(base)
        at_once, way = estimate.learning_batch(machine(), shape, LEARNT, TOKENS, "16-bit")
        extra["gradient_checkpointing"] = way == "full"
    trainer = grpo(adapted(model), random_models.tokenizer(), LEARNT, at_once, ours, **extra)
    trainer.model.train()

    def answer(rows):
        if ours:
            return [rollout.tokens for rollout in trainer.sampler.sample(rows, COPIES)]
        repeated = [row for row in rows for _ in range(COPIES)]
        return trainer._generate_single_turn(repeated, None, {})[0]

    if not ours:
        trainer.generation_config.max_new_tokens = 4
        answer(prompts(1))
        trainer.generation_config.max_new_tokens = TOKENS
    if not continuous and LEARNT in options.answers:
        train(trainer, log, at_once=at_once)
    for answers in options.answers:
        if answers != LEARNT or continuous:
            seconds, tokens = timed(answer, prompts(answers // COPIES), ours)
            log.write(answers=answers, tokens=tokens, seconds=round(seconds, 2))


def train(trainer, log, answers=LEARNT, **facts):
    """Train, and write the times of each step and of its sampling."""
    import torch
    from transformers import TrainerCallback

    class Clock(TrainerCallback):
        def on_step_begin(self, args, state, control, **_):
            torch.cuda.synchronize()
            self.began = time.perf_counter()

        def on_step_end(self, args, state, control, **_):
            torch.cuda.synchronize()
            step, seconds = time.perf_counter() - self.began, trainer.sampling[-1]
            times = {"step_s": round(step, 2), "share": round(seconds / step, 3)}
            tokens = trainer.state.num_input_tokens_seen
            log.write(answers=answers, seconds=round(seconds, 2), **times, **facts, seen=tokens)

        def on_log(self, args, state, control, logs=None, **_):
            names = ("loss", "grad_norm", "sampler_difference", "completions/mean_length")
            log.write(step=state.global_step, **{n: logs[n] for n in names if n in logs})

    trainer.add_callback(Clock())
    trainer.train()


def by_unsloth(base, arm, options, log):
    import torch
    from unsloth import FastLanguageModel

    folder = random_models.save(base, Path(tempfile.gettempdir()) / "rollouts")
    fast = {"fast_inference": True, "max_lora_rank": 32} if arm.endswith("fast") else {}
    model, _ = FastLanguageModel.from_pretrained(
        str(folder), max_seq_length=512, dtype=None, load_in_4bit=False, **fast
    )
    model = FastLanguageModel.get_peft_model(model, r=32, lora_alpha=64, lora_dropout=0)
    if fast:
        from vllm import SamplingParams

        sampling = SamplingParams(max_tokens=TOKENS, ignore_eos=True)
        lora = model.load_lora("lora", load_tensors=True)

    def answer(rows):
        repeated = [row for row in rows for _ in range(COPIES)]
        if fast:
            requests = [{"prompt_token_ids": row} for row in repeated]
            out = model.fast_generate(requests, sampling_params=sampling, lora_request=lora)
            return [o.outputs[0].token_ids for o in out]
        FastLanguageModel.for_inference(model)
        width = max(map(len, repeated))
        ids = torch.tensor([[0] * (width - len(r)) + r for r in repeated], device="cuda")
        mask = torch.tensor([[0] * (width - len(r)) + [1] * len(r) for r in repeated]).cuda()
        kwargs = {"max_new_tokens": TOKENS, "do_sample": True, "temperature": 1.0}
        with torch.no_grad():
            out = model.generate(input_ids=ids, attention_mask=mask, pad_token_id=0, **kwargs)
        return out[:, width:].tolist()

    for answers in options.answers:
        seconds, tokens = timed(answer, prompts(answers // COPIES))
        log.write(answers=answers, tokens=tokens, seconds=round(seconds, 2))


def by_vllm(base, options, log):
    from vllm import LLM, SamplingParams

    folder = random_models.save(base, Path(tempfile.gettempdir()) / "rollouts")
    model = LLM(str(folder), dtype="bfloat16", gpu_memory_utilization=0.3, max_model_len=512)
    sampling = SamplingParams(max_tokens=TOKENS, ignore_eos=True, logprobs=0)

    def answer(rows):
        requests = [{"prompt_token_ids": row} for row in rows for _ in range(COPIES)]
        return [o.outputs[0].token_ids for o in model.generate(requests, sampling)]

    for answers in options.answers:
        seconds, tokens = timed(answer, prompts(answers // COPIES))
        log.write(answers=answers, tokens=tokens, seconds=round(seconds, 2))


def on_t4(base, options):
    """Our arm as the plan of a T4 has it, in float16 and a T4's memory."""
    import torch

    from twinlib.models import estimate

    total = torch.cuda.get_device_properties(0).total_memory
    torch.cuda.set_per_process_memory_fraction(T4_GIB * 2**30 / total)
    shape = estimate.shape(base)
    answers = estimate.answers_at_once(T4, shape, COPIES, TOKENS, "16-bit")
    at_once, checkpointing = estimate.learning_batch(T4, shape, answers, TOKENS, "16-bit")
    ways = (at_once, answers, TOKENS, "16-bit", checkpointing)
    estimated = estimate.grpo_memory(T4, shape, *ways) / 2**30
    model = adapted(random_models.build(base).half(), 32)
    extra = {"bf16": False, "fp16": True, "gradient_checkpointing": checkpointing == "full"}
    if checkpointing == "full":
        model.enable_input_require_grads()
    trainer = grpo(model, random_models.tokenizer(), answers, at_once, True, **extra)
    facts = {"at_once": at_once, "checkpointing": checkpointing}
    train(trainer, Log(options, base, "t4"), answers, **facts, estimated_gib=round(estimated, 2))


def table(file):
    """Print the measurements as ratios to TRL's plain generation, the last ones of each arm."""
    records = [json.loads(line) for line in Path(file).read_text(encoding="utf-8").splitlines()]
    timed_ = {(r["base"], r["arm"], r["answers"]): r for r in records if "seconds" in r}
    for (base, arm, answers), r in timed_.items():
        plain = timed_.get((base, "trl", answers), {})
        ratio = f"{plain['seconds'] / r['seconds']:6.2f} x" if plain else " " * 8
        line = (
            f"{base:14} {ARMS.get(arm, arm):40} {answers:4} answers {r['answers_s']:8.2f} a second "
            f"{r['tokens_s']:9.0f} tokens/s {ratio} {r['peak_gib']:6.1f} GiB"
        )
        if "step_s" in r:
            line += f"  step {r['step_s']:.2f} s, {r['share']:.0%} of it sampling"
            line += f" ({plain['step_s'] / r['step_s']:.2f} x)" if plain.get("step_s") else ""
        print(line)
    for r in records:
        if "error" in r:
            print(f"{r['base']:14} {ARMS.get(r['arm'], r['arm']):40} not available: {r['error']}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--bases", nargs="*", default=["qwen2.5-1.5b", "qwen2.5-3b"])
    parser.add_argument("--arms", nargs="*", default=list(ARMS), choices=ARMS)
    parser.add_argument("--answers", nargs="*", type=int, default=[8, 64])
    parser.add_argument("--out", default=str(Path(tempfile.gettempdir()) / "rollouts.jsonl"))
    parser.add_argument("--limit", type=float, default=100, help="seconds an arm may take")
    parser.add_argument("--steps", type=int, default=2, help="steps of training")
    parser.add_argument("--t4", action="store_true")
    parser.add_argument("--one", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        base, arm = options.one
        on_t4(base, options) if arm == "t4" else measure(base, arm, options)
        return
    for base in options.bases:
        for arm in ["t4"] if options.t4 else options.arms:
            missing = [n for n in NEEDS.get(arm, []) if importlib.util.find_spec(n) is None]
            error = f"{missing[0]} is not installed here" if missing else run(base, arm, options)
            if error:
                append(options.out, {"base": base, "arm": arm, "error": error})
    table(options.out)


def run(base, arm, options):
    """Measure in a process of its own; why that failed, or ''."""
    command = [sys.executable, __file__, *sys.argv[1:], "--one", base, arm]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=options.limit)
    except subprocess.TimeoutExpired:
        return f"over {options.limit:.0f} s"
    print(done.stderr[-2000:] if done.returncode else "", end="", file=sys.stderr, flush=True)
    lines = done.stderr.strip().splitlines()
    return (lines or ["no output"])[-1] if done.returncode else ""


if __name__ == "__main__":
    main()
