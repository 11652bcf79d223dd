"""The twin as a server: who gets in, what apps send and read, several at once, hang-ups, abuse."""

import base64
import errno
import gzip
import http.client
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from types import SimpleNamespace

import httpx
import numpy
import psutil
import pytest
from client_requests import BODIES
from starlette.testclient import TestClient
from test_memory import make, needs_e5, write_corpus

from twinlib import Twin, TwinError, settings
from twinlib.gguf import writer
from twinlib.memory.recall import Source
from twinlib.models import gguf_vocabulary, load
from twinlib.models.llama_cpp import Halt, Llama
from twinlib.talk import remember, server, twin_chat, voices
from twinlib.talk.chat_request import parse
from twinlib.talk.openai_api import Api

KEY = "test-key-of-nobody"
TRAMS = "I worked in the Grey Gull depot for twenty-six years, with forty-one trams."
POSTS = [
    ("The trams", "en", TRAMS),
    ("Lend your tools", "en", "I lend my tools. In nine years four of them were lost."),
    ("邻居吵架", "zh", "老庞和阿坤为一条排水沟吵了九天，我拿尺去量，沟长四米二。"),
]
QUESTION = "How many trams were in the Grey Gull depot?"
ORDER = "Count to nine!"  # the model itself answers it: neither small talk nor the memory
slow = pytest.mark.slow


def user(text):
    return {"role": "user", "content": text}


@pytest.fixture(scope="module")
def twin(tmp_path_factory, tiny_base):
    """A twin with a file of the tiny base and a memory."""
    twin = Twin.open(tmp_path_factory.mktemp("served") / "me")
    write_corpus(twin, POSTS)
    make(twin)
    twin.remember(author="Ning", system_prompt="You are the twin of Ning.", languages=["en"])
    tokenizer = load.tokenizer(load.prepare(str(tiny_base)))
    vocabulary = gguf_vocabulary.read(tokenizer, 600, load.end_tokens(tokenizer))
    twin.folder("quantize")
    card = {"name": "tiny", "template": tokenizer.chat_template}
    writer.write(tiny_base, {"Q8_0": twin.gguf("Q8_0")}, vocabulary, card)
    return twin


class Served:
    """`twinlib serve` as a child process."""

    def __init__(self, twin):
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        command = [sys.executable, "-m", "twinlib", "serve", "--twin", str(twin.path)]
        command += ["--port", str(self.port), "--origin", "http://localhost:3000, app://chat"]
        self.child = subprocess.Popen(
            [*command, "--key", KEY],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env={**os.environ, "PYTHONUNBUFFERED": "1"},
        )
        self.said = ""
        while f"?key={KEY}" not in self.said:
            line = self.child.stdout.readline()
            assert line, self.said
            self.said += line
        self.address = f"http://127.0.0.1:{self.port}"
        self.client = httpx.Client(
            base_url=self.address, headers={"Authorization": f"Bearer {KEY}"}, timeout=60
        )

    def bare(self, method, path, **headers):
        """A request without the key."""
        headers = {name.replace("_", "-"): value for name, value in headers.items()}
        return httpx.request(method, self.address + path, headers=headers, timeout=20)

    def ask(self, *messages, **values):
        body = {"messages": list(messages), "max_tokens": 12, **values}
        return self.client.post("/v1/chat/completions", json=body)

    def stream(self, *messages, **values):
        """The JSON of each event of a streamed answer; the last one must be [DONE]."""
        answer = self.ask(*messages, stream=True, **values)
        assert answer.headers["content-type"].startswith("text/event-stream")
        events = re.findall(r"^data: (.*)$", answer.text, re.MULTILINE)
        assert events.pop() == "[DONE]"
        return list(map(json.loads, events))


@pytest.fixture(scope="module")
def served(twin):
    served = Served(twin)
    yield served
    served.child.kill()
    served.child.wait()


