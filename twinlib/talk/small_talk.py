"""Greetings, thanks, insults and the like: answered by rule, as what the twin is.

They are no questions on the author's writing, so that no passage answers them, and a small model
answers them with "I am Ning". What is said is in data/small_talk_rules.yaml. A message in which
one clause is none of these, such as "Hello, do you lend your tools?", is left to the twin.
"""

import functools
import re
from typing import NamedTuple

from ..i18n import data
from ..text import script
from ..text.style import tidy
from . import identity

_LONGEST = 160  # characters of a message on nothing else
_CLAUSES = re.compile(r"[\s]*(?:[.,;:!?…~—–()\"“”，。；：！？、～\n]|(?<!\w)-+(?!\w))+[\s]*")


class _Kind(NamedTuple):
    """A kind of small talk: what a clause of it says, and the answer to it.

    One that is `whole` counts for the whole message, whatever the other clauses say.
    """

    said: re.Pattern
    answer: str
    whole: bool


def by_rule(messages: list[dict], author: str) -> str:
    """The answer to the end of a conversation where no model is needed for it; else ''.

    It says who or what the twin is, or answers small talk.
    """
    question = messages[-1]["content"] if messages else ""
    return identity.told(question, author) or told(question, author, len(messages) < 2)


def told(message: str, author: str, alone: bool = True) -> str:
    """The answer to small talk; '' for all else.

    Also to a message without a letter or digit, such as "?", where it is `alone`: the first of a
    conversation.
    """
    if not message.strip() or len(message) > _LONGEST:
        return ""
    language = "zh" if re.search("[，。？！]", message) else script.language_of(message)
    kinds, empty = _kinds(language, author)
    if not re.search(r"\w", message):
        return empty if alone else ""
    text = tidy(message).strip()
    clauses = [clause for clause in _CLAUSES.split(text) if re.search(r"\w", clause)]
    asks = text.rstrip(")\"' ")[-1:] in "?？"
    for kind in kinds:
        if kind.whole and any(map(kind.said.fullmatch, clauses[-1:] if asks else clauses)):
            return kind.answer
    found = [(_first(kinds, each), identity.told(each, author)) for each in clauses]
    if any(kind is None and not itself for kind, itself in found):
        return ""
    itself = next((answer for kind, answer in found if kind is None), "")
    return itself or kinds[min(kind for kind, _ in found)].answer


def _first(kinds, clause):
    """The number of the first kind that a clause is of; None where it is of none."""
    return next((n for n, kind in enumerate(kinds) if kind.said.fullmatch(clause)), None)


@functools.lru_cache(maxsize=8)
def _kinds(language, author):
    """(the kinds in the order in which they count, the answer to a message without a word)."""
    texts = data("small_talk_rules")[language]
    everywhere = {
        "bad": "|".join(texts["bad"].split()),
        "author": "|".join(identity.names(author)),
    }
    edge = "" if language == "zh" else " "  # Chinese words need none
    before = f"(?:(?:{texts['before']}){edge})*"
    after = f"(?:{edge}(?:{_filled(texts['after'], everywhere)}))*"
    kinds = []
    for kind in texts["kinds"]:
        words = everywhere | kind.get("words", {})
        said = "|".join(_filled(each, words) for each in kind["said"])
        rule = re.compile(f"{before}(?:{said}){after}")
        kinds.append(_Kind(rule, kind["answer"].format(author=author), kind.get("whole", False)))
    return kinds, texts["empty"].format(author=author)


def _filled(said, words):
    """A regular expression with the words that it names, which may name others."""
    while found := re.search(r"\{([a-z]+)\}", said):
        said = f"{said[: found.start()]}(?:{words[found[1]]}){said[found.end() :]}"
    return said
