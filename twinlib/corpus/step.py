"""Step 01, corpus: a person's writing becomes documents, passages and training rows.

The owner's decisions (decisions.json, by content id) are applied on every run: a document or a part
of one can be dropped, restored or edited, a row or all rows of a passage dropped or edited, a kind
or a piece of personal data kept. Examples: {"action": "keep"}, {"action": "edit", "question": …,
"text": …}.
"""

import os
import re
import time
from collections import Counter
from contextlib import suppress
from dataclasses import asdict, fields, replace
from difflib import get_close_matches
from pathlib import Path

from .. import running, sample
from ..files import (
    TwinError,
    locked,
    put_in_place,
    read_records,
    scratch,
    write_json,
    write_records,
)
from ..i18n import both, listed, step_title, t
from ..models.plan import Plan, machine
from ..progress import Progress
from ..settings import Corpus, WrongSetting, as_asked, parse, stop, warning
from ..twin import AUTO, Outcome, Problem, Twin
from . import readers, report, rows
from .gather import Gathered, gather, options_of, rules_of, sources, without_repeated
from .passages import passages, split_of
from .questions import api, model, writers
from .questions.terms import terms
from .reasons import REASONS
from .records import Document, Passage, Row

_ACTIONS = ("", "drop", "restore", "edit", "keep", "mask", "approve")
_SPLITS = ("train", "val", "test")
_WRITTEN = ("documents", "dropped", "passages", *_SPLITS, "personal", "senders")
# The steps that become stale with the rows; what is published stays as it is.
_LEARN_FROM_IT = ("persona", "reasoning", "quantize", "evaluate", "memory")
_SECONDS_OF_LOOK = 2.0  # into a source, before it is read
_NAMED = 10  # archives that can't be read, in one warning
# Paths as Windows and macOS write them: they name no file on another computer, such as Colab's.
_ELSEWHERE = re.compile(r"[A-Za-z]:[\\/]|\\\\|/Users/")
_ON_THE_WEB = re.compile(r"(?i)[a-z][a-z+.-]+://|www\.|git@")


def problems(settings: Corpus, twin: Twin) -> list[Problem]:
    """Stops: invalid values, nothing to read, sending without consent.

    Warnings: no consent, and later steps that would have to be done again.
    """
    messages = []
    for field in fields(settings):
        try:
            parse("corpus", field, getattr(settings, field.name))
        except WrongSetting as error:
            messages.append(Problem("stop", str(error)))
    if problem := source_problem(settings, twin) or author_problem(settings, twin):
        messages.append(problem)
    else:
        messages += unread_problems(settings, twin)
    count = len(twin.records("passages")) if twin.file("passages").exists() else None
    if sentence := api.consent_problem(settings, count):
        messages.append(Problem("stop", sentence))
    if problem := demo_problem(settings, twin):
        messages.append(problem)
    if not settings.consent:
        messages.append(warning("corpus.no_consent"))
    later = [step for step in _LEARN_FROM_IT if twin.state(step).name == "done"]
    if later and _runs_again(settings, twin):
        messages.append(warning("corpus.others_again", steps=listed(map(step_title, later))))
    return messages


def _runs_again(settings, twin):
    """Whether step 01, which ran before, would not be found done with these settings."""
    ran = as_asked(settings, twin.facts.get("ran", {}).get("corpus", {}))
    done = twin.state("corpus").name == "done" and ran == asdict(settings)
    return not done or unfinished(settings, twin)


def plan(settings: Corpus, twin: Twin) -> Plan:
    """The values for settings on 'auto' on this machine, with reasons; time and memory are 0."""
    base = writers.base_of(replace(settings, question_model=AUTO), twin)
    minutes = t("corpus.no_limit") if machine()["gpu"] else model.MINUTES
    values = {"question_model": base, "question_minutes": minutes}
    reasons = {"question_model": t("corpus.twins_own_base")}
    return Plan(values, reasons, 0.0, 0.0)


def unfinished(settings: Corpus, twin: Twin) -> bool:
    """Whether a finished step should run again: for some passages the model had no time.

    Within a series, such as a tour, only before training has begun with the rows that are there.
    """
    in_series = running.SERIES in os.environ or os.environ.get(running.THEN)
    begun = twin.state("persona").name == "done" or twin.checkpoints("persona").exists()
    if settings.questions != "local" or in_series and begun:
        return False
    report = twin.report("corpus")
    asked = report.figures.get("asked_by", {}) if report else {}
    if "waiting" not in asked:  # of an older version, whose note says it
        return "asked_as_far_as_time_allowed" in str(asked.get("said"))
    return asked["waiting"] > 0


