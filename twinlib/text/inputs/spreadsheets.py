"""Tables as columns and rows of strings, from CSV, TSV, JSON Lines, a JSON list of objects, XLSX.

CSV is RFC 4180 with any delimiter and encoding. Of XLSX the values of all sheets are read, with
openpyxl.
"""

import csv
import io
import json
import zipfile
from collections import Counter
from collections.abc import Iterator
from functools import lru_cache
from itertools import chain, islice
from typing import NamedTuple

from . import bare_tables, delimited, json_values, zip_package
from . import columns as column_names
from .encoding import Unreadable
from .filename import title_of
from .input_file import File

_DELIMITERS = ",\t;|"
_DELIMITED = (".csv", ".tsv", ".tab")
_START = 60_000  # characters in which a table shows what its columns are
_LARGEST_ITEM = 2**17  # characters of what a list that breaks off ends with
_HEADER = 5  # rows among which the header is looked for; titles and notes may be above it
_XLSX_LIMIT = 500 * 2**20  # bytes unpacked
_ENCRYPTED = b"\xd0\xcf\x11\xe0"  # an Office file with a password, or one from before 2007


class Table(NamedTuple):
    """A table: `name` of the sheet or from the file's name; `rows` {column: cell}, read lazily."""

    name: str
    columns: list[str]
    rows: Iterator[dict[str, str]]


def kind_of(file: File) -> str:
    """'xlsx', 'json', 'jsonl' or 'csv', by the content; '' for a file that is no table."""
    zipped = file.head.startswith(b"PK\3\4")
    if file.suffix == ".xlsx" and (zipped or file.head.startswith(_ENCRYPTED)):
        return "xlsx"
    if zipped:
        return "xlsx" if b"xl/workbook.xml" in file.data[-65536:] else ""
    text = json_values.start(file).lstrip()
    if text.startswith("["):
        return "json" if _is_record(json_values.first(text[1:])) else ""
    if text.startswith("{"):
        return "jsonl" if _is_record(json_values.first(text)) and _has_object_lines(text) else ""
    if file.suffix in (".md", ".markdown"):  # most files are, and none of them is a table
        return ""
    return "csv" if _delimited(text, file.suffix) else ""


def is_bare(file: File) -> bool:
    """Whether a text file is a table without a header of known names."""
    return file.suffix in (".txt", "") and bool(_layout(json_values.start(file), file.suffix))


@lru_cache(maxsize=1)  # called by several readers in turn, and opening a workbook takes time
def peek(file: File) -> list[tuple[str, list[str], list[dict[str, str]]]]:
    """(name, columns, up to 20 rows) of each table, from the file's start; [] when unreadable."""
    try:
        tables = _tables(file, kind_of(file), json_values.start(file), is_complete=False)
        return [(table.name, table.columns, list(islice(table.rows, 20))) for table in tables]
    except Unreadable:
        return []


def read(file: File) -> Iterator[Table]:
    """Yield the Tables of a file. Raises Unreadable, also while rows are read."""
    kind = kind_of(file)
    if kind == "json":
        _note_end(file)
    yield from _tables(file, kind, "" if kind == "xlsx" else file.text)


def _note_end(file):
    """Set file.broken where the list breaks off."""
    end = file.text.rstrip()
    if not end.endswith("]"):
        file.broken = end[-200:]


def _tables(file, kind, text, is_complete=True):
    name = title_of(file.name)
    if kind == "xlsx":
        yield from _sheets(file.data)
    elif kind == "csv":
        layout = _layout(text, file.suffix)
        if layout:
            rows = bare_tables.rows(text, layout, file if is_complete else None)
            rows = (dict(zip(layout.columns, row)) for row in rows)
            yield Table(name, layout.columns, rows)
        else:
            yield from _table(
                name,
                delimited.cells(
                    text, delimiter(text[:20_000], file.suffix), file if is_complete else None
                ),
            )
    elif kind:
        values = _json(text, is_complete) if kind == "json" else _lines(text, file)
        yield from _objects(name, values)


# CSV and TSV


def _delimited(text, suffix):
    """Whether a text is a table, by its suffix or its first rows.

    A .csv, .tsv or .tab with 2 rows and columns; a .txt if 3 rows or more have the same 3 or more
    cells, or a header of known names; or one whose cells show what its columns are.
    """
    rows = list(islice(_cells_or_none(text), 12))
    widths = {len(row) for row in rows if row}
    if suffix in _DELIMITED:
        return len(rows) > 1 and max(widths, default=0) > 1
    if suffix not in (".txt", ""):
        return False
    known = rows and len({column_names.plain(cell) for cell in rows[0]} & column_names.KNOWN) > 1
    same = len(rows) > 2 and len(widths) == 1 and min(widths) > 2
    return bool(same or known or _layout(text, suffix))


def _layout(text, suffix):
    """The Layout of a table without a header of known names, or None."""
    first = next(iter(_cells_or_none(text)), [])
    if len({column_names.plain(cell) for cell in first} & column_names.KNOWN) > 1:
        return None
    if suffix not in _DELIMITED:
        some = [line for line in text[:20_000].split("\n") if line.strip()][:60]
        if sum(line[0].isspace() for line in some) * 9 > len(some) * 4:
            return None  # a log with a text of its own, indented, under each line
    layout = bare_tables.layout(text[:_START], suffix in _DELIMITED)
    return layout if layout and (layout.is_known or suffix not in _DELIMITED) else None


