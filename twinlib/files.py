"""Atomic writes, JSON Lines records, hashes, and the cache of model outputs."""

import errno
import hashlib
import json
import os
import re
import secrets
import shutil
import sys
import threading
import time
from collections.abc import Callable, Hashable, Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import fields
from pathlib import Path
from typing import BinaryIO
from urllib.parse import unquote

from .i18n import t

# A temporary file older than this many seconds was left by a process that was killed.
_ABANDONED = 3600
_LOCK_WAIT = 20.0  # seconds for a lock; a read and a write take milliseconds, on slow disks seconds
_WINDOWS = sys.platform == "win32"
_SKIPPED = {"node_modules", "__pycache__"}
# {folder: a file that stands in it}: where a folder is on a disk that was unmounted, the file is
# missing, and nothing may be written into the empty folder that is left in its place
_HOMES: dict[Path, Path] = {}
# {lock file: when it was taken, in nanoseconds}: locks that were waited for in vain
_PASSED_OVER: dict[Path, int] = {}


class TwinError(Exception):
    """An error that the owner can correct: one sentence with what is wrong and what to do next."""

    def _render_traceback_(self):  # notebooks show the sentence alone
        return [str(self)]


_QUOTED = ('""', "''", "``", "“”", "‘’", "«»")


def pasted_path(text: str) -> str:
    """A path without what is pasted with it: blanks and quotation marks around it, file://.

    Something whose name is exactly that stays as it is, and so does any other text.
    """
    path = text.strip()
    if not path or os.path.lexists(text):
        return text if path else ""
    for first, last in _QUOTED:
        if len(path) > 1 and path.startswith(first) and path.endswith(last):
            path = path[1:-1].strip()
    if path.lower().startswith("file:"):
        path = unquote(re.sub("^file:(//localhost(?=/)|//(?=/))?", "", path, flags=re.IGNORECASE))
        path = re.sub(r"^/(?=[A-Za-z]:[\\/])", "", path)  # a drive of Windows
    return path


def hash_of(path: Path, cache: dict, leave_out: Path | None = None) -> str:
    """The sha256 of a file, or of a folder's names and hashes; 'unreadable' without permission.

    `cache` is {path: [[size, modification time], sha256]} and is updated. `leave_out` is a folder
    that is skipped if it lies inside `path`.
    """
    if path.is_dir():
        lines = [
            f"{p.relative_to(path).as_posix()} {hash_of(p, cache)}"
            for p in sorted(_walk(path, leave_out))
        ]
        return hashlib.sha256("\n".join(lines).encode("utf-8", "surrogateescape")).hexdigest()
    if not os.access(path, os.R_OK):
        return "unreadable"
    stat = path.stat()
    key = os.fsencode(path.resolve()).decode("utf-8", "backslashreplace")
    version = [stat.st_size, stat.st_mtime_ns]
    if cache.get(key, [None])[0] != version:
        cache[key] = [version, sha256_of(path)]
    return cache[key][1]


def _walk(folder, leave_out):
    """The files below a folder, without hidden folders, those of _SKIPPED, and `leave_out`."""
    inside = leave_out is not None and folder.resolve().is_relative_to(leave_out)

    def is_included(path):
        hidden = path.name.startswith(".") or path.name in _SKIPPED
        return not hidden and (inside or path.resolve() != leave_out)

    for parent, folders, files in os.walk(folder):
        folders[:] = [name for name in folders if is_included(Path(parent, name))]
        yield from (path for name in files if (path := Path(parent, name)).is_file())


