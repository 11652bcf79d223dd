"""llama.cpp behind one class: the same tokens as the tokenizer, ended or cut off, JSON held to a
schema, in order."""

import http.client
import json
import stat
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from conftest import build_tiny_base

from twinlib.files import TwinError
from twinlib.gguf import writer
from twinlib.models import gguf_vocabulary, load
from twinlib.models.exportable import read_config
from twinlib.models.families import family_of
from twinlib.models.llama_cpp import Halt, Halted, Llama
from twinlib.text import templates
from twinlib.twin import Stopped

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """written(base, sampling): a tiny base as a GGUF file that recommends it."""

    def write(base, **sampling):
        path = tmp_path_factory.mktemp("gguf") / "tiny.gguf"
        tokenizer = load.tokenizer(load.prepare(str(base)))
        own = family_of(read_config(base)).tokenizer
        vocabulary = gguf_vocabulary.read(tokenizer, 600, load.end_tokens(tokenizer), own)
        writer.write(
            base,
            {"F16": path},
            vocabulary,
            {"name": "tiny", "template": tokenizer.chat_template, "sampling": sampling},
        )
        return path

    return write


@pytest.fixture(scope="module")
def made(tiny_base, written):
    """made(sampling): the tiny base as a GGUF file that recommends it."""
    return lambda **sampling: written(tiny_base, **sampling)


@pytest.fixture(scope="module")
def gguf(made):
    return made()


@pytest.fixture(scope="module")
def llama(gguf):
    with Llama(gguf, context=512) as llama:
        yield llama


def ask(text):
    return [{"role": "user", "content": text}]


def test_tokens_are_those_of_the_tokenizer(llama, tiny_base):
    tokenizer = load.tokenizer(load.prepare(str(tiny_base)))
    for text in ("Hello, world!", "修车不急。\n\n好", "<|im_start|>user\nhi<|im_end|>"):
        assert llama.tokenize(text) == tokenizer(text)["input_ids"]
    assert llama.tokenize("<|im_end|>") == [2]
    assert len(llama.tokenize("<|im_end|>", special=False)) > 1


def test_a_control_token_in_a_question_is_letters(llama, monkeypatch):
    sent = []
    monkeypatch.setattr(llama, "complete", lambda prompt, *_, **__: sent.append(prompt))
    llama.chat(ask("is <|im_end|> it"))
    llama.chat(ask("is it"))
    assert sent[1] == llama.prompt(ask("is it"))
    assert sent[0].count(2) == 1  # the template's own
    before = llama.tokenize("<|im_start|>user\nis ")
    assert sent[0][: len(before)] == before


def test_the_prompt_is_that_of_the_files_template(llama):
    assert llama.prompt(ask("hi")) == "<|im_start|>user\nhi<|im_end|>\n<|im_start|>assistant\n"


def test_an_answer_that_was_cut_off_has_not_ended(llama):
    answer = llama.chat(ask("hi"), max_tokens=5, seed=3)
    assert (answer.ended, answer.tokens) == (False, 5) and answer.seconds > 0
    assert llama.complete("hi", max_tokens=5).tokens == 5


def test_the_same_seed_says_the_same_and_another_something_else(llama):
    said = [
        llama.chat(ask("hi"), max_tokens=20, temperature=1.0, seed=seed).text for seed in (1, 1, 2)
    ]
    assert said[0] == said[1] != said[2]


def test_llama_cpp_takes_the_sampling_that_a_file_recommends(made):
    sampling = templates.sampling(0.65, 0.85)
    with Llama(made(**sampling), context=256) as llama:
        taken = llama.request("/props")["default_generation_settings"]["params"]
    assert {name: taken[name] for name in sampling} == pytest.approx(sampling)


def test_only_who_asks_for_it_gets_the_recommended_sampling(made, llama):
    with Llama(made(temperature=2.0, top_k=1, repeat_penalty=9.0), context=512) as other:
        likeliest = {
            other.chat(ask("hi"), 20, None, seed=seed, recommended=True).text for seed in (1, 2)
        }
        hot = {other.chat(ask("hi"), 20, 2.0, seed=seed).text for seed in (1, 2)}
        assert (len(likeliest), len(hot)) == (1, 2)
        ids = llama.tokenize("one two one two one two")
        assert (
            other.greedy(ids, 20) == llama.greedy(ids, 20) and len(set(llama.greedy(ids, 20))) < 20
        )
        assert (
            other.chat(ask("hi"), 20, 0).text == llama.chat(ask("hi"), 20, 0).text not in likeliest
        )


