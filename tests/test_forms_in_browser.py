"""The forms in JupyterLab, in a real browser: what is typed stays, and nothing is cut.

Needs JupyterLab, Playwright and Debian's chromium; without them these tests are skipped.
"""

import json
import re
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from dataclasses import fields

import nbformat
import pytest
from conftest import ROOT

from twinlib.command_line import main
from twinlib.i18n import speaking
from twinlib.settings import SETTINGS
from twinlib.twin import Twin

pytestmark = pytest.mark.slow
STEPS = ("corpus", "persona", "reasoning", "quantize", "evaluate", "publish")
SETUP = """import os, sys
os.environ.update(TWINLIB_LANG="both", TWINLIB_TWINS={twins!r}, HF_HUB_OFFLINE="1")
sys.path.insert(0, {root!r})
from twinlib.ui import forms, runtime
twin = runtime.open_twin("me")"""
# Texts that are wider than what hides the rest of them.
CUT = """() => [...document.querySelectorAll('.jp-OutputArea-output *')]
  .filter(e => ['hidden', 'clip'].includes(getComputedStyle(e).overflowX))
  .filter(e => e.scrollWidth > e.clientWidth + 1 && e.textContent.trim())
  .filter(e => !['SELECT', 'OPTION'].includes(e.tagName)).map(e => e.textContent)"""
TEXTS = """() => [...document.querySelectorAll('.jp-OutputArea-output *')]
  .filter(e => !e.children.length).map(e => e.textContent.trim())"""
COLUMNS = """() => new Set([...document.querySelectorAll('.widget-gridbox > *')]
  .filter(e => e.offsetParent).map(e => Math.round(e.getBoundingClientRect().x))).size"""


# What has to be pushed sideways to be read, but for the code.
SCROLLING = """() => [...document.querySelectorAll('.jp-OutputArea, .jp-OutputArea *')]
  .filter(e => ['auto', 'scroll'].includes(getComputedStyle(e).overflowX))
  .filter(e => e.scrollWidth > e.clientWidth + 1).map(e => e.textContent)"""


# Cells of tables whose text does not fit into them.
OVERFLOWING = """() => [...document.querySelectorAll('[role=row] > *')]
  .filter(e => e.scrollWidth > e.clientWidth + 1).map(e => e.textContent)"""


def notebook(path, *sources):
    made = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(text) for text in sources])
    made.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3"}
    nbformat.write(made, path)


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    """(address of a running JupyterLab, its folder)."""
    pytest.importorskip("jupyterlab", reason="needs JupyterLab")
    folder = tmp_path_factory.mktemp("lab")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    options = {"port": port, "ip": "127.0.0.1", "root_dir": folder, "allow_root": True}
    flags = [f"--ServerApp.{name}={value}" for name, value in options.items()]
    flags += ["--no-browser", "--IdentityProvider.token=", "--LabApp.news_url=None"]
    command = [sys.executable, "-m", "jupyterlab", *flags]
    with open(folder / "log", "w") as log:
        server = subprocess.Popen(command, cwd=folder, stdout=log, stderr=log)
    try:
        address = f"http://127.0.0.1:{port}"
        _wait(lambda: _answers(address), 60)
        yield address, folder
    finally:
        server.terminate()
        server.wait(30)


def _answers(address):
    try:
        return urllib.request.urlopen(f"{address}/api/status", timeout=2).status == 200
    except OSError:
        return False


def _is_connected(address, name):
    """Whether the page of a notebook is connected to its kernel: before, nothing runs."""
    sessions = json.load(urllib.request.urlopen(f"{address}/api/sessions"))
    kernels = [session["kernel"] for session in sessions if session["path"] == name]
    return any(kernel["connections"] and kernel["execution_state"] == "idle" for kernel in kernels)


def _wait(condition, seconds):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "nothing happened"
        time.sleep(0.2)


class Page:
    """A notebook in the browser."""

    def __init__(self, browser, address, name, width=1400):
        # Tall, since JupyterLab draws only the cells in sight.
        self.page = browser.new_page(viewport={"width": width, "height": 6000})
        self.page.goto(f"{address}/doc/tree/{name}?reset")
        self.page.wait_for_selector(".jp-Notebook .jp-InputPrompt")
        _wait(lambda: _is_connected(address, name), 60)
        self.page.wait_for_timeout(1000)

    def run_all(self):
        """Run all cells by the menu and wait until they ran once more."""
        before = self._counts()
        self.page.click(".lm-MenuBar-itemLabel >> text=Run")
        self.page.click("text=Run All Cells")
        _wait(lambda: (now := self._counts()) and now != before and all(now), 90)
        self.page.wait_for_timeout(1000)

    def _counts(self):
        prompts = self.page.eval_on_selector_all(
            ".jp-InputPrompt", "found => found.map(e => e.textContent)"
        )
        numbers = [re.fullmatch(r"\[(\d+)\]:", text) for text in prompts if text.strip()]
        return [match and int(match[1]) for match in numbers]

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.page.close()


def test_what_is_typed_is_there_after_run_all_and_used(chromium, lab, tmp_path):
    address, folder = lab
    setup = SETUP.format(twins=str(tmp_path), root=str(ROOT))
    shown = 'form = forms.form("corpus", twin)\nform'
    notebook(folder / "typed.ipynb", setup, shown, "print(form.settings)")
    with Page(chromium, address, "typed.ipynb") as notebook_page:
        notebook_page.run_all()
        page, boxes = notebook_page.page, ".widget-text input:visible"
        page.locator(boxes).nth(0).fill("/drive/博客.zip")
        page.locator(boxes).nth(1).fill("于老师")
        page.locator(".widget-checkbox input:visible").first.check()
        page.wait_for_selector("text=Kept as you type")
        notebook_page.run_all()
        assert page.locator(boxes).nth(0).input_value() == "/drive/博客.zip"
        assert page.locator(boxes).nth(1).input_value() == "于老师"
        assert page.locator(".widget-checkbox input:visible").first.is_checked()
        said = page.locator(".jp-OutputArea-output pre").last.text_content()
    assert "source='/drive/博客.zip', author='于老师', consent=True" in said


