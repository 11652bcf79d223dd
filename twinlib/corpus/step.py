"""Step 01, corpus: whatever holds a person's writing becomes documents, passages and honest training rows.

Read, clean, drop with a reason, mask, leave out duplicates (`gather`, one document at a time), split by whole document,
cut into passages, ask. What the owner decided (decisions.json, by id) is applied on every run: a document or part can
be dropped, restored or edited, a row or a passage's rows dropped or edited ({"action": "edit", "question": …,
"text": …}), a kind or a piece of personal data kept ({"action": "keep"}).
"""

import csv
import io
import json
import tempfile
import time
from array import array
from collections import Counter
from dataclasses import fields
from itertools import chain
from pathlib import Path
from typing import NamedTuple

from ..files import TwinError, replaced, write_json, write_records
from ..i18n import choose, t
from ..settings import parse, stop, warning
from ..text import interview_questions, privacy, sufficiency
from ..text.script import language_of
from ..twin import Outcome, Problem, figure
from . import dedupe, interview, pipeline, readers
from . import rows as pairs
from .clean import scripts
from .passages import passages, split_of
from .questions import api, model, titles
from .questions import validate as replies
from .readers import columns
from .reasons import KINDS, REASONS, SKIPPED
from .records import Removed

DOCUMENT = ("id", "title", "text", "date", "source", "author", "language", "kind")
PASSAGE = ("id", "document", "text", "tokens_estimate", "split")
FEW_HELD_OUT = 5
BEGINNING = 300  # characters of what was left out that dropped.csv shows
ACTIONS = ("", "drop", "restore", "edit", "keep", "mask", "approve")
PAUSE = 0.2  # seconds between records of progress


def problems(settings, twin):
    """What stands against a run: nothing to read, numbers out of range, no leave to send; no consent is a warning."""
    found = []
    for f in fields(settings):
        try:
            parse(f, getattr(settings, f.name))
        except ValueError as error:
            found.append(Problem("stop", str(error)))
    return (
        found
        + _source_problems(settings.source, twin)
        + _asking_problems(settings, twin)
        + _consent_problems(settings)
    )


def _source_problems(source, twin):
    path = Path(source).expanduser()
    if not source and twin.file("interview").exists():
        return []
    if not source or not path.exists():
        return [stop("corpus.no_folder_choose_folder_zip", source=source)]
    if not readers.anything(path):
        return [stop("corpus.nothing_read_put_some_writing", source=source)]
    return []


def _asking_problems(settings, twin):
    count = len(twin.records("passages")) if twin.file("passages").exists() else None
    sentence = api.consent_problem(settings, count)
    return [Problem("stop", sentence)] if sentence else []


def _consent_problems(settings):
    if settings.consent:
        return []
    return [warning("corpus.havent_confirmed_these_own_words")]


def run(twin, settings, progress):
    """Make documents, passages and rows; see `problems` first. Raises TwinError when nothing is left to learn from."""
    if not twin.file("decisions").exists():
        write_json(twin.file("decisions"), {})
    inputs = twin.inputs(*_sources(settings), twin.file("decisions"), twin.file("interview"))
    decisions, ignored = _sound(twin.decisions())
    gathered = gather(twin, settings, decisions, progress)
    author = settings.author or twin.name
    documents = twin.records("documents")
    splits = split_of({d["id"]: gathered.groups.get(d["id"], d["id"]) for d in documents})
    pieces = _passages(documents, splits, settings.passage_tokens, author)
    facts = _remember(twin, settings, author, pieces)
    asked = _asked(twin, settings, pieces, progress)
    writer = (
        (titles.titles, "title")
        if asked is None
        else (lambda passage: asked.questions.get(passage["id"], []), settings.questions)
    )
    made = _decided(
        pairs.rows(
            pieces, author, facts["system_prompt"], settings.raw_share, settings.abstain, *writer
        ),
        decisions,
    )
    _write(twin, gathered, pieces, made)
    figures = _figures(gathered, documents, pieces, made) | (_failures(asked) if asked else {})
    warnings = _warnings(gathered, pieces, documents) + (_unanswered(asked) if asked else [])
    return Outcome(figures, inputs, ignored + warnings, settings)


def _sources(settings):
    return [Path(settings.source).expanduser()] if settings.source else []


