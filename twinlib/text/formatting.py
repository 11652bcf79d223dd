"""Pieces of Markdown: text that stays text, code blocks, tables, and numbers as people read them."""

import re


def escape(text):
    """Any text as one line of plain Markdown: no markup, HTML, formula, link or mention survives."""
    line = " ".join(str(text).split())
    marked = re.sub(
        r"[\\`*_\[\]<>&#|~$!@{}\"']|:(?=//)|(?<=www)\.",
        lambda m: f"&#{ord(m[0])};",
        line,
        flags=re.I,
    )
    return re.sub(r"[\x00-\x1f\x7f\u202a-\u202e\u2066-\u2069]", "", marked)


def fenced(text, language=""):
    """A code block that nothing inside it can close."""
    longest = max((len(run) for run in re.findall(r"`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}{language}\n{text}\n{fence}"


def table(columns, rows):
    """A Markdown table; '' without rows."""
    if not rows:
        return ""
    lines = [columns, ["---"] * len(columns), *rows]
    return "\n".join("| " + " | ".join(map(str, line)) + " |" for line in lines)


def number(value):
    """A value as people read it: 3 significant digits, thousands apart, a dash for what was not measured."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return "–" if value is None else escape(value)
    return (
        f"{value:,}"
        if isinstance(value, int) or abs(value) >= 1000 and value == int(value)
        else f"{value:.3g}"
    )


def size(count):
    """Bytes as people read them: '253.0 MB'."""
    for unit, name in ((1e9, "GB"), (1e6, "MB")):
        if count >= unit:
            return f"{count / unit:.1f} {name}"
    return f"{count / 1e3:.1f} kB"
