"""The grammar of the notebooks, which twin they open, and the README's table of cards."""

import ast
import importlib
import io
import json
import os
import re
import shutil
import subprocess
import sys
import tokenize
from importlib.metadata import version
from pathlib import Path
from statistics import median

import pytest
from conftest import ROOT

from twinlib.i18n import LANGUAGES

sys.path.insert(0, str(ROOT / "tools"))
import notebooks as made

NOTEBOOKS = sorted(path for code in LANGUAGES for path in (ROOT / "notebooks" / code).iterdir())
NAMES = sorted(path.name for path in (ROOT / "notebooks" / "en").iterdir())
STEPS = {
    "01": "corpus",
    "02": "persona",
    "03": "reasoning",
    "04": "quantize",
    "05": "evaluate",
    "06": "publish",
    "07": "memory",
}
COLAB = (
    "[![Open In Colab](https://colab.research.google.com/assets/colab-badge.svg)]"
    "(https://colab.research.google.com/github/{slug}/blob/main/notebooks/{language}/{file})"
)
KAGGLE = (
    "[![Open in Kaggle](https://kaggle.com/static/images/open-in-kaggle.svg)]"
    "(https://www.kaggle.com/notebooks/welcome?src=https://github.com/{slug}/blob/main/notebooks/{language}/{file}"
    "&accelerator=nvidiaTeslaT4)"
)

each_notebook = pytest.mark.parametrize(
    "path", NOTEBOOKS, ids=lambda path: f"{path.parent.name}-{path.stem}"
)

each_step = pytest.mark.parametrize(
    "path",
    [path for path in NOTEBOOKS if path.stem[:2] in STEPS],
    ids=lambda path: f"{path.parent.name}-{path.stem}",
)


def read(path):
    return json.loads(path.read_text(encoding="utf-8"))


def cells(path, kind):
    return ["".join(cell["source"]) for cell in read(path)["cells"] if cell["cell_type"] == kind]


def tagged(path, tag):
    return [
        "".join(cell["source"])
        for cell in read(path)["cells"]
        if tag in cell["metadata"].get("tags", [])
    ]


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_notebooks_are_there_in_order(language):
    assert [path.stem for path in NOTEBOOKS if path.parent.name == language][:8] == [
        "00_start_here",
        "01_prepare_corpus",
        "02_sft_persona",
        "03_grpo_reasoning",
        "04_quantize",
        "05_evaluate",
        "06_publish",
        "07_talk",
    ]


@each_notebook
def test_a_notebook_is_what_its_source_makes(path):
    source = ROOT / "notebooks" / "source" / f"{path.stem}.py"
    assert path.read_text(encoding="utf-8") == made.notebook(source, path.parent.name), (
        "edit notebooks/source, then run: make notebooks"
    )


def test_every_source_has_its_notebook_in_every_language():
    there = [f"{path.parent.name}/{path.stem}" for path in NOTEBOOKS]
    wanted = [f"{code}/{path.stem}" for code in LANGUAGES for path in made.sources()]
    assert there == wanted and list(LANGUAGES) == list(made.LANGUAGES)


@each_notebook
def test_a_notebook_speaks_one_language(path):
    text = "\n".join(cells(path, "markdown") + comments(path))
    text = re.sub(r"^\[.*\]\(\.\./.*$", "", text, flags=re.MULTILINE)  # to the other language
    chinese = len(re.findall(r"[\u4e00-\u9fff]", text))
    if path.parent.name == "en":
        assert chinese == 0
    else:
        assert chinese > 400
        assert not re.search(r"[a-z] [a-z]+ [a-z]+ [a-z]+ [a-z]+", re.sub("`.*?`", "", text))


def comments(path):
    lines = io.StringIO("\n".join(cells(path, "code"))).readline
    return [
        part.string for part in tokenize.generate_tokens(lines) if part.type == tokenize.COMMENT
    ]