def _sound(decisions):
    """({id: decision} of those that can be followed, warnings): the file may have been edited by hand."""
    sound = {
        name: decision
        for name, decision in decisions.items()
        if isinstance(decision, dict)
        and all(isinstance(decision.get(key, ""), str) for key in ("action", "text", "question"))
        and decision.get("action", "") in ACTIONS
    }
    wrong = ", ".join(name for name in decisions if name not in sound)
    return sound, [t("corpus.decisions_cant_read_ignored_mend", wrong=wrong)] if wrong else []


# Reading, with memory that does not grow with the texts


class Gathered(NamedTuple):
    """What `gather` leaves behind beside documents.jsonl and dropped.csv: {document id: group id} of those that share
    text with others and must not be split from them; what the readers `found`, the `account`, and {(what, reason): number}
    of what was left out."""

    groups: dict
    found: readers.ReadLog
    account: pipeline.Totals
    dropped: Counter


def gather(twin, settings, decisions, progress):
    """Read, clean, mask and leave out duplicates: writes documents.jsonl and dropped.csv. Returns what it Gathered."""
    found, account, sketches, places = (
        readers.ReadLog(),
        pipeline.Totals(),
        dedupe.Sketches(),
        array("Q"),
    )
    author = settings.author or twin.name
    private = privacy.private_names(
        f"{settings.names}\n{decisions.get('privacy names', {}).get('text', '')}"
    )
    me = tuple(privacy.private_names(settings.me))
    rules = pipeline.Rules(
        author,
        settings.author,
        me,
        settings.short,
        settings.script,
        settings.mask,
        tuple(private),
        decisions,
    )
    options = readers.Options(me, columns.given(settings.columns), "" if me else author)
    paced = _paced(progress, t("corpus.reading"))
    raws = chain(
        _interview(twin, author, settings.short),
        *(readers.read(source, options, found, paced) for source in _sources(settings)),
    )
    with replaced(twin.file("dropped")) as table, tempfile.TemporaryFile() as spool:
        left = _Left(table, found, rules.names)
        for document in pipeline.documents(raws, rules, found, account):
            sketches.add(document.text)
            places.append(spool.tell())
            spool.write(json.dumps(document.to_json(), ensure_ascii=False).encode() + b"\n")
            left.take()
        left.take()
        if not places:
            raise TwinError(_nothing(settings.source, left.counts))
        groups = _settled(twin, places, spool, sketches, rules, left, account, progress)
    return Gathered(groups, found, account, left.counts)


class _Left:
    """What was left out, written to dropped.csv as it comes, and counted by (what, reason)."""

    def __init__(self, file, found, names):
        self.counts, self.found, self.names = Counter(), found, names
        self.text = io.TextIOWrapper(file, encoding="utf-8", newline="", write_through=True)
        self.table = csv.writer(self.text, lineterminator="\n")
        self.table.writerow(("document", "what", "reason", "text", "characters", "id"))

    def take(self):
        """Write what was found since the last time."""
        for d in self.found.removed:
            beginning = " ".join(d.text[: 4 * BEGINNING].split())[:BEGINNING]
            beginning, _ = privacy.mask(beginning, language_of(d.text), {}, self.names)
            self.table.writerow(
                (
                    d.document,
                    choose(KINDS[d.what]),
                    choose(REASONS[d.reason]),
                    beginning,
                    len(d.text),
                    d.id,
                )
            )
            self.counts[d.what, d.reason] += 1
        self.found.removed.clear()


def _settled(twin, places, spool, sketches, rules, left, account, progress):
    """Write documents.jsonl without what only all of them together show: near-duplicates, and texts by somebody else.

    Returns {document id: group id} of those that share half of the shorter one: a group is never split.
    """

    def record(number):
        spool.seek(places[number])
        return json.loads(spool.readline())

    def age(number):
        document = record(number)
        return document["date"] or "9999", -len(document["text"]), document["source"]

    pairs = list(
        sketches.pairs(
            lambda number: record(number)["text"], progress=_paced(progress, t("corpus.comparing"))
        )
    )
    gone = dedupe.duplicates(pairs, age)
    strangers = pipeline.other_authors(account.authors, rules)
    with replaced(twin.file("documents")) as out:
        for number in range(len(places)):
            document = record(number)
            reason = (
                "duplicate"
                if number in gone
                else "author"
                if document["author"] in strangers
                else ""
            )
            if reason and not rules.wants(document["id"]):
                account.kept.subtract(scripts.count_scripts(document["text"]))
                account.aside.update(scripts.count_scripts(document["text"]))
                left.found.removed.append(
                    Removed(
                        "document", reason, document["text"], document["source"], document["id"]
                    )
                )
                left.take()
            else:
                out.write(json.dumps(document, ensure_ascii=False).encode() + b"\n")
    groups = {}
    for number, group in dedupe.groups(pairs).items():
        groups.setdefault(group, []).append(record(number)["id"])
    return {name: min(names) for names in groups.values() for name in names}


