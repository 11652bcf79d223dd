"""Places on this machine that hold a person's writing: zips, documents and folders, looked into.

Logs, tables of numbers, programs, this project's own files and exported twins are no writing. Each
place is offered with the number of its texts, or of a folder's files, and the beginning of the
first one.
"""

import os
import re
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from ..corpus import readers
from ..corpus.readers import archive
from ..files import TwinError
from ..i18n import t
from ..text.formatting import size
from ..twin import FILES
from .display import cut
from .portable import LIST as EXPORTED
from .runtime import ROOT, system
from .senders import title_of

_LISTED = 40  # places that are offered
_SECONDS = 4.0  # for looking into all places; the next call goes on
_SECONDS_EACH = 0.5
_LOOKED_AT = 400  # entries of one folder that are looked at
_TEXTS = 12  # of a place; one of them must read like prose
_LARGEST = 2 * 2**20  # bytes of a file that is looked into, since it is read as a whole
_START = 2**16  # bytes of a larger text that are looked at
_FIRST = 36  # columns of the first text's beginning
_DOCUMENTS = (".zip", ".docx", ".epub", ".pdf", ".md", ".txt", ".csv", ".xlsx", ".json", ".xml")
_BOOKS = (".pdf", ".docx", ".epub")  # writing, whatever is in there, and slow to read
# Folders of Colab, of Google Drive and of this project that hold nobody's writing.
_NOT_WRITING = (
    "sample_data drive another-me twins my_notebooks notebooks twinlib tests tools benchmarks docs "
    "data_samples build node_modules"
).split() + ["Colab Notebooks"]
# Files by which a folder or a zip is a program or a twin.
_PROGRAMS = {".git", "pyproject.toml", "package.json", "setup.py", "Cargo.toml", FILES["facts"]}
# What a service's export has where it begins.
_EXPORT = re.compile(
    r'"(messages|mapping|tweet|full_text|text)"|<rss|<wp:|content|内容', re.IGNORECASE
)
_COUNTED = {  # strings, by whether files are counted and whether there are more
    (False, False): "ui.place_with_texts",
    (False, True): "ui.place_with_more",
    (True, False): "ui.place_with_files",
    (True, True): "ui.place_with_more_files",
}
_looks: dict[tuple, "Look | None"] = {}  # {(path, time of change): what was found}


class Look(NamedTuple):
    """What a place holds: the number of texts or chats, whether more, and how the first begins.

    `texts` is 0 for what was not counted, and of a folder that of its files (`in_files`): how many
    texts they hold is known once all are read.
    """

    texts: int
    is_more: bool
    first: str
    in_files: bool = False


class Place(NamedTuple):
    """A zip, document or folder with writing: its path and what the list says of it."""

    path: Path
    label: str


def found() -> list[Place]:
    """Zips, documents and folders with writing where people put them, the newest first.

    Google Drive is slow to list: after some seconds nothing more is looked into.
    """
    until, candidates = time.monotonic() + _SECONDS, {}
    for folder in _folders():
        for path in _entries(folder, until):
            candidates[path.resolve()] = _changed(path)
    places = []
    for path in sorted(candidates, key=candidates.get, reverse=True):
        look = _looked_into(path, candidates[path], until)
        if look and len(places) < _LISTED:
            places.append(Place(path, _label(path, look)))
    return places


def _folders():
    """The folders to look into."""
    home = Path.home()
    return {
        "colab": [Path("/content"), Path("/content/drive/MyDrive")],
        "kaggle": [Path("/kaggle/input"), Path("/kaggle/working")],
        "here": [Path.cwd(), ROOT, ROOT.parent]
        + [home / name for name in ("Downloads", "Documents", "Desktop", "下载", "文档", "桌面")],
    }[system()]


def _entries(folder, until) -> Iterator[Path]:
    """The files and folders right in a folder whose names may be those of writing."""
    try:
        with os.scandir(folder) as entries:
            several = [Path(entry.path) for _, entry in zip(range(_LOOKED_AT), entries)]
    except OSError:
        return
    for path in several:
        ours = folder == ROOT and path.suffix in (".md", ".txt")
        if ours or path == ROOT or path.name.startswith((".", "~")) or path.name in _NOT_WRITING:
            continue
        try:
            if path.is_file() and _is_document(path):
                yield path
            elif time.monotonic() < until and path.is_dir() and _holds_documents(path):
                yield path
        except OSError:
            continue


