"""Requests of OpenAI's clients: what is read from them, and what is refused in which words."""

import json

import pytest
from client_requests import BODIES

from twinlib.talk.chat_request import Refused, json_object, parse
from twinlib.talk.openai_api import Api

MODELS = ["me", "me-plain"]


def user(text):
    return {"role": "user", "content": text}


def said(text):
    return {"role": "assistant", "content": text}


def system(text, role="system"):
    return {"role": role, "content": text}


def asked(*messages, **values):
    return parse({"messages": list(messages) or [user("Hi?")], **values}, MODELS)


def test_what_is_left_out_has_its_defaults():
    request = asked()
    assert request.model == "me" and request.messages == [user("Hi?")]
    assert request.memory and not request.stream and not request.include_usage
    assert request.tokens is None and request.sampling == {} and request.stop == []
    assert request.schema is None and request.system == ""


@pytest.mark.parametrize(
    "values, field, value",
    [
        ({"model": "ME"}, "model", "me"),
        ({"model": "me-plain"}, "memory", False),
        ({"stream": True}, "stream", True),
        ({"stream_options": {"include_usage": True}}, "include_usage", True),
        ({"max_tokens": 7}, "tokens", 7),
        ({"max_tokens": 7, "max_completion_tokens": 9}, "tokens", 9),
        ({"max_tokens": -1}, "tokens", None),  # llama.cpp's page: no limit
        ({"max_tokens": 0}, "tokens", None),
        ({"max_tokens": "7"}, "tokens", 7),
        ({"stop": "\n"}, "stop", ["\n"]),
        ({"stop": ["a", "", "b"]}, "stop", ["a", "b"]),
        ({"stop": None, "temperature": None, "tools": None}, "stop", []),
        ({"tools": [{"type": "function"}], "tool_choice": "auto"}, "stop", []),
        ({"tools": [{"type": "function"}], "tool_choice": "none"}, "stop", []),
        ({"temperature": 0, "top_p": 0.5}, "sampling", {"temperature": 0, "top_p": 0.5}),
        ({"seed": -1}, "sampling", {"seed": 2**32 - 1}),
        ({"frequency_penalty": 0.5, "logprobs": False}, "sampling", {"frequency_penalty": 0.5}),
        ({"response_format": {"type": "text"}}, "memory", True),
        ({"response_format": {"type": "json_object"}}, "memory", False),
        ({"response_format": {"type": "json_object"}}, "schema", {"type": "object"}),
    ],
)
def test_each_value_is_taken_as_it_was_sent(values, field, value):
    assert getattr(asked(**values), field) == value


@pytest.mark.parametrize(
    "messages, turns, system_text",
    [
        # Parts of text, as Chatbox and the AI SDK send them; a picture's address has no text.
        (
            [user([{"type": "text", "text": "a"}, {"type": "text", "text": "b"}])],
            [user("a\nb")],
            "",
        ),
        ([system("You are a pirate."), user("Hi?")], [user("Hi?")], "You are a pirate."),
        ([system("A", "developer"), user("Hi?"), system("B")], [user("Hi?")], "A\n\nB"),
        # What an app lets the twin say first (SillyTavern's greeting) is not an answer.
        ([said("Welcome!"), user("Hi?")], [user("Hi?")], ""),
        # Its order after an answer is a turn, and one after the user's is not.
        ([user("a"), said("b"), system("Sum up.")], [user("a"), said("b"), user("Sum up.")], ""),
        ([user("a"), said("b"), user("c"), system("S")], [user("a"), said("b"), user("c")], "S"),
        ([user("a"), system("S"), said("b"), user("c")], [user("a"), said("b"), user("c")], "S"),
        ([user("a"), user("b")], [user("a\n\nb")], ""),
        ([user("a"), said(""), user("b")], [user("a\n\nb")], ""),
        ([user("a"), said("b"), user("c")], [user("a"), said("b"), user("c")], ""),
        (
            [user("a"), said("b"), {"role": "tool", "content": "x"}, user("c")],
            [user("a"), said("b"), user("c")],
            "",
        ),
    ],
)
def test_turns_alternate_and_system_messages_are_joined(messages, turns, system_text):
    request = asked(*messages)
    assert (request.messages, request.system) == (turns, system_text)


