"""Markup to the author's own prose, and near-duplicates found.

What goes: pictures, code, tables, quotations, footnotes, HTML, shortcodes, addresses of links, calls to subscribe.
What stays, word for word: the author's sentences, list items, and headings as '## ' lines. Every part with words in
it that is left out comes back as a Part, and stays in when its id is among `restored`.

Lines inside a paragraph are joined only where the line was full (a hard wrap); other line breaks are the author's.
"""

import html
import re
import unicodedata
import zlib
from collections import Counter
from functools import lru_cache
from typing import NamedTuple

from ..twin import content_id

HARD = "\u2028"  # a line break that the author asked for, until the wraps are undone
WRAP_LIMIT, WRAP_SLACK = 130, 5  # columns; full lines end within the slack of the widest one
WIDE = "\u1100-\u115f\u2e80-\u9fff\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe4f\uff00-\uff60\uffe0-\uffe6“”‘’…—"
URL = re.compile(r"[(（\[<]?\s*(?:https?://|www\.)[^\s\u3000-\u303f\u4e00-\u9fff\uff00-\uffef<>\"'）)\]，。]+\s*[)）\]>]?")
# Only in short paragraphs, and the second list only at the end of a text: "nobody follows me" is no call to subscribe.
FOOTER_SURE = re.compile(
    r"欢迎(大家)?(关注|订阅|转发)|关注(我的|本)?(公众号|频道|账号|微博|订阅号)|(点|来)(一)?[个波]?关注|扫(描|码)|长按.{0,8}二维码|"
    r"转载请(注明|联系)|未经.{0,6}(授权|许可|允许).{0,6}(转载|禁止|不得)|版权所有|阅读原文|求?(一键)?三连|"
    r"点(个)?赞.{0,6}(关注|在看|收藏)|^本文(首发|最初发表)|subscribe (to|now|here|below|for)|"
    r"(please|don't forget to) (subscribe|like and)|"
    r"sign up (for|to) (my|our|the) .{0,20}(newsletter|list)|follow (me|us) on|all rights reserved|"
    r"share this (post|article)|originally (published|posted|appeared) (on|at|in)|buy me a coffee",
    re.IGNORECASE)
FOOTER_LAST = re.compile(r"公众号|订阅|社群|(请|欢迎|可以)加.{0,4}微信|加我.{0,2}微信|原文链接|"
                         r"(欢迎|请|记得|可以)关注|关注一下|下期见|newsletter|leave a comment|read more|rss",
                         re.IGNORECASE)
NUMBER_ALONE = re.compile(r"[一二三四五六七八九十〇百零\d]{1,4}[、.．]?|[（(][一二三四五六七八九十\d]{1,3}[）)]|[IVX]{1,5}\.?")
NOTE_MARK = re.compile("[①-⒇]")
TAKEN_OUT = (  # what, pattern; before the Markdown is parsed
    ("code", r"^[ \t]*(```|~~~)[^\n]*\n.*?(?:^[ \t]*\1[`~]*[ \t]*$|\Z)"),
    ("comment", r"<!--.*?(?:-->|\Z)"),
    ("code", r"<(script|style|pre|svg|iframe|video|audio)\b.*?(?:</\1\s*>|\Z)"),
    ("quote", r"<(blockquote)\b.*?(?:</\1\s*>|\Z)"),
    ("code", r"\{%-?\s*(highlight|codeblock)\b.*?\{%-?\s*end\1\s*-?%\}"),
    ("quote", r"\{%-?\s*(blockquote|quote|pullquote)\b.*?\{%-?\s*end\1\s*-?%\}"),
    ("footnote", r"^\[\^[^\]\n]+\]:[^\n]*(?:\n(?:[ \t]{2,}[^\n]+|[ \t]*(?=\n[ \t]{2,}\S)))*"),
    ("shortcode", r"\{\{[<%].{0,2000}?[%>]\}\}|\{%.{0,2000}?%\}|^\[toc\][ \t]*$|^\{:.*?\}[ \t]*$"),
)
RULES = [(what, re.compile(rule, re.MULTILINE | re.DOTALL | re.IGNORECASE)) for what, rule in TAKEN_OUT]


