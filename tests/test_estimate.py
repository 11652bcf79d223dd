"""Shapes, memory and time of models."""

import pytest
from conftest import build_tiny_base

from twinlib.models import estimate


def test_a_larger_model_needs_more_memory_and_4_bit_less():
    def memory(base, precision="16-bit", checkpointing="none", tokens=2048):
        return estimate.memory(
            estimate.shape(base), estimate.Step(tokens, precision, 16, checkpointing, True, True)
        )

    assert memory("qwen2.5-1.5b") < memory("qwen2.5-7b")
    assert memory("qwen2.5-7b", "4-bit") < memory("qwen2.5-7b")
    assert (
        memory("qwen2.5-7b", "4-bit", "full")
        < memory("qwen2.5-7b", "4-bit", "selective")
        < memory("qwen2.5-7b", "4-bit")
        < memory("qwen2.5-7b", "4-bit", tokens=4096)
    )


@pytest.mark.parametrize(
    "base, billions",
    [
        ("qwen2.5-0.5b", 0.494),
        ("qwen2.5-1.5b", 1.54),
        ("qwen2.5-7b", 7.61),
        ("qwen2.5-14b", 14.7),
        ("qwen3-0.6b", 0.6),
        ("qwen3-8b", 8.2),
        ("llama-3.2-1b", 1.24),
        ("llama-3.2-3b", 3.21),
        ("gemma-3-270m", 0.268),
        ("gemma-3-1b", 1.0),
        ("smollm2-135m-instruct", 0.135),
    ],
)
def test_the_shapes_of_the_catalogue_have_the_published_sizes(base, billions):
    assert estimate.shape(base).parameters == pytest.approx(billions, rel=0.03)


@pytest.mark.parametrize("family", ["qwen2", "qwen3", "llama", "gemma3"])
def test_the_shape_of_a_folder_counts_its_parameters(tmp_path, family):
    from transformers import AutoModelForCausalLM

    found = estimate.shape(str(build_tiny_base(tmp_path, family)))
    count = sum(
        p.numel()
        for p in AutoModelForCausalLM.from_pretrained(tmp_path).parameters()
        if p.dim() > 1
    )
    assert found.parameters * 1e9 == count
    assert estimate.shape(str(tmp_path / "nothing")) is None
