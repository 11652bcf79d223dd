"""HTML to Markdown from which the cleaner gets back the same words.

Bold, links and inline code are written without their markup: the cleaner would remove it, and next
to Chinese punctuation '**' is no markup at all (CommonMark, "left-flanking delimiter run"). Every
character that Markdown would take for markup is escaped.
"""

import re
from typing import TYPE_CHECKING

from ...text.inputs.encoding import Unreadable
from ...text.script import WIDE
from ..records import Removed

if TYPE_CHECKING:
    from bs4 import BeautifulSoup, Tag

_GAP = "…"
DEPTH_LIMIT = 250  # levels of elements; the converter recurses once or twice for each
_SIZE_LIMIT = 10 * 2**20  # characters of a page without scripts and embedded pictures
BREAK = "\u2028"  # stands for <br> in a tree
CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
# What shows no text in a browser. An embedded "data:" picture can be longer than the parser allows.
_UNSEEN = re.compile(
    r"<(script|style|svg|template)\b.*?(?:</\1\s*>|\Z)|<!--.*?-->|<\?xml[^>]*>|"
    r"data:[\w/+.-]+;base64,[\w+/=]*",
    re.DOTALL | re.IGNORECASE,
)
_PRE = re.compile(r"(<pre\b.*?(?:</pre>|\Z))", re.DOTALL | re.IGNORECASE)
_SPACE = re.compile(
    "[\n\r\t \xa0\u2000-\u200a\u3000]+|&(?:nbsp|ensp|emsp|thinsp|#160|#xa0|#12288|#x3000);",
    re.IGNORECASE,
)
# Tags of style, dropped since old pages leave thousands of them open, each nested in the last.
_STYLE = re.compile(r"</?(?:font|b|strong|i|u|big|small|tt)(?:\s[^<>]*)?/?>", re.IGNORECASE)
_WORDLESS = (
    "img iframe audio video object embed noscript form button input select textarea canvas "
    "map rt rp hr head link meta"
).split()
_BLOCKS = (
    "center details summary address main header footer hgroup fieldset aside nav figure dl "
    "dt dd body html caption legend"
).split()
_NOTES = set(
    "footnote endnote rearnote footnotes endnotes doc-footnote doc-endnote doc-endnotes "
    "duokan-footnote-item footnote-item".split()
)
_NOTE_LINK = re.compile(r"[^#]*#_?(?:fn|ftn|footnote|endnote|edn|note|cite|cmnt)", re.IGNORECASE)
_BACK_LINK = re.compile(
    r"#_?(?:fn|ftnt?|footnote|endnote|edn|note|cite|cmnt)[-_:]?(?:ref|anchor|back)", re.IGNORECASE
)
_NOTE_SIGN = re.compile(r"[\[(（【]?\s*(?:\d{1,3}|[a-z*†‡↩︎⤴↑^①-⒇])\s*[\])）】]?|")
_INLINE = ["a", "b", "strong", "em", "i", "u", "s", "del", "ins", "strike", "code", "sub", "sup"]


def tree(text: str, styled: bool = False) -> "BeautifulSoup":
    """The tree of an HTML text, with line breaks of the source as spaces and <br> as BREAK.

    Elements of style, as <b>, are in it only if `styled`.
    Raises Unreadable('deep' or 'long').
    """
    import warnings

    from bs4 import BeautifulSoup

    text = _UNSEEN.sub("", CONTROL.sub("", text))
    text = text if styled else _STYLE.sub("", text)
    if len(text) > _SIZE_LIMIT:
        raise Unreadable("long")
    # Done in the text: in the tree, replacing a child takes time in proportion to its siblings.
    pieces = _PRE.split(text)
    pieces[::2] = map(_without_line_breaks, pieces[::2])
    text = "".join(pieces)
    _check_depth(text)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # for texts that look like XML or a file name
        return BeautifulSoup(text, "lxml")


def _without_line_breaks(text):
    # A line break of the source is no space between two Chinese characters.
    text = re.sub(f"(?<=[{WIDE}])[ \t]*\n\\s*(?=[{WIDE}])", "", text)
    return re.sub(r"<br\b[^>]*>", BREAK, _SPACE.sub(" ", text), flags=re.IGNORECASE)


