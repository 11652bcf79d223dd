"""Exported tables of messages, posts and answers: CSV, JSON, XLSX."""

import io
import json
import zipfile

import pytest
from conversation_makers import ME, POSTS, documents, knowing, of, parts, turns, workbook

from twinlib.corpus.readers.chats import chat_table
from twinlib.corpus.records import Turn
from twinlib.text.inputs import spreadsheets
from twinlib.text.inputs.encoding import Unreadable
from twinlib.text.inputs.input_file import File, Options, UnknownColumns

# Tables


@pytest.mark.parametrize(
    "name, expected",
    [
        ("gbk.csv", [("账本放哪儿了？", "在工具箱底下,\n猫压着呢。\n嗯")]),
        (
            "wechat.csv",
            [
                ("台风天你出摊吗？", "不出，风比我有力气。\n在家磨几把锉刀。"),
                ("", "过两天把小满的车推来，我看看中轴。"),
            ],
        ),
        ("weibo.csv", [("", "修了一上午的伞，太阳出来了。"), ("", "这话说到根上了。")]),
        ("chat.jsonl", [("How long do I soak the chain?", "Until the tea is cold, then wipe it.")]),
    ],
)
def test_tables_of_messages_are_read_by_the_names_of_their_columns(name, expected):
    assert turns(of(name)) == expected


def test_a_chat_is_called_after_the_other_person_and_not_after_a_number():
    assert [chat.title for chat in chat_table.conversations(of("wechat.csv"), ME)] == ["翁婶"]


def test_a_forwarded_weibo_gives_the_comment_and_leaves_the_rest():
    assert parts(of("weibo.csv")) == [("repost", "//@老吴:修东西就是修脾气")]


def test_an_unknown_table_asks_which_column_is_what():
    with pytest.raises(UnknownColumns) as asked:
        list(chat_table.conversations(of("unknown.csv"), ME))
    assert asked.value.names == ["Zeit", "Wer", "Was"]
    assert asked.value.rows[1] == [
        "2023-05-01 21:01",
        "Ning",
        "Until the tea is cold, then wipe it.",
    ]
    chosen = ME._replace(columns={"time": "Zeit", "sender": "Wer", "text": "Was"})
    assert turns(of("unknown.csv"), chosen) == [
        ("How long do I soak the chain, then?", "Until the tea is cold, then wipe it.")
    ]
    posts = Options(columns={"text": "Was"})
    assert len(turns(of("unknown.csv"), posts)) == 2


def test_chats_with_several_people_in_one_table_are_apart_and_in_order():
    text = (
        "StrTalker,IsSender,StrContent,CreateTime\nweng,1,后来的那一句话,1682946060\nlee,0,and "
        "you?,1682946000\n"
        "weng,0,先来的那一句话？,1682946000\nlee,1,I am at the bench.,1682946060\n"
    )
    assert turns(of("msg.csv", text)) == [
        ("先来的那一句话？", "后来的那一句话"),
        ("and you?", "I am at the bench."),
    ]


def test_a_type_that_is_not_the_messages_own_leaves_all_rows():
    text = "类型,发送者,内容\n群聊,翁婶,台风天你出摊吗？\n,海平,不出，风比我有力气。\n"
    assert turns(of("a.csv", text)) == [("台风天你出摊吗？", "不出，风比我有力气。")]


def test_workbooks_are_read_sheet_by_sheet():
    content = workbook(
        {
            "一": [["提问", "答案", "解析"], ["两个胎多少钱？", 20, "一个十块。"]],
            "二": [["问题", "回答"], ["茶呢？", "茶不要钱。"], [None, None]],
            "空": [],
        }
    )
    file = of("题.xlsx", content)
    assert knowing(file) == ["answers"]
    assert turns(file) == [("两个胎多少钱？", "一个十块。\n20"), ("茶呢？", "茶不要钱。")]


def test_a_workbook_of_messages_has_dates():
    from datetime import datetime

    file = of(
        "chat.xlsx",
        workbook(
            {
                "chat": [
                    ["时间", "发送者", "内容"],
                    [datetime(2023, 5, 1, 21, 3), "海平", "摊子收了一半。"],
                ]
            }
        ),
    )
    assert knowing(file) == ["table"]
    assert documents(file)[0].turns == [Turn("", "摊子收了一半。", "2023-05-01T21:03:00")]


