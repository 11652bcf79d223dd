"""Sentences of a small base that say in other words what the author's sentences say."""

import pytest
from test_memory import make, twin, write_corpus  # noqa: F401 -- a fixture
from test_remember import Speaker, passage, said

from twinlib.memory import rephrased, spoken
from twinlib.memory.recall import Memory, with_passages
from twinlib.talk import remember

LADDER = (
    "The roof had a hole. So I closed for an hour and went up the ladder. Mr Pang held it. I never"
    " asked him for money. She starts in September, in the engine room."
)
DITCH = (
    "我就拿尺去。沟长四米二，老庞门口二米三，我量过两遍。断骨拿旧辐条接，不扎手。"
    "城里的铺面一个月一千八。三号码头划一块地，一个月一百二。"
)


@pytest.mark.parametrize(
    "question, sentence, own",
    [
        ("Who held your ladder?", "Mr Pang held your ladder.", "Mr Pang held my ladder."),
        (
            "Who held the ladder for you?",
            "Mr Pang held the ladder for you.",
            "Mr Pang held the ladder for me.",
        ),
        (
            "Where will Xiaoman be working?",
            "Xiaoman will be working in the engine room.",
            "Xiaoman will be working in the engine room.",
        ),
        (
            "断掉的伞骨你是拿什么接的？",
            "断掉的伞骨，我拿旧辐条接的。",
            "断掉的伞骨，我拿旧辐条接的。",
        ),
        ("他们吵的那条沟有多长？", "他们吵的那条沟四米二。", "他们吵的那条沟四米二。"),
        ("你的沟有多长？", "你的沟有四米二。", "我的沟有四米二。"),
    ],
)
def test_a_sentence_of_the_questions_words_and_the_authors_is_his(question, sentence, own):
    text = DITCH if "沟" in question or "伞" in question else LADDER
    assert rephrased.said_of(sentence, question, text, passage(text)) == own


@pytest.mark.parametrize(
    "question, sentence",
    [
        ("Who held your ladder?", "Mr Pang held your ladder well."),  # a word of its own
        ("Who held your ladder?", "Mr Weng held your ladder."),  # another name
        ("Who held your ladder?", "Mr Pang never held your ladder."),  # denied
        ("Who held your ladder?", "Did Mr Pang hold your ladder?"),
        ("Who held your ladder?", "Mr Pang held his ladder."),  # somebody else's
        ("Who held your ladder?", "I held my ladder."),  # nothing but the question
        ("Did you ask him for money?", "I asked him for money."),  # he never did
        ("How long were you closed?", "I closed for the ladder."),  # no number
        ("他们吵的那条沟有多长？", "他们吵的那条沟三米二。"),
        # of the shop in town
        ("你在三号码头租一块地，一个月多少钱？", "租一块地，一个月一千八。"),
        ("断掉的伞骨你是拿什么接的？", "断掉的伞骨我是拿新辐条接的。"),
        ("三号码头一块地一个月多少钱？", "三号码头一块地，一个月一千八。"),  # that is a shop's
        ("你就拿尺去吗？", "我不拿尺去量沟。"),
    ],
)
def test_what_the_text_does_not_say_is_not_the_authors(question, sentence):
    text = LADDER if question.isascii() else DITCH
    assert rephrased.said_of(sentence, question, text, passage(text)) == ""


@pytest.mark.parametrize(
    "sentence, own",
    [
        (
            "You are my neighbour, and yours is the shed.",
            "I am my neighbour, and mine is the shed.",
        ),
        ("Your cat sat beside you, and you fed it.", "My cat sat beside me, and I fed it."),
        ("You were after you had eaten.", "I was after I had eaten."),
    ],
)
def test_the_author_is_i_where_the_question_calls_him_you(sentence, own):
    assert rephrased.in_first_person(sentence, "What do you do?", "It rained.") == own
    assert rephrased.in_first_person(sentence, "What does Xu do?", "It rained.") == sentence
    assert rephrased.in_first_person(sentence, "What do you do?", "You know me.") == sentence


@pytest.fixture
def memory(twin):  # noqa: F811
    make(twin)
    memory = Memory(twin)
    memory.small_base = True
    return memory


def test_a_small_base_is_shown_the_nearest_sentences_and_another_whole_passages(memory):
    asked = said("老庞和阿坤吵了几天？")
    recall = memory.recall(asked)
    places = memory.own_places(recall)
    [turn] = memory.given(recall, asked)
    shown = turn["content"].removeprefix("你写过：\n\n").split("\n\n照你写过的回答")[0]
    assert shown == "\n\n".join(place.text for place in reversed(places))
    memory.small_base = False
    assert memory.given(recall, asked) == with_passages(recall.passages, asked) != [turn]


@pytest.mark.parametrize(
    "question, own",
    [
        ("你的排水沟，老庞和阿坤吵了多久？", "老庞和阿坤为排水沟吵了九天。"),
        (  # with too little that is new for cite.py
            "老庞和阿坤吵了九天，为的是什么水沟？",
            "老庞和阿坤吵了九天，为的是排水沟。",
        ),
    ],
)
def test_one_sentence_of_its_own_is_the_answer_and_the_authors_stands_under_it(
    memory, question, own
):
    asked = said(question)
    assert not any(own in each.text for each in memory.index.passages)
    heard = []
    text, cited = remember.answer(
        Speaker(f"{own}后来下了一场红雨。"), memory, "file", asked, heard.append
    )
    assert text == "".join(heard) == own
    [(_, number)] = cited.sentences
    assert own not in cited.sources[number].quote and "吵了九天" in cited.sources[number].quote
    assert not cited.instead, "it says what stands under it"
    assert not any("哪一篇里都没有" in line for line in remember.lines(cited, "阿宁", text))


def test_what_it_makes_up_is_not_heard(memory):
    recall = memory.recall(said("老庞和阿坤吵了多久？"))
    for wrong in ("老庞和阿坤吵了十天。", "老庞和阿坤为一只红骆驼吵了九天。"):
        told = spoken.whole(memory, recall, wrong)
        assert told == memory.own_sentences(recall) != wrong


def test_a_number_stands_in_the_sentence_that_is_asked_about():
    town, pier = "城里的铺面一个月一千八。", "三号码头划一块地，一个月一百二。"
    asked = "你在三号码头租一块地，一个月多少钱？"
    assert rephrased.is_of_another(town, asked, [town, pier])
    assert not rephrased.is_of_another(pier, asked, [town, pier])
    assert not rephrased.is_of_another(town, "城里的铺面一个月多少钱？", [town, pier])


def test_part_of_a_sentence_is_no_answer_where_another_is_asked_about(twin):  # noqa: F811
    rent = "城里的铺面一个月一千八。三号码头划一块地，一个月一百二。风是大，可我量过。"
    other = "妹妹阿蘅去了里斯本，先洗碗，后来开了一间裁缝铺。她每年寄一张明信片。"
    write_corpus(twin, [("摊子为什么摆在三号码头", "zh", rent), ("明信片", "zh", other)])
    make(twin)
    memory = Memory(twin)
    memory.small_base = True
    recall = memory.recall(said("你在三号码头租一块地，一个月多少钱？"))
    assert "一百二" in spoken.whole(memory, recall, "一个月一千八。")
    right = "三号码头划一块地，一个月一百二。"
    assert spoken.whole(memory, recall, right).startswith(right)
