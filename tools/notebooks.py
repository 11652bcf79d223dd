"""Make notebooks/en and notebooks/zh from notebooks/source: python tools/notebooks.py.

A source is a script whose cells begin with `# %% NAME` (jupytext's percent format, so editors run
it cell by cell). NAME becomes the cell's id. A cell marked lang="zh" is for that language only; an
empty one is taken from common.py. The tool puts the badges and a link to the other language under
the title, the language's code and the notebook's name in the places of LANGUAGE and NOTEBOOK in
strings, the sentence on a failed download in that of NOT_FETCHED, and a link in the place of
another notebook's `NAME`.
"""

import re
from functools import cache
from pathlib import Path

import jupytext
from strip_outputs import canonical

from twinlib.i18n import both

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "notebooks"
LANGUAGES = ("en", "zh")
SETS = {"en": "This notebook in English", "zh": "这个笔记本的中文版"}  # for readers of another
NOT_FETCHED = both("ui.project_not_fetched")  # said before the library is there
COLAB = (
    "[![Open In Colab](https://colab.research.google.com/assets/colab-badge.svg)]"
    "(https://colab.research.google.com/github/{place})"
)
KAGGLE = (
    "[![Open in Kaggle](https://kaggle.com/static/images/open-in-kaggle.svg)]"
    "(https://www.kaggle.com/notebooks/welcome?src=https://github.com/{place}"
    "&accelerator=nvidiaTeslaT4)"
)


def sources() -> list[Path]:
    """The notebooks' sources in order, without the cells they share."""
    return sorted(FOLDER.glob("source/[0-9]*.py"))


@cache
def _cells(path):
    return jupytext.read(path, fmt="py:percent").cells


def _slug():
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    return re.search(r"^SLUG \?= (\S+)", makefile, re.MULTILINE)[1]


def notebook(source: Path, language: str) -> str:
    """The text of the .ipynb file of a source in one language."""
    common, cells = {}, []
    for cell in _cells(FOLDER / "source" / "common.py"):
        common.setdefault(cell.metadata["title"], []).append(cell)
    for cell in _cells(source):
        several = [cell] if cell.source else common[cell.metadata["title"]]
        cells += [one for one in several if one.metadata.get("lang", language) == language]
    place = f"{_slug()}/blob/main/notebooks/{language}/{source.stem}.ipynb"
    made = [_cell(cell, source.stem, language) for cell in cells]
    made[0]["source"] += f"\n\n{COLAB.format(place=place)}\n{KAGGLE.format(place=place)}"
    others = (code for code in LANGUAGES if code != language)
    links = [f"[{SETS[code]}](../{code}/{source.stem}.ipynb)" for code in others]
    made[0]["source"] += "\n\n" + " · ".join(links)
    return canonical(made)


def _cell(cell, stem, language):
    text = cell.source.replace('"LANGUAGE"', f'"{language}"').replace('"NOTEBOOK"', f'"{stem}"')
    text = text.replace("NOT_FETCHED", NOT_FETCHED[language])
    if cell.cell_type == "markdown":
        text = re.sub(r"`(\d\d_\w+)`", lambda match: _link(match[1], language), text)
    return {"cell_type": cell.cell_type, "id": cell.metadata["title"], "source": text}


def _link(stem, language):
    titles = _cells(FOLDER / "source" / f"{stem}.py")[: len(LANGUAGES)]
    title = next(cell.source for cell in titles if cell.metadata["lang"] == language)
    return f"[{title.removeprefix('# ')}]({stem}.ipynb)"


def main() -> None:
    """Write both sets."""
    for language in LANGUAGES:
        for source in sources():
            path = FOLDER / language / f"{source.stem}.ipynb"
            path.parent.mkdir(exist_ok=True)
            path.write_text(notebook(source, language), encoding="utf-8", newline="\n")
    print(f"{len(sources())} notebooks in {len(LANGUAGES)} languages.")


if __name__ == "__main__":
    main()
