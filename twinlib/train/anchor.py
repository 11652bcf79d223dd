"""Practice that leaves the voice alone: on the author's rows the model is held near where it began.

GRPO changes weights that the voice shares. So each step also learns, on a few training rows of step
02, to predict what the adapter predicted before practice: the divergence between both predictions,
which is zero at the start. It is "Learning without Forgetting" (arXiv 1606.09282) for a model that
writes. Of the old predictions the likeliest tokens are kept, and what is left for all others.
"""

import random
from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

from ..i18n import t
from ..models import letters, load
from ..models.encode import Encoded
from .in_parts import ran_out
from .persona import Training

if TYPE_CHECKING:
    import torch

_ROWS = 256  # of the author's at most
_SHARE = 8  # answers of a step for each of them
_LENGTH = 512  # tokens of a row at most
_LIKELIEST = 64  # tokens of an old prediction that are kept


class Anchored(NamedTuple):
    """A row and what was predicted in it.

    `at` are the places whose next token is learnt; `likeliest` (places, _LIKELIEST) are token ids,
    `logps` their log-probabilities before practice.
    """

    ids: "torch.Tensor"
    at: "torch.Tensor"
    likeliest: "torch.Tensor"
    logps: "torch.Tensor"


class Anchor:
    """The author's rows of a run; `weight` is how much they count beside the answers."""

    def __init__(self, training: Training):
        """Take the predictions of the model as it is now, which is before practice."""
        settings = training.settings
        self.weight, self.seed = settings.keep_voice, settings.seed
        self.at_once = max(1, settings.batch // _SHARE)
        wanted = self.weight and settings.engine != "unsloth"
        self.rows = list(self._predicted(training)) if wanted else []

    def _predicted(self, training) -> Iterator[Anchored]:
        import torch

        rows = _rows(training, self.at_once)
        model, note = training.model, t("train.anchoring")
        was_training = model.training
        model.eval()
        for done, row in enumerate(rows):
            training.progress(done, len(rows), note)
            ids = torch.tensor(row.input_ids, device=model.device)
            learnt = torch.tensor(row.completion_mask[1:], device=model.device)
            at = learnt.nonzero()[:, 0]
            with torch.no_grad():
                likeliest = _logps(model, ids, at).topk(_LIKELIEST)
            yield Anchored(ids, at, likeliest.indices, likeliest.values)
        model.train(was_training)

    def of_step(self, step: int) -> list[Anchored]:
        """The rows of a step; the same after the run was resumed."""
        rng = random.Random(f"{self.seed} {step}")
        return rng.sample(self.rows, min(self.at_once, len(self.rows)))

    def learn(self, model, step: int, backward) -> float:
        """Add the gradients of a step's rows, by `backward(loss)`, and return their divergence.

        In nats a token. A row for which the memory is short is left out of this run.
        """
        rows = self.of_step(step)
        tokens, total = sum(len(row.at) for row in rows) or 1, 0.0
        for row in rows:
            try:
                divergence = _divergence(model, row)
                backward(self.weight * divergence / tokens)
            except RuntimeError as error:
                if not ran_out(error):
                    raise
                self.rows = [other for other in self.rows if other is not row]
                continue
            total += float(divergence.detach())
        return total / tokens


def _rows(training, at_once) -> list[Encoded]:
    """Rows of step 02 whose answers are learnt, at even distances; [] where there are none."""
    twin, settings, tokenizer = training.twin, training.settings, training.tokenizer
    if twin.state("persona").name != "done":
        return []
    records = twin.records("train")
    wanted = min(_ROWS, settings.steps * at_once)
    records = records[:: max(1, len(records) // wanted)][:wanted]
    _, end = load.turn_end(tokenizer)
    found = [letters.row(tokenizer, record, end, _LENGTH) for record in records]
    return [row for row in found if row and 1 in row.completion_mask[1:]]


def _logps(model, ids, at):
    """Log-probabilities (places, vocabulary) of the token after each place of a row, in float32."""
    logits = model(input_ids=ids[None], logits_to_keep=at, use_cache=False).logits[0]
    return logits.float().log_softmax(-1)


def _divergence(model, row):
    """The Kullback-Leibler divergence of the new predictions of a row from the old, in nats."""
    new = _logps(model, row.ids, row.at).gather(1, row.likeliest)
    old = row.logps
    likeliest = (old.exp() * (old - new)).sum()
    rest_old, rest_new = _rest(old), _rest(new)
    return likeliest + (rest_old * (rest_old.log() - rest_new.log())).sum()


def _rest(logps):
    """The probability that is left beside some tokens."""
    return (1 - logps.exp().sum(1)).clamp(min=1e-6)
