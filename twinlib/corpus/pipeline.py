"""Clean the readers' documents and mask personal data, one document at a time to save memory.

Each document is either yielded clean or recorded with the reason why it is left out; each part
left out of one is recorded, too. The owner's decisions, by id, come before every rule.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property, partial

from ..text import privacy
from ..text.script import HAN, LATIN, has_han, language_of
from . import authorship, clean
from .clean import scripts
from .clean.paragraphs import normalise
from .readers import ReadLog
from .records import Document, Removed, RemovedParts, Turn

_MAY_BE_CONTACT = re.compile(r"\d{3}|[@＠]")
_WORDS_OF_CONTACT = 6  # or Chinese characters, beside the personal data
_EXAMPLES = 3  # contexts recorded of each piece of personal data


@dataclass(frozen=True)
class Rules:
    """The settings that concern documents, and the owner's decisions.

    `author` is the owner's name or else the twin's, `stated_author` is '' unless the owner gave
    it. `me` are the owner's names in chats, `short` the fewest characters of a document, `names`
    private names to mask, `decisions` {id: decision} as in step.py.
    """

    author: str
    stated_author: str = ""
    me: tuple[str, ...] = ()
    short: int = 80
    script: str = "as written"
    mask: bool = True
    names: tuple[str, ...] = ()
    decisions: dict = field(default_factory=dict)

    def action(self, id: str) -> str | None:
        """The owner's decision about a document, a part or a piece of personal data, if any."""
        return self.decisions.get(id, {}).get("action")

    def wants(self, id: str) -> bool:
        """Whether the owner restored or edited the document or part with this id."""
        return self.action(id) in ("restore", "edit")

    def edited_text(self, id: str) -> str:
        """The text by which the owner replaced a document, or ''."""
        return self.decisions[id].get("text", "") if self.action(id) == "edit" else ""

    @cached_property
    def restored(self) -> frozenset[str]:
        """The ids of the documents and parts that the owner restored."""
        return frozenset(id for id in self.decisions if self.action(id) == "restore")


class Totals:
    """Sums over all documents.

    Characters by script: `before` cleaning, `kept`, and left out (`aside`). Personal data:
    `personal` {(kind, id): record}, also of messages that are left out, `masked` {kind: number},
    `numbers` {kind: {value: number in placeholders}}. `authors` {name: number of
    documents}. `shown` {part of a source: masked}.
    """

    def __init__(self):
        self._before, self._kept, self._aside = Counter(), Counter(), Counter()
        self.personal, self.masked, self.numbers, self.authors = {}, Counter(), {}, Counter()
        self.shown = {}

    @property
    def before(self) -> Counter:
        """Characters by script of all texts before cleaning."""
        return scripts.by_script(self._before)

    @property
    def kept(self) -> Counter:
        """Characters by script that were kept."""
        return scripts.by_script(self._kept)

    @property
    def aside(self) -> Counter:
        """Characters by script that were left out."""
        return scripts.by_script(self._aside)

    def read(self, *texts: str) -> None:
        """Count texts as they are before cleaning."""
        _count(self._before, texts)

    def keep(self, *texts: str) -> None:
        """Count texts that are kept."""
        _count(self._kept, texts)

    def put_aside(self, *texts: str) -> None:
        """Count texts that are left out."""
        _count(self._aside, texts)

    def drop(self, text: str) -> None:
        """Count a text that was kept as left out."""
        self._kept.subtract(Counter(text))
        self.put_aside(text)


def documents(
    raws: Iterable[Document], rules: Rules, log: ReadLog, totals: Totals
) -> Iterator[Document]:
    """Yield the documents that are kept, clean and masked; the rest goes to `log.removed`."""
    for raw in raws:
        document = _processed(raw, rules, log, totals)
        if document:
            totals.authors[document.author] += 1
            yield document


