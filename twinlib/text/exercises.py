"""Practice problems with one right answer: made or read, asked, and marked.

A problem is {id, question, answer, language, group}. One lenient extractor serves rewards and marking: the number
after the last answer marker, else the last number.
"""

import json
import random
import re
from decimal import Decimal
from itertools import combinations

# A sign counts only where it can't be a minus between two numbers or the hyphen of a range.
NUMBER = re.compile(r"(?<![\d.])(?:(?<![\w)）])[-−])?\d[\d,，]*(?:\.\d+)?(?:/\d+)?")
PLAIN = re.compile(r"[-+]?(?:\d+\.?\d*|\.\d+)(?:/\d+)?")
# What a wanted number may wear: a currency before it, a sign, a measure word or a unit after it.
DRESSED = re.compile(
    r"([-−]?)(?:US)?[$€£¥￥]?\s*([-−]?\d[\d,，]*(?:\.\d+)?(?:/\d+)?)\s*"
    r"(?:[%％‰°℃$€£¥￥]|[\u4e00-\u9fff]{1,3}|[A-Za-z]{3,12}|[kcm]?m|k?g|m?[lL]|[sh])?[.。]?"
)
MARKER = re.compile(r"(?:answer|答案|结果)\s*(?:is|是|为)?\s*[:：]?", re.IGNORECASE)
ASK = {
    "en": "Think step by step, then write 'Answer:' and the number.",
    "zh": "请一步步想，最后写“答案：”和数字。",
}
QUESTIONS = {
    "en": (
        "Which is larger, {a} or {b}?",
        "Which number is bigger: {a} or {b}?",
        "Compare {a} and {b}. Which one is larger?",
    ),
    "zh": ("{a}和{b}哪个更大？", "{a}与{b}，哪个数字更大？", "比较{a}和{b}，较大的是哪一个？"),
}
# Comparisons that exist: 2 languages, 2 orders, 31 whole parts, 324 traps in each and as many that are none.
MOST = 2 * 2 * 31 * 324 * 2


def number_of(text):
    """The number written in `text` as a finite Decimal, or None: '1,234.50', '−3', '3/4'."""
    cleaned = text.replace(",", "").replace("，", "").replace("−", "-").strip()
    if not PLAIN.fullmatch(cleaned):  # Decimal takes more: Infinity, NaN, 1e999999
        return None
    over, _, under = cleaned.partition("/")
    under = Decimal(under or 1)
    return Decimal(over) / under if under else None


def extract(text):
    """The answer a text gives: the first number after its last answer marker, else its last number; None without one."""
    markers = list(MARKER.finditer(text))
    if markers:
        found = NUMBER.search(text, markers[-1].end())
        if found:
            return number_of(found.group())
    numbers = NUMBER.findall(text)
    return number_of(numbers[-1]) if numbers else None


def is_correct(text, answer):
    """Whether a text gives the answer, compared as numbers where the answer is one, else as words."""
    wanted = _wanted(answer)
    if wanted is None:
        return _says(text, answer)
    given = extract(text)
    return given is not None and abs(given - wanted) <= Decimal("1e-6") * max(1, abs(wanted))


def _wanted(answer):
    """The number that an answer is, without its unit: '72%', '$72' and '72元' are 72; None for words."""
    dressed = DRESSED.fullmatch(answer.strip())
    return number_of(dressed[1] + dressed[2]) if dressed else number_of(answer)


def _says(text, answer):
    """Whether the answer's words stand whole after the last answer marker, else anywhere: 'no' isn't in 'know'.

    Chinese has no spaces: there a word must not follow a negation, a single character no other one.
    """
    said = text[[0, *(marker.end() for marker in MARKER.finditer(text))][-1] :].lower()
    words = re.findall(r"[^\W_]+", answer.lower())
    if not words:
        return False
    before = (
        ""
        if words[0][0] < "\u4e00"
        else "\u4e00-\u9fff"
        if len("".join(words)) == 1
        else "不没非未无"
    )
    edge = r"[^\W_\u4e00-\u9fff]"  # a letter or digit of a script with spaces
    start = f"(?<![{before}])" if before else f"(?<!{edge})"
    end = f"(?!{edge})" if words[-1][-1] < "\u4e00" else ""
    return bool(re.search(start + r"[\W_]+".join(map(re.escape, words)) + end, said))


