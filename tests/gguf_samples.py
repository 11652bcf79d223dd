"""Small models of every supported family, exact on every machine, and 200 strings that are hard to
cut into tokens.

Weights come from whole numbers and the vocabularies from a byte-pair training in plain Python, so a
record of the files that llama.cpp's converter makes of them stays true: tests/gguf_reference.json,
made again by `python benchmarks/gguf_reference.py`. Change anything here and that record has to be
made again.
"""

import hashlib
import json
import math
import re
import unicodedata
from collections import Counter
from functools import lru_cache
from typing import NamedTuple

QWEN = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|"
    r"\s*[\r\n]+|\s+(?!\S)|\s+"
)
TEKKEN = (
    r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+|"
    r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*|"
    r"\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
QWEN35 = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?[\p{L}\p{M}]+|\p{N}| ?[^\s\p{L}\p{M}\p{N}]+"
    r"[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
GPT4O = (
    r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+"
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)?|"
    r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*"
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)?|"
    r"\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
LLAMA = QWEN.replace(r"|\p{N}|", r"|\p{N}{1,3}|")
SHAPE = {
    "hidden_size": 64,
    "intermediate_size": 96,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "max_position_embeddings": 512,
}
LLAMA3 = {
    "rope_type": "llama3",
    "rope_theta": 500000.0,
    "factor": 32.0,
    "low_freq_factor": 1.0,
    "high_freq_factor": 4.0,
    "original_max_position_embeddings": 8192,
}
YARN = {
    "rope_type": "yarn",
    "rope_theta": 1000000.0,
    "factor": 4.0,
    "original_max_position_embeddings": 128,
}
GEMMA3 = {
    "full_attention": {"rope_type": "linear", "rope_theta": 1000000.0, "factor": 8.0},
    "sliding_attention": {"rope_type": "default", "rope_theta": 10000.0},
}
# The shapes of the newest families: widths are small, the rest is as in the hub's configurations.
GATED = {  # Qwen3.5 4B and 9B: two value heads to each key head
    "num_hidden_layers": 8,
    "head_dim": 64,
    "full_attention_interval": 4,
    "linear_num_key_heads": 2,
    "linear_num_value_heads": 4,
    "linear_key_head_dim": 32,
    "linear_value_head_dim": 32,
    "rms_norm_eps": 1e-6,
    "rope_parameters": {
        "rope_type": "default",
        "rope_theta": 10000000.0,
        "partial_rotary_factor": 0.25,
        "mrope_interleaved": True,
        "mrope_section": [3, 3, 2],
    },
}
GEMMA4 = {  # E2B: keys and values of the last layers are those of earlier ones
    "num_hidden_layers": 10,
    "num_key_value_heads": 1,
    "head_dim": 32,
    "global_head_dim": 64,
    "layer_types": (["sliding_attention"] * 4 + ["full_attention"]) * 2,
    "num_kv_shared_layers": 5,
    "use_double_wide_mlp": True,
    "hidden_size_per_layer_input": 32,
    "sliding_window": 8,
    "final_logit_softcapping": 30.0,
    "rope_parameters": {
        "full_attention": {
            "rope_type": "proportional",
            "partial_rotary_factor": 0.25,
            "rope_theta": 1000000.0,
        },
        "sliding_attention": {"rope_type": "default", "rope_theta": 10000.0},
    },
}
GEMMA4_DENSE = {  # 31B: values are keys in layers of full attention, no embeddings in layers
    **GEMMA4,
    "num_hidden_layers": 6,
    "num_key_value_heads": 2,
    "num_global_key_value_heads": 1,
    "attention_k_eq_v": True,
    "layer_types": ["sliding_attention"] * 5 + ["full_attention"],
    "num_kv_shared_layers": 0,
    "use_double_wide_mlp": False,
    "hidden_size_per_layer_input": 0,
}
MINISTRAL3 = {
    "num_hidden_layers": 3,
    "head_dim": 32,
    "rms_norm_eps": 1e-5,
    "rope_parameters": {
        "rope_type": "yarn",
        "rope_theta": 1000000.0,
        "factor": 16.0,
        "original_max_position_embeddings": 32,
        "max_position_embeddings": 512,
        "beta_fast": 32.0,
        "beta_slow": 1.0,
        "mscale": 1.0,
        "mscale_all_dim": 1.0,
        "llama_4_scaling_beta": 0.1,
    },
}
PHI4 = {
    "num_hidden_layers": 3,
    "num_attention_heads": 3,
    "num_key_value_heads": 1,
    "hidden_size": 96,
    "sliding_window": 1024,
    "original_max_position_embeddings": 256,
    "tie_word_embeddings": True,
    "rope_parameters": {
        "rope_type": "longrope",
        "rope_theta": 10000.0,
        "partial_rotary_factor": 0.75,
        "original_max_position_embeddings": 256,
        "short_factor": [1.0 + 0.01 * i for i in range(12)],
        "long_factor": [1.0 + 0.5 * i for i in range(12)],
    },
}
SMOLLM3 = {
    "num_hidden_layers": 8,
    "no_rope_layer_interval": 4,
    "tie_word_embeddings": True,
    "rope_parameters": {"rope_type": "default", "rope_theta": 5000000.0},
}
LONGEST = (
    10  # symbols of a token: with longer ones a small vocabulary would know its texts by heart
)
SLIDING = {
    "head_dim": 32,
    "num_hidden_layers": 7,
    "sliding_window": 8,
    "query_pre_attn_scalar": 32,
    "rope_parameters": GEMMA3,
}


