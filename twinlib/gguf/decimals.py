"""The benchmark '9.9 or 9.11': base, persona and reasoning compare numbers in four file types.

All variants and types answer the same problems, greedily, with the prompts and the marking of the
step 'reasoning'. In half of the pairs of numbers the one with more digits is the
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
which intervals and tests count (benchmarks/decimals_speed.py).

Files answer in llama.cpp, or, where that is faster, their weights do in PyTorch (as_model.py).
llama.cpp then answers the first few of the same problems, '9.9 or 9.11' among them; a file whose
marks differ there is asked all of them in llama.cpp. Not here: other problems than comparisons.
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
from typing import TYPE_CHECKING, NamedTuple

from ..files import Cache, content_id, scratch
from ..i18n import Texts, listed, t
from ..models import load, plan, rollouts
from ..models.llama_cpp import Llama
from ..progress import Progress
from ..text import exercises, numerals
from ..twin import Stopped, Twin
from . import as_model, writer
from .checks import ExportSpec
from .decimal_figures import PROBLEMS, TYPES, about_engine, figures_of, findings, variant_names
from .tensors import Source

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

FIRST = 24  # problems asked before the others; six pairs suffice to tell who never answers
_TOKENS = 32  # of a chain of thought; whoever has said no number by then is asked for it
_ENDINGS = {"en": ("\n\nAnswer:", 8), "zh": ("\n\n答案：", 8)}  # how, and tokens for it
SLOTS = 16  # problems asked at once; with more two cores gain nothing
CONTEXT = 8192  # tokens that these share
CHECKED = 4  # problems that llama.cpp answers, too, where PyTorch answers all: the best-known pair
_ALIKE = 0.5  # the least share of these whose marks are the same
_ROWS = {"cpu": 200, "cuda": None}  # problems that PyTorch answers at once; None: what fits
LLAMA_CPP, PYTORCH = "llama.cpp", "PyTorch"
_SAYS = re.compile(r"(?:answer|答案)\s*\**\s*[:：]\**", re.IGNORECASE)
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
    """Figures by name, sentences about them in each language, and one record an answer."""

    figures: dict
    findings: list[Texts]
    records: list[dict]


def compare(
    twin: Twin,
    spec: ExportSpec,
    files: dict[str, Path],
    progress: Progress,
    count: int = PROBLEMS,
    tokens: int = _TOKENS,
) -> Comparison:
    """Ask `count` comparisons of every variant in every type, with `tokens` tokens to think.

    `spec` is the newest adapter's and `files` {type: path} of its files. Other files are written
    for one variant at a time and removed; raises TwinError when the disk has no room for them.
    """
    tokenizer, source = load.tokenizer(spec.base), Source(spec.base.path)
    variants = variants_of(twin, tokenizer.chat_template, spec.card["template"])
    problems = exercises.unpractised(count, _practised(twin, variants))
    answers = _Answers(Cache(twin.file("comparisons"), ("id", "model_sha")), problems)
    where = as_model.device(spec.base, source)
    cells = [
        _Cell(variant, kind, engine, _model_sha(twin, spec.base, variant, kind, tokens, more))
        for engine, more in ((LLAMA_CPP, []), (PYTORCH, [PYTORCH, str(where and where.dtype)]))
        for variant in variants
        for kind in TYPES
    ]
    half = len(cells) // 2
    twice = dict(zip(cells[:half], cells[half:] if where else [None] * half))
    asking = _Asking(answers, tokens, progress, twice)
    newest = twin.newest_adapter()[0] or "base"
    for variant in variants:
        waiting = [cell for cell in twice if cell.variant == variant and asking.waits(cell)]
        if not waiting:
            continue
        existing = files if variant.name == newest else {}
        with _scratch_folder(twin) as folder:
            paths = {
                cell.kind: existing.get(cell.kind, folder / f"{cell.kind}.gguf") for cell in waiting
            }
            _write(spec, variant, folder, paths, progress)
            to_ask = {cell: paths[cell.kind] for cell in waiting}
            if where:
                asking.ask_loaded(to_ask, tokenizer, source, where)
                asking.ask(to_ask, CHECKED)
            asking.ask({cell: path for cell, path in to_ask.items() if asking.waits(cell)})
    records = [record for cell in twice for record in answers.of(asking.counted(cell)).values()]
    checks = [
        record
        for cell in twice
        if asking.counted(cell) != cell
        for record in answers.of(cell).values()
    ]
    answers.cache.replace(records + checks)
    said = [*findings(records), *about_engine(records, checks)]
    return Comparison(figures_of(records), said, records)


class _Cell(NamedTuple):
    """A variant in one file type, answered by an engine.

    `sha` is a hash of everything that its answers depend on.
    """

    variant: Variant
    kind: str
    engine: str
    sha: str


class _Answers(NamedTuple):
    """The cached answers, one record a problem and cell."""

    cache: Cache
    problems: list[dict]

    def of(self, cell):
        """{problem's id: record} of a cell's answers, in the order of the problems."""
        records = ((p["id"], self.cache.get(p["id"], cell.sha)) for p in self.problems)
        return {id: record for id, record in records if record}

    def missing(self, cell, most=None):
        """Of the first `most` problems those to ask next.

        [] when all are answered, or the first name no number.
        """
        answered = self.of(cell)
        for problems in (self.problems[:FIRST][:most], self.problems[:most]):
            if missing := [problem for problem in problems if problem["id"] not in answered]:
                return missing
            if not any(record["readable"] for record in answered.values()):
                return []
        return []

    def unasked(self, cell):
        """All problems that a cell has not answered."""
        answered = self.of(cell)
        return [problem for problem in self.problems if problem["id"] not in answered]


def variants_of(twin: Twin, base_template: str, own_template: str) -> list[Variant]:
    """The base and the adapters whose step is done and up to date."""
    system = twin.facts.get("system_prompt", "")
    trained = [
        Variant(step, twin.adapter(step), own_template, system)
        for step in ("persona", "reasoning")
        if twin.state(step).name == "done" and twin.adapter(step).exists()
    ]
    return [Variant("base", None, base_template, ""), *trained]


def _model_sha(twin, base, variant, kind, tokens, more):
    adapter = twin.hash(variant.adapter) if variant.adapter else ""
    inputs = [base.revision, adapter, variant.template, variant.system, kind, tokens, *more]
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

    `twice` are the cells of llama.cpp, each with the one whose answers PyTorch computes, or None.
    `progress` counts the answers of all cells.
    """

    def __init__(self, answers, tokens, progress, twice):
        self.answers, self.tokens, self.progress, self.twice = answers, tokens, progress, twice
        cells = [cell for cell in twice if not self.waits(cell)]
        self._done = dict.fromkeys(cells, len(answers.problems))
        self._at_once, self._lock, self._halted = [], threading.Lock(), False

    def counted(self, cell):
        """The cell whose answers count: of PyTorch, unless llama.cpp's differ or are all there."""
        loaded = self.twice[cell]
        if loaded is None or not self.answers.missing(cell):
            return cell
        one, other = (self.answers.of(each) for each in (loaded, cell))
        alike = [one[id]["correct"] == other[id]["correct"] for id in one.keys() & other.keys()]
        return cell if alike and sum(alike) < _ALIKE * len(alike) else loaded

    def waits(self, cell):
        """Whether a cell has questions left."""
        counts = self.counted(cell)
        checked = counts == cell or not self.answers.missing(cell, CHECKED)
        return bool(self.answers.missing(counts)) or not checked

    def ask_loaded(
        self,
        files: "dict[_Cell, Path]",
        tokenizer: "PreTrainedTokenizerBase",
        source: Source,
        where: as_model.Device,
    ) -> None:
        """Let the weights of {cell: its file} answer in PyTorch, one file after the other."""
        for cell, path in files.items():
            problems = in_order(self.answers.unasked(self.twice[cell]))
            rows = _ROWS[where.name] or len(problems)
            parts = [problems[start : start + rows] for start in range(0, len(problems), rows)]
            if not parts:
                continue
            self._at_once.append(cell)
            tokenizer.chat_template = cell.variant.template
            with as_model.opened(source, path, where) as model:
                sampler = rollouts.Sampler(model, tokenizer, self.tokens, _ROWS[where.name])
                for part in parts:
                    self._answer_part(cell, sampler, part)
            self._at_once.remove(cell)

    def _answer_part(self, cell, sampler, problems):
        asked, before = how(problems, self.tokens), len(self.answers.of(self.twice[cell]))
        found = sampler.answers(
            [_messages(cell.variant, problem) for problem in problems],
            progress=lambda done, _: self._advance(cell, before + done),
            endings=asked["endings"],
            until=asked["until"],
        )
        for problem, answer in zip(problems, found):
            self.answers.cache.append(_marked(self.twice[cell], problem, answer))

    def ask(self, files: "dict[_Cell, Path]", most: int | None = None) -> None:
        """Ask {cell: its file} in llama.cpp and cache each marked answer; an error ends all.

        `most` are the problems that each is asked, from the first.
        """
        files = {cell: path for cell, path in files.items() if self.answers.missing(cell, most)}
        if not files:
            return
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
                        running[pool.submit(self._ask, llama, cell, most)] = llama
                    for future in wait(running, return_when=FIRST_COMPLETED).done:
                        future.result()
                        running.pop(future).close()
            except BaseException:
                self._halted = True
                pool.shutdown(wait=True)  # before their files are closed
                raise

    def _ask(self, llama, cell, most):
        with self._lock:
            self._at_once.append(cell)
        while problems := self.answers.missing(cell, most):
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
            self._done[cell] = max(done, self._done.get(cell, 0))
            total = len(self.twice) * len(self.answers.problems)
            count = sum(self._done.values())
            kinds = listed(cell.kind for cell in self._at_once)
            name = variant_names(cell.variant.name)
            self.progress(count, total, t("gguf.comparisons", variant=name, type=kinds))


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
        "engine": cell.engine,
        "id": problem["id"],
        "group": problem["group"],
        "question": problem["question"],
        "answer": problem["answer"],
        "text": answer.text,
        "ended": answer.ended,
        "correct": exercises.is_correct(answer.text, problem["answer"], problem["question"]),
        "readable": exercises.names_one(answer.text, problem),
        "model_sha": cell.sha,
    }
