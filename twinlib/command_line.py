"""The command line: every step of a twin without a browser.

`twinlib STEP --help` lists the settings of a step, also as `python -m twinlib STEP --help`.
"""

import argparse
import errno
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, fields
from pathlib import Path

from . import __version__, running
from .files import TwinError, now, pasted_path, versions
from .i18n import choose, t
from .progress import Progress, duration
from .settings import (
    SETTINGS,
    WrongSetting,
    chosen_by_owner,
    description,
    in_words,
    make,
    parse,
    remembered,
    step_module,
    stops,
    texts,
)
from .train import checkpoint_fallback
from .twin import AUTO, STEPS, Outcome, Report, Stopped, Twin
from .twin_folder import FILES
from .ui import portable, stopped, terminal
from .ui.command_parser import CommandParser
from .ui.display import text_table

_STOPPED = 130  # the exit status after an interrupt
# Packages whose versions a report records.
_PACKAGES = "torch transformers trl peft datasets gguf xllamacpp unsloth scikit-learn".split()
# Steps that several processes run together under `accelerate launch`.
_PARALLEL = ("persona",)
# Settings that are flags of the tour, and the step that declares each.
TOUR = {
    "source": "corpus",
    "base": "persona",
    "effort": "persona",
    "author": "corpus",
    "introduction": "corpus",
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return the exit status. Errors are one sentence on stderr."""
    os.environ.setdefault("PYTHONUNBUFFERED", "1")
    # Reduces fragmentation of GPU memory when batches differ in size.
    os.environ.setdefault("PYTORCH_CUDA_ALLOC_CONF", "expandable_segments:True")
    os.environ.setdefault("TWINLIB_TWINS", str(terminal.twins_folder()))
    for stream in (sys.stdout, sys.stderr):  # a console may lack characters of what is said
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")
    parser = _parser()
    options, rest = parser.parse_known_args(arguments)
    if rest:
        parser.exit(2, _unknown(rest, sys.argv[1:] if arguments is None else arguments) + "\n")
    try:
        checkpoint_fallback.forget_deleted()
        options.call(options)
        sys.stdout.flush()
        return 0
    except BrokenPipeError:  # `twinlib status | head` has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except (Stopped, KeyboardInterrupt) as stopped:
        print("\n" + _sentence(stopped, options.twin), file=sys.stderr)
        return _STOPPED
    except Exception as error:  # an error of any library becomes one sentence
        if os.environ.get("TWINLIB_DEBUG") and not isinstance(error, TwinError):
            raise
        print(_sentence(error, options.twin), file=sys.stderr)
        return running.BUSY if isinstance(error, running.Busy) else 1


def _sentence(error, twin):
    """An error as one sentence for the owner, with the next action where one is known."""
    if isinstance(error, (TwinError, Stopped)):
        return str(error)
    if isinstance(error, KeyboardInterrupt):
        return t("core.stopped")
    if isinstance(error, OSError) and _is_gone(error, twin):
        return t("core.disk_gone", path=getattr(error, "filename", None) or twin)
    full = isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT)
    if full or "No space left" in str(error) or _nearly_full(twin):
        return t("core.disk_full", path=getattr(error, "filename", None) or twin)
    if isinstance(error, PermissionError) or getattr(error, "errno", 0) == errno.EROFS:
        return t("core.no_permission", path=error.filename)
    if isinstance(error, MemoryError) or "out of memory" in str(error).lower():
        return t("core.out_of_memory")
    return in_words(error)


def _is_gone(error, twin):
    """Whether the twin's disk, such as Google Drive, was unmounted in the middle."""
    if error.errno in (errno.ENOTCONN, errno.ENODEV, errno.ESTALE, errno.EIO, errno.ENXIO):
        return True
    try:
        folder = Twin.locate(twin or terminal.last())
        return error.errno == errno.ENOENT and not os.path.isfile(folder / FILES["facts"])
    except TwinError:
        return False
    except OSError:
        return True


def _nearly_full(twin):
    """Whether the twin's disk has less than 1 MB left; libraries report that in various ways."""
    from .models.plan import free_disk

    try:
        return free_disk(Twin.locate(twin or terminal.last())) < 1e6
    except (TwinError, OSError):
        return False


# The parser


class _Version(argparse.Action):
    """Prints the version and, in a clone of the repository, the commit that it is at."""

    def __call__(self, parser, *_):
        print(", ".join(filter(None, (__version__, _commit()))))
        parser.exit()


def _unknown(rest, arguments):
    """What to type instead of arguments that no command knows."""
    place = next(n for n, argument in enumerate(arguments) if argument == rest[0])
    before = [argument for argument in arguments[:place] if argument.startswith("-")]
    if before and not any(argument.startswith("-") for argument in rest):
        option, _, value = before[-1].partition("=")
        given = [value] if value else arguments[arguments.index(before[-1]) + 1 : place]
        return t("core.quote_the_value", option=option, value=" ".join([*given, *rest]))
    return t("core.unknown_argument", arguments=" ".join(rest))


def _commit():
    """'commit 1a2b3c4d5' of the clone that this module lies in; '' elsewhere."""
    root = Path(__file__).resolve().parent.parent
    if not (root / ".git").exists():
        return ""
    command = ["git", "-C", str(root), "rev-parse", "--short=9", "HEAD"]
    try:
        found = subprocess.run(command, capture_output=True, encoding="ascii", timeout=10)
    except (OSError, subprocess.SubprocessError):
        return ""
    return f"commit {found.stdout.strip()}" if found.returncode == 0 else ""


def _parser():
    parser = CommandParser(
        prog=terminal.program(), description=t("core.about"), epilog=t("core.example")
    )
    parser.add_argument("--version", action=_Version, nargs=0, help=argparse.SUPPRESS)
    parser.set_defaults(call=lambda _: parser.print_help(), twin=None)
    commands = parser.add_subparsers(dest="command", metavar=t("core.step_to_type"))
    for step, kind in SETTINGS.items():
        command = _add_command(commands, step.replace("_", "-"), description(step), run_step)
        for field in fields(kind):
            command.add_argument(
                f"--{field.name.replace('_', '-')}",
                dest=f"set_{field.name}",
                metavar="…",
                type=_parser_of(step, field),
                **({"nargs": "?", "const": True} if field.type is bool else {}),
                help=_help(step, field),
            )
        if step == "blind_test":
            command.add_argument("--codes", metavar="…", help=t("core.codes_help"))
    command = _add_command(commands, "status", t("core.status_help"), status)
    command.add_argument("--follow", action="store_true", help=t("core.follow_help"))
    command.add_argument("--stop", action="store_true", help=t("core.stop_help"))
    ollama = _add_command(commands, "ollama", t("core.ollama_help"), run_ollama)
    ollama.add_argument(
        "--type", metavar="…", default=AUTO, help=_help("talk", _field("talk", "type"))
    )
    ollama.add_argument("--name", metavar="…", default="", help=t("core.ollama_name_help"))
    export = _add_command(commands, "export", t("core.export_help"), run_export)
    to_help = t("core.export_to_help")
    export.add_argument("--to", metavar="…", default="", type=pasted_path, help=to_help)
    export.add_argument("--gguf", action="store_true", help=t("core.export_gguf_help"))
    export.add_argument("--corpus", action="store_true", help=t("core.export_corpus_help"))
    new = _add_command(commands, "import", t("core.import_help"), run_import)
    file_help = t("core.import_file_help")
    file = t("core.file_to_type")
    new.add_argument("file", metavar=file, type=pasted_path, help=file_help)
    interview = _add_command(commands, "interview", t("core.interview_help"), run_interview)
    interview.add_argument("--blind-test", action="store_true", help=t("core.blind_test_help"))
    tour = _add_command(commands, "tour", t("core.tour_help"), run_tour)
    for name, step in TOUR.items():
        field = _field(step, name)
        help_text, parsed = _help(step, field, t("core.as_last_time")), _parser_of(step, field)
        tour.add_argument(f"--{name}", metavar="…", type=parsed, help=help_text)
    return parser


def _add_command(commands, name, text, call):
    command = commands.add_parser(name, help=text, description=text)
    help_of = {"tour": "core.twin_help_tour", "import": "core.twin_help_import"}
    command.add_argument(
        "--twin",
        metavar=t("core.twin_to_type"),
        default="demo" if name == "tour" else None,
        help=t(help_of.get(name, "core.twin_help")),
    )
    command.set_defaults(call=call)
    return command


def _field(step, name):
    return SETTINGS[step].__dataclass_fields__[name]


def _parser_of(step, field):
    """A function from text to the field's value, for argparse."""

    def parse_text(text):
        try:
            return parse(step, field, text)
        except WrongSetting as error:
            raise argparse.ArgumentTypeError(str(error)) from None

    return parse_text


def _help(step, field, default=""):
    """The help of a flag: 'label: help [choices] (default)'; booleans are typed as yes or no."""
    default = default or _typed(field.default)
    choices = field.metadata["choices"] or ((True, False) if field.type is bool else ())
    text = t("core.label_and_help", **texts(step, field.name))
    if choices:
        text += f" [{', '.join(map(_typed, choices))}]"
    if default:
        text += f" ({default})"
    return text.replace("%", "%%")


def _typed(value):
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value)


