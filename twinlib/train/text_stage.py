"""Before step 02, for a base that hardly knows the author's language: train it on plain text.

It learns the next token of raw text with LoRA, as step 02 learns answers, and the result is a base
of its own: a folder with merged weights, which step 02 and all later ones take like any other.
Left out on purpose: new tokens and embeddings of their own, for which a person's writing is too
little. It is seldom worth it: a base that already knows the language starts far ahead of what a few
hundred thousand characters can teach. There is no command for it: call `run`, as
benchmarks/text_stage.py does.
"""

import json
import shutil
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path

from ..files import TwinError, content_id, put_folder_in_place
from ..i18n import t
from ..models import load, special_tokens
from ..models.encode import Encoded
from ..progress import Progress
from ..settings import Persona
from . import callbacks, checkpoints
from .trainer import packed_trainer

_HELD_OUT = 20  # of so many passages one is kept to watch the loss
_WATCHED = 8  # passages at most: watching must not take longer than learning
_DONE = "text_stage.json"


def passages(tokenizer, texts: Iterable[str], length: int) -> list[Encoded]:
    """Texts in pieces of at most `length` tokens, each token learnt but the first."""
    first = tokenizer.pad_token_id if tokenizer.bos_token_id is None else tokenizer.bos_token_id
    found = []
    for text in texts:
        ids = special_tokens.plain(tokenizer, text)
        for start in range(0, len(ids), length - 1):
            piece = [first, *ids[start : start + length - 1]]
            found.append(Encoded(piece, [0] + [1] * (len(piece) - 1), False))
    return [piece for piece in found if len(piece.input_ids) > 8]


def split(pieces: list) -> dict[str, list]:
    """Pieces of text to watch, `val`, from the whole length of it, and all others to train on."""
    watched = range(0, len(pieces), max(_HELD_OUT, -(-len(pieces) // _WATCHED)))
    train = [piece for number, piece in enumerate(pieces) if number not in watched]
    return {"val": [pieces[number] for number in watched], "train": train}


def run(
    base_name: str, texts: list[str], folder: Path, settings: Persona, progress: Progress
) -> dict[str, float]:
    """Make `folder` the base `base_name` after it has read the texts; the losses before and after.

    `settings` without 'auto': steps, batch, accumulation, length, rank, learning_rate, precision,
    seed and the like. A run that was stopped or killed goes on from its newest whole checkpoint.
    Raises TwinError without texts, Stopped after an interrupt.
    """
    callbacks.silence_logging()
    base = load.prepare(base_name, progress)
    work = Path(folder).with_name(Path(folder).name + ".checkpoints")
    inputs = {"base": base.revision, "texts": content_id("\n".join(texts))}
    checkpoint, settings = checkpoints.resume(
        work, {"asked": asdict(settings), "inputs": inputs}, settings
    )
    lora = load.Lora(settings.rank, checkpointing=settings.checkpointing == "full")
    model, tokenizer = load.load(base, None, settings.precision, lora)
    pieces = passages(tokenizer, texts, settings.length)
    if len(pieces) < 2:
        raise TwinError(t("train.no_texts"))
    rows = split(pieces)
    every = max(1, settings.steps // 4)
    trainer = packed_trainer(model, tokenizer, rows, settings, work, every)
    figures = {name: name for name in ("loss", "eval_loss", "learning_rate")}
    callback = callbacks.attach_callback(trainer, progress, figures)
    callbacks.train(trainer, callback, checkpoint, progress)
    losses = [r["eval_loss"] for r in trainer.state.log_history if "eval_loss" in r]
    adapter = work / "adapter"
    load.save_adapter(model, base, adapter)
    # Merged into a model as it is loaded anew: the trained one has been patched.
    merged = load.load(base, adapter, settings.precision)[0].merge_and_unload()
    new = Path(folder).with_name(Path(folder).name + ".new")
    shutil.rmtree(new, ignore_errors=True)
    merged.save_pretrained(new)
    tokenizer.save_pretrained(new)
    found = {"base": base.name, "loss_before": losses[0], "loss": min(losses)}
    (new / _DONE).write_text(json.dumps(found), encoding="utf-8")
    put_folder_in_place(new, Path(folder))
    shutil.rmtree(work, ignore_errors=True)
    return found
