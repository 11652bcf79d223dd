"""The settings of every step, each declared once. Forms, flags, report.json and cards use them.

A step has one frozen dataclass. A field gives its type and default and, as metadata, its `limits`
or `choices`, whether it is `advanced`, and whether it is asked anew each time (`once`). Labels and
help are in data/settings.yaml. A default of 'auto' is replaced by the plan of models/plan.py (see
`resolve`), unless the owner typed a value.
"""

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import Field, dataclass, field, fields, replace
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

from . import i18n, sample
from .files import TwinError, pasted_path
from .i18n import t
from .twin import AUTO, Problem, Stopped, Twin


class WrongSetting(ValueError):
    """A value that a setting can't have: one sentence for the owner."""


EFFORTS = ("smoke", "quick", "standard", "thorough")
_FOR_SMOKE = "for_smoke"  # in twin.json: what was chosen for the owner at that effort
# What step 03 can practise: each is a module of text/tasks.
TASKS = tuple(
    sorted(
        path.stem.removeprefix("task_")
        for path in (Path(__file__).parent / "text" / "tasks").glob("task_*.py")
    )
)


def setting(
    default,
    *,
    limits: tuple | None = None,
    choices: tuple | None = None,
    advanced: bool = False,
    once: bool = False,
    path: bool = False,
    private: bool = False,
) -> Any:
    """A field of a step's dataclass.

    `limits` are the lowest and the highest value. With `once` a form or command starts at the
    default instead of the value chosen last time. Of a `path` what people paste with it, such as
    quotation marks, is taken off. A `private` one, as every path, may quote the owner or name
    people, files or services: it stays behind when the twin is exported without the writing.
    """
    metadata = {"limits": limits, "choices": choices, "advanced": advanced, "once": once}
    metadata |= {"path": path, "private": private or path}
    return field(default=default, metadata=metadata)


def _effort():
    return setting("quick", choices=EFFORTS)


def _seed():
    return setting(1, limits=(0, 2**31 - 1), advanced=True)


@dataclass(frozen=True)
class Corpus:
    """Step 01: a folder of writing becomes training rows."""

    source: str = setting("", path=True)
    author: str = setting("")
    consent: bool = setting(False)
    introduction: str = setting("", advanced=True, private=True)
    me: str = setting("", advanced=True, private=True)
    columns: str = setting("", advanced=True, private=True)
    script: str = setting(
        "as written", choices=("as written", "simplified", "traditional"), advanced=True
    )
    short: int = setting(80, limits=(0, 5000), advanced=True)
    passage_tokens: int = setting(160, limits=(60, 1500), advanced=True)
    mask: bool = setting(True, advanced=True)
    names: str = setting("", advanced=True, private=True)
    questions: str = setting("local", choices=("local", "titles", "endpoint"), advanced=True)
    question_model: str = setting(AUTO, advanced=True)
    question_minutes: float = setting(AUTO, limits=(0.1, 10000.0), advanced=True)
    endpoint: str = setting("", advanced=True, private=True)
    send: bool = setting(False, advanced=True, once=True)
    raw_share: float = setting(0.25, limits=(0.0, 0.5), advanced=True)


@dataclass(frozen=True)
class Persona:
    """Step 02: a LoRA adapter that answers in the author's voice."""

    base: str = setting(AUTO)
    effort: str = _effort()
    engine: str = setting(AUTO, choices=(AUTO, "transformers", "unsloth"), advanced=True)
    precision: str = setting(AUTO, choices=(AUTO, "4-bit", "16-bit", "32-bit"), advanced=True)
    rank: int = setting(AUTO, limits=(1, 256), advanced=True)
    learning_rate: float = setting(AUTO, limits=(1e-6, 1e-2), advanced=True)
    epochs: float = setting(AUTO, limits=(0.1, 100.0), advanced=True)
    steps: int = setting(AUTO, limits=(1, 100000), advanced=True)
    batch: int = setting(AUTO, limits=(1, 256), advanced=True)
    accumulation: int = setting(AUTO, limits=(1, 256), advanced=True)
    length: int = setting(AUTO, limits=(64, 32768), advanced=True)
    packing: bool = setting(AUTO, choices=(AUTO, True, False), advanced=True)
    checkpointing: str = setting(AUTO, choices=(AUTO, "none", "selective", "full"), advanced=True)
    compile: bool = setting(AUTO, choices=(AUTO, True, False), advanced=True)
    replay_share: float = setting(0.25, limits=(0.0, 0.5), advanced=True)
    memory_rows: float = setting(0.0, limits=(0.0, 1.0), advanced=True)
    lora_scale: float = setting(AUTO, limits=(0.1, 1.0), advanced=True)
    patience: int = setting(2, limits=(1, 20), advanced=True)
    seed: int = _seed()


