"""Check and run a step from a notebook, as a child process with the same command as in a terminal.

A step goes on when the notebook is closed or its kernel restarted: the cell then attaches to it.
Its figures are read from history.jsonl, its sentences from its log. Interrupting the cell asks the
step to save and stop, and waits while it does.
"""

import os
import subprocess
import tempfile
import time
from collections.abc import Sequence
from contextlib import contextmanager
from dataclasses import asdict, fields
from functools import partial
from pathlib import Path
from uuid import uuid4

from .. import catalogue, running
from .. import settings as declared
from ..commands import quoted
from ..files import TwinError, now
from ..i18n import choose, listed, step_title, t
from ..models import hub
from ..text import labels
from ..twin import AUTO, Report, Twin
from . import children, forms, secrets
from .display import NOTHING, caption, folded, noted_table, preformatted, sentence, show
from .progress_view import ProgressView
from .watching import Tail, watch

_OPEN = 2  # warnings of a run that stand open; the others are folded


class StepFailed(TwinError):
    """The child process failed; the sentence is the child's own or says how it was ended."""


def check(twin: Twin, step: str, settings: declared.Settings) -> None:
    """Show a step's problems and, unless they stop it, memory and time, and its plan folded."""
    module = declared.step_module(step)
    with _token_at_hand(twin, settings):
        problems = module.problems(settings, twin)
    shown = sum((sentence(problem.text, problem.level) for problem in problems), NOTHING)
    if not declared.stops(problems):
        planned = forms.planner(step, twin)(settings)
        if planned and planned.seconds:
            ready = t("ui.no_problems_and_plan", estimate=forms.estimate(planned))
            shown += sentence(ready, "good") + _plan(step, settings, planned)
        else:
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
    return folded(t("ui.derived_and_why"), noted_table(header, [*rows, *planned.notes]))


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
    """Run a step, or follow it where it runs already; show its progress and return its report.

    Where it can't start, but ran with these settings before, it says why and returns that report.
    Raises StepFailed when it ends without a report, or when another step of the twin is running.
    """
    if (report := _last_report(twin, step, settings)) and _cannot_start(twin, step, settings):
        when = time.strftime("%Y-%m-%d %H:%M", time.localtime(report.finished))
        show(sentence(t("ui.shows_the_last_run", when=when), "warning"), _id())
        return report
    while not _attach_or_start(twin, step, settings):
        pass
    twin.reread()  # as changed by the child
    report = twin.report(step)
    warnings = report.warnings if step != "evaluate" else []  # whose score card says them
    for text in warnings[:_OPEN]:
        show(sentence(text, "warning"), _id())
    more = sum((sentence(text, "warning") for text in warnings[_OPEN:]), NOTHING)
    if more.html:
        show(folded(t("ui.good_to_know"), more), _id())
    return report


def _last_report(twin, step, settings):
    """The report of a run with these settings; None without one, and in a tour, which ends there.

    Nor while a step runs, which may be making it anew.
    """
    if running.SERIES in os.environ or running.current(twin) or twin.state(step).name == "broken":
        return None
    asked = declared.as_asked(settings, twin.facts.get("ran", {}).get(step, {}))
    kept = [field.name for field in fields(settings) if not field.metadata["once"]]
    same = all(asked[name] == getattr(settings, name) for name in kept)
    return twin.report(step) if same else None


def _cannot_start(twin, step, settings):
    """Whether something keeps the step from starting; each such reason is shown."""
    with _token_at_hand(twin, settings):
        stopping = declared.stops(declared.step_module(step).problems(settings, twin))
    for problem in stopping:
        show(sentence(problem.text, "stop"), _id())
    return bool(stopping)


def probe(twin: Twin, settings: declared.Settings) -> None:
    """Look before practice with these settings whether there is anything to gain, and show it."""
    from . import plots

    planned = forms.planner("reasoning", twin)(settings)
    if not declared.resolve(settings, planned.values).probe:
        show(caption(t("practice.no_probe")))
        return
    follow(command(twin, "probe", settings), name=t("practice.probe_name"))
    show(plots.probe(twin))


def _attach_or_start(twin, step, settings):
    """Whether the step is done; False when it ended without a word in another process."""
    run = running.current(twin)
    if run is None:
        return _start(twin, step, settings)
    if run.step != step:
        names = {"step": step_title(step), "running": step_title(run.step)}
        where = {"state": running.state(twin, run), "where": running.place(run)}
        raise StepFailed(t("ui.another_step_runs", **names, **where))
    return _attach(twin, run, settings)


def _start(twin, step, settings):
    """Run a step in a child process, which goes on when this notebook is closed or restarted."""
    line = f"$ {' '.join(map(quoted, command(twin, step, settings)))}"
    show(folded(t("ui.in_a_terminal"), preformatted(line)), _id())
    view = _view(twin, step, now(), forms.planner(step, twin)(settings))
    child, tail = child_of(twin, step, settings), Tail(twin.log(step))
    watch(lambda: child.poll() is None, lambda: children.interrupt(child), view, tail)
    code = child.returncode
    if code == running.BUSY:  # another process was quicker: it is attached to
        return False
    report = twin.report(step) if code == 0 else None
    already = report is not None and report.finished < view.started
    done = "already" if already else "done"
    _finish(view, tail, {0: done, 130: "stopped"}.get(code, "failed"), report)
    if code:
        raise StepFailed(failure(code, twin.errors(step)))
    return True