class Family(NamedTuple):
    """How a family's tokenizer is stored on the hub: class, special tokens, its steps, the files'
    turn end.
    """

    kind: str
    specials: tuple
    steps: tuple
    bos: str
    eos: str
    pad: str
    pre: str


FAMILIES = {
    "qwen": Family(
        "Qwen2Tokenizer",
        ("<|endoftext|>", "<|im_start|>", "<|im_end|>"),
        (QWEN,),
        None,
        "<|im_end|>",
        "<|endoftext|>",
        "qwen2",
    ),
    "llama": Family(
        "PreTrainedTokenizerFast",
        (
            "<|begin_of_text|>",
            "<|end_of_text|>",
            "<|finetune_right_pad_id|>",
            "<|start_header_id|>",
            "<|end_header_id|>",
            "<|eom_id|>",
            "<|eot_id|>",
        ),
        (LLAMA,),
        "<|begin_of_text|>",
        "<|eot_id|>",
        "<|finetune_right_pad_id|>",
        "llama-bpe",
    ),
    "smollm": Family(
        "GPT2Tokenizer",
        ("<|endoftext|>", "<|im_start|>", "<|im_end|>"),
        ("digits",),
        "<|im_start|>",
        "<|im_end|>",
        "<|im_end|>",
        "smollm",
    ),
    "mistral": Family(
        "PreTrainedTokenizerFast",
        ("<unk>", "<s>", "</s>", "[INST]", "[/INST]", "<pad>"),
        (TEKKEN,),
        "<s>",
        "</s>",
        "<pad>",
        "tekken",
    ),
    "qwen3.5": Family(
        "Qwen2Tokenizer",
        ("<|endoftext|>", "<|im_start|>", "<|im_end|>"),
        (QWEN35,),
        None,
        "<|im_end|>",
        "<|endoftext|>",
        "qwen35",
    ),
    "phi": Family(
        "GPT2Tokenizer",
        ("<|endoftext|>", "<|assistant|>", "<|end|>", "<|user|>", "<|system|>", "<|tool|>"),
        (GPT4O,),
        "<|endoftext|>",
        "<|endoftext|>",
        "<|endoftext|>",
        "gpt-4o",
    ),
    "gemma4": Family(
        "GemmaTokenizer",
        (
            "<pad>",
            "<eos>",
            "<bos>",
            "<unk>",
            "<mask>",
            "<|turn>",
            "<turn|>",
            "<|channel>",
            "<channel|>",
        ),
        (),
        "<bos>",
        "<eos>",
        "<pad>",
        "",
    ),
    "gemma": Family(
        "GemmaTokenizer",
        ("<pad>", "<eos>", "<bos>", "<unk>", "<mask>", "<start_of_turn>", "<end_of_turn>"),
        (),
        "<bos>",
        "<eos>",
        "<pad>",
        "default",
    ),
}

