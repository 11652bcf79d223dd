"""Notebook 00's page: one button for all steps, one run at a time, stop, and what it shows."""

import json
import shutil
import subprocess
import sys
import time
from dataclasses import asdict
from pathlib import Path
from types import SimpleNamespace

import pytest
from conftest import ROOT
from widget_tree import inside, text_of

from twinlib import Twin, running
from twinlib import settings as declared
from twinlib.files import write_json
from twinlib.train import persona
from twinlib.ui import all_steps, runtime, start_page, tables
from twinlib.ui.all_steps import AllSteps

# Runs a step that does nothing, as another process or an earlier kernel would. What is written
# into its .ends is the error that it ends with.
OTHER = """
import pathlib, sys, time
from twinlib import Twin, running
twin, end = Twin.open(sys.argv[1]), pathlib.Path(sys.argv[1] + ".ends")
with running.claim(twin, "corpus", {}):
    print("runs", flush=True)
    ends = time.time() + 60
    while time.time() < ends and not end.exists():
        time.sleep(0.1)
    if end.exists() and end.read_text():
        raise ValueError(end.read_text())
"""


@pytest.fixture
def twin(tmp_path, posts):
    twin = Twin.open(tmp_path / "twins" / "me")
    twin.draft("corpus", source=str(posts), author="Ning", questions="titles")
    return twin


