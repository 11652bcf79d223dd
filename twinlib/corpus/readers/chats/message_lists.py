"""Lists of messages anywhere in a JSON export, under whatever key and in whatever case of letters.

Skype keeps a list for each conversation, Hangouts one of events, Snapchat one for each person, and
Telegram, HipChat, Teams and Rocket.Chat have other keys around theirs.
"""

import re
from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any, NamedTuple

from ....text.inputs import json_values
from ....text.inputs.json_values import as_dict, as_str

_DEPTH = 6  # of objects and lists around the messages
_JUDGED = 40  # items of a list
_FIRST = 5  # items of a list in the first part of a file
_COMMA = re.compile(r"\s*,\s*")
_OPENINGS = 200  # of lists in the first part of a file
_ITEMS = re.compile(r"\[\s*(?=\{)")
_NAMES = "fallback_name displayName display_name name username".split()
_IDS = "id.gaia_id id.chat_id id _id mri".split()


class MessageList(NamedTuple):
    """A list of messages, the objects around it from the inside out, and the key that it is at."""

    messages: list[dict]
    around: list[dict]
    key: str


def canonical(value: Any, spelling: dict[str, str]) -> Any:
    """A JSON value with its keys as `spelling` has them, {key in small letters: key}."""
    if isinstance(value, dict):
        return {
            spelling.get(key.lower().replace(" ", "_"), key): canonical(item, spelling)
            for key, item in value.items()
        }
    return [canonical(item, spelling) for item in value] if isinstance(value, list) else value


def begin(text: str, is_message: Callable[[Any], bool]) -> bool:
    """Whether one of the first lists of a JSON text, which may be cut off, begins with messages."""
    openings = islice(_ITEMS.finditer(text), _OPENINGS)
    return any(map(is_message, (item for x in openings for item in _items(text, x.end()))))


def _items(text, at):
    """Yield the first values of a list in a JSON text."""
    for _ in range(_FIRST):
        value, at = json_values.first_at(text, at)
        comma = _COMMA.match(text, at)
        yield value
        if not comma:
            return
        at = comma.end()


def find(
    export: Any, is_message: Callable[[Any], bool], is_event: Callable[[Any], bool]
) -> Iterator[MessageList]:
    """Yield the lists of which most items have a sender and a time, and some a text."""
    yield from _find(export, [], "", is_message, is_event)


def _find(value, around, key, is_message, is_event):
    if len(around) > _DEPTH:
        return
    if isinstance(value, list):
        items = [item for item in value if isinstance(item, dict)]
        judged = items[:_JUDGED]
        if sum(map(is_event, judged)) * 2 > len(judged) and any(map(is_message, items)):
            yield MessageList(items, around, key)
            return
        for item in items:
            yield from _find(item, around, key, is_message, is_event)
    elif isinstance(value, dict):
        for name, item in value.items():
            if isinstance(item, dict | list):
                yield from _find(item, [value, *around], name, is_message, is_event)


def people(around: list[dict]) -> dict[str, str]:
    """{id: name} of the people that the objects around a list of messages name."""
    named: dict[str, str] = {}
    for value in around[:2]:
        for person in _objects(value):
            name = next((as_str(person.get(key)) for key in _NAMES if person.get(key)), "")
            ids = (_at(person, path) for path in _IDS)
            if name and (number := next(filter(None, ids), "")):
                named.setdefault(number, name)
    return named


def _objects(value, depth=0):
    """The objects in an object, but for those in long lists, which are messages."""
    for item in value.values() if isinstance(value, dict) else value:
        if isinstance(item, dict):
            yield item
        short = isinstance(item, dict) or isinstance(item, list) and len(item) < _JUDGED
        if short and depth < _DEPTH:
            yield from _objects(item, depth + 1)


def _at(value, path):
    *keys, last = path.split(".")
    for key in keys:
        value = as_dict(as_dict(value).get(key))
    return as_str(as_dict(value).get(last))
