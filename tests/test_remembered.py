"""The variant twin with memory: facts shown, what is made up, refused, and quoted; its layers."""

import pytest
from test_memory import NOTHING, make, twin  # noqa: F401 -- a fixture

from twinlib.evaluate import facts, remembered
from twinlib.evaluate.figures import THRESHOLDS
from twinlib.files import write_records
from twinlib.memory import abstain, graph, index
from twinlib.memory.recall import Source
from twinlib.text import labels
from twinlib.ui.score_card import memory_layers

FACTS = [
    {"document": f"d{number}", "language": language, "question": question, "answer": answer}
    for number, (question, answer, language) in enumerate(
        [
            ("那只灰猫偷了几毫米的垫圈？", "八", "zh"),
            ("老庞和阿坤为一条排水沟吵了几天？", "九", "zh"),
            ("茶要烫，寿眉多少钱一斤？", "四十", "zh"),
            ("码头上的链条多久上一次油？", "一个月", "zh"),
            ("How many of the tools were lost?", "four", "en"),
            ("How many years in the Grey Gull depot?", "twenty-six", "en"),
            ("Where does my sister Heng have her tailor shop?", "Lisbon", "en"),
        ]
    )
]
YEAR = {
    **{"document": "d5", "language": "en", "kind": "year", "answer": "2015"},
    "question": "In which year did you write “The trams”?",
}
FACTS.append(YEAR)
UNWRITTEN = [
    {"language": "en", "kind": "unanswerable", "question": f"What did {name} Quillan say?"}
    for name in ("Doctor", "Rosa", "Henrik", "Ilse", "Tobias", "Judge", "Mr.", "Old")
]


class Twins:
    """Stands for a twin's outputs: it says one sentence, and keeps what it was asked."""

    def __init__(self, text):
        self.text, self.asked = text, []

    def replies(self, trained, conversations, tokens, note):
        self.asked += conversations
        return [self.text] * len(conversations)


@pytest.fixture
def made(twin):  # noqa: F811
    make(twin)
    graph.make(twin, index.gather(twin), NOTHING)
    return twin


def measured(twin, says="I ride a blue camel."):  # noqa: F811
    outputs = Twins(says)
    found = remembered.gather(twin, FACTS, UNWRITTEN, [q["question"] for q in FACTS], outputs)
    return outputs, remembered.figures(found, FACTS, UNWRITTEN, THRESHOLDS)


def test_facts_stand_in_what_is_shown_and_what_was_never_written_is_refused(made):
    outputs, found = measured(made)
    assert (
        found["own_facts.L0"]["value"] >= 0.7
    )  # by the author's sentences: the twin says nonsense
    assert found["never_wrote.memory"]["value"] == 0 and found["never_wrote.memory"]["n"] == 8
    assert found["own_facts.quoted"]["value"] >= 0.7 and found["own_facts.quoted"]["n"] == 8
    assert found["never_wrote.memory_refused"]["value"] <= 0.25
    system, question = outputs.asked[0]
    assert system["role"] == "system" and question["content"].startswith("你写过：")
    assert {"own_facts.L0", "own_facts.L0+L1"} <= set(found)
    table = memory_layers({**found, "own_facts": {"value": 0.1, "n": 8, "low": 0, "high": 0.3}})
    assert table.text.count("L0") == 3 and "—" in table.text


def test_nothing_held_out_is_shown(made):
    scooters = [{"document": "d7", "language": "en", "question": "Why no electric scooters?"}]
    outputs = Twins("No.")
    asked = [{**each, "answer": "fixed"} for each in scooters]
    found = remembered.gather(made, asked, [], [], outputs)
    shown = [each for layer in found.facts.values() for each in layer]
    assert "want to be fixed" not in str(shown) + str(outputs.asked)