WITH_BOS = ("llama-bpe", "tekken")  # pre-tokenizers of byte-level families that begin with bos


class Case(NamedTuple):
    """A model: transformers' configuration class, the family of its tokenizer, what differs from
    SHAPE, its dtype.
    """

    config: str
    family: str
    extra: dict
    dtype: str = "bfloat16"


CASES = {
    "qwen2 tied": Case("Qwen2Config", "qwen", {"tie_word_embeddings": True}),
    "qwen2 untied, yarn": Case(
        "Qwen2Config", "qwen", {"tie_word_embeddings": False, "rope_parameters": YARN}
    ),
    "qwen2 yarn in full": Case(
        "Qwen2Config",
        "qwen",
        {
            "rope_parameters": {
                **YARN,
                "attention_factor": 1.25,
                "beta_fast": 24.0,
                "beta_slow": 2.0,
            }
        },
        "float32",
    ),
    "qwen2 rows of 80": Case(
        "Qwen2Config", "qwen", {"hidden_size": 80, "intermediate_size": 112}, "float16"
    ),
    "qwen3 tied": Case("Qwen3Config", "qwen", {"head_dim": 32, "tie_word_embeddings": True}),
    "qwen3 untied": Case(
        "Qwen3Config", "qwen", {"head_dim": 32, "tie_word_embeddings": False}, "float16"
    ),
    "llama 3.2 tied": Case(
        "LlamaConfig", "llama", {"rope_parameters": LLAMA3, "tie_word_embeddings": True}
    ),
    "llama 3.1 untied": Case(
        "LlamaConfig",
        "llama",
        {"rope_parameters": LLAMA3, "tie_word_embeddings": False, "attention_bias": True},
    ),
    "smollm2": Case(
        "LlamaConfig",
        "smollm",
        {
            "tie_word_embeddings": True,
            "num_attention_heads": 3,
            "num_key_value_heads": 1,
            "hidden_size": 96,
        },
    ),
    "mistral": Case(
        "MistralConfig",
        "mistral",
        {"head_dim": 32, "sliding_window": None, "tie_word_embeddings": False},
    ),
    "gemma3 text": Case("Gemma3TextConfig", "gemma", SLIDING),
    "gemma3 270m": Case(
        "Gemma3TextConfig",
        "gemma",
        {
            **SLIDING,
            "num_key_value_heads": 1,
            "hidden_size": 80,
            "rope_parameters": {
                "full_attention": {"rope_type": "default", "rope_theta": 1000000.0},
                "sliding_attention": {"rope_type": "default", "rope_theta": 10000.0},
            },
        },
    ),
    "gemma3 with images": Case("Gemma3Config", "gemma", SLIDING),
    "qwen3.5 with images": Case("Qwen3_5Config", "qwen3.5", GATED),
    "qwen3.5 small": Case(  # 0.8B and 2B: as many value heads as key heads
        "Qwen3_5TextConfig",
        "qwen3.5",
        {**GATED, "linear_num_value_heads": 2, "tie_word_embeddings": True},
    ),
    "gemma4 with images": Case("Gemma4Config", "gemma4", GEMMA4),
    "gemma4 dense": Case("Gemma4TextConfig", "gemma4", GEMMA4_DENSE),
    "ministral3 with images": Case("Mistral3Config", "mistral", MINISTRAL3),
    "phi4 mini": Case("Phi3Config", "phi", PHI4),
    "smollm3": Case("SmolLM3Config", "llama", SMOLLM3),
}


# Vocabularies


@lru_cache
def learned(spell, count):
    """(symbols of the strings, seen twice or more; `count` merges): byte-pair training, ties in
    order of spelling.
    """
    lines = [list(spell(text)) for text in [*CHINESE, *ENGLISH, *OTHERS, *EMOJI, *CODE, *BLANKS]]
    seen = Counter(symbol for line in lines for symbol in line)
    known, merges = {symbol for symbol, times in seen.items() if times > 1}, []
    made = set(known)
    for _ in range(count):
        pairs = Counter(
            pair
            for line in lines
            for pair in zip(line, line[1:])
            if made.issuperset(pair) and "".join(pair) not in made and len("".join(pair)) < LONGEST
        )
        best = min(pairs, key=lambda pair: (-pairs[pair], pair))
        merges.append(best)
        made.add("".join(best))
        lines = [_joined(line, best) for line in lines]
    return sorted(known), merges


