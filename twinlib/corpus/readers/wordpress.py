"""WordPress' own export, WXR: an RSS file with the posts, pages and drafts of a blog.

An item has wp:post_type, wp:status, wp:post_date, wp:post_id, dc:creator (a login; wp:author gives
the name) and content:encoded: blocks in '<!-- wp:… -->', or, from the classic editor, text in which
a blank line makes a paragraph, with shortcodes such as [caption]…[/caption].
"""

import html
import io
import re
from collections.abc import Iterator

from ...text.inputs.encoding import Unreadable
from ...text.inputs.filename import date_of
from ...text.inputs.input_file import File
from ..records import Document, Removed
from .html_to_markdown import CONTROL, to_markdown, tree, without_title

# Characters that XML forbids; plugins write them nevertheless.
_FORBIDDEN = bytes(range(9)) + b"\x0b\x0c" + bytes(range(14, 32))
_KINDS = {"post": "post", "page": "page"}
_BLOCK = (
    "p|div|h[1-6]|ul|ol|li|dl|blockquote|table|thead|tbody|tr|td|th|pre|figure|figcaption|"
    "section|article|aside|"
    "header|footer|hr|form|details|address|center|iframe|script|style"
)
_CAPTION = re.compile(r"\[caption\b[^\]]*\](?:(?!\[caption\b).)*?\[/caption\]", re.DOTALL)
_LISTING = re.compile(
    r"\[(code|sourcecode|source|php|crayon|highlight)\b[^\]]*\](.*?)\[/\1\]", re.DOTALL
)
_QUOTED = re.compile(r"\[(quote|blockquote|pullquote)\b[^\]]*\](.*?)\[/\1\]", re.DOTALL)
_MEDIA = re.compile(
    r"\[(embed|audio|video|playlist|gallery|youtube|soundcloud)\b[^\]]*\](?:[^\[]*\[/\1\])?"
)
# A shortcode has attributes or is closed: '[sic]' is the author's.
_ATTRIBUTES = re.compile(r"\[/?[a-zA-Z][\w-]*(?:\s+[\w-]+=(?:\"[^\"]*\"|'[^']*'|[^\s\]]+))+\s*/?\]")
_PAIR = re.compile(r"\[([a-z][\w-]*)(?:\s[^\]]*)?\]((?:(?!\[\1\]).){0,20000}?)\[/\1\]", re.DOTALL)


def looks_like(file: File) -> bool:
    """Whether it starts as an RSS file that WordPress exported."""
    return b"<rss" in file.head and b"wordpress.org/export/" in file.head


def read(file: File) -> Iterator[Document]:
    """Yield a document for every post and page, in the file's order.

    If the XML is damaged, the items before that place are read, and the rest is a Removed part of
    the last one. Raises Unreadable('entities', 'damaged' or 'index').
    """
    previous, unread, seen = None, [], set()
    try:
        for number, (item, authors) in enumerate(items(file), 1):
            document = _document(file, item, authors, number, seen, unread)
            if document:
                if previous:
                    yield previous
                previous, unread = document, []
    except _BrokenXml:
        if not previous:
            raise Unreadable("damaged") from None
        end = file.data[file.data.rfind(b"<item") :].decode("utf-8", "ignore")
        end = CONTROL.sub("", re.sub(r"<[^>]*>?", " ", end)).strip()
        unread.append(Removed("document", "damaged", end or file.name))
    if not previous:
        raise Unreadable(unread[0].reason if unread else "index")
    previous.removed += unread
    yield previous


class _BrokenXml(Exception):
    """The XML is damaged from here on."""


def items(file: File) -> Iterator[tuple[dict[str, str], dict[str, str]]]:
    """Yield ({tag: text} of each item, {login: name}); memory does not grow with the file."""
    from defusedxml.common import DefusedXmlException
    from defusedxml.ElementTree import ParseError, iterparse

    authors, channel = {}, None
    try:
        for event, element in iterparse(
            io.BytesIO(without_forbidden(file.data)), events=("start", "end")
        ):
            name = _name(element)
            if event == "start":
                channel = element if channel is None and name == "channel" else channel
            elif name == "wp:author":
                facts = _child_texts(element)
                authors[facts.get("wp:author_login", "")] = facts.get("wp:author_display_name", "")
            elif name == "item":
                yield _child_texts(element), authors
                channel.clear()
    except DefusedXmlException:
        raise Unreadable("entities") from None
    except (ParseError, AttributeError, ValueError, LookupError):
        raise _BrokenXml from None


