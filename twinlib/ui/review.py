"""Forms in which the owner reviews what step 01 found: personal data, removed texts, training rows.

A decision is written to decisions.json at once, can be undone, and is applied by the next run of
the step. Every text of the corpus is escaped.
"""

import re
from collections import Counter

import ipywidgets as widgets

from ..corpus.reasons import KINDS, REASONS
from ..files import TwinError
from ..i18n import t
from ..text import privacy
from ..twin import Twin
from . import tables
from .decision_log import START, DecisionButtons, DecisionLog, reminder
from .display import caption, esc, sentence, title
from .look import look
from .rows_form import Rows
from .widgets import ALL, Pages, button, dropdown, framed, framed_text, html, line, text_box

MASKED = ("keep", "mask")  # actions on personal data
# What to do instead, by reason, where the form can't bring a text back.
INSTEAD = {"whose": "ui.choose_yourself_above", "columns": "ui.choose_columns_above"}


@look("corpus")
def personal(twin: Twin) -> "Personal":
    """The form for personal data by kind, with examples; masked unless the owner keeps it."""
    return Personal(twin)


@look("corpus")
def dropped(twin: Twin) -> "Dropped":
    """The form that lists removed texts with reasons and brings them back."""
    return Dropped(twin)


@look("corpus")
def rows(twin: Twin) -> Rows:
    """The form that shows training rows one at a time, to approve, edit or drop."""
    return Rows(twin)


# Personal data


class Personal(widgets.VBox):
    """A decision for each kind of personal data, with examples, and one for each single value."""

    def __init__(self, twin: Twin):
        self.decisions, self.kinds = DecisionLog(twin), {}
        self.masking = _masking(twin)
        for record in twin.records("personal"):
            self.kinds.setdefault(record["kind"], []).append(record)
        self.heads = {kind: html() for kind in self.kinds}
        self.top, self.foot = html(), html()
        undetected = html(caption(t("corpus.personal_data_not_detected")).html)
        super().__init__(
            [self.top, *map(self._kind, self.kinds), self._names(), undetected, self.foot]
        )
        self._changed()

    def _kind(self, kind):
        records = self.kinds[kind]
        examples = "".join(_example(record, 1) for record in records[:3])
        labels = {"mask": t("ui.mask_them_all"), "keep": t("ui.keep_them_all")}
        buttons = DecisionButtons(self.decisions, f"privacy {kind}", labels, self._changed)
        pages, layout = Pages(self._value, 8), widgets.Layout(width="auto")
        values = widgets.Accordion([pages], selected_index=None, layout=layout)
        values.set_title(0, t("ui.one_by_one", count=len(records)))
        values.observe(lambda _: pages.items or pages.fill(records), "selected_index")
        return widgets.VBox(
            [self.heads[kind], html(examples), buttons, values],
            layout=widgets.Layout(margin="0 0 1.2em 0"),
        )

    def _value(self, record):
        labels = {"mask": t("ui.mask"), "keep": t("ui.keep")}
        buttons = DecisionButtons(self.decisions, record["id"], labels, self._changed)
        times = _times(record)
        return widgets.VBox(
            [html(_example(record, 3)), line(buttons, html(caption(times).html))],
            layout=widgets.Layout(margin="0 0 .8em 0"),
        )

    def _decision_id(self, record):
        """The id of the decision that applies to a value: its own, else its kind's."""
        has_own = self.decisions.action(record["id"]) in MASKED
        return record["id"] if has_own else f"privacy {record['kind']}"

    def masked(self, record: dict) -> bool:
        """Whether the next run will mask a value."""
        return self.masking and self.decisions.action(self._decision_id(record)) != "keep"

    def _names(self):
        names = str(self.decisions.of(privacy.NAMES).get("text", ""))
        self.names = text_box(names, t("ui.names_separated_by_commas"), flex="1 1 14em")
        self.kept_names = html()
        head = title(t("ui.private_names")) + caption(t("ui.private_names_help"))
        return widgets.VBox(
            [
                html(head.html),
                line(self.names, button(t("ui.mask_these_names"), self._keep_names)),
                self.kept_names,
            ]
        )

    def _keep_names(self):
        names = ", ".join(map(privacy.quoted_name, privacy.private_names(self.names.value)))
        if names:
            self.decisions.decide(privacy.NAMES, action="mask", text=names)
        elif self.decisions.of(privacy.NAMES):
            self.decisions.clear(privacy.NAMES)
        saved = t("ui.kept_in", path=self.decisions.twin.file("decisions"))
        self.kept_names.value = sentence(saved, "good").html
        self._changed()

    def _changed(self):
        for kind, records in self.kinds.items():
            self.heads[kind].value = title(self._state(kind, records)).html
        records = [record for records in self.kinds.values() for record in records]
        self.top.value = self._summary(records).html
        changed = [record for record in records if self.masked(record) != record["masked"]]
        pending = {self._decision_id(record) for record in changed}
        pending |= {name for name, _ in self.decisions.past if name == privacy.NAMES}
        self.foot.value = reminder(len(pending))

    def _state(self, kind, records):
        """A kind's name, and how many of its values will be masked."""
        masked = sum(map(self.masked, records))
        if self.decisions.action(f"privacy {kind}") not in MASKED and masked == len(records):
            state = t("ui.masked_unreviewed")
        else:
            state = t("ui.masked_and_kept", masked=masked, kept=len(records) - masked)
        return f"{privacy.label(kind)} · {state}"

    def _summary(self, records):
        if not self.masking:
            return sentence(t("ui.masking_is_off"), "warning")
        if not records:
            return sentence(t("ui.no_personal_data"), "good")
        ids = [record["id"] for record in records] + [f"privacy {kind}" for kind in self.kinds]
        decided = sum(self.decisions.action(name) in MASKED for name in ids)
        shown = caption(t("ui.personal_data_found", count=len(records), decided=decided))
        if left_out := sum(not record["count"] for record in records):
            shown += caption(t("ui.personal_data_left_out", count=left_out))
        return shown


