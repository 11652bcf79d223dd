"""Step 04: what is written as GGUF says in llama.cpp what the trained model says in transformers."""

import json

import pytest

from conftest import save_tiny_tokenizer
from twinlib import settings
from twinlib.engines import gguf_file, gguf_vocabulary, models
from twinlib.engines.llama import Llama
from twinlib.progress import Progress
from twinlib.steps import quantize
from twinlib.twin import Report, Stopped, TwinError

CARD = {"name": "Ning", "license": "apache-2.0", "languages": ["zh", "en"], "base": "someone/Tiny-2L",
        "template": models.CHATML}
SHAPE = dict(vocab_size=600, hidden_size=64, intermediate_size=96, num_hidden_layers=2, num_attention_heads=4,
             num_key_value_heads=2, max_position_embeddings=512, eos_token_id=2, pad_token_id=0, bos_token_id=None)
LLAMA3 = {"rope_type": "llama3", "rope_theta": 10000.0, "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0,
          "original_max_position_embeddings": 64}
GEMMA3 = {"full_attention": {"rope_type": "linear", "rope_theta": 5000.0, "factor": 4.0},
          "sliding_attention": {"rope_type": "default", "rope_theta": 500.0}}
FAMILIES = {  # configuration, what differs from SHAPE, what differs in the adapter
    "qwen2": ("Qwen2Config", {"tie_word_embeddings": True}, {}),
    "qwen3": ("Qwen3Config", {"head_dim": 32, "tie_word_embeddings": False}, {"use_rslora": True}),
    "llama": ("LlamaConfig", {"tie_word_embeddings": False, "rope_parameters": LLAMA3},
              {"alpha_pattern": {"q_proj": 3}}),
    "gemma3": ("Gemma3TextConfig", {"head_dim": 32, "num_hidden_layers": 6, "sliding_window": 8,
                                    "query_pre_attn_scalar": 32, "rope_parameters": GEMMA3}, {}),
}
PROMPT = [300, 17, 401, 55, 268, 512, 33, 104, 290, 77, 350, 461]  # longer than the sliding window


def random_model(family, folder):
    """A base whose logits differ clearly from each other, saved in `folder`."""
    import torch
    import transformers

    kind, extra, _ = FAMILIES[family]
    torch.manual_seed(3)
    model = transformers.AutoModelForCausalLM.from_config(getattr(transformers, kind)(**{**SHAPE, **extra}))
    for weight in model.parameters():
        weight.data += 0.2 * torch.randn_like(weight)
    model.get_input_embeddings().weight.data *= 0.1  # or a tied head only repeats the last token
    save_tiny_tokenizer(folder)
    model.save_pretrained(folder)
    return model.eval()


def random_adapter(model, folder, **config):
    """A LoRA adapter on all linear layers with random numbers in both halves; returns the model with it."""
    import torch
    from peft import LoraConfig, get_peft_model

    model = get_peft_model(model, LoraConfig(r=4, lora_alpha=8, target_modules="all-linear", task_type="CAUSAL_LM",
                                             **config))
    for name, weight in model.named_parameters():
        if "lora_" in name:
            weight.data = 0.1 * torch.randn_like(weight)
    model.save_pretrained(folder)
    return model.eval()


def vocabulary_of(folder):
    return gguf_vocabulary.read(models.tokenizer(models.prepare(str(folder))), 600, [2])


def greedy(model, ids, count):
    import torch

    row = list(ids)
    with torch.inference_mode():
        for _ in range(count):
            row.append(int(model(torch.tensor([row])).logits[0, -1].argmax()))
    return row[len(ids):]


@pytest.mark.parametrize("family", FAMILIES)
def test_a_merged_file_goes_on_as_the_trained_model_does(family, tmp_path):
    base = random_model(family, tmp_path / "base")
    plain = greedy(base, PROMPT, 24)
    trained = random_adapter(base, tmp_path / "adapter", **FAMILIES[family][2])
    outputs = {kind: tmp_path / f"x-{kind}.gguf" for kind in ("F32", "F16", "Q8_0")}
    sizes = gguf_file.write(tmp_path / "base", outputs, vocabulary_of(tmp_path / "base"), CARD, tmp_path / "adapter")
    expected = greedy(trained, PROMPT, 24)
    assert expected != plain and not {0, 2} & set(expected)
    with Llama(outputs["F32"], context=256, precise=True) as llama:
        assert llama.greedy(PROMPT, 24) == expected
    assert sizes["Q8_0"] < sizes["F16"] < sizes["F32"]
    with Llama(outputs["Q8_0"], context=256) as llama:
        assert len(llama.greedy(PROMPT, 24)) == 24
    assert sorted(p.name for p in tmp_path.glob("*.gguf")) == ["x-F16.gguf", "x-F32.gguf", "x-Q8_0.gguf"]


