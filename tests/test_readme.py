"""The READMEs and the documentation: links lead somewhere, pictures and sample pages are whole."""

import base64
import json
import re
import sys

import pytest
from conftest import ROOT

sys.path.insert(0, str(ROOT / "tools"))
import pictures

from twinlib.files import write_records
from twinlib.i18n import LANGUAGES

PAGES = [ROOT / name for name in ("README.md", "README.zh-CN.md", "CONTRIBUTING.md", "SECURITY.md")]
DOCS = sorted((ROOT / "docs").glob("*.md"))
PICTURES = [
    ROOT / "docs" / "pictures" / f"{name}_{code}.png"
    for name in ("answers", "training", "verdict", "blind")
    for code in LANGUAGES
]
each_readme = pytest.mark.parametrize("readme", PAGES[:2], ids=lambda path: path.name)


def anchors(markdown):
    """The anchors that GitHub gives to the headings of a page."""
    headings = re.findall(r"^#+ (.*)$", markdown, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.name)
def test_links_inside_the_repository_lead_somewhere(page):
    text = page.read_text(encoding="utf-8")
    links = re.findall(r"\]\(([^)\s]+)\)|(?:src|href)=\"([^\"]+)\"", text)
    for link in map("".join, links):
        if link.startswith("https://"):
            continue
        name, _, anchor = link.partition("#")
        target = page.parent / name if name else page
        assert target.exists(), link
        assert not anchor or anchor in anchors(target.read_text(encoding="utf-8")), link


@each_readme
def test_the_first_screen_has_the_button_and_four_pictures(readme):
    first = readme.read_text(encoding="utf-8").split("\n## ")[0]
    code = "zh" if "zh" in readme.name else "en"
    assert f"notebooks/{code}/00_start_here.ipynb" in first.split("<table>")[0]
    assert re.findall(r'<img src="docs/pictures/(\w+)\.png"', first) == [
        path.stem for path in PICTURES if path.stem.endswith(code)
    ]
    assert "make twin" in first and f"sample/blind_test_{code}.html" in first


def test_the_two_readmes_have_the_same_sections_tables_and_pictures():
    shapes = []
    for path in PAGES[:2]:
        lines = path.read_text(encoding="utf-8").splitlines()
        shapes.append([begin[0] for line in lines if (begin := re.match(r"#+|\||<\w+", line))])
    assert shapes[0] == shapes[1] and len(shapes[0]) > 50


def test_a_page_of_the_documentation_is_there_in_each_language():
    names = {path.name for path in DOCS}
    assert {name.replace(".md", ".zh.md") for name in names if ".zh." not in name} | {
        name for name in names if ".zh." not in name
    } == names


def test_all_pictures_together_are_small_and_none_is_left_over():
    films = [ROOT / "docs" / "pictures" / f"film_{code}.webp" for code in LANGUAGES]
    assert sorted((ROOT / "docs" / "pictures").iterdir()) == sorted([*PICTURES, *films])
    assert sum(path.stat().st_size for path in PICTURES) < 600_000
    assert all(path.stat().st_size < 1_500_000 for path in films)


def pairs_of(html):
    [packed] = re.findall('<template id="data">(.*?)</template>', html)
    return json.loads(base64.b64decode(packed))["pairs"]


def test_the_sample_blind_test_is_the_same_each_time_and_asks_of_a_passage_once(twin, monkeypatch):
    said = {"question": "Tea?", "row": "twin", "text": "Hot tea. And then", "ended": False}
    write_records(twin.file("answers"), [said])
    asked = [
        {"question": "Tea?", "real": "I drink it hot.", "twin": said["text"]},
        {"question": "More tea?", "real": "I drink it hot.", "twin": "No."},
    ]
    monkeypatch.setattr(pictures, "PAIRS", 1)
    [page] = {pictures.blind_test(twin, asked, "en") for _ in range(3)}
    [(question, *texts)] = pairs_of(page)
    assert question == "Tea?" and sorted(texts) == ["Hot tea.", "I drink it hot."]


@pytest.mark.parametrize("code", LANGUAGES)
def test_the_sample_pages_load_nothing_and_have_something_to_guess(code):
    folder = ROOT / "docs" / "sample"
    for name, parts in (("blind_test", "pairs"), ("side_by_side", "cards")):
        html = (folder / f"{name}_{code}.html").read_text(encoding="utf-8")
        assert "default-src 'none'" in html and "src=" not in html
        [packed] = re.findall('<template id="data">(.*?)</template>', html)
        content = json.loads(base64.b64decode(packed))
        assert len(content[parts]) >= 2
        if name == "blind_test":
            assert content["language"] == code and len(content["key"]) == len(content["pairs"]) >= 6
            assert len({tuple(sorted(texts)) for _, *texts in content["pairs"]}) >= 6


def test_what_github_and_citation_tools_read_is_well_formed():
    import yaml

    from twinlib import PROJECT, __version__

    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert citation["version"] == __version__ and citation["repository-code"] == PROJECT
    forms = sorted((ROOT / ".github" / "ISSUE_TEMPLATE").glob("*.yml"))
    for form in (yaml.safe_load(path.read_text(encoding="utf-8")) for path in forms):
        assert "contact_links" in form or {"name", "description", "body"} <= set(form)
        for field in form.get("body", []):
            label = field["attributes"].get("label") or field["attributes"]["value"]
            assert re.search("[\u4e00-\u9fff]", label), f"in one language only: {label}"


@pytest.mark.slow
def test_the_site_is_built_with_all_its_links(tmp_path):
    """Strictly: a link or an anchor that leads nowhere is an error."""
    pytest.importorskip("mkdocs", reason="needs mkdocs")
    from mkdocs.commands.build import build
    from mkdocs.config import load_config

    config = load_config(str(ROOT / "mkdocs.yml"), strict=True, site_dir=str(tmp_path / "site"))
    config.plugins.on_startup(command="build", dirty=False)
    build(config)
    for page in ("index.html", "zh/index.html", "zh/speed/index.html", "sample/blind_test_en.html"):
        assert (tmp_path / "site" / page).exists(), page
    assert 'data-md-component="source"' not in (tmp_path / "site" / "index.html").read_text(
        encoding="utf-8"
    ), "a page would ask GitHub for its stars"
