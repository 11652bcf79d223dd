"""Running a notebook puts nothing of a person's texts into git: copies are run, and a filter strips
what someone runs in the clone itself."""

import json
import os
import shutil
import subprocess
import sys
import time
import urllib.request

import nbformat
import pytest
from conftest import ROOT
from nbclient import NotebookClient

sys.path.insert(0, str(ROOT / "tools"))
import lab

from twinlib.ui import runtime

NAME = "notebooks/zh/00_start_here.ipynb"


def git(folder, *words):
    who = ["-c", "user.name=t", "-c", "user.email=t@example.org"]
    said = subprocess.run(["git", *who, *words], cwd=folder, capture_output=True, text=True)
    assert said.returncode == 0, said.stderr
    return said.stdout


@pytest.fixture
def clone(tmp_path):
    """A clone as someone has it who just fetched the project."""
    origin, clone = tmp_path / "origin", tmp_path / "clone"
    for folder in ("notebooks", "tools", "twinlib"):
        shutil.copytree(
            ROOT / folder, origin / folder, ignore=shutil.ignore_patterns("__pycache__")
        )
    for name in (".gitattributes", ".gitignore", "pyproject.toml"):
        shutil.copy(ROOT / name, origin)
    git(tmp_path, "init", "-q", origin)
    git(origin, "add", ".")
    git(origin, "commit", "-qm", "all")
    git(tmp_path, "clone", "-q", origin, clone)
    return clone


def test_make_lab_runs_copies_and_the_clone_stays_as_it_was(clone):
    lab.copy_notebooks(clone)
    save_with(clone / "my_notebooks", "我写的一句话", NAME.removeprefix("notebooks/"))
    assert git(clone, "status", "--porcelain", "--untracked-files=all") == ""
    lab.copy_notebooks(clone)
    kept = clone / "my_notebooks" / "zh" / "00_start_here.ipynb"
    assert json.dumps("我写的一句话") in kept.read_text(encoding="utf-8"), (
        "what a run showed stays in the copy"
    )


def test_a_copy_follows_the_project_and_the_owners_changes_are_kept_beside_it(clone):
    lab.copy_notebooks(clone)
    mine = clone / "my_notebooks" / "zh"
    save_with(mine, "seen", "01_prepare_corpus.ipynb")
    changed = mine / "02_sft_persona.ipynb"
    changed.write_text(
        changed.read_text(encoding="utf-8").replace('TWIN = \\"\\"', "TWIN = 1"), encoding="utf-8"
    )
    for name in ("01_prepare_corpus", "02_sft_persona"):
        new = clone / "notebooks" / "zh" / f"{name}.ipynb"
        new.write_text(
            new.read_text(encoding="utf-8").replace("USE_DRIVE", "DRIVE"), encoding="utf-8"
        )
    lab.copy_notebooks(clone)
    assert "DRIVE" in changed.read_text(encoding="utf-8") and "USE_DRIVE" not in changed.read_text(
        encoding="utf-8"
    )
    assert "seen" not in (mine / "01_prepare_corpus.ipynb").read_text(encoding="utf-8")
    [kept] = mine.glob("02_sft_persona *.ipynb")
    assert "TWIN = 1" in kept.read_text(encoding="utf-8") and not list(
        mine.glob("01_prepare_corpus *")
    )


def test_make_lab_shows_no_box_about_news_and_fetches_none(monkeypatch, tmp_path):
    started = []
    monkeypatch.setattr(lab.os, "execv", lambda program, words: started.extend(words))
    monkeypatch.setattr(lab, "copy_notebooks", lambda root: None)
    monkeypatch.setenv("TWINLIB_UPLOAD_MB", "1")
    monkeypatch.chdir(tmp_path)
    lab.main()
    assert "jupyterlab" in started and "--LabApp.news_url=None" in started


@pytest.mark.slow
def test_jupyterlab_started_by_make_lab_does_not_ask_about_news(monkeypatch, tmp_path):
    settings_utils = pytest.importorskip("jupyterlab_server.settings_utils")
    monkeypatch.setattr(lab.os, "execv", lambda *_: None)
    monkeypatch.setattr(lab, "copy_notebooks", lambda root: None)
    for name in ("TWINLIB_UPLOAD_MB", "JUPYTER_CONFIG_PATH"):
        monkeypatch.setenv(name, str(tmp_path))
    monkeypatch.chdir(tmp_path)
    lab.main()
    assert str(tmp_path) in os.environ["JUPYTER_CONFIG_PATH"], "what its owner set is still read"
    changed, problem = settings_utils._get_overrides(str(tmp_path))
    assert not problem
    assert changed["@jupyterlab/apputils-extension:notification"]["fetchNews"] == "false"


