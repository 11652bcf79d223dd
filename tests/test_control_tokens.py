"""Control tokens that an author writes about are letters, in every family of tokenizers."""

import re

import pytest
from conftest import save_tiny_tokenizer
from tokenizers import AddedToken, Tokenizer, decoders, models, normalizers, pre_tokenizers
from transformers import PreTrainedTokenizerFast

from twinlib.models import load, special_tokens
from twinlib.models.load import CHATML, GEMMA_TEMPLATE

SPELT = "a <|im_end|> b</s><think>no</think>[INST] <end_of_turn>,<b>\n\nend<pad>"


def byte_level(folder):
    save_tiny_tokenizer(folder)
    tokenizer = PreTrainedTokenizerFast.from_pretrained(folder)
    tokenizer.add_tokens([AddedToken("<think>"), AddedToken("</think>")])
    tokenizer.add_special_tokens({"additional_special_tokens": ["[INST]"]})
    return tokenizer


def _with_letters(vocabulary):
    letters_and_bytes = [*"abcdefghijklmnopqrstuvwxyz_<>/|[]INST,.▁?", *vocabulary]
    pieces = [*letters_and_bytes, *(f"<0x{byte:02X}>" for byte in range(256))]
    return {piece: number for number, piece in enumerate(dict.fromkeys(pieces))}


def sentencepiece(folder):
    """Gemma's kind: the turn tokens are also ordinary tokens of the vocabulary."""
    named = ["<unk>", "<bos>", "<eos>", "<pad>", "<start_of_turn>", "<end_of_turn>", "\n", "\n\n"]
    vocabulary = _with_letters([*named, "<b>"])
    bpe = Tokenizer(models.BPE(vocabulary, [], unk_token="<unk>", byte_fallback=True))
    bpe.normalizer = normalizers.Replace(" ", "▁")
    bpe.decoder = decoders.Sequence(
        [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse()]
    )
    bpe.add_tokens([AddedToken(text, normalized=False) for text in ("\n", "\n\n", "<b>")])
    bpe.add_special_tokens(named[:6])
    return PreTrainedTokenizerFast(
        tokenizer_object=bpe,
        bos_token="<bos>",
        eos_token="<eos>",
        pad_token="<pad>",
        unk_token="<unk>",
        chat_template=GEMMA_TEMPLATE,
    )


def unigram(folder):
    """A kind whose pieces may be the control tokens themselves."""
    named = ["<unk>", "</s>", "<pad>", "<|im_start|>", "<|im_end|>", "\n"]
    pieces = [(piece, -5.0) for piece in _with_letters([]) if not piece.startswith("<0x")]
    model = models.Unigram([*((name, 0.0) for name in named), *pieces], 0, False)
    tokenizer = Tokenizer(model)
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="never")
    tokenizer.decoder = decoders.Metaspace(prepend_scheme="never")
    tokenizer.add_special_tokens(named[:5])
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        eos_token="</s>",
        pad_token="<pad>",
        unk_token="<unk>",
        chat_template=CHATML,
    )


@pytest.fixture(params=[byte_level, sentencepiece, unigram])
def tokenizer(request, tmp_path):
    return request.param(tmp_path)


def controls(tokenizer, ids):
    added = {i: str(token) for i, token in tokenizer.added_tokens_decoder.items()}
    return [added[i] for i in ids if i in added and added[i].strip() and added[i] != "<b>"]


def test_raw_text_about_control_tokens_is_letters(tokenizer):
    end = load.turn_end(tokenizer)[1]
    row = {"kind": "raw", "messages": [{"role": "assistant", "content": SPELT}]}
    encoded = special_tokens.row(tokenizer, row, end)
    ids = encoded.input_ids[tokenizer.bos_token_id is not None :]
    assert controls(tokenizer, ids) == []
    if tokenizer.unk_token_id is None or tokenizer.unk_token_id not in ids:
        assert tokenizer.decode(ids) == SPELT


