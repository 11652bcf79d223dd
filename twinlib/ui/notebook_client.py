"""Run one notebook in a kernel of its own, print the output of its cells, and stop it on Ctrl-C.

Why not papermill: it drops in-place progress, and on Ctrl-C it ends without waiting for the step to
save.
"""

import ast
import asyncio
import signal
import sys
import tempfile
import time
from pathlib import Path

import nbformat
from ipykernel.kernelspec import write_kernel_spec
from jupyter_client import AsyncKernelManager
from jupyter_client.kernelspec import KernelSpecManager
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, DeadKernelError

from ..files import TwinError, write_atomic
from ..i18n import t
from ..twin import Stopped

# Exceptions whose text is a sentence for the owner.
_SENTENCES = ("StepFailed", "TwinError", "WrongValue")
_PROGRESS_EVERY = 5.0  # seconds between printed updates of one display


def run(path: Path, copy: Path, values: dict) -> None:
    """Run a notebook with parameters; the executed copy is written even when a cell fails.

    Raises TwinError with the sentence of a failed cell, Stopped after Ctrl-C.
    """
    notebook = with_parameters(nbformat.read(path, as_version=4), values)
    with tempfile.TemporaryDirectory() as folder:
        client = _Client(
            notebook,
            km=_kernel_manager(Path(folder)),
            timeout=None,
            store_widget_state=False,
            resources={"metadata": {"path": str(path.parent)}},
        )
        try:
            # cleanup_kc: end the kernel with its notebook.
            asyncio.run(client.async_execute(cleanup_kc=True))
        except (CellExecutionError, DeadKernelError, RuntimeError) as error:
            if client.interrupted:
                raise Stopped(t("ui.tour_stopped")) from None
            raise TwinError(_sentence(error, copy)) from None
        finally:
            client.release()
            write_atomic(copy, nbformat.writes(notebook))


def _sentence(error, copy):
    """The sentence for a failed cell: our own errors as they are, others with the copy's path."""
    name = getattr(error, "ename", "")
    if name in _SENTENCES:
        return error.evalue
    text = f"{name}: {error.evalue}" if name else str(error)
    return t("ui.notebook_failed", notebook=copy.stem, error=text, copy=copy)


def with_parameters(notebook: nbformat.NotebookNode, values: dict) -> nbformat.NotebookNode:
    """Insert a cell after the one tagged 'parameters' that sets those of `values` it assigns."""
    for position, cell in enumerate(notebook.cells):
        if "parameters" in cell.metadata.get("tags", []):
            targets = [
                target.id
                for node in ast.parse(cell.source).body
                if isinstance(node, ast.Assign)
                for target in node.targets
                if isinstance(target, ast.Name)
            ]
            lines = [f"{name} = {values[name]!r}" for name in targets if name in values]
            extra = nbformat.v4.new_code_cell("\n".join(lines), metadata={"tags": ["overrides"]})
            notebook.cells.insert(position + 1, extra)
            break
    return notebook


def _kernel_manager(folder):
    """A manager that starts this Python, whatever kernels are registered."""
    write_kernel_spec(folder / "python3")
    specs = KernelSpecManager()
    specs.kernel_dirs = [str(folder)]
    return AsyncKernelManager(
        kernel_name="python3",
        kernel_spec_manager=specs,
        # Sockets in a private folder instead of TCP ports that everyone on the machine can reach.
        transport="tcp" if sys.platform == "win32" else "ipc",
        connection_file=str(folder / "kernel.json"),
    )


class _Client(NotebookClient):
    """Prints output as it comes, and interrupts the running cell on Ctrl-C.

    The cell passes it on to its step, which saves; a second one ends the step at once.
    """

    interrupted = False
    _caught = ()

    async def async_start_new_kernel_client(self):
        self.printed = {}  # {display id: when it was printed last}
        self._caught = []  # [(signal, its handler before)]
        client = await super().async_start_new_kernel_client()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            self._catch(number, loop, lambda: loop.create_task(self._interrupt()))
        return client

    def _catch(self, number, loop, call):
        """Call `call` in the loop when a signal comes, until `release`."""
        try:
            loop.add_signal_handler(number, call)  # which ends with the loop
        except NotImplementedError:  # on Windows
            before = signal.signal(number, lambda *_: loop.call_soon_threadsafe(call))
            self._caught.append((number, before))

    def release(self):
        """Give the signals back to those that had them before."""
        while self._caught:
            signal.signal(*self._caught.pop())

    async def _interrupt(self):
        self.interrupted = True
        await self.km.interrupt_kernel()

    def process_message(self, message, cell, cell_index):
        self._print(message["msg_type"], message["content"])
        return super().process_message(message, cell, cell_index)

    def _print(self, kind, content):
        """Print a cell's output at once, and its in-place updates every few seconds."""
        display = (content.get("transient") or {}).get("display_id")
        if kind == "stream":
            lines = content["text"].splitlines(keepends=True)
            print("".join(f"   {line}" for line in lines), end="", flush=True)
        elif kind in ("display_data", "update_display_data") and display:
            now, text = time.monotonic(), content["data"].get("text/plain", "")
            if text and now - self.printed.get(display, 0.0) >= _PROGRESS_EVERY:
                self.printed[display] = now
                print("\n".join(f"   {line}" for line in text.splitlines()), flush=True)
