"""Read, clean and mask all texts of a corpus; write documents.jsonl and dropped.csv.

Documents are processed one at a time and kept in a temporary file, so that memory does not grow
with the texts. Copies and documents by other authors are left out once all are read.
"""

import csv
import io
import json
import re
import tempfile
import time
from array import array
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import BinaryIO, NamedTuple

from ..files import TwinError, replaced
from ..i18n import both, choose, t
from ..progress import Progress
from ..settings import Corpus
from ..text import interview_questions, privacy
from ..text.inputs import columns
from ..text.script import language_of
from ..twin import Twin
from . import dedupe, interview, pipeline, readers
from .reasons import KINDS, REASONS
from .records import Document, Passage, Removed
from .report import labelled

_SHOWN_CHARACTERS = 300  # characters of a removed text in dropped.csv
_INTERVAL = 0.2  # seconds between two reports of progress


class Gathered(NamedTuple):
    """What `gather` returns, besides writing documents.jsonl and dropped.csv.

    `groups` {document id: group id} of documents that share text and must be in one split; `log`
    of the readers; `totals` of characters and personal data; `removed` {(what, reason): number of
    documents or parts left out}; `documents` and `dropped` are the two files.
    """

    groups: dict[str, str]
    log: readers.ReadLog
    totals: pipeline.Totals
    removed: Counter
    documents: Path
    dropped: Path


def gather(
    twin: Twin, settings: Corpus, decisions: dict, progress: Progress, folder: Path | None = None
) -> Gathered:
    """Write documents.jsonl and dropped.csv into a folder, by default that of the corpus.

    Raises TwinError if no document is left.
    """
    folder = folder or twin.folder("corpus")
    documents, listed = (folder / twin.file(key).name for key in ("documents", "dropped"))
    log, totals = readers.ReadLog(), pipeline.Totals()
    rules = rules_of(twin, settings, decisions)
    raws = chain(_interview(twin, rules), _read(settings, rules, log, progress))
    with replaced(listed) as table, tempfile.TemporaryFile() as file:
        dropped, spool = _DroppedTable(table, rules, totals), _Spool(file)
        sketches = dedupe.Sketches()
        for document in pipeline.documents(raws, rules, log, totals):
            sketches.add(document.text)
            spool.append(document)
            dropped.write(log.removed)
        dropped.write(log.removed)
        if not len(spool):
            raise TwinError(_nothing_left(settings.source, dropped.counts))
        report = _throttled(progress, t("corpus.progress_comparing"))
        pairs = list(sketches.pairs(lambda number: spool[number].text, progress=report))
        compiled = _compilations(sketches, spool, rules)
        # What compiles others would put all of them into one group.
        pairs = [pair for pair in pairs if compiled.isdisjoint(pair[:2])]
        excluded = _excluded(spool, pairs, rules, totals) | dict.fromkeys(compiled, "compiled")
        with replaced(documents) as out:
            for number, document in enumerate(spool):
                if number not in excluded:
                    author = pipeline.shown_author(document.author, rules, totals)
                    out.write(_line(replace(document, author=author)))
                    continue
                text, reason = document.text, excluded[number]
                totals.drop(text)
                dropped.write([Removed("document", reason, text, document.source, document.id)])
        log.broken = {
            pipeline.shown_source(name, rules, totals): count for name, count in log.broken.items()
        }
        groups = _groups(pairs, spool)
    return Gathered(groups, log, totals, dropped.counts, documents, listed)


def without_repeated(
    passages: list[Passage],
    documents: list[Document],
    gathered: Gathered,
    rules: pipeline.Rules,
) -> list[Passage]:
    """The passages without those that stand in other documents, too, which go to dropped.csv.

    Turns stay, since people say the same thing twice, and so does what the owner restored.
    """
    by_id = {d.id: d for d in documents}
    written = [p for p in passages if not p.is_turn and not rules.wants(p.document)]
    copies = dedupe.repeated(
        [p.text for p in written], [p.document for p in written], lambda name: _age(by_id[name])
    )
    gone = {written[number].id for number in copies} - rules.restored
    if gone:
        removed = [
            Removed("passage", "repeated", p.text, by_id[p.document].source, p.id)
            for p in passages
            if p.id in gone
        ]
        lines = gathered.dropped.read_bytes()
        with replaced(gathered.dropped) as file:
            table = _DroppedTable(file, rules, gathered.totals, lines)
            table.write(removed)
            gathered.removed.update(table.counts)
    return [p for p in passages if p.id not in gone]


def sources(settings: Corpus) -> list[Path]:
    """The folder, zip or file to read; [] if only the interview is used."""
    return [Path(settings.source).expanduser()] if settings.source else []


def rules_of(twin: Twin, settings: Corpus, decisions: dict) -> pipeline.Rules:
    """The settings that concern documents, and the owner's decisions."""
    return pipeline.Rules(
        author=settings.author or twin.author,
        stated_author=settings.author,
        me=tuple(privacy.private_names(settings.me)),
        short=settings.short,
        script=settings.script,
        mask=settings.mask,
        names=privacy.names_to_mask(settings.names, decisions),
        decisions=decisions,
    )


def _interview(twin, rules):
    """The documents of the interview's answers."""
    path = twin.file("interview")
    text = path.read_text(encoding="utf-8", errors="surrogateescape") if path.exists() else ""
    answers, _ = interview_questions.parse(text)
    return interview.documents(answers, rules.author, rules.short)


