"""answers_the_question: answers are told from others by their questions; parrots, refusals and
shuffled answers are not.
"""

import pytest

from twinlib.evaluate import relevance
from twinlib.models import embed

BIKES = {
    "en": [
        ("Is a cheap bicycle worth it?", "A cheap bicycle breaks its chain in the first winter."),
        ("Why does your sister call?", "My sister calls on Sundays because the line is free."),
        ("What do you do with old umbrellas?", "An umbrella with one broken rib can be mended."),
        ("Do you like rainy days?", "On rainy days nobody comes, and I read under the roof."),
        ("Should children have jobs?", "Children may sweep the pier; a real job can wait."),
        ("Is coffee better than tea?", "Tea is for waiting and coffee is for being late."),
        ("What does the sea do to steel?", "The sea eats steel from inside, salt first."),
        ("Can machines think?", "Machines do what they were told, and no machine thinks."),
        ("How do you remember to oil the gate?", "The gate tells me: it squeaks, I oil it."),
    ],
    "zh": [
        ("便宜的自行车值得买吗？", "便宜的自行车头一个冬天链条就断。"),
        ("妹妹为什么打电话？", "妹妹礼拜天打电话，因为那天不要钱。"),
        ("坏伞值不值得修？", "伞骨断一根还能修，断三根就算了。"),
        ("下雨天你做什么？", "下雨天没人来，我坐在棚子底下看书。"),
        ("小孩该不该干活？", "小孩扫扫地就行，干活不用急。"),
        ("咖啡比茶好吗？", "茶是等人喝的，咖啡是赶路喝的。"),
        ("海水对钢铁有什么影响？", "海水从里头吃钢铁，先是盐。"),
        ("机器会思考吗？", "机器照吩咐做事，没有哪台机器会思考。"),
        ("门轴多久上一次油？", "门轴一响，我就上油。"),
    ],
}
both_languages = pytest.mark.parametrize("language", ["en", "zh"])


def told(language, change=lambda texts: texts, embedder=None):
    questions, answers = map(list, zip(*BIKES[language]))
    compare = embedder or embed.Words()
    return relevance.answers_the_question(questions, change(answers), compare, None, [answers])


@both_languages
def test_answers_with_the_questions_words_are_told_apart(language):
    assert told(language) > 0.9


@both_languages
def test_shuffled_answers_are_not(language):
    assert told(language, lambda texts: texts[1:] + texts[:1]) < 0.2


@both_languages
@pytest.mark.parametrize("said", ["", " ", "I haven't written about that.", "说不上来。"])
def test_an_answer_that_fits_each_question_can_only_be_guessed(language, said):
    """Within the half that one question more or less nearby makes among nine."""
    assert told(language, lambda texts: [said] * len(texts)) == pytest.approx(1 / 8, abs=0.03)


@pytest.mark.parametrize(
    "below, equal, chance", [(10, 0, 1), (0, 10, 1 / 8), (0, 0, 0), (7, 1, 1 / 8 + 7 / 8 / 2)]
)
def test_the_chance_counts_all_draws_of_seven_others(below, equal, chance):
    others = max(below + equal, 8) if chance else 8
    assert relevance.first_of_drawn(below, equal, others) == pytest.approx(chance)


def test_questions_on_the_same_document_are_no_others():
    questions, answers = map(list, zip(*BIKES["en"]))
    documents = ["one"] * 3 + list("abcdef")
    found = relevance.chances(questions, documents, [answers], embed.Words())[0]
    assert found[:3] == [None] * 3 and None not in found[3:]


def test_each_language_is_compared_with_its_own():
    pairs = BIKES["en"] + BIKES["zh"][:7]
    questions, answers = map(list, zip(*pairs))
    found = relevance.chances(questions, range(len(pairs)), [answers], embed.Words())[0]
    assert None not in found[:9] and found[9:] == [None] * 7


@pytest.mark.slow
@both_languages
def test_e5_tells_answers_without_the_questions_words(language):
    questions = [question for question, _ in BIKES[language]]
    other = {
        "en": "two wheels|siblings on the phone|mending broken ribs against the wet|wet weather|"
        "kids who earn money|hot drinks|rust on iron by the ocean|robots with a mind|squeaking hinges",
        "zh": "两个轮子，骑着上班|兄妹通话|雨具修补|天上掉水|孩子赚钱|热饮|铁锈和大洋|电脑的脑子|铰链吱吱响",
    }[language].split("|")
    e5 = embed.E5()
    assert relevance.answers_the_question(questions, other, e5) > 0.7
    assert relevance.answers_the_question(questions, other[1:] + other[:1], e5) < 0.3


@pytest.mark.slow
def test_e5_takes_empty_texts_and_zero_characters():
    e5 = embed.E5()
    assert e5.similarities(["a?", "b?"], ["", "\0", "a"]).shape == (3, 2)
