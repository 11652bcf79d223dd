"""The one place that loads a model to train, score or answer.

Base models (catalogue, hub, folder), their tokenizers and chat templates, and LoRA on top: by
transformers and peft, or by Unsloth where the plan chooses it. GGUF files are loaded in
llama_cpp.py; answering and scoring is in generate.py.
"""

import contextlib
import errno
import hashlib
import importlib.util
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from .. import catalogue
from ..files import DamagedFile, TwinError, make_folder, read_json, sha256_of, write_json
from ..i18n import t
from . import estimate, free_memory, pip_base
from .hub import mirror

if TYPE_CHECKING:
    import torch
    from peft import PeftModel
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

# Tokens that can serve as padding where the tokenizer has none.
_PADDINGS = ("<|endoftext|>", "<|finetune_right_pad_id|>", "<pad>", "<|vision_pad|>", "<unk>")
CHATML = (
    "{%- for message in messages -%}{{- '<|im_start|>' + message['role'] + '\\n' "
    "+ (message['content'] | trim) + '<|im_end|>\\n' -}}{%- endfor -%}"
    "{%- if add_generation_prompt -%}{{- '<|im_start|>assistant\\n' -}}{%- endif -%}"
)
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
# RWKV's format: a blank line ends a turn, so that none is left inside of one (rwkv_world.py).
RWKV_TEMPLATE = (
    "{%- set names = {'system': 'System', 'user': 'User', 'assistant': 'Assistant'} -%}"
    "{%- for message in messages -%}{{- names[message['role']] + ': ' -}}"
    "{%- set text = message['content'] | trim | replace('\\r\\n', '\\n') -%}"
    "{%- for line in text.split('\\n') if line -%}"
    "{{- ('' if loop.first else '\\n') + line -}}{%- endfor -%}{{- '\\n\\n' -}}"
    "{%- endfor -%}"
    "{%- if add_generation_prompt -%}{{- 'Assistant:' -}}{%- endif -%}"
)
_WORKING_MEMORY = 1.5e9  # bytes on a GPU besides the weights, to process some thousand tokens
_HUB_WAIT = 10  # seconds for the hub to say whether it has a base
_FOUR_BIT_WEIGHT = 0.8  # bytes a parameter in 4-bit: embeddings and the output head stay in 16-bit


@dataclass(frozen=True)
class Base:
    """A base model on this disk."""

    name: str
    path: Path  # folder with config.json, weights and tokenizer
    revision: str  # 16 digits of a hash: the hub's commit, or of the model's files
    entry: catalogue.Entry


class Lora(NamedTuple):
    """LoRA on all linear layers, alpha twice the rank; `checkpointing` recomputes activations."""

    rank: int
    dropout: float = 0.0
    checkpointing: bool = False
    seed: int = 1


# Bases


def prepare(name: str, progress: Callable | None = None) -> Base:
    """The Base called `name`: a catalogue name, a hub id or a folder.

    Downloads go into the hub's own cache. Raises TwinError with the next action for a wrong name, a
    gated model, or no connection.
    """
    progress = progress or (lambda *_, **__: None)
    entry = catalogue.entry(name)
    if entry.name in pip_base.SOURCES:
        revision = pip_base.SOURCES[entry.name].sha256[:16]
        return Base(entry.name, pip_base.folder(entry.name, progress), revision, entry)
    if older := pip_base.older(entry.name):
        path, sha256 = older
        return Base(entry.name, path, sha256[:16], entry)
    if Path(name).expanduser().is_dir():
        return _local(Path(name).expanduser().resolve(), entry)
    if not catalogue.possible(name):
        raise TwinError(catalogue.unknown(name))
    path = _download(entry.hub)
    return Base(entry.name, path, path.name[:16], entry)


def _local(path, entry):
    weights = sorted(path.glob("*.safetensors"))
    if not (path / "config.json").exists() or not weights:
        raise TwinError(t("models.folder_is_no_model", path=path))
    digest = "".join(sha256_of(file) for file in [path / "config.json", *weights])
    return Base(str(path), path, hashlib.sha256(digest.encode()).hexdigest()[:16], entry)


