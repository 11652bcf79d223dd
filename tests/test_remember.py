"""Answers with memory: what goes before the question, what is refused, and what is cited."""

from decimal import Decimal
from types import SimpleNamespace

import pytest
from test_memory import make, twin  # noqa: F401 -- a fixture

from twinlib.memory import abstain, agree, cite, index, spoken
from twinlib.memory.index import Passage
from twinlib.memory.own_words import own_words
from twinlib.memory.recall import Cited, Source, with_passages
from twinlib.talk import remember
from twinlib.text import numerals
from twinlib.text.script import tokens_estimate


def passage(text, title="The trams", date="2016-11-27"):
    return Passage("p", "d", title, "", date, "a.md", "train", "en", text)


TRAMS = passage(
    "We had forty-one trams. I worked in the depot for 26 years. The cat hates the bell."
)
DRAIN = passage(
    "事情是这样。卖渔网的老庞和卖冰的阿坤，为一条排水沟吵了九天。我拿尺去量。", "邻居吵架"
)


@pytest.mark.parametrize(
    "answer, quotes",
    [
        ("I worked in the depot for 26 years.", ["I worked in the depot for 26 years."]),
        ("I worked in the depot for 36 years.", [""]),  # a number that isn't there
        ("Ask my cat, she hates that bell.", ["The cat hates the bell."]),
        ("I sold my vineyard to a duke.", [""]),
        ("老庞和阿坤为一条排水沟吵了九天。", ["卖渔网的老庞和卖冰的阿坤，为一条排水沟吵了九天。"]),
        ("老庞和阿坤为一条排水沟吵了三十天。", [""]),
        ("", []),
        ("Yes.\n\n…", [""]),
    ],
)
def test_a_sentence_is_cited_only_where_its_words_and_numbers_stand(answer, quotes):
    aligned = cite.align(answer, [TRAMS, DRAIN])
    assert [sentence.quote for sentence in aligned] == quotes
    for sentence in aligned:
        assert sentence.source is None or sentence.quote in (TRAMS, DRAIN)[sentence.source].text


SISTER = passage(
    "My sister Heng calls from Lisbon on Sundays. She has a tailor shop there with three machines."
)
PRICE = passage("就一条：半圈以内不收钱。补一个胎九块，阿立给我打下手。", "规矩")


@pytest.mark.parametrize(
    "answer, supported",
    [
        ("My sister Heng calls me from Lisbon on Sundays.", True),
        ("Heng, my sister, calls on Sundays from Lisbon.", True),
        ("She has a tailor shop with 3 machines.", True),
        ("She has a tailor shop with four machines.", False),
        ("My brother Heng calls from Lisbon on Sundays.", False),
        ("My sister Heng calls from Madrid on Sundays.", False),
        ("My sister Heng calls from Lisbon on Mondays.", False),
        ("My sister Heng never calls from Lisbon on Sundays.", False),
        ("She doesn't have a tailor shop there with three machines.", False),
        ("My sister Heng lives in Lisbon and sells her sheep on Sundays.", False),
        ("半圈以内不收钱。", True),
        ("半圈以内收钱。", False),
        ("补一个胎9块。", True),
        ("补一个胎八块。", False),
        ("阿立给我打下手。", True),
        ("妹妹给我打下手。", False),
        ("小满给我打下手。", False),
    ],
)
def test_a_sentence_with_another_number_name_or_negation_is_the_twins_own(answer, supported):
    [sentence] = cite.align(answer, [SISTER, PRICE])
    assert (sentence.source is not None) is supported


def test_to_repeat_the_question_supports_nothing():
    question = "Did you work in the depot?"
    [sentence] = cite.align("I worked in the depot.", [TRAMS], question)
    assert sentence.source is None


class Speaker:
    """Stands for a loaded model: gives one answer and keeps what it was asked."""

    twin = SimpleNamespace(author="Ning")

    def __init__(self, text):
        self.text = text

    def answer(self, voice, messages, on_text, question="", **sampling):
        self.messages, self.question, self.sampling = messages, question, sampling
        on_text(self.text)
        return self.text


def said(*questions):
    turns = []
    for question in questions[:-1]:
        turns += [{"role": "user", "content": question}, {"role": "assistant", "content": "…"}]
    return [*turns, {"role": "user", "content": questions[-1]}]


@pytest.fixture
def memory(twin):  # noqa: F811
    make(twin)
    return remember.Memory(twin)


