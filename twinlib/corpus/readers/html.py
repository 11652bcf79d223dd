"""Web pages: exports of Medium and Substack, articles of WeChat accounts, and any saved page.

Medium: posts/DATE_title-id.html, drafts named draft_…, with microformats (p-name, e-content,
dt-published). The folders next to posts/ hold lists: claps, highlights, addresses, sessions.
Substack: posts/ID.slug.html are fragments; title, date and is_published are in posts.csv.
WeChat: the article is #js_content, its title #activity-name, its time #publish_time or `var ct`.
Any other page: the article's element where the page has one, else the body, without menus, lists
of links and comments.

trafilatura 2.3.1 is not used: of 200 pages (the sample posts in five layouts) it lost over 2 % of
the words on 8 (favor_recall; 24 by default), this reader on none. It also let more menus through,
and does not report what it left out, which the owner may want back.
"""

import csv
import io
import re
from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from functools import lru_cache
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from ...text.inputs import days
from ...text.inputs.encoding import BYTE_ORDER_MARKS, Unreadable, decode
from ...text.inputs.filename import date_of, title_of
from ...text.inputs.input_file import File
from ..records import Document
from . import page_messages
from .html_to_markdown import (
    letters,
    link_share,
    tags,
    take,
    text_of,
    to_markdown,
    tree,
    without_title,
)

if TYPE_CHECKING:
    from bs4 import BeautifulSoup

_PAGE = re.compile(
    rb"\s*(?:<\?xml[^>]*>\s*)?(?:<!--.*?-->\s*)*<(?:!doctype\s+html|html|head|body)\b",
    re.IGNORECASE | re.DOTALL,
)
_SUFFIXES = (".html", ".htm", ".xhtml", ".shtml")
_CHARSET = re.compile(
    rb"charset\s*=\s*[\"']?\s*(gb\w*|big5[\w-]*|windows-\d+|iso-8859-\d+|shift_jis|euc-\w+|"
    rb"koi8-\w)",
    re.IGNORECASE,
)


def _classes(names):
    return [f"class={name}" for name in names.split()]


# Elements are selected by a tag's name, or by 'class=', 'id=', 'itemprop=' … and the value.
_ATTRIBUTES = ("class", "id", "property", "name", "itemprop", "rel", "role")
_WIDGETS = _classes(
    "subscription-widget-wrap subscription-widget-wrap-editor subscribe-widget button-wrapper "
    "captioned-button-wrap paywall-jump install-substack-app-embed community-chat"
)
_EMBEDS = _classes(
    "poll-embed digest-post-embed embedded-post-wrap embedded-publication-wrap tweet instagram "
    "youtube-wrap file-embed-wrapper image-link-expand hide-text graf--mixtapeEmbed graf--iframe "
    "twitter-tweet instagram-media"
)
_ARTICLES = {
    "itemprop=articleBody",
    "id=cnblogs_post_body",
    "id=content_views",
    *_classes(
        "e-content entry-content post-content article-content post-body article-body "
        "available-content page-body Post-RichText articalContent blog-content note-content "
        "markdown-body"
    ),
}
_CORE = (
    "nav|navbar|navigation|menu|sidebar|comments?|commentlist|disqus|respond|footer|related|"
    "relatedposts|recommend(?:ed|ations?)?|share|sharing|sharedaddy|social|breadcrumbs?|"
    "pagination|pager|subscribe|subscription|newsletter|signup|cookies?|tags|meta|byline|"
    "copyright|toc|prev|next|reward|qrcode|toolbar|skip-?link|ads?|popup|"
    "author-?(?:bio|box|info|card)|screen-reader-text|likes?|advert(?:isement)?s?|modal|login|"
    "search|properties"
)
_FURNITURE = re.compile(
    r"(?:(?:site|posts?|entry|article|page|blog|main|global|primary|secondary|top|bottom|left|"
    r"right|header|footer)[-_]*)*"
    rf"(?:{_CORE})(?:[-_]*(?:list|area|section|wrap|wrapper|container|box|bar|block|links?|"
    r"buttons?|icons?|posts?|form|widget|inner|content|thread|panel|title|info|items?|text))*",
    re.IGNORECASE,
)
_LOOSE = set("div section ul ol p span table dl h2 h3 h4 form a time".split())
_MENUS = (
    "nav aside footer role=navigation role=complementary role=contentinfo role=search role=banner"
).split()
_MEDIUM_LISTS = (
    "blocks|bookmarks|claps|highlights|interests|ips|lists|partner-program|profile|pubs-following|"
    "publications-following|sessions|topics-following|twitter|users-following"
)
_MEDIUM_LIST = re.compile(rf"(?:.*/)?(?:(?:{_MEDIUM_LISTS})-\d{{4}}|profile/profile)\.html")
# Classes of a chat's page.
_SENDER = re.compile(r"^(?:chat|msg|message|bubble)[-_]*(?:sender|author|name|user|nick\w*)$", re.I)
_SENT = re.compile(r"^(?:chat|msg|message|bubble)[-_]*(?:time\w*|date|sent)$", re.I)
_COMMENTS = 0.3  # of the words: as many are what is left of comments
_STAMPS = _classes("published post-date entry-date date time pubtime")
_DATES = (
    "property=article:published_time itemprop=datePublished class=dt-published time name=date "
    "name=pubdate name=publishdate name=DC.date"
).split() + _STAMPS
_AUTHORS = (
    "name=author property=article:author class=p-author rel=author itemprop=author "
    "name=twitter:creator"
).split()


