"""Tables of a twin's corpus, training rows, answers, figures, uploads and steps."""

import base64
import csv
import os
import re
from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path, PurePosixPath

from .. import i18n, running
from ..corpus import reasons
from ..evaluate import step as evaluate
from ..evaluate.side_by_side import real_name
from ..i18n import LANGUAGES, choose, t
from ..publish import cards
from ..text import labels
from ..text.spacing import evenly
from ..twin import STEPS, Report, Twin
from . import runtime, stopped, summary
from .display import (
    NOTHING,
    Shown,
    caption,
    esc,
    folded,
    interval,
    noted_table,
    number,
    sentence,
    size,
    table,
    title,
)
from .look import look

LEARNT = "background:rgba(40,160,80,.25)"
MASKED = "opacity:.55"
KINDS = {
    "qa": "ui.kind_qa",
    "raw": "ui.kind_raw",
    "identity": "ui.kind_identity",
    "abstain": "ui.kind_abstain",
}
_LONGEST = 600  # characters of an answer in a table
_BORDER = "border:1px solid rgba(128,128,128,.4);border-radius:6px"
_FRAME = f"width:100%;height:720px;{_BORDER};resize:vertical"
_PAGE = f"{_BORDER};padding:.5em 1.2em;max-height:44em;max-width:52em"
_PAGE += ";overflow:auto;overflow-wrap:anywhere"
# A table of a card scrolls by itself, and its words stay whole.
_CARD_TABLE = '<div style="overflow-x:auto;overflow-wrap:normal">{}</div>'


def kind_texts(kind: str) -> dict[str, str]:
    """The name of a kind of training row, as {language: text}."""
    return i18n.both(KINDS[kind]) if kind in KINDS else dict.fromkeys(i18n.LANGUAGES, kind)


def kind_name(kind: str) -> str:
    """The name of a kind of training row in the reader's language."""
    return choose(kind_texts(kind))


@look("corpus")
def words(twin: Twin, most: int = 30) -> Shown:
    """Texts, and characters kept and removed, by folder of the source; the largest `most`."""
    documents, removed = twin.records("documents"), dropped(twin)
    folder = _folders([d["source"] for d in documents] + [part["document"] for part in removed])
    texts, kept, aside = Counter(), Counter(), Counter()
    for document in documents:
        texts[folder(document["source"])] += 1
        kept[folder(document["source"])] += len(document["text"])
    for part in removed:
        aside[folder(part["document"])] += int(part["characters"])
    header = (
        t("ui.where_your_words_are"),
        t("ui.texts"),
        t("ui.characters_kept"),
        t("ui.put_aside"),
        t("ui.share_kept"),
    )
    rows = []
    for name, total in (kept + aside).most_common(most):
        counts = (texts[name], kept[name], aside[name])
        rows.append((name, *(f"{count:,}" for count in counts), f"{kept[name] / total:.0%}"))
    return folded(t("ui.where_your_words_are"), table(header, rows))


def _folders(sources: list[str]) -> Callable[[str], str]:
    """A function from a source to its top folder or archive; '*.md' for files without one."""

    def path_of(source):
        return source.split("#")[0].split("/")

    shared = len(os.path.commonprefix([path_of(source)[:-1] for source in sources]))

    def folder(source):
        path = path_of(source)[shared:]
        return f"{path[0]}/" if len(path) > 1 else f"*{PurePosixPath(path[-1]).suffix}"

    return folder


def dropped(twin: Twin) -> list[dict[str, str]]:
    """The lines of dropped.csv, labels in the reader's language; [] when there is no such file."""
    path = twin.file("dropped")
    if not path.exists():
        return []
    with open(path, encoding="utf-8", newline="") as file:
        lines = list(csv.DictReader(file))
    for line in lines:
        for column, names in (("reason", reasons.REASONS), ("what", reasons.KINDS)):
            key = key_of(line[column], names)
            line[column] = choose(names[key]) if key else line[column]
    return lines


def key_of(label: str, names: dict) -> str | None:
    """The key of a reason or kind, given its label in any language, as dropped.csv has it."""
    for key, texts in names.items():
        if label in (*texts.values(), " · ".join(texts.values())):
            return key
    return None


