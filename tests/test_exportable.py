"""A base that can't become a GGUF file is refused before it is trained."""

import json
import subprocess
import sys

import pytest
from conftest import build_tiny_base

from twinlib.files import TwinError
from twinlib.models import exportable, load
from twinlib.progress import Progress
from twinlib.settings import Persona
from twinlib.train import persona


@pytest.fixture
def base(tmp_path):
    return build_tiny_base(tmp_path / "base")


def changed(base, file, change):
    path = base / file
    fields = json.loads(path.read_text(encoding="utf-8"))
    change(fields)
    path.write_text(json.dumps(fields), encoding="utf-8")


def stops(twin, base):
    exportable._problem.cache_clear()
    issues = persona.problems(Persona(base=str(base)), twin)
    return [issue.text for issue in issues if issue.level == "stop"]


def another_pre_tokenizer(fields):
    fields["pre_tokenizer"] = {"type": "Whitespace"}


def another_normalizer(fields):
    fields["normalizer"] = {"type": "Lowercase"}


def word_pieces(fields):
    fields["model"] = {"type": "WordPiece", "vocab": {"a": 0}, "unk_token": "a"}


@pytest.mark.parametrize(
    "file, change, reason",
    [
        ("tokenizer.json", another_pre_tokenizer, "tokenizer \\(Whitespace\\).*Choose such a base"),
        ("tokenizer.json", another_normalizer, "tokenizer \\(Lowercase\\).*Choose such a base"),
        ("tokenizer.json", word_pieces, "tokenizer \\(WordPiece\\).*Choose such a base"),
        ("config.json", lambda fields: fields.update(model_type="gpt2"), "'gpt2' can't.*Choose"),
        (
            "config.json",
            lambda fields: fields.update(
                rope_parameters={"rope_type": "dynamic", "factor": 2.0, "rope_theta": 10000.0}
            ),
            "position scaling 'dynamic'.*Choose another base",
        ),
    ],
)
def test_what_can_not_be_exported_is_a_stop_before_training(
    sample_twin, base, file, change, reason
):
    assert stops(sample_twin, base) == []
    changed(base, file, change)
    assert len(found := stops(sample_twin, base)) == 1
    with pytest.raises(TwinError, match=reason):
        raise TwinError(found[0])
    with pytest.raises(TwinError, match=reason):
        persona.run(sample_twin, Persona(base=str(base), effort="smoke"), Progress())


def split_otherwise(fields):
    fields["pre_tokenizer"]["pretokenizers"][0]["behavior"] = "MergedWithPrevious"


def ends_every_text(fields):
    token = {"SpecialToken": {"id": "<|im_end|>", "type_id": 0}}
    a, b = ({"Sequence": {"id": name, "type_id": 0}} for name in "AB")
    known = {"id": "<|im_end|>", "ids": [2], "tokens": ["<|im_end|>"]}
    fields["post_processor"] = {
        "type": "TemplateProcessing",
        "single": [a, token],
        "pair": [a, b],
        "special_tokens": {"<|im_end|>": known},
    }


def takes_line_breaks(fields):
    for token in fields["added_tokens"]:
        token["rstrip"] = True


def test_what_llama_cpp_would_run_otherwise_is_a_stop_before_training(sample_twin, base):
    config, tokenizer = "config.json", "tokenizer.json"
    sliding = {"layer_types": ["sliding_attention", "full_attention"], "use_sliding_window": True}
    cases = [
        (config, lambda f: f.update(hidden_act="gelu"), "gelu"),
        (config, lambda f: f.update(sliding, sliding_window=8), "sliding_attention"),
        (config, lambda f: f.update(attention_bias=True), "attention_bias"),
        (config, lambda f: f.update(quantization_config={"quant_method": "gptq"}), "gptq"),
        (tokenizer, lambda f: f["model"].update(end_of_word_suffix="</w>"), "end_of_word_suffix"),
        (tokenizer, lambda f: f["model"].update(dropout=0.1), "dropout"),
        (tokenizer, split_otherwise, "MergedWithPrevious"),
        (tokenizer, ends_every_text, "post_processor"),
        (tokenizer, takes_line_breaks, "rstrip"),
    ]
    for file, change, reason in cases:
        before = (base / file).read_bytes()
        changed(base, file, change)
        [found] = stops(sample_twin, base)
        assert reason in found, reason
        (base / file).write_bytes(before)
    assert stops(sample_twin, base) == []
    (base / "tokenizer.json").unlink()
    assert "no tokenizer" in stops(sample_twin, base)[0]


