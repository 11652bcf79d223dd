"""The READMEs and the documentation: links lead somewhere, pictures and sample pages are whole."""

import base64
import email
import json
import re
import shutil
import subprocess
import sys
from collections import Counter
from urllib.parse import unquote

import pytest
from conftest import ROOT

sys.path.insert(0, str(ROOT / "tools"))
import pictures

from twinlib.evaluate import side_by_side
from twinlib.files import write_records
from twinlib.i18n import LANGUAGES, speaking
from twinlib.text import sufficiency

PAGES = [ROOT / name for name in ("README.md", "README.zh-CN.md", "CONTRIBUTING.md", "SECURITY.md")]
DOCS = sorted((ROOT / "docs").glob("*.md"))
PICTURES = [
    ROOT / "docs" / "pictures" / f"{name}_{code}.png"
    for name in ("answers", "training", "verdict", "blind")
    for code in LANGUAGES
]
each_readme = pytest.mark.parametrize("readme", PAGES[:2], ids=lambda path: path.name)


# What people write as posts and what a run wrote are no pages of ours.
NOT_OURS = ("data_samples/posts/", "tests/old_twin/", "build/", "twins/", ".venv")
LINKING = [
    path
    for pattern in ("*.md", "*.ipynb")
    for path in sorted(ROOT.rglob(pattern))
    if not path.relative_to(ROOT).as_posix().startswith(NOT_OURS)
    and ".ipynb_checkpoints" not in path.parts
]
_FENCED = re.compile(r"^(`{3,}|~{3,}).*?^\1[`~]*[ ]*$", re.MULTILINE | re.DOTALL)
_LINK = re.compile(
    r"\]\(<?([^)\s>]+)>?(?:\s+[\"'][^\"'\n]*[\"'])?\)"  # [text](target "title")
    r"|\b(?:src|href)=\"([^\"]+)\""
    r"|^\[[^\]\n]+\]:\s*(\S+)",  # [name]: target
    re.MULTILINE,
)


def markdown_of(path):
    """The Markdown of a page, or of a notebook's cells, without what is shown as code."""
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".ipynb":
        cells = [each for each in json.loads(text)["cells"] if each["cell_type"] == "markdown"]
        text = "\n\n".join("".join(each["source"]) for each in cells)
    return re.sub(r"`[^`\n]*`", "", _FENCED.sub("", text)) if path.suffix != ".html" else text


def links_of(markdown):
    return ["".join(groups) for groups in _LINK.findall(markdown)]


def anchors(path):
    """The anchors that GitHub gives to the headings of a page, and those that it names itself."""
    text = path.read_text(encoding="utf-8")
    if path.suffix in (".md", ".ipynb"):
        text = markdown_of(path) if path.suffix == ".ipynb" else _FENCED.sub("", text)
    found, seen = set(re.findall(r"\b(?:id|name)=\"([^\"]+)\"", text)), Counter()
    for heading in re.findall(r"^#+ +(.*?)\s*#*\s*$", text, re.MULTILINE):
        shown = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).lower()
        anchor = re.sub(r"[^\w\- ]", "", shown).replace(" ", "-")
        found.add(f"{anchor}-{seen[anchor]}" if seen[anchor] else anchor)
        seen[anchor] += 1
    return found


