"""What is written as GGUF says in llama.cpp what the trained model says in transformers."""

import copy
import json
import shutil
import signal
import subprocess
import sys

import gguf
import gguf_samples
import pytest
import torch
from conftest import ROOT, save_tiny_tokenizer

from twinlib.files import TwinError
from twinlib.gguf import compare, tensors, types, writer
from twinlib.models import exportable, load
from twinlib.models import gguf_vocabulary as tokenizer
from twinlib.models.llama_cpp import Llama
from twinlib.progress import Progress
from twinlib.twin import Stopped

CARD = {
    "name": "Ning",
    "license": "apache-2.0",
    "languages": ["zh", "en"],
    "base": "someone/Tiny-2L",
    "template": load.CHATML,
}
SHAPE = {
    "vocab_size": 600,
    "hidden_size": 256,
    "intermediate_size": 512,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "max_position_embeddings": 512,
    "eos_token_id": 2,
    "pad_token_id": 0,
    "bos_token_id": None,
}
LLAMA3 = {
    "rope_type": "llama3",
    "rope_theta": 10000.0,
    "factor": 8.0,
    "low_freq_factor": 1.0,
    "high_freq_factor": 4.0,
    "original_max_position_embeddings": 64,
}
GEMMA3 = {
    "full_attention": {"rope_type": "linear", "rope_theta": 5000.0, "factor": 4.0},
    "sliding_attention": {"rope_type": "default", "rope_theta": 500.0},
}
FAMILIES = {  # configuration, what differs from SHAPE, what differs in the adapter
    "qwen2": ("Qwen2Config", {"tie_word_embeddings": True}, {}),
    "qwen3": ("Qwen3Config", {"head_dim": 32, "tie_word_embeddings": False}, {"use_rslora": True}),
    "llama": (
        "LlamaConfig",
        {"tie_word_embeddings": False, "rope_parameters": LLAMA3},
        {"alpha_pattern": {"q_proj": 3}},
    ),
    "mistral": (
        "MistralConfig",
        {"tie_word_embeddings": False, "head_dim": 32, "sliding_window": None},
        {},
    ),
    "gemma3": (
        "Gemma3TextConfig",
        {
            "hidden_size": 160,
            "head_dim": 32,
            "num_hidden_layers": 6,
            "sliding_window": 8,
            "query_pre_attn_scalar": 32,
            "rope_parameters": GEMMA3,
        },
        {},
    ),
}
NEWER = {
    "qwen3.5": ("Qwen3_5TextConfig", {**gguf_samples.GATED, "num_hidden_layers": 4}, {}),
    "gemma4": ("Gemma4TextConfig", {**gguf_samples.GEMMA4, "vocab_size_per_layer_input": 600}, {}),
    "gemma4 dense": ("Gemma4TextConfig", gguf_samples.GEMMA4_DENSE, {}),
    "ministral3": ("Ministral3Config", gguf_samples.MINISTRAL3, {}),
    "phi4": (
        "Phi3Config",
        gguf_samples.PHI4,
        {"use_rslora": True},
    ),
    "smollm3": ("SmolLM3Config", {**gguf_samples.SMOLLM3, "num_hidden_layers": 4}, {}),
}
# By which no two tokens are nearly as likely, which each library would round in its own way
SEEDS = {
    "qwen3.5": 5,
    "gemma4": 20,
    "gemma4 dense": 12,
    "ministral3": 14,
    "phi4": 8,
    "smollm3": 20,
}
PROMPT = [300, 17, 401, 55, 268, 512, 33, 104, 290, 77, 350, 461]  # longer than the sliding window
PROMPTS = [PROMPT, [5, 6, 7], list(range(20, 90))]


