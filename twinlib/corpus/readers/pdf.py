"""PDF, read with pdfium: from characters and their positions to columns, lines and paragraphs.

A PDF has no paragraphs. A paragraph ends with a line on which the next line's first word would
still have fitted, and at a wider gap, an indented line after a full stop, or a change of font size.
Columns are read one after the other. Running heads, page numbers and footnotes are taken out.
"""

import re
import time
import unicodedata
from collections import Counter
from collections.abc import Iterator
from itertools import groupby
from statistics import median
from typing import NamedTuple

from ...text.inputs.encoding import Unreadable
from ...text.inputs.filename import date_of, title_of
from ...text.inputs.input_file import File
from ...text.script import is_wide, space_between
from ..records import Document, Removed

_PAGE_LIMIT, _SECONDS = 3000, 120
_MARGIN = 0.12  # of the page's height, at the top and at the bottom
_TURNED = 0.1  # radians; letters at an angle are watermarks
_PASSWORD, _SECURITY = 4, 5  # FPDF_ERR_PASSWORD, FPDF_ERR_SECURITY of pdfium's fpdfview.h
# Put around a raised small number, which may be the mark of a footnote.
_RAISED, _LEVEL = "\ue000", "\ue001"
# Ligatures and radicals, which some fonts map to instead of letters.
_COMPATIBLE = re.compile("[\ufb00-\ufb06\u2e80-\u2fdf]")
_NUMBER = re.compile(
    r"[-–—·•~(（\[第\s]*(?:page\s+)?(\d{1,4}|[ivxlc]{1,6})\s*(?:(?:/|of|页?\s*共)\s*\d{1,4})?"
    r"[-–—·•~)）\]页頁\s]*",
    re.IGNORECASE,
)
_NOTE = re.compile(r"\s*[\ue000\[［(（]?\s*(\d{1,3}|[*†‡①-⒇])[\ue001\]］)）.、]?\s*\S")
_LEADERS = re.compile(r"(?:[.·…‥]\s?){5,}\s*(?:\d{1,4}|[ivxlc]{1,6})$|…{2,}\s*\d{1,4}$")
_BULLET = re.compile(r"[•▪◦‣●○■□◆➢✓]\s*\S|[-–—*]\s+\S")
_ENDS = re.compile(r"[.!?:;。！？：；…”’」』）)\]\"']$")
# The time and the address that browsers print around a page.
_PRINTED = re.compile(
    r"(?<!\d)(?:\d{1,4}([/.-])\d{1,2}\1\d{1,4}|\d{4}年\d{1,2}月\d{1,2}日),?\s*"
    r"(?:[上下]午|[AP]M)?\s*\d{1,2}:\d{2}(?!\d)"
)
_ADDRESS = re.compile(
    r"(?:(?:file|https?|chrome-extension)://|about:blank|data:)\S*", re.IGNORECASE
)
_BROWSER = re.compile(r"Mozilla/|Firefox|Chrom|Safari")  # as a PDF's Creator
# Beginnings of titles that a program filled in.
_SOFT = tuple(
    "untitled,microsoft word -,microsoft powerpoint -,print,无标题,slide 1,about:blank".split(",")
)


class _Piece(NamedTuple):
    """A run of characters on a line: its box in points (y grows upwards) and its font size.

    `column` is the number of the column, 0 for a piece that goes across the page.
    """

    text: str
    left: float
    right: float
    bottom: float
    top: float
    size: float
    page: int
    column: int = 0

    @property
    def middle(self) -> float:
        return (self.bottom + self.top) / 2


def looks_like(file: File) -> bool:
    """Whether the first kilobyte has a PDF's signature."""
    return b"%PDF-" in file.data[:1024]


