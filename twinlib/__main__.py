"""The command line: every step of a twin without a browser. `python -m twinlib STEP --twin NAME --help` lists its settings."""

import argparse
import errno
import os
import sys
from dataclasses import asdict, fields

from . import __version__
from .files import TwinError, now, versions
from .i18n import t
from .progress import Progress, duration
from .settings import SETTINGS, description, make, parse, remembered, step_module, stops, texts
from .twin import STEPS, Report, Stopped, Twin

STOPPED = 130  # the exit status of a command that the owner interrupted
PACKAGES = (
    "torch",
    "transformers",
    "trl",
    "peft",
    "datasets",
    "gguf",
    "xllamacpp",
    "unsloth",
    "scikit-learn",
)
TOGETHER = ("persona",)  # steps that several processes can share
# Settings that the tour takes, with the step that declares them.
TOUR = {
    "source": "corpus",
    "base": "persona",
    "effort": "persona",
    "author": "corpus",
    "introduction": "corpus",
}
MAIN_FIGURE = {
    "corpus": "rows",
    "persona": "val_loss",
    "reasoning": "accuracy_after",
    "quantize": None,
    "evaluate": "sounds_like_me",
    "publish": "files",
}


def main(arguments=None):
    """Run one command; returns the exit status. Errors are one sentence on stderr."""
    os.environ.setdefault("PYTHONUNBUFFERED", "1")
    # Steps of different sizes leave gaps in a GPU's memory; with this they can be filled.
    os.environ.setdefault("PYTORCH_CUDA_ALLOC_CONF", "expandable_segments:True")
    try:
        options = _parser().parse_args(
            arguments
        )  # a wrong flag ends here, with argparse's sentence
        return options.call(options) or 0
    except Stopped as stopped:
        print(f"\n{stopped}", file=sys.stderr)
        return STOPPED
    except KeyboardInterrupt:
        print(t("core.stopped"), file=sys.stderr)
        return STOPPED
    except (TwinError, ValueError) as error:
        if isinstance(error, ValueError) and os.environ.get("TWINLIB_DEBUG"):
            raise
        print(_sentence(error), file=sys.stderr)
        return 1
    except Exception as error:  # whatever a library raises, the owner reads one sentence
        if os.environ.get("TWINLIB_DEBUG"):
            raise
        print(_sentence(error, getattr(options, "twin", ".")), file=sys.stderr)
        return 1


def _sentence(error, twin="."):
    """What an error means to the owner: one sentence with the next action."""
    if isinstance(error, TwinError):
        return str(error)
    full = isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT)
    if full or "No space left" in str(error) or _nearly_full(twin):
        place = getattr(error, "filename", None) or twin
        return t("core.disk_full_free_some_space", place=place)
    if isinstance(error, PermissionError):
        return t("core.cant_opened_account_may_read", filename=error.filename)
    if isinstance(error, MemoryError) or "out of memory" in str(error).lower():
        return t("core.memory_ran_out_choose_smaller")
    if isinstance(error, ValueError):
        return str(error)
    return t("core.set_twinlib_debug_1_see", name=type(error).__name__, error=error)


def _nearly_full(twin):
    """Whether the twin's disk is full: libraries hide that behind errors of their own."""
    from .models.plan import free_disk

    try:
        return free_disk(Twin.locate(twin)) < 1e6
    except (TwinError, OSError):
        return False


def _parser():
    parser = argparse.ArgumentParser(
        prog="python -m twinlib", description=t("core.another_me_writing_model_talks")
    )
    parser.add_argument("--version", action="version", version=__version__)
    commands = parser.add_subparsers(dest="command", required=True, metavar="STEP")
    for step, kind in SETTINGS.items():
        command = _command(commands, step.replace("_", "-"), description(step), run_step)
        for field in fields(kind):
            command.add_argument(
                f"--{field.name.replace('_', '-')}",
                dest=f"set_{field.name}",
                metavar="…",
                type=_typed(field),
                help=_help(step, field),
            )
    _command(commands, "status", t("core.what_done_stale_missing"), status)
    commands.choices["blind-test"].add_argument(
        "--codes", metavar="…", help=t("core.file_codes_friends_sent_back")
    )
    interview = _command(
        commands, "interview", t("core.questions_people_little_text_every"), run_interview
    )
    interview.add_argument(
        "--blind-test", action="store_true", help=t("core.new_questions_blind_test_instead")
    )
    tour = _command(commands, "tour", t("core.run_notebooks_01_06_without"), run_tour)
    for name, step in TOUR.items():
        field = SETTINGS[step].__dataclass_fields__[name]
        tour.add_argument(f"--{name}", metavar="…", help=_help(step, field, t("core.as_last_time")))
    return parser


def _command(commands, name, text, call):
    command = commands.add_parser(name, help=text, description=text)
    command.add_argument(
        "--twin",
        required=name not in ("tour",),
        default="demo",
        help=t("core.name_kept_under_twins_path"),
    )
    command.set_defaults(call=call)
    return command


def _typed(field):
    def typed(text):
        try:
            return parse(field, text)
        except ValueError as error:
            raise argparse.ArgumentTypeError(str(error)) from None

    return typed


