"""The command line: every step of a twin without a browser. `python -m twinlib STEP --twin NAME --help` lists its settings."""

import argparse
import errno
import os
import sys
from dataclasses import asdict, fields

from . import __version__
from .i18n import t
from .progress import Progress, clock
from .settings import DESCRIPTIONS, SETTINGS, make, parse, remembered, step_module, stops
from .twin import STEPS, Report, Stopped, Twin, TwinError, now, versions

STOPPED = 130  # the exit status of a command that the owner interrupted
PACKAGES = ("torch", "transformers", "trl", "peft", "datasets", "gguf", "xllamacpp", "unsloth", "scikit-learn")
TOGETHER = ("persona",)  # steps that several processes can share
TOUR = ("source", "base", "effort", "author", "introduction")  # left out: as last time
MAIN_FIGURE = {"corpus": "rows", "persona": "val_loss", "reasoning": "accuracy_after", "quantize": None,
               "evaluate": "sounds_like_me", "publish": "files"}


def main(arguments=None):
    """Run one command; returns the exit status. Errors are one sentence on stderr."""
    os.environ.setdefault("PYTHONUNBUFFERED", "1")
    # Steps of different sizes leave gaps in a GPU's memory; with this they can be filled.
    os.environ.setdefault("PYTORCH_CUDA_ALLOC_CONF", "expandable_segments:True")
    try:
        options = _parser().parse_args(arguments)  # a wrong flag ends here, with argparse's sentence
        return options.call(options) or 0
    except Stopped as stopped:
        print(f"\n{stopped}", file=sys.stderr)
        return STOPPED
    except KeyboardInterrupt:
        print(t("\nStopped.", "\n已停止。"), file=sys.stderr)
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
        return t(f"The disk is full ({place}). Free some space and run the same command again: nothing that was "
                 "finished is lost.", f"磁盘满了（{place}）。清理空间后再运行同一命令：已完成的都还在。")
    if isinstance(error, PermissionError):
        return t(f"{error.filename} can't be opened: this account may not read or write there. Change its permissions, "
                 "or choose another folder.", f"打不开 {error.filename}：当前账号没有读写权限。请修改权限，或换一个文件夹。")
    if isinstance(error, MemoryError) or "out of memory" in str(error).lower():
        return t("The memory ran out. Choose a smaller base, or set batch 1 and a shorter length.",
                 "内存不够。请选小一点的基础模型，或把 batch 设为 1、length 调短。")
    if isinstance(error, ValueError):
        return str(error)
    return t(f"{type(error).__name__}: {error}. Set TWINLIB_DEBUG=1 to see where, and report it.",
             f"{type(error).__name__}：{error}。设置 TWINLIB_DEBUG=1 可看到出错位置，欢迎报告。")


def _nearly_full(twin):
    """Whether the twin's disk is full: libraries hide that behind errors of their own."""
    from .models.plan import free_disk

    try:
        return free_disk(Twin.locate(twin)) < 1e6
    except (TwinError, OSError):
        return False


def _parser():
    parser = argparse.ArgumentParser(prog="python -m twinlib", description=t(
        "Another Me: from your writing to a model that talks like you.", "世另我：从您的文字到一个像您一样说话的模型。"))
    parser.add_argument("--version", action="version", version=__version__)
    commands = parser.add_subparsers(dest="command", required=True, metavar="STEP")
    for step, kind in SETTINGS.items():
        command = _command(commands, step.replace("_", "-"), t(*DESCRIPTIONS[step]), run_step)
        for field in fields(kind):
            command.add_argument(f"--{field.name.replace('_', '-')}", dest=f"set_{field.name}", metavar="…",
                                 type=_typed(field), help=_help(field))
    _command(commands, "status", t("What is done, stale or missing.", "哪些做完了、过期了、还没做。"), status)
    commands.choices["blind-test"].add_argument("--codes", metavar="…", help=t(
        "a file with the codes that friends sent back, - for the input: shows what they say",
        "存有朋友发回的结果码的文件，- 为标准输入：显示结果"))
    interview = _command(commands, "interview", t("Questions for people with little text; every answer is saved.",
                                                  "文字不多的人可以做访谈；每答一题就保存。"), run_interview)
    interview.add_argument("--blind-test", action="store_true", help=t(
        "new questions for the blind test instead; the answers are never learnt", "改答盲测用的新题；这些回答不会用来训练"))
    tour = _command(commands, "tour", t("Run notebooks 01 to 06 without a browser.", "不用浏览器，跑完 01 到 06。"), run_tour)
    known = {field.name: field for kind in (SETTINGS["persona"], SETTINGS["corpus"]) for field in fields(kind)}
    for name in TOUR:
        tour.add_argument(f"--{name}", metavar="…", help=_help(known[name], t("as last time", "照上次的")))
    return parser


