"""What can be inferred from a file's name: a date, a title, whether it is a draft."""

import re
from pathlib import PurePosixPath

from . import days

_NO_TITLE = re.compile(
    r"[\da-f\s]*\d[\da-f\s]*|[\d\s]*|index|untitled.*|new note.*|未命名.*|新建.*"
)


def date_of(value: str | None, name: str) -> str | None:
    """The ISO date in `value`, else in numbers at the start of the file's name, else None.

    A `value` that starts with a year alone gives that year.
    """
    numbered = days.NUMBERED.match(PurePosixPath(name).stem.strip())
    found = days.day(str(value or "")) or numbered and days.day(numbered.group())
    if found:
        return found
    year = re.match(r"((?:1[0-9]|20)\d\d)(?!\d)", str(value or "").strip())
    return year.group(1) if year else None


def title_of(name: str) -> str:
    """The title in a file's name, without date and dashes; '' when it is an id or a number."""
    stem = days.NUMBERED.sub("", PurePosixPath(name).stem, count=1).strip("-_. ")
    title = " ".join(re.split(r"[-_\s]+", stem))
    return "" if _NO_TITLE.fullmatch(title.lower()) else title


def is_draft(name: str) -> bool:
    """Whether a file is in a folder for drafts, as Jekyll, Hexo and people name it."""
    folders = PurePosixPath(name).parts[:-1]
    return any(re.fullmatch(r"_?drafts?|草稿箱?", folder.lower()) for folder in folders)