def sha256_of(path: Path) -> str:
    """The sha256 of a file's bytes, in hexadecimal."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def content_id(text: str) -> str:
    """A stable id of a text: 16 hexadecimal digits that do not depend on its white space."""
    return hashlib.sha256(" ".join(text.split()).encode()).hexdigest()[:16]


def is_home(folder: Path, witness: Path) -> None:
    """Make nothing in `folder` any more when the file `witness` is missing: its disk is away.

    Where a disk was unmounted, what is put into the empty folder would keep it from being mounted.
    """
    _HOMES[Path(folder).absolute()] = Path(witness)


def is_no_home(folder: Path) -> None:
    """Undo `is_home`, to make the folder anew."""
    _HOMES.pop(Path(folder).absolute(), None)


def make_folder(folder: Path) -> None:
    """Make a folder and those above it; raises FileNotFoundError where the disk is away."""
    full = Path(folder).absolute()
    for home in (full, *full.parents):
        if home in _HOMES and not _HOMES[home].exists():
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(home))
    full.mkdir(parents=True, exist_ok=True)


@contextmanager
def scratch(folder: Path) -> Iterator[Path]:
    """An empty folder that is deleted at the end, and at the start if a killed run left it."""
    folder = Path(folder)
    shutil.rmtree(folder, ignore_errors=True)
    make_folder(folder)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def put_folder_in_place(new: Path, folder: Path) -> None:
    """Give a finished folder the name of one that it replaces, which is deleted afterwards.

    Where the new one can't be renamed, the old one gets its name back.
    """
    old = folder.with_name(f".{folder.name}.old")
    if folder.exists():
        shutil.rmtree(old, ignore_errors=True)
        folder.rename(old)
    try:
        new.rename(folder)
    except BaseException:
        if old.exists():
            old.rename(folder)
        raise
    shutil.rmtree(old, ignore_errors=True)


@contextmanager
def replaced(path: Path, private: bool = False) -> Iterator[BinaryIO]:
    """A temporary binary file that replaces `path` at the end, unless an error is raised.

    Others may read it as far as the umask lets them; a `private` one is its owner's alone.
    """
    path = Path(path)
    make_folder(path.parent)
    for old in path.parent.glob(f".{path.name}.*"):
        with suppress(FileNotFoundError):  # another process has just put it in place
            if now() - old.stat().st_mtime > _ABANDONED:
                old.unlink()
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    # Made by the system, which leaves out what the umask does: nobody else may read more.
    options = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
    handle = os.open(temporary, options, 0o600 if private else 0o666)
    try:
        with os.fdopen(handle, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        put_in_place(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def put_in_place(temporary: Path, path: Path) -> None:
    """os.replace, tried for some seconds on Windows, which refuses while a program reads `path`."""
    for wait in (0.05, 0.1, 0.2, 0.4, 0.8, 1.6) if _WINDOWS else ():
        try:
            return os.replace(temporary, path)
        except PermissionError:
            time.sleep(wait)
    return os.replace(temporary, path)


class DamagedFile(TwinError, ValueError):
    """A JSON file that can't be used: no JSON, of another type, or text that UTF-8 can't hold."""


def read_json(
    path: Path, kind: type = dict, damaged: str = "core.file_damaged", errors: str = "strict"
) -> object:
    """The value of a JSON file; raises OSError without one, DamagedFile where it is no `kind`.

    `damaged` names its sentence in data/strings/, and `errors` what is done with bytes that are no
    UTF-8, as bytes.decode does. Everything that twinlib writes as JSON is read here.
    """
    return parsed_json(Path(path).read_bytes(), path, kind, damaged, errors)


def parsed_json(
    content: bytes,
    path: Path | str,
    kind: type = dict,
    damaged: str = "core.file_damaged",
    errors: str = "strict",
) -> object:
    """The value of what was read from a JSON file at `path`; all else as in `read_json`."""
    try:
        value = json.loads(content.decode("utf-8", errors))
        json.dumps(value, ensure_ascii=False).encode("utf-8", errors)  # fails on a lone surrogate
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, kind):
        raise DamagedFile(t(damaged, path=path))
    return value


def known_fields(kind: type, values: dict) -> dict:
    """The values that a dataclass has fields for, without what another version added."""
    names = {field.name for field in fields(kind)}
    return {name: value for name, value in values.items() if name in names}


def json_or(path: Path, default: object) -> object:
    """The value of a JSON file, of the type of `default`, or that where it can't be read."""
    try:
        return read_json(path, type(default))
    except (OSError, DamagedFile):
        return default


def write_atomic(path: Path, data: str | bytes, private: bool = False) -> None:
    """Write text or bytes so that a reader sees the old file or the new one, never a part of it."""
    with replaced(path, private) as file:
        file.write(data.encode("utf-8") if isinstance(data, str) else data)


def write_json(path: Path, value: object) -> None:
    """Write indented JSON, in UTF-8 without escapes, atomically."""
    write_atomic(path, json.dumps(value, ensure_ascii=False, indent=1) + "\n")


