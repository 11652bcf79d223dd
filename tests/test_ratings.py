"""Good, so-so, bad: against a mark, with an interval or without."""

import pytest

from twinlib.evaluate import figures, ratings
from twinlib.twin import figure


@pytest.mark.parametrize(
    "name, value, low, high, level, sure, why",
    [
        ("sounds_like_me", 0.8, 0.75, 0.9, "good", True, "all of it above the mark"),
        ("sounds_like_me", 0.8, 0.5, 1.0, "good", False, "it may be worse"),
        ("sounds_like_me", 0.6, 0.4, 0.75, "so-so", False, "it may be better"),
        ("sounds_like_me", 0.3, 0.1, 0.5, "bad", True, "surely below"),
        ("sounds_like_me", 0.6, None, None, "bad", False, "nothing says it may be better"),
        ("membership", 0.6, 0.5, 0.64, "good", True, "less is better"),
        ("membership", 0.9, 0.8, 1.0, "bad", True, ""),
        ("sounds_like_me.twin-Q8_0", 0.8, 0.75, 0.9, "good", True, "a file is the twin"),
        ("never_wrote.refused_wrongly", 0.3, 0.2, 0.4, "bad", True, "a mark of its own"),
        ("quantization_loss.Q4_K_M", 0.05, 0.04, 0.06, "bad", True, "every file has it"),
    ],
)
def test_a_figure_is_held_against_its_mark(name, value, low, high, level, sure, why):
    found, threshold = figure(value, low, high), figures.threshold(name)
    certain = ratings.is_certain(found, threshold)
    assert (ratings.level(found, threshold), certain) == (level, sure), why
    said = ratings.rating(found, threshold)["en"]
    assert said.lower().startswith(level) and ("few" in said) == (level == "good" and not sure)


def test_few_documents_are_never_plainly_good():
    surely = figure(0.9, 0.8, 1.0), figures.threshold("sounds_like_me")
    assert [ratings.rating(*surely, documents=count)["en"] for count in (4, 5)] == [
        "Good (at least 0.70), so far as so few can tell.",
        "Good (at least 0.70).",
    ]
    assert ratings.rating(*surely, documents=4)["zh"] == "好（标准：至少 0.70），但样本少，说不准。"


@pytest.mark.parametrize(
    "name",
    [
        "sounds_like_me.base",
        "nonsense.prompt",
        "own_facts",
        "own_facts.base",
        "forgetting.base",
        "fool_rate",
    ],
)
def test_what_is_no_twins_has_no_mark(name):
    assert figures.threshold(name) is None and ratings.level(figure(0.1), None) == ""


def test_nonsense_is_measured_against_the_bases_and_never_good_above_a_tenth():
    def level(found, base, name="nonsense"):
        return figures.level(name, {name: found, "nonsense.base": figure(base, base, base)})

    assert level(figure(0.06, 0.04, 0.1), 0.05) == "good"
    assert level(figure(0.06, 0.04, 0.1), 0.01, "nonsense.twin-Q8_0") == "bad"
    assert level(figure(0.51, 0.4, 0.6), 0.9) == "bad"


def test_nonsense_that_may_be_no_more_than_the_bases_is_so_so():
    few = {"nonsense": figure(0.17, 0.05, 0.45, 12), "nonsense.base": figure(0.0, 0.0, 0.24, 12)}
    many = {"nonsense": figure(0.17, 0.1, 0.27, 80), "nonsense.base": figure(0.0, 0.0, 0.05, 80)}
    half = {"nonsense": figure(0.5, 0.4, 0.6, 80), "nonsense.base": figure(0.7, 0.6, 0.8, 80)}
    assert [figures.level("nonsense", some) for some in (few, many, half)] == [
        "so-so",
        "bad",
        "bad",
    ]
    assert figures.level("copied", {"copied": figure(0.5, 0.4, 0.6)}) == "bad"


def test_what_was_not_measured_is_neither():
    assert ratings.level(ratings.not_run("quick"), figures.threshold("membership")) == ""
    assert "effort quick" in ratings.not_run("quick")["note"]
