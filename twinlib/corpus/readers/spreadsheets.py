"""Tables of any sort to columns and rows of strings: CSV, TSV, JSON Lines, a JSON list of flat objects, XLSX.

CSV is RFC 4180 with whatever delimiter and encoding; XLSX is read by openpyxl, values only, every sheet.
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

from . import columns as known
from . import json_values
from .encoding import Unreadable
from .filename import title_of

DELIMITERS = ",\t;|"
DELIMITED = (".csv", ".tsv", ".tab")
CELL_LIMIT = 2**27  # characters of one cell
HEADER = 5  # rows among which the header is: titles and notes may stand above it
END = "\ue001end\ue001"  # a line after the last one: what swallows it has an open quotation mark
XLSX_LIMIT, RATIO_LIMIT, RATIO_FROM = (
    500 * 2**20,
    200,
    2**20,
)  # bytes unpacked, times smaller, from so many bytes on
ENCRYPTED = b"\xd0\xcf\x11\xe0"  # an Office file with a password, or one from before 2007


class Table(NamedTuple):
    """`name` is a sheet's name, or what the file's name spells; `rows` are dicts of str, read as they are asked for."""

    name: str
    columns: list
    rows: Iterator


def sort_of(file):
    """'xlsx', 'json', 'jsonl', 'csv' or '' for a file that is no table, by its first 64 KiB."""
    zipped = file.head.startswith(b"PK\3\4")
    if file.suffix == ".xlsx" and (zipped or file.head.startswith(ENCRYPTED)):
        return "xlsx"
    if zipped:
        return "xlsx" if b"xl/workbook.xml" in file.data[-65536:] else ""
    text = json_values.start(file).lstrip()
    if text.startswith("["):
        return "json" if _flat(json_values.first(text[1:])) else ""
    if text.startswith("{"):
        return "jsonl" if _flat(json_values.first(text)) and _many(text) else ""
    return "csv" if _delimited(text, file.suffix) else ""


@lru_cache(maxsize=1)  # every reader of tables asks, and opening a workbook takes time
def peek(file):
    """(name, columns, up to 20 rows) of every table in a file, from its start; [] when there are none to be read."""
    try:
        found = _of(file, sort_of(file), json_values.start(file), whole=False)
        return [(table.name, table.columns, list(islice(table.rows, 20))) for table in found]
    except Unreadable:
        return []


def read(file):
    """Yield the Tables of a file; raises Unreadable('damaged', 'locked', 'bomb', …), also while rows are read."""
    sort = sort_of(file)
    yield from _of(file, sort, "" if sort == "xlsx" else file.text)


def _of(file, sort, text, whole=True):
    name = title_of(file.name)
    if sort == "xlsx":
        yield from _sheets(file.data)
    elif sort == "csv":
        yield from _table(name, _cells(text, file.suffix, whole))
    elif sort:
        yield from _objects(name, _json(text) if sort == "json" else _lines(text))


# CSV and TSV


def _delimited(text, suffix):
    """Every .csv is a table; another text only when its lines have one number of cells, three or more."""
    rows = list(islice(_quietly(text), 12))
    widths = {len(row) for row in rows if row}
    return (
        len(rows) > 1 and max(widths, default=0) > 1
        if suffix in DELIMITED
        else suffix in (".txt", "") and len(rows) > 2 and len(widths) == 1 and min(widths) > 2
    )


def _quietly(text):
    try:
        yield from _cells(text, "", whole=False)
    except Unreadable:
        return


def _cells(text, suffix, whole):
    """Rows of cells; a `whole` text whose quotation mark never closes is damaged, unless it costs the last line only."""
    csv.field_size_limit(CELL_LIMIT)
    lines = chain(io.StringIO(text, newline=""), [END])
    rows, before = csv.reader(lines, delimiter=delimiter(text[:20_000], suffix)), 0
    try:
        for row in rows:
            if row == [END]:
                return
            if row and row[-1].endswith(END):
                if whole and rows.line_num - 1 - before > max(1, rows.line_num // 100):
                    raise Unreadable("damaged")
                row[-1] = row[-1].removesuffix(END)
            before = rows.line_num
            yield row
    except csv.Error:
        raise Unreadable("damaged") from None


def delimiter(text, suffix=""):
    """The delimiter that cuts most of the first lines into one and the same number of cells, more than one."""
    if suffix in (".tsv", ".tab"):
        return "\t"
    scores = {}
    for mark in DELIMITERS:
        try:
            widths = Counter(
                len(row) for row in islice(csv.reader(io.StringIO(text), delimiter=mark), 20) if row
            )
        except csv.Error:
            continue
        width, count = max(widths.items(), key=lambda item: (item[1], item[0]), default=(0, 0))
        scores[mark] = (width > 1, count, width)
    return max(scores, key=scores.get, default=",")


def _table(name, cells):
    """The header is a row of known names, else the first that has anything, unless there is a bare number in it."""
    cells = (row for row in cells if any(cell.strip() for cell in row))
    above = list(islice(cells, HEADER))
    if not above:
        return
    place = known.header(above)
    first, cells = above[place], chain(above[place + 1 :], cells)
    if any(cell.strip().isdecimal() for cell in first):
        cells, first = chain([first], cells), [""] * len(first)
    columns = _columns(first)
    yield Table(name, columns, (_row(columns, row) for row in cells))


def _columns(names):
    found = []
    for number, name in enumerate(names, 1):
        name = " ".join(name.split()) or f"column {number}"
        found.append(f"{name} {number}" if name in found else name)
    return found


def _row(columns, cells):
    """Cells too many are what an unquoted comma left of the last column."""
    if len(cells) > len(columns):
        cells = [*cells[: len(columns) - 1], ",".join(cells[len(columns) - 1 :])]
    return dict(zip(columns, [*cells, *[""] * (len(columns) - len(cells))]))


# JSON


def _flat(value):
    """Is this an object whose values are mostly plain ones, with a text among them?"""
    if not isinstance(value, dict) or not any(isinstance(item, str) for item in value.values()):
        return False
    nested = sum(isinstance(item, (dict, list)) for item in value.values())
    return nested * 2 < len(value)


def _many(text):
    """Is it one object a line? A lone object counts when it stands on one line."""
    lines = [line for line in text.split("\n") if line.strip()]
    return (
        bool(lines)
        and all(line.lstrip().startswith("{") for line in lines)
        and lines[0].rstrip().endswith("}")
    )


def _json(text):
    """The objects of a JSON list one by one, so that a long list is never in memory twice."""
    decoder, place = json.JSONDecoder(), text.index("[") + 1
    while True:
        while place < len(text) and text[place] in " \t\r\n,":
            place += 1
        if text[place : place + 1] in ("]", ""):
            return
        try:
            value, place = decoder.raw_decode(text, place)
        except ValueError:
            raise Unreadable("damaged") from None
        except RecursionError:
            raise Unreadable("deep") from None
        yield value


def _lines(text):
    """The objects of JSON Lines; single broken lines are passed over, a file full of them is damaged."""
    lines = broken = 0
    for line in io.StringIO(text):
        if line.strip():
            lines += 1
            try:
                yield json_values.load(line)
            except Unreadable:
                broken += 1
                if broken > max(1, lines // 100):
                    raise


def _objects(name, values):
    values = (value for value in values if isinstance(value, dict))
    first = list(islice(values, 50))  # objects may leave out what is empty
    columns = list(dict.fromkeys(str(key) for value in first for key in value))
    if columns:
        yield Table(
            name,
            columns,
            (
                {column: _string(value.get(column)) for column in columns}
                for value in chain(first, values)
            ),
        )


def _string(value):
    if isinstance(value, (dict, list)):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, bool) or value is None:
        return "" if value is None else str(value).lower()
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return value.isoformat() if hasattr(value, "isoformat") else str(value)


# XLSX


def _sheets(content):
    _check(content)
    book = _guarded(lambda: _open(content))
    for sheet in book.worksheets:
        rows = _each(sheet.iter_rows(values_only=True))
        yield from _table(sheet.title, ([_string(cell) for cell in row] for row in rows))


def _open(content):
    import warnings

    from openpyxl import load_workbook

    with warnings.catch_warnings():  # about styles and validation that nobody needs here
        warnings.simplefilter("ignore")
        return load_workbook(io.BytesIO(content), read_only=True, data_only=True, keep_links=False)


def _check(content):
    if content.startswith(ENCRYPTED):
        raise Unreadable("locked")
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            members = archive.infolist()
    except (zipfile.BadZipFile, ValueError, EOFError, NotImplementedError, OSError):
        raise Unreadable("damaged") from None
    if any(member.flag_bits & 1 for member in members):
        raise Unreadable("locked")
    swollen = any(m.file_size > max(RATIO_FROM, RATIO_LIMIT * m.compress_size) for m in members)
    if swollen or sum(member.file_size for member in members) > XLSX_LIMIT:
        raise Unreadable("bomb")


def _each(rows):
    rows, end = iter(rows), object()
    while (row := _guarded(lambda: next(rows, end))) is not end:
        yield row


def _guarded(call):
    # A broken workbook makes openpyxl raise nearly anything: KeyError, TypeError, zlib.error, ParseError.
    try:
        return call()
    except Exception as error:
        forbidden = "EntitiesForbidden" in (type(error).__name__, type(error.__context__).__name__)
        raise Unreadable("entities" if forbidden else "damaged") from None
