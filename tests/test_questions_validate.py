"""Replies of a model: which questions are accepted and why others are not."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from question_passages import json_of, passage

from twinlib.corpus.questions import validate
from twinlib.corpus.questions.found import Finder
from twinlib.i18n import data


def read(reply, asked):
    """The Reply, checked against a corpus of four other passages."""
    others = [passage(asked.language, str(n), text=f"{n} 号电车 tram {n}") for n in range(2, 6)]
    return validate.read_reply(reply, asked, Finder([asked, *others]).found)


@pytest.mark.parametrize(
    "reply, questions, why",
    [
        (json_of("Who mended the kettle?"), ["Who mended the kettle?"], "as asked for"),
        (
            json_of("1. Who mended the kettle?", "Q2: Why keep the kettle?"),
            ["Who mended the kettle?", "Why keep the kettle?"],
            "numbered",
        ),
        (
            json_of("“Who mended the kettle?”", "who mended the KETTLE?"),
            ["Who mended the kettle?"],
            "quoted, and twice",
        ),
        (
            "```json\n" + json_of("Who mended the kettle?") + "\n```",
            ["Who mended the kettle?"],
            "in a fence",
        ),
        (
            "Sure! " + json_of("Who mended the kettle?") + " Anything else?",
            ["Who mended the kettle?"],
            "between words",
        ),
        ('["Who mended the kettle?"]', ["Who mended the kettle?"], "the list alone"),
        (
            '{"questions": [{"question": "Who mended the kettle?"}]}',
            ["Who mended the kettle?"],
            "objects",
        ),
        (json_of("Tell me about the kettle"), ["Tell me about the kettle."], "no mark at the end"),
        (
            json_of("Who\ud800 mended\u200b the kettle?"),
            ["Who mended the kettle?"],
            "half a character, an invisible one",
        ),
        (
            json_of("What is your name?", "Who mended the kettle?"),
            ["Who mended the kettle?"],
            "the good one of two",
        ),
        (
            json_of("Who mended the old kettle?", "Who mended the kettle?"),
            ["Who mended the old kettle?"],
            "nearly twice",
        ),
        (
            json_of("Who mended the kettle?", "Why tea?", "How old is the kettle?"),
            ["Who mended the kettle?", "Why tea?"],
            "two",
        ),
    ],
)
def test_good_questions_are_kept(reply, questions, why):
    assert read(reply, passage()) == (questions, ""), why


@pytest.mark.parametrize(
    "reply, reason",
    [
        ('{"questions": ["Who mended', "json"),
        ("I can't do that.", "json"),
        ("[" * 100_000, "json"),
        ("", "empty"),
        (None, "empty"),
        ('{"answer": "tea"}', "shape"),
        ("[1, 2]", "shape"),
        ('{"questions": {"a": 1}}', "shape"),
        ('{"questions": []}', "empty"),
        (json_of("?"), "empty"),
        (json_of("The kettle was old."), "empty"),
        (json_of("Why?" + "?" * 90), "length"),
        (json_of("Who mended the kettle and the?"), "cut"),
        (json_of("谁修好了水壶？"), "language"),
        (json_of("Кто починил чайник?"), "language"),
        (json_of("Did your neighbour soldered the old kettle for a cup?"), "copied"),
        (json_of("What does the author say of the kettle?"), "about"),
        (json_of("Why is a kettle in the text?"), "about"),
        (json_of("Is the kettle old, is the kettle old, is the kettle old?"), "loop"),
        (json_of("Can you provide more details of the kettle?"), "about"),
        (json_of("Did my neighbour mend it?"), "person"),
        (json_of("Did the neighbour mend it for you?"), "unclear"),
        (json_of("What is your favourite colour?"), "subject"),
        (json_of("What is the best thing?"), "subject"),
    ],
)
def test_other_replies_have_a_reason(reply, reason):
    assert read(reply, passage()) == ([], reason) and reason in data("question_failures")


@pytest.mark.parametrize(
    "question, reason",
    [
        ("谁把水壶焊好的？", ""),
        ("说说那把旧水壶吧。", ""),
        ("1、为什么不换新水壶？", ""),
        ("Why keep the kettle?", "language"),
        ("文中的水壶是谁焊好的？", "about"),
        ("作者为什么不换水壶？", "about"),
        ("你最喜欢什么颜色？", "subject"),
        ("邻居是怎么修它的？", "unclear"),
        ("“水壶”是谁的？", ""),
        ("你怎么看“水壶不换？", "cut"),
        ("你为什么说“如今给我换个新的，我也不换”？", ""),
        ("邻居还帮过其他人修水壶吗？", ""),
        ("水壶旧，水壶旧，水壶旧，水壶旧？", "loop"),
        ("邻居替我把旧水壶焊好了，只收一杯茶？", "copied"),
        ("水壶は誰が直したの？", "language"),
        ("水壶？", "length"),
        ("水壶是邻居焊的，", "cut"),
    ],
)
def test_chinese_replies(question, reason):
    found = read(json_of(question), passage("zh"))
    assert found.reason == reason and bool(found.questions) == (not reason)


@pytest.mark.parametrize(
    "question, reason",
    [
        ("你觉得这个水壶是邻居的吗？", "unclear"),
        ("你还记得那个水壶？", "unclear"),
        ("你觉得水壶这件东西旧吗？", ""),
        ("你还记得那个“水壶”吗？", ""),
        ("你还记得那把旧水壶吗？", ""),
        ("你为什么说水壶是旧？", "cut"),
        ("你为什么说水壶是父母的板？", "claim"),
        ("你觉得水壶是天气最好的东西吗？", "claim"),
        ("你为什么说水壶是邻居焊好的？", ""),
        ("你觉得水壶是谁焊好的？", ""),
        ("你觉得水壶是不是邻居焊好的？", ""),
    ],
)
def test_a_claim_stands_in_the_passage_and_this_and_that_are_named(question, reason):
    """A small model fills in what begins with “你为什么说” or “你觉得” with what it finds."""
    assert read(json_of(question), passage("zh")).reason == reason


@pytest.mark.parametrize(
    "question, reason",
    [
        ("Why do you say that the kettle is sunny weather?", "claim"),
        ("Do you think the kettle was soldered by your neighbour?", ""),
    ],
)
def test_a_claim_in_english_stands_in_the_passage(question, reason):
    assert read(json_of(question), passage()).reason == reason


SISTER = "我的妹妹住得远。她每年寄一张明信片，张张都是电车。我回了她两封信，也寄过一把扳手。"
CARL = "Carl mended kettles. He walked to Rome with a kettle, and I walked home. He sold it there."


@pytest.mark.parametrize(
    "question, language, text, reason",
    [
        ("说说你寄来的明信片。", "zh", SISTER.replace("也寄过", "也送过"), "claim"),
        ("说说你寄来的明信片。", "zh", SISTER, ""),
        ("说说你收到的明信片。", "zh", SISTER, ""),
        ("说说你妹妹寄来的明信片。", "zh", SISTER.replace("也寄过", "也送过"), ""),
        ("Why did you walk with a kettle?", "en", CARL, ""),
        ("Why did you walk with a kettle?", "en", CARL.replace(", and I walked home", ""), "claim"),
        ("Where is the kettle that you walked to Rome with?", "en", CARL, ""),
        ("Who walked to Rome with a kettle?", "en", CARL, ""),
    ],
)
def test_what_others_did_is_not_asked_of_the_author(question, language, text, reason):
    asked = passage(language, text=text)
    assert validate.read_reply(json_of(question), asked).reason == reason


@pytest.mark.parametrize(
    "question, reason",
    [
        ("Did the kettle come from the US?", ""),
        ("Was the kettle soldered by IT people?", ""),
        ("Did the kettle come from us?", "person"),
        ("Did We drink from the kettle?", "person"),
        ("Should I drink from the old kettle?", ""),
        ("Is It an old kettle?", "unclear"),
    ],
)
def test_a_country_or_a_department_in_capitals_is_no_pronoun(question, reason):
    assert read(json_of(question), passage()).reason == reason


def test_nobody_asks_the_author_about_the_author_by_name():
    def reason(question, author, language="en"):
        return read(json_of(question), passage(language, author=author)).reason

    assert reason("What did Ning do with the kettle?", "Old Ning") == "about"
    assert reason("宁半圈为什么不换水壶？", "宁半圈", "zh") == "about"
    assert reason("Why did you keep the kettle at Ningbo?", "Old Ning") == ""
    assert reason("你为什么不换水壶？", "宁半圈", "zh") == ""


@given(
    st.one_of(
        st.text(),
        st.binary().map(repr),
        st.recursive(
            st.none() | st.booleans() | st.floats() | st.text(),
            lambda inner: (
                st.lists(inner)
                | st.dictionaries(st.sampled_from(["questions", "question", "a"]), inner)
            ),
        ).map(json.dumps),
    ),
    st.sampled_from(["en", "zh"]),
)
@settings(deadline=None, max_examples=150)
def test_no_reply_raises_and_what_is_kept_can_be_kept_again(reply, language):
    found = validate.read_reply(reply, passage(language))
    assert bool(found.questions) == (not found.reason) and len(found.questions) <= validate.MOST
    assert (
        validate.read_reply(json_of(*found.questions), passage(language)).questions
        == found.questions
    )
    json.dumps(found.questions, ensure_ascii=False).encode()


def test_long_passages_are_cut_for_the_prompt_at_a_sentence_and_the_start_is_the_same_for_all():
    text = "The kettle leaked again. " * 200
    first, second = (
        validate.messages(passage(title=title, text=text), 100) for title in ("Tea", "Milk")
    )
    assert first[0] == second[0] and first[1]["content"].startswith("Tea\n\nThe kettle")
    assert first[1]["content"].endswith("again.") and 350 < len(first[1]["content"]) < 500
    assert len(validate.beginning("水" * 5000, 100)) == pytest.approx(143, abs=2)
