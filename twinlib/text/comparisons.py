"""Which of two a text says to be the larger, the newer or the later: '9.9 is larger than 9.11'.

The answer to 'Which is larger, 9.9 or 9.11?' is seldom the last number of a text: a comparison
names it first, and names the other one after it. So comparisons are read as what they say, in both
directions ('9.11 is smaller than 9.9'), also where they are denied. Numbers are compared by value,
versions part by part.
"""

import re
from collections.abc import Callable
from decimal import Decimal
from typing import NamedTuple

from . import numerals

# {is more: comparatives}, in English, German, French, Spanish, Italian, Portuguese and Russian
_WORDS = {
    True: (
        "larger|largest|bigger|biggest|greater|greatest|higher|highest|more|longer|taller|heavier|"
        "faster|newer|newest|later|latest|younger|youngest|größere?|höhere?|mehr|"
        "neuere?|spätere?|längere?|"
        "plus (?:grande?|élevée?|récente?|tard)|supérieure?|mayor|más (?:grande|reciente|tarde)|"
        "maggiore|più (?:grande|recente|tardi)|maior|mais (?:recente|tarde)|больше|новее|позже"
    ),
    False: (
        "smaller|smallest|less|lesser|fewer|lower|lowest|least|shorter|lighter|slower|older|oldest|"
        "earlier|earliest|kleinere?|niedrigere?|weniger|ältere?|frühere?|kürzere?|"
        "plus (?:petite?|ancienne?|tôt)|inférieure?|moins|menor|más (?:pequeñ[oa]|antigu[oa])|"
        "menos|minore|più (?:piccol[oa]|vecchi[oa])|meno|mais antig[oa]|меньше|старее|раньше"
    ),
}
_HAN_WORDS = {True: "大多高长長重快新晚后後", False: "小少低矮短轻輕慢旧舊老早前"}
_BETWEEN = {  # stand between the two: X comes after Y, X大于Y
    True: "after|above|exceeds?|follows?|больше|大于|大於|高于|多于|晚于|新于|超过|超過|>|＞|≥",
    False: "before|below|precedes?|меньше|小于|小於|低于|少于|早于|旧于|<|＜|≤",
}
_IS = (
    r"(?:(?:non|no|não|ne|не)\s)?"
    "(?:is|was|are|be|being|comes?|came|has|have|ist|hat|est|es|è|é|ha|a)"
)
_THAN = r"(?:than|to|als|que|di|чем)"
_DENIED = re.compile(
    r"(?<![^\W\d_])(?:not|never|no|nor|neither|nicht|nie|kein\w*|pas|jamais|nunca|non|mai|não|не)"
    r"(?![^\W\d_])|n['’]t|[不没沒未非]"
)
_OPEN = re.compile(  # asks, or supposes, and says nothing
    r"[?？]\s*$|哪|谁|誰|是否|吗|如果|假如|假设|(?<![A-Za-z])(?:whether|if|suppose"
    r"|(?<!, )which (?:one|of|number|version|is|chapter|release))(?![A-Za-z])",
    re.IGNORECASE,
)
_CONCLUDES = re.compile(
    r"(?<![A-Za-z])(?:so|thus|therefore|hence|answer|it is|it's|also|donc|quindi)(?![A-Za-z])"
    "|所以|因此|故|答案|答|结论|选",
    re.IGNORECASE,
)
_ENDS = re.compile(r"(?<=[。！？!?\n;；])|(?<=\.)(?=\s|$)")
_MARKUP = re.compile(r"[*_`“”\"「」『』]")
_NUMBER = r"(?<![\d.])[-−]?\d+(?:\.\d+)*(?!\d|\.\d)"
_OF_NUMBER = r"(?:\s?(?:版本?|章|号|號|日|这个数字?|这一?版))?"
_WITH_MONTH = re.compile(r"(\d+)\s?[．月/-]\s?(\d+)")


def _either(words: dict) -> str:
    return "|".join(words.values())


_LATIN = rf"(?<![^\W\d_])(?P<word>{_either(_WORDS)})(?![^\W\d_])"
_HAN = f"(?P<word>[{''.join(_HAN_WORDS.values())}])"
_FEW = r"(?:[^\W\d]+\s){0,3}?"  # words before a number: the number, the version
_SHORT = r"[^\d，。,;；比]{0,6}?"  # Chinese between two things
_X, _Y = rf"(?P<x>{_NUMBER}){_OF_NUMBER}", rf"(?P<y>{_NUMBER}){_OF_NUMBER}"

