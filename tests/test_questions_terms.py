"""What a passage is about: nouns and names that are frequent in it and rare elsewhere."""

import pytest

from twinlib.corpus.questions.terms import connectives, terms
from twinlib.corpus.records import Passage


def passage(text="今天只讲茶。", language="zh", name="1"):
    return Passage(name, "d", text, 10, language=language)


def test_topics_are_frequent_here_and_rare_elsewhere():
    here = passage(text="垫圈睡了。我叫垫圈，垫圈不理。“三号码头”下雨，街坊走了。", name="1")
    others = [passage(text=f"街坊来了，街坊走了，{n}。", name=f"o{n}") for n in range(8)]
    assert terms([here, *others])["1"] == ["垫圈", "“三号码头”"]


def test_a_piece_of_a_word_is_no_topic():
    text = "人工智能来了。都说人工智能好，我看人工智能也就那样。"
    assert not {"工智", "工智能"} & set(
        terms([passage(text=text, name="1"), passage(name="2")])["1"]
    )


def test_chinese_topics_are_nouns_and_not_the_everyday_ones():
    text = (
        "时候到了，卢梭说教育好。那时候卢梭还年轻，三人都信教育。"
        "三人慢慢地走，慢慢地谈，上文说过，上文不算。"
    )
    assert set(terms([passage(text=text, name="1"), passage(name="2")], most=9)["1"]) == {
        "卢梭",
        "教育",
    }


def test_no_phrase_that_joins_sentences_is_a_topic_and_an_idiom_only_if_it_names_something():
    named, not_named = (
        ["无产阶级", "赶路的人", "逻辑关系"],
        ["莫名其妙", "说空话", "跌下来", "打死"],
    )
    joining = sorted(connectives("zh"))
    text = "".join(f"{word}，茶要烫。我看{word}好。" for word in named + not_named + joining)
    text += "".join(f"他说“{word}”。" for word in joining)
    found = terms([passage(text=text, name="1"), passage(name="2")], most=999)["1"]
    assert set(named) <= set(found)
    assert not {word.strip("“”") for word in found} & {*not_named, *joining}


def test_what_follows_an_english_thing_is_no_part_of_it():
    text = "I paid my bill today, and my feast tomorrow. The lamp burns, and the fat cat."
    more = "The lamp and the cat. It burns and burns. The bill is paid. The feast was good."
    here, other = (passage(text=each, language="en", name=each[:5]) for each in (text, more))
    assert set(terms([here, other], most=9)[here.id]) == {"your bill", "your feast", "the fat cat"}


def test_a_title_in_quotation_marks_is_a_topic_and_a_mere_exclamation_is_not():
    text = "读了《山海经》。他说“哎呀呀”，我说“革命”。"
    assert terms([passage(text=text, name="1"), passage(name="2")], most=9)["1"] == [
        "《山海经》",
        "“革命”",
    ]


@pytest.mark.parametrize(
    "sentence, wrong",
    [
        ("He told the office knock to Mr. Creed and went.", "knock"),
        ("She went to Lord. She came.", "Lord. She"),
        ("I saw the glazier was there, and my books ready to go.", "was"),
        ("My head is full of it, my head full to burst.", "full"),
        ("So he gave the slightly, and the instructions of Instructions.", "Instructions"),
    ],
)
def test_what_only_looks_like_an_english_thing_is_no_topic(sentence, wrong):
    many = (
        "We knock and knock. All is ready. The jug is full. It was late. Read instructions. "
        "It is full, ready."
    )
    other = passage(text=many * 9, language="en", name="2")
    found = terms([passage(text=sentence, language="en", name="1"), other], most=9)
    assert not [word for word in found["1"] if wrong in word.split() or wrong == word]


def test_english_topics_are_names_and_things():
    text = (
        "So I gave Auntie Weng the paper cup, and the paper cup leaked on my bench, "
        "and Auntie Weng laughed."
    )
    other = passage(text="It rains.", language="en", name="2")
    found = terms([passage(text=text, language="en", name="1"), other], most=3)["1"]
    assert set(found) == {"Auntie Weng", "the paper cup", "your bench"}


ACCENTED = "Reulé José François Renée Beyoncé André München Łukasz Kraków Élan Søren Dvořák".split()


@pytest.mark.parametrize("name", ACCENTED)
def test_a_name_with_accents_is_whole(name):
    text = f"We heard {name} preach, and {name} was good. I liked {name} well, and the café."
    here, other = (passage(each, "en", each[:5]) for each in (text, "We walked home, and slept."))
    found = terms([here, other], most=9)[here.id]
    assert name in found and "the café" in found
    assert {word for term in found for word in term.split()} <= {name, "the", "café", "your"}


ODD = """
We met at Paul’s Churchyard, at St Paul’s School and near African House. The greater was mine,
and the greater was his. A great house, a great dog. I called her a Slut, and the Committee
met; the Committee sat. The grateful, the grateful. He was with Prince Rupert and Prince
Charles, and with Prince himself. We saw Prince of Wales and my Lieutenant; he asked Lieutenant
for a note. The lamp burns, and I lit the lamp.
"""


def test_what_the_text_is_about_is_a_whole_name_or_a_noun_it_comes_back_to():
    text = " ".join(ODD.split()) + " Sir W. Penn came. Sir W. Penn went."
    here, other = (passage(each, "en", each[:5]) for each in (text, "We walked home, and slept."))
    found = terms([here, other], most=99)[here.id]
    wrong = ("Paul", "St Paul", "Churchyard", "African", "the African", "the greater", "the great")
    wrong += (
        "W. Penn",
        "Slut",
        "Committee",
        "the Committee",
        "the grateful",
        "Prince",
        "Lieutenant",
    )
    assert not set(found) & set(wrong)
    assert "the note" not in found[:4]
    assert {"the lamp", "Prince Rupert", "Prince Charles"} <= set(found)


@pytest.mark.parametrize(
    "language, text",
    [
        ("en", "We went to Woolwich, and back from Woolwich. Then Deptford, by {n}."),
        ("zh", "垫圈睡了。我叫垫圈，垫圈不理。茶要烫，茶杯也要烫，茶杯不漏，{n}。"),
    ],
)
def test_no_two_passages_are_asked_for_the_same(language, text):
    here = [passage(text.format(n=n), language, str(n)) for n in range(2)]
    others = [
        passage(f"We slept, {n}." if language == "en" else f"睡了{n}。", language, f"o{n}")
        for n in range(9)
    ]
    first, second = (terms([*here, *others])[str(n)] for n in range(2))
    assert first and first[:1] != second[:1]
