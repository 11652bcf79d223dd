"""Asked who it is, a twin names its author and says that it is a model, in the question's language.

What it learns is checked always; what it answers, of the twin that `make twin` has made here.
"""

import re

import pytest
from conftest import ROOT
from test_rows import passages, rows

from twinlib import Twin
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


@pytest.mark.slow
@pytest.mark.skipif(not Twin(DEMO).ggufs() if DEMO.exists() else True, reason="needs `make twin`")
def test_the_twin_of_the_sample_blog_says_who_it_is():
    twin = Twin(DEMO)
    with Voices(twin) as voices:
        for question in MODEL:
            turns = [{"role": "user", "content": question}]
            answer = voices.answer("file", turns, lambda text: None, 60, temperature=0.0)
            assert speaks_of_itself(question, answer, twin.author), answer
