"""Separates the author's prose from quotations, reposts, boilerplate and generated text.

`keep_own_blocks` leaves out parts of a text, `reason_not_own` says why a whole text is left out.
The rules look for signs that only text by others has, and keep what is doubtful: a footer left in
does little harm, a page of the author's left out does much. Dialogue, poems and lists of advice
count as the author's. The patterns are in authorship_patterns.py, the rules about quotations in
authorship_quotes.py.
"""

import re

from ..text.script import HAN_TO_TEN, columns, has_han
from . import authorship_patterns as patterns
from . import authorship_quotes as quotes
from . import listings
from .clean.paragraphs import NOTHING, NUMBER_ALONE, Block, drop, to_text
from .listings import is_plain, runs
from .records import RemovedParts

# Characters; a longer text goes on below a blog's sample post in the owner's own words.
_SAMPLE_POST_LIMIT = 3000
_OF_PAGES = ("platform", "footer")  # reasons that a message of a chat can't have


def keep_own_blocks(
    blocks: list[Block], removed: RemovedParts, author: str = "", on_page: bool = True
) -> list[Block]:
    """The author's own blocks; the others go to `removed`, unless the owner wants them back.

    `author` is the owner's name: a byline with it is removed, but a quotation or lyrics that it
    signs are kept. Without `on_page` nothing counts as a footer or as what a web site adds.
    """
    blocks, spans, taken = _cut_reposts(blocks), [], set()
    rules = (
        _sections,
        _lyrics,
        _timestamps,
        _contents,
        _links,
        _code,
        quotes.rules_out,
        _single_lines,
    )
    for rule in (*rules, *listings.RULES):
        for start, end, what, reason in rule(blocks, author):
            if reason in _OF_PAGES and not on_page:
                continue
            restored = any(block.kind == "restored" for block in blocks[start:end])
            if not restored and not taken & set(range(start, end)):
                taken.update(range(start, end))
                spans.append((start, end, what, reason))
    gone = set()
    for start, end, what, reason in sorted(spans):
        if removed.take(what, reason, to_text(blocks[start:end])):
            gone.update(range(start, end))
    own_blocks = []
    for block in drop(blocks, gone):
        if not block.text.strip() or NOTHING.fullmatch(block.text):
            continue
        if block.kind != "restored" and NUMBER_ALONE.fullmatch(block.text):
            block = block._replace(kind="h2")  # the heading of a section
        own_blocks.append(block)
    return own_blocks


def _cut_reposts(blocks):
    """Blocks cut where a repost starts: the text before '//@somebody:' is the author's."""
    pieces = []
    for block in blocks:
        plain = "@" in block.text and block.kind in ("text", "line")
        cut = patterns.REPOST_CHAIN.search(block.text) if plain else None
        comment = block.text[: cut.start()].rstrip() if cut else ""
        if comment.strip():
            pieces.append(block._replace(text=comment))
            block = block._replace(kind="line", text=block.text[cut.start() :])
        pieces.append(block)
    return pieces


# Rules: each yields (start, end, what, reason) of blocks that are not the author's.


def _sections(blocks, author):
    """Lists under a heading that names them: references, contents, show notes, an AI summary."""
    for index, block in enumerate(blocks[:-1]):
        label = _label(block)
        if not label:
            continue
        if patterns.REFERENCES.fullmatch(label):
            yield from _section(blocks, index, _is_reference, 1, "references")
        elif patterns.CONTENTS.fullmatch(label):
            yield from _section(blocks, index, _is_entry, 3, "contents")
        elif patterns.TIMELINE.fullmatch(label):
            yield from _section(blocks, index, _is_timestamp, 2, "timestamps")
        elif patterns.SUMMARY.fullmatch(label):
            end = _end_of_run(blocks, index + 1, _is_item)
            by_machine = not label.lower().startswith("key")
            if by_machine and end == index + 1:
                end += blocks[end].kind in ("text", "line")
            if end - index > (1 if by_machine else 2):
                after = _label(blocks[end]) if end < len(blocks) else ""
                end += bool(patterns.AFTER_SUMMARY.fullmatch(after))
                yield index, end, "passage", "machine"


