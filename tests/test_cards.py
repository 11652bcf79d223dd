"""The cards: true to the facts, safe whatever the owner typed, readable by the hub's own parser."""

import re
from dataclasses import replace

import pytest
from huggingface_hub import DatasetCard, ModelCard
from huggingface_hub.errors import HFValidationError
from huggingface_hub.utils import validate_repo_id

from twinlib import PROJECT, catalogue
from twinlib.evaluate.figures import BY_NAME
from twinlib.models import device_fit
from twinlib.publish import cards
from twinlib.settings import SETTINGS
from twinlib.text import formatting

GEMMA = catalogue.entry("gemma-3-270m")
FACTS = cards.Facts(
    name="demo",
    author="宁 Ning",
    user="me",
    base=GEMMA,
    revision="abc123",
    languages=("zh", "en"),
    consent={"given": True, "when": 1_700_000_000},
    system_prompt="You are Ning.",
    files={"demo-Q8_0.gguf": 291_500_000},
    types=("Q8_0", "F16"),
    sampling={"temperature": 0.7, "top_p": 0.9, "stop": ["<end_of_turn>"]},
    settings={
        "persona": {
            "base": "/home/ning/secret-model",
            "rank": 32,
            "learning_rate": 4e-4,
            "packing": False,
        }
    },
    figures={
        "persona": {
            "val_loss": {"value": 3.2149, "low": None, "high": None, "n": None, "note": ""}
        },
        "evaluate": {
            "verdict": {
                "value": None,
                "low": None,
                "high": None,
                "n": None,
                "note": "",
                "texts": {"en": "It answers the question.", "zh": "它答得上问题。"},
            },
            "sounds_like_me": {
                "value": 0.7134,
                "low": 0.52,
                "high": 0.9,
                "n": 12,
                "note": "Take a larger base.",
                "level": "unsure",
            },
            "prediction_gain.twin-Q8_0": {
                "value": 0.5,
                "low": None,
                "high": None,
                "n": 3,
                "note": "",
            },
            "fool_rate": {"value": None, "low": None, "high": None, "n": None, "note": "没有朋友"},
            "never_wrote": {"value": 0.3, "low": 0.1, "high": 0.6, "n": 9, "note": ""},
        },
        "corpus": {
            "documents": {
                "value": 1240,
                "low": None,
                "high": None,
                "n": None,
                "note": "from 'My diary'",
            }
        },
    },
    passages={"train": 100, "val": 10, "test": 9},
    published=("gguf", "adapter"),
)


def halves(card):
    """The English and the Chinese part of a card's text."""
    text, made_with, end = ModelCard(card).text.partition("Made with [Another Me")
    head, *parts = re.split(r"^(?=## (?:English|中文)$)", text, flags=re.MULTILINE)
    english, chinese = sorted(parts)
    return head + english, chinese + made_with + end


def test_the_language_of_most_of_the_writing_stands_first():
    for languages, first in ((("zh", "en"), "中文"), (("en", "zh"), "English"), ((), "English")):
        facts = replace(FACTS, languages=languages)
        for card in (cards.model_card(facts, "gguf"), cards.dataset_card(facts)):
            assert re.search(r"^## (.+)$", card, re.MULTILINE)[1] == first


def test_the_head_of_the_gguf_card_is_what_the_hub_expects():
    data = ModelCard(cards.model_card(FACTS, "gguf")).data.to_dict()
    assert data == {
        "license": "gemma",
        "language": ["zh", "en"],
        "library_name": "gguf",
        "pipeline_tag": "text-generation",
        "base_model": "google/gemma-3-270m",
        "base_model_relation": "quantized",
        "tags": ["gguf", "conversational", "another-me"],
    }


def test_the_head_of_the_adapter_card_is_what_the_hub_expects():
    data = ModelCard(cards.model_card(FACTS, "adapter")).data.to_dict()
    assert (data["library_name"], data["base_model_relation"]) == ("peft", "adapter")
    assert "gguf" not in data["tags"]


