"""A step that was stopped or killed is shown as that, with what goes on with it."""

from dataclasses import asdict, replace

import pytest
from test_persona import wanted

from twinlib import running
from twinlib.command_line import main
from twinlib.files import write_json
from twinlib.progress import Progress
from twinlib.settings import make
from twinlib.train import checkpoints, persona
from twinlib.twin import Report, Stopped
from twinlib.ui import stopped, tables
from twinlib.ui.all_steps import AllSteps


class StopsAt(Progress):
    """Asks to stop once two steps of training are done."""

    def __call__(self, done, total, note="", **figures):
        if not note and done >= 2:
            self.stopping = True
        super().__call__(done, total, note, **figures)


@pytest.mark.slow
def test_a_stopped_training_tells_its_step_and_what_goes_on_in_both_languages(
    sample_twin, tiny_base, monkeypatch, capsys
):
    chosen, twin = wanted(tiny_base, steps=6), sample_twin
    with pytest.raises(Stopped):
        persona.run(twin, chosen, StopsAt(twin.history("persona"), "persona"))
    twin.start("persona", asdict(chosen))  # as the command does
    at = checkpoints.stopped_at(twin, "persona")
    assert at and at.total == 6 and 2 <= at.done < 6 and at.goes_on

    def status(language):
        monkeypatch.setenv("TWINLIB_LANG", language)
        assert main(["status", "--twin", str(twin.path)]) == 0
        return capsys.readouterr().out

    said = status("en")
    assert f"stopped at step {at.done} of 6" in said and "twinlib persona again: it goes on" in said
    assert f"stopped at step {at.done} of 6" in tables.steps(twin).text
    said = status("zh")
    assert f"已停在第 {at.done}/6 步" in said and "就从那里继续" in said
    assert f"已停在第 {at.done}/6 步" in tables.steps(twin).text
    other = replace(chosen, patience=chosen.patience + 1)
    twin.start("persona", asdict(other))
    assert "twinlib persona begins anew" in status("en")
    said = status("zh")
    assert f"已停在第 {at.done}/6 步" in said and "会从头开始" in said
    monkeypatch.setenv("TWINLIB_LANG", "en")
    following = stopped.cells(twin, "persona")[1]
    assert f"now {other.patience}" in following and "with the earlier settings" in following
    [told] = [p.text for p in persona.problems(other, twin) if "stopped at step" in p.text]
    assert f"stopped at step {at.done} of 6" in told and f"now {other.patience}" in told
    assert not [p for p in persona.problems(chosen, twin) if "stopped at step" in p.text]
    with pytest.raises(Stopped):
        persona.run(twin, other, StopsAt(twin.history("persona"), "persona"))
    assert checkpoints.stopped_at(twin, "persona", other).goes_on
    twin.start("persona", asdict(chosen))
    assert checkpoints.stopped_at(twin, "persona") == at, "kept aside"
    outcome = persona.run(twin, chosen, Progress(twin.history("persona"), "persona"))
    assert f"Going on from the checkpoint at step {at.done}" in capsys.readouterr().out
    assert checkpoints.stopped_at(twin, "persona", other).goes_on, "until it is finished"
    twin.finish(Report("persona", {}, 0, 0, {}, {}, outcome.inputs, outcome.figures, []))
    assert checkpoints.stopped_at(twin, "persona", other) is None
    twin.report_path("persona").unlink()
    with pytest.raises(Stopped):
        persona.run(twin, chosen, StopsAt(twin.history("persona"), "persona"))
    monkeypatch.setenv("TWINLIB_LANG", "en")
    with open(twin.file("train"), "a", encoding="utf-8") as rows:
        rows.write("\n")
    assert "begins anew" in stopped.cells(twin, "persona")[1], "of other rows"


def test_a_step_that_was_killed_tells_how_far_it_came(twin, monkeypatch):
    monkeypatch.setenv("TWINLIB_LANG", "en")
    assert stopped.cells(twin, "evaluate") is None, "it never began"
    with pytest.raises(KeyboardInterrupt), running.claim(twin, "evaluate", {}):
        assert stopped.cells(twin, "evaluate") is None, "it runs"
        progress = Progress(twin.history("evaluate"), "evaluate")
        progress(16, 280, "answers")
        raise KeyboardInterrupt
    far, following = stopped.cells(twin, "evaluate")
    assert far == "stopped at 16 of 280 (answers)" and "evaluate" in following
    killed = {**asdict(running.last(twin)), "ended": None, "stopped": False, "pid": 2**22 + 1}
    write_json(twin.file("running"), killed)
    assert stopped.cells(twin, "evaluate")[0] == "stopped at 16 of 280 (answers)"
    write_json(twin.file("running"), {**killed, "ended": 5.0, "sentence": "No memory."})
    assert stopped.cells(twin, "evaluate") is None, "it failed, and said why"


def test_a_checkpoint_without_its_manifest_is_not_told_of(twin):
    folder = twin.checkpoints("reasoning")
    asked = {"asked": asdict(make("reasoning")), "inputs": {}}
    for name in ("checkpoint-2", "checkpoint-9"):
        write_json(folder / name / "run.json", asked)
        write_json(folder / name / "trainer_state.json", {"max_steps": 12})
    assert checkpoints.stopped_at(twin, "reasoning") is None
    checkpoints.write_manifest(folder / "checkpoint-2")
    assert checkpoints.stopped_at(twin, "reasoning") == (2, 12, True, "")


def test_what_a_stopped_run_still_takes_is_told_by_the_pace_that_it_had(twin):
    twin.draft("persona", effort="quick")
    steps = AllSteps(twin, ["persona", "quantize"], list)
    steps.plan()
    planned, later = steps.seconds["persona"], steps.seconds["quantize"]
    settings = make("persona", effort="quick")
    with pytest.raises(KeyboardInterrupt), running.claim(twin, "persona", asdict(settings)):
        progress = Progress(twin.history("persona"), "persona")
        progress(3, 50, seconds_left=4000.0)
        progress(10, 50, seconds_left=3600.0)
        raise KeyboardInterrupt
    assert stopped.seconds_left(twin, "persona", settings) is None, "nothing is saved"
    folder = twin.checkpoints("persona") / "checkpoint-5"
    write_json(folder / "trainer_state.json", {"max_steps": 50})
    write_json(folder / "run.json", {"asked": asdict(settings), "inputs": {}})
    checkpoints.write_manifest(folder)
    steps.plan()
    assert steps.seconds == {"persona": 3600.0 * 45 / 40, "quantize": later}
    steps.plan(effort="smoke")
    assert steps.seconds["persona"] < planned, "of other settings"
    with running.claim(twin, "persona", asdict(settings)):
        assert stopped.seconds_left(twin, "persona", settings) is None, "it runs"