@pytest.mark.parametrize("name", NAMES)
def test_the_languages_have_the_same_cells_and_the_same_code(name):
    first, *others = [ROOT / "notebooks" / code / name for code in LANGUAGES]
    for other in others:
        assert [cell["id"] for cell in read(first)["cells"]] == [
            cell["id"] for cell in read(other)["cells"]
        ]
        for one, same in zip(cells(first, "code"), cells(other, "code")):
            same = same.replace(f'install("{other.parent.name}"', 'install("en"')
            same = same.replace(made.NOT_FETCHED[other.parent.name], made.NOT_FETCHED["en"])
            assert ast.dump(ast.parse(one)) == ast.dump(ast.parse(same))


@each_notebook
def test_a_notebook_is_valid_and_stored_without_outputs_or_counts(path):
    import nbformat

    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    for cell in notebook.cells:
        if cell.cell_type == "code":
            assert cell.outputs == [] and cell.execution_count is None


@each_notebook
def test_metadata_asks_for_a_gpu_and_keeps_no_widgets(path):
    metadata = read(path)["metadata"]
    assert metadata["accelerator"] == "GPU"
    assert metadata["colab"] == {"gpuType": "T4", "provenance": []}
    assert metadata["kernelspec"]["name"] == "python3"
    assert "widgets" not in metadata


@each_notebook
def test_cell_ids_are_words_that_stay(path):
    ids = [cell["id"] for cell in read(path)["cells"]]
    assert len(ids) == len(set(ids))
    assert all(re.fullmatch(r"[a-z][a-z-]*", name) for name in ids)


@each_notebook
def test_the_first_cell_is_a_title_the_badges_and_the_way_to_the_other_language(path):
    first, slug = cells(path, "markdown")[0].split("\n"), "another-me-ai/another-me"
    assert first[0].startswith(f"# {path.stem[:2]} · ") and first[1] == ""
    found = re.search(r"colab/blob|github/([\w.-]+/[\w.-]+)/blob", first[2])
    slug = found.group(1) if found else slug
    other = {"en": "[这个笔记本的中文版](../zh/", "zh": "[This notebook in English](../en/"}
    assert first[4:] == ["", f"{other[path.parent.name]}{path.name})"]
    assert first[2:4] == [
        COLAB.format(slug=slug, language=path.parent.name, file=path.name),
        KAGGLE.format(slug=slug, language=path.parent.name, file=path.name),
    ]


@each_notebook
def test_there_is_exactly_one_main_title(path):
    assert (
        sum(line.startswith("# ") for text in cells(path, "markdown") for line in text.splitlines())
        == 1
    )


@each_notebook
def test_it_says_what_you_need_what_you_get_and_how_long(path):
    about = cells(path, "markdown")[1]
    said = {
        "en": ("**You need**", "**You get**", "**How long"),
        "zh": ("**您需要**", "**您会得到**", "**用时**"),
    }
    assert all(words in about for words in said[path.parent.name])


@each_notebook
def test_there_are_at_most_12_code_cells_of_at_most_12_lines_with_a_median_of_4(path):
    lengths = [len(text.splitlines()) for text in cells(path, "code")]
    assert len(lengths) <= 12
    assert max(lengths) <= 12
    assert median(lengths) <= 4


@each_notebook
def test_code_cells_define_nothing_and_hide_nothing(path):
    for text in cells(path, "code"):
        assert not re.search(
            r"^\s*(def|class|async def)\b|if False|if 0:|!\s*pip", text, re.MULTILINE
        ), text
        ast.parse(text)


@each_notebook
def test_no_line_of_code_is_longer_than_120_columns(path):
    from twinlib.ui.display import width

    assert max(width(line) for text in cells(path, "code") for line in text.splitlines()) <= 120


@each_notebook
def test_no_token_has_a_place_in_a_notebook(path):
    text = path.read_text(encoding="utf-8")
    assert not re.search(r"\bhf_[A-Za-z0-9]{8}", text)
    assert not re.search(r"^\s*\"?\w*token\w*\s*=", text, re.IGNORECASE | re.MULTILINE)


def test_the_setup_cell_is_the_same_everywhere_and_fetches_the_project():
    for language in LANGUAGES:
        of_language = [path for path in NOTEBOOKS if path.parent.name == language]
        setups = {cells(path, "code")[0].replace(path.stem, "NOTEBOOK") for path in of_language}
        assert len(setups) == 1
        assert f'runtime.install("{language}", "NOTEBOOK")' in setups.pop()


