"""Exports of chat programs as text and JSON: each is read by sender, with its times."""

import json

import pytest
from conversation_makers import of

from twinlib.corpus import conversations
from twinlib.corpus.readers import format_of
from twinlib.corpus.readers.chats import chat_page, chat_table, chat_text, message_json
from twinlib.corpus.readers.chats.messages import Message
from twinlib.text.inputs.input_file import Options

DISCORD = """==============================================================
Guild: Direct Messages
==============================================================

[08-Oct-24 02:40 PM] rower#1234 (pinned)
did you see the boat
second line

{Reactions}
👍 (2)

[08-Oct-24 03:00 PM] nele
I saw it from the bridge

{Embed}
A page of others

[08-Oct-24 03:02 PM] rower#1234
fine then

==============================================================
Exported 3 message(s)
==============================================================
"""
IMESSAGE = """May 17, 2024  5:29:42 PM (Read by them after 5 seconds)
Me
I saw the heron again

May 17, 2024  5:31:02 PM
+4915550001
he has moved
Tapbacks:
Loved by Me
    May 17, 2024  5:40:00 PM
    Me
    a reply

May 17, 2024  5:33:02 PM You named the conversation Herons

May 17, 2024  5:40:00 PM
Me
a reply
This message responded to an earlier message.
"""
QQ_EXPORTER = """[QQChatExporter V4 / https://example.org]
===============================================
聊天名称: 老周
导出时间: 2025-05-02 10:00:00

阿柚:
时间: 2025-05-01 08:10:00
内容: 今天的船停了
第二行

老周:
时间: 2025-05-01 08:12:00
内容: 那就等
资源: 1 个文件
  - image: a.jpg

阿柚:
时间: 2025-05-01 08:13:00
内容: 好
回复: 老周 - 那就等

===============================================
总计导出 3 条消息
"""
KAKAO = """nele 님과 카카오톡 대화
저장한 날짜 : 2024-12-10 10:50:12

--------------- 2024년 12월 9일 월요일 ---------------
[홍길동] [오후 2:30] 안녕하세요
[nele] [오후 2:31] 네
둘째 줄
[홍길동] [오전 12:33] 잘
"""
KAKAO_PHONE = """2026년 2월 2일 월요일
2026. 2. 2. 오전 7:33, 홍길동 : 안녕하세요
2026. 2. 2. 오전 7:34, nele : 네
둘째
2026. 2. 2. 오전 7:35: nele님이 나갔습니다.
2026. 2. 2. 오후 7:36, 홍길동 : 그래요
"""
LINE_SPACED = """[LINE] Chat history with Ole Voss
Saved on: 2025/12/10 10:00

2025.12.10 Wednesday
10:01 Ole Voss hello you
10:02 nele yes hello
10:03 Ole Voss how is it
10:04 nele well
10:05 Ole Voss the boat is in
10:06 Ole Voss at last
"""
LINE_TABS = """[LINE] 與老周的聊天記錄
保存日期: 2026/1/30 10:00

2026/1/30周五
上午10:01\t阿柚\t你好嗎
上午10:02\t老周\t"好的
第二行"
上午10:02\t\t老周收回了訊息
下午10:03\t阿柚\t晚安
"""


def _two(pattern, texts="the crane has stopped|so the boat stays|yes|ok"):
    """Four messages of Nele and Ole, each written as in `pattern` ({n} the minute)."""
    names = ("Nele Brand", "Ole Voss") * 2
    return "".join(
        pattern.format(name=name, n=n, text=text)
        for n, (name, text) in enumerate(zip(names, texts.split("|")))
    )


