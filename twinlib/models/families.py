"""The model families that can become GGUF files, and what llama.cpp needs of each.

FAMILIES has one entry for each model type of transformers, PRE_TOKENIZERS one for each way to split
text before byte-pair merging. Sources: llama.cpp's converter (conversion/) and vocabulary
(src/llama-vocab.cpp). Names of tensors come from the `gguf` package.
"""

import math
from collections.abc import Callable
from typing import NamedTuple

from ..files import TwinError
from ..i18n import t


class Family(NamedTuple):
    """How one model type of transformers becomes a GGUF file.

    `names` are the names of its models for people, `architecture` is llama.cpp's name.
    `order(config, name)`: (rows, columns), which of a stored tensor's rows and columns come first,
    second, … in the file; None where their order is the same. `offset(name)` is added to a tensor.
    `negated_exponents`: endings of tensors t of which the file holds -exp(t). `endings`: {ending of
    a tensor's name: the one by which the `gguf` package knows it}. `computed(config)`: {name of a
    tensor that only the file has: its numbers}. `layers_70b`: the number of layers of its 70B
    model, in which eight heads share their values; these get more bits. `tokenizer` is llama.cpp's
    name of a tokenizer that is the family's own. `rope_types` are the kinds of position scaling
    that llama.cpp knows of it. `shape(config)` is {name of a GGUFWriter's method: value} where the
    usual one is wrong, None to leave the key out. `metadata(writer, config)` adds keys to a
    gguf.GGUFWriter. `check(config)` raises TwinError for a model that llama.cpp would run
    differently. `parts(config)`: {name in the file: the base's tensors that it consists of,
    stacked}; `stack(part)`: the name of the stack in bases that have it as one tensor. `flat`:
    endings of tensors of which the file holds the numbers in one row. `kept`: {part of a layer: its
    tensor type in 16-bit files}, which is never quantized further.
    """

    names: str
    architecture: str
    order: Callable = lambda config, name: (None, None)
    offset: Callable = lambda name: 0
    negated_exponents: tuple[str, ...] = ()
    endings: dict = {}
    computed: Callable = lambda config: {}
    layers_70b: int = 0
    tokenizer: str = ""
    rope_types: tuple[str, ...] = ("default", "linear", "yarn", "llama3")
    shape: Callable = lambda config: {}
    parts: Callable = lambda config: {}
    stack: Callable = lambda part: part
    flat: tuple[str, ...] = ()
    kept: dict = {}
    metadata: Callable = lambda writer, config: None
    check: Callable = lambda config: None


# Llama and Mistral