@each_notebook
def test_one_cell_is_tagged_parameters_and_holds_assignments_only(path):
    [source] = tagged(path, "parameters")
    body = ast.parse(source).body
    assert all(isinstance(node, ast.Assign) for node in body)
    names = {node.targets[0].id for node in body}
    assert {"TWIN", "USE_DRIVE"} <= names


@each_notebook
def test_every_function_a_notebook_calls_exists(path):
    code = "\n".join(cells(path, "code"))
    imported = re.findall(r"^from twinlib\.ui import (.*)$", code, re.MULTILINE)
    modules = [name.strip() for line in imported for name in line.split(";")[0].split(",")]
    calls = re.findall(rf"\b({'|'.join(modules)})\.(\w+)\(", code)
    assert len(calls) >= 3
    for module, name in calls:
        function = getattr(importlib.import_module(f"twinlib.ui.{module}"), name, None)
        assert callable(function), f"{module}.{name}"


@each_step
def test_a_step_goes_form_check_run_look_saved(path):
    step = STEPS[path.stem[:2]]
    ids = [cell["id"] for cell in read(path)["cells"] if cell["cell_type"] == "code"]
    grammar = ["setup", "parameters", "twin", "form", "check", "run"]
    assert [name for name in ids if name in grammar] == grammar and ids[:3] == grammar[:3]
    assert len(ids) >= 8 and ids[-1] == "saved"
    code = "\n".join(cells(path, "code"))
    for part in (
        "writing_form.form(twin" if step == "corpus" else f'forms.form("{step}", twin',
        f'run.check(twin, "{step}", form.settings)',
        f'run.step(twin, "{step}", form.settings)',
        f'tables.saved(twin, "{step}"',
    ):
        assert part in code


@pytest.mark.parametrize("language", LANGUAGES)
def test_in_01_the_writing_comes_before_the_interview_and_both_before_the_run(language):
    [path] = [path for path in NOTEBOOKS if path.match(f"{language}/01_*.ipynb")]
    cells = [cell["id"] for cell in read(path)["cells"] if cell["cell_type"] == "code"]
    order = ["form", "interview", "check", "run"]
    assert [name for name in cells if name in order] == order


def test_what_may_harm_is_off_as_the_notebooks_stand():
    from twinlib import settings

    assert settings.Corpus().consent is False and settings.Corpus().mask is True
    assert settings.Publish().upload is False and settings.Publish().private is True
    for path in NOTEBOOKS:
        assert not re.search(
            r"(upload|consent)\s*=\s*True", "\n".join(cells(path, "code")), re.IGNORECASE
        )


@pytest.fixture
def cell(tmp_path):
    """A function that runs the set-up cell in a folder, with a project that may be missing yet."""
    project, empty = tmp_path / "project", tmp_path / "empty"
    empty.mkdir()
    setup = re.sub(
        r"https://github.com/[\w.-]+/[\w.-]+", project.as_uri(), cells(NOTEBOOKS[0], "code")[0]
    )
    setup += "\nimport twinlib; print(os.getcwd()); print(twinlib.__file__)"

    def run(folder=empty, setup=setup):
        command = [sys.executable, "-c", setup]
        return subprocess.run(command, cwd=folder, capture_output=True, text=True)

    run.project, run.empty, run.setup, run.home = project, empty, setup, empty / "another-me"
    return run


def publish(project):
    """Make the project a repository that can be cloned."""
    shutil.copytree(
        ROOT / "twinlib", project / "twinlib", ignore=shutil.ignore_patterns("__pycache__")
    )
    for name in ("pyproject.toml", "requirements.txt"):
        shutil.copy(ROOT / name, project)
    git = ["git", "-c", "user.name=t", "-c", "user.email=t@example.org", "-C", str(project)]
    for words in (["init", "-q"], ["add", "."], ["commit", "-qm", "all"]):
        subprocess.run([*git, *words], check=True)


