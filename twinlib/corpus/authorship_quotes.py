"""Quotations of several paragraphs or lines that no markup marks: passages, verse, letters.

A line announces them ('he writes:', '序有云：', 'let me quote') and they stand apart: indented, in
quotation marks, as verse, or in lines of their own width; or a letter begins with a greeting to the
author and ends with somebody else's name. Where only the line above tells, one paragraph is taken,
with a reason of its own: 'announced'. What the author announces as theirs, and what people say in a
story, stays.
"""

import re
from collections import Counter
from collections.abc import Iterator

from ..text.script import HAN, HAN_TO_TEN, columns
from . import authorship_marks as marks
from . import authorship_patterns as patterns
from .clean.paragraphs import GAP, NOTHING, NUMBER_ALONE, Block
from .listings import Span, is_plain
from .records import RemovedParts

# Characters; words. Longer quotations in quotation marks are a writer's, not a speaker's.
_LONG_QUOTE = {"zh": 80, "en": 60}
_FEWEST = {"zh": 20, "en": 12}  # of one that is announced as written: a phrase is the author's
_SPEECHES = 3  # paragraphs of speech in a text, from which on it is a story
_LONGEST = 60  # blocks of one quotation
_VERSE_COLUMNS, _VERSE_LINE = 44, 20  # of a line; of one that needn't be like the others
_ENDS = re.compile(r"[。！？!?.…][”’」』\"')）]*$")
_CLOSED = re.compile(rf"[{patterns.CLOSE}][。.]?\s*(?:[（(][^（）()]{{1,60}}[）)])?[。.]?$")
_COLON = re.compile(r"[：:—－–-]$")
_CITED = re.compile(rf"[{patterns.CLOSE}][。.]?\s*[（(][^（）()]{{2,60}}[）)][。.]?$")


def rules_out(blocks: list[Block], author: str) -> Iterator[Span]:
    """(start, end, what, reason) of the quotations among blocks."""
    yield from _letters(blocks, author)
    announced = [index + 1 for index, block in enumerate(blocks[:-1]) if announces(block.text)]
    written = [span for start in announced if (span := _announced(blocks, start, author))]
    written += _classical(blocks)
    marked = list(_introduced(blocks, author))
    single = list(_single(blocks, author))
    inside = {n for start, end, *_ in [*written, *marked] for n in range(start, end)}
    is_story = (written or marked or single) and _is_story(blocks, inside)
    for span in written:  # a letter in a story is the author's, as its dialogue is
        if not (is_story and patterns.LETTERS.search(blocks[span[0] - 1].text[-40:])):
            yield span
    if not is_story:
        yield from marked
        yield from single


def _is_story(blocks, inside):
    """Whether several paragraphs are speech, besides those that are `inside` a quotation."""
    speeches = (n not in inside and _is_speech(block.text) for n, block in enumerate(blocks))
    return sum(speeches) > _SPEECHES


def announces(text: str) -> bool:
    """Whether a line ends by announcing what somebody else wrote."""
    if text.rstrip()[-1:] not in ("：", ":", "—", "－", "–", "-"):
        return False
    if not patterns.ANNOUNCES.search(text[-160:].rstrip()):
        return False
    clause = re.split(r"[。！？!?]|[.;]\s", text[-160:].rstrip("：:—－-– \t"))[-1]
    return not patterns.OWN_WRITING.search(re.sub("《[^》]*》", "《》", clause))


def _announced(blocks, start, author):
    """The quotation under a line that announces one, or None if the author's own text follows."""
    first = blocks[start]
    if NOTHING.fullmatch(first.text):
        return None
    if not is_plain(first) or first.kind == "item" or patterns.SALUTATION.fullmatch(first.text):
        return _announced_letter(blocks, start)
    end = marks.end_of_quotation(blocks, start)
    if end > start or first.text[0] in marks.OPENING - set(patterns.OPEN):
        text = "\n".join(block.text for block in blocks[start:end])
        return (start, end, "quote", "quote") if _is_long(text, _FEWEST) else None
    if first.text[0] in patterns.OPEN and not re.match(r"“[^”]{0,40}”[^”]", first.text):
        end = _end_of_quoted(blocks, start)
        text = "\n".join(block.text for block in blocks[start:end])
        return (start, end, "quote", "quote") if _is_long(text, _FEWEST) else None
    end = _end_of_verse(blocks, start)
    if end - start > 1:
        return start, end, "quote", "quote"
    end = _end_of_wrapped(blocks, start)
    if end - start > 1:
        return start, end, "quote", "quote"
    if patterns.SECOND_COLON.search(first.text) or not _is_long(first.text, _FEWEST):
        return None
    return start, start + 1, "quote", "announced"


