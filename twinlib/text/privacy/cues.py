"""Where a text has the cues of the detectors: the words and signs near which each one looks.

Most texts have few of the hundreds of cues. Which of them can be there is told at once, by the
pairs of neighbouring characters that the text has; only these are looked for one by one.
"""

import re
from collections.abc import Iterable, Sequence

import numpy as np

from .contacts import SIGNS
from .numbers import Detector

_NEAR_DIGITS = 140  # characters, either side
# Chinese, other letters than those of English, arrows and emoji.
_CHINESE = re.compile(
    "[\u00c0-\u024f\u0370-\u1fff\u2190-\u2bff\u3000-\u9fff"
    "\uac00-\ud7af\uff00-\uffee\U00010000-\U0010ffff]"
)
_HASHES = 1 << 15  # of characters and of pairs of them
_PART = 200_000  # characters that are looked at together
_PAIRS = 4  # of each word that are looked for before the word


def windows(spans: Iterable[tuple[int, int]], reach: tuple[int, int], size: int) -> list[list[int]]:
    """[[start, end]]: each span widened by `reach` (before, after); overlapping ones merged."""
    merged = []
    for start, end in spans:
        start, end = max(0, start - reach[0]), min(size, end + reach[1])
        if merged and start <= merged[-1][1]:
            merged[-1][1] = max(end, merged[-1][1])
        else:
            merged.append([start, end])
    return merged


class Cues:
    """The cues of some detectors. Detectors with the same cues, reach and digits share a group."""

    def __init__(self, detectors: Sequence[Detector]):
        groups, self._words, self._patterns, self._chinese = {}, [], [], {}
        self.group_of = []  # of each detector, an integer
        for detector in detectors:
            cues, of_digits = detector.cues, detector.of_digits
            key = cues, detector.reach, of_digits
            if key not in groups:
                groups[key] = len(groups)
                self._add(cues, of_digits, groups[key])
            self.group_of.append(groups[key])
        self._hashes = _hashes_of([word for word, *_ in self._words])

    def _add(self, cues, of_digits, group):
        if isinstance(cues, re.Pattern):
            self._patterns.append((cues, of_digits, group))
            return
        self._words += [(cue, of_digits, group) for cue in cues]
        chinese = "|".join(re.escape(cue) for cue in cues if not cue.isascii())
        if chinese:
            self._chinese[group] = re.compile(chinese)

    def spans(self, text: str, lower: str) -> dict[int, list[tuple[int, int]]]:
        """{group: the (start, end) of its cues in a text, in order}, of the groups that have any.

        `lower` is the text in lower case, of the same length. Cues of detectors whose values have
        digits count only near digits.
        """
        seen, digits = _seen(lower)
        around = _around(digits, len(text))
        near = "\n".join(lower[start:end] for start, end in around)
        found, chinese = {}, set()
        for number in np.flatnonzero(seen[self._hashes].all(axis=0)).tolist():
            cue, of_digits, group = self._words[number]
            if cue not in (near if of_digits else lower):
                continue
            if cue.isascii():
                found.setdefault(group, []).extend(_all_of(cue, lower))
            else:
                chinese.add(group)
        for group in chinese:  # one pattern finds all of its words faster
            found.setdefault(group, []).extend(
                match.span() for match in self._chinese[group].finditer(lower)
            )
        for pattern, of_digits, group in self._patterns:
            if pattern is SIGNS and not _CHINESE.search(text):
                continue
            there = [
                match.span()
                for start, end in (around if of_digits else [(0, len(text))])
                for match in pattern.finditer(text, start, end)
            ]
            if there:
                found[group] = there
        return {group: sorted(there) for group, there in found.items()}


def _around(digits, size):
    """The windows around digits, given their positions in order."""
    if not len(digits):
        return []
    first = np.concatenate(([0], np.flatnonzero(np.diff(digits) > 2 * _NEAR_DIGITS) + 1))
    last = np.concatenate((first[1:] - 1, [len(digits) - 1]))
    return windows(
        zip(digits[first].tolist(), (digits[last] + 1).tolist()), (_NEAR_DIGITS,) * 2, size
    )


def _all_of(word, text):
    """Yield the (start, end) of a word's places in a text, none overlapping."""
    at = text.find(word)
    while at >= 0:
        yield at, at + len(word)
        at = text.find(word, at + len(word))


def _seen(text):
    """(whether a text has a character, or a pair of neighbours, by their hash; where digits are).

    In parts, since an array of all characters would take many times the memory of the text.
    """
    seen, digits = np.zeros(_HASHES, bool), []
    for start in range(0, max(1, len(text)), _PART):
        part = text[start : start + _PART + 1]  # with the first character of the next part
        codes = np.frombuffer(part.encode("utf-32-le", "surrogatepass"), np.uint32)
        seen[codes & (_HASHES - 1)] = True
        seen[_hashed(codes[:-1], codes[1:])] = True
        codes = codes[:_PART]
        digits.append(start + np.flatnonzero((codes >= ord("0")) & (codes <= ord("9"))))
    return seen, np.concatenate(digits)


def _hashed(first, second):
    return (first * np.uint32(40503) + second * np.uint32(977)) & np.uint32(_HASHES - 1)


def _hashes_of(words):
    """(_PAIRS, words) hashes: of a word's first pairs, or of its one character."""
    rows = []
    for word in words:
        codes = np.frombuffer(word.encode("utf-32-le"), np.uint32)
        row = _hashed(codes[:-1], codes[1:]) if len(word) > 1 else codes & (_HASHES - 1)
        rows.append((row.tolist() * _PAIRS)[:_PAIRS])
    return np.ascontiguousarray(np.array(rows).T)
