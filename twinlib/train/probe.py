"""Estimates before practice whether it can gain anything, on which problems, in what length.

Some of the problems are answered eight times each at the temperature of training. The share that is
right at the first try (pass@1) and in at least one of eight (pass@8) says what practice can do: it
makes likelier what the model can already do sometimes. Which problems those are decides what is
practised (curriculum.py), and the lengths of the right answers how long answers may be. The result
is kept in the twin's folder; a run uses it as long as nothing that it depends on has changed.
"""

import json
import math
import random
from dataclasses import asdict

from ..files import content_id, json_or, write_json
from ..i18n import Texts, both, t
from ..models import rollouts
from ..settings import Reasoning
from ..text import tasks
from ..text.statistics import wilson
from ..twin import Twin
from . import curriculum
from .problems import messages
from .training import Training

TRIES = 8
GOOD = 0.9  # pass@1 from which little is left to gain
CUT = 0.5  # share of answers that ran out of room
HARD = 0.1  # pass@8 below which right answers are too seldom to be made likelier
_QUANTILE, _ROOM = 0.95, 1.25  # of the lengths of right answers, and what is added
_SHORTEST = 32  # tokens
_FEWEST = 6  # problems of a level that say something
# What changes the answers; other settings may change.
_ASKED = ("task", "problems", "probe", "completion_tokens", "seed")
VERDICTS = {
    "worth": "train.probe_worth",
    "nothing": "train.probe_nothing_to_gain",
    "hard": "train.probe_too_hard",
    "cut": "train.probe_cut_off",
    "prose": "train.probe_prose",
}


def asked_for(settings: Reasoning, inputs: dict) -> str:
    """A hash of everything that a probe depends on; `settings` without 'auto'."""
    chosen = {name: value for name, value in asdict(settings).items() if name in _ASKED}
    return content_id(json.dumps([chosen, inputs], sort_keys=True))


def kept(twin: Twin, of: str = "") -> dict | None:
    """The twin's newest probe, or None; with `of` from asked_for only one of the same run."""
    try:
        found = json_or(twin.file("probe"), {})
        sound = found["verdict"] in VERDICTS and found["problems"] is not None
        return found if sound and of in ("", found["of"]) else None
    except (KeyError, TypeError):
        return None


def chosen(problems: list[dict], count: int, seed: int) -> list[dict]:
    """`count` problems to ask, drawn from all but prose; the same for the same seed."""
    pool = [problem for problem in problems if not tasks.is_prose(problem)]
    return random.Random(seed).sample(pool, min(count, len(pool)))


def run(training: Training, problems: list[dict], of: str) -> dict:
    """The probe of these problems: the kept one where nothing has changed, else a new one.

    `of` is from asked_for. See `summarise` for what it holds; it is kept in the twin's folder.
    """
    twin, settings, progress = training.twin, training.settings, training.progress
    if known := kept(twin, of):
        return known
    asked, answers = chosen(problems, settings.probe, settings.seed), []
    if asked:
        progress.say(t("train.probing", problems=len(asked), tries=TRIES))
        answers = rollouts.answers(
            training.model,
            training.tokenizer,
            [messages(twin, problem) for problem in asked],
            settings.completion_tokens,
            temperature=1.0,
            copies=TRIES,
            progress=lambda done, total: progress(done, total, t("train.probe_note")),
        )
    result = {"of": of, "task": settings.task, **summarise(asked, answers)}
    write_json(twin.file("probe"), result)
    return result


def summarise(asked: list[dict], answers: list) -> dict:
    """{verdict, pass_at_1, pass_at_8 with intervals, problems, completion_tokens, clipped}.

    `answers` are generate.Answers, TRIES in a row for each problem. `problems` has for each asked
    one {id, question, level, right, tries}. `completion_tokens` is None where too few answers are
    right to tell a length.
    """
    found, lengths = [], []
    for i, problem in enumerate(asked):
        own = answers[i * TRIES : (i + 1) * TRIES]
        marks = [bool(tasks.is_correct(answer.text, problem)) for answer in own]
        lengths += [answer.tokens for answer, right in zip(own, marks) if right and answer.ended]
        found.append(
            {
                "id": problem["id"],
                "question": problem["question"],
                "level": tasks.level(problem),
                "right": sum(marks),
                "tries": len(marks),
            }
        )
    n = len(found)
    first = sum(each["right"] for each in found) / max(1, n * TRIES)
    any_of_eight = sum(each["right"] > 0 for each in found)
    low, high = wilson(any_of_eight, n)
    inside = sum(
        curriculum.LOW <= each["right"] / each["tries"] <= curriculum.HIGH for each in found
    )
    clipped = sum(not answer.ended for answer in answers) / max(1, len(answers))
    verdict = "worth"
    if not found:
        verdict = "prose"
    elif first >= GOOD and not _weak_level(found):
        verdict = "nothing"
    elif clipped > CUT:
        verdict = "cut"
    elif any_of_eight / n < HARD:
        verdict = "hard"
    return {
        "verdict": verdict,
        "pass_at_1": round(first, 4),
        "pass_at_8": round(any_of_eight / max(1, n), 4),
        "pass_at_8_low": low,
        "pass_at_8_high": high,
        "inside": inside,
        "clipped": round(clipped, 4),
        "completion_tokens": room_for(lengths),
        "problems": found,
    }


def _weak_level(found):
    """Whether the problems of one level, asked often enough, are not solved nearly always."""
    levels = {}
    for each in found:
        levels.setdefault(each["level"], []).append(each["right"] / each["tries"])
    return any(
        len(shares) >= _FEWEST and sum(shares) / len(shares) <= curriculum.HIGH
        for shares in levels.values()
    )


def room_for(lengths: list[int]) -> int | None:
    """Tokens for answers, from the lengths of right ones: a high quantile with room to spare.

    None of fewer than 16 answers, whose longest say little.
    """
    if len(lengths) < 16:
        return None
    quantile = sorted(lengths)[min(len(lengths) - 1, math.ceil(_QUANTILE * len(lengths)) - 1)]
    return max(_SHORTEST, math.ceil(quantile * _ROOM / 16) * 16)


def marks(result: dict | None) -> dict[str, list[float]]:
    """{problem's id: marks} of a probe, for a Curriculum."""
    return {
        each["id"]: [1.0] * each["right"] + [0.0] * (each["tries"] - each["right"])
        for each in (result or {}).get("problems", [])
    }


def is_hopeless(result: dict | None) -> bool:
    """Whether a probe says that the hour would be lost."""
    return bool(result) and result["verdict"] in ("nothing", "hard", "cut")


def said(result: dict) -> Texts:
    """What a probe says, with the next action."""
    return both(
        VERDICTS[result["verdict"]],
        first=result["pass_at_1"],
        best=result["pass_at_8"],
        n=len(result["problems"]),
        inside=result["inside"],
        cut=result["clipped"],
    )
