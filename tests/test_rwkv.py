"""RWKV-7: the chunked state is the recurrent one, rows don't see each other, and its format."""

import json
import shutil

import pytest
import tiny_rwkv
from conftest import VOICES

from twinlib import settings
from twinlib.models import estimate, exportable, generate, load, special_tokens
from twinlib.models.plan import derive
from twinlib.train import persona, reasoning


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tiny_rwkv.build(tmp_path_factory.mktemp("rwkv") / "tiny-rwkv", VOICES)


@pytest.fixture(scope="module")
def loaded(folder):
    return load.load(load.prepare(str(folder)), precision="32-bit")


# The state


def state_inputs(tokens, rows=2, heads=2, width=64, repeated=False):
    import torch

    torch.manual_seed(tokens)
    shape = rows, tokens, heads, width
    r, k, v, removed = (torch.randn(shape) for _ in range(4))
    if repeated:  # the hardest: each token removes and writes the same key
        removed = removed[:, :1].expand(shape).clone()
    removed = torch.nn.functional.normalize(removed, dim=-1)
    rate = torch.ones(shape) if repeated else torch.rand(shape)
    decay = -0.6065 * torch.sigmoid(4 * torch.randn(shape))
    state = torch.randn(rows, heads, width, width)
    return [r, decay, k, v, -removed, removed * rate, state]


def results_and_gradients(function, inputs):
    import torch

    inputs = [x.clone().requires_grad_() for x in inputs]
    out, state = function(*inputs)
    torch.manual_seed(0)
    (out * torch.randn(out.shape)).sum().add((state * torch.randn(state.shape)).sum()).backward()
    return [out.detach(), state.detach(), *(x.grad for x in inputs)]


@pytest.mark.parametrize("tokens, repeated", [(1, False), (32, False), (75, False), (96, True)])
def test_chunks_give_what_the_recurrence_gives(tokens, repeated):
    from twinlib.models import rwkv7

    inputs = state_inputs(tokens, repeated=repeated)
    expected = results_and_gradients(rwkv7.recurrent, inputs)
    for found, value in zip(results_and_gradients(rwkv7.chunked, inputs), expected):
        assert float((found - value).abs().max() / value.abs().max()) < 1e-4


