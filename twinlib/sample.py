"""The sample blog: an invented author's posts, which only the twin `demo` starts with."""

import os
from pathlib import Path

TWIN = "demo"  # the twin that the sample blog is for, and the first on a machine
FOLDER = Path(__file__).resolve().parents[1] / "data_samples"
AUTHOR = "Ning"
NAMED = {"en": AUTHOR, "zh": "宁半圈"}  # in sentences for people
_NAMES = (*NAMED.values(), "宁师傅", "老宁", "阿宁")
INTRODUCTION = (
    "I'm Ning, neighbour: I fixed trams for twenty-six years, and now I mend bicycles on Pier "
    "Three, with hot tea and a cat on the toolbox. 街坊，我姓宁，修了二十六年电车，"
    "现在在三号码头摆摊修自行车。半圈以内不收钱，说完了，拧紧。"
)


def source(twin: str, chosen: dict) -> dict:
    """{'source': its posts} for the twin `demo`, given the settings chosen so far; {} otherwise.

    Nor where the owner chose what to read, or gave another author's name.
    """
    ours = twin == TWIN and "source" not in chosen and is_author(chosen.get("author", ""))
    return {"source": str(FOLDER / "posts")} if ours and FOLDER.is_dir() else {}


def is_sample(source: str) -> bool:
    """Whether a source is the sample blog."""
    path = os.path.expanduser(source)  # without an error for the home of nobody
    return bool(source) and Path(path).resolve() in (FOLDER, FOLDER / "posts")


def is_author(name: str) -> bool:
    """Whether a name is that of the sample blog's author, or none is given."""
    return not name or name in _NAMES
