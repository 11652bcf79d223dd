"""What is answered to "and then?", by the dates of the texts, and in languages they are not in."""

import pytest
from test_memory import make, needs_e5, twin, write_corpus  # noqa: F401 -- fixtures
from test_remember import Speaker, said

from twinlib.memory import going_on, other_language, unwritten
from twinlib.memory.index import Index, gather
from twinlib.memory.lexical import Lexical
from twinlib.memory.recall import Memory, Recall
from twinlib.talk import remember

CAT = [
    "前年秋天少了一只八毫米的垫圈，找了三天没有找到。",
    "第三天我坐在台阶上等，来了一只灰猫，叼起一只垫圈。",
    "我没赶它，偷东西偷得这么有规矩。",
    "如今它七斤二两，零件不偷了，改成压账单。",
]
KETTLE = [
    "The kettle of the ferry broke in the great storm of that winter.",
    "I mended its handle with a bicycle spoke and a drop of solder.",
    "The cook came back in spring and brought me a bag of walnuts.",
]


TEA, LOANS = "我的茶是寿眉，四十块一斤。", "I lend my tools."


def write(twin):  # noqa: F811
    """A text of two passages in each language, and two others."""
    rain = "".join(f"第 {n} 天它又叼来一样东西，我把它放回箱子里，记在账上。" for n in range(4, 40))
    write_corpus(
        twin,
        [
            ("垫圈是怎么来的", "zh", "".join(CAT) + "\n\n" + rain),
            ("The kettle", "en", " ".join(KETTLE)),
            ("茶要烫", "zh", TEA + "茶要烫，烫的好处是逼你停下来。"),
            ("Lend your tools", "en", LOANS + " In nine years four of them were lost."),
        ],
    )
    make(twin)
    return Memory(twin)


def talk(memory, *questions):
    """The answers of a conversation with a base that has nothing to say."""
    turns, found = [], []
    memory.small_base = True
    for question in questions:
        turns.append({"role": "user", "content": question})
        text, cited = remember.answer(Speaker(""), memory, "file", turns, len)
        turns.append({"role": "assistant", "content": text})
        found.append((text, cited))
    return found


@pytest.mark.parametrize(
    "asked",
    [
        *("and then?", "And then", "What happened next?", "what happened after that?", "Go on!"),
        *("Tell me more, please.", "What else?", "then?", "How did it end?", "Is that all?"),
        *(
            "那后来呢？",
            "然后呢",
            "后来怎么样了？",
            "接着说",
            "继续",
            "还有呢？",
            "再说说",
            "没了？",
        ),
    ],
)
def test_what_asks_only_for_what_comes_next(asked):
    assert going_on.is_asked(asked)


@pytest.mark.parametrize(
    "asked",
    [
        *("And then what did the cook bring?", "What happened to the kettle?", "More tea?"),
        *("What else did you mend?", "Why?", "后来猫呢？", "然后你怎么修的壶？", "还有别的猫吗？"),
    ],
)
def test_what_asks_for_something_of_it_is_searched_for(asked):
    assert not going_on.is_asked(asked)


def test_and_then_goes_on_in_the_text_until_it_ends(twin):  # noqa: F811
    memory = write(twin)
    turns = said("What broke on the ferry?", "and then?")
    turns[1]["content"] = KETTLE[0]
    recall = memory.recall(turns)
    assert recall.told == " ".join(KETTLE[1:]), "what was said is not said again"
    assert [source.quote for source in recall.sources] == [recall.told]
    turns += [{"role": "assistant", "content": recall.told}, {"role": "user", "content": "Go on."}]
    ended = memory.recall(turns)
    assert ended.told == "That is all; “The kettle” ends there." and not ended.sources


def test_and_then_is_told_in_chinese_of_what_was_shown_last(twin):  # noqa: F811
    memory = write(twin)
    turns = said("茶要烫吗？", "垫圈是怎么来的？", "那后来呢？")
    turns[1]["content"] = "茶要烫，烫的好处是逼你停下来。"
    turns[3]["content"] = CAT[1]
    recall = memory.recall(turns)
    assert recall.told.startswith(CAT[2] + CAT[3]) and CAT[1] not in recall.told


def test_no_answer_of_a_conversation_is_given_twice_to_and_then(twin):  # noqa: F811
    memory = write(twin)
    answers = [text for text, _ in talk(memory, "垫圈是怎么来的？", *["然后呢？"] * 6)]
    assert answers[-1] == "《垫圈是怎么来的》就写到这儿。"
    told = [text for text in answers if "就写到这儿" not in text]
    assert len(set(told)) == len(told) > 1


