"""A curriculum by difficulty: problems that the model solves sometimes, found anew as it learns.

GRPO learns from the difference between the answers to one problem. A problem that is always right
or always wrong teaches nothing; models of up to 3 billion parameters gain most from those that they
solve 20 to 80 % of the time (https://arxiv.org/abs/2504.03380). How often a problem is solved is
known of those that were asked, in the probe or in training, and supposed of the others from those
of the same level.
"""

import random
from collections import defaultdict
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from ..files import json_or, write_json
from ..text import tasks

LOW, HIGH = 0.2, 0.8  # share of right answers between which a problem is practised
_RECENT = 16  # answers by which a problem is judged: the model changes
_SUPPOSED = 4  # answers that the level's share counts for
_ANYHOW = 0.03  # share of the problems outside the band that are asked again, to find them changed
_LOOKED_AT = 64  # problems, before the best of them is taken
_SAVE_EVERY = 16  # batches


class Curriculum:
    """Draws problems, and learns from the marks of the answers which to draw.

    `marks` is {problem's id: marks of answers, each from 0 to 1}, as a probe or an earlier part of
    the run found them. They are kept in the file `path`, from which `read` takes them.
    """

    def __init__(
        self,
        problems: Sequence[dict],
        marks: dict[str, list[float]] | None = None,
        seed: int = 1,
        path: Path | None = None,
    ):
        self.problems, self.path = list(problems), path
        self._random, self._waiting, self._noted = random.Random(seed), [], 0
        self.by_id = {problem["id"]: problem for problem in problems}
        self._levels = {problem["id"]: tasks.level(problem) for problem in problems}
        self.marks = {name: list(found)[-_RECENT:] for name, found in (marks or {}).items()}

    def draw(self) -> dict:
        """The next problem: all in turn, those outside the band seldom."""
        shares, best, looked = self._level_shares(), None, []
        for _ in range(min(_LOOKED_AT, len(self.problems))):
            if not self._waiting:
                self._waiting = self._random.sample(self.problems, len(self.problems))
            problem = self._waiting.pop()
            share = self._share(problem, shares)
            if share is None or LOW <= share <= HIGH or self._random.random() < _ANYHOW:
                best = problem
                break
            looked.append((abs(share - 0.5), len(looked), problem))
        return best or min(looked)[2]

    def note(self, problems: Sequence[dict], marks: Sequence[float | None]) -> None:
        """Remember how answers to problems were marked; None says nothing about a problem."""
        for problem, mark in zip(problems, marks):
            if mark is not None:
                self.marks.setdefault(problem["id"], []).append(float(mark))
                del self.marks[problem["id"]][:-_RECENT]
        self._noted += 1
        if self.path and self._noted % _SAVE_EVERY == 0:
            with suppress(OSError):  # on a full disk next time
                write_json(self.path, self.marks)

    def state(self) -> dict:
        """What was learnt and what comes next, as JSON; `restore` takes it."""
        version, numbers, gauss = self._random.getstate()
        return {
            "marks": self.marks,
            "noted": self._noted,
            "waiting": [problem["id"] for problem in self._waiting],
            "random": [version, list(numbers), gauss],
        }

    def restore(self, state: dict) -> None:
        """Go on as the band that had this state."""
        marks, noted, (version, numbers, gauss) = state["marks"], state["noted"], state["random"]
        waiting = [self.by_id[name] for name in state["waiting"] if name in self.by_id]
        self._random.setstate((version, tuple(numbers), gauss))
        self.marks, self._noted, self._waiting = marks, noted, waiting

    def share(self, problem: dict) -> float | None:
        """How often a problem is supposed to be solved; None where nothing is known."""
        return self._share(problem, self._level_shares())

    def _share(self, problem, shares):
        own, level = self.marks.get(problem["id"], []), shares.get(self._levels[problem["id"]])
        if level is None:
            return sum(own) / len(own) if own else None
        return (sum(own) + _SUPPOSED * level) / (len(own) + _SUPPOSED)

    def _level_shares(self):
        """{level: mean mark of its problems}, of levels of which something is known."""
        known = defaultdict(list)
        for name, marks in self.marks.items():
            if marks and name in self._levels:
                known[self._levels[name]].append(sum(marks) / len(marks))
        return {level: sum(shares) / len(shares) for level, shares in known.items()}


def read(path: Path) -> dict[str, list[float]]:
    """The marks that an earlier part of a run has kept; {} without any."""
    try:
        kept = json_or(path, {})
        return {name: [float(mark) for mark in marks] for name, marks in kept.items()}
    except (ValueError, TypeError):
        return {}


class Slots:
    """A dataset of `count` rows for a trainer: a row is drawn from the band when it is first asked.

    `row(problem)` makes the row. So the order follows what was learnt up to then.
    """

    def __init__(self, band: Curriculum, row, count: int):
        self._band, self._row, self._count = band, row, count
        self.drawn: dict[int, str] = {}  # {index: problem's id}

    def __len__(self) -> int:
        return self._count

    def __getitem__(self, index: int) -> dict:
        if self.drawn.get(index) not in self._band.by_id:
            if len(self.drawn) > 512:  # the rows of a batch are asked one after another
                self.drawn.clear()
            self.drawn[index] = self._band.draw()["id"]
        return self._row(self._band.by_id[self.drawn[index]])
