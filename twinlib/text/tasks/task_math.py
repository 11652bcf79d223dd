"""MATH: competition problems in LaTeX, of levels 1 to 5, whose answer stands in a \\\\boxed{}.

Hendrycks et al., Measuring mathematical problem solving, 2021 (https://arxiv.org/abs/2103.03874).
Numbers are compared as in every task. Other answers (sets, intervals, expressions) are compared by
math-verify where it is installed, which knows 2x+1 from 1+2x; else letter by letter, after what
does not change their meaning is taken out.
"""

import re

from .. import exercises, numerals
from ..script import has_han
from .equivalence import is_equivalent

_SUBJECTS = (
    "algebra counting_and_probability geometry intermediate_algebra number_theory prealgebra "
    "precalculus"
)
HUB = ("EleutherAI/hendrycks_math", tuple(_SUBJECTS.split()))
_INSTRUCTIONS = {
    "en": "Think step by step, then write the answer in \\boxed{}.",
    "zh": "请一步步想，最后把答案写在 \\boxed{} 里。",
}
_NO_MEANING = re.compile(
    r"\\(?:left|right|displaystyle|[,;:! ])|\\text\s?\{\s*\}|[$\s]|\^\\circ|\\%|%"
)


def problem(record: dict) -> dict:
    """{problem, solution, level} as a problem; the answer is given or stands in the last box."""
    from . import Refused

    question = str(record.get("problem") or record.get("question") or "").strip()
    solution = str(record.get("solution", ""))
    answer = str(record.get("answer") or boxed(solution) or "").strip()
    if not question or not answer:
        raise Refused("train.no_boxed_answer")
    level = re.search(r"\d", str(record.get("level", "")))
    return {
        "question": question,
        "answer": answer,
        "steps": solution,
        "language": "zh" if has_han(question) else "en",
        "level": f"level {level[0]}" if level else "",
    }


def ask(problem: dict) -> str:
    """The question, and how to answer it."""
    return problem["question"] + "\n" + _INSTRUCTIONS[problem["language"]]


def boxed(text: str) -> str:
    """What stands in the last \\boxed{}, braces balanced; '' without one."""
    span = _box(text)
    return text[slice(*span)] if span else ""


def _box(text):
    start = max(text.rfind("\\boxed{"), text.rfind("\\fbox{"))
    if start < 0:
        return None
    start = at = text.index("{", start) + 1
    depth = 1
    while at < len(text) and depth:
        depth += {"{": 1, "}": -1}.get(text[at], 0)
        at += 1
    return (start, at - 1) if not depth else None


def taken(text: str, problem: dict) -> tuple[int, int] | None:
    """(start, end) of what the last box holds, else of what the extractor of numbers takes."""
    return _box(text) or exercises.taken(text)


def is_correct(text: str, problem: dict) -> bool:
    """Whether the text's answer means the same as the reference."""
    answer = problem["answer"]
    if numerals.whole(answer) is not None:
        return exercises.is_correct(text, answer, problem.get("question", ""))
    said = boxed(text) or (exercises.marked_answers(text) or [""])[-1].split("\n")[0]
    return bool(said.strip()) and (_plain(said) == _plain(answer) or is_equivalent(said, answer))


def _plain(answer):
    answer = re.sub(r"\\[dt]frac", r"\\frac", answer)
    answer = re.sub(r"\\(?:text|mathrm|mbox|textbf)\s?\{([^{}]*)\}", r"\1", answer)
    answer = re.sub(r"\\frac\s?(\d)\s?(\d)", r"\\frac{\1}{\2}", answer)
    answer = re.sub(r"^\s*[A-Za-z]\s*=(?!=)", "", answer)
    return _NO_MEANING.sub("", answer).rstrip(".").lower()
