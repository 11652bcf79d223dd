"""Answers of the twin to other programs' requests, several at a time, with memory and sources."""

import contextlib
import re
import threading
from collections.abc import Callable
from dataclasses import dataclass
from secrets import randbelow

from ..i18n import both, t
from ..memory.recall import SAMPLING, Cited, Memory, Recall
from ..memory.spoken import Enough, Spoken
from ..models.llama_cpp import Answer, Halt, Halted
from ..text import templates
from ..twin import Twin
from . import remember, small_talk, voices
from .chat_request import PLAIN, ChatRequest, Refused
from .limits import Limits

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

    `tokens` are those of the text and the footnotes. `ended` is False where the text was cut off
    at the number of tokens.
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
        given = messages
        told = "" if request.schema else small_talk.by_rule(messages, self.twin.author)
        if told:
            recall = Recall(question, [], told=told)
        elif request.memory and self.newest:
            with self._one_at_a_time:
                memory, _ = self.newest.memory()
                recall = memory and memory.recall(messages)
                if _answers(recall):
                    given = memory.given(recall, messages)
        turns = voices.fitting(self.llama, _system(system), given, tokens)
        return Prepared(request, memory, recall, turns, self._check_length(turns), tokens)

    def _check_length(self, turns):
        length = voices.prompt_length(self.llama, turns)
        if length >= self.llama.context:
            sentence = t("models.text_exceeds_context", tokens=self.llama.context)
            raise Refused(400, "context_length_exceeded", sentence)
        return length

    def answer(
        self,
        asked: Prepared,
        on_text: Callable[[str], None],
        halt: Halt,
        address: Callable[[str], str] = str,
    ) -> Reply:
        """The answer to a prepared request; raises Halted after `halt()`.

        Text and footnotes keep the client's number of tokens and its stop texts, whoever says
        them. `address` makes the address of a passage from its id.
        """
        request = asked.request
        limits = Limits(self._count, asked.tokens, request.stop, on_text)
        if told := asked.recall and (asked.recall.refusal or asked.recall.told):
            limits(told)
            limits.end()
            return self._reply(asked, limits.text.strip(), limits, not limits.too_long, address)
        chosen = dict(request.sampling)
        if self.temperature is not None:
            chosen.setdefault("temperature", self.temperature)
        if _answers(asked.recall):
            chosen = {**SAMPLING, **chosen}
        temperature = chosen.pop("temperature", None)
        seed = chosen.pop("seed", None)
        with self._room.taken(asked.prompt_tokens + asked.tokens, halt):
            remembers = _answers(asked.recall) and not request.schema
            said_aloud = Spoken(asked.memory, asked.recall, limits) if remembers else None

            def aloud(piece):
                if limits.ended:
                    raise Enough
                said_aloud(piece)

            try:
                said = self.llama.chat(
                    asked.turns,
                    asked.tokens,
                    temperature,
                    seed=randbelow(2**31) if seed is None else seed,
                    schema=request.schema,
                    stop=[] if remembers else request.stop,  # of the text, not of the draft
                    on_text=_cleaned(aloud if remembers else on_text),
                    recommended=True,
                    halt=halt,
                    **chosen,
                )
            except Enough:
                said = Answer("", True, 0, 0.0, asked.prompt_tokens)
        text = templates.without_thinking(said.text)
        if not remembers:
            return self._reply(asked, text, limits, said.ended, address, said)
        by_model = bool(said_aloud.text.strip())
        with self._one_at_a_time:
            whole = said_aloud.end()
        by_model = by_model or text.rstrip().endswith(whole)  # or else by the author
        limits.end()
        ended = limits.stopped or (not limits.too_long and (said.ended or not by_model))
        return self._reply(asked, limits.text.strip(), limits, ended, address, said)

    def _reply(self, asked, text, limits, ended, address, said=None):
        """The Reply with this text; `said` is the model's Answer where it was asked.

        Nothing follows a text that ended at a stop text.
        """
        cited = None
        if asked.recall and asked.memory:
            with self._one_at_a_time:
                cited = asked.memory.cited(asked.recall, text)
        follows = cited and not limits.stopped
        footnotes = self._footnotes(cited, text, asked.request, address) if follows else ""
        citations = _citations(text, cited, address) if cited else []
        is_counted = said and said.text.strip() == text and not footnotes
        tokens = said.tokens if is_counted else self._count(text + footnotes)
        prompt = said.prompt_tokens if said else asked.prompt_tokens
        return Reply(text, footnotes, citations, prompt, tokens, ended)

    def _count(self, text):
        return len(self.llama.tokenize(text, special=False))

    def _footnotes(self, cited, text, request, address):
        """What follows an answer, as many lines as the client's limits leave room for.

        A source's number is a link to its passage.
        """
        kept = ""
        lines = []
        for line, source in remember.under(cited, self.twin.author, text):
            if source:
                number, _, rest = line.partition(" ")
                line = f"[{number}]({address(source.passage)}) {rest}"
            lines.append(line)
            if source is None and len(lines) == 1 and cited.sources:
                continue  # the line that says whose words the next ones are
            more = _RULE + "\n\n".join(lines)
            if any(stop in text + more for stop in request.stop):
                break
            if request.tokens and self._count(text + more) > request.tokens:
                break
            kept = more
        return kept

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


def _citations(text: str, cited: Cited, address: Callable[[str], str]) -> list[dict]:
    """OpenAI's annotations."""
    found, place = [], 0

    def add(source, start, end):
        found.append(_citation(source, address(source.passage), start, end))

    for sentence, number in cited.sentences:
        start = text.find(sentence, place)
        if number is None or start < 0:
            continue
        place = start + len(sentence)
        add(cited.sources[number], start, place)
    # What the author says instead; all of them where the memory told it, with their numbers.
    numbered = {number for _, number in cited.sentences}
    for number, source in enumerate(cited.sources):
        if number not in numbered:
            add(source, len(text), len(text))
    return found


def _citation(source, url, start, end):
    title = source.title or source.date[:10] or source.quote[:40]
    place = {"start_index": start, "end_index": end}
    return {
        "type": "url_citation",
        "url_citation": {"url": url, "title": title, "content": source.quote, **place},
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
