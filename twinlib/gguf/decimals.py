"""The comparison '9.9 or 9.11': base, persona and reasoning are asked, each in four file types.

All variants and types answer the same problems, greedily, in llama.cpp, asked and marked as in the
step 'reasoning': half of the pairs of numbers are traps and each is asked in both orders, so that
'the first', 'the longer' and any coin get one half. None was practised: what the reasoning adapter
was trained on, by its own records, is left out. The versions of one pair count as one piece of
evidence in intervals and tests. A file whose first answers never name one of the two numbers isn't
asked the rest, since rambling takes longest. Answers are cached in the twin folder, so that a
stopped run continues. Not here: other problems than comparisons, and a GPU (llama.cpp runs on the
processor).
"""

import json
import shutil
import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple

from ..files import Cache, content_id, scratch
from ..i18n import both, choose, t
from ..models import load
from ..models.llama_cpp import Llama
from ..text import exercises, formatting
from ..text.statistics import mcnemar, wilson
from ..twin import Twin, figure
from . import writer
from .types import FILE_TYPES

# The largest first
TYPES = tuple(kind for kind in reversed(FILE_TYPES) if FILE_TYPES[kind].compared)
VARIANTS = ("base", "persona", "reasoning")
_PROBLEMS = 200
FIRST = 24  # problems asked at a time; six pairs suffice to tell who never answers
_TOKENS = 128  # enough for a short chain of thought
_SIGNIFICANCE = 0.05


class Variant(NamedTuple):
    """A model that is asked.

    `adapter` is None for the base; `system` is '' for none.
    """

    name: str
    adapter: Path | None
    template: str
    system: str


class Comparison(NamedTuple):
    """Figures by name, what they say in sentences, and one record an answer."""

    figures: dict
    sentences: list[str]
    records: list[dict]


def compare(
    twin: Twin, spec, files: dict[str, Path], progress, count=_PROBLEMS, tokens=_TOKENS
) -> Comparison:
    """Ask `count` comparisons of every variant in every type; answers have up to `tokens` tokens.

    `spec` is the newest adapter's checks.ExportSpec and `files` {type: path} of its files. Others
    are written for one variant at a time and removed; raises TwinError when the disk has no room
    for them.
    """
    variants = variants_of(twin, load.tokenizer(spec.base).chat_template, spec.card["template"])
    problems = exercises.unpractised(count, _practised(twin, variants))
    cells = [
        _Cell(variant, kind, _model_sha(twin, spec.base, variant, kind, tokens))
        for variant in variants
        for kind in TYPES
    ]
    answers = _Answers(Cache(twin.file("comparisons"), ("id", "model_sha")), problems)
    newest = twin.newest_adapter()[0] or "base"
    for variant in variants:
        waiting = [cell for cell in cells if cell.variant == variant and answers.missing(cell)]
        existing = files if variant.name == newest else {}
        with ExitStack() as stack:
            folder = stack.enter_context(_scratch_folder(twin)) if waiting else None
            paths = _paths(folder, waiting, existing)
            _write(spec, variant, folder, paths, progress)
            for cell in waiting:
                advance = _progress(progress, cells, cell, len(problems))
                _ask(paths[cell.kind], cell, answers, tokens, advance)
    records = [record for cell in cells for record in answers.of(cell).values()]
    answers.cache.replace(records)
    return Comparison(figures_of(records), sentences(records), records)


class _Cell(NamedTuple):
    """A variant in one file type; `sha` is of all that its answers depend on."""

    variant: Variant
    kind: str
    sha: str


class _Answers(NamedTuple):
    """The cached answers, one record a problem and cell."""

    cache: Cache
    problems: list[dict]

    def of(self, cell):
        """{problem's id: record} of a cell's answers, in the order of the problems."""
        found = ((p["id"], self.cache.get(p["id"], cell.sha)) for p in self.problems)
        return {name: record for name, record in found if record}

    def missing(self, cell):
        """The problems to ask next; [] when all are answered, or no answer names a number."""
        answered = self.of(cell)
        for start in range(0, len(self.problems), FIRST):
            part = self.problems[start : start + FIRST]
            if missing := [problem for problem in part if problem["id"] not in answered]:
                return missing
            if not any(record["readable"] for record in answered.values()):
                return []
        return []


def variants_of(twin: Twin, base_template: str, own_template: str) -> list[Variant]:
    """The base and the fresh adapters, with the chat template of each."""
    system = twin.facts.get("system_prompt", "")
    trained = [
        Variant(step, twin.adapter(step), own_template, system)
        for step in ("persona", "reasoning")
        if twin.state(step).name == "done" and twin.adapter(step).exists()
    ]
    return [Variant("base", None, base_template, ""), *trained]


def _model_sha(twin, base, variant, kind, tokens):
    adapter = twin.hash(variant.adapter) if variant.adapter else ""
    facts = [base.revision, adapter, variant.template, variant.system, kind, tokens]
    return content_id(json.dumps(facts))


