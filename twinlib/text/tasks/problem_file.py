"""The problems of a task in an owner's file: JSON Lines, JSON, CSV, TSV or XLSX, in any encoding.

A folder with files train.* and test.* gives both, and its test problems are the held-out ones.
"""

from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

from ...files import content_id
from ...i18n import both
from ...settings import stop, warning
from ...twin import Problem
from ..inputs import json_values, spreadsheets
from ..inputs.encoding import Unreadable, decode
from ..inputs.input_file import File
from . import Refused, of

MOST_MB = 60  # of a file: 100,000 problems are 50 MB, and nobody practises more
FEWEST = 8


class Read(NamedTuple):
    """`problems`, those of `held_out` if the folder has a file for them, and refused records.

    `refused` is [(line or row, key of a sentence)]; `reason` is the key of the sentence why the
    whole file can't be used, '' if it can.
    """

    problems: list[dict]
    held_out: list[dict]
    refused: list[tuple[int, str]]
    reason: str = ""


def read(task: str, path: Path) -> Read:
    """Read a task's problems from a file or folder."""
    if path.is_dir():
        files = [next(iter(sorted(path.glob(f"{name}.*"))), None) for name in ("train", "test")]
        if files[0] is None:
            return Read([], [], [], "train.folder_without_problems")
        train = read(task, files[0])
        test = read(task, files[1]) if files[1] else Read([], [], [])
        return train._replace(held_out=test.problems)
    try:
        if path.stat().st_size > MOST_MB * 2**20:
            return Read([], [], [], "train.problem_file_too_large")
        file = File(path.name, path.read_bytes())
        return made(task, _records(file))
    except Unreadable as error:
        reasons = {"empty": "train.problem_file_empty", "locked": "train.problem_file_locked"}
        return Read([], [], [], reasons.get(str(error), "train.problem_file_unreadable"))
    except OSError:
        return Read([], [], [], "train.problem_file_unreadable")


def read_once(task: str, path: Path) -> Read:
    """`read` of a file that stays the same: a form asks at every key."""
    stat = path.stat()
    return _read_once(task, path, stat.st_size, stat.st_mtime)


@lru_cache(maxsize=2)
def _read_once(task, path, size, changed):
    return read(task, path)


def issues(found: Read, path: Path) -> list[Problem]:
    """Why a file can't be used, or which of its lines are passed over."""
    if found.reason:
        most = {"most": MOST_MB} if found.reason == "train.problem_file_too_large" else {}
        return [stop(found.reason, name=path.name, **most)]
    if not found.refused:
        return []
    line, reason = found.refused[0]
    first = {"line": line, "reason": both(reason)}
    return [warning("train.lines_skipped", count=len(found.refused), name=path.name, **first)]


def made(task: str, records: Iterator[tuple[int, dict | None]]) -> Read:
    """The problems of (number, record) pairs; a record of None is a line that is no JSON."""
    problems, refused = [], []
    for number, record in records:
        try:
            if record is None:
                raise Refused("train.line_is_no_json")
            problem = of(task).problem(record)
        except Refused as error:
            refused.append((number, str(error)))
            continue
        # Versions of one question are held out together.
        group = content_id(" ".join(problem["question"].split()))
        problems.append({"id": f"line-{number}", **problem, "group": group, "task": task})
    return Read(problems, [], refused)


def _records(file):
    """Yield (line or row, record) of a file. Raises Unreadable."""
    if spreadsheets.kind_of(file) in ("xlsx", "csv"):
        for table in spreadsheets.read(file):
            yield from enumerate(table.rows, 2)
        return
    text = decode(file.data)
    if text.lstrip().startswith("["):
        yield from enumerate(json_values.as_dicts(json_values.load(text)), 1)
        return
    for number, line in enumerate(text.split("\n"), 1):
        if line.strip():
            yield number, _object(line)


def _object(line):
    try:
        value = json_values.load(line)
    except Unreadable:
        return None
    return value if isinstance(value, dict) else None
