"""Drawing from the nucleus without sorting the vocabulary is drawing from the nucleus."""

import pytest
import torch

from twinlib.models import generate, load
from twinlib.models.generate import nucleus


def draws(scores, temperature, top_p, count=4000):
    """How often each token is drawn."""
    torch.manual_seed(1)
    rows = torch.tensor(scores).repeat(count, 1)
    chosen = nucleus(temperature, top_p)(None, rows)
    assert ((chosen == 0).sum(-1) == 1).all() and (chosen.isinf().sum(-1) == len(scores) - 1).all()
    return torch.bincount(chosen.argmax(-1), minlength=len(scores)) / count


def test_tokens_outside_the_nucleus_are_never_drawn_and_the_rest_in_proportion():
    shares = torch.tensor([0.1, 0.5, 0.05, 0.35])
    assert draws(shares.log().tolist(), 1.0, 0.8).tolist() == pytest.approx(
        [0, 0.5 / 0.85, 0, 0.35 / 0.85], abs=0.03
    )
    assert draws(shares.log().tolist(), 1.0, 1.0).tolist() == pytest.approx(
        shares.tolist(), abs=0.03
    )
    assert draws(shares.log().tolist(), 1.0, 0.01).tolist() == [0, 1, 0, 0]
    cooler = (shares.log() / 0.5).softmax(-1)
    assert draws(shares.log().tolist(), 0.5, 1.0).tolist() == pytest.approx(
        cooler.tolist(), abs=0.03
    )


def test_a_flat_distribution_is_drawn_from_as_a_whole():
    """The 256 most likely of 1,000 equal tokens hold a quarter, so that all must be looked at."""
    found = draws([0.0] * 1000, 1.0, 1.0)
    assert (found > 0).sum() > 950


def test_it_keeps_the_tokens_that_transformers_top_p_keeps():
    from transformers import TopPLogitsWarper

    torch.manual_seed(2)
    for scale in (1.0, 4.0):
        scores = scale * torch.randn(1, 600)
        kept = ~TopPLogitsWarper(0.9)(None, scores / 0.7).isinf()[0]
        drawn = draws(scores[0].tolist(), 0.7, 0.9) > 0
        assert not (drawn & ~kept).any() and drawn.sum() > 0.5 * min(kept.sum(), 200)


def test_only_the_likeliest_are_drawn_and_what_was_said_lately_less():
    scores = torch.tensor([0.1, 0.5, 0.05, 0.35]).log()

    def shares(said, **cuts):
        torch.manual_seed(1)
        rows = scores.repeat(4000, 1)
        chosen = nucleus(1.0, 1.0, **cuts)(torch.tensor([said]).repeat(4000, 1), rows).argmax(-1)
        return (torch.bincount(chosen, minlength=4) / 4000).tolist()

    assert shares([0], top_k=2) == pytest.approx([0, 0.5 / 0.85, 0, 0.35 / 0.85], abs=0.03)
    assert shares([0], min_p=0.6) == pytest.approx([0, 0.5 / 0.85, 0, 0.35 / 0.85], abs=0.03)
    assert shares([0], min_p=0.6, top_k=1) == [0, 1, 0, 0]
    penalised = scores.clone()
    penalised[1] *= 2  # logits below 0 are multiplied
    assert shares([1, 1], repeat_penalty=2.0) == pytest.approx(
        penalised.softmax(-1).tolist(), abs=0.03
    )
    assert shares([1, *[2] * 64], repeat_penalty=2.0)[1] > 0.45  # long ago


def test_the_penalty_is_that_of_transformers_for_what_was_said_lately():
    from transformers import RepetitionPenaltyLogitsProcessor

    torch.manual_seed(3)
    scores, said = 3 * torch.randn(2, 50), torch.tensor([[1, 2, 2], [4, 5, 1]])
    wanted = RepetitionPenaltyLogitsProcessor(1.3)(said, scores.clone()).argmax(-1)
    assert (
        nucleus(1.0, 1.0, top_k=1, repeat_penalty=1.3)(said, scores).argmax(-1).tolist()
        == wanted.tolist()
    )


