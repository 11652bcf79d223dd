"""The tour: every notebook, one after the other, each in a kernel of its own."""

import os
import signal
import subprocess
import sys
import time

import nbformat
import psutil
import pytest

from twinlib import Twin, TwinError, command_line, running
from twinlib.command_line import main
from twinlib.files import now
from twinlib.progress import width
from twinlib.twin import STEPS, Report, figure
from twinlib.ui import notebook_client, tour

REMEMBERED = """
from twinlib import Twin, settings
corpus, persona = (settings.remembered(step, Twin.open(TWIN)) for step in ("corpus", "persona"))
print(corpus["source"], corpus["author"], persona["effort"])
"""


def notebook(folder, name, *sources):
    """A notebook of code cells in `folder`; the first is tagged 'parameters'."""
    made = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source) for source in sources])
    made.cells[0].metadata["tags"] = ["parameters"]
    (folder / "en").mkdir(exist_ok=True)
    nbformat.write(made, folder / "en" / f"{name}.ipynb")
    return made


def outputs(copy):
    return [output for cell in copy.cells for output in cell.get("outputs", [])]


@pytest.mark.slow(seconds=150)
def test_all_notebooks_run_one_after_the_other_from_what_the_earlier_ones_left(
    tmp_path, posts, tiny_base, capfd, monkeypatch
):
    monkeypatch.setenv(
        "OMP_NUM_THREADS", "1"
    )  # so small a model loses more by sharing than it gains
    name = str(tmp_path / "twins" / "demo")
    for post in sorted(posts.iterdir())[1::2]:
        post.unlink()
    tour.tour(name, source=str(posts), base=str(tiny_base), effort="smoke", author="Ning")
    twin, said = Twin.open(name, create=False), capfd.readouterr().out
    assert {step: twin.state(step).name for step in STEPS} == dict.fromkeys(STEPS, "done")
    assert twin.facts["author"] == "Ning" and twin.report("persona").settings["effort"] == "smoke"
    for part in (
        "== 6/7 06_publish",
        "persona: done in ",
        "Sounds like the author",
        f"python -m twinlib talk --twin {name}",
    ):
        assert part in said
    for stem in tour.NAMES:
        copy = nbformat.read(twin.tour() / f"{stem}.ipynb", as_version=4)
        nbformat.validate(copy)
        assert "widgets" not in copy.metadata
        assert "error" not in [output.output_type for output in outputs(copy)]


def test_overrides_stand_behind_the_parameters_and_set_only_what_is_named_there(tmp_path):
    made = notebook(tmp_path, "one", 'TWIN = "demo"\nEFFORT = None', "print(TWIN)")
    changed = notebook_client.with_parameters(
        made, {"TWIN": "other 'quoted'", "EFFORT": "smoke", "SOURCE": "x"}
    )
    assert changed.cells[1].source == "TWIN = \"other 'quoted'\"\nEFFORT = 'smoke'"
    assert [cell.source for cell in changed.cells][::2] == [
        'TWIN = "demo"\nEFFORT = None',
        "print(TWIN)",
    ]


def test_the_twin_demo_starts_in_minutes_and_an_old_one_goes_on_as_it_was(twin):
    assert tour.source_to_read(twin, None, None) is None, "notebook 01 knows the sample blog"
    assert [
        twin.facts["settings"][step]["effort"] for step in ("persona", "reasoning", "evaluate")
    ] == ["smoke"] * 3
    assert twin.facts["settings"]["quantize"] == {"types": "Q8_0"}, "one file, in minutes"
    twin.start("corpus", {"source": "my_posts"})
    twin.start("persona", {"effort": "standard", "base": "qwen3-4b"})
    assert tour.source_to_read(twin, None, None) is None and tour.source_to_read(
        twin, "other", None
    ) == os.path.abspath("other")
    assert twin.facts["settings"]["persona"] == {"effort": "standard", "base": "qwen3-4b"}


def flags(*words):
    """What the tour is called with when these words are typed."""
    options = command_line._parser().parse_args(["tour", *words])
    return {name: getattr(options, name) for name in command_line.TOUR}


