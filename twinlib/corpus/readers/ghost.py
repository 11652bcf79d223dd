"""Ghost's export: one JSON file with the posts, pages, drafts and members of staff of a blog.

A post has `html`; older ones and drafts may have Lexical or Mobiledoc alone, which are JSON texts.
"""

import html
import re
from collections.abc import Iterator

from ...text.inputs.encoding import Unreadable
from ...text.inputs.filename import date_of
from ...text.inputs.input_file import File
from ...text.inputs.json_values import as_dict, as_dicts, as_str, first, load_file, start
from ..records import Document, Removed
from .html_to_markdown import to_markdown, tree, without_title


def looks_like(file: File) -> bool:
    """Whether it is JSON with the tables of a Ghost blog."""
    if file.suffix != ".json" or b'"posts"' not in file.data:
        return False
    text = start(file)
    return '"db"' in text[:200] or bool(re.search(r'"(?:mobiledoc|lexical|posts_authors)"', text))


def read(file: File) -> Iterator[Document]:
    """Yield a document for each post and page with words. Raises Unreadable."""
    root = as_dict(load_file(file))
    data = as_dict((as_dicts(root.get("db")) or [root])[0].get("data"))
    names = {as_str(u.get("id")): as_str(u.get("name")) for u in as_dicts(data.get("users"))}
    authors = {
        as_str(pair.get("post_id")): names.get(as_str(pair.get("author_id")), "")
        for pair in reversed(as_dicts(data.get("posts_authors")))
    }
    found = 0
    for number, post in enumerate(as_dicts(data.get("posts")), 1):
        removed: list[Removed] = []
        title = " ".join(as_str(post.get("title")).split())
        try:
            node = tree(f"<div>{_page(post)}</div>")
        except Unreadable:
            continue
        without_title(node, title)
        text = to_markdown(node, removed)
        if not re.search(r"\w", text):
            continue
        found += 1
        id = as_str(post.get("id"))
        is_page = post.get("type") == "page" or post.get("page") in (1, True)
        yield Document(
            f"{file.name}#{as_str(post.get('slug')) or id or number}",
            title=title,
            text=text,
            date=date_of(as_str(post.get("published_at") or post.get("created_at")), "") or None,
            author=authors.get(id) or names.get(as_str(post.get("author_id")), ""),
            kind="page" if is_page else "post",
            markdown=True,
            draft=as_str(post.get("status")) in ("draft", "scheduled"),
            removed=removed,
        )
    if not found:
        raise Unreadable("index")


def _page(post):
    """A post's words as HTML."""
    if as_str(post.get("html")).strip():
        return post["html"]
    for name in ("lexical", "mobiledoc"):
        document = first(as_str(post.get(name)))
        try:
            paragraphs = list(filter(None, _paragraphs(document)))
        except (TypeError, IndexError, RecursionError):  # no list where one should be
            paragraphs = []
        if paragraphs:
            return "".join(f"<p>{html.escape(text)}</p>" for text in paragraphs)
    parts = re.split(r"\n\s*\n", as_str(post.get("plaintext")))
    return "".join(f"<p>{html.escape(part)}</p>" for part in parts)


def _paragraphs(document):
    """Yield the texts of the blocks of a Lexical or Mobiledoc document."""
    document = as_dict(document)
    for block in as_dicts(as_dict(document.get("root")).get("children")):
        yield "".join(_texts(block))
    for section in document.get("sections") or ():
        yield "".join(as_str(marker[-1]) for part in section[2:] for marker in part if marker)
    for card in document.get("cards") or ():
        yield from re.split(r"\n\s*\n", as_str(as_dict(card[-1]).get("markdown")))


def _texts(node):
    yield as_str(node.get("text"))
    for child in as_dicts(node.get("children")):
        yield from _texts(child)
