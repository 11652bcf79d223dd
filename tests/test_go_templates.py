"""Ollama says what transformers says: the Go template and the Modelfile, read by Go as Ollama reads
them.

The chat templates are the real ones: TRL carries those of Qwen, Llama and Gemma.
"""

import json
import os
import shutil
import subprocess
from importlib.util import find_spec
from pathlib import Path

import pytest
from test_templates import SMOLLM2

from twinlib import settings
from twinlib.corpus import rows
from twinlib.gguf import ollama as ollama_files
from twinlib.models import load
from twinlib.models.load import GEMMA_TEMPLATE
from twinlib.text import templates

REAL = Path(find_spec("trl").origin).parent / "chat_templates"
TEMPLATES = {
    **{
        name: (REAL / f"{name}.jinja").read_text(encoding="utf-8")
        for name in (
            "qwen2_5",
            "qwen3",
            "qwen3_instruct_2507",
            "llama3",
            "llama3_1",
            "llama3_2",
            "gemma3",
        )
    },
    "smollm2": SMOLLM2,
    "ours for Gemma": GEMMA_TEMPLATE,
    "ours in ChatML": load.CHATML,
}
every_template = pytest.mark.parametrize("name", TEMPLATES)
BOS = "<|begin_of_text|>"
TWIN = '你是宁。You are Ning\'s "twin": {{ .System }} \\ {% x %}\n\n用中文或 English 回答。'
OTHER = "Be brief, 简短一点。"
# None has blanks around it: Go can't trim.
SAID = (
    "9.9 和 9.11 哪个大？",
    "“嗯……”{{ .Content }} 'a' \"b\" `c` \\n",
    "第一行\n\n  第二行\t<b>&amp;</b>",
    "👩‍🔧🚲 {% if %} $x",
    '"""three"""\n{#',
    "It's 100% fine.",
    "再说一遍：</s> [INST]",
    "`{{- end }}`",
    "全角空格在　中间。",
    "好。",
)


@pytest.fixture(scope="session")
def ollama(tmp_path_factory):
    """A function that asks the Go program, as `ollama(template=..., conversations=[...])`."""
    if not shutil.which("go"):
        pytest.skip(
            "Go isn't installed: Ollama's templates are not rendered (apt-get install golang-go)"
        )
    folder = tmp_path_factory.mktemp("go")
    environment = {
        **os.environ,
        "GOCACHE": str(folder / "cache"),
        "GO111MODULE": "off",
        "GOFLAGS": "",
        "GOPROXY": "off",
        "GOTOOLCHAIN": "local",
        "CGO_ENABLED": "0",
    }
    source = Path(__file__).parent / "go" / "main.go"
    subprocess.run(["go", "build", "-o", folder / "ollama", source], env=environment, check=True)

    def ask(**request):
        done = subprocess.run(
            [folder / "ollama"],
            input=json.dumps(request),
            capture_output=True,
            text=True,
            encoding="utf-8",
        )
        assert not done.returncode, done.stderr
        return json.loads(done.stdout)

    return ask


def tokenizer_of(name, system=TWIN):
    """A tokenizer with the twin's own template: the base's, with the twin's system prompt as its
    default.
    """
    from tokenizers import Tokenizer
    from tokenizers.models import BPE
    from transformers import PreTrainedTokenizerFast

    found = PreTrainedTokenizerFast(
        tokenizer_object=Tokenizer(BPE()), bos_token=BOS, eos_token="<end>"
    )
    found.chat_template = templates.with_system(TEMPLATES[name], system)
    return found


def prompt(tokenizer, messages):
    return load.render(tokenizer, messages, generate=True).removeprefix(BOS)


def go_template(tokenizer):
    return ollama_files.go_template(
        lambda messages: load.render(tokenizer, messages, generate=True), BOS
    )


def conversation(turns, system=None):
    """A conversation of so many questions, the last one open."""
    start = [] if system is None else [{"role": "system", "content": system}]
    said = (SAID * 2)[: 2 * turns - 1]
    return start + [
        {"role": ("user", "assistant")[i % 2], "content": text} for i, text in enumerate(said)
    ]


