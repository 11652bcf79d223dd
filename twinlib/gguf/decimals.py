"""The seed's comparison: '9.9 or 9.11' and others like it, asked of base, persona and reasoning at four types each.

All rows and types answer the same problems, greedily, in llama.cpp, asked and marked as the step 'reasoning' does it:
half of the pairs are traps and each is asked in both orders, so that 'the first', 'the longer' and any coin get one
half. None was practised: what the reasoning adapter trained on is read from its own records, whatever its settings
were, and left out. The versions of a pair are one piece of evidence, in the intervals and in the tests.
A file whose first answers name neither number, not once, isn't asked the rest: it rambles, and rambling takes longest.
Every answer is kept in the twin folder with the hash of what gave it: a run that was stopped goes on.
Not here: other problems than comparisons, and a GPU (llama.cpp runs on the processor).
"""

import json
import shutil
import tempfile
from contextlib import ExitStack
from math import sqrt
from typing import NamedTuple

from ..files import content_id, read_records, scratch, write_records
from ..i18n import t
from ..models import load
from ..models.llama_cpp import Llama
from ..text import exercises
from ..text.formatting import table as markdown
from ..text.statistics import mcnemar
from ..twin import figure
from . import writer

TYPES = ("F16", "Q8_0", "Q5_K_M", "Q4_K_M")
ROWS = {
    "base": ("base", "基础模型"),
    "persona": ("persona", "口吻"),
    "reasoning": ("reasoning", "推理"),
}
PROBLEMS = 200
FIRST = 24  # asked and kept at once; six pairs are enough to tell who never answers
TOKENS = 128  # for a short chain of thought
LEVEL = 0.05


class Row(NamedTuple):
    """A model that is asked: its adapter (None for the base itself), chat template and system prompt ('' for none)."""

    name: str
    adapter: object
    template: str
    system: str


class Compared(NamedTuple):
    """Figures by name, what they say in sentences, and one record an answer."""

    figures: dict
    sentences: list
    records: list


def decimals(twin, base, vocabulary, card, files, progress, count=PROBLEMS, tokens=TOKENS):
    """Ask `count` comparisons of every row of the twin in every type; returns Compared.

    `base` is a models.Base, `vocabulary` and `card` what gguf_file.write takes, `files` {type: path} of the twin's
    newest adapter that need not be written again. The others are written a row at a time and removed; raises TwinError
    when the disk has no room for those of one row. Answers have at most `tokens` tokens.
    """
    rows, newest = (
        rows_of(twin, load.tokenizer(base).chat_template, card["template"]),
        twin.newest_adapter()[0],
    )
    problems = exercises.unpractised(count, _practised(twin, rows))
    kept, cells = _Kept(twin), [(row, kind) for row in rows for kind in TYPES]
    shas = {(row.name, kind): _sha(twin, base, row, kind, tokens) for row, kind in cells}

    def told(row, kind):
        before, total = cells.index((row, kind)) * len(problems), len(cells) * len(problems)
        note = t("gguf.comparisons", rows=ROWS[row.name][0], kind=kind, rows_2=ROWS[row.name][1])
        return lambda done: progress(before + done, total, note)

    for row in rows:
        waiting = [kind for kind in TYPES if _next(problems, kept.of(shas[row.name, kind]))]
        stand = {
            kind: files[kind]
            for kind in waiting
            if row.name == (newest or "base") and kind in files and files[kind].exists()
        }
        with ExitStack() as stack:
            room = stack.enter_context(_room(twin)) if waiting else None
            paths = {kind: stand.get(kind) or room / f"{kind}.gguf" for kind in waiting}
            _write(
                base.path,
                {kind: path for kind, path in paths.items() if kind not in stand},
                vocabulary,
                {**card, "template": row.template},
                row,
                progress,
            )
            for kind, path in paths.items():
                _ask(path, kind, row, problems, tokens, kept, shas[row.name, kind], told(row, kind))
    answered = [kept.of(shas[row.name, kind]) for row, kind in cells]
    records = [
        found[problem["id"]] for found in answered for problem in problems if problem["id"] in found
    ]
    kept.only(records)
    return Compared(figures_of(records), sentences(records), records)


class _Kept:
    """The answers in the twin folder, by the hash of what gave them and the problem's id."""

    def __init__(self, twin):
        self.path, self.found = twin.file("comparisons"), {}
        for record in read_records(self.path, "quantize") if self.path.exists() else []:
            self._put(record)

    def _put(self, record):
        self.found.setdefault(record.get("model_sha"), {})[record["id"]] = record

    def of(self, sha):
        """{problem's id: record} of a cell."""
        return self.found.get(sha, {})

    def add(self, records):
        for record in records:
            self._put(record)
        write_records(
            self.path, [record for found in self.found.values() for record in found.values()]
        )

    def only(self, records):
        """Leave these in the file, in this order."""
        write_records(self.path, records)


