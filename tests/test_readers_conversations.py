"""Subtitles, archives, chats, tables: each known by its content, read without loss, refused in a word when broken."""

import io
import json
import re
import zipfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from twinlib.corpus import conversations
from twinlib.corpus.readers import chatgpt, dates, qa_tables, spreadsheets, subtitles
from twinlib.corpus.readers.chats import chat_table, chat_text, telegram, twitter, whatsapp
from twinlib.corpus.readers.encoding import Unreadable
from twinlib.corpus.readers.input_file import File, Options, UnknownColumns
from twinlib.corpus.records import Removed, Turn

FOLDER = Path(__file__).parent / "exports" / "conversations"
POSTS = Path(__file__).parent.parent / "data_samples"
READERS = {
    "subtitles": subtitles,
    "twitter": twitter,
    "telegram": telegram,
    "chatgpt": chatgpt,
    "whatsapp": whatsapp,
    "chat": chat_text,
    "answers": qa_tables,
    "table": chat_table,
}
FORMATS = {
    "talk.srt": "subtitles",
    "rolling.en.vtt": "subtitles",
    "谈茶.zh-Hans.vtt": "chat",
    "tweets.js": "twitter",
    "note-tweet.js": None,
    "result.json": "telegram",
    "channel.json": "telegram",
    "WhatsApp Chat with Lee.txt": "whatsapp",
    "_chat.txt": "whatsapp",
    "与阿蘅的 WhatsApp 聊天.txt": "whatsapp",
    "conversations.json": "chatgpt",
    "claude.json": "chatgpt",
    "training.jsonl": None,
    "answers.csv": "answers",
    "gsm.jsonl": "answers",
    "gbk.csv": "table",
    "wechat.csv": "table",
    "weibo.csv": "table",
    "chat.jsonl": "table",
    "unknown.csv": "table",
    "diary.txt": None,
    "numbers.csv": None,
    "server.txt": None,
}
ME = Options(me=("Ning", "Half-Turn", "海平", "半圈"))


def of(name, data=None, near=None):
    near = near or (
        lambda path: (FOLDER / path).read_bytes() if (FOLDER / path).is_file() else None
    )
    data = data.encode() if isinstance(data, str) else data
    return File(name, (FOLDER / name).read_bytes() if data is None else data, near)


def knowing(file):
    return [name for name, reader in READERS.items() if reader.looks_like(file)]


def documents(file, options=ME):
    """All raw documents of a file, the way a corpus is read."""
    found = []
    for kind in knowing(file)[:1]:
        reader = READERS[kind]
        if hasattr(reader, "read"):
            found += reader.read(file)
        else:
            for name, conversation in conversations.named(
                reader.conversations(file, options), file.name
            ):
                found += conversations.documents(conversation, name, options)
    return found


def turns(file, options=ME):
    return [
        (turn.question, turn.answer)
        for document in documents(file, options)
        for turn in document.turns
    ]


def parts(file, options=ME):
    return [
        (removed.reason, removed.text)
        for document in documents(file, options)
        for removed in document.removed
    ]


def workbook(sheets):
    from openpyxl import Workbook

    book, content = Workbook(), io.BytesIO()
    book.remove(book.active)
    for name, rows in sheets.items():
        sheet = book.create_sheet(name)
        for row in rows:
            sheet.append(row)
    book.save(content)
    return content.getvalue()


# Which reader


def test_every_export_is_known_by_exactly_the_right_reader():
    assert {path.name for path in FOLDER.iterdir()} == set(FORMATS)
    for name, kind in FORMATS.items():
        assert knowing(of(name)) == ([kind] if kind else []), name


def test_posts_belong_to_none_of_them():
    for path in (POSTS / "posts").iterdir():
        assert knowing(File(path.name, path.read_bytes())) == [], path.name
    assert knowing(File("README.md", (POSTS / "README.md").read_bytes())) == []
    assert knowing(File("problems.jsonl", (POSTS / "problems.jsonl").read_bytes())) == ["answers"]


@pytest.mark.parametrize(
    "name, kind", [item for item in FORMATS.items() if item[0].endswith((".json", ".txt"))]
)
def test_the_name_of_an_export_does_not_matter(name, kind):
    assert knowing(of("export.txt", (FOLDER / name).read_bytes())) == ([kind] if kind else [])


