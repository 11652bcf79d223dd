"""The model families that can become GGUF files, and what llama.cpp needs of each.

FAMILIES has one entry for each model type of transformers, PRE_TOKENIZERS one for each way to split
text before byte-pair merging. Sources: llama.cpp's converter (conversion/) and vocabulary
(src/llama-vocab.cpp). Names of tensors come from the `gguf` package.
"""

from collections.abc import Callable
from typing import NamedTuple

from ..files import TwinError
from ..i18n import t


class Family(NamedTuple):
    """How one model type of transformers becomes a GGUF file.

    `names` are the names of its models for people, `architecture` is llama.cpp's name.
    `interleaved_rotary`: llama.cpp rotates rows 2i and 2i + 1 of a head together, transformers rows
    i and i + half. `norm_offset`: transformers multiplies by offset + weight, llama.cpp by weight.
    `layers_70b`: the number of layers of its 70B model, in which eight heads share their values;
    these get more bits. `endings`: {ending of a tensor's name: the one by which the `gguf` package
    knows it}. `parts(config)`: {name in the file: the base's tensors that it consists of, stacked};
    `stack(part)`: the name of the stack in bases that have it as one tensor.
    `flat`: endings of tensors of which the file holds the numbers in one row. `kept`: {part of a
    layer: its tensor type in 16-bit files}, which is never quantized further.
    `metadata(writer, config)` adds keys to a gguf.GGUFWriter; `check(config)` raises TwinError for
    a model that llama.cpp would run differently.
    """

    names: str
    architecture: str
    interleaved_rotary: bool = False
    norm_offset: int = 0
    layers_70b: int = 0
    endings: dict = {}
    parts: Callable = lambda config: {}
    stack: Callable = lambda part: part
    flat: tuple[str, ...] = ()
    kept: dict = {}
    metadata: Callable = lambda writer, config: None
    check: Callable = lambda config: None


def _llama_metadata(writer, config):
    writer.add_vocab_size(config.vocab_size)
    writer.add_rope_dimension_count(head_dim(config))


def _gemma3_metadata(writer, config):
    writer.add_sliding_window(config.sliding_window)
    if getattr(config, "final_logit_softcapping", None):
        writer.add_final_logit_softcapping(config.final_logit_softcapping)


def _check_gemma3(config):
    """llama.cpp's Gemma 3 has full attention in every sixth layer, whatever the config says."""
    expected = [
        "sliding_attention" if (i + 1) % 6 else "full_attention"
        for i in range(config.num_hidden_layers)
    ]
    if config.layer_types != expected:
        raise TwinError(t("gguf.unsupported_attention_pattern"))


def _check_mistral(config):
    """llama.cpp runs Mistral as Llama, which has no sliding window."""
    if config.sliding_window is not None:
        raise TwinError(t("gguf.unsupported_sliding_window"))


# RWKV-7

RECURRENT_CONTEXT = 1048576  # tokens; it has no limit, but llama.cpp wants a number
_RWKV7_LOW_RANK = {"0.weight": "1.weight", "2.weight": "2.weight", "2.bias": "0.weight"}
_RWKV7_ENDINGS = {
    f".attn.{letter}_lora.lora.{ending}": f".attention.{letter}{known}"
    for letter in "wavg"
    for ending, known in _RWKV7_LOW_RANK.items()
} | {
    f".{ending}": f".{known}"
    for ending, known in {
        "attn_norm.weight": "ln1.weight",
        "attn_norm.bias": "ln1.bias",
        "ffn_norm.weight": "ln2.weight",
        "ffn_norm.bias": "ln2.bias",
        "attn.g_norm.weight": "attention.ln_x.weight",
        "attn.g_norm.bias": "attention.ln_x.bias",
        "attn.k_k": "attention.k_k.weight",
        "attn.k_a": "attention.k_a.weight",
        "attn.r_k": "attention.r_k.weight",
        "attn.r_proj.weight": "attention.receptance.weight",
        "attn.k_proj.weight": "attention.key.weight",
        "attn.v_proj.weight": "attention.value.weight",
        "attn.o_proj.weight": "attention.output.weight",
        "ffn.x_k": "feed_forward.x_k.weight",
        "ffn.key.weight": "feed_forward.key.weight",
        "ffn.value.weight": "feed_forward.value.weight",
    }.items()
}


