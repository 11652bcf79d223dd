"""The form of step 01: upload or choose the writing, say who you are, see what would be read.

`writing_form.form(twin)` shows itself as a cell's last expression; its `.settings` are the step's.
What is typed, ticked and uploaded is kept at once. Works on ipywidgets 7.7 and 8.
"""

import os

import ipywidgets as widgets

from ..corpus import step
from ..i18n import t
from ..settings import Corpus
from ..twin import Twin
from . import forms, senders
from .display import sentence, title
from .source_picker import SourcePicker
from .widgets import button, html, line, show

# What step 01 makes of three real corpora: a passage is learnt as an answer, and often as plain
# text, too, each with the system prompt.
_TOKENS_LEARNT = 1.7  # for a token of the texts
_ROW = 155  # tokens
_WHO_IT_IS = 20  # rows that are in every corpus


def form(twin: Twin, **given) -> "Writing":
    """The form, prefilled with the last choices; keywords override those."""
    return Writing(twin, **given)


class Writing(widgets.VBox):
    """What to read, who wrote it, and a look at what is in there."""

    def __init__(self, twin: Twin, **given):
        self.twin, self.form = twin, forms.form("corpus", twin, **given)
        self.source = self.form.inputs["source"]
        self.picker = SourcePicker(twin, self._choose, self.source.value)
        self.look = button(t("ui.look_inside"), self._look, button_style="info")
        self.hint, self.advice, self.found = html(), html(), widgets.VBox()
        super().__init__(
            [self.picker, self.form, self.hint, self.advice, line(self.look), self.found],
            layout=widgets.Layout(max_width="82em"),
        )
        self.source.observe(self._typed, "value")
        self.form.inputs["author"].observe(self._advise, "value")
        self._typed()
        if os.path.exists(os.path.expanduser(self.source.value or " ")):
            self._look()

    @property
    def settings(self) -> Corpus:
        """The settings of step 01 as typed and ticked so far; raises WrongValue."""
        return self.form.settings

    @property
    def expected(self) -> dict:
        """About how many {rows, tokens} step 01 will make of it, to plan with; {} if unknown."""
        tokens = sum(_TOKENS_LEARNT * s.tokens for s in self.found.children if hasattr(s, "tokens"))
        rows = round(tokens / _ROW) + _WHO_IT_IS
        return {"rows": rows, "tokens": round(tokens)} if tokens else {}

    def _choose(self, source):
        """Take an upload or a place from the list, and look into it at once."""
        self.source.value = source
        self._look()

    def _typed(self, change=None):
        """Say at once what is wrong with a path; what is in there is looked at on demand."""
        typed = Corpus(source=self.source.value.strip(), author=self.form.inputs["author"].value)
        problem = step.source_problem(typed, self.twin)
        self.hint.value = sentence(problem.text, "warning").html if problem else ""
        self._advise()
        self.found.children = []
        show(self.look, problem is None)

    def _advise(self, change=None):
        """Say what else is missing: whose words these are, a twin of their own."""
        typed = Corpus(source=self.source.value.strip(), author=self.form.inputs["author"].value)
        found = step.author_problem(typed, self.twin), step.demo_problem(typed, self.twin)
        told = [sentence(problem.text, "warning").html for problem in found if problem]
        self.advice.value = "" if self.hint.value else "".join(told)

    def _look(self):
        if self.hint.value:
            return
        show(self.look, False)
        head = html(title(t("ui.what_would_be_read")).html)
        self.found.children = [head, senders.form(self.twin, self.form)]
