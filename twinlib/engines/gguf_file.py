"""From a base's safetensors and an adapter to GGUF files, in one pass and without a merged checkpoint on disk.

Each tensor is read once, gets its LoRA delta in float32, and is encoded for every requested type. Names, shapes and
metadata are those that llama.cpp's own converter writes for Qwen2/2.5, Qwen3, Llama 3.x and Gemma 3 (text); what
isn't supported is refused with a sentence: other architectures, DoRA, adapters that replace whole layers.
"""

import json
import math
import os
import re
import shutil
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple

from ..language import t
from ..twin import TwinError

TYPES = ("F32", "F16", "BF16", "Q8_0")
FILE_TYPES = {"F32": "ALL_F32", "F16": "MOSTLY_F16", "BF16": "MOSTLY_BF16", "Q8_0": "MOSTLY_Q8_0"}
ARCHITECTURES = {"gemma3_text": "gemma3", "qwen2": "qwen2", "qwen3": "qwen3", "llama": "llama"}
SPARE = 50_000_000  # bytes of disk left for headers and for the files beside the model
NOT_TEXT = ("vision_tower.", "multi_modal_projector.", "visual.")
LONGEST_SAME_SLIDING = 6  # llama.cpp's Gemma 3: every sixth layer sees everything


class Tensor(NamedTuple):
    """One tensor of the file: its GGUF name, its name in the base ('' when computed), its shape, row-major."""

    name: str
    source: str
    shape: tuple


class Delta(NamedTuple):
    """What LoRA adds to a weight: scale * up @ down."""

    down: object
    up: object
    scale: float


def write(folder, outputs, vocabulary, card, adapter=None, progress=None):
    """Write {type: path} from the base in `folder`; `adapter` is a peft folder. Returns {type: bytes}.

    `card` holds name, license, license_name, license_link, languages, base, template. Files appear under their names
    only when whole. Raises TwinError when something isn't supported or the disk is too small.
    """
    config = read_config(folder)
    with ExitStack() as stack:
        weights = _weights(folder, stack)
        tensors = _plan(config, weights)
        deltas = read_adapter(adapter, weights) if adapter else {}
        _need_disk(outputs, tensors)
        parts = {kind: path.with_name(f".{path.name}.part") for kind, path in outputs.items()}
        try:
            writers = {kind: _writer(part, kind, config, tensors, vocabulary, card) for kind, part in parts.items()}
            _stream(config, tensors, weights, deltas, writers, progress)
            for kind, path in outputs.items():
                os.replace(parts[kind], path)
        finally:
            for part in parts.values():
                part.unlink(missing_ok=True)
    return {kind: path.stat().st_size for kind, path in outputs.items()}


def read_config(folder):
    """The text model's configuration; raises TwinError for an architecture that can't be written."""
    from transformers import AutoConfig

    config = AutoConfig.from_pretrained(folder).get_text_config()
    if config.model_type not in ARCHITECTURES:
        raise TwinError(t(f"A model of the kind '{config.model_type}' can't become a GGUF file here; supported are "
                          "Qwen2, Qwen2.5, Qwen3, Llama 3 and Gemma 3. Choose such a base and train again.",
                          f"“{config.model_type}”类模型还不能在这里转成 GGUF；支持 Qwen2、Qwen2.5、Qwen3、Llama 3 和 Gemma 3。"
                          "请换一个基础模型重新训练。"))
    if config.model_type == "gemma3_text":
        expected = ["full_attention" if (i + 1) % LONGEST_SAME_SLIDING == 0 else "sliding_attention"
                    for i in range(config.num_hidden_layers)]
        if config.layer_types != expected:
            raise TwinError(t("This Gemma's attention pattern isn't one that llama.cpp knows. Choose another base.",
                              "这个 Gemma 的注意力排列不是 llama.cpp 认识的那种。请换一个基础模型。"))
    return config


# Reading the base and the adapter

