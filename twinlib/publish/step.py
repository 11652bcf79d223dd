"""Step 06: what goes to Hugging Face. A dry run lists exactly what would be uploaded and writes what is made for it.

Repositories: USER/NAME-GGUF (the files that run anywhere), USER/NAME-lora (the adapter) and, only when the owner ticks
it, USER/NAME-corpus (a dataset). Private unless the owner says otherwise; a repository that is already public is never
made fuller while 'private' is asked for. The token comes from $HF_TOKEN or the saved login, and is never printed,
saved or logged. Left out on purpose: the merged 16-bit model (the GGUF and the adapter hold all of it), ModelScope.
"""

import json
import re
import shutil
import sys
from pathlib import Path

from .. import catalogue
from ..files import write_atomic, write_records
from ..i18n import language, t
from ..models import hub
from ..settings import stop, warning
from ..twin import Outcome, figure
from . import cards

ADAPTER_FILES = ("adapter_model.safetensors", "chat_template.jinja")
COMPANIONS = ("template", "system", "params", "modelfile")
SPLITS = {"train": "train", "val": "validation", "test": "test"}


# What is wrong, before anything happens


def problems(settings, twin):
    """Why publishing should not start; what is only a warning for a dry run stops an upload."""
    serious = stop if settings.upload else warning
    return [
        *_nothing(settings, twin),
        *_old(settings, twin, serious),
        *_rights(settings, twin, serious),
        *_address(settings, twin),
        *(_way(settings) if settings.upload else []),
    ]


def _nothing(settings, twin):
    found = []
    if not (settings.gguf or settings.adapter or settings.corpus):
        found.append(stop("publish.nothing_ticked_choose_gguf_files"))
    if settings.gguf and not _ggufs(twin):
        found.append(stop("publish.no_gguf_file_yet_run"))
    if settings.adapter and not _adapter(twin):
        found.append(stop("publish.no_trained_adapter_run_step"))
    if settings.corpus and (
        twin.state("corpus").name == "missing" or not twin.file("passages").exists()
    ):
        found.append(stop("publish.no_texts_run_step_01"))
    return found


def _old(settings, twin, serious):
    found = []
    # Texts of a step 01 that is out of date may be ones that the owner has since put aside.
    texts = (("corpus", "01"),) if settings.corpus else ()
    for step, number in (*texts, ("persona", "02"), ("quantize", "04")):
        state = twin.state(step)
        if state.name in ("stale", "broken"):
            found.append(
                serious(
                    f"Step {number} ({step}) is out of date ({state.why}): run it again first.",
                    f"第 {number} 步（{step}）已过期（{state.why}）：发布前请重新运行。",
                )
            )
    if twin.state("evaluate").name != "done":
        found.append(warning("publish.card_say_measured_run_step"))
    return found


def _rights(settings, twin, serious):
    found, base = [], _base(twin)
    if not twin.facts.get("consent", {}).get("given"):
        found.append(
            serious(
                "Whose words these are is not confirmed: tick the consent in step 01 (--consent yes).",
                "还没有确认这些文字的归属：请在第 01 步勾选同意（--consent yes）。",
            )
        )
    if not cards.licence_name(base):
        found.append(warning("publish.licence_base_model_known_here"))
    elif not base.commercial:
        name = cards.licence_name(base)
        found.append(warning("publish.base_models_licence_forbids", name=name))
    if base.license.startswith("llama") and not twin.name.lower().startswith("llama"):
        found.append(warning("publish.llamas_licence_asks_name_begins"))
    if settings.corpus and not _settings(twin, "corpus").get("mask"):
        found.append(
            serious(
                "Personal data in your texts isn't masked: run step 01 with --mask yes or leave them out.",
                "文字里的个人信息没有遮住：请用 --mask yes 重跑第 01 步，或不发布文字。",
            )
        )
    return found


def _address(settings, twin):
    from huggingface_hub.errors import HFValidationError
    from huggingface_hub.utils import validate_repo_id

    if settings.upload and not settings.user:
        return [stop("publish.say_under_which_name_publish")]
    try:
        if not re.fullmatch(r"[A-Za-z0-9][\w.-]*", settings.user or "any", re.ASCII):
            raise HFValidationError
        validate_repo_id(f"{settings.user or 'any'}/{cards.repository(twin.name, 'corpus')}")
    except HFValidationError:
        name = f"{settings.user}/{twin.name}".strip("/")
        return [stop("publish.cant_name_repository_use_latin", name=name)]
    return []


