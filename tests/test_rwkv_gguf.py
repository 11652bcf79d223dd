"""RWKV-7 as a GGUF file: what llama.cpp's converter says of it, and what llama.cpp reads in it."""

from pathlib import Path

import gguf_samples
import pytest
import tiny_rwkv
from conftest import VOICES

from twinlib import settings
from twinlib.files import now
from twinlib.gguf import ollama, step, types, writer
from twinlib.gguf.tensors import Source
from twinlib.i18n import data
from twinlib.models import gguf_vocabulary, load
from twinlib.models.llama_cpp import Llama
from twinlib.progress import Progress
from twinlib.talk.voices import Voices
from twinlib.text import templates
from twinlib.train import persona
from twinlib.twin import Report

# What conversion/rwkv.py of llama.cpp writes besides what every model has.
METADATA = {
    "general.architecture": "rwkv7",
    "rwkv7.attention.decay_lora_rank": 32,
    "rwkv7.attention.gate_lora_rank": 32,
    "rwkv7.attention.head_count": 0,
    "rwkv7.attention.iclr_lora_rank": 32,
    "rwkv7.attention.layer_norm_epsilon": pytest.approx(1e-5),
    "rwkv7.attention.value_residual_mix_lora_rank": 32,
    "rwkv7.block_count": 2,
    "rwkv7.context_length": 1048576,
    "rwkv7.embedding_length": 128,
    "rwkv7.feed_forward_length": 256,
    "rwkv7.wkv.head_size": 64,
    "tokenizer.ggml.bos_token_id": 0,
    "tokenizer.ggml.eos_token_id": 0,
    "tokenizer.ggml.eot_token_id": 257,
    "tokenizer.ggml.model": "rwkv",
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tiny_rwkv.build(tmp_path_factory.mktemp("rwkv") / "tiny-rwkv", VOICES)


@pytest.fixture(scope="module")
def files(folder):
    """{type: path} of the model's files, and its tokenizer."""
    tokenizer = load.tokenizer(load.prepare(str(folder)))
    card = {
        "name": "Ning",
        "languages": ["zh", "en"],
        "template": tokenizer.chat_template,
        "sampling": templates.sampling(),
    }
    words = gguf_vocabulary.read(tokenizer, 768, load.end_tokens(tokenizer))
    paths = {kind: folder.parent / f"{kind}.gguf" for kind in ("F32", "F16", "Q4_K_M")}
    writer.write(folder, paths, words, card)
    return paths, tokenizer


def test_metadata_names_types_and_shapes_are_the_converters(files):
    import gguf

    reader = gguf.GGUFReader(files[0]["F16"])
    found = {name: field.contents() for name, field in reader.fields.items()}
    kept = ("rwkv7.", "tokenizer.ggml.", "general.architecture")
    extra = {name for name in found if name.startswith(kept)} - set(METADATA)
    assert {name: found[name] for name in METADATA} == METADATA
    assert extra == {
        *(f"tokenizer.ggml.{name}" for name in ("tokens", "token_type", "add_bos_token")),
        *(f"tokenizer.ggml.{name}" for name in ("add_eos_token", "add_space_prefix")),
    }
    tokens = found["tokenizer.ggml.tokens"]
    assert tokens[:2] + tokens[257:258] + tokens[-1:] == ["<s>", "\\x00", "\\n\\n", "[PAD767]"]
    tensors = {t.name: (t.tensor_type.name, t.shape.tolist()) for t in reader.tensors}
    layer = {n.removeprefix("blk.0."): v for n, v in tensors.items() if n.startswith("blk.0.")}
    assert layer["time_mix_lerp_fused.weight"] == ("F32", [128, 1, 1, 6])
    assert layer["time_mix_r_k.weight"] == ("F32", [128])
    assert layer["time_mix_w1.weight"] == ("F32", [128, 32])
    assert layer["time_mix_v2.weight"] == layer["time_mix_a2.weight"] == ("F16", [32, 128])
    assert layer["channel_mix_value.weight"] == ("F16", [256, 128])
    assert set(layer) == {n.removeprefix("blk.1.") for n in tensors if n.startswith("blk.1.")}
    assert len(layer) == 28 and len(tensors) == 2 * 28 + 6


def test_narrow_matrices_are_never_quantized(folder):
    source = Source(folder)
    kinds = {
        tensor.name: types.tensor_type(
            "Q4_K_M", tensor.name, tensor.shape, 2, False, source.family
        ).name
        for tensor in source.tensors
    }
    assert kinds["blk.0.time_mix_w1.weight"] == kinds["blk.0.time_mix_lerp_fused.weight"] == "F32"
    assert kinds["blk.1.time_mix_g2.weight"] == "F16"
    assert kinds["blk.1.channel_mix_value.weight"] == "Q4_K"


def test_a_modelfile_holds_the_blank_line_that_ends_an_answer(files):
    tokenizer = files[1]
    template = ollama.go_template(lambda messages: load.render(tokenizer, messages, generate=True))
    assert template
    params = ollama.parameters({}, 4096, ollama._stop_tokens(tokenizer))
    assert params["stop"] == ["<s>", "\n\n"]
    assert 'PARAMETER stop """\n\n"""' in ollama.modelfile("f.gguf", template, "S", params)


@pytest.mark.slow
def test_llama_cpp_reads_and_continues_as_torch_does(folder, files):
    import torch

    paths, tokenizer = files
    model, _ = load.load(load.prepare(str(folder)), precision="32-bit")
    texts = ["The rain came", "System: S\n\nUser: 你好。\n\nAssistant:", "今天天气不错。" * 20]
    messages = [
        {"role": "user", "content": "a\n\n\nb\r\n\r\n你好"},
        {"role": "assistant", "content": "嗯。\n\n好。 "},
        {"role": "user", "content": "<s> x"},
    ]
    for kind in ("F32", "F16"):
        with Llama(paths[kind], precise=True) as llama:
            for text in [*data("tokenizer_checks"), *gguf_samples.strings()]:
                if not text.endswith("\n\n"):  # see rwkv_world.py
                    assert llama.tokenize(text) == tokenizer(text)["input_ids"], text
            assert llama.prompt(messages) == load.render(tokenizer, messages, generate=True)
            assert llama.stop_text == "\n\n"
            for text in texts:
                ids = tokenizer(text)["input_ids"]
                expected = model.generate(
                    torch.tensor([ids]), max_new_tokens=40, do_sample=False, pad_token_id=1
                )[0, len(ids) :]
                assert llama.greedy(ids, 40) == expected.tolist()


def finish(twin, step, outcome):
    values = vars(outcome.settings)
    twin.finish(Report(step, values, now(), now(), {}, {}, outcome.inputs, outcome.figures, []))


@pytest.mark.slow
def test_from_writing_to_a_talk(sample_twin, folder):
    wanted = settings.make(
        "persona",
        base=str(folder),
        effort="smoke",
        steps=4,
        length=192,
        batch=1,
        accumulation=1,
        packing=True,
        checkpointing="full",
    )
    outcome = persona.run(sample_twin, wanted, Progress(sample_twin.history("persona"), "persona"))
    assert outcome.figures["end_of_turn_learnt"]["value"] == 1
    finish(sample_twin, "persona", outcome)
    asked = settings.make("quantize", types="Q8_0", decimals=0)
    outcome = step.run(sample_twin, asked, Progress(sample_twin.history("quantize"), "quantize"))
    figures = outcome.figures
    for kind in ("Q8_0",):
        assert figures[f"tokens_equal_{kind}"]["value"] == 1
        assert figures[f"llama_top1_{kind}"]["value"] > 0.9
    assert '"""\n\n"""' in Path(sample_twin.file("modelfile")).read_text(encoding="utf-8")
    finish(sample_twin, "quantize", outcome)
    said = []
    with Voices(sample_twin) as voices:
        asked = [{"role": "user", "content": "Who are you?"}]
        answer = voices.answer("file", asked, said.append, tokens=20)
    assert "".join(said).strip() == answer and "\n\n" not in answer