@dataclass(frozen=True)
class Reasoning:
    """Step 03: GRPO on problems with checkable answers."""

    effort: str = _effort()
    task: str = setting("decimals", choices=TASKS)
    problems: str = setting("", path=True)
    engine: str = setting(AUTO, choices=(AUTO, "transformers", "unsloth"), advanced=True)
    precision: str = setting(AUTO, choices=(AUTO, "4-bit", "16-bit", "32-bit"), advanced=True)
    steps: int = setting(AUTO, limits=(1, 100000), advanced=True)
    generations: int = setting(AUTO, limits=(2, 64), advanced=True)
    batch: int = setting(AUTO, limits=(2, 512), advanced=True)
    completion_tokens: int = setting(AUTO, limits=(8, 8192), advanced=True)
    learning_rate: float = setting(AUTO, limits=(1e-7, 1e-3), advanced=True)
    held_out: int = setting(AUTO, limits=(4, 2000), advanced=True)
    probe: int = setting(AUTO, limits=(0, 512), advanced=True)
    keep_voice: float = setting(AUTO, limits=(0.0, 100.0), advanced=True)
    seed: int = _seed()


@dataclass(frozen=True)
class Probe(Reasoning):
    """A look before step 03: is there anything to gain? With the settings of that step."""


@dataclass(frozen=True)
class Quantize:
    """Step 04: one GGUF file per type, for llama.cpp, Ollama, LM Studio and phones."""

    types: str = setting("Q4_K_M,Q5_K_M,Q8_0")
    temperature: float = setting(0.7, limits=(0.0, 2.0))
    top_p: float = setting(0.9, limits=(0.05, 1.0), advanced=True)
    context: int = setting(4096, limits=(256, 131072), advanced=True)
    decimals: int = setting(0, limits=(0, 2000), advanced=True)


@dataclass(frozen=True)
class Evaluate:
    """Step 05: how much like the author the twin is, on held-out writing."""

    effort: str = _effort()
    questions: int = setting(AUTO, limits=(1, 500), advanced=True)
    answer_tokens: int = setting(AUTO, limits=(16, 2048), advanced=True)
    picks: int = setting(AUTO, limits=(0, 500), advanced=True)
    files: str = setting(AUTO, choices=(AUTO, "recommended", "all"), advanced=True)
    problems: str = setting("", path=True, advanced=True)
    temperature: float = setting(0.7, limits=(0.0, 2.0), advanced=True)
    seed: int = _seed()


@dataclass(frozen=True)
class Publish:
    """Step 06: publishing on Hugging Face, private by default."""

    user: str = setting("")
    private: bool = setting(True, once=True)
    upload: bool = setting(False, once=True)
    gguf: bool = setting(True, advanced=True)
    adapter: bool = setting(True, advanced=True)
    corpus: bool = setting(False, advanced=True, once=True)


@dataclass(frozen=True)
class Memory:
    """Step 07: the author's passages, found again when the twin is asked."""

    vectors: bool = setting(True, advanced=True)


@dataclass(frozen=True)
class Talk:
    """A chat in the terminal with the twin."""

    voice: str = setting("file", choices=("file", "twin", "prompt", "base"))
    type: str = setting(AUTO)
    question: str = setting("", private=True)
    memory: bool = setting(True)
    temperature: float = setting(AUTO, limits=(0.0, 2.0))
    tokens: int = setting(300, limits=(8, 4096))
    seed: int = _seed()


@dataclass(frozen=True)
class Serve:
    """The twin as a server that other apps on this machine speak to."""

    type: str = setting(AUTO)
    memory: bool = setting(True)
    key: str = setting("", private=True)
    port: int = setting(8484, limits=(1, 65535))
    origin: str = setting("", private=True)
    host: str = setting("127.0.0.1")
    i_know: bool = setting(False)
    temperature: float = setting(AUTO, limits=(0.0, 2.0))
    tokens: int = setting(1024, limits=(8, 4096))


