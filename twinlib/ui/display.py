"""What a cell shows: HTML for the browser and the same as plain text for a terminal. Every text is escaped here."""

import html

from ..progress import width

COLOURS = {"stop": "220,50,50", "warning": "230,160,0", "good": "40,160,80", "note": "90,120,200"}
MARKS = {"stop": "✗", "warning": "!", "good": "✓", "note": "·"}
CELL = "padding:.25em .8em;text-align:left;vertical-align:top;white-space:pre-wrap"


class Shown:
    """Something a cell can end with; joined with `+`, printed by str()."""

    def __init__(self, html, text):
        self.html, self.text = html, text

    def _repr_mimebundle_(self, include=None, exclude=None):
        return {"text/html": self.html, "text/plain": self.text}

    def __str__(self):
        return self.text

    def __add__(self, other):
        return Shown(self.html + other.html, f"{self.text}\n{other.text}".strip("\n"))


NOTHING = Shown("", "")


def esc(text):
    """Text made harmless inside HTML, attributes included."""
    return html.escape(str(text), quote=True)


def sentence(text, level="note"):
    """One coloured sentence; `level` is stop, warning, good or note."""
    colour = COLOURS[level]
    style = f"border-left:4px solid rgb({colour});background:rgba({colour},.12);padding:.3em .8em;margin:.3em 0"
    return Shown(f'<div style="{style}">{esc(text)}</div>', f"{MARKS[level]} {text}")


def caption(text):
    """A line of small print under a picture or above a table."""
    return Shown(f'<div style="margin:.4em 0;opacity:.8">{esc(text)}</div>', text)


def title(text):
    return Shown(f'<div style="margin:.8em 0 .2em;font-weight:bold">{esc(text)}</div>', text)


def table(header, rows):
    """A table of texts; rows are sequences as long as the header."""
    rows = [["" if cell is None else str(cell) for cell in row] for row in rows]
    head = "".join(f'<th style="{CELL}">{esc(cell)}</th>' for cell in header)
    body = "".join("<tr>" + "".join(_cell(cell) for cell in row) + "</tr>" for row in rows)
    whole = f'<table style="border-collapse:collapse"><tr>{head}</tr>{body}</table>'
    return Shown(f'<div style="overflow-x:auto">{whole}</div>', text_table(header, rows))


def _cell(text):
    room = (
        ";min-width:15em"
        if len(text) > 80
        else ";white-space:nowrap"
        if len(text) < 20 and text.isascii()
        else ""
    )
    return f'<td style="{CELL}{room}">{esc(text)}</td>'


def text_table(header, rows, longest=60):
    """Rows as lines of text with the columns under each other; a cell of more than `longest` columns is cut."""
    cells = [[_cut(str(cell), longest) for cell in row] for row in [header, *rows]]
    wide = [max(width(row[i]) for row in cells) for i in range(len(header))]
    return "\n".join(
        "  ".join(cell + " " * (w - width(cell)) for cell, w in zip(row, wide)).rstrip()
        for row in cells
    )


def _cut(text, longest):
    text = " ".join(text.split())
    if width(text) <= longest:
        return text
    while width(text) > longest - 1:
        text = text[:-1]
    return text + "…"


def show(shown, display_id=None, update=False):
    """Display in a notebook, in place when `update` is true; print where there is no notebook."""
    from IPython import get_ipython
    from IPython.display import display, update_display

    if get_ipython() is None:
        print(shown.text, flush=True)
    elif update:
        update_display(shown._repr_mimebundle_(), raw=True, display_id=display_id)
    else:
        display(shown._repr_mimebundle_(), raw=True, display_id=display_id)


def size(bytes):
    """Bytes as people say them: '540 MB', '2.1 GB'."""
    for unit, scale in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if bytes >= scale:
            return f"{bytes / scale:.1f} {unit}" if unit == "GB" else f"{bytes / scale:.0f} {unit}"
    return f"{bytes} B"


def number(value):
    """A figure's value for a table: 3 digits, whole numbers as they are, '—' when not measured."""
    if value is None:
        return "—"
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return str(value)
    return str(value) if isinstance(value, int) else f"{value:.3g}"


def interval(figure):
    """'low to high' of a figure, or nothing."""
    low, high = figure.get("low"), figure.get("high")
    return "" if low is None or high is None else f"{number(low)} … {number(high)}"
