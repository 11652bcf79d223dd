"""The embedded base: its tokenizer merges as Gemma's does, its weights say sensible things.
Converted once, kept."""

import json

import pytest

from twinlib.models import generate, load, pip_base

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def gemma():
    return load.prepare("gemma-3-270m")


def test_merges_come_in_the_order_of_the_merged_tokens():
    tokens = ["<s>", "ab", "abc", "a", "b", "c", "bc"]
    types = [pip_base.CONTROL] + [pip_base.NORMAL] * 6
    assert pip_base.merges_of(tokens, types) == [("a", "b"), ("ab", "c"), ("a", "bc"), ("b", "c")]


@pytest.mark.parametrize(
    "text, ids",
    [
        ("hello world", [23391, 1902]),
        ("你好 hello", [144626, 29104]),
        ("<start_of_turn>user\n", [105, 2364, 107]),
        ("  😀", [138, 0]),
    ],
)
def test_text_becomes_gemmas_own_tokens(gemma, text, ids):
    tokenizer = load.tokenizer(gemma)
    found = tokenizer(text, add_special_tokens=False)["input_ids"]
    assert found[:1] == ids[:1] if ids[-1] == 0 else found == ids
    assert tokenizer.decode(found) == text


def test_the_first_token_is_bos_and_the_end_of_turn_is_not_padding(gemma):
    tokenizer = load.tokenizer(gemma)
    assert tokenizer("x")["input_ids"][0] == tokenizer.bos_token_id == 2
    assert load.turn_end(tokenizer) == ("<end_of_turn>", 106)
    assert load.end_tokens(tokenizer) == [1, 106] and tokenizer.pad_token_id == 0


def test_the_converted_weights_find_real_sentences_likelier_than_shuffled_ones(gemma):
    model, tokenizer = load.load(gemma)
    real, shuffled = "今天天气不错，我们去海边走走吧。", "吧海我不，走去今们气天错。走边天"
    (real_nats, _), (shuffled_nats, _) = generate.nll(model, tokenizer, [real, shuffled])
    assert real_nats / len(real) < 5.0 < shuffled_nats / len(shuffled)


def test_it_is_converted_once(gemma):
    ready = gemma.path / "ready.json"
    before = (gemma.path / "model.safetensors").stat().st_mtime_ns
    assert json.loads(ready.read_text())["sha256"] == pip_base.GEMMA_SHA256
    assert load.prepare("gemma-3-270m").path == gemma.path
    assert (gemma.path / "model.safetensors").stat().st_mtime_ns == before
    assert not list(gemma.path.glob("*.gguf"))


def test_the_vocabulary_for_gguf_is_whole(gemma):
    tokens, scores, types = pip_base.vocabulary(gemma.path)
    assert len(tokens) == len(scores) == len(types) == 262144
    assert tokens[106] == "<end_of_turn>" and types[106] == pip_base.CONTROL
    assert scores[23391] == -23391.0
