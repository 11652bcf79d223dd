"""The lean loss equals the plain one, in value and gradient, on real tiny models."""

import pytest
import torch
from conftest import build_tiny_base

from twinlib.train import kernels


@pytest.mark.parametrize("rows", [1, 5, 8])
@pytest.mark.parametrize("compiled", [False, True])
def test_the_loss_and_its_gradient_are_those_of_cross_entropy(rows, compiled, monkeypatch):
    # Runs what is compiled without a compiler.
    monkeypatch.setattr(torch, "compile", lambda step, **_: step)
    kernels.compiled_loss.cache_clear()
    torch.manual_seed(0)
    hidden, weight = (
        torch.randn(rows, 6, dtype=torch.float64),
        torch.randn(11, 6, dtype=torch.float64),
    )
    labels = torch.randint(0, 11, (rows,))
    lean, plain = hidden.clone().requires_grad_(), hidden.clone().requires_grad_()
    kernels.head_loss(lean, weight, labels, 3, compiled).mul(2).backward()
    torch.nn.functional.cross_entropy(plain @ weight.t(), labels, reduction="sum").mul(2).backward()
    torch.testing.assert_close(lean.grad, plain.grad, atol=1e-6, rtol=1e-5)
    kernels.compiled_loss.cache_clear()


@pytest.mark.parametrize("family", ["qwen2", "qwen3", "llama", "gemma3"])
def test_a_patched_model_trains_as_before(tmp_path, family):
    """Same loss and same adapter gradients as transformers' own loss over masked labels, padding
    included."""
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    build_tiny_base(tmp_path, family)
    ids = torch.randint(3, 600, (2, 12), generator=torch.Generator().manual_seed(0))
    labels, mask = ids.clone(), torch.ones_like(ids)
    labels[:, :5] = -100
    labels[1, 9:], mask[1, 9:] = -100, 0
    found = []
    for lean in (False, True):
        torch.manual_seed(0)
        model = get_peft_model(
            AutoModelForCausalLM.from_pretrained(tmp_path, dtype=torch.float32),
            LoraConfig(r=4, target_modules="all-linear", init_lora_weights=False),
        )
        if lean:
            assert kernels.loss_fits(model.get_base_model())
            kernels.patch_loss(model.get_base_model())
        value = model(input_ids=ids, attention_mask=mask, labels=labels)["loss"]
        value.backward()
        found.append((value.detach(), [p.grad for p in model.parameters() if p.requires_grad]))
    torch.testing.assert_close(found[1][0], found[0][0], atol=1e-5, rtol=1e-5)
    for one, other in zip(found[0][1], found[1][1]):
        torch.testing.assert_close(other, one, atol=1e-5, rtol=1e-3)
    assert model(input_ids=ids).logits.shape == (2, 12, 600)  # without labels it answers as before


def test_a_scaled_head_keeps_the_plain_loss(tmp_path):
    from transformers import AutoModelForCausalLM

    model = AutoModelForCausalLM.from_pretrained(build_tiny_base(tmp_path, "gemma3"))
    for weight in model.parameters():
        weight.requires_grad_(False)
    assert kernels.loss_fits(model)
    model.config.logit_scale = 0.5
    assert not kernels.loss_fits(model)
