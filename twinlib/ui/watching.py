"""Watch a process from a cell: its new lines, its progress, and the interrupts meant for it."""

import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from ..i18n import t
from .progress_view import ProgressView

_POLL = 0.25  # seconds between two looks at a child process


class Tail:
    """The lines of a growing text file; none of None."""

    def __init__(self, path: Path | None):
        self.path, self.lines, self._position = path, [], 0

    def read(self) -> list[str]:
        """The lines that were finished since the last call."""
        try:
            with open(self.path, "rb") as file:
                file.seek(self._position)
                data = file.read()
        except (OSError, TypeError):
            return []
        complete = data[: data.rfind(b"\n") + 1]
        self._position += len(complete)
        new = complete.decode("utf-8", "replace").split("\n")[:-1]
        self.lines += new
        return new


def watch(
    goes_on: Callable[[], bool],
    interrupt: Callable[[], None],
    view: ProgressView | None,
    tail: Tail,
    say: Callable[[str], None] = lambda line: None,
    every: float = _POLL,
) -> None:
    """Show progress until goes_on() is false; each interrupt of the cell calls interrupt().

    Each new line of `tail` is said, and the view shows the newest.
    """
    with _counted_interrupts() as interrupts:
        passed_on, going_on = 0, True
        while going_on:
            going_on = goes_on()  # first, so that the last lines are read after the end
            for line in tail.read():
                say(line)
                if view and line.strip():
                    view.said = line.strip()
            if going_on:
                if view:
                    view.draw()
                if len(interrupts) > passed_on:
                    passed_on += 1
                    interrupt()
                    print(t("ui.stopping"), flush=True)
                time.sleep(every)


@contextmanager
def _counted_interrupts() -> Iterator[list]:
    """A list that grows with each interrupt of the cell, instead of an error at any place."""
    interrupts = []
    if threading.current_thread() is not threading.main_thread():
        yield interrupts
        return
    before = signal.signal(signal.SIGINT, lambda *_: interrupts.append(time.time()))
    try:
        yield interrupts
    finally:
        signal.signal(signal.SIGINT, before)
