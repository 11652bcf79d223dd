"""Progress of a step: a line in the terminal, records in the step's history.jsonl, and a stop flag.

An interrupt (Ctrl-C, a notebook's stop button, SIGTERM, or the end of the parent process) only sets
the flag. The step checks it where it is safe to stop, saves its work and raises `Stopped`. A second
interrupt raises KeyboardInterrupt at once.
"""

import json
import os
import re
import shutil
import signal
import sys
import threading
import time
import unicodedata
from collections import deque
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from .files import make_folder, parsed_lines, write_records
from .i18n import LANGUAGES, Sentence, both, choose, data, restored, t
from .twin import Stopped

REWARD = "reward_"  # the prefix of single rewards in history.jsonl
_LINE_EVERY = 5.0  # seconds between lines where the output is not a terminal
_SLOW = 20.0  # seconds that writing a record may take until it is said
_FEW = 3  # items that a time left is told from
_SAMPLE = 200  # characters of a sample answer in a terminal
_NOT_FIGURES = ("time", "done", "total", "note", "seconds_left", "of_part")
# Parts of a line that is too long for the terminal: dropped first, and dropped last.
_DROPPED_FIRST = (
    "sampler_difference",
    "voice_drift",
    "answering",
    "learning_rate",
    "memory_gb",
    "entropy",
    "length",
    "tokens_s",
)
_DROPPED_LAST = ("note", "loss", "seconds_left", "step")


