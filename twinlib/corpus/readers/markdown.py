"""Markdown as blogs and note-takers keep it: Hugo, Hexo, Jekyll, Astro, Obsidian, Notion's export, Quarto, MDX.

Front matter is YAML between '---', TOML between '+++', JSON between ';;;' or in braces, or Hexo's YAML without a first
line of dashes; https://gohugo.io/content-management/front-matter and https://hexo.io/docs/front-matter describe them.
Notion writes 'Title 32-digits.md' with the page's properties as lines under its title.
"""

import json
import re
import tomllib
from datetime import datetime
from pathlib import PurePosixPath

from ..records import Document, Removed
from .encoding import Unreadable, decode
from .filename import date_of, drafted, title_of

SUFFIXES = {".md", ".markdown", ".mdown", ".mkd", ".mdx", ".rmd", ".qmd"}
MARKS = re.compile(r"^(#{1,6} \S|```|~~~|!\[[^\]\n]*\]\(|\+\+\+\s*$)|\]\(https?://", re.MULTILINE)
FENCES = {"---": "yaml", "+++": "toml", ";;;": "json"}
FRONT_LIMIT = 20_000  # characters; longer front matter is read by its lines, never parsed
PAIR = re.compile(r"^([A-Za-z_][\w-]*)[ \t]*[:=][ \t]*(.*)$", re.MULTILINE)
NOTION = re.compile(r"[ _-]?[0-9a-f]{32}(?:_all)?$")
PROPERTY = re.compile(r"([^\W\d_][^\n:：]{0,40})[:：][ \t]*(\S[^\n]*)")
CHILD = re.compile(r"^\[[^\]\n]+\]\([^)\n]*[0-9a-f]{32}[^)\n]*\.(?:md|csv)\)[ \t]*$", re.MULTILINE)
DATES = (
    "date",
    "created",
    "published",
    "pubdate",
    "pubdatetime",
    "publishdate",
    "created_at",
    "created time",
    "创建时间",
    "日期",
    "发布日期",
)
AUTHORS = ("author", "authors", "created by", "创建者", "作者")
NO, YES = ("false", "no", "0"), ("true", "yes", "1")
TEMPLATES = re.compile(r"_?templates?|_?模[板版]", re.IGNORECASE)  # folders
SLOT = re.compile(
    r"<%[-_*+]?\s*tp\.|\{\{(?:date|time|title)\b[^{}\n]*\}\}"
)  # what Obsidian and Templater fill in
UNFINISHED = ("draft", "drafts", "wip", "草稿", "未完成")


def looks_like(file):
    """Is this named as Markdown, or does it use Markdown whatever it is called?"""
    if file.suffix in SUFFIXES:
        return True
    try:
        text = file.text if len(file.data) <= len(file.head) else decode(file.head)
    except Unreadable:
        return False
    return bool(split(text)[0]) or bool(MARKS.search(text))


def read(file):
    """Yield the one raw document of a Markdown file."""
    facts, body = split(file.text)
    facts = {str(key).lower(): _plain(value) for key, value in facts.items()}
    name, removed = _named(file.name), []
    if NOTION.search(PurePosixPath(file.name).stem):
        properties, body, removed = _notion(body)
        facts = properties | facts
    draft = (
        _word(facts.get("draft")) in YES
        or _word(facts.get("published")) in NO
        or drafted(file.name)
        or _word(facts.get("status")) in UNFINISHED
    )
    yield Document(
        file.name,
        title=_line(facts.get("title")),
        text=body,
        date=_date(facts, name),
        author=_line(next((facts[key] for key in AUTHORS if facts.get(key)), "")),
        markdown=True,
        draft=draft,
        fallback_title=title_of(name),
        front_matter=facts,
        skip_reason="template" if _is_form(file.name, facts, body) else "",
        removed=removed,
    )


def _is_form(name, facts, body):
    """Is this no writing: a template that Obsidian fills in, a board of its Kanban plugin?"""
    inside = any(TEMPLATES.fullmatch(folder) for folder in PurePosixPath(name).parts[:-1])
    return "kanban-plugin" in facts or inside and bool(SLOT.search(body))


def _named(name):
    """The name without Notion's digits; of 'trip/index.md' that of the folder, as Hugo's bundles have it."""
    path = PurePosixPath(name)
    if path.stem in ("index", "_index") and path.parent.name:
        return path.parent.name + path.suffix
    return NOTION.sub("", path.stem) + path.suffix


