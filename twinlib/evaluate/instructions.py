"""What the base could do before it was trained: sixty instructions in both languages that code can check.

Each is (language, what is asked, a check of the answer). They ask for form (counts, beginnings, endings, formats) and
for small facts that every instruct model knows, never for taste. The base and the twin answer the same ones, both
without a system prompt, greedily.
"""

import json
import re
from collections.abc import Callable
from typing import NamedTuple

from ..i18n import t
from ..text import exercises, interview_questions, style
from ..text.statistics import mcnemar, wilson
from ..twin import figure
from . import ratings
from .ratings import percent, too_few

TOKENS = 160  # of an answer at most
SHOWN_AT_LEAST = 0.1  # of the instructions that the base follows: below, there is nothing to forget


class Instruction(NamedTuple):
    """`check(answer)` says whether an answer, stripped, does what `text` asks."""

    language: str
    text: str
    check: Callable


# Checks


def _words(low, high=10_000):
    return lambda said: low <= interview_questions.count(said) <= high


def _lines(count, pattern=r".+"):
    def check(said):
        lines = [line.strip() for line in said.splitlines() if line.strip()]
        return len(lines) == count and all(re.fullmatch(pattern, line) for line in lines)

    return check


def _sentences(count):
    return lambda said: (
        len(re.findall(r"[^.!?。！？]*[^\s.!?。！？][^.!?。！？]*[.!?。！？]+", said)) == count
    )


def _holds(*words):
    return lambda said: all(word.lower() in said.lower() for word in words)


def _times(word, count):
    return lambda said: said.lower().count(word.lower()) == count


def _without(signs, least):
    """None of the signs, in at least so many words: an empty answer avoids everything."""
    return lambda said: (
        not any(sign in said.lower() for sign in signs) and interview_questions.count(said) >= least
    )


def _starts(text):
    return lambda said: said.lower().startswith(text.lower())


def _ends(text):
    return lambda said: said.lower().rstrip(" \n\"'”’*").endswith(text.lower())


def _parts(separator, count):
    return lambda said: (
        len([part for part in said.strip(" .。").split(separator) if part.strip()]) == count
        and "\n" not in said
    )


def _number(value):
    return lambda said: exercises.is_correct(said, value)


def _only(*answers):
    return lambda said: said.strip(" .!。！\n\"'“”*").lower() in answers


def _json(check):
    def checked(said):
        bare = re.sub(r"^```(?:json)?\s*|\s*```$", "", said.strip())
        try:
            return bool(check(json.loads(bare)))
        except (ValueError, TypeError, AttributeError, KeyError):
            return False

    return checked


def _all(*checks):
    return lambda said: all(check(said) for check in checks)


def _capitals(said):
    return bool(re.search("[A-Z]", said)) and not re.search("[a-z]", said)


def _small(said):
    return bool(re.search("[a-z]", said)) and not re.search("[A-Z]", said)


def _english(said):
    return style.script_share(said, "en") > 0.9


def _chinese(said):
    return style.script_share(said, "zh") > 0.9