@pytest.mark.slow
def test_the_setup_cell_fetches_the_project_where_it_is_not(cell):
    publish(cell.project)
    for start in (cell.empty, cell.home):  # and once more from inside: nothing is fetched twice
        said = cell(start)
        package = cell.home / "twinlib" / "__init__.py"
        *told, folder, file = said.stdout.splitlines()
        assert [folder, file] == [str(cell.home), str(package)], said.stderr
        told = " ".join(told).strip()
        assert ("git leaves out" in told) == bool(told) == (start == cell.empty)
    assert list(cell.empty.iterdir()) == [cell.home]


@pytest.mark.slow
def test_without_a_network_the_setup_cell_is_one_sentence_and_works_later(cell):
    said = cell()
    assert said.returncode == 1 and said.stderr.endswith(made.NOT_FETCHED["en"] + "\n")
    assert "Traceback" not in said.stderr and list(cell.empty.iterdir()) == []
    without_git = cell(setup='import os; os.environ["PATH"] = ""\n' + cell.setup)
    assert without_git.stderr.endswith(made.NOT_FETCHED["en"] + "\n")
    publish(cell.project)
    assert cell().stdout.splitlines()[-2] == str(cell.home)


@pytest.mark.slow
def test_a_folder_that_a_killed_download_left_is_put_aside_and_the_project_fetched(cell):
    publish(cell.project)
    (cell.home / ".git").mkdir(parents=True)
    (cell.home / "diary.txt").write_text("mine")
    said = cell()
    assert said.stdout.splitlines()[-2] == str(cell.home), said.stderr
    [aside] = [path for path in cell.empty.iterdir() if path != cell.home]
    assert (aside / "diary.txt").read_text() == "mine"


def test_only_what_is_missing_or_too_old_is_installed():
    from twinlib.ui import runtime

    wanted = [
        "ipywidgets>=7",
        "ipywidgets>=99",
        "no-such-package-anywhere",
        "psutil; python_version < '3'",
    ]
    assert runtime.lacking(wanted) == ["ipywidgets>=99", "no-such-package-anywhere"]
    assert runtime.lacking(runtime.wanted()) == [], (
        "what the tests run in has all that pyproject.toml asks for"
    )
    assert any("unsloth" in need for need in runtime.wanted("gpu")) and "unsloth" not in "".join(
        runtime.wanted()
    )


def test_what_is_installed_is_the_tested_version_and_what_is_there_stays(tmp_path, monkeypatch):
    from twinlib.ui import runtime

    (tmp_path / "requirements.txt").write_text(
        "# tested\npsutil==1.0\nno-such-package==2.0\nanother_one==3.0; extra == 'lab'\n"
        "numpy==4.0\n"
    )
    monkeypatch.setattr(runtime, "ROOT", tmp_path)
    pins = ["psutil==1.0", "no-such-package==2.0", "another_one==3.0; extra == 'lab'"]
    assert runtime.tested(["Psutil>=99", "no_such.package"]) == pins
    assert runtime.tested(["no-such-package>=1"]) == pins[1:], "psutil is there and good enough"
    runs = []
    monkeypatch.setattr(runtime, "_run_pip", lambda *all: runs.append(all) or len(runs) > 1)
    assert runtime._pip(["no-such-package>=1"])
    (_, first), (_, second) = runs
    kept = f"numpy=={version('numpy')}"
    assert first[-2:] == pins[1:] and kept in first, "as tested, if that can be"
    assert not set(pins) & set(second) and kept in second, "else any that fits"


def test_what_makes_a_gpu_faster_moves_nothing_that_the_project_needs(monkeypatch):
    from twinlib.ui import runtime

    runs = []
    monkeypatch.setattr(runtime, "_run_pip", lambda *all: runs.append(all) or True)
    runtime._install_for_gpu(["unsloth>=1"])
    [(installed, kept)] = runs
    names = {runtime.name_of(need) for need in runtime.lacking(["absent"]) + runtime.wanted()}
    assert installed == ["unsloth>=1"]
    assert {f"{name}=={version(name)}" for name in ("transformers", "trl", "datasets")} <= set(kept)
    assert names - {"absent"} <= {runtime.name_of(line) for line in kept}


