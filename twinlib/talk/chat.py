"""A chat in the terminal with the twin's GGUF file: python -m twinlib talk --twin demo

With --question it answers one question, else it holds a conversation until /bye, Ctrl-D or Ctrl-C.
If the input is not a terminal, each of its lines is a question. Left out: retrieval, and saving the
conversation.
"""

import json
import signal
import sys
import threading
from pathlib import Path

from ..files import TwinError
from ..i18n import both, t
from ..models.llama_cpp import Llama
from ..progress import Progress
from ..settings import Talk
from ..text.templates import without_thinking
from ..twin import AUTO, Outcome, Problem, Twin

# Share of the available memory that the file may take; the rest is for the context and programs.
_MEMORY_SHARE = 0.6
_DEFAULT_CONTEXT = 4096  # tokens
_FAREWELLS = ("/bye", "/exit", "/quit")


def problems(settings: Talk, twin: Twin) -> list[Problem]:
    """Why a chat can't start."""
    try:
        gguf_file(twin, settings.type)
    except TwinError as error:
        return [Problem("stop", str(error))]
    return []


def gguf_file(twin: Twin, kind: str = AUTO) -> Path:
    """The GGUF file of a quantization type, by default the best that fits into memory.

    Raises TwinError when there is none.
    """
    files = twin.ggufs()
    path = _best(list(files.values())) if kind == AUTO else files.get(kind.upper())
    if path is None:
        available = ", ".join(files) or both("core.none")
        raise TwinError(t("talk.no_gguf_file", kind=kind, available=available))
    return path


def _best(files):
    """The first file that fits into memory (they are sorted, best first), else the smallest."""
    import psutil

    limit = _MEMORY_SHARE * psutil.virtual_memory().available  # bytes
    sizes = {path: path.stat().st_size for path in files}
    fitting = (path for path, size in sizes.items() if size <= limit)
    return next(fitting, min(sizes, key=sizes.get, default=None))


def context_length(twin: Twin) -> int:
    """The context length in tokens that the step quantize wrote into Ollama's params file."""
    try:
        return int(json.loads(twin.file("params").read_text(encoding="utf-8"))["num_ctx"])
    except (OSError, ValueError, KeyError, TypeError):
        return _DEFAULT_CONTEXT


def run(twin: Twin, settings: Talk, progress: Progress) -> Outcome:
    """Answer one question, or hold a conversation until the owner ends it."""
    path = gguf_file(twin, settings.type)
    if threading.current_thread() is threading.main_thread():
        # Progress handles Ctrl-C by setting a flag, which would not interrupt input().
        signal.signal(signal.SIGINT, signal.default_int_handler)
    with Llama(path, context_length(twin)) as llama:
        if settings.question:
            _print_answer(llama, [{"role": "user", "content": settings.question}], settings)
        else:
            _converse(llama, twin, settings)
    return Outcome({}, twin.inputs(path), [], settings)


def _converse(llama, twin, settings):
    """Answer line after line of the input until it ends."""
    if sys.stdin.isatty():
        print(t("talk.welcome", author=twin.author, file=llama.path.name))
    messages = []
    try:
        while (line := _read_line()) is not None:
            if line:
                question = {"role": "user", "content": line}
                messages = _answer(llama, [*messages, question], settings)
    except KeyboardInterrupt:
        print()
    print(t("talk.bye"))


def _answer(llama, messages, settings):
    """The conversation with the answer to its last question; without that question on an error."""
    newest = newest_messages(llama, messages, min(settings.tokens, llama.context // 2))
    try:
        answer = _print_answer(llama, newest, settings)
    except TwinError as error:
        print(error, flush=True)
        return messages[:-1]
    return [*newest, {"role": "assistant", "content": answer}]


def _read_line():
    """The next line of the input, or None at its end and for /bye."""
    try:
        line = input("> " if sys.stdin.isatty() else "").strip()
    except EOFError:
        return None
    return None if line.lower() in _FAREWELLS else line


def _print_answer(llama, messages, settings):
    """Print the answer while it is generated, and return it without its reasoning."""
    temperature = None if settings.temperature == AUTO else settings.temperature
    answer = llama.chat(
        messages, settings.tokens, temperature, seed=settings.seed, on_text=_print, recommended=True
    )
    print("" if answer.text.strip() else t("talk.empty_answer"), flush=True)
    return without_thinking(answer.text)


def _print(text):
    print(text, end="", flush=True)


def newest_messages(llama: Llama, messages: list[dict], reserved: int) -> list[dict]:
    """The newest turns of a conversation that leave `reserved` tokens of the context free."""
    limit = llama.context - reserved
    while len(messages) > 2 and len(llama.tokenize(llama.prompt(messages))) > limit:
        messages = messages[2:]
    return messages