def _joined(line, pair):
    found, i = [], 0
    while i < len(line):
        if tuple(line[i : i + 2]) == pair:
            found.append("".join(pair))
            i += 2
        else:
            found.append(line[i])
            i += 1
    return found


@lru_cache
def alphabet():
    """{byte: the printable character that stands for it in byte-level BPE}."""
    plain = [*range(33, 127), *range(161, 173), *range(174, 256)]
    others = [byte for byte in range(256) if byte not in plain]
    return {byte: chr(byte) for byte in plain} | {
        byte: chr(256 + i) for i, byte in enumerate(others)
    }


def in_bytes(text):
    """A text as byte-level BPE sees it."""
    return "".join(alphabet()[byte] for byte in text.encode())


def in_pieces(text):
    """A text as SentencePiece sees it."""
    return text.replace(" ", "▁")


def vocabulary(name):
    """(tokens by id, merges, types by id in llama.cpp's numbers) of a small vocabulary of the
    family.
    """
    family = FAMILIES[name]
    if name.startswith("gemma"):
        symbols, merges = learned(in_pieces, 300)
        raw = [f"<0x{byte:02X}>" for byte in range(256)]
        words = [left + right for left, right in merges]
        runs = [
            blank * times for blank in "\n▁" for times in range(2, 32)
        ]  # Gemma's blanks stand for themselves
        words = [word for word in words if not re.search("[\n▁]{2}", word)]
        if name == "gemma4":  # no word of which has a line break, and whose runs are plain tokens
            words = [word for word in words if "\n" not in word]
        tokens = [*family.specials, *raw, *runs, *words, *symbols]
        special = {"<unk>": 2, **dict.fromkeys(raw, 6)}
        special |= dict.fromkeys(runs, 1 if name == "gemma4" else 4)
        types = [special.get(token, 3 if token in family.specials else 1) for token in tokens]
        return tokens, merges, types
    _, merges = learned(in_bytes, 500)
    tokens = [
        *sorted(alphabet().values()),
        *(left + right for left, right in merges),
        *family.specials,
    ]
    return tokens, merges, [3 if token in family.specials else 1 for token in tokens]


def save_tokenizer(name, folder, vocabulary):
    """Save tokenizer.json and tokenizer_config.json as the hub has them for this family."""
    family, (tokens, merges, types) = FAMILIES[name], vocabulary
    backend = (
        _pieces(family, tokens, types)
        if name.startswith("gemma")
        else _byte_level(family, tokens, merges, types)
    )
    backend.save(str(folder / "tokenizer.json"))
    config = {
        "tokenizer_class": family.kind,
        "bos_token": family.bos,
        "eos_token": family.eos,
        "pad_token": family.pad,
        "clean_up_tokenization_spaces": False,
        "chat_template": "{{ messages[0]['content'] }}",
        "added_tokens_decoder": {
            str(i): {
                "content": token,
                "special": types[i] in (2, 3),
                "normalized": False,
                "lstrip": False,
                "rstrip": False,
                "single_word": False,
            }
            for i, token in enumerate(tokens)
            if types[i] in (2, 3, 4)
        },
    }
    if name.startswith("gemma"):
        config["unk_token"] = "<unk>"
    if name == "gemma4":
        config["mask_token"] = "<mask>"
        config["extra_special_tokens"] = list(family.specials[5:])
    (folder / "tokenizer_config.json").write_text(json.dumps(config))


