"""Choose a twin or name a new one in a form, for those who would rather not edit a cell.

The twin given to `choose` becomes the chosen one, so that the cells below, run again, work on it.
Works on ipywidgets 7.7 and 8.
"""

from collections.abc import Callable

import ipywidgets as widgets

from ..files import TwinError
from ..i18n import t
from ..twin import Twin
from . import runtime, tables
from .display import NOTHING, sentence
from .widgets import button, dropdown, html, line, on_enter, show, text_box

_NEW = ""  # the value of the entry that opens the box for a name


def choose(twin: Twin) -> "widgets.VBox":
    """The picker above the table of the twin's steps."""
    steps = html(tables.steps(twin).html)

    def changed():
        steps.value = tables.steps(twin).html + sentence(t("ui.run_cells_below")).html

    return widgets.VBox([TwinPicker(twin, changed), steps])


class TwinPicker(widgets.VBox):
    """The other twins, and a box to name a new one; changed() follows each choice."""

    def __init__(self, twin: Twin, changed: Callable[[], None]):
        self.twin, self.changed, self._filling = twin, changed, False
        self.list = dropdown(
            t("ui.which_twin_is_it"), [], self._choose, "min(32em, calc(100% - 14px))"
        )
        self.name = text_box("", t("ui.name_of_new_twin"), min_width="16em")
        self.make = button(t("ui.make_new_twin"), self.open_new, button_style="info")
        on_enter(self.name, self.open_new)
        self.new, self.message = line(self.name, self.make), html()
        super().__init__([line(self.list, self.new), self.message])
        self.refresh()

    def refresh(self) -> None:
        """List the twins as they are now."""
        self._filling = True
        self.list.options = [*runtime.to_choose_from(self.twin), (t("ui.a_new_twin"), _NEW)]
        self.list.value, self._filling = self.twin.title, False
        show(self.new, False)

    def _choose(self, change):
        if self._filling:
            return
        show(self.new, change["new"] == _NEW)
        if change["new"] != _NEW:
            self._open(change["new"])

    def open_new(self) -> None:
        """Open the twin of the typed name, which is made if there is none."""
        name = self.name.value.strip()
        if not name:
            self.message.value = sentence(t("ui.type_a_name"), "warning").html
            return
        self._open(name)

    def _open(self, name):
        try:
            shown = runtime.reopen(self.twin, name)
        except TwinError as error:
            self.message.value = sentence(str(error), "stop").html
            return
        given = runtime.named_by_cell()
        again = sentence(t("ui.cell_names_twin", name=given), "warning") if given else NOTHING
        self.message.value = (shown + again).html
        self.name.value = ""
        self.refresh()
        self.changed()