def test_the_passages_go_before_the_question_and_their_words_are_shown_under_the_answer(memory):
    speaker, pieces = Speaker("老庞和阿坤为一条排水沟吵了九天。"), []
    text, cited = remember.answer(
        speaker, memory, "file", said("老庞和阿坤吵了什么？"), pieces.append
    )
    asked = speaker.messages[-1]["content"]
    assert asked.startswith("你写过：") and asked.endswith("老庞和阿坤吵了什么？")
    assert "《邻居吵架》\n老庞和阿坤为一条排水沟" in asked and text == "".join(pieces)
    assert not cited.instead
    [line] = remember.lines(cited, "阿宁")
    assert "邻居吵架" in line and "2011-03-05" in line and "老庞和阿坤为一条排水沟吵了九天" in line


def test_with_passages_the_surest_answer_is_given_unless_another_is_asked_for(memory):
    def drawn(question, **sampling):
        speaker = Speaker("Tea.")
        remember.answer(speaker, memory, "file", said(question), len, **sampling)
        return speaker.sampling.get("temperature"), speaker.sampling.get("cuts")

    about, without_penalty = "老庞和阿坤吵了什么？", {"repeat_penalty": 1.0}
    assert drawn(about, temperature=None, seed=1) == (0.0, without_penalty)
    assert drawn(about, temperature=0.9) == (0.9, without_penalty)
    assert drawn(about, seed=2) == (None, without_penalty)
    assert drawn("你会死吗？", seed=1) == (None, None)


@pytest.mark.parametrize(
    "sentence", ["I mended the roof for a year. ", "我修了一年的屋顶，我量过。"]
)
def test_an_answer_that_goes_in_circles_ends(memory, sentence):
    class Looping(Speaker):
        def answer(self, voice, messages, on_text, question="", **sampling):
            for _ in range(100):
                for piece in (sentence[:4], sentence[4:]):
                    on_text(piece)
            raise AssertionError("it was heard to the end")

    heard = []
    text, cited = remember.answer(
        Looping(""), memory, "file", said("老庞和阿坤吵了什么？"), heard.append
    )
    assert text == "".join(heard).strip() and text.count("我量过") + text.count("a year") <= 1


def test_sentences_that_follow_one_another_are_one_quotation(memory):
    two = "我的茶是寿眉，四十块一斤。茶要烫，烫的好处是逼你停下来。"
    _, cited = remember.answer(Speaker(two), memory, "file", said("你喝什么茶？"), len)
    assert [source.quote for source in cited.sources] == [two]
    assert [number for _, number in cited.sentences] == [0, 0]
    assert cite.joined("for 26 years.", "The cat", TRAMS) == "for 26 years. The cat"
    assert cite.joined("trams. I worked", "I worked in", TRAMS) == "trams. I worked in"
    apart = (("We had", "The cat"), ("The cat", "We had"), ("We had", "I never did"))
    assert not any(cite.joined(*pair, TRAMS) for pair in apart)


CALLS = "She calls from Lisbon."


@pytest.mark.parametrize(
    "question, answer, shown",
    [
        # the question again, a question of the twin's, the question's words in another order
        ("茶多少钱一斤？", "茶多少钱一斤？", "四十块一斤"),
        ("茶要烫吗？", "你为什么要喝烫茶？茶要烫。", "茶要烫。"),
        ("排水沟有多长？", "沟长三米。", "四米二"),  # another number
        ("排水沟有多长？", "沟长四。", "四米二"),  # a number of nothing
        ("排水沟有多长？", "沟长四米二。", "沟长四米二。"),
        ("谁为排水沟吵架？", "李大嘴为排水沟吵架。", "老庞和阿坤"),  # another name
        ("排水沟边谁吵架？", "排水沟边狐狸吵架。", "老庞和阿坤"),  # a thing that stands nowhere
        (
            "茶要烫吗？",
            "茶要烫。烫的好处是逼你停下来。我养了八只羊。",
            "茶要烫。烫的好处是逼你停下来。",
        ),
        ("茶要烫吗？", "茶要烫。茶要烫。", "茶要烫。茶要烫。"),  # short sentences may return
        ("茶要烫吗？", "要烫，要烫，要烫，要烫。", "茶要烫"),
        ("Who lost your tools?", "They rode a blue camel across the desert.", "four of them"),
        ("How many tools were lost?", "Mr. Smith lost 4 tools.", "four of them"),
        ("How many tools were lost?", "Well, I say. 4 were lost.", "Well, I say. 4 were lost."),
        ("Where does Heng live?", "She calls from Lisbon. She calls from Lisbon. She", CALLS),
    ],
)
def test_sentences_are_passed_on_as_long_as_the_passages_bear_them(memory, question, answer, shown):
    class InPieces(Speaker):
        def answer(self, voice, messages, on_text, question="", **sampling):
            for start in range(0, len(answer), 3):
                on_text(answer[start : start + 3])
            return answer

    pieces = []
    text, cited = remember.answer(InPieces(""), memory, "file", said(question), pieces.append)
    assert text == "".join(pieces).strip()
    assert text == shown or (shown not in answer and shown in text), text
    recall = memory.recall(said(question))
    assert spoken.whole(memory, recall, answer) == text, "the same at once as in pieces"
    if shown not in answer:  # the author's own words, word for word
        assert [number for _, number in cited.sentences] == [0] * len(cited.sentences)
        assert not cited.instead and any(text in each.text for each in recall.passages)


