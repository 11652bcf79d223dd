"""The form that surveys a source before it is read: formats, senders of chats, columns of tables.

`senders.form(twin, form)` shows itself as a cell's last expression; its `.settings` are those of
`form`, with `me` and `columns` as chosen here. Works on ipywidgets 7.7 and 8.
"""

import re
import time
from collections import Counter
from dataclasses import replace
from pathlib import Path

import ipywidgets as widgets

from .. import i18n
from ..corpus import readers
from ..corpus.reasons import REASONS, SKIPPED
from ..corpus.records import Document
from ..corpus.report import little_of_a_language
from ..corpus.rows import with_enough_writing
from ..files import TwinError
from ..i18n import t
from ..settings import Corpus
from ..text import interview_questions
from ..text.inputs import columns
from ..text.privacy import private_names, quoted_name
from ..text.script import language_of, tokens_unrounded
from ..twin import Twin
from .display import NOTHING, Shown, caption, cut, cut_before, noted_table, sentence, table, title
from .forms import Form
from .widgets import button, dropdown, html, line

ROLES = {
    "time": "ui.column_time",
    "sender": "ui.column_sender",
    "text": "ui.column_text",
    "mine": "ui.column_mine",
}
NOBODY = "-"  # the name that is no sender's
OWN = ("twitter", "chatgpt")  # formats that mark which messages are the owner's
LITTLE = 20_000  # characters below which the interview is offered
_TITLES = 6  # of the texts, that are shown
_REFUSED = 8  # files that are named
_LOCKED = "locked"  # the reason of what needs a password
_MEMBERS = 3  # of one archive that are named for one reason
_SECONDS = 8.0  # for counting texts
LISTED = 60  # senders and chats that are shown; the others are counted too
# Lines close together, and no wider than the notebook, however wide a table is.
_BLOCK = '<div style="line-height:1.4;width:0;min-width:100%">{}</div>'
_SCROLLED = '<div style="max-height:18em;overflow:auto;margin-top:.6em">{}</div>'
# ipywidgets 7 shows a checkbox's description as HTML.
_HARMLESS = str.maketrans("<>&$", "‹›＆＄")


def form(twin: Twin, form: Form | Corpus) -> "Senders":
    """Survey the source of a form (or of settings) and ask which of the senders is the owner."""
    return Senders(twin, form)


