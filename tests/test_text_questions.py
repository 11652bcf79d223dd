"""Questions without a model: as a reader would ask, in the passage's language, never from a date or 'Preface'."""

import re

import pytest

from twinlib.text.questions import bare, flipped, titles, topics, usable


def passage(title="", heading="", text="今天只讲茶。", place=0, terms=(), language="zh", name="1"):
    return {"id": name, "title": title, "heading": heading, "text": text, "place": place, "terms": list(terms),
            "language": language, "author": "宁半圈" if language == "zh" else "Ning"}


@pytest.mark.parametrize("title, question, language", [
    ("邻居吵架怎么办", "邻居吵架怎么办？", "zh"), ("坏伞值不值得修", "坏伞值不值得修？", "zh"), ("怎么找到我", "怎么找到你？", "zh"),
    ("怎么写（夜记之一）", "怎么写？", "zh"), ("娜拉走后怎样？", "娜拉走后怎样？", "zh"),
    ("Is coffee better than tea?", "Is coffee better than tea?", "en"),
    ("What makes a good neighbour", "What makes a good neighbour?", "en"),
    ("How to oil a chain", "How do you oil a chain?", "en"),
    ("What do I do on a day off?", "What do you do on a day off?", "en"),
    ("Why I won't fix scooters", "Tell me why you won't fix scooters.", "en"),
    ("What the trams taught me", "Tell me what the trams taught you.", "en")])
def test_a_title_that_asks_is_asked(title, question, language):
    assert titles(passage(title, language=language)) == [question]


@pytest.mark.parametrize("title, topic, language", [
    ("论雷峰塔的倒掉", "雷峰塔的倒掉", "zh"), ("略谈香港", "香港", "zh"), ("从胡须说到牙齿", "胡须和牙齿", "zh"), ("我的第一辆车", "你的第一辆车", "zh"),
    ("世另我", "世另我", "zh"), ("《小彼得》译本序", "「《小彼得》译本序」", "zh"), ("五十九“圣武”", "“圣武”", "zh"),
    ("从零手搓大模型｜🚀 Day10", "《从零手搓大模型》", "zh"),
    ("On patience", "patience", "en"), ("Rain on the bench", "rain on the bench", "en"),
    ("A History Of My Own Kitchen", "“A History", "en")])
def test_a_title_becomes_the_topic_of_varied_questions(title, topic, language):
    asked = {titles(passage(title, language=language, text="rain 茶", name=str(n)))[0] for n in range(30)}
    assert len(asked) > 3 and all(topic in question for question in asked)


@pytest.mark.parametrize("title", [
    "2019-03-14", "1663-01-11", "三十七", "第3章", "题记", "通信（并Ｙ来信）", "Part 2", "Introduction", "", "①", "2019年3月14日"])
def test_dates_numbers_and_prefaces_are_no_topics(title):
    assert not usable(title) and titles(passage(title)) == []


def test_what_a_passage_is_about_is_asked_when_the_title_says_nothing():
    question, = titles(passage("1663-01-11", terms=["the lute"], language="en"))
    assert "the lute" in question and "1663" not in question


def test_a_short_heading_is_asked_with_its_title_and_a_full_one_alone():
    assert titles(passage("怎么找到我", "写信", place=1)) == ["《怎么找到我》里说的“写信”，是怎么回事？"]
    assert titles(passage("大语言模型", "什么决定LLM的能力", place=1)) == ["什么决定LLM的能力？"]
    question, = titles(passage("The sea", "What is wrong with it", place=1, language="en"))
    assert question == "About “The sea”: what is wrong with it?"


def test_later_passages_are_not_asked_for_by_the_title_alone():
    assert titles(passage("茶要烫", place=1, terms=["缸子"]))[0].count("缸子") == 1


def test_an_english_passage_under_a_chinese_title_is_asked_in_english():
    question, = titles(passage("茶要烫", language="en", terms=["the mug"]))
    assert not re.search("[\u4e00-\u9fff]", question)


@pytest.mark.parametrize("title, reader", [
    ("我怎么看", "你怎么看"), ("我们怎样做父亲", "我们怎样做父亲"), ("世另我", "世另我"), ("my sister and I", "your sister and you"),
    ("Henry VIII and me", "Henry VIII and you")])
def test_the_authors_i_becomes_the_readers_you(title, reader):
    assert flipped(title) == reader


def test_bare_titles():
    assert [bare(t) for t in ("三、关于茶", "1. Tea", "茶要烫（旧文重发）", "再论雷峰塔的倒掉①")] == ["关于茶", "Tea", "茶要烫", "再论雷峰塔的倒掉"]


def test_topics_are_frequent_here_and_rare_elsewhere():
    here = passage(text="垫圈睡了。我叫垫圈，垫圈不理。“三号码头”下雨，街坊走了。", name="1")
    others = [passage(text=f"街坊来了，街坊走了，{n}。", name=f"o{n}") for n in range(8)]
    assert topics([here, *others])["1"] == ["垫圈", "“三号码头”"]


def test_a_piece_of_a_word_is_no_topic():
    text = "人工智能来了。都说人工智能好，我看人工智能也就那样。"
    assert not {"工智", "工智能"} & set(topics([passage(text=text, name="1"), passage(name="2")])["1"])


def test_english_topics_are_names_and_things():
    text = "So I gave Auntie Weng the paper cup, and the paper cup leaked on my bench, and Auntie Weng laughed."
    other = passage(text="It rains.", language="en", name="2")
    found = topics([passage(text=text, language="en", name="1"), other], most=3)["1"]
    assert set(found) == {"Auntie Weng", "the paper cup", "your bench"}
