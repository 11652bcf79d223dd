"""Exports of chat programs as text: each form is read by sender, with its times."""

import pytest
from conversation_makers import of

from twinlib.corpus.readers import format_of
from twinlib.corpus.readers.chats import chat_text
from twinlib.corpus.readers.input_file import Options

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
    "早上 8:00\n喝了一碗粥。\n中午 12:00\n在码头吃面。\n早上 8:10\n又是粥。\n中午 12:10\n又是面。\n",
    "10:05 Tram: late\n10:20 Rain\n14:30 Tram: on time\n",
    "2023.05.01 Monday\n10:01 went to town\n11:00 met Ann\n12:30 ate alone\n13:00 slept\n",
]


@pytest.mark.parametrize("text", DIARIES)
def test_notes_with_times_are_no_chat(text):
    assert format_of(of("a.txt", text)) == "text"