def _times(record):
    """How often a value is in the learnt texts, and in messages that are left out."""
    count, left_out = record["count"], record.get("left_out", 0)  # older versions had the first
    times = t("ui.found_several_times", count=count) if count > 1 else t("ui.found_once")
    said = [times] * bool(count) + [t("ui.found_in_left_out", count=left_out)] * bool(left_out)
    return " · ".join(said)


def _example(record, count):
    """A value in bold in `count` of its contexts."""
    value = " ".join(record["value"].split())
    plain = (re.sub("^#+ ", "", text, flags=re.MULTILINE) for text in record["examples"][:count])
    contexts = [" ".join(text.split()) for text in plain]
    bold = f"<b>{esc(value)}</b>"
    lines = [f"… {bold.join(map(esc, context.split(value)))} …" for context in contexts] or [bold]
    return framed("<br>".join(lines), "9em")


def _masking(twin):
    """Whether the last run of the step masked personal data; True when it has not run."""
    try:
        report = twin.report("corpus")
    except TwinError:
        return True
    return report.settings.get("mask", True) if report else True


# Removed texts


class Dropped(widgets.VBox):
    """The removed texts, a page at a time, each with its reason and a button to bring it back."""

    def __init__(self, twin: Twin):
        self.decisions, self.entries = DecisionLog(twin), _entries(twin)
        documents = twin.records("documents") if twin.file("documents").exists() else []
        self.titles = {each.get("source"): each.get("title") for each in documents}
        self._add_restored()
        counts = Counter(entry["reason"] for entry in self.entries).most_common()
        reasons = [(f"{reason} ({count:,})", reason) for reason, count in counts]
        everything = (f"{t('ui.everything')} ({len(self.entries):,})", ALL)
        options = [everything, *reasons, (t("ui.brought_back"), "")]
        self.reason = dropdown(t("ui.why"), options, self._fill)
        self.search = text_box("", t("ui.search"), self._fill, max_width="16em")
        self.pages, self.head, self.foot = Pages(self._card, 6), html(), html()
        super().__init__([self.head, line(self.reason, self.search), self.pages, self.foot])
        self._fill()
        self._changed()

    def _add_restored(self):
        """Add the texts that an earlier run brought back, which dropped.csv no longer lists."""
        listed = {entry["id"] for entry in self.entries}
        for name in self.decisions.by_id:
            was = self.decisions.of(name).get("was")
            if name not in listed and self.decisions.action(name) == "restore" and was:
                self.entries.append({**was, "id": name, "back": True})

    def _fill(self, change=None):
        self.pages.fill([entry for entry in self.entries if self._matches(entry)])

    def _matches(self, entry):
        sought, reason = self.search.value.strip().lower(), self.reason.value
        chosen = self._restored(entry) if reason == "" else reason in (ALL, entry["reason"])
        return chosen and sought in f"{entry['document']} {entry['text']}".lower()

    def _restored(self, entry):
        return self.decisions.action(entry["id"]) == "restore"

    def _card(self, entry):
        size = t("ui.character_count", count=int(entry["characters"]))
        heading = " · ".join(dict.fromkeys((entry["reason"], entry["what"])))
        source = entry["document"]
        place = " · ".join(filter(None, (self.titles.get(source), source)))
        head = (
            '<div style="overflow-wrap:anywhere;line-height:1.4">'
            f"<b>{esc(heading)}</b> · {esc(size)}<br>{esc(place)}</div>"
        )
        text = framed_text(entry["text"], "9em") if entry["text"] else ""
        return widgets.VBox(
            [html(head + text), self._act(entry)], layout=widgets.Layout(margin="0 0 1em 0")
        )

    def _act(self, entry):
        """The button that brings an entry back, or a sentence with what to do instead."""
        reason = tables.key_of(entry["reason"], REASONS)
        if reason in INSTEAD or not entry["text"]:
            return html(caption(t(INSTEAD.get(reason, "ui.nothing_to_bring_back"))).html)
        was = {key: entry[key] for key in ("document", "what", "reason", "text", "characters")}
        labels = {"restore": t("ui.bring_back")}
        return DecisionButtons(self.decisions, entry["id"], labels, self._changed, was=was)

    def _changed(self):
        texts = sum(tables.key_of(entry["what"], KINDS) == "document" for entry in self.entries)
        back = sum(map(self._restored, self.entries))
        counts = {"texts": texts, "parts": len(self.entries) - texts, "back": back}
        self.head.value = caption(t("ui.put_aside_summary", **counts)).html
        self.foot.value = reminder(
            sum(self._restored(entry) != entry.get("back", False) for entry in self.entries)
        )


def _entries(twin):
    """The lines of dropped.csv, one for each id: the same footer of many posts is listed once."""
    path = twin.file("dropped")
    if not path.exists():
        raise TwinError(t("ui.run_corpus_first", path=path))
    entries = {}
    for entry in tables.dropped(twin):
        entries.setdefault(entry["id"], {**entry, "text": entry["text"][:START]})
    return list(entries.values())
