"""What the score card's rows say and score: replies after one prompt, a head that isn't copied, a
file loaded once.
"""

import pytest
from conftest import build_tiny_base

from twinlib import settings
from twinlib.evaluate import outputs
from twinlib.gguf import writer
from twinlib.models import generate, gguf_vocabulary, llama_cpp
from twinlib.models import load as models
from twinlib.progress import Work
from twinlib.text import templates

ASKED = [{"role": "user", "content": "How do you true a wheel? 车轮怎么校？"}]
REPLIES = [
    "Slowly, half a turn at a time.",
    "慢慢来，半圈半圈地拧。",
    "No.",
    "Rain on the harbour, and the kettle is on already.",
]


@pytest.fixture(scope="module", params=["qwen2", "gemma3"])
def tiny(request, tmp_path_factory):
    base = models.prepare(
        str(build_tiny_base(tmp_path_factory.mktemp(request.param), request.param))
    )
    return models.load(base, precision="32-bit")


def test_replies_that_share_a_prompt_are_scored_as_each_by_itself(tiny):
    """Also where the prompt is longer than Gemma's window of attention (32 tokens here)."""
    import torch

    model, tokenizer = tiny
    prompt = tokenizer(models.render(tokenizer, ASKED, generate=True), add_special_tokens=False)[
        "input_ids"
    ]
    assert len(prompt) > 32
    strides = []
    hook = model.get_output_embeddings().register_forward_hook(
        lambda _, given, out: strides.append(
            given[0].stride()[0] == given[0].shape[1] * given[0].shape[2]
        )
    )
    scored = outputs.reply_nll(model, tokenizer, ASKED, REPLIES)
    hook.remove()
    assert all(strides), "torch would copy the head"
    for text, (nats, tokens) in zip(REPLIES, scored):
        reply = tokenizer(text, add_special_tokens=False)["input_ids"]
        with torch.no_grad():
            logits = (
                model(torch.tensor([prompt + reply]))
                .logits[0, len(prompt) - 1 : -1]
                .log_softmax(-1)
            )
        assert tokens == len(reply)
        assert nats == pytest.approx(
            -float(logits.gather(1, torch.tensor(reply)[:, None]).sum()), rel=1e-4
        )


def test_the_reply_is_picked_that_the_question_makes_likelier_not_the_likeliest(
    twin, tiny, monkeypatch
):
    """Of replies that are nearly as likely whatever is asked, the one that a question changes."""

    def nll(model, tokenizer, messages, texts):
        asked = messages[-1]["content"] == ASKED[0]["content"]
        rare, everyday = (90.0 if asked else 95.0), (20.0 if asked else 20.1)
        return [(rare if text == REPLIES[1] else everyday, 10) for text in texts]

    monkeypatch.setattr(outputs, "reply_nll", nll)
    found = outputs.Outputs(twin, settings.make("evaluate"), lambda *_, **__: None)
    found._sha, found._loaded = {False: "base", True: "twin"}, lambda: tiny
    assert found.picks("twin", [(ASKED, REPLIES), (ASKED, REPLIES[::-1])]) == [1, 2]


@pytest.mark.slow
def test_a_file_is_loaded_once_for_all_its_answers_and_not_at_all_when_they_are_kept(
    twin, tiny_base, monkeypatch
):
    tokenizer = models.tokenizer(models.prepare(str(tiny_base)))
    twin.folder("quantize"), twin.folder("evaluate")
    writer.write(
        tiny_base,
        {"Q8_0": twin.gguf("Q8_0")},
        gguf_vocabulary.read(tokenizer, 600, [2]),
        {"name": "tiny", "template": tokenizer.chat_template},
    )
    loads, load, drawn, ask = [], llama_cpp.Llama, [], llama_cpp.Llama.chat_many
    monkeypatch.setattr(llama_cpp, "Llama", lambda path: loads.append(load(path)) or loads[-1])
    monkeypatch.setattr(
        load,
        "chat_many",
        lambda self, items, **named: drawn.append(named) or ask(self, items, **named),
    )
    asked = [[{"role": "user", "content": f"Nr. {i}?"}] for i in range(5)]
    wanted, seen = settings.make("evaluate", answer_tokens=16), []

    def note(done, total, *_, **__):
        seen.append(done)
        assert total == 5

    for n in (1, 1):
        models_asked = outputs.Outputs(twin, wanted, note, Work({"files": 5}, {}))
        models_asked.batch = 2
        records = models_asked.file_answers("Q8_0", twin.gguf("Q8_0"), asked)
        assert [r["question"] for r in records] == [a[0]["content"] for a in asked] and len(
            loads
        ) == n
    assert loads[0].closed  # its memory is free again
    assert seen[:7] == [0, 0, 1, 2, 2, 2, 3] and seen[-1] == 5, (
        "each answer moves the bar, then each batch"
    )
    assert drawn and all(
        templates.sampling(0.7, outputs.TOP_P).items() <= named.items() for named in drawn
    )


def test_the_model_in_memory_draws_as_the_files_recommend(twin, tiny_base, monkeypatch):
    """Its base, its prompt and its file are compared: all of them draw alike."""
    drawn, real = [], generate.answers
    monkeypatch.setattr(
        generate, "answers", lambda *given, **named: drawn.append(named) or real(*given, **named)
    )
    plain = models.load(models.prepare(str(tiny_base)), precision="32-bit")
    monkeypatch.setattr(models, "load", lambda *_: _without_adapter(plain))
    twin.folder("evaluate")
    wanted = settings.make("evaluate", answer_tokens=16)
    asked = outputs.Outputs(twin, wanted, lambda *_, **__: None)
    asked.use(models.prepare(str(tiny_base)), tiny_base, "32-bit")
    asked.answers("base", [ASKED])
    assert drawn and all(
        templates.sampling(0.7, outputs.TOP_P).items() <= named.items() for named in drawn
    )


def test_what_was_scored_in_4_bits_is_scored_again_in_16(twin, tiny_base, monkeypatch):
    plain, scored = models.load(models.prepare(str(tiny_base)), precision="32-bit"), []

    def count(model, tokenizer, texts, **_):
        scored.append(list(texts))
        return [(1.0, 1) for _ in texts]

    monkeypatch.setattr(models, "load", lambda *_: _without_adapter(plain))
    monkeypatch.setattr(generate, "nll", count)
    twin.folder("evaluate")
    for precision in ("4-bit", "16-bit", "16-bit", "4-bit"):
        asked = outputs.Outputs(twin, settings.make("evaluate"), lambda *_, **__: None)
        asked.use(models.prepare(str(tiny_base)), tiny_base, precision)
        asked.nats(False, ["A text."])
    assert len(scored) == 2, "once in each precision"


def _without_adapter(loaded):
    """A bare model that says it has an adapter, so that it can be left out."""
    import contextlib

    loaded[0].disable_adapter = contextlib.nullcontext
    return loaded
