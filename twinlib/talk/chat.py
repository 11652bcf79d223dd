"""A plain chat in the terminal with the twin's GGUF file: python -m twinlib talk --twin demo

One question with --question; otherwise a conversation until /bye, Ctrl-D or Ctrl-C. When the input is no terminal, each
line is a question, the answers are printed, and it ends with the input. Not here: retrieval, saved conversations.
"""

import json
import signal
import sys
import threading

from ..files import TwinError
from ..i18n import t
from ..models.llama_cpp import Llama
from ..text.templates import spoken
from ..twin import AUTO, Outcome, Problem

MOST_MEMORY = 0.6  # of what is free, for the file; the conversation and others need some too
CONTEXT = 4096  # tokens, where the step 'quantize' left no other number
FAREWELLS = ("/bye", "/exit", "/quit")


def problems(settings, twin):
    """What keeps a chat from starting, in sentences."""
    try:
        gguf_of(twin, settings.type)
    except TwinError as error:
        return [Problem("stop", str(error))]
    return []


def gguf_of(twin, kind=AUTO):
    """The GGUF file to talk to, by default the best that fits the memory; raises TwinError when it isn't there."""
    ggufs = twin.ggufs()
    found = _best(list(ggufs.values())) if kind == AUTO else ggufs.get(kind.upper())
    if found is None:
        there = ", ".join(ggufs)
        raise TwinError(
            t(
                "talk.no_gguf_file_talk_wanted",
                kind=kind,
                value=there or "none",
                value_2=there or "没有",
            )
        )
    return found


def _best(files):
    """The first of the files that memory has room for, else the smallest; None when there are none."""
    import psutil

    size, room = lambda path: path.stat().st_size, MOST_MEMORY * psutil.virtual_memory().available
    return next((path for path in files if size(path) <= room), min(files, key=size, default=None))


def _context(twin):
    """How many tokens of a conversation the twin sees: what the step 'quantize' wrote for Ollama."""
    try:
        return int(json.loads(twin.file("params").read_text(encoding="utf-8"))["num_ctx"])
    except (OSError, ValueError, KeyError, TypeError):
        return CONTEXT


def run(twin, settings, progress):
    """Talk until the owner has had enough."""
    path = gguf_of(twin, settings.type)
    if threading.current_thread() is threading.main_thread():
        # Progress only raises a flag on Ctrl-C; a chat that waits for a line has to be interrupted.
        signal.signal(signal.SIGINT, signal.default_int_handler)
    with Llama(path, _context(twin)) as llama:
        if settings.question:
            _say(llama, [{"role": "user", "content": settings.question}], settings)
        else:
            _converse(llama, twin, settings)
    return Outcome({}, twin.inputs(path), [], settings)


def _converse(llama, twin, settings):
    name, history = twin.facts.get("author") or twin.name, []
    if sys.stdin.isatty():
        print(t("talk.talking_twin_model_person_bye", name=name, name_2=llama.path.name))
    try:
        while (line := _heard()) is not None:
            if line:
                history = _answered(llama, [*history, {"role": "user", "content": line}], settings)
    except KeyboardInterrupt:
        print()
    print(t("talk.bye"))


def _answered(llama, messages, settings):
    """The conversation with its newest line answered; a line that can't be answered is forgotten, and why is said."""
    kept = _fitting(llama, messages, min(settings.tokens, llama.context // 2))
    try:
        return [*kept, {"role": "assistant", "content": _say(llama, kept, settings)}]
    except TwinError as error:
        print(error, flush=True)
        return messages[:-1]


def _heard():
    """The next line, or None when there is none or it says goodbye."""
    try:
        line = input("> " if sys.stdin.isatty() else "").strip()
    except EOFError:
        return None
    return None if line.lower() in FAREWELLS else line


def _say(llama, messages, settings):
    """Print the answer while it comes, and return it."""
    temperature = None if settings.temperature == AUTO else settings.temperature
    answer = llama.chat(
        messages, settings.tokens, temperature, seed=settings.seed, heard=_print, recommended=True
    )
    print("" if answer.text.strip() else t("talk.nothing_say"), flush=True)
    return spoken(answer.text)


def _print(piece):
    print(piece, end="", flush=True)


def _fitting(llama, messages, room):
    """The newest part of a conversation that leaves `room` tokens of the context for the answer."""
    while len(messages) > 2 and len(llama.tokenize(llama.prompt(messages))) + room > llama.context:
        messages = messages[2:]
    return messages
