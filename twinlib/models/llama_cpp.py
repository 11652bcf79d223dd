"""The one place that speaks to llama.cpp: a GGUF file's chat, completions, tokens and prompts.

llama.cpp runs inside this process (the xllamacpp wheel, nothing to compile) behind its own HTTP
server, which nobody else can reach (see _Door). Prompts are made by the file's own chat template,
and answers are not parsed: llama.cpp's chat parsers refuse an answer that isn't in its model's
format, and a small twin may ramble.
"""

import contextlib
import functools
import http.client
import json
import os
import secrets
import signal
import socket
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path
from typing import NamedTuple

from ..files import TwinError
from ..i18n import t
from . import load, special_tokens

SLOTS = 4  # conversations that can run at once; they share the context
_SHARED = 8  # tokens that conversations begin with in common, from which on they are copied
# In Ollama's order, as in generate.nucleus. These values switch off what a call does not set.
_SAMPLING = {
    "top_k": 0,
    "min_p": 0.0,
    "repeat_penalty": 1.0,
    "samplers": ["penalties", "top_k", "temperature", "top_p", "min_p"],
}
# The same likeliest token, found without sorting the vocabulary, which takes longer than the model.
_GREEDY = {**_SAMPLING, "top_k": 1, "samplers": ["penalties", "top_k"]}
# If a schema allows whitespace between JSON tokens, a small model writes line breaks for ever.
_COMPACT_JSON = {
    "x-guidance": {"whitespace_flexible": False, "item_separator": ", ", "key_separator": ": "}
}
# For Qwen3's template, and as in training: answers without thinking.
_TEMPLATE_OPTIONS = {"chat_template_kwargs": {"enable_thinking": False}}


class Answer(NamedTuple):
    """One answer: its text, whether the model ended it by itself, its tokens, seconds taken.

    `prompt_tokens` are those of what was asked.
    """

    text: str
    ended: bool
    tokens: int
    seconds: float
    prompt_tokens: int = 0


class Halted(Exception):
    """Raised where an answer is waited for that a Halt ended."""


class Halt:
    """Ends an answer from another thread, also before its first word: `halt()`."""

    def __init__(self):
        self.called, self._connection = False, None

    def __call__(self) -> None:
        self.called = True
        if self._connection is not None:
            _shut(self._connection)

    def holds(self, connection: http.client.HTTPConnection) -> None:
        """Take the connection whose answer is to be ended."""
        self._connection = connection
        if self.called:
            raise Halted


def _shut(connection):
    with contextlib.suppress(OSError, AttributeError):  # it has just ended
        connection.sock.shutdown(socket.SHUT_RDWR)


class _Door:
    """Where the server of a file listens: what no web page and no other user can reach.

    A page can send requests to any port of this machine, and read the answers where its name has
    been rebound to this address. So there is no port but a socket in a folder of this user's;
    where a system has none (Windows), a port of loopback that wants a random key and allows no
    origin.
    """

    def __init__(self):
        self.key = secrets.token_urlsafe(24)
        self._folder = self._path = self._address = None
        if hasattr(socket, "AF_UNIX"):
            # A folder that its owner alone can open, and that goes with this object.
            self._folder = tempfile.TemporaryDirectory(prefix="twin-", ignore_cleanup_errors=True)
            self._path = f"{self._folder.name}/llama.sock"  # the ending says what it is

    def prepare(self, params) -> None:
        """Say in llama.cpp's parameters where it listens, and whom it answers."""
        params.hostnames = [self._path or "127.0.0.1"]
        params.api_keys = [self.key]
        params.cors_origins, params.cors_credentials = "", False

    def opened(self, address: str) -> None:
        """Take the address at which llama.cpp listens."""
        self._address = address.removeprefix("http://")

    def connection(self) -> http.client.HTTPConnection:
        """A new connection, past every proxy."""
        if self._path is None:
            return http.client.HTTPConnection(self._address)
        connection = http.client.HTTPConnection("localhost")
        connection.sock = socket.socket(socket.AF_UNIX)
        connection.sock.connect(self._path)
        return connection

    def close(self) -> None:
        if self._folder:
            self._folder.cleanup()


