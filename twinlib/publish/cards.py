"""Model and dataset cards in Markdown, in English and Chinese.

The half in the language that most of the writing is in stands first.

The text is in card.md.jinja and dataset_card.md.jinja. This module computes the values for these
templates, the card's metadata (its YAML head, https://huggingface.co/docs/hub/model-cards), and the
notices that the base's licence requires. Text from the owner or the corpus is escaped.
"""

import re
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, fields

from .. import PROJECT
from ..catalogue import Entry
from ..i18n import LANGUAGES, both, data
from ..models import device_fit
from ..models.pip_base import SOURCES
from ..settings import SETTINGS, texts
from ..text import labels
from ..text.formatting import escape, fenced, number, size
from ..text.script import HAN
from ..twin_folder import REPOSITORIES

# What the hub calls the splits of the corpus.
SPLITS = {"train": "train", "val": "validation", "test": "test"}
_HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*")
# Settings that may be a path on the owner's machine.
_PATHS = {"base", "problems"}
# Figures of a step that go on the card, without their notes: those of the corpus quote texts.
_FIGURES = {
    "persona": ("rows", "steps", "val_loss_before", "val_loss"),
    "reasoning": (
        *("steps", "accuracy_before", "accuracy_after"),
        *("nearness_before", "nearness_after", "length_ratio"),
    ),
    "corpus": ("documents", "passages", "rows", "characters_kept", "tokens", "personal_data"),
}


@dataclass(frozen=True)
class Facts:
    """The data of a twin that its cards show."""

    name: str
    author: str
    user: str
    base: Entry
    revision: str = ""
    languages: tuple[str, ...] = ()
    private: bool = True
    consent: dict = field(default_factory=dict)
    system_prompt: str = ""
    files: dict[str, int] = field(default_factory=dict)  # {GGUF file name: bytes}
    types: tuple[str, ...] = ()  # quantization types of these files
    sampling: dict = field(default_factory=dict)  # the content of Ollama's params file
    settings: dict[str, dict] = field(default_factory=dict)  # {step: settings of its report}
    figures: dict[str, dict] = field(default_factory=dict)  # {step: figures of its report}
    passages: dict[str, int] = field(default_factory=dict)  # {split: number of passages}
    samples: dict[str, tuple[str, str]] = field(
        default_factory=dict
    )  # {language: (question, answer)}
    pictures: dict[str, str] = field(default_factory=dict)  # {language: file of the score card}
    published: tuple[str, ...] = ()  # the kinds of repositories: gguf, adapter, corpus


def repository(name: str, kind: str) -> str:
    """The name of a repository: NAME-GGUF, NAME-lora or NAME-corpus; `kind` as in Facts."""
    return name + REPOSITORIES[kind]


def hub_id(base: Entry) -> str:
    """The base's id on the hub, or '' when it is a folder on the owner's machine."""
    return base.hub if _HUB_ID.fullmatch(base.hub) else ""


def address(facts: Facts, kind: str, code: str) -> str:
    """USER/REPOSITORY; without a user a placeholder in language `code` that no command accepts."""
    user = facts.user or both("publish.user_placeholder")[code]
    return f"{user}/{repository(facts.name, kind)}"


def commands(facts: Facts, code: str) -> list[str]:
    """The commands that run the GGUF repository with Ollama and llama.cpp."""
    reference = f"{address(facts, 'gguf', code)}:{_recommended(facts)}"
    return [f"ollama run hf.co/{reference}", f"llama-server -hf {reference}"]


def lm_studio(facts: Facts, code: str) -> str:
    """How to find the GGUF repository in LM Studio."""
    return both("publish.in_lm_studio", repository=address(facts, "gguf", code))[code]


def _recommended(facts):
    return device_fit.recommended_type(facts.types, facts.figures.get("quantize"))


# The licence of the base


def licence(base: Entry) -> dict[str, str]:
    """The metadata fields license, license_name and license_link, as far as they are known."""
    if base.license != "other":
        return {"license": base.license}
    link = base.license_link or (f"https://huggingface.co/{hub_id(base)}" if hub_id(base) else "")
    if not link:
        return {}
    name = re.sub(r"[^a-z0-9.]+", "-", (base.license_name or "").lower()).strip("-")
    return {"license": "other", "license_name": name or "see-base-model", "license_link": link}


def licence_name(base: Entry) -> str:
    """The name of the base's licence, or '' if it is not known."""
    name = base.license_name or base.license
    return "" if name == "other" else name