def _paced(progress, note):
    """A function (done, total) that reports to `progress` a few times a second, however often it is called."""
    last = [0.0]

    def report(done, total):
        if done == total or time.monotonic() - last[0] > PAUSE:
            last[0] = time.monotonic()
            progress(done, total, note)

    return report


def _interview(twin, author, short):
    """The raw documents of the interview's answers."""
    path = twin.file("interview")
    text = path.read_text(encoding="utf-8", errors="surrogateescape") if path.exists() else ""
    return interview.document(interview_questions.parse(text)[0], author, short)


# From documents to rows


def _passages(documents, splits, limit, author):
    pieces = [
        {**p, "split": splits[d["id"]], "author": author}
        for d in documents
        for p in passages(d, limit)
    ]
    terms = titles.topics(pieces)
    return [{**p, "terms": terms[p["id"]]} for p in pieces]


def _asked(twin, settings, pieces, progress):
    """The Asked of the way that the settings ask for: a model here, or a service; None when titles do."""
    if settings.questions == "local":
        return model.ask_locally(pieces, settings.question_model, twin.file("questions"), progress)
    if settings.questions == "endpoint":
        progress.say(api.announce(pieces, settings.endpoint, settings.question_model))
        return model.ask_service(
            pieces, settings.endpoint, settings.question_model, twin.file("questions"), progress
        )
    return None


def _remember(twin, settings, author, pieces):
    """Keep in twin.json what later steps need; consent with the time when it was first given."""
    tokens = Counter()
    for p in pieces:
        tokens[p["language"]] += p["tokens_estimate"]
    languages = [name for name, n in tokens.most_common() if n >= 0.05 * sum(tokens.values())]
    system = pairs.system_prompt(author, languages)
    consent = twin.facts.get("consent") or {}
    if settings.consent != bool(consent.get("given")) or not consent:
        consent = {"given": settings.consent, "when": time.time() if settings.consent else None}
    twin.remember(
        author=author,
        introduction=settings.introduction,
        languages=languages,
        system_prompt=system,
        consent=consent,
        persona_prompt=pairs.persona_prompt(system, settings.introduction, pieces),
    )
    return twin.facts


def _decided(rows, decisions):
    """Rows without those that the owner dropped, and with what the owner edited: an answer in all rows that have it."""
    edited = {
        row["id"]: decisions.get(row["id"]) or decisions.get(row["passage"]) or {} for row in rows
    }
    texts = {
        row["passage"]: edited[row["id"]]["text"]
        for row in rows
        if edited[row["id"]].get("action") == "edit"
        and edited[row["id"]].get("text")
        and row["passage"]
    }
    kept = []
    for row in rows:
        decision = edited[row["id"]]
        question = decision.get("question") if decision.get("action") == "edit" else None
        answer = decision.get("text") if decision.get("action") == "edit" else None
        changed = {"user": question, "assistant": answer or texts.get(row["passage"])}
        if changed["user"] or changed["assistant"]:
            row["messages"] = [
                {**m, "content": changed.get(m["role"]) or m["content"]} for m in row["messages"]
            ]
            row["source"] = "owner"
        if decision.get("action") != "drop":
            kept.append(row)
    return kept


def _write(twin, gathered, pieces, rows):
    write_records(twin.file("passages"), [{key: p[key] for key in PASSAGE} for p in pieces])
    for split in ("train", "val", "test"):
        write_records(twin.file(split), [row for row in rows if row["split"] == split])
    write_records(twin.file("personal"), gathered.account.personal.values())
    write_json(
        twin.file("senders"), {"senders": _senders(gathered.found), "files": gathered.found.chats}
    )


def _senders(found):
    counts = Counter()
    for chat in found.chats.values():
        counts.update(chat["senders"])
    return dict(counts.most_common())


