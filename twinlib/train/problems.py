"""The problems that step 03 practises and examines: read, split, answered and judged.

Measured on the same held-out problems before and after, by greedy answers: right or wrong by one
extractor and McNemar's test on groups of problems, which are versions of each other; prose by its
nearness to the owner's answers, paired too.
"""

from importlib.util import find_spec
from itertools import chain, islice
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

from ..files import TwinError, read_records, write_records
from ..i18n import both, t
from ..models import rollouts
from ..progress import Progress
from ..settings import Reasoning, choice_texts, stop, warning
from ..text import exercises, tasks
from ..text.statistics import paired_groups, paired_means, right_by_group, share_of_groups
from ..text.tasks import problem_file, task_decimals, task_procedural
from ..twin import Problem, Twin, figure
from . import callbacks
from .nearness import Author
from .training import Training

if TYPE_CHECKING:
    from transformers import Trainer

_MOST_OF_HUB = 20_000  # problems


def file_problems(settings: Reasoning) -> list[Problem]:
    """What is wrong with the problems of the chosen task, or that a package is missing for it."""
    if settings.task == "procedural":
        return _procedural_problems(settings.problems)
    missing = settings.task == "math" and find_spec("math_verify") is None
    warnings = [warning("train.math_verify_missing")] * missing
    if settings.task == "decimals" or settings.task != "file" and not settings.problems:
        return warnings
    return _problems_of_file(settings) + warnings


def _problems_of_file(settings):
    path = Path(settings.problems).expanduser()
    if not settings.problems or not path.exists():
        return [stop("train.no_problem_file", problems=settings.problems)]
    found = problem_file.read_once(settings.task, path)
    issues = problem_file.issues(found, path)
    if not found.reason and len(found.problems) < problem_file.FEWEST:
        counts = {"readable": len(found.problems), "fewest": problem_file.FEWEST}
        issues.insert(0, stop("train.few_problems", name=path.name, **counts))
    return issues


def _procedural_problems(names):
    try:
        wrong = task_procedural.unknown(names)
    except task_procedural.NotInstalled:
        return [stop("train.procedural_not_installed")]
    return [stop("train.no_such_game", names=", ".join(wrong))] if wrong else []


# Problems


def train_and_test(settings: Reasoning) -> tuple[list[dict], list[dict]]:
    """(train, held-out) problems of the chosen task."""
    made = max(64, 2 * settings.steps) + settings.held_out
    if settings.task == "decimals":
        known = task_decimals.always_held_out()[: settings.held_out]
        pool = task_decimals.generate(made, settings.seed)
        held_out = settings.held_out - len(known)
        # 24.4 and 24.47 say how 3.4 and 3.47 compare, so they are practised or held out together.
        train, test = exercises.split_problems(
            pool, held_out, settings.seed, task_decimals.decimals_of
        )
        return train, known + test[:held_out]
    given = []
    if settings.task == "procedural":
        pool = task_procedural.generate(made, settings.seed, settings.problems)
    elif settings.problems or settings.task == "file":
        found = problem_file.read_once(settings.task, Path(settings.problems).expanduser())
        pool, given = found.problems, found.held_out
    else:
        pool, given = _of_hub(settings.task)
    if len(pool) < problem_file.FEWEST:
        raise TwinError(t("train.file_has_few_problems", problems=settings.problems))
    if given:
        _, test = exercises.split_problems(given, settings.held_out, settings.seed)
        practised = {problem["group"] for problem in test}
        return [problem for problem in pool if problem["group"] not in practised], test
    held_out = min(settings.held_out, len(pool) // 2)
    return exercises.split_problems(pool, held_out, settings.seed)


def _of_hub(task):
    """(train, test) problems of a task's records on the hub; they stay in the hub's cache."""
    from datasets import load_dataset

    repository, configurations = tasks.of(task).HUB
    try:
        parts = [
            [load_dataset(repository, name, split=split) for name in configurations]
            for split in ("train", "test")
        ]
    except Exception as error:  # the hub's client raises many kinds
        short = str(error).split("\n")[0][:120]
        name = choice_texts(task)
        raise TwinError(t("train.no_hub_problems", task=name, error=short)) from None
    return tuple(
        problem_file.made(task, enumerate(islice(chain(*part), _MOST_OF_HUB), 1)).problems
        for part in parts
    )


def messages(twin: Twin, problem: dict) -> list[dict]:
    """The conversation that asks a problem, with the twin's system prompt."""
    system = twin.facts.get("system_prompt")
    opening = [{"role": "system", "content": system}] if system else []
    return opening + [{"role": "user", "content": tasks.ask(problem)}]


def groups_of(problems: list[dict]) -> list:
    """The group of each problem or record, which its versions have in common.

    Those of older versions may name none: each is then one of its own.
    """
    return [each.get("group", each.get("id", i)) for i, each in enumerate(problems)]


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
            "group": group,
            "question": problem["question"],
            "answer": problem["answer"],
            "language": problem["language"],
            **({"about": problem["about"]} if "about" in problem else {}),
            "text": answer.text,
            "ended": answer.ended,
            "correct": tasks.is_correct(answer.text, problem),
        }
        for problem, group, answer in zip(test, groups_of(test), answers)
    ]


