"""The input of readers: a file, with access to files near it, and the owner's settings."""

from collections.abc import Callable
from functools import cached_property
from pathlib import PurePosixPath
from typing import NamedTuple

from .encoding import decode


class File:
    """A file of a source: `name` is its path inside the source, `data` its bytes.

    `near` reads a file by its path from this one's folder, or returns None.
    """

    def __init__(
        self, name: str, data: bytes, near: Callable[[str], bytes | None] = lambda path: None
    ):
        self.name, self.data, self._near = name, data, near
        self.broken = ""  # what stands where it breaks off, once a reader has found that

    @cached_property
    def suffix(self) -> str:
        """The suffix in lower case: '.md'."""
        return PurePosixPath(self.name).suffix.lower()

    @property
    def head(self) -> bytes:
        """The first 64 KiB, for `looks_like`."""
        return self.data[:65536]

    @cached_property
    def text(self) -> str:
        """The decoded bytes. Raises encoding.Unreadable when they are not text."""
        return decode(self.data)

    def near(self, path: str) -> bytes | None:
        """The bytes of a file by its path from this one's folder ('../posts.csv'), or None."""
        return self._near(path)


class Options(NamedTuple):
    """The owner's settings: `me`, their names in chats; `columns` {role: column}; `author`."""

    me: tuple[str, ...] = ()
    columns: dict[str, str] = {}
    author: str = ""


class UnknownColumns(Exception):
    """The meaning of a table's columns `names` is unknown; `rows` are its first three rows."""

    def __init__(self, names: list[str], rows: list[list[str]]):
        super().__init__()
        self.names, self.rows = names, rows
