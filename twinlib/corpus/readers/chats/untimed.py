"""Conversations whose messages have no clock: the same few names begin lines in the same signs.

    <Name> text     Name> text     [Name] text     **Name:** text     Name: text
    a name alone on its line, or with a day or 'three days ago', the text below

What tells them from lists of fields, refrains and plays: the names take turns, in no fixed order,
nearly all lines or paragraphs begin with one, and what follows a name alone is no other name.
"""

import re
from collections import Counter, defaultdict
from os.path import commonprefix

from .form_parts import (
    AGO,
    ANY_CLOCK,
    ANY_DAY,
    LABELS,
    MONTH,
    NEAR_DAY,
    NO_SIGN,
    PHONE,
    Head,
    is_short,
    name_of,
)

_FEWEST = 6  # messages
_MOST_FURNITURE = 5  # lines that come back in every message
_SIGNS = re.compile(r"(?:[^\w+]|_)*")
_BEGINS = rf"(?:[^\W\d_]|{PHONE})"  # a letter, or a phone number
_LINE = re.compile(
    rf"(?P<open>(?:[^{NO_SIGN}]|_)*)(?P<name>{_BEGINS}[^\n:：<>\[\]|«»‹›{{}}*\t]{{0,39}}?)"
    r"(?P<close>[ *_]{0,3}(?:[:：>»›|\t]|\]|\}|】|）|\)(?=[ :：])|\s[-–—~]\s)[\s*_:：>|]{0,4})"
    r"(?P<text>\S.*)?"
)
_CUE = re.compile(
    r"[^\w\n]{0,6}([^\W_][^\n:：>\])|»›\t*]{0,39}?)[* _]{0,3}(?:[:：>\])|»›\t]|[-–—~] )"
)
_DATED = re.compile(
    rf"{ANY_DAY}|{ANY_CLOCK}|{AGO}|(?:{NEAR_DAY})(?!\w)|\b{MONTH}\.? \d{{1,2}}\b"
    rf"|[^\W\d]{{3,9}}\.? \d{{1,2}},? \d{{4}}"
    r"|(?<![\w+])(?<!\d )\d+(?!\w| \d)",
    re.IGNORECASE,
)
_NUMBER_BEHIND = re.compile(r"(?<=\S)\s*[\[(（#]\d{1,6}[\])）]?$")
_NO_DIGITS = str.maketrans("", "", "0123456789")
_ENDS = re.compile(r"[。！？!?…;；,，]$|[^\W\d_]{2}\.$")


def may_be(text: str) -> bool:
    """Whether two words or more come back before a sign at the start of lines; quick."""
    begins = Counter([line[:4] for line in text.split("\n")])
    often = {start for start, times in begins.items() if times > 2 and start.strip()}
    if not often:
        return False
    lines = [line for line in text.split("\n") if line[:4] in often]
    count = Counter(match[1] for line in lines if (match := _CUE.match(line)))
    return sum(times > 2 for times in count.values()) > 1


def heads(lines: list[str]) -> list[Head]:
    """The Heads of messages in the most frequent signs around names that come back."""
    frames = defaultdict(list)
    for number, line in enumerate(lines) if may_be("\n".join(lines)) else ():
        match = _LINE.match(line) if line else None
        if match and is_short(match["name"]):
            frame = (match["open"].strip()[:3], match["close"].strip())
            name = _NUMBER_BEHIND.sub("", name_of(match["name"]))
            text = match["text"] or ""
            if any(mark in match["close"] and mark in text for mark in "\t|"):
                continue  # the columns of a table, which has a reader of its own
            frames[frame].append(Head(number, name, "", text, number + 1))
    found = []
    for (opens, _), several in frames.items():
        count = Counter(head.name for head in several)
        several = [head for head in several if count[head.name] > 1]
        if len(several) > len(found) and take_turns(
            [head.name for head in several], signed=bool(opens)
        ):
            found = several
    alone = _alone(lines)
    return alone if len(alone) > len(found) else found


