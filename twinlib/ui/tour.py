"""The whole way without a browser: notebooks 01 to 06 in turn, each in a fresh kernel, with progress all along.

Executed copies stay in the twin's folder. Ctrl-C interrupts the running cell, whose step saves before it ends; the
next tour goes on there, because every step knows what is done.
"""

import ast
import asyncio
import multiprocessing
import os
import signal
import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path

from .. import settings as declared
from ..files import TwinError, write_atomic
from ..i18n import choose, language, t
from ..models import load, plan
from ..progress import line_of
from ..text import labels
from ..twin import AUTO, STEPS, Stopped, Twin
from .display import interval, number, text_table

ROOT = Path(__file__).resolve().parents[2]
NOTEBOOKS = ROOT / "notebooks"
SAMPLE = ROOT / "data_samples"
SAMPLE_AUTHOR = "Ning"
SAMPLE_INTRODUCTION = (
    "I'm Ning, neighbour: I fixed trams for twenty-six years, and now I mend bicycles on Pier "
    "Three, with hot tea and a cat on the toolbox. 街坊，我姓宁，修了二十六年电车，现在在三号码头摆摊修自行车。半圈以内不收钱，说完了，拧紧。"
)
NAMES = (
    "01_prepare_corpus",
    "02_sft_persona",
    "03_grpo_reasoning",
    "04_quantize",
    "05_evaluate",
    "06_publish",
)
BUDGETS = {
    "setup": 150,
    "base": 50,
    "corpus": 10,
    "persona": 240,
    "reasoning": 90,
    "quantize": 90,
    "evaluate": 150,
    "publish": 10,
    "notebooks": 40,
}  # seconds, on 2 cores at effort smoke
SENTENCES = ("StepFailed", "TwinError", "WrongValue")
LINE_EVERY = 5.0


def tour(
    name, source=None, base=None, effort=None, author=None, introduction=None, notebooks=NAMES
):
    """Run the notebooks for the twin called `name`; print budgets, the score card and how to talk to the twin.

    None or '' leaves a parameter as it was last time; a twin that knows no source yet starts with the sample blog, in
    minutes. Raises TwinError with a failing cell's sentence, Stopped after Ctrl-C.
    """
    twin, began = Twin.open(name), time.time()
    source = _source(twin, source, effort)
    author, introduction = _sample(twin, source, author, introduction)
    wanted = {
        "TWIN": str(twin.path.resolve()),
        "LANGUAGE": language(),
        "SOURCE": source,
        "BASE": base,
        "EFFORT": effort,
        "AUTHOR": author,
        "INTRODUCTION": introduction,
    }
    prepared = _prepare(base or _wanted(twin, "persona", "base"))
    for place, notebook in enumerate(notebooks, 1):
        print(f"\n== {place}/{len(notebooks)} {notebook}", flush=True)
        _run(
            NOTEBOOKS / f"{notebook}.ipynb",
            twin,
            {key: value for key, value in wanted.items() if value},
        )
    twin, talk = Twin(twin.path), f"{_python()} -m twinlib talk --twin {name}"
    for part in (budget(twin, began, time.time(), prepared), scores(twin), t("ui.talk") + talk):
        print("\n" + part, flush=True)


def _python():
    """What to type for this Python: 'python' where its environment is active, else its path from here."""
    active = os.environ.get("VIRTUAL_ENV") == sys.prefix
    return "python" if active else os.path.relpath(sys.executable)


def _wanted(twin, step, name):
    """What was last wanted for a setting, or None."""
    return declared.remembered(step, twin).get(name)


def _source(twin, source, effort):
    """The source as said, None when one is remembered, else the sample blog; a new twin's effort is smoke."""
    if not _wanted(twin, "corpus", "source"):
        source = source or SAMPLE / "posts"
        for step in (
            "persona",
            "reasoning",
            "evaluate",
        ):  # kept now, so that an interrupted tour goes on like this
            twin.start(step, {"effort": effort or "smoke", **declared.remembered(step, twin)})
    return source and str(Path(source).resolve())


def _sample(twin, source, author, introduction):
    """Who writes: as said, else as remembered, else the sample blog's owner when it is the sample blog."""
    source = Path(source or _wanted(twin, "corpus", "source") or "").resolve()
    if author or _wanted(twin, "corpus", "author") or SAMPLE not in (source, source.parent):
        return author, introduction
    known = introduction or _wanted(twin, "corpus", "introduction")
    return SAMPLE_AUTHOR, introduction if known else SAMPLE_INTRODUCTION


def _prepare(base):
    """Fetch or convert the base once, in a process of its own so that its memory is freed; the seconds it took."""
    began, here = time.time(), plan.machine()
    name = base if base and base != AUTO else plan.recommended_base(here)[0]
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        try:
            pool.submit(load.prepare, name, _say).result()
        except KeyboardInterrupt:
            raise Stopped(_stopped()) from None
        except BrokenProcessPool:
            raise TwinError(t("ui.base_model_made_ready_most", name=name)) from None
    return time.time() - began


def _say(done, total, note="", **numbers):
    """What the base's preparation reports, as a line."""
    print("   " + line_of({"done": done, "total": total, "note": note}, "base"), flush=True)


def _stopped():
    return t("ui.stopped_what_done_saved_same")


