"""What pyproject.toml can't say: the README as package indexes show it, with whole addresses.

A relative link or picture leads nowhere there.
"""

import re
from pathlib import Path

from setuptools import setup

ROOT = Path(__file__).resolve().parent
_LINK = re.compile(r"(?P<before>\]\(|\b(?:href|src)=\")(?!https?:|mailto:|#)(?P<path>[^)\s\"]+)")


def with_whole_addresses(markdown: str, repository: str) -> str:
    """A page of the repository whose links and pictures lead to it from anywhere."""

    def whole(match):
        is_picture = re.search(r"\.(?:png|webp|svg)$", match["path"])
        kind = "raw" if is_picture else "blob"
        return f"{match['before']}{repository}/{kind}/main/{match['path']}"

    return _LINK.sub(whole, markdown)


def _repository():
    project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    return re.search(r'^Repository = "(.+)"', project, re.MULTILINE)[1]


if __name__ == "__main__":
    setup(
        long_description=with_whole_addresses(
            (ROOT / "README.md").read_text(encoding="utf-8"), _repository()
        ),
        long_description_content_type="text/markdown",
    )
