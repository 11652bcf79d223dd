"""Chats and interviews in plain text, in one of the forms that text_forms.py lists.

Subtitles that name their speakers are conversations too (see subtitles.py).
"""

import re
from collections import Counter
from collections.abc import Iterator
from functools import lru_cache
from itertools import chain, islice
from os.path import commonprefix

from ....text.inputs import spreadsheets
from ....text.inputs.encoding import Unreadable
from ....text.inputs.filename import title_of
from ....text.inputs.input_file import File, Options
from ....text.inputs.json_values import start
from ...clean.wrapping import HARD_BREAK, unwrap_text
from .. import dates, markdown, subtitles
from . import (
    any_order,
    footers,
    form_parts,
    record_grammar,
    text_forms,
    text_shape,
    untimed,
    whatsapp,
)
from .messages import INVISIBLE, Conversation, Message, go_back
from .text_forms import FORMS

_LINE_TITLE = re.compile(
    r"(?:\[LINE\]\s*)?(?:Chat (?:history )?(?:with|in) |[与與和])?(.+?)(?:とのトーク履歴|的(?:聊天|"
    r"對話).*)?"
)
_RULE = re.compile(r"={20,}|消息分组[:：].*")  # lines that QQ writes between two chats
_QQ, _OBJECT = "消息记录", re.compile(r"消息对象[:：](.*)")
_KAKAO_SAVED = re.compile(r"(?:Date Saved|저장한 날짜)\s?[:：]\s?\S")  # its second line
# {program: (a head that no other writes so, any line that begins in a time as it does)}
_HEADS = {
    "line": (
        re.compile(rf"{form_parts.CLOCK}\t[^\t]{{1,40}}\t\S"),
        re.compile(rf"{form_parts.CLOCK}\t[^\t]+\t"),
    ),
    "qq": (
        re.compile(rf"{form_parts.STAMP} \S.{{0,60}}?(?:\(\d{{5,12}}\)|<[^<>\s]+@[^<>\s]+>)$"),
        re.compile(form_parts.STAMP),
    ),
    "zoom": (
        re.compile(rf"\d\d:\d\d:\d\d\s+{text_forms.SENDER}[^:：]+?\s?[:：]"),
        re.compile(r"\d\d:\d\d:\d\d\s"),
    ),
}
_SYSTEM = {"系统消息", "系统", "system", "系統訊息", "系統"}
# Where the words of a message of Discord, iMessage or QQ's exporter end and its lists begin.
_DISCORD_PART = re.compile(r"\{(Attachments|Embed|Stickers|Reactions|Forwarded Message)\}")
_LISTED = re.compile(
    r"(?:Tapbacks|Reactions):|资源[:：] ?\d+ 个文件|提及[:：].*|回复[:：] .* - .*|={20,}"
)
_OWN_LINES = re.compile(  # of Discord, Slack, Zoom, KakaoTalk, among the lines of a message
    r"Pinned a message\.|Joined the server\.|Left the group\.|Started a call that lasted .*|"
    r"(?:joined|left|was added to|archived) #\S+(?: by .{1,40})?|"
    r"(?:Reacted to|Removed a \S{1,12} reaction from) [\"“].*[\"”](?: with \S{1,12})?|"
    r"Reagierte auf [\"“„].*[\"“”] mit \S{1,12}|"
    r"[^\n]{1,40}님(?:이|을|과|께서) [^\n]{1,40}습니다\.?|"
    r"This message responded to an earlier message\.|(?:\d+ repl(?:y|ies)|Last reply .{1,20} ago|"
    r"View thread)"
)
# A reply under the message that it answers; it comes again at its own time.
_NESTED = re.compile(rf"(?m)^ {{4}}(?! ){text_forms.NAMED_STAMP}[^\n]*\n(?: {{4}}[^\n]*\n?)*")
# What the program says without a sender, with its time.
_EVENT = re.compile(rf"{form_parts.CLOCK}\t(?:[^\t]*|\t.*)")
# A day and a time, which are nobody's words: '13 sept 2024, 9:23 (read)'
_DATED = re.compile(
    rf"(?=.*{form_parts.ANY_DAY}|.*\d{{4}}){form_parts.ANY_TIME}(?:\s*\([^()]{{1,60}}\))?"
)
_CELL_ENDS = re.compile(r"(?<=\S)\"[,;]$")  # of a table in quotation marks
_NO_LABEL = re.compile(r"[:：](?=\s\S)")  # where a name stands else
# An IRC user's whole address, and the sign of who is identified: '<ole!ole@host.net> +yes'
_MASK = re.compile(r"(?<=<)([^\s<>!]{1,40})![^\s<>]{1,80}@[^\s<>]{1,120}> ?[+-]?")
_NICKNAMED = re.compile(r".{0,30}?\d:\d\d\S{0,12}\s{1,2}<[@+%&~ ]?[^\s<>]+>\s")
# What else stands in a log of IRC: a line with a time, or behind the signs of joins and the like
_LOGGED = re.compile(r".{0,30}\d:\d\d|\*{3}|-!-|={3}|-{2,3}|<--|\* ")
_COPIED = re.compile(r"(?:\[?[\d:]{5,8}\]? )?<[@+%&~ ]?([^\s<>]+)> ")
_FEWEST_NICKNAMED = 6
_AREA = re.compile(r"\((\d{2,4})\) (?=\d{3,4}-\d{4})")  # of a phone number, in brackets
_CLOCK_AND_SPACE = re.compile(rf"(?m)^{form_parts.ANY_TIME}\u200b+[^\n\u200b]{{1,40}}\u200b+")
_WIDE_CLOCK = re.compile(r"(?<=\d)：(?=\d\d)")  # a sign that Chinese keyboards write
_MOST_LINES = 4  # of a message, on average, in a chat whose times are written so
_NUMBERS = re.compile(r"\d.*\d.*\d")
_STAMPED = re.compile(rf"\[?{form_parts.STAMP}\b\W.*")
_UNKNOWN = ("unknown", "fields", "untimed", "records")  # forms of programs that are not known
_KNOWN = ("qq", "line")  # programs whose own sentences are listed
_PROGRAMS = ("bracketed", "line", "kakao", "line spaced", "clocked", "elapsed", "labelled")
_SPOKEN = ("clocked", "elapsed", "labelled")  # forms of what was said, not typed
_MACHINES = re.compile(r"\[?\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\S*\s")  # before each line of a log
_CLOCKS, _FEWEST_CLOCKS = re.compile(r"\d[:.h时時点點]\d\d"), 3
_SHORTEST_FRAME, _SURE_FRAME = 3, 8  # characters beside the name
_MOST_FIRST_LINES = 3000  # that tell in which form a file is
_MOST_HEADS = 500  # that tell what heads look like
_PLAIN = (".txt", ".text", ".log", ".weechatlog", "")
_MARKDOWN = (".md", ".markdown")
_EDGE = re.compile(r"\s[^\w\s]{1,8}$|</\w+>$")
_START = re.compile(  # signs, a word and a sign, the end of a bracket
    r"(?:[^\w\s]{1,4}|[^\W_]{1,16}\s?[:：›»>|]|[^\s()\[\]]{1,40}[)\]])\s+(?=\S)|[:：.](?=\w)"
)
_NAMES = re.compile(r"[^\W_]|[\u2600-\u27bf\U0001f000-\U0001faff]")  # a sign alone is none
_QUOTES = "“”„\"'‘’«»「」『』"
_FEWEST_FRAMED = 6  # messages
_OPENS = re.compile(r"[^\w\s.。!！?？]\s*$")  # the sign before a text
_FRAMING = re.compile(r"[^\W_]|[\",;=]")  # what is more than signs that people end in
_DIGITS = re.compile(r"\d+")
_FEWEST_QUOTED = 4  # messages in quotation marks
_OF_POLLS = set(  # words before a colon that are no senders
    "poll option choice umfrage abstimmung auswahl encuesta opción enquete opção sondage choix "
    "投票 选项 選項".split()
)
_ME = ("我", "me")


