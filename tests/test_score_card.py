"""The score card: one verdict a figure in picture, note, table, card and terminal."""

import pytest

from twinlib import i18n
from twinlib.evaluate import step as evaluate
from twinlib.evaluate.figures import BY_NAME
from twinlib.files import write_records
from twinlib.text import labels
from twinlib.twin import Report, figure
from twinlib.ui import score_card, tables, tour


def finish(twin, figures, warnings=()):
    twin.finish(Report("evaluate", {}, 0, 0, {}, {}, {}, figures, list(warnings)))


def shown_level(axis, value):
    """The level that colour, shape and word of the large marker at `value` say."""
    [marker] = [line for line in axis.lines if line.get_markersize() == score_card._OWN]
    assert list(marker.get_xdata()) == [value]
    word = axis.get_title(loc="right")
    for level, (colour, shape, sign, _) in score_card._LEVELS.items():
        rated = i18n.choose(labels.rating({"level": level})) or "no mark to reach"
        said = f"{sign} {rated}"
        if (colour, shape, said) == (marker.get_color(), marker.get_marker(), word):
            return level
    raise AssertionError(f"colour, shape and word disagree: {marker}, {word}")


def drawn(figures):
    """The axes of the picture."""
    return score_card.plot([name for name in BY_NAME if name in figures], figures).axes


@pytest.mark.parametrize(
    "value, low, high, level",
    [
        (0.8, 0.75, 0.9, "good"),
        (0.8, 0.6, 0.9, "unsure"),
        (0.6, 0.4, 0.8, "so-so"),
        (0.3, 0.2, 0.4, "bad"),
    ],
)
def test_the_marker_has_the_colour_shape_and_word_of_the_verdict(value, low, high, level):
    axis = drawn({"sounds_like_me": figure(value, low, high, 40)})[0]
    assert shown_level(axis, value) == level
    assert axis.get_title(loc="left") == f"Sounds like the author: {value}"


def test_base_prompt_and_file_stand_on_the_twins_line():
    figures = {"nonsense": figure(0.1, 0, 0.2, 40)} | {
        f"nonsense.{row}": figure(value, 0, 1, 40)
        for row, value in (("base", 0.04), ("prompt", 0.4), ("twin-Q8_0", 0.15))
    }
    [axis] = drawn(figures)
    at = sorted(
        x for line in axis.lines if line.get_markerfacecolor() == "none" for x in line.get_xdata()
    )
    assert at == [0.04, 0.15, 0.4]
    green = axis.patches[0].get_extents().x1
    assert axis.transData.inverted().transform((green, 0))[0] == pytest.approx(0.06), (
        "the base's share and 2 points"
    )


@pytest.mark.parametrize("loss, said", [(0.001, True), (0.4, False)])
def test_where_the_file_says_what_the_twin_says_other_marks_are_called_chance(twin, loss, said):
    figures = {
        "makes_sense": {**figure(0.55, 0.2, 0.9, 11), "level": ""},
        "makes_sense.twin-Q8_0": {**figure(0.25, 0.1, 0.5, 16), "level": "bad"},
        "quantization_loss": {**figure(loss, loss, loss, 100), "level": "good" if said else "bad"},
    }
    finish(twin, figures)
    assert ("each wrote its answers by its own draw" in score_card.score_card(twin).text) == said
    del figures["makes_sense.twin-Q8_0"]
    finish(twin, figures)
    assert "by its own draw" not in score_card.score_card(twin).text


def test_what_was_not_measured_says_why_and_warnings_come_first(twin):
    finish(
        twin,
        {
            "sounds_like_me": figure(0.7, 0.6, 0.8, 40),
            "membership": figure(None, note="Not run: quick."),
        },
        ["The persona prompt alone beats the trained twin."],
    )
    page = score_card.score_card(twin)
    assert "\n! The persona prompt" in page.text and "<img" in page.html
    assert "Training texts recognised" in page.text and "Not run: quick." in page.text


def test_nothing_measured_is_no_picture(twin):
    assert score_card.score_card(twin).text.startswith("· Nothing to look at yet: notebook 05")
    finish(twin, {"membership": figure(None, note="Too few.")})
    assert "<img" not in score_card.score_card(twin).html


@pytest.mark.parametrize("level", score_card._LEVELS)
def test_the_level_that_the_report_keeps_decides_the_colour(level):
    """Whatever the numbers would say by themselves."""
    figures = {"prediction_gain": {**figure(0.1, 0.05, 0.2, 40), "level": level}}
    assert shown_level(drawn(figures)[0], 0.1) == level


def test_a_figure_without_a_mark_is_hollow_and_says_so_as_the_line_below_does():
    figures = {"makes_sense": {**figure(0.545, 0.3, 0.8, 11), "level": ""}}
    [axis] = drawn(figures)
    [marker] = [line for line in axis.lines if line.get_markersize() == score_card._OWN]
    assert axis.get_title(loc="right") == "– no mark to reach"
    assert marker.get_markerfacecolor() == "white"
    assert "○ too few answers to tell, or no mark to reach" in i18n.t("ui.score_card_picture")


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_verdict_is_the_first_sentence_on_the_page_and_in_the_terminal(
    twin, monkeypatch, language
):
    monkeypatch.setenv("TWINLIB_LANG", language)
    texts = {"en": "It answers the question.", "zh": "它答得上问题。"}
    figures = {
        "verdict": {**figure(None, note=texts["en"]), "level": "unsure", "texts": texts},
        "answers_the_question": {**figure(0.9, 0.8, 1.0, 24), "level": "good"},
        "answers_the_question.author": {**figure(0.95, 0.9, 1.0, 24), "level": ""},
    }
    finish(twin, figures, ["A warning."])
    assert score_card.score_card(twin).text.startswith(f"? {texts[language]}\n")
    assert tour.scores(twin).startswith(f"? {texts[language]}")
    assert "verdict" not in tables.figures(twin.report("evaluate")).text
    stars = [line for line in drawn(figures)[0].lines if line.get_marker() == "*"]
    assert 0.95 in [x for star in stars for x in star.get_xdata()]


@pytest.mark.parametrize("language, heading", [("en", "Read first"), ("zh", "请先读一读")])
def test_the_first_three_answers_come_whole_and_before_any_figure(
    sample_twin, monkeypatch, language, heading
):
    monkeypatch.setenv("TWINLIB_LANG", language)
    asked = evaluate.questions(sample_twin)
    long = "One washer, one nut. " * 40
    records = [
        {"id": f"{row} {n}", "question": question["question"], "row": row, "text": f"{row} {long}"}
        for n, question in enumerate(asked)
        for row in ("base", "twin")
    ]
    sample_twin.folder("evaluate")
    write_records(sample_twin.file("answers"), records)
    finish(sample_twin, {"sounds_like_me": figure(0.7, 0.6, 0.8, 40)})
    page = score_card.score_card(sample_twin)
    shown = [question["question"] in page.text for question in asked]
    assert shown == [n < 3 for n in range(len(asked))] and any(shown)
    assert page.text.count("twin One washer") == min(3, len(asked)) and "base One" not in page.text
    assert f"twin {long}".strip() in page.text
    assert tour.scores(sample_twin).index(heading) < tour.scores(sample_twin).index("0.7 ")
    assert page.html.index(heading) < page.html.index("One washer") < page.html.index("<img")