@pytest.mark.parametrize(
    "name, text",
    [
        (
            "diary.txt",
            "2023-05-01 21:03 - Mood: good\n2023-05-02 21:03 - Mood: better\n2023-05-03 21:03 - Mood: best\n",
        ),
        (
            "days.txt",
            "1/5/2023, 21:03 - Bench: dry\n\n2/5/2023, 21:03 - Tea: hot\n\n3/5/2023, 21:03 - Tea: cold\n\n"
            "4/5/2023, 21:03 - Bench: wet\n",
        ),
        (
            "about.md",
            "# Subtitles\n\nA cue looks like this:\n\n```\n1\n00:00:01,000 --> 00:00:02,000\nHi\n```\n",
        ),
        (
            "prose.txt",
            "Tea, oil, rags.\nA bench, a cat, a kettle.\nThat is all there is, neighbour, to a stall.\n",
        ),
        ("rows.jsonl", '{"title": "a", "messages": [{"role": "user", "content": "b"}]}\n' * 2),
        ("package.json", '{"name": "x", "messages": {"a": 1}}'),
        ("list.json", "[1, 2, 3]"),
        ("empty.csv", ""),
        (
            "posts.csv",
            "post_id,post_date,is_published,title\n1.a,2023-05-01,true,A long title of a post of mine here\n",
        ),
    ],
)
def test_prose_and_data_are_not_taken(name, text):
    assert knowing(of(name, text)) == []


# Subtitles


def test_subtitles_become_paragraphs_at_pauses_without_sounds_and_tags():
    (document,) = documents(of("talk.srt"))
    assert document.text == (
        "Morning, neighbour. The kettle is on, and the chain on the bench is dry.\n\n"
        "A dry chain tells you nothing about its owner. It only tells you the weather."
    )
    assert (document.kind, document.fallback_title) == ("transcript", "talk")


def test_lines_that_roll_over_the_screen_are_there_once():
    (document,) = documents(of("rolling.en.vtt"))
    assert document.text == "so today we look at a brake cable that somebody tied in knots"
    assert document.fallback_title == "rolling"


def test_lines_that_grow_word_by_word_are_there_once():
    cues = ["so today", "so today we look", "so today we look at rust", "and at nothing else"]
    text = "\n\n".join(
        f"{n}\n00:00:0{n},000 --> 00:00:0{n + 1},000\n{line}" for n, line in enumerate(cues, 1)
    )
    assert documents(of("a.srt", text))[0].text == "so today we look at rust and at nothing else"


def test_a_line_said_twice_stays_twice():
    text = "\n\n".join(
        f"{n}\n00:00:0{n},000 --> 00:00:0{n + 1},000\n{line}"
        for n, line in enumerate(["No.", "No.", "I said it.", "Twice."], 1)
    )
    assert documents(of("a.srt", text))[0].text == "No. No. I said it. Twice."


def test_chinese_lines_are_joined_without_spaces_and_speakers_are_named():
    assert turns(of("谈茶.zh-Hans.vtt"), Options(me=("阿宁",))) == [
        ("", "街坊，茶要烫，话要慢慢说。")
    ]
    assert parts(of("谈茶.zh-Hans.vtt"), Options(me=("阿宁",))) == [("short", "浇花。")]
    assert turns(of("谈茶.zh-Hans.vtt"), Options(me=("主持人",))) == [
        ("街坊，茶要烫，话要慢慢说。", "那凉了的茶怎么办？")
    ]
    assert documents(of("谈茶.zh-Hans.vtt"), Options()) == []


def cues(*lines):
    return "\n\n".join(
        f"{n}\n00:00:{n:02d},000 --> 00:00:{n + 1:02d},000\n{line}"
        for n, line in enumerate(lines, 1)
    )


def test_labels_in_the_lines_are_speakers_when_they_come_back():
    text = "\n\n".join(
        f"{n}\n00:00:0{n},000 --> 00:00:0{n + 1},000\n{line}"
        for n, line in enumerate(
            ["HOST: Why tea?", "NING: Why not?", "HOST: I see.", "NING: Note: it is hot."], 1
        )
    )
    (chat,) = chat_text.conversations(of("a.srt", text), ME)
    assert [(m.sender, m.text, m.time) for m in chat.messages] == [
        ("HOST", "Why tea?", ""),
        ("NING", "Why not?", ""),
        ("HOST", "I see.", ""),
        ("NING", "Note: it is hot.", ""),
    ]


