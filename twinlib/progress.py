"""Progress of one step: a line in a terminal, records in the step's history.jsonl, and the wish to stop.

Interrupting (Ctrl-C, a notebook's stop button, SIGTERM, or the parent process going away) only raises a flag;
the step sees it at its next safe point, saves, and ends with `Stopped`. A second interrupt ends at once.
"""

import json
import os
import shutil
import signal
import sys
import threading
import time
import unicodedata
from collections import deque

from .i18n import t
from .twin import Stopped

LINE_EVERY = 5.0  # seconds between lines where the output is not a terminal
SAMPLE = 200  # characters of a sample answer in a terminal
# How a line says a figure: English, 中文, the number's format. Others stand with the name they are recorded by.
FIGURES = {
    "loss": ("loss {}", "损失 {}", ".2f"),
    "eval_loss": ("val {}", "验证 {}", ".2f"),
    "reward": ("reward {}", "奖励 {}", ".2f"),
    "correct": ("correct {}", "答对 {}", ".2f"),
    "form": ("form {}", "格式 {}", ".2f"),
    "no_signal": ("no signal {}", "无信号 {}", ".2f"),
    "clipped": ("clipped {}", "截断 {}", ".2f"),
    "learning_rate": ("rate {}", "学习率 {}", ".1e"),
    "tokens_s": ("{} tokens/s", "{} token/秒", ",.0f"),
    "memory_gb": ("{} GB", "{} GB", ".1f"),
    "length": ("length {}", "长度 {}", ",.0f"),
    "entropy": ("entropy {}", "熵 {}", ".2f"),
    "failed": ("{} failed", "{} 失败", ",.0f"),
}
REWARD = "reward_"  # begins the names of the other rewards of train/rewards.py
NO_FIGURES = ("time", "done", "total", "note", "seconds_left")
# Where a line is too long for its terminal, these parts go first, and those last.
LEFT_OUT_FIRST = ("learning_rate", "memory_gb", "entropy", "length", "tokens_s")
LEFT_OUT_LAST = ("note", "loss", "seconds_left", "step")


class Progress:
    """Call it as `progress(done, total, note, **figures)`; it prints, records and may raise Stopped.

    `history` is the file the records go to, one JSON object a line: {time, done, total, note, **figures};
    `seconds_left` is added from the recent pace. Nothing is printed when $TWINLIB_PROGRESS is 'file'
    (a notebook follows the file and draws its own).
    """

    def __init__(self, history=None, step="", fresh=True):
        self.history, self.step = history, step
        self.stopping = False
        self._paces, self._phases = {}, {}
        self._printed, self._line = 0.0, ""
        self._parent = os.getppid() if os.environ.get("TWINLIB_FOLLOWED") else None
        self._quiet = os.environ.get("TWINLIB_PROGRESS") == "file"
        if history is not None:
            history.parent.mkdir(parents=True, exist_ok=True)
            if fresh:
                history.unlink(missing_ok=True)
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGINT, self._interrupted)
            signal.signal(signal.SIGTERM, self._interrupted)

    def _interrupted(self, number, frame):
        if self.stopping:
            raise KeyboardInterrupt
        self.stopping = True

    def wants_stop(self):
        """True once somebody asked to stop, or the notebook that started this process is gone."""
        if self._parent is not None and os.getppid() != self._parent:
            self.stopping = True
        return self.stopping

    def check(self):
        """Raise Stopped where it is safe to stop."""
        if self.wants_stop():
            raise Stopped(t("core.stopped_same_command_goes_here"))

    def __call__(self, done, total, note="", raise_on_stop=True, **figures):
        record = {"time": time.time(), "done": done, "total": total, "note": note, **figures}
        left = self._paces.setdefault(total, Pace()).left(done, total)
        if left is not None:
            record["seconds_left"] = round(left, 1)
        self.record(record)
        self._print(filled(record, self._phases), last=done >= total)
        if raise_on_stop:
            self.check()

    def record(self, record):
        """Append one record to the history file."""
        if self.history is None:
            return
        with open(self.history, "a", encoding="utf-8") as file:
            file.write(json.dumps(record, ensure_ascii=False) + "\n")

    def sample(self, step, question, text, ended=True):
        """Record what the model answers at a step of its training, and print it above the updating line."""
        self.record(
            {
                "time": time.time(),
                "sample": {"step": step, "question": question, "text": text, "ended": ended},
            }
        )
        if self._quiet:
            return
        line, when = self._line, t("core.step_2", step=step)
        self.say(f"  {when} · {_short(question)}\n    → {_short(text, ended)}")
        if line and sys.stderr.isatty():
            self._line = line
            print(line, end="", file=sys.stderr, flush=True)

    def restart(self):
        """Forget the records of an earlier run that is not gone on from."""
        self._phases = {}
        if self.history is not None:
            self.history.unlink(missing_ok=True)

    def say(self, text):
        """Print a sentence of its own."""
        if not self._quiet and sys.stderr.isatty():
            print("\r\033[K", end="", file=sys.stderr, flush=True)
        self._line = ""
        print(text, flush=True)

    def _print(self, record, last):
        if self._quiet:
            return
        now = time.monotonic()
        if sys.stderr.isatty():
            line = line_of(record, self.step, _room())
            print(f"\r\033[K{line}", end="\n" if last else "", file=sys.stderr, flush=True)
            self._line = "" if last else line
        elif last or now - self._printed >= LINE_EVERY:
            self._printed = now
            print(line_of(record, self.step), file=sys.stderr, flush=True)


