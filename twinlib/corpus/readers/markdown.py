"""Markdown files of blogs and notes: Hugo, Hexo, Jekyll, Astro, Obsidian, Notion, Quarto, MDX.

Files of Org mode, reStructuredText and LaTeX become Markdown first (other_markup.py).

Front matter is YAML between '---', TOML between '+++', JSON between ';;;' or in braces, or Hexo's
YAML without a first line of dashes. Sources: https://gohugo.io/content-management/front-matter,
https://hexo.io/docs/front-matter. Notion's export writes 'Title 32-digits.md' with the page's
properties as lines under its title.
"""

import json
import re
import tomllib
from collections.abc import Iterator
from functools import lru_cache
from pathlib import PurePosixPath

from ...text.inputs.encoding import Unreadable, decode
from ...text.inputs.filename import date_of, is_draft, title_of
from ...text.inputs.input_file import File
from ..records import Document, Removed
from . import other_markup

SUFFIXES = {".md", ".markdown", ".mdown", ".mkd", ".mdx", ".rmd", ".qmd"}
_MARKS = re.compile(r"^(#{1,6} \S|```|~~~|!\[[^\]\n]*\]\(|\+\+\+\s*$)|\]\(https?://", re.MULTILINE)
_FENCES = {"---": "yaml", "+++": "toml", ";;;": "json"}
_FRONT_LIMIT = 20_000  # characters; longer front matter is read by its lines, never parsed
_PAIR = re.compile(r"^([A-Za-z_][\w-]*)[ \t]*[:=：][ \t]*(.*)$", re.MULTILINE)
_WIDE_COLON = re.compile(r"^([A-Za-z_][\w-]*)[ \t]*：[ \t]*", re.MULTILINE)
_NOTION = re.compile(r"[ _-]?[0-9a-f]{32}(?:_all)?$")
_PROPERTY = re.compile(r"([^\W\d_][^\n:：]{0,40})[:：][ \t]*(\S[^\n]*)")
_CHILD = re.compile(r"^\[[^\]\n]+\]\([^)\n]*[0-9a-f]{32}[^)\n]*\.(?:md|csv)\)[ \t]*$", re.MULTILINE)
_DATES = (
    "date,created,published,pubdate,pubdatetime,publishdate,created_at,created time,"
    "创建时间,日期,发布日期"
).split(",")
# What Joplin writes under a note in its own formats (JEX, RAW); kind 1 is a note.
_JOPLIN = re.compile(r"(?:\A|\n\n)id: [0-9a-f]{32}\n(?:\w+:[^\n]*\n)*type_: (\d+)\s*\Z")
_TAGS = ("tags", "tag", "categories", "category")
_MOST_TAGS = 20
_AUTHORS = ("author", "authors", "created by", "创建者", "作者")
_NO_VALUES, _YES_VALUES = ("false", "no", "0"), ("true", "yes", "1")
_TEMPLATES = re.compile(r"_?templates?|_?模[板版]", re.IGNORECASE)  # folders
_PLUGINS = {"kanban-plugin", "excalidraw-plugin"}
# What Obsidian and Templater fill in.
_SLOT = re.compile(r"<%[-_*+]?\s*tp\.|\{\{(?:date|time|title)\b[^{}\n]*\}\}")
_UNFINISHED = ("draft", "drafts", "wip", "草稿", "未完成")


def looks_like(file: File) -> bool:
    """Whether the file has a suffix of Markdown, front matter, or Markdown in its text."""
    if file.suffix in SUFFIXES:
        return True
    try:
        text = file.text if len(file.data) <= len(file.head) else decode(file.head)
    except Unreadable:
        return False
    return bool(split(text)[0]) or bool(_MARKS.search(text))


def read(file: File) -> Iterator[Document]:
    """Yield the one document of a Markdown file. Raises Unreadable."""
    joplin = _JOPLIN.search(file.text) if "\ntype_: " in file.text[-40:] else None
    if file.suffix in other_markup.SUFFIXES:
        facts, body = other_markup.as_markdown(file.text, file.suffix)
    else:
        facts, body = _joplin(file.text, joplin) if joplin else split(file.text)
    facts = {str(key).lower(): _string_or_list(value) for key, value in facts.items()}
    name, removed = _shown_name(file.name), []
    if _NOTION.search(PurePosixPath(file.name).stem):
        properties, body, removed = _notion(body)
        facts = properties | facts
    draft = (
        _lower_line(facts.get("draft")) in _YES_VALUES
        or _lower_line(facts.get("published")) in _NO_VALUES
        or is_draft(file.name)
        or _lower_line(facts.get("status")) in _UNFINISHED
    )
    yield Document(
        file.name,
        title=_line(facts.get("title")),
        text=body,
        date=_date(facts, name),
        author=_line(next((facts[key] for key in _AUTHORS if facts.get(key)), "")),
        tags=_tags(facts),
        markdown=True,
        draft=draft,
        fallback_title=title_of(name),
        front_matter=facts,
        skip_reason="template" if _is_form(file.name, facts, body) else "",
        removed=removed,
    )


def _joplin(text, match):
    """(facts, body) of a note of Joplin. Raises Unreadable('locked', or 'index' for no note)."""
    fields = dict(_PAIR.findall(match.group()))
    if match[1] != "1" or fields.get("encryption_applied") == "1":
        raise Unreadable("index" if match[1] != "1" else "locked")
    title, _, body = text[: match.start()].strip().partition("\n")
    date = fields.get("user_created_time") or fields.get("created_time", "")
    clipped = {"source_url": fields["source_url"]} if fields.get("source_url") else {}
    return {"title": title, "date": date, "author": fields.get("author", "")} | clipped, body