@pytest.mark.slow
@every_template
def test_go_makes_the_same_prompt_as_transformers(name, ollama):
    tokenizer = tokenizer_of(name)
    conversations = [
        conversation(turns, system) for turns in (1, 2, 5) for system in (None, OTHER, TWIN)
    ]
    wanted = [prompt(tokenizer, messages) for messages in conversations]
    assert all(TWIN in text or OTHER in text for text in wanted)
    go = go_template(tokenizer)
    assert ollama(template=go, conversations=conversations)["prompts"] == wanted
    # Ollama hands in the system prompt of the Modelfile, or of the hub, where a conversation has
    # none.
    assert ollama(template=go, conversations=conversations, system=TWIN)["prompts"] == wanted


@pytest.mark.slow
@every_template
def test_a_prompt_is_what_stood_before_the_answer_in_training(name, ollama):
    tokenizer, asked = tokenizer_of(name), [conversation(turns, TWIN) for turns in (1, 2, 5)]
    for messages, said in zip(
        asked, ollama(template=go_template(tokenizer), conversations=asked)["prompts"]
    ):
        trained = load.render(tokenizer, [*messages, {"role": "assistant", "content": "答案。"}])
        assert trained.removeprefix(BOS).startswith(said + "答案。")


@pytest.mark.slow
@every_template
def test_an_answer_that_is_begun_goes_on(name, ollama):
    tokenizer, begun = (
        tokenizer_of(name),
        [*conversation(2, OTHER), {"role": "assistant", "content": "先说"}],
    )
    wanted = tokenizer.apply_chat_template(
        begun, tokenize=False, continue_final_message=True, enable_thinking=False
    )
    said = ollama(template=go_template(tokenizer), conversations=[begun])["prompts"]
    assert said == [wanted.removeprefix(BOS)]


@pytest.mark.slow
def test_only_qwen3_that_may_think_gets_an_empty_thought(ollama):
    def ending(name):
        return ollama(template=go_template(tokenizer_of(name)), conversations=[conversation(1)])[
            "prompts"
        ][0][-60:]

    assert ending("qwen3").endswith("<|im_start|>assistant\n<think>\n\n</think>\n\n")
    assert ending("qwen3_instruct_2507").endswith("<|im_end|>\n<|im_start|>assistant\n")


@pytest.mark.slow
@pytest.mark.parametrize(
    "name, messages, wanted",
    [
        (
            "qwen2_5",
            "system assistant user",
            "<|im_start|>system\n0<|im_end|>\n<|im_start|>assistant\n1<|im_end|>\n"
            "<|im_start|>user\n2<|im_end|>\n<|im_start|>assistant\n",
        ),
        (
            "gemma3",
            "system assistant user",
            "<start_of_turn>user\n0<end_of_turn>\n<start_of_turn>model\n1<end_of_turn>\n"
            "<start_of_turn>user\n2<end_of_turn>\n<start_of_turn>model\n",
        ),  # Gemma has no system role
        (
            "gemma3",
            "system user system",
            "<start_of_turn>user\n0\n\n2\n\n1<end_of_turn>\n<start_of_turn>model\n",
        ),
        (
            "smollm2",
            "system user user",
            "<|im_start|>system\n0<|im_end|>\n<|im_start|>user\n1\n\n2<|im_end|>\n"
            "<|im_start|>assistant\n",
        ),
        (
            "qwen3",
            "assistant user",
            "<|im_start|>system\nTWIN<|im_end|>\n<|im_start|>user\n<|im_end|>\n"
            "<|im_start|>assistant\n0<|im_end|>\n<|im_start|>user\n1<|im_end|>\n"
            "<|im_start|>assistant\n<think>\n\n</think>\n\n",
        ),
    ],
)
def test_what_ollama_cuts_off_or_puts_together_is_still_a_conversation(
    name, messages, wanted, ollama
):
    said = [{"role": role, "content": str(i)} for i, role in enumerate(messages.split())]
    go = go_template(tokenizer_of(name, "TWIN"))
    assert ollama(template=go, conversations=[said])["prompts"] == [wanted]


@pytest.mark.parametrize(
    "template",
    [
        "{{ messages[0].content }}",
        "no words of anybody",
        # the system message is lost
        "{% for m in messages if m.role != 'system' %}[{{ m.content }}]{% endfor %}",
        # turns differ
        "{% for m in messages %}[{{ m.content }}]{% if loop.index == 5 %}!{% endif %}{% endfor %}",
        # the system message stands before the last question, as Mistral has it
        "{% for m in messages[1:] if messages[0].role == 'system' %}"
        "{{ messages[0].content if loop.last }}[{{ m.content }}]"
        "{% else %}{% for m in messages %}[{{ m.content }}]{% endfor %}{% endfor %}",
    ],
)
def test_a_template_that_go_cannot_follow_has_none(template):
    from jinja2 import Template

    assert (
        ollama_files.go_template(lambda messages: Template(template).render(messages=messages))
        == ""
    )


