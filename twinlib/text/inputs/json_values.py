"""JSON of unreliable structure: each value is one of the expected type, or empty."""

import codecs
import json
from functools import lru_cache
from typing import Any

from .encoding import Unreadable, decode
from .input_file import File


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


def first(text: str) -> Any:
    """The first JSON value of a text that may be cut off after it, or None."""
    try:
        return json.JSONDecoder().raw_decode(text.lstrip())[0]
    except (ValueError, RecursionError):
        return None


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
