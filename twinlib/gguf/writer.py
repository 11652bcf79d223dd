"""From a base's safetensors and an adapter to GGUF files in one pass, without a merged checkpoint.

Each tensor is read once, gets its LoRA delta in float32, on a GPU if there is one, and is encoded
for every requested type. While one piece is computed, the next ones are read and the one before is
written. The metadata is that of llama.cpp's own converter. Not here: reading and merging
(tensors.py), encoding (types.py).
"""

import math
import os
import shutil
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

from ..files import TwinError
from ..i18n import t
from ..models import exportable, load
from ..models.gguf_vocabulary import Vocabulary
from . import types
from .tensors import Source

_SPARE = 50_000_000  # bytes of disk for the headers and small files
# gguf's names of a base's rope_parameters
_YARN = {
    "extrapolation_factor": "ext_factor",
    "attention_factor": "attn_factor",
    "attn_factor": "attn_factor",
    "beta_fast": "beta_fast",
    "beta_slow": "beta_slow",
}
# gguf's names of Ollama's sampling parameters, if they differ
_SAMPLING = {"temperature": "temp", "repeat_penalty": "penalty_repeat"}
_AHEAD = 2  # pieces that are read while one is computed


def write(
    folder: Path,
    outputs: dict[str, Path],
    vocabulary: Vocabulary,
    card: dict,
    adapter: Path | None = None,
    progress: Callable = lambda *_: None,
    device: str | None = None,
) -> dict[str, int]:
    """Write {file type: path} from the base in `folder` and a peft adapter.

    Returns {file type: size in bytes}. `card` has the metadata name, template (the chat template)
    and, where known, license, license_name, license_link, languages, base and sampling. A file gets
    its name only when it is complete. `device` is a GPU by default if there is one. Raises
    TwinError when something isn't supported or the disk is too small.
    """
    source = Source(folder, adapter)
    _remove_parts(outputs)
    need_disk(outputs, source)
    parts = {kind: path.with_name(f".{path.name}.part") for kind, path in outputs.items()}
    try:
        with ExitStack() as stack:
            writers = open_writers(parts, source, vocabulary, card, stack)
            _stream(source, writers, device or load.device(), progress)
        for kind, path in outputs.items():
            os.replace(parts[kind], path)
    finally:
        for part in parts.values():
            part.unlink(missing_ok=True)
    return {kind: path.stat().st_size for kind, path in outputs.items()}


def _remove_parts(outputs):
    """Remove incomplete files of a run that was killed."""
    for folder in {path.parent for path in outputs.values()}:
        for part in folder.glob(".*.gguf.part"):
            part.unlink(missing_ok=True)


def _tensor_type(source, tensor, kind):
    layers = source.config.num_hidden_layers
    known = layers, source.tied, source.family, source.value_layers
    return types.tensor_type(kind, tensor.name, tensor.shape, *known)


def _bytes(source, tensor, kind):
    from gguf import GGML_QUANT_SIZES

    block, size = GGML_QUANT_SIZES[_tensor_type(source, tensor, kind)]
    return math.prod(tensor.shape) // block * size


def need_disk(outputs: dict[str, Path], source: Source) -> None:
    """Raise TwinError when the disk has no room for the files."""
    needed = _SPARE + sum(
        _bytes(source, tensor, kind) for tensor in source.tensors for kind in outputs
    )
    folder = next(iter(outputs.values())).parent
    free = shutil.disk_usage(folder).free
    if free < needed:
        values = {"needed": math.ceil(needed / 1e6), "free": int(free / 1e6)}
        raise TwinError(t("gguf.disk_too_small", folder=folder, **values))


# The pass


