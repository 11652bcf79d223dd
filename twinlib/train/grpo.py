"""GRPO by TRL: its arguments, its rewards and the figures that are recorded of each step."""

from typing import TYPE_CHECKING

from ..i18n import t
from ..models import letters, load
from ..models.plan import machine
from ..text import exercises
from . import callbacks, rewards
from .persona import Training
from .problems import messages
from .trainer import common_arguments

if TYPE_CHECKING:
    from transformers import Trainer

_SMALL = 1.0  # billions of parameters up to which activations are kept


def recomputes(base: load.Base) -> bool:
    """Whether to recompute activations in the backward pass, which saves memory."""
    return machine()["gpu"] is not None and base.entry.parameters > _SMALL


def make_trainer(
    training: Training, problems: list[dict]
) -> tuple["Trainer", callbacks.ProgressCallback]:
    """(TRL's trainer on these problems, the callback that records its progress)."""
    from datasets import Dataset
    from trl import GRPOConfig, GRPOTrainer

    twin, settings, base, model, tokenizer, progress = training
    # TRL's tokenizer would take a control token that a question spells for one.
    usable = [p for p in problems if not letters.has_controls(tokenizer, exercises.ask(p))]
    if left_out := len(problems) - len(usable):
        progress.say(t("train.problems_with_control_tokens", left_out=left_out))
    rows = [{"prompt": messages(twin, p), "answer": p["answer"]} for p in usable]
    arguments = GRPOConfig(
        **common_arguments(settings, twin.checkpoints("reasoning")),
        max_steps=settings.steps,
        num_generations=settings.generations,
        max_completion_length=settings.completion_tokens,
        loss_type="dapo",
        beta=0.0,
        epsilon_high=0.28,
        scale_rewards="group",
        temperature=1.0,
        warmup_steps=max(1, settings.steps // 20),
        save_steps=max(1, min(50, settings.steps // 4)),
        gradient_checkpointing=recomputes(base) and settings.engine != "unsloth",
        generation_kwargs={"eos_token_id": load.end_tokens(tokenizer)},
        chat_template_kwargs={"enable_thinking": False},
    )
    trainer = GRPOTrainer(
        model=model.train(),
        reward_funcs=[_for_trl(name) for name in rewards.REWARDS],
        args=arguments,
        train_dataset=Dataset.from_list(rows),
        processing_class=tokenizer,
    )
    figures = {
        "reward": "reward",
        **{name: f"rewards/{name}/mean" for name in rewards.REWARDS},
        "no_signal": "frac_reward_zero_std",
        "clipped": "completions/clipped_ratio",
        "length": "completions/mean_length",
        "entropy": "entropy",
    }
    return trainer, callbacks.attach_callback(trainer, progress, figures)


def _for_trl(name):
    """A reward as TRL calls it, on lists of messages; TRL logs it as rewards/NAME/mean."""

    def reward(completions, answer, **_):
        return rewards.REWARDS[name]([turns[0]["content"] for turns in completions], answer)

    reward.__name__ = name
    return reward
