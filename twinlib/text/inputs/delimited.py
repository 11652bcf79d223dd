"""Rows of cells in a text: RFC 4180 with any delimiter, and what people make of it."""

import csv
import io
from collections.abc import Iterator
from itertools import chain

from .encoding import Unreadable
from .input_file import File

_CELL_LIMIT = 2**27  # characters of one cell
_STRAY_MARKS = 50  # quotation marks that never close
# A line added at the end: part of another cell only if a quotation mark never closes.
_END = "\ue001end\ue001"


def cells(text: str, mark: str, file: File | None = None) -> Iterator[list[str]]:
    """Yield rows of cells that `mark` divides. Raises Unreadable('damaged').

    A quotation mark that never closes is a letter, and if that concerns only the last hundredth of
    the lines, the `file` breaks off there. Without `file` it is the start of a text, with its end.
    """
    csv.field_size_limit(_CELL_LIMIT)
    lines, first = None, 0
    for _ in range(_STRAY_MARKS):
        rest = io.StringIO(text, newline="") if lines is None else lines[first:]
        rows, before = csv.reader(chain(rest, [_END]), delimiter=mark), 0
        try:
            for row in rows:
                if row == [_END]:
                    return
                if row and row[-1].endswith(_END):
                    break
                before = rows.line_num
                yield row
        except csv.Error:
            raise Unreadable("damaged") from None
        lines = lines or io.StringIO(text, newline="").readlines()
        start = first + before
        if len(lines) - start <= max(1, len(lines) // 100):
            if file is None:
                yield [*row[:-1], row[-1].removesuffix(_END)]
            else:
                file.broken = "".join(lines[start:])[:200]
            return
        yield lines[start].rstrip("\r\n").split(mark)
        first = start + 1
    raise Unreadable("damaged")
