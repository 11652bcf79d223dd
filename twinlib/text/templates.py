"""Chat templates as text: the twin's system prompt in place of the base's, and Ollama's Go template that says the same.

Only the default system message of a Jinja template changes (hubs recognise a template by its first 128 characters,
and whenever a system message is given it must render as the base's does): ChatML (Qwen, SmolLM2), Llama 3.x, Gemma 3.
"""

import json
import re

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
_MADE = (
    rf"(?:created|trained|developed|made|built) by (?:{'|'.join(catalogue.MAKERS)})\b",
    f"由(?:{'|'.join(catalogue.CHINESE_MAKERS)})(?:开发|训练|创建|研发)",
)
_IDENTITIES = re.compile(
    rf"You are (?:{_NAMES})\b|{_MADE[0]}|named SmolLM|你是(?:通义千问|千问|Qwen)|{_MADE[1]}",
    re.IGNORECASE,
)
_OWN_IDENTITIES = re.compile(  # in an answer, which may well mention a company's product
    rf"\b(?:I am|I['’]m|my name is|call me) (?:an? |the |called |named )?(?:{_NAMES})\b|"
    rf"\bI(?: am|['’]m| was)\b[^.!?\n]{{0,60}}?\b{_MADE[0]}|"
    rf"我(?:是|叫|的名字[是叫])[^。！？，\n]{{0,6}}?(?:通义千问|千问|{_NAMES})|我是[^。！？\n]{{0,20}}?{_MADE[1]}",
    re.IGNORECASE,
)


def with_system(template, system):
    """The Jinja template whose default system message is `system`; whatever else it says stays as it is.

    A template of an unknown family gets a condition in front of it that adds the message when none is given.
    """
    system = system.strip()
    for change in (_in_chatml_literal, _in_empty_variable, _as_missing_else):
        changed = change(template, system)
        if changed != template:
            return changed
    return (
        "{%- if messages[0]['role'] != 'system' -%}{%- set messages = [{'role': 'system', 'content': '"
        + _quoted(system)
        + "'}] + messages -%}{%- endif -%}"
        + template
    )


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
        gap = (
            "" if match[2] == "system_message" else "\\n\\n"
        )  # Gemma puts it before the first user turn
        return f"{match[1]}'{_quoted(system)}{gap}'"

    return _EMPTY_VARIABLE.sub(fill, template)


def _as_missing_else(template, system):
    def add(match):
        indent, before = match["gap"], "<|im_start|>system\\n" if match["before"] else ""
        return (
            f"{match[1]}{{%- else %}}{indent}    {{{{- '{before}{_quoted(system)}{match['after']}' }}}}"
            f"{indent}{{%- endif %}}"
        )

    return _WITHOUT_ELSE.sub(add, template)


def _quoted(text):
    """Text as it stands inside a Jinja string, whichever quotes are around it."""
    return text.replace("\\", "\\\\").replace("\n", "\\n").replace("'", "\\'").replace('"', '\\"')


def identity(text):
    """The first phrase of a template that says which base it is or who made it; '' when there is none."""
    found = _IDENTITIES.search(text)
    return found[0] if found else ""


def own_identity(answer):
    """The first phrase in which an answer says so of itself; '' when there is none."""
    found = _OWN_IDENTITIES.search(answer)
    return found[0] if found else ""


def spoken(text):
    """An answer without the thinking in front of it, as Qwen3 writes it."""
    return re.sub(r"^\s*<think>.*?(?:</think>|$)", "", text, count=1, flags=re.DOTALL).strip()


# Private-use characters that stand for what is said in the conversation by which a template is taken apart.
_MARKS = {"system": "\ue000", "user": "\ue001", "assistant": "\ue002"}
# Ollama renders all messages at once. Generation goes on from an assistant message that comes last. A system message
# that comes later counts as said at the beginning, and an older part of the conversation may be cut off.
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


def go_template(render, bos=""):
    """Ollama's Go template that makes the prompts of a chat template, or '' when no such template does.

    `render(messages)` is the prompt of a conversation up to where the answer begins. It is taken apart at what is
    said, with and without a system message, so that the Go template has the same default; longer conversations must
    then come out as put together. `bos` is left out, as Ollama adds it. Go can't trim: blanks around a message stay.
    """

    def parts(*roles):
        prompt = render([{"role": role, "content": _MARKS[role]} for role in roles])
        return re.split(f"[{''.join(_MARKS.values())}]", prompt.removeprefix(bos))

    default, *turns = parts("user", "assistant", "user")
    heads = {
        ("user",): [default],
        ("system", "user"): parts("system", "user", "assistant", "user")[:2],
    }
    for start, head in heads.items():
        for more in (0, 1, 2, 4):
            if parts(*start, *("assistant", "user") * more) != [
                *head,
                *turns[:2] * more,
                *turns[2:],
            ]:
                return ""
    if len(turns) != 3:
        return ""
    pieces = dict(
        zip(("OPENING", "FIRST", "ANSWER", "QUESTION", "NEXT"), [*heads["system", "user"], *turns])
    )
    return re.sub(
        r"\b[A-Z]{2,}\b", lambda match: go_string({**pieces, "DEFAULT": default}[match[0]]), _GO
    )


def go_string(text):
    """Text as a quoted string of Go in which every character is printable, as a Modelfile loses the others."""
    quoted = json.dumps(text, ensure_ascii=False)
    return "".join(
        c if c.isprintable() else f"\\u{ord(c):04x}" if ord(c) < 0x10000 else f"\\U{ord(c):08x}"
        for c in quoted
    )


def sampling(temperature=0.7, top_p=0.9):
    """How the twin is best asked, under Ollama's names: said in `params` and in the GGUF files, so that it talks alike
    wherever it runs. Each program has other values of its own for what isn't said.

    Without the penalty small twins go in circles. Without top k one of two languages lapses into others, and circles are
    fewer still; min p helps neither (benchmarks/sampling.py).
    """
    return {
        "temperature": temperature,
        "top_p": top_p,
        "top_k": 40,
        "min_p": 0.0,
        "repeat_penalty": 1.1,
    }


def parameters(sampling, context, stop):
    """The `params` of an Ollama repository, as a dict; `stop` are the texts that end a turn."""
    return {**sampling, "num_ctx": context, "stop": list(stop)}


def modelfile(file, template, system, params):
    """An Ollama Modelfile for a GGUF file beside it, from its Go template ('' if there is none) and system prompt."""
    lines = [f"FROM ./{file}"]
    if template:
        lines.append(f'TEMPLATE """{template}"""')
    if _survives(system):
        lines.append(f'SYSTEM """{system}"""')
    elif not template:  # else the template says it, which has it as its default
        lines.append('SYSTEM """' + system.replace('"""', "'''") + '"""')
    for name, value in params.items():
        lines += [
            f"PARAMETER {name} {json.dumps(v, ensure_ascii=False)}"
            for v in (value if isinstance(value, list) else [value])
        ]
    return "\n".join(lines) + "\n"


def _survives(text):
    """Whether a Modelfile can say a text: it drops what isn't printable, and has no escape for the end of a string."""
    return all(c.isprintable() or c in "\t\n" for c in text) and not re.search(r'"""[ \t]*\n', text)
