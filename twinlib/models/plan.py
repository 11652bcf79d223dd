"""This machine, and a value with a reason for every setting that is left on 'auto'.

Nothing here imports torch, so that forms and checks answer at once. Rank, learning rate and epochs
by model size are in tables; memory and time come from estimate.py.
"""

import functools
import importlib.util
import math
import os
import platform
import re
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from .. import catalogue
from ..i18n import t
from ..settings import Settings, choice_texts
from ..twin import AUTO
from . import estimate, free_memory
from .estimate import usable


class Plan(NamedTuple):
    """Values and one-line reasons by setting name, and estimates of peak memory (GiB) and time.

    `notes` are decisions that are not settings: (name, value, reason).
    """

    values: dict
    reasons: dict
    memory_gb: float
    seconds: float
    notes: tuple = ()


# The machine


@functools.cache
def machine() -> dict:
    """Facts about this machine, by the names that report.json uses.

    Memory in GiB. `gpu` is the name of the first GPU or None, `gpus` their number, `mps` whether it
    is Apple's, which torch calls by that name, `bf16` whether bfloat16 is fast, `unsloth` whether
    that engine is installed, `compiles` whether a model's layers can be compiled for the GPU,
    `shards` over how many processes the weights are spread.
    """
    memory_gb, shards = round(free_memory.total() / 2**30, 1), estimate.shards()
    gpu, gpu_gb, capability, gpus = _gpu()
    mps = not gpu and _has_apple_gpu()
    if mps:
        gpu, gpu_gb, gpus = _apple_chip(), round(APPLE_SHARE * memory_gb, 1), 1
    affinity = getattr(os, "sched_getaffinity", None)  # Linux only
    return {
        "system": platform.system(),
        "python": platform.python_version(),
        "cpu": _cpu(),
        "cores": len(affinity(0)) if affinity else os.cpu_count(),
        "memory_gb": memory_gb,
        "bf16": _new_macos() if mps else capability >= 8 if gpu else _cpu_bf16(),
        "gpu": gpu,
        "gpu_gb": gpu_gb,
        "gpu_capability": capability,
        "gpus": gpus,
        "mps": mps,
        "unsloth": shards == 1 and importlib.util.find_spec("unsloth") is not None,
        "compiles": shards == 1 and _compiles(),
        "shards": shards,
        "colab": "COLAB_RELEASE_TAG" in os.environ or "google.colab" in sys.modules,
    }


def _gpu():
    """(name of the first GPU or None, GiB, compute capability, number of GPUs), from nvidia-smi."""
    tool = shutil.which("nvidia-smi")
    if not tool or os.environ.get("CUDA_VISIBLE_DEVICES") == "":
        return None, 0.0, 0.0, 0
    query = ["--query-gpu=name,memory.total,compute_cap", "--format=csv,noheader,nounits"]
    try:
        output = subprocess.run(
            [tool, *query], capture_output=True, encoding="utf-8", timeout=20
        ).stdout
        rows = [line.split(", ") for line in output.strip().splitlines()]
        name, megabytes, capability = rows[0]
        return name, round(float(megabytes) / 1024, 1), float(capability), len(rows)
    except (OSError, ValueError, IndexError, subprocess.TimeoutExpired):
        return None, 0.0, 0.0, 0


def _has_apple_gpu():
    """Whether torch can use an Apple GPU: on Macs with Apple's own chips, in a native Python."""
    return platform.system() == "Darwin" and platform.machine() == "arm64"


def _apple_chip():
    command = ["sysctl", "-n", "machdep.cpu.brand_string"]
    try:
        return (
            subprocess.run(command, capture_output=True, encoding="utf-8").stdout.strip() or "Apple"
        )
    except OSError:
        return "Apple"


def _new_macos():
    """Whether this is macOS 14 or newer, where torch computes in bfloat16 on the GPU."""
    return int(platform.mac_ver()[0].split(".")[0] or 0) >= 14


def four_bits(machine: dict) -> bool:
    """Whether weights in 4-bit can be used: bitsandbytes needs an NVIDIA GPU."""
    return bool(machine["gpu"]) and not machine.get("mps") and machine.get("shards", 1) == 1


