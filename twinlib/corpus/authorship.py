"""Whose words are these? What others, machines and web sites put into a text is told from what its author wrote.

Rules look for marks that only such parts carry, and leave a doubtful one in: a missed footer costs little, an author's
own page lost costs much. Dialogue, poems without a mark and lists of advice are the author's.
"""

import re
from itertools import groupby

from ..text.script import columns
from .authorship_patterns import (
    AFTER_SUMMARY,
    CHAIN,
    CITATION,
    CLIPPED_KEYS,
    CLIPPED_TAGS,
    CLOSE,
    CODE_HINT,
    CODE_MAYBE,
    CODE_SURE,
    COMMAND,
    CONTENTS,
    CREDIT,
    FIRST_PERSON,
    FOOTER_LAST,
    FOOTER_SURE,
    LEADER,
    LRC,
    LYRICS,
    MACHINE,
    MADE_KEYS,
    OPEN,
    OWN_PLACE,
    PLATFORM,
    QUOTED,
    REFERENCES,
    REPOST,
    REPOST_LINE,
    REPOST_TAGS,
    REPOST_TITLE,
    SAYS,
    SIGNED,
    SOURCE,
    SOURCE_KEYS,
    STAMP,
    STOCK,
    SUMMARY,
    TIMELINE,
)
from .clean.paragraphs import NOTHING, NUMBER_ALONE, joined, without

STOCK_LIMIT = 3000  # characters; an owner who wrote on below the stock post has more


def own(blocks, parts, author=""):
    """Blocks of the author's own words; the rest goes to `parts`, what the owner wants back stays."""
    blocks, spans, taken = _unchained(blocks), [], set()
    for rule in (_sections, _credited, _stamps, _leaders, _links, _code, _passages, _singles):
        for start, end, what, reason in rule(blocks, author):
            if not taken & set(range(start, end)) and all(
                b.kind != "kept" for b in blocks[start:end]
            ):
                taken.update(range(start, end))
                spans.append((start, end, what, reason))
    gone = set()
    for start, end, what, reason in sorted(spans):
        if parts.take(what, reason, joined(blocks[start:end])):
            gone.update(range(start, end))
    blocks = [b for b in without(blocks, gone) if b.text.strip() and not NOTHING.fullmatch(b.text)]
    # A number alone on its line is the heading of a section; stars alone are nothing.
    return [
        b._replace(kind="h2") if NUMBER_ALONE.fullmatch(b.text) and b.kind != "kept" else b
        for b in blocks
    ]


def _unchained(blocks):
    """Blocks cut where a repost starts: what stands before '//@somebody:' is the author's."""
    found = []
    for block in blocks:
        cut = (
            CHAIN.search(block.text)
            if "@" in block.text and block.kind in ("text", "line")
            else None
        )
        if cut and block.text[: cut.start()].strip():
            found += [
                block._replace(text=block.text[: cut.start()].rstrip()),
                block._replace(kind="line", text=block.text[cut.start() :]),
            ]
        else:
            found.append(block)
    return found


def _label(block):
    """What a heading or a short line says, without its numbering, marks and colon; '' for a longer line."""
    if columns(block.text) > 40:
        return ""
    return re.sub(
        r"^[\W\d_]+(?=\w)|[\W_]+$", "", re.sub(r"^[一二三四五六七八九十]+[、.]", "", block.text)
    )


def _run(blocks, start, test):
    """The place after the last of the blocks from `start` on that pass the test."""
    end = start
    while (
        end < len(blocks)
        and blocks[end].kind[0] != "h"
        and blocks[end].kind != "kept"
        and test(blocks[end])
    ):
        end += 1
    return end


