"""Checks that llama.cpp can compute a base as transformers does, so that its GGUF file is the twin.

Whether a family or a tokenizer is known at all is asked in families.py and gguf_vocabulary.py; here
are the settings within them that llama.cpp's code has fixed.
"""

import copy
import json
from typing import TYPE_CHECKING

from ..files import TwinError
from ..i18n import t
from . import load

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

_GELU = "gelu_pytorch_tanh"
_GEMMA_27B = 62  # layers by which llama.cpp knows the one model with a scale of its own
_BIASED = ("llama", "mistral")  # for which llama.cpp reads biases of attention


def check_config(config) -> None:
    """Raise TwinError for a text model's transformers config that llama.cpp would run otherwise."""
    if stored := getattr(config, "quantization_config", None):
        raise TwinError(t("gguf.base_not_16_bit", dtype=dict(stored).get("quant_method")))
    kind = config.model_type
    gemma = kind.startswith("gemma")
    act = getattr(config, "hidden_activation" if gemma else "hidden_act", None)
    if act not in ((_GELU,) if gemma else ("silu", "swish", None)):
        raise _unlike(act)
    if kind in ("qwen2", "qwen3") and "sliding_attention" in (config.layer_types or ()):
        raise _unlike("sliding_attention")
    if kind not in _BIASED and getattr(config, "attention_bias", False):
        raise _unlike("attention_bias")
    if getattr(config, "use_bidirectional_attention", False):
        raise _unlike("use_bidirectional_attention")
    if kind == "gemma3_text":
        width = config.head_dim
        if config.num_hidden_layers == _GEMMA_27B:
            width = config.hidden_size // config.num_attention_heads
        if config.query_pre_attn_scalar != width:
            raise _unlike("query_pre_attn_scalar")


def check_tokenizer_json(tokenizer_json: dict) -> None:
    """Raise TwinError for a parsed tokenizer.json that splits or merges as llama.cpp doesn't."""
    model, step = tokenizer_json["model"], tokenizer_json["pre_tokenizer"] or {}
    for key in ("continuing_subword_prefix", "end_of_word_suffix", "dropout"):
        if model.get(key):
            raise _unlike(key)
    for part in step.get("pretokenizers", [step]):
        how = part.get("behavior", "Isolated"), bool(part.get("invert"))
        if part.get("type") == "Split" and how[0] != "Isolated" and how != ("Removed", True):
            raise _unlike(f"behavior {how[0]}")
    if any(token.get("single_word") for token in tokenizer_json["added_tokens"]):
        raise _unlike("single_word")


def check_tokenizer(tokenizer: "PreTrainedTokenizerBase") -> None:
    """Raise TwinError for a loaded tokenizer that puts tokens into a prompt as llama.cpp doesn't.

    Such as an end after every text, or a turn token that takes the blanks beside it.
    """
    text = "a b"
    plain = tokenizer(text, add_special_tokens=False)["input_ids"]
    if tokenizer(text)["input_ids"] not in (plain, [tokenizer.bos_token_id, *plain]):
        raise _unlike("post_processor")
    question, answer = {"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}
    prompt = load.render(tokenizer, [question, answer, question], generate=True)
    if tokenizer(prompt)["input_ids"] != _taking_no_blanks(tokenizer)(prompt)["input_ids"]:
        raise _unlike("rstrip")


def _taking_no_blanks(tokenizer):
    """A copy of the tokenizer whose added tokens leave blanks beside them alone."""
    from tokenizers import Tokenizer

    fields = json.loads(tokenizer.backend_tokenizer.to_str())
    for token in fields["added_tokens"]:
        token |= {"lstrip": False, "rstrip": False}
    plain = copy.deepcopy(tokenizer)
    plain._tokenizer = Tokenizer.from_str(json.dumps(fields))
    return plain


def _unlike(setting):
    return TwinError(t("gguf.unlike_llama_cpp", setting=setting))