FOUR = [
    ("Nele Brand", "the crane has stopped"),
    ("Ole Voss", "so the boat stays"),
    ("Nele Brand", "yes"),
    ("Ole Voss", "ok"),
]
CHATS = {
    "discord": (
        DISCORD,
        [
            ("rower#1234", "did you see the boat\nsecond line"),
            ("nele", "I saw it from the bridge"),
            ("rower#1234", "fine then"),
        ],
        "2024-10-08T14:40:00",
    ),
    "imessage": (
        IMESSAGE,
        [("Me", "I saw the heron again"), ("+4915550001", "he has moved"), ("Me", "a reply")],
        "2024-05-17T17:29:42",
    ),
    "qq exporter": (
        QQ_EXPORTER,
        [("阿柚", "今天的船停了\n第二行"), ("老周", "那就等"), ("阿柚", "好")],
        "2025-05-01T08:10:00",
    ),
    "kakao": (
        KAKAO,
        [("홍길동", "안녕하세요"), ("nele", "네\n둘째 줄"), ("홍길동", "잘")],
        "2024-12-09T14:30:00",
    ),
    "kakao phone": (
        KAKAO_PHONE,
        [("홍길동", "안녕하세요"), ("nele", "네\n둘째"), ("홍길동", "그래요")],
        "2026-02-02T07:33:00",
    ),
    "kakao english": (
        _two("December 9, 2024 at 2:3{n} PM, {name} : {text}\n"),
        FOUR,
        "2024-12-09T14:30:00",
    ),
    "line with spaces": (
        LINE_SPACED,
        [
            ("Ole Voss", "hello you"),
            ("nele", "yes hello"),
            ("Ole Voss", "how is it"),
            ("nele", "well"),
            ("Ole Voss", "the boat is in"),
            ("Ole Voss", "at last"),
        ],
        "2025-12-10T10:01:00",
    ),
    "line with tabs": (
        LINE_TABS,
        [("阿柚", "你好嗎"), ("老周", "好的\n第二行"), ("阿柚", "晚安")],
        "2026-01-30T10:01:00",
    ),
    "whatsapp viewer": (
        _two("01.04.2015 - 16:0{n}:27; {name}: {text}\n"),
        FOUR,
        "2015-04-01T16:00:27",
    ),
    "weflow": (_two("2025-05-01 08:1{n}:00 '{name}'\n{text}\n\n"), FOUR, "2025-05-01T08:10:00"),
    "weflow before": (
        _two('2025-05-01 08:1{n}:00 "{name}"\n{text}\n\n'),
        FOUR,
        "2025-05-01T08:10:00",
    ),
    "zoom": (_two("16:33:1{n}\t From  {name}  to  Everyone : {text}\n"), FOUR, ""),
    "zoom without receiver": (_two("16:33:1{n}\t From  {name} : {text}\n"), FOUR, ""),
    "zoom below": (_two("16:33:1{n} From {name} to Everyone:\n\t{text}\n"), FOUR, ""),
    "zoom recording": (_two("00:58:0{n}\t{name}:\t{text}\n"), FOUR, ""),
    "teams": (_two("[9:0{n} AM] {name}: {text}\n"), FOUR, ""),
    "teams below": (_two("{name}\n10:30:4{n} AM → https://example.org/{n}\n{text}\n\n"), FOUR, ""),
    "slack": (_two("{name}  10:0{n} AM\n{text}\n2 replies\n\n"), FOUR, ""),
    "slack below": (_two("{name}\n  10:0{n} AM\n{text}\n"), FOUR, ""),
    "feishu": (_two("{name} 10:0{n}\n{text}\n\n"), FOUR, ""),
    "feishu below": (_two("{name}\n2025年9月23日 15:4{n}\n{text}\n"), FOUR, "2025-09-23T15:40:00"),
    "at night": (_two("{name} 夜里11:3{n}\n{text}\n\n"), FOUR, ""),
    "dingtalk": (_two("{name} 昨天 10:0{n}\n{text}\n\n"), FOUR, ""),
}


@pytest.mark.parametrize("name", CHATS)
def test_a_chat_in_text_is_read_by_sender(name):
    text, expected, time = CHATS[name]
    file = of("a.txt", text)
    assert format_of(file) == "chat"
    (chat,) = chat_text.conversations(file, Options())
    own = [message for message in chat.messages if not message.skip_reason]
    assert [(message.sender, message.text) for message in own] == expected
    assert own[0].time == time