def notice(base: Entry) -> tuple[str, str]:
    """(text of the NOTICE file, line for the card) that the licence requires; ('', '') if none."""
    names = f"{base.license} {base.license_name or ''}".lower().replace(" ", "-")
    for known in data("licence_notices"):
        if re.search(rf"(^|-){re.escape(known['licence'])}(?![\d.])", names):
            made_from = hub_id(base) or "the base model"
            changed = f"The files here were modified: {made_from} was fine-tuned and converted.\n"
            return known["notice"] + changed, known["built_with"]
    return "", ""


# Rows of tables. Notes of figures are left out: they are for the owner, in the run's language.


def _lines(rows: Iterable[list[str]]) -> str:
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def _value(figure, code):
    value = figure.get("value")
    return both("publish.not_measured")[code] if value is None else number(value)


def _figure_rows(facts: Facts, step: str, code: str) -> Iterator[list[str]]:
    figures = facts.figures.get(step, {})
    for name in _FIGURES[step]:
        if name in figures:
            yield [labels.figure(name, step)[code], _value(figures[name], code)]


def _setting_rows(facts: Facts, step: str, code: str) -> Iterator[list[str]]:
    known = {f.name for f in fields(SETTINGS[step])} - _PATHS
    switch = {True: "publish.yes", False: "publish.no"}
    for name, value in facts.settings.get(step, {}).items():
        if name in known and value not in ("", None):
            shown = both(switch[value])[code] if isinstance(value, bool) else number(value)
            yield [escape(texts(step, name)["label"][code]), shown]


def _score_rows(facts: Facts, code: str) -> Iterator[list[str]]:
    for name, figure in facts.figures.get("evaluate", {}).items():
        if name == "verdict":
            continue
        low, high, n = (figure.get(key) for key in ("low", "high", "n"))
        interval = ""
        if low is not None and high is not None:
            interval = both("publish.interval", low=number(low), high=number(high))[code]
        yield [
            escape(labels.figure(name)[code]),
            _value(figure, code),
            interval,
            "" if n is None else number(n),
            labels.rating(figure)[code],
            labels.meaning(name)[code],
        ]


def _file_rows(facts: Facts, code: str) -> Iterator[list[str]]:
    """Rows of file, size, closeness to the 16-bit twin, and devices that can run it."""
    figures, context = facts.figures.get("quantize", {}), facts.sampling.get("num_ctx", 4096)
    for name, count in facts.files.items():
        kind = next((kind for kind in facts.types if name.endswith(f"-{kind}.gguf")), "")
        grade = device_fit.closeness(
            *(figures.get(f"{key}_{kind}", {}).get("value") for key in ("kl_divergence", "top1"))
        )
        devices = ""
        if facts.base.shape:
            fit = device_fit.fit(count, context, facts.base.shape)
            devices = device_fit.device_text(fit)[code]
        closeness = both(grade.key if grade else "publish.not_measured")[code]
        yield [f"`{name}`", size(count, 1), closeness, devices]


# The cards


def model_card(facts: Facts, kind: str) -> str:
    """The README.md of the 'gguf' or the 'adapter' repository."""
    base, name = hub_id(facts.base), licence_name(facts.base)
    link = facts.base.license_link or ""
    notice_text, built_with = notice(facts.base)
    sampling = [
        f"{escape(name)} {number(value)}"
        for name, value in facts.sampling.items()
        if isinstance(value, (int, float))
    ]
    return _render(
        "card.md.jinja",
        _head(facts, kind),
        kind=kind,
        first=_first_language(facts),
        author=escape(facts.author),
        name=facts.name,
        private=facts.private,
        file=next((f for f in facts.files if f.endswith(f"-{_recommended(facts)}.gguf")), ""),
        sampling=", ".join(sampling),
        system_prompt=fenced(facts.system_prompt) if facts.system_prompt else "",
        base=base,
        base_link=f"https://huggingface.co/{base}" if base else "",
        revision=facts.revision if re.fullmatch(r"[\w.-]+", facts.revision) else "",
        dequantized=_dequantized(facts.base),
        licence=escape(name),
        licence_link=link if re.fullmatch(r"https://[\w./#?=&%:-]+", link) else "",
        commercial=facts.base.commercial or not name,
        built_with=built_with,
        notice=bool(notice_text),
        project=PROJECT,
        **{code: _in_language(facts, code) for code in LANGUAGES},
    )


