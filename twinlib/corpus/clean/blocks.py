"""Markdown to blocks of prose, (kind, text); what is not the author's prose goes to `parts`.

Dialects: CommonMark with tables; the shortcodes of Hugo, the tags of Hexo, Jekyll's Liquid; Obsidian's links, callouts,
comments and fields; chunks, divs and citations of R Markdown and Quarto; imports and components of MDX; TeX formulas.
Kinds: h1 to h6, text, item (with its marker), kept (restored by the owner: no later rule touches it).
Pictures, addresses, tags, attributes and the names of shortcodes are markup and go without a note.
"""

import html
import re
from functools import lru_cache
from itertools import groupby

from ...text.script import columns
from ..removed import Parts
from .paragraphs import ADDRESS, HARD, LINK, LINK_END

HELD = "\ue000"  # around the number of a restored part, until the Markdown is parsed
TAG = re.compile(r"</?[A-Za-z][^<>]*>")
SPECIAL = re.compile(rf"[`*_\[\]<>&\\|{HELD}]|  $|^[ \t#>+\-=~]|^\d{{1,9}}[.)]", re.M)
MANY_LINES, SHORT_LINES = (
    10_000,
    12,
)  # more lines of fewer characters are nobody's page: the parser takes 40 µs a line
# Parts that go whole: what, a text without which it is not looked for, what opens it and what closes it; <name> in the
# closing is the name that the opening gave.
PAIRS = (
    ("code", "```", r"^[ \t]*(?P<name>`{3,})[^\n`]*$", r"^[ \t]*<name>[`~]*[ \t]*$"),
    ("code", "~~~", r"^[ \t]*(?P<name>~{3,})[^\n`]*$", r"^[ \t]*<name>[`~]*[ \t]*$"),
    ("comment", "<!--", r"(?<!`)<!--", "-->"),
    ("comment", "%%", r"(?<![%\d])%%(?!%)", "%%"),
    ("comment", "{/*", r"(?<!`)\{/\*", r"\*/\}"),
    (
        "code",
        "</",
        r"(?<!`)<(?P<name>script|style|pre|svg|iframe|video|audio|object|canvas|math)\b[^<>]*(?<!/)>",
        r"</<name>\s*>",
    ),
    ("table", "</", r"<(?P<name>table)\b[^<>]*>", r"</<name>\s*>"),
    ("quote", "</", r"<(?P<name>blockquote)\b[^<>]*>", r"</<name>\s*>"),
    (
        "code",
        "{%",
        r"(?<!`)\{%-?\s*(?P<name>highlight|codeblock|code|mermaid|math|raw)\b[^%]*%\}",
        r"\{%-?\s*end<name>\s*-?%\}",
    ),
    (
        "quote",
        "{%",
        r"\{%-?\s*(?P<name>blockquote|quote|pullquote|cq|centerquote)\b[^%]*%\}",
        r"\{%-?\s*end<name>\s*-?%\}",
    ),
    (
        "code",
        "{{",
        r"(?<!`)\{\{[<%]\s*(?P<name>highlight|code|mermaid|math|katex|chart|gist)\b[^>%]*[>%]\}\}",
        r"\{\{[<%]\s*/<name>\s*[>%]\}\}",
    ),
    (
        "quote",
        "{{",
        r"\{\{[<%]\s*(?P<name>quote|blockquote|epigraph|cite)\b[^>%]*[>%]\}\}",
        r"\{\{[<%]\s*/<name>\s*[>%]\}\}",
    ),
    ("code", "$$", r"^[ \t]*\$\$(?!\$)", r"\$\$[ \t]*$"),
    ("code", "\\[", r"^\\\[[ \t]*$", r"^\\\][ \t]*$"),
    ("code", "\\begin", r"^\\begin\{(?P<name>\w+)\*?\}", r"\\end\{<name>\*?\}"),
    # The rest are lines or stand in them, and close themselves.
    (
        "footnote",
        "[^",
        r"^\[\^[^\]\n]{1,80}\]:[^\n]*(?:\n(?:[ \t]{2,}[^\n]+|[ \t]*(?=\n[ \t]{2,}\S)))*",
        None,
    ),
    ("footnote", "^[", r"(?<!\\)\^\[[^\]\n]{1,600}\]", None),
    ("code", "import", r"^import\s[^\n]*?(?:\bfrom\s+)?['\"][^'\"\n]+['\"];?[ \t]*$", None),
    (
        "code",
        "export",
        r"^export\s+(?:const|default|function|let)\b[^\n]*[=({][^\n]*(?:\n(?!\s*\n)[^\n]+)*",
        None,
    ),
    ("code", "`", r"(?<!`)`(?:r|=|\$=|\{\w+\}) [^`\n]{1,200}`(?!`)", None),
    (
        "properties",
        ":: ",
        r"^[ \t]*(?:[-*][ \t]+)?[^\W\d_][\w -]{0,29}(?<! )::[ \t]+\S[^\n]*$|"
        r"[\[(][^\W\d_][\w -]{0,29}::[ \t]+[^\])\n]{1,200}[\])]",
        None,
    ),
    (
        "properties",
        " #",
        r"^[ \t]*#(?:[^\s#,，。！？!?.]+)(?:[ \t]+#[^\s#,，。！？!?.]+)+[ \t]*$",
        None,
    ),
    # One tag alone: nested, or a word in small letters; '#标题' is a heading that lacks its space.
    (
        "properties",
        "#",
        r"^[ \t]*#(?=[^\n]*[^\W\d])(?:(?-i:[a-z][a-z\d_-]*)|[\w-]+(?:/[\w-]+)+)[ \t]*$",
        None,
    ),
)
RULES = [
    (what, needs, re.compile(opening, re.M | re.I), closing)
    for what, needs, opening, closing in PAIRS
]
MARKUP = (  # what goes without a note, behind a text without which it is not looked for
    ("{{", r"(?<!`)\{\{[<%][^{}\n]{0,800}?[%>]\}\}|(?<!`)\{\{[^{}\n]{1,300}\}\}"),
    ("{%", r"(?<!`)\{%[^{}\n]{0,800}?%\}"),
    ("toc]", r"^@?\[toc\][^\n]*$"),
    ("TOC]", r"^@?\[TOC\][^\n]*$"),
    ("{:", r"\{:[^{}\n]{0,300}\}"),
    ("![[", r"!\[\[[^\[\]\n]{0,300}\]\]"),  # Obsidian's embeds
    (
        "^",
        r"(?:(?:^|[ \t])\^[A-Za-z\d-]{1,40}|"
        r"(?<=[\u3001-\u9fff！？；，）”’….!?)])\^[A-Za-z\d-]{3,40})[ \t]*$",
    ),  # block ids
    ("<%", r"(?<!`)<%[-_*+]?\s*tp\.[^%\n]{0,400}%>"),  # Templater
    (":::", r"^[ \t]*:{3,}[ \t]*(?:\{[^}\n]*\}|[\w-]*)"),  # containers of Pandoc and VuePress
    ("\\@ref(", r"\\@ref\([^)\n]{1,80}\)"),
    ("@", r"[ \t]?\[-?@[\w:.#$%&+?<>~/-]+(?:[^\[\]\n]{0,200})\]"),  # citations
    (
        "\\",
        r"^\\(?:newpage|pagebreak|clearpage|tableofcontents|maketitle|noindent|centering)\b[ \t]*$",
    ),
    ("{", r"^\{[\w.$()]{1,80}\}[ \t]*$"),
    (
        "<sup",
        r"<sup\b[^>]*>\s*\[?\s*<a\b[^>]*>[^<]{0,12}</a>\s*\]?\s*</sup>|"
        r"(?<![A-Za-z\d])<sup\b[^>]*>\s*[\[［(]?\d{1,3}[\]］)]?\s*</sup>|<sup\b[^>]*>\s*[\[［]\d{1,3}[\]］]\s*</sup>",
    ),
)
MARKUP = [(needs, re.compile(rule, re.M)) for needs, rule in MARKUP]
# When a task was done or is due, as Obsidian's Tasks plugin notes it.
TASK = re.compile(
    r"^([ \t]*(?:[-*+]|\d{1,9}[.)]) \[.\] .*?)"
    r"(?:[ \t]{1,3}[✅📅⏳🛫➕❌]\ufe0f?[ \t]?\d{4}-\d\d-\d\d)+[ \t]*$",
    re.M,
)
CALLOUT = re.compile(r"^([ \t]*(?:>[ \t]?)+)\[!([\w-]+)\][+-]?[ \t]*(.*)$")
BOX = re.compile(
    r"</?(?:aside|details|summary|div|section|article|main|center|figure|figcaption|p)\b[^<>]*>",
    re.I,
)
COMPONENT = re.compile(r"^[ \t]*</?[A-Z][\w.]*(?:\s[^<>]{0,2000}?)?/?>[ \t]*$", re.M)
# "[later]: he never came" is a sentence; a definition has an address.
NO_DEFINITION = re.compile(r"^( {0,3})\[(?=[^\]\n]{1,200}\]:[ \t]*(?![<#/.]|\S*[/.@])\S)", re.M)
ADDRESS_LIKE = re.compile(r"[/.#:@?=]")