class Part(NamedTuple):
    """A part of a document that was left out: `what` is quote, code, table, footnote, footer or byline."""

    what: str
    text: str

    @property
    def id(self):
        return content_id(self.text)


class Cleaned(NamedTuple):
    """`title` is a level-one heading at the top ('' when none), `text` the prose, `parts` what was left out."""

    title: str
    text: str
    parts: list


def clean(text, markup=True, restored=frozenset(), author=""):
    """The prose of a text; `markup` says that it is Markdown. `restored` are ids of parts to keep."""
    parts = []
    text = normalise(text)
    blocks = _markdown(text, parts, restored) if markup else [("text", p) for p in re.split(r"\n[ \t]*\n", text)]
    blocks = [(kind, polish(block)) for kind, block in blocks]
    title = blocks.pop(0)[1] if blocks and blocks[0][0] == "h1" else ""
    blocks = unwrap([(kind, block) for kind, block in blocks if block])
    kept = _without_footers(_without_notes(blocks, parts, restored), parts, restored, author)
    return Cleaned(title, _joined(kept), [part for part in parts if part.id not in restored])


def normalise(text):
    """NFC; every space an ordinary one; invisible, control and private-use characters out; no indentation by '　　'."""
    text = unicodedata.normalize("NFC", text)
    text = re.sub(r"[\u200b-\u200f\u2060\ufeff\u00ad\u202a-\u202e]|[\x00-\x08\x0b-\x1f\x7f\ue000-\uf8ff]", "", text)
    text = re.sub(r"(?m)^[ \t]*\u3000[\u3000 \t]*|(?<![\u3000 \t\u00a0])[\u3000 \t\u00a0]+$", "", text)
    return re.sub(r"[\u00a0\u2000-\u200a\u202f\u3000]", " ", text).replace(HARD, "\n").replace("\u2029", "\n\n")


# Markdown

def _markdown(text, parts, restored):
    for what, rule in RULES:
        text = rule.sub(lambda match: _take(match.group(), what, parts, restored), text)
    text = re.sub(r"!\[\[[^\]\n]*\]\]", "", text)
    text = re.sub(r"\[\[(?:[^\]\n|]*\|)?([^\]\n|]+)\]\]", r"\1", text)
    text = re.sub(r"(?m)^(#{2,6})(?=[^\s#])", r"\1 ", text)
    return list(_blocks(_parser().parse(text), parts, restored))


def _take(text, what, parts, restored):
    words = _words_of(text, what)
    if what not in ("comment", "shortcode") and re.search(r"\w", words):
        parts.append(Part(what, words))
        if content_id(words) in restored:
            return f"\n\n{words}\n\n"
    return "" if what == "shortcode" else "\n\n"


def _words_of(text, what):
    text = re.sub(r"^\[\^[^\]\n]+\]:\s*", "", text) if what == "footnote" else text
    text = re.sub(r"(?m)^[ \t]*(```|~~~).*$|\{%.*?%\}", "", text)
    return html.unescape(re.sub(r"</?\w[^>]*>", "", text)).strip()


@lru_cache(maxsize=1)
def _parser():
    from markdown_it import MarkdownIt

    return MarkdownIt("commonmark").enable("table")


def _blocks(tokens, parts, restored):
    """Yield (kind, text): kind is h1 to h6, text, or item; what is not the author's prose goes to `parts`."""
    index, marker, depth = 0, "", 0
    while index < len(tokens):
        token = tokens[index]
        if token.type in ("blockquote_open", "table_open"):
            end = _closing(tokens, index)
            yield from _left_out("quote" if token.type[0] == "b" else "table", tokens[index + 1:end], parts, restored)
            index = end
        elif token.type == "list_item_open":
            marker, depth = (f"{token.info}. " if token.info else "- "), token.level // 2
        elif token.type == "inline":
            opener = tokens[index - 1]
            text = _inline(token.children)
            if opener.type == "heading_open" and not (opener.markup in "-=" and width(text) > 60):
                yield opener.tag, text.replace("\n", " ").replace(HARD, " ")
            else:
                yield "item" if marker else "text", "  " * depth * bool(marker) + marker + text
            marker = ""
        elif token.type == "html_block":
            yield "text", html.unescape(re.sub(r"</?\w[^>]*>", "", token.content))
        elif token.type in ("code_block", "fence"):
            yield from _code(token.content, parts, restored)
        index += 1


