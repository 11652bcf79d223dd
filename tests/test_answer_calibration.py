"""answers_the_question knows recorded twins that answer from those that don't: chances recorded by
benchmarks/answer_calibration.py, rated again here.

Recorded are numbers, no text: how often each answer was told from seven other questions. The marks
were set when only the parrots and the answers of "twin, the base asks" and "twin, titles ask and
abstain rows" were known; all others came after.
"""

import json
from pathlib import Path

import pytest

from twinlib.evaluate import relevance
from twinlib.evaluate.figures import THRESHOLDS

RECORD = json.loads((Path(__file__).parent / "answer_calibration.json").read_text(encoding="utf-8"))
NOT_ANSWERS = ("shuffled", "quoting", "looping", "refusing", "wrong author")
PARROT = "gemma-3-270m"  # the base of the sample blog's twin before
ASKED_BY_BASE = ("twin, the base asks", "twin half-rate-1")


def rated(group, first=None):
    """The twin's figure of a recorded group, from its first questions only if a number is given."""
    told = {name: chances[:first] for name, chances in group["told"].items()}
    threshold, by = THRESHOLDS["answers_the_question"], group["compared_by"]
    asked = [{"document": each, "source": "local"} for each in group["documents"][:first]]
    return relevance.rated_chances(told, asked, threshold, by, "thorough")["twin"]


def selected(chosen, **wanted):
    """The recorded groups of variants that are chosen(variant), with these fields."""
    return [
        group for group in RECORD if chosen(group["variant"]) and wanted.items() <= group.items()
    ]


def levels(groups):
    """{name: level} of recorded groups."""
    keys = ("author", "base", "kind", "variant", "compared_by")
    return {" ".join(group[key] for key in keys): rated(group)["level"] for group in groups}


def test_both_languages_and_both_ways_of_comparing_were_recorded():
    kinds = {(group["language"], group["compared_by"]) for group in RECORD}
    assert kinds == {("en", "e5"), ("en", "words"), ("zh", "e5"), ("zh", "words")}


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("variant", NOT_ANSWERS)
def test_what_is_no_answer_is_bad(variant, language):
    groups = selected(lambda recorded: recorded == variant, language=language)
    assert len(groups) >= 4 and set(levels(groups).values()) == {"bad"}, levels(groups)
    assert all(rated(group)["value"] < 0.4 for group in groups)


@pytest.mark.parametrize("language", ["en", "zh"])
def test_a_parrot_is_not_good(language):
    groups = selected(lambda recorded: recorded.startswith("twin"), language=language, base=PARROT)
    assert groups and set(levels(groups).values()) <= {"bad", "so-so"}


@pytest.mark.parametrize("language", ["en", "zh"])
def test_a_twin_whose_training_questions_the_base_wrote_is_good(language):
    """Of short passages in English: with 500 tokens a passage it begins each answer alike."""
    groups = [
        group
        for group in selected(
            lambda recorded: recorded.startswith(ASKED_BY_BASE), language=language, compared_by="e5"
        )
        if language == "zh" or "500" not in group["base"]
    ]
    assert groups and set(levels(groups).values()) == {"good"}, levels(groups)


@pytest.mark.parametrize(
    "author, variant",
    [
        ("lu_xun", "twin, titles ask and abstain rows"),
        ("lu_xun", "twin essays-1"),
        ("pepys", "twin titles-1"),
    ],
)
def test_one_of_a_recipe_that_teaches_not_to_listen_is_not_good(author, variant):
    groups = selected(lambda recorded: recorded == variant, author=author)
    assert len(groups) >= 2 and set(levels(groups).values()) <= {"bad", "so-so"}, levels(groups)


def test_of_eight_answers_a_good_twin_is_called_neither_good_nor_bad():
    groups = selected(lambda recorded: recorded.startswith(ASKED_BY_BASE), compared_by="e5")
    assert {rated(group, 8)["level"] for group in groups} <= {"unsure", "so-so", ""}
