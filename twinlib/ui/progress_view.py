"""A running step's history drawn in a notebook: progress bar, curves and sample answers."""

import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from uuid import uuid4

from ..files import now, parsed_lines
from ..i18n import t
from ..progress import duration, line_of, newest
from . import plots, plotting
from .display import NOTHING, Shown, cut, esc, folded, show, table
from .practice_view import practice

DRAW_EVERY = 2.0  # seconds between two drawings of the curves
_TICK = 5.0  # seconds between two drawings of the bar when nothing was recorded
_SLOW = 10.0  # seconds after which a wait is counted, when no time left is known
_QUESTIONS = 3  # questions whose sample answers are shown below the curves
_SAID = 110  # columns of the step's newest sentence
_COLOURS = {"": "40,160,80", "done": "40,160,80", "stopped": "230,160,0", "failed": "220,50,50"}


class HistoryTail:
    """The records of a growing history file, each read once."""

    def __init__(self, path: Path):
        self.path, self.records = path, []
        self._position, self._first_line, self._file = 0, b"", None

    def read(self) -> list[dict]:
        """All records so far; damaged lines are left out, an incomplete last line is read later."""
        try:
            with open(self.path, "rb") as file:
                first, is_file = self._first_line, self.path.stat().st_ino
                # Another run began it anew, or cut off what it repeats.
                if not first or file.read(len(first)) != first or is_file != self._file:
                    self.records, self._position, self._file = [], 0, is_file
                file.seek(self._position)
                data = file.read()
        except OSError:
            return self.records
        complete = data[: data.rfind(b"\n") + 1]
        if complete and not self._position:
            self._first_line = complete.split(b"\n")[0]
        self._position += len(complete)
        lines = parsed_lines(complete.decode("utf-8", "replace"))
        self.records += [record for _, record in lines if record is not None]
        return self.records


_line = partial(line_of, brief=True)


class ProgressView:
    """The bar with the newest progress record, and below it the curves and the newest samples.

    `name` is what the bar calls the step; `started` is when the run started, in seconds since 1970;
    `expected` are the seconds that it will take by the plan, if known.
    """

    def __init__(
        self,
        history: Path | None,
        name: str,
        started: float | None = None,
        expected: float | None = None,
    ):
        self.history, self.name, self.tail = history, name, HistoryTail(history)
        self.started, self.expected = started or now(), expected
        self.said = ""  # the step's newest sentence
        self.drawn, self.seen = 0.0, 0
        self.bar, self.pictures = _Place(), _Place()

    def draw(self) -> None:
        """Draw what is new, the curves at most every DRAW_EVERY seconds."""
        if self.history is None:
            return
        records, moment = self._records(), time.monotonic()
        is_new = len(records) != self.seen and moment - self.drawn >= DRAW_EVERY
        if is_new or not self.drawn or moment - self.drawn >= _TICK:
            self.drawn = moment
            self.bar.draw(status(newest(records), self._line(records), said=self.said))
        if is_new:
            self.seen = len(records)
            self.pictures.draw(pictures(records))

    def finish(self, ended: str) -> None:
        """Draw the end: `ended` is done, already (done before), stopped or failed."""
        if self.history is None:
            return
        records = self._records()
        record = newest(records)
        if ended == "already":
            line = t("core.done_already", step=self.name)
        elif ended == "done":
            line = t("ui.step_done", name=self.name, time=duration(now() - self.started))
        else:
            at = _line({**record, "seconds_left": None}, self.name) if record else self.name
            line = t("ui.step_stopped" if ended == "stopped" else "ui.step_failed", at=at)
        self.bar.draw(status(record, line, "done" if ended == "already" else ended))
        self.pictures.draw(pictures(records))

    def _records(self):
        """The records of the history, once this run has written into it."""
        try:
            is_of_this_run = self.history.stat().st_mtime >= self.started - 1
        except OSError:
            return []
        return self.tail.read() if is_of_this_run else []

    def _line(self, records):
        record = newest(records)
        if record is None or record.get("time", 0) < self.started - 1:
            return f"{self.name} · {t('ui.starting')}{self._waited(self.started)}"
        since = now() - record.get("time", now())
        left = (record.get("seconds_left") or 0) - since
        if left >= 1:
            return _line({**record, "seconds_left": left}, self.name)
        overdue = record.get("seconds_left") and record["done"] < record["total"]
        record = {**record, "seconds_left": None}  # it takes longer than that: nobody knows
        waited = self._waited(self.started) if overdue or not record["done"] else ""
        return _line(record, self.name) + waited

    def _waited(self, since):
        """How long the step runs and may take in all, while nothing better is known."""
        parts, seconds = [], now() - since
        if seconds >= _SLOW:
            parts.append(t("ui.so_far", time=duration(seconds)))
        if self.expected and self.expected > seconds:
            parts.append(t("ui.in_all", time=duration(self.expected)))
        return "".join(f" · {part}" for part in parts)


