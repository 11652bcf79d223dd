"""The house stands as designed: imports point down, steps never import each other, importing twinlib is cheap."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent / "twinlib"
JOURNEYS = ("corpus", "train", "gguf", "evaluate", "publish", "talk")
FLOORS = {"ui": 4, "__main__": 4, **dict.fromkeys(JOURNEYS, 3), "models": 2, "text": 1}
HEAVY = ("torch", "transformers", "ipywidgets", "matplotlib", "trl", "peft", "datasets", "sklearn", "scipy", "gguf",
         "xllamacpp", "nbclient", "huggingface_hub")
MODULES = sorted(PACKAGE.rglob("*.py"))


def floor(parts):
    return FLOORS.get(parts[0], 0) if parts else 0


def imported(path):
    """The twinlib modules that a file imports anywhere, as tuples of names below the package."""
    here = path.relative_to(PACKAGE).with_suffix("").parts
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.level:
            package = here[:len(here) - node.level]
            for name in node.names:
                yield (*package, *(node.module or "").split("."), name.name) if node.module else (*package, name.name)
        elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith("twinlib"):
            yield tuple(node.module.split(".")[1:])


@pytest.mark.parametrize("path", MODULES, ids=lambda p: p.relative_to(PACKAGE).as_posix())
def test_imports_point_down(path):
    here = path.relative_to(PACKAGE).with_suffix("").parts
    for target in imported(path):
        assert floor(target) <= floor(here), f"{here} imports {target}, which is on a higher floor"


@pytest.mark.parametrize("path", MODULES, ids=lambda p: p.relative_to(PACKAGE).as_posix())
def test_heavy_imports_stand_inside_functions(path):
    if path.is_relative_to(PACKAGE / "ui"):
        pytest.skip("the ui is where ipywidgets and matplotlib are at home")
    if path.name == "lora_kernel.py":
        pytest.skip("its functions are compiled, which takes functions of a module; it is imported inside functions")
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        names = [a.name for a in node.names] if isinstance(node, ast.Import) else []
        names += [node.module or ""] if isinstance(node, ast.ImportFrom) and not node.level else []
        assert not [n for n in names if n.split(".")[0] in HEAVY], f"{path.name} imports {names} at its top"


def test_importing_twinlib_is_cheap():
    code = ("import time; started = time.perf_counter(); import twinlib, twinlib.settings, sys; "
            "print(time.perf_counter() - started, *(m for m in ('torch', 'transformers', 'ipywidgets') if m in sys.modules))")
    fastest = min(float(subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
                        .stdout.split()[0]) for _ in range(3))
    heavy = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()[1:]
    assert not heavy
    assert fastest < 0.5


@pytest.mark.parametrize("path", MODULES, ids=lambda p: p.relative_to(PACKAGE).as_posix())
def test_no_file_is_longer_than_400_lines(path):
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 400


def test_a_version_is_written_once():
    """Pins stand in requirements.txt alone; pyproject.toml has ranges only."""
    pyproject = (PACKAGE.parent / "pyproject.toml").read_text(encoding="utf-8")
    dependencies = pyproject.split("dependencies = [")[1].split("[tool")[0]
    assert "==" not in dependencies.replace("platform_machine == 'x86_64'", "")
