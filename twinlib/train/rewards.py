"""The rewards of GRPO: pure functions from texts to one number each."""

import re

from ..text.exercises import MARKER, is_correct

FORMAT_REWARD = 0.2  # small beside correctness, or the model learns the form and forgets the sum


def has_format(text):
    """Whether a text shows some work and then exactly one marked answer. Reasoning spans lines: DOTALL."""
    marked = r"(?:Answer|答案)\s*[:：]\s*[-−]?\d[^\n]{0,20}\s*"
    return (
        bool(re.fullmatch(r".*\S.*?" + marked, text.strip(), re.DOTALL))
        and len(MARKER.findall(text)) == 1
    )


def correctness(texts, answers):
    """One reward a text: 1 for the right answer, else 0."""
    return [float(is_correct(text, answer)) for text, answer in zip(texts, answers)]


def form(texts):
    """One small reward a text for work followed by a marked answer."""
    return [FORMAT_REWARD * has_format(text) for text in texts]