def test_what_is_quoted_stands_in_the_text_word_for_word(made):
    texts = {record["id"]: record["text"] for record in made.records("passages")}
    found = remembered.gather(made, FACTS, UNWRITTEN, [], Twins("I ride a blue camel."))
    sources = [source for shown in found.facts["memory"] for source in shown.sources]
    assert len(sources) >= 8 and all(each.quote in texts[each.passage] for each in sources)


@pytest.mark.parametrize(
    "answer, wanted, title, quote",
    [
        ("I don't remember that.", "12", "On bread", "The oven was cold."),
        ("I don't remember that.", "5", "On bread", "The oven was cold."),
        ("I don't remember that.", "2019", "On bread", "The oven was cold."),
        ("I don't remember that.", "9", "My 9 rules", "The oven was cold."),
        ("我不记得。", "12", "面包", "炉子是冷的。"),
        ("我不记得。", "05", "面包", "炉子是冷的。"),
        ("我不记得。", "二十五", "二十五个面包", "炉子是冷的。"),
    ],
)
def test_a_number_in_a_date_or_title_is_not_the_fact(answer, wanted, title, quote):
    asked = [{"document": "d", "language": "en", "question": "?", "answer": wanted}] * 8
    shown = remembered.Shown(answer, (Source(title, "2019-05-12", quote, "p"),))
    found = remembered.Remembered({"memory": [shown] * 8}, {"memory": []}, {"memory": []}, {})
    figures = remembered.figures(found, asked, [], THRESHOLDS)
    assert figures["own_facts.memory"]["value"] == figures["own_facts.quoted"]["value"] == 0
    told = shown._replace(text=f"{answer} {wanted}.")
    found = found._replace(facts={"memory": [told] * 8})
    figures = remembered.figures(found, asked, [], THRESHOLDS)
    assert figures["own_facts.memory"]["value"] == 1 and figures["own_facts.quoted"]["value"] == 0


def test_the_year_of_a_text_is_told_by_the_date_of_that_text():
    trams = Source("The trams", "2015-03-05", "In 1999 we had forty-one trams.", "p")
    assert remembered.supports(YEAR, trams, {"p": "d5"})
    assert not remembered.supports(YEAR, trams, {"p": "d6"}), "another text of the same year"
    assert not remembered.supports({**YEAR, "answer": "1999"}, trams, {"p": "d5"})
    asked = facts.own_facts(
        [{"text": "Short.", "document": "d5", "language": "zh"}],
        {"d5": {"title": "电车", "date": "2015-03-05"}},
        9,
    )
    assert asked[0]["kind"] == "year" and remembered.supports(asked[0], trams, {"p": "d5"})


@pytest.mark.parametrize(
    "language, words",
    [("en", "3 quote the fact that was asked for"), ("zh", "有 3 个引出了所问的那件事")],
)
def test_quotations_that_do_not_answer_are_the_figure(language, words):
    asked = [{"document": "d", "language": "en", "question": "?", "answer": "twelve"}] * 10
    right, wrong = Source("", "", "等了十二分钟。", "p"), Source("", "", "It rained.", "p")
    both, none = remembered.Shown("Twelve.", (wrong, right)), remembered.Shown("Twelve.")
    shown = [both] * 3 + [remembered.Shown("Twelve.", (wrong,))] * 6 + [none]
    found = remembered.Remembered({"memory": shown}, {"memory": []}, {"memory": []}, {})
    quoted = remembered.figures(found, asked, [], THRESHOLDS)["own_facts.quoted"]
    assert (quoted["value"], quoted["n"], quoted["level"]) == (pytest.approx(1 / 3), 9, "bad")
    assert words in labels.note(quoted)[language]
    few = remembered.figures(found._replace(facts={"memory": [none] * 10}), asked, [], THRESHOLDS)
    assert few["own_facts.quoted"]["value"] is None