# The commands


def run_step(options: argparse.Namespace) -> None:
    """Run one step, unless it is done with these settings and inputs.

    Under `accelerate launch` several processes run it together; the first one prints and writes.
    """
    step, first = options.command.replace("-", "_"), os.environ.get("RANK", "0") == "0"
    if not first:
        os.environ["TWINLIB_PROGRESS"] = "file"
        sys.stdout = open(os.devnull, "w", encoding="utf-8")
        if step not in _PARALLEL:
            return
    if step == "corpus":
        with terminal.made_if_used(options.twin) as (twin, made):
            _run_step(step, twin, options, first, made)
    else:
        _run_step(step, terminal.opened(options.twin, create=False), options, first)


def _run_step(step, twin, options, first, made=False):
    """Run one step of a twin; `made` says whether the twin was made for it."""
    module = step_module(step)
    settings = _settings(step, options, twin)
    if getattr(options, "codes", None):
        _show_codes(twin, options.codes)
        return
    if step not in STEPS:  # talk and blind_test keep no report
        _check(module.problems(settings, twin), show=first)
        module.run(twin, settings, Progress(None, step))
        return
    if not first:
        _run(twin, step, settings, first)
        return
    with running.claim(twin, step, asdict(settings), lambda error: _sentence(error, options.twin)):
        try:
            _run(twin, step, settings, first, made)
        except Exception:
            if os.path.isfile(twin.file("facts")):
                raise
            raise TwinError(t("core.disk_gone", path=twin.path)) from None


