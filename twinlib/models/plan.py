"""What this machine is, and the plan that follows: every setting left on 'auto', each with a one-line reason.

Nothing here imports torch, so that forms and checks answer at once. The numbers behind the plan (rank, learning rate
and epochs by size) are in tables; memory and time come from cost.py.
"""

import functools
import importlib.util
import math
import os
import platform
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from ..i18n import t
from ..twin import AUTO
from . import estimate


class Plan(NamedTuple):
    """Planned `values` and their `reasons` by setting; memory in GiB at the peak, time in seconds, both estimates;
    `notes` are what is decided without being a setting: (name, value, reason)."""

    values: dict
    reasons: dict
    memory_gb: float
    seconds: float
    notes: tuple = ()


# The machine


@functools.cache
def machine():
    """{system, python, cpu, cores, memory_gb, bf16, gpu, gpu_gb, gpu_capability, gpus, unsloth, compiles, colab} of this
    machine.

    `unsloth` says whether that engine is installed, `compiles` whether a model's layers can be compiled for the GPU."""
    import psutil

    gpu, gpu_gb, capability, gpus = _gpu()
    return {
        "system": platform.system(),
        "python": platform.python_version(),
        "cpu": _cpu(),
        "cores": len(os.sched_getaffinity(0))
        if hasattr(os, "sched_getaffinity")
        else os.cpu_count(),
        "memory_gb": round(psutil.virtual_memory().total / 2**30, 1),
        "bf16": capability >= 8 if gpu else _cpu_bf16(),
        "gpu": gpu,
        "gpu_gb": gpu_gb,
        "gpu_capability": capability,
        "gpus": gpus,
        "unsloth": importlib.util.find_spec("unsloth") is not None,
        "compiles": _compiles(),
        "colab": "COLAB_RELEASE_TAG" in os.environ or "google.colab" in sys.modules,
    }


def _gpu():
    tool = shutil.which("nvidia-smi")
    if not tool or os.environ.get("CUDA_VISIBLE_DEVICES") == "":
        return None, 0.0, 0.0, 0
    query = "--query-gpu=name,memory.total,compute_cap"
    try:
        out = subprocess.run(
            [tool, query, "--format=csv,noheader,nounits"],
            capture_output=True,
            text=True,
            timeout=20,
        )
        rows = [line.split(", ") for line in out.stdout.strip().splitlines()]
        name, megabytes, capability = rows[0]
        return name, round(float(megabytes) / 1024, 1), float(capability), len(rows)
    except (OSError, ValueError, IndexError, subprocess.TimeoutExpired):
        return None, 0.0, 0.0, 0


def _compiles():
    """Triton, and the C compiler that it starts its kernels by."""
    return importlib.util.find_spec("triton") is not None and any(
        map(shutil.which, ("cc", "gcc", "clang"))
    )


def _cpuinfo():
    try:
        return Path("/proc/cpuinfo").read_text()
    except OSError:
        return ""


def _cpu():
    names = [
        line.split(":", 1)[1].strip()
        for line in _cpuinfo().splitlines()
        if line.startswith("model name")
    ]
    return names[0] if names else platform.processor() or platform.machine()


def _cpu_bf16():
    return "avx512_bf16" in _cpuinfo() or "amx_bf16" in _cpuinfo()


def free_disk(path):
    """Free bytes on the disk that holds `path`, which need not exist yet."""
    path = Path(path).absolute()
    while not path.exists():
        path = path.parent
    return shutil.disk_usage(path).free


# Plans


# largest size in billions -> rank, learning rate, epochs at most (4-bit and 16-bit alike)
RECIPES = ((1.0, 32, 4e-4, 4), (2.5, 32, 3e-4, 3), (9.5, 16, 2e-4, 3), (1000, 16, 1e-4, 2))
EPOCHS = {
    "smoke": 0.5,
    "quick": 0.7,
    "standard": 1.0,
    "thorough": 1.0,
}  # share of the recipe's epochs
SMOKE_TOKENS = {True: 120_000, False: 30_000}  # with and without a GPU: minutes, not hours
GPU_BASES = (
    (30, "qwen3-14b"),
    (20, "qwen3-8b"),
    (14, "qwen3-4b"),
    (7, "qwen2.5-1.5b"),
    (0, "qwen2.5-0.5b"),
)


