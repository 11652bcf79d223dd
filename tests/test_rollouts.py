"""Our sampler writes what transformers writes, from the policy that is being trained."""

import math

import pytest
import torch
from conftest import build_tiny_base

from twinlib.models import generate, load, low_rank, rollouts, special_tokens

FAMILIES = ("qwen2", "qwen3", "llama", "gemma3")
QUESTIONS = (
    "Which is larger, 9.9 or 9.11?",
    "9.9和9.11哪个更大？请一步步想，最后写“答案：”和数字。",
    "Hi",
    "A baker sells 48 loaves in the morning and half as many at noon. " * 3 + "How many is that?",
)


def moved(folder, precision="32-bit"):
    """(model, tokenizer) of a base whose LoRA is no longer zero."""
    model, tokenizer = load.load(load.prepare(str(folder)), None, precision, load.Lora(4))
    torch.manual_seed(3)
    for name, weight in model.named_parameters():
        if "lora_B" in name:
            weight.data.normal_(0, 0.6)
    return model, tokenizer


def asked(tokenizer):
    return [special_tokens.prompt(tokenizer, [{"role": "user", "content": q}]) for q in QUESTIONS]


def by_transformers(model, tokenizer, prompt, tokens):
    """The tokens that transformers' generate writes for one prompt alone, greedily."""
    with torch.no_grad():
        out = model.eval().generate(
            input_ids=torch.tensor([prompt]),
            attention_mask=torch.ones(1, len(prompt), dtype=torch.long),
            max_new_tokens=tokens,
            do_sample=False,
            eos_token_id=load.end_tokens(tokenizer),
            pad_token_id=tokenizer.pad_token_id,
        )
    return out[0, len(prompt) :].tolist()


def logprobs_of(model, prompt, tokens):
    """The log-probability of each token after a prompt, by a plain forward pass."""
    with torch.no_grad():
        logits = model.eval()(input_ids=torch.tensor([prompt + tokens])).logits[0]
    found = logits[len(prompt) - 1 : -1].log_softmax(-1)
    return found.gather(-1, torch.tensor(tokens)[:, None])[:, 0]


@pytest.fixture(scope="module", params=FAMILIES)
def tiny(request, tmp_path_factory):
    return moved(build_tiny_base(tmp_path_factory.mktemp(request.param), request.param))


def test_greedy_answers_are_those_of_transformers_token_for_token(tiny):
    model, tokenizer = tiny
    assert rollouts.fits(model)
    prompts = asked(tokenizer)
    expected = [by_transformers(model, tokenizer, prompt, 40) for prompt in prompts]
    sampler = rollouts.Sampler(model, tokenizer, 40)
    # Two tokens that the random model comes to write become ends, so that answers end early.
    late = [max(tokens, key=tokens.index) for tokens in expected]
    sampler.ends = [*sampler.ends, *late[:2]]
    found = sampler.sample(prompts, temperature=0)
    for rollout, tokens in zip(found, expected):
        length = next((k + 1 for k, t in enumerate(tokens) if t in sampler.ends), len(tokens))
        assert rollout.tokens == tokens[:length]
        assert rollout.ended == (tokens[length - 1] in sampler.ends)
    assert len({len(rollout.tokens) for rollout in found}) > 1
    assert model.training is False and "forward" not in low_rank.lora_layers(model)[0].__dict__


def with_system(tokenizer, count=10):
    """Prompts that begin with the same 70 words and differ in length."""
    system = {"role": "system", "content": "You are Ning, who writes about rivers. " * 10}
    users = [{"role": "user", "content": f"{'So, ' * n}{QUESTIONS[n % 3]}"} for n in range(count)]
    return [special_tokens.prompt(tokenizer, [system, user]) for user in users]


def test_what_all_prompts_begin_with_is_read_once(tiny):
    model, tokenizer = tiny
    prompts, read = with_system(tokenizer), []
    expected = [by_transformers(model, tokenizer, prompt, 6) for prompt in prompts]
    hook = model.register_forward_pre_hook(lambda *_: read.append("peft"))
    inner = model.get_base_model().register_forward_pre_hook(
        lambda module, args, kwargs: read.append(kwargs["input_ids"].numel()), with_kwargs=True
    )
    try:
        sampler = rollouts.Sampler(model, tokenizer, 6, rows=20)
        twice = sampler.sample(prompts, copies=2, temperature=0)
        decoded = [count for count in read if count <= 20]
    finally:
        hook.remove()
        inner.remove()
    assert [r.tokens for r in twice] == [t for tokens in expected for t in (tokens, tokens)]
    shared = next(n for n, tokens in enumerate(zip(*prompts)) if len(set(tokens)) > 1)
    longest = max(map(len, prompts))
    assert shared > 60 and len(decoded) == 5
    assert sum(read) - sum(decoded) == shared + len(prompts) * (longest - shared)


