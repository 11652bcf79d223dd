"""Run notebooks 01 to 07 without a browser, each in a fresh kernel, and print their progress.

Executed copies are saved in the twin's folder. Ctrl-C interrupts the running cell, whose step saves
before it ends; the next tour goes on from there, since steps that are done are not repeated.
"""

import multiprocessing
import os
import time
from collections.abc import Iterable
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path

from .. import running
from .. import settings as declared
from ..commands import program, quoted
from ..files import TwinError, pasted_path
from ..i18n import spoken, t
from ..models import load, plan
from ..progress import line_of
from ..twin import AUTO, STEPS, Stopped, Twin
from . import notebook_client, score_card, summary
from .display import text_table
from .runtime import ROOT
from .tables import figure_rows

NOTEBOOKS = ROOT / "notebooks"
NAMES = (
    "01_prepare_corpus",
    "02_sft_persona",
    "03_grpo_reasoning",
    "04_quantize",
    "05_evaluate",
    "06_publish",
    "07_talk",
)
# Seconds allowed for each part, on 2 cores at effort smoke: a quarter of an hour in all.
BUDGETS = {
    "setup": 150,
    "base": 55,
    "corpus": 80,
    "persona": 210,
    "reasoning": 60,
    "quantize": 90,
    "evaluate": 180,
    "publish": 5,
    "memory": 30,
    "notebooks": 40,
}


def tour(
    name: str | Path,
    source: str | None = None,
    base: str | None = None,
    effort: str | None = None,
    author: str | None = None,
    introduction: str | None = None,
    notebooks: Iterable[str] = NAMES,
) -> None:
    """Run the notebooks for a twin; print budgets, the score card and how to talk to the twin.

    None or '' leaves a parameter as it was last time; the twin `demo` starts with the sample blog,
    in minutes. Raises TwinError with a failing cell's sentence, Stopped after Ctrl-C.
    """
    twin, began = Twin.open(name), time.time()
    source = pasted_path(source or "")
    source = _full(source) if source else None
    base = _full(base) if base and os.path.exists(os.path.expanduser(base)) else base
    chosen = {
        "corpus": {"source": source, "author": author, "introduction": introduction},
        "persona": {"base": base, "effort": effort},
        "reasoning": {"effort": effort},
        "evaluate": {"effort": effort},
    }
    if source or twin.is_unused():  # else it was read before, or step 01 says what is wrong
        check_writing(twin, chosen["corpus"])
    # Nothing is kept of a tour that is refused, and all of one that is interrupted.
    try:
        prepared = prepare(base or _remembered(twin, "persona", "base"))
    except Stopped:
        _keep(twin, chosen)
        raise
    _keep(twin, chosen)
    parameters = {"TWIN": str(twin.path.resolve())}
    notebooks = list(notebooks)
    os.environ[running.SERIES] = str(os.getpid())  # inherited by the kernels and their steps
    try:
        for number, notebook in enumerate(notebooks, 1):
            print(f"\n== {number}/{len(notebooks)} {notebook}", flush=True)
            path = NOTEBOOKS / spoken() / f"{notebook}.ipynb"
            notebook_client.run(path, twin.tour() / path.name, parameters)
    finally:
        os.environ.pop(running.SERIES, None)
    twin = Twin(twin.path)
    talk = t("ui.talk_to_it") + f"{program()} talk --twin {quoted(str(name))}"
    for part in (budget(twin, began, time.time(), prepared), scores(twin), talk):
        print("\n" + part, flush=True)


def check_writing(twin: Twin, chosen: dict) -> None:
    """Raise TwinError, with what step 01 would say, where there is nothing to read.

    `chosen` are the settings of step 01 that were typed.
    """
    given = {name: value for name, value in chosen.items() if value}
    settings = declared.make("corpus", **{**declared.remembered("corpus", twin), **given})
    problems = declared.step_module("corpus").problems(settings, twin)
    if stopping := declared.stops(problems):
        raise TwinError("\n".join(problem.text for problem in stopping))