class Senders(widgets.VBox):
    """Check boxes of the senders and lists of the columns; one line if there is no choice."""

    def __init__(self, twin: Twin, form: Form | Corpus):
        self.twin, self.form = twin, form
        self.ticks, self.columns = {}, []
        self.columns_before = ""  # as used by the last survey
        self.survey: readers.Survey | None = None
        self.tokens = 0.0  # of the texts, as estimated in some seconds
        self.summary, self.status = html(), html()
        self.senders = widgets.VBox(
            layout=widgets.Layout(max_height="18em", overflow="auto", display="block")
        )
        self.tables = widgets.VBox()
        super().__init__([self.summary, self.senders, self.tables, self.status])
        self.look()

    @property
    def settings(self) -> Corpus:
        """The form's settings, with the names and columns chosen here."""
        settings = self._given()
        if self.survey is None:
            return settings
        me = ", ".join(map(quoted_name, self.me()))
        return replace(settings, me=me, columns=self._chosen(settings.columns))

    def _given(self):
        return getattr(self.form, "settings", self.form)

    def me(self) -> list[str]:
        """The ticked names, and those typed in the form that occur in no chat here."""
        ticked = [name for name, tick in self.ticks.items() if tick.value]
        if not ticked and self._given().author in self.ticks:
            return [NOBODY]  # without a name, the author's name would be taken
        elsewhere = private_names(self._given().me)
        return ticked + [name for name in elsewhere if name not in (*self.ticks, NOBODY)]

    def look(self) -> None:
        """Survey the source with the names and columns chosen so far."""
        settings = self.settings
        self.status.value = sentence(t("ui.surveying")).html
        try:
            self.survey = self._survey(settings)
        except (TwinError, OSError) as error:
            self.survey, self.status.value = None, sentence(str(error), "stop").html
            return
        self.columns_before = settings.columns
        shown = _formats(self.survey, self.twin) + self._texts(settings) + self._chats()
        self.summary.value = _BLOCK.format(shown.html)
        self._ask(settings)

    def _texts(self, settings):
        """The first titles and the number of texts and characters, from a look of some seconds."""
        if not settings.source:
            return NOTHING
        titles, texts, characters, began = [], 0, 0, time.monotonic()
        by_language = Counter(), Counter()  # tokens, texts
        self.tokens, months, log = 0.0, 0, readers.ReadLog()
        for document in readers.read(_path(settings), self._options(settings), log):
            months += document.kind == "chat"
            texts, characters = texts + 1, characters + len(document.text)
            tokens, language = tokens_unrounded(document.text), language_of(document.text)
            self.tokens += tokens
            for counts, count in zip(by_language, (tokens, 1)):
                counts[language] += count
            if len(titles) < _TITLES:
                titles.append(title_of(document))
            if time.monotonic() - began > _SECONDS:
                break
        else:
            began = None
        if not texts:
            return sentence(t("ui.no_texts_inside"), "warning")
        key = "ui.texts_inside" if began is None else "ui.texts_inside_so_far"
        shown = caption(t(key, texts=texts, characters=characters))
        if months:
            shown += caption(t("ui.chats_by_month", count=months))
        if chats := sum(part.reason == "whose" for part in log.removed):
            shown += caption(t("ui.chats_not_counted", count=chats))
        names = i18n.choose(i18n.listed([cut(name, 60) for name in titles]))
        shown += caption(t("ui.first_titles", titles=names + (" …" if texts > len(titles) else "")))
        if began is None and characters < LITTLE:
            shown += sentence(t("ui.little_text"), "warning")
        if began is None:
            for text in little_of_a_language(by_language[1], with_enough_writing(*by_language)):
                shown += sentence(text, "note")
        return shown

    def _survey(self, settings):
        if not settings.source:
            return readers.Survey(Counter(), Counter(), {}, Counter(), {})
        return readers.survey(_path(settings), self._options(settings), self._progress)

    def _options(self, settings):
        me = tuple(private_names(settings.me))
        author = "" if me else settings.author
        return readers.Options(me, columns.given(settings.columns), author)

    def _progress(self, done, total):
        if done % 50 == 0:
            self.status.value = sentence(t("ui.surveying_files", done=done, total=total)).html

    def _ask(self, settings):
        names, chosen = self._names(), private_names(settings.me) or [settings.author]
        # A name that was chosen before stays on the list, however few its messages.
        listed = sorted(names, key=lambda name: (name not in chosen, -names[name]))[:LISTED]
        self.ticks = {name: self._tick(name, names[name], name in chosen) for name in listed}
        head = [html(title(t("ui.who_are_you")).html)] if listed else []
        self.senders.children = [*head, *self.ticks.values()]
        # The columns of similar tables are asked for once.
        unknown = {
            tuple(file["columns"]): file["rows"]
            for file in self.survey.files.values()
            if file.get("columns")
        }
        self.columns = [_Columns(names, rows, self._chose) for names, rows in unknown.items()]
        again = line(button(t("ui.survey_again"), self.look))
        self.tables.children = [*self.columns, again] if self.columns else []
        self._changed()

    def _tick(self, name, messages, chosen):
        tick = widgets.Checkbox(
            chosen,
            description=f"{name} · {messages:,}".translate(_HARMLESS),
            indent=False,
            layout=widgets.Layout(width="auto", margin="2px 0"),
        )
        tick.observe(self._chose, "value")
        return tick

    def _chosen(self, typed):
        """'time=…, sender=…' of all tables; the names in several are joined: 'time=Date|日期'."""
        # With lists to choose from, what is typed is what was chosen in them.
        before = columns.given(self.columns_before or ("" if self.columns else typed))
        chosen = []
        for role in dict.fromkeys([*ROLES, *before]):
            names = before.get(role, "").split("|") + [form.chosen(role) for form in self.columns]
            joined = "|".join(dict.fromkeys(filter(None, names)))
            chosen += [f"{role}={joined}"] if joined else []
        return ", ".join(chosen)

    def _chose(self, change):
        """Write what was chosen into the form, which keeps it; show what follows."""
        if isinstance(self.form, Form):
            chosen = self.settings
            for name in ("me", "columns"):
                self.form.inputs[name].value = getattr(chosen, name)
        self._changed()

    def _changed(self):
        me = set(self.me())
        own_messages = [
            sum(messages for name, messages in chat["senders"].items() if name in me)
            for chat in self.survey.files.values()
            if chat["senders"] and not _marks_the_owner(chat)
        ]
        self.status.value = self._status(own_messages).html

    def _status(self, own_messages):
        """A sentence about the chats, given the number of the owner's messages in each."""
        if not self._given().source:
            return sentence(t("ui.choose_writing_first"))
        if not own_messages:
            return NOTHING
        total, aside = len(own_messages), own_messages.count(0)
        counts = {"chats": total - aside, "all": total, "messages": sum(own_messages)}
        if not aside:
            return sentence(t("ui.all_chats_of_yours", **counts), "good")
        return sentence(t("ui.chats_of_yours", **counts, aside=aside), "warning")

    def _names(self):
        """{name: messages} of the chats that don't mark which messages are the owner's."""
        names = Counter()
        for chat in self.survey.files.values():
            if not _marks_the_owner(chat):
                names.update(chat["senders"])
        del names[""]  # messages without a sender
        return names

    def _chats(self):
        """A table of the chats with their senders, the longest first."""
        chats = [(source, chat) for source, chat in self.survey.files.items() if chat["senders"]]
        if not chats:
            return NOTHING
        chats.sort(key=lambda item: -sum(item[1]["senders"].values()))
        chats, more = chats[:LISTED], len(chats) - LISTED
        lines = [(source, _format(chat["format"]), _writers(chat)) for source, chat in chats]
        shown = noted_table((t("ui.chat"), t("ui.format"), t("ui.who_wrote")), lines)
        if more > 0:
            shown += caption(t("ui.more_chats", count=more))
        return Shown(_SCROLLED.format(shown.html), shown.text)