@pytest.mark.parametrize(
    "make, reason",
    [
        (lambda data: data[: len(data) // 2], "damaged"),
        (lambda data: b"\xd0\xcf\x11\xe0" + data, "locked"),
        (lambda data: swollen(), "bomb"),
    ],
)
def test_a_workbook_that_cannot_be_read_says_why(make, reason):
    file = of("a.xlsx", make(workbook({"a": [["sender", "text"], ["Ning", "The kettle is on."]]})))
    assert knowing(file) == ["table"]
    with pytest.raises(Unreadable, match=reason):
        list(chat_table.conversations(file, ME))


def test_entities_in_a_workbook_are_refused():
    content, source = (
        io.BytesIO(),
        io.BytesIO(workbook({"a": [["sender", "text"], ["Ning", "The kettle is on."]]})),
    )
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(content, "w") as new:
        for name in old.namelist():
            bad = (
                b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "aaaa">]>'
                if name.endswith("sheet1.xml")
                else b""
            )
            new.writestr(name, bad + old.read(name))
    with pytest.raises(Unreadable, match="entities"):
        list(chat_table.conversations(of("a.xlsx", content.getvalue()), ME))


def swollen():
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("[Content_Types].xml", "x" * 30_000_000)
    return content.getvalue()


@pytest.mark.parametrize(
    "text, columns, row",
    [
        ("a;b\n1x;2,5\n", ["a", "b"], ["1x", "2,5"]),
        ("a\tb\nx\ty\n", ["a", "b"], ["x", "y"]),
        ('a,b\n"x\ny","say ""hi"""\n', ["a", "b"], ["x\ny", 'say "hi"']),
        ("a,a,\nx,y,z\n", ["a", "a 2", "column 3"], ["x", "y", "z"]),
        ("a,b\nx,y, and z\n", ["a", "b"], ["x", "y, and z"]),
        ("a,b\nx\n", ["a", "b"], ["x", ""]),
        (
            "Ning,1682946000,hi\nLee,1682946001,ho\n",
            ["column 1", "column 2", "column 3"],
            ["Ning", "1682946000", "hi"],
        ),
    ],
)
def test_delimited_text_is_cut_as_it_was_written(text, columns, row):
    (table,) = spreadsheets.read(of("t.csv", text))
    assert table.columns == columns and list(next(table.rows).values()) == row


def test_a_broken_line_costs_one_row_and_not_the_table():
    lines = [json.dumps({"question": f"Question {n}?", "answer": f"Answer {n}."}) for n in range(5)]
    assert len(turns(of("a.jsonl", "\n".join(lines) + '\n{"question": "Cut of'))) == 5


# Answers


def test_answers_have_steps_first_and_no_marks_of_data_sets():
    assert turns(of("gsm.jsonl"))[0] == (
        "Lee mends 3 tyres at 10 coins each. How much?",
        "He earns 3*10=30 coins.\n30",
    )
    problem = documents(File("problems.jsonl", (POSTS / "problems.jsonl").read_bytes()))[0]
    assert problem.text == "两个胎：10×2=20。加刹车线：20+12=32。\n32"


def test_every_answer_is_a_document_with_a_name_of_its_own_that_stays():
    found = documents(of("answers.csv"))
    assert [(d.title, d.text, d.date, d.author) for d in found] == [
        (
            "新手买二手车先看哪里？",
            "先看车架的焊缝，再看后轮正不正。漆是给别人看的。",
            "2023-05-01",
            "宁半圈",
        ),
        ("链条多久换？", "量过再说，别数日子。", "2023-05-02", "宁半圈"),
    ]
    twice = of("a.csv", "question,answer\nWhy?,Because.\nWhy?,Because not.\nHow?,So.\n")
    once = of("a.csv", "question,answer\nHow?,So.\nWhy?,Because.\n")
    sources = [d.source for d in documents(twice)]
    assert len(set(sources)) == 3 and sources[1] == f"{sources[0]}-2"
    assert {d.source for d in documents(once)} == {sources[0], sources[2]}
