"""A twin's folder that was renamed, copied or imported under another name goes on working."""

import shutil
from pathlib import Path

import pytest

from twinlib import Twin, settings
from twinlib.command_line import main
from twinlib.files import write_json
from twinlib.gguf import checks
from twinlib.gguf import step as quantize
from twinlib.progress import Progress
from twinlib.talk import voices
from twinlib.twin import STEPS
from twinlib.ui import downloads, gguf_files, portable, writing_files, writing_form


def states(twin):
    return {step: twin.state(step).name for step in STEPS}


@pytest.mark.parametrize("way", [shutil.move, shutil.copytree])
def test_its_files_are_found_and_every_step_stays_as_done(old, tmp_path, way):
    before, kinds, names = states(old), list(old.ggufs()), {p.name for p in old.ggufs().values()}
    new = Twin(Path(way(old.path, tmp_path / "ning")))
    assert states(new) == {**before, "publish": "stale"}, "which names repositories after the twin"
    assert list(new.ggufs()) == kinds and {p.name for p in new.ggufs().values()} == names
    assert new.gguf("Q8_0").parent == new.path / "quantize" and new.gguf("Q8_0").exists()
    assert downloads.recommended(new).exists()
    assert voices.gguf_file(new).name in names
    assert not any(f.failed for f in gguf_files.measured_files(new, new.report("quantize")))
    assert main(["publish", "--twin", str(new.path)]) == 0
    assert states(new) == before
    uploads = [upload["file"] for upload in new.records("uploads")]
    assert names < set(uploads)
    card = (new.upload("ning-GGUF") / "README.md").read_text(encoding="utf-8")
    assert f"`{downloads.recommended(new).name}`" in card and "ollama create ning" in card
    first = new.file("modelfile").read_text(encoding="utf-8").split("\n")[0]
    assert first.removeprefix("FROM ./") in uploads


def test_files_made_again_carry_the_new_name_and_the_old_ones_go(old, tmp_path):
    old.gguf("Q4_K_M").rename(checks.failed_path(old.gguf("Q4_K_M")))
    new = Twin(old.path.rename(tmp_path / "ning"))
    failed, passed = (settings.make("quantize", types=kind) for kind in ("Q4_K_M", "Q8_0"))
    assert quantize.unfinished(failed, new) and not quantize.unfinished(passed, new)
    inputs = new.report("quantize").inputs
    made = [path.name for path in (new.path / "quantize").glob("*.gguf*")]
    write_json(new.file("made"), dict.fromkeys(made, inputs))  # as the step notes it
    new.new_gguf("Q8_0").write_bytes(b"new")
    assert new.gguf("Q8_0").name == "ning-Q8_0.gguf", "two names: the folder's own goes first"
    quantize.remove_old(new, ["Q8_0", "Q4_K_M"], inputs, Progress(None, "quantize"))
    assert [p.name for p in (new.path / "quantize").glob("*.gguf*")] == ["ning-Q8_0.gguf"]


@pytest.mark.parametrize("way", [shutil.move, shutil.copytree])
def test_uploaded_writing_is_read_from_where_it_lies_now(twin, tmp_path, way):
    writing_files.save(twin, "tea.md", b"# Tea\n\nTea should be hot.")
    source = str(twin.writing())
    twin.start("corpus", {"source": source})
    elsewhere = tmp_path / "writing"
    elsewhere.mkdir()
    assert twin.here(str(elsewhere)) == str(elsewhere), "a folder of that name outside a twin"
    new = Twin(Path(way(twin.path, tmp_path / "ning")))
    assert writing_form.form(new).settings.source == str(new.path / "writing")
    assert new.here(source) == str(new.path / "writing")


def test_under_another_name_an_imported_twin_has_its_files(old, tmp_path, monkeypatch):
    monkeypatch.setenv("TWINLIB_TWINS", str(tmp_path / "there"))
    before = states(old)
    path = portable.export(old, tmp_path, gguf=True, corpus=True, progress=lambda *_, **__: None)
    new = portable.restore(path, "me", lambda *_, **__: None)
    assert states(new) == {**before, "publish": "stale"} and list(new.ggufs()) == list(old.ggufs())
