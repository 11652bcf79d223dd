"""Chat templates as text: the twin's system prompt as the default of a Jinja template.

Only the default system message of a Jinja template changes, because apps recognise a template by
its first 128 characters, and a conversation with a system message must render as the base's
template does. Known are ChatML (Qwen, SmolLM), Llama 3.x, Gemma and Mistral.
"""

import re

from .. import catalogue

_CHATML_LITERAL = re.compile(r"<\|im_start\|>system(?:\\n|\n)([^'\"{}<]+)<\|im_end\|>")
_EMPTY_VARIABLE = re.compile(r"(set (system_message|first_user_prefix|system) = )(?:\"\"|'')")
_NAMED_VARIABLE = re.compile(r"(set default_system_message = )(?:'(?:[^'\\]|\\.)+'|\"[^\"]+\")")
_SMOLLM3_LITERAL = re.compile(
    r"\"You are a helpful AI assistant named SmolLM, trained by Hugging Face\.[^\"]*\""
)
# Templates that think unless they are told not to, and what they are to say instead
_THINKING = (
    (
        "enable_thinking is defined and enable_thinking is false",
        "enable_thinking is not defined or enable_thinking is false",
    ),
    ("set enable_thinking = true", "set enable_thinking = false"),
)
# (how thoughts begin, how they end): Qwen and SmolLM3, Gemma 4, Ministral
_THOUGHTS = (("<think>", "</think>"), ("<|channel>thought", "<channel|>"), ("[THINK]", "[/THINK]"))
_THOUGHT = "|".join(rf"{re.escape(start)}.*?(?:{re.escape(end)}|$)" for start, end in _THOUGHTS)
_NO_THOUGHT = re.compile(
    "(?:" + "|".join(rf"{re.escape(a)}\s*{re.escape(b)}\s*" for a, b in _THOUGHTS) + ")$"
)
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
_MAKERS = f"(?:{'|'.join(catalogue.MAKERS)})"
_CHINESE_MAKERS = f"(?:{'|'.join(catalogue.CHINESE_MAKERS)})"
_MADE_BY = (
    rf"(?:created|trained|developed|made|built|designed|released) by {_MAKERS}\b",
    rf"由 ?{_CHINESE_MAKERS}[^。！？，\n]{{0,16}}?"
    "(?:开发|開發|训练|訓練|创建|創建|创造|創造|研发|研發|打造|构建|推出)",
)
_QIANWEN = "通[义義]千[问問]|千[问問]"
_IDENTITIES = re.compile(
    rf"You are (?:{_NAMES})\b|{_MADE_BY[0]}|named SmolLM|你是(?:{_QIANWEN}|Qwen)|{_MADE_BY[1]}",
    re.IGNORECASE,
)
# In an answer, which may speak of a company's product, or of the author's work there, as well.
_MODEL = r"(?:model|assistant|AI|chat ?bot|program)"
_MODEL_ZH = (
    rf"(?:模型|助手|助理|人工智能|人工智慧|机器人|機器人|AI)"
    rf"(?=$|[，。、,.！!？?；;：:\s“”「」《》（）()]|名|叫|{_QIANWEN}|{_NAMES})"
)
_OWN_IDENTITIES = re.compile(
    rf"\b(?:I am|I['’]m|my name is|call me) (?:an? |the |called |named )?(?:{_NAMES})\b|"
    rf"\bI(?: am|['’]m| was)\b[^.!?\n]{{0,60}}?\b{_MADE_BY[0]}|"
    rf"\bI(?: am|['’]m)\b[^.!?\n]{{0,60}}?\b{_MODEL} (?:from|of|by) {_MAKERS}\b|"
    rf"\bI(?: am|['’]m) {_MAKERS}(?: \w+)?['’]s [^.!?\n]{{0,30}}?\b{_MODEL}\b|"
    rf"\bmy (?:creator|developer|maker)s? (?:is|are) (?:\w+ )?{_MAKERS}\b|"
    rf"\b{_MAKERS}(?: \w+)? (?:created|developed) me\b|"
    rf"我(?:是|叫|的名字[是叫])[^。！？，\n]{{0,6}}?(?:{_QIANWEN}|{_NAMES})|"
    rf"我是[^。！？\n]{{0,20}}?{_MADE_BY[1]}|"
    # Not "我是用阿里云的模型写的", nor "我是阿里云模型团队的"
    rf"我是[^。！？\n用在]{{0,20}}?{_CHINESE_MAKERS}[^。！？，\n]{{0,24}}?{_MODEL_ZH}|"
    rf"我的(?:开发|開發|创造|創造)(?:者|商|公司|[团團][队隊])(?:是|[来來]自)[^。！？，\n]{{0,6}}?"
    rf"{_CHINESE_MAKERS}|"
    rf"{_CHINESE_MAKERS}[^。！？，\n]{{0,8}}?(?:开发|開發|研发|研發|创造|創造)了我",
    re.IGNORECASE,
)


def with_system(template: str, system: str) -> str:
    """The Jinja template with `system` as its default system message, otherwise unchanged.

    A template of an unknown family is preceded by a condition that adds the message when none is
    given. It doesn't think unless it is told to: the twin was trained without thoughts.
    """
    system = system.strip()
    for thinking, silent in _THINKING:
        template = template.replace(thinking, silent)
    for change in (_in_chatml_literal, _in_variable, _as_missing_else):
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


def _in_variable(template, system):
    def name(match):
        return f"{match[1]}'{_quoted(system)}'"

    def fill(match):
        # Gemma's is followed by the first user turn.
        gap = "" if match[2] == "system_message" else "\\n\\n"
        return f"{match[1]}'{_quoted(system)}{gap}'"

    template = _SMOLLM3_LITERAL.sub(lambda _: f'"{_quoted(system)}\\n\\n"', template)
    return _EMPTY_VARIABLE.sub(fill, _NAMED_VARIABLE.sub(name, template))


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
    """An answer without the thoughts that some models write before it."""
    return re.sub(rf"^\s*(?:{_THOUGHT})", "", text, count=1, flags=re.DOTALL).strip()


def may_be_thinking(text: str) -> bool:
    """Whether the beginning of an answer can still become that of a thought."""
    return any(start.startswith(text.strip()) for start, _ in _THOUGHTS)


def without_empty_thought(prompt: str) -> str:
    """A prompt without the empty thought at its end, by which a template keeps a model from it."""
    return _NO_THOUGHT.sub("", prompt)


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
