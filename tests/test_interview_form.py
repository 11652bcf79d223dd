"""The interview's form and its terminal: what is typed is kept. Runs on ipywidgets 7 and 8."""

import errno
import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from twinlib import Twin
from twinlib.command_line import main
from twinlib.files import TwinError, write_records
from twinlib.text.interview_questions import BY_ID, QUESTIONS, TOPICS
from twinlib.twin import figure
from twinlib.ui import answer_store, interview_form, interview_terminal

ROOT = Path(__file__).parent.parent
LONG = (
    "The depot opens at five, and whoever comes late gets the tram with the bad brakes. "
    "That was mostly me, I must say."
)


@pytest.fixture
def twin(tmp_path):
    return Twin.open(tmp_path / "demo")


@pytest.fixture
def form(twin):
    return interview_form.form(twin)


def kept(twin):
    """{id: record} as the file has it."""
    path = twin.file("interview")
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    return {record["id"]: record for record in map(json.loads, lines)}


def write(form, text):
    form.boxes[form.current.id].value = text


def ids(count):
    return [q.id for q in QUESTIONS[:count]]


# The form


def test_an_untouched_form_shows_the_first_question_and_writes_nothing(form, twin):
    assert QUESTIONS[0].en in form.asked.value and form.back.disabled
    assert "0 of 96 answered, 0 words so far" in form.footer.value
    assert "There is nothing to learn from yet" in form.footer.value
    form.next.click()
    form.back.click()
    assert not twin.file("interview").exists()


def test_an_answer_is_on_the_disk_as_soon_as_next_is_pressed(form, twin):
    write(form, f" {LONG}\n")
    form.next.click()
    record = kept(twin)["life-01"]
    assert list(record) == ["id", "question", "answer", "language", "when", "skipped"]
    assert (record["answer"], record["question"], record["language"], record["skipped"]) == (
        LONG,
        QUESTIONS[0].en,
        "en",
        False,
    )
    assert record["when"][:2] == "20" and len(record["when"]) == 19
    assert form.current is QUESTIONS[1] and "1 of 96 answered, 23 words" in form.footer.value
    assert "You have 1 passage to learn from" in form.footer.value


def test_a_skipped_question_is_not_asked_again_and_can_still_be_answered(form, twin):
    form.skip.click()
    assert kept(twin)["life-01"]["skipped"] is True and kept(twin)["life-01"]["answer"] == ""
    assert interview_form.form(twin).current is QUESTIONS[1]
    form.back.click()
    write(form, "after all")
    form.next.click()
    assert (
        kept(twin)["life-01"]["skipped"] is False and kept(twin)["life-01"]["answer"] == "after all"
    )


def test_skip_deletes_nothing(form, twin):
    write(form, "one")
    form.next.click()
    form.back.click()
    write(form, "one and a half")
    form.skip.click()
    record = kept(twin)["life-01"]
    assert (record["answer"], record["draft"], record["skipped"]) == (
        "one",
        "one and a half",
        False,
    )


def test_an_earlier_answer_can_be_edited_and_emptied(form, twin):
    for text in ("one", "two", "three"):
        write(form, text)
        form.next.click()
    form.back.click()
    form.back.click()
    assert form.boxes[form.current.id].value == "two"
    write(form, "two, but better")
    form.back.click()
    write(form, "")
    form.next.click()
    assert [kept(twin)[name]["answer"] for name in ids(3)] == ["", "two, but better", "three"]
    assert interview_form.form(twin).current is QUESTIONS[0], "an emptied answer is asked for again"


def test_a_half_typed_answer_is_kept_by_itself_and_opens_again(twin):
    form = interview_form.form(twin, every=0.05)
    form.next.click()
    write(form, "half a sent")
    deadline = time.time() + 5
    while not kept(twin) and time.time() < deadline:
        time.sleep(0.02)
    assert (
        kept(twin)["opinions-01"]["draft"] == "half a sent"
        and kept(twin)["opinions-01"]["answer"] == ""
    )
    again = interview_form.form(twin)
    assert again.current.id == "opinions-01" and again.boxes["opinions-01"].value == "half a sent"
    assert "0 of 96" in again.footer.value
    again.next.click()
    assert (
        kept(twin)["opinions-01"]["answer"] == "half a sent"
        and "draft" not in kept(twin)["opinions-01"]
    )


def test_drafts_are_written_at_most_once_in_a_while(twin, monkeypatch):
    form = interview_form.form(twin, every=0.3)
    writes = []
    monkeypatch.setattr(form.store, "keep", lambda *args, **change: writes.append(change["draft"]))
    before = threading.active_count()
    for n in range(1, 51):
        write(form, "x" * n)
    assert threading.active_count() <= before + 1
    time.sleep(0.6)
    assert writes == ["x" * 50]


