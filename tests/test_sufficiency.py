"""When training will not help, said with the corpus's own numbers, and what to do instead."""

import re

import pytest

from twinlib.text.sufficiency import answers_needed, assess


def test_ten_passages_are_too_few_and_the_sentence_says_how_many_are_missing():
    found = assess(10, 4030, 5, {"post": 10})
    assert found.level == "warning"
    assert found.sentence == (
        "You have 10 passages to learn from, about 3,100 words: training will not help yet. "
        "30 more passages are needed: 38 interview answers of 150 words would do."
    )
    assert [re.search("interview|Add more|persona prompt", a)[0] for a in found.actions] == [
        "interview",
        "Add more",
        "persona prompt",
    ]


def test_the_same_in_chinese_counts_characters(monkeypatch):
    monkeypatch.setenv("TWINLIB_LANG", "zh")
    found = assess(10, 4030, 5, {"post": 10})
    assert found.sentence == (
        "可学的有 10 段，约 5800 字：训练还帮不上忙。"
        "大约还差 30 段：再答 38 道访谈题、每题 250 字就够。"
    )
    assert ["访谈" in found.actions[0], "提示词" in found.actions[2]] == [True, True]


@pytest.mark.parametrize(
    "passages, level, says",
    [
        (
            0,
            "stop",
            "There is nothing to learn from yet. 40 passages are needed: 50 interview answers",
        ),
        (
            1,
            "stop",
            "You have 1 passage to learn from, about 77 words: training has nothing to hold on to. "
            "39 more",
        ),
        (7, "stop", "nothing to hold on to"),
        (8, "warning", "will not help yet"),
        (39, "warning", "1 more passage is needed"),
        (40, "good", "something of your voice, but little of it"),
        (299, "good", "but little of it"),
        (300, "good", "about 23,000 words: enough to learn your voice from"),
    ],
)
def test_the_level_follows_the_number_of_passages(passages, level, says):
    found = assess(passages, passages * 100, passages, {"post": passages})
    assert found.level == level and says in found.sentence


def test_much_text_is_plenty_and_needs_nothing():
    found = assess(500, 200_000, 300, {"post": 500})
    assert (found.level, found.actions) == ("good", ())
    assert found.sentence == (
        "You have 500 passages to learn from, about 150,000 words: plenty to learn your voice from."
    )
    assert "plenty" not in assess(500, 199_999, 300, {"post": 500}).sentence


@pytest.mark.parametrize(
    "documents, says", [(1, "All of it is one document"), (2, "All of it is 2 documents")]
)
def test_too_few_documents_to_hold_one_out_is_a_warning_however_much_there_is(documents, says):
    found = assess(300, 150_000, documents, {"book": 300})
    assert (
        found.level == "warning"
        and says in found.sentence
        and "no figure will tell" in found.sentence
    )
    assert assess(300, 150_000, 3, {"book": 300}).level == "good"


def test_nothing_but_chat_is_a_warning():
    found = assess(300, 150_000, 20, {"chat": 290, "post": 10})
    assert found.level == "warning" and "will learn to chat, not to explain" in found.sentence
    assert "interview" in found.actions[0]
    assert assess(300, 150_000, 20, {"chat": 200, "post": 100}).level == "good"
    assert assess(300, 150_000, 20, {}).level == "good", "kinds that nobody counted say nothing"


def test_what_nobody_can_do_is_not_offered():
    assert not any("persona prompt" in action for action in assess(0, 0, 0, {}).actions), (
        "it quotes what was written"
    )
    assert not any(
        "persona prompt" in action for action in assess(50, 20_000, 9, {"post": 50}).actions
    )


def test_the_answers_promised_are_enough_after_a_fifth_is_held_out():
    for passages in range(41):
        needed = answers_needed(passages)
        assert passages + 0.8 * needed >= 40
        assert needed == 0 or passages + 0.8 * (needed - 1) < 40


def test_both_languages_say_it_once_each(monkeypatch):
    monkeypatch.setenv("TWINLIB_LANG", "both")
    found = assess(300, 150_000, 1, {"chat": 300})
    assert found.sentence.count(" · ") == 1
    assert all(action.count(" · ") == 1 for action in found.actions)