def _weights(folder, stack):
    """{name as in a text-only model: (open file, name in it)} of all safetensors of a base."""
    from safetensors import safe_open

    found = {}
    for path in sorted(Path(folder).glob("model*.safetensors")):
        file = stack.enter_context(safe_open(path, framework="pt"))
        found.update({_text_name(name): (file, name) for name in file.keys()
                      if not any(part in name for part in NOT_TEXT)})
    if not found:
        raise TwinError(t(f"There are no safetensors in {folder}: choose a base that has them.",
                          f"{folder} 里没有 safetensors 文件：请换一个有的基础模型。"))
    return found


def _text_name(name):
    """Gemma 3's image models hold the same text model one level deeper."""
    for deep, plain in (("model.language_model.", "model."), ("language_model.model.", "model."),
                        ("language_model.lm_head.", "lm_head.")):
        if name.startswith(deep):
            return plain + name[len(deep):]
    return name


def read_adapter(folder, weights):
    """{weight name: Delta} of a peft folder; raises TwinError for what can't be added to this base."""
    from safetensors.torch import load_file

    try:
        config = json.loads((Path(folder) / "adapter_config.json").read_text(encoding="utf-8"))
        stored = load_file(Path(folder) / "adapter_model.safetensors")
    except (OSError, ValueError) as error:
        raise TwinError(t(f"The adapter in {folder} can't be read ({error}): train it again.",
                          f"读不出 {folder} 里的适配器（{error}）：请重新训练。")) from None
    matrices = {}
    for name, matrix in stored.items():
        found = re.fullmatch(r"(?:base_model\.model\.)?(.+)\.lora_([AB])(?:\.default)?\.weight", name)
        weight = _text_name(found[1] + ".weight") if found else name
        if not found or weight not in weights or config.get("use_dora") or config.get("fan_in_fan_out"):
            raise TwinError(t(f"The adapter holds '{name}', which can't be added to this base: train a plain LoRA "
                              "adapter on it.", f"适配器里的“{name}”无法并入这个基础模型：请在它上面训练普通的 LoRA 适配器。"))
        matrices.setdefault(weight, {})[found[2]] = matrix
    return {weight: Delta(pair["A"], pair["B"], _scale(config, weight, pair["A"].shape[0]))
            for weight, pair in matrices.items()}


def _scale(config, weight, rank):
    module = weight.removesuffix(".weight")
    alpha = next((value for pattern, value in (config.get("alpha_pattern") or {}).items()
                  if re.match(rf"(?:.*\.)?(?:{pattern})$", module)), config["lora_alpha"])
    return alpha / (math.sqrt(rank) if config.get("use_rslora") else rank)


# Which tensors the file holds

