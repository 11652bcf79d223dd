"""What the review forms are made of: the owner's decisions at hand, pages of items, buttons that decide and undo.

Works on ipywidgets 7.7 and 8.
"""

import ipywidgets as widgets

from ..i18n import t
from .display import esc, sentence

CONTENT = (
    "border-left:3px solid rgba(128,128,128,.35);padding:.2em .8em;white-space:pre-wrap;line-height:1.5;"
    "overflow-wrap:anywhere;overflow:auto;max-height:{}"
)
ANY = "*"  # the entry of a list that filters nothing; None would show as an empty box
START = 300  # characters kept in the decision about what is gone, to know it again


class Desk:
    """The owner's decisions at hand: each is written at once, and the last ones can be taken back in turn."""

    def __init__(self, twin):
        self.twin, self.decided, self.past = twin, twin.decisions(), []

    def of(self, content):
        """The decision about a content, {} when there is none that can be followed."""
        decision = self.decided.get(content)
        return decision if isinstance(decision, dict) else {}

    def action(self, content):
        return self.of(content).get("action")

    def decide(self, content, **decision):
        self.past.append((content, self.of(content) or None))
        self.twin.decide(content, **decision)
        self.decided = self.twin.decisions()

    def undo(self, content=None):
        """Take back the last decision about `content`, or the last of all; the id it was about."""
        mine = [entry for entry in self.past if content in (None, entry[0])]
        name, before = mine[-1] if mine else (content, None)
        if mine:
            self.past.remove(mine[-1])
        self.twin.undecide(name, before)
        self.decided = self.twin.decisions()
        return name

    def forget(self, content):
        """Leave a content undecided; that too can be taken back."""
        self.past.append((content, self.of(content) or None))
        self.twin.undecide(content)
        self.decided = self.twin.decisions()


def button(label, act, **more):
    layout = widgets.Layout(
        width="auto", height="auto", padding=".15em .9em", margin="2px 6px 2px 0"
    )
    button = widgets.Button(description=label, layout=layout, **more)
    button.on_click(lambda _: act())
    return button


def line(*parts):
    """Widgets beside each other, in several lines on a narrow screen."""
    return widgets.HBox(parts, layout=widgets.Layout(flex_flow="row wrap", align_items="center"))


def text(value="", **layout):
    return widgets.HTML(value, layout=widgets.Layout(width="auto", **layout))


def choice(label, options, changed):
    """A labelled list of (text, value)."""
    chosen = widgets.Dropdown(
        options=options,
        description=label,
        style={"description_width": "auto"},
        layout=widgets.Layout(width="auto", max_width="24em", margin="2px 12px 2px 0"),
    )
    chosen.observe(lambda _: changed(), "value")
    return chosen


def visible(widget, visible):
    widget.layout.display = "" if visible else "none"


def content(text, height="14em"):
    """A text of the corpus, escaped; a long one scrolls, by keyboard too."""
    return framed(esc(text), height)


def framed(html, height="14em"):
    return f'<div tabindex="0" style="{CONTENT.format(height)}">{html}</div>'


def again(count):
    """What decisions still need before they count."""
    many = "decision" if count == 1 else "decisions"
    return (
        sentence(t("ui.go_back_run_run_cell", count=count, many=many), "warning").html
        if count
        else ""
    )


def _close(widget):
    for child in getattr(widget, "children", ()):
        _close(child)
    widget.close()


class Pages(widgets.VBox):
    """Items a page at a time; `draw(item)` gives the widget of one."""

    def __init__(self, draw, size):
        self.draw, self.size, self.items, self.first = draw, size, [], 0
        self.body, self.place = widgets.VBox(), text(margin="0 10px 0 4px")
        self.back = button(f"◀ {t('ui.back')}", lambda: self.turn(self.first - size))
        self.on = button(f"{t('ui.next')} ▶", lambda: self.turn(self.first + size))
        self.pager = line(self.back, self.place, self.on)
        super().__init__([self.body, self.pager])

    def fill(self, items):
        self.items = items
        self.turn(0)

    def turn(self, first):
        """Show the page that starts with item number `first`."""
        old, self.first = self.body.children, first
        self.body.children = [self.draw(item) for item in self.items[first : first + self.size]]
        for widget in old:
            _close(widget)
        last = min(first + self.size, len(self.items))
        self.place.value = f"{first + 1}–{last} / {len(self.items):,}"
        self.back.disabled, self.on.disabled = first <= 0, last >= len(self.items)
        visible(self.pager, len(self.items) > self.size)


class Choice(widgets.HBox):
    """A button for each action about one content, the decided one green, and one that takes the decision back."""

    def __init__(self, desk, content, labels, changed, **more):
        self.desk, self.content, self.changed = desk, content, changed
        self.buttons = {
            action: button(label, lambda action=action: self.decide(action, more))
            for action, label in labels.items()
        }
        self.undo = button(t("ui.undo"), self.take_back)
        super().__init__(
            [*self.buttons.values(), self.undo], layout=widgets.Layout(flex_flow="row wrap")
        )
        self.draw()

    def decide(self, action, more):
        self.desk.decide(self.content, action=action, **more)
        self.draw()
        self.changed()

    def take_back(self):
        self.desk.undo(self.content)
        self.draw()
        self.changed()

    def draw(self):
        decided = self.desk.action(self.content)
        for action, button in self.buttons.items():
            button.button_style = "success" if action == decided else ""
        visible(self.undo, decided in self.buttons)
