"""What comes next in a text: the answer to "and then?" after the author's sentences were shown.

The place is found by what was said: the answer before has sentences of a passage word for word, or
it rests on a passage. What follows there and was not said yet is told, or that this is all.
"""

import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from ..text.script import language_of
from ..text.style import tidy
from . import lexical
from .index import Index, Passage
from .own_words import LONGEST

_SHORTEST = {"zh": 6, "en": 20}  # characters of a sentence by which a passage is recognised
_MARKS = re.compile(r"[\s,.;:!?…~，。；：！？、—-]+")
_EN = re.compile(
    r"(?:(?:and|so|but|ok|okay|well|yes|please|oh|now) )*"
    r"(?:then|and|next|more|after (?:that|this)|afterwards|later|go on|continue|carry on|keep going"
    r"|read on|is that (?:all|it)|(?:can you |could you )?(?:tell|say) (?:me )?more"
    r"|(?:is|was) there (?:any ?(?:thing )?)?(?:more|else)"
    r"|(?:anything|something|what) (?:more|else)"
    r"|what (?:happened|came|comes|happens|was|is|did (?:you|he|she|they) do)?"
    r"(?: ?(?:then|next|else|after(?: (?:that|this)|wards)?|later|in the end))"
    r"|how (?:did|does) (?:it|that|this|the story) (?:end|go on|continue|turn out))"
    r"(?: (?:then|please|about (?:it|that|this)|happen(?:ed)?|to (?:it|that)|now))*"
)
_ZH = re.compile(
    "(?:那|那么|哦|嗯|好|好的|请|可是|再|你|您)*"
    "(?:(?:后来|然后|接着|之后|后面|再后来|接下来|最后|结果|以后|这以后|那以后|下文|下面)"
    "(?:又|怎么样|怎样|怎么|如何|发生|什么|啥|事|说|讲|写|的)*"
    "|(?:继续|接着|往下|再)(?:往下|说|讲|聊|念|读|点|一点|下去|多|些|一些)*"
    "|多(?:说|讲)(?:一点|点|些|一些)|还有(?:别的|什么|更多)?|(?:没有?|完)|(?:就)?(?:这些|这样|完))"
    "(?:了|呢|吗|嘛|吧|呀|啊|没有|没)*"
)


class Place(NamedTuple):
    """Where something of a passage ends that was told: `end` is a place in its text."""

    passage: Passage
    end: int


def is_asked(question: str) -> bool:
    """Whether a question asks for nothing but what comes next."""
    asked = _MARKS.sub(" ", tidy(question)).strip()
    return bool(_EN.fullmatch(asked) or _ZH.fullmatch(asked.replace(" ", "")))


def last_told(index: Index, answer: str) -> Place | None:
    """Where the first paragraph of an answer that stands in a passage ends there.

    The first one is the likeliest answer. None where none has a sentence of a passage.
    """
    for paragraph in filter(None, (each.strip() for each in answer.split("\n"))):
        told = lexical.sentences(paragraph)
        if not told or len(told[0]) < _SHORTEST[language_of(told[0])]:
            continue
        for passage in index.passages:
            start = passage.text.find(told[0])
            if start >= 0:
                end = start + len(paragraph)
                whole = passage.text[start:end] == paragraph
                return Place(passage, end if whole else start + len(told[0]))
    return None


def after(
    index: Index, place: Place, said: Iterable[str], splits: Sequence[str] | None = None
) -> tuple[Passage, str] | None:
    """(passage, what follows there and was not said): whole sentences; None at the text's end."""
    told = "\n".join(said)
    for passage in _from(index, place.passage, splits):
        start = place.end if passage is place.passage else 0
        if found := _unsaid(passage, start, told):
            return passage, found
    return None


def _from(index, passage, splits):
    """A passage and those behind it in its document."""
    yield passage
    allowed = index.allowed(splits)
    for at in range(index.place(passage) + 1, len(index.passages)):
        if index.passages[at].document != passage.document:
            return
        if allowed[at]:
            yield index.passages[at]


def _unsaid(passage, start, told):
    """The first sentences behind `start` that were not told, as many as are shown at once."""
    first = last = None
    for sentence in lexical.sentences(passage.text[start:]):
        begin = passage.text.find(sentence, last or start)
        end = begin + len(sentence)
        if first is None and sentence in told:
            last = end
            continue
        if first is not None and (
            sentence in told or end - first > 1.5 * LONGEST[passage.language]
        ):
            break
        first, last = begin if first is None else first, end
    return "" if first is None else passage.text[first:last]
