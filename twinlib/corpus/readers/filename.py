"""What a file's name says about the text inside it: a date, a title."""

import re
from datetime import date
from pathlib import PurePosixPath

DATE = re.compile(
    r"(?<!\d)((?:1[0-9]|20)\d\d)\s*[-_./年]?\s*(\d{1,2})\s*[-_./月]?\s*(\d{1,2})(?!\d)"
)


def date_of(value, name):
    """The ISO date of front matter's `value`, else of the file name's start, else None; a lone year stays a year."""
    for text in (str(value or ""), PurePosixPath(name).stem):
        found = DATE.match(text.strip())
        if found:
            try:
                return date(*map(int, found.groups())).isoformat()
            except ValueError:
                pass
    year = re.match(r"((?:1[0-9]|20)\d\d)(?!\d)", str(value or "").strip())
    return year.group(1) if year else None


def title_of(name):
    """The title a file name spells, without date and dashes; '' when it is only an id or a number."""
    stem = DATE.sub("", PurePosixPath(name).stem, count=1).strip("-_. ")
    words = " ".join(re.split(r"[-_\s]+", stem))
    wordless = re.fullmatch(
        r"[\da-f\s]*\d[\da-f\s]*|[\d\s]*|index|untitled.*|new note.*|未命名.*|新建.*", words.lower()
    )
    return "" if wordless else words


def drafted(name):
    """Does the file lie in a folder for drafts, as Jekyll, Hexo and people keep them?"""
    return any(
        re.fullmatch(r"_?drafts?|草稿箱?", folder.lower())
        for folder in PurePosixPath(name).parts[:-1]
    )
