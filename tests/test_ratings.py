"""Good, so-so, bad: against a mark, with an interval or without."""

import pytest

from twinlib.evaluate import figures, ratings
from twinlib.text import labels
from twinlib.twin import figure


@pytest.mark.parametrize(
    "name, value, low, high, level, why",
    [
        ("sounds_like_me", 0.8, 0.75, 0.9, "good", "all of it above the mark"),
        ("sounds_like_me", 0.8, 0.5, 1.0, "unsure", "it may be worse"),
        ("sounds_like_me", 0.8, None, None, "unsure", "nothing says how much worse"),
        ("sounds_like_me", 0.6, 0.4, 0.75, "so-so", "it may be better"),
        ("sounds_like_me", 0.3, 0.1, 0.5, "bad", "surely below"),
        ("sounds_like_me", 0.6, None, None, "bad", "nothing says it may be better"),
        ("membership", 0.6, 0.5, 0.64, "good", "less is better"),
        ("membership", 0.6, 0.5, 0.7, "unsure", "more may be true"),
        ("membership", 0.9, 0.8, 1.0, "bad", ""),
        ("sounds_like_me.twin-Q8_0", 0.8, 0.75, 0.9, "good", "a file is the twin"),
        ("never_wrote.refused_wrongly", 0.3, 0.2, 0.4, "bad", "a mark of its own"),
        ("quantization_loss.Q4_K_M", 0.05, 0.04, 0.06, "bad", "every file has it"),
    ],
)
@pytest.mark.parametrize("language", ["en", "zh"])
def test_a_figures_note_begins_with_its_level(
    monkeypatch, language, name, value, low, high, level, why
):
    monkeypatch.setenv("TWINLIB_LANG", language)
    found = ratings.rated(figure(value, low, high), figures.threshold(name), ratings.EMPTY)
    assert found["level"] == level, why
    begins = {
        "en": {"good": "Good (", "unsure": "Not enough", "so-so": "So-so", "bad": "Bad"},
        "zh": {"good": "好（", "unsure": "样本不够", "so-so": "一般", "bad": "不好"},
    }
    assert found["note"].startswith(begins[language][level])


def test_few_documents_are_never_good():
    surely = figure(0.9, 0.8, 1.0), figures.threshold("sounds_like_me")
    found = [ratings.rated(*surely, ratings.EMPTY, documents=count)["level"] for count in (4, 5)]
    assert found == ["unsure", "good"]


def test_a_bound_follows_the_authors_own_passages_where_they_do_well():
    def bound(author):
        known = {} if author is None else {"answers_the_question.author": figure(author)}
        return figures.bound("answers_the_question.twin-Q8_0", known).bound

    assert [bound(author) for author in (0.9, 0.6, None)] == pytest.approx([0.81, 0.7, 0.7])


@pytest.mark.parametrize("name", sorted(filter(figures.threshold, figures.BY_NAME)))
@pytest.mark.parametrize("value", [0.0, 0.5, 1.0])
def test_no_figure_is_good_on_an_interval_that_goes_from_best_to_worst(name, value):
    found, threshold = figure(value, 0.0, 1.0, 3), figures.threshold(name)
    assert ratings.level(found, threshold, figure(1.0)) != "good"


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
    assert level(figure(0.06, 0.04, 0.2), 0.05) == "unsure"
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


# The verdict


def verdict(answers, sense=None):
    """(level, the beginning of the first sentence, the same in Chinese)."""
    rated = {"answers_the_question": {**figure(0.9, n=24), "level": answers}}
    if sense is not None:
        rated["makes_sense"] = {**figure(0.9, n=24), "level": sense}
    found = figures.verdict(rated)
    texts = labels.note(found)
    return found["level"], texts["en"].split(":")[0], texts["zh"].split("：")[0]


@pytest.mark.parametrize(
    "answers, sense, level, english, chinese",
    [
        (
            "good",
            "bad",
            "bad",
            "It answers what it is asked, but it rambles",
            "它答得上问题，但话说不通",
        ),
        ("bad", "good", "bad", "It doesn't answer what it is asked", "它答非所问"),
        ("bad", "bad", "bad", "It doesn't answer what it is asked", "它答非所问"),
        ("unsure", "good", "unsure", "24 questions are too few", "只问了 24 个问题"),
        ("good", "unsure", "unsure", "24 questions are too few", "只问了 24 个问题"),
        ("so-so", "good", "unsure", "24 questions are too few", "只问了 24 个问题"),
        ("unsure", "bad", "bad", "It rambles", "它的话说不通"),
        ("good", None, "unsure", "It answers what it is asked. Whether", "它答得上问题。话通不通"),
        ("good", "", "unsure", "It answers what it is asked. Whether", "它答得上问题。话通不通"),
        ("", None, "unsure", "24 questions are too few", "只问了 24 个问题"),
    ],
)
def test_the_verdict_says_whether_it_answers_and_makes_sense(
    answers, sense, level, english, chinese
):
    found = verdict(answers, sense)
    assert found[0] == level and found[1].startswith(english) and found[2].startswith(chinese)


@pytest.mark.parametrize(
    "of_file, level, english",
    [
        ("good", "unsure", "It answers what it is asked. Whether"),
        ("", "unsure", "It answers what it is asked. Whether"),
        ("so-so", "unsure", "24 questions are too few"),
        ("bad", "bad", "It doesn't answer what it is asked"),
    ],
)
def test_a_file_that_is_worse_than_the_twin_counts(of_file, level, english):
    rated = {
        "answers_the_question": {**figure(0.9, n=24), "level": "good"},
        "answers_the_question.twin-Q8_0": {**figure(0.5, n=24), "level": of_file},
    }
    found = figures.verdict(rated)
    assert found["level"] == level and labels.note(found)["en"].startswith(english)


def test_every_pair_of_levels_has_a_verdict():
    levels = ("good", "unsure", "so-so", "bad", "")
    found = {verdict(one, other)[0] for one in levels for other in levels}
    assert found == {"unsure", "so-so", "bad"}, "none proves that it makes sense"


def test_a_report_of_an_older_version_is_rated_by_its_numbers():
    found = {"sounds_like_me": figure(0.8, 0.75, 0.9, 40)}
    assert figures.level("sounds_like_me", found) == "good"
    found["sounds_like_me"]["level"] = "so-so"
    assert figures.level("sounds_like_me", found) == "so-so"


def test_the_card_says_how_many_answered_where_too_few_did_to_compare_them():
    found = figures.verdict(
        {"answers_the_question": figure(None, n=0), "nonsense": figure(0.0, n=6, level="unsure")}
    )
    assert "6 questions are too few" in found["note"]