# Comparisons with both, x being what is said to be `word`.
_BINARY = [
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        rf"{_X},?\s(?:which\s|that\s)?(?P<mid>{_IS}(?:n['’]t)?\s(?:[^\W\d]+\s){{0,3}}?){_LATIN}"
        rf"(?:\s[^\W\d]+){{0,2}}?\s{_THAN}\s{_FEW}{_Y}",
        rf"{_X}(?P<mid>,?\s?(?:[^\W\d]+(?:['’]t)?\s){{0,3}}?|{_SHORT})"
        rf"(?P<word>{_either(_BETWEEN)})\s?{_FEW}{_SHORT}{_Y}",
        rf"{_X}\s?[，,]?(?P<mid>{_SHORT})(?:比|相比于?|相较于?)\s?{_SHORT}{_Y}\s?[^\d，。,;；]{{0,5}}?{_HAN}",
        rf"{_X}\s?[和与跟同]\s?{_Y}\s?相比\s?(?P<mid>{_SHORT}){_HAN}",
        rf"{_X}\s?(?P<mid>没有|沒有|没|不如|不及)\s?{_SHORT}{_Y}\s?{_SHORT}{_HAN}",
        rf"{_X}\s?(?P<mid>{_SHORT})在\s?{_SHORT}{_Y}\s?(?:之|的)?(?P<word>[后後前])",
    )
]
# Comparisons with one of both, the other being understood.
_LISTED = rf"(?!\s*(?:or|and|vs\.?|还是|和|与|或|、|,)\s*(?:[^\W\d]+\s)?{_NUMBER})"
_UNARY = [
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        rf"{_X},?\s(?:which\s|that\s)?(?P<mid>{_IS}(?:n['’]t)?\s(?:[^\W\d]+\s){{0,4}}?){_LATIN}"
        rf"(?!(?:\s[^\W\d]+){{0,2}}\s{_THAN}(?![^\W\d_]))",
        rf"(?<![^\W\d_])the\s(?:[^\W\d]+\s)?{_LATIN}(?:(?!\sso\s|\sthus\s|\shence\s|\stherefore\s)"
        rf"[^,;:])*?(?P<mid>\s(?:is|was|be|:|=)\s{_FEW}|:\s){_X}{_LISTED}",
        rf"(?<![比于於]){_X}\s?(?P<mid>{_SHORT})(?:更|较|較|最|是|在|为|要)(?:是|为|要)?{_HAN}(?![于於小])",
        rf"(?<![比于於]){_X}(?P<mid>){_HAN}(?=[。，！,!\s]|$)",
        rf"{_HAN}[^\d，。,;；]{{0,6}}的?(?P<mid>[^\d，。,;；]{{0,8}}?(?:是|为|：|:)\s?"
        rf"[^\d，。,;；]{{0,5}}?){_X}{_LISTED}",
    )
]


_NAME = r"[^\d,，。;；:：]{1,40}?"
_NAMED = [
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        rf"^(?P<x>{_NAME})\s(?P<mid>{_IS}(?:n['’]t)?\s(?:[^\W\d]+\s){{0,2}}?){_LATIN}"
        rf"(?:\s[^\W\d]+){{0,2}}?(?:\s{_THAN}\s(?P<y>{_NAME}))?$",
        rf"^(?P<x>{_NAME})(?P<mid>[不没]?)比(?P<y>{_NAME})(?:年纪|岁数|个子|数量)?[更还要]?{_HAN}"
        r"[^，。]{0,4}$",
        rf"^(?P<x>{_NAME})(?P<mid>没有|不如|没)(?P<y>{_NAME}){_HAN}$",
        rf"^(?P<x>{_NAME})(?P<mid>[不没]?)(?:年纪|岁数|个子|数量)?[更较最]?{_HAN}$",
    )
]


class Choice(NamedTuple):
    """A question that asks for one of two numbers: the values of both, and how they are read.

    `more` says whether the larger, newer or later one is asked for.
    """

    values: tuple
    more: bool
    value: Callable

    def other(self, value):
        """The one of both that `value` isn't."""
        return self.values[self.values[0] == value]


def number_value(text: str) -> Decimal:
    """A number by its value: 9.90 is 9.9."""
    return Decimal(re.sub(r"(?<=\d)\.(?=.*\.)", "", text.replace("−", "-")))


def version_value(text: str) -> tuple[int, ...]:
    """A version, a chapter or a date part by part: 9.10 is not 9.1."""
    return tuple(map(int, re.findall(r"\d+", text)))


