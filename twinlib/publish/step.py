"""Step 06: publishing on Hugging Face. A dry run lists what an upload would send and delete.

Repositories: USER/NAME-GGUF (the GGUF files), USER/NAME-lora (the adapter) and, only if the owner
asks for it, USER/NAME-corpus (a dataset). They are private by default; with 'private' set, nothing
is uploaded to a repository that is public, and nothing to one that was not made from here. What an
upload brought is noted in uploaded.json: the next one deletes that alone, where it lacks it. The
token comes from $HF_TOKEN or the saved login, and is never printed, saved or logged. Left out on
purpose: the merged 16-bit model, which anyone can make from base and adapter, and ModelScope.
"""

import json
import re
import shutil
import sys
from functools import partial
from pathlib import Path

from .. import catalogue
from ..catalogue import Entry
from ..files import json_or, write_atomic, write_json, write_records
from ..i18n import LANGUAGES, language, step_title, t
from ..models import hub, load
from ..progress import Progress
from ..settings import Publish, stop, warning
from ..text import interview_questions, privacy, script, style
from ..text.formatting import size
from ..twin import Outcome, Problem, Twin, figure
from . import cards

_ADAPTER_FILES = ("adapter_model.safetensors", "chat_template.jinja")
_LONGEST_SAMPLE = 800  # characters of an answer on the card
# Where a row's question is from, if a model or the program wrote it.
_PUBLIC_SOURCES = ("local", "endpoint", "title", "heading", "short")
_OLLAMA_FILES = ("template", "system", "params", "modelfile")


# Problems that are found before the run


def problems(settings: Publish, twin: Twin) -> list[Problem]:
    """Why publishing can't start, and warnings. In a dry run some stops are only warnings."""
    level = "stop" if settings.upload else "warning"
    return [
        *_missing(settings, twin),
        *_out_of_date(settings, twin, level),
        *_rights(settings, twin, level),
        *_address(settings, twin),
        *(_token() if settings.upload else []),
    ]


def _missing(settings, twin):
    if not (settings.gguf or settings.adapter or settings.corpus):
        yield stop("publish.nothing_chosen")
    if settings.gguf and not _ggufs(twin):
        yield stop("publish.no_gguf_file")
    if settings.adapter and not _adapter(twin):
        yield stop("publish.no_adapter")
    if settings.corpus:
        if twin.state("corpus").name == "missing" or not twin.file("passages").exists():
            yield stop("publish.no_texts")


def _out_of_date(settings, twin, level):
    steps = ["persona", "quantize"]
    if settings.corpus:  # a stale corpus may contain texts that the owner has since dropped
        steps.insert(0, "corpus")
    for step in steps:
        state = twin.state(step)
        if state.name in ("stale", "broken"):
            text = t("publish.step_out_of_date", step=step_title(step), why=state.why)
            yield Problem(level, text)
    if twin.state("evaluate").name != "done":
        yield warning("publish.not_evaluated")


def _rights(settings, twin, level):
    base = _base(twin)
    licence = cards.licence_name(base)
    if not twin.facts.get("consent", {}).get("given"):
        yield Problem(level, t("publish.consent_not_confirmed"))
    if not licence:
        yield warning("publish.licence_not_known")
    elif not base.commercial:
        yield warning("publish.no_commercial_use", name=licence)
    if base.license.startswith("llama") and not twin.plain_name.lower().startswith("llama"):
        yield warning("publish.name_must_begin_with_llama")
    if settings.corpus and not _settings(twin, "corpus").get("mask"):
        yield Problem(level, t("publish.personal_data_not_masked"))


def _address(settings, twin):
    from huggingface_hub.errors import HFValidationError
    from huggingface_hub.utils import validate_repo_id

    if settings.upload and not settings.user:
        return [stop("publish.no_user")]
    try:
        if not re.fullmatch(r"[A-Za-z0-9][\w.-]*", settings.user or "any", re.ASCII):
            raise HFValidationError
        validate_repo_id(f"{settings.user or 'any'}/{cards.repository(twin.plain_name, 'corpus')}")
    except HFValidationError:
        name = f"{settings.user}/{twin.plain_name}".strip("/")
        return [stop("publish.not_a_repository_name", name=name)]
    return []


