"""Who answers in a chat: the twin's GGUF file, its weights, the base with a prompt, or the base.

Each is loaded when it answers first. One model in memory serves base, prompt and twin, with its
adapter off or on, as in the evaluation.
"""

import contextlib
from collections.abc import Callable
from pathlib import Path

from ..files import TwinError, json_or
from ..i18n import both, t
from ..models import estimate, free_memory, generate, load
from ..models.llama_cpp import Halt, Llama
from ..text import templates
from ..text.script import language_of
from ..twin import AUTO, Twin

# Who answers: the key of what people read.
VOICES = {
    "file": "talk.voice_file",
    "twin": "talk.voice_twin",
    "prompt": "talk.voice_prompt",
    "base": "talk.voice_base",
}
# Share of the available memory that a file may take; the rest is for the context and programs.
_MEMORY_SHARE = 0.6
_DEFAULT_CONTEXT = 4096  # tokens


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
    limit = _MEMORY_SHARE * free_memory.available()  # bytes
    sizes = {path: path.stat().st_size for path in files}
    fitting = (path for path, size in sizes.items() if size <= limit)
    return next(fitting, min(sizes, key=sizes.get, default=None))


def context_length(twin: Twin) -> int:
    """The context length in tokens that the step quantize wrote into Ollama's params file."""
    try:
        return int(json_or(twin.file("params"), {})["num_ctx"])
    except (ValueError, OverflowError, KeyError, TypeError):
        return _DEFAULT_CONTEXT


def name(voice: str) -> dict[str, str]:
    """{language: who answers}, as people read it."""
    return both(VOICES[voice])


def missing(twin: Twin, voice: str, kind: str = AUTO) -> str:
    """Why a voice can't answer, as a sentence with the next action; '' when it can."""
    if voice == "file":
        try:
            gguf_file(twin, kind)
        except TwinError as error:
            return str(error)
    elif not twin.facts.get("base", {}).get("name"):
        return t("talk.no_base")
    elif voice == "twin" and not twin.newest_adapter()[1]:
        return t("talk.no_adapter")
    return ""


def system_prompt(twin: Twin, voice: str, question: str) -> str:
    """What a voice is told about itself; nothing for the base.

    A twin is told what its training rows say, word for word: it answers in the question's language
    by itself. The prompted base is told which one `question` has, since its excerpts may be in two.
    """
    if voice == "base":
        return ""
    own = twin.facts.get("system_prompt", "").strip()
    if voice != "prompt":
        return own
    text = (twin.facts.get("persona_prompt") or own).strip()
    if not text or len(twin.facts.get("languages", [])) < 2:
        return text
    return f"{text}\n{both('talk.answer_in_this_language')[language_of(question)]}"


class Voices:
    """The voices of a twin: `with Voices(twin) as voices: voices.answer("file", messages, print)`.

    `kind` is the type of the GGUF file. `say` is called with a sentence when something that takes
    a while begins, such as loading a model.
    """

    def __init__(self, twin: Twin, kind: str = AUTO, say: Callable[[str], None] = print):
        self.twin, self.kind, self.say = twin, kind, say
        self._llama = self._weights = None

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.close()

    def close(self) -> None:
        """Free the memory of the models."""
        if self._llama is not None:
            self._llama.close()
        self._llama = self._weights = None

    def answer(
        self,
        voice: str,
        messages: list[dict],
        on_text: Callable[[str], None],
        tokens: int = 300,
        temperature: float | None = None,
        seed: int = 1,
        question: str = "",
        halt: Halt | None = None,
        cuts: dict | None = None,
    ) -> str:
        """A voice's answer to a conversation that ends with a question, without its reasoning.

        `on_text` is called with each piece as it comes; an exception of it ends the answer, and so
        does `halt()` from another thread, where the file answers, also before the first piece. With
        temperature None the recommended sampling applies, but for what `cuts` has. `question` is
        what was asked, where the last message has more than that. Raises TwinError when the voice
        can't answer.
        """
        if why := missing(self.twin, voice, self.kind):
            raise TwinError(why)
        system = system_prompt(self.twin, voice, question or messages[-1]["content"])
        turns = [{"role": "system", "content": system}] if system else []
        answer = self._of_file if voice == "file" else self._of_weights
        text = answer(voice, turns, messages, on_text, tokens, temperature, seed, halt, cuts or {})
        return templates.without_thinking(text)

    def llama(self) -> Llama:
        """The loaded GGUF file; raises TwinError where there is none."""
        path = gguf_file(self.twin, self.kind)
        if self._llama is None:
            self.say(t("talk.loading", name=path.name))
            self._llama = Llama(path, context_length(self.twin))
        return self._llama

    def _of_file(self, voice, system, messages, on_text, tokens, temperature, seed, halt, cuts):
        llama = self.llama()
        turns = fitting(llama, system, messages, tokens)
        how = {"seed": seed, "on_text": on_text, "recommended": True, "halt": halt, **cuts}
        answer = llama.chat(turns, tokens, temperature, **how)
        return answer.text

    def _of_weights(self, voice, system, messages, on_text, tokens, temperature, seed, halt, cuts):
        model, tokenizer = self._load()
        room = context_length(self.twin) - tokens

        def length(turns):
            return len(tokenizer(load.render(tokenizer, turns, generate=True))["input_ids"])

        adapter_off = getattr(model, "disable_adapter", contextlib.nullcontext)
        with contextlib.nullcontext() if voice == "twin" else adapter_off():
            answers = generate.answers(
                model,
                tokenizer,
                [newest_turns(system, messages, length, room)],
                tokens,
                seed=seed,
                on_text=on_text,
                **templates.sampling(0.7 if temperature is None else temperature) | cuts,
            )
        return answers[0].text

    def _load(self):
        """(model, tokenizer) of the base, with the twin's adapter where there is one."""
        if self._weights is None:
            name = self.twin.facts["base"]["name"]
            self.say(t("talk.loading", name=name))
            base = load.prepare(name)
            shape = estimate.shape(str(base.path))
            precision = load.fitting_precision(base, shape.parameters * 1e9) if shape else AUTO
            if precision is None:
                raise TwinError(t("talk.weights_too_large", name=name))
            self._weights = load.load(base, self.twin.newest_adapter()[1], precision)
        return self._weights


def fitting(llama: Llama, system: list[dict], messages: list[dict], tokens: int) -> list[dict]:
    """The newest turns that leave a file's context room for an answer of so many tokens."""
    room = llama.context - min(tokens, llama.context // 2)
    return newest_turns(system, messages, lambda turns: prompt_length(llama, turns), room)


def prompt_length(llama: Llama, turns: list[dict]) -> int:
    """The number of tokens of a conversation by the file's template."""
    return len(llama.tokenize(llama.prompt(turns)))


def newest_turns(
    system: list[dict], messages: list[dict], length: Callable[[list[dict]], int], limit: int
) -> list[dict]:
    """The system message and the newest turns of a conversation that take `limit` tokens at most.

    `length(turns)` is their number of tokens. The last question is kept, however long it is.
    """
    while len(messages) > 2 and length([*system, *messages]) > limit:
        messages = messages[2:]
    return [*system, *messages]