def random_model(family, folder):
    """A base whose logits differ clearly from each other, saved in `folder`."""
    import transformers

    kind, extra, _ = (FAMILIES | NEWER)[family]
    torch.manual_seed(SEEDS.get(family, 3))
    model = transformers.AutoModelForCausalLM.from_config(
        getattr(transformers, kind)(**{**SHAPE, **extra})
    )
    for weight in model.parameters():
        weight.data += 0.1 * torch.randn_like(weight)
    model.get_input_embeddings().weight.data *= 0.1  # or a tied head only repeats the last token
    save_tiny_tokenizer(folder)
    model.save_pretrained(folder)
    return model.eval()


def random_adapter(model, folder, **config):
    """A LoRA adapter on all linear layers with random numbers in both halves; returns the model
    with it.
    """
    from peft import LoraConfig, get_peft_model

    model = get_peft_model(
        model,
        LoraConfig(r=4, lora_alpha=8, target_modules="all-linear", task_type="CAUSAL_LM", **config),
    )
    for name, weight in model.named_parameters():
        if "lora_" in name:
            weight.data = 0.1 * torch.randn_like(weight)
    model.save_pretrained(folder)
    return model.eval()


def vocabulary_of(folder):
    return tokenizer.read(load.tokenizer(load.prepare(str(folder))), 600, [2])


def greedy(model, ids, count):
    row = list(ids)
    with torch.inference_mode():
        for _ in range(count):
            row.append(int(model(torch.tensor([row])).logits[0, -1].argmax()))
    return row[len(ids) :]


def with_weights_of(path, model, base):
    """The model with the weights that a GGUF file stands for."""
    stored = {tensor.name: tensor for tensor in gguf.GGUFReader(path).tensors}
    source = tensors.Source(base)
    for tensor in source.tensors:
        if tensor.base_name:
            values = types.decode(
                stored[tensor.name].data, stored[tensor.name].tensor_type, tensor.shape
            )
            values = source.to_transformers(tensor, values)
            model.state_dict()[tensor.base_name].copy_(values)
    return model


def merged_tensor(source, tensor):
    return torch.cat([source.merged_rows(tensor, *rows) for rows in source.pieces(tensor)])


def base_of(trained):
    return copy.deepcopy(trained).unload()


def next_tokens(model, ids):
    """After each of the tokens, the one that the model finds likeliest."""
    with torch.inference_mode():
        return model(torch.tensor([ids])).logits[0].argmax(-1).tolist()


@pytest.mark.slow
@pytest.mark.parametrize("family", FAMILIES)
def test_a_merged_file_goes_on_as_the_trained_model_does(family, tmp_path):
    base = random_model(family, tmp_path / "base")
    plain = greedy(base, PROMPT, 24)
    trained = random_adapter(base, tmp_path / "adapter", **FAMILIES[family][2])
    outputs = {kind: tmp_path / f"x-{kind}.gguf" for kind in types.FILE_TYPES}
    sizes = writer.write(
        tmp_path / "base", outputs, vocabulary_of(tmp_path / "base"), CARD, tmp_path / "adapter"
    )
    expected = greedy(trained, PROMPT, 24)
    assert expected != plain and not {0, 2} & set(expected)
    with Llama(outputs["F32"], context=256, precise=True) as llama:
        assert llama.greedy(PROMPT, 24) == expected
    with Llama(outputs["F16"], context=256, precise=True) as llama:
        assert llama.greedy(PROMPT, 24) == expected
    row = PROMPT + expected[:10]
    for kind in ("Q4_K_M", "Q5_K_M", "Q8_0"):
        likeliest = next_tokens(
            with_weights_of(outputs[kind], base_of(trained), tmp_path / "base"), row
        )
        with Llama(outputs[kind], context=256, precise=True) as llama:
            same = [
                llama.greedy(row[:end], 1) == [likeliest[end - 1]]
                for end in range(len(PROMPT), len(row))
            ]
        # llama.cpp rounds what goes into a quantized layer too, and guessing hits 1 in 600.
        assert sum(same) / len(same) >= 0.6, kind
    assert (
        sizes["Q4_K_M"]
        < sizes["Q5_K_M"]
        < sizes["Q6_K"]
        < sizes["Q8_0"]
        < sizes["F16"]
        < sizes["F32"]
    )
    assert sorted(p.name for p in tmp_path.glob("*.gguf")) == sorted(
        path.name for path in outputs.values()
    )
    assert not list(tmp_path.glob(".*"))


