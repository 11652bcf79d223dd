"""Heads of messages of programs that are not known: a time and a name in any order.

Lines with both, blocks of fields that name them, and the small words beside all names; also what
marks a line of the program's own, whose time stands as in the heads though no name does.
"""

import re
from collections import Counter

from .form_parts import (
    ANY_DAY,
    ANY_TIME,
    LABELS,
    NO_SIGN,
    Head,
    is_short,
    name_of,
)

ANY_CLOCK_NEAR = re.compile(
    r".{0,70}?\d{1,2}[:.h时時点點]\d{2}|.*\d[:.h]\d\d(?:\s?[AaPp]\.?[Mm])?\W{0,3}$|\d{8}T\d{6}"
)
_COMPACT = re.compile(r"(?<!\d)(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)(?!\d)")
_IN_BRACKETS = rf"[\[(<{{【（]\s*(?P<time>{ANY_TIME})\s*[\])>}}】）]"
_SIGNS = r"[\s;,|·•@\-–—~*_]*"
# A phone number is a name, too, and no time: '06 39 98 01 43', '(555) 201-4455'
_PHONE = rf"(?!{ANY_DAY}|(?:19|20)\d{{6}}(?!\d))\(?\d(?=[\d ()\-]{{5,16}}\d(?![\d:.]))"
NAME_BEGINS = rf"(?:[^\W\d_]|\+\d|{_PHONE}|[~@](?=[^\W\d])|[\U0001f300-\U0001faff])"
_ANY_NAME = rf"(?P<name>{NAME_BEGINS}[^\t:：<>\[\]|。！？!?；;\n]{{0,39}}?)"
_AFTER_NAME = (
    r"(?:\s*(?:[:：»|\t]|(?<![:：|\t])>|[-–—](?=\s)|\s[-–—~]\s|\*\*|\]|\))+\s*(?P<text>.*))?"
)
_RANK = r"(?:(?<=<)[@+%&])?"  # of an operator, in IRC
_HEADING = r"(?:#{1,6}\s+)?"
_TAG = r"(?:\[[^\]\n]{1,12}\])?"
_TAG_BEGINS, _TAG_ENDS = r"<\w+ (?:[^<>\n]*?\s)?\w+=", r"[^<>\n]*>\s*(?P<text>.*)"
_ORDERS = [
    re.compile(pattern)
    for pattern in (
        rf"{_HEADING}{_IN_BRACKETS}{_SIGNS}[<\[(*]*{_RANK}{_ANY_NAME}{_TAG}{_AFTER_NAME}",
        rf"{_HEADING}(?P<time>{ANY_TIME}){_SIGNS}[<\[(*]*{_RANK}{_ANY_NAME}{_TAG}{_AFTER_NAME}",
        rf"{_HEADING}[<\[(*@]*{_ANY_NAME}[>\])*]*{_SIGNS}{_IN_BRACKETS}[:：]?\**\s*(?P<text>.*)",
        rf"{_HEADING}[<\[(*@]*{_ANY_NAME}[>\])*]*[\s;,|·•@\-–—~*_]+(?P<time>{ANY_TIME})"
        r"(?: ?[^\W\d]{1,10})?(?:\s*(?:[:：>»|;\t]|\s[-–—]\s)\s*(?P<text>.*))?",
        # a tag with both, or both in one pair of brackets
        rf"{_TAG_BEGINS}\"{_ANY_NAME}\" \w+=\"(?P<time>{ANY_TIME})\"{_TAG_ENDS}",
        rf"{_TAG_BEGINS}\"(?P<time>{ANY_TIME})\" \w+=\"{_ANY_NAME}\"{_TAG_ENDS}",
        rf"[\[(<{{【（]\s*{_ANY_NAME}\s*[@,;|·•/–—-]\s*(?P<time>{ANY_TIME})\s*[\])>}}】）]"
        r"[:：>»|\t]*\s*(?P<text>.*)",
    )
]
_TIME_FIRST = re.compile(rf"(?:[^\w\n]|_){{0,4}}{ANY_TIME}[\])>}}】）]?")
_TIME_NEAR = re.compile(
    rf"(?=.{{0,40}}\d[:.h时]\d\d)[^\n]{{1,20}}?(?<![\d:.]){ANY_TIME}[\])>}}】）]?"
)
_TIME_LAST = re.compile(rf"(?<![\w.:/-]){ANY_TIME}$")
_TIME_AT_END = re.compile(rf"[\[(<{{【（]?(?<![\w.:/-]){ANY_TIME}[\])>}}】）]?$")
_TIME_IN_BRACKETS = re.compile(rf"[\[(（【<]{ANY_TIME}[\])）】>]")