def options_of(settings: Corpus, author: str) -> readers.Options:
    """Whose messages are read, and the columns of tables; the author's unless names are given."""
    me = tuple(privacy.private_names(settings.me))
    return readers.Options(me, columns.given(settings.columns), "" if me else author)


def _read(settings, rules, log, progress):
    """The documents of the owner's files."""
    options = options_of(settings, rules.author)
    report = _throttled(progress, t("corpus.progress_reading"))
    for source in sources(settings):
        yield from readers.read(source, options, log, report)


class _Spool:
    """Documents in a temporary file, read like a list."""

    def __init__(self, file: BinaryIO):
        self._file, self._offsets = file, array("Q")

    def append(self, document: Document) -> None:
        self._offsets.append(self._file.tell())
        self._file.write(_line(document))

    def __len__(self):
        return len(self._offsets)

    def __getitem__(self, number: int) -> Document:
        self._file.seek(self._offsets[number])
        return Document.from_json(json.loads(self._file.readline()))


def _line(document):
    return json.dumps(document.to_json(), ensure_ascii=False).encode() + b"\n"


class _DroppedTable:
    """dropped.csv: what was removed, with the beginning of its text; `counts` by (what, reason)."""

    def __init__(
        self, file: BinaryIO, rules: pipeline.Rules, totals: pipeline.Totals, lines: bytes = b""
    ):
        """`lines` are those of an earlier table that this one goes on from."""
        self.counts, self._rules, self._totals = Counter(), rules, totals
        file.write(lines)
        self._text = io.TextIOWrapper(file, encoding="utf-8", newline="", write_through=True)
        self._table = csv.writer(self._text, lineterminator="\n")
        if not lines:
            self._table.writerow(("document", "what", "reason", "text", "characters", "id"))

    def write(self, removed: list[Removed]) -> None:
        """Add a line for each part, and empty the list."""
        for part in removed:
            text = " ".join(part.text[: 4 * _SHOWN_CHARACTERS].split())
            # What the end cuts in two is found before it is cut.
            masked = pipeline.mask_left_out(
                text[: 2 * _SHOWN_CHARACTERS],
                language_of(part.text),
                self._rules,
                self._totals,
                recorded=part.what == "message",
            )
            text = masked[:_SHOWN_CHARACTERS]
            document = pipeline.shown_source(part.document, self._rules, self._totals)
            labels = choose(KINDS[part.what]), choose(REASONS[part.reason])
            self._table.writerow((document, *labels, text, len(part.text), part.id))
            self.counts[part.what, part.reason] += 1
        removed.clear()


def _excluded(spool, pairs, rules, totals):
    """{index: reason} of copies and of other authors' texts, unless the owner restored them."""
    other_authors = pipeline.other_authors(totals.authors, rules)
    copies = dedupe.duplicates(pairs, lambda number: _age(spool[number]))
    reasons = {n: "author" for n, document in enumerate(spool) if document.author in other_authors}
    reasons |= dict.fromkeys(copies | _excerpts(spool, pairs), "duplicate")
    return {n: reason for n, reason in reasons.items() if not rules.wants(spool[n].id)}


def _excerpts(spool, pairs):
    """The indices of the beginnings of posts that a feed or a page of teasers repeats.

    They are documents of one file, of which more than half are parts of documents of other files.
    """
    parts: dict[str, set] = {}
    for i, j, _, containment in pairs:
        short, whole = sorted((i, j), key=lambda number: len(spool[number].text))
        file, number, _ = spool[short].source.partition("#")
        apart = number and spool[whole].source.partition("#")[0] != file
        if containment >= dedupe.COPY and apart and spool[short].turns is None:
            parts.setdefault(file, set()).add(short)
    if not parts:
        return set()
    sizes = Counter(document.source.partition("#")[0] for document in spool)
    return {n for file, found in parts.items() if len(found) * 2 > sizes[file] for n in found}


def _compilations(sketches, spool, rules):
    """The indices of texts that only repeat others: an index, a feed, a page of all posts."""
    found = sketches.compilations(
        lambda number: spool[number].text, lambda number: _age(spool[number])
    )
    return {n for n in found if spool[n].turns is None and not rules.wants(spool[n].id)}


def _age(document):
    """The sort key of copies, of which the first is kept: the earliest, then the longest.

    A feed's copy of a post comes after the post.
    """
    in_feed = bool(re.search(r"\.(?:xml|rss|atom)#", document.source))
    return in_feed, document.date or "9999", -len(document.text), document.source


def _groups(pairs, spool):
    """{document id: the smallest id of its group} of the documents that share text."""
    members = {}
    for number, group in dedupe.groups(pairs).items():
        members.setdefault(group, []).append(spool[number].id)
    return {id: min(ids) for ids in members.values() for id in ids}


def _nothing_left(source, counts):
    """The error message when every document was left out, with the reasons."""
    reasons = {reason: n for (what, reason), n in counts.items() if what == "document"}
    why = labelled(reasons, REASONS) if reasons else both("corpus.no_text_files")
    return t("corpus.nothing_to_learn", source=source, why=why)


def _throttled(progress: Progress, note: str) -> Callable[[int, int], None]:
    """A function (done, total) that reports to `progress` at most every _INTERVAL, and the end."""
    last = 0.0

    def report(done, total):
        nonlocal last
        if done == total or time.monotonic() - last > _INTERVAL:
            last = time.monotonic()
            progress(done, total, note)

    return report
