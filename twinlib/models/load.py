"""The one place that loads a model to train, score or answer: transformers + peft, or Unsloth where the plan picks it."""

import contextlib
import errno
import hashlib
import importlib.util
import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from .. import catalogue
from ..files import TwinError, sha256_of, write_json
from ..i18n import t
from . import estimate, pip_base
from .hub import mirror

# Turn ends that appear in the chat templates of the families on offer; a tokenizer's own are added to these.
TURN_ENDS = (
    "<|im_end|>",
    "<end_of_turn>",
    "<|eot_id|>",
    "<|eom_id|>",
    "<|end|>",
    "<turn|>",
    "<eos>",
    "<|end_of_text|>",
)
WORKING = 1.5e9  # bytes on a GPU beside the weights, to answer and to read some thousand tokens
FOUR_BITS = 0.8  # bytes a parameter in 4 bits: embeddings, and a head of their own, stay in 16


@dataclass(frozen=True)
class Base:
    """A base model on this disk: `path` holds config.json, the weights and the tokenizer; `revision` names its bytes."""

    name: str
    path: Path
    revision: str
    entry: catalogue.Entry


class Lora(NamedTuple):
    """What to train: LoRA on all linear layers, alpha twice the rank."""

    rank: int
    dropout: float = 0.0
    checkpointing: bool = False
    seed: int = 1


# Bases


def prepare(name, progress=None):
    """The Base called `name`: a catalogue name, a hub id (downloaded into the hub's own cache) or a folder.

    Raises TwinError with the next action for a wrong name, a gated model, or no connection.
    """
    progress = progress or (lambda *_, **__: None)
    entry = catalogue.entry(name)
    if entry.name == "gemma-3-270m":
        return Base(entry.name, pip_base.gemma_270m(progress), pip_base.GEMMA_SHA256[:16], entry)
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
    from huggingface_hub import errors, snapshot_download

    patterns = ["*.json", "*.safetensors", "*.txt", "*.model", "*.jinja"]
    token = False if mirror() else None  # a mirror gets no token, not even a saved login's
    try:
        return Path(snapshot_download(hub, allow_patterns=patterns, token=token))
    except errors.GatedRepoError:
        raise TwinError(t("models.base_is_gated", hub=hub)) from None
    except errors.RepositoryNotFoundError:
        raise TwinError(t("models.no_such_model", hub=hub)) from None
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise
        raise _no_download(hub, error) from None
    except Exception as error:  # the client raises many kinds for a missing network; all mean the same to the owner
        raise _no_download(hub, error) from None


def _no_download(hub, error):
    kind = type(error).__name__
    return TwinError(t("models.base_not_downloaded", hub=hub, kind=kind))


# Tokenizers and templates


def tokenizer(base):
    """The tokenizer of a base, with a chat template and a padding token that is no end of turn.

    A base without a template of its own gets a plain one in ChatML when its vocabulary has those tokens.
    """
    from transformers import AutoTokenizer, PreTrainedTokenizerFast

    # The class that a base names may rebuild its steps, and not as they are: SmolLM2's lose the one for digits.
    whole = (Path(base.path) / "tokenizer.json").exists()
    found = (PreTrainedTokenizerFast if whole else AutoTokenizer).from_pretrained(base.path)
    if not found.chat_template:
        if found.convert_tokens_to_ids("<|im_end|>") in (None, found.unk_token_id):
            raise TwinError(t("models.no_chat_template", name=base.name))
        found.chat_template = CHATML
    if found.pad_token_id is None or found.pad_token_id in end_tokens(found):
        found.pad_token = _padding(found)
    found.padding_side = "right"
    return found


CHATML = (
    "{%- for message in messages -%}{{- '<|im_start|>' + message['role'] + '\\n' + (message['content'] | trim) "
    "+ '<|im_end|>\\n' -}}{%- endfor -%}"
    "{%- if add_generation_prompt -%}{{- '<|im_start|>assistant\\n' -}}{%- endif -%}"
)
PADDINGS = ("<|endoftext|>", "<|finetune_right_pad_id|>", "<pad>", "<|vision_pad|>", "<unk>")


def _padding(found):
    vocabulary, ends = found.get_vocab(), end_tokens(found)
    for token in PADDINGS:
        if token in vocabulary and vocabulary[token] not in ends:
            return token
    raise TwinError(t("models.no_padding_token"))


def render(tokenizer, messages, generate=False):
    """The text of a conversation in the model's own format; with `generate`, up to where its answer begins."""
    return tokenizer.apply_chat_template(
        messages, tokenize=False, add_generation_prompt=generate, enable_thinking=False
    )


def turn_end(tokenizer):
    """The token that this tokenizer's template writes after an assistant's turn, as (text, id)."""
    text = render(
        tokenizer, [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]
    )
    ids = tokenizer(text, add_special_tokens=False)["input_ids"]
    specials = [i for i in ids if i in _special_ids(tokenizer)]
    return tokenizer.convert_ids_to_tokens(specials[-1]), specials[-1]


def _special_ids(tokenizer):
    added = tokenizer.added_tokens_decoder
    return {i for i, token in added.items() if token.special} | set(tokenizer.all_special_ids)


def end_tokens(tokenizer):
    """Every id that ends a turn: the end-of-text token and each turn end in the vocabulary."""
    vocabulary = tokenizer.get_vocab()
    ids = {vocabulary[token] for token in TURN_ENDS if token in vocabulary}
    return sorted(ids | ({tokenizer.eos_token_id} - {None}))


# Loading


def device():
    """'cuda' where torch sees a GPU, else 'cpu'."""
    import torch

    return "cuda" if torch.cuda.is_available() else "cpu"