def _download(hub):
    from huggingface_hub import snapshot_download

    patterns = ["*.json", "*.safetensors", "*.txt", "*.model", "*.jinja"]
    token = False if mirror() else None  # a mirror gets no token, not even a saved login's
    try:
        return Path(snapshot_download(hub, allow_patterns=patterns, token=token))
    except Exception as error:  # the client raises many kinds when there is no network
        if getattr(error, "errno", None) in (errno.ENOSPC, errno.EDQUOT):
            raise
        raise _refused(hub, error) from None


def unreachable(name: str) -> str:
    """Why a base can't be had, as far as that is known before the download; '' if it can.

    Asks the hub about a base that is neither on this disk nor in the package registry.
    """
    from huggingface_hub import constants, errors, get_hf_file_metadata, hf_hub_url

    entry = catalogue.entry(name)
    on_disk = Path(name).expanduser().is_dir() or pip_base.is_here(entry)
    if on_disk or entry.name in pip_base.SOURCES:
        return ""
    token = False if mirror() else None
    try:
        if constants.HF_HUB_OFFLINE:
            raise errors.OfflineModeIsEnabled
        url = hf_hub_url(entry.hub, "config.json")
        get_hf_file_metadata(url, token=token, timeout=_HUB_WAIT)
        return ""
    except Exception as error:  # of many kinds when there is no network
        return str(_refused(entry.hub, error))


def _refused(hub, error):
    """The TwinError for an exception of the hub's client."""
    from huggingface_hub import errors

    if isinstance(error, errors.GatedRepoError):
        return TwinError(t("models.base_is_gated", hub=hub))
    if isinstance(error, errors.RepositoryNotFoundError):
        return TwinError(t("models.no_such_model", hub=hub))
    return _no_download(hub, error)


def _no_download(hub, error):
    kind = type(error).__name__
    others = pip_base.other_bases()
    return TwinError(t("models.base_not_downloaded", hub=hub, kind=kind, others=others))


# Tokenizers and templates


def tokenizer(base: Base) -> "PreTrainedTokenizerBase":
    """The transformers tokenizer of a base, with a chat template and a padding token.

    The padding token is none that ends a turn. A base without a template gets CHATML or Gemma's if
    its vocabulary has those tokens. Raises TwinError where there is no such template or token.
    """
    from transformers import AutoTokenizer, PreTrainedTokenizerFast

    if estimate.recurrent(base.path):
        from . import rwkv_world

        return rwkv_world.load(base.path)
    # The class that a base names may rebuild tokenizer.json wrongly: SmolLM2's no longer splits
    # digits.
    has_file = (Path(base.path) / "tokenizer.json").exists()
    loaded = (PreTrainedTokenizerFast if has_file else AutoTokenizer).from_pretrained(base.path)
    if not loaded.chat_template:
        templates = {"<|im_end|>": CHATML, "<end_of_turn>": GEMMA_TEMPLATE}
        known = [templates[token] for token in templates if token in loaded.get_vocab()]
        if not known:
            raise TwinError(t("models.no_chat_template", name=base.name))
        loaded.chat_template = known[0]
    if loaded.pad_token_id is None or loaded.pad_token_id in end_tokens(loaded):
        loaded.pad_token = _padding(loaded)
    loaded.padding_side = "right"
    return loaded


def _padding(tokenizer):
    vocabulary, ends = tokenizer.get_vocab(), end_tokens(tokenizer)
    # Phi-4-mini has none of these: a control token that no conversation contains will do.
    turns = [{"role": role, "content": "a"} for role in ("system", "user", "assistant", "user")]
    seen = tokenizer.chat_template + render(tokenizer, turns, generate=True)
    added = sorted(tokenizer.added_tokens_decoder.items())
    unused = [token.content for _, token in added if token.special and token.content not in seen]
    for token in (*_PADDINGS, *unused):
        if token in vocabulary and vocabulary[token] not in ends:
            return token
    raise TwinError(t("models.no_padding_token"))


def render(
    tokenizer: "PreTrainedTokenizerBase", messages: list[dict], generate: bool = False
) -> str:
    """A conversation in the model's format; with `generate`, up to where its answer begins.

    Raises TwinError for a template that refuses the conversation, or is none.
    """
    from jinja2 import TemplateError

    try:
        return tokenizer.apply_chat_template(
            messages, tokenize=False, add_generation_prompt=generate, enable_thinking=False
        )
    except TemplateError as error:
        raise TwinError(t("gguf.template_fails", error=str(error)[:200])) from None


