"""Questions from an OpenAI-compatible API: a real server here, its faults, the key, and consent."""

import email.utils
import json
import threading
import time
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from question_passages import TEXTS, json_of, passage

from twinlib.corpus.questions import validate
from twinlib.corpus.questions.api import (
    NoAnswer,
    QuestionApi,
    address_problem,
    announcement,
    consent_problem,
    retry_after,
)
from twinlib.corpus.questions.model import ask_all
from twinlib.files import TwinError
from twinlib.settings import make


class Script(BaseHTTPRequestHandler):
    """Answers by `server.script`: functions from JSON to (status, headers, body)."""

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
    """A server on loopback that follows the script, its last step for ever."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Script)
    server.script, server.seen, server.lock = script, [], threading.Lock()
    server.busy = server.most = 0
    server.url = f"http://127.0.0.1:{server.server_port}/v1"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()


def completion(text):
    body = json.dumps({"choices": [{"message": {"content": text}}]}).encode()
    return lambda wish: (200, {}, body)


def refusal(status, body=b"{}", **headers):
    headers = {name.replace("_", "-"): value for name, value in headers.items()}
    return lambda wish: (status, headers, body)


GOOD = completion(json_of("Who mended the kettle?"))


def quiet(*_, **__):
    """A progress that nobody watches."""


def quick(url):
    return QuestionApi(url, "asker-1", waits=(0.01, 0.01), timeout=1)


def test_a_service_gets_the_passage_the_schema_and_the_key(monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "sk-secret")
    with serving(GOOD) as server:
        assert quick(server.url)(passage(), 0) == json_of("Who mended the kettle?")
        path, headers, wish = server.seen[0]
    assert path == "/v1/chat/completions" and headers["Authorization"] == "Bearer sk-secret"
    assert wish["model"] == "asker-1" and wish["messages"][1]["content"] == TEXTS["en"]
    assert wish["response_format"]["json_schema"]["schema"]["required"] == ["questions"]


def test_a_proxy_gets_nothing_that_stays_on_this_machine(monkeypatch):
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    monkeypatch.setenv("all_proxy", "socks5://127.0.0.1:9")
    with serving(GOOD) as server:
        assert quick(server.url)(passage(), 0)


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
        lambda wish: (200, {}, b" " * 2**21 + GOOD(wish)[2]),
    ],
    ids="busy down late nothing html no-choices a-list torn slow deep huge".split(),
)
def test_passing_faults_are_tried_again(fault, tmp_path):
    with serving(fault, GOOD) as server:
        found, failures = ask_all([passage()], quick(server.url), tmp_path / "log", "m", quiet)
    assert found == {"1": ["Who mended the kettle?"]} and not failures


@pytest.mark.parametrize("value, least", [("0.4", 0.4), ("in a while", 0), ("-5", 0)])
def test_retry_after_is_honoured(value, least):
    with serving(refusal(429, Retry_After=value), GOOD) as server:
        started = time.monotonic()
        quick(server.url)(passage(), 0)
        assert least <= time.monotonic() - started < least + 1
    assert retry_after(email.utils.formatdate(time.time() + 30)) == pytest.approx(30, abs=2)


def test_a_service_that_stays_silent_leaves_the_passage_unanswered():
    with serving(refusal(500)) as server, pytest.raises(NoAnswer):
        quick(server.url)(passage(), 0)
    with pytest.raises(NoAnswer):
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
        (307, b"", "HTTP 307"),
    ],
)
def test_what_waiting_cannot_mend_ends_it_in_a_sentence_without_the_key(
    status, body, sentence, monkeypatch, tmp_path
):
    monkeypatch.setenv("OPENAI_API_KEY", "sk-secret")
    with serving(refusal(status, body, Location="http://127.0.0.1:9/elsewhere")) as server:
        with pytest.raises(TwinError, match=sentence) as error:
            ask_all([passage()], quick(server.url), tmp_path / "log", "m", quiet)
    assert "sk-secret" not in str(error.value) and error.value.__cause__ is None
    assert "sk-secret" not in (tmp_path / "log").read_text()


def test_at_most_four_passages_are_under_way(tmp_path):
    with serving(lambda wish: (time.sleep(0.03), GOOD(wish))[1]) as server:
        ask_all(
            [passage(name=str(n)) for n in range(16)],
            quick(server.url),
            tmp_path / "log",
            "m",
            quiet,
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
    assert wrong in address_problem(url) and bool(wrong) == bool(address_problem(url))


def test_nothing_is_sent_before_the_owner_agreed():
    agreed = {
        "questions": "endpoint",
        "endpoint": "https://api.example.com/v1",
        "question_model": "asker-1",
        "send": True,
    }

    def problem(count=12, **changed):
        return consent_problem(make("corpus", **{**agreed, **changed}), count)

    assert problem() == "" and problem(questions="titles", send=False) == ""
    assert problem(None, send=False).startswith("All passages of your writing would be sent to api")
    assert problem(send=False).startswith(
        "12 passages of your writing would be sent to api.example.com: say yes to"
    )
    assert "Address of the service" in problem(endpoint="") and "unencrypted" in problem(
        endpoint="http://api.example.com"
    )
    assert "Model that asks" in problem(question_model="auto")


def test_it_is_said_how_much_would_go_where():
    passages = [passage(), passage("zh"), passage(question="Asked already?")]
    assert announcement(passages, "https://api.example.com/v1", "asker-1").startswith(
        f"2 passages ({len(TEXTS['en']) + len(TEXTS['zh'])} characters, personal data masked as "
        "you chose) will be sent to "
        "api.example.com, for its model asker-1"
    )
