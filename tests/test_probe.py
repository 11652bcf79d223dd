"""The look before the hour: what it says, what it decides, and that a run uses it once."""

import json

import pytest

from twinlib import settings
from twinlib.files import write_json
from twinlib.models.generate import Answer
from twinlib.progress import Progress
from twinlib.train import probe, probe_command, reasoning
from twinlib.twin import Stopped
from twinlib.ui import plots


def asked(count):
    return [
        {"id": str(i), "question": f"{i}?", "answer": "1", "task": "gsm8k", "level": i % 2}
        for i in range(count)
    ]


def answers(rights, tokens=40, ended=True):
    """TRIES answers a problem, of which `rights` are right."""
    return [
        Answer(f"work\nAnswer: {1 if k < right else 2}", ended, tokens + k)
        for right in rights
        for k in range(probe.TRIES)
    ]


@pytest.mark.parametrize(
    "rights, verdict, english, chinese",
    [
        ([8] * 60 + [7] * 4, "nothing", "Nothing to gain", "没有可练的"),
        ([0] * 60 + [1] * 4, "hard", "Too hard for this base", "太难"),
        ([0] * 20 + [4] * 30 + [8] * 14, "worth", "Worth practising", "值得练"),
        ([], "prose", "prose", "成段的话"),
    ],
)
def test_it_says_in_both_languages_whether_there_is_anything_to_gain(
    rights, verdict, english, chinese
):
    found = probe.summarise(asked(len(rights)), answers(rights))
    said = probe.said(found)
    assert found["verdict"] == verdict and english in said["en"] and chinese in said["zh"]
    assert probe.is_hopeless(found) == (verdict in ("nothing", "hard"))
    if verdict == "worth":
        assert found["pass_at_1"] == round((120 + 112) / 512, 4)
        assert found["pass_at_8"] == round(44 / 64, 4)
        assert found["pass_at_8_low"] < found["pass_at_8"] < found["pass_at_8_high"]
        assert found["inside"] == 30 and "30" in said["en"]


def test_where_one_kind_of_problem_is_weak_there_is_something_to_gain():
    """Most comparisons are easy, and those like 9.9 and 9.11 are not."""
    pool = [
        {**problem, "level": "trap" if i < 8 else "plain"} for i, problem in enumerate(asked(64))
    ]
    found = probe.summarise(pool, answers([4] * 8 + [8] * 56))
    assert found["pass_at_1"] > probe.GOOD and found["verdict"] == "worth"
    assert probe.summarise(pool, answers([7] * 8 + [8] * 56))["verdict"] == "nothing"


def test_answers_that_run_out_of_room_are_said_before_the_base_is_blamed():
    found = probe.summarise(asked(16), answers([0] * 16, ended=False))
    assert found["verdict"] == "cut" and "100%" in probe.said(found)["en"]
    assert found["completion_tokens"] is None


def test_the_length_is_that_of_the_right_answers_with_room():
    assert probe.room_for([100] * 99 + [400]) == 128
    assert probe.room_for([100] * 15) is None  # too few to tell
    assert probe.room_for([5] * 100) == 32
    found = probe.summarise(asked(4), answers([8] * 4, tokens=100))
    assert found["completion_tokens"] == 144  # 107 with a quarter more, in sixteens


def test_asked_are_problems_from_all_of_the_pool_and_no_prose():
    pool = [*asked(100), *({"id": f"p{i}", "kind": "prose"} for i in range(100))]
    chosen = [int(problem["id"]) for problem in probe.chosen(pool, 10, seed=1)]
    assert len(set(chosen)) == 10 and min(chosen) < 40 and max(chosen) > 60
    assert chosen == [int(problem["id"]) for problem in probe.chosen(pool, 10, seed=1)]
    assert probe.chosen(pool[100:], 10, 1) == [] and len(probe.chosen(pool, 500, 1)) == 100