class Progress:
    """A callable `progress(done, total, note, **figures)` that prints and records; raises Stopped.

    `history` is the file of the records, one JSON object a line: {time, done, total, note,
    **figures}, with `seconds_left` estimated from the recent pace unless it is given: of what has
    this note, a part of the step. A `unit` stands behind the counts. A note that is one of our
    sentences is kept as `said`, so that it is read in any language (see note_of). With `fresh` an
    existing file is deleted. Nothing is printed if $TWINLIB_PROGRESS is 'file': a notebook reads
    the file and shows its own line.
    """

    def __init__(self, history: Path | None = None, step: str = "", fresh: bool = True):
        self.history, self.step = history, step
        self.stopping = False
        self.line = ""  # the line that the terminal shows and that is updated in place
        self._said_slow = False
        self._paces, self._phases, self._unwritten = {}, {}, []
        self._printed = 0.0
        # A step that a notebook follows 'loosely' goes on when the notebook is gone.
        self._parent = os.getppid() if os.environ.get("TWINLIB_FOLLOWED") == "1" else None
        self._quiet = os.environ.get("TWINLIB_PROGRESS") == "file"
        if history is not None:
            make_folder(history.parent)
            if fresh:
                history.unlink(missing_ok=True)
        if threading.current_thread() is threading.main_thread():
            # SIGBREAK is how another process stops this one on Windows.
            for name in ("SIGINT", "SIGTERM", "SIGBREAK"):
                if hasattr(signal, name):
                    signal.signal(getattr(signal, name), self._interrupt)

    def _interrupt(self, number, frame):
        if self.stopping:
            raise KeyboardInterrupt
        self.stopping = True
        if not self._quiet:
            # Not by print, which can't be called again within itself: a signal comes at any time.
            with suppress(OSError, ValueError):
                os.write(sys.stderr.fileno(), f"\n{t('core.stopping')}\n".encode())

    def wants_stop(self) -> bool:
        """True after an interrupt, or when the notebook that started this process is gone."""
        if self._parent is not None and self._orphaned():
            self.stopping = True
        return self.stopping

    def _orphaned(self):
        if sys.platform == "win32":  # where the id of the parent outlives it
            import psutil

            return not psutil.pid_exists(self._parent)
        return os.getppid() != self._parent

    def check(self) -> None:
        """Raise Stopped if a stop was requested; call it where it is safe to stop."""
        if self.wants_stop():
            raise Stopped(t("core.stopped_can_continue"))

    def __call__(
        self, done: int, total: int, note: str = "", raise_on_stop: bool = True, **figures
    ) -> None:
        record = {"time": time.time(), "done": done, "total": total, "note": note, **figures}
        if isinstance(note, Sentence):
            record["said"] = note.texts.kept
        if isinstance(figures.get("unit"), Sentence):
            record["unit"] = dict(figures["unit"].texts)
        left = self._paces.setdefault(total, Pace()).left(done, total)
        if left is not None and "seconds_left" not in record:
            record |= {"seconds_left": round(left, 1), "of_part": bool(note)}
        self.record(record)
        self._print(_carry_over(record, self._phases), last=done >= total)
        if raise_on_stop:
            self.check()

    def record(self, record: dict) -> None:
        """Append one record to the history file; where it can't be written, with the next one."""
        if self.history is None:
            return
        torn = "\n" if self._unwritten else ""  # a part of a line may have been written
        self._unwritten.append(torn + json.dumps(record, ensure_ascii=False) + "\n")
        began = time.monotonic()
        with suppress(OSError):  # a full disk, or one that is away, must not end the step
            with open(self.history, "a", encoding="utf-8") as file:
                file.write("".join(self._unwritten))
            self._unwritten = []
        took = time.monotonic() - began
        if took > _SLOW and not self._said_slow:
            self._said_slow = True
            self.say(t("core.disk_is_slow", folder=self.history.parent, time=duration(took)))

    def sample(
        self, step: int | str, question: str, text: str, ended: bool = True, **marking
    ) -> None:
        """Record a sample answer and print it above the updating line.

        `step` is that of the model in training, or the type of the GGUF file that answers. `ended`
        is false for an answer that was cut off. `marking` is `taken`, the [start, end] of what was
        taken for the answer to a problem, and `right`, whether it is right.
        """
        sample = {"step": step, "question": question, "text": text, "ended": ended, **marking}
        self.record({"time": time.time(), "sample": sample})
        if self._quiet:
            return
        line, when = self.line, step if isinstance(step, str) else t("core.at_step", step=step)
        said = _shorten(text, ended) if "right" not in marking else _marked(text, **marking)
        self.say(f"  {when} · {_shorten(question)}\n    → {said}")
        if line and sys.stderr.isatty():
            self.line = line
            print(line, end="", file=sys.stderr, flush=True)

    def rewind(self, step: int) -> None:
        """Delete the records of training beyond a step, because this run repeats them."""
        if self.history is None or not self.history.exists():
            return
        text = self.history.read_text(encoding="utf-8", errors="replace")
        kept = [record for _, record in parsed_lines(text) if record and _until(record, step)]
        write_records(self.history, kept)

    def restart(self) -> None:
        """Delete the records of an earlier run, because this one does not resume it."""
        self._phases = {}
        if self.history is not None:
            self.history.unlink(missing_ok=True)

    def say(self, text: str) -> None:
        """Print a text on lines of its own, in place of the updating line."""
        if not self._quiet and sys.stderr.isatty():
            print("\r\033[K", end="", file=sys.stderr, flush=True)
        self.line = ""
        with suppress(OSError):  # the output may be a file on a full disk
            print(text, flush=True)

    def _print(self, record, last):
        if self._quiet:
            return
        now = time.monotonic()
        if sys.stderr.isatty():
            line = line_of(record, self.step, _room())
            print(f"\r\033[K{line}", end="\n" if last else "", file=sys.stderr, flush=True)
            self.line = "" if last else line
        elif last or now - self._printed >= _LINE_EVERY:
            self._printed = now
            print(line_of(record, self.step), file=sys.stderr, flush=True)


def _until(record, step):
    """Whether a record is not of training beyond this step."""
    if "sample" in record:
        return record["sample"].get("step", 0) <= step
    return bool(record.get("note")) or record.get("done", 0) <= step


