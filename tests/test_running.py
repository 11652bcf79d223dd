"""One run at a time for a twin: the record of a run, who is refused, stopping, and killed runs."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from dataclasses import replace

import psutil
import pytest

from twinlib import Twin, running
from twinlib.command_line import main
from twinlib.files import now, write_json
from twinlib.i18n import t
from twinlib.progress import Progress, line_of
from twinlib.ui import tables

ME = psutil.Process()


def here(**changes):
    """A run of persona by this process, whose heart has just beaten."""
    began = ME.create_time()
    run = running.Run("persona", ME.pid, running.platform.node(), began, now(), now(), {})
    return replace(run, **changes)


def elsewhere(**changes):
    return here(pid=1, host="somewhere-else", **changes)


def put(twin, run):
    write_json(twin.file("running"), vars(run))
    return run


@pytest.fixture
def handlers():
    """Signal handlers as they were before a test."""
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


def test_a_run_is_seen_while_it_goes_on_and_not_after(twin):
    assert running.current(twin) is None
    with running.claim(twin, "persona", {"rank": 8}):
        run = running.current(twin)
        assert (run.step, run.pid, run.settings) == ("persona", os.getpid(), {"rank": 8})
        assert run.is_here() and run.ended is None
    assert running.current(twin) is None
    assert running.last(twin).sentence == "" and running.last(twin).ended >= run.started


def test_the_record_says_why_a_run_ended(twin):
    with pytest.raises(ValueError), running.claim(twin, "persona", {}, lambda e: f"It was {e}."):
        raise ValueError("the cat")
    assert running.last(twin).sentence == "It was the cat."


def test_where_a_run_is_is_read_in_the_readers_language(twin, monkeypatch):
    with running.claim(twin, "persona", {}):
        progress = Progress(twin.history("persona"), "persona")
        monkeypatch.setenv("TWINLIB_LANG", "zh")  # a notebook's child
        progress(1, 3, t("train.answers_before"))
        run = running.current(twin)
        assert "训练前的回答" in line_of(running.position(twin, run), "persona")
        monkeypatch.setenv("TWINLIB_LANG", "en")
        assert "answers before training 1/3" in line_of(running.position(twin, run), "persona")
        assert "answers before training" in running.state(twin, run)["en"]
        assert "训练前的回答" in running.state(twin, run)["zh"]
        progress(2, 3, "old.zip")  # a name is the same in both
        assert "2/3 · old.zip" in line_of(running.position(twin, run), "persona")
        for damage in ({"key": "gone.entry", "values": {}}, {"key": 3}, "x", {"items": None}):
            record = {"done": 1, "total": 3, "note": "as written", "said": damage}
            assert "as written" in line_of(record, "persona")


def test_a_request_to_stop_that_comes_too_late_is_still_known(twin, handlers):
    signal.signal(signal.SIGINT, lambda *_: None)
    with running.claim(twin, "persona", {}):
        running.ask_to_stop(twin, running.current(twin))
    there = running.last(twin)
    assert (there.asked, there.stopped, there.sentence) == (1, False, "")


@pytest.mark.parametrize("step", ["persona", "quantize"])
def test_a_second_run_of_any_step_is_refused_while_one_goes_on(twin, step):
    run = put(twin, here())
    with pytest.raises(running.Busy), running.claim(twin, step, {}):
        pass
    assert running.current(twin) == run, "the record is untouched"


def test_a_dead_process_blocks_nothing(twin):
    child = subprocess.Popen([sys.executable, "-c", "pass"])
    child.wait()
    put(twin, here(pid=child.pid))
    assert running.current(twin) is None


def test_a_zombie_is_dead(twin):
    child = subprocess.Popen([sys.executable, "-c", "pass"])
    began = psutil.Process(child.pid).create_time()
    while psutil.Process(child.pid).status() != psutil.STATUS_ZOMBIE:
        time.sleep(0.01)
    put(twin, here(pid=child.pid, began=began))
    assert running.current(twin) is None
    child.wait()


def test_another_process_with_the_same_number_is_not_the_run(twin):
    put(twin, here(began=ME.create_time() - 900, beat=now() - 900))
    assert running.current(twin) is None


def test_a_clock_that_was_set_kills_no_run_with_a_heartbeat(twin):
    put(twin, here(began=ME.create_time() - 900))
    assert running.current(twin) is not None


def test_a_living_process_is_believed_without_a_heartbeat(twin):
    put(twin, here(beat=now() - 900))
    assert running.current(twin) is not None, "a long computation may hold the heart up"


def test_a_run_on_another_machine_lives_while_its_heart_beats(twin):
    run = put(twin, elsewhere())
    assert running.current(twin) == run
    with pytest.raises(running.Busy, match="on another machine .somewhere-else."):
        running.refuse_second(twin, "persona")
    put(twin, elsewhere(beat=now() - running.STALE - 1))
    assert running.current(twin) is None


def test_another_machine_that_is_called_the_same_is_another_machine(twin):
    run = put(twin, here(pid=2**22 + 1, system="another boot"))
    assert running.current(twin) == run, "its process can't be looked up from here"
    with pytest.raises(running.Busy):
        running.refuse_second(twin, "persona")
    put(twin, here(pid=2**22 + 1, system=running.this_system()))
    assert running.current(twin) is None, "killed on this machine"
    with running.claim(twin, "persona", {}):
        assert running.last(twin).system == running.this_system() != ""


@pytest.mark.parametrize(
    "damage",
    [
        {"pid": "x"},
        {"pid": -5},
        {"beat": "a"},
        {"began": None},
        {"settings": None},
        {"step": []},
        {"then": "x"},
        {"then": []},
    ],
)
def test_a_record_of_other_types_blocks_nothing(twin, damage):
    for run in (here(), elsewhere()):
        write_json(twin.file("running"), {**vars(run), **damage})
        assert running.current(twin) is None


def test_a_damaged_request_to_stop_is_none(twin):
    run = put(twin, here())
    twin.file("stop").write_text(f"{run.pid} {run.started} often", encoding="utf-8")
    running.ask_to_stop(twin, run)
    assert twin.file("stop").read_text(encoding="utf-8").endswith(" 1")


@pytest.mark.parametrize("text", ["", "{", "[]", '{"step": "persona"}', '"twin"', "[" * 100_000])
def test_a_damaged_record_blocks_nothing(twin, text):
    twin.file("running").write_text(text, encoding="utf-8")
    assert running.current(twin) is None
    with running.claim(twin, "persona", {}):
        assert running.current(twin)


def test_a_later_version_may_record_more(twin):
    run = here()
    write_json(twin.file("running"), {**vars(run), "colour": "red"})
    assert running.current(twin) == run


def test_asking_to_stop_is_an_interrupt_each_time(twin, handlers, monkeypatch):
    monkeypatch.setattr(running, "_LOOK", 0.02)
    interrupts = []
    signal.signal(signal.SIGINT, lambda *_: interrupts.append(1))
    with running.claim(twin, "persona", {}):
        run = running.current(twin)
        for count in (1, 2):
            running.ask_to_stop(twin, run)
            wait_until(lambda: len(interrupts) == count)
    assert not twin.file("stop").exists()


def test_a_request_to_an_earlier_run_does_not_stop_this_one(twin, handlers, monkeypatch):
    monkeypatch.setattr(running, "_LOOK", 0.02)
    with running.claim(twin, "persona", {}):
        running.ask_to_stop(twin, replace(running.current(twin), started=1.0))
        time.sleep(0.2)


def test_the_heart_beats(twin, monkeypatch):
    monkeypatch.setattr(running, "_LOOK", 0.02)
    monkeypatch.setattr(running, "_BEAT", 0.05)
    with running.claim(twin, "persona", {}):
        first = running.current(twin).beat
        wait_until(lambda: running.current(twin).beat > first)


# What people read


@pytest.mark.parametrize(
    "language, state",
    [("en", "running, step 8 of 24"), ("zh", "正在运行，第 8/24 步")],
)
def test_the_steps_table_and_status_say_what_runs_and_how_far_it_is(
    twin, capsys, monkeypatch, language, state
):
    monkeypatch.setenv("TWINLIB_LANG", language)
    put(twin, here())
    record = {"time": now(), "done": 8, "total": 24, "note": "", "seconds_left": 61.0}
    twin.folder("persona")
    twin.history("persona").write_text(json.dumps(record) + "\n", encoding="utf-8")
    assert main(["status", "--twin", str(twin.path)]) == 0
    for text in (tables.steps(twin).text, capsys.readouterr().out):
        [line] = [line for line in text.splitlines() if state in line]
        assert str(ME.pid) in line and {"en": "61 s left", "zh": "还剩 61 秒"}[language] in line


def test_records_of_an_earlier_run_do_not_say_how_far_this_one_is(twin):
    twin.folder("persona")
    record = {"time": now() - 100, "done": 24, "total": 24, "note": ""}
    twin.history("persona").write_text(json.dumps(record) + "\n", encoding="utf-8")
    assert running.state(twin, here())["en"] == "running"
    assert running.position(twin, here(started=now() - 200))["done"] == 24


@pytest.mark.parametrize("step", ["corpus", "quantize"])
def test_a_terminal_is_told_who_runs_and_how_to_watch_and_stop_it(twin, capsys, step):
    put(twin, here(step="corpus"))
    assert main([step, "--twin", str(twin.path)]) == running.BUSY
    said = capsys.readouterr().err
    assert "corpus (Prepare your corpus)" in said and f"process {os.getpid()}" in said
    assert f"twinlib status --twin {twin.path} --follow" in said and "--stop" in said
    assert ("can't start" in said) == (step == "quantize")


def test_status_watches_a_run_to_its_end_and_can_stop_it(twin, capsys, monkeypatch):
    monkeypatch.setattr(running, "_LOOK", 0.05)
    run = put(twin, here())

    def end():
        while not twin.file("stop").exists():
            time.sleep(0.01)
        put(twin, replace(run, ended=now(), sentence="Stopped. The same command goes on."))

    thread = threading.Thread(target=end)
    thread.start()
    assert main(["status", "--twin", str(twin.path), "--stop"]) == 0
    thread.join()
    said = capsys.readouterr()
    assert "Asked it to save and stop." in said.out
    assert said.out.endswith("Stopped. The same command goes on.\n")
    assert main(["status", "--twin", str(twin.path), "--follow"]) == 0
    assert capsys.readouterr().out == "Nothing is running for this twin.\n"


# With real processes

CLAIM = """
import sys, time
from twinlib import Twin, running
twin = Twin(sys.argv[1])
running._LOOK = 0.05
running._BEAT = 0.1
try:
    with running.claim(twin, "persona", {}):
        print("mine", flush=True)
        time.sleep(60)
