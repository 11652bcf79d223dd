"""The chat in a notebook: requests, events, the conversation, and a real child process."""

import re
import threading
import time
from types import SimpleNamespace

import pytest
from conftest import ROOT, build_tiny_base
from widget_tree import inside

from twinlib import Twin
from twinlib.files import write_json
from twinlib.gguf import writer
from twinlib.models import gguf_vocabulary, load
from twinlib.talk import voices
from twinlib.talk.answering import Answering
from twinlib.ui import chat_box
from twinlib.ui.chat_box import ChatBox


class Recorded:
    """Takes the requests of a box instead of the child process."""

    def __init__(self):
        self.asked, self.stopped = [], []

    def listen(self, box):
        pass

    def ask(self, **request):
        self.asked.append(request)

    def stop(self, id):
        self.stopped.append(id)


@pytest.fixture
def box(twin):
    return ChatBox(twin, ["file", "base"], Recorded())


def say(box, text):
    box.box.value = text
    box.send_button.click()


def shown(box):
    """What stands in the conversation, as HTML."""
    texts = [text.value for turn in box.shown.children for text in turn.texts.values()]
    return "".join([turn.children[0].value for turn in box.shown.children] + texts)


def finish(box, *texts, end="done"):
    """Let the open requests end, in their order, with these texts."""
    for id, text in zip(list(box._pending), texts):
        box.take({"id": id, "end": end, "text": text})


def test_before_anybody_can_answer_a_sentence_says_why(twin):
    assert chat_box.chat(twin).text.startswith("· Nobody can answer yet: There is no GGUF file")


def test_a_question_is_sent_and_the_answer_appears_as_it_comes(box):
    say(box, " Hi? ")
    (request,) = box.answers.asked
    assert request["voice"] == "file" and request["temperature"] == 0.7
    assert request["messages"] == [{"role": "user", "content": "Hi?"}]
    assert box.box.value == "" and box.send_button.disabled
    assert "waiting its turn" in shown(box)
    box.take({"id": request["id"], "note": "Loading …"})
    assert "Loading …" in shown(box)
    box.take({"id": request["id"], "text": "Hel"})
    box._drawn = 0
    box.take({"id": request["id"], "text": "lo"})
    assert "Hello" in shown(box)
    finish(box, "Hello.")
    assert "Hello." in shown(box) and not box.send_button.disabled
    assert box.stop_button.layout.display == "none"


def test_what_was_said_goes_along_with_the_next_question(box):
    say(box, "One?"), finish(box, "1")
    say(box, "Two?")
    assert [turn["content"] for turn in box.answers.asked[-1]["messages"]] == ["One?", "1", "Two?"]


def test_side_by_side_each_has_its_own_conversation(box):
    box.beside.value = "base"
    say(box, "One?"), finish(box, "file 1", "base 1")
    say(box, "Two?")
    file, base = box.answers.asked[-2:]
    assert (file["voice"], base["voice"]) == ("file", "base")
    assert file["messages"][1]["content"] == "file 1"
    assert base["messages"][1]["content"] == "base 1"
    assert "the base alone" in shown(box) and "the twin&#x27;s file" in shown(box)


def test_with_and_without_memory_stand_side_by_side(twin):
    write_json(twin.report_path("memory"), {})
    box = ChatBox(twin, ["file"], Recorded())
    box.beside.value = "-plain"
    say(box, "One?"), finish(box, "with", "without")
    assert [(each["voice"], each["memory"]) for each in box.answers.asked] == [
        ("file", True),
        ("file", False),
    ]
    assert "the twin&#x27;s file, without memory" in shown(box)
    say(box, "Two?")
    assert [each["messages"][1]["content"] for each in box.answers.asked[2:]] == ["with", "without"]


@pytest.mark.parametrize("language", ["en", "zh"])
def test_what_is_far_from_all_texts_is_said_to_be_refused_with_memory_and_made_up_without(
    twin, language, monkeypatch
):
    monkeypatch.setenv("TWINLIB_LANG", language)
    with_memory = {
        "en": "says that you never wrote about it, or that it isn&#x27;t sure",
        "zh": "说不准",
    }
    without = {"en": "makes it up", "zh": "编一个"}
    assert without[language] in ChatBox(twin, ["file"], Recorded()).far_off.value
    write_json(twin.report_path("memory"), {})
    box = ChatBox(twin, ["file"], Recorded())
    assert with_memory[language] in box.far_off.value and box.far_off in box.children
    box.memory.value = False
    assert without[language] in box.far_off.value
    said = {
        "en": "says that you never wrote about it, or that it is not sure",
        "zh": "宁可这样，也不编",
    }
    notebook = ROOT / "notebooks" / language / "07_talk.ipynb"
    assert said[language] in notebook.read_text(encoding="utf-8")


def test_a_source_opens_the_passage_with_its_words_marked(box):
    say(box, "One?")
    [id] = box._pending
    line = {"text": "[1] from “A”", "quote": "b < c", "passage": "a. b < c. d"}
    box.take({"id": id, "end": "done", "text": "b.", "under": [line, {"text": "its own: x"}]})
    text = shown(box)
    assert "<details><summary" in text and "[1] from “A”</summary>" in text and "its own: x" in text
    assert re.search(r"a\. <mark[^>]*>b &lt; c</mark>\. d", text)


def test_no_button_under_an_answer_asks_for_a_judgement_that_nothing_reads(box):
    box.beside.value = "base"
    say(box, "Zero?"), finish(box, "0", "00")
    assert not [part for part in inside(box.shown) if hasattr(part, "click")]


def test_one_who_joins_later_knows_what_was_said(box):
    say(box, "One?"), finish(box, "1")
    box.voice.value = "base"
    say(box, "Two?")
    assert [turn["content"] for turn in box.answers.asked[-1]["messages"]] == ["One?", "1", "Two?"]


