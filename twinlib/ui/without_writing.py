"""What an export takes along without the owner's writing: a list of what may go, not of what stays.

That is what talking, quantizing and publishing need. A file that is not on the list stays behind,
so that one which a step learns to write can't leave by being forgotten here. Of twin.json, the
reports and the histories go only the parts that can't quote the writing or name people, files and
services.
"""

import hashlib
import json
from dataclasses import fields
from pathlib import PurePosixPath, PureWindowsPath

from ..files import parsed_lines, read_json
from ..settings import SETTINGS
from ..twin import FILES, STEPS, Twin
from ..twin_folder import REPOSITORIES, is_of_model

_FACTS = (
    *("name", "author", "languages", "base", "system_prompt", "consent"),
    *("settings", "ran", "left_out"),
)
_REPORTS = tuple(step for step in STEPS if step != "memory")  # nothing is left of that step
_CURVES = ("persona", "reasoning")  # the steps whose history is drawn as curves
_FILES = {
    FILES[key]
    for key in (
        *("facts", "replay", "template", "system", "params", "modelfile", "comparisons"),
        *("score_card_en", "score_card_zh"),
    )
}
_PRACTICE = {FILES[key] for key in ("problems", "solutions", "probe", "marks")}
# Files that a later step or a report misses, unless it is known that they stayed where they were.
_OUTPUTS = ("train", "answers", "uploads", "problems")


def may_go(twin: Twin, name: str) -> bool:
    """Whether the file of this name, relative to the twin's folder, goes with an export."""
    if name in _PRACTICE:
        return _is_generated(twin)
    files = {*_FILES, *_named(twin, "report_path", _REPORTS), *_named(twin, "history", _CURVES)}
    return name in files or is_of_model(name)


def _named(twin, kind, steps):
    """The names of a file that steps have, relative to the twin's folder."""
    return [getattr(twin, kind)(step).relative_to(twin.path).as_posix() for step in steps]


def _is_generated(twin):
    """Whether the program made or fetched what step 03 practised, instead of a file of the owner's.

    False where it is not known.
    """
    report = twin.report("reasoning")
    settings = report.settings if report else {}
    of_the_owner = settings.get("problems", None) != "" or settings.get("task") == "file"
    return settings.get("task") == "procedural" or not of_the_owner


def facts(twin: Twin) -> dict:
    """twin.json as it goes, with the hashes of outputs that stay."""
    kept = {name: value for name, value in twin.facts.items() if name in _FACTS}
    for chosen in ("settings", "ran"):
        by_step = kept.get(chosen, {}).items()
        kept[chosen] = {step: _open_settings(step, values) for step, values in by_step}
    stay = [twin.file(key) for key in _OUTPUTS]
    stay += [twin.upload(twin.plain_name + ending) for ending in REPOSITORIES.values()]
    stayed = {p.relative_to(twin.path).as_posix(): twin.hash(p) for p in stay if p.exists()}
    return {**kept, "left_out": {**kept.get("left_out", {}), **stayed}}


def _open_settings(step, values):
    """The settings that name nobody, no file and no service, and that this version knows."""
    declared = fields(SETTINGS[step]) if step in SETTINGS else ()
    known = {f.name for f in declared if not f.metadata["private"]}
    return {name: value for name, value in values.items() if name in known}


def reports(twin: Twin) -> dict[str, bytes]:
    """{name: content} of the reports and histories as they go.

    A report that another one was made from has a new hash, which that one is given, so that the
    steps of the imported twin are as done as they were.
    """
    contents, hashes = {}, {}
    for step in _REPORTS:
        path = twin.report_path(step)
        if not twin.report(step):  # raises TwinError for a damaged one
            continue
        kept = read_json(path)
        kept["settings"] = _open_settings(step, kept["settings"])
        kept["inputs"] = {
            name: hashes.get((name, value), value)
            for name, value in kept["inputs"].items()
            if name.startswith("base:") or not _is_absolute(name)
        }
        kept["warnings"] = []  # they may name files and people
        if step == "corpus":  # whose notes may do so, too
            kept["figures"] = {name: _mute(each) for name, each in kept["figures"].items()}
        name = path.relative_to(twin.path).as_posix()
        contents[name] = (json.dumps(kept, ensure_ascii=False, indent=1) + "\n").encode()
        hashes[name, twin.hash(path)] = hashlib.sha256(contents[name]).hexdigest()
    for step in _CURVES:
        path = twin.history(step)
        if path.exists():
            lines = parsed_lines(path.read_text(encoding="utf-8", errors="replace"))
            kept = [_numbers(record) for _, record in lines if record and "done" in record]
            text = "".join(json.dumps(record) + "\n" for record in kept)
            contents[path.relative_to(twin.path).as_posix()] = text.encode()
    return contents


def _is_absolute(name):
    return PurePosixPath(name).is_absolute() or PureWindowsPath(name).is_absolute()


def _mute(figure):
    return {name: value for name, value in figure.items() if name != "said"} | {"note": ""}


def _numbers(record):
    """A progress record without its words: a sample answer and its question are among them."""
    return {name: value for name, value in record.items() if isinstance(value, (int, float))}
