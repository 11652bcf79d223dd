"""A running step's history drawn in a notebook: progress bar, curves and sample answers."""

import time
from collections.abc import Sequence
from pathlib import Path

from ..files import parsed_lines
from ..i18n import t
from ..progress import line_of, newest
from . import plots, plotting
from .display import Shown, esc, show

DRAW_EVERY = 2.0  # seconds
_QUESTIONS = 3  # questions whose sample answers are shown below the curves


class HistoryTail:
    """The records of a growing history file, each read once."""

    def __init__(self, path: Path):
        self.path, self.records = path, []
        self._position, self._first_line = 0, b""

    def read(self) -> list[dict]:
        """All records so far; damaged lines are left out, an incomplete last line is read later."""
        try:
            with open(self.path, "rb") as file:
                first = self._first_line
                if not first or file.read(len(first)) != first:  # another run began it anew
                    self.records, self._position = [], 0
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


class ProgressView:
    """One output with the newest progress record, the curves so far and the newest samples."""

    def __init__(self, history: Path | None, name: str):
        self.history, self.name, self.tail = history, name, HistoryTail(history)
        self.started, self.drawn, self.seen, self.id = time.time(), 0.0, 0, None

    def draw(self, at_once: bool = False) -> None:
        """Redraw if there are new records, at most every DRAW_EVERY seconds unless `at_once`."""
        now = time.monotonic()
        if not self._is_of_this_run() or (now - self.drawn < DRAW_EVERY and not at_once):
            return
        records = self.tail.read()
        drawable = any("done" in record or "sample" in record for record in records)
        if len(records) == self.seen or not drawable:
            return
        self.drawn, self.seen = now, len(records)
        update, self.id = self.id is not None, self.id or f"twinlib-{self.name}-{self.started}"
        show(progress(records, self.name), self.id, update)

    def _is_of_this_run(self):
        try:
            return self.history is not None and self.history.stat().st_mtime >= self.started - 1
        except OSError:
            return False


def progress(records: Sequence[dict], name: str) -> Shown:
    """The progress bar, status line, curves and sample answers of a history."""
    record = newest(records)
    line = line_of(record, name) if record else name
    curves = plotting.row(plots.curves_of(records))
    return Shown(_bar(record, line) + curves + _samples(records), line)


def _bar(record, line):
    share = 0.0
    if record and record["total"]:
        share = max(0.0, min(1.0, record["done"] / record["total"]))
    return (
        '<div style="max-width:46em;background:rgba(128,128,128,.25);border-radius:4px">'
        f'<div style="width:{share:.1%};height:.7em;background:rgb(40,160,80);border-radius:4px">'
        f'</div></div><div style="margin:.3em 0">{esc(line)}</div>'
    )


def _samples(records):
    """The model's first and newest answers to the questions asked last, side by side."""
    asked = {}
    for sample in (record["sample"] for record in records if "sample" in record):
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
    cut = "" if sample.get("ended", True) else t("ui.answer_cut_off")
    return (
        '<div style="flex:1 1 18em;min-width:0">'
        f'<div style="opacity:.7">{esc(when + cut)}</div>'
        f'<div style="white-space:pre-wrap;overflow-wrap:anywhere">{esc(sample["text"])}</div>'
        "</div>"
    )