def of_one_order(lines: list[str]) -> list[Head]:
    """Heads of the most frequent order of a time, a name and perhaps the text, in any signs."""
    best = []
    timed = [
        (number, _COMPACT.sub(r"\1-\2-\3T\4:\5:\6", line))
        for number, line in enumerate(lines)
        if ANY_CLOCK_NEAR.match(line)
    ]
    for order in _ORDERS if len(timed) >= 4 else ():
        matches = [(number, order.fullmatch(line)) for number, line in timed]
        found = [
            Head(number, name_of(match["name"]), match["time"], match["text"] or "", number + 1)
            for number, match in matches
            if match
        ]
        best = max(best, _with_last_words(found), key=len)
    any_order = _with_last_words(_by_recurring_names(lines, timed))
    any_order = any_order or of_first_words(lines)
    if _is_one_word(best):
        best = [] if any_order else of_columns(lines)
    if len(any_order) > len(best) * 1.2:
        return _without_same_text(any_order)
    best = _without_same_text(_in_angles(lines, best))
    count = Counter(head.name for head in best)
    if sum(bool(head.text) for head in best) * 2 < len(best):  # the text is on the next lines
        several = sum(times > 1 for times in count.values()) > 1
        return [x for x in best if not several or count[x.name] > 1 or len(x.name.split()) < 3]
    return [head for head in best if head.text or count[head.name] > 1]


def _in_angles(lines, found):
    """The heads that name the sender as '<Ole>', where most do: the rest are joins and the like."""
    named = [
        head
        for head in found
        if re.search(r"<[@+%&~ ]?" + re.escape(head.name) + " ?>", lines[head.line])
    ]
    return named if len(named) * 2 > len(found) else found


def _without_same_text(found):
    """Heads without a text that nearly all have but for numbers: the text is on the next lines."""
    bare = [re.sub(rf"{ANY_DAY}|\d+", "", head.text) for head in found]
    text, times = Counter(bare).most_common(1)[0] if bare else ("", 0)
    if not text or times * 5 < len(found) * 4:
        return found
    return [x._replace(text="" if same == text else x.text) for x, same in zip(found, bare)]


def _is_one_word(found):
    """Whether nearly all names are the same: a word that a program writes before every name."""
    count = Counter(head.name for head in found)
    often = [times for times in count.values() if times > 1]
    return len(often) < 2 and sum(often) * 5 > len(found) * 3


_DAY_OF_WEEK = re.compile(r"([^\W\d]{2,10})[,.] (?=\d{1,2}\D\d\d)")


def _with_last_words(found):
    """Heads whose names have the word before the clock, if every name always has its own.

    Else it is a day of the week.
    """
    words = [_DAY_OF_WEEK.match(head.time) for head in found]
    both = {(head.name, word and word[1]) for head, word in zip(found, words)}
    one_each = len(both) == len({name for name, _ in both})
    if len({word for _, word in both}) < 2 or not one_each:
        return found
    return [
        head._replace(name=f"{head.name} {word[1]}", time=head.time[word.end() :]) if word else head
        for head, word in zip(found, words)
    ]


