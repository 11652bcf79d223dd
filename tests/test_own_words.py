"""Which of the author's sentences are shown as the answer to a question."""

import dataclasses

import pytest
from test_memory import computed, make, needs_e5, twin, write_corpus  # noqa: F401 -- fixtures

from twinlib.files import write_records
from twinlib.memory import abstain, agree, index, spoken, unwritten
from twinlib.memory import own_words as own_words_module
from twinlib.memory.index import Passage
from twinlib.memory.own_words import LONGEST, PLACES, own_words
from twinlib.memory.recall import Memory
from twinlib.text import script
from twinlib.twin import Twin


def passage(text, title="", language="en", number="p"):
    return Passage(number, "d", title, "", "", "", "train", language, text)


def wrench():
    """Three passages, of which the first and the last tell of a wrench."""
    texts = "小满把扳手借走了。", "今天下雨。", "阿立把扳手还回来了。"
    return [passage(text, "", "zh", f"p{number}") for number, text in enumerate(texts)]


def shown(question, *passages):
    return [place.text for place in own_words(question, passages)]


def _scored(question, one):
    """(sentence, score) of a passage, by words alone."""
    told = list(own_words_module._told(0, one))
    scores = own_words_module._scores(question, [one], told, None, None)
    return [(one.text[each.start : each.end], score) for each, score in zip(told, scores)]


@pytest.mark.parametrize(
    "question, answer",
    [
        ("How much did the cracked bell cost?", "It cost nine yuan."),
        ("How long did mending the cracked bell take?", "It took two evenings."),
        ("Where did the cracked bell stand?", "It stood under the ferry stairs."),
        ("When was the cracked bell stolen?", "It went one Tuesday."),
    ],
)
def test_the_sentence_is_shown_that_has_what_is_asked_for(question, answer):
    others = [
        "It cost nine yuan.",
        "It took two evenings.",
        "It stood under the ferry stairs.",
        "It went one Tuesday.",
        "She laughed, because nobody minded.",
    ]
    text = "\n\n".join(others)
    assert answer in shown(question, passage(text, "The cracked bell")), question


def test_what_stands_after_the_words_of_the_question_is_shown_with_them():
    filler = "Gulls walked about all day, since flying was too much trouble for them. " * 2
    text = f"{filler}\n\nXiaoman has been saving since spring. Now she owns a ladle.\n\n{filler}"
    assert shown("What was Xiaoman saving for?", passage(text)) == [
        "Xiaoman has been saving since spring. Now she owns a ladle."
    ]


def test_where_either_of_two_places_may_be_meant_both_are_shown_the_likeliest_first():
    assert shown("谁动了扳手？", *wrench()) == [
        "阿立把扳手还回来了。",
        "小满把扳手借走了。",
    ]
    three = "小满借走了扳手。", "阿立还回了扳手。", "扳手挂在墙上，墙上有钉子。"
    places = [passage(text, "", "zh", f"p{number}") for number, text in enumerate(three)]
    assert shown("谁动了扳手？", *places) == [three[2], three[0], three[1]]


def test_as_many_places_are_shown_as_may_be_meant_but_four_and_the_likeliest_text_first():
    tools = [
        passage("Kun has the wrench again.", number="a"),
        passage("Xiaoman keeps the old wrench of brass under the bench.", number="b"),
        passage("The wrench is here.", number="c"),
        passage("Gulls walked about.", number="d"),
        passage("Who took the wrench?", number="e"),
    ]
    tools[1] = dataclasses.replace(tools[1], document="other")
    found = shown("Where is the old wrench of brass now? And the wrench?", *tools)
    assert found[0] == "Xiaoman keeps the old wrench of brass under the bench."
    assert len(found) <= PLACES and "Gulls walked about." not in found
    few = shown("A wrench?", *[tools[0], tools[2], tools[3], tools[4]])
    assert len(few) == 3 and "Gulls walked about." not in few
    many = [dataclasses.replace(tools[0], id=f"m{number}") for number in range(6)]
    assert len(shown("A wrench?", *many)) == PLACES == 4


