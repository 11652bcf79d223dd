"""Practice problems: tables of strings with a word of why beside each row."""

from decimal import Decimal

import pytest

from twinlib.text import exercises


@pytest.mark.parametrize(
    "text, number, why",
    [
        ("Answer: 9.9", "9.9", "marked"),
        (
            "9.9 is larger than 9.11.\nAnswer: 9.9",
            "9.9",
            "the marker wins over the last number before it",
        ),
        ("答案：9.9", "9.9", "Chinese, full-width colon"),
        ("所以答案是9.9，不是9.11。", "9.9", "beside Chinese, where \\b never matches"),
        ("First 3, then 4, so 12", "12", "no marker: the last number"),
        ("The answer is 7. No wait. Answer: 8", "8", "the last marker"),
        ("It costs $1,234.50 in all", "1234.50", "thousands"),
        ("Answer: -3", "-3", "negative"),
        ("10-3", "3", "a minus between numbers is no sign"),
        ("Answer: 3/4", "0.75", "a fraction"),
        ("第1步\n第2步\n答案：\n42", "42", "over several lines"),
        ("Answer: 5 apples, 3 left over", "5", "the first number after the marker"),
        ("I don't know", None, "no number"),
        ("Answer: none, I counted 6", "6", "the first number after the marker, wherever"),
    ],
)
def test_the_answer_that_a_text_gives(text, number, why):
    assert exercises.extract(text) == (None if number is None else Decimal(number)), why


@pytest.mark.parametrize(
    "text, answer, right, why",
    [
        ("Answer: 9.90", "9.9", True, "compared as numbers"),
        ("Answer: 9.11", "9.9", False, "the classic mistake"),
        ("#### 72", "72", True, "the last number"),
        ("Answer: 1,000", "1000", True, "thousands"),
        ("Answer: 1234568", "1234567", False, "whole numbers are compared exactly"),
        ("Answer: 2000001", "2000000", False, "whole numbers are compared exactly"),
        ("Answer: 123456789012", "123456789012", True, "whole numbers are compared exactly"),
        ("Answer: 2.9999999999", "3", True, "a sum of rounded parts"),
        ("Answer: 0.333333333", "1/3", True, "a fraction that was rounded"),
        ("Answer: Tuesday!", "tuesday", True, "words are compared without case and signs"),
        ("答案：星期二", "星期三", False, "other words"),
        ("", "5", False, "nothing said"),
        ("Answer: 72", "72%", True, "a percent sign is a unit"),
        ("Answer: 172", "72%", False, "another number that ends alike"),
        ("Answer: $72", "$72", True, "money"),
        ("答案：172元", "72元", False, "another number that ends alike"),
        ("答案：72", "72元", True, "a Chinese unit"),
        ("Answer: -5", "-$5", True, "a sign before the currency"),
        ("Answer: 1", "Infinity", False, "no number to compare with"),
        ("Answer: 5", "NaN", False, "no number to compare with"),
        ("Answer: 5", "1e999999999", False, "no number that can be compared"),
        ("I do not know", "no", False, "not inside another word"),
        ("Answer: yes. No: Answer: no", "yes", False, "the last marker"),
        ("Answer: it is New  York!", "new york", True, "several words"),
        ("答案：不对", "对", False, "negated"),
        ("今天是星期二。", "星期二", True, "inside Chinese, which has no spaces"),
        ("anything", "…", False, "an answer of no words"),
    ],
)
def test_what_counts_as_right(text, answer, right, why):
    assert exercises.is_correct(text, answer) is right, why


def test_decimals_come_in_both_orders_and_languages_and_their_answers_are_right():
    problems = exercises.decimals(80, seed=3)
    assert len({p["id"] for p in problems}) == 80
    groups = {}
    for p in problems:
        groups.setdefault(p["group"], []).append(p)
        a, b = p["group"].split("-")
        assert Decimal(p["answer"]) == max(Decimal(a), Decimal(b))
        assert a in p["question"] and b in p["question"]
    for four in groups.values():
        assert sorted(p["language"] for p in four) == ["en", "en", "zh", "zh"]
    trapped = [
        len(min(g.split("-"), key=lambda n: len(n)))
        for g in groups
        if Decimal(g.split("-")[0]) > Decimal(g.split("-")[1])
    ]
    assert 0.3 < len(trapped) / len(groups) < 0.7  # half have the trap of 9.9 and 9.11


def test_asking_for_more_decimals_than_there_are_ends():
    problems = exercises.decimals(exercises.MOST_COMPARISONS + 1, seed=1)
    assert len({p["id"] for p in problems}) == len(problems) == exercises.MOST_COMPARISONS


def test_a_held_out_comparison_is_practised_in_no_other_order_or_language():
    train, test = exercises.split_problems(exercises.decimals(200, seed=1), 40, seed=1)
    assert len(test) == 40 and not {p["group"] for p in train} & {p["group"] for p in test}


def test_the_showcase_is_the_question_everybody_asks():
    assert {p["answer"] for p in exercises.SHOWCASE} == {"9.9"}
    assert any(
        "9.9" in p["question"] and "9.11" in p["question"] and p["language"] == "zh"
        for p in exercises.SHOWCASE
    )
