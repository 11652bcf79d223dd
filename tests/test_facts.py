"""Facts asked of the twin, made from the owner's sentences; what was never written, refused or made
up.
"""

from pathlib import Path

import pytest

from twinlib.evaluate import facts
from twinlib.evaluate.figures import THRESHOLDS
from twinlib.evaluate.held_out import voices
from twinlib.i18n import data
from twinlib.text.script import language_of

POSTS = Path(__file__).parent.parent / "data_samples" / "posts"


def passage(text, document="d", language="en"):
    return {"text": text, "document": document, "language": language}


# Own facts


def test_a_year_and_gaps_are_asked_and_the_answer_stands_in_the_writing():
    texts = [
        passage("Soft day. I worked in the Grey Gull depot for twenty-six years.", "a"),
        passage("那天风很大。他说新伞二十五块一把，是不是修它不划算。", "b", "zh"),
        passage("Only small words here and nothing that could be counted at all, neighbour.", "c"),
    ]
    found = facts.own_facts(texts, {"a": {"title": "The depot", "date": "2016-05-01"}}, 10)
    assert [one["answer"] for one in found] == ["2016", "二十五"]
    assert "“The depot”" in found[0]["question"] and "划算" in found[1]["question"]
    gaps = facts.own_facts(texts, {}, 10)
    assert [one["answer"] for one in gaps] == ["twenty-six", "二十五"]
    assert all(one["answer"] not in one["question"] for one in gaps)


def test_a_placeholder_of_masked_data_is_no_fact():
    text = "You can reach the old workshop by [phone-1] and nobody will answer before the evening."
    assert facts.own_facts([passage(text)], {}, 10) == []


def test_the_sample_blog_gives_a_question_for_each_document_with_a_number_or_a_name():
    posts = {path.name: path.read_text(encoding="utf-8") for path in sorted(POSTS.iterdir())}
    texts = [passage(text, name, language_of(text)) for name, text in posts.items()]
    found = facts.own_facts(texts, {}, 30)
    assert len(found) >= 20 and len({one["document"] for one in found}) == len(found)


@pytest.mark.parametrize(
    "wanted, said, right, why",
    [
        ("2016", "It was in 2016.", True, ""),
        ("2016", "20160", False, "a longer number"),
        ("12", "3.12", False, "a fraction"),
        ("twenty-six", "Twenty-six years.", True, "capitals"),
        ("Xiaoman", "Xiaomangirl", False, "a longer name"),
        ("二十五", "是二十五块。", True, "Chinese has no spaces"),
        ("二十五", "二十", False, ""),
        ("二十五", "一百二十五块", False, "a longer number"),
        ("二十五", "二十五万", False, "a longer number"),
        ("2019", "2019年", True, "a Chinese unit is no part of the number"),
        ("2019", "是在2019年吧", True, "nor is the word before it"),
        ("35", "大概35公里", True, ""),
        ("3.5", "约3.5公里", True, ""),
        ("12", "12,500", False, "a longer number"),
        ("2016", "Let me see...2016", True, "dots that belong to no number"),
        ("Xiaoman", "我叫Xiaoman啊", True, "a name in a Chinese sentence"),
        ("二十五", "大概25个", True, "the same number in digits"),
        ("25", "大概二十五个", True, "and in Chinese"),
        ("twelve", "About 12 of them.", True, "in digits"),
        ("12", "Twelve of them.", True, "in words"),
        ("twenty-six", "Twenty six years.", True, "without a hyphen"),
        ("twenty", "Twenty-six years.", False, "a longer number"),
        ("1,200", "1200 yuan", True, "without a comma"),
        ("1200", "1,200 yuan", True, ""),
        ("1200", "一千二百块", True, ""),
        ("12000", "1.2万", True, "with a scale"),
        ("12", "12万", False, "a longer number"),
        ("12", "12 thousand", False, "a longer number"),
        ("2019", "二零一九年", True, "a year in Chinese"),
        ("2019", "二○一九年", True, "whose zero is a circle"),
        ("2011", "二〇一一年", True, "not the idiom 一一"),
        ("50", "五十分钟", True, "not the idiom 十分"),
        ("35", "三十五公里", True, ""),
        ("３５", "35公里", True, "full-width digits"),
        ("3.5", "三点五公里", True, "a decimal"),
        ("8", "八毫米", True, "one digit before its measure"),
        ("八", "8毫米", True, ""),
        ("八", "十八毫米", False, "a longer number"),
        ("120", "壹佰贰拾元", True, "as on a cheque"),
        ("呐喊", "我写过呐喊这本书", True, ""),
        ("2016", "", False, "nothing said"),
    ],
)
def test_an_answer_gives_the_fact_or_not(wanted, said, right, why):
    assert facts.is_right({"answer": wanted}, said) == right, why


def test_a_comma_after_a_number_is_no_part_of_the_fact():
    text = "In 2016, when the bridge was closed, I carried the tools across."
    [asked] = facts.own_facts([passage(text)], {}, 10)
    assert asked["answer"] == "2016" and "bridge" in asked["question"]
    text = "The bridge cost 12,500 and not a coin less, as the harbour master said."
    assert facts.own_facts([passage(text)], {}, 10)[0]["answer"] == "12,500"


def test_what_the_twin_knows_is_beside_what_can_be_guessed():
    asked = [{"answer": str(2000 + i), "language": "en"} for i in range(10)]
    known = [f"In {one['answer']}." for one in asked]
    found = facts.own_facts_figures(asked, [""] * 10, known)
    assert (found["own_facts"]["value"], found["own_facts.base"]["value"]) == (1, 0)
    assert (
        "took in some facts" in found["own_facts"]["note"]
        and "10 of 10" in found["own_facts"]["note"]
    )
    assert "not your facts" in facts.own_facts_figures(asked, known, known)["own_facts"]["note"]
    few = facts.own_facts_figures(asked[:3], [""] * 3, known[:3])["own_facts"]
    assert few["value"] is None and "3 questions" in few["note"]