def source_problem(settings: Corpus, twin: Twin) -> Problem | None:
    """Why the source can't be read; None when it can."""
    source, author = settings.source, settings.author
    path = Path(os.path.expanduser(source))  # without an error for the home of nobody
    if not source:
        answered = twin.file("interview").exists()
        return None if answered else stop("corpus.no_writing_chosen")
    if not os.path.exists(path):  # unlike Path.exists, no error where a folder above is closed
        return _missing(source, path)
    if not os.access(path, os.R_OK | (os.X_OK if path.is_dir() else 0)):
        return stop("corpus.source_closed", source=source)
    if not readers.has_files(path):
        return stop("corpus.source_empty", source=source)
    if sample.is_sample(source) and not sample.is_author(author):
        return stop("corpus.sample_of_another", sample=sample.NAMED, author=author)
    return None


def _missing(source, path):
    """A stop for a source that isn't there, with what was meant where that can be told."""
    if _ON_THE_WEB.match(source):
        return stop("corpus.source_on_the_web", source=source)
    if _ELSEWHERE.match(source):
        return stop("corpus.source_elsewhere", source=source)
    with suppress(OSError):
        names = {name.lower(): name for name in os.listdir(path.parent)}
        if alike := get_close_matches(path.name.lower(), names, n=1, cutoff=0.8):
            there = str(path.with_name(names[alike[0]]))
            return stop("corpus.source_misspelt", source=source, there=there)
    return stop("corpus.source_missing", source=source)


def unread_problems(settings: Corpus, twin: Twin) -> list[Problem]:
    """What can't be read in a source that is there: a stop where it holds no text of the owner's.

    Damaged archives, and those with a password, are warned of. Takes some seconds at most.
    """
    if not settings.source:
        return []
    path, log = Path(settings.source).expanduser(), readers.ReadLog()
    options = options_of(settings, settings.author or twin.author)
    if readers.has_text(path, options, log, _SECONDS_OF_LOOK):
        refused = readers.refused_archives(path)
        names = [
            {code: f"{name} ({label})" for code, label in REASONS[reason].items()}
            for name, reason in list(refused.items())[:_NAMED]
        ]
        return [warning("corpus.archives_unread", names=listed(names))] if names else []
    counts = Counter(part.reason for part in log.removed)
    if counts["whose"]:
        problem = stop("corpus.chats_without_owner", count=counts["whose"])
    elif counts["columns"]:
        problem = stop("corpus.tables_without_columns", count=counts["columns"])
    elif set(counts) == {"locked"}:
        problem = stop("corpus.source_locked", source=settings.source)
    else:
        why = report.labelled(counts, REASONS) if counts else both("corpus.no_text_files")
        problem = stop("corpus.nothing_read", source=settings.source, why=why)
    answered = twin.file("interview").exists()
    return [problem._replace(level="warning") if answered else problem]


def author_problem(settings: Corpus, twin: Twin) -> Problem | None:
    """A stop where nobody said whose words these are; the twin's name is no person's."""
    before = twin.facts.get("author")  # older versions took the twin's name
    known = settings.author or sample.is_sample(settings.source) or before not in ("", twin.title)
    return None if known else stop("corpus.no_author")


def demo_problem(settings: Corpus, twin: Twin) -> Problem | None:
    """A warning where somebody's own writing would become the twin of the sample blog."""
    own = settings.source and not sample.is_sample(settings.source)
    if twin.name == sample.TWIN and own:
        return warning("corpus.own_writing_in_demo", twin=twin.name)
    return None


def run(twin: Twin, settings: Corpus, progress: Progress) -> Outcome:
    """Make documents, passages and rows. Raises TwinError if there is nothing to learn from."""
    with locked(twin.file("lock")):
        if not twin.file("decisions").exists():
            write_json(twin.file("decisions"), {})
    chosen, settings = settings, _signed(settings)
    inputs = twin.inputs(*sources(settings), twin.file("decisions"), twin.file("interview"))
    decisions, ignored = _valid(twin.decisions())
    author = settings.author or twin.author

    with scratch(twin.folder("corpus") / "unfinished") as folder:
        gathered = gather(twin, settings, decisions, progress, folder)
        documents = list(map(Document.from_json, read_records(gathered.documents, "corpus")))
        before = _splits_before(twin)
        pieces = _passages(documents, gathered.groups, before, settings.passage_tokens, author)
        rules = rules_of(twin, settings, decisions)
        pieces = without_repeated(pieces, documents, gathered, rules)
        facts = _facts(twin, settings, author, pieces)
        written = _ask_model(twin, settings, pieces, progress)
        system, share = facts["system_prompt"], settings.raw_share
        made = rows.rows(pieces, author, system, share, written.questions, settings.questions)
        made = rows.decided(made, decisions)
        _write(twin, folder, gathered, pieces, made)
        twin.remember(**facts)

    figures = report.figures(gathered, documents, pieces, made)
    figures |= report.question_figures(written, made, settings.questions)
    warnings = report.warnings(gathered, documents, pieces) + report.question_warnings(written)
    return Outcome(figures, inputs, ignored + warnings, chosen)