def _command(commands, name, text, call):
    command = commands.add_parser(name, help=text, description=text)
    command.add_argument("--twin", required=name not in ("tour",), default="demo",
                         help=t("a name (kept under twins/) or a path", "名字（放在 twins/ 下）或路径"))
    command.set_defaults(call=call)
    return command


def _typed(field):
    def typed(text):
        try:
            return parse(field, text)
        except ValueError as error:
            raise argparse.ArgumentTypeError(str(error)) from None
    return typed


def _help(field, default=None):
    """'label: help [choices] (default)'; switches as they are typed, yes or no."""
    meta, default = field.metadata, default or _as_typed(field.default)
    offered = meta["choices"] or ((True, False) if meta["kind"] is bool else ())
    choices = f" [{', '.join(map(_as_typed, offered))}]" if offered else ""
    en, zh = (f"{said}{colon}{more}" for said, colon, more in zip(meta["label"], (": ", "："), meta["help"]))
    return (t(en, zh) + choices + (f" ({default})" if default else "")).replace("%", "%%")


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
        print(t(f"{step}: done already, and nothing changed since.", f"{step}：已经做完，之后没有变化。"))
        return 0
    started = now()
    history = None if helper else twin.history(step)
    outcome = module.run(twin, settings, Progress(history, step, fresh=not _interrupted(twin, step)))
    if not helper:
        finish(twin, step, outcome, started, asdict(settings))
    return 0


def _interrupted(twin, step):
    """Whether an unfinished run of the step left checkpoints, whose history goes on."""
    return any(twin.checkpoints(step).glob("checkpoint-*"))


def finish(twin, step, outcome, started, asked):
    """Write a step's report and say its warnings."""
    from .models.plan import machine

    twin.finish(Report(step, asdict(outcome.settings), started, now(), machine(), versions(*PACKAGES), outcome.inputs,
                       outcome.figures, outcome.warnings), asked)
    for text in outcome.warnings:
        print("! " + text)
    used = now() - started
    print(t(f"{step}: done in {clock(used, 'en')}.", f"{step}：完成，用时 {clock(used, 'zh')}。"))


def _settings(step, options, twin):
    """Typed flags over what was last wanted for this step over the defaults."""
    typed = {k[4:]: v for k, v in vars(options).items() if k.startswith("set_") and v is not None}
    return make(step, **{**remembered(step, twin), **typed})


def _refuse(problems, say=True):
    for problem in problems if say else ():
        print(("✗ " if problem.level == "stop" else "! ") + problem.text, file=sys.stderr, flush=True)
    if stops(problems):
        raise TwinError(t("Not started: mend what is marked ✗ first.", "没有开始：请先解决标 ✗ 的问题。"))


def _without_report(step, module, twin, settings):
    _refuse(module.problems(settings, twin))
    module.run(twin, settings, Progress(None, step))
    return 0


def _codes(twin, source):
    """Keep the codes of the blind test that a file holds, and print what all codes say."""
    from .ui import blind_test_form

    print(blind_test_form.results(twin, sys.stdin.read() if source == "-" else blind_test_form.file_text(source)))
    return 0


def status(options):
    """Print a table: step, state, when, main figure."""
    import time

    from .ui.display import text_table

    twin = Twin.open(options.twin, create=False)
    words = {"done": t("done", "完成"), "stale": t("stale", "过期"), "missing": t("missing", "未做"),
             "broken": t("broken", "损坏")}
    rows = []
    for step in STEPS:
        state = twin.state(step)
        when = time.strftime("%Y-%m-%d %H:%M", time.localtime(state.report.finished)) if state.report else ""
        rows.append((step, words[state.name], when, state.why or _main_figure(state.report, step)))
    print(text_table((t("step", "步骤"), t("state", "状态"), t("when", "时间"), t("main figure", "主要数字")), rows))
    return 0


def _main_figure(report, step):
    if report is None:
        return ""
    from .text import labels

    name = MAIN_FIGURE[step] or next((n for n in report.figures if n.startswith("size_mb_")), None)
    found = report.figures.get(name)
    if not found or found["value"] is None:
        return ""
    interval = f" ({found['low']:.3g} … {found['high']:.3g})" if found["low"] is not None else ""
    return f"{t(*labels.figure(name, step))}: {found['value']:.4g}{interval}"


def run_interview(options):
    """Ask the interview's questions in the terminal, or those of the blind test."""
    from .ui import blind_test_form, interview_form as interview

    (blind_test_form if options.blind_test else interview).terminal(Twin.open(options.twin))
    return 0


def run_tour(options):
    """Run the notebooks headless; continues where an earlier run was stopped."""
    from .ui.tour import tour

    tour(options.twin, **{name: getattr(options, name) for name in TOUR})
    return 0


if __name__ == "__main__":
    sys.exit(main())