def test_the_paragraph_of_the_likeliest_sentence_is_shown_with_it_and_not_the_next_one():
    text = "The lock froze in January. I warmed it with tea. It opened.\n\nGulls walked about."
    assert shown("What happened to the lock in January?", passage(text))[0] == (
        "The lock froze in January. I warmed it with tea. It opened."
    )


@pytest.mark.parametrize(
    "told, whole",
    [
        (
            "It costs more than it is worth, I think, and nobody should pay for a thing like that.",
            "A lock that opens by itself is a joke. It costs more",
        ),
        (
            "I would close the stall over it, and I told the lady so in front of everybody there.",
            "A lock that opens by itself is a joke. I would close",
        ),
        (
            "I count the tools every evening at the stall, and on Sundays I do so twice.",
            "I count the tools",
        ),
    ],
)
def test_a_place_begins_with_what_its_first_sentence_speaks_of(told, whole):
    before = "A lock that opens by itself is a joke."
    one, [run] = passage(f"{before} {told}"), [(1, 2)]
    sentences = list(own_words_module._told(0, one))
    [(start, end)] = own_words_module._grown([run], [one], sentences, set())
    assert one.text[sentences[start].start : sentences[end - 1].end].startswith(whole)


def test_in_chinese_too_a_place_begins_with_what_is_meant_and_no_paragraph_is_crossed():
    def begins(text):
        one = passage(text, "", "zh")
        sentences = list(own_words_module._told(0, one))
        [(start, _)] = own_words_module._grown([(1, 2)], [one], sentences, set())
        return start

    assert begins("灰猫偷了一只垫圈。它把垫圈放在墙根。") == 0
    assert begins("灰猫偷了一只垫圈。\n\n它把垫圈放在墙根。") == 1
    assert begins("灰猫偷了一只垫圈。那天下雨。") == 1


def test_the_sentence_beside_it_that_alone_has_a_word_of_the_question_is_taken_in():
    prices = "Puncture, ten yuan. Brake cable, twelve yuan. Chain, eight yuan. Wheel, twenty yuan."
    more = "Bell, three yuan. Lamp, nine yuan, with the bulb. Saddle, forty yuan, used but whole."
    last = "Anything under half a turn of the spanner, nothing, as it has always been on this pier."
    air = "Air, nothing for children."
    [place] = shown("How much is air?", passage(f"{prices} {more} {last} {air}", "Prices"))
    assert place.endswith(air)


def test_of_two_questions_asked_at_once_each_is_answered():
    umbrella = "船票小哥说新伞二十五块一把，问我是不是修它不划算。"
    spokes = "断骨拿旧辐条接，铜丝绕六圈，修一把前后二十五分钟，收五块。"
    text = f"{umbrella}\n\n{'今天下雨，没有客人，我坐着喝茶。' * 3}\n\n{spokes}"
    both = "\n".join(shown("新伞多少钱一把？你修一把收多少？", passage(text, "坏伞", "zh")))
    assert "二十五块" in both and "收五块" in both
    assert own_words_module._questions("How much is tea, and who brought the cup?") == [
        "How much is tea",
        "and who brought the cup?",
    ]
    assert own_words_module._questions("Do you like tea, sugar and milk?") == []


def test_a_time_in_the_question_is_not_asked_for():
    posts = passage("It was a bell of brass.\n\nOn Tuesday at nine the bell was on Monday's bench.")
    asked = "What was the bell that you bought when it rained?"
    scores = dict(_scored(asked, posts))
    times = dict(_scored("When did you buy the bell?", posts))
    late = "On Tuesday at nine the bell was on Monday's bench."
    assert times[late] - times["It was a bell of brass."] > 5
    assert scores[late] - scores["It was a bell of brass."] < 2