def _alone(lines):
    """Heads of a name on a line of its own, with a day or number or without, the text below."""
    short = Counter(line.translate(_NO_DIGITS) for line in lines if 0 < len(line) <= 60)
    twice = [times for times in short.values() if times > 1]
    if len(twice) < 2 or sum(twice) * 8 < len(lines) - lines.count(""):
        return []
    bare = [_DATED.sub("", line).strip() if 0 < len(line) <= 60 else "" for line in lines]
    bare = [re.sub(rf"^(?:[^{NO_SIGN}@]|_)+|(?:[^{NO_SIGN}.]|_)+$", "", line) for line in bare]
    count = Counter(
        line
        for line, whole in zip(bare, lines)
        if line and len(line.split()) <= 6 and not _ENDS.search(whole)
    )
    often = [line for line, times in count.most_common() if times > 1]
    # What stands in every message comes back more often than any name.
    for first in range(min(_MOST_FURNITURE, len(often))):
        names, furniture = set(often[first:]), set(often[:first])
        found = [n for n, line in enumerate(bare) if line in names]
        signs = Counter(_SIGNS.match(lines[n])[0] for n in found)
        found = [n for n in found if signs[_SIGNS.match(lines[n])[0]] * 4 > len(found)]
        filled = [n for n, line in enumerate(lines) if bare[n] and bare[n] not in furniture]
        found = _without_seconds(found, filled, bare)
        after, starts = dict(zip(filled, filled[1:])), set(found)
        followed = sum(n in after and after[n] not in starts for n in found)
        if followed * 10 >= len(found) * 9 and take_turns([bare[n] for n in found]):
            # A name right under another one is that of whom a reply answers.
            starts -= {n for n in found if n - 1 in starts}
            return [Head(n, name_of(bare[n]), "", "", n + 1) for n in sorted(starts)]
    return []


def nameless(lines: list[str], found: list[Head]) -> set[int]:
    """The numbers of lines that begin with the signs around the names, but with no name in them.

    Also of single lines behind a sign that neither heads nor lists have, as programs write.
    """
    starts, numbers = {head.line for head in found}, set()
    if not any(head.time for head in found):
        numbers = _nameless_heads(lines, found, starts)
    marks = {n: match[0] for n, x in enumerate(lines) if (match := _MARK.match(x))}
    usual = {marks.get(n) for n in starts}
    for n, mark in marks.items():
        alone = marks.get(n - 1) != mark != marks.get(n + 1)
        if n not in starts and mark not in usual and alone and (n + 1 in starts or len(mark) > 2):
            numbers.add(n)
    return numbers


def _nameless_heads(lines, found, starts):
    shapes = Counter()
    for head in found:
        before, name, after = lines[head.line].partition(head.name or "\n")
        if name and after:
            signs = re.match(rf"\s*(?:[^{NO_SIGN}\s]|_)*", after)[0]
            shapes[before.strip(), signs.strip()] += 1
    numbers = _with_furniture(lines, found, starts)
    if shapes:
        (opens, closes), times = shapes.most_common(1)[0]
        if times * 2 > len(found):
            numbers |= _in_signs(lines, starts, opens, closes)
    return numbers


def _in_signs(lines, starts, opens, closes):
    """Lines with these signs around nothing, or around what is written as a name."""
    empty = re.compile(rf"{re.escape(opens)}\s*{re.escape(closes)}(?:\s|$)")
    signs = len(opens + closes) > (closes in "-–—*•·")
    found = set()
    for number, line in enumerate(lines):
        if number in starts or not line:
            continue
        match = _LINE.match(line)
        if signs and empty.match(line):
            found.add(number)
        elif match and (match["open"].strip()[:3], match["close"].strip()) == (opens, closes):
            if opens or all(not word[0].islower() for word in match["name"].split()):
                found.add(number)
    return found


def _with_furniture(lines, found, starts):
    """Lines that end as all heads do, or stand as far above what comes back as heads do."""
    whole = [_DATED.sub("", lines[head.line]) for head in found]
    ending = commonprefix([line[::-1] for line in whole])[::-1]
    numbers = set()
    if len(ending.strip()) > 3 and len(found) > 3:
        short = {n: x for n, x in enumerate(lines) if 0 < len(x) < 80 and n not in starts}
        numbers |= {n for n, x in short.items() if _DATED.sub("", x).endswith(ending.rstrip())}
    often = furniture(lines, found)
    repeated = [n for n, line in enumerate(lines) if line in often]
    plain = {n for n, x in enumerate(lines) if x in often or not _DATED.sub("", x).strip(" ·•#,")}

    def far(number, among):
        """How far above a line one of `among` is, with nothing said between them; 0 for none."""
        for k in range(1, 5):
            if number - k in among:
                return k
            if number - k not in plain:
                return 0
        return 0

    offsets = Counter(k for n in repeated if (k := far(n, starts)))
    if offsets:
        usual, _ = offsets.most_common(1)[0]
        kinds = Counter(lines[n].translate(_NO_DIGITS) for n in repeated)
        as_far = [lines[n].translate(_NO_DIGITS) for n in repeated if far(n, starts) == usual]
        firsts = {kind for kind, times in Counter(as_far).items() if times * 5 > kinds[kind] * 3}
        filled = {n for n, line in enumerate(lines) if line} - plain
        for n in repeated:
            if lines[n].translate(_NO_DIGITS) in firsts and far(n, filled) == usual:
                numbers.add(n - usual)
        numbers -= starts
    return {n for n in numbers if lines[n]}


