"""One run at a time for a twin: who runs which of its steps, since when, and how to stop it.

A run writes running.json into the twin's folder and renews its heartbeat there, so that it is seen
from every process and, where the folder is in Google Drive, from other machines. A run on this
machine is alive while its process is, one on another machine while its heartbeat is fresh; so a
killed run blocks nothing. The file stays after the end and says how the run ended.
"""

import math
import os
import platform
import signal
import sys
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from .files import (
    TwinError,
    json_or,
    known_fields,
    locked,
    now,
    parsed_lines,
    write_atomic,
    write_json,
)
from .i18n import Texts, both, listed, step_title, t
from .progress import line_of, newest, note_of, time_left
from .twin import STEPS, Stopped, Twin

BUSY = 75  # the exit status of a command that another run of the twin keeps from starting
STALE = 180.0  # seconds without a heartbeat after which a run on another machine counts as dead
SERIES = "TWINLIB_SERIES"  # the id of the process that runs several steps in turn, as a tour does
THEN = "TWINLIB_THEN"  # names the steps that notebook 00's page will start after this one
_BEAT = 15.0  # seconds between two heartbeats
_LOOK = 1.0  # seconds between two looks for a request to stop
_SAME = 5.0  # seconds by which the system may tell a process's start differently


@dataclass(frozen=True)
class Run:
    """A run of a step. Times are seconds since 1970, UTC; `settings` as chosen, with 'auto'.

    `began` is when the process started, which tells it from a later one with the same `pid`.
    `parent` is the process that started it, such as a notebook's kernel. `logged` says whether the
    output is in the twin's log. `ended` is None until the end; `sentence` then says why the step is
    not done ('' if it is), `stopped` whether it was interrupted, and `asked` how often by
    ask_to_stop. `series` is the process that goes on with the next step after this one, 0 if none.
    `then` names the steps that notebook 00's page, which started it, has still to start. `system`
    tells machines and containers with the same `host` apart; older versions did not note it.
    """

    step: str
    pid: int
    host: str
    began: float
    started: float
    beat: float
    settings: dict
    parent: int = 0
    logged: bool = False
    ended: float | None = None
    sentence: str = ""
    stopped: bool = False
    asked: int = 0
    series: int = 0
    then: str = ""
    system: str = ""

    def is_same(self, other: "Run | None") -> bool:
        """Whether the other record is of this run."""
        return other is not None and self._name() == other._name()

    def _name(self):
        return self.step, self.pid, self.host, self.system, self.started

    def is_here(self) -> bool:
        """Whether it runs on this machine, where its process can be looked up."""
        return self.host == platform.node() and self.system in ("", this_system())

    def is_left(self) -> bool:
        """Whether the process that started it on this machine is gone."""
        import psutil

        try:
            return self.is_here() and psutil.Process(self.pid).ppid() != self.parent
        except psutil.Error:
            return True

    def is_alive(self) -> bool:
        """Whether it still runs."""
        if self.ended is not None:
            return False
        fresh = abs(now() - self.beat) < STALE
        return self._process_lives(fresh) if self.is_here() else fresh

    def _process_lives(self, fresh):
        import psutil

        try:
            process = psutil.Process(self.pid)
            same = abs(process.create_time() - self.began) < _SAME
            # After a change of the clock the system tells another start of the same process.
            return process.status() != psutil.STATUS_ZOMBIE and (same or fresh)
        except psutil.NoSuchProcess:
            return False
        except psutil.AccessDenied:
            return True


def this_system() -> str:
    """What tells this machine, or container, from others that are called the same.

    On Linux the start of the system and the namespace of the processes, elsewhere the number of a
    network card; '' where there is neither.
    """
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        return f"{boot} {os.readlink('/proc/self/ns/pid')}"
    except OSError:
        card = uuid.getnode()
        invented = card >> 40 & 1  # drawn anew by each process, where there is no card
        return "" if invented else f"{card:012x}"


