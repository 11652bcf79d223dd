"""The form in which the owner reads the training rows, and approves, edits or drops them.

Approvals are saved as decisions like edits and drops. Every text of the corpus is escaped.
"""

import random
from collections import Counter

import ipywidgets as widgets

from ..i18n import t
from ..twin import Twin
from .decision_log import START, DecisionLog, reminder
from .display import caption, esc, sentence
from .tables import kind_name, training_rows, turn
from .widgets import ALL, button, dropdown, framed_text, html, line, show

STATES = {
    "approve": "ui.approved",
    "edit": "ui.edited",
    "drop": "ui.dropped",
    "": "ui.not_reviewed",
}
_LEVELS = {"approve": "good", "edit": "good", "drop": "stop", "": "note"}
# Who asked the question of a row.
SOURCES = {
    "title": "ui.source_title",
    "heading": "ui.source_heading",
    "short": "ui.source_short",
    "local": "ui.source_local_model",
    "endpoint": "ui.source_service",
    "reader": "ui.source_reader",
    "owner": "ui.source_owner",
}
_QUESTION = '<div style="font-weight:bold;white-space:pre-wrap;margin:.3em 0">{}</div>'


class Rows(widgets.VBox):
    """The training and validation rows, one at a time."""

    def __init__(self, twin: Twin):
        self.decisions, self.titles = DecisionLog(twin), _titles(twin)
        self.rows = {row["id"]: row for row in training_rows(twin)}
        self._add_dropped()
        self.order, self.position = list(self.rows), 0
        self.filters, self.moves = self._make_filters(), self._make_moves()
        self.acts, self.editor = self._make_acts(), self._make_editor()
        self.progress, self.head, self.reading, self.foot = (html() for _ in range(4))
        top = [self.progress, self.filters, self.head]
        super().__init__([*top, self.reading, self.editor, self.acts, self.moves, self.foot])
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
            options = [(f"{name_of(value)} ({count:,})", value) for value, count in counts]
            return [everything, *options]

        states = [(t(STATES[state]), state) for state in ("", "approve", "edit", "drop")]
        self.kind = dropdown(t("ui.kind"), counted("kind", kind_name), self._filter)
        self.source = dropdown(t("ui.question_from"), counted("source", source_name), self._filter)
        self.state = dropdown(t("ui.state"), [everything, *states], self._filter)
        text, layout = t("ui.in_random_order"), widgets.Layout(width="auto")
        self.shuffled = widgets.Checkbox(False, description=text, indent=False, layout=layout)
        self.shuffled.observe(self._filter, "value")
        return line(self.kind, self.source, self.state, self.shuffled)

    def _make_editor(self):
        self.question = widgets.Textarea(rows=2, layout=widgets.Layout(width="auto"))
        self.asking = widgets.VBox([html(t("ui.question")), self.question])
        self.answer = widgets.Textarea(rows=12, layout=widgets.Layout(width="auto"))
        self.wrong = html()
        save = button(t("ui.save"), self.save, button_style="primary")
        buttons = line(save, button(t("ui.cancel"), self._draw))
        return widgets.VBox([self.asking, html(t("ui.answer")), self.answer, self.wrong, buttons])

    def _make_acts(self):
        self.undo = button(t("ui.undo_last"), self.take_back)
        self.clear = button(t("ui.undo_review"), self.undecide)
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
        """Show the row at a position of the filtered list."""
        self.position = max(0, min(position, len(self.order) - 1))
        self._draw()

    def next_open(self) -> None:
        """Show the next row without a decision; after the last row the search starts over."""
        positions = [*range(self.position + 1, len(self.order)), *range(self.position)]
        undecided = (p for p in positions if not self._state(self.order[p]))
        self.go(next(undecided, self.position))

    def approve(self) -> None:
        """Approve the row; an edited one stays edited, a dropped one comes back."""
        edited = "text" in self.decisions.of(self.row["id"])
        self.decisions.decide(self.row["id"], action="edit" if edited else "approve")
        self.go(self.position + 1)

    def drop(self) -> None:
        """Drop the row; the decision keeps enough of it to show it again."""
        row, (question, answer) = self.row, self.texts(self.row)
        was = {key: row[key] for key in ("kind", "source", "split", "passage")}
        was["messages"] = [
            {"role": "user", "content": question},
            {"role": "assistant", "content": answer[:START]},
        ]
        self.decisions.decide(row["id"], action="drop", was=row if row.get("gone") else was)
        self.go(self.position + 1)

    def edit(self) -> None:
        """Open the boxes to edit the row; all other buttons are hidden until they are closed."""
        self.question.value, self.answer.value = self.texts(self.row)
        self._show(editing=True)

    def save(self) -> None:
        """Save the boxes as an edit, unless nothing changed; an empty box is refused."""
        question, answer = self.question.value.strip(), self.answer.value.strip()
        asks = bool(self.texts(self.row)[0])
        if not answer or asks and not question:
            self.wrong.value = sentence(t("ui.empty_box"), "stop").html
            return
        if (question, answer) != self.texts(self.row):
            asked = {"question": question} if asks else {}
            self.decisions.decide(self.row["id"], action="edit", **asked, text=answer)
        self._draw()

    def take_back(self) -> None:
        """Undo the last decision of this session, and show its row."""
        name = self.decisions.undo()
        self.go(self.order.index(name) if name in self.order else self.position)

    def undecide(self) -> None:
        """Leave the row without a decision."""
        self.decisions.clear(self.row["id"])
        self._draw()

    def texts(self, row: dict) -> tuple[str, str]:
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
        show(self.asking, bool(self.row and self.texts(self.row)[0]))

    def _draw(self):
        self._show()
        states = Counter(map(self._state, self.rows))
        self.progress.value = caption(self._progress(states)).html
        self.foot.value = reminder(sum(map(self._is_pending, self.rows.values())))
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

    def _is_pending(self, row):
        """Whether the decision about a row is not applied yet."""
        state = self._state(row["id"])
        if (state == "drop") != row.get("gone", False):
            return True
        return state == "edit" and self.texts(row) != (turn(row, "user"), turn(row, "assistant"))

    def _head(self):
        row, state = self.row, self._state(self.row["id"])
        parts = [
            f"{self.position + 1:,} / {len(self.order):,}",
            kind_name(row["kind"]),
            source_name(row["source"]),
            self.titles.get(row["passage"], ""),
            t(STATES[state]),
        ]
        return sentence(" · ".join(filter(None, parts)), _LEVELS[state]).html

    def _reading(self):
        question, answer = self.texts(self.row)
        turns = [m["content"] for m in self.row["messages"] if m["role"] != "system"][:-2]
        before = caption(t("ui.earlier_turns")).html + framed_text("\n".join(turns), "6em")
        asked = _QUESTION.format(esc(question))
        return (before if turns else "") + asked + framed_text(answer, "22em")


def source_name(source: str) -> str:
    """Who asked the question of a row, in the reader's language."""
    return t(SOURCES[source]) if source in SOURCES else source


def _titles(twin):
    """{passage id: title of its document}."""
    titles = {document["id"]: document["title"] for document in twin.records("documents")}
    return {
        passage["id"]: titles.get(passage["document"], "") for passage in twin.records("passages")
    }
