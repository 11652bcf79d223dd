"""From a folder or a zip of anything to documents, chosen by content, with a reason for whatever is left out.

A raw document is a dict {id, title, text, date, source, author, kind, markdown, draft}: `text` still has its markup,
`date` is ISO or None, `source` is the path relative to the folder ('archive.zip/inner.md' inside an archive).
The id is the content id of `source` alone, so that editing a text or its title keeps the id, its split and what
the owner decided about it; moving the file makes a new document.

Archives are never unpacked: members are read into memory one at a time, within limits.
"""

import lzma
import os
import zipfile
import zlib
from collections import Counter
from pathlib import Path
from typing import NamedTuple

from ...language import t
from ...twin import TwinError, content_id
from . import markdown, plain
from .encoding import Unreadable, decode

WRITING = {".md", ".markdown", ".mdown", ".mkd", ".mdx", ".rmd", ".qmd", ".txt", ".text", ""}
IMAGES = {".png", ".jpg", ".jpeg", ".gif", ".svg", ".webp", ".ico", ".bmp", ".heic", ".mp3", ".mp4", ".mov", ".wav"}
LATER = {".html", ".htm", ".docx", ".doc", ".pdf", ".epub", ".odt", ".rtf", ".xml", ".srt", ".vtt", ".csv", ".xlsx"}
CACHES = {"node_modules", "__pycache__", "__macosx", "site-packages", "venv", "cache", "caches"}
ABOUT = {"readme", "license", "licence", "copying", "notice", "changelog", "contributing", "code_of_conduct",
         "authors", "requirements", "robots", "cmakelists", "humans", "security", "makefile", "dockerfile", "cname"}
FILE_LIMIT = 20 * 2**20  # bytes of one text
ARCHIVE_LIMIT, MEMBER_LIMIT, RATIO_LIMIT = 500 * 2**20, 20_000, 200  # bytes unpacked, members, times smaller


class Dropped(NamedTuple):
    """Something left out: `document` is a source path, `what` and `reason` are keys of REASONS, `text` its content."""

    document: str
    what: str
    reason: str
    text: str
    id: str


class Reading(NamedTuple):
    """What a source gave: raw documents, what was dropped, and how many files of which sort were passed over."""

    documents: list
    dropped: list
    passed: Counter


def read(source, progress=None):
    """Everything readable under a folder, a zip or a single file; raises TwinError when there is no such thing."""
    source, reading = Path(source), Reading([], [], Counter())
    if not source.exists():
        raise TwinError(t(f"There is no folder {source}: check the path.", f"找不到文件夹 {source}：请检查路径。"))
    found = list(files(source, reading.passed))
    for number, (name, path) in enumerate(found, 1):
        _file(name, path, reading, "" if path == source else f"{name}/")
        if progress:
            progress(number, len(found))
    return reading


def files(source, passed):
    """(relative name, path) of what may be writing, sorted; counts what is passed over in `passed` by sort."""
    source = Path(source)
    if source.is_file():
        yield source.name, source
        return
    for folder, folders, names in os.walk(source):
        here = Path(folder)
        folders[:] = sorted(name for name in folders if not _skipped(here / name, passed))
        for name in sorted(names):
            sort = "link" if (here / name).is_symlink() else sort_of(name)
            if sort == "writing" or sort == "archive":
                yield (here / name).relative_to(source).as_posix(), here / name
            else:
                passed[sort] += 1


def _skipped(folder, passed):
    # A link is passed over even when it stays inside: its target is read where it lies.
    sort = "link" if folder.is_symlink() else "hidden" if folder.name.startswith(".") else \
        "cache" if folder.name.lower() in CACHES else "twin" if (folder / "twin.json").exists() else None
    passed.update([sort] if sort else [])
    return sort is not None


def sort_of(name):
    """What a file name promises: writing, archive, hidden, about, image, later (a format not read yet) or other."""
    path = Path(name)
    suffix = path.suffix.lower()
    if path.name.startswith((".", "~")):
        return "hidden"
    if suffix == ".zip":
        return "archive"
    if suffix in WRITING:
        return "about" if path.stem.lower() in ABOUT else "writing"
    return "image" if suffix in IMAGES else "later" if suffix in LATER else "other"


def _file(name, path, reading, prefix):
    try:
        # By content, not by name: a zip may be called anything.
        if zipfile.is_zipfile(path):
            _archive(prefix, path, reading)
        elif path.suffix.lower() == ".zip":
            raise Unreadable("damaged")
        elif path.stat().st_size > FILE_LIMIT:
            raise Unreadable("large")
        else:
            _text(name, path.read_bytes(), reading)
    except Unreadable as error:
        _drop(name, str(error), reading)
    except OSError:
        _drop(name, "unreadable", reading)


def _archive(prefix, path, reading):
    try:
        with zipfile.ZipFile(path) as archive:
            members = [info for info in archive.infolist() if not info.is_dir()]
            if len(members) > MEMBER_LIMIT or sum(info.file_size for info in members) > ARCHIVE_LIMIT:
                raise Unreadable("bomb")
            for info in members:
                _member(prefix, archive, info, reading)
    except (zipfile.BadZipFile, ValueError, EOFError):
        raise Unreadable("damaged") from None


def _member(prefix, archive, info, reading):
    name = _member_name(info)
    parts = name.split("/")
    sort = "hidden" if any(part.startswith(".") and part != ".." for part in parts[:-1]) else \
        "cache" if any(part.lower() in CACHES for part in parts[:-1]) else sort_of(parts[-1])
    if sort != "writing":
        reading.passed[sort] += 1
        return
    try:
        if name.startswith("/") or ".." in parts or ":" in parts[0]:
            raise Unreadable("unsafe")
        if info.file_size > FILE_LIMIT:
            raise Unreadable("large")
        if info.file_size > max(2**20, RATIO_LIMIT * info.compress_size):
            raise Unreadable("bomb")
        if info.flag_bits & 1:
            raise Unreadable("locked")
        _text(prefix + name, archive.read(info), reading)
    except Unreadable as error:
        _drop(prefix + name, str(error), reading)
    except (zipfile.BadZipFile, zlib.error, lzma.LZMAError, NotImplementedError, RuntimeError, EOFError, OSError):
        _drop(prefix + name, "damaged", reading)


def _member_name(info):
    """The member's name; archives made on a Chinese Windows hold GBK names without saying so."""
    name = info.filename
    if not info.flag_bits & 0x800:
        try:
            name = decode(name.encode("cp437"))
        except (UnicodeError, Unreadable):
            pass
    return name.replace("\\", "/")


def _text(name, data, reading):
    text = decode(data)
    plainly = Path(name).suffix.lower() in (".txt", ".text", "") and not markdown.looks_like(text)
    reader = plain if plainly else markdown
    for document in reader.read(text, name):
        reading.documents.append({"id": content_id(document["source"]), **document})


def _drop(name, reason, reading):
    reading.dropped.append(Dropped(name, "document", reason, "", content_id(name)))