def blocks(text, parts):
    """The blocks of a normalised Markdown text."""
    held = []
    for what, needs, opening, closing in RULES:
        if needs in text:
            apart = closing and what != "comment"
            text = _cut(
                text, opening, closing, lambda found: _take(found, what, parts, held, apart)
            )
    for needs, rule in MARKUP:
        text = rule.sub("", text) if needs in text else text
    text = _callouts(TASK.sub(r"\1", text) if "] " in text else text)
    if "[[" in text:
        text = re.sub(
            r"\[\[([^\[\]\n|]*\|)?([^\[\]\n|]+)\]\]",
            lambda match: match[2].replace("#", " ").strip(),
            text,
        )
    if "<" in text:
        text = COMPONENT.sub("\n", BOX.sub("\n\n", text))
    text = re.sub(r"(?m)^(#{2,6})(?=[^\s#])", r"\1 ", text) if "##" in text else text
    text = NO_DEFINITION.sub(r"\1\\[", text) if "[" in text else text
    return [block for piece in _pieces(text) for block in _parsed(piece, parts, held)]


def _pieces(text):
    """Text cut into (has marks for the parser, piece): most paragraphs have none, and parsing is slow."""
    lines = text.count("\n")
    if lines > MANY_LINES and len(text) < SHORT_LINES * lines:
        return [(False, part) for part in re.split(r"\n[ \t]*\n", text)]
    if re.search(r"^ {0,3}\[[^\]\n]+\]:", text, re.M):  # a definition may belong to any paragraph
        return [(True, text)]
    pieces = []
    for marked, paragraphs in groupby(re.split(r"\n[ \t]*\n", text), _marked):
        pieces += (
            [(True, "\n\n".join(paragraphs))] if marked else [(False, part) for part in paragraphs]
        )
    return pieces