def test_only_pairs_of_characters_that_say_something_count():
    text = "猫有四条腿。\n\n今天下雨。\n\n鼠有四条腿。\n\n隐鼠只住在屋里。"
    scores = dict(_scored("隐鼠有什么来历？", passage(text, language="zh")))
    assert max(scores, key=scores.get) == "隐鼠只住在屋里。"
    assert scores["鼠有四条腿。"] == scores["猫有四条腿。"], "of 鼠有 nothing is asked"


def test_no_place_is_longer_than_is_read_at_a_glance_but_one_sentence():
    sentence = "The bell rang and rang over the whole harbour in the fog that day. "
    [*places] = shown("When did the bell ring?", passage(sentence * 9))
    assert places and all(len(place) <= LONGEST["en"] for place in places)
    [place] = shown("When did the bell ring?", passage("And the bell rang " * 30 + "."))
    assert len(place) > LONGEST["en"]


def test_without_a_passage_or_a_word_there_is_nothing():
    assert own_words("Who?", []) == [] and own_words("Who?", [passage("…")]) == []


@pytest.fixture
def memory(tmp_path):
    """Of a text in two passages, the second of which answers what the first one asks."""
    made = Twin.open(tmp_path / "two")
    posts = [("The gate", "en", "The gate screamed on the third of May, and a baby woke.")]
    posts += [(f"Post {n}", "en", f"I wrote of thing {n} and of nothing else.") for n in range(6)]
    write_corpus(made, posts)
    passages = made.records("passages")
    after = {**passages[0], "id": "after", "text": "Four drops a hinge, and it is silent."}
    write_records(made.file("passages"), [passages[0], after, *passages[1:]])
    make(made)
    return Memory(made)


def test_the_answer_is_looked_for_in_what_stands_beside_the_passage_that_was_found(memory):
    question = "When the gate screamed on the third of May, what did you do with it?"
    recall = memory.recall([{"role": "user", "content": question}])
    gate, after = memory.index.passages[:2]
    assert recall.passages[0] == gate and recall.beside == (after,)
    assert after in recall.searched and len(recall.searched) == len(set(recall.searched))
    further = memory.index.further(memory.index.search(question))
    assert recall.further == tuple(further) and set(recall.passages) < set(recall.searched)
    assert set(further) == set(memory.index.passages), "more than goes before a question"
    assert memory.index.beside(gate, ["train"]) == [after]
    assert memory.index.beside(gate, ["test"]) == [], "of another split nothing is shown"
    assert memory.index.beside(after) == [gate], "nothing of another text"
    recall = recall._replace(passages=[gate])
    cited = memory.cited(recall, "Four drops a hinge, and it is silent.")
    assert [source.passage for source in cited.sources] == ["after"] and not cited.instead


@needs_e5
def test_all_that_was_found_is_looked_through_but_few_of_its_sentences_are_embedded(
    memory,
    computed,  # noqa: F811
):
    question = "When the gate screamed on the third of May, what did you do with it?"
    recall = memory.recall([{"role": "user", "content": question}])
    assert len(recall.passages) == 5 and set(recall.passages) <= set(recall.searched)
    many = [
        passage(f"The bell of ferry {n} rang. It rang {n} times. I heard it {n} times.", number=id)
        for n, id in enumerate(each.id for each in recall.searched)
    ]
    many += [dataclasses.replace(each, text=each.text * 3) for each in many]
    computed.clear()
    assert own_words("Which bell rang 3 times?", many, memory.index)
    assert 16 <= len(computed) - 1 <= 20
    long = [
        dataclasses.replace(each, text=each.text.replace(" rang", " rang" * 70)) for each in many
    ]
    computed.clear()
    assert own_words("Which bell rang 3 times?", long, memory.index)
    assert sum(map(len, computed[1:])) < 3500, "long ones take longer, so there are fewer"


