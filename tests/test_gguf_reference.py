"""Our GGUF files say what llama.cpp's converter says of a model, and llama.cpp cuts texts as
transformers does.
"""

import json
import unicodedata
from functools import lru_cache
from pathlib import Path

import gguf_samples
import pytest
from gguf_samples import CASES

from twinlib.files import TwinError
from twinlib.gguf import writer
from twinlib.models import gguf_vocabulary, load
from twinlib.models.exportable import read_config
from twinlib.models.families import family_of
from twinlib.models.llama_cpp import Llama
from twinlib.text import templates

RECORD = (
    Path(__file__).parent / "gguf_reference.json"
)  # what the converter's files said; see gguf_samples
CARD = {
    "name": "Ning",
    "license": "other",
    "license_name": "gemma",
    "license_link": "https://example.org/terms",
    "languages": ["zh", "en"],
    "base": "someone/Tiny-2L",
    "template": "{{ messages[0]['content'] }}",
    "sampling": templates.sampling(0.7, 0.9),
}
# The same in the converter's words; the licence it takes from the model card alone.
ABOUT = {
    "general.name": "Ning",
    "general.license.name": "gemma",
    "general.license.link": "https://example.org/terms",
    "general.languages": ["zh", "en"],
    "general.tags": ["text-generation", "conversational"],
    "general.base_models": [
        {
            "name": "Tiny-2L",
            "organization": "someone",
            "repo_url": "https://huggingface.co/someone/Tiny-2L",
        }
    ],
    "general.sampling.temp": 0.7,
    "general.sampling.top_p": 0.9,
    "general.sampling.top_k": 40,
    "general.sampling.min_p": 0.0,
    "general.sampling.penalty_repeat": 1.1,
}


# What the benchmark shares


def write(folder, kind):
    """Write the model in `folder` as we do and return the file's path."""
    path = folder.with_name(f"ours-{kind}.gguf")
    writer.write(folder, {kind: path}, vocabulary(folder), CARD)
    return path


@lru_cache
def words(folder):
    return load.tokenizer(load.prepare(str(folder)))


def vocabulary(folder):
    tokenizer = words(folder)
    config = read_config(folder)
    ends, own = load.end_tokens(tokenizer), family_of(config).tokenizer
    return gguf_vocabulary.read(tokenizer, config.vocab_size, ends, own)


def is_sentencepiece(folder):
    return json.loads((folder / "tokenizer.json").read_text(encoding="utf-8"))["model"].get(
        "byte_fallback"
    )


def pieces(folder):
    """[(text, score, type)] of tokenizer.model for a SentencePiece vocabulary in the order of its
    merges.
    """
    described = json.loads((folder / "tokenizer.json").read_text(encoding="utf-8"))
    tokens = sorted(described["model"]["vocab"], key=described["model"]["vocab"].get)
    control = {added["content"] for added in described["added_tokens"] if added["special"]} - {
        "<unk>"
    }
    typed = {added["content"] for added in described["added_tokens"] if not added["special"]}
    kinds = [
        2
        if token == "<unk>"
        else 3
        if token in control
        else 4
        if token in typed
        else 6
        if token.startswith("<0x")
        else 1
        for token in tokens
    ]
    return [
        (token, -float(i) if kind == 1 else 0.0, kind)
        for i, (token, kind) in enumerate(zip(tokens, kinds))
    ]


def differences(one, other):
    return {key for key in one.keys() | other.keys() if one.get(key) != other.get(key)}


def other_tokens(folder, path):
    """The strings that llama.cpp, from the file, cuts otherwise than the model's tokenizer."""
    tokenizer = words(folder)
    with Llama(path, context=256) as llama:
        return [
            text
            for text in gguf_samples.strings()
            if llama.tokenize(text) != tokenizer(text)["input_ids"]
        ]


# Differences that are meant