@dataclass(frozen=True)
class BlindTest:
    """The blind test's page: friends try to tell the owner's answers from the twin's."""

    type: str = setting(AUTO)
    to: str = setting("", private=True)
    trials: int = setting(20, limits=(1, 60), advanced=True)
    catch: int = setting(3, limits=(0, 10), advanced=True)
    seed: int = _seed()


Settings = (
    Corpus | Persona | Reasoning | Quantize | Evaluate | Publish | Memory | Talk | Serve | BlindTest
)
SETTINGS = {
    "corpus": Corpus,
    "persona": Persona,
    "reasoning": Reasoning,
    "probe": Probe,
    "quantize": Quantize,
    "evaluate": Evaluate,
    "publish": Publish,
    "memory": Memory,
    "talk": Talk,
    "serve": Serve,
    "blind_test": BlindTest,
}
_MODULES = {
    "corpus": "corpus.step",
    "persona": "train.persona",
    "reasoning": "train.reasoning",
    "probe": "train.probe_command",
    "quantize": "gguf.step",
    "evaluate": "evaluate.step",
    "publish": "publish.step",
    "memory": "memory.step",
    "talk": "talk.chat",
    "serve": "talk.server",
    "blind_test": "evaluate.blind_test.step",
}


def description(step: str) -> str:
    """What a step does, in the reader's language."""
    return i18n.choose(i18n.data("settings")["descriptions"][step])


def texts(step: str, name: str) -> dict[str, dict[str, str]]:
    """{'label': {language: text}, 'help': {language: text}} of a step's setting."""
    entries = i18n.data("settings")
    return entries[step].get(name) or entries["shared"][name]


def label(step: str, name: str) -> str:
    """The label of a step's setting, in the reader's language."""
    return i18n.choose(texts(step, name)["label"])


def help_text(step: str, name: str) -> str:
    """The explanation of a step's setting, in the reader's language."""
    return i18n.choose(texts(step, name)["help"])


def value_text(field: Field, value: object) -> str:
    """A field's value as people read it: yes, no, auto, a choice's name, or the value itself."""
    if isinstance(value, bool):
        return i18n.choose(choice_texts("yes" if value else "no"))
    named = value == AUTO or field.metadata["choices"]
    return i18n.choose(choice_texts(value)) if named else str(value)


def choice_texts(value: str) -> dict[str, str]:
    """{language: name} of a choice; one without a name in data/settings.yaml is its own."""
    return i18n.data("settings")["choices"].get(value) or dict.fromkeys(i18n.LANGUAGES, str(value))


def parse(step: str, field: Field, value: object) -> bool | int | float | str:
    """Convert typed text, or a value of the right type, to the type of a step's field.

    Raises WrongSetting, whose sentence begins with the field's label.
    """
    label = texts(step, field.name)["label"]
    if value == AUTO and field.default == AUTO:
        return AUTO
    try:
        parsed = _boolean(value) if field.type is bool else field.type(value)
        parsed = pasted_path(parsed) if field.metadata["path"] else parsed
    except (TypeError, ValueError, OverflowError):
        problem = {
            int: "core.not_a_whole_number",
            float: "core.not_a_number",
            bool: "core.not_yes_or_no",
        }
        raise WrongSetting(t(problem[field.type], label=label, text=value)) from None
    choices, limits = field.metadata["choices"], field.metadata["limits"]
    if choices and parsed not in choices:
        names = ", ".join(map(str, choices))
        raise WrongSetting(t("core.not_a_choice", label=label, text=value, names=names))
    # NaN compares false, so it is rejected too.
    if limits and not limits[0] <= parsed <= limits[1]:
        low, high = limits
        raise WrongSetting(t("core.out_of_limits", label=label, text=value, low=low, high=high))
    return parsed


def _boolean(value):
    values = {"yes": True, "true": True, "1": True, "no": False, "false": False, "0": False}
    if str(value).lower() not in values:
        raise ValueError
    return values[str(value).lower()]


