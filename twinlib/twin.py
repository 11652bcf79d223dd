"""The twin folder: where every step reads what the steps before it saved, and saves its own result.

This is the only module that knows a path inside the folder. Files are written to a temporary name and renamed;
a step's report.json is written last, so a step without a readable report is not done.
"""

import json
import os
import re
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import NamedTuple

from .files import (
    TwinError,
    hash_of,
    read_records,
    write_json,
)
from .i18n import t

STEPS = ("corpus", "persona", "reasoning", "quantize", "evaluate", "publish")
AUTO = "auto"
FILES = {
    "facts": "twin.json",
    "hashes": ".hashes.json",
    "documents": "corpus/documents.jsonl",
    "passages": "corpus/passages.jsonl",
    "train": "corpus/train.jsonl",
    "val": "corpus/val.jsonl",
    "test": "corpus/test.jsonl",
    "decisions": "corpus/decisions.json",
    "approved": "corpus/approved.json",
    "dropped": "corpus/dropped.csv",
    "personal": "corpus/personal.jsonl",
    "senders": "corpus/senders.json",
    "questions": "corpus/questions.jsonl",
    "interview": "interview/answers.jsonl",
    "replay": "persona/replay.jsonl",
    "samples": "persona/samples.jsonl",
    "problems": "reasoning/problems.jsonl",
    "solutions": "reasoning/solutions.jsonl",
    "template": "quantize/template",
    "system": "quantize/system",
    "params": "quantize/params",
    "modelfile": "quantize/Modelfile",
    "comparisons": "quantize/comparisons.jsonl",
    "uploads": "publish/uploads.jsonl",
    "answers": "evaluate/answers.jsonl",
    "scores": "evaluate/scores.jsonl",
    "side_by_side": "evaluate/side_by_side.html",
    "blind_test": "evaluate/blind_test.html",
    "blind_answers": "evaluate/blind_answers.jsonl",
    "blind_samples": "evaluate/blind_samples.jsonl",
    "blind_tests": "evaluate/blind_tests.jsonl",
    "blind_codes": "evaluate/blind_codes.txt",
}


class Stopped(Exception):
    """The owner asked to stop; what was done is saved."""


class Problem(NamedTuple):
    """Why a step should not start: `level` is 'stop' or 'warning', `text` a sentence with the next action."""

    level: str
    text: str


class Outcome(NamedTuple):
    """What a step's run() hands back: figures by name, inputs as Twin.inputs gives them, warnings, final settings."""

    figures: dict
    inputs: dict
    warnings: list
    settings: object


@dataclass(frozen=True)
class Report:
    """What a step did; the same fields for every step. Times are seconds since 1970, UTC."""

    step: str
    settings: dict
    started: float
    finished: float
    machine: dict
    versions: dict
    inputs: dict
    figures: dict
    warnings: list


@dataclass(frozen=True)
class State:
    """How a step stands: `name` is done, stale, missing or broken; `why` says what changed."""

    name: str
    why: str = ""
    report: Report | None = field(default=None, repr=False)


def figure(value, low=None, high=None, n=None, note=""):
    """One figure of a report: the value (None when it was not measured), its interval, its sample size, a sentence."""
    return {"value": value, "low": low, "high": high, "n": n, "note": note}


def _quality(kind):
    """Sort key of quantization types: more bits first, but 16 and 32 last (hardly better than 8)."""
    digits = re.search(r"\d+", kind)
    bits = int(digits[0]) if digits else 99
    return bits > 8, bits if bits > 8 else -bits, len(kind), kind


