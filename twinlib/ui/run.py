"""Check and run a step from a notebook: the run is the same command as in a terminal, as a child process.

The child's numbers come through history.jsonl, its sentences through its output. Interrupting the cell sends the
child one SIGINT and waits while it saves.
"""

import json
import os
import queue
import shlex
import signal
import subprocess
import sys
import threading
import time
from collections import deque
from dataclasses import fields
from pathlib import Path

from .. import catalogue
from .. import settings as declared
from ..files import TwinError
from ..i18n import language, t
from ..models import hub
from ..progress import line_of, newest
from ..twin import AUTO, Twin
from . import forms, plots, secrets
from .display import NOTHING, Shown, esc, sentence, show, table

ROOT = Path(__file__).resolve().parents[2]
POLL = 0.25  # seconds between looks at the child
DRAW = 2.0  # seconds between redrawn pictures
QUESTIONS = 3  # questions whose sample answers stand below the curves
EMBEDDED = "gemma-3-270m"  # comes by pip, without the hub


class StepFailed(TwinError):
    """The child ended without success; its sentence is shown without a traceback, and Run all stops here."""

    def _render_traceback_(self):
        return [str(self)]


def check(twin, step, settings):
    """Show what stands in the way of a step, and what the plan derives: values, reasons, memory, time."""
    module = declared.step_module(step)
    found = module.problems(settings, twin)
    shown = sum((sentence(p.text, p.level) for p in found), NOTHING)
    if not declared.stops(found):
        if hasattr(module, "plan"):
            shown += _plan(step, settings, module.plan(settings, twin))
        shown += sentence(t("ui.nothing_stands_way"), "good")
    show(shown)


def _plan(step, settings, planned):
    rows = []
    for field in fields(settings):
        value = getattr(settings, field.name)
        derived = value == AUTO
        why = (
            planned.reasons.get(field.name, "")
            if derived
            else ""
            if value == field.default
            else t("ui.set")
        )
        shown = planned.values.get(field.name, AUTO) if derived else value
        rows.append((declared.label(step, field.name), forms.said(shown), why))
    header = (t("ui.setting"), t("ui.value"), t("ui.why_2"))
    return sentence(forms.cost(planned)) + table(header, [*rows, *planned.notes])


def command(twin, step, settings):
    """The command line that runs a step with these settings: a flag for every value that is not the default."""
    words = ["python", "-m", "twinlib", step, "--twin", str(twin.path)]
    remembered = twin.facts.get("settings", {}).get(step, {})
    for field in fields(settings):
        value = getattr(settings, field.name)
        if value != field.default or remembered.get(field.name, value) != value:
            words += [f"--{field.name.replace('_', '-')}", _flag(value)]
    return words


def _flag(value):
    return ("yes" if value else "no") if isinstance(value, bool) else str(value)


def step(twin, step, settings):
    """Run a step and follow it; its Report. Raises StepFailed with the child's sentence when it did not succeed."""
    words = command(twin, step, settings)
    secret = _secrets(twin, step, settings)
    show(Shown(f"<code>{esc(shlex.join(words))}</code>", f"$ {shlex.join(words)}"))
    follow(words, twin.history(step), step, secret)
    twin.facts = Twin(twin.path).facts  # the child wrote them
    return twin.report(step)


def ask(twin, question):
    """One answer of the finished GGUF file, from the command that talks in a terminal."""
    follow(["python", "-m", "twinlib", "talk", "--twin", str(twin.path), "--question", question])


def tour(twin, **chosen):
    """All notebooks from 01 to 06 in one go, as a child process; None leaves a choice as it is in the notebook."""
    words = ["python", "-m", "twinlib", "tour", "--twin", str(twin.path)]
    words += [
        word
        for name, value in chosen.items()
        if value is not None
        for word in (f"--{name}", _flag(value))
    ]
    follow(words)


def _secrets(twin, step, settings):
    """The hub's token for a child that uploads or fetches a gated base: by its environment, never its command line.

    A download mirror is never handed one.
    """
    if step == "publish" and settings.upload:
        secret = secrets.ask()
        if not secret:
            raise StepFailed(secret.hint)
    elif _gated(getattr(settings, "base", AUTO), twin) and not hub.mirror():
        secret = secrets.find()
    else:
        return {}
    return {secrets.NAME: secret.token} if secret else {}


def _gated(base, twin):
    """Whether the hub asks who is downloading: for models whose licence one accepts there, and for unknown ones."""
    base = base if base != AUTO else twin.facts.get("base", {}).get("name", EMBEDDED)
    return (
        base != EMBEDDED
        and not Path(base).is_dir()
        and catalogue.entry(base).license != "apache-2.0"
    )


