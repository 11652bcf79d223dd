"""The plan: what follows from a machine, a base and an effort, each with a reason."""

import subprocess
from dataclasses import fields

import pytest
from conftest import build_tiny_base

from twinlib import settings
from twinlib.catalogue import CATALOGUE
from twinlib.models import estimate
from twinlib.models import plan as plan_module
from twinlib.models.plan import MOST_TOKENS, derive, fits, recommended_base, usable
from twinlib.twin import AUTO

LAPTOP = {
    "compiles": True,
    "gpu": None,
    "gpu_gb": 0.0,
    "gpu_capability": 0.0,
    "gpus": 0,
    "bf16": False,
    "cores": 4,
    "memory_gb": 16.0,
}
T4 = {
    **LAPTOP,
    "gpu": "Tesla T4",
    "gpu_gb": 15.0,
    "gpu_capability": 7.5,
    "gpus": 1,
    "unsloth": True,
}
H100 = {
    **LAPTOP,
    "gpu": "NVIDIA H100",
    "gpu_gb": 80.0,
    "gpu_capability": 9.0,
    "gpus": 1,
    "bf16": True,
}


@pytest.mark.parametrize(
    "machine, base, precision, engine",
    [
        (LAPTOP, "qwen2.5-coder-0.5b-instruct", "32-bit", "transformers"),
        ({**LAPTOP, "bf16": True}, "qwen2.5-coder-0.5b-instruct", "16-bit", "transformers"),
        (T4, "qwen3-4b", "16-bit", "unsloth"),
        ({**T4, "unsloth": False}, "qwen3-4b", "16-bit", "transformers"),
        (H100, "qwen3-14b", "16-bit", "transformers"),
    ],
)
def test_the_plan_follows_the_machine(machine, base, precision, engine):
    values = derive("persona", settings.make("persona"), machine, {}).values
    assert (values["base"], values["precision"], values["engine"]) == (base, precision, engine)


def test_a_base_too_large_for_16_bit_is_planned_in_4_bit():
    values = derive("persona", settings.make("persona", base="qwen2.5-7b"), T4, {}).values
    assert values["precision"] == "4-bit"


def test_gemma_is_computed_in_float32_where_a_card_has_no_bfloat16(tmp_path, monkeypatch):
    import torch

    from twinlib.models import load
    from twinlib.train import trainer

    for base, machine, expected in (
        ("gemma-3-1b", T4, "32-bit"),
        ("gemma-3-1b", H100, "16-bit"),
        ("qwen2.5-1.5b", T4, "16-bit"),
        ("gemma-3-270m", LAPTOP, "32-bit"),
    ):
        plan = derive("persona", settings.make("persona", base=base), machine, {})
        assert plan.values["precision"] == expected, base
        assert (
            derive("reasoning", settings.make("reasoning"), machine, {"base": base}).values[
                "precision"
            ]
            == expected
        )
    for family in ("gemma3", "qwen2"):
        folder = load.prepare(str(build_tiny_base(tmp_path / family, family)))
        for fast in (False, True):
            monkeypatch.setattr(load, "fast_bfloat16", lambda: fast)
            monkeypatch.setattr(trainer, "on_gpu", lambda: True)
            gemma = family == "gemma3"
            assert load.sixteen_bits(folder) == (
                torch.bfloat16 if fast else torch.float32 if gemma else torch.float16
            )
            assert trainer.precision_flags("16-bit", estimate.overflows(str(folder.path))) == {
                "bf16": fast,
                "fp16": not fast and not gemma,
            }


@pytest.mark.parametrize("family, fp16", [("gemma3", False), ("qwen2", True)])
def test_both_trainings_take_the_precision_of_the_model_whatever_its_name(
    tmp_path, monkeypatch, family, fp16
):
    from twinlib.models import load
    from twinlib.train import trainer

    model, _ = load.load(load.prepare(str(build_tiny_base(tmp_path / "any", family))), None)
    monkeypatch.setattr(load, "fast_bfloat16", lambda: False)
    monkeypatch.setattr(trainer, "on_gpu", lambda: True)
    for chosen in (
        settings.make("persona", base="owner/name", precision="4-bit"),
        settings.make("reasoning", precision="4-bit"),
    ):
        assert trainer.common_arguments(chosen, tmp_path, model)["fp16"] is fp16


