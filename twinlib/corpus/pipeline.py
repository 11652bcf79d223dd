"""Documents from the readers to clean, masked ones, one at a time, so that memory stays flat.

Each document either comes out clean or is recorded with the reason why not, and so is each part
that is left out of one. The owner's decisions, by id, come before every rule.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property, partial

from ..text import privacy
from ..text.script import has_han, language_of
from . import authorship, clean
from .clean import scripts
from .clean.paragraphs import normalise
from .readers import ReadLog
from .records import Document, Removed, Turn

_EXAMPLES = 3  # contexts kept of each piece of personal data


@dataclass(frozen=True)
class Rules:
    """What holds for all documents: settings of the step and the owner's decisions.

    `author` is the owner's name and `known` the same if they said it themselves, `me` their names
    in chats, `short` the fewest characters of a document, `names` private names to mask,
    `decisions` {id: decision} (see step.py).
    """

    author: str
    known: str = ""
    me: tuple[str, ...] = ()
    short: int = 80
    script: str = "as written"
    mask: bool = True
    names: tuple[str, ...] = ()
    decisions: dict = field(default_factory=dict)

    def action(self, id: str) -> str | None:
        """What the owner decided about a document, a part or a piece of personal data."""
        return self.decisions.get(id, {}).get("action")

    def wants(self, id: str) -> bool:
        """Whether the owner restored or edited it."""
        return self.action(id) in ("restore", "edit")

    def edited_text(self, id: str) -> str:
        """The text the owner put in place of a document, or ''."""
        return self.decisions[id].get("text", "") if self.action(id) == "edit" else ""

    @cached_property
    def restored(self) -> frozenset[str]:
        """The ids of what the owner restored."""
        return frozenset(id for id in self.decisions if self.action(id) == "restore")


class Totals:
    """Sums over all documents.

    Characters by script: `before` cleaning, `kept` and put `aside`. Personal data: `personal`
    {(kind, id): record}, `masked` {kind: number}, `numbers` {kind: {value: number in
    placeholders}}. `authors`: documents by the name they carry.
    """

    def __init__(self):
        self.before, self.kept, self.aside = Counter(), Counter(), Counter()
        self.personal, self.masked, self.numbers, self.authors = {}, Counter(), {}, Counter()


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
    totals.before += _count(raw.text, *(part.text for part in raw.removed))
    reason = _reason(raw, document.text, rules)
    if reason:
        totals.aside += _count(raw.text)
        if reason == "short":  # without these it may be long enough, so they can come back too
            log.removed += removed
        log.removed.append(
            Removed("document", reason, document.text or raw.text, raw.source, raw.id)
        )
        return None
    totals.kept += _count(document.text, heading)
    totals.aside += _count(*(part.text for part in removed))
    log.removed += removed
    return _masked(document, rules, totals)


def _count(*texts):
    return sum(map(scripts.count_scripts, texts), Counter())


# Cleaning


def _cleaned(raw, rules):
    """(the document cleaned, the title if it stood in the text, what was removed)."""
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
    """(turns with clean answers, without the empty ones, and with `restored` texts; removed)."""
    turns, removed = [], []
    for turn in raw.turns:
        cleaned = _clean(turn.answer, raw, rules)
        removed += cleaned.removed
        answer = re.sub(r"(?m)^## ", "", cleaned.text)  # nobody speaks in headings
        if answer:
            question = " ".join(normalise(scripts.repair_encoding(turn.question)).split())
            turns.append(Turn(question, answer, turn.time))
    turns += [Turn("", text) for text in restored]
    unify = partial(scripts.unify_script, script=rules.script)
    return [_changed(turn, unify) for turn in turns], removed


def _clean(text, raw, rules):
    author = raw.author or rules.author
    return clean.clean(scripts.repair_encoding(text), raw.markdown, rules.restored, author)


def _changed(turn, change):
    return Turn(change(turn.question), change(turn.answer), turn.time)


# What is left out


def _reason(raw, text, rules):
    """The reason to leave a document out, or None; the owner's word comes before the rules."""
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

    Empty while the owner has not said their name. Names in another script, or with a word in
    common, may be theirs, and so may the name that most documents carry: a blog's login is often
    no name at all.
    """
    names = [name for name in (rules.known, *rules.me) if name] if rules.known else []
    others = {author for author in authors if _is_other(author, names)}
    own = sum(count for author, count in authors.items() if author not in others)
    return {author for author in others if authors[author] < own}


def _is_other(author, names):
    comparable = any(has_han(name) == has_han(author) for name in names)
    return comparable and not any(_is_similar(author, name) for name in names)


def _is_similar(one, other):
    words, others = (set(re.findall(r"[^\W_]+", name.casefold())) for name in (one, other))
    bare, whole = ("".join(filter(str.isalnum, name.casefold())) for name in (one, other))
    return bool(words & others) or bare in whole or whole in bare


# Personal data


def _masked(document, rules, totals):
    """A clean document with the owner's name where it has none, its language, and masked."""
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
    author = document.author or rules.author
    return replace(document, title=title, text=text, author=author, language=language, turns=turns)


def _mask(text, language, rules, totals):
    """The text with personal data masked unless the owner decided to keep its value or kind."""

    def keep(kind, value):
        decided = rules.action(privacy.value_id(kind, value)) or rules.action(f"privacy {kind}")
        return not rules.mask or decided == "keep"

    def notice(kind, value, context):
        id = privacy.value_id(kind, value)
        record = totals.personal.setdefault(
            (kind, id), {"id": id, "kind": kind, "value": value, "count": 0, "examples": []}
        )
        record["count"] += 1
        record["masked"] = not keep(kind, value)
        if len(record["examples"]) < _EXAMPLES:
            record["examples"].append(context)

    text, counts = privacy.mask(
        text, language, totals.numbers, rules.names, keep=keep, notice=notice
    )
    totals.masked.update(counts)
    return text
