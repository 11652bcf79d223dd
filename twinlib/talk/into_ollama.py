"""Make the twin a model of Ollama on this machine, from its GGUF file and its Modelfile."""

import os
import re
import shutil
import subprocess
from pathlib import Path

from ..files import TwinError
from ..i18n import t
from ..twin import AUTO, Twin
from .voices import gguf_file

# Where Ollama's installers put it when it is not on the path.
_PLACES = (
    "/Applications/Ollama.app/Contents/Resources/ollama",
    "~/AppData/Local/Programs/Ollama/ollama.exe",
    "/usr/local/bin/ollama",
)


def make(twin: Twin, kind: str = AUTO, name: str = "") -> str:
    """Make the model and return the sentence that says how to talk to it.

    `kind` is a quantization type, by default the best that fits into memory; `name` the model's
    name, by default the twin's. Raises TwinError where Ollama isn't installed or doesn't run.
    """
    file, name = gguf_file(twin, kind), (name or twin.plain_name).lower()
    tool = _ollama()
    if tool is None:
        raise TwinError(t("talk.no_ollama", file=file, name=name))
    answer = subprocess.run(
        [tool, "list"], capture_output=True, text=True, encoding="utf-8", errors="replace"
    )
    if answer.returncode:
        raise TwinError(t("talk.ollama_sleeps", why=_last_line(answer.stderr)))
    modelfile = _modelfile(twin, file)
    try:
        # Its own progress goes to the terminal; an error is its last line.
        made = subprocess.run(
            [tool, "create", name, "-f", str(modelfile)],
            stderr=None if os.isatty(2) else subprocess.PIPE,
            text=True,
            encoding="utf-8",
            errors="replace",
        )
    finally:
        modelfile.unlink(missing_ok=True)
    if made.returncode:
        raise TwinError(t("talk.ollama_refused", why=_last_line(made.stderr)))
    return t("talk.in_ollama", name=name)


def _ollama():
    """The path of Ollama's program, or None."""
    known = (str(Path(place).expanduser()) for place in _PLACES)
    return shutil.which("ollama") or next(filter(os.path.isfile, known), None)


def _modelfile(twin, file):
    """A Modelfile for this GGUF file, beside it, since paths in it are relative."""
    try:
        text = twin.file("modelfile").read_text(encoding="utf-8")
    except OSError:
        raise TwinError(t("talk.no_modelfile", path=twin.file("modelfile"))) from None
    path = file.with_name(f".Modelfile-{file.stem}")
    text = re.sub(r"\AFROM .*", lambda _: f"FROM ./{file.name}", text)
    path.write_text(text, encoding="utf-8", newline="\n")
    return path


def _last_line(text):
    lines = (text or "").strip().splitlines()
    return lines[-1] if lines else "?"
