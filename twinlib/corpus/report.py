"""Figures and warnings for the report of step 01."""

from collections import Counter
from collections.abc import Mapping
from typing import TYPE_CHECKING

from ..i18n import LANGUAGES, Texts, both, data, listed, said, t
from ..text import sufficiency
from ..twin import figure
from .clean import scripts
from .questions.model import WrittenQuestions
from .reasons import KINDS, REASONS, SKIPPED
from .records import Document, Passage, Row
from .rows import ENOUGH_TEXTS, READY_MADE, SMALLEST_SHARE, language_shares

if TYPE_CHECKING:
    from .gather import Gathered

_USES = {"learnt": "train", "exam": "test", "watching": "val"}  # of the passages
_LANGUAGES = {"en": "corpus.english", "zh": "corpus.chinese"}
_NAMED = 10  # files in one warning
_FEW_HELD_OUT = 5  # passages: with fewer, the figures of step 05 say 'too few to tell'


def figures(
    gathered: "Gathered", documents: list[Document], passages: list[Passage], rows: list[Row]
) -> dict[str, dict]:
    """The figures of a run, {name: figure}."""
    log, totals = gathered.log, gathered.totals
    documents_dropped = {
        reason: n for (what, reason), n in gathered.removed.items() if what == "document"
    }
    parts = Counter()
    for (what, _), n in gathered.removed.items():
        parts[what] += n * (what != "document")
    dropped = sum(documents_dropped.values())
    splits = Counter({p.document: p.split for p in passages}.values())
    pieces = Counter(passage.split for passage in passages)
    train = [row for row in rows if row.split != "test"]
    entries = {
        "documents": _counted(Counter(d.language for d in documents)),
        "formats": _counted(log.formats),
        "dropped": figure(
            dropped, n=dropped + len(documents), note=labelled(documents_dropped, REASONS)
        ),
        "parts_dropped": figure(parts.total(), note=labelled(parts, KINDS)),
        "passed_over": figure(log.skipped.total(), note=labelled(log.skipped, SKIPPED)),
        "passages": figure(len(passages), note=both("corpus.passages_by_use", **_uses(pieces))),
        "train_passages": _enough(passages, documents),
        "rows": _counted(Counter(row.kind for row in train)),
        "characters_in": figure(totals.before.total()),
        "characters_kept": figure(totals.kept.total()),
        "tokens": figure(
            sum(p.tokens_estimate for p in passages), note=both("corpus.tokens_are_estimated")
        ),
        "personal_data": figure(
            totals.masked.total(), note=labelled(totals.masked, data("personal_data"))
        ),
    }
    for script, n in totals.before.items():
        if n:
            note = both("corpus.characters_left_out", aside=totals.aside[script])
            entries[f"characters_{script}"] = figure(totals.kept[script], n=n, note=note)
    for split in ("train", "val", "test"):
        entries[f"{split}_documents"] = figure(splits[split])
    return entries


def _uses(splits):
    return {name: splits[split] for name, split in _USES.items()}


def question_figures(written: WrittenQuestions, rows: list[Row], source: str) -> dict[str, dict]:
    """Who asks the questions of the training rows, and the passages that no model could ask about.

    `source` is the setting: local, titles or endpoint. The note says how many the model wrote, and
    why no more.
    """
    askers = Counter(row.source for row in rows if row.kind == "qa" and row.split != "test")
    by_model = askers["local"] + askers["endpoint"]
    ready = sum(askers[name] for name in READY_MADE)
    others = askers.total() - by_model - ready
    sentences = [both("corpus.questions_by", all=askers.total(), written=by_model, ready=ready)]
    if others:
        sentences.append(both("corpus.questions_by_people", count=others))
    sentences += [both("corpus.ready_made_chosen")] if source == "titles" else written.warnings
    note = listed(sentences, "core.sentence_separator")
    asked_by = {**figure(askers.total(), note=note), "written": by_model}
    asked_by["waiting"] = written.waiting
    return {"asked_by": asked_by} | ({} if source == "titles" else _failed(written))


