"""Whether two answers in LaTeX mean the same: math-verify, in a child process.

math-verify limits its own time by signals. Only a main thread can set these, and a step of a
notebook runs in another one; nor do they stop a power tower, which a model may well write. So a
child judges whichever thread asks, and one that takes too long is ended.
"""

import json
import logging
import os
import queue
import signal
import subprocess
import sys
import threading
from importlib.util import find_spec
from pathlib import Path

_SECONDS = 5.0  # for a pair of answers
_SECONDS_TO_START = 120.0  # sympy is read first
_LONGEST = 200  # characters of an answer
_PACKAGE = Path(__file__).parents[2]


def is_installed() -> bool:
    """Whether math-verify is there."""
    return find_spec("math_verify") is not None


def is_equivalent(said: str, answer: str, seconds: float = _SECONDS) -> bool:
    """Whether what was said means the same as the answer; False where that takes too long.

    False, too, without math-verify and for very long texts.
    """
    if len(said) > _LONGEST or not is_installed():
        return False
    with _LOCK:
        try:
            return _judge(said, answer, seconds)
        except BaseException:  # also a stop by the owner: the child's reply would be read next time
            _end()
            raise


_LOCK = threading.Lock()
_child: "_Child | None" = None


class _Child:
    """A running child with the lines that it writes, which a thread reads."""

    def __init__(self):
        path = os.pathsep.join([str(_PACKAGE.parent), *filter(None, sys.path)])
        self.process = subprocess.Popen(
            [sys.executable, "-m", __name__],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            encoding="utf-8",
            env={**os.environ, "PYTHONPATH": path, "PYTHONUTF8": "1"},
        )
        self.lines: queue.Queue = queue.Queue()
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self):
        for line in self.process.stdout:
            self.lines.put(line)
        self.lines.put("")  # it has ended

    def line(self, seconds):
        """Its next line; '' where it takes longer or has ended."""
        try:
            return self.lines.get(timeout=seconds)
        except queue.Empty:
            return ""


def _judge(said, answer, seconds):
    global _child
    if _child is None or _child.process.poll() is not None:
        _child = _Child()
        if not _child.line(_SECONDS_TO_START):
            _end()
            return False
    try:
        _child.process.stdin.write(json.dumps([said, answer]) + "\n")
        _child.process.stdin.flush()
    except OSError:
        _end()
        return False
    line = _child.line(seconds)
    if not line:
        _end()
    return line.strip() == "true"


def _end():
    global _child
    if _child is not None:
        _child.process.kill()
        _child.process.wait()
        _child.process.stdin.close()
        _child = None


# In the child


def _serve():
    """Answer each line of the standard input, [said, answer] in JSON, with true or false."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # it ends when its parent does
    logging.disable()
    from math_verify import parse, verify

    def parsed(text):
        return parse(f"${text}$", parsing_timeout=None)

    print("ready", flush=True)
    for line in sys.stdin:
        said, answer = json.loads(line)
        try:
            found = verify(parsed(answer), parsed(said), timeout_seconds=None)
        except Exception:  # a parser of any text raises anything
            found = False
        print(json.dumps(bool(found)), flush=True)


if __name__ == "__main__":
    _serve()
