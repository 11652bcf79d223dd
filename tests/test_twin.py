"""The twin folder: names, atomic files, reports, staleness, decisions."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from twinlib import Twin, TwinError
from twinlib.files import content_id, read_records, write_atomic, write_json, write_records
from twinlib.settings import make, step_module
from twinlib.twin import Report, figure
from twinlib.ui import runtime


def report(twin, step, settings=None, inputs=(), asked=None):
    """Leave a step's output and its report."""
    made = {
        "corpus": twin.file("train"),
        "persona": twin.adapter("persona"),
        "reasoning": twin.adapter("reasoning"),
    }[step]
    if made.suffix and not made.exists():
        write_atomic(made, "")
    elif not made.suffix:
        made.mkdir(parents=True, exist_ok=True)
    twin.finish(
        Report(step, settings or {}, 1.0, 2.0, {}, {}, twin.inputs(*inputs), {"x": figure(1)}, []),
        asked,
    )


def test_a_twin_is_made_once_and_found_again(tmp_path):
    with pytest.raises(TwinError, match="ning"):
        Twin.open(tmp_path / "ning", create=False)
    Twin.open(tmp_path / "ning").remember(author="宁半圈")
    assert Twin.open(tmp_path / "ning", create=False).author == "宁半圈"
    assert Twin.open(tmp_path / "ning").author == "宁半圈", "not made anew"


@pytest.mark.parametrize(
    "name, folder",
    [
        ("demo", "demo"),
        ("v1.2_b", "v1.2_b"),
        ("my blog twin", "my-blog-twin"),
        ("José", "Jose"),
        ("-x", "x"),
        ("阿宁的分身", "ANingDeFenShen"),
        ("阿宁 blog", "ANing-blog"),
        ("Мой блог 🚲 “да”", "Moy-blog-bike-da"),
        ("孔", "Kong"),
        ("控", "Kong"),
        ("x" * 80, "x" * 50 + "-d929cd"),
    ],
)
def test_a_name_in_any_script_has_a_folder_that_can_be_a_repository(tmp_path, name, folder):
    twin = Twin.open(tmp_path / name)
    assert (twin.name, twin.title, twin.author) == (folder, name, name)
    assert Twin.open(tmp_path / name, create=False).path == Twin(tmp_path / folder).path


@pytest.mark.parametrize("name", ["", "  ", "..", ".", "~", "~nobody-of-that-name", "\ud800"])
def test_what_names_nothing_is_refused(name, tmp_path, monkeypatch):
    monkeypatch.setenv("TWINLIB_TWINS", str(tmp_path / "twins"))
    with pytest.raises(TwinError, match="can't name a twin"):
        Twin.open(name)
    if name.strip():  # without a name the last one is opened
        with pytest.raises(TwinError, match="can't name a twin"):
            runtime.open_twin(name)


def test_a_file_in_the_place_of_the_folder_is_said(tmp_path):
    (tmp_path / "me").write_text("Mine.", encoding="utf-8")
    for path in (tmp_path / "me", tmp_path / "me" / "twin"):
        with pytest.raises(TwinError, match="choose another name"):
            Twin.open(path)


def test_a_folder_that_was_renamed_is_called_as_its_folder(tmp_path):
    Twin.open(tmp_path / "阿宁").path.rename(tmp_path / "ning")
    assert Twin(tmp_path / "ning").title == "ning"
    (tmp_path / "ning").rename(tmp_path / "鲁迅")
    renamed = Twin.open(tmp_path / "鲁迅", create=False)
    assert (renamed.name, renamed.title, renamed.plain_name) == ("鲁迅", "鲁迅", "LuXun")
    assert renamed.new_gguf("Q8_0").name == "LuXun-Q8_0.gguf"


def test_names_that_are_spelt_alike_have_a_folder_each_and_those_of_old_twins_are_found(tmp_path):
    spelt = [Twin.open(tmp_path / name).name for name in ("小明", "晓明")]
    assert spelt[0] == "XiaoMing" and re.fullmatch(r"XiaoMing-[0-9a-f]{6}", spelt[1])
    Twin.open(tmp_path / "twin-ece7c3").remember(name="鲁迅")
    found = {"小明": spelt[0], "晓明": spelt[1], "XiaoMing": spelt[0], "鲁迅": "twin-ece7c3"}
    for name, folder in found.items():
        assert Twin.open(tmp_path / name, create=False).name == folder
    assert Twin(tmp_path / spelt[1]).title == "晓明"


