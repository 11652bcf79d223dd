"""One declaration per setting: parsing, limits, what is typed survives, both languages."""

import re
from collections import Counter
from dataclasses import fields

import pytest
from conftest import build_tiny_base

from twinlib import i18n, settings
from twinlib.__main__ import TOUR, main
from twinlib.catalogue import CATALOGUE
from twinlib.models import estimate
from twinlib.models import plan as planning
from twinlib.twin import AUTO

EVERY_FIELD = [(step, field) for step, kind in settings.SETTINGS.items() for field in fields(kind)]
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
    "step, field", EVERY_FIELD, ids=lambda v: v if isinstance(v, str) else v.name
)
def test_every_field_has_its_texts_and_accepts_its_default(step, field):
    texts = settings.texts(step, field.name)
    assert set(texts) == {"label", "help"}
    for text in texts.values():
        assert set(text) == set(i18n.LANGUAGES) and all(map(str.strip, text.values()))
    assert re.search("[一-鿿]", texts["help"]["zh"])
    assert settings.parse(field, field.default) == field.default


def test_no_text_of_a_setting_is_left_over():
    """An entry belongs to a field of its step; a shared one to fields of several steps."""
    entries = i18n.data("settings")
    own = {(step, name) for step in settings.SETTINGS for name in entries[step]}
    every = {(step, field.name) for step, field in EVERY_FIELD}
    shared = Counter(name for _, name in every - own)
    assert own < every and set(entries) == {"descriptions", "shared", *settings.SETTINGS}
    assert set(shared) == set(entries["shared"]) and min(shared.values()) > 1


@pytest.mark.parametrize(
    "name, text, value",
    [
        ("rank", "8", 8),
        ("learning_rate", "1e-4", 1e-4),
        ("packing", "yes", True),
        ("packing", "no", False),
        ("rank", "auto", AUTO),
        ("effort", "smoke", "smoke"),
        ("packing", True, True),
    ],
)
def test_text_becomes_the_value_it_means(name, text, value):
    assert getattr(settings.make("persona", **{name: text}), name) == value


@pytest.mark.parametrize(
    "name, text, word",
    [
        ("rank", "eight", "whole number"),
        ("rank", "0", "outside"),
        ("rank", "10000", "outside"),
        ("learning_rate", "nan", "outside"),
        ("effort", "huge", "none of"),
        ("packing", "perhaps", "yes or no"),
        ("effort", AUTO, "none of"),
        ("nonsense", "1", "no setting"),
    ],
)
def test_a_wrong_value_is_refused_in_a_sentence(name, text, word):
    with pytest.raises(ValueError, match=word):
        settings.make("persona", **{name: text})


def test_what_was_typed_survives_a_new_plan():
    typed = settings.make("persona", rank=8, effort="standard")
    for machine in (LAPTOP, T4, H100):
        resolved = settings.resolve(typed, planning.derive("persona", typed, machine, {}).values)
        assert resolved.rank == 8
        assert AUTO not in vars(resolved).values()


def test_what_reveals_more_is_never_remembered(twin):
    twin.remember(
        settings={"publish": {"upload": True, "private": False, "corpus": True, "user": "me"}}
    )
    assert settings.remembered("publish", twin) == {"user": "me"}


@pytest.mark.parametrize("language, other", [("en", "zh"), ("zh", "en")])
def test_help_describes_every_step_in_the_readers_language(language, other, monkeypatch, capsys):
    monkeypatch.setenv("TWINLIB_LANG", language)
    monkeypatch.setenv("COLUMNS", "200")
    with pytest.raises(SystemExit):
        main(["--help"])
    said = capsys.readouterr().out
    descriptions = i18n.data("settings")["descriptions"]
    assert set(descriptions) == set(settings.SETTINGS)
    for text in descriptions.values():
        assert text[language] in said and text[other] not in said


@pytest.mark.parametrize(
    "language, lines",
    [
        (
            "en",
            (
                "Rows that say 'I haven't written about that': "
                "At most; a small corpus gets a tenth of its rows. (40)",
                "Mask personal data: E-mail addresses, phone and card numbers and the like become "
                "placeholders. [yes, no] (yes)",
            ),
        ),
        (
            "zh",
            (
                "“我没写过这个”的行数：最多；文字少时取总行数的十分之一。 (40)",
                "遮住个人信息：电子邮箱、电话、卡号等会换成占位符。 [yes, no] (yes)",
            ),
        ),
    ],
)
def test_help_names_a_setting_before_it_explains_it(language, lines, monkeypatch, capsys):
    monkeypatch.setenv("TWINLIB_LANG", language)
    monkeypatch.setenv("COLUMNS", "300")
    with pytest.raises(SystemExit):
        main(["corpus", "--help"])
    said = capsys.readouterr().out
    assert all(line in said for line in lines)


def test_help_of_the_tour_explains_every_option(monkeypatch, capsys):
    monkeypatch.setenv("COLUMNS", "300")
    with pytest.raises(SystemExit):
        main(["tour", "--help"])
    said = capsys.readouterr().out
    assert all(f"--{name} …" in said for name in TOUR) and said.count("(as last time)") == len(TOUR)
    assert "Base model: " in said and "[smoke, quick, standard, thorough]" in said