def test_a_notebooks_language_is_that_of_the_terminal_from_then_on(tmp_path, monkeypatch):
    from twinlib import i18n
    from twinlib.ui import runtime

    monkeypatch.setattr(runtime, "ROOT", tmp_path)
    monkeypatch.setattr(runtime, "wanted", lambda extra=None: [])
    monkeypatch.setenv("TWINLIB_TWINS", str(tmp_path / "twins"))
    monkeypatch.setenv("TWINLIB_LANG", "en")
    monkeypatch.setenv("LC_ALL", "en_GB.UTF-8")
    runtime.install("zh")
    assert i18n.language() == "zh"
    monkeypatch.delenv("TWINLIB_LANG")
    assert i18n.language() == i18n.spoken() == "zh"
    monkeypatch.setenv("TWINLIB_TWINS", str(tmp_path / "others"))
    assert i18n.language() == "en"
    monkeypatch.setenv("TWINLIB_LANG", "both")
    assert i18n.spoken() == "en"


@pytest.fixture
def gpu_without_network(tmp_path, monkeypatch):
    """An nvidia-smi on the path, and a pip that finds nothing."""
    from twinlib.ui import runtime

    monkeypatch.setattr(runtime, "ROOT", tmp_path)  # no clone: its git is left as it is
    (tmp_path / "nvidia-smi").write_text("#!/bin/sh\n")
    (tmp_path / "nvidia-smi").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    monkeypatch.setenv("PIP_NO_INDEX", "1")


def test_what_only_makes_a_gpu_faster_may_fail(gpu_without_network, monkeypatch, capsys):
    from twinlib.ui import runtime

    monkeypatch.setattr(
        runtime,
        "wanted",
        lambda extra=None: ["no-such-package>=1", "psutil"] if extra else ["psutil"],
    )
    runtime.install()
    assert (
        "Could not be installed here: no-such-package. The transformers engine is used"
        in capsys.readouterr().out
    )


def test_what_is_required_may_not_fail(gpu_without_network, monkeypatch):
    from twinlib import TwinError
    from twinlib.ui import runtime

    monkeypatch.setattr(runtime, "wanted", lambda extra=None: ["no-such-package>=1"])
    with pytest.raises(TwinError, match="check the network"):
        runtime.install()


def test_times_that_nobody_measured_are_called_estimates():
    """No T4 was at hand."""
    for path in NOTEBOOKS:
        for sentence in re.split("[.。;；]", "\n".join(cells(path, "markdown"))):
            if re.search(r"T4.*(hour|minute|小时|分钟)|(hour|minute|小时|分钟).*T4", sentence):
                assert re.search("estimate|估计", sentence), sentence


def test_twins_live_where_they_outlast_the_runtime(monkeypatch, capsys):
    from twinlib.ui import runtime

    monkeypatch.delenv("TWINLIB_TWINS", raising=False)
    assert runtime.home() == ROOT / "twins"
    monkeypatch.setenv("COLAB_GPU", "1")
    assert runtime.home(drive=False) == Path("/content/twins")
    assert runtime.home(drive=True) == Path("/content/twins"), (
        "no Drive here: the runtime's own disk, with a word"
    )
    assert "Google Drive is not available" in capsys.readouterr().out
    monkeypatch.setenv("TWINLIB_TWINS", "/elsewhere")
    assert runtime.home(drive=True) == Path("/elsewhere")


@pytest.fixture
def twins(tmp_path, monkeypatch):
    """Where twins live in a test."""
    monkeypatch.setenv("TWINLIB_TWINS", str(tmp_path / "twins"))
    return tmp_path / "twins"


def test_without_a_name_the_twin_opened_last_is_opened_and_at_first_demo(twins):
    from twinlib.ui import runtime

    assert runtime.open_twin(None).path == twins / "demo"
    assert runtime.open_twin("me").path == twins / "me"
    assert runtime.open_twin(None).path == twins / "me"
    runtime.open_twin("demo")
    assert runtime.open_twin(None).path == twins / "demo"


