"""The one place that speaks to llama.cpp: load a GGUF file, chat, complete, constrained JSON, tokens, prompts.

llama.cpp runs inside this process (the xllamacpp wheel, nothing to compile) behind its own server, which listens on
loopback at a free port. Prompts go through the file's own template and answers come back as the model gave them: its
chat parsers refuse an answer that doesn't look as one of its model's should, and a small twin may ramble.
"""

import json
import time
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

from ..files import TwinError
from ..i18n import t

SLOTS = 4  # conversations that can run at once; they share the context
# In Ollama's order, which is also that of generate.nucleus, and without what isn't asked for.
SAMPLING = {
    "top_k": 0,
    "min_p": 0.0,
    "repeat_penalty": 1.0,
    "samplers": ["penalties", "top_k", "temperature", "top_p", "min_p"],
}
# Where JSON may have blanks between its parts, a small model goes on with line breaks for ever.
COMPACT = {
    "x-guidance": {"whitespace_flexible": False, "item_separator": ", ", "key_separator": ": "}
}
AS_TRAINED = {
    "chat_template_kwargs": {"enable_thinking": False}
}  # Qwen3's templates ask whether to think first


class Answer(NamedTuple):
    """What the model said: `ended` when it stopped by itself, `tokens` it wrote, `seconds` it took in all."""

    text: str
    ended: bool
    tokens: int
    seconds: float


class Llama:
    """A loaded GGUF file: `with Llama(path) as llama: llama.chat(messages)`; raises TwinError when it can't load.

    `context` in tokens, at most what the model was made for. `precise` keeps keys and values in 32 bits instead of 16.
    `threads` that compute, all cores by default.
    """

    def __init__(self, path, context=4096, precise=False, threads=None):
        self.path, self.context = Path(path), context
        if not self.path.is_file():
            raise TwinError(t("models.no_gguf_file", path=path))
        self._server = _load(self.path, context, precise, threads)
        # A proxy of the environment has nothing to do with what stays on this machine.
        self._open = urllib.request.build_opener(urllib.request.ProxyHandler({})).open
        # A server that is freed before its loop runs waits for it forever; this request is answered from the loop.
        self._ask("/slots")

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.close()

    def close(self):
        """Free the model's memory."""
        self._server = None

    def chat(
        self,
        messages,
        max_tokens=200,
        temperature=0.7,
        top_p=0.9,
        seed=1,
        schema=None,
        heard=None,
        recommended=False,
        **cuts,
    ):
        """The Answer to a list of messages, through the file's own template.

        `schema` is a JSON schema that the answer is held to; `heard` is called with each piece of text as it comes.
        `recommended`: sampled as the file says that its model is best asked, at its own temperature where that is None;
        else `cuts` are top_k, min_p and repeat_penalty.
        """
        return self.complete(
            self.prompt(messages),
            max_tokens,
            temperature,
            top_p,
            seed,
            schema,
            heard,
            recommended,
            **cuts,
        )

    def chat_many(
        self,
        conversations,
        max_tokens=200,
        temperature=0.7,
        top_p=0.9,
        seed=1,
        schema=None,
        parallel=SLOTS,
        progress=None,
        **cuts,
    ):
        """The Answers to several conversations, in their order, up to `parallel` at once.

        `progress(done, total, note)` is called after each; when it raises, the rest is left undone.
        """

        def one(messages):
            return self.chat(messages, max_tokens, temperature, top_p, seed, schema, **cuts)

        longest = (
            max((len(self.tokenize(self.prompt(c))) for c in conversations), default=0) + max_tokens
        )
        together = max(1, min(parallel, SLOTS, self.context // max(longest, 1)))
        answers, pool = [], ThreadPoolExecutor(together)
        try:
            for answer in pool.map(one, conversations):
                answers.append(answer)
                if progress:
                    progress(len(answers), len(conversations), t("models.answers"))
        finally:
            pool.shutdown(cancel_futures=True)
        return answers

    def complete(
        self,
        prompt,
        max_tokens=200,
        temperature=0.7,
        top_p=0.9,
        seed=1,
        schema=None,
        heard=None,
        recommended=False,
        **cuts,
    ):
        """The Answer that goes on from a text, or from a list of token ids, without any template."""
        wish = {
            "prompt": prompt,
            "n_predict": max_tokens,
            "seed": seed,
            "stream": heard is not None,
        }
        if temperature is not None:
            wish["temperature"] = temperature
        if not recommended:
            wish |= {"top_p": top_p, **SAMPLING, **cuts}
        if schema is not None:
            wish["json_schema"] = {**COMPACT, **schema}
        started = time.monotonic()
        text, last = self._heard(wish, heard) if heard else self._whole(wish)
        return Answer(
            text, last["stop_type"] == "eos", last["tokens_predicted"], time.monotonic() - started
        )

    def greedy(self, ids, max_tokens):
        """The token ids that the model finds likeliest after these, one after another (an end token ends them)."""
        wish = {
            "prompt": list(ids),
            "n_predict": max_tokens,
            "temperature": 0,
            "return_tokens": True,
            **SAMPLING,
        }
        return self._ask("/completion", wish)["tokens"]

    def tokenize(self, text, special=True):
        """The token ids of a text; with `special`, turn tokens written in it count as such and bos comes first."""
        return self._ask(
            "/tokenize", {"content": text, "add_special": special, "parse_special": special}
        )["tokens"]

    def prompt(self, messages):
        """The text that the file's template makes of a list of messages, up to where the answer starts."""
        return self._ask("/apply-template", {"messages": list(messages), **AS_TRAINED})["prompt"]

    def _whole(self, wish):
        said = self._ask("/completion", wish)
        return said["content"], said

    def _heard(self, wish, heard):
        pieces, event = [], {}
        with self._post("/completion", wish) as lines:
            for line in lines:
                if line.startswith(b"data: {"):
                    event = json.loads(line[6:])
                    if piece := event.get("content"):
                        pieces.append(piece)
                        heard(piece)
        if "stop_type" not in event:
            raise TwinError(t("models.answer_broke_off"))
        return "".join(pieces), event

    def _ask(self, path, wish=None):
        with self._post(path, wish) as answer:
            return json.load(answer)

    def _post(self, path, wish):
        body = None if wish is None else json.dumps(wish).encode()
        request = urllib.request.Request(
            self._server.listening_address + path, body, {"Content-Type": "application/json"}
        )
        try:
            return self._open(request)
        except urllib.error.HTTPError as error:
            said = json.loads(error.read() or b"{}").get("error", {})
            if said.get("type") == "exceed_context_size_error":
                raise TwinError(t("models.text_exceeds_context", n_ctx=said["n_ctx"])) from None
            raise TwinError(
                t("models.llama_cpp_refused", said=said.get("message", error))
            ) from None


def _load(path, context, precise, threads):
    import xllamacpp

    wanted = xllamacpp.CommonParams()
    wanted.model.path = str(path)
    wanted.n_ctx, wanted.n_parallel, wanted.kv_unified = context, SLOTS, True
    wanted.verbosity, wanted.warmup, wanted.ui = -1, False, False
    wanted.cache_ram_mib = 0
    if threads:
        wanted.cpuparams.n_threads = wanted.cpuparams_batch.n_threads = threads
    if precise:
        wanted.cache_type_k = wanted.cache_type_v = xllamacpp.ggml_type.GGML_TYPE_F32
    try:
        return xllamacpp.Server(wanted)
    except RuntimeError:
        raise TwinError(t("models.gguf_not_loadable", name=path.name)) from None
