"""The score card's figures: one entry each, in the order in which the card shows them.

A new figure takes an entry here, the function that computes it (scores.py, memorization.py,
instructions.py, facts.py), its label and meaning in data/figures.yaml, and step.py only if it needs
a new kind of model output. A figure of another model than the twin is called NAME.VARIANT.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple

from ..i18n import both
from ..models.device_fit import HARDLY_DIFFERENT
from ..models.embed import Embedder
from ..settings import EFFORTS, Evaluate
from ..text import labels, privacy, style, tasks
from ..twin import Twin, figure
from . import (
    facts,
    held_out,
    instructions,
    memorization,
    ratings,
    relevance,
    remembered,
    scores,
    sense,
)
from .blind_test import step as blind_test
from .ratings import Threshold

MODELS = ("base", "prompt", "twin")
EVERY_VARIANT = (*MODELS, "file")


@dataclass
class Evidence:
    """What one run asked and scored, and the models' outputs; the figures are computed from it.

    `sample` is a step.Sample whose texts have `gain` and `loss` (see step.gather). `asked` are
    {variant: [{document, language, source, question, prompt, real, text}]}: all answers, those to
    questions on held-out documents first; `real` is '' for new questions. `picks` are {variant:
    [(document, index of the reply picked)]}. `continuations` of training passages and `replies`,
    {name of a set of questions: texts}, are pairs: the base's and the twin's. `embedder` compares
    answers with questions. `with_memory` is what the twin with memory answers. Computing a figure
    may add `warnings`.
    """

    twin: Twin
    settings: Evaluate
    sample: NamedTuple
    asked: dict[str, list]
    picks: dict[str, list]
    continuations: tuple[list, list]
    replies: dict[str, tuple[list, list]]
    embedder: Embedder
    with_memory: remembered.Remembered | None = None
    warnings: list[str] = field(default_factory=list)

    @cached_property
    def answers(self) -> dict[str, list]:
        """The answers that can be compared with what the author wrote."""
        return {
            variant: [answer for answer in answers if answer["real"]]
            for variant, answers in self.asked.items()
        }

    @cached_property
    def own_answers(self) -> list:
        """All answers of the twin and of its GGUF files, in one list."""
        variants = [variant for variant in self.asked if variant.startswith("twin")]
        return [answer for variant in variants for answer in self.asked[variant]]

    @cached_property
    def voices(self) -> dict[str, style.Voice | None]:
        """{language: the author's style.Voice}, fitted to the training texts in that language."""
        voices = {}
        for language in {question["language"] for question in self.sample.questions}:
            texts = [p["text"] for p in self.sample.train if p["language"] == language]
            voices[language] = style.fit_voice(texts, held_out.voices(language), language)
        return voices


class Figure(NamedTuple):
    """One figure of the score card.

    `compute` returns {name: figure}, with the figures of variants and parts; it is None for a part
    that an entry above computes. `variants` are the models it is measured for; 'file' stands for
    each GGUF file. It runs from `effort` on, or, where `setting` names one, if that setting is not
    0. `questions` is how many it asks base and twin in addition to the held-out ones. A `share` is
    plotted on a scale from 0 to 1.
    """

    name: str
    compute: Callable[[Evidence], dict] | None
    threshold: Threshold | None = None
    variants: tuple[str, ...] = ("twin",)
    effort: str = EFFORTS[0]
    setting: str = ""
    questions: int = 0
    share: bool = True

    def runs(self, settings: Evaluate) -> bool:
        """Whether a run with these settings computes it."""
        if self.setting:
            return bool(getattr(settings, self.setting))
        return EFFORTS.index(settings.effort) >= EFFORTS.index(self.effort)


# How each is computed


def _by_variant(name, figures):
    """{variant: figure} with a report's keys: NAME for the twin, NAME.VARIANT for the others."""
    others = {f"{name}.{key}": value for key, value in figures.items() if key != "twin"}
    return {name: figures["twin"], **others}


def _answers_the_question(evidence):
    bound, effort = threshold("answers_the_question"), _next_effort(evidence.settings.effort)
    figures = relevance.figures(evidence.asked, evidence.embedder, bound, effort)
    return _by_variant("answers_the_question", figures)


def _makes_sense(evidence):
    return _by_variant("makes_sense", sense.figures(evidence.asked, evidence.sample.train))


def _next_effort(effort):
    return EFFORTS[min(EFFORTS.index(effort) + 1, len(EFFORTS) - 1)]


def _fool_rate(evidence):
    return {"fool_rate": blind_test.fool_rate(evidence.twin)}


def _sounds_like_me(evidence):
    base = evidence.answers["base"]
    figures = {
        variant: scores.sounds_like_me(
            evidence.voices, answers, base, variant, threshold("sounds_like_me", variant)
        )
        for variant, answers in evidence.answers.items()
    }
    return _by_variant("sounds_like_me", figures)


def _told_apart(evidence):
    figures = {
        variant: scores.told_apart(answers, variant, threshold("told_apart", variant))
        for variant, answers in evidence.answers.items()
    }
    return _by_variant("told_apart", figures)


def _prediction_gain(evidence):
    mine, theirs = evidence.sample.mine, evidence.sample.theirs
    gain = scores.prediction_gain(mine, theirs, threshold("prediction_gain"))
    return {"prediction_gain": gain}


def _pick_my_reply(evidence):
    figures = {
        variant: scores.pick_my_reply(picks, variant, threshold("pick_my_reply", variant))
        for variant, picks in evidence.picks.items()
    }
    return _by_variant("pick_my_reply", figures)


def _copied(evidence):
    sample = evidence.sample
    test, train = ([p["text"] for p in passages] for passages in (sample.test, sample.train))
    figures, warnings = memorization.copied(
        *evidence.continuations, test, train, evidence.own_answers, THRESHOLDS
    )
    evidence.warnings += warnings
    return figures


def _membership(evidence):
    sample = evidence.sample
    auc = memorization.membership(sample.trained, sample.mine, threshold("membership"))
    return {"membership": auc}


def _personal_data(evidence):
    names = privacy.names_of(evidence.twin)
    return {"personal_data": scores.personal_data(evidence.own_answers, names)}


def _nonsense(evidence):
    return _by_variant("nonsense", scores.nonsense(evidence.answers, threshold("nonsense")))


def _forgetting(evidence):
    sample, replies = evidence.sample, evidence.replies
    followed = [
        list(map(instructions.follows, sample.instructions, texts))
        for texts in replies["instructions"]
    ]
    figures = instructions.forgetting(*followed, threshold("forgetting"))
    name = "forgetting.problems"
    if not sample.problems:
        return {**figures, name: figure(None, note=both("evaluate.no_problem_file"))}
    solved = [list(map(tasks.is_correct, texts, sample.problems)) for texts in replies["problems"]]
    return figures | instructions.forgetting(*solved, threshold(name), name)


def _own_facts(evidence):
    return facts.own_facts_figures(evidence.sample.facts, *evidence.replies["facts"])


def _never_wrote(evidence):
    return facts.never_wrote_figures(
        evidence.sample.unwritten,
        *evidence.replies["unwritten"],
        evidence.answers["twin"],
        THRESHOLDS,
    )


def _with_memory(evidence):
    sample = evidence.sample
    return remembered.figures(evidence.with_memory, sample.facts, sample.unwritten, THRESHOLDS)


def _quantization_loss(evidence):
    twin = evidence.twin
    report, state = twin.report("quantize"), twin.state("quantize").name
    loss = threshold("quantization_loss")
    return scores.quantization_loss(report, state, list(twin.ggufs()), loss)


def _at_most(share, bad=None):
    """The threshold of a share, lower is better, written in percent."""
    return Threshold(share, bad=bad, form="{:.0%}")


FIGURES = (
    Figure(
        "answers_the_question",
        _answers_the_question,
        Threshold(0.7, at_least=True, of_author=0.9, bad=0.62, form="{:.0%}"),
        (*EVERY_VARIANT, "author"),
    ),
    Figure("makes_sense", _makes_sense, variants=(*EVERY_VARIANT, "author")),
    Figure("fool_rate", _fool_rate),
    Figure("sounds_like_me", _sounds_like_me, Threshold(0.7, at_least=True), EVERY_VARIANT),
    Figure("told_apart", _told_apart, Threshold(0.75), EVERY_VARIANT, "standard"),
    Figure("prediction_gain", _prediction_gain, Threshold(0.01, at_least=True), share=False),
    Figure(
        "pick_my_reply",
        _pick_my_reply,
        Threshold(0.6, at_least=True, form="{:.0%}"),
        MODELS,
        "quick",
        setting="picks",
    ),
    Figure("copied", _copied, _at_most(0.05, 0.1)),
    Figure("copied.exact", None, _at_most(0.01, 0.1)),
    Figure("membership", _membership, Threshold(0.65), effort="standard"),
    Figure("personal_data", _personal_data, Threshold(0)),
    Figure("nonsense", _nonsense, Threshold(0.1, above_base=0.02, bad=0.1), EVERY_VARIANT),
    Figure("forgetting", _forgetting, _at_most(0.05, 0.1), effort="standard", questions=60),
    Figure("forgetting.problems", None, _at_most(0.05, 0.1)),
    Figure("own_facts", _own_facts, effort="standard", questions=30),
    Figure("own_facts.memory", _with_memory, Threshold(0.8, at_least=True), effort="standard"),
    Figure("own_facts.quoted", None, Threshold(0.8, at_least=True, form="{:.0%}")),
    Figure("never_wrote", _never_wrote, _at_most(0.2), effort="standard", questions=40),
    Figure("never_wrote.false_premises", None, _at_most(0.2)),
    Figure("never_wrote.refused_wrongly", None, _at_most(0.1)),
    Figure("never_wrote.memory", None, _at_most(0.2)),
    Figure("never_wrote.memory_refused", None, _at_most(0.1)),
    Figure(
        "quantization_loss",
        _quantization_loss,
        Threshold(HARDLY_DIFFERENT.divergence),
        ("twin", "file"),
        share=False,
    ),
)
BY_NAME = {entry.name: entry for entry in FIGURES}
THRESHOLDS = {entry.name: entry.threshold for entry in FIGURES}


# Computing and rating the figures


def measure(evidence: Evidence) -> dict[str, dict]:
    """{name: figure} of all entries, and before them the verdict on the whole.

    One that this effort leaves out has a note that says so.
    """
    figures, settings = {}, evidence.settings
    for entry in FIGURES:
        if entry.compute and entry.runs(settings):
            figures |= entry.compute(evidence)
        elif entry.compute:
            figures[entry.name] = ratings.not_run(settings.effort, entry.effort)
    return {"verdict": verdict(figures), **figures}


# Which sentence the levels of nonsense, answers_the_question and makes_sense lead to; the first
# row that fits is taken, and None in a row fits any level: with nonsense "bad" the other two don't
# matter. makes_sense is rated where it is bad only: no figure proves sense.
VERDICT_ON = ("nonsense", "answers_the_question", "makes_sense")
_VERDICTS = (
    ("bad", None, None, "bad", "evaluate.verdict_broken"),
    (None, "bad", None, "bad", "evaluate.verdict_does_not_answer"),
    (None, "good", "bad", "bad", "evaluate.verdict_rambles"),
    (None, "good", "so-so", "so-so", "evaluate.verdict_rambles"),
    (None, None, "bad", "bad", "evaluate.verdict_no_sense"),
    (None, "good", "", "unsure", "evaluate.verdict_answers"),
    (None, None, None, "unsure", "evaluate.verdict_too_few"),
)


def verdict(figures: dict[str, dict]) -> dict:
    """The first sentence of the card: whether the twin answers the question, and doesn't ramble.

    A figure without a value: the sentence is its note, and its level that of the whole. People talk
    to the files, so a file that is worse than the twin counts.
    """
    found = [_worst_level(name, figures) for name in VERDICT_ON]
    rating, key = next(
        (rating, key)
        for *wanted, rating, key in _VERDICTS
        if all(one is None or one == word for one, word in zip(wanted, found))
    )
    # With fewer than eight questions none can be told from seven others: then all answers count.
    asked = (figures.get(name, {}).get("n") for name in ("answers_the_question", "nonsense"))
    n = next(filter(None, asked), 0)
    return figure(None, note=both(key, n=n), level=rating)


def _worst_level(name, figures):
    """The level of a figure, or that of the twin's files where one of them is worse."""
    files = [each for each in figures if each.startswith(f"{name}.twin-")]
    levels = [level(each, figures) for each in files]
    levels.append(level(name, figures) if name in figures else "")
    return next((word for word in ("bad", "so-so") if word in levels), levels[-1])


def own_questions(settings: Evaluate) -> int:
    """How many questions base and twin are asked in addition to the held-out ones."""
    return sum(entry.questions for entry in FIGURES if entry.runs(settings))


def threshold(name: str, variant: str = "twin") -> Threshold | None:
    """The threshold of NAME or NAME.VARIANT; None without one, as for base and prompt.

    A GGUF file, such as NAME.twin-Q8_0, has the twin's threshold.
    """
    full = name if variant == "twin" else f"{name}.{variant}"
    if full in BY_NAME:
        return BY_NAME[full].threshold
    first, _, variant = full.partition(".")
    entry = BY_NAME.get(first)
    of_file = entry and "file" in entry.variants and variant not in entry.variants
    return entry.threshold if of_file else None


def bound(name: str, figures: dict) -> Threshold | None:
    """The threshold of one of a report's figures, relative to the base's or the author's.

    A figure whose threshold depends on how it was measured keeps its own `bound`.
    """
    found, measured = threshold(name), figures.get(name, {})
    if found and "bound" in measured:
        return found._replace(bound=measured["bound"])
    return found and found.relative_to(_reference(name, found, figures))


def _reference(name, threshold, figures):
    return figures.get(f"{name.partition('.')[0]}.{threshold.reference}")


def level(name: str, figures: dict) -> str:
    """The level of one of a report's figures, see `ratings`; '' without one."""
    said = labels.level(figures[name])
    if said is not None:
        return said
    found = threshold(name)
    return ratings.level(figures[name], found, found and _reference(name, found, figures))
