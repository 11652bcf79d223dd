"""Who and what the twin is: answered by rule, since a small model forgets that it is one.

A question that asks just that gets the answers of data/identity.yaml that training rows teach, in
its own language. "Who are you to judge Wagner?" is none.
"""

import functools
import re

from ..i18n import data
from ..text import script
from ..text.style import tidy

_LONGEST = 120  # characters of a question on nothing else
_MARKS = re.escape(" ,.;:!?…~-—–\"'()，。；：！？、《》（）")


def told(question: str, author: str) -> str:
    """The true answer to a question on who or what the twin is; '' for all others."""
    if len(question) > _LONGEST:
        return ""
    language = script.language_of(question)
    greeting, rules = _rules(language, author)
    answers = {entry["question"]: entry["answer"] for entry in data("identity")[language]}
    for asked, answer in answers.items():
        if tidy(question) == tidy(asked.format(author=author)):
            return answer.format(author=author)
    found = []
    for sentence in script.sentences(tidy(question)):
        if greeting.fullmatch(sentence):
            continue
        rule = next((answer for rule, answer in rules if rule.fullmatch(sentence)), None)
        if rule is None:
            return ""
        found.append(answers[rule].format(author=author))
    return ("" if language == "zh" else " ").join(dict.fromkeys(found))


@functools.lru_cache(maxsize=8)
def _rules(language, author):
    """(what a greeting alone is, [(regular expression of a sentence, question answered)])."""
    texts = data("identity_questions")[language]
    parts = {"ai": texts["ai"], "person": texts["person"], "author": "|".join(names(author))}
    edge = f"[{_MARKS}]" + ("*" if language == "zh" else "+")  # Chinese words need none
    before = f"[{_MARKS}]*(?:(?:{texts['before']})(?:{edge}|$))*"
    after = f"(?:{edge}(?:{texts['after']}))*[{_MARKS}]*"
    rules = []
    for rule in texts["rules"]:
        asked = rule["asked"]
        for name, words in parts.items():
            asked = asked.replace(f"{{{name}}}", f"(?:{words})")
        rules.append((re.compile(f"{before}(?:{asked}){after}"), rule["answer"]))
    return re.compile(before), rules


def names(author: str) -> list[str]:
    """The author's name as a regular expression, and its words, unless it is "The Old Man"."""
    words = [word for word in tidy(author).split() if len(word) > 2]
    described = tidy(author).split()[:1] in (["a"], ["an"], ["the"])
    return [re.escape(name) for name in dict.fromkeys([tidy(author), *words * (not described)])]
