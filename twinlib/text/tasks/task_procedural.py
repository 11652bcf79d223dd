"""Problems that a program makes, of reasoning-gym: sums, divisors, legs of animals, times.

Of its tasks those serve here whose answer is one number or word. The package is optional: it is
imported when this task is chosen. https://github.com/open-thought/reasoning-gym
"""

import re

from ..script import has_han

# What is made where the owner names nothing; a small model solves each of them sometimes.
_USUAL = ("basic_arithmetic", "chain_sum", "gcd", "leg_counting", "letter_counting", "lcm")
_LONGEST = 40  # characters of an answer


class NotInstalled(Exception):
    """reasoning-gym is missing."""


def games(names: str) -> list[str]:
    """The names that the owner typed, separated by commas, or the usual ones."""
    return [name.strip() for name in re.split(r"[,，、\s]+", names) if name.strip()] or list(_USUAL)


def unknown(names: str) -> list[str]:
    """The typed names that reasoning-gym does not have. Raises NotInstalled."""
    return [name for name in games(names) if name not in _gym().factory.DATASETS]


def generate(count: int, seed: int, names: str = "") -> list[dict]:
    """`count` problems, as many of each game; the same for the same seed. Raises NotInstalled."""
    chosen, problems = games(names), []
    each = -(-count // len(chosen))
    for name in chosen:
        made = _gym().create_dataset(name, size=each, seed=seed)
        for number, entry in enumerate(made):
            answer = str(entry["answer"] or "").strip()
            if answer and len(answer) <= _LONGEST and "\n" not in answer:
                problems.append(_problem(name, number, entry["question"], answer))
    return problems


def _gym():
    try:
        import reasoning_gym
    except ImportError:
        raise NotInstalled from None
    return reasoning_gym


def _problem(name, number, question, answer):
    return {
        "id": f"{name}-{number}",
        "question": question.strip(),
        "answer": answer,
        "language": "zh" if has_han(question) else "en",
        "group": question.strip(),
        "task": "procedural",
        "level": name,
    }