_MARK = re.compile(r"(?:\*{1,3}|-{2,3}|-!-|={2,3}|[→←•·])\s(?=\S)")


def _without_seconds(found, filled, bare):
    """The numbers of lines that are not the second of two that always come back together."""
    above, starts = dict(zip(filled[1:], filled)), set(found)
    firsts = defaultdict(set)
    for n in found:
        firsts[bare[n]].add(bare[above[n]] if above.get(n) in starts else "")
    seconds = {line for line, names in firsts.items() if len(names) == 1 and "" not in names}
    filled[:] = [n for n in filled if n not in starts or bare[n] not in seconds]
    return [n for n in found if bare[n] not in seconds]


def furniture(lines: list[str], found: list[Head]) -> set[str]:
    """Lines that come back in most messages, but for their numbers, and no heads."""
    starts = {head.line for head in found}
    short = [(n, line) for n, line in enumerate(lines) if 0 < len(line) <= 60 and n not in starts]
    bare = {
        n: x.translate(_NO_DIGITS).strip()
        for n, x in short
        if x[0].isdigit() or not _ENDS.search(x)
    }
    count = Counter(bare.values())
    often = {line for line, times in count.items() if times > 4 and times * 5 > len(found) * 3}
    below = defaultdict(Counter)  # what stands under a name each time belongs to it
    for head in found if not any(head.text for head in found) else ():
        below[head.name].update(lines[head.body : head.body + 1])
    same = {text.most_common(1)[0] for text in below.values() if len(text) == 1}
    always = {line for line, times in same if line and times > 1}
    return always | {lines[n] for n, line in bare.items() if line in often}


def take_turns(names: list[str], signed: bool = False) -> bool:
    """Whether names are a few that come back in no fixed order, as those of speakers do.

    Words in small letters are names where they stand in signs, or have a number or a point.
    """
    count = Counter(names)
    after = defaultdict(set)
    for a, b in zip(names, names[1:]):
        after[a].add(b)
    changes = sum(a != b for a, b in zip(names, names[1:]))
    fixed = len(count) > 2 and sum(len(names) for names in after.values()) <= len(count)
    return (
        len(names) >= _FEWEST
        and 1 < len(count) <= max(2, len(names) // 3)
        and changes * 4 >= len(names)
        and not fixed
        and not {name.casefold() for name in count} & LABELS
        and (signed or sum(map(_is_name, count)) > 1)
    )


def are_fields(names: list[str]) -> bool:
    """Whether names are labels of fields: three or more, of which each tells the next one."""
    follows = defaultdict(Counter)
    for a, b in zip(names, names[1:]):
        follows[a][b] += 1
    # The first time that a name is followed by another tells nothing.
    told = sum(max(after.values()) - 1 for after in follows.values())
    return len(set(names)) > 2 and told * 5 >= (len(names) - 1 - len(follows)) * 4 > 0


def _is_name(name):
    told = name != name.lower() or not name.isascii() or name.startswith("@")
    return told or bool(re.search(r"\d|\w[._]\w", name))


def is_regular(lines: list[str], found: list[Head]) -> bool:
    """Whether the messages are nearly the whole text, and more than fields of two words."""
    starts = {head.line for head in found}
    filled = [n for n, line in enumerate(lines) if line]
    often = furniture(lines, found)
    said = {n for n in filled if lines[n] not in often and _DATED.sub("", lines[n]).strip()}
    paragraphs, fresh = [], True  # the first line of each that says something
    for number, line in enumerate(lines):
        if number in said and fresh:
            paragraphs.append(number)
        fresh = not line or fresh and number not in said
    # A name may have its text below a blank line.
    apart = sum(not head.text and lines[head.body : head.body + 1] == [""] for head in found)
    named = any(head.text for head in found)
    share = 3 if named else 2  # of five paragraphs begin with a name
    begun = sum(n in starts for n in paragraphs) * 5 >= (len(paragraphs) - apart) * share
    dense = len(found) * (5 if named else 8) >= len(said) * 2
    whole = begun if len(paragraphs) > len(found) // 2 else dense
    below = [[n for n in range(x.body, x.body + 8) if n in said and n not in starts] for x in found]
    texts = [
        head.text or " ".join(lines[n] for n in numbers[:2]) for head, numbers in zip(found, below)
    ]
    words = sum(len(re.findall(r"[\u4e00-\u9fff]{2}|[^\W_]+", text)) for text in texts)
    begins = bool(filled) and min(starts, default=9) <= filled[min(2, len(filled) - 1)]
    return begins and whole and words >= 2.5 * len(found)
