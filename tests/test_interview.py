"""The interview's questions, its answers as documents, and damaged lines, which cost no others."""

import json
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from twinlib.corpus import interview
from twinlib.corpus.records import Document, Turn
from twinlib.i18n import data
from twinlib.text.interview_questions import BY_ID, QUESTIONS, TOPICS, nudge, parse
from twinlib.text.script import language_of, word_count

LONG = (
    "The depot opens at five, and whoever comes late gets the tram with the bad brakes. "
    "That was mostly me, I must say."
)
# What a stranger could use to be somebody: security questions, papers, accounts, whereabouts,
# health, pay.
PERSONAL = (
    r"maiden|birthplace|born|pet's name|passport|password|account|card|phone|e-?mail|address|"
    r"street|salary|illness|"
    r"your name|full name|first car|school did you|"
    r"身份证|密码|账号|银行|电话|邮箱|住址|地址|门牌|出生|生日是|姓名|叫什么|工资|收入|病史|车牌|母亲的姓|哪所学校|哪个小区"
)


def record(name, answer, **more):
    question = BY_ID[name].text(language_of(answer))
    return {
        "id": name,
        "question": question,
        "answer": answer,
        "language": language_of(answer),
        "when": "2026-03-01T20:15:00",
        "skipped": False,
        **more,
    }


def test_there_are_enough_questions_of_every_topic_and_each_has_its_own_id():
    assert len(QUESTIONS) == len(BY_ID) == 96
    assert {topic: sum(q.topic == topic for q in QUESTIONS) for topic in TOPICS} == dict.fromkeys(
        TOPICS, 16
    )
    assert BY_ID["life-01"].zh.startswith("平常的一天") and BY_ID["friends-16"].en.startswith(
        "Somebody thanks you"
    )


def test_every_question_is_in_both_languages_and_none_is_asked_twice():
    for language, other in (("en", "zh"), ("zh", "en")):
        texts = [q.text(language) for q in QUESTIONS]
        assert len(set(texts)) == len(texts)
        assert all(language_of(text) == language for text in texts)
        assert not {q.text(other) for q in QUESTIONS} & set(texts)
    assert not [q.id for q in QUESTIONS if re.search("[a-zA-Z]", q.zh)]
    assert all(15 <= len(q.en) <= 120 and 8 <= len(q.zh) <= 60 for q in QUESTIONS)


def test_no_two_questions_ask_nearly_the_same():
    def words(text):
        return set(re.findall(r"[a-z']+", text.lower())) - set(
            "a an and the you your of to in it is do does what".split()
        )

    for a in QUESTIONS:
        for b in QUESTIONS:
            assert a.id >= b.id or len(words(a.en) & words(b.en)) <= 0.6 * len(
                words(a.en) | words(b.en)
            ), (a.en, b.en)


def test_questions_are_open_and_never_about_what_a_stranger_could_misuse():
    for q in QUESTIONS:
        assert not re.search(PERSONAL, f"{q.en} {q.zh}", re.IGNORECASE), q
        assert q.en[-1] in ".?" and q.zh[-1] in "。？"


def test_the_first_fifteen_touch_every_topic_at_least_twice():
    topics = [q.topic for q in QUESTIONS[:15]]
    assert min(topics.count(topic) for topic in TOPICS) >= 2
    assert all(a != b for a, b in zip(topics, topics[1:]))


def test_a_short_answer_is_asked_on_and_a_long_one_is_not():
    story = BY_ID["stories-01"]
    assert nudge(story, "", "en") == nudge(story, "  \n", "en") == ""
    assert nudge(story, "We missed the last tram.", "en") in [
        text["en"] for text in data("interview")["stories"]["nudges"]
    ]
    assert nudge(story, "我们没赶上末班车。", "zh") in [
        text["zh"] for text in data("interview")["stories"]["nudges"]
    ]
    assert nudge(story, "word " * 70, "en") == "" and nudge(story, "字" * 120, "zh") == ""


def test_what_is_asked_on_changes_as_the_answer_grows_and_from_question_to_question():
    story = BY_ID["stories-01"]
    assert len({nudge(story, "word " * n, "en") for n in range(5, 60, 10)}) >= 3
    assert len({nudge(q, "Yes, once.", "en") for q in QUESTIONS}) >= 25


def test_words_are_counted_as_people_count_them():
    assert word_count("It's a well-known 3rd tram.") == 5
    assert word_count("我修了26年电车。") == 7
    assert word_count("") == word_count("…！？") == 0


def test_a_long_answer_is_a_document_of_its_own_under_its_question():
    [document] = interview.documents([record("stories-02", f"  {LONG} \n")], "Ning")
    question = "Tell about a time when something went thoroughly wrong."
    assert document == Document(
        "interview#stories-02",
        title=question,
        text=LONG,
        date="2026-03-01",
        author="Ning",
        kind="interview",
        fallback_title="Stories",
        turns=[Turn(question, LONG, "2026-03-01T20:15:00")],
    )


