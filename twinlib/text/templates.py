"""Chat templates as text: the twin's system prompt in place of the base's, and Ollama's Go template of the same family.

Only the default system message of a Jinja template changes (hubs recognise a template by its first 128 characters,
and whenever a system message is given it must render as the base's does). Families: ChatML (Qwen, SmolLM2),
Llama 3.x, Gemma 3.
"""

import json
import re

_CHATML_LITERAL = re.compile(r"<\|im_start\|>system(?:\\n|\n)([^'\"{}<]+)<\|im_end\|>")
_EMPTY_VARIABLE = re.compile(r"(set (system_message|first_user_prefix|system) = )(?:\"\"|'')")
_ROLE = r"messages\[0\](?:\.role|\['role'\])"
_CONTENT = r"messages\[0\](?:\.content|\['content'\])"
_WITHOUT_ELSE = re.compile(  # Qwen3: a system message is shown when given, and there is no 'else'
    r"(\{%-? if " + _ROLE + r" == 'system' %\}\s*\{\{-? (?P<before>'<\|im_start\|>system\\n' \+ )?" + _CONTENT +
    r" \+ '(?P<after><\|im_end\|>\\n|\\n\\n)' \}\}(?P<gap>\s*))\{%-? endif %\}")
_IDENTITIES = re.compile(
    r"You are (?:Qwen|SmolLM|Gemma|Llama|Meta AI|DeepSeek|Mistral|Phi)\b|(?:created|trained|developed|made|built) by "
    r"(?:Alibaba|Hugging ?Face|Meta|Google|DeepSeek|Mistral|Microsoft)\b|named SmolLM|你是(?:通义千问|千问|Qwen)|"
    r"由(?:阿里云|阿里巴巴|谷歌|深度求索)(?:开发|训练|创建|研发)", re.IGNORECASE)


def with_system(template, system):
    """The Jinja template whose default system message is `system`; whatever else it says stays as it is.

    A template of an unknown family gets a condition in front of it that adds the message when none is given.
    """
    system = system.strip()
    for change in (_in_chatml_literal, _in_empty_variable, _as_missing_else):
        changed = change(template, system)
        if changed != template:
            return changed
    return ("{%- if messages[0]['role'] != 'system' -%}{%- set messages = [{'role': 'system', 'content': '"
            + _quoted(system) + "'}] + messages -%}{%- endif -%}" + template)


def default_systems(template):
    """The default system messages that a ChatML template brings along, longest first."""
    return sorted(set(_CHATML_LITERAL.findall(template)), key=len, reverse=True)


def _in_chatml_literal(template, system):
    # Qwen2.5 says it twice: in the turn itself, and alone where tools are listed.
    for literal in default_systems(template):
        template = template.replace(literal, _quoted(system))
    return template


def _in_empty_variable(template, system):
    def fill(match):
        gap = "" if match[2] == "system_message" else "\\n\\n"  # Gemma puts it before the first user turn
        return f"{match[1]}'{_quoted(system)}{gap}'"
    return _EMPTY_VARIABLE.sub(fill, template)


def _as_missing_else(template, system):
    def add(match):
        indent, before = match["gap"], "<|im_start|>system\\n" if match["before"] else ""
        return (f"{match[1]}{{%- else %}}{indent}    {{{{- '{before}{_quoted(system)}{match['after']}' }}}}"
                f"{indent}{{%- endif %}}")
    return _WITHOUT_ELSE.sub(add, template)


def _quoted(text):
    """Text as it stands inside a Jinja string, whichever quotes are around it."""
    return text.replace("\\", "\\\\").replace("\n", "\\n").replace("'", "\\'").replace('"', '\\"')


def identity(text):
    """The first phrase in which a base model says who it is or who made it; '' when there is none."""
    found = _IDENTITIES.search(text)
    return found[0] if found else ""


def spoken(text):
    """An answer without the thinking in front of it, as Qwen3 writes it."""
    return re.sub(r"^\s*<think>.*?(?:</think>|$)", "", text, count=1, flags=re.DOTALL).strip()


def family(template):
    """'chatml', 'llama3' or 'gemma' by the turn tokens of a template (Jinja or Go); '' for any other."""
    marks = {"<|im_start|>": "chatml", "<|start_header_id|>": "llama3", "<start_of_turn>": "gemma"}
    return next((name for mark, name in marks.items() if mark in template), "")


# Ollama's variables: .System, .Messages (with .Role and .Content); what stands after the last assistant turn is left
# out, so that generation goes on from there.
GO_TEMPLATES = {
    "chatml": """{{- if .System }}<|im_start|>system
{{ .System }}<|im_end|>
{{ end }}
{{- range $i, $message := .Messages }}
{{- $last := eq (len (slice $.Messages $i)) 1 }}
{{- if eq .Role "user" }}<|im_start|>user
{{ .Content }}<|im_end|>
{{ if $last }}<|im_start|>assistant
{{ end }}
{{- else if eq .Role "assistant" }}<|im_start|>assistant
{{ .Content }}{{ if not $last }}<|im_end|>
{{ end }}
{{- end }}
{{- end }}""",
    "llama3": """<|start_header_id|>system<|end_header_id|>

Cutting Knowledge Date: December 2023
Today Date: 26 Jul 2024

{{ .System }}<|eot_id|>
{{- range $i, $message := .Messages }}
{{- $last := eq (len (slice $.Messages $i)) 1 }}
{{- if eq .Role "user" }}<|start_header_id|>user<|end_header_id|>

{{ .Content }}<|eot_id|>{{ if $last }}<|start_header_id|>assistant<|end_header_id|>

{{ end }}
{{- else if eq .Role "assistant" }}<|start_header_id|>assistant<|end_header_id|>

{{ .Content }}{{ if not $last }}<|eot_id|>{{ end }}
{{- end }}
{{- end }}""",
    "gemma": """{{- $system := .System }}
{{- range $i, $message := .Messages }}
{{- $last := eq (len (slice $.Messages $i)) 1 }}
{{- if eq .Role "user" }}<start_of_turn>user
{{ if $system }}{{ $system }}

{{ $system = "" }}{{ end }}{{ .Content }}<end_of_turn>
{{ if $last }}<start_of_turn>model
{{ end }}
{{- else if eq .Role "assistant" }}<start_of_turn>model
{{ .Content }}{{ if not $last }}<end_of_turn>
{{ end }}
{{- end }}
{{- end }}""",
}


def go_template(template):
    """Ollama's Go template of the same family as a Jinja template; '' for an unknown family."""
    go = GO_TEMPLATES.get(family(template), "")
    if "enable_thinking" in template:  # Qwen3: the twin was trained to answer without thinking first
        go = go.replace("assistant\n{{ end }}", "assistant\n<think>\n\n</think>\n\n{{ end }}")
    return go


def parameters(temperature, top_p, context, stop):
    """The `params` of an Ollama repository, as a dict; `stop` are the texts that end a turn."""
    return {"temperature": temperature, "top_p": top_p, "num_ctx": context, "stop": list(stop)}


def modelfile(file, template, system, params):
    """An Ollama Modelfile for a GGUF file beside it."""
    lines = [f"FROM ./{file}"]
    if template:
        lines.append(f'TEMPLATE """{template}"""')
    lines.append('SYSTEM """' + system.replace('"""', "'''") + '"""')
    for name, value in params.items():
        lines += [f"PARAMETER {name} {json.dumps(v, ensure_ascii=False)}"
                  for v in (value if isinstance(value, list) else [value])]
    return "\n".join(lines) + "\n"