@pytest.mark.slow
@pytest.mark.parametrize("family", NEWER)
def test_a_newer_familys_file_goes_on_as_the_model_does(family, tmp_path):
    folder, plain, merged = tmp_path / "base", tmp_path / "plain.gguf", tmp_path / "merged.gguf"
    base = random_model(family, folder)
    writer.write(folder, {"F32": plain}, vocabulary_of(folder), CARD)
    with Llama(plain, context=256, precise=True) as llama:
        for prompt in PROMPTS:
            assert llama.greedy(prompt, 24) == greedy(base, prompt, 24)
    trained = random_adapter(base, tmp_path / "adapter", **NEWER[family][2])
    outputs = {"F32": merged, "Q4_K_M": tmp_path / "q4.gguf"}
    writer.write(folder, outputs, vocabulary_of(folder), CARD, tmp_path / "adapter")
    expected = greedy(trained, PROMPT, 24)
    assert expected != greedy(base_of(trained), PROMPT, 24)
    with Llama(merged, context=256, precise=True) as llama:
        assert llama.greedy(PROMPT, 24) == expected
    with Llama(outputs["Q4_K_M"], context=256) as llama:
        assert len(llama.greedy(PROMPT, 4)) == 4
    weights = trained.merge_and_unload().state_dict()
    source = tensors.Source(folder, tmp_path / "adapter")
    for tensor in source.tensors:
        if tensor.base_name:
            ours = source.to_transformers(tensor, merged_tensor(source, tensor))
            torch.testing.assert_close(ours, weights[tensor.base_name], atol=4e-6, rtol=1e-5)
    linear = {
        name
        for name, weight in weights.items()
        if weight.dim() == 2 and not name.endswith(("embed_tokens.weight", "lm_head.weight"))
    }
    assert len(source._deltas) == len(linear - {"model.embed_tokens_per_layer.weight"})


@pytest.mark.slow
def test_the_header_is_that_of_llama_cpps_converter(tmp_path):
    random_model("llama", tmp_path / "base")
    path = tmp_path / "x.gguf"
    writer.write(tmp_path / "base", {"Q8_0": path}, vocabulary_of(tmp_path / "base"), CARD)
    reader = gguf.GGUFReader(path)
    expected = {
        "general.architecture": "llama",
        "general.type": "model",
        "general.name": "Ning",
        "general.license": "apache-2.0",
        "general.languages": ["zh", "en"],
        "general.quantization_version": 2,
        "general.file_type": 7,
        "general.base_model.0.repo_url": "https://huggingface.co/someone/Tiny-2L",
        "llama.context_length": 512,
        "llama.block_count": 2,
        "llama.embedding_length": 256,
        "llama.feed_forward_length": 512,
        "llama.attention.head_count": 4,
        "llama.attention.head_count_kv": 2,
        "llama.attention.key_length": 64,
        "llama.rope.dimension_count": 64,
        "llama.rope.freq_base": 10000.0,
        "llama.vocab_size": 600,
        "tokenizer.ggml.model": "gpt2",
        "tokenizer.ggml.pre": "qwen2",
        "tokenizer.ggml.eos_token_id": 2,
        "tokenizer.ggml.padding_token_id": 0,
        "tokenizer.ggml.add_bos_token": False,
        "tokenizer.chat_template": load.CHATML,
    }
    assert {key: reader.fields[key].contents() for key in expected} == expected
    kinds = {tensor.name: tensor.tensor_type.name for tensor in reader.tensors}
    assert (
        kinds["token_embd.weight"]
        == kinds["output.weight"]
        == kinds["blk.1.ffn_down.weight"]
        == "Q8_0"
    )
    assert (
        kinds["blk.0.attn_norm.weight"]
        == kinds["output_norm.weight"]
        == kinds["rope_freqs.weight"]
        == "F32"
    )


