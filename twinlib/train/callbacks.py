"""Trainer callbacks: progress records, sample answers, checkpoint manifests, and stopping.

The trainers' own progress bars, logs and advice are silenced; these records replace them.
"""

import logging
import os
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from ..files import TwinError
from ..i18n import t
from ..models import estimate, free_memory
from ..models.free_memory import ran_out
from ..progress import Progress
from ..twin import Stopped
from . import checkpoints
from .processes import any_process, is_main, on_gpu

if TYPE_CHECKING:
    from transformers import Trainer, TrainerCallback
    from transformers.trainer_utils import TrainOutput

_SAMPLE_SHARE = 0.05  # of the training time: what sample answers may take
_LOG_EVERY = 0.5  # seconds between logs on a GPU: each waits for all work queued on it
_MOST_LOST = 5  # steps in a row whose gradient is no number, before training stops
_RETURN_EVERY = 8  # steps after which freed memory is returned; more often costs time


def silence_logging() -> None:
    """Silence the bars and advice of trl, transformers, datasets and torch's compiler.

    TRL warns that packed rows may see each other under SDPA; a test proves that they don't.
    """
    import datasets
    import transformers

    datasets.disable_progress_bars()
    transformers.logging.set_verbosity_error()
    os.environ["TRL_EXPERIMENTAL_SILENCE"] = "1"  # GRPOTrainer's rollout_func
    for name in ("trl", "torch._inductor", "torch._dynamo"):
        logging.getLogger(name).setLevel(logging.ERROR)
    warnings.filterwarnings("ignore", module=r"(peft|trl|torch)\b")


def attach_callback(
    trainer: "Trainer", progress: Progress, figures: dict[str, str], sample: Callable | None = None
) -> "ProgressCallback":
    """Replace a trainer's printing callback by a ProgressCallback, and return that."""
    from transformers import PrinterCallback, TrainerCallback

    class Attached(ProgressCallback, TrainerCallback):
        pass

    trainer.remove_callback(PrinterCallback)
    tokens = getattr(trainer.train_dataset, "tokens", None)
    callback = Attached(progress, figures, sample, tokens)
    callback.due = getattr(trainer, "due", callback.due)
    trainer.add_callback(callback)
    trainer.say = progress.say
    return callback


class ProgressCallback:
    """Records progress, samples answers, writes manifests, and stops once a checkpoint is saved.

    `figures` is {name in history.jsonl: name in the trainer's logs}. `sample()` returns (question,
    generate.Answer) and is called after some evaluations. `tokens` counts the tokens without
    padding of each sequence of the run, in order, where that is known. attach_callback adds
    transformers.TrainerCallback as a base class, so that this module imports no transformers.
    """

    def __init__(
        self,
        progress: Progress,
        figures: dict[str, str],
        sample: Callable | None = None,
        tokens: list[int] | None = None,
    ):
        self.progress, self.figures, self.sample, self.tokens = progress, figures, sample, tokens
        self.stopped = False
        self.lost = 0  # steps in a row that were left out
        self.counted = 0  # tokens that the trainer had counted at the last log
        self.paces = []  # (tokens, seconds) between logs
        self.sampled, self.sample_seconds = time.monotonic(), 0.0
        self.began = None  # when the first step since the last log began
        self.due = lambda seconds: False  # whether a checkpoint is, so long after the last

    def on_train_begin(self, args, state, control, **_):
        self.first = self.logged = state.global_step
        self.counted = state.num_input_tokens_seen
        self.saved = time.monotonic()

    def on_step_begin(self, args, state, control, **_):
        self.began = self.began or time.monotonic()

    def on_pre_optimizer_step(self, args, state, control, optimizer=None, **_):
        """Leave out a step whose gradient is infinite or no number, which would ruin the weights.

        In float16 the loss scaler leaves it out and halves its scale, as it does several times at
        the beginning of a run. Raises TwinError after several such steps in a row, in float16 once
        the scale has no effect any more, so that it is the model that overflows.
        """
        import torch

        parameters = [p for group in optimizer.param_groups for p in group["params"]]
        gradients = [_own_part(p.grad) for p in parameters if p.grad is not None]
        gradients = [part for part in gradients if part.numel()]
        finite = not gradients or torch.stack(torch._foreach_norm(gradients)).isfinite().all()
        if estimate.shards() > 1:  # each process has a part of them
            finite = not any_process(not finite)[0]
        if finite:
            self.lost = 0
            return
        self.lost += 1
        scaler = getattr(optimizer, "scaler", None) if args.fp16 else None
        if scaler and scaler.get_scale() > 1:
            return
        if not scaler:
            for parameter in parameters:
                parameter.grad = None
        if self.lost >= _MOST_LOST:
            raise TwinError(t("train.no_finite_gradients", steps=self.lost))
        self.progress.say(t("train.step_left_out", step=state.global_step + 1))

    def on_log(self, args, state, control, logs=None, **_):
        logs = logs or {}
        latest = {
            name: round(float(logs[logged_name]), 6)
            for name, logged_name in self.figures.items()
            if isinstance(logs.get(logged_name), (int, float))
        }
        if "loss" in logs:
            latest |= self._pace(args, state, logs)
        if latest:
            self.progress(state.global_step, state.max_steps, raise_on_stop=False, **latest)

    def _pace(self, args, state, logs):
        """{tokens_s: tokens a second of all processes since the last log, memory_gb: own peak}."""
        if self.tokens is not None:
            sequences = args.gradient_accumulation_steps * args.world_size  # in a step
            tokens = sum(self.tokens[self.logged * sequences : state.global_step * sequences])
        else:
            total = logs.get("num_tokens", 0)
            tokens, self.counted = total - self.counted, total
        seconds = time.monotonic() - self.began
        self.logged, self.began = state.global_step, None
        self.paces.append((tokens, seconds))
        pace = {"tokens_s": round(tokens / seconds, 1)} if tokens else {}
        return {**pace, "memory_gb": round(memory_gb(), 2)}

    def tokens_per_second(self) -> float | None:
        """Tokens without padding a second; None before the second log.

        The time up to the first log is left out, because the first step compiles the layers.
        """
        paces = self.paces[1:]
        if not paces:
            return None
        return sum(tokens for tokens, _ in paces) / sum(seconds for _, seconds in paces)

    def on_evaluate(self, args, state, control, **_):
        midway = 0 < state.global_step < state.max_steps
        if self.sample is None or not midway or not is_main():
            return
        began = time.monotonic()
        if (began - self.sampled) * _SAMPLE_SHARE < self.sample_seconds:
            return
        try:
            question, answer = self.sample()
        except RuntimeError as error:  # a look at the model is not worth the run
            if not ran_out(error):
                raise
            self.sample = None
            return
        self.progress.sample(state.global_step, question, answer.text, answer.ended)
        self.sampled = time.monotonic()
        self.sample_seconds = self.sampled - began

    def on_step_end(self, args, state, control, **_):
        if state.global_step % _RETURN_EVERY == 0:
            if not on_gpu():
                free_memory.give_back()
        log_due = (
            not on_gpu()
            or state.global_step < self.first + 3
            or time.monotonic() - self.began > _LOG_EVERY
            or control.should_evaluate
            or control.should_save
            or state.global_step >= state.max_steps
        )
        save_due = self.due(time.monotonic() - self.saved)
        stop, log, save = any_process(self.progress.wants_stop(), log_due, save_due)
        control.should_log = control.should_log and (log or stop or save)
        control.should_save = control.should_save or save
        if stop:
            self.stopped = True
            control.should_save = control.should_training_stop = True

    def on_save(self, args, state, control, **_):
        self.saved = time.monotonic()