BULLET, NUMBERED = r"[-*•]\s*\S.*", r"\d+[.)、．]\s*\S.*"
INSTRUCTIONS = tuple(
    Instruction(*one)
    for one in (
        (
            "en",
            "Name three fruits on one line, separated by commas. Write nothing else.",
            _parts(",", 3),
        ),
        (
            "en",
            "Name the days of the week, one on each line, and nothing else.",
            _all(_lines(7), _holds("monday", "sunday")),
        ),
        ("en", "Write exactly two sentences about rain.", _all(_sentences(2), _holds("rain"))),
        (
            "en",
            "Describe a kitchen in 40 to 80 words, and use the word 'kitchen'.",
            _all(_words(40, 80), _holds("kitchen")),
        ),
        ("en", "Describe a train station in fewer than 25 words.", _words(8, 24)),
        (
            "en",
            "Write a sentence about the sea and begin it with the word 'Yesterday'.",
            _starts("yesterday"),
        ),
        (
            "en",
            "Explain what a bicycle is. End your answer with the words 'That is all.'",
            _ends("that is all."),
        ),
        (
            "en",
            "Describe autumn in about thirty words without using any comma.",
            _without(",，", 15),
        ),
        (
            "en",
            "Write about cats in two or three sentences without the letter z.",
            _all(_without("z", 12), _holds("cat")),
        ),
        (
            "en",
            "Answer in capital letters only: what colour is the sky on a clear day?",
            _all(_capitals, _holds("blue")),
        ),
        (
            "en",
            "Answer in small letters only, without any capital: what is the capital of France?",
            _all(_small, _holds("paris")),
        ),
        (
            "en",
            "Give me four tips for a tidy desk as a list with '-' at the start of each line, and nothing else.",
            _lines(4, BULLET),
        ),
        (
            "en",
            "List three steps for making tea, numbered 1. 2. 3., one on each line, and nothing else.",
            _lines(3, NUMBERED),
        ),
        ("en", "Answer with one word, yes or no: is ice colder than boiling water?", _only("yes")),
        ("en", "Answer with one word, yes or no: do fish live on the moon?", _only("no")),
        ("en", "What is 17 + 25? Write the number only.", _all(_number("42"), _words(1, 3))),
        ("en", "What is 9 times 8? Write the number only.", _all(_number("72"), _words(1, 3))),
        (
            "en",
            "How many days do two weeks have? Write the number in digits only.",
            _all(_number("14"), _words(1, 3)),
        ),
        (
            "en",
            "Write the number 'three hundred and forty-five' in digits only.",
            _all(_number("345"), _words(1, 3)),
        ),
        ("en", "Write the number 12 as an English word, and nothing else.", _only("twelve")),
        (
            "en",
            'Write a JSON object with the keys "name" and "age" for a person called Ada who is 36. JSON only.',
            _json(lambda found: found["name"] == "Ada" and int(found["age"]) == 36),
        ),
        (
            "en",
            "Write a JSON array of the three primary colours red, yellow and blue. JSON only.",
            _json(lambda found: sorted(map(str.lower, found)) == ["blue", "red", "yellow"]),
        ),
        (
            "en",
            "Use the word 'river' exactly three times in a short paragraph.",
            _all(_times("river", 3), _words(12)),
        ),
        (
            "en",
            "Write a sentence that contains the words 'lamp', 'window' and 'letter'.",
            _all(_holds("lamp", "window", "letter"), _words(6)),
        ),
        (
            "en",
            "Sort these words alphabetically and separate them by commas: pear, apple, mango. Write nothing else.",
            lambda said: re.sub(r"[\s.]", "", said.lower()) == "apple,mango,pear",
        ),
        (
            "en",
            "Repeat this sentence word for word and add nothing: The kettle is on the stove.",
            _only("the kettle is on the stove"),
        ),
        (
            "en",
            "Translate into Chinese: Good morning. Write the translation only.",
            _all(_chinese, lambda said: bool(re.search("早", said))),
        ),
        (
            "en",
            "What is the opposite of 'hot'? Answer with one word.",
            _only("cold", "cool", "chilly"),
        ),
        (
            "en",
            "Spell the word 'bread' with a hyphen between the letters, and nothing else.",
            _only("b-r-e-a-d"),
        ),
        (
            "en",
            "Ask me exactly one question about my holidays, in one sentence.",
            lambda said: said.count("?") == 1 and said.endswith("?"),
        ),
        (
            "zh",
            "用逗号分开，在一行里写三种水果，不要写别的。",
            lambda said: _parts("，", 3)(said.replace(",", "，").replace("、", "，")),
        ),
        (
            "zh",
            "写出一年的四个季节，每行一个，不要写别的。",
            _all(_lines(4), _holds("春", "夏", "秋", "冬")),
        ),
        ("zh", "用正好两句话写下雨。", _all(_sentences(2), _holds("雨"))),
        (
            "zh",
            "用 40 到 80 个字描写一间厨房，要出现“厨房”两个字。",
            _all(_words(40, 80), _holds("厨房")),
        ),
        ("zh", "用不超过 25 个字描写一个火车站。", _words(8, 25)),
        ("zh", "写一句关于大海的话，用“昨天”两个字开头。", _starts("昨天")),
        ("zh", "说明什么是自行车，最后用“就是这样。”结尾。", _ends("就是这样。")),
        ("zh", "用三十个字左右写秋天，不要用逗号。", _without(",，", 15)),
        ("zh", "用两三句话写猫，全文不要出现“可爱”。", _all(_without(("可爱",), 15), _holds("猫"))),
        ("zh", "用英文回答：法国的首都是哪里？", _all(_english, _holds("paris"))),
        ("zh", "只用一个字回答：冰比开水冷吗？请答“是”或“否”。", _only("是")),
        ("zh", "只用一个字回答：鱼住在月亮上吗？请答“是”或“否”。", _only("否")),
        ("zh", "给我四条整理书桌的建议，每行一条，用“-”开头，不要写别的。", _lines(4, BULLET)),
        ("zh", "写出泡茶的三个步骤，编号 1. 2. 3.，每行一个，不要写别的。", _lines(3, NUMBERED)),
        ("zh", "17加25等于多少？只写数字。", _all(_number("42"), _words(1, 3))),
        ("zh", "9乘以8等于多少？只写数字。", _all(_number("72"), _words(1, 3))),
        ("zh", "两个星期有多少天？只写阿拉伯数字。", _all(_number("14"), _words(1, 3))),
        ("zh", "把“三百四十五”写成阿拉伯数字，只写数字。", _all(_number("345"), _words(1, 3))),
        ("zh", "把 12 写成中文数字，不要写别的。", _only("十二", "一十二")),
        (
            "zh",
            '写一个 JSON 对象，键是 "name" 和 "age"，内容是：小明，36 岁。只写 JSON。',
            _json(
                lambda found: found["name"] == "小明" and int(str(found["age"]).strip("岁")) == 36
            ),
        ),
        (
            "zh",
            "写一个 JSON 数组，内容是红、黄、蓝三个字。只写 JSON。",
            _json(lambda found: sorted(found) == sorted("红黄蓝")),
        ),
        ("zh", "写一小段话，正好用三次“河”这个字。", _all(_times("河", 3), _words(12))),
        ("zh", "写一句话，里面要有“灯”“窗”“信”三个字。", _all(_holds("灯", "窗", "信"), _words(6))),
        (
            "zh",
            "把这三个数从小到大排列，用逗号分开，不要写别的：14，3，27。",
            lambda said: (
                re.sub(r"[\s.。]", "", said).replace("，", ",").replace("、", ",") == "3,14,27"
            ),
        ),
        ("zh", "一字不差地重复这句话，不要加别的：水壶在炉子上。", _only("水壶在炉子上")),
        ("zh", "把“早上好”翻译成英文，只写译文。", _only("good morning")),
        ("zh", "“热”的反义词是什么？只写一个字。", _only("冷", "凉", "寒")),
        (
            "zh",
            "问我一个关于假期的问题，只写一句问话。",
            lambda said: len(re.findall("[?？]", said)) == 1 and said[-1] in "?？",
        ),
        ("zh", "写一句话，最后一个字是“家”。", lambda said: said.rstrip('。！!.”"').endswith("家")),
        ("zh", "写出前五个大写英文字母，连在一起，不要写别的。", _only("abcde")),
    )
)


