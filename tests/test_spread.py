"""One model over several processes: the same losses and gradients as in one, and no lone waiting.

The processes share the weights by torch's own FSDP on the CPU. accelerate, which asks for it in a
training, takes it for GPUs only: the whole of it is measured by benchmarks/several_gpus.py.
"""

import json
import os
import subprocess
import sys
from dataclasses import replace

import pytest
import spread
import torch
from conftest import ROOT

from twinlib import settings
from twinlib.models import estimate, load, plan
from twinlib.settings import stops
from twinlib.train import persona, processes

SHARED = {"ACCELERATE_USE_FSDP": "true", "FSDP_VERSION": "2"}
T4S = {"gpu": "Tesla T4", "gpu_gb": 15.0, "gpu_capability": 7.5, "gpus": 2, "mps": False}


@pytest.mark.slow
def test_two_processes_learn_what_one_learns(tiny_base, tmp_path):
    out = tmp_path / "found.json"
    launcher = [sys.executable, "-m", "torch.distributed.run", "--nproc_per_node", "2"]
    command = [*launcher, "--master_port", "29611", str(ROOT / "tests" / "spread.py")]
    environment = {**os.environ, **SHARED, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [*command, str(tiny_base), str(out)],
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    found = json.loads(out.read_text())
    model = spread.prepared(str(tiny_base))
    losses = [model(**spread.batch(rank))["loss"] for rank in range(2)]
    assert found["losses"] == pytest.approx([float(loss) for loss in losses], rel=1e-4)
    (sum(losses) / 2).backward()
    expected = spread.gradients(model)
    assert found["gradients"].keys() == expected.keys()
    largest = max(float(g.abs().max()) for g in expected.values())
    for name, gradient in expected.items():
        difference = (torch.tensor(found["gradients"][name]) - gradient).abs().max()
        assert difference < 1e-3 * largest
    trained = {name: p for name, p in model.named_parameters() if p.requires_grad}
    assert found["weights"].keys() == trained.keys()
    for name, weights in trained.items():
        assert torch.equal(torch.tensor(found["weights"][name]), weights.detach())
    # A gradient that is no number in one process's part is left out in both.
    assert found["left_out_in"] == 2


def test_a_model_in_one_process_is_saved_as_it_is(tiny_base, monkeypatch):
    model, _ = load.load(load.prepare(str(tiny_base)), None, "32-bit", load.Lora(4))
    assert load.gathered(model) is None


def test_processes_share_the_weights_only_where_accelerate_says_so(monkeypatch):
    monkeypatch.setenv("WORLD_SIZE", "4")
    assert estimate.shards() == 1 and not processes.wrong_sharding()
    for name, value in SHARED.items():
        monkeypatch.setenv(name, value)
    assert estimate.shards() == 4 and not processes.wrong_sharding()
    monkeypatch.setenv("FSDP_VERSION", "1")
    assert processes.wrong_sharding()
    monkeypatch.delenv("ACCELERATE_USE_FSDP")
    monkeypatch.setenv("ACCELERATE_USE_DEEPSPEED", "true")
    assert processes.wrong_sharding()


def test_weights_that_are_shared_take_a_part_of_the_memory():
    shape = estimate.shape("qwen2.5-14b")
    alone = estimate.Step(2048, "16-bit", 16, "full", False, True)
    two, four = (estimate.memory(shape, replace_shards(alone, n)) / 2**30 for n in (2, 4))
    assert estimate.memory(shape, alone) / 2**30 > 29
    # Measured on two H200: 18.8 GiB (benchmarks/README.md).
    assert 17 < two < 24 and four < two - 5


def replace_shards(step, shards):
    return step._replace(shards=shards)


def test_a_base_that_one_card_can_not_hold_is_planned_in_16_bit_over_two(tmp_path):
    card = {**plan.machine(), **T4S, "gpu_gb": 24.0, "gpu_capability": 9.0, "bf16": True}
    chosen = settings.make("persona", base="qwen2.5-14b", effort="standard")
    facts = {"rows": 900, "tokens": 200_000}
    alone = plan.derive("persona", chosen, {**card, "shards": 1}, facts)
    over_two = plan.derive("persona", chosen, {**card, "shards": 2}, facts)
    assert alone.values["precision"] == "4-bit"
    assert over_two.values["precision"] == "16-bit" and plan.fits(over_two, card)


def test_a_wrong_way_to_share_the_weights_is_a_stop(sample_twin, tiny_base, monkeypatch):
    chosen = settings.make("persona", base=str(tiny_base))
    monkeypatch.setenv("ACCELERATE_USE_DEEPSPEED", "true")
    texts = [problem.text for problem in stops(persona.problems(chosen, sample_twin))]
    assert any("--use_fsdp --fsdp_version 2" in text for text in texts)
    monkeypatch.delenv("ACCELERATE_USE_DEEPSPEED")
    for name, value in {**SHARED, "WORLD_SIZE": "2"}.items():
        monkeypatch.setenv(name, value)
    chosen = replace(chosen, precision="4-bit")
    texts = [problem.text for problem in stops(persona.problems(chosen, sample_twin))]
    assert any("16-bit" in text for text in texts)
