"""How likely a text is a conversation by its shape alone, whatever program wrote it.

No list of layouts is complete. A linear model of sixteen shares (lines with a time, lines that come
back but for their numbers, ends of sentences, …) has learnt from 1,650 exports of chats in 600
layouts and 216 texts of one author that look like lists, logs and dialogues. It is asked only about
texts that nothing else takes for a conversation. Its weights in data/text_shape.tsv are fitted by
tools/notices/fit_shape.py.
"""

import math
import re
from collections import Counter
from functools import cache
from pathlib import Path

from ....text.script import columns
from .form_parts import ANY_DAY, MONTH, NEAR_DAY

SURELY = 4.5  # log odds above which a text is taken for a conversation
_WEIGHTS = Path(__file__).parents[3] / "data/text_shape.tsv"
_MARKS, _FEWEST_MARKED = (
    ("clock", "time ago", "label comes back", "same start"),
    0.1,
)  # of the lines
_FEWEST_LINES = 8  # with words, in a text that is judged
_LINES_EACH, _MOST_PARTS = 60, 12  # lines of a part of the text that is judged by itself
_CLOCK = re.compile(r"(?<!\d)(\d{1,2})[:：.h时](\d\d)(?!\d)")
_DAY = re.compile(
    rf"(?<![\w:.+/-])(?:{ANY_DAY}|{NEAR_DAY}|\d{{1,2}}\.? (?:de )?{MONTH})(?![\d:/-])"
)
_DAY_CUE = re.compile(r"\d|[dD][aA][yY]|今天|昨天|前天|星期|[周週]")  # without it a line has no day
_AGO = re.compile(
    r"(?<!\w)\d+\s?(?:[smhdwy]|min|hr?s?|hours?|days?|weeks?)(?!\w)|\d+\s?(?:分钟|小时|天|楼)",
    re.IGNORECASE,
)
_ENDS = re.compile(r"[.。！？!?…:：;；,，\"”」』’)）]$")
_FULL_STOP = re.compile(r"[^\W_]{2}[.。！？!?]$")
_SIGN = re.compile(r"[^\w\s.,!?;:'\"“”‘’„«»()\-–—…。，、！？；：（）「」『』《》/%&]")
_FIRST_WORD = re.compile(r"[^\W_]+")
_DIGITS = re.compile(r"\d+")
_NEAR = 60  # minutes from one time to the next
_SHORT, _LABEL, _LONG = 25, 40, 70  # columns of a line, where a Chinese character takes two
_LONG_LINE, _PROSE_SHARE, _FEWEST_CLOCKS = 140, 0.87, 3  # of what is surely no conversation
_END, _START = 6, 4  # characters of a line's end and start
_OFTEN = 20  # one in so many lines ends or starts the same
_MOST_STARTS = 4  # first words that speakers' names may be


def is_surely_prose(text: str) -> bool:
    """Whether nearly all of a text are long lines, and hardly a clock is in it; quick.

    Of 2,200 exports of chats, real ones and those of the tests, none is so.
    """
    widths = [columns(line) for line in text.split("\n")]
    long = sum(width for width in widths if width >= _LONG_LINE)
    return long >= _PROSE_SHARE * sum(widths) and len(_CLOCK.findall(text)) < _FEWEST_CLOCKS


def is_conversation(lines: list[str]) -> bool:
    """Whether lines are surely a conversation's; False for a few.

    One in which hardly a line has a time, or is a name or a label that comes back, is none.
    """
    found = [features(part) for part in parts(lines)]
    marked = sum(part[mark] for part in found for mark in _MARKS)
    return marked > _FEWEST_MARKED * len(found) and mean_score(found, _weights()) > SURELY


def mean_score(found: list[dict[str, float]], weights: dict[str, float]) -> float:
    """How surely parts with these features are a conversation: the mean of their log odds."""
    scores = [weights[""] + sum(weights[x] * part[x] for x in part) for part in found]
    return sum(scores) / len(scores) if scores else -math.inf


def parts(lines: list[str]) -> list[list[str]]:
    """Parts of as many lines each, so that a text's length doesn't matter; [] for a few lines."""
    filled = [number for number, line in enumerate(lines) if line.strip()]
    if len(filled) < _FEWEST_LINES:
        return []
    starts = range(0, max(1, len(filled) - _LINES_EACH // 2), _LINES_EACH)
    ranges = [filled[start : start + _LINES_EACH] for start in starts][:_MOST_PARTS]
    return [[line.strip() for line in lines[part[0] : part[-1] + 1]] for part in ranges]


def features(lines: list[str]) -> dict[str, float]:
    """{name: share} of what tells conversations from prose in lines without spaces around them."""
    # A sentence that comes back is no label.
    sentences = Counter(line for line in lines if columns(line) > _LABEL)
    filled = [line for line in lines if line and sentences[line] < 2]
    filled += [line for line, times in sentences.items() if times > 1]
    total = len(filled)
    shapes = [_DIGITS.sub("0", line) for line in filled]
    widths = sorted(map(columns, filled))
    labels = Counter(shape for shape in shapes if columns(shape) <= _LABEL)
    ends = Counter(
        shape[-_END:] for shape in shapes if len(shape) > _END and not _FULL_STOP.search(shape)
    )
    starts = Counter(shape[:_START] for shape in shapes if len(shape) > _START)
    firsts = Counter(x[0] if (x := _FIRST_WORD.search(line)) else line for line in filled)
    times, day, days = [], "", 0
    for line in filled:
        found = _DAY.search(line) if _DAY_CUE.search(line) else None
        if found and found[0] != day:
            day, days = found[0], days + 1
        if clock := _CLOCK.search(line):
            times.append((day, 60 * int(clock[1]) + int(clock[2])))
    near = sum(a == c and 0 <= d - b <= _NEAR for (a, b), (c, d) in zip(times, times[1:]))

    def share(pattern):
        return sum(bool(pattern.search(line)) for line in filled) / total

    def often(count, least):
        return sum(x for x in count.values() if x >= least and x * _OFTEN > total) / total

    return {
        "clock": len(times) / total,
        "clock shortly after": near / total,
        "another day": days / total,
        "number": share(_DIGITS),
        "time ago": share(_AGO),
        "rare sign": share(_SIGN),
        "end of sentence": share(_ENDS),
        "label comes back": sum(x for x in labels.values() if x > 1) / total,
        "label comes back often": often(labels, 3),
        "same end": often(ends, 4),
        "same start": often(starts, 4),
        "same first word": sum(x for _, x in firsts.most_common(_MOST_STARTS) if x > 2) / total,
        "middle width": math.log(widths[total // 2] + 1),
        "short": sum(width < _SHORT for width in widths) / total,
        "letters in long lines": sum(x for x in widths if x >= _LONG) / sum(widths),
        "blank": 1 - total / len(lines),
    }


@cache
def _weights():
    """{feature: its weight}; that of '' belongs to every text."""
    lines = _WEIGHTS.read_text(encoding="utf-8").splitlines()[1:]
    return {name: float(weight) for name, weight in (line.split("\t") for line in lines)}