def _sha(twin, base, row, kind, tokens):
    """What an answer depends on, in short."""
    adapter = twin.hash(row.adapter) if row.adapter else ""
    return content_id(json.dumps([base.revision, adapter, row.template, row.system, kind, tokens]))


def rows_of(twin, plain, own):
    """The rows that there are: the base with its `plain` template, the fresh adapters with the twin's `own`."""
    system = twin.facts.get("system_prompt", "")
    trained = [
        Row(step, twin.adapter(step), own, system)
        for step in ("persona", "reasoning")
        if twin.state(step).name == "done" and twin.adapter(step).exists()
    ]
    return [Row("base", None, plain, ""), *trained]


def _practised(twin, rows):
    """The problems that the reasoning adapter was trained on, as its step recorded them."""
    if rows[-1].name != "reasoning":
        return []
    return [problem for problem in twin.records("problems") if problem["split"] == "train"]


def _room(twin):
    """A folder for a row's files that is gone afterwards; on the machine's own disk when the twin lies where there is
    much less room, as on a mounted Drive."""
    here, local = twin.folder("quantize"), tempfile.gettempdir()
    if shutil.disk_usage(local).free > 2 * shutil.disk_usage(here).free:
        return scratch(tempfile.mkdtemp(prefix="twinlib-"))
    return scratch(here / "comparison")


def _write(folder, outputs, vocabulary, card, row, progress):
    def told(done, total, note):
        progress(
            done, total, t("gguf.text", rows=ROWS[row.name][0], note=note, rows_2=ROWS[row.name][1])
        )

    if outputs:
        writer.write(folder, outputs, vocabulary, card, row.adapter, told)


def _ask(path, kind, row, problems, tokens, kept, sha, told):
    """Keep one record a problem: what the file answers, and how that is marked. `told(done)` after each."""
    with Llama(path) as llama:
        while part := _next(problems, kept.of(sha)):
            answers = llama.chat_many(
                [_messages(row, problem) for problem in part],
                tokens,
                temperature=0,
                progress=lambda done, *_, before=len(kept.of(sha)): told(before + done),
            )
            kept.add([{**_marked(kind, row, *one), "model_sha": sha} for one in zip(part, answers)])
    told(len(problems))


def _next(problems, answered):
    """What a file is asked next, given its records by problem: nothing when all is answered, or nothing ever is."""
    for start in range(0, len(problems), FIRST):
        part = problems[start : start + FIRST]
        if missing := [problem for problem in part if problem["id"] not in answered]:
            return missing
        if not any(record["readable"] for record in answered.values()):
            return []
    return []


def _messages(row, problem):
    opening = [{"role": "system", "content": row.system}] if row.system else []
    return [*opening, {"role": "user", "content": exercises.ask(problem)}]


def _marked(kind, row, problem, answer):
    return {
        "row": row.name,
        "type": kind,
        "id": problem["id"],
        "group": problem["group"],
        "question": problem["question"],
        "answer": problem["answer"],
        "text": answer.text,
        "ended": answer.ended,
        "correct": exercises.is_correct(answer.text, problem["answer"]),
        "readable": exercises.names_one(answer.text, problem),
    }


# Figures


def figures_of(records):
    """{decimals_ROW_TYPE: figure} with the share of right answers; its note says how many named neither number, and
    how often '9.9 or 9.11' itself was answered right."""
    found = {}
    for (row, kind), part in _cells(records).items():
        n, neither = len(part), sum(not record["readable"] for record in part)
        seed = [
            record["correct"]
            for record in part
            if record["group"] == exercises.SHOWCASE[0]["group"]
        ]
        share, low, high = (round(number, 4) for number in interval(_pairs(part)))
        found[f"decimals_{row}_{kind}"] = figure(
            share,
            low,
            high,
            n,
            t(
                "gguf.answers_named_neither_number_9",
                neither=neither / n,
                seed=sum(seed),
                seed_2=len(seed),
            ),
        )
    return found


def _cells(records):
    """{(row, type): its records}, in the order of the records."""
    found = {}
    for record in records:
        found.setdefault((record["row"], record["type"]), []).append(record)
    return found


def _pairs(records):
    """[(right answers, answers)] of each pair of numbers."""
    found = {}
    for record in records:
        found.setdefault(record["group"], []).append(record["correct"])
    return [(sum(correct), len(correct)) for correct in found.values()]


def interval(pairs):
    """(share, low, high): Wilson's 95 % interval of the share of right answers, from [(right, asked)] of each pair.

    n is divided by the design effect: how much more the pairs differ than independent answers would, from 1 to the
    answers of a pair; that many where all or none are right, which tells nothing about it.
    """
    right, n, count = sum(r for r, _ in pairs), sum(asked for _, asked in pairs), len(pairs)
    share, largest, effect = right / n, n / count, n / count
    if 0 < right < n and count > 1:
        varies = count / (count - 1) * sum((r - share * asked) ** 2 for r, asked in pairs) / n
        effect = min(max(varies / (share * (1 - share)), 1.0), largest)
    n, z = n / effect, 1.96
    middle, width = share + z * z / (2 * n), z * sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    return (
        share,
        max(0.0, (middle - width) / (1 + z * z / n)),
        min(1.0, (middle + width) / (1 + z * z / n)),
    )