@pytest.mark.parametrize(
    "messages",
    [
        [user("### Task:\nGenerate a concise, 3-5 word title with an emoji.\n### Chat History:\n")],
        [user("\n### Task:\nGenerate 1-3 broad tags\n")],
        [system("### Task:\nWrite a title"), user("Hi?")],
        # Chatbox, then LobeChat and Cherry Studio
        [user("Based on the chat history, give this conversation a name.\nKeep it short - 10")],
        [
            system("You are a professional conversation summarizer. Generate a title"),
            user("user: a"),
        ],
        [system("You are an assistant skilled in conversation. You need to summarize the user's")]
        + [user("user: a")],
        [system("你是一名擅长会话的助理，你需要将用户的会话总结为 10 个字以内的标题"), user("a")],
    ],
)
def test_what_an_app_asks_for_itself_needs_no_memory(messages):
    assert not asked(*messages).memory
    assert asked(user("What is your ### Task: today?")).memory


@pytest.mark.parametrize("app", BODIES)
def test_what_apps_send_is_read(app):
    body, _, wanted = BODIES[app]
    request = parse({"model": "me", **body}, MODELS)
    assert {name: getattr(request, name) for name in wanted} == wanted
    assert request.messages[0]["role"] == request.messages[-1]["role"] == "user"


@pytest.mark.parametrize(
    "values, status, words",
    [
        ({"model": "gpt-4o"}, 404, "no model gpt-4o here, but: me, me-plain"),
        ({"messages": []}, 400, "`messages` must be a list"),
        ({"messages": "Hi?"}, 400, "`messages` must be a list"),
        ({"messages": ["Hi?"]}, 400, "`messages` must be a list"),
        ({"messages": [{"role": "king", "content": "Hi?"}]}, 400, "`messages` must be a list"),
        ({"messages": [user(7)]}, 400, "`content` has the wrong type"),
        ({"messages": [user([{"type": "image_url", "image_url": {}}])]}, 400, "reads text only"),
        ({"messages": [user(" ")]}, 400, "last message must be the user's"),
        ({"messages": [user("a"), said("b")]}, 400, "last message must be the user's"),
        ({"messages": [system("a")]}, 400, "last message must be the user's"),
        ({"n": 2}, 400, "One answer at a time"),
        ({"logprobs": True}, 400, "leave `logprobs` out"),
        ({"tool_choice": "required"}, 400, "calls no tools"),
        ({"tool_choice": {"type": "function", "function": {"name": "f"}}}, 400, "calls no tools"),
        ({"stream": "yes"}, 400, "`stream` has the wrong type"),
        ({"max_tokens": "many"}, 400, "`max_tokens` has the wrong type"),
        ({"max_tokens": True}, 400, "`max_tokens` has the wrong type"),
        ({"temperature": "warm"}, 400, "`temperature` has the wrong type"),
        ({"temperature": 9}, 400, "`temperature` must lie between 0 and 5"),
        ({"temperature": float("nan")}, 400, "`temperature` must lie between"),
        ({"top_p": -1}, 400, "`top_p` must lie between 0 and 1"),
        ({"stop": 7}, 400, "`stop` has the wrong type"),
        ({"stop": [7]}, 400, "`stop` has the wrong type"),
        ({"stream_options": []}, 400, "`stream_options` has the wrong type"),
        ({"response_format": {"type": "json_schema", "json_schema": 7}}, 400, "wrong type"),
    ],
)
def test_what_can_not_be_answered_is_refused_with_a_sentence(values, status, words):
    with pytest.raises(Refused, match=words.replace("?", r"\?")) as refused:
        parse({"messages": [user("Hi?")], **values}, MODELS)
    assert refused.value.status == status


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"\xff", b'"a"', b"[" * 100_000])
def test_a_body_that_is_no_object_is_refused(body):
    with pytest.raises(Refused, match="no JSON object"):
        json_object(body)
    assert json_object(json.dumps({"a": "你好"}).encode()) == {"a": "你好"}


def test_only_names_of_this_machine_and_addresses_as_such_are_its_own():
    api = Api(None, "key", hosts=["twin.home"])
    for host in ("127.0.0.1:8484", "localhost", "[::1]:8484", "192.168.1.5:8484", "Twin.Home:1"):
        assert api.knows_host(host), host
    assert api.knows_host("host.docker.internal:8484")  # from a container
    for host in ("evil.example", "127.0.0.1.evil.example:8484", "localhost.evil.example", "", "["):
        assert not api.knows_host(host), host