def _way(settings):
    found = []
    if hub.mirror():
        found.append(stop("models.token_not_to_mirror"))
    # In a notebook the token is asked for when the run starts, and goes to the child process only.
    if "ipykernel" not in sys.modules and not hub.token():
        found.append(stop("models.no_token", page=hub.TOKENS))
    return found


# What goes along


def _settings(twin, step):
    report = twin.state(step).report
    return report.settings if report else {}


def _base(twin):
    name = twin.facts.get("base", {}).get("name", "")
    entry = catalogue.entry(name)
    # A folder on this machine is no address that anyone else could use, and its path is nobody's business.
    return entry._replace(hub="") if not cards.hub_id(entry) or Path(name).is_dir() else entry


def _ggufs(twin):
    """{type: path} of the GGUF files that the last run of quantize wrote and that are there."""
    types = re.split("[,，]", str(_settings(twin, "quantize").get("types", "")))
    paths = {
        kind.strip().upper(): twin.gguf(kind.strip().upper()) for kind in types if kind.strip()
    }
    return {kind: path for kind, path in paths.items() if path.exists()}


def _adapter(twin):
    """(step, folder) of the adapter in the GGUF files, else of the newest; None when there is none."""
    report = twin.state("quantize").report
    for step in ("reasoning", "persona"):
        if (
            report
            and any(name.startswith(f"{step}/adapter") for name in report.inputs)
            and _whole(twin.adapter(step))
        ):
            return step, twin.adapter(step)
    step, folder = twin.newest_adapter()
    return (step, folder) if step and _whole(folder) else None


def _whole(folder):
    return all(
        (folder / name).exists() for name in ("adapter_config.json", "adapter_model.safetensors")
    )


def _facts(twin, settings):
    """The cards' Facts from twin.json and the reports."""
    step = (_adapter(twin) or ("persona",))[0]
    told = [
        "corpus",
        "persona",
        *(["reasoning"] if step == "reasoning" else []),
        "quantize",
        "evaluate",
    ]
    reports = {name: twin.state(name) for name in told}
    ggufs = _ggufs(twin)
    return cards.Facts(
        name=twin.name,
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
        sampling=_sampling(twin),
        settings={name: state.report.settings for name, state in reports.items() if state.report},
        # Figures of an evaluation that something has overtaken would be about another model.
        figures={
            name: state.report.figures
            for name, state in reports.items()
            if state.report and (name != "evaluate" or state.name == "done")
        },
        passages={split: len(texts) for split, texts in _texts(twin).items()}
        if settings.corpus
        else {},
        published=tuple(kind for kind in ("gguf", "adapter", "corpus") if getattr(settings, kind)),
    )


def _sampling(twin):
    try:
        return json.loads(twin.file("params").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}


def _contents(twin, settings):
    """{kind: {file name: path of the file, or its text}}: all that would be uploaded."""
    facts, found = _facts(twin, settings), {}
    notice = cards.notice(facts.base)[0]
    notices = {"NOTICE": notice} if notice else {}
    if settings.gguf:
        paths = [
            *_ggufs(twin).values(),
            *(twin.file(key) for key in COMPANIONS if twin.file(key).exists()),
        ]
        found["gguf"] = (
            {path.name: path for path in paths}
            | notices
            | {"README.md": cards.model_card(facts, "gguf")}
        )
    if settings.adapter:
        folder = _adapter(twin)[1]
        found["adapter"] = (
            {name: folder / name for name in ADAPTER_FILES if (folder / name).exists()}
            | notices
            | {"adapter_config.json": _adapter_config(folder, facts.base)}
            | {"README.md": cards.model_card(facts, "adapter")}
        )
    if settings.corpus:
        lines = {
            split: [json.dumps({"text": text}, ensure_ascii=False) + "\n" for text in texts]
            for split, texts in _texts(twin).items()
        }
        found["corpus"] = {
            f"{SPLITS[split]}.jsonl": "".join(some) for split, some in lines.items() if some
        } | {"README.md": cards.dataset_card(facts)}
    return found


def _adapter_config(folder, base):
    """The adapter's configuration with the base's hub id where peft wrote the path it has on this machine."""
    config = json.loads((folder / "adapter_config.json").read_text(encoding="utf-8"))
    config.update(base_model_name_or_path=cards.hub_id(base) or None, revision=None)
    return json.dumps(config, ensure_ascii=False, indent=2) + "\n"


