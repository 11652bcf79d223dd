"""Talking in the terminal: one question, a conversation from standard input, and polite ends."""

import io
import os
import pty
import signal
import subprocess
import sys
import time

import pytest

from twinlib import Twin, settings
from twinlib.corpus import step as corpus
from twinlib.evaluate import step as evaluate
from twinlib.files import TwinError, write_json
from twinlib.gguf import step as quantize
from twinlib.gguf import tokenizer as gguf_vocabulary
from twinlib.gguf import writer
from twinlib.models import load
from twinlib.models.llama_cpp import Llama
from twinlib.progress import Progress
from twinlib.talk import chat


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


@pytest.mark.slow
def test_ctrl_c_ends_a_conversation_politely(talking_twin):
    code = (
        "import sys; from twinlib import Twin, settings; from twinlib.progress import Progress; "
        "from twinlib.talk import chat as talk; twin = Twin.open(sys.argv[1]); "
        "talk.run(twin, settings.make('talk'), Progress(twin.history('talk'), 'talk'))"
    )
    mine, theirs = pty.openpty()
    child = subprocess.Popen(
        [sys.executable, "-c", code, str(talking_twin.path)],
        stdin=theirs,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        first = child.stdout.readline()
        time.sleep(0.3)
        child.send_signal(signal.SIGINT)
        rest, _ = child.communicate(timeout=20)
    finally:
        child.kill()
        os.close(mine), os.close(theirs)
    assert "twin of Ning" in first and rest.endswith("Bye.\n") and child.returncode == 0


@pytest.mark.slow
def test_a_long_conversation_forgets_its_beginning(talking_twin):
    with Llama(talking_twin.gguf("Q8_0"), context=256) as llama:
        turns = [
            {"role": "user", "content": "a b c " * 10},
            {"role": "assistant", "content": "d e f " * 10},
        ] * 3
        last = {"role": "user", "content": "and now?"}
        kept = chat.newest_messages(llama, [*turns, last], reserved=50)
        assert kept[-1] == last and kept[0]["role"] == "user" and len(kept) < 7
        assert len(llama.tokenize(llama.prompt(kept))) + 50 <= 256


@pytest.mark.slow
def test_a_line_that_is_too_long_does_not_end_the_chat(talking_twin, capsys, monkeypatch, request):
    write_json(talking_twin.file("params"), {"num_ctx": 256})
    request.addfinalizer(talking_twin.file("params").unlink)
    monkeypatch.setattr(sys, "stdin", io.StringIO("Hi?\n" + "a b c " * 400 + "\nAnd now?\n"))
    run(talking_twin)
    out = capsys.readouterr().out
    assert "longer than the context of 256 tokens: shorten it" in out and out.endswith("Bye.\n")
    assert len(out.split("larger context.\n")[1]) > len("Bye.\n")  # the line after it is answered


def test_a_twin_without_a_params_file_sees_the_usual_context(twin):
    assert chat.context_length(twin) == 4096
    write_json(twin.file("params"), ["?"])
    assert chat.context_length(twin) == 4096


def test_in_both_languages_a_problem_is_said_once(twin, monkeypatch):
    monkeypatch.setenv("TWINLIB_LANG", "both")
    assert chat.problems(settings.make("talk"), twin)[0].text.count(" · ") == 1
    assert corpus.problems(settings.Corpus(raw_share=2.0), twin)[0].text.count(" · ") == 1
    assert [
        p.text.count(" · ") for p in quantize.problems(settings.Quantize(types="Q9"), twin)
    ] == [1, 1]
    assert evaluate.problems(settings.Evaluate(), twin)[0].text.count(" · ") == 1


def test_without_a_file_the_problem_names_the_step(twin):
    assert "run the step 'quantize'" in chat.problems(settings.make("talk"), twin)[0].text
    with pytest.raises(TwinError, match="wanted: q4_k_m; there: none"):
        chat.gguf_file(twin, "q4_k_m")


def test_the_best_file_that_memory_has_room_for_talks(twin, monkeypatch):
    import psutil

    twin.folder("quantize")
    for kind, size in (("Q4_K_M", 500), ("Q5_K_M", 600), ("F16", 2000), ("Q8_0", 1000)):
        twin.gguf(kind).write_bytes(bytes(size))
    twin.gguf("Q6_K").with_name("demo-Q6_K.gguf.failed").write_bytes(bytes(700))
    memory = type(psutil.virtual_memory())
    for free, kind in ((10_000, "Q8_0"), (1500, "Q5_K_M"), (900, "Q4_K_M"), (100, "Q4_K_M")):
        monkeypatch.setattr(psutil, "virtual_memory", lambda: memory(*[free] * len(memory._fields)))
        assert chat.gguf_file(twin) == twin.gguf(kind)
    assert chat.gguf_file(twin, "f16") == twin.gguf("F16")
    with pytest.raises(TwinError, match="wanted: Q6_K; there: Q8_0, Q5_K_M, Q4_K_M, F16"):
        chat.gguf_file(twin, "Q6_K")
