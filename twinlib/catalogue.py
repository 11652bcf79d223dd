"""The base models on offer: what they are, under which licence, and how large. Figures from their model cards."""

import re
from pathlib import Path
from typing import NamedTuple

from .i18n import t

GEMMA_TERMS = "https://ai.google.dev/gemma/terms"
QWEN_RESEARCH = "https://huggingface.co/Qwen/Qwen2.5-3B-Instruct/blob/main/LICENSE"
LLAMA_LICENCE = "https://huggingface.co/meta-llama/Llama-3.2-1B-Instruct/blob/main/LICENSE.txt"


class Shape(NamedTuple):
    """A model's size: `layers` of width `hidden`, `inner` that of the feed-forward part, `query` and `keys` those of all
    heads together; `tied` when the output head is the embedding."""

    layers: int
    hidden: int
    inner: int
    query: int
    keys: int
    vocabulary: int
    tied: bool = True

    @property
    def linear(self):
        """Parameters of the layers' matrices."""
        return self.layers * (
            2 * self.hidden * (self.query + self.keys) + 3 * self.hidden * self.inner
        )

    @property
    def head(self):
        """Parameters of the output head."""
        return self.vocabulary * self.hidden

    @property
    def parameters(self):
        """All parameters, in billions."""
        return (self.linear + self.head * (1 if self.tied else 2)) / 1e9

    @property
    def edges(self):
        """Inputs and outputs of a layer's seven matrices together, numbers a token."""
        return 7 * self.hidden + 2 * (self.query + self.keys) + 3 * self.inner


class Entry(NamedTuple):
    """One base model: `parameters` in billions as its name says, `license` as the hub's cards write it; the `shape` is
    None for one that isn't in the list."""

    name: str
    hub: str
    parameters: float
    license: str
    architecture: str
    shape: Shape | None
    languages: tuple = ("zh", "en")
    instruct: bool = True
    commercial: bool = True
    license_name: str | None = None
    license_link: str | None = None
    note: tuple = ("", "")


def _qwen25(size, *widths, vocabulary=151936, tied=True):
    return Entry(
        f"qwen2.5-{size:g}b",
        f"Qwen/Qwen2.5-{size:g}B-Instruct",
        size,
        "apache-2.0",
        "qwen2",
        Shape(*widths, vocabulary, tied),
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
        note=("You accept Google's terms on the hub first.", "需要先在网站上同意谷歌的条款。"),
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
        note=(
            "You accept Meta's licence on the hub first; names must begin with 'Llama'.",
            "需要先在网站上同意 Meta 的许可；发布的名字要以 Llama 开头。",
        ),
    )


# Widths: layers, hidden, inner, query, keys
_ENTRIES = (
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
        note=(
            "Installed with this project: needs no hub and no GPU. Small: it learns the tone, not the facts.",
            "随本项目安装：不用联网下载，也不用显卡。很小：学得会口吻，记不住事实。",
        ),
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
        note=("Its licence forbids commercial use.", "许可证禁止商业使用。"),
    ),
    _qwen25(7, 28, 3584, 18944, 3584, 512, vocabulary=152064, tied=False),
    _qwen25(14, 48, 5120, 13824, 5120, 1024, vocabulary=152064, tied=False),
    _qwen3(0.6, 28, 1024, 3072, 2048, 1024),
    _qwen3(1.7, 28, 2048, 6144, 2048, 1024),
    _qwen3(4, 36, 2560, 9728, 4096, 1024, hub="Qwen/Qwen3-4B-Instruct-2507"),
    _qwen3(8, 36, 4096, 12288, 4096, 1024, tied=False),
    _qwen3(14, 40, 5120, 17408, 5120, 1024, tied=False),
    _llama32(1, 16, 2048, 8192, 2048, 512),
    _llama32(3, 28, 3072, 8192, 3072, 1024),
    _gemma3(1, 26, 1152, 6912, 1024, 256),
)
CATALOGUE = {entry.name: entry for entry in _ENTRIES}


def entry(name):
    """The Entry of a catalogue name or hub id; for anything else one that says its licence is not known here."""
    wanted = str(name).lower()
    for known in _ENTRIES:
        if wanted in (known.name, known.hub.lower()):
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
        note=(
            "Not in our list: read its licence yourself before you publish.",
            "不在列表里：发布前请自己查看它的许可证。",
        ),
    )


def possible(name):
    """Whether a name can mean a base: one of the catalogue's, a folder, or an id of the hub's form."""
    known = entry(name).parameters > 0
    return (
        known
        or Path(name).expanduser().is_dir()
        or bool(re.fullmatch(r"[\w.-]+/[\w.-]+", str(name)))
    )


def unknown(name):
    """The sentence for a name that can't mean a base."""
    known = ", ".join(CATALOGUE)
    return t("core.no_base_model", name=name, known=known)
