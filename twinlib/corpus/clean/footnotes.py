"""Printed notes and their numbers: ① and 〔1〕 at the start of a paragraph, [1] of wikis, sections called 注释 or Notes."""

import re

from .paragraphs import without

NUMBER = re.compile(r"[①-⒇]|[\[［〔【(（]\d{1,3}[\]］〕】)）]")
MARK = re.compile(r"[①-⒇]|[\[［〔【]\d{1,3}[\]］〕】]")
STRAY = re.compile(r"(?<=\S)〔[\d０-９]{1,3}〕(?!\s*$)")
HEADING = re.compile(
    r"[【\[(（]?(注释?|註釋?|尾注|脚注|注解|(foot|end)?notes)[】\])）]?[:：]?", re.IGNORECASE
)
ENTRY = re.compile(r"(?:[-*] )?(\^?[①-⒇]|[\[［〔【(（]?\^?(\d{1,3})[\]］〕】)）.、]?)\s*\S")


def without_notes(blocks, parts):
    """Blocks without the paragraphs that are notes, and without their marks in the text above them.

    A paragraph is a note when it starts with a mark that the text above it carries, or stands under a heading
    for notes.
    """
    places = _places(blocks)
    if not places:
        return _without_strays(blocks)
    carried = {mark for block in blocks for mark in NUMBER.findall(block.text)}
    gone, marks, kept = set(), set(), set()
    for place in places:
        marks |= carried & _marks(blocks[place].text)
        (gone if parts.take("footnote", "footnote", blocks[place].text) else kept).add(place)
    gone |= {
        place - 1
        for place in gone
        if place - 1 not in places and HEADING.fullmatch(blocks[place - 1].text)
    }
    rule = re.compile(r"\s?(?:" + "|".join(map(re.escape, sorted(marks))) + ")") if marks else None
    blocks = [
        block._replace(kind="kept")
        if place in kept
        else block._replace(text=rule.sub("", block.text))
        if rule and place not in gone
        else block
        for place, block in enumerate(blocks)
    ]
    return _without_strays(without(blocks, gone))


def _without_strays(blocks):
    """Blocks without the marks of notes that were left behind somewhere else: 〔１１〕 after a word, and ⑴ ⑵ ⑶ in
    their order through the text, where none of them opens a paragraph or numbers an enumeration."""
    text = "\n".join(block.text for block in blocks)
    series = [ord(mark) - 0x2474 for mark in re.findall("[⑴-⒇]", text)]
    counted = (
        bool(series)
        and series == sorted(set(series))
        and not re.search(r"(?:^|[\s：:；;，,、])[⑴-⒇]", text)
    )
    if not counted and not STRAY.search(text):
        return blocks
    rule = re.compile(STRAY.pattern + "|[⑴-⒇]" * counted)
    return [
        block if block.kind == "kept" else block._replace(text=rule.sub("", block.text))
        for block in blocks
    ]


def _places(blocks):
    """The places of the paragraphs that are notes."""
    above, listed, found = set(), False, set()
    for place, block in enumerate(blocks):
        mark = MARK.match(block.text)
        if HEADING.fullmatch(block.text) or block.kind[0] == "h":
            listed = bool(HEADING.fullmatch(block.text))
        elif (
            block.kind != "kept"
            and (mark and (found or mark.group() in above) or listed)
            and ENTRY.match(block.text)
        ):
            found.add(place)
        else:
            listed = False
        above.update(MARK.findall(block.text[mark.end() if mark else 0 :]))
    return found


def _marks(note):
    """How the text may refer to a note: by its own mark, or by its number in brackets."""
    mark, number = ENTRY.match(note).groups()
    return {
        mark,
        *(left + number + right for left, right in ("[]", "［］", "〔〕", "()", "（）") if number),
    }
