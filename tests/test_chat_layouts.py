"""Chats of programs that no reader knows: nobody's words but the owner's are learnt."""

import random

import chat_layouts
import pytest
from conversation_makers import of

from twinlib.corpus.readers.chats import (
    any_order,
    chat_text,
    doubtful,
    others,
    record_grammar,
    repeats,
    text_forms,
)


@pytest.mark.parametrize(
    "group, only, every_word",
    [(name, 1, 1) for name in "abcde"]
    + [("f", 0.9, 0.7), ("g", 0.7, 0.45), ("h", 0.55, 0.55)]
    + [("i", 0.4, 0.35), ("j", 0.4, 0.3)],
)
def test_of_exports_that_were_looked_at_only_the_owners_words_are_learnt(
    group, only, every_word, tmp_path
):
    exports = list(chat_layouts.every(group))
    read = [(export, chat_layouts.learnt(export, tmp_path)) for export in exports]
    clean = [(export, lines) for export, lines in read if set(lines) <= set(export.own)]
    whole = [export for export, lines in clean if set(export.own) <= set(lines)]
    assert len(exports) >= (31 if group == "f" else 35)
    assert len(clean) >= only * len(exports), [e.name for e, _ in read if (e, _) not in clean]
    assert len(whole) >= every_word * len(exports)


# How many lines of each set are learnt at most, and how many of the owner's are left out; r was
# only counted.
KINDS = ("as prose", "left out", "other people", "forwarded", "programs", "polls", "labels")
MOST = {
    "a": (0, 0, 0, 0, 0, 0, 0),
    "b": (0, 0, 0, 0, 0, 0, 0),
    "c": (0, 0, 0, 0, 0, 0, 0),
    "d": (0, 0, 0, 0, 0, 0, 0),
    "e": (0, 0, 0, 0, 0, 0, 0),
    "f": (0, 6, 1, 0, 1, 0, 0),
    "g": (0, 0, 2, 0, 0, 0, 1),
    "h": (0, 0, 0, 0, 6, 0, 1),
    "i": (0, 12, 3, 0, 13, 4, 21),
    "j": (0, 5, 6, 0, 0, 0, 3),
    "k": (0, 0, 1, 1, 0, 4, 3),
    "l": (0, 3, 10, 0, 57, 2, 11),
    "m": (0, 10, 7, 0, 12, 0, 9),
    "n": (0, 10, 2, 1, 23, 11, 13),
    "o": (0, 39, 1, 3, 53, 0, 10),
    "p": (0, 20, 5, 0, 49, 0, 7),
    "q": (0, 41, 4, 0, 48, 0, 9),
    "r": (0, 17, 8, 0, 11, 0, 8),
    "s": (0, 58, 8, 0, 24, 1, 8),
    "t": (0, 26, 8, 0, 20, 1, 13),
    "u": (0, 34, 6, 0, 25, 27, 12),
    "v": (0, 82, 9, 0, 8, 0, 6),
    "w": (0, 166, 8, 7, 40, 12, 0),
    "x": (8, 82, 131, 15, 92, 30, 109),
    "y": (0, 24, 0, 0, 13, 26, 2),
    "z": (2, 107, 30, 2, 20, 24, 9),
    "1": (0, 107, 16, 0, 44, 10, 43),
    "2": (0, 264, 18, 2, 33, 164, 14),
}


@pytest.mark.parametrize("group", "abcdef")
def test_with_the_newest_message_first_the_same_questions_have_the_same_answers(group, tmp_path):
    for export in chat_layouts.every(group):
        turned = export._replace(text=export.newest_first)
        assert chat_layouts.turns(turned, tmp_path) == chat_layouts.turns(export, tmp_path) != []


@pytest.mark.parametrize("group", chat_layouts.SETS)
def test_no_more_is_learnt_of_a_set_than_was_counted(group, tmp_path):
    count = chat_layouts.counted(group, tmp_path)
    most = dict(zip(KINDS, MOST[group]))
    assert not {kind: count[kind] for kind in KINDS if count[kind] > most[kind]}