class Twin:
    """A twin folder that exists. `Twin.open('demo')` finds or makes it; `facts` is its twin.json."""

    def __init__(self, path):
        self.path = Path(path)
        self.facts = self._read_facts()
        if not self.facts.get(
            "base"
        ):  # a deleted twin.json must not cost the licence and the adapter their base
            self.facts["base"] = self._trained_base()

    @classmethod
    def locate(cls, name):
        """The folder a name or path means; raises TwinError for a name that cannot be a file or repository name."""
        text = str(name)
        if os.sep in text or text.startswith((".", "~")):
            path = Path(text).expanduser()
        else:
            path = Path(os.environ.get("TWINLIB_TWINS", "twins")) / text
        if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", path.name):
            raise TwinError(t("core.cant_name_twin_use_latin", name=path.name))
        return path

    @classmethod
    def open(cls, name, create=True):
        """The twin called `name` (or at that path), made when it is not there yet and `create` is true."""
        path = cls.locate(name)
        if not (path / FILES["facts"]).exists():
            if not create:
                raise TwinError(t("core.no_twin_make_one_python", path=path, name=name))
            path.mkdir(parents=True, exist_ok=True)
            write_json(
                path / FILES["facts"],
                {
                    "name": path.name,
                    "author": "",
                    "introduction": "",
                    "languages": [],
                    "base": {},
                    "system_prompt": "",
                    "consent": {},
                    "settings": {},
                },
            )
        return cls(path)

    def _read_facts(self):
        try:
            facts = json.loads(self.file("facts").read_text(encoding="utf-8"))
            if not isinstance(facts, dict):
                raise ValueError
        except (ValueError, UnicodeDecodeError):
            raise TwinError(
                t("core.damaged_delete_run_step_01", value=self.file("facts"))
            ) from None
        return facts

    def _trained_base(self):
        """{name, revision} of the base that the persona adapter was trained on, from its report; {} without one."""
        try:
            inputs = self.report("persona").inputs
        except (TwinError, AttributeError):
            return {}
        found = [
            (name[5:], revision) for name, revision in inputs.items() if name.startswith("base:")
        ]
        return dict(zip(("name", "revision"), found[0])) if found else {}

    # Where things are

    @property
    def name(self):
        """The folder's name, which is also the file and repository name."""
        return self.path.name

    @property
    def author(self):
        """How readers call the owner; the folder's name until they said."""
        return self.facts.get("author") or self.name

    def file(self, key):
        """The path of a file named in FILES."""
        return self.path / FILES[key]

    def folder(self, step):
        """The folder of a step, made when missing."""
        path = self.path / step
        path.mkdir(parents=True, exist_ok=True)
        return path

    def history(self, step):
        return self.path / step / "history.jsonl"

    def report_path(self, step):
        return self.path / step / "report.json"

    def adapter(self, step):
        """The LoRA adapter folder of 'persona' or 'reasoning'."""
        return self.path / step / "adapter"

    def checkpoints(self, step):
        return self.path / step / "checkpoints"

    def gguf(self, quantization):
        """The GGUF file of one quantization type: NAME-Q8_0.gguf."""
        return self.path / "quantize" / f"{self.name}-{quantization}.gguf"

    def ggufs(self):
        """{quantization type: path} of the GGUF files, the best quality for its size first."""
        before, after = self.gguf("*").name.split("*")
        found = {
            path.name.removeprefix(before).removesuffix(after): path
            for path in (self.path / "quantize").glob("*.gguf")
            if path.name.startswith(before)
        }
        return {kind: found[kind] for kind in sorted(found, key=_quality)}

    def upload(self, repository):
        """The folder whose content is what would be uploaded to one repository."""
        return self.path / "publish" / repository

    def tour(self):
        """Where the executed copies of the notebooks are kept."""
        return self.path / "tour"

    def remember(self, **facts):
        """Change facts in twin.json, atomically."""
        self.facts = {**self._read_facts(), **facts}
        write_json(self.file("facts"), self.facts)

    # Records, decisions

    def records(self, key):
        """The records of a JSON Lines file, as a list of dicts; raises TwinError when it is missing or damaged."""
        path = self.file(key)
        step = FILES[key].split("/")[0]
        if not path.exists():
            raise TwinError(t("core.run_step_first", path=path, step=step))
        return read_records(path, step)

    def decisions(self):
        """What the owner decided, by content id: {id: {action: drop|restore|edit|keep|mask|approve, ...}}."""
        return {**self._decided("approved"), **self._decided("decisions")}

    def _decided(self, key):
        path = self.file(key)
        if not path.exists():
            return {}
        try:
            return dict(json.loads(path.read_text(encoding="utf-8")))
        except (ValueError, TypeError):
            raise TwinError(t("core.damaged_restore_backup_delete_decide", path=path)) from None

    def decide(self, content, **decision):
        """Keep one decision of the owner about the content with this id."""
        self.undecide(content, {**self.decisions().get(content, {}), **decision})

    def undecide(self, content, before=None):
        """Take back what was decided about this content: it is as it was `before`, or undecided.

        Approvals have a file of their own: they change nothing that is learnt, so no step is stale after one.
        """
        place = "approved" if (before or {}).get("action") == "approve" else "decisions"
        for key in ("approved", "decisions"):
            kept = self._decided(key)
            changed = {name: decision for name, decision in kept.items() if name != content}
            changed |= {content: before} if before and key == place else {}
            if changed != kept:
                write_json(self.file(key), changed)

    # Reports and staleness

    def start(self, step, settings, write=True):
        """Note that these settings are wanted for a step: a report made with others is stale from now on. Without
        `write` only this object knows: another process writes it down."""
        wanted = self.facts.get("settings", {})
        if wanted.get(step) == settings:
            return
        changed = {**wanted, step: settings}
        if write:
            self.remember(settings=changed)
        else:
            self.facts["settings"] = changed

    def report(self, step):
        """The report of a step, or None when there is none; raises TwinError when it cannot be read."""
        path = self.report_path(step)
        if not path.exists():
            return None
        try:
            return Report(**json.loads(path.read_text(encoding="utf-8")))
        except (ValueError, TypeError):
            raise TwinError(t("core.damaged_run_step_again", path=path, step=step)) from None

    def finish(self, report, asked=None):
        """Write a step's report: the last thing a step does. `asked` are the settings before the plan filled them."""
        write_json(self.report_path(report.step), asdict(report))
        if asked is not None:
            self.remember(ran={**self.facts.get("ran", {}), report.step: asked})

    def state(self, step):
        """The State of a step: has it run, and do its inputs and settings still stand?"""
        try:
            report = self.report(step)
        except TwinError as error:
            return State("broken", str(error))
        if report is None:
            return State("missing")
        changed = self._changed(report) or self._lost(report)
        return State("stale", changed, report) if changed else State("done", "", report)

    def _changed(self, report):
        wanted = self.facts.get("settings", {}).get(report.step, {})
        ran = self.facts.get("ran", {}).get(report.step, {})
        for name, value in wanted.items():
            back_to_auto = value == AUTO and ran.get(name, AUTO) != AUTO
            if (
                back_to_auto
                or value != AUTO
                and name in report.settings
                and report.settings[name] != value
            ):
                return t("core.setting_changed", name=name)
        for name, before in report.inputs.items():
            if name.startswith("base:"):
                if self.facts.get("base", {}).get("revision") not in (None, before):
                    return t("core.base_model_changed")
            elif self._now(name) not in (None, before):
                return t("core.changed", name=name)
        return ""

    def _lost(self, report):
        """What the step made and is no longer there, as a sentence; '' when all of it is."""
        made = {
            "corpus": [self.file("train")],
            "persona": [self.adapter("persona")],
            "reasoning": [self.adapter("reasoning")],
            "evaluate": [self.file("answers")],
            "publish": [self.file("uploads")],
            "quantize": [
                self.gguf(name[8:]) for name in report.figures if name.startswith("size_mb_")
            ],
        }
        gone = [
            path
            for path in made.get(report.step, [])
            if not path.exists() and not path.with_name(path.name + ".failed").exists()
        ]
        return t("core.gone", name=gone[0].name) if gone else ""

    def _now(self, name):
        path = self.path / name
        if path.exists():
            return self.hash(path)
        # What lies outside the folder may be out of reach after a move or a new runtime: that is no change.
        return None if Path(name).is_absolute() else ""

    def inputs(self, *paths, base=False):
        """{path: sha256} of the files and folders a step reads; with the base's revision when `base` is true.

        What is not there (yet) inside the folder stands with '', so that the step is stale once it appears.
        """
        found = {}
        for path in map(Path, paths):
            inside = path.resolve().is_relative_to(self.path.resolve())
            name = path.resolve().relative_to(self.path.resolve()) if inside else path.resolve()
            if inside or path.exists():
                found[name.as_posix()] = self.hash(path) if path.exists() else ""
        if base and self.facts.get("base"):
            found[f"base:{self.facts['base']['name']}"] = self.facts["base"]["revision"]
        return found

    def hash(self, path):
        """The sha256 of a file, or of a folder's names and contents; hashed again only when size or time changed."""
        cache, before = self._hashes(), self._hashes()
        value = hash_of(Path(path), cache, leave_out=self.path.resolve())
        if cache != before:
            write_json(self.file("hashes"), cache)
        return value

    def _hashes(self):
        try:
            return json.loads(self.file("hashes").read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}

    def newest_adapter(self):
        """(step, path) of the adapter to use: reasoning's when it is fresh, else persona's, else (None, None)."""
        for step in ("reasoning", "persona"):
            if self.state(step).name == "done" and self.adapter(step).exists():
                return step, self.adapter(step)
        return None, None
