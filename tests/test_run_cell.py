"""The run cell: a real child process, followed, stopped and reported on."""

import os
import signal
import threading
import time

import pytest

from twinlib import settings
from twinlib.ui import run

CHILD = """
import sys, time
from pathlib import Path
from twinlib.progress import Progress
from twinlib.twin import Stopped
progress = Progress(Path(sys.argv[1]), "count")
try:
    for done in range(1, 201):
        progress(done, 200, loss=1 / done)
        if done == 2:
            progress.say("half way there")
        time.sleep(0.05)
except Stopped as stopped:
    progress.say("saved at " + str(done))
    print(stopped, file=sys.stderr)
    sys.exit(130)
"""


@pytest.fixture
def interruptible():
    """SIGINT raises KeyboardInterrupt here, as in a notebook's kernel, whatever an earlier test made of it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def test_a_step_runs_as_the_command_that_it_shows_and_gives_its_report(twin, posts, capsys):
    report = run.step(twin, "corpus", settings.Corpus(source=str(posts), author="Ning", consent=True))
    said = capsys.readouterr().out
    assert f"$ python -m twinlib corpus --twin {twin.path} --source {posts} --author Ning --consent yes\n" in said
    assert "corpus: done in " in said
    assert report.step == "corpus" and report.figures["documents"]["value"] > 5
    assert twin.facts["author"] == "Ning", "the twin in the notebook knows what the child wrote"


def test_only_what_differs_from_the_default_or_from_last_time_is_a_flag(twin):
    plain = run.command(twin, "persona", settings.Persona())
    assert plain == ["python", "-m", "twinlib", "persona", "--twin", str(twin.path)]
    assert run.command(twin, "persona", settings.Persona(learning_rate=1e-4, packing=False))[6:] == [
        "--learning-rate", "0.0001", "--packing", "no"]
    twin.start("persona", {"rank": 8, "effort": "quick"})
    assert run.command(twin, "persona", settings.Persona())[6:] == ["--rank", "auto"]


def test_a_step_that_refuses_ends_the_cell_with_its_sentences_and_no_traceback(twin):
    with pytest.raises(run.StepFailed) as failed:
        run.step(twin, "corpus", settings.Corpus(source="/no/such/folder"))
    assert "There is no folder '/no/such/folder'" in str(failed.value)
    assert failed.value._render_traceback_() == [str(failed.value)]
    assert "Traceback" not in str(failed.value)


def test_check_shows_stops_and_otherwise_the_plan_with_reasons(twin, sample_twin, capsys):
    run.check(twin, "corpus", settings.Corpus(source="/no/such/folder"))
    assert capsys.readouterr().out.startswith("✗ There is no folder '/no/such/folder'")
    run.check(sample_twin, "persona", settings.Persona(base="gemma-3-270m", rank=8))
    said = capsys.readouterr().out
    assert "LoRA rank" in said and "as you set it" in said
    assert "LoRA's rate for this size" in said
    assert "· About " in said and " GB of memory and " in said


def test_interrupting_sends_one_signal_and_waits_while_the_child_saves(tmp_path, capsys, interruptible):
    history = tmp_path / "history.jsonl"
    threading.Thread(target=interrupt_when, args=(history,), daemon=True).start()
    with pytest.raises(run.StepFailed, match="Stopped. The same command goes on from here."):
        run.follow(["python", "-c", CHILD, str(history)], history, "count")
    said = capsys.readouterr().out
    assert "half way there" in said
    assert said.index("Stopping: the step saves first.") < said.index("saved at ")


def interrupt_when(history):
    while not history.exists() or history.read_text().count("\n") < 4:
        time.sleep(0.02)
    os.kill(os.getpid(), signal.SIGINT)


def test_a_child_that_is_killed_is_explained(tmp_path):
    with pytest.raises(run.StepFailed, match="most often because memory ran out"):
        run.follow(["python", "-c", "import os; os.kill(os.getpid(), 9)"])


def test_a_crash_shows_where_it_was(tmp_path):
    with pytest.raises(run.StepFailed, match="ZeroDivisionError(.|\n)*please report it"):
        run.follow(["python", "-c", "1 / 0"])


def test_the_token_goes_to_a_child_that_needs_it_and_never_into_the_command(twin, monkeypatch):
    monkeypatch.setenv("HF_TOKEN", "hf_secret_for_this_test")
    handed, token = run._secrets, {"HF_TOKEN": "hf_secret_for_this_test"}
    uploads = settings.Publish(user="me", upload=True)
    assert handed(twin, "publish", uploads) == token
    assert handed(twin, "publish", settings.Publish()) == {}
    assert handed(twin, "persona", settings.Persona()) == {}
    assert handed(twin, "persona", settings.Persona(base="qwen2.5-0.5b")) == {}
    assert handed(twin, "persona", settings.Persona(base="llama-3.2-1b")) == token
    monkeypatch.setenv("HF_ENDPOINT", "https://mirror.example.org")
    assert handed(twin, "persona", settings.Persona(base="llama-3.2-1b")) == {}, "a mirror is never handed a token"
    assert "hf_secret_for_this_test" not in " ".join(run.command(twin, "publish", uploads))


def test_in_a_kernel_progress_is_one_output_that_changes_and_stop_is_the_interrupt(tmp_path):
    from jupyter_client.manager import start_new_kernel

    history = tmp_path / "history.jsonl"
    manager, client = start_new_kernel(cwd=str(run.ROOT))
    try:
        client.execute(f"from twinlib.ui import run; run.DRAW = .2\nfrom pathlib import Path\n"
                       f"run.follow(['python', '-c', {CHILD!r}, {str(history)!r}], Path({str(history)!r}), 'count')")
        messages = list(outputs(client, manager))
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)
    drawn = [message for message in messages if message["msg_type"].endswith("display_data")]
    assert len({message["content"]["transient"]["display_id"] for message in drawn}) == 1
    assert [message["msg_type"] for message in drawn].count("display_data") == 1 < len(drawn)
    assert {"text/html", "text/plain"} == set(drawn[-1]["content"]["data"])
    assert "count " in drawn[-1]["content"]["data"]["text/plain"]
    assert "<img" in drawn[-1]["content"]["data"]["text/html"]
    [error] = [message["content"] for message in messages if message["msg_type"] == "error"]
    assert (error["ename"], error["traceback"]) == ("StepFailed", ["Stopped. The same command goes on from here."])
    spoken = "".join(message["content"]["text"] for message in messages if message["msg_type"] == "stream")
    assert "saved at " in spoken


def outputs(client, manager):
    """The messages of the running cell; the cell is interrupted at its second picture."""
    pictures = 0
    while True:
        message = client.get_iopub_msg(timeout=30)
        yield message
        pictures += message["msg_type"].endswith("display_data")
        if pictures == 2 and message["msg_type"].endswith("display_data"):
            manager.interrupt_kernel()
        if message["msg_type"] == "status" and message["content"]["execution_state"] == "idle" and pictures:
            return