def _failed(written):
    failed = written.failures.total()
    note = labelled(written.failures, data("question_failures"))
    return {"questions_failed": figure(failed, n=len(written.questions) + failed, note=note)}


def warnings(gathered: "Gathered", documents: list[Document], passages: list[Passage]) -> list[str]:
    """Sentences about what the owner should know or decide."""
    sentences, totals = [], gathered.totals
    assessment = _assessment(passages, documents)
    if assessment.level != "good":
        lines = (assessment.texts, *assessment.actions)
        sentences.append(said(listed(lines, "core.sentence_separator")))
    held_out = sum(p.split == "test" for p in passages)
    if held_out < _FEW_HELD_OUT:
        sentences.append(t("corpus.few_held_out", count=held_out))
    few = Counter(d.language for d in documents)
    sentences += little_of_a_language(few, list(language_shares(passages)))
    authors = sorted({d.author for d in documents})
    if len(authors) > 1:
        sentences.append(t("corpus.several_authors", names=", ".join(authors[:4])))
    if sentence := scripts.loss_warning(totals.before, totals.kept + totals.aside):
        sentences.append(sentence)
    if chats := gathered.removed["document", "whose"]:
        sentences.append(t("corpus.chats_without_owner", count=chats))
    if texts := gathered.removed["document", "author"]:
        sentences.append(t("corpus.texts_by_others", count=texts))
    if tables := gathered.removed["document", "columns"]:
        sentences.append(t("corpus.tables_without_columns", count=tables))
    if gathered.log.broken:
        names = [
            both("corpus.file_broken_off", name=name, count=count)
            for name, count in list(gathered.log.broken.items())[:_NAMED]
        ]
        sentences.append(t("corpus.files_broken_off", names=listed(names)))
    return sentences


def little_of_a_language(texts: Counter, known: list[str]) -> list[str]:
    """A sentence about each language that has texts, but too few for rows of its own.

    `texts` is {language: how many}, `known` are the languages that get such rows.
    """
    return [
        t(
            "corpus.little_of_a_language",
            language=both(_LANGUAGES[code]),
            others=listed(both(_LANGUAGES[other]) for other in known),
            count=count,
            least=round(100 * SMALLEST_SHARE),
            enough=ENOUGH_TEXTS,
        )
        for code, count in texts.items()
        if known and code in _LANGUAGES and code not in known
    ]


def question_warnings(written: WrittenQuestions) -> list[str]:
    """Warnings of the models that wrote questions."""
    if not written.failures:
        return written.warnings
    why = labelled(written.failures, data("question_failures"))
    total = written.failures.total()
    return [*written.warnings, t("corpus.passages_without_question", total=total, why=why)]


def _assessment(passages, documents):
    kinds = {d.id: d.kind for d in documents}
    train = [p for p in passages if p.split == "train"]
    tokens = sum(p.tokens_estimate for p in train)
    train_kinds = Counter(kinds[p.document] for p in train)
    return sufficiency.assess(len(train), tokens, len(documents), train_kinds)


def _enough(passages, documents):
    """The figure of the passages to learn from; `tokens` are theirs."""
    train = [passage for passage in passages if passage.split == "train"]
    assessment = _assessment(passages, documents)
    level = {"stop": "bad", "warning": "so-so", "good": "good"}[assessment.level]
    found = figure(len(train), note=assessment.texts, level=level)
    return {**found, "tokens": sum(passage.tokens_estimate for passage in train)}


def _counted(counts):
    return figure(sum(counts.values()), note=_counts_in_words(counts))


def labelled(counts: Mapping[str, int], labels: Mapping[str, dict[str, str]]) -> Texts:
    """{key: number} in words, with {key: {language: label}}: 'too short 3, draft 1'."""
    labelled_counts, by_name = Counter(), {}
    for key, n in counts.items():
        name = labels[key][LANGUAGES[0]]
        labelled_counts[name] += n
        by_name[name] = labels[key]
    return _counts_in_words(labelled_counts, by_name)


def _counts_in_words(counts, labels=None):
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    named = [((labels or {}).get(name, name), n) for name, n in ordered if n]
    return listed(both("core.name_and_count", name=name, count=n) for name, n in named)