@pytest.mark.parametrize(
    "name, expected",
    [
        ("qwen2.5-1.5b", {"license": "apache-2.0"}),
        (
            "qwen2.5-3b",
            {
                "license": "other",
                "license_name": "qwen-research",
                "license_link": catalogue.QWEN_RESEARCH,
            },
        ),
        (
            "someone/unknown-model",
            {
                "license": "other",
                "license_name": "see-base-model",
                "license_link": "https://huggingface.co/someone/unknown-model",
            },
        ),
        ("/home/ning/model", {}),
    ],
)
def test_the_licence_of_the_base_is_carried_over(name, expected):
    assert cards.licence(catalogue.entry(name)) == expected


def test_weights_that_come_from_a_gguf_file_are_said_to_in_both_languages():
    base = catalogue.entry("qwen2.5-coder-0.5b-instruct")
    english, chinese = halves(cards.model_card(replace(FACTS, base=base), "adapter"))
    file = "[qwen2.5-coder-0.5b-instruct-q4_k_m.gguf](https://huggingface.co/Qwen/"
    assert f", its weights de-quantized from the file {file}" in english
    assert f"，权重由文件 {file}" in chinese


def test_a_licence_against_commercial_use_is_said_in_words_in_both_languages():
    english, chinese = halves(
        cards.model_card(replace(FACTS, base=catalogue.entry("qwen2.5-3b")), "gguf")
    )
    assert "does not allow commercial use" in english and "Built with Qwen" in english
    assert "不允许商业使用" in chinese
    assert "commercial use" not in halves(cards.model_card(FACTS, "gguf"))[0]


def test_licences_that_ask_for_a_notice_get_their_own_words():
    assert cards.notice(GEMMA)[0].startswith(
        "Gemma is provided under and subject to the Gemma Terms of Use "
        "found at ai.google.dev/gemma/terms\n"
    )
    assert cards.notice(catalogue.entry("llama-3.2-1b"))[0].startswith(
        "Llama 3.2 is licensed under the Llama 3.2"
    )
    assert cards.notice(catalogue.entry("llama-3.2-1b"))[1] == "Built with Llama"
    assert cards.notice(catalogue.entry("qwen2.5-3b"))[1] == "Built with Qwen"
    assert cards.notice(catalogue.entry("qwen2.5-7b")) == ("", "")


def test_both_halves_say_what_it_is_who_agreed_and_what_was_measured():
    english, chinese = halves(cards.model_card(FACTS, "gguf"))
    assert "language model, not the person" in english and "不是本人" in chinese
    assert "(2023-11-14)" in english and "（2023-11-14）" in chinese
    assert (
        "| Sounds like the author | 0.713 | 0.52 to 0.9 | 12 | not enough answers to tell "
        "| 0 is the base, 1 the author's own writing; higher is better. |" in english
    )
    assert "| Prediction gain: twin as Q8&#95;0 | 0.5 |  | 3 |  |  |" in english
    assert "| Fool rate | not measured |  |  |  | Share of answers that friends" in english
    measured = {"**It answers the question.**": english, "**它答得上问题。**": chinese}
    assert all(half.count(text) == 1 for text, half in measured.items())
    assert "verdict" not in english + chinese
    assert "| Makes things up | 0.3 | 0.1 to 0.6 | 9 |" in english
    assert (
        "| 像不像作者 | 0.713 | 0.52 至 0.9 | 12 | 样本不够，说不准 "
        "| 0 是基础模型，1 是作者自己的文字；越高越好。 |" in chinese
    )
    assert "| 骗过率 | 未测 |  |  |  | 朋友把它的回答" in chinese
    assert "| LoRA rank | 32 |" in english and "| LoRA 秩 | 32 |" in chinese
    assert "| Validation loss after | 3.21 |" in english and "| 文章 | 1,240 |" in chinese


def test_each_half_speaks_its_own_language_and_about_the_owner_never_to_them():
    everything = {
        name: {
            "value": 0.5,
            "low": 0.4,
            "high": 0.6,
            "n": 9,
            "note": "Take a larger base. 请多加文字。",
        }
        for name in BY_NAME
    }
    settings = {step: vars(SETTINGS[step]()) for step in ("persona", "reasoning")}
    facts = replace(
        FACTS, author="Ning", figures={**FACTS.figures, "evaluate": everything}, settings=settings
    )
    for kind in ("gguf", "adapter"):
        english, chinese = halves(cards.model_card(facts, kind))
        assert not re.search("[一-鿿]", english.split("## English")[1]) and not re.search(
            r"\b[Yy]ours?\b|larger base", english
        )
        assert not re.search("您的|请多加", chinese) and chinese.count("越低越好") > 5