def test_a_question_for_a_number_is_answered_with_one(memory):
    memory.small_base = True
    recall = memory.recall(said("排水沟有多长？"))
    assert "四米二" in spoken.whole(memory, recall, "老庞和阿坤为排水沟吵架。")
    pot = "那壶茶为街坊泡，谁来谁喝。一壶四十块。"
    tea = index.Passage("1", "d", "茶", "", "", "", "train", "zh", pot)
    assert "一壶四十块。" in own_words("那壶茶多少钱？", [tea])[-1].text
    assert own_words("那壶茶给谁喝？", [tea])[0].text == pot
    for question in (
        "抽几成？",
        "多少钱？",
        "要学多久？",
        "How many?",
        "Tell me how long it took.",
    ):
        assert agree.asks_number(question), question
    for question in ("几乎没人来？", "多谢", "How do you do?", "Show me.", "你有多余的吗？"):
        assert not agree.asks_number(question), question
    assert agree.has_number("他抽一成。") and agree.has_number("It takes half a day.")
    assert not agree.has_number("我们一起走。") and not agree.has_number("No one came.")
    assert not agree.has_number("亿万富翁") and not agree.has_number("a thousand thanks")
    assert numerals.numbers("三亿人，一万亿元，two billion, thirty-one thousand and six") == {
        *(3 * 10**8, 10**12, 2 * 10**9, 31006)
    }


@pytest.mark.parametrize(
    "text, found",
    [
        ("七斤二两", {7, 2}),
        ("两百个人，两只猫，一两天", {200, 2}),
        ("5万元，5千米，2万5千", {50000, 5, 25000}),
        ("百分之十二点五", {Decimal("12.5")}),
        ("三点五公里", {Decimal("3.5")}),
        ("三点一起走，三点五十分回来", {3, 50}),
        ("二十万一千人，一千万元", {201000, 10**7}),
        ("万一十分冷，千万别来，陆陆续续走了三三两两，一一说明", set()),
        ("廿五日，一九三○年，○ 一项", {25, 1930}),
        ("三萬兩千個", {32000}),
        ("1.36 million, 12 thousand, 2.5k", {1360000, 12000, 2500}),
        ("one of a hundred", set()),
    ],
)
def test_numbers_of_prose_count_by_their_value(text, found):
    assert numerals.numbers(text) == found


def test_the_same_number_in_another_writing_is_no_contradiction():
    told = passage("铁栏杆薄了三毫米，修它花了12万元。", "栏杆")
    assert agree.agrees("铁栏杆薄了3毫米，修它花了十二万元。", told.text, told)
    assert not agree.agrees("铁栏杆薄了3毫米，修它花了12元。", told.text, told)
    told = passage("The railing cost twelve thousand and lasted 20 years.", "Railing")
    assert agree.agrees("The railing cost 12,000 and lasted twenty years.", told.text, told)
    assert not agree.agrees("The railing cost 12 and lasted 20 years.", told.text, told)


def test_a_question_for_a_weight_or_a_time_is_answered_in_its_unit(memory):
    cat = passage("我少了一只八毫米的垫圈。那只猫如今七斤二两，我量过。", "猫")
    assert "七斤二两" in own_words("垫圈现在多重了？", [cat])[0].text
    for question, right, wrong in (
        ("茶多少钱？", "四十块一斤。", "等三分钟。"),
        ("How long did it take?", "Twelve minutes.", "Sixty yuan."),
        ("How much did it cost?", "Sixty yuan.", "Twelve minutes."),
        ("How many tools?", "Four.", "None."),
    ):
        assert agree.answers_number(question, right), question
        assert not agree.answers_number(question, wrong), question