def test_the_flags_of_a_tour_are_read_like_those_of_a_step(twin, tmp_path, monkeypatch, capsys):
    blog = tmp_path / "my blog"
    blog.mkdir()
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    for typed in (blog.as_uri(), f"'{blog}'", f'"{blog}"', '"~/my blog"', "~/my blog"):
        source = flags("--source", typed)["source"]
        assert tour.source_to_read(twin, source, None) == str(blog.resolve()), typed
    address = "https://example.org/blog"
    assert tour.source_to_read(twin, flags("--source", address)["source"], None) == address
    with pytest.raises(SystemExit):
        flags("--effort", "Smoke")
    assert "Smoke" in capsys.readouterr().err
    assert flags("--effort", "quick")["effort"] == "quick"
    assert flags() == dict.fromkeys(command_line.TOUR), "nothing typed changes nothing"


def test_files_of_export_and_import_may_be_pasted(tmp_path, capsys):
    parse = command_line._parser().parse_args
    assert parse(["import", f'"{tmp_path}/a b.zip"']).file == f"{tmp_path}/a b.zip"
    assert parse(["export", "--to", f"file://{tmp_path}/a%20b.zip"]).to == f"{tmp_path}/a b.zip"


def test_a_tour_of_another_twin_needs_writing_or_an_interview(tmp_path):
    twin = Twin.open(tmp_path / "me")
    with pytest.raises(TwinError, match="No writing chosen yet"):
        tour.source_to_read(twin, None, None)
    twin.draft("corpus", source="my_posts")
    assert tour.source_to_read(twin, None, None) is None, "chosen in the form"


def test_with_more_effort_a_new_twin_gets_all_files(twin):
    tour.source_to_read(twin, None, "quick")
    assert "quantize" not in twin.facts["settings"]


@pytest.mark.slow
def test_the_forms_of_a_tour_start_with_what_was_remembered_and_with_the_flags(
    tmp_path, twin, monkeypatch
):
    monkeypatch.setattr(tour, "NOTEBOOKS", tmp_path)
    monkeypatch.setattr(tour.tour, "__defaults__", (*tour.tour.__defaults__[:-1], ("one",)))
    notebook(tmp_path, "one", 'TWIN = ""', REMEMBERED)
    base = str(stand_in_base(tmp_path))
    twin.start("corpus", {"source": "my_posts", "author": "Wei"})
    twin.start("persona", {"effort": "standard", "base": base})
    prepared = []
    monkeypatch.setattr(tour, "prepare", lambda name: prepared.append(name) or 0.0)
    assert main(["tour", "--twin", str(twin.path)]) == 0
    copy = nbformat.read(twin.tour() / "one.ipynb", as_version=4)
    assert copy.cells[2].outputs[0].text == "my_posts Wei standard\n" and prepared == [base]
    assert main(["tour", "--twin", str(twin.path), "--author", "Ning", "--effort", "quick"]) == 0
    copy = nbformat.read(twin.tour() / "one.ipynb", as_version=4)
    assert copy.cells[2].outputs[0].text == "my_posts Ning quick\n"


@pytest.mark.slow
def test_a_failing_cell_ends_the_tour_with_its_sentence_and_keeps_the_copy(
    tmp_path, twin, monkeypatch
):
    monkeypatch.setattr(tour, "NOTEBOOKS", tmp_path)
    failing = "from twinlib.ui import run\nraise run.StepFailed('Not started: no rows.')"
    notebook(tmp_path, "one", 'TWIN = "demo"', failing, "print('never')")
    with pytest.raises(TwinError, match="^Not started: no rows.$"):
        tour.tour(twin.path, notebooks=("one",), base=str(stand_in_base(tmp_path)))
    copy = nbformat.read(twin.tour() / "one.ipynb", as_version=4)
    assert (
        copy.cells[2].outputs[0].traceback == ["Not started: no rows."]
        and not copy.cells[3].outputs
    )


@pytest.mark.slow
def test_the_steps_of_a_tour_say_that_it_goes_on_after_them(tmp_path, twin, monkeypatch):
    monkeypatch.setattr(tour, "NOTEBOOKS", tmp_path)
    claims = "from twinlib import Twin, running\nwith running.claim(Twin.open(TWIN), 'corpus', {}):"
    notebook(tmp_path, "one", 'TWIN = "demo"', f"{claims}\n    pass")
    tour.tour(twin.path, notebooks=("one",), base=str(stand_in_base(tmp_path)))
    assert running.last(twin).series == os.getpid() and running.goes_on_by_itself(twin)
    assert running.SERIES not in os.environ


