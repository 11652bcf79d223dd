"""The files for Ollama next to a GGUF file: Go template, system prompt, parameters, Modelfile.

Ollama renders Go templates, not Jinja: the Go template makes the prompts of the chat template in
the GGUF file, with the twin's system prompt as the default.
"""

import json
import re
from collections.abc import Callable, Iterable
from pathlib import Path

from ..files import write_atomic, write_json
from ..i18n import t
from ..models import load
from ..twin import Twin

# Qwen and SmolLM2 pad with it in training, and sometimes end an answer with it.
_END_OF_TEXT = "<|endoftext|>"
# Private-use characters that stand for the messages in a rendered conversation
_PLACEHOLDERS = {"system": "\ue000", "user": "\ue001", "assistant": "\ue002"}
# The names in capitals are replaced by the texts between messages. Ollama renders all messages at
# once and may cut off older ones. An assistant message that comes last is continued. A system
# message that comes later counts as the first.
_GO = """{{- $system := false }}{{ $open := false }}{{ $before := DEFAULT }}
{{- range .Messages }}{{ if eq .Role "system" }}{{ $system = true }}{{ end }}{{ end }}
{{- if $system }}{{ OPENING }}{{ .System }}{{ $before = FIRST }}{{ end }}
{{- range $i, $message := .Messages }}
{{- $last := eq (len (slice $.Messages $i)) 1 }}
{{- if eq .Role "user" }}{{ $before }}{{ .Content }}{{ $before = QUESTION }}
{{- else if eq .Role "assistant" }}
{{- if eq $i 0 }}{{ $before }}{{ end }}{{ $before = QUESTION }}{{ $open = $last }}
{{- if $last }}{{ NEXT }}{{ else }}{{ ANSWER }}{{ end }}{{ .Content }}
{{- end }}
{{- end }}
{{- if not $open }}{{ NEXT }}{{ end }}"""


def write(twin: Twin, gguf: Path, tokenizer, sampling: dict, context: int) -> list[str]:
    """Write template, system, params and Modelfile for the file `gguf`; returns warnings.

    The tokenizer has the twin's chat template; `context` is the longest conversation in tokens.
    """
    system = twin.facts["system_prompt"].strip()
    params = parameters(sampling, context, _stop_tokens(tokenizer))
    template = go_template(
        lambda messages: load.render(tokenizer, messages, generate=True), tokenizer.bos_token or ""
    )
    write_atomic(twin.file("system"), system)
    write_json(twin.file("params"), params)
    write_atomic(twin.file("modelfile"), modelfile(gguf.name, template, system, params))
    if template:
        write_atomic(twin.file("template"), template)
        return []
    twin.file("template").unlink(missing_ok=True)
    return [t("gguf.no_ollama_template")]


def _stop_tokens(tokenizer):
    ends = tokenizer.convert_ids_to_tokens(load.end_tokens(tokenizer))
    if _END_OF_TEXT in tokenizer.get_vocab() and _END_OF_TEXT not in ends:
        ends.append(_END_OF_TEXT)
    return ends


def go_template(render: Callable[[list[dict]], str], bos: str = "") -> str:
    """The Go template that makes the prompts of a Jinja chat template, or '' if none can.

    `render(messages)` is the prompt of a conversation up to where the answer begins. Conversations
    of placeholders are rendered with and without a system message and split at the placeholders.
    The result is '' when longer conversations are not made of the same parts. `bos` is left out, as
    Ollama adds it. Go can't trim: blanks around a message stay.
    """

    def parts(*roles):
        prompt = render([{"role": role, "content": _PLACEHOLDERS[role]} for role in roles])
        return re.split(f"[{''.join(_PLACEHOLDERS.values())}]", prompt.removeprefix(bos))

    default, *turns = parts("user", "assistant", "user")
    if len(turns) != 3:
        return ""
    with_system = parts("system", "user", "assistant", "user")[:2]
    for start, head in ((("user",), [default]), (("system", "user"), with_system)):
        for more in (0, 1, 2, 4):
            expected = [*head, *turns[:2] * more, turns[2]]
            if parts(*start, *("assistant", "user") * more) != expected:
                return ""
    names = ("DEFAULT", "OPENING", "FIRST", "ANSWER", "QUESTION", "NEXT")
    texts = dict(zip(names, (default, *with_system, *turns)))
    return re.sub(r"\b[A-Z]{2,}\b", lambda match: go_string(texts[match[0]]), _GO)


def go_string(text: str) -> str:
    """A Go string literal of printable characters only, as a Modelfile drops the others."""
    return "".join(
        c if c.isprintable() else f"\\u{ord(c):04x}" if ord(c) < 0x10000 else f"\\U{ord(c):08x}"
        for c in json.dumps(text, ensure_ascii=False)
    )


def parameters(sampling: dict, context: int, stop: Iterable[str]) -> dict:
    """The content of `params` in an Ollama repository; `stop` are the texts that end a turn."""
    return {**sampling, "num_ctx": context, "stop": list(stop)}


def modelfile(file: str, template: str, system: str, params: dict) -> str:
    """A Modelfile for a GGUF file in the same folder; `template` is its Go template or ''."""
    lines = [f"FROM ./{file}"]
    if template:
        lines.append(f'TEMPLATE """{template}"""')
    if _fits_modelfile(system):
        lines.append(f'SYSTEM """{system}"""')
    elif not template:  # a Go template holds the system prompt already
        lines.append('SYSTEM """' + system.replace('"""', "'''") + '"""')
    for name, value in params.items():
        for item in value if isinstance(value, list) else [value]:
            lines.append(f"PARAMETER {name} {_parameter(item)}")
    return "\n".join(lines) + "\n"


def _parameter(value):
    """A value in a Modelfile, which knows no escapes: line breaks stand between triple quotes."""
    if isinstance(value, str) and "\n" in value:
        return f'"""{value}"""'
    return json.dumps(value, ensure_ascii=False)


def _fits_modelfile(text):
    """Modelfiles drop what isn't printable and can't escape triple quotes at a line's end."""
    return all(c.isprintable() or c in "\t\n" for c in text) and not re.search(r'"""[ \t]*\n', text)
