"""A tokenizer as GGUF files hold it: tokens, types, scores or merges, the pre-tokenizer's name, the special ids.

Byte-level BPE (Qwen, Llama 3, SmolLM2, GPT-2) and Gemma's SentencePiece-style BPE. Token types and pre-tokenizer names
are llama.cpp's; an unknown pre-tokenizer is refused, since a file with a wrong one rambles.
"""

import json
import re
from typing import NamedTuple

from ..files import TwinError
from ..i18n import t

NORMAL, UNKNOWN, CONTROL, USER_DEFINED, UNUSED, BYTE = 1, 2, 3, 4, 5, 6
SPECIAL_SCORE = -1000.0
_QWEN = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|"
    r"\s+(?!\S)|\s+"
)
# What cuts a text before byte-pair merging, as (kind, pattern or option) pairs: llama.cpp's name for it.
PRE_TOKENIZERS = {
    (("Split", _QWEN), ("ByteLevel", False)): "qwen2",
    (("Split", _QWEN.replace(r"\p{N}|", r"\p{N}{1,3}|")), ("ByteLevel", False)): "llama-bpe",
    (("Digits", True), ("ByteLevel", True)): "smollm",
    (("ByteLevel", True),): "gpt-2",
}
# What a text goes through before it is cut. llama.cpp does Gemma's by itself and leaves out Qwen's, which composes
# characters (NFC): only a text typed in decomposed characters has other tokens there.
BLANKS = ({"type": "Replace", "pattern": {"String": " "}, "content": "▁"},)
COMPOSED = (None, {"type": "NFC"})


class Vocabulary(NamedTuple):
    """`special` holds ids by llama.cpp's names (bos, eos, eot, eom, unk, pad); `model` is gpt2 or llama."""

    model: str
    pre: str
    tokens: list
    types: list
    scores: list
    merges: list
    special: dict
    add_bos: bool


def read(tokenizer, size, ends, kept=None):
    """The Vocabulary of a fast tokenizer for a model with `size` embedding rows.

    `ends` are the ids that end a turn; `kept` is (tokens, scores, types) where a base came with them. Raises TwinError
    for a tokenizer that llama.cpp can't rebuild.
    """
    described = json.loads(tokenizer.backend_tokenizer.to_str())
    if described["model"]["type"] != "BPE":
        raise _unsupported(described["model"]["type"])
    special, add_bos = _special(tokenizer, ends), _adds_bos(tokenizer)
    pieces = described["model"].get("byte_fallback")
    _need_normalizer(described, BLANKS if pieces else COMPOSED)
    if pieces:
        tokens, scores, types = kept or _pieces(described)
        tokens, types = _filled(tokens, types, size)
        scores = (list(scores) + [SPECIAL_SCORE] * size)[:size]
        return Vocabulary("llama", "default", tokens, types, scores, [], special, add_bos)
    tokens, types = _filled(*_byte_level(described), size)
    special.pop("unk", None)  # bytes leave nothing unknown
    return Vocabulary(
        "gpt2", pre_tokenizer(described), tokens, types, [], _merges(described), special, add_bos
    )


def pre_tokenizer(described):
    """llama.cpp's name for the pre-tokenizer of a tokenizer.json (as a dict)."""
    step = described["pre_tokenizer"] or {}
    steps = step["pretokenizers"] if step.get("type") == "Sequence" else [step]
    key = tuple((s.get("type"), _option(s)) for s in steps)
    if key not in PRE_TOKENIZERS or any(s.get("add_prefix_space") for s in steps):
        raise _unsupported(", ".join(str(s.get("type")) for s in steps))
    return PRE_TOKENIZERS[key]


def _need_normalizer(described, known):
    if described["normalizer"] not in known:
        raise _unsupported((described["normalizer"] or described["model"])["type"])


def _option(step):
    if step["type"] == "Split":
        return step["pattern"].get("Regex")
    return {"ByteLevel": step.get("use_regex"), "Digits": step.get("individual_digits")}.get(
        step["type"]
    )


def _unsupported(what):
    names = ", ".join(PRE_TOKENIZERS.values())
    return TwinError(t("gguf.llama_cpp_cant_use_bases", what=what, names=names))


def _byte_level(described):
    """(tokens by id, types by id) of a byte-level BPE tokenizer."""
    tokens = {number: token for token, number in described["model"]["vocab"].items()}
    return tokens, dict.fromkeys(tokens, NORMAL) | _added(described, tokens)


def _added(described, tokens):
    """The types of the added tokens by id; their texts go into `tokens`."""
    types = {}
    for added in described["added_tokens"]:
        text, control = added["content"], added["special"] or _looks_special(added["content"])
        # What a user may type is matched before normalization, where Gemma's spaces are still spaces.
        tokens[added["id"]] = text if control else text.replace("▁", " ")
        types[added["id"]] = CONTROL if control else USER_DEFINED
    return types


def _looks_special(text):
    return text in ("<pad>", "<mask>") or bool(re.fullmatch(r"<\|.*\|>|<｜.*｜>|<unused.*>", text))


def _pieces(described):
    """(tokens, scores, types) of a SentencePiece-style BPE; a piece's score is minus the rank of its first merge."""
    vocab, unknown = described["model"]["vocab"], described["model"].get("unk_token")
    tokens = {number: token for token, number in vocab.items()}
    types = {
        number: UNKNOWN
        if token == unknown
        else BYTE
        if re.fullmatch(r"<0x[0-9A-F]{2}>", token)
        else NORMAL
        for number, token in tokens.items()
    }
    types |= _added(described, tokens)
    ranks = {}
    for rank, (left, right) in enumerate(map(_pair, described["model"]["merges"])):
        ranks.setdefault(left + right, rank)
    count = max(tokens) + 1
    scores = [
        -float(ranks.get(tokens.get(i), 0)) if types.get(i) in (NORMAL, BYTE) else SPECIAL_SCORE
        for i in range(count)
    ]
    return tokens, scores, types


def _pair(merge):
    return merge.split(" ") if isinstance(merge, str) else merge


def _merges(described):
    # A space stands for itself between the two parts, so one inside a part is written as byte-level BPE writes it.
    return [
        " ".join(part.replace(" ", "Ġ") for part in _pair(merge))
        for merge in described["model"]["merges"]
    ]


def _filled(tokens, types, size):
    """Lists of exactly `size`: what the tokenizer has more of is dropped, holes become unused tokens."""
    if not isinstance(tokens, dict):
        tokens, types = dict(enumerate(tokens)), dict(enumerate(types))
    return (
        [tokens.get(i, f"[PAD{i}]") for i in range(size)],
        [types.get(i, UNUSED) for i in range(size)],
    )


def _special(tokenizer, ends):
    """Ids by name. llama.cpp stops at eos, eot and eom, so the ends of a turn take those places, in this order."""
    found = {
        "bos": tokenizer.bos_token_id,
        "eos": tokenizer.eos_token_id,
        "unk": tokenizer.unk_token_id,
        "pad": tokenizer.pad_token_id,
    }
    others = [number for number in ends if number != tokenizer.eos_token_id]
    found |= dict(
        zip(("eot", "eom") if found["eos"] is not None else ("eos", "eot", "eom"), others)
    )
    return {name: number for name, number in found.items() if number is not None}


def _adds_bos(tokenizer):
    return tokenizer.bos_token_id is not None and tokenizer("a")["input_ids"][:1] == [
        tokenizer.bos_token_id
    ]
