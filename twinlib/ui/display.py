"""The output of a cell, as HTML for the browser and the same as plain text for a terminal.

Every text is escaped here.
"""

import html
from collections.abc import Iterable, Sequence

from ..progress import width
from ..text import formatting
from ..text.formatting import size

__all__ = [
    "Shown",
    "caption",
    "folded",
    "interval",
    "noted_table",
    "number",
    "sentence",
    "show",
    "size",
    "summarised",
    "table",
    "title",
]
_COLOURS = {"stop": "220,50,50", "warning": "230,160,0", "good": "40,160,80", "note": "90,120,200"}
_SIGNS = {"stop": "✗", "warning": "!", "good": "✓", "note": "·"}
_SENTENCE = (
    '<div style="border-left:4px solid rgb({colour});background:rgba({colour},.12);'
    'padding:.3em .8em;margin:.3em 0;max-width:46em;overflow-wrap:anywhere;line-height:1.5">'
    "{text}</div>"
)
# The levels of a figure, and the colours and signs of a sentence on it.
_LEVELS = {"good": "good", "unsure": "note", "so-so": "warning", "bad": "stop", "": "note"}
_LEVEL_SIGNS = {**_SIGNS, "note": "?"}
_SUMMARY = (
    '<div style="border-left:6px solid rgb({colour});background:rgba({colour},.12);'
    'padding:.6em 1em;margin:.3em 0;max-width:46em;line-height:1.5">'
    '<div style="font-size:1.15em;font-weight:600">{sign} {first}</div>{more}</div>'
)
_PRE = "white-space:pre-wrap;overflow-wrap:anywhere;max-height:24em;overflow:auto;margin:.4em 0"
_DETAILS = (
    '<details style="margin:.5em 0"><summary style="cursor:pointer;padding:.3em 0">{name}</summary>'
    "{html}</details>"
)
# A table scrolls by itself, and does not widen what it stands in.
_SCROLLED = '<div style="overflow-x:auto;width:0;min-width:100%">{}</div>'
# The rows of a table whose last column goes below the others on a narrow page.
_ROW = (
    '<div role="row" style="display:flex;flex-wrap:wrap;gap:0 .8em;padding:.25em .4em;'
    'max-width:64em;line-height:1.4;overflow-wrap:anywhere;background:{background}">{cells}</div>'
)
_STRIPES = ("transparent", "rgba(128,128,128,.08)")
_WIDEST = 11  # em of a column before the last
_EM_A_COLUMN = 0.65  # width of a letter in a terminal's column, with room to spare
_CELL = "padding:.25em .8em;text-align:left;vertical-align:top;white-space:pre-wrap;line-height:1.4"


class Shown:
    """HTML and the same as text, for a cell's last expression; joined with `+`."""

    def __init__(self, html: str, text: str):
        self.html, self.text = html, text

    def _repr_mimebundle_(self, include=None, exclude=None):
        return {"text/html": self.html, "text/plain": self.text}

    def __str__(self):
        return self.text

    def __add__(self, other: "Shown") -> "Shown":
        return Shown(self.html + other.html, f"{self.text}\n{other.text}".strip("\n"))


NOTHING = Shown("", "")


def esc(text: object) -> str:
    """Text made harmless inside HTML, attributes included."""
    return html.escape(str(text), quote=True)


def sentence(text: str, level: str = "note") -> Shown:
    """One coloured sentence; `level` is stop, warning, good or note."""
    markup = _SENTENCE.format(colour=_COLOURS[level], text=esc(text))
    return Shown(markup, f"{_SIGNS[level]} {text}")


def summarised(level: str, lines: Sequence[str]) -> Shown:
    """A box of sentences, the first one large; `level` is good, unsure, so-so or bad."""
    kind = _LEVELS[level]
    first, *more = lines
    markup = _SUMMARY.format(
        colour=_COLOURS[kind],
        sign=_LEVEL_SIGNS[kind],
        first=esc(first),
        more="".join(f'<div style="margin-top:.3em">{esc(line)}</div>' for line in more),
    )
    return Shown(markup, "\n".join([f"{_LEVEL_SIGNS[kind]} {first}", *more]))


def folded(name: str, shown: Shown) -> Shown:
    """What can be unfolded under a name; a terminal shows all of it."""
    if not shown.html:
        return NOTHING
    return Shown(_DETAILS.format(name=esc(name), html=shown.html), f"{name}\n{shown.text}")


