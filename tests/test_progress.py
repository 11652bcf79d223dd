"""Progress: what a line says, how it fits a terminal, how long the rest takes, and samples."""

import io
import json
import os
import pty
import re
import signal
import subprocess
import sys
import threading
import time
from types import SimpleNamespace

import pytest

from twinlib import progress
from twinlib.i18n import t
from twinlib.progress import Pace, Progress, Work, line_of, newest, width

STEP = {
    "time": 1.0,
    "done": 12,
    "total": 80,
    "note": "",
    "loss": 3.2149,
    "learning_rate": 3.9e-4,
    "tokens_s": 48211.4,
    "memory_gb": 12.44,
    "seconds_left": 95.2,
}
EVALUATION = {"time": 2.0, "done": 12, "total": 80, "note": "", "eval_loss": 3.05}
FULL = {
    "en": "persona 12/80 · loss 3.21 · val 3.05 · rate 3.9e-04 · 48,211 tokens/s · 12.4 GB"
    " · 2 min left",
    "zh": "persona 12/80 · 损失 3.21 · 验证 3.05 · 学习率 3.9e-04 · 48,211 token/秒 · 12.4 GB"
    " · 还剩 2 分钟",
}


@pytest.fixture(params=["en", "zh"])
def language(request, monkeypatch):
    monkeypatch.setenv("TWINLIB_LANG", request.param)
    return request.param


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.fixture
def terminal(monkeypatch):
    """Standard error is a terminal of 300 columns."""
    monkeypatch.delenv("TWINLIB_PROGRESS", raising=False)
    monkeypatch.setenv("COLUMNS", "300")
    monkeypatch.setattr(progress, "sys", SimpleNamespace(stderr=Terminal()))
    return progress.sys.stderr


@pytest.fixture
def clock(monkeypatch):
    """A clock that stands until it is set: clock[0]."""
    now = [1000.0]
    monkeypatch.setattr(progress, "time", SimpleNamespace(time=time.time, monotonic=lambda: now[0]))
    return now


# The line


def test_a_line_names_and_rounds_every_figure_in_the_readers_language(language):
    assert line_of({**STEP, "eval_loss": 3.05}, "persona") == FULL[language]


def test_figures_of_the_other_steps_have_names_and_unknown_ones_keep_theirs(language):
    record = {
        "done": 3,
        "total": 60,
        "note": "n",
        "gain": 0.123456,
        "entropy": 1.0,
        "no_signal": 0.25,
        "reward": 1,
        "failed": 2,
        "text": "no number",
    }
    assert (
        line_of(record, "reasoning")
        == {
            "en": "reasoning 3/60 · n · reward 1.00 · no signal 0.25 · entropy 1.00 · 2 failed"
            " · gain 0.1235",
            "zh": "reasoning 3/60 · n · 奖励 1.00 · 无信号 0.25 · 熵 1.00 · 2 失败 · gain 0.1235",
        }[language]
    )


def test_records_of_older_histories_and_broken_numbers_make_a_line():
    assert line_of({"done": 1, "total": 0}) == "1/0"
    assert line_of(
        {"done": 2, "total": 2, "loss": float("nan"), "tokens_s": float("inf"), "seconds_left": 9}
    ) == ("2/2 · loss nan · inf tokens/s")


def test_both_languages_say_a_number_alone_once(monkeypatch):
    monkeypatch.setenv("TWINLIB_LANG", "both")
    assert (
        line_of({"done": 1, "total": 2, "loss": 1, "memory_gb": 2})
        == "1/2 · loss 1.00 · 损失 1.00 · 2.0 GB"
    )


@pytest.mark.parametrize(
    "room, en, zh",
    [
        (
            79,
            "persona 12/80 · loss 3.21 · val 3.05 · 48,211 tokens/s · 12.4 GB · 2 min left",
            "persona 12/80 · 损失 3.21 · 验证 3.05 · 48,211 token/秒 · 12.4 GB · 还剩 2 分钟",
        ),
        (
            55,
            "persona 12/80 · loss 3.21 · val 3.05 · 2 min left",
            "persona 12/80 · 损失 3.21 · 验证 3.05 · 还剩 2 分钟",
        ),
        (38, "persona 12/80 · loss 3.21 · 2 min left", "persona 12/80 · 还剩 2 分钟"),
        (37, "persona 12/80 · 2 min left", "persona 12/80 · 还剩 2 分钟"),
        (20, "persona 12/80", "persona 12/80"),
        (9, "persona 1", "persona 1"),
    ],
)
def test_a_narrow_terminal_loses_the_least_important_first(language, room, en, zh):
    assert line_of({**STEP, "eval_loss": 3.05}, "persona", room) == {"en": en, "zh": zh}[language]