def read(file: File) -> Iterator[Document]:
    """Yield the one document of a PDF. Raises Unreadable('locked', 'scanned', …)."""
    pages, heights, facts = _pages(file.data)
    removed = []
    printed = [_print_rows(page, heights) for page in pages]
    heads = dict.fromkeys(" ".join(piece.text for piece in row) for rows in printed for row in rows)
    removed.extend(Removed("navigation", "navigation", text) for text in heads)
    pages = _without_margins(_without_rows(pages, printed), heights, removed)
    lines = _in_order(pages)
    letters = sum(len(re.findall(r"\w", line.text)) for line in lines)
    strange = sum(len(re.findall("[\ufffd\ue002-\uf8ff]", line.text)) for line in lines)
    if letters < 8 * len(pages) or strange > letters / 5:
        raise Unreadable("scanned")
    body = median(line.size for line in lines for _ in range(1 + len(line.text) // 10))
    lines = _without_contents(_without_notes(lines, body, heights, removed), removed)
    title, lines = _title(facts.get("Title", ""), lines, body)
    yield Document(
        file.name,
        title=title,
        text="\n\n".join(_paragraphs(lines)),
        date=date_of(None, file.name) or _creation_date(facts, any(printed)),
        author=facts.get("Author", "").strip(),
        fallback_title=title_of(file.name),
        removed=removed,
    )


def lines(file: File, first_pages: int | None = None) -> str:
    """The text line by line, with a blank line at a wider gap, of all or the `first_pages`.

    A line goes on in the next one only where it reaches the right edge and no time begins that one.
    Running heads stay, but for page numbers and what a browser prints. Raises Unreadable.
    """
    pages, heights, _ = _pages(file.data, first_pages)
    printed = [_print_rows(page, heights) for page in pages]
    ordered = _in_order(
        [
            [p for p in page if not (_in_margin(p, heights) and _NUMBER.fullmatch(p.text))]
            for page in _without_rows(pages, printed)
        ]
    )
    margins, text = _margins(ordered), ""
    for before, line in zip([None, *ordered], ordered):
        same = before and (before.page, before.column) == (line.page, line.column)
        pitch = margins[line.page % 2, line.column][2]
        apart = same and pitch and before.middle - line.middle > 1.4 * pitch
        if before and _goes_on(before, line, margins):
            text += space_between(text, line.text) + line.text
        else:
            text += "\n" * (bool(text) + bool(apart)) + line.text
    return text


def _goes_on(before, line, margins):
    """Whether a line of a chat was wrapped into the next one."""
    right = margins[before.page % 2, before.column][1]
    reaches = right - before.right < 1.5 * before.size
    timed = re.search(r"\d{1,2}[:.h时]\d\d", line.text[:30])
    return reaches and not timed and _break_before(before, line, margins) is None


def _without_rows(pages, printed):
    """Pages without these rows of theirs."""
    return [
        [piece for piece in page if not any(piece in row for row in rows)]
        for page, rows in zip(pages, printed)
    ]


def _in_order(pages):
    """The lines of pages in reading order, column by column."""
    lines, gutter = [], None
    for page in pages:
        gutter = _gutter(page, gutter)
        lines += _lines(_columns(page, gutter))
    return lines


def _creation_date(facts, printed):
    """The ISO date of creation; None if a browser printed the file, as the page is older."""
    made = facts.get("CreationDate", "").removeprefix("D:")[:8]
    return None if printed or _BROWSER.search(facts.get("Creator", "")) else date_of(made, "")


def _pages(data, most=None):
    """(pieces of each page, (bottom, top) of each page, metadata); of the first `most` pages."""
    import pypdfium2

    started = time.monotonic()
    try:
        with pypdfium2.PdfDocument(data) as document:
            if len(document) > _PAGE_LIMIT:
                raise Unreadable("long")
            pages, heights = [], []
            for number in range(len(document))[:most]:
                if time.monotonic() - started > _SECONDS:
                    raise Unreadable("long")
                page = document[number]
                pages.append(_pieces(page, number))
                heights.append((page.get_mediabox()[1], page.get_mediabox()[3]))
                page.close()
            return pages, heights, document.get_metadata_dict()
    except pypdfium2.PdfiumError as error:
        code = getattr(error, "err_code", None)
        raise Unreadable("locked" if code in (_PASSWORD, _SECURITY) else "damaged") from None


# Letters to pieces


def _pieces(page, number):
    """The pieces of a page in the file's order, cut at line ends, jumps and wide gaps."""
    from pypdfium2 import raw

    text, matrix = page.get_textpage(), raw.FS_MATRIX()
    pieces, run, space = [], [], False
    for index in range(text.count_chars()):
        code = raw.FPDFText_GetUnicode(text.raw, index)
        letter = _letter(code)
        if letter.isspace() or code == 0:
            space = True
            if letter in "\r\n" and run:
                pieces.append(_piece(run, number))
                run = []
            continue
        angle = raw.FPDFText_GetCharAngle(text.raw, index)
        if page.get_rotation() in (0, 180) and _TURNED < angle % 3.1416 < 3.1416 - _TURNED:
            continue
        raw.FPDFText_GetMatrix(text.raw, index, matrix)
        size = (
            raw.FPDFText_GetFontSize(text.raw, index)
            * abs(matrix.a * matrix.d - matrix.b * matrix.c) ** 0.5
        )
        box = text.get_charbox(index, loose=True)
        if run and _is_apart(run[-1], box, size):
            pieces.append(_piece(run, number))
            run = []
        run.append((letter, box, size, space and bool(run)))
        space = False
    text.close()
    return pieces + ([_piece(run, number)] if run else [])


def _letter(code):
    """The character of a code of pdfium; U+FFFD for one outside Unicode."""
    if code in (2, 0xAD):  # pdfium's sign of a divided word, and the soft hyphen
        return "-"
    return chr(code) if code < 0xD800 or 0xDFFF < code < 0x110000 else "\ufffd"


def _is_apart(before, box, size):
    """Whether a letter's box is on another line than the letter before, or after a wide gap."""
    (left, bottom, right, top), size = before[1], max(before[2], size, 1)
    middle = (bottom + top) / 2
    return (
        not box[1] - size / 3 < middle < box[3] + size / 3
        or box[0] - right > 1.2 * size
        or box[0] < left - size / 2
    )


def _piece(run, number):
    """The _Piece of a run of (letter, box, size, whether a space is before it) on a page."""
    text, size = "", median(size for _, _, size, _ in run)
    for index, (letter, box, own, space) in enumerate(run):
        # A gap between two Chinese characters is the typesetter's.
        text += space_between(text, letter) if space else ""
        small = (
            letter.isdigit()
            and index
            and own < 0.8 * size
            and box[1] + box[3] > run[0][1][1] + run[0][1][3]
        )
        text += f"{_RAISED}{letter}{_LEVEL}" if small else letter
    text = _COMPATIBLE.sub(lambda match: unicodedata.normalize("NFKC", match.group()), text)
    return _Piece(
        text.replace(_LEVEL + _RAISED, ""),
        min(box[0] for _, box, _, _ in run),
        max(box[2] for _, box, _, _ in run),
        min(box[1] for _, box, _, _ in run),
        max(box[3] for _, box, _, _ in run),
        size,
        number,
    )


# Margins


def _without_margins(pages, heights, removed):
    """Pages without running heads: lines that repeat, exactly or except for a page number."""
    marginal = [[piece for piece in page if _in_margin(piece, heights)] for page in pages]
    seen = Counter(
        key for page in marginal for key in {key for piece in page for key in _head_keys(piece)}
    )
    often = 2 if len(pages) == 2 else 3
    running_heads = dict.fromkeys(
        piece
        for page in marginal
        for piece in page
        if _NUMBER.fullmatch(piece.text) or any(seen[key] >= often for key in _head_keys(piece))
    )
    heads = dict.fromkeys(
        piece.text for piece in running_heads if not _NUMBER.fullmatch(piece.text)
    )
    heads = [text for text in heads if re.search(r"[^\W\d]", text)]
    removed.extend(Removed("navigation", "navigation", text) for text in heads)
    return [[piece for piece in page if piece not in running_heads] for page in pages]


def _print_rows(pieces, heights):
    """The first and last rows of a page, if they are what a browser prints: time and address."""
    if not pieces:
        return []
    rows = []
    for end in (_by_height(pieces)[0], min(pieces, key=lambda piece: piece.middle)):
        if _in_margin(end, heights):
            row = (piece for piece in pieces if abs(piece.middle - end.middle) < 0.5 * end.size)
            rows.append(sorted(row, key=lambda piece: piece.left))
    texts = [piece.text for row in rows for piece in row]
    dated = any(_PRINTED.match(text) or _PRINTED.search(text[-24:]) for text in texts)
    return rows if len(rows) == 2 and dated and any(_ADDRESS.search(text) for text in texts) else []


def _in_margin(piece, heights):
    bottom, top = heights[piece.page]
    edge = (top - bottom) * _MARGIN
    return piece.bottom > top - edge or piece.top < bottom + edge


def _head_keys(piece):
    """Keys that a running head shares with those of other pages.

    The text, or the text with '#' for numbers and the offset of one from the page number. Both with
    the font size, so that a title in large print is no running head.
    """
    same, size = re.sub(r"\s", "", piece.text), round(piece.size)
    masked = re.sub(r"\d+", "#", same)
    counts = [(masked, size, int(n) - piece.page) for n in re.findall(r"\d{1,4}", same)]
    return [(same, size), *counts] if same else []


# Columns and lines


def _columns(pieces, gutter, column=0):
    """Pieces in reading order, with the numbers of their columns; cut at `gutter` recursively."""
    if gutter is None or column > 6:
        return [piece._replace(column=column) for piece in _by_height(pieces)]
    ordered, band = [], []
    for piece in _by_height(pieces):
        if piece.left < gutter < piece.right:
            ordered += _band(band, gutter, column) + [piece._replace(column=column)]
            band = []
        else:
            band.append(piece)
    return ordered + _band(band, gutter, column)


def _band(pieces, gutter, column):
    """Pieces left of the gutter in reading order, then those right of it."""
    left = [piece for piece in pieces if piece.right <= gutter]
    right = [piece for piece in pieces if piece.right > gutter]
    first = _columns(left, _gutter(left), 2 * column + 1)
    return first + _columns(right, _gutter(right), 2 * column + 2)


def _by_height(pieces):
    return sorted(pieces, key=lambda piece: (-piece.middle, piece.left))


def _gutter(pieces, before=None):
    """The x of the white strip between two columns, or None; `before` if there are few pieces."""
    if len(pieces) < 12:
        return before
    left, right = min(p.left for p in pieces), max(p.right for p in pieces)
    best = None
    for step in range(30, 71):
        x = left + (right - left) * step / 100
        first, second = [p for p in pieces if p.right <= x], [p for p in pieces if p.left >= x]
        crossing = len(pieces) - len(first) - len(second)
        rows = sum(any(abs(p.middle - q.middle) < 2 * p.size for q in second) for p in first)
        if (
            rows >= 5
            and len(second) >= 5
            and crossing < len(pieces) / 2
            and (best is None or crossing < best[0])
        ):
            best = crossing, x
    return best and best[1]


def _lines(pieces):
    """Pieces side by side in one column, joined to lines."""
    lines = []
    for piece in pieces:
        last = lines[-1] if lines else None
        if (
            last
            and last.column == piece.column
            and abs(last.middle - piece.middle) < 0.4 * max(last.size, piece.size)
        ):
            first, second = sorted((last, piece), key=lambda p: p.left)
            lines[-1] = last._replace(
                text=first.text + space_between(first.text, second.text) + second.text,
                left=first.left,
                right=max(first.right, second.right),
                size=max(last.size, piece.size),
            )
        else:
            lines.append(piece)
    return lines


def _without_notes(lines, body, heights, removed):
    """Lines without footnotes (small print below the text that starts with a mark) and marks."""
    text_lines, notes = [], {}
    for _, group in groupby(lines, key=lambda line: (line.page, line.column)):
        group = list(group)
        large = max((n for n, line in enumerate(group) if line.size > 0.9 * body), default=-1)
        small = range(large + 1, len(group))
        first = next((n for n in small if _starts_note(group[n], heights)), len(group))
        text_lines += group[:first]
        for line in group[first:]:
            mark = _NOTE.match(line.text)
            if mark:
                notes[line.page, mark.group(1)] = [line]
            else:
                notes[line.page, list(notes)[-1][1]].append(line)
    removed.extend(
        Removed("footnote", "footnote", _plain(_joined([line.text for line in note])))
        for note in notes.values()
    )
    return [line._replace(text=_without_marks(line, notes)) for line in text_lines]


def _starts_note(line, heights):
    return _NOTE.match(line.text) and line.middle < sum(heights[line.page]) / 2


def _without_marks(line, notes):
    def unmarked(match):
        return "" if (line.page, match[1]) in notes else match[1]

    return re.sub(f"{_RAISED}(.*?){_LEVEL}", unmarked, line.text)


def _without_contents(lines, removed):
    """Lines without a table of contents: dots that lead to a page number."""
    contents = {line for line in lines if _LEADERS.search(line.text)}
    if contents:
        text = "\n".join(line.text for line in lines if line in contents)
        removed.append(Removed("navigation", "navigation", text))
    return [line for line in lines if line not in contents]


def _plain(text):
    return re.sub(f"[{_RAISED}{_LEVEL}]", "", text)


# Lines to paragraphs


def _title(title, lines, body):
    """(title, lines without it): from the metadata unless a program filled it in, or large print.

    Large print at the top counts if it is part of the title, or if there is no title.
    """
    suffix = r"\.(docx?|pdf|tex|indd|html?|txt|pages)$"
    title = re.sub(suffix, "", " ".join(title.split()), flags=re.IGNORECASE)
    title = "" if title.lower().startswith(_SOFT) or "/" in title else title
    large = []
    for line in lines[:4]:
        if (
            line.size < 1.25 * body
            or line.page != lines[0].page
            or large
            and line.size < 0.9 * large[0].size
        ):
            break
        large.append(line)
    shown = _joined([line.text for line in large])
    # The title may be the heading followed by the name of a site.
    same = title and _alphanumeric(shown) in _alphanumeric(title)
    if shown and len(shown) < 150 and (same or not title):
        return shown, lines[len(large) :]
    first = _alphanumeric(lines[0].text) if lines else ""
    return title, lines[1:] if first and first == _alphanumeric(title) else lines


def _alphanumeric(text):
    return re.sub(r"\W", "", text)


def _paragraphs(lines):
    """The text of each paragraph; verse keeps its lines."""
    margins = _margins(lines)
    words = Counter(re.findall(r"\w+-\w+|\w+", " ".join(line.text for line in lines)))
    paragraphs = []
    for before, line in zip([None, *lines], lines):
        begins = _break_before(before, line, margins) if before else "paragraph"
        if begins == "paragraph":
            paragraphs.append([line.text])
        elif begins == "verse":
            paragraphs[-1][-1] += "\n" + line.text
        else:
            paragraphs[-1].append(line.text)
    return [_joined(texts, words) for texts in paragraphs]


def _margins(lines):
    """{(page number % 2, column): (left edge, right edge, line spacing in points)}."""
    groups = {}
    for line in lines:
        groups.setdefault((line.page % 2, line.column), []).append(line)
    edges = {}
    for key, group in groups.items():
        pitches = [
            a.middle - b.middle
            for a, b in zip(group, group[1:])
            if a.page == b.page and 0 < a.middle - b.middle < 3 * a.size
        ]
        lefts, rights = sorted(p.left for p in group), sorted(p.right for p in group)
        edges[key] = lefts[len(lefts) // 20], rights[-1 - len(rights) // 20], median(pitches or [0])
    return edges


def _break_before(before, line, margins):
    """What a line begins: 'paragraph', 'verse' (a new line of the same one), None if it goes on."""
    left, right, _ = margins[before.page % 2, before.column]
    start, end, pitch = margins[line.page % 2, line.column]
    size, ends = max(line.size, 1), bool(_ENDS.search(before.text))
    if not 0.87 < line.size / max(before.size, 1) < 1.15 or _BULLET.match(line.text):
        return "paragraph"
    moved = (before.page, before.column) != (line.page, line.column)
    indent = (line.left - start) / size
    indented = (
        indent > (before.left - left) / size + 0.8 or is_wide(line.text[0]) and 1.5 < indent < 2.6
    )
    if not moved and pitch and before.middle - line.middle > 1.4 * pitch:
        return "paragraph"
    if indented and ends:
        return "paragraph"
    room = right - before.right
    if is_wide(line.text[0]):
        short = room > 2.2 * size
    else:
        word = line.text.split()[0]
        short = (
            room > (line.right - line.left) * (len(word) + 1) / max(len(line.text), 1) + 0.3 * size
        )
    if not short:
        return "paragraph" if moved and ends and (indented or room > size) else None
    narrow = max(before.right - left, line.right - start) < 0.7 * (end - start)
    if not ends and re.match(r"[a-z]", line.text) and (moved or not narrow):
        return None
    return (
        "verse" if narrow and not moved and abs(before.left - line.left) < size / 2 else "paragraph"
    )


def _joined(lines, words=None):
    """Lines as one text, with words that were hyphenated at a line's end put together.

    The hyphen stays if `words`, a Counter, has the word with a hyphen.
    """
    text = ""
    for line in lines:
        divided = re.search(r"(\w+)-$", text[-60:])
        rest = re.match(r"[a-z]\w*", line)
        if divided and rest:
            hyphened = words and words[f"{divided.group(1)}-{rest.group()}"]
            text = text + line if hyphened else text[:-1] + line
        else:
            text += (space_between(text, line) if text else "") + line
    return text