DIARIES = [
    "2024-05-01 22:10\nThe boat was late.\n\n2024-05-02 22:30\nIt came at last.\n\n"
    "2024-05-03 22:00\nNothing to say today.\n",
    "早上 8:00\n喝了一碗粥。\n中午 12:00\n在码头吃面。\n"
    "早上 8:10\n又是粥。\n中午 12:10\n又是面。\n",
    "10:05 Tram: late\n10:20 Rain\n14:30 Tram: on time\n",
    "2023.05.01 Monday\n10:01 went to town\n11:00 met Ann\n12:30 ate alone\n13:00 slept\n",
]


@pytest.mark.parametrize("text", DIARIES)
def test_notes_with_times_are_no_chat(text):
    assert format_of(of("a.txt", text)) == "text"


TWO = [
    ("阿柚", "我在码头上等一艘船", True),
    ("老周", "船今天不来了", False),
    ("阿柚", "那就明天再来一趟", True),
]


def _garbled(text):
    return text.encode().decode("latin-1")


def _weflow():
    messages = [
        {
            "createTime": 1746087000 + n,
            "formattedTime": f"2025-05-01 08:1{n}:00",
            "type": "文本消息",
            "content": text,
            "isSend": int(own),
            "senderUsername": f"wxid_{own}",
            "senderDisplayName": name,
        }
        for n, (name, text, own) in enumerate(TWO)
    ]
    messages.append(messages[0] | {"type": "图片消息", "content": "images/a.jpg"})
    messages.append(
        messages[1] | {"type": "系统消息", "content": "老周撤回了一条消息", "isSend": None}
    )
    session = {"wxid": "wxid_zhou", "displayName": "老周", "type": "私聊"}
    return json.dumps({"weflow": {"version": "1"}, "session": session, "messages": messages})


def _chatlab_parts():
    head = {
        "chatlab": {"version": "0.0.2"},
        "meta": {"name": "老周", "platform": "wechat", "type": "private", "ownerId": "id_True"},
    }
    messages = [
        {
            "sender": f"id_{own}",
            "accountName": name,
            "timestamp": 1746087000 + 60 * n,
            "type": 0,
            "content": text,
        }
        for n, (name, text, own) in enumerate(TWO)
    ]
    return head, [*messages, messages[0] | {"type": 1, "content": None}]


def _chatlab():
    head, messages = _chatlab_parts()
    avatars = [{"platformId": "id_x", "accountName": "x", "avatar": "A" * 90_000}]
    return json.dumps({**head, "members": avatars, "messages": messages})


def _chatlab_lines():
    head, messages = _chatlab_parts()
    lines = [{"_type": "header", **head}, *({"_type": "message", **m} for m in messages)]
    return "\n".join(map(json.dumps, lines))


def _qq_messages():
    return [
        {
            "id": str(n),
            "timestamp": 1746087000000 + 60_000 * n,
            "sender": {"uid": f"u_{own}", "uin": str(own), "name": name},
            "type": "text",
            "content": {"text": text, "elements": [], "resources": []},
            "recalled": False,
            "system": False,
        }
        for n, (name, text, own) in enumerate(TWO)
    ]


QQ_CHAT = {"metadata": {"version": "5"}, "chatInfo": {"name": "老周", "selfUid": "u_True"}}


def _meta():
    messages = [
        {
            "sender_name": _garbled(name),
            "timestamp_ms": 1746087000000 + 60_000 * n,
            "content": _garbled(text),
        }
        for n, (name, text, _) in enumerate(TWO)
    ]
    messages.append(messages[0] | {"content": "You sent an attachment."})
    people = [{"name": _garbled(name)} for name in ("老周", "阿柚")]
    return json.dumps(
        {"participants": people, "messages": messages[::-1], "title": _garbled("老周")}
    )


def _discord():
    messages = [
        {
            "id": str(n),
            "type": "Default",
            "timestamp": f"2025-05-01T08:1{n}:00.123+00:00",
            "content": text,
            "author": {"id": name, "name": name, "nickname": name, "isBot": False, "roles": []},
        }
        for n, (name, text, _) in enumerate(TWO)
    ]
    messages.append(messages[1] | {"type": "ChannelPinnedMessage", "content": "Pinned a message."})
    guild, channel = {"id": "0", "name": "Direct Messages"}, {"id": "1", "name": "老周"}
    return json.dumps({"guild": guild, "channel": channel, "messages": messages})