def test_a_line_fits_in_every_terminal(language):
    record = {**STEP, "eval_loss": 3.05, "note": "日常 everyday"}
    for room in range(1, 130):
        assert width(line_of(record, "persona", room)) <= room
    assert line_of(record, "persona", 129) == line_of(record, "persona")


def test_chinese_takes_two_columns_and_marks_take_none():
    assert [width(text) for text in ("abc", "损失", "，", "e\u0301", "")] == [3, 4, 2, 1, 0]


# What is remembered


def test_the_validation_loss_stays_in_the_line_between_evaluations(terminal, language):
    said = Progress(None, "persona")
    said(12, 80, eval_loss=3.05)
    said(13, 80, loss=3.2)
    name = {"en": "val", "zh": "验证"}[language]
    assert f"{name} 3.05" in terminal.getvalue().split("\r")[-1]
    said(1, 4, "answers")
    assert name not in terminal.getvalue().split("\r")[-1], "another count has no validation loss"
    said(14, 80, loss=3.1)
    assert f"{name} 3.05" in terminal.getvalue().split("\r")[-1]


def test_the_newest_record_of_a_history_has_what_it_lacks_and_samples_are_no_records():
    records = [
        EVALUATION,
        {"time": 2.5, "sample": {"step": 12}},
        {**STEP, "done": 13},
        {"time": 3, "sample": {}},
    ]
    assert newest(records) == {**EVALUATION, **STEP, "done": 13}
    assert newest([*records, {"done": 13, "total": 80, "note": "answers"}]) == {
        "done": 13,
        "total": 80,
        "note": "answers",
    }
    assert newest([{"sample": {}}]) is None and newest([]) is None


# How long the rest takes


def test_a_slow_first_step_is_forgotten(clock):
    pace = Pace()
    assert pace.left(0, 100) is None
    for done, when in [(1, 1020), (2, 1021), (3, 1022), (4, 1023)]:
        clock[0] = when
        left = pace.left(done, 100)
    assert left == pytest.approx(96)


def test_evaluations_count_with_their_share(clock):
    pace, total = Pace(), 400
    for done in range(1, 201):
        clock[0] += 1
        left = pace.left(done, total)
        if done % 20 == 0:
            clock[0] += 30  # (20 + 30) / 20 seconds a step
            left = pace.left(done, total)
    assert left == pytest.approx(200 * 2.5, rel=0.15)


def test_a_change_of_pace_is_noticed_and_a_new_count_begins_anew(clock):
    pace = Pace()
    for done in range(100):
        clock[0] += 10 if done < 50 else 1
        left = pace.left(done, 1000)
    assert left == pytest.approx(901)
    assert pace.left(0, 1000) is None
    clock[0] += 2
    assert pace.left(1, 1000) is None
    for done in (2, 3):
        clock[0] += 2
        left = pace.left(done, 1000)
    assert left == pytest.approx(2 * 997)


def test_a_resumed_count_is_paced_from_where_it_goes_on(clock):
    pace = Pace()
    pace.left(500, 1000)
    for done in (501, 502, 503):
        clock[0] += 3
        left = pace.left(done, 1000)
    assert left == pytest.approx(3 * 497)


def test_samples_in_between_do_not_lose_the_pace(tmp_path, clock):
    said = Progress(tmp_path / "history.jsonl", "persona")
    for done in (1, 2, 3, 4):
        clock[0] += 1
        said(done, 80, loss=1.0)
        said(3, 3, "answers")
    records = [json.loads(line) for line in (tmp_path / "history.jsonl").read_text().splitlines()]
    assert [record.get("seconds_left") for record in records if record["total"] == 80] == [
        None,
        None,
        None,
        76.0,
    ]


# Samples and the terminal