def test_without_a_memory_it_is_said_what_to_run(twin):  # noqa: F811
    assert remembered.gather(twin, FACTS, UNWRITTEN, [], Twins("")) is None
    [(name, found)] = remembered.figures(None, FACTS, UNWRITTEN, THRESHOLDS).items()
    assert name == "own_facts.memory" and "memory" in found["note"] and found["value"] is None
    assert memory_layers({name: found}).html == ""


def test_the_questions_of_rows_are_those_that_the_memory_was_not_fitted_on(twin):  # noqa: F811
    def rows(split):
        return [
            {
                **{"kind": "qa", "source": source, "split": split},
                "messages": [{"content": f"Has the {split} {source} bridge {n} a roof?"}, {}],
            }
            for source in ("local", "title", "short")
            for n in range(20)
        ]

    for split in ("train", "val", "test"):
        write_records(twin.file(split), rows(split))
    make(twin)
    asked = remembered.known_questions(twin, 99)
    fitted = {each.question for each in abstain.questions(twin, index.Index.open(twin))}
    assert asked and not fitted & set(asked) and not [each for each in asked if "title" in each]
    assert {f"Has the test local bridge {n} a roof?" for n in range(20)} <= set(asked)
    from_training = [each for each in asked if "train" in each]
    assert 2 <= len(from_training) <= 14, "one in six of 40"
    assert not [each for each in fitted if "the test" in each or "the val" in each]


def test_a_memory_that_was_fitted_on_all_questions_is_not_measured_by_them():
    shown = remembered.Shown("")
    found = remembered.Remembered({}, {}, {"memory": [shown] * 9}, {}, seen=True)
    found = found._replace(facts={"memory": []}, unwritten={"memory": []})
    measured = remembered.figures(found, [], [], THRESHOLDS)["never_wrote.memory_refused"]
    assert measured["value"] is None and "earlier version" in measured["note"]
    old = abstain.Calibration([], [], 0.0, 0.5, [None] * 4, [None] * 4)
    assert not old.kept_apart and abstain.unfitted().kept_apart


def test_the_twins_own_sentence_counts_and_not_the_quotation_under_it():
    asked = [
        {"document": f"d{n}", "language": "en", "question": "?", "answer": "12"} for n in range(9)
    ]
    quoted = remembered.Shown("It rained.", (Source("", "", "We waited twelve minutes.", "p"),))
    found = remembered.Remembered(
        {"L0": [quoted] * 9, "memory": [quoted] * 9}, {}, {"memory": []}, {}
    )
    found = found._replace(unwritten={"L0": [], "memory": []})
    measured = remembered.figures(found, asked, [], THRESHOLDS)
    assert (measured["own_facts.memory"]["value"], measured["own_facts.L0"]["value"]) == (0, 1)
    assert measured["own_facts.quoted"]["value"] == 1


def test_a_refusal_that_quotes_the_fact_is_not_the_twins_answer():
    asked = [
        {"document": f"d{n}", "language": "en", "question": "?", "answer": "12"} for n in range(9)
    ]
    unsure = remembered.Shown("I am not sure. What comes nearest: we waited 12 minutes.", (), True)
    found = remembered.Remembered(
        {"L0": [unsure] * 9, "memory": [unsure] * 9}, {}, {"memory": []}, {}
    )
    found = found._replace(unwritten={"L0": [], "memory": []})
    measured = remembered.figures(found, asked, [], THRESHOLDS)
    assert (measured["own_facts.memory"]["value"], measured["own_facts.L0"]["value"]) == (0, 1)


def test_the_card_tells_the_twins_own_sentences_from_years_and_the_authors(made):
    own = "老庞和阿坤为排水沟吵了九天。"
    made.remember(base={"name": "qwen2.5-coder-0.5b-instruct"})  # a small one
    _, found = measured(made, own)
    note = str(found["own_facts.memory"]["note"])
    assert "1 year, told by the date of a text, 1 in a sentence of its own" in note, note
    assert found["own_facts.memory"]["value"] > 2 / 8, "the author's sentences where it says none"