def turn_end(tokenizer: "PreTrainedTokenizerBase") -> tuple[str, int]:
    """(text, id) of the token that the chat template writes after an assistant's turn.

    The text is for people: line breaks in it are written as \\n. Raises TwinError where it writes
    none.
    """
    if hasattr(tokenizer, "turn_ends"):
        [number] = tokenizer.turn_ends
        return tokenizer.convert_ids_to_tokens(number).replace("\n", "\\n"), number
    messages = [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]
    ids = tokenizer(render(tokenizer, messages), add_special_tokens=False)["input_ids"]
    added = tokenizer.added_tokens_decoder
    special = {i for i, token in added.items() if token.special} | set(tokenizer.all_special_ids)
    if special.isdisjoint(ids):
        raise TwinError(t("models.template_without_end"))
    last = [i for i in ids if i in special][-1]
    return tokenizer.convert_ids_to_tokens(last), last


def end_tokens(tokenizer: "PreTrainedTokenizerBase") -> list[int]:
    """Every id that ends a turn: the end-of-text token and each turn end in the vocabulary."""
    vocabulary = tokenizer.get_vocab()
    ids = {vocabulary[token] for token in catalogue.TURN_ENDS if token in vocabulary}
    ids |= set(getattr(tokenizer, "turn_ends", ()))
    return sorted(ids | ({tokenizer.eos_token_id} - {None}))


def stop_text(template: str) -> str:
    """The text that ends an answer in a chat template whose turns end by no single token; or ''."""
    return "\n\n" if template.endswith(RWKV_TEMPLATE) else ""


# Loading


def register(folder: Path) -> None:
    """Make known to transformers the model types that this library brings itself."""
    if estimate.recurrent(folder):
        from . import rwkv7

        rwkv7.register()


def device() -> str:
    """'cuda' where torch sees an NVIDIA GPU, 'mps' where it sees Apple's, else 'cpu'."""
    import torch

    if torch.cuda.is_available():
        return "cuda"
    return "mps" if torch.backends.mps.is_available() else "cpu"


def exact_device() -> str:
    """The device for what needs float64, which Apple's GPU lacks: 'cuda' or 'cpu'."""
    return "cuda" if device() == "cuda" else "cpu"


def fast_bfloat16() -> bool:
    """Whether the GPU, or else the CPU, computes in bfloat16.

    NVIDIA's does from compute capability 8, Apple's from macOS 14.
    """
    import torch

    if torch.cuda.is_available():
        return torch.cuda.get_device_capability()[0] >= 8
    if device() == "mps":
        return torch.backends.mps.is_macos_or_newer(14, 0)
    return bool(torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported())


def register_attention(name: str, attend: Callable) -> None:
    """Let model.set_attn_implementation(name) take a function that makes its own masks."""
    from transformers import AttentionInterface, AttentionMaskInterface

    AttentionInterface.register(name, attend)
    AttentionMaskInterface.register(name, lambda *_, **__: None)


def sixteen_bits(base: Base) -> "torch.dtype":
    """The torch dtype of a base in '16-bit': bfloat16, float16, or float32 if that overflows."""
    import torch

    if fast_bfloat16():
        return torch.bfloat16
    return torch.float32 if estimate.overflows(base.path) else torch.float16


def fitting_precision(base: Base, parameters: float) -> str | None:
    """The `precision` for `load` in which so many parameters fit into the memory now free, or None.

    'auto' where that fits, else '4-bit' on a GPU with bitsandbytes.
    """
    if device() != "cuda":  # Apple's GPU shares the memory of the CPU
        size = 2 if fast_bfloat16() else 4
        return "auto" if parameters * size * 1.1 < free_memory.available() else None
    free = free_gpu_bytes()
    sizes = {"auto": sixteen_bits(base).itemsize}
    if importlib.util.find_spec("bitsandbytes") and not estimate.recurrent(base.path):
        sizes["4-bit"] = _FOUR_BIT_WEIGHT
    fitting = (name for name, size in sizes.items() if parameters * size + _WORKING_MEMORY < free)
    return next(fitting, None)


def free_gpu_bytes() -> int:
    """Bytes of GPU memory that this process can still take."""
    import torch

    free, total = torch.cuda.mem_get_info()
    reserved, allocated = torch.cuda.memory_reserved(), torch.cuda.memory_allocated()
    fraction = getattr(torch.cuda, "get_per_process_memory_fraction", lambda: 1.0)
    share = fraction() if torch.cuda.is_initialized() else 1.0
    return min(free, int(total * share) - reserved) + reserved - allocated


