"""Whether a base can become a GGUF file, asked before it is trained.

Families are in families.py, tokenizers in gguf_vocabulary.py; here are the checks of a base's
files, which step 02 asks before it trains and step 04 before it writes.
"""

import copy
import json
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from .. import catalogue
from ..files import TwinError, read_json
from ..i18n import t
from ..text import templates
from . import estimate, gguf_vocabulary, llama_cpp_support, load, special_tokens
from .families import family_of

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

_OTHER_TOKENIZERS = ("tokenizer.model", "vocab.json", "tekken.json", "spiece.model")
_SOME_SYSTEM = "You answer as Ning does."  # before the twin's is known
_QUESTION = {"role": "user", "content": "1"}
_DTYPES = ("F32", "F16", "BF16")
# Parts of a checkpoint that read images and sound, or guess tokens ahead (Qwen3.5's mtp)
_NOT_TEXT = (
    "vision_tower.",
    "multi_modal_projector.",
    "visual.",
    "audio_tower.",
    "embed_vision.",
    "embed_audio.",
    "mtp.",
)
# Models with images hold the text model one level deeper.
_TEXT_PREFIXES = {
    "model.language_model.": "model.",
    "language_model.model.": "model.",
    "language_model.lm_head.": "lm_head.",
}


def problem(name: str) -> str:
    """Why a base on this disk can't be exported; '' if it can, or isn't here yet.

    Those of the catalogue can: forms, which ask here, need not load transformers for them.
    """
    folder = None if catalogue.entry(name).name in catalogue.CATALOGUE else _on_disk(name)
    return _problem(folder, (folder / "config.json").stat().st_mtime_ns) if folder else ""


def _on_disk(name):
    """The folder of a base that needs no download, or None."""
    from huggingface_hub import try_to_load_from_cache

    folder = Path(name).expanduser()
    if not folder.is_dir():
        cached = try_to_load_from_cache(catalogue.entry(name).hub, "config.json")
        folder = Path(cached).parent if isinstance(cached, str) else None
    return folder if folder and (folder / "config.json").exists() else None


@lru_cache(maxsize=8)
def _problem(folder, changed):
    try:
        check(folder)
        base = load.Base(str(folder), folder, "", catalogue.entry(str(folder)))
        check_tokenizer(load.tokenizer(base), _SOME_SYSTEM)
    except TwinError as error:
        return str(error)
    return ""


def check(folder: Path) -> None:
    """Raise TwinError with the next action for a base that step 04 could not write."""
    config = read_config(folder)
    kind = rope_of(config).get("rope_type", "default")
    if kind not in family_of(config).rope_types:
        raise TwinError(t("gguf.unsupported_rope_scaling", type=kind))
    if list(Path(folder).glob("model*.safetensors")):
        stored(folder)
    file = Path(folder) / "tokenizer.json"
    if estimate.recurrent(folder):
        _check_recurrent(folder, config)
        return
    llama_cpp_support.check_config(config)
    if file.exists():
        _check_tokenizer_json(read_json(file, damaged="models.base_damaged"))
    elif not any((Path(folder) / name).exists() for name in _OTHER_TOKENIZERS):
        raise TwinError(t("gguf.no_tokenizer", folder=folder))


def _check_tokenizer_json(fields):
    gguf_vocabulary.check(fields)
    llama_cpp_support.check_tokenizer_json(fields)


def _check_recurrent(folder, config):
    """Raise TwinError for an RWKV-7 whose vocabulary or weights are not those of its models."""
    from . import rwkv7, rwkv_world

    rwkv_world.load(folder)
    if list(Path(folder).glob("model*.safetensors")):
        if missing := rwkv7.missing(config, set(stored(folder))):
            raise TwinError(t("gguf.unsupported_rwkv", what=min(missing)))


def check_tokenizer(tokenizer: "PreTrainedTokenizerBase", system: str) -> None:
    """Raise TwinError for a loaded tokenizer, or a place for the system prompt, that 04 refuses."""
    is_own = hasattr(tokenizer, "turn_ends")  # RWKV's, see rwkv_world.py
    if hasattr(tokenizer, "backend_tokenizer"):
        _check_tokenizer_json(json.loads(tokenizer.backend_tokenizer.to_str()))
    elif not is_own:
        raise TwinError(t("gguf.unsupported_tokenizer", part=type(tokenizer).__name__, names=""))
    if system:
        set_system_prompt(copy.copy(tokenizer), system)
    row = {"kind": "qa", "messages": [_QUESTION, {"role": "assistant", "content": "2"}]}
    special_tokens.row(tokenizer, row, load.turn_end(tokenizer)[1])
    if not is_own:
        llama_cpp_support.check_tokenizer(tokenizer)


def read_config(folder: Path):
    """The transformers configuration of a base's text model.

    Raises TwinError for a model that can't be written.
    """
    from transformers import AutoConfig

    load.register(folder)
    config = AutoConfig.from_pretrained(folder).get_text_config()
    # Gemma 4's layers differ in width; families.py asks for those of both kinds.
    config.allow_global_per_layer_attribute_access = True
    family_of(config).check(config)
    return config


def rope_of(config) -> dict:
    """The rotary parameters of a config, those of full attention if there are several."""
    rope = getattr(config, "rope_parameters", None) or {}
    return rope.get("full_attention", rope)


def stored(folder: Path) -> dict[str, tuple]:
    """{name as in a text-only model: (file, name in it, shape)} of a base's safetensors.

    Raises TwinError when there are none, or when they don't have 16 or 32 bits.
    """
    from safetensors import safe_open

    found = {}
    for path in sorted(Path(folder).glob("model*.safetensors")):
        with safe_open(path, framework="pt") as file:
            for name in file.keys():
                if any(part in name for part in _NOT_TEXT):
                    continue
                weight = file.get_slice(name)
                if weight.get_dtype() not in _DTYPES:
                    raise TwinError(t("gguf.base_not_16_bit", dtype=weight.get_dtype()))
                found[text_name(name)] = path, name, tuple(weight.get_shape())
    if not found:
        raise TwinError(t("gguf.no_safetensors", folder=folder))
    return found


def text_name(name: str) -> str:
    """The name of a tensor in a model without images."""
    for prefix, plain in _TEXT_PREFIXES.items():
        if name.startswith(prefix):
            return plain + name[len(prefix) :]
    return name


def set_system_prompt(tokenizer: "PreTrainedTokenizerBase", system: str) -> None:
    """Make the twin's system prompt the default of the tokenizer's chat template.

    Raises TwinError when conversations with another system prompt would change, when the twin's
    doesn't appear, or when the template still names the base.
    """
    with_another_system = [
        {"role": "system", "content": "2"},
        _QUESTION,
        {"role": "assistant", "content": "3"},
        _QUESTION,
    ]
    if special_tokens.has_controls(tokenizer, system):
        raise TwinError(t("gguf.system_prompt_has_control_token"))
    before = load.render(tokenizer, with_another_system, generate=True)
    tokenizer.chat_template = templates.with_system(tokenizer.chat_template, system)
    unchanged = load.render(tokenizer, with_another_system, generate=True) == before
    if not unchanged or system.strip() not in load.render(tokenizer, [_QUESTION]):
        raise TwinError(t("gguf.no_place_for_system_prompt"))
    if phrase := templates.identity(tokenizer.chat_template):
        raise TwinError(t("gguf.system_prompt_names_base", phrase=phrase))
