"""HTML to Markdown that the cleaner reads back word for word; what is no prose comes out as Removed.

Marks for bold, links and inline code are not written: the cleaner takes them off again, and beside Chinese
punctuation '**' is no mark at all (CommonMark, "left-flanking delimiter run"). Every character that Markdown would
take for a mark is escaped.
"""

import re

from ...text.script import WIDE
from ..records import Removed
from .encoding import Unreadable

DEPTH_LIMIT = 250  # levels; the converter calls itself once or twice for each
SIZE_LIMIT = 10 * 2**20  # characters of one page without its scripts and pictures
BREAK = "\u2028"  # a <br>, until the lines of a block are known
CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
# What a browser shows no words of; "data:" pictures alone can be longer than the parser takes.
UNSEEN = re.compile(
    r"<(script|style|svg|template)\b.*?(?:</\1\s*>|\Z)|<!--.*?-->|<\?xml[^>]*>|"
    r"data:[\w/+.-]+;base64,[\w+/=]*",
    re.DOTALL | re.IGNORECASE,
)
PRE = re.compile(r"(<pre\b.*?(?:</pre>|\Z))", re.DOTALL | re.IGNORECASE)
SPACE = re.compile(
    "[\n\r\t \xa0\u2000-\u200a\u3000]+|&(?:nbsp|ensp|emsp|thinsp|#160|#xa0|#12288|#x3000);",
    re.IGNORECASE,
)
# Only looks; left open by the thousand in old pages, they would nest ever deeper.
LOOKS = re.compile(r"</?(?:font|b|strong|i|u|big|small|tt)(?:\s[^<>]*)?/?>", re.IGNORECASE)
WORDLESS = [
    "img",
    "iframe",
    "audio",
    "video",
    "object",
    "embed",
    "noscript",
    "form",
    "button",
    "input",
    "select",
    "textarea",
    "canvas",
    "map",
    "rt",
    "rp",
    "hr",
    "head",
    "link",
    "meta",
]
BLOCKS = [
    "center",
    "details",
    "summary",
    "address",
    "main",
    "header",
    "footer",
    "hgroup",
    "fieldset",
    "aside",
    "nav",
    "figure",
    "dl",
    "dt",
    "dd",
    "body",
    "html",
    "caption",
    "legend",
]
NOTES = {
    "footnote",
    "endnote",
    "rearnote",
    "footnotes",
    "endnotes",
    "doc-footnote",
    "doc-endnote",
    "doc-endnotes",
    "duokan-footnote-item",
    "footnote-item",
}
MARK = re.compile(r"[^#]*#_?(?:fn|ftn|footnote|endnote|edn|note|cite|cmnt)", re.IGNORECASE)
BACK = re.compile(
    r"#_?(?:fn|ftnt?|footnote|endnote|edn|note|cite|cmnt)[-_:]?(?:ref|anchor|back)", re.IGNORECASE
)
SIGN = re.compile(r"[\[(（【]?\s*(?:\d{1,3}|[a-z*†‡↩︎⤴↑^①-⒇])\s*[\])）】]?|")
INLINE = ["a", "b", "strong", "em", "i", "u", "s", "del", "ins", "strike", "code", "sub", "sup"]


def tree(text):
    """The BeautifulSoup tree of an HTML text, line breaks in the source as spaces and <br> as BREAK.

    Raises Unreadable('deep' or 'long').
    """
    import warnings

    from bs4 import BeautifulSoup

    text = LOOKS.sub("", UNSEEN.sub("", CONTROL.sub("", text)))
    if len(text) > SIZE_LIMIT:
        raise Unreadable("long")
    # In the text and not in the tree, where to replace one child takes as long as it has siblings.
    pieces = PRE.split(text)
    pieces[::2] = map(_flowing, pieces[::2])
    text = "".join(pieces)
    _measure(text)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about XML and file names, which some texts look like
        return BeautifulSoup(text, "lxml")


def _flowing(text):
    text = re.sub(
        f"(?<=[{WIDE}])[ \t]*\n\\s*(?=[{WIDE}])", "", text
    )  # between two Chinese characters it is nothing
    return re.sub(r"<br\b[^>]*>", BREAK, SPACE.sub(" ", text), flags=re.IGNORECASE)


def tags(node, *names):
    """Every element below a node, or those of these names, in order; find_all takes ten times as long."""
    return [tag for tag in node.descendants if tag.name and (not names or tag.name in names)]


class _Depth:
    """A parser's target that only counts how deep it is."""

    now = 0

    def start(self, tag, attributes):
        self.now += 1
        if self.now > DEPTH_LIMIT:
            raise Unreadable("deep")

    def end(self, tag):
        self.now -= 1

    def close(self):
        pass


def _measure(text):
    from lxml import etree

    parser = etree.HTMLParser(target=_Depth(), huge_tree=True)
    parser.feed(text.encode("utf-8", "replace") or b" ")
    parser.close()


