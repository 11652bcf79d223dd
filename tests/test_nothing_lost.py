"""Checkpoints when time has passed, when the disk takes none, and when it is away."""

import json
import resource
import shutil

import pytest
from test_persona import wanted

from twinlib import Stopped, Twin, files, running
from twinlib.command_line import main
from twinlib.files import write_atomic, write_json
from twinlib.models import load
from twinlib.progress import Progress
from twinlib.train import checkpoint_fallback, checkpoints, persona
from twinlib.twin_folder import set_aside


class AtSteps(Progress):
    """A progress that calls `at[step]()` after that step, and notes which checkpoints are whole."""

    def __init__(self, twin, at):
        super().__init__(twin.history("persona"), "persona", fresh=False)
        self.folder, self.at, self.whole = twin.checkpoints("persona"), at, {}

    def __call__(self, done, total, note="", **figures):
        if "loss" in figures:
            names = map(checkpoints.step_of, self.folder.glob("checkpoint-*/"))
            folders = {step: self.folder / f"checkpoint-{step}" for step in names}
            self.whole[done] = sorted(s for s, f in folders.items() if checkpoints.is_whole(f))
            self.at.get(done, lambda: None)()
        super().__call__(done, total, note, **figures)


def test_a_twin_whose_disk_went_away_gets_no_folder_in_its_place(twin, tmp_path):
    with pytest.raises(RuntimeError), running.claim(twin, "persona", {}):
        twin.path.rename(tmp_path / "away")
        raise RuntimeError
    assert not twin.path.exists()


def test_whatever_is_written_nothing_is_put_where_the_twins_disk_was(twin, tiny_base, tmp_path):
    base = load.prepare(str(tiny_base))
    model, _ = load.load(base, precision="32-bit", lora=load.Lora(2))
    cache = files.Cache(twin.path / "evaluate" / "answers.jsonl", ("id",))
    twin.path.rename(tmp_path / "away")
    for write in (
        lambda: checkpoints.save_adapter(twin, "persona", model, base),
        lambda: files.write_json(twin.report_path("persona"), {}),
        lambda: files.scratch(twin.path / "quantize" / "unproven").__enter__(),
        lambda: cache.append({"id": 1}),
        lambda: Progress(twin.history("persona"), "persona"),
    ):
        with pytest.raises(FileNotFoundError):
            write()
    assert not twin.path.exists()
    (tmp_path / "away").rename(twin.path)
    checkpoints.save_adapter(twin, "persona", model, base)
    assert twin.adapter("persona").exists()
    shutil.rmtree(twin.path)
    assert Twin.open(twin.path).folder("persona").exists(), "a twin that is made anew"


@pytest.mark.slow
def test_what_a_disk_does_not_take_is_said_and_nothing_is_lost(
    sample_twin, tiny_base, monkeypatch, capsys, tmp_path
):
    """The system refuses large files for a while, then the folder is away, as Drive may be."""
    monkeypatch.setenv("TWINLIB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(checkpoints, "EVERY", 0.0)
    monkeypatch.setattr(checkpoints, "_SHARE", float("inf"))
    chosen = wanted(tiny_base, steps=12, patience=20)
    folder, away = sample_twin.checkpoints("persona"), tmp_path / "away"
    limit = resource.getrlimit(resource.RLIMIT_FSIZE)

    def stop():
        progress.stopping = True

    progress = AtSteps(
        sample_twin,
        {
            3: lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, limit[1])),
            5: lambda: resource.setrlimit(resource.RLIMIT_FSIZE, limit),
            7: lambda: folder.rename(away),
            8: stop,
        },
    )
    try:
        with pytest.raises(Stopped):
            persona.run(sample_twin, chosen, progress)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limit)
    said = capsys.readouterr().out
    assert progress.whole[3][-1] == 2 and progress.whole[2] == [1], (
        "after each step, not each third"
    )
    assert progress.whole[5][-1] == 2, "the one before stays"
    assert progress.whole[6][-1] == 5
    assert "checkpoint of step 3 could not be written" in said and "tries again" in said
    assert f"{tmp_path / 'cache'}" in said and not folder.exists(), "nothing is put in its place"
    checkpoint_fallback.forget_deleted()
    about = json.loads(
        (checkpoint_fallback.folder_of(folder) / checkpoint_fallback.PLACE).read_text(
            encoding="utf-8"
        )
    )
    assert about["folder"] == str(sample_twin.path), "kept, as long as the twin is there"
    away.rename(folder)
    persona.run(sample_twin, chosen, AtSteps(sample_twin, {}))
    said = capsys.readouterr().out
    went_on = int(said.split("Going on from the checkpoint at step ")[1].split(".")[0])
    assert went_on >= 8, "what was kept in the cache"
    records = map(json.loads, sample_twin.history("persona").read_text().splitlines())
    assert [r["done"] for r in records if "loss" in r] == list(range(1, 13))
    assert not checkpoint_fallback.folder_of(folder).exists()