except running.Busy:
    print("busy", flush=True)
except KeyboardInterrupt:
    print("stopped", flush=True)
"""


def claimer(twin):
    arguments = [sys.executable, "-c", CLAIM, str(twin.path)]
    return subprocess.Popen(arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def wait_until(true, seconds=60):
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end
        time.sleep(0.02)


@pytest.mark.slow
def test_of_processes_that_start_at_once_one_runs(twin):
    children = [claimer(twin) for _ in range(5)]
    said = []
    threads = [
        threading.Thread(target=lambda c=child: said.append(c.stdout.readline().strip()))
        for child in children
    ]
    for thread in threads:
        thread.start()
    wait_until(lambda: len(said) == 5)
    assert sorted(said) == ["busy"] * 4 + ["mine"]
    running.ask_to_stop(twin, running.current(twin))
    outputs = [child.communicate(timeout=60)[0] for child in children]
    assert "stopped\n" in outputs


@pytest.mark.slow
def test_a_killed_run_is_taken_over_at_once(twin):
    killed = claimer(twin)
    assert killed.stdout.readline() == "mine\n"
    assert running.current(twin).pid == killed.pid
    killed.kill()
    killed.wait()
    second = claimer(twin)
    assert second.stdout.readline() == "mine\n"
    second.kill()
    second.wait()


@pytest.mark.slow
def test_a_run_that_another_machine_took_over_ends_without_writing(twin):
    child = claimer(twin)
    assert child.stdout.readline() == "mine\n"
    while child.poll() is None:
        run = put(twin, elsewhere())
        time.sleep(0.05)
    assert child.returncode == 1
    assert "taken over by one on somewhere-else" in child.stderr.read()
    assert running.current(Twin(twin.path)) == run
