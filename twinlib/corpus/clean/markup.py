"""Markdown to blocks (kind, text) of prose; everything else is recorded in `removed`.

Dialects: CommonMark with tables; the shortcodes of Hugo, the tags of Hexo, Jekyll's Liquid;
Obsidian's links, callouts, comments and fields; chunks, divs and citations of R Markdown and
Quarto; imports and components of MDX; TeX formulas.

Kinds: h1 to h6, bold (a paragraph that is one run of bold text), text, item (with its marker),
restored (the owner wants it back). Pictures, addresses, tags, attributes and the names of
shortcodes are markup and leave no record.
"""

import html
import re
from collections import Counter
from functools import lru_cache, partial
from itertools import groupby

from ...text.script import columns
from ..records import RemovedParts
from .paragraphs import ADDRESS, GAP, LINK, LINK_END
from .wrapping import HARD_BREAK

_RESTORED = "\ue000"  # around the number of a restored part, until the Markdown is parsed
_TAG = re.compile(r"</?[A-Za-z][^<>]*>")
# Elements of HTML and MathML; '<think>' and 'List<String>' are the author's words.
_ELEMENTS = set(
    "a abbr acronym address article aside audio b bdi bdo big blockquote body br button caption "
    "center cite code col colgroup data dd del details dfn div dl dt em embed fieldset figcaption "
    "figure font footer form h1 h2 h3 h4 h5 h6 head header hr html i iframe img input ins kbd "
    "label legend li link main map mark math menu meta meter nav nobr noscript object ol optgroup "
    "option output p param picture pre progress q rb rp rt rtc ruby s samp script section select "
    "small source span strike strong style sub summary sup svg table tbody td template textarea "
    "tfoot th thead time title tr track tt u ul var video wbr more".split()
)
# Names of control tokens of models, which people who train them write about in pairs.
_TOKEN = re.compile(
    r"\w*_\w*|think(?:ing)?|thought|reasoning|answer|scratchpad|reflection|tools?|[be]os|pad|unk"
    r"|mask|sep|cls|unused\d+|inst|sys"
)
_APART = re.compile(r"<s>\s[^<>]*\s</s>|</s>[^<>]*<s>")  # "between <s> and </s>": no struck words
_NAME_OF_TAG = re.compile(r"<(/?)([A-Za-z][\w.:-]*)([^<>]*)>")
_MARKUP_SIGNS = re.compile(
    rf"[`*_\[\]<>&\\|{_RESTORED}]|  $|^[ \t#>+\-=~]|^\d{{1,9}}[.)]", re.MULTILINE
)
_FLAGS = re.MULTILINE | re.IGNORECASE
# A text of more lines than this, shorter than this on average (characters), is not prose and is not
# parsed, which would take 40 µs a line.
_MANY_LINES, _SHORT_LINE = 10_000, 12
# Parts that are removed whole: (what, a text that must occur, what opens it, what closes it).
# <name> in the closing is the group "name" of the opening.
_PAIRS = (
    ("code", "```", r"^[ \t]*(?P<name>`{3,})[^\n`]*$", r"^[ \t]*<name>[`~]*[ \t]*$"),
    ("code", "~~~", r"^[ \t]*(?P<name>~{3,})[^\n`]*$", r"^[ \t]*<name>[`~]*[ \t]*$"),
    ("comment", "<!--", r"(?<!`)<!--", "-->"),
    ("comment", "%%", r"(?<![%\d])%%(?!%)", "%%"),
    ("comment", "{/*", r"(?<!`)\{/\*", r"\*/\}"),
    (
        "code",
        "</",
        r"(?<!`)<(?P<name>script|style|pre|svg|iframe|video|audio|object|canvas|math)\b"
        r"[^<>]*(?<!/)>",
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
    # The rest are matched whole by their opening.
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
    # A tag alone is nested or a word in small letters; '#标题' is a heading that lacks its space.
    (
        "properties",
        "#",
        r"^[ \t]*#(?=[^\n]*[^\W\d])(?:(?-i:[a-z][a-z\d_-]*)|[\w-]+(?:/[\w-]+)+)[ \t]*$",
        None,
    ),
)
_REMOVED_RULES = [
    (what, needed, re.compile(opening, _FLAGS), closing)
    for what, needed, opening, closing in _PAIRS
]
# Markup that leaves no record: (a text that must occur, the pattern).
_MARKUP = (
    ("{{", r"(?<!`)\{\{[<%][^{}\n]{0,800}?[%>]\}\}|(?<!`)\{\{[^{}\n]{1,300}\}\}"),
    ("{%", r"(?<!`)\{%[^{}\n]{0,800}?%\}"),
    ("toc]", r"^@?\[toc\][^\n]*$"),
    ("TOC]", r"^@?\[TOC\][^\n]*$"),
    ("{:", r"\{:[^{}\n]{0,300}\}"),
    # Obsidian's embeds and block ids
    ("![[", r"!\[\[[^\[\]\n]{0,300}\]\]"),
    (
        "^",
        r"(?:(?:^|[ \t])\^[A-Za-z\d-]{1,40}|"
        r"(?<=[\u3001-\u9fff！？；，）”’….!?)])\^[A-Za-z\d-]{3,40})[ \t]*$",
    ),
    # Templater
    ("<%", r"(?<!`)<%[-_*+]?\s*tp\.[^%\n]{0,400}%>"),
    # Containers of Pandoc and VuePress, citations, commands of LaTeX
    (":::", r"^[ \t]*:{3,}[ \t]*(?:\{[^}\n]*\}|[\w-]*)"),
    ("\\@ref(", r"\\@ref\([^)\n]{1,80}\)"),
    ("@", r"[ \t]?\[-?@[\w:.#$%&+?<>~/-]+(?:[^\[\]\n]{0,200})\]"),
    (
        "\\",
        r"^\\(?:newpage|pagebreak|clearpage|tableofcontents|maketitle|noindent|centering)\b[ \t]*$",
    ),
    ("{", r"^\{[\w.$()]{1,80}\}[ \t]*$"),
    (
        "<sup",
        r"<sup\b[^>]*>\s*\[?\s*<a\b[^>]*>[^<]{0,12}</a>\s*\]?\s*</sup>|"
        r"(?<![A-Za-z\d])<sup\b[^>]*>\s*[\[［(]?\d{1,3}[\]］)]?\s*</sup>|"
        r"<sup\b[^>]*>\s*[\[［]\d{1,3}[\]］]\s*</sup>",
    ),
)
_MARKUP_RULES = [(needed, re.compile(rule, re.MULTILINE)) for needed, rule in _MARKUP]
# Dates of a task as Obsidian's Tasks plugin writes them.
_TASK = re.compile(
    r"^([ \t]*(?:[-*+]|\d{1,9}[.)]) \[.\] .*?)"
    r"(?:[ \t]{1,3}[✅📅⏳🛫➕❌]\ufe0f?[ \t]?\d{4}-\d\d-\d\d)+[ \t]*$",
    re.MULTILINE,
)
_CALLOUT = re.compile(r"^([ \t]*(?:>[ \t]?)+)\[!([\w-]+)\][+-]?[ \t]*(.*)$")
_WIKI_LINK = re.compile(r"\[\[([^\[\]\n|]*\|)?([^\[\]\n|]+)\]\]")
_ARROWS = re.compile(r"(?m)^([ \t]*)(>>\s?[^<>\n]{1,200}<<)")
_BOX = re.compile(
    r"</?(?:aside|details|summary|div|section|article|main|center|figure|figcaption|p)\b[^<>]*>",
    re.IGNORECASE,
)
_COMPONENT = re.compile(r"^[ \t]*</?[A-Z][\w.]*(?:\s[^<>]{0,2000}?)?/?>[ \t]*$", re.MULTILINE)
# "[later]: he never came" is a sentence; the definition of a link has an address.
_NO_DEFINITION = re.compile(
    r"^( {0,3})\[(?=[^\]\n]{1,200}\]:[ \t]*(?![<#/.]|\S*[/.@])\S)", re.MULTILINE
)
_ADDRESS_SIGN = re.compile(r"[/.#:@?=]")


def parse_markdown(text: str, removed: RemovedParts) -> list[tuple[str, str]]:
    """The blocks (kind, text) of a normalised Markdown text; parts left out go to `removed`."""
    restored = []
    for what, needed, opening, closing in _REMOVED_RULES:
        if needed in text:
            gap = f"\n\n{GAP}\n\n" if closing and what != "comment" else ""
            replace = partial(_remove, what=what, gap=gap, removed=removed, restored=restored)
            text = _cut(text, opening, closing, replace)
    for needed, rule in _MARKUP_RULES:
        text = rule.sub("", text) if needed in text else text
    if "] " in text:
        text = _TASK.sub(r"\1", text)
    text = _unquote_callouts(text)
    if "[[" in text:
        text = _WIKI_LINK.sub(lambda match: match[2].replace("#", " ").strip(), text)
    if "<" in text:
        text = _COMPONENT.sub("\n", _BOX.sub("\n\n", text))
    if "##" in text:
        text = re.sub(r"(?m)^(#{2,6})(?=[^\s#])", r"\1 ", text)
    if "[" in text:
        text = _NO_DEFINITION.sub(r"\1\\[", text)
    return [block for piece in _pieces(text) for block in _parsed(*piece, removed, restored)]


def _cut(text, opening, closing, replace):
    """The text with each part from opening to closing replaced; a part that never closes stays.

    A closing that was not found is not searched again, so that the time stays linear in the length.
    """
    if closing is None:
        return opening.sub(lambda match: replace(match.group()), text)
    pieces, position, unclosed = [], 0, set()
    for match in opening.finditer(text):
        name = match.groupdict().get("name") or ""
        if match.start() < position or name.lower() in unclosed:
            continue
        pattern = re.compile(closing.replace("<name>", re.escape(name)), _FLAGS)
        end = pattern.search(text, match.end())
        if end:
            pieces += [text[position : match.start()], replace(text[match.start() : end.end()])]
            position = end.end()
        else:
            unclosed.add(name.lower())
    return "".join(pieces) + text[position:]


def _remove(part, what, gap, removed, restored):
    """What replaces a part in the text: `gap`, or for a restored part its number between marks."""
    text = _bare(part, what)
    if what == "comment" and not _has_words(text) or removed.take(what, what, text):
        return gap
    restored.append(text)
    return f"\n\n{_RESTORED}{len(restored) - 1}{_RESTORED}\n\n"


def _bare(part, what):
    """The text of a part without the markup around it."""
    if what == "footnote":
        part = re.sub(r"^\[\^[^\]\n]+\]:\s*|^\^\[|\]$", "", part)
    part = re.sub(
        r"(?m)^[ \t]*(```|~~~).*$|\{%.*?%\}|\{\{[<%].*?[%>]\}\}|^<!--|-->$|^%%|%%$", "", part
    )
    if what == "table":
        part = re.sub(r"</t[dh]>\s*<t[dh][^<>]*>", " | ", part)
    if what == "code" and "<" not in part[:1]:
        return part.strip()
    return html.unescape(_TAG.sub("", part)).strip()


def _has_words(text):
    """Whether a comment or caption is more than a name: two Chinese characters, or three words."""
    match = re.search(r"[\u4e00-\u9fff]{2}|[^\W\d_]+ [^\W\d_]+,? [^\W\d_]+", text)
    return bool(match) and not text.startswith("wp:")


def _unquote_callouts(text):
    """Callouts of Obsidian and GitHub without their '>' marks, except those of kind quote, cite."""
    if ">>" in text:  # '>>Titel<<' are quotation marks
        text = _ARROWS.sub(r"\1\\\2", text)
    if "[!" not in text:
        return text
    lines, quote_marks = [], ""
    for line in text.split("\n"):
        start = _CALLOUT.match(line)
        if start:
            prefix, kind, title = start.groups()
            quote_marks = "" if kind.lower() in ("quote", "cite") else prefix.rstrip()
            line = f"{prefix}{title}\n{prefix.rstrip()}" if title else prefix
        elif not line.lstrip().startswith(">"):
            quote_marks = ""
        if quote_marks:
            line = re.sub(rf"(?m)^{quote_marks}[ \t]?", "", line)
        lines.append(line)
    return "\n".join(lines)


def _pieces(text):
    """[(has markup, piece of the text)]: paragraphs without markup are not parsed, to save time."""
    paragraphs = re.split(r"\n[ \t]*\n", text)
    lines = text.count("\n")
    if lines > _MANY_LINES and len(text) < _SHORT_LINE * lines:
        return [(False, paragraph) for paragraph in paragraphs]
    if re.search(r"^ {0,3}\[[^\]\n]+\]:", text, re.MULTILINE):
        return [(True, text)]  # any paragraph may refer to a link defined elsewhere
    pieces = []
    for has_markup, group in groupby(paragraphs, _has_markup):
        run = list(group)
        pieces += (
            [(True, "\n\n".join(run))] if has_markup else [(False, paragraph) for paragraph in run]
        )
    return pieces


def _has_markup(paragraph):
    if not _MARKUP_SIGNS.search(paragraph):
        return False
    # A long paragraph of which a quarter is signs is no prose, and parsing it takes far too long.
    signs = re.findall(r"[`*_\[\]<>&\\|~!()^]", paragraph)
    return len(paragraph) < 20_000 or len(signs) * 4 < len(paragraph)


def _parsed(has_markup, text, removed, restored):
    if has_markup:
        return _prose(_parser().parse(text), removed, restored)
    return [("text", text)] if text else []


@lru_cache(maxsize=1)
def _parser():
    from markdown_it import MarkdownIt

    return MarkdownIt("commonmark").enable("table")


# The parser's tokens


def _prose(tokens, removed, restored):
    """Yield the blocks (kind, text) of the parser's tokens; `marker` is that of a list item."""
    index, marker, depth = 0, "", 0
    while index < len(tokens):
        token = tokens[index]
        if token.type in ("blockquote_open", "table_open"):
            end = _closing(tokens, index)
            handle = _quote if token.type == "blockquote_open" else _table
            yield from handle(tokens[index + 1 : end], removed, restored)
            index = end
        elif token.type == "list_item_open":
            marker, depth = (f"{token.info}. " if token.info else "- "), token.level // 2
        elif token.type == "inline":
            indented = "  " * depth + marker if marker else ""
            yield _inline_block(token, tokens[index - 1], indented, removed, restored)
            marker = ""
        elif token.type == "html_block":
            yield "text", _without_tags(token.content)
        elif token.type in ("code_block", "fence"):
            yield from _code(token.content, removed)
        index += 1


def _closing(tokens, index):
    """The index of the token that closes the one at `index`."""
    level, after = tokens[index].level, range(index + 1, len(tokens))
    return next(i for i in after if tokens[i].level == level and tokens[i].nesting == -1)


def _inline_block(token, opener, marker, removed, restored):
    text = _inline(token.children, removed)
    number = re.fullmatch(f"{_RESTORED}(\\d+){_RESTORED}", text.strip())
    if number:
        return "restored", restored[int(number.group(1))]
    if opener.type == "heading_open" and not (opener.markup in "-=" and columns(text) > 60):
        return opener.tag, text.replace("\n", " ").replace(HARD_BREAK, " ")
    if marker:
        return "item", marker + text
    if not text.strip() and any(child.type == "image" for child in token.children):
        return "text", GAP
    short = columns(text) <= 50 and not re.search(r"[。；，,;.!！…]$", text)
    return "bold" if short and _is_bold(token.children) else "text", text


def _is_bold(tokens):
    """Whether a paragraph is one run of bold text."""
    tokens = [token for token in tokens or [] if token.type != "text" or token.content]
    strong = [token for token in tokens if token.type.startswith("strong_")]
    return len(strong) == 2 and tokens[0] is strong[0] and tokens[-1] is strong[1]


def _quote(tokens, removed, restored):
    nested = RemovedParts()
    parts = [text for _, text in _prose(tokens, nested, restored) if text != GAP]
    quotation = _plain("\n\n".join(parts).strip())
    if removed.take("quote", "quote", quotation):
        removed.parts += nested.parts
        yield "text", GAP
    else:
        yield "restored", quotation


def _table(tokens, removed, restored):
    rows = [[]]
    for token in tokens:
        if token.type == "inline":
            rows[-1].append(_plain(_inline(token.children, removed)))
        elif token.type == "tr_close":
            rows.append([])
    content = "\n".join(" | ".join(row) for row in rows if row)
    taken = removed.take("table", "table", content)
    yield ("text", GAP) if taken else ("restored", content)


def _code(text, removed):
    # Many people indent a paragraph by four spaces: sentences there are prose, not code.
    if len(re.findall(r"[。！？，]", text)) > len(re.findall(r"[{}();=<>]", text)):
        yield "text", "\n".join(line.strip() for line in text.splitlines())
    else:
        taken = removed.take("code", "code", text)
        yield ("text", GAP) if taken else ("restored", text.strip("\n"))


def _plain(text):
    return re.sub(f"[{LINK}{LINK_END}{ADDRESS}]", "", text.replace(HARD_BREAK, "\n"))


def _written_tags(contents, text=""):
    """The tags among `contents` that are the author's words: no HTML, and not one of a pair.

    '</s>' alone is no end of anything, and 'a<b and c>d' no tag with attributes. Nor is '<think>'
    HTML, even where it is closed. `text` is what they stand in.
    """
    tags = [
        (content, *match.groups())
        for content in contents
        if (match := _NAME_OF_TAG.fullmatch(content))
    ]
    ends = Counter((name.lower(), bool(end)) for _, end, name, _ in tags)
    written = set()
    for content, _, name, attributes in tags:
        name, more = name.lower(), attributes.strip(" /")
        paired = ends[name, True] and ends[name, False]
        if name == "s" and (ends["s", True] != ends["s", False] or _APART.search(text)):
            paired = False
        compares = len(name) == 1 and more and "=" not in more
        unknown = name not in _ELEMENTS and "=" not in more or name == "s" and not more
        if compares or unknown and (not paired or _TOKEN.fullmatch(name)):
            written.add(content)
    return written


def _without_tags(text):
    """A block of HTML without its tags, but for those that are the author's words."""
    written = _written_tags(_TAG.findall(text), text)
    bare = _TAG.sub(lambda match: match[0] if match[0] in written else "", text)
    return html.unescape(bare)


def _inline(tokens, removed):
    pieces, is_address, links = [], False, []
    tags = [token.content for token in tokens or () if token.type == "html_inline"]
    written = _written_tags(tags, "".join(token.content for token in tokens)) if tags else ()
    for token in tokens:
        if token.type in ("text", "code_inline", "text_special"):
            pieces.append(ADDRESS if is_address else token.content)
        elif token.type == "softbreak":
            pieces.append("\n")
        elif token.type == "hardbreak":
            pieces.append(HARD_BREAK)
        elif token.type == "link_open":
            # <https://…> has no text of its own; <mailto:…> is left for the search for e-mails.
            is_address = token.info == "auto" and "mailto:" not in str(token.attrs)
            links.append(_words_in_target(token))
            pieces.append(LINK)
        elif token.type == "link_close":
            is_address = False
            pieces.append(LINK_END + links.pop())
        elif token.type == "image":
            caption = token.content
            if _has_words(caption) and not removed.take("caption", "caption", caption):
                pieces.append(caption)
        elif token.type == "html_inline" and token.content in written:
            pieces.append(token.content)
        elif token.type == "html_inline" and token.content.lower().startswith("<br"):
            pieces.append(HARD_BREAK)
    return "".join(pieces)


def _words_in_target(link):
    """The target of a link with its brackets if it is words, not an address; else ''."""
    from urllib.parse import unquote

    target = unquote(str(link.attrs.get("href", "")))
    return f"({target})" if not target.isascii() and not _ADDRESS_SIGN.search(target) else ""
