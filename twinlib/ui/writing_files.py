"""Where a person's writing may lie: files uploaded into the twin's folder, zips and folders found.

Uploads are kept in the twin's folder `writing`, which is read as one source. They are stored as
they came: archives are never unpacked, see corpus/readers/archive.py.
"""

import os
import re
import shutil
import time
import unicodedata
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from ..corpus.readers import archive, has_files
from ..files import TwinError, write_atomic
from ..i18n import t
from ..text.formatting import size
from ..twin import FILES, Twin
from .runtime import ROOT, system

_SPARE = 200 * 2**20  # bytes that stay free on the disk
_LONGEST_NAME = 200  # bytes: Linux allows 255, and a name gets longer while it is written
_LISTED = 40  # places that are offered
_SECONDS = 4.0  # for looking into folders
_LOOKED_AT = 400  # entries of one folder that are looked at
_DOCUMENTS = (".zip", ".docx", ".epub", ".pdf", ".md", ".txt", ".csv", ".xlsx", ".json", ".xml")
# Folders of Colab, of Google Drive and of this project that hold nobody's writing.
_NOT_WRITING = (
    "sample_data drive another-me twins my_notebooks notebooks twinlib tests tools benchmarks docs "
    "data_samples build node_modules"
).split() + ["Colab Notebooks"]


class Place(NamedTuple):
    """A zip, document or folder that may hold writing: its path and what the list says of it."""

    path: Path
    label: str


def received(value: dict | Iterable[dict]) -> list[tuple[str, bytes]]:
    """(name, content) of each file in FileUpload.value: a dict in ipywidgets 7, a tuple in 8."""
    if isinstance(value, dict):
        return [(name, bytes(file["content"])) for name, file in value.items()]
    return [(file["name"], bytes(file["content"])) for file in value]


def save(twin: Twin, name: str, content: bytes) -> Path:
    """Keep an uploaded file in the twin's folder, in the place of an earlier one of that name.

    Raises TwinError when it is too large or the disk is too full.
    """
    limit = archive.ARCHIVE_LIMIT if content[:4] == b"PK\3\4" else archive.FILE_LIMIT
    if len(content) > limit:
        raise TwinError(t("ui.upload_too_large", name=name, size=size(limit)))
    free = shutil.disk_usage(twin.path).free
    if len(content) + _SPARE > free:
        raise TwinError(t("ui.upload_disk_full", name=name, free=size(free)))
    path = twin.writing() / _safe(name)
    try:
        write_atomic(path, content)
    except OSError as error:
        reason = error.strerror or error
        raise TwinError(t("ui.upload_not_saved", name=name, error=reason)) from None
    return path


def _safe(name):
    """A name that is a file's on every system, without folders."""
    name = unicodedata.normalize("NFC", re.split(r"[\\/]", name)[-1])
    name = re.sub(r'[\x00-\x1f<>:"|?*]', "-", name).strip(". ") or "file"
    stem, suffix = os.path.splitext(name)
    suffix = _cut(suffix, _LONGEST_NAME // 2)
    return _cut(stem, _LONGEST_NAME - len(suffix.encode())) + suffix


def _cut(text, length):
    """The start of a text, as many bytes in UTF-8; without half surrogates."""
    return text.encode("utf-8", "ignore")[:length].decode("utf-8", "ignore")


def uploaded(twin: Twin) -> list[Path]:
    """The files uploaded so far, by name."""
    folder = twin.writing()
    return sorted(p for p in folder.glob("*") if p.is_file() and p.name[:1] != ".")


def found() -> list[Place]:
    """Zips, documents and folders where people put them on this machine, the newest first.

    Google Drive is slow to list: after some seconds no more folders are looked into.
    """
    places, until = {}, time.monotonic() + _SECONDS
    for folder in _folders():
        for path in _entries(folder, until):
            places[path.resolve()] = _changed(path)
    newest = sorted(places, key=places.get, reverse=True)[:_LISTED]
    return [Place(path, _label(path)) for path in newest]


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
    """The files and folders right in a folder that may hold writing."""
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
            elif time.monotonic() < until and path.is_dir() and _holds_writing(path):
                yield path
        except OSError:
            continue


def _is_document(path):
    return path.suffix.lower() in _DOCUMENTS and archive.kind_of(path.name) is None


def _holds_writing(folder):
    """Whether a folder has a document right in it or one folder below, and is no program."""
    names = {entry.name for _, entry in zip(range(_LOOKED_AT), os.scandir(folder))}
    if FILES["facts"] in names or not names.isdisjoint((".git", "pyproject.toml", "package.json")):
        return False
    near = [Path(folder, name) for name in sorted(names) if not name.startswith(".")]
    inside = (path for below in near[:20] if below.is_dir() for path in below.glob("*"))
    documents = (p for _, p in zip(range(_LOOKED_AT), [*near, *inside]) if _is_document(p))
    return any(True for _ in documents) and has_files(folder)


def _changed(path):
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0


def _label(path):
    """'blog.zip · 3.2 MB · 2026-11-28 · /content'."""
    kind = f"{path.name}/" if path.is_dir() else f"{path.name} · {size(path.stat().st_size)}"
    day = time.strftime("%Y-%m-%d", time.localtime(_changed(path)))
    return f"{kind} · {day} · {path.parent}"
