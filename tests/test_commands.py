"""What sentences tell a reader to run, where it is read."""

import shutil
import subprocess
import sys

import pytest

from twinlib import __version__, command_line
from twinlib.command_line import main
from twinlib.i18n import both


@pytest.fixture
def started(monkeypatch, tmp_path):
    """twinlib is on the path and was started by its name."""
    (tmp_path / "twinlib").touch(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(sys, "argv", [str(tmp_path / "twinlib"), "status"])
    monkeypatch.delenv("TWINLIB_FOLLOWED", raising=False)


def test_in_a_terminal_a_sentence_names_the_command(started):
    missing = both("core.file_missing", path="a.jsonl", step="corpus")
    assert missing["en"] == "a.jsonl is not there: run twinlib corpus first."
    assert missing["zh"] == "找不到 a.jsonl：请先运行 twinlib corpus。"
    assert both("core.no_twin", path="x", name="x")["en"].endswith(
        "Make one: twinlib corpus --twin x --source FOLDER"
    )


def test_in_a_notebook_and_its_children_it_names_the_notebook(started, monkeypatch):
    monkeypatch.setenv("TWINLIB_FOLLOWED", "1")
    missing = both("core.file_missing", path="a.jsonl", step="quantize")
    assert missing["en"] == "a.jsonl is not there: run notebook 04 first."
    assert missing["zh"] == "找不到 a.jsonl：请先运行笔记本 04。"


def test_what_is_filled_in_is_not_taken_for_a_step(started):
    assert "[[corpus]].txt" in both("core.no_such_file", path="[[corpus]].txt")["en"]


@pytest.mark.parametrize(
    "command, says",
    [("talk", "the twin opened last"), ("tour", "demo"), ("import", "its name as exported")],
)
def test_the_help_of_a_command_says_which_twin_it_takes_unless_told(command, says, capsys):
    with pytest.raises(SystemExit):
        main([command, "--help"])
    help_text = " ".join(capsys.readouterr().out.split())
    of_twin = help_text.split("--twin TWIN ")[1].split(" --")[0]
    assert of_twin.endswith(f"left out, {says}")


def version(capsys):
    with pytest.raises(SystemExit) as ended:
        main(["--version"])
    assert ended.value.code == 0
    return capsys.readouterr().out.strip()


@pytest.mark.skipif(not shutil.which("git"), reason="needs git")
@pytest.mark.slow
def test_the_version_of_a_clone_names_its_commit(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(command_line, "__file__", str(tmp_path / "twinlib" / "command_line.py"))
    assert version(capsys) == __version__
    identity = ("-c", "user.name=Ning", "-c", "user.email=ning@example.org")
    for command in (["init", "-q"], [*identity, "commit", "-q", "--allow-empty", "-m", "First"]):
        subprocess.run(["git", "-C", str(tmp_path), *command], check=True)
    asked = ["git", "-C", str(tmp_path), "rev-parse", "HEAD"]
    commit = subprocess.run(asked, check=True, capture_output=True, text=True).stdout
    assert version(capsys) == f"{__version__}, commit {commit[:9]}"


def test_a_clone_without_git_has_its_version_alone(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(command_line, "__file__", str(tmp_path / "twinlib" / "command_line.py"))
    (tmp_path / ".git").mkdir()
    assert version(capsys) == __version__, "no repository of git's"
    monkeypatch.setenv("PATH", "")
    assert version(capsys) == __version__