def _keep(twin, chosen):
    """Save what was typed as if into the notebooks' forms."""
    source_to_read(twin, chosen["corpus"]["source"], chosen["persona"]["effort"])
    for step, values in chosen.items():
        given = {name: value for name, value in values.items() if value}
        if given:
            twin.draft(step, **given)


def _remembered(twin, step, name):
    """The last chosen value of a setting, or None."""
    return declared.remembered(step, twin).get(name)


def source_to_read(twin: Twin, source: str | None, effort: str | None) -> str | None:
    """The given source as a full path; None to read the one chosen last.

    For the first source the effort, by default smoke, is saved for the steps. At smoke one GGUF
    file is made, the one that is recommended for a small base. Raises TwinError when there is
    nothing to read.
    """
    if not (source or _remembered(twin, "corpus", "source") or twin.file("interview").exists()):
        raise TwinError(t("corpus.no_writing_chosen"))
    if "source" not in twin.facts.get("settings", {}).get("corpus", {}):
        # Saved at once, so that an interrupted tour goes on with the same effort.
        for step in ("persona", "reasoning", "evaluate"):
            twin.start(step, {"effort": effort or "smoke", **declared.remembered(step, twin)})
        if effort in (None, "smoke"):
            chosen = declared.remembered("quantize", twin)
            twin.start("quantize", {**declared.for_smoke(twin), **chosen})
    return source and _full(source)


def _full(path):
    """The full path, since the notebooks' kernels run in another folder.

    A web address stays as it was typed, for the sentence about it.
    """
    return path if "://" in path else str(Path(os.path.expanduser(path)).resolve())


def prepare(base: str | None) -> float:
    """Download or convert the base in a child process, to free the memory; returns seconds."""
    began = time.time()
    name = base if base and base != AUTO else plan.recommended_base(plan.machine())[0]
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        try:
            pool.submit(load.prepare, name, _print_progress).result()
        except KeyboardInterrupt:
            raise Stopped(t("ui.tour_stopped")) from None
        except BrokenProcessPool:
            raise TwinError(t("ui.base_not_ready", name=name)) from None
    return time.time() - began


def _print_progress(done, total, note="", **figures):
    print("   " + line_of({"done": done, "total": total, "note": note}, "base"), flush=True)


def budget(twin: Twin, began: float, ended: float, prepared: float = 0.0) -> str:
    """A table of the seconds allowed and used; steps done before this tour count as 0."""
    used = {"base": prepared}
    for step in STEPS:
        report = twin.report(step)
        ran = report and report.finished >= began
        used[step] = report.finished - report.started if ran else 0.0
    used["notebooks"] = ended - began - sum(used.values())
    if os.environ.get("TWINLIB_SETUP_SECONDS"):
        used["setup"] = float(os.environ["TWINLIB_SETUP_SECONDS"])
    rows = [
        (part, f"{allowed} s", f"{used[part]:.0f} s" if part in used else "—")
        for part, allowed in BUDGETS.items()
    ]
    rows.append((t("ui.total"), f"{sum(BUDGETS.values())} s", f"{sum(used.values()):.0f} s"))
    return text_table((t("ui.tour_part"), t("ui.budget"), t("ui.time_used")), rows)


def scores(twin: Twin) -> str:
    """The summary, the first answers and the figures for a terminal; '' without figures."""
    report = twin.report("evaluate")
    rows = [(*cells, note) for *cells, _, note in figure_rows(report)]
    if not rows:
        return ""
    header = (t("ui.figure_lower"), t("ui.value_lower"), t("ui.interval"), t("ui.note_lower"))
    parts = (
        summary.shown(twin, "evaluate").text,
        score_card.first_answers(twin).text,
        text_table(header, rows, longest=90),
    )
    return "\n\n".join(filter(None, parts))