def downloaded(cache, family):
    """A tiny model in a cache as the hub's own, under the id owner/any; its folder."""
    repository = cache / "models--owner--any"
    build_tiny_base(repository / "snapshots" / "abc", family)
    (repository / "refs").mkdir()
    (repository / "refs" / "main").write_text("abc")
    return repository / "snapshots" / "abc"


@pytest.mark.parametrize("family, precision", [("gemma3", "32-bit"), ("qwen2", "16-bit")])
def test_a_model_by_its_hub_id_is_planned_by_its_own_configuration_once_it_is_here(
    tmp_path, monkeypatch, family, precision
):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    assert estimate.shape("owner/any") is None and not estimate.overflows("owner/any")
    downloaded(tmp_path, family)
    assert estimate.shape("owner/any").hidden == 64
    assert estimate.overflows("owner/any") is (family == "gemma3")
    assert estimate.shape("owner/..any") is None, "no id that the hub would give"
    for chosen, facts in (
        (settings.make("persona", base="owner/any"), {}),
        (settings.make("reasoning"), {"base": "owner/any"}),
    ):
        planned = derive("persona" if not facts else "reasoning", chosen, T4, facts)
        assert planned.values["precision"] == precision


def test_a_voice_is_planned_again_when_the_base_has_been_downloaded(
    sample_twin, tmp_path, monkeypatch
):
    from twinlib.models import load
    from twinlib.progress import Progress
    from twinlib.train import persona

    known, plan = [], persona.plan

    def noted(chosen, twin):
        known.append(estimate.shape(chosen.base) is not None)
        return plan(chosen, twin)

    def enough(*_):
        raise InterruptedError

    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setattr(load, "_download", lambda _: downloaded(tmp_path / "hub", "gemma3"))
    monkeypatch.setattr(persona, "plan", noted)
    monkeypatch.setattr(load, "load", enough)
    chosen = settings.make("persona", base="owner/any", effort="smoke")
    with pytest.raises(InterruptedError):
        persona.run(sample_twin, chosen, Progress(sample_twin.history("persona"), "persona"))
    assert known == [False, True]


@pytest.mark.parametrize("effort", settings.EFFORTS)
def test_grpo_fits_a_t4_with_whole_groups_of_answers(effort):
    for base in ("qwen2.5-1.5b", "qwen2.5-3b", "qwen3-4b", "qwen3-8b"):
        chosen = settings.make("reasoning", effort=effort)
        plan = derive("reasoning", chosen, T4, {"base": base})
        values, shape = plan.values, CATALOGUE[base].shape
        assert plan.memory_gb <= usable(T4) and values["batch"] >= 4 * values["generations"]
        assert values["precision"] == ("4-bit" if base == "qwen3-8b" else "16-bit")
        tokens, precision = values["completion_tokens"], values["precision"]
        at_once, _ = estimate.learning_batch(T4, shape, values["batch"], tokens, precision)
        assert values["batch"] % at_once == values["batch"] % values["generations"] == 0


def of_base(name, machine):
    """The plan of step 02 with a base, everything else on auto."""
    return derive("persona", settings.make("persona", base=name), machine, {})


@pytest.mark.parametrize(
    "base",
    [
        name
        for name in CATALOGUE
        if fits(of_base(name, T4), T4) and of_base(name, T4).values["precision"] == "4-bit"
    ],
)
def test_what_a_t4_trains_in_four_bits_it_also_answers_in_four(base):
    takes = [
        derive(
            "evaluate", settings.make("evaluate"), T4, {"base": base, "precision": precision}
        ).memory_gb
        for precision in ("4-bit", "auto")
    ]
    assert takes[0] < usable(T4) < takes[1], takes


@pytest.mark.parametrize("step", ["persona", "reasoning", "evaluate"])
@pytest.mark.parametrize("machine", [LAPTOP, T4, H100])
@pytest.mark.parametrize("effort", settings.EFFORTS)
def test_every_planned_value_has_a_reason_and_fits_its_limits(step, machine, effort):
    wanted = settings.make(step, effort=effort)
    plan = derive(step, wanted, machine, {"rows": 100, "tokens": 20_000})
    assert set(plan.values) == set(plan.reasons)
    assert plan.memory_gb > 0 and plan.seconds > 0
    declared = {f.name: f for f in fields(wanted)}
    for name, value in plan.values.items():
        assert settings.parse(step, declared[name], value) == value


