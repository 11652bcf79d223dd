"""The form in which the owner reads the training rows, and approves, edits or drops them.

Approvals are kept as decisions like edits and drops; every text of the corpus is escaped.
"""

import random
from collections import Counter

import ipywidgets as widgets

from ..i18n import t
from ..twin import Twin
from .decision_log import START, DecisionLog, reminder
from .display import caption, esc, sentence
from .tables import kind_name, turn
from .widgets import ALL, button, dropdown, framed_text, html, line, show

STATES = {"approve": "ui.approved", "edit": "ui.edited", "drop": "ui.dropped", "": "ui.reviewed"}
_LEVELS = {"approve": "good", "edit": "good", "drop": "stop", "": "note"}
# Who asked the question of a row.
SOURCES = {
    "title": "ui.your_title",
    "heading": "ui.your_heading",
    "local": "ui.local_model",
    "endpoint": "ui.a_service",
    "reader": "ui.a_reader",
    "owner": "ui.yourself",
}
_QUESTION = '<div style="font-weight:bold;white-space:pre-wrap;margin:.3em 0">{}</div>'


class Rows(widgets.VBox):
    """The training and validation rows, one at a time."""

    def __init__(self, twin: Twin):
        self.decisions, self.titles = DecisionLog(twin), _titles(twin)
        self.rows = {row["id"]: row for split in ("train", "val") for row in twin.records(split)}
        self._add_dropped()
        self.order, self.position = list(self.rows), 0
        self.filters, self.moves = self._make_filters(), self._make_moves()
        self.acts, self.editor = self._make_acts(), self._make_editor()
        self.progress, self.head, self.reading, self.foot = (html() for _ in range(4))
        super().__init__(
            [
                self.progress,
                self.filters,
                self.head,
                self.reading,
                self.editor,
                self.acts,
                self.moves,
                self.foot,
            ]
        )
        self._filter()

    def _add_dropped(self):
        """Add the rows dropped before an earlier run, so that they can be taken back."""
        for name in self.decisions.by_id:
            was = self.decisions.of(name).get("was")
            if name not in self.rows and self.decisions.action(name) == "drop" and was:
                self.rows[name] = {**was, "id": name, "gone": True}

    def _make_filters(self):
        everything = (t("ui.everything"), ALL)

        def counted(key, name_of):
            counts = Counter(row[key] for row in self.rows.values()).most_common()
            return [
                everything,
                *((f"{name_of(value)} ({count:,})", value) for value, count in counts),
            ]

        states = [(t(STATES[state]), state) for state in ("", "approve", "edit", "drop")]
        self.kind = dropdown(t("ui.kind"), counted("kind", kind_name), self._filter)
        self.source = dropdown(t("ui.question_from"), counted("source", source_name), self._filter)
        self.state = dropdown(t("ui.state"), [everything, *states], self._filter)
        self.shuffled = widgets.Checkbox(
            False,
            description=t("ui.in_random_order"),
            indent=False,
            layout=widgets.Layout(width="auto"),
        )
        self.shuffled.observe(self._filter, "value")
        return line(self.kind, self.source, self.state, self.shuffled)

    def _make_editor(self):
        wide = widgets.Layout(width="auto")
        self.question = widgets.Textarea(rows=2, layout=wide)
        self.asking = widgets.VBox([html(t("ui.question")), self.question])
        self.answer = widgets.Textarea(rows=12, layout=widgets.Layout(width="auto"))
        self.wrong = html()
        save = button(t("ui.save"), self.save, button_style="primary")
        buttons = line(save, button(t("ui.cancel"), self._draw))
        return widgets.VBox([self.asking, html(t("ui.answer")), self.answer, self.wrong, buttons])

    def _make_acts(self):
        self.undo = button(t("ui.undo_last"), self.take_back)
        self.clear = button(t("ui.not_reviewed_after_all"), self.undecide)
        return line(
            button(t("ui.approve"), self.approve),
            button(t("ui.edit"), self.edit),
            button(t("ui.drop"), self.drop),
            self.undo,
            self.clear,
        )

    def _make_moves(self):
        self.back = button(f"◀ {t('ui.previous_row')}", lambda: self.go(self.position - 1))
        self.on = button(f"{t('ui.next_row')} ▶", lambda: self.go(self.position + 1))
        self.jump = button(t("ui.next_not_reviewed"), self.next_open)
        return line(self.back, self.on, self.jump)

    @property
    def row(self) -> dict | None:
        """The row on screen."""
        return self.rows[self.order[self.position]] if self.order else None

    def _filter(self, change=None):
        self.order = [
            name
            for name, row in self.rows.items()
            if self.kind.value in (ALL, row["kind"])
            and self.source.value in (ALL, row["source"])
            and self.state.value in (ALL, self._state(name))
        ]
        if self.shuffled.value:
            random.shuffle(self.order)
        self.go(0)

    def _state(self, name):
        action = self.decisions.action(name)
        return action if action in STATES else ""

    def go(self, position: int) -> None:
        """Show the row at a position of the list."""
        self.position = max(0, min(position, len(self.order) - 1))
        self._draw()

    def next_open(self) -> None:
        """Show the next row without a decision, from here on and then from the start."""
        positions = [*range(self.position + 1, len(self.order)), *range(self.position)]
        undecided = (p for p in positions if not self._state(self.order[p]))
        self.go(next(undecided, self.position))

    def approve(self) -> None:
        """Approve the row; an edited one stays edited, a dropped one comes back."""
        edited = "text" in self.decisions.of(self.row["id"])
        self.decisions.decide(self.row["id"], action="edit" if edited else "approve")
        self.go(self.position + 1)

    def drop(self) -> None:
        row, (question, answer) = self.row, self.words(self.row)
        was = {key: row[key] for key in ("kind", "source", "split", "passage")}
        was["messages"] = [
            {"role": "user", "content": question},
            {"role": "assistant", "content": answer[:START]},
        ]
        self.decisions.decide(row["id"], action="drop", was=row if row.get("gone") else was)
        self.go(self.position + 1)

    def edit(self) -> None:
        """Open the boxes; nothing else can be pressed until they are closed."""
        self.question.value, self.answer.value = self.words(self.row)
        self._show(editing=True)

    def save(self) -> None:
        """Keep the boxes as an edit, unless nothing changed; an empty box is refused."""
        question, answer = self.question.value.strip(), self.answer.value.strip()
        asks = bool(self.words(self.row)[0])
        if not answer or asks and not question:
            self.wrong.value = sentence(t("ui.empty_box"), "stop").html
            return
        if (question, answer) != self.words(self.row):
            asked = {"question": question} if asks else {}
            self.decisions.decide(self.row["id"], action="edit", **asked, text=answer)
        self._draw()

    def take_back(self) -> None:
        """Undo the last decision of this sitting, and show the row it was about."""
        name = self.decisions.undo()
        self.go(self.order.index(name) if name in self.order else self.position)

    def undecide(self) -> None:
        self.decisions.clear(self.row["id"])
        self._draw()

    def words(self, row: dict) -> tuple[str, str]:
        """(question, answer) of a row with the owner's edits; the question may be ''."""
        edited = self.decisions.of(row["id"])
        return (
            edited.get("question") or turn(row, "user"),
            edited.get("text") or turn(row, "assistant"),
        )

    def _show(self, editing=False):
        self.wrong.value = ""
        show(self.editor, editing)
        for widget in (self.reading, self.acts, self.moves, self.filters):
            show(widget, not editing)
        show(self.asking, bool(self.row and self.words(self.row)[0]))

    def _draw(self):
        self._show()
        states = Counter(map(self._state, self.rows))
        self.progress.value = caption(self._progress(states)).html
        self.foot.value = reminder(sum(map(self._waits, self.rows.values())))
        self.head.value = self._head() if self.order else ""
        self.reading.value = self._reading() if self.order else caption(t("ui.no_such_row")).html
        self.undo.disabled = not self.decisions.past
        self.back.disabled = self.position == 0
        self.on.disabled = self.position >= len(self.order) - 1
        self.jump.disabled = not states[""]
        for act in self.acts.children[:3]:
            act.disabled = not self.order
        show(self.clear, bool(self.order and self._state(self.row["id"])))

    def _progress(self, states):
        counts = {"all": len(self.rows), "reviewed": len(self.rows) - states[""]}
        counts |= {state: states[state] for state in ("approve", "edit", "drop")}
        return t("ui.rows_reviewed", **counts)

    def _waits(self, row):
        """Whether the decision about a row is not yet applied."""
        state = self._state(row["id"])
        if (state == "drop") != row.get("gone", False):
            return True
        return state == "edit" and self.words(row) != (turn(row, "user"), turn(row, "assistant"))

    def _head(self):
        row, state = self.row, self._state(self.row["id"])
        about = [
            f"{self.position + 1:,} / {len(self.order):,}",
            kind_name(row["kind"]),
            source_name(row["source"]),
            self.titles.get(row["passage"], ""),
            t(STATES[state]),
        ]
        return sentence(" · ".join(filter(None, about)), _LEVELS[state]).html

    def _reading(self):
        question, answer = self.words(self.row)
        turns = [m["content"] for m in self.row["messages"] if m["role"] != "system"][:-2]
        before = caption(t("ui.said_before")).html + framed_text("\n".join(turns), "6em")
        asked = _QUESTION.format(esc(question))
        return (before if turns else "") + asked + framed_text(answer, "22em")


def source_name(source: str) -> str:
    return t(SOURCES[source]) if source in SOURCES else source


def _titles(twin):
    """{passage id: title of its document}."""
    titles = {document["id"]: document["title"] for document in twin.records("documents")}
    return {
        passage["id"]: titles.get(passage["document"], "") for passage in twin.records("passages")
    }