def test_a_packed_row_starts_with_an_empty_state():
    import torch

    from twinlib.models import rwkv7

    inputs = state_inputs(70, rows=1)
    out, last = rwkv7.chunked(*inputs, starts=(0, 5, 40))
    for start, end in ((0, 5), (5, 40), (40, 70)):
        row = [x[:, start:end] for x in inputs[:-1]]
        expected, state = rwkv7.recurrent(*row, torch.zeros_like(inputs[-1]))
        torch.testing.assert_close(out[:, start:end], expected, atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(last, state, atol=1e-4, rtol=1e-4)


# The model


def test_it_loads_without_the_code_in_its_folder(folder, loaded):
    from twinlib.models.rwkv7 import Rwkv7ForCausalLM

    assert "modeling_rwkv7.py" in {path.name for path in folder.iterdir()}
    assert isinstance(loaded[0], Rwkv7ForCausalLM)


def test_an_older_checkpoint_with_its_mixtures_in_one_tensor_is_the_same(tmp_path, folder, loaded):
    import torch
    from safetensors.torch import load_file, save_file

    from twinlib.gguf.tensors import Source

    older = tmp_path / "older"
    shutil.copytree(folder, older)
    weights = load_file(older / "model.safetensors")
    for i in range(2):
        each = [weights.pop(f"model.layers.{i}.attn.x_{letter}") for letter in "rwkvag"]
        weights[f"model.layers.{i}.attn.x_x"] = torch.cat(each).flatten(1)
    save_file(weights, older / "model.safetensors", {"format": "pt"})
    assert exportable.problem(str(older)) == ""
    model, _ = load.load(load.prepare(str(older)), precision="32-bit")
    ids = torch.arange(2, 30)[None]
    with torch.no_grad():
        assert torch.equal(model(ids).logits, loaded[0](ids).logits)
    sources = Source(folder), Source(older)
    assert sources[0].tensors == sources[1].tensors
    for tensor in sources[0].tensors:
        one, other = (source.original(tensor) for source in sources)
        assert torch.equal(one, other) and one.shape == tensor.shape


def test_a_conversation_goes_on_from_its_state_whose_size_stays(loaded):
    import torch

    model, ids = loaded[0], torch.randint(2, 600, (2, 45))
    with torch.no_grad():
        whole = model(ids).logits
        out = model(ids[:, :40], use_cache=True)
        state, logits = out.past_key_values, [out.logits]
        size = state.numbers
        for i in range(40, 45):
            logits.append(model(ids[:, i : i + 1], past_key_values=state, use_cache=True).logits)
    torch.testing.assert_close(torch.cat(logits, 1), whole, atol=1e-4, rtol=1e-4)
    assert size == state.numbers == 2 * (2 * 128 + 128 * 64)


def test_packed_rows_are_those_alone_in_loss_and_gradients(folder):
    import torch

    from twinlib.train import packing, trainer

    model, tokenizer = load.load(load.prepare(str(folder)), precision="32-bit", lora=load.Lora(4))
    with torch.no_grad():
        for name, weights in model.named_parameters():
            if "lora_B" in name:
                weights.normal_(std=0.1)
    trainer.prepare(model)
    rows = [(torch.randint(2, 600, (n,)).tolist(), [0] * 3 + [1] * (n - 3)) for n in (9, 40, 33)]
    together, alone = ([rows], [[row] for row in rows])
    found = []
    for packs in (together, alone):
        model.zero_grad()
        losses = [
            model(**packing.pack(pack, 90 if len(pack) > 1 else 40, 1), num_items_in_batch=1)
            for pack in packs
        ]
        total = sum(loss["loss"] for loss in losses)
        total.backward()
        found.append([total.detach(), *(p.grad for p in model.parameters() if p.requires_grad)])
    targets = {n.split(".")[-4] for n, p in model.named_parameters() if p.requires_grad}
    assert targets == {"r_proj", "k_proj", "v_proj", "o_proj", "key", "value"}
    for one, other in zip(*found):
        torch.testing.assert_close(one, other, atol=1e-4, rtol=1e-4)


# Format


def test_a_blank_line_ends_a_turn_and_is_in_none(loaded):
    tokenizer = loaded[1]
    messages = [
        {"role": "system", "content": "S"},
        {"role": "user", "content": "a\n\n\nb\r\n\r\nc"},
        {"role": "assistant", "content": "第一段。\n\n第二段。"},
    ]
    text = "System: S\n\nUser: a\nb\nc\n\nAssistant: 第一段。\n第二段。\n\n"
    assert load.render(tokenizer, messages) == text
    assert load.render(tokenizer, messages[:2], generate=True) == text[: text.index(" 第")]
    end_text, end = load.turn_end(tokenizer)
    row = special_tokens.row(tokenizer, {"kind": "qa", "messages": messages}, end)
    learnt = [i for i, m in zip(row.input_ids, row.completion_mask) if m]
    assert (end_text, end) == ("\\n\\n", 257)
    assert tokenizer.decode(learnt) == " 第一段。\n第二段。\n\n" and learnt.count(end) == 1
    assert learnt[-1] == end and end in load.end_tokens(tokenizer) and end != tokenizer.pad_token_id


def test_a_text_is_cut_into_the_longest_tokens(loaded):
    tokenizer = loaded[1]
    for text in ("好的。\n\n User’s naïve 🙂", "a\tb\n\n\nc", ""):
        ids = tokenizer(text)["input_ids"]
        assert tokenizer.decode(ids) == text
    assert tokenizer.convert_ids_to_tokens(tokenizer("。\n\nUser")["input_ids"])[1:] == [
        "\n",
        "User",
    ]
    assert tokenizer("<s>")["input_ids"] == [0]
    assert 0 not in special_tokens.plain(tokenizer, "<s>")


def test_the_text_that_ends_a_turn_ends_an_answer_too(loaded):
    tokenizer = loaded[1]
    tokens = tokenizer("9。\n\nUser: x")["input_ids"]
    assert 257 not in tokens
    stop = load.stop_text(tokenizer.chat_template)
    assert generate.as_answer(tokenizer, tokens, [257], stop)[:2] == ("9。", True)


def test_answers_in_a_batch_are_those_alone(loaded):
    asked = [[{"role": "user", "content": text}] for text in ("Who?", "今天天气怎么样？" * 4)]
    together = generate.answers(*loaded, asked, 12, temperature=0.0, batch=2)
    assert together == [generate.answers(*loaded, [each], 12, temperature=0.0)[0] for each in asked]


# What can't be done is said first


@pytest.mark.parametrize(
    "file, change, reason",
    [
        ("config.json", {"norm_eps": 1e-6}, "head_dim, norm_eps"),
        ("config.json", {"attn": {"layers": [1], "num_heads": 2}}, "attn"),
        ("config.json", {"num_hidden_layers": 3}, "model.layers.2"),
        (tiny_rwkv.VOCABULARY, None, "World vocabulary"),
    ],
)
def test_another_rwkv_is_refused_before_training(tmp_path, folder, file, change, reason):
    copy = shutil.copytree(folder, tmp_path / "copy")
    if change is None:
        (copy / file).unlink()
    else:
        fields = json.loads((copy / file).read_text(encoding="utf-8"))
        (copy / file).write_text(json.dumps({**fields, **change}), encoding="utf-8")
    assert exportable.problem(str(folder)) == ""
    assert reason in exportable.problem(str(copy))


def test_what_rwkv_lacks_is_a_stop_and_the_plan_does_without(twin, folder):
    wanted = settings.make("persona", base=str(folder), compile=True, precision="4-bit")
    stops = [issue.text for issue in persona.problems(wanted, twin) if issue.level == "stop"]
    assert sum("RWKV can't be trained" in text for text in stops) == 2
    gpu = {"gpu": "NVIDIA A100", "gpu_gb": 40.0, "gpu_capability": 8.0, "gpus": 1, "cores": 8}
    gpu |= {"memory_gb": 64.0, "bf16": True, "compiles": True, "unsloth": True, "mps": False}
    planned = derive("persona", settings.make("persona", base=str(folder)), gpu, {}).values
    assert (planned["compile"], planned["engine"]) == (False, "transformers")
    assert estimate.shape(str(folder)).hidden == 128
    twin.remember(base={"name": str(folder), "revision": "1"})
    stops = [i.text for i in reasoning.problems(settings.make("reasoning"), twin)]
    assert any("Practice isn't built for RWKV" in text for text in stops)