def _run(twin, step, settings, first, made=False):
    """Run a step that keeps a report, unless it is done with these settings and inputs."""
    module = step_module(step)
    _check(module.problems(settings, twin), show=first)
    if made:
        print(t("ui.new_twin", name=twin.title, path=twin.path), flush=True)
    if first:
        chosen_by_owner(step, twin)
    twin.start(step, asdict(settings), write=first)
    unfinished = getattr(module, "unfinished", lambda *_: False)
    if twin.state(step).name == "done" and not unfinished(settings, twin):
        print(t("core.done_already", step=step))
        return
    started = now()
    resumes = any(twin.checkpoints(step).glob("checkpoint-*"))
    progress = Progress(twin.history(step) if first else None, step, fresh=not resumes)
    if step == "publish":
        from .ui import score_card

        score_card.save(twin)  # for the model card
    outcome = module.run(twin, settings, progress)
    if first:
        _finish(twin, step, outcome, started, asdict(settings))


def _settings(step, options, twin):
    """The settings: a typed flag, else the value chosen last time, else the default."""
    typed = {
        name.removeprefix("set_"): value
        for name, value in vars(options).items()
        if name.startswith("set_") and value is not None
    }
    return make(step, **{**remembered(step, twin), **typed})


def _check(problems, show):
    """Print the problems; raise TwinError if one of them keeps the step from starting.

    Then only what keeps it is said: warnings, such as of the time, are about a run that starts.
    """
    stopping = stops(problems)
    for problem in (stopping or problems) if show else ():
        sign = "✗" if problem.level == "stop" else "!"
        print(sign, problem.text, file=sys.stderr, flush=True)
    if stopping:
        raise TwinError(t("core.not_started"))


def _finish(twin: Twin, step: str, outcome: Outcome, started: float, requested: dict):
    """Write a step's report, print its warnings and what comes next.

    `requested` are the settings before the plan.
    """
    from .models.plan import machine
    from .ui import summary

    report = Report(
        step,
        asdict(outcome.settings),
        started,
        now(),
        machine(),
        versions(*_PACKAGES),
        outcome.inputs,
        outcome.figures,
        outcome.warnings,
    )
    twin.finish(report, requested)
    verdict = summary.shown(twin, step).text
    print(verdict)
    said = verdict.partition("\n")[0][2:]  # a warning may begin with it
    for text in filter(None, (text.removeprefix(said).strip() for text in outcome.warnings)):
        print("! " + text)
    print(t("core.step_done", step=step, time=duration(now() - started)))
    if text := terminal.summary(step, outcome.figures):
        print(text)


