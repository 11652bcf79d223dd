"""Every benchmark can be started, and calls the library as it is now."""

import ast
import contextlib
import importlib
import inspect
import io
import runpy
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
BENCHMARKS = sorted((ROOT / "benchmarks").glob("*.py"))
SCRIPTS = [path for path in BENCHMARKS if path.stem != "random_models"]  # which others import


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.stem)
def test_a_benchmark_imports_and_parses_its_arguments(path, monkeypatch):
    monkeypatch.setattr(sys, "argv", [str(path), "--help"])
    monkeypatch.setattr(sys, "path", [str(path.parent), *sys.path])
    said = io.StringIO()
    with contextlib.redirect_stdout(said), pytest.raises(SystemExit) as ended:
        runpy.run_path(str(path), run_name="__main__")
    assert not ended.value.code and f"usage: {path.name}" in said.getvalue()


def _imported(tree):
    """{name in the file: what it is in the library}; a name that is gone raises.

    Without names that stand for something else as well, such as a parameter of a function.
    """
    found = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("twinlib"):
            module = importlib.import_module(node.module)
            for alias in node.names:
                if not hasattr(module, alias.name):
                    importlib.import_module(f"{node.module}.{alias.name}")
                found[alias.asname or alias.name] = getattr(module, alias.name)
    names = [node for node in ast.walk(tree) if isinstance(node, (ast.Name, ast.arg))]
    bound = {node.arg for node in names if isinstance(node, ast.arg)}
    bound |= {n.id for n in names if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}
    return {name: found[name] for name in found.keys() - bound}


def _called(node, imported):
    """What of the library a call calls: `name(…)` or `module.name(…)`; None for others."""
    if isinstance(node.func, ast.Name):
        return imported.get(node.func.id)
    if isinstance(node.func, ast.Attribute) and isinstance(node.func.value, ast.Name):
        of = imported.get(node.func.value.id)
        if inspect.ismodule(of) or inspect.isclass(of):
            return getattr(of, node.func.attr)  # raises where it is gone
    return None


@pytest.mark.parametrize("path", BENCHMARKS, ids=lambda path: path.stem)
def test_a_benchmark_calls_the_library_with_the_arguments_that_it_takes(path):
    tree = ast.parse(path.read_text(encoding="utf-8"))
    imported = _imported(tree)
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        called = _called(node, imported)
        spread = any(isinstance(each, ast.Starred) for each in node.args)
        if not callable(called) or spread or any(each.arg is None for each in node.keywords):
            continue
        try:
            signature = inspect.signature(called)
        except ValueError:  # of a built-in class
            continue
        given = {each.arg: None for each in node.keywords}
        try:
            signature.bind(*node.args, **given)
        except TypeError as error:
            pytest.fail(f"{path.name}:{node.lineno}: {ast.unparse(node.func)}: {error}")