@pytest.mark.parametrize(
    "machine, base, precision, engine",
    [
        (LAPTOP, "gemma-3-270m", "32-bit", "transformers"),
        ({**LAPTOP, "bf16": True}, "gemma-3-270m", "16-bit", "transformers"),
        (T4, "qwen3-4b", "16-bit", "unsloth"),
        ({**T4, "unsloth": False}, "qwen3-4b", "16-bit", "transformers"),
        (H100, "qwen3-14b", "16-bit", "transformers"),
    ],
)
def test_the_plan_follows_the_machine(machine, base, precision, engine):
    values = planning.derive("persona", settings.make("persona"), machine, {}).values
    assert (values["base"], values["precision"], values["engine"]) == (base, precision, engine)


def test_a_base_too_large_for_16_bit_is_planned_in_4_bit():
    values = planning.derive("persona", settings.make("persona", base="qwen2.5-7b"), T4, {}).values
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
        plan = planning.derive("persona", settings.make("persona", base=base), machine, {})
        assert plan.values["precision"] == expected, base
        assert (
            planning.derive(
                "reasoning", settings.make("reasoning"), machine, {"base": base}
            ).values["precision"]
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
            assert trainer.precision_flags("16-bit", str(folder.path)) == {
                "bf16": fast,
                "fp16": not fast and not gemma,
            }


@pytest.mark.parametrize(
    "base", [name for name, entry in CATALOGUE.items() if planning.fits(entry, T4) == "4-bit"]
)
def test_what_a_t4_trains_in_four_bits_it_also_answers_in_four(base):
    takes = [
        planning.derive(
            "evaluate", settings.make("evaluate"), T4, {"base": base, "precision": precision}
        ).memory_gb
        for precision in ("4-bit", "auto")
    ]
    assert takes[0] < planning.usable(T4) < takes[1], takes


@pytest.mark.parametrize("step", ["persona", "reasoning", "evaluate"])
@pytest.mark.parametrize("machine", [LAPTOP, T4, H100])
@pytest.mark.parametrize("effort", settings.EFFORTS)
def test_every_planned_value_has_a_reason_and_fits_its_limits(step, machine, effort):
    wanted = settings.make(step, effort=effort)
    plan = planning.derive(step, wanted, machine, {"rows": 100, "tokens": 20_000})
    assert set(plan.values) == set(plan.reasons)
    assert plan.memory_gb > 0 and plan.seconds > 0
    declared = {f.name: f for f in fields(wanted)}
    for name, value in plan.values.items():
        assert settings.parse(declared[name], value) == value


def test_more_effort_takes_more_steps():
    steps = [
        planning.derive(
            "persona", settings.make("persona", effort=e), LAPTOP, {"rows": 400, "tokens": 100_000}
        ).values["steps"]
        for e in settings.EFFORTS
    ]
    assert steps == sorted(steps) and steps[0] < steps[2]


def test_a_larger_model_needs_more_memory_and_4_bit_less():
    def memory(base, precision="16-bit", checkpointing="none", tokens=2048):
        return estimate.memory(
            estimate.shape(base), estimate.Step(tokens, precision, 16, checkpointing, True, True)
        )

    assert memory("qwen2.5-1.5b") < memory("qwen2.5-7b")
    assert memory("qwen2.5-7b", "4-bit") < memory("qwen2.5-7b")
    assert (
        memory("qwen2.5-7b", "4-bit", "full")
        < memory("qwen2.5-7b", "4-bit", "selective")
        < memory("qwen2.5-7b", "4-bit")
        < memory("qwen2.5-7b", "4-bit", tokens=4096)
    )


@pytest.mark.parametrize(
    "base, billions",
    [
        ("qwen2.5-0.5b", 0.494),
        ("qwen2.5-1.5b", 1.54),
        ("qwen2.5-7b", 7.61),
        ("qwen2.5-14b", 14.7),
        ("qwen3-0.6b", 0.6),
        ("qwen3-8b", 8.2),
        ("llama-3.2-1b", 1.24),
        ("llama-3.2-3b", 3.21),
        ("gemma-3-270m", 0.268),
        ("gemma-3-1b", 1.0),
        ("smollm2-135m-instruct", 0.135),
    ],
)
def test_the_shapes_of_the_catalogue_have_the_published_sizes(base, billions):
    assert estimate.shape(base).parameters == pytest.approx(billions, rel=0.03)


@pytest.mark.parametrize("family", ["qwen2", "qwen3", "llama", "gemma3"])
def test_the_shape_of_a_folder_counts_its_parameters(tmp_path, family):
    from transformers import AutoModelForCausalLM

    found = estimate.shape(str(build_tiny_base(tmp_path, family)))
    count = sum(
        p.numel()
        for p in AutoModelForCausalLM.from_pretrained(tmp_path).parameters()
        if p.dim() > 1
    )
    assert found.parameters * 1e9 == count
    assert estimate.shape(str(tmp_path / "nothing")) is None


def planned(machine, facts=None, **typed):
    return planning.derive(
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
        assert 1024 <= tokens <= planning.MOST_TOKENS
        assert values["steps"] >= 40 or tokens <= 4096


@pytest.mark.parametrize("gigabytes", [6, 8, 12, 16, 24, 48, 80])
@pytest.mark.parametrize(
    "base", ["qwen2.5-0.5b", "qwen2.5-1.5b", "qwen2.5-3b", "qwen2.5-7b", "qwen2.5-14b"]
)
def test_what_is_planned_fits_or_is_said_not_to(gigabytes, base):
    card = {**H100, "gpu": "NVIDIA RTX", "gpu_gb": float(gigabytes)}
    plan = planned(card, MANY, base=base)
    smallest = plan.values["batch"] == 1 and plan.values["checkpointing"] == "full"
    assert (
        plan.memory_gb <= planning.usable(card) or smallest and plan.values["precision"] == "4-bit"
    )


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
