"""A twin that version 0.1.0 made opens, is still done, and goes on where it was.

tests/old_twin holds it with its base: random weights in Qwen2's shape, every step run on a third of
the sample blog.
"""

import json

import pytest

from twinlib import Twin
from twinlib.command_line import main
from twinlib.files import read_records
from twinlib.models import generate
from twinlib.text import labels
from twinlib.twin import STEPS as ALL

STEPS = [step for step in ALL if step != "memory"]  # of which version 0.1.0 knew


def test_every_step_is_still_done(old):
    assert {step: old.state(step).name for step in STEPS} == dict.fromkeys(STEPS, "done")


def test_its_records_are_read(old):
    assert len(old.records("train")) == 52
    assert {row["kind"] for row in old.records("train")} == {"qa", "raw", "abstain", "identity"}
    assert len(old.records("answers")) == 4
    assert list(old.ggufs()) == ["Q8_0", "Q4_K_M"]


def test_its_figures_have_labels(old):
    for step in STEPS:
        for name in old.report(step).figures:
            assert labels.figure(name, step)["zh"] != name.replace("_", " ")


@pytest.mark.slow(seconds=75)
def test_files_made_again_are_the_same_and_a_further_one_stands_beside_them(old):
    before = {kind: old.hash(path) for kind, path in old.ggufs().items()}
    wanted = ["--types", "Q8_0,Q4_K_M,Q5_K_M", "--decimals", "0"]
    assert main(["quantize", "--twin", str(old.path), *wanted]) == 0
    after = Twin(old.path)
    assert list(after.ggufs()) == ["Q8_0", "Q5_K_M", "Q4_K_M"]
    assert {kind: after.hash(after.gguf(kind)) for kind in before} == before
    assert after.state("quantize").name == after.state("evaluate").name == "done"


@pytest.mark.slow
def test_answers_that_were_given_are_not_asked_again(old, monkeypatch):
    """Its report has no new questions, which the twin is now asked as well."""
    report = json.loads(old.report_path("evaluate").read_text(encoding="utf-8"))
    kept = {answer["id"]: answer for answer in read_records(old.file("answers"))}
    asked, answers = [], generate.answers

    def count(model, tokenizer, conversations, **named):
        asked.extend(turns[-1]["content"] for turns in conversations)
        return answers(model, tokenizer, conversations, **named)

    monkeypatch.setattr(generate, "answers", count)
    old.report_path("evaluate").unlink()
    assert main(["evaluate", "--twin", str(old.path)]) == 0
    assert asked and not {answer["question"] for answer in kept.values()} & set(asked)
    now = {answer["id"]: answer for answer in read_records(old.file("answers"))}
    assert {name: now[name] for name in kept} == kept
    again, figures = Twin(old.path).report("evaluate").figures, report["figures"]
    # Personal data is counted in the new answers too; fewer texts are scored now.
    names = figures.keys() - {"personal_data", "copied", "copied.exact", "prediction_gain"}
    assert _numbers(again, names) == _numbers(figures, names)
    # It was told for each Chinese character, which now counts as three letters.
    gains = [each["prediction_gain"]["value"] for each in (again, figures)]
    assert 3 * gains[0] == pytest.approx(gains[1], rel=0.01)


def _numbers(figures, names):
    """Values and intervals without their last digits, which depend on the order of additions."""
    numbers = {name: [figures[name][key] for key in ("value", "low", "high")] for name in names}
    return json.loads(json.dumps(numbers), parse_float=lambda number: round(float(number), 12))
