"""What this machine is, and the plan that follows: every setting left on 'auto', each with a one-line reason.

Nothing here imports torch, so that forms and checks answer at once. The numbers behind the plan (RECIPES: rank,
learning rate and epochs by size) are in tables; memory and time are estimates from the model's shape.
"""

import functools
import importlib.util
import json
import math
import os
import platform
import shutil
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

from .. import catalogue
from ..language import t
from ..twin import AUTO


class Plan(NamedTuple):
    """Planned `values` and their `reasons` by setting; memory in GiB at the peak, time in seconds, both estimates."""

    values: dict
    reasons: dict
    memory_gb: float
    seconds: float


# The machine


@functools.cache
def machine():
    """{system, python, cpu, cores, memory_gb, bf16, gpu, gpu_gb, gpu_capability, gpus, unsloth, colab} of this machine.

    `unsloth` says whether that engine is installed."""
    import psutil

    gpu, gpu_gb, capability, gpus = _gpu()
    return {"system": platform.system(), "python": platform.python_version(), "cpu": _cpu(),
            "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
            "memory_gb": round(psutil.virtual_memory().total / 2**30, 1),
            "bf16": capability >= 8 if gpu else _cpu_bf16(), "gpu": gpu, "gpu_gb": gpu_gb, "gpu_capability": capability,
            "gpus": gpus, "unsloth": importlib.util.find_spec("unsloth") is not None,
            "colab": "COLAB_RELEASE_TAG" in os.environ or "google.colab" in sys.modules}


def _gpu():
    tool = shutil.which("nvidia-smi")
    if not tool or os.environ.get("CUDA_VISIBLE_DEVICES") == "":
        return None, 0.0, 0.0, 0
    query = "--query-gpu=name,memory.total,compute_cap"
    try:
        out = subprocess.run([tool, query, "--format=csv,noheader,nounits"], capture_output=True, text=True, timeout=20)
        rows = [line.split(", ") for line in out.stdout.strip().splitlines()]
        name, megabytes, capability = rows[0]
        return name, round(float(megabytes) / 1024, 1), float(capability), len(rows)
    except (OSError, ValueError, IndexError, subprocess.TimeoutExpired):
        return None, 0.0, 0.0, 0


def _cpuinfo():
    try:
        return Path("/proc/cpuinfo").read_text()
    except OSError:
        return ""


