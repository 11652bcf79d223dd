"""Practice problems with one right answer: comparisons of decimals, or read from a file; prompts
and marking.

A problem is {id, question, answer, language, group}; problems of a group are versions of each
other. Rewards and exams share one lenient extractor: the number after the last answer marker, else
the last number.
"""

import json
import random
import re
from decimal import Decimal
from itertools import combinations

# A minus is a sign only where it can't stand between two numbers, as in "10-3".
_NUMBER = re.compile(r"(?<![\d.])(?:(?<![\w)）])[-−])?\d[\d,，]*(?:\.\d+)?(?:/\d+)?")
_PLAIN = re.compile(r"[-+]?(?:\d+\.?\d*|\.\d+)(?:/\d+)?")
# A number that is an answer may have a currency before it and a unit or measure word after it.
_WITH_UNIT = re.compile(
    r"([-−]?)(?:US)?[$€£¥￥]?\s*([-−]?\d[\d,，]*(?:\.\d+)?(?:/\d+)?)\s*"
    r"(?:[%％‰°℃$€£¥￥]|[\u4e00-\u9fff]{1,3}|[A-Za-z]{3,12}|[kcm]?m|k?g|m?[lL]|[sh])?[.。]?"
)
MARKER = re.compile(r"(?:answer|答案|结果)\s*(?:is|是|为)?\s*[:：]?", re.IGNORECASE)
_INSTRUCTIONS = {
    "en": "Think step by step, then write 'Answer:' and the number.",
    "zh": "请一步步想，最后写“答案：”和数字。",
}
_COMPARISONS = {
    "en": (
        "Which is larger, {a} or {b}?",
        "Which number is bigger: {a} or {b}?",
        "Compare {a} and {b}. Which one is larger?",
    ),
    "zh": ("{a}和{b}哪个更大？", "{a}与{b}，哪个数字更大？", "比较{a}和{b}，较大的是哪一个？"),
}
# Comparisons that exist: 2 languages, 2 orders, 31 whole parts, 324 pairs with the trap and 324
# without.
MOST = 2 * 2 * 31 * 324 * 2


def number_of(text: str) -> Decimal | None:
    """The number written in `text` as a finite Decimal, or None: '1,234.50', '−3', '3/4'."""
    cleaned = text.replace(",", "").replace("，", "").replace("−", "-").strip()
    if not _PLAIN.fullmatch(cleaned):  # Decimal takes more: Infinity, NaN, 1e999999
        return None
    over, _, under = cleaned.partition("/")
    under = Decimal(under or 1)
    return Decimal(over) / under if under else None


def extract(text: str) -> Decimal | None:
    """The number a text gives as answer: the first after the last answer marker, else the last."""
    markers = list(MARKER.finditer(text))
    if markers:
        after = _NUMBER.search(text, markers[-1].end())
        if after:
            return number_of(after.group())
    numbers = _NUMBER.findall(text)
    return number_of(numbers[-1]) if numbers else None


def is_correct(text: str, answer: str) -> bool:
    """Whether a text gives the answer, compared as a number where it is one, else as words."""
    right = _without_unit(answer)
    if right is None:
        return _says(text, answer)
    given = extract(text)
    return given is not None and abs(given - right) <= Decimal("1e-6") * max(1, abs(right))


def _without_unit(answer):
    """The number of an answer: '72%', '$72' and '72元' are 72; None for words."""
    match = _WITH_UNIT.fullmatch(answer.strip())
    return number_of(match[1] + match[2]) if match else number_of(answer)


def _says(text, answer):
    """Whether the answer's words occur whole after the last answer marker, or anywhere without one.

    'no' isn't in 'know'. Chinese has no spaces: there the words must not follow a negation, and a
    single character must not follow any other.
    """
    said = text[[0, *(marker.end() for marker in MARKER.finditer(text))][-1] :].lower()
    words = re.findall(r"[^\W_]+", answer.lower())
    if not words:
        return False
    if words[0][0] < "\u4e00":
        before = ""
    else:
        before = "\u4e00-\u9fff" if len("".join(words)) == 1 else "不没非未无"
    edge = r"[^\W_\u4e00-\u9fff]"  # a letter or digit of a script with spaces
    start = f"(?<![{before}])" if before else f"(?<!{edge})"
    end = f"(?!{edge})" if words[-1][-1] < "\u4e00" else ""
    return bool(re.search(start + r"[\W_]+".join(map(re.escape, words)) + end, said))