def test_cuts_are_made_where_they_are_asked_for(llama):
    assert len({llama.chat(ask("hi"), 20, 2.0, seed=seed, top_k=1).text for seed in (1, 2)}) == 1
    assert len({llama.chat(ask("hi"), 20, 2.0, seed=seed, min_p=1.0).text for seed in (1, 2)}) == 1
    likeliest, varied = (
        llama.chat(ask("hi"), 40, 0.7, top_k=1, repeat_penalty=penalty).text
        for penalty in (1.0, 9.0)
    )
    assert likeliest != varied
    assert [a.text for a in llama.chat_many([ask("hi")], 20, 2.0, top_k=1)] == [
        llama.chat(ask("hi"), 20, 2.0, top_k=1).text
    ]


def test_pieces_that_are_heard_make_up_the_answer(llama):
    pieces = []
    answer = llama.chat(ask("hi"), max_tokens=20, on_text=pieces.append)
    assert len(pieces) > 3 and "".join(pieces) == answer.text and answer.tokens == 20


def test_json_is_held_to_its_schema_and_ends(llama):
    schema = {
        "type": "object",
        "properties": {"a": {"enum": ["yes", "no"]}},
        "required": ["a"],
        "additionalProperties": False,
    }
    answer = llama.chat(ask("hi"), max_tokens=100, schema=schema)
    assert json.loads(answer.text)["a"] in ("yes", "no") and answer.ended


def test_many_answers_come_in_the_order_of_their_questions(llama):
    questions, seen = [ask("a" * n) for n in (1, 40, 3, 25, 5, 1)], []
    answers = llama.chat_many(
        questions, max_tokens=12, temperature=0, progress=lambda d, n, note: seen.append((d, n))
    )
    # Which of the nearly equal logits of a random model wins may differ in a batch, but not for
    # most questions.
    alone = [llama.chat(question, max_tokens=12, temperature=0).text for question in questions]
    assert sum(a.text == b for a, b in zip(answers, alone)) >= 4
    assert seen == [(n, 6) for n in range(1, 7)]


def test_an_answer_ends_where_it_is_told_and_one_that_was_cut_off_is_ended_by_a_text(llama):
    whole = llama.chat(ask("hi"), 30, temperature=0).text
    cut = llama.chat(ask("hi"), 30, temperature=0, until=lambda text: len(text) >= 9)
    assert cut.ended and 9 <= len(cut.text) < 30 and whole.startswith(cut.text)
    deadline = time.monotonic() + 20
    while any(slot["is_processing"] for slot in llama.request("/slots")):
        assert time.monotonic() < deadline
    last = llama.chat(ask("hi"), 5, temperature=0, ending=("\nSo:", 3))
    assert last.tokens == 8 and last.text.startswith(
        llama.chat(ask("hi"), 5, temperature=0).text + "\nSo:"
    )
    heard, endings = {}, [("\nA:", 2), ("\nB:", 2)]
    answers = llama.chat_many(
        [ask("a"), ask("b")], 4, temperature=0, endings=endings, on_answer=heard.__setitem__
    )
    assert answers == [heard[0], heard[1]] and "\nB:" in answers[1].text


def test_what_many_conversations_begin_with_is_computed_once(gguf, monkeypatch):
    system, computed = {"role": "system", "content": "You mend bicycles. " * 8}, []
    questions = [[system, *ask(f"{letter}?")] for letter in "abcdefgh"]
    request = Llama.request

    def counted(llama, path, body=None, halt=None):
        answer = request(llama, path, body, halt)
        if path == "/completion":
            computed.append(answer["timings"]["prompt_n"])
        return answer

    with Llama(gguf, context=2048, slots=4) as llama:
        alone = [llama.chat(question, 3, temperature=0).text for question in questions]
        monkeypatch.setattr(Llama, "request", counted)
        length = len(llama.tokenize(llama.prompt(questions[0])))
    with Llama(gguf, context=2048, slots=4) as llama:
        answers = llama.chat_many(questions, 3, temperature=0)
        first, *others = computed
        assert first > length / 2 and len(others) == 8
        assert all(count == length - first for count in others), "what differs, and no more"
        llama.chat_many(questions, 3, temperature=0)
        assert len(computed) == 17, "what the slots hold is not computed again"
    assert sum(a.text == b for a, b in zip(answers, alone)) >= 6


@pytest.mark.parametrize("family", ["gemma3", "qwen3.5"])
def test_a_copied_beginning_changes_no_answer_of_models_with_windows_or_states(
    family, tmp_path, written
):
    path = written(build_tiny_base(tmp_path / "base", family))
    system = {"role": "system", "content": "You mend bicycles. " * 8}
    questions = [[system, *ask(text)] for text in ("a?", "bb?", "c d?", "修车？", "e!", "f.")] * 2
    with Llama(path, context=2048, slots=4) as llama:
        answers = llama.chat_many(questions, 8, temperature=0)
        assert llama._shared, "the beginning was copied"
    with Llama(path, context=2048, slots=1) as llama:
        alone = [llama.chat(question, 8, temperature=0).text for question in questions]
    assert sum(a.text == b for a, b in zip(answers, alone)) >= 10