def test_a_key_that_arrives_late_belongs_to_its_own_question(form, twin):
    write(form, "the en")
    form.next.click()
    form.boxes["life-01"].value = "the end"
    assert kept(twin)["life-01"]["answer"] == "the end"
    assert form.current is QUESTIONS[1] and form.boxes["opinions-01"].value == ""


def test_a_topic_can_be_chosen_and_next_stays_in_it(form, twin):
    write(form, "one")
    form.topics.value = "friends"
    assert kept(twin)["life-01"]["answer"] == "one", "whatever leaves the screen is saved"
    assert form.current.id == "friends-01" and len(form.question_list.options) == 16
    form.next.click()
    assert form.current.id == "friends-02"
    form.topics.value = ""
    assert form.current.id == "opinions-01"


def test_any_question_can_be_chosen_from_the_list_which_shows_what_is_done(form):
    write(form, "one")
    form.next.click()
    form.skip.click()
    form.question_list.value = "stories-03"
    assert form.current.id == "stories-03"
    assert [label[0] for label, _ in form.question_list.options[:3]] == ["✓", "–", "·"]
    assert len(form.question_list.options) == 96 and form.topics.options[0][1] == ""
    assert [name for _, name in form.topics.options[1:]] == list(TOPICS)


def test_after_the_last_question_it_says_what_to_do_next(form, twin):
    form.question_list.value = QUESTIONS[-1].id
    write(form, "thanks to you")
    form.next.click()
    assert form.current is QUESTIONS[-1] and "twinlib corpus" in form.message.value
    assert kept(twin)[QUESTIONS[-1].id]["answer"] == "thanks to you"


def test_with_everything_answered_it_opens_at_the_end(twin):
    write_records(twin.file("interview"), [{"id": q.id, "answer": LONG} for q in QUESTIONS])
    form = interview_form.form(twin)
    assert form.current is QUESTIONS[-1] and "96 of 96 answered" in form.footer.value
    assert "enough for something of your voice" in form.footer.value


def test_a_short_answer_is_asked_on_below_the_box(form):
    write(form, "I get up.")
    assert form.hint.value.count("3 words · ") == 1 and "?" in form.hint.value
    write(form, "word " * 80)
    assert "80 words<" in form.hint.value


def test_in_both_languages_a_button_changes_the_question_and_the_answer_stays(twin, monkeypatch):
    monkeypatch.setenv("TWINLIB_LANG", "both")
    twin.remember(languages=["zh", "en"])
    form = interview_form.form(twin)
    assert form.languages.layout.display == "" and QUESTIONS[0].zh in form.asked.value
    write(form, "I get up.")
    form.languages.value = "en"
    assert QUESTIONS[0].en in form.asked.value and form.boxes["life-01"].value == "I get up."
    form.next.click()
    assert kept(twin)["life-01"]["language"] == "en"


def test_in_one_language_there_is_no_button_for_it(twin, monkeypatch):
    monkeypatch.setenv("TWINLIB_LANG", "zh")
    form = interview_form.form(twin)
    assert form.languages.layout.display == "none" and QUESTIONS[0].zh in form.asked.value
    assert "已答 0/96 题" in form.footer.value and form.next.description == "保存，下一题"


def test_the_gate_counts_the_other_writing_but_not_the_interview_twice(twin):
    from twinlib.twin import Report

    write_records(
        twin.file("documents"), [{"id": "a", "kind": "post"}, {"id": "b", "kind": "interview"}]
    )
    write_records(
        twin.file("passages"),
        [
            {
                "id": str(n),
                "document": "a" if n < 15 else "b",
                "split": "val" if n == 0 else "train",
                "tokens_estimate": 130,
            }
            for n in range(30)
        ],
    )
    twin.finish(
        Report(
            "corpus",
            {},
            0,
            0,
            {},
            {},
            {},
            {name: figure(30) for name in ("passages", "tokens", "documents")},
            [],
        )
    )
    form = interview_form.form(twin)
    assert "You have 14 passages to learn from, about 1,400 words" in form.footer.value
    write(form, LONG)
    form.next.click()
    assert "You have 15 passages" in form.footer.value


def test_what_people_wrote_is_never_markup(twin):
    evil = "<img src=x onerror=alert(1)>"
    write_records(twin.file("interview"), [{"id": "life-01", "answer": evil, "question": evil}])
    form = interview_form.form(twin)
    form.back.click()
    shown = "".join(
        part.value for part in (form.asked, form.hint, form.message, form.footer, form.footer)
    )
    assert "<img" not in shown and form.boxes["life-01"].value == evil


# What can go wrong


def test_half_a_character_is_saved_as_a_question_mark(form, twin):
    write(form, "smile \ud83d done")
    form.next.click()
    assert kept(twin)["life-01"]["answer"] == "smile ? done"


