"""Personal data found and masked by stable placeholders, never by dropping a sentence.

What is looked for stands in identifiers.py (numbers), contacts.py (e-mail, handles, keys) and places.py (addresses,
coordinates); here they are put together with the owner's list of private names. NOT_DETECTED says what is missed.
"""

import re
from bisect import bisect_right
from functools import lru_cache
from typing import NamedTuple

from ...files import content_id
from ...i18n import t
from . import addresses, contacts
from . import numbers as identifiers

LABELS = {
    "email": "邮箱",
    "phone": "电话",
    "identity": "身份证",
    "card": "卡号",
    "ip": "IP",
    "name": "人名",
    "passport": "护照",
    "plate": "车牌",
    "address": "地址",
    "handle": "账号",
    "key": "密钥",
    "coordinates": "坐标",
}
ENGLISH = {
    "email": "e-mail address",
    "phone": "phone number",
    "identity": "identity number",
    "card": "bank card",
    "ip": "IP address",
    "name": "private name",
    "passport": "passport or travel permit",
    "plate": "number plate",
    "address": "postal address",
    "handle": "account name",
    "key": "key or password",
    "coordinates": "coordinates",
}
NOT_DETECTED = (
    "Not detected: names that aren't on your list, addresses without a street number or in languages other than "
    "Chinese and English, account names without a word such as WeChat or Telegram beside them, numbers written out "
    "in words, birthdays, workplaces, and anything only somebody who knows you would recognise.",
    "查不出来的：不在您名单里的人名，没有门牌号的地址和中英文以外的地址，旁边没写“微信”“Telegram”之类字样的账号，"
    "用汉字写出来的号码，生日、工作单位，以及只有熟人才看得懂的线索。",
)
# First come, first served where two finds overlap.
DETECTORS = (
    *contacts.DETECTORS,
    *addresses.COORDINATES,
    *identifiers.DETECTORS,
    *contacts.HANDLES,
    *addresses.ADDRESSES,
)
PLACEHOLDER = re.compile(rf"\[(?:{'|'.join([*LABELS, *LABELS.values()])})-[0-9]+\]")
TAKEN = (
    "\ue000"  # stands for a find or a placeholder while the rest is searched; no pattern matches it
)
WIDE = str.maketrans(
    "０１２３４５６７８９＋－＠．", "0123456789+-@."
)  # one for one: a find keeps its place
HAN = re.compile("[\u3000-\u9fff\uff00-\uffee]")
AROUND = 40  # characters of context, either side
ROUNDS = 20  # what stands against a find may be another one


class Found(NamedTuple):
    """text[start:end] is `value`, as written."""

    start: int
    end: int
    kind: str
    value: str


def label(kind):
    """A kind in words, for people."""
    return t(ENGLISH[kind], LABELS[kind])


def value_id(kind, value):
    """The id of a value, the same however it is written: full-width digits, spaces, +86."""
    return content_id(f"{kind} {normalised(kind, value)}")


def normalised(kind, value):
    """The value without what people vary: signs in numbers, capitals (but not in keys), the prefix of the mainland."""
    value = value.translate(WIDE)
    if kind in ("name", "key", "address"):
        return " ".join(value.split())
    if kind in ("phone", "card", "identity", "passport", "plate"):
        value = re.sub(r"[\s()（）.·•．-]", "", value)
    if kind == "phone":
        value = re.sub(r"^(?:\+|00)?86(?=1[3-9][0-9]{9}$)", "", value)
    return value.lower()


def mask(text, language, seen, names=(), keep=None, notice=None):
    """(masked text, {kind: how many were masked}); masking twice changes nothing.

    `seen` {kind: {value: number}} grows, so that placeholders are stable from text to text; `language` ('zh' or 'en')
    is that of the text and of the placeholders: [邮箱-1], [email-1]. keep(kind, value) leaves a value as it is;
    notice(kind, value, context) hears of each find, masked or not.
    """
    pieces, counts, end = [], {}, 0
    for found in find(text, names):
        if notice:
            notice(found.kind, found.value, text[max(0, found.start - AROUND) : found.end + AROUND])
        if keep and keep(found.kind, found.value):
            continue
        numbers = seen.setdefault(found.kind, {})
        number = numbers.setdefault(normalised(found.kind, found.value), len(numbers) + 1)
        counts[found.kind] = counts.get(found.kind, 0) + 1
        pieces += [
            text[end : found.start],
            f"[{LABELS[found.kind] if language == 'zh' else found.kind}-{number}]",
        ]
        end = found.end
    return "".join(pieces) + text[end:], counts


