"""Answers with memory: the author's passages before the question, and where an answer stands.

What goes before a question and what is cited afterwards is in memory/recall.py, which sentences of
an answer are passed on in memory/spoken.py. Where most of an answer is supported by no passage,
which is usual for a base under a billion parameters, the author's own sentences are shown with it.
"""

import re
from collections.abc import Callable
from itertools import pairwise

from ..files import TwinError
from ..i18n import t
from ..memory.recall import SAMPLING, Cited, Memory, Source
from ..memory.spoken import Enough, Spoken
from ..progress import width
from ..twin import Twin
from . import small_talk
from .voices import Voices

_LONG_QUOTE, _BEGINNING = 90, 60  # columns of a quotation that is shown whole, and of its beginning
_LONGEST_NOTE = 160  # characters of what the twin said by itself
FIRST_SEED = 1  # another seed asks for another answer


def answer(
    voices: Voices,
    memory: Memory | None,
    voice: str,
    messages: list[dict],
    on_text: Callable[[str], None],
    **sampling,
) -> tuple[str, Cited | None]:
    """A voice's answer and where it stands; the base alone is asked without memory.

    Who or what the twin is, and small talk, is told by rule. With passages before it the answer is
    the most likely one, unless `sampling` has a temperature or a further seed.
    """
    if voice != "base" and (told := small_talk.by_rule(messages, voices.twin.author)):
        on_text(told)
        return told, None
    if memory is None or voice == "base":
        return voices.answer(voice, messages, on_text, **sampling), None
    recall = memory.recall(messages)
    if reply := recall.refusal or recall.told:
        on_text(reply)
        return reply, memory.cited(recall, reply)
    given = memory.given(recall, messages)
    sampling["question"] = messages[-1]["content"]
    if recall.passages:
        cuts = dict(SAMPLING)
        surest = cuts.pop("temperature")
        if sampling.get("temperature") is None and sampling.get("seed", FIRST_SEED) == FIRST_SEED:
            sampling["temperature"] = surest
        sampling["cuts"] = cuts
    if not recall.passages:
        return voices.answer(voice, given, on_text, **sampling), None
    said = Spoken(memory, recall, on_text)
    try:
        voices.answer(voice, given, said, **sampling)
    except Enough:
        pass
    text = said.end()
    return text, memory.cited(recall, text)


def opened(twin: Twin, say: Callable[[str], None]) -> Memory | None:
    """The memory of a twin; None with a sentence about what is missing."""
    try:
        memory = Memory(twin)
    except TwinError as error:
        say(str(error))
        return None
    if memory.note:
        say(memory.note)
    elif why := twin.state("memory").why:
        say(t("talk.memory_is_stale", why=why))
    return memory


class Newest:
    """A twin's memory while it is talked to for long, opened again once it was made anew."""

    def __init__(self, twin: Twin):
        self.twin = twin
        self._opened: tuple | None = None

    def memory(self) -> tuple[Memory | None, list[str]]:
        """The memory, and sentences on what is missing."""
        made = self.twin.report_path("memory")
        when = made.stat().st_mtime_ns if made.exists() else None
        if self._opened is None or self._opened[0] != when:
            notes = []
            self._opened = when, opened(self.twin, notes.append), notes
        return self._opened[1:]


def under(cited: Cited, author: str, answer: str = "") -> list[tuple[str, Source | None]]:
    """What stands under an answer, each line with its source or None.

    First the author's own words, then what the twin said by itself. Of what stands in the answer
    already only the beginning is shown.
    """
    said = [(t("talk.author_says", author=author), None)] if cited.instead and cited.sources else []
    answer = answer or " ".join(text for text, _ in cited.sentences)
    for number, (before, each) in enumerate(pairwise([None, *cited.sources]), 1):
        said.append((source_text(number, each, before, answer), each))
    own = " ".join(dict.fromkeys(text for text, number in cited.sentences if number is None))
    own = own[:_LONGEST_NOTE] + "…" * (len(own) > _LONGEST_NOTE)
    return said + [(t("talk.own_words_of_the_twin", text=own), None)] * bool(own)


def lines(cited: Cited, author: str, answer: str = "") -> list[str]:
    """The lines of `under`."""
    return [text for text, _ in under(cited, author, answer)]


def source_text(number: int, source: Source, before: Source | None = None, answer: str = "") -> str:
    """'[1] from “title”, date: “quote”', with what it replies to where that is not clear.

    `before` is the source in the line above, which is not named twice. Of a quotation that stands
    in the answer only the beginning is shown.
    """
    quote = " ".join(source.quote.split())
    if "".join(quote.split()) in "".join(answer.split()):
        quote = _beginning(quote)
    values = {"date": source.date[:10] or t("talk.undated"), "quote": quote}
    title, asked = source.title, source.asked
    if before and _place(source) == _place(before):
        told = t("talk.cited_same", quote=quote)
    elif title and asked:
        told = t("talk.cited_reply", title=title, asked=asked, **values)
    elif asked:
        told = t("talk.cited_untitled_reply", asked=asked, **values)
    elif title:
        told = t("talk.cited", title=title, **values)
    else:
        told = t("talk.cited_untitled", **values)
    return f"[{number}] {told}"


def _place(source):
    """What a line names of a source: two without a title are the same if their passage is."""
    return source.title or source.passage, source.date[:10], source.asked


def _beginning(quote):
    """The first words of a long quotation, which tell which one it is."""
    if width(quote) <= _LONG_QUOTE:
        return quote
    shown = quote[:_BEGINNING]
    while width(shown) > _BEGINNING:
        shown = shown[:-1]
    if not quote[len(shown)].isspace():  # not in the middle of a word, which Chinese has no sign of
        shown = re.sub(r"(?<=\s)[^\s\u3040-\u9fff]*$", "", shown)
    return shown.rstrip(" ，,、；;：:") + " …"