def test_a_full_disk_is_a_sentence_and_the_text_stays_in_the_box(form, twin, monkeypatch):
    def full(*args):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(answer_store, "write_records", full)
    write(form, LONG)
    for leave in (
        form.next.click,
        form.skip.click,
        lambda: setattr(form.topics, "value", "friends"),
        lambda: setattr(form.question_list, "value", "mind-02"),
    ):
        leave()
        assert "The disk is full and the answer is not saved" in form.message.value
        assert form.current is QUESTIONS[0] and form.boxes["life-01"].value == LONG
        assert (form.topics.value, form.question_list.value) == ("", "life-01")
    monkeypatch.undo()
    form.next.click()
    assert kept(twin)["life-01"]["answer"] == LONG and form.current is QUESTIONS[1]


def test_a_folder_that_may_not_be_written_is_a_sentence(form, twin):
    twin.file("interview").parent.write_text("a file where the folder should be")
    write(form, LONG)
    form.next.click()
    assert (
        "The answer is not saved (" in form.message.value or "can't be opened" in form.message.value
    )
    assert form.current is QUESTIONS[0]


def test_damaged_lines_are_set_aside_and_said_and_the_others_stay(twin):
    good = json.dumps({"id": "life-01", "answer": LONG})
    damaged = (
        good.encode()
        + b'\n{"id": "mind-01", "answer": "cut o\n{"id": "mind-02", "answer": "\xff"}\n'
    )
    twin.file("interview").parent.mkdir()
    twin.file("interview").write_bytes(damaged)
    form = interview_form.form(twin)
    [aside] = twin.file("interview").parent.glob("*damaged*")
    assert aside.read_bytes() == damaged
    assert (
        "2 damaged lines in answers.jsonl could not be read; "
        f"the file as it was is kept as {aside.name}" in form.message.value
    )
    assert list(kept(twin)) == ["life-01"] and form.current is QUESTIONS[1]
    assert interview_form.form(twin).message.value == "", "it is said once"


def test_a_file_that_cannot_be_opened_is_a_sentence(twin):
    twin.file("interview").mkdir(parents=True)
    with pytest.raises(TwinError, match="can't be opened"):
        interview_form.form(twin)


def test_two_windows_do_not_undo_each_other(twin):
    one, two = interview_form.form(twin), interview_form.form(twin)
    write(one, "from one")
    one.next.click()
    two.question_list.value = "mind-01"
    write(two, "from two")
    two.next.click()
    assert {name: record["answer"] for name, record in kept(twin).items()} == {
        "life-01": "from one",
        "mind-01": "from two",
    }


@pytest.mark.slow
def test_killing_the_process_between_answers_loses_none(twin):
    """A child answers question after question until it is killed: every saved answer is there."""
    code = (
        "import sys; from twinlib import Twin; from twinlib.ui import interview_form\n"
        "form = interview_form.form(Twin.open(sys.argv[1]))\n"
        "for n in range(90):\n"
        "    form.boxes[form.current.id].value = f'answer {n} 回答 ' * 40\n"
        "    form.next.click(); print(n, flush=True)\n"
    )
    child = subprocess.Popen(
        [sys.executable, "-c", code, str(twin.path)], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    for line in child.stdout:
        if int(line) == 8:
            child.send_signal(signal.SIGKILL)
            break
    said = [8, *map(int, child.stdout.read().split())]
    child.wait()
    found = kept(twin)
    assert [found[name]["answer"] for name in ids(max(said) + 1)] == [
        (f"answer {n} 回答 " * 40).strip() for n in range(max(said) + 1)
    ]
    form = interview_form.form(twin)
    assert form.current.id == ids(len(found) + 1)[-1] and form.message.value == ""


# The terminal

ASK = (
    "import sys; from twinlib import Twin; from twinlib.ui import interview_terminal\n"
    "interview_terminal.ask(Twin.open(sys.argv[1]))"
)


def run(twin, typed, language="en"):
    return subprocess.run(
        [sys.executable, "-c", ASK, str(twin.path)],
        input=typed,
        text=True,
        cwd=ROOT,
        timeout=60,
        capture_output=True,
        env={**os.environ, "TWINLIB_LANG": language, "PYTHONIOENCODING": "utf-8"},
    )


@pytest.mark.slow
def test_the_terminal_asks_on_keeps_paragraphs_skips_and_stops_at_the_end_of_input(twin):
    done = run(
        twin, f"I get up.\n\n\nThen tea.\n\nAnd out.\n\n\n\n\n{LONG} {LONG} {LONG}\n\n\nhalf of a"
    )
    assert (done.returncode, done.stderr) == (0, "")
    found = kept(twin)
    assert found["life-01"]["answer"] == "I get up.\n\nThen tea.\n\nAnd out."
    assert found["opinions-01"]["skipped"] and found["mind-01"]["answer"] == f"{LONG} {LONG} {LONG}"
    assert found["tastes-01"]["answer"] == "half of a"
    assert "3 of 96 answered" in done.stdout and "You have" in done.stdout
    again = run(twin, "")
    assert QUESTIONS[4].en in again.stdout and not any(
        QUESTIONS[n].en in again.stdout for n in range(4)
    )
    assert kept(twin) == found


@pytest.mark.slow
def test_the_terminal_speaks_chinese(twin):
    done = run(twin, "早上六点起。\n", "zh")
    assert f"[生活] {BY_ID['life-01'].zh}" in done.stdout and "已答 1/96 题，共 5 字" in done.stdout


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="needs a pseudo-terminal")
def test_ctrl_c_in_the_terminal_keeps_the_line_that_was_being_typed(twin):
    import pty

    child, screen = pty.fork()
    if child == 0:
        signal.signal(
            signal.SIGINT, signal.SIG_IGN
        )  # as a shell starts what runs in the background
        os.chdir(ROOT)
        os.execve(
            sys.executable,
            [sys.executable, "-c", ASK, str(twin.path)],
            {**os.environ, "TWINLIB_LANG": "en"},
        )
    seen = b""
    for typed in (b"first line\n", b"second, half", b"\x03"):
        while seen.count(b"> ") < (2 if typed != b"first line\n" else 1):
            seen += os.read(screen, 1000)
        time.sleep(0.3)
        os.write(screen, typed)
    os.waitpid(child, 0)
    assert kept(twin)["life-01"]["draft"] == "first line\nsecond, half"
    assert interview_form.form(twin).boxes["life-01"].value == "first line\nsecond, half"


