"""Org mode, reStructuredText and LaTeX as Markdown: what an author's prose needs of each.

Headings, quotations, code and lists become Markdown's; what a program alone reads goes.
"""

import re
from collections.abc import Callable

_ORG_BLOCK = re.compile(
    r"^[ \t]*#\+begin_(\w+)[^\n]*\n(.*?)^[ \t]*#\+end_\1[^\n]*$", re.M | re.S | re.I
)
_ORG_DRAWER = re.compile(r"^[ \t]*:[A-Z_]+:[ \t]*\n(?:[^\n]*\n)*?[ \t]*:END:[ \t]*$", re.M | re.I)
_ORG_FACT = re.compile(r"^#\+(\w+):[ \t]*([^\n]*)$", re.MULTILINE)
_DIRECTIVE = re.compile(
    r"^([ \t]*)\.\. ([\w-]*)(?:::)?[^\n]*\n(?:(?:\1[ \t]+[^\n]*)?\n)*", re.MULTILINE
)
_RST_FACT = re.compile(r"^:(\w+):[ \t]*([^\n]*)$", re.MULTILINE)
_RST_CODE = ("code-block", "code", "sourcecode", "highlight", "math", "raw")
_TEX_CODE = r"verbatim|lstlisting|minted|equation|align|math|displaymath|eqnarray|tikzpicture"
_TEX_AWAY = r"table|tabular|figure|thebibliography|abstract\*"
_TEX_GONE = re.compile(
    r"[~ ]?\\(?:label|ref|eqref|cite\w*|bibliography\w*|includegraphics|usepackage|input|"
    r"include|vspace|hspace|pagestyle|thispagestyle|setlength|index|documentclass)\*?"
    r"(?:\[[^\]]*\])*(?:\{[^{}]*\})*"
)
_TEX_HEADING = re.compile(r"\\(chapter|(?:sub){0,2}section|paragraph)\*?\{([^{}]*)\}")


def as_markdown(text: str, suffix: str) -> tuple[dict, str]:
    """(facts such as title and date, Markdown) of a text whose file has the suffix."""
    return _KINDS[suffix](text)


def _org(text):
    facts = {key.lower(): value.strip(" <>[]") for key, value in _ORG_FACT.findall(text)}
    text = _ORG_DRAWER.sub("", text)
    text = _ORG_BLOCK.sub(_org_block, text)
    text = re.sub(r"^[ \t]*#(?:\+\w[^\n]*|[ \t][^\n]*)?$", "", text, flags=re.MULTILINE)
    text = re.sub(r"^[ \t]*(?:SCHEDULED|DEADLINE|CLOSED):[^\n]*$", "", text, flags=re.MULTILINE)
    text = re.sub(
        r"^(\*+)[ \t]+(?:(?:TODO|DONE|NEXT|WAITING)[ \t]+)?(?:\[#\w\][ \t]*)?([^\n]*?)"
        r"(?:[ \t]+:[\w@:]+:)?$",
        lambda match: "#" * min(len(match[1]) + 1, 6) + " " + match[2],
        text,
        flags=re.MULTILINE,
    )
    text = re.sub(r"\[\[(?:[^\[\]]*)\]\[([^\[\]]*)\]\]", r"\1", text)
    text = re.sub(r"\[\[([^\[\]]*)\]\]", r"<\1>", text)
    text = re.sub(r"(?<![\w~=])[=~]([^\s=~](?:[^=~\n]*[^\s=~])?)[=~](?!\w)", r"`\1`", text)
    return facts, re.sub(r"(?<![\w/:])/([^\s/](?:[^/\n]*[^\s/])?)/(?![\w/])", r"\1", text)


def _org_block(match):
    kind, inside = match[1].lower(), match[2]
    if kind in ("quote", "verse"):
        mark = "> " if kind == "quote" else ""
        return "\n" + "\n".join(mark + line.strip() for line in inside.strip().split("\n")) + "\n"
    return "" if kind == "comment" else f"\n```\n{inside}```\n"


