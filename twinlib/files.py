"""Files that are whole or not there: atomic writes, JSON Lines records, hashes."""

import hashlib
import json
import os
import shutil
import tempfile
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from .i18n import t


class TwinError(Exception):
    """Something a person can mend: one sentence that says what is wrong and what to do next."""

    def _render_traceback_(self):  # in a notebook the sentence stands alone
        return [str(self)]


LEFT_BEHIND = 3600  # seconds after which a temporary file is nobody's
SKIPPED = {"node_modules", "__pycache__"}  # never anybody's writing, and large


def hash_of(path, cache, leave_out=None):
    if path.is_dir():
        lines = [
            f"{p.relative_to(path).as_posix()} {hash_of(p, cache)}"
            for p in sorted(_walk(path, leave_out))
        ]
        return hashlib.sha256("\n".join(lines).encode("utf-8", "surrogateescape")).hexdigest()
    if not os.access(path, os.R_OK):
        return "unreadable"
    stat = path.stat()
    key, mark = (
        os.fsencode(path.resolve()).decode("utf-8", "backslashreplace"),
        [stat.st_size, stat.st_mtime_ns],
    )
    if cache.get(key, [None])[0] != mark:
        cache[key] = [mark, sha256_of(path)]
    return cache[key][1]


def _walk(folder, leave_out):
    """The files below a folder, without hidden folders, SKIPPED ones and the twin's own inside somebody's writing."""
    inside = leave_out is not None and folder.resolve().is_relative_to(leave_out)
    for place, folders, files in os.walk(folder):
        folders[:] = [
            f
            for f in folders
            if not f.startswith(".")
            and f not in SKIPPED
            and (inside or Path(place, f).resolve() != leave_out)
        ]
        yield from (Path(place, name) for name in files if Path(place, name).is_file())


def sha256_of(path):
    """The sha256 of a file's bytes, in hexadecimal."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def content_id(text):
    """A short stable id of a text, the same wherever the text comes from: 16 hexadecimal digits."""
    return hashlib.sha256(" ".join(text.split()).encode()).hexdigest()[:16]


@contextmanager
def scratch(folder):
    """An empty folder that is gone afterwards, whatever happens; what a killed run left in it goes first."""
    folder = Path(folder)
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def replaced(path):
    """A binary file to write into, which takes the place of `path` at the end; on an error nothing changes."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    for left in path.parent.glob(f".{path.name}.*"):  # by a process that was killed
        if now() - left.stat().st_mtime > LEFT_BEHIND:
            left.unlink(missing_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.chmod(temporary, 0o644)
        os.replace(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def write_atomic(path, data):
    """Write text or bytes so that a reader sees the old file or the whole new one, never a part."""
    with replaced(path) as file:
        file.write(data.encode("utf-8") if isinstance(data, str) else data)


def write_json(path, value):
    """Write JSON for people to read: indented, UTF-8, not escaped; atomically."""
    write_atomic(path, json.dumps(value, ensure_ascii=False, indent=1) + "\n")


def write_records(path, records):
    """Write records, one JSON object a line, UTF-8, not escaped; atomically. Returns their number."""
    lines = [json.dumps(record, ensure_ascii=False) + "\n" for record in records]
    write_atomic(path, "".join(lines))
    return len(lines)


def parsed_lines(text: str) -> Iterator[tuple[int, dict | None]]:
    """(line number, record) of each line of JSON Lines that is not blank; None for a line that is no JSON object."""
    # Not splitlines(): that also cuts at U+2028 and its like, which may stand inside a record.
    for number, line in enumerate(text.split("\n"), 1):
        if line.strip():
            try:
                record = json.loads(line)
                json.dumps(record, ensure_ascii=False).encode()  # fails on half a surrogate pair
            except (ValueError, RecursionError):
                record = None
            yield number, record if isinstance(record, dict) else None


def read_records(path: Path, step: str = "") -> list[dict]:
    """The records of a JSON Lines file; raises TwinError when a line is not a JSON object."""
    records = []
    for number, record in parsed_lines(Path(path).read_text(encoding="utf-8", errors="replace")):
        if record is None:
            raise TwinError(
                t("core.line_record_run_step_again", path=path, number=number, step=step)
            )
        records.append(record)
    return records


class Cache:
    """What a model said or measured, one JSON record a line, found again by the fields in `keys`.

    Records are dicts. A damaged line, such as one torn by a kill, counts as missing. Of two records with one key the
    later counts. Several threads may append.
    """

    def __init__(self, path: Path, keys: tuple[str, ...] = ("id",)):
        self.path, self.keys = Path(path), keys
        self.records: dict[tuple, dict] = {}
        self._lock = threading.Lock()
        text = self.path.read_text(encoding="utf-8", errors="replace") if self.path.exists() else ""
        self._torn = bool(text) and not text.endswith("\n")
        for _, record in parsed_lines(text):
            if record is not None and all(key in record for key in keys):
                self.records[self._key(record)] = record

    def _key(self, record: dict) -> tuple:
        return tuple(record[key] for key in self.keys)

    def get(self, *key) -> dict | None:
        """The record whose `keys` have these values, or None."""
        return self.records.get(key)

    def add(self, records: Iterable[dict]) -> None:
        """Keep these too; the file is replaced as a whole."""
        self.records.update((self._key(record), record) for record in records)
        self._rewrite()

    def _rewrite(self):
        write_records(self.path, self.records.values())
        self._torn = False

    def append(self, record: dict) -> None:
        """Keep one more, written at once at the end of the file."""
        with self._lock:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with open(self.path, "a", encoding="utf-8") as file:
                line = json.dumps(record, ensure_ascii=False) + "\n"
                file.write("\n" * self._torn + line)
            self._torn = False
            self.records[self._key(record)] = record

    def only(self, records: Iterable[dict]) -> None:
        """Keep these and no others, in this order."""
        self.records = {self._key(record): record for record in records}
        self._rewrite()

    def fill(
        self,
        wanted: dict,
        make: Callable[[list], Iterable[dict]],
        portion: int = 1,
        done: Callable[[int], None] = lambda count: None,
        **same,
    ) -> list[dict]:
        """The records of `wanted`, {id: item}, in its order; make(items) gives the fields of the missing ones.

        `keys` must be "id" and the names of `same`, whose values are alike for all of them. `portion` items are made
        and written at a time; done(count) is told how many more are there.
        """
        rest = tuple(same[key] for key in self.keys[1:])
        missing = [name for name in wanted if (name, *rest) not in self.records]
        done(len(wanted) - len(missing))
        for start in range(0, len(missing), portion):
            part = missing[start : start + portion]
            made = make([wanted[name] for name in part])
            self.add({"id": name, **fields, **same} for name, fields in zip(part, made))
            done(len(part))
        return [self.records[name, *rest] for name in wanted]


def versions(*packages):
    """{package: version} of what is installed, without importing it."""
    from importlib.metadata import PackageNotFoundError, version

    found = {}
    for package in packages:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            pass
    return found


def now():
    """Seconds since 1970, UTC."""
    return time.time()