def _introduced(blocks, author):
    """Yield quotations of whole paragraphs in marks that the text above introduces.

    It may end with or without a colon, and the quotation may open in it. Without marks only what
    is said to be copied counts.
    """
    index = 1
    while index < len(blocks):
        end, above = marks.end_of_quotation(blocks, index), blocks[index - 1].text.rstrip()
        text = "\n".join(block.text for block in blocks[index:end])
        if end == index and _COLON.search(above) and marks.copies(above):
            yield from filter(None, [_announced(blocks, index, author)])
        elif end > index and not (author and author in marks.source(text)):
            opened = marks.text_before_open(above, text[0])
            openly = _announces_openly(opened or above) or opened and _says(opened)
            copied = marks.copies(opened or above)
            told = _says(above) or marks.several(blocks, index, end) and marks.names_source(above)
            if _is_long(text, _FEWEST if openly or copied else _LONG_QUOTE):
                if openly or copied or told:
                    yield index, end, "quote", "quote"
        index = max(end, index + 1)


def _announces_openly(text):
    """Whether a text ends in the middle of a sentence that announces what somebody else wrote."""
    text = text.rstrip()
    return not _ENDS.search(text) and announces(text.rstrip("：:—－–-，, ") + "：")


def _says(text):
    """Whether a text ends in the middle of a sentence that tells who says what follows."""
    text = text.rstrip()
    clause = re.split(r"[。！？!?]|[.;]\s", text)[-1]
    if _ENDS.search(text) or patterns.OWN_WRITING.search(clause):
        return False
    return bool(_introduces_others(text.rstrip("—－–- ")))


def _classical(blocks):
    """Yield passages in classical Chinese below a line that names their source."""
    below = [n for n in range(1, len(blocks)) if _COLON.search(blocks[n - 1].text.rstrip())]
    if not below or not marks.writes_today(blocks):
        return
    for index in below:
        above, block = blocks[index - 1].text.rstrip(), blocks[index]
        if not is_plain(block):
            continue
        if marks.is_classical(block.text) and marks.names_source(above):
            yield index, index + 1, "quote", "announced"


def _end_of_quoted(blocks, start):
    """The index after the block in which the quotation that begins here is closed."""
    for end in range(start, min(start + 12, len(blocks))):
        text = blocks[end].text
        if not is_plain(blocks[end]) or end > start and NOTHING.fullmatch(text):
            break
        if _CLOSED.search(text):
            goes_on = end + 1 < len(blocks) and blocks[end + 1].kind == "line"
            if not goes_on or blocks[end + 1].text[0] not in patterns.OPEN:
                return end + 1
    return start + bool(_CLOSED.search(blocks[start].text))


def _end_of_verse(blocks, start):
    """The index after the short lines that begin here, which are stanzas or paragraphs each."""
    end, widths = start, []
    stanzas = start + 1 < len(blocks) and blocks[start + 1].kind == "line"
    while end < len(blocks) and end - start < _LONGEST and _is_verse(blocks[end]):
        width = columns(blocks[end].text)
        starts = stanzas and blocks[end].kind != "line" and end > start
        alone = starts and blocks[end + 1 : end + 2] and blocks[end + 1].kind != "line"
        prose = not stanzas and width > max(_VERSE_LINE, 1.25 * max(widths, default=width))
        if alone or prose or starts and end + 1 == len(blocks):
            break
        widths.append(width)
        end += 1
    return end


def _is_verse(block):
    text = block.text.strip()
    return (
        is_plain(block)
        and block.kind != "item"
        and columns(text) <= _VERSE_COLUMNS
        and not re.search(r"[：:]$|[{}=<>|]", text)
        and not patterns.SALUTATION.fullmatch(text)
        and not NOTHING.fullmatch(text)
    )


def _end_of_wrapped(blocks, start):
    """The index after lines of about one width that break within sentences."""
    end = start
    while end < len(blocks) and end - start < _LONGEST and is_plain(blocks[end]):
        if _ENDS.search(blocks[end].text):
            end += 1
            break
        end += 1
    widths = [columns(block.text) for block in blocks[start : end - 1]]
    alike = widths and max(widths) <= 1.35 * min(widths) and max(widths) <= 130
    return end if alike and columns(blocks[end - 1].text) <= max(widths) + 6 else start + 1