def test_who_goes_on_speaking_is_not_named_again():
    text = cues(
        "主持人：你为什么修车？",
        "说话人 2：因为车不说谎。",
        "人会，我也会。",
        "主持人：那猫呢？",
        "说话人 2：猫什么都不说。",
    )
    assert turns(of("a.srt", text), Options(me=("说话人 2",))) == [
        ("你为什么修车？", "因为车不说谎。人会，我也会。"),
        ("那猫呢？", "猫什么都不说。"),
    ]
    assert documents(of("a.srt", text), Options(me=("说话人 2",)))[0].source == "a.srt#1"


def test_one_speaker_alone_and_a_talk_with_rules_stay_transcripts():
    alone = cues("NING: The kettle is on.", "It is hot.", "NING: And the chain is dry.")
    assert knowing(of("a.srt", alone)) == ["subtitles"]
    assert documents(of("a.srt", alone))[0].text == (
        "The kettle is on.\n\nIt is hot.\n\nAnd the chain is dry."
    )
    talk = cues(
        "Good morning to you.",
        "I have a few rules.",
        "Rule: dry it.",
        "Why: rust.",
        "Rule: oil it.",
        "Why: rust.",
    )
    assert knowing(of("a.srt", talk)) == ["subtitles"]


@pytest.mark.parametrize(
    "text",
    [
        "1\n00:00:01,000 --> 00:00:02,000\nfirst words\n2\n00:00:02,000 --> 00:00:04,000\nsecond words\n",
        "00:00:01,000 --> 00:00:02,000\nfirst words\n\n00:00:02,000-->00:00:04,000\nsecond words\n",
        "1\n00:01,000 --> 00:02,000\nfirst words\n\nsecond words\n",
        "WEBVTT\n00:00:01,000 --> 00:00:02,000\nfirst words\nsecond words",
        "Subtitles by me\n\n1\n0:00:01.0 --> 0:00:02.00\nfirst words\n\n2\n00:00:61.000 --> 00:00:02.000\nsecond words\n",
    ],
)
def test_nothing_is_lost_in_a_dirty_subtitle_file(text):
    assert documents(of("a.srt", text))[0].text.split() == ["first", "words", "second", "words"]


def test_chinese_subtitles_without_punctuation_get_it_where_a_cue_ends():
    text = "\n\n".join(
        f"{n}\n00:00:{n:02d},000 --> 00:00:{n:02d},900\n{line}"
        for n, line in [(1, "街坊茶要烫"), (2, "话要慢慢说"), (3, "猫在睡"), (9, "说完了")]
    )
    assert documents(of("a.srt", text))[0].text == "街坊茶要烫，话要慢慢说，猫在睡。\n\n说完了。"


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
        "2023-05-01 21:03 晴\n没活。\n\n2023-05-02 21:10 晴\n三个人。\n\n2023-05-03 20:10 阴\n下雨。\n\n2023-05-04 21:00 阴\n还下。\n",
        "2023-05-01 21:03 Lisbon\nRain.\n\n2023-05-02 21:10 Porto\nSun.\n\n2023-05-03 20:10 Lisbon\nRain.\n",
        "Morning 08:00\nTea.\n\nEvening 21:00\nOil.\n\nMorning 08:10\nTea again.\n\nEvening 20:00\nNo oil.\n",
        "08:00 Stall\nOpen.\n09:00 Pier\nFog.\n12:00 Stall\nSoup.\n13:00 Pier\nMore fog.\n",
        "2023-05-01 10:00:00 server\n2023-05-01 10:00:01 client\n2023-05-01 10:00:02 server\n2023-05-01 10:00:03 client\n",
        "ACT I\n\n" + "ANNA: Where is the cat?\n\nBEN: It sleeps in the box.\n\n" * 4,
        "ANNA: Where is the cat?\n\nBEN: (aside) She knows.\n\n" * 4,
        "他说：“车修好了没有？”\n她说：“没有，明天来。”\n" * 4,
        "The rain had stopped.\n\nAnna: where is it?\n\nShe looked.\n\nBen: in the box.\n\nIt was not there.\n\n"
        * 4,
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
            "Tightened one bolt today. Half a turn. The whole bicycle stopped complaining & so did its owner.",
            "Two rules for a wet winter. First: dry the bicycle before you dry yourself.\n\n"
            "Second: wipe the chain before you oil it.",
            "No, the cat has not learnt to true a wheel yet.",
            "今天码头起雾，摊子照摆，茶比平时多烧了一壶。",
            "People ask why the stall has no sign. A sign tells strangers where you are, and I have never had a problem "
            "with strangers: they arrive pushing something broken, and a broken thing makes its own noise.",
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
            "Not for a squeak, see https://example.com/squeak if you must.\nA squeak is the bicycle talking.",
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
        "StrTalker,IsSender,StrContent,CreateTime\nweng,1,后来的那一句话,1682946060\nlee,0,and you?,1682946000\n"
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


