"""The blind test in a notebook: new questions to answer, the page for friends, and what their codes say.

The form is the interview's, with questions that nothing was learnt from; answers are kept in the same way. Callbacks
only save and count.
"""

import base64
import threading
import time
from dataclasses import asdict, replace

import ipywidgets as widgets

from .. import settings as declared
from ..evaluate.blind_test import analysis
from ..evaluate.blind_test import codes as blind_codes
from ..evaluate.blind_test import step as step
from ..files import TwinError, write_atomic
from ..i18n import t
from ..text import interview_questions, labels
from . import run
from .display import NOTHING, Shown, caption, esc, sentence, show, table
from .interview_form import EVERY, Interview, _button, _flow, _why, _wide, converse
from .interview_store import Book, answered, language_to_ask_in
from .plotting import GREEN, GREY, picture, shown, words

WANTED = 20  # answers
BLUE = "#5a78c8"
SURE = {
    1: ("a little sure", "有一点把握"),
    2: ("fairly sure", "比较有把握"),
    3: ("very sure", "很有把握"),
}


class Answers(Book):
    """The owner's answers to the blind test's questions; `questions` are those that nothing was learnt from."""

    def __init__(self, twin):
        self.path, self.records, self.note = twin.file("blind_answers"), {}, ""
        self.read()
        free = analysis.pool(answered(twin.file("interview")), step.asked_before(twin))
        self.pool = [
            q for q in reversed(interview_questions.QUESTIONS) if q in free or self.answer(q.id)
        ] or [
            analysis.own_question(t("ui.what_went_wrong_last_week"))
        ]  # who answered the whole interview

    @property
    def questions(self):
        """The owner's own questions, then those of the pool."""
        own = [
            interview_questions.Question(name, "friends", record["question"], record["question"])
            for name, record in self.records.items()
            if name not in interview_questions.BY_ID
        ]
        return own + self.pool

    def progress(self):
        done = sum(bool(record["answer"]) for record in self.records.values())
        return t("ui.answered_make_good_test", done=done, wanted=WANTED)


class Form(Interview):
    """The interview's form with the blind test's questions, a line for one's own, and where friends send codes."""

    def __init__(self, twin, every=EVERY):
        self.twin, self.book, self.every, self.spoken = (
            twin,
            Answers(twin),
            every,
            language_to_ask_in(twin),
        )
        self.lock, self.timer, self.unsaved, self.boxes = threading.RLock(), None, set(), {}
        self.now, self.filling = self.book.opening() or self.book.questions[-1], False
        self._make()
        self.own = widgets.Text(placeholder=t("ui.question_own"), layout=_wide())
        self.add = _button(t("ui.ask_too"), self._add)
        self.to = widgets.Text(
            _remembered(twin).to, placeholder=twin.author, continuous_update=False, layout=_wide()
        )
        self.to.observe(self._address, "value")
        to = widgets.HTML(f"<b>{esc(declared.label('blind_test', 'to'))}</b>", layout=_wide())
        widgets.VBox.__init__(
            self,
            [
                self.languages,
                self.places,
                self.asked,
                self.place,
                self.hint,
                widgets.HBox([self.next, self.skip, self.back], layout=_flow()),
                self.said,
                self.progress,
                widgets.HBox([self.own, self.add], layout=_flow()),
                to,
                self.to,
            ],
        )
        self._go(self.now)
        self._say(self.book.note, "warning")

    def _order(self):
        return self.book.questions

    def _add(self, button=None):
        text = " ".join(self.own.value.split())
        if not text or not self._save():
            return
        question = analysis.own_question(text)
        try:
            self.book.keep(question, self.spoken)
        except (OSError, TwinError) as error:
            return self._say(_why(error), "stop")
        self.own.value = ""
        self._go(question, focus=True)

    def _address(self, change):
        settings = replace(_remembered(self.twin), to=change["new"].strip())
        self.twin.start("blind_test", asdict(settings))

    def _ended(self):
        return t("ui.last_question_add_one_own")

    def _count(self):
        self.progress.value = caption(self.book.progress()).html