def test_an_answer_is_cut_as_it_is_asked_for(tiny_base):
    model, tokenizer = load.load(load.prepare(str(tiny_base)), precision="32-bit")
    asked = [[{"role": "user", "content": "Tea or coffee?"}]]

    def said(temperature, **more):
        how = {"temperature": temperature, **more}
        return generate.answers(model, tokenizer, asked, 12, **how)[0].text

    assert {said(5.0, seed=seed, top_k=1) for seed in (1, 2)} == {said(0)}
    assert said(5.0, seed=1) != said(5.0, seed=2)
    assert said(5.0, top_k=1, repeat_penalty=9.0) != said(0)


@pytest.mark.parametrize("temperature", [0, 0.7])
def test_the_head_is_given_its_states_in_one_piece_and_says_the_same(tiny_base, temperature):
    """Also a slice of one row and one place, which counts as contiguous whatever its strides
    are."""
    model, tokenizer = load.load(load.prepare(str(tiny_base)), precision="32-bit")
    strides = []
    handle = model.get_output_embeddings().register_forward_hook(
        lambda _, given, out: strides.append(
            given[0].stride()[0] == given[0].shape[1] * given[0].shape[2]
        )
    )
    prompt = load.render(tokenizer, [{"role": "user", "content": "Tea or coffee?"}], generate=True)
    ids = tokenizer(prompt, return_tensors="pt", add_special_tokens=False)["input_ids"]
    plain = model.generate(ids, max_new_tokens=6, do_sample=False, eos_token_id=[])[
        0, ids.shape[1] :
    ]
    assert not all(strides)
    strides.clear()
    [said] = generate.answers(
        model,
        tokenizer,
        [[{"role": "user", "content": "Tea or coffee?"}]],
        6,
        temperature=temperature,
    )
    handle.remove()
    assert strides and all(strides)
    if not temperature:
        assert said.text == tokenizer.decode(plain, skip_special_tokens=True).strip()


def test_a_long_batch_is_counted_while_it_is_answered(tiny_base):
    model, tokenizer = load.load(load.prepare(str(tiny_base)), precision="32-bit")
    asked = [[{"role": "user", "content": f"Tea or coffee, {n}?"}] for n in range(7)]
    calls, most = [], 40
    answers = generate.answers(
        model, tokenizer, asked, most, seed=1, batch=4, progress=lambda *now: calls.append(now)
    )
    assert calls[0] == (0, 7) and calls[-1] == (7, 7) and calls == sorted(set(calls))
    longest = max(answer.tokens for answer in answers[:4])
    assert longest > most / 4 and len(calls) > 3, "more than one for each batch and the beginning"
    said = generate.answers(model, tokenizer, asked, most, seed=1, batch=4)
    assert said == answers, "counting changes no word"


def test_where_memory_is_short_fewer_rows_are_computed_together(tiny_base):
    """Its largest batch is remembered; a row that doesn't fit alone, and other errors, are told."""
    model, tokenizer = load.load(load.prepare(str(tiny_base)), precision="32-bit")
    asked = [[{"role": "user", "content": f"Tea or coffee, {n}?"}] for n in range(7)]
    texts, fits, sizes = [f"Tea and coffee, {n}." for n in range(7)], 6, []

    def limited(_, given, named):
        size = len(named["input_ids"])
        sizes.append(size)
        if size > fits:
            raise torch.OutOfMemoryError("CUDA out of memory")

    def computed():
        sizes.clear()
        said = generate.answers(model, tokenizer, asked, 4, temperature=0, batch=6)
        return [answer.text for answer in said], generate.nll(model, tokenizer, texts, batch=4)

    handle = model.register_forward_pre_hook(limited, with_kwargs=True)
    said, scores = computed()
    assert max(sizes) == 6
    fits = 3
    again, rescored = computed()
    assert sizes[:2] == [6, 3] and again == said
    assert [s[0] for s in rescored] == pytest.approx([s[0] for s in scores], rel=1e-4)
    computed()
    assert max(sizes) == 3, "what did not fit is not tried again"
    fits = 0
    with pytest.raises(torch.OutOfMemoryError):
        computed()
    assert sizes[-1] == 1
    handle.remove()
    with pytest.raises(RuntimeError, match="another"):
        generate._in_batches(model, [1, 2], 2, fail)
    assert generate._fits[model].get("fail") is None


def fail(start, chosen):
    raise RuntimeError("another fault")
