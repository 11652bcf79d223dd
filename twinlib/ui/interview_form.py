"""The interview, one question at a time: a form for notebooks and the same in a terminal.

Answers are kept in the twin's folder after each question, half-typed ones every few seconds as drafts, so that a lost
connection or a killed kernel loses next to nothing. Callbacks only save. Works on ipywidgets 7.7 and 8.
"""

import errno
import signal
import threading
from datetime import datetime
from functools import partial

import ipywidgets as widgets

try:
    import readline  # with it a line that Ctrl-C breaks off can be kept, and Chinese deleted a character at a time
except ImportError:  # Windows
    readline = None

from ..files import TwinError
from ..i18n import choose, language, t
from ..text import interview_questions
from .display import caption, esc, sentence
from .interview_store import Book, corpus_of, language_to_ask_in, verdict

EVERY = 3.0  # seconds between the first key of a half-typed answer and its draft on the disk
LABEL = 60  # characters of a question in the list
CLOSE = '<div style="line-height:1.4">{}</div>'
HINT = '<div style="opacity:.8;min-height:1.5em;line-height:1.4">{}</div>'
QUESTION = '<div style="font-size:125%;line-height:1.4;margin:.5em 0;white-space:normal">{}</div>'


class Interview(widgets.VBox):
    """The form. Every question has a text box of its own: a key that arrives late never lands in the next answer."""

    def __init__(self, twin, every=EVERY):
        self.book, self.author, self.every = Book(twin), twin.author, every
        self.corpus, self.spoken = corpus_of(twin), language_to_ask_in(twin)
        self.lock, self.timer, self.unsaved, self.boxes = threading.RLock(), None, set(), {}
        self.now, self.filling = self.book.opening() or self.book.questions[-1], False
        self._make()
        super().__init__(
            [
                self.languages,
                widgets.HBox([self.topics, self.places], layout=_flow()),
                self.asked,
                self.place,
                self.hint,
                widgets.HBox([self.next, self.skip, self.back], layout=_flow()),
                self.said,
                self.progress,
                self.gate,
            ]
        )
        self._go(self.now)
        self._say(self.book.note, "warning")

    def _make(self):
        there = {q.topic for q in self.book.questions}
        topics = [
            (choose(label), name)
            for name, label in interview_questions.TOPICS.items()
            if name in there
        ]
        self.topics = _list(t("ui.topic"), [(t("ui.all_taking_turns"), ""), *topics])
        self.places = _list(t("ui.question"), [])
        self.languages = widgets.ToggleButtons(
            options=[("English", "en"), ("中文", "zh")],
            value=self.spoken,
            style={"button_width": "6em"},
            layout=widgets.Layout(display="" if language() == "both" else "none"),
        )
        self.asked, self.hint, self.said, self.progress, self.gate = (
            widgets.HTML(layout=_wide()) for _ in range(5)
        )
        self.place = widgets.VBox(layout=_wide())
        self.next = _button(t("ui.save_next"), self._next, "primary")
        self.skip, self.back = (
            _button(t("ui.skip"), self._skip),
            _button(t("ui.back_2"), self._back),
        )
        self.topics.observe(self._choose_topic, "value")
        self.places.observe(self._choose_question, "value")
        self.languages.observe(self._choose_language, "value")

    # What the owner does

    def _next(self, button=None):
        if self._save():
            self._step(1)

    def _back(self, button=None):
        if self._save():
            self._step(-1)

    def _skip(self, button=None):
        """What is in the box stays as a draft; an answer that was given stays given."""
        skipped = not self.book.answer(self.now.id)
        if self._keep(self.now.id, draft=self._half(self.now.id), skipped=skipped):
            self._step(1)

    def _choose_topic(self, change):
        if self.filling:
            return
        if not self._save():
            return self._fill(self.topics, change["old"])
        free = [
            q for q in self._order() if not self.book.answer(q.id) and not self.book.skipped(q.id)
        ]
        self._go((free or self._order())[0])

    def _choose_question(self, change):
        if self.filling:
            return
        if not self._save():
            return self._fill(self.places, self.now.id)
        self._go(self._question(change["new"]))

    def _choose_language(self, change):
        self.spoken = change["new"]
        self._go(self.now)

    def _order(self):
        return [q for q in self.book.questions if self.topics.value in ("", q.topic)]

    def _question(self, name):
        return next(q for q in self.book.questions if q.id == name)

    def _step(self, by):
        order = self._order()
        place = order.index(self.now) + by
        if place < len(order):
            return self._go(order[max(place, 0)], focus=True)
        self._go(self.now)
        self._say(self._ended(), "good")

    def _ended(self):
        return t("ui.last_question_here_choose_topic")

    # What is shown

    def _go(self, question, focus=False):
        """Show a question with its box, the next one's box waiting unseen so that it can take the keys at once."""
        self.now, order = question, self._order()
        place = order.index(question)
        for q in order[place : place + 2]:
            self._box(q)
        for name, box in self.boxes.items():
            box.layout.display = "" if name == question.id else "none"
        self.back.disabled = place == 0
        self.asked.value = QUESTION.format(esc(question.text(self.spoken)))
        self._list_questions(order)
        self._count()
        self._hint()
        if focus and hasattr(self.boxes[question.id], "focus"):  # since ipywidgets 8
            self.boxes[question.id].focus()

    def _box(self, question):
        if question.id not in self.boxes:
            box = widgets.Textarea(
                self.book.draft(question.id),
                rows=8,
                continuous_update=True,
                placeholder=t("ui.youd_tell_friend_hundred_words"),
                layout=_wide(display="none"),
            )
            box.observe(partial(self._typed, question.id), "value")
            self.boxes[question.id] = box
            self.place.children = tuple(self.boxes.values())

    def _list_questions(self, order):
        self._fill(
            self.places,
            self.now.id,
            [(self._label(place, q), q.id) for place, q in enumerate(order, 1)],
        )

    def _fill(self, control, value, options=None):
        """Set a list without that being the owner's choice."""
        self.filling = True
        if options:
            control.options = options
        control.value = value
        self.filling = False

    def _label(self, place, question):
        mark = (
            "✓" if self.book.answer(question.id) else "–" if self.book.skipped(question.id) else "·"
        )
        text = question.text(self.spoken)
        return f"{mark} {place}. {text if len(text) <= LABEL else text[: LABEL - 1] + '…'}"

    def _count(self):
        self.progress.value = caption(self.book.progress()).html
        found = verdict(self.book, self.corpus, self.author)
        self.gate.value = CLOSE.format(
            sentence(found.sentence, "good" if found.level == "good" else "note").html
        )

    def _hint(self):
        text = self.boxes[self.now.id].value
        words = interview_questions.count(text)
        counted = t("ui.words", words=words) if words else ""
        nudge = interview_questions.nudge(self.now, text, self.spoken)
        self.hint.value = HINT.format(esc(" · ".join(filter(None, (counted, nudge)))))

    def _say(self, text, level="note"):
        self.said.value = CLOSE.format(sentence(text, level).html) if text else ""

    # What is saved

    def _typed(self, name, change):
        if name != self.now.id:  # a key that came after 'next'
            return self._save(name)
        self._hint()
        with self.lock:
            self.unsaved.add(name)
            if self.timer is None:
                self.timer = threading.Timer(self.every, self._save_drafts)
                self.timer.start()

    def _save_drafts(self):
        with self.lock:
            self.timer = None
            for name in list(self.unsaved):
                self._keep(name, draft=self._half(name))

    def _half(self, name):
        """What is typed and not yet the answer."""
        text = self.boxes[name].value
        return "" if text.strip() == self.book.answer(name) else text

    def _save(self, name=None):
        """Keep what stands in a box as the answer; whether that worked. A late key leaves a skipped one skipped."""
        name = name or self.now.id
        text, known = self.boxes[name].value.strip(), self.book.records.get(name)
        if name != self.now.id and self.book.skipped(name):
            return self._keep(name, draft=self._half(name))
        if (
            text == self.book.answer(name)
            and not (known or {}).get("draft")
            and name not in self.unsaved
        ):
            return True
        if not text and not known:
            self.unsaved.discard(name)
            return True
        return self._keep(name, answer=text, draft="", skipped=False)

    def _keep(self, name, **change):
        with self.lock:
            try:
                self.book.keep(self._question(name), self.spoken, **change)
            except (OSError, TwinError) as error:
                self._say(_why(error), "stop")
                return False
            self.unsaved.discard(name)
            self._say(
                self.book.note or t("ui.saved", datetime=datetime.now()),
                "warning" if self.book.note else "good",
            )
            return True


