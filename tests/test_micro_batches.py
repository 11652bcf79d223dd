"""A batch that doesn't fit the memory: it is taken in parts, and the step learns the same."""

from dataclasses import replace
from functools import partial

import pytest
from test_persona import train, wanted

from twinlib import TwinError, settings
from twinlib.models import load
from twinlib.progress import Progress
from twinlib.train import packing, reasoning, trainer

ROWS = [([5 + k % 50] * (3 + k), [0] + [1] * (2 + k)) for k in range(12)]


def test_a_sequence_is_cut_between_rows_and_nothing_learnt_is_lost():
    for fixed in (False, True):
        data = packing.Packed(ROWS, 64, 0, count=2, fixed=fixed)
        item = data[0]
        parts = data.cut(item, 20)
        assert len(parts) > 2
        assert sum(int((p["labels"] != -100).sum()) for p in parts) == len(item["learnt"])
        assert all(p["input_ids"].shape[1] <= 20 for p in parts)
        assert len({p["input_ids"].shape[1] for p in parts}) == 1 or not fixed
        longest = int(item["cu_seq_lens_q"].diff().max())
        for part in data.cut(item, 1):  # no row is cut
            assert part["input_ids"].shape[1] <= max(longest, data.longest or 0)


def weights_after(base, folder, most, steps=3):
    """The LoRA weights after transformers' own steps, or after ours in parts of `most` tokens."""
    import torch
    from transformers import Trainer

    chosen = replace(
        wanted(base, batch=4, accumulation=2, steps=steps, learning_rate=1e-2),
        rank=8,
        packing=True,
        checkpointing="none",
        compile=False,
        precision="32-bit",
        length=16,
    )
    model, tokenizer = load.load(load.prepare(str(base)), None, "32-bit", load.Lora(8))
    rows = {"train": [row for row in ROWS if len(row[0]) <= 16] * 3, "val": ROWS[:3]}
    ours = trainer.packed_trainer(model, tokenizer, rows, chosen, folder, steps)
    ours.most = most
    if most is None:
        for name in ("training_step", "_prepare_inputs"):
            setattr(ours, name, partial(getattr(Trainer, name), ours))
    ours.train()
    found = {n: w.detach().clone() for n, w in model.named_parameters() if "lora_" in n}
    assert all(torch.isfinite(w).all() for w in found.values())
    return found, ours.parts


@pytest.mark.slow
def test_parts_teach_what_the_whole_batch_teaches(tiny_base, tmp_path):
    import torch

    whole, one = weights_after(tiny_base, tmp_path / "a", None)
    parts, several = weights_after(tiny_base, tmp_path / "b", 24)
    assert one == 1 and several > 1
    for name, weight in whole.items():
        torch.testing.assert_close(parts[name], weight, atol=2e-4, rtol=1e-2)


@pytest.fixture
def small_memory(monkeypatch):
    """A function that lets models ask for more than any machine has to learn from many tokens.

    The error is then the allocator's own.
    """
    import torch

    loaded = load.load

    def limit(tokens):
        def too_many(layer, inputs):
            if torch.is_grad_enabled() and inputs[0].shape[:2].numel() > tokens:
                torch.empty(2**48, dtype=torch.uint8)

        def with_limit(*arguments, **options):
            model, tokenizer = loaded(*arguments, **options)
            model.get_base_model().model.layers[1].register_forward_pre_hook(too_many)
            return model, tokenizer

        monkeypatch.setattr(load, "load", with_limit)

    return limit


@pytest.mark.slow
def test_a_step_whose_memory_runs_out_goes_on_in_parts(sample_twin, tiny_base, small_memory):
    """In both steps, also when the halves are too large; what is learnt stays the same."""
    changes = {"batch": 8, "steps": 2, "learning_rate": 1e-2}
    whole = train(sample_twin, tiny_base, **changes)
    small_memory(450)
    parts = train(sample_twin, tiny_base, **changes)
    assert any("The memory ran out at step 1" in text for text in parts.warnings)
    assert not any("The memory" in text for text in whole.warnings)
    losses = [outcome.figures["val_loss"]["value"] for outcome in (whole, parts)]
    assert losses[0] == pytest.approx(losses[1], rel=2e-3)
    small_memory(300)
    chosen = settings.make(
        "reasoning",
        effort="smoke",
        steps=2,
        generations=4,
        batch=8,
        completion_tokens=8,
        held_out=8,
    )
    sample_twin.remember(base={"name": str(tiny_base), "revision": ""})
    history = Progress(sample_twin.history("reasoning"), "reasoning")
    practised = reasoning.run(sample_twin, chosen, history)
    assert practised.figures["steps"]["value"] == 2
    assert any("The memory ran out at step 1" in text for text in practised.warnings)
    small_memory(10)
    with pytest.raises(TwinError, match="even with one row at a time. Choose a smaller base"):
        train(sample_twin, tiny_base, **changes)