def _processed(raw, rules, log, totals):
    """A raw document clean and masked, or None if it is left out."""
    document, heading, removed = _cleaned(raw, rules)
    removed = [
        replace(part, document=raw.source) for part in removed if part.id not in rules.restored
    ]
    readable = scripts.repair_encoding(raw.text)  # what was garbled counts as what it says
    totals.read(readable, *(part.text for part in raw.removed))
    reason = _reason(raw, document.text, rules)
    if reason:
        totals.put_aside(readable)
        if reason == "short":  # it may be long enough with these parts, so they can be restored
            log.removed += removed
        log.removed.append(
            Removed("document", reason, document.text or raw.text, raw.source, raw.id)
        )
        return None
    totals.keep(document.text, heading)
    totals.put_aside(*(part.text for part in removed))
    log.removed += removed
    return _masked(document, rules, totals)


def _count(characters, texts):
    for text in texts:
        characters.update(text)


# Cleaning


def _cleaned(raw, rules):
    """(the cleaned document, the title if it was a heading in the text, what was removed)."""
    if text := rules.edited_text(raw.id):
        return replace(raw, text=text, turns=None), "", raw.removed
    restored = [part.text for part in raw.removed if part.id in rules.restored]
    if raw.turns is not None:
        turns, removed = _cleaned_turns(raw, restored, rules)
        text = "\n\n".join(turn.answer for turn in turns)
        return replace(raw, text=text, turns=turns), "", raw.removed + removed
    cleaned = _clean(raw.text, raw, rules)
    text = "\n\n".join(filter(None, (cleaned.text, *restored)))
    document = replace(
        raw, title=raw.title or cleaned.title, text=scripts.unify_script(text, rules.script)
    )
    return document, cleaned.title, raw.removed + cleaned.removed


def _cleaned_turns(raw, restored, rules):
    """(turns with non-empty clean answers plus one for each restored text, what was removed)."""
    turns, removed, parts = [], [], RemovedParts(rules.restored)
    for turn in raw.turns:
        cleaned = _clean(turn.answer, raw, rules)
        removed += cleaned.removed
        answer = re.sub(r"(?m)^## ", "", cleaned.text)  # a turn has no headings
        if raw.kind == "chat":
            answer = "\n".join(
                line
                for line in answer.split("\n")
                if not (_only_contact(line, rules) and parts.take("message", "contact", line))
            ).strip("\n")
        if answer:
            question = " ".join(normalise(scripts.repair_encoding(turn.question)).split())
            turns.append(Turn(question, answer, turn.time))
    turns += [Turn("", text) for text in restored]
    unify = partial(scripts.unify_script, script=rules.script)
    return [_changed(turn, unify) for turn in turns], removed + parts.parts


def _only_contact(line, rules):
    """Whether a message only says how to reach somebody: "call me at", and a number.

    Masked, a twin would learn to give placeholders for an answer.
    """
    if not _MAY_BE_CONTACT.search(line):
        return False
    rest, end = [], 0
    for match in privacy.find(line, rules.names):
        if match.kind != "name" and not _keeps(rules, match.kind, match.value):
            rest.append(line[end : match.start])
            end = match.end
    words = re.findall(rf"[{HAN}]|[{LATIN}]+", " ".join([*rest, line[end:]]))
    return end > 0 and len(words) <= _WORDS_OF_CONTACT


def _clean(text, raw, rules):
    author = raw.author or rules.author
    text = scripts.repair_encoding(text)
    wrapped = raw.turns is None  # a line break of a message is its sender's
    on_page = raw.kind != "chat"
    return clean.clean(text, raw.markdown, rules.restored, author, wrapped, on_page)


def _changed(turn, change):
    return Turn(change(turn.question), change(turn.answer), turn.time)


# What is left out


def _reason(raw, text, rules):
    """The reason to leave a document out, or None. The owner's decision overrides the rules."""
    if rules.action(raw.id) == "drop":
        return "owner"
    if rules.wants(raw.id) and text:
        return None
    if raw.draft:
        return "draft"
    if raw.skip_reason:
        return raw.skip_reason
    # A chat, or a month of short posts, is long enough with one utterance.
    shortest = 1 if raw.turns is not None else max(rules.short, 1)
    if len(re.sub(r"\s", "", text)) < shortest:
        return "short"
    if raw.turns is not None:
        return None
    names = {"author": raw.author, "owner": [rules.author, *rules.me]}
    return authorship.reason_not_own(raw.title, raw.text, raw.front_matter | names)


