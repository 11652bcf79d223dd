"""Child processes of a notebook: started apart from its kernel, and stopped, on every system.

A child has a process group of its own, so that the kernel's interrupt does not reach it unasked.
"""

import os
import signal
import subprocess
import sys

from ..i18n import language
from .runtime import ROOT

WINDOWS = sys.platform == "win32"


def start(arguments: list[str], more: dict[str, str] | None = None, **options) -> subprocess.Popen:
    """Start Python with `arguments` (after 'python'), its output as UTF-8 text through pipes.

    `more` adds to the environment; `options` go to subprocess.Popen.
    """
    if WINDOWS:
        apart = {"creationflags": subprocess.CREATE_NEW_PROCESS_GROUP}
    else:
        apart = {"start_new_session": True}
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **options}
    return subprocess.Popen(
        [sys.executable, *arguments],
        text=True,
        encoding="utf-8",
        errors="replace",
        env=environment(more or {}),
        **apart,
        **pipes,
    )


def interrupt(child: subprocess.Popen) -> None:
    """Ask a child to stop: Ctrl-C, or Ctrl-Break on Windows, which alone reaches another group."""
    if child.poll() is None:
        child.send_signal(signal.CTRL_BREAK_EVENT if WINDOWS else signal.SIGINT)


def environment(more: dict[str, str]) -> dict[str, str]:
    """A child's environment: this library's path, our language, progress for a notebook."""
    path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
    return {
        **os.environ,
        "PYTHONPATH": path,
        "PYTHONUNBUFFERED": "1",
        "PYTHONIOENCODING": "utf-8",
        "PYTHONUTF8": "1",
        "TWINLIB_LANG": language(),
        "TWINLIB_PROGRESS": "file",
        "TWINLIB_FOLLOWED": "1",
        **more,
    }