ALOUD = "what llama.cpp takes for granted, said aloud"
MEANT = {
    "tokenizer.ggml.add_bos_token": ALOUD,
    "tokenizer.ggml.add_eos_token": ALOUD,
    "tokenizer.ggml.add_space_prefix": ALOUD,
    "tokenizer.ggml.add_sep_token": "False: no separators here, and llama.cpp adds none by itself",
    "tokenizer.ggml.eot_token_id": "every end of a turn stops llama.cpp",
    "tokenizer.ggml.eom_token_id": "likewise",
    "tokenizer.ggml.padding_token_id": "the end of a turn is no padding",
    "tokenizer.ggml.scores": "tokenizer.json has only the order of merges, which is tested",
}
ONLY_HERE = {
    "qwen": {
        "tokenizer.ggml.add_bos_token",
        "tokenizer.ggml.add_eos_token",
        "tokenizer.ggml.add_space_prefix",
    },
    "llama": {
        "tokenizer.ggml.add_space_prefix",
        "tokenizer.ggml.eot_token_id",
        "tokenizer.ggml.eom_token_id",
        "tokenizer.ggml.add_sep_token",
    },
    "qwen3.5": {
        "tokenizer.ggml.add_bos_token",
        "tokenizer.ggml.add_eos_token",
        "tokenizer.ggml.add_space_prefix",
    },
    "phi": {
        "tokenizer.ggml.add_bos_token",
        "tokenizer.ggml.add_eos_token",
        "tokenizer.ggml.add_space_prefix",
        "tokenizer.ggml.eot_token_id",
        "tokenizer.ggml.padding_token_id",
    },
    "gemma4": {
        "tokenizer.ggml.add_eos_token",
        "tokenizer.ggml.add_sep_token",
        "tokenizer.ggml.eot_token_id",
    },
    "mistral": {"tokenizer.ggml.add_sep_token", "tokenizer.ggml.add_space_prefix"},
    "smollm": {
        "tokenizer.ggml.add_bos_token",
        "tokenizer.ggml.add_eos_token",
        "tokenizer.ggml.add_space_prefix",
        "tokenizer.ggml.padding_token_id",
    },
    "gemma": {
        "tokenizer.ggml.add_eos_token",
        "tokenizer.ggml.add_sep_token",
        "tokenizer.ggml.eot_token_id",
        "tokenizer.ggml.scores",
    },
}