@pytest.mark.parametrize("page", LINKING, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_links_inside_the_repository_lead_somewhere(page):
    from twinlib import PROJECT

    slug = PROJECT.removeprefix("https://github.com")
    for link in links_of(markdown_of(page)):
        # What a badge or a page of ours opens lies in this repository, too.
        own = re.match(rf"{PROJECT}/(?:blob|tree|raw)/main/|.*/github{slug}/blob/main/", link)
        if re.match(r"[a-z]+:", link) and not own:
            continue
        name, _, anchor = link[own.end() if own else 0 :].partition("#")
        target = (ROOT if own else page.parent) / unquote(name.partition("?")[0]) if name else page
        assert target.exists(), link
        assert not anchor or unquote(anchor) in anchors(target), link


def test_the_check_of_links_finds_what_leads_nowhere(tmp_path):
    page = tmp_path / "page.md"
    page.write_text(
        '# A page · 一页\n\n## A page · 一页\n\n[a](b.md) [c](<d.md> "e") <a href="f.md#g">h</a>\n'
        "`[no](link.md)`\n\n```\n# no heading\n[no](link.md)\n```\n\n[i]: j.md\n",
        encoding="utf-8",
    )
    assert links_of(markdown_of(page)) == ["b.md", "d.md", "f.md#g", "j.md"]
    assert anchors(page) == {"a-page--一页", "a-page--一页-1"}


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
        else:  # whoever follows the README's link is not the author
            said = " ".join(content["words"].values())
            name = pictures.NAMES[code]
            assert content["words"]["title"] in (
                f"Which one did {name} write?",
                f"哪一段是{name}写的？",
            )
            assert not re.search(r"\b(I|me|you are|is you)\b|我|您写|您自己|像您", said)
            with speaking(code):
                now = side_by_side.page([{"question": "?", "real": "a", "twin": "b"}], name, True)
            [packed] = re.findall('<template id="data">(.*?)</template>', now)
            assert json.loads(base64.b64decode(packed))["words"] == content["words"]


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


def test_what_proposes_newer_versions_looks_at_all_that_is_pinned():
    import yaml

    proposed = yaml.safe_load((ROOT / ".github" / "dependabot.yml").read_text(encoding="utf-8"))
    kinds = {each["package-ecosystem"]: each["directory"] for each in proposed["updates"]}
    assert kinds == {"github-actions": "/", "pip": "/"} and proposed["version"] == 2
    assert (ROOT / ".github" / "workflows").is_dir() and (ROOT / "requirements.txt").exists()


def test_a_proposal_is_asked_for_what_the_rules_ask():
    template = (ROOT / ".github" / "pull_request_template.md").read_text(encoding="utf-8")
    boxes = re.findall(r"^- \[ \] (.*)$", template, re.MULTILINE)
    assert len(boxes) == 5 and all(re.search("[\u4e00-\u9fff]", box) for box in boxes)
    named = {"make quick", "make test", "twinlib/data/", "CHANGELOG.md", "benchmarks/"}
    assert named <= set(re.findall("`([^`]+)`", template))


@pytest.mark.slow
def test_the_page_of_a_package_index_links_and_shows_whole_addresses(tmp_path):
    """What setuptools writes of this project, with the links and pictures of the README."""
    for name in ("pyproject.toml", "setup.py", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, tmp_path)
    (tmp_path / "twinlib").mkdir()
    shutil.copy(ROOT / "twinlib" / "__init__.py", tmp_path / "twinlib")
    code = "from setuptools import build_meta; build_meta.prepare_metadata_for_build_wheel('.')"
    subprocess.run([sys.executable, "-c", code], cwd=tmp_path, check=True, capture_output=True)
    [written] = tmp_path.glob("*.dist-info/METADATA")
    about = email.message_from_string(written.read_text(encoding="utf-8"))
    assert about["Author"] == "The Another Me contributors"
    assert about["Description-Content-Type"] == "text/markdown"
    shown, links = about.get_payload(), links_of(about.get_payload())
    assert len(links) > 60 and all(link.startswith(("https://", "#")) for link in links)
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert len(links) == len(links_of(readme)) and shown.count("\n#") == readme.count("\n#")
    repository = "https://github.com/another-me-ai/another-me"
    assert f"{repository}/raw/main/docs/pictures/answers_en.png" in links
    assert f"{repository}/blob/main/docs/apps.md" in links
    assert f"Repository, {repository}" in about.get_all("Project-URL")


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


@each_readme
def test_the_readme_asks_for_as_many_interview_answers_as_the_interview_does(readme):
    with speaking("zh" if "zh" in readme.name else "en"):
        needed = sufficiency.assess(0, 0, 0, {}).sentence
    asked = {int(number) for number in re.findall(r"\d+", needed)} - {0, 40}
    text = readme.read_text(encoding="utf-8")
    line = next(
        line for line in text.splitlines() if re.match(r"\*\*(I have little|我写得不多)", line)
    )
    assert asked and asked <= {int(number) for number in re.findall(r"\d+", line)}
