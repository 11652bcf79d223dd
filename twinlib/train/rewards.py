"""The rewards of GRPO: pure functions of texts and right answers that give one number a text.

To add a reward, write a function here and enter it in REWARDS under a name that begins with
`reward_`: training sums the rewards, history.jsonl records the mean of each by name, and the
progress line and the plot show it.
"""

import re

from ..text.exercises import MARKER, is_correct

FORMAT_REWARD = 0.2  # small beside correctness, or the model learns the format instead of the sum


def has_format(text: str) -> bool:
    """Whether a text shows some work and then exactly one marked answer."""
    answer = r"(?:Answer|答案)\s*[:：]\s*[-−]?\d[^\n]{0,20}\s*"
    # The work may span several lines, hence DOTALL.
    has_work = re.fullmatch(r".*\S.*?" + answer, text.strip(), re.DOTALL)
    return bool(has_work) and len(MARKER.findall(text)) == 1


def correctness(texts: list[str], answers: list[str]) -> list[float]:
    """1 for the right answer, else 0."""
    return [float(is_correct(text, answer)) for text, answer in zip(texts, answers)]


def form(texts: list[str], answers: list[str]) -> list[float]:
    """FORMAT_REWARD for work followed by one marked answer, else 0."""
    return [FORMAT_REWARD * has_format(text) for text in texts]


# {name in history.jsonl: reward}. The first two keep the names that older histories have.
REWARDS = {"correct": correctness, "form": form}
