"""Find personal data and mask it with stable placeholders; no sentence is dropped for it.

The detectors are in numbers.py (identity, cards, phones, …), contacts.py (e-mail, account names,
keys) and addresses.py (addresses, coordinates); names.py finds the owner's private names.
What none of them detects is explained to the owner: `personal_data_not_detected` in
data/strings/corpus.yaml.
"""

import re
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator
from functools import cache, lru_cache
from typing import TYPE_CHECKING, NamedTuple

from ...files import content_id
from ...i18n import choose, data
from ..script import FULL_WIDTH
from . import (
    addresses,
    addresses_abroad,
    codes_abroad,
    contacts,
    cues,
    numbers,
    phones_abroad,
    registered,
)
from . import names as private

if TYPE_CHECKING:
    from ...twin import Twin

# In order of precedence: where two matches overlap, that of the earlier detector counts.
_DETECTORS = (
    *contacts.DETECTORS,
    *addresses.COORDINATES,
    *numbers.DETECTORS,
    *contacts.HANDLES,
    *addresses.ADDRESSES,
    *addresses_abroad.ADDRESSES,
    *registered.DETECTORS,
    *codes_abroad.DETECTORS,
    *phones_abroad.DETECTORS,
)
_MASKED = "\ue000"  # in place of a match while the rest is searched; no pattern matches it
# One for one, so that a match keeps its position: full-width signs, dashes, spaces.
_PLAIN = {
    wide: plain for wide, plain in FULL_WIDTH.items() if plain.isalnum() or plain in "#*+-./=@_|~"
}
_PLAIN |= dict(zip("﹒﹟﹠﹡﹢﹣﹦﹫", ".#&*+-=@"))
_PLAIN |= dict.fromkeys("‐‑‒–—―−", "-") | dict.fromkeys("\u00a0\u202f\u205f\u3000", " ")
_PLAIN |= dict.fromkeys(map(chr, range(0x2000, 0x200B)), " ")
_PLAIN |= dict(zip("⓪①②③④⑤⑥⑦⑧⑨⓿❶❷❸❹❺❻❼❽❾", "01234567890123456789"))
_NOT_PLAIN = re.compile(f"[{''.join(_PLAIN)}]")
NAMES = "privacy names"  # id of the decision that holds private names, added to the setting's
_CONTEXT = 40  # characters, either side
_SHORT = 24  # characters of a text that is kept with what was found in it
_ROUNDS = 20  # at most; masking a match can make the text next to it match


class Match(NamedTuple):
    """A piece of personal data: text[start:end] is its `value`, as written."""

    start: int
    end: int
    kind: str
    value: str


def label(kind: str) -> str:
    """The label of a kind of personal data in the reader's language."""
    return choose(data("personal_data")[kind])


def value_id(kind: str, value: str) -> str:
    """The id of a value, the same however it is written: full-width digits, spaces, +86."""
    return content_id(f"{kind} {_normalised(kind, value)}")


def _normalised(kind, value):
    value = _plain(value)
    if kind == "name":
        return private.spelling(value)
    if kind in ("key", "address"):
        return " ".join(value.split())
    if kind in ("phone", "card", "identity", "passport", "plate"):
        value = re.sub(r"[\s()（）./_·•・~*|-]", "", value)
    if kind == "phone":
        value = re.sub(r"^(?:\+|00)?86(?=1[3-9][0-9]{9}$)", "", value)
    if kind == "email":
        return contacts.address(value)
    return value.lower()


def _plain(text):
    """The text with plain digits, also for Chinese numerals, plain letters, dashes and spaces.

    It has the same length.
    """
    if text.isascii():
        return text
    return numbers.with_digits(_NOT_PLAIN.sub(lambda sign: _PLAIN[sign.group()], text))


def mask(
    text: str,
    language: str,
    seen: dict[str, dict[str, int]],
    names: Iterable[str] = (),
    keep: Callable[[str, str], bool] | None = None,
    notice: Callable[[str, str, str], None] | None = None,
) -> tuple[str, dict[str, int]]:
    """(masked text, {kind: number masked}); masking a masked text changes nothing.

    `seen` {kind: {value: number}} grows, so that placeholders are stable from text to text.
    `language` ('zh' or 'en') is that of the placeholders: [邮箱-1], [email-1]. `names` are private
    names. keep(kind, value) leaves a value as it is; notice(kind, value, context) is called for
    each match, masked or not.
    """
    pieces, counts, end = [], {}, 0
    for match in find(text, names):
        start, kind, value = match.start, match.kind, match.value
        if notice:
            notice(kind, value, text[max(0, start - _CONTEXT) : match.end + _CONTEXT])
        if keep and keep(kind, value):
            continue
        known = seen.setdefault(kind, {})
        number = known.setdefault(_normalised(kind, value), len(known) + 1)
        counts[kind] = counts.get(kind, 0) + 1
        word = data("personal_data")[kind]["zh"] if language == "zh" else kind
        pieces += [text[end:start], f"[{word}-{number}]"]
        end = match.end
    return "".join(pieces) + text[end:], counts