def a_kept_checkpoint(twin, **about):
    """What lies in this machine's cache of a twin whose disk was full; `about` says where."""
    kept = checkpoint_fallback.folder_of(twin.checkpoints("persona"))
    kept.mkdir(parents=True)
    (kept / "adapter.bin").write_bytes(b"learnt")
    place = {**json.loads(checkpoint_fallback.place(twin.checkpoints("persona"))), **about}
    (kept / checkpoint_fallback.PLACE).write_text(json.dumps(place), encoding="utf-8")
    return kept


@pytest.fixture
def kept_twin(tmp_path, monkeypatch):
    monkeypatch.setenv("TWINLIB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("TWINLIB_TWINS", str(tmp_path / "twins"))
    return Twin.open("gone")


def test_what_was_kept_of_a_deleted_twin_is_deleted_by_the_next_command(kept_twin, capsys):
    kept = a_kept_checkpoint(kept_twin)
    Twin.open("other")
    assert main(["status", "--twin", "other"]) == 0 and kept.exists()
    shutil.rmtree(kept_twin.path)
    assert main(["status", "--twin", "other"]) == 0 and not kept.exists()


@pytest.mark.parametrize("aside", [False, True])
def test_what_was_kept_goes_with_a_twin_whose_folder_is_renamed(kept_twin, aside):
    write_atomic(kept_twin.file("train"), "rows")
    kept = a_kept_checkpoint(kept_twin)
    inputs = kept_twin.inputs(kept_twin.file("train"), kept_twin.file("val"))
    write_json(
        kept / checkpoint_fallback.RUN, {"asked": {}, "inputs": {**inputs, "base:tiny": "1"}}
    )
    if aside:
        kept = kept.rename(set_aside(kept))
    other = Twin.open("other")
    write_atomic(other.file("train"), "other rows")
    new = Twin(kept_twin.path.rename(kept_twin.path.with_name("gone-long-essays")))
    checkpoint_fallback.forget_deleted()
    there = checkpoint_fallback.folder_of(new.checkpoints("persona"))
    there = set_aside(there) if aside else there
    assert (there / "adapter.bin").read_bytes() == b"learnt" and not kept.exists()
    checkpoint_fallback.forget_deleted()
    assert there.exists()
    shutil.rmtree(new.path)
    checkpoint_fallback.forget_deleted()
    assert not there.exists()


def test_what_was_kept_of_a_twin_whose_disk_is_away_stays(kept_twin, tmp_path):
    twins, away = tmp_path / "twins", tmp_path / "away"
    kept = a_kept_checkpoint(kept_twin, device=-1)  # the disk that the folder is on only now
    twins.rename(away)
    checkpoint_fallback.forget_deleted()
    twins.mkdir()
    checkpoint_fallback.forget_deleted()
    assert kept.exists(), "an empty folder is what an unmounted disk leaves"
    Twin.open("other")
    checkpoint_fallback.forget_deleted()
    assert not kept.exists(), "the disk is there with another twin, and this one is not"


def test_a_twin_that_was_the_only_one_on_its_disk_is_deleted_all_the_same(kept_twin):
    kept = a_kept_checkpoint(kept_twin)
    shutil.rmtree(kept_twin.path)
    checkpoint_fallback.forget_deleted()
    assert not kept.exists()
