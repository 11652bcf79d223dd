"""Chat templates: the twin's system prompt replaces the base's identity, and nothing else
changes."""

import pytest
from jinja2.sandbox import ImmutableSandboxedEnvironment

from twinlib.models.load import CHATML, GEMMA_TEMPLATE
from twinlib.text import templates

SYSTEM = 'You are Ning\'s "twin" \\ {{ x }}.\n你是宁的分身。'
LOOP = (
    "{%- for message in messages %}{%- if message.role != 'system' or not loop.first %}"
    "{{- '<|im_start|>' + message.role + '\\n' + message.content + '<|im_end|>\\n' }}"
    "{%- endif %}{%- endfor %}"
    "{%- if add_generation_prompt %}{{- '<|im_start|>assistant\\n' }}{%- endif %}"
)
# The heads of the real templates, where their default system message is; the turns after it are
# shortened.
QWEN25 = (
    r"""{%- if tools %}
    {{- '<|im_start|>system\n' }}
    {%- if messages[0]['role'] == 'system' %}
        {{- messages[0]['content'] }}
    {%- else %}
        {{- 'You are Qwen, created by Alibaba Cloud. You are a helpful assistant.' }}
    {%- endif %}
    {{- "\n\n# Tools\n\nYou may call one or more functions.<|im_end|>\n" }}
{%- else %}
    {%- if messages[0]['role'] == 'system' %}
        {{- '<|im_start|>system\n' + messages[0]['content'] + '<|im_end|>\n' }}
    {%- else %}
        {{- '<|im_start|>system\nYou are Qwen, created by Alibaba Cloud. You are a helpful assistant.<|im_end|>\n' }}
    {%- endif %}
{%- endif %}
"""  # noqa: E501
    + LOOP
)
QWEN3 = (
    r"""{%- if tools %}
    {{- '<|im_start|>system\n' }}
    {%- if messages[0].role == 'system' %}
        {{- messages[0].content + '\n\n' }}
    {%- endif %}
    {{- "# Tools\n\nYou may call one or more functions.<|im_end|>\n" }}
{%- else %}
    {%- if messages[0].role == 'system' %}
        {{- '<|im_start|>system\n' + messages[0].content + '<|im_end|>\n' }}
    {%- endif %}
{%- endif %}
"""
    + LOOP
    + (
        "{%- if enable_thinking is defined and enable_thinking is false %}"
        "{{- '<think>\\n\\n</think>\\n\\n' }}{%- endif %}"
    )
)
LLAMA32 = r"""{{- bos_token }}
{%- if custom_tools is defined %}
    {%- set tools = custom_tools %}
{%- endif %}
{%- if not date_string is defined %}
    {%- set date_string = "26 Jul 2024" %}
{%- endif %}
{%- if messages[0]['role'] == 'system' %}
    {%- set system_message = messages[0]['content']|trim %}
    {%- set messages = messages[1:] %}
{%- else %}
    {%- set system_message = "" %}
{%- endif %}
{{- "<|start_header_id|>system<|end_header_id|>\n\n" }}
{{- "Cutting Knowledge Date: December 2023\n" }}
{{- "Today Date: " + date_string + "\n\n" }}
{{- system_message }}
{{- "<|eot_id|>" }}
{%- for message in messages %}
    {{- '<|start_header_id|>' + message['role'] + '<|end_header_id|>\n\n' + message['content'] | trim + '<|eot_id|>' }}
{%- endfor %}
"""  # noqa: E501
SMOLLM2 = (
    "{% for message in messages %}{% if loop.first and messages[0]['role'] != 'system' %}"
    "{{ '<|im_start|>system\n"
    "You are a helpful AI assistant named SmolLM, trained by Hugging Face<|im_end|>\n' }}"
    "{% endif %}"
    "{{'<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>' + '\n'}}"
    "{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)
GEMMA3 = """{{ bos_token }}
{%- if messages[0]['role'] == 'system' -%}
    {%- if messages[0]['content'] is string -%}
        {%- set first_user_prefix = messages[0]['content'] + '

' -%}
    {%- else -%}
        {%- set first_user_prefix = messages[0]['content'][0]['text'] + '

' -%}
    {%- endif -%}
    {%- set loop_messages = messages[1:] -%}
{%- else -%}
    {%- set first_user_prefix = "" -%}
    {%- set loop_messages = messages -%}
{%- endif -%}
{%- for message in loop_messages -%}
    {{ '<start_of_turn>' + message['role'] + '
' + (first_user_prefix if loop.first else "") }}
    {{- message['content'] | trim }}{{ '<end_of_turn>
' }}
{%- endfor -%}"""
# name, template, whether the default begins after the 128 characters by which hubs know a template
TABLE = [
    ("Qwen2.5", QWEN25, True),
    ("Qwen3", QWEN3, True),
    ("Llama 3.2", LLAMA32, True),
    ("Gemma 3", GEMMA3, True),
    ("SmolLM2", SMOLLM2, False),
    ("ours for Gemma", GEMMA_TEMPLATE, True),
    ("ours in ChatML", CHATML, False),
]
USER, ASSISTANT = {"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Yo"}


def render(template, messages, **more):
    environment = ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True)
    template = environment.from_string(template)
    return template.render(messages=messages, add_generation_prompt=True, bos_token="<s>", **more)