class Busy(TwinError):
    """Another run of the same twin is going on."""


def last(twin: Twin) -> Run | None:
    """The run that goes on or the one before; None when there was none."""
    try:
        run = Run(**known_fields(Run, json_or(twin.file("running"), {})))
        times = (run.began, run.started, run.beat, run.ended or 0.0)
        sound = run.step in STEPS and isinstance(run.settings, dict)
        sound = sound and run.pid > 0 and run.series >= 0 and set(run.then.split()) <= set(STEPS)
        return run if sound and all(map(math.isfinite, times)) else None
    except (ValueError, AttributeError, TypeError):
        return None  # there was none, or it was damaged by hand


def current(twin: Twin) -> Run | None:
    """The run that goes on, or None."""
    run = last(twin)
    return run if run and run.is_alive() else None


def goes_on_by_itself(twin: Twin) -> bool:
    """Whether the last run was one of a series on this machine that will start the next step."""
    import psutil

    run = last(twin)
    try:
        # The same number may be another process by now; that one began after the run.
        return bool(
            run
            and run.series
            and run.is_here()
            and psutil.Process(run.series).create_time() < run.began + _SAME
        )
    except psutil.Error:
        return False


def broken_off(twin: Twin) -> Run | None:
    """The last run, if it ended without a word: killed, or its machine went away."""
    run = last(twin)
    return run if run and run.ended is None and not run.is_alive() else None


def refuse_second(twin: Twin, step: str) -> None:
    """Raise Busy if a step of the twin is running."""
    run = current(twin)
    if run:
        raise Busy(busy(twin, run, step))


@contextmanager
def claim(
    twin: Twin, step: str, settings: dict, sentence: Callable[[BaseException], str] = str
) -> Iterator[None]:
    """A context in which this process alone runs a step of the twin; raises Busy.

    `sentence` makes of an error what running.json then says. Requests to stop arrive as SIGINT.
    """
    import psutil

    began, logged = psutil.Process().create_time(), os.environ.get("TWINLIB_PROGRESS") == "file"
    with locked(twin.file("lock")):
        refuse_second(twin, step)
        twin.file("stop").unlink(missing_ok=True)
        who = step, os.getpid(), platform.node(), began
        series = int(os.environ.get(SERIES) or 0)
        then = os.environ.get(THEN, "")
        more = {"series": series, "then": then, "system": this_system()}
        run = Run(*who, now(), now(), settings, os.getppid(), logged, **more)
        write_json(twin.file("running"), asdict(run))
    heart = _Heart(twin, run)
    heart.start()
    how = {}
    try:
        yield
    except BaseException as error:
        stopped = isinstance(error, (Stopped, KeyboardInterrupt))
        how = {"sentence": sentence(error), "stopped": stopped}
        raise
    finally:
        heart.stop()
        how["asked"] = max(heart.passed_on, _requests(twin, run))  # the last may have come too late
        with suppress(OSError):  # on a full disk the end of the process is the end of the run
            if twin.file("facts").exists():  # else the disk is away
                write_json(twin.file("running"), asdict(replace(run, ended=now(), **how)))
                twin.file("stop").unlink(missing_ok=True)


class _Heart(threading.Thread):
    """Renews the heartbeat, looks for requests to stop, and ends a run that was taken over."""

    def __init__(self, twin, run):
        super().__init__(daemon=True)
        self.twin, self.run_, self.passed_on = twin, run, 0
        self.ended = threading.Event()

    def run(self):
        beat = time.monotonic()
        while not self.ended.wait(_LOOK):
            with suppress(OSError):  # a full disk, or Drive away for a moment: next time
                self._pass_on_requests()
                if time.monotonic() - beat >= _BEAT:
                    beat = time.monotonic()
                    self._beat()

    def _pass_on_requests(self):
        asked = _requests(self.twin, self.run_)
        if asked > self.passed_on:
            self.passed_on += 1
            _interrupt()

    def _beat(self):
        there = last(self.twin)
        if there and there.is_alive() and not self.run_.is_same(there):
            # This machine slept, or the folder was not in step: the other one goes on, and two
            # must not write.
            print(t("core.taken_over", host=there.host), file=sys.stderr, flush=True)
            os._exit(1)
        if self.twin.file("facts").exists():  # else the disk is away: nothing is put in its place
            write_json(self.twin.file("running"), asdict(replace(self.run_, beat=now())))

    def stop(self):
        self.ended.set()
        self.join()