def _practised(twin, variants):
    """The problems that the reasoning adapter was trained on."""
    if variants[-1].name != "reasoning":
        return []
    return [problem for problem in twin.records("problems") if problem["split"] == "train"]


def _scratch_folder(twin):
    """A folder for a variant's files, removed afterwards.

    On the machine's own disk if that has much more room than the twin's, as beside a mounted Drive.
    """
    here, local = twin.folder("quantize"), tempfile.gettempdir()
    if shutil.disk_usage(local).free > 2 * shutil.disk_usage(here).free:
        return scratch(tempfile.mkdtemp(prefix="twinlib-"))
    return scratch(here / "comparison")


def _paths(folder, cells, existing):
    """{type: path} of the files to ask, in `folder` unless they exist already."""
    paths = {}
    for cell in cells:
        path = existing.get(cell.kind)
        paths[cell.kind] = path if path and path.exists() else folder / f"{cell.kind}.gguf"
    return paths


def _write(spec, variant, folder, paths, progress):
    """Write those of the files that lie in `folder`."""
    names = variant_names(variant.name)

    def advance(done, total, note):
        progress(done, total, t("gguf.text", rows=names["en"], rows_2=names["zh"], note=note))

    outputs = {kind: path for kind, path in paths.items() if path.parent == folder}
    if outputs:
        card = {**spec.card, "template": variant.template}
        writer.write(spec.base.path, outputs, spec.vocabulary, card, variant.adapter, advance)


def _progress(progress, cells, cell, count):
    """A function that reports how many of a cell's problems are answered."""
    names, before = variant_names(cell.variant.name), cells.index(cell) * count
    note = t("gguf.comparisons", rows=names["en"], rows_2=names["zh"], kind=cell.kind)
    return lambda done: progress(before + done, len(cells) * count, note)


def _ask(path, cell, answers, tokens, advance):
    """Ask a file its missing problems and cache the marked answers."""
    with Llama(path) as llama:
        while part := answers.missing(cell):
            before = len(answers.of(cell))
            found = llama.chat_many(
                [_messages(cell.variant, problem) for problem in part],
                tokens,
                temperature=0,
                progress=lambda done, *_, before=before: advance(before + done),
            )
            answers.cache.add(_marked(cell, *pair) for pair in zip(part, found))
    advance(len(answers.problems))


def _messages(variant, problem):
    opening = [{"role": "system", "content": variant.system}] if variant.system else []
    return [*opening, {"role": "user", "content": exercises.ask(problem)}]


def _marked(cell, problem, answer):
    return {
        "row": cell.variant.name,
        "type": cell.kind,
        "id": problem["id"],
        "group": problem["group"],
        "question": problem["question"],
        "answer": problem["answer"],
        "text": answer.text,
        "ended": answer.ended,
        "correct": exercises.is_correct(answer.text, problem["answer"]),
        "readable": exercises.names_one(answer.text, problem),
        "model_sha": cell.sha,
    }


# Figures


def figures_of(records: list[dict]) -> dict:
    """{decimals_VARIANT_TYPE: figure} with the share of right answers.

    The note says how many answers named neither number, and how often '9.9 or 9.11' itself was
    answered right.
    """
    figures, showcase = {}, exercises.SHOWCASE[0]["group"]
    for (name, kind), part in by_cell(records).items():
        n, neither = len(part), sum(not record["readable"] for record in part)
        shown = [record["correct"] for record in part if record["group"] == showcase]
        share, low, high = (round(value, 4) for value in interval(pairs(part)))
        note = t(
            "gguf.answers_named_neither_number_9",
            neither=neither / n,
            seed=sum(shown),
            seed_2=len(shown),
        )
        figures[f"decimals_{name}_{kind}"] = figure(share, low, high, n, note)
    return figures


def by_cell(records: list[dict]) -> dict[tuple[str, str], list[dict]]:
    """{(variant, type): records}, in the order of the records."""
    cells = {}
    for record in records:
        cells.setdefault((record["row"], record["type"]), []).append(record)
    return cells


def pairs(records: list[dict]) -> list[tuple[int, int]]:
    """[(right answers, answers)] of each pair of numbers."""
    groups = {}
    for record in records:
        groups.setdefault(record["group"], []).append(record["correct"])
    return [(sum(correct), len(correct)) for correct in groups.values()]


def interval(pairs: list[tuple[int, int]]) -> tuple[float, float, float]:
    """(share, low, high): Wilson's 95 % interval, from [(right, asked)] of each pair.

    n is divided by the design effect: how much more the pairs differ than independent answers
    would, from 1 to the number of answers a pair. Where all or none are right, which tells nothing
    about it, it is that number.
    """
    right, n, count = sum(r for r, _ in pairs), sum(asked for _, asked in pairs), len(pairs)
    share, largest, effect = right / n, n / count, n / count
    if 0 < right < n and count > 1:
        squares = sum((r - share * asked) ** 2 for r, asked in pairs)
        varies = count / (count - 1) * squares / n
        effect = min(max(varies / (share * (1 - share)), 1.0), largest)
    return share, *wilson(right / effect, n / effect)


