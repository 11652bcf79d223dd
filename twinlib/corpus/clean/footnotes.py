"""Footnotes and the marks that refer to them, as books print them: ①, 〔1〕, [1]."""

import re

from ..records import RemovedParts
from .paragraphs import Block, drop

_MARK = re.compile(r"[①-⒇]|[\[［〔【]\d{1,3}[\]］〕】]")  # before a note
_REFERENCE = re.compile(r"[①-⒇]|[\[［〔【(（]\d{1,3}[\]］〕】)）]")  # in the text
# A mark after a word within a block, not at its end.
_STRAY = re.compile(r"(?<=\S)〔[\d０-９]{1,3}〕(?!\s*$)")
_HEADING = re.compile(
    r"[【\[(（]?(注释?|註釋?|尾注|脚注|注解|(foot|end)?notes)[】\])）]?[:：]?", re.IGNORECASE
)
_ENTRY = re.compile(r"(?:[-*] )?(\^?[①-⒇]|[\[［〔【(（]?\^?(\d{1,3})[\]］〕】)）.、]?)\s*\S")


def without_footnotes(blocks: list[Block], removed: RemovedParts) -> list[Block]:
    """Blocks without the paragraphs that are notes, and without the marks that refer to them.

    A paragraph is a note when it starts with a mark that the text above it has, or is under a
    heading for notes. Notes go to `removed`.
    """
    notes = _indices_of_notes(blocks)
    if not notes:
        return _without_stray_marks(blocks)
    in_text = {mark for block in blocks for mark in _REFERENCE.findall(block.text)}
    marks = {mark for index in notes for mark in in_text & _marks_of(blocks[index].text)}
    dropped = {i for i in sorted(notes) if removed.take("footnote", "footnote", blocks[i].text)}
    restored = notes - dropped
    headings = {i - 1 for i in dropped} - notes
    dropped |= {i for i in headings if _HEADING.fullmatch(blocks[i].text)}
    rule = re.compile(r"\s?(?:" + "|".join(map(re.escape, sorted(marks))) + ")") if marks else None
    unmarked = []
    for index, block in enumerate(blocks):
        if index in restored:
            block = block._replace(kind="restored")
        elif rule and index not in dropped:
            block = block._replace(text=rule.sub("", block.text))
        unmarked.append(block)
    return _without_stray_marks(drop(unmarked, dropped))


def _indices_of_notes(blocks):
    marks_above, in_section, notes = set(), False, set()
    for index, block in enumerate(blocks):
        mark = _MARK.match(block.text)
        marked = mark and (notes or mark.group() in marks_above)
        if _HEADING.fullmatch(block.text) or block.is_heading:
            in_section = bool(_HEADING.fullmatch(block.text))
        elif block.kind != "restored" and (marked or in_section) and _ENTRY.match(block.text):
            notes.add(index)
        else:
            in_section = False
        marks_above.update(_MARK.findall(block.text[mark.end() if mark else 0 :]))
    return notes


def _marks_of(note):
    """The marks by which the text may refer to a note: its own, or its number in brackets."""
    mark, number = _ENTRY.match(note).groups()
    brackets = ("[]", "［］", "〔〕", "()", "（）")
    return {mark, *(f"{left}{number}{right}" for left, right in brackets)}


def _without_stray_marks(blocks):
    """Blocks without marks whose notes are not in the text.

    Those are 〔１１〕 after a word, and ⑴ ⑵ ⑶ in ascending order where none of them starts a
    paragraph or numbers an enumeration.
    """
    text = "\n".join(block.text for block in blocks)
    numbers = re.findall("[⑴-⒇]", text)
    ascending = numbers and numbers == sorted(set(numbers))
    counted = ascending and not re.search(r"(?:^|[\s：:；;，,、])[⑴-⒇]", text)
    if not counted and not _STRAY.search(text):
        return blocks
    rule = re.compile(_STRAY.pattern + ("|[⑴-⒇]" if counted else ""))
    return [
        block if block.kind == "restored" else block._replace(text=rule.sub("", block.text))
        for block in blocks
    ]