def choice(question: str, answer: str, value: Callable = number_value) -> Choice | None:
    """The Choice that a question is, with `answer` as one of its two numbers; None for any other.

    `value` is number_value or version_value.
    """
    found = [value(text) for text in re.findall(_NUMBER, _plain(question))]
    values = tuple(dict.fromkeys(found))
    more = asks_for_more(question)
    if len(values) != 2 or more is None or not re.fullmatch(_NUMBER, answer.strip()):
        return None
    return Choice(values, more, value) if value(answer.strip()) in values else None


def asks_for_more(question: str) -> bool | None:
    """Whether a question asks for what is more of something or less; None for any other."""
    for pattern in (
        _LATIN,
        rf"(?:更|较|較|最|谁|誰|在|是|哪[^，。？]{{0,6}}?){_HAN}",
    ):
        if match := re.search(pattern, question, re.IGNORECASE):
            return is_more(match["word"])
    return None


def is_more(word: str) -> bool:
    """Whether a word of a comparison says that there is more, not less."""
    word = word.lower()
    return word in _HAN_WORDS[True] or any(
        re.fullmatch(words[True], word) for words in (_WORDS, _BETWEEN)
    )


def comparative(text: str) -> bool | None:
    """Whether the first comparative of a text says more or less; None without one."""
    match = re.search(_LATIN, text, re.IGNORECASE)
    return is_more(match["word"]) if match else None


def compared(sentence: str) -> tuple[str, str, bool] | None:
    """(subject, other, whether it is more) of a comparison of two that have names, not numbers.

    `other` is '' where only one is named: 'Anna is older.'; None for a sentence that compares
    nothing. Of a denied one the sides are as they are said to be.
    """
    for pattern in _NAMED:
        if match := pattern.search(sentence.strip(" .。!！")):
            more = is_more(match["word"]) != is_denied(match["mid"])
            return match["x"].strip(), (match.groupdict().get("y") or "").strip(), more
    return None


def is_denied(text: str) -> bool:
    """Whether a text has a negation, in one of eight languages."""
    return bool(_DENIED.search(text.lower()))


def statements(text: str) -> list[str]:
    """The sentences of a text without those that ask or suppose something."""
    return [part for part in _ENDS.split(text) if part.strip() and not _OPEN.search(part)]


def stated(text: str, asked: Choice) -> set:
    """What the last comparison in a text says to be the answer, as values of the Choice.

    Empty without a comparison; both values where a sentence contradicts itself.
    """
    for sentence in reversed(statements(_plain(text))):
        if found := _claims(sentence, asked):
            return found
    return set()


def concluded(text: str, asked: Choice):
    """What a text without an answer marker gives as the answer to a Choice, or None.

    What its last comparison says; else the only number of its only sentence, or of its last one
    where that concludes: an answer that was cut off ends with any number.
    """
    sentences = statements(_plain(text))
    if not sentences:
        return None
    last = sentences[-1]
    if not _claims(last, asked) and not is_denied(last):
        named = {asked.value(number) for number in re.findall(_NUMBER, last)}
        ends = re.search(rf"{_NUMBER}{_OF_NUMBER}\W*$", last)
        if len(sentences) == 1 or ends and _CONCLUDES.search(last):
            if len(named) == 1 and named <= set(asked.values):
                return named.pop()
    found = stated(text, asked)
    return next(iter(found)) if len(found) == 1 else None


def is_of_comparison(sentence: str) -> bool:
    """Whether the last number of a sentence is what another number is compared with."""
    plain = _plain(sentence)
    numbers = list(re.finditer(_NUMBER, plain))
    return bool(numbers) and any(
        match.end("y") == numbers[-1].end()
        for pattern in _BINARY
        for match in pattern.finditer(plain)
        if match["x"] != match["y"]
    )


def _plain(text):
    text = _MARKUP.sub("", numerals.plainly(text)).replace("\\gt", ">").replace("\\lt", "<")
    return _WITH_MONTH.sub(r"\1.\2", text)


def _claims(sentence, asked):
    found = set()
    for patterns in (_BINARY, _UNARY):
        for pattern in patterns:
            for match in pattern.finditer(sentence):
                named = [asked.value(match[name]) for name in "xy" if name in pattern.groupindex]
                if len(set(named)) < len(named) or not set(named) <= set(asked.values):
                    continue
                same = is_more(match["word"]) == asked.more
                # Of two different ones the one that isn't larger is smaller.
                right = same != is_denied(match["mid"])
                found.add(named[0] if right else asked.other(named[0]))
        for pattern in _BINARY:  # '9.11更大' says nothing in '9.9比9.11更大'
            sentence = pattern.sub(" ", sentence)
    return found