def looks_like(file: File) -> bool:
    """Whether lines of one form name two people repeatedly, closer in time than in a diary."""
    if subtitles.labelled(file):
        return True
    may_be = file.suffix in (*_PLAIN, *_MARKDOWN) and not _has_author(start(file))
    form = _form(file) if may_be else None
    # Rows of a table have a time and a name, too, in quotation marks.
    is_table = form in _UNKNOWN and file.text.startswith('"') and spreadsheets.is_bare(file)
    return bool(form) and not is_table


def conversations(file: File, options: Options) -> Iterator[Conversation]:
    """Yield the file's Conversations, one for each partner of a QQ export. Raises Unreadable."""
    if subtitles.labelled(file):
        yield subtitles.conversation(file)
        return
    form = _form(file)
    if not form:
        raise Unreadable("damaged")
    for title, part in _parts(_lines(file.text)):
        messages = _messages(part, form)
        if messages:
            first = _first_lines(start(file))
            is_irc = form in _UNKNOWN and _is_irc(first, text_forms.heads(first, form))
            known = form in _PROGRAMS or is_irc or _opening(first) in _KNOWN
            yield Conversation(
                title or title_of(file.name),
                messages,
                known=known,
                any_layout=form in _UNKNOWN and not is_irc,
                unmarked=not is_irc,
            )


