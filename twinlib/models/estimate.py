"""Estimates of a training step from a model's shape and a machine: bytes at the peak, seconds.

Counts what a step computes and moves. The shares of a card's datasheet rates that it reaches were
measured on H100s; benchmarks/plan_accuracy.py prints the estimate beside the measurement. Nothing
here imports torch.
"""

import os
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from .. import catalogue
from ..catalogue import Shape
from ..files import json_or

GIB = 2**30
RECURRENT = "rwkv7"  # the model type of RWKV-7
# Assumed for a base whose shape is unknown: about 8 billion parameters.
UNKNOWN = Shape(32, 4096, 12288, 4096, 1024, 152064, False)


def shape(base: str) -> Shape | None:
    """The shape of a catalogue model, or of one that is here by its config.json; else None."""
    entry = catalogue.entry(base)
    if entry.shape:
        return entry.shape
    config = _config(base)
    config = config.get("text_config", config)
    if config.get("model_type") == RECURRENT:
        return _recurrent_shape(config)
    try:
        heads = config["num_attention_heads"]
        width = config.get("head_dim") or config["hidden_size"] // heads
        return Shape(
            layers=config["num_hidden_layers"],
            hidden=config["hidden_size"],
            inner=config["intermediate_size"],
            query=heads * width,
            keys=(config.get("num_key_value_heads") or heads) * width,
            vocabulary=config["vocab_size"],
            tied=config.get("tie_word_embeddings", True),
            looked_up=config.get("hidden_size_per_layer_input", 0)
            * config["num_hidden_layers"]
            * config["vocab_size"],
        )
    except (KeyError, TypeError):
        return None


def _recurrent_shape(config):
    """RWKV-7's shape: four square matrices and two of the feed-forward part, which has no gate."""
    try:
        hidden = config["hidden_size"]
        inner = config.get("intermediate_size") or int(hidden * config.get("hidden_ratio", 4))
        return Shape(
            layers=config["num_hidden_layers"],
            hidden=hidden,
            inner=round(inner * 2 / 3),
            query=hidden,
            keys=hidden,
            vocabulary=config["vocab_size"],
            tied=False,
        )
    except (KeyError, TypeError):
        return None


def recurrent(base: str | Path) -> bool:
    """Whether a base, of the catalogue or here, is RWKV-7, which has a state and no attention."""
    entry = catalogue.entry(str(base))
    kind = entry.architecture if entry.parameters else _config(base).get("model_type", "")
    return kind == RECURRENT


def overflows(base: str) -> bool:
    """Whether a base's activations overflow float16 to NaN: without bfloat16 it needs float32.

    Gemma 3's reach 100,000 between its layers (measured with 270M); float16 ends at 65,504.
    """
    entry = catalogue.entry(base)
    family = entry.architecture if entry.parameters else _config(base).get("model_type", "")
    return kind_overflows(family)


def kind_overflows(kind: str) -> bool:
    """Whether activations of models of a kind, as their configuration names it, do."""
    return str(kind).startswith(catalogue.OVERFLOW_FLOAT16)


def _config(base):
    """The config.json of a model folder, or of a hub id once it was downloaded; {} for others."""
    folder = Path(base).expanduser()
    if isinstance(base, str) and not folder.is_dir() and catalogue.possible(base):
        from huggingface_hub import try_to_load_from_cache

        with suppress(ValueError):  # no name that the hub would give
            found = try_to_load_from_cache(base, "config.json")
            return json_or(Path(found), {}) if isinstance(found, str) else {}
    return json_or(folder / "config.json", {})


class Step(NamedTuple):
    """One batch of training, forward and backward."""

    tokens: int
    precision: str  # 4-bit, 16-bit or 32-bit
    rank: int  # of LoRA
    checkpointing: str  # none, selective or full
    compiled: bool
    gpu: bool
    shards: int = 1  # processes that share the weights


# Memory


def shards() -> int:
    """The number of processes over which one model's weights are spread; 1 where each has all.

    `accelerate launch` says so with FSDP (--use_fsdp, or a configuration made for it).
    """
    spread = os.environ.get("ACCELERATE_USE_FSDP", "").lower() == "true"
    return int(os.environ.get("WORLD_SIZE", 1)) if spread else 1


def usable(machine: dict) -> float:
    """GiB that training may take; the rest is for the driver, other programs and fragmentation."""
    return machine["gpu_gb"] * 0.94 - 0.7 if machine["gpu"] else machine["memory_gb"] * 0.7


