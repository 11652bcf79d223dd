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
SMOLLM3 = r"""{%- if enable_thinking is not defined -%}
    {%- set enable_thinking = true -%}
{%- endif -%}
{#- Here its template chooses a mode of reasoning, which stands in its system turn. -#}
{{- "<|im_start|>system\n" -}}
{%- if messages[0].role == "system" -%}
    {%- set custom_instructions = messages[0].content -%}
{%- endif -%}
{{- "## Custom Instructions\n\n" -}}
{%- if custom_instructions -%}
    {{- custom_instructions + "\n\n" -}}
{%- elif enable_thinking -%}
    {{- "You are a helpful AI assistant named SmolLM, trained by Hugging Face. Think.\n\n" -}}
{%- else -%}
    {{- "You are a helpful AI assistant named SmolLM, trained by Hugging Face.\n\n" -}}
{%- endif -%}
{{- "<|im_end|>\n" -}}
{%- for message in messages if message.role != "system" -%}
    {{- "<|im_start|>" + message.role + "\n" -}}
    {{- "<think>\n\n</think>\n" if message.role == "assistant" and not enable_thinking -}}
    {{- message.content + "<|im_end|>\n" -}}
{%- endfor -%}
{%- if add_generation_prompt -%}
    {{- "<|im_start|>assistant\n" + ("" if enable_thinking else "<think>\n\n</think>\n") -}}
{%- endif -%}"""
MINISTRAL3 = r"""{#- Default system message if no system prompt is passed. #}
{%- set default_system_message = 'You are Ministral-3-3B-Instruct-2512, a Large Language Model (LLM) created by Mistral AI.\nIt isn\'t long.' %}
{{- bos_token }}
{%- if messages[0]['role'] == 'system' %}
    {{- '[SYSTEM_PROMPT]' + messages[0]['content'] + '[/SYSTEM_PROMPT]' }}
    {%- set loop_messages = messages[1:] %}
{%- else %}
    {%- set loop_messages = messages %}
    {{- '[SYSTEM_PROMPT]' + default_system_message + '[/SYSTEM_PROMPT]' }}
{%- endif %}
{%- for message in loop_messages %}
    {{- '[INST]' + message['content'] + '[/INST]' if message['role'] == 'user' else message['content'] + '</s>' }}
{%- endfor %}"""  # noqa: E501
# Only with a system message or thoughts is there a system turn.
GEMMA4 = r"""{{- bos_token -}}
{#- Its macros for tools stand here, longer than what hubs know a template by. #}
{%- if (enable_thinking is defined and enable_thinking) or messages[0]['role'] == 'system' -%}
    {{- '<|turn>system\n' -}}
    {{- messages[0]['content'] if messages[0]['role'] == 'system' else '' -}}
    {{- '<turn|>\n' -}}
{%- endif -%}
{%- for message in messages if message['role'] != 'system' -%}
    {{- '<|turn>' + ('model' if message['role'] == 'assistant' else 'user') + '\n' -}}
    {{- message['content'] + '<turn|>\n' -}}
{%- endfor -%}
{%- if add_generation_prompt -%}
    {{- '<|turn>model\n' -}}
    {%- if not enable_thinking | default(false) -%}
        {{- '<|channel>thought\n<channel|>' -}}
    {%- endif -%}
{%- endif -%}"""
# name, template, whether the default begins after the 128 characters by which hubs know a template
TABLE = [
    ("Qwen2.5", QWEN25, True),
    ("Qwen3", QWEN3, True),
    ("Llama 3.2", LLAMA32, True),
    ("Gemma 3", GEMMA3, True),
    ("SmolLM2", SMOLLM2, False),
    ("SmolLM3", SMOLLM3, False),
    ("Ministral 3", MINISTRAL3, False),
    ("Gemma 4", GEMMA4, False),
    ("ours for Gemma", GEMMA_TEMPLATE, True),
    ("ours in ChatML", CHATML, False),
]
USER, ASSISTANT = {"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Yo"}


