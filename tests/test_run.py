"""The run cell: a real child process, followed, stopped and reported on."""

import json
import os
import shutil
import signal
import threading
import time
from dataclasses import replace

import pytest
from conftest import ROOT

from twinlib import Twin, running, settings
from twinlib.ui import progress_view, run, runtime, tables

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
    """SIGINT raises KeyboardInterrupt, as in a notebook's kernel, whatever earlier tests set."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.slow(seconds=75)
def test_a_step_runs_as_the_command_that_it_shows_and_gives_its_report(twin, posts, capsys):
    chosen = settings.Corpus(source=str(posts), author="Ning", consent=True, questions="titles")
    report = run.step(twin, "corpus", chosen)
    said = capsys.readouterr().out
    assert (
        f"$ python -m twinlib corpus --twin {twin.path} --source {posts} --author Ning "
        "--consent yes --questions titles\n" in said
    )
    assert "corpus: done in " in said
    assert report.step == "corpus" and report.figures["documents"]["value"] > 5
    assert "Prepare your corpus: done in " in said
    assert twin.facts["author"] == "Ning", "the twin in the notebook knows what the child wrote"
    assert tables.steps(twin).text == tables.steps(Twin(twin.path)).text, "as in status"
    run.step(twin, "corpus", chosen)
    said = capsys.readouterr().out
    assert "Prepare your corpus: done already, and nothing changed since." in said


def test_only_what_differs_from_the_default_or_from_last_time_is_a_flag(twin):
    plain = run.command(twin, "persona", settings.Persona())
    assert plain == ["python", "-m", "twinlib", "persona", "--twin", str(twin.path)]
    assert run.command(twin, "persona", settings.Persona(learning_rate=1e-4, packing=False))[
        6:
    ] == ["--learning-rate", "0.0001", "--packing", "no"]
    twin.start("persona", {"rank": 8, "effort": "quick"})
    assert run.command(twin, "persona", settings.Persona())[6:] == ["--rank", "auto"]


@pytest.mark.slow
def test_a_warning_of_a_run_is_said_once(twin, posts, capsys, monkeypatch):
    monkeypatch.setenv("TWINLIB_FOLLOWED", "loosely")  # its sentences name notebooks
    chosen = settings.Corpus(source=str(posts), author="Ning", questions="titles")
    report = run.step(twin, "corpus", chosen)
    said = capsys.readouterr().out
    assert len(report.warnings) > 1 and "Answer the interview" in report.warnings[0]
    assert [said.count(text) for text in report.warnings] == [1] * len(report.warnings)
    assert "! Answer the interview" not in said, "what the verdict left of a warning in the log"
    assert "corpus: done in " in said, "the rest of the log is there"


@pytest.mark.slow
def test_a_step_that_refuses_ends_the_cell_with_its_sentences_and_no_traceback(twin):
    with pytest.raises(run.StepFailed) as failed:
        run.step(twin, "corpus", settings.Corpus(source="/no/such/folder"))
    assert "There is no folder '/no/such/folder'" in str(failed.value)
    assert failed.value._render_traceback_() == [str(failed.value)]
    assert "Traceback" not in str(failed.value)


def test_a_step_that_cannot_run_again_shows_what_it_made_before_and_the_cells_below_go_on(
    tmp_path, capsys, monkeypatch
):
    twin = Twin(shutil.copytree(ROOT / "tests" / "old_twin" / "old", tmp_path / "old"))
    shutil.rmtree(twin.folder("reasoning"))
    rows = twin.file("train").read_text(encoding="utf-8")  # after a new text there are more
    twin.file("train").write_text(rows + rows.partition("\n")[0] + "\n", encoding="utf-8")
    assert twin.state("persona").name == "stale" and twin.ggufs()
    chosen = settings.make("quantize", **settings.remembered("quantize", twin))
    report = run.step(twin, "quantize", chosen)
    assert report.figures == twin.report("quantize").figures
    said = capsys.readouterr().out
    assert "There is no fresh adapter" in said and "knows nothing of what changed since" in said
    with pytest.raises(run.StepFailed, match="no fresh adapter"):  # something new was asked for
        run.step(twin, "quantize", replace(chosen, types="F16"))
    monkeypatch.setenv(running.SERIES, "1")  # a tour doesn't go on over it
    with pytest.raises(run.StepFailed, match="no fresh adapter"):
        run.step(twin, "quantize", chosen)


def test_check_shows_stops_and_otherwise_the_plan_with_reasons(sample_twin, capsys):
    run.check(sample_twin, "corpus", settings.Corpus(source="/no/such/folder"))
    assert capsys.readouterr().out.startswith("✗ There is no folder '/no/such/folder'")
    run.check(sample_twin, "persona", settings.Persona(base="qwen2.5-coder-0.5b-instruct", rank=8))
    said = capsys.readouterr().out
    assert "LoRA rank" in said and "as you set it" in said
    assert "LoRA's rate for this size" in said
    ready = "✓ Nothing stands in the way. About "
    assert " GB of memory and " in said and said.index(ready) < said.index("LoRA")


@pytest.mark.slow
def test_interrupting_sends_one_signal_and_waits_while_the_child_saves(
    tmp_path, capsys, interruptible
):
    history = tmp_path / "history.jsonl"
    threading.Thread(target=interrupt_when, args=(history,), daemon=True).start()
    with pytest.raises(run.StepFailed, match="Stopped. The same command goes on from here."):
        run.follow(["python", "-c", CHILD, str(history)], history, "count")
    said = capsys.readouterr().out
    assert "half way there" in said
    assert said.index("Stopping: the step saves first.") < said.index("saved at ")


def test_what_was_read_of_a_history_is_not_read_again(tmp_path):
    history = tmp_path / "history.jsonl"
    tail = progress_view.HistoryTail(history)
    assert tail.read() == []
    history.write_text('{"done": 1}\n{"done": 2', encoding="utf-8")
    assert tail.read() == [{"done": 1}], "half a line waits"
    with open(history, "ab") as file:
        file.write('2, "note": "雪'.encode()[:-1])
    assert tail.read() == [{"done": 1}]
    with open(history, "ab") as file:
        file.write("雪".encode()[-1:] + b'"}\nbroken\n[3]\n{"done": 3}\n')
    first = tail.read()[0]
    assert tail.read() == [{"done": 1}, {"done": 22, "note": "雪"}, {"done": 3}], (
        "a damaged line is left out"
    )
    assert tail.read()[0] is first, "it was not parsed again"


def test_a_history_that_begins_anew_is_read_from_its_start(tmp_path):
    history = tmp_path / "history.jsonl"
    tail = progress_view.HistoryTail(history)
    history.write_text('{"time": 1, "done": 9}\n', encoding="utf-8")
    assert len(tail.read()) == 1
    history.write_text('{"time": 2, "done": 1}\n{"time": 3, "done": 2}\n', encoding="utf-8")
    assert [record["done"] for record in tail.read()] == [1, 2]
    history.write_text('{"time": 4, "done": 7}\n', encoding="utf-8")
    assert [record["done"] for record in tail.read()] == [7]
    history.unlink()
    tail.read()
    history.write_text('{"time": 5, "done": 8}\n', encoding="utf-8")
    assert [record["done"] for record in tail.read()] == [8]


def view(tmp_path, since, **record):
    """A view of a step that started `since` seconds ago and has one record."""
    history = tmp_path / "history.jsonl"
    record = {"time": time.time(), "total": 72, "note": "answers", **record}
    history.write_text(json.dumps(record) + "\n", encoding="utf-8")
    return progress_view.ProgressView(history, "evaluate", time.time() - since, expected=360)


def test_the_bar_ends_full_and_says_how_long_it_took(tmp_path, capsys):
    shown = view(tmp_path, 125, done=70, seconds_left=3.0)
    shown.draw()
    shown.finish("done")
    assert capsys.readouterr().out.splitlines() == [
        "evaluate 70/72 · answers · 3 s left",
        "evaluate: done in 2 min",
    ]
    assert "width:100.0%" in shown.bar.shown.html


@pytest.mark.parametrize("ended, line", [("stopped", "Stopped: "), ("failed", "Not finished: ")])
def test_a_bar_that_ends_early_says_where(tmp_path, capsys, ended, line):
    shown = view(tmp_path, 125, done=36, seconds_left=3.0)
    shown.finish(ended)
    assert capsys.readouterr().out == f"{line}evaluate 36/72 · answers\n"
    assert "width:50.0%" in shown.bar.shown.html


def test_before_there_is_an_estimate_the_wait_is_counted_and_the_plan_told(tmp_path, capsys):
    view(tmp_path, 40, done=0).draw()
    said = capsys.readouterr().out
    assert said == "evaluate 0/72 · answers · 40 s so far · about 6 min in all\n"


def test_the_time_left_counts_down_between_two_records(tmp_path, capsys):
    view(tmp_path, 200, done=10, time=time.time() - 30, seconds_left=80.0).draw()
    assert capsys.readouterr().out == "evaluate 10/72 · answers · 50 s left\n"


def test_when_the_estimate_has_run_out_the_wait_is_counted_and_no_second_promised(tmp_path, capsys):
    view(tmp_path, 400, done=71, time=time.time() - 50, seconds_left=20.0).draw()
    assert capsys.readouterr().out == "evaluate 71/72 · answers · 7 min so far\n"


def test_a_step_that_has_recorded_nothing_is_starting(tmp_path, capsys):
    progress_view.ProgressView(tmp_path / "none.jsonl", "evaluate", time.time() - 20).draw()
    assert capsys.readouterr().out == "evaluate · starting … · 20 s so far\n"


def test_answers_of_files_are_a_folded_table(tmp_path):
    records = [
        {"time": 1.0, "sample": {"step": kind, "question": "Snow?", "text": f"{kind} says yes."}}
        for kind in ("Q4_K_M", "Q8_0")
    ]
    html = progress_view.progress(records, "quantize").html
    assert html.count("<details") == 1 and html.count("Snow?") == 1
    assert html.index("Q4_K_M says yes.") < html.index("Q8_0 says yes.")


def sample(step, text, question="Do you like snow?", ended=True):
    return {
        "time": 1.0,
        "sample": {"step": step, "question": question, "text": text, "ended": ended},
    }


TRAINED = [
    {
        "time": 1,
        "done": 20,
        "total": 80,
        "note": "",
        "loss": 3.5,
        "learning_rate": 1e-4,
        "tokens_s": 48211.0,
    },
    {"time": 2, "done": 20, "total": 80, "note": "", "eval_loss": 3.05},
    {
        "time": 3,
        "done": 40,
        "total": 80,
        "note": "",
        "loss": 3.2,
        "memory_gb": 12.4,
        "seconds_left": 95.2,
    },
]


@pytest.mark.parametrize(
    "language, line, first, last, cut",
    [
        (
            "en",
            "persona 40/80 · loss 3.20 · val 3.05 · 2 min left",
            "step 0",
            "step 40",
            " (ran out of room)",
        ),
        (
            "zh",
            "persona 40/80 · 损失 3.20 · 验证 3.05 · 还剩 2 分钟",
            "第 0 步",
            "第 40 步",
            "（没写完）",
        ),
    ],
)
def test_training_shows_bar_line_curves_and_first_and_newest_sample(
    language, line, first, last, cut, monkeypatch
):
    monkeypatch.setenv("TWINLIB_LANG", language)
    samples = [
        sample(0, "As an AI"),
        sample(20, "Snow?"),
        sample(40, "Not before noon.", ended=False),
    ]
    shown = progress_view.progress([samples[0], *TRAINED, *samples[1:]], "persona")
    assert shown.text == line and f">{line}<" in shown.html
    assert "width:50.0%" in shown.html and shown.html.count("<img") == 3
    assert shown.html.count("Do you like snow?") == 1 and "Snow?</div>" not in shown.html
    places = [
        shown.html.index(f">{text}<")
        for text in (first, "As an AI", last + cut, "Not before noon.")
    ]
    assert places == sorted(places) and shown.html.count(cut) == 1


def test_the_first_sample_comes_before_the_first_step_and_stands_alone():
    shown = progress_view.progress([sample(0, "As an AI")], "persona")
    assert (
        shown.html.count("As an AI") == 1 and "width:0.0%" in shown.html and shown.text == "persona"
    )
    assert "step 0" in shown.html


def test_only_the_questions_that_were_asked_last_stand_there():
    samples = [sample(step, f"answer {step}", f"question {step}?") for step in range(5)]
    samples.append(sample(9, "new", "question 1?"))
    html = progress_view.progress([*TRAINED, *samples], "persona").html
    assert [name for name in range(5) if f"question {name}?" in html] == [1, 3, 4]


def test_what_a_model_says_is_text_and_nothing_else():
    evil = "<script>alert(1)</script><img src=x onerror='alert(2)'>"
    html = progress_view.progress([sample(0, evil, evil), sample(1, evil, evil)], evil).html
    assert "<script" not in html and "<img" not in html and html.count("&lt;script&gt;") == 4


@pytest.mark.parametrize(
    "records, text",
    [
        ([{"time": 1, "done": 3, "total": 9, "note": "reading"}], "corpus 3/9 · reading"),
        ([{"done": 1, "total": 0}], "corpus 1/0"),
        (
            [
                {
                    "done": 8,
                    "total": 60,
                    "note": "",
                    "reward": 0.5,
                    "clipped": 0.125,
                    "seconds_left": 40,
                }
            ],
            "corpus 8/60 · reward 0.50 · clipped 0.12 · 40 s left",
        ),
    ],
)
def test_other_steps_and_older_histories_are_shown_too(records, text):
    assert progress_view.progress(records, "corpus").text == text


def test_a_long_history_costs_little_more_to_draw_than_a_short_one(tmp_path):
    def cost(steps):
        history = tmp_path / f"{steps}.jsonl"
        figures = {"note": "", "total": 20_000, "learning_rate": 1e-4}
        records = (
            {"time": n, "done": n, "loss": 3 + n % 7, "tokens_s": 4e4 + n % 99, **figures}
            for n in range(1, steps + 1)
        )
        history.write_text("".join(json.dumps(each) + "\n" for each in records), encoding="utf-8")
        tail, used = progress_view.HistoryTail(history), []
        for _ in range(3):
            before = time.process_time()
            progress_view.progress(tail.read(), "persona")
            used.append(time.process_time() - before)
        return min(used)

    assert cost(20_000) < 2.5 * cost(200)


def interrupt_when(history):
    while not history.exists() or history.read_text().count("\n") < 4:
        time.sleep(0.02)
    os.kill(os.getpid(), signal.SIGINT)


@pytest.mark.slow
def test_a_child_that_is_killed_is_explained(tmp_path):
    with pytest.raises(run.StepFailed, match="most often because memory ran out"):
        run.follow(["python", "-c", "import os; os.kill(os.getpid(), 9)"])


@pytest.mark.slow
def test_a_crash_shows_where_it_was(tmp_path):
    with pytest.raises(run.StepFailed, match="ZeroDivisionError(.|\n)*please report it"):
        run.follow(["python", "-c", "1 / 0"])


def test_the_token_goes_to_a_child_that_needs_it_and_never_into_the_command(twin, monkeypatch):
    monkeypatch.setenv("HF_TOKEN", "hf_secret_for_this_test")
    handed, token = run.token_for, {"HF_TOKEN": "hf_secret_for_this_test"}
    uploads = settings.Publish(user="me", upload=True)
    assert handed(twin, "publish", uploads) == token
    assert handed(twin, "publish", settings.Publish()) == {}
    assert handed(twin, "persona", settings.Persona()) == {}
    assert handed(twin, "persona", settings.Persona(base="qwen2.5-0.5b")) == {}
    assert handed(twin, "persona", settings.Persona(base="llama-3.2-1b")) == token
    monkeypatch.setenv("HF_ENDPOINT", "https://mirror.example.org")
    assert handed(twin, "persona", settings.Persona(base="llama-3.2-1b")) == {}, (
        "a mirror is never handed a token"
    )
    assert "hf_secret_for_this_test" not in " ".join(run.command(twin, "publish", uploads))


@pytest.mark.slow
def test_in_a_kernel_bar_and_curves_are_outputs_that_change_and_stop_is_the_interrupt(tmp_path):
    from jupyter_client.manager import start_new_kernel

    history = tmp_path / "history.jsonl"
    manager, client = start_new_kernel(cwd=str(runtime.ROOT))
    try:
        client.execute(
            "from pathlib import Path\n"
            "from twinlib.ui import progress_view, run; progress_view.DRAW_EVERY = .2\n"
            f"history = {str(history)!r}\n"
            f"run.follow(['python', '-c', {CHILD!r}, history], Path(history), 'count')"
        )
        messages = list(outputs(client, manager))
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)
    drawn = [message for message in messages if message["msg_type"].endswith("display_data")]
    places = {}
    for message in drawn:
        places.setdefault(message["content"]["transient"]["display_id"], []).append(message)
    bar, curves = places.values()
    for place in (bar, curves):
        kinds = [message["msg_type"] for message in place]
        assert kinds[0] == "display_data" and set(kinds[1:]) == {"update_display_data"}
        assert {"text/html", "text/plain"} == set(place[-1]["content"]["data"])
    assert "Stopped: count " in bar[-1]["content"]["data"]["text/plain"]
    assert "<img" in curves[-1]["content"]["data"]["text/html"]
    [error] = [message["content"] for message in messages if message["msg_type"] == "error"]
    assert (error["ename"], error["traceback"]) == (
        "StepFailed",
        ["Stopped. The same command goes on from here."],
    )
    spoken = "".join(
        message["content"]["text"] for message in messages if message["msg_type"] == "stream"
    )
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
        if (
            message["msg_type"] == "status"
            and message["content"]["execution_state"] == "idle"
            and pictures
        ):
            return


@pytest.mark.parametrize(
    "base, gated",
    [
        ("phi-4-mini", False),  # MIT
        ("smollm3-3b", False),  # Apache
        ("gemma-3-270m", True),
        ("somebody/unknown-base", True),
        ("auto", False),
    ],
)
def test_a_token_is_looked_for_where_a_licence_may_have_to_be_accepted(tmp_path, base, gated):
    assert run.is_gated(base, Twin.open(tmp_path / "me")) == gated