def _stream(source, writers, device, progress):
    """Read, merge, encode and write piece after piece; each file gets its tensors in order."""
    total, done = sum(math.prod(tensor.shape) for tensor in source.tensors), 0
    pieces = [(tensor, *rows) for tensor in source.tensors for rows in source.pieces(tensor)]
    on_gpu, note = not str(device).startswith("cpu"), t("gguf.writing_files")
    progress(0, 100, note)
    for writer in writers.values():
        _pad(writer)
    with ThreadPoolExecutor(1) as reading, ThreadPoolExecutor(len(writers)) as writing:
        read = _ahead(reading, lambda piece: source.read(*piece, pinned=on_gpu), pieces)
        pending = []
        for (tensor, start, stop), stored in zip(pieces, read):
            values = source.merged_rows(tensor, start, stop, device, stored)
            types.need_finite(values)
            blocks = {
                kind: _to_memory(types.encode_unchecked(values, _tensor_type(source, tensor, kind)))
                for kind in writers
            }
            _wait(pending)
            last = stop == tensor.shape[0]
            pending = [
                writing.submit(_append, writer, blocks[kind], last)
                for kind, writer in writers.items()
            ]
            done += values.numel()
            progress(100 * done // total, 100, note)
        _wait(pending)


def _wait(futures):
    """Wait for all futures; raises the exception of the first that failed."""
    for future in futures:
        future.result()


def _ahead(pool, function, items):
    """Yield the function's result for each item, computing the next _AHEAD ones in `pool`."""
    pending = deque()
    for item in items:
        pending.append(pool.submit(function, item))
        if len(pending) > _AHEAD:
            yield pending.popleft().result()
    while pending:
        yield pending.popleft().result()


def _to_memory(blocks):
    """Blocks on the CPU; copied from a GPU through pinned memory, several times as fast."""
    import torch

    if blocks.device.type == "cpu":
        return blocks
    return torch.empty(blocks.shape, dtype=blocks.dtype, pin_memory=True).copy_(blocks)


def _append(writer, blocks, last):
    """Append blocks to the file's data; gguf's own method takes whole tensors only."""
    writer.fout[0].write(blocks.numpy())
    if last:
        _pad(writer)


def _pad(writer):
    file = writer.fout[0]
    writer.write_padding(file, file.tell())


# The header


def open_writers(
    parts: dict[str, Path], source: Source, vocabulary: Vocabulary, card: dict, stack: ExitStack
) -> dict:
    """{file type: gguf.GGUFWriter} with complete headers on disk; `stack` closes them."""
    import gguf
    import numpy

    writers, metadata = {}, b""
    for kind, part in parts.items():
        writer = writers[kind] = gguf.GGUFWriter(part, source.family.architecture)
        stack.callback(writer.close)
        for tensor in source.tensors:
            writer.add_tensor_info(
                tensor.name,
                tensor.shape,
                numpy.dtype("float32"),
                _bytes(source, tensor, kind),
                _tensor_type(source, tensor, kind),
            )
        if metadata:
            _copy_metadata(writer, metadata, kind)
        else:
            _write_metadata(writer, kind, source, vocabulary, card)
            metadata = part.read_bytes()
        writer.write_ti_data_to_file()
    return writers


def _file_type(kind):
    from gguf import LlamaFileType

    return LlamaFileType["ALL_F32" if kind == "F32" else f"MOSTLY_{kind}"]


def _write_metadata(writer, kind, source, vocabulary, card):
    import gguf

    # The file type comes first, so that `_copy_metadata` finds it.
    writer.add_file_type(_file_type(kind))
    _add_description(writer, source.tensors, card)
    if exportable.rope_of(source.config):
        _add_shape(writer, source.config, source.family)
        _add_rotary(writer, source.config, source.family)
    source.family.metadata(writer, source.config)
    writer.add_quantization_version(gguf.GGML_QUANT_VERSION)
    _add_tokenizer(writer, vocabulary, card["template"])
    writer.write_header_to_file()
    writer.write_kv_data_to_file()


def _copy_metadata(writer, metadata, kind):
    """Write another file's metadata with this file's type.

    It saves the seconds that gguf takes to write a vocabulary.
    """
    import gguf

    key = gguf.Keys.General.FILE_TYPE.encode()
    # 4 bytes for the type of the value are between key and value.
    start = metadata.index(key) + len(key) + 4
    file_type = _file_type(kind).to_bytes(4, "little")
    writer.open_output_file()
    writer.fout[0].write(metadata[:start] + file_type + metadata[start + 4 :])
    writer.state = gguf.gguf_writer.WriterState.KV_DATA


def _add_description(writer, tensors, card):
    import gguf

    size = sum(math.prod(tensor.shape) for tensor in tensors if tensor.base_name)
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
        getattr(writer, f"add_sampling_{_SAMPLING.get(name, name)}")(value)


def _add_shape(writer, config, family):
    width = getattr(config, "head_dim", None)
    values = {
        "block_count": config.num_hidden_layers,
        "context_length": config.max_position_embeddings,
        "embedding_length": config.hidden_size,
        "feed_forward_length": config.intermediate_size,
        "head_count": config.num_attention_heads,
        "head_count_kv": config.num_key_value_heads,
        "layer_norm_rms_eps": config.rms_norm_eps,
        "key_length": width,
        "value_length": width,
        **family.shape(config),
    }
    for name, value in values.items():
        if value is not None:
            getattr(writer, f"add_{name}")(value)


def _add_rotary(writer, config, family):
    import gguf

    rope = exportable.rope_of(config)
    kind = rope.get("rope_type", "default")
    if kind not in family.rope_types:
        raise TwinError(t("gguf.unsupported_rope_scaling", type=kind))
    writer.add_rope_freq_base(rope["rope_theta"])
    if sliding := config.rope_parameters.get("sliding_attention"):
        writer.add_rope_freq_base_swa(sliding["rope_theta"])
    if kind in ("linear", "yarn"):
        writer.add_rope_scaling_type(gguf.RopeScalingType[kind.upper()])
        writer.add_rope_scaling_factor(rope["factor"])
    if kind == "yarn":
        writer.add_rope_scaling_orig_ctx_len(rope["original_max_position_embeddings"])
        for key, name in _YARN.items():
            if rope.get(key) is not None:
                getattr(writer, f"add_rope_scaling_yarn_{name}")(rope[key])


def _add_tokenizer(writer, vocabulary, template):
    writer.add_tokenizer_model(vocabulary.model)
    if vocabulary.pre:
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