def follows(instruction, answer):
    """Whether an answer does what was asked and doesn't go round in circles."""
    said = answer.strip()
    return (
        bool(said) and not style.loops(said, instruction.language) and bool(instruction.check(said))
    )


# The figures


def forgetting(before, after, name="forgetting", what=("instructions", "条指令")):
    """{name: figure}: by how much the share of tasks done fell from the base to the twin, and both shares.

    `before` and `after` are lists of whether each task was done, in the same order.
    """
    if not before:
        return {name: too_few((f"no {what[0]}", f"没有{what[1]}"), 0)}
    gain, low, high, p = mcnemar(before, after)
    n, shares = len(before), (sum(before) / len(before), sum(after) / len(after))
    counts = (
        f"The base did {sum(before)} of {n} {what[0]}, the twin {sum(after)} (McNemar's exact p = {p:.2g}).",
        f"{n} {what[1]}，基础模型做对 {sum(before)}，分身做对 {sum(after)}（McNemar 精确检验 p = {p:.2g}）。",
    )
    if shares[0] < SHOWN_AT_LEAST:
        judged = (
            "There is hardly anything to forget: this base doesn't follow instructions.",
            "几乎没什么可忘的：这个基础模型本来就不会听指令。",
        )
    else:
        judged = ratings.said(
            name,
            -gain,
            -high,
            -low,
            "{:.0%}",
            (
                "Take an instruct base, so that everyday answers are replayed, or train less.",
                "请用指令模型（训练时会混入日常问答），或少训练一些。",
            ),
        )
    fall = figure(
        0.0 - gain,
        -high,
        -low,
        n,
        t(
            "evaluate.text",
            judged=judged[0],
            counts=counts[0],
            judged_2=judged[1],
            counts_2=counts[1],
        ),
    )
    return {name: fall} | {
        f"{name}.{row}": figure(
            share,
            *wilson(sum(done), n),
            n,
            t("evaluate.done", share=percent(share), n=n, what=what[0], what_2=what[1]),
        )
        for row, share, done in (("base", shares[0], before), ("twin", shares[1], after))
    }