def load(
    base: Base,
    adapter: Path | None = None,
    precision: str = "auto",
    lora: Lora | None = None,
    engine: str = "transformers",
    length: int = 2048,
    whole: bool = False,
) -> "tuple[PreTrainedModel | PeftModel, PreTrainedTokenizerBase]":
    """(model, tokenizer) of a base, with its `adapter` if given, ready to train if `lora` is given.

    `precision` is 4-bit, 16-bit, 32-bit or auto (16-bit where the machine computes in it, else
    32-bit). With both `adapter` and `lora`, training continues from the adapter's weights. `length`
    is the longest row in tokens, which only Unsloth needs to know. Where several processes share
    the weights of a model, it stays in the memory of the CPU until the trainer spreads it, unless
    it is wanted `whole`, on this process's GPU. Raises TwinError when Unsloth can't be used.
    """
    loaded_tokenizer = tokenizer(base)
    if precision == "auto":
        precision = "16-bit" if device() == "cuda" or fast_bfloat16() else "32-bit"
    with silence_logging():
        if engine == "unsloth":
            return _load_unsloth(base, adapter, precision, lora, length), loaded_tokenizer
        model = with_adapter(_load_transformers(base, precision, whole), adapter, lora)
    return model, loaded_tokenizer


def _load_transformers(base, precision, whole):
    import torch
    from transformers import AutoModelForCausalLM

    sixteen = sixteen_bits(base)
    arguments = {
        "dtype": torch.float32 if precision == "32-bit" else sixteen,
        "attn_implementation": "sdpa",
    }
    if device() == "cuda" and (whole or estimate.shards() == 1):
        # cuDNN's attention fails where memory is short, which the other kernels survive.
        torch.backends.cuda.enable_cudnn_sdp(False)
        arguments["device_map"] = {"": int(os.environ.get("LOCAL_RANK", 0))}
    elif device() == "mps":
        arguments["device_map"] = {"": "mps"}
    if precision == "4-bit":
        from transformers import BitsAndBytesConfig

        arguments["quantization_config"] = BitsAndBytesConfig(
            load_in_4bit=True,
            bnb_4bit_quant_type="nf4",
            bnb_4bit_use_double_quant=True,
            bnb_4bit_compute_dtype=sixteen,
        )
    if estimate.recurrent(base.path):
        from . import rwkv7

        model = rwkv7.load(base.path, **arguments)
    else:
        arguments |= _text_alone(base.path)
        model = AutoModelForCausalLM.from_pretrained(
            base.path, trust_remote_code=False, use_safetensors=True, **arguments
        )
    model.config.use_cache = True
    return model


# How models with images name the tensors of their text model, and its names alone
_TEXT_MODEL = {
    r"^model\.language_model\.": "model.",
    r"^language_model\.model\.": "model.",
    r"^language_model\.lm_head\.": "lm_head.",
}


def _text_alone(folder):
    """Arguments of from_pretrained that load only the text model of one with images."""
    from safetensors import safe_open
    from transformers import AutoConfig

    config = AutoConfig.from_pretrained(folder)
    text = config.get_text_config()
    if text is config:
        return {}
    names = []
    for path in Path(folder).glob("model*.safetensors"):
        with safe_open(path, framework="pt") as file:
            names += file.keys()
    # Whether the output head is the embedding some configurations say for the whole model only.
    text.tie_word_embeddings = not any(name.endswith("lm_head.weight") for name in names)
    return {"config": text, "key_mapping": _TEXT_MODEL}


def with_adapter(
    model: "PreTrainedModel", adapter: Path | None, lora: Lora | None
) -> "PreTrainedModel | PeftModel":
    """A transformers model with a saved adapter, a new one, or none; arguments as in `load`."""
    from peft import LoraConfig, PeftModel, get_peft_model

    # peft's prepare_model_for_kbit_training is not used: it converts norms, embeddings and head to
    # float32 and thereby all activations between the layers, which takes twice the memory and rules
    # out fast attention.
    if lora and lora.checkpointing:
        model.enable_input_require_grads()
    if adapter:
        adapter_config(adapter)
        with _whole_weights(adapter):
            return PeftModel.from_pretrained(model, adapter, is_trainable=lora is not None)
    if lora:
        import torch

        torch.manual_seed(lora.seed)
        config = LoraConfig(
            r=lora.rank,
            lora_alpha=2 * lora.rank,
            lora_dropout=lora.dropout,
            target_modules="all-linear",
            task_type="CAUSAL_LM",
        )
        return get_peft_model(model, config)
    return model.eval()


