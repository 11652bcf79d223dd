"""Passages and splits: cut where topics end, never in a sentence, never across the exam."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from twinlib.corpus.passages import passages, pieces, split_of
from twinlib.corpus.records import Document, Turn
from twinlib.text.script import language_of, tokens_estimate


def texts(text, limit=100):
    return [(p.heading, p.text) for p in passages(Document("d", "t", text), limit)]


@pytest.mark.parametrize(
    "text, tokens", [("", 0), ("今天只讲茶。", 4), ("Tea must be hot.", 6), ("用ollama跑7B。", 5)]
)
def test_the_token_estimate(text, tokens):
    assert tokens_estimate(text) == tokens


def test_a_short_document_is_one_passage():
    assert texts("第一段。\n\n第二段。") == [("", "第一段。\n\n第二段。")]


def test_sections_are_passages_with_their_headings_and_short_ones_join():
    long = "这是一段足够长的话，说的是同一件事情，不必再分。" * 2
    found = texts(f"{long}\n\n## 甲\n\n{long}\n\n## 乙\n\n短。")
    assert found == [("", long), ("甲", f"{long}\n\n短。")]


def test_every_passage_knows_the_heading_of_its_section():
    parts = [f"{n}今天只讲茶，不讲别的事情，讲完了就收摊回家。" * 4 for n in range(6)]
    one, two, three, four, five, six = parts
    text = f"{one}\n\n## 甲\n\n{two}\n\n{three}\n\n{four}\n\n## Tea\n\n{five}\n\n{six}"
    found = passages(Document("d", "t", text), 100)
    assert [p.section for p in found] == ["", "甲", "甲", "甲", "Tea", "Tea"]
    assert [p.heading for p in found] == ["", "甲", "", "", "Tea", ""]
    assert [p.to_json()["section"] for p in found] == [p.section for p in found]


def test_a_long_text_is_cut_evenly_between_paragraphs():
    paragraphs = ["今天只讲茶，不讲别的事情，讲完了就收摊回家。" * 2] * 6
    text = "\n\n".join(f"{n}{paragraph}" for n, paragraph in enumerate(paragraphs))
    found = passages(Document("d", "", text), 100)
    assert [p.text.count("\n\n") for p in found] == [2, 2]
    assert "\n\n".join(p.text for p in found) == text
    assert [p.index for p in found] == [0, 1]


def test_a_long_paragraph_is_cut_between_sentences_and_abbreviations_are_none():
    text = "".join(f"So {n} times to Mr. Creed and W. Batten at the office. " for n in range(30))
    found = [p for _, p in texts(text.strip())]
    assert len(found) > 3 and all(p.endswith("office.") and p.startswith("So") for p in found)


def test_a_chinese_sentence_keeps_its_closing_quote():
    found = [
        p
        for _, p in texts(
            "".join(
                f"他说：“今天只讲茶{n}，不讲别的事情。”我就听着，一直听到天黑。" for n in range(9)
            )
        )
    ]
    assert len(found) > 1 and all(p.startswith(("他说", "我就")) and p[-1] in "”。" for p in found)


def test_no_passage_is_over_the_limit_and_nothing_is_lost():
    text = (
        "".join(f"没有句号的长句子{n}，" for n in range(60))
        + "\n"
        + " ".join(f"word{n}" for n in range(300))
    )
    found = passages(Document("d", "", text), 100)
    assert "".join("".join(p.text.split()) for p in found) == "".join(text.split())
    assert max(p.tokens_estimate for p in found if p.language == "zh") <= 100


TEA = (
    "茶要烫，缸子也要烫，凉茶不如不喝。",
    "缸子里的茶垢不要洗，洗了茶味就淡。",
    "烧水用炭火，茶叶抓一小把，缸子先烫一遍。",
    "茶叶放久了要走味，缸子盖严。",
)
CHAIN = (
    "链条上油之前，先把齿轮擦干净。",
    "齿轮磨尖了，链条就跳，得一起换。",
    "链条松了听声音，齿轮咬不住就响。",
    "链条断一节，接上还能骑，齿轮没事。",
)


def test_a_long_text_is_cut_where_the_topic_ends_not_in_the_middle():
    found = [p for _, p in texts("\n\n".join(TEA[:2] + CHAIN), limit=60)]
    assert found == ["\n\n".join(TEA[:2]), "\n\n".join(CHAIN)]
    found = [p for _, p in texts("\n\n".join(TEA + CHAIN[:2]), limit=60)]
    assert found == ["\n\n".join(TEA), "\n\n".join(CHAIN[:2])]


def test_a_short_text_of_two_clear_topics_is_two_passages_and_of_one_topic_one():
    assert [p for _, p in texts("\n\n".join(TEA + CHAIN), limit=130)] == [
        "\n\n".join(TEA),
        "\n\n".join(CHAIN),
    ]
    assert len(texts("\n\n".join(TEA + TEA[::-1]), limit=130)) == 1
    assert len(texts("\n\n".join(TEA[:1] + CHAIN), limit=130)) == 1, "too little of the first topic"


@given(
    st.lists(st.text(alphabet="茶水车链。，？ \nab. #", max_size=80), max_size=12),
    st.integers(20, 120),
)
@settings(deadline=None, max_examples=100)
def test_cutting_loses_no_character_whatever_the_text(parts, limit):
    text = "\n\n".join(parts)
    assert "".join("".join(pieces(text, limit)).split()) == "".join(text.split())
    assert all(tokens_estimate(piece) <= limit + 1 for piece in pieces("。".join(text), limit))


def test_the_owners_turns_are_passages_that_answer_what_was_asked():
    long = "".join(f"第{n}次我也这么说，茶要烫才好喝。" for n in range(12))
    turns = [
        Turn("茶要多烫？", long),
        Turn("", "收摊了。"),
        Turn("还开吗？", "收摊了。"),
        Turn("人呢？", " "),
    ]
    found = passages(Document("d", "聊天", "不看这里", turns=turns), 100)
    assert [p.question for p in found] == ["茶要多烫？", "", ""]
    assert [p.index for p in found] == [0, 1, 2]
    assert found[0].text + found[1].text == long and found[2].text == "收摊了。"
    assert all(p.is_turn and (p.title, p.heading) == ("", "") for p in found)
    (plain,) = passages(Document("d", "茶", "第一段。"), 100)
    assert (plain.question, plain.is_turn, plain.title) == ("", False, "茶")


@pytest.mark.parametrize(
    "text, language",
    [
        ("今天只讲茶。", "zh"),
        ("Tea must be hot.", "en"),
        ("用ollama跑模型，很快。", "zh"),
        ("The word 茶 means tea.", "en"),
    ],
)
def test_the_language_of_a_text(text, language):
    assert language_of(text) == language


def alone(count):
    return {f"document {n}": f"document {n}" for n in range(count)}


def test_about_a_tenth_is_held_out_for_each_and_new_documents_move_nobody():
    before, after = split_of(alone(500)), split_of(alone(600))
    shares = [list(before.values()).count(name) / 500 for name in ("train", "val", "test")]
    assert 0.75 < shares[0] < 0.85 and 0.07 < shares[1] < 0.13 and 0.07 < shares[2] < 0.13
    assert all(after[name] == split for name, split in before.items())


def test_a_repost_moves_no_text_that_was_held_out_into_training():
    groups = alone(500)
    before, moved = split_of(groups), 0
    for name in (name for name, split in before.items() if split == "test"):
        again = {**groups, "again": "a", name: "a"}  # the group's name is the smaller id
        moved += split_of(again)[name] != "test"
        after = split_of(again, {}, before)
        assert after[name] == after["again"] == "test"
        assert all(after[other] == split for other, split in before.items())
    assert moved > 0, "by the hash alone they would have been"
    joined = {**groups, "document 0": "a"} | {n: "a" for n in before if before[n] == "val"}
    assert set(split_of(joined, {}, before).values()) == {"train", "val", "test"}


@pytest.mark.parametrize("count", range(3, 12))
def test_every_split_has_a_document_when_there_are_three(count):
    assert set(split_of(alone(count)).values()) == {"train", "val", "test"}


def test_one_or_two_documents_are_all_for_training():
    assert set(split_of(alone(2)).values()) == {"train"}


def test_near_duplicates_stay_together():
    groups = {f"d{n}": f"g{n // 2}" for n in range(100)}
    splits = split_of(groups)
    assert all(splits[f"d{n}"] == splits[f"d{n + 1}"] for n in range(0, 100, 2))


def test_of_a_few_documents_the_shortest_are_held_out():
    lengths = {"document 0": 9, "document 1": 8, "document 2": 900}
    splits = split_of(alone(3), lengths)
    assert splits["document 2"] == "train" and sorted(splits.values()) == ["test", "train", "val"]