def _byte_level(family, tokens, merges, types):
    from tokenizers import (
        Regex,
        Tokenizer,
        decoders,
        models,
        normalizers,
        pre_tokenizers,
        processors,
    )

    last = max(
        i for i, kind in enumerate(types) if kind == 1
    )  # special tokens behind it are added ones
    plain = {token: i for i, token in enumerate(tokens[: last + 1])}
    backend = Tokenizer(models.BPE(plain, merges, ignore_merges=family.pre in WITH_BOS))
    digits = family.steps == ("digits",)
    first = (
        pre_tokenizers.Digits(True)
        if digits
        else pre_tokenizers.Split(Regex(family.steps[0]), "isolated")
    )
    backend.pre_tokenizer = pre_tokenizers.Sequence(
        [first, pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=digits)]
    )
    backend.decoder = decoders.ByteLevel()
    if family.pre.startswith("qwen"):
        backend.normalizer = normalizers.NFC()
    if family.pre in WITH_BOS:
        start = (family.bos, tokens.index(family.bos))
        backend.post_processor = processors.Sequence(
            [
                processors.ByteLevel(trim_offsets=False),
                processors.TemplateProcessing(
                    single=f"{family.bos} $A",
                    pair=f"{family.bos} $A {family.bos}:1 $B:1",
                    special_tokens=[start],
                ),
            ]
        )
    _add(backend, tokens, types)
    return backend


def _merges(tokens, types):
    """The BPE merges, best first, of a SentencePiece vocabulary in merge order: any split of a
    token into two tokens."""
    index = {token: i for i, token in enumerate(tokens)}
    merges = []
    for token, kind in zip(tokens, types):
        if kind == 1:
            pairs = [(token[:i], token[i:]) for i in range(1, len(token))]
            pairs = [pair for pair in pairs if pair[0] in index and pair[1] in index]
            merges += sorted(pairs, key=lambda pair: (index[pair[0]], index[pair[1]]))
    return merges


def _pieces(family, tokens, types):
    from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors

    ids = {token: i for i, token in enumerate(tokens)}
    merged = _merges(tokens, [1 if kind == 4 else kind for kind in types])
    backend = Tokenizer(
        models.BPE(ids, merged, unk_token="<unk>", byte_fallback=True, fuse_unk=True)
    )
    backend.normalizer = normalizers.Replace(" ", "▁")
    backend.pre_tokenizer = pre_tokenizers.Split(" ", "merged_with_previous")
    backend.decoder = decoders.Sequence(
        [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse()]
    )
    backend.post_processor = processors.TemplateProcessing(
        single="<bos> $A", pair="<bos> $A <bos>:1 $B:1", special_tokens=[("<bos>", ids["<bos>"])]
    )
    _add(backend, tokens, types)
    return backend


def _add(backend, tokens, types):
    from tokenizers import AddedToken

    backend.add_tokens(
        [
            AddedToken(token, normalized=False, special=kind in (2, 3))
            for token, kind in zip(tokens, types)
            if kind in (2, 3, 4)
        ]
    )


# Models


def save_model(name, folder, vocabulary=None, rows=None):
    """Save the model of a case with its tokenizer; `vocabulary` is another one than the family's
    small one.

    `rows` of the embedding, by default those that the vocabulary needs.
    """
    import torch
    import transformers
    from safetensors.torch import save_file

    case = CASES[name]
    words = vocabulary or globals()["vocabulary"](case.family)
    folder.mkdir(parents=True, exist_ok=True)
    save_tokenizer(case.family, folder, words)
    if case.family == "gemma4":  # whose vocabulary the converter doesn't fill up
        rows = len(words[0])
    config = _config(case, words[0], rows or 64 * math.ceil(len(words[0]) / 64))
    text = config.get_text_config()
    with torch.device("meta"):
        model = transformers.AutoModelForCausalLM.from_config(text)
    pictures = PICTURES.get(case.config)
    config.architectures = [pictures.architecture if pictures else type(model).__name__]
    config.save_pretrained(folder)
    if text.model_type == "gemma4_text":
        _as_on_the_hub(folder / "config.json", case.extra)
    names = {
        name: pictures.prefix + name.removeprefix(pictures.without)
        if pictures and name.startswith(pictures.without)
        else name
        for name in model.state_dict()
        if not (name == "lm_head.weight" and text.tie_word_embeddings)
    }
    weights = {
        stored: _numbers(stored, model.state_dict()[name].shape).to(getattr(torch, case.dtype))
        for name, stored in names.items()
    }
    for name in pictures.others if pictures else ():
        weights[name] = torch.ones(8)
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})