def _slack():
    messages = [
        {
            "type": "message",
            "user": f"U{name}",
            "text": f"{text} &amp; <@U老周>" if n == 0 else text,
            "ts": f"{1746087000 + n}.000100",
            "user_profile": {"real_name": name, "display_name": name},
        }
        for n, (name, text, _) in enumerate(TWO)
    ]
    joined = messages[1] | {"subtype": "channel_join", "text": "<@U老周> has joined the channel"}
    return json.dumps([joined, *messages])


EXPORTS = {  # {name: (text, whether it says who the owner is)}
    "weflow": (_weflow(), True),
    "weflow before": (_weflow().replace('"weflow": {"version": "1"}, ', ""), True),
    "chatlab": (_chatlab(), True),
    "chatlab lines": (_chatlab_lines(), True),
    "qq": (json.dumps({**QQ_CHAT, "messages": _qq_messages()}), True),
    "qq in one file of chunks": (
        json.dumps({"chunks": [{**QQ_CHAT, "messages": [m]} for m in _qq_messages()]}),
        True,
    ),
    "qq lines": ("\n".join(map(json.dumps, _qq_messages())), False),
    "messenger": (_meta(), False),
    "discord": (_discord(), False),
    "slack": (_slack(), False),
}


@pytest.mark.parametrize("name", EXPORTS)
def test_a_chat_in_json_is_read_by_sender(name):
    text, says_who = EXPORTS[name]
    file = of("chat/a.json", text)
    assert format_of(file) == "messages"
    (chat,) = message_json.conversations(file, Options())
    own = [message for message in chat.messages if not message.skip_reason]
    said = [message._replace(text=message.text.replace(" & @老周", "")) for message in own]
    times = [message.time for message in own]
    assert said == [
        Message(name, text, time, mine if says_who else None)
        for (name, text, mine), time in zip(TWO, times)
    ]
    assert times == sorted(times) and times[0].startswith("2025-05-01T08:")


@pytest.mark.parametrize("name", EXPORTS)
def test_an_answer_in_json_has_the_question_before_it(name):
    text, _ = EXPORTS[name]
    (chat,) = message_json.conversations(of("chat/a.json", text), Options())
    (month,) = conversations.documents(chat, "a", Options(("阿柚",)))
    assert [turn.question for turn in month.turns] == ["", "船今天不来了"]


QUESTIONS = [
    ("安", "Where do you keep the flour?"),
    ("柚", "In the blue tin on the second shelf."),
    ("安", "能放多久啊？"),
    ("柚", "盖好盖子放半年，再久就生虫了。"),
    ("安", "My cat, yesterday, on the roof"),
]


@pytest.mark.parametrize("ids", ["none", "none of the last", "all"])
def test_messages_without_an_id_are_no_replies_to_each_other(ids):
    head = {"chatlab": {"version": "0.0.2"}, "meta": {"name": "安", "ownerId": "柚"}}
    messages = [
        {"sender": name, "accountName": name, "timestamp": 1746087000 + n, "type": 0}
        | {"content": text}
        | ({"platformMessageId": f"m{n}"} if ids == "all" or n < 4 and ids != "none" else {})
        for n, (name, text) in enumerate(QUESTIONS)
    ]
    text = json.dumps({**head, "messages": messages})
    (chat,) = message_json.conversations(of("a.json", text), Options())
    assert [message.reply_to for message in chat.messages] == [None] * 5
    (month,) = conversations.documents(chat, "a", Options())
    assert [turn.question for turn in month.turns] == [QUESTIONS[0][1], QUESTIONS[2][1]]


