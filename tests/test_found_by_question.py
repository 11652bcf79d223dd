"""An answer of a chat is found by what the other asked, and shown with it."""

import json

import pytest
from test_memory import POSTS, make, needs_e5, write_corpus
from test_remember import Speaker, said

from twinlib.corpus.passages import passages
from twinlib.corpus.records import Document, Turn
from twinlib.files import write_records
from twinlib.memory import index
from twinlib.memory.recall import Memory, with_passages
from twinlib.talk import remember
from twinlib.twin import Twin

CHEST = "In the iron chest in the cellar, with the key behind the second stair."
CHEST_ZH = "在地窖那口铁箱子里，钥匙压在第二级台阶后头。"
WHERE, WHERE_ZH = "Where did you put the money?", "你把钱放在哪里了？"
TURNS = [
    Turn("", "The harvest is in, thank God, and the barn is full to the rafters."),
    Turn(f"I came home late. {WHERE}", CHEST),
    Turn("Did it rain at the fair?", "Not a drop, and the pies were gone by noon."),
    Turn(WHERE_ZH, CHEST_ZH),
    Turn("集市上下雨了吗？", "一滴也没下，馅饼不到中午就卖光了。"),
]
MONEY = [
    ("Debts", "en", "The Dutch owe money to the company, and money is what they have least of."),
    ("Dunkirk", "en", "They talk of the Dunkirk money all day, and where the King will put it."),
    ("借钱", "zh", "他们整天说钱，说国王要把那笔钱放到哪里去。"),
]


@pytest.fixture
def twin(tmp_path):
    twin = Twin.open(tmp_path / "me")
    write_corpus(twin, POSTS + MONEY)
    chat = Document.of_turns("a.txt#2021-06", TURNS, title="Elizabeth 2021-06", date="2021-06-04")
    cut = [{**passage.to_json(), "split": "train"} for passage in passages(chat, 300)]
    write_records(twin.file("documents"), [*twin.records("documents"), chat.to_json()])
    write_records(twin.file("passages"), [*twin.records("passages"), *cut])
    make(twin)
    return twin


@pytest.mark.parametrize("question, answer", [(WHERE, CHEST), (WHERE_ZH, CHEST_ZH)])
def test_an_answer_of_a_chat_is_found_by_its_question(twin, question, answer):
    memory, speaker = Memory(twin), Speaker(answer)
    recall = memory.recall(said(question))
    assert recall.passages[0].text == answer and recall.refusal == ""
    assert memory.own_sentences(recall).startswith(answer)
    text, cited = remember.answer(speaker, memory, "file", said(question), len)
    assert text == answer
    first = cited.sources[0]
    assert first.quote == answer and question in first.asked
    assert question in remember.lines(cited, "Ning")[0]


@needs_e5
def test_the_answer_is_found_by_words_by_meaning_and_by_the_very_question(twin):
    made = index.Index.open(twin)
    for question, answer in ((WHERE, CHEST), (WHERE_ZH, CHEST_ZH)):
        search = made.search(question)
        by_words, nearest = search.rankings
        assert made.passages[nearest[0]].text in (CHEST, CHEST_ZH)
        assert answer in {made.passages[position].text for position in by_words}
        [reply] = search.replies
        assert made.passages[reply].text == answer and search.found[0] == reply
    nearly = made.search("Where do you keep your money?")
    assert nearly.replies == () and made.passages[nearly.rankings[1][0]].text == CHEST


def test_each_turn_has_its_own_question_also_where_answers_begin_alike():
    long = "\n\n".join(f"Yes, {word} " + "and more of it. " * 30 for word in ("one", "two"))
    turns = [Turn("Is it far?", long), Turn("Is it dear?", "Yes."), Turn("", "Yes, one")]
    chat = Document.of_turns("a", turns, title="Elizabeth")
    found, read = [passage.to_json() for passage in passages(chat, 150)], {}
    asked = [index._asked(record, chat.to_json(), read) for record in found]
    assert asked == ["Is it far?"] * (len(found) - 2) + ["Is it dear?", ""] and len(found) > 3


def test_of_what_others_wrote_at_length_the_end_is_searched_and_no_title_twice():
    long = "A sentence about nothing much. " * 30
    turns = [Turn(long + WHERE, CHEST)]
    chat = Document.of_turns("a", turns, title="Elizabeth")
    [record] = [passage.to_json() for passage in passages(chat, 150)]
    asked = index._asked(record, chat.to_json(), {})
    assert asked.endswith(WHERE) and asked.startswith("A sentence") and len(asked) < 300
    titled = {**chat.to_json(), "title": long + WHERE}
    titled["turns"][0]["question"] = titled["title"]
    assert index._asked(record, titled, {}) == ""


def test_what_the_other_wrote_stands_above_the_passage_but_is_not_the_authors(twin):
    memory = Memory(twin)
    passage = memory.recall(said(WHERE)).passages[0]
    shown = with_passages([passage], said(WHERE))[-1]["content"]
    assert f"“Elizabeth 2021-06”, in reply to “I came home late. {WHERE}”\n{CHEST}" in shown
    assert WHERE in passage.searched and WHERE not in passage.written


def test_a_memory_made_before_goes_on_without_the_questions(twin):
    path = twin.file("memory_passages")
    older = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    assert all(record.pop("asked", None) is not None for record in older)
    write_records(path, older)
    memory = Memory(twin)
    assert {passage.asked for passage in memory.index.passages} == {""}
    recall = memory.recall(said("Where are the iron chest and the key in the cellar?"))
    assert recall.passages[0].text == CHEST
    assert "in reply to" not in "".join(remember.lines(memory.cited(recall, CHEST), "Ning"))
