"""What training costs, from a model's shape and a machine: bytes at the peak, seconds a step.

Counts what a step computes and moves; how much of a machine's rates it reaches was measured on H100s
(benchmarks/plan_accuracy.py prints what was predicted beside what was measured). Nothing here imports torch.
"""

import json
from pathlib import Path
from typing import NamedTuple

from .. import catalogue
from ..catalogue import Shape

GIB = 2**30


def shape(base):
    """The catalogue.Shape of a catalogue model, or of a model folder from its config.json; None when neither tells."""
    entry = catalogue.entry(base)
    if entry.shape:
        return entry.shape
    try:
        config = json.loads((Path(base).expanduser() / "config.json").read_text())
        config = config.get("text_config", config)
        layers, hidden, vocabulary, inner, heads = (
            config[key]
            for key in (
                "num_hidden_layers",
                "hidden_size",
                "vocab_size",
                "intermediate_size",
                "num_attention_heads",
            )
        )
        width = config.get("head_dim") or hidden // heads
        return Shape(
            layers,
            hidden,
            inner,
            heads * width,
            (config.get("num_key_value_heads") or heads) * width,
            vocabulary,
            config.get("tie_word_embeddings", True),
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def overflows(base):
    """Whether a base's numbers are too large for float16: Gemma 3's reach 100,000 between its layers (270M), and what
    comes out is no number. Where there is no bfloat16, it takes float32."""
    entry = catalogue.entry(base)
    if entry.parameters:
        return entry.architecture == "gemma3"
    try:
        return json.loads((Path(base).expanduser() / "config.json").read_text())[
            "model_type"
        ].startswith("gemma3")
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return False


UNKNOWN = Shape(32, 4096, 12288, 4096, 1024, 152064, False)  # about 8 billion parameters


class Step(NamedTuple):
    """How a step is taken: `tokens` at once, in how many bits, LoRA rank, checkpointing, compiled or not, on a GPU."""

    tokens: int
    precision: str
    rank: int
    checkpointing: str
    compiled: bool
    gpu: bool


# Memory


def memory(shape, step):
    """Bytes at the peak of a training step, as torch counts them on a GPU; on a CPU those of the whole process."""
    width = 4 if step.precision == "32-bit" else 2
    rest = (shape.head * (1 if shape.tied else 2)) * width
    weights = rest + shape.linear * (
        0.58 if step.precision == "4-bit" else width
    )  # NF4 and its blocks' scales
    adapter = (
        shape.layers * shape.edges * step.rank * 16
    )  # float32 weight, gradient and two Adam moments
    chunk = 1024 * shape.vocabulary * 8 if step.gpu else 128 * shape.vocabulary * 12
    layer = _kept(shape, step, "none")
    return (
        weights
        + adapter
        + shape.layers * _kept(shape, step, step.checkpointing)
        + max(chunk, 1.27 * layer)
        + (0 if step.gpu else 0.9 * GIB)
    )


def _kept(shape, step, checkpointing):
    """Bytes that a layer keeps for its backward pass."""
    numbers = {
        "none": 4 * shape.hidden + 2 * (shape.query + shape.keys) + 3 * shape.inner,
        # what is cheap is computed again: norms, and the product of the gate
        "selective": 2 * shape.hidden + 2 * (shape.query + shape.keys) + 2 * shape.inner,
        "full": shape.hidden,
    }[checkpointing]
    uncompiled = 1 if step.compiled or checkpointing == "full" else 1.35
    return step.tokens * numbers * uncompiled * (4 if step.precision == "32-bit" else 2)


# Time

# By datasheet: 16-bit operations a second (dense) and bytes a second of the memory, in 1e12
CARDS = (
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
)
ARITHMETIC, TRAFFIC = 0.81, 0.42  # the shares of these that our steps reach
LEARNT = 0.65  # of a row's tokens


def rates(machine):
    """(operations, bytes) a second, 1e12 each, that this machine sustains in training."""
    peak, bandwidth = next(
        ((peak, bandwidth) for name, peak, bandwidth in CARDS if name in (machine["gpu"] or "")),
        (60, 0.4),
    )
    return ARITHMETIC * peak, TRAFFIC * bandwidth


def step_seconds(machine, shape, step):
    """Seconds for one batch of a step, forward and backward."""
    passes = {"none": 4, "selective": 4, "full": 6}[
        step.checkpointing
    ]  # LoRA needs no gradient of the weights
    operations = step.tokens * (passes * shape.linear + 4 * LEARNT * shape.head)
    if not machine["gpu"]:
        each = machine["cores"] * (
            110e9 if machine["bf16"] and step.precision == "16-bit" else 50e9
        )
        return operations / each
    arithmetic, bandwidth = rates(machine)
    moved = 4 * shape.edges + 10 * shape.hidden + 6 * shape.inner
    moved *= {"none": 1, "selective": 1.05, "full": 1.3}[step.checkpointing] * (
        1 if step.compiled else 2
    )
    traffic = step.tokens * shape.layers * moved * 2
    unpacked = (
        (2 + (step.checkpointing == "full")) * shape.linear * 2.6
        if step.precision == "4-bit"
        else 0
    )
    return (
        operations / arithmetic / 1e12
        + (traffic + unpacked) / bandwidth / 1e12
        + _launches(shape, step)
    )


def _launches(shape, step):
    """Seconds in which the GPU waits for the processor to tell it what to do."""
    return 0.02 + shape.layers * (0.0003 if step.compiled else 0.002)


UNSLOTH = (
    3.0  # times the time of ours: measured with full sequences on an H100; on older cards a guess
)


def compile_seconds(machine):
    """Seconds that the first step takes longer when the layers are compiled: all share their code."""
    return 7 + 50 / machine["cores"]
