"""The owner's decisions during a review, and the buttons that make them and take them back."""

from collections.abc import Callable

import ipywidgets as widgets

from ..i18n import t
from ..twin import Twin
from .display import sentence
from .widgets import button, show

START = 300  # characters of a text that its decision records, to recognise it later


class DecisionLog:
    """A twin's decisions, each written at once; those of this session can be undone one by one."""

    def __init__(self, twin: Twin):
        self.twin, self.by_id = twin, twin.decisions()
        self.past = []  # (content id, its decision before), oldest first

    def of(self, content: str) -> dict:
        """The decision about a content id; {} when there is none or it was damaged by hand."""
        decision = self.by_id.get(content)
        return decision if isinstance(decision, dict) else {}

    def action(self, content: str) -> str | None:
        """The action decided about a content id, such as 'mask'; None when undecided."""
        return self.of(content).get("action")

    def decide(self, content: str, **decision) -> None:
        """Record a decision about a content id, replacing an earlier one."""
        self._remember(content)
        self.twin.decide(content, **decision)
        self.by_id = self.twin.decisions()

    def clear(self, content: str) -> None:
        """Leave a content undecided; this too can be undone."""
        self._remember(content)
        self._restore(content, None)

    def undo(self, content: str | None = None) -> str:
        """Undo the last decision, or the last one about `content`; returns its content id."""
        candidates = [entry for entry in self.past if content in (None, entry[0])]
        name, before = candidates[-1] if candidates else (content, None)
        if candidates:
            self.past.remove(candidates[-1])
        self._restore(name, before)
        return name

    def _remember(self, content):
        self.past.append((content, self.of(content) or None))

    def _restore(self, content, decision):
        self.twin.undecide(content, decision)
        self.by_id = self.twin.decisions()


class DecisionButtons(widgets.HBox):
    """A button for each action about one content, the chosen one green, and one to undo."""

    def __init__(
        self,
        decisions: DecisionLog,
        content: str,
        labels: dict[str, str],
        changed: Callable[[], object],
        **details,
    ):
        self.decisions, self.content = decisions, content
        self.changed, self.details = changed, details
        self.buttons = {
            action: button(label, lambda action=action: self.decide(action))
            for action, label in labels.items()
        }
        self.undo = button(t("ui.undo"), self.take_back)
        super().__init__(
            [*self.buttons.values(), self.undo], layout=widgets.Layout(flex_flow="row wrap")
        )
        self.draw()

    def decide(self, action: str) -> None:
        """Save an action for the content, and show it."""
        self.decisions.decide(self.content, action=action, **self.details)
        self.draw()
        self.changed()

    def take_back(self) -> None:
        """Forget what was decided for the content."""
        self.decisions.undo(self.content)
        self.draw()
        self.changed()

    def draw(self) -> None:
        """Show which action is chosen, and the button to undo one where there is one."""
        decided = self.decisions.action(self.content)
        for action, choice in self.buttons.items():
            choice.button_style = "success" if action == decided else ""
        show(self.undo, decided in self.buttons)


def reminder(count: int) -> str:
    """HTML that asks to run the step again so that `count` decisions apply; '' for none."""
    if not count:
        return ""
    return sentence(t("ui.run_again_to_apply", count=count), "warning").html
