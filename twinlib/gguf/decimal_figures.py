"""Figures, sentences and the table of the comparison '9.9 or 9.11', from its records (decimals.py).

All questions about one pair of numbers count as one observation in intervals and tests.
"""

from ..i18n import Texts, both, choose, listed, t
from ..text import exercises, formatting
from ..text.statistics import change_of_groups, right_by_group, share_of_groups
from ..twin import figure
from .types import FILE_TYPES

# The largest first
TYPES = tuple(kind for kind in reversed(FILE_TYPES) if FILE_TYPES[kind].compared)
VARIANTS = ("base", "persona", "reasoning")
PROBLEMS = 200
_SIGNIFICANCE = 0.05

# Figures


def figures_of(records: list[dict]) -> dict:
    """{decimals_VARIANT_TYPE: figure} with the share of right answers.

    The note has the share of answers that named neither number, and how often '9.9 or 9.11' itself
    was answered right.
    """
    figures, showcase = {}, exercises.SHOWCASE[0]["group"]
    for (name, kind), part in by_cell(records).items():
        correct = [record["correct"] for record in part if record["group"] == showcase]
        share, low, high = (round(value, 4) for value in share_of_groups(pairs(part)))
        values = {"neither": _share_unreadable(part), "right": sum(correct), "asked": len(correct)}
        note = both("gguf.decimals_note", **values)
        figures[f"decimals_{name}_{kind}"] = figure(share, low, high, len(part), note)
    return figures


def _share_unreadable(records):
    return sum(not record["readable"] for record in records) / len(records)


def by_cell(records: list[dict]) -> dict[tuple[str, str], list[dict]]:
    """{(variant, type): records}, in the order of the records."""
    cells = {}
    for record in records:
        cells.setdefault((record["row"], record["type"]), []).append(record)
    return cells


def pairs(records: list[dict]) -> list[tuple[int, int]]:
    """[(right answers, answers)] of each pair of numbers."""
    groups, marks = ([record[name] for record in records] for name in ("group", "correct"))
    return right_by_group(groups, marks)


def variant_names(name: str) -> dict[str, str]:
    """{language: a variant's name for people}."""
    keys = {
        "base": "gguf.variant_base",
        "persona": "gguf.variant_persona",
        "reasoning": "gguf.variant_reasoning",
    }
    return both(keys[name])


def table(figures: dict) -> str:
    """The figures of a report as a Markdown table, variants × types; '' without any."""
    rows = [
        [
            choose(variant_names(name)),
            *(_cell_text(figures.get(f"decimals_{name}_{kind}")) for kind in TYPES),
        ]
        for name in VARIANTS
        if any(f"decimals_{name}_{kind}" in figures for kind in TYPES)
    ]
    return formatting.table([t("gguf.right_answers"), *TYPES], rows)


def _cell_text(figure):
    return "{value:.0%} ({low:.0%}–{high:.0%})".format(**figure) if figure else "–"


# Sentences


def findings(records: list[dict]) -> list[Texts]:
    """What the comparison shows: chance only, or the effects of quantization and reasoning."""
    cells = by_cell(records)
    intervals = {cell: share_of_groups(pairs(part)) for cell, part in cells.items()}
    like_a_coin = all(low <= 0.5 <= high for _, low, high in intervals.values())
    quantized = _changes(cells, _quantizations(cells))
    trained = _changes(cells, _trainings(cells))
    if like_a_coin and not quantized + trained:
        return [_chance(cells)]
    above = [cell for cell, (_, low, _) in intervals.items() if low > 0.5]
    if like_a_coin:
        against_a_coin = both("gguf.no_single_figure_beats_coin")
    elif above:
        values = {"cells": len(cells), "by_chance": f"{0.025 * len(cells):.1f}"}
        names = listed(map(_cell_names, above))
        against_a_coin = both("gguf.better_than_coin", names=names, **values)
    else:
        against_a_coin = both("gguf.nothing_better_than_coin", share=_share_unreadable(records))
    return [
        against_a_coin,
        _about_quantization(cells, quantized),
        *_about_reasoning(cells, trained),
    ]


def about_engine(records, checks):
    """Which engine answered; `checks` are llama.cpp's answers to some of the same problems."""
    if not checks:
        return []
    marks = {(r["row"], r["type"], r["id"]): r["correct"] for r in records}
    same = sum(marks[r["row"], r["type"], r["id"]] == r["correct"] for r in checks)
    return [both("gguf.answered_in_pytorch", checks=len(checks), same=same)]


def _chance(cells):
    count = max(len(pairs(part)) for part in cells.values())
    if share_of_groups([(1, 1)] * count)[1] <= 0.5:
        return both("gguf.too_few_problems", pairs=count, problems=PROBLEMS)
    return both("gguf.all_chance")


def _cell_names(cell):
    """{language: a cell's name for people, such as 'persona Q8_0'}."""
    name, kind = cell
    return {code: f"{text} {kind}" for code, text in variant_names(name).items()}


def change(before: list[dict], after: list[dict]) -> tuple[float, float]:
    """(change in the share of right answers, p) between two cells' records.

    Only problems that both answered count, and a pair of numbers counts once.
    """
    common = {record["id"] for record in before} & {record["id"] for record in after}
    old, new = (
        pairs([record for record in part if record["id"] in common]) for part in (before, after)
    )
    return change_of_groups(old, new)


def _quantizations(cells):
    """[(F16 cell, quantized cell)] of each variant and type."""
    return [((name, "F16"), (name, kind)) for name, kind in cells if kind != "F16"]


def _trainings(cells):
    """[(cell before reasoning training, cell after it)] of each type."""
    before = "persona" if ("persona", "F16") in cells else "base"
    return [((before, kind), (name, kind)) for name, kind in cells if name == "reasoning"]


def _changes(cells, comparisons):
    """The significant ones of (before, after) cells, by Bonferroni, as [(after, change, p)]."""
    changes = [(after, *change(cells[before], cells[after])) for before, after in comparisons]
    return [(cell, gain, p) for cell, gain, p in changes if p < _SIGNIFICANCE / len(changes)]


def _about_quantization(cells, changed):
    if changed:
        return both("gguf.quantization_changed", names=_change_names(changed))
    answered = [min(len(pairs(cells[cell])) for cell in two) for two in _quantizations(cells)]
    return both("gguf.quantization_changed_nothing", pairs=max(answered, default=0))


def _about_reasoning(cells, changed):
    if not _trainings(cells):
        return []
    if changed:
        return [both("gguf.reasoning_training_changed", names=_change_names(changed))]
    return [both("gguf.reasoning_training_changed_nothing")]


def _change_names(changed):
    """{language: cells with the percentage points they gained or lost, and p}."""
    texts = []
    for cell, gain, p in changed:
        points = both("gguf.changed_points", points=f"{100 * gain:+.0f}", p=f"{p:.1g}")
        texts.append({code: f"{text} {points[code]}" for code, text in _cell_names(cell).items()})
    return listed(texts)