@look("corpus")
def rows(twin: Twin, several: int = 3) -> Shown:
    """How many passages, rows and questions there are, by use, and a few examples of each."""
    train, kinds, report = training_rows(twin), {}, twin.report("corpus")
    for row in train:
        kinds.setdefault(row["kind"], []).append(row)
    counts = i18n.listed(
        i18n.both("core.name_and_count", name=kind_texts(kind), count=len(rows))
        for kind, rows in kinds.items()
    )
    lines = [
        (kind_name(kind), turn(row, "user"), cut(turn(row, "assistant")))
        for kind, rows in kinds.items()
        for row in evenly(rows, several if kind == "qa" else 1)
    ]
    header = (t("ui.kind"), t("ui.reader_asks"), t("ui.your_own_words"))
    watching = len(twin.records("val"))
    said = [
        t("ui.rows_to_learn_from", count=len(train), counts=counts),
        t("ui.rows_learnt_and_watching", learnt=len(train) - watching, watching=watching),
    ]
    return _passages_and_questions(report, said) + noted_table(header, lines)


def _passages_and_questions(report, rows):
    """The sentences on the rows, between those on passages and on who wrote the questions."""
    figures = report.figures if report else {}
    passages, asked = (figures.get(name, {}) for name in ("passages", "asked_by"))
    lines = [choose(i18n.listed(rows, "core.sentence_separator"))]
    if uses := choose(labels.note(passages)):
        lines.insert(0, t("ui.passages_and_uses", passages=passages["value"], uses=uses))
    if "written" in asked:  # not in reports of older versions
        lines.append(choose(labels.note(asked)))
    return sum(map(caption, lines), NOTHING)


def training_rows(twin: Twin) -> list[dict]:
    """The rows that training uses: those it learns from and the few that tell it when to stop."""
    return [row for split in ("train", "val") for row in twin.records(split)]


def turn(row: dict, role: str) -> str:
    """The last message of a role in a training row; '' when there is none."""
    messages = [message["content"] for message in row["messages"] if message["role"] == role]
    return messages[-1] if messages else ""


def cut(text: str) -> str:
    """A text cut to the length that a table shows."""
    return text if len(text) <= _LONGEST else text[:_LONGEST] + " …"


def _samples(twin, kind):
    if not twin.file("samples").exists():
        return []
    return [record for record in twin.records("samples") if record.get("kind") == kind]


@look("persona")
def learnt(twin: Twin) -> Shown:
    """One decoded training row: learnt tokens green, tokens that are only read pale."""
    samples = _samples(twin, "learnt")
    if not samples:
        return NOTHING
    spans, plain = "", ""
    for token in samples[0]["tokens"]:
        style = LEARNT if token["learnt"] else MASKED
        spans += f'<span style="{style}">{esc(token["text"])}</span>'
        plain += f"[{token['text']}]" if token["learnt"] else token["text"]
    html = f'<div style="white-space:pre-wrap;line-height:1.6">{spans}</div>'
    return Shown(html, plain) + caption(t("ui.learnt_sample"))


@look("persona")
def before_after(twin: Twin) -> Shown:
    """Answers to held-out questions before and after training, and what the author wrote."""
    answers = {}
    for record in _samples(twin, "answer"):
        page = answers.setdefault(record["question"], {"author": record.get("author", "")})
        page[record["when"]] = record["text"]
    asked = t("ui.question_never_trained_on")
    header = (asked, t("ui.before"), t("ui.after"), real_name(twin.author))
    lines = [
        (question, *(cut(page.get(name, "")) for name in ("before", "after", "author")))
        for question, page in answers.items()
    ]
    if not lines:  # training was spread over several GPUs, or nothing was held out to ask about
        said = summary.shown(twin, "persona")
        return said + sentence(t("ui.no_answers_asked")) if said.html else NOTHING
    heading = title(asked)
    blocks = "".join(_side_by_side(header[1:], *line) for line in lines)
    shown = Shown(heading.html + blocks, table(header, lines).text)
    return summary.shown(twin, "persona") + shown


def _side_by_side(names, question, *texts):
    """HTML of a question and texts under it, side by side where there is room for them."""
    blocks = "".join(
        f'<div style="flex:1 1 15em;min-width:0"><div style="opacity:.7">{esc(name)}</div>'
        f'<div style="white-space:pre-wrap">{esc(text)}</div></div>'
        for name, text in zip(names, texts)
    )
    return (
        f'<div style="margin:.8em 0 .2em"><b>{esc(question)}</b></div>'
        f'<div style="display:flex;flex-wrap:wrap;gap:.4em 1.5em;max-width:70em">{blocks}</div>'
    )


