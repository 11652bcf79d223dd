"""The dataset of GRPO: its prompts, the rewards of the answers, and what is shown of them.

Which problem comes next is decided by the curriculum (curriculum.py), which learns from the marks
of the answers how hard each problem is for the model by now.
"""

import time
from collections.abc import Sequence

from ..text import tasks
from . import curriculum, rewards
from .problems import messages
from .training import Training
from .trl_hooks import Answers

_SHOWN_EVERY = 20.0  # seconds between two completions that are recorded to be looked at


class GrpoData:
    """The problems of a run and the rewards of their answers; `names` are those of the rewards."""

    def __init__(self, training: Training, problems: list[dict]):
        twin, settings = training.twin, training.settings
        self.training, self.problems = training, problems
        self.rewards = rewards.rewards_for(problems)
        self.names = list(self.rewards)
        path = twin.file("marks")
        self.band = curriculum.Curriculum(problems, curriculum.read(path), settings.seed, path)
        self._shown, self._right = 0.0, False

    def row(self, problem: dict) -> dict:
        """A row of the trainer's dataset: the prompt, and the problem for the rewards."""
        return {
            "prompt": messages(self.training.twin, problem),
            "problem": problem,
            "answer": problem["answer"],
        }

    def rows(self, count: int) -> curriculum.Slots:
        """A dataset of `count` rows, each drawn when it is needed."""
        self.slots = curriculum.Slots(self.band, self.row, count)
        return self.slots

    def state(self) -> dict:
        """All that decides which problems come next, as JSON; `restore` takes it."""
        return {"band": self.band.state(), "drawn": self.slots.drawn}

    def restore(self, state: dict) -> None:
        """Go on as the practice that had this state."""
        drawn = {int(index): name for index, name in state["drawn"].items()}
        self.band.restore(state["band"])
        self.slots.drawn = drawn

    def worth(self, texts: Sequence[str], problems: list[dict]) -> list[float]:
        """The sum of each text's rewards."""
        rewards = {name: reward(texts, problems) for name, reward in self.rewards.items()}
        return Answers(list(texts), [], problems, rewards).sums()

    def note(self, answers: Answers, step: int) -> None:
        """Remember the marks of answers, and record one completion now and then."""
        if "correct" in answers.rewards:
            self.band.note(answers.problems, answers.rewards["correct"])
        if time.monotonic() - self._shown >= _SHOWN_EVERY:
            self._shown = time.monotonic()
            self._show(answers.texts, answers.problems, step)

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