def looks_like(file: File) -> bool:
    """Whether it is a web page, by its start, or a fragment of one, by its name."""
    head = file.head.replace(b"\0", b"").lstrip(b"\xef\xbb\xbf\xff\xfe")
    if _PAGE.match(head):
        return True
    return file.suffix in _SUFFIXES and bool(re.match(rb"\s*<[a-z!?]", head, re.IGNORECASE))


def read(file: File) -> Iterator[Document]:
    """Yield the document of a page, or several where whole posts follow each other.

    Raises Unreadable.
    """
    text = _text(file)
    soup, row = tree(text), _substack_row(file)
    medium = soup.find(attrs={"class": "e-content", "data-field": "body"})
    if row is not None:
        yield _substack(file, soup, row)
    elif medium:
        yield _medium(file, soup, medium)
    elif soup.find(id="js_content"):
        yield _wechat(file, soup, text)
    elif _is_chat(soup):
        raise Unreadable("chatpage")
    elif _is_list_of_medium(file, soup):
        raise Unreadable("index")
    else:
        yield from _pages(file, soup, text)


def _is_list_of_medium(file, soup):
    """Whether it is a list in Medium's export, by its footer, its name or the export's README."""
    footer, folder = text_of(soup.find("footer")), PurePosixPath(file.name).parent.name
    if _MEDIUM_LIST.fullmatch(file.name) or "Exported from Medium on" in footer:
        return True
    readme = file.near("../README.html") or b""
    return bool(re.fullmatch(_MEDIUM_LISTS, folder)) and b"Medium" in readme


def _is_chat(soup):
    """Whether it is a chat: Telegram's page, or one whose messages have senders and times."""
    name = soup.find(class_="from_name")
    if name and name.find_parent(class_="message"):
        return True
    senders, times = soup.find_all(class_=_SENDER), soup.find_all(class_=_SENT)
    return len({text_of(sender) for sender in senders}) > 1 and min(len(senders), len(times)) > 2


def _text(file):
    """The page as text; the encoding that it declares counts where it isn't UTF-8."""
    declared = _CHARSET.search(file.head)
    marked = file.data.startswith(tuple(mark for mark, _ in BYTE_ORDER_MARKS))
    if declared and not marked and not _is_utf8(file.data):
        name = declared.group(1).decode().lower()
        name = name.replace("iso-8859-1", "cp1252")
        name = {"gb": "gb18030", "bi": "big5hkscs"}.get(name[:2], name)
        try:
            text = file.data.decode(name, "replace")
        except LookupError:
            return file.text
        if text.count("\ufffd") <= len(text) / 100:
            return decode(text.encode("utf-8", "replace"))
    return file.text


def _is_utf8(data):
    try:
        return bool(data.decode("utf-8"))
    except UnicodeDecodeError:
        return False


def _selector_index(node):
    """{selector: the elements below a node that match it, in order}."""
    index = {}
    for tag in tags(node):
        for selector in _selectors(tag):
            index.setdefault(selector, []).append(tag)
    return index


def _selectors(tag):
    selectors = [tag.name]
    for name in _ATTRIBUTES if tag.attrs else ():
        value = tag.get(name)
        for word in value if isinstance(value, list) else (value or "").split():
            selectors.append(f"{name}={word}")
    return selectors


def _select(index, selectors):
    """The elements that match one of the selectors and are still in the tree."""
    return [tag for selector in selectors for tag in index.get(selector, ()) if not tag.decomposed]