def _show_codes(twin, source):
    """Save the blind test's result codes from a file, '-' for stdin, and print all results."""
    from .ui import blind_test_results

    text = sys.stdin.read() if source == "-" else blind_test_results.file_text(source)
    print(blind_test_results.results(twin, text))


def status(options: argparse.Namespace) -> None:
    """Print a table of the steps: state, time, result; without --twin also the twins."""
    if not options.twin and len(terminal.all_twins()) > 1:
        print(terminal.twins_table() + "\n")
    twin = terminal.opened(options.twin, create=False)
    run = running.current(twin)
    if options.follow or options.stop:
        if run is None:
            print(t("core.nothing_runs"))
        else:
            _watch(twin, run, options.stop)
        return
    names = {
        "done": t("core.done"),
        "stale": t("core.stale"),
        "missing": t("core.missing"),
        "broken": t("core.broken"),
    }
    rows = []
    for step in STEPS:
        state, when, figure = twin.state(step), "", ""
        if state.report:
            when = time.strftime("%Y-%m-%d %H:%M", time.localtime(state.report.finished))
            figure = _result(twin, step)
        stale = _stale_above(twin, state) if state.name == "done" else ""
        shown = t("core.done_of_stale", step=stale) if stale else names[state.name]
        row = (step, shown, when, state.why or figure)
        if found := stopped.cells(twin, step):
            row = (step, found[0], when, found[1])
        if run and run.step == step:
            row = (step, choose(running.state(twin, run)), choose(running.details(twin, run)), "")
        rows.append(row)
    header = (t("core.step"), t("core.state"), t("core.when"), t("core.result"))
    print(t("core.status_of", twin=twin.title, path=twin.path))
    print(text_table(header, rows, longest=90))


def _stale_above(twin, state):
    """The nearest step above a finished one whose result is stale; '' if there is none."""
    for name in state.report.inputs:
        step = name.partition("/")[0]
        if step not in STEPS or step == state.report.step:
            continue
        above = twin.state(step)
        if above.name == "stale":
            return step
        if above.name == "done" and (stale := _stale_above(twin, above)):
            return stale
    return ""


def _watch(twin, run, stop):
    if stop:
        running.ask_to_stop(twin, run)
        print(t("core.asked_to_stop"), flush=True)
    running.follow(twin, run)


def _result(twin, step):
    """The first sentence of a step's summary, with the sign of its level."""
    from .ui import summary

    return summary.shown(twin, step).text.splitlines()[0]


def run_interview(options: argparse.Namespace) -> None:
    """Ask the interview's questions in the terminal, or those of the blind test."""
    from .ui import interview_terminal

    with terminal.made_if_used(options.twin) as (twin, made):
        interview_terminal.ask(twin, options.blind_test)
        if made and not twin.is_unused():
            print(t("ui.new_twin", name=twin.title, path=twin.path))


def run_ollama(options: argparse.Namespace) -> None:
    """Make the twin in Ollama, and print how to talk to it there."""
    from .talk import into_ollama

    twin = terminal.opened(options.twin, create=False)
    print(into_ollama.make(twin, options.type, options.name))


def run_export(options: argparse.Namespace) -> None:
    """Write a twin into one file."""
    twin = terminal.opened(options.twin, create=False)
    portable.export(twin, options.to, options.gguf, options.corpus, Progress(None, "export"))


def run_import(options: argparse.Namespace) -> None:
    """Make a twin of a file that `export` wrote."""
    twin = portable.restore(options.file, options.twin, Progress(None, "import"))
    terminal.opened(str(twin.path), create=False)
    following = portable.following(twin)
    if following == "corpus":
        settings = make("corpus", **remembered("corpus", twin))
        if step_module("corpus").source_problem(settings, twin):
            print(t("core.imported_without_writing", path=twin.path))
            return
    print(t("core.imported", path=twin.path, command=f"{terminal.program()} {following}"))


def run_tour(options: argparse.Namespace) -> None:
    """Run the notebooks headless; an interrupted tour is continued."""
    from .ui.tour import tour

    # The kernels run in another folder.
    os.environ["TWINLIB_TWINS"] = str(terminal.twins_folder().absolute())
    with terminal.made_if_used(options.twin):
        tour(options.twin, **{name: getattr(options, name) for name in TOUR})
