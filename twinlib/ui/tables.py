"""Evidence to read: where the words are, what is learnt, answers before and after and side by side, what would be
uploaded."""

import csv
import os
from collections import Counter
from pathlib import PurePosixPath

from ..evaluate import step as evaluate
from ..evaluate.side_by_side import real_name, row_name
from ..i18n import choose, t
from ..publish import cards
from ..text import labels
from ..twin import STEPS
from .display import NOTHING, Shown, caption, esc, interval, number, size, table, title

LEARNT = "background:rgba(40,160,80,.25)"
MASKED = "opacity:.55"
LONGEST = 600  # characters of an answer in a table
FRAME = "width:100%;height:720px;border:1px solid rgba(128,128,128,.4);border-radius:6px;resize:vertical"
ROW_KINDS = {
    "qa": ("question and answer", "问答"),
    "raw": ("plain text", "原文"),
    "identity": ("who it is", "身份"),
    "abstain": ("never wrote about it", "没写过的事"),
}


def kind_name(kind):
    """A kind of row in the reader's language."""
    return t(*ROW_KINDS.get(kind, (kind, kind)))


def words(twin, most=30):
    """Where the author's words are: characters kept and put aside in each folder or file of the source."""
    texts, kept, aside = Counter(), Counter(), Counter()
    places = _places(twin)
    for document in twin.records("documents"):
        texts[places(document["source"])] += 1
        kept[places(document["source"])] += len(document["text"])
    for part in dropped(twin):
        aside[places(part["document"])] += int(part["characters"])
    names = sorted(kept | aside, key=lambda name: -kept[name] - aside[name])[:most]
    header = (
        t("ui.where_words"),
        t("ui.texts"),
        t("ui.characters_kept"),
        t("ui.put_aside"),
        t("ui.share_kept"),
    )
    return table(
        header,
        [
            (
                name,
                f"{texts[name]:,}",
                f"{kept[name]:,}",
                f"{aside[name]:,}",
                f"{kept[name] / max(kept[name] + aside[name], 1):.0%}",
            )
            for name in names
        ],
    )


def _places(twin):
    """A function from a source path to where it is: the first folder or archive in which the sources differ, or
    '*.md' for files that lie side by side."""
    sources = [record["source"] for record in twin.records("documents")] + [
        part["document"] for part in dropped(twin)
    ]
    shared = len(os.path.commonprefix([_path(source)[:-1] for source in sources]))

    def place(source):
        path = _path(source)[shared:]
        return f"{path[0]}/" if len(path) > 1 else f"*{PurePosixPath(path[-1]).suffix}"

    return place


def _path(source):
    return source.split("#")[0].split("/")


