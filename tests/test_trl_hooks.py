"""The members of TRL that step 03 relies on are there, and do what it needs them for."""

import ast
import math

import pytest
import torch
from conftest import ROOT
from test_grpo_alarms import history, in_training

from twinlib.train import callbacks, grpo, rewards, trl_hooks

# What transformers' Trainer has, from which TRL's inherits, and which is overridden.
OF_TRANSFORMERS = {"_prepare_inputs", "_save_checkpoint"}


def test_trl_has_every_member_that_step_03_relies_on():
    from trl import GRPOConfig, GRPOTrainer

    gone = trl_hooks.missing(GRPOTrainer, GRPOConfig)
    assert not gone, "\n".join(gone)


def test_a_member_that_is_gone_is_named_in_a_sentence_with_what_it_is_for():
    from trl import GRPOConfig, GRPOTrainer

    class Older(GRPOTrainer):
        def __init__(self, model, reward_funcs, processing_class=None):
            self.num_generations = 8

        training_step, log = GRPOTrainer.training_step, GRPOTrainer.log
        compute_loss = GRPOTrainer.compute_loss

    assert trl_hooks.missing(Older, GRPOConfig)[:2] == [
        "TRL has no method GRPOTrainer.get_off_policy_mask any more, which step 03 needs for "
        "the log-probabilities of the sampler and of the model in training.",
        "TRL has no argument rollout_func of GRPOTrainer any more, which step 03 needs for "
        "answers by our sampler.",
    ]


def test_no_private_member_of_trl_is_overridden_or_read():
    from trl import GRPOTrainer

    theirs = {name for name in dir(GRPOTrainer) if name.startswith("_") and name[:2] != "__"}
    theirs |= {"_metrics", "_step", "_tokenizer", "_buffered_inputs", "_logs"}
    used = set()
    for path in (ROOT / "twinlib" / "train").glob("*.py"):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        used |= {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
        classes = (node for node in ast.walk(tree) if isinstance(node, ast.ClassDef))
        used |= {part.name for each in classes for part in each.body if hasattr(part, "name")}
    assert used & theirs <= OF_TRANSFORMERS


def test_rewards_are_handed_on_once_all_of_a_batch_are_known():
    batches = []
    rewards = {"long": lambda texts, _: [len(text) for text in texts], "none": lambda *_: [None, 1]}
    functions = trl_hooks.reward_functions(rewards, batches.append)
    assert [function.__name__ for function in functions] == ["long", "none"]
    said = [[{"role": "assistant", "content": text}] for text in ("ab", "c")]
    given = {"completions": said, "completion_ids": [[1, 2], [3]], "problem": [{}, {}]}
    assert functions[0](**given, prompts=[]) == [2, 1] and batches == []
    assert functions[1](**given, prompts=[]) == [None, 1]
    [answers] = batches
    assert answers.texts == ["ab", "c"] and answers.tokens == [[1, 2], [3]]
    assert answers.rewards == {"long": [2, 1], "none": [None, 1]} and answers.sums() == [2, 2]
    assert functions[0](**given, prompts=[]) == [2, 1] and len(batches) == 1, "a new batch began"


def test_what_is_noted_is_logged_once_as_a_mean_without_what_is_no_number():
    logged = []

    class Base:
        def log(self, logs, start_time=None):
            logged.append(logs)

    class Trainer(trl_hooks.Hooks, Base):
        pass

    trainer = Trainer()
    for value in (1.0, 3.0, math.nan):
        trainer.note("drift", value)
    trainer.note("difference", math.nan)
    trainer.log({"loss": 0.5})
    trainer.log({})
    assert logged == [{"loss": 0.5, "drift": 2.0}, {}]


@pytest.mark.slow
def test_answering_is_timed_and_the_vocabulary_is_taken_in_parts(twin, tiny_base):
    """Were log-probabilities computed for the whole vocabulary, the head would be called."""
    trainer, callback, training = in_training(twin, tiny_base)
    whole = []

    def note(*_):
        if torch.is_grad_enabled():
            whole.append(1)

    training.model.get_base_model().get_output_embeddings().register_forward_hook(note)
    callbacks.train(trainer, callback, None, training.progress)
    steps = [record for record in history(training) if "answering" in record]
    assert len(steps) == 2 and all(0 < record["answering"] < 1 for record in steps)
    assert not whole


@pytest.mark.slow
def test_a_step_that_is_learnt_in_parts_is_one_step_for_trl(twin, tiny_base, monkeypatch):
    """It counts its steps to know which answers come next, and when to ask for new ones."""
    monkeypatch.setattr(grpo, "learning", lambda *_: (4, "none"))
    monkeypatch.setitem(rewards.REWARDS, "correct", lambda texts, _: [len(t) % 3 for t in texts])
    learnt, sampled = [], []

    def counted(*asked):
        sampled.append(len(asked[0]))
        return sample(*asked)

    for most in (None, 2):
        changes = {"batch": 8, "steps": 2, "learning_rate": 1e-3}
        trainer, callback, training = in_training(twin, tiny_base, **changes)
        trainer.most, sample = most, trainer.sampler.sample
        monkeypatch.setattr(trainer.sampler, "sample", counted)
        callbacks.train(trainer, callback, None, training.progress)
        assert trainer.parts == (2 if most else 1)
        weights = training.model.state_dict().items()
        learnt.append({name: value for name, value in weights if "lora_" in name})
    assert sampled == [2] * 4, "two problems at each of two steps, twice"
    for name, weight in learnt[0].items():
        torch.testing.assert_close(learnt[1][name], weight, atol=2e-4, rtol=1e-2)
