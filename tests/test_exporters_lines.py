"""Of today's exporters every certain word is read, and the rest stands aside with a reason."""

import json

import pytest

from twinlib.corpus import readers

OTHERS = ["did the plumber ring you", "the market closes early", "I dreamt of pianos"]
OWN = ["the ladder is back in the shed", "bring the long rope on Friday", "nobody paints a door"]
TURNS = [turn for a, b in zip(OTHERS, OWN) for turn in (("Ole", a), ("Karl", b))]
SECONDS = 1714723200


def lines(form, end=""):
    """A chat of six messages in a form with {who}, {n} (of two digits) and {words}."""
    said = enumerate(TURNS)
    return "".join(form.format(who=who, n=f"{n:02}", words=words) for n, (who, words) in said) + end


def messages(make, *end):
    """The messages that `make` gives of (number, sender, words), and those of the program."""
    return [make(n, who, words) for n, (who, words) in enumerate(TURNS)] + list(end)


def chatlab(n, who, words, kind=0):
    return {"sender": who, "accountName": who, "timestamp": SECONDS + n, "type": kind} | {
        "content": words
    }


def qq(n, who, words, kind="type_1", system=False):
    sender = {"uid": f"u_{who}", "name": who}
    return {"id": str(n), "timestamp": (SECONDS + n) * 1000, "sender": sender, "type": kind} | {
        "content": {"text": words},
        "system": system,
    }


RULE = "=" * 62
EXPORTS = {
    "chatlab.json": (
        json.dumps(
            {
                "chatlab": {"version": "0.0.1"},
                "meta": {"name": "Boat", "type": "group"},
                "members": [{"platformId": "Karl", "accountName": "Karl"}],
                "messages": messages(chatlab, chatlab(9, "Karl", "Karl joined the group", 80)),
            }
        ),
        [("platform", "Karl joined the group")],
    ),
    "qq.json": (
        json.dumps(
            {
                "metadata": {"name": "QQChatExporter"},
                "chatInfo": {"name": "Boat", "selfUid": "u_Karl"},
                "messages": messages(qq, qq(9, "Karl", "Karl 更换了群头像", "system", True)),
            }
        ),
        [("platform", "Karl 更换了群头像")],
    ),
    "discord.txt": (
        f"{RULE}\nGuild: Direct Messages\nChannel: ole\n{RULE}\n\n"
        + lines("[03-May-24 08:{n} AM] {who}\n{words}\n\n")
        + "[03-May-24 08:30 AM] Karl\nPinned a message.\n\n"
        + f"{RULE}\nExported 7 message(s)\n{RULE}\n",
        [("platform", "Pinned a message.")],
    ),
    "kakao.txt": (
        "--------------- 2024년 5월 3일 금요일 ---------------\n"
        + lines("[{who}] [오전 8:{n}] {words}\n", "Karl님이 나갔습니다.\n"),
        [("platform", "Karl님이 나갔습니다.")],
    ),
    "slack.txt": (
        lines("{who}\n  8:{n} AM\n{words}\n", "Karl\n  8:30 AM\njoined #boats.\n"),
        [("platform", "joined #boats.")],
    ),
    "zoom.txt": (
        lines(
            "08:{n}:11 From {who} to Everyone: {words}\n",
            '08:30:01 From Karl to Everyone: Reacted to "the market closes early" with 👍\n',
        ),
        [("platform", 'Reacted to "the market closes early" with 👍')],
    ),
    "teams.txt": (lines("[5/3/2024 8:{n} AM] {who}\n{words}\n\n"), []),
    "feishu.txt": (lines("{who} 5月3日 08:{n}\n{words}\n\n"), []),
    "dingtalk.txt": (lines("{who} 08:{n}\n{words}\n\n"), []),
}


@pytest.mark.parametrize("name", EXPORTS)
def test_the_owners_words_are_read_and_the_programs_stand_aside(name, tmp_path):
    text, left_out = EXPORTS[name]
    (tmp_path / name).write_text(text, encoding="utf-8")
    documents = list(readers.read(tmp_path / name, readers.Options(("Karl",))))
    said = [line for d in documents for turn in d.turns for line in turn.answer.split("\n")]
    assert said == OWN
    assert [(part.reason, part.text) for d in documents for part in d.removed] == left_out
