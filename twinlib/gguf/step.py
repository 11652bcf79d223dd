"""Step 04: the adapter merged into its base as GGUF files, each proven to say the same before it is offered.

Not here: how a file is written (engines/gguf_file.py), and what it takes to pass (engines/proof.py). Until they are
proven the files lie in a folder of their own; one that fails is kept aside as NAME-TYPE.gguf.failed, with the reason in
the report.
"""

import os

from ..files import TwinError, scratch, write_atomic, write_json
from ..i18n import t
from ..models import device_fit, load, pip_base
from ..settings import stop, warning
from ..text import templates
from ..twin import Outcome, Problem, Stopped, figure
from . import checks, decimals, writer
from . import tokenizer as gguf_vocabulary

END_OF_TEXT = "<|endoftext|>"  # pads in training, and ends an answer all the same when Qwen or SmolLM2 write it


def problems(settings, twin):
    """What keeps the files from being written, in sentences."""
    found = []
    if not twin.newest_adapter()[0]:
        found.append(stop("gguf.no_fresh_adapter_run_step"))
    try:
        chosen = types(settings.types)
    except TwinError as error:
        return [*found, Problem("stop", str(error))]
    if not {"Q4_K_M", "Q8_0"} <= set(chosen):
        found.append(warning("gguf.q4_k_m_what_ollama"))
    if not twin.facts.get("system_prompt"):
        found.append(stop("gguf.twin_no_system_prompt_run"))
    return found


def unfinished(settings, twin):
    """Whether a report that stands leaves something to do again: a file that failed, a comparison that was stopped."""
    report = twin.report("quantize")
    failed = any(checks.aside(twin.gguf(kind)).exists() for kind in types(settings.types))
    return failed or bool(settings.decimals) and "decimals" not in report.figures


def types(text):
    """The types named in a setting such as 'Q8_0,F16', in that order; raises TwinError for one we can't write."""
    chosen = list(
        dict.fromkeys(
            part.strip().upper() for part in text.replace("，", ",").split(",") if part.strip()
        )
    )
    wrong = [kind for kind in chosen if kind not in writer.TYPES]
    if wrong or not chosen:
        names = ", ".join(writer.TYPES)
        raise TwinError(
            t(
                "gguf.types_cant_written_choose",
                value=", ".join(wrong) or "none",
                names=names,
                value_2=", ".join(wrong) or "（空）",
            )
        )
    return chosen


def run(twin, settings, progress):
    """Write and prove the files; figures per type: size_mb, tokens_per_second, kl_divergence, top1, llama_top1, ended,
    tokens_equal (NAME_TYPE each), and ended_twin."""
    step, adapter = twin.newest_adapter()
    if adapter is None:
        raise TwinError(t("gguf.no_fresh_adapter_run_step"))
    inputs = twin.inputs(twin.adapter("persona"), twin.adapter("reasoning"), base=True)
    base = load.prepare(twin.facts["base"]["name"], progress)
    tokenizer, system = load.tokenizer(base), twin.facts["system_prompt"]
    tokenizer.chat_template = _own_template(tokenizer, system)
    config = writer.read_config(base.path)
    vocabulary = gguf_vocabulary.read(
        tokenizer, config.vocab_size, load.end_tokens(tokenizer), pip_base.vocabulary(base.path)
    )
    meant = checks.Meant(
        base, adapter, tokenizer, vocabulary, _card(twin, base, tokenizer, settings)
    )
    progress.say(
        t(
            "gguf.merging_adapter_step_into",
            step=step,
            name=base.name,
            types=", ".join(types(settings.types)),
            types_2="、".join(types(settings.types)),
        )
    )
    figures, warnings, passed = _made(twin, settings, meant, progress)
    if not passed:
        raise TwinError(t("gguf.no_file_passed") + " ".join(warnings))
    first = passed[device_fit.recommended_type(tuple(passed), figures)]
    warnings += _companions(
        twin, settings, tokenizer, first, min(settings.context, config.max_position_embeddings)
    )
    if settings.decimals:
        figures |= _compare(twin, base, meant, passed, settings, progress, warnings)
    return Outcome(figures, inputs, warnings, settings)


