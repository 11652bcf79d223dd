"""Reasoning on a tiny real model: GRPO runs, both exams are the same problems, no gain is claimed
from chance."""

import json
import shutil
from types import SimpleNamespace

import pytest
from conftest import ROOT
from safetensors.torch import load_file

from twinlib import settings
from twinlib.files import now, write_atomic
from twinlib.i18n import choose
from twinlib.progress import Progress
from twinlib.text.statistics import mcnemar
from twinlib.train import grpo, persona, problems, reasoning
from twinlib.twin import Report
from twinlib.ui import summary

QUANTIZE = settings.make("quantize")


def wanted(**changes):
    return settings.make(
        "reasoning",
        **{
            "effort": "smoke",
            "steps": 2,
            "generations": 2,
            "batch": 2,
            "completion_tokens": 8,
            "held_out": 8,
            **changes,
        },
    )


@pytest.fixture
def trained(sample_twin, tiny_base):
    chosen = settings.make(
        "persona",
        base=str(tiny_base),
        effort="smoke",
        steps=2,
        batch=2,
        accumulation=1,
        length=256,
        replay_share=0.0,
    )
    outcome = persona.run(sample_twin, chosen, Progress(sample_twin.history("persona"), "persona"))
    sample_twin.finish(
        Report(
            "persona",
            vars(outcome.settings),
            now(),
            now(),
            {},
            {},
            outcome.inputs,
            outcome.figures,
            [],
        )
    )
    return sample_twin


@pytest.mark.slow
def test_grpo_continues_a_copy_of_the_persona_adapter_and_is_judged_on_the_same_problems(trained):
    before = trained.hash(trained.adapter("persona"))
    outcome = reasoning.run(trained, wanted(), Progress(trained.history("reasoning"), "reasoning"))
    assert trained.hash(trained.adapter("persona")) == before
    assert "persona/adapter" in outcome.inputs
    solutions = [json.loads(line) for line in trained.file("solutions").read_text().splitlines()]
    asked = {
        when: [s["id"] for s in solutions if s["when"] == when] for when in ("before", "after")
    }
    assert asked["before"] == asked["after"] and len(asked["after"]) == 8
    assert outcome.figures["accuracy_after"]["n"] == 8
    assert any("tell from chance" in w for w in outcome.warnings)
    history = [json.loads(line) for line in trained.history("reasoning").read_text().splitlines()]
    assert any("reward" in record for record in history)


@pytest.mark.slow
def test_practice_goes_on_from_the_voice_also_where_its_texts_changed_since(trained, capsys):
    """The adapter that it saves is the whole twin: from the bare base it would have no voice."""
    chosen = wanted()
    write_atomic(trained.adapter("reasoning") / "earlier", "x")
    with open(trained.file("train"), "a", encoding="utf-8") as rows:
        rows.write("\n")
    assert trained.state("persona").name == "stale"
    [said] = reasoning.voice_problems(trained)
    assert said.level == "warning" and "starts from the voice that is there" in said.text
    outcome = reasoning.run(trained, chosen, Progress(trained.history("reasoning"), "reasoning"))
    voice, practised = (
        load_file(trained.adapter(step) / "adapter_model.safetensors")
        for step in ("persona", "reasoning")
    )
    moved = sum(float((practised[name] - voice[name]).abs().sum()) for name in voice)
    learnt = sum(float(voice[name].abs().sum()) for name in voice if "lora_B" in name)
    assert learnt > 0 and moved < learnt, "a new adapter would begin with other weights"
    assert (trained.earlier_adapter("reasoning") / "earlier").exists(), "nothing is overwritten"
    trained.finish(
        Report("reasoning", {}, 0, 1, {}, {}, outcome.inputs, outcome.figures, outcome.warnings)
    )
    following = choose(summary.summary(trained, "reasoning").following)
    assert "persona" in following and "untouched" not in following
    assert settings.stops(settings.step_module("quantize").problems(QUANTIZE, trained))


def test_a_voice_that_is_lost_or_of_another_base_is_not_replaced_by_none(twin):
    [said] = reasoning.voice_problems(twin)
    assert said.level == "warning" and "no file can be made" in said.text
    write_atomic(twin.adapter("persona") / "adapter_model.safetensors", "x")
    twin.remember(base={"name": "small", "revision": "1"})
    inputs = twin.inputs(base=True)
    twin.finish(Report("persona", {}, 0, 1, {}, {}, inputs, {}, []))
    assert reasoning.voice_problems(twin) == []
    twin.remember(base={"name": "large", "revision": "2"})
    [said] = reasoning.voice_problems(twin)
    assert said.level == "stop" and "trained on small" in said.text
    twin.remember(base={"name": "small", "revision": "1"})
    shutil.rmtree(twin.adapter("persona"))
    [said] = reasoning.voice_problems(twin)
    assert said.level == "stop" and "not there any more" in said.text