class Pictures(NamedTuple):
    """A model with images: its architecture, how it names the tensors of its text model (`prefix`
    instead of `without`), and some that don't belong to the text model.
    """

    architecture: str
    prefix: str
    without: str
    others: tuple


_TOWER = (
    "vision_tower.vision_model.post_layernorm.weight",
    "multi_modal_projector.mm_soft_emb_norm.weight",
)
PICTURES = {
    "Gemma3Config": Pictures("Gemma3ForConditionalGeneration", "language_model.", "", _TOWER),
    "Mistral3Config": Pictures("Mistral3ForConditionalGeneration", "language_model.", "", _TOWER),
    "Gemma4Config": Pictures(
        "Gemma4ForConditionalGeneration",
        "model.language_model.",
        "model.",
        (
            "model.embed_vision.a.weight",
            "model.audio_tower.b.weight",
            "model.vision_tower.c.weight",
        ),
    ),
    "Qwen3_5Config": Pictures(
        "Qwen3_5ForConditionalGeneration",
        "model.language_model.",
        "model.",
        ("model.visual.merger.norm.weight", "mtp.norm.weight", "mtp.layers.0.mlp.up_proj.weight"),
    ),
}


def _as_on_the_hub(path, extra):
    """transformers saves Gemma 4's settings of single layers in another form than the hub has."""
    config = json.loads(path.read_text(encoding="utf-8"))
    text = config.get("text_config", config)
    del text["per_layer_config"]
    text["global_head_dim"] = extra["global_head_dim"]
    text["num_global_key_value_heads"] = extra.get("num_global_key_value_heads")
    path.write_text(json.dumps(config), encoding="utf-8")


def _config(case, tokens, rows):
    import transformers

    family = FAMILIES[case.family]
    number = {
        name: tokens.index(token) if token else None
        for name, token in (
            ("bos_token_id", family.bos),
            ("eos_token_id", family.eos),
            ("pad_token_id", family.pad),
        )
    }
    text = {**SHAPE, **number, "vocab_size": rows, "dtype": case.dtype, **case.extra}
    if "hidden_size_per_layer_input" in text:
        text["vocab_size_per_layer_input"] = rows
    if case.config == "Mistral3Config":
        return transformers.Mistral3Config(text_config={**text, "model_type": "ministral3"})
    if case.config in PICTURES and case.config != "Gemma3Config":
        return getattr(transformers, case.config)(text_config=text)
    if case.config == "Gemma3Config":
        return transformers.Gemma3Config(
            text_config=text,
            mm_tokens_per_image=4,
            dtype=case.dtype,
            vision_config={
                "hidden_size": 8,
                "intermediate_size": 8,
                "num_hidden_layers": 1,
                "num_attention_heads": 1,
            },
        )
    return getattr(transformers, case.config)(**text)


def _numbers(name, shape):
    """Whole numbers from -128 to 127 in no order, a 256th each: exact in bfloat16."""
    import numpy as np
    import torch

    start = int.from_bytes(hashlib.sha256(name.encode()).digest()[:4], "little")
    mixed = (
        (np.arange(math.prod(shape), dtype=np.uint64) + start)
        * np.uint64(2654435761)
        % np.uint64(2**32)
    )
    mixed = (mixed ^ (mixed >> np.uint64(15))) * np.uint64(2246822519) % np.uint64(2**32)
    whole = (mixed >> np.uint64(24)).astype(np.int64) - 128
    return torch.from_numpy(whole.astype(np.float32) / 256).reshape(shape)


# Files


def facts(path):
    """What a GGUF file says: {"metadata": {key: [type, value]}, "tensors": {name: [shape, type,
    hash]}}.
    """
    from gguf import GGUFReader

    reader = GGUFReader(path)
    metadata = {
        key: [" ".join(kind.name for kind in field.types), _short(field.contents())]
        for key, field in reader.fields.items()
        if not key.startswith("GGUF.")
    }
    tensors = {
        tensor.name: [[int(size) for size in tensor.shape], tensor.tensor_type.name, _bytes(tensor)]
        for tensor in reader.tensors
    }
    return {"metadata": metadata, "tensors": tensors}


