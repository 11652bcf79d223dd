"""Chats as text, X, Telegram, WhatsApp, and what was typed to a chat model."""

import json
import re

import pytest
from conversation_makers import FOLDER, ME, documents, knowing, of, parts, turns
from hypothesis import given, settings
from hypothesis import strategies as st

from twinlib.corpus import conversations
from twinlib.corpus.readers import chatgpt, dates
from twinlib.corpus.readers.chats import chat_text, telegram, twitter, whatsapp
from twinlib.corpus.records import Removed
from twinlib.text.inputs.encoding import Unreadable
from twinlib.text.inputs.input_file import Options

# Chats and interviews as text

QQ = """消息记录（此消息记录为文本格式，不支持重新导入）

================================================================
消息分组:我的好友
================================================================
消息对象:{}
================================================================

2014-03-05 21:10:11 {}(12345678)
这辆车还修吗？

2014-3-5 21:10:40 【管理员】半圈<ning@example.com>
修。先把链条擦干，
再上油。

2014-03-05 21:11:02 系统消息(10000)
阿立加入本群。
"""
LINE = """[LINE] Chat history with Anna
Saved on: 2023/05/06 10:00

2023/05/05(Fri)
10:01\tAnna\tare you coming on sunday?
10:02\tNing\t"if it does not rain,
and it will rain"
10:03\tAnna unsent a message.
10:04\tAnna\t[Sticker]

2023/05/06(Sat)
09:01\tNing\tit rained, as I said
"""
WECHAT = """2023-05-06 10:00:00 半圈
早上那条链子锈得没法看

2023-05-06 10:00:20 阿立
哪一条？

2023-05-06 10:01:00 半圈
你那条，还能是哪条。
"""
COPIED = """阿立 2023/5/6 10:00
你今天出摊吗？

半圈 2023/5/6 10:01
出，下午雨停了就出。

阿立:
那我把车推来
半圈:
推来吧，茶给你留着。
"""
NOTES = """2023年5月6日 访谈
说话人 1 00:00:01
你为什么修车？

说话人 2 00:00:10
因为车不说谎，我也就不用猜。

说话人 1 00:00:20
那人呢？
"""
ZOOM = """00:00:01 Host: Why do you mend bicycles?
00:00:09 Ning: Because a bicycle tells no lies.
00:00:15 Host: And people?
00:00:20 Ning: People bring the bicycles.
"""
INTERVIEW = """A morning at the stall

Interviewer: Why do you mend bicycles?

Ning: Because a bicycle tells no lies.

Note: I asked this twice.

Interviewer: And people?

Ning: People bring the bicycles.

Interviewer: Is that enough?

Ning: It is plenty for a Tuesday.
"""


@pytest.mark.parametrize(
    "text, me, expected",
    [
        (QQ.format("阿立", "阿立"), "半圈", [("这辆车还修吗？", "修。先把链条擦干，\n再上油。")]),
        (
            LINE,
            "Ning",
            [
                ("are you coming on sunday?", "if it does not rain,\nand it will rain"),
                ("", "it rained, as I said"),
            ],
        ),
        (WECHAT, "半圈", [("", "早上那条链子锈得没法看"), ("哪一条？", "你那条，还能是哪条。")]),
        (
            COPIED,
            "半圈",
            [("你今天出摊吗？", "出，下午雨停了就出。"), ("那我把车推来", "推来吧，茶给你留着。")],
        ),
        (NOTES, "说话人 2", [("你为什么修车？", "因为车不说谎，我也就不用猜。")]),
        (
            ZOOM,
            "Ning",
            [
                ("Why do you mend bicycles?", "Because a bicycle tells no lies."),
                ("And people?", "People bring the bicycles."),
            ],
        ),
        (
            INTERVIEW,
            "Ning",
            [
                (
                    "Why do you mend bicycles?",
                    "Because a bicycle tells no lies.\n\nNote: I asked this twice.",
                ),
                ("And people?", "People bring the bicycles."),
                ("Is that enough?", "It is plenty for a Tuesday."),
            ],
        ),
    ],
)
def test_chats_and_interviews_in_text_are_conversations_whoever_exported_them(text, me, expected):
    assert knowing(of("a.txt", text)) == ["chat"]
    assert knowing(of("a.txt", text.replace("\n", "\r\n"))) == ["chat"]
    assert turns(of("a.txt", text), Options(me=(me,))) == expected
    assert turns(of("a.txt", text), Options()) == []


