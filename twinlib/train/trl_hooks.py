"""All that step 03 takes from TRL's GRPOTrainer: its public hooks, each named here once.

TRL changes between minor versions. `missing` names what a version no longer has, and nothing
else in the library overrides or reads a member of TRL's trainers.
"""

import math
import time
from collections import defaultdict
from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import torch

# What is overridden, read or passed, and what for.
METHODS = {
    "training_step": "the time that answering takes, and the gradient that holds the voice",
    "compute_loss": "the batch whose log-probabilities are compared",
    "get_off_policy_mask": "the log-probabilities of the sampler and of the model in training",
    "log": "our own figures in the history",
}
CONSTRUCTOR = {
    "rollout_func": "answers by our sampler",
    "reward_funcs": "rewards",
    "processing_class": "the tokenizer",
}
ARGUMENTS = {
    "off_policy_mask_threshold": "a call of get_off_policy_mask",
    "steps_per_generation": "all answers of a step sampled at once",
    "num_generations": "several answers to a problem",
    "max_completion_length": "the length of answers",
    "scale_rewards": "advantages",
    "loss_type": "the loss",
    "epsilon_high": "the loss",
    "beta": "no reference model",
    "temperature": "sampling",
    "generation_kwargs": "the tokens that end an answer",
    "chat_template_kwargs": "questions without a thinking mode",
}
# Set on a trainer. It computes log-probabilities for a part of the vocabulary at a time; the
# argument of the same name would load the package liger-kernel, which that doesn't need.
ATTRIBUTES = {
    "use_liger_kernel": "log-probabilities for a part of the vocabulary at a time",
    "num_generations": "the number of answers to a problem",
    "temperature": "the temperature of sampling",
}
# What our sampler is used with: every answer is kept, and get_off_policy_mask is called.
COMPARING = {"off_policy_mask_threshold": math.inf}


def missing(trainer: type, config: type) -> list[str]:
    """A sentence for each member that TRL's trainer and its configuration no longer have."""
    import inspect
    from dataclasses import fields

    source = inspect.getsource(inspect.getmodule(trainer.__init__))
    lacking = "TRL has no {} any more, which step 03 needs for {}.".format
    named = {
        "method GRPOTrainer.{}": (METHODS, vars(trainer)),
        "argument {} of GRPOTrainer": (CONSTRUCTOR, inspect.signature(trainer).parameters),
        "argument {} of GRPOConfig": (ARGUMENTS, {field.name for field in fields(config)}),
        "attribute {} of GRPOTrainer": (
            ATTRIBUTES,
            {name for name in ATTRIBUTES if f"self.{name} = " in source},
        ),
    }
    return [
        lacking(kind.format(name), purpose)
        for kind, (wanted, found) in named.items()
        for name, purpose in wanted.items()
        if name not in found
    ]


class Answers(NamedTuple):
    """A batch of answers with their rewards, which are {name: a number or None for each answer}."""

    texts: list[str]
    tokens: list[list[int]]
    problems: list[dict]
    rewards: dict[str, list[float | None]]

    def by_answer(self) -> list[list[float]]:
        """A list for each answer: a number for each reward, NaN for None."""
        columns = ([math.nan if r is None else r for r in each] for each in self.rewards.values())
        return [list(row) for row in zip(*columns)]

    def sums(self) -> list[float]:
        """The sum of each answer's rewards."""
        return [sum(r for r in row if r == r) for row in self.by_answer()]


def reward_functions(
    rewards: dict[str, Callable], rewarded: Callable[[Answers], None]
) -> list[Callable]:
    """The rewards, functions of (texts, problems), as TRL calls them, on a dataset with problems.

    It logs them as rewards/NAME/mean. `rewarded` is called when all of a batch are known.
    """
    found = {}

    def for_trl(name):
        def reward(completions, completion_ids, problem, **_):
            texts = [turns[0]["content"] for turns in completions]
            found[name] = rewards[name](texts, problem)
            if len(found) == len(rewards):
                batch = {each: found[each] for each in rewards}
                found.clear()
                rewarded(Answers(texts, completion_ids, problem, batch))
                return batch[name]
            return found[name]

        reward.__name__ = name
        return reward

    return [for_trl(name) for name in rewards]


class Hooks:
    """What a GRPOTrainer calls on its way through a step: a base class before it."""

    def __init__(self, *args, **kwargs):
        self._noted = defaultdict(list)
        self._began = self._answered = self._logps = None
        super().__init__(*args, **kwargs)

    def use_chunks(self) -> None:
        """Compute log-probabilities for a part of the vocabulary at a time, for less memory."""
        self.use_liger_kernel = True

    def note(self, name: str, value: float) -> None:
        """Let the mean of all values that are noted under a name be in the next log."""
        self._noted[name].append(value)

    def answered(self) -> None:
        """Tell that the answers of a step are there: their share of the time is logged."""
        self._answered = time.perf_counter()

    def before_step(self, model: "torch.nn.Module") -> None:
        """Called before each forward and backward pass of a step."""

    def compared(self, sampled: "torch.Tensor", trained: "torch.Tensor", inputs: dict) -> None:
        """Called with each answer token's log-probability by the sampler and by the model."""

    def training_step(self, model, inputs, num_items_in_batch=None):
        """TRL's, after `before_step`."""
        self.before_step(model)
        self._answered, began = None, time.perf_counter()
        loss = super().training_step(model, inputs, num_items_in_batch)
        self._noted["step_seconds"].append(time.perf_counter() - began)
        if self._answered:
            self._noted["answering_seconds"].append(self._answered - began)
        return loss

    def compute_loss(self, model, inputs, return_outputs=False, num_items_in_batch=None):
        """TRL's, and then `compared` where our sampler has answered."""
        self._logps = None
        loss = super().compute_loss(model, inputs, return_outputs, num_items_in_batch)
        if self._logps is not None and "sampling_per_token_logps" in inputs:
            self.compared(inputs["sampling_per_token_logps"], self._logps, inputs)
            self._logps = None
        return loss

    def get_off_policy_mask(self, *args, per_token_logps, **kwargs):
        """TRL's, which is all ones with an infinite threshold."""
        self._logps = per_token_logps.detach()
        return super().get_off_policy_mask(*args, per_token_logps=per_token_logps, **kwargs)

    def log(self, logs, start_time=None):
        """TRL's, with the means of what was noted since the last log."""
        noted, self._noted = self._noted, defaultdict(list)
        step, answering = (sum(noted.pop(f"{n}_seconds", [])) for n in ("step", "answering"))
        if answering:
            logs["answering"] = answering / step
        for name, values in noted.items():
            if values := [value for value in values if not math.isnan(value)]:
                logs[name] = sum(values) / len(values)
        super().log(logs, start_time)
