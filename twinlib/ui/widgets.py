"""Widgets that the forms share: buttons, lists, framed texts, pages of items.

Works on ipywidgets 7.7 and 8.
"""

import asyncio
import warnings
from collections.abc import Callable, Iterable

import ipywidgets as widgets

from ..i18n import t
from .display import esc

ALL = "*"  # value of the entry that filters nothing; with None the list would appear empty
# The default line height of a widget is larger.
CLOSE_LINES = '<div style="line-height:1.4">{}</div>'
# A checkbox's label is on one line, cut where the line ends.
_WRAPPING = """<style>
.twinlib-wraps .widget-checkbox, .twinlib-wraps .widget-checkbox .widget-label-basic {
  height: auto; white-space: normal; line-height: 1.4; align-items: baseline }
</style>"""
_TEXT_FOLLOWS = 0.2  # seconds after an Enter in which the text has come
_FRAME = (
    "border-left:3px solid rgba(128,128,128,.35);padding:.2em .8em;white-space:pre-wrap;"
    "line-height:1.5;overflow-wrap:anywhere;overflow:auto;max-height:{}"
)


def wide(**layout) -> widgets.Layout:
    """A new layout as wide as a column of text; hiding a widget hides all that share its layout."""
    return widgets.Layout(width="auto", max_width="46em", **layout)


def grid(rows: Iterable[widgets.Widget]) -> widgets.GridBox:
    """Widgets in two columns, or in one where there is no room for two."""
    layout = widgets.Layout(
        grid_template_columns="repeat(auto-fill, minmax(min(100%, 26em), 1fr))",
        grid_gap=".8em 2em",
        align_items="flex-start",
        max_width="80em",
        width="auto",
    )
    return widgets.GridBox(list(rows), layout=layout)


def folded(title: str, content: widgets.Widget) -> widgets.Accordion:
    """A widget behind a closed title."""
    accordion = widgets.Accordion([content], selected_index=None)
    accordion.layout = widgets.Layout(width="auto", max_width="82em")
    accordion.set_title(0, title)
    return accordion


def wrapping() -> widgets.HTML:
    """Styles by which the labels of checkboxes wrap in widgets of class `twinlib-wraps`."""
    return widgets.HTML(_WRAPPING, layout=widgets.Layout(display="none"))


def button(label: str, act: Callable[[], object], **options) -> widgets.Button:
    """A button that calls `act()`."""
    space = {"padding": ".15em .9em", "margin": "2px 6px 2px 0"}
    layout = widgets.Layout(width="auto", height="auto", **space)
    new = widgets.Button(description=label, layout=layout, **options)
    new.on_click(lambda _: act())
    return new


def line(*parts: widgets.Widget) -> widgets.HBox:
    """Widgets side by side, on several lines where the screen is narrow."""
    return widgets.HBox(parts, layout=widgets.Layout(flex_flow="row wrap", align_items="center"))


def html(value: str = "", **layout) -> widgets.HTML:
    """An HTML widget of automatic width."""
    return widgets.HTML(value, layout=widgets.Layout(width="auto", **layout))


def dropdown(
    label: str, options: Iterable[tuple], changed: Callable | None = None, max_width: str = "24em"
) -> widgets.Dropdown:
    """A labelled list of (text, value); `changed` is called with the change."""
    new = widgets.Dropdown(
        options=options,
        description=label,
        style={"description_width": "auto"},
        layout=widgets.Layout(width="auto", max_width=max_width, margin="2px 12px 2px 0"),
    )
    if changed:
        new.observe(changed, "value")
    return new


def text_box(
    value: str = "", placeholder: str = "", changed: Callable | None = None, **layout
) -> widgets.Text:
    """A line to type in; `changed` is called with the change on Enter or when it loses focus."""
    box = widgets.Text(
        value,
        placeholder=placeholder,
        continuous_update=False,
        layout=widgets.Layout(width="auto", **layout),
    )
    if changed:
        box.observe(changed, "value")
    return box


def on_enter(box: widgets.Text, act: Callable[[], object]) -> None:
    """Call `act()` when Enter is pressed in a line to type in, which then has all that was typed.

    A front end sends the Enter before the text: as a whole, at once, where it was not sent by keys.
    """
    box.continuous_update = False

    def entered(_):
        try:
            asyncio.get_running_loop().call_later(_TEXT_FOLLOWS, act)
        except RuntimeError:  # no front end that sends messages
            act()

    with warnings.catch_warnings():  # ipywidgets 8 advises against it, but 7.7 has nothing else
        warnings.simplefilter("ignore")
        box.on_submit(entered)


def show(widget: widgets.Widget, visible: bool) -> None:
    """Show or hide a widget."""
    widget.layout.display = "" if visible else "none"


def framed(markup: str, height: str = "14em") -> str:
    """HTML in a frame that scrolls, by keyboard too, when it is taller than `height`."""
    return f'<div tabindex="0" style="{_FRAME.format(height)}">{markup}</div>'


def framed_text(text: str, height: str = "14em") -> str:
    """A text of the corpus, escaped, in a frame."""
    return framed(esc(text), height)


class Pages(widgets.VBox):
    """Items, `size` on a page; `draw(item)` makes the widget of one."""

    def __init__(self, draw: Callable[[object], widgets.Widget], size: int):
        self.draw, self.size, self.items, self.first = draw, size, [], 0
        self.body, self.position = widgets.VBox(), html(margin="0 10px 0 4px")
        self.back = button(f"◀ {t('ui.previous_page')}", lambda: self.turn(self.first - size))
        self.on = button(f"{t('ui.next_page')} ▶", lambda: self.turn(self.first + size))
        self.pager = line(self.back, self.position, self.on)
        super().__init__([self.body, self.pager])

    @property
    def shown(self) -> list:
        """The items on screen."""
        return self.items[self.first : self.first + self.size]

    def fill(self, items: list) -> None:
        """Show the first page of new items."""
        self.items = items
        self.turn(0)

    def turn(self, first: int) -> None:
        """Show the page that starts with item number `first`."""
        old, self.first = self.body.children, first
        self.body.children = [self.draw(item) for item in self.shown]
        for widget in old:
            _close(widget)
        last = min(first + self.size, len(self.items))
        self.position.value = f"{first + 1}–{last} / {len(self.items):,}"
        self.back.disabled, self.on.disabled = first <= 0, last >= len(self.items)
        show(self.pager, len(self.items) > self.size)


def _close(widget):
    for child in getattr(widget, "children", ()):
        _close(child)
    widget.close()