def _cells_or_none(text):
    try:
        yield from delimited.cells(text, delimiter(text[:20_000]))
    except Unreadable:
        return


def delimiter(text: str, suffix: str = "") -> str:
    """The delimiter that splits most of the first lines into the same number of cells."""
    if suffix in (".tsv", ".tab"):
        return "\t"
    scores = {}
    for mark in _DELIMITERS:
        rows = islice(csv.reader(io.StringIO(text), delimiter=mark), 20)
        try:
            widths = Counter(len(row) for row in rows if row)
        except csv.Error:
            continue
        width, count = max(widths.items(), key=lambda item: (item[1], item[0]), default=(0, 0))
        scores[mark] = (width > 1, count, width)
    return max(scores, key=scores.get, default=",")


def _table(name, cells):
    """Yield a Table. Its header is a row of known names, else the first row without a number."""
    cells = (row for row in cells if any(cell.strip() for cell in row))
    above = list(islice(cells, _HEADER))
    if not above:
        return
    index = column_names.header(above)
    first, cells = above[index], chain(above[index + 1 :], cells)
    if any(cell.strip().isdecimal() for cell in first):
        cells, first = chain([first], cells), [""] * len(first)
    columns = _columns(first)
    yield Table(name, columns, (_row(columns, row) for row in cells))


def _columns(names):
    columns = []
    for number, name in enumerate(names, 1):
        name = " ".join(name.split()) or f"column {number}"
        columns.append(f"{name} {number}" if name in columns else name)
    return columns


def _row(columns, cells):
    """{column: cell}; surplus cells, from unquoted commas in a text, are put in the last column."""
    if len(cells) > len(columns):
        cells = [*cells[: len(columns) - 1], ",".join(cells[len(columns) - 1 :])]
    return dict(zip(columns, [*cells, *[""] * (len(columns) - len(cells))]))


# JSON


def _is_record(value):
    """Whether a JSON value is an object with at least one string and mostly unnested values."""
    if not isinstance(value, dict) or not any(isinstance(item, str) for item in value.values()):
        return False
    nested = sum(isinstance(item, (dict, list)) for item in value.values())
    return nested * 2 < len(value)


def _has_object_lines(text):
    """Whether each line is an object; a single object must be on one line."""
    lines = [line for line in text.split("\n") if line.strip()]
    return (
        bool(lines)
        and all(line.lstrip().startswith("{") for line in lines)
        and lines[0].rstrip().endswith("}")
    )


def _json(text, is_complete):
    """Yield the values of a JSON list one by one, to save memory, up to where it breaks off."""
    decoder, index = json.JSONDecoder(), text.index("[") + 1
    while True:
        while index < len(text) and text[index] in " \t\r\n,":
            index += 1
        if text[index : index + 1] in ("]", ""):
            return
        try:
            value, index = decoder.raw_decode(text, index)
        except ValueError:
            if is_complete and len(text) - index > _LARGEST_ITEM:
                raise Unreadable("damaged") from None
            return
        except RecursionError:
            raise Unreadable("deep") from None
        yield value


def _lines(text, file):
    """Yield the values of JSON Lines. Raises Unreadable if over 1 % of the lines are broken."""
    lines = broken = 0
    for line in io.StringIO(text):
        if line.strip():
            lines += 1
            try:
                yield json_values.load(line)
            except Unreadable:
                file.broken, broken = line[:200], broken + 1
                if broken > max(1, lines // 100):
                    raise


def _objects(name, values):
    values = (value for value in values if isinstance(value, dict))
    first = list(islice(values, 50))  # an object may lack empty columns
    columns = list(dict.fromkeys(str(key) for value in first for key in value))
    if columns:
        values = chain(first, values)
        rows = ({column: _string(value.get(column)) for column in columns} for value in values)
        yield Table(name, columns, rows)


def _string(value):
    if isinstance(value, dict):  # a sender as an object is its name, a text its words
        keys = ("name", "text", "content", "title", "value")
        named = next((value[key] for key in keys if isinstance(value.get(key), str)), None)
        return json.dumps(value, ensure_ascii=False) if named is None else named
    if isinstance(value, list):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, bool) or value is None:
        return "" if value is None else str(value).lower()
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return value.isoformat() if hasattr(value, "isoformat") else str(value)


# XLSX


def _sheets(content):
    _check(content)
    book = _guard(lambda: _open(content))
    for sheet in book.worksheets:
        rows = _guarded_rows(sheet.iter_rows(values_only=True))
        yield from _table(sheet.title, ([_string(cell) for cell in row] for row in rows))


def _open(content):
    import warnings

    from openpyxl import load_workbook

    with warnings.catch_warnings():  # about styles and validation rules, which are not read
        warnings.simplefilter("ignore")
        return load_workbook(io.BytesIO(content), read_only=True, data_only=True, keep_links=False)


def _check(content):
    if content.startswith(_ENCRYPTED):
        raise Unreadable("locked")
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            zip_package.check_all(archive.infolist(), _XLSX_LIMIT)
    except zip_package.BROKEN:
        raise Unreadable("damaged") from None


def _guarded_rows(rows):
    rows, end = iter(rows), object()
    while (row := _guard(lambda: next(rows, end))) is not end:
        yield row


def _guard(call):
    # On a broken workbook openpyxl raises nearly anything: KeyError, TypeError, zlib.error, …
    try:
        return call()
    except Exception as error:
        forbidden = "EntitiesForbidden" in (type(error).__name__, type(error.__context__).__name__)
        raise Unreadable("entities" if forbidden else "damaged") from None
