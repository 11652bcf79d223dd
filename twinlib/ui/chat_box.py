"""A chat in the notebook: with the twin, its file or the base, one alone or two side by side.

A child process answers (talk/answering.py): the kernel stays free, words appear as they come, and
the memory is returned when the child has had nothing to do for some minutes. The conversation is
kept in this cell only. Two who answer do so one after the other, each in its own conversation; the
second one may be the first without its memory. A source under an answer opens the author's passage.
"""

import itertools
import json
import subprocess
import threading
import time
import weakref

import ipywidgets as widgets

from ..files import json_or
from ..i18n import choose, t
from ..talk import voices
from ..twin import Twin
from . import children
from .display import Shown, caption, esc, sentence
from .widgets import button, dropdown, html, line, on_enter, show

_REDRAW = 0.15  # seconds between two redrawings of an answer that is being written
_TOKENS = 400  # of an answer
_TEMPERATURES = (0.0, 0.3, 0.5, 0.7, 0.9, 1.2)
_QUESTION = (
    '<div style="margin:.8em 0 .4em;display:flex;justify-content:flex-end;line-height:1.5">'
    '<div style="max-width:80%;background:rgba(90,120,200,.18);{bubble}">{question}</div></div>'
)
_BUBBLE = "border-radius:12px;padding:.45em .9em;white-space:pre-wrap;overflow-wrap:anywhere"
_ANSWER = (
    '<div role="log" aria-live="polite" style="line-height:1.5">'
    '<div style="font-size:85%;opacity:.7">{name}</div>'
    '<div style="background:rgba(128,128,128,.14);{bubble}">{text}</div>{under}</div>'
)
# A source of an answer, or what is in none of them.
_UNDER = (
    '<div style="font-size:85%;opacity:.85;margin:.4em 0 0 .2em;padding-left:.6em;'
    'border-left:2px solid rgba(128,128,128,.4);overflow-wrap:anywhere">{}</div>'
)
# A source that opens the passage, in which the quotation is marked.
_OPENS = (
    '<details><summary style="cursor:pointer">{line}</summary>'
    '<div style="white-space:pre-wrap;max-height:16em;overflow:auto;padding:.4em 0">{passage}</div>'
    "</details>"
)
_MARK = '<mark style="background:rgba(250,210,60,.45);color:inherit">{}</mark>'
_NOTE = '<span style="opacity:.65">{}</span>'
_PLAIN = "-plain"  # the ending of who answers without memory, beside itself with it

_children: dict[str, "Answers"] = {}  # by the path of the twin, so that a second box reuses one
_ids = itertools.count(1)  # of requests: never the same in two boxes, which share a child


def chat(twin: Twin) -> widgets.Widget | Shown:
    """The chat as a cell's last expression; a sentence where nobody can answer yet."""
    reasons = {voice: voices.missing(twin, voice) for voice in voices.VOICES}
    if all(reasons.values()):
        return sentence(t("talk.nobody_to_talk_to", why=reasons["file"]), "note")
    return ChatBox(twin, [voice for voice, why in reasons.items() if not why])


class Answers:
    """The child process that answers, started by the first request and again after its end.

    Every box that listens takes each event in a thread, see talk/answering.py.
    """

    def __init__(self, twin: Twin):
        self.twin, self.boxes = twin, weakref.WeakSet()
        self._child, self._lock = None, threading.Lock()

    def listen(self, box: "ChatBox") -> None:
        """Let a box take what comes back; it knows the ids of its own requests."""
        self.boxes.add(box)

    def ask(self, **request) -> None:
        """Send a request."""
        with self._lock:
            if self._child is None or self._child.poll() is not None:
                arguments = ["-m", "twinlib.talk.answering", str(self.twin.path)]
                self._child = children.start(
                    arguments, stdin=subprocess.PIPE, stderr=subprocess.DEVNULL
                )
                threading.Thread(target=self._read, args=(self._child,), daemon=True).start()
            self._send(request)

    def stop(self, id: int) -> None:
        """End an answer, or take back a request that waits."""
        with self._lock:
            if self._child is not None and self._child.poll() is None:
                self._send({"stop": id})

    def close(self) -> None:
        """End the child, which returns its memory."""
        with self._lock:
            if self._child is not None:
                self._child.kill()

    def _send(self, request):
        try:
            self._child.stdin.write(json.dumps(request) + "\n")
            self._child.stdin.flush()
        except OSError:  # it has just ended: its reader says so
            pass

    def _read(self, child):
        for text in child.stdout:
            self._pass_on(json.loads(text))
        child.wait()
        self._pass_on({"ended": True})

    def _pass_on(self, event):
        for box in list(self.boxes):
            box.take(event)


