"""Questions written by a language model: the twin's base on this machine, or a model behind an API.

The questions of each passage are logged in corpus/questions.jsonl at once, so that a stop or a
crash loses nothing, and nothing is asked twice. What a reply must look like is in validate.py, the
models on this machine are in writers.py, the client of an API in api.py.
"""

import hashlib
import threading
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path
from typing import NamedTuple

from ...files import Cache, TwinError
from ...i18n import t
from ...models.llama_cpp import SLOTS
from ...twin import AUTO
from ..records import Passage
from . import prompts, validate, writers
from .api import NoAnswer, QuestionApi
from .found import Finder

TRIES = 3  # replies asked an API for, at most, until one has a usable question
PARALLEL = SLOTS  # passages asked about at once, of an API
MINUTES = 1.2  # of asking without a GPU, where the owner sets no limit
_GIVE_UP = 8  # passages in a row without an answer, after which the API counts as down


class WrittenQuestions(NamedTuple):
    """`questions` {passage id: [question]}, `failures` {reason: passages}, `warnings` to show.

    `waiting` passages the model is asked about in another run: there was no time, or no model.
    """

    questions: dict[str, list[str]]
    failures: Counter
    warnings: list[str]
    waiting: int = 0


# A model on this machine


def ask_locally(
    passages: list[Passage],
    name: str,
    log: Path,
    progress: Callable[..., None],
    minutes: float | str = AUTO,
    required: bool = True,
) -> WrittenQuestions:
    """Questions from the model `name` (see writers.open_writer) on this machine.

    `log` is a path. It asks for `minutes` at most; on 'auto' without a limit on a GPU. A model that
    is missing raises TwinError if it is `required`; otherwise that is a warning, and titles ask.
    Raises Stopped.
    """
    # Loading takes seconds, as does the first reply.
    progress(0, len(passages), t("corpus.progress_questions"))
    try:
        with writers.open_writer(name, progress) as writer:
            if minutes == AUTO:
                minutes = float("inf") if writer.on_gpu else MINUTES
            return ask_writer(passages, writer, log, 60 * minutes, progress)
    except TwinError as error:
        if required:
            raise
        said, waiting = t("corpus.titles_ask_instead", error=error), _to_ask(passages)
        return WrittenQuestions({}, Counter(), [said], len(waiting))


def _to_ask(passages):
    return [passage for passage in passages if not passage.question]


def ask_writer(
    passages: list[Passage],
    writer: "writers.Writer",
    log: Path,
    seconds: float,
    progress: Callable[..., None],
) -> WrittenQuestions:
    """Questions from a writer, for `seconds` at most; a later call goes on where this one stopped.

    Held-out passages come first, then the others in an order that mixes the documents. Those whose
    question failed the check are in the next batch again. Each reply is logged when it comes.
    """
    cache = Cache(log, ("passage", "by"))
    cache.replace(list(cache.records.values()))  # drops a line that a crash left unfinished
    wanted = sorted(_to_ask(passages), key=_turn)
    logged = {p.id: cache.get(p.id, writer.name) for p in wanted}
    records = {name: record for name, record in logged.items() if record and _is_answer(record)}
    tries = {p.id: records[p.id]["tries"] if p.id in records else 0 for p in wanted}
    waiting = [p for p in wanted if _unfinished(records.get(p.id))]
    clock, finder = _Clock(len(waiting), seconds, progress), Finder(passages)
    while waiting and not clock.late():
        batch, waiting = waiting[: writer.at_once], waiting[writer.at_once :]
        again = []
        for passage, text in writer.replies([(p, tries[p.id]) for p in batch]):
            tries[passage.id] += 1
            reply = validate.read_plain(text, passage, finder.found)
            record = {
                "passage": passage.id,
                "by": writer.name,
                "questions": reply.questions,
                "tries": tries[passage.id],
                "failed": reply.reason,
            }
            cache.append(record)
            records[passage.id] = record
            if _unfinished(record):
                again.append(passage)
            else:
                finished = (r for r in records.values() if not _unfinished(r))
                clock.count(sum(bool(r["failed"]) for r in finished))
        waiting = again + waiting  # in one batch with new passages, as a batch takes as long
    warnings = []
    if len(records) < len(wanted):
        values = {"asked": len(records), "total": len(wanted), "minutes": round(seconds / 60, 1)}
        warnings.append(t("corpus.asked_as_far_as_time_allowed", **values))
    return WrittenQuestions(*_outcome(records), warnings, len(waiting))