def _is_irc(lines, heads):
    """Whether nearly all messages stand behind a time and a nickname: '[10:41] <ole> no'.

    What programs for IRC say of joins and the like never stands behind a nickname.
    """
    starts = {head.line for head in heads}
    found = sum(bool(_NICKNAMED.match(lines[n])) for n in starts)
    rest = [line for n, line in enumerate(lines) if line and n not in starts]
    else_ = sum(not _LOGGED.match(line) for line in rest)  # a message has one line
    return found >= _FEWEST_NICKNAMED and found * 10 >= len(heads) * 9 and else_ * 50 <= found


def _form(file):
    form = _form_of(start(file), file.suffix in _MARKDOWN, file.suffix in _PLAIN)
    return None if form == "spoken" and whatsapp.looks_like(file) else form


@lru_cache(maxsize=2)  # asked before a file is read, and when it is
def _form_of(text, is_markdown, is_plain):
    # A post has hardly any times, nor names before a sign: look at no line of it then.
    if is_markdown and len(_CLOCKS.findall(text)) < _FEWEST_CLOCKS:
        if not untimed.may_be(text):
            return None
    lines = _first_lines(text)
    form = text_forms.form_of(lines, _opening(lines))
    # A post may have a chat or an interview in it.
    whole = (
        is_plain
        or form
        and form != "labelled"
        and text_forms.fill(lines, text_forms.heads(lines, form))
    )
    return form if whole else None


def is_unread(file: File) -> bool:
    """Whether the text is a conversation in a layout in which the speakers can't be told.

    Its records tell, or its shape alone, or a time as only machines write it before every line.
    """
    text = start(file)
    if _has_author(text) or text_shape.is_surely_prose(text):
        return False
    lines = _first_lines(text)
    shape = text_shape.is_conversation
    filled = list(filter(None, lines))
    if len(filled) > 2 and all(map(_MACHINES.match, filled)):
        return True
    return bool(record_grammar.find(lines)) or shape(text.split("\n")[:3000])


def _has_author(text):
    """Whether the text begins with front matter that names an author: all of it is theirs."""
    return text.startswith("---") and bool(markdown.split(text)[0].get("author"))


@lru_cache(maxsize=2)
def _first_lines(text):
    return _lines(text)[:_MOST_FIRST_LINES]


