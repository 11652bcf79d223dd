"""Packed rows learn what they would learn alone: every token's loss, on real tiny models of each
family."""

import random

import pytest
import torch
from conftest import assert_learns_the_same, build_tiny_base

from twinlib.models import generate, load
from twinlib.train import kernels, packing, trainer

FAMILIES = ["qwen2", "qwen3", "llama", "gemma3"]  # gemma3's sliding window is 32 tokens


NEWER = ["qwen3.5", "gemma4", "ministral3", "phi4", "smollm3"]


def rows(*lengths, learnt=0.6):
    generator = torch.Generator().manual_seed(1)
    return [
        (
            torch.randint(3, 600, (n,), generator=generator).tolist(),
            [int(k >= n * (1 - learnt)) for k in range(n)],
        )
        for n in lengths
    ]


def base(folder, family="qwen2"):
    from transformers import AutoModelForCausalLM

    build_tiny_base(folder, family)
    model = AutoModelForCausalLM.from_pretrained(
        folder, dtype=torch.float32, attn_implementation="sdpa"
    ).eval()
    for weight in model.parameters():
        weight.data.mul_(3).requires_grad_(
            False
        )  # random weights attend almost evenly; larger ones make a leak visible
    return model


def losses(logits, labels):
    """The loss of each learnt token."""
    shifted = torch.nn.functional.cross_entropy(
        logits[0, :-1], labels[0, 1:], reduction="none", ignore_index=-100
    )
    return shifted[labels[0, 1:] != -100]


def labels_of(row):
    return torch.tensor([[token if learnt else -100 for token, learnt in zip(*row)]])


@pytest.mark.parametrize("family", FAMILIES + NEWER)
@pytest.mark.parametrize("left", [0, 1, 45])
def test_packing_changes_no_tokens_loss(tmp_path, family, left):
    model, some = base(tmp_path, family), rows(50, 7, 41, 2, 33)
    packing.register()
    batch = packing.pack(some, sum(len(ids) for ids, _ in some) + left, padding=0)
    with torch.no_grad():
        apart = torch.cat(
            [
                losses(model(input_ids=torch.tensor([ids])).logits, labels_of((ids, mask)))
                for ids, mask in some
            ]
        )
        model.set_attn_implementation(packing.NAME)
        packing.separate_rows(model)
        labels, learnt = batch.pop("labels"), batch.pop("learnt")
        assert learnt.tolist() == (labels[0, 1:] != -100).nonzero()[:, 0].tolist()
        together = losses(model(**batch, use_cache=False).logits, labels)
        batch.pop("cu_seq_lens_q")
        leaking = losses(model(**batch, use_cache=False).logits, labels)
    torch.testing.assert_close(together, apart, rtol=1e-4, atol=1e-4)
    assert (leaking - apart).abs().max() > 0.01


def test_positions_start_anew_and_no_row_predicts_the_next(tmp_path):
    batch = packing.pack([([5, 6, 7], [1, 1, 1]), ([8, 9], [1, 1])], 8, padding=0)
    assert batch["input_ids"].tolist() == [[5, 6, 7, 8, 9, 0, 0, 0]]
    assert batch["position_ids"].tolist() == [[0, 1, 2, 0, 1, 0, 1, 2]]
    assert batch["labels"].tolist() == [[-100, 6, 7, -100, 9, -100, -100, -100]]
    assert batch["cu_seq_lens_q"].tolist() == [0, 3, 5, 8] and batch["max_length_q"] == 3


@pytest.mark.parametrize("seed", range(20))
def test_a_pass_takes_every_row_once_and_fills_the_room(seed):
    rng = random.Random(seed)
    lengths = [rng.randint(1, 256) for _ in range(rng.randint(1, 400))]
    parts = packing.epoch(lengths, 1024, seed)
    assert sorted(i for part in parts for i in part) == list(range(len(lengths)))
    assert all(sum(lengths[i] for i in part) <= 1024 for part in parts)
    if sum(lengths) > 20_000:
        assert sum(lengths) / (1024 * len(parts)) > 0.9