def test_what_it_depends_on(twin):
    first = settings.make("reasoning", effort="smoke", probe=4, seed=1)
    inputs = {"persona/adapter": "abc"}
    of = probe.asked_for(first, inputs)
    assert of == probe.asked_for(settings.make("reasoning", probe=4, steps=7, seed=1), inputs)
    assert of != probe.asked_for(settings.make("reasoning", probe=4, seed=2), inputs)
    assert of != probe.asked_for(first, {"persona/adapter": "abd"})
    assert probe.kept(twin) is None
    twin.folder("reasoning")
    twin.file("probe").write_text("{broken")
    assert probe.kept(twin) is None


def tiny(twin, base, **changes):
    """A twin on the tiny base, and settings of a run of a few seconds."""
    twin.remember(base={"name": str(base)})
    sizes = {"steps": 2, "generations": 2, "batch": 2, "completion_tokens": 8, "held_out": 4}
    return settings.make("reasoning", **{"effort": "smoke", "probe": 4, **sizes, **changes})


@pytest.mark.slow
def test_a_hopeless_probe_saves_the_hour_and_its_result_is_kept_shown_and_used_again(
    twin, tiny_base, monkeypatch
):
    """The tiny model has random weights: it never answers, and always runs out of room."""
    monkeypatch.setenv("TWINLIB_LANG", "en")
    chosen = tiny(twin, tiny_base)
    probe_command.run(twin, chosen, Progress(None, "probe"))
    kept = json.loads(twin.file("probe").read_text())
    assert len(kept["problems"]) == 4 and kept["verdict"] in ("cut", "hard")
    assert not twin.checkpoints("reasoning").exists(), "a look changes nothing of a run"
    write_json(twin.file("probe"), {**kept, "verdict": "nothing", "pass_at_1": 0.97})
    outcome = reasoning.run(twin, chosen, Progress(twin.history("reasoning"), "reasoning"))
    assert "97%" in outcome.warnings[0] and "steps" not in outcome.figures
    assert outcome.figures["pass_at_1"]["value"] == 0.97, "the kept one is used, none is made anew"
    assert (twin.adapter("reasoning") / "adapter_model.safetensors").exists(), "04 finds an adapter"
    shown = plots.probe(twin)
    assert "Nothing to gain" in shown.text and "<img" in shown.html or "<svg" in shown.html


@pytest.mark.slow
def test_a_stopped_run_goes_on_with_the_probe_that_it_began_with(twin, tiny_base):
    """Its problems' marks are kept, the exam before is not taken again, and the steps go on."""
    chosen = tiny(twin, tiny_base, steps=4, probe=2)
    probe_command.run(twin, chosen, Progress(None, "probe"))
    kept = json.loads(twin.file("probe").read_text())
    worth = {**kept, "verdict": "worth", "completion_tokens": None, "mark": "the first"}
    write_json(twin.file("probe"), worth)

    class Stopping(Progress):
        def record(self, record):
            super().record(record)
            self.stopping = self.stopping or "reward" in record and record["done"] == 1

    with pytest.raises(Stopped, match="step 2"):
        reasoning.run(twin, chosen, Stopping(twin.history("reasoning"), "reasoning"))
    before = twin.file("solutions").read_text()
    marks = json.loads(twin.file("marks").read_text())
    assert marks == probe.marks(worth)
    progress = Progress(twin.history("reasoning"), "reasoning", fresh=False)
    outcome = reasoning.run(twin, chosen, progress)
    assert json.loads(twin.file("probe").read_text())["mark"] == "the first"
    assert twin.file("solutions").read_text().startswith(before)
    records = [json.loads(line) for line in twin.history("reasoning").read_text().splitlines()]
    assert [r["done"] for r in records if "reward" in r] == [1, 2, 3, 4]
    assert outcome.figures["steps"]["value"] == 4 and "pass_at_1" in outcome.figures


@pytest.mark.slow
def test_a_run_is_not_probed_at_smoke_and_without_a_probe_it_practises(twin, tiny_base):
    chosen = tiny(twin, tiny_base, probe=settings.AUTO)
    outcome = reasoning.run(twin, chosen, Progress(twin.history("reasoning"), "reasoning"))
    assert outcome.settings.probe == 0 and outcome.figures["steps"]["value"] == 2
    assert probe.kept(twin) is None