# Nothing lost, nothing raised


@pytest.mark.parametrize(
    "name",
    [
        name
        for name, kind in FORMATS.items()
        if kind not in (None, "subtitles") and name != "unknown.csv"
    ],
)
def test_the_text_of_a_document_is_its_answers(name):
    for document in documents(of(name)):
        assert document.text == "\n\n".join(turn.answer for turn in document.turns)


SAID = (
    st.text(st.characters(codec="utf-8", categories=("L", "N", "P", "S", "Zs")), max_size=40)
    .map(lambda text: f"Nothing of this is lost {text}".strip())
    .filter(lambda text: "\u200e" not in text)
)


@settings(deadline=None, max_examples=60)
@given(st.lists(st.tuples(st.sampled_from(["Ning", "Lee"]), SAID), min_size=2, max_size=12))
def test_every_word_of_the_owner_is_there_once(messages):
    numbered = [
        (sender, f"{number:03d} {text}") for number, (sender, text) in enumerate(messages, 100)
    ]
    own = [text for sender, text in numbered if sender == "Ning"]
    exports = {
        "WhatsApp.txt": "\n".join(
            f"31/12/2023, 21:41 - {sender}: {text}" for sender, text in numbered
        ),
        "result.json": json.dumps(
            {
                "name": "g",
                "type": "private_group",
                "id": 1,
                "messages": [
                    {
                        "id": n,
                        "type": "message",
                        "date": "2023-12-31T21:41:00",
                        "from": sender,
                        "from_id": sender,
                        "text": text,
                    }
                    for n, (sender, text) in enumerate(numbered)
                ],
            }
        ),
        "c.jsonl": "".join(
            json.dumps({"sender": sender, "message": text}) + "\n" for sender, text in numbered
        ),
    }
    for name, content in exports.items():
        found = "\n".join(answer for _, answer in turns(of(name, content)))
        assert [found.count(text[:4]) for text in own] == [1] * len(own), name


@settings(deadline=None, max_examples=100, suppress_health_check=[HealthCheck.too_slow])
@given(st.data())
def test_broken_exports_raise_nothing_but_their_reason(data):
    name = data.draw(st.sampled_from([*FORMATS, "a.xlsx"]))
    content = bytearray(XLSX if name == "a.xlsx" else (FOLDER / name).read_bytes())
    for _ in range(data.draw(st.integers(1, 6))):
        place = data.draw(st.integers(0, max(len(content) - 1, 0)))
        size = data.draw(st.integers(0, 30))
        content[place : place + size] = data.draw(
            st.one_of(
                st.binary(max_size=8),
                st.sampled_from(
                    [
                        b"null",
                        b"{}",
                        b"[]",
                        b"[[",
                        b'"',
                        b"\n",
                        b"-->",
                        b"\0",
                        b"1e999",
                        b"\xff\xfe",
                        bytes(content[:200]),
                    ]
                ),
            )
        )
    for reader in READERS.values():
        file = of(name, bytes(content))
        try:
            assert reader.looks_like(file) in (True, False)
            if hasattr(reader, "read"):
                list(reader.read(file))
            else:
                for full, conversation in conversations.named(reader.conversations(file, ME), name):
                    list(conversations.documents(conversation, full, ME))
        except (Unreadable, UnknownColumns):
            pass


XLSX = workbook({"a": [["sender", "text"], ["Ning", "The kettle is on."], ["Lee", "Good."]]})
