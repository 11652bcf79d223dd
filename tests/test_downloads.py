"""The recommended file and its Modelfile, offered as each place allows it."""

import sys
import types

import pytest

from twinlib import Twin
from twinlib.ui import downloads, runtime


@pytest.fixture
def finished(tmp_path, monkeypatch):
    """A twin with two files in a clone whose notebooks lie in a folder of their own."""
    monkeypatch.setattr(runtime, "ROOT", tmp_path)
    twin = Twin.open(tmp_path / "twins" / "me")
    twin.folder("quantize")
    for kind in ("Q4_K_M", "Q8_0"):
        twin.gguf(kind).write_bytes(bytes(1500))
    twin.file("modelfile").write_text("FROM ./me-Q8_0.gguf\n", encoding="utf-8")
    open_notebook(monkeypatch, tmp_path / "my_notebooks" / "zh")
    monkeypatch.chdir(tmp_path)  # as every set-up cell does
    return twin


def open_notebook(monkeypatch, folder):
    shell = types.SimpleNamespace(starting_dir=str(folder))
    monkeypatch.setattr("IPython.get_ipython", lambda: shell)


def test_before_there_is_a_file_a_sentence_stands_there(twin):
    assert "There is no GGUF file yet" in downloads.files(twin).text


def test_in_jupyter_the_links_lead_from_the_notebook_to_the_files(finished):
    shown = downloads.files(finished)
    links = "../../twins/me/quantize/"
    assert f'href="{links}me-Q8_0.gguf" download="me-Q8_0.gguf"' in shown.html
    assert f'href="{links}Modelfile"' in shown.html
    assert "(2 kB)" in shown.html and "ollama create me -f Modelfile" in shown.text


def test_where_jupyter_can_not_reach_the_files_their_folder_is_said(
    finished, monkeypatch, tmp_path_factory
):
    open_notebook(monkeypatch, tmp_path_factory.mktemp("elsewhere"))
    shown = downloads.files(finished)
    assert "href" not in shown.html and str(finished.folder("quantize")) in shown.text


def test_on_colab_a_button_sends_the_file_to_the_browser(finished, monkeypatch):
    sent = []
    colab = types.SimpleNamespace(files=types.SimpleNamespace(download=sent.append))
    monkeypatch.setitem(sys.modules, "google.colab", colab)
    monkeypatch.setattr(runtime, "system", lambda: "colab")
    buttons = downloads.files(finished).children[0].children
    assert [button.description for button in buttons] == [
        "Download me-Q8_0.gguf (2 kB)",
        "Download Modelfile (20 B)",
    ]
    buttons[0].click()
    assert sent == [str(finished.gguf("Q8_0"))]


def test_on_kaggle_the_files_are_in_the_output(finished, monkeypatch):
    monkeypatch.setattr(runtime, "system", lambda: "kaggle")
    assert "from the Output panel" in downloads.files(finished).text


def test_on_a_page_of_widgets_the_links_stand_in_an_output(finished):
    (output,) = downloads.box(finished).outputs
    assert output["data"]["text/html"] == downloads.files(finished).html