class ChatBox(widgets.VBox):
    """The conversation, a line to write in, and who answers.

    `turns` are {question, answers: {who: {text, note, state, under}}, memory}; `who` is a voice, or
    one without its memory; a state is waits, writes, done, stopped or error.
    """

    def __init__(self, twin: Twin, available: list[str], answers: Answers | None = None):
        self.twin, self.turns = twin, []
        self.answers = answers or _children.setdefault(str(twin.path), Answers(twin))
        self._pending = {}  # {id of a request: (turn, who)} of the answers that are not finished
        self._seed, self._drawn = 0, 0.0
        has_memory = twin.report_path("memory").exists()
        names = [(choose(voices.name(voice)), voice) for voice in available]
        self.voice = dropdown(t("talk.who_answers"), names)
        alone = [(t("talk.the_same_without_memory"), _PLAIN)] if has_memory else []
        self.beside = dropdown(t("talk.beside_it"), [(t("talk.nobody"), ""), *alone, *names])
        self.temperature = dropdown(
            t("talk.temperature"), [(f"{value:g}", value) for value in _TEMPERATURES]
        )
        self.temperature.value = _recommended(twin)
        self.memory = widgets.Checkbox(has_memory, description=t("talk.with_memory"), indent=False)
        show(self.memory, has_memory)
        # Scrolls from its end, where the newest turn is: what was said last stays in view.
        self.shown = widgets.VBox(
            layout=widgets.Layout(flex_flow="column-reverse", max_height="34em", overflow="auto")
        )
        self.box = widgets.Text(
            placeholder=t("talk.write_here"), layout=widgets.Layout(flex="1 1 14em", width="auto")
        )
        on_enter(self.box, self.ask)
        self.send_button = button(t("talk.send"), self.ask, button_style="primary")
        self.stop_button = button(t("talk.stop"), self.stop, button_style="warning")
        self.again_button = button(t("talk.again"), self.again)
        self.forget_button = button(t("talk.forget"), self.forget)
        about = caption(t("talk.not_a_person", author=twin.author))
        self.far_off = html("")
        self.memory.observe(self._say_what_is_far_off, "value")
        self._say_what_is_far_off()
        entry = line(self.box, self.send_button, self.stop_button)
        self._refresh()
        super().__init__(
            [
                line(self.voice, self.beside, self.temperature, self.memory),
                self.shown,
                entry,
                line(self.again_button, self.forget_button),
                html(about.html),
                self.far_off,
            ],
            layout=widgets.Layout(max_width="64em"),
        )
        self.answers.listen(self)

    def _say_what_is_far_off(self, _=None):
        """What happens where the author never wrote about it."""
        with_memory = "talk.far_off" if self.memory.value else "talk.far_off_without_memory"
        self.far_off.value = caption(t(with_memory)).html

    # What the buttons do

    def ask(self) -> None:
        """Ask what stands in the line, unless an answer is being written."""
        question = self.box.value.strip()
        if question and not self._pending:
            self.box.value = ""
            self._seed = 1
            self._ask(question)

    def stop(self) -> None:
        """End the answers that are being written; what there is of them stays."""
        for id in list(self._pending):
            self.answers.stop(id)

    def again(self) -> None:
        """Ask the last question again, for other answers."""
        if self.turns and not self._pending:
            self._seed += 1
            self._ask(self.turns.pop()["question"])

    def forget(self) -> None:
        """Begin a new conversation."""
        self.stop()
        self.turns, self._pending = [], {}
        self.shown.children = ()
        self._refresh()

    def _ask(self, question):
        before = list(self.turns)
        turn = {"question": question, "answers": {}, "memory": self.memory.value}
        self.turns.append(turn)
        for who in self._who():
            self._pending[next(_ids)] = turn, who
            turn["answers"][who] = {"text": "", "note": t("talk.waits"), "state": "waits"}
        self._show_turns()
        self._refresh()
        for id, (_, who) in list(self._pending.items()):
            self.answers.ask(
                id=id,
                voice=who.removesuffix(_PLAIN),
                messages=[*_messages(before, who), {"role": "user", "content": question}],
                tokens=_TOKENS,
                temperature=self.temperature.value,
                seed=self._seed,
                memory=self.memory.value and not who.endswith(_PLAIN),
            )

    def _who(self):
        """Who answers: the chosen voice, and who stands beside it."""
        beside = self.beside.value
        beside = self.voice.value + _PLAIN if beside == _PLAIN else beside
        return dict.fromkeys(filter(None, (self.voice.value, beside)))

    def _show_turns(self):
        """Put a widget for each turn on screen; those that are there stay as they are."""
        shown = {id(each.turn): each for each in self.shown.children}
        turns = [shown.get(id(turn)) or _Turn(self, turn) for turn in self.turns]
        self.shown.children = turns[::-1]

    # What comes back

    def take(self, event: dict) -> None:
        """Show an event of the child; called in the thread that reads them."""
        if "ended" in event:
            for id in list(self._pending):
                self.take({"id": id, "end": "error", "text": t("talk.child_ended")})
            return
        turn, who = self._pending.get(event["id"], (None, None))
        if turn is None:  # of a conversation that was forgotten
            return
        answer = turn["answers"][who]
        if "end" in event:
            under = event.get("under", [])
            answer |= {"state": event["end"], "text": event["text"], "note": "", "under": under}
            del self._pending[event["id"]]
            self._refresh()
        elif "note" in event:
            answer |= {"note": event["note"]}
        else:
            answer |= {"state": "writes", "text": answer["text"] + event["text"], "note": ""}
            if time.monotonic() - self._drawn <= _REDRAW:
                return
        self._drawn = time.monotonic()
        for shown in self.shown.children:
            if shown.turn is turn:
                shown.draw(who)

    def _refresh(self):
        busy = bool(self._pending)
        self.send_button.disabled = busy
        show(self.stop_button, busy)
        self.again_button.disabled = self.forget_button.disabled = not self.turns or busy