@pytest.fixture
def other(twin):
    """A function that starts a run of the twin in another process, until its .ends is there."""
    started = []

    def start():
        child = subprocess.Popen(
            [sys.executable, "-c", OTHER, str(twin.path)],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        started.append(child)
        assert child.stdout.readline() == "runs\n"
        return child

    yield start
    for child in started:
        child.kill()
        child.wait()
        child.stdout.close()


def ended(steps):
    steps.thread.join(timeout=120)
    assert steps.state != "running"
    return steps


def test_without_writing_the_button_says_so_and_starts_nothing(tmp_path):
    page = start_page.page(Twin.open(tmp_path / "twins" / "nobody"))
    page.make.click()
    assert "No writing chosen yet" in page.problems.value
    titles = [part.get_title(0) for part in inside(page) if hasattr(part, "get_title")]
    assert "Little text? An interview" in titles
    assert page.steps.thread is None and page.stop.layout.display == "none"


def test_what_kept_the_button_from_starting_goes_when_something_is_typed(twin):
    twin.draft("corpus", author="")
    page = start_page.page(twin)
    page.make.click()
    assert "Whose words are these?" in page.problems.value
    page.writing.form.inputs["author"].value = "N"
    assert page.problems.value == ""


def test_the_effort_chosen_once_is_that_of_every_step(twin, monkeypatch):
    monkeypatch.setattr(AllSteps, "start", lambda self: None)
    page = start_page.page(twin)
    page.effort.inputs["effort"].value = "thorough"
    longest = page.steps.plan(effort="thorough")
    assert str(round(longest / 60)) in page.total.value or " h " in page.total.value
    page.effort.inputs["effort"].value = "smoke"
    assert page.steps.plan(effort="smoke") < longest
    assert "All steps together take about" in page.total.value
    page.make.click()
    assert twin.drafts("persona")["effort"] == twin.drafts("evaluate")["effort"] == "smoke"
    assert twin.drafts("quantize") == {"types": "Q8_0"}


def test_what_fits_which_card_says_that_it_is_estimated(twin):
    page = start_page.page(twin)
    [shown] = [part for part in inside(page) if "24 GB" in str(getattr(part, "value", ""))]
    assert "These are estimates, not runs on these cards" in shown.value
    assert "at least (estimates, too)" in shown.value


def test_where_nothing_can_be_written_the_button_says_so_and_starts_nothing(twin):
    page = start_page.page(twin)
    twin.file("drafts").unlink()
    twin.file("drafts").mkdir()  # as on a full or read-only disk, it can't be written
    page.make.click()
    assert "is not kept" in page.problems.value and page.steps.state == "idle"


@pytest.mark.slow
def test_the_button_runs_what_was_typed_and_the_page_shows_it(twin, monkeypatch):
    monkeypatch.setattr(start_page, "STEPS", ("corpus",))
    page = start_page.page(twin)
    page.make.click()
    assert page.make.layout.display == "none" and page.stop.layout.display != "none"
    ended(page.steps)
    assert page.steps.state == "done", page.steps.sentence
    assert twin.report("corpus").settings["author"] == "Ning"
    assert "Your twin is made" in page.problems.value and "width:100.0%" in page.bar.value
    assert "$ python -m twinlib corpus" in page.printed.value
    assert page.make.layout.display != "none" and page.stop.layout.display == "none"


@pytest.mark.slow
def test_a_step_that_fails_ends_it_with_its_sentence(twin, tmp_path):
    twin.draft("corpus", source=str(tmp_path / "gone"))
    seen = []
    steps = AllSteps(twin, ["corpus", "persona"], lambda: seen.append(1))
    steps.start()
    assert ended(steps).state == "failed" and "gone" in steps.sentence and seen
    assert twin.report("persona") is None


@pytest.mark.slow
def test_a_run_of_the_twin_that_goes_on_is_waited_for_and_not_started_twice(
    twin, other, monkeypatch
):
    monkeypatch.setattr(start_page, "STEPS", ("corpus",))
    monkeypatch.setenv(running.THEN, "corpus")  # as a page's run in an earlier kernel
    typed = twin.drafts("corpus")
    twin.start("corpus", {"author": "Nobody"})  # which this kernel would go on believing
    twin.draft("corpus", **typed)
    child = other()
    page = start_page.page(twin)  # as after a restart of the kernel
    assert page.steps.state == "running", "it follows by itself"
    time.sleep(1.5)
    assert page.steps._child is None and "01 Prepare your corpus" in page.bar.value
    twin.path.with_name(twin.path.name + ".ends").touch()
    assert ended(page.steps).state == "done", page.steps.sentence
    assert child.wait(timeout=10) == 0
    assert twin.state("corpus").name == "done"
    assert tables.steps(twin).text == tables.steps(Twin(twin.path)).text, "as in status"


@pytest.mark.slow
def test_a_page_that_is_merely_opened_starts_nothing_after_a_terminals_run(
    twin, other, monkeypatch
):
    started = []
    monkeypatch.setattr(all_steps.run, "child_of", lambda *given: started.append(given))
    ends = twin.path.with_name(twin.path.name + ".ends")
    for how, state, said in (
        ("stopped", "stopped", "the button goes on from there"),
        ("killed", "failed", "ended without a word"),
        ("failed", "failed", "The cat sat on it."),
        ("done", "watched", "is done. It was started elsewhere"),
    ):
        child = other()
        page = start_page.page(twin)
        time.sleep(1.5)  # it has seen the run
        assert page.steps.state == "running" and "01 Prepare your corpus" in page.bar.value
        assert "for everything" not in page.bar.value
        if how == "stopped":  # as by `twinlib status --stop`, or by Ctrl-C
            running.ask_to_stop(twin, running.current(twin))
        elif how == "killed":
            child.kill()
        else:
            ends.write_text("The cat sat on it." if how == "failed" else "")
        child.wait(timeout=20)
        assert ended(page.steps).state == state and said in page.problems.value
        assert page.make.layout.display != "none"
        assert not started
        ends.unlink(missing_ok=True)


@pytest.mark.slow
def test_what_the_button_had_begun_ends_with_a_stop_from_elsewhere(twin, other, monkeypatch):
    monkeypatch.setenv(running.THEN, "persona quantize evaluate")
    child = other()
    page = start_page.page(twin)
    assert page.steps.state == "running" and not page.steps.watches
    time.sleep(1.5)
    running.ask_to_stop(twin, running.current(twin))
    child.wait(timeout=20)
    assert ended(page.steps).state == "stopped" and page.steps._child is None


@pytest.mark.slow
def test_a_run_of_the_button_says_what_follows_and_keeps_its_effort(twin, monkeypatch):
    page = start_page.page(twin)
    page.effort.inputs["effort"].value = "smoke"
    page.make.click()
    while not (there := running.current(twin)) and page.steps.state == "running":
        time.sleep(0.1)
    assert there and there.then.split() == ["persona", "quantize", "evaluate"]
    running.ask_to_stop(twin, there)
    assert ended(page.steps).state == "stopped", "also where the step was done before it looked"
    after_restart = Twin(twin.path)
    assert declared.remembered("quantize", after_restart)["types"] == "Q8_0"
    assert declared.remembered("evaluate", after_restart)["effort"] == "smoke"


def test_what_broke_off_is_said_and_goes_on_by_itself(twin, monkeypatch):
    started = []
    monkeypatch.setattr(start_page.AllSteps, "start", lambda steps: started.append(steps))
    in_terminal = {"logged": False}
    for how, expected in (({}, 1), ({"ended": 2.0, "stopped": True}, 0), (in_terminal, 0)):
        who = ("persona", 2**22 + 1, "a-machine-of-colab", 1.0, time.time() - 900, 2.0, {})
        write_json(twin.file("running"), asdict(running.Run(*who, **{"logged": True, **how})))
        record = {"time": time.time() - 800, "done": 120, "total": 300, "loss": 3.0}
        twin.history("persona").parent.mkdir(exist_ok=True)
        twin.history("persona").write_text(json.dumps(record) + "\n")
        started.clear()
        page = start_page.page(twin)
        assert len(started) == expected
        said = "was under way and broke off at 120 of 300" in page.problems.value
        assert said == bool(expected)
        said = "was running in a terminal and broke off" in page.problems.value
        assert said == (how is in_terminal)


def test_after_a_stop_the_button_goes_on_with_what_was_stopped(twin, monkeypatch):
    """Also practice, which notebook 03 had begun, and what should come after it."""
    monkeypatch.setattr(start_page.AllSteps, "start", lambda steps: None)
    who = ("reasoning", 2**22 + 1, "a-machine-of-colab", 1.0, time.time() - 900, 2.0, {})
    for how, then in (({"stopped": True}, "quantize"), ({"sentence": "Too hard."}, "")):
        ended = running.Run(*who, ended=time.time() - 100, logged=True, then=then, **how)
        write_json(twin.file("running"), asdict(ended))
        page = start_page.page(twin)
        assert "reasoning" not in page.steps.steps, "until the button is pressed"
        page.make.click()
        assert ("reasoning" in page.steps.steps) == bool(then)
    assert page.steps.steps == list(start_page.STEPS)


def test_at_a_higher_effort_the_one_file_of_a_quick_try_is_no_choice(twin, monkeypatch):
    monkeypatch.setattr(start_page.AllSteps, "start", lambda steps: None)
    page = start_page.page(twin)
    page.effort.inputs["effort"].value = "smoke"
    page.make.click()
    assert declared.remembered("quantize", twin)["types"] == "Q8_0"
    twin.start("quantize", {"types": "Q8_0"})  # it ran
    page.effort.inputs["effort"].value = "standard"
    page.make.click()
    assert "types" not in declared.remembered("quantize", Twin(twin.path))
    twin.draft("persona", effort="smoke")
    assert declared.remembered("quantize", twin)["types"] == "Q8_0"
    twin.draft("persona", effort="standard")
    declared.chosen_by_owner("quantize", twin)
    twin.start("quantize", {"types": "Q8_0"})  # typed
    assert declared.remembered("quantize", twin)["types"] == "Q8_0"


def test_what_another_notebook_had_begun_goes_on_as_it_was_set_there(twin, monkeypatch):
    monkeypatch.setattr(start_page.AllSteps, "start", lambda steps: None)
    twin.draft("persona", effort="smoke")
    for step, steps in (
        ("quantize", ["corpus", "persona", "quantize", "evaluate"]),
        ("reasoning", ["corpus", "persona", "reasoning", "quantize", "evaluate"]),
    ):
        who = (step, 2**22 + 1, "a-machine-of-colab", 1.0, time.time() - 900, 2.0, {})
        write_json(twin.file("running"), asdict(running.Run(*who, logged=True)))
        page = start_page.page(twin)
        assert page.steps.steps == steps
        assert "was under way and broke off" in page.problems.value
        if step == "quantize":
            assert "types" not in twin.drafts("quantize"), "which the page would have chosen"


@pytest.mark.slow
@pytest.mark.parametrize("pressed", [False, True])
def test_a_tour_in_a_terminal_is_not_overtaken_between_two_of_its_steps(
    twin, other, monkeypatch, pressed
):
    monkeypatch.setattr(start_page, "STEPS", ("corpus",))
    tour = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    monkeypatch.setenv(running.SERIES, str(tour.pid))
    page = start_page.page(twin) if pressed else None
    child = other()
    if pressed:
        page.make.click()
    else:
        page = start_page.page(twin)
    twin.path.with_name(twin.path.name + ".ends").touch()
    assert child.wait(timeout=20) == 0
    time.sleep(2)
    assert page.steps.state == "running" and page.steps._child is None
    assert twin.report("corpus") is None, "what comes next is the tour's to start"
    monkeypatch.delenv(running.SERIES)
    tour.communicate(b"\n")
    assert ended(page.steps).state == ("done" if pressed else "watched")
    assert twin.state("corpus").name == ("done" if pressed else "missing")


@pytest.mark.slow
def test_a_stop_between_two_steps_of_a_tour_reaches_the_next_one(twin, other, monkeypatch):
    tour = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    monkeypatch.setenv(running.SERIES, str(tour.pid))
    first, ends = other(), twin.path.with_name(twin.path.name + ".ends")
    page = start_page.page(twin)
    ends.touch()
    assert first.wait(timeout=20) == 0
    page.stop.click()
    ends.unlink()
    second = other()
    assert second.wait(timeout=20) != 0 and page.steps.state == "running"
    tour.communicate(b"\n")
    assert ended(page.steps).state == "stopped"


@pytest.mark.slow
def test_stop_reaches_a_run_that_was_started_elsewhere(twin, other):
    child = other()
    page = start_page.page(twin)
    time.sleep(1)
    page.stop.click()
    assert "Stopping" in text_of(page)
    assert ended(page.steps).state == "stopped"
    assert child.wait(timeout=20) != 0 and running.current(twin) is None
    assert "the button goes on from there" in page.problems.value


def test_a_finished_twin_shows_its_verdict_its_answers_and_a_chat(tmp_path):
    path = shutil.copytree(ROOT / "tests" / "old_twin" / "old", tmp_path / "old")
    shown = text_of(start_page.page(Twin(path)))
    assert "4 · Talk to it" in shown and "not the person" in shown


@pytest.mark.parametrize("step", start_page.STEPS)
def test_a_damaged_report_is_said_and_the_button_stays(tmp_path, step):
    path = shutil.copytree(ROOT / "tests" / "old_twin" / "old", tmp_path / "old")
    Twin(path).report_path(step).write_text("{", encoding="utf-8")
    page = start_page.page(Twin(path))
    assert f"{step}/report.json is damaged" in text_of(page).replace("\\", "/")
    assert page.make.layout.display != "none"


def test_a_twin_is_named_and_chosen_in_the_form_and_the_page_becomes_that_twins(twin, monkeypatch):
    monkeypatch.setenv("TWINLIB_TWINS", str(twin.path.parent))
    page = start_page.page(twin)
    assert [name for name, _ in page.picker.list.options] == ["me", "＋ a new twin …"]
    page.picker.list.value = ""
    page.picker.make.click()
    assert "Type a name for the new twin first" in page.picker.message.value
    page.picker.name.value = "阿宁的分身"
    page.picker.name._handle_string_msg(None, {"event": "submit"}, None)  # Enter
    assert "A new twin" in page.picker.message.value and twin.title == "阿宁的分身"
    assert page.writing.form.inputs["source"].value == "", "a new twin has no writing"
    assert runtime.open_twin("").title == "阿宁的分身", "the next notebook opens it"
    page.picker.list.value = "me"
    assert (
        page.writing.form.inputs["author"].value == "Ning" == page.twin.drafts("corpus")["author"]
    )
    assert "Opened the twin" in page.picker.message.value
    runtime.open_twin("me")
    page.picker.list.value = "阿宁的分身"
    assert "A cell above says TWIN = “me”" in page.picker.message.value


def test_of_a_twin_elsewhere_those_in_the_folder_of_twins_can_be_chosen(
    twin, tmp_path, monkeypatch
):
    monkeypatch.setenv("TWINLIB_TWINS", str(twin.path.parent))
    elsewhere = runtime.open_twin(tmp_path / "elsewhere" / "new place")
    page = start_page.page(elsewhere)
    assert [name for name, _ in page.picker.list.options] == ["new place", "me", "＋ a new twin …"]
    page.picker.list.value = str(twin.path)
    assert elsewhere.title == "me" and "Opened the twin" in page.picker.message.value
    assert [name for name, _ in page.picker.list.options] == ["me", "＋ a new twin …"]
    assert runtime.open_twin("").path == twin.path.resolve(), "the next notebook opens it"


def test_before_step_01_the_time_is_that_of_the_writing_that_was_looked_into(twin, sample_twin):
    page, made = start_page.page(twin), persona.facts(sample_twin)
    for name in made:
        assert 0.6 < page.writing.expected[name] / made[name] < 1.6
    before, said = page.steps.plan(effort="quick"), page.effort.hints["effort"].value
    for post in list(Path(page.writing.source.value).iterdir()):
        for number in range(20):
            shutil.copy(post, post.with_stem(f"{post.stem}-{number}"))
    page.writing.look.click()
    assert page.steps.plan(effort="quick") > 2 * before
    assert page.effort.hints["effort"].value != said


def test_the_time_is_that_of_what_is_still_to_be_done(sample_twin):
    sample_twin.finish(sample_twin.report("corpus"), sample_twin.facts["settings"]["corpus"])
    page = start_page.page(sample_twin)
    assert page.steps.seconds["corpus"] == 0 < page.steps.seconds["persona"]
    by_another_version = {**sample_twin.facts["settings"]["corpus"], "gone_setting": 3}
    del by_another_version["passage_tokens"]
    sample_twin.finish(sample_twin.report("corpus"), by_another_version)
    page.steps.look()
    page.steps.plan()
    assert page.steps.seconds["corpus"] == 0 < page.steps.seconds["persona"]
    assert "What is still to be done takes" in page.total.value
    page.writing.form.inputs["author"].value = "somebody else"
    page.effort.inputs["effort"].value = "smoke"
    assert page.steps.seconds["corpus"] > 0 and "All steps together" in page.total.value


@pytest.mark.parametrize(
    "load, gpu, said", [(0.5, None, False), (9.0, None, True), (9.0, "T4", False)]
)
def test_a_machine_that_is_busy_is_said_beside_the_time(twin, monkeypatch, load, gpu, said):
    monkeypatch.setattr(start_page.os, "cpu_count", lambda: 2)
    monkeypatch.setattr(start_page.psutil, "getloadavg", lambda: (load, 1.0, 1.0))
    monkeypatch.setattr(start_page, "machine", lambda: {"gpu": gpu})
    page = start_page.page(twin)
    assert "All steps together take about" in page.total.value
    assert ("Other programs keep this machine busy" in page.total.value) == said


def test_where_a_step_takes_longer_than_planned_the_later_ones_are_expected_to(twin, monkeypatch):
    steps, clock, seen = AllSteps(twin, ["corpus", "persona", "quantize"], list), [0.0], []
    monkeypatch.setattr(all_steps, "time", SimpleNamespace(time=lambda: clock[0]))
    monkeypatch.setattr(steps, "_wait_for_others", lambda step: None)
    planned = {"corpus": 80.0, "persona": 300.0, "quantize": 90.0}
    monkeypatch.setattr(steps, "plan", lambda: steps.seconds.update(planned))

    def took(step):
        steps._watch(step, clock[0], SimpleNamespace(read=list))
        seen.append(steps.left)
        clock[0] += {"corpus": 240.0, "persona": 300.0, "quantize": 1.0}[step]

    monkeypatch.setattr(steps, "_one", took)
    steps._run()
    assert steps.state == "done"
    assert seen == [470.0, 3 * (300 + 90), pytest.approx(540 / 380 * 90)]


def test_the_curves_are_drawn_again_only_when_there_is_something_new(twin, monkeypatch):
    drawn = []
    draw = start_page.pictures
    monkeypatch.setattr(start_page, "pictures", lambda records: drawn.append(1) or draw(records))
    page = start_page.page(twin)
    page.steps.state, page.steps.step = "running", "persona"
    page.steps.records = [{"done": n, "total": 9, "loss": 3 / n} for n in range(1, 4)]
    for _ in range(3):
        page._draw(at_once=True)
    assert len(drawn) == 1 and "<img" in page.live.value and "3/9" in page.live.value
    page.steps.records = [*page.steps.records, {"done": 4, "total": 9, "loss": 0.5}]
    page._draw(at_once=True)
    assert len(drawn) == 2 and "4/9" in page.live.value
