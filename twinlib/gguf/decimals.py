"""The benchmark '9.9 or 9.11': base, persona and reasoning compare numbers in four file types.

All variants and types answer the same problems, greedily, in llama.cpp, with the prompts and the
marking of the step 'reasoning'. In half of the pairs of numbers the one with more digits is the
smaller, and each pair is asked in both orders, so that 'the first', 'the longer' and a coin are
right half of the time. Problems that the reasoning adapter was trained on are left out. All
questions about one pair count as one observation in intervals and tests. A file whose first answers
never name one of the two numbers doesn't get the other problems, since rambling takes longest.
Answers are cached in the twin folder one by one, so that a stopped run continues.

Many problems are asked at once, so that each weight that is read serves all of them, and several
files at the same time, a core for each. What the prompts begin with is computed once. An answer
ends with the sentence in which it says its number in the form that was asked for; a chain of
thought that was cut off is followed by "Answer:" ("budget forcing",
https://arxiv.org/abs/2501.19393), so that a base that explains at length is compared by its number,
too. All files are asked in the same way, so that what batches change (Llama.chat_many) is chance,
which intervals and tests count (benchmarks/decimals_speed.py). Not here: other problems than
comparisons, and a GPU (llama.cpp runs on the processor).
"""

import itertools
import json
import re
import shutil
import tempfile
import threading
from collections import deque
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple

from ..files import Cache, content_id, scratch
from ..i18n import Texts, both, choose, listed, t
from ..models import load, plan
from ..models.llama_cpp import Llama
from ..progress import Progress
from ..text import exercises, formatting, numerals
from ..text.statistics import mcnemar, wilson
from ..twin import Stopped, Twin, figure
from . import writer
from .checks import ExportSpec
from .types import FILE_TYPES

# The largest first
TYPES = tuple(kind for kind in reversed(FILE_TYPES) if FILE_TYPES[kind].compared)
VARIANTS = ("base", "persona", "reasoning")
_PROBLEMS = 200
FIRST = 24  # problems asked before the others; six pairs suffice to tell who never answers
_TOKENS = 32  # of a chain of thought; whoever has said no number by then is asked for it
_ENDINGS = {"en": ("\n\nAnswer:", 8), "zh": ("\n\n答案：", 8)}  # how, and tokens for it
SLOTS = 16  # problems asked at once; with more two cores gain nothing
CONTEXT = 8192  # tokens that these share
_SAYS = re.compile(r"(?:answer|答案)\s*\**\s*[:：]\**", re.IGNORECASE)
_SIGNIFICANCE = 0.05
_MEMORY_SHARE = 0.6  # of the free memory, for the files that are loaded at the same time


class Variant(NamedTuple):
    """A model to compare: the base (`adapter` is None) or an adapter on it.

    `template` is its chat template, `system` its system prompt or ''.
    """

    name: str
    adapter: Path | None
    template: str
    system: str


class Comparison(NamedTuple):
    """Figures by name, sentences about them, and one record an answer."""

    figures: dict
    sentences: list[str]
    records: list[dict]