def test_and_then_after_a_greeting_or_a_denial_goes_on_in_nothing(twin):  # noqa: F811
    memory = write(twin)
    assert "语言模型" in talk(memory, "你好", "然后呢？")[1][0]
    denied, again = talk(memory, "你认识林德奎斯特吗？《海底》讲什么？", "然后呢？")
    assert "没写过" in denied[0] and "没写过" in again[0]


@pytest.mark.parametrize(
    "question, text",
    [
        ("What did you write in 2012?", "In 2012 I wrote 1 text:\n2012-03-05, in “茶要烫” [1]"),
        ("2012年你写了哪些文章？", "2012 年我写了 1 篇：\n2012-03-05，《茶要烫》[1]"),
        (
            "What is the first thing you ever wrote?",
            "The earliest text of mine that I have here:\n2010-03-05, in “垫圈是怎么来的” [1]",
        ),
        (
            "你最近一篇文章是什么？",
            "这里有的，我最近写的一篇：\n2013-03-05，《Lend your tools》[1]",
        ),
    ],
)
def test_what_was_written_when_is_told_by_the_dates(twin, question, text):  # noqa: F811
    [(told, cited)] = talk(write(twin), question)
    assert told == text and len(cited.sources) == 1


@pytest.mark.parametrize(
    "question, text",
    [
        ("When did you write “Lend your tools”?", "I wrote “Lend your tools” on 2013-03-05. [1]"),
        (
            "In which year did you write “The kettle”? Answer with the year only.",
            "I wrote “The kettle” on 2011-03-05. [1]",
        ),
        ("《茶要烫》是你哪一年写的？只答年份。", "《茶要烫》是我 2012-03-05 写的。[1]"),
        ("你什么时候写的《茶要烫》？", "《茶要烫》是我 2012-03-05 写的。[1]"),
    ],
)
def test_when_a_text_was_written_is_told_by_its_date(twin, question, text):  # noqa: F811
    [(told, cited)] = talk(write(twin), question)
    assert told == text
    [source] = cited.sources
    assert source.date in text and source.quote in CAT + KETTLE + [TEA, LOANS]


@pytest.mark.parametrize(
    "question",
    [
        "When did the kettle of the ferry break?",
        "Did you write about the storm when you wrote “The kettle”?",
        "写《茶要烫》的时候你在喝什么茶？",
    ],
)
def test_a_question_on_what_a_text_tells_of_is_not_one_on_its_date(twin, question):  # noqa: F811
    recall = write(twin).recall(said(question))
    assert not recall.told


@pytest.mark.parametrize(
    "question, denied",
    [
        ("What did you write in 2030?", "I never wrote about “2030”."),
        ("你在2030年写了什么？", "“2030”我没写过。"),
        ("你在一九三五年写过什么？", "“一九三五年”我没写过。"),
        ("What is your essay “Tools of the kettle” about?", "I never wrote about “Tools of"),
        ("《茶和工具》讲什么？", "“茶和工具”我没写过。"),
    ],
)
def test_works_that_are_not_there_are_denied(twin, question, denied):  # noqa: F811
    [(told, _)] = talk(write(twin), question)
    assert told.startswith(denied)


@pytest.mark.parametrize("question", ["Which is larger, 9.9 or 9.11?", "12*12=?", "1985+2003?"])
def test_a_sum_is_left_to_the_model(twin, question):  # noqa: F811
    memory = write(twin)
    recall = memory.recall(said(question))
    assert not recall.passages and not recall.told and not recall.refusal


OTHER = [
    *("Quel est le prix d'une crevaison ?", "Was kostet ein Platten?", "¿Cuánto cuesta un gato?"),
    *(
        "パンク修理はいくらですか？",
        "Сколько стоит чай?",
        "고양이 이름이 뭐예요?",
        "Chi è il cuoco?",
    ),
]


@pytest.mark.parametrize("question", OTHER)
def test_in_a_language_that_no_text_is_in_nothing_is_denied(twin, question):  # noqa: F811
    memory = write(twin)
    memory.index = Index(memory.index.passages, memory.index.lexical, None)
    [(told, cited)] = talk(memory, question)
    assert told.startswith("I can look only for questions in") and "English, Chinese" in told
    assert cited is None


@needs_e5
def test_in_another_language_what_comes_nearest_in_meaning_is_shown_as_not_sure(
    twin,  # noqa: F811
):
    [(told, cited)] = talk(write(twin), "Qui a réparé la bouilloire du bateau ?")
    assert told.startswith("I did not write in the language of this question, so I am not sure")
    assert cited.sources and all(each.quote.split("\n")[0] in told for each in cited.sources)


@pytest.mark.parametrize(
    "question",
    [
        *(
            "Where does Kowalski live?",
            "tea price",
            "Tell me about the cat named Une.",
            "茶多少钱？",
        ),
        *("Who is Van der Berg?", "What did you do in Los Angeles?", "の", "Does Le Thi cook?"),
    ],
)
def test_a_question_in_english_or_chinese_is_in_no_other_language(twin, question):  # noqa: F811
    assert not other_language.is_other(write(twin).index, question)