def _token():
    if hub.mirror():
        yield stop("models.token_not_to_mirror")
    # A notebook asks for the token when the run starts, and hands it to the child process only.
    if "ipykernel" not in sys.modules and not hub.token():
        yield stop("models.no_token", page=hub.TOKENS)


# Data of the twin


def _settings(twin, step):
    report = twin.state(step).report
    return report.settings if report else {}


def _base(twin: Twin) -> Entry:
    """The base's Entry, without its `hub` if that is a path on this machine, which is private."""
    name = twin.facts.get("base", {}).get("name", "")
    entry = catalogue.entry(name)
    return entry._replace(hub="") if not cards.hub_id(entry) or Path(name).is_dir() else entry


def _ggufs(twin: Twin) -> dict[str, Path]:
    """{type: path} of the existing GGUF files of the types in quantize's last settings."""
    types = re.split("[,，]", str(_settings(twin, "quantize").get("types", "")))
    paths = {kind: twin.gguf(kind) for kind in (text.strip().upper() for text in types) if kind}
    return {kind: path for kind, path in paths.items() if path.exists()}


def _adapter(twin: Twin) -> tuple[str, Path] | None:
    """(step, folder) of the adapter merged into the GGUF files, else of the newest one, or None."""
    report = twin.state("quantize").report
    inputs = report.inputs if report else {}
    for step in ("reasoning", "persona"):
        merged = any(name.startswith(f"{step}/adapter") for name in inputs)
        if merged and _complete(twin.adapter(step)):
            return step, twin.adapter(step)
    step, folder = twin.newest_adapter()
    return (step, folder) if step and _complete(folder) else None


def _complete(folder):
    names = ("adapter_config.json", "adapter_model.safetensors")
    return all((folder / name).exists() for name in names)


def _facts(twin: Twin, settings: Publish) -> cards.Facts:
    """The cards' Facts from twin.json and the reports."""
    adapter_step = (_adapter(twin) or ("persona",))[0]
    reasoning = ["reasoning"] if adapter_step == "reasoning" else []
    steps = ["corpus", "persona", *reasoning, "quantize", "evaluate"]
    states = {step: twin.state(step) for step in steps}
    reports = {step: state.report for step, state in states.items() if state.report}
    ggufs, texts = _ggufs(twin), _texts(twin) if settings.corpus else {}
    measured = states["evaluate"].name == "done"
    return cards.Facts(
        name=twin.plain_name,
        author=twin.author,
        user=settings.user,
        base=_base(twin),
        revision=twin.facts.get("base", {}).get("revision", ""),
        languages=tuple(twin.facts.get("languages", ())),
        private=settings.private,
        consent=twin.facts.get("consent", {}),
        system_prompt=twin.facts.get("system_prompt", ""),
        files={path.name: path.stat().st_size for path in ggufs.values()},
        types=tuple(ggufs),
        sampling=json_or(twin.file("params"), {}),
        settings={step: report.settings for step, report in reports.items()},
        # A stale evaluation measured another model, so its figures are left out.
        figures={
            step: report.figures
            for step, report in reports.items()
            if step != "evaluate" or measured
        },
        passages={split: len(texts) for split, texts in texts.items()},
        samples=_samples(twin) if measured else {},
        pictures={code: path.name for code, path in _pictures(twin).items()} if measured else {},
        published=tuple(kind for kind in ("gguf", "adapter", "corpus") if getattr(settings, kind)),
    )


def _pictures(twin):
    """{language: path} of the score card's pictures, which the command draws before this step."""
    paths = {code: twin.file(f"score_card_{code}") for code in LANGUAGES}
    return {code: path for code, path in paths.items() if path.exists()}


def _samples(twin: Twin) -> dict[str, tuple[str, str]]:
    """{language: (question, answer)}: the twin's first answer in each language that may be shown.

    Left out are answers that are broken, and questions and answers that hold personal data or one
    of the owner's private names, or quote the texts at length.
    """
    needed = ("answers", "passages", "test")
    if not all(twin.file(key).exists() for key in needed):
        return {}
    source = style.tidy("\n".join(passage["text"] for passage in twin.records("passages")))
    names = privacy.names_of(twin)
    public, samples = _public_questions(twin), {}
    for record in twin.records("answers"):
        question, answer = record["question"], record["text"]
        language = script.language_of(question)
        if record["row"] != "twin" or language in samples or question not in public:
            continue
        if style.flaws(answer, language, question) or len(answer) > _LONGEST_SAMPLE:
            continue
        if all(_may_be_shown(text, language, source, names) for text in (question, answer)):
            samples[language] = (question, answer)
    return samples


