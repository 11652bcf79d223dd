"""What isn't its sender's in a chat of an unknown program is told by its shape, in any wording."""

import pytest

from twinlib.corpus import readers
from twinlib.corpus.readers.chats import chat_text, record_grammar, repeats
from twinlib.corpus.readers.chats.doubtful import Judge, Judged
from twinlib.text.inputs.encoding import Unreadable
from twinlib.text.inputs.input_file import File

MEMBERS = ["Ida Brandt", "Marlo", "grip_12", "阿禾", "Juno"]


def judged(text, sender="Marlo", known=False, texts=()):
    """The Judged message of a chat whose other messages are `texts`."""
    return Judge(MEMBERS, [(sender, text), *texts], known).judge(text, sender)


@pytest.mark.parametrize(
    "text",
    [
        "Marlo vaporized the backdrop",  # no list of wordings has these
        "Marlo ha volteado la pizarra",
        "Marlo hat den Vorhang zugezogen",
        "阿禾掀翻了小黑板",
        "Ida Brandt stamped your ticket",
        "Your seal with Ida Brandt was renewed",
        "[a drawing that can't be shown]",
        "——— 阿禾点亮了灯 ———",
        "Drawing shown (3 strokes)",
        "grip_12 → balcony",
    ],
)
def test_a_program_speaks_of_people_by_their_display_names(text):
    sender = "阿禾" if "阿禾" in text else "Marlo"
    assert judged(text, sender) == Judged("", text, "platform")


@pytest.mark.parametrize(
    "text",
    [
        "Ida Brandt thinks I should sell it",
        "Juno, are you coming",
        "Juno?",
        "did Juno find the oars",
        "nobody tells Juno anything",
        "@Ida Brandt the oars are in the shed",
        "阿禾，我把灯关了",
        "is it (really) that late",
        "we bought\n2 kilos of nails\n3 boards",
        "for Friday:\n- two lamps\n- the long rope",
        "the rope\nthe lamp\nand no more",
        "see you at 9:15",
        "honestly: no",
    ],
)
def test_what_a_person_writes_of_others_stays(text):
    assert judged(text) == Judged(text)


@pytest.mark.parametrize(
    "text",
    [
        "When?\n◐ Monday\n◑ Tuesday",
        "When\nMonday ▰▰▰▱\nTuesday ▰▱▱▱",
        "Quand\nlundi 60 %\nmardi 40 %",
        "Wann\n(x) Montag\n( ) Dienstag",
        "哪天\n① 周一\n② 周二",
        "Cuándo\nlunes: 3\nmartes: 1",
        "Quando\na) segunda - 3 pessoas\nb) terça - 1 pessoa",
        "who rows\n1. Ida Brandt\n2. JUNO",
        "When?\n- Monday\n- Tuesday",
    ],
)
def test_choices_of_one_shape_are_a_poll(text):
    assert judged(text) == Judged("", text, "platform")


def test_in_a_known_program_a_poll_has_two_signs_and_a_list_stays():
    poll = "When?\n◐ Monday 60 %\n◑ Tuesday 40 %"
    assert judged(poll, known=True) == Judged("", poll, "platform")
    shopping = "✅ lamps\n✅ rope\n⬜ oars"
    assert judged(shopping, known=True) == Judged(shopping)
    assert judged("Marlo forgot his boots", known=True) == Judged("Marlo forgot his boots")


@pytest.mark.parametrize("known", [True, False])
def test_a_number_alone_under_each_choice_of_a_question_makes_a_poll(known):
    poll = "What cake do we order?\nSelect one or more options\nNut\n5\nCarrot\n7\nView votes"
    assert judged(poll, known=known) == Judged("", poll, "platform")
    bought = "Bought for Sunday:\neggs\n12\nmilk\n2"
    assert judged(bought, known=known) == Judged(bought)


@pytest.mark.parametrize(
    "mark, reason",
    [
        ("⇉ Tidal Gazette", "repost"),
        ("~~~~ aus dem Blatt ~~~~", "repost"),
        ("(lifted from Tidal Gazette)", "repost"),
        ("《潮汐报》", "repost"),
        ("as read in Tidal Gazette", "announced"),
        ("Tidal Gazette | page 3", "announced"),
        ("this is how they put it:", "announced"),
        ("Ida Brandt:", "quote"),
        ("~ Juno ~", "quote"),
    ],
)
def test_a_line_above_announces_the_words_of_another(mark, reason):
    text = f"{mark}\nthe tide is late again"
    assert judged(text) == Judged("", text, reason)


def test_a_label_that_comes_back_announces_what_stands_below():
    text = "carried over\nthe tide is late again"
    assert judged(text) == Judged(text)
    texts = [("Juno", "carried over\nno ferry on Monday")]
    assert judged(text, texts=texts) == Judged("", text, "announced")


def test_a_sentence_that_comes_back_with_other_names_is_a_template():
    text = "the turn goes to Juno"
    assert judged(text, "Ida Brandt") == Judged(text)
    texts = [("Juno", "the turn goes to Marlo")]
    assert judged(text, "Ida Brandt", texts=texts) == Judged("", text, "platform")


