"""Forms in which the owner looks at what step 01 found and decides: personal data, what was put aside, training rows.

A decision is written to decisions.json at once, can be taken back, and is applied by the next run of the step.
Every text of the corpus is escaped.
"""

from collections import Counter

import ipywidgets as widgets

from ..corpus.reasons import KINDS, REASONS
from ..files import TwinError
from ..i18n import t
from ..text import privacy
from . import decision_log as desk
from . import tables
from .display import caption, esc, sentence, title
from .rows_form import Rows

CHOSEN = ("whose", "columns")  # reasons that go away by what is chosen in another form
NAMES = "privacy names"  # the decision that holds the owner's list of private names
MASKED = ("keep", "mask")


def personal(twin):
    """Personal data by kind, with examples; masked unless the owner keeps it."""
    return Personal(twin)


def dropped(twin):
    """What was put aside and why, to bring back."""
    return Dropped(twin)


def rows(twin):
    """The rows to learn from, one at a time, to approve, edit or drop."""
    return Rows(twin)


# Personal data


class Personal(widgets.VBox):
    """Each kind with examples, masked unless the owner keeps it; each value can be told otherwise."""

    def __init__(self, twin):
        self.desk, self.kinds = desk.Desk(twin), {}
        self.masking = _settings(twin).get("mask", True)
        for record in twin.records("personal"):
            self.kinds.setdefault(record["kind"], []).append(record)
        self.says = {kind: desk.text() for kind in self.kinds}
        self.top, self.foot = desk.text(), desk.text()
        missed = desk.text(caption(t(*privacy.NOT_DETECTED)).html)
        super().__init__([self.top, *map(self._kind, self.kinds), self._names(), missed, self.foot])
        self._changed()

    def _kind(self, kind):
        records = self.kinds[kind]
        examples = "".join(_example(record, 1) for record in records[:3])
        labels = {"mask": t("ui.mask_them_all"), "keep": t("ui.keep_them_all")}
        choice = desk.Choice(self.desk, f"privacy {kind}", labels, self._changed)
        pages = desk.Pages(self._value, 8)
        values = widgets.Accordion(
            [pages], selected_index=None, layout=widgets.Layout(width="auto")
        )
        values.set_title(0, t("ui.one_one", records=len(records)))
        values.observe(lambda change: pages.items or pages.fill(records), "selected_index")
        return widgets.VBox(
            [self.says[kind], desk.text(examples), choice, values],
            layout=widgets.Layout(margin="0 0 1.2em 0"),
        )

    def _value(self, record):
        labels, count = {"mask": t("ui.mask"), "keep": t("ui.keep")}, record["count"]
        choice = desk.Choice(self.desk, record["id"], labels, self._changed)
        times = t(f"{count} times" if count > 1 else "once", f"{count} 次")
        return widgets.VBox(
            [desk.text(_example(record, 3)), desk.line(choice, desk.text(caption(times).html))],
            layout=widgets.Layout(margin="0 0 .8em 0"),
        )

    def _by(self, record):
        """The id of what decides about a value: itself, or its kind."""
        return (
            record["id"]
            if self.desk.action(record["id"]) in MASKED
            else f"privacy {record['kind']}"
        )

    def masked(self, record):
        """Will the next run mask this value? Its own decision counts first, then its kind's; else it is masked."""
        return self.masking and self.desk.action(self._by(record)) != "keep"

    def _names(self):
        self.names = widgets.Text(
            placeholder=t("ui.names_separated_commas"),
            value=str(self.desk.of(NAMES).get("text", "")),
            continuous_update=False,
            layout=widgets.Layout(width="auto", flex="1 1 14em"),
        )
        keep = desk.button(t("ui.mask_these_names"), self._keep_names)
        self.kept_names = desk.text()
        says = t("ui.names_people_who_want_here")
        return widgets.VBox(
            [
                desk.text(title(t("ui.private_names")).html + caption(says).html),
                desk.line(self.names, keep),
                self.kept_names,
            ]
        )

    def _keep_names(self):
        names = ", ".join(privacy.private_names(self.names.value))
        if names:
            self.desk.decide(NAMES, action="mask", text=names)
        elif self.desk.of(NAMES):
            self.desk.forget(NAMES)
        self.kept_names.value = sentence(
            t("ui.kept", twin=self.desk.twin.file("decisions")), "good"
        ).html
        self._changed()

    def _changed(self):
        for kind, records in self.kinds.items():
            masked = sum(map(self.masked, records))
            self.says[kind].value = title(_kind_says(kind, records, masked, self.desk)).html
        records = [record for records in self.kinds.values() for record in records]
        decided = sum(
            self.desk.action(name) in MASKED
            for name in [record["id"] for record in records]
            + [f"privacy {kind}" for kind in self.kinds]
        )
        self.top.value = (_found(len(records), decided) if self.masking else _off()).html
        waiting = {
            self._by(record) for record in records if self.masked(record) != record["masked"]
        }
        waiting |= {name for name, _ in self.desk.past if name == NAMES}
        self.foot.value = desk.again(len(waiting))