def _public_questions(twin):
    """The questions of the last exam that nobody but the program wrote.

    A question whose source is a reader is a message, a mail or a comment of somebody else.
    """
    asked = {
        question.text(code) for question in interview_questions.QUESTIONS for code in LANGUAGES
    }
    for row in twin.records("test"):
        if row.get("source") in _PUBLIC_SOURCES:
            asked |= {turn["content"] for turn in row["messages"] if turn["role"] == "user"}
    return asked


def _may_be_shown(text, language, source, names):
    if privacy.mask(text, language, {}, names)[1]:
        return False
    return style.longest_run(style.tidy(text), source) < style.QUOTED[language]


def _contents(twin: Twin, facts: cards.Facts) -> dict[str, dict[str, Path | str]]:
    """{kind of repository: {file name: path of the file, or its text}} of all files to upload."""
    notice, _ = cards.notice(facts.base)
    notices = {"NOTICE": notice} if notice else {}
    contents = {}
    if "gguf" in facts.published:
        companions = [twin.file(key) for key in _OLLAMA_FILES if twin.file(key).exists()]
        contents["gguf"] = {
            **{path.name: path for path in (*_ggufs(twin).values(), *companions)},
            **notices,
            **{path.name: path for path in _pictures(twin).values() if facts.pictures},
            "README.md": cards.model_card(facts, "gguf"),
        }
    if "adapter" in facts.published:
        _, folder = _adapter(twin)
        contents["adapter"] = {
            **{name: folder / name for name in _ADAPTER_FILES if (folder / name).exists()},
            **notices,
            **{path.name: path for path in _pictures(twin).values() if facts.pictures},
            "adapter_config.json": _adapter_config(folder, facts.base),
            "README.md": cards.model_card(facts, "adapter"),
        }
    if "corpus" in facts.published:
        contents["corpus"] = {
            **{
                f"{cards.SPLITS[split]}.jsonl": "".join(map(_text_record, texts))
                for split, texts in _texts(twin).items()
                if texts
            },
            "README.md": cards.dataset_card(facts),
        }
    return contents


def _text_record(text):
    return json.dumps({"text": text}, ensure_ascii=False) + "\n"


def _adapter_config(folder, base):
    """The adapter's configuration, with the base's hub id instead of its path on this machine."""
    config = load.adapter_config(folder)
    config.update(base_model_name_or_path=cards.hub_id(base) or None, revision=None)
    return json.dumps(config, ensure_ascii=False, indent=2) + "\n"


def _texts(twin: Twin) -> dict[str, list[str]]:
    """{split: texts} of the passages, without titles, dates, file names or other fields."""
    passages = twin.records("passages")
    return {
        split: [passage["text"] for passage in passages if passage.get("split") == split]
        for split in cards.SPLITS
    }


# Files to upload


def _write_out(twin: Twin, facts: cards.Facts) -> list[hub.Repository]:
    """Write generated files into publish/ and the list of all files to upload to uploads.jsonl.

    Files that the twin already has are uploaded from where they are, because a small disk or Drive
    has no room for a copy of the GGUF files.
    """
    contents, repositories = _contents(twin, facts), []
    before = _uploaded(twin)
    for kind in ("gguf", "adapter", "corpus"):
        folder = twin.upload(cards.repository(twin.plain_name, kind))
        if kind in contents:
            address = cards.address(facts, kind, _language())
            files = _write_texts(folder, contents[kind])
            of_hub = "dataset" if kind == "corpus" else "model"
            repositories.append(hub.Repository(address, of_hub, files, before.get(address)))
        else:
            shutil.rmtree(folder, ignore_errors=True)
    uploads = [
        {
            "repository": repository.id,
            "file": name,
            "bytes": count,
            "path": repository.files[name].relative_to(twin.path).as_posix(),
        }
        for repository in repositories
        for name, count in hub.sizes(repository).items()
    ]
    deletions = [
        {"repository": repository.id, "file": name, "bytes": 0, "path": "", "deleted": True}
        for repository in repositories
        for name in repository.deleted
    ]
    write_records(twin.file("uploads"), uploads + deletions)
    return repositories


