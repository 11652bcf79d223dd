"""Notebook 00: from an upload to a talk on one page.

`start_page.page(twin)` shows itself as a cell's last expression. Its button makes the twin in a
thread (see all_steps.py): the page shows a bar over all of it, the curves, the verdict, and at the
end the chat. Made anew, by Run All or after a restart, it shows what there is and goes on with what
it had begun. What a terminal or another notebook runs it only shows. Works on ipywidgets 7.7 and 8.
"""

import os
import time

import ipywidgets as widgets
import psutil

from .. import running
from .. import settings as declared
from ..files import TwinError
from ..i18n import choose, step_title, t
from ..models.plan import machine
from ..progress import duration
from ..text import labels
from ..twin import STEPS as ALL
from ..twin import Problem, Twin
from . import (
    base_models,
    chat_box,
    downloads,
    forms,
    interview_form,
    score_card,
    tables,
    writing_form,
)
from .all_steps import AllSteps
from .display import NOTHING, Shown, caption, esc, sentence
from .progress_view import pictures, progress
from .twin_picker import TwinPicker
from .widgets import button, folded, html, line, show

# 03 is left out: the voice is in the adapter without it. 06 is its owner's to decide.
STEPS = ("corpus", "persona", "quantize", "evaluate")
GONE_ON_WITH = (*STEPS, "reasoning")  # also where notebook 03 started it
_REDRAW = 2.0  # seconds between two drawings of the curves
_HEAD = '<h3 style="margin:1.2em 0 .3em">{} · {}</h3>'
_BAR = (
    '<div style="max-width:46em;background:rgba(128,128,128,.25);border-radius:6px">'
    '<div style="width:{share:.1%};height:1.1em;background:rgb(40,160,80);border-radius:6px">'
    '</div></div><div style="margin:.3em 0;font-weight:bold">{line}</div>'
)
_LOG = '<pre style="white-space:pre-wrap;max-height:20em;overflow:auto;font-size:90%">{}</pre>'


def _is_busy():
    """Whether a machine without a GPU already has more to do than it has processors."""
    return not machine()["gpu"] and psutil.getloadavg()[0] > (os.cpu_count() or 1)


def page(twin: Twin) -> "Page":
    """The page of a twin."""
    return Page(twin)