def _own_part(gradient):
    """The part of a gradient that this process has."""
    return gradient.to_local() if hasattr(gradient, "to_local") else gradient


def early_stopping(patience: int) -> "TrainerCallback":
    """A callback that stops training after `patience` evaluations without a lower loss.

    A resumed run counts on from its checkpoint, where transformers' own begins at zero.
    """
    from transformers import EarlyStoppingCallback

    class EarlyStopping(EarlyStoppingCallback):
        def on_train_begin(self, args, state, control, **rest):
            super().on_train_begin(args, state, control, **rest)
            self.early_stopping_patience_counter = without_gain(state.log_history)

    return EarlyStopping(patience)


def without_gain(log_history: list[dict]) -> int:
    """How many evaluations of a training came after the one of the lowest loss.

    The one before the first step is not counted.
    """
    logs = [record for record in log_history if "eval_loss" in record and record["step"]]
    losses = [record["eval_loss"] for record in logs]
    return len(losses) - 1 - losses.index(min(losses)) if losses else 0


def by_step(log_history: list[dict], name: str) -> list[float]:
    """One value a step: a logged value is the mean since the log before, hence repeated."""
    values, last = [], 0
    for record in log_history:
        if name in record:
            values += [record[name]] * (record["step"] - last)
            last = record["step"]
    return values


def memory_gb() -> float:
    """Peak GPU memory of this process so far in GiB; on a CPU the memory it holds now."""
    if on_gpu():
        import torch

        return torch.cuda.max_memory_allocated() / 2**30
    import psutil

    return psutil.Process().memory_info().rss / 2**30


def train(
    trainer: "Trainer", callback: ProgressCallback, checkpoint: Path | None, progress: Progress
) -> "TrainOutput":
    """Train, from `checkpoint` on if given.

    Raises Stopped after an interrupt, once a checkpoint is saved.
    """
    if checkpoint:
        trainer.args.eval_on_start = False  # it was evaluated before it was stopped
        step = checkpoints.step_of(checkpoint)
        progress.rewind(step)
        progress.say(t("train.resuming", step=step))
        if hasattr(trainer, "restore"):
            trainer.restore(checkpoint)
    else:
        progress.restart()
    trainer.remember_run()
    try:
        output = trainer.train(resume_from_checkpoint=str(checkpoint) if checkpoint else None)
    except KeyboardInterrupt:
        raise Stopped(t("train.stopped_at_once")) from None
    if callback.stopped:
        raise Stopped(t("train.stopped_at_step", step=trainer.state.global_step))
    return output
