"""The blind test in a notebook: typed answers and pasted codes are kept.

Runs on ipywidgets 7 and 8."""

import errno
import json
import time

import pytest

from twinlib import Twin
from twinlib.evaluate.blind_test import codes
from twinlib.evaluate.blind_test.codes import Choice, Reply
from twinlib.files import write_records
from twinlib.text import interview_questions
from twinlib.ui import answer_store, blind_test_form, blind_test_results, run

PAIRS = [
    {
        "question": f"Question {n}?",
        "owner": f"Mine {n}.",
        "other": f"Its {n}.",
        "row": "base" if n == 5 else "twin",
        "first": n % 2,
    }
    for n in range(6)
]
TEST = {
    "id": "7F3K",
    "made": 1,
    "author": "Ning",
    "to": "",
    "file": "Q8_0",
    "model_sha": "x",
    "trials": PAIRS,
}


@pytest.fixture
def twin(tmp_path):
    return Twin.open(tmp_path / "demo")


@pytest.fixture
def form(twin):
    return blind_test_form.form(twin)


def kept(twin):
    path = twin.file("blind_answers")
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    return {record["id"]: record for record in map(json.loads, lines)}


def write(form, text):
    form.asking.boxes[form.asking.current.id].value = text


# Answers


def test_it_asks_from_the_other_end_of_the_interview_and_writes_nothing_by_itself(form, twin):
    assert (
        form.asking.current == interview_questions.QUESTIONS[-1]
        and form.asking.current.en in form.asking.asked.value
    )
    assert "0 answered; 20 make a good test" in form.asking.footer.value
    form.asking.next.click()
    form.asking.back.click()
    assert not twin.file("blind_answers").exists()


def test_an_answer_is_on_the_disk_when_next_is_pressed_and_not_among_the_interviews(form, twin):
    write(form, " Half past five. ")
    form.asking.next.click()
    assert (
        kept(twin)["friends-16"]["answer"] == "Half past five."
        and not twin.file("interview").exists()
    )
    assert (
        form.asking.current == interview_questions.QUESTIONS[-2]
        and "1 answered" in form.asking.footer.value
    )
    assert blind_test_form.form(twin).asking.current == interview_questions.QUESTIONS[-2]


def test_a_half_typed_answer_is_kept_by_itself_and_opens_again(twin):
    form = blind_test_form.BlindTestForm(twin, every=0.05)
    write(form, "half a sent")
    deadline = time.time() + 5
    while not kept(twin) and time.time() < deadline:
        time.sleep(0.02)
    assert (kept(twin)["friends-16"]["draft"], kept(twin)["friends-16"]["answer"]) == (
        "half a sent",
        "",
    )
    assert blind_test_form.form(twin).asking.boxes["friends-16"].value == "half a sent"


def test_questions_that_were_learnt_from_are_not_asked(twin):
    asked, done = interview_questions.QUESTIONS[-1], interview_questions.QUESTIONS[-2]
    write_records(twin.file("train"), [{"messages": [{"role": "user", "content": asked.zh}]}])
    write_records(
        twin.file("interview"), [{"id": done.id, "question": done.en, "answer": "Long ago."}]
    )
    form = blind_test_form.form(twin)
    assert (
        len(form.asking.question_list.options) == 94
        and form.asking.current == interview_questions.QUESTIONS[-3]
    )


def test_own_questions_come_first_and_stay(form, twin):
    write(form, "begun")
    form.own.value = "  Why  trams? "
    form.add.click()
    assert (
        form.asking.current.en == "Why trams?"
        and form.own.value == ""
        and len(form.asking.question_list.options) == 97
    )
    assert kept(twin)["friends-16"]["answer"] == "begun", "what leaves the screen is saved"
    write(form, "Because of the brakes.")
    form.asking.next.click()
    again = blind_test_form.form(twin)
    assert again.asking.question_list.options[0][0] == "✓ 1. Why trams?"
    again.asking.question_list.value = again.asking.store.questions[0].id
    assert again.asking.boxes[again.asking.current.id].value == "Because of the brakes."


