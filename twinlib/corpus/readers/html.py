"""Web pages: Medium's and Substack's exports, official-account articles of WeChat, and any page that was saved.

Medium: posts/DATE_title-id.html, drafts named draft_…, marked up with microformats (p-name, e-content, dt-published);
the folders beside posts/ hold lists: what others wrote and the owner clapped for or marked, addresses, sessions.
Substack: posts/ID.slug.html are bare fragments; title, date and is_published stand in posts.csv beside the folder.
WeChat: the article is #js_content, its title #activity-name, its time #publish_time or `var ct` in a script.
Anything else: the article's own element where the page names one, else the body, without menus, lists of links and
comments.
"""

import csv
import io
import re
from collections import Counter
from datetime import datetime, timedelta, timezone
from functools import lru_cache
from pathlib import PurePosixPath

from ..records import Document
from . import html_to_markdown
from .encoding import BOMS, Unreadable, decode
from .filename import date_of, title_of

PAGE = re.compile(
    rb"\s*(?:<\?xml[^>]*>\s*)?(?:<!--.*?-->\s*)*<(?:!doctype\s+html|html|head|body)\b",
    re.IGNORECASE | re.DOTALL,
)
SUFFIXES = (".html", ".htm", ".xhtml", ".shtml")
CHARSET = re.compile(
    rb"charset\s*=\s*[\"']?\s*(gb\w*|big5[\w-]*|windows-\d+|iso-8859-\d+|shift_jis|euc-\w+|koi8-\w)",
    re.IGNORECASE,
)
# Elements by their marks: a tag's name, or 'class=', 'id=', 'itemprop=' … and the value.
MARKS = ("class", "id", "property", "name", "itemprop", "rel", "role")
WIDGETS = [
    "class=" + name
    for name in (
        "subscription-widget-wrap",
        "subscription-widget-wrap-editor",
        "subscribe-widget",
        "button-wrapper",
        "captioned-button-wrap",
        "paywall-jump",
        "install-substack-app-embed",
        "community-chat",
    )
]
EMBEDS = [
    "class=" + name
    for name in (
        "poll-embed",
        "digest-post-embed",
        "embedded-post-wrap",
        "embedded-publication-wrap",
        "tweet",
        "instagram",
        "youtube-wrap",
        "file-embed-wrapper",
        "image-link-expand",
        "hide-text",
        "graf--mixtapeEmbed",
        "graf--iframe",
        "twitter-tweet",
        "instagram-media",
    )
]
ARTICLES = [
    "itemprop=articleBody",
    "id=cnblogs_post_body",
    "id=content_views",
    *(
        "class=" + name
        for name in (
            "e-content",
            "entry-content",
            "post-content",
            "article-content",
            "post-body",
            "article-body",
            "available-content",
            "page-body",
            "Post-RichText",
            "articalContent",
            "blog-content",
            "note-content",
            "markdown-body",
        )
    ),
]
CORE = (
    "nav|navbar|navigation|menu|sidebar|comments?|commentlist|disqus|respond|footer|related|relatedposts|"
    "recommend(?:ed|ations?)?|share|sharing|sharedaddy|social|breadcrumbs?|pagination|pager|subscribe|subscription|"
    "newsletter|signup|cookies?|tags|meta|byline|copyright|toc|prev|next|reward|qrcode|toolbar|skip-?link|ads?|popup|"
    "author-?(?:bio|box|info|card)|screen-reader-text|likes?|advert(?:isement)?s?|modal|login|search|properties"
)
FURNITURE = re.compile(
    r"(?:(?:site|posts?|entry|article|page|blog|main|global|primary|secondary|top|bottom|left|right|header|footer)"
    r"[-_]*)*"
    rf"(?:{CORE})(?:[-_]*(?:list|area|section|wrap|wrapper|container|box|bar|block|links?|buttons?|icons?|posts?|form|"
    rf"widget|inner|content|thread|panel|title|info|items?|text))*",
    re.IGNORECASE,
)
LOOSE = {
    "div",
    "section",
    "ul",
    "ol",
    "p",
    "span",
    "table",
    "dl",
    "h2",
    "h3",
    "h4",
    "form",
    "a",
    "time",
}
MENUS = {
    "nav",
    "aside",
    "footer",
    "role=navigation",
    "role=complementary",
    "role=contentinfo",
    "role=search",
    "role=banner",
}
MEDIUM_LISTS = (
    "blocks|bookmarks|claps|highlights|interests|ips|lists|partner-program|profile|pubs-following|"
    "publications-following|sessions|topics-following|twitter|users-following"
)
MEDIUM_LIST = re.compile(rf"(?:.*/)?(?:(?:{MEDIUM_LISTS})-\d{{4}}|profile/profile)\.html")
STAMPS = [
    "class=" + name for name in ("published", "post-date", "entry-date", "date", "time", "pubtime")
]
DATES = (
    "property=article:published_time",
    "itemprop=datePublished",
    "class=dt-published",
    "time",
    "name=date",
    "name=pubdate",
    "name=publishdate",
    "name=DC.date",
    *STAMPS,
)
AUTHORS = (
    "name=author",
    "property=article:author",
    "class=p-author",
    "rel=author",
    "itemprop=author",
    "name=twitter:creator",
)