def tags(node: "Tag", *names: str) -> list["Tag"]:
    """The elements below a node (of these names), in order; ten times faster than find_all."""
    return [tag for tag in node.descendants if tag.name and (not names or tag.name in names)]


class _Depth:
    """A target of lxml's parser that only counts the depth. Raises Unreadable('deep')."""

    now = 0

    def start(self, tag, attributes):
        self.now += 1
        if self.now > DEPTH_LIMIT:
            raise Unreadable("deep")

    def end(self, tag):
        self.now -= 1

    def close(self):
        pass


def _check_depth(text):
    """Raise Unreadable('deep') for elements nested over DEPTH_LIMIT levels."""
    from lxml import etree

    parser = etree.HTMLParser(target=_Depth(), huge_tree=True)
    parser.feed(text.encode("utf-8", "replace") or b" ")
    parser.close()


def text_of(node: "Tag | None") -> str:
    """The text of a node on one line; '' for None."""
    return " ".join(node.get_text(" ").split()) if node else ""


def letters(text: str) -> str:
    """A text's letters and digits in lower case, to compare titles by."""
    return re.sub(r"[\W_]+", "", text.lower())


def link_share(node: "Tag") -> float:
    """The share of a node's letters that are in links."""
    links = sum(len(letters(text_of(link))) for link in node.find_all("a"))
    return links / max(1, len(letters(text_of(node))))


def take(node: "Tag", elements: list["Tag"], what: str, removed: list[Removed]) -> None:
    """Take elements out of the tree below `node`; those with words are added to `removed`."""
    for tag in elements:
        if tag.decomposed or tag is node:
            continue
        text = text_of(tag)
        if re.search(r"\w", text):
            removed.append(Removed(what, what, text))
        tag.decompose()


def without_title(node: "Tag", title: str) -> None:
    """Take out one of the first three headings if it has the same letters as the title."""
    for tag in tags(node, "h1", "h2", "h3")[:3]:
        if title and letters(text_of(tag)) == letters(title):
            tag.decompose()
            return


def to_markdown(node: "Tag", removed: list[Removed]) -> str:
    """A tree's prose in Markdown, with headings from level two on. Changes the tree.

    Footnotes and captions of pictures go to `removed`.
    """
    from bs4 import CData, Comment, Declaration, Doctype, ProcessingInstruction
    from markdownify import MarkdownConverter

    take(node, tags(node, "figcaption"), "caption", removed)
    _footnotes(node, removed)
    for tag in tags(node, *_WORDLESS):
        if not tag.decomposed:
            _leave_gap(tag)
            tag.decompose()
    unseen = (CData, Comment, Declaration, Doctype, ProcessingInstruction)
    for string in [string for string in node.descendants if isinstance(string, unseen)]:
        string.extract()
    for pre in tags(node, "pre"):
        _preformatted(pre)
    for tag in tags(node, "code", "kbd", "samp"):
        tag.name = "code" if tag.find_parent("pre") else "span"
    for table in tags(node, "table"):
        _table(table)
    for tag in tags(node, *_BLOCKS):
        tag.name = "div"
    node.name = "div"
    converter = MarkdownConverter(heading_style="atx", bullets="-", escape_misc=True, strip=_INLINE)
    return _lines(converter.convert_soup(node))


def _leave_gap(tag):
    """Write a sign that the cleaner drops under a line that announces a picture or a film."""
    shown = tag.name in ("img", "iframe", "video", "object", "embed")
    if (
        shown
        and tag.parent
        and tag.parent.name in ("p", "figure", "div")
        and not text_of(tag.parent)
    ):
        tag.parent.append(_GAP)


def _lines(text):
    """The converter's Markdown with headings from level two on and <br>s written out."""
    # The cleaner looks for '<!--', '<pre' and '{% … %}' before it reads escapes: use entities.
    text = text.replace("\\<", "&lt;").replace("{%", "&#123;%").replace("{{", "&#123;{")
    text = re.sub(r"(?m)^# ", "## ", text)
    text = "\n".join(
        _with_line_breaks(line) if BREAK in line else line.rstrip() for line in text.split("\n")
    )
    return re.sub(r"\n{3,}", "\n\n", text).strip()


