"""JSON of unreliable structure: each value is one of the expected type, or empty."""

import codecs
import json
import re
from functools import lru_cache
from typing import Any

from .encoding import Unreadable, decode
from .input_file import File

_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*+"?|[\[\]{},]', re.DOTALL)


def load(text: str) -> Any:
    """Parse a JSON text. Raises Unreadable('damaged', 'deep' or 'large')."""
    try:
        return json.loads(text)
    except ValueError:
        raise Unreadable("damaged") from None
    except RecursionError:
        raise Unreadable("deep") from None
    except MemoryError:
        raise Unreadable("large") from None


def load_file(file: File, text: str | None = None) -> Any:
    """Parse a file's JSON, or `text` of it. Of one that breaks off, the whole items before.

    `file.broken` then says what stands where it breaks off. Raises Unreadable as `load`.
    """
    text = file.text if text is None else text
    try:
        return load(text)
    except Unreadable as error:
        if str(error) != "damaged":
            raise
    try:
        json.loads(text)
    except ValueError as error:
        if error.msg != "Extra data" and (end := _end_of_items(text[: error.pos])):
            file.broken = text[end[0] :][:200].lstrip(", \n") or "…"
            return load(text[: end[0]] + end[1])
    raise Unreadable("damaged")


def _end_of_items(text):
    """(where the last whole item of the longest open list ends, the brackets that close it)."""
    open_, after_close = [], False  # [bracket, items, end of the last one]
    for match in _TOKEN.finditer(text):
        sign = match[0][0]
        if sign in "[{":
            open_.append([sign, 0, 0])
        elif sign in "]}" and open_:
            open_.pop()
            if open_:
                open_[-1][1:] = open_[-1][1] + 1, match.end()
        elif sign == "," and open_ and not after_close:
            open_[-1][1:] = open_[-1][1] + 1, match.start()
        after_close = sign in "]}"
    for bracket in "[{":
        items = [frame[1] if frame[0] == bracket else 0 for frame in open_]
        if any(items):
            depth = items.index(max(items))
            closing = "".join("]" if frame[0] == "[" else "}" for frame in open_[depth::-1])
            return open_[depth][2], closing
    return None


def first(text: str) -> Any:
    """The first JSON value of a text that may be cut off after it, or None."""
    return first_at(text.lstrip(), 0)[0]


def first_at(text: str, at: int) -> tuple[Any, int]:
    """(the JSON value at a place in a text that may be cut off after it, its end) or (None, at)."""
    try:
        return json.JSONDecoder().raw_decode(text, at)
    except (ValueError, RecursionError):
        return None, at


def as_dicts(value: Any) -> list[dict]:
    """The dicts in a list; [] for anything else."""
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def as_dict(value: Any) -> dict:
    """A dict, or {}."""
    return value if isinstance(value, dict) else {}


def as_str(value: Any) -> str:
    """A string, a number as a string, or ''."""
    if isinstance(value, (int, float)):
        return str(value)
    return value if isinstance(value, str) else ""


def start(file: File) -> str:
    """The text of the first 64 KiB of a file; '' when they are not text."""
    return _start(file.head, len(file.data) > len(file.head))


@lru_cache(maxsize=2)
def _start(head, is_cut):
    utf16 = head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    if not utf16 and b"\0" in head:
        return ""
    if is_cut and not utf16:  # not in the middle of a character
        end = max(head.rfind(mark) for mark in (b"\n", b" ", b",", b'"'))
        head = head[: end + 1] or head
    try:
        return decode(head)
    except Unreadable:
        return ""