@pytest.mark.parametrize("name, template, late", TABLE, ids=[row[0] for row in TABLE])
def test_only_the_default_system_message_changes(name, template, late):
    ours = templates.with_system(template, SYSTEM)
    given = [{"role": "system", "content": "Be brief."}, USER, ASSISTANT, USER]
    for tools in (None, [{"name": "f"}]):
        assert render(ours, given, tools=tools) == render(template, given, tools=tools)
        by_hand = [{"role": "system", "content": SYSTEM}, USER, ASSISTANT, USER]
        assert render(ours, [USER, ASSISTANT, USER], tools=tools) == render(
            template, by_hand, tools=tools
        )
    assert templates.identity(ours) == ""
    assert (ours[:128] == template[:128]) == late


@pytest.mark.parametrize(
    "text, phrase",
    [
        (
            "You are Qwen, created by Alibaba Cloud. You are a helpful assistant.",
            "You are Qwen",
        ),  # Qwen2.5's default
        (
            "You are a helpful AI assistant named SmolLM, trained by Hugging Face",
            "named SmolLM",
        ),  # SmolLM2's
        (
            "I am a large language model, trained by Google.",
            "trained by Google",
        ),  # what Gemma says of itself
        ("我是由阿里云开发的大模型", "由阿里云开发"),  # what Qwen says in Chinese
        (
            "You are Ning. You worked at Google and like llamas.",
            "",
        ),  # an owner may mention a company
    ],
)
def test_a_bases_identity_is_recognised(text, phrase):
    assert templates.identity(text) == phrase


@pytest.mark.parametrize(
    "text, phrase",
    [
        ("Hello! I’m Gemma, a model.", "I’m Gemma"),
        ("My name is Qwen.", "My name is Qwen"),
        (
            "I am a large language model, trained by Google.",
            "I am a large language model, trained by Google",
        ),
        ("我叫通义千问。", "我叫通义千问"),
        ("我是由阿里云开发的大模型", "我是由阿里云开发"),
        ("我是一个语言模型，由谷歌训练。", "我是一个语言模型，由谷歌训练"),
        (
            "VS Code, built by Microsoft, is what I use. I like Llama too.",
            "",
        ),  # an author who writes about such things
        ("The Pixel is made by Google. I am Ning.", ""),
        ("由谷歌开发的安卓，我用了十年。我是宁，Qwen 也用过。", ""),
    ],
)
def test_an_answer_that_calls_itself_by_a_bases_name_is_recognised(text, phrase):
    assert templates.own_identity(text) == phrase


def test_thinking_is_not_spoken():
    assert templates.without_thinking("<think>\nhm\n</think>\n\nYes.") == "Yes."
    assert templates.without_thinking("<think>cut off") == ""
    assert templates.without_thinking("I <think> so </think>") == "I <think> so </think>"
