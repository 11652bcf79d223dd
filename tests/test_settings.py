"""One declaration per setting: parsing, limits, what is typed survives, both languages."""

import re
from collections import Counter
from dataclasses import fields

import pytest

from twinlib import i18n, settings
from twinlib.command_line import TOUR, main
from twinlib.twin import AUTO

EVERY_FIELD = [(step, field) for step, kind in settings.SETTINGS.items() for field in fields(kind)]


@pytest.mark.parametrize(
    "step, field", EVERY_FIELD, ids=lambda v: v if isinstance(v, str) else v.name
)
def test_every_field_has_its_texts_and_accepts_its_default(step, field):
    texts = settings.texts(step, field.name)
    assert set(texts) == {"label", "help"}
    for text in texts.values():
        assert set(text) == set(i18n.LANGUAGES) and all(map(str.strip, text.values()))
    assert re.search("[一-鿿]", texts["help"]["zh"])
    assert settings.parse(step, field, field.default) == field.default


def test_no_text_of_a_setting_is_left_over():
    """An entry belongs to a field of its step; a shared one to fields of several steps."""
    entries = i18n.data("settings")
    own = {(step, name) for step in settings.SETTINGS for name in entries[step]}
    every = {(step, field.name) for step, field in EVERY_FIELD}
    shared = Counter(name for _, name in every - own)
    assert own < every and set(entries) == {"descriptions", "choices", "shared", *settings.SETTINGS}
    assert set(shared) == set(entries["shared"]) and min(shared.values()) > 1


@pytest.mark.parametrize(
    "name, text, value",
    [
        ("rank", "8", 8),
        ("learning_rate", "1e-4", 1e-4),
        ("packing", "yes", True),
        ("packing", "no", False),
        ("rank", "auto", AUTO),
        ("effort", "smoke", "smoke"),
        ("packing", True, True),
    ],
)
def test_text_becomes_the_value_it_means(name, text, value):
    assert getattr(settings.make("persona", **{name: text}), name) == value


@pytest.mark.parametrize(
    "name, text, word",
    [
        ("rank", "eight", "whole number"),
        ("rank", "0", "outside"),
        ("rank", "10000", "outside"),
        ("rank", float("inf"), "whole number"),
        ("learning_rate", "nan", "outside"),
        ("effort", "huge", "none of"),
        ("packing", "perhaps", "yes or no"),
        ("effort", AUTO, "none of"),
        ("nonsense", "1", "no setting"),
    ],
)
def test_a_wrong_value_is_refused_in_a_sentence(name, text, word):
    with pytest.raises(ValueError, match=word):
        settings.make("persona", **{name: text})


def test_what_reveals_more_is_never_remembered(twin):
    twin.remember(
        settings={"publish": {"upload": True, "private": False, "corpus": True, "user": "me"}}
    )
    assert settings.remembered("publish", twin) == {"user": "me"}


@pytest.mark.parametrize("language, other", [("en", "zh"), ("zh", "en")])
def test_help_describes_every_step_in_the_readers_language(language, other, monkeypatch, capsys):
    monkeypatch.setenv("TWINLIB_LANG", language)
    monkeypatch.setenv("COLUMNS", "200")
    with pytest.raises(SystemExit):
        main(["--help"])
    said = capsys.readouterr().out
    descriptions = i18n.data("settings")["descriptions"]
    assert set(descriptions) == set(settings.SETTINGS)
    for text in descriptions.values():
        assert text[language] in said and text[other] not in said


@pytest.mark.parametrize(
    "language, lines",
    [
        (
            "en",
            (
                "Share of raw-text rows: Rows learnt as plain text, without a question. (0.25)",
                "Mask personal data: E-mail addresses, phone and card numbers and the like become "
                "placeholders. [yes, no] (yes)",
            ),
        ),
        (
            "zh",
            (
                "原文行的比例：不带问题、直接学习的原文。 (0.25)",
                "遮住个人信息：电子邮箱、电话、卡号等会换成占位符。 [yes, no] (yes)",
            ),
        ),
    ],
)
def test_help_names_a_setting_before_it_explains_it(language, lines, monkeypatch, capsys):
    monkeypatch.setenv("TWINLIB_LANG", language)
    monkeypatch.setenv("COLUMNS", "300")
    with pytest.raises(SystemExit):
        main(["corpus", "--help"])
    said = capsys.readouterr().out
    assert all(line in said for line in lines)


def test_help_of_the_tour_explains_every_option(monkeypatch, capsys):
    monkeypatch.setenv("COLUMNS", "300")
    with pytest.raises(SystemExit):
        main(["tour", "--help"])
    said = capsys.readouterr().out
    assert all(f"--{name} …" in said for name in TOUR) and said.count("(as last time)") == len(TOUR)
    assert "Base model: " in said and "[smoke, quick, standard, thorough]" in said
