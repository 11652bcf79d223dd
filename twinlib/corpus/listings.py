"""Lists and records in a text that are no prose of its author.

Each rule yields (start, end, what, reason) of blocks: lists of packages, versions, files and
commands, records with the same labels over and over, bibliographies, tables of contents. They look
at whole runs of lines and leave alone what people write in lines: poems, recipes, dialogue, advice.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterator
from itertools import groupby

from ..text.script import HAN_TO_TEN, HAN_ZEROS, columns
from .clean.paragraphs import Block

_BULLET = re.compile(r"^\s*(?:[-*+•·●]\s+|\d{1,3}[.)、]\s*|[│├└─|`\s]+)?")
_NAME = r"@?[A-Za-z][\w./+\-]*(?:\[[\w,]+\])?"
_VERSION = r"v?\d+(?:\.\d+)+[\w.+\-]*"
_SUFFIX = "|".join(
    """
    py pyi ipynb js mjs ts tsx jsx json jsonl yaml yml toml ini cfg conf env md rst txt csv
    tsv xls xlsx doc docx ppt pptx pdf epub htm html css scss svg png jpg jpeg gif webp mp3
    mp4 wav mov zip gz tar 7z rar sh bat ps1 exe dll so c h cpp hpp cs java kt go rs rb php
    sql db log lock gguf safetensors bin pt onnx vue swift lua pl tex bib
    """.split()
)
# A line that is nothing but a package with its version, a file, a path or a command, with a short
# remark at most.
_TECHNICAL = re.compile(
    rf"{_NAME}\s*(?:[=~<>!^]=?=?\s*{_VERSION}|\s[(（]?{_VERSION}[)）]?|@{_VERSION})"
    rf"(?:\s*,\s*[<>=!~]+\s*{_VERSION})*|"
    rf"(?:[\w.\-~]+[/\\])*[\w.\-\u4e00-\u9fff]+\.(?:{_SUFFIX})(?:\s+(?:#|//|--?|—).{{0,40}})?|"
    r"(?:[.~]{0,2}/)?(?:[\w.\-]+/)+[\w.\-]*(?:\s+#.{0,40})?|"
    r"(?:\$|>|#)\s[a-z][\w.\-]+(?:\s\S+)*|"
    r"(?:sudo|pip3?|npm|npx|yarn|pnpm|apt(?:-get)?|brew|conda|git|docker|curl|wget|cd|ls|mkdir|"
    r"chmod|"
    r"python3?|uv|cargo|make|kubectl|systemctl)\s[^。！？，；]+",
)
_LONGEST = 100  # columns of a technical line
_BARE_NAME = re.compile(r"[a-z][a-z0-9]*(?:[-_.][a-z0-9]+)*")
_FIELD = re.compile(
    r"\s*(?:【([^】]{1,12})】|([^\W\d_][\w ]{0,14}?)\s?[:：](?!//))\s*(.*)", re.DOTALL
)
_SENTENCE_END = re.compile(r"[。！？!?…]$|[^\d\W]\.$")
_SOURCE = re.compile(
    r"(?:\[\d{1,3}\]|\d{1,3}[.)、])?\s*(?:"
    r".{4,300}\[[JMCDPNRZA](?:/OL)?\].{0,200}|"
    r"(?=.{45})[A-Z][\w'’\-]+, (?:[A-Z]\.|[A-Z][a-z]+).{0,250}\b(?:1[5-9]|20)\d\d[a-z]?\b.{0,250}|"
    r".{4,300}(?<![A-Za-z])(?:ISBN|doi|arXiv)(?![A-Za-z]).{0,200}|"
    r"《[^》]{1,60}》[^。！？，；我你]{0,8}[（(][^）)]{4,200}[）)]?[。.]?\S{0,8}|"
    r"(?:[^。！？，；]{1,30}[:：.，,]\s?)?《[^》]{1,60}》[^。！？我你]{0,40}(?:出版社|书店|书局|印书馆)"
    r"[^。！？我你]{0,20}[。.]?)"
)
_HEADS = re.compile(
    rf"第[{HAN_TO_TEN}百零〇\d]{{1,5}}[章节回卷部篇讲][\s:：、.．·]?[^。！？，；]{{0,40}}|"
    r"(?:chapter|part|section)\s+(?:\d+|[ivxlc]+)\b[^.!?;]{0,60}",
    re.IGNORECASE,
)
_LONGEST_SOURCE = 800  # characters that _SOURCE can match
_CAPTION = re.compile(rf"[\W\d{HAN_TO_TEN}{HAN_ZEROS}年月]{{1,12}}")

Span = tuple[int, int, str, str]


def runs(
    blocks: list[Block], test: Callable[[Block], object], least: int
) -> Iterator[tuple[int, int]]:
    """(start, end) of all runs of at least `least` plain blocks that pass the test."""
    start = 0
    if len(blocks) < least:
        return
    for passes, run in groupby(blocks, lambda block: is_plain(block) and bool(test(block))):
        end = start + sum(1 for _ in run)
        if passes and end - start >= least:
            yield start, end
        start = end


def is_plain(block: Block) -> bool:
    """Whether rules may take a block: no heading, and nothing that the owner restored."""
    return not block.is_heading and block.kind != "restored"


def technical(blocks: list[Block], author: str) -> Iterator[Span]:
    """Three or more packages, versions, files or commands in a row, most of them surely so."""
    for start, end in runs(blocks, _may_be_technical, 3):
        sure = sum(bool(_technical(block)) for block in blocks[start:end])
        if sure >= max(3, 0.6 * (end - start)):
            yield start, end, "list", "technical"


def _may_be_technical(block):
    if len(block.text) > _LONGEST:  # as most paragraphs are
        return False
    return _technical(block) or _BARE_NAME.fullmatch(_bare(block))


def _bare(block):
    return _BULLET.sub("", block.text).strip(" `*")


def _technical(block):
    return columns(block.text) <= _LONGEST and _TECHNICAL.fullmatch(_bare(block))


def records(blocks: list[Block], author: str) -> Iterator[Span]:
    """Fields of records: labels that come back three times or more, without sentences.

    In brackets (【类别】) two such labels make a record, before a colon three, since people in a
    dialogue come back, too.
    """
    fields = [_FIELD.fullmatch(b.text) if is_plain(b) else None for b in blocks]
    fields = [f if f and not _is_prose(f.group(3)) else None for f in fields]
    for group, least in ((1, 2), (2, 3)):
        labels = [f.group(group) if f else None for f in fields]
        often = {label for label, n in Counter(filter(None, labels)).items() if n >= 3}
        if len(often) >= least and _in_order(labels, often):
            for index, label in enumerate(labels):
                if label in often:
                    yield index, index + 1, "list", "records"


def _is_prose(text):
    return bool(_SENTENCE_END.search(text.strip())) or columns(text) > 120


def _in_order(labels, often):
    """Whether the labels come back in one order, as fields do and speakers don't."""
    seen = [label for label in labels if label in often]
    first = list(dict.fromkeys(seen))
    steps = [(first.index(b) - first.index(a)) % len(first) for a, b in zip(seen, seen[1:])]
    return steps.count(1) >= 0.7 * max(1, len(steps))


def bibliography(blocks: list[Block], author: str) -> Iterator[Span]:
    """Four or more sources in a row, with the years or numbers that stand between them."""

    def listed(block):
        text = block.text.strip()
        if len(text) > _LONGEST_SOURCE:
            return None
        return _SOURCE.fullmatch(text) or _CAPTION.fullmatch(text)

    for start, end in runs(blocks, listed, 4):
        while not _SOURCE.fullmatch(blocks[end - 1].text.strip()) and end > start:
            end -= 1
        sources = sum(bool(_SOURCE.fullmatch(b.text.strip())) for b in blocks[start:end])
        if sources >= max(4, 0.6 * (end - start)):
            yield start, end, "list", "references"


def contents(blocks: list[Block], author: str) -> Iterator[Span]:
    """Four or more names of chapters in a row."""

    def heads(block):
        return len(block.text) <= _LONGEST and _HEADS.fullmatch(_bare(block))

    for start, end in runs(blocks, heads, 4):
        yield start, end, "list", "contents"


RULES = (records, technical, bibliography, contents)