def test_a_member_without_an_id_gives_nobody_their_name():
    head, messages = _chatlab_parts()
    messages = [{k: v for k, v in m.items() if k != "sender"} for m in messages[:3]]
    members = [{"accountName": "小满"}]
    text = json.dumps({**head, "members": members, "messages": messages})
    (chat,) = message_json.conversations(of("a.json", text), Options())
    assert [message.sender for message in chat.messages] == [name for name, *_ in TWO]


def test_a_reply_to_ones_own_message_quotes_nobody():
    head, messages = _chatlab_parts()
    messages = [m | {"platformMessageId": str(n)} for n, m in enumerate(messages[:3])]
    messages[2] |= {"type": 25, "replyToMessageId": "0", "quotedContent": TWO[0][1]}
    text = json.dumps({**head, "messages": messages})
    (chat,) = message_json.conversations(of("a.json", text), Options())
    assert chat.messages[2].reply_to is None


@pytest.mark.parametrize("ends", ["whole", "one without a time"])
@pytest.mark.parametrize("form", ["table", "json", "page"])
def test_with_the_newest_first_a_question_of_the_same_minute_stays_before_its_answer(form, ends):
    said = [("10:00", *QUESTIONS[0]), ("10:00", *QUESTIONS[1])]
    said += [("10:01", *QUESTIONS[2]), ("10:01", *QUESTIONS[3]), ("10:02", *QUESTIONS[4])]
    said = [(f"2024-01-02 {time}", name, text) for time, name, text in said]
    if ends != "whole":
        said[2] = ("", *said[2][1:])
    file = of(*_files(said[::-1])[form])
    reader = {"table": chat_table, "json": message_json, "page": chat_page}[form]
    (chat,) = reader.conversations(file, Options())
    assert [(m.sender, m.text) for m in chat.messages] == QUESTIONS


@pytest.mark.parametrize("form", ["table", "json", "page"])
def test_a_last_message_without_a_time_does_not_turn_a_chat_round(form):
    said = [(f"2024-01-02 10:0{n}", *message) for n, message in enumerate(QUESTIONS)]
    said[-1] = ("", *said[-1][1:])
    reader = {"table": chat_table, "json": message_json, "page": chat_page}[form]
    (chat,) = reader.conversations(of(*_files(said)[form]), Options())
    assert [(m.sender, m.text) for m in chat.messages] == QUESTIONS


def _files(said):
    """{form: (name, text) of a file} of messages [(time, sender, text)]."""
    rows = ["时间,发送者,内容", *(f'{time},{name},"{text}"' for time, name, text in said)]
    head = {"chatlab": {"version": "0.0.2"}, "meta": {"name": "安"}}
    keys = ("formattedTime", "sender", "content")
    listed = [dict(zip(keys, message)) for message in said]
    page = "".join(
        f'<div class="message"><div class="message-sender">{name}</div>'
        f'<div class="message-time">{time}</div><div class="message-content">{text}</div></div>'
        for time, name, text in said
    )
    return {
        "table": ("a.csv", "\n".join(rows)),
        "json": ("a.json", json.dumps({**head, "messages": listed})),
        "page": ("a.html", f"<html><body>{page}</body></html>"),
    }


def test_an_export_that_is_not_sorted_is_put_in_order_of_time():
    said = [(f"2024-01-02 10:0{n}", name, text) for n, (name, text) in enumerate(QUESTIONS)]
    mixed = [said[n] for n in (0, 1, 4, 2, 3)]
    for form, reader in {"table": chat_table, "json": message_json}.items():
        (chat,) = reader.conversations(of(*_files(mixed)[form]), Options())
        assert [message.text for message in chat.messages] == [text for _, text in QUESTIONS]


def test_chunks_of_qq_ask_their_manifest_who_the_owner_is():
    lines = "\n".join(map(json.dumps, _qq_messages()))
    manifest = json.dumps(QQ_CHAT).encode()
    file = of("a/chunks/chunk_0001.jsonl", lines, {"../manifest.json": manifest}.get)
    (chat,) = message_json.conversations(file, Options())
    assert (chat.title, [message.mine for message in chat.messages]) == (
        "老周",
        [True, False, True],
    )


