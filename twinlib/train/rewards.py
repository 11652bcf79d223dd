"""The rewards of GRPO: pure functions of texts and right answers, one number a text.

A new reward is a function here and its entry in REWARDS: training adds it up, history.jsonl records
its mean under the name in the table, and the progress line and the plot show every number whose
name begins with `reward_`.
"""

import re

from ..text.exercises import MARKER, is_correct

FORMAT_REWARD = 0.2  # small beside correctness, or the model learns the format instead of the sum


def has_format(text: str) -> bool:
    """Whether a text shows some work and then exactly one marked answer."""
    marked = r"(?:Answer|答案)\s*[:：]\s*[-−]?\d[^\n]{0,20}\s*"
    # Reasoning spans several lines, hence DOTALL.
    shown = re.fullmatch(r".*\S.*?" + marked, text.strip(), re.DOTALL)
    return bool(shown) and len(MARKER.findall(text)) == 1


def correctness(texts: list[str], answers: list[str]) -> list[float]:
    """1 for the right answer, else 0."""
    return [float(is_correct(text, answer)) for text, answer in zip(texts, answers)]


def form(texts: list[str], answers: list[str]) -> list[float]:
    """FORMAT_REWARD for work followed by one marked answer, else 0."""
    return [FORMAT_REWARD * has_format(text) for text in texts]


# {name in history.jsonl: reward}. The first two keep the names that older histories have.
REWARDS = {"correct": correctness, "form": form}