@pytest.mark.slow
def test_the_gradient_of_the_voice_does_not_depend_on_the_batches_of_a_step(trained, monkeypatch):
    sizes = {}

    def learn(self, model, step, backward):
        parameter = next(p for p in model.parameters() if p.requires_grad)
        before = 0.0 if parameter.grad is None else parameter.grad.clone()
        backward(parameter.sum())
        sizes.setdefault(at_once, []).append((parameter.grad - before).flatten()[0].item())
        return 0.0

    monkeypatch.setattr(grpo.Regularizer, "learn", learn)
    for at_once in (4, 2):
        monkeypatch.setattr(grpo, "learning", lambda *_: (at_once, "none"))
        chosen = wanted(batch=4, generations=4, keep_voice=1.0, seed=at_once)
        reasoning.run(trained, chosen, Progress(trained.history("reasoning"), "reasoning"))
    assert sizes == {4: [1.0, 1.0], 2: [1.0, 1.0]}


@pytest.mark.slow
def test_holding_the_voice_is_recorded(trained):
    chosen = wanted(batch=4, generations=4, keep_voice=1.0)
    reasoning.run(trained, chosen, Progress(trained.history("reasoning"), "reasoning"))
    history = [json.loads(line) for line in trained.history("reasoning").read_text().splitlines()]
    drifts = [record["voice_drift"] for record in history if "voice_drift" in record]
    assert drifts and all(0 <= drift < 0.1 for drift in drifts)


@pytest.mark.slow
def test_the_sample_problem_file_is_practised(trained):
    chosen = wanted(task="file", problems=str(ROOT / "data_samples" / "problems.jsonl"))
    assert not settings.stops(reasoning.problems(chosen, trained))
    outcome = reasoning.run(trained, chosen, Progress(trained.history("reasoning"), "reasoning"))
    assert outcome.figures["steps"]["value"] == 2


@pytest.mark.parametrize(
    "content, word",
    [
        (None, "no problem file"),
        ("", "is empty"),
        ("\x00\x01binary" * 9, "can't be read"),
        ('{"question": "1+1?", "answer": "2"}\n' * 3, "3 usable"),
    ],
)
def test_a_bad_problem_file_is_a_stop_in_a_sentence(twin, tmp_path, content, word):
    path = tmp_path / "problems.jsonl"
    if content is not None:
        path.write_text(content)
    assert (
        word
        in settings.stops(reasoning.problems(wanted(task="file", problems=str(path)), twin))[0].text
    )


@pytest.mark.slow
def test_a_small_base_is_said_before_training(trained):
    assert any("half a billion" in p.text for p in reasoning.problems(wanted(), trained))


def test_in_both_languages_the_verdict_is_said_once(monkeypatch):
    monkeypatch.setenv("TWINLIB_LANG", "both")
    trainer = SimpleNamespace(state=SimpleNamespace(log_history=[], global_step=1))
    figures, _ = problems.judge([{"correct": False}] * 8, [{"correct": True}] * 8, trainer)
    assert (
        figures["accuracy_gain"]["note"].count(" · ") == 1
        and "a real change" in figures["accuracy_gain"]["note"]
    )


def test_versions_of_one_problem_are_one_in_the_verdict():
    trainer = SimpleNamespace(state=SimpleNamespace(log_history=[], global_step=1))
    alone = [[{"correct": right, "id": str(i)} for i in range(24)] for right in (False, True)]
    figures, _ = problems.judge(*alone, trainer)
    assert figures["accuracy_gain"]["level"] == "good"
    for records in alone:
        for i, record in enumerate(records):
            record["group"] = i // 6
    figures, warnings = problems.judge(*alone, trainer)
    assert figures["accuracy_gain"]["level"] == "unsure" and "chance" in warnings[0]
    assert figures["accuracy_after"]["low"] == pytest.approx(0.51, abs=0.01)  # of 4, not of 24


def test_practice_in_several_processes_is_refused_at_once(trained, monkeypatch):
    assert settings.stops(reasoning.problems(wanted(), trained)) == []
    monkeypatch.setenv("WORLD_SIZE", "2")
    [problem] = reasoning.problems(wanted(), trained)
    assert problem.level == "stop" and "without accelerate launch" in problem.text


def test_mcnemar_agrees_with_a_textbook_table():
    """Agresti's approval ratings (1600 people: 150 changed one way, 86 the other) give z² = 17.36,
    p = 3.1e-5."""
    before = [1] * 794 + [1] * 150 + [0] * 86 + [0] * 570
    after = [1] * 794 + [0] * 150 + [1] * 86 + [0] * 570
    gain, low, high, p = mcnemar(before, after)
    assert gain == pytest.approx(-0.04) and (low, high) == (
        pytest.approx(-0.0587, abs=2e-4),
        pytest.approx(-0.0213, abs=2e-4),
    )
    assert p == pytest.approx(3.7e-5, rel=0.3)