def _lines(text):
    """The lines without spaces around them, and without replies that iMessage repeats indented."""
    text = _NESTED.sub("", text) if "\n    " in text else text
    text = _AREA.sub(r"\1 ", text) if ") " in text else text
    if "\u200b" in text:  # which pages write between a time, a name and a text
        text = _CLOCK_AND_SPACE.sub(lambda match: re.sub("\u200b+", "\t", match[0]), text)
    text = _MASK.sub(r"\1> ", text) if "!" in text and "@" in text else text
    lines = [INVISIBLE.sub("", line).strip(" \r\u3000\xa0") for line in text.split("\n")]
    if sum(map(bool, map(_WIDE_CLOCK.search, lines))) * _MOST_LINES > sum(map(bool, lines)):
        lines = [_WIDE_CLOCK.sub(":", line) for line in lines]
    moved = footers.with_heads_above(lines)
    return record_grammar.with_names_above(lines) if moved is lines else moved


def _opening(lines):
    """The program, a key of text_forms.OPENINGS, that the file shows itself to be of; else ''.

    By its first lines, or by what QQ and Zoom write in every head and no other program does.
    """
    first, second, *_ = [*islice(filter(None, lines), 2), "", ""]
    if first.startswith(_QQ):
        return "qq"
    if re.match(r"\[LINE\]|Chat history (?:with|in) ", first):
        return "line"
    if _KAKAO_SAVED.match(second):
        return "kakao"
    for program, (head, any_head) in _HEADS.items():
        found = sum(bool(head.match(line)) for line in lines)
        if program == "line" and not any(map(text_forms.LINE_DAY.fullmatch, lines)):
            continue  # a table
        if found > 1 and found * 10 >= sum(bool(any_head.match(line)) for line in lines) * 9:
            return program
    return ""


def _parts(lines):
    """Yield (title, lines): one, or one for each partner in a QQ export."""
    opening = _opening(lines)
    if opening != "qq":
        match = _LINE_TITLE.fullmatch(next((line for line in lines if line), ""))
        yield match[1].strip() if opening and match else "", lines
        return
    title, part = "", []
    for line in lines:
        match = _OBJECT.fullmatch(line)
        if match:
            yield title, part
            title, part = match[1].strip(), []
        elif not _RULE.fullmatch(line):
            part.append(line)
    yield title, part


