"""What Ollama needs beside a GGUF file: Go template, system prompt, parameters, Modelfile.

How the Go template is derived from the chat template is in text/templates.py.
"""

from pathlib import Path

from ..files import write_atomic, write_json
from ..i18n import t
from ..models import load
from ..text import templates
from ..twin import Twin

# Pads in training, and ends an answer all the same when Qwen or SmolLM2 write it.
_END_OF_TEXT = "<|endoftext|>"


def write(twin: Twin, gguf: Path, tokenizer, sampling: dict, context: int) -> list[str]:
    """Write template, system, params and Modelfile for the file `gguf`; returns warnings.

    The tokenizer has the twin's chat template; `context` is the longest conversation in tokens.
    """
    system = twin.facts["system_prompt"].strip()
    params = templates.parameters(sampling, context, _stop(tokenizer))
    go = templates.go_template(
        lambda messages: load.render(tokenizer, messages, generate=True), tokenizer.bos_token or ""
    )
    write_atomic(twin.file("system"), system)
    write_json(twin.file("params"), params)
    write_atomic(twin.file("modelfile"), templates.modelfile(gguf.name, go, system, params))
    if go:
        write_atomic(twin.file("template"), go)
        return []
    twin.file("template").unlink(missing_ok=True)
    return [t("gguf.no_ollama_template_follow_bases")]


def _stop(tokenizer):
    """The tokens at which Ollama stops."""
    ends = tokenizer.convert_ids_to_tokens(load.end_tokens(tokenizer))
    if _END_OF_TEXT in tokenizer.get_vocab() and _END_OF_TEXT not in ends:
        ends.append(_END_OF_TEXT)
    return ends
