"""JSON of strangers: values of the expected sort or nothing, and refusals that are keys of reasons."""

import codecs
import json
from functools import lru_cache

from .encoding import Unreadable, decode


def load(text):
    """The value of a JSON text; raises Unreadable('damaged', 'deep' or 'large')."""
    try:
        return json.loads(text)
    except ValueError:
        raise Unreadable("damaged") from None
    except RecursionError:
        raise Unreadable("deep") from None
    except MemoryError:
        raise Unreadable("large") from None


def first(text):
    """The first JSON value of a text that may be cut off after it; None when there is none."""
    try:
        return json.JSONDecoder().raw_decode(text.lstrip())[0]
    except (ValueError, RecursionError):
        return None


def records(value):
    """The dicts in a list; [] for anything else."""
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def string(value):
    """The text of a JSON value that should be one: numbers are spelt out, lists and dicts and null are ''."""
    return (
        value if isinstance(value, str) else str(value) if isinstance(value, (int, float)) else ""
    )


def inside(value):
    """A dict where one was expected: the value itself, or {}."""
    return value if isinstance(value, dict) else {}


def start(file):
    """The text at the start of a file, for a look before it is read; '' when that is no text."""
    return _start(file.head, len(file.data) > len(file.head))


@lru_cache(maxsize=2)
def _start(head, cut):
    wide = head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    if not wide and b"\0" in head:
        return ""
    if cut and not wide:  # not in the middle of a character
        ends = max(head.rfind(mark) for mark in (b"\n", b" ", b",", b'"'))
        head = head[: ends + 1] or head
    try:
        return decode(head)
    except Unreadable:
        return ""