def render(template, messages, **more):
    environment = ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True)
    template = environment.from_string(template)
    known = {"add_generation_prompt": True, "enable_thinking": False, "bos_token": "<s>"}
    return template.render(messages=messages, **{**known, **more})


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
        ("我是来自阿里云的大规模语言模型。", "我是来自阿里云的大规模语言模型"),
        ("我是阿里云开发的人工智能助手", "我是阿里云开发的人工智能助手"),
        (
            "我是阿里巴巴集团旗下的超大规模语言模型通义千问",
            "我是阿里巴巴集团旗下的超大规模语言模型",
        ),
        ("我是一個由 Google 訓練的模型。", "我是一個由 Google 訓練"),
        ("我是Meta推出的AI助手。", "我是Meta推出的AI助手"),
        ("我是微軟開發的語言模型。", "我是微軟開發的語言模型"),
        ("我是由OpenAI研发的。", "我是由OpenAI研发"),
        ("我的开发者是阿里云。", "我的开发者是阿里云"),
        ("是阿里云通义实验室研发了我。", "阿里云通义实验室研发了我"),
        ("I am ChatGPT.", "I am ChatGPT"),
        ("I’m an assistant made by OpenAI.", "I’m an assistant made by OpenAI"),
        ("I'm a language model from Alibaba Cloud.", "I'm a language model from Alibaba"),
        ("I am Google's large language model.", "I am Google's large language model"),
        ("My creator is Anthropic.", "My creator is Anthropic"),
        ("Alibaba Cloud created me.", "Alibaba Cloud created me"),
        (
            "VS Code, built by Microsoft, is what I use. I like Llama too.",
            "",
        ),  # an author who writes about such things
        ("The Pixel is made by Google. I am Ning.", ""),
        ("由谷歌开发的安卓，我用了十年。我是宁，Qwen 也用过。", ""),
        # authors who work there, use it or write about it
        ("我是阿里云的工程师，做语言模型。", ""),
        ("我是阿里云语言模型团队的。", ""),
        ("我是在谷歌做人工智能，一做八年。", ""),
        ("我是用阿里云的模型，不是自己写的。", ""),
        ("I am an engineer from Google, and the model is theirs.", ""),
        ("Microsoft taught me to wait. In that film I am a llama.", ""),
    ],
)
def test_an_answer_that_calls_itself_by_a_bases_name_is_recognised(text, phrase):
    assert templates.own_identity(text) == phrase


def test_thinking_is_not_spoken():
    assert templates.without_thinking("<think>\nhm\n</think>\n\nYes.") == "Yes."
    assert templates.without_thinking("<think>cut off") == ""
    assert templates.without_thinking("I <think> so </think>") == "I <think> so </think>"
    for start, end in (("<|channel>thought", "<channel|>"), ("[THINK]", "[/THINK]")):
        assert templates.without_thinking(f"{start}\nhm{end}Yes.") == "Yes."
    assert templates.may_be_thinking(" <thi") and templates.may_be_thinking("")
    assert not templates.may_be_thinking("<thin ice")


@pytest.mark.parametrize("template", [QWEN3, SMOLLM3, GEMMA4], ids=["Qwen3", "SmolLM3", "Gemma 4"])
def test_a_twins_template_asks_for_no_thoughts_unless_told_to(template):
    """Programs that know no `enable_thinking` give the template none."""
    from jinja2 import Undefined

    ours = templates.with_system(template, SYSTEM)
    silent = render(ours, [USER], enable_thinking=False)
    assert render(ours, [USER], enable_thinking=Undefined()) == silent
    assert render(ours, [USER], enable_thinking=True) != silent


def test_an_answer_is_learnt_after_an_empty_thought_without_learning_the_thought():
    """Gemma 4's prompts end with an empty thought, its conversations don't have it."""
    from twinlib.models.encode import encode_row

    def rendered(messages, generate):
        return render(GEMMA4, messages, add_generation_prompt=generate)

    row = {"kind": "qa", "messages": [USER, ASSISTANT]}
    encoded = encode_row(row, rendered, lambda text: [ord(c) for c in text], ord(">"))
    learnt = "".join(map(chr, encoded.input_ids[encoded.completion_mask.index(1) :]))
    assert learnt == "Yo<turn|>"
    assert "".join(map(chr, encoded.input_ids)).endswith("<|channel>thought\n<channel|>Yo<turn|>")