def follow(words, history=None, name="", environment=None):
    """Run `python …` words as a child and show its progress in place; raises StepFailed unless it succeeded."""
    child = subprocess.Popen(
        [sys.executable, *words[1:]],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        encoding="utf-8",
        errors="replace",
        start_new_session=True,
        env=_environment(environment or {}),
    )
    said, complaints = queue.Queue(), deque(maxlen=40)
    readers = [
        threading.Thread(target=_read, args=(child.stdout, said.put), daemon=True),
        threading.Thread(target=_read, args=(child.stderr, complaints.append), daemon=True),
    ]
    for reader in readers:
        reader.start()
    screen = _Screen(history, name)
    while True:
        try:
            _watch(child, screen, said)
            break
        except KeyboardInterrupt:
            child.send_signal(signal.SIGINT)
            print(t("ui.stopping_step_saves_first_interrupt"), flush=True)
    for reader in readers:
        reader.join(timeout=5)
    screen.draw(at_once=True)
    _print(said)
    if child.returncode:
        raise StepFailed(_why(child.returncode, list(complaints)))


def _watch(child, screen, said):
    while child.poll() is None:
        screen.draw(at_once=not said.empty())
        _print(said)
        time.sleep(POLL)


def _environment(more):
    """The child finds this library wherever it runs, speaks our language, and knows that it is followed."""
    path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
    return {
        **os.environ,
        "PYTHONPATH": path,
        "PYTHONUNBUFFERED": "1",
        "PYTHONIOENCODING": "utf-8",
        "TWINLIB_LANG": language(),
        "TWINLIB_PROGRESS": "file",
        "TWINLIB_FOLLOWED": "1",
        **more,
    }


def _read(stream, take):
    for line in stream:
        take(line.rstrip("\n"))


def _print(said):
    while not said.empty():
        print(said.get(), flush=True)


def _why(code, complaints):
    """The sentence for an exit status: what the child said last, or how it was ended."""
    lines = [line for line in complaints if line.strip()]
    if code in (-9, 137):
        return t("ui.step_ended_outside_most_often")
    if any(line.startswith("Traceback") for line in lines):
        return "\n".join(lines) + "\n" + t("ui.mistake_library_yours_please_report")
    stops = [line for line in lines if line.startswith("✗")]
    silent = t("ui.step_ended_status_said_nothing", code=code)
    return "\n".join([*stops, lines[-1]]) if lines else silent


class _Tail:
    """The records of a history that grows: what was read once is not read again."""

    def __init__(self, path):
        self.path, self.records, self.at, self.began = path, [], 0, b""

    def read(self):
        """All records so far. A line that is not whole yet waits for the next look; a damaged one is left out."""
        try:
            with open(self.path, "rb") as file:
                if not self.began or file.read(len(self.began)) != self.began:  # begun anew
                    self.records, self.at = [], 0
                file.seek(self.at)
                lines = file.read().split(b"\n")[:-1]
        except OSError:
            return self.records
        if lines and not self.at:
            self.began = lines[0]
        self.at += sum(len(line) + 1 for line in lines)
        self.records += filter(None, map(_record, lines))
        return self.records


def _record(line):
    try:
        found = json.loads(line.decode("utf-8", "replace"))
    except ValueError:
        return None
    return found if isinstance(found, dict) else None


class _Screen:
    """One place in the output that shows the newest progress record, the curves so far and the newest samples."""

    def __init__(self, history, name):
        self.history, self.name, self.tail = history, name, _Tail(history)
        self.started, self.drawn, self.seen, self.id = time.time(), 0.0, 0, None

    def draw(self, at_once=False):
        """Redraw when there is something new and it is time."""
        now = time.monotonic()
        if self.history is None or (now - self.drawn < DRAW and not at_once) or not self._fresh():
            return
        records = self.tail.read()
        if len(records) == self.seen or not any(
            "done" in record or "sample" in record for record in records
        ):
            return
        self.drawn, self.seen = now, len(records)
        update, self.id = self.id is not None, self.id or f"twinlib-{self.name}-{self.started}"
        show(_progress(records, self.name), self.id, update)

    def _fresh(self):
        """True when the history is of this run and not of an earlier one."""
        try:
            return self.history.stat().st_mtime >= self.started - 1
        except OSError:
            return False


def _progress(records, name):
    """Bar, line, curves and samples of a history."""
    now = newest(records)
    line = line_of(now, name) if now else name
    return Shown(_bar(now, line) + plots.row(plots.curves_of(records)) + _samples(records), line)


def _bar(now, line):
    share = max(0.0, min(1.0, now["done"] / now["total"])) if now and now["total"] else 0.0
    return (
        f'<div style="max-width:46em;background:rgba(128,128,128,.25);border-radius:4px">'
        f'<div style="width:{share:.1%};height:.7em;background:rgb(40,160,80);border-radius:4px"></div></div>'
        f'<div style="margin:.3em 0">{esc(line)}</div>'
    )


def _samples(records):
    """What the model answers by now to the questions it was asked last, beside what it answered first."""
    asked = {}
    for sample in (record["sample"] for record in records if "sample" in record):
        first, _ = asked.get(sample["question"], (sample, None))
        asked[sample["question"]] = (first, sample)
    latest = sorted(asked, key=lambda question: asked[question][1]["step"])[-QUESTIONS:]
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
    when = t("ui.step", step=sample["step"])
    cut = "" if sample.get("ended", True) else t("ui.ran_out_room")
    return (
        f'<div style="flex:1 1 18em;min-width:0"><div style="opacity:.7">{esc(when + cut)}</div>'
        f'<div style="white-space:pre-wrap;overflow-wrap:anywhere">{esc(sample["text"])}</div></div>'
    )
