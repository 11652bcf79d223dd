"""The base models on offer, with their licences and sizes, from their model cards."""

import re
from pathlib import Path
from typing import NamedTuple

from .i18n import t

GEMMA_TERMS = "https://ai.google.dev/gemma/terms"
QWEN_RESEARCH = "https://huggingface.co/Qwen/Qwen2.5-3B-Instruct/blob/main/LICENSE"
LLAMA_LICENCE = "https://huggingface.co/meta-llama/Llama-3.2-1B-Instruct/blob/main/LICENSE.txt"

# Facts of model families; what llama.cpp needs to know of them is in models/families.py.
# Tokens that end a turn in their chat templates, in addition to each tokenizer's end of text.
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
# Names of models and of the companies that made them, as regular expressions.
MODEL_NAMES = (
    "Qwen",
    "SmolLM",
    "Gemma",
    "(?-i:Llama|LLaMA)",  # not the animal
    "Meta AI",
    "DeepSeek",
    "Mistral",
    "Ministral",
    "Phi",
    "RWKV",
    "ChatGPT",  # no base, but what many were trained to say
)
MAKERS = ("Alibaba", "Hugging ?Face", "Meta", "Google", "DeepSeek", "Mistral", "Microsoft") + (
    "OpenAI",
    "Anthropic",
)
CHINESE_MAKERS = ("阿里[云雲]", "阿里巴巴", "通[义義]", "谷歌", "深度求索", "微[软軟]", *MAKERS)
# Architectures (prefixes of the model type) whose activations overflow float16.
OVERFLOW_FLOAT16 = ("gemma3", "gemma4")


class Shape(NamedTuple):
    """The dimensions of a model.

    `hidden` is the width of a layer, `inner` that of its feed-forward part, `query` and `keys`
    those of all query and all key heads together, in models with several kinds of layers their
    means, so that the sums are right. `tied`: the output head shares the embedding's weights.
    `looked_up`: parameters of further embeddings, which take memory and no time.
    """

    layers: int
    hidden: int
    inner: int
    query: int
    keys: int
    vocabulary: int
    tied: bool = True
    looked_up: int = 0

    @property
    def linear(self) -> int:
        """Parameters of the weight matrices of all layers."""
        return self.layers * (
            2 * self.hidden * (self.query + self.keys) + 3 * self.hidden * self.inner
        )

    @property
    def head(self) -> int:
        """Parameters of the output head."""
        return self.vocabulary * self.hidden

    @property
    def parameters(self) -> float:
        """All parameters, in billions."""
        return (self.linear + self.head * (1 if self.tied else 2) + self.looked_up) / 1e9

    @property
    def edges(self) -> int:
        """Sum of the input and output widths of a layer's seven weight matrices.

        A LoRA adapter of rank r has r times as many parameters a layer.
        """
        return 7 * self.hidden + 2 * (self.query + self.keys) + 3 * self.inner


OPEN_LICENSES = ("apache-2.0", "mit")  # those of bases that nobody has to accept on the hub


class Entry(NamedTuple):
    """One base model.

    `hub` is its id on Hugging Face, `parameters` their number in billions; for a model that is not
    in the catalogue they are 0 and `shape` is None. `license` is the identifier in the hub's cards.
    `note` is the key of a sentence in data/strings/, or ''.
    """

    name: str
    hub: str
    parameters: float
    license: str
    architecture: str
    shape: Shape | None
    languages: tuple[str, ...] = ("zh", "en")
    instruct: bool = True
    commercial: bool = True
    license_name: str | None = None
    license_link: str | None = None
    note: str = ""


def _qwen25(size, *widths, vocabulary=151936, tied=True):
    return Entry(
        f"qwen2.5-{size:g}b",
        f"Qwen/Qwen2.5-{size:g}B-Instruct",
        size,
        "apache-2.0",
        "qwen2",
        Shape(*widths, vocabulary, tied),
    )