def child_of(
    twin: Twin, step: str, settings: declared.Settings, then: Sequence[str] = ()
) -> subprocess.Popen:
    """Start a step in a child process that outlives this one; its output goes into Twin.log.

    `then` are the steps that are to be started after it.
    """
    arguments, token = command(twin, step, settings), token_for(twin, step, settings)
    more = {**token, "TWINLIB_FOLLOWED": "loosely", running.THEN: " ".join(then)}
    twin.folder(step)
    with open(twin.log(step), "wb") as output, open(twin.errors(step), "wb") as errors:
        streams = {"stdout": output, "stderr": errors}
        return children.start(arguments[1:], more, **streams)


def _attach(twin, run, settings):
    """Follow a step that another process runs."""
    where = {"state": running.state(twin, run), "where": running.place(run)}
    left = run.is_left()
    show(sentence(t("ui.attached", **where)), _id())
    asked = declared.as_asked(settings, run.settings)
    other = [name for name, value in asdict(settings).items() if asked[name] != value]
    if other:
        names = listed(declared.texts(run.step, name)["label"] for name in other)
        show(sentence(t("ui.attached_to_other_settings", labels=names), "warning"), _id())
    view = _view(twin, run.step, run.started)
    tail = Tail(twin.log(run.step) if run.logged else None)
    goes_on = partial(_goes_on, twin, run)
    watch(goes_on, lambda: running.ask_to_stop(twin, run), view, tail, every=1.0)
    there = running.last(twin)
    if left and run.is_same(there) and there.stopped and not there.asked:
        # Restarting a kernel interrupts it first: the step saved what it had, and now goes on.
        show(sentence(t("ui.goes_on_after_restart")), _id())
        return False
    if not run.is_same(there) or there.ended is None:
        _finish(view, tail, "failed")
        show(sentence(t("ui.went_silent"), "warning"), _id())
        return False
    report = None if there.sentence else twin.report(run.step)
    _finish(view, tail, "done" if report else "stopped", report)
    if there.sentence:
        raise StepFailed(there.sentence)
    return True


def _goes_on(twin, run):
    return run.is_same(running.current(twin))


def _view(twin, step, started, planned=None):
    title = choose(labels.step(step))
    return ProgressView(twin.history(step), title, started, planned.seconds if planned else None)


def _finish(view, tail, ended, report=None):
    """Draw the end of a step, and its log without the warnings, which `step` shows."""
    view.finish(ended)
    warnings = report.warnings if report and report.step != "evaluate" else []
    lines = [line for line in tail.lines if not _warns(line, warnings)]
    if lines:
        text = "\n".join(lines)
        show(folded(t("ui.log_lines", count=len(lines)), preformatted(text)), _id())


def _warns(line, warnings):
    """Whether a line of a log is one of these warnings, or what the verdict left of one."""
    return line.startswith("! ") and any(text.endswith(line[2:]) for text in warnings)


def _id():
    """An id of an output; the tour prints what has one."""
    return f"twinlib-{uuid4().hex}"


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


@contextmanager
def _token_at_hand(twin, settings):
    """Within the block the hub's client finds the token that a run would get, where one is needed.

    Kaggle keeps it where the client does not look, and a gated base would seem closed.
    """
    needed = is_gated(getattr(settings, "base", AUTO), twin) and not hub.mirror()
    secret = secrets.find() if needed and secrets.NAME not in os.environ else None
    if secret:
        os.environ[secrets.NAME] = secret.token
    try:
        yield
    finally:
        if secret:
            os.environ.pop(secrets.NAME, None)


def is_gated(base: str, twin: Twin) -> bool:
    """Whether a base may need a token: its licence may have to be accepted on the hub first.

    That is any but an open one, also where it is not known.
    """
    if base == AUTO:
        base = twin.facts.get("base", {}).get("name", "")
    # No base yet: the recommended ones have an open licence.
    is_here = not base or Path(base).is_dir()
    return not is_here and catalogue.entry(base).license not in catalogue.OPEN_LICENSES


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
    with tempfile.TemporaryDirectory() as folder:
        out, err = Path(folder) / "out", Path(folder) / "err"
        with open(out, "wb") as output, open(err, "wb") as errors:
            child = children.start(arguments[1:], environment, stdout=output, stderr=errors)
        view = ProgressView(history, name)
        interrupt = partial(children.interrupt, child)
        watch(lambda: child.poll() is None, interrupt, view, Tail(out), partial(print, flush=True))
        view.finish({0: "done", 130: "stopped"}.get(child.returncode, "failed"))
        if child.returncode:
            raise StepFailed(failure(child.returncode, err))


def failure(code: int, errors: Path) -> str:
    """The sentence for an exit status: the last lines of `errors`, or how the child was ended."""
    text = errors.read_text(encoding="utf-8", errors="replace")
    lines = [line for line in text.split("\n")[-40:] if line.strip()]
    if code in (-9, 137):
        return t("ui.step_was_killed")
    if not lines:
        return t("ui.step_ended_silently", code=code)
    if any(line.startswith("Traceback") for line in lines):
        return "\n".join([*lines, t("ui.library_bug")])
    stops = [line for line in lines if line.startswith("✗")]
    return "\n".join([*stops, lines[-1]])