def _compiles():
    """Whether Triton is installed with a C compiler, which it needs to launch its kernels."""
    compilers = map(shutil.which, ("cc", "gcc", "clang"))
    return importlib.util.find_spec("triton") is not None and any(compilers)


def _cpuinfo():
    try:
        return Path("/proc/cpuinfo").read_text(encoding="utf-8")
    except OSError:
        return ""


def _cpu():
    name = re.search(r"^model name\s*:\s*(.*\S)", _cpuinfo(), re.MULTILINE)
    return name[1] if name else platform.processor() or platform.machine()


def _cpu_bf16():
    return "avx512_bf16" in _cpuinfo() or "amx_bf16" in _cpuinfo()


def free_disk(path: Path) -> int:
    """Free bytes on the disk that holds `path`, which need not exist yet."""
    path = Path(path).absolute()
    while not path.exists():
        path = path.parent
    return shutil.disk_usage(path).free


# Bases

# Share of a Mac's memory that its GPU may use; Metal recommends about as much.
APPLE_SHARE = 0.7
# (GiB of GPU memory at least, base)
_GPU_BASES = (
    (30, "qwen3-14b"),
    (20, "qwen3-8b"),
    (14, "qwen3-4b"),
    (7, "qwen2.5-1.5b"),
    (0, "qwen2.5-0.5b"),
)


def recommended_base(machine: dict) -> tuple[str, str]:
    """(name, reason) of the base to start with on this machine."""
    if not machine["gpu"]:
        return "qwen2.5-coder-0.5b-instruct", t("models.base_without_gpu")
    name = next(
        (
            name
            for size, name in _GPU_BASES
            if machine["gpu_gb"] >= size and (four_bits(machine) or _fits_in_16_bit(name, machine))
        ),
        _GPU_BASES[-1][1],
    )
    return name, t("models.base_for_gpu", gpu_gb=machine["gpu_gb"])


def _fits_in_16_bit(name, machine):
    shape = catalogue.entry(name).shape
    return _peak_gb(machine, shape, 2048, "16-bit", 16) <= usable(machine)


def fits(planned: Plan, machine: dict) -> bool:
    """Whether a plan's memory is there: the list of bases, the check and the README ask this."""
    return planned.memory_gb <= round(usable(machine), 1)


def _peak_gb(machine, shape, tokens, precision, rank):
    """Peak GiB of a training step with full checkpointing, the least that training can take."""
    gpu, shards = bool(machine["gpu"]), machine.get("shards", 1)
    step = estimate.Step(tokens, precision, rank, "full", False, gpu, shards)
    return estimate.memory(shape, step) / estimate.GIB


# Plans


def derive(step: str, settings: Settings, machine: dict, facts: dict) -> Plan:
    """The Plan of step 'persona', 'reasoning' or 'evaluate' on a machine.

    `facts`, as far as they are known: base (its name), rows and tokens to learn, precision of the
    twin, short_answers (answers of the score card other than those to held-out questions).
    """
    derivation = {"persona": _persona, "reasoning": _reasoning, "evaluate": _evaluate}[step]
    return derivation(settings, machine, facts)


def _typed(settings, name, planned):
    """What the owner typed, or the planned value where that is 'auto'."""
    value = getattr(settings, name, AUTO)
    return planned if value == AUTO else value


def _shape(base):
    return estimate.shape(base) or estimate.UNKNOWN


def _precision(machine, base, shape):
    """(precision, reason)."""
    if not machine["gpu"]:
        if machine["bf16"]:
            return "16-bit", t("models.cpu_computes_bfloat16")
        return "32-bit", t("models.cpu_without_16_bit")
    if machine.get("mps"):
        if machine["bf16"]:
            return "16-bit", t("models.apple_computes_bfloat16")
        return "32-bit", t("models.apple_without_bfloat16")
    if not machine["bf16"] and estimate.overflows(base):
        if _peak_gb(machine, shape, 4096, "32-bit", 32) <= usable(machine):
            return "32-bit", t("models.gemma_overflows_float16")
    elif _peak_gb(machine, shape, 4096, "16-bit", 32) <= usable(machine):
        return "16-bit", t("models.base_fits_in_16_bit")
    if machine.get("shards", 1) > 1:
        return "16-bit", t("models.spread_in_16_bit")
    return "4-bit", t("models.16_bit_does_not_fit", gpu_gb=machine["gpu_gb"])