class Page(widgets.VBox):
    """Four parts, one below the other: the writing, the effort, the making, the talk."""

    def __init__(self, twin: Twin):
        self.twin = twin
        super().__init__()
        self.picker = TwinPicker(twin, self._fill)
        self._fill()

    def _fill(self):
        """Make all parts for the twin, which the picker may have changed."""
        twin = self.twin
        self.writing = writing_form.form(twin)
        self.effort = forms.form("persona", twin, only=("effort", "base"))
        self.steps = AllSteps(twin, STEPS, self._draw)
        self.make = button(t("ui.make_my_twin"), self.start, button_style="primary")
        self.stop = button(t("ui.stop_it"), self.steps.stop, button_style="warning")
        self.problems, self.bar, self.live, self.printed = html(), html(), html(), html()
        self.folded_log = folded(t("ui.what_was_printed"), self.printed)
        self.result = widgets.VBox()
        self.total, self._drawn, self._pictured = html(), 0.0, ((), NOTHING)
        self._refused = False  # whether what is said below the button kept it from starting
        for name in ("effort", "base"):
            self.effort.inputs[name].observe(self._estimate, "value")
        for control in (*self.writing.form.inputs.values(), *self.effort.inputs.values()):
            control.observe(self._edited, "value")
        self.children = [
            self.picker,
            html(_HEAD.format(1, esc(t("ui.part_writing")))),
            self.writing,
            interview_form.offered(twin),
            html(_HEAD.format(2, esc(t("ui.part_effort")))),
            self.effort,
            folded(t("ui.what_fits_which_card"), html(base_models.which_card().html)),
            html(_HEAD.format(3, esc(t("ui.part_make")))),
            html(caption(t("ui.part_make_help")).html),
            self.total,
            line(self.make, self.stop),
            self.problems,
            self.bar,
            self.live,
            self.folded_log,
            self.result,
        ]
        self.steps.look()
        self.effort.plan_times(self.steps.plan)
        self.writing.found.observe(self._expect, "children")
        self._expect()
        self._show_result()
        self._draw(at_once=True)
        if run := running.current(twin):
            self._follow(run)
        else:
            self._go_on()

    def _follow(self, run):
        """Show a run; go on after it only where this page had begun it in an earlier kernel."""
        if run.then:
            self._let_run(run.step, *run.then.split())
            self.steps.start()
        else:
            self.steps.watch()

    def _let_run(self, *others):
        """Let these steps run as well, each at its place."""
        self.steps.steps = [step for step in ALL if step in (*STEPS, *others)]

    def _go_on(self):
        """Say what was under way when the machine went away, and go on with it.

        After a stop or an error, or in a terminal, it is its owner who says so, by the button.
        """
        run = running.broken_off(self.twin)
        if run is None or run.step not in GONE_ON_WITH:
            return
        if not run.logged:
            said = t("ui.broke_off_in_terminal", title=step_title(run.step))
            self.problems.value = sentence(said, "note").html
            return
        said = sentence(choose(running.under_way(self.twin, run)), "note").html
        self._let_run(run.step)
        self.start(under_way=run.step)
        self.problems.value = said + self.problems.value

    def start(self, under_way: str = "") -> None:
        """Make the twin with what is typed, unless something stands in the way.

        The settings of the step `under_way` stay as they are.
        """
        if self.steps.state == "running":
            return
        try:
            effort, problems = self.effort.settings.effort, self._problems()
        except (TwinError, ValueError) as error:
            effort, problems = "", [Problem("stop", declared.in_words(error))]
        self.problems.value = sum((sentence(p.text, p.level) for p in problems), NOTHING).html
        self._refused = bool(declared.stops(problems))
        if self._refused:
            return
        chosen = {"evaluate": {"effort": effort}}
        try:
            if effort == "smoke" and under_way != "quantize":
                chosen["quantize"] = declared.for_smoke(self.twin)
            chosen.pop(under_way, None)
            for step, typed in chosen.items():
                self.twin.draft(step, **typed)
        except OSError as error:
            why = t("ui.not_kept", error=error.strerror or error)
            self.problems.value = sentence(why, "stop").html
            return
        self.result.children = []
        run = running.last(self.twin)
        if run and run.stopped and run.step in GONE_ON_WITH:
            self._let_run(run.step, *run.then.split())  # also where notebook 03 had begun it
        self.steps.start()
        self._draw(at_once=True)

    def _edited(self, change):
        """Take away why the button started nothing: it was about what stood there before."""
        if self._refused:
            self._refused, self.problems.value = False, ""

    def _expect(self, change=None):
        """Plan with the writing that was looked into, until step 01 knows its rows."""
        self.steps.expected = self.writing.expected
        self.effort.expect(self.steps.expected)
        self._estimate()

    def _estimate(self, change=None):
        """Say how long all steps take together with the effort and base that are chosen."""
        try:
            chosen = self.effort.settings
            seconds = self.steps.plan(effort=chosen.effort, base=chosen.base)
        except (TwinError, ValueError):  # the form says what is wrong
            self.total.value = ""
            return
        key = "ui.everything_takes" if all(self.steps.seconds.values()) else "ui.rest_takes"
        shown = caption(t(key, time=duration(seconds))) if seconds else NOTHING
        if seconds and _is_busy():
            shown += sentence(t("ui.machine_is_busy"), "warning")
        self.total.value = shown.html

    def _problems(self):
        """What stands in the way of step 01; the later steps say it when their turn comes."""
        module = declared.step_module("corpus")
        return module.problems(self.writing.settings, self.twin)

    def _draw(self, at_once=False):
        """Show where the run is; called in its thread as well."""
        steps, runs = self.steps, self.steps.state == "running"
        show(self.stop, runs)
        show(self.make, not runs)
        show(self.picker, not runs)  # one page shows one run
        show(self.folded_log, bool(steps.lines))
        if steps.state == "idle":
            return
        self.bar.value = _BAR.format(share=steps.share, line=esc(self._line()))
        if runs and not at_once and time.monotonic() - self._drawn < _REDRAW:
            return
        self._drawn = time.monotonic()
        said = steps.lines[-1] if steps.lines and not steps.lines[-1].startswith("$ ") else ""
        self.live.value = progress(steps.records, "", said, self._pictures()).html if runs else ""
        self.printed.value = _LOG.format(esc("\n".join(steps.lines)))
        if not runs:
            level = {"done": "good", "stopped": "note", "watched": "note"}.get(steps.state, "stop")
            said = steps.sentence or t("ui.your_twin_is_made")
            self.problems.value = sentence(said, level).html
            self.steps.look()
            self._expect()
            self._show_result()

    def _pictures(self):
        """The curves and answers of the running step, drawn again when there are new records."""
        known = self.steps.step, len(self.steps.records)
        if known != self._pictured[0]:
            self._pictured = known, pictures(self.steps.records)
        return self._pictured[1]

    def _line(self):
        """'02 · Teach it your voice · 12 min left of all'."""
        steps = self.steps
        if steps.state != "running":
            return f"{steps.share:.0%}"
        number = ALL.index(steps.step) + 1
        name = f"{number:02} {choose(labels.step(steps.step))}"
        if steps.sentence:
            return f"{name} · {steps.sentence}"
        key = "core.time_left" if steps.watches else "ui.left_of_all"
        return f"{name} · {t(key, time=duration(steps.left))}"

    def _show_result(self):
        """What the steps that are done have to show, and the chat when there is someone to ask."""
        shown, warnings = [], NOTHING
        reports = {}
        for step in STEPS:
            try:
                reports[step] = report = self.twin.report(step)
            except TwinError as error:  # damaged: the button makes it again
                shown.append(html(sentence(str(error), "warning").html))
                continue
            if report and step != "evaluate":  # whose warnings are in the score card
                for text in report.warnings:
                    warnings += sentence(text, "warning")
        if reports.get("evaluate"):
            shown.append(html(score_card.score_card(self.twin).html))
        if reports.get("persona"):
            answers = tables.before_after(self.twin)
            shown.append(folded(t("ui.before_and_after"), html(answers.html)))
        if warnings.html:
            shown.append(folded(t("ui.good_to_know"), html(warnings.html)))
        if self.twin.ggufs():
            shown += [html(_HEAD.format(4, esc(t("ui.part_talk")))), self._chat()]
            shown.append(downloads.box(self.twin))
        self.result.children = shown

    def _chat(self):
        chat = chat_box.chat(self.twin)
        return html(chat.html) if isinstance(chat, Shown) else chat