def form(twin):
    """New questions to answer: a cell's last expression. It opens where it was left."""
    try:
        return Form(twin)
    except TwinError as error:
        return sentence(str(error), "stop")


def terminal(twin):
    """The same questions in a terminal, from where it was left to Ctrl-D or Ctrl-C."""
    converse(Answers(twin), language_to_ask_in(twin), t("ui.questions_blind_test_nothing_learns"))


# The page


def _remembered(twin):
    return declared.make("blind_test", **declared.remembered("blind_test", twin))


def make(twin):
    """Let the twin answer what the owner answered, and offer the page; or say in a sentence what is missing."""
    settings = _remembered(twin)
    problems = step.problems(settings, twin)
    levels = {"stop": "note", "warning": "warning"}  # nothing is wrong with waiting
    show(sum((sentence(problem.text, levels[problem.level]) for problem in problems), NOTHING))
    if not declared.stops(problems):
        run.follow(["python", "-m", "twinlib", "blind-test", "--twin", str(twin.path)])
        show(page(twin))


def page(twin):
    """Where the page lies, with a link that downloads it from a notebook that runs elsewhere."""
    path = twin.file("blind_test")
    if not path.exists():
        return NOTHING
    data = base64.b64encode(path.read_bytes()).decode()
    name = f"{twin.name}-blind-test.html"
    link = f'<a download="{esc(name)}" href="data:text/html;base64,{data}">{esc(t("ui.download_page"))}</a>'
    return Shown(f'<p style="font-size:120%">{link}</p>', str(path)) + caption(
        t("ui.read_once_yourself_send_friends")
    )


# What came back


class Codes(widgets.VBox):
    """A box to paste codes into, many at once and with any words around them; what they say stands below."""

    def __init__(self, twin):
        self.twin = twin
        self.box = widgets.Textarea(
            rows=5, layout=_wide(), placeholder=t("ui.paste_friends_codes_here_many")
        )
        self.found = widgets.HTML()
        self.box.observe(self._read, "value")
        super().__init__([self.box, self.found])
        self._read()

    def _read(self, change=None):
        self.found.value = results(self.twin, self.box.value).html


def codes(twin):
    """Where codes are pasted and their result shows: a cell's last expression."""
    return Codes(twin)


def file_text(path):
    """The text of a file of codes; raises TwinError when there is none."""
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read()
    except OSError as error:
        raise TwinError(t("ui.cant_read_check_name", path=path, strerror=error.strerror)) from None


def results(twin, text=""):
    """What all codes say, those in `text` and those kept before; the new ones are kept."""
    tests = step.tests_of(twin)
    if not tests:
        return sentence(t("ui.codes_read_once_page_made"))
    try:
        kept = _keep(twin, text, {test["id"] for test in tests})
    except OSError as error:
        return sentence(_why(error), "stop")
    test, earlier = tests[-1], [test["id"] for test in tests[:-1]]
    notes = analysis.received(test, text, earlier).notes
    found = analysis.received(test, kept)
    said = sum((sentence(note, "warning") for note in notes), NOTHING)
    if not found.replies:
        return said + sentence(t("ui.no_code_yet_paste_here"))
    if analysis.counted(found.marks):
        said += sentence(analysis.sentence(found), "good")
        said += shown(drawn(found.marks), _caption())
    return said + friends(found)


def _keep(twin, text, known):
    """The kept codes with those of a text added, a line each."""
    path = twin.file("blind_codes")
    before = path.read_text(encoding="utf-8") if path.exists() else ""
    lines = before.splitlines()
    new = [
        code
        for reply in blind_codes.read(text)[0]
        if reply.test in known and (code := blind_codes.write(reply)) not in lines
    ]
    if new:
        write_atomic(path, "\n".join([*lines, *dict.fromkeys(new)]) + "\n")
    return "\n".join([*lines, *new])