def test_an_answer_that_is_cut_off_goes_on_with_its_ending(tiny):
    model, tokenizer = tiny
    prompts = asked(tokenizer)
    thoughts = [by_transformers(model, tokenizer, prompt, 8) for prompt in prompts]
    endings = [
        rollouts.Ending(special_tokens.plain(tokenizer, text), more)
        for text, more in (("\n\nAnswer:", 14), ("\n\n答案：", 3), ("So", 9), ("So", 9))
    ]
    assert len({len(ending.tokens) for ending in endings}) > 1
    sampler = rollouts.Sampler(model, tokenizer, 8)
    stops = thoughts[3][4]  # ends the last answer, if no other one before
    sampler.ends = [*sampler.ends, stops]
    found = sampler.sample(
        prompts, 1, 0, endings=endings, is_over=lambda tokens: tokens == thoughts[2]
    )
    for number, (rollout, thought, ending) in enumerate(zip(found, thoughts, endings)):
        ends = [k for k, token in enumerate(thought) if token in sampler.ends]
        if ends:
            assert rollout.tokens == thought[: ends[0] + 1] and rollout.ended
            continue
        if number == 2:
            assert rollout.tokens == thought and not rollout.ended
            continue
        start = prompts[number] + thought + ending.tokens
        rest = by_transformers(model, tokenizer, start, ending.more)
        length = next((k + 1 for k, t in enumerate(rest) if t in sampler.ends), len(rest))
        assert rollout.tokens == thought + ending.tokens + rest[:length]
        assert rollout.ended == (rest[length - 1] in sampler.ends)
        assert len(rollout.logprobs) == len(rollout.tokens)
    assert any(len(rollout.tokens) > 8 for rollout in found) and found[3].ended