@pytest.fixture(scope="module")
def chat(twin):
    """The part behind the interface, in this process."""
    with voices.Voices(twin, say=len) as speakers:
        yield twin_chat.TwinChat(twin, speakers, remember.Newest(twin), 400)


def prepared(chat, *messages, **values):
    return chat.prepare(parse({"messages": list(messages), **values}, chat.models))


@slow
@needs_e5
def test_what_the_memory_tells_by_itself_has_its_sources(chat):
    passage = chat.newest.memory()[0].index.passages[0]
    source = Source(passage.title, passage.date, passage.text, passage.id)
    asked = prepared(chat, user(QUESTION))
    told = asked.recall._replace(told="Trams [1], and again.", sources=(source,))
    said = []
    reply = chat.answer(replace(asked, recall=told), said.append, Halt())
    assert reply.text == "Trams [1], and again." == "".join(said)
    assert passage.text in reply.footnotes
    [citation] = reply.citations
    assert citation["url_citation"]["url"] == passage.id


@slow
@needs_e5
@pytest.mark.parametrize("model", ["me", "me-plain"])
def test_who_it_is_is_told_by_rule_with_memory_and_without(chat, model):
    heard = []
    reply = chat.answer(prepared(chat, user("Who are you?"), model=model), heard.append, Halt())
    assert reply.text.startswith("I'm the twin of Ning: a language model") and reply.ended
    assert heard == [reply.text] and (reply.footnotes, reply.citations) == ("", [])
    about = prepared(chat, user("Who are you to judge Wagner?"), model=model)
    assert not about.recall or not about.recall.told


@slow
@needs_e5
def test_what_the_model_sees(chat):
    plain = prepared(chat, user(QUESTION), model="me-plain").turns
    assert plain == [{"role": "system", "content": "You are the twin of Ning."}, user(QUESTION)]
    asked = prepared(chat, {"role": "system", "content": "Be a pirate."}, user(QUESTION))
    assert asked.turns[0]["content"] == "You are the twin of Ning.\n\nBe a pirate."
    assert TRAMS in asked.turns[-1]["content"]
    task = "### Task:\nGenerate a title for: " + QUESTION
    assert prepared(chat, user(task)).turns[-1] == user(task)
    # The footnotes of an earlier answer come back with it and are cut off.
    footnotes = "\n\n---\n\n[[1]](http://127.0.0.1:1/v1/passages/p0?k=0) from “The trams”: “I”"
    earlier = [user("Hi?"), {"role": "assistant", "content": "Forty-one." + footnotes}]
    assert prepared(chat, *earlier, user("Thanks!")).turns[2]["content"] == "Forty-one."
    ruled = {"role": "assistant", "content": "One.\n\n---\n\nTwo."}
    assert prepared(chat, user("Hi?"), ruled, user("Thanks!")).turns[2] == ruled


@slow
@needs_e5
def test_an_answers_sources_are_citations_and_footnotes(chat, monkeypatch):
    said = f"Well. {TRAMS} So be it."
    answer = chat.llama.complete("a", 1)._replace(text=said, ended=True)
    monkeypatch.setattr(chat.llama, "chat", lambda *_, **__: answer)
    reply = chat.answer(prepared(chat, user(QUESTION)), len, Halt())
    [citation] = [each["url_citation"] for each in reply.citations][:1]
    assert reply.text[citation["start_index"] : citation["end_index"]] == TRAMS
    assert (citation["title"], citation["url"], citation["content"]) == ("The trams", "p0", TRAMS)
    assert reply.footnotes.startswith("\n\n---\n\n")
    assert f"[[1]](p0) from “The trams”, 2010-03-05: “{TRAMS}”" in reply.footnotes


def test_spaces_around_an_answer_and_its_thinking_are_not_streamed():
    for pieces, streamed in [
        (["\n", " Hi", " ", "you", "\n"], ["Hi", " you"]),
        (["<thi", "nk>", "why", "</think>", "\n\n", "So"], ["So"]),
        (["<", "b>"], ["<b>"]),
        (["<think>"], []),
    ]:
        said = []
        hear = twin_chat._cleaned(said.append)
        for piece in pieces:
            hear(piece)
        assert said == streamed


