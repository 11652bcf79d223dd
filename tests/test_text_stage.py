"""A base that reads plain text before step 02 becomes a base of its own."""

from dataclasses import replace

import pytest
from test_persona import wanted

from twinlib import Stopped, TwinError
from twinlib.models import generate, load
from twinlib.progress import Progress
from twinlib.train import text_stage

TEXT = "修车的人不问车从哪里来，只问它要到哪里去。" * 12


class StopAfter(Progress):
    def __call__(self, done, total, note="", **figures):
        self.stopping = self.stopping or "loss" in figures and done >= 3
        super().__call__(done, total, note, **figures)


def test_every_piece_is_trained_on_or_watched_and_at_most_eight_are_watched():
    for count, watched in ((2, 1), (21, 2), (160, 8), (161, 8), (1000, 8)):
        rows = text_stage.split(list(range(count)))
        assert len(rows["val"]) == watched
        assert sorted(rows["train"] + rows["val"]) == list(range(count))
    assert rows["val"][-1] == 875  # from the whole text, not from its beginning alone


@pytest.mark.slow
def test_a_stopped_text_stage_goes_on_and_its_result_is_a_base_that_knows_the_text(
    tiny_base, tmp_path
):
    chosen = replace(
        wanted(tiny_base, steps=10, learning_rate=1e-2, length=64),
        rank=8,
        packing=True,
        checkpointing="none",
        compile=False,
        precision="32-bit",
    )
    folder, texts = tmp_path / "read", [TEXT] * 4
    history = tmp_path / "history.jsonl"
    with pytest.raises(Stopped):
        text_stage.run(str(tiny_base), texts, folder, chosen, StopAfter(history, fresh=False))
    assert not folder.exists()
    found = text_stage.run(str(tiny_base), texts, folder, chosen, Progress(history, fresh=False))
    assert found["loss"] < found["loss_before"]
    assert [p.name for p in tmp_path.iterdir() if "read" in p.name] == ["read"]
    nats = []
    for base in (str(tiny_base), str(folder)):
        model, tokenizer = load.load(load.prepare(base), precision="32-bit")
        [(value, tokens)] = generate.nll(model, tokenizer, [TEXT])
        nats.append(value / tokens)
    assert nats[1] < nats[0] - 0.3
    with pytest.raises(TwinError, match="too little text"):
        text_stage.run(str(tiny_base), [""], tmp_path / "none", chosen, Progress())