def test_more_effort_takes_more_steps():
    steps = [
        derive(
            "persona", settings.make("persona", effort=e), LAPTOP, {"rows": 400, "tokens": 100_000}
        ).values["steps"]
        for e in settings.EFFORTS
    ]
    assert steps == sorted(steps) and steps[0] < steps[2]


@pytest.mark.parametrize(
    "base, effort, rate, epochs",
    [
        ("qwen2.5-coder-0.5b-instruct", "standard", 2e-4, 2),
        ("qwen2.5-coder-0.5b-instruct", "smoke", 2e-4, 0.8),
        ("qwen2.5-coder-1.5b-instruct", "standard", 1.5e-4, 2),
        ("qwen2.5-7b", "standard", 2e-4, 3),
        ("gemma-3-270m", "standard", 4e-4, 4),
        ("gemma-3-270m", "smoke", 8e-4, 1.6),
    ],
)
def test_base_models_keep_a_recipe_of_their_own(base, effort, rate, epochs):
    values = planned(H100, base=base, effort=effort).values
    assert (values["learning_rate"], values["epochs"]) == (rate, epochs)


def planned(machine, facts=None, **typed):
    return derive(
        "persona", settings.make("persona", **{"effort": "standard", **typed}), machine, facts or {}
    )


MANY = {"rows": 3000, "tokens": 700_000}


def test_a_long_run_on_a_modern_gpu_is_packed_and_compiled_and_a_short_one_is_not_compiled():
    assert planned(H100, MANY, base="qwen2.5-7b").values["compile"]
    few = planned(H100, {"rows": 60, "tokens": 15_000}, base="qwen2.5-0.5b").values
    assert few["packing"] and not few["compile"]


def test_nothing_is_compiled_where_the_tools_for_it_are_missing():
    plan = planned({**H100, "compiles": False}, MANY, base="qwen2.5-7b").values
    assert plan["packing"] and not plan["compile"] and plan["checkpointing"] != "selective"


def test_steps_stay_many_and_batches_small_enough_to_learn_from():
    for rows in (60, 300, 1000, 3000, 30_000):
        values = planned(H100, {"rows": rows, "tokens": rows * 250}, base="qwen2.5-1.5b").values
        tokens = values["batch"] * values["accumulation"] * values["length"]
        assert 1024 <= tokens <= MOST_TOKENS
        assert values["steps"] >= 40 or tokens <= 4096


@pytest.mark.parametrize("gigabytes", [6, 8, 12, 16, 24, 48, 80])
@pytest.mark.parametrize(
    "base", ["qwen2.5-0.5b", "qwen2.5-1.5b", "qwen2.5-3b", "qwen2.5-7b", "qwen2.5-14b"]
)
def test_what_is_planned_fits_or_is_said_not_to(gigabytes, base):
    card = {**H100, "gpu": "NVIDIA RTX", "gpu_gb": float(gigabytes)}
    plan = planned(card, MANY, base=base)
    smallest = plan.values["batch"] == 1 and plan.values["checkpointing"] == "full"
    assert plan.memory_gb <= usable(card) or smallest and plan.values["precision"] == "4-bit"


def test_typed_choices_shape_the_rest_of_the_plan():
    free = planned(H100, MANY, base="qwen2.5-7b")
    tight = planned(H100, MANY, base="qwen2.5-7b", checkpointing="full", compile=False)
    assert tight.memory_gb < free.memory_gb and tight.seconds > free.seconds
    assert (
        planned(H100, MANY, base="qwen2.5-7b", batch=1).values["accumulation"]
        == free.values["batch"] * free.values["accumulation"]
    )


def test_two_processes_share_a_step(monkeypatch):
    alone = planned(H100, MANY, base="qwen2.5-1.5b").values
    monkeypatch.setenv("WORLD_SIZE", "2")
    both = planned(H100, MANY, base="qwen2.5-1.5b").values
    assert both["batch"] * both["accumulation"] * 2 == alone["batch"] * alone["accumulation"]
    assert both["steps"] == alone["steps"]