class _Place:
    """An output that is drawn again in its place; empty until there is something to draw."""

    def __init__(self):
        self.id, self.shown = f"twinlib-{uuid4().hex}", NOTHING

    def draw(self, shown):
        if shown.html == self.shown.html:
            return
        show(shown, self.id, update=self.shown is not NOTHING)
        self.shown = shown


def progress(
    records: Sequence[dict], name: str, said: str = "", below: Shown | None = None
) -> Shown:
    """The progress bar, status line, curves and sample answers of a history.

    `below` are the `pictures` of these records, where they were drawn before: they take long.
    """
    record = newest(records)
    line = _line(record, name) if record else name or t("ui.starting")
    return status(record, line, said=said) + (pictures(records) if below is None else below)


def status(record: dict | None, line: str, ended: str = "", said: str = "") -> Shown:
    """The progress bar with a line below it; `ended` as for finish(), `said` in small print."""
    share = 1.0 if ended == "done" else 0.0
    if record and record["total"] and ended != "done":
        share = max(0.0, min(1.0, record["done"] / record["total"]))
    small = f'<div style="opacity:.7;font-size:90%">{esc(cut(said, _SAID))}</div>' if said else ""
    return Shown(
        '<div style="max-width:46em;background:rgba(128,128,128,.25);border-radius:4px">'
        f'<div style="width:{share:.1%};height:.7em;background:rgb({_COLOURS[ended]});'
        'border-radius:4px"></div></div>'
        f'<div style="margin:.3em 0">{esc(line)}</div>{small}',
        line,
    )


def pictures(records: Sequence[dict]) -> Shown:
    """The curves and sample answers of a history."""
    samples = [record["sample"] for record in records if "sample" in record]
    of_steps = [sample for sample in samples if isinstance(sample["step"], int)]
    of_files = [sample for sample in samples if sample not in of_steps]
    questions = [sample for sample in of_steps if "right" not in sample]
    curves = plotting.row(plots.curves_of(records))
    shown = Shown(practice(records).html + curves + _samples(questions), "")
    return shown + _of_files(of_files)


def _samples(samples):
    """The model's first and newest answers to the questions asked last, side by side."""
    asked = {}
    for sample in samples:
        first, _ = asked.get(sample["question"], (sample, None))
        asked[sample["question"]] = (first, sample)
    latest = sorted(asked, key=lambda question: asked[question][1]["step"])[-_QUESTIONS:]
    return "".join(
        _sample(question, *pair) for question, pair in asked.items() if question in latest
    )


def _sample(question, first, last):
    answers = "".join(map(_answer, [last] if first is last else [first, last]))
    return (
        f'<div style="max-width:60em;margin:.8em 0"><b>{esc(question)}</b>'
        f'<div style="display:flex;flex-wrap:wrap;gap:.5em 1.5em">{answers}</div></div>'
    )


def _answer(sample):
    when = t("ui.at_step", step=sample["step"])
    cut_off = "" if sample.get("ended", True) else t("ui.answer_cut_off")
    return (
        '<div style="flex:1 1 18em;min-width:0">'
        f'<div style="opacity:.7">{esc(when + cut_off)}</div>'
        f'<div style="white-space:pre-wrap;overflow-wrap:anywhere">{esc(sample["text"])}</div>'
        "</div>"
    )


def _of_files(samples):
    """Answers of several GGUF files to the same questions: a folded table."""
    if not samples:
        return NOTHING
    kinds, answers = list(dict.fromkeys(sample["step"] for sample in samples)), {}
    for sample in samples:
        answers.setdefault(sample["question"], {})[sample["step"]] = sample["text"]
    rows = [(q, *(texts.get(kind, "") for kind in kinds)) for q, texts in answers.items()]
    shown = folded(t("ui.answers_of_files"), table((t("ui.question"), *kinds), rows))
    return Shown(shown.html, "")