@slow
def test_who_gets_in(served):
    data = [("GET", "/v1/models"), ("POST", "/v1/chat/completions"), ("POST", "/v1/embeddings")]
    data += [("GET", "/props"), ("GET", "/v1/passages/p0"), ("GET", "/nowhere"), ("GET", "/slots")]
    evil = {"Origin": "https://evil.example"}
    for method, path in data:
        for headers in ({}, evil, {"Authorization": "Bearer guess"}, {"x_api_key": "guess"}):
            answer = served.bare(method, path, **headers)
            assert answer.status_code == 401 and "twinlib serve" in answer.text, path
            assert "access-control-allow-origin" not in answer.headers
    # A page whose name was rebound to this address, with and without the key.
    for host in ("evil.example", f"evil.example:{served.port}", "127.0.0.1.evil.example"):
        for more in ({}, {"Authorization": f"Bearer {KEY}"}):
            for path in ("/v1/models", "/health", "/"):
                assert served.bare("GET", path, Host=host, **more).status_code == 421
    # A page of another origin may not even ask whether it may, unless it is on the list.
    asks = {"Access_Control_Request_Method": "POST"}
    asks["Access_Control_Request_Headers"] = "authorization, content-type"
    refused = served.bare("OPTIONS", "/v1/chat/completions", **evil, **asks)
    assert "access-control-allow-origin" not in refused.headers
    for origin in ("http://localhost:3000", "app://chat"):
        allowed = served.bare("OPTIONS", "/v1/chat/completions", Origin=origin, **asks)
        assert allowed.headers["access-control-allow-origin"] == origin
    answer = served.client.get("/v1/models", headers=evil)
    assert answer.status_code == 200 and "access-control-allow-origin" not in answer.headers
    known = f"localhost:{served.port}", f"host.docker.internal:{served.port}"
    for host in known:
        assert served.client.get("/v1/models", headers={"Host": host}).status_code == 200
    assert served.bare("GET", "/v1/models", x_api_key=KEY).status_code == 200
    assert served.bare("GET", "/health").json() == {"status": "ok"}


@slow
def test_the_page_opens_with_the_key_and_its_cookie_serves_that_page_alone(served):
    assert "twinlib serve" in served.bare("GET", "/").text
    assert served.bare("GET", "/?key=guess").status_code == 401
    opened = served.bare("GET", f"/?key={KEY}")
    cookie = opened.headers["set-cookie"]
    assert opened.status_code == 303 and "HttpOnly" in cookie and "SameSite=strict" in cookie
    assert KEY not in cookie
    given = {"Cookie": cookie.split(";")[0]}
    page = served.bare("GET", "/", **given)
    assert "<!doctype html>" in page.text and "/?key=" not in page.text
    assert "connect-src 'self'" in page.headers["content-security-policy"]
    script = re.search(r"_app/immutable/bundle\.[\w-]+\.js", page.text)[0]
    assert served.bare("GET", f"/{script}").headers["content-type"] == "application/javascript"
    props = served.bare("GET", "/props", **given)
    assert props.json()["model_path"] == "me" and str(os.sep) + "me" not in props.text
    own = f"http://127.0.0.1:{served.port}"
    assert served.bare("GET", "/v1/models", Origin=own, **given).status_code == 200
    for foreign in ({"Origin": "http://127.0.0.1:1"}, {"Sec_Fetch_Site": "same-site"}):
        assert served.bare("GET", "/v1/models", **foreign, **given).status_code == 401


@slow
@needs_e5
@pytest.mark.parametrize("width", [390, 1280])
def test_a_browser_chats_on_the_page_and_opens_a_source(served, chromium, width):
    context = chromium.new_context(viewport={"width": width, "height": 844})
    page, asked = context.new_page(), []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(served.address)
    page.fill("input[name=key]", KEY)
    page.click("button")
    page.fill("textarea", QUESTION)
    page.click("button[type=submit]")
    source = page.wait_for_selector("a[href*='/v1/passages/p0']", timeout=90_000)
    with context.expect_page() as opened:
        source.click()
    assert TRAMS in opened.value.inner_text("body")
    assert all(url.startswith((served.address, "data:", "blob:")) for url in asked)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    context.close()