def _sections(blocks, author):
    """Lists under a heading that says what they are: references, links, contents, a machine's summary, show notes."""
    for place, block in enumerate(blocks[:-1]):
        label = _label(block)
        if not label:
            continue
        if REFERENCES.fullmatch(label):
            yield from _section(blocks, place, _run(blocks, place + 1, _cites), 1, "references")
        elif CONTENTS.fullmatch(label):
            yield from _section(blocks, place, _run(blocks, place + 1, _entry), 3, "contents")
        elif TIMELINE.fullmatch(label):
            yield from _section(
                blocks,
                place,
                _run(blocks, place + 1, lambda b: STAMP.match(b.text)),
                2,
                "timestamps",
            )
        elif SUMMARY.fullmatch(label):
            end = _run(blocks, place + 1, _item)
            machine = not label.lower().startswith("key")
            end += machine and end == place + 1 and blocks[end].kind in ("text", "line")
            if end - place > (1 if machine else 2):
                end += end < len(blocks) and bool(AFTER_SUMMARY.fullmatch(_label(blocks[end])))
                yield place, end, "passage", "machine"


def _section(blocks, place, end, least, reason):
    if end - place > least:
        # A heading stays while something that is the author's goes on under it.
        whole = end == len(blocks) or blocks[end].kind[0] == "h"
        yield place if whole or blocks[place].kind[0] != "h" else place + 1, end, "list", reason


def _cites(block):
    return block.linked >= 0.5 or columns(block.text) <= 400 and bool(CITATION.search(block.text))


def _item(block):
    return block.kind == "item" or bool(re.match(r"[-*+•·]\s|\d{1,2}[.、)]\s?", block.text))


def _entry(block):
    return columns(block.text) <= 60 and not re.search(r"[。！？!?；;，,.]$", block.text)


def _runs(blocks, test, least):
    """(start, end) of all runs of at least `least` blocks that pass the test."""
    start = 0
    for good, run in groupby(blocks, lambda block: block.kind[0] not in "hk" and bool(test(block))):
        end = start + sum(1 for _ in run)
        if good and end - start >= least:
            yield start, end
        start = end


def _links(blocks, author):
    for start, end in _runs(blocks, _link, 3):
        # "My three favourites:" makes the list a part of what the author says.
        if (
            not start
            or blocks[start - 1].kind[0] == "h"
            or not re.search("[:：]$", blocks[start - 1].text)
        ):
            yield start, end, "list", "links"


def _link(block):
    return (
        block.linked >= 0.8
        and columns(block.text) <= 200
        and (block.kind == "item" or not re.search("[,.;，。；、]$", block.text))
    )


def _leaders(blocks, author):
    for start, end in _runs(blocks, lambda b: LEADER.fullmatch(b.text), 3):
        yield start, end, "list", "contents"


def _stamps(blocks, author):
    """Show notes: the first stands at the start of the recording, so that a day's timetable is none."""
    for start, end in _runs(blocks, lambda b: STAMP.match(b.text), 3):
        times = [STAMP.match(b.text).groups() for b in blocks[start:end]]
        seconds = [
            int(a) * 3600 + int(b) * 60 + int(c) if c else int(a) * 60 + int(b) for a, b, c in times
        ]
        if seconds[0] <= 60 and seconds == sorted(seconds) and not _spoken(blocks[start:end]):
            yield start, end, "list", "timestamps"


def _spoken(blocks):
    """Do these lines with times say whole sentences, or does a speaker come again? Then it is a transcript."""
    said = [block.text[STAMP.match(block.text).end() - 1 :].strip() for block in blocks]
    whole = sum(
        bool(re.search(r"[。.!！…]$", text)) or columns(text) > (40 if text[-1:] in "?？" else 100)
        for text in said
    )
    speakers = [
        match.group()
        for match in (re.match(r"[^\s:：][^:：]{0,30}[:：]", text) for text in said)
        if match
    ]
    return whole > len(said) / 2 or len(speakers) == len(said) > len(set(speakers))


def _credited(blocks, author):
    """Somebody's song: eight short lines or more with a credit near the top, or with a chorus that comes again."""
    for start, end in _runs(blocks, _verse, 8):
        near = blocks[max(0, start - 2) : start + 4]
        credits = [b for b in near if LYRICS.fullmatch(b.text.strip("【】[]()（）# "))]
        if author and any(author in b.text for b in credits):
            continue
        if credits or _chorus([b.text.strip() for b in blocks[start:end]]):
            before = start - sum(b in credits for b in blocks[max(0, start - 2) : start])
            yield before, end, "passage", "lyrics"