def form(twin):
    """The interview as a form: a cell's last expression. It opens where it was left."""
    return Interview(twin)


def _why(error):
    """An error of the disk as a sentence; the text is still in the box."""
    if isinstance(error, TwinError):
        return str(error)
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return t("ui.disk_full_answer_saved_free")
    return t("ui.answer_saved_mend_press_button", strerror=error.strerror)


def _wide(**given):
    return widgets.Layout(width="auto", max_width="46em", **given)


def _flow():
    return widgets.Layout(flex_flow="row wrap", max_width="46em")


def _list(label, options):
    return widgets.Dropdown(
        options=options,
        description=label,
        style={"description_width": "initial"},
        layout=widgets.Layout(width="auto", max_width="calc(100% - 4px)"),
    )  # less its margin


def _button(label, call, style=""):
    button = widgets.Button(
        description=label, button_style=style, layout=widgets.Layout(width="auto")
    )
    button.on_click(call)
    return button


def terminal(twin):
    """The interview in a terminal, from where it was left to Ctrl-D or Ctrl-C; each line is kept as it is typed."""
    book = Book(twin)
    converse(book, language_to_ask_in(twin), t("ui.one_empty_line_begins_paragraph"))
    print(verdict(book, corpus_of(twin), twin.author).sentence)