def decimals(count, seed):
    """`count` comparisons of two decimals, in both orders and both languages, half of them with the trap that the
    smaller number has more digits (9.9 and 9.11). The four versions of a pair follow each other. There are MOST."""
    chance, problems, seen = random.Random(seed), [], set()
    while len(problems) < min(count, MOST):
        a, b = _pair(chance, trap=len(seen) % 2 == 0)
        if (a, b) in seen:
            continue
        seen.add((a, b))
        larger = str(max(Decimal(a), Decimal(b)))
        for language in ("en", "zh"):
            for one, other in ((a, b), (b, a)):
                text = chance.choice(QUESTIONS[language]).format(a=one, b=other)
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
    """Two different decimals with the same whole part, the one with fewer digits larger when it is a trap."""
    whole = chance.randint(0, 30)
    while True:
        short, long = chance.randint(1, 9), chance.randint(10, 99)
        if long % 10 and (short * 10 > long) == trap:
            return f"{whole}.{short}", f"{whole}.{long}"


def read_problems(text):
    """(problems, [(line, why)]): problems from JSON Lines in GSM8K's format ('#### 72' ends the answer) or with
    question, answer and optional steps; lines that are neither come back with a reason."""
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


def split_problems(problems, held_out, seed):
    """(train, test): whole groups, so that no held-out comparison was practised in another order or language."""
    groups = sorted({problem["group"] for problem in problems})
    random.Random(seed).shuffle(groups)
    by_group = {}
    for problem in problems:
        by_group.setdefault(problem["group"], []).append(problem)
    test = []
    while groups and len(test) < held_out:
        test += by_group[groups.pop()]
    return [problem for group in groups for problem in by_group[group]], test


def ask(problem):
    """What the model is asked: the problem and how to write the answer."""
    return problem["question"] + "\n" + ASK[problem["language"]]


# The question everybody asks, in both orders and languages: always held out, never practised.
SHOWCASE = [
    {
        "id": f"showcase-{language}-{a}",
        "question": QUESTIONS[language][0].format(a=a, b=b),
        "answer": "9.9",
        "language": language,
        "group": "9.9-9.11",
    }
    for language in ("en", "zh")
    for a, b in (("9.9", "9.11"), ("9.11", "9.9"))
]


def unpractised(count, practised, seed=2):
    """About `count` comparisons, in whole pairs, half of the pairs traps and the SHOWCASE first; none whose two
    numbers stand together in a question of the `practised` problems, in whatever order, language or words."""
    known = {
        frozenset(pair)
        for problem in practised
        for pair in combinations(map(number_of, NUMBER.findall(problem["question"])), 2)
    }
    wanted = (count + 3) // 4
    groups = {}
    # Twice what is wanted, since one in two is a trap, and room for every practised pair that turns up again.
    for problem in SHOWCASE + decimals(8 * (wanted + len(known) + 1), seed):
        groups.setdefault(problem["group"], []).append(problem)
    traps, others = [], []
    for group, versions in groups.items():
        short, long = group.split("-")
        if frozenset((number_of(short), number_of(long))) not in known:
            (traps if versions[0]["answer"] == short else others).append(versions[:4])
    pairs = [versions for two in zip(traps, others) for versions in two]
    return [problem for versions in pairs[:wanted] for problem in versions]


def names_one(text, problem):
    """Whether the answer that a text gives is one of the two numbers of a comparison, right or wrong."""
    return extract(text) in map(number_of, problem["group"].split("-"))
