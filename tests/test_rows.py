"""Rows: the author's words are the answers; proportions, languages and splits are as asked."""

from collections import Counter
from dataclasses import replace

from twinlib.corpus.records import Passage
from twinlib.corpus.rows import decided, persona_prompt, rows, system_prompt
from twinlib.text.script import has_han, tokens_estimate


def passages(count, language="zh", split="train"):
    text = "今天只讲茶，第{}缸。" if language == "zh" else "Only tea today, mug {}."
    title = "茶要烫" if language == "zh" else "On tea"
    return [
        Passage(
            id=f"{language}{split}{n}",
            document=f"d{n}",
            text=text.format(n),
            tokens_estimate=10,
            title=title,
            language=language,
            split=split,
            author="宁半圈",
        )
        for n in range(count)
    ]


def kinds(made):
    return Counter(row.kind for row in made)


def test_the_shape_of_a_row():
    row = rows(passages(1), "宁半圈", "系统", raw_share=0)[0]
    assert list(row.to_json()) == ["id", "passage", "kind", "split", "messages", "source"]
    assert [m["role"] for m in row.messages] == ["system", "user", "assistant"]
    assert (row.messages[0]["content"], row.messages[2]["content"]) == (
        "系统",
        "今天只讲茶，第0缸。",
    )
    assert (row.passage, row.kind, row.split, row.source) == (
        "zhtrain0",
        "qa",
        "train",
        "title",
    )


def test_raw_rows_have_their_share():
    counts = kinds(rows(passages(90), "宁半圈", "系统", raw_share=0.25))
    assert counts["qa"] == 90 and counts["identity"] == 10
    assert abs(counts["raw"] / counts.total() - 0.25) < 0.01 and len(counts) == 3


def test_raw_rows_are_plain_text():
    raw = [row for row in rows(passages(9), "宁半圈", "系统") if row.kind == "raw"]
    assert raw and all([m["role"] for m in row.messages] == ["assistant"] for row in raw)


def test_languages_of_identity_rows_follow_the_writing():
    made = rows(passages(60) + passages(60, "en"), "宁半圈", "系统")
    asked = [row.messages[1]["content"] for row in made if row.kind == "identity"]
    assert sum(has_han(q.replace("宁半圈", "")) for q in asked) == len(asked) / 2
    only = [
        row.messages[1]["content"]
        for row in rows(passages(60), "宁半圈", "系统")
        if row.kind == "identity"
    ]
    assert not any(q.isascii() for q in only)


def test_identity_rows_name_the_author_and_say_that_it_is_a_model():
    answers = [
        row.messages[2]["content"]
        for row in rows(passages(5), "宁半圈", "系统")
        if row.kind == "identity"
    ]
    assert all("宁半圈" in a for a in answers) and any("模型" in a for a in answers)


def test_one_row_in_twenty_says_who_the_twin_is_and_each_text_is_there():
    for count, times in ((10, 1), (400, 2), (1000, 5)):
        made = [row for row in rows(passages(count), "宁半圈", "系统") if row.kind == "identity"]
        assert len(made) == 10 * times and len({row.id for row in made}) == len(made)
        assert set(Counter(row.messages[1]["content"] for row in made).values()) == {times}


def test_held_out_passages_are_only_asked():
    made = rows(
        passages(50) + passages(5, split="test") + passages(5, split="val"), "宁半圈", "系统"
    )
    assert {row.kind for row in made if row.split != "train"} == {"qa"}


def test_a_passage_without_a_question_is_raw_text():
    silent = [replace(p, title="") for p in passages(4) + passages(1, split="test")]
    made = rows(silent, "宁半圈", "系统")
    raw = [row.passage for row in made if row.kind == "raw"]
    # All of them, though a quarter of the training rows would be 3 beside 10 identity rows: nothing
    # is lost.
    assert kinds(made) == {"raw": 5, "identity": 10} and "zhtest0" in raw


def test_what_a_reader_asked_is_the_only_question():
    asked = [replace(p, question="补胎要多久？") for p in passages(3)]
    made = rows(asked, "宁半圈", "系统")
    assert [(row.source, row.messages[1]["content"]) for row in made if row.kind == "qa"] == [
        ("reader", "补胎要多久？")
    ] * 3


def test_where_a_question_writer_fails_the_title_asks():
    made = rows(passages(2), "宁半圈", "系统", questions={"zhtrain0": []}, source="local")
    assert {row.source for row in made if row.kind == "qa"} == {"title"}


def sources(made):
    return [(row.source, row.messages[1]["content"]) for row in made if row.kind == "qa"]