def _figures(gathered, documents, pieces, rows):
    texts = Counter(
        {reason: n for (what, reason), n in gathered.dropped.items() if what == "document"}
    )
    parts = Counter()
    for (what, _), n in gathered.dropped.items():
        parts[what] += n * (what != "document")
    splits = Counter(p["split"] for p in {p["document"]: p for p in pieces}.values())
    account, passed = gathered.account, gathered.found.skipped
    found = {
        "documents": figure(
            len(documents), note=_listed(Counter(d["language"] for d in documents))
        ),
        "formats": figure(
            sum(gathered.found.formats.values()), note=_listed(gathered.found.formats)
        ),
        "dropped": figure(
            sum(texts.values()), n=sum(texts.values()) + len(documents), note=_said(texts, REASONS)
        ),
        "parts_dropped": figure(sum(parts.values()), note=_said(parts, KINDS)),
        "passed_over": figure(sum(passed.values()), note=_said(passed, SKIPPED)),
        "passages": figure(len(pieces)),
        "train_passages": figure(
            sum(p["split"] == "train" for p in pieces), note=_enough(pieces, documents).sentence
        ),
        "rows": figure(len(rows), note=_listed(Counter(row["kind"] for row in rows))),
        "asked_by": figure(
            sum(row["kind"] == "qa" for row in rows),
            note=_listed(Counter(row["source"] for row in rows if row["kind"] == "qa")),
        ),
        "characters_in": figure(account.before.total()),
        "characters_kept": figure(account.kept.total()),
        "tokens": figure(sum(p["tokens_estimate"] for p in pieces), note=t("corpus.estimate")),
        "personal_data": figure(
            account.masked.total(),
            note=_listed(Counter({privacy.label(kind): n for kind, n in account.masked.items()})),
        ),
    }
    found |= {
        f"characters_{script}": figure(
            account.kept[script], n=n, note=t("corpus.put_aside", aside=account.aside[script])
        )
        for script, n in account.before.items()
        if n
    }
    return found | {
        f"{split}_documents": figure(splits[split]) for split in ("train", "val", "test")
    }


def _failures(asked):
    total = asked.failures.total()
    return {
        "questions_failed": figure(
            total, n=len(asked.questions) + total, note=_said(asked.failures, replies.REASONS)
        )
    }


def _said(counts, labels):
    said = Counter()
    for key, n in counts.items():
        label = labels[key]
        said[choose(label) if isinstance(label, dict) else t(*label)] += n
    return _listed(said)


def _listed(counts):
    return ", ".join(
        f"{name} {n}"
        for name, n in sorted(counts.items(), key=lambda item: (-item[1], item[0]))
        if n
    )


def _warnings(gathered, pieces, documents):
    verdict = _enough(pieces, documents)
    found = [] if verdict.level == "good" else [" ".join((verdict.sentence, *verdict.actions))]
    held = sum(p["split"] == "test" for p in pieces)
    if held < FEW_HELD_OUT:
        found.append(t("corpus.passages_held_out_exam_few", held=held))
    authors = {d["author"] for d in documents}
    if len(authors) > 1:
        names = ", ".join(sorted(authors)[:4])
        found.append(t("corpus.texts_name_several_authors_take", names=names))
    account = gathered.account
    eaten = scripts.loss_warning(account.before, account.kept + account.aside)
    return found + ([eaten] if eaten else []) + _waiting(gathered.dropped)


def _enough(pieces, documents):
    kind = {d["id"]: d["kind"] for d in documents}
    train = [p for p in pieces if p["split"] == "train"]
    return sufficiency.verdict(
        len(train),
        sum(p["tokens_estimate"] for p in train),
        len(documents),
        Counter(kind[p["document"]] for p in train),
    )


def _waiting(dropped):
    """What waits for a word of the owner: chats and tables."""
    found = []
    if chats := dropped["document", "whose"]:
        found.append(t("corpus.chats_put_aside_because_nobody", chats=chats))
    if others := dropped["document", "author"]:
        found.append(t("corpus.texts_put_aside_because_they", others=others))
    if tables := dropped["document", "columns"]:
        found.append(t("corpus.tables_put_aside_because_their", tables=tables))
    return found


def _unanswered(asked):
    if not asked.failures:
        return asked.warnings
    why, total = _said(asked.failures, replies.REASONS), asked.failures.total()
    return asked.warnings + [t("corpus.passages_no_usable_question_written", total=total, why=why)]


def _nothing(source, counts):
    why = _said({reason: n for (what, reason), n in counts.items() if what == "document"}, REASONS)
    why = why or t("corpus.no_text_files")
    return t("corpus.nothing_learnt_add_longer_texts", source=source, why=why)
