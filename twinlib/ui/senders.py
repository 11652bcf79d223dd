"""What a source holds, looked at before it is read: formats, chats and their senders, tables and their columns.

`people.form(twin, form)` shows itself as a cell's last expression; its `.settings` are the form's, as they stand then,
with `me` and `columns` as chosen here. Works on ipywidgets 7.7 and 8.
"""

from collections import Counter
from dataclasses import replace
from pathlib import Path

import ipywidgets as widgets

from ..corpus import readers
from ..corpus.readers import columns
from ..corpus.reasons import PASSED, REASONS
from ..files import TwinError
from ..i18n import t
from ..text import interview_questions
from ..text.privacy import private_names
from . import decision_log
from .display import NOTHING, Shown, caption, sentence, table, title

FORMATS = {
    "markdown": ("Markdown", "Markdown"),
    "text": ("plain text", "纯文本"),
    "html": ("web pages", "网页"),
    "wordpress": ("WordPress export", "WordPress 导出"),
    "docx": ("Word", "Word"),
    "epub": ("EPUB", "EPUB"),
    "pdf": ("PDF", "PDF"),
    "subtitles": ("subtitles", "字幕"),
    "answers": ("questions and answers", "问答表"),
    "twitter": ("X archive", "X（推特）存档"),
    "telegram": ("Telegram", "Telegram"),
    "chatgpt": ("ChatGPT", "ChatGPT"),
    "whatsapp": ("WhatsApp", "WhatsApp"),
    "table": ("chat table", "聊天表格"),
    "chat": ("chats and interviews as text", "文字形式的聊天与访谈"),
}
ROLES = {
    "time": ("When", "时间"),
    "sender": ("Who wrote it", "谁发的"),
    "text": ("The message", "内容"),
    "mine": ("1 where it is yours", "自己发的（1）"),
}
NOBODY = "-"
OWN = ("twitter", "chatgpt")  # the export itself says which words are the owner's
# A widget's lines stand far apart, and it grows with a wide table unless it is told not to.
CLOSE = '<div style="line-height:1.4;width:0;min-width:100%">{}</div>'
LISTED = 60  # senders and chats shown; the others count all the same
# Older widgets show a checkbox's description as HTML.
HARMLESS = str.maketrans("<>&$", "‹›＆＄")


def form(twin, form):
    """Look through the source of a form (or of plain settings) and ask which of the senders is the owner."""
    return People(twin, form)


class People(widgets.VBox):
    """The senders to tick and the columns to name; nothing to choose is one line."""

    def __init__(self, twin, form):
        self.twin, self.form = twin, form
        self.ticks, self.columns, self.known, self.found = {}, [], "", None
        self.summary, self.says = decision_log.text(), decision_log.text()
        self.senders = widgets.VBox(
            layout=widgets.Layout(max_height="18em", overflow="auto", display="block")
        )
        self.tables = widgets.VBox()
        super().__init__([self.summary, self.senders, self.tables, self.says])
        self.look()

    @property
    def settings(self):
        """The form's settings as they stand, with the names and columns chosen here."""
        settings = self._given()
        if self.found is None:
            return settings
        return replace(
            settings, me=", ".join(map(_quoted, self.me())), columns=self._chosen(settings.columns)
        )

    def _given(self):
        return getattr(self.form, "settings", self.form)

    def me(self):
        """The names that are ticked, and those typed in the form that no chat here knows."""
        ticked = [name for name, tick in self.ticks.items() if tick.value]
        if not ticked and self._given().author in self.ticks:
            return [NOBODY]  # no name at all would mean the author's
        return ticked + [name for name in private_names(self._given().me) if name not in self.ticks]

    def look(self):
        """Look through the source, with what is chosen so far."""
        settings = self.settings
        self.says.value = sentence(t("ui.looking_through_files")).html
        try:
            self.found = self._survey(settings)
        except (TwinError, OSError) as error:
            self.found, self.says.value = None, sentence(str(error), "stop").html
            return
        self.known = settings.columns
        self.summary.value = CLOSE.format(
            (_formats(self.found, self.twin) + _chats(self.found)).html
        )
        self._ask(settings)

    def _survey(self, settings):
        if not settings.source:
            return readers.Survey(Counter(), Counter(), {}, Counter(), Counter())
        me = tuple(private_names(settings.me))
        options = readers.Options(
            me, columns.given(settings.columns), "" if me else settings.author
        )
        return readers.survey(Path(settings.source).expanduser(), options, self._progress)

    def _progress(self, done, total):
        if done % 50 == 0:
            self.says.value = sentence(t("ui.looking_through_files_2", done=done, total=total)).html

    def _ask(self, settings):
        names, mine = _senders(self.found), private_names(settings.me) or [settings.author]
        # A name that was chosen before stays on the list, however few its messages.
        listed = sorted(names, key=lambda name: (name not in mine, -names[name]))[:LISTED]
        self.ticks = {name: self._tick(name, names[name], name in mine) for name in listed}
        self.senders.children = (
            [decision_log.text(title(t("ui.which_these")).html), *self.ticks.values()]
            if listed
            else []
        )
        self.columns = [_Columns(names, rows) for names, rows in _tables(self.found).items()]
        again = decision_log.button(t("ui.look_again"), self.look)
        self.tables.children = [*self.columns, decision_log.line(again)] if self.columns else []
        self._changed()

    def _tick(self, name, messages, mine):
        tick = widgets.Checkbox(
            mine,
            description=f"{name} · {messages:,}".translate(HARMLESS),
            indent=False,
            layout=widgets.Layout(width="auto", margin="2px 0"),
        )
        tick.observe(self._changed, "value")
        return tick

    def _chosen(self, typed):
        """'time=…, sender=…, text=…' of all tables; columns of different tables stand side by side: 'time=Date|日期'."""
        before = columns.given(self.known or typed)
        roles = {
            role: [
                *before.get(role, "").split("|"),
                *(table.chosen(role) for table in self.columns),
            ]
            for role in [*ROLES, *(role for role in before if role not in ROLES)]
        }
        roles = {
            role: "|".join(dict.fromkeys(filter(None, names))) for role, names in roles.items()
        }
        return ", ".join(f"{role}={names}" for role, names in roles.items() if names)

    def _changed(self, change=None):
        chats = {
            source: chat
            for source, chat in self.found.files.items()
            if chat["senders"] and not _own(chat)
        }
        me = set(self.me())
        yours = {
            source: sum(n for name, n in chat["senders"].items() if name in me)
            for source, chat in chats.items()
        }
        aside = sum(not count for count in yours.values())
        if not chats and not self.columns:
            shown = sentence(t("ui.no_chats_nothing_choose"), "good")
        elif not chats:
            shown = NOTHING
        else:
            shown = sentence(
                t(
                    "ui.chats_hold_messages_yours_other",
                    yours=len(yours) - aside,
                    yours_2=len(yours),
                    yours_3=sum(yours.values()),
                    aside=aside,
                ),
                "warning" if aside else "good",
            )
        self.says.value = shown.html