def test_an_empty_own_question_adds_nothing(form, twin):
    form.own.value = "  "
    form.add.click()
    assert len(form.asking.question_list.options) == 96 and kept(twin) == {}


def test_after_the_last_question_it_says_what_to_do_next(form):
    form.asking.question_list.value = interview_questions.QUESTIONS[0].id
    form.asking.next.click()
    assert "run the next cell" in form.asking.message.value


def test_where_codes_are_sent_is_remembered(form, twin):
    form.to.value = "Ning, by WeChat "
    assert blind_test_form.form(Twin(twin.path)).to.value == "Ning, by WeChat"


def test_a_full_disk_is_a_sentence_and_the_text_stays_in_the_box(form, monkeypatch):
    def full(*args):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(answer_store, "write_records", full)
    write(form, "An answer.")
    form.asking.next.click()
    assert "The disk is full and the answer is not saved" in form.asking.message.value
    assert (
        form.asking.current == interview_questions.QUESTIONS[-1]
        and form.asking.boxes["friends-16"].value == "An answer."
    )
    form.own.value = "Why?"
    form.add.click()
    assert form.own.value == "Why?"


def test_a_damaged_corpus_is_a_sentence(twin):
    twin.folder("corpus")
    twin.file("train").write_text("{broken")
    assert "twinlib corpus again" in str(blind_test_form.form(twin))


# The page


def test_with_nothing_answered_it_says_so_in_one_sentence(twin, monkeypatch, capsys):
    monkeypatch.setattr(run, "follow", lambda words: pytest.fail("nothing to run"))
    twin.folder("quantize")
    twin.gguf("Q8_0").write_bytes(b"x")
    blind_test_form.make(twin)
    assert capsys.readouterr().out.count("\n") == 1
    assert "Codes can be read once the page is made" in blind_test_results.codes(twin).results.value


def test_the_page_is_offered_as_a_download(twin):
    assert str(blind_test_form.page(twin)) == ""
    twin.folder("evaluate")
    twin.file("blind_test").write_text("<p>page")
    assert (
        'download="demo-blind-test.html" href="data:text/html;base64,PHA+cGFnZQ=="'
        in blind_test_form.page(twin).html
    )


# Codes


def code(wrong=(), friend=1, name="", test="7F3K", minute=0):
    choices = tuple(Choice(one["first"] ^ (n in wrong), 2, False) for n, one in enumerate(PAIRS))
    return codes.write(Reply(test, friend, codes.START + 60 * minute, choices, name))


@pytest.fixture
def box(twin):
    pytest.importorskip("scipy")
    write_records(twin.file("blind_tests"), [{**TEST, "id": "0000"}, TEST])
    return blind_test_results.codes(twin)


def test_pasted_codes_are_counted_shown_and_kept(box, twin):
    assert "No code yet" in box.results.value
    box.box.value = (
        f"Anna: {code((0, 1), name='Anna')} bye\n小明：“{code((0,), 2, '小明').lower()}”"
    )
    assert "Friends took the twin for you in 30% of 10 answers" in box.results.value
    assert (
        "<img " in box.results.value and "Anna" in box.results.value and "小明" in box.results.value
    )
    box.box.value = code((), 3)
    assert "20% of 15 answers" in box.results.value, "those pasted before still count"
    box.box.value = f"once more: {code((), 3)}"
    assert len(twin.file("blind_codes").read_text().splitlines()) == 3
    assert "20% of 15 answers" in blind_test_results.codes(Twin(twin.path)).results.value, (
        "and in a new runtime"
    )


def test_a_friend_who_did_it_again_counts_once(box, twin):
    box.box.value = code((0, 1, 2), minute=1)
    box.box.value = code((), minute=2)
    assert "0% of 5 answers" in box.results.value and "1 friend;" in box.results.value