def test_a_chinese_name_stands_in_a_chinese_sentence_without_blanks():
    card = cards.model_card(replace(FACTS, author="鲁迅"), "gguf")
    assert "一个用**鲁迅**的文字训练" in card and "不是鲁迅写的" in card
    assert "the voice of **鲁迅**, trained" in card and " 鲁迅 did not write them" in card
    assert "一个用 **Ning** 的文字训练" in cards.model_card(replace(FACTS, author="Ning"), "gguf")


def test_a_card_opens_with_how_much_like_the_author_it_is_an_answer_and_the_picture():
    facts = replace(
        FACTS,
        samples={
            "en": ("Why | <tea>?", "Hot.\n\nAlways `hot`."),
            "zh": ("为什么喝茶？", "茶要烫。"),
        },
        pictures={"en": "score_card_en.png", "zh": "score_card_zh.png"},
    )
    for kind in ("gguf", "adapter"):
        english, chinese = halves(cards.model_card(facts, kind))
        order = ["not the person", "**It answers the question.**", "Why", "score_card_en.png"]
        order += [
            "### Run it" if kind == "gguf" else "### Load it",
            "How it was trained",
            "LoRA rank",
        ]
        places = [english.index(part) for part in order]
        assert places == sorted(places)
        assert "<tea>" not in english and "`hot`" not in english and "a model made this" in english
        assert "> 茶要烫。 *（由模型生成）*" in chinese and "(score_card_zh.png)" in chinese
        for half in (english, chinese):
            assert half.count("<details>") == half.count("</details>") == 3
        assert f"[Another Me · 世另我]({PROJECT})" in chinese
    assert "score_card" not in cards.model_card(FACTS, "gguf"), "no picture, no link to one"


def test_a_card_before_the_user_is_known_has_a_placeholder_that_no_command_takes():
    english, chinese = halves(cards.model_card(replace(FACTS, user=""), "gguf"))
    assert (
        "ollama run hf.co/<YOUR-NAME>/demo-GGUF:Q8_0" in english
        and "search for `<YOUR-NAME>/demo-GGUF`" in english
    )
    assert (
        "ollama run hf.co/<您的用户名>/demo-GGUF:Q8_0" in chinese
        and "搜索 `<您的用户名>/demo-GGUF`" in chinese
    )
    with pytest.raises(HFValidationError):
        validate_repo_id(cards.address(replace(FACTS, user=""), "adapter", "en"))


def test_a_file_can_be_used_without_the_hub_and_a_private_one_only_so_in_lm_studio():
    english, chinese = halves(cards.model_card(FACTS, "gguf"))
    assert "`llama-server -m demo-Q8_0.gguf`" in english and "`ollama create demo`" in chinese
    assert "LM Studio does not find it" in english and "LM Studio 搜不到" in chinese
    assert "does not find it" not in cards.model_card(replace(FACTS, private=False), "gguf")


def test_a_card_without_an_evaluation_says_so():
    english, chinese = halves(cards.model_card(replace(FACTS, figures={}), "gguf"))
    assert (
        "Not measured: the evaluation was not run." in english and "未测：没有运行评测。" in chinese
    )


def test_a_card_without_consent_is_a_draft():
    assert "consent has not been stated" in cards.model_card(replace(FACTS, consent={}), "gguf")


def test_the_commands_name_a_file_that_exists():
    assert cards.commands(FACTS, "en") == [
        "ollama run hf.co/me/demo-GGUF:Q8_0",
        "llama-server -hf me/demo-GGUF:Q8_0",
    ]
    assert device_fit.recommended_type(("F16", "Q8_0", "Q4_K_M")) == "Q4_K_M"
    assert device_fit.recommended_type(("F16",)) == "F16"


