"""Two or three sentences on a step's result: does it work, what is weakest, what to do next.

They open each look, and the terminal and `status` say them too. All of it is decided from the
reports, whose figures keep their levels, so that picture, table and sentence agree; a report of an
older version is read in the same way. The texts are in data/strings/verdict.yaml.
"""

import math
from typing import NamedTuple

from ..evaluate.figures import BY_NAME, VERDICT_ON, level, verdict
from ..files import TwinError
from ..i18n import Texts, both, choose
from ..models import estimate
from ..progress import duration
from ..settings import EFFORTS
from ..text import labels, sufficiency
from ..text.formatting import size
from ..twin import STEPS, Report, Twin
from . import gguf_files
from .display import NOTHING, Shown, summarised

_ENOUGH = 300  # training passages; with more, other things help more
_AT_LEAST = 40  # training passages; with fewer, training does not help
_MOST_ANSWERS = 50  # in an interview that can be asked of anybody
_FEW_TEXTS = 5  # held out; fewer make rough figures
_REASONS_FROM = 0.4  # billions of parameters: no smaller base has gained by practice
_SENSIBLE_FROM = 1.0  # billions of parameters: a smaller base makes little sense
_STEPS_TO_GAIN = 50  # of practice
_REMEMBERS = 0.8  # of the questions on what was written: a memory that answers fewer is so-so
_WEAK = {
    "answers_the_question": "verdict.weak_answers",
    "makes_sense": "verdict.weak_sense",
    "fool_rate": "verdict.weak_fool_rate",
    "sounds_like_me": "verdict.weak_voice",
    "told_apart": "verdict.weak_told_apart",
    "prediction_gain": "verdict.weak_gain",
    "pick_my_reply": "verdict.weak_pick",
    "copied": "verdict.weak_copied",
    "copied.exact": "verdict.weak_copied",
    "membership": "verdict.weak_membership",
    "personal_data": "verdict.weak_personal_data",
    "nonsense": "verdict.weak_nonsense",
    "forgetting": "verdict.weak_forgetting",
    "forgetting.problems": "verdict.weak_forgetting",
    "never_wrote": "verdict.weak_makes_up",
    "never_wrote.false_premises": "verdict.weak_makes_up",
    "never_wrote.refused_wrongly": "verdict.weak_refuses",
    "own_facts.memory": "verdict.weak_memory",
    "own_facts.quoted": "verdict.weak_quotations",
    "never_wrote.memory": "verdict.weak_makes_up",
    "never_wrote.memory_refused": "verdict.weak_refuses",
    "quantization_loss": "verdict.weak_file",
}
# What the weaknesses of a twin that was trained too much have in common.
_TOO_MUCH = ("copied", "copied.exact", "membership", "forgetting", "forgetting.problems")


class Summary(NamedTuple):
    """`level` is good, unsure, so-so or bad; `weakest` is None where nothing stands out.

    `by_chance`: what is weakest may be chance.
    """

    level: str
    works: dict[str, str]
    weakest: Texts | None
    following: Texts
    by_chance: bool = False

    def lines(self) -> list[str]:
        """The sentences in the reader's language."""
        if self.by_chance:
            weakest = [both("verdict.weakest_so_far", text=self.weakest)]
        else:
            weakest = [both("verdict.weakest", text=self.weakest)] if self.weakest else []
        following = both("verdict.next", text=self.following)
        return list(map(choose, (self.works, *weakest, following)))


def shown(twin: Twin, step: str) -> Shown:
    """The summary of a step for the top of its look; nothing without a report."""
    found = summary(twin, step)
    return summarised(found.level, found.lines()) if found else NOTHING


def summary(twin: Twin, step: str) -> Summary | None:
    """The summary of a step's report, read beside those of the other steps; None without one.

    Raises TwinError for a damaged report.
    """
    if twin.report(step) is None:
        return None
    reports = {step: twin.report(step)}
    for other in STEPS:
        try:
            reports.setdefault(other, twin.report(other))
        except TwinError:
            reports[other] = None
    return _SUMMARIES[step](reports, twin)


def _value(report: Report | None, name: str, missing=None):
    figure = (report.figures if report else {}).get(name) or {}
    return missing if figure.get("value") is None else figure["value"]


def _action(*actions):
    """One or two actions as a sentence."""
    if len(actions) == 1:
        return both("verdict.one_action", first=actions[0])
    return both("verdict.two_actions", first=actions[0], second=actions[1])


# What helps any twin


def _parameters(twin):
    """The base's parameters in billions, or None."""
    shape = estimate.shape(twin.facts.get("base", {}).get("name", ""))
    return shape.parameters if shape else None


