"""The way of a finished twin out of the notebook: the recommended file and its Modelfile.

On Colab a button sends them to the browser. In Jupyter they are links, where the server can reach
the twin's folder. On Kaggle they are in the notebook's output.
"""

import os
from pathlib import Path
from urllib.parse import quote

import ipywidgets as widgets

from ..i18n import t
from ..models import device_fit
from ..twin import Twin
from . import runtime
from .display import NOTHING, Shown, caption, esc, sentence, size
from .look import look
from .widgets import button, html, line


@look("quantize")
def files(twin: Twin) -> widgets.Widget | Shown:
    """What to download, as a cell's last expression; a sentence before there is a file."""
    gguf = recommended(twin)
    if gguf is None:
        return sentence(t("ui.no_gguf_file"), "note")
    paths = [path for path in (gguf, twin.file("modelfile")) if path.exists()]
    how = caption(t("ui.with_ollama", name=twin.plain_name.lower()))
    system = runtime.system()
    if system == "colab":
        buttons = [button(t("ui.download", name=_named(p)), _sender(p)) for p in paths]
        return widgets.VBox([line(*buttons), html(how.html)])
    if system == "kaggle":
        return sentence(t("ui.in_kaggles_output", folder=gguf.parent), "note") + how
    links = [address(path) for path in paths]
    if not all(links):
        return sentence(t("ui.files_are_here", folder=gguf.parent), "note") + how
    shown = sum((_link(path, link) for path, link in zip(paths, links)), NOTHING)
    return shown + caption(t("ui.files_are_here", folder=gguf.parent)) + how


def box(twin: Twin) -> widgets.Widget:
    """The same as a widget, for a page of widgets.

    An output, since Jupyter does not lead links in an HTML widget to files.
    """
    shown = files(twin)
    if not isinstance(shown, Shown):
        return shown
    data = {"text/html": shown.html, "text/plain": shown.text}
    output = widgets.Output()
    output.outputs = ({"output_type": "display_data", "data": data, "metadata": {}},)
    return output


def recommended(twin: Twin) -> Path | None:
    """The GGUF file to take when in doubt: by the figures of step 04, else the best; or None."""
    present = twin.ggufs()
    report = twin.report("quantize")
    kind = device_fit.recommended_type(tuple(present), report.figures) if report else None
    return present.get(kind) or next(iter(present.values()), None)


def address(path: Path) -> str:
    """A file's address from the open notebook, where Jupyter may serve it; else ''.

    `make lab` serves the clone. A notebook elsewhere knows only that its own folder is served.
    """
    here, path = runtime.notebook_folder(), path.resolve()
    root = runtime.ROOT if here.is_relative_to(runtime.ROOT) else here
    if not path.is_relative_to(root):
        return ""
    return quote(Path(os.path.relpath(path, here)).as_posix())


def _link(path, link):
    markup = f'<a href="{esc(link)}" download="{esc(path.name)}">{esc(_text(path))}</a>'
    return Shown(f'<p style="font-size:120%;margin:.3em 0">{markup}</p>', str(path))


def _named(path):
    return f"{path.name} ({size(path.stat().st_size)})"


def _text(path):
    return t("ui.download", name=_named(path))


def _sender(path):
    def send():
        from google.colab import files as browser

        browser.download(str(path))

    return send