def _closing(tokens, index):
    return next(i for i in range(index + 1, len(tokens))
                if tokens[i].level == tokens[index].level and tokens[i].nesting == -1)


def _left_out(what, tokens, parts, restored):
    inner = []
    words = "\n\n".join(text for _, text in _blocks(tokens, inner, restored)).strip()
    if re.search(r"\w", words):
        parts.append(Part(what, words))
        if content_id(words) in restored:
            yield "text", words


def _code(text, parts, restored):
    # Four spaces are how many people indent a paragraph; sentences in there are prose, whatever Markdown says.
    if len(re.findall(r"[。！？，]", text)) > len(re.findall(r"[{}();=<>]", text)):
        yield "text", "\n".join(line.strip() for line in text.splitlines())
    elif text.strip():
        parts.append(Part("code", text.strip()))
        if parts[-1].id in restored:
            yield "text", text.strip()


def _inline(tokens):
    found, address = [], False
    for token in tokens:
        if token.type in ("link_open", "link_close"):
            # <https://…> has no text of its own; <mailto:…> is for the privacy step to see.
            address = token.type == "link_open" and token.info == "auto" and "mailto:" not in str(token.attrs)
        elif token.type in ("text", "code_inline", "text_special") and not address:
            found.append(token.content)
        elif token.type in ("softbreak", "hardbreak"):
            found.append("\n" if token.type == "softbreak" else HARD)
        elif token.type == "html_inline" and token.content.lower().startswith("<br"):
            found.append(HARD)
    return "".join(found)


def polish(text):
    """One block without URLs and the marks that a Markdown parser leaves behind next to Chinese punctuation."""
    text = re.sub(r"(\*\*|~~|==)(\S(?:.*?\S)?)\1", r"\2", text)
    text = re.sub(r"\[\^[^\]\s]+\]|\s*\{#[\w-]+\}$", "", text)
    text = URL.sub("", text)
    text = re.sub(r"(?<=\S)[ \t]{2,}", " ", text)
    return re.sub(rf"(?<![ \t])[ \t]*([\n{HARD}])[ \t]*", r"\1", text).strip("\n" + HARD).rstrip()


# Lines and paragraphs

def width(text):
    """Columns in a fixed-width font: a Chinese character takes two."""
    return len(text) + len(re.findall(f"[{WIDE}]", text))


def unwrap(blocks):
    """Blocks with the hard wraps inside them joined: by a space, and by nothing between two Chinese characters."""
    pairs = [pair for kind, block in blocks if kind in ("text", "item") for pair in _pairs(block)]
    widest = max((width(line) for line, _ in pairs), default=0)
    forced = [width(line) + width(_first_word(after)) + 1 >= widest - WRAP_SLACK for line, after in pairs]
    wrapped = len(pairs) > 1 and 24 <= widest <= WRAP_LIMIT and sum(forced) > len(pairs) * 0.6
    return [(kind, _joined_lines(block, widest if wrapped else None)) for kind, block in blocks]


def _pairs(block):
    for run in block.split(HARD):
        lines = [line for line in run.split("\n") if line]
        yield from zip(lines, lines[1:])


def _first_word(line):
    return re.match(rf"[{WIDE}]|[^\s{WIDE}]*", line.strip()).group()


def _joined_lines(block, widest):
    found = []
    for run in block.split(HARD):
        lines = [line.strip() if found else line for line in run.split("\n") if line.strip()]
        text = lines[0] if lines else ""
        for line, after in zip(lines, lines[1:]):
            full = widest and width(line) + width(_first_word(after)) + 1 >= widest - WRAP_SLACK
            # A line that stops in the middle of an English sentence goes on in the next one.
            text += _glue(line, after) + after if full or _goes_on(line, after) else "\n" + after
        found.append(text)
    return "\n".join(text for text in found if text)


def _goes_on(line, after):
    return bool(re.search(r"[A-Za-z,]$", line) and re.match(r"[a-z]", after))