def test_the_plan_says_what_is_decided_without_a_setting():
    for machine, attention in ((LAPTOP, "row by row"), (T4, "Unsloth"), (H100, "variable length")):
        notes = planned(machine, MANY).notes
        assert [name for name, _, _ in notes] == ["Attention", "Loss", "Optimizer"] and notes[0][
            1
        ] == attention
        assert all(reason for _, _, reason in notes)


def test_what_was_typed_survives_a_new_plan():
    typed = settings.make("persona", rank=8, effort="standard")
    for machine in (LAPTOP, T4, H100):
        resolved = settings.resolve(typed, derive("persona", typed, machine, {}).values)
        assert resolved.rank == 8
        assert AUTO not in vars(resolved).values()


# Apple's GPU, described: none is here

MAC = {
    **LAPTOP,
    "gpu": "Apple M2 Pro",
    "gpu_gb": 11.2,
    "gpus": 1,
    "mps": True,
    "bf16": True,
    "compiles": False,
    "unsloth": False,
}


def test_a_mac_trains_on_its_gpu_in_16_bit_without_what_needs_nvidia():
    plan = planned(MAC)
    assert plan.values["base"] == "qwen2.5-1.5b" and plan.values["precision"] == "16-bit"
    assert (plan.values["engine"], plan.values["compile"]) == ("transformers", False)
    assert planned({**MAC, "bf16": False}).values["precision"] == "32-bit"
    assert plan.seconds < planned({**LAPTOP, "bf16": True}, base="qwen2.5-1.5b").seconds


@pytest.mark.parametrize("gigabytes", [5.6, 11.2, 22.4, 44.8, 89.6])
def test_a_base_is_recommended_to_a_mac_only_where_its_16_bits_fit(gigabytes):
    mac = {**MAC, "gpu_gb": gigabytes}
    base = recommended_base(mac)[0]
    plan = planned(mac, base=base)
    assert fits(plan, mac) and plan.values["precision"] == "16-bit"


@pytest.mark.parametrize("version, bf16", [("13.6", False), ("14.0", True), ("26.1", True)])
def test_an_apple_gpu_is_recognised_without_torch(monkeypatch, version, bf16):
    answer = subprocess.CompletedProcess([], 0, "Apple M3 Max\n")
    monkeypatch.setattr(plan_module.subprocess, "run", lambda *_, **__: answer)
    monkeypatch.setattr(plan_module.shutil, "which", lambda _: None)
    monkeypatch.setattr(plan_module.platform, "system", lambda: "Darwin")
    monkeypatch.setattr(plan_module.platform, "machine", lambda: "arm64")
    monkeypatch.setattr(plan_module.platform, "mac_ver", lambda: (version, (), ""))
    here = plan_module.machine.__wrapped__()
    assert (here["gpu"], here["mps"], here["bf16"]) == ("Apple M3 Max", True, bf16)
    assert here["gpu_gb"] == pytest.approx(0.7 * here["memory_gb"], abs=0.1)
    assert not plan_module.four_bits(here)
    monkeypatch.setattr(plan_module.platform, "machine", lambda: "x86_64")
    assert plan_module.machine.__wrapped__()["gpu"] is None


def test_torch_is_asked_for_apples_gpu_and_its_training_needs_no_nvidia(monkeypatch, tiny_base):
    import torch

    from twinlib.models import load
    from twinlib.train import trainer

    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: True)
    monkeypatch.setattr(torch.backends.mps, "is_macos_or_newer", lambda *_: True)
    base = load.prepare(str(tiny_base))
    assert (load.device(), load.exact_device()) == ("mps", "cpu")
    assert load.sixteen_bits(base) == torch.bfloat16
    assert load.fitting_precision(base, 1e6) == "auto"
    assert load.fitting_precision(base, 1e13) is None
    assert trainer.precision_flags("16-bit") == {"bf16": False, "fp16": False}
    monkeypatch.setattr(torch.backends.mps, "is_macos_or_newer", lambda *_: False)
    assert not load.fast_bfloat16()
