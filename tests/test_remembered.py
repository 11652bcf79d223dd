"""The variant twin with memory: facts shown, what is made up, refused, and quoted; its layers."""

import pytest
from test_memory import NOTHING, make, twin  # noqa: F401 -- a fixture

from twinlib.evaluate import remembered
from twinlib.evaluate.figures import THRESHOLDS
from twinlib.files import write_records
from twinlib.memory import graph, index
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
            ("In which year did you write “The trams”?", "2015", "en"),
        ]
    )
]
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
    assert found["own_facts.memory"]["value"] >= 0.7  # by the author's sentences: it says nonsense
    assert found["never_wrote.memory"]["value"] == 0 and found["never_wrote.memory"]["n"] == 8
    assert found["own_facts.cited"]["value"] == 1.0
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


def test_a_quotation_that_no_longer_stands_in_the_corpus_is_counted(made):
    changed = [{**each, "text": "Changed."} for each in made.records("passages")]
    write_records(made.file("passages"), changed)
    found = measured(made)[1]["own_facts.cited"]
    assert found["value"] == 0 and found["level"] == "bad" and "memory" in found["note"]


def test_without_a_memory_it_is_said_what_to_run(twin):  # noqa: F811
    assert remembered.gather(twin, FACTS, UNWRITTEN, [], Twins("")) is None
    [(name, found)] = remembered.figures(None, FACTS, UNWRITTEN, THRESHOLDS).items()
    assert name == "own_facts.memory" and "memory" in found["note"] and found["value"] is None
    assert memory_layers({name: found}).html == ""


def test_the_questions_of_rows_are_those_that_people_ask():
    rows = [
        {"kind": "qa", "source": source, "messages": [{"content": f"{source}?"}, {}]}
        for source in ("local", "title", "heading", "short", "local")
    ] + [{"kind": "raw", "messages": [{}]}]
    assert remembered.known_questions(rows) == ["local?", "short?"]
