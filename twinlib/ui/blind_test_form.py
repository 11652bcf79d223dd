"""The blind test in a notebook: new questions to answer, and the page for friends.

The friends' codes are evaluated in blind_test_results.py. Callbacks only save.
"""

import base64
from dataclasses import asdict, replace

import ipywidgets as widgets

from .. import settings as declared
from ..evaluate.blind_test import pairs
from ..evaluate.blind_test import step as blind_test
from ..files import TwinError
from ..i18n import t
from ..twin import Twin
from . import run
from .answer_store import BlindTestAnswers, language_to_ask_in
from .display import NOTHING, Shown, caption, esc, sentence, show
from .interview_form import EVERY, Questions
from .widgets import button, line, text_box, wide


def form(twin: Twin) -> widgets.Widget | Shown:
    """The form for new questions, as a cell's last expression; it opens where it was left."""
    try:
        return BlindTestForm(twin)
    except TwinError as error:
        return sentence(str(error), "stop")


class BlindTestForm(widgets.VBox):
    """The questions, a box to add own ones, and the address that friends send codes to."""

    def __init__(self, twin: Twin, every: float = EVERY):
        self.twin, store = twin, BlindTestAnswers(twin)
        self.asking = Questions(
            store,
            language_to_ask_in(twin),
            lambda: caption(store.progress()),
            t("ui.blind_test_ended"),
            every=every,
        )
        self.own = widgets.Text(placeholder=t("ui.own_question"), layout=wide())
        self.add = button(t("ui.ask_this_too"), self._add)
        self.to = text_box(_settings(twin).to, twin.author, self._keep_address, max_width="46em")
        label = widgets.HTML(f"<b>{esc(declared.label('blind_test', 'to'))}</b>", layout=wide())
        super().__init__([self.asking, line(self.own, self.add), label, self.to])

    def _add(self):
        text = " ".join(self.own.value.split())
        if not text or not self.asking.save():
            return
        question = pairs.own_question(text)
        if self.asking.keep(question):
            self.own.value = ""
            self.asking.go(question, focus=True)

    def _keep_address(self, change):
        settings = replace(_settings(self.twin), to=change["new"].strip())
        self.twin.start("blind_test", asdict(settings))


def _settings(twin):
    return declared.make("blind_test", **declared.remembered("blind_test", twin))


def make(twin: Twin) -> None:
    """Let the twin answer the same questions, and offer the page; or show what is missing."""
    if not _is_answered(twin):
        show(sentence(t("ui.answer_first")))
        return
    settings = _settings(twin)
    problems = blind_test.problems(settings, twin)
    levels = {"stop": "note", "warning": "warning"}  # too few answers yet is no error
    show(sum((sentence(problem.text, levels[problem.level]) for problem in problems), NOTHING))
    if not declared.stops(problems):
        run.follow(["python", "-m", "twinlib", "blind-test", "--twin", str(twin.path)])
        show(page(twin))


def _is_answered(twin):
    """Whether a question is answered; also where the answers can't be read, which `make` says."""
    try:
        return bool(blind_test.answered(twin)[0])
    except TwinError:
        return True


def page(twin: Twin) -> Shown:
    """A link that downloads the page, also from a remote notebook; nothing before there is one."""
    path = twin.file("blind_test")
    if not path.exists():
        return NOTHING
    address = f"data:text/html;base64,{base64.b64encode(path.read_bytes()).decode()}"
    name = esc(f"{twin.name}-blind-test.html")
    link = f'<a download="{name}" href="{address}">{esc(t("ui.download_page"))}</a>'
    advice = caption(t("ui.send_page_to_friends"))
    return Shown(f'<p style="font-size:120%">{link}</p>', str(path)) + advice