def test_what_is_typed_is_kept_until_the_step_runs_with_it(twin):
    twin.draft("persona", rank="12")
    twin.draft("persona", effort="smoke")
    assert Twin(twin.path).drafts("persona") == {"rank": "12", "effort": "smoke"}
    child = Twin(twin.path)
    child.drafts("persona")
    twin.draft("persona", rank="16")
    twin.draft("corpus", author="宁")
    child.start("persona", {"rank": 12, "effort": "smoke"})
    assert twin.drafts("persona") == {"rank": "16"}, "typed after the child began"
    assert twin.drafts("corpus") == {"author": "宁"}


@pytest.mark.parametrize("text", ['{"persona": 3', '{"persona": []}', "[" * 100_000])
def test_a_damaged_file_of_drafts_does_no_harm(twin, text):
    twin.file("drafts").write_text(text, encoding="utf-8")
    assert twin.drafts("persona") == {}
    twin.draft("persona", rank="12")
    assert twin.drafts("persona") == {"rank": "12"}


CHANGE = """
import sys
from pathlib import Path
from twinlib import Twin
twin, mine = Twin(sys.argv[1]), sys.argv[2]
for number in range(40):
    twin.remember(**{f"{mine}{number}": number})
    twin.draft("persona", **{f"{mine}{number}": number})
"""


@pytest.mark.slow
def test_no_change_of_two_processes_is_lost(twin):
    writers = [
        subprocess.Popen([sys.executable, "-c", CHANGE, twin.path, name]) for name in ("a", "b")
    ]
    assert [writer.wait(60) for writer in writers] == [0, 0]
    names = {f"{name}{number}" for name in "ab" for number in range(40)}
    assert names <= Twin(twin.path).facts.keys() and names == twin.drafts("persona").keys()


def test_a_name_means_a_folder_below_the_twins_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("TWINLIB_TWINS", str(tmp_path / "all"))
    assert Twin.locate("demo") == tmp_path / "all" / "demo"


def test_a_missing_twin_is_said_with_the_command_that_makes_it(tmp_path):
    with pytest.raises(TwinError, match="twinlib corpus --twin"):
        Twin.open(tmp_path / "none", create=False)


@pytest.mark.parametrize(
    "text",
    [
        "{",
        "[" * 100_000,
        '{"settings": null}',
        '{"settings": {"persona": []}}',
        '{"ran": []}',
        '{"left_out": null}',
        '{"base": "x"}',
        '{"base": {"name": 5}}',
        '{"name": 5}',
    ],
)
def test_damaged_facts_are_said_not_raised_as_json(twin, text):
    twin.file("facts").write_text(text, encoding="utf-8")
    with pytest.raises(TwinError, match="damaged"):
        Twin(twin.path)


def test_facts_that_were_deleted_meanwhile_are_said(twin):
    twin.file("facts").unlink()
    for read in (twin.reread, lambda: twin.remember(author="Me")):
        with pytest.raises(TwinError, match=twin.name):
            read()


def test_records_are_utf8_and_not_escaped(twin):
    write_records(twin.file("documents"), [{"title": "茶要烫", "id": "1"}])
    assert "茶要烫" in twin.file("documents").read_text(encoding="utf-8")
    assert twin.records("documents") == [{"title": "茶要烫", "id": "1"}]


def test_a_damaged_record_names_its_line(twin):
    path = twin.file("documents")
    write_atomic(path, '{"id": 1}\n{"id": \n')
    with pytest.raises(TwinError, match="line 2"):
        read_records(path, "corpus")


def test_an_interrupted_write_leaves_the_old_file(tmp_path):
    path = tmp_path / "file"
    write_atomic(path, "old")
    with pytest.raises(UnicodeEncodeError):
        write_atomic(path, "new \ud800")
    assert path.read_text() == "old" and os.listdir(tmp_path) == ["file"]


def test_a_step_without_a_report_is_missing_and_with_one_is_done(twin):
    assert twin.state("corpus").name == "missing"
    report(twin, "corpus")
    assert twin.state("corpus").name == "done"


def test_a_corrupt_report_is_broken_with_the_next_action(twin):
    write_atomic(twin.report_path("corpus"), "{nonsense")
    assert twin.state("corpus").name == "broken"
    assert "again" in twin.state("corpus").why


