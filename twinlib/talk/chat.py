"""A chat in the terminal with the twin: twinlib talk

With --question it answers one question, else it holds a conversation until /bye or Ctrl-D. Ctrl-C
stops an answer, and at the prompt it ends the chat. /help lists the commands. If the input is not a
terminal, each of its lines is a question. With memory (talk/remember.py) the sources of an answer
stand under it, and /sources shows their passages. /save alone writes to disk.
"""

import contextlib
import signal
import sys
import threading
import time
from pathlib import Path

from ..files import TwinError, write_atomic
from ..i18n import t
from ..progress import Progress
from ..settings import Talk
from ..twin import AUTO, Outcome, Problem, Twin
from . import remember, voices
from .voices import VOICES, Voices

_FAREWELLS = ("/bye", "/exit", "/quit")


def problems(settings: Talk, twin: Twin) -> list[Problem]:
    """Why a chat can't start."""
    why = voices.missing(twin, settings.voice, settings.type)
    return [Problem("stop", why)] if why else []


def run(twin: Twin, settings: Talk, progress: Progress) -> Outcome:
    """Answer one question, or hold a conversation until the owner ends it."""
    if threading.current_thread() is threading.main_thread():
        # Progress handles Ctrl-C by setting a flag, which would not interrupt input().
        signal.signal(signal.SIGINT, signal.default_int_handler)
    with Voices(twin, settings.type, say=_note) as speakers:
        memory = remember.opened(twin, _note) if settings.memory else None
        chat = Chat(twin, speakers, settings, memory)
        if settings.question:
            chat.ask(settings.question)
        else:
            chat.converse()
    return Outcome({}, {}, [], settings)


class Chat:
    """A conversation in the terminal; `voice` is who answers, one of voices.VOICES."""

    def __init__(
        self,
        twin: Twin,
        speakers: Voices,
        settings: Talk,
        memory: remember.Memory | None = None,
    ):
        self.twin, self.speakers, self.settings = twin, speakers, settings
        self.memory = memory
        self.voice, self.plain = settings.voice, False
        self.messages, self.seed = [], settings.seed
        self.sources: list[remember.Source] = []  # of the last answer

    def converse(self) -> None:
        """Answer line after line of the input until it ends."""
        if sys.stdin.isatty():
            with contextlib.suppress(ImportError):  # not on Windows
                import readline  # noqa: F401 -- input() then knows the arrow keys
            print(t("talk.welcome", author=self.twin.author))
        try:
            while (line := _read_line()) is not None:
                if line.startswith("/"):
                    self._command(*line[1:].split(maxsplit=1))
                elif line:
                    self._ask(line)
        except KeyboardInterrupt:
            print()
        print(t("talk.bye"))

    def _ask(self, question):
        """Answer; an error is said, and Ctrl-C in a terminal ends only the answer."""
        try:
            self.ask(question)
        except TwinError as error:
            print(error, flush=True)
        except KeyboardInterrupt:
            if not sys.stdin.isatty():
                raise
            print("\n" + t("talk.answer_stopped"), flush=True)

    def ask(self, question: str) -> None:
        """Print the answer to a question while it is generated, and add both to the conversation.

        After an interrupt they are added with what was said so far.
        """
        temperature = self.settings.temperature
        turns, pieces = [*self.messages, {"role": "user", "content": question}], []

        def show(piece):
            pieces.append(piece)
            print(piece, end="", flush=True)

        try:
            text, cited = remember.answer(
                self.speakers,
                None if self.plain else self.memory,
                self.voice,
                turns,
                show,
                tokens=self.settings.tokens,
                temperature=None if temperature == AUTO else temperature,
                seed=self.seed,
            )
        except KeyboardInterrupt:
            self._keep(turns, "".join(pieces))
            raise
        print("" if "".join(pieces).strip() else t("talk.empty_answer"), flush=True)
        for line in remember.lines(cited, self.twin.author, text) if cited else ():
            print("  " + line, flush=True)
        self.sources = cited.sources if cited else []
        self._keep(turns, text)

    def _keep(self, turns, answer):
        self.messages = [*turns, {"role": "assistant", "content": answer}]

    def _command(self, name="", rest=""):
        name = name.lower()
        if name in VOICES:
            self._switch(name)
            if rest:
                self._ask(rest)
        elif name == "again" and self.messages:
            self.seed += 1
            question = self.messages[-2]["content"]
            self.messages = self.messages[:-2]
            self._ask(question)
        elif name == "new":
            self.messages, self.sources = [], []
            print(t("talk.new_conversation"))
        elif name == "sources":
            self._show_sources()
        elif name == "plain":
            self.plain = not self.plain
            print(t("talk.now_plain" if self.plain else "talk.now_with_memory"))
        elif name == "save":
            self._save(rest)
        else:
            print(t("talk.help"))

    def _show_sources(self):
        """Print the passages that the last answer rests on, whole."""
        if not self.sources:
            print(t("talk.no_sources"))
            return
        passages = {each.id: each for each in self.memory.index.passages}
        for number, source in enumerate(self.sources, 1):
            passage = passages[source.passage]
            about = " · ".join(filter(None, (passage.title, passage.date[:10], passage.source)))
            print(f"[{number}] {about}\n{passage.text}\n")

    def _save(self, name):
        """Write the conversation into a Markdown file; an error is said."""
        if not self.messages:
            print(t("talk.nothing_to_save"))
            return
        stamp = time.strftime("%Y-%m-%d-%H%M%S")
        path = Path(name.strip() or f"{self.twin.name}-{stamp}.md").expanduser()
        if path.exists():
            print(t("talk.not_saved_over", path=path))
            return
        names = {"user": t("talk.you"), "assistant": self.twin.title}
        turns = (f"**{names[each['role']]}**\n\n{each['content']}\n" for each in self.messages)
        try:
            write_atomic(path, "\n".join(turns))
        except OSError as error:
            print(t("talk.not_saved", path=path, why=error.strerror))
            return
        print(t("talk.saved", path=path.resolve()))

    def _switch(self, voice):
        if why := voices.missing(self.twin, voice, self.settings.type):
            print(why)
            return
        self.voice = voice
        print(t("talk.now_answers", voice=voices.name(voice)))


def _read_line():
    """The next line of the input, or None at its end and for /bye."""
    try:
        line = input("> " if sys.stdin.isatty() else "").strip()
    except EOFError:
        return None
    return None if line.lower() in _FAREWELLS else line


def _note(text):
    """A note that is no part of an answer: to stderr, so that a redirected output is clean."""
    if sys.stderr.isatty():
        print(text, file=sys.stderr, flush=True)