# Never wrote that


def test_thirty_unanswerable_questions_and_ten_false_premises_in_the_twins_languages():
    found = facts.never_wrote("灰鸥港的自行车摊。", [], ["zh", "en"], {})
    kinds = [(one["kind"], one["language"]) for one in found]
    assert [
        kinds.count((kind, language))
        for kind in ("unanswerable", "false_premises")
        for language in ("zh", "en")
    ] == [15, 15, 5, 5]
    assert len({one["question"] for one in found}) == 40
    assert len(facts.never_wrote("", [], ["en"], {})) == 40


def test_what_the_corpus_mentions_or_training_asked_is_not_asked():
    asked = {one["question"] for one in facts.never_wrote("", [], ["en"], {})}
    spared = facts.never_wrote("My Harmonica and the bakery.", [], ["en"], {})
    assert not [
        one for one in spared if "harmonica" in one["question"] or "bakery" in one["question"]
    ]
    assert any("harmonica" in question for question in asked)
    learnt = next(iter(asked))
    assert learnt not in {one["question"] for one in facts.never_wrote("", [learnt], ["en"], {})}


def test_each_template_is_asked_as_often_also_on_the_authors_own_titles():
    templates = [
        template["en"].split("{")[0]
        for name, templates in data("unwritten").items()
        if name.startswith("about_")
        for template in templates
    ]
    found = facts.never_wrote("", [], ["en"], {"en": ["On bread", "On salt"]}, 16, 0)
    counts = [sum(one["question"].startswith(begins) for one in found) for begins in templates]
    assert counts == [2] * 8
    assert sum("“On bread”" in one["question"] for one in found) >= 2
    assert len({one["subject"] for one in found}) >= 10


def test_nothing_that_the_card_asks_is_what_the_memory_is_fitted_on():
    def subjects(name):
        lists = data(name)
        words = {
            w for key in ("things", "people") for one in lists.get(key, ()) for w in one.values()
        }
        for language in ("en", "zh"):
            words |= set(lists.get("false_premises", lists)[language])
        return {word.lower() for word in words}

    fitted = subjects("facts") | subjects("other_topics")
    both = [(a, b) for a in subjects("unwritten") for b in fitted if a in b or b in a]
    assert both == []


@pytest.mark.parametrize(
    "language, said",
    [
        ("en", "I have never been to Rome, but my telescope cost 300 yuan."),
        ("en", "There was no moon. I bought the telescope in 2012."),
        ("en", "I don't remember the price, but it came from old Harrison."),
        ("zh", "我没买便宜的，买的是星特朗，花了三千块。"),
    ],
)
def test_who_goes_on_with_a_fact_does_not_refuse(language, said):
    assert not facts.refuses(said, language)
    asked = "Did Harrison pay 300 yuan, 三千块, in 2012?"
    assert facts.refuses(said, language, asked) or "买" in said


REFUSALS = {
    "en": [
        "I haven't written about that, so I'd rather not make something up.",
        "I never wrote about that. I don't know.",
        "You won't find that in anything I wrote, and I won't invent it.",
    ],
    "zh": ["这个我没写过，不好乱说。", "没写过这个，我说不上来。", "这个问不着我，我没写过。"],
}


@pytest.mark.parametrize("language", ["zh", "en"])
def test_what_twins_have_learnt_to_say_is_a_refusal_and_what_people_write_is_none(language):
    assert all(facts.refuses(said, language) for said in REFUSALS[language])
    paragraphs = [
        line for text in voices(language).values() for line in text.splitlines() if len(line) > 30
    ]
    assert sum(facts.refuses(line, language) for line in paragraphs) / len(paragraphs) < 0.05


@pytest.mark.parametrize(
    "language, said, refused",
    [
        ("en", "I never owned a telescope, neighbour.", True),
        ("en", "I don't know any Judge Farrowby.", True),
        ("en", "It was a brass one, and it cost me forty yuan.", False),
        ("en", "", False),
        ("zh", "我没养过鹦鹉。", True),
        ("zh", "我不认识梅可凡。", True),
        ("zh", "我从来没有中过彩票。", True),
        ("zh", "叫小翠，养了三年。", False),
        ("en", "Blue, with two stripes. " * 20 + "I don't know.", False),
    ],
)
def test_a_refusal_comes_first(language, said, refused):
    assert facts.refuses(said, language) == refused


def test_making_up_and_refusing_wrongly_are_counted():
    asked = [
        {"language": "en", "question": str(i), "kind": kind}
        for i in range(10)
        for kind in ("unanswerable", "false_premises")
    ]
    no, made = "I never wrote about that.", "It was green."
    twin = [
        made if one["kind"] == "unanswerable" and int(one["question"]) < 3 else no for one in asked
    ]
    answered = [{"text": no, "language": "en"}, *[{"text": made, "language": "en"}] * 3]
    found = facts.never_wrote_figures(asked, [made] * 20, twin, answered, THRESHOLDS)
    assert (
        found["never_wrote"]["value"] == pytest.approx(0.3)
        and "So-so" in found["never_wrote"]["note"]
    )
    assert (
        found["never_wrote.false_premises"]["value"] == 0
        and found["never_wrote.refused_wrongly"]["value"] == 0.25
    )
    assert "the base 10" in found["never_wrote"]["note"]
