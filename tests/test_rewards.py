"""Rewards: tables of strings with a word of why beside each row."""

from pathlib import Path

import pytest

from twinlib.train import rewards


@pytest.mark.parametrize(
    "text, form, why",
    [
        (
            "9.9 has more tenths.\n\nSo it is larger.\nAnswer: 9.9",
            True,
            "work over several lines, then one answer",
        ),
        ("整数部分相同。\n比较小数。\n答案：9.9", True, "Chinese"),
        ("Answer: 9.9", False, "no work shown"),
        ("work\nAnswer: 1\nAnswer: 2", False, "two answers"),
        ("work and no end", False, "no answer"),
        ("Because.\n**Answer:** 42", True, "bold"),
        ("Because.\n**Answer: 42**", True, "bold to the end"),
        ("**Answer:** 42", False, "bold is no work"),
        ("Because.\nAnswer: $42", True, "money"),
        ("Because.\nAnswer: $42$", True, "a formula"),
        (r"Because, \boxed{42}", True, "a box"),
        (r"Because, $\boxed{\frac{3}{4}}$.", True, "a fraction in a box"),
        ("Because.\nAnswer: \\boxed{42}", True, "a box after a marker is one answer"),
        (r"\boxed{42}", False, "no work in front of the box"),
        ("So \\boxed{1}\nAnswer: 2", False, "two answers"),
        ("因为。\n**答案**：４２个", True, "full width, with a unit"),
        ("因为。\n答案：四十二", True, "Chinese numerals"),
        ("Because.\nAnswer: I forgot", False, "no number"),
        ("Because.\nAnswer: 42\nI like it", False, "something after it"),
    ],
)
def test_the_form(text, form, why):
    assert rewards.has_format(text) is form, why


def table():
    """(right, wanted, said, question) of each line of answers.txt."""
    lines = (Path(__file__).parent / "answers.txt").read_text(encoding="utf-8").splitlines()
    rows = [(line + "|").split("|")[:4] for line in lines if not line.startswith("#")]
    return [(row[0] == "1", row[1], row[2].replace("⏎", "\n"), row[3]) for row in rows]


def test_the_right_answer_is_paid_however_it_is_written_and_no_wrong_one():
    assert len(table()) >= 400
    paid = [
        rewards.correctness([said], [{"answer": wanted, "question": question}]) == [1.0]
        for _, wanted, said, question in table()
    ]
    assert [row for row, given in zip(table(), paid) if given != row[0]] == []


def test_the_form_earns_less_than_being_right():
    work = "Because.\nAnswer: 1"
    assert rewards.form([work], [{"answer": "1"}]) == [rewards.FORMAT_REWARD]
    assert rewards.correctness([work], [{"answer": "1"}]) == [1.0]
    assert rewards.FORMAT_REWARD < 0.5
