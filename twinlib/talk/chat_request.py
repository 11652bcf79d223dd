"""A request for a chat completion as OpenAI's clients send it: read, checked, and made plain.

The form is that of https://platform.openai.com/docs/api-reference/chat; fields that a twin has no
use for, such as `user`, and tools that it may call or not, are passed over. What can't be answered
is refused with a sentence.
"""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from ..i18n import data, t

PLAIN = "-plain"  # the ending of the model's name that answers without memory
_ROLES = ("system", "developer", "user", "assistant", "tool", "function")
# {field: (type, lowest, highest, its name in llama.cpp)} of the sampling that a client may choose.
_SAMPLING = {
    "temperature": (float, 0, 5, "temperature"),
    "top_p": (float, 0, 1, "top_p"),
    "top_k": (int, 0, 1000, "top_k"),
    "min_p": (float, 0, 1, "min_p"),
    "presence_penalty": (float, -2, 2, "presence_penalty"),
    "frequency_penalty": (float, -2, 2, "frequency_penalty"),
    "repeat_penalty": (float, 0, 5, "repeat_penalty"),
    "seed": (int, -(2**63), 2**63, "seed"),
}
_SEEDS = 2**32  # llama.cpp's seeds are smaller


class Refused(Exception):
    """A request that is not answered: the HTTP `status`, OpenAI's `code`, and a sentence."""

    def __init__(self, status: int, code: str, sentence: str):
        super().__init__(sentence)
        self.status, self.code = status, code


@dataclass(frozen=True)
class ChatRequest:
    """What a client asks for.

    `messages` are the user's and the twin's turns, beginning and ending with the user's; `system`
    is what the client says besides. `memory` is whether the author's passages are looked up, and
    `sampling` holds llama.cpp's values as the client sent them.
    """

    model: str
    messages: list[dict]
    system: str = ""
    memory: bool = True
    stream: bool = False
    include_usage: bool = False
    tokens: int | None = None
    stop: list[str] = field(default_factory=list)
    schema: dict | None = None
    sampling: dict = field(default_factory=dict)


def json_object(body: bytes) -> dict:
    """The JSON object in a request's body; raises Refused."""
    try:
        values = json.loads(body)
    except (ValueError, RecursionError):
        raise _bad("talk.not_json") from None
    if not isinstance(values, dict):
        raise _bad("talk.not_json")
    return values


def parse(values: dict, models: Sequence[str]) -> ChatRequest:
    """The request in the values of its JSON, for a server of these models; raises Refused."""
    name = chosen(values.get("model"), models)
    messages, system, is_order = _turns(values.get("messages"))
    format = _typed(values, "response_format", dict) or {}
    schema = None
    if format.get("type") == "json_object":
        schema = {"type": "object"}
    elif format.get("type") == "json_schema":
        schema = _typed(format, "json_schema", dict) or {}
        schema = _typed(schema, "schema", dict) or {"type": "object"}
    if (_typed(values, "n", int) or 1) != 1:
        raise _bad("talk.one_answer_only")
    if values.get("logprobs"):
        raise _bad("talk.no_logprobs")
    if values.get("tool_choice") not in (None, "", "auto", "none"):
        raise _bad("talk.no_tool_calls")
    options = _typed(values, "stream_options", dict) or {}
    return ChatRequest(
        model=name,
        messages=messages,
        system=system,
        memory=not (schema or is_order or name.endswith(PLAIN) or _is_task(messages, system)),
        stream=bool(_typed(values, "stream", bool)),
        include_usage=bool(_typed(options, "include_usage", bool)),
        tokens=_most(values),
        stop=_stop(values),
        schema=schema,
        sampling=_sampling(values),
    )


def chosen(name: object, models: Sequence[str]) -> str:
    """The model of that name, whatever its case; the first one without a name."""
    if name in (None, ""):
        return models[0]
    for model in models:
        if str(name).lower() == model.lower():
            return model
    sentence = t("talk.unknown_model", name=str(name)[:100], names=", ".join(models))
    raise Refused(404, "model_not_found", sentence)


def _bad(key, **values):
    return Refused(400, "invalid_request", t(key, **values))


def _typed(values, name, kind):
    """A value of a type, or None where it isn't given."""
    value = values.get(name)
    fits = isinstance(value, kind) and (kind is bool or not isinstance(value, bool))
    if value is None or fits:
        return value
    raise _bad("talk.wrong_type", name=name)


def _turns(messages):
    """(turns, system, is_order): the turns alternate, from the user's first to the user's last.

    Neighbours of one role are joined. A system message after an answer is an order to the model,
    such as SillyTavern's for a summary, and stands for the user's last turn.
    """
    if not isinstance(messages, list) or not messages:
        raise _bad("talk.no_messages")
    turns, system, orders = [], [], []
    for message in messages:
        if not isinstance(message, dict) or message.get("role") not in _ROLES:
            raise _bad("talk.no_messages")
        role, text = message["role"], _text(message.get("content"))
        if not text.strip():
            continue
        if role in ("system", "developer"):
            (orders if turns else system).append(text.strip())
        elif role in ("user", "assistant"):
            system, orders = system + orders, []
            if turns and turns[-1]["role"] == role:
                turns[-1]["content"] += "\n\n" + text
            elif turns or role == "user":  # what the client let the twin say first is no answer
                turns.append({"role": role, "content": text})
    is_order = bool(orders) and turns[-1]["role"] == "assistant"
    if is_order:
        turns.append({"role": "user", "content": "\n\n".join(orders)})
    else:
        system += orders
    if not turns or turns[-1]["role"] != "user":
        raise _bad("talk.last_is_not_the_users")
    return turns, "\n\n".join(system), is_order


def _text(content):
    """The text of a message's content: a text, or parts of which some are texts."""
    if content is None or isinstance(content, str):
        return content or ""
    if not isinstance(content, list):
        raise _bad("talk.wrong_type", name="content")
    texts = []
    for part in content:
        if not isinstance(part, dict) or not isinstance(part.get("text"), str):
            raise _bad("talk.only_text")
        texts.append(part["text"])
    return "\n".join(texts)


def _is_task(messages, system):
    """Whether a client asks for a title, tags or the like, which no memory has."""
    starts = tuple(data("client_tasks"))
    return any(
        text.lstrip().startswith(starts) for text in (messages[-1]["content"], system) if text
    )


def _most(values):
    for name in ("max_completion_tokens", "max_tokens"):
        given = values.get(name)
        is_digits = isinstance(given, str) and re.fullmatch("[0-9]{1,9}", given)  # AnythingLLM
        most = int(given) if is_digits else _typed(values, name, int)
        if most is not None and most > 0:  # some clients send -1 or 0 for no limit
            return most
    return None


def _stop(values):
    stop = values.get("stop")
    stop = [stop] if isinstance(stop, str) else stop or []
    if not isinstance(stop, list) or not all(isinstance(text, str) for text in stop):
        raise _bad("talk.wrong_type", name="stop")
    return [text for text in stop if text][:16]


def _sampling(values):
    """llama.cpp's names and values of what a client chose."""
    chosen = {}
    for name, (kind, low, high, ours) in _SAMPLING.items():
        value = _typed(values, name, (int, float) if kind is float else int)
        if value is None:
            continue
        if not low <= value <= high:  # NaN compares false, so it is refused too
            raise _bad("talk.out_of_range", name=name, low=low, high=high)
        chosen[ours] = value % _SEEDS if name == "seed" else value
    return chosen
