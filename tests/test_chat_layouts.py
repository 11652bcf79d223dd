"""Chats of programs that no reader knows: nobody's words but the owner's are learnt."""

import random
from collections import Counter

import chat_layouts
import pytest

from twinlib.corpus.readers.chats import (
    any_order,
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


@pytest.mark.parametrize("group", "abcdef")
def test_with_the_newest_message_first_the_same_questions_have_the_same_answers(group, tmp_path):
    for export in chat_layouts.every(group):
        turned = export._replace(text=export.newest_first)
        assert chat_layouts.turns(turned, tmp_path) == chat_layouts.turns(export, tmp_path) != []


LOOKED_AT = [group for group in chat_layouts.SETS if group not in "klmn"]


@pytest.mark.parametrize("group", LOOKED_AT)
def test_hardly_a_word_of_other_people_is_learnt_in_any_set(group, tmp_path):
    leaked = total = 0
    for export in chat_layouts.every(group):
        lines = chat_layouts.learnt(export, tmp_path)
        some, all_lines = chat_layouts.leaks(export, lines)["other people"]
        leaked, total = leaked + some, total + all_lines
    assert leaked <= 0.03 * total


@pytest.mark.parametrize("group", LOOKED_AT)
def test_forwarded_words_and_polls_are_hardly_learnt_and_few_own_words_are_left_out(
    group, tmp_path
):
    leaked, total = Counter(), Counter()
    for export in chat_layouts.every(group):
        lines = chat_layouts.learnt(export, tmp_path)
        total["own"] += len(export.own)
        leaked["own"] += len(set(export.own) - set(lines))
        for kind, (some, all_lines) in chat_layouts.leaks(export, lines).items():
            leaked[kind] += some
            total[kind] += all_lines
    most = {
        "own": 0.09 if group == "j" else 0.05,
        "forwarded": 0.03,
        "polls": 0.03,
        "programs": 0.08 if group == "h" else 0.07,
    }
    assert not {kind: leaked[kind] for kind in most if leaked[kind] > most[kind] * total[kind]}


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


# Lines that are learnt of the sets that few special rules were made for; n was only counted.
COUNTED = {
    "k": {"other people": 3, "forwarded": 3, "programs": 42, "polls": 4, "own": 25},
    "l": {"other people": 30, "forwarded": 11, "programs": 173, "polls": 26, "own": 451},
    "m": {"other people": 13, "forwarded": 7, "programs": 101, "polls": 14, "own": 555},
    "n": {"other people": 45, "forwarded": 13, "programs": 138, "polls": 111, "own": 484},
}


@pytest.mark.parametrize("group", COUNTED)
def test_of_the_latest_sets_no_more_is_learnt_than_was_counted(group, tmp_path):
    leaked = Counter()
    for export in chat_layouts.every(group):
        lines = chat_layouts.learnt(export, tmp_path)
        leaked["own"] += len(set(export.own) - set(lines))
        for kind, (some, _) in chat_layouts.leaks(export, lines).items():
            leaked[kind] += some
    most = COUNTED[group]
    assert not {kind: leaked[kind] for kind in most if leaked[kind] > most[kind]}


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