def _marked(paragraph):
    # A long paragraph of which a quarter is marks was not written by a person, and takes a parser forever.
    return bool(SPECIAL.search(paragraph)) and (
        len(paragraph) < 20_000
        or len(re.findall(r"[`*_\[\]<>&\\|~!()^]", paragraph)) * 4 < len(paragraph)
    )


def _parsed(piece, parts, held):
    marked, text = piece
    if marked:
        return _prose(_parser().parse(text), parts, held)
    return [("text", text)] if text else []


def _take(text, what, parts, held, apart):
    words, blank = _words(text, what), "\n\n" if apart else ""
    if what == "comment" and not _wordy(words) or parts.take(what, what, words):
        return blank
    held.append(words)
    return f"\n\n{HELD}{len(held) - 1}{HELD}\n\n"


def _words(text, what):
    text = re.sub(r"^\[\^[^\]\n]+\]:\s*|^\^\[|\]$", "", text) if what == "footnote" else text
    text = re.sub(
        r"(?m)^[ \t]*(```|~~~).*$|\{%.*?%\}|\{\{[<%].*?[%>]\}\}|^<!--|-->$|^%%|%%$", "", text
    )
    text = re.sub(r"</t[dh]>\s*<t[dh][^<>]*>", " | ", text) if what == "table" else text
    return (
        html.unescape(TAG.sub("", text)).strip()
        if what != "code" or "<" in text[:1]
        else text.strip()
    )


def _wordy(text):
    """Is this more than a name: two Chinese characters, or three words?"""
    return bool(
        re.search(r"[\u4e00-\u9fff]{2}|[^\W\d_]+ [^\W\d_]+,? [^\W\d_]+", text)
    ) and not text.startswith("wp:")


def _cut(text, opening, closing, take):
    """Text with everything from an opening to its closing replaced; what is never closed stays. In linear time."""
    if closing is None:
        return opening.sub(lambda match: take(match.group()), text)
    found, position, never = [], 0, set()
    for match in opening.finditer(text):
        name = match.groupdict().get("name") or ""
        if match.start() < position or name.lower() in never:
            continue
        end = re.compile(closing.replace("<name>", re.escape(name)), re.M | re.I).search(
            text, match.end()
        )
        if end:
            found += [text[position : match.start()], take(text[match.start() : end.end()])]
            position = end.end()
        else:
            never.add(name.lower())
    return "".join(found) + text[position:]


def _callouts(text):
    """Obsidian's and GitHub's callouts as the author's own text, save those that say that they quote."""
    if "[!" not in text:
        return text
    found, own = [], ""
    for line in text.split("\n"):
        start = CALLOUT.match(line)
        if start:
            quotes = start.group(2).lower() in ("quote", "cite")
            own = "" if quotes else start.group(1).rstrip()
            line = (
                f"{start.group(1)}{start.group(3)}\n{start.group(1).rstrip()}"
                if start.group(3)
                else start.group(1)
            )
        elif not line.lstrip().startswith(">"):
            own = ""
        found.append(
            "\n".join(re.sub(rf"^{own}[ \t]?", "", part) for part in line.split("\n"))
            if own
            else line
        )
    return "\n".join(found)


