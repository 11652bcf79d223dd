"""The score card's picture: colours by rating, other variants on the same line."""

import pytest

from twinlib.evaluate.figures import BY_NAME
from twinlib.twin import Report, figure
from twinlib.ui import score_card


def finish(twin, figures, warnings=()):
    twin.finish(Report("evaluate", {}, 0, 0, {}, {}, {}, figures, list(warnings)))


def drawn(figures):
    """The axes of the picture."""
    return score_card.plot([name for name in BY_NAME if name in figures], figures).axes


@pytest.mark.parametrize(
    "value, low, high, colour",
    [
        (0.8, 0.75, 0.9, score_card.GREEN),
        (0.6, 0.4, 0.8, score_card.AMBER),
        (0.3, 0.2, 0.4, score_card.RED),
    ],
)
def test_the_dot_has_the_colour_of_the_verdict(value, low, high, colour):
    axis = drawn({"sounds_like_me": figure(value, low, high, 40)})[0]
    dots = [line for line in axis.lines if line.get_marker() == "o"]
    assert [dot.get_color() for dot in dots] == [colour] and list(dots[0].get_xdata()) == [value]


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
    assert page.text.startswith("! The persona prompt") and "<img" in page.html
    assert "Training texts recognised" in page.text and "Not run: quick." in page.text


def test_nothing_measured_is_no_picture(twin):
    assert score_card.score_card(twin).html == ""
    finish(twin, {"membership": figure(None, note="Too few.")})
    assert "<img" not in score_card.score_card(twin).html
