"""Which of two numbers is larger, such as 9.9 and 9.11, and the contrast: which is newer or later.

Numbers come in both languages and both orders: half of the pairs are traps, in which the number
with more digits is the smaller, and a quarter has the same number of digits. So that practice does
not unlearn the other reading, every pair is also asked about as versions, chapters or dates, in
which 9.11 comes after 9.9. `about` is 'number' or 'version'.
"""

import random
import re

from .. import comparisons, exercises, numerals
from ..comparisons import version_value
from ..exercises import MARKER, MOST_COMPARISONS, SHOWCASE, TWO_NUMBERS
from ..script import FULL_WIDTH

_LATER = {
    "en": (
        "Which version of a program is newer, {a} or {b}?",
        "A program was released as version {a} and as version {b}. Which release is the later one?",
        "Which chapter of a book comes later, {a} or {b}?",
    ),
    "zh": (
        "软件的哪个版本更新，{a}还是{b}？",
        "同一个程序发布过{a}版和{b}版，哪一版是后发布的？",
        "书里哪一章在后面，{a}还是{b}？",
    ),
}
_DATES = {
    "en": "Dates are written as month.day here. Which is later in the year, {a} or {b}?",
    "zh": "这里日期按“月.日”写。{a}和{b}，哪一天更晚？",
}
_INSTRUCTIONS = {
    "en": "Think step by step, then write 'Answer:' and it, as it is written in the question.",
    "zh": "请一步步想，最后写“答案：”和它，写法照题目里的。",
}
_KINDS = ("trap", "plain", "trap", "equal")
_PARTS = re.compile(r"\d+(?:\s?[.．月/-]\s?\d+)+")
_FULL_WIDTH = str.maketrans({w: plain for w, plain in FULL_WIDTH.items() if plain.isdigit()})


def generate(count: int, seed: int, names: str = "") -> list[dict]:
    """About `count` problems in whole groups, six a pair of numbers: four of numbers, two others.

    The best-known pair is left out, as is every other with its decimals: it is held out always.
    The same for the same seed.
    """
    rng, problems = random.Random(seed), []
    seen, known = {SHOWCASE[0]["group"]}, decimals_of(SHOWCASE[0])
    while len(problems) < min(count, MOST_COMPARISONS):
        kind = _KINDS[(len(seen) - 1) % len(_KINDS)]
        a, b = _pair(rng, kind)
        if f"{a}-{b}" in seen or f"{b}-{a}" in seen:
            continue
        if decimals_of({"group": f"{a}-{b}"}) == known:
            continue
        seen.add(f"{a}-{b}")
        problems += _numbers(rng, a, b, kind) + _contrast(rng, a, b, kind)
    return problems


def decimals_of(problem: dict) -> str:
    """What decides between the two numbers of a problem, whose whole parts are the same: '11-9'."""
    return "-".join(sorted(number.split(".")[1] for number in problem["group"].split("-")))


def _pair(rng, kind):
    """Two different decimals with the same whole part."""
    integer = rng.randint(0, 30)
    while True:
        first, second = rng.randint(1, 9), rng.randint(11, 99)
        if kind == "equal":
            first = rng.randint(11, 99) if rng.random() < 0.5 else first
            second = rng.randint(11, 99) if first > 9 else rng.randint(1, 9)
            if first != second and first % 10 and second % 10:
                return f"{integer}.{first}", f"{integer}.{second}"
        elif second % 10 and (first * 10 > second) == (kind == "trap"):
            return f"{integer}.{first}", f"{integer}.{second}"


def _numbers(rng, a, b, kind):
    larger = max(a, b, key=float)
    return [
        _problem(rng.choice(TWO_NUMBERS[language]), pair, larger, language, "number", kind)
        for language in ("en", "zh")
        for pair in ((a, b), (b, a))
    ]


def _contrast(rng, a, b, kind):
    """The same two as versions, chapters or dates, once in each language, in either order."""
    later, problems = max(a, b, key=version_value), []
    for language in ("en", "zh"):
        pair = (a, b) if rng.random() < 0.5 else (b, a)
        month, *days = (int(part) for part in (*a.split("."), b.split(".")[1]))
        is_date = 1 <= month <= 12 and max(days) <= 28 and rng.random() < 0.6
        text = _DATES[language] if is_date else rng.choice(_LATER[language])
        problems.append(_problem(text, pair, later, language, "version", kind))
    return problems


def _problem(text, pair, answer, language, about, kind):
    a, b = pair
    return {
        "id": f"{about}-{'-'.join(sorted(pair))}-{language}-{a}",
        "question": text.format(a=a, b=b),
        "answer": answer,
        "language": language,
        "group": "-".join(sorted(pair)),
        "task": "decimals",
        "about": about,
        "level": f"{about}, {kind}",
    }


def always_held_out() -> list[dict]:
    """The best-known comparison in both orders and languages, and its contrast."""
    rng = random.Random(1)
    numbers = [
        {**problem, "task": "decimals", "about": "number", "level": "number, trap"}
        for problem in SHOWCASE
    ]
    return numbers + _contrast(rng, "9.9", "9.11", "trap")


def ask(problem: dict) -> str:
    """The question, and how to answer it."""
    if problem.get("about") != "version":
        return exercises.ask(problem)
    return problem["question"] + "\n" + _INSTRUCTIONS[problem["language"]]


def is_correct(text: str, problem: dict) -> bool:
    """Numbers are compared as numbers, versions part by part: version 9.10 is not 9.1."""
    if problem.get("about") != "version":
        return exercises.is_correct(text, problem["answer"], problem.get("question", ""))
    return _version(text, problem) == version_value(problem["answer"])


def taken(text: str, problem: dict) -> tuple[int, int] | None:
    """(start, end) of the number or version that a text gives as its answer; None without any."""
    if problem.get("about") != "version":
        asked = comparisons.choice(problem.get("question", ""), problem["answer"])
        return exercises.taken(text, asked)
    version, plain = _version(text, problem), text.translate(_FULL_WIDTH)
    found = [match for match in _PARTS.finditer(plain) if version_value(match[0]) == version]
    return found[-1].span() if found else None


def _version(text, problem):
    """The version that a text gives, part by part, or None.

    It is the one that the sentence of the last answer marker says to be newer, else the first
    there; without a marker the one that the text says to be newer, else the last.
    """
    asked = comparisons.choice(problem.get("question", ""), problem["answer"], version_value)
    plain = text.translate(_FULL_WIDTH)
    if marks := list(MARKER.finditer(plain)):
        rest = plain[marks[-1].end() :]
        said = comparisons.stated(numerals.first_sentence(rest), asked) if asked else set()
        if said:
            return said.pop() if len(said) == 1 else None
        if first := _PARTS.search(rest):
            return version_value(first[0])
    if asked:
        return comparisons.concluded(plain, asked)
    found = _PARTS.findall(plain)
    return version_value(found[-1]) if found else None
