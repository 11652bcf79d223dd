"""Forms: what people see and what comes out. Runs on ipywidgets 7 and 8: no heavy imports here."""

from dataclasses import asdict, fields

import ipywidgets as widgets
import pytest
from widget_tree import inside, text_of

from twinlib import Twin, settings
from twinlib.files import write_records
from twinlib.settings import SETTINGS
from twinlib.ui import base_models, forms

STEPS = ("corpus", "persona", "reasoning", "quantize", "evaluate", "publish")


@pytest.fixture
def twin(tmp_path):
    return Twin.open(tmp_path / "demo")


@pytest.mark.parametrize("step", STEPS)
def test_an_untouched_form_gives_the_defaults(step, twin):
    assert forms.form(step, twin).settings == SETTINGS[step]()


@pytest.mark.parametrize("step", STEPS)
def test_every_field_shows_its_label_and_help_in_both_languages(step, twin, monkeypatch):
    for language in ("en", "zh"):
        monkeypatch.setenv("TWINLIB_LANG", language)
        form = forms.form(step, twin)
        seen = text_of(form) + "".join(getattr(part, "description", "") for part in inside(form))
        for field in fields(SETTINGS[step]):
            texts = settings.texts(step, field.name)
            assert forms.esc(texts["help"][language]) in seen
            label = texts["label"][language]
            assert label in seen or forms.esc(label) in seen


def test_advanced_fields_are_in_a_closed_accordion(twin):
    form = forms.form("persona", twin)
    [accordion] = [part for part in inside(form) if isinstance(part, widgets.Accordion)]
    assert accordion.selected_index is None
    assert accordion.layout.max_width == form.hints["rank"].layout.max_width
    folded = set(inside(accordion))
    for field in fields(SETTINGS["persona"]):
        assert (form.inputs[field.name] in folded) == field.metadata["advanced"]


def test_a_form_of_some_fields_keeps_the_others(twin):
    twin.start("corpus", {"source": "my_posts", "short": 30})
    form = forms.form("corpus", twin, only=("author", "consent"))
    form.inputs["author"].value = "宁半圈"
    assert list(form.inputs) == ["author", "consent"]
    assert (form.settings.source, form.settings.short, form.settings.author) == (
        "my_posts",
        30,
        "宁半圈",
    )


def test_what_was_last_wanted_fills_the_form_and_a_keyword_wins(twin):
    twin.start(
        "persona",
        {**asdict(SETTINGS["persona"]()), "rank": 8, "effort": "standard", "base": "qwen3-4b"},
    )
    assert forms.form("persona", twin).settings.rank == 8
    form = forms.form("persona", twin, effort="smoke", base=None)
    assert (form.settings.effort, form.settings.base) == ("smoke", "qwen3-4b")


def test_uploading_publicly_or_with_texts_is_never_ticked_from_last_time(twin):
    twin.start("publish", {"user": "me", "upload": True, "private": False, "corpus": True})
    form = forms.form("publish", twin)
    assert form.settings == SETTINGS["publish"](user="me")
    assert [form.inputs[name].value for name in ("upload", "private", "corpus")] == [
        False,
        True,
        False,
    ]


def test_the_rows_are_read_once_in_a_form_however_much_is_typed(twin):
    write_records(
        twin.file("train"), [{"id": "1", "messages": [{"role": "user", "content": "one two"}]}] * 30
    )
    form = forms.form("persona", twin)
    assert form.planned.reasons["steps"].startswith("30 rows")
    twin.file("train").unlink()
    form.inputs["rank"].value = "12"
    assert form.planned.reasons["steps"].startswith("30 rows")


def test_in_both_languages_each_says_its_sentence_once(twin, monkeypatch):
    monkeypatch.setenv("TWINLIB_LANG", "both")
    form = forms.form("persona", twin)
    form.inputs["packing"].value = True
    assert "yours; auto would be · 您填的；自动会用 no · 否" in form.hints["packing"].value
    said = base_models.overview().text
    assert said.count("needs no hub") == 1 and said.count("no NVIDIA GPU") <= 1
    assert "(no commercial use · 禁止商用)" in said


