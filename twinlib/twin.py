"""The twin folder: every step reads what earlier steps saved there and saves its own result.

Its paths are in twin_folder.py. Files are written under a temporary name and renamed. A
step's report.json is written last: without a readable report the step is not done.
"""

import os
import shutil
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import NamedTuple

from .files import (
    DamagedFile,
    TwinError,
    hash_of,
    is_home,
    is_no_home,
    json_or,
    known_fields,
    locked,
    read_json,
    read_records,
    write_json,
)
from .i18n import Sentence, Texts, choose, data, restored, step_title, t
from .twin_folder import FILES, REPOSITORIES, TwinFolder, folder_names, is_passing, set_aside

STEPS = ("corpus", "persona", "reasoning", "quantize", "evaluate", "publish", "memory")
AUTO = "auto"


class Stopped(Exception):
    """Raised after an interrupt, once the step has saved its work."""


class Problem(NamedTuple):
    """A reason not to start a step (`level` 'stop') or a warning (`level` 'warning').

    `text` is a sentence with the next action.
    """

    level: str
    text: str


class Outcome(NamedTuple):
    """The result of a step's run(); `inputs` are from Twin.inputs.

    `settings` are those that were used, without 'auto'; where nothing was done they are as chosen.
    """

    figures: dict[str, dict]
    inputs: dict[str, str]
    warnings: list[str]
    settings: object


@dataclass(frozen=True)
class Report:
    """The report of a finished step. Times are seconds since 1970, UTC; `inputs` {path: sha256}."""

    step: str
    settings: dict
    started: float
    finished: float
    machine: dict
    versions: dict
    inputs: dict
    figures: dict
    warnings: list

    def _ipython_display_(self):  # a cell that ends with run.step has shown all there is
        pass


@dataclass(frozen=True)
class State:
    """State of a step: `name` is done, stale, missing or broken, and `why` a sentence or ''."""

    name: str
    why: str = ""
    report: Report | None = field(default=None, repr=False)


def figure(
    value: float | dict | None,
    low: float | None = None,
    high: float | None = None,
    n: int | None = None,
    note: str | Texts = "",
    level: str = "",
) -> dict:
    """A figure of a report: value (None: not measured), 95 % interval, sample size, a sentence.

    The note of a sentence in all languages is kept twice: as `note` in the language of the run, and
    as `said`, from which text.labels.note makes it again in the reader's. `level` is good, unsure,
    so-so or bad, for a figure that is judged.
    """
    measured = {"value": value, "low": low, "high": high, "n": n}
    return noted(measured, note, level)


def noted(measured: dict, note: str | Texts, level: str = "") -> dict:
    """The figure with another note and level."""
    found = {name: part for name, part in measured.items() if name not in ("said", "level")}
    found["note"] = choose(note) if isinstance(note, dict) else note
    if isinstance(note, Texts) and any(note.values()):
        found["said"] = note.kept
    return {**found, "level": level} if level else found


def _warning(kept: str | dict) -> str:
    """A warning of a report in the reader's language, or as it is if only its text is kept."""
    if isinstance(kept, str):
        return kept
    try:
        return choose(restored(kept["said"]))
    except (KeyError, ValueError, TypeError, AttributeError):
        return kept["text"]  # said by another version


def _are(kind, values):
    return all(isinstance(value, kind) for value in values)


def _are_facts(facts):
    """Whether what twin.json holds has the types that it is read with."""
    settings, ran, base = (facts.get(name, {}) for name in ("settings", "ran", "base"))
    return (
        _are(dict, (settings, ran, base, facts.get("left_out", {})))
        and _are(dict, (*settings.values(), *ran.values()))
        and _are(str, (facts.get("name", ""), facts.get("author", ""), base.get("name", "")))
    )


def _checked(report):
    """The report; raises ValueError or TypeError when it has not the types that it is read with."""
    groups = (report.settings, report.machine, report.inputs, report.figures)
    if not (_are(dict, groups) and _are(dict, report.figures.values()) and report.finished >= 0):
        raise ValueError
    return report