def table(figures):
    """The comparison as a Markdown table from a report's figures: rows × types, with intervals; '' without any."""
    said = [
        [t(*names), *(_cell(figures.get(f"decimals_{row}_{kind}")) for kind in TYPES)]
        for row, names in ROWS.items()
        if any(f"decimals_{row}_{kind}" in figures for kind in TYPES)
    ]
    return markdown([t("gguf.right_answers"), *TYPES], said)


def _cell(found):
    return f"{found['value']:.0%} ({found['low']:.0%}–{found['high']:.0%})" if found else "–"


# What it says


def sentences(records):
    """What the comparison shows: whether all of it is chance; if not, what quantization took and reasoning gave."""
    cells = _cells(records)
    found = {cell: interval(_pairs(part)) for cell, part in cells.items()}
    coin = all(low <= 0.5 <= high for _, low, high in found.values())
    changed = _changes(cells, _quantizations(cells)) + _changes(cells, _trainings(cells))
    if coin and not changed:
        return [_chance(cells)]
    return [_against_a_coin(cells, found, coin), *_quantized(cells), *_reasoned(cells)]


def _chance(cells):
    most = max(len(_pairs(part)) for part in cells.values())
    if interval([(1, 1)] * most)[1] <= 0.5:
        return t("gguf.too_few_tell_even_pairs", most=most, problems=PROBLEMS)
    return t("gguf.all_chance_all_we_tell")


def _against_a_coin(cells, found, coin):
    if coin:
        return t("gguf.taken_alone_no_figure_told")
    if above := [cell for cell, (_, low, _) in found.items() if low > 0.5]:
        names, by_chance = _listed(above), f"{0.025 * len(cells):.1f}"
        return t(
            "gguf.better_coin_intervals_chance_alone",
            names=names[0],
            cells=len(cells),
            by_chance=by_chance,
            names_2=names[1],
        )
    neither = sum(not record["readable"] for part in cells.values() for record in part)
    share = neither / sum(map(len, cells.values()))
    return t("gguf.nothing_here_better_coin_some", share=share)


def _listed(cells):
    """(English, Chinese): the names of rows and types."""
    return tuple(", ".join(f"{ROWS[row][place]} {kind}" for row, kind in cells) for place in (0, 1))


def change(before, after):
    """(change in the share of right answers, p) between two cells' records of the same problems.

    A pair of numbers counts once, as better, worse or neither: McNemar's exact test on pairs, a sign test.
    """
    both = {record["id"] for record in before} & {record["id"] for record in after}
    ours, theirs = (
        _pairs([record for record in part if record["id"] in both]) for part in (before, after)
    )
    changes = [after - before for (before, _), (after, _) in zip(ours, theirs)]
    p = mcnemar([change < 0 for change in changes], [change > 0 for change in changes])[3]
    return sum(changes) / len(both), p


def _quantizations(cells):
    """[(before, after)]: each quantized cell beside its F16."""
    return [((row, "F16"), (row, kind)) for row, kind in cells if kind != "F16"]


def _trainings(cells):
    """[(before, after)]: each cell of reasoning beside what it continued."""
    before = "persona" if ("persona", "F16") in cells else "base"
    return [((before, kind), (row, kind)) for row, kind in cells if row == "reasoning"]


def _changes(cells, wanted):
    """[(cell, change, p)] of those that stand out among all (before, after) cells `wanted`: Bonferroni's level."""
    found = [(after, *change(cells[before], cells[after])) for before, after in wanted]
    return [one for one in found if one[2] < LEVEL / len(found)]


def _quantized(cells):
    if changed := _changes(cells, _quantizations(cells)):
        names = _said(changed)
        return [t("gguf.different_f16_more_chance", names=names[0], names_2=names[1])]
    pairs = max(
        (min(len(_pairs(cells[cell])) for cell in both) for both in _quantizations(cells)),
        default=0,
    )
    return [t("gguf.no_quantized_file_differs_f16", pairs=pairs)]


def _reasoned(cells):
    if not _trainings(cells):
        return []
    if changed := _changes(cells, _trainings(cells)):
        names = _said(changed)
        return [t("gguf.reasoning_training_changed_more", names=names[0], names_2=names[1])]
    return [t("gguf.reasoning_training_changed_nothing")]


def _said(changed):
    """(English, Chinese): cells with the points that they gained or lost, and p."""
    return tuple(
        ", ".join(
            f"{ROWS[row][place]} {kind} {100 * gain:+.0f}{unit} (p = {p:.1g})"
            for (row, kind), gain, p in changed
        )
        for place, unit in ((0, " points"), (1, " 个百分点"))
    )