CLOCKLESS = {
    "<{who}> {text}\n": "* {text}\n",
    "[{who}] {text}\n": "--- {text}\n",
    "{who}: {text}\n": "",
    "**{who}:** {text}\n\n": "*{text}*\n\n",
    "{who}\n{text}\n\n": "",
    "{who} commented on {mon} {d}, {y}\n\n{text}\n\n": "",
    "{who} · {n} days ago\n{text}\nReply\n\n": "",
    "#{n}\n{who}\nMember\n\n{text}\n\nQuote\n\n": "",
    "{who}\nMember\nPosts: 231\n#{n}\n\n{text}\n\n": "",
    "{who}\n@{nick}\n· {n} days ago\nDeveloper\n{text}\n\n": "",
    "{who}\n•\n{n}h ago\n\n{text}\n\nUpvote\n{d}\n\nDownvote\n\nReply\n\n": "",
}
OTHERS = {
    "[{H:02}:{M:02}:{S:02}] [Guild] {who}: {text}\n": "[{H:02}:{M:02}:{S:02}] {text}\n",
    "{H:02}:{M:02} {who} {text}\n": "",
    "{text}\n— {who}, {H:02}:{M:02}\n\n": "",
    "┃{who}┃{y}/{m}/{d} {H:02}:{M:02}┃{text}\n": "",
    "«{H:02}:{M:02}» {who} › {text}\n": "«{H:02}:{M:02}» {text}\n",
    "{y}-{m:02}-{d:02}\t{H:02}:{M:02}:{S:02}\tin\t0151{n:03}\t{who}\t{text}\n": "",
    "[{H:02}:{M:02}] <@{who}> {text}\n": "[{H:02}:{M:02}] * {text}\n",
    "[{H:02}:{M:02}, {d}/{m}/{y}] {who}: {text}\n": "",
    "<{H:02}:{M:02}:{S:02}> To Root: {who}: {text}\n": "",
    "{who}/Office  {d:02}.{m:02}.{y} {H:02}:{M:02}:{S:02}\n{text}\n\n": "",
    "{who} {d} May at {H:02}:{M:02}\n\n{text}\n\nEdit • Delete\n\n": "",
    "{text} – {who} {mon} {d} at {H}:{M:02}\n": "",
    'ts={y}-{m:02}-{d:02}T{H:02}:{M:02}:{S:02}Z nick="{who}" msg="{text}"\n': "",
    "{m}/{d} {H:02}:{M:02}:{S:02}.123  {who} says: {text}\n": "",
    "Re: Fair\n\nPost by {who} » {mon} {d}, {y} {h12}:{M:02} {ap}\n\n{text}\n\nTop\n\n": "",
}


@pytest.mark.parametrize("message, alone", [*CLOCKLESS.items(), *OTHERS.items()])
def test_a_layout_is_read_by_names_that_take_turns_in_any_signs(message, alone, tmp_path):
    layout = {"message": message, "alone": alone, "name": "x"}
    data, rng = chat_layouts._of("i"), random.Random(3)
    for language in ("en", "fr"):
        read = chat_layouts._later_export(data, layout, language, rng)
        export = chat_layouts.Export(f"{language}.txt", *read)
        lines = chat_layouts.learnt(export, tmp_path)
        assert chat_layouts.leaks(export, lines)["other people"][0] <= 1  # who has no name there
        assert len(set(export.own) & set(lines)) >= 8


@pytest.mark.parametrize(
    "text",
    [
        "Refrain of the sea\nRefrain of the land\n\nverse one\nverse two\n\n" * 6,
        "Monday: ran\nTuesday: swam\nWednesday: rest after the long day\n" * 5,
        "Titel: Der Zauberberg\nAutor: Thomas Mann\n\n" * 6,
        "## Kitchen\nWe painted the wall today.\n\n## Garden\nThe beans are up.\n\n" * 1,
    ],
)
def test_songs_and_lists_of_fields_are_no_conversations(text):
    assert not text_forms.form_of(text.split("\n"))


def test_speakers_between_other_words_are_known_though_not_which_words_they_are():
    said = "is the pool open|they moved the bus stop|I found a scarf|who drives then".split("|")
    lines = [
        f"{n} > town > {('Ole', 'Nele', 'Ole', 'Karl', 'Nele')[n % 5]} > {said[n % 4]} {n} of them"
        for n in range(20)
    ]
    assert record_grammar.find(lines)
    assert not record_grammar.find([f"{n} > town > Ole > {said[n % 4]} {n}" for n in range(20)])
    fields = "Titel: Der Berg, ein Roman {n}|Autor: ein Mann aus Kiel {n}|Jahr: es war einmal {n}"
    assert not record_grammar.find([x.format(n=n) for n in range(8) for x in fields.split("|")])


