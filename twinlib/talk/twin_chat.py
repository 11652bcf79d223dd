"""Answers of the twin to other programs' requests, several at a time, with memory and sources."""

import contextlib
import re
import threading
from collections.abc import Callable
from dataclasses import dataclass
from secrets import randbelow

from ..i18n import both, t
from ..memory.recall import SAMPLING, Cited, Memory, Recall, with_passages
from ..memory.spoken import Enough, Spoken
from ..models.llama_cpp import Answer, Halt, Halted
from ..text import templates
from ..twin import Twin
from . import identity, remember, voices
from .chat_request import PLAIN, ChatRequest, Refused

_RULE = "\n\n---\n\n"  # between an answer and its footnotes, as Markdown
_WAIT = 0.1  # seconds between two looks at whether a request that waits is still wanted


@dataclass(frozen=True)
class Prepared:
    """A request with what the memory has for it, and the turns that the model sees."""

    request: ChatRequest
    memory: Memory | None
    recall: Recall | None
    turns: list[dict]
    prompt_tokens: int
    tokens: int


@dataclass(frozen=True)
class Reply:
    """An answer: `footnotes` follow its text, `citations` are OpenAI's annotations.

    `ended` is False where the answer was cut off at the number of tokens.
    """

    text: str
    footnotes: str
    citations: list[dict]
    prompt_tokens: int
    tokens: int
    ended: bool


class TwinChat:
    """A twin that answers requests from several threads; its models are NAME and NAME-plain."""

    def __init__(
        self,
        twin: Twin,
        speakers: voices.Voices,
        newest: remember.Newest | None,
        tokens: int,
        temperature: float | None = None,
    ):
        self.twin, self.speakers, self.newest = twin, speakers, newest
        self.tokens, self.temperature = tokens, temperature
        self.llama = speakers.llama()
        self._room = _Room(self.llama.context)
        self._one_at_a_time = threading.Lock()  # of the memory, whose embeddings are not

    @property
    def models(self) -> list[str]:
        """The names of the models; the second one has no memory."""
        name = self.twin.name
        return [name, name + PLAIN] if self.newest else [name]

    def warm_up(self) -> None:
        """Read the model and the beginning of every prompt, so that the first answer has it."""
        system = voices.system_prompt(self.twin, "file", "")
        self.llama.chat([*_system(system), {"role": "user", "content": "."}], 1)

    def prepare(self, request: ChatRequest) -> Prepared:
        """Look for passages and choose the turns that fit; raises Refused for what is too long."""
        messages = [_without_footnotes(turn) for turn in request.messages]
        question = messages[-1]["content"]
        system = voices.system_prompt(self.twin, "file", question)
        system = "\n\n".join(filter(None, (system, request.system)))
        tokens = min(request.tokens or self.tokens, self.llama.context)
        self._check_length([*_system(system), messages[-1]])
        memory = recall = None
        itself = "" if request.schema else identity.told(question, self.twin.author)
        if itself:
            recall = Recall(question, [], told=itself)
        elif request.memory and self.newest:
            with self._one_at_a_time:
                memory, _ = self.newest.memory()
                recall = memory and memory.recall(messages)
        given = with_passages(recall.passages, messages) if _answers(recall) else messages
        turns = voices.fitting(self.llama, _system(system), given, tokens)
        return Prepared(request, memory, recall, turns, self._check_length(turns), tokens)

    def _check_length(self, turns):
        length = voices.prompt_length(self.llama, turns)
        if length >= self.llama.context:
            sentence = t("models.text_exceeds_context", tokens=self.llama.context)
            raise Refused(400, "context_length_exceeded", sentence)
        return length

    def answer(self, asked: Prepared, on_text: Callable[[str], None], halt: Halt) -> Reply:
        """The answer to a prepared request; raises Halted after `halt()`."""
        if text := asked.recall and (asked.recall.refusal or asked.recall.told):
            on_text(text)
            spoken = len(self.llama.tokenize(text, special=False))
            return Reply(text, *self._below(asked, text), asked.prompt_tokens, spoken, True)
        chosen = dict(asked.request.sampling)
        if self.temperature is not None:
            chosen.setdefault("temperature", self.temperature)
        if _answers(asked.recall):
            chosen = {**SAMPLING, **chosen}
        temperature = chosen.pop("temperature", None)
        seed = chosen.pop("seed", None)
        with self._room.taken(asked.prompt_tokens + asked.tokens, halt):
            remembers = _answers(asked.recall) and not asked.request.schema
            said_aloud = Spoken(asked.memory, asked.recall, on_text) if remembers else None
            try:
                said = self.llama.chat(
                    asked.turns,
                    asked.tokens,
                    temperature,
                    seed=randbelow(2**31) if seed is None else seed,
                    schema=asked.request.schema,
                    stop=asked.request.stop,
                    on_text=_cleaned(said_aloud or on_text),
                    recommended=True,
                    halt=halt,
                    **chosen,
                )
            except Enough:
                tokens = len(self.llama.tokenize(said_aloud.text, special=False))
                said = Answer("", True, tokens, 0.0, asked.prompt_tokens)
        text = templates.without_thinking(said.text)
        if said_aloud:
            with self._one_at_a_time:
                text = said_aloud.end()
        counts = said.prompt_tokens, said.tokens, said.ended
        return Reply(text, *self._below(asked, text), *counts)

    def _below(self, asked, text):
        """(footnotes, citations) of an answer."""
        if not asked.recall or not asked.memory:
            return "", []
        with self._one_at_a_time:
            cited = asked.memory.cited(asked.recall, text)
        if not cited:
            return "", []
        return _footnotes(cited, self.twin.author, text), _citations(text, cited)

    def passage(self, id: str):
        """The passage of that id, or None."""
        memory = self.newest and self.newest.memory()[0]
        found = (each for each in memory.index.passages if each.id == id) if memory else ()
        return next(iter(found), None)

    def embeddings(self, texts: list[str]):
        """Vectors of texts, of shape (texts, 384); raises Refused where there is no embedder."""
        from ..models import embed

        if not embed.has_e5():
            raise Refused(501, "no_embeddings", t("memory.no_e5"))
        import numpy

        vectors = []
        for text in texts:  # between two of them a question may be looked up
            with self._one_at_a_time:
                vectors.append(embed.E5().compute([text], False)[0])
        return numpy.array(vectors)


