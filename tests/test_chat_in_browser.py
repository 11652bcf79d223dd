"""The chat of notebook 07 in JupyterLab, in a real browser, wide and narrow, in both languages."""

import os

import pytest
from conftest import ROOT
from test_forms_in_browser import Page, lab, notebook  # noqa: F401 -- a fixture
from test_memory import needs_e5
from test_serve import TRAMS, twin  # noqa: F401 -- a fixture

from twinlib.__main__ import main

pytestmark = pytest.mark.slow
SETUP = """import os, sys
os.environ.update(TWINLIB_LANG={language!r}, HF_HUB_OFFLINE="1")
sys.path.insert(0, {root!r})
from twinlib import Twin
from twinlib.ui import chat_box"""
CHAT = "box = chat_box.chat(Twin.open({path!r}, create=False))\nbox"
SAID = {
    "en": ("Write to your twin", "the same without memory", "The trams"),
    "zh": ("写给您的分身", "同一个，不带记忆", "The trams"),
}
QUESTION = "How many trams were in the Grey Gull depot?"


@needs_e5
@pytest.mark.parametrize("language, width", [("en", 1400), ("zh", 390)])
def test_a_question_its_sources_and_the_other_column(
    chromium,
    lab,  # noqa: F811
    twin,  # noqa: F811
    language,
    width,
):
    address, folder = lab
    placeholder, without, title = SAID[language]
    if not twin.report_path("memory").exists():
        assert main(["memory", "--twin", str(twin.path)]) == 0
    name = f"chat_{language}.ipynb"
    setup = SETUP.format(language=language, root=str(ROOT))
    notebook(folder / name, setup, CHAT.format(path=str(twin.path)))
    with Page(chromium, address, name, width) as opened:
        opened.run_all()
        page = opened.page
        page.locator(".widget-dropdown select").nth(1).select_option(label=without)
        page.get_by_placeholder(placeholder).fill(QUESTION)
        page.keyboard.press("Enter")
        summary = page.locator("details summary").first
        summary.wait_for(timeout=90_000)
        assert title in summary.text_content() and page.locator("details").count() >= 1
        summary.click()
        assert page.locator("details[open] mark").first.text_content() in TRAMS
        # Both have answered: the button to stop is gone.
        page.locator("button.mod-warning").first.wait_for(state="hidden", timeout=90_000)
        assert page.locator("[role=log]").count() == 2
        if shots := os.environ.get("TWINLIB_SHOTS"):
            page.locator(".jp-OutputArea-output").last.screenshot(path=f"{shots}/{name}.png")
        assert page.evaluate("document.documentElement.scrollWidth") <= width