def test_stop_keeps_what_was_said_and_again_asks_for_another(box):
    box.beside.value = "base"
    say(box, "One?")
    box.stop_button.click()
    assert box.answers.stopped == [request["id"] for request in box.answers.asked]
    finish(box, "half a", "", end="stopped")
    assert "half a" in shown(box) and "(stopped)" in shown(box)
    box.again_button.click()
    assert box.answers.asked[-1]["seed"] == 2 and len(box.turns) == 1
    assert box.answers.asked[-1]["messages"] == [{"role": "user", "content": "One?"}]


def test_an_error_is_shown_and_no_part_of_the_conversation(box):
    say(box, "One?"), finish(box, "No memory.", end="error")
    assert "No memory." in shown(box)
    say(box, "Two?")
    assert len(box.answers.asked[-1]["messages"]) == 1


def test_a_child_that_dies_is_said(box):
    say(box, "One?")
    box.take({"ended": True})
    assert "most often the memory ran out" in shown(box) and not box._pending


@pytest.mark.parametrize("text", ["[]", '{"temperature": "warm"}', '{"temperature": null}'])
def test_damaged_parameters_keep_nobody_from_talking(twin, text):
    twin.folder("quantize")
    twin.file("params").write_text(text, encoding="utf-8")
    assert ChatBox(twin, ["file"], Recorded()).temperature.value == 0.7


def test_what_one_box_stopped_or_waits_for_is_not_another_boxs(twin):
    shared = Recorded()
    first, second = (ChatBox(twin, ["file"], shared) for _ in range(2))
    say(first, "One?")
    first.stop_button.click()
    say(second, "Two?")
    one, two = (request["id"] for request in shared.asked)
    assert shared.stopped == [one] and one != two
    answers = chat_box.Answers(twin)
    for box in (first, second):
        answers.listen(box)
    for id, end, text in ((one, "stopped", "On"), (two, "done", "Two.")):
        answers._pass_on({"id": id, "end": end, "text": text})
    assert first.turns[0]["answers"]["file"]["text"] == "On" and not first._pending
    assert second.turns[0]["answers"]["file"]["text"] == "Two." and not second._pending


def test_a_new_conversation_forgets_and_late_words_are_dropped(box):
    say(box, "One?"), finish(box, "1")
    box.forget_button.click()
    box.take({"id": box.answers.asked[0]["id"], "text": "late"})
    assert shown(box) == "" and box.turns == []


def test_nothing_that_is_said_is_markup(box):
    say(box, "<b>me</b>"), finish(box, "<img src=x onerror=alert(1)>")
    assert "<b>me" not in shown(box) and "<img" not in shown(box)


# The process that answers


class Slow:
    """Voices that say a word at a time until they are stopped."""

    twin = SimpleNamespace(author="Ning")

    def answer(self, voice, messages, on_text, **sampling):
        self.say("loading")
        for word in range(1000):
            on_text(f"{word} ")
            time.sleep(0.01)
        raise AssertionError("was not stopped")


def test_a_request_is_stopped_in_the_middle_and_one_that_waits_never_starts():
    events, first = [], threading.Event()

    def send(event):
        events.append(event)
        if event.get("text", "").startswith("3"):
            first.set()

    answering = Answering(Slow(), send)
    for id in (1, 2):
        answering.take({"id": id, "voice": "file", "messages": []})
    thread = threading.Thread(target=answering.run)
    thread.start()
    assert first.wait(20)
    answering.take({"stop": 2})
    answering.take({"stop": 1})
    answering.take(None)
    thread.join(20)
    ends = {event["id"]: event for event in events if "end" in event}
    assert ends[1]["end"] == ends[2]["end"] == "stopped"
    assert ends[1]["text"].startswith("0 1 2 3 ") and ends[2]["text"] == ""
    assert events[:2] == [{"id": 1, "note": "thinking …"}, {"id": 1, "note": "loading"}]


def test_without_requests_the_process_ends_by_itself():
    Answering(Slow(), print).run(idle=0.01)


@pytest.mark.slow
def test_file_and_base_answer_in_a_child_process_and_can_be_stopped(tmp_path):
    base = load.prepare(str(build_tiny_base(tmp_path / "base")))
    twin = Twin.open(tmp_path / "demo")
    twin.remember(base={"name": str(base.path), "revision": base.revision})
    tokenizer = load.tokenizer(base)
    twin.folder("quantize")
    card = {"name": "tiny", "template": tokenizer.chat_template}
    vocabulary = gguf_vocabulary.read(tokenizer, 600, load.end_tokens(tokenizer))
    writer.write(base.path, {"Q8_0": twin.gguf("Q8_0")}, vocabulary, card)
    assert voices.missing(twin, "file") == voices.missing(twin, "base") == ""
    assert "twinlib persona" in voices.missing(twin, "twin")
    box = chat_box.chat(twin)
    try:
        assert [value for _, value in box.voice.options] == ["file", "prompt", "base"]
        box.beside.value = "base"
        say(box, "你好？")
        answers = box.turns[0]["answers"]
        wait_for(lambda: answers["file"]["text"])
        box.stop_button.click()
        wait_for(lambda: not box._pending)
        assert {answers[voice]["state"] for voice in answers} <= {"done", "stopped"}
        box.voice.value, box.beside.value = "base", ""
        say(box, "Hi?")
        wait_for(lambda: not box._pending)
        last = box.turns[1]["answers"]["base"]
        assert last["state"] == "done", last
    finally:
        box.answers.close()


def wait_for(happens, seconds=120):
    deadline = time.monotonic() + seconds
    while not happens():
        assert time.monotonic() < deadline
        time.sleep(0.05)