def test_short_answers_of_a_topic_and_a_language_share_a_document():
    found = interview.documents(
        [
            record("friends-01", "No harm done. Tea on Friday?"),
            record("friends-02", "别急，先请两天假。"),
            record("friends-03", "It limps, but it walks."),
            record("mind-01", "I sleep on it."),
        ],
        "Ning",
    )
    assert [(d.source, d.title, d.text) for d in found] == [
        (
            "interview#friends-en",
            "What you'd write",
            "No harm done. Tea on Friday?\n\nIt limps, but it walks.",
        ),
        ("interview#friends-zh", "你会怎么回", "别急，先请两天假。"),
        ("interview#mind-en", "Habits of mind", "I sleep on it."),
    ]
    assert [turn.question for turn in found[0].turns] == [
        BY_ID["friends-01"].en,
        BY_ID["friends-03"].en,
    ]


def test_spaces_do_not_make_an_answer_long():
    """An answer of 79 characters without them shares a document with other short ones."""
    assert interview.documents([record("mind-01", "a " * 79)], "")[0].source == "interview#mind-en"
    assert interview.documents([record("mind-01", "a " * 80)], "")[0].source == "interview#mind-01"
    assert (
        interview.documents([record("mind-01", "a " * 80)], "", shortest=81)[0].source
        == "interview#mind-en"
    )


def test_skipped_questions_and_drafts_are_no_documents():
    assert (
        interview.documents(
            [record("mind-01", "", skipped=True), record("mind-02", "  ", draft=LONG)], "Ning"
        )
        == []
    )


def test_an_answer_in_the_other_language_stands_under_the_question_in_that_language():
    [document] = interview.documents(
        [
            {
                **record("life-04", "在修一辆二八大杠。" * 12),
                "language": "en",
                "question": "What is …",
            }
        ],
        "宁",
    )
    assert document.title == document.turns[0].question == "最近在忙什么？怎么偏偏是这件事？"


def test_a_question_reworded_since_stands_as_it_was_asked():
    [document] = interview.documents(
        [record("life-04", LONG, question="What are you up to?")], "Ning"
    )
    assert document.title == "What are you up to?"


def test_a_question_of_another_version_is_kept_and_comes_last():
    lines = [
        json.dumps({"id": "dreams-03", "question": "What did you dream?", "answer": LONG}),
        json.dumps(record("friends-01", LONG)),
        json.dumps(record("life-01", LONG)),
    ]
    records, damaged = parse("\n".join(lines))
    assert ([r["id"] for r in records], damaged) == (["life-01", "friends-01", "dreams-03"], 0)
    assert interview.documents(records, "Ning")[-1].title == "What did you dream?"


def test_of_two_records_of_a_question_the_later_counts():
    lines = [json.dumps(record("life-01", text)) for text in ("first", "second")]
    assert [r["answer"] for r in parse("\n".join(lines))[0]] == ["second"]


@pytest.mark.parametrize(
    "line",
    [
        '{"id": "life-01", "answer": "cut o',
        "[]",
        "7",
        "null",
        '{"answer": "nobody asked"}',
        '{"id": 5, "answer": "a"}',
        '{"id": "life-01", "answer": null}',
        '{"id": "life-01", "answer": "a", "when": 7}',
        '{"id": ["x"], "answer": "a"}',
        r'{"id": "life-01", "answer": "half \ud83d"}',
        "[" * 100_000,
        "\ufffd\x00",
    ],
)
def test_a_damaged_line_is_counted_and_costs_no_other(line):
    records, damaged = parse(f"{line}\n{json.dumps(record('mind-01', LONG))}\n")
    assert ([r["id"] for r in records], damaged) == (["mind-01"], 1)


@settings(deadline=None, max_examples=60)
@given(
    st.dictionaries(
        st.sampled_from(sorted(BY_ID)),
        st.text(st.characters(codec="utf-8"), max_size=150),
        max_size=12,
    )
)
def test_every_word_of_every_answer_is_in_exactly_one_document(answers):
    lines = [
        json.dumps(record(name, answer), ensure_ascii=False) for name, answer in answers.items()
    ]
    records, damaged = parse("\n".join(lines))
    found = interview.documents(records, "Ning")
    turns = [turn.answer for d in found for turn in d.turns]
    assert damaged == 0 and sorted(turns) == sorted(
        a.strip() for a in answers.values() if a.strip()
    )
    assert len({d.source for d in found}) == len(found)
    assert all(d.text == "\n\n".join(turn.answer for turn in d.turns) for d in found)


@settings(deadline=None, max_examples=60)
@given(st.text())
def test_any_text_at_all_can_be_parsed(text):
    records, damaged = parse(text)
    assert len(records) <= len(text.split("\n")) and damaged >= 0
    assert interview.documents(records, "Ning") is not None