@slow
@needs_e5
def test_apps_find_the_models_chat_stream_and_see_sources(served):
    models = served.client.get("/v1/models").json()["data"]
    assert [model["id"] for model in models] == ["me", "me-plain"]
    assert models[0]["context_length"] == 4096 and served.client.get("/models").status_code == 200
    sure = {"temperature": 1, "seed": 1, "max_tokens": 900}
    whole = served.ask(user(QUESTION), **sure).json()
    [choice] = whole["choices"]
    assert choice["finish_reason"] == "stop" and whole["usage"]["completion_tokens"] > 12
    assert "](http://127.0.0.1" in choice["message"]["content"]
    events = served.stream(user(QUESTION), **sure, stream_options={"include_usage": True})
    *chunks, last, usage = events
    assert usage["choices"] == [] and usage["usage"] == whole["usage"]
    footnote = re.compile(r"\n\n---\n\n\[\[1\]\]\(http.*“I worked in.*trams\.”")
    assert chunks[0]["choices"][0]["delta"] == {"role": "assistant", "content": ""}
    text = "".join(chunk["choices"][0]["delta"].get("content", "") for chunk in chunks)
    # With passages an answer is passed on by sentences, without them by words.
    assert len(chunks) > 2 and footnote.search(text)[0] in choice["message"]["content"]
    assert len(served.stream(user(QUESTION), model="me-plain", temperature=1)) > 5
    assert all(chunk["choices"][0]["finish_reason"] is None for chunk in chunks)
    [final] = last["choices"]
    assert final["finish_reason"] == "stop"
    assert len(choice["message"]["annotations"]) == len(final["delta"]["annotations"])
    citation = final["delta"]["annotations"][0]["url_citation"]
    assert citation["title"] == "The trams" and citation["url"] in text
    # Its address opens in a browser without the key, and no other passage does.
    page = httpx.get(citation["url"], headers={"Accept": "text/html"})
    assert TRAMS in page.text and "default-src 'none'" in page.headers["content-security-policy"]
    assert httpx.get(citation["url"].replace("/p0", "/p1")).status_code == 401
    assert served.client.get("/v1/passages/p1").json()["title"] == "Lend your tools"
    assert served.client.get("/v1/passages/p9").status_code == 404
    # Without memory, and for what an app asks for itself, there are none.
    for values in ({"model": "me-plain"}, {"response_format": {"type": "json_object"}}):
        message = served.ask(user(QUESTION), **values).json()["choices"][0]["message"]
        assert "annotations" not in message and "---" not in message["content"]
    refused = served.ask(user("What did Doctor Lindqvist say?"), max_tokens=None).json()
    refused = refused["choices"][0]
    assert "never wrote about “Lindqvist”" in refused["message"]["content"]
    assert refused["finish_reason"] == "stop"


@slow
@needs_e5
@pytest.mark.parametrize("question", [QUESTION, "What did Doctor Lindqvist say?", "Who are you?"])
def test_max_tokens_and_usage_hold_whoever_answers(served, question):
    def asked(**values):
        answer = served.ask(user(question), **values).json()
        [choice] = answer["choices"]
        return choice, choice["message"]["content"], answer["usage"]["completion_tokens"]

    choice, whole, count = asked(max_tokens=None)
    assert choice["finish_reason"] == "stop" and count > 12
    text = whole.partition("\n\n---\n\n")[0]
    for most in (1, 12):
        choice, said, tokens = asked(max_tokens=most)
        assert choice["finish_reason"] == "length" and 0 < tokens <= most
        assert said and text.startswith(said)
        events = served.stream(
            user(question), max_tokens=most, stream_options={"include_usage": True}
        )
        *chunks, last, usage = events
        streamed = "".join(chunk["choices"][0]["delta"].get("content", "") for chunk in chunks)
        assert streamed.strip() == said and last["choices"][0]["finish_reason"] == "length"
        assert usage["usage"]["completion_tokens"] == tokens
    assert asked(max_tokens=count)[1:] == (whole, count), "just enough, with all footnotes"
    choice, said, tokens = asked(max_tokens=count - 1)
    if whole != text:  # the text is whole, and a footnote is left out; its citation stays
        assert choice["finish_reason"] == "stop" and tokens < count
        assert said.startswith(text) and whole.startswith(said) and choice["message"]["annotations"]
    else:
        assert choice["finish_reason"] == "length" and text.startswith(said)


