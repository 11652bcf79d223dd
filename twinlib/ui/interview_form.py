"""The interview in a notebook, one question at a time. The blind test uses the same widgets.

Answers are saved in the twin's folder after each question, half-typed ones every few seconds as
drafts, so that a lost connection or a killed kernel loses next to nothing. Callbacks only save.
Works on ipywidgets 7.7 and 8.
"""

import errno
import threading
from collections.abc import Callable
from datetime import datetime
from functools import partial

import ipywidgets as widgets

from ..files import TwinError
from ..i18n import choose, language, t
from ..text import interview_questions
from ..text.interview_questions import Question
from ..text.script import word_count
from ..twin import Twin
from .answer_store import (
    AnswerStore,
    InterviewAnswers,
    assessment,
    corpus_of,
    language_to_ask_in,
)
from .display import Shown, caption, esc, sentence
from .widgets import CLOSE_LINES, button, dropdown, folded, line, wide

EVERY = 3.0  # seconds from a key to the saved draft of a half-typed answer
_LABEL = 60  # characters of a question in the list
_HINT = '<div style="opacity:.8;min-height:1.5em;line-height:1.4">{}</div>'
_QUESTION = '<div style="font-size:125%;line-height:1.4;margin:.5em 0;white-space:normal">{}</div>'


def form(twin: Twin, every: float = EVERY) -> "Questions":
    """The interview as a cell's last expression; it opens where it was left."""
    store, corpus = InterviewAnswers(twin), corpus_of(twin)

    def status():
        assessed = assessment(store, corpus, twin.author)
        level = "good" if assessed.level == "good" else "note"
        return caption(store.progress()) + sentence(assessed.sentence, level)

    ended = t("ui.interview_ended")
    return Questions(store, language_to_ask_in(twin), status, ended, by_topic=True, every=every)


def offered(twin: Twin) -> widgets.Accordion:
    """The interview behind its title; open where it was begun, or where the corpus is small."""
    questions, corpus = form(twin), corpus_of(twin)
    shown = folded(t("ui.interview_folded"), questions)
    begun, known = twin.file("interview").exists(), corpus.passages > 0
    if begun or known and assessment(questions.store, corpus, twin.author).level != "good":
        shown.selected_index = 0
    return shown