def words(node):
    """The text of a node on one line; '' for None."""
    return " ".join(node.get_text(" ").split()) if node else ""


def letters(text):
    """Letters and digits alone, in lower case, to tell whether two titles are the same."""
    return re.sub(r"[\W_]+", "", text.lower())


def take(node, found, what, removed):
    """Take elements out of the tree; those with words in them are added to `removed`."""
    for tag in found:
        if tag.decomposed or tag is node:
            continue
        text = words(tag)
        if re.search(r"\w", text):
            removed.append(Removed(what, what, text))
        tag.decompose()


def without_title(node, title):
    """Take the first heading out where it says the title again, in other spacing or with other punctuation."""
    for tag in tags(node, "h1", "h2", "h3")[:3]:
        if title and letters(words(tag)) == letters(title):
            tag.decompose()
            return


def to_markdown(node, removed):
    """A tree's prose in Markdown (no level-one heading, as the title stands apart); changes the tree.

    Footnotes, their marks in the text, and captions of pictures go to `removed`.
    """
    from bs4 import CData, Comment, Declaration, Doctype, ProcessingInstruction
    from markdownify import MarkdownConverter

    take(node, tags(node, "figcaption"), "caption", removed)
    _footnotes(node, removed)
    for tag in tags(node, *WORDLESS):
        if not tag.decomposed:
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
    for tag in tags(node, *BLOCKS):
        tag.name = "div"
    node.name = "div"
    converter = MarkdownConverter(heading_style="atx", bullets="-", escape_misc=True, strip=INLINE)
    return _lines(converter.convert_soup(node))


def _lines(text):
    # The cleaner looks for '<!--', '<pre' and '{% … %}' before it reads escapes; entities hide them.
    text = text.replace("\\<", "&lt;").replace("{%", "&#123;%").replace("{{", "&#123;{")
    text = re.sub(r"(?m)^# ", "## ", text)
    text = "\n".join(_broken(line) if BREAK in line else line.rstrip() for line in text.split("\n"))
    return re.sub(r"\n{3,}", "\n\n", text).strip()


def _broken(line):
    """A line with <br> in it: one is a line break, two or more make a new paragraph, both inside the same block."""
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
    """Notes at the end and their marks in the text, as Word, Substack, Pandoc, Google Docs and EPUB write them."""
    notes = [tag for tag in tags(node, "li", "div", "aside", "section", "p") if _is_note(tag)]
    links = tags(node, "a")
    notes += [
        link.find_parent("li") or link.find_parent("p") or link.parent
        for link in links
        if BACK.search(link.get("href") or "")
    ]
    for link in (link for link in links if not link.decomposed):
        named = {link.get("epub:type"), link.get("role")} & {"noteref", "doc-noteref"}
        if named or re.match(MARK, link.get("href") or "") and SIGN.fullmatch(words(link)):
            alone = link.parent.name == "sup" and words(link.parent) == words(link)
            (link.parent if alone else link).decompose()
    take(node, [note for note in notes if note], "footnote", removed)


def _is_note(tag):
    names = {*(tag.get("class") or ()), tag.get("role"), *str(tag.get("epub:type")).split()}
    return bool(
        names & NOTES or re.match(r"(fn|ftn|footnote|endnote)[-:_]?\d", tag.get("id") or "")
    )


def _preformatted(pre):
    """A listing stays one, in a fence that it can't close; prose and verse in <pre> become paragraphs of lines."""
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
        holder.append(
            soup.new_tag("p", string=BREAK.join(line.strip() for line in paragraph.split("\n")))
        )
    pre.replace_with(holder)


def _is_code(pre, text):
    if "text" in (pre.get("class") or ()):  # Substack's block for verse
        return False
    if pre.find("code") or re.search(
        r"code|highlight|brush|prettyprint", " ".join(pre.get("class") or ())
    ):
        return True
    lines = [line for line in text.splitlines() if line.strip()]
    signs = len(re.findall(r"[{}<>=$|\\#\[\]_]|\(\)", text))
    ends = len(re.findall(r"[,.;:!?，。；：！？、…](?=\s|$|[\u4e00-\u9fff”」])", text))
    return signs > len(text) / 100 or ends * 3 < len(lines)


def _table(table):
    """A table that only lays out a page becomes its cells one after the other; one of figures stays."""
    rows = [row.find_all(["td", "th"], recursive=False) for row in table.find_all("tr")]
    cells = [cell for row in rows for cell in row]
    figures = table.find("th") or max(map(len, rows), default=0) > 1
    if (
        not figures
        or table.find(["table", "h1", "h2", "h3", "ul", "ol", "pre", "blockquote"])
        or any(len(words(cell)) > 200 or len(cell.find_all("p")) > 1 for cell in cells)
    ):
        for tag in [table, *table.find_all(["tbody", "thead", "tfoot", "tr", "td", "th"])]:
            tag.name = "div"