@pytest.mark.slow
@pytest.mark.parametrize("family", FAMILIES)
def test_each_tensor_is_the_encoded_merge_of_base_and_adapter(family, tmp_path):
    trained = random_adapter(
        random_model(family, tmp_path / "base"), tmp_path / "adapter", **FAMILIES[family][2]
    )
    outputs = {kind: tmp_path / f"{kind}.gguf" for kind in ("Q4_K_M", "Q5_K_M", "BF16")}
    writer.write(
        tmp_path / "base", outputs, vocabulary_of(tmp_path / "base"), CARD, tmp_path / "adapter"
    )
    weights, changed = trained.merge_and_unload().state_dict(), 0
    source = tensors.Source(tmp_path / "base", tmp_path / "adapter")
    for path in outputs.values():
        stored = {tensor.name: tensor for tensor in gguf.GGUFReader(path).tensors}
        assert list(stored) == [tensor.name for tensor in source.tensors]
        for tensor in source.tensors:
            found, merged = stored[tensor.name], merged_tensor(source, tensor)
            assert found.data.tobytes() == types.encode(merged, found.tensor_type).tobytes(), (
                tensor.name
            )
            assert tuple(reversed(found.shape.tolist())) == tensor.shape == tuple(merged.shape)
            if tensor.base_name:
                ours = source.to_transformers(tensor, merged)
                torch.testing.assert_close(ours, weights[tensor.base_name], atol=2e-6, rtol=1e-5)
                delta = source.delta(tensor)
                assert torch.equal(
                    merged, source.original(tensor) + (0 if delta is None else delta)
                )
                changed += delta is not None
    assert changed == 3 * 7 * source.config.num_hidden_layers


def kinds_of(path):
    return {tensor.name: tensor.tensor_type.name for tensor in gguf.GGUFReader(path).tensors}


@pytest.mark.slow
def test_a_mixture_names_itself_and_gives_llama_cpps_types(tmp_path):
    random_model("qwen2", tmp_path / "wide")
    random_model(
        "gemma3", tmp_path / "narrow"
    )  # rows of 160 numbers, as 270M's of 640, don't fill blocks of 256
    for base, last, in_q4, in_q5 in (
        ("wide", 1, ("Q6_K", "Q4_K", "Q6_K"), ("Q6_K", "Q5_K", "Q6_K")),
        ("narrow", 5, ("Q8_0", "Q5_0", "Q6_K"), ("Q8_0", "Q5_1", "Q6_K")),
    ):
        outputs = {kind: tmp_path / f"{base}-{kind}.gguf" for kind in ("Q4_K_M", "Q5_K_M")}
        writer.write(tmp_path / base, outputs, vocabulary_of(tmp_path / base), CARD)
        for kind, expected, number in (("Q4_K_M", in_q4, 15), ("Q5_K_M", in_q5, 17)):
            found = kinds_of(outputs[kind])
            names = ("token_embd.weight", "blk.0.attn_q.weight", f"blk.{last}.ffn_down.weight")
            assert tuple(found[name] for name in names) == expected
            assert found["blk.0.attn_norm.weight"] == "F32" and "output.weight" not in found
            assert gguf.GGUFReader(outputs[kind]).fields["general.file_type"].contents() == number


