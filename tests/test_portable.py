"""A twin as one file: what goes in, what comes out, and what is refused."""

import hashlib
import json
import os
import re
import shutil
import zipfile
from dataclasses import fields
from pathlib import Path

import pytest

from twinlib import Stopped, Twin, TwinError, running, settings
from twinlib.command_line import main
from twinlib.files import read_records, write_records
from twinlib.progress import Progress, line_of
from twinlib.twin import STEPS, figure
from twinlib.ui import portable, writing_files
from twinlib.ui.plots import curve_points

OLD = Path(__file__).parent / "old_twin" / "old"


def ignore(*_):
    pass


@pytest.fixture
def old(tmp_path):
    """A finished twin of an older version."""
    return Twin(shutil.copytree(OLD, tmp_path / "here" / "old"))


@pytest.fixture
def there(tmp_path, monkeypatch):
    """The twins' folder of the other machine."""
    monkeypatch.setenv("TWINLIB_TWINS", str(tmp_path / "there"))
    return tmp_path / "there"


def states(twin):
    return {step: (twin.state(step).name, twin.state(step).why) for step in STEPS}


def test_with_everything_the_imported_twin_is_the_same(old, there, tmp_path):
    before = states(old)
    path = portable.export(old, tmp_path, gguf=True, corpus=True, progress=ignore)
    new = portable.restore(path, None, ignore)
    assert new.path == there / "old" and states(new) == before
    assert new.facts == {**old.facts, "left_out": new.facts["left_out"]}
    for file in old.path.rglob("*"):
        copy = new.path / file.relative_to(old.path)
        if file.is_file() and file.name not in ("twin.json", ".hashes.json"):
            assert copy.read_bytes() == file.read_bytes()


def test_without_the_corpus_no_word_of_it_leaves_and_the_steps_stay_as_done(old, there, tmp_path):
    old.remember(persona_prompt="He once wrote: a bicycle is a promise.")
    writing_files.save(old, "blog.md", old.records("passages")[0]["text"].encode())
    path = portable.export(old, tmp_path, gguf=True, corpus=False, progress=ignore)
    with zipfile.ZipFile(path) as archive:
        everything = "".join(
            archive.read(name).decode(errors="ignore") for name in archive.namelist()
        )
    sentences = {passage["text"][:40] for passage in old.records("passages")}
    assert sentences and not [text for text in sentences if text in everything]
    assert "a bicycle is a promise" not in everything
    new = portable.restore(path, None, ignore)
    assert states(new) == states(old)
    assert not new.file("train").exists() and new.adapter("persona").exists()


def planted(twin):
    """Words of the owner's and of others in every file of the twin that can hold any, by file."""
    words = {}

    def word(name):
        return words.setdefault(name, f"planted-{len(words)}-secret")

    def write(name, text):
        path = twin.path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")

    for name in (
        *("drafts.json", "persona/samples.jsonl", "persona/notes.txt", "quantize/old.bak"),
        *("reasoning/problems.jsonl", "reasoning/solutions.jsonl", "reasoning/probe.json"),
        *("publish/old-corpus/train.jsonl", "publish/old-GGUF/README.md", "talk/decisions.json"),
        *("evaluate/blind_test.html", "interview/answers.jsonl", "memory/passages.jsonl"),
        *("new_step/of_a_later_version.jsonl", "anything.txt"),
    ):
        write(name, json.dumps({"text": word(name)}) + "\n")
    for step in ("persona", "reasoning", "quantize"):
        name = f"{step}/history.jsonl"
        sample = {"time": 1, "sample": {"step": 1, "question": word(name), "text": "x"}}
        lines = [sample, {"time": 2, "done": 1, "total": 2, "note": word(name), "loss": 2.5}]
        write(name, "".join(json.dumps(line) + "\n" for line in lines))
    private = {
        field: word(f"setting {field}")
        for field in ("source", "introduction", "me", "columns", "names", "endpoint")
    }
    facts = json.loads(twin.file("facts").read_text(encoding="utf-8"))
    for chosen in ("settings", "ran"):
        facts.setdefault(chosen, {}).setdefault("corpus", {}).update(private)
        facts[chosen].setdefault("reasoning", {}).update(problems=word("setting problems"))
    facts.update(introduction=private["introduction"], persona_prompt=word("persona_prompt"))
    twin.remember(**facts)
    report = json.loads(twin.report_path("corpus").read_text(encoding="utf-8"))
    report["settings"].update(private)
    report["inputs"][f"/home/{word('input')}/chat.txt"] = "0" * 64
    report["warnings"].append(f"These texts name several authors: {word('warning')}.")
    report["figures"]["asked_by"] = figure(1, note=word("note"))
    before = twin.hash(twin.report_path("corpus"))
    twin.report_path("corpus").write_text(json.dumps(report), encoding="utf-8")
    text = twin.report_path("reasoning").read_text(encoding="utf-8")
    reasoning = json.loads(text)
    reasoning["settings"].update(problems=word("setting problems"), task="file")
    twin.report_path("reasoning").write_text(json.dumps(reasoning), encoding="utf-8")
    publish = json.loads(twin.report_path("publish").read_text(encoding="utf-8"))
    assert publish["inputs"]["corpus/report.json"] == before
    for step in ("corpus", "reasoning"):
        path = twin.report_path(step)
        publish["inputs"][f"{step}/report.json"] = twin.hash(path)
    twin.report_path("publish").write_text(json.dumps(publish), encoding="utf-8")
    return words


