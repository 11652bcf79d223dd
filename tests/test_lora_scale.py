"""How much of a trained adapter is kept."""

import pytest
import torch
from safetensors.torch import load_file
from test_persona import train, wanted

from twinlib.train import persona


@pytest.mark.slow
def test_a_lower_scale_keeps_less_of_the_same_adapter(sample_twin, tiny_base):
    def weights(scale):
        outcome = train(sample_twin, tiny_base, lora_scale=scale)
        assert outcome.settings.lora_scale == scale
        return load_file(sample_twin.adapter("persona") / "adapter_model.safetensors")

    whole, half = weights(1.0), weights(0.5)
    assert any(".lora_B." in name for name in whole)
    for name, value in half.items():
        factor = 0.5 if ".lora_B." in name else 1
        torch.testing.assert_close(value, factor * whole[name])


def test_small_instruct_models_keep_less_than_all(sample_twin, tiny_base):
    assert persona.plan(wanted(tiny_base), sample_twin).values["lora_scale"] == 0.7
    typed = persona.plan(wanted(tiny_base, lora_scale=0.9), sample_twin)
    assert typed.values["lora_scale"] == 0.7  # what 'auto' would be stands beside what was typed


@pytest.mark.parametrize(
    "base, scale",
    [("qwen2.5-1.5b", 0.7), ("qwen3-4b", 1.0), ("gemma-3-270m", 1.0), ("qwen3-14b", 1.0)],
)
def test_large_and_base_models_keep_what_was_not_measured_otherwise(sample_twin, base, scale):
    assert persona.plan(wanted(base), sample_twin).values["lora_scale"] == scale
