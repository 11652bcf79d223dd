"""What the owner decides and answers in two windows at once: nothing of it is lost."""

import subprocess
import sys

import pytest

from twinlib import TwinError
from twinlib import twin as twin_module
from twinlib.evaluate.blind_test import codes
from twinlib.evaluate.blind_test import step as blind_test
from twinlib.ui.answer_store import BlindTestAnswers, InterviewAnswers

WRITER = """
import sys
from twinlib import Twin
from twinlib.evaluate.blind_test import codes
from twinlib.evaluate.blind_test import step as blind_test
from twinlib.ui import blind_test_results
from twinlib.ui.answer_store import BlindTestAnswers, InterviewAnswers

twin, mine = Twin(sys.argv[1]), int(sys.argv[2])
interview, blind = InterviewAnswers(twin), BlindTestAnswers(twin)
about = {"author": "Ole", "to": "", "file": "", "model_sha": ""}
print("ready", flush=True)
input()
for number in range(20):
    twin.decide(f"row {mine} {number}", action="drop" if number % 2 else "approve")
    interview.keep(interview.questions[2 * number + mine], "en", answer="by ferry")
    blind.keep(blind.pool[2 * number + mine], "en", answer="by ferry")
    trial = {"question": f"{mine} {number}", "owner": "a", "other": "b", "row": None}
    blind_test.keep_test(twin, [trial], about)
    reply = codes.Reply("7F3K", 1 + 2 * number + mine, codes.START, (None,), "")
    blind_test_results._keep(twin, codes.write(reply), {"7F3K"})
"""


@pytest.mark.slow
def test_two_processes_keep_all_that_the_owner_said(twin):
    command = [sys.executable, "-c", WRITER, twin.path]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    writers = [subprocess.Popen([*command, name], **pipes) for name in "01"]
    for writer in writers:
        assert writer.stdout.readline() == "ready\n"
    for writer in writers:
        print(file=writer.stdin, flush=True)
    assert [writer.wait(120) for writer in writers] == [0, 0]
    decided = twin.decisions()
    assert len(decided) == 40
    assert sum(decision["action"] == "approve" for decision in decided.values()) == 20
    for store in (InterviewAnswers(twin), BlindTestAnswers(twin)):
        assert [r["answer"] for r in store.records.values()] == ["by ferry"] * 40
    assert len(blind_test.tests_of(twin)) == 40
    assert len(codes.read(twin.file("blind_codes").read_text(encoding="utf-8"))[0]) == 40


@pytest.mark.parametrize("first, second", [("approve", "drop"), ("drop", "approve")])
def test_a_decision_that_changes_sides_is_in_a_file_at_any_time(twin, first, second, monkeypatch):
    twin.decide("row", action=first)
    written = []

    def killed(path, value):
        if written:
            raise KeyboardInterrupt
        written.append(path)
        real(path, value)

    real = twin_module.write_json
    monkeypatch.setattr(twin_module, "write_json", killed)
    with pytest.raises(KeyboardInterrupt):
        twin.decide("row", action=second)
    assert twin.decisions()["row"]["action"] in (first, second)


@pytest.mark.parametrize("text", ["{", "[]", '{"a": "\\ud800"}', "[" * 100_000])
def test_damaged_decisions_are_said_and_not_written_over(twin, text):
    twin.file("decisions").parent.mkdir(exist_ok=True)
    twin.file("decisions").write_text(text, encoding="utf-8")
    with pytest.raises(TwinError, match="damaged"):
        twin.decide("row", action="drop")
    assert twin.file("decisions").read_text(encoding="utf-8") == text


def test_what_two_windows_set_aside_of_a_damaged_interview_is_whole(twin):
    store = InterviewAnswers(twin)
    store.keep(store.questions[0], "en", answer="by ferry")
    with open(twin.file("interview"), "a", encoding="utf-8") as file:
        file.write("{damaged\n")
    store.keep(store.questions[1], "en", answer="by tram")
    assert [r["answer"] for r in InterviewAnswers(twin).records.values()] == ["by ferry", "by tram"]
    [aside] = twin.file("interview").parent.glob("*.damaged-*")
    assert aside.read_text(encoding="utf-8").endswith("{damaged\n") and store.note