def test_a_run_goes_over_the_rows_again_in_another_order():
    some = rows(*[10] * 30)
    packed = packing.Packed(some, 40, 0, count=16)
    seen = [i for part in packed.parts for i in part]
    assert len(packed) == 16 and sorted(seen[:30]) == list(range(30)) and seen[:30] != seen[30:60]
    assert (
        packed.parts == packing.Packed(some, 40, 0, count=16).parts
    )  # a resumed run sees the same
    assert packed.parts != packing.Packed(some, 40, 0, count=16, seed=2).parts


def test_without_packing_a_sequence_holds_so_many_rows():
    packed = packing.Packed(rows(*[10] * 7), 1000, 0, count=4, rows_each=2)
    assert [len(part) for part in packed.parts] == [2, 2, 2, 1]
    assert packed[0]["input_ids"].shape == (1, 20)  # no padding


def test_fixed_sequences_have_one_shape_and_the_same_loss(tmp_path):
    model, some = base(tmp_path), rows(50, 7, 41, 2, 33, 60)
    packing.register()
    kernels.patch_loss(model)
    model.set_attn_implementation(packing.NAME)
    fixed, free = (packing.Packed(some, 64, 0, count=5, fixed=f) for f in (True, False))
    shapes = {
        tuple((k, getattr(v, "shape", v)) for k, v in fixed[i].items() if k != "learnt")
        for i in range(5)
    }
    assert len(shapes) == 1
    with torch.no_grad():
        for i in range(5):
            torch.testing.assert_close(model(**fixed[i])["loss"], model(**free[i])["loss"])


@pytest.mark.parametrize("family", NEWER)
def test_ten_steps_learn_the_same_packed_and_not(tmp_path, family):
    from peft import LoraConfig, get_peft_model

    some, losses = rows(30, 9, 21), {}
    for way in ("packed", "row by row"):
        torch.manual_seed(0)
        model = base(tmp_path, family)
        for weight in model.parameters():
            weight.data.div_(3)  # large weights make steps chaotic
        model = get_peft_model(model, LoraConfig(r=4, target_modules="all-linear"))
        trainer.prepare(model)
        model.set_attn_implementation(packing.NAME if way == "packed" else "sdpa")
        trained = [p for p in model.parameters() if p.requires_grad]
        # A rate at which rounding does not grow from step to step, on any processor, and a large
        # eps, by which gradients that are almost 0 don't choose a direction by their rounding.
        optimizer = torch.optim.AdamW(trained, lr=3e-3, eps=1e-3)
        learnt = sum(sum(mask[1:]) for _, mask in some)
        losses[way] = []
        for _ in range(10):
            if way == "packed":
                steps = [packing.pack(some, 70, padding=0)]
            else:
                steps = [
                    {"input_ids": torch.tensor([ids]), "labels": labels_of((ids, mask))}
                    for ids, mask in some
                ]
            total = 0.0
            for inputs in steps:
                loss = model(**inputs, num_items_in_batch=learnt)["loss"]
                loss.backward()
                total += float(loss.detach())
            optimizer.step()
            optimizer.zero_grad()
            losses[way].append(total)
    assert losses["packed"] == pytest.approx(losses["row by row"], rel=2e-3)
    assert losses["packed"][-1] < losses["packed"][0] - 0.05


def test_capped_logits_have_the_loss_and_the_gradient_of_torch():
    torch.manual_seed(0)
    hidden, weight = torch.randn(30, 16, requires_grad=True), torch.randn(50, 16)
    labels = torch.randint(0, 50, (30,))
    logits = 5 * torch.tanh(hidden @ weight.t() / 5)
    assert logits.abs().max() > 4.5  # some near the cap
    wanted = torch.nn.functional.cross_entropy(logits, labels, reduction="sum")
    [gradient] = torch.autograd.grad(wanted, hidden)
    for compiled in (False, True):
        step = kernels._loss_fused if compiled else kernels._loss_in_place
        found = kernels._HeadLoss.apply(hidden, weight, labels, 8, step, 5.0)
        torch.testing.assert_close(found, wanted)
        torch.testing.assert_close(torch.autograd.grad(found, hidden)[0], gradient)