@slow
@needs_e5
def test_a_stop_text_holds_where_the_memory_answers(served):
    def said(**values):
        [choice] = served.ask(user(QUESTION), max_tokens=None, **values).json()["choices"]
        assert choice["finish_reason"] == "stop"
        return choice["message"]["content"]

    assert TRAMS in said()
    assert said(stop=["depot for"]) == TRAMS[: TRAMS.index("depot for")].strip()
    assert "\n" not in said(stop="\n")
    events = served.stream(user(QUESTION), max_tokens=None, stop=["depot for"])
    deltas = [event["choices"][0]["delta"].get("content", "") for event in events]
    assert "".join(deltas).strip() == TRAMS[: TRAMS.index("depot for")].strip()


@slow
def test_what_is_not_there_is_answered_with_what_is(served):
    for method, path in [("POST", "/v1/completions"), ("POST", "/v1/responses"), ("GET", "/x")]:
        answer = served.client.request(method, path)
        said = answer.json()["error"]["message"]
        assert answer.status_code == 404 and f"at {method} {path}" in said
        for there in ("POST /v1/chat/completions", "GET /v1/passages/ID", "GET /health"):
            assert there in said
    for method, path, right in [
        ("GET", "/v1/chat/completions", "POST"),
        ("GET", "/embeddings", "POST"),
        ("POST", "/v1/models", "GET, HEAD"),
        ("POST", "/v1/models/me", "GET, HEAD"),
    ]:
        answer = served.client.request(method, path)
        assert (answer.status_code, answer.headers["allow"]) == (405, right)
        assert f"at {method} {path}" in answer.json()["error"]["message"]


@slow
@pytest.mark.parametrize(
    "accepted, packed",
    [
        (None, False),
        ("identity", False),
        ("br", False),
        ("gzip;q=0", False),
        ("gzip; q=0.0, *", False),
        ("*;q=0", False),
        ("gzip", True),
        ("GZIP;q=0.5, br", True),
        ("*", True),
    ],
)
def test_the_page_is_packed_only_for_who_takes_that(served, accepted, packed):
    headers = {"Accept-Encoding": accepted} if accepted else {}
    with socket.create_connection(("127.0.0.1", served.port)) as connection:
        asked = {"Host": "127.0.0.1", "Authorization": f"Bearer {KEY}", "Connection": "close"}
        lines = [f"{name}: {value}" for name, value in {**asked, **headers}.items()]
        connection.sendall("\r\n".join(["GET / HTTP/1.1", *lines, "", ""]).encode())
        head, _, body = b"".join(iter(lambda: connection.recv(65536), b"")).partition(b"\r\n\r\n")
    head = head.decode().lower()
    assert ("content-encoding: gzip" in head) == packed and "vary: accept-encoding" in head
    assert (b"<!doctype html>" in (gzip.decompress(body) if packed else body)) and "200 ok" in head


