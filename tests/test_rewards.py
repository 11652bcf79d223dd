"""Rewards: tables of strings with a word of why beside each row."""

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
    ],
)
def test_the_form(text, form, why):
    assert rewards.has_format(text) is form, why


def test_the_form_earns_less_than_being_right():
    work = "Because.\nAnswer: 1"
    assert rewards.form([work], ["1"]) == [rewards.FORMAT_REWARD]
    assert rewards.correctness([work], ["1"]) == [1.0]
    assert rewards.FORMAT_REWARD < 0.5
