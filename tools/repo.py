"""Rewrite every badge and clone line for a fork: python tools/repo.py owner/name."""

import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
MAKEFILE = ROOT / "Makefile"
CURRENT = re.search(r"^SLUG \?= (\S+)", MAKEFILE.read_text(encoding="utf-8"), re.MULTILINE)[1]


def main(slug: str) -> None:
    """Replace the present owner/name by `slug` in the Makefile, the READMEs and the notebooks."""
    if not re.fullmatch(r"[A-Za-z0-9._-]+/[A-Za-z0-9._-]+", slug):
        sys.exit(f"'{slug}' is not owner/name, as in github.com/owner/name.")
    notebooks = sorted((ROOT / "notebooks").glob("*/*.*"))
    files = [MAKEFILE, *ROOT.glob("README*.md"), ROOT / "twinlib" / "__init__.py", *notebooks]
    changed = 0
    for path in files:
        text = path.read_text(encoding="utf-8")
        if CURRENT in text:
            path.write_text(text.replace(CURRENT, slug), encoding="utf-8")
            changed += 1
    print(f"{changed} files now point at {slug}.")


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "")
