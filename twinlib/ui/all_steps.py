"""Run several steps one after the other in a thread, with the time left over all of them.

Each step is the same child process as in a terminal, so the kernel stays free: a button can stop
it, and what is shown goes on being drawn. A step of the twin that runs already, started before the
kernel was restarted or by somebody else, is waited for and not started twice; so is the rest of a
tour in a terminal, whose next step would be refused while one of these runs. Where such a step is
stopped or fails, this run ends as well.
"""

import threading
import time
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import asdict, fields

from .. import running
from .. import settings as declared
from ..commands import quoted
from ..files import TwinError
from ..i18n import step_title, t
from ..progress import newest
from ..twin import Twin
from . import children, forms, run, stopped
from .progress_view import HistoryTail
from .tour import BUDGETS
from .watching import Tail

_POLL = 0.5  # seconds
_STOPPED = 130  # the exit status of a step that was stopped and has saved


class AllSteps:
    """The steps' run. `state` is idle, running, done, watched, stopped or failed; `sentence` says
    why.

    `watches` says that it only shows what somebody else runs. `changed()` is called in the thread
    whenever there is something new to show.
    """

    def __init__(self, twin: Twin, steps: Iterable[str], changed: Callable[[], None]):
        self.twin, self.steps, self.changed = twin, list(steps), changed
        self.state, self.sentence, self.step = "idle", "", self.steps[0]
        self.share, self.left = 0.0, 0.0  # of all steps; seconds
        self.pace = 1.0  # times as long as planned that this run's steps took: a busy machine
        self.seconds: dict[str, float] = {}  # that each step is expected to take
        self.expected: dict[str, int] = {}  # rows and tokens to train on, before they are there
        self.done: dict[str, dict] = {}  # {step that is done: the settings that it ran with}
        self.lines = deque(maxlen=400)  # what the steps printed
        self.records: list[dict] = []  # the running step's history
        self.thread: threading.Thread | None = None
        self.watches = False
        self._child, self._began, self._wants_stop = None, 0.0, False
        self._asked: running.Run | None = None  # to stop, the last one

    def start(self) -> None:
        """Run what is not done yet; nothing happens while it runs already."""
        self._begin(watches=False)

    def watch(self) -> None:
        """Show what somebody else runs until it ends, and start nothing after it."""
        self._begin(watches=True)

    def _begin(self, watches):
        if self.state == "running":
            return
        self.watches = watches
        self.state, self.sentence, self.share = "running", "", 0.0
        self._began, self._wants_stop, self.pace = time.time(), False, 1.0
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def stop(self) -> None:
        """Ask the running step to save and stop."""
        self._wants_stop = True
        self.sentence = t("ui.stopping")
        there = running.current(self.twin)
        if there:
            running.ask_to_stop(self.twin, there)
            self._asked = there
        elif self._child is not None:
            children.interrupt(self._child)
        self.changed()

    def _run(self):
        try:
            self.state, self.sentence = self._only_watch() if self.watches else self._start_all()
            self.share = 1.0
        except _Ended as ended:
            self.state, self.sentence = ended.args
        except Exception as error:  # whatever it is, the page must not say that it still runs
            self.state, self.sentence = "failed", f"{type(error).__name__}: {error}"
        self._child = None
        self.twin.reread()
        self.changed()

    def _start_all(self):
        """Start one step after the other; returns (state, sentence)."""
        took = planned = 0.0
        for step in self.steps:
            self.look()
            self.plan()
            self._wait_for_others(step)
            began = time.time()
            self._one(step)
            if self.seconds[step]:  # else it was done before
                took, planned = took + time.time() - began, planned + self.seconds[step]
                self.pace = max(1.0, took / planned)
        return "done", ""

    def _only_watch(self):
        """Follow what runs to its end; returns (state, sentence)."""
        self._follow_others()
        self.twin.reread()
        self.look()
        if set(self.steps) <= set(self.done):
            return "done", ""
        return "watched", t("ui.watched_to_its_end", title=step_title(self.step))

    def _wait_for_others(self, step):
        self._follow_others()
        self.step, self.records = step, []

    def _follow_others(self):
        """Follow what others run until nothing runs; raises _Ended where that was stopped."""
        watched = tail = None
        while (there := running.current(self.twin)) or running.goes_on_by_itself(self.twin):
            if there is None:  # between two steps of a tour
                time.sleep(_POLL)
                continue
            watched = there
            if self._wants_stop and not there.is_same(self._asked):
                running.ask_to_stop(self.twin, there)
                self._asked = there
            if tail is None or there.step != self.step:
                self.step, tail = there.step, HistoryTail(self.twin.history(there.step))
            self._watch(there.step, there.started, tail)
            time.sleep(_POLL)
        self._end_if_stopped()
        if watched and (self.watches or watched.step in self.steps):
            self._end_as(watched)

    def _end_as(self, watched):
        """Raise _Ended if a run of somebody else was stopped or failed."""
        there = running.last(self.twin)
        if not watched.is_same(there):
            return
        if there.ended is None and self.watches:
            raise _Ended("failed", t("ui.watched_went_silent"))
        if there.stopped or there.asked:
            raise _Ended("stopped", t("ui.page_stopped"))
        if there.sentence:
            raise _Ended("failed", there.sentence)

    def _one(self, step):
        self.twin.reread()
        try:
            settings = declared.make(step, **declared.remembered(step, self.twin))
            began = time.time()
            self._child = child = run.child_of(self.twin, step, settings, self._after(step))
        except (TwinError, ValueError) as error:
            raise _Ended("failed", declared.in_words(error)) from None
        self.lines.append("$ " + " ".join(map(quoted, run.command(self.twin, step, settings))))
        history, log = HistoryTail(self.twin.history(step)), Tail(self.twin.log(step))
        while child.poll() is None:
            self.lines.extend(log.read())
            self._watch(step, began, history)
            time.sleep(_POLL)
        self.lines.extend(log.read())
        self._end_if_stopped()
        if child.returncode == running.BUSY:  # another process was quicker
            self._wait_for_others(step)
            self._one(step)
            return
        if child.returncode == _STOPPED:
            raise _Ended("stopped", t("ui.page_stopped"))
        if child.returncode:
            raise _Ended("failed", run.failure(child.returncode, self.twin.errors(step)))
        ran = running.last(self.twin)
        if ran and ran.pid == child.pid and ran.asked:  # to stop, when it was done already
            raise _Ended("stopped", t("ui.page_stopped"))

    def _end_if_stopped(self):
        if self._wants_stop:
            raise _Ended("stopped", t("ui.page_stopped"))

    def _watch(self, step, began, tail):
        """Read the step's newest records, and estimate the time left over all steps."""
        self.records = [record for record in tail.read() if record.get("time", 0) >= began - 1]
        record, elapsed = newest(self.records) or {}, time.time() - began
        planned = self.pace * self.seconds.get(step, 0.0)
        here = max(record.get("seconds_left") or 0.0, planned - elapsed, 1.0)
        later = [] if self.watches else self._after(step)
        self.left = here + self.pace * sum(self.seconds[name] for name in later)
        passed = time.time() - self._began
        self.share = passed / (passed + self.left)  # goes back where a step takes longer
        self.changed()

    def _after(self, step):
        """The steps that come after one."""
        return self.steps[self.steps.index(step) + 1 :] if step in self.steps else []

    def look(self) -> None:
        """See which steps are done, one after the other: what follows a changed one is not."""
        ran, self.done = self.twin.facts.get("ran", {}), {}
        for step in self.steps:
            if self.twin.state(step).name != "done":
                return
            self.done[step] = ran.get(step, {})

    def plan(self, **chosen) -> float:
        """Fill in the seconds that each step is expected to take, and return their sum.

        `chosen` are settings, such as effort, that take the place of those remembered. Steps that
        `look` found done with the same settings take none; of one that was stopped what is left
        counts at the pace that it had.
        """
        done = True
        for step in self.steps:
            known = {field.name for field in fields(declared.SETTINGS[step])}
            others = {name: value for name, value in chosen.items() if name in known}
            try:
                remembered = declared.remembered(step, self.twin)
                settings = declared.make(step, **{**remembered, **others})
                ran = declared.as_asked(settings, self.done.get(step, {}))
                done = done and step in self.done and ran == asdict(settings)
                planned = forms.planner(step, self.twin, self.expected)(settings)
                measured = None if done else stopped.seconds_left(self.twin, step, settings)
            except (TwinError, ValueError):  # such as no corpus to plan with, yet
                done, planned, measured = False, None, None
            seconds = measured or (planned and planned.seconds) or float(BUDGETS[step])
            self.seconds[step] = 0.0 if done else seconds
        return sum(self.seconds.values())


class _Ended(Exception):
    """(state, sentence) of a run that ended before its last step was done."""
