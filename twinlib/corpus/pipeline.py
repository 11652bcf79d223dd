"""Raw documents to the owner's own words, clean and masked: one at a time, so that memory stays flat.

For each raw document (see readers) either a clean Document comes out, or the reason why not; parts that are left out
come with theirs. The owner's decisions, by id, come before any rule of ours.
"""

import re
from collections import Counter
from dataclasses import replace
from typing import NamedTuple

from ..text import privacy
from ..text.script import language_of
from . import authorship, clean
from .clean import scripts
from .clean.paragraphs import normalise
from .records import Removed, Turn

EXAMPLES = 3  # contexts kept of each piece of personal data
WANTED = ("restore", "edit")


class Rules(NamedTuple):
    """What holds for the whole corpus: settings of the step, the owner's name (`known` when they said it, not guessed)
    and names in chats (`me`), private `names` to mask, and the owner's decisions by id."""

    author: str
    known: str = ""
    me: tuple = ()
    short: int = 80
    script: str = "as written"
    mask: bool = True
    names: tuple = ()
    decisions: dict = {}

    def action(self, name):
        return self.decisions.get(name, {}).get("action")

    @property
    def restored(self):
        return frozenset(name for name in self.decisions if self.action(name) == "restore")


class Account:
    """What happened on the way: characters by script `before`, `kept` and put `aside`, personal data by kind and value
    ({(kind, id): record}), `masked`: how much of each kind, and `authors`: documents by the name they carry."""

    def __init__(self):
        self.before, self.kept, self.aside = Counter(), Counter(), Counter()
        self.personal, self.masked, self.numbers, self.authors = {}, Counter(), {}, Counter()


def documents(raws, rules, log, account):
    """Yield the Document of each raw document that is kept; the rest goes to `log.removed`, the sums to `account`."""
    restored = rules.restored
    for raw in raws:
        text, title, heading, turns, parts = _cleaned(raw, rules, restored)
        account.before += scripts.count_scripts(raw.text) + _sum(part.text for part in raw.removed)
        reason = _why_not(raw, text, rules)
        if reason:
            account.aside += scripts.count_scripts(raw.text)
            # Too short because of what was left out of it: that can come back too.
            log.removed += [part for part in parts if reason == "short" and part.id not in restored]
            log.removed.append(Removed("document", reason, text or raw.text, raw.source, raw.id))
            continue
        left = [part for part in parts if part.id not in restored]
        account.kept += scripts.count_scripts(text) + scripts.count_scripts(heading)
        account.aside += _sum(part.text for part in left)
        log.removed += left
        document = _record(raw, text, title, turns, rules, account)
        account.authors[document.author] += 1
        yield document


def _sum(texts):
    return sum((scripts.count_scripts(text) for text in texts), Counter())


def _cleaned(raw, rules, restored):
    """(text, title, the part of it that stood in the text, turns, parts as Removed) of a raw document; an edited one
    is what the owner wrote, in one piece."""
    read = [replace(part, document=raw.source) for part in raw.removed]
    if rules.action(raw.id) == "edit" and rules.decisions[raw.id].get("text"):
        return rules.decisions[raw.id]["text"], raw.title, "", None, read
    heading = ""
    if raw.turns is None:
        cleaned = clean.clean(
            scripts.repair_encoding(raw.text), raw.markdown, restored, raw.author or rules.author
        )
        text, heading, parts = cleaned.text, cleaned.title, cleaned.removed
        back = [part.text for part in read if part.id in restored]
        text = "\n\n".join([*([text] if text else []), *back])
        turns = None
    else:
        turns, parts = _turns(raw, restored, rules.author)
        turns += [Turn("", part.text) for part in read if part.id in restored]
        text = "\n\n".join(turn.answer for turn in turns)
    left = [Removed(part.what, part.reason, part.text, raw.source, part.id) for part in parts]
    text, turns = scripts.unify_script(text, rules.script), _unified(turns, rules.script)
    return text, raw.title or heading, heading, turns, read + left