@pytest.fixture(scope="module")
def recorded():
    return json.loads(RECORD.read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """The folder of a case's model, made on first use."""
    place, made = tmp_path_factory.mktemp("samples"), {}

    def of(name):
        if name not in made:
            made[name] = place / str(len(made)) / "base"
            gguf_samples.save_model(name, made[name])
        return made[name]

    return of


def test_every_family_has_its_record(recorded):
    assert set(recorded) == set(CASES)
    assert set.union(*ONLY_HERE.values()) == set(MEANT)


@pytest.mark.slow
@pytest.mark.parametrize("name", CASES)
def test_a_file_says_what_llama_cpps_converter_says(name, folder, recorded):
    for kind, expected in recorded[name].items():
        found = gguf_samples.facts(write(folder(name), kind))
        assert found["tensors"] == expected["tensors"]
        assert differences(expected["metadata"], found["metadata"]) == ONLY_HERE[CASES[name].family]


def test_pieces_without_scores_get_them_in_the_order_of_their_merges(folder):
    """What tokenizer.model would hold: the scores that the converter has written."""
    made, stored = vocabulary(folder("gemma3 text")), pieces(folder("gemma3 text"))
    merged = [i for i, (text, _, kind) in enumerate(stored) if kind == 1 and len(text) > 1]
    assert len(merged) > 200
    assert sorted(merged, key=lambda i: -made.scores[i]) == sorted(
        merged, key=lambda i: -stored[i][1]
    )
    assert [made.tokens[i] for i in merged] == [stored[i][0] for i in merged]


@pytest.mark.parametrize("name", [name for name in CASES if name.endswith("with images")])
def test_only_the_text_model_of_one_with_images_is_loaded(name, folder):
    from safetensors.torch import load_file

    from twinlib.models.exportable import stored

    model, _ = load.load(load.prepare(str(folder(name))), precision="32-bit")
    weights, loaded = load_file(folder(name) / "model.safetensors"), model.state_dict()
    for plain, (_, own, _) in stored(folder(name)).items():
        assert (loaded[plain] == weights[own].float()).all(), plain
    known = {"lm_head.weight"} if model.config.tie_word_embeddings else set()
    assert set(loaded) - set(stored(folder(name))) <= known


# Tokens


def test_there_are_200_strings():
    assert len(set(gguf_samples.strings())) == len(gguf_samples.strings()) == 200


def composed(text):
    return unicodedata.normalize("NFC", text) == text


def short_blanks(text):
    return "▁" not in text and " " * 32 not in text


def without_marks(text):
    """llama.cpp's Tekken splits words at combining marks, such as the vowels of Devanagari."""
    return not any(unicodedata.category(character).startswith("M") for character in text)


# Which strings must have the same tokens; llama.cpp can't do the others, in the converter's files
# neither.
ALIKE = {
    # Qwen's tokenizer composes characters first (NFC), llama.cpp takes them as they come.
    "qwen2 tied": composed,
    # llama.cpp's GPT-4o splits words at combining marks too, as its Tekken does.
    "phi4 mini": without_marks,
    "qwen3.5 small": composed,
    "llama 3.2 tied": lambda text: True,
    "smollm2": lambda text: True,
    "mistral": without_marks,
    # A ▁ that somebody typed is a blank to llama.cpp; a run of more than 31 blanks it cuts from the
    # left.
    "gemma3 text": short_blanks,
    "gemma4 dense": short_blanks,
}


@pytest.mark.slow
@pytest.mark.parametrize("name", ALIKE)
def test_llama_cpp_cuts_200_strings_as_transformers_does(name, folder):
    path = write(folder(name), "F16")
    others = other_tokens(folder(name), path)
    assert [text for text in others if ALIKE[name](text)] == []
    assert len(others) <= 8


@pytest.mark.slow
def test_what_qwen_composes_has_the_same_tokens_once_it_is_composed(folder):
    path, tokenizer = write(folder("qwen2 tied"), "F16"), words(folder("qwen2 tied"))
    texts = [text for text in gguf_samples.strings() if not composed(text)]
    assert len(texts) > 5
    with Llama(path, context=256) as llama:
        for text in texts:
            assert (
                llama.tokenize(unicodedata.normalize("NFC", text)) == tokenizer(text)["input_ids"]
            )


@pytest.mark.parametrize("name", ALIKE)
def test_transformers_cuts_200_strings_as_the_stored_tokenizer_does(name, folder):
    """transformers 5 builds some families' tokenizers anew instead of reading all of
    tokenizer.json.
    """
    from tokenizers import Tokenizer

    stored, loaded = Tokenizer.from_file(str(folder(name) / "tokenizer.json")), words(folder(name))
    assert [
        text
        for text in gguf_samples.strings()
        if loaded(text)["input_ids"] != stored.encode(text).ids
    ] == []


@pytest.mark.parametrize(
    "name, normalizer",
    [
        (
            "gemma",
            None,
        ),  # Llama 2 and its heirs: a blank before the first word, which Gemma's files don't add
        ("gemma", {"type": "Prepend", "prepend": "▁"}),
        ("qwen", {"type": "Lowercase"}),
    ],
)
def test_a_tokenizer_that_changes_texts_in_another_way_is_refused(name, normalizer, tmp_path):
    from transformers import PreTrainedTokenizerFast

    gguf_samples.save_tokenizer(name, tmp_path, gguf_samples.vocabulary(name))
    path = tmp_path / "tokenizer.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "normalizer": normalizer}))
    with pytest.raises(TwinError, match="llama.cpp can't use this base's tokenizer"):
        gguf_vocabulary.read(PreTrainedTokenizerFast.from_pretrained(tmp_path), 1024, [2])


@pytest.mark.parametrize(
    "text, control",
    [
        ("<|User|>", True),
        ("<｜User｜>", True),
        ("<unused7>", True),
        ("<mask>", True),
        ("<b>", False),
        ("<think>", False),
        ("\n\n", False),
    ],
)
def test_added_tokens_that_look_like_control_tokens_are_such(text, control):
    described = {"added_tokens": [{"id": 7, "content": text, "special": False}]}
    expected = gguf_vocabulary.CONTROL if control else gguf_vocabulary.USER_DEFINED
    assert gguf_vocabulary.added_tokens(described) == ({7: text}, {7: expected})