@slow
@needs_e5
@pytest.mark.parametrize("app", BODIES)
def test_apps_read_what_they_expect(served, app):
    body, headers, wanted = BODIES[app]
    # Enough for the sources, where the memory answers.
    most = 900 if wanted["memory"] else 60 if "response_format" in body else 12
    most = {"max_tokens": most, "max_completion_tokens": None}
    body = {"model": "me", **body, **most}
    answer = served.client.post("/v1/chat/completions", json=body, headers=headers)
    assert answer.status_code == 200, answer.text
    if not body.get("stream"):
        [choice] = answer.json()["choices"]
        message, text = choice["message"], choice["message"]["content"]
        assert choice["finish_reason"] and answer.json()["usage"]["total_tokens"]
    else:
        events = re.findall(r"^data: (.*)$", answer.text, re.MULTILINE)
        assert events.pop() == "[DONE]"
        chunks = [json.loads(event) for event in events]
        assert (not chunks[-1]["choices"]) == bool(wanted.get("include_usage"))
        deltas = [choice for chunk in chunks for choice in chunk["choices"]]
        [message] = [each["delta"] for each in deltas if each["finish_reason"]]
        assert deltas[-1]["finish_reason"], "apps stop reading there"
        text = "".join(each["delta"].get("content", "") for each in deltas)
    assert text and bool(message.get("annotations")) == ("/v1/passages/" in text)
    assert wanted["memory"] == ("/v1/passages/" in text)
    if "response_format" in body:
        assert json.loads(text)["title"] in ("Trams", "Tea")


@slow
@needs_e5
def test_embeddings_as_numbers_and_in_base64(served):
    def of(texts, **values):
        answer = served.client.post("/v1/embeddings", json={"input": texts, **values})
        return [each["embedding"] for each in answer.json()["data"]]

    one, two = of(["trams", "电车"])
    packed = numpy.frombuffer(base64.b64decode(of("trams", encoding_format="base64")[0]), "<f4")
    assert len(one) == 384 and abs(numpy.dot(one, one) - 1) < 1e-3
    assert numpy.allclose(packed, one) and numpy.dot(one, two) > 0.7
    for wrong in ([], [1, 2], 7, [["a"]], ["a"] * 257):
        answer = served.client.post("/v1/embeddings", json={"input": wrong})
        assert answer.status_code == 400, wrong


@slow
def test_what_is_sent_is_honoured(served):
    def text(**values):
        answer = served.ask(user(ORDER), model="me-plain", **values).json()
        return answer["choices"][0]["message"]["content"]

    assert text(seed=1, temperature=1) == text(seed=1, temperature=1)
    assert len({text(temperature=1) for _ in range(3)}) > 1  # another seed each time
    sure = [served.ask(user(QUESTION)).json()["choices"][0]["message"] for _ in range(2)]
    assert sure[0] == sure[1]  # with passages before it
    whole = text(temperature=0)
    assert text(temperature=0, stop=whole[4:6]) == whole[: whole.index(whole[4:6])]
    assert served.ask(user(ORDER), max_tokens=3).json()["usage"]["completion_tokens"] == 3
    form = {"type": "object", "properties": {"a": {"enum": ["yes"]}}, "required": ["a"]}
    form = {"type": "json_schema", "json_schema": {"schema": {**form, "additionalProperties": 0}}}
    form["json_schema"]["schema"]["additionalProperties"] = False
    assert json.loads(text(response_format=form, max_tokens=60)) == {"a": "yes"}


@slow
def test_nonsense_is_refused_in_a_sentence_and_the_next_request_is_answered(served):
    post = served.client.post
    path = "/v1/chat/completions"
    for body in (b"", b"{", b"\xff\xfe", b"[]"):
        assert post(path, content=body).json()["error"]["message"].endswith("no JSON object.")
    assert post(path, json={"messages": [user("a")], "model": "gpt"}).status_code == 404
    assert post(path, content=b"x" * (9 * 2**20)).status_code == 413
    started = time.monotonic()
    for stream in (False, True):
        long = served.ask(user("word " * 200_000), stream=stream)  # 1 MB
        assert long.status_code == 400 and "context of 4096 tokens" in long.text
        assert long.json()["error"]["code"] == "context_length_exceeded"
    assert time.monotonic() - started < 60
    assert served.client.get("/v1/nothing").status_code == 404
    assert post("/v1/models").status_code == 405
    assert served.ask(user(ORDER)).status_code == 200