def _coder(size, *widths):
    return Entry(
        f"qwen2.5-coder-{size:g}b-instruct",
        f"Qwen/Qwen2.5-Coder-{size:g}B-Instruct",
        size,
        "apache-2.0",
        "qwen2",
        Shape(*widths, 151936),
        note="core.needs_no_hub",
    )


def _qwen3(size, *widths, hub=None, tied=True):
    return Entry(
        f"qwen3-{size:g}b",
        hub or f"Qwen/Qwen3-{size:g}B",
        size,
        "apache-2.0",
        "qwen3",
        Shape(*widths, 151936, tied),
    )


def _qwen35(size, layers, hidden, inner, query, keys, linear, tied=True):
    """`linear` is the width of all value heads of a recurrent layer; three layers of four are."""
    # A layer of full attention has its queries twice (the second are gates); a recurrent one has
    # projections of queries and keys (2048 each), values, gates and the output.
    weights = (3 * query + 2 * keys + 3 * (2 * 2048 + 3 * linear)) // 4
    return Entry(
        f"qwen3.5-{size:g}b",
        f"Qwen/Qwen3.5-{size:g}B",
        size,
        "apache-2.0",
        "qwen3_5",
        Shape(layers, hidden, inner, weights // 2 - keys, keys, 248320, tied),
    )


def _gemma4(name, size, layers, hidden, inner, query, keys):
    return Entry(
        f"gemma-4-{name.lower()}",
        f"google/gemma-4-{name}-it",
        size,
        "apache-2.0",
        "gemma4",
        Shape(layers, hidden, inner, query, keys, 262144, looked_up=262144 * layers * 256),
    )


def _gemma3(size, *widths):
    return Entry(
        f"gemma-3-{size:g}b",
        f"google/gemma-3-{size:g}b-it",
        size,
        "gemma",
        "gemma3",
        Shape(*widths, 262144),
        license_name="gemma",
        license_link=GEMMA_TERMS,
        note="core.accept_google_terms",
    )


def _llama32(size, *widths):
    return Entry(
        f"llama-3.2-{size:g}b",
        f"meta-llama/Llama-3.2-{size:g}B-Instruct",
        size,
        "llama3.2",
        "llama",
        Shape(*widths, 128256),
        ("en",),
        license_name="llama3.2",
        license_link=LLAMA_LICENCE,
        note="core.accept_meta_licence",
    )


def _rwkv7(size, parameters, hub, layers, hidden):
    """An RWKV-7 as fla-hub has it for transformers, from BlinkDL's RWKV7-G1.

    It has no gate, so that its feed-forward part, four times as wide, counts as two thirds of one.
    """
    return Entry(
        f"rwkv7-{size:g}b",
        f"fla-hub/rwkv7-{hub}",
        parameters,
        "apache-2.0",
        "rwkv7",
        Shape(layers, hidden, round(4 * hidden * 2 / 3), hidden, hidden, 65536, False),
        note="core.rwkv_state",
    )


# The numbers are those of Shape: layers, hidden, inner, query, keys.
_ENTRIES = (
    _coder(0.5, 24, 896, 4864, 896, 128),
    _coder(1.5, 28, 1536, 8960, 1536, 256),
    Entry(
        "gemma-3-270m",
        "google/gemma-3-270m",
        0.268,
        "gemma",
        "gemma3",
        Shape(18, 640, 2048, 1024, 256, 262144),
        instruct=False,
        license_name="gemma",
        license_link=GEMMA_TERMS,
        note="core.accept_google_terms",
    ),
    Entry(
        "smollm2-135m-instruct",
        "HuggingFaceTB/SmolLM2-135M-Instruct",
        0.135,
        "apache-2.0",
        "llama",
        Shape(30, 576, 1536, 576, 192, 49152),
        ("en",),
    ),
    _qwen25(0.5, 24, 896, 4864, 896, 128),
    _qwen25(1.5, 28, 1536, 8960, 1536, 256),
    Entry(
        "qwen2.5-3b",
        "Qwen/Qwen2.5-3B-Instruct",
        3.09,
        "other",
        "qwen2",
        Shape(36, 2048, 11008, 2048, 256, 151936),
        commercial=False,
        license_name="qwen-research",
        license_link=QWEN_RESEARCH,
        note="core.no_commercial_use",
    ),
    _qwen25(7, 28, 3584, 18944, 3584, 512, vocabulary=152064, tied=False),
    _qwen25(14, 48, 5120, 13824, 5120, 1024, vocabulary=152064, tied=False),
    _qwen35(0.8, 24, 1024, 3584, 2048, 512, 2048),
    _qwen35(2, 24, 2048, 6144, 2048, 512, 2048),
    _qwen35(4, 32, 2560, 9216, 4096, 1024, 4096),
    _qwen35(9, 32, 4096, 12288, 4096, 1024, 4096, tied=False),
    _qwen3(0.6, 28, 1024, 3072, 2048, 1024),
    _qwen3(1.7, 28, 2048, 6144, 2048, 1024),
    _qwen3(4, 36, 2560, 9728, 4096, 1024, hub="Qwen/Qwen3-4B-Instruct-2507"),
    _qwen3(8, 36, 4096, 12288, 4096, 1024, tied=False),
    _qwen3(14, 40, 5120, 17408, 5120, 1024, tied=False),
    _llama32(1, 16, 2048, 8192, 2048, 512),
    _llama32(3, 28, 3072, 8192, 3072, 1024),
    _gemma3(1, 26, 1152, 6912, 1024, 256),
    # E2B: 15 layers with keys and an inner width of 6144, 20 that share keys with twice that width.
    _gemma4("E2B", 4.6, 35, 1536, 9654, 2458, 132),
    _gemma4("E4B", 7.4, 42, 2560, 10240, 2390, 341),
    Entry(
        "ministral-3-3b",
        "mistralai/Ministral-3-3B-Instruct-2512-BF16",
        3.4,
        "apache-2.0",
        "ministral3",
        Shape(26, 3072, 9216, 4096, 1024, 131072),
        ("en",),
    ),
    Entry(
        "phi-4-mini",
        "microsoft/Phi-4-mini-instruct",
        3.8,
        "mit",
        "phi3",
        Shape(32, 3072, 8192, 3072, 1024, 200064),
    ),
    Entry(
        "smollm3-3b",
        "HuggingFaceTB/SmolLM3-3B",
        3.1,
        "apache-2.0",
        "smollm3",
        Shape(36, 2048, 11008, 2048, 512, 128256),
        ("en",),
    ),
    _rwkv7(0.1, 0.191, "0.1B-g1", 12, 768),
    _rwkv7(0.4, 0.451, "0.4B-g1", 24, 1024),
    _rwkv7(1.5, 1.53, "1.5B-g1a", 24, 2048),
)
CATALOGUE = {entry.name: entry for entry in _ENTRIES}


def entry(name: str) -> Entry:
    """The Entry of a name in the catalogue or hub id; another name gets one without a shape."""
    lowered = str(name).lower()
    for known in _ENTRIES:
        if lowered in (known.name, known.hub.lower()):
            return known
    return Entry(
        str(name),
        str(name),
        0.0,
        "other",
        "",
        None,
        (),
        commercial=False,
        note="core.not_in_catalogue",
    )


def possible(name: str) -> bool:
    """Whether a name is in the catalogue, is a folder, or has the form of a hub id."""
    if entry(name).parameters or Path(name).expanduser().is_dir():
        return True
    return bool(re.fullmatch(r"[\w.-]+/[\w.-]+", str(name)))


def unknown(name: str) -> str:
    """The error message for a name that is not `possible`."""
    known = ", ".join(CATALOGUE)
    return t("core.unknown_base_model", name=name, known=known)