def _document(file, node, removed, title, **fields):
    """The Document of the text in `node`. Raises Unreadable('index') if there is none."""
    index = _selector_index(node)
    take(node, _select(index, _WIDGETS), "footer", removed)
    take(node, _select(index, _EMBEDS), "navigation", removed)
    without_title(node, title)
    text = to_markdown(node, removed)
    if not re.search(r"\w", text):
        raise Unreadable("index")
    defaults = {"source": file.name, "fallback_title": title_of(file.name)}
    return Document(title=title, text=text, markdown=True, removed=removed, **(defaults | fields))


# Substack


def _substack_row(file):
    """The row of posts.csv about this fragment, or None when it is not Substack's."""
    number = re.match(r"\d+(?=\.|$)", PurePosixPath(file.name).stem)
    table = number and (file.near("../posts.csv") or file.near("posts.csv"))
    return _substack_posts(table).get(number.group()) if table else None


@lru_cache(maxsize=1)
def _substack_posts(table):
    try:
        rows = list(csv.DictReader(io.StringIO(decode(table))))
    except (csv.Error, Unreadable):
        return {}
    return {(row.get("post_id") or "").split(".")[0]: row for row in rows}


def _substack(file, soup, row):
    """The Document of a Substack post, with title, subtitle and date of its row in posts.csv."""
    removed, node = [], soup.body or soup
    for quote in node.find_all("div", class_="pullquote"):
        quote.name = "blockquote"
    title, subtitle = (" ".join((row.get(key) or "").split()) for key in ("title", "subtitle"))
    if subtitle:
        node.insert(0, soup.new_tag("p", string=subtitle))
    return _document(
        file,
        node,
        removed,
        title,
        date=date_of(row.get("post_date"), file.name),
        kind="page" if row.get("type") == "page" else "post",
        draft=(row.get("is_published") or "").lower() != "true",
    )


# Medium


def _medium(file, soup, node):
    title, index = text_of(soup.find(class_="p-name")), _selector_index(soup)
    for subtitle in _select(index, ["class=graf--subtitle"]):
        subtitle.name = "p"
    # A response to another post has no title: Medium fills in its first words.
    body = letters(text_of(node))
    if not node.find(["h1", "h2", "h3"]) and body.startswith(letters(title)):
        title = ""
    name = PurePosixPath(file.name).name
    stem = re.sub(r"-{1,2}[\da-f]{6,}$|^draft_", "", PurePosixPath(name).stem)
    return _document(
        file,
        node,
        [],
        title,
        author=_author(index),
        date=date_of(_date(index), name),
        draft=name.startswith("draft_"),
        fallback_title=title_of(stem) if title else "",
    )


# WeChat


def _wechat(file, soup, text):
    index = _selector_index(soup)
    title = text_of(soup.find(id="activity-name")) or _meta(index, "property=og:title")
    name = soup.find(id="js_author_name") or soup.find(id="js_name")
    author = _meta(index, "name=author") or text_of(name)
    date = text_of(soup.find(id="publish_time"))
    date = date or _first(r"createTime\s*=\s*['\"]([\d-]+)", text)
    seconds = _first(r"\bct\s*=\s*['\"](\d{10})['\"]", text)
    if seconds and not date:
        beijing = timezone(timedelta(hours=8))
        date = datetime.fromtimestamp(int(seconds), beijing).date().isoformat()
    node, date = soup.find(id="js_content"), date_of(date, file.name)
    return _document(file, node, [], title, author=author, date=date)


def _first(pattern, text):
    match = re.search(pattern, text)
    return match.group(1) if match else ""


def _meta(index, selector):
    """The content of the first <meta> with this selector, or ''."""
    tag = next(iter(index.get(selector, ())), {})
    return " ".join((tag.get("content") or "").split())


# Any other page


def _pages(file, soup, text):
    """Yield the Documents of any other page: one for each text in it."""
    index = _selector_index(soup)
    title, author, removed = _title(soup, index), _author(index), []
    date = date_of(_date(index, text), file.name)
    _remove_furniture(soup, index, removed)
    if page_messages.may_have(file.data):
        comments = [message.tag for message in page_messages.messages(soup)]
        words, everything = sum(len(text_of(tag)) for tag in comments), len(text_of(soup.body))
        if comments and words > everything * _COMMENTS:
            take(soup.body or soup, comments, "navigation", removed)
    nodes = _text_nodes(soup)
    if len(nodes) == 1:
        # A page of links is an archive or a table of contents.
        if len(nodes[0].find_all("a", limit=5)) == 5 and link_share(nodes[0]) > 0.6:
            raise Unreadable("index")
        _take_dates(nodes[0], removed)
        yield _document(file, nodes[0], removed, title, author=author, date=date)
        return
    for number, node in enumerate(nodes, 1):
        article = node.find_parent("article") or node
        title = text_of(article.find(["h1", "h2", "h3"]))
        date = date_of(_date(_selector_index(article)), "")
        removed = removed if number == 1 else []
        _take_dates(node, removed)
        source = f"{file.name}#{number}"
        yield _document(
            file, node, removed, title, author=author, fallback_title="", date=date, source=source
        )