@slow
def test_eight_at_once_get_each_their_own_answer(served):
    def ask(n):
        values = {"model": "me-plain", "temperature": 0}
        if n % 2:
            events = served.stream(user(f"Count to {n}!"), **values)
            deltas = [event["choices"][0]["delta"] for event in events]
            return "".join(delta.get("content", "") for delta in deltas)
        answer = served.ask(user(f"Count to {n}!"), **values)
        return answer.json()["choices"][0]["message"]["content"]

    alone = [ask(n) for n in range(8)]
    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(ask, range(8)))
    # In a batch the likelier of two nearly equal tokens may differ, as it may not in most.
    assert sum(a == b for a, b in zip(alone, together)) >= 6


@slow
def test_who_hangs_up_frees_the_room_for_the_next(served):
    body = {"messages": [user(ORDER)], "max_tokens": 2000, "model": "me-plain", "stream": True}
    for _ in range(6):  # each takes nearly all of the context
        with served.client.stream("POST", "/v1/chat/completions", json=body) as answer:
            next(answer.iter_lines())
    with pytest.raises(httpx.ReadTimeout):
        whole = {**body, "stream": False, "temperature": 0}
        served.client.post("/v1/chat/completions", json=whole, timeout=0.05)
    assert served.ask(user(ORDER)).status_code == 200


@slow
@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGTERM])
def test_who_hangs_up_leaves_no_traceback_and_no_work(twin, stop):
    served = Served(twin)
    try:
        body = {"messages": [user(ORDER)], "max_tokens": 3000, "model": "me-plain"}
        for stream in (False, True):
            for wait in (0.0, 0.3):  # while it is read, and in the middle of its answer
                _hang_up(served, {**body, "stream": stream}, wait)
        _hang_up(served, body, 0.1, sent=20)  # in the middle of the request
        with served.client.stream("POST", "/v1/chat/completions", json={**body, "stream": True}):
            pass
        deadline = time.monotonic() + 30
        process = psutil.Process(served.child.pid)
        while process.cpu_percent(0.5) > 20:
            assert time.monotonic() < deadline, "it goes on with what nobody waits for"
        assert served.ask(user(ORDER)).status_code == 200
    finally:
        served.child.send_signal(stop)
        rest, _ = served.child.communicate(timeout=60)
    assert rest.lstrip() == "The server has ended.\n"


def _hang_up(served, body, wait, sent=None):
    """Send a request, or the first bytes of its body, and hang up after so many seconds."""
    data = json.dumps(body).encode()
    lines = [
        "POST /v1/chat/completions HTTP/1.1",
        "Host: 127.0.0.1",
        f"Authorization: Bearer {KEY}",
    ]
    lines += [f"Content-Length: {len(data)}", "", ""]
    with socket.create_connection(("127.0.0.1", served.port)) as connection:
        connection.sendall("\r\n".join(lines).encode() + data[:sent])
        time.sleep(wait)


@slow
def test_an_interrupt_ends_it_and_nothing_of_a_conversation_is_in_the_folder(twin, served):
    secret = "Zanzibar-4711"
    served.ask(user(f"Remember {secret}!"))
    texts = (path.read_bytes() for path in twin.path.rglob("*") if path.is_file())
    assert not any(secret.encode() in text or KEY.encode() in text for text in texts)
    again = server.problems(settings.Serve(port=served.port), twin)
    assert again == []
    taken = subprocess.run(
        [sys.executable, "-m", "twinlib", "serve", "--twin", twin.path, "--port", str(served.port)],
        capture_output=True,
        text=True,
    )
    assert taken.returncode == 1 and "--port 8585" in taken.stderr
    served.child.send_signal(signal.SIGINT)
    rest, _ = served.child.communicate(timeout=60)
    assert served.child.returncode == 0 and rest.endswith("The server has ended.\n")
    assert secret not in served.said + rest


