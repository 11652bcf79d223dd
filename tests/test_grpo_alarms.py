"""GRPO stops with a sentence when it would learn from another model's answers, or learn nothing."""

import contextlib
import json
import re

import pytest
import torch

from twinlib import settings
from twinlib.files import TwinError
from twinlib.models import load, low_rank
from twinlib.progress import Progress
from twinlib.text import exercises
from twinlib.train import alarms, callbacks, grpo, persona, problems, rewards
from twinlib.train.trl_hooks import Answers


def first(**changes):
    usual = {"rewards": [0.0, 1.0] * 16, "truncated": [False] * 32, "tokens": 64}
    return alarms.first_answers(**{**usual, **changes})


def test_the_first_answers_stop_a_run_that_has_nothing_to_learn():
    assert first() == []
    [equal] = first(rewards=[0.2] * 32)
    assert "All of the first 32 answers got the same reward (0.2)" in equal
    [cut] = first(truncated=[True] * 17 + [False] * 15)
    assert "53% of the first 32 answers were cut off at 64 tokens" in cut and "to 128" in cut
    assert first(truncated=[True] * 16 + [False] * 16) == []


def test_a_reward_that_reads_only_one_line_is_blind():
    """A published reward searched with `.*` and scored 0 for every answer of several lines."""
    found = alarms.samples(["9.9", "3", "3", "72"])
    assert [index for index, *_ in found] == [0, 1, 2, 3]

    def one_line(texts, asked):
        patterns = (rf".*{problem['answer']}" for problem in asked)
        return [float(bool(re.fullmatch(*pair))) for pair in zip(patterns, texts)]

    asked = [{"answer": answer} for answer in ("9.9", "3", "3", "72")]

    for reward, sentence in ((rewards.correctness, ""), (one_line, "On 4 of 4 problems")):
        sums = [reward([texts[side] for texts in found], asked) for side in (1, 2)]
        assert alarms.blind_reward(*sums).startswith(sentence)
        assert bool(alarms.blind_reward(*sums)) == bool(sentence)
    assert alarms.samples(["5", "5"]) == [] and alarms.blind_reward([], []) == ""


def test_a_reward_that_rises_while_accuracy_falls_is_called_reward_hacking():
    rising, falling = [0.2] * 10 + [0.8] * 10, [[True] * 20, [True] * 12 + [False] * 8]
    sentence = alarms.reward_hacking(rising, falling, 20)
    assert "rose from 0.20 to 0.80" in sentence and "from 100% to 60%" in sentence
    assert alarms.reward_hacking(rising, falling[::-1], 20) == ""
    assert alarms.reward_hacking(rising[::-1], falling, 20) == ""
    one_wrong = [[True] * 20, [True] * 19 + [False]]
    assert alarms.reward_hacking(rising, one_wrong, 20) == ""


