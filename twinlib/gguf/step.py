"""Step 04: the adapter merged into its base as GGUF files, each checked before it is offered.

Files lie in a folder of their own until they are checked; one that fails is kept as
NAME-TYPE.gguf.failed, and the report says why. Not here: writing (writer.py), checking (checks.py),
Ollama's files (ollama.py).
"""

import os

from ..files import TwinError, scratch
from ..i18n import t
from ..models import device_fit, load, pip_base
from ..settings import Quantize, stop, warning
from ..text import templates
from ..twin import Outcome, Problem, Stopped, Twin, figure
from . import checks, decimals, ollama, writer
from . import tokenizer as gguf_tokenizer
from .tensors import read_config
from .types import FILE_TYPES


def problems(settings: Quantize, twin: Twin) -> list[Problem]:
    """What keeps the files from being written, in sentences."""
    found = []
    if not twin.newest_adapter()[0]:
        found.append(stop("gguf.no_fresh_adapter_run_step"))
    try:
        chosen = file_types(settings.types)
    except TwinError as error:
        return [*found, Problem("stop", str(error))]
    if not {"Q4_K_M", "Q8_0"} <= set(chosen):
        found.append(warning("gguf.q4_k_m_what_ollama"))
    if not twin.facts.get("system_prompt"):
        found.append(stop("gguf.twin_no_system_prompt_run"))
    return found


def unfinished(settings: Quantize, twin: Twin) -> bool:
    """Whether a finished step should run again: a file failed, or the comparison was stopped."""
    report = twin.report("quantize")
    failed = any(
        checks.failed_path(twin.gguf(kind)).exists() for kind in file_types(settings.types)
    )
    return failed or bool(settings.decimals) and "decimals" not in report.figures


def file_types(text: str) -> list[str]:
    """The types named in a setting such as 'Q8_0,F16'; raises TwinError for an unknown one."""
    names = [part.strip().upper() for part in text.replace("，", ",").split(",")]
    chosen = list(dict.fromkeys(filter(None, names)))
    known = ", ".join(FILE_TYPES)
    if not chosen:
        raise TwinError(t("gguf.no_types_chosen", names=known))
    if wrong := [kind for kind in chosen if kind not in FILE_TYPES]:
        raise TwinError(t("gguf.types_cant_be_written", value=", ".join(wrong), names=known))
    return chosen


def run(twin: Twin, settings: Quantize, progress) -> Outcome:
    """Write and check the files.

    Figures of each file, as NAME_TYPE: size_mb, tokens_per_second, kl_divergence, top1, llama_top1,
    ended, tokens_equal; and ended_twin.
    """
    step, adapter = twin.newest_adapter()
    if adapter is None:
        raise TwinError(t("gguf.no_fresh_adapter_run_step"))
    inputs = twin.inputs(twin.adapter("persona"), twin.adapter("reasoning"), base=True)
    base = load.prepare(twin.facts["base"]["name"], progress)
    config, spec = read_config(base.path), _spec(twin, base, adapter, settings)
    chosen = file_types(settings.types)
    progress.say(
        t(
            "gguf.merging_adapter_step_into",
            step=step,
            name=base.name,
            types=", ".join(chosen),
            types_2="、".join(chosen),
        )
    )
    figures, warnings, passed = _make_files(twin, settings, spec, progress)
    if not passed:
        raise TwinError(t("gguf.no_file_passed") + " ".join(warnings))
    best = passed[device_fit.recommended_type(tuple(passed), figures)]
    context = min(settings.context, config.max_position_embeddings)
    warnings += ollama.write(twin, best, spec.tokenizer, spec.card["sampling"], context)
    if settings.decimals:
        figures |= _compare(twin, spec, passed, settings, progress, warnings)
    return Outcome(figures, inputs, warnings, settings)


def _spec(twin, base, adapter, settings):
    """The checks.ExportSpec, with the twin's system prompt in the tokenizer's chat template."""
    tokenizer = load.tokenizer(base)
    tokenizer.chat_template = _own_template(tokenizer, twin.facts["system_prompt"])
    vocabulary = gguf_tokenizer.read(
        tokenizer,
        read_config(base.path).vocab_size,
        load.end_tokens(tokenizer),
        pip_base.vocabulary(base.path),
    )
    card = _card(twin, base, tokenizer, settings)
    return checks.ExportSpec(base, adapter, tokenizer, vocabulary, card)


def _make_files(twin, settings, spec, progress):
    """(figures, warnings, {type: path} of what passed) of files written, checked and moved."""
    folder, kinds = twin.folder("quantize"), file_types(settings.types)
    with scratch(folder / "unproven") as unchecked:
        files = {kind: unchecked / twin.gguf(kind).name for kind in kinds}
        sizes = writer.write(
            spec.base.path, files, spec.vocabulary, spec.card, spec.adapter, progress
        )
        figures = {f"size_mb_{kind}": figure(round(size / 1e6, 1)) for kind, size in sizes.items()}
        measured, warnings = checks.check_files(twin, files, spec, settings, progress)
        remove_old(twin)
        for file in unchecked.iterdir():
            os.replace(file, folder / file.name)
    passed = {kind: twin.gguf(kind) for kind in kinds if twin.gguf(kind).exists()}
    return figures | measured, warnings, passed


def _compare(twin, spec, files, settings, progress, warnings):
    """Figures of the '9.9 or 9.11' comparison.

    If it fails or is stopped, the files stay and a warning says why.
    """
    try:
        comparison = decimals.compare(twin, spec, files, progress, settings.decimals)
    except (TwinError, OSError) as error:
        warnings.append(t("gguf.comparison_isnt_complete", error=error))
        return {}
    except Stopped:
        warnings.append(t("gguf.comparison_stopped_run_step_again"))
        return {}
    progress.say(decimals.table(comparison.figures))
    note = " ".join(comparison.sentences)
    return comparison.figures | {"decimals": figure(None, n=settings.decimals, note=note)}


def remove_old(twin: Twin) -> None:
    """Remove files and report of an earlier run, so that none of another adapter remains."""
    twin.report_path("quantize").unlink(missing_ok=True)
    for kind in FILE_TYPES:
        for path in (twin.gguf(kind), checks.failed_path(twin.gguf(kind))):
            path.unlink(missing_ok=True)


def _own_template(tokenizer, system):
    """The base's chat template with the twin's system prompt as its default.

    Raises TwinError when that isn't safe.
    """
    question = {"role": "user", "content": "1"}
    with_another_system = [
        {"role": "system", "content": "2"},
        question,
        {"role": "assistant", "content": "3"},
        question,
    ]
    before = load.render(tokenizer, with_another_system, generate=True)
    tokenizer.chat_template = templates.with_system(tokenizer.chat_template, system)
    unchanged = load.render(tokenizer, with_another_system, generate=True) == before
    if not unchanged or system.strip() not in load.render(tokenizer, [question]):
        raise TwinError(t("gguf.bases_chat_template_cant_carry"))
    if name := templates.identity(tokenizer.chat_template):
        raise TwinError(t("gguf.template_system_prompt_still_says", found=name))
    return tokenizer.chat_template


def _card(twin, base, tokenizer, settings):
    entry = base.entry
    return {
        "name": twin.facts.get("author") or twin.name,
        "license": entry.license,
        "license_name": entry.license_name,
        "license_link": entry.license_link,
        "languages": twin.facts.get("languages"),
        "base": entry.hub if entry.parameters else base.path.name,
        "template": tokenizer.chat_template,
        "sampling": templates.sampling(settings.temperature, settings.top_p),
    }