@pytest.mark.slow
@pytest.mark.parametrize("family", ["llama", "gemma3"])
def test_pieces_make_no_difference(family, tmp_path, monkeypatch):
    monkeypatch.setattr(load, "device", lambda: "cpu")
    random_adapter(random_model(family, tmp_path / "base"), tmp_path / "adapter")

    def written():
        outputs = {kind: tmp_path / kind for kind in ("Q4_K_M", "Q8_0", "F32")}
        writer.write(tmp_path / "base", outputs, vocabulary_of(tmp_path / "base"), CARD)
        source = tensors.Source(tmp_path / "base", tmp_path / "adapter")
        merged = [merged_tensor(source, tensor) for tensor in source.tensors]
        counts = [len(source.pieces(tensor)) for tensor in source.tensors]
        return (
            {kind: path.read_bytes() for kind, path in outputs.items()},
            merged,
            sum(counts) / len(counts),
        )

    whole, merged, one = written()
    monkeypatch.setattr(tensors.Source, "piece_size", 7 * 256)
    pieces, merged_by_pieces, many = written()
    assert pieces == whole and one == 1 and many > 10
    for tensor, other in zip(merged, merged_by_pieces):
        torch.testing.assert_close(other, tensor, atol=1e-6, rtol=1e-5)


@pytest.mark.slow
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU here")
@pytest.mark.parametrize("family", FAMILIES)
def test_a_gpu_writes_what_the_cpu_writes(family, tmp_path):
    random_adapter(random_model(family, tmp_path / "base"), tmp_path / "adapter")
    stored = {}
    for device in ("cpu", "cuda"):
        outputs = {kind: tmp_path / f"{kind}-{device}" for kind in types.FILE_TYPES}
        writer.write(
            tmp_path / "base",
            outputs,
            vocabulary_of(tmp_path / "base"),
            CARD,
            tmp_path / "adapter",
            device=device,
        )
        stored[device] = {kind: gguf.GGUFReader(path).tensors for kind, path in outputs.items()}
    for kind in types.FILE_TYPES:
        for ours, theirs in zip(stored["cuda"][kind], stored["cpu"][kind]):
            assert (ours.name, ours.tensor_type) == (theirs.name, theirs.tensor_type)
            shape = tuple(reversed(ours.shape.tolist()))
            one, other = (
                types.decode(tensor.data, tensor.tensor_type, shape) for tensor in (ours, theirs)
            )
            # The last bit of a merged number may differ, and with it a rounding here and there.
            assert (one - other).norm() <= (1e-5 if kind == "F32" else 0.02) * other.norm(), (
                kind,
                ours.name,
            )


def test_a_large_embedding_is_never_whole_in_memory(tmp_path):
    random_model("qwen2", tmp_path)
    source = tensors.Source(tmp_path)
    pieces = source.pieces(
        tensors.Tensor("token_embd.weight", "model.embed_tokens.weight", (152064, 3584))
    )
    assert pieces[0] == (0, 4681) and pieces[-1][1] == 152064
    assert all(one[1] == other[0] for one, other in zip(pieces, pieces[1:]))


def test_llama_3s_long_waves_are_divided_as_transformers_divides_them():
    from transformers import LlamaConfig
    from transformers.modeling_rope_utils import ROPE_INIT_FUNCTIONS

    config = LlamaConfig(**{**SHAPE, "rope_parameters": LLAMA3})
    scaled, _ = ROPE_INIT_FUNCTIONS["llama3"](config, "cpu")
    plain = 10000.0 ** (-torch.arange(0, 64, 2) / 64)
    assert torch.allclose(plain / scaled, torch.tensor(tensors.rope_factors(LLAMA3, 64)), rtol=1e-5)


@pytest.mark.slow
def test_a_stop_in_the_middle_leaves_what_was_there(tiny_base, tmp_path):
    def stop(done, total, note):
        if done > 50:
            raise Stopped

    (tmp_path / "x.gguf").write_bytes(b"of an earlier run")
    outputs = {"F16": tmp_path / "x.gguf", "Q4_K_M": tmp_path / "y.gguf"}
    with pytest.raises(Stopped):
        writer.write(tiny_base, outputs, vocabulary_of(tiny_base), CARD, progress=stop)
    assert [path.name for path in tmp_path.iterdir()] == ["x.gguf"]
    assert outputs["F16"].read_bytes() == b"of an earlier run"


