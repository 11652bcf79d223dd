"""GRPO by TRL on answers of our sampler: its arguments, its alarms and what is recorded of a step.

All answers of a step are sampled at once from the policy that they then train (rollouts.py) and are
learnt from a few at a time. Advantages and loss are TRL's, and so are log-probabilities, computed
for a part of the vocabulary at a time. Where our sampler can't run a model, TRL's generation does.
"""

import time
from typing import TYPE_CHECKING

from ..files import TwinError, json_or, write_json
from ..i18n import t
from ..models import estimate, letters, load, rollouts
from ..models.plan import machine
from ..settings import Reasoning
from ..text import tasks
from ..text.spacing import evenly
from . import alarms, callbacks, processes
from . import problems as exams
from .anchor import Anchor
from .checkpoints import Kept
from .in_parts import InParts
from .practice import Practice
from .trainer import common_arguments
from .training import Training

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
    practice = Practice(training, problems)
    at_once, checkpointing = learning(settings, base)
    arguments = {
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
    }

    if processes.on_gpu() and settings.engine != "unsloth":
        from .kernels import patch_lora

        patch_lora(model)

    config = GRPOConfig(**arguments)
    config._n_gpu = min(1, config.n_gpu)  # several GPUs: one process each, no DataParallel

    class Trainer(_Watched, InParts, Kept, GRPOTrainer):
        pass

    trainer = Trainer(
        model=model.train(),
        reward_funcs=practice.functions(),
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


def _without_controls(problems, tokenizer, progress):
    """TRL's tokenizer would take a control token that a question spells for one."""
    usable = [p for p in problems if not letters.has_controls(tokenizer, tasks.ask(p))]
    if left_out := len(problems) - len(usable):
        progress.say(t("train.problems_with_control_tokens", left_out=left_out))
    return usable


def _rollout(prompts, trainer):
    """Answers to conversations, each repeated for its answers, as TRL's `rollout_func` gives them.

    The log-probabilities are for the alarm only.
    """
    rows = [letters.prompt(trainer.sampler.tokenizer, turns) for turns in prompts]
    copies = trainer.num_generations
    groups = [rows[start : start + copies] for start in range(0, len(rows), copies)]
    found = trainer.sampler.sample([group[0] for group in groups], copies, trainer.temperature)
    return {
        "prompt_ids": rows,
        "completion_ids": [rollout.tokens for rollout in found],
        "logprobs": [rollout.logprobs for rollout in found],
    }


class _Watched:
    """What differs from TRL's GRPOTrainer, which make_trainer adds as a base class."""

    practice = None

    def watch(self, practice, ours, held_out, before):
        """Sample by our sampler if `ours`, and watch the run; arguments as in make_trainer."""
        training, self.practice = practice.training, practice
        settings = training.settings
        self.part, self.anchor = training, Anchor(training)
        self.sampler = None
        if ours:
            model, tokenizer = training.model, training.tokenizer
            rows = settings.batch if processes.on_gpu() else None  # what the plan has counted
            self.sampler = rollouts.Sampler(model, tokenizer, settings.completion_tokens, rows)
        self.chunked = settings.engine != "unsloth"
        self.first = []  # (row of the dataset, prompt, reward, truncated) of the first answers
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

    def _generate(self, prompts):
        began = time.perf_counter()
        generated = super()._generate(prompts)
        self._metrics["train"]["answering_seconds"].append(time.perf_counter() - began)
        return generated

    def log(self, logs, start_time=None):
        metrics = self._metrics["train"]
        seconds = sum(metrics.pop("answering_seconds", []))
        if seconds and metrics["step_time"]:
            metrics["answering"] = [seconds / sum(metrics["step_time"])]
        super().log(logs, start_time)

    def training_step(self, model, inputs, num_items_in_batch=None):
        if self.anchor.rows and self.accelerator.sync_gradients:
            step, plain = self.state.global_step, self.accelerator.unwrap_model(model)
            drift = self.anchor.learn(plain, step, self.accelerator.backward)
            self._metrics["train"]["voice_drift"].append(drift)
        return super().training_step(model, inputs, num_items_in_batch)

    # The first answers

    def _calculate_rewards(self, inputs, prompts, completions, completion_ids_list):
        found = super()._calculate_rewards(inputs, prompts, completions, completion_ids_list)
        if self.practice:
            names, copies = self.practice.names, self.num_generations
            self._metrics["train"]["no_signal"].append(without_signal(found, names, copies))
            self.practice.note(inputs, completions, found.tolist(), self.state.global_step)
        if not self.first and self.state.global_step:  # judged, or the run is resumed
            self.first = None
        if self.first is not None:
            ends = {self._tokenizer.eos_token_id, self._tokenizer.pad_token_id}
            cut = [ids[-1] not in ends for ids in completion_ids_list]
            self.first += zip(inputs, prompts, self._sums(found), cut)
            if len(self.first) >= alarms.FIRST:
                first, self.first = self.first, None
                self._judge(first)
        return found

    def _sums(self, rewards_by_function):
        weights = self.reward_weights.to(rewards_by_function.device)
        return (rewards_by_function * weights).nansum(1).tolist()

    def _judge(self, first):
        rows, _, sums, cut = zip(*first)
        # Prose has no result that could be missing, and learns to be shorter.
        cut = [ended for row, ended in zip(rows, cut) if not tasks.is_prose(row["problem"])]
        sentences = alarms.first_answers(sums, cut, self.max_completion_length)
        problems = first[:: self.num_generations]
        samples = alarms.samples([row["answer"] for row, *_ in problems])
        if samples:
            rows, prompts = zip(*((problems[i][0], problems[i][1]) for i, *_ in samples))
            sums = []
            for texts in list(zip(*samples))[1:]:
                said = [[{"role": "assistant", "content": text}] for text in texts]
                ids = [[self._tokenizer.eos_token_id]] * len(said)
                found = super()._calculate_rewards(list(rows), list(prompts), said, ids)
                sums.append(self._sums(found))
            sentences.append(alarms.blind_reward(*sums))
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

    def _get_per_token_logps_and_entropies(
        self, model, *args, batch_size=None, compute_aux_loss=False, **kwargs
    ):
        if self.chunked and not compute_aux_loss:
            found = self._chunked_logps(self.accelerator.unwrap_model(model), *args, **kwargs)
        else:
            options = {"batch_size": batch_size, "compute_aux_loss": compute_aux_loss}
            found = super()._get_per_token_logps_and_entropies(model, *args, **options, **kwargs)
        self.trained = found[0].detach()
        return found

    def _compute_loss(self, model, inputs):
        loss = super()._compute_loss(model, inputs)
        sampled = inputs.get("sampling_per_token_logps")
        if sampled is not None and self.model.training:
            self._compare(sampled, inputs)
        return loss

    def _compare(self, sampled, inputs):
        mask = inputs["completion_mask"]
        difference = _mean_difference(
            sampled, inputs.get("old_per_token_logps", self.trained), mask
        )
        self._metrics["train"]["sampler_difference"].append(difference)
        width = self.sampler.dtype.itemsize
        if not self.trained.isfinite().all():
            return  # nor is the gradient, and the step is left out
        if alarms.is_suspicious(difference, width):
            to_base = _mean_difference(sampled, self._of_base(inputs), mask)
            if sentence := alarms.other_policy(difference, to_base, width):
                raise TwinError(sentence)

    def _of_base(self, inputs):
        """Log-probabilities of the answers by the base without its adapter."""
        import torch

        ids = torch.cat([inputs["prompt_ids"], inputs["completion_ids"]], 1)
        mask = torch.cat([inputs["prompt_mask"], inputs["completion_mask"]], 1)
        model = self.accelerator.unwrap_model(self.model)
        with torch.no_grad(), model.disable_adapter():
            kept = inputs["completion_ids"].shape[1]
            return self._get_per_token_logps_and_entropies(model, ids, mask, kept)[0]

    # Held-out problems

    def examine(self):
        """Let the model in training answer the watched problems, and record its accuracy."""
        records = exams.exam(self.part, self.watched, "during", self.sampler)
        self.marks.append([record["correct"] for record in records])
        accuracy = sum(self.marks[-1]) / len(records)
        self._metrics["train"]["held_out_accuracy"].append(accuracy)
        means = callbacks.by_step(self.state.log_history, "reward")
        groups = exams.groups_of(self.watched)
        if sentence := alarms.reward_hacking(means, self.marks, self.state.global_step, groups):
            self.warn(sentence)


def without_signal(rewards: "torch.Tensor", names: list[str], copies: int) -> float:
    """The share of problems whose answers were all right, all wrong, or all equally near.

    `rewards` is (answers, rewards), NaN for None, with `copies` answers in a row for each problem;
    `names` are those of the rewards. What the form or the style earns is no signal of its own.
    """
    main = [names.index(name) for name in ("correct", "reward_near") if name in names]
    worth = rewards[:, main].nansum(1).view(-1, copies)
    return float((worth.amax(1) - worth.amin(1) < 1e-6).float().mean())


def _mean_difference(one, other, mask):
    return float(((one - other).abs() * mask).sum() / mask.sum().clamp(min=1))


def _examiner(trainer, every):
    """A callback that examines every `every` steps; not after the last, which the exam follows."""
    from transformers import TrainerCallback

    class Examiner(TrainerCallback):
        def on_step_end(self, args, state, control, **_):
            if state.global_step % every == 0 and state.global_step + every <= state.max_steps:
                trainer.examine()

    return Examiner()
