"""The tasks of step 03, one module each: what is asked, what is right, and how hard it is.

To add a task, write task_NAME.py here and its label into data/settings.yaml, under `choices`. It
has one of

- `generate(count, seed, names)`: problems that are made; `names` is what the owner typed,
- `problem(record)`: the problem of a file's record, or a Refused; with it, where its records are on
  the hub, `HUB = (repository, configurations)`,

and, where the ones below don't do, `ask(problem)`, `taken(text, problem)`, `is_correct(text,
problem)` and `difficulty(problem)`. A problem is a dict {id, question, answer, language, group,
task} and what else a task keeps in it; problems of one group are versions of each other. One whose
`kind` is 'prose' has no single right answer: it is rewarded for nearness to the answer
(train/nearness.py). `steps` are the worked steps, where they are known. `level` is how hard it is:
problems of one level are taken to be about as often right.
"""

from importlib import import_module
from types import ModuleType

from .. import comparisons, exercises


class Refused(Exception):
    """A record that makes no problem; the message is a key of data/strings/."""


def of(name: str) -> ModuleType:
    """The module of a task by its name in settings.TASKS."""
    return import_module(f".task_{name}", __name__)


def _own(problem, name):
    """A function of the problem's own task, or None. Problems of older twins name no task."""
    return getattr(of(problem.get("task", "file")), name, None)


def ask(problem: dict) -> str:
    """The prompt of a problem: its question and, unless prose is wanted, how to answer."""
    if is_prose(problem):
        return problem["question"]
    return (_own(problem, "ask") or exercises.ask)(problem)


def is_prose(problem: dict) -> bool:
    """Whether a problem's answer is prose, which is near to the owner's or not."""
    return problem.get("kind") == "prose"


def is_correct(text: str, problem: dict) -> bool | None:
    """Whether a text gives the right answer; None for prose."""
    if is_prose(problem):
        return None
    own = _own(problem, "is_correct")
    if own:
        return own(text, problem)
    return exercises.is_correct(text, problem["answer"], problem.get("question", ""))


def taken(text: str, problem: dict) -> tuple[int, int] | None:
    """(start, end) of what the extractor takes for a text's answer; None without any."""
    if is_prose(problem):
        return None
    own = _own(problem, "taken")
    if own:
        return own(text, problem)
    asked = comparisons.choice(problem.get("question", ""), problem.get("answer", ""))
    return exercises.taken(text, asked)


def level(problem: dict) -> str:
    """How hard a problem is, as the name of a class of problems; '' where nothing is known."""
    if is_prose(problem):
        return "prose"
    own = _own(problem, "difficulty")
    return str(own(problem)) if own else str(problem.get("level", ""))