def test_an_answer_that_goes_round_is_ended_before_its_sentence_is(memory):
    pieces = []
    said_so_far = spoken.Spoken(memory, memory.recall(said("排水沟有多长？")), pieces.append)
    said_so_far("老庞和阿坤为一条排水沟吵了九天。")
    with pytest.raises(spoken.Enough):
        for _ in range(5):
            said_so_far("手上有油，不接，")
    assert "有油" not in said_so_far.end()


def test_a_twin_that_uses_little_of_it_is_shown_beside_the_authors_own_words(memory):
    speaker = Speaker("I lend to nine red streets.")
    _, cited = remember.answer(speaker, memory, "file", said("Who lost your tools?"), len)
    first, quoted, own = remember.lines(cited, "Ning")
    assert cited.instead and "Ning" in first and "red streets" in own
    memory.small_base = True  # such a one is not heard
    text, cited = remember.answer(speaker, memory, "file", said("Who lost your tools?"), len)
    assert not cited.instead and text in quoted and "red streets" not in text
    assert any(
        source.quote in each.text for each in memory.index.passages for source in cited.sources
    )


def test_what_stands_in_the_answer_is_not_shown_whole_again_under_it():
    english = (
        "Nine loose bolts. The worst took three full turns before it met anything. The bearings "
        "were dry, and I measured the play in the front wheel: two millimetres."
    )
    chinese = (
        "老庞和阿坤为一条排水沟吵了九天，第十天一早下起了雨，沟自己通了，"
        "两个人站在门口看水，谁也没有再提起这一件事，后来连为什么吵都忘了。"
    )
    sources = [
        Source("Is a cheap bicycle worth it?", "2016-05-14", english, "a"),
        Source("Is a cheap bicycle worth it?", "2016-05-14", "Already dying.", "b"),
        Source("邻居吵架", "2011-03-05", chinese, "c"),
    ]
    answer = f"{english}\nAlready dying.\n\n{chinese}"
    cited = Cited([(answer, 0)], sources, False)
    assert remember.lines(cited, "Ning") == [
        "[1] from “Is a cheap bicycle worth it?”, 2016-05-14: “Nine loose bolts. The worst took "
        "three full turns before it …”",
        "[2] from the same: “Already dying.”",
        "[3] from “邻居吵架”, 2011-03-05: "
        "“老庞和阿坤为一条排水沟吵了九天，第十天一早下起了雨，沟自己通 …”",
    ]
    told = Cited([], sources, False)  # the answer is the memory's, not the model's
    assert remember.lines(told, "Ning", answer) == remember.lines(cited, "Ning")
    for other in ("", "I counted the bolts."):  # not there yet: the quotation is the evidence
        lines = remember.lines(Cited([(other, 0)], sources, True), "Ning", other)
        assert english in lines[1] and chinese in lines[3]


def test_the_authors_words_are_shown_with_whole_sentences_around_them():
    text = (
        "Before. " + "The bench is old. " * 15 + "I lost four tools. One came back. " + "So. " * 90
    )
    shown = cite.excerpt("I lost four tools. One came back.", passage(text))
    assert shown in text and "four tools" in shown and 440 < len(shown) <= 480
    assert cite.excerpt("Yes.", passage("Yes.")) == "Yes."
    assert cite.excerpt("elsewhere", passage("Yes.")) == "elsewhere"


def test_long_passages_are_cut_to_what_has_most_to_do_with_the_question():
    long = " ".join(f"Sentence {n} of no use is here." for n in range(30))
    passages = [
        passage(f"{long} I lost four tools at the pier. {long}"),
        passage(f"茶要烫。{'今天没有活。' * 40}"),
        passage("Short."),
    ]
    for count in (1, 2, 3):
        [turn] = with_passages(passages[:count], said("Where did you lose your tools?"), 3)
        assert "I lost four tools at the pier." in turn["content"]
        assert tokens_estimate(turn["content"]) < 280, count
        assert (count < 2) or "茶要烫。" in turn["content"]
    assert cite.part_for("茶?", passages[2], 9) == "Short."


def test_what_was_never_written_is_refused_before_the_model_speaks(memory):
    speaker, pieces = Speaker("I invent."), []
    question = "What did Doctor Lindqvist say?"
    text, cited = remember.answer(speaker, memory, "file", said(question), pieces.append)
    assert text == "".join(pieces) and "never wrote about “Lindqvist”" in text and cited is None
    assert not hasattr(speaker, "messages")
    text, _ = remember.answer(speaker, memory, "file", said("你写的《灯塔之子》讲什么？"), len)
    assert text.startswith("“灯塔之子”我没写过。")