@lru_cache(maxsize=1)
def _placeholder():
    kinds = data("personal_data")
    words = [*kinds, *(kind["zh"] for kind in kinds.values())]
    return re.compile(rf"\[(?:{'|'.join(words)})-[0-9]+\]")


def is_placeholder(text: str) -> bool:
    """Whether a masked text has no words but placeholders."""
    return not re.search(r"\w", _placeholder().sub("", text))


def find(text: str, names: Iterable[str] = ()) -> list[Match]:
    """The personal data in a text, in order, none overlapping; placeholders are not matched."""
    # Tags, names of folders and words like "ok" come back from text to text.
    return list((_found_again if len(text) <= _SHORT else _found)(text, tuple(names)))


def _found(text, names):
    """What `find` returns.

    Each round searches the text with every earlier match replaced by one character, since masking
    a match can make the text next to it match. At most _ROUNDS rounds.
    """
    spans, matches = [match.span() for match in _placeholder().finditer(text)], []
    for _ in range(_ROUNDS):
        rest, starts, offsets = _shrunk(text, spans)
        new_matches = []
        for start, end, kind in _one_round(rest, names):
            offset = offsets[bisect_right(starts, start) - 1]
            new_matches.append((start + offset, end + offset, kind))
        if not new_matches:
            break
        matches += new_matches
        spans = sorted(spans + [(start, end) for start, end, _ in new_matches])
    return [Match(start, end, kind, text[start:end]) for start, end, kind in sorted(matches)]


_found_again = lru_cache(maxsize=4096)(_found)


def _shrunk(text, spans):
    """(text with each span as one character, starts of its pieces, offset of each in `text`)."""
    pieces, starts, offsets, position, end = [], [0], [0], 0, 0
    for start, stop in spans:
        pieces += [text[end:start], _MASKED]
        position += start - end + 1
        starts.append(position)
        offsets.append(stop - position)
        end = stop
    return "".join(pieces) + text[end:], starts, offsets


def _one_round(text, names):
    """[(start, end, kind)] of the matches of all detectors, in order, none overlapping."""
    plain = _plain(text)
    lower = plain.replace("İ", "I").lower()  # İ is the one capital whose small letter is two
    spans, windows, taken = _cues().spans(plain, lower), {}, []
    for detector, group in zip(_DETECTORS, _cues().group_of) if spans else ():
        if group not in spans:
            continue
        if group not in windows:
            windows[group] = cues.windows(spans[group], detector.reach, len(text))
        for match in _matches(detector.pattern, plain, windows[group]):
            span = detector.value(match)
            if span:
                _insert(taken, *span, detector.kind)
    for span in private.spans(text, names):
        _insert(taken, *span, "name")
    return taken


@cache
def _cues():
    return cues.Cues(_DETECTORS)


def _insert(taken, start, end, kind):
    """Insert a span into the sorted list `taken`, unless it overlaps one of its spans."""
    at = bisect_right(taken, (start, end, kind))
    if (at == 0 or taken[at - 1][1] <= start) and (at == len(taken) or end <= taken[at][0]):
        taken.insert(at, (start, end, kind))


def _matches(pattern, text, windows) -> Iterator[re.Match]:
    for start, end in windows:
        for match in pattern.finditer(text, start, end):
            if match.end() > end - 4 and end < len(text):  # may go on beyond the window
                match = pattern.match(text, match.start())
            if match:
                yield match


def private_names(text: str) -> list[str]:
    """The names in a list separated by commas, semicolons (Western or Chinese) or line breaks.

    A name with a comma in it is in quotation marks, which are doubled inside: `quoted_name`.
    """
    matches = re.findall(
        r'(?:^|(?<=[,，、;；\n]))\s*(?:"((?:[^"\n]|"")+)"(?=\s*(?:[,，、;；\n]|$))|([^,，、;；\n]+))',
        text,
    )
    names = (quoted.replace('""', '"') or plain for quoted, plain in matches)
    return [name for name in map(str.strip, names) if name]


def quoted_name(name: str) -> str:
    """A name as `private_names` reads it back."""
    return name if private_names(name) == [name] else '"' + name.replace('"', '""') + '"'


def names_to_mask(typed: str, decisions: dict[str, dict]) -> tuple[str, ...]:
    """The owner's private names: those `typed` in the settings, and those of the decisions."""
    decided = decisions.get(NAMES, {}).get("text", "")
    return tuple(private_names(f"{typed}\n{decided}"))


def names_of(twin: "Twin") -> tuple[str, ...]:
    """The private names that a twin's owner has listed by now."""
    typed = twin.facts.get("settings", {}).get("corpus", {}).get("names", "")
    decisions = {k: v for k, v in twin.decisions().items() if isinstance(v, dict)}
    return names_to_mask(str(typed), decisions)
