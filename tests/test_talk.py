"""Talking in the terminal: one question, a conversation from standard input, and polite ends."""

import io
import os
import pty
import select
import signal
import subprocess
import sys
import time

import pytest

from twinlib import Twin, settings
from twinlib.corpus import step as corpus
from twinlib.evaluate import step as evaluate
from twinlib.files import TwinError, write_json, write_records
from twinlib.gguf import step as quantize
from twinlib.gguf import writer
from twinlib.memory import index, recall
from twinlib.models import gguf_vocabulary, load
from twinlib.progress import Progress
from twinlib.talk import chat, voices


@pytest.fixture(scope="module")
def talking_twin(tmp_path_factory, tiny_base):
    """A twin with a Q8_0 file of the tiny base."""
    twin = Twin.open(tmp_path_factory.mktemp("talking") / "demo")
    tokenizer = load.tokenizer(load.prepare(str(tiny_base)))
    vocabulary = gguf_vocabulary.read(tokenizer, 600, load.end_tokens(tokenizer))
    twin.folder("quantize")
    twin.remember(author="Ning")
    writer.write(
        tiny_base,
        {"Q8_0": twin.gguf("Q8_0")},
        vocabulary,
        {"name": "tiny", "template": tokenizer.chat_template},
    )
    return twin


def run(twin, **values):
    return chat.run(
        twin, settings.make("talk", tokens=8, **values), Progress(twin.history("talk"), "talk")
    )


@pytest.mark.slow
def test_one_question_gets_one_answer(talking_twin, capsys):
    outcome = run(talking_twin, question="Hi?", temperature=0)
    assert len(capsys.readouterr().out.strip()) > 3 and outcome.figures == {}


@pytest.mark.slow
def test_lines_of_standard_input_are_answered_until_they_end(talking_twin, capsys, monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.StringIO("Hi?\n\n再说一句\n"))
    run(talking_twin)
    out = capsys.readouterr().out
    assert out.endswith("Bye.\n") and len(out) > 10 and ">" not in out.splitlines()[0][:2]


@pytest.mark.slow
def test_bye_ends_before_the_next_line(talking_twin, capsys, monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.StringIO("/bye\nHi?\n"))
    run(talking_twin)
    assert capsys.readouterr().out == "Bye.\n"


class Terminal:
    """A chat in a pseudo-terminal: what is typed, and what has been shown so far."""

    def __init__(self, path, *flags):
        self.ours, theirs = pty.openpty()
        command = [sys.executable, "-m", "twinlib", "talk", "--twin", str(path), *flags]
        self.child = subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs)
        os.close(theirs)
        self.shown, self.found = "", 0

    def type(self, text):
        os.write(self.ours, text.encode())

    def wait_for(self, text, seconds=60):
        """Read until `text` has been shown after what was waited for before."""
        deadline = time.monotonic() + seconds
        while text not in self.shown[self.found :] and time.monotonic() < deadline:
            if select.select([self.ours], [], [], 0.2)[0]:
                try:
                    self.shown += os.read(self.ours, 4096).decode(errors="replace")
                except OSError:  # the child has ended
                    break
        assert text in self.shown[self.found :], self.shown
        self.found = self.shown.index(text, self.found) + len(text)


@pytest.fixture
def terminal(talking_twin):
    opened = []

    def start(*flags):
        opened.append(Terminal(talking_twin.path, *flags))
        return opened[-1]

    yield start
    for each in opened:
        each.child.kill()
        each.child.wait()
        os.close(each.ours)


@pytest.mark.slow
def test_ctrl_c_stops_the_answer_and_at_the_prompt_ends_the_chat(terminal):
    chat = terminal("--tokens", "4000")
    chat.wait_for("> ")
    chat.type("Tell me everything.\n")
    chat.wait_for("Loading demo-Q8_0.gguf …\r\n")
    chat.child.send_signal(signal.SIGINT)  # while it loads, or writes
    chat.child.send_signal(signal.SIGINT)
    chat.wait_for("(stopped; Ctrl-C again or /bye ends the chat)")
    chat.wait_for("> ")
    assert chat.child.poll() is None
    time.sleep(0.5)  # until it reads
    chat.child.send_signal(signal.SIGINT)
    chat.wait_for("Bye.")
    assert chat.child.wait(20) == 0


@pytest.mark.slow
def test_the_commands_of_the_chat(terminal, tmp_path):
    chat = terminal("--tokens", "8")
    chat.wait_for("> ")
    chat.type("/help\n")
    chat.wait_for("/again   another answer to the last question")
    chat.type("/twin\n")
    chat.wait_for("There is no base model yet: run ")
    chat.type("/file Hi?\n")
    chat.wait_for("Now answers: the twin's file.")
    chat.wait_for("> ")
    chat.type("/again\n")
    chat.wait_for("> ")
    chat.type("/new\n")
    chat.wait_for("A new conversation.")
    chat.wait_for("> ")
    chat.type(f"/save {tmp_path}/talk.md\n")
    chat.wait_for("Nothing was said yet.")
    chat.wait_for("> ")
    chat.type("您好吗们\x7f呀\x1b[D\x1b[D\x7f\n")  # backspace, arrows: whole characters
    chat.wait_for("\n")
    chat.wait_for("> ")
    chat.type("/sources\n")
    chat.wait_for("The last answer rests on no passage.")
    chat.type("/plain\n")
    chat.wait_for("Now without memory")
    chat.type(f"/save {tmp_path}/talk.md\n")
    chat.wait_for("Saved: ")
    chat.wait_for("> ")
    assert (tmp_path / "talk.md").read_text("utf-8").startswith("**You**\n\n您吗呀\n\n**demo**\n")
    chat.type(f"/save {tmp_path}/talk.md\n")
    chat.wait_for("is there already")
    chat.type("/bye\n")
    chat.wait_for("Bye.")
    assert chat.child.wait(20) == 0


