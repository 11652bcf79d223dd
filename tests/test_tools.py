"""Forking and set-up: badges follow the fork, a missing Python is named, Colab's list is parsed."""

import os
import shutil
import subprocess
import sys
import tomllib

import pytest
import yaml
from conftest import ROOT

sys.path.insert(0, str(ROOT / "tools"))
import colab_resolve


@pytest.fixture
def copy(tmp_path):
    for name in (
        "Makefile",
        "README.md",
        "README.zh-CN.md",
        "CITATION.cff",
        "mkdocs.yml",
        "pyproject.toml",
    ):
        shutil.copy(ROOT / name, tmp_path)
    for folder in ("notebooks", "tools", "docs", ".github"):
        shutil.copytree(ROOT / folder, tmp_path / folder)
    (tmp_path / "twinlib").mkdir()
    shutil.copy(ROOT / "twinlib" / "__init__.py", tmp_path / "twinlib")
    return tmp_path


@pytest.mark.slow
def test_every_badge_and_clone_line_follows_a_fork(copy):
    for slug in (
        "someone/their-fork",
        "else-where/again",
    ):  # twice: the second starts from the first
        subprocess.run(
            [sys.executable, "tools/repo.py", slug], cwd=copy, check=True, capture_output=True
        )
    texts = [
        path.read_text(encoding="utf-8")
        for path in [
            *copy.glob("*.md"),
            copy / "mkdocs.yml",
            copy / "pyproject.toml",
            copy / "CITATION.cff",
            copy / "docs" / "index.md",
            copy / "docs" / "compared.md",
            copy / ".github" / "ISSUE_TEMPLATE" / "config.yml",
            copy / "twinlib" / "__init__.py",
            *copy.glob("notebooks/e*/*.ipynb"),
            *copy.glob("notebooks/z*/*.ipynb"),
        ]
    ]
    assert not any(name in text for text in texts for name in ("another-me-ai", "their-fork"))
    assert all("else-where/again" in text for text in texts)
    assert "site_url: https://else-where.github.io/again/\n" in (copy / "mkdocs.yml").read_text()


@pytest.mark.slow
def test_a_slug_that_is_no_slug_changes_nothing(copy):
    result = subprocess.run(
        [sys.executable, "tools/repo.py", "nonsense"], cwd=copy, capture_output=True, text=True
    )
    assert result.returncode == 1 and "owner/name" in result.stderr
    assert (copy / "Makefile").read_text() == (ROOT / "Makefile").read_text()


@pytest.mark.slow
def test_a_missing_python_is_said_with_what_to_type(tmp_path):
    result = subprocess.run(
        ["sh", str(ROOT / "tools" / "setup.sh"), "python-that-is-not", str(tmp_path)],
        capture_output=True,
        text=True,
    )
    assert result.returncode == 1 and "make PYTHON=" in result.stderr


def test_colabs_list_is_read_without_local_parts_and_odd_lines():
    assert colab_resolve.versions(
        "torch==2.11.0+cu128\nen_core_web_sm==3.8.0/x\nPy_Thing==1.0\n# no==1\n"
    ) == {"torch": "2.11.0", "py-thing": "1.0"}
    present = colab_resolve.versions(colab_resolve.FREEZE.read_text())
    assert all(name in present for name in colab_resolve.UNTOUCHED)


@pytest.mark.slow
@pytest.mark.parametrize("fails", [False, True])
def test_what_is_optional_is_installed_beside_the_tested_versions_or_that_is_said(tmp_path, fails):
    """A pip that only writes down what it is asked for, on a machine with an NVIDIA GPU."""
    shutil.copy(ROOT / "requirements.txt", tmp_path)
    tools, log = tmp_path / "venv" / "bin", tmp_path / "asked"
    tools.mkdir(parents=True)
    stand_in = f'#!/bin/sh\n[ "$1" = -m ] || exit 0\necho "$*" >> {log}\n'
    stand_in += 'case "$*" in *"[gpu]"*|*"[problems]"*) exit 1;; esac\n' * fails
    for name, text in (("python", stand_in), ("uv", stand_in), ("nvidia-smi", "#!/bin/sh\n")):
        (tools / name).write_text(text)
        (tools / name).chmod(0o755)
    said = subprocess.run(
        ["sh", str(ROOT / "tools" / "setup.sh"), sys.executable, str(tmp_path / "venv")],
        cwd=tmp_path,
        env={**os.environ, "PATH": f"{tools}{os.pathsep}{os.environ['PATH']}"},
        capture_output=True,
        text=True,
    )
    assert said.returncode == 0, said.stderr
    pins = tmp_path / "venv" / "pins.txt"
    asked = log.read_text()
    for extra in ("gpu", "problems"):
        assert f"install -q -c {pins} --editable .[{extra}]\n" in asked
    assert "\nreasoning-gym==" in pins.read_text() and "extra" not in pins.read_text()
    assert ("Unsloth could not be installed beside" in said.stdout) == fails
    assert ("step 03 has others" in said.stdout) == fails


def test_the_tests_run_on_every_push_and_pull_request_with_the_oldest_python():
    workflow = yaml.safe_load((ROOT / ".github/workflows/tests.yml").read_text(encoding="utf-8"))
    assert set(workflow[True]) == {"push", "pull_request"}, "YAML 1.1 reads `on` as true"
    [job] = workflow["jobs"].values()
    assert "make test" in [step.get("run") for step in job["steps"]]
    used = {
        step["uses"].split("@")[0]: step.get("with", {}) for step in job["steps"] if "uses" in step
    }
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert project["requires-python"] == f">={used['actions/setup-python']['python-version']}"
    named = used["actions/setup-python"]["cache-dependency-path"].split()
    assert all((ROOT / name).exists() for name in named)