def _messages(lines, form):
    if form in _SPOKEN:
        lines = _unwrapped(lines, form)
    heads = [x for x in text_forms.heads(lines, form) if x.name.casefold() not in _OF_POLLS]
    times = _times(lines, heads, form)
    unknown = _unread_heads(lines, heads)
    unknown |= untimed.nameless(lines, heads) if form in _UNKNOWN else set()
    if form == "labelled":
        unknown |= {n for n, line in enumerate(lines) if _NO_LABEL.match(line)}
    if form == "stacked":
        taken = {number for head in heads for number in range(head.line, head.body)}
        unknown |= {n for n, x in enumerate(lines) if n not in taken and text_forms.is_time(x)}
    names = set()
    if form in _UNKNOWN and _is_irc(lines, heads):  # a message is one line
        names, starts = {head.name for head in heads}, {head.line for head in heads}
        unknown |= {n for n, line in enumerate(lines) if line and n not in starts}
    if form == "records" and (slot := record_grammar.find(lines)):
        unknown |= slot.nameless
    unknown -= {n for n in unknown if lines[n].split(":")[0].strip().casefold() in _OF_POLLS}
    ruled = {x for x in _furniture(lines, heads) if form not in _PROGRAMS or not _RULE.match(x)}
    ruled |= set() if form in _PROGRAMS else untimed.furniture(lines, heads)
    messages = []  # a list for each head
    for head, time, end in zip(heads, times, [head.line for head in heads[1:]] + [len(lines)]):
        mine, of_head = True if head.name.casefold() in _ME else None, []
        messages.append(of_head)
        rest = lines[head.body : end]
        # A line that begins as messages do here begins one, though its sender can't be told.
        cut = next((n for n, _ in enumerate(rest) if head.body + n in unknown), len(rest))
        if cut < len(rest) and not head.time and (text := any_order.before_time(rest[cut])):
            rest[cut] = text  # the time stands behind the last line of a message
            cut += 1
        beyond = [line for line in rest[cut:] if not text_forms.is_time(line)]
        if any(beyond):
            of_head.append(
                Message(head.name, "\n".join(rest[cut:]).strip(), time, mine, "platform")
            )
        below = [line for line in rest[:cut] if line not in ruled]
        for reason, text in _texts(head, below, form):
            is_system = head.name.casefold() in _SYSTEM
            if is_system or not _NAMES.search(head.name):
                reason = "platform"
            elif names and (copied := _COPIED.match(text)) and copied[1] in names:
                reason = "quote"  # a line of the log itself
            text = _CELL_ENDS.sub("", text) if form in _UNKNOWN else text
            if text and not (is_system and form not in _UNKNOWN):
                of_head.append(Message(head.name, text, time, mine, reason))
    clocks_alone = len({*times} - {""}) < 2 and form not in _SPOKEN
    if go_back(times) or clocks_alone and text_forms.goes_back(lines, heads):
        messages.reverse()  # the newest stood first
    messages = list(chain.from_iterable(messages))
    messages = messages if form in _PROGRAMS else _without_frame(messages)
    messages = _without_quotation_marks(messages)
    for whole in ([lines[head.line] for head in heads], [m.text for m in messages]):
        if edge := "" if form in _PROGRAMS else _common_edge(whole):
            messages = [m._replace(text=m.text.removesuffix(edge).rstrip()) for m in messages]
    while form in _SPOKEN or form not in _PROGRAMS:
        start = _common_start([m.text for m in messages if not m.skip_reason])
        if not start:
            break
        messages = [m._replace(text=m.text.removeprefix(start)) for m in messages]
    return messages


def _without_frame(messages):
    """The messages without what a program writes before and behind nearly each, but for numbers.

    As in 'text="…"' of a log, or '…, sent at 9:41, 5 of 312'.
    """
    # What two people send each other again is no frame.
    said = list(dict.fromkeys(m.text for m in messages if m.text and not m.skip_reason))
    if len(said) < _FEWEST_FRAMED:
        return messages
    shapes = [_DIGITS.sub("0", text) for text in said]
    before = re.sub(r"[^\W_]+$", "", _longest_start(shapes))
    behind = re.sub(r"^[^\W_]+", "", _longest_start([shape[::-1] for shape in shapes])[::-1])
    before = before if _OPENS.search(before) else ""
    ended = behind.endswith((".", "。", "!", "！", "?", "？"))  # as a sentence is
    behind = behind if _FRAMING.search(behind) and not ended else ""
    if len(before) < 2 and len(behind) < 2:
        return messages
    before, behind = (re.escape(x).replace("0", r"\d+") for x in (before, behind))
    edges = re.compile(rf"^{before}|{behind}$")
    left = sum(bool(edges.sub("", text).strip()) for text in said)
    if left * 5 < len(said) * 4:
        return messages
    return [m._replace(text=edges.sub("", m.text).strip()) for m in messages]


def _longest_start(shapes):
    """The longest beginning that two of three have."""
    start, among = "", shapes
    while among:
        next_signs = Counter(x[len(start)] for x in among if len(x) > len(start))
        sign, times = next_signs.most_common(1)[0] if next_signs else ("", 0)
        if times * 3 < len(shapes) * 2:
            break
        start += sign
        among = [x for x in among if x.startswith(start)]
    return start


def _without_quotation_marks(messages):
    """The messages without the quotation marks that nearly all of them stand in, or end in."""
    said = [m.text for m in messages if m.text and not m.skip_reason]
    if len(said) < _FEWEST_QUOTED:
        return messages
    ended = [text for text in said if text[-1] in _QUOTES]
    begun = sum(text[0] in _QUOTES for text in ended)
    if len(ended) * 5 < len(said) * 4:
        return messages
    if begun * 5 >= len(said) * 4:
        return [m._replace(text=m.text.strip(_QUOTES)) for m in messages]
    if begun * 5 > len(said):
        return messages
    return [m._replace(text=m.text[: -(m.text[-1:] in _QUOTES) or None]) for m in messages]