def caption(text: str) -> Shown:
    """A line of small print under a picture or above a table."""
    style = "margin:.4em 0;opacity:.8;overflow-wrap:anywhere;line-height:1.5"
    return Shown(f'<div style="{style}">{esc(text)}</div>', text)


def title(text: str) -> Shown:
    """A bold line above a table or a group of widgets."""
    return Shown(f'<div style="margin:.8em 0 .2em;font-weight:bold">{esc(text)}</div>', text)


def preformatted(text: str) -> Shown:
    """Lines of a log or a command, as they are."""
    return Shown(f'<pre style="{_PRE}">{esc(text)}</pre>', text)


def table(header: Sequence[str], rows: Iterable[Sequence]) -> Shown:
    """A table of texts; rows are as long as the header."""
    rows = [["" if cell is None else str(cell) for cell in row] for row in rows]
    head = "".join(f'<th style="{_CELL}">{esc(cell)}</th>' for cell in header)
    body = "".join("<tr>" + "".join(map(_cell, row)) + "</tr>" for row in rows)
    markup = f'<table style="border-collapse:collapse"><tr>{head}</tr>{body}</table>'
    return Shown(_SCROLLED.format(markup), text_table(header, rows))


def noted_table(header: Sequence[str], rows: Iterable[Sequence]) -> Shown:
    """A table whose last column, of longer texts, goes below the others on a narrow page.

    Nothing of it has to be pushed sideways on a phone.
    """
    rows = [["" if cell is None else str(cell) for cell in row] for row in rows]
    columns = list(zip(header, *rows))[:-1]
    ems = [min(_WIDEST, _EM_A_COLUMN * max(map(width, column))) for column in columns]
    styles = [*(f"flex:0 0 {max(em, 3):.1f}em" for em in ems), "flex:1 1 15em;opacity:.85"]
    lines = [[f"<b>{esc(cell)}</b>" if cell else "" for cell in header]]
    lines += [[esc(cell) for cell in row] for row in rows]
    markup = ""
    for number, line in enumerate(lines):
        role = "cell" if number else "columnheader"
        cells = zip(styles, line)
        markup += _ROW.format(
            background=_STRIPES[number % 2],
            cells="".join(
                f'<span role="{role}" style="{css}">{cell}</span>' for css, cell in cells
            ),
        )
    return Shown(f'<div role="table">{markup}</div>', text_table(header, rows))


def _cell(text):
    style = _CELL
    if width(text) < 20:
        style += ";white-space:nowrap"
    else:
        style += f";min-width:{15 if len(text) > 80 else 10}em"
    return f'<td style="{style}">{esc(text)}</td>'


def text_table(header: Sequence[str], rows: Iterable[Sequence], longest: int = 60) -> str:
    """Rows as lines of text in columns; a cell wider than `longest` is cut."""
    lines = [[cut(str(cell), longest) for cell in row] for row in [header, *rows]]
    widths = [max(map(width, column)) for column in zip(*lines)]

    def padded(line):
        return "  ".join(cell + " " * (w - width(cell)) for cell, w in zip(line, widths)).rstrip()

    return "\n".join(map(padded, lines))


def cut(text: str, longest: int) -> str:
    """A text on one line of at most `longest` columns of a terminal."""
    text = " ".join(text.split())
    if width(text) <= longest:
        return text
    text = text[: 4 * longest]  # each step below measures all of it
    while width(text) > longest - 1:
        text = text[:-1]
    return text + "…"


def cut_before(text: str, longest: int) -> str:
    """The end of a text, such as a file's path, in at most `longest` columns of a terminal."""
    return cut(text[::-1], longest)[::-1]


def show(shown: Shown, display_id: str | None = None, update: bool = False) -> None:
    """Display in a notebook, in place when `update` is true; print where there is no notebook."""
    from IPython import get_ipython
    from IPython.display import display, update_display

    if get_ipython() is None:
        print(shown.text, flush=True)
        return
    draw = update_display if update else display
    draw(shown._repr_mimebundle_(), raw=True, display_id=display_id)


def number(value: float | None) -> str:
    """A figure's value for a table."""
    return formatting.number(value, missing="—")


def interval(figure: dict) -> str:
    """'low … high' of a figure; '' when it has no interval."""
    low, high = figure.get("low"), figure.get("high")
    return "" if low is None or high is None else f"{number(low)} … {number(high)}"