def test_a_twin_given_by_its_path_is_remembered_in_any_script(twins, tmp_path, monkeypatch):
    from twinlib.ui import runtime

    monkeypatch.chdir(tmp_path)
    (tmp_path / "博客").mkdir()
    runtime.open_twin("博客/me")
    monkeypatch.chdir("/")
    assert runtime.open_twin(None).path == tmp_path / "博客" / "me"


@pytest.mark.parametrize("name", ["AC/DC", "学习/生活 🚲 “我”", "a\\b", "<b>me</b>"])
def test_a_name_with_slashes_is_no_folder_in_another(name, twins, tmp_path, monkeypatch):
    from twinlib.ui import runtime

    monkeypatch.chdir(tmp_path)
    twin = runtime.open_twin(name)
    assert twin.path.parent == twins and not re.search(r"[/\\]", twin.title)
    assert runtime.open_twin(name).path == runtime.open_twin(None).path == twin.path
    other = runtime.open_twin("me")
    runtime.reopen(other, name)
    assert other.path == twin.path and set(runtime.titles(twins)) == {twin.title, "me"}


def test_twins_that_move_together_are_found_again(twins, tmp_path, monkeypatch):
    from twinlib.ui import runtime

    runtime.open_twin("me")
    twins.rename(tmp_path / "elsewhere")
    monkeypatch.setenv("TWINLIB_TWINS", str(tmp_path / "elsewhere"))
    assert runtime.open_twin(None).path == tmp_path / "elsewhere" / "me"


def test_a_twin_that_is_gone_is_missed_and_demo_opens(twins, capsys):
    from twinlib.ui import runtime

    shutil.rmtree(runtime.open_twin("me").path)
    assert runtime.open_twin(None).name == "demo"
    assert "The twin opened last is gone (me)" in capsys.readouterr().out
    (twins / ".last").write_bytes(b"\xff\x00")
    assert runtime.open_twin(None).name == "demo"
    assert "opened last" not in capsys.readouterr().out


def test_a_name_that_is_refused_is_not_remembered(twins):
    from twinlib import TwinError
    from twinlib.ui import runtime

    runtime.open_twin("me")
    with pytest.raises(TwinError, match="can't name a twin"):
        runtime.open_twin("..")
    assert runtime.open_twin(None).name == "me"


def test_a_name_in_any_script_opens_the_same_twin_again(twins, capsys):
    from twinlib.ui import runtime

    made = runtime.open_twin("阿宁的分身")
    assert "A new twin, '阿宁的分身'. It lives in " in capsys.readouterr().out
    assert made.title == made.author == "阿宁的分身" and made.name.isascii()
    assert runtime.open_twin("阿宁的分身").path == runtime.open_twin(None).path == made.path
    assert "Opened the twin '阿宁的分身'" in capsys.readouterr().out


def test_a_slip_in_a_name_is_a_new_twin_and_proposes_the_nearest(twins, capsys):
    from twinlib.ui import runtime

    runtime.open_twin("yufree")
    runtime.open_twin("阿宁的分身")
    capsys.readouterr()
    runtime.open_twin("Yufre")
    said = capsys.readouterr().out
    assert "A new twin, 'Yufre'" in said and "a twin called 'yufree' already" in said
    runtime.open_twin("阿宁分身")
    assert "a twin called '阿宁的分身' already" in capsys.readouterr().out
    runtime.open_twin("阿凝的分身")
    runtime.open_twin("小方")
    capsys.readouterr()
    runtime.open_twin("晓芳")
    assert "a twin called '小方' already" in capsys.readouterr().out
    runtime.open_twin("something else")
    assert "already" not in capsys.readouterr().out
    runtime.open_twin("yufree")
    assert "already" not in capsys.readouterr().out


def test_without_a_name_the_other_twins_are_named(twins, capsys):
    from twinlib.ui import runtime

    runtime.open_twin("me")
    runtime.open_twin(None)
    assert "Other twins" not in capsys.readouterr().out
    runtime.open_twin("my other twin")
    assert "Other twins" not in capsys.readouterr().out
    runtime.open_twin("")
    assert "Other twins here: me. " in capsys.readouterr().out


