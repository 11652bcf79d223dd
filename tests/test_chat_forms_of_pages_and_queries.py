"""Chats as pages, databases and programs for mail write them: times, names and quotations."""

import json

import chat_layouts
import pytest

from twinlib.corpus import conversations, readers
from twinlib.corpus.readers.chats import chat_text, footers, others
from twinlib.corpus.readers.chats.messages import Conversation, Message
from twinlib.text.inputs.input_file import File, Options

SAID = [
    ("Ines Falk", "Who has the key to the boat shed?"),
    ("rowan_88", "I do, but I only get there around six"),
    ("Ines Falk", "Then I wait by the gate with the soup"),
    ("Tobi", "I bring the two oars and the long rope"),
    ("rowan_88", "Bring a lamp too, the bulb went last week"),
    ("Ines Falk", "The lamp is packed, and the thermos with it"),
    ("Tobi", "Is the path dry again after the rain?"),
    ("rowan_88", "Dry enough for boots, not for your sandals"),
]
MINE = [text for name, text in SAID if name == "rowan_88"]


def _learnt(text, tmp_path):
    file = tmp_path / "export.txt"
    file.write_text(text, encoding="utf-8")
    read = readers.read(file, Options(("rowan_88",)))
    return [turn.answer for document in read for turn in document.turns or [document]]


def _written(form):
    return "".join(
        form.format(clock=f"9:{12 + n:02}", number=n, name=name, text=text)
        for n, (name, text) in enumerate(SAID)
    )


@pytest.mark.parametrize(
    "form",
    [
        "2025-03-02 0{clock}:07|{text}|{name}\n",
        "2025-03-02 0{clock}:07\t{text}\t{name}\n",
        "{clock} AM\u200b{name}\u200b\u200b{text}\n",
        "{name}, at {clock}:31 AM on 2 Mar 2025\n{text}\n\n",
        "{name}, {clock}:31 le 2 mars 2025\n{text}\n\n",
    ],
)
def test_only_the_owners_lines_are_learnt(form, tmp_path):
    learnt = "\n".join(_learnt(_written(form), tmp_path)).split("\n")
    assert learnt == MINE


def test_a_text_of_several_lines_has_its_sender_behind_the_last(tmp_path):
    several = "Two things:\n- the lamp | and matches\n- the rope"
    rows = _written("2025-03-02 0{clock}:07|{text}|{name}\n")
    rows += f"2025-03-02 09:40:00|{several}|rowan_88\n2025-03-02 09:41:00|Tobi joined|\n"
    learnt = "\n".join(_learnt(rows, tmp_path))
    assert learnt.endswith(several)
    assert "Tobi" not in learnt


def test_rows_of_ones_own_notes_have_no_senders():
    rows = [f"2025-03-{n + 1:02} 09:12|at the shed again, day {n}|{n * 3} km" for n in range(9)]
    assert footers.with_heads_above(rows) == rows
    rows = [f"2025-03-{n + 1:02} 09:12|at the shed again|rained all day {n}" for n in range(9)]
    assert footers.with_heads_above(rows) == rows


def test_a_colon_without_a_name_begins_what_nobody_is_known_to_have_said(tmp_path):
    text = _written("{name}: {text}\n\n") + ": and who pays for the paint?\n\nTobi: me again\n"
    assert "\n".join(_learnt(text, tmp_path)).split("\n") == MINE
    messages = chat_text._messages(text.split("\n"), "labelled")  # and as in a transcript
    [nobodys] = [message for message in messages if "the paint" in message.text]
    assert nobodys.skip_reason == "platform"


