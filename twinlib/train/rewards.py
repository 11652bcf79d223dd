"""The rewards of GRPO: pure functions of texts and problems that give one number a text.

To add a reward, write a function here and enter it in REWARDS under a name that begins with
`reward_`: training sums the rewards, history.jsonl records the mean of each by name, and the
progress line and the plot show it. None means that a reward does not concern a problem.
"""

import re
from collections.abc import Callable, Sequence

from ..text import numerals, tasks
from ..text.exercises import BOXED, marked_answers
from . import nearness
from .nearness import Author

# A marked answer at the end of a text.
_MARKED = re.compile(
    rf"(?:Answer|答案)[*_]{{0,3}}\s*[:：]\s*([^\n]{{1,60}})\Z|{BOXED.pattern}[$*.。 ]{{0,6}}\Z"
)
# Small beside correctness where answers to a problem differ in that. Where they don't, it is all
# that differs, and with grpo.SCALE_REWARDS "group" the form is then learnt at full strength.
FORMAT_REWARD = 0.2
STEPS_REWARD = 0.1


def has_format(text: str, is_number: bool = True) -> bool:
    """Whether a text shows some work and then exactly one marked answer, by default a number.

    Bold, dollar signs and units do no harm: '**Answer:** 42', 'Answer: $42', '\\boxed{42}'.
    """
    match = _MARKED.search(text.strip())
    if not match or len(marked_answers(text)) != 1:
        return False
    has_work = text.strip()[: match.start()].strip("*_`$# \n")
    said = match[1] or match[2]
    return bool(has_work) and (not is_number or bool(numerals.chains(numerals.plainly(said))))


def correctness(texts: Sequence[str], problems: Sequence[dict]) -> list[float | None]:
    """1 for the right answer, else 0; None for prose."""
    marks = (tasks.is_correct(text, problem) for text, problem in zip(texts, problems))
    return [None if mark is None else float(mark) for mark in marks]


def form(texts: Sequence[str], problems: Sequence[dict]) -> list[float | None]:
    """FORMAT_REWARD for work followed by one marked answer, else 0; None for prose."""
    return [
        None
        if tasks.is_prose(problem)
        else FORMAT_REWARD * has_format(text, numerals.whole(problem["answer"]) is not None)
        for text, problem in zip(texts, problems)
    ]


def near(
    texts: Sequence[str], problems: Sequence[dict], author: Author | None
) -> list[float | None]:
    """Nearness to the owner's answer, at most 1 less the share of the style; None for others."""
    return _of_prose(texts, problems, author, lambda found: (1 - nearness.STYLE) * found.content)


def manner(
    texts: Sequence[str], problems: Sequence[dict], author: Author | None
) -> list[float | None]:
    """What the author's style adds to an answer that is near; None for others than prose."""
    return _of_prose(
        texts, problems, author, lambda found: nearness.STYLE * found.manner * found.content
    )


def _of_prose(texts, problems, author, worth):
    indices = [i for i, problem in enumerate(problems) if tasks.is_prose(problem)]
    rewards = [None] * len(problems)
    if indices:
        found = author.near([texts[i] for i in indices], [problems[i] for i in indices])
        for i, each in zip(indices, found):
            rewards[i] = worth(each)
    return rewards


def steps(texts: Sequence[str], problems: Sequence[dict]) -> list[float | None]:
    """Up to STEPS_REWARD for work in the words of the owner's steps; None where there are none."""
    return [
        STEPS_REWARD * nearness.shared_words(text, problem["steps"], problem["question"])
        if problem.get("steps") and problem.get("task") == "file"
        else None
        for text, problem in zip(texts, problems)
    ]


# {name in history.jsonl: reward}. The first two keep the names that older histories have.
REWARDS = {
    "correct": correctness,
    "form": form,
    "reward_near": near,
    "reward_style": manner,
    "reward_steps": steps,
}
_BY_AUTHOR = ("reward_near", "reward_style")
Reward = Callable[[Sequence[str], Sequence[dict]], list[float | None]]


def rewards_for(problems: Sequence[dict]) -> dict[str, Reward]:
    """{name: reward of (texts, problems)} of those that concern at least one of the problems.

    The author of prose is learnt from the problems' answers: pass those that are practised.
    """
    prose = [problem for problem in problems if tasks.is_prose(problem)]
    author = Author([(p["answer"], p["language"]) for p in prose]) if prose else None
    concerned = []
    if len(prose) < len(problems):
        concerned += ["correct", "form"]
    if prose:
        concerned += _BY_AUTHOR
    if any(problem.get("steps") and problem.get("task") == "file" for problem in problems):
        concerned.append("reward_steps")
    return {name: _bound(name, author) for name in concerned}


def _bound(name, author):
    if name not in _BY_AUTHOR:
        return REWARDS[name]
    return lambda texts, problems: REWARDS[name](texts, problems, author)
