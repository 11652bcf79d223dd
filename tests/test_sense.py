"""makes_sense: parrots, loops and answers in another language are seen, in both languages; what an
author writes passes, and what can't be compared is left out.
"""

import pytest

from twinlib.evaluate import held_out, sense
from twinlib.evaluate.figures import THRESHOLDS
from twinlib.text import style
from twinlib.text.variety import variety, words

# Typical of twins whose base was too small: each is fluent for three words at a time.
PARROTS = {
    "en": "It is good to be in a good way, and I have been in it for a long time. I had to take it to "
    "the other one, and she said that it was not for her. It is all about what you want to do with "
    "it. If you do not want it, then it will be no good for you at all. I know that I would have "
    "been there if he had not come to see me about the work that I do for them.",
    "zh": "台上：一个台阶，一个灯，一只台阶，一辆车，一台轮子，一条条，一条条，我没拧过。台上：一个台阶，一辆车，一台轮子，一条条，一条条，"
    "一天一条一条。台上是站的，半圈一条一条，台上要一条，台上要一台，一台台，一条条的台上，一个半圈。",
}
OTHER = {"en": "zh", "zh": "en"}
both_languages = pytest.mark.parametrize("language", ["en", "zh"])


def passages(language):
    """(training passages, held-out texts) by one of the invented people."""
    texts = list(held_out.voices(language).values())
    pieces = [piece for text in texts for piece in style.windows(text, 2 * sense.LENGTHS[language])]
    rows = [{"language": language, "text": piece} for piece in pieces]
    return rows[::2], pieces[1::2]


def answers(language, texts, prompt=""):
    return [
        {"document": n, "language": language, "prompt": prompt, "real": "", "text": text}
        for n, text in enumerate(texts)
    ]


def found(language, text, prompt=""):
    author = sense.Author(passages(language)[0])
    return sense.makes_sense(answers(language, [text], prompt)[0], author)


def rated(language, texts):
    train, unseen = passages(language)
    twin = [{**answer, "real": real} for answer, real in zip(answers(language, texts), 2 * unseen)]
    return sense.figures({"twin": twin, "base": twin[:1]}, train, THRESHOLDS["makes_sense"])


@pytest.mark.parametrize(
    "text, language, share",
    [
        ("The cat sat on the mat.", "en", 3 / 6),
        ("the cat, the CAT, the cat", "en", 1 / 6),
        ("It's not that I don't want it.", "en", 0.0),
        ("猫猫狗", "zh", 2 / 3),
        ("猫 cat 狗！", "zh", 1.0),
        ("", "zh", 0.0),
        ("42!", "zh", 0.0),
    ],
)
def test_variety_is_the_share_of_different_words_that_are_not_everywhere(text, language, share):
    assert variety(text, language) == pytest.approx(share)


def test_words_are_characters_in_chinese():
    assert words("猫来了, OK", "zh") == ["猫", "来", "了"]
    assert words("Don’t go, 42", "en") == ["don", "t", "go", "42"]


@both_languages
def test_a_parrot_makes_no_sense(language):
    assert found(language, PARROTS[language]) is False


@both_languages
def test_what_the_author_writes_does(language):
    unseen = passages(language)[1]
    verdicts = [found(language, text) for text in unseen]
    assert None not in verdicts and sum(verdicts) >= 0.85 * len(verdicts)


@both_languages
def test_loops_and_answers_in_another_language_make_none(language):
    text = passages(language)[1][0]
    assert found(language, text[:60] * 8) is False
    assert found(language, passages(OTHER[language])[1][0]) is False
    assert found(language, "") is False


@both_languages
def test_an_answer_that_is_short_is_not_judged(language):
    assert found(language, passages(language)[1][0][: sense.SHORTEST[language] - 20]) is None


@both_languages
def test_nothing_is_judged_beside_too_little_writing(language):
    train, unseen = passages(language)
    author = sense.Author(train[:3])
    assert author.rank(unseen[0], language) is None


@both_languages
def test_the_figure_is_bad_for_a_parrot_and_good_for_the_author(language):
    unseen = passages(language)[1]
    parrot, own = rated(language, [PARROTS[language]] * 24), rated(language, unseen)
    assert (parrot["twin"]["value"], parrot["twin"]["level"]) == (0.0, "bad")
    assert own["twin"]["level"] == "good" and own["author"]["value"] == own["twin"]["value"]
    assert "level" not in own["base"] or own["base"]["level"] == ""


@both_languages
def test_few_answers_are_not_called_good(language):
    few = rated(language, passages(language)[1][: sense.MIN_ANSWERS - 1])
    assert few["twin"]["level"] == "unsure"


def test_nothing_to_compare_is_said(language="en"):
    none = rated(language, ["No."] * 3)["twin"]
    assert none["value"] is None and "long enough" in none["note"]