class Pace:
    """Estimates the time left from the time that the newer half of the finished work took.

    So a slow start soon has no weight, while regular pauses (evaluations, samples) are included.
    A first piece of work, with all that is loaded for it, says nothing yet.
    """

    def __init__(self):
        self.moments = deque()  # (done, time)

    def left(self, done: int, total: int) -> float | None:
        """Seconds left now that `done` of `total` are done.

        None until the work has gone on twice and three items are done, of less than six a half.
        """
        if self.moments and done < self.moments[-1][0]:
            self.moments.clear()
        if not self.moments:
            self.first, self.times = done, 0
        elif done > self.moments[-1][0]:
            self.times += 1
        self.moments.append((done, time.monotonic()))
        while len(self.moments) > 2 and self.moments[1][0] <= (self.first + done) / 2:
            self.moments.popleft()
        (before, since), (_, now) = self.moments[0], self.moments[-1]
        few = done - self.first < min(_FEW, (total - self.first) / 2)
        if self.times < 2 or few or done == before:
            return None
        return (now - since) / (done - before) * (total - done)


class Work:
    """The time that work of several kinds still takes, such as answers and vectors.

    `items` is {kind: how many are ahead}, in the order in which they are done, `expected` {kind:
    seconds that one may take}. Where a kind was measured its own pace counts; how much slower or
    faster that is than expected is taken for the kinds that are still to come.
    """

    def __init__(self, items: dict[str, int], expected: dict[str, float]):
        self.total = sum(items.values())
        self.ahead, self.expected = dict(items), expected
        self.spent, self.made = dict.fromkeys(items, 0.0), dict.fromkeys(items, 0)
        self.begin()

    def begin(self) -> None:
        """Leave out what passed since the last call, such as loading a model."""
        self._since = time.monotonic()

    def known(self, kind: str, count: int) -> None:
        """So many of a kind were there already, and the kinds before it are done."""
        for before in self.ahead:
            if before == kind:
                break
            self.ahead[before] = 0
        self._less(kind, count)
        self.begin()

    def did(self, kind: str, count: int) -> None:
        """So many of a kind were made since the last call."""
        self._less(kind, count)
        now = time.monotonic()
        self.spent[kind] = self.spent.get(kind, 0.0) + now - self._since
        self.made[kind] = self.made.get(kind, 0) + count
        self._since = now

    def _less(self, kind, count):
        self.ahead[kind] = max(0, self.ahead.get(kind, 0) - count)

    def left(self) -> float | None:
        """Seconds left; None before anything was measured."""
        measured = {kind for kind, made in self.made.items() if made >= _FEW}
        known = measured & set(self.expected)
        if not measured:
            return None
        usual = sum(self.expected[kind] * self.made[kind] for kind in known)
        slower = sum(self.spent[kind] for kind in known) / usual if usual else 1.0
        return sum(
            count * self.spent[kind] / self.made[kind]
            if kind in measured
            else count * slower * self.expected.get(kind, 0.0)
            for kind, count in self.ahead.items()
        )


def _carry_over(record, phases):
    """Fill missing figures with their last values in the same phase (same `total` and `note`).

    This keeps the validation loss in the line between evaluations. `phases` is updated.
    """
    phase = phases.setdefault((record["total"], record.get("note", "")), {})
    phase.update(record)
    return phase


def newest(records: Iterable[dict]) -> dict | None:
    """The newest progress record of a history, missing figures filled in; None without records."""
    phases, record = {}, None
    for candidate in records:
        if "done" in candidate:
            record = _carry_over(candidate, phases)
    return record


def note_of(record: dict) -> str | dict[str, str]:
    """The note of a progress record as {language: text}; as it was written if that is not known."""
    note, kept = record.get("note", ""), record.get("said")
    if not isinstance(kept, dict):
        return note
    try:
        return restored(kept)
    except (OSError, KeyError, TypeError, AttributeError, IndexError, ValueError):
        return note  # of another version, or damaged by hand


def line_of(record: dict, step: str = "", room: int | None = None, brief: bool = False) -> str:
    """A progress record as one line, such as 'persona 12/80 · loss 3.21 · 2 min left'.

    A note that is a sentence of ours says what is counted and stands before it, 'persona ·
    questions 3/16', unless the counts have a unit; a name stands behind, 'publish 0/2 · me/x'.
    Parts are left out until it fits into `room` columns of a terminal; `brief` leaves out those
    for engineers, such as the learning rate.
    """
    parts = _parts(record, step)
    for name in _DROPPED_FIRST if brief else ():
        parts.pop(name, None)
    others = [name for name in reversed(parts) if name not in _DROPPED_FIRST + _DROPPED_LAST]
    for name in (*_DROPPED_FIRST, *others, *_DROPPED_LAST[:-1]):
        if room is None or width(_joined(parts)) <= room:
            break
        parts.pop(name, None)
    line = _joined(parts)
    while room is not None and width(line) > room:
        line = line[:-1]
    return line


