"""A step that a notebook started goes on without it, and a second start attaches to it: a real
training of a tiny model, started from one process and followed from another."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections import Counter

import pytest

from twinlib import running, settings
from twinlib.ui import run, runtime, tables

pytestmark = pytest.mark.slow

START = """
import sys
from twinlib import Twin, settings
from twinlib.ui import run
run.step(Twin(sys.argv[1]), "persona", settings.make("persona", **eval(sys.argv[2])))
"""
SLOW = {"steps": 4000, "patience": 20}  # longer than any test


@pytest.fixture
def interruptible():
    """SIGINT raises KeyboardInterrupt, as in a notebook's kernel, whatever earlier tests set."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def chosen(tiny_base, **changes):
    quick = {"effort": "smoke", "batch": 2, "accumulation": 1, "length": 192, "replay_share": 0.0}
    return {"base": str(tiny_base), **quick, "steps": 40, "patience": 20, **changes}


def notebook(twin, values):
    """A process that runs the step as a notebook's kernel does."""
    arguments = [sys.executable, "-c", START, str(twin.path), repr(values)]
    return subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True, cwd=runtime.ROOT)


def step(twin, values):
    return run.step(twin, "persona", settings.make("persona", **values))


def wait_until(true, seconds=240):
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end
        time.sleep(0.05)


def steps_of(twin):
    """{step: how often the history has a loss for it}."""
    try:
        lines = twin.history("persona").read_text(encoding="utf-8").splitlines()
    except OSError:
        return Counter()
    return Counter(record["done"] for record in map(json.loads, lines) if "loss" in record)


@pytest.fixture
def left(sample_twin, tiny_base):
    """(twin, run) of a training whose notebook was killed, as when its kernel is restarted."""
    kernel = notebook(sample_twin, chosen(tiny_base, **SLOW))
    wait_until(lambda: len(steps_of(sample_twin)) >= 3)
    kernel.kill()
    kernel.wait()
    going_on = running.current(sample_twin)
    assert going_on.pid != kernel.pid
    yield sample_twin, going_on
    if running.current(sample_twin):
        os.kill(running.current(sample_twin).pid, signal.SIGKILL)


def test_a_restarted_kernel_attaches_to_the_one_child_and_its_interrupt_stops_it(
    left, tiny_base, capsys, interruptible
):
    twin, going_on = left
    seen = max(steps_of(twin))

    def interrupt():
        wait_until(lambda: max(steps_of(twin)) > seen + 3)
        assert going_on.is_same(running.current(twin))
        assert "running, step " in tables.steps(twin).text
        os.kill(os.getpid(), signal.SIGINT)

    thread = threading.Thread(target=interrupt)
    thread.start()
    with pytest.raises(run.StepFailed, match="(?i)stopped"):
        step(twin, chosen(tiny_base, **SLOW))
    thread.join()
    said = capsys.readouterr().out
    assert "· It runs already: running, step " in said and "Stopping: the step saves" in said
    assert f"process {going_on.pid}" in said and "other settings" not in said
    assert running.current(twin) is None and list(twin.checkpoints("persona").glob("checkpoint-*"))
    assert set(steps_of(twin).values()) == {1}, "no step twice"


def test_a_run_that_stops_because_its_kernel_was_restarted_goes_on_here(left, tiny_base, capsys):
    """A kernel that is restarted is interrupted first, and so is its step."""
    twin, going_on = left
    seen = max(steps_of(twin))

    def interrupt_and_then_stop_the_next():
        time.sleep(2)
        os.kill(going_on.pid, signal.SIGINT)
        wait_until(lambda: not going_on.is_same(running.current(twin) or going_on))
        wait_until(lambda: max(steps_of(twin)) > seen)
        running.ask_to_stop(twin, running.current(twin))

    thread = threading.Thread(target=interrupt_and_then_stop_the_next)
    thread.start()
    with pytest.raises(run.StepFailed, match="(?i)stopped"):
        step(twin, chosen(tiny_base, **SLOW))
    thread.join()
    said = capsys.readouterr().out
    assert "It was stopped with the notebook that had started it" in said
    assert set(steps_of(twin).values()) == {1}, "no step twice"


def test_a_killed_run_that_is_followed_is_started_again_and_ends(left, tiny_base, capsys):
    twin, going_on = left
    wait_until(lambda: list(twin.checkpoints("persona").glob("checkpoint-*/manifest.json")))

    def kill_and_then_stop_the_next():
        time.sleep(3)
        os.kill(going_on.pid, signal.SIGKILL)
        wait_until(lambda: not going_on.is_same(running.current(twin) or going_on))
        log = twin.path / "persona" / "log.txt"
        wait_until(lambda: "Going on from" in log.read_text(encoding="utf-8"))
        running.ask_to_stop(twin, running.current(twin))

    thread = threading.Thread(target=kill_and_then_stop_the_next)
    thread.start()
    with pytest.raises(run.StepFailed, match="(?i)stopped"):
        step(twin, chosen(tiny_base, **SLOW))
    thread.join()
    said = capsys.readouterr().out
    assert "ended without a word" in said and "Going on from the checkpoint at step" in said
    assert set(steps_of(twin).values()) == {1}, "steps that were repeated are not recorded twice"


def test_another_step_is_refused_in_a_notebook_and_other_settings_are_named(
    left, tiny_base, capsys, monkeypatch
):
    twin, going_on = left
    monkeypatch.setattr("twinlib.commands.in_notebook", lambda: True)
    with pytest.raises(run.StepFailed, match="notebook 02 .*notebook 04 .*can't start"):
        run.step(twin, "quantize", settings.Quantize())
    running.ask_to_stop(twin, going_on)
    with pytest.raises(run.StepFailed, match="(?i)stopped"):
        step(twin, chosen(tiny_base, **{**SLOW, "rank": 8}))
    assert "other settings than the form has now: LoRA rank." in capsys.readouterr().out
