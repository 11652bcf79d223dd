"""The records of notebook 01, from what a reader returns to a training row.

Readers return a Document; cleaning takes parts out of it (Removed); a Document is cut into
Passages, and a Passage becomes one or more Rows. `to_json` gives the line that the twin folder
stores, without the fields that are needed in memory only.
"""

import re
from dataclasses import dataclass, field

from ..files import content_id, known_fields


@dataclass(slots=True)
class Removed:
    """A document, or a part of one, that is left out; a line of dropped.csv.

    `what` and `reason` are keys of data/reasons.yaml, `document` is the source of the document. By
    `id` the owner restores it: the content id of the text, or for a document that of the source.
    """

    what: str
    reason: str
    text: str
    document: str = ""
    id: str = ""

    def __post_init__(self) -> None:
        self.id = self.id or content_id(self.text)


class RemovedParts:
    """The `parts` left out of one document; `restored` are ids of parts that the owner keeps."""

    def __init__(self, restored: frozenset[str] = frozenset()):
        self.parts: list[Removed] = []
        self.restored = restored

    def take(self, what: str, reason: str, text: str) -> bool:
        """Record a part as left out, if it holds a letter or digit; False if the owner keeps it."""
        part = Removed(what, reason, text.strip())
        if not re.search(r"[^\W_]", part.text):
            return True
        if part.id in self.restored:
            return False
        self.parts.append(part)
        return True


@dataclass(slots=True)
class Turn:
    """One utterance of the owner: `answer`.

    `question` is what others wrote before it, or ''. `time` is ISO, or ''.
    """

    question: str
    answer: str
    time: str = ""

    def to_json(self) -> dict:
        """The utterance as the JSON object of a record."""
        return {"question": self.question, "answer": self.answer, "time": self.time}


@dataclass(slots=True)
class Document:
    """One text: a post, a chapter, a month of a chat, an answer.

    `source` is the path relative to the corpus folder: 'archive.zip/inner.md' inside an archive,
    'chat.json#2023-05' for a part of a file. The id is made of it alone, so that editing a text or
    its title keeps the id, the split and the owner's decisions; moving the file makes a new
    document.

    `masked_id` is the id that the source gave before personal data in it was masked, or ''.

    `date` is ISO or None. `tags` are those of the front matter. `kind` is post, page, book,
    transcript, chat, answers or interview. A document made of separate utterances (chats, short
    posts, answers) has `turns`; its `text` is then their answers.

    In memory only, set by the reader: `markdown` (the text has markup), `draft`, `fallback_title`
    (from the file's name), `front_matter` {key in lower case: string or list of strings},
    `skip_reason` (why to leave out the whole document, a key of data/reasons.yaml, or ''),
    `removed` (parts that the reader left out), `format` (a key of readers.FORMATS).
    """

    source: str
    title: str = ""
    text: str = ""
    date: str | None = None
    author: str = ""
    kind: str = "post"
    language: str = ""
    turns: list[Turn] | None = None
    tags: list[str] = field(default_factory=list)
    markdown: bool = False
    draft: bool = False
    fallback_title: str = ""
    front_matter: dict = field(default_factory=dict)
    skip_reason: str = ""
    removed: list[Removed] = field(default_factory=list)
    format: str = ""
    masked_id: str = ""

    @property
    def id(self) -> str:
        """The id that decisions, passages and rows name it by; 16 hexadecimal digits."""
        return self.masked_id or content_id(self.source)

    @classmethod
    def of_turns(cls, source: str, turns: list[Turn], **fields) -> "Document":
        """A document of utterances; `fields` are its other fields."""
        text = "\n\n".join(turn.answer for turn in turns)
        return cls(source, text=text, turns=turns, **fields)

    @classmethod
    def from_json(cls, record: dict) -> "Document":
        """The Document of a line of documents.jsonl."""
        turns = record.get("turns")
        turns = turns and [Turn(**known_fields(Turn, turn)) for turn in turns]
        return cls(**known_fields(cls, {**record, "turns": turns, "masked_id": record["id"]}))

    def to_json(self) -> dict:
        """The record in documents.jsonl."""
        keys = ("id", "title", "text", "date", "source", "author", "language", "kind")
        record = {key: getattr(self, key) for key in keys}
        if self.tags:
            record["tags"] = self.tags
        if self.turns is not None:
            record["turns"] = [turn.to_json() for turn in self.turns]
        return record


@dataclass(slots=True)
class Passage:
    """A piece of a document, of at most about `passage_tokens` tokens (a setting of the step).

    `split` is train, val or test, `section` the heading of its section, or ''. In memory only:
    `title` of the document ('' for a turn), `heading` (the section's first passage has it),
    `language`, `index` of the passage in its document (from 0), the
    `question` that it answers ('' where nobody asked), `is_turn`, the corpus' `author`, and its
    `terms`, the most characteristic first.
    """

    id: str
    document: str
    text: str
    tokens_estimate: int
    split: str = ""
    section: str = ""
    title: str = ""
    heading: str = ""
    language: str = ""
    index: int = 0
    question: str = ""
    is_turn: bool = False
    author: str = ""
    terms: list[str] = field(default_factory=list)

    def to_json(self) -> dict:
        """The record in passages.jsonl."""
        keys = ("id", "document", "text", "tokens_estimate", "split", "section")
        return {key: getattr(self, key) for key in keys}


@dataclass(slots=True)
class Row:
    """A training row, made of a passage or, with `passage` '', of none (identity rows).

    `kind` is qa, raw or identity; older twins have abstain, too. `messages` [{role, content}] are
    system, user and assistant; a raw row has the assistant's alone. `source` is where the question
    is from: local (the twin's base), endpoint, reader or owner; title, heading or short (a few
    words).
    """

    id: str
    passage: str
    kind: str
    split: str
    messages: list[dict[str, str]]
    source: str

    def to_json(self) -> dict:
        """The record in train.jsonl, val.jsonl or test.jsonl."""
        keys = ("id", "passage", "kind", "split", "messages", "source")
        return {key: getattr(self, key) for key in keys}