def is_too_small_to_reason(twin: Twin) -> bool:
    """Whether practice in notebook 03 is no use: the twin's base is too small to gain where it is.

    Without a GPU a small base can't practise for as long as it needs to gain.
    """
    parameters, is_there = _parameters(twin), twin.state("persona").name in ("done", "stale")
    has_gpu = is_there and twin.report("persona").machine.get("gpu")
    return parameters is not None and parameters < (_REASONS_FROM if has_gpu else _SENSIBLE_FROM)


def _is_small(twin):
    """Whether a larger base would make more sense."""
    parameters = _parameters(twin)
    return parameters is not None and parameters < _SENSIBLE_FROM


def _more_texts(corpus: Report | None) -> Texts | None:
    """How many texts would make the training passages enough, or twice as many; None if enough."""
    passages = _value(corpus, "train_passages", _ENOUGH)
    if passages >= _ENOUGH:
        return None
    wanted = _AT_LEAST if passages < _AT_LEAST else min(_ENOUGH, 2 * passages)
    a_text = max(1.0, passages / max(1, _value(corpus, "train_documents", 1)))
    texts = max(2, math.ceil((wanted - passages) / a_text))
    texts = texts if texts < 20 else 5 * math.ceil(texts / 5)
    answers = math.ceil((wanted - passages) / (1 - sum(sufficiency.HELD_OUT.values())))
    if answers > _MOST_ANSWERS:
        return both("verdict.bring_texts", texts=texts)
    return both("verdict.bring_texts_or_answers", texts=texts, answers=answers)


def _train_longer(persona: Report | None) -> Texts | None:
    effort = persona.settings.get("effort") if persona else None
    if effort not in EFFORTS or EFFORTS.index(effort) >= EFFORTS.index("standard"):
        return None
    has_gpu = persona.machine.get("gpu")
    return both("verdict.train_longer" if has_gpu else "verdict.train_longer_on_gpu")


def _improvements(reports, twin) -> list[Texts]:
    """What would make the twin better, the most helpful first."""
    larger = both("verdict.take_larger_base") if _is_small(twin) else None
    found = (_train_longer(reports["persona"]), _more_texts(reports["corpus"]), larger)
    return [action for action in found if action]


# 01


def _corpus(reports, twin):
    report = reports["corpus"]
    more = _more_texts(report)
    assessed = sufficiency.of_figures(report.figures)
    found = {"stop": "bad", "warning": "so-so"}.get(assessed.level, "good")
    held_out, dropped = _value(report, "test_documents"), report.figures.get("dropped") or {}
    weakest = None
    if held_out is not None and held_out < _FEW_TEXTS:
        weakest = both("verdict.few_held_out", count=held_out)
    elif dropped.get("n") and dropped["value"] > 0.3 * dropped["n"]:
        counts = {"dropped": dropped["value"], "all": dropped["n"]}
        weakest = both("verdict.much_put_aside", **counts)
    elif more:
        weakest = both("verdict.little_writing")
    if found == "bad" and more:
        following = both("verdict.write_more_first", action=more)
    elif found == "so-so" and more:
        following = both("verdict.write_more_or_try", action=more)
    elif more:
        following = both("verdict.teach_it_or_more", action=more)
    else:
        following = both("verdict.teach_it")
    return Summary(found, assessed.texts, weakest, following)


# 02


def _persona(reports, twin):
    report = reports["persona"]
    found, works = _has_learnt(report)
    longer, small = _train_longer(report), _is_small(twin)
    watched = (report.figures.get("val_loss") or {}).get("n")
    weakest = None
    if report.settings.get("effort") == EFFORTS[0]:
        weakest = both("verdict.quick_try", time=duration(_value(report, "seconds", 0)))
    elif small:
        weakest = both("verdict.small_base", parameters=_parameters(twin))
    elif watched is not None and watched < _FEW_TEXTS:
        weakest = both("verdict.watched_by_few", count=watched)
    following = both(
        "verdict.go_on_to_04" if is_too_small_to_reason(twin) else "verdict.go_on_to_03_or_04"
    )
    if has_answers(twin):
        following = both("verdict.read_first", action=following)
    if longer or found == "bad":
        actions = _improvements(reports, twin)[:2]
        if actions:
            following = both("verdict.or_better", first=following, second=_action(*actions))
    return Summary(found, works, weakest, following)


def has_answers(twin: Twin) -> bool:
    """Whether answers were asked before and after training: not where it was spread over GPUs."""
    try:
        return any(record.get("kind") == "answer" for record in twin.records("samples"))
    except TwinError:  # none, or damaged, which the look at them says
        return False


def _has_learnt(report):
    """(level, sentence)."""
    before, after = _value(report, "val_loss_before"), _value(report, "val_loss")
    if before is None or after is None:
        return "unsure", both("verdict.not_watched")
    times = math.exp(min(before - after, 10))
    if after >= before:
        return "bad", both("verdict.learnt_nothing")
    if times < 1.05:
        return "so-so", both("verdict.learnt_little")
    return "good", both("verdict.learnt", times=times)