@pytest.mark.slow
def test_on_a_phone_make_lab_shows_the_notebook_and_not_a_list_of_files(clone, tmp_path, chromium):
    pytest.importorskip("jupyterlab", reason="needs JupyterLab")
    flags = ["--no-browser", "--allow-root", "--IdentityProvider.token=", "--port=0"]
    fresh = {"JUPYTER_RUNTIME_DIR": tmp_path / "run", "JUPYTERLAB_WORKSPACES_DIR": tmp_path / "ws"}
    with open(tmp_path / "log", "w") as log:
        server = subprocess.Popen(
            [sys.executable, "tools/lab.py", *flags],
            cwd=clone,
            env=os.environ | {name: str(path) for name, path in fresh.items()},
            stdout=log,
            stderr=log,
        )
    try:
        address = wait_for_address(tmp_path / "run")
        page = chromium.new_page(viewport={"width": 390, "height": 844})
        page.goto(address)  # leads to the notebook
        page.wait_for_selector(".jp-Notebook h1")
        page.wait_for_timeout(3000)  # what a list of files would take
        box = page.locator(".jp-Notebook").bounding_box()
        assert page.url.endswith("/00_start_here.ipynb") and box["width"] > 390 * 0.75, box
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
        page.close()
    finally:
        server.terminate()
        server.wait(30)


def wait_for_address(folder):
    """The address of the Jupyter server that keeps its files in `folder`, when it answers."""
    end = time.monotonic() + 60
    while time.monotonic() < end:
        for path in folder.glob("jpserver-*.json"):
            try:
                address = json.loads(path.read_text(encoding="utf-8"))["url"]
                urllib.request.urlopen(f"{address}api/status", timeout=2)
                return address
            except (OSError, ValueError):
                pass
        time.sleep(0.2)
    raise AssertionError("JupyterLab did not start")


def run_setup(clone):
    """Run the first cell of a notebook, as everyone does."""
    cells = json.loads((clone / NAME).read_text(encoding="utf-8"))["cells"]
    setup = next("".join(cell["source"]) for cell in cells if cell["id"] == "setup")
    said = subprocess.run(
        [sys.executable, "-c", setup], cwd=(clone / NAME).parent, capture_output=True, text=True
    )
    assert said.returncode == 0, said.stderr


def save_with(clone, text, name=NAME):
    """Save the notebook as JupyterLab does after a run whose cells showed `text`."""
    path = clone / name
    notebook = json.loads(path.read_text(encoding="utf-8"))
    notebook["metadata"]["language_info"] = {"name": "python", "version": "3.12.1"}
    notebook["metadata"]["widgets"] = {"state": {"a": text}}
    for cell in notebook["cells"]:
        cell["metadata"] = {"trusted": True, "execution": {"shell.execute_reply": text}}
        if cell["cell_type"] == "code":
            cell["execution_count"] = 3
            cell["outputs"] = [{"output_type": "stream", "name": "stdout", "text": [text]}]
    path.write_text(json.dumps(notebook, indent=1) + "\n", encoding="utf-8")


@pytest.mark.slow
def test_after_a_run_in_the_clone_there_is_nothing_to_commit(clone):
    run_setup(clone)
    save_with(clone, "我写的一句话")
    assert git(clone, "diff") == ""
    git(clone, "add", "-A")
    assert git(clone, "status", "--porcelain") == ""
    (clone / "notebooks" / "en" / "00_start_here.ipynb").unlink()
    git(clone, "checkout", "-q", "HEAD", "--", "notebooks/en")  # the filter's way back
    assert json.dumps("我写的一句话") in (clone / NAME).read_text(encoding="utf-8"), (
        "the file on disk keeps it"
    )


@pytest.mark.slow
@pytest.mark.parametrize("folder", [lab.COPIES, "notebooks"])
def test_a_notebook_that_really_ran_leaves_the_clone_as_it_was(
    clone, tmp_path, monkeypatch, folder
):
    monkeypatch.setenv("TWINLIB_TWINS", str(tmp_path / "阿宁的分身"))
    lab.copy_notebooks(clone)
    path = clone / folder / "zh" / "00_start_here.ipynb"
    notebook = nbformat.read(path, as_version=4)
    resources = {"metadata": {"path": str(path.parent)}}
    NotebookClient(notebook, kernel_name="python3", resources=resources).execute()
    nbformat.write(notebook, path)
    assert "阿宁的分身" in path.read_text(encoding="utf-8"), "it is saved with what it showed"
    git(clone, "add", "-A")
    assert git(clone, "status", "--porcelain") == ""


@pytest.mark.slow
def test_a_cell_that_its_owner_changed_is_a_change(clone):
    run_setup(clone)
    save_with(clone, "seen")
    path = clone / NAME
    notebook = json.loads(path.read_text(encoding="utf-8"))
    notebook["cells"][-1]["source"] = ["my own words"]
    path.write_text(json.dumps(notebook), encoding="utf-8")
    assert git(clone, "status", "--porcelain") == f" M {NAME}\n"
    shown = git(clone, "diff")
    assert "my own words" in shown and "seen" not in shown


@pytest.mark.slow
def test_without_python_git_refuses_the_notebook_rather_than_take_its_outputs(clone):
    run_setup(clone)
    (clone / "tools" / "strip_outputs.py").unlink()
    save_with(clone, "seen")
    said = subprocess.run(["git", "add", NAME], cwd=clone, capture_output=True, text=True)
    assert said.returncode != 0 and "clean filter 'twinlib' failed" in said.stderr


def test_a_folder_that_is_no_clone_is_left_alone(tmp_path, monkeypatch):
    monkeypatch.setattr(runtime, "ROOT", tmp_path)
    monkeypatch.setattr(runtime, "wanted", lambda extra=None: [])
    runtime.install()
    assert list(tmp_path.iterdir()) == []