def test_the_header_is_that_of_llama_cpps_converter(tmp_path):
    from gguf import GGUFReader

    random_model("llama", tmp_path / "base")
    path = tmp_path / "x.gguf"
    gguf_file.write(tmp_path / "base", {"Q8_0": path}, vocabulary_of(tmp_path / "base"), CARD)
    reader = GGUFReader(path)
    expected = {
        "general.architecture": "llama", "general.type": "model", "general.name": "Ning",
        "general.license": "apache-2.0", "general.languages": ["zh", "en"], "general.quantization_version": 2,
        "general.file_type": 7, "general.base_model.0.repo_url": "https://huggingface.co/someone/Tiny-2L",
        "llama.context_length": 512, "llama.block_count": 2, "llama.embedding_length": 64,
        "llama.feed_forward_length": 96, "llama.attention.head_count": 4, "llama.attention.head_count_kv": 2,
        "llama.attention.key_length": 16, "llama.rope.dimension_count": 16, "llama.rope.freq_base": 10000.0,
        "llama.vocab_size": 600, "tokenizer.ggml.model": "gpt2", "tokenizer.ggml.pre": "qwen2",
        "tokenizer.ggml.eos_token_id": 2, "tokenizer.ggml.padding_token_id": 0, "tokenizer.ggml.add_bos_token": False,
        "tokenizer.chat_template": models.CHATML}
    assert {key: reader.fields[key].contents() for key in expected} == expected
    kinds = {tensor.name: tensor.tensor_type.name for tensor in reader.tensors}
    assert kinds["token_embd.weight"] == kinds["output.weight"] == kinds["blk.1.ffn_down.weight"] == "Q8_0"
    assert kinds["blk.0.attn_norm.weight"] == kinds["output_norm.weight"] == kinds["rope_freqs.weight"] == "F32"


def test_rows_that_blocks_of_32_do_not_fit_fall_back_to_16_bits():
    assert gguf_file.tensor_type("blk.0.attn_q.weight", (64, 48), "Q8_0").name == "F16"
    assert gguf_file.tensor_type("blk.0.attn_q.weight", (64, 96), "Q8_0").name == "Q8_0"
    assert gguf_file.tensor_type("blk.0.attn_q.bias", (64,), "BF16").name == "F32"


def test_llama_3s_long_waves_are_divided_as_transformers_divides_them():
    import torch
    from transformers import LlamaConfig
    from transformers.modeling_rope_utils import ROPE_INIT_FUNCTIONS

    config = LlamaConfig(**{**SHAPE, "rope_parameters": LLAMA3})
    scaled, _ = ROPE_INIT_FUNCTIONS["llama3"](config, "cpu")
    plain = 10000.0 ** (-torch.arange(0, 16, 2) / 16)
    assert torch.allclose(plain / scaled, torch.tensor(gguf_file.rope_factors(LLAMA3, 16)), rtol=1e-5)


def test_a_stop_in_the_middle_leaves_no_file(tiny_base, tmp_path):
    def stop(done, total, note):
        if done > 50:
            raise Stopped

    with pytest.raises(Stopped):
        gguf_file.write(tiny_base, {"F16": tmp_path / "x.gguf"}, vocabulary_of(tiny_base), CARD, progress=stop)
    assert list(tmp_path.iterdir()) == []


def test_too_small_a_disk_is_said_before_anything_is_written(tmp_path):
    huge = gguf_file.Tensor("token_embd.weight", "x", (10**9, 10**6))
    with pytest.raises(TwinError, match=r"need 2000000050 MB of disk"):
        gguf_file._need_disk({"F16": tmp_path / "x.gguf"}, [huge])