KILLED = """
import os, signal, sys
from pathlib import Path
sys.path.insert(0, "tests")
from test_gguf_file import CARD, vocabulary_of, writer

def die(done, total, note):
    if done > 50:
        os.kill(os.getpid(), signal.SIGKILL)

base = Path(sys.argv[1])
writer.write(base, {"Q5_K_M": Path(sys.argv[2])}, vocabulary_of(base), CARD, progress=die)
"""


@pytest.mark.slow
def test_what_a_killed_run_left_goes_with_the_next(tiny_base, tmp_path):
    killed = subprocess.run(
        [sys.executable, "-c", KILLED, tiny_base, tmp_path / "x-Q5_K_M.gguf"], cwd=ROOT
    )
    assert killed.returncode == -signal.SIGKILL
    assert [path.name for path in tmp_path.iterdir()] == [".x-Q5_K_M.gguf.part"]
    writer.write(tiny_base, {"Q8_0": tmp_path / "x-Q8_0.gguf"}, vocabulary_of(tiny_base), CARD)
    assert [path.name for path in tmp_path.iterdir()] == ["x-Q8_0.gguf"]


@pytest.mark.slow
def test_a_disk_that_fills_up_meanwhile_leaves_no_half_file(tiny_base, tmp_path):
    resource = pytest.importorskip("resource")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    outputs = {"Q4_K_M": tmp_path / "x.gguf", "F32": tmp_path / "y.gguf"}
    resource.setrlimit(
        resource.RLIMIT_FSIZE, (300_000, before[1])
    )  # less than the larger one needs
    try:
        with pytest.raises(OSError):
            writer.write(tiny_base, outputs, vocabulary_of(tiny_base), CARD)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_weights_that_are_no_numbers_are_refused(tiny_base, tmp_path):
    from safetensors.torch import load_file, save_file

    shutil.copytree(tiny_base, tmp_path / "base")
    weights = load_file(tmp_path / "base" / "model.safetensors")
    next(iter(weights.values()))[0] = float("nan")
    save_file(weights, tmp_path / "base" / "model.safetensors")
    with pytest.raises(TwinError, match="aren't finite: train again"):
        writer.write(
            tmp_path / "base", {"F16": tmp_path / "x.gguf"}, vocabulary_of(tiny_base), CARD
        )
    assert [path.name for path in tmp_path.iterdir()] == ["base"]


@pytest.mark.slow
def test_progress_says_how_far_and_how_long(tiny_base, tmp_path, capfd):
    progress = Progress(tmp_path / "history.jsonl", "quantize")
    writer.write(
        tiny_base, {"Q8_0": tmp_path / "x.gguf"}, vocabulary_of(tiny_base), CARD, progress=progress
    )
    records = [json.loads(line) for line in (tmp_path / "history.jsonl").read_text().splitlines()]
    assert records[-1]["done"] == records[-1]["total"] == 100
    assert any("seconds_left" in record for record in records[:-1])
    assert "quantize · percent of the files written 100/100" in capfd.readouterr().err


@pytest.mark.slow
def test_too_small_a_disk_is_said_before_anything_is_written(tiny_base, tmp_path):
    source = tensors.Source(tiny_base)
    source.tensors = [tensors.Tensor("token_embd.weight", "x", (10**9, 1024))]
    for kind, needed in (
        ("F16", 2048050),
        ("Q4_K_M", 840050),
        ("Q5_K_M", 840050),
    ):  # it is the output too: Q6_K
        with pytest.raises(TwinError, match=f"need {needed} MB of disk"):
            writer.need_disk({kind: tmp_path / "x.gguf"}, source)