# Blocks of 'Name: value', one for each message: who sent it, when, and what.
_WHO = re.compile(
    r"(?:from|sender|author|name|user(?:name)?|by|von|absender|de|remitente|autor|usuario"
    r"|remetente|usuário|expéditeur|auteur|nom|发件人|发送者|发送人|發送者|發送人|昵称|用户|寄件人)"
    r"\s*[:：=]\s*(.{1,40})",
    re.IGNORECASE,
)
_WHEN = re.compile(
    rf"(?:date|time|sent|timestamp|when|datum|zeit|uhrzeit|fecha|hora|data|heure|enviado|envoyé|"
    rf"gesendet|时间|時間|日期|发送时间|發送時間)\s*[:：=]\s*({ANY_TIME})",
    re.IGNORECASE,
)
_WHAT = re.compile(
    r"(?:message|text|body|content|nachricht|inhalt|mensaje|texto|contenido|mensagem|conteúdo"
    r"|contenu|texte|内容|內容|正文|消息|訊息)\s*[:：=]\s*(.*)",
    re.IGNORECASE,
)
_SAID = re.compile(r"(?<=.)(?:说道?|道|写道|發送|发送|說|寫道|[于於])$")
_FROM = ("von", "from", "by", "de", "par", "por")
RULED = re.compile(r"[-=_*~·]{3,}")


def of_fields(lines: list[str]) -> list[Head]:
    """Heads of blocks with a sender and a time, each on a line of its own, in either order."""
    found, number = [], 0
    while number + 1 < len(lines):
        pair = lines[number : number + 2]
        who = next((match for line in pair if (match := _WHO.fullmatch(line))), None)
        when = next((match for line in pair if (match := _WHEN.fullmatch(line))), None)
        if not (who and when):
            number += 1
            continue
        body = number + 2
        what = _WHAT.fullmatch(lines[body]) if body < len(lines) else None
        text = what[1] if what else ""
        found.append(Head(number, name_of(who[1]), when[1], text, body + bool(what)))
        number = body
    return found


_KEYED = re.compile(r"[^\w\s]{0,2}\s?(?P<key>[^\W\d][\w ]{0,18}?)\s?[:：=]\s?(?P<value>.*)")
_A_TIME = re.compile(rf"[\"']?\W?(?:{ANY_TIME}|{ANY_DAY}).{{0,20}}")


def of_records(lines: list[str]) -> list[Head]:
    """Heads of blocks of 'key: value' lines with the same keys, whatever these are called.

    The key of the time has times, that of the sender a few values that come back; the last of a
    block is the text, which may go on below it.
    """
    keyed = {n: m for n, line in enumerate(lines) if (m := _KEYED.fullmatch(line))}
    count = Counter(match["key"].casefold() for match in keyed.values())
    often = {key for key, times in count.items() if times >= 4 and times * 12 >= len(lines)}
    first = next((m["key"].casefold() for m in keyed.values() if m["key"].casefold() in often), "")
    starts = [n for n, match in keyed.items() if match["key"].casefold() == first]
    blocks = []
    for start, end in zip(starts, [*starts[1:], len(lines)]):
        fields, number = {}, start
        while number < end and number in keyed and keyed[number]["key"].casefold() in often:
            fields.setdefault(keyed[number]["key"].casefold(), (number, keyed[number]["value"]))
            number += 1
        blocks.append(fields)
    keys = [key for key in often if sum(key in block for block in blocks) * 5 >= len(blocks) * 4]
    values = {key: [block[key][1] for block in blocks if key in block] for key in keys}
    times = [
        k for k, v in values.items() if sum(map(bool, map(_A_TIME.match, v))) * 5 >= len(v) * 4
    ]
    who = {k: len(set(v)) for k, v in values.items() if k not in times and _are_names(v)}
    if not times or not who or len(blocks) < 4:
        return []
    named = [k for k in who if _WHO.fullmatch(f"{k}: x")]
    sender = max(named or who, key=lambda key: who[key])
    found = []
    for block in blocks:
        if sender in block and times[0] in block:
            text = list(block)[-1]
            number, value = block[text] if text not in (sender, *times) else (None, "")
            last = max(n for n, _ in block.values())
            name, start = block[sender][1].strip("\"' "), min(n for n, _ in block.values())
            when = block[times[0]][1].strip("\"' ")
            found.append(Head(start, name_of(name), when, value.strip("\"'"), last + 1))
    return found


