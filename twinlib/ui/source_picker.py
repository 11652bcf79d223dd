"""Choose the writing to read: upload it, or take one of the zips and folders found here.

Works on ipywidgets 7.7 and 8, whose FileUpload have different values.
"""

import os
from collections.abc import Callable
from functools import partial

import ipywidgets as widgets

from .. import sample
from ..corpus import readers
from ..corpus.reasons import REASONS, SKIPPED
from ..files import TwinError
from ..i18n import choose, t
from ..text.formatting import size
from ..twin import Twin
from . import writing_files, writing_places
from .display import caption, esc, sentence
from .runtime import system
from .widgets import button, dropdown, html, line

# Megabytes that the connection to a notebook takes in one piece; tools/lab.py allows more.
_MEGABYTES = int(os.environ.get("TWINLIB_UPLOAD_MB", 10))
_ELSEWHERE = {
    "colab": "ui.larger_files_on_colab",
    "kaggle": "ui.larger_files_on_kaggle",
    "here": "ui.larger_files_in_jupyter",
}


# The button counts what it holds, always 0 here: its text is shown by a style, without the count.
_UPLOAD = """<style>
button.twinlib-upload {{ font-size: 0 }}
button.twinlib-upload i {{ font-size: 13px }}
button.twinlib-upload::after {{ content: "{}"; font-size: 13px; margin-left: 4px }}
</style>"""


def _not_read(path):
    """Why an upload is not read, as its name or an archive's list of members shows; else ''."""
    if kind := readers.kind_of(path.name):
        return choose(SKIPPED[kind])
    if not path.stat().st_size:
        return choose(REASONS["empty"])
    refused = readers.refused_archives(path)
    return choose(REASONS[refused[path.name]]) if refused else ""


def _without_count():
    return widgets.HTML(_UPLOAD.format(t("ui.upload")), layout=widgets.Layout(display="none"))


class SourcePicker(widgets.VBox):
    """An upload button with what was uploaded, and a list of what was found.

    `chosen(path)` is called with the path of the source as a text; '' when nothing is left of the
    uploads.
    """

    def __init__(self, twin: Twin, chosen: Callable[[str], None], source: str = ""):
        self.twin, self.chosen, self._filling = twin, chosen, False
        self.upload = widgets.FileUpload(
            multiple=True,
            description=t("ui.upload"),
            layout=widgets.Layout(width="auto", min_width="10em"),
        )
        self.upload.observe(self._take, "value")
        self.upload.add_class("twinlib-upload")
        self.message, self.uploads = html(), widgets.VBox()
        self.list = dropdown(t("ui.found_here"), [], self._choose, "calc(100% - 14px)")
        again = button(t("ui.look_again"), self.refresh)
        limit = t("ui.upload_limit", megabytes=_MEGABYTES, larger=t(_ELSEWHERE[system()]))
        super().__init__(
            [
                _without_count(),
                line(self.upload, self.list, again),
                html(caption(limit).html),
                self.uploads,
            ]
            + [self.message]
        )
        self.source = source
        self.refresh()

    def refresh(self) -> None:
        """Look for places and uploads again."""
        places = [(place.label, str(place.path)) for place in writing_places.found()]
        if writing_files.uploaded(self.twin):
            places.insert(0, (t("ui.what_i_uploaded"), str(self.twin.writing())))
        places.append((t("ui.sample_blog", author=sample.NAMED), str(sample.FOLDER / "posts")))
        self._filling = True
        self.list.options = [(t("ui.choose_one"), ""), *places]
        listed = {path for _, path in self.list.options}
        self.list.value = self.source if self.source in listed else ""
        self._filling = False
        self.uploads.children = [self._row(path) for path in writing_files.uploaded(self.twin)]

    def _row(self, path, asked=False):
        said, why = f"{esc(path.name)} · {size(path.stat().st_size)}", _not_read(path)
        name = html(f"✗ {said} · {esc(why)}" if why else f"✓ {said}")
        if not asked:
            return line(name, button(t("ui.remove_upload"), partial(self._ask, path)))
        return line(
            name,
            button(t("ui.remove_for_good"), partial(self._remove, path)),
            button(t("ui.keep_upload"), self.refresh),
        )

    def _ask(self, path):
        """Ask before a file is deleted, which can't be undone."""
        rows = zip(writing_files.uploaded(self.twin), self.uploads.children)
        self.uploads.children = [
            self._row(other, asked=True) if other == path else row for other, row in rows
        ]

    def _take(self, change=None):
        """Keep what was uploaded, say what could not be kept, and choose the uploads."""
        files = writing_files.received(self.upload.value)
        if not files:
            return
        notes = []
        for number, (name, content) in enumerate(files, 1):
            saving = t("ui.upload_saving", name=name, number=number, total=len(files))
            self.message.value = sentence(saving).html
            try:
                kept = writing_files.save(self.twin, name, content)
            except TwinError as error:
                notes.append(sentence(str(error), "stop").html)
                continue
            if kept.name != writing_files.safe_name(name):
                values = {"name": name, "kept": kept.name}
                notes.append(sentence(t("ui.upload_has_number", **values), "warning").html)
        self.message.value = "".join(notes)
        self._forget()
        if writing_files.uploaded(self.twin):
            self._set(str(self.twin.writing()))

    def _forget(self):
        """Empty the upload button, which would hold the files in memory and count them."""
        empty = {} if isinstance(self.upload.value, dict) else ()
        self.upload.set_trait("value", empty)
        if hasattr(self.upload, "_counter"):
            self.upload._counter = 0

    def _remove(self, path):
        path.unlink(missing_ok=True)
        of_uploads = self.source == str(self.twin.writing())
        gone = of_uploads and not writing_files.uploaded(self.twin)
        self._set("" if gone else self.source)

    def _choose(self, change):
        if not self._filling and change["new"]:
            self._set(change["new"])

    def _set(self, source):
        self.source = source
        self.refresh()
        self.chosen(source)
