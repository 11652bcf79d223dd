"""Pieces of Markdown: escaped text, code blocks, tables; and numbers for people."""

import re

# Signs of Markdown and HTML, and those that make a web address a link.
_SIGNS = re.compile(r"[\\`*_\[\]<>&#|~$!@{}\"']|:(?=//)|(?<=www)\.", re.IGNORECASE)


def escape(text: object) -> str:
    """A text as one line of Markdown, escaped: no markup, HTML, formula, link or mention in it."""
    line = " ".join(str(text).split())
    line = _SIGNS.sub(lambda match: f"&#{ord(match[0])};", line)
    return re.sub(r"[\x00-\x1f\x7f\u202a-\u202e\u2066-\u2069]", "", line)


def fenced(text: str, language: str = "") -> str:
    """A code block with a fence longer than any in the text."""
    longest = max((len(run) for run in re.findall(r"`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}{language}\n{text}\n{fence}"


def table(columns: list[str], rows: list[list]) -> str:
    """A Markdown table; '' without rows."""
    if not rows:
        return ""
    lines = [columns, ["---"] * len(columns), *rows]
    return "\n".join("| " + " | ".join(map(str, line)) + " |" for line in lines)


def number(value: object, missing: str = "–") -> str:
    """A value for people: 3 significant digits, thousands separated; `missing` for None."""
    if value is None:
        return missing
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return escape(value)
    is_integer = isinstance(value, int) or abs(value) >= 1000 and value == int(value)
    return f"{value:,.0f}" if is_integer else f"{value:.3g}"


def size(count: float, digits: int = 0) -> str:
    """Bytes for people: '540 MB', '2.1 GB'; `digits` are decimals below a gigabyte."""
    if count >= 1e9:
        return f"{count / 1e9:.1f} GB"
    for scale, unit in ((1e6, "MB"), (1e3, "kB")):
        if count >= scale:
            return f"{count / scale:.{digits}f} {unit}"
    return f"{count:.0f} B"
