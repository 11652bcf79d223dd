"""Which reader knows which file, subtitles; and that no word is lost and no exception raised."""

import json

import pytest
from conversation_makers import (
    FOLDER,
    FORMATS,
    ME,
    POSTS,
    READERS,
    documents,
    knowing,
    of,
    parts,
    turns,
    workbook,
)
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from twinlib.corpus import conversations
from twinlib.corpus.readers.chats import chat_text
from twinlib.text.inputs.encoding import Unreadable
from twinlib.text.inputs.input_file import File, Options, UnknownColumns

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
            "2023-05-01 21:03 - Mood: good\n2023-05-02 21:03 - Mood: better\n2023-05-03 21:03 - "
            "Mood: best\n",
        ),
        (
            "days.txt",
            "1/5/2023, 21:03 - Bench: dry\n\n2/5/2023, 21:03 - Tea: hot\n\n3/5/2023, 21:03 - "
            "Tea: cold\n\n"
            "4/5/2023, 21:03 - Bench: wet\n",
        ),
        (
            "about.md",
            "# Subtitles\n\nA cue looks like this:\n\n```\n1\n00:00:01,000 --> "
            "00:00:02,000\nHi\n```\n",
        ),
        (
            "prose.txt",
            "Tea, oil, rags.\nA bench, a cat, a kettle.\nThat is all there is, neighbour, to a "
            "stall.\n",
        ),
        ("rows.jsonl", '{"title": "a", "messages": [{"role": "user", "content": "b"}]}\n' * 2),
        ("package.json", '{"name": "x", "messages": {"a": 1}}'),
        ("list.json", "[1, 2, 3]"),
        ("empty.csv", ""),
        (
            "posts.csv",
            "post_id,post_date,is_published,title\n1.a,2023-05-01,true,A long title of a post of "
            "mine here\n",
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


def test_a_speakers_name_may_end_in_an_emoji():
    text = cues(
        "Ines 🌼: Who has the key?", "Rowan: I do.", "Ines 🌼: Then I wait.", "Rowan: Good."
    )
    (chat,) = chat_text.conversations(of("a.srt", text), ME)
    assert [m.sender for m in chat.messages] == ["Ines 🌼", "Rowan"] * 2


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
        "1\n00:00:01,000 --> 00:00:02,000\nfirst words\n2\n00:00:02,000 --> 00:00:04,000\nsecond "
        "words\n",
        "00:00:01,000 --> 00:00:02,000\nfirst words\n\n00:00:02,000-->00:00:04,000\nsecond words\n",
        "1\n00:01,000 --> 00:02,000\nfirst words\n\nsecond words\n",
        "WEBVTT\n00:00:01,000 --> 00:00:02,000\nfirst words\nsecond words",
        "Subtitles by me\n\n1\n0:00:01.0 --> 0:00:02.00\nfirst words\n\n2\n00:00:61.000 --> "
        "00:00:02.000\nsecond words\n",
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