@pytest.mark.parametrize("name", ["settings", "machine", "inputs", "figures", "finished"])
@pytest.mark.parametrize("wrong", [None, [], "x", {"a": 5}])
def test_a_report_of_other_types_is_broken_too(twin, name, wrong):
    report = {"step": "corpus", "started": 1.0, "finished": 2.0, "warnings": [], "versions": {}}
    report |= {"settings": {}, "machine": {}, "inputs": {}, "figures": {}}
    write_json(twin.report_path("corpus"), report)
    assert twin.report("corpus")
    write_json(twin.report_path("corpus"), {**report, name: wrong})
    if wrong != {"a": 5} or name in ("figures", "finished"):
        assert twin.state("corpus").name == "broken"


def test_a_changed_input_makes_a_step_stale_and_names_it(twin):
    write_atomic(twin.file("train"), "one")
    report(twin, "persona", inputs=[twin.file("train")])
    assert twin.state("persona").name == "done"
    write_atomic(twin.file("train"), "two!")
    assert twin.state("persona").name == "stale"
    assert "the result of corpus (Prepare your corpus) changed" == twin.state("persona").why


def test_the_same_bytes_at_a_new_time_are_not_stale(twin):
    write_atomic(twin.file("train"), "one")
    report(twin, "persona", inputs=[twin.file("train")])
    os.utime(twin.file("train"), (1, 1))
    assert twin.state("persona").name == "done"


def test_a_deleted_input_inside_the_folder_is_stale_one_outside_is_out_of_reach(twin, tmp_path):
    outside = tmp_path / "source.md"
    outside.write_text("x")
    write_atomic(twin.file("train"), "one")
    report(twin, "corpus", inputs=[outside])
    report(twin, "persona", inputs=[twin.file("train")])
    outside.unlink()
    assert twin.state("corpus").name == "done"
    twin.file("train").unlink()
    assert twin.state("persona").name == "stale"


def test_another_base_revision_makes_a_step_stale(twin):
    twin.remember(base={"name": "b", "revision": "1"})
    twin.adapter("persona").mkdir(parents=True)
    twin.finish(Report("persona", {}, 1.0, 2.0, {}, {}, twin.inputs(base=True), {}, []))
    assert twin.state("persona").name == "done"
    twin.remember(base={"name": "b", "revision": "2"})
    assert "base" in twin.state("persona").why


def test_another_setting_makes_a_step_stale_but_auto_does_not(twin):
    report(twin, "persona", {"rank": 32})
    twin.start("persona", {"rank": "auto"})
    assert twin.state("persona").name == "done"
    twin.start("persona", {"rank": 8})
    assert "rank" in twin.state("persona").why


def test_a_folder_is_hashed_by_names_and_contents(twin, tmp_path):
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "a").write_text("1")
    before = twin.hash(folder)
    (folder / "a").rename(folder / "b")
    assert twin.hash(folder) != before


def test_a_file_is_hashed_again_only_when_size_or_time_changed(twin, tmp_path):
    path = tmp_path / "file"
    path.write_text("one")
    os.utime(path, ns=(5, 5))
    first = twin.hash(path)
    path.write_text("two")
    os.utime(path, ns=(5, 5))
    assert twin.hash(path) == first  # same size and time: the kept hash is used
    os.utime(path, ns=(6, 6))
    assert twin.hash(path) != first


def test_where_no_hash_can_be_kept_a_twin_is_read_all_the_same(twin):
    report(twin, "corpus", inputs=[twin.file("train")])
    twin.file("hashes").unlink()
    twin.file("hashes").mkdir()  # as on a full or read-only disk, it can't be written
    assert twin.state("corpus").name == "done"


def test_decisions_are_kept_by_content_and_merged(twin):
    twin.decide("abc", action="drop")
    twin.decide("abc", why="quote")
    assert twin.decisions() == {"abc": {"action": "drop", "why": "quote"}}


def test_content_ids_ignore_white_space_only():
    assert content_id("一 二\n三") == content_id("一  二 三") != content_id("一二三")


def test_the_newest_fresh_adapter_is_used(twin):
    for step in ("persona", "reasoning"):
        twin.adapter(step).mkdir(parents=True)
        write_atomic(twin.adapter(step) / "adapter_model.safetensors", step)
    report(twin, "persona")
    assert twin.newest_adapter()[0] == "persona"
    report(twin, "reasoning", inputs=[twin.adapter("persona")])
    assert twin.newest_adapter()[0] == "reasoning"
    write_atomic(twin.adapter("persona") / "adapter_model.safetensors", "trained again")
    assert twin.newest_adapter()[0] == "persona"  # reasoning is stale now
    [said] = step_module("quantize").problems(make("quantize"), twin)[:1]
    assert said.level == "warning" and "What was practised is left out" in said.text
    report(twin, "reasoning", inputs=[twin.adapter("persona")])
    assert twin.newest_adapter()[0] == "reasoning"
    write_atomic(twin.file("train"), "one")
    report(twin, "persona", inputs=[twin.file("train")])
    assert twin.newest_adapter()[0] == "reasoning"
    write_atomic(twin.file("train"), "other texts")
    assert twin.newest_adapter() == (None, None), "practice is built on a voice of other texts"
    assert step_module("quantize").problems(make("quantize"), twin)[0].level == "stop"


