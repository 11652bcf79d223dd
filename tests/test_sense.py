"""makes_sense: parrots, loops and answers in another language are seen, in both languages; what an
author writes passes, and what can't be compared is left out.
"""

import json
from pathlib import Path

import pytest

from twinlib.evaluate import held_out, sense
from twinlib.text import style
from twinlib.text.variety import variety, words

# Typical of twins whose base was too small: each is fluent for three words at a time.
PARROTS = {
    "en": "It is good to be in a good way, and I have been in it for a long time. I had to take it "
    "to the other one, and she said that it was not for her. It is all about what you want to do "
    "with it. If you do not want it, then it will be no good for you at all. I know that I would "
    "have been there if he had not come to see me about the work that I do for them.",
    "zh": "台上：一个台阶，一个灯，一只台阶，一辆车，一台轮子，一条条，一条条，"
    "我没拧过。台上：一个台阶，一辆车，一台轮子，一条条，一条条，"
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
    return sense.figures({"twin": twin, "base": twin[:1]}, train)


@pytest.mark.parametrize(
    "text, language, share",
    [
        ("The cat sat on the mat.", "en", (3 + 3) / 12),
        ("the cat, the CAT, the cat", "en", (3 + 1) / 12),
        ("It's not that I don't want it.", "en", 0.0),
        ("猫猫狗", "zh", (3 + 2) / 6),
        ("猫 cat 狗！", "zh", 1.0),
        ("我的猫", "zh", (1 + 1) / 6),
        ("", "zh", 0.0),
        ("!", "en", 0.0),
    ],
)
def test_variety_leaves_out_common_words_and_halves_repeated_ones(text, language, share):
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
    assert None not in verdicts and sum(verdicts) >= 0.8 * len(verdicts)


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
def test_the_figure_is_bad_for_a_parrot_and_never_good(language):
    unseen = passages(language)[1]
    parrot, own = rated(language, [PARROTS[language]] * 24), rated(language, unseen)
    assert (parrot["twin"]["value"], parrot["twin"]["level"]) == (0.0, "bad")
    assert own["twin"]["value"] > 0.8 and own["twin"]["level"] == "", "no proof of sense"
    assert own["author"]["value"] == own["twin"]["value"] and own["base"]["level"] == ""


@both_languages
def test_what_a_few_answers_leave_open_is_so_so(language):
    unseen = passages(language)[1]
    few = rated(language, [PARROTS[language]] * 3 + unseen[:2])
    assert few["twin"]["value"] == 0.4 and few["twin"]["level"] == "so-so"


def test_nothing_to_compare_is_said(language="en"):
    none = rated(language, ["No."] * 3)["twin"]
    assert none["value"] is None and "long enough" in none["note"]


# Recorded by benchmarks/sense_calibration.py: what was found of each answer, no text

RECORD = json.loads((Path(__file__).parent / "sense_calibration.json").read_text(encoding="utf-8"))


def levels(language, *parts):
    """The (value, level) of each recorded group whose variant has all these parts."""
    found = []
    for group in RECORD:
        if group["language"] == language and all(part in group["variant"] for part in parts):
            pair = (group["sense"], group["documents"])
            twin = sense.rated_shares({"twin": pair, "author": pair})["twin"]
            found.append((twin["value"], twin["level"]))
    return found


@both_languages
def test_todays_parrot_is_caught(language):
    found = levels(language, "twin", "gemma-3-270m")
    assert len(found) == 3 and all(level == "bad" for _, level in found)


@both_languages
def test_no_twin_of_a_larger_base_and_no_base_is_taken_for_one(language):
    found = (
        levels(language, "twin", "1.5b") + levels(language, "base, ") + levels(language, "prompt, ")
    )
    assert len(found) > 8 and all(level != "bad" for _, level in found)


@both_languages
def test_authors_stand_above_all_parrots(language):
    worst = min(value for value, _ in levels(language, "author"))
    assert worst >= 0.85 > 0.3 > max(value for value, _ in levels(language, "twin", "gemma"))