def _found(count, decided):
    if not count:
        return sentence(t("ui.nothing_kinds_looked_found"), "good")
    return caption(t("ui.pieces_personal_data_decisions_yours", count=count, decided=decided))


def _off():
    return sentence(t("ui.masking_switched_off_form_above"), "warning")


def _kind_says(kind, records, masked, desk):
    name = privacy.label(kind)
    if desk.action(f"privacy {kind}") not in MASKED and masked == len(records):
        state = t("ui.masked_nobody_looked_yet")
    else:
        state = t("ui.masked_kept", masked=masked, records=len(records) - masked)
    return f"{name} · {state}"


def _example(record, several):
    """A value in its contexts, bold."""
    value, *contexts = (
        " ".join(text.split()) for text in (record["value"], *record["examples"][:several])
    )
    bold = f"<b>{esc(value)}</b>"
    lines = [f"… {bold.join(map(esc, context.split(value)))} …" for context in contexts] or [bold]
    return desk.framed("<br>".join(lines), "9em")


def _settings(twin):
    try:
        report = twin.report("corpus")
    except TwinError:
        return {}
    return report.settings if report else {}


# What was put aside


class Dropped(widgets.VBox):
    """What was left out, page by page, with the reason; what the owner brings back comes with the next run."""

    def __init__(self, twin):
        self.desk, self.entries = desk.Desk(twin), _entries(twin)
        here = {entry["id"] for entry in self.entries}
        # What an earlier run has brought back is no longer in the list, but may be put aside again.
        self.entries += [
            {**decision["was"], "id": name, "back": True}
            for name, decision in self.desk.decided.items()
            if name not in here
            and self.desk.action(name) == "restore"
            and "was" in self.desk.of(name)
        ]
        reasons = Counter(entry["reason"] for entry in self.entries)
        everything = (f"{t('ui.everything')} ({len(self.entries):,})", desk.ANY)
        self.reason = desk.choice(
            t("ui.why"),
            [
                everything,
                *((f"{reason} ({count:,})", reason) for reason, count in reasons.most_common()),
                (t("ui.brought_back"), ""),
            ],
            self._fill,
        )
        self.search = widgets.Text(
            placeholder=t("ui.search"),
            continuous_update=False,
            layout=widgets.Layout(width="auto", max_width="16em"),
        )
        self.search.observe(lambda _: self._fill(), "value")
        self.pages, self.says, self.foot = desk.Pages(self._card, 6), desk.text(), desk.text()
        super().__init__([self.says, desk.line(self.reason, self.search), self.pages, self.foot])
        self._fill()
        self._changed()

    def _fill(self):
        sought, reason = self.search.value.strip().lower(), self.reason.value
        self.pages.fill(
            [
                entry
                for entry in self.entries
                if reason in (desk.ANY, entry["reason"]) or reason == "" and self._back(entry)
                if sought in f"{entry['document']} {entry['text']}".lower()
            ]
        )

    def _back(self, entry):
        return self.desk.action(entry["id"]) == "restore"

    def _card(self, entry):
        size = t("ui.characters", characters=int(entry["characters"]))
        says = " · ".join(dict.fromkeys((entry["reason"], entry["what"])))
        head = (
            f'<div style="overflow-wrap:anywhere;line-height:1.4"><b>{esc(says)}</b> · {esc(size)}<br>'
            f"{esc(entry['document'])}</div>"
        )
        text = desk.content(entry["text"], "9em") if entry["text"] else ""
        why = _key(entry["reason"], REASONS)
        if why in CHOSEN or not entry["text"]:
            act = desk.text(caption(_instead(why)).html)
        else:
            was = {key: entry[key] for key in ("document", "what", "reason", "text", "characters")}
            act = desk.Choice(
                self.desk, entry["id"], {"restore": t("ui.bring_back")}, self._changed, was=was
            )
        return widgets.VBox(
            [desk.text(head + text), act], layout=widgets.Layout(margin="0 0 1em 0")
        )

    def _changed(self):
        texts = sum(_key(entry["what"], KINDS) == "document" for entry in self.entries)
        back = sum(map(self._back, self.entries))
        self.says.value = caption(
            t(
                "ui.put_aside_whole_texts_parts",
                texts=texts,
                entries=len(self.entries) - texts,
                back=back,
            )
        ).html
        self.foot.value = desk.again(
            sum(self._back(entry) != entry.get("back", False) for entry in self.entries)
        )


def _entries(twin):
    """The lines of dropped.csv, one for each id: a footer under every post is decided once."""
    path = twin.file("dropped")
    if not path.exists():
        raise TwinError(t("ui.run_step_corpus_first", path=path))
    lines = reversed(tables.dropped(twin))
    return list(
        {line["id"]: {**line, "text": line["text"][: desk.START]} for line in lines}.values()
    )[::-1]


def _key(said, names):
    """The key of a reason or a kind as dropped.csv says it, in whichever language it was written."""
    return next((key for key, (en, zh) in names.items() if said in (en, zh, f"{en} · {zh}")), None)


def _instead(why):
    if why == "whose":
        return t("ui.choose_yourself_among_people_above")
    if why == "columns":
        return t("ui.choose_columns_above_run_again")
    return t("ui.no_text_bring_back_mend")
