"""One declaration per setting: parsing, limits, what is typed survives, both languages."""

import json
import re
from collections import Counter
from dataclasses import asdict, fields

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


def error_of(call):
    try:
        call()
    except Exception as error:
        return error


@pytest.mark.parametrize(
    "call, said",
    [
        (lambda: json.loads(""), "JSONDecodeError: Expecting value: line 1 column 1 (char 0)."),
        (lambda: "\ud800".encode(), "UnicodeEncodeError: 'utf-8' codec can't encode character"),
        (lambda: next(iter([]), None).x, "AttributeError: 'NoneType' object has no attribute 'x'."),
        (lambda: {}["x"], "KeyError: 'x'."),
        (lambda: (_ for _ in ()).throw(ValueError()), "ValueError: ValueError()."),
        (lambda: (_ for _ in ()).throw(ValueError("a\n  b")), "ValueError: a b."),
    ],
)
def test_an_error_of_a_library_is_named_and_says_what_to_do(call, said):
    words = settings.in_words(error_of(call))
    assert words.startswith(said) and words.endswith(
        "Set TWINLIB_DEBUG=1 to see where, and report it."
    )


def test_a_wrong_setting_is_its_sentence_alone():
    error = error_of(lambda: settings.make("persona", effort="huge"))
    assert settings.in_words(error) == str(error)
    assert str(error).startswith("Effort: 'huge' is none of")


def test_a_command_shows_no_bare_error_of_a_library(twin, monkeypatch, capsys):
    def damaged(*_):
        json.loads("")

    monkeypatch.setattr(settings, "sample", type("Damaged", (), {"source": damaged}))
    assert main(["corpus", "--twin", str(twin.path)]) == 1
    assert "JSONDecodeError: Expecting value" in capsys.readouterr().err


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


def test_what_another_version_was_asked_for_is_compared_by_the_settings_of_both():
    now = settings.make("quantize")
    saved = asdict(now)
    added, _ = saved.popitem()
    assert settings.as_asked(now, {**saved, "gone_setting": 3}) == asdict(now)
    assert settings.as_asked(now, {**saved, added: 200}) == {**asdict(now), added: 200}


def test_help_of_the_tour_explains_every_option(monkeypatch, capsys):
    monkeypatch.setenv("COLUMNS", "300")
    with pytest.raises(SystemExit):
        main(["tour", "--help"])
    said = capsys.readouterr().out
    assert all(f"--{name} …" in said for name in TOUR) and said.count("(as last time)") == len(TOUR)
    assert "Base model: " in said and "[smoke, quick, standard, thorough]" in said