def _furniture(lines, heads):
    """Lines of signs alone that stand between most messages."""
    count = Counter(line for line in lines if line and not re.search(r"[^\W_]", line))
    return {line for line, times in count.items() if times > 3 and times * 2 > len(heads)}


def _common_edge(texts):
    """The signs that most first lines end in: ticks behind a space, a bar, a closing tag."""
    ends = Counter(match[0] for text in texts if (match := _EDGE.search(text)))
    edge, times = ends.most_common(1)[0] if ends else ("", 0)
    return edge if len(texts) > 5 and times * 3 > len(texts) * 2 else ""


def _common_start(texts):
    """What most texts begin with: signs, or a word that the program writes and a colon."""
    starts = Counter(match[0] for text in texts if (match := _START.match(text)))
    start, times = starts.most_common(1)[0] if starts else ("", 0)
    return start if len(texts) > 5 and times * 2 > len(texts) else ""


def _unread_heads(lines, heads):
    """The numbers of lines that begin or end with a time as most heads do, and are none of them."""
    taken = {number for head in heads for number in range(head.line, head.body)}
    found = set()
    timed = [(n, x) for n, x in enumerate(lines) if n not in taken and _CLOCKS.search(x)]
    signs_of = (
        any_order.opening,
        any_order.far_opening,
        any_order.ending,
        any_order.bracketed,
        any_order.framed,
    )
    for sign in signs_of:
        signs = Counter(sign(lines[head.line], head.name) for head in heads[:_MOST_HEADS])
        few = signs.total()
        common = {kind for kind, count in signs.items() if kind and count * 4 > few}
        if sum(signs[kind] for kind in common) * 2 > few:
            found |= {n for n, x in timed if sign(x) in common}
    begins = _common_beginning([lines[head.line] for head in heads])
    if begins:
        found |= {n for n, x in enumerate(lines) if n not in taken and begins.match(x)}
    found |= _without_name(lines, heads, taken)
    dated = {n for n, x in timed if _DATED.fullmatch(x)}
    found |= dated if len(dated) * 2 < len(heads) else set()
    known = (text_forms.LINE_DAY.fullmatch, _EVENT.fullmatch)
    return {n for n in found if not any(is_known(lines[n]) for is_known in known)}


def _without_name(lines, heads, taken):
    """The numbers of lines that are what most heads are, without a name or with a rare one."""
    frames = Counter()
    for head in heads[:_MOST_HEADS]:
        line = lines[head.line]
        before, name, after = line.partition(head.name or "\n")
        after = after.removesuffix(head.text) if head.text else after
        frames[_frame(before), _frame(after)] += bool(name)
    (before, after), times = frames.most_common(1)[0] if frames else (("", ""), 0)
    if times * 2 <= len(heads[:_MOST_HEADS]) or len(before + after) < _SHORTEST_FRAME:
        return set()
    whole = any(head.text for head in heads)
    first = (before + after)[0]
    rare = not whole and "0" in after and len(after) >= _SURE_FRAME  # any name before it
    found = set()
    for number, line in enumerate(lines):
        if number in taken or not line or whole and line[0].isalpha():
            continue
        if rare and _is(line[-1], after[-1]):
            frame = _frame(line)
            if frame.startswith(before) and frame.endswith(after):
                found.add(number)
        if not _is(line[0], first):
            continue
        frame = _frame(line)
        if frame.startswith(before + after) if whole else frame == before + after:
            found.add(number)
    return found


def _is(sign, of_frame):
    return sign == of_frame or of_frame == "0" and sign.isdigit()


def _frame(text):
    """A part of a first line without spaces, numbers as 0."""
    return re.sub(r"\s+", "", re.sub(r"\d+", "0", text))


