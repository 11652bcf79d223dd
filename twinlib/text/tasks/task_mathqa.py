"""MathQA: word problems with five options, a) to e), one of them right.

Amini et al., MathQA: towards interpretable math word problem solving, 2019
(https://arxiv.org/abs/1905.13319). Records hold Problem, options, correct and linear_formula.
"""

import re

from .. import exercises, numerals
from ..exercises import MARKER
from ..script import HAN, has_han

HUB = ("regisss/math_qa", (None,))
_OPTION = re.compile(
    r"(?<![A-Za-z0-9])([a-e]) \) ?(.*?)(?=\s?[,，、;；]?\s?(?<![A-Za-z0-9])[a-e] \) |$)", re.DOTALL
)
_INSTRUCTIONS = {
    "en": "Think step by step, then write 'Answer:' and the letter of the right option.",
    "zh": "请一步步想，最后写“答案：”和正确选项的字母。",
}
# A letter that stands for itself: '(b)', 'b)', 'B.', but not the article in 'a number'.
_LETTER = re.compile(rf"(?<![A-Za-z0-9])\(?([A-Ea-e])(?=[)）.:：,，。*\s{HAN}]|$)(?!\s[a-z]{{2,}})")
_MOST = 6  # operations: longer ones are one class


def problem(record: dict) -> dict:
    """{Problem, options, correct} as a problem; `answer` is the letter."""
    from . import Refused

    question = str(record.get("Problem") or record.get("question") or "").strip()
    options = _options(record.get("options"))
    correct = str(record.get("correct") or record.get("answer") or "").strip().lower()[:1]
    if not question or correct not in options or len(options) < 2:
        raise Refused("train.no_options")
    listed = "\n".join(f"{letter}) {text}" for letter, text in options.items())
    operations = str(record.get("linear_formula") or "").count("|")
    return {
        "question": f"{question}\n{listed}",
        "answer": correct,
        "options": options,
        "steps": str(record.get("Rationale") or "").strip('" '),
        "language": "zh" if has_han(question) else "en",
        "level": min(operations, _MOST) if operations else "",
    }


def _options(given):
    """{letter: text} of 'a ) 38 , b ) 27.675 , …', or of a list."""
    if isinstance(given, dict):
        return {str(letter).lower()[:1]: str(text) for letter, text in given.items()}
    if isinstance(given, (list, tuple)):
        return dict(zip("abcde", map(str, given)))
    text = str(given or "").strip("[]'\" ").lower()
    text = re.sub(r"(?<![A-Za-z0-9])([a-e])\s?[)）]\s?", r"\1 ) ", text).replace("', '", " , ")
    return {letter: option.strip(" ,，、;；'\"") for letter, option in _OPTION.findall(text)}


def ask(problem: dict) -> str:
    """The question with its options, and how to answer it."""
    return problem["question"] + "\n" + _INSTRUCTIONS[problem["language"]]


def taken(text: str, problem: dict) -> tuple[int, int] | None:
    """(start, end) of the letter after the last answer marker, else of the value given there."""
    marks = list(MARKER.finditer(text))
    letter = _LETTER.search(text, marks[-1].end()) if marks else None
    if letter and letter.start() - marks[-1].end() < 40:
        return letter.span(1)
    alone = (
        list(re.finditer(r"[(（]([A-Ea-e])[)）]|(?<![A-Za-z0-9])([A-Ea-e])[)）]", text))
        if not marks
        else []
    )
    if alone:
        return alone[-1].span(1) if alone[-1][1] else alone[-1].span(2)
    return exercises.taken(text)


def is_correct(text: str, problem: dict) -> bool:
    """Whether the letter is right, or, where none is given, the value is that of the option."""
    span = taken(text, problem)
    if not span:
        return False
    said = text[slice(*span)].lower()
    if said in problem["options"]:
        return said == problem["answer"]
    values = {letter: numerals.whole(option) for letter, option in problem["options"].items()}
    given = numerals.whole(said)
    matching = [letter for letter, value in values.items() if value and value == given]
    return matching == [problem["answer"]]
