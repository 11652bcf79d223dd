"""Write the tables of what fits which card into the READMEs: python tools/cards.py.

They stand between `<!-- NAME -->` and `<!-- end -->`, and come from models/which_card.py.
"""

import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
READMES = {"en": "README.md", "zh": "README.zh-CN.md"}


def tables(language: str) -> dict[str, str]:
    """{name of the place: table in Markdown}."""
    from twinlib.models import which_card

    found = {"cards": which_card.training_table(), "files": which_card.running_table()}
    return {name: markdown(*table, language) for name, table in found.items()}


def markdown(header, rows, language: str) -> str:
    """A table of cells that are texts or {language: text}."""
    lines = [
        [cell[language] if isinstance(cell, dict) else str(cell) for cell in row]
        for row in (header, *rows)
    ]
    lines.insert(1, ["---"] * len(header))
    return "\n".join("| " + " | ".join(line) + " |" for line in lines).replace("| --- ", "|---")


def filled(text: str, language: str) -> str:
    """A README with today's tables."""
    for name, table in tables(language).items():
        place = rf"(<!-- {name} -->\n).*?(\n<!-- end -->)"
        text, count = re.subn(place, rf"\g<1>{table}\g<2>", text, flags=re.DOTALL)
        if count != 1:
            raise SystemExit(f"no place for the table {name}")
    return text


def main():
    for language, name in READMES.items():
        path = ROOT / name
        path.write_text(filled(path.read_text(encoding="utf-8"), language), encoding="utf-8")


if __name__ == "__main__":
    main()