def compare_prose(
    before: list[dict], after: list[dict], train: list[dict], progress: Progress | None = None
) -> None:
    """Give each record of prose its `near`, the nearness of its answer to the owner's.

    The style is that of the `train` problems, so that no held-out answer is known beforehand.
    """
    if not any(record["correct"] is None for record in after):
        return
    if progress:
        progress.say(t("train.comparing_prose"))
    author = Author([(p["answer"], p["language"]) for p in train if tasks.is_prose(p)])
    for records in (before, after):
        prose = [record for record in records if record["correct"] is None]
        for record, near in zip(prose, author.near([r["text"] for r in prose], prose)):
            record["near"] = round(near.content, 4)


# Figures


def judge(before: list[dict], after: list[dict], trainer: "Trainer") -> tuple[dict, list[str]]:
    """(figures, warnings): the same problems before and after, and the learning signal."""
    marked, prose = ([], []), ([], [])
    for old, new in zip(before, after):
        for part, record in zip(prose if new["correct"] is None else marked, (old, new)):
            part.append(record)
    figures, warnings = {}, []
    shares = callbacks.by_step(trainer.state.log_history, "no_signal")
    no_signal = sum(shares) / max(1, len(shares))
    if marked[1]:
        found, p = _accuracy(*marked)
        figures |= found
        warnings += _accuracy_warnings(found, p)
    if prose[1]:
        found, said = _nearness(*prose)
        figures |= found
        warnings += said
    if no_signal > 0.5:
        warnings.append(t("train.mostly_no_signal"))
    note = both("train.no_signal_note")
    figures["no_signal"] = figure(round(no_signal, 3), n=len(shares), note=note)
    figures["steps"] = figure(trainer.state.global_step)
    return figures, warnings


def _accuracy(before, after):
    """({name: figure}, p): shares that are right, of all and, for comparisons, of versions."""
    figures = {}
    for when, solutions in (("before", before), ("after", after)):
        figures[f"accuracy_{when}"] = _share_figure(solutions)
        versions = [each for each in solutions if each.get("about") == "version"]
        if versions and len(versions) < len(solutions):
            figures[f"versions_{when}"] = _share_figure(versions)
    # Those of the exam after training: an older version's before it may have none.
    groups = groups_of(after)
    marks = ([bool(record["correct"]) for record in records] for records in (before, after))
    gain, low, high, p = paired_groups(groups, *marks)
    key = "train.gain_is_real" if p < 0.05 else "train.gain_may_be_chance"
    note = both(key, p=p)
    level = "unsure" if p >= 0.05 else "good" if gain > 0 else "bad"
    figures["accuracy_gain"] = figure(
        round(gain, 4), *_rounded((low, high)), len(after), note, level
    )
    return figures, p


def _share_figure(solutions):
    pairs = right_by_group(groups_of(solutions), [solution["correct"] for solution in solutions])
    return figure(*_rounded(share_of_groups(pairs)), len(solutions))


def _rounded(values):
    return tuple(None if value is None else round(value, 4) for value in values)


def _accuracy_warnings(figures, p):
    names = ("accuracy_before", "accuracy_after", "accuracy_gain")
    before, after, gain = (figures[name]["value"] for name in names)
    warnings = []
    if p >= 0.05:
        warnings.append(t("train.accuracy_unchanged", before=before, after=after))
    elif gain < 0:
        warnings.append(t("train.accuracy_fell"))
    if before > 0.85:
        warnings.append(t("train.base_already_good"))
    return warnings


def _nearness(before, after):
    """({name: figure}, warnings) of prose: nearness before and after, and length."""
    old, new = ([record["near"] for record in records] for records in (before, after))
    n = len(new)
    gain, low, high, p = paired_means(old, new)
    key = "train.nearer" if p < 0.05 else "train.not_nearer"
    level = "unsure" if p >= 0.05 else "good" if gain > 0 else "bad"
    lengths_before, lengths = (_length_ratio(records) for records in (before, after))
    figures = {
        "nearness_before": figure(round(sum(old) / n, 4), n=n),
        "nearness_after": figure(round(sum(new) / n, 4), n=n),
        "nearness_gain": figure(round(gain, 4), *_rounded((low, high)), n, both(key, p=p), level),
        "length_ratio": figure(
            round(lengths, 3), n=n, note=both("train.length_note", before=lengths_before)
        ),
    }
    warnings = []
    if lengths > 1.5:
        warnings.append(t("train.longer_than_yours", ratio=lengths))
    if p >= 0.05:
        means = {"before": sum(old) / n, "after": sum(new) / n}
        warnings.append(t("train.nearness_unchanged", **means))
    return figures, warnings


def _length_ratio(records):
    return median(len(each["text"]) / max(1, len(each["answer"])) for each in records)