def _texts(twin):
    """{split: texts} of the passages as step 01 left them; no titles, dates, file names or other fields."""
    passages = twin.records("passages")
    return {
        split: [one["text"] for one in passages if one.get("split") == split] for split in SPLITS
    }


# Writing it out


def _lay_out(twin, settings):
    """Write the texts to upload, and nothing else, under twin.upload(...), and list all there is to upload; returns the
    list of Repository.

    Files that the twin has already are sent from where they lie: GGUF files fit on a small disk or Drive only once.
    """
    contents, facts, made = _contents(twin, settings), _facts(twin, settings), []
    for kind in ("gguf", "adapter", "corpus"):
        folder = twin.upload(cards.repository(twin.name, kind))
        if kind not in contents:
            shutil.rmtree(folder, ignore_errors=True)
            continue
        made.append(
            hub.Repository(
                cards.address(facts, kind, _say()),
                "dataset" if kind == "corpus" else "model",
                _write(folder, contents[kind]),
            )
        )
    write_records(
        twin.file("uploads"),
        [
            {
                "repository": one.id,
                "file": name,
                "bytes": count,
                "path": one.files[name].relative_to(twin.path).as_posix(),
            }
            for one in made
            for name, count in hub.sizes(one).items()
        ],
    )
    return made


def _say():
    return cards.CHINESE if language() == "zh" else cards.ENGLISH


def _write(folder, files):
    """Write the texts among files {name: path or text} into the folder, which holds nothing else; {name: path} of
    all."""
    texts = {name: content for name, content in files.items() if isinstance(content, str)}
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.iterdir():
        if old.name not in texts:
            shutil.rmtree(old) if old.is_dir() else old.unlink()
    for name, text in texts.items():
        write_atomic(folder / name, text)
    return {name: folder / name if name in texts else content for name, content in files.items()}


def _table(repositories):
    rows = [(t("publish.repository"), t("publish.file"), t("publish.size"))]
    rows += [
        (made.id, name, cards.size(count))
        for made in repositories
        for name, count in hub.sizes(made).items()
    ]
    first, second = (max(len(row[column]) for row in rows) for column in (0, 1))
    return "\n".join(f"{repo:<{first}}  {name:<{second}}  {size:>10}" for repo, name, size in rows)


def _how_to_run(twin, settings):
    facts = _facts(twin, settings)
    lines = [
        t("publish.readers_run"),
        *("  " + line for line in cards.commands(facts, _say())),
        cards.lm_studio(facts, _say()),
    ]
    if settings.private:
        lines.append(t("publish.while_private_ollama_needs_machines"))
    return "\n".join(lines)


# The step


def run(twin, settings, progress):
    """Lay out what would be uploaded, show it, and upload it when asked to."""
    inputs = twin.inputs(*_sources(twin, settings), base=True)
    warnings = []
    repositories = _lay_out(twin, settings)
    progress.say(_table(repositories))
    if settings.gguf:
        progress.say(_how_to_run(twin, settings))
    if settings.upload:
        warnings = hub.upload(repositories, settings.private, settings.user, twin.hash, progress)
        progress.say("\n".join(t("publish.uploaded", made=hub.url(made)) for made in repositories))
    else:
        progress(1, 1, t("publish.dry_run"), raise_on_stop=False)
        where = twin.folder("publish")
        progress.say(t("publish.dry_run_nothing_left_machine", where=where))
    counts = [count for made in repositories for count in hub.sizes(made).values()]
    figures = {
        "repositories": figure(len(repositories)),
        "files": figure(len(counts)),
        "megabytes": figure(round(sum(counts) / 1e6, 3)),
        "uploaded": figure(int(settings.upload)),
    }
    return Outcome(figures, inputs, warnings, settings)


def _sources(twin, settings):
    """Everything the uploads are made from: files, and the reports behind the cards."""
    small = [twin.file(key) for key in COMPANIONS]
    reports = [
        twin.report_path(step)
        for step in ("corpus", "persona", "reasoning", "quantize", "evaluate")
    ]
    adapter = [_adapter(twin)[1]] if settings.adapter and _adapter(twin) else []
    texts = [twin.file("passages")] if settings.corpus else []
    return [*_ggufs(twin).values(), *small, *adapter, *texts, *reports]