def _signed(settings):
    """The settings, with the sample blog's author where that is read and nobody else is named."""
    if not sample.is_sample(settings.source):
        return settings
    introduction = settings.introduction or sample.INTRODUCTION
    return replace(settings, author=settings.author or sample.AUTHOR, introduction=introduction)


def _valid(decisions):
    """(valid decisions, warnings about the others): the owner may have edited the file by hand."""
    valid = {
        name: decision
        for name, decision in decisions.items()
        if isinstance(decision, dict)
        and all(isinstance(decision.get(key, ""), str) for key in ("action", "text", "question"))
        and decision.get("action", "") in _ACTIONS
    }
    names = ", ".join(name for name in decisions if name not in valid)
    return valid, [t("corpus.decisions_ignored", names=names)] if names else []


def _splits_before(twin):
    """{document id: split} of the last run; {} without one, or where its file was damaged."""
    try:
        kept = twin.records("passages")
    except TwinError:
        return {}
    return {p["document"]: p["split"] for p in kept if {"document", "split"} <= p.keys()}


def _passages(documents, groups, before, limit, author):
    """The passages of all documents, with split, author and terms filled in."""
    lengths = {d.id: len(d.text) for d in documents}
    splits = split_of({d.id: groups.get(d.id, d.id) for d in documents}, lengths, before)
    all_passages = [passage for document in documents for passage in passages(document, limit)]
    passage_terms = terms(all_passages)
    for passage in all_passages:
        passage.split, passage.author = splits[passage.document], author
        passage.terms = passage_terms[passage.id]
    return all_passages


def _ask_model(twin, settings, passages, progress):
    """The questions of the model that the settings name; none if titles are to ask."""
    name, log = settings.question_model, twin.file("questions")
    if settings.questions == "titles":
        return model.WrittenQuestions({}, Counter(), [])
    if settings.questions == "local":
        base, chosen = writers.base_of(settings, twin), name != AUTO
        return model.ask_locally(passages, base, log, progress, settings.question_minutes, chosen)
    progress.say(api.announcement(passages, settings.endpoint, name))
    return model.ask_api(passages, settings.endpoint, name, log, progress)


def _facts(twin, settings, author, passages):
    """What later steps need of twin.json."""
    languages = list(rows.language_shares(passages))
    system = rows.system_prompt(author, languages)
    consent = twin.facts.get("consent") or {}
    if settings.consent != bool(consent.get("given")) or not consent:
        consent = {"given": settings.consent, "when": time.time() if settings.consent else None}
    return {
        "author": author,
        "introduction": settings.introduction,
        "languages": languages,
        "system_prompt": system,
        "consent": consent,
        "persona_prompt": rows.persona_prompt(system, settings.introduction, passages),
    }


def _write(
    twin: Twin, folder: Path, gathered: Gathered, passages: list[Passage], rows: list[Row]
) -> None:
    """Write the files that `gather` hasn't written into the folder, and put all in place together.

    Where one can't be written, such as on a full disk, those of the run before stay, as they do
    where it is stopped or killed while questions are asked. The report of that run goes first, so
    that a kill in between leaves no step that counts as done.
    """
    names = {key: folder / twin.file(key).name for key in _WRITTEN}
    write_records(names["passages"], [passage.to_json() for passage in passages])
    for split in _SPLITS:
        write_records(names[split], [row.to_json() for row in rows if row.split == split])
    write_records(names["personal"], gathered.totals.personal.values(), private=True)
    senders = dict(gathered.log.senders().most_common())
    write_json(names["senders"], {"senders": senders, "files": gathered.log.chats})
    twin.report_path("corpus").unlink(missing_ok=True)
    for key, path in names.items():
        put_in_place(path, twin.file(key))
