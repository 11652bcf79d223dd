"""Passages and splits: cut where topics end, never in a sentence, never across the exam."""

import pytest

from twinlib.text.passages import language_of, passages, split_of, tokens_estimate


def texts(text, limit=100):
    return [(p["heading"], p["text"]) for p in passages({"id": "d", "title": "t", "text": text}, limit)]


@pytest.mark.parametrize("text, tokens", [("", 0), ("今天只讲茶。", 4), ("Tea must be hot.", 6), ("用ollama跑7B。", 5)])
def test_the_token_estimate(text, tokens):
    assert tokens_estimate(text) == tokens


def test_a_short_document_is_one_passage():
    assert texts("第一段。\n\n第二段。") == [("", "第一段。\n\n第二段。")]


def test_sections_are_passages_with_their_headings_and_short_ones_join():
    long = "这是一段足够长的话，说的是同一件事情，不必再分。" * 2
    found = texts(f"{long}\n\n## 甲\n\n{long}\n\n## 乙\n\n短。")
    assert found == [("", long), ("甲", f"{long}\n\n短。")]


def test_a_long_text_is_cut_evenly_between_paragraphs():
    paragraphs = ["今天只讲茶，不讲别的事情，讲完了就收摊回家。" * 2] * 6
    found = passages({"id": "d", "title": "", "text": "\n\n".join(f"{n}{p}" for n, p in enumerate(paragraphs))}, 100)
    assert [p["text"].count("\n\n") for p in found] == [2, 2]
    assert "\n\n".join(p["text"] for p in found) == "\n\n".join(f"{n}{p}" for n, p in enumerate(paragraphs))
    assert [p["place"] for p in found] == [0, 1]


def test_a_long_paragraph_is_cut_between_sentences_and_abbreviations_are_none():
    text = "".join(f"So {n} times to Mr. Creed and W. Batten at the office. " for n in range(30))
    found = [p for _, p in texts(text.strip())]
    assert len(found) > 3 and all(p.endswith("office.") and p.startswith("So") for p in found)


def test_a_chinese_sentence_keeps_its_closing_quote():
    found = [p for _, p in texts("".join(f"他说：“今天只讲茶{n}，不讲别的事情。”我就听着，一直听到天黑。" for n in range(9)))]
    assert len(found) > 1 and all(p.startswith(("他说", "我就")) and p[-1] in "”。" for p in found)


def test_no_passage_is_over_the_limit_and_nothing_is_lost():
    text = "".join(f"没有句号的长句子{n}，" for n in range(60)) + "\n" + " ".join(f"word{n}" for n in range(300))
    found = passages({"id": "d", "title": "", "text": text}, 100)
    assert "".join("".join(p["text"].split()) for p in found) == "".join(text.split())
    assert max(p["tokens_estimate"] for p in found if p["language"] == "zh") <= 100


@pytest.mark.parametrize("text, language", [("今天只讲茶。", "zh"), ("Tea must be hot.", "en"), ("用ollama跑模型，很快。", "zh"),
                                            ("The word 茶 means tea.", "en")])
def test_the_language_of_a_text(text, language):
    assert language_of(text) == language


def alone(count):
    return {f"document {n}": f"document {n}" for n in range(count)}


def test_about_a_tenth_is_held_out_for_each_and_new_documents_move_nobody():
    before, after = split_of(alone(500)), split_of(alone(600))
    shares = [list(before.values()).count(name) / 500 for name in ("train", "val", "test")]
    assert 0.75 < shares[0] < 0.85 and 0.07 < shares[1] < 0.13 and 0.07 < shares[2] < 0.13
    assert all(after[name] == split for name, split in before.items())


@pytest.mark.parametrize("count", range(3, 12))
def test_every_split_has_a_document_when_there_are_three(count):
    assert set(split_of(alone(count)).values()) == {"train", "val", "test"}


def test_one_or_two_documents_are_all_for_training():
    assert set(split_of(alone(2)).values()) == {"train"}


def test_near_duplicates_stay_together():
    groups = {f"d{n}": f"g{n // 2}" for n in range(100)}
    splits = split_of(groups)
    assert all(splits[f"d{n}"] == splits[f"d{n + 1}"] for n in range(0, 100, 2))
