"""What the command line needs besides the steps: the twin opened last, and what to type."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from ..commands import in_notebook, program
from ..files import TwinError, write_atomic
from ..i18n import t
from ..text import labels
from ..twin import FILES, STEPS, Twin
from . import runtime
from .display import text_table

LAST = ".last"  # file in the twins' folder: the name or path of the twin opened last


def twins_folder() -> Path:
    """The folder in which twins are looked up by name.

    That is `twins` here, or where there is none that of the notebooks, if it holds a twin: what
    else they leave there, such as the language that they were read in, makes no difference.
    """
    if "TWINLIB_TWINS" in os.environ:
        return Path(os.environ["TWINLIB_TWINS"])
    here = Path("twins")
    return here if here.is_dir() or not _twins_in(runtime.home()) else runtime.home()


def opened(name: str | None, create: bool) -> Twin:
    """The twin called `name`, or without a name the one opened last; it is now the last one.

    Raises TwinError where there is none, with the command that makes one, or the name of the twin
    that was meant; where one is made, that name is printed. A name of blanks is none.
    """
    folder = twins_folder()
    if name is not None and not (Twin.locate(name) / FILES["facts"]).exists():
        near = runtime.nearest(Path(name).name, runtime.titles(folder))
        if near and not create:
            raise TwinError(t("core.no_twin_but", name=name, near=near))
        if near:
            print("! " + t("core.new_twin_but", name=name, near=near), file=sys.stderr)
    twin = Twin.open(last() if name is None else name, create)
    inside = twin.path.resolve().parent == folder.resolve()
    with suppress(OSError):  # on a full or read-only disk only the next default is lost
        write_atomic(folder / LAST, twin.name if inside else str(twin.path.resolve()))
    return twin


@contextmanager
def made_if_used(name: str | None) -> Iterator[tuple[Twin, bool]]:
    """The twin called `name`, or the one opened last, and whether it was made for this block.

    One that was made and then refused a step, found nothing to learn, or was given nothing to keep,
    is removed again, with the folders that were made for it; the twin opened before is then the
    last one again.
    """
    path = last() if name is None else Twin.locate(name)
    missing = [folder for folder in (path, *path.parents) if not folder.exists()]
    made = not (path / FILES["facts"]).exists()
    note = twins_folder() / LAST
    noted = note.read_bytes() if note.is_file() else None
    twin, ended, refused = opened(name, create=True), False, False
    try:
        yield twin, made
        ended = True
    except (TwinError, KeyboardInterrupt) as error:
        ended, refused = True, isinstance(error, TwinError)
        raise
    finally:  # after another error the disk may be gone: what is there is left alone
        unused = made and ended and twin.is_unused()
        tried = made and refused and not unused and twin.came_to_nothing()
        if unused or tried:
            with suppress(OSError):
                twin.remove()
                if tried:  # it was said that it was made
                    print("! " + t("ui.not_kept_twin", name=twin.title), file=sys.stderr)
                if noted is None:
                    note.unlink(missing_ok=True)
                else:
                    write_atomic(note, noted)
                for folder in missing[1:]:
                    folder.rmdir()


def last() -> Path:
    """The folder of the twin opened last here or in a notebook, or of the only one."""
    folder = twins_folder()
    try:
        noted = (folder / LAST).read_text(encoding="utf-8").strip()
    except (OSError, ValueError):
        noted = ""
    if noted and (folder / noted / FILES["facts"]).exists():
        return folder / noted
    twins = all_twins()
    if len(twins) == 1:
        return twins[0]
    if not twins:
        raise TwinError(t("ui.no_twin_yet", folder=folder))
    names = ", ".join(path.name for path in twins)
    raise TwinError(t("ui.which_twin", names=names))


def all_twins() -> list[Path]:
    """The folders of the twins, by name."""
    return _twins_in(twins_folder())


def _twins_in(folder):
    # Not a hidden one, which a stopped import left.
    return sorted(facts.parent for facts in folder.glob("[!.]*/" + FILES["facts"]))


def twins_table() -> str:
    """A table of the twins: name, author, base model, steps done."""
    rows = []
    for path in all_twins():
        try:
            twin = Twin(path)
            done = sum(twin.report_path(step).exists() for step in STEPS)
            base = twin.facts.get("base", {}).get("name", "")
            rows.append((twin.title, twin.author, base, f"{done}/{len(STEPS)}"))
        except TwinError as error:
            rows.append((path.name, str(error), "", ""))
    return text_table((t("ui.twin"), t("ui.author"), t("ui.base_model"), t("ui.steps_done")), rows)


def summary(step: str, figures: dict[str, dict]) -> str:
    """What a step made, or can be done with it, in a sentence; '' where its verdict says it."""
    if step == "evaluate" and not in_notebook():
        return t("ui.talk_command", command=f"{program()} talk")
    if step != "corpus":
        return ""
    names = ("documents", "passages", "rows", "dropped", "parts_dropped")
    values = {name: figures[name]["value"] for name in names}
    return t("ui.corpus_summary", **values, uses=labels.note(figures["passages"]))
