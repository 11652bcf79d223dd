"""Measures forgetting: instructions that the base follows and the twin no longer does.

Sixty instructions in English and Chinese, whose answers code can check: they ask for a form
(counts, beginnings, endings, formats) or for facts that every instruct model knows. Base and twin
get the same ones without a system prompt and answer greedily. The texts and the names of their
checks are in data/instructions.yaml.
"""

import json
import re
from functools import cache
from typing import NamedTuple

from ..i18n import both, data
from ..text import exercises, style
from ..text.script import word_count
from ..text.statistics import mcnemar
from ..twin import figure
from .ratings import Threshold, noted, percent, rated, share, too_few

MAX_TOKENS = 160  # of an answer
MIN_SHARE = 0.1  # of the tasks that the base does; below it there is hardly anything to forget


class Instruction(NamedTuple):
    """An instruction in `language`, and the checks of its answer: {name in CHECKS: argument}."""

    language: str
    text: str
    checks: dict


@cache
def instructions() -> tuple[Instruction, ...]:
    """All sixty instructions, the English ones first."""
    entries = data("instructions")
    return tuple(Instruction(code, **entry) for code in ("en", "zh") for entry in entries[code])


# Checks: functions of an answer (without surrounding blanks) and the argument in the data file


def _words(answer, bounds):
    """bounds is [least, most] or [least]."""
    count = word_count(answer)
    return bounds[0] <= count <= bounds[-1] if len(bounds) > 1 else bounds[0] <= count


def _lines(answer, count, pattern=r".+"):
    lines = [line.strip() for line in answer.splitlines() if line.strip()]
    return len(lines) == count and all(re.fullmatch(pattern, line) for line in lines)


def _sentences(answer, count):
    pattern = r"[^.!?。！？]*[^\s.!?。！？][^.!?。！？]*[.!?。！？]+"
    return len(re.findall(pattern, answer)) == count


def _parts(answer, count_and_separators):
    count, separators = count_and_separators
    parts = re.split(f"[{separators}]", answer.strip(" .。"))
    return sum(bool(part.strip()) for part in parts) == count and "\n" not in answer


def _questions(answer, count):
    return len(re.findall("[?？]", answer)) == count and answer[-1] in "?？"


def _letters(answer, size):
    allowed, forbidden = ("[A-Z]", "[a-z]") if size == "capital" else ("[a-z]", "[A-Z]")
    return bool(re.search(allowed, answer)) and not re.search(forbidden, answer)


def _list(answer, expected):
    return re.sub("[，、]", ",", re.sub(r"[\s.。]", "", answer.lower())) == expected


def _json(answer, expected):
    """An object has the expected values; an array the expected texts in any order."""
    try:
        parsed = json.loads(re.sub(r"^```(?:json)?\s*|\s*```$", "", answer))
        if isinstance(expected, list):
            return sorted(map(str.lower, parsed)) == sorted(expected)
        return all(str(parsed[key]).strip("岁") == str(value) for key, value in expected.items())
    except (ValueError, TypeError, AttributeError, KeyError):
        return False


CHECKS = {
    "words": _words,
    "lines": _lines,
    "bullets": lambda answer, count: _lines(answer, count, r"[-*•]\s*\S.*"),
    "numbered": lambda answer, count: _lines(answer, count, r"\d+[.)、．]\s*\S.*"),
    "sentences": _sentences,
    "parts": _parts,
    "questions": _questions,
    "holds": lambda answer, words: all(word in answer.lower() for word in words),
    "times": lambda answer, wanted: answer.lower().count(wanted[0]) == wanted[1],
    "without": lambda answer, signs: not any(sign in answer.lower() for sign in signs),
    "starts": lambda answer, text: answer.lower().startswith(text),
    "ends": lambda answer, text: answer.lower().rstrip(" \n\"'”’*").endswith(text),
    "last": lambda answer, character: answer.rstrip('。！!.”"').endswith(character),
    "only": lambda answer, answers: answer.strip(" .!。！\n\"'“”*").lower() in answers,
    "number": exercises.is_correct,
    "list": _list,
    "letters": _letters,
    "script": lambda answer, language: style.script_share(answer, language) > 0.9,
    "json": _json,
}


def follows(instruction: Instruction, answer: str) -> bool:
    """Whether an answer passes all checks of its instruction and doesn't repeat itself."""
    answer = answer.strip()
    if not answer or style.is_looping(answer, instruction.language):
        return False
    return all(CHECKS[name](answer, argument) for name, argument in instruction.checks.items())


# The figures


def forgetting(
    before: list[bool], after: list[bool], threshold: Threshold, name: str = "forgetting"
) -> dict[str, dict]:
    """{name: figure}: by how much the share of tasks done fell from base to twin, and both shares.

    `before` and `after` say for each task whether the base and the twin did it, in the same order.
    `name` is 'forgetting', for instructions, or 'forgetting.problems'.
    """
    n = len(before)
    key = "evaluate.of_instructions" if name == "forgetting" else "evaluate.of_problems"
    tasks = both(key)
    if not n:
        return {name: too_few(both("evaluate.no_tasks", tasks=tasks), 0)}
    gain, low, high, p = mcnemar(before, after)
    # 0.0 - gain, because -gain of 0 would be written as -0.0.
    fall = figure(0.0 - gain, -high, -low, n)
    counts = {"n": n, "base": sum(before), "twin": sum(after), "p": p}
    details = both("evaluate.forgetting", tasks=tasks, **counts)
    if sum(before) / n < MIN_SHARE:
        figures = {name: noted(fall, both("evaluate.nothing_to_forget"), details)}
    else:
        advice = both("evaluate.forgetting_advice")
        figures = {name: rated(fall, threshold, advice, details)}
    for variant, done in (("base", before), ("twin", after)):
        note = both("evaluate.tasks_done", share=percent(sum(done) / n), n=n, tasks=tasks)
        figures[f"{name}.{variant}"] = noted(share(sum(done), n), note)
    return figures