class _Columns(widgets.VBox):
    """What the columns of one kind of table mean, with three of its rows to tell them by."""

    def __init__(self, names, rows):
        nothing = (t("ui.none"), "")
        self.inputs = {
            role: decision_log.choice(
                t(*label), [nothing, *((name, name) for name in names)], lambda: None
            )
            for role, label in ROLES.items()
        }
        says = title(t("ui.what_columns_table_mean"))
        super().__init__(
            [
                decision_log.text(
                    CLOSE.format((says + table(names, [_short(row) for row in rows[:3]])).html)
                ),
                decision_log.line(*self.inputs.values()),
            ]
        )

    def chosen(self, role):
        return self.inputs[role].value


def _short(row):
    return [str(cell) if len(str(cell)) <= 60 else f"{str(cell)[:59]}…" for cell in row]


def _own(chat):
    return chat["format"] in OWN or chat.get("mine", False) or not any(chat["senders"])


def _senders(found):
    """{name: messages} of the chats that don't say themselves which messages are the owner's."""
    senders = Counter()
    for chat in found.files.values():
        if not _own(chat):
            senders.update(chat["senders"])
    del senders[""]  # nobody can be chosen by no name
    return senders


def _tables(found):
    """{columns: rows} of the tables whose columns can't be told; tables with the same columns are one."""
    return {
        tuple(file["columns"]): file["rows"] for file in found.files.values() if file.get("columns")
    }


def _quoted(name):
    return name if private_names(name) == [name] else f'"{name}"'


def _formats(found, twin):
    """How many files of which format, and what was not opened or can't be read."""
    path = twin.file("interview")
    text = path.read_text(encoding="utf-8", errors="surrogateescape") if path.exists() else ""
    answers = sum(bool(record.get("answer")) for record in interview_questions.parse(text)[0])
    lines = [(_format(name), f"{count:,}") for name, count in found.formats.most_common()]
    lines += [(t("ui.answers_interview"), f"{answers:,}")] if answers else []
    shown = table((t("ui.what"), t("ui.files")), lines) if lines else NOTHING
    for says, counts, labels in (
        (t("ui.passed_over"), found.passed, PASSED),
        (t("ui.cant_read"), found.skipped, REASONS),
    ):
        listed = ", ".join(
            f"{t(*labels.get(name, (name, name)))} {count:,}"
            for name, count in counts.most_common()
            if count
        )
        shown += caption(f"{says}: {listed}") if listed else NOTHING
    return shown


def _format(name):
    en, zh = FORMATS.get(name, (name, name))
    return en if en == zh else t(en, zh)


def _chats(found):
    """Each chat with its senders."""
    chats = [(source, chat) for source, chat in found.files.items() if chat["senders"]]
    chats.sort(key=lambda item: -sum(item[1]["senders"].values()))
    lines = [(source, _format(chat["format"]), _writers(chat)) for source, chat in chats[:LISTED]]
    shown = table((t("ui.chat"), t("ui.format"), t("ui.who_wrote_how_many_messages")), lines)
    more = len(chats) - len(lines)
    more = caption(t("ui.more", more=more)) if more else NOTHING
    return (
        Shown(
            f'<div style="max-height:18em;overflow:auto;margin-top:.6em">{(shown + more).html}</div>',
            shown.text,
        )
        if chats
        else NOTHING
    )


def _writers(chat):
    most = Counter(chat["senders"]).most_common(6)
    more = len(chat["senders"]) - len(most)
    names = ", ".join(f"{name or t('ui.no_name')} {count:,}" for name, count in most)
    return names + (t("ui.more_2", more=more) if more else "")