def test_a_sample_is_recorded_whole_and_printed_cut_above_the_line(
    tmp_path, terminal, language, capsys
):
    said = Progress(tmp_path / "history.jsonl", "persona")
    said(20, 80, loss=3.0)
    said.sample(20, "下雪\n好吗？", "雪\x1b[2J" + "很" * 300, ended=False)
    line = said.line
    assert line.startswith("persona 20/80") and terminal.getvalue().endswith("\r\x1b[K" + line)
    question, answer = capsys.readouterr().out.splitlines()
    assert question == {"en": "  step 20 · 下雪 好吗？", "zh": "  第 20 步 · 下雪 好吗？"}[language]
    assert answer.startswith("    → 雪 [2J很") and answer.endswith("很…") and len(answer) < 220
    [_, record] = map(
        json.loads, (tmp_path / "history.jsonl").read_text(encoding="utf-8").splitlines()
    )
    assert record["sample"] == {
        "step": 20,
        "question": "下雪\n好吗？",
        "text": "雪\x1b[2J" + "很" * 300,
        "ended": False,
    }
    assert "done" not in record


def test_a_short_answer_is_whole_and_one_that_ran_out_of_room_says_so(terminal, capsys):
    Progress(None, "persona").sample(0, "Why?", "Because.")
    Progress(None, "persona").sample(0, "Why?", "Because", ended=False)
    assert [line.strip() for line in capsys.readouterr().out.splitlines()[1::2]] == [
        "→ Because.",
        "→ Because…",
    ]
    assert "persona" not in terminal.getvalue(), "there was no line to draw again"


def test_a_finished_line_and_one_that_a_sentence_took_do_not_come_back(terminal):
    said = Progress(None, "persona")
    said(80, 80)
    said.sample(80, "?", "!")
    assert terminal.getvalue().count("persona 80/80") == 1
    said(1, 4)
    said.say("Done.")
    said.sample(80, "?", "!")
    assert terminal.getvalue().count("persona 1/4") == 1


def test_where_a_notebook_follows_a_sample_is_recorded_and_not_printed(
    tmp_path, monkeypatch, capsys
):
    monkeypatch.setenv("TWINLIB_PROGRESS", "file")
    Progress(tmp_path / "history.jsonl", "persona").sample(0, "?", "!")
    assert capsys.readouterr() == ("", "")
    assert '"text": "!"' in (tmp_path / "history.jsonl").read_text()


def test_without_a_terminal_a_whole_line_comes_every_few_seconds(monkeypatch, capsys, clock):
    monkeypatch.delenv("TWINLIB_PROGRESS", raising=False)
    monkeypatch.setenv("COLUMNS", "20")
    said = Progress(None, "persona")
    for done in range(1, 13):
        clock[0] += 1
        said(done, 80, loss=3.0, eval_loss=3.1, learning_rate=1e-4)
        said.sample(done, "?", "!") if done == 2 else None
    out, err = capsys.readouterr()
    assert [line.split(" · ")[0] for line in err.splitlines()] == [
        "persona 1/80",
        "persona 6/80",
        "persona 11/80",
    ]
    assert all("val 3.10 · rate 1.0e-04" in line for line in err.splitlines()) and "\r" not in err
    assert out == "  step 2 · ?\n    → !\n"


CHILD = """
from twinlib.progress import Progress
progress = Progress(None, "persona")
figures = dict(loss=3.2, learning_rate=3.9e-4, tokens_s=48211.0, memory_gb=12.4, eval_loss=3.05)
for done in range(1, 4):
    progress(done, 3, **figures)
"""


@pytest.mark.slow
@pytest.mark.parametrize("columns, loss", [(23, False), (24, True), (60, True)])
def test_in_a_real_terminal_the_line_is_narrower_than_it(columns, loss, language):
    import fcntl
    import struct
    import termios

    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    environment = {k: v for k, v in os.environ.items() if k not in ("COLUMNS", "TWINLIB_PROGRESS")}
    # Standard output is no terminal here: the width of standard error's terminal counts.
    subprocess.run(
        [sys.executable, "-c", CHILD],
        stderr=theirs,
        stdout=subprocess.DEVNULL,
        check=True,
        env={**environment, "PYTHONIOENCODING": "utf-8"},
    )
    os.close(theirs)
    lines = re.split(r"\r\x1b\[K|\r\n", os.read(ours, 10000).decode())
    os.close(ours)
    lines = [line for line in lines if line]
    assert len(lines) == 3 and ({"en": "loss", "zh": "损失"}[language] in lines[-1]) == loss
    assert all(width(line) < columns for line in lines)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="a system without named pipes")