def make(step: str, **values) -> Settings:
    """The settings of a step from typed values; raises WrongSetting for the first invalid one."""
    kind = SETTINGS[step]
    known = {f.name: f for f in fields(kind)}
    unknown = set(values) - set(known)
    if unknown:
        raise WrongSetting(t("core.unknown_setting", unknown=sorted(unknown), step=step))
    return kind(**{name: parse(step, known[name], value) for name, value in values.items()})


def remembered(step: str, twin: Twin) -> dict:
    """The values chosen last time, by running the step or in its form.

    `once` settings, settings that no longer exist and invalid values are left out, and at a higher
    effort what was chosen for the owner at effort smoke. The twin `demo` starts with the sample
    blog.
    """
    known = {f.name: f for f in fields(SETTINGS[step]) if not f.metadata["once"]}
    of = "reasoning" if step == "probe" else step
    chosen = {**twin.facts.get("settings", {}).get(of, {}), **twin.drafts(of)}
    values = _valid(step, known.values(), chosen)
    if step == "quantize" and remembered("persona", twin).get("effort") != EFFORTS[0]:
        for name, value in twin.facts.get(_FOR_SMOKE, {}).items():
            if values.get(name) == value:
                del values[name]
    if step != "corpus":
        return values
    if "source" in values:
        values["source"] = twin.here(values["source"])
    return {**values, **sample.source(twin.name, values)}


def for_smoke(twin: Twin) -> dict:
    """The settings of step 04 for a twin made at effort smoke: one file, in minutes.

    It is the one that is recommended for a small base. They are noted, so that they don't count as
    the owner's choice at a higher effort.
    """
    chosen = {"types": "Q8_0"}
    if remembered("quantize", twin).get("types") != chosen["types"]:
        twin.remember(**{_FOR_SMOKE: chosen})
    return chosen


def chosen_by_owner(step: str, twin: Twin) -> None:
    """Note that a step runs as its owner wants it, when it does so at an effort above smoke."""
    effort = remembered("persona", twin).get("effort")
    if step == "quantize" and effort != EFFORTS[0] and twin.facts.get(_FOR_SMOKE):
        twin.remember(**{_FOR_SMOKE: {}})


def with_saved(settings: Settings, saved: dict) -> Settings:
    """The settings with those saved values that this version of the library can read."""
    step = next(step for step, kind in SETTINGS.items() if kind is type(settings))
    return replace(settings, **_valid(step, fields(settings), saved))


def as_asked(settings: Settings, saved: dict) -> dict:
    """The values that a run was asked for, saved by any version, as this version would ask for it.

    A setting that was added since then, or had a value that is none any more, has its default; one
    that was dropped is left out.
    """
    step = next(step for step, kind in SETTINGS.items() if kind is type(settings))
    known = _valid(step, fields(settings), saved)
    return {field.name: known.get(field.name, field.default) for field in fields(settings)}


def _valid(step, known, saved):
    """{name: value} of the saved values of known fields, without those that are invalid now."""
    values = {}
    for one in known:
        with suppress(WrongSetting):  # also one that another version of the library saved
            if one.name in saved:
                values[one.name] = parse(step, one, saved[one.name])
    return values


def in_words(error: BaseException) -> str:
    """An error as a sentence: one of ours as it is, one of a library with its name."""
    if isinstance(error, (TwinError, Stopped, WrongSetting)):
        return str(error)
    words = " ".join(str(error).split()) or repr(error)
    return t("core.unexpected_error", name=type(error).__name__, error=words)


def step_module(step: str) -> ModuleType:
    """The module of a step: problems(), run() and, where settings are derived, plan().

    Imported on demand, since it is heavy.
    """
    return import_module(f"twinlib.{_MODULES[step]}")


def resolve(settings: Settings, planned: dict) -> Settings:
    """The settings with every 'auto' replaced by the planned value; other values stay."""
    names = [f.name for f in fields(settings) if getattr(settings, f.name) == AUTO]
    return replace(settings, **{name: planned[name] for name in names if name in planned})


def stops(problems: Iterable[Problem]) -> list[Problem]:
    """The problems that keep a step from starting."""
    return [p for p in problems if p.level == "stop"]


def stop(key: str, **values) -> Problem:
    """A problem that keeps a step from starting; `key` names its sentence in data/strings/."""
    return Problem("stop", t(key, **values))


def warning(key: str, **values) -> Problem:
    """A problem that a step may start with; `key` names its sentence in data/strings/."""
    return Problem("warning", t(key, **values))