def _turns(raw, restored, author):
    """The turns with their answers cleaned, without those of which nothing is left; and the parts left out."""
    kept, parts = [], []
    for turn in raw.turns:
        cleaned = clean.clean(
            scripts.repair_encoding(turn.answer), raw.markdown, restored, raw.author or author
        )
        parts += cleaned.removed
        answer = re.sub(r"(?m)^## ", "", cleaned.text)  # nobody speaks in headings
        if answer:
            question = " ".join(normalise(scripts.repair_encoding(turn.question)).split())
            kept.append(Turn(question, answer, turn.time))
    return kept, parts


def _unified(turns, script):
    return turns and [
        Turn(
            scripts.unify_script(turn.question, script),
            scripts.unify_script(turn.answer, script),
            turn.time,
        )
        for turn in turns
    ]


def _why_not(raw, text, rules):
    """The reason to leave a document out, or None; the owner's word comes before ours."""
    action = rules.action(raw.id)
    if action == "drop":
        return "owner"
    if action in WANTED and text:
        return None
    if raw.draft or raw.skip_reason:
        return "draft" if raw.draft else raw.skip_reason
    # A chat, and a month of short posts, is long enough when it holds one utterance.
    shortest = 1 if raw.turns is not None else max(rules.short, 1)
    if len(re.sub(r"\s", "", text)) < shortest:
        return "short"
    if raw.turns is not None:
        return None
    facts = {**raw.front_matter, "author": raw.author, "owner": [rules.author, *rules.me]}
    return authorship.reason_not_own(raw.title, raw.text, facts)


def strangers(authors, rules):
    """The names among `authors` (Counter of documents) that are surely somebody else's, once the owner said their own.

    Names in another script, or with a word in common, may be theirs; and so may the name that most texts carry: a
    blog's login is often no name at all.
    """
    names = [name for name in (rules.known, *rules.me) if name] if rules.known else []
    others = {author for author in authors if _another(author, names)}
    own = sum(count for author, count in authors.items() if author not in others)
    return {author for author in others if authors[author] < own}


def _another(author, names):
    chinese = [bool(re.search("[\u4e00-\u9fff]", name)) for name in (author, *names)]
    words = set(re.findall(r"[^\W_]+", author.casefold()))
    shared = any(
        words & set(re.findall(r"[^\W_]+", name.casefold()))
        or _bare(author) in _bare(name)
        or _bare(name) in _bare(author)
        for name in names
    )
    return chinese[0] in chinese[1:] and not shared


def _bare(name):
    return "".join(character for character in name.casefold() if character.isalnum())


def _record(raw, text, title, turns, rules, account):
    language = language_of(text)
    title = " ".join((title or raw.fallback_title).split())

    def masked(words):
        return _masked(words, language, rules, account)

    title = masked(title)
    if turns is None:
        text = masked(text)
    else:
        turns = [Turn(masked(turn.question), masked(turn.answer), turn.time) for turn in turns]
        text = "\n\n".join(turn.answer for turn in turns)
    author = raw.author or rules.author
    return replace(raw, title=title, text=text, author=author, language=language, turns=turns)


# Personal data


def _masked(text, language, rules, account):
    """The text with personal data masked, as the owner decided: by value, else by kind, else masked."""

    def keep(kind, value):
        decided = rules.action(privacy.value_id(kind, value)) or rules.action(f"privacy {kind}")
        return not rules.mask or decided == "keep"

    def notice(kind, value, context):
        name = privacy.value_id(kind, value)
        record = account.personal.setdefault(
            (kind, name),
            {
                "id": name,
                "kind": kind,
                "value": value,
                "count": 0,
                "examples": [],
                "masked": not keep(kind, value),
            },
        )
        record["count"] += 1
        if len(record["examples"]) < EXAMPLES:
            record["examples"].append(context)

    text, counts = privacy.mask(
        text, language, account.numbers, rules.names, keep=keep, notice=notice
    )
    account.masked.update(counts)
    return text