def without_forbidden(data: bytes) -> bytes:
    """The data from its first '<' on, without characters that XML forbids; copied if necessary."""
    start = data.find(b"<")
    data = data[start:] if start > 0 else data
    forbidden = re.search(b"[" + re.escape(_FORBIDDEN) + b"]", data)
    return data.translate(None, _FORBIDDEN) if forbidden else data


def _name(element):
    """'wp:status' for any version of the namespace; no prefix for RSS's own elements."""
    space, _, name = element.tag.rpartition("}")
    prefixes = {"excerpt": "excerpt:", "/export/": "wp:", "content": "content:"}
    prefixes["purl.org/dc"] = "dc:"
    return next((prefix for part, prefix in prefixes.items() if part in space), "") + name


def _child_texts(element):
    return {_name(child): (child.text or "").strip() for child in element}


def _document(file, item, authors, number, seen, unread):
    """The Document of an item, or None; an item that can't be read goes to `unread`."""
    kind, status = _KINDS.get(item.get("wp:post_type", "post")), item.get("wp:status", "publish")
    content = item.get("content:encoded", "")
    if not kind or not content:
        return None
    removed, title = unread[:], plain(item.get("title", ""))
    try:
        node = tree(f"<div>{_marked_up(content, removed)}</div>")
        without_title(node, title)
        text = to_markdown(node, removed)
    except Unreadable as error:
        unread.append(Removed("document", str(error), title))
        return None
    if not re.search(r"\w", text):
        return None
    login, name = item.get("dc:creator", ""), item.get("wp:post_id") or number
    name = name if name not in seen else f"{name}-{number}"
    seen.add(name)
    return Document(
        f"{file.name}#{name}",
        title=title,
        text=text,
        date=date_of(item.get("wp:post_date"), "") or None,
        author=authors.get(login) or login,
        kind=kind,
        markdown=True,
        draft=status != "publish",
        skip_reason="protected" if item.get("wp:post_password") else "",
        removed=removed,
    )


def plain(text: str) -> str:
    """A text on one line, without tags."""
    return " ".join(html.unescape(re.sub(r"<[^>]*>", "", text)).split())


def _marked_up(content, removed):
    """An item's content as HTML, without shortcodes and with a <p> for each paragraph."""
    content = content.replace("\r\n", "\n")
    content = _CAPTION.sub(lambda match: _caption(match.group(), removed), content)
    content = _LISTING.sub(
        lambda match: f"<pre><code>{html.escape(html.unescape(match[2]))}</code></pre>", content
    )
    content = _QUOTED.sub(r"<blockquote>\2</blockquote>", content)
    content = _MEDIA.sub("", content)
    for _ in range(3):  # shortcodes inside shortcodes
        content = _PAIR.sub(r"\2", content)
    content = _ATTRIBUTES.sub("", content)
    return content if "<!-- wp:" in content else _paragraphs(content)


def _caption(text, removed):
    """'', in place of a [caption] shortcode, whose text goes to `removed`."""
    caption = plain(re.sub(r"\[/?caption[^\]]*\]", "", text))
    if caption:
        removed.append(Removed("caption", "caption", caption))
    return ""


def _paragraphs(content):
    """HTML with the paragraphs and line breaks of the classic editor, as WordPress adds them."""
    listings = []

    def set_aside(match):
        listings.append(match.group())
        return f"\n\n\ue000{len(listings) - 1}\ue001\n\n"

    content = re.sub(
        r"<pre\b.*?(?:</pre>|\Z)",
        set_aside,
        content.replace("\ue000", ""),
        flags=re.DOTALL | re.IGNORECASE,
    )
    blocks = []
    for block in re.split(r"\n[ \t]*\n", content):
        is_block = re.match(rf"\s*</?(?:{_BLOCK})\b", block, re.IGNORECASE) or "\ue000" in block
        blocks.append(block if is_block else f"<p>{block.strip().replace(chr(10), '<br>')}</p>")
    return re.sub("\ue000(\\d+)\ue001", lambda match: listings[int(match[1])], "\n".join(blocks))
