"""Progress of one step: a line in a terminal, records in the step's history.jsonl, and the wish to stop.

Interrupting (Ctrl-C, a notebook's stop button, SIGTERM, or the parent process going away) only raises a flag;
the step sees it at its next safe point, saves, and ends with `Stopped`. A second interrupt ends at once.
"""

import json
import os
import signal
import sys
import threading
import time

from .language import t
from .twin import Stopped

LINE_EVERY = 5.0  # seconds between lines where the output is not a terminal


class Progress:
    """Call it as `progress(done, total, note, **figures)`; it prints, records and may raise Stopped.

    `history` is the file the records go to, one JSON object a line: {time, done, total, note, **figures};
    `seconds_left` is added from the pace so far. Nothing is printed when $TWINLIB_PROGRESS is 'file'
    (a notebook follows the file and draws its own).
    """

    def __init__(self, history=None, step="", fresh=True):
        self.history, self.step = history, step
        self.stopping = False
        self.started = self._marked = time.monotonic()
        self._first = None
        self._printed = 0.0
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
            raise Stopped(t("Stopped. The same command goes on from here.", "已停止。再次运行同一命令即可继续。"))

    def __call__(self, done, total, note="", raise_on_stop=True, **figures):
        now = time.monotonic()
        if self._first is None or done < self._first[0] or total != self._first[2]:
            self._first = (done, now, total)
        gained = done - self._first[0]
        left = (now - self._first[1]) / gained * (total - done) if gained > 0 else None
        record = {"time": time.time(), "done": done, "total": total, "note": note, **figures}
        if left is not None:
            record["seconds_left"] = round(left, 1)
        self.record(record)
        self._print(record, last=done >= total)
        if raise_on_stop:
            self.check()

    def record(self, record):
        """Append one record to the history file."""
        if self.history is None:
            return
        with open(self.history, "a", encoding="utf-8") as file:
            file.write(json.dumps(record, ensure_ascii=False) + "\n")

    def restart(self):
        """Forget the records of an earlier run that is not gone on from."""
        if self.history is not None:
            self.history.unlink(missing_ok=True)

    def say(self, text):
        """Print a sentence of its own."""
        if not self._quiet and sys.stderr.isatty():
            print("\r\033[K", end="", file=sys.stderr)
        print(text, flush=True)

    def _print(self, record, last):
        if self._quiet:
            return
        now = time.monotonic()
        line = line_of(record, self.step)
        if sys.stderr.isatty():
            print(f"\r\033[K{line}", end="\n" if last else "", file=sys.stderr, flush=True)
        elif last or now - self._printed >= LINE_EVERY:
            self._printed = now
            print(line, file=sys.stderr, flush=True)


def line_of(record, step=""):
    """One progress record as one line: 'persona 12/80 · loss 3.21 · 2 min left'."""
    parts = [f"{step} {record['done']}/{record['total']}".strip()]
    if record.get("note"):
        parts.append(record["note"])
    shown = {k: v for k, v in record.items() if k not in ("time", "done", "total", "note", "seconds_left")}
    parts += [f"{name} {value:.4g}" for name, value in shown.items() if isinstance(value, (int, float))]
    if record.get("seconds_left") and record["done"] < record["total"]:
        left = record["seconds_left"]
        parts.append(t(f"{clock(left, 'en')} left", f"还剩 {clock(left, 'zh')}"))
    return " · ".join(parts)


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
