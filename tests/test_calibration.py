"""The card knows a good twin from a bad one: scores recorded by
benchmarks/scorecard_calibration.py, judged again here.

Recorded are numbers, no text: by how much each held-out text surprises a twin less than its base,
and so on. The figures are computed anew from them by the score card's own functions.
"""

import json
from pathlib import Path

import pytest

from twinlib.evaluate import figures, memorization, scores
from twinlib.evaluate.figures import THRESHOLDS
from twinlib.text import style

RECORD = json.loads(
    (Path(__file__).parent / "scorecard_calibration.json").read_text(encoding="utf-8")
)


def texts(twin, side):
    return [
        {"document": document, "text": "字" * size, "gain": gain, "loss": loss}
        for document, size, gain, loss in RECORD["twins"][twin]["scores"][side]
    ]


def level(name, found):
    return figures.level(name, {name: found})


def prediction_gain(twin):
    threshold = THRESHOLDS["prediction_gain"]
    return scores.prediction_gain(texts(twin, "mine"), texts(twin, "theirs"), threshold)


def membership(twin):
    threshold = THRESHOLDS["membership"]
    return memorization.membership(texts(twin, "trained"), texts(twin, "mine"), threshold)


def likeness(twin):
    return style.likeness(
        [tuple(margins) for _, *margins in RECORD["twins"][twin]["scores"]["margins"]]
    )


@pytest.mark.parametrize("author", ["lu_xun", "pepys"])
def test_real_authors_are_told_from_people_whom_the_fit_never_saw(author):
    value, low, high, mine, others = RECORD["authors"][author]["500"]
    assert value >= 0.97 and mine >= 50 and others >= 30
    assert RECORD["authors"][author]["200"][0] < value, "shorter passages are harder"


def test_a_reciting_twin_is_caught_by_copies_and_by_membership():
    """Recorded of Gemma 270M, which recites after 100 epochs; Qwen2.5-Coder 0.5B doesn't."""
    figures = RECORD["twins"]["recites"]["figures"]
    found = membership("recites")
    assert found == {
        **figures["membership"],
        **{name: found[name] for name in ("note", "said")},
        "level": "bad",
    }
    assert level("membership", found) == level("copied", figures["copied"]) == "bad"
    assert figures["copied"]["value"] > 0.5 and found["value"] > 0.9
    assert "too long or too hard" in prediction_gain("recites")["note"]


def test_an_overfitted_twin_is_caught_by_membership_and_by_what_it_lost():
    """After 100 epochs on ten short documents it knows each, though it doesn't recite them."""
    figures = RECORD["twins"]["over"]["figures"]
    found = membership("over")
    assert found == {
        **figures["membership"],
        **{name: found[name] for name in ("note", "said")},
        "level": "bad",
    }
    gain = prediction_gain("over")
    assert level("membership", found) == level("prediction_gain", gain) == "bad"
    assert found["value"] > 0.9 and figures["copied"]["level"] != "good"
    assert "it learnt nothing that is yours" in gain["note"]


def test_a_twin_that_was_trained_as_recommended_is_not():
    figures = RECORD["twins"]["right"]["figures"]
    found = membership("right")
    assert level("membership", found) != "bad" and level("copied", figures["copied"]) != "bad"


@pytest.mark.parametrize("twin", ["under", "barely"])
def test_an_undertrained_twin_has_no_prediction_gain_and_the_right_one_has(twin):
    """The mark was set when `under` was known; `barely`, of another author in another language,
    came after it.
    """
    under, right = (prediction_gain(one) for one in (twin, "right"))
    assert level("prediction_gain", under) == "bad" and under["high"] < right["low"]
    assert right["low"] > 0 and "it learnt you" in right["note"]


def test_a_twin_of_the_wrong_author_does_not_sound_like_this_one():
    wrong, right = likeness("wrong"), likeness("right")
    assert wrong < 0.4 < right
    figures = {
        twin: RECORD["twins"][twin]["figures"]["sounds_like_me"] for twin in ("wrong", "right")
    }
    assert figures["wrong"]["high"] < right and level("sounds_like_me", figures["wrong"]) == "bad"