def recommended_base(machine):
    """(name, reason) of the base to start with on this machine."""
    if not machine["gpu"]:
        return "gemma-3-270m", t("models.installed_already_small_enough")
    name = next(name for size, name in GPU_BASES if machine["gpu_gb"] >= size)
    return name, t("models.largest_trains_comfortably_gb", gpu_gb=machine["gpu_gb"])


def fits(entry, machine):
    """'16-bit', '4-bit' or '' : how a catalogue entry can be trained on this machine."""
    for precision in ("16-bit", "4-bit") if machine["gpu"] else ("16-bit",):
        if _peak(machine, entry.shape, (2048, precision, 16, "full", False)) <= usable(machine):
            return precision
    return ""


def usable(machine):
    """GiB that training may take: what the driver, other programs and fragments need is left."""
    return machine["gpu_gb"] * 0.94 - 0.7 if machine["gpu"] else machine["memory_gb"] * 0.7


def _peak(machine, size, step):
    """GiB at the peak of (tokens at once, precision, rank, checkpointing, compiled)."""
    return estimate.memory(size, estimate.Step(*step, gpu=bool(machine["gpu"]))) / estimate.GIB


def derive(step, settings, machine, facts):
    """The Plan of a step. `facts`, as far as they are known: base, rows and tokens to learn, precision of the twin."""
    return {"persona": _persona, "reasoning": _reasoning, "evaluate": _evaluate}[step](
        settings, machine, facts
    )


def _typed(settings, name, planned):
    value = getattr(settings, name, AUTO)
    return planned if value == AUTO else value


def _precision(machine, base, size):
    """(precision, reason)."""
    if not machine["gpu"]:
        if machine["bf16"]:
            return "16-bit", t("models.processor_computes_bfloat16")
        return "32-bit", t("models.processor_no_fast_16_bit")
    if not machine["bf16"] and estimate.overflows(base):
        if _peak(machine, size, (4096, "32-bit", 32, "full", False)) <= usable(machine):
            return "32-bit", t("models.gemmas_numbers_too_large_float16")
    elif _peak(machine, size, (4096, "16-bit", 32, "full", False)) <= usable(machine):
        return "16-bit", t("models.whole_base_fits_16_bit")
    return "4-bit", t("models.16_bit_fit_gb", gpu_gb=machine["gpu_gb"])


def _engine(machine):
    """(engine, reason)."""
    if not machine["gpu"]:
        return "transformers", t("models.unsloth_needs_nvidia_gpu")
    if machine["gpu_capability"] < 7 or not machine.get("unsloth"):
        return "transformers", t("models.unsloth_installed_card_too_old")
    if machine["gpu_capability"] < 8:
        return "unsloth", t("models.what_people_run_cards_age")
    return "transformers", t("models.two_four_times_unsloths_tokens")


def _persona(settings, machine, facts):
    values, reasons = {}, {}
    base, reasons["base"] = recommended_base(machine)
    values["base"] = base = _typed(settings, "base", base)
    size = estimate.shape(base) or estimate.UNKNOWN
    rank, rate, epochs = next(recipe[1:] for recipe in RECIPES if size.parameters <= recipe[0])
    values["rank"], reasons["rank"] = (
        rank,
        t("models.usual_billion_parameters", parameters=size.parameters),
    )
    hurry = settings.effort == "smoke"  # few steps: twice the rate ends lower on held-out text
    values["learning_rate"] = 2 * rate if hurry else rate
    reasons["learning_rate"] = (
        t("models.twice_loras_rate_size_few") if hurry else t("models.loras_rate_size")
    )
    values["epochs"], reasons["epochs"] = (
        round(epochs * EPOCHS[settings.effort], 2),
        t("models.effort_best_checkpoint_kept", effort=settings.effort),
    )
    values["precision"], reasons["precision"] = _precision(machine, base, size)
    values["engine"], reasons["engine"] = _engine(machine)
    values["length"], reasons["length"] = (1024, t("models.passages_shorter"))
    wanted = {name: _typed(settings, name, values[name]) for name in values}
    work = _work(settings, facts, wanted)
    chosen = _pace(settings, machine, size, wanted, work)
    values |= {
        name: value
        if getattr(settings, name) == AUTO
        # what it would be, had the owner not typed it
        else _pace(replace(settings, **{name: AUTO}), machine, size, wanted, work)[name]
        for name, value in chosen.items()
    }
    reasons |= _pace_reasons(machine, chosen, work)
    values["steps"], reasons["steps"] = _steps(settings, machine, work, chosen, wanted)
    return _persona_cost(settings, machine, size, values, reasons, work)