def _single(blocks, author):
    """Quotations that are paragraphs of their own: signed, or long and introduced as quoted."""
    for index, block in enumerate(blocks):
        quoted = patterns.QUOTED.fullmatch(block.text)
        cited = block.text[:1] in patterns.OPEN and _CITED.search(block.text)
        if block.kind not in ("text", "line") or not (quoted or cited):
            continue
        above = blocks[index - 1].text if index else ""
        if cited and _introduces_others(above if re.search("[：:]$", above) else ""):
            yield index, index + 1, "quote", "quote"
        if not quoted or not _is_one_quote(quoted.group(2)):
            continue
        before, words, signature = quoted.groups()
        below = next((b.text for b in blocks[index + 1 : index + 2] if b.kind != "item"), "")
        if not before.strip() and _is_signature(signature or below, author):
            yield index, index + (1 if signature else 2), "quote", "quote"
        elif _is_long(words, _LONG_QUOTE):
            introduction = before.strip() or (above if re.search("[：:]$", above) else "")
            by_others = signature and not (author and author in signature)
            if by_others or _introduces_others(introduction):
                yield index, index + 1, "quote", "quote"


def _is_speech(text):
    """Whether a paragraph has dialogue: in marks, and not as long as what is quoted in an essay."""
    if _is_long(text, _LONG_QUOTE):
        return bool(re.search(r"：“[^”]{1,30}”", text)) or bool(re.search(r', "[^"]{1,120}"', text))
    opens = text[:1] in marks.OPENING and not marks.begins_with_phrase(text)
    return opens or "：“" in text or ', "' in text


def _is_signature(text, author):
    return patterns.SIGNATURE.fullmatch(text.strip()) and not (author and author in text)


def _introduces_others(text):
    introduces = patterns.INTRODUCES_QUOTE.search(text.rstrip("：:，, "))
    return introduces and not patterns.FIRST_PERSON.search(text[-40:])


def _is_one_quote(quoted):
    """Whether one pair of quotation marks is around all of it, not several in a sentence."""
    inside = re.sub(r"“[^“”]*”|「[^「」]*」", "", quoted[1:-1])
    quote_marks = f"[{patterns.OPEN}{patterns.CLOSE}]"
    return not re.search(quote_marks, inside.replace("『", "").replace("』", ""))


def _is_long(quoted, limits):
    chinese, words = re.findall(f"[{HAN}]", quoted), re.findall(r"[^\W\d_]+['’]?", quoted)
    return len(chinese) > limits["zh"] or len(words) - len(chinese) > limits["en"]


# Letters


def _letters(blocks, author):
    """Letters to the author, from the greeting to another's name, and letters that they answer.

    A letter without a name under it stays, unless an answer follows: it may be the author's.
    """
    greetings = {n: name for n, block in enumerate(blocks) if (name := _greeted(block))}
    for start, name in greetings.items():
        end = _end_of_letter(blocks, start, greetings)
        signature = _signature(blocks, start, end)
        marked = end < len(blocks) and patterns.ANSWER.fullmatch(blocks[end].text.strip())
        answered = _greets(greetings.get(end + bool(marked), ""), signature)
        to_author = author and _is_name_of(name, author)
        by_author = author and _is_name_of(signature, author)
        other = end in greetings and not _is_name_of(greetings[end], author or "\0")
        if by_author or end - start < 2:
            continue
        if answered or to_author and (signature or marked or other):
            yield start, end, "quote", "quote"


def _greeted(block):
    """Whom a line greets as a letter does, without a title, or ''."""
    text = block.text.strip()
    if len(text) > 60 or text[-1:] not in "：:，,！!" and not patterns.GREETS.match(text):
        return ""
    match = is_plain(block) and patterns.SALUTATION.fullmatch(text)
    name = (match["zh"] or match["other"] or "").strip() if match else ""
    return re.sub(f"(?<=.){patterns.TITLE}$", "", name)


def _is_name_of(text, author):
    """Whether a greeting or a signature names the author, by any word of the name."""
    text, author = text.casefold(), author.casefold()
    words = [word for word in re.findall(r"\w+", author) if len(word) > 1]
    return author in text or any(re.search(rf"(?<!\w){re.escape(w)}(?!\w)", text) for w in words)


def _end_of_letter(blocks, start, greetings):
    """The index after a letter: after its closing words and name, or before what follows it."""
    limit = min(len(blocks), start + _LONGEST)
    for end in range(start + 1, limit):
        block, text = blocks[end], blocks[end].text.strip()
        ends = block.is_heading or end in greetings or NOTHING.fullmatch(text)
        if ends or patterns.ANSWER.fullmatch(text) or block.kind == "restored":
            return end
        if _closes(block):
            while end + 1 < limit and _is_name_or_date(blocks[end + 1], end + 1 in greetings):
                end += 1
            return end + 1
    return limit