def _with_line_breaks(line):
    """A line whose <br>s are written out: one as a line break, several as a new paragraph.

    Both stay inside the list item or quotation of the line.
    """
    mark = re.match(r"(?:> ?)*\s*(?:(?:-|\d+\.) )?", line).group()
    if "|" in re.sub(r"\\.", "", line):
        return line.replace(BREAK, " ")
    inside = re.sub(r"[-\d.]", " ", mark)
    text = re.sub(
        f"[ {BREAK}]*{BREAK}[ {BREAK}]*",
        lambda m: f"\n{inside.rstrip()}\n{inside}" if m[0].count(BREAK) > 1 else f"\\\n{inside}",
        line[len(mark) :].strip(BREAK + " "),
    )
    return mark + text


def _footnotes(node, removed):
    """Take out footnotes, as Word, Substack, Pandoc, Google Docs and EPUB write them."""
    notes = [tag for tag in tags(node, "li", "div", "aside", "section", "p") if _is_note(tag)]
    links = tags(node, "a")
    notes += [
        link.find_parent("li") or link.find_parent("p") or link.parent
        for link in links
        if _BACK_LINK.search(link.get("href") or "")
    ]
    for link in (link for link in links if not link.decomposed):
        roles = {link.get("epub:type"), link.get("role")} & {"noteref", "doc-noteref"}
        to_note = _NOTE_LINK.match(link.get("href") or "")
        if roles or to_note and _NOTE_SIGN.fullmatch(text_of(link)):
            is_alone = link.parent.name == "sup" and text_of(link.parent) == text_of(link)
            (link.parent if is_alone else link).decompose()
    take(node, [note for note in notes if note], "footnote", removed)


def _is_note(tag):
    """Whether an element is a footnote, by its class, role, epub:type or id."""
    names = {*(tag.get("class") or ()), tag.get("role"), *str(tag.get("epub:type")).split()}
    numbered = re.match(r"(fn|ftn|footnote|endnote)[-:_]?\d", tag.get("id") or "")
    return bool(names & _NOTES or numbered)


def _preformatted(pre):
    """Keep code, without fences in it; turn other text into paragraphs with line breaks."""
    from bs4 import BeautifulSoup

    for br in pre.find_all("br"):
        br.replace_with("\n")
    text = pre.get_text().strip("\n")
    if _is_code(pre, text):
        pre.string = text.replace("```", "'''")
        return
    soup = BeautifulSoup("", "lxml")
    holder = soup.new_tag("div")
    for paragraph in re.split(r"\n[ \t]*\n", text):
        lines = map(str.strip, paragraph.split("\n"))
        holder.append(soup.new_tag("p", string=BREAK.join(lines)))
    pre.replace_with(holder)


def _is_code(pre, text):
    """Whether a <pre> holds code, by its class, its signs, and lines that end without a mark."""
    if "text" in (pre.get("class") or ()):  # Substack's block for verse
        return False
    classes = " ".join(pre.get("class") or ())
    if pre.find("code") or re.search(r"code|highlight|brush|prettyprint", classes):
        return True
    lines = [line for line in text.splitlines() if line.strip()]
    signs = len(re.findall(r"[{}<>=$|\\#\[\]_]|\(\)", text))
    ends = len(re.findall(r"[,.;:!?，。；：！？、…](?=\s|$|[\u4e00-\u9fff”」])", text))
    return signs > len(text) / 100 or ends * 3 < len(lines)


def _table(table):
    """Turn the cells of a table that only lays out a page into divs; keep a table of data."""
    rows = [row.find_all(["td", "th"], recursive=False) for row in table.find_all("tr")]
    cells = [cell for row in rows for cell in row]
    has_data = table.find("th") or max(map(len, rows), default=0) > 1
    if (
        not has_data
        or table.find(["table", "h1", "h2", "h3", "ul", "ol", "pre", "blockquote"])
        or any(len(text_of(cell)) > 200 or len(cell.find_all("p")) > 1 for cell in cells)
    ):
        for tag in [table, *table.find_all(["tbody", "thead", "tfoot", "tr", "td", "th"])]:
            tag.name = "div"
