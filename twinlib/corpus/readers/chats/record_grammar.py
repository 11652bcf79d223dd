"""Records that come back, and the place in them that holds the name of who speaks.

A log or a conversation of any program repeats one frame: signs, times and words of the program, and
two kinds of slots. One holds ever new text; one holds a few short values that come back in no fixed
order: the speakers. No layout is listed here. Lines are compared by their skeletons (a sign each
for times and numbers), every place of a frame is a slot, and a slot's values tell what it holds.
Prose of one author has places that come back, too (days, refrains, headings, places of a log), but
their values come in a fixed order, are few of many lines, or stand hours and days apart.
"""

import re
from collections import Counter, defaultdict
from functools import lru_cache
from operator import ne
from os.path import commonprefix
from typing import NamedTuple

from .form_parts import AGO, ANY_CLOCK, ANY_DAY, LABELS, NO_SIGN, Head

_FEWEST, _FEWEST_UNTIMED = 6, 8  # records
_FRONT, _END = 90, 90  # characters of a line in which a name is looked for
_MOST_LINES = 4  # of a message that ends in a name, on average
_LONGEST = 60  # characters of a line that comes back
_MOST_SEGMENTS = 5
_NEAR_LINES = 5  # filled lines between a line that comes back and the name
_TIME, _NUMBER, _NAME = "\x01", "\x02", "\x00"
_ANY_TIME = re.compile(
    rf"(?:{ANY_DAY}\W{{0,3}}(?:\s?(?:T|at|um|à|às|a las)\s?)?)?(?<!\d){ANY_CLOCK}"
    rf"(?:\s?[AaPp]\.?[Mm]\b\.?)?(?:,?\s{ANY_DAY})?|(?<!\d)\d{{8}}T\d{{6}}|(?<!\d){ANY_DAY}|{AGO}"
)
_SENTENCE_ENDS = re.compile(r"[.!?…。！？)\]”\"»」]+(?=\s)")
_MOST_LINES_SEEN = 600  # that tell whether names stand below or behind texts
_MOST_LOOKED_AT = 500  # lines that tell whether messages end in a time
_BEGINS_IN_TIME = re.compile(r".{0,20}?\d[:.h时時点點]\d\d")
_ENDS_IN_TIME = re.compile(r"\d[:.h時时點点]\d\d.{0,40}$")
_CLOCKS = [
    re.compile(r"(?<!\d)(\d{1,2})[:h时時点點](\d\d)(?!\d)|\d{8}T(\d\d)(\d\d)\d\d"),
    re.compile(r"(?<!\d)(\d{1,2})\.(\d\d)(?!\d)()()"),
]
_A_NUMBER = re.compile(
    r"(?P<phone>(?<!\w)(?:\+\d{1,3}|\d{2,4})(?:[ -]\d{2,5}){2,5}(?!\w))"  # a name
    r"|(?<![\w+])(?<!\d )(?<!\w\.)#?\d{1,6}(?:[.,]\d+)?(?![\w]| \d)"
)
_DIGITS, _WORDS = re.compile(r"\d+"), re.compile(r"[^\W\d_]+")
_EMOJI = re.compile("[\u2600-\u26ff\ufe0f\U0001f000-\U0001faff]")  # which belong to names
_SEVERAL = re.compile(rf"([{_TIME}{_NUMBER}])\1+")
# What stands between two segments of a line: signs that names don't have, times, two spaces.
_SEPARATOR = re.compile(
    rf"(?:\s*(?:[{_TIME}{_NUMBER}/()]|[^\w\s.'’&@+#()/-]|(?<![\w.])[-–—~_]+|[-–—~_]+(?!\w))\s*"
    r"|\s{2,}|\t)+"
)
# Where signs between a name and a text belong to the text: '> ¿Who', ': 🎉 Done'; not: 'Jo 🌼>'
_TEXT_BEGINS = re.compile(
    rf"(?<=\S)\s+(?!{_EMOJI.pattern}{{1,4}}\s?[>:：\])}}])(?=[^\w\s:：|>»›·•*_=~–—-])"
)
_EDGES = re.compile(rf"^(?:[^{NO_SIGN}@]|_)+|(?:[^{NO_SIGN}.]|_)+$")
_ENDS = re.compile(r"[。！？!?…;；,，]$|[^\W\d_]{2}\.$")