def test_a_stop_ends_many_answers(llama):
    def stop(done, total, note):
        raise Stopped

    with pytest.raises(Stopped):
        llama.chat_many([ask("hi")] * 50, max_tokens=5, progress=stop)


def test_too_long_a_conversation_names_the_context(llama):
    with pytest.raises(TwinError, match="context of 512 tokens: shorten it"):
        llama.chat(ask("long " * 600))


def test_a_missing_or_damaged_file_is_a_sentence(tmp_path):
    with pytest.raises(TwinError, match="twinlib quantize first"):
        Llama(tmp_path / "none.gguf")
    (tmp_path / "bad.gguf").write_bytes(b"GGUF not really")
    with pytest.raises(TwinError, match="bad.gguf: the file is damaged"):
        Llama(tmp_path / "bad.gguf")


def test_loading_and_talking_print_nothing_and_ignore_a_proxy(gguf):
    code = (
        "import sys; from twinlib.models.llama_cpp import Llama\n"
        "with Llama(sys.argv[1], 256) as llama:\n"
        "    llama.chat([{'role': 'user', 'content': 'hi'}], max_tokens=3)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, gguf],
        capture_output=True,
        text=True,
        timeout=60,
        env={"http_proxy": "http://127.0.0.1:9", "PATH": "/usr/bin:/bin"},
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def asked(host, port, method="GET", path="/slots", **headers):
    """(status, headers, text) of what a page would send to llama.cpp's server."""
    connection = http.client.HTTPConnection(host, port, timeout=20)
    connection.request(method, path, headers={k.replace("_", "-"): v for k, v in headers.items()})
    answer = connection.getresponse()
    return answer.status, answer.headers, answer.read().decode()


def test_no_port_is_open_and_the_socket_is_its_owners(gguf):
    import psutil

    def ports():
        return {c.laddr for c in psutil.Process().net_connections("tcp") if c.status == "LISTEN"}

    before = ports()
    with Llama(gguf, context=256) as llama:
        assert ports() == before
        folder = Path(llama._door._folder.name)
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700 and list(folder.iterdir())
    assert not folder.exists()


def test_where_there_are_only_ports_no_page_and_nobody_without_the_key_is_answered(
    gguf, monkeypatch
):
    monkeypatch.delattr("socket.AF_UNIX")  # as on Windows
    with Llama(gguf, context=256) as llama:
        host, port = llama._door._address.split(":")
        assert host == "127.0.0.1" and llama.chat(ask("hi"), 5).tokens == 5
        evil = {"Origin": "https://evil.example"}
        for path in ("/slots", "/props", "/v1/models"):
            for headers in (evil, {"Host": "evil.example"}, {"Authorization": "Bearer guess"}, {}):
                status, given, _ = asked(host, port, path=path, **headers)
                assert status == 401 and not given["Access-Control-Allow-Origin"]
        for method in ("POST", "GET"):
            wanted = {"Access_Control_Request_Method": method}
            _, given, _ = asked(host, port, "OPTIONS", "/completion", **evil, **wanted)
            assert given["Access-Control-Allow-Origin"] == ""
            assert given["Access-Control-Allow-Credentials"] != "true"


def test_another_thread_ends_an_answer_before_its_first_word_and_in_its_middle(llama):
    for words in (0, 3):
        halt, pieces, ended = Halt(), [], []

        def hear(piece):
            pieces.append(piece)
            if len(pieces) == words:
                halt()

        def run():
            try:
                llama.chat(ask("hi"), max_tokens=400, on_text=hear, halt=halt)
            except Halted:
                ended.append(len(pieces))

        if not words:
            halt()
        thread = threading.Thread(target=run)
        thread.start()
        thread.join(20)
        assert ended and ended[0] < 50
    deadline = time.monotonic() + 20
    while any(slot["is_processing"] for slot in llama.request("/slots")):
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_an_answer_ends_before_a_stop_text(llama):
    whole = llama.chat(ask("hi"), max_tokens=40, temperature=0).text
    stop = whole[5:9]
    cut = llama.chat(ask("hi"), max_tokens=40, temperature=0, stop=[stop])
    assert cut.ended and cut.text == whole[: whole.index(stop)]
    assert cut.prompt_tokens == len(llama.tokenize(llama.prompt(ask("hi"))))
