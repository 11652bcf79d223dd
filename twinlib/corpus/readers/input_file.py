"""What a reader gets: one file's name and bytes, decoded when asked for, and its neighbours."""

from functools import cached_property
from pathlib import PurePosixPath
from typing import NamedTuple

from .encoding import decode


class File:
    """A file of a source: `name` is its path inside it, `data` its bytes; `near(path)` gives a neighbour's bytes.

    `text` raises encoding.Unreadable when the bytes are not text.
    """

    def __init__(self, name, data, near=lambda path: None):
        self.name, self.data, self._near = name, data, near

    @property
    def suffix(self):
        """'.md', in lower case."""
        return PurePosixPath(self.name).suffix.lower()

    @property
    def head(self):
        """The first 64 KiB, to look at before the whole file is read."""
        return self.data[:65536]

    @cached_property
    def text(self):
        return decode(self.data)

    def near(self, path):
        """The bytes of the file at `path` relative to this one's folder ('../posts.csv'), or None."""
        return self._near(path)


class Options(NamedTuple):
    """What the owner said about the source: `me` names in chats, `columns` {role: column name}, `author`."""

    me: tuple = ()
    columns: dict = {}
    author: str = ""


class Message(NamedTuple):
    """One message: `time` is ISO ('2023-05-01T21:03:00') or '', `mine` True or False when the export itself says."""

    sender: str
    text: str
    time: str = ""
    mine: bool | None = None


class Conversation(NamedTuple):
    """One chat with one person or group, in the order it was written. `kind` is chat or post (nobody is answered)."""

    title: str
    messages: list
    kind: str = "chat"


class UnknownColumns(Exception):
    """A table whose columns can't be told: the message holds nothing, `names` are its columns, `rows` three of them."""

    def __init__(self, names, rows):
        super().__init__()
        self.names, self.rows = names, rows
