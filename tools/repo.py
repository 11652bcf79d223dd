"""Rewrite every badge and clone line for a fork: python tools/repo.py owner/name."""

import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
MAKEFILE = ROOT / "Makefile"
CURRENT = re.search(r"^SLUG \?= (\S+)", MAKEFILE.read_text(encoding="utf-8"), re.MULTILINE)[1]


def _pages(slug):
    """The address of the site that GitHub Pages makes of a repository, without https://."""
    owner, name = slug.split("/")
    return f"{owner.lower()}.github.io/{name}"


def main(slug: str) -> None:
    """Replace the present owner/name and the address of its pages by those of `slug`."""
    if not re.fullmatch(r"[A-Za-z0-9._-]+/[A-Za-z0-9._-]+", slug):
        sys.exit(f"'{slug}' is not owner/name, as in github.com/owner/name.")
    patterns = ("Makefile", "*.md", "*.cff", "*.toml", "mkdocs.yml", "docs/*.md", ".github/*/*.yml")
    files = [path for pattern in patterns for path in sorted(ROOT.glob(pattern))]
    files += [ROOT / "twinlib" / "__init__.py", *sorted((ROOT / "notebooks").glob("*/*.*"))]
    changed = 0
    for path in files:
        text = path.read_text(encoding="utf-8")
        renamed = text.replace(_pages(CURRENT), _pages(slug)).replace(CURRENT, slug)
        if renamed != text:
            path.write_text(renamed, encoding="utf-8")
            changed += 1
    print(f"{changed} files now point at {slug}.")


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "")
