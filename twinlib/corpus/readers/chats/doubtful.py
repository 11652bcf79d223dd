"""What stands under somebody's name in a chat and is likely not their words, told by its shape.

No list of what programs say is complete. These rules hold in any wording: a program writes a
person's whole display name and speaks of its own user in the third person; the choices of a poll
are lines of one shape; a line of signs or of a name above a message announces another's words;
sentences that differ in names and numbers alone come from a template. What a rule finds is put
aside with a reason. In chats of programs that a reader knows only those rules are used that hardly
ever take a person's own words.
"""

import re
from collections import Counter
from collections.abc import Collection, Sequence
from typing import NamedTuple

from . import notices

_DIGIT, _DIGITS = re.compile(r"\d"), re.compile(r"\d+")
_MOST_NAMES, _MOST_TEXTS = 40, 500  # that are looked at to know a chat's templates and style
_NAME_HERE = notices.NAME
# How likely a program wrote a line, by its words alone, that is taken for its own
_HARDLY, _LIKELY, _LIKELY_OF_NAMES, _SURELY, _CERTAINLY = 0.24, 0.6, 0.7, 0.8, 0.85
# … that a line stands above what was passed on
_HEADS, _HEADS_SURELY = 0.5, 0.7
_HEADS_WITH_COLON, _HEADS_ABOVE_SEVERAL = 0.75, 0.9
_INTRODUCES = 0.6  # and that somebody introduces what they pass on with it
_SHORTEST_PASSED_ON = 40  # characters
_NEAR = 3  # lines, of which some may be blank, to the one that stands below
_LONG_NOTICE = 120  # characters of a line from which on it must be sure
_LONGEST = 300  # characters of a line that a program says
_SHORTEST_NAME = 3  # that tells a notice
_LONGEST_MARK = 80  # of a line above somebody else's words
# Those who speak of themselves write these; a program that speaks of them does not.
FIRST_PERSON = re.compile(
    r"(?<![^\W_])(?:i|me|my|mine|we|us|our|ours|"
    r"ich|mich|mir|mein\w{0,2}|wir|uns|unser\w{0,2}|"
    r"yo|mi|mí|nos|nosotr[oa]s|nuestr[oa]s?|"
    r"eu|meu|minha|meus|minhas|nós|noss[oa]s?|pra mim|mim|"
    r"je|moi|mon|ma|mes|nous|notre|nos)(?![^\W_])|(?<![^\W_])[jm]['’]|[我咱俺]",
    re.IGNORECASE,
)
# Letters of none of the six languages that the weights are fitted to: Greek, Cyrillic, Arabic,
# kana, Hangul and others
_UNKNOWN_SCRIPT = re.compile("[\u0370-\u1fff\u3040-\u30fa\u30fc-\u312f\ua960-\uabff\uac00-\ud7ff]")
_ARROW = "\u2190-\u21ff\u27f0-\u27ff\u2900-\u297f\u2b05-\u2b0d\u2b60-\u2bb9\u2794\u2798-\u27be"
_POINTER = "\u25b6-\u25c5\u25b8\u00bb\u203a\u00ab\u2039"
_ANNOUNCED = re.compile(rf"\s*[{_ARROW}{_POINTER}\U0001f4e8-\U0001f4e9\U0001f4e4\U0001f501]")
_BARE_LINK = re.compile(r"(?:https?://)?(?:[\w-]+\.)+[a-z]{2,12}/?")
_NAMED_FIRST = re.compile(r"[\W_]*\w[^:：\n]{1,40}[:：]\s?\S")
_CUT = re.compile(r"(?:…|\.\.\.)\W*$")
_POINTS_DOWN = re.compile(r"[\u2193\u21d3\u21e9\u2b07\u2935\U0001f447\U0001f53d]\ufe0f?\W*$")
_BAR = re.compile(r"\s*[|│┃┆┊▌▍▎▏╎╭╰├└┌╔╚>＞❘❙❚](?=[\s\w─│@“\"«„])")
_QUOTED = re.compile(r"[“\"«„「『‹][^“”\"«»„」』‹›\n]{1,80}[”\"»“」』›]")
_EMOTICONS = re.compile(r"(?:[\[【][^\[\]【】\n]{1,8}[\]】]\s?){2,}")  # '[捂脸][捂脸]'
_QUOTATION_MARKS = '"“„«「『 '
_PAIRS = "[] () （） 【】 <> 《》 〈〉 {} «» ‹› 「」 『』 ** __ ~~".split()
_BRACKETED = re.compile(
    r"\s*(?:" + "|".join(rf"\{a}(?!\s)[^\n]*\{b}" for a, b in _PAIRS) + r")[:：]?\s*"
)
_DECORATED = re.compile(r"\s*[-—–─=*_~·•#+]{2,}\s?[^\W_][^\n]*?[-—–─=*_~·•#+]{2,}\s*")
_RULE = re.compile(r"\s*(?:[-—–─=*_~·•] ?){3,}\s*")
_BULLET = re.compile(r"\s*(?:[-–—•·*+‣▪◦]|\d{1,2}[.)、]|[(（]\d{1,2}[)）])\s*(?=\S)")
_SPOKEN = re.compile(r"\s*[-–—](?=\S)")  # in a dialogue
# The choices of a poll: signs before them, bars, shares, numbers behind a sign.
_TICK = re.compile(
    r"\s*(?:[\u2500-\u259f]?[\u25a0-\u25ff\u2610-\u2612\u2705\u2713-\u2718\u274c\u274e\u2b1b\u2b1c"
    r"\u2b55\u26aa\u26ab\U0001f518\U0001f532-\U0001f535\U0001f7e0-\U0001f7eb]\ufe0f?|"
    r"\[[ xX✓✔_-]?\]|[(（][ xX✓✔_oO]?[)）]|\d\ufe0f?\u20e3|[\u2460-\u2473\u24b6-\u24e9])"
)
_CHART = re.compile(
    r"[\u2588-\u2593\u2580-\u259f\u25a0\u25a1\u25b0\u25b1\u2605\u2606\u25cf\u25cb]{2,}|[★☆]"
)
_COUNT = re.compile(r"\W*\d{1,5}\W*")  # of those who chose what stands above
_SHARE = re.compile(r"\d{1,3}(?:[.,]\d+)?\s?[%％]")
_BEFORE_CHOICE = (
    r"(?:[-–—•·*+‣▪◦]|(?:\d{1,2}|[A-Ha-h])[.)、:：]|[(（][\dA-Ha-h]{1,2}[)）])\s*(?=\S)"
)
_NUMBERED = re.compile(
    rf"\s*(?P<mark>{_BEFORE_CHOICE})?(?P<label>.*[^\W\d].*?)(?P<sign>\s*[^\w\s.,]+\s*|\s+)"
    r"\d{1,5}(?P<unit>\s?[^\W\d]{0,12})\s?[)）\]]?\W*"
)
_BEFORE_LETTER = re.compile(r"(?:[A-Ha-h][.)、:：]|[(（][A-Ha-h][)）])(?=\s)")
# Signs in which hardly anybody writes a list
_RARE_SIGN = re.compile(r"[^\w\s.,:;/()（），。：+*•&~'\"€$£¥%°×–—-]")
_LETTERS = re.compile(r"[^\W\d_]+(?:['’ .-]+[^\W\d_]+)*")
_FRAME = re.compile(r"\s(?:…|[^\w\s,.]+)\s?\d{1,5}(?:\D{1,12}\d{1,5}[^\d\n]{0,6})?$")
_QUESTION = re.compile(r".*[?？]\W*")
_CALL = re.compile(r"[^\n(（\[]{1,40}[(（\[][^()（）\[\]\n]*\d[^()（）\[\]\n]*[)）\]]\.?")
_WHOLE = re.compile(r"\[[^\n\[\]]{2,}\]|【[^\n]{2,}】|<(?![|｜/])[^\n<>]{2,}>")
_ASIDE = re.compile(r"(?:[-–—•*·]\s*)?[(（\[【]\s*([^()（）\[\]【】]+?)\s*[)）\]】]\.?")
# A line of parts with a sign between them, or with a part in brackets before it
_PARTS = re.compile(
    r"[^\W_]\s?[·•¦›‣|→➜]\s?[^\W_]|^(?:\[[^\]]+\]|【[^】]+】|《[^》]+》|«[^»]+»|<[^>]+>)\s?[^\W_]"
)
# What stands before the colon of a line above somebody else's words
_SOURCE = re.compile(  # 'as read in Harbour News'
    r"(?:[^\W_]+ ){1,3}(?:in|from|by|via|aus|von|de|en|dans|par) [A-ZÀ-Þ][\w’'-]+ [A-ZÀ-Þ][\w’'-]+"
)
_ASIDE_LAST = re.compile(r"[^\W\d].*[)）]\s?[:：]$")  # 'Harbour News (channel):'