def _interleaved(config, name):
    """Rows i and i + half of each head of queries and keys, next to each other."""
    heads = {
        "q_proj": config.num_attention_heads,
        "k_proj": config.num_key_value_heads,
    }.get(name.split(".")[-2], 0)
    width = head_dim(config)
    pairs = [(i, i + width // 2) for i in range(width // 2)]
    rows = [head * width + i for head in range(heads) for pair in pairs for i in pair]
    return rows or None, None


def _llama_metadata(writer, config):
    writer.add_vocab_size(config.vocab_size)
    writer.add_rope_dimension_count(head_dim(config))


def _check_mistral(config):
    """llama.cpp runs Mistral as Llama, which has no sliding window."""
    if config.sliding_window is not None:
        raise TwinError(t("gguf.unsupported_sliding_window"))


def _ministral3_metadata(writer, config):
    _llama_metadata(writer, config)
    rope = config.rope_parameters
    writer.add_rope_scaling_yarn_log_mul(rope["mscale_all_dim"])
    writer.add_attn_temperature_scale(rope["llama_4_scaling_beta"])


def _check_smollm3(config):
    """llama.cpp's SmolLM3 has no positions in every fourth layer, whatever the config says."""
    expected = [int((i + 1) % 4 != 0) for i in range(config.num_hidden_layers)]
    if config.no_rope_layers != expected:
        raise TwinError(t("gguf.unsupported_attention_pattern"))
    if "sliding_attention" in config.layer_types:
        raise TwinError(t("gguf.unsupported_sliding_window"))


# Gemma


def _norm_offset(name):
    """transformers multiplies by 1 + weight, llama.cpp by weight."""
    return int(name.endswith("norm.weight"))


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


def _gemma4_full(config):
    """The settings of Gemma 4's layers with full attention: head_dim, num_key_value_heads."""
    return config.per_layer_config[config.layer_types.index("full_attention")]


def _gemma4_shape(config):
    full, layers = _gemma4_full(config), config.num_hidden_layers
    shape = {"key_length": full.head_dim, "value_length": full.head_dim}
    if full.num_key_value_heads != config.num_key_value_heads:
        numbers = {
            "sliding_attention": config.num_key_value_heads,
            "full_attention": full.num_key_value_heads,
        }
        shape["head_count_kv"] = [numbers[kind] for kind in config.layer_types]
    if config.use_double_wide_mlp:
        own = layers - config.num_kv_shared_layers  # layers with keys and values of their own
        inner = config.intermediate_size
        shape["feed_forward_length"] = [inner] * own + [2 * inner] * (layers - own)
    return shape


def _gemma4_metadata(writer, config):
    _gemma3_metadata(writer, config)
    writer.add_shared_kv_layers(config.num_kv_shared_layers)
    writer.add_embedding_length_per_layer_input(config.hidden_size_per_layer_input or 0)
    writer.add_sliding_window_pattern([t == "sliding_attention" for t in config.layer_types])
    writer.add_key_length_swa(config.head_dim)
    writer.add_value_length_swa(config.head_dim)
    writer.add_rope_dimension_count(_gemma4_full(config).head_dim)
    writer.add_rope_dimension_count_swa(config.head_dim)


def _gemma4_computed(config):
    """In full attention only the first part of a head rotates: the other frequencies are 0."""
    half = _gemma4_full(config).head_dim // 2
    rotated = int(half * config.rope_parameters["full_attention"]["partial_rotary_factor"])
    return {"rope_freqs.weight": [1.0] * rotated + [1e30] * (half - rotated)}


def _check_gemma4(config):
    if getattr(config, "enable_moe_block", False):
        raise TwinError(t("gguf.unsupported_experts"))


# Qwen3.5: three layers of gated delta net, which is recurrent, for each of full attention


def _qwen35_order(config, name):
    """Value heads that share a key head are neighbours in transformers, far apart in llama.cpp."""
    keys, values = config.linear_num_key_heads, config.linear_num_value_heads
    if ".linear_attn." not in name or keys == values:
        return None, None
    part = name.split(".linear_attn.")[1].split(".")[0]
    single = part in ("in_proj_a", "in_proj_b", "A_log", "dt_bias")
    width = 1 if single else config.linear_value_head_dim
    each = values // keys
    heads = [key * each + number for number in range(each) for key in range(keys)]
    order = [head * width + i for head in heads for i in range(width)]
    if part == "out_proj":
        return None, order
    if part in ("in_proj_qkv", "conv1d"):
        before = 2 * keys * config.linear_key_head_dim  # queries and keys
        return [*range(before), *(before + i for i in order)], None
    return (None if part == "norm" else order), None


def _qwen35_offset(name):
    return 0 if name.endswith("linear_attn.norm.weight") else _norm_offset(name)


def _qwen35_interval(config):
    return config.layer_types.index("full_attention") + 1


def _qwen35_metadata(writer, config):
    heads, rope = config.linear_num_value_heads, config.rope_parameters
    writer.add_ssm_conv_kernel(config.linear_conv_kernel_dim)
    writer.add_ssm_state_size(config.linear_key_head_dim)
    writer.add_ssm_group_count(config.linear_num_key_heads)
    writer.add_ssm_time_step_rank(heads)
    writer.add_ssm_inner_size(heads * config.linear_value_head_dim)
    recurrent = [kind == "linear_attention" for kind in config.layer_types]
    writer.add_array("qwen35.attention.recurrent_layers", recurrent)
    writer.add_full_attention_interval(_qwen35_interval(config))
    writer.add_rope_dimension_count(int(config.head_dim * rope["partial_rotary_factor"]))
    sections = [*rope.get("mrope_section", (11, 11, 10)), 0]
    writer.add_rope_dimension_sections(sections[:4])


def _check_qwen35(config):
    """Older versions of llama.cpp know the layers of full attention by their distance alone."""
    kinds = config.layer_types
    interval = _qwen35_interval(config) if "full_attention" in kinds else 0
    regular = interval and kinds == [
        "linear_attention" if (i + 1) % interval else "full_attention" for i in range(len(kinds))
    ]
    if not regular or config.linear_key_head_dim != config.linear_value_head_dim:
        raise TwinError(t("gguf.unsupported_attention_pattern"))


# Phi-3 and Phi-4-mini


def _phi3_rotary(config):
    return int(config.rope_parameters["partial_rotary_factor"] * head_dim(config))


def _phi3_metadata(writer, config):
    rope = config.rope_parameters
    context = _phi3_context(config)
    writer.add_rope_scaling_orig_ctx_len(context)
    writer.add_rope_dimension_count(_phi3_rotary(config))
    # 0 tells llama.cpp that no layer has a window.
    writer.add_sliding_window(config.sliding_window or 0)
    if rope["rope_type"] == "longrope":
        scale = config.max_position_embeddings / context
        factor = math.sqrt(1 + math.log(scale) / math.log(context)) if scale > 1 else 1.0
        writer.add_rope_scaling_attn_factors(factor)


def _phi3_context(config):
    """The length that the model was trained with before its context was extended."""
    own = config.original_max_position_embeddings
    return config.rope_parameters.get("original_max_position_embeddings") or own


def _phi3_computed(config):
    rope = config.rope_parameters
    if rope["rope_type"] != "longrope":
        return {}
    return {f"rope_factors_{kind}.weight": rope[f"{kind}_factor"] for kind in ("long", "short")}


def _check_phi3(config):
    """llama.cpp gives Phi full attention; a window as long as the context is the same."""
    window = config.sliding_window
    if window is not None and window < config.max_position_embeddings:
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
        order=_interleaved,
        layers_70b=80,
        metadata=_llama_metadata,
    ),
    "mistral": Family(
        "Mistral",
        "llama",
        order=_interleaved,
        layers_70b=80,
        metadata=_llama_metadata,
        check=_check_mistral,
    ),
    "gemma3_text": Family(
        "Gemma 3",
        "gemma3",
        offset=_norm_offset,
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
    "gemma4_text": Family(
        "Gemma 4",
        "gemma4",
        endings={".layer_scalar": ".layer_scalar.weight"},
        computed=_gemma4_computed,
        tokenizer="gemma4",
        rope_types=("proportional",),
        shape=_gemma4_shape,
        metadata=_gemma4_metadata,
        check=_check_gemma4,
    ),
    "ministral3": Family(
        "Ministral 3",
        "mistral3",
        order=_interleaved,
        rope_types=("yarn",),
        metadata=_ministral3_metadata,
        check=_check_mistral,
    ),
    "phi3": Family(
        "Phi-3, Phi-4-mini",
        "phi3",
        computed=_phi3_computed,
        rope_types=("default", "longrope"),
        metadata=_phi3_metadata,
        check=_check_phi3,
    ),
    "qwen3_5_text": Family(
        "Qwen3.5",
        "qwen35",
        order=_qwen35_order,
        offset=_qwen35_offset,
        negated_exponents=(".A_log",),
        endings={".dt_bias": ".dt_proj.bias"},
        rope_types=("default",),
        metadata=_qwen35_metadata,
        check=_check_qwen35,
    ),
    "smollm3": Family(
        "SmolLM3",
        "smollm3",
        order=_interleaved,
        metadata=_llama_metadata,
        check=_check_smollm3,
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
_QWEN35 = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?[\p{L}\p{M}]+|\p{N}"
    r"| ?[^\s\p{L}\p{M}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
# Tekken, the byte-level tokenizer of Mistral since Nemo
_TEKKEN = (
    r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+"
    r"|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*"
    r"|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
_ENDING = "(?i:'s|'t|'re|'ve|'m|'ll|'d)?"
# That of Phi-4-mini, from OpenAI's GPT-4o: words keep their 's, numbers have up to three digits.
_GPT4O = (
    r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+"
    + _ENDING
    + r"|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*"
    + _ENDING
    + r"|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
# llama.cpp's name of a tokenizer.json's pre-tokenizer, whose steps are (type, pattern or option)
PRE_TOKENIZERS = {
    (("Split", _QWEN), ("ByteLevel", False)): "qwen2",
    (("Split", _QWEN35), ("ByteLevel", False)): "qwen35",
    (("Split", _QWEN.replace(r"\p{N}|", r"\p{N}{1,3}|")), ("ByteLevel", False)): "llama-bpe",
    (("Split", _TEKKEN), ("ByteLevel", False)): "tekken",
    (("Split", _GPT4O), ("ByteLevel", False)): "gpt-4o",
    (("Digits", True), ("ByteLevel", True)): "smollm",
    (("ByteLevel", True),): "gpt-2",
}
# Control tokens that llama.cpp prints, by Family.tokenizer: programs know thoughts by them.
SHOWN_TOKENS = {
    "gemma4": (
        "<|channel>",
        "<channel|>",
        "<|tool_call>",
        "<tool_call|>",
        "<|tool_response>",
        "<tool_response|>",
        '<|"|>',
    )
}