def decimals(count: int, seed: int) -> list[dict]:
    """`count` comparisons of two decimals, MOST at most, in both orders and both languages.

    In half of the pairs the smaller number has more digits, as in 9.9 and 9.11. The four versions
    of a pair follow each other.
    """
    chance, problems, seen = random.Random(seed), [], set()
    while len(problems) < min(count, MOST):
        a, b = _pair(chance, trap=len(seen) % 2 == 0)
        if (a, b) in seen:
            continue
        seen.add((a, b))
        larger = str(max(Decimal(a), Decimal(b)))
        for language in ("en", "zh"):
            for one, other in ((a, b), (b, a)):
                text = chance.choice(_COMPARISONS[language]).format(a=one, b=other)
                problems.append(
                    {
                        "id": f"decimal-{a}-{b}-{language}-{one}",
                        "question": text,
                        "answer": larger,
                        "language": language,
                        "group": f"{a}-{b}",
                    }
                )
    return problems[:count]


def _pair(chance, trap):
    """Two decimals with the same whole part; with `trap` the one with fewer digits is larger."""
    whole = chance.randint(0, 30)
    while True:
        short, long = chance.randint(1, 9), chance.randint(10, 99)
        if long % 10 and (short * 10 > long) == trap:
            return f"{whole}.{short}", f"{whole}.{long}"


def read_problems(text: str) -> tuple[list[dict], list[tuple[int, str]]]:
    """(problems, [(line number, reason)] of refused lines) from JSON Lines with question and
    answer.

    An answer may end in '#### 72', as in GSM8K.
    """
    problems, refused = [], []
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        try:
            record = json.loads(line)
            question, answer = str(record["question"]).strip(), str(record["answer"])
        except (ValueError, KeyError, TypeError):
            refused.append((number, "no question and answer"))
            continue
        answer = answer.rsplit("####", 1)[-1].strip()
        if not question or not answer or len(answer) > 60 or not re.search(r"[^\W_]", answer):
            refused.append((number, "no short final answer"))
            continue
        problems.append(
            {
                "id": f"line-{number}",
                "question": question,
                "answer": answer,
                "group": f"line-{number}",
                "language": "zh" if re.search(r"[\u4e00-\u9fff]", question) else "en",
            }
        )
    return problems, refused


def split_problems(problems: list[dict], held_out: int, seed: int) -> tuple[list[dict], list[dict]]:
    """(train, test), split by group: no held-out comparison is practised in another order or
    language."""
    groups = sorted({problem["group"] for problem in problems})
    random.Random(seed).shuffle(groups)
    by_group = {}
    for problem in problems:
        by_group.setdefault(problem["group"], []).append(problem)
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
        "question": _COMPARISONS[language][0].format(a=a, b=b),
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
    # Twice as many, since one in two is a trap, and more for each practised pair that comes up
    # again.
    for problem in SHOWCASE + decimals(8 * (pairs + len(known) + 1), seed):
        groups.setdefault(problem["group"], []).append(problem)
    traps, others = [], []
    for group, versions in groups.items():
        short, long = group.split("-")
        if frozenset((number_of(short), number_of(long))) not in known:
            (traps if versions[0]["answer"] == short else others).append(versions[:4])
    alternating = [versions for two in zip(traps, others) for versions in two]
    return [problem for versions in alternating[:pairs] for problem in versions]


def names_one(text: str, problem: dict) -> bool:
    """Whether a text's answer is one of the two numbers of a comparison, right or wrong."""
    return extract(text) in map(number_of, problem["group"].split("-"))