def _rst(text):
    facts = {}
    if head := re.match(
        r"(?:[=\-~#*^]{3,}\n)?(?:\s*[^\n]+\n[=\-~#*^]{3,}\n)?\s*((?::\w+:[^\n]*\n)+)", text
    ):
        facts = {key.lower(): value.strip() for key, value in _RST_FACT.findall(head[1])}
        text = text.replace(head[1], "\n", 1)
    text = _DIRECTIVE.sub(_directive, text)
    text = re.sub(r"`([^`<>\n]+?)\s*<[^`<>\n]+>`__?", r"\1", text)
    text = re.sub(r":[\w:-]+:`([^`<]+?)(?:\s*<[^>]*>)?`", r"\1", text)
    text = re.sub(r"(?<!`)`([^`\n]+)`__?", r"\1", text)
    text = re.sub(r"(?<!`)``(?!`)", "`", text)
    # A title may have a line of signs above it, too, and more signs than '=' and '-'.
    return facts, re.sub(
        r"^(?:([=\-~^\"'*+#])\1{2,}\n)?([^\n]+)\n([=\-~^\"'*+#])\3{2,}[ \t]*$",
        lambda match: f"{'#' if match[1] else '##'} {match[2].strip()}\n",
        text,
        flags=re.MULTILINE,
    )


def _directive(match):
    """A directive of reStructuredText: code, or the words of a note, or nothing."""
    name, body = match[2], match.group().split("\n", 1)[-1]
    if name in _RST_CODE:
        return f"\n```\n{body.strip()}\n```\n\n"
    words = "\n".join(
        line.strip() for line in body.split("\n") if not re.match(r"\s*:[\w-]+:", line)
    )
    shown = name in ("note", "tip", "warning", "epigraph", "admonition", "topic", "sidebar")
    return f"\n{words.strip()}\n\n" if shown else "\n"


def _tex(text):
    facts = {
        name: re.sub(r"\\\w+|[{}]", "", match[1]).strip()
        for name in ("title", "author", "date")
        if (match := re.search(rf"\\{name}\{{((?:[^{{}}]|\{{[^{{}}]*\}})*)\}}", text))
    }
    text = re.sub(r"(?<!\\)%[^\n]*(?:\n(?=[ \t]*\S))?", "", text)
    body = re.search(r"\\begin\{document\}(.*?)(?:\\end\{document\}|\Z)", text, re.DOTALL)
    text = body[1] if body else text
    text = re.sub(
        rf"\\begin\{{({_TEX_CODE})\*?\}}(.*?)\\end\{{\1\*?\}}|\$\$(.*?)\$\$|\\\[(.*?)\\\]",
        lambda match: f"\n```\n{next(filter(None, match.groups()[1:]), '').strip()}\n```\n",
        text,
        flags=re.DOTALL,
    )
    text = re.sub(rf"\\begin\{{({_TEX_AWAY})\*?\}}.*?\\end\{{\1\*?\}}", "", text, flags=re.DOTALL)
    text = re.sub(
        r"\\begin\{(?:quote|quotation)\}(.*?)\\end\{(?:quote|quotation)\}",
        lambda match: "\n> " + " ".join(match[1].split()) + "\n",
        text,
        flags=re.DOTALL,
    )
    text = _TEX_GONE.sub("", text)
    text = _TEX_HEADING.sub(lambda m: f"\n\n{'#' * (2 + m[1].count('sub'))} {m[2]}\n\n", text)
    text = re.sub(r"[ \t]*\\item(?:\[[^\]]*\])?[ \t]*", "\n- ", text)
    text = re.sub(r"\\footnote\{((?:[^{}]|\{[^{}]*\})*)\}", "", text)
    text = re.sub(r"\\href\{[^{}]*\}\{([^{}]*)\}", r"\1", text)
    text = re.sub(r"\\(?:begin|end)\{[^{}]*\}(?:\[[^\]]*\])?", "\n\n", text)
    for _ in range(4):  # commands within commands
        text = re.sub(r"\\[A-Za-z]+\*?(?:\[[^\]]*\])?\{([^{}]*)\}", r"\1", text)
    text = re.sub(r"\\\\(?:\[[^\]]*\])?", "\\\n", text)
    text = re.sub(r"\\(?:[A-Za-z]+\*?(?:\{\})?[ \t]?)", "", text)
    text = re.sub(r"(?<!\\)[{}]", "", text.replace("~", " "))
    text = re.sub(r"\\([%&$#_{}^])", r"\1", text)
    text = text.replace("---", "—").replace("--", "–").replace("''", "”")
    return facts, re.sub(r"(?<!`)``(?!`)", "“", text)


_KINDS: dict[str, Callable[[str], tuple[dict, str]]] = {".org": _org, ".rst": _rst, ".tex": _tex}
SUFFIXES = set(_KINDS)