def memory(shape: Shape, step: Step) -> float:
    """Peak bytes of a training step: what torch allocates on a GPU, the whole process on a CPU."""
    width = 4 if step.precision == "32-bit" else 2  # bytes
    linear_width = 0.58 if step.precision == "4-bit" else width  # NF4 with the scales of its blocks
    embeddings = shape.head * (1 if shape.tied else 2) + shape.looked_up
    weights = embeddings * width + shape.linear * linear_width
    if step.shards > 1:  # a layer, the next one and the embeddings are there as a whole for a time
        gathered = 2 * shape.linear / shape.layers * width + embeddings * width
        weights = weights / step.shards + gathered
    # float32 weight, gradient and two Adam moments
    adapter = shape.layers * shape.edges * step.rank * 16
    activations = shape.layers * _kept(shape, step, step.checkpointing)
    loss_chunk = 1024 * shape.vocabulary * 8 if step.gpu else 128 * shape.vocabulary * 12
    largest = max(loss_chunk, 1.27 * _kept(shape, step, "none"))
    libraries = 0 if step.gpu else 0.9 * GIB
    return weights + adapter + activations + largest + libraries


def _kept(shape, step, checkpointing):
    """Bytes that a layer keeps for its backward pass."""
    numbers = {
        "none": 4 * shape.hidden + 2 * (shape.query + shape.keys) + 3 * shape.inner,
        # Norms and the product of the gate, which are cheap, are recomputed.
        "selective": 2 * shape.hidden + 2 * (shape.query + shape.keys) + 2 * shape.inner,
        "full": shape.hidden,
    }[checkpointing]
    uncompiled = 1 if step.compiled or checkpointing == "full" else 1.35
    return step.tokens * numbers * uncompiled * (4 if step.precision == "32-bit" else 2)


def answers(shape: Shape, rows: int, columns: int, precision: str) -> float:
    """Bytes that answering takes: keys and values of `columns` tokens a row, scores of a token."""
    width = 4 if precision == "32-bit" else 2
    return rows * (2 * shape.layers * shape.keys * width * columns + 16 * shape.vocabulary)


# Memory of GRPO, which answers many problems at once and learns from a part of the answers at once

PROMPT = 192  # tokens of a problem and of what stands before it
_PROBLEMS = (8, 4, 2)  # in a step on a GPU
_MOST_TOKENS = {True: 8192, False: 2048}  # learnt from at once with and without a GPU
_PLAIN = 1.5  # activations that transformers' own layers keep, by those that ours keep


def grpo_memory(
    machine: dict,
    shape: Shape,
    at_once: int,
    batch: int,
    tokens: int,
    precision: str,
    checkpointing: str,
) -> float:
    """Peak bytes of a step with `batch` answers of `tokens` tokens, learnt from `at_once`.

    What sampling takes stays there while the model learns.
    """
    row, gpu = tokens + PROMPT, bool(machine["gpu"])
    kept = at_once * row * (_PLAIN if checkpointing == "none" else 1)
    step = Step(kept, precision, 32, checkpointing, False, gpu)
    return memory(shape, step) + answers(shape, batch, row, precision)


def answers_at_once(
    machine: dict, shape: Shape, generations: int, tokens: int, precision: str
) -> int:
    """Answers of a step: those to 8 problems, or to fewer where their keys and values don't fit."""
    for problems in _PROBLEMS:
        batch = problems * generations
        least = grpo_memory(machine, shape, 1, batch, tokens, precision, "full")
        if least <= usable(machine) * GIB:
            return batch
    return generations