def other_authors(authors: Counter, rules: Rules) -> set[str]:
    """The names among `authors` (documents by name) that are surely not the owner's.

    Empty unless the owner gave their name. A name in another script or with a word in common may
    be theirs, and so may one that at least as many documents have as all of the owner's: a blog's
    login is often no name at all.
    """
    names = [rules.stated_author, *filter(None, rules.me)] if rules.stated_author else []
    others = {author for author in authors if _is_other(author, names)}
    own = sum(count for author, count in authors.items() if author not in others)
    return {author for author in others if authors[author] < own}


def _is_other(author, names):
    comparable = any(has_han(name) == has_han(author) for name in names)
    return comparable and not any(_is_similar(author, name) for name in names)


def _is_similar(first, second):
    words, others = (set(re.findall(r"[^\W_]+", name.casefold())) for name in (first, second))
    letters, other_letters = (
        "".join(filter(str.isalnum, name.casefold())) for name in (first, second)
    )
    return bool(words & others) or letters in other_letters or other_letters in letters


# Personal data


def shown_source(source: str, rules: Rules, totals: Totals) -> str:
    """A source with personal data in its names masked; its folders and parts stay apart."""
    pieces = re.split(r"([/#])", source)
    for piece in pieces:
        if piece not in totals.shown:
            masked = _mask(piece, language_of(piece), rules, totals, counted=False)
            totals.shown[piece] = masked
    return "".join(map(totals.shown.get, pieces))


def shown_author(author: str, rules: Rules, totals: Totals) -> str:
    """An author's name, masked where it is a private name; the twin's own is everywhere."""
    if author == rules.author:
        return author
    return _mask(author, language_of(author), rules, totals, counted=False)


def _masked(document, rules, totals):
    """A clean document with personal data masked, its language, and an author if it had none."""
    language = language_of(document.text)

    def mask(text):
        return _mask(text, language, rules, totals)

    title = mask(" ".join((document.title or document.fallback_title).split()))
    turns = document.turns
    if turns is None:
        text = mask(document.text)
    else:
        turns = [_changed(turn, mask) for turn in turns]
        text = "\n\n".join(turn.answer for turn in turns)
    return replace(
        document,
        source=shown_source(document.source, rules, totals),
        masked_id=document.id,
        title=title,
        text=text,
        author=document.author or rules.author,
        language=language,
        turns=turns,
        tags=[tag for tag in map(mask, document.tags) if not privacy.is_placeholder(tag)],
    )


def _mask(text, language, rules, totals, counted=True):
    """The text with personal data masked, except values or kinds that the owner decided to keep.

    If `counted`, counts the matches in `totals`, and records those that are kept, too.
    """
    text, counts = privacy.mask(
        text,
        language,
        totals.numbers,
        rules.names,
        keep=partial(_keeps, rules),
        notice=partial(_notice, rules, totals, "count") if counted else None,
    )
    if counted:
        totals.masked.update(counts)
    return text


def mask_left_out(text: str, language: str, rules: Rules, totals: Totals, recorded: bool) -> str:
    """A text that is left out with all personal data masked.

    If `recorded`, the owner sees what was found beside what the learnt texts have: it is in these,
    too, once the owner restores the text.
    """
    notice = partial(_notice, rules, totals, "left_out") if recorded else None
    return privacy.mask(text, language, {}, rules.names, notice=notice)[0]


def _keeps(rules, kind, value):
    """Whether a value stays as it is."""
    decided = rules.action(privacy.value_id(kind, value)) or rules.action(f"privacy {kind}")
    return not rules.mask or decided == "keep"


def _notice(rules, totals, where, kind, value, context):
    """Record a match; `where` is its number of texts learnt (count) or left out (left_out)."""
    id = privacy.value_id(kind, value)
    new = {"id": id, "kind": kind, "value": value, "count": 0, "left_out": 0, "examples": []}
    record = totals.personal.setdefault((kind, id), new)
    record[where] += 1
    record["masked"] = not _keeps(rules, kind, value)
    if len(record["examples"]) < _EXAMPLES:
        record["examples"].append(context)