def _turn(passage):
    return passage.split == "train", hashlib.sha256(f"ask {passage.id}".encode()).hexdigest()


def _unfinished(record):
    """Whether a passage with this record in the log, or None, is still to be asked about."""
    return not record or not record["questions"] and record["tries"] < prompts.TRIES


class _Clock:
    """Counts passages, reports progress with the time left, and tells when the time is over."""

    def __init__(self, total: int, seconds: float, progress: Callable[..., None]):
        self._progress, self._total, self._done = progress, total, 0
        self._began = time.monotonic()
        self._end = self._began + seconds

    def late(self) -> bool:
        return time.monotonic() >= self._end

    def count(self, failed: int) -> None:
        """Report one more passage, and the time left for the passages or of the time allowed."""
        self._done += 1
        now = time.monotonic()
        left = (now - self._began) / self._done * (self._total - self._done)
        self._progress(
            self._done,
            self._total,
            t("corpus.progress_questions"),
            failed=failed,
            seconds_left=round(max(0.0, min(left, self._end - now)), 1),
        )


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
    wanted = {p.id: p for p in _to_ask(passages)}
    logged = {name: cache.get(name, by) for name in wanted}
    records = {name: record for name, record in logged.items() if record and _is_answer(record)}

    def add(record):
        records[record["passage"]] = record
        failed = sum(bool(record["failed"]) for record in records.values())
        progress(len(records), len(wanted), t("corpus.progress_questions"), failed=failed)

    waiting = [p for name, p in wanted.items() if name not in records]
    _ask_in_parallel(waiting, ask, Finder(passages).found, cache, by, add)
    return _outcome(records)


def _outcome(records):
    """({passage id: [question]}, failures by reason) of records {passage id: record}."""
    questions = {
        name: record["questions"] for name, record in records.items() if record["questions"]
    }
    return questions, Counter(record["failed"] for record in records.values() if record["failed"])


def _is_answer(record):
    """Whether a logged record is complete, so that its passage need not be asked about again."""
    questions, failed = record.get("questions"), record.get("failed")
    typed = isinstance(failed, str) and isinstance(questions, list)
    typed = typed and isinstance(record.get("tries"), int)
    return typed and failed != "service" and all(isinstance(q, str) for q in questions)


def _ask_in_parallel(passages, ask, found, cache, by, add):
    """Ask about several passages at once, log each record in `cache` and call add(record).

    Raises TwinError after _GIVE_UP passages in a row without an answer.
    """
    pool, lock = ThreadPoolExecutor(PARALLEL), threading.Lock()
    given_up, unanswered = threading.Event(), 0

    def ask_one(passage):
        nonlocal unanswered
        if given_up.is_set():  # checked here, since the loop below may lag behind
            return None
        record = {"passage": passage.id, "by": by, **_ask_with_retries(passage, ask, found)}
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


def _ask_with_retries(passage, ask, found):
    """{questions, tries, failed} of one passage."""
    for attempt in range(TRIES):
        try:
            reply = validate.read_reply(ask(passage, attempt), passage, found)
        except NoAnswer:
            return {"questions": [], "tries": attempt + 1, "failed": "service"}
        if reply.questions:
            break
    return {"questions": reply.questions, "tries": attempt + 1, "failed": reply.reason}
