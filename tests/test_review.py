"""Reviews: what the owner sees, what is decided by a click, and that it can be taken back."""

import csv
from importlib.util import find_spec

import ipywidgets as widgets
import pytest
from widget_tree import inside, text_of

from twinlib import Twin
from twinlib.files import write_json, write_records
from twinlib.i18n import both, choose
from twinlib.text import privacy
from twinlib.twin import Report
from twinlib.ui import decision_log, review, tables
from twinlib.ui.display import esc
from twinlib.ui.widgets import Pages

EVIL = "<script>alert('x')</script><img src=x onerror=alert(1)>"


@pytest.fixture
def twin(tmp_path):
    return Twin.open(tmp_path / "demo")


def press(widget, label):
    """Click the first button on screen with this label."""
    next(
        part
        for part in inside(widget)
        if isinstance(part, widgets.Button)
        and part.description == label
        and part.layout.display != "none"
        and not part.disabled
    ).click()


# Decisions


def test_undoing_goes_back_one_decision_at_a_time(twin):
    twin.decide("a", action="edit", text="mine")
    owner = decision_log.DecisionLog(twin)
    owner.decide("a", action="drop")
    owner.decide("b", action="approve")
    assert owner.undo() == "b" and "b" not in twin.decisions()
    assert owner.undo("a") == "a" and twin.decisions()["a"] == {"action": "edit", "text": "mine"}
    owner.clear("a")
    assert twin.decisions() == {}
    owner.undo()
    assert twin.decisions()["a"]["text"] == "mine"


def test_a_decision_spoilt_by_hand_counts_as_none(twin):
    write_json(twin.file("decisions"), {"a": "drop", "b": {"action": "drop"}})
    owner = decision_log.DecisionLog(twin)
    assert (owner.action("a"), owner.action("b")) == (None, "drop")


def test_pages_turn_and_stop_at_both_ends():
    pages = Pages(lambda item: widgets.HTML(str(item)), 3)
    pages.fill(list(range(7)))
    assert (text_of(pages.body), pages.position.value, pages.back.disabled) == (
        "0\n1\n2",
        "1–3 / 7",
        True,
    )
    pages.on.click()
    pages.on.click()
    assert (text_of(pages.body), pages.position.value, pages.on.disabled) == ("6", "7–7 / 7", True)
    pages.fill([1, 2])
    assert pages.pager.layout.display == "none", "one page needs no buttons to turn"


# Personal data


def personal(twin, mask=True, **masked):
    """A twin in which two e-mail addresses and a telephone number were found; and its review."""
    found = [
        (
            "e1",
            "email",
            "ann@example.org",
            ["write to ann@example.org <b>now</b>", "or ann@example.org"],
        ),
        ("e2", "email", EVIL, [f"before {EVIL} after"]),
        ("p1", "phone", "13812345678", ["打我电话13812345678吧"]),
    ]
    write_records(
        twin.file("personal"),
        [
            {
                "id": name,
                "kind": kind,
                "value": value,
                "count": 2,
                "examples": examples,
                "masked": masked.get(name, mask),
            }
            for name, kind, value, examples in found
        ],
    )
    twin.finish(Report("corpus", {"mask": mask}, 1.0, 2.0, {}, {}, {}, {}, []))
    return review.personal(twin)


def test_what_nobody_decided_is_masked_and_asks_for_no_run(twin):
    form = personal(twin)
    assert "masked, nobody has looked yet" in form.heads["email"].value
    assert form.foot.value == "" and twin.decisions() == {}


def test_what_only_left_out_messages_hold_is_listed_and_said_to_be_there(twin):
    write_records(
        twin.file("personal"),
        [
            {
                "id": name,
                "kind": "phone",
                "value": name,
                "examples": [name],
                "masked": True,
                **times,
            }
            for name, times in (
                ("13800000000", {"count": 0, "left_out": 2}),
                ("13900000000", {"count": 1, "left_out": 1}),
            )
        ],
    )
    form = review.personal(twin)
    form.children[1].children[3].selected_index = 0
    seen = text_of(form)
    assert "2 pieces of personal data" in seen
    assert "1 of them is only in messages that are put aside" in seen
    assert "13800000000" in seen and "in messages put aside: 2" in seen
    assert "once · in messages put aside: 1" in seen