def _joined(parts):
    name, count, note_counts = parts["step"]
    rest = [text for part, text in parts.items() if part not in ("step", "note")]
    first = [f"{name} {count}".strip()]
    if note := parts.get("note"):
        first = [name, f"{note} {count}"] if note_counts else [*first, note]
    return " · ".join([*filter(None, first), *rest])


def _parts(record, step):
    """The parts of a line by name: {'loss': 'loss 3.21', …}; of 'step' what _joined needs."""
    unit, note = (
        choose(text) if isinstance(text, dict) else text
        for text in (record.get("unit", ""), note_of(record))
    )
    count = f"{record['done']}/{record['total']} {unit}".strip()
    parts = {"step": (step, count, "said" in record and not unit)}
    if note:
        parts["note"] = note
    numbers = {
        name: value
        for name, value in record.items()
        if name not in _NOT_FIGURES and isinstance(value, (int, float))
    }
    for name in sorted(numbers, key=[*data("progress"), *numbers].index):
        texts = _format_of(name).items()
        parts[name] = choose({code: text.format(numbers[name]) for code, text in texts})
    if record.get("seconds_left") and record["done"] < record["total"]:
        parts["seconds_left"] = choose(time_left(record))
    return parts


def time_left(record: dict) -> dict[str, str]:
    """{language: how long it still takes} of a record, the whole step or what its note names."""
    key = "core.time_left_of_part" if record.get("of_part") else "core.time_left"
    return both(key, time=duration(record["seconds_left"]))


def _format_of(figure):
    return data("progress").get(figure) or dict.fromkeys(LANGUAGES, figure + " {:.4g}")


def names_of(figure: str) -> dict[str, str]:
    """{language: label} of a figure of history.jsonl; the figure's name if it has no label."""
    texts = _format_of(figure).items()
    return {code: re.sub(r"\{.*?\}", "", text).strip() for code, text in texts}


def width(text: str) -> int:
    """Columns that a text takes in a terminal: two for a Chinese character, none for an accent."""
    return sum(
        0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1
        for c in text
    )


def _room():
    """Columns for the updating line: one less than the terminal has, since a full line may wrap."""
    try:
        columns = os.get_terminal_size(sys.stderr.fileno()).columns
    except (OSError, ValueError):
        columns = 0
    return max(1, (columns or shutil.get_terminal_size().columns) - 1)


def _shorten(text, ended=True):
    """The first characters of a text on one line, without control characters."""
    text = _one_line(text)
    return text[:_SAMPLE] + ("" if ended and len(text) <= _SAMPLE else "…")


def _one_line(text):
    return " ".join("".join(" " if unicodedata.category(c) == "Cc" else c for c in text).split())


def _marked(text, right, taken=None):
    """A text with what was taken for its answer in brackets, and whether that is right.

    Of a long text only what stands around it is shown.
    """
    start, end = taken or (len(text), len(text))
    first = max(0, end - _SAMPLE)
    before = ("…" if first else "") + _one_line(text[min(first, start) : start])
    after = _one_line(text[end : end + 40]) + ("…" if len(text) > end + 40 else "")
    sign = "·" if right is None else "✓" if right else "✗"
    return (
        f"{sign} {before} [{_one_line(text[start:end])}] {after}" if taken else f"{sign} {before}"
    )


def duration(seconds: float) -> dict[str, str]:
    """{language: '45 s', '3 min' or '1 h 20 min'}."""
    seconds = round(seconds)
    if seconds < 90:
        return both("core.seconds", seconds=seconds)
    if seconds < 5400:
        return both("core.minutes", minutes=round(seconds / 60))
    return both("core.hours", hours=seconds // 3600, minutes=seconds % 3600 // 60)