class Pace:
    """How long the rest takes, from the newer half of what is done: a slow beginning is soon forgotten, and pauses
    (evaluations, samples) count with the share of the time that they take."""

    def __init__(self):
        self.moments = deque()  # (done, when)

    def left(self, done, total):
        """Seconds left now that `done` of `total` are done; None while nothing tells."""
        if self.moments and done < self.moments[-1][0]:
            self.moments.clear()
        if not self.moments:
            self.first = done
        self.moments.append((done, time.monotonic()))
        while len(self.moments) > 2 and self.moments[1][0] <= (self.first + done) / 2:
            self.moments.popleft()
        (before, since), (_, now) = self.moments[0], self.moments[-1]
        return (now - since) / (done - before) * (total - done) if done > before else None


def filled(record, phases):
    """A progress record with the figures that it lacks as they last were in its phase, which one total and one note
    make: between evaluations the newest validation loss. `phases` is a dict that keeps them from call to call."""
    phase = phases.setdefault((record["total"], record.get("note", "")), {})
    phase.update(record)
    return phase


def newest(records):
    """The newest progress record of a history, with the figures that it lacks; None where there is none."""
    phases, found = {}, None
    for record in records:
        if "done" in record:
            found = filled(record, phases)
    return found


def line_of(record, step="", room=None):
    """One progress record as one line: 'persona 12/80 · loss 3.21 · 2 min left', in `room` columns of a terminal."""
    parts = _parts(record, step)
    others = [name for name in reversed(parts) if name not in LEFT_OUT_FIRST + LEFT_OUT_LAST]
    for name in (*LEFT_OUT_FIRST, *others, *LEFT_OUT_LAST[:-1]):
        if room is None or width(" · ".join(parts.values())) <= room:
            break
        parts.pop(name, None)
    line = " · ".join(parts.values())
    while room is not None and width(line) > room:
        line = line[:-1]
    return line


def _parts(record, step):
    """What a line consists of, by name and in order."""
    parts = {"step": f"{step} {record['done']}/{record['total']}".strip()}
    if record.get("note"):
        parts["note"] = record["note"]
    numbers = {
        name: value
        for name, value in record.items()
        if name not in NO_FIGURES and isinstance(value, (int, float))
    }
    for name in sorted(
        numbers, key=lambda name: list(FIGURES).index(name) if name in FIGURES else len(FIGURES)
    ):
        parts[name] = _said(name, numbers[name])
    if record.get("seconds_left") and record["done"] < record["total"]:
        left = record["seconds_left"]
        parts["seconds_left"] = t("core.left", left=clock(left, "en"), left_2=clock(left, "zh"))
    return parts


def _said(name, value):
    en, zh, form = FIGURES.get(name, (f"{name} {{}}", f"{name} {{}}", ".4g"))
    number = format(value, form)
    return en.format(number) if en == zh else t(en.format(number), zh.format(number))


def names_of(figure):
    """A figure's name in English and in Chinese, without its number."""
    en, zh, _ = FIGURES.get(figure, (figure, figure, ""))
    return en.replace("{}", "").strip(), zh.replace("{}", "").strip()


def width(text):
    """Columns that a text takes in a terminal: Chinese characters take two, combining marks none."""
    return sum(
        0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1
        for c in text
    )


def _room():
    """Columns for the updating line, one less than there are: some terminals wrap when the last is filled."""
    try:
        columns = os.get_terminal_size(sys.stderr.fileno()).columns
    except (OSError, ValueError):
        columns = 0
    return max(1, (columns or shutil.get_terminal_size().columns) - 1)


def _short(text, ended=True):
    """A text on one line, cut, without what would move a terminal's cursor."""
    text = "".join(" " if unicodedata.category(c) == "Cc" else c for c in text)
    text = " ".join(text.split())
    return text[:SAMPLE] + ("" if ended and len(text) <= SAMPLE else "…")


def clock(seconds, language=None):
    """Seconds as people say them: '45 s', '3 min', '1 h 20 min'; in one `language`, or in the reader's."""
    seconds = int(round(seconds))
    hours, minutes = seconds // 3600, seconds % 3600 // 60
    if seconds < 90:
        said = {"en": f"{seconds} s", "zh": f"{seconds} 秒"}
    elif seconds < 5400:
        said = {"en": f"{round(seconds / 60)} min", "zh": f"{round(seconds / 60)} 分钟"}
    else:
        said = {"en": f"{hours} h {minutes} min", "zh": f"{hours} 小时 {minutes} 分"}
    return said[language] if language else t(said["en"], said["zh"])