# Where a name stands; of two places in which names are found the first one is taken.
_IN_ORDER = 7, 10  # of ten names seven can be told from the one before
_PLACES = ["front", "line", "words", "end", "tail"]


class Slot(NamedTuple):
    """Where names stand: the frame's `key`, and {line number: (name, its start, end)}.

    The end is where the signs behind the name end. `nameless` are lines of the same frame in which
    no name stands. `below` says whether the names stand under the texts.
    """

    key: tuple
    lines: dict[int, tuple[str, int, int]]
    nameless: frozenset[int] = frozenset()
    below: bool = False


def find(lines: list[str]) -> Slot | None:
    """The slot of the speakers' names, or None where the lines are no conversation."""
    return _find(tuple(lines))


@lru_cache(maxsize=2)  # asked before a file is read, and when it is
def _find(lines):
    if sum(map(bool, lines)) < _FEWEST:
        return None
    masked = [_masked(line) for line in lines]
    found = []
    for key, hits in _slots(lines, masked).items():
        hits = _without_furniture(hits, masked) if len(hits) >= _FEWEST else []
        names = take_turns([hit[1] for hit in hits]) if len(hits) >= _FEWEST else ()
        named = {n: (value, start, end) for n, value, start, end in hits if value in names}
        if len(named) >= _FEWEST and _is_framed(key, named, masked):
            found.append(Slot(key, named, _without_names(hits, named, masked, key)))
    found = _without_greeted(found)
    kinds = Counter(map(_kind, masked))
    found = [slot._replace(below=_are_below(slot, masked, kinds)) for slot in found]
    found.sort(key=_rank)
    slot = _first_that_fits(found, lines, masked, kinds)
    if not slot or slot.key[0] != "front" or not slot.key[1].strip():
        return slot
    begins = re.compile(re.escape(slot.key[1].rstrip()))
    empty = {n for n, x in enumerate(masked) if n not in slot.lines and begins.match(_shape(x))}
    return slot._replace(nameless=frozenset(empty))


def _without_greeted(found):
    """The slots without those of receivers: 'Dear Ole', where another slot holds 'Ole'."""
    several = [{name for name, *_ in slot.lines.values()} for slot in found]
    whole = [names for slot, names in zip(found, several) if slot.key[0] in ("front", "line")]
    kept = []
    for slot, names in zip(found, several):
        first = {name.split()[0] for name in names}
        bare = {" ".join(name.split()[1:]) for name in names}
        if len(first) > 1 or not any(bare & others and first - others for others in whole):
            kept.append(slot)
    return kept


def _without_names(hits, named, masked, key):
    """The numbers of lines in a slot for lines that hold no name, though the rest is as usual."""
    if key[0] != "line":
        return frozenset()
    filled = [n for n, line in enumerate(masked) if line]
    below = {a: _kind(masked[b]) for a, b in zip(filled, filled[1:])}
    above = {b: _kind(masked[a]) for a, b in zip(filled, filled[1:])}
    empty = {n for n, *_ in hits if n not in named}
    usual, times = Counter(below.get(n, "") for n in named).most_common(1)[0]
    if times * 5 >= len(named) * 4:  # the same stands below each name
        empty = {n for n in empty if usual in (below.get(n, ""), _kind(masked[n]))}
    usual, times = Counter(above.get(n, "") for n in named).most_common(1)[0]
    if times * 5 >= len(named) * 4:
        empty = {n for n in empty if above.get(n, "") == usual}
    return frozenset(empty)


