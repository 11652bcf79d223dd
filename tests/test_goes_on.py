"""Notebook 00 after a disconnect: it says which step was under way, and goes on with it by itself.

Each step is killed as a machine that goes away kills it, and the page is made anew.
"""

import shlex
import signal
import subprocess
import sys
import time

import pytest
from conftest import ROOT

from twinlib import Twin
from twinlib.command_line import main
from twinlib.i18n import step_title
from twinlib.ui import start_page

COMMANDS = {
    "persona": "--base {base} --effort smoke --steps 40 --batch 2 --accumulation 1 --length 192"
    " --replay-share 0",
    "reasoning": "--effort smoke --steps 6 --generations 2 --batch 2 --completion-tokens 8"
    " --held-out 8 --probe 0",
    "quantize": "--types F16,Q8_0",
    "evaluate": "--effort smoke --questions 2 --answer-tokens 16",
}


def kill_while_it_works(twin, step, base):
    """Start a step in a process of its own and kill it after its first records of progress."""
    chosen = shlex.split(COMMANDS[step].format(base=shlex.quote(str(base))))
    command = [sys.executable, "-m", "twinlib", step, "--twin", str(twin.path), *chosen]
    history = twin.history(step)
    with open(twin.path.parent / f"{step}.txt", "w") as out:
        child = subprocess.Popen(command, cwd=ROOT, stdout=out, stderr=out)
        until = time.monotonic() + 300
        while child.poll() is None and time.monotonic() < until:
            if history.exists() and history.read_text().count('"done"') >= 3:
                break
            time.sleep(0.02)
        child.send_signal(signal.SIGKILL)
    assert child.wait() == -signal.SIGKILL, (twin.path.parent / f"{step}.txt").read_text()


@pytest.mark.slow(seconds=110)
def test_the_page_goes_on_with_each_step_that_was_killed(sample_twin, tiny_base, monkeypatch):
    """The steps one after the other, as a twin is made; practice as well, which 00 itself leaves
    out.
    """
    usual, settings = start_page.STEPS, {}
    for step in COMMANDS:
        kill_while_it_works(sample_twin, step, tiny_base)
        assert Twin(sample_twin.path).state(step).name == "missing"
        last = usual.index(step) + 1 if step in usual else usual.index("persona") + 1
        monkeypatch.setattr(start_page, "STEPS", usual[:last])
        page = start_page.page(Twin(sample_twin.path))
        said = page.problems.value
        assert step_title(step)["en"] in said and "was running in a terminal and broke off" in said
        if step in usual:
            page.steps.start()  # as its button does
            assert page.steps.state == "running", said
            page.steps.thread.join(timeout=300)
            assert page.steps.state == "done", page.steps.sentence
        else:
            assert main([step, "--twin", str(sample_twin.path)]) == 0  # the same command goes on
        twin = Twin(sample_twin.path)
        assert twin.state(step).name == "done"
        settings[step] = twin.report(step).settings
    printed = "\n".join(page.steps.lines)
    assert "twinlib evaluate" in printed
    assert settings["persona"]["steps"] == 40 and settings["reasoning"]["steps"] == 6
    assert settings["quantize"]["types"] == "F16,Q8_0", "not what the page would have chosen"
    assert settings["evaluate"]["questions"] == 2