def test_what_is_damaged_or_foreign_is_said_and_not_kept(box, twin):
    box.box.value = f"{code()[:-4]} {code(test='ZZZZ')} {code(test='0000', friend=4)}"
    for words in ("arrive whole", "from another test", "from an earlier test"):
        assert words in box.results.value
    assert "AMU2-0000" in twin.file("blind_codes").read_text(), (
        "that of an earlier test is worth keeping"
    )
    assert len(twin.file("blind_codes").read_text().splitlines()) == 1


def test_each_friend_is_judged(twin):
    pytest.importorskip("scipy")
    write_records(twin.file("blind_tests"), [{**TEST, "trials": PAIRS[:5] * 4}])
    trials = PAIRS[:5] * 4

    def friend(number, wrong, name):
        choices = tuple(
            Choice(one["first"] ^ (n < wrong), 2, False) for n, one in enumerate(trials)
        )
        return codes.write(Reply("7F3K", number, codes.START, choices, name))

    shown = str(
        blind_test_results.results(twin, " ".join([friend(1, 5, "Anna"), friend(2, 6, "Bo")]))
    )
    anna, bo = (
        next(line for line in shown.splitlines() if line.startswith(name))
        for name in ("Anna", "Bo")
    )
    assert "5/20" in anna and "tells you from the twin" in anna, "15 of 20 right beat chance"
    assert "6/20" in bo and "tells" not in bo


def test_a_friends_name_is_never_markup(box):
    box.box.value = code(name="<img src=x>")
    assert "<img src=x>" not in box.results.value and "&lt;img src=x&gt;" in box.results.value


def test_the_picture_shows_every_group_there_is(twin):
    pytest.importorskip("scipy")
    from twinlib.evaluate.blind_test import analysis as pure

    def mark(friend, trial, row="twin", read=False, sure=1, fooled=False):
        return pure.Vote(friend, trial, row, fooled, sure, read, upper=True)

    marks = [mark(1, n, sure=n % 3 + 1, fooled=n % 2 == 0) for n in range(6)] + [
        mark(1, 9, "base"),
        mark(1, 7, read=True),
        mark(2, 0),
        mark(2, 9, "base", fooled=True),
    ]
    [axis] = blind_test_results.plot(marks).axes
    labels = [label.get_text() for label in axis.get_yticklabels()]
    assert labels == [
        "Fool rate",
        "a little sure",
        "fairly sure",
        "very sure",
        "had read one before",
        "by friends who answer at random",
        "easy pairs (the base)",
    ]
    texts = [text.get_text() for text in axis.texts]
    assert texts[:3] == ["Digi-Dan\n23%", "GPT-4\n40%", "guessing\n50%"]
    assert texts[3] == "50% of 6" and texts[-1] == "50% of 2"
    low, high = pure.interval(pure.counted(marks))
    assert tuple(axis.lines[3].get_xdata()) == (low, high), "the interval is a bar"


def test_who_answered_the_whole_interview_is_asked_something_else(twin):
    twin.file("interview").parent.mkdir(parents=True, exist_ok=True)
    write_records(
        twin.file("interview"),
        [
            {
                "id": q.id,
                "answer": "Half past five.",
                "question": q.en,
                "language": "en",
                "when": "",
                "skipped": False,
            }
            for q in interview_questions.QUESTIONS
        ],
    )
    form = blind_test_form.form(twin)
    assert (
        form.asking.current.id not in interview_questions.BY_ID
        and "last week" in form.asking.asked.value
    )
    write(form, "The brake cable, and I took the other one.")
    form.asking.next.click()
    assert [record["answer"] for record in kept(twin).values()] == [
        "The brake cable, and I took the other one."
    ]


def test_an_answer_is_to_be_as_long_as_the_page_says(twin):
    form = blind_test_form.form(twin)
    box = form.asking.boxes[form.asking.current.id]
    assert "two or three sentences" in box.placeholder