def _are_below(slot, masked, kinds):
    """Whether names stand below the texts: none follows the last name, and one stands above all."""
    if slot.key[0] in ("end", "tail"):
        return False
    beside = {n: _DIGITS.sub("0", _kind(masked[n][end:])) for n, (*_, end) in slot.lines.items()}
    alike, often = Counter(beside.values()), max(2, len(slot.lines) // 3)
    numbers = sorted(slot.lines)
    if _WORDS.search(beside[numbers[-1]]) and alike[beside[numbers[-1]]] <= often:
        return False  # the text is in the line
    last = max(n for n, line in enumerate(masked) if line)
    fresh = [n for n in range(last + 1) if masked[n] and kinds[_kind(masked[n])] <= often]
    fresh = [n for n in fresh if n not in slot.lines]
    names = {name for name, *_ in slot.lines.values()}
    ends = fresh and any(_bare(_unmasked(x)) in names for x in masked[fresh[-1] + 1 :])
    return bool(fresh) and fresh[0] < numbers[0] and (ends or fresh[-1] < numbers[-1])


def _first_that_fits(found, lines, masked, kinds):
    """The first slot whose records are the text; of some that are alike that which stands first."""
    paragraphs = sum(bool(x) and not above for above, x in zip(["", *masked], masked))
    clocks = _clocks(lines, masked)
    best, most = None, 0
    for slot in found:
        if best and (_rank(slot)[:3] != _rank(best)[:3] or len(slot.lines) * 10 < most * 9):
            break
        if best and min(slot.lines) >= min(best.lines):
            continue
        if _are_most(slot, kinds, paragraphs, len(clocks)) and _go_on(slot, clocks):
            most = most if best else len(slot.lines)
            best = slot  # who sends stands before who receives
    return _with_most_lines(best, found, kinds, paragraphs, clocks)


def _with_most_lines(best, found, kinds, paragraphs, clocks):
    """The slot, or one beside it that holds the same names in more lines.

    Names stand two lines above a time where a message has one line, but always right below what
    closes the message before.
    """
    if not best or best.key[0] != "line":
        return best
    names = {name for name, *_ in best.lines.values()}
    for slot in found:
        more = len(slot.lines) * 6 >= len(best.lines) * 7 and slot.key[0] == "line"
        same = more and slot.below == best.below and names == {x for x, *_ in slot.lines.values()}
        if same and _are_most(slot, kinds, paragraphs, len(clocks)) and _go_on(slot, clocks):
            best = slot
    return best


def _rank(slot):
    """What sorts slots: those whose names follow one another in no order first, then by place.

    Where a slot holds two kinds of lines in turn, what comes next can mostly be told.
    """
    names = [slot.lines[n][0] for n in sorted(slot.lines)]
    follows = defaultdict(Counter)
    for a, b in zip(names, names[1:]):
        follows[a][b] += 1
    told = sum(max(after.values()) for after in follows.values())
    in_order = told * _IN_ORDER[1] >= (len(names) - 1) * _IN_ORDER[0]
    return in_order, slot.below, _PLACES.index(slot.key[0]), -len(slot.lines)


def _without_furniture(hits, masked):
    """The hits of a slot without those of a line of the program's that stands in every record.

    It is always the same but for its numbers, and comes back after the same number of others.
    """
    places = defaultdict(list)
    for place, hit in enumerate(hits):
        places[hit[1]].append(place)
    furniture = set()
    for value, at in places.items():
        if len(at) < _FEWEST:
            continue
        gaps = Counter(b - a for a, b in zip(at, at[1:]))
        (gap, times), *_ = gaps.most_common(1) or [(1, 0)]
        steady = gap > 1 and times * 5 >= (len(at) - 1) * 4
        if steady and len({_kind(masked[hits[n][0]]) for n in at}) == 1:
            furniture.add(value)
    return [hit for hit in hits if hit[1] not in furniture] if furniture else hits


def heads(lines: list[str]) -> list[Head]:
    """The Heads of messages whose grammar is certain, or [].

    It is where each name stands before its text in the line, or above its text, and every text is
    another.
    """
    slot = find(lines)
    if not slot or slot.below or slot.key[0] not in ("front", "line"):
        return []
    numbers = sorted(slot.lines)
    last = max(n for n, line in enumerate(lines) if line)
    if last == numbers[-1] and slot.lines[last][2] >= len(lines[last]):
        return []  # the name stands below its text
    inline = [lines[n][slot.lines[n][2] :].strip() for n in numbers]
    inline = _without_times(inline)
    kinds = Counter(_kind(_masked(line)) for line in lines)
    often = {kind for kind, times in kinds.items() if times * 2 > len(numbers)}
    often |= _same_places(lines, numbers)
    kinds = [_kind(_masked(text)) for text in inline]
    bare = [_DIGITS.sub("0", kind) for kind in kinds]
    (usual, times), *_ = Counter(bare).most_common(1)
    always = {usual} if times * 5 >= len(kinds) * 4 else set()
    inline = [
        "" if kind in often or same in always or not _WORDS.search(text) else text
        for kind, same, text in zip(kinds, bare, inline)
    ]
    if sum(map(bool, inline)) * 2 < len(inline):
        inline = [""] * len(inline)
    found = []
    for number, text, end in zip(numbers, inline, [*numbers[1:], len(lines)]):
        below = range(number + 1, end)
        body = number + 1
        if not text:  # what stands between the name and the text comes back
            said = (n for n in below if lines[n] and _kind(_masked(lines[n])) not in often)
            body = next(said, end)
        time = _ANY_TIME.search(lines[number][:_FRONT])
        found.append(Head(number, slot.lines[number][0], time[0] if time else "", text, body))
    texts = [head.text or " ".join(lines[head.body : head.body + 1]) for head in found]
    full = sum(map(bool, texts)) * 10 >= len(texts) * 9
    return found if full and len(set(texts)) * 10 >= len(texts) * 9 else []


def with_names_above(lines: list[str]) -> list[str]:
    """The lines, with the name and time in which each message ends on a line above it."""
    if not _may_end_in_names(lines):
        return lines
    slot = find(lines[:_MOST_LINES_SEEN])
    if not slot or not slot.below and slot.key[0] not in ("end", "tail"):
        return lines
    slot = find(lines)
    if slot and slot.below:
        names = {number: (name, 0) for number, (name, *_) in slot.lines.items()}
        known = {name for name, _ in names.values()}
        for number in range(max(names) + 1, len(lines)):  # of the last message
            if (name := _bare(_unmasked(_masked(lines[number])))) in known:
                names[number] = (name, 0)
    elif slot and slot.key[0] in ("end", "tail"):
        names = _whole_names(lines, slot)
        before = (lines[number][:start].strip() for number, (_, start) in names.items())
        texts = {_DIGITS.sub("0", text) for text in before}
        if len(texts) * 10 < len(names) * 9:  # each line is a name and a time, and no text
            return lines
        names |= _unsigned(lines, names)
    else:
        return lines
    moved, block = [], []
    for number, line in enumerate(lines):
        name, start = names.get(number, ("", 0))
        if not name:
            block.append(line)
            continue
        said = _ANY_TIME.search(line, start)
        text = re.sub(rf"(?:[^{NO_SIGN}\s.!?…)\]”\"»」。！？]|[\[(_])+$", "", line[:start].rstrip())
        moved += [f"{name} {said[0] if said else ''}".rstrip()]
        moved += [x for x in [*block, text.rstrip()] if x] + [""]
        block = []
    return moved + block


def _may_end_in_names(lines):
    """Whether lines end in times and don't begin with them, or the last line comes back; quick."""
    some = [line for line in lines[:_MOST_LOOKED_AT] if line]
    ended = sum(bool(_ENDS_IN_TIME.search(line)) for line in some)
    begun = sum(bool(_BEGINS_IN_TIME.match(line)) for line in some)
    if ended >= _FEWEST and ended * _MOST_LINES >= len(some) and begun * 2 <= ended:
        return True
    shapes = [re.sub(r"a(?: a)+", "a", _shape(line)) for line in some if len(line) <= _LONGEST]
    last = next((line for line in reversed(lines) if line), "")
    if _BEGINS_IN_TIME.match(last):
        return False
    last = re.sub(r"a(?: a)+", "a", _shape(last))
    return last not in ("a", "a.") and shapes.count(last) >= _FEWEST


def _whole_names(lines, slot):
    """{line number: (name, where what belongs to it begins)}, with the words before each name.

    They belong to it if they stand before it every time.
    """
    before = defaultdict(list)
    for number, (name, start, _) in slot.lines.items():
        before[name].append(lines[number][:start].split()[-3:])
    found = {}
    for number, (name, start, _) in slot.lines.items():
        words = []
        for at in (1, 2, 3) if slot.key[0] == "tail" else ():
            last = {tuple(x[-at:]) for x in before[name]}
            if len(last) > 1 or len(before[name]) < 3 or not min(map(len, last)) == at:
                break
            words = list(*last)
        whole = _EDGES.sub("", " ".join([*words, name]))
        begins = lines[number].rfind(words[0], 0, start) if words else start
        if sentence := _SENTENCE_ENDS.match(lines[number], begins):
            begins = sentence.end()
        found[number] = (whole, begins)
    return _without_other_names(lines, found)


def _unsigned(lines, names):
    """{line number: ('?', where it begins)} of what stands behind all names, but with no name."""
    behind = {n: lines[n].rfind(name) + len(name) for n, (name, _) in names.items()}
    kinds = Counter(_kind(_masked(lines[n])[start:]) for n, start in behind.items())
    usual, times = kinds.most_common(1)[0]
    if _TIME not in usual or times * 3 < len(names) * 2:
        return {}
    found = {}
    for number, line in enumerate(lines):
        masked = _masked(line)
        if number in names or not _kind(masked).endswith(usual):
            continue
        starts = range(max(0, len(line) - _END), len(line))
        if start := next((at for at in starts if _kind(masked[at:]) == usual), 0):
            found[number] = ("?", start)
    return found


def _without_other_names(lines, names):
    """`names` where what belongs to each begins with an earlier mention of it: '[[User:Ole|Ole]]'.

    The same words and signs stand around both in every line.
    """
    before = {n: lines[n][:start].replace(name, _NAME) for n, (name, start) in names.items()}
    same = commonprefix([text[::-1] for text in before.values()])[::-1]
    if _NAME not in same:
        return names
    return {n: (name, start - len(same.replace(_NAME, name))) for n, (name, start) in names.items()}


def _same_places(lines, numbers):
    """The kinds of lines that stand as far below most names and are hardly ever another text."""
    often = set()
    filled = [n for n, line in enumerate(lines) if line]
    places = {n: place for place, n in enumerate(filled)}
    ends = dict(zip(numbers, [*numbers[1:], len(lines)]))
    for step in range(1, _NEAR_LINES + 1):
        found = []
        for number in numbers:
            at = places[number] + step
            if at < len(filled) and filled[at] < ends[number]:
                found.append(_kind(_masked(lines[filled[at]])))
        kinds = Counter(found)
        several = {kind for kind, times in kinds.items() if times > 1}
        if len(found) * 3 < len(numbers) * 2 or len(kinds) * 3 > len(found):
            break
        often |= several
    return often


def _without_times(texts):
    """The texts without a time, and what stands before it, that nearly all begin with."""
    cuts = [
        next((x for x in _SEPARATOR.finditer(_masked(text[:_LONGEST])) if _TIME in x[0]), None)
        for text in texts
    ]
    if sum(map(bool, cuts)) * 5 < len(cuts) * 4:
        return texts
    return [text[cut.end() :] if cut else text for text, cut in zip(texts, cuts)]


def take_turns(values: list[str]) -> set[str]:
    """The values of a slot that are names: a few that come back in no fixed order; else none."""
    count = Counter(value for value in values if value)
    often = {value for value, times in count.items() if times > 1}
    known = [value for value in values if value in often]
    if len(known) < _FEWEST or not 1 < len(often) <= max(2, len(known) // 3):
        return set()
    pairs = Counter((a, b) for a, b in zip(known, known[1:]) if a != b)
    changes = pairs.total()
    back = sum(times for (a, b), times in pairs.items() if (b, a) in pairs)
    are = (
        len(known) * 5 >= len(values) * 3
        and changes * 4 >= len(known)
        and back * 2 >= changes
        and max(count.values()) * 5 <= len(known) * 4
        and not {value.casefold() for value in often} & LABELS
        and sum(map(_is_name, often)) > 1
        and not are_letters(known)
    )
    return often if are else set()


def are_letters(names: list[str]) -> bool:
    """Whether two labels of a letter alternate, as Q and A, 甲 and 乙: of an essay, or a sketch.

    Two letters are a person's already: 妈妈, Jo, KB.
    """
    several = {name.rstrip("0123456789") for name in names}
    return all(map(ne, names, names[1:])) and len(several) == 2 and max(map(len, several)) < 2


def _is_name(value):
    told = value != value.lower() or not value.isascii() or value.startswith("@")
    return (told or bool(re.search(r"\d|\w[._]\w", value))) and not _ENDS.search(value)


def _masked(line):
    """The line with every character of a time, and of a number, replaced by one sign."""
    if not _DIGITS.search(line):
        return line
    line = _ANY_TIME.sub(lambda match: _TIME * len(match[0]), line)
    return _A_NUMBER.sub(lambda match: match["phone"] or _NUMBER * len(match[0]), line)


def _unmasked(masked):
    """A masked line with spaces for times and numbers."""
    return masked.replace(_TIME, " ").replace(_NUMBER, " ")


def _kind(masked):
    """What lines that differ in their numbers alone have in common."""
    return _SEVERAL.sub(r"\1", masked)


@lru_cache(maxsize=2_000)
def _shape(masked):
    return _WORDS.sub("a", _DIGITS.sub("0", _kind(masked)))


@lru_cache(maxsize=2_000)
def _bare(text):
    text = _EDGES.sub("", text)
    return text if 0 < len(text) <= 40 and len(text.split()) <= 5 else ""


def _slots(lines, masked):
    """{frame: [(line number, value, its start, the end of the signs behind it)]}."""
    slots = defaultdict(list)
    filled = [n for n, line in enumerate(lines) if line]
    short = {n: _kind(masked[n]) for n in filled if len(masked[n]) <= _LONGEST}
    bare = {n: _bare(_unmasked(x)) for n, x in short.items()}
    kinds = defaultdict(list)
    for index, n in enumerate(filled):
        _add_places(n, masked[n], slots)
        if n in short:
            kinds[short[n]].append(index)
        if index == 0 or filled[index - 1] != n - 1:
            kinds["\n"].append(index)
    for kind, found in kinds.items():
        for offset in range(-_NEAR_LINES, _NEAR_LINES + 1) if len(found) >= _FEWEST else ():
            if offset == 0 and kind != "\n":
                continue
            at = [filled[x + offset] for x in found if 0 <= x + offset < len(filled)]
            slots["line", kind, offset] = [(n, bare.get(n, ""), 0, len(lines[n])) for n in at]
    return slots


def _add_places(number, line, slots):
    """Add what stands at each place of a line, counted from its front and from its end."""
    front, at = line[:_FRONT], 0
    cuts = list(_SEPARATOR.finditer(front))[: _MOST_SEGMENTS + 1]
    for cut in cuts:
        begins = _TEXT_BEGINS.search(line, cut.start(), cut.end())
        end = begins.end() if begins else cut.end()
        if cut.start() > at and (value := _bare(front[at : cut.start()])):
            signs = _shape(_EMOJI.sub("", front[cut.start() : end])).strip()[:2]
            slots["front", _shape(front[:at]), signs].append((number, value, at, end))
        at = cut.end()
    for cut in cuts[:3]:
        # Words behind a time, which only a space divides from the text
        words = front[cut.end() :].split(None, 2) if _TIME in cut[0] else []
        for several in range(1, min(3, len(words))):
            value = " ".join(words[:several])
            key = ("words", _shape(front[: cut.end()]), several)
            slots[key].append((number, value, cut.end(), cut.end() + len(value)))
    shift = max(0, len(line) - _END)
    end = line[shift:]
    cuts = list(_SEPARATOR.finditer(end))[-_MOST_SEGMENTS - 1 :]
    for before, after in zip(cuts, [*cuts[1:], None]):
        stop = after.start() if after else len(end)
        behind = _shape(end[stop:])
        if value := _bare(end[before.end() : stop]):
            key = ("end", _shape(before[0]).strip()[-2:], behind)
            slots[key].append((number, value, shift + before.start(), len(line)))
    for cut in cuts[-_MOST_SEGMENTS:]:
        # Words before signs and a time, which only a space divides from the text
        words = end[: cut.start()].rsplit(None, 3) if _TIME in end[cut.start() :] else []
        for several in range(1, min(4, len(words))):
            value = " ".join(words[-several:])
            key = ("tail", several, _shape(end[cut.start() :]))
            slots[key].append((number, value, shift + cut.start() - len(value), len(line)))


def _is_framed(key, named, masked):
    """Whether what stands before a name, or behind one at the end of a line, comes back, too."""
    if key[0] == "line":
        return True
    if key[0] in ("end", "tail"):
        beside = Counter(_kind(masked[n])[-len(x) :] if (x := key[2]) else "" for n in named)
    else:
        before = [masked[n][:start] for n, (_, start, _) in named.items()]
        beside = Counter(_DIGITS.sub("0", _kind(x)) for x in before)
    return sum(times for times in beside.values() if times > 1) * 3 >= len(named) * 2


def _are_most(slot, kinds, paragraphs, clocks):
    """Whether the records are most of the text: of its paragraphs, or of the lines said once."""
    most = len(slot.lines)
    fresh = sum(times for kind, times in kinds.items() if kind and times * 3 < most)
    enough = most >= (_FEWEST if clocks * 2 > most else _FEWEST_UNTIMED)
    return enough and (most * 3 >= fresh or most * 2 >= paragraphs)


def _clocks(lines, masked):
    """{line number: (minutes, the day or '', where the day stands)}.

    Of the lines that have a clock near their front or end.
    """
    timed = [n for n, y in enumerate(masked) if _TIME in y[:_FRONT] or _TIME in y[-_END:]]
    for clock in _CLOCKS:
        found = [(n, match) for n in timed if (match := clock.search(lines[n]))]
        if len(found) * 2 >= len(timed):
            break
    clocks = {}
    for n, m in found:
        clock = " " * (m.end() - m.start())
        day = re.search(ANY_DAY, lines[n][: m.start()] + clock + lines[n][m.end() :])
        minutes = int(m[1] or m[3]) * 60 + int(m[2] or m[4])
        clocks[n] = (minutes, day[0], day.start()) if day else (minutes, "", 0)
    return clocks


def _go_on(slot, clocks):
    """Whether times, where the records have them, mostly follow one another within an hour.

    Or go on without end, as in a recording. The days with them, if there are, change seldom.
    """
    if len(clocks) * 2 < len(slot.lines):
        return True
    ahead = slot.key[0] in ("front", "words") and _TIME in slot.key[1]
    if ahead:  # what the texts say of times and days doesn't count
        clocks = {n: clock for n, clock in clocks.items() if n in slot.lines}
        names_at = {n: start for n, (_, start, _) in slot.lines.items()}
    minutes = [minute for minute, *_ in clocks.values()]
    steps = [b - a for a, b in zip(minutes, minutes[1:])]
    near = sum(abs(step) <= 60 for step in steps) * 2 >= len(steps)
    on = sum(step >= 0 for step in steps) * 20 >= len(steps) * 19
    days = [day for n, (_, day, at) in clocks.items() if day and not (ahead and at > names_at[n])]
    changes = sum(a != b for a, b in zip(days, days[1:]))
    return (near or on) and changes * 2 <= max(len(days), 4)
