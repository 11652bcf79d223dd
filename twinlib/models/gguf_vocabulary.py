"""A tokenizer in the form of GGUF files: tokens, types, scores or merges, and special ids.

Known are byte-level BPE (Qwen, Llama 3, SmolLM2, GPT-2) and Gemma's SentencePiece-style BPE. An
unknown pre-tokenizer or normalizer raises TwinError, since the model would read wrong tokens.
`tokenizer_json` is always the parsed tokenizer.json.
"""

import json
import re
from typing import NamedTuple

from ..files import TwinError
from ..i18n import t
from .families import PRE_TOKENIZERS, SHOWN_TOKENS

# llama.cpp's token types
NORMAL, UNKNOWN, CONTROL, USER_DEFINED, UNUSED, BYTE = 1, 2, 3, 4, 5, 6
_SPECIAL_SCORE = -1000.0
_LOOKS_SPECIAL = re.compile(r"<pad>|<mask>|<\|.*\|>|<｜.*｜>|<unused.*>")
# llama.cpp replaces blanks in Gemma's texts itself.
_SENTENCEPIECE_NORMALIZERS = ({"type": "Replace", "pattern": {"String": " "}, "content": "▁"},)
# llama.cpp leaves out Qwen's NFC, which changes the tokens of decomposed characters only.
_BYTE_LEVEL_NORMALIZERS = (None, {"type": "NFC"})


class Vocabulary(NamedTuple):
    """A tokenizer for a GGUF file.

    `model` is gpt2 (byte-level, with merges), llama (SentencePiece, with scores), gemma4
    (SentencePiece with merges) or rwkv (neither, tokens escaped as in a Python literal of bytes);
    `pre` is empty where there is no pre-tokenizer; `special` holds
    ids by llama.cpp's names (bos, eos, eot, eom, unk, pad).
    """

    model: str
    pre: str
    tokens: list[str]
    types: list[int]
    scores: list[float]
    merges: list[str]
    special: dict[str, int]
    add_bos: bool


def read(tokenizer, size: int, ends: list[int], own: str = "") -> Vocabulary:
    """The Vocabulary of a fast tokenizer for a model with `size` embedding rows.

    `ends` are the ids that end a turn, `own` is Family.tokenizer. Raises TwinError for a tokenizer
    unknown to llama.cpp.
    """
    if not hasattr(tokenizer, "backend_tokenizer"):
        return _world(tokenizer, size)
    tokenizer_json = json.loads(tokenizer.backend_tokenizer.to_str())
    check(tokenizer_json)
    special, add_bos = _special_ids(tokenizer, ends), _adds_bos(tokenizer)
    if tokenizer_json["model"].get("byte_fallback"):
        tokens, scores, types = pieces(tokenizer_json)
        tokens, types = _resized(tokens, types, size)
        if own:
            shown = SHOWN_TOKENS[own]
            types = [USER_DEFINED if word in shown else t for word, t in zip(tokens, types)]
            merges, scores = _merges(tokenizer_json), [_SPECIAL_SCORE] * size
            return Vocabulary(own, "", tokens, types, scores, merges, special, add_bos)
        scores = (list(scores) + [_SPECIAL_SCORE] * size)[:size]
        return Vocabulary("llama", "default", tokens, types, scores, [], special, add_bos)
    tokens, types = _resized(*_byte_level(tokenizer_json), size)
    special.pop("unk", None)  # bytes leave nothing unknown
    pre, merges = pre_tokenizer(tokenizer_json), _merges(tokenizer_json)
    return Vocabulary("gpt2", pre, tokens, types, [], merges, special, add_bos)


def _world(tokenizer, size):
    """The Vocabulary of an RWKV model. Its turn end becomes eot, as its bos and eos are taken."""
    tokens = {i: repr(token)[2:-1] for i, token in tokenizer.by_id.items()}
    types = dict.fromkeys(tokens, NORMAL)
    end = tokenizer.eos_token_id
    tokens[end], types[end] = tokenizer.eos_token, CONTROL
    special = {"bos": end, "eos": end, "eot": tokenizer.turn_ends[0]}
    tokens, types = _resized(tokens, types, size)
    return Vocabulary("rwkv", "", tokens, types, [], [], special, False)


def check(tokenizer_json: dict) -> None:
    """Raise TwinError for a tokenizer unknown to llama.cpp."""
    if tokenizer_json["model"]["type"] != "BPE":
        raise _unsupported(tokenizer_json["model"]["type"])
    if tokenizer_json["model"].get("byte_fallback"):
        _need_normalizer(tokenizer_json, _SENTENCEPIECE_NORMALIZERS)
    else:
        _need_normalizer(tokenizer_json, _BYTE_LEVEL_NORMALIZERS)
        pre_tokenizer(tokenizer_json)


