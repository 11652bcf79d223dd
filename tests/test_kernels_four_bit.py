"""4-bit training, with bitsandbytes on the processor: it belongs to the set-up with a GPU, so CI
adds it for these."""

import pytest
import torch
from conftest import assert_learns_the_same, build_tiny_base

from twinlib.models import load
from twinlib.train import kernels, packing, trainer

pytest.importorskip("bitsandbytes")


def loaded(folder, family):
    """A tiny base in NF4 with a LoRA that is not zero, computing in float32."""
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM, BitsAndBytesConfig

    build_tiny_base(folder, family)
    torch.manual_seed(0)
    config = BitsAndBytesConfig(
        load_in_4bit=True,
        bnb_4bit_quant_type="nf4",
        bnb_4bit_use_double_quant=True,
        bnb_4bit_compute_dtype=torch.float32,
    )
    model = AutoModelForCausalLM.from_pretrained(
        folder,
        dtype=torch.float32,
        quantization_config=config,
        device_map={"": "cpu"},
        attn_implementation="sdpa",
    )
    model = get_peft_model(
        model, LoraConfig(r=4, lora_alpha=8, target_modules="all-linear", init_lora_weights=False)
    )
    kernels.patch_loss(model.get_base_model())
    packing.register()
    return model.train()


@pytest.mark.parametrize("family", ["qwen2", "gemma3"])
@pytest.mark.parametrize("compiled", [False, True])
def test_our_product_of_a_4_bit_weight_learns_what_the_libraries_learn(
    tmp_path, family, compiled, monkeypatch
):
    usual = torch.nn.Module.compile
    monkeypatch.setattr(
        torch.nn.Module, "compile", lambda self, **how: usual(self, backend="aot_eager", **how)
    )
    model = loaded(tmp_path, family)
    model.set_attn_implementation(packing.NAME)
    batch = packing.Packed(
        [(list(range(3, 40)), [1] * 37), (list(range(50, 70)), [1] * 20)], 64, 0, count=1
    )[0]
    assert_learns_the_same(
        model, batch, lambda: (kernels.patch_lora(model), trainer.prepare(model, compiled))
    )


def test_layers_with_4_bit_weights_share_one_piece_of_compiled_code(tmp_path):
    from torch._dynamo.testing import CompileCounterWithBackend

    model = loaded(tmp_path, "qwen2")
    kernels.patch_lora(model)
    counter = CompileCounterWithBackend("aot_eager")
    model.get_base_model().enable_input_require_grads()
    for layer in model.get_base_model().base_model.layers:
        layer.compile(backend=counter, fullgraph=True, dynamic=False)
    model(input_ids=torch.tensor([[5, 6, 7, 8]]), use_cache=False).logits.sum().backward()
    assert counter.frame_count == 1


def test_a_base_in_4_bit_keeps_its_own_types(tmp_path):
    """Norms, embeddings and head stay as loaded: raised to float32 they would double what flows
    between layers."""
    build_tiny_base(tmp_path)
    model, _ = load.load(
        load.prepare(str(tmp_path)), precision="4-bit", lora=load.Lora(4, checkpointing=True)
    )
    kinds = {
        p.dtype
        for name, p in model.named_parameters()
        if "lora" not in name and p.dtype != torch.uint8
    }
    assert torch.float32 not in kinds
