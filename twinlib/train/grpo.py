"""GRPO by TRL on answers of our sampler: its arguments, its alarms and what is recorded of a step.

All answers of a step are sampled at once from the policy that they then train (rollouts.py) and are
learnt from a few at a time. Advantages and loss are TRL's, and so are log-probabilities, computed
for a part of the vocabulary at a time. Where our sampler can't run a model, TRL's generation does.
What is used of TRL beside its arguments is in trl_hooks.py.
"""

from typing import TYPE_CHECKING

from ..files import TwinError, json_or, write_json
from ..i18n import t
from ..models import estimate, load, rollouts, special_tokens
from ..models.plan import machine
from ..settings import Reasoning
from ..text import tasks
from ..text.spacing import evenly
from . import alarms, callbacks, processes, trl_hooks
from . import problems as exams
from .checkpoints import CheckpointSaving
from .grpo_data import GrpoData
from .micro_batches import MicroBatches
from .trainer import common_arguments
from .training import Training
from .voice_regularization import Regularizer

if TYPE_CHECKING:
    import torch
    from transformers import Trainer

# How TRL scales the rewards of answers, less the mean of their group: "group", by the standard
# deviation of the group, "batch", by that of all answers of a step, or "none". With "group" any
# difference counts in full where it is the only one, be it of 0.2 for the form.
SCALE_REWARDS = "group"
# What our trainer logs under the name that history.jsonl has.
_OWN_FIGURES = "no_signal held_out_accuracy sampler_difference answering voice_drift".split()
_EXAMS = 8  # on held-out problems during a run
_PRACTICE = "practice.json"  # in a checkpoint: which problems come next
_WATCHED = 48  # problems of such an exam at most
_MAIN = ("correct", "reward_near")  # the rewards that a problem is practised for


def learning(settings: Reasoning, base: load.Base) -> tuple[int, str]:
    """(answers in a forward and backward pass, checkpointing: 'none' or 'full')."""
    shape = estimate.shape(base.name) or estimate.UNKNOWN
    sizes = settings.batch, settings.completion_tokens, settings.precision
    return estimate.learning_batch(machine(), shape, *sizes)


def make_trainer(
    training: Training, problems: list[dict], held_out: list[dict], before: list[dict]
) -> tuple["Trainer", callbacks.ProgressCallback]:
    """(TRL's trainer on these problems, the callback that records its progress).

    `before` are the records of the exam on the `held_out` problems.
    """
    from datasets import Dataset
    from trl import GRPOConfig, GRPOTrainer

    twin, settings, base, model, tokenizer, progress = training
    ours = rollouts.fits(model)
    if not ours:
        progress.say(t("train.plain_rollouts", name=base.name))
        problems = _without_controls(problems, tokenizer, progress)
    practice = GrpoData(training, problems)
    if processes.on_gpu() and settings.engine != "unsloth":
        from .kernels import patch_lora

        patch_lora(model)

    config = GRPOConfig(**_arguments(training, ours))
    config._n_gpu = min(1, config.n_gpu)  # several GPUs: one process each, no DataParallel

    class Trainer(_Watched, MicroBatches, CheckpointSaving, GRPOTrainer):
        pass

    def rewarded(answers):
        trainer.rewarded(answers)

    trainer = Trainer(
        model=model.train(),
        reward_funcs=trl_hooks.reward_functions(practice.rewards, rewarded),
        args=config,
        train_dataset=Dataset.from_list([practice.row(problems[0])]),
        processing_class=tokenizer,
        rollout_func=_rollout if ours else None,
    )
    trainer.train_dataset = practice.rows(settings.steps * settings.batch)
    trainer.watch(practice, ours, held_out, before)
    figures = {
        "reward": "reward",
        **{name: f"rewards/{name}/mean" for name in practice.names},
        "clipped": "completions/clipped_ratio",
        "length": "completions/mean_length",
        "entropy": "entropy",
        **dict.fromkeys(_OWN_FIGURES),
    }
    figures = {name: logged or name for name, logged in figures.items()}
    return trainer, callbacks.attach_callback(trainer, progress, figures)


