"""Practice problems with one right answer, their prompts, and the marking of answers.

Problems are comparisons of two decimals, or read from a file. Each is a dict {id, question, answer,
language, group}; problems of one group are versions of each other. Rewards and exams share one
extractor: the number after the last answer marker, else the last number (numerals.py). Where one of
two numbers is asked for it is the one that the text says to be the larger (comparisons.py), and of
words it is the answer as a whole (short_answers.py).
"""

import random
import re
from collections.abc import Callable
from decimal import Decimal
from itertools import combinations
from operator import itemgetter

from . import comparisons, numerals, quantities, short_answers
from .comparisons import Choice

_NUMBER = re.compile(rf"(?<![\d.])(?:{numerals.NO_MINUS}[-−])?\d[\d,]*(?:\.\d+)?(?:/\d+)?")
MARKER = re.compile(
    r"(?:answer|答案|结果|結果)\s*(?:is|是|为|為)?\s*(?:\*\*)?\s*[:：]?(?:\*\*)?", re.IGNORECASE
)
BOXED = re.compile(r"\\boxed\s?\{((?:[^{}]|\{(?:[^{}]|\{[^{}]*\})*\})*)\}")
_INSTRUCTIONS = {
    "en": "Think step by step, then write 'Answer:' and the number.",
    "zh": "请一步步想，最后写“答案：”和数字。",
}
# {language: questions about two numbers}
TWO_NUMBERS = {
    "en": (
        "Which is larger, {a} or {b}?",
        "Which number is bigger: {a} or {b}?",
        "Compare {a} and {b}. Which one is larger?",
    ),
    "zh": ("{a}和{b}哪个更大？", "{a}与{b}，哪个数字更大？", "比较{a}和{b}，较大的是哪一个？"),
}
# All comparisons: 2 languages, 2 orders, 31 integer parts, 324 pairs with the trap, 324 without.
MOST_COMPARISONS = 2 * 2 * 31 * 324 * 2


def number_of(text: str) -> Decimal | None:
    """The number that a text is, as a finite Decimal, or None: '1,234.50', '−3', '3/4', '1.2万'."""
    values = numerals.whole(text)
    return values[0] if values and len(values) == 1 else None


def extract(text: str, asked: Choice | None = None) -> Decimal | None:
    """The number a text gives as its answer: the first after the last marker, else the last one.

    Of a sum it is what stands after the last '='; None for a sum alone or several numbers. Where a
    Choice is `asked` for it is what the text says of both; without it a comparison gives none.
    """
    values = _given(text, asked=asked)
    return values[0] if values else None


def marked_answers(text: str) -> list[str]:
    """What stands after each answer marker, or in each box: \\boxed{42}, '**Answer:** 42'."""
    boxes = list(BOXED.finditer(text))
    markers = list(MARKER.finditer(text))
    # A box after a marker on the same line is that marker's answer.
    alone = [b for b in boxes if not any(_same_line(text, m.end(), b.start()) for m in markers)]
    ends = [(m.end(), text[m.end() :]) for m in markers] + [(b.end(), b[1]) for b in alone]
    return [answer for _, answer in sorted(ends, key=lambda item: item[0])]


def taken(text: str, asked: Choice | None = None) -> tuple[int, int] | None:
    """(start, end) of what `extract` takes for a text's answer, to show it; None without any."""
    value, boxes = extract(text, asked), list(BOXED.finditer(text))
    starts = [m.end() for m in MARKER.finditer(text)] + [box.start(1) for box in boxes]
    start = max(starts, default=0)
    found = [m for m in _NUMBER.finditer(text, start) if value is not None]
    found = [match for match in found if number_of(match.group()) == value]
    if found:
        return found[0 if starts else -1].span()
    if not starts:
        return None
    said = text[start:].split("\n")[0] if text[start:].strip() else ""
    said = next((box[1] for box in boxes if box.start(1) == start), said)
    words = said.strip(" *:：。.$")
    start += said.find(words)
    return (start, start + len(words)) if words else None


def _same_line(text, end, start):
    return end <= start and "\n" not in text[end:start].strip()


def _given(text, several=False, asked=None):
    """The numbers that a text gives as its answer; with `several` all of the answer's sentence."""
    if asked and (said := marked_answers(text)[-1:]):
        found = comparisons.stated(numerals.first_sentence(said[0]), asked)
        if found:
            return list(found) if len(found) == 1 else None
    for answer in marked_answers(text)[:-2:-1]:
        plain = numerals.plainly(answer)
        for sentence in (numerals.first_sentence(plain), plain):
            found = numerals.chains(sentence)
            if not found:
                continue
            if several:
                return [chain.value for chain in found]
            if counted := quantities.of_several(sentence, found):
                return list(counted) if counted[0] is not None else None
            listed = numerals.whole(sentence, units=False)
            if listed and len(listed) > 1 or _is_a_choice(sentence, found):
                return None
            return [found[0].value] if found[0].value is not None else None
    if several:
        return [chain.value for chain in numerals.chains(numerals.plainly(text))]
    if asked:
        value = comparisons.concluded(text, asked)
        return None if value is None else [value]
    plain = numerals.plainly(text)
    for sentence in reversed(numerals.sentences(plain)):
        if found := numerals.chains(sentence):
            if quantities.of_several(sentence, found[-2:]) == (None,):
                return None
            if comparisons.is_of_comparison(sentence):
                return None
            break
    last = numerals.last(plain)
    return None if last is None else [last]


def _is_a_choice(sentence, found):
    """Whether a sentence leaves open which of two numbers is meant: 'x = 5 or x = -5'."""
    if len(found) < 2 or len({_share(sentence, number) for number in found[:2]}) == 1:
        return False
    between = sentence[found[0].end : found[1].start]
    return bool(re.search(r"(?<![A-Za-z])or(?![A-Za-z])|或", between))