def looks_like(file):
    """Is it a web page: by its start, or by its name when it is a fragment of one?"""
    head = file.head.replace(b"\0", b"").lstrip(b"\xef\xbb\xbf\xff\xfe")
    return (
        bool(PAGE.match(head))
        or file.suffix in SUFFIXES
        and bool(re.match(rb"\s*<[a-z!?]", head, re.IGNORECASE))
    )


def read(file):
    """Yield the raw documents of a page: one, or several where a page holds whole posts one after the other."""
    text = _text(file)
    soup, row = html_to_markdown.tree(text), _row(file)
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
    """Is it one of the pages beside the posts of Medium's export: by its footer, its name or the export's README?"""
    if MEDIUM_LIST.fullmatch(file.name) or "Exported from Medium on" in html_to_markdown.words(
        soup.find("footer")
    ):
        return True
    folder = PurePosixPath(file.name).parent.name
    return bool(re.fullmatch(MEDIUM_LISTS, folder)) and b"Medium" in (
        file.near("../README.html") or b""
    )


def _is_chat(soup):
    """Is it a chat as Telegram saves it for reading?"""
    name = soup.find(class_="from_name")
    return bool(name and name.find_parent(class_="message"))


def _text(file):
    """The page as text; what it says about its encoding counts where it isn't UTF-8."""
    said = CHARSET.search(file.head)
    if said and not file.data.startswith(tuple(mark for mark, _ in BOMS)) and not _utf8(file.data):
        name = said.group(1).decode().lower()
        name = {"gb": "gb18030", "bi": "big5hkscs", "is": name.replace("iso-8859-1", "cp1252")}.get(
            name[:2], name
        )
        try:
            text = file.data.decode(name, "replace")
        except LookupError:
            return file.text
        if text.count("\ufffd") <= len(text) / 100:
            return decode(text.encode("utf-8", "replace"))
    return file.text


def _utf8(data):
    try:
        return bool(data.decode("utf-8"))
    except UnicodeDecodeError:
        return False


def _index(node):
    """{mark: the elements that bear it, in order}."""
    index = {}
    for tag in html_to_markdown.tags(node):
        for mark in _marks(tag):
            index.setdefault(mark, []).append(tag)
    return index


def _marks(tag):
    marks = [tag.name]
    for name in MARKS if tag.attrs else ():
        value = tag.get(name)
        for word in value if isinstance(value, list) else (value or "").split():
            marks.append(f"{name}={word}")
    return marks


def _found(index, marks):
    return [tag for mark in marks for tag in index.get(mark, ()) if not tag.decomposed]


def _document(file, node, removed, title, **fields):
    """A raw document of what is left in `node`; raises Unreadable('index') when that is nothing."""
    index = _index(node)
    html_to_markdown.take(node, _found(index, WIDGETS), "footer", removed)
    html_to_markdown.take(node, _found(index, EMBEDS), "navigation", removed)
    html_to_markdown.without_title(node, title)
    text = html_to_markdown.to_markdown(node, removed)
    if not re.search(r"\w", text):
        raise Unreadable("index")
    defaults = {"source": file.name, "fallback_title": title_of(file.name)}
    return Document(title=title, text=text, markdown=True, removed=removed, **defaults | fields)