@pytest.mark.parametrize(
    "head",
    [
        "On Sun, Mar 2, 2025 at 9:14 AM Ines Falk <ines@shed.example> wrote:",
        "Am So., 2. März 2025 um 09:14 Uhr schrieb Ines Falk <ines@shed.example>:",
        "Le dim. 2 mars 2025 à 09:14, Ines Falk <ines@shed.example> a écrit :",
        "El dom, 2 mar 2025 a las 9:14, Ines Falk (<ines@shed.example>) escribió:",
        "2025年3月2日 09:14，Ines Falk <ines@shed.example> 写道：",
        "Ines Falk, 2 Mar 2025, 09:14:",
    ],
)
@pytest.mark.parametrize("order", ["above", "below"])
def test_the_head_of_a_quotation_goes_with_it(head, order):
    quotation, own = f"{head}\n\n> Then I wait by the gate", "Save me some of it, will you"
    text = f"{quotation}\n\n{own}" if order == "above" else f"{own}\n\n{quotation}"
    assert others.words(text).own == own
    said = [Message("Ines Falk", "Then I wait by the gate"), Message("me", text, mine=True)]
    document = next(conversations.documents(Conversation("", said), "x.txt", Options(("me",))))
    assert [turn.answer for turn in document.turns] == [own]


def test_what_the_owner_says_above_a_quotation_stays():
    text = "This one made me laugh:\n\n> Then I wait by the gate"
    assert others.words(text).own == "This one made me laugh:"


@pytest.mark.parametrize(
    "text",
    [
        "好的，我七点到[引用 Ines Falk：门口的灯坏了，你带一个…]",
        "好的，我七点到【回复 Ines Falk：门口的灯坏了[捂脸]】",
        "Ines Falk：\n门口的灯坏了，你带一个\n——————————————————\n好的，我七点到",
        "Ines Falk:\n门口的灯坏了\n你带一个\n- - - - - - - - - - - - - - -\n好的，我七点到",
    ],
)
def test_quotations_behind_and_above_an_answer_are_not_its_words(text):
    words = others.words(text)
    assert (words.own, words.whom) == ("好的，我七点到", "Ines Falk")


def test_a_rule_under_a_list_is_no_quotation():
    text = "Ingredients:\nflour\nbutter\nsugar\nsalt\n-----\nmix it all"
    assert others.words(text).own == text


@pytest.mark.parametrize(
    "poll",
    [
        "Which Saturday?\n13 July\n6 votes\n20 July\n2 votes\n8 votes, closed",
        "Quel dimanche ?\nLe 9\n6 votes\nLe 16\n2 votes\nRésultat final",
        "Mit oder ohne Biene?\nMit\n6 Stimmen 75 %\nOhne\n2 Stimmen 25 %",
        "哪个周六？\n7月13日\n6票\n7月20日\n2票",
    ],
)
def test_choices_above_their_votes_are_a_polls(poll):
    assert others.is_by_app(poll, "rowan_88")


def test_counted_things_in_a_message_are_no_poll():
    assert not others.is_by_app("we got\n6 votes\nwhich is fine\nreally", "rowan_88")
    assert not others.is_by_app("6 votes\n2 votes\nthat was all", "rowan_88")


def test_the_choices_of_a_poll_are_no_senders(tmp_path):
    poll = "rowan_88: POLL:\nWhich colour?\nOPTION: Red (5 votes)\nOPTION: Blue (2 votes)\n\n"
    poll += "Tobi: red\n\n"
    learnt = "\n".join(_learnt(_written("{name}: {text}\n\n") + poll, tmp_path))
    assert learnt.split("\n") == MINE


@pytest.mark.parametrize("name", ["2-pidgin-log-en.txt", "2-zendesk-chat-es.txt"])
def test_days_and_times_in_what_is_said_dont_hide_the_order_of_the_messages(name, tmp_path):
    export = next(export for export in chat_layouts.every("2") if export.name == name)
    learnt = chat_layouts.learnt(export, tmp_path)
    assert chat_layouts.leaks(export, learnt)["other people"][0] <= 1  # who has no name there
    assert len(set(export.own) & set(learnt)) > 12


