"""Step 04: the adapter merged into its base as GGUF files, each checked before it is offered.

Files are in a temporary folder until they are checked; one that fails is kept as
NAME-TYPE.gguf.failed, and the report says why. Not here: writing (writer.py), checking (checks.py),
Ollama's files (ollama.py).
"""

import os

from ..files import TwinError, json_or, scratch, write_json
from ..i18n import listed, step_title, t
from ..models import device_fit, exportable, gguf_vocabulary, load
from ..models.families import family_of
from ..progress import Progress
from ..settings import Quantize, stop, warning
from ..text import templates
from ..twin import Outcome, Problem, Stopped, Twin, figure
from . import checks, decimal_figures, decimals, ollama, writer
from .types import FILE_TYPES


def problems(settings: Quantize, twin: Twin) -> list[Problem]:
    """What keeps the files from being written, and warnings.

    They say where no usual type is chosen, and where what was practised is of an earlier voice.
    """
    reasons, newest = [], twin.newest_adapter()[0]
    if newest == "persona" and twin.state("reasoning").name == "stale":
        reasons.append(warning("gguf.practice_left_out", why=twin.state("reasoning").why))
    if not newest:
        reasons.append(stop("gguf.no_fresh_adapter"))
    elif not twin.facts.get("system_prompt"):
        reasons.append(stop("gguf.no_system_prompt"))
    try:
        chosen = file_types(settings.types)
    except TwinError as error:
        return [*reasons, Problem("stop", str(error))]
    if not {"Q4_K_M", "Q8_0"} & set(chosen):
        reasons.append(warning("gguf.add_q4_k_m_or_q8_0"))
    return reasons


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
        raise TwinError(t("gguf.no_types_chosen", known=known))
    if wrong := [kind for kind in chosen if kind not in FILE_TYPES]:
        raise TwinError(t("gguf.unknown_types", types=", ".join(wrong), known=known))
    return chosen


def run(twin: Twin, settings: Quantize, progress: Progress) -> Outcome:
    """Write and check the files; raises TwinError when none passes.

    Figures of each file, as NAME_TYPE: size_mb, tokens_per_second, kl_divergence, top1, llama_top1,
    ended, tokens_equal; ended_twin; and with `settings.decimals` those of decimals.py.
    """
    step, adapter = twin.newest_adapter()
    if adapter is None:
        raise TwinError(t("gguf.no_fresh_adapter"))
    inputs = twin.inputs(twin.adapter("persona"), twin.adapter("reasoning"), base=True)
    base = load.prepare(twin.facts["base"]["name"], progress)
    config = exportable.read_config(base.path)
    spec = _spec(twin, base, adapter, config, settings)
    types = listed(file_types(settings.types))
    trained = step_title(step)
    progress.say(t("gguf.merging_adapter", step=trained, name=base.name, types=types))
    figures, warnings, passed = _make_files(twin, settings, spec, inputs, progress)
    if not passed:
        raise TwinError(t("gguf.no_file_passed") + " ".join(warnings))
    best = passed[device_fit.recommended_type(tuple(passed), figures)]
    context = settings.context
    if exportable.rope_of(config):  # without positions there is no longest text
        context = min(context, config.max_position_embeddings)
    warnings += ollama.write(twin, best, spec.tokenizer, spec.card["sampling"], context)
    if settings.decimals:
        compared, warning_texts = _compare(twin, spec, passed, settings.decimals, progress)
        figures, warnings = figures | compared, warnings + warning_texts
    return Outcome(figures, inputs, warnings, settings)


def _spec(twin, base, adapter, config, settings):
    """The checks.ExportSpec, with the twin's system prompt in the tokenizer's chat template."""
    tokenizer = load.tokenizer(base)
    exportable.set_system_prompt(tokenizer, twin.facts["system_prompt"])
    ends, own = load.end_tokens(tokenizer), family_of(config).tokenizer
    vocabulary = gguf_vocabulary.read(tokenizer, config.vocab_size, ends, own)
    card = _card(twin, base, tokenizer, settings)
    return checks.ExportSpec(base, adapter, tokenizer, vocabulary, card)


