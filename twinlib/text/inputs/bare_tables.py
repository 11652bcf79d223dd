"""Tables whose columns have no known names: what each holds is told by its cells.

    2024-05-01 10:00,Ole,"is it afloat, then?"      a chat: time, sender, text
    Ole;is it afloat, then?                         likewise
    is it afloat?<tab>it is                         questions and answers
    2024-05-01|it came in at dawn                   posts

A text is a table when all of its lines have the same delimiter, which prose would have only by
chance: no blank follows it, or the cells before it are times, names that come back, or numbers.
"""

import re
from collections.abc import Iterator
from functools import lru_cache
from itertools import islice
from typing import NamedTuple

from ..script import has_han
from . import delimited
from .columns import NO, YES
from .encoding import Unreadable
from .input_file import File

_DELIMITERS = "\t|;,，"
_ROWS, _FEWEST = 300, 4  # looked at; of which a table has at least
_CLOCK = r"(?:[^\W\d]{1,4}\s?)?\d{1,2}[:.时]\d\d\S*(?:\s?[apAP]\.?\s?[mM]\.?)?"
_DAY = (
    r"(?:\d{1,4}[./\-年]\s?\d{1,2}[./\-月]\s?\d{1,4}日?|\d{1,2}\.?[ -][^\W\d]{3,10}\.?[ -]\d{2,4}|"
    r"[^\W\d]{3,10}\.? \d{1,2},? \d{4})"
)
_TIME = re.compile(rf"\[?(?:{_DAY}(?:[T,\s]{{0,2}}{_CLOCK})?|{_CLOCK}|1\d{{9}}(?:\d{{3}})?)\]?")
_ENDS = re.compile(r"[.。！？!?…]$")
_ASKS = re.compile(r"[?？]\W*$|[吗呢]\W*$")
_ASKED = re.compile(r"(.*?[?？][\"”]?),(?=\S)(.*)")  # of a question and its answer, without quotes


class Layout(NamedTuple):
    """A table's delimiter, the names of its columns, whether its first row is a header.

    `columns` are names that columns.py knows, and 'column 3' for what can't be told. Cells after
    the last column belong to its text. Where every row has a time, in the column `time`, lines
    without one go on with the text above.
    """

    delimiter: str
    columns: list[str]
    has_header: bool
    time: int | None = None

    @property
    def is_known(self) -> bool:
        """Whether the columns are those of messages, posts, or questions and answers."""
        return not all(name.startswith("column ") for name in self.columns)


def rows(text: str, layout: Layout, file: File | None = None) -> Iterator[list[str]]:
    """Yield the rows of a table, each with as many cells as it has columns.

    Where the `file` breaks off within quotation marks, file.broken says so.
    """
    width, mark = len(layout.columns), layout.delimiter
    for row, *more in _begun(islice(_rows(text, mark, file), layout.has_header, None), layout.time):
        cells = [*row[: width - 1], "\n".join(map(mark.join, (row[width - 1 :], *more)))]
        cells = [cell.strip() for cell in cells]
        yield [
            cell.rstrip(":：") if name == "sender" else cell
            for name, cell in zip(layout.columns, cells)
        ]


def _begun(rows, time):
    """Yield the lines of each row: the one with its time, and those below that have none."""
    begun = []
    for row in rows:
        if time is not None and not _has_time(row, time):
            begun += [row] if begun else []  # a title stands above
            continue
        if begun:
            yield begun
        begun = [row]
    if begun:
        yield begun


def _has_time(row, column):
    return len(row) > column and _is_a("time", row[column])


def _rows(text, delimiter, file=None):
    if delimiter == _ASKED.pattern:
        matches = (_ASKED.fullmatch(line.strip()) for line in text.split("\n"))
        yield from ([match[1], match[2]] for match in matches if match)
        return
    # A Markdown table has the delimiter at both ends of its lines, too, and a line of dashes.
    if delimiter == "|":
        text = re.sub(r"(?m)^[ \t]*\||\|[ \t]*$|^[ \t|:-]+$", "", text)
    found = delimited.cells(text, delimiter, file)
    yield from (row for row in found if any(cell.strip() for cell in row))


@lru_cache(maxsize=4)
def layout(text: str, is_table: bool = False) -> Layout | None:
    """The Layout of a text, or of its start; None for one that is no table.

    `is_table`: the file's name says that it is one.
    """
    lines = [line for line in islice(text.split("\n"), 2 * _ROWS) if line.strip()][:_ROWS]
    if len(lines) < _FEWEST:
        return None
    for delimiter in _DELIMITERS:
        if sum(delimiter in line for line in lines) * 2 < len(lines):
            continue
        try:
            found = list(islice(_rows(text, delimiter), _ROWS))
        except Unreadable:
            continue
        time = _column_of_times(found)
        if time is not None:
            found = [row for row in found if _has_time(row, time)]
        quoted = sum(line.rstrip().endswith('"') for line in lines) * 2 > len(lines)
        quoted = quoted and delimiter != "，"
        if len(found) >= _FEWEST and (known := _layout(found, delimiter, quoted, is_table)):
            return known._replace(time=time)
    if all(_ASKED.fullmatch(line.strip()) for line in lines):
        return Layout(_ASKED.pattern, ["question", "answer"], False)
    return None