def test_what_is_not_known_to_hold_no_word_of_anybody_stays_behind(old, there, tmp_path):
    words, before = planted(old), states(old)
    path = portable.export(old, tmp_path, gguf=True, corpus=False, progress=ignore)
    with zipfile.ZipFile(path) as archive:
        everything = "".join(
            name + archive.read(name).decode(errors="ignore") for name in archive.namelist()
        )
    assert [name for name, word in words.items() if word in everything] == []
    new = portable.restore(path, None, ignore)
    assert states(new) == before | {"memory": ("missing", "")}
    assert before["publish"] == ("done", "")
    assert curve_points(read_records(new.history("persona"), "persona"), "loss") == [
        (1, 2.5, 2.5, 2.5)
    ]
    with pytest.raises(TwinError, match="The writing stayed where this twin was exported"):
        new.records("problems")


def test_problems_that_the_program_made_go_along(old, there, tmp_path):
    path = portable.export(old, tmp_path, gguf=False, corpus=False, progress=ignore)
    new = portable.restore(path, None, ignore)
    assert new.records("problems") == old.records("problems")


def test_every_setting_says_whether_it_may_leave_with_the_twin():
    texts = {
        (step, field.name)
        for step, kind in settings.SETTINGS.items()
        for field in fields(kind)
        if field.type is str and not field.metadata["choices"] and not field.metadata["private"]
    }
    # What a typed setting that may leave holds: the owner's public name, a base, types of files.
    assert {name for _, name in texts} == {
        *("author", "question_model", "base", "types", "type", "user", "host"),
    }


def a_memory_of(twin, tmp_path):
    """The same twin with a memory of its passages, by words alone."""
    assert main(["memory", "--twin", str(twin.path), "--vectors", "no"]) == 0
    assert twin.state("memory").name == "done"
    return twin


@pytest.mark.slow
@pytest.mark.parametrize("of_an_older_version", [False, True])
def test_a_memory_that_stayed_behind_is_not_there_and_not_called_stale(
    old, there, tmp_path, of_an_older_version, capsys
):
    report = a_memory_of(old, tmp_path).report_path("memory").read_bytes()
    path = portable.export(old, tmp_path, gguf=False, corpus=False, progress=ignore)
    if of_an_older_version:  # whose exports have the report alone

        def with_report(members):
            about = json.loads(members[portable.LIST])
            about["files"]["memory/report.json"] = [len(report), hashlib.sha256(report).hexdigest()]
            members[portable.LIST] = json.dumps(about).encode()
            members["memory/report.json"] = report

        rewritten(path, with_report)
    new = portable.restore(path, None, ignore)
    assert states(new)["memory"] == ("missing", "")
    capsys.readouterr()
    assert main(["memory", "--twin", str(new.path)]) == 1
    said = capsys.readouterr().err
    assert "The writing stayed where this twin was exported" in said and "older" not in said


@pytest.mark.slow
def test_a_memory_that_came_along_is_as_done_as_it_was(old, there, tmp_path):
    a_memory_of(old, tmp_path)
    path = portable.export(old, tmp_path, gguf=False, corpus=True, progress=ignore)
    assert states(portable.restore(path, None, ignore))["memory"] == ("done", "")


def test_without_the_files_the_step_that_makes_them_is_to_be_run_again(old, there, tmp_path):
    path = portable.export(old, tmp_path / "a.zip", gguf=False, corpus=False, progress=ignore)
    assert path == tmp_path / "a.zip" and path.stat().st_size < 1e6
    state = portable.restore(path, None, ignore).state("quantize")
    assert state.name == "stale" and state.why.endswith(".gguf is gone")


