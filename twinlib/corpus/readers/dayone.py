"""Day One's export: a JSON file for each journal, with entries in Markdown."""

import re
from collections.abc import Iterator

from ...text.inputs.encoding import Unreadable
from ...text.inputs.filename import date_of, title_of
from ...text.inputs.input_file import File
from ...text.inputs.json_values import as_dict, as_dicts, as_str, load_file, start
from ..records import Document


def looks_like(file: File) -> bool:
    """Whether it is JSON with entries that have a date of creation."""
    if file.suffix != ".json":
        return False
    text = start(file)
    return bool(re.search(r'"entries"\s*:\s*\[', text)) and '"creationDate"' in text


def read(file: File) -> Iterator[Document]:
    """Yield a document for each entry with words. Raises Unreadable('damaged', … or 'index')."""
    entries, found = as_dicts(as_dict(load_file(file)).get("entries")), 0
    for number, entry in enumerate(entries, 1):
        text = as_str(entry.get("text")).replace("\u2028", "\n")
        if not re.search(r"\w", re.sub(r"!\[[^\]]*\]\([^)]*\)", "", text)):
            continue
        found += 1
        title = re.match(r"\s*#{1,6} (.+)\n", text)
        tags = entry.get("tags")
        yield Document(
            f"{file.name}#{as_str(entry.get('uuid')) or number}",
            title=title[1].strip() if title else "",
            text=text[title.end() :] if title else text,
            date=date_of(as_str(entry.get("creationDate")), "") or None,
            tags=[as_str(tag) for tag in tags if tag] if isinstance(tags, list) else [],
            markdown=True,
            fallback_title=title_of(file.name),
        )
    if not found:
        raise Unreadable("index")