def _arguments(training, ours):
    """What GRPOConfig takes; `ours`: our sampler answers."""
    twin, settings, base, model, tokenizer, _ = training
    at_once, checkpointing = learning(settings, base)
    return {
        **common_arguments(settings, twin.checkpoints("reasoning"), model),
        "per_device_train_batch_size": at_once,
        "gradient_accumulation_steps": settings.batch // at_once,
        "steps_per_generation": settings.batch // at_once,
        "max_steps": settings.steps,
        "num_generations": settings.generations,
        "max_completion_length": settings.completion_tokens,
        "loss_type": "dapo",
        "beta": 0.0,
        "epsilon_high": 0.28,
        "scale_rewards": SCALE_REWARDS,
        "temperature": 1.0,
        "warmup_steps": max(1, settings.steps // 20),
        "save_steps": max(1, min(50, settings.steps // 4)),
        "gradient_checkpointing": checkpointing == "full" and settings.engine != "unsloth",
        "generation_kwargs": {"eos_token_id": load.end_tokens(tokenizer)},
        "chat_template_kwargs": {"enable_thinking": False},
        **(trl_hooks.COMPARING if ours else {}),
    }


def _without_controls(problems, tokenizer, progress):
    """TRL's tokenizer would take a control token that a question spells for one."""
    usable = [p for p in problems if not special_tokens.has_controls(tokenizer, tasks.ask(p))]
    if left_out := len(problems) - len(usable):
        progress.say(t("train.problems_with_control_tokens", left_out=left_out))
    return usable


def _rollout(prompts, trainer):
    """Answers to conversations, each repeated for its answers, as TRL's `rollout_func` gives them.

    The log-probabilities are for the alarm only.
    """
    rows = [special_tokens.prompt(trainer.sampler.tokenizer, turns) for turns in prompts]
    copies = trainer.num_generations
    groups = [rows[start : start + copies] for start in range(0, len(rows), copies)]
    found = trainer.sampler.sample([group[0] for group in groups], copies, trainer.temperature)
    return {
        "prompt_ids": rows,
        "completion_ids": [rollout.tokens for rollout in found],
        "logprobs": [rollout.logprobs for rollout in found],
    }


class _Watched(trl_hooks.Hooks):
    """What differs from TRL's GRPOTrainer, which make_trainer adds as a base class."""

    def watch(self, practice, ours, held_out, before):
        """Sample by our sampler if `ours`, and watch the run; arguments as in make_trainer."""
        training, self.practice = practice.training, practice
        settings = training.settings
        self.part, self.anchor = training, Regularizer(training)
        self.sampler = None
        if ours:
            model, tokenizer = training.model, training.tokenizer
            rows = settings.batch if processes.on_gpu() else None  # what the plan has counted
            self.sampler = rollouts.Sampler(model, tokenizer, settings.completion_tokens, rows)
        if settings.engine != "unsloth":
            self.use_chunks()
        self.first = []  # (problem, reward, truncated) of the first answers
        self.warnings = []
        # Prose is neither right nor wrong.
        marked = [pair for pair in zip(held_out, before) if pair[1]["correct"] is not None]
        marked = evenly(marked, _WATCHED)
        self.watched = [problem for problem, _ in marked]
        self.marks = [[record["correct"] for _, record in marked]]  # of each exam
        if self.watched and settings.steps >= _EXAMS:
            self.add_callback(_examiner(self, max(1, settings.steps // _EXAMS)))

    def warn(self, sentence):
        self.part.progress.say(sentence)
        self.warnings.append(sentence)

    def before_step(self, model):
        if self.anchor.rows and self.accelerator.sync_gradients:
            step, plain = self.state.global_step, self.accelerator.unwrap_model(model)
            self.note("voice_drift", self.anchor.learn(plain, step, self.accelerator.backward))

    # The first answers

    def rewarded(self, answers):
        """Learn from the rewards of a batch of answers which problems come next, and judge them."""
        self.answered()
        self.note("no_signal", without_signal(answers, self.num_generations))
        self.practice.note(answers, self.state.global_step)
        if not self.first and self.state.global_step:  # judged, or the run is resumed
            self.first = None
        if self.first is not None:
            tokenizer = self.part.tokenizer
            ends = {tokenizer.eos_token_id, tokenizer.pad_token_id}
            cut = [ids[-1] not in ends for ids in answers.tokens]
            self.first += zip(answers.problems, answers.sums(), cut)
            if len(self.first) >= alarms.FIRST:
                first, self.first = self.first, None
                self._judge(first)

    def _judge(self, first):
        problems, sums, cut = zip(*first)
        # Prose has no result that could be missing, and learns to be shorter.
        cut = [ended for problem, ended in zip(problems, cut) if not tasks.is_prose(problem)]
        sentences = alarms.first_answers(sums, cut, self.part.settings.completion_tokens)
        asked = problems[:: self.num_generations]
        samples = alarms.samples([problem["answer"] for problem in asked])
        if samples:
            indices, *sides = zip(*samples)
            asked = [asked[index] for index in indices]
            sentences.append(alarms.blind_reward(*(self.practice.worth(t, asked) for t in sides)))
        for sentence in filter(None, sentences):
            if self.part.settings.effort != "smoke":  # too short a run to learn anything
                raise TwinError(sentence)
            self.warn(sentence)

    # Checkpoints

    def keep_more(self, checkpoint):
        state = {**self.practice.state(), "exams": self.marks}
        write_json(checkpoint / _PRACTICE, state)

    def restore(self, checkpoint):
        """Practise on from where the checkpoint was written."""
        state = json_or(checkpoint / _PRACTICE, {})
        try:
            self.practice.restore(state)
            self.marks = state["exams"]
        except (KeyError, TypeError, ValueError, AttributeError):
            pass  # another version wrote none, or one of other fields

    # The sampler is the policy

    def compared(self, sampled, trained, inputs):
        mask = inputs["completion_mask"]
        before = inputs.get("old_per_token_logps", trained)
        difference = mean_difference(sampled, before, mask)
        self.note("sampler_difference", difference)
        width = self.sampler.dtype.itemsize
        if not trained.isfinite().all():
            return  # nor is the gradient, and the step is left out
        if alarms.is_suspicious(difference, width):
            model = self.accelerator.unwrap_model(self.model)
            with model.disable_adapter():
                to_base = mean_difference(sampled, _log_probabilities(model, inputs), mask)
            if sentence := alarms.other_policy(difference, to_base, width):
                raise TwinError(sentence)

    # Held-out problems

    def examine(self):
        """Let the model in training answer the watched problems, and record its accuracy."""
        records = exams.exam(self.part, self.watched, "during", self.sampler)
        self.marks.append([record["correct"] for record in records])
        accuracy = sum(self.marks[-1]) / len(records)
        self.note("held_out_accuracy", accuracy)
        means = callbacks.by_step(self.state.log_history, "reward")
        groups = exams.groups_of(self.watched)
        if sentence := alarms.reward_hacking(means, self.marks, self.state.global_step, groups):
            self.warn(sentence)


def without_signal(answers: trl_hooks.Answers, copies: int) -> float:
    """The share of problems whose answers were all right, all wrong, or all equally near.

    There are `copies` answers in a row to each problem. What the form or the style earns is no
    signal of its own.
    """
    main = [answers.rewards[name] for name in _MAIN if name in answers.rewards]
    worth = [sum(reward or 0.0 for reward in row) for row in zip(*main)]
    groups = [worth[start : start + copies] for start in range(0, len(worth), copies)]
    return sum(max(group) - min(group) < 1e-6 for group in groups) / len(groups)


def mean_difference(one: "torch.Tensor", other: "torch.Tensor", mask: "torch.Tensor") -> float:
    """The mean absolute difference of two log-probabilities where the mask is 1."""
    return float(((one - other).abs() * mask).sum() / mask.sum().clamp(min=1))


def _log_probabilities(model, inputs):
    """The log-probabilities (answers, tokens) of the answers' tokens by a model."""
    import torch

    ids = torch.cat([inputs["prompt_ids"], inputs["completion_ids"]], 1)
    mask = torch.cat([inputs["prompt_mask"], inputs["completion_mask"]], 1)
    kept, found = inputs["completion_ids"].shape[1], []
    for row in range(len(ids)):  # one at a time: these are numbers for the whole vocabulary
        one = slice(row, row + 1)
        options = {"attention_mask": mask[one], "use_cache": False, "logits_to_keep": kept + 1}
        with torch.no_grad():
            logits = model(input_ids=ids[one], **options).logits[:, :-1].float()
        found.append(logits.log_softmax(-1).gather(2, ids[one, -kept:, None])[..., 0])
    return torch.cat(found)


def _examiner(trainer, every):
    """A callback that examines every `every` steps; not after the last, which the exam follows."""
    from transformers import TrainerCallback

    class Examiner(TrainerCallback):
        def on_step_end(self, args, state, control, **_):
            if state.global_step % every == 0 and state.global_step + every <= state.max_steps:
                trainer.examine()

    return Examiner()