def learning_batch(
    machine: dict, shape: Shape, batch: int, tokens: int, precision: str
) -> tuple[int, str]:
    """(answers that GRPO learns from at once, checkpointing 'none' or 'full').

    The largest part of `batch` answers that fits; recomputed only where 8 don't fit otherwise.
    """
    gpu = bool(machine["gpu"])
    most = max(1, _MOST_TOKENS[gpu] // (tokens + PROMPT))
    sizes = [size for size in range(min(batch, most), 0, -1) if batch % size == 0]
    if not gpu:
        return sizes[0], "none"
    ways = [(size, "none") for size in sizes if size >= 8] + [(size, "full") for size in sizes]
    for size, checkpointing in ways:
        peak = grpo_memory(machine, shape, size, batch, tokens, precision, checkpointing)
        if peak <= usable(machine) * GIB:
            return size, checkpointing
    return ways[-1]


# Time

# From datasheets: (name, 10¹² dense 16-bit operations a second, 10¹² bytes of memory a second)
_CARDS = (
    ("H200", 990, 4.8),
    ("H100", 990, 3.35),
    ("A100", 312, 1.55),
    ("L40", 181, 0.86),
    ("L4", 121, 0.30),
    ("A10", 125, 0.60),
    ("5090", 210, 1.79),
    ("4090", 165, 1.01),
    ("4080", 97, 0.72),
    ("3090", 71, 0.94),
    ("3060", 26, 0.36),
    ("T4", 65, 0.32),
    ("V100", 112, 0.90),
    ("P100", 19, 0.73),
    ("Ultra", 26, 0.8),  # of Apple's chips, as the next three lines; measured by nobody here
    ("Max", 13, 0.4),
    ("Pro", 6, 0.2),
    ("Apple", 3, 0.1),
)
_OTHER_CARD = (60, 0.4)
_ARITHMETIC, _TRAFFIC = 0.81, 0.42  # shares of the datasheet rates that our steps reach
_READING = 0.7  # share of the datasheet's bandwidth at which weights are read
GRPO = 1.5  # a step of TRL's on transformers' own layers over ours
_CPU_BYTES = 8e9  # a second that a CPU reads while it answers
_LEARNT = 0.65  # share of a row's tokens that pass through the output head
# A step's time with Unsloth over ours: measured on an H100 with full sequences, a guess elsewhere.
UNSLOTH = 3.0


def step_seconds(machine: dict, shape: Shape, step: Step) -> float:
    """Seconds for one batch, forward and backward."""
    # A weight takes 2 operations forward, 2 backward (LoRA needs no gradient of the weights), and
    # 2 more to recompute.
    per_weight = {"none": 4, "selective": 4, "full": 6}[step.checkpointing]
    operations = step.tokens * (per_weight * shape.linear + 4 * _LEARNT * shape.head)
    if not machine["gpu"]:
        fast = machine["bf16"] and step.precision == "16-bit"
        return operations / (machine["cores"] * (110e9 if fast else 50e9))
    peak, bandwidth = _rates(machine)
    moved = 4 * shape.edges + 10 * shape.hidden + 6 * shape.inner  # values per token and layer
    moved *= {"none": 1, "selective": 1.05, "full": 1.3}[step.checkpointing]
    traffic = step.tokens * shape.layers * moved * 2 * (1 if step.compiled else 2)
    if step.precision == "4-bit":  # de-quantized in each pass
        traffic += (3 if step.checkpointing == "full" else 2) * shape.linear * 2.6
    # The GPU waits for the CPU to launch its kernels.
    launches = 0.02 + shape.layers * (0.0003 if step.compiled else 0.002)
    return (operations / (_ARITHMETIC * peak) + traffic / (_TRAFFIC * bandwidth)) / 1e12 + launches


def _rates(machine):
    """(10¹² operations a second, 10¹² bytes a second) of the GPU's datasheet."""
    rates = (rates for name, *rates in _CARDS if name in machine["gpu"])
    return next(rates, _OTHER_CARD)


def token_seconds(machine: dict, shape: Shape, rows: int, columns: int, precision: str) -> float:
    """Seconds to write one token of each of `rows` answers at once."""
    width = 4 if precision == "32-bit" else 2
    weights = shape.parameters * 1e9 * width
    moved = weights + answers(shape, rows, columns, precision)
    operations = 2 * rows * shape.parameters * 1e9
    if not machine["gpu"]:
        return max(moved / _CPU_BYTES, operations / (machine["cores"] * 50e9))
    peak, bandwidth = _rates(machine)
    small_kernels = shape.layers * 1.5e-4  # measured on an H200, replayed from a CUDA graph
    arithmetic = operations / (_ARITHMETIC * peak * 1e12)
    return max(moved / (_READING * bandwidth * 1e12), arithmetic) + small_kernels


_WRITTEN = {True: 400, False: 60}  # tokens a second that a batch of answers takes
_SHORT_ANSWER = 60  # tokens of an answer to one of the score card's own questions
_COMPARED = 100  # tokens of an answer that are embedded
_EMBEDDED = 700  # tokens a second on two cores
_TEXT, _PICK = 220, 8 * 50  # tokens of a text that is scored, and of four replies, twice


def evaluation_seconds(machine: dict, shape: Shape, tokens: int) -> dict[str, float]:
    """{kind: seconds} of what the evaluation computes, in the order in which it does.

    `tokens` are those of an answer.
    """
    gpu = bool(machine["gpu"])
    forward = step_seconds(machine, shape, Step(12_000, "16-bit", 0, "none", False, gpu)) / 2
    return {
        "answers": tokens / _WRITTEN[gpu],
        "texts": _TEXT / 12_000 * forward,
        "continuations": 50 / _WRITTEN[gpu],
        "picks": _PICK / 12_000 * forward,
        "replies": _SHORT_ANSWER / _WRITTEN[gpu],
        "files": tokens / _WRITTEN[gpu],
        "vectors": min(tokens, _COMPARED) / _EMBEDDED,
    }


def compile_seconds(machine: dict) -> float:
    """Seconds that compiling adds to the first step; the layers share the compiled code."""
    return 7 + 50 / machine["cores"]