def _plan(config, weights):
    import gguf

    names = gguf.get_tensor_name_map(_arch(gguf, config), config.num_hidden_layers)
    tensors = []
    for source, (file, stored) in weights.items():
        if source == "lm_head.weight" and config.tie_word_embeddings or source.endswith("rotary_emb.inv_freq"):
            continue
        name = names.get_name(source, (".weight", ".bias"))
        if name is None:
            raise TwinError(t(f"The base has a tensor that llama.cpp doesn't know: {source}. Choose another base.",
                              f"基础模型里有 llama.cpp 不认识的张量：{source}。请换一个基础模型。"))
        tensors.append(Tensor(name, source, tuple(file.get_slice(stored).get_shape())))
    if _rope(config).get("rope_type") == "llama3":
        tensors.append(Tensor("rope_freqs.weight", "", (_head_dim(config) // 2,)))
    return sorted(tensors, key=lambda tensor: [int(part) if part.isdigit() else -1 for part in tensor.name.split(".")])


def _arch(gguf, config):
    names = {name: arch for arch, name in gguf.MODEL_ARCH_NAMES.items()}
    return names[ARCHITECTURES[config.model_type]]


def _rope(config):
    rope = config.rope_parameters
    return rope.get("full_attention", rope)


def _head_dim(config):
    return getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads


def rope_factors(rope, head_dim):
    """By what each rotary frequency is divided in Llama 3.1 and later (llama.cpp's rope_freqs), head_dim / 2 numbers.

    Long waves by `factor`, short ones not at all, smoothly in between.
    """
    context = rope["original_max_position_embeddings"]
    low, high, factor = rope["low_freq_factor"], rope["high_freq_factor"], rope["factor"]
    factors = []
    for i in range(0, head_dim, 2):
        turns = context / (2 * math.pi * rope["rope_theta"] ** (i / head_dim))
        smooth = min(max((turns - low) / (high - low), 0.0), 1.0)
        factors.append(1 / ((1 - smooth) / factor + smooth))
    return factors


# Encoding

def tensor_type(name, shape, wanted):
    """The type that a tensor gets in a file of type `wanted`: norms and vectors F32, rows that don't fit F16."""
    from gguf import GGML_QUANT_SIZES, GGMLQuantizationType

    if len(shape) == 1 or name.endswith("_norm.weight"):
        return GGMLQuantizationType.F32
    kind = GGMLQuantizationType[wanted]
    return kind if shape[-1] % GGML_QUANT_SIZES[kind][0] == 0 else GGMLQuantizationType.F16


def _bytes(tensor, wanted):
    from gguf import GGML_QUANT_SIZES

    block, size = GGML_QUANT_SIZES[tensor_type(tensor.name, tensor.shape, wanted)]
    return math.prod(tensor.shape) // block * size


def _need_disk(outputs, tensors):
    needed = SPARE + sum(_bytes(tensor, kind) for tensor in tensors for kind in outputs)
    folder = next(iter(outputs.values())).parent
    free = shutil.disk_usage(folder).free
    if free < needed:
        mb, has = math.ceil(needed / 1e6), int(free / 1e6)
        raise TwinError(t(f"The GGUF files need {mb} MB of disk at {folder}, and {has} MB are free: make room, or ask "
                          "for fewer types.", f"GGUF 文件需要 {folder} 有 {mb} MB 空间，现在只剩 {has} MB：请腾出空间，或少选几种类型。"))


def _stream(config, tensors, weights, deltas, writers, progress):
    """Read, merge and encode tensor after tensor; closes the writers whatever happens."""
    import gguf

    total, done = sum(math.prod(tensor.shape) for tensor in tensors), 0
    try:
        for tensor in tensors:
            values = _merged(config, tensor, weights, deltas)
            for kind, writer in writers.items():
                encoded = gguf.quants.quantize(values, tensor_type(tensor.name, tensor.shape, kind))
                writer.write_tensor_data(encoded)
            done += math.prod(tensor.shape)
            if progress:
                progress(100 * done // total, 100, t("writing the files", "正在写文件"))
    finally:
        for writer in writers.values():
            writer.close()


def _merged(config, tensor, weights, deltas):
    """The values of a tensor as llama.cpp wants them: float32, delta added, in its own order of rows."""
    import torch

    if not tensor.source:
        return torch.tensor(rope_factors(_rope(config), _head_dim(config))).numpy()
    file, stored = weights[tensor.source]
    values = file.get_tensor(stored)
    if values.dtype not in (torch.float32, torch.float16, torch.bfloat16):
        raise TwinError(t(f"The base is stored as {values.dtype}: choose the 16-bit version of it.",
                          f"基础模型是以 {values.dtype} 存储的：请换它的 16 位版本。"))
    values = values.float()
    if delta := deltas.get(tensor.source):
        values = values + delta.scale * (delta.up.float() @ delta.down.float())
    if config.model_type == "gemma3_text" and tensor.source.endswith("norm.weight"):
        values = values + 1  # transformers multiplies by 1 + weight, llama.cpp by weight
    if config.model_type == "llama":
        values = _interleaved(values, tensor.source, config)
    return values.contiguous().numpy()


def _interleaved(values, source, config):
    """Rotary pairs side by side: llama.cpp's Llama turns rows 2i and 2i+1, transformers rows i and i + half."""
    heads = {"q_proj": config.num_attention_heads, "k_proj": config.num_key_value_heads}.get(source.split(".")[-2])
    if heads is None:
        return values
    return values.reshape(heads, 2, -1, *values.shape[1:]).transpose(1, 2).reshape(values.shape)


# The header

def _writer(part, kind, config, tensors, vocabulary, card):
    """A GGUFWriter whose header is on disk and which waits for the tensors' data."""
    import gguf
    import numpy

    writer = gguf.GGUFWriter(part, ARCHITECTURES[config.model_type])
    _about(writer, tensors, card)
    _shape_of(writer, config, gguf)
    writer.add_file_type(gguf.LlamaFileType[FILE_TYPES[kind]])
    writer.add_quantization_version(gguf.GGML_QUANT_VERSION)
    _words(writer, vocabulary, card["template"])
    for tensor in tensors:
        writer.add_tensor_info(tensor.name, tensor.shape, numpy.dtype("float32"), _bytes(tensor, kind),
                               tensor_type(tensor.name, tensor.shape, kind))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_ti_data_to_file()
    return writer


def _about(writer, tensors, card):
    import gguf

    size = sum(math.prod(tensor.shape) for tensor in tensors if tensor.source)
    writer.add_type(gguf.GGUFType.MODEL)
    writer.add_name(card["name"])
    writer.add_size_label(gguf.size_label(size, size, 0, 0))
    for key in ("license", "license_name", "license_link"):
        if card.get(key):
            getattr(writer, f"add_{key}")(card[key])
    if card.get("base"):
        writer.add_base_model_count(1)
        writer.add_base_model_name(0, card["base"].split("/")[-1])
        if "/" in card["base"]:
            writer.add_base_model_organization(0, card["base"].split("/")[0])
            writer.add_base_model_repo_url(0, f"https://huggingface.co/{card['base']}")
    writer.add_tags(["text-generation", "conversational"])
    if card.get("languages"):
        writer.add_languages(list(card["languages"]))


def _shape_of(writer, config, gguf):
    writer.add_block_count(config.num_hidden_layers)
    writer.add_context_length(config.max_position_embeddings)
    writer.add_embedding_length(config.hidden_size)
    writer.add_feed_forward_length(config.intermediate_size)
    writer.add_head_count(config.num_attention_heads)
    writer.add_head_count_kv(config.num_key_value_heads)
    writer.add_layer_norm_rms_eps(config.rms_norm_eps)
    if getattr(config, "head_dim", None):
        writer.add_key_length(config.head_dim)
        writer.add_value_length(config.head_dim)
    if config.model_type == "llama":
        writer.add_vocab_size(config.vocab_size)
        writer.add_rope_dimension_count(_head_dim(config))
    if config.model_type == "gemma3_text":
        writer.add_sliding_window(config.sliding_window)
        if getattr(config, "final_logit_softcapping", None):
            writer.add_final_logit_softcapping(config.final_logit_softcapping)
    _rotary(writer, config, gguf)


def _rotary(writer, config, gguf):
    rope = _rope(config)
    kind = rope.get("rope_type", "default")
    writer.add_rope_freq_base(rope["rope_theta"])
    if "sliding_attention" in config.rope_parameters:
        writer.add_rope_freq_base_swa(config.rope_parameters["sliding_attention"]["rope_theta"])
    if kind in ("linear", "yarn"):
        writer.add_rope_scaling_type(gguf.RopeScalingType[kind.upper()])
        writer.add_rope_scaling_factor(rope["factor"])
    if kind == "yarn":
        writer.add_rope_scaling_orig_ctx_len(rope["original_max_position_embeddings"])
    if kind not in ("default", "linear", "yarn", "llama3"):
        raise TwinError(t(f"llama.cpp doesn't know the position scaling '{kind}' of this base. Choose another base.",
                          f"llama.cpp 不认识这个基础模型的位置缩放“{kind}”。请换一个基础模型。"))


def _words(writer, vocabulary, template):
    writer.add_tokenizer_model(vocabulary.model)
    writer.add_tokenizer_pre(vocabulary.pre)
    writer.add_token_list(vocabulary.tokens)
    if vocabulary.scores:
        writer.add_token_scores(vocabulary.scores)
    writer.add_token_types(vocabulary.types)
    writer.add_token_merges(vocabulary.merges)
    for name, number in vocabulary.special.items():
        getattr(writer, f"add_{name}_token_id")(number)
    writer.add_add_bos_token(vocabulary.add_bos)
    writer.add_add_eos_token(False)
    writer.add_add_space_prefix(False)
    writer.add_chat_template(template)