def test_a_models_question_comes_first_and_the_title_asks_about_the_first_passage_too():
    first, second = passages(2)
    second.index = 1
    questions = {first.id: ["茶为什么要烫？"], second.id: ["第二缸茶呢？"]}
    made = rows([first, second], "宁半圈", "系统", 0, questions, short_share=0)
    assert [source for source, _ in sources(made)] == ["local", "title", "local"]
    assert "茶" in sources(made)[1][1] and sources(made)[2][1] == "第二缸茶呢？"
    assert sources(rows([first], "宁半圈", "系统", 0, questions, "endpoint"))[0][0] == "endpoint"


def test_held_out_passages_are_asked_naturally_first_and_under_their_titles_at_the_end():
    made = passages(3, split="test")
    questions = {p.id: [f"第{n}缸茶好在哪里？"] for n, p in enumerate(made) if n != 1}
    asked = sources(rows(made, "宁半圈", "系统", 0, questions))
    assert [source for source, _ in asked] == ["local", "local", "title", "title", "title"]
    same = {made[0].id: [asked[2][1]]}
    assert [source for source, _ in sources(rows(made[:1], "宁半圈", "系统", 0, same))] == ["local"]


def test_a_share_of_the_questions_is_shortened_to_a_subject_that_they_name():
    made = [replace(p, index=1, terms=["茶缸"]) for p in passages(200)]
    questions = {p.id: ["你那只茶缸是怎么来的？"] for p in made}
    asked = sources(rows(made, "宁半圈", "系统", 0, questions, short_share=0.2))
    short = [question for source, question in asked if source == "short"]
    assert len(asked) == 200 and 25 < len(short) < 55
    assert all("茶缸" in question and len(question) < 8 for question in short)
    unnamed = {p.id: ["你为什么这样想？"] for p in made}
    asked = sources(rows(made, "宁半圈", "系统", 0, unnamed, short_share=1))
    assert {source for source, _ in asked} == {"local"}
    held_out = [replace(p, split="test") for p in made]
    asked = sources(rows(held_out, "宁半圈", "系统", 0, questions, short_share=1))
    assert {source for source, _ in asked} == {"local"}


def test_rows_are_the_same_every_time_and_ids_are_unique():
    first, second = (rows(passages(50), "宁半圈", "系统") for _ in range(2))
    assert first == second and len({row.id for row in first}) == len(first)


def test_prompts_name_the_twin_and_quote_training_text_only():
    system = system_prompt("宁半圈", ["zh", "en"])
    assert system.split("\n") == [
        "你是宁半圈的分身：一个用宁半圈的文字训练出来的语言模型。用宁半圈自己的口吻回答。",
        "You are the twin of 宁半圈: a language model trained on 宁半圈's writing. "
        "Answer in 宁半圈's own voice.",
    ]
    prompt = persona_prompt(system, "我姓宁。", passages(2) + passages(5, split="test"))
    assert prompt.startswith(system + "\n我姓宁。\n") and prompt.count("---") == 2
    assert all(p.text not in prompt for p in passages(5, split="test")[2:])


def test_the_persona_prompt_is_short_and_whole_sentences():
    long = [replace(p, text="今天只讲茶，讲完了就收摊回家去。" * 60) for p in passages(3)]
    prompt = persona_prompt("系统", "", long)
    assert tokens_estimate(prompt) <= 350 and prompt.endswith("。") and prompt.count("---") == 3


def test_decisions_drop_rows_and_edit_questions_and_the_answer_of_all_rows_of_a_passage():
    def made():
        questions = {p.id: ["茶呢？", "缸呢？"] for p in passages(2)}
        untitled = [replace(p, index=1) for p in passages(2)]
        return rows(untitled, "宁半圈", "系统", 0, questions, short_share=0)[:4]

    def messages(found):
        return [[message["content"] for message in row.messages[1:]] for row in found]

    first, second, third, _ = (row.id for row in made())
    edit = {"action": "edit"}
    decisions = {
        first: {**edit, "text": "改过的回答。"},
        second: {**edit, "question": "改过的问题？"},
        third: {"action": "drop"},
    }
    found = decided(made(), decisions)
    assert messages(found) == [
        ["茶呢？", "改过的回答。"],
        ["改过的问题？", "改过的回答。"],
        ["缸呢？", "今天只讲茶，第1缸。"],
    ]
    assert [row.source for row in found] == ["owner", "owner", "local"]
    assert len(decided(made(), {"zhtrain0": {"action": "drop"}})) == 2


def test_passages_are_as_short_as_an_answer(sample_twin):
    sizes = [passage["tokens_estimate"] for passage in sample_twin.records("passages")]
    assert 60 < max(sizes) < 250, "160 by default, and the rest of a sentence"