def _verse(block):
    return (
        block.kind != "item"
        and columns(block.text) <= 44
        and not re.search(r"[。；：:]$|[{}=;<>_|`]|\d{3}|(\d\W+){3}", block.text)
    )


def _chorus(lines):
    """Do three different lines come again in the same order?"""
    seen = {}
    for place in range(len(lines) - 2):
        three = tuple(lines[place : place + 3])
        if (
            len(set(three)) == 3
            and min(map(columns, three)) >= 6
            and place - seen.setdefault(three, place) >= 3
        ):
            return True
    return False


def _code(blocks, author):
    """Code that stands between the paragraphs without a fence around it."""
    for start, end in _runs(blocks, _codelike, 3):
        if sum(bool(CODE_SURE.fullmatch(b.text.strip())) for b in blocks[start:end]) >= max(
            2, (end - start) / 3
        ):
            yield start, end, "code", "code"
    for place, block in enumerate(blocks):
        if (
            block.kind in ("text", "line")
            and columns(block.text) <= 160
            and COMMAND.fullmatch(block.text)
        ):
            yield place, place + 1, "code", "code"


def _codelike(block):
    text = block.text.strip()
    if len(text) > 200 or not CODE_HINT.search(text) or block.kind == "item":
        return False
    spoken = re.search(r"[。！？，]", re.sub(r"([\"']).*?\1|(#|//).*", "", text))
    return not spoken and bool(CODE_SURE.fullmatch(text) or CODE_MAYBE.fullmatch(text))


def _passages(blocks, author):
    """Long quotations that are paragraphs of their own and that somebody else is said to have written."""
    speech = sum(b.text[:1] in OPEN or "：“" in b.text or ', "' in b.text for b in blocks if b.text)
    for place, block in enumerate(blocks if speech <= 3 else []):
        quoted = QUOTED.fullmatch(block.text)
        if block.kind not in ("text", "line") or not quoted or not _one(quoted.group(2)):
            continue
        end = place + 1
        signed = quoted.group(3) or (
            blocks[end].text if end < len(blocks) and blocks[end].kind != "item" else ""
        )
        if (
            not quoted.group(1).strip()
            and SIGNED.fullmatch(signed.strip())
            and not (author and author in signed)
        ):
            yield place, end if quoted.group(3) else end + 1, "quote", "quote"
            continue
        if not _long(quoted.group(2)):
            continue
        before, after = blocks[place - 1].text if place else "", quoted.group(3)
        introduction = quoted.group(1).strip() or (before if re.search("[：:]$", before) else "")
        says = SAYS.search(introduction.rstrip("：:，, ")) and not FIRST_PERSON.search(
            introduction[-40:]
        )
        if says or after and not (author and author in after):
            yield place, place + 1, "quote", "quote"


def _one(quoted):
    # One pair of quotation marks around all of it, not several short ones in a sentence.
    inside = re.sub(r"“[^“”]*”|「[^「」]*」", "", quoted[1:-1])
    return not re.search(f"[{OPEN}{CLOSE}]", inside.replace("『", "").replace("』", ""))


def _long(quoted):
    return (
        len(re.findall(r"[\u3400-\u9fff]", quoted)) > 80
        or len(re.findall(r"[A-Za-z'’]+", quoted)) > 60
    )


def _singles(blocks, author):
    for place, block in enumerate(blocks):
        if (
            block.kind[0] != "h"
            or re.search(r"\w \w|[一-鿿]{4}", block.text)
            and PLATFORM.fullmatch(block.text)
        ):
            found = _single(block.text, len(blocks) - place <= 3, place == 0, author)
            if found and (block.kind != "item" or found[1] != "machine"):
                yield place, place + 1, *found


def _single(text, last, first, author):
    if first and author and text.strip("·•・—–-－ 文作者/／:：by ") == author.strip():
        return "byline", "byline"
    bare = text.strip(' *#>-—·|“”"')
    if REPOST.match(bare):
        return (
            ("message", "repost") if "@" in bare[:6] or "微博" in bare[:5] else ("footer", "repost")
        )
    if len(bare) <= 300 and PLATFORM.fullmatch(bare):
        return "footer", "platform"
    if MACHINE.fullmatch(bare):
        return "passage", "machine"
    sure = columns(text) <= 300 and FOOTER_SURE.search(text)
    return (
        ("footer", "footer")
        if sure or last and columns(text) < 120 and FOOTER_LAST.search(text)
        else None
    )