def find(text, names=()):
    """The finds in a text, in order, none overlapping; placeholders are no finds.

    Each round looks at the text with what is found so far shrunk to one sign, just as it would look once masked.
    """
    spans, finds = [match.span() for match in PLACEHOLDER.finditer(text)], []
    for _ in range(ROUNDS):
        rest, starts, origins = _without(text, spans)
        new = [
            (start + origins[at], end + origins[at], kind)
            for start, end, kind in _round(rest, names)
            for at in (bisect_right(starts, start) - 1,)
        ]
        if not new:
            break
        finds += new
        spans = sorted(spans + [(start, end) for start, end, _ in new])
    return [Found(start, end, kind, text[start:end]) for start, end, kind in sorted(finds)]


def _without(text, spans):
    """The text with each span shrunk to one sign; where its pieces start, and how far each one was moved."""
    pieces, starts, origins, at, end = [], [0], [0], 0, 0
    for start, stop in spans:
        pieces += [text[end:start], TAKEN]
        at += start - end + 1
        starts.append(at)
        origins.append(stop - at)
        end = stop
    return "".join(pieces) + text[end:], starts, origins


def _round(text, names):
    """[(start, end, kind)] in one look, none overlapping, in no order."""
    low = text.replace("İ", "I").lower()  # the one capital whose small letter is two signs
    wide = re.search("[０-９＠]", text)
    plain = text.translate(WIDE) if wide else text
    chinese, windows, taken = bool(HAN.search(text)), {}, []
    for detector in (*DETECTORS, *_names(names)):
        key = (detector.cues, detector.reach)
        if key not in windows:
            windows[key] = _windows(
                _spots(plain, low, detector.cues, chinese), detector.reach, len(text)
            )
        for match in _matches(detector.pattern, plain, windows[key]):
            span = detector.value(match)
            if span:
                _take(taken, *span, detector.kind)
    return taken


def _take(taken, start, end, kind):
    """Put a span in its place among those taken, unless it overlaps one."""
    at = bisect_right(taken, (start, end, kind))
    if (at == 0 or taken[at - 1][1] <= start) and (at == len(taken) or end <= taken[at][0]):
        taken.insert(at, (start, end, kind))


def _windows(spots, reach, size):
    """[[start, end]] of the stretches around the spots, merged where they meet."""
    merged = []
    for start, end in spots:
        start, end = max(0, start - reach[0]), min(size, end + reach[1])
        if merged and start <= merged[-1][1]:
            merged[-1][1] = max(end, merged[-1][1])
        else:
            merged.append([start, end])
    return merged


def _spots(text, low, cues, chinese):
    """The spans of the cues in order. Looking for words one by one is fast, for Chinese ones all at once is faster."""
    if isinstance(cues, re.Pattern):
        return [match.span() for match in cues.finditer(text)]
    latin, hanzi = _sorted_out(cues)
    spots = [
        match.span() for word in latin if word in low for match in re.finditer(re.escape(word), low)
    ]
    if hanzi and chinese:
        spots += [match.span() for match in hanzi.finditer(low)]
    return sorted(spots)


@lru_cache(maxsize=256)
def _sorted_out(words):
    """(Latin words, a pattern for the Chinese ones or None)."""
    hanzi = [re.escape(word) for word in words if not word.isascii()]
    return [word for word in words if word.isascii()], re.compile(
        "|".join(hanzi)
    ) if hanzi else None


def _matches(pattern, text, windows):
    for start, end in windows:
        for match in pattern.finditer(text, start, end):
            if match.end() > end - 4 and end < len(text):  # the window may have cut it
                match = pattern.match(text, match.start())
            if match:
                yield match


def private_names(text):
    """The names of the owner's list, as typed: separated by commas of either script, semicolons or lines; one that has
    a comma inside stands in quotation marks."""
    found = (
        quoted or plain for quoted, plain in re.findall(r'"([^"\n]+)"|([^",，、;；\n]+)', text)
    )
    return [name.strip() for name in found if name.strip()]


def _names(names):
    names = [name for name in names if name]
    if not names:
        return ()
    # A Latin name must stand alone ('Ann' is not in 'Annual'); a Chinese one stands anywhere.
    longest = sorted(names, key=len, reverse=True)
    each = [
        rf"(?<![A-Za-z]){re.escape(n)}(?![A-Za-z])" if n[0] < "\u0250" else re.escape(n)
        for n in longest
    ]
    cues = tuple(sorted({name.lower() for name in names}))
    return (identifiers.Detector("name", cues, (1, 60), re.compile("|".join(each))),)