@pytest.mark.slow
def test_a_mistake_of_ours_says_where_to_look(tmp_path, twin, monkeypatch):
    monkeypatch.setattr(tour, "NOTEBOOKS", tmp_path)
    notebook(tmp_path, "one", "1 / 0")
    with pytest.raises(
        TwinError, match=r"one failed \(ZeroDivisionError: division by zero\). Open .*one.ipynb"
    ):
        tour.tour(twin.path, notebooks=("one",), base=str(stand_in_base(tmp_path)))
    assert not [
        child for child in psutil.Process().children() if "ipykernel" in " ".join(child.cmdline())
    ]


@pytest.mark.slow
def test_the_first_notebook_runs_and_starts_nothing_by_itself(tmp_path, twin):
    twin.start("corpus", {"author": "Ning", "source": "my_posts"})
    tour.tour(twin.path, notebooks=("00_start_here",), base=str(stand_in_base(tmp_path)))
    copy = nbformat.read(twin.tour() / "00_start_here.ipynb", as_version=4)
    shown = "".join(output.data["text/plain"] for output in outputs(copy) if "data" in output)
    assert "Page(" in shown
    assert twin.report("corpus") is None


def stand_in_base(tmp_path):
    """A folder that passes for a base model where none is loaded."""
    folder = tmp_path / "base"
    folder.mkdir()
    (folder / "config.json").write_text("{}")
    (folder / "model.safetensors").write_bytes(b"")
    return folder


CHILD = """
import time
from pathlib import Path
from twinlib.progress import Progress
from twinlib.twin import Stopped
progress = Progress(Path({history!r}), "count")
try:
    for done in range(1, 400):
        progress(done, 400)
        time.sleep(0.05)
except Stopped as stopped:
    Path({history!r} + ".saved").write_text(str(done))
    raise SystemExit(130)
"""


@pytest.mark.slow
def test_ctrl_c_stops_the_running_step_after_it_saved_and_ends_politely(tmp_path, twin):
    history, base = str(tmp_path / "history.jsonl"), stand_in_base(tmp_path)
    child = CHILD.format(history=history)
    notebook(
        tmp_path, "one", f"from twinlib.ui import run\nrun.follow(['python', '-c', {child!r}])"
    )
    script = (
        "from pathlib import Path\nfrom twinlib.ui import tour\n"
        f"if __name__ == '__main__':\n    tour.NOTEBOOKS = Path({str(tmp_path)!r})\n"
        f"    try:\n        tour.tour({str(twin.path)!r}, notebooks=('one',), base={str(base)!r})\n"
        "    except tour.Stopped as stopped:\n        print(stopped)\n"
    )
    (tmp_path / "script.py").write_text(script)
    child = subprocess.Popen(
        [sys.executable, tmp_path / "script.py"],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(tour.ROOT)},
    )
    while not os.path.exists(history):
        assert child.poll() is None
        time.sleep(0.05)
    child.send_signal(signal.SIGINT)
    said, _ = child.communicate(timeout=60)
    assert int((tmp_path / "history.jsonl.saved").read_text()) < 399
    assert "Stopping: the step saves first." in said
    assert said.endswith("Stopped. What was done is saved; the same command goes on from here.\n")


def test_the_budget_adds_up_and_shows_what_was_used(twin, monkeypatch):
    assert sum(tour.BUDGETS.values()) <= 900, "15 minutes"
    monkeypatch.setenv("TWINLIB_SETUP_SECONDS", "100")
    began = now()
    twin.folder("corpus")
    twin.finish(Report("corpus", {}, began, began + 8, {}, {}, {}, {}, []))
    lines = tour.budget(twin, began, began + 20, prepared=2.0).splitlines()
    assert lines[1].split() == ["setup", "150", "s", "100", "s"]
    assert lines[3].split() == ["corpus", "80", "s", "8", "s"]
    assert lines[-2].split() == ["notebooks", "40", "s", "10", "s"]
    assert lines[-1].split() == ["together", "900", "s", "120", "s"]


def test_the_score_card_is_an_aligned_table(twin, monkeypatch):
    monkeypatch.setenv("TWINLIB_LANG", "zh")
    twin.folder("evaluate")
    twin.finish(
        Report(
            "evaluate",
            {},
            now(),
            now(),
            {},
            {},
            {},
            {"sounds_like_me": figure(0.712, 0.6, 0.82, note="还行"), "copied": figure(0.0)},
            [],
        )
    )
    lines = tour.scores(twin).splitlines()[-3:]
    assert lines[1] == "像不像作者    0.712  0.6 … 0.82    还行"
    assert width(lines[0].split("数值")[0].split("值")[0]) == width(lines[1].split("0.712")[0])
