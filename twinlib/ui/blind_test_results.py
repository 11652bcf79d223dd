"""The results of the blind test: a box for friends' codes, a picture, a line for each friend."""

import time
from pathlib import Path
from typing import TYPE_CHECKING

import ipywidgets as widgets

from ..evaluate.blind_test import analysis
from ..evaluate.blind_test import codes as blind_codes
from ..evaluate.blind_test import step as blind_test
from ..files import TwinError, locked, write_atomic
from ..i18n import choose, t
from ..text import labels
from ..twin import Twin
from .display import NOTHING, Shown, caption, sentence, table
from .interview_form import disk_error
from .plotting import AMBER, GREEN, GREY, RED, WIDE, drawable, label, picture, scrolled
from .widgets import wide

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_BLUE = "#5a78c8"
# (colour, marker) of the fool rate by its level, as on the score card.
_SHAPES = {"good": (GREEN, "o"), "unsure": (GREY, "o"), "so-so": (AMBER, "v"), "bad": (RED, "X")}
_SURE = {1: "ui.a_little_sure", 2: "ui.fairly_sure", 3: "ui.very_sure"}


class Codes(widgets.VBox):
    """A box for pasted messages with codes in them, and the results below."""

    def __init__(self, twin: Twin):
        self.twin = twin
        self.box = widgets.Textarea(rows=5, layout=wide(), placeholder=t("ui.paste_codes"))
        self.results = widgets.HTML()
        self.box.observe(self._read, "value")
        super().__init__([self.box, self.results])
        self._read()

    def _read(self, change=None):
        self.results.value = results(self.twin, self.box.value).html


def codes(twin: Twin) -> Codes:
    """The box for codes, as a cell's last expression."""
    return Codes(twin)


def file_text(path: str | Path) -> str:
    """The text of a file of codes; raises TwinError when it can't be read."""
    try:
        return Path(path).read_text(encoding="utf-8", errors="replace")
    except OSError as error:
        raise TwinError(t("ui.codes_unreadable", path=path, error=error.strerror)) from None


def results(twin: Twin, text: str = "") -> Shown:
    """Save the new codes in `text`, and show the results of all codes saved so far."""
    tests = blind_test.tests_of(twin)
    if not tests:
        return sentence(t("ui.no_page_yet"))
    try:
        codes = _keep(twin, text, {test["id"] for test in tests})
    except OSError as error:
        return sentence(disk_error(error), "stop")
    test, earlier = tests[-1], [test["id"] for test in tests[:-1]]
    notes = analysis.received(test, text, earlier).notes
    received = analysis.received(test, codes)
    shown = sum((sentence(note, "warning") for note in notes), NOTHING)
    if not received.replies:
        return shown + sentence(t("ui.no_code_yet"))
    if analysis.counted(received.votes):
        shown += sentence(choose(analysis.sentence(received)), "note")
        shown += Shown(scrolled(plot(received.votes)), "") + caption(t("ui.blind_test_picture"))
    return shown + friends(received)


def _keep(twin, text, tests):
    """Append the new codes of these tests to the file, one a line; returns all codes as text."""
    path = twin.file("blind_codes")
    codes = [blind_codes.write(reply) for reply in blind_codes.read(text)[0] if reply.test in tests]
    with locked(twin.file("lock")):
        lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
        new = [code for code in dict.fromkeys(codes) if code not in lines]
        if new:
            write_atomic(path, "\n".join([*lines, *new]) + "\n")
    return "\n".join([*lines, *new])


def friends(received: analysis.Received) -> Shown:
    """A table with a line for each friend."""
    at_random = analysis.random_friends(received.votes)
    header = (
        t("ui.friend"),
        t("ui.when"),
        t("ui.answered"),
        t("ui.took_twin_for_you"),
        t("ui.easy_pairs_right"),
        t("ui.picked_first_shown"),
        "",
    )
    replies = sorted(received.replies.values(), key=lambda reply: reply.when)
    rows = [
        _friend(number, reply, received.votes, reply.friend in at_random)
        for number, reply in enumerate(replies, 1)
    ]
    return table(header, rows)


def _friend(number, reply, votes, at_random):
    votes = [vote for vote in votes if vote.friend == reply.friend]
    twin = [vote for vote in votes if vote.variant == "twin"]
    return (
        reply.name or str(number),
        time.strftime("%Y-%m-%d %H:%M", time.localtime(reply.when)),
        len(votes),
        _share([vote.fooled for vote in twin]),
        _share([not vote.fooled for vote in votes if vote.variant == "base"]),
        _share([vote.upper for vote in votes]),
        t("ui.answers_at_random") if at_random else _remark(twin),
    )


def _remark(votes):
    """A remark when a friend recognises the twin more often than chance explains, else ''."""
    right = sum(not vote.fooled for vote in votes)
    least = analysis.beats_chance(len(votes))
    return t("ui.tells_you_from_twin") if least and right >= least else ""


def _share(outcomes):
    return f"{sum(outcomes)}/{len(outcomes)}" if outcomes else "—"


def plot(votes: list[analysis.Vote]) -> "Figure":
    """A Figure of the fool rate with its interval, in all and by how sure friends were."""
    counted, at_random = analysis.counted(votes), analysis.random_friends(votes)
    twin = [vote for vote in votes if vote.variant == "twin"]
    read = [vote for vote in twin if vote.read and vote.friend not in at_random]
    guessed = [vote for vote in twin if vote.friend in at_random]
    easy = [vote for vote in votes if vote.variant == "base"]
    lines = [
        (drawable(labels.figure("fool_rate")), counted),
        *(
            (label(key), [vote for vote in counted if vote.sure == sure])
            for sure, key in _SURE.items()
        ),
        (label("ui.had_read_one_before"), read),
        (label("ui.by_random_friends"), guessed),
        (label("ui.easy_pairs"), easy),
    ]
    lines = [line for line in lines if line[1]]
    return picture(lambda axis: _draw(axis, lines), tall=1.3 + 0.32 * len(lines), wide=WIDE + 0.6)


def _draw(axis, lines):
    _draw_anchors(axis)
    for y, (_, votes) in enumerate(lines):
        value, low, high, n = analysis.share(votes)
        rate = analysis.level(low, high)
        colour, shape, size = (GREY, "o", 5) if y else (*_SHAPES[rate], 8)
        axis.plot([low, high], [y, y], color=colour, alpha=0.4, linewidth=5)
        axis.plot([value], [y], shape, color=colour, markersize=size, clip_on=False)
        text = label("ui.share_of", share=f"{value:.0%}", n=n)
        axis.annotate(text, (1.03, y), xycoords=("axes fraction", "data"), va="center")
    axis.set(xlim=(0, 1), ylim=(len(lines) - 0.5, -0.6), xlabel=label("ui.took_machine_for_author"))
    axis.set_yticks(range(len(lines)), [name for name, _ in lines])
    axis.set_xticks([0, 0.25, 0.5, 0.75, 1], ["0 %", "25 %", "50 %", "75 %", "100 %"])


def _draw_anchors(axis):
    """Vertical lines at the fool rates of other studies, and at guessing."""
    anchors = {**analysis.ANCHORS, label("ui.guessing"): analysis.GUESSING}
    for (name, rate), side in zip(anchors.items(), ("right", "center", "left")):
        style = "-" if rate == analysis.GUESSING else ":"
        axis.axvline(rate, color=_BLUE, linewidth=1, linestyle=style, zorder=0)
        axis.annotate(
            f"{name}\n{rate:.0%}",
            (rate, 1.01),
            xycoords=("data", "axes fraction"),
            ha=side,
            va="bottom",
            color=_BLUE,
        )