class Work(NamedTuple):
    """What is to be learnt: rows, tokens, times through them; `rows_at_once` that a step should see at least."""

    rows: int
    tokens: int
    epochs: float
    rows_at_once: int

    @property
    def per_row(self):
        return max(1.0, self.tokens / max(self.rows, 1))


STEPS_AT_LEAST = 128  # of a run: larger steps than leave so many learn less from the same text
TOKENS_AT_ONCE = 16384  # of a step at most: more of them are no faster


def _work(settings, facts, wanted):
    rows, tokens = facts.get("rows", 200), facts.get("tokens", 60_000)
    few = rows < 200 or settings.effort == "smoke"
    return Work(rows, tokens, wanted["epochs"], 4 if few else 8)


def _typed_of(settings, chosen):
    return {name: _typed(settings, name, value) for name, value in chosen.items()}


def _pace(settings, machine, size, wanted, work):
    """{packing, batch, accumulation, checkpointing, compile}: of all that fits, what is predicted to end first."""
    ours = wanted["engine"] == "transformers"
    packing = _typed(settings, "packing", bool(machine["gpu"]) and ours)
    processes = int(os.environ.get("WORLD_SIZE", 1))
    if packing:
        tokens = min(
            TOKENS_AT_ONCE,
            max(work.rows_at_once * work.per_row, work.tokens * work.epochs / STEPS_AT_LEAST),
        )
        whole = 2 ** max(0, round(math.log2(tokens / wanted["length"] / processes)))
    else:
        whole = max(1, work.rows_at_once // processes)
    found = []
    for batch in [whole // 2**k for k in range(whole.bit_length())]:
        for checkpointing in ("none", "selective", "full"):
            for compiled in (True, False):
                step = dict(
                    packing=packing,
                    batch=batch,
                    accumulation=whole // batch,
                    checkpointing=checkpointing,
                    compile=compiled,
                )
                if _possible(machine, ours, step):
                    found.append(step)
    typed = {name: value for name in found[0] if (value := getattr(settings, name)) != AUTO}
    found = [s for s in found if {**s, **typed} == s] or [
        {**s, **typed} for s in found
    ]  # what was typed stands
    room = usable(machine) if machine["gpu"] else min(machine["memory_gb"], 6) * 0.85
    fitting = [s for s in found if _peak_of(machine, size, wanted, s, work) <= room]
    if not fitting:
        return min(found, key=lambda s: _peak_of(machine, size, wanted, s, work))
    return min(fitting, key=lambda s: _run_seconds(machine, size, wanted, s, work))


def _possible(machine, ours, step):
    if not machine["gpu"]:
        return step["checkpointing"] == "none" and not step["compile"] and step["batch"] <= 2
    modern = ours and machine["gpu_capability"] >= 8 and machine["compiles"]
    if step["compile"] and not (modern and step["packing"]):
        return False
    return step["checkpointing"] != "selective" or step["compile"]


def _step_of(machine, wanted, step, work, row):
    """A cost.Step of one batch: what it has room for when packed, else rows of `row` tokens."""
    tokens = step["batch"] * (wanted["length"] if step["packing"] else min(wanted["length"], row))
    return estimate.Step(
        tokens,
        wanted["precision"],
        wanted["rank"],
        step["checkpointing"],
        step["compile"],
        bool(machine["gpu"]),
    )


def _peak_of(machine, size, wanted, step, work):
    return (
        estimate.memory(size, _step_of(machine, wanted, step, work, 2 * work.per_row))
        / estimate.GIB
    )


def _rows_a_step(wanted, step, work):
    at_once = step["batch"] * step["accumulation"] * int(os.environ.get("WORLD_SIZE", 1))
    return at_once * 0.97 * wanted["length"] / work.per_row if step["packing"] else at_once


def _run_seconds(machine, size, wanted, step, work, steps=None):
    """Seconds of training, the compiling of a first step included."""
    steps = steps or math.ceil(work.rows * work.epochs / _rows_a_step(wanted, step, work))
    once = estimate.step_seconds(machine, size, _step_of(machine, wanted, step, work, work.per_row))
    if wanted["engine"] == "unsloth":
        once *= estimate.UNSLOTH
    return steps * step["accumulation"] * once + (
        estimate.compile_seconds(machine) if step["compile"] else 0
    )


def training_seconds(settings, machine, facts):
    """Seconds that the plan counts with for training alone, of settings in which nothing is left on auto: the steps and
    the compiling, without loading, watching and answering."""
    wanted = vars(settings)
    size = estimate.shape(settings.base) or estimate.UNKNOWN
    return _run_seconds(
        machine, size, wanted, wanted, _work(settings, facts, wanted), settings.steps
    )


def _pace_reasons(machine, chosen, work):
    gpu = bool(machine["gpu"])
    at_once = chosen["batch"] * chosen["accumulation"]
    return {
        "packing": t("models.no_padding_all_computed_text")
        if chosen["packing"]
        else t("models.few_rows_once_nothing_fill")
        if not gpu
        else t("models.engines_attention_card_let_rows"),
        "batch": t("models.what_fits_fastest_prediction"),
        "accumulation": t("models.once_step_large_enough_calm", at_once=at_once),
        "checkpointing": {
            "none": t("models.fits_without"),
            "selective": t("models.cheap_values_computed_again_more"),
            "full": t("models.needed_fit"),
        }[chosen["checkpointing"]],
        "compile": t("models.pays_itself_run")
        if chosen["compile"]
        else t("models.take_longer_saves_here"),
    }


def _steps(settings, machine, work, step, wanted):
    """(steps, reason)."""
    at_once = _rows_a_step(wanted, step, work)
    steps = max(1, math.ceil(work.rows * work.epochs / at_once))
    if settings.effort == "smoke":
        cap = max(4, round(SMOKE_TOKENS[bool(machine["gpu"])] / max(1.0, at_once * work.per_row)))
        if cap < steps:
            return cap, t("models.effort_smoke_stops_after_some")
    return steps, t(
        "models.rows_times_about_once", rows=work.rows, epochs=work.epochs, at_once=at_once
    )


def _persona_cost(settings, machine, size, values, reasons, work):
    wanted = _typed_of(settings, values)
    memory = _peak_of(machine, size, wanted, wanted, work)
    seconds = _run_seconds(machine, size, wanted, wanted, work, wanted["steps"]) * 1.15 + 45
    return Plan(values, reasons, round(memory, 1), round(seconds), _persona_notes(machine, wanted))


def _persona_notes(machine, wanted):
    """What follows from the machine and the engine: attention, loss, optimizer."""
    gpu, attention, loss = bool(machine["gpu"]), t("models.attention"), t("models.loss")
    optimizer = (
        t("models.optimizer"),
        "AdamW",
        t("models.one_fused_kernel") if gpu else t("models.usual"),
    )
    if wanted["engine"] == "unsloth":
        own = t("models.unsloth_brings_own")
        return (attention, "Unsloth", own), (loss, "Unsloth", own), optimizer
    flash = gpu and machine["gpu_capability"] >= 8 and wanted["precision"] != "32-bit"
    return (
        (
            attention,
            t("models.variable_length") if flash else t("models.row_row"),
            t("models.pytorchs_kernel_rows_dont_see")
            if flash
            else t("models.each_row_itself_no_padding"),
        ),
        (loss, t("models.fused_head"), t("models.only_learnt_tokens_pass_through")),
        optimizer,
    )


GRPO = {
    "smoke": (4, 4, 32, 16),
    "quick": (100, 8, 192, 60),
    "standard": (300, 8, 256, 200),
    "thorough": (1000, 8, 320, 200),
}  # steps, answers per problem, answer tokens, held-out problems


def _reasoning(settings, machine, facts):
    base = facts.get("base") or recommended_base(machine)[0]
    size = estimate.shape(base) or estimate.UNKNOWN
    steps, generations, tokens, held_out = GRPO[settings.effort]
    values = {
        "steps": steps,
        "generations": generations,
        "completion_tokens": tokens,
        "held_out": held_out,
        "learning_rate": 5e-6,
    }
    said = t("models.effort", effort=settings.effort)
    reasons = dict.fromkeys(values, said)
    reasons["learning_rate"] = t("models.grpos_rate_lora")
    values["precision"], reasons["precision"] = _precision(machine, base, size)
    values["engine"], reasons["engine"] = _engine(machine)
    values["batch"] = _typed(settings, "generations", generations)
    reasons["batch"] = t("models.one_problem_time")
    precision = _typed(settings, "precision", values["precision"])
    batch, tokens = (
        _typed(settings, name, values[name]) for name in ("batch", "completion_tokens")
    )
    step = estimate.Step(
        batch * (tokens + 128),
        precision,
        32,
        "full" if machine["gpu"] else "none",
        False,
        bool(machine["gpu"]),
    )
    memory = estimate.memory(size, step) / estimate.GIB
    memory += batch * tokens * size.vocabulary * 8 / 2**30 / (8 if machine["gpu"] else 1)
    per_step = estimate.UNSLOTH * estimate.step_seconds(machine, size, step) + tokens * (
        0.03 if machine["gpu"] else 0.06
    )
    answers = 2 * _typed(settings, "held_out", held_out) * tokens / (800 if machine["gpu"] else 60)
    seconds = _typed(settings, "steps", steps) * per_step + answers + 30
    return Plan(values, reasons, round(memory, 1), round(seconds))


# questions, answer tokens, choices of replies, GGUF files that answer
EVALUATION = {
    "smoke": (6, 70, 0, "recommended"),
    "quick": (12, 120, 20, "recommended"),
    "standard": (40, 250, 50, "all"),
    "thorough": (100, 300, 100, "all"),
}
ABILITIES = (
    260  # short answers of about 60 tokens that standard and thorough ask for beside the questions
)


def _evaluate(settings, machine, facts):
    size = estimate.shape(facts.get("base") or recommended_base(machine)[0]) or estimate.UNKNOWN
    names = ("questions", "answer_tokens", "picks", "files")
    values = dict(zip(names, EVALUATION[settings.effort]))
    reasons = dict.fromkeys(names, t("models.effort", effort=settings.effort))
    questions, tokens, picks, files = (_typed(settings, name, values[name]) for name in names)
    whole = settings.effort in ("standard", "thorough")
    written = (
        3 + (1 if files == "recommended" else 3)
    ) * questions * tokens + whole * ABILITIES * 60
    read = (
        12 * questions if whole else 64
    ) * 220 + 3 * picks * 4 * 50  # tokens whose surprise is measured
    step = estimate.step_seconds(
        machine, size, estimate.Step(12_000, "16-bit", 0, "none", False, bool(machine["gpu"]))
    )
    seconds = written / (400 if machine["gpu"] else 60) + read / 12_000 * step / 2 + 30
    # Held-out passages pass through the whole vocabulary at once: on a CPU that takes more than the weights.
    memory = size.parameters * 2 * 1e9 / estimate.GIB * 1.6 + (1.5 if machine["gpu"] else 3.5)
    if facts.get("precision") == "4-bit":
        memory = (
            estimate.memory(size, estimate.Step(1024, "4-bit", 0, "full", False, True))
            / estimate.GIB
            + 1.5
        )
    return Plan(values, reasons, round(memory, 1), round(seconds))
