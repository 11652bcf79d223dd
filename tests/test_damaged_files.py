"""JSON files that a disk, a person or another version damaged: a run goes on all the same."""

import shutil
from dataclasses import asdict

import pytest

from twinlib import settings
from twinlib.files import DamagedFile, json_or, read_json, write_atomic, write_json
from twinlib.models import pip_base
from twinlib.train import band, checkpoints

DAMAGED = ["", "{", '{"rank": ', "[]", "null", "7", "[" * 100_000, '{"rank": "\\ud800"}', b"\xff{}"]
RUN = {"asked": {"rank": "auto"}, "inputs": {}}
PLANNED = settings.make("persona", rank=8, steps=40, batch=2)


def written(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


@pytest.mark.parametrize("text", DAMAGED)
def test_a_damaged_file_has_one_error_or_the_value_that_stands_for_it(text, tmp_path):
    path = written(tmp_path / "a.json", text)
    with pytest.raises(DamagedFile):
        read_json(path)
    assert json_or(path, {"rank": 8}) == {"rank": 8}
    with pytest.raises(FileNotFoundError):
        read_json(tmp_path / "none.json")
    assert json_or(tmp_path / "none.json", {}) == {}
    write_json(path, {"名字": [1, None]})
    assert read_json(path) == json_or(path, {}) == {"名字": [1, None]}


@pytest.fixture
def stopped(tmp_path, monkeypatch):
    """A folder with a checkpoint of a run that was stopped at step 5, of rank 16 and batch 4."""
    monkeypatch.setenv("TWINLIB_CACHE", str(tmp_path / "cache"))
    folder = tmp_path / "persona" / "checkpoints"
    began = settings.make("persona", rank=16, steps=40, batch=4)
    assert checkpoints.resume(folder, RUN, began) == (None, began)
    of_run = {name: (folder / name).read_bytes() for name in ("run.json", "settings.json")}
    for name, content in {**of_run, "weights": b"w"}.items():
        write_atomic(folder / "checkpoint-5" / name, content)
    checkpoints.write_manifest(folder / "checkpoint-5")
    return folder


def goes_on(folder):
    checkpoint, used = checkpoints.resume(folder, RUN, PLANNED)
    return checkpoint and checkpoint.name, used.rank, used.steps, used.batch


@pytest.mark.parametrize("name", ["run.json", "settings.json"])
@pytest.mark.parametrize("text", DAMAGED)
def test_training_goes_on_where_a_file_of_the_run_is_damaged(stopped, name, text):
    written(stopped / name, text)
    assert goes_on(stopped) == ("checkpoint-5", 16, 40, 2), "the batch is this machine's"
    assert read_json(stopped / "run.json") == RUN and goes_on(stopped)[0] == "checkpoint-5"


def test_settings_of_another_version_are_taken_as_far_as_they_are_known(stopped):
    saved = {**read_json(stopped / "settings.json"), "gone_setting": 3, "packing": "maybe"}
    write_json(stopped / "checkpoint-5" / "settings.json", saved)
    checkpoints.write_manifest(stopped / "checkpoint-5")
    assert goes_on(stopped) == ("checkpoint-5", 16, 40, 2)


def rewritten(folder, **changes):
    """The same checkpoint as another version of the library would have written it."""
    asked = {**read_json(folder / "run.json")["asked"], **changes}
    run = {**RUN, "asked": {name: value for name, value in asked.items() if value != "none"}}
    for path in (folder / "run.json", folder / "checkpoint-5" / "run.json"):
        write_json(path, run)
    checkpoints.write_manifest(folder / "checkpoint-5")


@pytest.mark.parametrize(
    "changes", [{"patience": "none"}, {"gone_setting": 3}, {"patience": "none", "gone_setting": 3}]
)
def test_an_update_that_adds_or_drops_a_setting_goes_on_with_the_checkpoint(stopped, changes):
    whole = {"asked": asdict(settings.make("persona")), "inputs": {}}
    rewritten(stopped, **{**whole["asked"], **changes})
    before = (stopped / "run.json").read_bytes()
    checkpoint, used = checkpoints.resume(stopped, whole, PLANNED)
    assert (checkpoint.name, used.rank) == ("checkpoint-5", 16)
    assert (stopped / "run.json").read_bytes() == before, "what an older version can still read"


@pytest.mark.parametrize("changes", [{"patience": 3}, {"rank": 8}, {"seed": 2}])
def test_another_value_of_a_setting_starts_anew_whatever_the_version(stopped, changes):
    rewritten(stopped, **{**asdict(settings.make("persona")), "patience": "none"})
    asked = asdict(settings.make("persona", **changes))
    checkpoint, _ = checkpoints.resume(stopped, {"asked": asked, "inputs": {}}, PLANNED)
    assert checkpoint is None and not (stopped / "checkpoint-5").exists()


@pytest.mark.parametrize("asked", [[], None, "rank"])
def test_a_run_without_readable_settings_is_another_one(stopped, asked):
    write_json(stopped / "checkpoint-5" / "run.json", {"asked": asked, "inputs": {}})
    checkpoints.write_manifest(stopped / "checkpoint-5")
    assert goes_on(stopped) == (None, 8, 40, 2)


@pytest.mark.parametrize("text", DAMAGED)
def test_a_checkpoint_of_an_older_version_without_settings_goes_on_with_the_planned(
    stopped, text, capsys
):
    for name in ("run.json", "settings.json"):
        (stopped / "checkpoint-5" / name).unlink()
    checkpoints.write_manifest(stopped / "checkpoint-5")
    assert goes_on(stopped) == ("checkpoint-5", 16, 40, 2) and not capsys.readouterr().out
    written(stopped / "settings.json", text)
    assert goes_on(stopped) == ("checkpoint-5", 8, 40, 2)
    assert "can't be read any more; from step 5 on" in capsys.readouterr().out
    assert read_json(stopped / "settings.json") == asdict(PLANNED)


@pytest.mark.parametrize(
    "name", ["checkpoint-tmp", "checkpoint-7 (1)", "checkpoint-", "checkpoint-9x"]
)
def test_folders_that_are_no_checkpoints_are_passed_over(stopped, name):
    shutil.copytree(stopped / "checkpoint-5", stopped / name)
    assert goes_on(stopped) == ("checkpoint-5", 16, 40, 2) and (stopped / name).exists()
    assert [path.name for path in checkpoints.in_order(stopped)] == ["checkpoint-5"]


@pytest.mark.parametrize("text", DAMAGED)
def test_a_checkpoint_whose_manifest_is_damaged_is_no_whole_one(stopped, text):
    written(stopped / "checkpoint-5" / checkpoints.MANIFEST, text)
    assert goes_on(stopped) == (None, 8, 40, 2)


@pytest.mark.parametrize("text", [*DAMAGED, '{"a": 3}', '{"a": ["x"]}'])
def test_damaged_marks_of_practice_are_none(text, tmp_path):
    assert band.read(written(tmp_path / "marks.json", text)) == {}


@pytest.mark.parametrize(
    "text", [*DAMAGED, '{"parts": 3}', '{"parts": "1", "bytes": 4}', '{"parts": 1, "bytes": 99}']
)
def test_a_base_whose_note_of_joined_parts_is_damaged_is_joined_anew(text, tmp_path, monkeypatch):
    source = pip_base.SOURCES["qwen2.5-coder-0.5b-instruct"]._replace(parts=2)
    monkeypatch.setitem(pip_base.SOURCES, "tiny", source)
    monkeypatch.setenv("TWINLIB_CACHE", str(tmp_path))
    asked = []
    monkeypatch.setattr(pip_base, "_wheel", lambda source, part, *_: (asked.append(part), "none"))
    partial = written(tmp_path / "tiny.part", b"half")
    written(pip_base._state("tiny"), text)
    assert pip_base._join_parts("tiny", partial, lambda *_: None) == "none"
    assert asked == [1] and partial.read_bytes() == b""