def test_a_disk_that_does_not_answer_for_a_while_is_said(tmp_path, monkeypatch, capsys):
    """A pipe that nobody reads yet lets writers wait, as such a disk does."""
    monkeypatch.setattr(progress, "_SLOW", 0.2)
    history = tmp_path / "history.jsonl"
    os.mkfifo(history)
    written = Progress(history, "persona", fresh=False)
    read = []

    def answers():
        time.sleep(0.4)
        read.append(history.read_text(encoding="utf-8"))

    reader = threading.Thread(target=answers, daemon=True)
    reader.start()
    written(1, 9)
    reader.join(timeout=30)
    assert [json.loads(line)["done"] for line in read] == [1]
    said = capsys.readouterr().out
    assert said.count("nothing is lost") == 1 and str(tmp_path) in said


@pytest.mark.slow
@pytest.mark.parametrize("quiet", [False, True])
def test_an_interrupt_is_answered_at_once_though_the_step_stops_later(quiet):
    source = """
import sys, time
from twinlib.progress import Progress
progress = Progress()
print("computes", flush=True)
while not progress.stopping:
    time.sleep(0.01)
sys.stdin.readline()  # what can't be broken off, such as a step of training
progress.check()
"""
    # A notebook shows sentences of its own, and reads the child's errors as the reason of its end.
    environment = {**os.environ, "TWINLIB_PROGRESS": "file"} if quiet else dict(os.environ)
    child = subprocess.Popen(
        [sys.executable, "-c", source],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
    )
    assert child.stdout.readline() == "computes\n"
    child.send_signal(signal.SIGINT)
    if not quiet:
        assert child.stderr.readline() == "\n"
        assert child.stderr.readline().startswith("Stopping: what is being done is finished")
        assert child.poll() is None
    _, errors = child.communicate("\n", timeout=60)
    assert "goes on from here" in errors and "Stopping:" not in errors


def test_a_first_batch_tells_no_time_left(clock):
    """It took as long as loading the model, too."""
    pace = Pace()
    assert pace.left(0, 48) is None
    clock[0] += 400
    assert pace.left(1, 48) is None
    clock[0] += 2
    assert pace.left(2, 48) is None
    clock[0] += 2
    assert pace.left(3, 48) == pytest.approx(2 * 45)
    pace = Pace()
    pace.left(0, 48)
    clock[0] += 500
    assert pace.left(16, 48) is None, "one batch"
    clock[0] += 32
    assert pace.left(32, 48) == pytest.approx(32)


def test_the_time_left_counts_each_kind_of_work_at_its_own_pace(clock):
    """Vectors take no time beside answers, so that one pace for both would jump."""
    work = Work({"answers": 10, "vectors": 1000}, {"answers": 2.0, "vectors": 0.01})
    assert work.left() is None
    clock[0] += 300
    work.known("answers", 2)  # in the cache; loading took the time before
    for _ in range(4):
        clock[0] += 4
        work.did("answers", 1)
    # Twice as slow as expected, and so will be the vectors.
    assert work.left() == pytest.approx(4 * 4 + 1000 * 0.02)
    clock[0] += 16
    work.did("answers", 4)
    work.known("vectors", 0)
    clock[0] += 5
    work.did("vectors", 500)
    assert work.left() == pytest.approx(5)
    clock[0] += 100
    work.begin()
    assert work.left() == pytest.approx(5)


def test_kinds_of_work_that_turned_out_smaller_are_over_when_the_next_one_begins(clock):
    work = Work({"answers": 10, "vectors": 100}, {})
    work.known("answers", 0)
    clock[0] += 6
    work.did("answers", 6)
    work.known("vectors", 100)
    assert work.left() == 0


def test_the_time_left_of_a_part_is_not_said_to_be_that_of_the_step(tmp_path, clock, language):
    said = Progress(tmp_path / "history.jsonl", "persona")
    for done in range(4):
        clock[0] += 60
        said(done, 10, t("train.everyday_requests"))
    records = [json.loads(line) for line in (tmp_path / "history.jsonl").read_text().splitlines()]
    wanted = {
        "en": "persona · everyday questions 3/10 · 7 min left of this part",
        "zh": "persona · 日常问题 3/10 · 这一段还剩 7 分钟",
    }
    assert line_of(records[-1], "persona") == wanted[language]
    said(3, 10, t("train.everyday_requests"), seconds_left=600, unit=t("evaluate.outputs"))
    record = json.loads((tmp_path / "history.jsonl").read_text().splitlines()[-1])
    wanted = {
        "en": "persona 3/10 outputs · everyday questions · 10 min left",
        "zh": "persona 3/10 项 · 日常问题 · 还剩 10 分钟",
    }
    assert line_of(record, "persona") == wanted[language]