def _make_files(twin, settings, spec, inputs, progress):
    """Write and check the files and move them from a temporary folder to the twin's.

    Where none passes, the files of an earlier run stay, and its report with them. Files of other
    types stay, too, with their figures, as long as they are of the same adapter (`inputs`).

    Returns (figures, warnings, {type: path} of the files that passed).
    """
    folder, kinds = twin.folder("quantize"), file_types(settings.types)
    with scratch(folder / "unproven") as unchecked:
        files = {kind: unchecked / twin.new_gguf(kind).name for kind in kinds}
        sizes = writer.write(
            spec.base.path, files, spec.vocabulary, spec.card, spec.adapter, progress
        )
        figures = {f"size_mb_{kind}": figure(round(size / 1e6, 1)) for kind, size in sizes.items()}
        measured, warnings = checks.check_files(twin, files, spec, progress)
        passed = {kind: twin.new_gguf(kind) for kind in kinds if files[kind].exists()}
        names, earlier = sorted(file.name for file in unchecked.iterdir()), _made_before(twin)
        # A run that is killed here leaves files of which nobody knows what they are made from.
        write_json(twin.file("made"), earlier | dict.fromkeys(names, {}))
        for name in names:
            os.replace(unchecked / name, folder / name)
    write_json(twin.file("made"), earlier | dict.fromkeys(names, inputs))
    kept = _kept_figures(twin, kinds, inputs)
    if passed:  # else the earlier ones are all that the twin can talk with
        remove_old(twin, kinds, inputs, progress)
    return kept | figures | measured, warnings, passed


def _compare(twin, spec, files, count, progress):
    """(figures, warnings) of the '9.9 or 9.11' comparison with `count` problems.

    If it fails or is stopped, the files stay and a warning says why.
    """
    try:
        comparison = decimals.compare(twin, spec, files, progress, count)
    except (TwinError, OSError) as error:
        return {}, [t("gguf.comparison_incomplete", error=error)]
    except Stopped:
        return {}, [t("gguf.comparison_stopped")]
    progress.say(decimal_figures.table(comparison.figures))
    note = listed(comparison.findings, "core.sentence_separator")
    return comparison.figures | {"decimals": figure(None, n=count, note=note)}, []


def _report(twin):
    """The report of the run before; None where there is none, or it was damaged."""
    try:
        return twin.report("quantize")
    except TwinError:
        return None


def _made_before(twin):
    """{file name: inputs} of the GGUF files that this step made, from its notes and its report."""
    known, report = json_or(twin.file("made"), {}), _report(twin)
    for name in report.figures if report else ():
        if name.startswith("size_mb_"):
            path = twin.gguf(name.removeprefix("size_mb_"))
            for made in (path, checks.failed_path(path)):
                known.setdefault(made.name, report.inputs)
    return {name: of for name, of in known.items() if (twin.folder("quantize") / name).is_file()}


def _kept_figures(twin, kinds, inputs):
    """The figures of an earlier run's files of other types that are of the same adapter."""
    report = _report(twin)
    if report is None or report.inputs != inputs:
        return {}
    others = [kind for kind in FILE_TYPES if kind not in kinds and twin.gguf(kind).exists()]
    endings = tuple(f"_{kind}" for kind in others)
    return {name: found for name, found in report.figures.items() if name.endswith(endings)}


def remove_old(twin: Twin, kinds: list[str], inputs: dict[str, str], progress: Progress) -> None:
    """Remove what new files of these `kinds`, made from `inputs`, replace, and the report.

    Removed are files that this step made before: those of another adapter, and those of the same
    types that failed or have the name that the folder had. All others are the owner's.
    """
    folder, known = twin.folder("quantize"), _made_before(twin)
    old = [name for name, of in known.items() if of != inputs]
    for kind in kinds:
        new = twin.new_gguf(kind)
        found = {name for name in known if name.endswith((f"-{kind}.gguf", f"-{kind}.gguf.failed"))}
        old += found - {new.name if new.exists() else checks.failed_path(new).name} - {*old}
    for name in old:
        (folder / name).unlink(missing_ok=True)
    twin.report_path("quantize").unlink(missing_ok=True)  # last: it names what has to go
    write_json(twin.file("made"), {name: of for name, of in known.items() if name not in old})
    if old:
        progress.say(t("gguf.old_files_removed", names=listed(old)))


def _card(twin, base, tokenizer, settings):
    entry = base.entry
    return {
        "name": twin.author,
        "license": entry.license,
        "license_name": entry.license_name,
        "license_link": entry.license_link,
        "languages": twin.facts.get("languages"),
        "base": entry.hub if entry.parameters else base.path.name,
        "template": tokenizer.chat_template,
        "sampling": templates.sampling(settings.temperature, settings.top_p),
    }