def _engine(machine):
    """(engine, reason)."""
    if not machine["gpu"]:
        return "transformers", t("models.unsloth_needs_gpu")
    if machine["gpu_capability"] < 7 or not machine.get("unsloth"):
        return "transformers", t("models.no_unsloth")
    if machine["gpu_capability"] < 8:
        return "unsloth", t("models.unsloth_on_old_cards")
    return "transformers", t("models.faster_than_unsloth")


# Persona

# (billions of parameters at most, rank, learning rate, epochs at most, LoRA scale), in any
# precision. Instruct models up to 2.5 billion: benchmarks/recipes.py, and the scale of 0.5B:
# benchmarks/lora_scale.py; larger ones were not measured.
_RECIPES = (
    (1.0, 32, 2e-4, 2, 0.7),
    (2.5, 32, 1.5e-4, 2, 0.7),
    (9.5, 16, 2e-4, 3, 1.0),
    (1000, 16, 1e-4, 2, 1.0),
)
# Models that are not instruct-tuned have more to learn: what a question and an answer are, too.
_BASE_RECIPES = (
    (1.0, 32, 4e-4, 4, 1.0),
    (2.5, 32, 3e-4, 3, 1.0),
    (9.5, 16, 2e-4, 3, 1.0),
    (1000, 16, 1e-4, 2, 1.0),
)
_EPOCHS = {"smoke": 0.4, "quick": 0.7, "standard": 1.0, "thorough": 1.0}  # share of the recipe's
_SMOKE_TOKENS = {True: 120_000, False: 30_000}  # with and without a GPU: minutes, not hours
_FEWEST_STEPS = 128  # in a run: with fewer, larger steps less is learnt from the same text
MOST_TOKENS = 16384  # in a step: larger steps are no faster


class _Job(NamedTuple):
    """A training whose batches are to be chosen: machine, model, settings and text to learn.

    `rows_at_once` is the least number of rows in a step. A `way` below is a dict of packing, batch,
    accumulation, checkpointing and compile.
    """

    machine: dict
    shape: estimate.Shape
    engine: str
    precision: str
    rank: int
    length: int
    rows: int
    tokens: int
    epochs: float
    rows_at_once: int

    @property
    def row_tokens(self):
        """The mean length of a row."""
        return max(1.0, self.tokens / max(self.rows, 1))

    def _step(self, way, row_tokens):
        """The estimate.Step of one batch: full sequences when packed, else rows of `row_tokens`."""
        row_tokens = self.length if way["packing"] else min(self.length, row_tokens)
        return estimate.Step(
            way["batch"] * row_tokens,
            self.precision,
            self.rank,
            way["checkpointing"],
            way["compile"],
            bool(self.machine["gpu"]),
            self.machine.get("shards", 1),
        )

    def peak_gb(self, way):
        """Peak GiB, supposing that a batch's rows are twice as long as the mean."""
        return estimate.memory(self.shape, self._step(way, 2 * self.row_tokens)) / estimate.GIB

    def rows_a_step(self, way):
        sequences = way["batch"] * way["accumulation"] * _processes()
        # Packing fills 97 % of a sequence.
        return sequences * 0.97 * self.length / self.row_tokens if way["packing"] else sequences

    def seconds(self, way, steps=None):
        """Seconds of training, including the compilation in the first step."""
        steps = steps or math.ceil(self.rows * self.epochs / self.rows_a_step(way))
        batch = estimate.step_seconds(self.machine, self.shape, self._step(way, self.row_tokens))
        if self.engine == "unsloth":
            batch *= estimate.UNSLOTH
        compiling = estimate.compile_seconds(self.machine) if way["compile"] else 0
        return steps * way["accumulation"] * batch + compiling


def _processes():
    return int(os.environ.get("WORLD_SIZE", 1))