@pytest.mark.parametrize(
    "text, own",
    [
        ("╭ Ida Brandt\n╰ the shed key hangs be…\nnot any more", "not any more"),
        ("not any more\n(about: the shed key hangs behind the door)", "not any more"),
        ("<Ida Brandt: the shed key hangs behind the door> not any more", "not any more"),
        ("«the shed key hangs behind the door»\nIda Brandt\nnot any more", "not any more"),
        ("the shed…\nnot any more", None),
        ("the shed key is mine\nnot any more", None),
    ],
)
def test_a_quotation_is_known_by_what_was_said_before(text, own):
    said = "the shed key hangs behind the door"
    expected = (own, said) if own else (text, "")
    assert repeats.without_repeated(text, repeats.Said([said]), MEMBERS) == expected


def chat(form, *, names=("Ida Brandt", "Marlo"), count=8):
    """A chat of so many messages in a form with {who}, {when} and {words}."""
    words = (
        "the lamp is lit; no wind today; take the rope; ask the baker; it rains; go home; why; so"
    )
    texts = words.split("; ")
    return "".join(
        form.format(who=names[n % len(names)], when=f"09:{10 + n}", words=texts[n % 8])
        for n in range(count)
    )


def read(text, me="Marlo", name="a.txt"):
    """(own messages, [(reason, text)] left out) of a chat."""
    file = File(name, text.encode())
    (found,) = chat_text.conversations(file, readers.Options((me,)))
    own = [m.text for m in found.messages if m.sender == me and not m.skip_reason]
    return own, [(m.skip_reason, m.text) for m in found.messages if m.skip_reason]


@pytest.mark.parametrize(
    "form, odd",
    [
        ("[{when}] {who}: {words}\n", "[09:40] : the sail is torn\n"),
        ("0007 | {when} | {who} | {words}\n", "0008 | 09:40 | | the sail is torn\n"),
        ("{who} (12.03.2024 {when})\n{words}\n\n", " (12.03.2024 09:40)\nthe sail is torn\n\n"),
        ("~~~~~~<>\n{who} ({when}:00)\n{words}\n", "~~~~~~<>\n (09:40:00)\nthe sail is torn\n"),
    ],
)
def test_a_head_without_a_sender_is_not_glued_to_the_message_above(form, odd):
    own, left_out = read(chat(form) + odd)
    assert own == ["no wind today", "ask the baker", "go home", "so"]
    assert [reason for reason, _ in left_out] == ["platform"]
    assert "the sail is torn" in left_out[0][1]


def test_records_are_read_whatever_their_keys_are_called():
    own, _ = read(chat("- quand: 2024-03-12T{when}\n  qui: {who}\n  sens: in\n  mots: {words}\n"))
    assert own == ["no wind today", "ask the baker", "go home", "so"]


def test_a_time_behind_the_last_line_of_a_message_ends_it():
    text = chat("{who}: {words} ({when})\n") + "Marlo: two\nlines ({when})\n".format(when="09:40")
    assert read(text)[0][-1] == "two\nlines"


def test_the_sign_that_all_messages_end_in_is_none_of_their_words():
    assert read(chat("{who}: {words} ✓✓ {when}\n"))[0] == [
        "no wind today",
        "ask the baker",
        "go home",
        "so",
    ]


@pytest.mark.parametrize(
    "form",
    [
        "{when} // {who} // {words}\n",
        "{who}\n{words}\n{when}\n\n",
        "at={when} by={who} words={words}\n",
        "{who}'s picture\n{who}\n\n 3w\n{words}\n5 likes\nReply\n",
        "Avatar\n{who}\n−\n⚑\n\n{words}\n\n5\n•\nReply\n\n",
        "{words}\n    [{who}]\n\n",
        "{words} {who} (talk) {when} (UTC)[reply]\n\n",
        "0105 ^{who}^ {words}\n",
    ],
)
def test_a_conversation_that_is_not_read_is_never_learnt_as_prose(form, monkeypatch):
    file = File("a.txt", chat(form).encode())
    monkeypatch.setattr(chat_text, "looks_like", lambda file: False)  # as if no reader knew it
    with pytest.raises(Unreadable, match="speakers"):
        readers.format_of(file)


def test_a_text_in_turns_is_learnt_where_its_first_lines_name_its_one_author():
    play = chat("{who}: {words}\n")
    assert readers.format_of(File("a.txt", play.encode())) == "chat"
    whole = f"---\nauthor: Ole\n---\n{play}"
    assert readers.format_of(File("a.txt", whole.encode())) == "markdown"


@pytest.mark.parametrize(
    "text",
    [
        "".join(
            f"{day:02}/04, 07:50 - {place}: seen {day} of them, no more\n"
            for day, place in enumerate(["Mill", "Hide", "Mill", "Gate", "Hide", "Mill"] * 2)
        ),
        "".join(f"Q: is it {n} again?\nA: number {n}, as ever.\n" for n in range(9)),
        "".join(f"## {n}.0\n- New: a list of {n}\n- Fixed: the bell of {n}\n" for n in range(3)),
        "".join(f"{h:02}:15 Got up and walked to the pier, day {h}.\n\n" for h in range(6, 14)),
        "".join(f"{h:02}:00 I rowed. Then I slept until {h + 1}:30.\n\n" for h in range(6, 14)),
        "".join(f"At {h}:20 Ida came by, and we talked of rope {h}.\n" for h in range(6, 16)),
        "".join(f"{h}:05 第{h}件小事，写在这里。\n" for h in range(6, 16)),
    ],
)
def test_a_diary_with_times_is_no_conversation(text):
    assert not record_grammar.find(text.split("\n"))
