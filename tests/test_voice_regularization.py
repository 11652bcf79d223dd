"""Practice holds the voice: what it adds to a step, and that a drifted model is drawn back."""

from dataclasses import replace

import pytest
import torch

from twinlib import settings
from twinlib.models import load
from twinlib.models.encode import Encoded
from twinlib.progress import Progress
from twinlib.train import voice_regularization
from twinlib.train.persona import Training


@pytest.fixture
def training(sample_twin, tiny_base, monkeypatch):
    monkeypatch.setattr(type(sample_twin), "state", lambda *_: type("State", (), {"name": "done"}))
    base = load.prepare(str(tiny_base))
    model, tokenizer = load.load(base, None, "32-bit", load.Lora(8))
    chosen = settings.make("reasoning", steps=4, batch=16, keep_voice=1.0, engine="transformers")
    progress = Progress(sample_twin.history("reasoning"), "reasoning")
    return Training(sample_twin, chosen, base, model, tokenizer, progress)


def drift(model, size):
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for name, weights in model.named_parameters():
            if ".lora_B." in name:
                weights += size * torch.randn(weights.shape, generator=generator)


def test_an_unchanged_model_has_not_drifted_and_learns_nothing(training):
    held = voice_regularization.Regularizer(training)
    assert held.of_a_step == 2 and len(held.rows) == 8
    assert held.learn(training.model, 0, torch.Tensor.backward) == pytest.approx(0, abs=1e-5)
    gradients = [p.grad for p in training.model.parameters() if p.grad is not None]
    assert max(float(g.abs().max()) for g in gradients) < 1e-4


def test_the_rows_are_held_from_the_whole_of_the_corpus(training, monkeypatch):
    monkeypatch.setattr(voice_regularization, "_ROWS", 256)
    monkeypatch.setattr(
        voice_regularization.special_tokens,
        "row",
        lambda _, record, *__: Encoded(record, [0, 1], False),
    )
    monkeypatch.setattr(type(training.twin), "records", lambda *_: list(range(500)))
    chosen = training._replace(settings=replace(training.settings, steps=500))
    rows = [row.input_ids for row in voice_regularization._rows(chosen, 2)]
    assert len(rows) == 256 and rows[0] == 0 and rows[-1] >= 498
    assert {after - before for before, after in zip(rows, rows[1:])} == {1, 2}


def test_a_drifted_model_is_drawn_back(training):
    held, model = voice_regularization.Regularizer(training), training.model
    held.of_a_step = len(held.rows)
    drift(model, 0.3)
    trained = [p for p in model.parameters() if p.requires_grad]
    optimizer = torch.optim.Adam(trained, lr=1e-2)
    drifts = []
    for step in range(60):
        optimizer.zero_grad()
        drifts.append(held.learn(model, step, torch.Tensor.backward))
        optimizer.step()
    assert drifts[0] > 0.005
    assert sum(drifts[-4:]) < 0.5 * sum(drifts[:4])


def test_the_divergence_is_the_exact_one_where_all_tokens_are_kept(training, monkeypatch):
    vocabulary = training.model.config.vocab_size
    monkeypatch.setattr(voice_regularization, "_LIKELIEST", vocabulary)
    held, model = voice_regularization.Regularizer(training), training.model
    row = held.rows[0]
    old = torch.full((len(row.at), vocabulary), 0.0).scatter(1, row.likeliest, row.logps)
    drift(model, 0.3)
    with torch.no_grad():
        logits = model(input_ids=torch.tensor([row.ids])).logits[0, row.at]
        found = voice_regularization._divergence(model, [row])
    exact = torch.nn.functional.kl_div(
        logits.log_softmax(-1), old, log_target=True, reduction="sum"
    )
    assert float(found) == pytest.approx(float(exact), rel=1e-3) and exact > 0.01


def test_a_resumed_run_takes_the_same_rows(training):
    one, other = (
        voice_regularization.Regularizer(training),
        voice_regularization.Regularizer(training),
    )
    taken = [[row.ids for row in held.of_step(3)] for held in (one, other)]
    assert taken[0] == taken[1]
    assert taken[0] != [row.ids for row in one.of_step(4)]


def short_of_memory(times):
    """A `backward` that runs out of memory so many times, and counts the other calls."""

    def backward(loss):
        backward.left -= 1
        if backward.left >= 0:
            raise torch.OutOfMemoryError("CUDA out of memory")
        backward.learnt += 1
        loss.backward()

    backward.left, backward.learnt = times, 0
    return backward


def test_where_memory_is_short_fewer_rows_are_computed_together(training):
    held = voice_regularization.Regularizer(training)
    drift(training.model, 0.3)
    whole, backward = held.learn(training.model, 0, torch.Tensor.backward), short_of_memory(1)
    assert held.learn(training.model, 0, backward) == pytest.approx(whole, rel=1e-3)
    assert backward.learnt == 2 and held.together == 1 and len(held.rows) == 8


def test_a_row_for_which_memory_is_short_is_left_out(training):
    held, backward = voice_regularization.Regularizer(training), short_of_memory(2)
    row = held.of_step(0)[0]
    held.learn(training.model, 0, backward)
    assert backward.learnt == 1 and all(other is not row for other in held.rows)


def test_rows_computed_together_are_those_computed_alone(training):
    held, model = voice_regularization.Regularizer(training), training.model
    drift(model, 0.3)
    with torch.no_grad():
        alone = sum(float(voice_regularization._divergence(model, [row])) for row in held.rows)
        together = float(voice_regularization._divergence(model, held.rows))
    assert together == pytest.approx(alone, rel=1e-3) and alone > 0.1


def test_without_weight_or_persona_there_is_nothing_to_hold(training, monkeypatch):
    chosen = settings.make("reasoning", steps=4, batch=16, keep_voice=0.0, engine="transformers")
    off = training._replace(settings=chosen)
    assert voice_regularization.Regularizer(off).rows == []
    state = type("State", (), {"name": "missing"})
    monkeypatch.setattr(type(training.twin), "state", lambda *_: state)
    assert voice_regularization.Regularizer(training).rows == []
