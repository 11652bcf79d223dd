"""A mailbox that is larger than memory should hold, in parts that end where a mail ends.

Google Takeout writes all mails of years into one file, pictures included.
"""

import re
from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import BinaryIO

_PART, _BLOCK = 48 * 2**20, 8 * 2**20  # bytes of a part, and read at once
_BEGINS = re.compile(rb"(?<=\n)\r?\n(?=From [^\n]*\d[^\n]*\r?\n[!-9;-~]{1,76}:)")


def is_mailbox(name: str, head: bytes) -> bool:
    """Whether a file is a mailbox of many mails, by its name and its first bytes."""
    named = PurePosixPath(name).suffix.lower() in (".mbox", ".mbx")
    return named and head.lstrip(b"\xef\xbb\xbf\r\n").startswith(b"From ")


def name_of(name: str, number: int) -> str:
    """The name of a part: 'Takeout/Sent.mbox/Sent 2.mbox'."""
    return f"{name}/{PurePosixPath(name).stem} {number}.mbox"


def parts(stream: BinaryIO, size: int = _PART) -> Iterator[bytes]:
    """Yield the mails of a mailbox, about `size` bytes at a time; a larger mail is one part."""
    held = b""
    while block := stream.read(_BLOCK):
        start = max(0, len(held) - 2000)  # where no mail was found to begin
        held += block
        if len(held) < size:
            continue
        if begins := list(_BEGINS.finditer(held, start)):
            yield held[: begins[-1].end()]
            held = held[begins[-1].end() :]
    if held:
        yield held