@pytest.mark.parametrize(
    "text, own",
    [
        ("🔁 Harbour News: free fish on Monday", ""),
        ("Harbour News\nfree fish on Monday\nharbournews.example", ""),
        ("[Ole: did you ring the…]\nyes, twice", "yes, twice"),
        ("look at this ⬇️\nHarbour News\nfree fish on Monday", ""),
    ],
)
def test_what_is_passed_on_or_quoted_is_told_by_its_shape(text, own):
    judge = doubtful.Judge(["Karl", "Nele"], [], known=False)
    assert judge.judge(text, "Karl").own == own


@pytest.mark.parametrize(
    "text, is_poll",
    [
        ("What time suits you?\n 6 × Monday\n 2 × Wednesday", True),
        ("Doodle: rehearsal\nMonday ✔ 6 ✘ 1\nWednesday ✔ 2 ✘ 5", True),
        ("Welcher Saal?\na) Hütte = 5\nb) Kapelle = 2", True),
        ("去哪儿\n运河线 ✔ 1 ✘ 2\n河口 ✔ 4 ✘ 0", True),
        ("we still need\n2 × milk\n3 × eggs", False),
        ("Öffnungszeiten\nMo: 9-17\nDi: 9-12", False),
        ("买了\n鸡蛋 3 个\n牛奶 2 盒", False),
    ],
)
def test_choices_in_one_frame_are_a_poll_and_a_shopping_list_is_none(text, is_poll):
    judge = doubtful.Judge(["Karl", "Nele"], [], known=False)
    assert bool(judge.judge(text, "Karl").aside) == is_poll


def test_also_in_a_program_that_is_known_choices_in_rare_signs_are_a_poll():
    judge = doubtful.Judge(["Karl", "Nele"], [], known=True)
    assert judge.judge("Doodle: rehearsal\nMonday ⊕ 6 ⊖ 1\nFriday ⊕ 2 ⊖ 5", "Karl").own == ""
    asked = "What time suits you?\n6 × Monday\n2 × Wednesday"
    assert judge.judge(asked, "Karl").own == asked  # as people write, too


@pytest.mark.parametrize(
    "text",
    [
        "Für Samstag fehlt noch:\n* Notenständer (mind. 6)\n* Kuchen!!",
        "Resumen:\nel alcalde que sí\nla concejala que ya veremos",
        "We meet at Green Park tomorrow\nbring a cup",
        "- carvão (2 sacos)",
        "@Nele can you bring the ladder\nand the rope",
        "妈妈：“穿上外套”\n我没听",
    ],
)
def test_headings_lists_and_what_somebody_quotes_in_passing_stay(text):
    judge = doubtful.Judge(["Karl", "Nele"], [], known=False)
    assert judge.judge(text, "Karl").own == text


@pytest.mark.parametrize(
    "text, own",
    [
        ("Nele wrote:\n> the key is gone\nlook in the flour", "look in the flour"),
        ("│ 钥匙不见了\n└\n看看面粉罐", "看看面粉罐"),
        ("RV: Boletín\n\nel agua se corta el martes", ""),
        ("Publicado originalmente por Boletín\nel agua se corta", ""),
        ("来自星星的你\n今晚重播", "来自星星的你\n今晚重播"),
        ("shared a room with her once\nnever again", "shared a room with her once\nnever again"),
    ],
)
def test_lines_in_a_box_and_headings_of_what_is_passed_on_are_not_the_senders(text, own):
    assert others.words(text).own == own


TEXTS = (
    "the pump is older than the house|who has the long ladder|it rained into the hall again|"
    "somebody left the oven on|two chairs are missing|the choir meets at noon|"
    "nobody fed the goat today|our bus goes from the quarry|the soup was far too salty|"
    "ask the neighbours about the key|the door sticks in winter|we need another projector"
).split("|")


def _turns(form):
    names = ["Ada Lund", "Bo", "Ada Lund", "Cy_7", "Bo", "Bo", "Ada Lund", "Ada Lund", "Cy_7"] * 2
    lines = [form.format(who=who, n=n, text=x) for n, (who, x) in enumerate(zip(names, TEXTS), 1)]
    return "".join(lines).split("\n")


@pytest.mark.parametrize(
    "form",
    [
        "[{n}] [{who} {n}h] {text}\n",
        "{who}\n@someone\n· {n}d\n{text}\n\n4\n15\n\n",
        "{who}\n•\nMill Valley\n•\n{n} hr ago\n{text}\nReact\nReply\n\n",
        "From: {who} <x{n}=40example.org>=20\nTo: Club <club=40example.org>=20\n\n{text}\n\n",
        "Comment {n} {who} 2024-02-19 09:{n:02}:00 UTC\n{text}\n\n",
        "({n:02}:10) <{who}> ¿{text}\n",
    ],
)
def test_names_are_found_between_lines_that_stand_in_every_record(form):
    heads = record_grammar.heads(_turns(form))
    assert len(heads) == 12
    assert {head.name for head in heads} == {"Ada Lund", "Bo", "Cy_7"}