def test_what_would_open_it_to_others_is_refused_with_what_that_means(tmp_path):
    twin = Twin.open(tmp_path / "new")

    def stops(**values):
        return [each.text for each in server.problems(settings.Serve(**values), twin)][1:]

    assert stops() == stops(host="localhost") == stops(host="::1") == []
    for host in ("0.0.0.0", "192.168.1.5", "my-machine"):
        [sentence] = stops(host=host)
        assert host in sentence and "--i-know" in sentence and "unencrypted" in sentence
        assert stops(host=host, i_know=True) == []
    assert "8 characters" in stops(key="1234567")[0] and "any page" in stops(origin="*")[0]


@pytest.mark.parametrize(
    "key", ["我的密钥比八个字长", "schlüssel", "two words", "long enough\t", "—" * 9]
)
def test_a_key_that_no_app_can_send_is_refused(tmp_path, key):
    twin = Twin.open(tmp_path / "new")
    *_, problem = server.problems(settings.Serve(key=key), twin)
    assert "can't send this key" in problem.text


def test_the_key_may_come_in_the_environment_which_no_other_user_reads(tmp_path, monkeypatch):
    twin = Twin.open(tmp_path / "new")
    monkeypatch.setenv("TWINLIB_KEY", "short")
    assert "8 characters" in server.problems(settings.Serve(), twin)[-1].text
    monkeypatch.setenv("TWINLIB_KEY", "我的密钥比八个字长")
    assert "can't send this key" in server.problems(settings.Serve(), twin)[-1].text
    monkeypatch.setenv("TWINLIB_KEY", KEY)
    assert server._key(settings.Serve()) == KEY
    assert server._key(settings.Serve(key="of the command")) == "of the command"


def test_where_another_program_has_the_other_localhost_it_does_not_start():
    with socket.create_server(("::1", 0), family=socket.AF_INET6) as other:
        port = other.getsockname()[1]
        with pytest.raises(TwinError, match=f"Port {port} can't be used"):
            server._listening(settings.Serve(port=port))
        with socket.create_server(("127.0.0.1", port)):
            pass  # the first one was closed again


@pytest.mark.parametrize("number", [errno.EAFNOSUPPORT, errno.EADDRNOTAVAIL])
def test_a_machine_without_ipv6_serves_on_the_other_address(monkeypatch, number):
    create = socket.create_server

    def without_ipv6(address, family, **more):
        if family == socket.AF_INET6:
            raise OSError(number, os.strerror(number))
        return create(address, family=family, **more)

    with create(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    monkeypatch.setattr(socket, "create_server", without_ipv6)
    [listener] = server._listening(settings.Serve(port=port))
    with listener:
        assert listener.getsockname() == ("127.0.0.1", port)


@pytest.mark.parametrize(
    "path", ["/_app/%20x", "/_app/%0d%0aHost:evil", "/_app/%2e./props", "/_app/.x", "/_app/é"]
)
def test_a_file_that_the_page_has_not_is_not_there_whatever_its_name(path):
    llama = Llama.__new__(Llama)
    closed = lambda: http.client.HTTPConnection("127.0.0.1", 9)  # noqa: E731
    llama._door = SimpleNamespace(key="k", connection=closed)
    chat = SimpleNamespace(llama=llama, twin=SimpleNamespace(title="x"), models=["x"])
    client = TestClient(Api(chat, KEY).app, base_url="http://127.0.0.1:8484")
    answer = client.get(path)
    assert answer.status_code == 404 and "error" in answer.json()


def test_the_link_to_the_page_holds_any_key_that_is_allowed():
    key = "a&b#c%d+e?f/g"
    chat = SimpleNamespace(models=["me"])
    said = server._welcome(settings.Serve(), chat, key)
    link = re.search(r"http\S+\?key=\S+", said)[0]
    assert httpx.URL(link).params["key"] == key and f" {key}\n" in said