def _date(facts, name):
    for key in DATES:
        value = _line(facts.get(key))
        found = date_of(value, "") or _spelt(value)
        if found:
            return found
    return date_of(None, name)


def _spelt(value):
    """The ISO date of 'March 3, 2021 10:00 AM', '3 Mar 2021' and 'Wed, 03 Mar 2021 …', or None."""
    found = re.search(
        r"([A-Z][a-z]{2})[a-z]* (\d{1,2}),? (\d{4})|(\d{1,2}) ([A-Z][a-z]{2})[a-z]* (\d{4})", value
    )
    if not found:
        return None
    month, day, year, day2, month2, year2 = found.groups()
    try:
        return (
            datetime.strptime(f"{month or month2} {day or day2} {year or year2}", "%b %d %Y")
            .date()
            .isoformat()
        )
    except ValueError:
        return None


def _notion(body):
    """(properties, the rest, removed): the lines 'Tags: a, b' under a Notion page's title, and its links below."""
    title = re.match(r"\s*# [^\n]*\n+", body)
    found, place = {}, title.end() if title else 0
    lines = body[place:].split("\n\n", 1)[0].split("\n") if title else []
    matches = [PROPERTY.fullmatch(line) for line in lines]
    if lines and all(matches):
        found = {match[1].strip().lower(): match[2].strip() for match in matches}
        body = (
            body[:place] + body[place:].split("\n\n", 1)[1]
            if "\n\n" in body[place:]
            else body[:place]
        )
    removed = [Removed("list", "links", match.group()) for match in CHILD.finditer(body)]
    if found:
        removed.insert(0, Removed("properties", "properties", "\n".join(lines)))
    return found, CHILD.sub("", body), removed


def split(text):
    """(front matter as a dict, the rest); ({}, text) when the text starts without a readable one."""
    text = text.lstrip("\n")
    if text.startswith("{"):
        return _json(text)
    first, _, rest = text.partition("\n")
    kind, fence = FENCES.get(first.strip()), first.strip()
    if kind is None and PAIR.fullmatch(first):
        kind, fence, rest = "bare", "---", text
    end = re.search(rf"^{re.escape(fence)}[ \t]*$\n?", rest, re.MULTILINE) if kind else None
    if end is None:
        return {}, text
    facts = _facts(kind, rest[: end.start()])
    # A line of dashes at the top that is only a rule stays part of the text.
    return (facts, rest[end.end() :]) if facts is not None else ({}, text)


def _facts(kind, text):
    if kind == "bare":
        # Hexo's front matter without a first line of dashes: every line is a field, an item of one, or goes on in it.
        named = all(
            re.match(r"[A-Za-z_][\w-]*[ \t]*:(\s|$)|\s|- |#|$", line) for line in text.split("\n")
        )
        kind = (
            "yaml"
            if named and len(text) <= 3000 and re.search(r"(?m)^(title|date)[ \t]*:", text)
            else ""
        )
    if len(text) > FRONT_LIMIT:
        return _pairs(text)
    return {
        "yaml": _yaml,
        "toml": _toml,
        "json": lambda text: _json("{" + text + "}")[0] or None,
    }.get(kind, lambda text: None)(text)


def _yaml(text):
    import yaml

    try:
        # An alias may stand for a text that grows with every one of them.
        if "&" in text and any(isinstance(event, yaml.AliasEvent) for event in yaml.parse(text)):
            return _pairs(text)
        # The base loader keeps every value as it is written: no impossible dates, no objects.
        facts = yaml.load(text, Loader=getattr(yaml, "CBaseLoader", yaml.BaseLoader))
    except (yaml.YAMLError, RecursionError):
        return _pairs(text) or {}
    return (
        {} if facts is None or facts == "" else facts if isinstance(facts, dict) and facts else None
    )


def _pairs(text):
    """'title: Rust: a diary' is no YAML, but everybody knows what it means."""
    return {key: value.strip().strip("'\"") for key, value in PAIR.findall(text)} or None


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


def _plain(value):
    """A value of front matter as a string, or a list of them."""
    if isinstance(value, list):
        return [_line(item) for item in value]
    return _line(value)


def _word(value):
    return _line(value).lower()


def _line(value):
    if isinstance(value, list):
        value = ", ".join(map(_line, value))
    if isinstance(value, dict):
        value = value.get("name", "")
    return " ".join(str(value).split()) if value is not None else ""