def test_names_have_no_numbers_and_times_and_partners_are_read():
    two = QQ.format("阿立", "阿立") + QQ.format("读书群", "阿花").partition("\n")[2]
    chats = list(chat_text.conversations(of("a.txt", two), ME))
    assert [(chat.title, [m.sender for m in chat.messages]) for chat in chats] == [
        ("阿立", ["阿立", "半圈"]),
        ("读书群", ["阿花", "半圈"]),
    ]
    assert chats[0].messages[-1].text == "修。先把链条擦干，\n再上油。"
    (chat,) = chat_text.conversations(of("a.txt", LINE), ME)
    assert (chat.title, [m.time for m in chat.messages]) == (
        "Anna",
        [
            "2023-05-05T10:01:00",
            "2023-05-05T10:02:00",
            "2023-05-05T10:04:00",
            "2023-05-06T09:01:00",
        ],
    )


@pytest.mark.parametrize(
    "text",
    [
        "2023-05-01 21:03 晴\n没活。\n\n2023-05-02 21:10 晴\n三个人。\n\n2023-05-03 20:10 "
        "阴\n下雨。\n\n2023-05-04 21:00 阴\n还下。\n",
        "2023-05-01 21:03 Lisbon\nRain.\n\n2023-05-02 21:10 Porto\nSun.\n\n2023-05-03 20:10 "
        "Lisbon\nRain.\n",
        "Morning 08:00\nTea.\n\nEvening 21:00\nOil.\n\nMorning 08:10\nTea again.\n\nEvening "
        "20:00\nNo oil.\n",
        "08:00 Stall\nOpen.\n09:00 Pier\nFog.\n12:00 Stall\nSoup.\n13:00 Pier\nMore fog.\n",
        "2023-05-01 10:00:00 server\n2023-05-01 10:00:01 client\n2023-05-01 10:00:02 "
        "server\n2023-05-01 10:00:03 client\n",
        "ACT I\n\n" + "ANNA: Where is the cat?\n\nBEN: It sleeps in the box.\n\n" * 4,
        "ANNA: Where is the cat?\n\nBEN: (aside) She knows.\n\n" * 4,
        "他说：“车修好了没有？”\n她说：“没有，明天来。”\n" * 4,
        "The rain had stopped.\n\nAnna: where is it?\n\nShe looked.\n\nBen: in the box.\n\nIt "
        "was not there.\n\n" * 4,
        "Boil the rice.\n\nNote: use little water.\n\nTip: let it rest.\n\n" * 4,
        "Note: use little water.\n\nTip: let it rest well.\n\n" * 4,
        "姓名：阿立\n电话：12345\n" * 4,
        "host: a\nport: b\n" * 6,
    ],
)
def test_a_diary_a_play_a_story_and_a_recipe_are_no_chats(text):
    assert knowing(of("a.txt", text)) == []


@settings(deadline=None, max_examples=80)
@given(
    st.sampled_from([QQ, LINE, WECHAT, COPIED, NOTES, ZOOM, INTERVIEW]),
    st.lists(
        st.tuples(
            st.integers(0, 400),
            st.integers(0, 40),
            st.sampled_from(["", "\n", ":", "\t", "99:99", "2023/13/45", "00:", "\0"]),
        ),
        max_size=5,
    ),
)
def test_broken_chats_in_text_raise_nothing_but_their_reason(text, changes):
    for place, size, new in changes:
        text = text[:place] + new + text[place + size :]
    try:
        assert chat_text.looks_like(of("a.txt", text)) in (True, False)
        list(chat_text.conversations(of("a.txt", text), ME))
    except Unreadable:
        pass


# X


def test_an_archive_without_a_tweet_is_empty():
    for items in ("[]", "[null, null]", '[{"tweet": null}]', "[1]"):
        with pytest.raises(Unreadable, match="empty"):
            list(twitter.conversations(of("tweets.js", f"window.YTD.tweets.part0 = {items}"), ME))


def test_tweets_are_unescaped_without_links_mentions_and_retweets_and_threads_are_joined():
    assert turns(of("tweets.js")) == [
        ("", text)
        for text in (
            "Tightened one bolt today. Half a turn. The whole bicycle stopped complaining & so "
            "did its owner.",
            "Two rules for a wet winter. First: dry the bicycle before you dry yourself.\n\n"
            "Second: wipe the chain before you oil it.",
            "No, the cat has not learnt to true a wheel yet.",
            "今天码头起雾，摊子照摆，茶比平时多烧了一壶。",
            "People ask why the stall has no sign. A sign tells strangers where you are, and I "
            "have never had a problem "
            "with strangers: they arrive pushing something broken, and a broken thing makes its "
            "own noise.",
        )
    ]
    assert parts(of("tweets.js")) == [
        ("repost", "RT @gull: the harbour is closed tomorrow"),
        ("short", "ok"),
    ]
    assert [d.source for d in documents(of("tweets.js"))] == [
        "tweets.js#2018-10",
        "tweets.js#2018-11",
        "tweets.js#2023-09",
    ]
    assert {d.kind for d in documents(of("tweets.js"))} == {"post"}