@look("reasoning")
def practised(twin: Twin, several: int = 3) -> Shown:
    """Held-out problems with the answers before and after practice; those that changed first."""
    records = twin.records("solutions") if twin.file("solutions").exists() else []
    problems = {}
    for record in records:
        problems.setdefault(record["id"], {})[record["when"]] = record
    pairs = [(p["before"], p["after"]) for p in problems.values() if len(p) == 2]
    if not pairs:
        return NOTHING
    # Better, then worse; of the others those that are still wrong, then those it could do before.
    pairs.sort(key=lambda pair: (not pair[1]["correct"], bool(pair[0]["correct"]), -_nearer(pair)))
    changed = [p for p in pairs if p[0]["correct"] != p[1]["correct"] or _nearer(p)]
    others = sorted((p for p in pairs if p not in changed), key=lambda p: bool(p[1]["correct"]))
    header = (
        t("ui.problem"),
        t("ui.right_answer"),
        t("ui.before_practice"),
        t("ui.after_practice"),
    )
    lines = [
        (old["question"], old["answer"], _marked(old), _marked(new))
        for old, new in [*changed, *others][:several]
    ]
    counts = {"shown": len(lines), "all": len(pairs), "changed": len(changed)}
    blocks = "".join(_side_by_side(header[1:], *line) for line in lines)
    shown = summary.shown(twin, "reasoning") + Shown(blocks, table(header, lines).text)
    return shown + caption(t("ui.problems_shown", **counts))


def _nearer(pair):
    """How much nearer an answer in prose came to the owner's."""
    before, after = (solution.get("near", 0.0) for solution in pair)
    return after - before


def _marked(solution):
    if solution["correct"] is None:
        return f"{solution.get('near', 0):.2f} · {cut(solution['text'])}"
    return ("✓ " if solution["correct"] else "✗ ") + cut(solution["text"])


def figures(of: Twin | Report | None, step: str = "") -> Shown:
    """A table of the figures of a twin's step: name, value, interval, sample size, note.

    Older notebooks give the report itself.
    """
    if isinstance(of, Twin):
        return look(step)(_figures_of_step)(of, step)
    return _figures_table(of)


def _figures_of_step(twin, step):
    report = twin.report(step)
    if not report:
        return NOTHING
    verdict = summary.shown(twin, step) if step == "memory" else NOTHING  # others have a picture
    return verdict + folded(t("ui.all_figures"), _figures_table(report))


def _figures_table(report):
    header = (t("ui.figure"), t("ui.value"), t("ui.interval"), "n", t("ui.note"))
    return noted_table(header, figure_rows(report))


def figure_rows(report: Report | None) -> list[tuple]:
    """(label, value, interval, n, note) of a report's figures, without the verdict on them."""
    return [
        (
            choose(labels.figure(name, report.step)),
            number(figure.get("value")),
            interval(figure),
            number(figure.get("n")),
            _judged(figure),
        )
        for name, figure in (report.figures if report else {}).items()
        if name != "verdict"
    ]


def _judged(figure):
    """A figure's note, which begins with the word for its level."""
    note, word = choose(labels.note(figure)), choose(labels.rating(figure))
    if not word or labels.level({"note": note}) == labels.level(figure):
        return note
    return t("core.label_and_help", label=word, help=note) if note else word


@look("evaluate")
def side_by_side(twin: Twin, several: int = 4) -> Shown:
    """A page of held-out questions with the answers of all variants and the author, in a frame.

    A terminal shows a table of the first `several` questions.
    """
    html = evaluate.reading_page(twin)
    if not html:
        return NOTHING
    pages = evaluate.side_by_side(twin)[:several]
    names = dict.fromkeys(name for page in pages for name in page)
    variants = [name for name in names if name not in ("question", "real")]
    titles = [choose(labels.variant(name)) for name in variants]
    header = (t("ui.question"), *titles, real_name(twin.author))
    lines = [
        (page["question"], *(cut(page.get(name, "")) for name in [*variants, "real"]))
        for page in pages
    ]
    # The sandbox keeps model-written text away from the notebook; the page's own script runs.
    frame = (
        f'<iframe sandbox="allow-scripts" srcdoc="{esc(html)}" '
        f'title="{esc(t("ui.side_by_side"))}" style="{_FRAME}"></iframe>'
    )
    page = caption(t("ui.side_by_side_page", path=twin.file("side_by_side")))
    return Shown(frame, table(header, lines).text) + page