def test_a_twin_that_exists_is_not_overwritten(old, there, tmp_path):
    path = portable.export(old, tmp_path, gguf=False, corpus=False, progress=ignore)
    portable.restore(path, None, ignore)
    with pytest.raises(TwinError, match="nothing is overwritten.*--twin NAME"):
        portable.restore(path, None, ignore)


def test_an_imported_twin_is_called_as_it_was_or_as_its_owner_says(old, there, tmp_path):
    old.remember(name="鲁迅")
    named = Twin(old.path.rename(old.path.with_name("LuXun")))
    path = portable.export(named, tmp_path, gguf=False, corpus=False, progress=ignore)
    assert portable.restore(path, None, ignore).title == "鲁迅"
    again = portable.restore(path, "另一个鲁迅", ignore)
    assert again.title == "另一个鲁迅" and again.name == "LingYiGeLuXun"


def test_a_stopped_export_says_that_nothing_was_written(old, tmp_path):
    class Interrupted(Progress):
        def __call__(self, done, total, note="", **figures):
            self.lines = [
                line_of({"done": done, "total": total, "note": note, **figures}, "export")
            ]
            raise Stopped("The same command goes on from here.")

    (old.path / "quantize" / "large.gguf").write_bytes(bytes(3_000_000))
    progress = Interrupted(None, "export")
    with pytest.raises(Stopped, match="no file was written"):
        portable.export(old, tmp_path / "x.zip", True, False, progress)
    assert not (tmp_path / "x.zip").exists() and not list(tmp_path.glob(".x.zip*"))
    assert re.fullmatch(r"export 1/\d+ MB · [\w.-]+", progress.lines[0])


def test_a_stopped_import_goes_on_with_the_files_it_has(old, there, tmp_path):
    path = portable.export(old, tmp_path, gguf=False, corpus=True, progress=ignore)
    portable.restore(path, "whole", ignore)
    part = there / ".old.import"
    part.mkdir()
    shutil.copytree(old.path / "corpus", part / "corpus")
    kept = (part / "corpus" / "train.jsonl").stat().st_mtime_ns
    (part / "corpus" / "val.jsonl").write_text("half", encoding="utf-8")
    new = portable.restore(path, None, ignore)
    assert new.file("train").stat().st_mtime_ns == kept
    assert new.file("val").read_bytes() == old.file("val").read_bytes() and not part.exists()


def rewritten(path, change):
    """The same archive with its members, {name: bytes}, as `change` leaves them."""
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    change(members)
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return path


@pytest.fixture
def exported(old, there, tmp_path):
    return portable.export(old, tmp_path, gguf=False, corpus=False, progress=ignore)


def test_a_changed_byte_is_noticed_and_nothing_is_left_in_the_twins_place(exported, there):
    def change(members):
        members["quantize/params"] = b"[" + members["quantize/params"][1:]

    with pytest.raises(TwinError, match="quantize/params arrived damaged"):
        portable.restore(rewritten(exported, change), None, ignore)
    assert not (there / "old").exists()


@pytest.mark.parametrize(
    "name",
    [
        "../evil",
        "/etc/evil",
        "corpus/../../evil",
        "C:/evil",
        "a\\evil",
        "more.txt",
        "x//y",
        "CON",
        "a/aux.txt",
        "a./b",
    ],
)
def test_a_member_that_is_not_listed_or_leads_elsewhere_is_refused(exported, there, name):
    def change(members):
        members[name] = b"x"
        about = json.loads(members["twin-export.json"])
        if name != "more.txt":
            about["files"][name] = [1, "x"]
        members["twin-export.json"] = json.dumps(about).encode()

    with pytest.raises(TwinError, match="is no twin that 'twinlib export' wrote"):
        portable.restore(rewritten(exported, change), None, ignore)
    assert not there.exists() or os.listdir(there) == []


def test_other_files_are_refused_with_a_sentence(exported, there, tmp_path):
    (tmp_path / "photo.zip").write_bytes(b"PK no")
    with pytest.raises(TwinError, match="is no twin"):
        portable.restore(tmp_path / "photo.zip", None, ignore)
    with pytest.raises(TwinError, match="There is no file"):
        portable.restore(tmp_path / "none.zip", None, ignore)

    def change(members):
        about = json.loads(members["twin-export.json"])
        members["twin-export.json"] = json.dumps({**about, "format": 99}).encode()

    with pytest.raises(TwinError, match="by a newer version"):
        portable.restore(rewritten(exported, change), None, ignore)