def _dequantized(base):
    """A link to the GGUF file that the base's weights come from, or ''."""
    source = SOURCES.get(base.name)
    if not source:
        return ""
    return f"[{source.file}](https://huggingface.co/{source.repository})"


def _in_language(facts, code):
    """The values for the part of the model card in one language."""

    def training(step):
        return _lines([*_setting_rows(facts, step, code), *_figure_rows(facts, step, code)])

    return {
        "consent": _consent(facts)[code],
        "commands": "\n".join(commands(facts, code)),
        "lm_studio": lm_studio(facts, code),
        "adapter": address(facts, "adapter", code),
        "files": _lines(_file_rows(facts, code)),
        "persona": training("persona"),
        "reasoning": training("reasoning"),
        "verdict": labels.verdict(facts.figures.get("evaluate", {}))[code],
        "scores": _lines(_score_rows(facts, code)),
        "sample": tuple(map(escape, facts.samples.get(code, ()))),
        "picture": facts.pictures.get(code, ""),
        "corpus": _lines(_figure_rows(facts, "corpus", code)),
    }


def _consent(facts):
    if not facts.consent.get("given"):
        return both("publish.consent_not_stated")
    when = facts.consent.get("when") or ""
    if isinstance(when, (int, float)):
        when = time.strftime("%Y-%m-%d", time.gmtime(when))
    if not when:
        return both("publish.made_with_consent")
    return both("publish.made_with_consent_on", day=escape(when)[:40])


def _head(facts, kind):
    """The metadata of a model card."""
    head = {
        **licence(facts.base),
        "language": _languages(facts),
        "library_name": {"gguf": "gguf", "adapter": "peft"}[kind],
        "pipeline_tag": "text-generation",
    }
    if hub_id(facts.base):
        head["base_model"] = hub_id(facts.base)
        head["base_model_relation"] = {"gguf": "quantized", "adapter": "adapter"}[kind]
    if "corpus" in facts.published:
        head["datasets"] = [address(facts, "corpus", LANGUAGES[0])]
    head["tags"] = [{"gguf": "gguf", "adapter": "lora"}[kind], "conversational", "another-me"]
    return head


def _first_language(facts):
    """The language of the card's first half: that of most of the writing, which is named first."""
    return next((code for code in facts.languages if code in LANGUAGES), LANGUAGES[0])


def _languages(facts):
    return [code for code in facts.languages if re.fullmatch("[a-z]{2,3}", code)] or None


def dataset_card(facts: Facts) -> str:
    """The README.md of the corpus, a dataset repository: numbers and consent, no text of it."""
    total = sum(facts.passages.values())
    sizes = ((1000, "n<1K"), (10_000, "1K<n<10K"), (100_000, "10K<n<100K"))
    files = [
        {"split": SPLITS[split], "path": f"{SPLITS[split]}.jsonl"}
        for split, count in facts.passages.items()
        if count
    ]
    head = {
        "language": _languages(facts),
        "pretty_name": " ".join(f"{facts.author} · corpus".split()),
        "task_categories": ["text-generation"],
        "size_categories": [next((name for top, name in sizes if total < top), "100K<n<1M")],
        "tags": ["another-me"],
        "configs": [{"config_name": "default", "data_files": files}],
    }
    return _render(
        "dataset_card.md.jinja",
        head,
        first=_first_language(facts),
        author=escape(facts.author),
        masked=facts.settings.get("corpus", {}).get("mask", False),
        consent=_consent(facts),
        passages=_lines([split, number(count)] for split, count in facts.passages.items()),
    )


def _render(template, head, **values):
    """A template of this folder, filled in; None fields of the metadata `head` are left out."""
    import jinja2
    from huggingface_hub import CardData

    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("twinlib", "publish"),
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        undefined=jinja2.StrictUndefined,
    )
    card = environment.get_template(template).render(head=CardData(**head).to_yaml(), **values)
    return _without_gaps(card, values.get("author", ""))


def _without_gaps(card, name):
    """The card without the blanks that set a Chinese name apart in Chinese sentences."""
    if not re.fullmatch(f"[{HAN}]|[{HAN}].*[{HAN}]", name):
        return card
    apart = rf"(?<=[{HAN}，：]) ((?:\*\*)?{re.escape(name)}(?:\*\*)?) (?=[{HAN}])"
    return re.sub(apart, r"\1", card)