def test_what_another_version_remembered_does_no_harm(twin):
    twin.remember(settings={"persona": {"rank": "huge", "colour": "green", "patience": 3}})
    assert forms.form("persona", twin).settings == SETTINGS["persona"](patience=3)


def test_auto_shows_the_planned_value_and_why(twin):
    form = forms.form("persona", twin, base="qwen2.5-7b")
    assert form.settings.rank == "auto"
    assert "auto → 16 (the usual for 7.6 billion parameters)" in form.hints["rank"].value


def test_a_typed_value_survives_a_new_plan(twin):
    form = forms.form("persona", twin, base="qwen2.5-7b")
    form.inputs["rank"].value = "12"
    form.inputs["base"].value = "qwen2.5-0.5b"
    assert form.settings.rank == 12 and form.settings.base == "qwen2.5-0.5b"
    assert form.planned.values["rank"] == 32
    assert "yours; auto would be 32" in form.hints["rank"].value
    assert "auto would be" not in form.hints["base"].value, (
        "the plan follows the base that was chosen"
    )


def test_an_emptied_box_is_auto_again(twin):
    form = forms.form("persona", twin)
    form.inputs["rank"].value = "12"
    form.inputs["rank"].value = " "
    assert form.settings.rank == "auto"


@pytest.mark.parametrize(
    "step, name, typed, sentence",
    [
        ("persona", "rank", "lots", "rank: 'lots' is not a whole number."),
        ("persona", "rank", "999", "rank: 999 is outside 1 to 256."),
        ("persona", "learning_rate", "nan", "learning_rate: nan is outside 1e-06 to 0.01."),
        ("corpus", "raw_share", "0.9", "raw_share: 0.9 is outside 0.0 to 0.5."),
    ],
)
def test_a_wrong_value_is_a_sentence_at_once_and_in_the_error(step, name, typed, sentence, twin):
    form = forms.form(step, twin)
    form.inputs[name].value = typed
    assert forms.esc(sentence) in form.hints[name].value
    with pytest.raises(ValueError) as error:
        form.settings
    assert str(error.value) == sentence
    assert error.value._render_traceback_() == [sentence]
    form.inputs[name].value = str(form.fields[[f.name for f in form.fields].index(name)].default)
    assert form.settings and forms.esc(sentence) not in form.hints[name].value


def test_a_wrong_keyword_is_a_sentence(twin):
    with pytest.raises(
        ValueError, match="effort: 'huge' is none of: smoke, quick, standard, thorough."
    ):
        forms.form("persona", twin, effort="huge")
    with pytest.raises(ValueError, match="There is no setting 'colour' in persona."):
        forms.form("persona", twin, colour="green")


def test_yes_no_and_auto_are_choices(twin):
    form = forms.form("persona", twin)
    assert [label for label, _ in form.inputs["packing"].options] == ["auto", "yes", "no"]
    form.inputs["packing"].value = False
    assert form.settings.packing is False
    form = forms.form("corpus", twin)
    form.inputs["consent"].value = True
    assert form.settings.consent is True


def test_bases_are_offered_with_size_licence_and_fit(twin):
    offers = {name: text for text, name in forms.form("persona", twin).inputs["base"].names.options}
    assert offers["qwen2.5-3b"].startswith(
        "qwen2.5-3b · 3.09B · qwen-research (no commercial use) · "
    )
    assert offers["qwen2.5-coder-0.5b-instruct"].endswith("fits (16-bit)")


def test_any_other_base_can_be_typed(twin):
    form = forms.form("persona", twin)
    base = form.inputs["base"]
    assert base.other.layout.display == "none"
    assert [name for name, control in form.inputs.items() if control.layout.display == "none"] == []
    assert base.names.layout.display != "none"
    base.names.value = forms.OTHER
    assert base.other.layout.display == ""
    base.other.value = " someone/their-model "
    assert form.settings.base == "someone/their-model"
    assert (
        forms.form("persona", twin, base="/models/mine").inputs["base"].other.value
        == "/models/mine"
    )


def test_what_people_typed_is_never_markup(twin):
    evil = "<img src=x onerror=alert(1)>"
    twin.start("persona", {"base": evil})
    form = forms.form("persona", twin)
    form.inputs["rank"].value = evil
    assert "<img" not in text_of(form) and "&lt;img" in text_of(form)