def test_a_twin_opens_where_nothing_can_be_noted(twins):
    from twinlib.ui import runtime

    runtime.open_twin("me")
    (twins / ".last").unlink()
    (twins / ".last").mkdir()
    assert runtime.open_twin("me").name == "me"


def test_drive_is_not_asked_for_when_a_twin_is_given_by_its_path(twins, tmp_path, monkeypatch):
    from twinlib.ui import runtime

    asked = []
    monkeypatch.setattr(runtime, "home", lambda drive: asked.append(drive) or twins)
    runtime.open_twin(str(tmp_path / "me"), drive=True)
    runtime.open_twin("me", drive=True)
    assert asked == [False, True]


@each_step
def test_a_step_goes_on_with_the_twin_opened_last(path):
    assert tagged(path, "parameters")[0].startswith('TWIN = ""  # @param')


def test_what_01_says_of_setting_up_and_of_twins_the_later_ones_do_not_say_again():
    for path in NOTEBOOKS:
        ids = [cell["id"] for cell in read(path)["cells"]]
        again = path.stem[:2] in STEPS and path.stem[:2] != "01"
        wanted = ["setup-again", "twin-again"] if again else ["setup-text", "twin-text"]
        known = ("setup-text", "twin-text", "setup-again", "twin-again")
        assert [name for name in ids if name in known] == wanted


@pytest.mark.parametrize("name", ["setup-again", "twin-again", "check-text"])
def test_what_every_step_says_is_said_alike(name):
    for language in LANGUAGES:
        said = {
            "".join(cell["source"])
            for path in NOTEBOOKS
            if path.parent.name == language and path.stem[:2] in STEPS
            for cell in read(path)["cells"]
            if cell["id"] == name
        }
        assert len(said) == 1


def test_what_the_readmes_say_of_each_card_is_what_the_plan_says():
    import cards

    for language, name in cards.READMES.items():
        text = (ROOT / name).read_text(encoding="utf-8")
        assert cards.filled(text, language) == text, "run `make cards`"
    [t4] = re.findall(r"^\| 15 GB \(a free T4\) \|.*", (ROOT / "README.md").read_text(), re.M)
    assert "up to 4B" in t4 and "14B" in t4 and "qwen3" in t4


def test_the_next_notebook_is_a_link_where_the_front_end_can_open_it(twin, monkeypatch):
    from twinlib.ui import tables

    def links():
        return re.findall('href="(.*?)"', tables.saved(twin, "corpus", "02_sft_persona").html)

    assert links() == ["02_sft_persona.ipynb"]
    assert "02 · Teach it your voice" in tables.saved(twin, "corpus", "02_sft_persona").text
    monkeypatch.setenv("TWINLIB_LANG", "zh")
    monkeypatch.setenv("KAGGLE_KERNEL_RUN_TYPE", "Interactive")
    badges = cells(ROOT / "notebooks" / "zh" / "02_sft_persona.ipynb", "markdown")[0]
    assert f"({links()[0].replace('&amp;', '&')})" in badges
    monkeypatch.setenv("COLAB_GPU", "1")
    assert f"({links()[0]})" in badges


@each_notebook
def test_links_between_notebooks_lead_somewhere(path):
    for name in re.findall(r"\]\((?!http)(.*?)\)", "\n".join(cells(path, "markdown"))):
        assert (path.parent / name).exists(), name


def test_what_is_written_into_the_settings_of_git_is_said_once(tmp_path, monkeypatch, capsys):
    from twinlib.ui import runtime

    git = ["git", "-C", str(tmp_path)]
    monkeypatch.setattr(runtime, "ROOT", tmp_path)
    runtime._keep_outputs_out_of_git()
    assert not capsys.readouterr().out, "no clone"
    subprocess.run([*git, "init", "-q"], check=True)
    runtime._keep_outputs_out_of_git()
    said = capsys.readouterr().out
    assert 'filter "twinlib" from .git/config' in said
    kept = subprocess.run([*git, "config", "filter.twinlib.clean"], capture_output=True, text=True)
    assert "tools/strip_outputs.py" in kept.stdout
    runtime._keep_outputs_out_of_git()
    assert not capsys.readouterr().out