def _label(block):
    """A heading or short line without numbering and punctuation; '' for a longer text."""
    if columns(block.text) > 40:
        return ""
    text = re.sub(f"^[{HAN_TO_TEN}]+[、.]", "", block.text)
    return re.sub(r"^[\W\d_]+(?=\w)|[\W_]+$", "", text)


def _section(blocks, index, test, least, reason):
    """Yield the blocks below the heading at `index` that pass the test, if at least `least` do."""
    end = _end_of_run(blocks, index + 1, test)
    if end - index > least:
        # A heading stays if text of the author's follows in its section.
        is_whole_section = end == len(blocks) or blocks[end].is_heading
        start = index if is_whole_section or not blocks[index].is_heading else index + 1
        yield start, end, "list", reason


def _end_of_run(blocks, start, test):
    """The index after the blocks from `start` on that pass the test."""
    end = start
    while end < len(blocks) and is_plain(blocks[end]) and test(blocks[end]):
        end += 1
    return end


def _is_reference(block):
    cites = columns(block.text) <= 400 and patterns.CITATION.search(block.text)
    return block.linked >= 0.5 or bool(cites)


def _is_item(block):
    return block.kind == "item" or bool(re.match(r"[-*+•·]\s|\d{1,2}[.、)]\s?", block.text))


def _is_entry(block):
    return columns(block.text) <= 60 and not re.search(r"[。！？!?；;，,.]$", block.text)


def _is_timestamp(block):
    return patterns.TIMESTAMP.match(block.text)


def _lyrics(blocks, author):
    """Songs by others: eight short lines or more with a credit near the top or a chorus."""
    for start, end in runs(blocks, _is_verse, 8):
        above = blocks[max(0, start - 2) : start]
        credits = [b for b in [*above, *blocks[start : start + 4]] if _is_credit(b)]
        if author and any(author in block.text for block in credits):
            continue
        if credits or _has_chorus([block.text.strip() for block in blocks[start:end]]):
            yield start - sum(block in credits for block in above), end, "passage", "lyrics"


def _is_verse(block):
    if block.kind == "item" or columns(block.text) > 44:
        return False
    return not re.search(r"[。；：:]$|[{}=;<>_|`]|\d{3}|(\d\W+){3}", block.text)


def _is_credit(block):
    return patterns.LYRICS.fullmatch(block.text.strip("【】[]()（）# "))


def _has_chorus(lines):
    """Whether three different lines in a row are repeated."""
    first = {}
    for index in range(len(lines) - 2):
        three = tuple(lines[index : index + 3])
        if len(set(three)) == 3 and min(map(columns, three)) >= 6:
            if index - first.setdefault(three, index) >= 3:
                return True
    return False


def _timestamps(blocks, author):
    """Show notes: times that begin within a minute of 0:00, unlike those of a timetable."""
    for start, end in runs(blocks, _is_timestamp, 3):
        lines = blocks[start:end]
        seconds = [_seconds(*patterns.TIMESTAMP.match(line.text).groups()) for line in lines]
        if seconds[0] <= 60 and seconds == sorted(seconds) and not _is_transcript(lines):
            yield start, end, "list", "timestamps"


def _seconds(first, second, third):
    return (int(first) * 60 + int(second)) * (60 if third else 1) + int(third or 0)


def _is_transcript(blocks):
    """Whether most lines with times are sentences, or all name speakers and one does so twice."""
    texts = [b.text[patterns.TIMESTAMP.match(b.text).end() - 1 :].strip() for b in blocks]
    speakers = [re.match(r"[^\s:：][^:：]{0,30}[:：]", text) for text in texts]
    names = {match.group() for match in speakers if match}
    if all(speakers) and len(speakers) > len(names):
        return True
    return sum(map(_is_sentence, texts)) > len(texts) / 2