def test_a_long_tweet_without_its_note_keeps_what_there_is():
    assert turns(of("tweets.js", near=lambda path: None))[-1][1].endswith("a problem with str…")


def test_a_long_thread_is_one_utterance_in_its_order():
    tweets = [
        {
            "tweet": {
                "id_str": str(100 + n),
                "in_reply_to_status_id_str": str(99 + n),
                "full_text": f"Tweet {n}.",
            }
        }
        for n in (6, 2, 4, 1, 3, 5)
    ]
    found = turns(of("tweets.js", "window.YTD.tweets.part0 = " + json.dumps(tweets)))
    assert found == [("", "\n\n".join(f"Tweet {n}." for n in range(1, 7)))]


def test_tweets_that_reply_in_a_ring_do_not_hang():
    tweets = [
        {
            "tweet": {
                "id_str": str(n),
                "in_reply_to_status_id_str": str(3 - n),
                "full_text": f"Tweet number {n}",
            }
        }
        for n in (1, 2)
    ]
    found = turns(of("tweets.js", "window.YTD.tweet.part0 = " + json.dumps(tweets)))
    assert sorted(re.findall(r"\d", "".join(answer for _, answer in found))) == ["1", "2"]


# Telegram


def test_an_account_knows_its_owner_and_replies_answer_what_they_reply_to():
    assert turns(of("result.json"), Options()) == [
        (
            "The blue bicycle squeaks again.\nDo I charge him for it?",
            "Not for a squeak, see https://example.com/squeak if you must.\nA squeak is the "
            "bicycle talking.",
        ),
        ("Do I charge him for it?", "Charge him if he asks twice."),
        ("", "I pinned this over the bench today."),
    ]
    assert parts(of("result.json"), Options()) == [
        ("repost", "The pier closes at six on Sundays from now on."),
        ("quote", "Rust never sleeps, said the poster."),
    ]


def test_a_single_personal_chat_names_the_other_person():
    chat = json.loads((FOLDER / "result.json").read_text())["chats"]["list"][0]
    found = list(telegram.conversations(of("result.json", json.dumps(chat)), Options()))
    assert conversations.owner(found[0], Options()) == {"海平 宁"}


def test_a_command_to_a_bot_is_no_message():
    said = [
        {
            "id": n,
            "type": "message",
            "date": "2023-12-31T21:41:00",
            "from": "Ning",
            "from_id": "user2",
            "text": text,
        }
        for n, text in enumerate(
            [
                "/start",
                "/help@tea_bot",
                [{"type": "bot_command", "text": "/go"}],
                "/etc is a folder, not a command",
            ]
        )
    ]
    chat = {
        "name": "Tea",
        "type": "bot_chat",
        "id": 1,
        "messages": [{**said[0], "from": "Tea", "from_id": "user1", "text": "hello"}, *said],
    }
    (found,) = telegram.conversations(of("result.json", json.dumps(chat)), Options())
    assert [message.text for message in found.messages] == ["/etc is a folder, not a command"]


def test_a_channel_is_posts_of_whoever_says_so():
    assert turns(of("channel.json"), Options()) == []
    assert turns(of("channel.json")) == [
        ("", "今天只讲一件事：气要打足，话要留半句。"),
        ("", "第二件事：雨天的刹车，要早捏一拍。"),
    ]


# WhatsApp


@pytest.mark.parametrize(
    "name, expected, times",
    [
        (
            "WhatsApp Chat with Lee.txt",
            [
                (
                    "Are you coming to see the fireworks?",
                    "I can see them from the bench.\n\nThe kettle is on until midnight.\n"
                    "Happy new year: may your nuts stay tight.",
                )
            ],
            ["2023-12-31T21:43:00"],
        ),
        (
            "_chat.txt",
            [
                ("Wie war der Tag?", "Kalt, aber die Leute bringen Kuchen mit."),
                ("", "Der Kuchen von Frau Weng"),
            ],
            ["2024-02-03T21:42:00", "2024-02-04T08:01:00"],
        ),
        (
            "与阿蘅的 WhatsApp 聊天.txt",
            [
                (
                    "哥，里斯本下雨了，你那边呢？",
                    "这边没雨，风大，摊子收了一半。\n剩下一半给猫睡。",
                ),
                ("新年好！", "新年好，茶给你留着呢。"),
            ],
            ["2023-12-31T21:43:00", "2024-01-01T00:07:00"],
        ),
    ],
)
def test_whatsapp_chats_of_three_phones_are_read(name, expected, times):
    assert turns(of(name)) == expected
    assert [turn.time for document in documents(of(name)) for turn in document.turns] == times