def test_an_adapter_that_cannot_be_merged_is_refused(tiny_base, tmp_path):
    base = models.prepare(str(tiny_base))
    model, _ = models.load(base, precision="32-bit")
    random_adapter(model, tmp_path / "dora", use_dora=True)
    with pytest.raises(TwinError, match="train a plain LoRA adapter"):
        gguf_file.read_adapter(tmp_path / "dora", {"model.layers.0.self_attn.q_proj.weight": None})
    with pytest.raises(TwinError, match="train it again"):
        gguf_file.read_adapter(tmp_path, {})


def test_an_unknown_architecture_is_named_with_what_is_supported(tmp_path):
    (tmp_path / "config.json").write_text('{"model_type": "gpt2"}')
    with pytest.raises(TwinError, match="'gpt2' can't become a GGUF.*Qwen3"):
        gguf_file.read_config(tmp_path)


def test_pre_tokenizers_are_known_by_what_they_do(tiny_base):
    described = json.loads((tiny_base / "tokenizer.json").read_text(encoding="utf-8"))
    assert gguf_vocabulary.pre_tokenizer(described) == "qwen2"
    pattern = described["pre_tokenizer"]["pretokenizers"][0]["pattern"]
    pattern["Regex"] = pattern["Regex"].replace(r"\p{N}|", r"\p{N}{1,3}|")
    assert gguf_vocabulary.pre_tokenizer(described) == "llama-bpe"
    described["pre_tokenizer"]["pretokenizers"][0] = {"type": "Digits", "individual_digits": True}
    described["pre_tokenizer"]["pretokenizers"][1]["use_regex"] = True
    assert gguf_vocabulary.pre_tokenizer(described) == "smollm"
    described["pre_tokenizer"] = {"type": "Whitespace"}
    with pytest.raises(TwinError, match="Whitespace.*supported are"):
        gguf_vocabulary.pre_tokenizer(described)


def test_sentencepiece_scores_follow_the_order_of_merges():
    described = {
        "model": {"vocab": {"<unk>": 0, "<0x0A>": 1, "a": 2, "b": 3, "ab": 4, "▁": 5, "▁ab": 6, "▁a": 7},
                  "merges": [["a", "b"], ["▁", "ab"], ["▁a", "b"], ["▁", "a"]], "unk_token": "<unk>"},
        "added_tokens": [{"id": 8, "content": "<end_of_turn>", "special": True},
                         {"id": 9, "content": "▁▁", "special": False}]}
    tokens, scores, types = gguf_vocabulary._pieces(described)
    assert [types[i] for i in range(10)] == [2, 6, 1, 1, 1, 1, 1, 1, 3, 4]
    assert [scores[i] for i in (4, 6, 7)] == [0.0, -1.0, -3.0]
    assert tokens[9] == "  "


# The step


@pytest.fixture
def trained_twin(twin, tiny_base):
    """A twin whose persona step left an adapter."""
    base = models.prepare(str(tiny_base))
    model, _ = models.load(base, precision="32-bit")
    random_adapter(model, twin.adapter("persona"))
    twin.remember(author="Ning", languages=["en"], base={"name": base.name, "revision": base.revision},
                  system_prompt="You are Ning's \"twin\".\nSay what Ning would say.")
    twin.finish(Report("persona", {}, 0, 0, {}, {}, twin.inputs(base=True), {}, []))
    return twin


def test_the_step_writes_proven_files_and_what_ollama_needs(trained_twin, capsys):
    twin, wanted = trained_twin, settings.make("quantize", types="Q8_0, f16", context=1024)
    assert not settings.stops(quantize.problems(wanted, twin))
    outcome = quantize.run(twin, wanted, Progress(twin.history("quantize"), "quantize"))
    assert twin.gguf("Q8_0").exists() and twin.gguf("F16").exists()
    assert outcome.figures["tokens_equal_Q8_0"]["value"] == outcome.figures["tokens_equal_F16"]["value"] == 1.0
    assert outcome.figures["size_mb_F16"]["value"] > 0 and outcome.figures["ended_F16"]["n"] == 1
    assert set(outcome.inputs) == {"persona/adapter", "reasoning/adapter", f"base:{twin.facts['base']['name']}"}
    assert twin.file("system").read_text() == "You are Ning's \"twin\".\nSay what Ning would say."
    params = json.loads(twin.file("params").read_text())
    assert params == {"temperature": 0.7, "top_p": 0.9, "num_ctx": 1024, "stop": ["<|im_end|>"]}
    assert twin.file("template").read_text().startswith("{{- if .System }}<|im_start|>system")
    modelfile = twin.file("modelfile").read_text()
    assert modelfile.startswith("FROM ./demo-Q8_0.gguf\n") and 'PARAMETER stop "<|im_end|>"' in modelfile
    assert "Who are you" in capsys.readouterr().out
    with Llama(twin.gguf("Q8_0")) as llama:
        assert llama.prompt([{"role": "user", "content": "Hi"}]) == (
            "<|im_start|>system\nYou are Ning's \"twin\".\nSay what Ning would say.<|im_end|>\n"
            "<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n")


