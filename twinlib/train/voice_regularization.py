"""KL regularisation of practice: on the author's rows the model is held near where it began.

GRPO changes weights that the voice shares. So each step also learns, on a few training rows of step
02, to predict what the adapter predicted before practice: the divergence between both predictions,
which is zero at the start. It is "Learning without Forgetting" (arXiv 1606.09282) for a model that
writes. Of the old predictions the likeliest tokens are kept, and what is left for all others.
"""

import random
from typing import TYPE_CHECKING, NamedTuple

from ..i18n import t
from ..models import load, special_tokens
from ..models.encode import Encoded
from ..models.free_memory import ran_out
from ..text.spacing import evenly
from .training import Training

if TYPE_CHECKING:
    import torch

_ROWS = 256  # of the author's at most
_SHARE = 8  # answers of a step for each of them
_TOGETHER = 4  # rows in a forward and backward pass
_LENGTH = 512  # tokens of a row at most
_LIKELIEST = 64  # tokens of an old prediction that are kept


class OldPrediction(NamedTuple):
    """A row and what was predicted in it.

    `ids` are its tokens, `at` the places whose next token is learnt; `likeliest` (places,
    _LIKELIEST) are token ids, `logps` their log-probabilities before practice.
    """

    ids: list[int]
    at: "torch.Tensor"
    likeliest: "torch.Tensor"
    logps: "torch.Tensor"


class Regularizer:
    """The author's rows of a run; `weight` is how much they count beside the answers."""

    def __init__(self, training: Training):
        """Take the predictions of the model as it is now, which is before practice."""
        settings = training.settings
        self.weight, self.seed = settings.keep_voice, settings.seed
        self.of_a_step, self.together = max(1, settings.batch // _SHARE), _TOGETHER
        wanted = self.weight and settings.engine != "unsloth"
        self.rows = self._predicted(training) if wanted else []

    def _predicted(self, training):
        import torch

        encoded = _rows(training, self.of_a_step)
        model, note, found = training.model, t("train.anchoring"), []
        was_training = model.training
        model.eval()
        for start in range(0, len(encoded), self.together):
            training.progress(start, len(encoded), note)
            group = encoded[start : start + self.together]
            places = [
                torch.tensor(row.completion_mask[1:], device=model.device).nonzero()[:, 0]
                for row in group
            ]
            with torch.no_grad():
                logps = _logps(model, [row.input_ids for row in group], places)
                for row, at, known in zip(group, places, logps):
                    likeliest = known.topk(_LIKELIEST)
                    found.append(
                        OldPrediction(row.input_ids, at, likeliest.indices, likeliest.values)
                    )
        model.train(was_training)
        return found

    def of_step(self, step: int) -> list[OldPrediction]:
        """The rows of a step; the same after the run was resumed."""
        rng = random.Random(f"{self.seed} {step}")
        rows = rng.sample(self.rows, min(self.of_a_step, len(self.rows)))
        return sorted(rows, key=lambda row: len(row.ids))

    def learn(self, model, step: int, backward) -> float:
        """Add the gradients of a step's rows, by `backward(loss)`, and return their divergence.

        In nats a token. Where the memory is short, fewer rows are computed together from then on,
        and one for which it is too short even alone is left out of this run.
        """
        from accelerate.utils.memory import clear_device_cache

        rows, total = self.of_step(step), 0.0
        tokens = sum(len(row.at) for row in rows) or 1
        while rows:
            group = rows[: self.together]
            try:
                divergence = _divergence(model, group)
                backward(self.weight * divergence / tokens)
            except RuntimeError as error:
                if not ran_out(error):
                    raise
                clear_device_cache(garbage_collection=True)
                if len(group) > 1:
                    self.together = len(group) // 2
                    continue
                self.rows = [row for row in self.rows if row is not group[0]]
            else:
                total += float(divergence.detach())
            rows = rows[len(group) :]
        return total / tokens


def _rows(training, of_a_step) -> list[Encoded]:
    """Rows of step 02 whose answers are learnt, at even distances; [] where there are none."""
    twin, settings, tokenizer = training.twin, training.settings, training.tokenizer
    if twin.state("persona").name != "done":
        return []
    records = twin.records("train")
    wanted = min(_ROWS, settings.steps * of_a_step)
    _, end = load.turn_end(tokenizer)
    rows = (
        special_tokens.row(tokenizer, record, end, _LENGTH) for record in evenly(records, wanted)
    )
    return [row for row in rows if row and 1 in row.completion_mask[1:]]


def _logps(model, rows, places):
    """Log-probabilities (places, vocabulary) of the next token in each row, in float32.

    `rows` are lists of token ids, `places` a tensor for each. The rows are computed together.
    """
    import torch

    width = max(map(len, rows))
    ids = torch.tensor([row + [0] * (width - len(row)) for row in rows], device=model.device)
    lengths = torch.tensor([[len(row)] for row in rows], device=model.device)
    mask = (torch.arange(width, device=model.device) < lengths).long()
    kept = torch.cat(places).unique()  # of all rows
    options = {"attention_mask": mask, "logits_to_keep": kept, "use_cache": False}
    logits = model(input_ids=ids, **options).logits
    return [
        logits[i, torch.searchsorted(kept, at)].float().log_softmax(-1)
        for i, at in enumerate(places)
    ]


def _divergence(model, rows):
    """The Kullback-Leibler divergence of the new predictions of rows from the old, in nats."""
    new = _logps(model, [row.ids for row in rows], [row.at for row in rows])
    return sum(_of_row(row, logps) for row, logps in zip(rows, new))


def _of_row(row, logps):
    new, old = logps.gather(1, row.likeliest), row.logps
    likeliest = (old.exp() * (old - new)).sum()
    rest_old, rest_new = _rest(old), _rest(new)
    return likeliest + (rest_old * (rest_old.log() - rest_new.log())).sum()


def _rest(logps):
    """The probability that is left beside some tokens."""
    return (1 - logps.exp().sum(1)).clamp(min=1e-6)