def _closes(block):
    """Whether a line ends a letter: words of farewell, a date, or a name."""
    text = block.text.strip()
    if block.kind == "item":
        return False
    wide = columns(text)
    dated = wide <= 50 and patterns.LETTER_DATE.search(text)
    named = wide <= 24 and not re.search(r"[，,；;：:！？!?。.…]", text)
    return wide <= 60 and bool(patterns.CLOSING_WORDS.search(text) or dated or named)


def _is_name_or_date(block, greets):
    text = block.text.strip()
    if NOTHING.fullmatch(text) or NUMBER_ALONE.fullmatch(text):
        return False
    if not is_plain(block) or greets or patterns.ANSWER.fullmatch(text) or columns(text) > 40:
        return False
    dated = patterns.LETTER_DATE.search(text)
    return bool(dated) or columns(text) <= 24 and not re.search(r"[，,；;：:！？!?。.…]", text)


def _signature(blocks, start, end):
    """The short lines at the end of a letter, as one text; '' where it ends in a paragraph."""
    lines = []
    for block in reversed(blocks[start + 1 : end]):
        dated = re.sub(rf"[\d{HAN_TO_TEN}〇廿元年月日号.,，。/\-\s]+", "", block.text)
        if columns(block.text) > 44 or len(lines) == 4 or not is_plain(block):
            break
        if dated:
            lines.append(block.text)
    return " ".join(lines)


def _greets(name, signature):
    """Whether a greeting names who signed."""
    return bool(name) and len(name) > 1 and name.casefold() in signature.casefold()


def _announced_letter(blocks, start):
    """A letter that a line announces, to its end, or its first paragraph where it has none."""
    if not is_plain(blocks[start]) or not patterns.SALUTATION.fullmatch(blocks[start].text):
        return None
    end = _end_of_letter(blocks, start, {})
    if end < min(len(blocks), start + _LONGEST) or _signature(blocks, start, end):
        return start, end, "quote", "quote"
    return start, min(start + 2, len(blocks)), "quote", "announced"


# Set apart by its indent, which cleaning takes away


def without_set_off(text: str, removed: RemovedParts) -> str:
    """The raw text without lines that are indented under a line that announces them."""
    if not _INDENTED.search(text):
        return text
    lines = text.split("\n")
    indents = [_indent(line) if line.strip() else None for line in lines]
    base = _usual_indent(indents)
    number = 0
    while number < len(lines) - 1:
        start = next((n for n in range(number + 1, len(lines)) if lines[n].strip()), len(lines))
        bare = lines[number].strip()
        apart = bare and start < len(lines) and indents[start] >= base + 2 > indents[number] + 1
        if apart and (announces(bare) or _announces_speech(bare)):
            end = start
            while end < len(lines) and (indents[end] is None or indents[end] >= base + 2):
                end += 1
            part = "\n".join(line.strip() for line in lines[start:end]).strip()
            if not _is_code_or_list(part) and removed.take("quote", "quote", part):
                lines[start:end], indents[start:end] = ["", GAP, ""], [None, base, None]
        number += 1
    return "\n".join(lines)


_INDENTED = re.compile(r"[：:—－–-][ \t]*\n\s*[ \t\u3000]{2,}\S")


def _indent(line):
    return columns(line[: len(line) - len(line.lstrip())].expandtabs(4))


def _usual_indent(indents):
    """The indent of most lines, or of the first lines of most paragraphs if that is larger."""
    found = [indent for indent in indents if indent is not None]
    firsts = [
        indent
        for above, indent in zip([None, *indents], indents)
        if indent is not None and above is None
    ]
    return max(Counter(values).most_common(1)[0][0] for values in (found, firsts))


def _announces_speech(text):
    """Whether a line announces what somebody said or wrote, for a paragraph that is set apart."""
    tail = text[-160:]
    if not re.search(r"[：:][\s—－–-]*$", tail):
        return False
    named = patterns.NAMES_TEXT.search(tail) and not patterns.OWN_WRITING.search(tail)
    return bool(named or _introduces_others(tail.rstrip("—－–- ")))


def _is_code_or_list(paragraph):
    first = paragraph.strip()
    signs = len(re.findall(r"[{}();=<>$|\\]", first))
    return bool(re.match(r"[-*+•·#|>]\s|\d{1,3}[.)、．]", first)) or signs * 25 > len(first)
