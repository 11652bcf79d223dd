"""The questions of the interview or the blind test in a terminal; each line is saved at once."""

import signal
import threading

try:
    # Gives the line that Ctrl-C interrupts, and lets Backspace delete whole Chinese characters.
    import readline
except ImportError:  # Windows
    readline = None

from ..i18n import choose, t
from ..text import interview_questions
from ..text.interview_questions import Question
from ..twin import Twin
from .answer_store import (
    AnswerStore,
    BlindTestAnswers,
    InterviewAnswers,
    assessment,
    corpus_of,
    language_to_ask_in,
)
from .display import sentence


def ask(twin: Twin, blind_test: bool = False) -> None:
    """Ask the open questions until the last one, Ctrl-D or Ctrl-C; then print the progress."""
    store = BlindTestAnswers(twin) if blind_test else InterviewAnswers(twin)
    if store.note:
        print(sentence(store.note, "warning"))
    if threading.current_thread() is threading.main_thread():
        # Ctrl-C may be ignored, as in a shell's background jobs.
        signal.signal(signal.SIGINT, signal.default_int_handler)
    print(t("ui.blind_test_opening" if blind_test else "ui.interview_opening"))
    dialogue = _Dialogue(store, language_to_ask_in(twin))
    try:
        while question := store.opening():
            dialogue.ask(question)
    except (EOFError, KeyboardInterrupt):
        print()
    print(store.progress())
    if not blind_test:
        print(assessment(store, corpus_of(twin), twin.author).sentence)


class _Dialogue:
    """Asks questions and stores the answers; `lines` is the answer being typed."""

    def __init__(self, store: AnswerStore, spoken: str):
        self.store, self.spoken = store, spoken
        self.question: Question | None = None
        self.lines: list[str] = []

    def ask(self, question):
        """Ask one question; Ctrl-D saves the answer, Ctrl-C its draft, and both are raised."""
        draft, self.question = self.store.draft(question.id), question
        self.lines = draft.split("\n") if draft else []
        topic = choose(interview_questions.TOPICS[question.topic])
        print(f"\n[{topic}] {question.text(self.spoken)}", *self.lines, sep="\n")
        try:
            self._listen()
            nudge = interview_questions.nudge(question, "\n".join(self.lines), self.spoken)
            if nudge:
                print(nudge)
                del self.lines[-1]  # what follows is the next paragraph
                self._listen()
        except EOFError:
            if any(self.lines):
                self._keep_answer()
            raise
        self._keep_answer()

    def _listen(self):
        """Read lines until two empty ones."""
        empty = 0
        while empty < 2:
            try:
                line = input("> ").rstrip()
            except KeyboardInterrupt:
                self.lines.append(readline.get_line_buffer() if readline else "")
                if any(self.lines):
                    self._keep(draft=self._text())
                raise
            empty = 0 if line else empty + 1
            self.lines.append(line)
            if line:
                self._keep(draft=self._text())

    def _keep_answer(self):
        self._keep(answer=self._text(), draft="", skipped=not self._text())

    def _text(self):
        return "\n".join(self.lines).strip()

    def _keep(self, **change):
        self.store.keep(self.question, self.spoken, **change)