def converse(book, spoken, opening):
    """Ask a book's questions in a terminal after some `opening` words, to the last one, Ctrl-D or Ctrl-C."""
    if book.note:
        print(sentence(book.note, "warning"))
    if (
        threading.current_thread() is threading.main_thread()
    ):  # a shell's background job comes with Ctrl-C ignored
        signal.signal(signal.SIGINT, signal.default_int_handler)
    print(opening)
    try:
        while question := book.opening():
            _ask(book, question, spoken)
    except (EOFError, KeyboardInterrupt):
        print()
    print(book.progress())


def _ask(book, question, spoken):
    """One question in the terminal; Ctrl-D ends the answer and is passed on, Ctrl-C leaves it as a draft."""
    lines = book.draft(question.id).split("\n") if book.draft(question.id) else []
    print(
        f"\n[{choose(interview_questions.TOPICS[question.topic])}] {question.text(spoken)}",
        *lines,
        sep="\n",
    )
    try:
        _listen(book, question, spoken, lines)
        nudge = interview_questions.nudge(question, "\n".join(lines), spoken)
        if nudge:
            print(nudge)
            del lines[-1]  # what follows is the next paragraph
            _listen(book, question, spoken, lines)
    except EOFError:
        if "".join(lines):
            _end(book, question, spoken, lines)
        raise
    _end(book, question, spoken, lines)


def _end(book, question, spoken, lines):
    text = "\n".join(lines).strip()
    book.keep(question, spoken, answer=text, draft="", skipped=not text)


def _listen(book, question, spoken, lines):
    """Add what is typed to `lines` until two empty ones; each is kept at once, and one that Ctrl-C breaks off too."""
    empty = 0
    while empty < 2:
        try:
            line = input("> ").rstrip()
        except KeyboardInterrupt:
            lines.append(readline.get_line_buffer() if readline else "")
            if "".join(lines):
                _keep_draft(book, question, spoken, lines)
            raise
        empty = 0 if line else empty + 1
        lines.append(line)
        if line:
            _keep_draft(book, question, spoken, lines)


def _keep_draft(book, question, spoken, lines):
    book.keep(question, spoken, draft="\n".join(lines).strip())
