"""From a base's safetensors and an adapter to GGUF files, in one pass and without a merged checkpoint on disk.

Each tensor is read once, gets its LoRA delta in float32, on a GPU if there is one, and is encoded for every type that is
wanted. While one piece is computed, the next are read and the last is written. The metadata is what llama.cpp's own
converter writes. Not here: reading and merging (gguf_base.py), encoding (kquants.py).
"""

import math
import os
import shutil
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

from ..files import TwinError
from ..i18n import t
from ..models import load
from . import k_quants
from .tensors import ARCHITECTURES, Source, base_layout, head_dim_of, read_config, rope_of  # noqa: F401 - who reads or writes files needs to know one module

TYPES = tuple(k_quants.MIXTURES)
FILE_TYPES = {kind: "ALL_F32" if kind == "F32" else f"MOSTLY_{kind}" for kind in TYPES}
SPARE = 50_000_000  # bytes of disk left for headers and for the files beside the model
YARN = {
    "extrapolation_factor": "ext_factor",
    "attention_factor": "attn_factor",
    "attn_factor": "attn_factor",
    "beta_fast": "beta_fast",
    "beta_slow": "beta_slow",
}  # in a base's rope_parameters: what gguf calls it
SAMPLING = {
    "temperature": "temp",
    "repeat_penalty": "penalty_repeat",
}  # in Ollama's words: in gguf's, where they differ
AHEAD = 2  # pieces that are read while one is computed


def write(folder, outputs, vocabulary, card, adapter=None, progress=None, device=None):
    """Write {type: path} from the base in `folder`; `adapter` is a peft folder. Returns {type: bytes}.

    `card` holds name, license, license_name, license_link, languages, base, template, sampling. Files appear under their names
    only when whole. `device` computes, a GPU by default if there is one. Raises TwinError when something isn't
    supported or the disk is too small.
    """
    with Source(folder, adapter) as source:
        _remove_parts(outputs)
        _need_disk(outputs, source)
        parts = {kind: path.with_name(f".{path.name}.part") for kind, path in outputs.items()}
        try:
            with ExitStack() as stack:
                files = writers(parts, source, vocabulary, card, stack)
                _stream(source, files, device or load.device(), progress)
            for kind, path in outputs.items():
                os.replace(parts[kind], path)
        finally:
            for part in parts.values():
                part.unlink(missing_ok=True)
    return {kind: path.stat().st_size for kind, path in outputs.items()}


def _remove_parts(outputs):
    """Remove what a run that was killed left half written."""
    for folder in {path.parent for path in outputs.values()}:
        for part in folder.glob(".*.gguf.part"):
            part.unlink(missing_ok=True)


def _tensor_type(source, tensor, kind):
    config = source.config
    return k_quants.tensor_type(
        kind,
        tensor.name,
        tensor.shape,
        config.num_hidden_layers,
        source.tied,
        ARCHITECTURES[config.model_type],
    )


def _bytes(source, tensor, kind):
    from gguf import GGML_QUANT_SIZES

    block, size = GGML_QUANT_SIZES[_tensor_type(source, tensor, kind)]
    return math.prod(tensor.shape) // block * size


def _need_disk(outputs, source):
    needed = SPARE + sum(
        _bytes(source, tensor, kind) for tensor in source.tensors for kind in outputs
    )
    folder = next(iter(outputs.values())).parent
    free = shutil.disk_usage(folder).free
    if free < needed:
        mb, has = math.ceil(needed / 1e6), int(free / 1e6)
        raise TwinError(t("gguf.gguf_files_need_mb_disk", mb=mb, folder=folder, has=has))


# The pass


