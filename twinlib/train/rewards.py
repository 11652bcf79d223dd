"""The rewards of GRPO: pure functions of texts and right answers that give one number a text.

To add a reward, write a function here and enter it in REWARDS under a name that begins with
`reward_`: training sums the rewards, history.jsonl records the mean of each by name, and the
progress line and the plot show it.
"""

import re

from ..text import numerals
from ..text.exercises import BOXED, is_correct, marked_answers

# A marked answer at the end of a text.
_MARKED = re.compile(
    rf"(?:Answer|答案)[*_]{{0,3}}\s*[:：]\s*([^\n]{{1,60}})\Z|{BOXED.pattern}[$*.。 ]{{0,6}}\Z"
)
FORMAT_REWARD = 0.2  # small beside correctness, or the model learns the format instead of the sum


def has_format(text: str) -> bool:
    """Whether a text shows some work and then exactly one marked answer, which is a number.

    Bold, dollar signs and units do no harm: '**Answer:** 42', 'Answer: $42', '\\boxed{42}'.
    """
    match = _MARKED.search(text.strip())
    if not match or len(marked_answers(text)) != 1:
        return False
    has_work = text.strip()[: match.start()].strip("*_`$# \n")
    return bool(has_work) and bool(numerals.chains(numerals.plainly(match[1] or match[2])))


def correctness(texts: list[str], answers: list[str]) -> list[float]:
    """1 for the right answer, else 0."""
    return [float(is_correct(text, answer)) for text, answer in zip(texts, answers)]


def form(texts: list[str], answers: list[str]) -> list[float]:
    """FORMAT_REWARD for work followed by one marked answer, else 0."""
    return [FORMAT_REWARD * has_format(text) for text in texts]


# {name in history.jsonl: reward}. The first two keep the names that older histories have.
REWARDS = {"correct": correctness, "form": form}