def test_the_lines_that_nobody_said_are_nobody():
    (chat,) = whatsapp.conversations(of("WhatsApp Chat with Lee.txt"), ME)
    assert {message.sender for message in chat.messages} == {
        "Lee",
        "Half-Turn",
    } and chat.title == "Lee"


@pytest.mark.parametrize(
    "name",
    [
        "WhatsApp Chat mit Anna",
        "WhatsApp-Chat mit Anna",
        "Chat de WhatsApp con Anna",
        "Chat WhatsApp con Anna",
        "Discussion WhatsApp avec Anna",
        "Conversa do WhatsApp com Anna",
        "WhatsApp Chat with Anna",
        "WhatsApp Chat - Anna",
    ],
)
def test_the_title_of_a_chat_is_the_partner_in_every_language(name):
    (chat,) = whatsapp.conversations(of(f"{name}.txt", "03.04.23, 09:12 - Anna: Kommst du?"), ME)
    assert chat.title == "Anna"


def test_a_name_may_hold_a_colon():
    lines = [
        "Dr: Weng: the first message",
        "Lee: hello: there",
        "Dr: Weng: the second message",
        "Lee: well",
        "Dr: Weng: third",
    ]
    text = "\n".join(f"31/12/2023, 21:4{n} - {line}" for n, line in enumerate(lines))
    (chat,) = whatsapp.conversations(of("WhatsApp.txt", text), ME)
    assert [(m.sender, m.text) for m in chat.messages] == [
        ("Dr: Weng", "the first message"),
        ("Lee", "hello: there"),
        ("Dr: Weng", "the second message"),
        ("Lee", "well"),
        ("Dr: Weng", "third"),
    ]


@pytest.mark.parametrize(
    "stamps, expected",
    [
        (["3/4/23, 9:00 PM", "3/31/23, 12:30 AM"], ["2023-03-04T21:00:00", "2023-03-31T00:30:00"]),
        (["03/04/2023, 21:00", "31/04/2023, 00:30"], ["2023-04-03T21:00:00", ""]),
        (
            ["03/04/2023, 21:00", "04/04/2023, 21:00", "01/05/2023, 21:00"],
            ["2023-04-03T21:00:00", "2023-04-04T21:00:00", "2023-05-01T21:00:00"],
        ),
        (
            ["04/03/2023, 21:00", "04/04/2023, 21:00", "05/01/2023, 21:00"],
            ["2023-04-03T21:00:00", "2023-04-04T21:00:00", "2023-05-01T21:00:00"],
        ),
        (["3/4/23, 9:00 pm", "3/31/23, 9:00 pm"], ["2023-03-04T21:00:00", "2023-03-31T21:00:00"]),
        (
            ["3/4/23, 9:00 PM", "31/4/23, 9:00 PM", "30/4/23, 9:00 PM"],
            ["2023-04-03T21:00:00", "", "2023-04-30T21:00:00"],
        ),
        (["3/4/23, 9:00\u202fPM"], ["2023-03-04T21:00:00"]),
        (["3/4/23, 9:00 pm"], ["2023-04-03T21:00:00"]),
        (["3/4/2023, 21:00"], ["2023-04-03T21:00:00"]),
        (["03.04.23, 21:00:05"], ["2023-04-03T21:00:05"]),
        (["23/12/30, 21:00", "23/12/31, 21:00"], ["2023-12-30T21:00:00", "2023-12-31T21:00:00"]),
        (["31/12/2023 下午9:41"], ["2023-12-31T21:41:00"]),
        (
            ["2023/4/3 下午9:41", "2023/4/3 上午12:05"],
            ["2023-04-03T21:41:00", "2023-04-03T00:05:00"],
        ),
        (
            ["2023/4/3 凌晨12:05", "2023/4/3 晚上11:05", "2023/4/3 中午12:05"],
            ["2023-04-03T00:05:00", "2023-04-03T23:05:00", "2023-04-03T12:05:00"],
        ),
        (  # after midnight it is still called night
            ["2024/1/2 夜里1:30", "2024/1/2 深夜12:10", "2024/1/2 晚上12:30", "2024/1/2 半夜2:00"],
            [f"2024-01-02T0{time}:00" for time in ("1:30", "0:10", "0:30", "2:00")],
        ),
        (
            ["2024/1/2 夜里11:30", "2024/1/2 深夜11:10", "2024/1/2 晚上7:30", "2024/1/2 半夜11:50"],
            [f"2024-01-02T{time}:00" for time in ("23:30", "23:10", "19:30", "23:50")],
        ),
        (
            ["2024/1/2 晚上5:30", "2024/1/2 夜里5:30", "2024/1/2 晚上20:30", "2024/1/2 下午12:30"],
            [f"2024-01-02T{time}:00" for time in ("17:30", "05:30", "20:30", "12:30")],
        ),
        (  # the newest first
            ["05/03/2024", "04/03/2024", "02/03/2024", "10/02/2024", "08/02/2024"],
            ["2024-03-05", "2024-03-04", "2024-03-02", "2024-02-10", "2024-02-08"],
        ),
        (
            ["03/05/2024 9:00 PM", "03/04/2024 9:00 PM", "02/10/2024 9:00 PM"],
            ["2024-03-05T21:00:00", "2024-03-04T21:00:00", "2024-02-10T21:00:00"],
        ),
        (  # steadily forwards one way, backwards the other
            ["3/1/24, 9:00 PM", "2/2/24, 9:00 PM", "1/3/24, 9:00 PM"],
            ["2024-01-03T21:00:00", "2024-02-02T21:00:00", "2024-03-01T21:00:00"],
        ),
        (  # no blank beside Chinese
            [
                "17 May 2024下午3:05",
                "2024年5月17日下午3:05",
                "2024/5/17下午3:05",
                "2024年5月17日15:05",
            ],
            ["2024-05-17T15:05:00"] * 4,
        ),
        (["2023年5月1日 星期一 21:03"], ["2023-05-01T21:03:00"]),
        (["2023-05-01T21:03:04.123Z"], ["2023-05-01T21:03:04"]),
        (["12.3.2022 klo 14.08.18"], ["2022-03-12T14:08:18"]),
        (["1682946000", "1682946000000"], ["2023-05-01T13:00:00"] * 2),
        (["Wed Oct 10 20:19:24 +0000 2018"], ["2018-10-10T20:19:24"]),
        (["2023-02-30 10:00", "soon", ""], ["", "", ""]),
    ],
)
def test_days_and_months_are_told_apart_over_a_whole_file(stamps, expected):
    assert dates.times(stamps) == expected