def _label(step, name):
    """{language: label} of a setting, or the name of one that no longer exists."""
    entries = data("settings")
    known = entries[step].get(name) or entries["shared"].get(name)
    return known["label"] if known else name


def _folder_of(path):
    """The folder of a twin whose name ends the path: the one it has, or else the first free one."""
    if os.path.isfile(path / FILES["facts"]):  # False for a name that no file can have
        return path  # also where its owner renamed it
    folders = [path.with_name(name) for name in folder_names(path.name)]
    own = [folder for folder in folders if _given_name(folder) == path.name]
    free = [folder for folder in folders if not (folder / FILES["facts"]).exists()]
    return folders[0] if len(folders) == 1 else [*own, *free, folders[-1]][0]


def _given_name(folder):
    """The name in a folder's twin.json; None where there is none."""
    return json_or(folder / FILES["facts"], {}).get("name")


class Twin(TwinFolder):
    """A twin folder; `Twin.open('demo')` finds or creates it. `facts` is twin.json's content."""

    def __init__(self, path: Path):
        super().__init__(path)
        self._known_drafts: dict[str, dict] = {}  # those of each step that this object read or kept
        self.reread()

    def reread(self) -> None:
        """Read twin.json again, which another process may have changed."""
        self.facts = self._read_facts()
        is_home(self.path, self.file("facts"))
        # Recover the base if twin.json was deleted: the card's licence and the adapter need it.
        if not self.facts.get("base"):
            self.facts["base"] = self._trained_base()

    @classmethod
    def locate(cls, name: str | Path) -> Path:
        """The folder of a name or path; raises TwinError for an empty name."""
        text = str(name).strip()
        try:
            if os.sep in text or text.startswith((".", "~")):
                path = Path(text).expanduser()
            else:
                path = Path(os.environ.get("TWINLIB_TWINS", "twins")) / text
            if text in ("", "~") or path.name in ("", ".."):
                raise ValueError
            return _folder_of(path)
        except (ValueError, RuntimeError):  # also of '~name', where nobody has that name
            raise TwinError(
                t("core.not_a_twin_name", name=text.encode("utf-8", "replace").decode())
            ) from None

    @classmethod
    def open(cls, name: str | Path, create: bool = True) -> "Twin":
        """The twin of a name or path; made if it doesn't exist, or TwinError without `create`."""
        path = cls.locate(name)
        if not (path / FILES["facts"]).exists():
            if not create:
                raise TwinError(t("core.no_twin", path=path, name=name))
            facts = {
                "name": Path(name).name.strip(),
                "author": "",
                "introduction": "",
                "languages": [],
                "base": {},
                "system_prompt": "",
                "consent": {},
                "settings": {},
            }
            try:
                is_no_home(path)
                path.mkdir(parents=True, exist_ok=True)
                write_json(path / FILES["facts"], facts)
            except (FileExistsError, NotADirectoryError):
                raise TwinError(t("core.not_a_folder", path=path)) from None
            except OSError as error:  # a disk that is full or can't be written
                reason = error.strerror or error
                raise TwinError(t("core.twin_not_made", path=path, error=reason)) from None
        twin = cls(path)
        for step in ("persona", "reasoning"):
            twin.finish_saving(step)
        return twin

    def is_unused(self) -> bool:
        """Whether the folder holds nothing but what making it and a refused step left there."""
        facts = {name: fact for name, fact in self._read_facts().items() if name != "name"}
        made = {FILES[key] for key in ("facts", "lock", "running", "stop", "hashes")}
        return not any(facts.values()) and set(self._names()) <= made

    def came_to_nothing(self) -> bool:
        """Whether it holds no more than a step 01 that learnt nothing left, and what was typed."""
        made = {FILES[key] for key in ("facts", "lock", "running", "stop", "hashes", "drafts")}
        made |= {self.history("corpus").relative_to(self.path).as_posix()}
        made |= set() if self.decisions() else {FILES["decisions"]}
        known = any(map(self._read_facts().get, ("author", "base", "consent")))
        return not known and all(is_passing(name) or name in made for name in self._names())

    def _names(self):
        """The names of its files, relative to its folder."""
        files = (path for path in self.path.rglob("*") if not path.is_dir())
        return [path.relative_to(self.path).as_posix() for path in files]

    def remove(self) -> None:
        """Remove the folder with what `is_unused` and `came_to_nothing` allow in it.

        Raises OSError if anything was added meanwhile.
        """
        for name in self._names() if self.is_unused() or self.came_to_nothing() else ():
            (self.path / name).unlink(missing_ok=True)
        for folder in sorted(filter(Path.is_dir, self.path.rglob("*")), reverse=True):
            folder.rmdir()
        self.path.rmdir()

    def become(self, other: "Twin") -> None:
        """Be another twin from now on, for everything that holds this object."""
        self.path, self.facts, self._known_drafts = other.path, other.facts, {}

    def _read_facts(self):
        try:
            facts = read_json(self.file("facts"), damaged="core.facts_damaged")
        except FileNotFoundError:
            raise TwinError(t("core.no_twin", path=self.path, name=self.name)) from None
        if not _are_facts(facts):
            raise DamagedFile(t("core.facts_damaged", path=self.file("facts")))
        return facts

    def _trained_base(self):
        """{name, revision} of the base in the report of persona; {} without one."""
        try:
            inputs = self.report("persona").inputs
        except (TwinError, AttributeError):
            return {}
        for name, revision in inputs.items():
            if name.startswith("base:"):
                return {"name": name.removeprefix("base:"), "revision": revision}
        return {}

    @property
    def title(self) -> str:
        """The twin's name as its owner gave it, in any script."""
        given = self.facts.get("name") or self.name
        return given if self.name in folder_names(given) else self.name

    @property
    def author(self) -> str:
        """The author's name, as readers see it; the twin's if none was given."""
        return self.facts.get("author") or self.title

    def remember(self, **facts) -> None:
        """Set facts in twin.json, atomically."""
        self._change_facts(lambda before: facts)

    def _change_facts(self, change):
        """Set the facts that change(facts in twin.json) returns; nobody else's change is lost."""
        with locked(self.file("lock")):
            before = self._read_facts()
            self.facts = {**before, **change(before)}
            write_json(self.file("facts"), self.facts)

    # Drafts: what is typed into the forms before a step runs with it

    def drafts(self, step: str) -> dict:
        """{name of a setting: typed} since the step's last run; what is typed may be invalid."""
        drafts = self._read_drafts().get(step, {})
        self._known_drafts[step] = drafts
        return dict(drafts)

    def draft(self, step: str, **typed) -> None:
        """Keep what was typed into a step's form; raises OSError when the file can't be written."""
        if typed.items() <= self.drafts(step).items():
            return
        with locked(self.file("lock")):
            drafts = self._read_drafts()
            drafts[step] = self._known_drafts[step] = {**drafts.get(step, {}), **typed}
            write_json(self.file("drafts"), drafts)

    def _read_drafts(self):
        """{step: drafts}; {} without the file, or when somebody damaged it by hand."""
        drafts = json_or(self.file("drafts"), {})
        return {step: typed for step, typed in drafts.items() if isinstance(typed, dict)}

    def _forget_drafts(self, step):
        """Remove the step's drafts that this object knew of; later ones stay."""
        known = self._known_drafts.pop(step, {})
        with locked(self.file("lock")):
            drafts = self._read_drafts()
            typed = drafts.pop(step, {})
            later = dict(item for item in typed.items() if item not in known.items())
            if later != typed:
                write_json(self.file("drafts"), {**drafts, step: later} if later else drafts)

    # Records, decisions

    def records(self, key: str) -> list[dict]:
        """The records of a JSON Lines file; raises TwinError when it is missing or damaged."""
        path = self.file(key)
        step = FILES[key].split("/")[0]
        if not path.exists():
            # Of the twin that this one was exported from, without its owner's writing.
            stayed = FILES[key] in self.facts.get("left_out", {})
            missing = "core.writing_stayed" if stayed else "core.file_missing"
            raise TwinError(t(missing, path=path, step=step))
        return read_records(path, step)

    def decisions(self) -> dict[str, dict]:
        """The owner's decisions: {content id: {action: drop|restore|edit|keep|mask|approve, …}}."""
        return {**self._read_decisions("approved"), **self._read_decisions("decisions")}

    def _read_decisions(self, key):
        try:
            return read_json(self.file(key), damaged="core.decisions_damaged")
        except FileNotFoundError:
            return {}

    def decide(self, content: str, **decision) -> None:
        """Save one decision of the owner about the content with this id."""
        with locked(self.file("lock")):
            self._keep_decision(content, {**self.decisions().get(content, {}), **decision})

    def undecide(self, content: str, before: dict | None = None) -> None:
        """Restore the decision about this content to `before`, or remove it."""
        with locked(self.file("lock")):
            self._keep_decision(content, before)

    def _keep_decision(self, content, before):
        """Save a decision, for somebody who holds the lock.

        Approvals are saved in a file of their own that is no input of a step, because they change
        no training row and must not make a step stale. The file that gains the decision is written
        first, so that it is in one of them at any time.
        """
        target = "approved" if (before or {}).get("action") == "approve" else "decisions"
        for key in sorted(("approved", "decisions"), key=lambda key: key != target):
            saved = self._read_decisions(key)
            changed = {name: decision for name, decision in saved.items() if name != content}
            if before and key == target:
                changed[content] = before
            if changed != saved:
                write_json(self.file(key), changed)

    # Reports and staleness

    def start(self, step: str, settings: dict, write: bool = True) -> None:
        """Save the settings chosen for a step, so that a report made with others becomes stale.

        The drafts that they were made from are forgotten. Without `write` only this object changes,
        because another process writes the files.
        """

        def changed(facts):
            return {"settings": {**facts.get("settings", {}), step: settings}}

        if not write:
            self.facts |= changed(self.facts)
            return
        if self.facts.get("settings", {}).get(step) != settings:
            self._change_facts(changed)
        self._forget_drafts(step)

    def report(self, step: str) -> Report | None:
        """The report of a step, or None without one; raises TwinError when it is damaged."""
        path = self.report_path(step)
        if not path.exists():
            return None
        try:
            kept = read_json(path)
            warnings = list(map(_warning, kept["warnings"]))
            return _checked(Report(**known_fields(Report, {**kept, "warnings": warnings})))
        except (ValueError, TypeError, KeyError):
            raise TwinError(t("core.report_damaged", path=path, step=step)) from None

    def finish(self, report: Report, requested: dict | None = None) -> None:
        """Write a step's report; this must be the last thing that a step does.

        `requested` are the settings before the plan replaced every 'auto'.
        """
        warnings = [
            {"text": text, "said": text.texts.kept} if isinstance(text, Sentence) else text
            for text in report.warnings
        ]
        write_json(self.report_path(report.step), {**asdict(report), "warnings": warnings})
        checkpoints = self.checkpoints(report.step)
        for folder in (checkpoints, set_aside(checkpoints)):  # needed no more
            shutil.rmtree(folder, ignore_errors=True)
        if requested is not None:
            self._change_facts(
                lambda facts: {"ran": {**facts.get("ran", {}), report.step: requested}}
            )

    def state(self, step: str) -> State:
        """Whether a step has run, and whether its inputs, settings and output are unchanged."""
        try:
            report = self.report(step)
        except TwinError as error:
            return State("broken", str(error))
        if report is None:
            return State("missing")
        changed = self._changed(report) or self._lost(report)
        return State("stale", changed, report) if changed else State("done", "", report)

    def _changed(self, report):
        """A sentence about the first setting or input that changed since the report; '' if none."""
        chosen = self.facts.get("settings", {}).get(report.step, {})
        requested = self.facts.get("ran", {}).get(report.step, {})
        for name, value in chosen.items():
            if value == AUTO:
                changed = requested.get(name, AUTO) != AUTO
            else:
                before = report.settings.get(name, value)
                if name == "source":
                    before, value = self.here(before), self.here(value)
                changed = before != value
            if changed:
                return t("core.setting_changed", name=_label(report.step, name))
        for name, before in report.inputs.items():
            if name.startswith("base:"):
                if self.facts.get("base", {}).get("revision") not in (None, before):
                    return t("core.base_model_changed")
            elif self._hash_now(name) not in (None, before):
                step, _, file = name.partition("/")
                if step in STEPS and file != "decisions.json":
                    return t("core.result_changed", step=step_title(step))
                return t("core.input_changed", name=name)
        return ""

    def _lost(self, report):
        """A sentence about output of the step that no longer exists; '' when all of it does."""
        outputs = {
            "corpus": [self.file("train")],
            "persona": [self.adapter("persona")],
            "reasoning": [self.adapter("reasoning")],
            "evaluate": [self.file("answers")],
            "publish": [self.file("uploads"), self._published()],
            "memory": [self.file("memory_passages"), self.file("memory_graph")],
            "quantize": [
                self.gguf(name.removeprefix("size_mb_"))
                for name in report.figures
                if name.startswith("size_mb_")
            ],
        }
        left_out = {self.path / name for name in self.facts.get("left_out", {})}
        for path in outputs.get(report.step, []):
            if path in left_out and report.step != "quantize":
                continue
            if not path.exists() and not path.with_name(path.name + ".failed").exists():
                return t("core.output_missing", name=path.name)
        return ""

    def _published(self):
        """A folder of files to upload; repositories are named after the twin."""
        folders = [self.upload(self.plain_name + ending) for ending in REPOSITORIES.values()]
        return next(filter(Path.exists, folders), folders[0])

    def _hash_now(self, name):
        path = self.path / name
        if path.exists():
            return self.hash(path)
        if name in self.facts.get("left_out", {}):  # of the twin that this one was exported from
            return self.facts["left_out"][name]
        # A file outside the twin may be unreachable after a move or in a new runtime, or belong to
        # another system. That counts as unchanged.
        outside = PurePosixPath(name).is_absolute() or PureWindowsPath(name).is_absolute()
        return None if outside else ""

    def inputs(self, *paths: Path, base: bool = False) -> dict[str, str]:
        """{path: sha256} of the files and folders that a step reads.

        With `base` also {base:NAME: revision}. The hash of a missing path inside the twin is '', so
        that the step becomes stale when it is created.
        """
        hashes, root = {}, self.path.resolve()
        for path in map(Path, paths):
            full = path.resolve()
            inside = full.is_relative_to(root)
            if inside or path.exists():
                name = full.relative_to(root) if inside else full
                hashes[name.as_posix()] = self.hash(path) if path.exists() else ""
        if base and self.facts.get("base"):
            hashes[f"base:{self.facts['base']['name']}"] = self.facts["base"]["revision"]
        return hashes

    def hash(self, path: Path) -> str:
        """The sha256 of a file, or a folder's names and contents; kept until they change."""
        before = json_or(self.file("hashes"), {})
        cache = dict(before)
        value = hash_of(Path(path), cache, leave_out=self.path.resolve())
        if cache != before:
            with suppress(OSError):  # on a full or read-only disk it is hashed again next time
                write_json(self.file("hashes"), cache)
        return value

    def newest_adapter(self) -> tuple[str, Path] | tuple[None, None]:
        """(step, path) of reasoning's adapter if that step is done, else persona's, else Nones.

        None as well where persona is of other texts: what was practised is built on it.
        """
        newest = None, None
        for step in ("persona", "reasoning"):
            if self.state(step).name == "done" and self.adapter(step).exists():
                newest = step, self.adapter(step)
            elif step == "persona":
                break
        return newest