def _help(step, field, default=None):
    """'label: help [choices] (default)'; switches as they are typed, yes or no."""
    default = default or _as_typed(field.default)
    offered = field.metadata["choices"] or ((True, False) if field.type is bool else ())
    choices = f" [{', '.join(map(_as_typed, offered))}]" if offered else ""
    text = t("core.label_and_help", **texts(step, field.name)) + choices
    return (text + (f" ({default})" if default else "")).replace("%", "%%")


def _as_typed(value):
    return {True: "yes", False: "no"}[value] if isinstance(value, bool) else str(value)


def run_step(options):
    """Run one step unless it is done already with these settings and inputs.

    Under `accelerate launch` several processes run it together; the first one speaks and writes for all.
    """
    step, helper = options.command.replace("-", "_"), os.environ.get("RANK", "0") != "0"
    if helper:
        os.environ["TWINLIB_PROGRESS"] = "file"
        sys.stdout = open(os.devnull, "w")
        if step not in TOGETHER:
            return 0
    module = step_module(step)
    twin = Twin.open(options.twin, create=step == "corpus")
    settings = _settings(step, options, twin)
    if getattr(options, "codes", None):
        return _codes(twin, options.codes)
    if step not in STEPS:
        return _without_report(step, module, twin, settings)
    _refuse(module.problems(settings, twin), not helper)
    twin.start(step, asdict(settings), write=not helper)
    again = getattr(module, "unfinished", lambda *_: False)
    if twin.state(step).name == "done" and not again(settings, twin):
        print(t("core.done_already_nothing_changed_since", step=step))
        return 0
    started = now()
    history = None if helper else twin.history(step)
    outcome = module.run(
        twin, settings, Progress(history, step, fresh=not _interrupted(twin, step))
    )
    if not helper:
        finish(twin, step, outcome, started, asdict(settings))
    return 0


def _interrupted(twin, step):
    """Whether an unfinished run of the step left checkpoints, whose history goes on."""
    return any(twin.checkpoints(step).glob("checkpoint-*"))


def finish(twin, step, outcome, started, asked):
    """Write a step's report and say its warnings."""
    from .models.plan import machine

    twin.finish(
        Report(
            step,
            asdict(outcome.settings),
            started,
            now(),
            machine(),
            versions(*PACKAGES),
            outcome.inputs,
            outcome.figures,
            outcome.warnings,
        ),
        asked,
    )
    for text in outcome.warnings:
        print("! " + text)
    used = now() - started
    print(t("core.done", step=step, time=duration(used)))


def _settings(step, options, twin):
    """Typed flags over what was last wanted for this step over the defaults."""
    typed = {k[4:]: v for k, v in vars(options).items() if k.startswith("set_") and v is not None}
    return make(step, **{**remembered(step, twin), **typed})


def _refuse(problems, say=True):
    for problem in problems if say else ():
        print(
            ("✗ " if problem.level == "stop" else "! ") + problem.text, file=sys.stderr, flush=True
        )
    if stops(problems):
        raise TwinError(t("core.started_mend_what_marked_first"))


def _without_report(step, module, twin, settings):
    _refuse(module.problems(settings, twin))
    module.run(twin, settings, Progress(None, step))
    return 0


def _codes(twin, source):
    """Keep the codes of the blind test that a file holds, and print what all codes say."""
    from .ui import blind_test_results

    text = sys.stdin.read() if source == "-" else blind_test_results.file_text(source)
    print(blind_test_results.results(twin, text))
    return 0


def status(options):
    """Print a table: step, state, when, main figure."""
    import time

    from .ui.display import text_table

    twin = Twin.open(options.twin, create=False)
    words = {
        "done": t("core.done_2"),
        "stale": t("core.stale"),
        "missing": t("core.missing"),
        "broken": t("core.broken"),
    }
    rows = []
    for step in STEPS:
        state = twin.state(step)
        when = (
            time.strftime("%Y-%m-%d %H:%M", time.localtime(state.report.finished))
            if state.report
            else ""
        )
        rows.append((step, words[state.name], when, state.why or _main_figure(state.report, step)))
    print(
        text_table((t("core.step"), t("core.state"), t("core.when"), t("core.main_figure")), rows)
    )
    return 0


def _main_figure(report, step):
    if report is None:
        return ""
    from .i18n import choose
    from .text import labels

    name = MAIN_FIGURE[step] or next((n for n in report.figures if n.startswith("size_mb_")), None)
    found = report.figures.get(name)
    if not found or found["value"] is None:
        return ""
    interval = f" ({found['low']:.3g} … {found['high']:.3g})" if found["low"] is not None else ""
    return f"{choose(labels.figure(name, step))}: {found['value']:.4g}{interval}"


def run_interview(options):
    """Ask the interview's questions in the terminal, or those of the blind test."""
    from .ui import interview_terminal

    interview_terminal.ask(Twin.open(options.twin), options.blind_test)
    return 0


def run_tour(options):
    """Run the notebooks headless; continues where an earlier run was stopped."""
    from .ui.tour import tour

    tour(options.twin, **{name: getattr(options, name) for name in TOUR})
    return 0


if __name__ == "__main__":
    sys.exit(main())