def test_what_is_written_after_midnight_answers_what_was_asked_before():
    said = ["1 晚上11:50] 安: 还没睡吗你在干什么呢", "2 夜里12:10] 我: 在修那辆自行车的链条"]
    said += ["2 夜里1:30] 安: 那你几点睡啊", "2 凌晨1:40] 我: 链条修好了就去睡觉"]
    file = of("WhatsApp Chat.txt", "\n".join(f"[2024/1/{line}" for line in said))
    assert turns(file, Options(("我",))) == [
        ("还没睡吗你在干什么呢", "在修那辆自行车的链条"),
        ("那你几点睡啊", "链条修好了就去睡觉"),
    ]


# What was typed to a machine


def test_only_the_owners_own_prompts_are_read_and_the_machine_asks_nothing():
    (document,) = documents(of("conversations.json"))
    assert [(t.question, t.answer) for t in document.turns] == [
        ("", "How tight is tight enough for a stem bolt?"),
        ("", "I have no torque wrench, only a wrist. What does my script say?"),
    ]
    assert document.removed == [
        Removed("message", "code", "```\nprint(5 * 2)\n```"),
        Removed("message", "short", "谢谢"),
    ]
    assert (document.title, document.source, document.date) == (
        "Bolt torque",
        "conversations.json#abc-1",
        "2023-05-02",
    )
    assert turns(of("claude.json")) == [("", "老街坊都说茶要烫，凉了的茶还能喝吗？")]


def test_what_was_pasted_is_somebody_elses():
    logs = "\n".join(f"2023-05-01 10:00:0{n} ERROR worker({n}) failed" for n in range(5))
    messages = [
        {"role": "user", "content": text}
        for text in ("An essay. " * 200, logs, "Why does it fail at night?")
    ]
    file = of(
        "x.json",
        json.dumps(
            [{"title": "T", "messages": [*messages, {"role": "assistant", "content": "Hm."}]}]
        ),
    )
    assert turns(file) == [("", "Why does it fail at night?")]
    assert [reason for reason, _ in parts(file)] == ["quote", "quote"]


def test_json_nested_without_end_is_refused():
    with pytest.raises(Unreadable, match="deep"):
        list(chatgpt.read(of("x.json", '[{"mapping": {"a": ' + "[" * 200_000)))
