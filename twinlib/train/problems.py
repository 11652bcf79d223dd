"""The problems that step 03 practises and examines: read, split, answered and judged.

Measured by accuracy on the same held-out problems before and after, by greedy answers, one lenient
extractor and a paired test.
"""

from pathlib import Path
from typing import TYPE_CHECKING

from ..files import TwinError, read_records, write_records
from ..i18n import both, t
from ..settings import Reasoning, stop, warning
from ..text import exercises
from ..text.statistics import mcnemar, wilson
from ..twin import Problem, Twin, figure
from . import callbacks, rollouts
from .persona import Training

if TYPE_CHECKING:
    from transformers import Trainer

_FEWEST_PROBLEMS = 8


def file_problems(settings: Reasoning) -> list[Problem]:
    """What is wrong with the file of problems."""
    path = Path(settings.problems).expanduser()
    if not settings.problems or not path.is_file():
        return [stop("train.no_problem_file", problems=settings.problems)]
    readable, refused = exercises.read_problems(path.read_text(encoding="utf-8", errors="replace"))
    issues = []
    if len(readable) < _FEWEST_PROBLEMS:
        counts = {"readable": len(readable), "fewest": _FEWEST_PROBLEMS}
        issues.append(stop("train.few_problems", name=path.name, **counts))
    if refused:
        line, reason = refused[0]
        first = {"line": line, "reason": both(reason)}
        issues.append(warning("train.lines_skipped", count=len(refused), name=path.name, **first))
    return issues


# Problems


def train_and_test(settings: Reasoning) -> tuple[list[dict], list[dict]]:
    """(train, held-out) problems of the chosen task."""
    if settings.task == "decimals":
        pool = exercises.decimals(settings.held_out + max(64, 2 * settings.steps), settings.seed)
        pool = [p for p in pool if p["group"] != exercises.SHOWCASE[0]["group"]]
        held_out = settings.held_out - len(exercises.SHOWCASE)
        train, test = exercises.split_problems(pool, held_out, settings.seed)
        return train, exercises.SHOWCASE + test
    text = Path(settings.problems).expanduser().read_text(encoding="utf-8", errors="replace")
    readable, _ = exercises.read_problems(text)
    if len(readable) < _FEWEST_PROBLEMS:
        raise TwinError(t("train.file_has_few_problems", problems=settings.problems))
    held_out = min(settings.held_out, len(readable) // 2)
    return exercises.split_problems(readable, held_out, settings.seed)


def messages(twin: Twin, problem: dict) -> list[dict]:
    """The conversation that asks a problem, with the twin's system prompt."""
    system = twin.facts.get("system_prompt")
    opening = [{"role": "system", "content": system}] if system else []
    return opening + [{"role": "user", "content": exercises.ask(problem)}]


# Exams


def before(training: Training, test: list[dict], checkpoint: Path | None) -> list[dict]:
    """The exam before training; a resumed run reads it from disk."""
    path = training.twin.file("solutions")
    if checkpoint and path.exists():
        return [r for r in read_records(path, "reasoning") if r["when"] == "before"]
    records = exam(training, test, "before")
    write_records(path, records)
    return records


def exam(
    training: Training, test: list[dict], when: str, sampler: rollouts.Sampler | None = None
) -> list[dict]:
    """Records of every held-out problem, answered greedily and marked.

    `when` is 'before', 'during' or 'after' training. A `sampler` of the model is used if given.
    """
    twin, settings, _, model, tokenizer, progress = training
    note = t("train.exam_before") if when == "before" else t("train.exam_after")
    conversations = [messages(twin, problem) for problem in test]
    report = None if when == "during" else lambda done, total: progress(done, total, note)
    if sampler:
        answers = sampler.answers(conversations, progress=report)
    else:
        limit = settings.completion_tokens
        answers = rollouts.answers(model, tokenizer, conversations, limit, 0, progress=report)
    return [
        {
            "when": when,
            "id": problem["id"],
            "question": problem["question"],
            "answer": problem["answer"],
            "text": answer.text,
            "ended": answer.ended,
            "correct": exercises.is_correct(answer.text, problem["answer"]),
        }
        for problem, answer in zip(test, answers)
    ]


# Figures


def judge(before: list[dict], after: list[dict], trainer: "Trainer") -> tuple[dict, list[str]]:
    """(figures, warnings): accuracy on the same problems before and after, and learning signal."""
    n = len(after)
    figures = {}
    for when, solutions in (("before", before), ("after", after)):
        right = sum(solution["correct"] for solution in solutions)
        low_high = _rounded(wilson(right, n))
        figures[f"accuracy_{when}"] = figure(round(right / n, 4), *low_high, n)
    gain, low, high, p = mcnemar([r["correct"] for r in before], [r["correct"] for r in after])
    key = "train.gain_is_real" if p < 0.05 else "train.gain_may_be_chance"
    note = both(key, p=p)
    level = "unsure" if p >= 0.05 else "good" if gain > 0 else "bad"
    figures["accuracy_gain"] = figure(round(gain, 4), *_rounded((low, high)), n, note, level)
    shares = callbacks.by_step(trainer.state.log_history, "frac_reward_zero_std")
    no_signal = sum(shares) / max(1, len(shares))
    note = both("train.no_signal_note")
    figures["no_signal"] = figure(round(no_signal, 3), n=len(shares), note=note)
    figures["steps"] = figure(trainer.state.global_step)
    return figures, _warnings(figures, no_signal, p)


def _rounded(pair):
    return tuple(None if value is None else round(value, 4) for value in pair)


def _warnings(figures, no_signal, p):
    names = ("accuracy_before", "accuracy_after", "accuracy_gain")
    before, after, gain = (figures[name]["value"] for name in names)
    warnings = []
    if p >= 0.05:
        warnings.append(t("train.accuracy_unchanged", before=before, after=after))
    elif gain < 0:
        warnings.append(t("train.accuracy_fell"))
    if no_signal > 0.5:
        warnings.append(t("train.mostly_no_signal"))
    if before > 0.85:
        warnings.append(t("train.base_already_good"))
    return warnings