def _job(settings, machine, facts, values):
    """The _Job of the settings, with `values` for those on 'auto'."""
    names = ("engine", "precision", "rank", "length", "epochs")
    chosen = {name: _typed(settings, name, values.get(name)) for name in names}
    rows, tokens = facts.get("rows", 200), facts.get("tokens", 60_000)
    few = rows < 200 or settings.effort == "smoke"
    return _Job(
        machine,
        _shape(_typed(settings, "base", values.get("base"))),
        rows=rows,
        tokens=tokens,
        rows_at_once=4 if few else 8,
        **chosen,
    )


def _persona(settings, machine, facts):
    values, reasons = {}, {}
    base, reasons["base"] = recommended_base(machine)
    values["base"] = base = _typed(settings, "base", base)
    recurrent = estimate.recurrent(base)
    if recurrent:  # what trains it is neither compiled nor Unsloth's
        machine = {**machine, "compiles": False, "unsloth": False}
    shape = _shape(base)
    instruct = catalogue.entry(base).instruct
    recipes = _RECIPES if instruct else _BASE_RECIPES
    rank, rate, epochs, scale = next(
        recipe[1:] for recipe in recipes if shape.parameters <= recipe[0]
    )
    values["lora_scale"] = scale
    reasons["lora_scale"] = t("models.scale_for_size" if scale < 1 else "models.nothing_weakened")
    values["rank"] = rank
    reasons["rank"] = t("models.rank_for_size", parameters=shape.parameters)
    # With few steps, twice the learning rate gives a base model a lower loss on held-out text.
    double = settings.effort == "smoke" and not instruct
    values["learning_rate"] = 2 * rate if double else rate
    reason = "models.learning_rate_for_few_steps" if double else "models.learning_rate_for_size"
    reasons["learning_rate"] = t(reason)
    values["epochs"] = round(epochs * _EPOCHS[settings.effort], 2)
    reasons["epochs"] = t("models.epochs_of_effort", effort=choice_texts(settings.effort))
    values["precision"], reasons["precision"] = _precision(machine, base, shape)
    values["engine"], reasons["engine"] = _engine(machine)
    if recurrent:
        reasons["engine"] = t("models.recurrent_engine")
        if values["precision"] == "4-bit":
            values["precision"], reasons["precision"] = "16-bit", t("models.recurrent_16_bit")
    values["length"], reasons["length"] = 1024, t("models.passages_are_shorter")

    job = _job(settings, machine, facts, values)
    way = _fastest_way(settings, job)
    for name in way:
        # `way` has what the owner typed; the plan has what it would be on 'auto'.
        typed = getattr(settings, name) != AUTO
        planned = _fastest_way(replace(settings, **{name: AUTO}), job) if typed else way
        values[name] = planned[name]
    reasons |= _way_reasons(job, way)
    values["steps"], reasons["steps"] = _steps(settings, job, way)
    steps = _typed(settings, "steps", values["steps"])
    seconds = job.seconds(way, steps) * 1.15 + 45  # loading, evaluating and answering
    return Plan(values, reasons, round(job.peak_gb(way), 1), round(seconds), _persona_notes(job))


def _fastest_way(settings, job):
    """{packing, batch, accumulation, checkpointing, compile}: the fastest way that fits."""
    ways = _ways(settings, job)
    typed = {name: value for name in ways[0] if (value := getattr(settings, name)) != AUTO}
    # What the owner typed is kept, even where no way has it.
    ways = [way for way in ways if {**way, **typed} == way] or [{**way, **typed} for way in ways]
    gpu, memory_gb = job.machine["gpu"], job.machine["memory_gb"]
    available_gb = usable(job.machine) if gpu else min(memory_gb, 6) * 0.85
    fitting = [way for way in ways if job.peak_gb(way) <= available_gb]
    return min(fitting, key=job.seconds) if fitting else min(ways, key=job.peak_gb)