def test_a_report_has_the_same_fields_in_every_step(twin):
    report(twin, "corpus")
    assert list(json.loads(twin.report_path("corpus").read_text())) == [
        "step",
        "settings",
        "started",
        "finished",
        "machine",
        "versions",
        "inputs",
        "figures",
        "warnings",
    ]


def test_a_setting_that_goes_back_to_auto_makes_a_step_stale(twin):
    twin.start("persona", {"rank": 16})
    report(twin, "persona", {"rank": 16}, asked={"rank": 16})
    assert twin.state("persona").name == "done"
    twin.start("persona", {"rank": "auto"})
    assert twin.state("persona").name == "stale"


def test_an_input_that_appears_later_makes_a_step_stale(twin):
    report(twin, "persona", inputs=[twin.adapter("reasoning")])
    assert twin.state("persona").name == "done"
    write_atomic(twin.adapter("reasoning") / "adapter_model.safetensors", "new")
    assert twin.state("persona").name == "stale"


def test_a_step_whose_result_was_deleted_is_stale_and_names_it(twin):
    report(twin, "corpus")
    twin.file("train").unlink()
    assert "train.jsonl is gone" in twin.state("corpus").why


def test_the_base_is_found_again_when_twin_json_was_deleted(twin):
    twin.remember(base={"name": "b", "revision": "1"})
    twin.finish(Report("persona", {}, 1.0, 2.0, {}, {}, twin.inputs(base=True), {}, []))
    twin.file("facts").unlink()
    assert Twin.open(twin.path).facts["base"] == {"name": "b", "revision": "1"}


def test_line_separators_inside_a_record_do_not_split_it(twin):
    write_records(twin.file("documents"), [{"text": "one\u2028two\u0085three"}])
    assert twin.records("documents") == [{"text": "one\u2028two\u0085three"}]


def test_a_twin_inside_the_writing_it_is_made_of_does_not_make_it_stale(tmp_path):
    (tmp_path / "post.md").write_text("text")
    twin = Twin.open(tmp_path / "twins" / "me")
    before = twin.hash(tmp_path)
    write_atomic(twin.file("train"), "rows")
    assert twin.hash(tmp_path) == before


def test_an_approval_changes_nothing_that_a_step_reads(twin):
    twin.decide("row", action="edit", text="changed")
    before = twin.inputs(twin.file("decisions"))
    twin.decide("other", action="approve")
    assert twin.inputs(twin.file("decisions")) == before
    assert {name: decision["action"] for name, decision in twin.decisions().items()} == {
        "row": "edit",
        "other": "approve",
    }
    twin.decide("other", action="drop")
    assert (
        twin.decisions()["other"]["action"] == "drop"
        and twin.inputs(twin.file("decisions")) != before
    )
    twin.undecide("other")
    assert twin.inputs(twin.file("decisions")) == before


def test_what_a_killed_process_left_half_written_goes_with_the_next_write(twin):
    old, fresh = (twin.path / f".twin.json.{name}" for name in ("killed", "running"))
    for path in (old, fresh):
        path.write_text("{half")
    os.utime(old, (1, 1))
    twin.remember(author="Ning")
    assert not old.exists() and fresh.exists()


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="a disk where nothing can be written")
def test_a_new_twin_where_nothing_can_be_written_is_a_sentence():
    with pytest.raises(TwinError, match="/proc/nowhere/me can't be made .*free some space"):
        Twin.open("/proc/nowhere/me")


@pytest.mark.skipif(os.name == "nt", reason="Windows has no umask")
@pytest.mark.parametrize("mask, mode", [(0o077, 0o600), (0o022, 0o644), (0o002, 0o664)])
def test_others_may_read_what_the_umask_lets_them_and_nothing_private(tmp_path, mask, mode):
    before = os.umask(mask)
    try:
        write_json(tmp_path / "open.json", {})
        write_records(tmp_path / "private.jsonl", [{}], private=True)
    finally:
        os.umask(before)
    modes = {path.name: path.stat().st_mode & 0o777 for path in tmp_path.iterdir()}
    assert modes == {"open.json": mode, "private.jsonl": 0o600}
