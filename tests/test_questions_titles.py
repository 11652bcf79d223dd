"""Questions without a model: natural, in the passage's language, not from dates or 'Preface'."""

import re
from dataclasses import replace

import pytest

from twinlib.corpus.questions.titles import bare, in_second_person, titles, usable
from twinlib.corpus.records import Passage


def passage(title="", heading="", text="今天只讲茶。", index=0, terms=(), language="zh", name="1"):
    author = "宁半圈" if language == "zh" else "Ning"
    return Passage(
        name,
        "d",
        text,
        10,
        title=title,
        heading=heading,
        index=index,
        terms=list(terms),
        language=language,
        author=author,
    )


@pytest.mark.parametrize(
    "title, question, language",
    [
        ("邻居吵架怎么办", "邻居吵架怎么办？", "zh"),
        ("坏伞值不值得修", "坏伞值不值得修？", "zh"),
        ("怎么找到我", "怎么找到你？", "zh"),
        ("怎么写（夜记之一）", "怎么写？", "zh"),
        ("娜拉走后怎样？", "娜拉走后怎样？", "zh"),
        ("Is coffee better than tea?", "Is coffee better than tea?", "en"),
        ("What makes a good neighbour", "What makes a good neighbour?", "en"),
        ("How to oil a chain", "How do you oil a chain?", "en"),
        ("What do I do on a day off?", "What do you do on a day off?", "en"),
        ("Why I won't fix scooters", "Tell me why you won't fix scooters.", "en"),
        ("What the trams taught me", "Tell me what the trams taught you.", "en"),
    ],
)
def test_a_title_that_asks_is_asked(title, question, language):
    assert titles(passage(title, language=language)) == [question]


@pytest.mark.parametrize(
    "title, topic, language",
    [
        ("论雷峰塔的倒掉", "雷峰塔的倒掉", "zh"),
        ("略谈香港", "香港", "zh"),
        ("论照相之类", "照相", "zh"),
        ("从胡须说到牙齿", "胡须和牙齿", "zh"),
        ("我的第一辆车", "你的第一辆车", "zh"),
        ("世另我", "世另我", "zh"),
        ("《小彼得》译本序", "「《小彼得》译本序」", "zh"),
        ("五十九“圣武”", "“圣武”", "zh"),
        ("从零手搓大模型｜🚀 Day10", "《从零手搓大模型》", "zh"),
        ("On patience", "patience", "en"),
        ("Rain on the bench", "rain on the bench", "en"),
        ("A History Of My Own Kitchen", "“A History", "en"),
    ],
)
def test_a_title_becomes_the_topic_of_varied_questions(title, topic, language):
    asked = {
        titles(passage(title, language=language, text="rain 茶", name=str(n)))[0] for n in range(30)
    }
    assert len(asked) > 3 and all(topic in question for question in asked)


@pytest.mark.parametrize(
    "title",
    [
        "2019-03-14",
        "1663-01-11",
        "三十七",
        "第3章",
        "题记",
        "通信（并Ｙ来信）",
        "Part 2",
        "Introduction",
        "",
        "①",
        "2019年3月14日",
        "话说回来……",
        "On the other hand,",
    ],
)
def test_dates_numbers_connectives_and_prefaces_are_no_topics(title):
    assert not usable(title) and titles(passage(title)) == []


def test_what_a_passage_is_about_is_asked_when_the_title_says_nothing():
    (question,) = titles(passage("1663-01-11", terms=["the lute"], language="en"))
    assert "the lute" in question and "1663" not in question


def test_a_short_heading_is_asked_with_its_title_and_a_full_one_alone():
    assert titles(passage("怎么找到我", "码头", index=1)) == [
        "《怎么找到我》里说的“码头”，是怎么回事？"
    ]
    assert titles(passage("大语言模型", "什么决定LLM的能力", index=1)) == ["什么决定LLM的能力？"]
    (question,) = titles(passage("The sea", "What is wrong with it", index=1, language="en"))
    assert question == "About “The sea”: what is wrong with it?"


def test_what_a_reader_asked_is_asked_word_for_word():
    asked = replace(passage("茶要烫", terms=["缸子"]), question="老板，茶凉了咋办")
    assert titles(asked) == ["老板，茶凉了咋办"]


@pytest.mark.parametrize(
    "heading, language",
    [
        ("写信", "zh"),
        ("先听", "zh"),
        ("再说多久", "zh"),
        ("使用方法", "zh"),
        ("第一步", "zh"),
        ("Instructions", "en"),
        ("Open the app", "en"),
        ("Don't panic", "en"),
        ("Ingredients", "en"),
        ("So, is it?", "en"),
    ],
)
def test_nobody_asks_about_an_instruction_or_a_section_that_every_page_has(heading, language):
    title = "怎么找到我" if language == "zh" else "The sea"
    asked = titles(passage(title, heading, index=1, language=language))
    assert (
        len(asked) == 1
        and heading not in asked[0]
        and bare(heading).lower() not in asked[0].lower()
    )


@pytest.mark.parametrize("heading", ["茶具", "出圈点", "茶为什么要烫"])
def test_a_heading_that_names_something_is_asked_about(heading):
    assert heading in titles(passage("怎么找到我", heading, index=1))[0]


def test_later_passages_are_not_asked_for_by_the_title_alone():
    assert titles(passage("茶要烫", index=1, terms=["缸子"]))[0].count("缸子") == 1


def test_an_english_passage_under_a_chinese_title_is_asked_in_english():
    (question,) = titles(passage("茶要烫", language="en", terms=["the mug"]))
    assert not re.search("[\u4e00-\u9fff]", question)


@pytest.mark.parametrize(
    "title, reader",
    [
        ("我怎么看", "你怎么看"),
        ("我们怎样做父亲", "我们怎样做父亲"),
        ("世另我", "世另我"),
        ("my sister and I", "your sister and you"),
        ("Henry VIII and me", "Henry VIII and you"),
    ],
)
def test_the_authors_i_becomes_the_readers_you(title, reader):
    assert in_second_person(title) == reader


def test_bare_titles():
    assert [
        bare(t)
        for t in (
            "三、关于茶",
            "1. Tea",
            "茶要烫（旧文重发）",
            "再论雷峰塔的倒掉①",
            "六十四有无相通",
            "二十四孝图",
        )
    ] == ["关于茶", "Tea", "茶要烫", "再论雷峰塔的倒掉", "有无相通", "二十四孝图"]


def test_a_title_that_begins_with_a_preposition_is_quoted_whole():
    letter = Passage("1", "d", "The harvest is in.", 10, title="to my father", language="en")
    [question] = titles(letter)
    assert "“to my father”" in question and "to your father" not in question