def _ways(settings, job):
    """All ways to take a step of the size that suits the rows and the length of the run."""
    ours = job.engine == "transformers"
    packing = _typed(settings, "packing", bool(job.machine["gpu"]) and ours)
    if packing:
        tokens_for_fewest_steps = job.tokens * job.epochs / _FEWEST_STEPS
        tokens = max(job.rows_at_once * job.row_tokens, tokens_for_fewest_steps)
        tokens = min(MOST_TOKENS, tokens)
        sequences = 2 ** max(0, round(math.log2(tokens / job.length / _processes())))
    else:
        sequences = max(1, job.rows_at_once // _processes())
    ways = [
        {
            "packing": packing,
            "batch": sequences // 2**halvings,
            "accumulation": sequences // (sequences // 2**halvings),
            "checkpointing": checkpointing,
            "compile": compiled,
        }
        for halvings in range(sequences.bit_length())
        for checkpointing in ("none", "selective", "full")
        for compiled in (True, False)
    ]
    return [way for way in ways if _possible(job.machine, ours, way)]


def _possible(machine, ours, way):
    if not machine["gpu"]:
        return way["checkpointing"] == "none" and not way["compile"] and way["batch"] <= 2
    if way["compile"]:
        modern = machine["gpu_capability"] >= 8 and machine["compiles"]
        return ours and modern and way["packing"]
    return way["checkpointing"] != "selective"


def _way_reasons(job, way):
    gpu = bool(job.machine["gpu"])
    if way["packing"]:
        packing = t("models.packing_wastes_nothing")
    elif gpu:
        packing = t("models.packed_rows_would_mix")
    else:
        packing = t("models.too_few_rows_to_pack")
    return {
        "packing": packing,
        "batch": t("models.fastest_that_fits"),
        "accumulation": t("models.step_size", at_once=way["batch"] * way["accumulation"]),
        "checkpointing": {
            "none": t("models.fits_without_checkpointing"),
            "selective": t("models.selective_checkpointing_pays"),
            "full": t("models.checkpointing_needed"),
        }[way["checkpointing"]],
        "compile": t("models.compiling_pays") if way["compile"] else t("models.compiling_costs"),
    }


def _steps(settings, job, way):
    """(steps, reason)."""
    rows = job.rows_a_step(way)
    steps = max(1, math.ceil(job.rows * job.epochs / rows))
    if settings.effort == "smoke":
        tokens = _SMOKE_TOKENS[bool(job.machine["gpu"])]
        most = max(4, round(tokens / max(1.0, rows * job.row_tokens)))
        if most < steps:
            return most, t("models.smoke_stops_early")
    return steps, t("models.steps_of_rows", rows=job.rows, epochs=job.epochs, at_once=rows)


def _persona_notes(job):
    """Notes on attention, loss and optimizer, which follow from the machine and the engine."""
    gpu, attention, loss = bool(job.machine["gpu"]), t("models.attention"), t("models.loss")
    fused = gpu and not job.machine.get("mps")
    why = t("models.fused_optimizer") if fused else t("models.usual_optimizer")
    optimizer = (t("models.optimizer"), "AdamW", why)
    if job.engine == "unsloth":
        own = t("models.unsloth_brings_own")
        return (attention, "Unsloth", own), (loss, "Unsloth", own), optimizer
    if gpu and job.machine["gpu_capability"] >= 8 and job.precision != "32-bit":
        way, why = t("models.variable_length"), t("models.rows_stay_apart")
    else:
        way, why = t("models.row_by_row"), t("models.no_padding")
    return (
        (attention, way, why),
        (loss, t("models.fused_with_head"), t("models.learnt_tokens_only")),
        optimizer,
    )


# Reasoning

# (billions of parameters at most, learning rate): the first two measured on decimals (benchmarks/
# README.md), larger models not
_GRPO_RATES = ((1.0, 4e-5), (2.5, 3e-5), (9.5, 2e-5), (1000, 1e-5))
# (steps, answers per problem, answer tokens, held-out problems)
_GRPO = {
    "smoke": (2, 4, 32, 16),
    "quick": (100, 8, 192, 60),
    "standard": (200, 8, 256, 200),
    "thorough": (500, 8, 320, 200),
}


def _reasoning(settings, machine, facts):
    gpu = bool(machine["gpu"])
    base = facts.get("base") or recommended_base(machine)[0]
    shape = _shape(base)
    names = ("steps", "generations", "completion_tokens", "held_out")
    values = dict(zip(names, _GRPO[settings.effort]))
    reasons = dict.fromkeys(names, t("models.effort", effort=choice_texts(settings.effort)))
    values["probe"] = 0 if settings.effort == "smoke" else 64 if gpu else 16
    reasons["probe"] = t("models.probe_pays" if values["probe"] else "models.no_probe_at_smoke")
    values["keep_voice"] = 0.0 if settings.effort == "smoke" else 1.0
    reasons["keep_voice"] = t("models.voice_pays" if values["keep_voice"] else "models.no_voice")
    rate = next(rate for most, rate in _GRPO_RATES if shape.parameters <= most)
    values["learning_rate"], reasons["learning_rate"] = rate, t("models.grpo_learning_rate")
    values["precision"], reasons["precision"] = _precision(machine, base, shape)
    values["engine"], reasons["engine"] = "transformers", t("models.own_rollouts")
    steps, generations, held_out, precision, tokens, probe = (
        _typed(settings, name, values[name])
        for name in ("steps", "generations", "held_out", "precision", "completion_tokens", "probe")
    )
    values["batch"], reasons["batch"] = generations, t("models.one_problem_at_a_time")
    if gpu:
        values["batch"] = estimate.answers_at_once(machine, shape, generations, tokens, precision)
        reasons["batch"] = t("models.answers_that_fit")
    batch = _typed(settings, "batch", values["batch"])
    at_once, checkpointing = estimate.learning_batch(machine, shape, batch, tokens, precision)
    rows = at_once, batch, tokens, precision, checkpointing
    memory_gb = estimate.grpo_memory(machine, shape, *rows) / estimate.GIB
    row = tokens + estimate.PROMPT
    step = estimate.Step(at_once * row, precision, 32, checkpointing, False, gpu)
    learning = estimate.GRPO * estimate.step_seconds(machine, shape, step) * batch / at_once
    answering = tokens * estimate.token_seconds(machine, shape, batch, row, precision)
    at_once = 64 if gpu else 24
    # Two exams, and a probe of eight answers to each problem.
    exams = (2 * held_out + 8 * probe) / at_once * tokens
    exams *= estimate.token_seconds(machine, shape, at_once, row, precision)
    return Plan(
        values,
        reasons,
        round(memory_gb, 1),
        round(steps * (learning + answering) + exams + 30),
    )


# Evaluation

# (questions, answer tokens, choices of replies, GGUF files that answer)
_EVALUATION = {
    "smoke": (24, 56, 0, "recommended"),
    "quick": (24, 120, 20, "recommended"),
    "standard": (40, 250, 50, "all"),
    "thorough": (100, 300, 100, "all"),
}


def _evaluate(settings, machine, facts):
    gpu = bool(machine["gpu"])
    shape = _shape(facts.get("base") or recommended_base(machine)[0])
    names = ("questions", "answer_tokens", "picks", "files")
    values = dict(zip(names, _EVALUATION[settings.effort]))
    reasons = dict.fromkeys(names, t("models.effort", effort=choice_texts(settings.effort)))
    questions, tokens, picks, files = (_typed(settings, name, values[name]) for name in names)
    effort = settings.effort
    scores_all = effort in ("standard", "thorough")
    variants = 3 + (1 if files == "recommended" else 3)
    # Of the questions that no passage belongs to, base and prompt are asked none at effort smoke.
    asked_all = min(questions, facts.get("held_out", questions)) if effort == "smoke" else questions
    answers = variants * asked_all + (variants - 2) * (questions - asked_all)
    each = estimate.evaluation_seconds(machine, shape, tokens)
    seconds = 30 + answers * each["answers"] + facts.get("short_answers", 0) * each["replies"]
    seconds += (12 * questions if scores_all else min(64, 8 * questions)) * each["texts"]
    seconds += 3 * picks * each["picks"] + (answers + 2 * questions) * each["vectors"]
    # The logits of all tokens of a held-out passage exist at once: on a CPU more than the weights.
    memory_gb = shape.parameters * 2 * 1e9 / estimate.GIB * 1.6 + (1.5 if gpu else 3.5)
    if facts.get("precision") == "4-bit":
        step = estimate.Step(1024, "4-bit", 0, "full", False, True)
        memory_gb = estimate.memory(shape, step) / estimate.GIB + 1.5
    return Plan(values, reasons, round(memory_gb, 1), round(seconds))