def dropped(twin):
    """The lines of dropped.csv as dicts, [] when there is no such file."""
    path = twin.file("dropped")
    if not path.exists():
        return []
    with open(path, encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def rows(twin, several=3):
    """A few training rows of each kind, taken from the whole corpus, and how many there are."""
    train = twin.records("train")
    kinds = {}
    for row in train:
        kinds.setdefault(row["kind"], []).append(row)
    counts = ", ".join(f"{kind_name(kind)} {len(found)}" for kind, found in kinds.items())
    chosen = [
        row
        for kind, found in kinds.items()
        for row in _spread(found, several if kind == "qa" else 1)
    ]
    header = (t("ui.kind"), t("ui.reader_asks"), t("ui.answered_word_word"))
    said = [
        (kind_name(row["kind"]), turn(row, "user"), _cut(turn(row, "assistant"))) for row in chosen
    ]
    total = t("ui.rows_learn", train=len(train), counts=counts)
    return caption(total) + table(header, said)


def _spread(items, several):
    """So many items from all along a list."""
    return items[:: max(1, len(items) // several)][:several]


def turn(row, role):
    """What a role said last in a row; '' when it said nothing."""
    return next(
        (message["content"] for message in reversed(row["messages"]) if message["role"] == role), ""
    )


def _cut(text):
    return text if len(text) <= LONGEST else text[:LONGEST] + " …"


def _samples(twin, kind):
    if not twin.file("samples").exists():
        return []
    return [record for record in twin.records("samples") if record.get("kind") == kind]


def learnt(twin):
    """One decoded training row: what the model learns to write is green, what it only reads is pale."""
    samples = _samples(twin, "learnt")
    if not samples:
        return NOTHING
    tokens = samples[0]["tokens"]
    spans = "".join(
        f'<span style="{LEARNT if token["learnt"] else MASKED}">{esc(token["text"])}</span>'
        for token in tokens
    )
    plain = "".join(f"[{token['text']}]" if token["learnt"] else token["text"] for token in tokens)
    return Shown(
        f'<div style="white-space:pre-wrap;line-height:1.6">{spans}</div>', plain
    ) + caption(t("ui.green_learnt_pale_only_read"))


def before_after(twin):
    """Answers to held-out questions before and after training, and what the author really wrote."""
    answers = {}
    for record in _samples(twin, "answer"):
        page = answers.setdefault(record["question"], {"author": record.get("author", "")})
        page[record["when"]] = record["text"]
    header = (t("ui.question_never_trained"), t("ui.before"), t("ui.after"), real_name(twin.author))
    return table(
        header,
        [
            (question, *(_cut(said.get(name, "")) for name in ("before", "after", "author")))
            for question, said in answers.items()
        ],
    )


def figures(report):
    """A report's figures: name, value, interval, sample size, and what to make of it."""
    header = (t("ui.figure"), t("ui.value"), t("ui.95_interval"), "n", t("ui.note"))
    return table(
        header,
        [
            (
                choose(labels.figure(name, report.step)),
                number(figure.get("value")),
                interval(figure),
                number(figure.get("n")),
                figure.get("note", ""),
            )
            for name, figure in (report.figures if report else {}).items()
        ],
    )


def side_by_side(twin, several=4):
    """The page to read, in a frame of its own: held-out questions, every row's answer and what the author really wrote.

    A terminal gets a table of the first few.
    """
    html = evaluate.reading_page(twin)
    if not html:
        return NOTHING
    pages = evaluate.side_by_side(twin)[:several]
    names = list(
        dict.fromkeys(name for page in pages for name in page if name not in ("question", "real"))
    )
    header = (t("ui.question"), *map(row_name, names), real_name(twin.author))
    lines = [
        (page["question"], *(_cut(page.get(name, "")) for name in [*names, "real"]))
        for page in pages
    ]
    # A model wrote what is inside: it may run the page's own script and reach nothing of the notebook.
    frame = (
        f'<iframe sandbox="allow-scripts" srcdoc="{esc(html)}" title="{esc(t("ui.side_side"))}" '
        f'style="{FRAME}"></iframe>'
    )
    return Shown(frame, table(header, lines).text) + caption(
        t("ui.same_page_lies_open_browser", twin=twin.file("side_by_side"))
    )


def uploads(twin):
    """Every file that would be uploaded, by repository, and where it lies now."""
    listed = twin.records("uploads") if twin.file("uploads").exists() else []
    header = (t("ui.repository"), t("ui.file"), t("ui.size"), t("ui.lies"))
    return table(
        header,
        [(one["repository"], one["file"], size(one["bytes"]), one["path"]) for one in listed],
    ) + caption(t("ui.look_them", path=twin.path))


def card(twin):
    """The model card that would be uploaded, as text."""
    path = twin.upload(cards.repository(twin.name, "gguf")) / "README.md"
    text = path.read_text(encoding="utf-8") if path.exists() else ""
    return Shown(
        f'<pre style="white-space:pre-wrap;max-height:24em;overflow:auto">{esc(text)}</pre>', text
    )


def steps(twin):
    """How each step of the twin stands."""
    names = {
        "done": t("ui.done"),
        "stale": t("ui.out_date"),
        "missing": t("ui.yet"),
        "broken": t("ui.damaged"),
    }
    states = [(step, twin.state(step)) for step in STEPS]
    header = (t("ui.step_2"), t("ui.state"), t("ui.why"))
    return table(
        header,
        [
            (f"{place:02} {choose(labels.step(step))}", names[state.name], state.why)
            for place, (step, state) in enumerate(states, 1)
        ],
    )


def saved(twin, step, following=""):
    """Where a step's result lies and what comes next."""
    state = twin.state(step)
    lines = (
        caption(t("ui.saved_2", step=twin.folder(step)))
        if state.name == "done"
        else caption(t("ui.finished_yet_run_cell_above"))
    )
    return lines + (title(t("ui.next_3") + following) if following else NOTHING)