class Llama:
    """A loaded GGUF file: `with Llama(path) as llama: llama.chat(messages)`.

    `context` is in tokens, at most the model's own, and shared by the `slots` conversations that
    can run at once. `precise` keeps keys and values in 32 bits instead of 16. `threads` is the
    number of computing threads, by default one a core. Raises TwinError when the file can't be
    loaded.
    """

    def __init__(
        self,
        path: Path,
        context: int = 4096,
        precise: bool = False,
        threads: int | None = None,
        slots: int = SLOTS,
    ):
        self.path, self.context, self.slots = Path(path), context, slots
        if not self.path.is_file():
            raise TwinError(t("models.no_gguf_file", path=path))
        self._door, self._shared = _Door(), []
        self._letters = special_tokens.PlainLetters(self.tokenize)
        self._kept = tempfile.TemporaryDirectory(prefix="twin-", ignore_cleanup_errors=True)
        options = context, precise, threads, slots, f"{self._kept.name}{os.sep}"
        try:
            with _interrupts_wait():
                self._server = _load(self.path, *options, self._door)
                # A server that is freed before its loop runs hangs; an answer proves that it runs.
                self.request("/slots")
        except BaseException:
            self.close()
            raise

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.close()

    def close(self) -> None:
        """Free the model's memory."""
        self._server = None
        self._door.close()
        self._kept.cleanup()

    @property
    def closed(self) -> bool:
        """Whether the model was freed."""
        return self._server is None

    def chat(
        self,
        messages: list[dict],
        max_tokens: int = 200,
        temperature: float | None = 0.7,
        ending: tuple[str, int] | None = None,
        **options,
    ) -> Answer:
        """The Answer to a list of messages, by the file's own template; `options`: see complete.

        `ending` is (text, tokens): what is put after an answer that was cut off at `max_tokens`,
        and how many more may follow it.
        """
        prompt = self.asked(messages)
        if self.stop_text:
            options["stop"] = [*(options.get("stop") or ()), self.stop_text]
        answer = self.complete(prompt, max_tokens, temperature, **options)
        if not ending or answer.ended:
            return answer
        said = answer.text + ending[0]
        if until := options.get("until"):
            options["until"] = lambda text: until(said + text)
        whole = prompt + (said if isinstance(prompt, str) else self.tokenize(said, special=False))
        last = self.complete(whole, ending[1], temperature, **options)
        counts = answer.tokens + last.tokens, answer.seconds + last.seconds, answer.prompt_tokens
        return Answer(said + last.text, last.ended, *counts)

    @functools.cached_property
    def stop_text(self) -> str:
        """The text that ends an answer besides the tokens that do; '' for most files."""
        return load.stop_text(self.request("/props").get("chat_template") or "")

    def asked(self, messages: list[dict], start: str = "") -> str | list[int]:
        """The prompt of messages and the answer's first words, to be completed.

        Its token ids where they spell control tokens, which are letters.
        """
        texts = [*messages, {"content": start}]
        marked = self._letters.shielded(texts)
        if marked == texts:
            return self.prompt(messages) + start
        return self._letters.encode(self.prompt(marked[:-1]) + marked[-1]["content"])

    def chat_many(
        self,
        conversations: list[list[dict]],
        max_tokens: int = 200,
        temperature: float | None = 0.7,
        progress: Callable | None = None,
        on_answer: Callable[[int, Answer], None] | None = None,
        endings: Sequence[tuple[str, int]] | None = None,
        **options,
    ) -> list[Answer]:
        """The Answers to several conversations, in their order, as many at once as there are slots.

        `progress(done, total, note)` is called after each; when it raises, the rest is cancelled.
        `on_answer(number, answer)` is called as soon as a conversation has its answer, in any
        order. `endings` are those of `chat`, one a conversation. What all of them begin with is
        computed once.

        Sums in a batch are added up in another order, so that of two nearly equal tokens the other
        one may be the likeliest; an answer may then differ from the one that is given alone.
        """
        endings = endings or [None] * len(conversations)
        prompts = [self.tokenize(self.prompt(c)) for c in conversations]
        longest = (
            max(map(len, prompts), default=0)
            + max_tokens
            + max((e[1] for e in endings if e), default=0)
        )
        workers = max(1, min(self.slots, self.context // max(longest, 1)))
        self._share(prompts, min(workers, len(prompts)))
        halts, answers = [Halt() for _ in conversations], [None] * len(conversations)
        with ThreadPoolExecutor(workers) as pool:
            running = {
                pool.submit(self.chat, c, max_tokens, temperature, ending, halt=halt, **options): n
                for n, (c, ending, halt) in enumerate(zip(conversations, endings, halts))
            }
            try:
                for done, future in enumerate(as_completed(running), 1):
                    answers[running[future]] = future.result()
                    if on_answer:
                        on_answer(running[future], future.result())
                    if progress:
                        progress(done, len(conversations), t("models.answers"))
            except BaseException:
                pool.shutdown(wait=False, cancel_futures=True)
                for halt in halts:
                    halt()
                raise
        return answers

    def _share(self, prompts, count):
        """Put what all prompts begin with into `count` slots, of which one computes it.

        A slot takes from its own earlier text what the next prompt begins with, so this is for
        slots that hold nothing of it yet.
        """
        start = os.path.commonprefix(prompts)
        if count < 2 or len(start) < _SHARED or start == self._shared:
            return
        first, *others = range(count)
        file = {"filename": "start"}
        try:
            self.request("/completion", {"prompt": start, "n_predict": 0, "id_slot": first})
            self.request(f"/slots/{first}?action=save", file)
            for slot in others:
                self.request(f"/slots/{slot}?action=restore", file)
        except TwinError:  # it can't be copied, or is too long: each slot computes its own
            pass
        self._shared = start

    def complete(
        self,
        prompt: str | list[int],
        max_tokens: int = 200,
        temperature: float | None = 0.7,
        top_p: float = 0.9,
        seed: int = 1,
        schema: dict | None = None,
        on_text: Callable[[str], None] | None = None,
        recommended: bool = False,
        stop: list[str] | None = None,
        halt: Halt | None = None,
        until: Callable[[str], bool] | None = None,
        **cuts,
    ) -> Answer:
        """The Answer that continues a text or token ids, without any template.

        `schema` is a JSON schema that the answer must follow. `on_text` is called with each piece
        of text as it comes. With `recommended` the sampling values in the file apply, its
        temperature too where `temperature` is None; otherwise `top_p`. `cuts` are other values of
        llama.cpp's sampling, such as top_k, min_p and repeat_penalty. An answer ends before a text
        of `stop`, and as soon as `until(text so far)` holds. Raises TwinError when the text exceeds
        the context, Halted after `halt()`.
        """
        body = {
            "prompt": prompt,
            "n_predict": max_tokens,
            "seed": seed,
            "stream": bool(on_text or until),
        }
        if temperature is not None:
            body["temperature"] = temperature
        if not recommended:
            body |= _GREEDY if temperature == 0 else {"top_p": top_p, **_SAMPLING}
        body |= cuts
        if schema is not None:
            body["json_schema"] = {**_COMPACT_JSON, **schema}
        if stop:
            body["stop"] = stop
        started = time.monotonic()
        if body["stream"]:
            last = self._streamed(body, on_text, halt, until)
        else:
            last = self.request("/completion", body, halt)
        seconds = time.monotonic() - started
        ended = last["stop_type"] in ("eos", "word")
        counts = last["tokens_predicted"], seconds, last["tokens_evaluated"]
        return Answer(last["content"], ended, *counts)

    def greedy(self, ids: list[int], max_tokens: int) -> list[int]:
        """The greedy continuation of token ids, up to an end token, as token ids."""
        body = {
            "prompt": list(ids),
            "n_predict": max_tokens,
            "temperature": 0,
            "return_tokens": True,
            **_GREEDY,
        }
        return self.request("/completion", body)["tokens"]

    def tokenize(self, text: str, special: bool = True, add: bool | None = None) -> list[int]:
        """The token ids of a text; `special` parses turn tokens in it, `add` puts bos first.

        `add` is as `special` where it is not given.
        """
        add = special if add is None else add
        body = {"content": text, "add_special": add, "parse_special": special}
        return self.request("/tokenize", body)["tokens"]

    def prompt(self, messages: list[dict]) -> str:
        """A list of messages as text by the file's own template, up to where the answer starts."""
        body = {"messages": list(messages), **_TEMPLATE_OPTIONS}
        return self.request("/apply-template", body)["prompt"]

    def page(self, path: str) -> tuple[str, bytes] | None:
        """(type, content with gzip) of a file of llama.cpp's web page; None where there is none."""
        try:
            with self._post(path, None, more={"Accept-Encoding": "gzip"}) as answer:
                if answer.headers["Content-Encoding"] == "gzip":
                    return answer.headers["Content-Type"], answer.read()
        except TwinError:
            pass
        return None

    def request(self, path: str, body: dict | None = None, halt: Halt | None = None) -> dict | list:
        """The JSON that llama.cpp's server answers; without a body the request is a GET."""
        with self._post(path, body, halt) as answer:
            return json.load(answer)

    def _streamed(self, body, on_text, halt, until):
        """The last event of a completion, with the whole text as its content."""
        pieces, event = [], {}
        with self._post("/completion", body, halt) as lines:
            for line in lines:
                if line.startswith(b"data: {"):
                    event = json.loads(line[6:])
                    if piece := event.get("content"):
                        pieces.append(piece)
                        if on_text:
                            on_text(piece)
                        if until and until("".join(pieces)):
                            event = {**event, "stop_type": "word"}
                            break
            if "stop_type" not in event:
                raise TwinError(t("models.answer_interrupted"))
        return {**event, "content": "".join(pieces)}

    @contextlib.contextmanager
    def _post(self, path, body, halt=None, more=()):
        """The answer of llama.cpp's server, as a file; whatever leaves the context ends it."""
        headers = {"Authorization": f"Bearer {self._door.key}", "Content-Type": "application/json"}
        headers |= dict(more)
        data = None if body is None else json.dumps(body).encode()
        with contextlib.closing(self._door.connection()) as connection:
            try:
                if halt:
                    halt.holds(connection)
                connection.request("GET" if data is None else "POST", path, data, headers)
                answer = connection.getresponse()
                if answer.status >= 400:
                    raise _refusal(answer)
                yield answer
            except (OSError, http.client.HTTPException, TwinError, ValueError):
                if halt and halt.called:
                    raise Halted from None
                raise


def _refusal(answer):
    """A TwinError for an answer that llama.cpp refuses."""
    reason = json.loads(answer.read() or b"{}").get("error", {})
    if reason.get("type") == "exceed_context_size_error":
        return TwinError(t("models.text_exceeds_context", tokens=reason["n_ctx"]))
    why = reason.get("message", answer.reason)
    return TwinError(t("models.llama_cpp_refused", reason=why))


@contextlib.contextmanager
def _interrupts_wait():
    """A context at whose end a Ctrl-C of the meantime is handled; llama.cpp takes both signals."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    pressed = []
    before = signal.signal(signal.SIGINT, lambda *_: pressed.append(True))
    ends = signal.getsignal(signal.SIGTERM)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
        signal.signal(signal.SIGTERM, ends)
        if pressed:
            signal.raise_signal(signal.SIGINT)


def _load(path, context, precise, threads, slots, folder, door):
    import xllamacpp

    params = xllamacpp.CommonParams()
    params.model.path = str(path)
    params.n_ctx, params.n_parallel, params.kv_unified = context, slots, True
    params.verbosity, params.warmup = -1, False
    params.cache_ram_mib, params.slot_save_path = 0, folder
    params.n_batch = params.n_ubatch  # who hangs up frees its slot after so many tokens
    if threads:
        params.cpuparams.n_threads = params.cpuparams_batch.n_threads = threads
    if precise:
        params.cache_type_k = params.cache_type_v = xllamacpp.ggml_type.GGML_TYPE_F32
    door.prepare(params)
    try:
        server = xllamacpp.Server(params)
    except RuntimeError:
        raise TwinError(t("models.gguf_not_loadable", name=path.name)) from None
    door.opened(server.listening_address)
    return server