def _stream(source, writers, device, progress):
    """Read, merge, encode and write piece after piece; each file takes its tensors in their order."""
    total, done = sum(math.prod(tensor.shape) for tensor in source.tensors), 0
    pieces = [(tensor, *rows) for tensor in source.tensors for rows in source.pieces(tensor)]
    on_gpu, note = not str(device).startswith("cpu"), t("gguf.writing_files")
    if progress:
        progress(0, 100, note)
    for writer in writers.values():
        _pad(writer)
    with ThreadPoolExecutor(1) as reader, ThreadPoolExecutor(len(writers)) as hands:
        read, writing = _ahead(reader, lambda piece: source.read(*piece, pinned=on_gpu), pieces), []
        for (tensor, start, stop), stored in zip(pieces, read):
            values = source.merged_rows(tensor, start, stop, device, stored)
            k_quants.need_finite(values)
            encoded = {
                kind: _on_cpu(k_quants.encoded(values, _tensor_type(source, tensor, kind)))
                for kind in writers
            }
            for written in writing:
                written.result()
            last = stop == tensor.shape[0]
            writing = [
                hands.submit(_put, writer, encoded[kind], last) for kind, writer in writers.items()
            ]
            done += values.numel()
            if progress:
                progress(100 * done // total, 100, note)
        for written in writing:
            written.result()


def _ahead(pool, function, items):
    """The function's result for each item, in order; AHEAD more are made while one is used."""
    coming = deque()
    for item in items:
        coming.append(pool.submit(function, item))
        if len(coming) > AHEAD:
            yield coming.popleft().result()
    while coming:
        yield coming.popleft().result()


def _on_cpu(blocks):
    """Blocks in the computer's memory, by way of pinned memory, several times as fast from a GPU."""
    import torch

    if blocks.device.type == "cpu":
        return blocks
    return torch.empty(blocks.shape, dtype=blocks.dtype, pin_memory=True).copy_(blocks)


def _put(writer, blocks, last):
    """Append blocks to the file's data; gguf's own method wants the whole tensor."""
    writer.fout[0].write(blocks.numpy())
    if last:
        _pad(writer)


def _pad(writer):
    file = writer.fout[0]
    writer.write_padding(file, file.tell())


# The header


def writers(parts, source, vocabulary, card, stack):
    """{type: GGUFWriter} whose headers are on disk and which wait for the tensors' data; `stack` closes them."""
    import gguf
    import numpy

    found, head = {}, b""
    for kind, part in parts.items():
        writer = found[kind] = gguf.GGUFWriter(part, ARCHITECTURES[source.config.model_type])
        stack.callback(writer.close)
        for tensor in source.tensors:
            writer.add_tensor_info(
                tensor.name,
                tensor.shape,
                numpy.dtype("float32"),
                _bytes(source, tensor, kind),
                _tensor_type(source, tensor, kind),
            )
        if head:
            _repeat_head(writer, head, kind)
        else:
            _write_head(writer, kind, source, vocabulary, card)
            head = part.read_bytes()
        writer.write_ti_data_to_file()
    return found


def _write_head(writer, kind, source, vocabulary, card):
    import gguf

    writer.add_file_type(
        gguf.LlamaFileType[FILE_TYPES[kind]]
    )  # first, so that `_repeat_head` finds it
    _about(writer, source.tensors, card)
    _shape_of(writer, source.config, gguf)
    writer.add_quantization_version(gguf.GGML_QUANT_VERSION)
    _words(writer, vocabulary, card["template"])
    writer.write_header_to_file()
    writer.write_kv_data_to_file()


def _repeat_head(writer, head, kind):
    """Give a file the head of another, but its own type: gguf takes seconds to write a vocabulary."""
    import gguf

    place = head.index(gguf.Keys.General.FILE_TYPE.encode()) + len(gguf.Keys.General.FILE_TYPE) + 4
    writer.open_output_file()
    writer.fout[0].write(
        head[:place]
        + gguf.LlamaFileType[FILE_TYPES[kind]].to_bytes(4, "little")
        + head[place + 4 :]
    )
    writer.state = gguf.gguf_writer.WriterState.KV_DATA


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
    for name, value in card.get("sampling", {}).items():
        getattr(writer, f"add_sampling_{SAMPLING.get(name, name)}")(value)


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
        writer.add_rope_dimension_count(head_dim_of(config))
    if config.model_type == "gemma3_text":
        writer.add_sliding_window(config.sliding_window)
        if getattr(config, "final_logit_softcapping", None):
            writer.add_final_logit_softcapping(config.final_logit_softcapping)
    _rotary(writer, config, gguf)


def _rotary(writer, config, gguf):
    rope = rope_of(config)
    kind = rope.get("rope_type", "default")
    writer.add_rope_freq_base(rope["rope_theta"])
    if "sliding_attention" in config.rope_parameters:
        writer.add_rope_freq_base_swa(config.rope_parameters["sliding_attention"]["rope_theta"])
    if kind in ("linear", "yarn"):
        writer.add_rope_scaling_type(gguf.RopeScalingType[kind.upper()])
        writer.add_rope_scaling_factor(rope["factor"])
    if kind == "yarn":
        writer.add_rope_scaling_orig_ctx_len(rope["original_max_position_embeddings"])
        for key, name in YARN.items():
            if rope.get(key) is not None:
                getattr(writer, f"add_rope_scaling_yarn_{name}")(rope[key])
    if kind not in ("default", "linear", "yarn", "llama3"):
        raise TwinError(t("gguf.llama_cpp_doesnt_know_position", kind=kind))


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