def _is_document(path):
    return path.suffix.lower() in _DOCUMENTS and archive.kind_of(path.name) is None


def _holds_documents(folder):
    """Whether a folder has a document right in it or one folder below, and is no program."""
    names = {entry.name for _, entry in zip(range(_LOOKED_AT), os.scandir(folder))}
    return names.isdisjoint(_PROGRAMS) and any(True for _ in _documents(folder))


def _documents(folder) -> Iterator[Path]:
    """The documents right in a folder and one folder below, of the first entries."""

    def entries(folder):
        several = [Path(entry.path) for _, entry in zip(range(_LOOKED_AT), os.scandir(folder))]
        return sorted(path for path in several if not path.name.startswith("."))

    near = entries(folder)
    yield from (path for path in near if _is_document(path) and path.is_file())
    for below in [path for path in near if path.is_dir()][:20]:
        several = entries(below)
        if _PROGRAMS.isdisjoint(path.name for path in several):
            yield from (path for path in several if _is_document(path) and path.is_file())


def _looked_into(path, changed, until):
    """The Look of a place that holds writing; None for another, and when the time is over."""
    key = path, changed
    if key not in _looks and time.monotonic() < until:
        try:
            _looks[key] = None if _is_program(path) else _look(path)
        except (TwinError, OSError):
            _looks[key] = None
    return _looks.get(key)


def _is_program(path):
    """Whether a zip is an exported twin or a program, such as this project as a download."""
    if path.suffix.lower() != ".zip":
        return False
    try:
        with zipfile.ZipFile(path) as opened:
            names = [PurePosixPath(name) for name in opened.namelist()[:_LOOKED_AT]]
    except (zipfile.BadZipFile, ValueError, EOFError, NotImplementedError):
        return True
    return any(n.name in _PROGRAMS | {EXPORTED} for n in names if len(n.parts) <= 2)


def _look(path):
    """Look at the first texts for a moment: None unless one is prose, or there is a chat."""
    if path.is_file():
        return _look_at_file(path)
    files, began = list(_documents(path)), time.monotonic()
    for file in files[:_TEXTS]:
        if (look := _look_at_file(file)) and look.texts:
            is_more = len(files) >= _LOOKED_AT
            return Look(len(files), is_more, look.first, in_files=True)
        if time.monotonic() - began > _SECONDS_EACH:
            return None
    return None


def _look_at_file(path):
    suffix = path.suffix.lower()
    if suffix in _BOOKS:
        return Look(1, False, path.stem)
    if suffix != ".zip" and path.stat().st_size > _LARGEST:
        with path.open("rb") as opened:
            start = opened.read(_START).decode("utf-8", "ignore")
        is_export = suffix not in (".md", ".txt") and _EXPORT.search(start)
        return Look(0, False, path.stem) if is_export or readers.is_prose(start) else None
    log, began, texts, first = readers.ReadLog(), time.monotonic(), 0, None
    for document in readers.read(path, log=log):
        texts += 1
        if first is None and texts <= _TEXTS and readers.is_prose(document.text):
            first = _beginning(document)
        if first is None and texts >= _TEXTS or time.monotonic() - began > _SECONDS_EACH:
            return None if first is None else Look(texts, True, first)
    chats = [chat["senders"] for chat in log.chats.values() if chat["senders"]]
    if first is None and chats:  # nobody is chosen yet, so that none of them is a text
        return Look(len(chats), False, ", ".join(list(chats[0])[:2]))
    return None if first is None else Look(texts, False, first)


def _beginning(document):
    """A text's title, or its first line where the title is only the file's name."""
    title, name = title_of(document), document.fallback_title or document.source
    return document.text.strip()[:200].split("\n")[0] if title == name else title


def _changed(path):
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0


def _label(path, look):
    """'blog.zip · 43 texts · “The tram” … · 2026-11-28 · /content'."""
    counted = _COUNTED[look.in_files, look.is_more]
    return t(
        counted if look.texts else "ui.place_by_size",
        name=f"{path.name}/" if path.is_dir() else path.name,
        texts=look.texts,
        first=cut(look.first, _FIRST),
        size=size(path.stat().st_size),
        day=time.strftime("%Y-%m-%d", time.localtime(_changed(path))),
        folder=path.parent,
    )