def _interrupt():
    """Interrupt the main thread as Ctrl-C does."""
    if hasattr(signal, "pthread_kill"):
        signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)
    else:
        signal.raise_signal(signal.SIGINT)


def ask_to_stop(twin: Twin, run: Run) -> None:
    """Ask a run, on any machine, to save and stop; asked twice, it stops at once."""
    write_atomic(twin.file("stop"), f"{run.pid} {run.started} {_requests(twin, run) + 1}")


def _requests(twin, run):
    """How often this run was asked to stop."""
    try:
        pid, started, count = twin.file("stop").read_text(encoding="utf-8").split()
        return int(count) if (pid, started) == (str(run.pid), str(run.started)) else 0
    except (OSError, ValueError):
        return 0


# For people


def busy(twin: Twin, run: Run, step: str) -> str:
    """The sentence that refuses to start `step` while `run` goes on."""
    values = {"running": step_title(run.step), "where": place(run), "state": state(twin, run)}
    if run.step == step:
        return t("core.runs_already", twin=twin.path, **values)
    return t("core.another_step_runs", twin=twin.path, step=step_title(step), **values)


def state(twin: Twin, run: Run) -> Texts:
    """{language: 'running, step 8 of 24'}, from the run's newest progress record."""
    record = position(twin, run)
    if not record or not record["total"]:
        return both("core.running")
    key = "core.running_at" if record.get("note") else "core.running_at_step"
    return both(key, done=record["done"], total=record["total"], note=note_of(record))


def place(run: Run) -> Texts:
    """{language: since when and on which machine it runs}."""
    since = time.strftime("%H:%M", time.localtime(run.started))
    if now() - run.started > 86400 / 2:
        since = time.strftime("%Y-%m-%d %H:%M", time.localtime(run.started))
    key = "core.since_here" if run.is_here() else "core.since_elsewhere"
    return both(key, since=since, host=run.host, pid=run.pid)


def under_way(twin: Twin, run: Run) -> Texts:
    """{language: which step was under way and how far it had come} of a run that broke off."""
    values = {"title": step_title(run.step), **(position(twin, run) or {})}
    return both("core.broke_off_at" if values.get("total") else "core.broke_off", **values)


def details(twin: Twin, run: Run) -> Texts:
    """{language: since when and where, and the time left}."""
    record, parts = position(twin, run) or {}, [place(run)]
    if record.get("seconds_left") and record["done"] < record["total"]:
        parts.append(time_left(record))
    return listed(parts, "core.clause_separator")


def follow(twin: Twin, run: Run) -> None:
    """Print a run's progress until it ends, and how it ended; Ctrl-C only ends the printing."""
    said = ""
    try:
        while run.is_same(current(twin)):
            record = position(twin, run)
            line = line_of(record, run.step) if record else t("core.running")
            if line != said:
                print(line, file=sys.stderr, flush=True)
            said = line
            time.sleep(_LOOK)
    except KeyboardInterrupt:
        print(t("core.goes_on"), file=sys.stderr)
        return
    there = last(twin)
    ended = run.is_same(there) and there.ended is not None
    print(there.sentence or t("core.step_ended") if ended else t("core.ended_silently"))


def position(twin: Twin, run: Run) -> dict | None:
    """The newest progress record of a run; None before the first."""
    try:
        text = twin.history(run.step).read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    records = [record for _, record in parsed_lines(text) if record is not None]
    return newest(record for record in records if record.get("time", 0) >= run.started - 1)