def _are_names(values):
    """Whether values are short, few, come back in turn, and not all in small letters."""
    several = {value for value in values if value}
    changes = sum(a != b for a, b in zip(values, values[1:]))
    return (
        1 < len(several) <= max(2, len(values) // 2)
        and all(len(value) <= 40 and len(value.split()) <= 5 for value in several)
        and changes * 4 >= len(values)
        and any(value != value.lower() or not value.isascii() for value in several)
    )


def without_common_words(found: list[Head]) -> list[Head]:
    """Heads whose names are without what a program writes around nearly all of them.

    These are words that begin with a small letter, or signs, and what is outside of them: 'Post by
    Ole', 'Ole added a comment'. A family's name stays.
    """
    if len({head.name for head in found}) < 2:
        return found
    words = [head.name.split() for head in found]
    before, after = _common(words), _common([parts[::-1] for parts in words])
    first = max((n + 1 for n, word in enumerate(before) if _is_small(word)), default=0)
    last = max((n + 1 for n, word in enumerate(after) if _is_small(word)), default=0)
    if len(found) < 4:  # too few to tell
        first = 0
    named = []
    for head, parts in zip(found, words):
        has_first = first and parts[:first] == before[:first]
        has_last = last and parts[::-1][:last] == after[:last]
        parts = parts[first if has_first else 0 : len(parts) - (last if has_last else 0)]
        name = name_of(" ".join(parts))
        named.append(head._replace(name=name if name else head.name))
    if len(named) > 3 and all(_SAID.search(head.name) for head in named):
        named = [head._replace(name=_SAID.sub("", head.name)) for head in named]
    return _without_tags(named)


def _common(words):
    """The first words that nearly all have, and behind which each has one more."""
    shared = []
    while True:
        next_ = Counter(tuple(w[: len(shared) + 1]) for w in words if len(w) > len(shared) + 1)
        most, times = next_.most_common(1)[0] if next_ else ((), 0)
        if times * 4 < len(words) * 3:
            return shared
        shared = list(most)


_LAST_TAG = re.compile(
    r"\s*[\[(<][^\[\]()<>]{1,20}[\])>]?$|[/|@:][\w.]{1,30}$|,\s?[^\W\d]{2,5}\.?$|"
    r"\s\d{1,2}\.? (?:de )?[^\W\d]{3,10}\.?$|\s[^\W\d]{3,10}\.? \d{1,2}(?:st|nd|rd|th)?,?$"
)


def _without_tags(found):
    """Heads without a tag in brackets, or a day, behind nearly all names."""
    tagged = [_LAST_TAG.search(head.name) for head in found]
    if len(found) < 4 or sum(bool(tag and tag.start()) for tag in tagged) * 10 < len(found) * 9:
        return found
    return [
        head._replace(name=head.name[: tag.start()]) if tag and tag.start() else head
        for head, tag in zip(found, tagged)
    ]


def _is_small(word):
    if word.casefold() in _FROM or word in ("于", "於", "在"):
        return True
    return word[0].islower() or not (word[0].isalnum() or word[0] in "+~@")


def far_opening(line: str, name: str = "") -> str:
    """The same with a number, a word or a day before the time, but not the sender's `name`."""
    match = _TIME_NEAR.match(line)
    return _shape(match[0]) if match and not (name and name in match[0]) else ""


def opening(line: str, name: str = "") -> str:
    """The signs before and in the time that a line begins with, digits as 0; '' without one."""
    match = _TIME_FIRST.match(line)
    return _shape(match[0]) if match else ""


def ending(line: str, name: str = "") -> str:
    """The same of the time that a line ends with."""
    match = _TIME_LAST.search(line) if line[-1:].isdigit() or line[-1:] in "])）】" else None
    return _shape(match[0]) if match else ""


def before_time(line: str) -> str:
    """The line without the time that it ends in, '' where it ends in none."""
    match = _TIME_AT_END.search(line)
    return line[: match.start()].rstrip() if match else ""


def bracketed(line: str, name: str = "") -> str:
    """The same of the time in brackets that a line ends with, or has after its first words."""
    matches = list(_TIME_IN_BRACKETS.finditer(line))
    if not matches:
        return ""
    return _shape(matches[-1 if matches[-1].end() == len(line) else 0][0])


_FAR = 80  # characters of a line in which its time may begin


def framed(line: str, name: str = "") -> str:
    """The same of the first time anywhere, with the signs on both sides of it.

    A clock without a day and signs counts only where the line has a `name`, or nothing else.
    """
    match = _TIME_ANYWHERE.search(line[:_FAR])
    if not match:
        return ""
    shape = _shape(match[0])
    if name or len(match[0]) == len(line) or not re.fullmatch(r"[0a:.h\s]*", shape):
        return shape
    return ""


def _shape(text):
    return re.sub(r"[^\W\d_]+", "a", re.sub(r"\d+", "0", text.strip()))


_TIME_ANYWHERE = re.compile(
    rf"(?:[^{NO_SIGN}\s]|_)*{ANY_TIME}[\])}}>】）»›*_\"”]*(?:(?P<sign>[^{NO_SIGN}\s])(?P=sign)*)?"
)
_EDGE = rf"(?:[^{NO_SIGN}]|_)+"
EDGES = re.compile(rf"^[\W_]{{0,3}}\d{{1,6}}[.)\]:]?(?:[^\w+]|_)+(?=\D)|^{_EDGE}|{_EDGE}$")
_KEY = re.compile(
    r"^\W*(?:(?:from|sender|name|user|author|by|von|de|who)\s?[=:]\s?[\"'“]?|\w{1,12}=[\"'“]?)",
    re.IGNORECASE,
)
_TEXT_KEY = re.compile(
    r"^\W{0,3}(?:\w{1,12}=\S*\s)*(?:text|msg|message|body|content)\s?[=:]\s?|^\w{1,12}=",
    re.IGNORECASE,
)
_AFTER_ANY_NAME = re.compile(
    rf"[^{NO_SIGN}\s.'’&@(（\-–—~#]|\s[-–—~]+\s|\s{{2,}}|_\s"
    r"|\s(?=(?:text|msg|message|body|content)=)|$"
)


# What stands between a name or a time and the text, without what the text opens with.
_SEPARATOR = re.compile(
    rf"^(?:\s*(?:[:：>»›|/·;,=*_~\-–—]+|\.\.+)|(?![(（\[【「『“„«‹<《@#❝¿¡\"'])([^{NO_SIGN}\s])\1*)?"
    r"\s?[:：)\]}>】）*_|=·\-–]*\s*"
)


_SEPARATED = re.compile(r"^\s*(?:[-–:：>|»›]\s)?\s*")


def _text_after(time, rest):
    """What follows a time, without the signs between, which may belong to the time already."""
    return (_SEPARATOR if time[-1].isalnum() else _SEPARATED).sub("", rest, count=1)


_TAGGED = re.compile(r"[^\[\](){}<>:：]{1,20}(?:[\])}>]+[:：]?|[:：])[\s<\[(]*(?P<rest>\S.*)")


def _by_recurring_names(lines, timed):
    """Heads of messages in any order of time and name, where the same few names come back.

    The name stands after the time, before it, or first in the line with the text between.
    """
    found = {"after": [], "second": [], "before": [], "first": []}
    for number, line in timed:
        match = _TIME_ANYWHERE.search(line)
        if not match:
            continue
        before, after = line[: match.start()], line[match.end() :]
        rest = _KEY.sub("", re.sub(rf"^{_EDGE}", "", after), count=1)
        end = _AFTER_ANY_NAME.search(rest)
        said = re.sub(r"^[\"'”]\s(?=\w{1,12}=)", "", rest[end.start() :])
        text = _TEXT_KEY.sub("", _SEPARATOR.sub("", said), count=1)
        found["after"].append(
            (number, rest[: end.start()], match[0], re.sub(r"\s*(?:\||</\w+>)$", "", text))
        )
        if tag := _TAGGED.match(rest):
            end = _AFTER_ANY_NAME.search(tag["rest"])
            text = _SEPARATOR.sub("", tag["rest"][end.start() :])
            found["second"].append((number, tag["rest"][: end.start()], match[0], text))
        bare = _KEY.sub("", EDGES.sub("", before), count=1)
        found["before"].append(
            (number, EDGES.sub("", bare), match[0], _text_after(match[0], after))
        )
        last = match
        if line[-1] in "0123456789mM.)]}>】）":
            last = _TIME_AT_END.search(line, match.end()) or match
        name, _, text = re.sub("[:：>»|]", ":", line[: last.start()], count=1).partition(":")
        if text.strip(" (["):
            found["first"].append((number, name, last[0], re.sub(r"[\s(\[]+$", "", text)))
    best, chosen = [], {"first": None}
    for place, heads_ in found.items():
        heads_ = [
            Head(
                number,
                name_of(name),
                time.strip("[](){}<>【】（）\"'*_|= "),
                text.strip(),
                number + 1,
            )
            for number, name, time, text in heads_
            if re.fullmatch(rf"{NAME_BEGINS}[^\t\n。！？!?]{{0,39}}", name.strip())
            and is_short(name)
        ]
        count = Counter(head.name for head in heads_)
        heads_ = [head for head in heads_ if count[head.name] > 1]
        chosen[place] = heads_
        if place == "second" and not _is_one_word(chosen["after"]):
            continue
        few = 1 < len(set(count)) and len({h.name for h in heads_}) * 2 <= len(heads_)
        if few and len({h.name for h in heads_}) > 1 and not {n.casefold() for n in count} & LABELS:
            best = max(best, heads_, key=len)
    if best is not chosen["first"]:
        return best
    # Of a message of several lines only the last one has the time.
    names, taken = {head.name for head in best}, {head.line for head in best}
    for number, line in enumerate(lines):
        name, _, text = re.sub("[:：>»|]", ":", line, count=1).partition(":")
        if number not in taken and name.strip() in names and text:
            best.append(Head(number, name.strip(), "", text.strip(), number + 1))
    return sorted(best)


def of_columns(lines: list[str]) -> list[Head]:
    """Heads of rows of four columns or more, of which one has a time and one the name."""
    for sign in "\t;|":
        rows = {n: line.split(sign) for n, line in enumerate(lines) if line.count(sign) > 2}
        rows = {n: row for n, row in rows.items() if any(map(_A_TIME.fullmatch, row[:-1]))}
        if len(rows) < 4:
            continue
        usual = Counter(map(len, rows.values())).most_common(1)[0][0]
        whole = [row for row in rows.values() if len(row) >= usual]
        names = {at: [row[at].strip() for row in whole] for at in range(usual - 1)}
        at = next((at for at in names if _are_names(names[at])), None)
        if at is None:
            continue
        return [
            Head(
                number,
                name_of(row[at]),
                " ".join(cell for cell in row[:-1] if _A_TIME.fullmatch(cell)),
                sign.join(row[at + 1 :]).strip(),
                number + 1,
            )
            for number, row in rows.items()
            if len(row) >= usual
        ]
    return []


def of_first_words(lines: list[str]) -> list[Head]:
    """Heads of lines of a time, a name and the text, which only spaces divide.

    The first words of these lines are few and come back; what always follows one belongs to it.
    """
    found, follows = [], {}
    for number, line in enumerate(lines):
        match = _CLOCK_FIRST.match(line)
        if match and (words := match["rest"].split(None, 3)):
            found.append((number, match["time"], match["rest"], words))
            follows.setdefault(words[0], []).append(words[1:2])
    often = {
        word
        for word, after in follows.items()
        if len(after) > 2 and (word != word.lower() or not word.isascii())
    }
    named = [(n, time, rest, words) for n, time, rest, words in found if words[0] in often]
    if len(named) * 5 < len(found) * 4 or not 1 < len(often) <= max(2, len(named) // 4):
        return []
    heads_ = []
    for number, time, rest, words in named:
        after = follows[words[0]]
        whole = len({tuple(word) for word in after}) == 1 and bool(after[0])
        name = " ".join(words[: 1 + whole])
        text = rest.split(None, 1 + whole)[1 + whole :]
        heads_.append(Head(number, name_of(name), time, text[0] if text else "", number + 1))
    return heads_


_CLOCK_FIRST = re.compile(rf"(?P<time>[\[(]?{ANY_TIME}[\])]?)\s+(?P<rest>[^\W_].*)")