def _glue(line, after):
    return "" if re.search(f"[{WIDE}]$", line) and re.match(f"[{WIDE}]", after) else " "


def _joined(blocks):
    text, before = "", ""
    for kind, block in blocks:
        line = f"## {block}" if re.fullmatch(r"h\d", kind) else block
        text += ("\n" if kind == before == "item" else "\n\n" if text else "") + line
        before = kind
    return text


def _without_notes(blocks, parts, restored):
    """Blocks without printed notes: paragraphs that start with ① or ⑴ where the text above them carries that mark."""
    above, kept, marks = "", [], set()
    for kind, block in blocks:
        found = NOTE_MARK.match(block)
        if found and (found.group() in above or marks):
            marks.add(found.group())
            parts.append(Part("footnote", block))
        if not found or not marks or parts[-1].id in restored:
            kept.append((kind, block))
        above += block[1:]
    return [(kind, re.sub(f"[{''.join(marks)}]", "", block)) for kind, block in kept] if marks else kept


def _without_footers(blocks, parts, restored, author):
    kept = []
    for place, (kind, block) in enumerate(blocks):
        what = kind in ("text", "item") and _boilerplate(block, len(blocks) - place <= 3, place == 0, author)
        if what:
            parts.append(Part(what, block))
        if not what or parts[-1].id in restored:
            kept.append((kind, block))
    # A number alone on its line is the heading of a section; stars alone are nothing.
    return [("h2" if NUMBER_ALONE.fullmatch(block) else kind, block) for kind, block in kept
            if not re.fullmatch(r"[\s*＊·.…—\-_=~#※☆★◇◆○●]+", block)]


def _boilerplate(block, last, first, author):
    if first and author and block.strip("·•・—–-－ 文作者/／:：by ") == author.strip():
        return "byline"
    sure = width(block) <= 300 and FOOTER_SURE.search(block)
    return "footer" if sure or last and width(block) < 120 and FOOTER_LAST.search(block) else None


# Near-duplicates

def shingles(text, size=5):
    """The hashes of all runs of `size` letters or digits of a text, as a set; spaces and punctuation don't count."""
    letters = "".join(re.findall(r"\w", text.lower()))
    count = max(1, len(letters) - size + 1) if letters else 0
    return {zlib.crc32(letters[i:i + size].encode()) for i in range(count)}


def similar(texts, alike=0.5):
    """Pairs (i, j, jaccard, containment), i < j, of texts where either is `alike` or more.

    Exact for what it finds; a pair is looked at when it shares rare shingles, which near-duplicates always do.
    """
    found = []
    sizes, shared = _shared(texts)
    for (i, j), count in sorted(shared.items()):
        # A quarter of the shingles is counted, and some of these are too common to count.
        if count * 4 >= min(sizes[i], sizes[j]) * alike / 4:
            first, second = shingles(texts[i]), shingles(texts[j])
            both = len(first & second)
            jaccard, containment = both / len(first | second), both / min(len(first), len(second))
            if max(jaccard, containment) >= alike:
                found.append((i, j, jaccard, containment))
    return found


def _shared(texts, rare=20):
    """(how many shingles each text has, {(i, j): how many of a quarter of the rare ones they share})."""
    import numpy as np

    sizes, kept = [], [np.empty(0, np.uint32)]
    for text in texts:
        found = shingles(text)
        sizes.append(len(found))
        kept.append(np.fromiter((h for h in found if h % 4 == 0), np.uint32))
    hashes, owners = np.concatenate(kept), np.repeat(np.arange(len(texts)), [len(k) for k in kept[1:]])
    order = np.lexsort((owners, hashes))
    hashes, owners = hashes[order], owners[order].tolist()
    starts = [0, *(np.flatnonzero(np.diff(hashes)) + 1).tolist(), len(owners)]
    shared = Counter()
    for start, end in zip(starts, starts[1:]):
        if 2 <= end - start <= rare:
            shared.update((a, b) for n, a in enumerate(owners[start:end], start + 1) for b in owners[n:end])
        elif end - start > rare:  # many copies of one text: neighbours are enough to chain them
            shared.update(zip(owners[start:end], owners[start + 1:end]))
    return sizes, shared