def test_versions_of_one_problem_count_once_before_hacking_is_claimed():
    rising, fell = [0.2] * 10 + [0.8] * 10, [[True] * 24, [True] * 12 + [False] * 12]
    six = [i // 6 for i in range(24)]
    assert alarms.reward_hacking(rising, fell, 20)
    assert alarms.reward_hacking(rising, fell, 20, six) == ""


def rewarded(names, rows):
    """Answers with these rewards, a row for each."""
    count = len(rows)
    return Answers([""] * count, [[]] * count, [{}] * count, dict(zip(names, zip(*rows))))


def test_a_problem_with_answers_in_form_but_none_right_teaches_nothing():
    names = ["correct", "form", "reward_near", "reward_style"]
    none_right = [[0, 0.2, None, None], [0, 0, None, None]]
    one_right = [[1, 0, None, None], [0, 0.2, None, None]]
    as_near = [[None, None, 0.5, 0.1], [None, None, 0.5, 0]]
    nearer = [[None, None, 0.5, 0], [None, None, 0.6, 0]]
    for groups, share in (([none_right], 1.0), ([one_right], 0.0), ([none_right, one_right], 0.5)):
        assert grpo.without_signal(rewarded(names, sum(groups, [])), 2) == share
    assert grpo.without_signal(rewarded(names, as_near + nearer), 2) == 0.5
    assert grpo.without_signal(rewarded(names[:2], [row[:2] for row in none_right]), 2) == 1.0


def test_rounding_is_no_other_policy_and_the_base_is_one():
    for width, rounding in ((2, 0.02), (4, 5e-4)):
        assert not alarms.is_suspicious(rounding, width)
    assert alarms.is_suspicious(float("nan"), 2)
    assert "did not come from" in alarms.other_policy(0.3, 0.4, 2)
    # The adapter has hardly moved, and yet the answers are the base's own.
    assert alarms.other_policy(0.06, 0.01, 2) and not alarms.other_policy(0.06, 0.05, 2)


def in_training(twin, base, held_out=8, **changes):
    """(trainer, callback, Training) on decimals, with an adapter that has moved."""
    chosen = settings.make(
        "reasoning",
        **{
            "effort": "smoke",
            "engine": "transformers",
            "precision": "32-bit",
            "steps": 2,
            "generations": 4,
            "batch": 8,
            "completion_tokens": 8,
            "learning_rate": 1e-5,
            "held_out": held_out,
            **changes,
        },
    )
    prepared = load.prepare(str(base))
    model, tokenizer = load.load(prepared, None, "32-bit", load.Lora(4))
    torch.manual_seed(5)
    for name, weight in model.named_parameters():
        if "lora_B" in name:
            weight.data.normal_(0, 0.1)
    tokenizer.eos_token, tokenizer.padding_side = load.turn_end(tokenizer)[0], "left"
    progress = Progress(twin.history("reasoning"), "reasoning")
    callbacks.silence_logging()
    training = persona.Training(twin, chosen, prepared, model, tokenizer, progress)
    pool = exercises.decimals(40, 1)
    train, test = exercises.split_problems(pool, held_out, 1)
    before = problems.exam(training, test, "before")
    return *grpo.make_trainer(training, train, test, before), training


def history(training):
    path = training.twin.history("reasoning")
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


@pytest.mark.slow
def test_answers_of_the_base_are_caught_while_the_adapter_trains(twin, tiny_base, monkeypatch):
    trainer, callback, training = in_training(twin, tiny_base)
    callbacks.train(trainer, callback, None, training.progress)
    differences = [r["sampler_difference"] for r in history(training) if "sampler_difference" in r]
    assert len(differences) == 2 and max(differences) < 1e-4
    # As Unsloth did for months: the sampler goes on without the adapter.
    trainer, callback, training = in_training(twin, tiny_base)

    @contextlib.contextmanager
    def without(_):
        with training.model.disable_adapter():
            yield

    monkeypatch.setattr(low_rank.Adapters, "in_place", without)
    with pytest.raises(TwinError, match="did not come from the model in training"):
        callbacks.train(trainer, callback, None, training.progress)


@pytest.mark.slow
def test_a_random_model_is_stopped_at_its_first_answers_but_not_in_a_smoke_run(
    twin, tiny_base, monkeypatch
):
    usual = {"batch": 32, "steps": 1}
    monkeypatch.setitem(rewards.REWARDS, "correct", lambda texts, _: [0.0] * len(texts))
    trainer, callback, training = in_training(twin, tiny_base, **usual)
    callbacks.train(trainer, callback, None, training.progress)
    cut, equal, blind = trainer.warnings
    assert "were cut off at 8 tokens" in cut and "the same reward" in equal
    assert blind.startswith("On 8 of 8 problems a right answer gets no more reward")
    trainer, callback, training = in_training(twin, tiny_base, effort="quick", **usual)
    with pytest.raises(TwinError, match="cut off at 8 tokens"):
        callbacks.train(trainer, callback, None, training.progress)


@pytest.mark.slow
def test_held_out_problems_are_asked_during_the_run(twin, tiny_base):
    trainer, callback, training = in_training(twin, tiny_base, steps=8, held_out=20)
    callbacks.train(trainer, callback, None, training.progress)
    asked = [r for r in history(training) if "held_out_accuracy" in r]
    assert [record["done"] for record in asked] == list(range(1, 8))
    assert all(record["held_out_accuracy"] == 0 for record in asked)
    assert trainer.args.scale_rewards == "group"
    assert len(trainer.marks) == 8 and all(len(marks) == 20 for marks in trainer.marks)
    assert trainer.model.training and {"answering", "reward", "clipped"} <= asked[0].keys()
    trainer.state.log_history = [{"step": k, "reward": k / 8} for k in range(1, 9)]
    trainer.marks = [[True] * 20]
    trainer.examine()
    assert "reward hacking" in trainer.warnings[-1]
