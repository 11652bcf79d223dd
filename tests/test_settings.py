"""One declaration per setting: parsing, limits, what is typed survives, both languages."""

from dataclasses import fields

import pytest

from twinlib import settings
from twinlib.__main__ import main
from twinlib.engines import hardware
from twinlib.twin import AUTO

EVERY_FIELD = [(step, field) for step, kind in settings.SETTINGS.items() for field in fields(kind)]
LAPTOP = {"gpu": None, "gpu_gb": 0.0, "gpu_capability": 0.0, "gpus": 0, "bf16": False, "cores": 4, "memory_gb": 16.0}
T4 = {**LAPTOP, "gpu": "Tesla T4", "gpu_gb": 15.0, "gpu_capability": 7.5, "gpus": 1, "unsloth": True}
H100 = {**LAPTOP, "gpu": "NVIDIA H100", "gpu_gb": 80.0, "gpu_capability": 9.0, "gpus": 1, "bf16": True}


@pytest.mark.parametrize("step, field", EVERY_FIELD, ids=lambda v: v if isinstance(v, str) else v.name)
def test_every_field_speaks_both_languages_and_accepts_its_default(step, field):
    for text in (*field.metadata["label"], *field.metadata["help"]):
        assert text.strip()
    assert any("\u4e00" <= c <= "\u9fff" for c in field.metadata["help"][1])
    assert settings.parse(field, field.default) == field.default


@pytest.mark.parametrize("name, text, value", [
    ("rank", "8", 8), ("learning_rate", "1e-4", 1e-4), ("packing", "yes", True), ("packing", "no", False),
    ("rank", "auto", AUTO), ("effort", "smoke", "smoke"), ("packing", True, True)])
def test_text_becomes_the_value_it_means(name, text, value):
    assert getattr(settings.make("persona", **{name: text}), name) == value


@pytest.mark.parametrize("name, text, word", [
    ("rank", "eight", "whole number"), ("rank", "0", "outside"), ("rank", "10000", "outside"),
    ("learning_rate", "nan", "outside"), ("effort", "huge", "none of"), ("packing", "perhaps", "yes or no"),
    ("effort", AUTO, "none of"), ("nonsense", "1", "no setting")])
def test_a_wrong_value_is_refused_in_a_sentence(name, text, word):
    with pytest.raises(ValueError, match=word):
        settings.make("persona", **{name: text})


def test_what_was_typed_survives_a_new_plan():
    typed = settings.make("persona", rank=8, effort="standard")
    for machine in (LAPTOP, T4, H100):
        resolved = settings.resolve(typed, hardware.plan("persona", typed, machine, {}).values)
        assert resolved.rank == 8
        assert AUTO not in vars(resolved).values()


def test_what_reveals_more_is_never_remembered(twin):
    twin.remember(settings={"publish": {"upload": True, "private": False, "corpus": True, "user": "me"}})
    assert settings.remembered("publish", twin) == {"user": "me"}


@pytest.mark.parametrize("language, position", [("en", 0), ("zh", 1)])
def test_help_describes_every_step_in_the_readers_language(language, position, monkeypatch, capsys):
    monkeypatch.setenv("TWINLIB_LANG", language)
    monkeypatch.setenv("COLUMNS", "200")
    with pytest.raises(SystemExit):
        main(["--help"])
    said = capsys.readouterr().out
    assert set(settings.DESCRIPTIONS) == set(settings.SETTINGS)
    for described in settings.DESCRIPTIONS.values():
        assert described[position] in said and described[1 - position] not in said


@pytest.mark.parametrize("machine, base, precision, engine", [
    (LAPTOP, "gemma-3-270m", "32-bit", "transformers"), ({**LAPTOP, "bf16": True}, "gemma-3-270m", "16-bit", "transformers"),
    (T4, "qwen3-4b", "16-bit", "unsloth"), ({**T4, "unsloth": False}, "qwen3-4b", "16-bit", "transformers"),
     (H100, "qwen3-14b", "16-bit", "transformers")])
def test_the_plan_follows_the_machine(machine, base, precision, engine):
    values = hardware.plan("persona", settings.make("persona"), machine, {}).values
    assert (values["base"], values["precision"], values["engine"]) == (base, precision, engine)


def test_a_base_too_large_for_16_bit_is_planned_in_4_bit():
    values = hardware.plan("persona", settings.make("persona", base="qwen2.5-7b"), T4, {}).values
    assert values["precision"] == "4-bit"


@pytest.mark.parametrize("step", ["persona", "reasoning", "evaluate"])
@pytest.mark.parametrize("machine", [LAPTOP, T4, H100])
@pytest.mark.parametrize("effort", settings.EFFORTS)
def test_every_planned_value_has_a_reason_and_fits_its_limits(step, machine, effort):
    wanted = settings.make(step, effort=effort)
    plan = hardware.plan(step, wanted, machine, {"rows": 100, "tokens": 20_000})
    assert set(plan.values) == set(plan.reasons)
    assert plan.memory_gb > 0 and plan.seconds > 0
    declared = {f.name: f for f in fields(wanted)}
    for name, value in plan.values.items():
        assert settings.parse(declared[name], value) == value


def test_more_effort_takes_more_steps():
    steps = [hardware.plan("persona", settings.make("persona", effort=e), LAPTOP, {"rows": 400, "tokens": 100_000})
             .values["steps"] for e in settings.EFFORTS]
    assert steps == sorted(steps) and steps[0] < steps[2]


def test_a_larger_model_needs_more_memory_and_4_bit_less():
    small, large = hardware.shape("qwen2.5-1.5b"), hardware.shape("qwen2.5-7b")
    memory = hardware.training_memory
    assert memory(small, "16-bit", 16, 2048, True, True) < memory(large, "16-bit", 16, 2048, True, True)
    assert memory(large, "4-bit", 16, 2048, True, True) < memory(large, "16-bit", 16, 2048, True, True)
