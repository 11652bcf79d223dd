"""The container's recipe: what goes in, and what must not."""

import fnmatch
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
RECIPE = (ROOT / "Dockerfile").read_text(encoding="utf-8")
IGNORED = [
    line
    for line in (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    if line and not line.startswith("#")
]


def is_ignored(path):
    """Whether Docker leaves a path or a folder above it out."""
    parts = path.split("/")
    parents = ["/".join(parts[:n]) for n in range(1, len(parts) + 1)]
    return any(
        fnmatch.fnmatch(each, pattern) or fnmatch.fnmatch(each, pattern.removeprefix("**/"))
        for each in parents
        for pattern in IGNORED
    )


@pytest.mark.parametrize(
    "path", ["twins/me/corpus/train.jsonl", "my_notebooks/zh/01.ipynb", ".git/config", ".venv/x"]
)
def test_nobodys_texts_and_no_history_get_into_the_image(path):
    assert is_ignored(path)


def test_what_make_twin_reads_gets_into_the_image():
    tracked = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, encoding="utf-8"
    ).stdout.split("\0")
    needed = ("twinlib/", "notebooks/", "data_samples/", "tools/")
    wanted = [path for path in tracked if path.startswith(needed)]
    wanted += ["Makefile", "pyproject.toml", "setup.py", "requirements.txt", "README.md"]
    assert [path for path in wanted if is_ignored(path)] == []


def test_the_recipe_names_targets_and_variables_that_exist():
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for target in re.findall(r'make (\w+)$|"make", "(\w+)"', RECIPE, re.MULTILINE):
        assert re.search(rf"^{''.join(target)}:", makefile, re.MULTILINE)
    code = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "twinlib").rglob("*.py"))
    for variable in re.findall(r"TWINLIB_\w+", RECIPE):
        assert f'"{variable}"' in code
    requires = re.search(r'requires-python = ">=3\.(\d+)"', (ROOT / "pyproject.toml").read_text())
    assert int(re.search(r"FROM python:3\.(\d+)", RECIPE)[1]) >= int(requires[1])