# Substack


def _row(file):
    """What posts.csv says about this fragment, or None when it is no fragment of Substack's."""
    number = re.match(r"\d+(?=\.|$)", PurePosixPath(file.name).stem)
    table = number and (file.near("../posts.csv") or file.near("posts.csv"))
    return _posts(table).get(number.group()) if table else None


@lru_cache(maxsize=1)
def _posts(table):
    try:
        rows = list(csv.DictReader(io.StringIO(decode(table))))
    except (csv.Error, Unreadable):
        return {}
    return {(row.get("post_id") or "").split(".")[0]: row for row in rows}


def _substack(file, soup, row):
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
    title, index = html_to_markdown.words(soup.find(class_="p-name")), _index(soup)
    for subtitle in _found(index, ["class=graf--subtitle"]):
        subtitle.name = "p"
    # A reply to somebody has no title: Medium names it by its first words.
    body = html_to_markdown.letters(html_to_markdown.words(node))
    if not node.find(["h1", "h2", "h3"]) and body.startswith(html_to_markdown.letters(title)):
        title = ""
    name = PurePosixPath(file.name).name
    return _document(
        file,
        node,
        [],
        title,
        author=_author(index),
        date=date_of(_date(index), name),
        draft=name.startswith("draft_"),
        fallback_title=title_of(re.sub(r"-{1,2}[\da-f]{6,}$|^draft_", "", PurePosixPath(name).stem))
        if title
        else "",
    )


# WeChat


def _wechat(file, soup, text):
    index = _index(soup)
    title = html_to_markdown.words(soup.find(id="activity-name")) or _meta(
        index, "property=og:title"
    )
    author = _meta(index, "name=author") or html_to_markdown.words(
        soup.find(id="js_author_name") or soup.find(id="js_name")
    )
    said = html_to_markdown.words(soup.find(id="publish_time")) or _first(
        r"createTime\s*=\s*['\"]([\d-]+)", text
    )
    seconds = _first(r"\bct\s*=\s*['\"](\d{10})['\"]", text)
    if seconds and not said:
        said = datetime.fromtimestamp(int(seconds), timezone(timedelta(hours=8))).date().isoformat()
    return _document(
        file, soup.find(id="js_content"), [], title, author=author, date=date_of(said, file.name)
    )


def _first(pattern, text):
    found = re.search(pattern, text)
    return found.group(1) if found else ""


def _meta(index, mark):
    return next((" ".join((tag.get("content") or "").split()) for tag in index.get(mark, ())), "")


# Any other page


def _pages(file, soup, text):
    index = _index(soup)
    title, author, date = (
        _title(soup, index),
        _author(index),
        date_of(_date(index, text), file.name),
    )
    removed = []
    _clear(soup, index, removed)
    nodes = _nodes(soup)
    if len(nodes) == 1:
        _mostly_links(nodes[0])
        _unstamped(nodes[0], removed)
        yield _document(file, nodes[0], removed, title, author=author, date=date)
        return
    for number, node in enumerate(nodes, 1):
        around = node.find_parent("article") or node
        title, date = (
            html_to_markdown.words(around.find(["h1", "h2", "h3"])),
            date_of(_date(_index(around)), ""),
        )
        removed = removed if number == 1 else []
        _unstamped(node, removed)
        yield _document(
            file,
            node,
            removed,
            title,
            author=author,
            fallback_title="",
            date=date,
            source=f"{file.name}#{number}",
        )


def _title(soup, index):
    """The longest heading that the page's own title repeats, else that title without the name of the site."""
    shared = _meta(index, "property=og:title")
    said = shared or html_to_markdown.words(soup.title)
    inside = [
        h
        for h in map(html_to_markdown.words, _found(index, ["h1", "h2"]))
        if html_to_markdown.letters(h)
        and html_to_markdown.letters(h) in html_to_markdown.letters(said)
    ]
    if inside:
        return max(inside, key=len)
    ones = index.get("h1", ())
    if not said:
        return html_to_markdown.words(ones[0]) if len(ones) == 1 else ""
    return shared or re.split(r"\s+[|–—·»-]\s+|[_|]", said)[0].strip()


