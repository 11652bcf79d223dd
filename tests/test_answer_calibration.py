"""answers_the_question knows recorded twins that answer from those that don't: chances recorded by
benchmarks/answer_calibration.py, rated again here.

Recorded are numbers, no text: how often each answer was told from seven other questions.
"""

import json
from pathlib import Path

import pytest

from twinlib.evaluate import relevance
from twinlib.evaluate.figures import THRESHOLDS

RECORD = json.loads((Path(__file__).parent / "answer_calibration.json").read_text(encoding="utf-8"))
NOT_ANSWERS = ("shuffled", "quoting", "looping", "refusing", "wrong author")
PARROT, NEW_RECIPE = "gemma-3-270m", "twin, the base asks, qwen2.5-coder-0.5b-instruct"


def rated(group, first=None):
    """The twin's figure of a recorded group, from its first questions only if a number is given."""
    told = {name: chances[:first] for name, chances in group["told"].items()}
    threshold, by = THRESHOLDS["answers_the_question"], group["compared_by"]
    return relevance.rated_chances(told, group["asked"][:first], threshold, by, "thorough")["twin"]


def selected(chosen):
    return [group for group in RECORD if chosen(group["variant"])]


def name(group):
    return " ".join(group[key] for key in ("author", "language", "kind", "compared_by"))


def test_both_languages_both_kinds_and_both_ways_of_comparing_were_recorded():
    for key, values in (
        ("language", {"en", "zh"}),
        ("kind", {"natural", "title"}),
        ("compared_by", {"e5", "words"}),
    ):
        assert {group[key] for group in RECORD} == values


@pytest.mark.parametrize("variant", NOT_ANSWERS)
def test_what_is_no_answer_is_bad(variant):
    groups = selected(lambda recorded: recorded == variant)
    assert len(groups) >= 6
    assert {name(group): rated(group)["level"] for group in groups} == {
        name(group): "bad" for group in groups
    }
    assert all(rated(group)["value"] < 0.35 for group in groups)


def test_a_parrot_is_not_good():
    groups = selected(lambda recorded: PARROT in recorded)
    assert {group["language"] for group in groups} == {"en", "zh"}
    assert {rated(group)["level"] for group in groups} <= {"bad", "so-so"}


def test_a_twin_whose_training_questions_the_base_wrote_is_good_by_either_way_of_comparing():
    groups = selected(lambda recorded: recorded == NEW_RECIPE)
    assert len(groups) == 4
    assert [rated(group)["level"] for group in groups] == ["good"] * 4


def test_of_eight_answers_the_same_twin_is_called_neither_good_nor_bad():
    for group in selected(lambda recorded: recorded == NEW_RECIPE):
        assert rated(group, 8)["level"] in ("unsure", "so-so")