def _bytes(tensor):
    """A hash of a tensor's bytes, or its numbers to six digits where each library computes them in
    its own way.
    """
    if tensor.name == "rope_freqs.weight":
        return [float(f"{value:.6g}") for value in tensor.data.tolist()]
    return _hash(tensor.data.tobytes())


def _short(value):
    """Long lists as length and hash, so that the record stays small."""
    if isinstance(value, list) and len(value) > 8:
        return [len(value), _hash(json.dumps(value).encode())]
    return value


def _hash(data):
    return hashlib.sha256(data).hexdigest()[:16]


# Strings

CHINESE = """今天天气不错，我们去海边走走吧。
他说：“好！”然后转身走了……
「半圈」是什么意思？《水底》里没有鱼。
９．９和９.11哪个大？——我也不知道～
繁體中文：憂鬱的臺灣烏龜。
我想在apple工作1314151天～
价格是￥1,234.50（约合$170）。
𠮷野家、𪚥𪚥、㐂、〇，都是生僻字。
第一行
第二行

第四行
　　全角空格开头，中间　也有
中文 English 混排，不加空格English也行。
日本語：これはペンです。ｶﾀｶﾅ、ﾊﾟ
한국어: 안녕하세요, 반갑습니다!
嗯。。。！！？？""".split("\n")
ENGLISH = """The quick brown fox jumps over the lazy dog.
I've been told he's there, 'RE you sure? 'M not sure I'll make it, 'D you like some tea? We'Ve a'lL
It’s late; don’t wait—I’ll be “home” by 9…
Don't, can't, won't, y'all'd've, rock'n'roll, '90s, O'Neill's
UPPER lower CamelCase snake_case kebab-case SCREAMING_SNAKE
e.g., i.e., etc. Dr. Smith's Ph.D. (1998) cost $3.50/lb @ 12%!
9.9 or 9.11? 3 33 333 3333 33333 333333 3333333 33333333 3.3 3..3 3...3
1,000,000.00 1e-10 0xDEADBEEF 192.168.0.1 2024-02-29T12:34:56Z +1 (555) 010-9999
½ ⅓ ² ³ Ⅷ ① ٣٤٥ ९८७ 一二三 ௧௨
naïve café façade Ångström Öl straße ﬁne ﬂat
supercalifragilisticexpialidocious antidisestablishmentarianism
a  b   c    d     e      f       g
-- --- ---- ==== ~~~~ #### **** ____ ...... !!!!!! ?????? ''''' ```` ""\"""
http://example.org/a/b?c=d&e=%E4%BD%A0#f mail@example.org @user #tag""".split("\n")
OTHERS = """Привет, мир! нещо на Български
Γειά σου Κόσμε, ἄνθρωπος
שלום עולם, מה שלומך?
مرحبا بالعالم، كيف حالك؟
हिन्दी में नमस्ते दुनिया
ภาษาไทยไม่มีช่องว่าง
កាន់តែពិសេសអាច
Tiếng Việt có nhiều dấu
தமிழ் மொழி
abc עברית abc العربية 中文
\u202bRTL mark\u202c and \u200fmarks\u200e
ᚠᛇᚻ ᛒᛦᚦ ⠓⠑⠇⠇⠕ 𝔘𝔫𝔦𝔠𝔬𝔡𝔢 𝟘𝟙𝟚""".split("\n")
EMOJI = """😀😃😄 🚀 (normal) 😶\u200d🌫️ (several in one)
👨\u200d👩\u200d👧\u200d👦👩🏽\u200d💻🏳️\u200d🌈🇨🇳🇺🇸
✅ ❤️ ☀ ☀️ ©️ ™ 1️⃣ *️⃣
好的👌，明天见👋🏻！
🦙🦙🦙 a🦙b 1🦙2
(╯°□°）╯︵ ┻━┻ ¯\\_(ツ)_/¯ :-) ^_^""".split("\n")
CODE = [
    "def f(x):\n    return x ** 2  # square\n\n\nprint(f(3))\n",
    "for (int i = 0; i < n; ++i) {\n\ta[i] += b[i];\n}",
    '<div class="a">\n  <p>Hi&nbsp;there</p>\n</div>\n',
    '{"key": [1, 2.5, null, true], "你好": "世界"}',
    "SELECT * FROM t WHERE a >= 1 AND b LIKE '%x%';",
    "x = [i for i in range(10) if i % 2 == 0]\r\ny = x[::-1]\r\n",
    "#!/bin/sh\nset -e\n\techo \"$HOME\" | sed 's/a/b/g' > /dev/null 2>&1",
    "\\frac{a}{b} \\sum_{i=1}^{n} x_i^2 $E=mc^2$",
    "a=>b->c::d!=e==f&&g||h??i?.j;//k/*l*/",
    "| a | b |\n|---|---|\n| 1 | 2 |\n",
    "- [ ] 任务\n- [x] done\n  1. nested\n",
]
BLANKS = [
    "",
    " ",
    "  ",
    "   ",
    " " * 7,
    " " * 33,
    "\n",
    "\n\n",
    "\n\n\n\n",
    "\r\n\r\n",
    "\r",
    "\t",
    "\t\t\t",
    " \t \n \t",
    " a",
    "  a",
    "   a",
    "a ",
    "a  ",
    "a   \n",
    "\na",
    "\n a",
    "\n  a",
    " \n",
    "  \n  \n",
    "a\n\n b",
    "a \n b",
    "a\u00a0b",
    "\u00a0\u00a0",
    "a\u3000b",
    "\u3000\n",
    "a\u2003b\u2009c",
    "a\u200bb",
    "\ufeffa",
    "a\u0085b",
    "a\u2028b\u2029c",
    "a\x0bb\x0cc",
    "a\x00b",
    "a\x1b[0mb\x7f",
    "1 2  3   4",
    "！ ？ 。",
    " 。",
    " 你好 ",
    "\n你好\n",
]
COMPOSED = [
    "café",
    "Å",
    "ﬀ",
    "각",
    "が",
    "ệ",
    "ö́",
    "n\u0303",
    "q\u0307\u0323",
    "q\u0323\u0307",
    "Ω",
    "⾦",
    "豈",
    "各\u0301",
    "e\u0301\u0301",
    "\u0301a",
]
SPECIALS = [
    "<|im_start|>user\n你好<|im_end|>\n<|im_start|>assistant\n",
    "<|endoftext|>",
    "a<|im_end|>b",
    " <|im_end|> ",
    "<|im_start|><|im_start|>",
    "<|im_start>",
    "<|im_end|",
    "< |im_end|>",
    "<|begin_of_text|><|start_header_id|>user<|end_header_id|>\n\nHi<|eot_id|>",
    "<|eot_id|>\n\n",
    "<start_of_turn>user\nHi<end_of_turn>\n<start_of_turn>model\n",
    "好<end_of_turn>",
    "<bos>a<eos>",
    "<pad><unk>",
    "<mask>",
    "<0x0A>",
    "<s>a</s>",
    "▁a▁▁b",
    "Ġa",
    "[PAD3]",
    "<unused3>",
    "\n\n\n<end_of_turn>\n\n",
]


@lru_cache
def strings():
    """200 different texts: Chinese, English, other scripts, emoji, code, blanks, composed
    characters, turn tokens.
    """
    found = [*CHINESE, *ENGLISH, *OTHERS, *EMOJI, *CODE, *BLANKS, *COMPOSED, *SPECIALS]
    found += [
        unicodedata.normalize("NFD", text)
        for text in ("café naïve", "각 한국어", "がぎぐ", "Tiếng Việt")
    ]
    halves = [*CHINESE, *ENGLISH, *EMOJI, *CODE]
    for i in range(55):  # one kind of text meets another, with another seam each time
        one, other = halves[i % len(halves)], halves[(7 * i + i // 48 + 5) % len(halves)]
        found.append(one[:24] + ("", " ", "\n", "  ")[i % 4] + other[-24:])
    return list(dict.fromkeys(found))