def test_a_small_base_may_not_begin_with_another_sentence_than_those_that_answer(memory):
    text = (
        "Mr Pang held the ladder for me. He held it well.\n\n"
        "Gulls walked about all day long. Flying was too much trouble.\n\n"
        "The hole was the size of a button. One rivet did it."
    )
    recall = memory.recall([{"role": "user", "content": "The gate screamed?"}])
    recall = recall._replace(
        question="Who held the ladder?",
        passages=[passage(text, number="p0")],
        beside=(),
        further=(),
    )
    memory.index.embedder = None
    wrong = "The hole was the size of a button."
    memory.small_base = False
    assert spoken.whole(memory, recall, wrong) == wrong
    memory.small_base = True
    assert "Mr Pang held the ladder" in spoken.whole(memory, recall, wrong)
    assert spoken.whole(memory, recall, "Mr Pang held the ladder.") == "Mr Pang held the ladder."
    best = "Mr Pang held the ladder for me. He held it well."
    for mixed in ("Mr Pang held it for me.", "Mr Pang held the ladder well."):
        assert spoken.whole(memory, recall, mixed) == best, "it makes up how they go together"
    text = "城里的铺面一个月一千八。三号码头划一块地，一个月一百二。"
    rent = recall._replace(
        question="你在三号码头租一块地，一个月多少钱？",
        passages=[passage(text, language="zh", number="after")],
    )
    for said, is_it in (("一百二", True), ("一千八", False), ("三百", False)):
        answer = f"三号码头租一块地，一个月{said}。"
        assert (spoken.whole(memory, rent, answer) == answer) is is_it, said
    two = recall._replace(question="谁动了扳手？", passages=wrench())
    both = "阿立把扳手还回来了。\n\n小满把扳手借走了。"
    assert spoken.whole(memory, two, "阿立把扳手还回来了。") == both, "it can't tell which of them"
    paragraph = "He came at noon, and Auntie Weng laughed. Mr Pang held the ladder. " * 3
    place = own_words("Who held the ladder?", [passage(paragraph)])[0]
    assert place.text in paragraph and len(place.core) <= 180 < len(place.text)
    own = memory.own_sentences(recall)
    quotes = [each.quote for each in memory.cited(recall, own).sources]
    assert " ".join(quotes).count("Mr Pang held") == 1, "nothing is shown twice"
    [source] = memory.cited(recall, "He held it well.").sources
    assert source.quote.startswith("Mr Pang held the ladder for me. He held it well.")
    paid = recall._replace(passages=[passage("He paid. Mr Pang held the ladder.", number="p0")])
    paid = paid._replace(question="Who was it that held the ladder?")
    cited = memory.cited(paid, "He paid. Mr Pang held the ladder.")
    assert [number for _, number in cited.sentences] == [0, 0], "nothing of it is the twin's own"


@needs_e5
def test_a_thing_under_another_word_is_no_veto(twin):  # noqa: F811
    write_corpus(twin, [("Locks", "en", "My bicycle has a brass lock, and nobody steals it.")])
    found = make(twin)
    [lock] = found.passages
    for thing, same in (("bike", True), ("helmet", False), ("bread", False)):
        assert unwritten.has_synonym(found, thing, [lock]) is same, thing
    made = abstain.Calibration(["covered"], [0.0], 0.4, 0.3, [None] * 4, [None] * 4)
    for question, veto in (("Does your bike have a lock?", ""), ("And the helmet?", "helmet")):
        search = found.search(question)
        decision = abstain.decide(found, {"vectors": made}, question, search)
        assert (decision.answer, decision.veto) == (not veto, veto), question
    plain = index.Index(found.passages, found.lexical, None)
    assert not unwritten.has_synonym(plain, "bike", [lock]), "words alone have no meaning"


def test_words_with_accents_count_as_words():
    assert {"dvořák", "kraków"} <= set(own_words_module.terms("Did Dvořák see Kraków?"))
    assert agree.names("We met José, Łukasz and Élan") >= {"josé", "łukasz", "élan"}
    assert "kraków" in agree.denied("I never saw Kraków.")
    assert (
        script.language_of("我的朋友 Łukasz Dvořák") == "zh" and script.word_count("Kraków é") == 2
    )