def test_files_of_another_run_do_not_stay(trained_twin):
    twin = trained_twin
    twin.folder("quantize")
    twin.gguf("BF16").write_bytes(b"old")
    twin.gguf("Q8_0").write_bytes(b"new")
    quantize._remove_old(twin, {"Q8_0": twin.gguf("Q8_0")})
    assert not twin.gguf("BF16").exists() and twin.gguf("Q8_0").exists()


@pytest.mark.parametrize("harm, reason", [
    (lambda v: v._replace(tokens=[*v.tokens[:300], v.tokens[301], v.tokens[300], *v.tokens[302:]]), "tokens differ"),
    (lambda v: v._replace(pre="smollm"), "tokens differ"),
])
def test_a_file_with_a_wrong_tokenizer_is_kept_aside(harm, reason, trained_twin, tiny_base):
    twin, path = trained_twin, trained_twin.gguf("F16")
    twin.folder("quantize")
    gguf_file.write(tiny_base, {"F16": path}, harm(vocabulary_of(tiny_base)), CARD)
    tokenizer = models.tokenizer(models.prepare(str(tiny_base)))
    _, said = quantize._prove("F16", path, tokenizer, ["Hi"], settings.make("quantize"),
                              Progress(twin.history("quantize"), "quantize"))
    assert reason in said[0] and "demo-F16.gguf.failed" in said[0]
    assert not path.exists() and path.with_name("demo-F16.gguf.failed").exists()


def test_a_truncated_file_and_one_with_another_template_are_kept_aside(trained_twin, tiny_base):
    twin, wanted = trained_twin, settings.make("quantize")
    twin.folder("quantize")
    tokenizer = models.tokenizer(models.prepare(str(tiny_base)))
    progress = Progress(twin.history("quantize"), "quantize")
    other = {**CARD, "template": models.CHATML.replace("<|im_start|>assistant", "<|im_start|>bot")}
    gguf_file.write(tiny_base, {"F16": twin.gguf("F16"), "F32": twin.gguf("F32")}, vocabulary_of(tiny_base), other)
    assert "another prompt" in quantize._prove("F16", twin.gguf("F16"), tokenizer, ["Hi"], wanted, progress)[1][0]
    twin.gguf("F32").write_bytes(twin.gguf("F32").read_bytes()[:-5000])
    assert "can't load" in quantize._prove("F32", twin.gguf("F32"), tokenizer, ["Hi"], wanted, progress)[1][0]
    assert not twin.gguf("F16").exists() and not twin.gguf("F32").exists()


def test_without_an_adapter_or_with_an_unknown_type_the_step_says_what_to_do(twin):
    texts = [p.text for p in quantize.problems(settings.make("quantize", types="Q9_9"), twin)]
    assert any("run the step 'persona'" in text for text in texts)
    assert any("Q9_9 can't be written; choose from F32, F16, BF16, Q8_0" in text for text in texts)
    with pytest.raises(TwinError, match="persona"):
        quantize.run(twin, settings.make("quantize"), Progress(twin.history("quantize"), "quantize"))


def test_a_system_prompt_that_names_the_base_is_refused(trained_twin):
    trained_twin.remember(system_prompt="You are Qwen, created by Alibaba Cloud.")
    with pytest.raises(TwinError, match="still says 'You are Qwen'"):
        quantize.run(trained_twin, settings.make("quantize"), Progress(trained_twin.history("quantize"), "quantize"))
    assert not list((trained_twin.path / "quantize").glob("*.gguf"))
