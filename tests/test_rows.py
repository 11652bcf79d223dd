"""Rows: the author's words are the answers; proportions, languages and splits are as asked."""

from collections import Counter
from dataclasses import replace

from twinlib.corpus.records import Passage
from twinlib.corpus.rows import decided, persona_prompt, rows, system_prompt
from twinlib.text.script import tokens_estimate


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
    row = rows(passages(1), "宁半圈", "系统", raw_share=0, abstain=0)[0]
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


def test_raw_and_abstain_rows_have_their_shares():
    counts = kinds(rows(passages(90), "宁半圈", "系统", raw_share=0.25, abstain=40))
    assert counts["qa"] == 90 and counts["identity"] == 5
    assert (
        abs(counts["raw"] / counts.total() - 0.25) < 0.01
        and abs(counts["abstain"] / counts.total() - 0.1) < 0.02
    )


def test_raw_rows_are_plain_text():
    raw = [row for row in rows(passages(9), "宁半圈", "系统") if row.kind == "raw"]
    assert raw and all([m["role"] for m in row.messages] == ["assistant"] for row in raw)


def test_abstain_is_capped_and_can_be_turned_off():
    assert kinds(rows(passages(900), "宁半圈", "系统", abstain=7))["abstain"] == 7
    assert kinds(rows(passages(90), "宁半圈", "系统", abstain=0))["abstain"] == 0


def test_nothing_that_the_author_wrote_about_is_denied():
    made = passages(300)
    made[0].text += "我学过古筝，也怕血型算命。"
    asked = [
        row.messages[1]["content"] for row in rows(made, "宁半圈", "系统") if row.kind == "abstain"
    ]
    assert len(asked) > 20 and not [q for q in asked if "古筝" in q or "血型" in q]


def test_languages_of_identity_and_abstain_rows_follow_the_writing():
    made = rows(passages(60) + passages(60, "en"), "宁半圈", "系统")
    asked = [row.messages[1]["content"] for row in made if row.kind in ("identity", "abstain")]
    assert 0.3 < sum(q.isascii() for q in asked) / len(asked) < 0.7
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


def test_held_out_passages_are_only_asked():
    made = rows(
        passages(50) + passages(5, split="test") + passages(5, split="val"), "宁半圈", "系统"
    )
    assert {row.kind for row in made if row.split != "train"} == {"qa"}


def test_a_passage_without_a_question_is_raw_text():
    silent = [replace(p, title="") for p in passages(4) + passages(1, split="test")]
    made = rows(silent, "宁半圈", "系统", abstain=0)
    raw = [row.passage for row in made if row.kind == "raw"]
    # All of them, though a quarter of the training rows would be 2 beside 5 identity rows: nothing
    # is lost.
    assert kinds(made) == {"raw": 5, "identity": 5} and "zhtest0" in raw


def test_what_a_reader_asked_is_the_only_question():
    asked = [replace(p, question="补胎要多久？") for p in passages(3)]
    made = rows(asked, "宁半圈", "系统")
    assert [(row.source, row.messages[1]["content"]) for row in made if row.kind == "qa"] == [
        ("reader", "补胎要多久？")
    ] * 3


def test_where_a_question_writer_fails_the_title_asks():
    made = rows(passages(2), "宁半圈", "系统", questions={"zhtrain0": []}, source="local")
    assert {row.source for row in made if row.kind == "qa"} == {"title"}


def test_another_question_writer_is_named_in_its_rows():
    made = rows(
        passages(2),
        "宁半圈",
        "系统",
        questions={p.id: [f"{p.text}是吗？", "为什么？"] for p in passages(2)},
        source="local",
    )
    assert [row.source for row in made if row.kind == "qa"] == ["local"] * 4


def test_rows_are_the_same_every_time_and_ids_are_unique():
    first, second = (rows(passages(50), "宁半圈", "系统") for _ in range(2))
    assert first == second and len({row.id for row in first}) == len(first)


def test_prompts_name_the_twin_and_quote_training_text_only():
    system = system_prompt("宁半圈", ["zh", "en"])
    assert system.split("\n") == [
        "你是宁半圈的分身，用宁半圈自己的口吻回答。",
        "You are the twin of 宁半圈: answer in 宁半圈's own voice.",
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
        return rows(passages(2), "宁半圈", "系统", 0, 0, questions)[:4]

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