def test_a_value_is_bold_in_its_context_and_nothing_of_it_runs(twin):
    seen = text_of(personal(twin))
    assert "write to <b>ann@example.org</b> &lt;b&gt;now&lt;/b&gt;" in seen
    assert "打我电话<b>13812345678</b>吧" in seen
    assert (
        "<script" not in seen and "<img" not in seen and f"before <b>{esc(EVIL)}</b> after" in seen
    )


def test_a_kind_is_kept_and_taken_back(twin):
    form = personal(twin)
    press(form, "Keep them all")
    assert twin.decisions() == {"privacy email": {"action": "keep"}}
    assert "0 masked, 2 kept" in form.heads["email"].value
    assert "run the cell again to apply 1 decision." in form.foot.value
    press(form, "Undo")
    assert twin.decisions() == {} and form.foot.value == ""


def test_one_value_can_be_told_otherwise_than_its_kind(twin):
    form = personal(twin)
    press(form, "Keep them all")
    [values, _] = [part for part in inside(form) if isinstance(part, widgets.Accordion)]
    values.selected_index = 0
    press(values, "Mask")
    assert twin.decisions()["e1"] == {"action": "mask"}
    assert (
        "1 masked, 1 kept" in form.heads["email"].value
        and "decisions of yours: 2" in form.top.value
    )
    assert "to apply 1 decision." in form.foot.value, (
        "the value is masked as it was: only the kind changes"
    )
    press(values, "Keep")
    assert "to apply 2 decisions." in form.foot.value


def test_what_the_last_run_kept_already_needs_no_other_run(twin):
    twin.decide("privacy phone", action="keep")
    form = personal(twin, p1=False)
    assert "0 masked, 1 kept" in form.heads["phone"].value and form.foot.value == ""
    press(form.children[2], "Undo")
    assert "to apply 1 decision." in form.foot.value, "what was kept would be masked again"


def test_private_names_are_kept_as_a_decision_and_said_where(twin):
    form = personal(twin)
    form.names.value = " 王小明，Alice "
    press(form, "Mask these names")
    assert twin.decisions()["privacy names"] == {"action": "mask", "text": "王小明, Alice"}
    assert "decisions.json" in form.kept_names.value and "to apply 1 decision." in form.foot.value
    assert review.personal(twin).names.value == "王小明, Alice"
    form.names.value = '"Doe, Anna Maria"; 王小明'
    press(form, "Mask these names")
    kept = twin.decisions()["privacy names"]["text"]
    assert privacy.private_names(kept) == ["Doe, Anna Maria", "王小明"]
    form.names.value = ""
    press(form, "Mask these names")
    assert twin.decisions() == {}


def test_masking_that_is_switched_off_is_said(twin):
    form = personal(twin, mask=False)
    assert "Masking is switched off" in form.top.value and form.foot.value == ""


def test_nothing_found_is_said_and_names_can_still_be_given(twin):
    write_records(twin.file("personal"), [])
    form = review.personal(twin)
    assert (
        "Nothing of the kinds that are looked for was found." in form.top.value
        and form.names.value == ""
    )


def test_what_is_not_detected_is_said(twin):
    assert esc(both("corpus.personal_data_not_detected")["en"]) in text_of(personal(twin))


# What was put aside