# 03


def _reasoning(reports, twin):
    report = reports["reasoning"]
    if "steps" not in report.figures and "pass_at_1" in report.figures:
        return _not_practised(report, twin)
    if "accuracy_gain" not in report.figures and "nearness_gain" in report.figures:
        return _prose(report, twin)
    gain = report.figures.get("accuracy_gain") or {}
    n = gain.get("n") or 0
    before, after = (_value(report, f"accuracy_{when}", 0) for when in ("before", "after"))
    found = gain.get("level")
    if found is None:  # of an older version
        low, high = gain.get("low"), gain.get("high")
        found = "unsure" if low is None or low <= 0 <= high else "good" if low > 0 else "bad"
    keys = {"good": "verdict.solves_more", "bad": "verdict.solves_fewer"}
    counts = {"before": round(before * n), "after": round(after * n), "n": n}
    works = both(keys.get(found, "verdict.solves_as_many"), **counts)
    return Summary(
        found, works, _why_no_gain(report, before, found, twin), _after(report, found, twin)
    )


def _not_practised(report, twin):
    """The probe found nothing to gain, and the adapter is as it was."""
    shares = {"first": _value(report, "pass_at_1"), "best": _value(report, "pass_at_8")}
    works = both("practice.not_practised", n=report.figures["pass_at_1"]["n"], **shares)
    return Summary("unsure", works, None, _voice_first(twin) or both("verdict.go_on_to_quantize"))


def _prose(report, twin):
    """Answers in prose: nearer to the owner's or not, and whether they are too long."""
    found = report.figures["nearness_gain"].get("level")
    near = {when: _value(report, f"nearness_{when}", 0) for when in ("before", "after")}
    n, length = report.figures["nearness_gain"]["n"], _value(report, "length_ratio", 1)
    keys = {"good": "practice.is_nearer", "bad": "practice.is_farther"}
    works = both(keys.get(found, "practice.is_as_near"), n=n, **near)
    weakest = both("practice.too_long", ratio=length) if length > 1.5 else None
    return Summary(found, works, weakest, _after(report, found, twin))


def _why_no_gain(report, before, found, twin):
    steps = _value(report, "steps", 0)
    if found == "good":
        return None
    if before > 0.85:
        return both("verdict.already_good")
    if steps < _STEPS_TO_GAIN:
        return both("verdict.few_steps", steps=steps)
    if is_too_small_to_reason(twin):
        return both("verdict.base_too_small")
    return both("verdict.nothing_to_learn") if _value(report, "no_signal", 0) > 0.5 else None


def _voice_first(twin):
    """What to do before files can be made: train the voice, anew or at all; None if it is fresh."""
    state = twin.state("persona").name
    if state == "done":
        return None
    return both("verdict.voice_first" if state == "missing" else "verdict.voice_again")


def _after(report, found, twin):
    if following := _voice_first(twin):
        return following
    if found == "bad":
        return both("verdict.drop_the_practice")
    short = _value(report, "steps", 0) < _STEPS_TO_GAIN
    if found == "unsure" and short and not is_too_small_to_reason(twin):
        return both("verdict.practise_longer")
    return both("verdict.go_on_to_quantize")


# 04


def _quantize(reports, twin):
    files = gguf_files.measured_files(twin, reports["quantize"])
    best = gguf_files.recommended(files)
    if best is None:
        weakest = _weakest_file(files, reports["quantize"])
        return Summary("bad", both("verdict.no_file"), weakest, both("verdict.make_files_again"))
    named = {"name": best.name, "size": size(best.bytes)}
    found = best.level or "unsure"
    keys = {"good": "verdict.take_file", "unsure": "verdict.take_unmeasured"}
    works = both(keys.get(found, "verdict.take_nearest"), **named)
    following = both("verdict.ask_then_measure")
    if found in ("so-so", "bad"):
        kinds = [file.kind for file in files]
        larger = next((kind for kind in ("Q8_0", "F16") if kind not in kinds), None)
        following = both("verdict.make_larger_file", kind=larger) if larger else following
    return Summary(found, works, _weakest_file(files, reports["quantize"]), following)


def _weakest_file(files, report):
    for file in files:
        if file.failed:
            key = "verdict.file_missing" if file.missing else "verdict.file_failed"
            return both(key, name=file.name)
    worst = {file.level: file for file in files}
    for word, key in (("bad", "verdict.file_lost_much"), ("so-so", "verdict.file_lost_some")):
        if word in worst:
            return both(key, name=worst[word].name)
    ended = report.figures.get("ended_given_room") or report.figures.get("ended_twin") or {}
    if ended.get("n") and ended["value"] <= 0.5:
        return both("verdict.seldom_ends", ended=round(ended["value"] * ended["n"]), n=ended["n"])
    return None


# 05