def _title(soup, index):
    """The longest heading that is in the page's title, else that title without the site's name."""
    og_title = _meta(index, "property=og:title")
    title = og_title or text_of(soup.title)
    headings = map(text_of, _select(index, ["h1", "h2"]))
    repeated = [h for h in headings if letters(h) and letters(h) in letters(title)]
    if repeated:
        return max(repeated, key=len)
    first = index.get("h1", ())
    if not title:
        return text_of(first[0]) if len(first) == 1 else ""
    return og_title or re.split(r"\s+[|–—·»-]\s+|[_|]", title)[0].strip()


def _author(index):
    for tag in (tag for selector in _AUTHORS for tag in index.get(selector, ())[:1]):
        name = " ".join((tag.get("content") or text_of(tag)).split())
        if name and "://" not in name and len(name) < 60:
            return name.lstrip("@")
    return ""


def _date(index, text=""):
    for tag in (tag for selector in _DATES for tag in index.get(selector, ())[:1]):
        value = tag.get("datetime") or tag.get("content") or text_of(tag)
        match = re.search(r"(?:19|20)\d\d\s*[-./年]?\s*\d{1,2}\s*[-./月]?\s*\d{1,2}", value)
        if found := match.group() if match else days.day(value):
            return found
    return _first(r"\"datePublished\"\s*:\s*\"([^\"]+)\"", text)


def _take_dates(node, removed):
    """Take out elements that hold nothing but a date."""
    index = _selector_index(node)
    stamps = [tag for tag in index.get("time", ()) if tag.parent.name not in ("p", "li", "td")]
    stamps += [tag for tag in _select(index, _STAMPS) if len(text_of(tag)) < 40]
    take(node, stamps, "navigation", removed)


def remove_furniture(soup: "BeautifulSoup") -> None:
    """Take menus, sidebars, comments and widgets out of a page's tree."""
    _remove_furniture(soup, _selector_index(soup), [])


def _remove_furniture(soup, index, removed):
    """Take menus, sidebars, comments and widgets out, unless they hold most of the words."""
    body = soup.body or soup
    limit = len(text_of(body)) * 0.4
    furniture = [
        *_select(index, _MENUS),
        *(tag for tag in tags(body) if _is_furniture(tag)),
        *(tag for tag in index.get("header", ()) if not tag.find_parent(["article", "main"])),
    ]
    for tag in furniture:
        if not tag.decomposed and len(text_of(tag)) <= limit:
            take(body, [tag], "navigation", removed)
    links = Counter(id(parent) for link in _select(index, ["a"]) for parent in link.parents)
    for tag in _select(index, ["table", "div", "ul", "ol", "p"]):
        if (
            links[id(tag)] > 3
            and not tag.decomposed
            and link_share(tag) > 0.7
            and not tag.find_parent(["article", "main"])
            and len(text_of(tag)) <= limit
        ):
            take(body, [tag], "navigation", removed)


def _is_furniture(tag):
    """Whether an element is hidden, or named like a menu, a sidebar, comments …"""
    if not tag.attrs:
        return False
    names = [*(tag.get("class") or ()), tag.get("id") or ""] if tag.name in _LOOSE else ()
    return (
        "hidden" in tag.attrs
        or tag.get("aria-hidden") == "true"
        or any(_FURNITURE.fullmatch(name[:60]) for name in names)
    )


def _text_nodes(soup):
    """The elements with the text: by names that blogs use, else <article>, <main> or the body."""
    everything = tags(soup)
    for selectors in (_ARTICLES, {"article"}):
        matching = [tag for tag in everything if selectors.intersection(_selectors(tag))]
        ids = set(map(id, matching))
        outer = [tag for tag in matching if not any(id(parent) in ids for parent in tag.parents)]
        longest = max((len(text_of(tag)) for tag in outer), default=0)
        large = [tag for tag in outer if len(text_of(tag)) >= max(longest / 5, 1)]
        if large:
            return large
    return [soup.find("main") or soup.find(role="main") or soup.body or soup]