def friends(found):
    """A line for each friend."""
    out = analysis.random_friends(found.marks)
    header = (
        t("ui.friend"),
        t("ui.when"),
        t("ui.answered"),
        t("ui.took_twin"),
        t("ui.easy_pairs_right"),
        t("ui.first_shown_picked"),
        "",
    )
    lines = []
    for place, reply in enumerate(sorted(found.replies.values(), key=lambda reply: reply.when), 1):
        mine = [mark for mark in found.marks if mark["friend"] == reply.friend]
        easy = [mark for mark in mine if mark["row"] == "base"]
        lines.append(
            (
                reply.name or str(place),
                time.strftime("%Y-%m-%d %H:%M", time.localtime(reply.when)),
                len(mine),
                _part([mark["fooled"] for mark in mine if mark["row"] == "twin"]),
                _part([not mark["fooled"] for mark in easy]),
                _part([mark["upper"] for mark in mine]),
                _judged(mine, reply.friend in out),
            )
        )
    return table(header, lines)


def _judged(mine, out):
    """What to make of a friend's marks."""
    if out:
        return t("ui.counted_answers_random")
    right = [not mark["fooled"] for mark in mine if mark["row"] == "twin"]
    enough = analysis.beats_chance(len(right))
    return t("ui.tells_twin") if enough and sum(right) >= enough else ""


def _part(yes):
    return f"{sum(yes)}/{len(yes)}" if yes else "—"


def drawn(found):
    """The fool rate with its interval, apart by how sure friends were, what they had read, and the easy pairs, on one
    scale with what other studies found."""
    counted = analysis.counted(found)
    out = analysis.random_friends(found)
    twin = [mark for mark in found if mark["row"] == "twin"]
    rows = [(words(*labels.figure("fool_rate").values()), counted, GREEN)]
    rows += [
        (words(*SURE[sure]), [mark for mark in counted if mark["sure"] == sure], GREY)
        for sure in SURE
    ]
    rows += [
        (
            words("had read one before", "以前读过"),
            [m for m in twin if m["read"] and m["friend"] not in out],
            GREY,
        ),
        (
            words("by friends who answer at random", "乱选的朋友"),
            [m for m in twin if m["friend"] in out],
            GREY,
        ),
        (
            words("easy pairs (the base)", "送分题（基础模型）"),
            [m for m in found if m["row"] == "base"],
            GREY,
        ),
    ]
    rows = [row for row in rows if row[1]]
    return picture(lambda axis: _draw(axis, rows), tall=1.3 + 0.32 * len(rows), wide=7.6)


def _draw(axis, rows):
    anchors = {**analysis.ANCHORS, words("guessing", "瞎猜"): analysis.GUESSING}
    for (name, rate), side in zip(anchors.items(), ("center", "center", "left")):
        axis.axvline(
            rate,
            color=BLUE,
            linewidth=1,
            linestyle="-" if rate == analysis.GUESSING else ":",
            zorder=0,
        )
        axis.annotate(
            f"{name}\n{rate:.0%}",
            (rate, 1.01),
            xycoords=("data", "axes fraction"),
            ha=side,
            va="bottom",
            color=BLUE,
        )
    for place, (label, marks, colour) in enumerate(rows):
        value, low, high, n = analysis.share(marks)
        axis.plot([low, high], [place, place], color=colour, alpha=0.4, linewidth=5)
        axis.plot(
            [value], [place], "o", color=colour, markersize=8 if place == 0 else 5, clip_on=False
        )
        axis.annotate(
            f"{value:.0%}  ({low:.0%}–{high:.0%}, n={n})",
            (1.03, place),
            xycoords=("axes fraction", "data"),
            va="center",
        )
    axis.set(
        yticks=range(len(rows)),
        xlim=(0, 1),
        ylim=(len(rows) - 0.5, -0.6),
        xticks=[0, 0.25, 0.5, 0.75, 1],
    )
    axis.set_yticklabels([label for label, _, _ in rows])
    axis.set_xticklabels(["0 %", "25 %", "50 %", "75 %", "100 %"])
    axis.set(xlabel=words("took the machine's answer for the author's", "把机器的回答当成作者写的"))


def _caption():
    return t("ui.dot_share_answers_bar_95")