@pytest.mark.slow
def test_who_has_seen_enough_ends_it_quietly(talking_twin):
    command = [sys.executable, "-m", "twinlib", "talk", "--twin", str(talking_twin.path)]
    chat = subprocess.Popen(
        [*command, "--tokens", "2000"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    chat.stdin.write(b"Hi?\n" * 3)
    chat.stdin.close()
    chat.stdout.read(1)
    chat.stdout.close()
    assert chat.wait(60) == 0
    said = chat.stderr.read().decode()
    chat.stderr.close()
    assert "Broken" not in said and "Traceback" not in said and "Exception" not in said


def test_sources_shows_the_passages_whole(twin, capsys):
    write_records(twin.file("documents"), [{"id": "d", "title": "茶", "text": "", "date": "2011"}])
    text = "我的茶是寿眉，四十块一斤。茶要烫。"
    write_records(
        twin.file("passages"), [{"id": "p", "document": "d", "text": text, "split": "train"}]
    )
    index.write(twin, index.gather(twin))
    talk = chat.Chat(twin, None, settings.Talk(), recall.Memory(twin))
    talk._command("sources")
    talk.sources = [recall.Source("茶", "2011", "茶要烫。", "p")]
    talk._command("sources")
    assert capsys.readouterr().out == (
        f"The last answer rests on no passage.\n[1] 茶 · 2011\n{text}\n\n"
    )


def test_a_long_conversation_forgets_its_beginning_but_not_who_answers():
    system = [{"role": "system", "content": "You are Ning."}]
    turns = [
        {"role": "user", "content": "a b c"},
        {"role": "assistant", "content": "d e f"},
    ] * 3
    last = {"role": "user", "content": "and now?"}

    def words(messages):
        return sum(len(message["content"].split()) for message in messages)

    kept = voices.newest_turns(system, [*turns, last], words, 12)
    assert kept == [*system, *turns[:2], last]
    assert voices.newest_turns([], [last], words, 1) == [last]


@pytest.mark.slow
def test_a_line_that_is_too_long_does_not_end_the_chat(talking_twin, capsys, monkeypatch, request):
    write_json(talking_twin.file("params"), {"num_ctx": 256})
    request.addfinalizer(talking_twin.file("params").unlink)
    monkeypatch.setattr(sys, "stdin", io.StringIO("Hi?\n" + "a b c " * 400 + "\nAnd now?\n"))
    run(talking_twin)
    out = capsys.readouterr().out
    assert "longer than the context of 256 tokens: shorten it" in out and out.endswith("Bye.\n")
    assert len(out.split("larger context.\n")[1]) > len("Bye.\n")  # the line after it is answered


def test_a_twin_is_told_what_it_was_trained_with_and_the_prompted_base_the_language(twin):
    twin.remember(system_prompt="I am Ning.", persona_prompt="Ning wrote:", languages=["en", "zh"])
    assert voices.system_prompt(twin, "file", "Hi?") == "I am Ning."  # as in training
    assert voices.system_prompt(twin, "twin", "你好？") == "I am Ning."
    assert voices.system_prompt(twin, "prompt", "Hi?") == "Ning wrote:\nAnswer in English."
    assert voices.system_prompt(twin, "base", "Hi?") == ""
    twin.remember(languages=["zh"])
    assert voices.system_prompt(twin, "file", "Hi?") == "I am Ning."


def test_a_twin_without_a_params_file_sees_the_usual_context(twin):
    assert voices.context_length(twin) == 4096
    write_json(twin.file("params"), ["?"])
    assert voices.context_length(twin) == 4096


def test_in_both_languages_a_problem_is_said_once(twin, monkeypatch):
    monkeypatch.setenv("TWINLIB_LANG", "both")
    assert chat.problems(settings.make("talk"), twin)[0].text.count(" · ") == 1
    assert corpus.problems(settings.Corpus(raw_share=2.0), twin)[0].text.count(" · ") == 1
    assert [
        p.text.count(" · ") for p in quantize.problems(settings.Quantize(types="Q9"), twin)
    ] == [1, 1]
    assert evaluate.problems(settings.Evaluate(), twin)[0].text.count(" · ") == 1


def test_without_a_file_the_problem_names_the_step(twin):
    assert "twinlib quantize" in chat.problems(settings.make("talk"), twin)[0].text
    with pytest.raises(TwinError, match="wanted: q4_k_m; there: none"):
        voices.gguf_file(twin, "q4_k_m")


def test_the_best_file_that_memory_has_room_for_talks(twin, monkeypatch):
    import psutil

    twin.folder("quantize")
    for kind, size in (("Q4_K_M", 500), ("Q5_K_M", 600), ("F16", 2000), ("Q8_0", 1000)):
        twin.gguf(kind).write_bytes(bytes(size))
    twin.gguf("Q6_K").with_name("demo-Q6_K.gguf.failed").write_bytes(bytes(700))
    memory = type(psutil.virtual_memory())
    for free, kind in ((10_000, "Q8_0"), (1500, "Q5_K_M"), (900, "Q4_K_M"), (100, "Q4_K_M")):
        monkeypatch.setattr(psutil, "virtual_memory", lambda: memory(*[free] * len(memory._fields)))
        assert voices.gguf_file(twin) == twin.gguf(kind)
    assert voices.gguf_file(twin, "f16") == twin.gguf("F16")
    with pytest.raises(TwinError, match="wanted: Q6_K; there: Q8_0, Q5_K_M, Q4_K_M, F16"):
        voices.gguf_file(twin, "Q6_K")