def _column_of_times(found):
    """The column, of the first three, that has a time in at least half of the rows; or None."""
    for column in range(3):
        if sum(_has_time(row, column) for row in found) * 2 >= max(len(found), 2 * _FEWEST):
            return column
    return None


def _layout(found, delimiter, quoted, is_table):
    """The Layout of rows, or None for lines of prose that have the same sign."""
    width = min(map(len, found))
    constant = width == max(map(len, found))
    kinds = [_kind([row[n] for row in found[1:]]) for n in range(width)]
    if kinds.count("text") > 1 or not constant:
        first = kinds.index("text") if "text" in kinds else width - 1
        if not constant or first and delimiter in ",，" and not quoted:
            kinds = [*kinds[:first], "text"]  # the rest is one text, with the sign in it
    listed = all(kind == "number" or _are_bullets(n, found) for n, kind in enumerate(kinds[:-1]))
    if len(kinds) < 2 or listed and kinds[-1] == "text" and not is_table:
        return None
    cells = [cell for row in found for cell in row[1 : len(kinds)]]
    tight = sum(cell.startswith((" ", "\u3000")) for cell in cells) * 20 <= len(cells)
    if not is_table and not _is_sure(kinds, found, delimiter, tight or quoted):
        return None
    return Layout(delimiter, _names(kinds, found), _has_header(kinds, found))


def _is_sure(kinds, found, delimiter, tight):
    """Whether it is no prose that has the same sign in every line."""
    if delimiter in "\t|":
        return True
    if not tight or kinds[0] == "text" and delimiter == "，":
        return False
    if kinds[0] != "text" or delimiter == ";":
        return True
    scripts = {tuple(has_han(cell) for cell in row[: len(kinds)]) for row in found}
    mixed = len(scripts) == 1 and len(set(next(iter(scripts)))) == 2  # a vocabulary
    return mixed or not any(map(any, scripts))


def _kind(cells):
    """'time', 'flag', 'number', 'name' or 'text': what nearly all cells of a column are."""
    filled = [cell.strip() for cell in cells if cell.strip()]
    short = all(len(cell) <= 40 and not _ENDS.search(cell) for cell in filled)
    recur = short and len(set(filled)) * 2 <= len(filled) + 1
    for kind in ("flag", "time", "number"):
        if sum(_is_a(kind, cell) for cell in filled) >= len(filled) * 0.9:
            accounts = kind == "number" and recur and min(map(len, filled)) > 4
            return "name" if accounts else kind
    return "name" if recur else "text"


def _are_bullets(n, found):
    """Whether a column holds the marks of a list, or what indents a line."""
    return not any(any(map(str.isalnum, row[n])) for row in found)


def _is_a(kind, cell):
    cell = cell.strip()
    if kind == "flag":
        return cell.casefold() in YES | NO and cell.casefold() not in ("me", "我")
    if kind == "time":
        return bool(_TIME.fullmatch(cell))
    return bool(re.fullmatch(r"[-+]?\d[\d.,]*\s?[%€$¥]?", cell))


def _has_header(kinds, found):
    """Whether the first row is none of the rows: no time where all others have one."""
    for n, kind in enumerate(kinds):
        cell = found[0][n].strip()
        if kind in ("time", "flag", "number") and not _is_a(kind, cell):
            return True
        if kind == "name" and cell not in {row[n].strip() for row in found[1:]}:
            return all(len(other.split()) <= 2 and len(other) <= 20 for other in found[0])
    return False


def _names(kinds, found):
    """The names of the columns, as columns.py knows them."""
    names = [f"column {number}" for number in range(1, len(kinds) + 1)]
    texts = [n for n, kind in enumerate(kinds) if kind == "text"]
    if kinds == ["text", "text"] and _are_questions([row[0] for row in found]):
        return ["question", "answer"]
    if len(texts) != 1 or not any(_is_said(row[texts[0]]) for row in found):
        return names
    several = {
        n: len({row[n].strip() for row in found[1:]})
        for n, kind in enumerate(kinds)
        if kind == "name"
    }
    sender = max(several, key=several.get, default=None)
    if several.get(sender, 0) > 1 or "flag" in kinds:
        roles = {"time": "time", "flag": "is_mine", "text": "text"}
    elif "time" in kinds:
        roles = {"time": "time", "text": "post_text"}
    else:
        return names
    for n, kind in enumerate(kinds):
        role = "sender" if n == sender else roles.get(kind, names[n])
        names[n] = names[n] if role in names else role
    return names


def _is_said(cell):
    return has_han(cell) or len(re.findall(r"[^\W\d_]{2,}", cell)) > 1


def _are_questions(cells):
    return sum(bool(_ASKS.search(cell.strip())) for cell in cells) * 2 > len(cells)