class _Room:
    """The context that all answers share, in tokens; who finds too little waits in turn."""

    def __init__(self, size: int):
        self._size = self._free = size
        self._changed, self._waiting = threading.Condition(), []

    @contextlib.contextmanager
    def taken(self, tokens: int, halt: Halt):
        """Hold so many tokens in the context; raises Halted when `halt()` comes first."""
        tokens, ticket = min(tokens, self._size), object()
        with self._changed:
            self._waiting.append(ticket)
            try:
                while self._waiting[0] is not ticket or self._free < tokens:
                    if halt.called:
                        raise Halted
                    self._changed.wait(_WAIT)
                self._free -= tokens
            finally:
                self._waiting.remove(ticket)
                self._changed.notify_all()
        try:
            yield
        finally:
            with self._changed:
                self._free += tokens
                self._changed.notify_all()


def _cleaned(on_text):
    """A function like `on_text` that passes on what without_thinking leaves of all pieces."""
    heard, passed = "", 0

    def hear(piece):
        nonlocal heard, passed
        heard += piece
        if not templates.may_be_thinking(heard):
            text = templates.without_thinking(heard)
            if text[passed:]:
                on_text(text[passed:])
            passed = len(text)

    return hear


def _system(text):
    return [{"role": "system", "content": text}] if text else []


def _answers(recall):
    """Whether an answer rests on passages."""
    return bool(recall and recall.passages and not (recall.refusal or recall.told))


def _footnotes(cited: Cited, author: str, answer: str) -> str:
    """What follows an answer; a source's number is a link to {id of its passage}."""
    lines = []
    for text, source in remember.under(cited, author, answer):
        if source:
            number, _, rest = text.partition(" ")
            text = f"[{number}]({{{source.passage}}}) {rest}"
        lines.append(text)
    return _RULE + "\n\n".join(lines) if lines else ""


def _citations(text: str, cited: Cited) -> list[dict]:
    """OpenAI's annotations; their addresses are ids of passages until the server fills them in."""
    found, place = [], 0
    for sentence, number in cited.sentences:
        start = text.find(sentence, place)
        if number is None or start < 0:
            continue
        place = start + len(sentence)
        found.append(_citation(cited.sources[number], start, place))
    if not cited.sentences:  # told by the memory, with the numbers of its sources in the text
        found = [_citation(source, len(text), len(text)) for source in cited.sources]
    numbered = {number for _, number in cited.sentences}
    if cited.sentences:  # what the author says instead
        others = [each for n, each in enumerate(cited.sources) if n not in numbered]
        found += [_citation(source, len(text), len(text)) for source in others]
    return found


def _citation(source, start, end):
    title = source.title or source.date[:10] or source.quote[:40]
    place = {"start_index": start, "end_index": end}
    return {
        "type": "url_citation",
        "url_citation": {"url": source.passage, "title": title, "content": source.quote, **place},
    }


def _without_footnotes(turn):
    """An earlier answer as the twin gave it: a client sends the footnotes back with it."""
    text, rule, below = turn["content"].rpartition(_RULE)
    if turn["role"] != "assistant" or not rule or not _begins_footnotes(below):
        return turn
    return {**turn, "content": text}


def _begins_footnotes(text):
    openings = [both("talk.own_words_of_the_twin", text="")[each] for each in ("en", "zh")]
    cited = re.search(r"^\[\[\d+\]\]\(\S+/passages/", text, re.MULTILINE)
    return bool(cited) or text.startswith(tuple(openings))