class Undecided(abstain.Calibration):
    """Stands for a fitted model that gives every question the same chance."""

    def chance(self, measured):
        return self.bias


@pytest.mark.parametrize(
    "question, denied",
    [
        ("How many of the tools were lost?", "I am not sure that I wrote about just that."),
        ("老庞和阿坤吵了几天？", "这个我说不准写没写过，"),
        ("How many tools did Doctor Lindqvist lose?", "I never wrote about “Lindqvist”."),
    ],
)
def test_where_it_is_not_sure_nothing_is_denied_and_the_nearest_words_are_shown(
    memory, question, denied
):
    def shown(chance):
        fitted = Undecided([], [], chance, 0.3, [], [])
        memory.calibrations = {"vectors": fitted, "words": fitted}
        return remember.answer(Speaker("I invent."), memory, "file", said(question), len)

    text, cited = shown(0.2)
    assert text.startswith(denied)
    if "Lindqvist" in question:
        assert cited is None, "a name that no text has is denied outright"
        assert "“Lend your tools” (20" in text
    else:
        lines = "\n".join(remember.lines(cited, "Ning"))
        assert "“Lend your tools”, 20" in lines or "“邻居吵架”, 20" in lines
        for told in (text, lines):
            assert "four of them were lost" in told or "吵了九天" in told
        assert not cited.instead and not cited.sentences
    text, cited = shown(0.05)
    assert "not sure" not in text and "说不准" not in text and cited is None


@pytest.mark.parametrize(
    "question",
    [
        *("Will you ever die?", "Do you feel fine?", "你活着吗？"),
        *("Are you a good robot?", "你会死吗？", "Which is larger, 9.9 or 9.11?"),
    ],
)
def test_small_talk_needs_no_memory(memory, question):
    speaker = Speaker("Hello.")
    text, cited = remember.answer(speaker, memory, "file", said(question), len)
    assert (text, cited) == ("Hello.", None) and speaker.messages == said(question)


@pytest.mark.parametrize(
    "question",
    [
        *("", " \n", "😀😀", "茶" * 10_000, "tea kettle " * 900, "9" * 10_000, "a\0b\ud800"),
        *(
            "十" * 300 + "块",
            "百百万十零零千块二二年",
            "１２３年，２０２４",
            "《" * 400 + "》" * 400,
        ),
        " ".join(f"{chr(97 + n % 26) * 3}{n}Unknownword" for n in range(700)),
        "What did you do in 0000, 1000, 2999 and 一〇〇〇年?",
    ],
)
def test_any_question_is_recalled_and_cited(memory, question):
    recall = memory.recall(said(question))
    cited = memory.cited(recall, question[:300])
    assert recall.refusal or cited is None or all(s.quote for s in cited.sources)


def test_the_base_is_asked_without_memory(memory):
    speaker = Speaker("Tea.")
    remember.answer(speaker, memory, "base", said("茶要烫吗？"), len)
    assert speaker.messages == said("茶要烫吗？")


def test_a_question_that_follows_up_keeps_its_subject(memory):
    def whole(*questions):
        return memory.recall(said(*questions)).question

    assert whole("老庞和阿坤为什么吵架？", "后来呢？") == "老庞和阿坤为什么吵架？ 后来呢？"
    assert whole("Where does your sister live?", "Does she work there?").startswith("Where does")
    assert whole("老庞和阿坤为什么吵架？", "茶要烫吗？") == "茶要烫吗？"
    # no pronouns
    assert whole("Where does your sister live?", "Do IT shops lend?") == "Do IT shops lend?"
    assert whole("老庞和阿坤为什么吵架？", "听吉他时茶要烫吗？") == "听吉他时茶要烫吗？"
    # of something else, which the author never wrote about
    assert whole("Where does your sister live?", "Is it a submarine?") == "Is it a submarine?"
    assert memory.recall(said("老庞和阿坤为什么吵架？", "后来呢？")).passages[0].title == "邻居吵架"


def test_a_twin_without_memory_says_so_and_answers(tmp_path):
    from twinlib.twin import Twin

    notes = []
    assert remember.opened(Twin.open(tmp_path / "new"), notes.append) is None
    assert "memory" in notes[0]
    assert remember.answer(Speaker("Tea."), None, "file", said("Tea?"), len) == ("Tea.", None)