@pytest.mark.slow
def test_an_adapter_that_cannot_be_merged_is_refused(tiny_base, tmp_path):
    base = load.prepare(str(tiny_base))
    model, _ = load.load(base, precision="32-bit")
    random_adapter(model, tmp_path / "dora", use_dora=True)
    with pytest.raises(TwinError, match="train a plain LoRA adapter"):
        tensors.read_adapter(tmp_path / "dora", {"model.layers.0.self_attn.q_proj.weight": None})
    with pytest.raises(TwinError, match="train it again"):
        tensors.read_adapter(tmp_path, {})


def test_a_mistral_with_a_sliding_window_is_refused(tmp_path):
    (tmp_path / "config.json").write_text('{"model_type": "mistral", "sliding_window": 4096}')
    with pytest.raises(TwinError, match="sliding window"):
        exportable.read_config(tmp_path)


def test_an_unknown_architecture_is_named_with_what_is_supported(tmp_path):
    (tmp_path / "config.json").write_text('{"model_type": "gpt2"}')
    with pytest.raises(TwinError, match="'gpt2' can't become a GGUF.*Qwen3"):
        exportable.read_config(tmp_path)


@pytest.mark.slow
def test_pre_tokenizers_are_known_by_what_they_do(tiny_base):
    described = json.loads((tiny_base / "tokenizer.json").read_text(encoding="utf-8"))
    assert tokenizer.pre_tokenizer(described) == "qwen2"
    pattern = described["pre_tokenizer"]["pretokenizers"][0]["pattern"]
    pattern["Regex"] = pattern["Regex"].replace(r"\p{N}|", r"\p{N}{1,3}|")
    assert tokenizer.pre_tokenizer(described) == "llama-bpe"
    described["pre_tokenizer"]["pretokenizers"][0] = {"type": "Digits", "individual_digits": True}
    described["pre_tokenizer"]["pretokenizers"][1]["use_regex"] = True
    assert tokenizer.pre_tokenizer(described) == "smollm"
    described["pre_tokenizer"] = {"type": "Whitespace"}
    with pytest.raises(TwinError, match="Whitespace.*supported are"):
        tokenizer.pre_tokenizer(described)


def test_a_tokenizer_without_a_pre_tokenizer_is_refused():
    with pytest.raises(TwinError, match="supported are"):
        tokenizer.pre_tokenizer({"pre_tokenizer": None})


def test_sentencepiece_scores_follow_the_order_of_merges():
    described = {
        "model": {
            "vocab": {"<unk>": 0, "<0x0A>": 1, "a": 2, "b": 3, "ab": 4, "▁": 5, "▁ab": 6, "▁a": 7},
            "merges": [["a", "b"], ["▁", "ab"], ["▁a", "b"], ["▁", "a"]],
            "unk_token": "<unk>",
        },
        "added_tokens": [
            {"id": 8, "content": "<end_of_turn>", "special": True},
            {"id": 9, "content": "▁▁", "special": False},
        ],
    }
    tokens, scores, types = tokenizer.pieces(described)
    assert [types[i] for i in range(10)] == [2, 6, 1, 1, 1, 1, 1, 1, 3, 4]
    assert [scores[i] for i in (4, 6, 7)] == [0.0, -1.0, -3.0]
    assert tokens[9] == "  "


@pytest.mark.parametrize("family", NEWER)
def test_the_check_of_a_file_computes_what_the_trained_model_does(family, tmp_path):
    base = random_model(family, tmp_path / "base")
    for name, scalar in base.named_buffers():
        if name.endswith("layer_scalar"):
            scalar.fill_(0.8)
    base.save_pretrained(tmp_path / "base")
    trained = random_adapter(base, tmp_path / "adapter", **NEWER[family][2])
    text = compare.Text([PROMPT, PROMPT[:5]], [(0, 4), (0, 11), (1, 3)])
    source = tensors.Source(tmp_path / "base", tmp_path / "adapter")
    found = compare.weight_states(source, None, text, "cpu")
    torch.testing.assert_close(found, compare.model_states(trained, text), rtol=1e-3, atol=1e-3)