class Judged(NamedTuple):
    """A message's `own` words, and what is put `aside` for a `reason` of data/reasons.yaml."""

    own: str
    aside: str = ""
    reason: str = ""


class Judge:
    """The rules for one conversation: its `members`, its program's sentences that come back.

    `known` says whether a reader knows the program; else what is only likely to be another's is
    put aside, too. `alone` says whether the program's sentences stand there without a sender: what
    begins with a first name is then what a person says. `by_words` says whether all lines that are
    likely a program's by their words are put aside, which takes one in fifty from people: in
    layouts that nobody lists. Else only those that hardly anybody would write are. `unmarked` says
    whether a known program's own sentences may stand there as messages: those that are certain by
    their words are put aside then.
    """

    def __init__(
        self,
        members: Collection[str],
        texts: Sequence[tuple[str, str]],
        known: bool,
        alone: bool = False,
        by_words: bool = True,
        unmarked: bool = True,
    ):
        self.known, self._alone, self._by_words = known, alone, by_words
        self._unmarked = unmarked
        self._members = {name.casefold() for name in members if name}
        # A name that is a word only is no sign of anything: 'Me', 'Du', 'A'.
        told = sorted((name for name in members if len(name) > 1), key=len, reverse=True)
        self._told = told[:_MOST_NAMES]
        self._name = re.compile("|".join(map(_pattern, told)) or r"(?!)")
        self._templates = set() if known else self._repeated(texts)
        self._labels = set() if known else self._first_lines(texts)

    def judge(self, text: str, sender: str) -> Judged:
        """Whose words a message of `sender` is."""
        lines = text.split("\n")
        if len(lines) > 2 and self._is_poll(lines):
            return Judged("", text, "platform")
        if not self.known and len(lines) > 2 and _BARE_LINK.fullmatch(lines[-1]):
            return Judged("", text, "repost")  # the preview of a page
        if len(lines) == 1 and _ANNOUNCED.match(text) and _NAMED_FIRST.match(text):
            return Judged("", text, "repost")
        if len(lines) > 1:
            for at in range(len(lines) - 1):
                if reason := self._announces(lines, at, sender):
                    if reason == "announced" and _CUT.search(lines[at]):  # a quotation, cut
                        own = "\n".join(lines[:at] + lines[at + 1 :]).strip()
                        return Judged(own, lines[at], "quote")
                    return Judged("\n".join(lines[:at]).strip(), "\n".join(lines[at:]), reason)
        if len(lines) > 1 and self._introduces(lines):
            return Judged(lines[0], "\n".join(lines[1:]).strip(), "repost")
        if self.known:
            alone = self._unmarked and len(lines) == 1
            said = [
                self._is_surely_a_notice(line, sender, not number, alone)
                for number, line in enumerate(lines)
            ]
        else:
            said = [
                self._is_said_by_program(line, sender, not number, not number and len(lines) > 1)
                for number, line in enumerate(lines)
            ]
        if not any(said):
            return Judged(text)
        own = "\n".join(line for line, by in zip(lines, said) if not by).strip()
        return Judged(own, "\n".join(x for x, by in zip(lines, said) if by), "platform")

    def _is_poll(self, lines):
        """Whether lines below the first have one shape that nothing but a program gives them."""
        counted = 0
        for shape in (_TICK.match, _CHART.search, _SHARE.search, _numbered):
            shaped = [shape(line) for line in lines]
            pairs = [*zip(shaped, shaped[1:])]
            if not self.known:  # a choice, and its votes under it
                pairs += zip(shaped, shaped[2:])
            counted += any(a and b and (shape is not _numbered or a == b) for a, b in pairs)
        shapes = [_choice(line) for line in lines[1:]]
        same = {a for a, b in zip(shapes, shapes[1:]) if a and a == b}
        asked = any(map(_QUESTION.fullmatch, lines[:2]))
        signed = any(map(_RARE_SIGN.search, same))
        if signed and (asked or any(shape.count("0") > 1 for shape in same)):
            counted += 2
        counted += bool(asked and same)
        votes = [bool(_COUNT.fullmatch(line)) for line in lines[1:]]
        if asked and sum(below and not above for above, below in zip(votes, votes[1:])) > 1:
            counted += 2  # a number alone under each choice
        if self.known:
            shares = sum(bool(_SHARE.search(line)) for line in lines)
            return counted > 1 or asked and shares > 1
        # Choices in one frame: 'Hall … 4 of 5', 'a) Hall = 4'
        framed = [_FRAME.search(line) for line in lines[1:]]
        frames = [_DIGIT.sub("0", match[0]) if match else "" for match in framed]
        counted += any(a and a == b for a, b in zip(frames, frames[1:]))
        listed = [_BULLET.sub("", line, count=1).strip() for line in lines[1:]]
        names = [x.casefold() in self._members for x in listed]
        asked = any(map(_QUESTION.fullmatch, lines[:2]))
        choices = sum(bool(_BULLET.match(x)) and not _SPOKEN.match(x) for x in lines[1:])
        return bool(counted or sum(names) > 1 or asked and choices > 1)

    def _announces(self, lines, at, sender):
        """Why the lines from `at` on are another's; '' where they aren't."""
        line = lines[at].strip()
        below = next(filter(None, map(str.strip, lines[at + 1 : at + 1 + _NEAR])), "")
        if not line or len(line) > _LONGEST_MARK:
            return ""
        letters = any(map(str.isalpha, line))
        if letters and (_ANNOUNCED.match(line) or _DECORATED.fullmatch(line)):
            return "repost"
        if letters and _POINTS_DOWN.search(line):
            return "repost"
        if _RULE.fullmatch(line) and at + 1 < len(lines):
            return "" if self.known else "repost"
        name = self._name.search(line)
        if name and not any(map(str.isalpha, line[: name.start()] + line[name.end() :])):
            return "quote"
        if name and line.endswith((":", "：")):
            return "quote"
        if letters and below and self._is_heading(lines, at):
            return "repost"
        if self.known:
            return ""
        if letters and (_BRACKETED.fullmatch(line) or self._skeleton(line) in self._labels):
            return "announced"
        if at:
            return ""
        if line.endswith((":", "：")):
            is_sentence = len(line.split()) > 4 and at + 2 == len(lines)
            aside = (_ASIDE_LAST.search(line) or is_sentence) and not _BULLET.match(below)
            return "announced" if below and aside else ""
        return "announced" if _PARTS.search(line) or _SOURCE.fullmatch(line) else ""

    def _is_heading(self, lines, at):
        """Whether a line is by its words a heading above text that was passed on.

        Above several lines one with a colon is mostly a list's.
        """
        line, below = lines[at].strip(), lines[at + 1]
        if FIRST_PERSON.search(line) or _QUESTION.fullmatch(line) or _BULLET.match(below):
            return False
        if _UNKNOWN_SCRIPT.search(line):
            return False
        least = _HEADS_SURELY if self.known else _HEADS
        if line[-1] in ":：":
            least = _HEADS_WITH_COLON if at + 2 == len(lines) else _HEADS_ABOVE_SEVERAL
        return notices.HEADINGS.chance(self._name.sub(notices.NAME, line)) > least

    def _introduces(self, lines):
        """Whether the first line is somebody's own, and says that what stands below isn't theirs.

        Those who tell something themselves say "I" in it.
        """
        first, below = lines[0].strip(), "\n".join(lines[1:]).strip()
        if not 0 < len(first) <= _LONGEST_MARK or len(below) < _SHORTEST_PASSED_ON:
            return False
        if FIRST_PERSON.search(below) or _BULLET.match(below) or _UNKNOWN_SCRIPT.search(first):
            return False
        return notices.INTROS.chance(self._name.sub(notices.NAME, first)) > _INTRODUCES

    def _is_said_by_program(self, line, sender, is_first, heads):
        """Whether a line is a program's: it speaks of people by their display names.

        `heads` says whether others stand below it, as under a heading of one's own.
        """
        line = line.strip()
        if not line or len(line) > _LONGEST:
            return False
        aside = _ASIDE.fullmatch(line)
        bare = aside[1] if aside and self._name.match(aside[1]) else line
        name = self._name.search(bare)
        chance = self._chance(bare)
        if name and self._speaks_of(bare, name, sender, is_first) and chance > _HARDLY:
            return True
        if not self._by_words and chance > _SURELY:
            return True
        least = _LIKELY_OF_NAMES if name or heads else _LIKELY
        if self._by_words and chance > least:
            return True
        if (
            _WHOLE.fullmatch(line)
            or _DECORATED.fullmatch(line)
            or len(line.split()) <= 6
            and _CALL.fullmatch(line)
            and not _BULLET.match(line)
        ):
            return True
        return self._skeleton(line) in self._templates

    def _is_surely_a_notice(self, line, sender, is_first, is_alone):
        """Whether a line begins with a whole name, and is by its words a program's.

        A message begins with its own sender's name then. Below it the name is any member's: some
        programs write their sentences on a line without a sender. One without a name is a message
        of its own, and certainly a program's.
        """
        name = self._name.match(line.lstrip(_QUOTATION_MARKS))
        if not name or len(name[0]) < _SHORTEST_NAME:
            return is_alone and self._chance(line) > _CERTAINLY
        if is_first:
            return name[0].casefold() == sender.casefold() and self._chance(line) > _LIKELY
        return self._chance(line) > _SURELY

    def _chance(self, line):
        """How likely a program wrote a line; 0 where somebody speaks of themselves, or asks."""
        if line[-1:] in ":：" or _BULLET.match(line):
            return 0.0
        if FIRST_PERSON.search(line) or _QUESTION.fullmatch(line) or "<|" in line:
            return 0.0
        if _UNKNOWN_SCRIPT.search(line):
            return 0.0
        if line[0] in "[【" and _EMOTICONS.fullmatch(line):
            return 0.0
        if sum(map(str.isdigit, line)) >= sum(map(str.isalpha, line)):
            return 0.0
        name = self._name.match(line)
        if (line[0].islower() or line[0].isdigit()) and not name:
            return 0.0  # as people type
        line = self._name.sub(notices.NAME, line)
        chance = notices.NOTICES.chance(line)
        if chance < _SURELY and (bare := _QUOTED.sub("", line)) != line:
            without = notices.NOTICES.chance(bare)  # 'Ole pinned “See you at nine …”'
            chance = without if without > _LIKELY_OF_NAMES else chance
        return chance if len(line) <= _LONG_NOTICE or chance > _SURELY else 0.0

    def _speaks_of(self, line, name, sender, is_first):
        before, after = line[: name.start()], line[name.end() :]
        if before.rstrip().endswith("@") or FIRST_PERSON.search(before + " " + after):
            return False
        own = sender.casefold()
        if own in line.casefold() and any(
            x[0].casefold() == own for x in self._name.finditer(line)
        ):
            return any(map(str.isalpha, line.casefold().replace(own, "")))
        starts = not any(map(str.isalnum, before))
        verb = re.match(r"[\s\"“”»」』*]+[a-zà-ÿ0-9]|[\s\"“”»」』*]*[\u4e00-\u9fff]", after)
        if re.match(r"\s?[:：]\s?\S", after) and starts:  # 'Ole: hello' was copied
            return True
        if (
            re.search(r"[?？]", line)
            or after.startswith((",", "，", "、", "!", "！"))
            or before.rstrip().endswith((",", "，"))
        ):
            return False
        whole = bool(re.search(r"\W|\d|_", name[0].strip()))  # more than a first name
        return bool(verb) and starts and not (self._alone or is_first) or whole

    def _repeated(self, texts):
        """What sentences that come back have beside the names in them, or beside numbers."""
        # A text has a name or a number in it, or no skeleton that is looked for. Word for word the
        # same comes back from people, too.
        several = {
            text
            for _, text in texts
            if len(text) <= _LONGEST
            and (_DIGIT.search(text) or any(name in text for name in self._told))
            and "\n" not in text
        }
        count = Counter(self._skeleton(text) for text in several if not FIRST_PERSON.search(text))
        return {
            skeleton
            for skeleton, times in count.items()
            if times > (1 if _NAME_HERE in skeleton else 2)
            and (_NAME_HERE in skeleton or "0" in skeleton)
            and (len(skeleton.split()) > 2 or skeleton > "\u2e80" and len(skeleton) > 4)
        }

    def _first_lines(self, texts):
        """Skeletons of lines above others that come back: a label of what stands below."""
        count = Counter(self._skeleton(x.split("\n", 1)[0]) for _, x in texts if "\n" in x)
        return {skeleton for skeleton, times in count.items() if times > 1}

    def _skeleton(self, text):
        return re.sub(r"\d+(?:[:.,]\d+)*", "0", self._name.sub(_NAME_HERE, text)).strip()