def _uploaded(twin):
    """{repository: names of the files} that earlier uploads brought."""
    kept = json_or(twin.file("uploaded"), {})
    return {id: tuple(map(str, names)) for id, names in kept.items() if isinstance(names, list)}


def _note_uploaded(twin, repository):
    """Note what has arrived, so that a later upload can delete it, and nothing else."""
    kept = {id: list(names) for id, names in _uploaded(twin).items()}
    write_json(twin.file("uploaded"), {**kept, repository.id: sorted(repository.files)})


def _language():
    """The language of placeholders in commands: the reader's, or the first one for 'both'."""
    return language() if language() in LANGUAGES else LANGUAGES[0]


def _write_texts(folder: Path, files: dict[str, Path | str]) -> dict[str, Path]:
    """Write texts into `folder`, remove other files there, and return {name: path} of all files."""
    texts = {name: content for name, content in files.items() if isinstance(content, str)}
    for name, text in texts.items():
        write_atomic(folder / name, text)
    for old in folder.iterdir():
        if old.name not in texts:
            shutil.rmtree(old) if old.is_dir() else old.unlink()
    return files | {name: folder / name for name in texts}


def _table(repositories):
    rows = [(t("publish.repository"), t("publish.file"), t("publish.size"))]
    for repository in repositories:
        rows += [
            (repository.id, name, size(count, 1)) for name, count in hub.sizes(repository).items()
        ]
        rows += [(repository.id, name, t("publish.deleted")) for name in repository.deleted]
    first, second = (max(len(row[column]) for row in rows) for column in (0, 1))
    return "\n".join(f"{a:<{first}}  {b:<{second}}  {c:>10}" for a, b, c in rows)


def _how_to_run(facts):
    lines = [
        t("publish.readers_run_it_with"),
        *("  " + line for line in cards.commands(facts, _language())),
        cards.lm_studio(facts, _language()),
    ]
    if facts.private:
        lines.append(t("publish.ollama_key_while_private"))
    return "\n".join(lines)


# The step


def run(twin: Twin, settings: Publish, progress: Progress) -> Outcome:
    """Write the files to upload, list them, and upload them if `settings.upload` is set."""
    inputs = twin.inputs(*_sources(twin, settings), base=True)
    facts, warnings = _facts(twin, settings), []
    repositories = _write_out(twin, facts)
    progress.say(_table(repositories))
    if settings.gguf:
        progress.say(_how_to_run(facts))
    if settings.upload:
        note = partial(_note_uploaded, twin)
        chosen = settings.private, settings.user, twin.hash
        warnings = hub.upload(repositories, *chosen, progress, note)
        uploaded = [t("publish.uploaded", url=hub.url(each)) for each in repositories]
        progress.say("\n".join(uploaded))
    else:
        progress(1, 1, t("publish.dry_run"), raise_on_stop=False)
        progress.say(t("publish.nothing_left_this_machine", folder=twin.folder("publish")))
    sizes = [count for each in repositories for count in hub.sizes(each).values()]
    figures = {
        "repositories": figure(len(repositories)),
        "files": figure(len(sizes)),
        "megabytes": figure(round(sum(sizes) / 1e6, 3)),
        "uploaded": figure(int(settings.upload)),
    }
    return Outcome(figures, inputs, warnings, settings)


def _sources(twin, settings):
    """The inputs of this step: files to upload, and the reports that the cards show."""
    steps = ("corpus", "persona", "reasoning", "quantize", "evaluate")
    adapter = _adapter(twin) if settings.adapter else None
    return [
        *_ggufs(twin).values(),
        *map(twin.file, _OLLAMA_FILES),
        *([adapter[1]] if adapter else []),
        *([twin.file("passages")] if settings.corpus else []),
        *map(twin.report_path, steps),
    ]