def _common_beginning(firsts):
    """A pattern of what all first lines begin with, three characters or more; None without it."""
    if len(firsts) < 4:
        return None
    prefix = re.match(r"[^\d\n]*", commonprefix(firsts))[0]
    rest = [line[len(prefix) :][:1] for line in firsts]
    if len(prefix.strip()) < 3 and not (len(prefix) > 2 and re.search(r"[^\w\s]", prefix)):
        return None
    follows = r"\d" if all(map(str.isdigit, rest)) else ""
    return re.compile(re.escape(prefix.rstrip()) + (r"\s*" + follows if follows else ""))


def _unwrapped(lines, form):
    """The lines of a transcript, which may be wrapped like prose, without its hard wraps."""
    starts = {head.line for head in text_forms.heads(lines, form)}
    starts |= {n + 1 for n, line in enumerate(lines) if line.startswith((">", "＞"))}  # a quotation
    apart = (part for n, line in enumerate(lines) for part in [HARD_BREAK][: n in starts] + [line])
    unwrapped = unwrap_text("\n".join(apart))  # a line with a break only ends a paragraph
    return [line for line in unwrapped.split("\n") if line != HARD_BREAK]


def _texts(head, rest, form):
    """[(reason to leave it out or '', text)] of a message; the program's own lines are apart."""
    said = []
    has_times = FORMS[form].under_days or FORMS[form].has_day
    if has_times and any(map(_NUMBERS.search, rest)):
        days = (text_forms.LINE_DAY, _EVENT)
        rest = [line for line in rest if not any(day.fullmatch(line) for day in days)]
        said = [("platform", line) for line in rest if _STAMPED.fullmatch(line)]
        rest = [line for line in rest if not _STAMPED.fullmatch(line)]
    said += [("platform", line) for line in rest if _OWN_LINES.fullmatch(line.strip())]
    rest = [line for line in rest if not _OWN_LINES.fullmatch(line.strip())]
    if _OWN_LINES.fullmatch(head.text):
        said, head = [("platform", head.text), *said], head._replace(text="")
    if form == "bracketed":
        return _discord(rest) + said
    if form == "stacked":
        rest = _without_lists(rest)
    if form == "fields":
        rest = [line for line in rest if not any_order.RULED.fullmatch(line)]
    text = "\n".join([head.text, *rest]).strip()
    # LINE quotes a message of several lines.
    if FORMS[form].under_days and "\n" in text and text[0] == text[-1] == '"':
        text = text[1:-1]
    return [("", text), *said]


def _discord(lines):
    """The own text, and what Discord puts below it: previews of links, a forwarded message."""
    parts, kind = {"": []}, ""
    for line in lines:
        if re.fullmatch(r"={20,}", line):
            break
        if match := _DISCORD_PART.fullmatch(line):
            kind = match[1]
        elif kind and not line:
            kind = ""
        elif kind in ("", "Embed", "Forwarded Message"):
            parts.setdefault(kind, []).append(line)
    reasons = {"": "", "Embed": "quote", "Forwarded Message": "repost"}
    return [(reasons[kind], "\n".join(part).strip()) for kind, part in parts.items()]


def _without_lists(lines):
    """A message of iMessage without reactions; QQ's exporter writes '内容: ' before the text."""
    end = next((n for n, line in enumerate(lines) if _LISTED.fullmatch(line)), len(lines))
    lines = [line for line in lines if not text_forms.is_time(line)]
    return [re.sub(r"^内容[:：] ?", "", line) for line in lines[:end]]


def _times(lines, heads, form):
    if FORMS[form].has_day:
        return dates.times([head.time for head in heads])
    if not FORMS[form].under_days:
        return [""] * len(heads)
    days, day = {}, ""
    for number, line in enumerate(lines):
        match = text_forms.LINE_DAY.fullmatch(line)
        day = days[number] = match["day"] if match else day
    return dates.times([f"{days[head.line]} {head.time}" for head in heads])