# Whole documents


def verdict(title, text, facts):
    """Why a whole document isn't its owner's words: platform, repost, clipped, machine, lyrics (keys of REASONS), or
    None.

    `text` is the raw text, before cleaning takes the marks out; `facts` is its front matter in lower-case keys,
    and `owner`: the name or names that the owner goes by.
    """
    lines = [line.strip(" \t*_#>-") for line in text[:3000].split("\n") + text[-2000:].split("\n")]
    lines = [line for line in lines if line]
    ends = [line for line in lines[:4] + lines[-4:] if columns(line) <= 160]
    owner = {name.lower() for name in _listed(facts.get("owner")) if name}
    if len(text) < STOCK_LIMIT and STOCK.match(text.strip()):
        return "platform"
    if _reposted(title, ends, facts):
        return "repost"
    if _clipped(ends, facts, owner):
        return "clipped"
    if _made(ends, text, facts):
        return "machine"
    return "lyrics" if _song(title, text, owner) else None


def _listed(value):
    several = isinstance(value, (list, tuple, set))
    return [str(item).strip() for item in (value if several else [value or ""])]


def _tags(facts):
    return {
        tag.lower().lstrip("#")
        for key in ("tags", "tag", "categories", "category", "type", "copyright")
        for value in _listed(facts.get(key))
        for tag in value.split(",")
    }


def _reposted(title, ends, facts):
    return bool(
        _tags(facts) & REPOST_TAGS
        or REPOST_TITLE.match(title.strip())
        or any(REPOST_LINE.match(line) and not OWN_PLACE.search(line) for line in ends)
    )


def _clipped(ends, facts, owner):
    """One sure mark, or two weak ones: another author, and an address that the text was saved from."""
    if _tags(facts) & CLIPPED_TAGS or any(key in facts for key in CLIPPED_KEYS):
        return True
    credits = [match["zh"] or match["en"] for match in map(CREDIT.match, ends) if match]
    names = credits + [name.strip('[]"') for name in _listed(facts.get("author"))]
    other = any(_stranger(name, owner) for name in names)
    saved = any(str(facts.get(key, "")).startswith("http") for key in SOURCE_KEYS) or any(
        map(SOURCE.match, ends)
    )
    signed = [match["zh"] for match in map(CREDIT.match, ends) if match and match["this"]]
    return other and saved or any(_stranger(name, owner) for name in signed)


def _stranger(name, owner):
    """Is this none of the owner's names? A Chinese name beside Latin ones may be the same person's."""
    name = name.strip().lower()
    alike = any(_chinese(name) == _chinese(own) for own in owner)
    return bool(name) and name not in owner and alike


def _chinese(name):
    return bool(re.search("[\u3400-\u9fff]", name))


def _made(ends, text, facts):
    said = any(
        str(facts.get(key, "")).lower() in ("true", "yes", "1", "ai", "chatgpt")
        for key in MADE_KEYS
    )
    about = re.compile("本文|全文|this (post|article)", re.IGNORECASE)
    declared = any(MACHINE.fullmatch(line) and about.match(line) for line in ends)
    spoken = re.findall(
        r"(?m)^(?:As an AI (?:language )?model,? I|作为一?[个名]?(?:AI|人工智能)(?:语言模型|助手)，我)",
        text,
    )
    return said or declared or len(spoken) >= 2


def _song(title, text, owner):
    if len(LRC.findall(text[:20_000])) >= 5:
        return True
    lines = [line.strip() for line in text[:20_000].split("\n") if line.strip()]
    short = sum(columns(line) <= 44 and not re.search("[。；]$", line) for line in lines)
    named = [title] if re.search("歌词|lyrics", title, re.IGNORECASE) else []
    credits = [line for line in lines[:6] if LYRICS.fullmatch(line)] or named
    mine = any(name in credit.lower() for name in owner for credit in credits)
    return len(lines) >= 8 and short >= 0.8 * len(lines) and bool(credits) and not mine