class Questions(widgets.VBox):
    """The questions of an AnswerStore, one at a time.

    `status()` gives what is shown below the form, `ended` is the sentence after the last question,
    `spoken` the language of the questions. Every question has a text box of its own, so that a key
    that arrives late never lands in the next answer.
    """

    def __init__(
        self,
        store: AnswerStore,
        spoken: str,
        status: Callable[[], Shown],
        ended: str,
        by_topic: bool = False,
        every: float = EVERY,
    ):
        self.store, self.spoken, self.status, self.ended = store, spoken, status, ended
        self.every, self.lock, self.timer = every, threading.RLock(), None
        self.unsaved, self.boxes, self.filling = set(), {}, False
        # A friend who plays the blind test reads many answers, a twin learns from long ones.
        key = "ui.answer_as_to_a_friend" if by_topic else "ui.answer_in_a_few_sentences"
        self.advice = t(key)
        self.current = store.opening() or store.questions[-1]
        self._make()
        lists = [self.topics, self.question_list] if by_topic else [self.question_list]
        super().__init__(
            [
                self.languages,
                line(*lists),
                self.asked,
                self.box,
                self.hint,
                line(self.next, self.skip, self.back),
                self.message,
                self.footer,
            ]
        )
        self.go(self.current)
        self.say(store.note, "warning")

    def _make(self):
        offered = {q.topic for q in self.store.questions}
        topics = [
            (topic_name(name), name) for name in interview_questions.TOPICS if name in offered
        ]
        full = "calc(100% - 12px)"  # of the width, less the margin
        self.topics = dropdown(
            t("ui.topic"), [(t("ui.all_topics"), ""), *topics], self._choose_topic, full
        )
        self.question_list = dropdown(t("ui.question_number"), [], self._choose_question, full)
        self.languages = widgets.ToggleButtons(
            options=[("English", "en"), ("中文", "zh")],
            value=self.spoken,
            style={"button_width": "6em"},
            layout=widgets.Layout(display="" if language() == "both" else "none"),
        )
        self.languages.observe(self._choose_language, "value")
        self.asked, self.hint, self.message, self.footer = (
            widgets.HTML(layout=wide()) for _ in range(4)
        )
        self.box = widgets.VBox(layout=wide())
        self.next = button(t("ui.save_and_next"), self._next, button_style="primary")
        self.skip = button(t("ui.skip"), self._skip)
        self.back = button(t("ui.previous_question"), self._back)

    # What the owner does

    def _next(self):
        if self.save():
            self._step(1)

    def _back(self):
        if self.save():
            self._step(-1)

    def _skip(self):
        """Keep the text of the box as a draft; a question that has an answer keeps it."""
        skipped = not self.store.answer(self.current.id)
        if self._keep(self.current.id, draft=self._half_typed(self.current.id), skipped=skipped):
            self._step(1)

    def _choose_topic(self, change):
        if self.filling:
            return
        if not self.save():
            return self._fill(self.topics, change["old"])
        order = self.order()
        done = [q for q in order if self.store.answer(q.id) or self.store.skipped(q.id)]
        self.go(next((q for q in order if q not in done), order[0]))

    def _choose_question(self, change):
        if self.filling:
            return
        if not self.save():
            return self._fill(self.question_list, self.current.id)
        self.go(self._question(change["new"]))

    def _choose_language(self, change):
        self.spoken = change["new"]
        self.go(self.current)

    def order(self) -> list[Question]:
        """The questions of the chosen topic."""
        return [q for q in self.store.questions if self.topics.value in ("", q.topic)]

    def _question(self, name):
        return next(q for q in self.store.questions if q.id == name)

    def _step(self, by):
        order = self.order()
        position = order.index(self.current) + by
        if position < len(order):
            return self.go(order[max(position, 0)], focus=True)
        self.go(self.current)
        self.say(self.ended, "good")

    # What is shown

    def go(self, question: Question, focus: bool = False) -> None:
        """Show a question with its box.

        The next question's box is made too, hidden, so that it takes keys as soon as it is shown.
        """
        self.current, order = question, self.order()
        position = order.index(question)
        for q in order[position : position + 2]:
            self._make_box(q)
        for name, box in self.boxes.items():
            box.layout.display = "" if name == question.id else "none"
        self.back.disabled = position == 0
        self.asked.value = _QUESTION.format(esc(question.text(self.spoken)))
        labels = [(self._label(number, q), q.id) for number, q in enumerate(order, 1)]
        self._fill(self.question_list, question.id, labels)
        self.footer.value = CLOSE_LINES.format(self.status().html)
        self._show_hint()
        if focus and hasattr(self.boxes[question.id], "focus"):  # since ipywidgets 8
            self.boxes[question.id].focus()

    def _make_box(self, question):
        if question.id in self.boxes:
            return
        box = widgets.Textarea(
            self.store.draft(question.id),
            rows=8,
            continuous_update=True,
            placeholder=self.advice,
            layout=wide(display="none"),
        )
        box.observe(partial(self._typed, question.id), "value")
        self.boxes[question.id] = box
        self.box.children = tuple(self.boxes.values())

    def _fill(self, control, value, options=None):
        """Set a list's value without running the callback for a choice."""
        self.filling = True
        if options:
            control.options = options
        control.value = value
        self.filling = False

    def _label(self, number, question):
        mark = "–" if self.store.skipped(question.id) else "·"
        if self.store.answer(question.id):
            mark = "✓"
        text = question.text(self.spoken)
        return f"{mark} {number}. {text if len(text) <= _LABEL else text[: _LABEL - 1] + '…'}"

    def _show_hint(self):
        text = self.boxes[self.current.id].value
        words = word_count(text)
        counted = t("ui.word_count", words=words) if words else ""
        nudge = interview_questions.nudge(self.current, text, self.spoken)
        self.hint.value = _HINT.format(esc(" · ".join(filter(None, (counted, nudge)))))

    def say(self, text: str, level: str = "note") -> None:
        """Show a sentence below the buttons; '' clears it."""
        self.message.value = CLOSE_LINES.format(sentence(text, level).html) if text else ""

    # What is saved

    def _typed(self, name, change):
        if name != self.current.id:  # a key that arrived after 'next' was pressed
            return self.save(name)
        self._show_hint()
        with self.lock:
            self.unsaved.add(name)
            if self.timer is None:
                self.timer = threading.Timer(self.every, self._save_drafts)
                self.timer.start()

    def _save_drafts(self):
        with self.lock:
            self.timer = None
            for name in list(self.unsaved):
                self._keep(name, draft=self._half_typed(name))

    def _half_typed(self, name):
        """The text of a box; '' when it is the saved answer."""
        text = self.boxes[name].value
        return "" if text.strip() == self.store.answer(name) else text

    def save(self, name: str | None = None) -> bool:
        """Save the text of a box as the answer; returns False when that failed.

        A key that arrives late leaves a skipped question skipped.
        """
        name = name or self.current.id
        text, record = self.boxes[name].value.strip(), self.store.records.get(name, {})
        if name != self.current.id and self.store.skipped(name):
            return self._keep(name, draft=self._half_typed(name))
        if not text and not record:
            self.unsaved.discard(name)
            return True
        changed = text != self.store.answer(name) or record.get("draft") or name in self.unsaved
        return not changed or self._keep(name, answer=text, draft="", skipped=False)

    def _keep(self, name, **change):
        with self.lock:
            if not self.keep(self._question(name), **change):
                return False
            self.unsaved.discard(name)
        saved = t("ui.saved_at", time=datetime.now())
        self.say(self.store.note or saved, "warning" if self.store.note else "good")
        return True

    def keep(self, question: Question, **change) -> bool:
        """Change a question's record; returns False, and shows the reason, when that failed."""
        try:
            self.store.keep(question, self.spoken, **change)
        except (OSError, TwinError) as error:
            self.say(disk_error(error), "stop")
            return False
        return True


def topic_name(topic: str) -> str:
    """The title of one of the interview's topics."""
    return choose(interview_questions.TOPICS[topic])


def disk_error(error: Exception) -> str:
    """An error while saving as a sentence; the text is still in the box."""
    if isinstance(error, TwinError):
        return str(error)
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return t("ui.disk_full")
    return t("ui.answer_not_saved", error=error.strerror)