@pytest.mark.slow
@pytest.mark.parametrize("family", [*FAMILIES, "qwen3.5", "gemma4"])
@pytest.mark.parametrize("compiled", [False, True])
def test_our_product_learns_what_peft_learns(tmp_path, family, compiled, monkeypatch):
    from peft import LoraConfig, get_peft_model

    model = base(tmp_path, family)
    # Traced and differentiated as on a GPU, but run by torch itself: machine code takes half a
    # minute and a compiler.
    usual = torch.nn.Module.compile
    monkeypatch.setattr(
        torch.nn.Module, "compile", lambda self, **how: usual(self, backend="aot_eager", **how)
    )
    torch.manual_seed(0)
    model = get_peft_model(
        model, LoraConfig(r=4, lora_alpha=8, target_modules="all-linear", init_lora_weights=False)
    )
    if family == "gemma4":  # its gradients are so large that rounding alone differs by more
        model.double()
    # What lets recurrent layers start anew with each row belongs to what is put in.
    lengths = [94] if family == "qwen3.5" else [30, 20, 44]
    batch = packing.Packed(rows(*lengths), 100, 0, count=1, fixed=True)[0]
    kernels.patch_loss(model.get_base_model())
    packing.register()
    model.train()
    model.set_attn_implementation(packing.NAME)
    assert_learns_the_same(
        model, batch, lambda: (kernels.patch_lora(model), trainer.prepare(model, compiled))
    )
    with torch.no_grad(), model.disable_adapter(), trainer.answering(model):
        without = model(input_ids=torch.tensor([[5, 6, 7]])).logits
    assert not torch.allclose(without, model(input_ids=torch.tensor([[5, 6, 7]])).logits)


def test_layers_share_one_unbroken_piece_of_compiled_code(tmp_path):
    from peft import LoraConfig, get_peft_model
    from torch._dynamo.testing import CompileCounterWithBackend

    model = get_peft_model(base(tmp_path), LoraConfig(r=4, target_modules="all-linear"))
    kernels.patch_lora(model)
    counter = CompileCounterWithBackend("aot_eager")
    model.get_base_model().enable_input_require_grads()
    for layer in model.get_base_model().base_model.layers:
        layer.compile(backend=counter, fullgraph=True, dynamic=False)
    model.train()
    model(input_ids=torch.tensor([[5, 6, 7, 8]]), use_cache=False).logits.sum().backward()
    assert counter.frame_count == 1


def test_a_product_in_half_precision_adds_in_the_kernel():
    torch.manual_seed(0)
    onto, left, right = (
        torch.randn(shape, dtype=torch.bfloat16) for shape in ((5, 7), (5, 3), (3, 7))
    )
    wanted = onto + left @ right
    kernels.add_product(onto, left, right)
    torch.testing.assert_close(onto, wanted, atol=0.05, rtol=0.05)


def test_checkpointing_changes_no_gradient(tmp_path):
    from peft import LoraConfig, get_peft_model

    torch.manual_seed(0)
    model = get_peft_model(
        base(tmp_path), LoraConfig(r=4, target_modules="all-linear", init_lora_weights=False)
    )
    trainer.prepare(model)
    model.train()
    model.set_attn_implementation(packing.NAME)
    batch = packing.Packed(rows(30, 20, 44), 100, 0, count=1)[0]
    assert_learns_the_same(
        model,
        batch,
        lambda: model.gradient_checkpointing_enable(
            gradient_checkpointing_kwargs={"use_reentrant": False}
        ),
    )


def test_a_model_in_training_answers_and_goes_on_as_before(tiny_base):
    loaded = load.prepare(str(tiny_base))
    model, tokenizer = load.load(loaded, precision="32-bit", lora=load.Lora(4))
    trainer.prepare(model)
    model.train()
    with trainer.attention(model, packing.NAME):
        with trainer.answering(model) as answering:
            [answer] = generate.answers(
                answering, tokenizer, [[{"role": "user", "content": "茶?"}]], 8, seed=3
            )
        assert model.training and model.config._attn_implementation == packing.NAME
    [alone] = generate.answers(
        model.eval(), tokenizer, [[{"role": "user", "content": "茶?"}]], 8, seed=3
    )
    assert answer == alone