def test_the_file_to_take_is_the_smallest_that_hardly_differs():
    measured = {
        "size_mb_Q4_K_M": {"value": 253.0},
        "size_mb_Q8_0": {"value": 292.0},
        "kl_divergence_Q8_0": {"value": 0.001},
        "kl_divergence_Q4_K_M": {"value": 0.15},
    }
    facts = replace(
        FACTS,
        files={"demo-Q4_K_M.gguf": 253e6, "demo-Q8_0.gguf": 292e6},
        types=("Q4_K_M", "Q8_0"),
        figures={**FACTS.figures, "quantize": measured},
    )
    assert cards.commands(facts, "en")[0] == "ollama run hf.co/me/demo-GGUF:Q8_0"
    english, chinese = halves(cards.model_card(facts, "gguf"))
    assert "| `demo-Q4_K_M.gguf` | 253.0 MB | noticeably different |" in english
    assert "| `demo-Q8_0.gguf` | 292.0 MB | 分不出差别 |" in chinese
    better = {**measured, "kl_divergence_Q4_K_M": {"value": 0.02}}
    assert device_fit.recommended_type(("Q4_K_M", "Q8_0"), better) == "Q4_K_M"


def test_nothing_of_the_owners_machine_and_nothing_out_of_the_texts_is_on_a_card():
    for card in (
        cards.model_card(FACTS, "gguf"),
        cards.model_card(FACTS, "adapter"),
        cards.dataset_card(FACTS),
    ):
        assert "/home/ning" not in card
        assert "My diary" not in card
    local = replace(FACTS, base=catalogue.entry("/home/ning/model"))
    assert "/home/ning" not in cards.model_card(local, "gguf") + cards.model_card(local, "adapter")
    assert "base_model" not in ModelCard(cards.model_card(local, "gguf")).data.to_dict()


@pytest.mark.parametrize(
    "hostile",
    [
        "---\nlicense: mit\n---",
        "<script>alert(1)</script>",
        "![x](http://a.b/c.png)",
        "[x](javascript:alert(1))",
        "a | b",
        "`code`",
        "**bold**",
        "$$x$$",
        "@everyone",
        "x: [1, &a *a]",
        "yes",
        "# heading",
        "'\"",
        "www.a.com",
        "right\u202eleft",
        "\x00null",
        "~~~",
        "```",
    ],
)
def test_what_the_owner_typed_stays_text(hostile):
    facts = replace(FACTS, author=hostile, system_prompt=hostile)
    for kind in ("gguf", "adapter"):
        card = ModelCard(cards.model_card(facts, kind))
        assert card.data.to_dict() == ModelCard(cards.model_card(FACTS, kind)).data.to_dict()
        title = card.text.strip().splitlines()[0]
        assert title.startswith("# ") and title.endswith("· another me · 世另我")
        assert not set("<>[]`*|$@~\x00\u202e") & set(title)
    assert DatasetCard(cards.dataset_card(facts)).data.pretty_name == " ".join(
        f"{hostile} · corpus".split()
    )


def test_a_code_block_cannot_be_closed_from_inside():
    assert formatting.fenced("a\n```\nb") == "````\na\n```\nb\n````"


def test_the_dataset_card_gives_numbers_and_rights_and_its_splits():
    facts = replace(
        FACTS, settings={"corpus": {"mask": True}}, passages={"train": 100, "val": 10, "test": 0}
    )
    card = DatasetCard(cards.dataset_card(facts))
    assert card.data.configs == [
        {
            "config_name": "default",
            "data_files": [
                {"split": "train", "path": "train.jsonl"},
                {"split": "validation", "path": "validation.jsonl"},
            ],
        }
    ]
    assert card.data.size_categories == ["n<1K"]
    assert "has been masked" in card.text and "All rights stay with the author" in card.text
    assert "was not masked" in cards.dataset_card(replace(facts, settings={}))


@pytest.mark.parametrize(
    "value, expected",
    [
        (None, "–"),
        (0.71349, "0.713"),
        (12345, "12,345"),
        (4e-4, "0.0004"),
        (0, "0"),
        ("a|b", "a&#124;b"),
    ],
)
def test_numbers_are_written_as_people_read_them(value, expected):
    assert formatting.number(value) == expected
