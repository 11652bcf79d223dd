"""Every cell of the notebooks that looks at a step's result, where there is no result."""

import json
from pathlib import Path

import pytest

from twinlib import Twin
from twinlib.ui import run, tables

ROOT = Path(__file__).parent.parent
RUN = 'run.step(twin, "'


def looks() -> list:
    """(notebook, id of the cell, its code) of each code cell below a notebook's run cell."""
    found = []
    for path in sorted((ROOT / "notebooks").rglob("*.ipynb")):
        cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
        code = [(c["id"], "".join(c["source"])) for c in cells if c["cell_type"] == "code"]
        runs = [at for at, (_, source) in enumerate(code) if RUN in source]
        for name, source in code[runs[0] + 1 :] if len(runs) == 1 else []:
            found.append(pytest.param(source, id=f"{path.parent.name}-{path.stem}-{name}"))
    return found


def look_at(source, twin):
    """Run a cell as a notebook does whose run cell was stopped: `report` is not defined."""
    from IPython.display import display

    from twinlib.ui import blind_test_form, blind_test_results, plots, review

    names = {module.__name__.rpartition(".")[2]: module for module in (plots, tables, run, review)}
    names |= {"blind_test_form": blind_test_form, "blind_test_results": blind_test_results}
    exec(source, {"twin": twin, "display": display, "QUESTION": "Who are you?", **names})


@pytest.mark.slow
@pytest.mark.parametrize("source", looks())
def test_a_look_without_a_report_raises_nothing(source, twin):
    look_at(source, twin)


@pytest.mark.slow
@pytest.mark.parametrize("source", looks())
def test_a_look_at_a_damaged_report_raises_nothing(source, twin):
    for step in ("corpus", "persona", "reasoning", "quantize", "evaluate", "publish"):
        twin.folder(step)
        twin.report_path(step).write_text("{", encoding="utf-8")
    look_at(source, twin)


def test_all_notebooks_of_steps_have_looks():
    assert len(looks()) >= 6 * 2


@pytest.mark.parametrize(
    "language, said",
    [
        ("en", "· Nothing to look at yet: notebook 02 has not run to its end."),
        ("zh", "· 还没有可看的：笔记本 02 还没有跑完"),
    ],
)
def test_a_look_without_a_report_names_the_notebook(twin, language, said, monkeypatch):
    monkeypatch.setenv("TWINLIB_LANG", language)
    for shown in (tables.figures(twin, "persona"), tables.learnt(twin), tables.before_after(twin)):
        assert shown.text.startswith(said)


def test_figures_of_a_twin_are_those_of_its_report(sample_twin):
    of_twin = tables.figures(sample_twin, "corpus")
    assert of_twin.text.endswith(tables.figures(sample_twin.report("corpus")).text)
    assert "Passages" in of_twin.text or "passages" in of_twin.text


def test_a_damaged_file_is_named_and_no_exception(sample_twin):
    sample_twin.file("train").write_text("no record\n", encoding="utf-8")
    shown = tables.rows(Twin(sample_twin.path))
    assert shown.text.startswith("✗ ") and "train.jsonl, line 1, is not a record" in shown.text