def test_a_new_twin_is_named_and_made_by_enter(chromium, lab, tmp_path):
    address, folder = lab
    setup = SETUP.format(twins=str(tmp_path), root=str(ROOT))
    picker = "from twinlib.ui import twin_picker\ntwin_picker.choose(twin)"
    notebook(folder / "named.ipynb", setup, picker)
    with Page(chromium, address, "named.ipynb") as notebook_page:
        notebook_page.run_all()
        page = notebook_page.page
        twins = page.locator(".jp-OutputArea-output select").first
        twins.select_option(index=twins.locator("option").count() - 1)  # a new twin …
        page.locator(".widget-text input:visible").first.click()
        page.keyboard.type("我的博客", delay=20)
        page.keyboard.press("Enter")
        _wait(lambda: twins.input_value() == "我的博客", 20)
    assert (tmp_path / "WoDeBoKe").is_dir() and not (tmp_path / "WoDeBo").exists()


@pytest.mark.parametrize("width, columns", [(1400, 2), (600, 1), (390, 1)])
def test_in_both_languages_nothing_is_cut_or_empty(chromium, lab, tmp_path, width, columns):
    address, folder = lab
    setup = SETUP.format(twins=str(tmp_path), root=str(ROOT))
    opened = [
        f'form = forms.form("{step}", twin)\n'
        "for part in form.children:\n"
        "    part.selected_index = 0\n"  # unfolds what is folded
        "form"
        for step in STEPS
    ]
    notebook(folder / f"{width}.ipynb", setup, *opened)
    with Page(chromium, address, f"{width}.ipynb", width) as notebook_page:
        notebook_page.run_all()
        texts = notebook_page.page.evaluate(TEXTS)
        assert len(texts) > sum(len(fields(SETTINGS[step])) for step in STEPS)
        assert not [text for text in texts if text in ("·", "· ", " ·")]
        assert notebook_page.page.evaluate(CUT) == []
        assert notebook_page.page.evaluate(COLUMNS) == columns * 2  # and in the folded part


@pytest.mark.parametrize("language", ["en", "zh"])
def test_on_a_phone_the_steps_and_the_score_card_are_seen_whole(chromium, lab, tmp_path, language):
    address, folder = lab
    twin = Twin(shutil.copytree(ROOT / "tests" / "old_twin" / "old", tmp_path / "me"))
    whole = shutil.copytree(ROOT / "tests" / "old_twin" / "old", tmp_path / "whole")
    twin.start("persona", {"rank": 4})  # a reason stands beside its state
    setup = SETUP.format(twins=str(tmp_path), root=str(ROOT)).replace("both", language)
    shown = "from twinlib.ui import run, score_card, tables\ntables.steps(twin)"
    folds = [
        "from twinlib import Twin\nfrom twinlib.settings import Evaluate\n"
        f"run.check(Twin('{whole}'), 'evaluate', Evaluate())",
        "tables.figures(twin, 'evaluate')",
        "tables.uploads(twin)",
        "from twinlib.ui import twin_picker\ntwin_picker.choose(twin)",
    ]
    Twin.open(tmp_path / "other").remember(name="a very long name " * 9)
    notebook(folder / f"{language}.ipynb", setup, shown, *folds, "score_card.score_card(twin)")
    with Page(chromium, address, f"{language}.ipynb", 390) as notebook_page:
        notebook_page.run_all()
        page = notebook_page.page
        picture = page.locator(".jp-OutputArea-output img").bounding_box()
        output = page.locator(".jp-OutputArea-output").last.bounding_box()
        assert picture["width"] > 200
        assert picture["x"] + picture["width"] <= output["x"] + output["width"]
        folded = page.locator("summary").evaluate_all(
            "all => all.map(e => e.parentElement.open = true).length"
        )
        assert folded >= 4 and page.evaluate(SCROLLING) == []
        assert page.evaluate(OVERFLOWING) == []
        with speaking(language):
            reason = twin.state("persona").why
        assert reason in page.locator(".jp-OutputArea-output").nth(1).inner_text()


@pytest.mark.parametrize("language", ["en", "zh"])
def test_on_a_phone_the_memory_is_seen_whole(chromium, lab, sample_twin, language):
    address, folder = lab
    assert main(["memory", "--twin", str(sample_twin.path), "--vectors", "no"]) == 0
    setup = SETUP.format(twins=str(sample_twin.path.parent), root=str(ROOT))
    setup = setup.replace("both", language).replace('"me"', repr(sample_twin.name))
    shown = "from twinlib.ui import chat_box, plots, tables\n"
    shown += 'display(tables.figures(twin, "memory"), plots.memory(twin))'
    notebook(folder / f"memory_{language}.ipynb", setup, shown, "chat_box.chat(twin)")
    with Page(chromium, address, f"memory_{language}.ipynb", 390) as notebook_page:
        notebook_page.run_all()
        page = notebook_page.page
        picture = page.locator(".jp-OutputArea-output img").first.bounding_box()
        output = page.locator(".jp-OutputArea-output").nth(1).bounding_box()
        assert 200 < picture["width"] <= output["width"]
        page.locator("summary").evaluate_all("all => all.forEach(e => e.parentElement.open = true)")
        assert page.evaluate(SCROLLING) == [] and page.evaluate(OVERFLOWING) == []
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