class _Turn(widgets.VBox):
    """A question and its answers, each with what stands under it."""

    def __init__(self, box: ChatBox, turn: dict):
        self.box, self.turn = box, turn
        self.texts, columns = {}, []
        for who in turn["answers"]:
            self.texts[who] = html()
            column = widgets.Layout(flex="1 1 15em", width="auto", min_width="0")
            columns.append(widgets.VBox([self.texts[who]], layout=column))
            self.draw(who)
        question = html(_QUESTION.format(question=esc(turn["question"]), bubble=_BUBBLE))
        answers = widgets.HBox(
            columns, layout=widgets.Layout(flex_flow="row wrap", grid_gap=".6em")
        )
        super().__init__([question, answers], layout=widgets.Layout(flex="0 0 auto", width="auto"))

    def draw(self, who: str) -> None:
        """Show an answer as it is now."""
        answer = self.turn["answers"][who]
        under = "".join(map(_under, answer.get("under", ())))
        text = {"name": esc(_name(who)), "text": _answer_markup(answer), "under": under}
        self.texts[who].value = _ANSWER.format(bubble=_BUBBLE, **text)


def _name(who):
    name = choose(voices.name(who.removesuffix(_PLAIN)))
    return t("talk.without_memory", name=name) if who.endswith(_PLAIN) else name


def _recommended(twin):
    """The temperature nearest to the one in the files that the step quantize wrote."""
    try:
        wanted = float(json_or(twin.file("params"), {})["temperature"])
    except (ValueError, OverflowError, KeyError, TypeError):
        wanted = 0.7
    return min(_TEMPERATURES, key=lambda value: abs(value - wanted))


def _messages(turns, voice):
    """The conversation so far as a voice remembers it: others' answers where it gave none."""
    messages = []
    for turn in turns:
        given = {name: each["text"] for name, each in turn["answers"].items() if _said(each)}
        answer = given.get(voice) or next(iter(given.values()), "")
        if answer:
            messages += [
                {"role": "user", "content": turn["question"]},
                {"role": "assistant", "content": answer},
            ]
    return messages


def _said(answer):
    return answer["state"] in ("done", "stopped") and bool(answer["text"].strip())


def _answer_markup(answer):
    """An answer as HTML, with what is going on."""
    if answer["state"] == "error":
        return f'<span style="color:rgb(200,60,60)">{esc(answer["text"])}</span>'
    text = esc(answer["text"])
    if answer["state"] == "done" and not text.strip():
        return _NOTE.format(esc(t("talk.empty_answer")))
    if answer["state"] == "stopped":
        return f"{text} {_NOTE.format(esc(t('talk.stopped_here')))}"
    return text + (_NOTE.format(esc(answer["note"])) if answer["note"] else "")


def _under(line):
    """A line under an answer as HTML; one with a source opens the passage."""
    text = esc(line["text"])
    if "passage" in line:
        before, quote, after = line["passage"].partition(line["quote"])
        passage = esc(before) + _MARK.format(esc(quote)) + esc(after)
        text = _OPENS.format(line=text, passage=passage)
    return _UNDER.format(text)