def _made(twin, settings, meant, progress):
    """(figures, warnings, {type: path} of what passed): the files, written and proven, then in the place of older ones."""
    folder, kinds = twin.folder("quantize"), types(settings.types)
    with scratch(folder / "unproven") as room:
        files = {kind: room / twin.gguf(kind).name for kind in kinds}
        sizes = writer.write(
            meant.base.path, files, meant.vocabulary, meant.card, meant.adapter, progress
        )
        figures = {f"size_mb_{kind}": figure(round(size / 1e6, 1)) for kind, size in sizes.items()}
        proven, warnings = checks.prove(twin, files, meant, settings, progress)
        _remove_old(twin)
        for file in room.iterdir():
            os.replace(file, folder / file.name)
    return (
        figures | proven,
        warnings,
        {kind: twin.gguf(kind) for kind in kinds if twin.gguf(kind).exists()},
    )


def _compare(twin, base, meant, files, settings, progress, warnings):
    """Figures of the seed's comparison; where it can't run or is stopped, the files stand and a warning says why."""
    try:
        found = decimals.decimals(
            twin, base, meant.vocabulary, meant.card, files, progress, settings.decimals
        )
    except (TwinError, OSError) as error:
        warnings.append(t("gguf.comparison_isnt_complete", error=error))
        return {}
    except Stopped:
        warnings.append(t("gguf.comparison_stopped_run_step_again"))
        return {}
    progress.say(decimals.table(found.figures))
    return found.figures | {
        "decimals": figure(None, n=settings.decimals, note=" ".join(found.sentences))
    }


def _remove_old(twin):
    """Remove the files and the report of an earlier run, so that none is left of another adapter."""
    twin.report_path("quantize").unlink(missing_ok=True)
    for kind in writer.TYPES:
        for path in (twin.gguf(kind), checks.aside(twin.gguf(kind))):
            path.unlink(missing_ok=True)


def _own_template(tokenizer, system):
    """The base's chat template with the twin's system prompt as its default; raises TwinError when that isn't safe."""
    original, asked = tokenizer.chat_template, [{"role": "user", "content": "1"}]
    given = [
        {"role": "system", "content": "2"},
        *asked,
        {"role": "assistant", "content": "3"},
        *asked,
    ]
    before = load.render(tokenizer, given, generate=True)
    tokenizer.chat_template = templates.with_system(original, system)
    whole = load.render(tokenizer, given, generate=True) == before
    if not whole or system.strip() not in load.render(tokenizer, asked):
        raise TwinError(t("gguf.bases_chat_template_cant_carry"))
    if found := templates.identity(tokenizer.chat_template):
        raise TwinError(t("gguf.template_system_prompt_still_says", found=found))
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


def _companions(twin, settings, tokenizer, first, context):
    """Write what Ollama wants beside the files: template, system, params, and a Modelfile for the path `first`.

    Returns warnings.
    """
    system = twin.facts["system_prompt"].strip()
    go = templates.go_template(
        lambda messages: load.render(tokenizer, messages, generate=True), tokenizer.bos_token or ""
    )
    ends = tokenizer.convert_ids_to_tokens(load.end_tokens(tokenizer))
    ends += [END_OF_TEXT] * (END_OF_TEXT in tokenizer.get_vocab() and END_OF_TEXT not in ends)
    params = templates.parameters(
        templates.sampling(settings.temperature, settings.top_p), context, ends
    )
    write_atomic(twin.file("system"), system)
    write_json(twin.file("params"), params)
    write_atomic(twin.file("modelfile"), templates.modelfile(first.name, go, system, params))
    if go:
        write_atomic(twin.file("template"), go)
        return []
    twin.file("template").unlink(missing_ok=True)
    return [t("gguf.no_ollama_template_follow_bases")]