def test_a_name_that_ends_in_an_emoji_is_in_one_place_with_the_other_names(tmp_path):
    said = _written("2024-02-13T0{clock}:53+0200 attic bridge[812]: <{name}> {text}\n")
    said = said.replace("Tobi", "Ines Falk").replace("Ines Falk", "Ines 🌼")
    assert "\n".join(_learnt(said, tmp_path)) == "\n".join(MINE)


def test_what_two_people_send_each_other_again_is_no_frame():
    said = ["第1句 雨到码头 #标签。", "第2句 雨到码头 #伞。", "第3句 雨到码头 #灯。"]
    messages = [Message(name, text) for text in said for name in ("Ning", "Lee")]
    assert chat_text._without_frame(messages) == messages


@pytest.mark.parametrize("names", [("小明", "妈妈"), ("Jo", "Al"), ("JD", "KB")])
def test_two_who_alternate_are_people_where_their_names_have_two_letters(names, tmp_path):
    other, owner = names
    said = [text for _, text in SAID]
    text = "".join(f"{names[n % 2]}: {text}\n" for n, text in enumerate(said))
    (tmp_path / "export.txt").write_text(text, encoding="utf-8")
    read = list(readers.read(tmp_path / "export.txt", Options((owner,))))
    assert "\n".join(t.answer for d in read for t in d.turns) == "\n".join(said[1::2])


def test_questions_and_answers_of_one_letter_stay_their_authors(tmp_path):
    text = "".join(f"{'QA'[n % 2]}: {text}\n" for n, (_, text) in enumerate(SAID))
    (tmp_path / "post.txt").write_text(text, encoding="utf-8")
    (post,) = readers.read(tmp_path / "post.txt", Options(("Jo",)))
    assert not post.turns and SAID[1][1] in post.text


@pytest.mark.parametrize("mark", ['Reacted to "{}" with 👍', "Reagierte auf „{}“ mit 👍"])
def test_reactions_on_the_line_below_a_name_are_the_programs(mark, tmp_path):
    said = [*SAID[:4], ("rowan_88", mark.format(SAID[3][1])), *SAID[4:]]
    text = "".join(
        f"10:{12 + n}:05 From {name} to Everyone:\n\t{text}\n"
        for n, (name, text) in enumerate(said)
    )
    assert "\n".join(_learnt(text, tmp_path)) == "\n".join(MINE)
    (chat,) = chat_text.conversations(File("export.txt", text.encode()), Options())
    assert [m.text.strip() for m in chat.messages if m.skip_reason] == [said[4][1]]


@pytest.mark.parametrize(
    "text",
    [
        "Liked a message",
        "Curtiu uma mensagem",
        "Le gustó un mensaje",
        "Gostou de uma mensagem",
        "Reagiu com ❤ à tua mensagem ",
        "Le gusta un mensaje",
        "Reaccionó con 😂 a tu mensaje ",
        "Gefällt eine Nachricht",
        "Hat mit ❤ auf deine Nachricht reagiert ",
        "A aimé un message",
        "A réagi avec ❤ à votre message ",
        "赞了一条消息",
        "用❤回应了你的消息 ",
    ],
)
def test_likes_in_the_accounts_language_are_the_programs(text, tmp_path):
    at = 1714723200000
    said = [("Inês", "já chegaste ao cais?"), ("Rui", text), ("Rui", "ainda não, o barco atrasou")]
    messages = [
        {"sender_name": name, "content": content, "timestamp_ms": at + 60_000 * n}
        for n, (name, content) in enumerate(said)
    ]
    export = {"participants": [{"name": "Inês"}, {"name": "Rui"}], "messages": messages[::-1]}
    data = json.dumps(export, ensure_ascii=False)
    (tmp_path / "message_1.json").write_text(data, encoding="utf-8")
    (read,) = readers.read(tmp_path / "message_1.json", Options(("Rui",)))
    assert [turn.answer for turn in read.turns] == ["ainda não, o barco atrasou"]
