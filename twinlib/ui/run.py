"""Check and run a step from a notebook, as a child process with the same command as in a terminal.

The child's figures are read from history.jsonl, its sentences from its output. Interrupting the
cell sends the child one SIGINT and waits while it saves.
"""

import queue
import shlex
import threading
import time
from collections import deque
from dataclasses import fields
from pathlib import Path

from .. import catalogue
from .. import settings as declared
from ..files import TwinError
from ..i18n import t
from ..models import hub
from ..twin import AUTO, Report, Twin
from . import children, forms, secrets
from .display import NOTHING, Shown, esc, sentence, show, table
from .progress_view import ProgressView

_POLL = 0.25  # seconds between two checks of the child process


class StepFailed(TwinError):
    """The child process failed; the sentence is the child's own or says how it was ended."""


def check(twin: Twin, step: str, settings: declared.Settings) -> None:
    """Show a step's problems and, unless they stop it, its plan with memory and time."""
    module = declared.step_module(step)
    problems = module.problems(settings, twin)
    shown = sum((sentence(problem.text, problem.level) for problem in problems), NOTHING)
    if not declared.stops(problems):
        planned = forms.planner(step, twin)(settings)
        if planned and planned.seconds:
            shown += _plan(step, settings, planned)
        shown += sentence(t("ui.no_problems"), "good")
    show(shown)


def _plan(step, settings, planned):
    rows = []
    for field in fields(settings):
        value, reason = getattr(settings, field.name), ""
        if value == AUTO:
            value = planned.values.get(field.name, AUTO)
            reason = planned.reasons.get(field.name, "")
        elif value != field.default:
            reason = t("ui.set_by_owner")
        rows.append((declared.label(step, field.name), declared.value_text(field, value), reason))
    header = (t("ui.setting"), t("ui.value"), t("ui.reason"))
    return sentence(forms.estimate(planned)) + table(header, [*rows, *planned.notes])


def command(twin: Twin, step: str, settings: declared.Settings) -> list[str]:
    """The command that runs a step, with a flag for every setting that is not the default."""
    remembered = declared.remembered(step, twin)
    flags = {}
    for field in fields(settings):
        value = getattr(settings, field.name)
        if value != field.default or remembered.get(field.name, value) != value:
            flags[field.name] = value
    return _command(step, twin, **flags)


def _command(name, twin, **flags):
    arguments = ["python", "-m", "twinlib", name, "--twin", str(twin.path)]
    for flag, value in flags.items():
        if isinstance(value, bool):
            value = "yes" if value else "no"
        arguments += [f"--{flag.replace('_', '-')}", str(value)]
    return arguments


def step(twin: Twin, step: str, settings: declared.Settings) -> Report:
    """Run a step, show its progress, and return its report; raises StepFailed."""
    arguments, token = command(twin, step, settings), token_for(twin, step, settings)
    line = shlex.join(arguments)
    show(Shown(f"<code>{esc(line)}</code>", f"$ {line}"))
    follow(arguments, twin.history(step), step, token)
    twin.facts = Twin(twin.path).facts  # as changed by the child
    return twin.report(step)


def token_for(twin: Twin, step: str, settings: declared.Settings) -> dict[str, str]:
    """{HF_TOKEN: token} for the environment of a child that uploads or fetches a gated base, or {}.

    The token is never on a command line, and a download mirror never gets it. Raises StepFailed
    when an upload has no token.
    """
    if step == "publish" and settings.upload:
        secret = secrets.ask()
        if not secret:
            raise StepFailed(secret.hint)
    elif is_gated(getattr(settings, "base", AUTO), twin) and not hub.mirror():
        secret = secrets.find()
    else:
        return {}
    return {secrets.NAME: secret.token} if secret else {}


def is_gated(base: str, twin: Twin) -> bool:
    """Whether a base may need a token: its licence has to be accepted on the hub, or is unknown."""
    if base == AUTO:
        base = twin.facts.get("base", {}).get("name", "")
    # No base yet: the recommended ones have an open licence.
    is_here = not base or Path(base).is_dir()
    return not is_here and catalogue.entry(base).license != "apache-2.0"


def follow(
    arguments: list[str],
    history: Path | None = None,
    name: str = "",
    environment: dict[str, str] | None = None,
) -> None:
    """Run a command ['python', …] as a child process and show its progress in place.

    `history` is the history.jsonl of the step called `name`; `environment` adds variables. Raises
    StepFailed unless the child succeeds.
    """
    child = children.start(arguments[1:], environment)
    output, errors = queue.Queue(), deque(maxlen=40)
    readers = [
        threading.Thread(target=_read, args=(child.stdout, output.put), daemon=True),
        threading.Thread(target=_read, args=(child.stderr, errors.append), daemon=True),
    ]
    for reader in readers:
        reader.start()
    view = ProgressView(history, name)
    while True:
        try:
            _watch(child, view, output)
            break
        except KeyboardInterrupt:
            children.interrupt(child)
            print(t("ui.stopping"), flush=True)
    for reader in readers:
        reader.join(timeout=5)
    view.draw(at_once=True)
    _print(output)
    if child.returncode:
        raise StepFailed(failure(child.returncode, list(errors)))


def _watch(child, view, output):
    while child.poll() is None:
        view.draw(at_once=not output.empty())
        _print(output)
        time.sleep(_POLL)


def _read(stream, take):
    for line in stream:
        take(line.rstrip("\n"))


def _print(output):
    while not output.empty():
        print(output.get(), flush=True)


def failure(code, errors):
    """The sentence for an exit status: the child's last output, or how it was ended."""
    lines = [line for line in errors if line.strip()]
    if code in (-9, 137):
        return t("ui.step_was_killed")
    if not lines:
        return t("ui.step_ended_silently", code=code)
    if any(line.startswith("Traceback") for line in lines):
        return "\n".join([*lines, t("ui.library_bug")])
    stops = [line for line in lines if line.startswith("✗")]
    return "\n".join([*stops, lines[-1]])