@lru_cache(maxsize=1)
def _parser():
    from markdown_it import MarkdownIt

    return MarkdownIt("commonmark").enable("table")


# The parser's tokens


def _prose(tokens, parts, held):
    index, marker, depth = 0, "", 0
    while index < len(tokens):
        token = tokens[index]
        if token.type in ("blockquote_open", "table_open"):
            end = _closing(tokens, index)
            yield from (_quote if token.type[0] == "b" else _table)(
                tokens[index + 1 : end], parts, held
            )
            index = end
        elif token.type == "list_item_open":
            marker, depth = (f"{token.info}. " if token.info else "- "), token.level // 2
        elif token.type == "inline":
            yield from _inline_block(
                token, tokens[index - 1], "  " * depth * bool(marker) + marker, parts, held
            )
            marker = ""
        elif token.type == "html_block":
            yield "text", html.unescape(TAG.sub("", token.content))
        elif token.type in ("code_block", "fence"):
            yield from _code(token.content, parts)
        index += 1


def _closing(tokens, index):
    level = tokens[index].level
    return next(
        i
        for i in range(index + 1, len(tokens))
        if tokens[i].level == level and tokens[i].nesting == -1
    )


def _inline_block(token, opener, marker, parts, held):
    text = _inline(token.children, parts)
    restored = re.fullmatch(f"{HELD}(\\d+){HELD}", text.strip())
    if restored:
        yield "kept", held[int(restored.group(1))]
    elif opener.type == "heading_open" and not (opener.markup in "-=" and columns(text) > 60):
        yield opener.tag, text.replace("\n", " ").replace(HARD, " ")
    elif (
        not marker
        and _bold(token.children)
        and columns(text) <= 50
        and not re.search(r"[。；，,;.!！…]$", text)
    ):
        yield "bold", text
    else:
        yield "item" if marker else "text", marker + text


def _bold(tokens):
    """Is this paragraph one run of bold text?"""
    tokens = [token for token in tokens or [] if token.type != "text" or token.content]
    strong = [token for token in tokens if token.type.startswith("strong_")]
    return len(strong) == 2 and tokens[0] is strong[0] and tokens[-1] is strong[1]


def _quote(tokens, parts, held):
    inner = Parts()
    words = "\n\n".join(text for _, text in _prose(tokens, inner, held)).strip()
    if parts.take("quote", "quote", _plain(words)):
        parts.found += inner.found
    else:
        yield "kept", _plain(words)


def _table(tokens, parts, held):
    rows = [[]]
    for token in tokens:
        if token.type == "inline":
            rows[-1].append(_plain(_inline(token.children, parts)))
        elif token.type == "tr_close":
            rows.append([])
    words = "\n".join(" | ".join(row) for row in rows if row)
    if not parts.take("table", "table", words):
        yield "kept", words


def _code(text, parts):
    # Four spaces are how many people indent a paragraph; sentences in there are prose, whatever Markdown says.
    if len(re.findall(r"[。！？，]", text)) > len(re.findall(r"[{}();=<>]", text)):
        yield "text", "\n".join(line.strip() for line in text.splitlines())
    elif not parts.take("code", "code", text):
        yield "kept", text.strip("\n")


def _plain(text):
    return re.sub(f"[{LINK}{LINK_END}{ADDRESS}]", "", text.replace(HARD, "\n"))


def _inline(tokens, parts):
    found, address, links = [], False, []
    for token in tokens:
        kind = token.type
        if kind == "text" or kind == "code_inline" or kind == "text_special":
            found.append(ADDRESS if address else token.content)
        elif kind == "softbreak" or kind == "hardbreak":
            found.append("\n" if kind == "softbreak" else HARD)
        elif kind == "link_open":
            # <https://…> has no text of its own; <mailto:…> is for the privacy step to see.
            address = token.info == "auto" and "mailto:" not in str(token.attrs)
            links.append(_said(token))
            found.append(LINK)
        elif kind == "link_close":
            address = False
            found.append(LINK_END + links.pop())
        elif (
            kind == "image"
            and _wordy(token.content)
            and not parts.take("caption", "caption", token.content)
        ):
            found.append(token.content)
        elif kind == "html_inline" and token.content.lower().startswith("<br"):
            found.append(HARD)
    return "".join(found)


def _said(link):
    """What a link's round brackets say when that is no address: '[sigh](here he is again)'."""
    from urllib.parse import unquote

    words = unquote(str(link.attrs.get("href", "")))
    return f"({words})" if not words.isascii() and not ADDRESS_LIKE.search(words) else ""