LOOP = (
    "{% for m in messages %}<|im_start|>{{ m['role'] }}\n{{ m['content'] }}<|im_end|>\n{% endfor %}"
)
OPENS = "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"


def test_a_template_that_refuses_what_a_twin_needs_is_a_stop_before_training(sample_twin, base):
    cases = {
        "{% if messages[0]['role'] == 'system' %}{{ raise_exception('no system') }}{% endif %}"
        + LOOP
        + OPENS: "refuses.*no system",
        LOOP.replace("<|im_end|>", "").replace("<|im_start|>", "") + "assistant: ": "end of turn",
        LOOP + OPENS.replace("assistant", "assistant\n<think>"): "not the beginning",
        LOOP.replace("messages", "messages if m['role'] != 'system'") + OPENS: "can't carry",
        "{% for m in messages %}{{ m.content }": "refuses",
    }
    for template, reason in cases.items():
        (base / "chat_template.jinja").write_text(template, encoding="utf-8")
        [found] = stops(sample_twin, base)
        with pytest.raises(TwinError, match=reason):
            raise TwinError(found)
    (base / "chat_template.jinja").write_text(LOOP + OPENS, encoding="utf-8")
    assert stops(sample_twin, base) == []


def test_a_name_that_spells_a_control_token_does_not_become_a_systems_prompt(base):
    tokenizer = load.tokenizer(load.prepare(str(base)))
    with pytest.raises(TwinError, match="change the author's name"):
        exportable.check_tokenizer(tokenizer, "I am <|im_end|>'s twin")


@pytest.mark.parametrize(
    "kind, extra, reason",
    [
        ("Gemma4TextConfig", {"enable_moe_block": True, "num_experts": 4}, "mixture of experts"),
        ("SmolLM3Config", {"no_rope_layer_interval": 3}, "kinds of attention"),
        ("Phi3Config", {"sliding_window": 512, "max_position_embeddings": 4096}, "sliding window"),
        ("Ministral3Config", {"sliding_window": 512}, "sliding window"),
        ("Qwen3_5TextConfig", {"layer_types": ["full_attention"] * 3 + ["linear_attention"]}, "k"),
        ("Qwen3_5MoeTextConfig", {}, "'qwen3_5_moe_text' can't"),
    ],
)
def test_what_llama_cpp_would_run_differently_is_refused(tmp_path, kind, extra, reason):
    import transformers

    shape = {"num_hidden_layers": 4, "hidden_size": 64, "num_attention_heads": 4}
    getattr(transformers, kind)(**shape, **extra).save_pretrained(tmp_path)
    exportable._problem.cache_clear()
    with pytest.raises(TwinError, match=reason):
        raise TwinError(exportable.problem(str(tmp_path)))


def test_a_base_stored_in_other_numbers_is_refused(sample_twin, base):
    import torch
    from safetensors.torch import load_file, save_file

    path = base / "model.safetensors"
    save_file({k: v.to(torch.float64) for k, v in load_file(path).items()}, path)
    [reason] = stops(sample_twin, base)
    assert "16-bit" in reason


def test_a_template_without_a_place_for_the_system_prompt_is_refused(base):
    tokenizer = load.tokenizer(load.prepare(str(base)))
    exportable.check_tokenizer(tokenizer, "I am her twin")
    before = tokenizer.chat_template
    tokenizer.chat_template = "{{ messages[-1]['content'] }}{{ eos_token }}"
    with pytest.raises(TwinError):
        exportable.check_tokenizer(tokenizer, "I am her twin")
    assert before


def test_a_base_that_is_not_here_yet_is_asked_nothing():
    assert exportable.problem("somebody/somewhere-else") == ""


def test_a_form_need_not_load_a_model_library_for_a_base_of_the_catalogue(sample_twin):
    code = (
        "import sys; from twinlib import Twin; from twinlib.settings import Persona;"
        "from twinlib.train import persona;"
        "persona.problems(Persona(base='qwen2.5-coder-0.5b-instruct'), Twin(sys.argv[1]));"
        "sys.exit('transformers' in sys.modules or 'torch' in sys.modules)"
    )
    assert not subprocess.run([sys.executable, "-c", code, sample_twin.path]).returncode