def test_a_reply_answers_what_it_quotes():
    head, messages = _chatlab_parts()
    messages = [m | {"platformMessageId": str(n)} for n, m in enumerate(messages[:3])]
    messages[2] |= {"type": 25, "replyToMessageId": "1"}
    (chat,) = message_json.conversations(
        of("a.json", json.dumps({**head, "messages": messages})), Options()
    )
    assert chat.messages[2].reply_to == "船今天不来了"


def test_posts_of_weibo_leave_what_they_pass_on():
    posts = [
        {"text": "码头又下雨了", "created_at": "2024-05-02T10:00:00", "screen_name": "阿柚"},
        {
            "text": "说得对//@老周:船不来了",
            "created_at": "2024-05-01T10:00:00",
            "screen_name": "阿柚",
            "retweet": {"text": "原来的微博"},
        },
    ]
    file = of("a.json", json.dumps({"user": {"screen_name": "阿柚"}, "weibo": posts}))
    assert format_of(file) == "messages"
    (chat,) = message_json.conversations(file, Options())
    own = [message.text for message in chat.messages if not message.skip_reason]
    assert (chat.kind, own) == ("post", ["说得对", "码头又下雨了"])
    assert {m.text for m in chat.messages if m.skip_reason == "repost"} == {
        "//@老周:船不来了",
        "原来的微博",
    }


def test_a_page_of_qqs_exporter_is_read_by_sender():
    block = (
        '<div class="message {own}" data-message-id="{n}"><div class="message-header">'
        '<span class="message-sender">{name}</span>'
        '<span class="message-time">2025-05-01 08:1{n}:00</span></div>'
        '<div class="message-content">{quote}<p>{text}</p></div></div>'
    )
    quote = '<div class="reply-content"><strong>老周:</strong> 船今天不来了</div>'
    body = "".join(
        block.format(own="self" if own else "", n=n, name=name, text=text, quote=quote * (n == 2))
        for n, (name, text, own) in enumerate(TWO)
    )
    file = of("a.html", f"<html><head><title>老周</title></head><body>{body}</body></html>")
    assert format_of(file) == "chatpage"
    (chat,) = chat_page.conversations(file, Options())
    assert [(m.sender, m.text, m.mine) for m in chat.messages] == TWO
    assert (chat.title, chat.messages[2].reply_to) == ("老周", "船今天不来了")
    assert chat.messages[0].time == "2025-05-01T08:10:00"


def test_posts_of_douban_and_zhihu_are_the_owners():
    rows = "标题,个人评分,打分日期,我的短评\n双龙,5,2015/03/21,打分的不是剧情(1 有用)\n"
    (chat,) = chat_table.conversations(of("movie.csv", rows), Options())
    assert [(m.text, m.time, m.mine) for m in chat.messages] == [
        ("打分的不是剧情", "2015-03-21", True)
    ]
    answer = {
        "title": "为什么下雨？",
        "content": "<p>因为云&amp;风。</p><blockquote>书上说的</blockquote><p>就这样。</p>",
        "voteup_count": 3,
        "created_time": 1746087000,
    }
    (chat,) = chat_table.conversations(of("answers.json", json.dumps([answer])), Options())
    assert [(m.text, m.skip_reason) for m in chat.messages] == [
        ("书上说的", "quote"),
        ("因为云&风。\n\n就这样。", ""),
    ]


def test_notions_databases_ask_nothing():
    rows = "Name,Notes\nRain,The rain came over the harbour again.\n"
    for more in ("", "_all"):
        assert format_of(of(f"Posts {'0123456789abcdef' * 2}{more}.csv", rows)) is None
    assert format_of(of("Posts.csv", rows)) == "table"


@pytest.mark.parametrize("talker", ["wxid_ab***", "123456", "zh***ou"])
def test_a_chat_of_a_masked_account_has_the_other_persons_name(talker):
    rows = "".join(f"{talker},{name},{int(own)},{text}\n" for name, text, own in TWO)
    file = of("a.csv", f"StrTalker,Sender,IsSender,StrContent\n{rows}")
    (chat,) = chat_table.conversations(file, Options())
    assert chat.title == "老周"