def test_what_was_answered_for_the_blind_test_is_not_asked(twin, monkeypatch, capsys):
    """Else the twin would learn it; an answer that both have stays to be seen."""
    first, second, third = QUESTIONS[:3]
    record = {"question": "", "language": "en", "when": "", "skipped": False}
    twin.folder("evaluate")
    write_records(
        twin.file("blind_answers"),
        [{"id": q.id, "answer": LONG, **record} for q in (first, second)]
        + [{"id": third.id, "answer": "", **record}],
    )
    twin.file("interview").parent.mkdir(parents=True, exist_ok=True)
    write_records(twin.file("interview"), [{"id": second.id, "answer": LONG, **record}])
    form = interview_form.form(twin)
    assert form.current == third and first not in form.order() and second in form.order()
    assert f"1 of {len(QUESTIONS) - 1} answered" in form.footer.value
    monkeypatch.setattr("builtins.input", lambda prompt: (_ for _ in ()).throw(EOFError))
    interview_terminal.ask(twin)
    out = capsys.readouterr().out
    assert third.en in out and first.en not in out


def test_a_topic_that_the_blind_test_has_used_up_is_not_offered(twin):
    topic = QUESTIONS[0].topic
    twin.folder("evaluate")
    write_records(
        twin.file("blind_answers"),
        [
            {
                "id": q.id,
                "answer": LONG,
                "question": "",
                "language": "en",
                "when": "",
                "skipped": False,
            }
            for q in QUESTIONS
            if q.topic == topic
        ],
    )
    form = interview_form.form(twin)
    assert topic not in dict(form.topics.options).values() and len(form.topics.options) == len(
        TOPICS
    )


def test_blind_answers_that_cannot_be_opened_are_a_sentence(twin):
    twin.folder("evaluate")
    twin.file("blind_answers").mkdir()
    with pytest.raises(TwinError, match="can't be opened"):
        interview_form.form(twin)


DIFFERENT = (
    ("我早上六点起床，喝一杯茶。", "冬天我最怕下雨。", "钱放在柜子里。"),
    ("Tea, of course.", "I sleep on it.", "My brother taught me."),
    (LONG, "On Sundays we walked to the lake, " * 4, "Nobody in the office reads my letters. " * 4),
)


@pytest.mark.parametrize("answers", DIFFERENT)
def test_an_answer_counts_for_the_judgement_as_step_01_counts_it(tmp_path, answers, capsys):
    twin = Twin.open(tmp_path / "me")
    store = answer_store.InterviewAnswers(twin)
    for number, answer in enumerate(answers):
        store.keep(QUESTIONS[20 * number], "en", answer=answer)
    said = answer_store.assessment(store, answer_store.Corpus(), "Ning").sentence
    learn = ["corpus", "--twin", str(twin.path), "--author", "Ning", "--questions", "titles"]
    assert main(learn) == 0 and len(twin.records("passages")) == 3
    assert said.startswith("You have 2 passages"), "four in five are learnt"
    said = capsys.readouterr().out
    assert "Next: bring " in said and "twinlib persona" not in said, "training would be refused"