def test_a_disk_without_room_is_said_before_anything_is_written(old, tmp_path, monkeypatch):
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=1000))
    with pytest.raises(TwinError, match="1 kB free"):
        portable.export(old, tmp_path / "out", gguf=True, corpus=True, progress=ignore)
    assert not (tmp_path / "out").exists()


def test_the_commands(old, there, tmp_path, capsys):
    assert main(["export", "--twin", str(old.path), "--to", str(tmp_path)]) == 0
    assert main(["import", str(tmp_path / "old-twin.zip"), "--twin", "new"]) == 0
    said = capsys.readouterr().out
    assert "Written: " in said and f"The twin is in {there / 'new'}" in said
    assert said.rstrip().endswith("quantize"), "the files were left out: they are made again"
    assert main(["status"]) == 0, "the imported twin is the last one"
    assert "new (" in capsys.readouterr().out


def listed(about, **more):
    """A change of the list at the start of an exported file."""

    def change(members):
        content = {**json.loads(members["twin-export.json"]), **about}
        content["files"] |= more
        members["twin-export.json"] = json.dumps(content).encode()

    return change


@pytest.mark.parametrize("name", ["/{}/evil", "~/evil", "../../evil", "", "..", "a\0b/c"])
def test_the_name_in_a_file_is_no_path(exported, there, tmp_path, name, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    name = name.format(tmp_path.as_posix().strip("/"))
    new = portable.restore(rewritten(exported, listed({"name": name})), None, ignore)
    assert new.path.parent == there


def test_a_made_up_archive_is_refused_with_a_sentence(exported, there):
    def without_facts(members):
        del members["twin.json"]
        content = json.loads(members["twin-export.json"])
        del content["files"]["twin.json"]
        members["twin-export.json"] = json.dumps(content).encode()

    def with_a_file_below_a_file(members):
        members["persona/report.json/x"] = b""
        listed({}, **{"persona/report.json/x": [0, "x"]})(members)

    def with_an_endless_list(members):
        members["twin-export.json"] += b" " * 30_000_000

    changes = (
        without_facts,
        with_a_file_below_a_file,
        with_an_endless_list,
        listed({}, **{"twin.json": [float("inf"), "x"]}),
        listed({"name": "\ud800"}),
        listed({"name": None}),
    )
    content = exported.read_bytes()
    for change in changes:
        exported.write_bytes(content)
        with pytest.raises(TwinError, match="is no twin that 'twinlib export' wrote"):
            portable.restore(rewritten(exported, change), None, ignore)
        assert not (there / "old").exists()


def test_no_damage_of_an_archive_raises_an_error_of_a_library(exported):
    content = exported.read_bytes()
    for place in range(0, len(content), max(1, len(content) // 300)):
        damaged = bytearray(content)
        damaged[place] ^= 0xFF
        exported.write_bytes(damaged)
        try:
            shutil.rmtree(portable.restore(exported, None, ignore).path)
        except TwinError:
            pass


def test_what_another_stopped_import_left_is_not_taken_over(exported, there):
    left = there / ".old.import" / "quantize" / "old-Q2_K.gguf"
    left.parent.mkdir(parents=True)
    left.write_bytes(b"of another twin")
    assert "Q2_K" not in portable.restore(exported, None, ignore).ggufs()


def test_what_could_not_be_imported_is_not_exported(old, tmp_path):
    with running.claim(old, "persona", {}):
        with pytest.raises(TwinError, match="persona .* is running"):
            portable.export(old, tmp_path, gguf=False, corpus=False, progress=ignore)
    if os.name != "nt":
        old.folder("writing").joinpath("Why?.md").write_text("Why not.", encoding="utf-8")
        with pytest.raises(TwinError, match="Why.*rename it"):
            portable.export(old, tmp_path, gguf=False, corpus=True, progress=ignore)
    assert not list(tmp_path.glob("*.zip"))


@pytest.mark.parametrize("content", [b"mine", b"", b"PK no"])
def test_a_file_that_is_no_export_is_not_replaced(old, tmp_path, content):
    (tmp_path / "precious.zip").write_bytes(content)
    with pytest.raises(TwinError, match="precious.zip is there already"):
        portable.export(old, tmp_path / "precious.zip", gguf=False, corpus=False, progress=ignore)
    assert (tmp_path / "precious.zip").read_bytes() == content
    with zipfile.ZipFile(tmp_path / "photos.zip", "w") as archive:
        archive.writestr("photo", b"x")
    with pytest.raises(TwinError, match="photos.zip is there already"):
        portable.export(old, tmp_path / "photos.zip", gguf=False, corpus=False, progress=ignore)
    for _ in range(2):  # an earlier export is replaced
        portable.export(old, tmp_path / "again.zip", gguf=False, corpus=False, progress=ignore)


@pytest.mark.parametrize(
    "more, flag, member",
    [("corpus", "--corpus", "corpus/train.jsonl"), ("gguf", "--gguf", ".gguf")],
)
def test_an_export_that_holds_more_is_not_replaced(old, tmp_path, more, flag, member):
    whole = {"gguf": more == "gguf", "corpus": more == "corpus"}
    path = portable.export(old, tmp_path, **whole, progress=ignore)
    before = path.read_bytes()
    with pytest.raises(TwinError, match=f"holds more .*--to FILE.zip. Or .*export {flag}$"):
        portable.export(old, tmp_path, gguf=False, corpus=False, progress=ignore)
    assert path.read_bytes() == before and member in "".join(zipfile.ZipFile(path).namelist())
    portable.export(old, tmp_path, **whole, progress=ignore)
    old.file("samples" if more == "corpus" else "params").unlink()
    with pytest.raises(TwinError, match="--to FILE.zip.$"):  # it can't be taken along any more
        portable.export(old, tmp_path, **whole, progress=ignore)


def test_an_export_of_another_twin_is_not_replaced(old, tmp_path):
    other = Twin(shutil.copytree(old.path, tmp_path / "other"))
    path = portable.export(other, tmp_path / "x.zip", gguf=False, corpus=False, progress=ignore)
    before = path.read_bytes()
    with pytest.raises(TwinError, match="an export of another twin, other"):
        portable.export(old, tmp_path / "x.zip", gguf=False, corpus=False, progress=ignore)
    assert path.read_bytes() == before


def _next_of(said):
    """The command that an import names as the next one, without the program's name."""
    return said.rstrip().rpartition("To go on: ")[2].partition("twinlib ")[2].split()


def test_the_next_command_after_an_import_is_one_that_works(old, there, tmp_path, capsys):
    (tmp_path / "new.md").write_text("# Tea\n\n" + "Tea is best drunk hot. " * 30, encoding="utf-8")
    old.remember(base={"name": "x", "revision": "another than it was trained on"})
    assert not old.newest_adapter()[0]
    portable.export(old, tmp_path / "a.zip", gguf=False, corpus=False, progress=ignore)
    said = capsys.readouterr().out
    assert "nor training rows are in it" in said
    assert "export --gguf." in said and said.rstrip().endswith("export --corpus.")
    assert main(["import", str(tmp_path / "a.zip")]) == 0
    step, flag, folder = _next_of(capsys.readouterr().out)
    assert (step, flag, folder) == ("corpus", "--source", "FOLDER")
    assert main([step, flag, str(tmp_path / "new.md"), "--questions", "titles"]) == 0
    portable.export(old, tmp_path / "b.zip", gguf=False, corpus=True, progress=ignore)
    assert "'twinlib persona' and 'twinlib quantize' come before" in capsys.readouterr().out
    assert main(["import", str(tmp_path / "b.zip"), "--twin", "b"]) == 0
    assert _next_of(capsys.readouterr().out) == ["persona"]
    portable.export(old, tmp_path / "c.zip", gguf=True, corpus=False, progress=ignore)
    assert capsys.readouterr().out.rstrip().endswith("twinlib import FILE"), "nothing is left to do"
    assert main(["import", str(tmp_path / "c.zip"), "--twin", "c"]) == 0
    assert _next_of(capsys.readouterr().out) == ["talk"]


def test_an_imported_interview_is_learnt_without_a_folder(there, tmp_path, capsys, monkeypatch):
    twin = Twin.open(tmp_path / "asked")
    write_records(twin.file("interview"), [{"id": "x", "question": "Why?", "text": "Because."}])
    path = portable.export(twin, tmp_path, gguf=False, corpus=True, progress=ignore)
    assert main(["import", str(path)]) == 0
    assert _next_of(capsys.readouterr().out) == ["corpus"]


def test_what_a_machine_makes_by_itself_is_not_taken_from_an_archive(exported, there):
    names = ["running.json", "persona/checkpoints/checkpoint-5/optimizer.pt", ".lock", "x/.hidden"]

    def change(members):
        about = json.loads(members["twin-export.json"])
        for name in names:
            members[name] = b"x"
            about["files"][name] = [1, hashlib.sha256(b"x").hexdigest()]
        members["twin-export.json"] = json.dumps(about).encode()

    twin = portable.restore(rewritten(exported, change), None, ignore)
    assert not any((twin.path / name).exists() for name in names)
