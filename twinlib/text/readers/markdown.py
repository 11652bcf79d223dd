"""Markdown with YAML, TOML or JSON front matter, as blogs and note-takers keep it."""

import json
import re
import tomllib

from .names import date_of, title_of

MARKS = re.compile(r"^(#{1,6} \S|```|~~~|!\[[^\]]*\]\(|\+\+\+\s*$)|\]\(https?://", re.MULTILINE)
FENCES = {"---": "yaml", "+++": "toml"}
NO, YES = ("false", "no", "0"), ("true", "yes", "1")


def looks_like(text):
    """Does this text use Markdown, whatever the file is called?"""
    return bool(split(text)[0]) or bool(MARKS.search(text))


def read(text, name):
    """Yield the one raw document of a Markdown file; `name` is its path inside the source."""
    facts, body = split(text)
    facts = {str(key).lower(): value for key, value in facts.items()}
    draft = _word(facts.get("draft")) in YES or _word(facts.get("published")) in NO or "_drafts/" in f"/{name}"
    yield {"title": _line(facts.get("title")), "text": body, "date": date_of(facts.get("date"), name), "source": name,
           "author": _line(facts.get("author")), "kind": "post", "markdown": True, "draft": draft,
           "fallback": title_of(name)}


def split(text):
    """(front matter as a dict, the rest); ({}, text) when the text starts without a readable one."""
    text = text.lstrip("\n")
    if text.startswith("{"):
        return _json(text)
    first, _, rest = text.partition("\n")
    kind = FENCES.get(first.strip())
    end = re.search(rf"^{re.escape(first.strip())}[ \t]*$\n?", rest, re.MULTILINE) if kind else None
    if end is None:
        return {}, text
    facts = (_yaml if kind == "yaml" else _toml)(rest[:end.start()])
    # A line of dashes at the top that is only a rule stays part of the text.
    return (facts, rest[end.end():]) if facts is not None else ({}, text)


def _yaml(text):
    import yaml

    try:
        # The base loader keeps every value as it is written: no impossible dates, no objects.
        facts = yaml.load(text, Loader=yaml.BaseLoader)
    except yaml.YAMLError:
        # "title: Rust: a diary" is no YAML, but everybody knows what it means.
        pairs = re.findall(r"^([A-Za-z_]+)[ \t]*:[ \t]*(.*)$", text, re.MULTILINE)
        facts = {key: value.strip().strip("'\"") for key, value in pairs}
    return {} if facts is None or facts == "" else facts if isinstance(facts, dict) and facts else None


def _toml(text):
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        pairs = re.findall(r"^([A-Za-z_]+)[ \t]*=[ \t]*(.*)$", text, re.MULTILINE)
        return {key: value.strip().strip("'\"") for key, value in pairs} or None


def _json(text):
    try:
        facts, end = json.JSONDecoder().raw_decode(text)
        return facts, text[end:].lstrip("\n")
    except (ValueError, RecursionError):
        return {}, text


def _word(value):
    return str(value).strip().lower()


def _line(value):
    if isinstance(value, list):
        value = ", ".join(map(str, value))
    if isinstance(value, dict):
        value = value.get("name", "")
    return " ".join(str(value).split()) if value is not None else ""
