"""What a reader types or opens to run a step, where the sentence that says so is read.

In a terminal that is a command of this program as it was started, in a notebook another notebook.
"""

import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

_NOTEBOOKS = {
    "corpus": "01",
    "interview": "01",
    "persona": "02",
    "reasoning": "03",
    "quantize": "04",
    "evaluate": "05",
    "publish": "06",
    "memory": "07",
}


def program() -> str:
    """What to type to run this program from where it was run: 'twinlib' if that is on the path."""
    started = Path(sys.argv[0])
    if started.stem == "twinlib":
        return "twinlib" if shutil.which("twinlib") else quoted(str(started))
    active = os.environ.get("VIRTUAL_ENV") == sys.prefix
    return f"{'python' if active else quoted(_from_here(sys.executable))} -m twinlib"


def _from_here(path):
    """A path from the working folder; the full one where that is on another drive or gone."""
    try:
        return os.path.relpath(path)
    except (ValueError, OSError):
        return path


def quoted(text: str) -> str:
    """A text as one word of a command in this system's terminal."""
    return subprocess.list2cmdline([text]) if sys.platform == "win32" else shlex.quote(text)


def notebook_of(step: str) -> str:
    """The number of the notebook that runs a step, where sentences are read in one; else ''."""
    return _NOTEBOOKS.get(step, "") if in_notebook() else ""


def in_notebook() -> bool:
    """Whether this is a notebook's kernel or a child process of one."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython else None
    followed = os.environ.get("TWINLIB_FOLLOWED")
    return bool(followed) or getattr(shell, "kernel", None) is not None