@every_template
def test_nothing_of_the_bases_identity_is_in_the_go_template(name):
    go = go_template(tokenizer_of(name, rows.system_prompt("宁", ["zh", "en"])))
    assert go and templates.identity(go) == "" and "宁" in go


def test_the_letters_of_a_go_string_are_printable():
    assert (
        ollama_files.go_string('宁 "x"\\\n　‍\x7f\U000e0041')
        == r'"宁 \"x\"\\\n\u3000\u200d\u007f\U000e0041"'
    )


SYSTEMS = {
    "plain": ("You are Ning.", True),
    "Chinese, several lines": ("你是宁。\n\n你写：「修车」……\t100%", True),
    "quotes at both ends": ('"Ning" says \'yes\' and "no"', True),
    "three quotes in a line": ('say """no""" twice', True),
    "three quotes at a line's end": ('say """no"""\nand go', False),
    "three quotes and a blank": ('""" \nFROM other', False),
    "an ideographic space": ("你是宁。　你写修车。", False),
    "an emoji of several": ("你是宁 👩‍🔧。", False),
    "commands": ('FROM x\nSYSTEM "y"\n# PARAMETER temperature 2', True),
    "both template languages": ("{{ .System }} {{- end }} {% raw %}", True),
}


@pytest.mark.slow
@pytest.mark.parametrize("case", SYSTEMS)
def test_a_modelfile_says_the_system_prompt_as_it_was_trained(case, ollama):
    system, as_line = SYSTEMS[case]
    tokenizer = tokenizer_of("qwen2_5", system)
    params = ollama_files.parameters(
        templates.sampling(0.7, 0.9), 4096, ["<|im_end|>", "<|endoftext|>"]
    )
    text = ollama_files.modelfile("宁 twin-Q8_0.gguf", go_template(tokenizer), system, params)
    read = ollama(modelfile=text)["commands"]
    found = dict(read)
    assert found["from"] == "./宁 twin-Q8_0.gguf"
    assert found.get("system") == (system if as_line else None)
    asked = [conversation(2)]
    said = ollama(template=found["template"], system=found.get("system", ""), conversations=asked)[
        "prompts"
    ]
    assert said == [prompt(tokenizer, asked[0])]
    assert [pair for pair in read if pair[0] not in ("from", "template", "system")] == [
        ["temperature", "0.7"],
        ["top_p", "0.9"],
        ["top_k", "40"],
        ["min_p", "0.0"],
        ["repeat_penalty", "1.1"],
        ["num_ctx", "4096"],
        ["stop", "<|im_end|>"],
        ["stop", "<|endoftext|>"],
    ]


@pytest.mark.slow
def test_without_a_template_a_modelfile_comes_as_near_as_it_can(ollama):
    text = ollama_files.modelfile(
        "x.gguf", "", SYSTEMS["three quotes at a line's end"][0], {"num_ctx": 4096}
    )
    assert ollama(modelfile=text)["commands"] == [
        ["from", "./x.gguf"],
        ["system", "say '''no'''\nand go"],
        ["num_ctx", "4096"],
    ]


def test_sampling_suits_a_person():
    chosen = settings.make("quantize")
    assert (
        0.7 <= chosen.temperature <= 0.8 and 0.8 <= chosen.top_p <= 0.95 and chosen.context >= 4096
    )


def test_a_modelfile_names_file_template_system_and_every_stop():
    params = ollama_files.parameters(
        {"temperature": 0.7, "top_p": 0.9}, 4096, ["<eos>", "<end_of_turn>"]
    )
    assert ollama_files.modelfile("x-Q8_0.gguf", "T", 'say "no"', params) == (
        'FROM ./x-Q8_0.gguf\nTEMPLATE """T"""\nSYSTEM """say "no""""\nPARAMETER temperature 0.7\n'
        "PARAMETER top_p 0.9\nPARAMETER num_ctx 4096\n"
        'PARAMETER stop "<eos>"\nPARAMETER stop "<end_of_turn>"\n'
    )