def test_log_probabilities_are_those_of_the_model_in_training(tiny):
    model, tokenizer = tiny
    prompts = asked(tokenizer)
    torch.manual_seed(0)
    found = rollouts.Sampler(model.train(), tokenizer, 24).sample(prompts, copies=3)
    assert model.training and len(found) == 3 * len(prompts)
    for number, rollout in enumerate(found):
        expected = logprobs_of(model, prompts[number // 3], rollout.tokens)
        torch.testing.assert_close(torch.tensor(rollout.logprobs), expected, atol=2e-4, rtol=1e-3)
    with model.disable_adapter():
        of_base = logprobs_of(model, prompts[0], found[0].tokens)
    assert (of_base - torch.tensor(found[0].logprobs)).abs().mean() > 0.01


def test_a_disabled_adapter_does_not_answer(tiny):
    model, tokenizer = tiny
    prompts, sampler = asked(tokenizer), rollouts.Sampler(model, tokenizer, 12)
    adapted = sampler.sample(prompts, temperature=0)
    with model.disable_adapter():
        found = sampler.sample(prompts, temperature=0)
        expected = [by_transformers(model, tokenizer, prompt, 12) for prompt in prompts]
    assert [r.tokens for r in found] == expected != [r.tokens for r in adapted]


def test_norms_in_one_kernel_are_the_same_norms(tiny):
    model, tokenizer = tiny
    prompt = torch.tensor([asked(tokenizer)[1]])
    with torch.no_grad():
        usual = model.eval()(input_ids=prompt).logits
        with rollouts._one_kernel_norms(model.get_base_model()):
            fused = model(input_ids=prompt).logits
    torch.testing.assert_close(fused, usual, atol=1e-4, rtol=1e-4)


def test_progress_counts_answers_and_can_stop_them(tiny):
    model, tokenizer = tiny
    prompts, counts = asked(tokenizer), []
    sampler = rollouts.Sampler(model, tokenizer, 8, rows=4)
    sampler.sample(prompts, copies=2, progress=lambda *count: counts.append(count))
    assert counts[0] == (0, 8) and counts[-1] == (8, 8) and len(counts) == len(set(counts)) > 4

    def stop(*_):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        sampler.sample(prompts, progress=stop)
    assert "forward" not in low_rank.lora_layers(model)[0].__dict__


def test_the_newest_adapter_answers_at_every_call(tiny):
    model, tokenizer = tiny
    prompts, sampler = asked(tokenizer), rollouts.Sampler(model, tokenizer, 16)
    before = sampler.sample(prompts, temperature=0)
    kept = {n: w.data.clone() for n, w in model.named_parameters() if "lora_B" in n}
    try:
        for name, weight in model.named_parameters():
            if name in kept:
                weight.data.mul_(-3)
        after = sampler.sample(prompts, temperature=0)
        for rollout, prompt in zip(after, prompts):
            assert rollout.tokens == by_transformers(model, tokenizer, prompt, 16)
        assert [r.tokens for r in after] != [r.tokens for r in before]
    finally:
        for name, weight in model.named_parameters():
            if name in kept:
                weight.data.copy_(kept[name])


@pytest.fixture(scope="module")
def qwen(tiny_base):
    return moved(tiny_base)


def test_samples_follow_the_distribution(qwen):
    """Of 600 first tokens, each likely token's share is within four standard errors."""
    model, tokenizer = qwen
    prompt = asked(tokenizer)[0]
    torch.manual_seed(1)
    found = rollouts.Sampler(model, tokenizer, 1, rows=600).sample([prompt], 600, temperature=0.5)
    with torch.no_grad():
        p = (model.eval()(input_ids=torch.tensor([prompt])).logits[0, -1] / 0.5).softmax(-1)
    for token in p.topk(5).indices.tolist():
        share, expected = sum(r.tokens == [token] for r in found) / 600, float(p[token])
        assert abs(share - expected) < 4 * math.sqrt(expected * (1 - expected) / 600)
    narrow = rollouts.Sampler(model, tokenizer, 1, rows=600).sample([prompt], 600, 1.0, top_p=0.05)
    ordered = (p.sqrt() / p.sqrt().sum()).sort(descending=True)
    kept = int((ordered.values.cumsum(0) - ordered.values < 0.05).sum())
    assert {r.tokens[0] for r in narrow} <= set(ordered.indices[:kept].tolist())


def test_batches_shrink_and_prompts_that_do_not_fit_wait(qwen):
    model, tokenizer = qwen
    prompts = asked(tokenizer)
    whole = rollouts.Sampler(model, tokenizer, 20, rows=64).sample(prompts, 2, temperature=0)
    parts = rollouts.Sampler(model, tokenizer, 20, rows=3).sample(prompts, 2, temperature=0)
    assert [r.tokens for r in whole] == [r.tokens for r in parts]
    assert rollouts._bucket(64, 48, 8) == 48 and rollouts._bucket(64, 33, 8) == 48
    assert rollouts._bucket(64, 32, 8) == 32 and rollouts._bucket(64, 1, 8) == 8
    assert rollouts._bucket(6, 4, 8) == 6 and rollouts._bucket(5, 1, 1) == 1


def test_half_as_many_are_answered_at_once_when_memory_runs_out(qwen, monkeypatch):
    model, tokenizer = qwen
    prompts, sampler = asked(tokenizer), rollouts.Sampler(model, tokenizer, 12, rows=8)
    expected, sizes, batch = sampler.sample(prompts, 2, temperature=0), [], sampler._batch

    def small(chosen, *rest):
        sizes.append(len(chosen))
        if len(chosen) > 2:
            raise torch.OutOfMemoryError
        return batch(chosen, *rest)

    monkeypatch.setattr(sampler, "_batch", small)
    found = sampler.sample(prompts, 2, temperature=0)
    assert [r.tokens for r in found] == [r.tokens for r in expected] and sizes == [4, 2, 2]


def test_answers_are_texts_and_other_models_fall_back(qwen, monkeypatch):
    model, tokenizer = qwen
    conversations = [[{"role": "user", "content": q}] for q in QUESTIONS]
    expected = generate.answers(model.eval(), tokenizer, conversations, 12, temperature=0)
    assert rollouts.answers(model, tokenizer, conversations, 12, 0) == expected
    assert rollouts.answers(model, tokenizer, [], 12, 0) == []
    monkeypatch.setattr(model.get_base_model().config, "model_type", "rwkv7")
    assert not rollouts.fits(model)
    twice = rollouts.answers(model, tokenizer, conversations[:1], 12, 0, copies=2)
    assert twice == expected[:1] * 2


@pytest.mark.slow(seconds=60)
def test_a_real_base_writes_the_same_in_float32():
    base = load.prepare("qwen2.5-coder-0.5b-instruct")
    model, tokenizer = load.load(base, None, "32-bit")
    conversations = [[{"role": "user", "content": q}] for q in QUESTIONS[:3]]
    expected = generate.answers(model, tokenizer, conversations, 48, temperature=0)
    assert rollouts.answers(model, tokenizer, conversations, 48, 0) == expected
    assert any(answer.ended for answer in expected)
