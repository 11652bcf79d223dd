"""Chat templates: the twin's system prompt as a Jinja template's default, and a Go template.

Only the default system message of a Jinja template changes, because apps recognise a template by
its first 128 characters, and a conversation with a system message must render as the base's
template does. Known are ChatML (Qwen, SmolLM2), Llama 3.x and Gemma 3. The Go template is the same
one for Ollama.
"""

import json
import re
from collections.abc import Callable, Iterable

from .. import catalogue

_CHATML_LITERAL = re.compile(r"<\|im_start\|>system(?:\\n|\n)([^'\"{}<]+)<\|im_end\|>")
_EMPTY_VARIABLE = re.compile(r"(set (system_message|first_user_prefix|system) = )(?:\"\"|'')")
_ROLE = r"messages\[0\](?:\.role|\['role'\])"
_CONTENT = r"messages\[0\](?:\.content|\['content'\])"
_WITHOUT_ELSE = re.compile(  # Qwen3: a system message is shown when given, and there is no 'else'
    r"(\{%-? if "
    + _ROLE
    + r" == 'system' %\}\s*\{\{-? (?P<before>'<\|im_start\|>system\\n' \+ )?"
    + _CONTENT
    + r" \+ '(?P<after><\|im_end\|>\\n|\\n\\n)' \}\}(?P<gap>\s*))\{%-? endif %\}"
)
_NAMES = "|".join(catalogue.MODEL_NAMES)
_MADE_BY = (
    rf"(?:created|trained|developed|made|built) by (?:{'|'.join(catalogue.MAKERS)})\b",
    f"由(?:{'|'.join(catalogue.CHINESE_MAKERS)})(?:开发|训练|创建|研发)",
)
_IDENTITIES = re.compile(
    rf"You are (?:{_NAMES})\b|{_MADE_BY[0]}|named SmolLM|你是(?:通义千问|千问|Qwen)|{_MADE_BY[1]}",
    re.IGNORECASE,
)
# In an answer, which may mention a company's product without being it.
_OWN_IDENTITIES = re.compile(
    rf"\b(?:I am|I['’]m|my name is|call me) (?:an? |the |called |named )?(?:{_NAMES})\b|"
    rf"\bI(?: am|['’]m| was)\b[^.!?\n]{{0,60}}?\b{_MADE_BY[0]}|"
    rf"我(?:是|叫|的名字[是叫])[^。！？，\n]{{0,6}}?(?:通义千问|千问|{_NAMES})|"
    rf"我是[^。！？\n]{{0,20}}?{_MADE_BY[1]}",
    re.IGNORECASE,
)


def with_system(template: str, system: str) -> str:
    """The Jinja template with `system` as its default system message, and no other change.

    A template of an unknown family is preceded by a condition that adds the message when none is
    given.
    """
    system = system.strip()
    for change in (_in_chatml_literal, _in_empty_variable, _as_missing_else):
        changed = change(template, system)
        if changed != template:
            return changed
    return (
        "{%- if messages[0]['role'] != 'system' -%}"
        "{%- set messages = [{'role': 'system', 'content': '"
        + _quoted(system)
        + "'}] + messages -%}{%- endif -%}"
        + template
    )


def default_systems(template: str) -> list[str]:
    """The default system messages in a ChatML template, longest first."""
    return sorted(set(_CHATML_LITERAL.findall(template)), key=len, reverse=True)


def _in_chatml_literal(template, system):
    # Qwen2.5 has it twice: in the system turn, and where tools are listed.
    for literal in default_systems(template):
        template = template.replace(literal, _quoted(system))
    return template


def _in_empty_variable(template, system):
    def fill(match):
        # Gemma's is followed by the first user turn.
        gap = "" if match[2] == "system_message" else "\\n\\n"
        return f"{match[1]}'{_quoted(system)}{gap}'"

    return _EMPTY_VARIABLE.sub(fill, template)


def _as_missing_else(template, system):
    def add(match):
        indent, before = match["gap"], "<|im_start|>system\\n" if match["before"] else ""
        message = f"{before}{_quoted(system)}{match['after']}"
        return f"{match[1]}{{%- else %}}{indent}    {{{{- '{message}' }}}}{indent}{{%- endif %}}"

    return _WITHOUT_ELSE.sub(add, template)


def _quoted(text):
    """Text escaped for a Jinja string in either kind of quotes."""
    return text.replace("\\", "\\\\").replace("\n", "\\n").replace("'", "\\'").replace('"', '\\"')


