"""What GRPO practises, how answers are rewarded, and what is shown of them: for grpo.py's trainer.

Problems are drawn from the band that the model solves sometimes (band.py); the marks of their
answers tell the band how that changes.
"""

import time

from ..text import tasks
from . import band, rewards
from .problems import messages
from .training import Training

_SHOWN_EVERY = 20.0  # seconds between two completions that are recorded to be looked at


class Practice:
    """The problems of a run and the rewards of their answers; `names` are those of the rewards."""

    def __init__(self, training: Training, problems: list[dict]):
        twin, settings = training.twin, training.settings
        self.training, self.problems = training, problems
        self.rewards = rewards.rewards_for(problems)
        self.names = list(self.rewards)
        path = twin.file("marks")
        self.band = band.Band(problems, band.read(path), settings.seed, path)
        self._shown, self._right = 0.0, False

    def row(self, problem: dict) -> dict:
        """A row of the trainer's dataset: the prompt, and the problem for the rewards."""
        return {
            "prompt": messages(self.training.twin, problem),
            "problem": problem,
            "answer": problem["answer"],
        }

    def rows(self, count: int) -> band.Slots:
        """A dataset of `count` rows, each drawn when it is needed."""
        self.slots = band.Slots(self.band, self.row, count)
        return self.slots

    def state(self) -> dict:
        """All that decides which problems come next, as JSON; `restore` takes it."""
        return {"band": self.band.state(), "drawn": self.slots.drawn}

    def restore(self, state: dict) -> None:
        """Go on as the practice that had this state."""
        drawn = {int(index): name for index, name in state["drawn"].items()}
        self.band.restore(state["band"])
        self.slots.drawn = drawn

    def functions(self) -> list:
        """The rewards as TRL calls them, on messages; it logs them as rewards/NAME/mean."""
        return [_for_trl(name, reward) for name, reward in self.rewards.items()]

    def note(
        self, rows: list[dict], completions: list, rewarded: list[list[float]], step: int
    ) -> None:
        """Remember the marks of answers, and record one completion now and then.

        `rewarded` has a list for each answer, a number for each reward (NaN for None).
        """
        problems = [row["problem"] for row in rows]
        if "correct" in self.names:
            at = self.names.index("correct")
            marks = [None if each[at] != each[at] else each[at] for each in rewarded]
            self.band.note(problems, marks)
        if time.monotonic() - self._shown >= _SHOWN_EVERY:
            self._shown = time.monotonic()
            texts = [turns[0]["content"] for turns in completions]
            self._show(texts, problems, step)

    def _show(self, texts, problems, step):
        """Record a completion: a right one and a wrong one in turn, where there are both."""
        self._right = not self._right
        marks = [tasks.is_correct(text, problem) for text, problem in zip(texts, problems)]
        at = marks.index(self._right) if self._right in marks else 0
        taken = tasks.taken(texts[at], problems[at])
        self.training.progress.sample(
            step,
            problems[at]["question"],
            texts[at],
            taken=list(taken) if taken else None,
            right=marks[at],
        )


def _for_trl(name, function):
    def reward(completions, problem, **_):
        return function([turns[0]["content"] for turns in completions], problem)

    reward.__name__ = name
    return reward