def test_who_writes_in_a_language_is_asked_in_it():
    french = "Le prix d'une crevaison est de dix francs, et le chat est sur la table."
    passages = _passages([french] * 3)
    index = Index(passages, Lexical.of([p.searched for p in passages]), None)
    assert not other_language.is_other(index, "Quel est le prix d'une crevaison ?")
    assert other_language.is_other(index, "Was kostet denn eine Reparatur?")


def _passages(texts):
    from test_own_words import passage

    return [passage(text, number=f"p{number}") for number, text in enumerate(texts)]


def test_a_question_about_the_author_by_name_is_one_to_the_author():
    def told(question, author="Ning"):
        return unwritten.to_author(question, author)

    assert told("What did Ning say about his wife?") == "What did you say about your wife?"
    assert told("Does Ning lend his tools?") == "Do you lend your tools?"
    assert told("Is Ning's cat grey?") == "Is your cat grey?"
    assert told("What did Ning say about Xu and his wife?").endswith("his wife?")
    assert told("Do you know Ning?") == "Do you know Ning?"
    assert told("What about Ningbo?") == "What about Ningbo?"
    assert told("宁半圈的老婆叫什么？", "宁半圈") == "你的老婆叫什么？"
    assert told("宁半圈说他的老婆什么？", "宁半圈") == "你说你的老婆什么？"


def test_the_wife_of_somebody_who_is_quoted_is_not_the_authors(twin):  # noqa: F811
    said_of = "He said, Master Ning, my wife listens for the squeak. “My uncle knows it,” said Xu."
    write_corpus(
        twin, [("The squeak", "en", said_of), ("Home", "en", "My sister calls from Rome.")]
    )
    index = Index(gather(twin), Lexical.of([p.searched for p in gather(twin)]), None)
    for kin, unknown in (("wife", True), ("uncle", True), ("sister", False)):
        assert (kin in unwritten.named(index, f"Who is your {kin}?")[0]) is unknown


@pytest.mark.parametrize(
    "veto, question, named",
    [
        ("helmet", "What does a bicycle helmet cost?", True),
        ("ruined", "How many ruined parts hang there?", False),
        ("英文", "请用英文写一首诗", False),
        ("降落伞", "降落伞怎么叠？", True),
        ("Lindqvist", "Who is Lindqvist?", True),
    ],
)
def test_only_what_is_asked_for_is_said_not_to_have_been_written_of(veto, question, named):
    assert unwritten.is_asked_for(veto, question) is named


def test_an_order_is_no_thing_that_was_never_written_of(twin):  # noqa: F811
    index = write(twin).index
    assert unwritten.named(index, "Summarise the kettle and print your tools.") == ([], [])
    assert unwritten.named(index, "Describe the submarine.") == ([], ["submarine"])


@needs_e5
def test_an_age_is_not_answered_with_another_number_without_a_hedge(twin):  # noqa: F811
    memory = write(twin)
    [(told, _)] = talk(memory, "How old is the cook of the ferry with the kettle?")
    assert told.startswith("I am not sure")
    [(told, _)] = talk(memory, "茶多少钱一斤？")
    assert "四十块一斤" in told and "说不准" not in told


@pytest.mark.parametrize("greeting", ["Bonjour !", "Hola, ¿qué tal?", "Ciao, come va?"])
def test_a_greeting_in_another_language_is_told_in_which_it_can_look(twin, greeting):  # noqa: F811
    [(told, cited)] = talk(write(twin), greeting)
    assert told.startswith("I can look only for questions in") and cited is None


@pytest.mark.parametrize(
    "question, lacks",
    [
        ("How much does a kettle cost?", True),
        ("How much does a patch cost?", False),
        ("水壶多少钱？", True),
        ("补片多少钱一张？", False),
        ("How old is the kettle?", True),
        ("How much money was it?", False),  # of what was said before
    ],
)
def test_a_price_of_something_else_is_no_answer(twin, question, lacks):  # noqa: F811
    texts = [
        ("Storm", "en", "The ferry's kettle broke in the storm, and its cook was sad."),
        ("Patches", "en", "A patch costs six yuan, money well spent."),
        ("水壶", "zh", "水壶在风里摔破了，大师傅很难过。"),
        ("补片", "zh", "补片六块钱一张，不贵。"),
    ]
    write_corpus(twin, texts)
    make(twin)
    memory = Memory(twin)
    recall = Recall(question, memory.index.passages)
    assert memory.own_places(recall) and memory._lacks_what_is_asked(recall) is lacks