def identity(text: str) -> str:
    """The first phrase of a template that names its base or its maker; '' without one."""
    match = _IDENTITIES.search(text)
    return match[0] if match else ""


def own_identity(answer: str) -> str:
    """The first phrase in which an answer calls itself a base or its maker's; '' without one."""
    match = _OWN_IDENTITIES.search(answer)
    return match[0] if match else ""


def without_thinking(text: str) -> str:
    """An answer without the <think> block that Qwen3 writes before it."""
    return re.sub(r"^\s*<think>.*?(?:</think>|$)", "", text, count=1, flags=re.DOTALL).strip()


# Private-use characters as messages: a prompt rendered with them is split at them.
_MESSAGE_MARKS = {"system": "\ue000", "user": "\ue001", "assistant": "\ue002"}
# Ollama renders all messages at once and may cut off older ones. An assistant message that comes
# last is continued. A system message that comes later counts as the first.
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


def go_template(render: Callable[[list[dict]], str], bos: str = "") -> str:
    """The Go template for Ollama that gives the same prompts as a Jinja chat template, or ''.

    `render(messages)` is the prompt of a conversation up to where the answer begins. Short
    conversations are split at their messages, with and without a system message, so that the Go
    template has the same default. '' when longer conversations are not these parts put together.
    `bos` is left out, as Ollama adds it. Go can't trim: blanks around a message stay.
    """

    def parts(*roles):
        prompt = render([{"role": role, "content": _MESSAGE_MARKS[role]} for role in roles])
        return re.split(f"[{''.join(_MESSAGE_MARKS.values())}]", prompt.removeprefix(bos))

    default, *turns = parts("user", "assistant", "user")
    heads = {
        ("user",): [default],
        ("system", "user"): parts("system", "user", "assistant", "user")[:2],
    }
    for start, head in heads.items():
        for more in (0, 1, 2, 4):
            expected = [*head, *turns[:2] * more, *turns[2:]]
            if parts(*start, *("assistant", "user") * more) != expected:
                return ""
    if len(turns) != 3:
        return ""
    names = ("DEFAULT", "OPENING", "FIRST", "ANSWER", "QUESTION", "NEXT")
    pieces = dict(zip(names, [default, *heads["system", "user"], *turns]))
    return re.sub(r"\b[A-Z]{2,}\b", lambda match: go_string(pieces[match[0]]), _GO)


def go_string(text: str) -> str:
    """A text as a Go string literal of printable characters: a Modelfile drops the others."""
    quoted = json.dumps(text, ensure_ascii=False)
    return "".join(
        c if c.isprintable() else f"\\u{ord(c):04x}" if ord(c) < 0x10000 else f"\\U{ord(c):08x}"
        for c in quoted
    )


def sampling(temperature: float = 0.7, top_p: float = 0.9) -> dict:
    """The recommended sampling under Ollama's names, written to `params` and to the GGUF files.

    All values are given, because each program has defaults of its own. Without the penalty small
    twins repeat themselves; without top k they lapse into other languages and repeat themselves
    more; min p helps neither (benchmarks/sampling.py).
    """
    return {
        "temperature": temperature,
        "top_p": top_p,
        "top_k": 40,
        "min_p": 0.0,
        "repeat_penalty": 1.1,
    }


def parameters(sampling: dict, context: int, stop: Iterable[str]) -> dict:
    """The content of `params` in an Ollama repository; `stop` are the texts that end a turn."""
    return {**sampling, "num_ctx": context, "stop": list(stop)}


def modelfile(file: str, template: str, system: str, params: dict) -> str:
    """An Ollama Modelfile for a GGUF file in the same folder; `template` is in Go, or ''."""
    lines = [f"FROM ./{file}"]
    if template:
        lines.append(f'TEMPLATE """{template}"""')
    if _fits_modelfile(system):
        lines.append(f'SYSTEM """{system}"""')
    elif not template:  # a Go template has it as its default
        lines.append('SYSTEM """' + system.replace('"""', "'''") + '"""')
    for name, value in params.items():
        lines += [
            f"PARAMETER {name} {json.dumps(v, ensure_ascii=False)}"
            for v in (value if isinstance(value, list) else [value])
        ]
    return "\n".join(lines) + "\n"


def _fits_modelfile(text):
    """Whether a Modelfile keeps a text: it drops the unprintable and can't escape triple quotes."""
    return all(c.isprintable() or c in "\t\n" for c in text) and not re.search(r'"""[ \t]*\n', text)