def _tags(facts):
    """The tags and categories of a front matter, without #, each once."""
    found = [facts[key] for key in _TAGS if facts.get(key)]
    each = [tag for value in found for tag in (value if isinstance(value, list) else [value])]
    parts = [part.strip(" #[]\"'") for tag in each for part in re.split("[,，、]", str(tag))]
    return list(dict.fromkeys(part for part in parts if part))[:_MOST_TAGS]


def _is_form(name, facts, body):
    """Whether it is a template for Obsidian to fill in, or a board or a drawing of a plugin."""
    inside = any(_TEMPLATES.fullmatch(folder) for folder in PurePosixPath(name).parts[:-1])
    return not _PLUGINS.isdisjoint(facts) or inside and bool(_SLOT.search(body))


def _shown_name(name):
    """The file's name without Notion's digits; 'trip.md' for 'trip/index.md', Hugo's bundles."""
    path = PurePosixPath(name)
    if path.stem in ("index", "_index") and path.parent.name:
        return path.parent.name + path.suffix
    return _NOTION.sub("", path.stem) + path.suffix


def _date(facts, name):
    for key in _DATES:
        value = _line(facts.get(key))
        date = date_of(value, "")
        if date:
            return date
    return date_of(None, name)


def _notion(body):
    """(properties, the rest, removed): lines 'Tags: a, b' under a Notion title, links to pages."""
    title = re.match(r"\s*# [^\n]*\n+", body)
    start = title.end() if title else 0
    block, _, rest = body[start:].partition("\n\n")
    matches = [_PROPERTY.fullmatch(line) for line in block.split("\n")] if title else [None]
    properties, removed = {}, []
    if all(matches):
        properties = {match[1].strip().lower(): match[2].strip() for match in matches}
        removed = [Removed("properties", "properties", block)]
        body = body[:start] + rest
    removed += [Removed("list", "links", match.group()) for match in _CHILD.finditer(body)]
    return properties, _CHILD.sub("", body), removed


@lru_cache(maxsize=1)  # several readers look at a file in turn
def split(text: str) -> tuple[dict, str]:
    """(front matter, the rest); ({}, text) when the text starts without a readable one.

    The front matter is not to be changed.
    """
    text = text.lstrip("\n")
    if text.startswith("{"):
        return _json(text)
    first, _, rest = text.partition("\n")
    kind, fence = _FENCES.get(first.strip()), first.strip()
    if kind is None and _PAIR.fullmatch(first):
        kind, fence, rest = "bare", "---", text
    end = re.search(rf"^{re.escape(fence)}[ \t]*$\n?", rest, re.MULTILINE) if kind else None
    if end is None:
        return {}, text
    facts = _parsed(kind, rest[: end.start()])
    # A line of dashes without front matter below it is a horizontal rule of the text.
    return (facts, rest[end.end() :]) if facts is not None else ({}, text)


def _parsed(kind, text):
    """Front matter of a kind (a value of _FENCES, or bare) as a dict; None if it is none."""
    if kind in ("yaml", "bare"):
        text = _WIDE_COLON.sub(r"\1: ", text)
    if len(text) > _FRONT_LIMIT:
        return _pairs(text)
    if kind == "bare" and not _is_bare_yaml(text):
        return None
    if kind == "json":
        return _json("{" + text + "}")[0] or None
    return _toml(text) if kind == "toml" else _yaml(text)


def _is_bare_yaml(text):
    """Whether a text is Hexo's front matter without a first line of dashes.

    Every line is a field, an item, or belongs to the field above.
    """
    line = re.compile(r"[A-Za-z_][\w-]*[ \t]*:(\s|$)|\s|- |#|$")
    if len(text) > 3000 or not re.search(r"(?m)^(title|date)[ \t]*:", text):
        return False
    return all(map(line.match, text.split("\n")))


def _yaml(text):
    import yaml

    try:
        # Aliases can expand to any size.
        if "&" in text and any(isinstance(event, yaml.AliasEvent) for event in yaml.parse(text)):
            return _pairs(text)
        # The base loader keeps every value as it is written: no impossible dates, no objects.
        facts = yaml.load(text, Loader=getattr(yaml, "CBaseLoader", yaml.BaseLoader))
    except (yaml.YAMLError, RecursionError):
        return _pairs(text) or {}
    if facts is None or facts == "":
        return {}
    return facts if isinstance(facts, dict) and facts else None


def _pairs(text):
    """The fields of front matter, line by line, if it can't be parsed ('title: Rust: a diary').

    None if there are none.
    """
    return {key: value.strip().strip("'\"") for key, value in _PAIR.findall(text)} or None


def _toml(text):
    try:
        return tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError):
        return _pairs(text)


def _json(text):
    try:
        facts, end = json.JSONDecoder().raw_decode(text)
        return (facts, text[end:].lstrip("\n")) if isinstance(facts, dict) else ({}, text)
    except (ValueError, RecursionError):
        return {}, text


def _string_or_list(value):
    """A value of front matter as a string, or a list of them."""
    if isinstance(value, list):
        return [_line(item) for item in value]
    return _line(value)


def _lower_line(value):
    return _line(value).lower()


def _line(value):
    if isinstance(value, list):
        value = ", ".join(map(_line, value))
    if isinstance(value, dict):
        value = value.get("name", "")
    return " ".join(str(value).split()) if value is not None else ""
