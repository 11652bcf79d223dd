"""What a twin is measured on: documents in turn, texts of equal length, four replies of which one
belongs.
"""

import pytest

from twinlib.evaluate import held_out
from twinlib.text import interview_questions


def question(document, real, language="en"):
    return {
        "question": f"about {document} {real[:3]}",
        "document": document,
        "language": language,
        "real": real,
        "messages": [],
    }


def test_the_authors_reply_comes_first_and_three_of_other_documents_follow_at_one_length():
    questions = [question(document, document * 40) for document in "abcde"] + [
        question("z", "字" * 50, "zh")
    ]
    found = held_out.picks(questions, 20)
    assert len(found) == 5, "the only Chinese reply has nothing beside it"
    for pick in found:
        assert (
            pick["replies"][0][0] == pick["document"]
            and len({text[0] for text in pick["replies"]}) == 4
        )
        assert {len(text) for text in pick["replies"]} == {40}
    assert len(held_out.picks(questions, 2)) == 2


def test_a_document_never_stands_against_itself():
    questions = [
        question("a", "xxxx" * 20),
        question("a", "yyyy" * 20),
        *(question(d, d * 80) for d in "bcd"),
    ]
    assert all(
        {"x", "y"} - {text[0] for text in pick["replies"]} for pick in held_out.picks(questions, 20)
    )


def test_replies_nearest_in_length_are_chosen():
    questions = [
        question("a", "a" * 100),
        *(question(d, d * n) for d, n in zip("bcdef", (20, 98, 101, 97, 400))),
    ]
    assert {text[0] for text in held_out.picks(questions, 1)[0]["replies"]} == {"a", "c", "d", "e"}


def test_training_texts_match_the_held_out_ones_in_language_number_and_length():
    unseen = [{"document": "h", "language": "zh", "text": "字" * n} for n in (300, 120)]
    train = [
        {"document": d, "language": language, "text": "文" * n}
        for d, language, n in (
            ("a", "zh", 200),
            ("b", "zh", 900),
            ("b", "zh", 900),
            ("c", "en", 900),
        )
    ]
    found = held_out.matched_train(train, unseen)
    assert [text["document"] for text in found] == ["b", "a"] and [
        len(text["text"]) for text in found
    ] == [300, 120]


@pytest.mark.parametrize("language", ["zh", "en"])
def test_texts_are_cut_to_what_is_scored(language):
    assert (
        len(held_out.cut([{"text": "x" * 5000, "language": language}])[0]["text"])
        == held_out.MAX_CHARACTERS[language]
    )


def test_new_questions_are_those_of_the_interview_that_no_row_asks_in_the_corpuss_languages():
    first, second = interview_questions.QUESTIONS[:2]
    asked = [{"messages": [{"role": "user", "content": first.zh}]}]
    found = held_out.new_questions(asked, ["en", "zh"], "You are the twin.", 3)
    assert [question["question"] for question in found][:2] == [second.en, second.zh]
    assert len(found) == 3 and first.en not in [question["question"] for question in found]
    assert found[1]["messages"] == [
        {"role": "system", "content": "You are the twin."},
        {"role": "user", "content": second.zh},
    ]
    assert (found[0]["real"], found[0]["source"], found[0]["language"]) == ("", "new", "en")
    assert len({question["id"] for question in found}) == 3


def test_without_a_system_prompt_a_new_question_stands_alone():
    [found] = held_out.new_questions([], ["zh"], "", 1)
    assert [turn["role"] for turn in found["messages"]] == ["user"]