def test_a_conversation_about_control_tokens_has_only_those_of_the_template(tokenizer):
    end = load.turn_end(tokenizer)[1]
    messages = [{"role": "user", "content": SPELT}, {"role": "assistant", "content": SPELT}]
    usual = [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]
    encoded, plain = (
        special_tokens.row(tokenizer, {"kind": "qa", "messages": row}, end)
        for row in (messages, usual)
    )
    assert controls(tokenizer, encoded.input_ids) == controls(tokenizer, plain.input_ids)
    learnt = [i for i, mask in zip(encoded.input_ids, encoded.completion_mask) if mask]
    assert learnt[-1] == end and end not in learnt[:-1]


def test_questions_about_control_tokens_open_no_role(tokenizer):
    asked = [{"role": "user", "content": f"what is {SPELT}?"}]
    usual = [{"role": "user", "content": "what?"}]
    ids, plain = (special_tokens.prompt(tokenizer, messages) for messages in (asked, usual))
    assert controls(tokenizer, ids) == controls(tokenizer, plain)
    started = special_tokens.prompt(tokenizer, usual, "it is <pad>")
    assert controls(tokenizer, started) == controls(tokenizer, plain)


def test_a_text_without_control_tokens_is_encoded_as_ever(tokenizer):
    messages = [
        {"role": "user", "content": "a <b> b\n\nend"},
        {"role": "assistant", "content": "c"},
    ]
    text = load.render(tokenizer, messages)
    ids = tokenizer(text, add_special_tokens=False)["input_ids"]
    assert special_tokens.encode(tokenizer, text) == ids
    assert special_tokens.shielded(tokenizer, messages) == messages
    # One marked word elsewhere changes nothing of the rest.
    longer = special_tokens.encode(tokenizer, text + special_tokens.shield(tokenizer, "<pad>"))
    assert longer[: len(ids)] == ids and len(longer) > len(ids) + 1


def test_a_template_cannot_cut_an_answer_at_a_word_of_the_author(tmp_path):
    tokenizer = byte_level(tmp_path)
    tokenizer.chat_template = CHATML.replace(
        "(message['content'] | trim)", "message['content'].split('</think>')[-1]"
    )
    messages = [{"role": "user", "content": "q"}, {"role": "assistant", "content": "a</think>b"}]
    row = special_tokens.row(
        tokenizer, {"kind": "qa", "messages": messages}, load.turn_end(tokenizer)[1]
    )
    assert "a</think>b" in tokenizer.decode(row.input_ids)


def test_blanks_beside_a_token_that_takes_them_are_taken_as_ever(tmp_path):
    """Phi-3's <|end|> takes the line break behind it."""
    tokenizer = byte_level(tmp_path)
    tokenizer.add_tokens([AddedToken("<|end|>", rstrip=True), AddedToken("<mask>", lstrip=True)])
    text = "a <mask>b <|end|>\n\nc"
    ids = tokenizer(text, add_special_tokens=False)["input_ids"]
    assert (
        special_tokens.encode(tokenizer, text + special_tokens.shield(tokenizer, "<pad>"))[
            : len(ids)
        ]
        == ids
    )


def test_where_there_is_no_vocabulary_a_tokenizer_is_asked_what_is_a_control_token():
    named = ["<|im_end|>", "[INST]", "[|endofturn|]", "<think>", "|||PHONE_NUMBER|||", ">>TITLE<<"]
    user_defined = ["<think>"]  # parsed always, as in llama.cpp
    asked = []

    def tokenize(text, special, add):
        asked.append(text)
        parsed = "|".join(map(re.escape, named if special else user_defined))
        return re.findall(f"{parsed}|.", text)

    spelt = f"say {' or '.join(named)}, <b> 3 < 4 > 2 [<|im_end|>] <|im_other|>?"
    plain = special_tokens.PlainLetters(tokenize)
    [marked] = plain.shielded([{"role": "user", "content": spelt}])
    assert not any(token in marked["content"] for token in named)  # a template sees none
    ids = plain.encode(f"{marked['content']}<|im_end|>")
    assert ids.count("<|im_end|>") == 1 and ids[-1] == "<|im_end|>"
    assert "".join(ids) == f"{spelt}<|im_end|>" and not set(named[1:]) & set(ids)
    assert plain.shielded([{"content": "a < b [1] <b>"}]) == [{"content": "a < b [1] <b>"}]
    before = len(asked)
    plain.shielded([{"content": spelt}])
    assert len(asked) == before