def _share(sentence, number):
    """The value of a number, of a percentage as a share: 50% is 0.5."""
    percent = sentence[number.end :].lstrip().startswith(("%", "％"))
    return number.value / 100 if percent and number.value is not None else number.value


def is_correct(text: str, answer: str, question: str = "") -> bool:
    """Whether a text gives the answer, compared as numbers where it is such, else as words.

    The `question` tells what a comparison in the text says.
    """
    right = numerals.whole(answer)
    if right is None:
        return short_answers.is_said(_lines_of_answer(text), answer, question)
    given = _given(text, len(right) > 1, comparisons.choice(question, answer))
    if given is None or len(given) != len(right) or None in given:
        return False
    if len(right) > 1 and not re.match(r"\s*[(（\[]", answer):  # (3, 4) is a point: in order
        given, right = sorted(given), sorted(right)
    return all(map(_is_same, given, right))


def _lines_of_answer(text):
    """What may be an answer in words: what stands after the last marker, else the last sentence."""
    if marked := marked_answers(text):
        said = marked[-1].strip()
        return [said.split("\n")[0], numerals.first_sentence(said)]
    return [line.strip() for line in text.strip().split("\n")[-1:]] + numerals.sentences(text)[-1:]


def _is_same(given, right):
    """Whether two numbers are equal: whole ones exactly, others within a millionth."""
    if given == given.to_integral_value() and right == right.to_integral_value():
        return given == right
    return abs(given - right) <= Decimal("1e-6") * max(1, abs(right))


def decimals(count: int, seed: int) -> list[dict]:
    """`count` comparisons of two decimals (MOST_COMPARISONS at most), the same for the same seed.

    Each pair comes in both orders and both languages: four problems in a row, one group. In half
    of the pairs the smaller number has more digits (a trap), as in 9.9 and 9.11.
    """
    rng, problems, seen = random.Random(seed), [], set()
    while len(problems) < min(count, MOST_COMPARISONS):
        a, b = _pair(rng, trap=len(seen) % 2 == 0)
        if (a, b) in seen:
            continue
        seen.add((a, b))
        larger = str(max(Decimal(a), Decimal(b)))
        for language in ("en", "zh"):
            for first, second in ((a, b), (b, a)):
                text = rng.choice(TWO_NUMBERS[language]).format(a=first, b=second)
                problems.append(
                    {
                        "id": f"decimal-{a}-{b}-{language}-{first}",
                        "question": text,
                        "answer": larger,
                        "language": language,
                        "group": f"{a}-{b}",
                    }
                )
    return problems[:count]


def _pair(rng, trap):
    """Two decimals with the same whole part; with `trap` the one with fewer digits is larger."""
    integer = rng.randint(0, 30)
    while True:
        short, long = rng.randint(1, 9), rng.randint(10, 99)
        if long % 10 and (short * 10 > long) == trap:
            return f"{integer}.{short}", f"{integer}.{long}"


def split_problems(
    problems: list[dict],
    held_out: int,
    seed: int,
    group_of: Callable[[dict], str] = itemgetter("group"),
) -> tuple[list[dict], list[dict]]:
    """(train, test): whole groups are held out until `test` has at least `held_out` problems.

    So no held-out comparison is practised in another order or language.
    """
    by_group = {}
    for problem in problems:
        by_group.setdefault(group_of(problem), []).append(problem)
    groups = sorted(by_group)
    random.Random(seed).shuffle(groups)
    test = []
    while groups and len(test) < held_out:
        test += by_group[groups.pop()]
    return [problem for group in groups for problem in by_group[group]], test


def ask(problem: dict) -> str:
    """The prompt of a problem: its question and how to write the answer."""
    return problem["question"] + "\n" + _INSTRUCTIONS[problem["language"]]


# The best-known comparison, in both orders and languages: always held out, never practised.
SHOWCASE = [
    {
        "id": f"showcase-{language}-{a}",
        "question": TWO_NUMBERS[language][0].format(a=a, b=b),
        "answer": "9.9",
        "language": language,
        "group": "9.9-9.11",
    }
    for language in ("en", "zh")
    for a, b in (("9.9", "9.11"), ("9.11", "9.9"))
]


def unpractised(count: int, practised: list[dict], seed: int = 2) -> list[dict]:
    """About `count` comparisons, in whole pairs, half of them traps, the SHOWCASE first.

    Leaves out pairs whose two numbers occur together in a question of the `practised` problems.
    """
    known = {
        frozenset(pair)
        for problem in practised
        for pair in combinations(map(number_of, _NUMBER.findall(problem["question"])), 2)
    }
    pairs = (count + 3) // 4
    groups = {}
    # 8 problems for each pair wanted: 4 versions, and one pair in two is a trap. Practised pairs
    # may be among them, so as many pairs more.
    for problem in SHOWCASE + decimals(8 * (pairs + len(known) + 1), seed):
        groups.setdefault(problem["group"], []).append(problem)
    traps, others = [], []
    for group, versions in groups.items():
        short, long = group.split("-")
        if frozenset((number_of(short), number_of(long))) not in known:
            (traps if versions[0]["answer"] == short else others).append(versions[:4])
    alternating = [versions for pair in zip(traps, others) for versions in pair]
    return [problem for versions in alternating[:pairs] for problem in versions]


def names_one(text: str, problem: dict) -> bool:
    """Whether a text's answer is one of the two numbers of a comparison, right or wrong."""
    asked = comparisons.choice(problem["question"], problem["answer"])
    return extract(text, asked) in map(number_of, problem["group"].split("-"))