def variant_names(name: str) -> dict[str, str]:
    """{language: what people call a variant}."""
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


def _cell_text(found):
    return f"{found['value']:.0%} ({found['low']:.0%}–{found['high']:.0%})" if found else "–"


# Sentences


def sentences(records: list[dict]) -> list[str]:
    """What the comparison shows: chance only, or the effects of quantization and reasoning."""
    cells = by_cell(records)
    intervals = {cell: interval(pairs(part)) for cell, part in cells.items()}
    like_a_coin = all(low <= 0.5 <= high for _, low, high in intervals.values())
    changed = _changes(cells, _quantizations(cells)) + _changes(cells, _trainings(cells))
    if like_a_coin and not changed:
        return [_chance(cells)]
    against_a_coin = _against_a_coin(cells, intervals, like_a_coin)
    return [against_a_coin, *_about_quantization(cells), *_about_reasoning(cells)]


def _chance(cells):
    most = max(len(pairs(part)) for part in cells.values())
    if interval([(1, 1)] * most)[1] <= 0.5:
        return t("gguf.too_few_tell_even_pairs", most=most, problems=_PROBLEMS)
    return t("gguf.all_chance_all_we_tell")


def _against_a_coin(cells, intervals, like_a_coin):
    if like_a_coin:
        return t("gguf.taken_alone_no_figure_told")
    if above := [cell for cell, (_, low, _) in intervals.items() if low > 0.5]:
        names = {
            code: ", ".join(f"{variant_names(name)[code]} {kind}" for name, kind in above)
            for code in ("en", "zh")
        }
        return t(
            "gguf.better_coin_intervals_chance_alone",
            names=names["en"],
            names_2=names["zh"],
            cells=len(cells),
            by_chance=f"{0.025 * len(cells):.1f}",
        )
    neither = sum(not record["readable"] for part in cells.values() for record in part)
    share = neither / sum(map(len, cells.values()))
    return t("gguf.nothing_here_better_coin_some", share=share)


def change(before: list[dict], after: list[dict]) -> tuple[float, float]:
    """(change in the share of right answers, p) between two cells' records of the same problems.

    A pair of numbers counts once, as better, worse or neither: McNemar's exact test on pairs, a
    sign test.
    """
    common = {record["id"] for record in before} & {record["id"] for record in after}
    old, new = (
        pairs([record for record in part if record["id"] in common]) for part in (before, after)
    )
    changes = [right_after - right for (right, _), (right_after, _) in zip(old, new)]
    p = mcnemar([value < 0 for value in changes], [value > 0 for value in changes])[3]
    return sum(changes) / len(common), p


def _quantizations(cells):
    """[(before, after)]: each quantized cell and its F16."""
    return [((name, "F16"), (name, kind)) for name, kind in cells if kind != "F16"]


def _trainings(cells):
    """[(before, after)]: each cell of reasoning and the one that it continued."""
    before = "persona" if ("persona", "F16") in cells else "base"
    return [((before, kind), (name, kind)) for name, kind in cells if name == "reasoning"]


def _changes(cells, comparisons):
    """[(cell, change, p)] of the significant ones of (before, after) cells, by Bonferroni."""
    changes = [(after, *change(cells[before], cells[after])) for before, after in comparisons]
    return [found for found in changes if found[2] < _SIGNIFICANCE / len(changes)]


def _about_quantization(cells):
    if changed := _changes(cells, _quantizations(cells)):
        names = _listed(changed)
        return [t("gguf.different_f16_more_chance", names=names["en"], names_2=names["zh"])]
    fewest = (
        min(len(pairs(cells[cell])) for cell in both_cells) for both_cells in _quantizations(cells)
    )
    return [t("gguf.no_quantized_file_differs_f16", pairs=max(fewest, default=0))]


def _about_reasoning(cells):
    if not _trainings(cells):
        return []
    if changed := _changes(cells, _trainings(cells)):
        names = _listed(changed)
        return [t("gguf.reasoning_training_changed_more", names=names["en"], names_2=names["zh"])]
    return [t("gguf.reasoning_training_changed_nothing")]


def _listed(changed):
    """{language: cells with the percentage points they gained or lost, and p}."""
    lists = {"en": [], "zh": []}
    for (name, kind), gain, p in changed:
        points = both("gguf.changed_points", points=f"{100 * gain:+.0f}", p=f"{p:.1g}")
        for code, names in variant_names(name).items():
            lists[code].append(f"{names} {kind} {points[code]}")
    return {code: ", ".join(parts) for code, parts in lists.items()}