@look("publish")
def uploads(twin: Twin) -> Shown:
    """A table of the files that would be uploaded, with their local paths, or deleted."""
    files = twin.records("uploads") if twin.file("uploads").exists() else []
    if not files:
        return NOTHING
    header = (t("ui.repository"), t("ui.file"), t("ui.size"), t("ui.local_path"))
    lines = [
        (f["repository"], f["file"], t("publish.deleted"), "")
        if f.get("deleted")
        else (f["repository"], f["file"], size(f["bytes"]), f["path"])
        for f in files
    ]
    shown = noted_table(header, lines) + caption(t("ui.look_at_uploads", path=twin.path))
    return folded(t("ui.all_files", count=len(files)), shown)


@look("publish")
def card(twin: Twin) -> Shown:
    """The model card that would be uploaded, as readers will see it; a terminal shows its text."""
    paths = (twin.upload(cards.repository(twin.plain_name, kind)) for kind in ("gguf", "adapter"))
    path = next((folder / "README.md" for folder in paths if (folder / "README.md").exists()), None)
    if path is None:
        return NOTHING
    text = path.read_text(encoding="utf-8")
    html = rendered(text, [twin.file(f"score_card_{code}") for code in LANGUAGES])
    page = Shown(f'<div style="{_PAGE}">{html}</div>', text)
    return summary.shown(twin, "publish") + page


def rendered(card: str, pictures: Iterable[Path]) -> str:
    """The HTML of a model card without its metadata, with its pictures in it.

    Of HTML that stands in it only <details> and <summary> work; the rest stays text.
    """
    from markdown_it import MarkdownIt

    body = re.sub(r"\A---\n.*?\n---\n", "", card, flags=re.DOTALL)
    html = MarkdownIt("commonmark", {"html": False}).enable("table").render(body)
    html = re.sub(
        r"<p>&lt;details&gt;\s*&lt;summary&gt;(.*?)&lt;/summary&gt;</p>",
        r"<details><summary>\1</summary>",
        html,
    ).replace("<p>&lt;/details&gt;</p>", "</details>")
    html = re.sub(r"<table>.*?</table>", lambda m: _CARD_TABLE.format(m[0]), html, flags=re.DOTALL)
    html = html.replace("<blockquote>", '<blockquote style="margin-left:.5em;margin-right:0">')
    for path in filter(Path.exists, pictures):
        code = base64.b64encode(path.read_bytes()).decode()
        html = html.replace(
            f'src="{path.name}"', f'style="max-width:100%" src="data:image/png;base64,{code}"'
        )
    return html


def steps(twin: Twin) -> Shown:
    """A table of the steps' states, with the reason why one is not done, or since when it runs."""
    names = {
        "done": t("ui.done"),
        "stale": t("ui.out_of_date"),
        "missing": t("ui.not_yet"),
        "broken": t("ui.damaged"),
    }
    lines, run = [], running.current(twin)
    for position, step in enumerate(STEPS, 1):
        state = twin.state(step)
        cells = stopped.cells(twin, step) or (names[state.name], state.why)
        if run and run.step == step:
            cells = choose(running.state(twin, run)), choose(running.details(twin, run))
        lines.append((f"{position:02} {choose(labels.step(step))}", *cells))
    header = (t("ui.step_column"), t("ui.state"), t("ui.why"))
    html = noted_table((*header[:2], ""), lines).html  # a reason needs no heading
    return Shown(html, table(header, lines).text)


def saved(twin: Twin, step: str, following: str = "") -> Shown:
    """A line with the folder of a step's result, and one with the next notebook.

    After 02 a base that is too small to gain by practice is sent on to 04.
    """
    done = twin.state(step).name == "done"
    text = t("ui.saved_in", path=twin.folder(step)) if done else t("ui.not_finished")
    if step == "persona" and summary.is_too_small_to_reason(twin):
        following = "04_quantize"
    return caption(text) + (_next(following) if following else NOTHING)


def _next(notebook):
    """A line with a link to a notebook, as the front end opens it."""
    name = f"{notebook[:2]} · {choose(labels.step(STEPS[int(notebook[:2]) - 1]))}"
    url = esc(runtime.notebook_url(notebook))
    link = f'{esc(t("ui.next_notebook"))}<a href="{url}" target="_blank">{esc(name)}</a>'
    line = f'<div style="margin:.8em 0 .2em;font-weight:bold">{link}</div>'
    return Shown(line, t("ui.next_notebook") + name)