def title_of(document: Document) -> str:
    """A text's title before it is cleaned: given, its first heading, or the file's name."""
    first = document.text.lstrip()[:200].split("\n")[0]
    heading = first.strip("# ") if first.startswith("#") else ""
    return document.title or heading or document.fallback_title or document.source


def _path(settings):
    return Path(settings.source).expanduser()


class _Columns(widgets.VBox):
    """Lists to name the columns of one kind of table, with three of its rows as examples."""

    def __init__(self, names, rows, changed):
        options = [(t("ui.no_column"), ""), *((name, name) for name in names)]
        self.inputs = {role: dropdown(t(key), options, changed) for role, key in ROLES.items()}
        examples = table(names, [[_shortened(cell) for cell in row] for row in rows[:3]])
        shown = title(t("ui.what_do_columns_mean")) + examples
        super().__init__([html(_BLOCK.format(shown.html)), line(*self.inputs.values())])

    def chosen(self, role):
        return self.inputs[role].value


def _shortened(cell):
    text = str(cell)
    return text if len(text) <= 60 else f"{text[:59]}…"


def _marks_the_owner(chat):
    """Whether a chat's export says which messages are the owner's, or names no senders."""
    return chat["format"] in OWN or chat.get("mine", False) or not any(chat["senders"])


def _formats(survey, twin):
    """A table of the number of files by format, and what was skipped or can't be read."""
    path = twin.file("interview")
    text = path.read_text(encoding="utf-8", errors="surrogateescape") if path.exists() else ""
    answers = sum(bool(record.get("answer")) for record in interview_questions.parse(text)[0])
    lines = [(_format(name), f"{count:,}") for name, count in survey.formats.most_common()]
    lines += [(t("ui.interview_answers"), f"{answers:,}")] if answers else []
    shown = table((t("ui.contents"), t("ui.files")), lines) if lines else NOTHING
    skipped = [
        f"{i18n.choose(SKIPPED[reason])} {count:,}"
        for reason, count in survey.skipped.most_common()
        if count
    ]
    if skipped:
        named = i18n.choose(i18n.listed(skipped))
        shown += caption(t("ui.passed_over", reasons=named))
    return shown + _refused(survey.refused)


def _refused(reasons):
    """A warning that names the files that can't be read, given {file: reason}.

    Many members of one archive with one reason are counted; one with a password is named itself.
    """
    if not reasons:
        return NOTHING
    groups = {}  # {(archive or '', reason): the names}
    for name, reason in reasons.items():
        archive, member = _in_archive(name)
        groups.setdefault((archive, reason), []).append(member)
    named = []
    for (archive, reason), members in groups.items():
        why = i18n.choose(REASONS[reason])
        if archive and reason == _LOCKED:  # the password is the archive's
            archive, members = "", [archive]
        elif archive and len(members) > _MEMBERS:
            members = [t("ui.so_many_files", count=len(members))]
        named += [f"{_placed(cut_before(member, 60), archive)} ({why})" for member in members]
    names = i18n.choose(i18n.listed(named[:_REFUSED]))
    more = "…" if len(named) > _REFUSED else ""
    return sentence(t("ui.cant_be_read", count=len(reasons), names=names + more), "warning")


def _placed(member, archive):
    return t("ui.member_of", member=member, archive=cut(archive, 60)) if archive else member


def _in_archive(name):
    """(archive, member of it) by a file's name; ('', name) of a file that is in none."""
    found = re.match(r"(?i)(.+?\.(?:zip|tar|tgz|tar\.\w+))/(.+)", name)
    return found.groups() if found else ("", name)


def _format(name):
    texts = i18n.data("formats").get(name, {"en": name, "zh": name})
    return texts["en"] if texts["en"] == texts["zh"] else i18n.choose(texts)


def _writers(chat):
    top = Counter(chat["senders"]).most_common(6)
    more = len(chat["senders"]) - len(top)
    names = ", ".join(f"{name or t('ui.no_name')} {count:,}" for name, count in top)
    return names + (t("ui.more_senders", count=more) if more else "")
