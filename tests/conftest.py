"""Fixtures: a real but tiny base model, an empty twin, and a twin whose corpus step has run."""

import os
import shutil
from pathlib import Path

# Before anything imports a library that reads them: no network, one language, a cache that tests
# share.
os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["TWINLIB_LANG"] = "en"
os.environ["OMP_NUM_THREADS"] = "1"  # tiny models: two threads cost more in waiting than they save
os.environ.pop("HF_TOKEN", None)

import pytest

from twinlib import Twin
from twinlib.progress import Progress

ROOT = Path(__file__).parent.parent
CHROMIUM = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
)
VOICES = ROOT / "twinlib" / "data" / "voices"


def pytest_collection_modifyitems(items):
    """Slow tests first, the slowest before all, so that no core is left alone with one at the end.

    `slow(seconds=…)` says about how long a test of more than half a minute takes.
    """

    def seconds(item):
        marker = item.get_closest_marker("slow")
        return marker.kwargs.get("seconds", 1) if marker else 0

    items.sort(key=seconds, reverse=True)


@pytest.fixture(scope="session", autouse=True)
def twins_of_tests(tmp_path_factory):
    """Twins that are opened by name lie in a folder of the tests', not among those of whoever runs
    them."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TWINLIB_TWINS", str(tmp_path_factory.mktemp("named")))
        yield


def build_tiny_base(folder, family="qwen2"):
    """Save a random 2-layer model of a family, with a byte-level tokenizer of 600 tokens and
    ChatML."""
    import gguf_samples
    import torch
    import transformers

    save_tiny_tokenizer(folder)
    torch.manual_seed(0)
    shape = {
        "vocab_size": 600,
        "hidden_size": 64,
        "intermediate_size": 128,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "max_position_embeddings": 2048,
        "eos_token_id": 2,
        "pad_token_id": 0,
        "bos_token_id": None,
    }
    kinds = {
        "qwen2": (transformers.Qwen2Config, {"tie_word_embeddings": True}),
        "qwen3": (transformers.Qwen3Config, {"head_dim": 16, "tie_word_embeddings": False}),
        "llama": (transformers.LlamaConfig, {"tie_word_embeddings": False}),
        "gemma3": (
            transformers.Gemma3TextConfig,
            {"head_dim": 16, "sliding_window": 32, "query_pre_attn_scalar": 16},
        ),
    }
    kinds |= {
        "qwen3.5": (transformers.Qwen3_5TextConfig, gguf_samples.GATED | {"num_hidden_layers": 4}),
        "gemma4": (
            transformers.Gemma4TextConfig,
            gguf_samples.GEMMA4 | {"vocab_size_per_layer_input": 600, "sliding_window": 32},
        ),
        "ministral3": (transformers.Ministral3Config, gguf_samples.MINISTRAL3),
        "phi4": (transformers.Phi3Config, gguf_samples.PHI4),
        "smollm3": (transformers.SmolLM3Config, gguf_samples.SMOLLM3 | {"num_hidden_layers": 4}),
    }
    config, extra = kinds[family]
    model = transformers.AutoModelForCausalLM.from_config(config(**shape | extra))
    model.to(torch.bfloat16).save_pretrained(folder)
    return folder


def save_tiny_tokenizer(folder):
    """Train a byte-level BPE tokenizer on the invented voices and save it with a ChatML
    template."""
    from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    from twinlib.models.load import CHATML

    tokenizer = Tokenizer(models.BPE())
    # How Qwen2 splits text before merging.
    pattern = (
        r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}"
        r"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
    )
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(pattern), "isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=600,
        special_tokens=["<|endoftext|>", "<|im_start|>", "<|im_end|>"],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(
        (p.read_text(encoding="utf-8") for p in sorted(VOICES.glob("*.txt"))), trainer
    )
    fast = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, eos_token="<|im_end|>", pad_token="<|endoftext|>"
    )
    fast.chat_template = CHATML
    fast.save_pretrained(folder)


def assert_learns_the_same(model, batch, change):
    """The loss of a batch and the gradients of the adapter are the same after `change()`."""
    import torch

    results = []
    for step in (lambda: None, change):
        step()
        model.zero_grad()
        value = model(**batch)["loss"]
        value.backward()
        results.append(
            (value.detach(), [p.grad.clone() for p in model.parameters() if p.requires_grad])
        )
    torch.testing.assert_close(results[1][0], results[0][0])
    for one, other in zip(results[0][1], results[1][1]):
        torch.testing.assert_close(other, one, atol=1e-5, rtol=1e-3)


@pytest.fixture(scope="session")
def tiny_base(tmp_path_factory):
    """The folder of the tiny Qwen2-shaped base model."""
    return build_tiny_base(tmp_path_factory.mktemp("tiny-base"))


@pytest.fixture
def twin(tmp_path):
    """An empty twin."""
    return Twin.open(tmp_path / "twins" / "demo")


def copy_posts(folder):
    """Copy every third post of the sample blog into a new folder."""
    folder.mkdir()
    for post in sorted((ROOT / "data_samples" / "posts").iterdir())[::3]:
        shutil.copy(post, folder)
    return folder


@pytest.fixture
def posts(tmp_path):
    """A folder with every third post of the sample blog."""
    return copy_posts(tmp_path / "posts")


@pytest.fixture
def sample_twin(tmp_path, sample_corpus):
    """A twin whose corpus step has run on a third of the sample blog."""
    return Twin(shutil.copytree(sample_corpus, tmp_path / "twins" / "demo"))


@pytest.fixture(scope="session")
def sample_corpus(tmp_path_factory):
    """The folder of such a twin, which tests copy and don't change."""
    from twinlib import settings
    from twinlib.corpus import step as corpus
    from twinlib.files import now
    from twinlib.twin import Report

    folder = tmp_path_factory.mktemp("sample")
    twin, posts = Twin.open(folder / "demo"), copy_posts(folder / "posts")
    wanted = settings.make(
        "corpus", source=str(posts), author="Ning", consent=True, questions="titles"
    )
    twin.start("corpus", {f: getattr(wanted, f) for f in wanted.__dataclass_fields__})
    outcome = corpus.run(twin, wanted, Progress(twin.history("corpus"), "corpus"))
    twin.finish(
        Report(
            "corpus",
            vars(outcome.settings),
            now(),
            now(),
            {},
            {},
            outcome.inputs,
            outcome.figures,
            outcome.warnings,
        )
    )
    return twin.path


@pytest.fixture
def old(tmp_path):
    """A copy of the twin that version 0.1.0 made, whose base lies elsewhere than it did then."""
    shutil.copytree(ROOT / "tests" / "old_twin", tmp_path, dirs_exist_ok=True)
    twin = Twin.open(tmp_path / "old")
    twin.remember(base={**twin.facts["base"], "name": str(tmp_path / "tiny-base")})
    return twin


@pytest.fixture(scope="module")
def chromium():
    """Debian's browser, driven by Playwright; skips where one of them isn't there."""
    playwright = pytest.importorskip("playwright.sync_api", reason="needs Playwright")
    if not CHROMIUM:
        pytest.skip("needs chromium")
    with playwright.sync_playwright() as running:
        browser = running.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()