def _is_sentence(text):
    limit = 40 if text[-1:] in "?？" else 100
    return bool(re.search(r"[。.!！…]$", text)) or columns(text) > limit


def _contents(blocks, author):
    """Tables of contents: lines that end in dots and a page number."""
    for start, end in runs(blocks, lambda b: patterns.CONTENTS_LINE.fullmatch(b.text), 3):
        yield start, end, "list", "contents"


def _links(blocks, author):
    """Three or more links in a row, unless a line such as 'My favourites:' introduces them."""
    for start, end in runs(blocks, _is_link, 3):
        before = blocks[start - 1] if start else None

        if before is None or before.is_heading or not re.search("[:：]$", before.text):
            yield start, end, "list", "links"


def _is_link(block):
    ends = block.kind == "item" or not re.search("[,.;，。；、]$", block.text)
    return block.linked >= 0.8 and columns(block.text) <= 200 and ends


def _code(blocks, author):
    """Code without a fence around it: three lines or more, or a single command."""
    for start, end in runs(blocks, _is_codelike, 3):
        sure = sum(bool(patterns.CODE_SURE.fullmatch(b.text.strip())) for b in blocks[start:end])
        if sure >= max(2, (end - start) / 3):
            yield start, end, "code", "code"
    for index, block in enumerate(blocks):
        short = block.kind in ("text", "line") and columns(block.text) <= 160
        if short and patterns.COMMAND.fullmatch(block.text):
            yield index, index + 1, "code", "code"


def _is_codelike(block):
    text = block.text.strip()
    if len(text) > 200 or not patterns.CODE_HINT.search(text) or block.kind == "item":
        return False
    if re.search(r"[。！？，]", re.sub(r"([\"']).*?\1|(#|//).*", "", text)):
        return False
    return bool(patterns.CODE_SURE.fullmatch(text) or patterns.CODE_MAYBE.fullmatch(text))


def _single_lines(blocks, author):
    """Single lines by others: bylines, footers, what web sites and models add."""
    for index, block in enumerate(blocks):
        if block.is_heading and not _is_platform_heading(block.text):
            continue
        verdict = _single_line(block.text, index == 0, len(blocks) - index <= 3, author)
        if verdict and not (block.kind == "item" and verdict[1] == "machine"):
            yield index, index + 1, *verdict


def _is_platform_heading(text):
    return re.search(r"\w \w|[一-鿿]{4}", text) and patterns.PLATFORM.fullmatch(text)


def _single_line(text, first, near_end, author):
    """(what, reason) of a line by others, or None; `near_end`: one of the last three blocks."""
    if first and author and text.strip("·•・—–-－文作者/／:：by ") == author.strip():
        return "byline", "byline"
    bare = text.strip(' *#>-—·|“”"')
    if patterns.REPOST.match(bare):
        message = "@" in bare[:6] or "微博" in bare[:5]
        return "message" if message else "footer", "repost"
    if len(bare) <= 300 and patterns.PLATFORM.fullmatch(bare):
        return "footer", "platform"
    if patterns.MACHINE.fullmatch(bare):
        return "passage", "machine"
    if patterns.ORDER_TO_A_MODEL.match(bare):
        return "passage", "order"
    surely = columns(text) <= 300 and patterns.FOOTER_SURE.search(text)
    likely = near_end and columns(text) < 120 and patterns.FOOTER_LAST.search(text)
    return ("footer", "footer") if surely or likely else None


# Whole documents