def compare(
    twin: Twin,
    spec: ExportSpec,
    files: dict[str, Path],
    progress: Progress,
    count: int = _PROBLEMS,
    tokens: int = _TOKENS,
) -> Comparison:
    """Ask `count` comparisons of every variant in every type, with `tokens` tokens to think.

    `spec` is the newest adapter's and `files` {type: path} of its files. Other files are written
    for one variant at a time and removed; raises TwinError when the disk has no room for them.
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
        if not waiting:
            continue
        existing = files if variant.name == newest else {}
        with _scratch_folder(twin) as folder:
            paths = {
                cell.kind: existing.get(cell.kind, folder / f"{cell.kind}.gguf") for cell in waiting
            }
            _write(spec, variant, folder, paths, progress)
            before = cells.index(waiting[0]) * len(problems)
            asking = _Asking(answers, tokens, progress, before, len(cells) * len(problems))
            asking.ask({cell: paths[cell.kind] for cell in waiting})
    records = [record for cell in cells for record in answers.of(cell).values()]
    answers.cache.replace(records)
    return Comparison(figures_of(records), sentences(records), records)


class _Cell(NamedTuple):
    """A variant in one file type; `sha` is a hash of everything that its answers depend on."""

    variant: Variant
    kind: str
    sha: str


class _Answers(NamedTuple):
    """The cached answers, one record a problem and cell."""

    cache: Cache
    problems: list[dict]

    def of(self, cell):
        """{problem's id: record} of a cell's answers, in the order of the problems."""
        records = ((p["id"], self.cache.get(p["id"], cell.sha)) for p in self.problems)
        return {id: record for id, record in records if record}

    def missing(self, cell):
        """The problems to ask next; [] when all are answered, or the first name no number."""
        answered = self.of(cell)
        for problems in (self.problems[:FIRST], self.problems):
            if missing := [problem for problem in problems if problem["id"] not in answered]:
                return missing
            if not any(record["readable"] for record in answered.values()):
                return []
        return []


def variants_of(twin: Twin, base_template: str, own_template: str) -> list[Variant]:
    """The base and the adapters whose step is done and up to date."""
    system = twin.facts.get("system_prompt", "")
    trained = [
        Variant(step, twin.adapter(step), own_template, system)
        for step in ("persona", "reasoning")
        if twin.state(step).name == "done" and twin.adapter(step).exists()
    ]
    return [Variant("base", None, base_template, ""), *trained]


def _model_sha(twin, base, variant, kind, tokens):
    adapter = twin.hash(variant.adapter) if variant.adapter else ""
    inputs = [base.revision, adapter, variant.template, variant.system, kind, tokens]
    return content_id(json.dumps(inputs))


def _practised(twin, variants):
    """The problems that the reasoning adapter was trained on."""
    if variants[-1].name != "reasoning":
        return []
    return [problem for problem in twin.records("problems") if problem["split"] == "train"]


def _scratch_folder(twin):
    """A folder for a variant's files, removed afterwards.

    In the system's temporary folder if that has much more room than the twin's folder, which may be
    on a mounted Drive.
    """
    own, temporary = twin.folder("quantize"), tempfile.gettempdir()
    if shutil.disk_usage(temporary).free > 2 * shutil.disk_usage(own).free:
        return scratch(tempfile.mkdtemp(prefix="twinlib-"))
    return scratch(own / "comparison")


def _write(spec, variant, folder, paths, progress):
    """Write those of the files that are in `folder`."""
    name = variant_names(variant.name)

    def advance(done, total, note):
        progress(done, total, t("gguf.variant_note", variant=name, note=note))

    outputs = {kind: path for kind, path in paths.items() if path.parent == folder}
    if outputs:
        card = {**spec.card, "template": variant.template}
        writer.write(spec.base.path, outputs, spec.vocabulary, card, variant.adapter, advance)


class _Asking:
    """Asks the files of a variant their missing problems, several files at the same time.

    `progress` counts up to `total` answers of all variants, of which `before` are of earlier ones.
    """

    def __init__(self, answers, tokens, progress, before, total):
        self.answers, self.tokens = answers, tokens
        self.progress, self.before, self.total = progress, before, total
        self._done, self._at_once, self._lock, self._halted = {}, [], threading.Lock(), False

    def ask(self, files: "dict[_Cell, Path]") -> None:
        """Ask {cell: its file} and cache each marked answer; the first error ends all."""
        together = at_once([path.stat().st_size for path in files.values()])
        threads = max(1, plan.machine()["cores"] // together)
        waiting, running = deque(files.items()), {}
        with ThreadPoolExecutor(together) as pool, ExitStack() as loaded:
            try:
                while waiting or running:
                    while waiting and len(running) < together:
                        cell, path = waiting.popleft()
                        # In this thread, which alone can keep the signals (Llama).
                        llama = Llama(path, CONTEXT, threads=threads, slots=SLOTS)
                        loaded.callback(llama.close)
                        running[pool.submit(self._ask, llama, cell)] = llama
                    for future in wait(running, return_when=FIRST_COMPLETED).done:
                        future.result()
                        running.pop(future).close()
            except BaseException:
                self._halted = True
                pool.shutdown(wait=True)  # before their files are closed
                raise

    def _ask(self, llama, cell):
        with self._lock:
            self._at_once.append(cell)
        while problems := self.answers.missing(cell):
            problems = in_order(problems)
            before = len(self.answers.of(cell))
            llama.chat_many(
                [_messages(cell.variant, problem) for problem in problems],
                temperature=0,
                progress=lambda done, *_, before=before: self._advance(cell, before + done),
                on_answer=lambda number, answer, problems=problems: self.answers.cache.append(
                    _marked(cell, problems[number], answer)
                ),
                **how(problems, self.tokens),
            )
        self._advance(cell, len(self.answers.problems))
        with self._lock:
            self._at_once.remove(cell)

    def _advance(self, cell, done):
        """Report that a cell has so many answers; raises what the step or another file raised."""
        with self._lock:
            if self._halted:
                raise Stopped
            self._done[cell] = done
            count = self.before + sum(self._done.values())
            kinds = listed(cell.kind for cell in self._at_once)
            name = variant_names(cell.variant.name)
            self.progress(count, self.total, t("gguf.comparisons", variant=name, type=kinds))


def at_once(sizes: list[int]) -> int:
    """How many files of these sizes in bytes are asked at the same time.

    Threads of one file wait for each other after each operation, those of two files don't; so as
    many as there are cores, and as memory holds.
    """
    import psutil

    free = _MEMORY_SHARE * psutil.virtual_memory().available
    largest = itertools.accumulate(sorted(sizes, reverse=True))
    fitting = sum(size <= free for size in largest)
    return max(1, min(fitting, plan.machine()["cores"]))


def in_order(problems: list[dict]) -> list[dict]:
    """Problems as they are asked: neighbours begin alike.

    A slot computes only what differs from its last prompt.
    """
    return sorted(problems, key=lambda problem: problem["question"])


def how(problems: list[dict], tokens: int = _TOKENS) -> dict:
    """How Llama.chat_many asks these problems, with `tokens` tokens to think."""
    endings = [_ENDINGS[problem["language"]] for problem in problems]
    return {"max_tokens": tokens, "until": says_its_number, "endings": endings}


def says_its_number(text: str) -> bool:
    """Whether an answer has said its number, in the form that was asked for, in a whole sentence.

    What follows seldom changes the number, and takes most of the time of a base that explains.
    """
    said = list(_SAYS.finditer(text))
    rest = text[said[-1].end() :].lstrip() if said else ""
    sentence = numerals.first_sentence(rest)
    is_over = len(sentence) + 1 < len(rest)  # a point may be that of a number
    return is_over and any(map(str.isdigit, numerals.plainly(sentence)))


def _messages(variant, problem):
    system = [{"role": "system", "content": variant.system}] if variant.system else []
    return [*system, {"role": "user", "content": exercises.ask(problem)}]


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

    The note has the share of answers that named neither number, and how often '9.9 or 9.11' itself
    was answered right.
    """
    figures, showcase = {}, exercises.SHOWCASE[0]["group"]
    for (name, kind), part in by_cell(records).items():
        correct = [record["correct"] for record in part if record["group"] == showcase]
        share, low, high = (round(value, 4) for value in interval(pairs(part)))
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
    groups = {}
    for record in records:
        groups.setdefault(record["group"], []).append(record["correct"])
    return [(sum(correct), len(correct)) for correct in groups.values()]


def interval(pairs: list[tuple[int, int]]) -> tuple[float, float, float]:
    """(share, low, high): the 95 % Wilson interval, from [(right, asked)] of each pair.

    n is divided by the design effect: the variance between pairs relative to that of independent
    answers, from 1 to the number of answers a pair. If all or none are right, the data don't show
    it, and it is that number.
    """
    right, n, count = sum(r for r, _ in pairs), sum(asked for _, asked in pairs), len(pairs)
    share, effect = right / n, n / count
    if 0 < right < n and count > 1:
        squares = sum((r - share * asked) ** 2 for r, asked in pairs)
        variance = count / (count - 1) * squares / n
        effect = min(max(variance / (share * (1 - share)), 1.0), effect)
    return share, *wilson(right / effect, n / effect)


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


def sentences(records: list[dict]) -> list[str]:
    """The `findings` in the reader's language."""
    return list(map(choose, findings(records)))


def findings(records: list[dict]) -> list[Texts]:
    """What the comparison shows: chance only, or the effects of quantization and reasoning."""
    cells = by_cell(records)
    intervals = {cell: interval(pairs(part)) for cell, part in cells.items()}
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


def _chance(cells):
    count = max(len(pairs(part)) for part in cells.values())
    if interval([(1, 1)] * count)[1] <= 0.5:
        return both("gguf.too_few_problems", pairs=count, problems=_PROBLEMS)
    return both("gguf.all_chance")


def _cell_names(cell):
    """{language: a cell's name for people, such as 'persona Q8_0'}."""
    name, kind = cell
    return {code: f"{text} {kind}" for code, text in variant_names(name).items()}


def change(before: list[dict], after: list[dict]) -> tuple[float, float]:
    """(change in the share of right answers, p) between two cells' records.

    Only problems that both answered count. A pair of numbers counts once, as better, worse or
    neither: McNemar's exact test on pairs, which is a sign test.
    """
    common = {record["id"] for record in before} & {record["id"] for record in after}
    old, new = (
        pairs([record for record in part if record["id"] in common]) for part in (before, after)
    )
    changes = [right_after - right for (right, _), (right_after, _) in zip(old, new)]
    p = mcnemar([value < 0 for value in changes], [value > 0 for value in changes])[3]
    return sum(changes) / len(common), p


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