def write_records(path: Path, records: Iterable[dict], private: bool = False) -> int:
    """Write JSON Lines, in UTF-8 without escapes, atomically; returns the number of records."""
    lines = [json.dumps(record, ensure_ascii=False) + "\n" for record in records]
    write_atomic(path, "".join(lines), private)
    return len(lines)


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Keep other processes that use this lock file out, to read, change and write files.

    Some disks keep the lock of a killed process: it is passed over after some seconds, which is
    said, and not waited for again until somebody takes it anew.
    """
    from huggingface_hub.utils import WeakFileLock

    path = Path(path).absolute()
    with ExitStack() as stack:
        taken = _changed(path)
        waited = taken and _PASSED_OVER.get(path) == taken
        try:
            stack.enter_context(WeakFileLock(path, timeout=0.1 if waited else _LOCK_WAIT))
            with suppress(OSError):
                os.utime(path)  # tells this lock from the one before
        except TimeoutError:
            _PASSED_OVER[path] = _changed(path)
            if not waited:
                text = t("core.lock_passed_over", path=path, seconds=round(_LOCK_WAIT))
                print(text, file=sys.stderr, flush=True)
        yield


def _changed(path):
    """When a file was changed, in nanoseconds; 0 without it."""
    try:
        return path.stat().st_mtime_ns
    except OSError:
        return 0


def parsed_lines(text: str) -> Iterator[tuple[int, dict | None]]:
    """(line number, record) of each line that is not blank; None for one that is no JSON object."""
    # splitlines() would also cut at U+2028, which may be inside a record.
    for number, line in enumerate(text.split("\n"), 1):
        if line.strip():
            try:
                record = json.loads(line)
                json.dumps(record, ensure_ascii=False).encode()  # fails on a lone surrogate
            except (ValueError, RecursionError):
                record = None
            yield number, record if isinstance(record, dict) else None


def read_records(path: Path, step: str = "") -> list[dict]:
    """The records of a JSON Lines file; raises TwinError when a line is not a JSON object."""
    records = []
    for number, record in parsed_lines(Path(path).read_text(encoding="utf-8", errors="replace")):
        if record is None:
            raise TwinError(t("core.record_damaged", path=path, number=number, step=step))
        records.append(record)
    return records


class Cache:
    """Outputs of a model in a JSON Lines file, looked up by the values of the fields in `keys`.

    A damaged line, such as one that a killed process left half written, is ignored. Of two records
    with the same key the later one is used. Several threads may add and append.
    """

    def __init__(self, path: Path, keys: tuple[str, ...] = ("id",)):
        self.path, self.keys = Path(path), keys
        self.records: dict[tuple, dict] = {}
        self._lock = threading.Lock()
        text = self.path.read_text(encoding="utf-8", errors="replace") if self.path.exists() else ""
        self._torn = bool(text) and not text.endswith("\n")
        for _, record in parsed_lines(text):
            if record is not None and self._has_key(record):
                self.records[self._key(record)] = record

    def _has_key(self, record):
        return all(key in record and isinstance(record[key], Hashable) for key in self.keys)

    def _key(self, record: dict) -> tuple:
        return tuple(record[key] for key in self.keys)

    def get(self, *key) -> dict | None:
        """The record whose `keys` have these values, or None."""
        return self.records.get(key)

    def add(self, records: Iterable[dict]) -> None:
        """Add records and rewrite the file."""
        added = {self._key(record): record for record in records}
        with self._lock:
            self.records.update(added)
            self._rewrite()

    def _rewrite(self):
        write_records(self.path, self.records.values())
        self._torn = False

    def append(self, *records: dict) -> None:
        """Add records, written to the end of the file at once."""
        lines = "".join(json.dumps(record, ensure_ascii=False) + "\n" for record in records)
        with self._lock:
            make_folder(self.path.parent)
            begin, self._torn = "\n" * self._torn, True  # until all of it is written
            with open(self.path, "a", encoding="utf-8") as file:
                file.write(begin + lines)
            self._torn = False
            self.records.update((self._key(record), record) for record in records)

    def replace(self, records: Iterable[dict]) -> None:
        """Replace all records by these, in this order."""
        only = {self._key(record): record for record in records}
        with self._lock:
            self.records = only
            self._rewrite()

    def fill(
        self,
        items: dict,
        compute: Callable[[list], Iterable[dict]],
        batch: int = 1,
        done: Callable[[int], None] = lambda count: None,
        **shared,
    ) -> list[dict]:
        """The records of `items`, {id: item}, in their order; compute(items) makes missing ones.

        `compute` returns the fields of each record without its keys. `keys` must be "id" and the
        names of `shared`, whose values all these records have. `batch` items are computed and saved
        at a time. done(count) is called first with the number of cached records, then after each
        batch with its size.
        """
        rest = tuple(shared[key] for key in self.keys[1:])
        missing = [name for name in items if (name, *rest) not in self.records]
        done(len(items) - len(missing))
        for start in range(0, len(missing), batch):
            names = missing[start : start + batch]
            computed = compute([items[name] for name in names])
            self.add({"id": name, **fields, **shared} for name, fields in zip(names, computed))
            done(len(names))
        return [self.records[name, *rest] for name in items]


def versions(*packages: str) -> dict[str, str]:
    """{package: version} of those that are installed, without importing them."""
    from importlib.metadata import PackageNotFoundError, version

    installed = {}
    for package in packages:
        try:
            installed[package] = version(package)
        except PackageNotFoundError:
            pass
    return installed


def now() -> float:
    """Seconds since 1970, UTC."""
    return time.time()
