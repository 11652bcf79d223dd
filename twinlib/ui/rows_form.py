"""The form in which the owner reads the rows to learn from, and approves, edits or drops them.

Approvals are kept as decisions like edits and drops; every text of the corpus is escaped.
"""

import random
from collections import Counter

import ipywidgets as widgets

from ..i18n import t
from . import decision_log
from .display import caption, esc, sentence
from .tables import kind_name, turn

STATES = {
    "approve": ("approved", "已认可"),
    "edit": ("edited", "已修改"),
    "drop": ("dropped", "已删掉"),
}
SOURCES = {
    "title": ("your title", "您的标题"),
    "heading": ("your heading", "您的小标题"),
    "local": ("a model on this machine", "本机的模型"),
    "endpoint": ("a service", "在线服务"),
    "reader": ("somebody who asked you", "问过您的人"),
    "owner": ("yourself, or a fixed sentence", "您自己，或固定的句子"),
}


class Rows(widgets.VBox):
    """One row at a time, from those that are learnt and those that say when to stop."""

    def __init__(self, twin):
        self.desk, self.titles = decision_log.Desk(twin), _titles(twin)
        self.rows = {row["id"]: row for split in ("train", "val") for row in twin.records(split)}
        for (
            name,
            decision,
        ) in self.desk.decided.items():  # dropped in an earlier run: to be taken back
            if (
                name not in self.rows
                and self.desk.action(name) == "drop"
                and "was" in self.desk.of(name)
            ):
                self.rows[name] = {**decision["was"], "id": name, "gone": True}
        self.order, self.at = list(self.rows), 0
        self._build()
        super().__init__(
            [
                self.says,
                self.filters,
                self.head,
                self.reading,
                self.writing,
                self.acts,
                self.moves,
                self.foot,
            ]
        )
        self._fill()

    def _build(self):
        rows = self.rows.values()
        kinds, sources = (
            Counter(row["kind"] for row in rows),
            Counter(row["source"] for row in rows),
        )
        everything = (t("ui.everything"), decision_log.ANY)
        self.kind = decision_log.choice(
            t("ui.kind"),
            [
                everything,
                *((f"{kind_name(kind)} ({count:,})", kind) for kind, count in kinds.most_common()),
            ],
            self._fill,
        )
        self.source = decision_log.choice(
            t("ui.question_2"),
            [
                everything,
                *(
                    (f"{source_name(source)} ({count:,})", source)
                    for source, count in sources.most_common()
                ),
            ],
            self._fill,
        )
        self.state = decision_log.choice(
            t("ui.state"),
            [
                everything,
                (t("ui.reviewed"), ""),
                *((state_name(state), state) for state in ("approve", "edit", "drop")),
            ],
            self._fill,
        )
        self.shuffled = widgets.Checkbox(
            False,
            description=t("ui.random_order"),
            indent=False,
            layout=widgets.Layout(width="auto"),
        )
        self.shuffled.observe(lambda _: self._fill(), "value")
        self.filters = decision_log.line(self.kind, self.source, self.state, self.shuffled)
        self.says, self.head, self.reading, self.foot = (decision_log.text() for _ in range(4))
        wide = widgets.Layout(width="auto")
        self.question, self.answer = (
            widgets.Textarea(rows=2, layout=wide),
            widgets.Textarea(rows=12, layout=wide),
        )
        self.asked, self.wrong = decision_log.text(t("ui.question_3")), decision_log.text()
        self.writing = widgets.VBox(
            [
                self.asked,
                self.question,
                decision_log.text(t("ui.answer")),
                self.answer,
                self.wrong,
                decision_log.line(
                    decision_log.button(t("ui.save"), self.save, button_style="primary"),
                    decision_log.button(t("ui.cancel"), self._draw),
                ),
            ]
        )
        self.undo = decision_log.button(t("ui.undo_last"), self.take_back)
        self.clear = decision_log.button(t("ui.reviewed_after_all"), self.undecide)
        self.acts = decision_log.line(
            decision_log.button(t("ui.approve"), self.approve),
            decision_log.button(t("ui.edit"), self.edit),
            decision_log.button(t("ui.drop"), self.drop),
            self.undo,
            self.clear,
        )
        self.back = decision_log.button(f"◀ {t('ui.back_3')}", lambda: self.go(self.at - 1))
        self.on = decision_log.button(f"{t('ui.next_2')} ▶", lambda: self.go(self.at + 1))
        self.jump = decision_log.button(t("ui.next_reviewed"), self.next_open)
        self.moves = decision_log.line(self.back, self.on, self.jump)

    @property
    def row(self):
        """The row on screen, or None."""
        return self.rows[self.order[self.at]] if self.order else None

    def _fill(self):
        self.order = [
            name
            for name, row in self.rows.items()
            if self.kind.value in (decision_log.ANY, row["kind"])
            and self.source.value in (decision_log.ANY, row["source"])
            and self.state.value in (decision_log.ANY, self._state(name))
        ]
        if self.shuffled.value:
            random.shuffle(self.order)
        self.go(0)

    def _state(self, name):
        action = self.desk.action(name)
        return action if action in STATES else ""

    def go(self, place):
        """Show the row at a place of the list."""
        self.at = max(0, min(place, len(self.order) - 1))
        self._draw()

    def next_open(self):
        """Show the next row that nobody has decided about, from here on and then from the start."""
        places = [*range(self.at + 1, len(self.order)), *range(self.at)]
        self.go(next((place for place in places if not self._state(self.order[place])), self.at))

    def approve(self):
        """An edited row is approved already; one that was dropped comes back."""
        edited = "text" in self.desk.of(self.row["id"])
        self.desk.decide(self.row["id"], action="edit" if edited else "approve")
        self.go(self.at + 1)

    def drop(self):
        row, (question, answer) = self.row, self.words(self.row)
        was = {
            "kind": row["kind"],
            "source": row["source"],
            "split": row["split"],
            "passage": row["passage"],
            "messages": [
                {"role": "user", "content": question},
                {"role": "assistant", "content": answer[: decision_log.START]},
            ],
        }
        self.desk.decide(row["id"], action="drop", was=row if row.get("gone") else was)
        self.go(self.at + 1)

    def edit(self):
        """Open the boxes; nothing else can be pressed until they are closed."""
        self.question.value, self.answer.value = self.words(self.row)
        self._show(writing=True)

    def save(self):
        """Keep the boxes as an edit, unless they say what the row says already or nothing at all."""
        question, answer = self.question.value.strip(), self.answer.value.strip()
        asks = bool(self.words(self.row)[0])
        if not answer or asks and not question:
            self.wrong.value = sentence(t("ui.nothing_learnt_empty_box_write"), "stop").html
            return
        if (question, answer) != self.words(self.row):
            self.desk.decide(
                self.row["id"],
                action="edit",
                **({"question": question} if asks else {}),
                text=answer,
            )
        self._draw()

    def take_back(self):
        """Undo the last decision of this sitting, and show the row it was about."""
        name = self.desk.undo()
        self.go(self.order.index(name) if name in self.order else self.at)

    def undecide(self):
        self.desk.forget(self.row["id"])
        self._draw()

    def words(self, row):
        """(question, answer) of a row as the owner left them; the question is '' where nothing is asked."""
        edited = self.desk.of(row["id"])
        question, answer = (
            edited.get("question") or turn(row, "user"),
            edited.get("text") or turn(row, "assistant"),
        )
        return question, answer

    def _show(self, writing=False):
        self.wrong.value = ""
        for widget, seen in (
            (self.writing, writing),
            (self.reading, not writing),
            (self.acts, not writing),
            (self.moves, not writing),
            (self.filters, not writing),
        ):
            decision_log.visible(widget, seen)
        asks = bool(self.row) and bool(self.words(self.row)[0])
        decision_log.visible(self.question, asks)
        decision_log.visible(self.asked, asks)

    def _draw(self):
        self._show()
        self.undo.disabled = not self.desk.past
        self.back.disabled, self.on.disabled = self.at == 0, self.at >= len(self.order) - 1
        for button in self.acts.children[:3]:
            button.disabled = not self.order
        states = Counter(map(self._state, self.rows))
        self.jump.disabled = not states[""]
        self.says.value = caption(
            t(
                "ui.reviewed_rows_approved_edited",
                rows=len(self.rows) - states[""],
                rows_2=len(self.rows),
                approve=states["approve"],
                edit=states["edit"],
                drop=states["drop"],
            )
        ).html
        self.foot.value = decision_log.again(sum(map(self._waits, self.rows.values())))
        decision_log.visible(self.clear, self.order and self._state(self.row["id"]))
        self.head.value, self.reading.value = (
            self._reading() if self.order else ("", caption(t("ui.no_row_like")).html)
        )

    def _waits(self, row):
        """Is there a decision about this row that the last run did not know?"""
        state = self._state(row["id"])
        if (state == "drop") == row.get("gone", False):
            return state == "edit" and self.words(row) != (
                turn(row, "user"),
                turn(row, "assistant"),
            )
        return True

    def _reading(self):
        row, (question, answer) = self.row, self.words(self.row)
        state = self._state(row["id"])
        about = [
            f"{self.at + 1:,} / {len(self.order):,}",
            kind_name(row["kind"]),
            source_name(row["source"]),
            self.titles.get(row["passage"], ""),
            state_name(state) if state else t("ui.reviewed"),
        ]
        level = {"approve": "good", "edit": "good", "drop": "stop"}.get(state, "note")
        said = [message["content"] for message in row["messages"] if message["role"] != "system"][
            :-2
        ]
        before = (
            caption(t("ui.said_before")).html + decision_log.content("\n".join(said), "6em")
            if said
            else ""
        )
        asked = f'<div style="font-weight:bold;white-space:pre-wrap;margin:.3em 0">{esc(question)}</div>'
        return sentence(
            " · ".join(filter(None, about)), level
        ).html, before + asked + decision_log.content(answer, "22em")


def state_name(state):
    return t(*STATES[state])


def source_name(source):
    return t(*SOURCES.get(source, (source, source)))


def _titles(twin):
    """{passage id: title of its document}."""
    titles = {document["id"]: document["title"] for document in twin.records("documents")}
    return {
        passage["id"]: titles.get(passage["document"], "") for passage in twin.records("passages")
    }