def test_records_with_seconds_in_short_steps_are_no_prose_and_a_diary_is_some():
    hours = [(9, 1), (9, 3), (9, 9), (9, 20), (9, 31), (9, 32), (9, 50), (10, 2)]
    log = [f"2024-07-24 {h:02}:{m:02}:14 UTC\n\n{x}\n" for (h, m), x in zip(hours, TEXTS)]
    diary = [f"2024-07-{n + 10} 21:{n:02}:14\n\n{x}. We did not mind." for n, x in enumerate(TEXTS)]
    for name, parts, left_out in (("log.txt", log, True), ("diary.txt", diary, False)):
        assert chat_text.is_unread(of(name, "\n".join(parts))) == left_out


def test_a_message_may_end_in_the_name_of_who_wrote_it():
    lines = _turns("{text}!! --{who} (talk) 09:{n:02}, 19 June 2024 (UTC)\n\n")
    above = record_grammar.with_names_above(lines)
    assert [line for line in above if line][:2] == [
        "Ada Lund 09:01, 19 June 2024",
        TEXTS[0] + "!!",
    ]
    lines = _turns("from {who} to all:  9:{n:02} AM\n{text}\n")
    assert record_grammar.with_names_above(lines) is lines


@pytest.mark.parametrize(
    "text, said, own, quoted",
    [
        ("@Ole «did you ring the vet»\nyes, twice", ["did you ring the vet"], "yes, twice", True),
        ("“明天几点开船” — 老周\n七点", ["明天几点开船了", "明天几点开船呢"], None, False),
        ("did you ring the vet", ["did you ring the vet"], None, False),
        ("hm\nthe vet rang", ["did you ring the vet"], None, False),
    ],
)
def test_a_line_that_repeats_what_somebody_wrote_is_a_quotation(text, said, own, quoted):
    assert repeats.without_repeated(text, repeats.Said(said)) == (
        own or text,
        said[0] if quoted else "",
    )


@pytest.mark.parametrize(
    "text, own",
    [
        ("Forwarded message from Pier News:\nfree fish on Monday", ""),
        ("look at this\n[Weitergeleitet aus Hafenblatt]\nFisch gratis", "look at this"),
        ("转发自：港口消息\n周一免费送鱼", ""),
        ("Reenviado: pescado gratis el lunes", ""),
        ("I forwarded it to Nora, she laughed", None),
        ("转发给老周了，他笑了半天", None),
    ],
)
def test_what_is_forwarded_is_not_the_senders(text, own):
    assert others.words(text).own == (text if own is None else own)


@pytest.mark.parametrize(
    "text",
    [
        "📊 Saturday or Sunday?\n▢ Saturday — 2 votes\n▢ Sunday — 1 vote",
        "Umfrage: Samstag oder Sonntag?\n• Samstag: 2\n• Sonntag: 1",
        "投票：周六还是周日\n1. 周六（2票）\n2. 周日（1票）",
    ],
)
def test_a_poll_is_known_by_its_counts(text):
    assert others.is_by_app(text, "Karl")


@pytest.mark.parametrize(
    "text",
    [
        "we bought\n2 kilos of nails\n3 boards",
        "Karl left his boots here again",
        "Karl sent me home",
    ],
)
def test_a_list_and_a_sentence_about_the_sender_are_no_events(text):
    assert not others.is_by_app(text, "Karl", members=["Karl"])


def test_what_people_say_of_each_other_is_theirs():
    members = ["Nora Finch", "Karl", "Ole"]
    assert not others.is_by_app("Ole added too much salt again", "Karl", members=members)
    assert not others.is_by_app("Ole removed the lamp", "Karl", members=members)
    assert others.is_by_app("Nora Finch added Ole", "Karl", members=members)
    assert others.is_by_app("Ole left the group", "Karl", members=members)


def test_the_time_of_a_line_that_names_nobody_is_that_of_the_heads():
    assert any_order.opening("[9:21 AM] Karl left") == any_order.opening("[10:05 PM] Ole: hello")
    assert any_order.bracketed("-!- Ole has quit [10:17]") == any_order.bracketed(
        "<Nele> [9:05] hi"
    )
    assert any_order.opening("at 10:17 we left") == ""