def pre_tokenizer(tokenizer_json: dict) -> str:
    """llama.cpp's name of the pre-tokenizer; raises TwinError for an unknown one."""
    step = tokenizer_json["pre_tokenizer"] or {}
    steps = step["pretokenizers"] if step.get("type") == "Sequence" else [step]
    key = tuple((s.get("type"), _option(s)) for s in steps)
    if key not in PRE_TOKENIZERS or any(s.get("add_prefix_space") for s in steps):
        raise _unsupported(", ".join(str(s.get("type")) for s in steps))
    return PRE_TOKENIZERS[key]


def _option(step):
    if step.get("type") == "Split":
        return step["pattern"].get("Regex")
    options = {"ByteLevel": "use_regex", "Digits": "individual_digits"}
    return step.get(options.get(step.get("type")))


def _need_normalizer(tokenizer_json, known):
    if tokenizer_json["normalizer"] not in known:
        raise _unsupported((tokenizer_json["normalizer"] or tokenizer_json["model"])["type"])


def _unsupported(part):
    names = ", ".join(PRE_TOKENIZERS.values())
    return TwinError(t("gguf.unsupported_tokenizer", part=part, names=names))


def _byte_level(tokenizer_json):
    """({id: token}, {id: type}) of a byte-level BPE tokenizer."""
    tokens = {number: token for token, number in tokenizer_json["model"]["vocab"].items()}
    added, added_types = added_tokens(tokenizer_json)
    return tokens | added, dict.fromkeys(tokens, NORMAL) | added_types


def added_tokens(tokenizer_json: dict) -> tuple[dict[int, str], dict[int, int]]:
    """({id: token}, {id: type}) of the added tokens."""
    tokens, types = {}, {}
    for added in tokenizer_json["added_tokens"]:
        text, number = added["content"], added["id"]
        if added["special"] or _LOOKS_SPECIAL.fullmatch(text):
            tokens[number], types[number] = text, CONTROL
        else:
            # These are matched before normalization, which replaces Gemma's blanks by ▁.
            tokens[number], types[number] = text.replace("▁", " "), USER_DEFINED
    return tokens, types


def pieces(tokenizer_json: dict) -> tuple[dict[int, str], list[float], dict[int, int]]:
    """({id: token}, scores by id, {id: type}) of a SentencePiece-style BPE.

    tokenizer.json has no scores: that of a token is minus the rank of the first merge to it.
    """
    model = tokenizer_json["model"]
    tokens = {number: token for token, number in model["vocab"].items()}
    types = {number: _piece_type(token, model.get("unk_token")) for number, token in tokens.items()}
    added, added_types = added_tokens(tokenizer_json)
    tokens, types = tokens | added, types | added_types
    ranks = {}
    for rank, (left, right) in enumerate(map(_pair, model["merges"])):
        ranks.setdefault(left + right, rank)
    scores = [
        -float(ranks.get(tokens.get(i), 0)) if types.get(i) in (NORMAL, BYTE) else _SPECIAL_SCORE
        for i in range(max(tokens) + 1)
    ]
    return tokens, scores, types


def _piece_type(token, unknown):
    if token == unknown:
        return UNKNOWN
    return BYTE if re.fullmatch(r"<0x[0-9A-F]{2}>", token) else NORMAL


def _pair(merge):
    return merge.split(" ") if isinstance(merge, str) else merge


def _merges(tokenizer_json):
    """'left right' of each merge; a blank inside a part is written as Ġ."""
    return [
        " ".join(part.replace(" ", "Ġ") for part in _pair(merge))
        for merge in tokenizer_json["model"]["merges"]
    ]


def _resized(tokens, types, size):
    """Lists of exactly `size`: surplus tokens are dropped, gaps become unused tokens."""
    if not isinstance(tokens, dict):
        tokens, types = dict(enumerate(tokens)), dict(enumerate(types))
    return (
        [tokens.get(i, f"[PAD{i}]") for i in range(size)],
        [types.get(i, UNUSED) for i in range(size)],
    )


def _special_ids(tokenizer, ends):
    """{name: id}; the ids in `ends` become eos, eot and eom, at which llama.cpp stops."""
    ids = {
        "bos": tokenizer.bos_token_id,
        "eos": tokenizer.eos_token_id,
        "unk": tokenizer.unk_token_id,
        "pad": tokenizer.pad_token_id,
        "mask": tokenizer.mask_token_id,
    }
    names = ("eos", "eot", "eom") if ids["eos"] is None else ("eot", "eom")
    ids |= dict(zip(names, (number for number in ends if number != tokenizer.eos_token_id)))
    return {name: number for name, number in ids.items() if number is not None}


def _adds_bos(tokenizer):
    bos = tokenizer.bos_token_id
    return bos is not None and tokenizer("a")["input_ids"][:1] == [bos]
