"""Files that a person uploads in a notebook.

They are kept in the twin's folder `writing`, which is read as one source. They are stored as
they came: archives are never unpacked, see corpus/readers/archive.py.
"""

import itertools
import os
import re
import shutil
import unicodedata
from collections.abc import Iterable
from pathlib import Path

from ..corpus.readers import archive
from ..files import TwinError, write_atomic
from ..i18n import t
from ..text.formatting import size
from ..twin import Twin

_SPARE = 200 * 2**20  # bytes that stay free on the disk
_LONGEST_NAME = 200  # bytes: Linux allows 255, and a name gets longer while it is written


def received(value: dict | Iterable[dict]) -> list[tuple[str, bytes]]:
    """(name, content) of each file in FileUpload.value: a dict in ipywidgets 7, a tuple in 8."""
    if isinstance(value, dict):
        return [(name, bytes(file["content"])) for name, file in value.items()]
    return [(file["name"], bytes(file["content"])) for file in value]


def save(twin: Twin, name: str, content: bytes) -> Path:
    """Keep an uploaded file in the twin's folder.

    Where another one has its name, it gets a number: every Telegram export is called result.json.
    Raises TwinError when it is too large or the disk is too full.
    """
    limit = archive.ARCHIVE_LIMIT if content[:4] == b"PK\3\4" else archive.FILE_LIMIT
    if len(content) > limit:
        raise TwinError(t("ui.upload_too_large", name=name, size=size(limit)))
    free = shutil.disk_usage(twin.path).free
    if len(content) + _SPARE > free:
        raise TwinError(t("ui.upload_disk_full", name=name, free=size(free)))
    path = _free(twin.writing() / safe_name(name), content)
    try:
        write_atomic(path, content)
    except OSError as error:
        reason = error.strerror or error
        raise TwinError(t("ui.upload_not_saved", name=name, error=reason)) from None
    return path


def _free(path, content):
    """The path itself, or with the first number under which there is nothing, or the same."""
    stem, suffix = os.path.splitext(path.name)
    for number in itertools.count(2):
        if not path.exists() or path.is_file() and path.read_bytes() == content:
            return path
        path = path.with_name(f"{stem}-{number}{suffix}")


def safe_name(name: str) -> str:
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