def fast_bfloat16():
    """Whether this machine computes in bfloat16: a GPU of compute capability 8 or more, or a CPU made for it."""
    import torch

    if torch.cuda.is_available():
        return torch.cuda.get_device_capability()[0] >= 8
    return bool(torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported())


def sixteen_bits(base):
    """The type in which this machine computes a base in '16-bit': float32 where float16 is all there is and too small."""
    import torch

    if fast_bfloat16():
        return torch.bfloat16
    return torch.float32 if estimate.overflows(base.path) else torch.float16


def room_for(base, parameters):
    """The precision in which a base of so many parameters fits what is free of this machine's memory ('auto' where that
    is what `load` would take), or None: on a GPU 4-bit is the way out, as in training."""
    import psutil
    import torch

    if device() == "cpu":
        size = 2 if fast_bfloat16() else 4
        return "auto" if parameters * size * 1.1 < psutil.virtual_memory().available else None
    free = (
        torch.cuda.mem_get_info()[0] + torch.cuda.memory_reserved() - torch.cuda.memory_allocated()
    )
    sizes = {
        "auto": sixteen_bits(base).itemsize,
        **({"4-bit": FOUR_BITS} if importlib.util.find_spec("bitsandbytes") else {}),
    }
    return next((name for name, size in sizes.items() if parameters * size + WORKING < free), None)


def load(base, adapter=None, precision="auto", lora=None, engine="transformers", length=2048):
    """(model, tokenizer): the base, with the adapter on it when given, ready to train when `lora` is given.

    `precision` is 4-bit, 16-bit, 32-bit or auto (16-bit where the machine computes in it, else 32-bit); with both
    `adapter` and `lora`, training continues on the adapter's weights.
    """
    loaded_tokenizer = tokenizer(base)
    if precision == "auto":
        precision = "16-bit" if device() == "cuda" or fast_bfloat16() else "32-bit"
    with silence_logging():
        if engine == "unsloth":
            return _load_unsloth(base, adapter, precision, lora, length), loaded_tokenizer
        model = _load_transformers(base, precision)
        model = with_adapter(model, adapter, lora)
    return model, loaded_tokenizer


def _load_transformers(base, precision):
    import torch
    from transformers import AutoModelForCausalLM

    sixteen = sixteen_bits(base)
    arguments = {
        "dtype": torch.float32 if precision == "32-bit" else sixteen,
        "attn_implementation": "sdpa",
    }
    if device() == "cuda":
        arguments["device_map"] = {"": int(os.environ.get("LOCAL_RANK", 0))}
    if precision == "4-bit":
        from transformers import BitsAndBytesConfig

        arguments["quantization_config"] = BitsAndBytesConfig(
            load_in_4bit=True,
            bnb_4bit_quant_type="nf4",
            bnb_4bit_use_double_quant=True,
            bnb_4bit_compute_dtype=sixteen,
        )
    model = AutoModelForCausalLM.from_pretrained(
        base.path, trust_remote_code=False, use_safetensors=True, **arguments
    )
    model.config.use_cache = True
    return model


def with_adapter(model, adapter, lora):
    from peft import LoraConfig, PeftModel, get_peft_model

    # peft's own preparation of 4-bit models would raise norms, embeddings and head to float32, and with them all that
    # flows between the layers: twice the memory, and no fast attention.
    if lora and lora.checkpointing:
        model.enable_input_require_grads()
    if adapter:
        return PeftModel.from_pretrained(model, adapter, is_trainable=lora is not None)
    if lora:
        import torch

        torch.manual_seed(lora.seed)
        return get_peft_model(
            model,
            LoraConfig(
                r=lora.rank,
                lora_alpha=2 * lora.rank,
                lora_dropout=lora.dropout,
                target_modules="all-linear",
                task_type="CAUSAL_LM",
            ),
        )
    return model.eval()


def _load_unsloth(base, adapter, precision, lora, length):
    try:
        from unsloth import FastLanguageModel
    except (
        Exception
    ) as error:  # missing, or refusing this machine: it raises several kinds at import
        raise TwinError(t("models.unsloth_unusable", name=type(error).__name__)) from None
    model, _ = FastLanguageModel.from_pretrained(
        str(base.path), max_seq_length=length, dtype=None, load_in_4bit=precision == "4-bit"
    )
    if lora or adapter:
        shape = json.loads((Path(adapter) / "adapter_config.json").read_text()) if adapter else {}
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
        from safetensors.torch import load_file

        set_peft_model_state_dict(model, load_file(Path(adapter) / "adapter_model.safetensors"))
    if not lora:
        FastLanguageModel.for_inference(model)
    return model


def save_adapter(model, base, folder):
    """Save a LoRA adapter as safetensors; its config names the base by its public name, never by a local path."""
    folder = Path(folder)
    with silence_logging():
        model.save_pretrained(folder, safe_serialization=True)
    config = json.loads((folder / "adapter_config.json").read_text())
    write_json(
        folder / "adapter_config.json",
        {
            **config,
            "base_model_name_or_path": base.entry.hub if base.entry.parameters else base.path.name,
        },
    )
    (folder / "README.md").unlink(missing_ok=True)  # peft's placeholder card


@contextlib.contextmanager
def silence_logging():
    """Within it transformers shows no progress bars and no advice; the steps say what the owner must know."""
    import transformers

    level = transformers.logging.get_verbosity()
    transformers.logging.set_verbosity_error()
    transformers.utils.logging.disable_progress_bar()
    try:
        yield
    finally:
        transformers.logging.set_verbosity(level)