def _evaluate(reports, twin):
    report = reports["evaluate"]
    figures = report.figures
    said = _verdict(figures)
    levels = {name: level(name, figures) for name in BY_NAME if name in figures}
    # What the first sentence says is not said again.
    told = VERDICT_ON if said["level"] in ("so-so", "bad") else ()
    weak = [
        name
        for word in ("bad", "so-so")
        for name in levels
        if levels[name] == word and name in _WEAK and name not in told
    ]
    weakest = _weakness(weak[0], figures) if weak else _uncertainty(levels, reports)
    following = _cure(weak[0] if weak else "", levels, said["level"], reports, twin)
    by_chance = bool(weak) and levels[weak[0]] == "so-so" and not _is_caricature(weak[0], figures)
    return Summary(said["level"], labels.note(said), weakest, following, by_chance)


def _verdict(figures):
    """The verdict that a report keeps, or one made from its figures."""
    kept = figures.get("verdict") or {}
    return kept if "level" in kept else verdict(figures)


def _is_caricature(name, figures):
    """Whether a figure is weak because it is above the author's."""
    value, low = figures[name].get("value"), figures[name].get("low")
    if name == "fool_rate":
        return low is not None and low > 0.5
    return name == "sounds_like_me" and value is not None and value > 1


def _weakness(name, figures):
    return both("verdict.weak_caricature" if _is_caricature(name, figures) else _WEAK[name])


def _uncertainty(levels, reports):
    """What is weakest where nothing is weak: too few answers to tell, or nothing."""
    rated = [word for word in levels.values() if word]
    if rated.count("unsure") * 2 < len(rated):
        return None
    answers = (reports["evaluate"].figures.get("answers_the_question") or {}).get("n") or 0
    documents = _value(reports["corpus"], "test_documents", 0)
    return both("verdict.weak_certainty", n=answers, documents=documents)


def _was_too_much(levels):
    """Whether training was too much: one figure says so surely, or two that may be chance agree."""
    found = [levels[name] for name in _TOO_MUCH if levels.get(name) in ("bad", "so-so")]
    return "bad" in found or len(found) > 1


def _cure(name, levels, verdict_level, reports, twin):
    figures = reports["evaluate"].figures
    if name == "quantization_loss":
        others = [key.split(".")[1] for key in figures if key.startswith("quantization_loss.")]
        good = [kind for kind in others if level(f"{name}.{kind}", figures) == "good"]
        return both("verdict.take_other_file", kind=good[0]) if good else both("verdict.make_q8")
    if name == "personal_data":
        return both("verdict.mask_it")
    if name in _TOO_MUCH and _was_too_much(levels) or name and _is_caricature(name, figures):
        return _action(both("verdict.train_less"))
    improvements = _improvements(reports, twin)
    if (name or verdict_level in ("so-so", "bad") or _train_longer(reports["persona"])) and (
        improvements
    ):
        return _action(*improvements[:2])
    effort = reports["evaluate"].settings.get("effort")
    if "unsure" in levels.values() and effort in EFFORTS[: EFFORTS.index("standard")]:
        return both("verdict.measure_longer")
    return both("verdict.ask_friends")


# 06


def _publish(reports, twin):
    report = reports["publish"]
    counts = {name: _value(report, name, 0) for name in ("repositories", "files")}
    total = size(1e6 * _value(report, "megabytes", 0))
    online = bool(_value(report, "uploaded", 0))
    works = both("verdict.is_online" if online else "verdict.would_go_online", size=total, **counts)
    following = "verdict.open_repository" if online else "verdict.read_card_then_upload"
    weakest, measured = None, reports["evaluate"]
    if measured is None:
        weakest = both("verdict.never_measured")
    else:
        said = _verdict(measured.figures)
        if said["level"] in ("so-so", "bad"):
            weakest = both("verdict.card_says", verdict=labels.note(said))
    return Summary("good", works, weakest, both(following))


# 07


def _memory(reports, twin):
    figures = reports["memory"].figures
    passages, documents = (_value(reports["memory"], key, 0) for key in ("passages", "documents"))
    works = both("verdict.remembers", passages=passages, documents=documents)
    false, answered = figures.get("false_answers") or {}, figures.get("answered") or {}
    if false.get("value") is None or answered.get("value") is None:
        return Summary("unsure", works, both("verdict.never_calibrated"), both("verdict.talk"))
    shares = {"answered": answered["value"], "false": false["value"]}
    found = "good" if answered["value"] >= _REMEMBERS else "so-so"
    return Summary(found, works, both("verdict.refuses", **shares), both("verdict.talk"))


_SUMMARIES = {
    "corpus": _corpus,
    "persona": _persona,
    "reasoning": _reasoning,
    "quantize": _quantize,
    "evaluate": _evaluate,
    "publish": _publish,
    "memory": _memory,
}