def _load_unsloth(base, adapter, precision, lora, length):
    try:
        from unsloth import FastLanguageModel
    # Not installed, or refusing this machine: the import raises several kinds of errors.
    except Exception as error:
        raise TwinError(t("models.unsloth_unusable", name=type(error).__name__)) from None
    model, _ = FastLanguageModel.from_pretrained(
        str(base.path), max_seq_length=length, dtype=None, load_in_4bit=precision == "4-bit"
    )
    if lora or adapter:
        shape = adapter_config(adapter) if adapter else {}
        rank = shape.get("r") or lora.rank
        model = FastLanguageModel.get_peft_model(
            model,
            r=rank,
            lora_alpha=shape.get("lora_alpha") or 2 * rank,
            random_state=lora.seed if lora else 1,
            lora_dropout=0,
            use_gradient_checkpointing="unsloth" if lora and lora.checkpointing else False,
        )
    if adapter:
        from peft import set_peft_model_state_dict

        set_peft_model_state_dict(model, adapter_weights(adapter))
    if not lora:
        FastLanguageModel.for_inference(model)
    return model


_WEIGHTS = "adapter_model.safetensors"


def adapter_config(folder: Path) -> dict:
    """The configuration of a saved LoRA adapter; raises TwinError where it can't be read."""
    try:
        config = read_json(Path(folder) / "adapter_config.json")
        if config.keys() >= {"r", "lora_alpha"}:
            return config
        error = "adapter_config.json"
    except OSError as missing:
        error = missing.strerror
    except DamagedFile:
        error = "adapter_config.json"
    raise TwinError(t("models.adapter_unreadable", folder=folder, error=error))


def adapter_weights(folder: Path) -> "dict[str, torch.Tensor]":
    """{name: weight} of a saved LoRA adapter; raises TwinError where they can't be read."""
    from safetensors.torch import load_file

    with _whole_weights(folder):
        return load_file(Path(folder) / _WEIGHTS)


@contextlib.contextmanager
def _whole_weights(folder):
    """A context in which the weights of an adapter are read; raises TwinError if they can't be."""
    from safetensors import SafetensorError

    try:
        with open(Path(folder) / _WEIGHTS, "rb"):  # peft would look for a missing one in the hub
            yield
    except (OSError, SafetensorError) as error:
        raise TwinError(t("models.adapter_unreadable", folder=folder, error=error)) from None


def gathered(model: "PeftModel") -> dict | None:
    """The adapter's weights of a model that several processes share, all of which must ask.

    None for a model that is in this process as a whole.
    """
    if estimate.shards() == 1:
        return None
    trained = {name: p for name, p in model.named_parameters() if p.requires_grad}
    return {name: whole_tensor(p.detach()).cpu() for name, p in trained.items()}


def whole_tensor(tensor: "torch.Tensor") -> "torch.Tensor":
    """A tensor of which this process may have only a part, from all processes that share it."""
    return tensor.full_tensor() if hasattr(tensor, "full_tensor") else tensor


def save_adapter(model: "PeftModel", base: Base, folder: Path, weights: dict | None = None) -> None:
    """Save a LoRA adapter as safetensors; its config names the base, without a local path.

    `weights` are those that `gathered` gave.
    """
    make_folder(folder)
    with silence_logging():
        model.save_pretrained(folder, safe_serialization=True, state_dict=weights)
    config = adapter_config(folder)
    name = base.entry.hub if base.entry.parameters else base.path.name
    write_json(folder / "adapter_config.json", {**config, "base_model_name_or_path": name})
    (folder / "README.md").unlink(missing_ok=True)  # peft's placeholder card


@contextlib.contextmanager
def silence_logging() -> Iterator[None]:
    """A context in which transformers shows no progress bars and no advice."""
    import transformers

    level = transformers.logging.get_verbosity()
    transformers.logging.set_verbosity_error()
    transformers.utils.logging.disable_progress_bar()
    try:
        yield
    finally:
        transformers.logging.set_verbosity(level)
