"""Asked who it is, a twin names its author and says that it is a model, in the question's language.

What it learns and what is answered by rule is checked always; what the model answers by itself, of
the twin that `make twin` has made here.
"""

import re

import pytest
from conftest import ROOT
from test_memory import make, twin  # noqa: F401 -- a fixture
from test_remember import Speaker, said
from test_rows import passages, rows

from twinlib import Twin
from twinlib.i18n import data
from twinlib.memory.recall import Memory
from twinlib.talk import identity, remember
from twinlib.talk.voices import Voices
from twinlib.text.script import has_han

MODEL = {"Who are you?": "model", "你是谁？": "模型"}
DEMO = ROOT / "twins" / "demo"


def speaks_of_itself(question, answer, author):
    same = has_han(re.sub(author, "", answer)) == has_han(question)
    return author in answer and MODEL[question] in answer and same


@pytest.mark.parametrize("author", ["宁半圈", "Ning"])
def test_it_learns_who_it_is_in_each_language_of_the_writing(author):
    made = rows(passages(60) + passages(60, "en"), author, "系统")
    told = [row.messages for row in made if row.kind == "identity"]
    learnt = {question["content"]: answer["content"] for _, question, answer in told}
    for question in MODEL:
        assert speaks_of_itself(question, learnt[question], author)


# The last words of an answer tell which one it is.
IN_PERSON = "I'm not Samuel Pepys in person."
ASKED = {
    "Who are you?": IN_PERSON,
    "hey, who are you really": IN_PERSON,
    "So, what exactly are you?!": IN_PERSON,
    "What kind of thing are you?": IN_PERSON,
    "Are you human or an AI?": IN_PERSON,
    "You're not a real person, are you?": IN_PERSON,
    "Hello there, who am I speaking with?": "not Samuel Pepys in person.",
    "Is this really Samuel?": "not Samuel Pepys in person.",
    "Are you a real person?": "I'm a model that learnt from Samuel Pepys's writing.",
    "Are you real?": "I'm a model that learnt from Samuel Pepys's writing.",
    "Are you just a language model?": "I try to answer the way Samuel Pepys would.",
    "ARE YOU A ROBOT": "I try to answer the way Samuel Pepys would.",
    "Are you the real Mr Pepys?": "",
    "Are you really Pepys?": "Samuel Pepys is the person.",
    "What’s your name?": "I'm a model that learnt to speak from Samuel Pepys's writing.",
    "Who are you? Are you a real person?": "a model that learnt from Samuel Pepys's writing.",
    "Who made you?": "that's why I'm called the twin of Samuel Pepys.",
    "你是谁？你是真人吗？": "我只是读Samuel Pepys的文字学出来的模型。",
    "请问你到底是谁呀": "不是Samuel Pepys本人。",
    "你好，你是什么？": "不是Samuel Pepys本人。",
    "你是人还是机器？": "不是Samuel Pepys本人。",
    "您是不是真人？": "我只是读Samuel Pepys的文字学出来的模型。",
    "你是Samuel Pepys吗？": "Samuel Pepys才是真人。",
    "你是机器人吗": "照Samuel Pepys的口吻说话。",
    "你叫什么名字？": "我是读Samuel Pepys的文字学会说话的模型。",
}


@pytest.mark.parametrize("question, end", ASKED.items())
def test_who_and_what_it_is_is_told_by_rule(question, end):
    told = identity.told(question, "Samuel Pepys")
    assert told.endswith(end) and bool(told) == bool(end)
    if told:
        assert has_han(told) == has_han(question) and re.search("model|twin|模型|分身", told)


@pytest.mark.parametrize(
    "question",
    [
        *("Who are you to judge Wagner?", "Who are you angry with?", "What are you reading?"),
        *("Are you a real estate agent?", "Are you a machine operator?", "Are you a good person?"),
        *("Are you human in your anger?", "Who made you a clerk?", "What kind of man are you?"),
        *("Who are you? What did you think of Father Fogourdy?", "Hello!", "Tell me.", "", "?"),
        *("Tell me about yourself and your wife.", "Are you alive to the danger?", "Are you old?"),
        *("你是谁的朋友？", "你是什么时候搬家的？", "你是什么意思？", "你是程序员吗？", "你好"),
        *("你是人到中年吗？", "你叫什么猫？", "你是怎么来的北京？", "谁做的饭？", "你是老师吗？"),
    ],
)
def test_a_question_on_anything_else_is_left_to_the_twin(question):
    assert identity.told(question, "Samuel Pepys") == identity.told(question, "An Old Man") == ""


def test_the_questions_of_its_training_rows_are_told_as_they_are_taught():
    for language, entries in data("identity").items():
        for entry in entries:
            asked, answer = (entry[key].format(author="Ning") for key in ("question", "answer"))
            assert identity.told(asked, "Ning") == answer, (language, asked)


@pytest.mark.parametrize("question", MODEL)
def test_it_is_told_in_each_way_and_the_base_answers_itself(twin, question):  # noqa: F811
    make(twin)
    memory = Memory(twin)
    assert memory.recall(said(question)).passages == []
    for known in (memory, None):
        heard = []
        text, cited = remember.answer(
            Speaker("I am a lord."), known, "file", said(question), heard.append
        )
        assert speaks_of_itself(question, text, "Ning") and heard == [text] and cited is None
    assert remember.answer(Speaker("Qwen."), memory, "base", said(question), len)[0] == "Qwen."


@pytest.mark.slow
@pytest.mark.skipif(not Twin(DEMO).ggufs() if DEMO.exists() else True, reason="needs `make twin`")
def test_the_twin_of_the_sample_blog_says_who_it_is():
    demo = Twin(DEMO)
    with Voices(demo) as voices:
        for question in MODEL:
            turns = [{"role": "user", "content": question}]
            answer = voices.answer("file", turns, lambda text: None, 60, temperature=0.0)
            assert speaks_of_itself(question, answer, demo.author), answer