def _author(index):
    for tag in (tag for mark in AUTHORS for tag in index.get(mark, ())[:1]):
        name = " ".join((tag.get("content") or html_to_markdown.words(tag)).split())
        if name and "://" not in name and len(name) < 60:
            return name.lstrip("@")
    return ""


def _date(index, text=""):
    for tag in (tag for mark in DATES for tag in index.get(mark, ())[:1]):
        said = tag.get("datetime") or tag.get("content") or html_to_markdown.words(tag)
        found = re.search(r"(?:19|20)\d\d\s*[-./年]?\s*\d{1,2}\s*[-./月]?\s*\d{1,2}", said)
        if found:
            return found.group()
    return _first(r"\"datePublished\"\s*:\s*\"([^\"]+)\"", text)


def _unstamped(node, removed):
    """Take the date out where it stands by itself."""
    index = _index(node)
    stamps = [tag for tag in index.get("time", ()) if tag.parent.name not in ("p", "li", "td")]
    stamps += [tag for tag in _found(index, STAMPS) if len(html_to_markdown.words(tag)) < 40]
    html_to_markdown.take(node, stamps, "navigation", removed)


def _clear(soup, index, removed):
    """Take menus, sidebars, comments, widgets and the like out of a page; never what holds most of its words."""
    body = soup.body or soup
    most = len(html_to_markdown.words(body)) * 0.4
    furniture = [
        *_found(index, MENUS),
        *(tag for tag in html_to_markdown.tags(body) if _is_furniture(tag)),
        *(tag for tag in index.get("header", ()) if not tag.find_parent(["article", "main"])),
    ]
    for tag in furniture:
        if not tag.decomposed and len(html_to_markdown.words(tag)) <= most:
            html_to_markdown.take(body, [tag], "navigation", removed)
    links = Counter(id(parent) for link in _found(index, ["a"]) for parent in link.parents)
    for tag in _found(index, ["table", "div", "ul", "ol", "p"]):
        if (
            links[id(tag)] > 3
            and not tag.decomposed
            and _link_share(tag) > 0.7
            and not tag.find_parent(["article", "main"])
            and len(html_to_markdown.words(tag)) <= most
        ):
            html_to_markdown.take(body, [tag], "navigation", removed)


def _is_furniture(tag):
    if not tag.attrs:
        return False
    names = [*(tag.get("class") or ()), tag.get("id") or ""] if tag.name in LOOSE else ()
    return (
        "hidden" in tag.attrs
        or tag.get("aria-hidden") == "true"
        or any(FURNITURE.fullmatch(name[:60]) for name in names)
    )


def _nodes(soup):
    """The elements that hold the writing: by the names that blogs give it, else articles, else main, else the body."""
    everything = html_to_markdown.tags(soup)
    for wanted in (set(ARTICLES), {"article"}):
        found = [tag for tag in everything if wanted.intersection(_marks(tag))]
        marked = set(map(id, found))
        outer = [tag for tag in found if not any(id(parent) in marked for parent in tag.parents)]
        longest = max((len(html_to_markdown.words(tag)) for tag in outer), default=0)
        large = [tag for tag in outer if len(html_to_markdown.words(tag)) >= max(longest / 5, 1)]
        if large:
            return large
    return [soup.find("main") or soup.find(role="main") or soup.body or soup]


def _link_share(node):
    links = sum(
        len(html_to_markdown.letters(html_to_markdown.words(link))) for link in node.find_all("a")
    )
    return links / max(1, len(html_to_markdown.letters(html_to_markdown.words(node))))


def _mostly_links(node):
    """Raise Unreadable('index') for a page of links: an archive, a table of contents."""
    if len(node.find_all("a", limit=5)) == 5 and _link_share(node) > 0.6:
        raise Unreadable("index")