def with_overrides(notebook, values):
    """The notebook with a cell after the one tagged 'parameters' that sets those of `values` which it names."""
    import nbformat

    for position, cell in enumerate(notebook.cells):
        if "parameters" in cell.metadata.get("tags", []):
            lines = [
                f"{name} = {values[name]!r}" for name in _assigned(cell.source) if name in values
            ]
            extra = nbformat.v4.new_code_cell("\n".join(lines), metadata={"tags": ["overrides"]})
            notebook.cells.insert(position + 1, extra)
            return notebook
    return notebook


def _assigned(source):
    targets = [
        target
        for node in ast.parse(source).body
        if isinstance(node, ast.Assign)
        for target in node.targets
    ]
    return [target.id for target in targets if isinstance(target, ast.Name)]


def _run(path, twin, values):
    """Run one notebook and keep the executed copy, whatever becomes of it."""
    import nbformat
    from nbclient.exceptions import CellExecutionError, DeadKernelError

    notebook = with_overrides(nbformat.read(path, as_version=4), values)
    copy = twin.tour() / path.name
    with tempfile.TemporaryDirectory() as folder:
        client = _client(notebook, path.parent, Path(folder))
        try:
            asyncio.run(client.async_execute(cleanup_kc=True))  # the kernel ends with its notebook
        except (CellExecutionError, DeadKernelError, RuntimeError) as error:
            if client.interrupted:
                raise Stopped(_stopped()) from None
            raise TwinError(_sentence(error, copy)) from None
        finally:
            write_atomic(copy, nbformat.writes(notebook))


def _sentence(error, copy):
    """What a failed cell says: our own errors as they are, others with where to look."""
    if getattr(error, "ename", "") in SENTENCES:
        return error.evalue
    what = f"{error.ename}: {error.evalue}" if hasattr(error, "ename") else str(error)
    return t("ui.failed_open_see_where", stem=copy.stem, what=what, copy=copy)


def _client(notebook, folder, kernels):
    """A notebook client that prints as it goes, in this Python whatever kernels are registered, and minds Ctrl-C."""
    from ipykernel.kernelspec import write_kernel_spec
    from jupyter_client import AsyncKernelManager
    from jupyter_client.kernelspec import KernelSpecManager
    from nbclient import NotebookClient

    class Client(NotebookClient):
        """nbclient's, with eyes and ears."""

        interrupted = False

        async def async_start_new_kernel_client(self):
            client = await super().async_start_new_kernel_client()
            loop = asyncio.get_running_loop()
            for which in (signal.SIGINT, signal.SIGTERM):
                loop.add_signal_handler(which, lambda: loop.create_task(self.interrupt()))
            return client

        async def interrupt(self):
            """The first time, the running cell stops as by a notebook's stop button; again, its step ends at once."""
            self.interrupted = True
            await self.km.interrupt_kernel()

        def process_message(self, message, cell, cell_index):
            _print(message, printed)
            return super().process_message(message, cell, cell_index)

    printed = {}
    write_kernel_spec(kernels / "python3")
    specs = KernelSpecManager()
    specs.kernel_dirs = [str(kernels)]
    # Sockets in a folder of our own instead of TCP ports that everyone on the machine can reach.
    transport = "tcp" if sys.platform == "win32" else "ipc"
    manager = AsyncKernelManager(
        kernel_name="python3",
        kernel_spec_manager=specs,
        transport=transport,
        connection_file=str(kernels / "kernel.json"),
    )
    return Client(
        notebook,
        km=manager,
        timeout=None,
        store_widget_state=False,
        resources={"metadata": {"path": str(folder)}},
    )


def _print(message, printed):
    """Print what a cell says, and its in-place updates now and then."""
    kind, content = message["msg_type"], message["content"]
    if kind == "stream":
        sys.stdout.write(
            "".join(f"   {line}" for line in content["text"].splitlines(keepends=True))
        )
        sys.stdout.flush()
        return
    place = (content.get("transient") or {}).get("display_id")
    if kind in ("display_data", "update_display_data") and place:
        now = time.monotonic()
        if now - printed.get(place, 0.0) >= LINE_EVERY:
            printed[place] = now
            print("   " + content["data"].get("text/plain", ""), flush=True)


def budget(twin, began, ended, prepared=0.0):
    """Seconds allowed and used, as a table; a step that was done before this tour used none."""
    used = {"base": prepared}
    for step in STEPS:
        report = twin.report(step)
        used[step] = (
            report.finished - report.started if report and report.finished >= began else 0.0
        )
    used["notebooks"] = ended - began - sum(used.values())
    if os.environ.get("TWINLIB_SETUP_SECONDS"):
        used["setup"] = float(os.environ["TWINLIB_SETUP_SECONDS"])
    rows = [
        (part, f"{allowed} s", f"{used[part]:.0f} s" if part in used else "—")
        for part, allowed in BUDGETS.items()
    ]
    rows.append((t("ui.together"), f"{sum(BUDGETS.values())} s", f"{sum(used.values()):.0f} s"))
    return text_table((t("ui.step_3"), t("ui.budget"), t("ui.used")), rows)


def scores(twin):
    """The figures of evaluate as an text_table table."""
    report = twin.report("evaluate")
    rows = [
        (
            choose(labels.figure(name)),
            number(figure.get("value")),
            interval(figure),
            figure.get("note", ""),
        )
        for name, figure in (report.figures if report else {}).items()
    ]
    header = (t("ui.figure_2"), t("ui.value_2"), t("ui.95_interval"), t("ui.note_2"))
    return text_table(header, rows, longest=90) if rows else ""