def dropped(twin, *more):
    lines = [
        ("tea.md", "document", "draft", "Tea is best.", 12, "d1"),
        ("b.md", "quotation", "somebody else's words", EVIL, 900, "q1"),
        ("c.md", "quotation", "somebody else's words", EVIL, 900, "q1"),
        ("x.pdf", "document", "damaged", "", 0, "x1"),
        ("chat.txt", "document", "a chat in which you aren't chosen yet", "hello", 400, "w1"),
        *more,
    ]
    twin.folder("corpus")
    with open(twin.file("dropped"), "w", encoding="utf-8", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows(
            [("document", "what", "reason", "text", "characters", "id"), *lines]
        )
    return review.dropped(twin)


def shown(form):
    """The ids on screen, in order."""
    return [entry["id"] for entry in form.pages.shown]


def test_everything_put_aside_stands_once_with_its_reason(twin):
    form = dropped(twin)
    assert shown(form) == ["d1", "q1", "x1", "w1"]
    assert "3 whole texts and 1 part; brought back: 0" in form.head.value
    seen = text_of(form)
    assert "<b>draft · document</b> · 12 characters<br>tea.md" in seen
    assert "<script" not in seen and esc(EVIL) in seen


def test_a_text_is_brought_back_and_put_aside_again(twin):
    form = dropped(twin)
    press(form, "Bring back")
    decision = twin.decisions()["d1"]
    assert decision["action"] == "restore" and decision["was"]["document"] == "tea.md"
    assert "brought back: 1" in form.head.value and "to apply 1 decision." in form.foot.value
    press(form, "Undo")
    assert twin.decisions() == {} and "brought back: 0" in form.head.value and form.foot.value == ""


def test_what_the_owner_dropped_before_is_dropped_again_by_undo(twin):
    twin.decide("o1", action="drop")
    form = dropped(twin, ("mine.md", "document", "you dropped it", "My text.", 8, "o1"))
    form.search.value = "mine.md"
    press(form, "Bring back")
    assert twin.decisions()["o1"]["action"] == "restore"
    press(form, "Undo")
    assert twin.decisions()["o1"] == {"action": "drop"}


def test_what_an_earlier_run_brought_back_can_still_be_undone(twin):
    twin.decide(
        "old",
        action="restore",
        was={
            "document": "old.md",
            "what": "document",
            "reason": "draft",
            "text": "An old draft.",
            "characters": 13,
        },
    )
    form = dropped(twin)
    form.reason.value = ""
    assert shown(form) == ["old"] and form.foot.value == ""
    press(form, "Undo")
    assert twin.decisions() == {} and "to apply 1 decision." in form.foot.value


def test_what_has_no_text_cannot_be_brought_back_and_a_chat_points_to_the_people(twin):
    form = dropped(twin)
    form.reason.value = "damaged"
    assert "There is no text to bring back" in text_of(form.pages.body)
    form.reason.value = "a chat in which you aren't chosen yet"
    assert "Choose yourself among the people above" in text_of(form.pages.body)
    assert not [part for part in inside(form.pages.body) if isinstance(part, widgets.Button)]


def test_lists_start_with_everything_chosen(rows, twin):
    """An entry whose value is None would show as an empty box."""
    lists = [
        part
        for form in (rows, dropped(twin))
        for part in inside(form)
        if isinstance(part, widgets.Dropdown)
    ]
    assert [part.index for part in lists] == [0] * 4
    assert all(value is not None for part in lists for _, value in part.options)


def test_searching_and_filtering_go_together(twin):
    form = dropped(twin)
    form.search.value = "TEA"
    assert shown(form) == ["d1"]
    form.reason.value = "damaged"
    assert shown(form) == []


@pytest.mark.parametrize("language", ["en", "zh", "both"])
def test_reasons_are_known_again_in_the_language_they_were_written_in(twin, language, monkeypatch):
    monkeypatch.setenv("TWINLIB_LANG", language)
    said = choose(review.REASONS["locked"])
    assert tables.key_of(said, review.REASONS) == "locked"


def test_without_the_step_having_run_it_is_a_sentence(twin):
    for form in (review.dropped, review.personal, review.rows):
        assert form(twin).text.startswith("· Nothing to look at yet: notebook 01 has not run")


# Rows


def row(
    name,
    kind="qa",
    question="What is tea?",
    answer="Tea is hot.",
    passage="p1",
    source="title",
    before=(),
):
    asked = [{"role": "user", "content": question}] if question else []
    return {
        "id": name,
        "passage": passage,
        "kind": kind,
        "split": "train",
        "source": source,
        "messages": [
            {"role": "system", "content": "You are the twin."},
            *before,
            *asked,
            {"role": "assistant", "content": answer},
        ],
    }


@pytest.fixture
def rows(twin):
    """Three rows to learn from and one to watch."""
    write_records(twin.file("documents"), [{"id": "d1", "title": f"On tea {EVIL}"}])
    write_records(twin.file("passages"), [{"id": "p1", "document": "d1"}])
    write_records(
        twin.file("train"),
        [
            row("r1"),
            row("r2", "raw", "", f"Long {EVIL}"),
            row("r3", "identity", "Who are you?", "A twin.", "", "owner"),
        ],
    )
    write_records(twin.file("val"), [row("r4", question="And coffee?")])
    return review.rows(twin)


def test_a_row_stands_with_its_question_its_answer_and_where_it_is_from(rows):
    assert "Reviewed 0 of 4 rows: 0 approved, 0 edited, 0 dropped." in rows.progress.value
    assert (
        "1 / 4 · question and answer · ready-made, from your title or words · On tea &lt;script&gt;"
        in rows.head.value
    )
    assert "What is tea?" in rows.reading.value and "Tea is hot." in rows.reading.value
    rows.on.click()
    assert "<script" not in text_of(rows) and esc(f"Long {EVIL}") in rows.reading.value


def test_approving_goes_on_to_the_next_and_needs_no_run(rows, twin):
    press(rows, "Approve")
    assert twin.decisions() == {"r1": {"action": "approve"}}
    assert rows.row["id"] == "r2" and "Reviewed 1 of 4 rows: 1 approved" in rows.progress.value
    assert rows.foot.value == ""


def test_an_edit_is_kept_word_for_word_and_waits_for_a_run(rows, twin):
    press(rows, "Edit")
    assert rows.editor.layout.display == "" and rows.moves.layout.display == "none"
    rows.question.value, rows.answer.value = "What about tea?", "  Tea must be hot.\n\nAlways. "
    press(rows, "Save")
    assert twin.decisions() == {
        "r1": {
            "action": "edit",
            "question": "What about tea?",
            "text": "Tea must be hot.\n\nAlways.",
        }
    }
    assert rows.row["id"] == "r1" and "Tea must be hot." in rows.reading.value
    assert "to apply 1 decision." in rows.foot.value and rows.editor.layout.display == "none"
    press(rows, "Approve")
    assert twin.decisions()["r1"]["action"] == "edit", "an edited row is approved already"


def test_cancelling_or_saving_nothing_new_decides_nothing(rows, twin):
    press(rows, "Edit")
    rows.answer.value = "Something else."
    press(rows, "Cancel")
    press(rows, "Edit")
    assert rows.answer.value == "Tea is hot."
    press(rows, "Save")
    assert twin.decisions() == {}


def test_an_empty_answer_is_refused_in_a_sentence(rows, twin):
    press(rows, "Edit")
    rows.answer.value = " \n"
    press(rows, "Save")
    assert "Nothing can be learnt from an empty box" in rows.wrong.value
    assert twin.decisions() == {} and rows.editor.layout.display == ""


def test_a_row_without_a_question_is_edited_without_one(rows, twin):
    rows.on.click()
    press(rows, "Edit")
    assert rows.asking.layout.display == "none"
    rows.answer.value = "Short."
    press(rows, "Save")
    assert twin.decisions() == {"r2": {"action": "edit", "text": "Short."}}


def test_the_last_decision_is_undone_and_its_row_shown_again(rows, twin):
    press(rows, "Approve")
    press(rows, "Drop")
    assert twin.decisions()["r2"]["action"] == "drop" and "to apply 1 decision." in rows.foot.value
    press(rows, "Undo the last")
    assert rows.row["id"] == "r2" and list(twin.decisions()) == ["r1"]
    press(rows, "Undo the last")
    assert rows.row["id"] == "r1" and twin.decisions() == {}
    assert rows.undo.disabled


def test_an_old_decision_about_the_row_on_screen_is_cleared(rows, twin):
    twin.decide("r1", action="approve")
    form = review.rows(twin)
    press(form, "Not reviewed after all")
    assert twin.decisions() == {} and form.clear.layout.display == "none"
    press(form, "Undo the last")
    assert twin.decisions() == {"r1": {"action": "approve"}}


def test_a_row_dropped_in_an_earlier_run_can_be_taken_back(rows, twin):
    press(rows, "Drop")
    write_records(twin.file("train"), [row("r2", "raw", "", "Long.")])
    form = review.rows(twin)
    assert form.foot.value == "" and "1 dropped" in form.progress.value
    form.state.value = "drop"
    assert "What is tea?" in form.reading.value
    press(form, "Approve")
    assert (
        twin.decisions()["r1"]["action"] == "approve" and "to apply 1 decision." in form.foot.value
    )


def test_an_edit_that_the_last_run_applied_waits_for_nothing(rows, twin):
    twin.decide("r1", action="edit", question="Tea?", text="Hot.")
    write_records(twin.file("train"), [row("r1", question="Tea?", answer="Hot.", source="owner")])
    assert review.rows(twin).foot.value == ""


def test_rows_are_filtered_and_the_next_open_one_is_found(rows):
    rows.kind.value = "qa"
    assert rows.order == ["r1", "r4"]
    press(rows, "Approve")
    press(rows, "◀ Back")
    press(rows, "Next not reviewed")
    assert rows.row["id"] == "r4"
    rows.state.value = "approve"
    assert rows.order == ["r1"]
    rows.kind.value, rows.state.value = "raw", "edit"
    assert "No row is like that." in rows.reading.value and rows.acts.children[0].disabled


def test_random_order_loses_no_row(rows):
    rows.shuffled.value = True
    assert sorted(rows.order) == ["r1", "r2", "r3", "r4"]


def test_what_was_said_before_stands_above_the_question(rows, twin):
    before = ({"role": "user", "content": "Hello?"}, {"role": "assistant", "content": "Hi."})
    write_records(twin.file("train"), [row("r1", before=before)])
    assert (
        "Said before" in review.rows(twin).reading.value
        and "Hello?\nHi." in review.rows(twin).reading.value
    )


@pytest.mark.parametrize("language", ["en", "zh", "both"])
def test_every_form_speaks_every_language(rows, twin, language, monkeypatch):
    monkeypatch.setenv("TWINLIB_LANG", language)
    seen = text_of(personal(twin)) + text_of(dropped(twin)) + text_of(review.rows(twin))
    assert ("Reviewed 0 of 4" in seen) == (language != "zh") and ("看过 0" in seen) == (
        language != "en"
    )


@pytest.mark.skipif(
    find_spec("markdown_it") is None, reason="the step needs more than the forms do"
)
def test_a_whole_run_is_reviewed_and_its_decisions_are_applied(sample_twin):
    """The form's decisions are those that the step follows."""
    form = review.rows(sample_twin)
    dropped_row = form.row
    press(form, "Drop")
    edited = form.row
    press(form, "Edit")
    form.answer.value = "Word for word what I meant."
    press(form, "Save")
    again(sample_twin)
    rows = {row["id"]: row for row in sample_twin.records("train")}
    assert dropped_row["id"] not in rows
    assert rows[edited["id"]]["messages"][-1]["content"] == "Word for word what I meant."
    assert review.rows(sample_twin).foot.value == ""


def again(twin):
    """Run the corpus step once more, as it was run before."""
    from twinlib import settings
    from twinlib.corpus import step as corpus
    from twinlib.progress import Progress

    corpus.run(
        twin,
        settings.make("corpus", **twin.facts["settings"]["corpus"]),
        Progress(twin.history("corpus"), "corpus"),
    )