def _pattern(name):
    """A pattern of a display name as a word; in any case where the program writes capitals."""
    case = "(?i:" if name.isupper() and len(name) > 2 else "(?:"
    return rf"(?<![^\W_]){case}{re.escape(name)})(?![a-zà-ÿ0-9])"


def _choice(line):
    """What a line of a number, signs and words has beside them: '0×a'; '' for other lines."""
    if len(line) > _LONGEST_MARK or not _DIGIT.search(line):
        return ""
    line = _TICK.sub("□", re.sub(_BEFORE_LETTER, "•", line.strip()), count=1)
    shape = re.sub(r"\s+", "", _LETTERS.sub("a", _DIGITS.sub("0", line)))
    return shape if 0 < shape.count("a") < 3 and re.search(r"[^\w.,]", shape) else ""


def _numbered(line):
    """What a line that ends in a number has before and after it; '' for a sentence."""
    match = _NUMBERED.fullmatch(line) if len(line) <= _LONGEST_MARK else None
    if not match:
        return ""
    sign, unit = match["sign"].strip()[:1], match["unit"].strip()
    if match["label"][-1].isdigit() or not sign and not unit:
        return ""  # 'Mon: 9-17', a sentence
    return sign + (match["mark"] or "")[-1:] + " " + unit[:3].casefold()