def reason_not_own(title: str, text: str, front_matter: dict) -> str | None:
    """Why a whole document isn't its owner's, a key of data/reasons.yaml, or None when it is.

    `text` is the raw text, before cleaning. `front_matter` has lower-case keys and "owner": the
    name or names of the owner. Reasons: platform, repost, clipped, machine, lyrics.
    """
    lines = [line.strip(" \t*_#>-") for line in text[:3000].split("\n") + text[-2000:].split("\n")]
    lines = [line for line in lines if line]
    ends = [line for line in lines[:4] + lines[-4:] if columns(line) <= 160]
    owner = {name.lower() for name in _as_list(front_matter.get("owner")) if name}
    if len(text) < _SAMPLE_POST_LIMIT and patterns.SAMPLE_POST.match(text.strip()):
        return "platform"
    if _is_reposted(title, ends, front_matter):
        return "repost"
    if _is_clipped(ends, front_matter, owner):
        return "clipped"
    if _is_by_machine(ends, text, front_matter):
        return "machine"
    return "lyrics" if _is_song(title, text, owner) else None


def _as_list(value):
    several = isinstance(value, (list, tuple, set))
    return [str(item).strip() for item in (value if several else [value or ""])]


def _tags(front_matter):
    keys = ("tags", "tag", "categories", "category", "type", "copyright")
    values = [value for key in keys for value in _as_list(front_matter.get(key))]
    return {tag.lower().lstrip("#") for value in values for tag in value.split(",")}


def _is_reposted(title, ends, front_matter):
    if _tags(front_matter) & patterns.REPOST_TAGS or patterns.REPOST_TITLE.match(title.strip()):
        return True
    lines = filter(patterns.REPOST_LINE.match, ends)
    return not all(map(patterns.OWN_SITE.search, lines))


def _is_clipped(ends, front_matter, owner):
    """Whether a text was saved from a web site: a tag, or another author and a source address."""
    if _tags(front_matter) & patterns.CLIPPED_TAGS or patterns.CLIPPED_KEYS & set(front_matter):
        return True
    credits = [match for match in map(patterns.AUTHOR_LINE.match, ends) if match]
    names = [match["zh"] or match["en"] for match in credits]
    names += [name.strip('[]"') for name in _as_list(front_matter.get("author"))]
    sources = [str(front_matter.get(key, "")) for key in patterns.SOURCE_KEYS]
    saved = any(source.startswith("http") for source in sources)
    saved = saved or any(map(patterns.SOURCE_LINE.match, ends))
    signed = [match["zh"] for match in credits if match["this"]]
    return any(_is_other_name(name, owner) for name in (names if saved else signed))


def _is_other_name(name, owner):
    """Whether a name isn't the owner's; in another script than all of theirs it may be, too."""
    name = name.strip().lower()
    comparable = any(has_han(name) == has_han(own) for own in owner)
    return bool(name) and name not in owner and comparable


def _is_by_machine(ends, text, front_matter):
    """Whether the front matter or the first or last lines name a model, or 'As an AI' is twice."""
    flags = (str(front_matter.get(key, "")).lower() for key in patterns.MACHINE_KEYS)
    is_flagged = any(flag in ("true", "yes", "1", "ai", "chatgpt") for flag in flags)
    about = re.compile("本文|全文|this (post|article)", re.IGNORECASE)
    is_declared = any(patterns.MACHINE.fullmatch(line) and about.match(line) for line in ends)
    return is_flagged or is_declared or len(patterns.AS_AN_AI.findall(text)) >= 2


def _is_song(title, text, owner):
    """Whether a text is lyrics by others: with times, or short lines under a credit."""
    start = text[:20_000]
    if len(patterns.LYRICS_TIME.findall(start)) >= 5:
        return True
    lines = [line.strip() for line in start.split("\n") if line.strip()]
    short = sum(columns(line) <= 44 and not re.search("[。；]$", line) for line in lines)
    credits = [line for line in lines[:6] if patterns.LYRICS.fullmatch(line)]
    if not credits and re.search("歌词|lyrics", title, re.IGNORECASE):
        credits = [title]
    own = any(name in credit.lower() for name in owner for credit in credits)
    return len(lines) >= 8 and short >= 0.8 * len(lines) and bool(credits) and not own
