"""Training rows with passages before the question: which are shown, and what they are answered."""

import pytest
from test_memory import NOTHING, POSTS, twin  # noqa: F401 -- a fixture
from test_persona import wanted

from twinlib.memory.index import Index
from twinlib.memory.recall import with_passages
from twinlib.settings import make
from twinlib.train import memory_rows, persona

ASKED = {
    "猫是怎么来的": "那只灰猫偷了什么？",
    "邻居吵架": "老庞和阿坤吵了几天？",
    "茶要烫": "茶要烫吗？",
    "链条": "翁婶说什么？",
    "Lend your tools": "How many tools were lost?",
    "The trams": "How long did you work in the depot?",
    "My sister": "Where does Heng have her shop?",
}


def rows(posts=POSTS):
    return [
        {
            "id": f"r{number}",
            "passage": f"p{number}",
            "kind": "qa",
            "split": "train",
            "source": "local",
            "messages": [
                {"role": "system", "content": "You are Ning."},
                {"role": "user", "content": ASKED[title]},
                {"role": "assistant", "content": text},
            ],
        }
        for number, (title, _, text) in enumerate(posts)
        if title in ASKED
    ] + [{"id": "raw", "passage": "p0", "kind": "raw", "split": "train", "messages": [{}]}]


def test_a_share_of_the_rows_shows_the_right_passage_among_others_or_only_wrong_ones(twin):  # noqa: F811
    index = Index.of(twin, ["train"])
    made = memory_rows.with_memory(rows(), index, 1.0, NOTHING)
    shown = [row.get("shown") for row in made]
    assert (shown.count("right"), shown.count("wrong"), shown.count(None)) == (5, 2, 1)
    for row, plain in zip(made, rows()):
        if "shown" not in row:
            assert row == plain
            continue
        system, asked, answer = row["messages"]
        own, question = plain["messages"][-1]["content"], plain["messages"][1]["content"]
        assert row["plain"] == plain and system == plain["messages"][0]
        assert (own in asked["content"]) is (row["shown"] == "right")
        assert answer["content"] in own
        # just as in a conversation with memory
        passages = [p for p in index.passages if p.text in asked["content"]]
        layouts = (passages, passages[::-1])
        talked = [with_passages(each, [{"role": "user", "content": question}]) for each in layouts]
        assert [asked] in talked and len(passages) == 2
        assert "scooters" not in asked["content"]  # which is held out


def test_without_a_share_nothing_changes_and_a_changed_answer_is_left_alone(twin):  # noqa: F811
    index = Index.of(twin, ["train"])
    assert memory_rows.with_memory(rows(), index, 0.0, NOTHING) == rows()
    edited = rows()
    for row in edited[:-1]:
        row["messages"][-1]["content"] += " Edited."
    assert memory_rows.with_memory(edited, index, 1.0, NOTHING) == edited


@pytest.mark.parametrize("length, shown", [(2048, True), (192, False)])
def test_a_row_that_passages_leave_no_room_for_is_learnt_without(
    sample_twin, tiny_base, length, shown
):
    from twinlib.models import load
    from twinlib.progress import Progress

    base = load.prepare(str(tiny_base))
    tokenizer = load.tokenizer(base)
    settings = wanted(tiny_base, memory_rows=1.0, length=length)
    progress = Progress(sample_twin.history("persona"), "persona", fresh=False)
    training = persona.Training(sample_twin, settings, base, None, tokenizer, progress)
    learnt, _ = persona._rows(training)
    texts = [tokenizer.decode(row.input_ids) for row in learnt["train"]]
    assert any("You once wrote" in text or "你写过：" in text for text in texts) is shown
    plain, _ = persona._rows(training._replace(settings=wanted(tiny_base, length=length)))
    assert len(learnt["train"]) >= len(plain["train"])


def test_the_plan_counts_the_passages(sample_twin):
    plain, more = (
        persona.plan(make("persona", base="qwen2.5-coder-0.5b-instruct", **share), sample_twin)
        for share in ({}, {"memory_rows": 1.0})
    )
    assert more.seconds > plain.seconds