def _rwkv7_parts(config):
    """The six mixtures of a layer in one tensor; and, read by nothing, v0 to v2 of the first layer,
    for which llama.cpp's converter takes a0 to a2.
    """
    layer = "model.layers.{}.attn.{}".format
    parts = {
        f"blk.{i}.time_mix_lerp_fused.weight": tuple(layer(i, f"x_{x}") for x in "rwkvag")
        for i in range(config.num_hidden_layers)
    }
    for ending, known in _RWKV7_LOW_RANK.items():
        parts[f"blk.0.time_mix_v{known}"] = (layer(0, f"a_lora.lora.{ending}"),)
    return parts


def _rwkv7_metadata(writer, config):
    writer.add_block_count(config.num_hidden_layers)
    writer.add_context_length(RECURRENT_CONTEXT)
    writer.add_embedding_length(config.hidden_size)
    writer.add_feed_forward_length(config.intermediate_size)
    writer.add_head_count(0)
    writer.add_layer_norm_eps(config.norm_eps)
    writer.add_wkv_head_size(config.head_dim)
    writer.add_decay_lora_rank(config.decay_low_rank_dim)
    writer.add_iclr_lora_rank(config.a_low_rank_dim)
    writer.add_value_residual_mix_lora_rank(config.v_low_rank_dim)
    writer.add_gate_lora_rank(config.gate_low_rank_dim)


def _check_rwkv7(config):
    """llama.cpp's RWKV-7 has no attention, and 64 · 10⁻⁵ in the norm over heads."""
    usual = {
        "attn": None,
        "hidden_act": "sqrelu",
        "norm_bias": True,
        "norm_first": True,
        "tie_word_embeddings": False,
        "value_dim": config.hidden_size,
    }
    for name, value in usual.items():
        found = getattr(config, name, None)
        if isinstance(found, list) and len(set(found)) == 1:
            [found] = set(found)
        if found not in (None, value):
            raise TwinError(t("gguf.unsupported_rwkv", what=name))
    if (
        config.hidden_size % config.head_dim
        or abs(config.head_dim * config.norm_eps - 64e-5) > 1e-9
    ):
        raise TwinError(t("gguf.unsupported_rwkv", what="head_dim, norm_eps"))


FAMILIES = {
    "qwen2": Family("Qwen2, Qwen2.5", "qwen2", layers_70b=80),
    "qwen3": Family("Qwen3", "qwen3"),
    "llama": Family(
        "Llama 3",
        "llama",
        interleaved_rotary=True,
        layers_70b=80,
        metadata=_llama_metadata,
    ),
    "mistral": Family(
        "Mistral",
        "llama",
        interleaved_rotary=True,
        layers_70b=80,
        metadata=_llama_metadata,
        check=_check_mistral,
    ),
    "gemma3_text": Family(
        "Gemma 3",
        "gemma3",
        norm_offset=1,
        metadata=_gemma3_metadata,
        check=_check_gemma3,
    ),
    "rwkv7": Family(
        "RWKV-7",
        "rwkv7",
        endings=_RWKV7_ENDINGS,
        parts=_rwkv7_parts,
        stack=lambda part: part[:-1] + "x",
        flat=(".attn.r_k",),
        kept={
            **dict.fromkeys(("time_mix_w1", "time_mix_w2", "time_mix_lerp_fused"), "F32"),
            **{f"time_mix_{letter}{i}": "F16" for letter in "avg" for i in (1, 2)},
        },
        metadata=_rwkv7_metadata,
        check=_check_rwkv7,
    ),
}


def family_of(config) -> Family:
    """The Family of a text model's transformers config; raises TwinError if it has none."""
    if config.model_type not in FAMILIES:
        names = ", ".join(family.names for family in FAMILIES.values())
        raise TwinError(t("gguf.unsupported_model_type", model_type=config.model_type, known=names))
    return FAMILIES[config.model_type]


def head_dim(config) -> int:
    """The width of one attention head."""
    return getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads


_QWEN = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*"
    r"|\s*[\r\n]+|\s+(?!\S)|\s+"
)
# Tekken, the byte-level tokenizer of Mistral since Nemo
_TEKKEN = (
    r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+"
    r"|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*"
    r"|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
# llama.cpp's name of a tokenizer.json's pre-tokenizer, whose steps are (type, pattern or option)
PRE_TOKENIZERS = {
    (("Split", _QWEN), ("ByteLevel", False)): "qwen2",
    (("Split", _QWEN.replace(r"\p{N}|", r"\p{N}{1,3}|")), ("ByteLevel", False)): "llama-bpe",
    (("Split", _TEKKEN), ("ByteLevel", False)): "tekken",
    (("Digits", True), ("ByteLevel", True)): "smollm",
    (("ByteLevel", True),): "gpt-2",
}