def _cpu():
    names = [line.split(":", 1)[1].strip() for line in _cpuinfo().splitlines() if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()


def _cpu_bf16():
    return "avx512_bf16" in _cpuinfo() or "amx_bf16" in _cpuinfo()


def free_disk(path):
    """Free bytes on the disk that holds `path`, which need not exist yet."""
    path = Path(path).absolute()
    while not path.exists():
        path = path.parent
    return shutil.disk_usage(path).free


# Shapes, memory, time


class Shape(NamedTuple):
    """A model's size: parameters in billions, layers, hidden width, vocabulary."""

    parameters: float
    layers: int
    hidden: int
    vocabulary: int


def shape(base):
    """The Shape of a catalogue model, or of a model folder from its config.json; None when neither tells."""
    entry = catalogue.entry(base)
    if entry.parameters:
        return Shape(entry.parameters, entry.layers, entry.hidden, entry.vocabulary)
    try:
        config = json.loads((Path(base).expanduser() / "config.json").read_text())
        config = config.get("text_config", config)
        layers, hidden, vocabulary = (config[k] for k in ("num_hidden_layers", "hidden_size", "vocab_size"))
        per_layer = 4 * hidden**2 + 3 * hidden * config["intermediate_size"]
        return Shape((layers * per_layer + vocabulary * hidden) / 1e9, layers, hidden, vocabulary)
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


BYTES = {"4-bit": 0.6, "16-bit": 2.0, "32-bit": 4.0}


def training_memory(shape, precision, rank, tokens, checkpointing, gpu):
    """GiB at the peak of a LoRA training step with `tokens` tokens in the batch."""
    weights = shape.parameters * 1e9 * BYTES[precision]
    adapter = 18 * shape.hidden * shape.layers * rank * 16  # float32 weight, gradient and two Adam moments
    width = 4 if precision == "32-bit" else 2
    kept = 2 if checkpointing else 34
    activations = shape.layers * tokens * shape.hidden * width * kept
    head = 256 * shape.vocabulary * 4 * 3  # the loss goes over the vocabulary 256 tokens at a time
    process = 1.0 if gpu else 0.9
    return (weights + adapter + activations + head) / 2**30 + process


PEAK = (("H200", 990), ("H100", 990), ("A100", 312), ("L4", 120), ("A10", 125), ("4090", 165), ("3090", 71),
        ("T4", 65), ("V100", 112), ("P100", 19))  # 16-bit TFLOP/s, dense, by datasheet


def training_rate(machine, shape, precision):
    """Tokens a second of LoRA training: 4 operations a parameter and token over what the machine sustains."""
    if machine["gpu"]:
        peak = next((rate for name, rate in PEAK if name in machine["gpu"]), 60)
        sustained = peak * 1e12 * (0.04 if precision == "4-bit" else 0.07)
    else:
        sustained = machine["cores"] * (85e9 if machine["bf16"] and precision == "16-bit" else 45e9)
    return sustained / (4 * shape.parameters * 1e9)


# Plans


# largest size in billions -> rank, learning rate, epochs at most (4-bit and 16-bit alike)
RECIPES = ((1.0, 32, 4e-4, 4), (2.5, 32, 3e-4, 3), (9.5, 16, 2e-4, 3), (1000, 16, 1e-4, 2))
EPOCHS = {"smoke": 0.5, "quick": 0.7, "standard": 1.0, "thorough": 1.0}  # share of the recipe's epochs
SMOKE_TOKENS = {True: 120_000, False: 30_000}  # with and without a GPU: minutes, not hours
GPU_BASES = ((30, "qwen3-14b"), (20, "qwen3-8b"), (14, "qwen3-4b"), (7, "qwen2.5-1.5b"), (0, "qwen2.5-0.5b"))


def recommended_base(machine):
    """(name, reason) of the base to start with on this machine."""
    if not machine["gpu"]:
        return "gemma-3-270m", t("installed already, and small enough for a machine without a GPU",
                                 "已经装好，没有显卡也跑得动")
    name = next(name for size, name in GPU_BASES if machine["gpu_gb"] >= size)
    return name, t(f"the largest that trains comfortably in {machine['gpu_gb']:g} GB",
                   f"{machine['gpu_gb']:g} GB 显存能从容训练的最大模型")


def fits(entry, machine):
    """'16-bit', '4-bit' or '' : how a catalogue entry can be trained on this machine."""
    room = machine["gpu_gb"] if machine["gpu"] else machine["memory_gb"] * 0.7
    size = Shape(entry.parameters, entry.layers, entry.hidden, entry.vocabulary)
    for precision in ("16-bit", "4-bit"):
        if precision == "4-bit" and not machine["gpu"]:
            continue
        if training_memory(size, precision, 16, 2048, True, machine["gpu"]) <= room * 0.92:
            return precision
    return ""


def plan(step, settings, machine, facts):
    """The Plan of a step. `facts`: base (name), rows and tokens of the training set, as far as they are known."""
    return {"persona": _persona, "reasoning": _reasoning, "evaluate": _evaluate}[step](settings, machine, facts)


def _typed(settings, name, planned):
    value = getattr(settings, name, AUTO)
    return planned if value == AUTO else value


def _precision(settings, machine, size):
    """(precision, reason)."""
    if not machine["gpu"]:
        if machine["bf16"]:
            return "16-bit", t("this processor computes in bfloat16", "这颗处理器支持 bfloat16 运算")
        return "32-bit", t("this processor has no fast 16-bit arithmetic", "这颗处理器没有快速的 16 位运算")
    room = machine["gpu_gb"] * 0.92
    if training_memory(size, "16-bit", 32, 4096, True, True) <= room:
        return "16-bit", t("the whole base fits in 16-bit, which is faster than 4-bit", "16 位放得下，比 4 位快")
    return "4-bit", t(f"16-bit does not fit {machine['gpu_gb']:g} GB", f"16 位放不进 {machine['gpu_gb']:g} GB 显存")


def _engine(machine):
    """(engine, reason)."""
    if not machine["gpu"]:
        return "transformers", t("Unsloth needs an NVIDIA GPU", "Unsloth 需要英伟达显卡")
    if machine["gpu_capability"] < 7 or not machine.get("unsloth"):
        return "transformers", t("Unsloth is not installed, or this card is too old for it",
                                 "没有安装 Unsloth，或显卡太旧")
    if machine["gpu_capability"] < 8:
        return "unsloth", t("what people run on cards of this age", "这类老卡上大家都用它")
    return "transformers", t("packed training is faster with it on this card", "在这张卡上拼接训练更快")


def _persona(settings, machine, facts):
    values, reasons = {}, {}
    base, reasons["base"] = recommended_base(machine)
    values["base"] = base = _typed(settings, "base", base)
    size = shape(base) or Shape(7, 32, 4096, 152064)
    rank, rate, epochs = next(recipe[1:] for recipe in RECIPES if size.parameters <= recipe[0])
    values["rank"], reasons["rank"] = rank, t(f"the usual for {size.parameters:g} billion parameters",
                                              f"{size.parameters:g}B 参数的常用值")
    hurry = settings.effort == "smoke"  # few steps: twice the rate ends lower on held-out text
    values["learning_rate"] = 2 * rate if hurry else rate
    reasons["learning_rate"] = t("twice LoRA's rate for this size, as there are few steps",
                                 "步数少，用这个规模 LoRA 学习率的两倍") if hurry else t(
        "LoRA's rate for this size", "这个规模的 LoRA 学习率")
    values["epochs"], reasons["epochs"] = round(epochs * EPOCHS[settings.effort], 2), t(
        f"effort {settings.effort}; the best checkpoint is kept", f"力度 {settings.effort}；保留最好的检查点")
    values["precision"], reasons["precision"] = _precision(settings, machine, size)
    values["engine"], reasons["engine"] = _engine(machine)
    precision = _typed(settings, "precision", values["precision"])
    values["length"], reasons["length"] = (1024, t("passages are shorter than this", "段落都比这短"))
    length = _typed(settings, "length", values["length"])
    _batches(settings, machine, facts, size, precision, length, values, reasons)
    return _persona_cost(settings, machine, facts, size, precision, values, reasons)


def _batches(settings, machine, facts, size, precision, length, values, reasons):
    gpu = bool(machine["gpu"])
    values["packing"], reasons["packing"] = gpu and machine["gpu_capability"] >= 8, (
        t("short rows share sequences", "短行拼在一起") if gpu and machine["gpu_capability"] >= 8 else
        t("attention that keeps packed rows apart needs a newer GPU", "拼接后要互不可见，需要较新的显卡"))
    room = (machine["gpu_gb"] if gpu else min(machine["memory_gb"], 6)) * 0.85
    choices = (8, 4, 2, 1) if gpu else (2, 1)
    rank = _typed(settings, "rank", values["rank"])
    for checkpointing in (False, True):
        fitting = [b for b in choices
                   if training_memory(size, precision, rank, b * length, checkpointing, gpu) <= room]
        if fitting:
            break
    values["batch"] = (fitting or [1])[0]
    values["checkpointing"] = checkpointing
    reasons["batch"] = t("the most that fits", "放得下的最大值")
    reasons["checkpointing"] = t("needed to fit", "不开就放不下") if checkpointing else t("fits without", "不开也放得下")
    batch = _typed(settings, "batch", values["batch"])
    effective = 8 if facts.get("rows", 200) >= 200 and settings.effort != "smoke" else 4
    values["accumulation"] = max(1, effective // batch)
    reasons["accumulation"] = t(f"an effective batch of about {effective}", f"有效批大小约为 {effective}")


def _persona_cost(settings, machine, facts, size, precision, values, reasons):
    rows, tokens = facts.get("rows", 200), facts.get("tokens", 60_000)
    effective = _typed(settings, "batch", values["batch"]) * _typed(settings, "accumulation", values["accumulation"])
    epochs = _typed(settings, "epochs", values["epochs"])
    steps = max(1, math.ceil(rows * epochs / effective))
    reasons["steps"] = t(f"{rows} rows, {epochs:g} times, {effective} at once", f"{rows} 行，{epochs:g} 遍，每步 {effective} 行")
    per_step = max(1.0, tokens / max(rows, 1) * effective)
    if settings.effort == "smoke":
        cap = max(4, round(SMOKE_TOKENS[bool(machine["gpu"])] / per_step))
        if cap < steps:
            steps = cap
            reasons["steps"] = t("effort smoke stops after some minutes", "smoke 力度跑几分钟就停")
    values["steps"] = steps
    steps = _typed(settings, "steps", steps)
    length = min(_typed(settings, "length", values["length"]), 2 * tokens / max(rows, 1))
    batch = _typed(settings, "batch", values["batch"])
    memory = training_memory(size, precision, _typed(settings, "rank", values["rank"]), batch * length,
                             _typed(settings, "checkpointing", values["checkpointing"]), machine["gpu"])
    seconds = steps * per_step / training_rate(machine, size, precision) * 1.15 + 45
    return Plan(values, reasons, round(memory, 1), round(seconds))


GRPO = {"smoke": (4, 4, 32, 16), "quick": (100, 8, 192, 60), "standard": (300, 8, 256, 200),
        "thorough": (1000, 8, 320, 200)}  # steps, answers per problem, answer tokens, held-out problems


def _reasoning(settings, machine, facts):
    size = shape(facts.get("base") or recommended_base(machine)[0]) or Shape(7, 32, 4096, 152064)
    steps, generations, tokens, held_out = GRPO[settings.effort]
    values = {"steps": steps, "generations": generations, "completion_tokens": tokens, "held_out": held_out,
              "learning_rate": 5e-6}
    said = t(f"effort {settings.effort}", f"力度 {settings.effort}")
    reasons = dict.fromkeys(values, said)
    reasons["learning_rate"] = t("GRPO's rate with LoRA", "GRPO 配 LoRA 的学习率")
    values["precision"], reasons["precision"] = _precision(settings, machine, size)
    values["engine"], reasons["engine"] = _engine(machine)
    values["batch"] = _typed(settings, "generations", generations)
    reasons["batch"] = t("one problem at a time", "一次一题")
    precision = _typed(settings, "precision", values["precision"])
    batch, tokens = (_typed(settings, name, values[name]) for name in ("batch", "completion_tokens"))
    memory = training_memory(size, precision, 32, batch * (tokens + 128), True, machine["gpu"])
    memory += batch * tokens * size.vocabulary * 8 / 2**30 / (8 if machine["gpu"] else 1)
    rate = training_rate(machine, size, precision)
    per_step = batch * (tokens + 128) / rate + tokens * (0.03 if machine["gpu"] else 0.06)
    answers = 2 * _typed(settings, "held_out", held_out) * tokens / (800 if machine["gpu"] else 60)
    seconds = _typed(settings, "steps", steps) * per_step + answers + 30
    return Plan(values, reasons, round(memory, 1), round(seconds))


EVALUATION = {"smoke": (6, 70), "quick": (12, 120), "standard": (40, 250), "thorough": (100, 300)}


def _evaluate(settings, machine, facts):
    size = shape(facts.get("base") or recommended_base(machine)[0]) or Shape(7, 32, 4096, 152064)
    questions, tokens = EVALUATION[settings.effort]
    said = t(f"effort {settings.effort}", f"力度 {settings.effort}")
    values, reasons = {"questions": questions, "answer_tokens": tokens}, {"questions": said, "answer_tokens": said}
    questions, tokens = _typed(settings, "questions", questions), _typed(settings, "answer_tokens", tokens)
    written = 4 * questions * tokens
    seconds = written / (400 if machine["gpu"] else 60) + 12_000 / (2 * training_rate(machine, size, "16-bit")) + 30
    # Held-out passages pass through the whole vocabulary at once: on a CPU that takes more than the weights.
    memory = size.parameters * 2 * 1e9 / 2**30 * 1.6 + (1.5 if machine["gpu"] else 3.5)
    return Plan(values, reasons, round(memory, 1), round(seconds))
